/* import.c - see import.h. */
#include "import.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define IMPORT_WORDS 32

struct import {
	struct import_eq *eq;
	struct import_fault *fault;
	unsigned line;
	const char *channel; /* of the lines that follow */
};

__attribute__((format(printf, 3, 4))) static bool
import_refuse(const struct import *import, const char *hint, const char *fmt, ...)
{
	va_list args;

	import->fault->line = import->line;
	va_start(args, fmt);
	vsnprintf(import->fault->text, sizeof(import->fault->text), fmt, args);
	va_end(args);
	snprintf(import->fault->hint, sizeof(import->fault->hint), "%s", hint);
	return false;
}

/* "6.2", "-6,2" (a decimal comma), with UNIT behind it or not. */
static bool import_number(const char *word, const char *unit, double *ret)
{
	char copy[40], *end;
	size_t size = strlen(word);

	if (size >= sizeof(copy))
		return false;
	memcpy(copy, word, size + 1);
	for (char *p = copy; *p; p++)
		if (*p == ',')
			*p = '.';
	*ret = strtod(copy, &end);
	return end != copy && isfinite(*ret) && (!*end || strcasecmp(end, unit) == 0);
}

/* ---- shelves ---- */

static double import_q_of_slope(double gain_db, double slope)
{
	double a = pow(10, fabs(gain_db) / 40);

	return 1 / sqrt(fmax((a + 1 / a) * (1 / slope - 1) + 2, 1e-4));
}

static double import_slope_of_q(double gain_db, double q)
{
	double a = pow(10, fabs(gain_db) / 40);

	return 1 / ((1 / (q * q) - 2) / (a + 1 / a) + 1);
}

/* A shelf that is named by its corner: where the middle of its slope is. */
static double import_middle_hz(double corner_hz, double gain_db, double slope, bool low)
{
	double factor = pow(10, fabs(gain_db) / 80 / slope);

	return low ? corner_hz * factor : corner_hz / factor;
}

/* SLOPE_DB 0: none was written. */
static void import_shelf(struct import_band *band, bool low, bool centre, double slope_db)
{
	double slope = slope_db / 12;
	bool width = band->has_q || slope_db > 0;

	if (band->has_q)
		slope = import_slope_of_q(band->gain_db, band->q);
	else if (slope_db <= 0)
		slope = 0.9;
	if (width && !centre)
		band->freq_hz = import_middle_hz(band->freq_hz, band->gain_db, slope, low);
	if (!band->has_q)
		band->q = import_q_of_slope(band->gain_db, slope);
	band->has_q = true;
}

/* ---- a filter ---- */

static const struct import_type {
	const char *word, *type;
	bool gain, shelf, centre;
	double q; /* when none is given; 0: it must be */
} import_types[] = {
	{"PK", "bell", true, false, false, 0},
	{"PEQ", "bell", true, false, false, 0},
	{"MODAL", "bell", true, false, false, 0},
	{"LS", "lowshelf", true, true, false, 0},
	{"LSC", "lowshelf", true, true, true, 0},
	{"HS", "highshelf", true, true, false, 0},
	{"HSC", "highshelf", true, true, true, 0},
	{"LP", "lowpass", false, false, false, M_SQRT1_2},
	{"LPQ", "lowpass", false, false, false, 0},
	{"HP", "highpass", false, false, false, M_SQRT1_2},
	{"HPQ", "highpass", false, false, false, 0},
	{"BP", "bandpass", false, false, false, 0},
	{"NO", "notch", false, false, false, 30},
	{"AP", "allpass", false, false, false, 0},
};

static const struct import_type *import_find(const char *word)
{
	for (size_t i = 0; i < sizeof(import_types) / sizeof(import_types[0]); i++)
		if (strcasecmp(import_types[i].word, word) == 0)
			return &import_types[i];
	return NULL;
}

/* "Fc 105 Hz Gain 5.5 dB Q 0.70", in any order. */
static bool import_values(const struct import *import, char **word, int n, struct import_band *band,
			  double *ret_slope_db)
{
	double octaves;

	for (int i = 0; i < n; i++) {
		bool last = i + 1 >= n;

		if (strcasecmp(word[i], "Hz") == 0 || strcasecmp(word[i], "dB") == 0)
			continue;
		if (i == 0 && import_number(word[i], "dB", ret_slope_db))
			continue; /* LS 6dB */
		if (!last && strcasecmp(word[i], "Fc") == 0 &&
		    import_number(word[i + 1], "Hz", &band->freq_hz)) {
			i++;
		} else if (!last && strcasecmp(word[i], "Gain") == 0 &&
			   import_number(word[i + 1], "dB", &band->gain_db)) {
			band->has_gain = true;
			i++;
		} else if (!last && strcasecmp(word[i], "Q") == 0 &&
			   import_number(word[i + 1], "", &band->q)) {
			band->has_q = true;
			i++;
		} else if (i + 2 < n && strcasecmp(word[i], "BW") == 0 &&
			   strcasecmp(word[i + 1], "Oct") == 0 &&
			   import_number(word[i + 2], "", &octaves) && octaves > 0) {
			band->q = 1 / (2 * sinh(M_LN2 / 2 * octaves));
			band->has_q = true;
			i += 2;
		} else {
			return import_refuse(import, "write Fc 105 Hz Gain 5.5 dB Q 0.7",
					     "\"%.40s\" is not understood", word[i]);
		}
	}
	return true;
}

static bool import_filter(struct import *import, char **word, int n)
{
	struct import_band band = {.channel = import->channel, .line = import->line};
	const struct import_type *type;
	double slope_db = 0;

	if (n > 0 && strcasecmp(word[0], "OFF") == 0)
		return true;
	if (n == 0 || strcasecmp(word[0], "ON") != 0)
		return import_refuse(import, "write Filter 1: ON PK Fc 105 Hz Gain 5.5 dB Q 0.7",
				     "the filter is neither ON nor OFF");
	if (n < 2 || strcasecmp(word[1], "None") == 0)
		return true;
	type = import_find(word[1]);
	if (!type)
		return import_refuse(import, "PK LS LSC HS HSC LP LPQ HP HPQ BP NO AP are",
				     "filters of type \"%.20s\" are not known", word[1]);
	if (!import_values(import, word + 2, n - 2, &band, &slope_db))
		return false;
	band.type = type->type;
	if (!(band.freq_hz > 0))
		return import_refuse(import, "write Fc 105 Hz", "the filter has no frequency");
	if (type->gain && !band.has_gain)
		return import_refuse(import, "write Gain 5.5 dB", "the filter has no gain");
	if (band.has_q && !(band.q > 0))
		return import_refuse(import, "write Q 0.7", "the filter has a Q of %g", band.q);
	if (slope_db != 0 && (!type->shelf || slope_db < 0))
		return import_refuse(import, "only shelves have one, above 0 dB",
				     "a slope does not go with %s", type->word);
	if (type->shelf)
		import_shelf(&band, strcmp(type->type, "lowshelf") == 0, type->centre, slope_db);
	else if (!band.has_q && type->q == 0)
		return import_refuse(import, "write Q 0.7, or BW Oct 1", "the filter has no width");
	else if (!band.has_q)
		band.q = type->q;
	if (!type->gain && band.has_gain && band.gain_db != 0)
		return import_refuse(import, "leave it out", "a %s has no gain", type->type);
	if (import->eq->n_bands == IMPORT_BANDS)
		return import_refuse(import, "an eq has 32 bands: use two in a row",
				     "more than %d filters", IMPORT_BANDS);
	import->eq->band[import->eq->n_bands++] = band;
	return true;
}

/* ---- lines ---- */

static bool import_channel(struct import *import, char **word, int n)
{
	if (n == 1 && (strcasecmp(word[0], "all") == 0))
		import->channel = "stereo";
	else if (n == 1 && strcasecmp(word[0], "L") == 0)
		import->channel = "left";
	else if (n == 1 && strcasecmp(word[0], "R") == 0)
		import->channel = "right";
	else if (n == 2 && strcasecmp(word[0], "L") == 0 && strcasecmp(word[1], "R") == 0)
		import->channel = "stereo";
	else
		return import_refuse(import, "all, L and R are",
				     "this choice of channels is not possible in an eq");
	return true;
}

static bool import_preamp(struct import *import, char **word, int n)
{
	double db;

	if (n < 1 || n > 2 || !import_number(word[0], "dB", &db) ||
	    (n == 2 && strcasecmp(word[1], "dB") != 0))
		return import_refuse(import, "write Preamp: -6.2 dB", "the preamp is no level");
	if (strcmp(import->channel, "stereo") != 0)
		return import_refuse(import, "put it before Channel: L",
				     "a preamp of one channel is not possible in an eq");
	import->eq->preamp_db += db;
	return true;
}

static bool import_line(struct import *import, char *line)
{
	char *colon = strchr(line, ':'), *word[IMPORT_WORDS], *rest;
	int n = 0;

	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return true;
	if (!colon)
		return import_refuse(import, "is this an AutoEq or Equalizer APO file?",
				     "\"%.40s\" is no setting", line);
	*colon = 0;
	rest = colon + 1;
	for (char *w = strtok_r(rest, " \t", &rest); w && n < IMPORT_WORDS;
	     w = strtok_r(NULL, " \t", &rest))
		word[n++] = w;
	if (strcasecmp(line, "Preamp") == 0)
		return import_preamp(import, word, n);
	if (strcasecmp(line, "Channel") == 0)
		return import_channel(import, word, n);
	if (strcasecmp(line, "GraphicEQ") == 0)
		return import_refuse(import,
				     "take the file that is called ParametricEQ, or set a geq",
				     "a graphic equalizer is no list of bands");
	if (strncasecmp(line, "Filter", 6) == 0 && line[6 + strspn(line + 6, " \t0123456789")] == 0)
		return import_filter(import, word, n);
	return import_refuse(import, "Preamp, Channel and Filter are",
			     "\"%.40s:\" is not supported", line);
}

bool import_parse(char *text, struct import_eq *ret, struct import_fault *fault)
{
	struct import import = {.eq = ret, .fault = fault, .channel = "stereo"};
	char *line;

	*ret = (struct import_eq){0};
	*fault = (struct import_fault){0};
	if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3; /* files from Windows begin with it */
	while ((line = strsep(&text, "\n"))) {
		size_t size = strlen(line);

		while (size > 0 && isspace((unsigned char)line[size - 1]))
			line[--size] = 0;
		import.line++;
		if (!import_line(&import, line))
			return false;
	}
	if (ret->n_bands > 0 || ret->preamp_db != 0)
		return true;
	import.line = 0;
	return import_refuse(&import, "is this an AutoEq or Equalizer APO file?",
			     "there is no filter in it");
}
