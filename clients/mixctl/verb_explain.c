/* verb_explain.c - explain comp, explain comp.threshold, explain vox/comp.threshold: what a type, a
 * param, a config or a meter is, from the tables of the daemon. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mixctl.h"

static Mixd__V1__Reply *explain_types(struct mixctl *m, char *pattern)
{
	Mixd__V1__GetTypes get = MIXD__V1__GET_TYPES__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;

	get.pattern = pattern;
	request.op_case = MIXD__V1__REQUEST__OP_GET_TYPES;
	request.get_types = &get;
	return mixctl_request(m, &request);
}

/* The type called NAME, or that of the node called NAME. NULL: *err is filled. */
static const Mixd__V1__NodeType *explain_find(struct mixctl *m, char *name)
{
	Mixd__V1__GetNodes get = MIXD__V1__GET_NODES__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	static char all[] = "";
	Mixd__V1__Reply *reply = explain_types(m, all), *nodes;
	const char **ids, *nearest;
	const char *type_id = name;

	if (!reply)
		return NULL;
	request.op_case = MIXD__V1__REQUEST__OP_GET_NODES;
	request.get_nodes = &get;
	get.pattern = name;
	nodes = words_has_glob(name) ? NULL : mixctl_request(m, &request);
	m->err = (struct mixd_client_error){0};
	if (nodes && nodes->get_nodes->n_nodes == 1)
		type_id = nodes->get_nodes->nodes[0]->type;
	if (strchr(type_id, ':')) { /* made on demand: the daemon says what is wrong with it */
		reply = explain_types(m, (char *)(uintptr_t)type_id);
		return reply && reply->get_types->n_types == 1 ? reply->get_types->types[0] : NULL;
	}
	ids = mixctl_alloc((reply->get_types->n_types + 1) * sizeof(*ids));
	for (size_t i = 0; i < reply->get_types->n_types; i++) {
		if (strcmp(reply->get_types->types[i]->id, type_id) == 0)
			return reply->get_types->types[i];
		ids[i] = reply->get_types->types[i]->id;
	}
	nearest = words_nearest(name, ids);
	mixctl_error(m, EXIT_NOT_FOUND, name,
		     nearest ? mixctl_printf("did you mean %s?", nearest) : "see mixctl ls types",
		     "no such type or node");
	return NULL;
}

/* "band1..band32.freq", "threshold" */
static char *explain_param_id(const Mixd__V1__ParamRow *row)
{
	return *row->group
		       ? mixctl_printf("%s1..%s%u.%s", row->group, row->group, row->count, row->id)
		       : mixctl_strdup(row->id);
}

/* As the daemon writes values: 24kHz, and -inf for the least of a gain. */
static char *explain_number(const Mixd__V1__ParamRow *row, double number)
{
	const char *unit = row->unit;
	char buf[32];

	if (strcmp(row->ramp, "gain") == 0 && number <= row->min)
		return mixctl_strdup("-inf");
	if (strcmp(unit, "Hz") == 0 && fabs(number) >= 1000) {
		number /= 1000;
		unit = "kHz";
	}
	if (isinf(number))
		return mixctl_printf("%sinf%s", number < 0 ? "-" : "", unit);
	doc_format_number(number, buf);
	return mixctl_printf("%s%s", buf, unit);
}

static char *explain_range(const Mixd__V1__ParamRow *row)
{
	char *text = mixctl_strdup("");

	switch (row->type) {
	case MIXD__V1__VALUE_TYPE__VALUE_TYPE_BOOL:
		return mixctl_strdup("on, off");
	case MIXD__V1__VALUE_TYPE__VALUE_TYPE_ENUM:
		for (size_t i = 0; i < row->n_labels; i++)
			text = mixctl_printf("%s%s%s", text, i ? ", " : "", row->labels[i]);
		return text;
	case MIXD__V1__VALUE_TYPE__VALUE_TYPE_STRING:
		return mixctl_strdup(row->file
					     ? "a file: an absolute path on the daemon's machine, "
					       "or a name in ~/.local/share/mixd/audio"
					     : "text");
	default:
		return mixctl_printf("%s .. %s", explain_number(row, row->min),
				     explain_number(row, row->max));
	}
}

static char *explain_default(const Mixd__V1__ParamRow *row)
{
	const Mixd__V1__Value *value = row->default_;

	if (!value)
		return mixctl_strdup("");
	if (value->kind_case == MIXD__V1__VALUE__KIND_NUMBER) {
		size_t label = value->number >= 0 ? (size_t)value->number : 0;

		if (row->type == MIXD__V1__VALUE_TYPE__VALUE_TYPE_BOOL)
			return mixctl_strdup(value->number != 0 ? "on" : "off");
		if (row->type == MIXD__V1__VALUE_TYPE__VALUE_TYPE_ENUM && label < row->n_labels)
			return mixctl_strdup(row->labels[label]);
		return explain_number(row, value->number);
	}
	return output_value(value);
}

/* The value of ADDRESS in words; NULL: there is no such node. */
static const char *explain_now(struct mixctl *m, const char *address)
{
	Mixd__V1__Get get = MIXD__V1__GET__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	char *patterns[1] = {(char *)(uintptr_t)address};
	Mixd__V1__Reply *reply;

	get.patterns = patterns;
	get.n_patterns = 1;
	request.op_case = MIXD__V1__REQUEST__OP_GET;
	request.get = &get;
	reply = words_has_glob(address) ? NULL : mixctl_request(m, &request);
	m->err = (struct mixd_client_error){0};
	return reply && reply->get->n_readings == 1 ? reply->get->readings[0]->text : NULL;
}

/* ADDRESS: of a node that is there, which has the value NOW; both NULL: the type was asked for. */
static void explain_print_param(const Mixd__V1__NodeType *type, const Mixd__V1__ParamRow *row,
				const char *address, const char *now)
{
	char *initial = explain_default(row);

	printf("%s.%s - %s\n\n", type->id, explain_param_id(row), row->doc);
	printf("  kind     %s\n",
	       row->config ? "config: a change crossfades to a new instance" : "param");
	printf("  values   %s\n", explain_range(row));
	printf("  default  %s\n", *initial ? initial : "(empty)");
	if (now)
		printf("  now      %s\n", *now ? now : "(empty)");
	if (!row->config && row->smooth_ms >= 0.1F) /* less is one step, as plug-ins take it */
		printf("  change   glides over %g ms (%s), click-free\n", (double)row->smooth_ms,
		       row->ramp);
	else if (!row->config)
		printf("  change   at once\n");
	if (!address)
		address = mixctl_printf("NODE.%s%s", row->group,
					*row->group ? mixctl_printf("1.%s", row->id) : row->id);
	printf("  set it   mixctl set %s=%s\n", address, *initial ? initial : "VALUE");
}

static void explain_print_meter(const Mixd__V1__NodeType *type, const Mixd__V1__MeterRow *row,
				const char *address)
{
	printf("%s.%s - %s\n\n", type->id, row->id, row->doc);
	printf("  kind     meter%s\n", row->per_channel ? ", one per channel: 1, 2, ..."
				       : row->count
					       ? mixctl_printf(", %u values: 1, 2, ...", row->count)
					       : "");
	if (*row->unit)
		printf("  unit     %s\n", row->unit);
	for (size_t i = 0; i < row->n_labels; i++)
		printf("%s%s%s", i ? ", " : "  values   ", row->labels[i],
		       i + 1 < row->n_labels ? "" : "\n");
	printf("  read it  mixctl meter %s\n",
	       address ? address : mixctl_printf("NODE.%s", row->id));
}

static void explain_print_type(const Mixd__V1__NodeType *type)
{
	bool configs = false;

	printf("%s - %s\n\n", type->id, type->doc);
	if (*type->source)
		printf("source: %s\n", type->source);
	printf("category: %s, version %u\n\n", type->category, type->version);
	if (type->n_ports)
		puts("ports");
	for (size_t i = 0; i < type->n_ports; i++)
		printf("  %-24s %-4s %-8s %s\n", type->ports[i]->id,
		       type->ports[i]->output ? "out" : "in", type->ports[i]->layout,
		       type->ports[i]->doc);
	for (int pass = 0; pass < 2; pass++) {
		bool printed = false;

		configs = pass == 1;
		for (size_t i = 0; i < type->n_params; i++) {
			const Mixd__V1__ParamRow *row = type->params[i];

			if ((bool)row->config != configs)
				continue;
			if (!printed)
				puts(configs ? "configs" : "params");
			printed = true;
			printf("  %-24s %s [%s; default %s]\n", explain_param_id(row), row->doc,
			       explain_range(row), explain_default(row));
		}
	}
	if (type->n_meters)
		puts("meters");
	for (size_t i = 0; i < type->n_meters; i++)
		printf("  %-24s %s%s%s%s\n", type->meters[i]->id, type->meters[i]->doc,
		       *type->meters[i]->unit ? " [" : "", type->meters[i]->unit,
		       *type->meters[i]->unit ? "]" : "");
}

static int explain_row(struct mixctl *m, const Mixd__V1__NodeType *type, const char *id,
		       const char *address)
{
	const char **ids = mixctl_alloc((type->n_params + type->n_meters + 1) * sizeof(*ids));
	const char *nearest;
	size_t n = 0;
	bool json = mixctl_format(m, FORMAT_TABLE) != FORMAT_TABLE;
	const char *now = json ? NULL : explain_now(m, address);

	for (size_t i = 0; i < type->n_params; i++) {
		ids[n++] = type->params[i]->id;
		if (!rows_match_param(type->params[i], id))
			continue;
		if (json)
			output_doc(m, doc_merge(output_object("param"),
						doc_from_message(&type->params[i]->base)));
		else
			explain_print_param(type, type->params[i], now ? address : NULL, now);
		return EXIT_YES;
	}
	for (size_t i = 0; i < type->n_meters; i++) {
		ids[n++] = type->meters[i]->id;
		if (!rows_match_meter(type->meters[i], id))
			continue;
		if (json)
			output_doc(m, doc_merge(output_object("meter"),
						doc_from_message(&type->meters[i]->base)));
		else
			explain_print_meter(type, type->meters[i], now ? address : NULL);
		return EXIT_YES;
	}
	nearest = words_nearest(id, ids);
	return mixctl_error(m, EXIT_NOT_FOUND, mixctl_printf("%s.%s", type->id, id),
			    nearest ? mixctl_printf("did you mean %s.%s?", type->id, nearest)
				    : mixctl_printf("see mixctl explain %s", type->id),
			    "no such param or meter");
}

int verb_explain(struct mixctl *m)
{
	char *address = mixctl_strdup(m->args[0]), *dot = strchr(m->args[0], '.');
	const Mixd__V1__NodeType *type = NULL;

	if (strchr(m->args[0],
		   ':')) { /* a URI has dots: the whole, or all but what is behind the last */
		type = explain_find(m, m->args[0]);
		dot = type ? NULL : strrchr(m->args[0], '.');
		if (dot && strpbrk(dot, "/#:"))
			dot = NULL;
		if (!type && !dot)
			return m->err.code;
	}
	m->err = (struct mixd_client_error){0};
	if (dot)
		*dot = 0;
	if (!type)
		type = explain_find(m, m->args[0]);
	if (!type)
		return m->err.code;
	if (dot)
		return explain_row(m, type, dot + 1, address);
	if (mixctl_format(m, FORMAT_TABLE) == FORMAT_TABLE)
		explain_print_type(type);
	else
		output_doc(m, doc_merge(output_object("type"), doc_from_message(&type->base)));
	return EXIT_YES;
}
