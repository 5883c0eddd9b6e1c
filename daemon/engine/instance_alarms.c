/* instance_alarms.c - who is told: listeners, alarms, what the engine reports. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph_ops.h"
#include "instance_internal.h"

#define ALARMS_OVERLOAD_S 10.0 /* an overload is over when none came for so long */

int instance_listen(struct instance *instance, const struct instance_listener *listener)
{
	if (instance->n_listeners >= INSTANCE_LISTENERS_MAX)
		return -ENOSPC;
	instance->listeners[instance->n_listeners++] = *listener;
	instance_flush(instance);
	return 0;
}

void instance_happened(struct instance *instance, const Mixd__V1__Change *change)
{
	for (uint32_t i = 0; i < instance->n_listeners; i++)
		if (instance->listeners[i].happened)
			instance->listeners[i].happened(instance->listeners[i].data, change);
}

/* ---- alarms ---------------------------------------------------------------------------------- */

static uint32_t alarm_find(const struct instance *instance, const char *id, const char *address)
{
	uint32_t i;

	for (i = 0; i < instance->n_alarms; i++)
		if (strcmp(instance->alarms[i]->id, id) == 0 &&
		    strcmp(instance->alarms[i]->address, address) == 0)
			break;
	return i;
}

bool instance_has_alarm(const struct instance *instance, const char *id, const char *address)
{
	return alarm_find(instance, id, address) < instance->n_alarms;
}

static Mixd__V1__Alarm *alarm_new(const char *id, const char *address)
{
	Mixd__V1__Alarm *alarm = calloc(1, sizeof(*alarm));

	if (!alarm)
		return NULL;
	mixd__v1__alarm__init(alarm);
	alarm->id = strdup(id);
	alarm->address = strdup(address);
	alarm->text = strdup("");
	if (!alarm->id || !alarm->address || !alarm->text) {
		free(alarm->id);
		free(alarm->address);
		free(alarm->text);
		free(alarm);
		return NULL;
	}
	alarm->since_unix_ms = instance_unix_ms();
	return alarm;
}

static void alarm_tell(struct instance *instance, Mixd__V1__Alarm *alarm)
{
	Mixd__V1__Change change = MIXD__V1__CHANGE__INIT;

	change.change_case = MIXD__V1__CHANGE__CHANGE_ALARM;
	change.alarm = alarm;
	instance_happened(instance, &change);
}

void instance_alarm(struct instance *instance, const char *id, const char *address, bool active,
		    const char *fmt, ...)
{
	uint32_t i = alarm_find(instance, id, address ? address : "");
	Mixd__V1__Alarm *alarm;
	char *text = NULL;
	va_list args;

	if (i == instance->n_alarms) {
		if (!active || i >= INSTANCE_ALARMS_MAX ||
		    !(alarm = alarm_new(id, address ? address : "")))
			return;
		instance->alarms[instance->n_alarms++] = alarm;
	}
	alarm = instance->alarms[i];
	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) >= 0) {
		free(alarm->text);
		alarm->text = text;
	}
	va_end(args);
	alarm->active = active;
	alarm->count += active;
	if (!active) {
		memmove(&instance->alarms[i], &instance->alarms[i + 1],
			(instance->n_alarms - i - 1) * sizeof(alarm));
		instance->n_alarms--;
	}
	alarm_tell(instance, alarm);
	if (!active)
		mixd__v1__alarm__free_unpacked(alarm, NULL);
}

uint32_t instance_alarms(const struct instance *instance, const Mixd__V1__Alarm *const **ret)
{
	*ret = (const Mixd__V1__Alarm *const *)instance->alarms;
	return instance->n_alarms;
}

void instance_set_clock(struct instance *instance, const struct instance_clock *clock)
{
	const struct instance_clock *old = &instance->clock;
	bool news = strcmp(old->state, clock->state) != 0 || strcmp(old->text, clock->text) != 0 ||
		    old->rate != clock->rate || old->quantum != clock->quantum;
	Mixd__V1__ClockChanged changed = MIXD__V1__CLOCK_CHANGED__INIT;
	Mixd__V1__Change change = MIXD__V1__CHANGE__INIT;

	instance->clock = *clock;
	if (!news)
		return;
	changed.state = instance->clock.state;
	changed.text = instance->clock.text;
	changed.rate = clock->rate;
	changed.quantum = clock->quantum;
	change.change_case = MIXD__V1__CHANGE__CHANGE_CLOCK;
	change.clock = &changed;
	instance_happened(instance, &change);
}

/* ---- what the engine reports ----------------------------------------------------------------- */

static void maintain_quarantine(struct instance *instance, const struct graph_node *node,
				const struct engine_event *event)
{
	if (!node)
		return;
	if (event->code == 0)
		instance_alarm(instance, "quarantine", node->name, true,
			       "%s gave a value that is not a number: it is bypassed; switch its "
			       "bypass on and off to try again",
			       node->name);
	else
		instance_alarm(
			instance, "quarantine", node->name, true,
			"%s went to %+.0f dBFS: it is bypassed; switch its bypass on and off "
			"to try again",
			node->name, 20.0 * log10(event->value));
}

static int maintain_set_text(struct instance *instance, const char *address, char *text,
			     struct mixd_error *err)
{
	Mixd__V1__Value value = MIXD__V1__VALUE__INIT;
	Mixd__V1__Set set = MIXD__V1__SET__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT, *ops = &op;
	struct instance_request request = {.ops = &ops, .n_ops = 1, .by = "mixd"};
	struct instance_result result = {0};
	int res;

	value.kind_case = MIXD__V1__VALUE__KIND_TEXT;
	value.text = text;
	set.address = (char *)(uintptr_t)address;
	set.value = &value;
	op.op_case = MIXD__V1__OP__OP_SET;
	op.set = &set;
	res = instance_transact(instance, &request, &result, err);
	instance_result_done(&result);
	return res;
}

/* A value that the node found out itself becomes a config like any other: in the journal, in the
 * session file, and it can be undone (ADR 0007). */
static void maintain_capture(struct instance *instance, const struct graph_node *node,
			     const struct engine_event *event)
{
	uint32_t config = event->code - MIXD_EVENT_CAPTURED;
	char text[GRAPH_TEXT_MAX + 1], address[GRAPH_ADDRESS_MAX];
	struct mixd_error err = {0};
	int res = engine_capture(instance->engine, event, config, text, sizeof(text), &err);

	if (res == -ESTALE)
		return;
	snprintf(address, sizeof(address), "%s", node->name);
	if (res == 0) {
		graph_address_format(&(struct graph_address){.node = (struct graph_node *)node,
							     .kind = GRAPH_ADDRESS_CONFIG,
							     .idx = GRAPH_CONFIG_COMMON + config},
				     address, sizeof(address));
		res = maintain_set_text(instance, address, text, &err);
	}
	if (res < 0)
		instance_alarm(instance, "capture", node->name, true,
			       "what %s has captured is not kept: %s", address, err.text);
	else if (alarm_find(instance, "capture", node->name) < instance->n_alarms)
		instance_alarm(instance, "capture", node->name, false, "%s is kept", address);
}

/* How a node says it is, in the words of its own meter. */
static void maintain_node_alarm(struct instance *instance, const struct graph_node *node,
				const struct engine_event *event)
{
	const struct mixd_node_type *type = node->type->node_type;
	uint32_t row = event->code - MIXD_EVENT_ALARM, label = 0;

	if (row >= type->n_meters || !type->meters[row].labels ||
	    !engine_event_current(instance->engine, event))
		return;
	while (label < event->value && type->meters[row].labels[label])
		label++;
	if (!type->meters[row].labels[label])
		return;
	instance_alarm(instance, "node", node->name, event->value > 0, "%s: %s is %s", node->name,
		       type->meters[row].id, type->meters[row].labels[label]);
}

static void maintain_event(struct instance *instance, const struct engine_event *event)
{
	const struct graph_node *node = graph_model_node_uid(instance->model, event->node_uid);
	Mixd__V1__NodeEvent node_event = MIXD__V1__NODE_EVENT__INIT;
	Mixd__V1__Change change = MIXD__V1__CHANGE__INIT;

	switch (event->kind) {
	case ENGINE_EVENT_QUARANTINE:
		maintain_quarantine(instance, node, event);
		break;
	case ENGINE_EVENT_OVERLOAD:
		instance->overload_at = event->position;
		instance_alarm(instance, "overload", "", true,
			       "a block took %.0f %% of its time: fewer nodes or a larger quantum "
			       "would help",
			       event->value * 100.0);
		break;
	case ENGINE_EVENT_NODE:
		if (!node)
			break;
		if (event->code >= MIXD_EVENT_ALARM) {
			maintain_node_alarm(instance, node, event);
			break;
		}
		if (event->code >= MIXD_EVENT_CAPTURED) {
			maintain_capture(instance, node, event);
			break;
		}
		node_event.name = node->name;
		node_event.code = event->code;
		node_event.value = event->value;
		change.change_case = MIXD__V1__CHANGE__CHANGE_NODE_EVENT;
		change.node_event = &node_event;
		instance_happened(instance, &change);
		break;
	}
}

static bool node_is_stand_in(const struct graph_node *node)
{
	return node && (node->type->node_type->flags & MIXD_NODE_STAND_IN) != 0;
}

/* What stands in for something else is there from the start, whether or not a clock runs. */
static void maintain_missing(struct instance *instance)
{
	const struct graph_model *model = instance->model;

	if (instance->missing_at == instance->revision)
		return;
	instance->missing_at = instance->revision;
	for (uint32_t i = instance->n_alarms; i-- > 0;) {
		const Mixd__V1__Alarm *alarm = instance->alarms[i];

		if (strcmp(alarm->id, "missing") == 0 &&
		    !node_is_stand_in(graph_model_node(model, alarm->address)))
			instance_alarm(instance, "missing", alarm->address, false,
				       "nothing is missing any more");
	}
	for (uint32_t i = 0; i < model->n_nodes; i++) {
		const struct graph_node *node = model->nodes[i];

		if (node_is_stand_in(node) &&
		    alarm_find(instance, "missing", node->name) == instance->n_alarms)
			instance_alarm(instance, "missing", node->name, true,
				       "%s passes dry: %s; install it and restart mixd, or remove "
				       "the node",
				       node->name, node->type->node_type->source);
	}
}

/* Alarms whose cause is gone. */
static void maintain_alarms(struct instance *instance)
{
	struct engine_stats stats;
	double rate = instance->clock.rate ? instance->clock.rate : 48000.0;

	for (uint32_t i = instance->n_alarms; i-- > 0;) {
		const char *address = instance->alarms[i]->address;
		const struct graph_node *node;

		if ((strcmp(instance->alarms[i]->id, "capture") == 0 ||
		     strcmp(instance->alarms[i]->id, "node") == 0) &&
		    !graph_model_node(instance->model, address)) {
			instance_alarm(instance, instance->alarms[i]->id, address, false,
				       "the node was removed");
			continue;
		}
		if (strcmp(instance->alarms[i]->id, "quarantine") != 0)
			continue;
		node = graph_model_node(instance->model, address);
		if (node &&
		    engine_node_state(instance->engine, node->uid) == GRAPH_NODE_QUARANTINED)
			continue;
		instance_alarm(instance, "quarantine", address, false, "%s is back",
			       node ? node->name : "a node that was removed");
	}
	if (alarm_find(instance, "overload", "") == instance->n_alarms)
		return;
	engine_stats(instance->engine, &stats);
	if ((double)(stats.position - instance->overload_at) > ALARMS_OVERLOAD_S * rate)
		instance_alarm(instance, "overload", "", false, "no block was late for %.0f s",
			       ALARMS_OVERLOAD_S);
}

static int uid_compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

static void maintain_end_envelope(struct instance *instance, struct graph_envelope *envelope)
{
	const struct graph_address address = {
		.node = envelope->node, .kind = GRAPH_ADDRESS_PARAM, .idx = envelope->param_idx};
	char text[GRAPH_ADDRESS_MAX];
	Mixd__V1__Change *change;

	graph_address_format(&address, text, sizeof(text));
	graph_model_end_envelope(instance->model, envelope);
	change = graph_change_envelope(text, NULL);
	if (!change)
		return; /* told by the next snapshot */
	instance_happened(instance, change);
	mixd__v1__change__free_unpacked(change, NULL);
}

/* Envelopes that have arrived leave the model (I3). */
static void maintain_envelopes(struct instance *instance)
{
	uint64_t ended = engine_envelopes_ended(instance->engine), *playing = NULL;
	struct graph_model *model = instance->model;
	uint32_t n = 0;

	if (ended == instance->envelopes_ended ||
	    engine_envelopes(instance->engine, &playing, &n) < 0)
		return;
	instance->envelopes_ended = ended;
	for (uint32_t i = model->n_envelopes; i-- > 0;)
		if (!model->envelopes[i]->on_timeline &&
		    !bsearch(&model->envelopes[i]->uid, playing, n, sizeof(*playing), uid_compare))
			maintain_end_envelope(instance, model->envelopes[i]);
	free(playing);
}

void instance_maintain(struct instance *instance)
{
	struct engine_event event;

	instance_flush(instance);
	engine_maintain(instance->engine);
	maintain_envelopes(instance);
	instance_solo_maintain(instance);
	instance_transport_maintain(instance);
	while (engine_next_event(instance->engine, &event))
		maintain_event(instance, &event);
	maintain_missing(instance);
	instance_files_maintain(instance);
	maintain_alarms(instance);
}
