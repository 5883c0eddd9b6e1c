/* graph_read.c - values, settings and envelopes out of messages; see graph_model_private.h. */
#include "cliplist.h"
#include "graph_model_private.h"
#include "graph_value.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define AT_MS_MAX 86400000.0 /* a day */

static int no_value(const char *address, struct mixd_error *err)
{
	int r = error_set(err, ERROR_INVALID, address, "no value is given");

	error_hint(err, "give a number, on or off, or a text with its unit");
	return r;
}

/* The text "1.5dB" of a relative value, as "+=1.5dB". */
static int read_relative_text(const struct mixd_param_row *row, double def, const char *text,
			      double current, const char *address, double *ret,
			      struct mixd_error *err)
{
	char sum[160];

	if ((text[0] == '+' || text[0] == '-') && text[1] == '=')
		snprintf(sum, sizeof(sum), "%.150s", text);
	else
		snprintf(sum, sizeof(sum), "+=%.150s", text);
	return graph_value_parse_param(row, def, sum, current, address, ret, err);
}

static int read_number(const struct mixd_param_row *row, double def, double current,
		       const Mixd__V1__Value *value, bool relative, const char *address,
		       double *ret, struct mixd_error *err)
{
	bool choice = row->type == MIXD_TYPE_BOOL || row->type == MIXD_TYPE_ENUM;
	double number;
	int r;

	if (!value || value->kind_case == MIXD__V1__VALUE__KIND__NOT_SET)
		return no_value(address, err);
	if (value->kind_case == MIXD__V1__VALUE__KIND_TEXT) {
		if (relative)
			return read_relative_text(row, def, value->text, current, address, ret,
						  err);
		return graph_value_parse_param(row, def, value->text, current, address, ret, err);
	}
	if (value->kind_case == MIXD__V1__VALUE__KIND_FLAG && row->type != MIXD_TYPE_BOOL) {
		r = error_set(err, ERROR_INVALID, address, "%s is for switches",
			      value->flag ? "on" : "off");
		if (row->type == MIXD_TYPE_ENUM)
			error_hint(err, "want one of its labels, as in %s", row->labels[0]);
		else
			error_hint(err, "want a number of %s",
				   row->unit ? graph_unit_name(row->unit) : "no unit");
		return r;
	}
	if (relative && choice) {
		r = error_set(err, ERROR_INVALID, address, "a choice has nothing to add to");
		error_hint(err, "set it to a value");
		return r;
	}
	number = value->kind_case == MIXD__V1__VALUE__KIND_FLAG ? (double)!!value->flag
								: value->number;
	if (relative)
		number += current;
	else if (row->ramp == MIXD_RAMP_GAIN && isinf(number) && number < 0)
		number = row->min;
	r = graph_value_check_param(row, number, address, err);
	if (r == 0)
		*ret = number == 0.0 ? 0.0 : number; /* no -0: equal must mean the same bytes */
	return r;
}

int graph_row_read(const struct mixd_param_row *row, double def, double current,
		   const Mixd__V1__Value *value, bool relative, const char *address, double *ret,
		   struct mixd_error *err)
{
	int r = read_number(row, def, current, value, relative, address, ret, err);

	if (r == 0 && *ret == 0.0)
		*ret = 0.0;
	return r;
}

int graph_node_read_param(const struct graph_node *node, uint32_t param_idx,
			  const Mixd__V1__Value *value, bool relative, const char *address,
			  double *ret, struct mixd_error *err)
{
	const struct graph_param *param = &node->type->params[param_idx];

	return graph_row_read(param->row, param->def, node->value[param_idx], value, relative,
			      address, ret, err);
}

/* Valid UTF-8 without control characters: what a session file can carry. RFC 3629, section 4. */
static bool text_good(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p) {
		uint32_t code, n;

		if (*p < 0x80) {
			if (*p < 0x20 || *p == 0x7f)
				return false;
			p++;
			continue;
		}
		n = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : 1;
		if (*p < 0xc2 || *p > 0xf4)
			return false;
		code = *p++ & (0x3fu >> n);
		for (uint32_t i = 0; i < n; i++, p++) {
			if ((*p & 0xc0) != 0x80)
				return false;
			code = code << 6 | (*p & 0x3f);
		}
		if (code < (n == 3   ? 0x10000u
			    : n == 2 ? 0x800u
				     : 0x80u) ||
		    code > 0x10ffffu || (code >= 0xd800u && code <= 0xdfffu) ||
		    (code >= 0x80u && code < 0xa0u) || code == 0x2028u || code == 0x2029u ||
		    code == 0xfeffu || code >= 0xfffeu)
			return false;
	}
	return true;
}

/* A list of clips is kept in its canonical form: equal lists are equal texts. */
static int read_clips(const char *text, const char *address, struct mixd_value *ret,
		      struct mixd_error *err)
{
	struct mixd_fault fault = {0};
	struct cliplist list = {0};
	size_t at = 0;
	char *canonical;
	int r;

	if (strlen(text) > GRAPH_CLIPS_TEXT_MAX || !text_good(text)) {
		r = error_set(err, ERROR_INVALID, address,
			      "the list of clips is too long or not printable");
		error_hint(err, "want at most %u bytes of UTF-8 without control characters",
			   GRAPH_CLIPS_TEXT_MAX);
		return r;
	}
	r = cliplist_parse(text, &list, &at, &fault);
	if (r == -ENOMEM)
		return error_no_memory(err);
	if (r < 0) {
		r = error_set(err, ERROR_INVALID, address, "character %zu: %s", at + 1, fault.text);
		error_hint(err, "%s", fault.hint);
		return r;
	}
	canonical = cliplist_write(&list);
	cliplist_done(&list);
	ret->number = 0.0;
	ret->text = canonical;
	return canonical ? 0 : error_no_memory(err);
}

static int read_text(const struct mixd_config_row *row, const Mixd__V1__Value *value, bool relative,
		     const char *address, struct mixd_value *ret, struct mixd_error *err)
{
	char number[40];
	const char *text = number;
	int r;

	if (!value || value->kind_case == MIXD__V1__VALUE__KIND__NOT_SET)
		return no_value(address, err);
	if (relative) {
		r = error_set(err, ERROR_INVALID, address, "a text has nothing to add to");
		error_hint(err, "set it to a whole new text");
		return r;
	}
	/* a reader of YAML may take "5.1" for a number, "on" for a switch */
	if (value->kind_case == MIXD__V1__VALUE__KIND_TEXT)
		text = value->text;
	else if (value->kind_case == MIXD__V1__VALUE__KIND_FLAG)
		text = value->flag ? "on" : "off";
	else
		graph_number_format(value->number, number, sizeof(number));
	if (row->is_clips)
		return read_clips(text, address, ret, err);
	if (strlen(text) > GRAPH_TEXT_MAX || !text_good(text)) {
		r = error_set(err, ERROR_INVALID, address, "the text is too long or not printable");
		error_hint(err, "want at most %u bytes of UTF-8 without control characters",
			   GRAPH_TEXT_MAX);
		return r;
	}
	if (strcmp(row->id, "layout") == 0 && strcmp(text, "auto") != 0 &&
	    !graph_layout_find(text, err))
		return -EINVAL;
	ret->number = 0.0;
	ret->text = strdup(text);
	return ret->text ? 0 : error_no_memory(err);
}

int graph_node_read_config(const struct graph_node *node, uint32_t config_idx,
			   const Mixd__V1__Value *value, bool relative, const char *address,
			   struct mixd_value *ret, struct mixd_error *err)
{
	const struct mixd_config_row *row = node->type->configs[config_idx];
	const struct mixd_param_row as_param = {.id = row->id,
						.type = row->type,
						.unit = row->unit,
						.min = row->min,
						.max = row->max,
						.def = row->def,
						.labels = row->labels};
	double number;
	int r;

	if (row->type == MIXD_TYPE_STRING) {
		r = read_text(row, value, relative, address, ret, err);
		if (r < 0 && err)
			snprintf(err->address, sizeof(err->address), "%s", address);
		return r;
	}
	r = read_number(&as_param, row->def, node->config[config_idx].number, value, relative,
			address, &number, err);
	if (r < 0)
		return r;
	ret->number = number == 0.0 ? 0.0 : number;
	ret->text = NULL;
	return 0;
}

bool graph_node_config_equal(const struct graph_node *node, uint32_t config_idx,
			     const struct mixd_value *value)
{
	const struct mixd_value *now = &node->config[config_idx];

	if (node->type->configs[config_idx]->type == MIXD_TYPE_STRING)
		return strcmp(now->text, value->text) == 0;
	return now->number == value->number;
}

int graph_node_read_settings(struct graph_node *node, Mixd__V1__Setting *const *settings, size_t n,
			     struct mixd_error *err)
{
	for (size_t i = 0; i < n; i++) {
		char address[GRAPH_ADDRESS_MAX];
		struct graph_address found;
		struct mixd_value config;
		int r;

		r = graph_node_find_setting(node, settings[i]->id, &found, err);
		if (r < 0)
			return r;
		graph_address_format(&found, address, sizeof(address));
		if (found.kind == GRAPH_ADDRESS_PARAM) {
			r = graph_node_read_param(node, found.idx, settings[i]->value, false,
						  address, &node->value[found.idx], err);
			if (r < 0)
				return r;
			continue;
		}
		r = graph_node_read_config(node, found.idx, settings[i]->value, false, address,
					   &config, err);
		if (r < 0)
			return r;
		free((char *)node->config[found.idx].text);
		node->config[found.idx] = config;
	}
	graph_node_count_ports(node);
	return 0;
}

int graph_curve_find(const char *name)
{
	if (!name[0])
		return GRAPH_CURVE_SMOOTH;
	for (int i = 0; graph_curve_names[i]; i++) {
		if (strcmp(graph_curve_names[i], name) == 0)
			return i;
	}
	return -1;
}

/* ---- envelopes ---- */

bool graph_envelope_equal(const struct graph_envelope *a, const struct graph_envelope *b)
{
	if (a->curve != b->curve || a->n_points != b->n_points || a->on_timeline != b->on_timeline)
		return false;
	for (uint32_t i = 0; i < a->n_points; i++) {
		if (a->points[i].at_ms != b->points[i].at_ms ||
		    a->points[i].value != b->points[i].value)
			return false;
	}
	return true;
}

static bool unit_is_db(enum mixd_unit unit)
{
	return unit == MIXD_UNIT_DB || unit == MIXD_UNIT_DBFS || unit == MIXD_UNIT_DBTP ||
	       unit == MIXD_UNIT_LUFS || unit == MIXD_UNIT_LU;
}

int graph_curve_check(const struct mixd_param_row *row, enum graph_curve curve, const char *address,
		      struct mixd_error *err)
{
	char low[64], high[64];
	int r;

	if (curve != GRAPH_CURVE_LOG || row->type != MIXD_TYPE_FLOAT || unit_is_db(row->unit) ||
	    row->min > 0.0)
		return 0;
	graph_value_format_param(row, row->min, low, sizeof(low));
	graph_value_format_param(row, row->max, high, sizeof(high));
	r = error_set(err, ERROR_INVALID, address, "%s is %s .. %s: a log curve cannot reach 0",
		      row->id, low, high);
	error_hint(err, "want the curve linear, smooth or equal-power");
	return r;
}

static int check_curve(const struct mixd_param_row *row, const char *name, const char *address,
		       int *ret, struct mixd_error *err)
{
	int curve = graph_curve_find(name), r;

	if (row->type != MIXD_TYPE_FLOAT && !name[0])
		curve = GRAPH_CURVE_STEP;
	if (curve < 0) {
		r = error_set(err, ERROR_INVALID, address, "there is no curve \"%.40s\"", name);
		error_hint(err, "want smooth, linear, log, equal-power or step");
		return r;
	}
	if (row->type != MIXD_TYPE_FLOAT && curve != GRAPH_CURVE_STEP) {
		r = error_set(err, ERROR_INVALID, address, "%s has no values in between for \"%s\"",
			      row->id, name);
		error_hint(err, "want the curve step");
		return r;
	}
	*ret = curve;
	return graph_curve_check(row, (enum graph_curve)curve, address, err);
}

static int check_points(const struct mixd_param_row *row, Mixd__V1__Point *const *points, size_t n,
			const char *address, struct mixd_error *err)
{
	int r;

	if (n == 0 || n > GRAPH_POINTS_MAX) {
		r = error_set(err, ERROR_INVALID, address, "an envelope of %zu points", n);
		error_hint(err, "want 1 to %u points, as in 0s=-60dB 3s=0dB", GRAPH_POINTS_MAX);
		return r;
	}
	for (size_t i = 0; i < n; i++) {
		if (!(points[i]->at_ms >= 0.0 && points[i]->at_ms <= AT_MS_MAX) ||
		    (i > 0 && !(points[i]->at_ms > points[i - 1]->at_ms))) {
			r = error_set(err, ERROR_INVALID, address,
				      "point %zu is at %gms, not after the one before or outside "
				      "0 .. 24h",
				      i + 1, points[i]->at_ms);
			error_hint(err, "sort the points by time");
			return r;
		}
		r = graph_value_check_param(row, points[i]->value, address, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int graph_envelope_read(struct graph_node *node, uint32_t param_idx, Mixd__V1__Point *const *points,
			size_t n_points, const char *curve, const char *address,
			struct graph_envelope **ret, struct mixd_error *err)
{
	const struct mixd_param_row *row = node->type->params[param_idx].row;
	struct graph_envelope *envelope;
	int curve_idx = 0, r;

	r = check_curve(row, curve, address, &curve_idx, err);
	if (r == 0)
		r = check_points(row, points, n_points, address, err);
	if (r < 0)
		return r;
	envelope = calloc(1, sizeof(*envelope));
	if (!envelope)
		return error_no_memory(err);
	envelope->points = calloc(n_points, sizeof(envelope->points[0]));
	if (!envelope->points) {
		graph_envelope_free(envelope);
		return error_no_memory(err);
	}
	envelope->node = node;
	envelope->param_idx = param_idx;
	envelope->curve = (enum graph_curve)curve_idx;
	envelope->n_points = (uint32_t)n_points;
	for (size_t i = 0; i < n_points; i++) {
		envelope->points[i].at_ms = points[i]->at_ms;
		envelope->points[i].value = points[i]->value == 0.0 ? 0.0 : points[i]->value;
	}
	*ret = envelope;
	return 0;
}
