/* lv2_row_setup.c - a control port as a param: id, words, type, range, unit.
 *
 * SOURCE      lv2core (lv2:toggled, integer, enumeration, sampleRate, scalePoint), units:unit,
 *             port-props (logarithmic). */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lv2_world.h"

#define ID_MAX 31u
#define POINTS_MAX 512u
/* A jump for the engine, whatever the rate; but a ramp that takes time goes in octaves. */
#define LOG_SMOOTH_MS 0.001f

/* ---- words ---- */

static bool digits_behind(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(text, prefix, n) == 0 && text[n] &&
	       strspn(text + n, "0123456789") == strlen(text + n);
}

static bool id_taken(const struct lv2_ids *ids, const char *id, bool numbered)
{
	for (uint32_t i = 0; i < ids->n; i++)
		if (strcmp(ids->taken[i], id) == 0 ||
		    (numbered && digits_behind(ids->taken[i], id)) ||
		    (ids->numbered[i] && digits_behind(id, ids->taken[i])))
			return true;
	return false;
}

char *lv2_row_id(struct lv2_ids *ids, const char *symbol, bool numbered)
{
	char plain[ID_MAX + 1] = "", id[ID_MAX + 1];
	uint32_t n = 0;
	char *copy;

	if (!isalpha((unsigned char)symbol[0]))
		plain[n++] = 'p';
	for (; *symbol && n < ID_MAX; symbol++)
		plain[n++] = isalnum((unsigned char)*symbol) ? (char)tolower((unsigned char)*symbol)
							     : '_';
	plain[n] = '\0';
	if (numbered && isdigit((unsigned char)plain[n - 1]))
		snprintf(plain + (n > ID_MAX - 3 ? ID_MAX - 3 : n), 4, "_ch");
	snprintf(id, sizeof(id), "%s", plain);
	/* What all nodes have comes first; the plug-in's own is then plugin_<symbol>. */
	if (id_taken(ids, id, numbered))
		snprintf(id, sizeof(id), "plugin_%.24s", plain);
	for (uint32_t i = 2; id_taken(ids, id, numbered) && i < 10000; i++)
		snprintf(id, sizeof(id), "%.22s_%u%s", plain, i, numbered ? "_ch" : "");
	copy = strdup(id);
	if (copy) {
		ids->taken[ids->n] = copy;
		ids->numbered[ids->n++] = numbered;
	}
	return copy;
}

char *lv2_row_doc(const char *name)
{
	char text[160];
	size_t n = 0;

	for (; *name && n < sizeof(text) - 24; name++)
		text[n++] = (unsigned char)*name < ' ' ? ' ' : *name;
	while (n > 0 && strchr(". ", text[n - 1]))
		n--;
	text[n] = '\0';
	if (n <= 3)
		snprintf(text + n, sizeof(text) - n, "%sof the plug-in", n ? " " : "A value ");
	return strdup(text);
}

/* ---- units ---- */

enum mixd_unit lv2_row_unit(LilvWorld *world, const LilvPlugin *plugin, const LilvPort *port,
			    double *ret_factor)
{
	static const struct {
		const char *name, *symbol;
		enum mixd_unit unit;
		double factor; /* port value = row value * factor */
	} units[] = {
		{"db", "dB", MIXD_UNIT_DB, 1},	       {"hz", "Hz", MIXD_UNIT_HZ, 1},
		{"khz", "kHz", MIXD_UNIT_HZ, 1e-3},    {"mhz", "MHz", MIXD_UNIT_HZ, 1e-6},
		{"ms", "ms", MIXD_UNIT_MS, 1},	       {"s", "s", MIXD_UNIT_S, 1},
		{"min", "min", MIXD_UNIT_S, 1.0 / 60}, {"pc", "%", MIXD_UNIT_PERCENT, 1},
		{"degree", "deg", MIXD_UNIT_DEG, 1},   {"frame", "frames", MIXD_UNIT_FRAMES, 1},
	};
	LilvNode *key = lilv_new_uri(world, LV2_UNITS_NS "unit");
	LilvNode *symbol_key = lilv_new_uri(world, LV2_UNITS_NS "symbol");
	LilvNode *unit = lilv_port_get(plugin, port, key), *symbol = NULL;
	enum mixd_unit found = MIXD_UNIT_NONE;
	const char *uri = unit && lilv_node_is_uri(unit) ? lilv_node_as_uri(unit) : "";

	*ret_factor = 1;
	if (strncmp(uri, LV2_UNITS_NS, strlen(LV2_UNITS_NS)) == 0)
		uri += strlen(LV2_UNITS_NS);
	else if (unit)
		symbol = lilv_world_get(world, unit, symbol_key, NULL);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(uri, units[i].name) == 0 ||
		    (symbol && strcmp(lilv_node_as_string(symbol), units[i].symbol) == 0)) {
			found = units[i].unit;
			*ret_factor = units[i].factor;
		}
	lilv_node_free(symbol);
	lilv_node_free(unit);
	lilv_node_free(symbol_key);
	lilv_node_free(key);
	return found;
}

bool lv2_port_has(LilvWorld *world, const LilvPlugin *plugin, const LilvPort *port,
		  const char *property)
{
	LilvNode *node = lilv_new_uri(world, property);
	bool has = lilv_port_has_property(plugin, port, node);

	lilv_node_free(node);
	return has;
}

/* ---- points ---- */

struct point {
	float value;
	const char *label;
};

static int point_compare(const void *a, const void *b)
{
	const struct point *left = a, *right = b;

	return (left->value > right->value) - (left->value < right->value);
}

/* What a label may not have becomes a dash. */
static char *point_label(const char *text, const char *const *before, uint32_t n)
{
	char label[64];
	uint32_t size = 0;

	for (; *text && size < 40; text++) {
		bool good = (unsigned char)*text > ' ' && (unsigned char)*text < 0x7f &&
			    !strchr(",:\"'#", *text);

		if (good)
			label[size++] = (char)tolower((unsigned char)*text);
		else if (size > 0 && label[size - 1] != '-')
			label[size++] = '-';
	}
	while (size > 0 && label[size - 1] == '-')
		size--;
	label[size] = '\0';
	for (uint32_t i = 0; i < n; i++)
		if (size == 0 || strcasecmp(before[i], label) == 0)
			snprintf(label + size, sizeof(label) - size, "-%u", n + 1);
	return strdup(*label ? label : "off");
}

static int row_points(const LilvScalePoints *list, float def, struct mixd_param_row *row,
		      struct lv2_param *param)
{
	uint32_t n = lilv_scale_points_size(list), used = 0;
	struct point *points;
	const char **labels = calloc(n + 1, sizeof(*labels));
	float *values = calloc(n + 1, sizeof(float));

	points = calloc(n + 1, sizeof(*points));
	if (!points || !labels || !values) {
		free(points);
		free((void *)labels);
		free(values);
		return -ENOMEM;
	}
	LILV_FOREACH(scale_points, i, list)
	{
		const LilvScalePoint *point = lilv_scale_points_get(list, i);

		points[used].value = lilv_node_as_float(lilv_scale_point_get_value(point));
		points[used++].label = lilv_node_as_string(lilv_scale_point_get_label(point));
	}
	qsort(points, used, sizeof(*points), point_compare);
	for (uint32_t i = 0; i < used; i++) {
		labels[i] = point_label(points[i].label, labels, i);
		values[i] = points[i].value;
		if (fabsf(values[i] - def) < fabsf(values[(uint32_t)row->def] - def))
			row->def = i;
	}
	free(points);
	row->type = MIXD_TYPE_ENUM;
	row->min = 0;
	row->max = used - 1.0;
	row->labels = labels;
	param->points = values;
	param->n_points = used;
	return 0;
}

/* ---- numbers ---- */

/* A float as somebody wrote it: 0.1, not 0.100000001490116. */
static double tidy(float value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.7g", (double)value);
	if (strtof(text, NULL) != value)
		snprintf(text, sizeof(text), "%.9g", (double)value);
	return strtod(text, NULL);
}

static void row_range(const float range[3], double factor, struct mixd_param_row *row)
{
	double def = isfinite(range[0]) ? tidy(range[0]) / factor : NAN;
	double min = isfinite(range[1]) ? tidy(range[1]) / factor : 0;
	double max = isfinite(range[2]) ? tidy(range[2]) / factor : NAN;

	if (isnan(max))
		max = min < 1 ? 1 : min + 1;
	if (max < min) {
		double other = max;

		max = min;
		min = other;
	}
	if (isnan(def))
		def = min;
	row->def = def;
	row->min = fmin(min, def);
	row->max = fmax(max, def);
}

int lv2_row_param(LilvWorld *world, const LilvPlugin *plugin, const LilvPort *port,
		  const float range[3], struct mixd_param_row *row, struct lv2_param *param)
{
	LilvScalePoints *points = lilv_port_get_scale_points(plugin, port);
	bool enumeration = lv2_port_has(world, plugin, port, LV2_CORE_NS "enumeration");
	int res = 0;

	row->unit = lv2_row_unit(world, plugin, port, &param->factor);
	row_range(range, param->factor, row);
	param->of_rate = lv2_port_has(world, plugin, port, LV2_CORE_NS "sampleRate");
	if (enumeration && points && lilv_scale_points_size(points) > 1 &&
	    lilv_scale_points_size(points) <= POINTS_MAX) {
		row->def = 0;
		row->unit = MIXD_UNIT_NONE;
		res = row_points(points, isfinite(range[0]) ? range[0] : range[1], row, param);
	} else if (lv2_port_has(world, plugin, port, LV2_CORE_NS "toggled")) {
		row->type = MIXD_TYPE_BOOL;
		row->unit = MIXD_UNIT_NONE;
		row->def = row->def > 0;
		row->min = 0;
		row->max = 1;
	} else if (enumeration || lv2_port_has(world, plugin, port, LV2_CORE_NS "integer")) {
		row->type = MIXD_TYPE_INT;
		row->min = rint(row->min);
		row->max = rint(row->max);
		row->def = rint(row->def);
	} else if (row->min > 0 &&
		   lv2_port_has(world, plugin, port, LV2_EXT_NS "port-props#logarithmic")) {
		row->ramp = MIXD_RAMP_LOG;
		row->smooth_ms = LOG_SMOOTH_MS;
	}
	lilv_scale_points_free(points);
	return res;
}
