/* encode_options.c - see encode_options.h. */
#include "encode_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int encode_options_read(struct job *job, struct media_target *ret, struct mixd_error *err)
{
	static const enum media_dither dithers[] = {MEDIA_DITHER_AUTO, MEDIA_DITHER_TPDF,
						    MEDIA_DITHER_SHAPED, MEDIA_DITHER_NONE};
	double bits = job_number(job, "bits", 0);
	int r;

	media_target_init(ret);
	ret->format = job_text(job, "format", NULL);
	ret->rate = job_number(job, "rate", 0);
	ret->bits = (uint32_t)bits;
	ret->is_float = job_flag(job, "float");
	ret->dither = dithers[(int)job_number(job, "dither", 0)];
	ret->bitrate_kbps = job_number(job, "bitrate", 0);
	ret->quality = job_number(job, "quality", -1);
	ret->seed = (uint64_t)job_number(job, "seed", 1);
	if (bits != 0 && bits != 16 && bits != 24 && bits != 32) {
		r = error_set(err, ERROR_USAGE, "--bits", "%g bits are not possible", bits);
		error_hint(err, "write 16, 24 or 32");
		return r;
	}
	if (ret->is_float && bits != 0 && bits != 32) {
		r = error_set(err, ERROR_USAGE, "--bits", "float samples have 32 bits, not %g",
			      bits);
		error_hint(err, "give --float or --bits");
		return r;
	}
	if (ret->bitrate_kbps > 0 && ret->quality >= 0) {
		r = error_set(err, ERROR_USAGE, "--quality",
			      "a constant bit rate has no quality to choose");
		error_hint(err, "give --bitrate or --quality");
		return r;
	}
	return 0;
}

static void warn_if_given(struct job *job, const char *option, const char *why, const char *format)
{
	if (job_text(job, option, NULL) || job_flag(job, option))
		job_warn(job, "", "--%s does nothing: %s %s", option, format, why);
}

void encode_options_warn(struct job *job, const char *const *format, uint32_t n)
{
	uint32_t n_lossy = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (!format[i])
			return;
		n_lossy += media_format_is_lossy(format[i]);
	}
	if (n && n_lossy == 0) {
		const char *why = "has none to choose; mp3, m4a, ogg and opus have";

		warn_if_given(job, "bitrate", why, format[0]);
		warn_if_given(job, "quality", why, format[0]);
	}
	if (n && n_lossy == n) {
		const char *why = "has no samples of a depth; wav, flac, aiff, caf, ... have";

		warn_if_given(job, "bits", why, format[0]);
		warn_if_given(job, "float", why, format[0]);
		warn_if_given(job, "dither", why, format[0]);
	} else if (job_flag(job, "float")) {
		warn_if_given(job, "dither", "are not rounded to any depth", "float samples");
	}
}

/* A title stands in front of the programme, as broadcasters' players show it. No date: the same call
 * gives the same bytes. */
static int encode_options_bext(struct media_tags *tags)
{
	const char *title = media_tags_get(tags, "TITLE");

	if (title || !tags->bext.is_set)
		snprintf(tags->bext.description, sizeof(tags->bext.description), "%s",
			 title ? title : "");
	if (!tags->bext.is_set)
		snprintf(tags->bext.originator, sizeof(tags->bext.originator),
			 "mixd " MIXD_VERSION);
	tags->bext.is_set = true;
	tags->ixml = strdup(""); /* made from the others */
	return tags->ixml ? 0 : -ENOMEM;
}

int encode_options_tags(struct job *job, struct media_tags *tags, struct mixd_error *err)
{
	const char *text;

	for (uint32_t i = 0; (text = job_text_at(job, "tag", i)); i++) {
		const char *equals = strchr(text, '=');
		char *name;
		int r;

		if (!equals || equals == text) {
			r = error_set(err, ERROR_USAGE, "--tag", "\"%.100s\" has no name", text);
			error_hint(err, "write --tag TITLE='The name'");
			return r;
		}
		name = strndup(text, (size_t)(equals - text));
		r = name ? media_tags_set(tags, name, equals + 1) : -ENOMEM;
		free(name);
		if (r < 0)
			return error_no_memory(err);
	}
	if (job_flag(job, "bext") && encode_options_bext(tags) < 0)
		return error_no_memory(err);
	return 0;
}
