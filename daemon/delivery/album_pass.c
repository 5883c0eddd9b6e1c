/* album_pass.c - see album_pass.h. */
#include "album_pass.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "master.h"

#define GAIN_RAMP_S 0.01 /* from one track's gain to the next, where they meet */

int64_t album_spool_give(void *data, float *const *channels, uint32_t n_frames,
			 struct mixd_error *err)
{
	return spool_read(data, channels, n_frames, err);
}

static double linear(double db)
{
	return pow(10, db / 20);
}

/* The gain at FRAME: that of its track, and a ramp where the next one begins. */
static void pass_gain(struct album_pass *pass, float *const *channels, int64_t n)
{
	const struct album *album = pass->album;
	double ramp = GAIN_RAMP_S * album->rate;

	for (int64_t i = 0; i < n; i++) {
		int64_t frame = pass->frame + i;
		double gain, before, x;

		while (pass->track + 1 < album->n_tracks &&
		       frame >= album->track[pass->track + 1].mark)
			pass->track++;
		gain = album->track[pass->track].album_gain_db;
		before = pass->track ? album->track[pass->track - 1].album_gain_db : gain;
		x = (double)(frame - album->track[pass->track].mark) / ramp;
		if (x < 1)
			gain = before + (gain - before) * x;
		if (gain == 0)
			continue;
		gain = linear(gain);
		channels[0][i] = (float)((double)channels[0][i] * gain);
		channels[1][i] = (float)((double)channels[1][i] * gain);
	}
}

/* Exactly as many frames as the album has. */
static int64_t pass_read(void *data, float *const *channels, uint32_t n_frames,
			 struct mixd_error *err)
{
	struct album_pass *pass = data;
	int64_t left = pass->album->n_frames - pass->frame, n;

	if (left <= 0)
		return 0;
	if (n_frames > left)
		n_frames = (uint32_t)left;
	n = spool_read(pass->spool, channels, n_frames, err);
	if (n < 0)
		return n;
	if (n == 0) {
		memset(channels[0], 0, n_frames * sizeof(float));
		memset(channels[1], 0, n_frames * sizeof(float));
		n = n_frames;
	}
	pass_gain(pass, channels, n);
	pass->frame += n;
	return n;
}

static const char plain_session[] = "mixd: 1\n"
				    "nodes:\n"
				    "  in: {type: input, layout: stereo}\n"
				    "  out: {type: output, layout: stereo}\n"
				    "links: [in -> out]\n";
static const char limited_session[] = "mixd: 1\n"
				      "nodes:\n"
				      "  in: {type: input, layout: stereo}\n"
				      "  limit: {type: limiter}\n"
				      "  out: {type: output, layout: stereo}\n"
				      "links: [in -> limit -> out]\n";

int album_pass_init(struct album_pass *pass, struct job *job, struct album *album,
		    struct spool *spool, struct mixd_error *err)
{
	*pass = (struct album_pass){
		.album = album,
		.spool = spool,
		.source = {pass_read, pass, 2, NULL},
		.input = {.source = &pass->source},
		.set = {pass->ceiling},
		.meter = {"limit.gr"},
		.request = {.session = album->limiter ? limited_session : plain_session,
			    .session_name = "mixd",
			    .set = pass->set,
			    .n_set = album->limiter ? 1 : 0,
			    .rate = album->rate,
			    .end_s = (double)album->n_frames / album->rate,
			    .input = &pass->input,
			    .n_inputs = 1,
			    .meter = pass->meter,
			    .ret_meter = &album->reduction_db,
			    .n_meters = album->limiter ? 1 : 0},
	};
	snprintf(pass->ceiling, sizeof(pass->ceiling), "limit.ceiling=%.6fdBTP",
		 (isnan(album->ceiling_dbtp) ? -1 : album->ceiling_dbtp) - MASTER_MARGIN_DB);
	return job_types(job, &pass->request.types, err);
}
