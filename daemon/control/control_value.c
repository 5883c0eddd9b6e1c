/* control_value.c - values read, a node's response, the session as text, and what a file would
 * change. */
#include "control_internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_session.h"
#include "graph_value.h"

#define TEXT_MAX 256u
#define RATE_UNKNOWN_HZ 48000.0

struct control_get_data {
	struct control_call *call;
	Mixd__V1__GetReply *reply;
	uint32_t capacity;
	bool meters;
};

/* A number, or the label it stands for. */
static void control_put_value(struct control_arena *arena, Mixd__V1__Value *value,
			      enum mixd_type type, const char *const *labels, double number)
{
	uint32_t n = 0;

	while (labels && labels[n])
		n++;
	if (type == MIXD_TYPE_BOOL) {
		value->kind_case = MIXD__V1__VALUE__KIND_FLAG;
		value->flag = number != 0;
	} else if (labels && number >= 0 && number < n) {
		value->kind_case = MIXD__V1__VALUE__KIND_TEXT;
		value->text = control_arena_strdup(arena, labels[(uint32_t)number]);
	} else {
		value->kind_case = MIXD__V1__VALUE__KIND_NUMBER;
		value->number = number;
	}
}

static void control_read_config(struct control_arena *arena, const struct graph_address *address,
				Mixd__V1__Reading *reading)
{
	const struct mixd_config_row *row = address->node->type->configs[address->idx];
	const struct mixd_value *value = &address->node->config[address->idx];
	char text[TEXT_MAX];

	graph_value_format_config(row, value, text, sizeof(text));
	reading->text = control_arena_strdup(
		arena, row->type == MIXD_TYPE_STRING && value->text ? value->text : text);
	reading->unit = (char *)(uintptr_t)graph_unit_name(row->unit);
	if (row->type == MIXD_TYPE_STRING) {
		reading->value->kind_case = MIXD__V1__VALUE__KIND_TEXT;
		reading->value->text = control_arena_strdup(arena, value->text ? value->text : "");
	} else {
		control_put_value(arena, reading->value, row->type, row->labels, value->number);
	}
}

static void control_read_param(struct control_arena *arena, const struct graph_address *address,
			       Mixd__V1__Reading *reading)
{
	const struct mixd_param_row *row = address->node->type->params[address->idx].row;
	double value = address->node->value[address->idx];
	char text[TEXT_MAX];

	graph_value_format_param(row, value, text, sizeof(text));
	reading->text = control_arena_strdup(arena, text);
	reading->unit = (char *)(uintptr_t)graph_unit_name(row->unit);
	control_put_value(arena, reading->value, row->type, row->labels, value);
}

static void control_read_link(struct control_arena *arena, const struct graph_address *address,
			      Mixd__V1__Reading *reading)
{
	const struct mixd_param_row *row = &graph_link_rows[address->idx];
	double value = address->link->value[address->idx];
	char text[TEXT_MAX];

	graph_value_format_param(row, value, text, sizeof(text));
	reading->text = control_arena_strdup(arena, text);
	reading->unit = (char *)(uintptr_t)graph_unit_name(row->unit);
	control_put_value(arena, reading->value, row->type, row->labels, value);
}

static void control_read_meter(struct control_call *call, const struct graph_address *address,
			       Mixd__V1__Reading *reading)
{
	struct control_arena *arena = &call->handler->arena;
	const struct mixd_meter_row *row = address->node->type->meters[address->idx].row;
	double value = engine_meter(instance_engine(call->handler->instance), address->node->uid,
				    address->idx, address->channel, CONTROL_GET_READER);
	char text[TEXT_MAX];

	graph_value_format_meter(row, value, text, sizeof(text));
	reading->meter = true;
	reading->text = control_arena_strdup(arena, text);
	reading->unit = (char *)(uintptr_t)graph_unit_name(row->unit);
	control_put_value(arena, reading->value, MIXD_TYPE_FLOAT, row->labels, value);
}

static Mixd__V1__Reading *control_reading(struct control_get_data *get)
{
	struct {
		Mixd__V1__Reading reading;
		Mixd__V1__Value value;
	} *both = control_call_array(get->call, 1, sizeof(*both));

	if (!both)
		return NULL;
	mixd__v1__reading__init(&both->reading);
	mixd__v1__value__init(&both->value);
	both->reading.value = &both->value;
	return &both->reading;
}

static int control_get_one(void *data, const struct graph_address *address, const char *text)
{
	struct control_get_data *get = data;
	struct control_arena *arena = &get->call->handler->arena;
	Mixd__V1__Reading *reading;

	if (get->reply->n_readings == CONTROL_READINGS_MAX) {
		int r = error_set(&get->call->error, ERROR_RESOURCE, text,
				  "more than %u values match", CONTROL_READINGS_MAX);

		error_hint(&get->call->error, "ask for less: a narrower pattern");
		return r;
	}
	if (get->reply->n_readings == get->capacity) {
		uint32_t capacity = get->capacity * 4 + 64;
		Mixd__V1__Reading **grown = control_call_array(get->call, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		if (get->capacity)
			memcpy(grown, get->reply->readings, get->capacity * sizeof(*grown));
		get->reply->readings = grown;
		get->capacity = capacity;
	}
	reading = control_reading(get);
	if (!reading)
		return -ENOMEM;
	reading->address = control_arena_strdup(arena, text);
	if (address->kind == GRAPH_ADDRESS_METER) {
		get->meters = true;
		control_read_meter(get->call, address, reading);
	} else if (address->kind == GRAPH_ADDRESS_CONFIG) {
		control_read_config(arena, address, reading);
	} else if (address->kind == GRAPH_ADDRESS_LINK) {
		control_read_link(arena, address, reading);
	} else {
		control_read_param(arena, address, reading);
	}
	get->reply->readings[get->reply->n_readings++] = reading;
	return 0;
}

int control_get(struct control_call *call)
{
	const Mixd__V1__Get *wish = call->request->get;
	struct control_handler *handler = call->handler;
	struct control_get_data get = {.call = call};

	get.reply = control_call_array(call, 1, sizeof(*get.reply));
	if (!get.reply)
		return -ENOMEM;
	mixd__v1__get_reply__init(get.reply);
	for (size_t i = 0; i < wish->n_patterns; i++) {
		int r = graph_model_glob(instance_model(handler->instance), wish->patterns[i],
					 1u << GRAPH_ADDRESS_PARAM | 1u << GRAPH_ADDRESS_CONFIG |
						 1u << GRAPH_ADDRESS_METER |
						 1u << GRAPH_ADDRESS_LINK,
					 control_get_one, &get, &call->error);

		if (r < 0)
			return r;
	}
	/* Nobody measured until now: answer when there is something to read. */
	if (get.meters && !control_meters_touch(handler, call->now_ns) && !call->late &&
	    strcmp(instance_clock(handler->instance)->state, "running") == 0)
		return control_wait_later(call, 0, CONTROL_METER_FILL_MS);
	call->reply.op_case = MIXD__V1__REPLY__OP_GET;
	call->reply.get = get.reply;
	return 0;
}

int control_get_response(struct control_call *call)
{
	const Mixd__V1__GetResponse *wish = call->request->get_response;
	struct instance *instance = call->handler->instance;
	double rate =
		instance_clock(instance)->rate ? instance_clock(instance)->rate : RATE_UNKNOWN_HZ;
	Mixd__V1__ResponseReply *reply = control_call_array(call, 1, sizeof(*reply));
	struct graph_node *node;
	int r;

	if (!reply)
		return -ENOMEM;
	r = graph_model_find_node(instance_model(instance), wish->name, &node, &call->error);
	if (r < 0)
		return r;
	if (!node->type->node_type->response) {
		r = error_set(&call->error, ERROR_INVALID, wish->name,
			      "nodes of type %s have no frequency response",
			      node->type->node_type->id);
		error_hint(&call->error, "ask an eq");
		return r;
	}
	if (wish->n_freq_hz > CONTROL_RESPONSE_MAX)
		return error_set(&call->error, ERROR_RESOURCE, wish->name,
				 "%zu frequencies; the limit is %u", wish->n_freq_hz,
				 CONTROL_RESPONSE_MAX);
	for (size_t i = 0; i < wish->n_freq_hz; i++)
		if (!(wish->freq_hz[i] > 0 && wish->freq_hz[i] <= rate / 2)) {
			r = error_set(&call->error, ERROR_INVALID, wish->name,
				      "%g Hz is out of range", wish->freq_hz[i]);
			error_hint(&call->error, "above 0, up to %g Hz", rate / 2);
			return r;
		}
	if (wish->channel >= MIXD_CHANNELS_MAX)
		return error_set(&call->error, ERROR_INVALID, wish->name, "no channel %u",
				 wish->channel);
	/* A curve that follows the sound (a dynamic eq) is read from meters. */
	if (node->type->node_type->n_meters && !control_meters_touch(call->handler, call->now_ns) &&
	    !call->late && strcmp(instance_clock(instance)->state, "running") == 0)
		return control_wait_later(call, 0, CONTROL_METER_FILL_MS);
	mixd__v1__response_reply__init(reply);
	reply->db = control_call_array(call, wish->n_freq_hz, sizeof(reply->db[0]));
	if (!reply->db)
		return -ENOMEM;
	reply->n_db = wish->n_freq_hz;
	r = engine_response(instance_engine(instance), node,
			    &(struct mixd_response){.channel = wish->channel,
						    .freq_hz = wish->freq_hz,
						    .n = (uint32_t)wish->n_freq_hz},
			    reply->db);
	if (r < 0)
		return r;
	call->reply.op_case = MIXD__V1__REPLY__OP_GET_RESPONSE;
	call->reply.get_response = reply;
	return 0;
}

static int control_check_format(struct control_call *call, const char *format)
{
	int r;

	if (!*format || !strcmp(format, "yaml") || !strcmp(format, "json"))
		return 0;
	r = error_set(&call->error, ERROR_INVALID, "format", "no such format: \"%.40s\"", format);
	error_hint(&call->error, "yaml or json");
	return r;
}

int control_export(struct control_call *call)
{
	const char *format = call->request->export->format;
	Mixd__V1__ExportReply *reply = control_call_array(call, 1, sizeof(*reply));
	_cleanup_free_ char *text = NULL;
	int r = reply ? control_check_format(call, format) : -ENOMEM;

	if (r < 0)
		return r;
	text = graph_session_write(instance_model(call->handler->instance),
				   *format ? format : "yaml");
	if (!text)
		return -ENOMEM;
	mixd__v1__export_reply__init(reply);
	reply->text = control_call_array(call, strlen(text) + 1, 1);
	if (!reply->text)
		return -ENOMEM;
	strcpy(reply->text, text);
	call->reply.op_case = MIXD__V1__REPLY__OP_EXPORT;
	call->reply.export = reply;
	return 0;
}

/* One line per operation. */
static char *control_ops_text(const struct graph_model *model, Mixd__V1__Op *const *ops, uint32_t n)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	for (uint32_t i = 0; i < n; i++) {
		_cleanup_free_ char *line = graph_op_text(model, ops[i]);

		fprintf(stream, "%s\n", line ? line : "?");
	}
	fclose(stream);
	return text;
}

int control_diff(struct control_call *call)
{
	const Mixd__V1__Apply *apply = call->request->diff->apply;
	const struct graph_model *model = instance_model(call->handler->instance);
	Mixd__V1__DiffReply *reply = control_call_array(call, 1, sizeof(*reply));
	Mixd__V1__Graph *wanted = NULL;
	_cleanup_free_ char *text = NULL;
	Mixd__V1__Op **ops = NULL;
	uint32_t n = 0;
	int r = reply ? 0 : -ENOMEM;

	if (r == 0 && !apply)
		r = error_set(&call->error, ERROR_USAGE, "apply", "there is nothing to compare");
	if (r == 0)
		r = control_check_format(call, apply->format);
	if (r == 0)
		r = (apply->merge ? graph_session_parse_in : graph_session_parse_whole_in)(
			model->types, apply->folder, "session", apply->text, strlen(apply->text),
			*apply->format ? apply->format : NULL, &wanted, &call->error);
	if (r < 0)
		return r;
	control_arena_own(&call->handler->arena, &wanted->base);
	r = graph_session_diff(model, wanted, apply->merge, &ops, &n, &call->error);
	if (r < 0)
		return r;
	text = control_ops_text(model, ops, n);
	mixd__v1__diff_reply__init(reply);
	reply->ops = control_call_array(call, n, sizeof(reply->ops[0]));
	reply->text = text ? control_call_array(call, strlen(text) + 1, 1) : NULL;
	for (uint32_t i = 0; i < n; i++) {
		control_arena_own(&call->handler->arena, &ops[i]->base);
		if (reply->ops)
			reply->ops[reply->n_ops++] = ops[i];
	}
	free(ops); /* the operations are the arena's now */
	if (!reply->ops || !reply->text)
		return -ENOMEM;
	strcpy(reply->text, text);
	call->reply.op_case = MIXD__V1__REPLY__OP_DIFF;
	call->reply.diff = reply;
	return 0;
}
