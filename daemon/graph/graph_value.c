/* graph_value.c - see graph_value.h. Writing of values; reading is graph_value_parse.c. */
#include "graph_value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const unit_names[MIXD_UNIT_COUNT_] = {
	[MIXD_UNIT_NONE] = "",	       [MIXD_UNIT_DB] = "dB",
	[MIXD_UNIT_DBFS] = "dBFS",     [MIXD_UNIT_DBTP] = "dBTP",
	[MIXD_UNIT_LUFS] = "LUFS",     [MIXD_UNIT_LU] = "LU",
	[MIXD_UNIT_HZ] = "Hz",	       [MIXD_UNIT_MS] = "ms",
	[MIXD_UNIT_S] = "s",	       [MIXD_UNIT_PERCENT] = "%",
	[MIXD_UNIT_RATIO] = ":1",      [MIXD_UNIT_PAN] = "pan",
	[MIXD_UNIT_DB_PER_S] = "dB/s", [MIXD_UNIT_DB_PER_OCT] = "dB/oct",
	[MIXD_UNIT_FRAMES] = "frames", [MIXD_UNIT_DEG] = "deg",
};

const char *graph_unit_name(enum mixd_unit unit)
{
	return unit < MIXD_UNIT_COUNT_ ? unit_names[unit] : "";
}

void graph_number_format(double value, char *buf, size_t size)
{
	if (isnan(value)) {
		snprintf(buf, size, "nan");
		return;
	}
	if (isinf(value)) {
		snprintf(buf, size, "%s", value < 0 ? "-inf" : "inf");
		return;
	}
	if (value == 0.0) { /* nobody writes -0 */
		snprintf(buf, size, "0");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(buf, size, "%.*g", digits, value);
		if (strtod(buf, NULL) == value)
			return;
	}
}

/* "1.2kHz" where that reads back as the same number, else "1234.5678Hz". */
static void format_hz(double value, char *buf, size_t size)
{
	char number[32];

	if (fabs(value) >= 1000.0) {
		graph_number_format(value / 1000.0, number, sizeof(number));
		if (strlen(number) <= 8 && strtod(number, NULL) * 1000.0 == value) {
			snprintf(buf, size, "%skHz", number);
			return;
		}
	}
	graph_number_format(value, number, sizeof(number));
	snprintf(buf, size, "%sHz", number);
}

static void format_number_unit(enum mixd_unit unit, double value, char *buf, size_t size)
{
	char number[32];

	if (unit == MIXD_UNIT_HZ) {
		format_hz(value, buf, size);
	} else if (unit == MIXD_UNIT_PAN && value == 0.0) {
		snprintf(buf, size, "C");
	} else if (unit == MIXD_UNIT_PAN) {
		graph_number_format(fabs(value), number, sizeof(number));
		snprintf(buf, size, "%c%s", value < 0 ? 'L' : 'R', number);
	} else {
		graph_number_format(value, number, sizeof(number));
		snprintf(buf, size, "%s%s", number, graph_unit_name(unit));
	}
}

static const char *label_of(const char *const *labels, double value)
{
	uint32_t n = 0;

	while (labels && labels[n])
		n++;
	return value >= 0.0 && value < (double)n ? labels[(uint32_t)value] : NULL;
}

void graph_value_format_param(const struct mixd_param_row *row, double value, char *buf,
			      size_t size)
{
	const char *label;

	switch (row->type) {
	case MIXD_TYPE_BOOL:
		snprintf(buf, size, "%s", value != 0.0 ? "on" : "off");
		return;
	case MIXD_TYPE_ENUM:
		label = label_of(row->labels, value);
		snprintf(buf, size, "%s", label ? label : "?");
		return;
	default:
		if (row->ramp == MIXD_RAMP_GAIN && value <= row->min)
			snprintf(buf, size, "-inf");
		else
			format_number_unit(row->unit, value, buf, size);
	}
}

void graph_value_format_config(const struct mixd_config_row *row, const struct mixd_value *value,
			       char *buf, size_t size)
{
	const struct mixd_param_row as_param = {
		.type = row->type, .unit = row->unit, .labels = row->labels};

	if (row->type == MIXD_TYPE_STRING)
		snprintf(buf, size, "%s", value->text ? value->text : "");
	else
		graph_value_format_param(&as_param, value->number, buf, size);
}

static int meter_decimals(enum mixd_unit unit)
{
	switch (unit) {
	case MIXD_UNIT_FRAMES:
		return 0;
	case MIXD_UNIT_NONE:
	case MIXD_UNIT_S:
		return 2;
	default:
		return 1;
	}
}

void graph_value_format_meter(const struct mixd_meter_row *row, double value, char *buf,
			      size_t size)
{
	const char *label = label_of(row->labels, value);
	const char *unit = graph_unit_name(row->unit);
	char number[64];

	if (label) {
		snprintf(buf, size, "%s", label);
		return;
	}
	if (isfinite(value)) {
		double shown =
			fabs(value) < 0.5 * pow(10.0, -meter_decimals(row->unit)) ? 0.0 : value;

		snprintf(number, sizeof(number), "%.*f", meter_decimals(row->unit), shown);
		if (row->unit == MIXD_UNIT_NONE && shown == round(shown)) /* a count, most often */
			snprintf(number, sizeof(number), "%.0f", shown);
	} else {
		graph_number_format(value, number, sizeof(number));
	}
	if (row->unit == MIXD_UNIT_PAN)
		unit = "";
	snprintf(buf, size, "%s%s%s", number,
		 *unit && row->unit != MIXD_UNIT_RATIO && row->unit != MIXD_UNIT_PERCENT ? " " : "",
		 unit);
}
