/* speech_option.c - see speech_option.h.
 *
 * STRUCTURE   A stem is looked at in steps of 100 ms: it sounds where its RMS is above -50 dBFS, and
 *             for 300 ms before and behind (the length of a gating block, BS.1770-4, less a step). */
#include "speech_option.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SPEECH_STEP_S 0.1
#define SPEECH_SOUNDS 3.16e-3 /* -50 dBFS */
#define SPEECH_HANG_S 0.3

static int speech_add(struct speech_option *speech, double start_s, double end_s,
		      struct mixd_error *err)
{
	struct measure_range *grown;

	if (speech->n_ranges && start_s <= speech->range[speech->n_ranges - 1].end_s) {
		speech->range[speech->n_ranges - 1].end_s = end_s;
		return 0;
	}
	grown = realloc(speech->range, (speech->n_ranges + 1) * sizeof(*grown));
	if (!grown)
		return error_no_memory(err);
	speech->range = grown;
	speech->range[speech->n_ranges++] = (struct measure_range){start_s, end_s};
	return 0;
}

/* ---- times ------------------------------------------------------------------------------------ */

static bool speech_time(const char *text, double *ret)
{
	static const struct mixd_job_option span = {.name = "speech", .kind = MIXD_JOB_SPAN};

	return mixd_job_value(&span, text, ret, NULL, 0) == NULL;
}

static int speech_range(struct speech_option *speech, char *text, struct mixd_error *err)
{
	char *dash = strchr(text, '-');
	double start_s = 0, end_s = 0;

	if (dash)
		*dash++ = '\0';
	if (!dash || !speech_time(text, &start_s) || !speech_time(dash, &end_s) ||
	    end_s <= start_s ||
	    (speech->n_ranges && start_s < speech->range[speech->n_ranges - 1].end_s)) {
		error_set(err, ERROR_USAGE, "--speech", "\"%s%s%s\" is no range behind the others",
			  text, dash ? "-" : "", dash ? dash : "");
		error_hint(err, "write start-end, in order: 0:05-1:10,2:00-2:30.5");
		return -EINVAL;
	}
	return speech_add(speech, start_s, end_s, err);
}

static int speech_ranges(struct speech_option *speech, const char *text, struct mixd_error *err)
{
	char *copy = strdup(text), *at = copy, *word;
	int r = copy ? 0 : error_no_memory(err);

	while (r == 0 && (word = strsep(&at, ",")))
		r = speech_range(speech, word, err);
	free(copy);
	return r;
}

/* Digits, colons, points, commas, dashes and units: times, and no file's name. */
static bool speech_looks_like_times(const char *text)
{
	return isdigit((unsigned char)*text) && strchr(text, '-') &&
	       !text[strspn(text, "0123456789:.,-smh ")];
}

/* ---- a stem ----------------------------------------------------------------------------------- */

static bool speech_sounds(float *const *channels, uint32_t n_channels, uint32_t n)
{
	for (uint32_t c = 0; c < n_channels; c++) {
		double sum = 0;

		for (uint32_t i = 0; i < n; i++)
			sum += (double)channels[c][i] * (double)channels[c][i];
		if (sqrt(sum / n) > SPEECH_SOUNDS)
			return true;
	}
	return false;
}

static int speech_stem(struct job *job, struct media_reader *reader, struct speech_option *speech,
		       struct mixd_error *err)
{
	const struct media_info *info = media_reader_info(reader);
	uint32_t step = (uint32_t)(info->rate * SPEECH_STEP_S) + 1;
	float *memory = malloc((size_t)info->n_channels * step * sizeof(float));
	float *channels[MEDIA_CHANNELS_MAX];
	double at_s = 0;
	int64_t n = 0;
	int r = memory ? 0 : error_no_memory(err);

	for (uint32_t c = 0; c < info->n_channels; c++)
		channels[c] = memory + (size_t)c * step;
	while (r == 0 && (n = media_read(reader, channels, step, err)) > 0) {
		double length_s = (double)n / info->rate;

		if (speech_sounds(channels, info->n_channels, (uint32_t)n))
			r = speech_add(speech, fmax(0, at_s - SPEECH_HANG_S),
				       at_s + length_s + SPEECH_HANG_S, err);
		at_s += length_s;
		if (r == 0)
			r = task_check(job_task(job), err);
	}
	free(memory);
	return n < 0 && r == 0 ? (int)n : r;
}

static int speech_file(struct job *job, const char *name, struct speech_option *speech,
		       struct mixd_error *err)
{
	char *path = job_path(job, name);
	struct media_reader *reader = NULL;
	int r = path ? media_open(path, &reader, err) : error_no_memory(err);

	job_stage(job, "dialogue", name);
	if (r == 0)
		r = speech_stem(job, reader, speech, err);
	if (r == 0 && !speech->n_ranges) {
		error_set(err, ERROR_INVALID, name, "has no dialogue: it stays below -50 dBFS");
		r = -EINVAL;
	}
	media_close(reader);
	free(path);
	return r;
}

int speech_option_read(struct job *job, const char *text, struct speech_option *ret,
		       struct mixd_error *err)
{
	*ret = (struct speech_option){0};
	if (!text)
		return 0;
	if (strcmp(text, "auto") == 0) {
		ret->is_detected = true;
		return 0;
	}
	return speech_looks_like_times(text) ? speech_ranges(ret, text, err)
					     : speech_file(job, text, ret, err);
}

void speech_option_done(struct speech_option *speech)
{
	free(speech->range);
	*speech = (struct speech_option){0};
}
