/* graph_types_check.c - see graph_types_check.h. */
#include "graph_types_check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PORT_ROWS_MAX 64u
#define PORTS_OF_A_ROW_MAX 4096.0
#define SMOOTH_MS_MAX 60000.0f

/* Where in the table we are, for the message. */
struct check {
	const struct mixd_node_type *type;
	const char *kind; /* "param" */
	const char *id;
	struct mixd_error *err;
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct check *check, const char *fmt,
							...)
{
	char address[96], text[200];
	va_list args;
	int r;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (check->id)
		snprintf(address, sizeof(address), "%.40s.%.40s", check->type->id, check->id);
	else
		snprintf(address, sizeof(address), "%.40s", check->type->id);
	r = error_set(check->err, ERROR_INVALID, address, "%s: %s", check->kind, text);
	error_hint(check->err, "correct the table of the node type and build its module again");
	return r;
}

static bool id_good(const char *id)
{
	if (!id || id[0] < 'a' || id[0] > 'z' || strlen(id) >= GRAPH_ID_MAX / 2)
		return false;
	for (; *id; id++) {
		if (!((*id >= 'a' && *id <= 'z') || (*id >= '0' && *id <= '9') || *id == '_' ||
		      *id == '-'))
			return false;
	}
	return true;
}

static int check_head(const struct check *check, const char *id, const char *doc)
{
	if (!id_good(id))
		return refuse(check, "the id is not of the form [a-z][a-z0-9_-]*, below %u long",
			      GRAPH_ID_MAX / 2);
	if (!doc || !doc[0])
		return refuse(check, "has no doc");
	if (strchr(doc, '\n'))
		return refuse(check, "the doc is more than one line");
	return 0;
}

static uint32_t labels_count(const char *const *labels)
{
	uint32_t n = 0;

	while (labels && labels[n])
		n++;
	return n;
}

static int check_labels(const struct check *check, const char *const *labels)
{
	uint32_t n = labels_count(labels);

	if (n == 0)
		return refuse(check, "an enum without labels");
	for (uint32_t i = 0; i < n; i++) {
		if (!labels[i][0] || strpbrk(labels[i], " \t\n,:\"'#"))
			return refuse(check, "label %u is empty or has spaces, quotes or ,:#", i);
		for (uint32_t k = 0; k < i; k++) {
			if (strcasecmp(labels[i], labels[k]) == 0)
				return refuse(check, "label \"%s\" is there twice", labels[i]);
		}
	}
	return 0;
}

/* The range that counts: of enums and bools it may be left out. */
static int check_range(const struct check *check, enum mixd_type type, const char *const *labels,
		       double *min, double *max)
{
	uint32_t n = labels_count(labels);
	double top = type == MIXD_TYPE_BOOL ? 1.0 : (double)n - 1.0;

	if (type == MIXD_TYPE_BOOL || type == MIXD_TYPE_ENUM) {
		if (*min != 0.0 || (*max != 0.0 && *max != top))
			return refuse(check, "the range is not 0..%g", top);
		*max = top;
	} else if (labels) {
		return refuse(check, "labels are for enums");
	}
	if (!isfinite(*min) || !isfinite(*max) || *min > *max)
		return refuse(check, "the range %g..%g is not finite or upside down", *min, *max);
	if (type == MIXD_TYPE_INT && (rint(*min) != *min || rint(*max) != *max))
		return refuse(check, "the range of an int is not whole");
	return 0;
}

static int check_default(const struct check *check, enum mixd_type type, double def, double min,
			 double max)
{
	if (!(def >= min && def <= max))
		return refuse(check, "the default %g is outside %g..%g", def, min, max);
	if (type != MIXD_TYPE_FLOAT && rint(def) != def)
		return refuse(check, "the default %g is not whole", def);
	return 0;
}

static int check_ramp(const struct check *check, const struct mixd_param_row *row)
{
	if (row->ramp > MIXD_RAMP_GAIN)
		return refuse(check, "unknown ramp %d", (int)row->ramp);
	if (row->ramp != MIXD_RAMP_NONE && row->type != MIXD_TYPE_FLOAT)
		return refuse(check, "only floats have a ramp");
	if (row->ramp == MIXD_RAMP_LOG && !(row->min > 0.0))
		return refuse(check, "a LOG ramp needs min > 0");
	if (row->ramp == MIXD_RAMP_GAIN && row->unit != MIXD_UNIT_DB &&
	    row->unit != MIXD_UNIT_DBFS && row->unit != MIXD_UNIT_DBTP)
		return refuse(check, "a GAIN ramp is declared in dB, dBFS or dBTP");
	if (row->ramp == MIXD_RAMP_NONE && row->smooth_ms != 0.0f)
		return refuse(check, "smooth_ms without a ramp");
	if (!(row->smooth_ms >= 0.0f && row->smooth_ms <= SMOOTH_MS_MAX))
		return refuse(check, "smooth_ms %g is outside 0..%g", (double)row->smooth_ms,
			      (double)SMOOTH_MS_MAX);
	return 0;
}

static int check_param(struct check *check, const struct mixd_param_row *row)
{
	double min = row->min, max = row->max;
	uint32_t count = row->group ? row->count : 1;
	int r;

	check->kind = "param";
	check->id = row->id;
	r = check_head(check, row->id, row->doc);
	if (r < 0)
		return r;
	if (row->type > MIXD_TYPE_ENUM)
		return refuse(check, "a param is a float, int, bool or enum");
	if (row->unit >= MIXD_UNIT_COUNT_)
		return refuse(check, "unknown unit %d", (int)row->unit);
	r = row->type == MIXD_TYPE_ENUM ? check_labels(check, row->labels) : 0;
	if (r < 0)
		return r;
	r = check_range(check, row->type, row->labels, &min, &max);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < (row->defs && count <= GRAPH_GROUP_MAX ? count : 1); i++) {
		r = check_default(check, row->type, row->defs ? row->defs[i] : row->def, min, max);
		if (r < 0)
			return r;
	}
	return check_ramp(check, row);
}

/* "type" stands beside the settings of a node in a session file. */
static int check_word(const struct check *check, const char *id, const char *group)
{
	return !group && strcmp(id, "type") == 0
		       ? refuse(check, "the id is a word of the session file")
		       : 0;
}

static int check_group(struct check *check, uint32_t idx)
{
	const struct mixd_param_row *rows = check->type->params, *row = &rows[idx];

	if (!row->group)
		return row->count > 1 || row->defs
			       ? refuse(check, "a count or defs without a group")
			       : 0;
	if (!id_good(row->group) || (row->group[strlen(row->group) - 1] >= '0' &&
				     row->group[strlen(row->group) - 1] <= '9'))
		return refuse(check, "the group's name is no id, or ends with a digit");
	if (row->count < 1 || row->count > GRAPH_GROUP_MAX)
		return refuse(check, "the group's count %u is outside 1..%u", row->count,
			      GRAPH_GROUP_MAX);
	for (uint32_t i = 0; i < idx; i++) {
		if (!rows[i].group || strcmp(rows[i].group, row->group) != 0)
			continue;
		if (!rows[idx - 1].group || strcmp(rows[idx - 1].group, row->group) != 0)
			return refuse(check, "the rows of group \"%s\" are not neighbours",
				      row->group);
		if (rows[i].count != row->count)
			return refuse(check, "the rows of group \"%s\" differ in count",
				      row->group);
	}
	return 0;
}

static int check_config(struct check *check, const struct mixd_config_row *row)
{
	double min = row->min, max = row->max;
	int r;

	check->kind = "config";
	check->id = row->id;
	r = check_head(check, row->id, row->doc);
	if (r < 0)
		return r;
	if (row->type > MIXD_TYPE_STRING || row->unit >= MIXD_UNIT_COUNT_)
		return refuse(check, "unknown type or unit");
	if (row->is_file && row->type != MIXD_TYPE_STRING)
		return refuse(check, "a file is a string");
	if (row->is_clips && row->type != MIXD_TYPE_STRING)
		return refuse(check, "a list of clips is a string");
	if (row->type == MIXD_TYPE_STRING)
		return 0;
	r = row->type == MIXD_TYPE_ENUM ? check_labels(check, row->labels) : 0;
	if (r < 0)
		return r;
	r = check_range(check, row->type, row->labels, &min, &max);
	return r < 0 ? r : check_default(check, row->type, row->def, min, max);
}

static int check_meter(struct check *check, const struct mixd_meter_row *row)
{
	int r;

	check->kind = "meter";
	check->id = row->id;
	r = check_head(check, row->id, row->doc);
	if (r < 0)
		return r;
	if (row->unit >= MIXD_UNIT_COUNT_ || row->fold > MIXD_FOLD_MIN)
		return refuse(check, "unknown unit or fold");
	if (row->per_channel && row->count)
		return refuse(check, "has a count, and is per channel");
	if (row->count > GRAPH_METERS_MAX)
		return refuse(check, "the count %u is above %u", row->count, GRAPH_METERS_MAX);
	if (graph_meter_numbered(row) && row->id[strlen(row->id) - 1] >= '0' &&
	    row->id[strlen(row->id) - 1] <= '9')
		return refuse(check, "the id of a numbered meter ends with a digit");
	return 0;
}

/* OTHER would be read as ID with a number behind it. */
static bool id_numbered(const char *id, const char *other)
{
	size_t size = strlen(id);

	return strncmp(id, other, size) == 0 && other[size] != '\0' &&
	       strspn(other + size, "0123456789") == strlen(other + size);
}

/* The I-th row of all tables that share the address space node.id; NULL at the end. */
static const char *row_id(const struct mixd_node_type *type, uint32_t i, const char **ret_group,
			  bool *ret_numbered)
{
	*ret_group = NULL;
	*ret_numbered = false;
	if (i < GRAPH_PARAM_COMMON)
		return graph_common_params[i].id;
	i -= GRAPH_PARAM_COMMON;
	if (i < GRAPH_CONFIG_COMMON)
		return graph_common_configs[i].id;
	i -= GRAPH_CONFIG_COMMON;
	if (i < GRAPH_METER_COMMON)
		return graph_common_meters[i].id;
	i -= GRAPH_METER_COMMON;
	if (i < type->n_params) {
		*ret_group = type->params[i].group;
		return type->params[i].id;
	}
	i -= type->n_params;
	if (i < type->n_configs)
		return type->configs[i].id;
	i -= type->n_configs;
	if (i < type->n_meters) {
		*ret_numbered = graph_meter_numbered(&type->meters[i]);
		return type->meters[i].id;
	}
	return NULL;
}

static int check_unique(struct check *check)
{
	const char *id, *other, *group, *other_group;
	bool numbered, other_numbered;

	check->kind = "row";
	for (uint32_t i = 0; (id = row_id(check->type, i, &group, &numbered)); i++) {
		for (uint32_t k = 0; k < i; k++) {
			other = row_id(check->type, k, &other_group, &other_numbered);
			check->id = id;
			if (!group != !other_group || (group && strcmp(group, other_group) != 0))
				continue;
			if (strcmp(id, other) == 0)
				return refuse(check, "the id is taken by another row%s",
					      k < GRAPH_PARAM_COMMON + GRAPH_CONFIG_COMMON +
								      GRAPH_METER_COMMON
						      ? " (one that every node has)"
						      : "");
			if ((numbered && id_numbered(id, other)) ||
			    (other_numbered && id_numbered(other, id)))
				return refuse(check, "collides with the numbered row \"%s\"",
					      other);
		}
	}
	return 0;
}

static int check_port_count(struct check *check, const struct mixd_port_row *row)
{
	for (uint32_t i = 0; row->count_config && i < check->type->n_configs; i++) {
		const struct mixd_config_row *config = &check->type->configs[i];

		if (strcmp(config->id, row->count_config) != 0)
			continue;
		if (config->type != MIXD_TYPE_INT || !(config->min >= 1.0) ||
		    !(config->max <= PORTS_OF_A_ROW_MAX))
			return refuse(check, "count config \"%s\" is not an int within 1..%g",
				      row->count_config, PORTS_OF_A_ROW_MAX);
		return 0;
	}
	return row->count_config ? refuse(check, "there is no config \"%s\"", row->count_config)
				 : 0;
}

static int check_ports(struct check *check)
{
	const struct mixd_node_type *type = check->type;
	uint32_t n[2] = {0, 0};
	int r;

	check->kind = "port";
	if (type->n_ports > PORT_ROWS_MAX)
		return refuse(check, "more than %u rows", PORT_ROWS_MAX);
	for (uint32_t i = 0; i < type->n_ports; i++) {
		const struct mixd_port_row *row = &type->ports[i];

		check->id = row->id;
		r = check_head(check, row->id, row->doc);
		if (r < 0)
			return r;
		if (row->layout > MIXD_PORT_FOLLOW)
			return refuse(check, "unknown layout rule %d", (int)row->layout);
		if (n[row->is_output]++ == 0 && strcmp(row->id, row->is_output ? "out" : "in") != 0)
			return refuse(check, "the first %s is the main port and must be \"%s\"",
				      row->is_output ? "output" : "input",
				      row->is_output ? "out" : "in");
		r = check_port_count(check, row);
		for (uint32_t k = 0; r == 0 && k < i; k++) {
			const struct mixd_port_row *other = &type->ports[k];

			if (strcmp(other->id, row->id) == 0 ||
			    (other->count_config && id_numbered(other->id, row->id)) ||
			    (row->count_config && id_numbered(row->id, other->id)))
				r = refuse(check, "collides with port \"%s\"", other->id);
		}
		if (r < 0)
			return r;
	}
	check->id = NULL;
	if ((type->flags & MIXD_NODE_EXTERNAL_IN) && n[1] == 0)
		return refuse(check, "a boundary fed by the clock has no output");
	if ((type->flags & MIXD_NODE_EXTERNAL_OUT) && n[0] == 0)
		return refuse(check, "a boundary that feeds the clock has no input");
	if ((type->flags & MIXD_NODE_FEEDBACK) && (n[0] == 0 || n[1] == 0))
		return refuse(check, "a feedback type has an input and an output");
	return 0;
}

static int check_tables(struct check *check)
{
	const struct mixd_node_type *type = check->type;
	uint64_t n_params = 0, n_meters = 0;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < type->n_params; i++) {
		r = check_param(check, &type->params[i]);
		if (r == 0)
			r = check_word(check, type->params[i].id, type->params[i].group);
		if (r == 0)
			r = check_group(check, i);
		n_params += type->params[i].group ? type->params[i].count : 1;
	}
	for (uint32_t i = 0; r == 0 && i < type->n_configs; i++) {
		r = check_config(check, &type->configs[i]);
		if (r == 0)
			r = check_word(check, type->configs[i].id, NULL);
	}
	for (uint32_t i = 0; r == 0 && i < type->n_meters; i++) {
		r = check_meter(check, &type->meters[i]);
		n_meters += type->meters[i].count ? type->meters[i].count : 1;
	}
	if (r < 0)
		return r;
	if (n_meters > GRAPH_METERS_MAX) {
		check->id = NULL;
		return refuse(check, "more than %u meters", GRAPH_METERS_MAX);
	}
	if (n_params > GRAPH_PARAMS_MAX) {
		check->id = NULL;
		return refuse(check, "more than %u params", GRAPH_PARAMS_MAX);
	}
	return check_unique(check);
}

/* What a table must be, whatever its id. */
static int check_type(struct check *check)
{
	const struct mixd_node_type *type = check->type;
	int r;

	if (!type->category || !id_good(type->category))
		return refuse(check, "has no category");
	if (!type->process)
		return refuse(check, "has no process()");
	if ((type->flags & MIXD_NODE_FEEDBACK) && !type->emit)
		return refuse(check, "declares feedback but has no emit()");
	if ((type->n_params && !type->params) || (type->n_configs && !type->configs) ||
	    (type->n_meters && !type->meters) || (type->n_ports && !type->ports))
		return refuse(check, "a table is NULL but has a count");
	r = check_ports(check);
	return r < 0 ? r : check_tables(check);
}

int graph_types_check(const struct mixd_node_type *type, struct mixd_error *err)
{
	struct check check = {.type = type, .kind = "type", .err = err};
	int r;

	if (!type || !type->id)
		return error_set(err, ERROR_INVALID, "?", "type: a node type without an id");
	r = check_head(&check, type->id, type->doc);
	return r < 0 ? r : check_type(&check);
}

int graph_types_check_demanded(const struct mixd_node_type *type, const char *id,
			       struct mixd_error *err)
{
	struct check check = {.type = type, .kind = "type", .err = err};

	if (!type->id || strcmp(type->id, id) != 0 || strlen(id) > GRAPH_TYPE_ID_MAX)
		return error_set(err, ERROR_INVALID, "?",
				 "type: what was made for \"%.64s\" has another id", id);
	for (const char *at = id; *at; at++)
		if (*at <= ' ' || *at > '~' || strchr("\"'\\{}[],`", *at))
			return refuse(&check, "the id has spaces, quotes or brackets");
	if (!type->doc || !type->doc[0] || strchr(type->doc, '\n'))
		return refuse(&check, "has no doc of one line");
	return check_type(&check);
}
