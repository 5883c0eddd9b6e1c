/* complete_graph.c - completion: what the graph of the daemon has, nodes, ports, params, types, presets. */
#include <string.h>

#include "complete.h"

void complete_nodes(const struct complete *complete, const char *suffix)
{
	Mixd__V1__GetNodes get = MIXD__V1__GET_NODES__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	request.op_case = MIXD__V1__REQUEST__OP_GET_NODES;
	request.get_nodes = &get;
	reply = complete_request(complete, &request);
	for (size_t i = 0; reply && i < reply->get_nodes->n_nodes; i++)
		complete_offer(complete,
			       mixctl_printf("%s%s", reply->get_nodes->nodes[i]->name, suffix),
			       reply->get_nodes->nodes[i]->type);
}

void complete_ports(const struct complete *complete)
{
	Mixd__V1__GetPorts get = MIXD__V1__GET_PORTS__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	complete_nodes(complete, "");
	request.op_case = MIXD__V1__REQUEST__OP_GET_PORTS;
	request.get_ports = &get;
	reply = complete_request(complete, &request);
	for (size_t i = 0; reply && i < reply->get_ports->n_ports; i++)
		complete_offer(complete, reply->get_ports->ports[i]->address,
			       reply->get_ports->ports[i]->output ? "output" : "input");
}

static Mixd__V1__Reply *complete_get_types(const struct complete *complete, const char *pattern)
{
	Mixd__V1__GetTypes get = MIXD__V1__GET_TYPES__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;

	get.pattern = (char *)(uintptr_t)pattern;
	request.op_case = MIXD__V1__REQUEST__OP_GET_TYPES;
	request.get_types = &get;
	return complete_request(complete, &request);
}

/* NODE. first; then NODE.PARAM and, when METERS, what it measures. */
void complete_readings(const struct complete *complete, bool params, bool meters,
		       const char *suffix)
{
	const char *dot = strchr(complete->word, '.');
	Mixd__V1__Get get = MIXD__V1__GET__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;
	char *pattern;

	if (!dot) {
		complete_nodes(complete, ".");
		return;
	}
	pattern = mixctl_printf("%.*s.*", (int)(dot - complete->word), complete->word);
	get.patterns = &pattern;
	get.n_patterns = 1;
	request.op_case = MIXD__V1__REQUEST__OP_GET;
	request.get = &get;
	reply = complete_request(complete, &request);
	for (size_t i = 0; reply && i < reply->get->n_readings; i++) {
		const Mixd__V1__Reading *reading = reply->get->readings[i];

		if (reading->meter ? meters : params)
			complete_offer(complete, mixctl_printf("%s%s", reading->address, suffix),
				       reading->text);
	}
}

/* NODE.PARAM of what automate takes: numbers, and no configs. */
void complete_automate(const struct complete *complete)
{
	const char *dot = strchr(complete->word, '.');
	Mixd__V1__GetNodes get = MIXD__V1__GET_NODES__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	if (!dot) {
		complete_nodes(complete, ".");
		return;
	}
	get.pattern = mixctl_printf("%.*s", (int)(dot - complete->word), complete->word);
	request.op_case = MIXD__V1__REQUEST__OP_GET_NODES;
	request.get_nodes = &get;
	reply = complete_request(complete, &request);
	if (!reply || reply->get_nodes->n_nodes == 0)
		return;
	reply = complete_get_types(complete, reply->get_nodes->nodes[0]->type);
	for (size_t t = 0; reply && t < reply->get_types->n_types; t++)
		for (size_t i = 0; i < reply->get_types->types[t]->n_params; i++) {
			const Mixd__V1__ParamRow *row = reply->get_types->types[t]->params[i];

			if (row->config || (row->type != MIXD__V1__VALUE_TYPE__VALUE_TYPE_FLOAT &&
					    row->type != MIXD__V1__VALUE_TYPE__VALUE_TYPE_INT))
				continue;
			for (uint32_t n = 1; n <= (*row->group ? row->count : 1); n++)
				complete_offer(
					complete,
					*row->group ? mixctl_printf("%s.%s%u.%s", get.pattern,
								    row->group, n, row->id)
						    : mixctl_printf("%s.%s", get.pattern, row->id),
					row->doc);
		}
}

static const char *complete_row_id(const Mixd__V1__ParamRow *row)
{
	return *row->group ? mixctl_printf("%s1.%s", row->group, row->id) : row->id;
}

/* What may stand behind PREFIX ("limit.mode="), a value of ROW. */
static void complete_row_values(const struct complete *complete, const Mixd__V1__ParamRow *row,
				const char *prefix)
{
	static const char *const switches[] = {"on", "off", "toggle", NULL};

	if (row->type == MIXD__V1__VALUE_TYPE__VALUE_TYPE_BOOL)
		for (int i = 0; switches[i]; i++)
			complete_offer(complete, mixctl_printf("%s%s", prefix, switches[i]), NULL);
	for (size_t i = 0; i < row->n_labels; i++)
		complete_offer(complete, mixctl_printf("%s%s", prefix, row->labels[i]), NULL);
}

static bool complete_row_is(const Mixd__V1__ParamRow *row, const char *id)
{
	size_t size = strlen(row->group);

	if (*row->group) {
		if (strncmp(row->group, id, size) != 0)
			return false;
		id += size + strspn(id + size, "0123456789");
		if (*id++ != '.')
			return false;
	}
	return strcmp(row->id, id) == 0;
}

static void complete_values_of(const struct complete *complete, const char *type_id, const char *id,
			       const char *prefix)
{
	static const char *const common[] = {"bypass", "mute", NULL};
	Mixd__V1__Reply *reply = complete_get_types(complete, type_id);

	for (int i = 0; common[i]; i++)
		if (strcmp(common[i], id) == 0) {
			complete_offer(complete, mixctl_printf("%son", prefix), NULL);
			complete_offer(complete, mixctl_printf("%soff", prefix), NULL);
			complete_offer(complete, mixctl_printf("%stoggle", prefix), NULL);
			return;
		}
	for (size_t t = 0; reply && t < reply->get_types->n_types; t++)
		for (size_t i = 0; i < reply->get_types->types[t]->n_params; i++)
			if (complete_row_is(reply->get_types->types[t]->params[i], id))
				complete_row_values(complete, reply->get_types->types[t]->params[i],
						    prefix);
}

/* NODE.PARAM=VALUE */
void complete_assignment(const struct complete *complete)
{
	const char *equals = strchr(complete->word, '='), *dot = strchr(complete->word, '.');
	Mixd__V1__GetNodes get = MIXD__V1__GET_NODES__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	if (!equals) {
		complete_readings(complete, true, false, "=");
		return;
	}
	if (!dot || dot > equals)
		return;
	get.pattern = mixctl_printf("%.*s", (int)(dot - complete->word), complete->word);
	request.op_case = MIXD__V1__REQUEST__OP_GET_NODES;
	request.get_nodes = &get;
	reply = complete_request(complete, &request);
	if (reply && reply->get_nodes->n_nodes > 0)
		complete_values_of(
			complete, reply->get_nodes->nodes[0]->type,
			mixctl_printf("%.*s", (int)(equals - dot - 1), dot + 1),
			mixctl_printf("%.*s", (int)(equals - complete->word) + 1, complete->word));
}

void complete_types(const struct complete *complete)
{
	/* Types made on demand are many: only for who has begun to write one. */
	const char *colon = strchr(complete->word, ':');
	Mixd__V1__Reply *reply = complete_get_types(
		complete,
		colon ? mixctl_printf("%.*s:**", (int)(colon - complete->word), complete->word)
		      : "");

	for (size_t i = 0; reply && !colon && i < reply->get_types->n_types; i++)
		complete_offer(complete, reply->get_types->types[i]->id,
			       reply->get_types->types[i]->doc);
	for (size_t i = 0; reply && i < reply->get_types->n_on_demand; i++)
		complete_offer(complete, reply->get_types->on_demand[i], "");
}

/* PARAM=VALUE of the type TYPE_ID, for add. */
void complete_type_param(const struct complete *complete, const char *type_id)
{
	const char *equals = strchr(complete->word, '=');
	Mixd__V1__Reply *reply;

	if (equals) {
		complete_values_of(
			complete, type_id,
			mixctl_printf("%.*s", (int)(equals - complete->word), complete->word),
			mixctl_printf("%.*s", (int)(equals - complete->word) + 1, complete->word));
		return;
	}
	reply = complete_get_types(complete, type_id);
	for (size_t t = 0; reply && t < reply->get_types->n_types; t++)
		for (size_t i = 0; i < reply->get_types->types[t]->n_params; i++) {
			const Mixd__V1__ParamRow *row = reply->get_types->types[t]->params[i];

			complete_offer(complete, mixctl_printf("%s=", complete_row_id(row)),
				       row->doc);
		}
}

/* TYPE, or TYPE.PARAM */
void complete_explain(const struct complete *complete)
{
	const char *dot = strchr(complete->word, '.');
	Mixd__V1__Reply *reply;

	if (!dot) {
		complete_types(complete);
		return;
	}
	reply = complete_get_types(
		complete, mixctl_printf("%.*s", (int)(dot - complete->word), complete->word));
	for (size_t t = 0; reply && t < reply->get_types->n_types; t++) {
		const Mixd__V1__NodeType *type = reply->get_types->types[t];

		for (size_t i = 0; i < type->n_params; i++)
			complete_offer(
				complete,
				mixctl_printf("%s.%s", type->id, complete_row_id(type->params[i])),
				type->params[i]->doc);
		for (size_t i = 0; i < type->n_meters; i++)
			complete_offer(complete,
				       mixctl_printf("%s.%s", type->id, type->meters[i]->id),
				       type->meters[i]->doc);
	}
}

/* Presets of OF, a type or a node: their names, or TYPE/NAME. */
static void complete_preset_names(const struct complete *complete, char *of, bool own, bool typed)
{
	Mixd__V1__GetPresets get = MIXD__V1__GET_PRESETS__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	get.of = of;
	request.op_case = MIXD__V1__REQUEST__OP_GET_PRESETS;
	request.get_presets = &get;
	reply = complete_request(complete, &request);
	for (size_t i = 0; reply && i < reply->get_presets->n_presets; i++) {
		const Mixd__V1__Preset *preset = reply->get_presets->presets[i];

		if (!own || strcmp(preset->from, "own") == 0)
			complete_offer(complete,
				       typed ? mixctl_printf("%s/%s", preset->type, preset->name)
					     : preset->name,
				       preset->doc);
	}
}

/* The word behind `preset ls`, `preset apply vox/comp` and so on: WORDS, N of them with the verb. */
void complete_preset(const struct complete *complete, int n, char **words)
{
	static char all[] = "";

	if (strcmp(words[1], "show") == 0 && n == 2) {
		complete_preset_names(complete, all, false, true);
	} else if (strcmp(words[1], "rm") == 0) {
		if (n == 2)
			complete_types(complete);
		else if (n == 3)
			complete_preset_names(complete, words[2], true, false);
	} else {
		if (strcmp(words[1], "ls") == 0 && n == 2)
			complete_types(complete);
		if (n == 2 || strcmp(words[1], "apply") == 0)
			complete_nodes(complete, "");
		if (n > 2 && strcmp(words[1], "ls") != 0)
			complete_preset_names(complete, words[2], false, false);
	}
}
