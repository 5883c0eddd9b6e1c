/* master_reference.c - see master_reference.h. */
#include "master_reference.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFERENCE_SECONDS_MIN 3.0
#define REFERENCE_WIDTH_MIN 50.0 /* percent: beyond, it is another mix */
#define REFERENCE_WIDTH_MAX 150.0
#define REFERENCE_STRENGTH 60.0

struct colour_reader {
	struct job *job;
	struct media_reader *media;
	struct ltas ltas;
	float *memory, *channels[MEDIA_CHANNELS_MAX];
	uint32_t n_channels;
	double mid, side; /* energies */
};

static void colour_take_side(struct colour_reader *reader, uint32_t from, uint32_t n)
{
	const float *left = reader->channels[0] + from, *right = reader->channels[1] + from;

	for (uint32_t i = 0; i < n; i++) {
		double mid = (double)left[i] + (double)right[i];
		double side = (double)left[i] - (double)right[i];

		reader->mid += mid * mid;
		reader->side += side * side;
	}
}

/* Frames overlap by half: the second half becomes the first of the next. */
static int colour_read_all(struct colour_reader *reader, struct mixd_error *err)
{
	uint32_t half = reader->ltas.n_frames / 2, fill = 0;
	const struct media_info *info = media_reader_info(reader->media);
	double done_s = 0;

	for (;;) {
		float *at[MEDIA_CHANNELS_MAX];
		int64_t n;

		for (uint32_t c = 0; c < reader->n_channels; c++)
			at[c] = reader->channels[c] + fill;
		n = media_read(reader->media, at, 2 * half - fill, err);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return 0;
		if (reader->n_channels == 2)
			colour_take_side(reader, fill, (uint32_t)n);
		fill += (uint32_t)n;
		done_s += (double)n / info->rate;
		if (fill < 2 * half)
			continue;
		ltas_frame(&reader->ltas, (const float *const *)reader->channels,
			   reader->n_channels);
		for (uint32_t c = 0; c < reader->n_channels; c++)
			memcpy(reader->channels[c], reader->channels[c] + half,
			       half * sizeof(float));
		fill = half;
		task_progress(job_task(reader->job), done_s, (double)info->n_frames / info->rate);
		if (task_check(job_task(reader->job), err) < 0)
			return -ECANCELED;
	}
}

static int colour_open(struct colour_reader *reader, const char *path, struct mixd_error *err)
{
	const struct media_info *info;
	int r = media_open(path, &reader->media, err);

	if (r < 0)
		return r;
	info = media_reader_info(reader->media);
	reader->n_channels = info->n_channels;
	if (ltas_init(&reader->ltas, info->rate) < 0)
		return error_no_memory(err);
	reader->memory = malloc((size_t)info->n_channels * reader->ltas.n_frames * sizeof(float));
	if (!reader->memory)
		return error_no_memory(err);
	for (uint32_t c = 0; c < info->n_channels; c++)
		reader->channels[c] = reader->memory + (size_t)c * reader->ltas.n_frames;
	return 0;
}

static int colour_read(struct job *job, const char *path, const char *name,
		       struct master_colour *ret, struct mixd_error *err)
{
	struct colour_reader reader = {.job = job};
	int r;

	job_stage(job, "listen", name);
	r = colour_open(&reader, path, err);
	if (r == 0)
		r = colour_read_all(&reader, err);
	if (r == 0) {
		ret->counted_s = ltas_result(&reader.ltas, ret->db);
		ret->side = reader.n_channels == 2 && reader.mid > 0
				    ? sqrt(reader.side / reader.mid)
				    : NAN;
	}
	if (r == 0 && ret->counted_s < REFERENCE_SECONDS_MIN) {
		error_set(err, ERROR_INVALID, name, "only %.1f s of it are loud enough to go by",
			  ret->counted_s);
		error_hint(err, "take a recording of some seconds, or longer");
		r = -EINVAL;
	}
	ltas_done(&reader.ltas);
	media_close(reader.media);
	free(reader.memory);
	return r;
}

static double reference_width(const struct master_reference *reference)
{
	double ratio = reference->reference.side / reference->input.side;

	/* Mono has no side to widen, and what cannot be told stays as it is. */
	if (!isfinite(ratio) || reference->input.side < 1e-3)
		return 100;
	return fmin(REFERENCE_WIDTH_MAX, fmax(REFERENCE_WIDTH_MIN, 100 * ratio));
}

int master_reference_open(struct job *job, const struct master_request *request,
			  struct master_reference *ret, struct mixd_error *err)
{
	struct measure_options options;
	struct measure_result result;
	int r;

	*ret = (struct master_reference){.target_lufs = NAN,
					 .name = job_text(job, "reference", NULL),
					 .strength =
						 job_number(job, "strength", REFERENCE_STRENGTH)};
	if (!ret->name)
		return 0;
	ret->path = job_path(job, ret->name);
	if (!ret->path)
		return error_no_memory(err);
	r = colour_read(job, ret->path, ret->name, &ret->reference, err);
	if (r == 0)
		r = colour_read(job, request->input, request->name, &ret->input, err);
	ret->width_percent = reference_width(ret);
	if (r < 0 || job_text(job, "spec", NULL))
		return r;
	measure_options_init(&options);
	options.what = MEASURE_LOUDNESS;
	r = measure_file(ret->path, &options, job_task(job), &result, NULL, err);
	if (r == 0) {
		ret->target_lufs = result.integrated;
		measure_result_done(&result);
	}
	return r;
}

int master_reference_chain(const struct master_reference *reference, char **ret,
			   struct mixd_error *err)
{
	char source[LTAS_TEXT_MAX], wanted[LTAS_TEXT_MAX];
	bool is_stereo = !isnan(reference->input.side);

	ltas_to_text(reference->input.db, source, sizeof(source));
	ltas_to_text(reference->reference.db, wanted, sizeof(wanted));
	if (asprintf(ret,
		     "mixd: 1\n"
		     "nodes:\n"
		     "  in: {type: input, layout: auto}\n"
		     "  match: {type: matcheq, strength: %.0f%%, source: \"%s\", reference: "
		     "\"%s\"}\n"
		     "%s%.1f%s"
		     "  out: {type: output, layout: auto}\n"
		     "links: [in -> match -> %sout]\n",
		     reference->strength, source, wanted,
		     is_stereo ? "  stereo: {type: width, width: " : "# ", reference->width_percent,
		     is_stereo ? "%}\n" : "\n", is_stereo ? "stereo -> " : "") < 0)
		return error_no_memory(err);
	return 0;
}

void master_reference_done(struct master_reference *reference)
{
	free(reference->path);
	reference->path = NULL;
}
