/* media_resample.c - see media_resample.h.
 *
 * STRUCTURE   soxr's own end is a frame short or long at times; so it is never told of it. It hears
 *             silence behind the input until the last frame that is due has come out. */
#include "media_resample.h"

#include <errno.h>
#include <math.h>
#include <soxr.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_FRAMES 2048u

struct media_resampler {
	double from, to;
	uint32_t n_channels;
	soxr_t soxr;
	int64_t taken, given; /* frames */
	int64_t due; /* all that will be given; -1: the end is not known */
	float *block; /* owned: n_channels * BLOCK_FRAMES, for media_resampler_read() */
	uint32_t have, at; /* frames in it */
	bool is_ended;
	float silence[BLOCK_FRAMES];
};

int64_t media_resampler_length(double from, double to, int64_t n)
{
	if (from == floor(from) && to == floor(to))
		return (int64_t)(((__int128)n * (int64_t)to + (int64_t)from - 1) / (int64_t)from);
	return (int64_t)ceill((long double)n * (long double)to / (long double)from);
}

int media_resampler_new(double from, double to, uint32_t n_channels, struct media_resampler **ret)
{
	soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_S, SOXR_FLOAT32_S);
	soxr_quality_spec_t quality = soxr_quality_spec(SOXR_VHQ, 0);
	soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
	struct media_resampler *resampler;
	soxr_error_t error = NULL;

	if (!(from >= 1 && to >= 1) || n_channels < 1 || n_channels > MEDIA_CHANNELS_MAX)
		return -EINVAL;
	resampler = calloc(1, sizeof(*resampler));
	if (!resampler)
		return -ENOMEM;
	resampler->from = from;
	resampler->to = to;
	resampler->n_channels = n_channels;
	resampler->due = -1;
	resampler->block = malloc(sizeof(float) * BLOCK_FRAMES * n_channels);
	resampler->soxr = soxr_create(from, to, n_channels, &error, &io, &quality, &runtime);
	if (!resampler->block || !resampler->soxr || error) {
		media_resampler_free(resampler);
		return -ENOMEM;
	}
	*ret = resampler;
	return 0;
}

static int resampler_step(struct media_resampler *resampler, const float *const *in, uint32_t *n_in,
			  float *const *out, uint32_t *n_out)
{
	size_t used = 0, made = 0;

	if (soxr_process(resampler->soxr, (soxr_in_t)in, *n_in, &used, (soxr_out_t)out, *n_out,
			 &made))
		return -EIO;
	*n_in = (uint32_t)used;
	*n_out = (uint32_t)made;
	return 0;
}

/* After the end: what is due and has not come. */
static int resampler_drain(struct media_resampler *resampler, float *const *out, uint32_t *n_out)
{
	const float *silence[MEDIA_CHANNELS_MAX];
	float *to[MEDIA_CHANNELS_MAX];
	uint32_t done = 0;
	int64_t left;

	if (resampler->due < 0)
		resampler->due =
			media_resampler_length(resampler->from, resampler->to, resampler->taken);
	left = resampler->due - resampler->given;
	for (uint32_t c = 0; c < resampler->n_channels; c++)
		silence[c] = resampler->silence;
	while (done < *n_out && left > 0) {
		uint32_t n_in = BLOCK_FRAMES, n = *n_out - done;
		int r;

		n = n < left ? n : (uint32_t)left;
		for (uint32_t c = 0; c < resampler->n_channels; c++)
			to[c] = out[c] + done;
		r = resampler_step(resampler, silence, &n_in, to, &n);
		if (r < 0)
			return r;
		if (n_in == 0 && n == 0)
			return -EIO;
		done += n;
		left -= n;
	}
	resampler->given += done;
	*n_out = done;
	return 0;
}

int media_resampler_run(struct media_resampler *resampler, const float *const *in, uint32_t *n_in,
			float *const *out, uint32_t *n_out)
{
	int r;

	if (!in)
		return resampler_drain(resampler, out, n_out);
	r = resampler_step(resampler, in, n_in, out, n_out);
	if (r == 0) {
		resampler->taken += *n_in;
		resampler->given += *n_out;
	}
	return r;
}

/* The next block of input. */
static int64_t resampler_fill(struct media_resampler *resampler, media_resampler_read_fn read,
			      void *data, struct mixd_error *err)
{
	float *channels[MEDIA_CHANNELS_MAX];
	int64_t n;

	for (uint32_t c = 0; c < resampler->n_channels; c++)
		channels[c] = resampler->block + (size_t)c * BLOCK_FRAMES;
	n = read(data, channels, BLOCK_FRAMES, err);
	resampler->at = 0;
	resampler->have = n > 0 ? (uint32_t)n : 0;
	resampler->is_ended = n == 0;
	return n;
}

int64_t media_resampler_read(struct media_resampler *resampler, media_resampler_read_fn read,
			     void *data, float *const *out, uint32_t n, struct mixd_error *err)
{
	const float *in[MEDIA_CHANNELS_MAX];
	float *to[MEDIA_CHANNELS_MAX];
	uint32_t done = 0;

	while (done < n) {
		uint32_t made = n - done, used;
		int r;

		if (!resampler->is_ended && resampler->at == resampler->have) {
			int64_t got = resampler_fill(resampler, read, data, err);

			if (got < 0)
				return got;
		}
		used = resampler->have - resampler->at;
		for (uint32_t c = 0; c < resampler->n_channels; c++) {
			in[c] = resampler->block + (size_t)c * BLOCK_FRAMES + resampler->at;
			to[c] = out[c] + done;
		}
		r = media_resampler_run(resampler, resampler->is_ended ? NULL : in, &used, to,
					&made);
		if (r < 0)
			return error_set(err, ERROR_RESOURCE, NULL,
					 "cannot be resampled from %.10g to %.10g Hz",
					 resampler->from, resampler->to);
		if (resampler->is_ended && made == 0)
			break;
		if (!resampler->is_ended)
			resampler->at += used;
		done += made;
	}
	return done;
}

void media_resampler_reset(struct media_resampler *resampler)
{
	(void)soxr_clear(resampler->soxr);
	resampler->taken = resampler->given = 0;
	resampler->due = -1;
	resampler->have = resampler->at = 0;
	resampler->is_ended = false;
}

struct media_resampler *media_resampler_free(struct media_resampler *resampler)
{
	if (!resampler)
		return NULL;
	soxr_delete(resampler->soxr);
	free(resampler->block);
	free(resampler);
	return NULL;
}
