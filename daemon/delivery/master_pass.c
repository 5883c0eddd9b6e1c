/* master_pass.c - one deliverable, written once: gain, limiter, quantiser, encoder. */
#include "master_private.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char pass_limited[] = "mixd: 1\n"
				   "nodes:\n"
				   "  in: {type: input, layout: auto}\n"
				   "  limit: {type: limiter, auto_release: on}\n"
				   "  out: {type: output, layout: auto}\n"
				   "links: [in -> limit -> out]\n";
static const char pass_gained[] = "mixd: 1\n"
				  "nodes:\n"
				  "  in: {type: input, layout: auto}\n"
				  "  gain: {type: gain}\n"
				  "  out: {type: output, layout: auto}\n"
				  "links: [in -> gain -> out]\n";

/* What a gain and a limiter's drive can do; the rest is done where the source is read. */
#define PASS_NODE_DB 24.0
#define PASS_FADE_S 0.005 /* where parts meet: an edge would be a peak of its own */

/* All of the source, or parts of it, one behind the other. */
struct pass_feed {
	struct master_source *source;
	const struct master_pass *pass;
	uint32_t part;
	int64_t part_frames, done; /* of this part */
	float lift; /* factor */
};

static void pass_fade(const struct pass_feed *feed, float *const *channels, int64_t n)
{
	double fade = PASS_FADE_S * feed->source->rate;

	for (int64_t i = 0; i < n; i++) {
		double in = (double)(feed->done + i) / fade;
		double out = (double)(feed->part_frames - feed->done - i) / fade;
		double gain = fmin(1, fmin(in, out));

		for (uint32_t c = 0; gain < 1 && c < feed->source->layout.n_channels; c++)
			channels[c][i] *= (float)gain;
	}
}

static int64_t pass_read(struct pass_feed *feed, float *const *channels, uint32_t n_frames,
			 struct mixd_error *err)
{
	int64_t n = master_source_read(feed->source, channels, n_frames, err);

	if (feed->lift != 1)
		for (uint32_t c = 0; c < feed->source->layout.n_channels; c++)
			for (int64_t i = 0; i < n; i++)
				channels[c][i] *= feed->lift;
	return n;
}

static int64_t pass_give(void *data, float *const *channels, uint32_t n_frames,
			 struct mixd_error *err)
{
	struct pass_feed *feed = data;
	int64_t n;

	if (!feed->pass->n_parts)
		return pass_read(feed, channels, n_frames, err);
	while (feed->part < feed->pass->n_parts) {
		if (feed->done == 0) {
			double at_s = feed->pass->part_s[feed->part];
			int r = master_source_seek(feed->source, llround(at_s * feed->source->rate),
						   err);

			if (r < 0)
				return r;
		}
		if (n_frames > feed->part_frames - feed->done)
			n_frames = (uint32_t)(feed->part_frames - feed->done);
		n = n_frames ? pass_read(feed, channels, n_frames, err) : 0;
		if (n < 0)
			return n;
		if (n > 0) {
			pass_fade(feed, channels, n);
			feed->done += n;
			return n;
		}
		feed->part++;
		feed->done = 0;
		n_frames = 1; /* the next part gives at least something */
	}
	return 0;
}

int master_pass_run(struct master *master, struct master_source *source,
		    const struct master_goal *goal, struct master_pass *pass,
		    struct mixd_error *err)
{
	bool is_limited = !isnan(pass->limit_dbtp);
	double node_db = fmax(-PASS_NODE_DB, fmin(pass->drive_db, PASS_NODE_DB));
	struct pass_feed feed = {.source = source,
				 .pass = pass,
				 .part_frames = llround(MASTER_PART_S * source->rate),
				 .lift = (float)pow(10, (pass->drive_db - node_db) / 20)};
	struct render_source give = {pass_give, &feed, source->layout.n_channels, &source->layout};
	struct render_input input = {.source = &give};
	struct render_output output = {.path = pass->path, .target = goal->target};
	char gain[64], ceiling[64];
	const char *set[2] = {gain, ceiling}, *meter[1] = {"limit.gr"};
	double reduction_db = 0;
	struct render_request request = {.session = is_limited ? pass_limited : pass_gained,
					 .session_name = "mixd",
					 .set = set,
					 .n_set = is_limited ? 2 : 1,
					 .rate = source->rate,
					 .seed = master->request->seed,
					 .n_threads = master->request->n_threads,
					 .input = &input,
					 .n_inputs = 1,
					 .output = &output,
					 .n_outputs = 1,
					 .meter = meter,
					 .ret_meter = &reduction_db,
					 .n_meters = is_limited ? 1 : 0};
	struct render_report report;
	int r = job_types(master->job, &request.types, err);

	snprintf(gain, sizeof(gain), "%s=%.6fdB", is_limited ? "limit.drive" : "gain.gain",
		 node_db);
	snprintf(ceiling, sizeof(ceiling), "limit.ceiling=%.6fdBTP", pass->limit_dbtp);
	if (r == 0)
		r = master_source_rewind(source, err);
	if (r == 0)
		r = render_run(&request, job_task(master->job), &report, err);
	pass->reduction_db = reduction_db;
	return r;
}
