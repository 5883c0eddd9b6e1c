/* jobs.c - the table of verbs, and what it says about words. */
#include "mixd_jobs.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "job_rows.h"
#include "jobs_list.h"

const char *const mixd_job_dithers[] = {"auto", "tpdf", "shaped", "none", NULL};

const struct mixd_job_verb *const mixd_job_verbs[] = {
	/* in the order of help */
	&mixd_job_render,
	&mixd_job_measure,
	&mixd_job_check,
	&mixd_job_spec,
	&mixd_job_master,
	&mixd_job_album,
	&mixd_job_ddp,
	&mixd_job_podcast,
	&mixd_job_audiobook,
	&mixd_job_series,
	&mixd_job_batch,
	&mixd_job_edit,
	NULL,
};

const struct mixd_job_verb *mixd_job_verb_find(const char *name)
{
	for (size_t i = 0; mixd_job_verbs[i]; i++)
		if (strcmp(mixd_job_verbs[i]->name, name) == 0)
			return mixd_job_verbs[i];
	return NULL;
}

const struct mixd_job_option *mixd_job_option_find(const struct mixd_job_verb *verb,
						   const char *name)
{
	for (size_t i = 0; verb->options && verb->options[i].name; i++)
		if (strcmp(verb->options[i].name, name) == 0)
			return &verb->options[i];
	return NULL;
}

/* A plain decimal number; hexadecimal, "inf" and "nan" are none. */
static bool jobs_number(const char *text, double *ret, const char **ret_rest)
{
	const char *digits = text + (*text == '-' || *text == '+');
	char *end;

	if (!isdigit((unsigned char)*digits) && *digits != '.')
		return false;
	if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X'))
		return false;
	*ret = strtod(text, &end);
	*ret_rest = end;
	return end != digits && isfinite(*ret);
}

/* "1:02:03.5" "2:30" -> seconds. */
static bool jobs_clock(const char *text, double *ret)
{
	double total = 0, part;
	const char *rest;

	for (int i = 0; i < 3; i++) {
		if (!isdigit((unsigned char)*text) || !jobs_number(text, &part, &rest))
			return false;
		total = total * 60 + part;
		if (!*rest) {
			*ret = total;
			return i > 0;
		}
		if (*rest != ':' || (i > 0 && part >= 60))
			return false;
		text = rest + 1;
	}
	return false;
}

static bool jobs_span(const char *text, double *ret)
{
	static const struct {
		const char *unit;
		double seconds;
	} units[] = {{"", 1}, {"s", 1}, {"ms", 1e-3}, {"m", 60}, {"min", 60}, {"h", 3600}};
	const char *rest;
	double value;

	if (strchr(text, ':'))
		return jobs_clock(text, ret);
	if (!jobs_number(text, &value, &rest))
		return false;
	while (*rest == ' ')
		rest++;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(rest, units[i].unit) == 0) {
			*ret = value * units[i].seconds;
			return true;
		}
	return false;
}

static bool jobs_unit_fits(const struct mixd_job_option *option, const char *rest, double *value)
{
	while (*rest == ' ')
		rest++;
	if (!*rest)
		return true;
	if (!option->unit || !*option->unit)
		return false;
	if (strcasecmp(option->unit, "Hz") == 0 &&
	    (strcasecmp(rest, "kHz") == 0 || strcasecmp(rest, "k") == 0)) {
		*value *= 1000;
		return true;
	}
	if (strcasecmp(option->unit, "kbps") == 0 &&
	    (strcasecmp(rest, "k") == 0 || strcasecmp(rest, "kb/s") == 0))
		return true;
	if (strcasecmp(option->unit, "bits") == 0 && strcasecmp(rest, "bit") == 0)
		return true;
	if (strcasecmp(option->unit, "dBTP") == 0 && strcasecmp(rest, "dB") == 0)
		return true;
	if (strcasecmp(option->unit, "LUFS") == 0 && strcasecmp(rest, "LKFS") == 0)
		return true;
	return strcasecmp(rest, option->unit) == 0;
}

static const char *jobs_choice(const struct mixd_job_option *option, const char *text, double *ret,
			       char *buf, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; option->choices[i]; i++)
		if (strcmp(option->choices[i], text) == 0) {
			*ret = (double)i;
			return NULL;
		}
	n = (size_t)snprintf(buf, size, "must be one of");
	for (size_t i = 0; option->choices[i] && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, " %s", option->choices[i]);
	return buf;
}

static const char *jobs_in_range(const struct mixd_job_option *option, double value, char *buf,
				 size_t size)
{
	const char *unit = option->kind == MIXD_JOB_SPAN ? "s" : option->unit ? option->unit : "";

	if (option->min >= option->max || (value >= option->min && value <= option->max))
		return NULL;
	snprintf(buf, size, "must be %.10g%s to %.10g%s", option->min, unit, option->max, unit);
	return buf;
}

const char *mixd_job_value(const struct mixd_job_option *option, const char *text, double *ret,
			   char *buf, size_t size)
{
	const char *rest, *why = NULL;
	double value = 0;

	switch (option->kind) {
	case MIXD_JOB_FLAG:
		if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
			return "is a switch: it takes no value";
		value = strcmp(text, "on") == 0;
		break;
	case MIXD_JOB_TEXT:
	case MIXD_JOB_PATH:
		if (!*text)
			return "must not be empty";
		break;
	case MIXD_JOB_CHOICE:
		why = jobs_choice(option, text, &value, buf, size);
		break;
	case MIXD_JOB_SPAN:
		if (!jobs_span(text, &value))
			return "must be a time: 800ms, 1.5s, 2m, 1:02:03.5";
		why = jobs_in_range(option, value, buf, size);
		break;
	case MIXD_JOB_NUMBER:
		if (!jobs_number(text, &value, &rest) || !jobs_unit_fits(option, rest, &value)) {
			snprintf(buf, size, "must be a number%s%s",
				 option->unit && *option->unit ? " in " : "",
				 option->unit ? option->unit : "");
			return buf;
		}
		why = jobs_in_range(option, value, buf, size);
		break;
	}
	if (!why && ret)
		*ret = value;
	return why;
}
