/* words.c - nearest words, spans of time, points in time, quantities with units.
 *
 * Source: nearest words by the optimal string alignment distance (E. Ukkonen, "Algorithms for
 * approximate string matching", 1985; with transpositions), as the daemon's base/error.c. */
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "mixctl.h"

#define WORDS_MAX 64u

static unsigned words_distance(const char *a, const char *b)
{
	unsigned rows[3][WORDS_MAX + 1];
	unsigned n_a = (unsigned)strlen(a), n_b = (unsigned)strlen(b);

	if (n_a > WORDS_MAX || n_b > WORDS_MAX)
		return WORDS_MAX;
	for (unsigned j = 0; j <= n_b; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= n_a; i++) {
		unsigned *row = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];

		row[0] = i;
		for (unsigned j = 1; j <= n_b; j++) {
			unsigned best = up[j - 1] + (a[i - 1] != b[j - 1]);

			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    up2[j - 2] + 1 < best)
				best = up2[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[n_a % 3][n_b];
}

const char *words_nearest(const char *word, const char *const *words)
{
	unsigned limit = (unsigned)strlen(word) < 4 ? 1 : (unsigned)strlen(word) < 8 ? 2 : 3;
	const char *nearest = NULL;

	for (; *words; words++) {
		unsigned distance = words_distance(word, *words);

		if (distance <= limit) {
			limit = distance;
			nearest = *words;
			if (distance == 0)
				break;
			limit--;
		}
		if (limit == 0 && nearest)
			break;
	}
	return nearest;
}

bool words_has_glob(const char *text)
{
	return text[strcspn(text, "*?[{")] != 0;
}

bool words_match(const char *pattern, const char *text)
{
	const char *open = strchr(pattern, '{'), *close = open ? strchr(open, '}') : NULL;
	char expanded[320];

	if (!close)
		return fnmatch(pattern, text, 0) == 0;
	for (const char *word = open + 1; word <= close;) {
		size_t size = strcspn(word, ",}");

		snprintf(expanded, sizeof(expanded), "%.*s%.*s%s", (int)(open - pattern), pattern,
			 (int)size, word, close + 1);
		if (words_match(expanded, text))
			return true;
		word += size + 1;
	}
	return false;
}

bool words_parse_span(const char *text, double *ret_ms)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = {{"ms", 1}, {"s", 1e3}, {"m", 6e4}, {"min", 6e4}, {"h", 3.6e6}, {"us", 1e-3}};
	char *end;
	double number = strtod(text, &end);

	if (end == text || !isfinite(number) || number < 0)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) == 0) {
			*ret_ms = number * units[i].ms;
			return true;
		}
	}
	if (*end == 0 && number == 0) {
		*ret_ms = 0;
		return true;
	}
	return false;
}

bool words_parse_position(const char *text, double *ret_s)
{
	double total = 0.0, ms;

	if (!strchr(text, ':')) {
		if (!words_parse_span(text, &ms))
			return false;
		*ret_s = ms / 1e3;
		return true;
	}
	for (int i = 0; i < 3; i++) {
		size_t digits = strspn(text, "0123456789");
		bool last = text[digits] != ':';
		char *end;

		if (digits == 0 || (i > 0 && digits != 2))
			return false;
		total = total * 60.0 + strtod(text, &end);
		if (i > 0 && strtod(text, NULL) >= 60.0)
			return false;
		if (last) {
			*ret_s = total;
			return i > 0 && *end == 0;
		}
		if (*end != ':')
			return false;
		text = end + 1;
	}
	return false;
}

uint64_t words_now_unix_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Today at the time of day TEXT; tomorrow when that has passed. */
static bool words_parse_clock(const char *text, uint64_t now_unix_ms, uint64_t *ret_unix_ms)
{
	time_t now = (time_t)(now_unix_ms / 1000);
	int hour, minute, used = 0, used_seconds = 0;
	double seconds = 0;
	struct tm tm;
	time_t t;

	if (sscanf(text, "%2d:%2d%n", &hour, &minute, &used) != 2 || used == 0)
		return false;
	if (text[used] == ':' && sscanf(text + used, ":%lf%n", &seconds, &used_seconds) != 1)
		return false;
	if (text[used + used_seconds] || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
	    !(seconds >= 0 && seconds < 60))
		return false;
	localtime_r(&now, &tm);
	tm.tm_hour = hour;
	tm.tm_min = minute;
	tm.tm_sec = 0;
	tm.tm_isdst = -1;
	t = mktime(&tm);
	if ((double)t + seconds < (double)now_unix_ms / 1e3) {
		tm.tm_mday++;
		tm.tm_hour = hour;
		tm.tm_min = minute;
		tm.tm_isdst = -1;
		t = mktime(&tm);
	}
	*ret_unix_ms = (uint64_t)t * 1000 + (uint64_t)(seconds * 1000);
	return true;
}

bool words_parse_time(const char *text, uint64_t now_unix_ms, uint64_t *ret_unix_ms)
{
	struct tm tm = {.tm_isdst = -1};
	double number;
	char *end;
	time_t t;

	if (*text == '+') {
		if (!words_parse_span(text + 1, &number))
			return false;
		*ret_unix_ms = now_unix_ms + (uint64_t)number;
		return true;
	}
	if (*text == '@') {
		number = strtod(text + 1, &end);
		if (end == text + 1 || *end || !(number > 0 && number < 1e12))
			return false;
		*ret_unix_ms = (uint64_t)(number * 1000);
		return true;
	}
	end = strptime(text, "%Y-%m-%d", &tm);
	if (!end)
		return words_parse_clock(text, now_unix_ms, ret_unix_ms);
	if (*end != 'T' && *end != ' ')
		return false;
	end = strptime(end + 1, "%H:%M:%S", &tm);
	if (!end || (*end && strcmp(end, "Z") != 0))
		return false;
	t = *end ? timegm(&tm) : mktime(&tm);
	if (t <= 0)
		return false;
	*ret_unix_ms = (uint64_t)t * 1000;
	return true;
}

/* What a unit may be written as, and its factor to the one that counts. */
static bool words_unit_factor(const char *written, const char *unit, double *ret)
{
	static const struct {
		const char *written, *unit;
		double factor;
	} rows[] = {
		{"kHz", "Hz", 1e3},  {"k", "Hz", 1e3},	{"s", "ms", 1e3},  {"us", "ms", 1e-3},
		{"min", "ms", 6e4},  {"ms", "s", 1e-3}, {"min", "s", 60},  {"h", "s", 3600},
		{"LKFS", "LUFS", 1}, {"dB", "dBFS", 1}, {"dB", "dBTP", 1}, {"dB", "LU", 1},
	};

	*ret = 1;
	if (*written == 0 || strcasecmp(written, unit) == 0)
		return true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcasecmp(written, rows[i].written) == 0 &&
		    strcasecmp(unit, rows[i].unit) == 0) {
			*ret = rows[i].factor;
			return true;
		}
	}
	return false;
}

static const char *words_parse_switch(const char *text, double *ret)
{
	static const char *const on[] = {"on", "true", "yes"}, *const off[] = {"off", "false",
									       "no"};

	for (size_t i = 0; i < 3; i++) {
		if (strcasecmp(text, on[i]) == 0 || strcasecmp(text, off[i]) == 0) {
			*ret = strcasecmp(text, on[i]) == 0;
			return NULL;
		}
	}
	return "is not a number with a unit";
}

const char *words_parse_quantity(const char *text, const char *unit, double *ret)
{
	double number, factor;
	char *end;

	if ((text[0] == 'L' || text[0] == 'R') && text[1] >= '0' && text[1] <= '9') {
		number = strtod(text + 1, &end);
		if (*end || number > 100)
			return "is not a place between L100 and R100";
		*ret = text[0] == 'L' ? -number : number;
		return NULL;
	}
	if (strcmp(text, "C") == 0) {
		*ret = 0;
		return NULL;
	}
	number = strtod(text, &end);
	if (end == text)
		return words_parse_switch(text, ret);
	if (isnan(number))
		return "is not a number";
	while (*end == ' ')
		end++;
	if (!words_unit_factor(end, unit, &factor))
		return *unit ? "has another unit" : "has a unit, and none belongs here";
	*ret = number * factor;
	return NULL;
}
