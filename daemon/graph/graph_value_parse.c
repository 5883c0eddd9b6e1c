/* graph_value_parse.c - see graph_value.h: text -> number. */
#include "graph_value.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_SHOWN 60 /* of what was written, in an error */
#define NUMBER_MAX 64u

/* What may stand behind the number, and what it multiplies it with. */
static const struct unit_word {
	enum mixd_unit unit;
	const char *word;
	double factor;
} unit_words[] = {
	{MIXD_UNIT_DB, "dB", 1},	 {MIXD_UNIT_DBFS, "dBFS", 1},
	{MIXD_UNIT_DBTP, "dBTP", 1},	 {MIXD_UNIT_LUFS, "LUFS", 1},
	{MIXD_UNIT_LUFS, "LKFS", 1}, /* ITU's name for the same */
	{MIXD_UNIT_LU, "LU", 1},	 {MIXD_UNIT_HZ, "Hz", 1},
	{MIXD_UNIT_HZ, "k", 1000},	 {MIXD_UNIT_HZ, "kHz", 1000},
	{MIXD_UNIT_MS, "ms", 1},	 {MIXD_UNIT_MS, "s", 1000},
	{MIXD_UNIT_MS, "us", 1e-3},	 {MIXD_UNIT_MS, "min", 60000},
	{MIXD_UNIT_S, "s", 1},		 {MIXD_UNIT_S, "ms", 1e-3},
	{MIXD_UNIT_S, "min", 60},	 {MIXD_UNIT_S, "h", 3600},
	{MIXD_UNIT_PERCENT, "%", 1},	 {MIXD_UNIT_RATIO, ":1", 1},
	{MIXD_UNIT_DB_PER_S, "dB/s", 1}, {MIXD_UNIT_DB_PER_OCT, "dB/oct", 1},
	{MIXD_UNIT_FRAMES, "frames", 1}, {MIXD_UNIT_FRAMES, "frame", 1},
	{MIXD_UNIT_DEG, "deg", 1},	 {MIXD_UNIT_DEG, "\xc2\xb0", 1},
};
#define UNIT_WORDS (sizeof(unit_words) / sizeof(unit_words[0]))

struct parse {
	const struct mixd_param_row *row;
	const char *text; /* as written */
	const char *address;
	struct mixd_error *err;
};

/* A value that shows the form: "-1dBTP". */
static void example(const struct mixd_param_row *row, double number, char *buf, size_t size)
{
	if (!(number >= row->min && number <= row->max))
		number = row->def >= row->min && row->def <= row->max ? row->def : row->min;
	graph_value_format_param(row, number, buf, size);
}

static int fail_no_number(const struct parse *parse)
{
	char shown[64];
	int r;

	example(parse->row, parse->row->def, shown, sizeof(shown));
	r = error_set(parse->err, ERROR_INVALID, parse->address, "\"%.*s\" is not a number",
		      TEXT_SHOWN, parse->text);
	if (parse->row->unit == MIXD_UNIT_PAN)
		snprintf(shown, sizeof(shown), "L30, C or R100");
	error_hint(parse->err, "write it as in %s", shown);
	return r;
}

static int fail_unit(const struct parse *parse, double number)
{
	const char *unit = graph_unit_name(parse->row->unit);
	char shown[64];
	int r;

	example(parse->row, number, shown, sizeof(shown));
	r = error_set(parse->err, ERROR_INVALID, parse->address, "\"%.*s\" has the wrong unit",
		      TEXT_SHOWN, parse->text);
	if (parse->row->unit == MIXD_UNIT_NONE)
		error_hint(parse->err, "want a plain number, as in %s", shown);
	else
		error_hint(parse->err, "want %s, as in %s", unit, shown);
	return r;
}

static void skip_spaces(const char **text)
{
	while (isspace((unsigned char)**text))
		(*text)++;
}

/* A decimal number ("-1.5", "2e3") or "inf"; *TEXT moves behind it. Not strtod()'s whole language:
 * no hexadecimal, no nan, no "infinity" glued to a word. */
static bool read_number(const char **text, double *ret)
{
	const char *p = *text, *begin = p;
	size_t digits = 0, size;
	char copy[NUMBER_MAX];

	p += *p == '-' || *p == '+';
	if (strncasecmp(p, "inf", 3) == 0 && !isalpha((unsigned char)p[3])) {
		*ret = *begin == '-' ? -INFINITY : INFINITY;
		*text = p + 3;
		return true;
	}
	for (; isdigit((unsigned char)*p); p++)
		digits++;
	if (*p == '.') {
		for (p++; isdigit((unsigned char)*p); p++)
			digits++;
	}
	if (digits == 0)
		return false;
	if (*p == 'e' || *p == 'E') {
		const char *exponent = p + 1;

		exponent += *exponent == '-' || *exponent == '+';
		if (isdigit((unsigned char)*exponent)) {
			while (isdigit((unsigned char)*exponent))
				exponent++;
			p = exponent;
		}
	}
	size = (size_t)(p - begin);
	if (size >= sizeof(copy))
		return false;
	memcpy(copy, begin, size);
	copy[size] = '\0';
	*ret = strtod(copy, NULL);
	*text = p;
	return true;
}

/* SUFFIX names a unit that ROW takes. "dB" is short for dBFS and dBTP, which never stand for one
 * another, and 1 LU is 1 dB (EBU Tech 3341); a difference of LUFS may be written in dB and LU. */
static bool find_unit(const struct mixd_param_row *row, const char *suffix, bool relative,
		      double *ret_factor)
{
	bool level = row->unit == MIXD_UNIT_DBFS || row->unit == MIXD_UNIT_DBTP ||
		     row->unit == MIXD_UNIT_LU || (row->unit == MIXD_UNIT_LUFS && relative);

	*ret_factor = 1.0;
	if (!*suffix)
		return true;
	if (level && strcasecmp(suffix, "dB") == 0)
		return true;
	if (relative && row->unit == MIXD_UNIT_LUFS && strcasecmp(suffix, "LU") == 0)
		return true;
	for (size_t i = 0; i < UNIT_WORDS; i++) {
		if (unit_words[i].unit == row->unit &&
		    strcasecmp(unit_words[i].word, suffix) == 0) {
			*ret_factor = unit_words[i].factor;
			return true;
		}
	}
	return false;
}

/* "L30" "R30" "C" "L" and, as for all, plain numbers. */
static bool read_pan(const char *text, double *ret)
{
	double side = tolower((unsigned char)*text) == 'l' ? -1.0 : 1.0;
	double number;

	if (strcasecmp(text, "c") == 0) {
		*ret = 0.0;
		return true;
	}
	if (!strchr("lLrR", *text) || !*text)
		return false;
	text++;
	skip_spaces(&text);
	if (*text && !isdigit((unsigned char)*text) && *text != '.')
		return false;
	number = 100.0;
	if (*text && (!read_number(&text, &number) || *text))
		return false;
	*ret = side * number;
	return true;
}

/* The number in front, then the unit. */
static int parse_number(const struct parse *parse, const char *text, bool relative, double *ret)
{
	double number, factor;

	if (parse->row->unit == MIXD_UNIT_PAN && read_pan(text, ret))
		return 0;
	if (!read_number(&text, &number))
		return fail_no_number(parse);
	skip_spaces(&text);
	if (parse->row->unit == MIXD_UNIT_RATIO && *text == ':') {
		text++;
		skip_spaces(&text);
		if (strcmp(text, "1") != 0)
			return fail_unit(parse, number);
		text = "";
	}
	if (!find_unit(parse->row, text, relative, &factor))
		return fail_unit(parse, number);
	*ret = factor < 1.0 ? number / rint(1.0 / factor) : number * factor;
	return 0;
}

static int parse_bool(const struct parse *parse, const char *text, double *ret)
{
	static const char *const words[] = {"off", "on", "false", "true", "no", "yes", "0", "1"};
	int r;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(words[i], text) == 0) {
			*ret = (double)(i & 1u);
			return 0;
		}
	}
	r = error_set(parse->err, ERROR_INVALID, parse->address, "\"%.*s\" is neither on nor off",
		      TEXT_SHOWN, parse->text);
	error_hint(parse->err, "want on or off");
	return r;
}

/* "bell, low_shelf, ..." */
static void labels_list(const char *const *labels, uint32_t n, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (uint32_t i = 0; i < n && used < size; i++) {
		int r = snprintf(buf + used, size - used, "%s%s", i ? ", " : "", labels[i]);

		used += r > 0 ? (size_t)r : 0;
	}
}

static int parse_label(const struct parse *parse, const char *text, double *ret)
{
	const char *const *labels = parse->row->labels;
	char list[256];
	const char *nearest;
	uint32_t n;
	int r;

	for (n = 0; labels && labels[n]; n++) {
		if (strcasecmp(labels[n], text) == 0) {
			*ret = (double)n;
			return 0;
		}
	}
	if (strcmp(text, "default") == 0) {
		*ret = parse->row->def;
		return 0;
	}
	r = error_set(parse->err, ERROR_INVALID, parse->address, "there is no choice \"%.*s\"",
		      TEXT_SHOWN, parse->text);
	nearest = error_nearest(text, labels, n);
	labels_list(labels, n, list, sizeof(list));
	if (nearest)
		error_hint(parse->err, "did you mean \"%s\"? (of %s)", nearest, list);
	else
		error_hint(parse->err, "want one of %s", list);
	return r;
}

/* "+=" and "-=": *RET_SIGN becomes 1 or -1, 0 without. */
static const char *read_relative(const char *text, double *ret_sign)
{
	*ret_sign = 0.0;
	if ((text[0] == '+' || text[0] == '-') && text[1] == '=') {
		*ret_sign = text[0] == '+' ? 1.0 : -1.0;
		text += 2;
		skip_spaces(&text);
	}
	return text;
}

static int parse_param(const struct parse *parse, double def, const char *text, double current,
		       double *ret)
{
	const struct mixd_param_row *row = parse->row;
	double sign, number = 0.0;
	int r;

	text = read_relative(text, &sign);
	if (sign != 0.0 && (row->type == MIXD_TYPE_BOOL || row->type == MIXD_TYPE_ENUM)) {
		r = error_set(parse->err, ERROR_INVALID, parse->address,
			      "\"%.*s\": a choice has nothing to add to", TEXT_SHOWN, parse->text);
		error_hint(parse->err, "set it to a value%s",
			   row->type == MIXD_TYPE_BOOL ? ", or toggle it" : "");
		return r;
	}
	if (row->type == MIXD_TYPE_ENUM) {
		r = parse_label(parse, text, &number);
	} else if (sign == 0.0 && strcasecmp(text, "default") == 0) {
		number = def;
		r = 0;
	} else if (row->type == MIXD_TYPE_BOOL) {
		r = parse_bool(parse, text, &number);
	} else {
		r = parse_number(parse, text, sign != 0.0, &number);
	}
	if (r < 0)
		return r;
	if (sign != 0.0)
		number = current + sign * number;
	else if (row->ramp == MIXD_RAMP_GAIN && isinf(number) && number < 0)
		number = row->min;
	else if (row->unit == MIXD_UNIT_RATIO && isinf(number) && number > 0)
		number = row->max;
	r = graph_value_check_param(row, number, parse->address, parse->err);
	if (r == 0)
		*ret = number;
	return r;
}

/* A copy without spaces at the ends; false when TEXT is too long to be a value. */
static bool trim(const char *text, char *buf, size_t size)
{
	size_t length;

	skip_spaces(&text);
	length = strlen(text);
	while (length > 0 && isspace((unsigned char)text[length - 1]))
		length--;
	if (length >= size)
		return false;
	memcpy(buf, text, length);
	buf[length] = '\0';
	return true;
}

int graph_value_parse_param(const struct mixd_param_row *row, double def, const char *text,
			    double current, const char *address, double *ret_value,
			    struct mixd_error *err)
{
	struct mixd_param_row row_with_def = *row;
	struct parse parse = {&row_with_def, text, address, err};
	char trimmed[128];

	row_with_def.def = def;
	if (!trim(text, trimmed, sizeof(trimmed)))
		return fail_no_number(&parse);
	return parse_param(&parse, def, trimmed, current, ret_value);
}

int graph_value_parse_config(const struct mixd_config_row *row, const char *text,
			     const char *address, double *ret_value, struct mixd_error *err)
{
	const struct mixd_param_row as_param = {.id = row->id,
						.type = row->type,
						.unit = row->unit,
						.min = row->min,
						.max = row->max,
						.def = row->def,
						.labels = row->labels};

	if (row->type == MIXD_TYPE_STRING) {
		*ret_value = 0.0;
		return 0;
	}
	return graph_value_parse_param(&as_param, row->def, text, row->def, address, ret_value,
				       err);
}

static double range_max(const struct mixd_param_row *row)
{
	uint32_t n = 0;

	if (row->type == MIXD_TYPE_BOOL)
		return 1.0;
	if (row->type != MIXD_TYPE_ENUM)
		return row->max;
	while (row->labels && row->labels[n])
		n++;
	return (double)n - 1.0;
}

int graph_value_check_param(const struct mixd_param_row *row, double value, const char *address,
			    struct mixd_error *err)
{
	double max = range_max(row);
	char number[64], low[64], high[64];
	int r;

	if (value >= row->min && value <= max) {
		if (row->type == MIXD_TYPE_FLOAT || rint(value) == value)
			return 0;
		graph_number_format(value, number, sizeof(number));
		r = error_set(err, ERROR_INVALID, address, "%s is not a whole number", number);
		graph_number_format(rint(value), number, sizeof(number));
		error_hint(err, "want a whole number, as in %s", number);
		return r;
	}
	if (row->type == MIXD_TYPE_BOOL || row->type == MIXD_TYPE_ENUM) {
		graph_number_format(value, number, sizeof(number));
		r = error_set(err, ERROR_INVALID, address, "%s is not one of its values", number);
		graph_number_format(max, high, sizeof(high));
		if (row->type == MIXD_TYPE_BOOL)
			error_hint(err, "want on or off");
		else
			error_hint(err, "want a label, or 0 to %s", high);
		return r;
	}
	if (isfinite(value))
		graph_value_format_param(&(struct mixd_param_row){.unit = row->unit}, value, number,
					 sizeof(number));
	else
		graph_number_format(value, number, sizeof(number));
	graph_value_format_param(row, row->min, low, sizeof(low));
	graph_value_format_param(row, max, high, sizeof(high));
	r = error_set(err, ERROR_INVALID, address, "%s is outside %s .. %s", number, low, high);
	error_hint(err, "want %s to %s", low, high);
	return r;
}
