/* control_meters.c - meter leases: who wants which meters how often, and the ticks that serve them.
 *
 * WHAT        Leases that resolve to the same columns at the same rate share one topic. The engine
 *             has few readers (each with its own MAX/MIN folds), so a reader belongs to a rate:
 *             one tick reads every column of that rate once, whoever asked. A lease for a rate for
 *             which no reader is left is granted the next faster one.
 *             Columns are fixed for the life of a topic; its name is derived from them. A node
 *             that is gone reads NaN; one that is new appears when the lease is renewed, under
 *             another topic.
 * THREADS     [main] */
#include "control_internal.h"
#include "graph_value.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS (ENGINE_METER_READERS - 1) /* reader 0 is Get's */
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S 1e9
#define RATE_MIN_HZ 0.1
#define RATE_MAX_HZ 100.0
#define RATE_DEFAULT_HZ 10.0
#define FIRST_TICK_MS 100u

struct control_column {
	uint64_t uid;
	uint32_t meter_idx;
	uint32_t channel;
};

struct control_group {
	double rate_hz; /* 0: free */
	uint64_t period_ns, next_ns;
	struct control_column *columns; /* sorted, each once */
	float *values;
	uint32_t n_columns;
};

struct control_topic {
	struct control_topic *next;
	char name[24];
	struct control_group *group;
	uint32_t n_leases;
	uint64_t seq;
	uint32_t n_columns;
	struct control_column *columns; /* in the order of `addresses` */
	char **addresses;
	const char **units;
	uint32_t *slots; /* into group->values */
	float *values;
};

struct control_lease {
	struct control_lease *next;
	uint8_t session[32];
	uint32_t session_size;
	uint64_t wish; /* hash of what was asked for */
	uint64_t expires_ns;
	struct control_topic *topic;
};

struct control_meters {
	struct control_group groups[GROUPS];
	struct control_topic *topics;
	struct control_lease *leases;
	uint32_t n_leases;
	uint64_t get_until_ns; /* 0: no Get needs meters */
	bool on; /* the engine folds meters for us */
};

struct control_meters *control_meters_new(void)
{
	return calloc(1, sizeof(struct control_meters));
}

static int control_column_compare(const void *a, const void *b)
{
	const struct control_column *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	if (x->meter_idx != y->meter_idx)
		return x->meter_idx < y->meter_idx ? -1 : 1;
	return x->channel < y->channel ? -1 : x->channel > y->channel;
}

static void control_topic_free(struct control_topic *topic)
{
	if (!topic)
		return;
	for (uint32_t i = 0; i < topic->n_columns; i++)
		free(topic->addresses[i]);
	free(topic->addresses);
	free(topic->units);
	free(topic->columns);
	free(topic->slots);
	free(topic->values);
	free(topic);
}

static void control_group_clear(struct control_group *group)
{
	free(group->columns);
	free(group->values);
	group->columns = NULL;
	group->values = NULL;
	group->n_columns = 0;
}

/* The columns of all topics of GROUP, each once, and where each topic finds its own. */
static int control_group_rebuild(struct control_meters *meters, struct control_group *group)
{
	struct control_column *columns;
	struct control_topic *topic;
	uint32_t n = 0, unique = 0;

	for (topic = meters->topics; topic; topic = topic->next)
		n += topic->group == group ? topic->n_columns : 0;
	control_group_clear(group);
	if (!n) {
		group->rate_hz = 0;
		return 0;
	}
	columns = calloc(n, sizeof(*columns));
	group->values = calloc(n, sizeof(*group->values));
	if (!columns || !group->values) {
		free(columns);
		return -ENOMEM; /* no columns: its topics fall silent until the next change */
	}
	n = 0;
	for (topic = meters->topics; topic; topic = topic->next)
		for (uint32_t i = 0; topic->group == group && i < topic->n_columns; i++)
			columns[n++] = topic->columns[i];
	qsort(columns, n, sizeof(*columns), control_column_compare);
	for (uint32_t i = 0; i < n; i++)
		if (!i || control_column_compare(&columns[i], &columns[i - 1]))
			columns[unique++] = columns[i];
	group->columns = columns;
	group->n_columns = unique;
	for (topic = meters->topics; topic; topic = topic->next)
		for (uint32_t i = 0; topic->group == group && i < topic->n_columns; i++) {
			const struct control_column *at =
				bsearch(&topic->columns[i], columns, unique, sizeof(*columns),
					control_column_compare);

			topic->slots[i] = (uint32_t)(at - columns);
		}
	return 0;
}

static void control_meters_switch(struct control_meters *meters, struct instance *instance)
{
	bool on = meters->n_leases || meters->get_until_ns;

	if (on != meters->on)
		engine_meters_lease(instance_engine(instance), on ? 1 : -1);
	meters->on = on;
}

static void control_topic_release(struct control_meters *meters, struct control_topic *topic)
{
	struct control_topic **link = &meters->topics;
	struct control_group *group = topic->group;

	if (--topic->n_leases)
		return;
	while (*link != topic)
		link = &(*link)->next;
	*link = topic->next;
	control_topic_free(topic);
	control_group_rebuild(meters, group);
}

static void control_lease_end(struct control_meters *meters, struct control_lease **link)
{
	struct control_lease *lease = *link;

	*link = lease->next;
	control_topic_release(meters, lease->topic);
	free(lease);
	meters->n_leases--;
}

struct control_meters *control_meters_free(struct control_meters *meters, struct instance *instance)
{
	if (!meters)
		return NULL;
	while (meters->leases)
		control_lease_end(meters, &meters->leases);
	meters->get_until_ns = 0;
	control_meters_switch(meters, instance);
	free(meters);
	return NULL;
}

bool control_meters_touch(struct control_handler *handler, uint64_t now_ns)
{
	struct control_meters *meters = handler->meters;
	bool was_on = meters->on;

	meters->get_until_ns = now_ns + CONTROL_LEASE_MS * NS_PER_MS;
	control_meters_switch(meters, handler->instance);
	return was_on;
}

/* ---- what a lease asks for ---- */

struct control_collect {
	struct control_topic *topic;
	uint32_t capacity;
	struct mixd_error *err;
};

static bool control_topic_grow(struct control_topic *topic, uint32_t capacity)
{
	struct control_column *columns =
		realloc(topic->columns, capacity * sizeof(*topic->columns));
	char **addresses = NULL;
	const char **units = NULL;

	if (columns) {
		topic->columns = columns;
		addresses = realloc(topic->addresses, capacity * sizeof(*topic->addresses));
	}
	if (addresses) {
		topic->addresses = addresses;
		units = realloc(topic->units, capacity * sizeof(*topic->units));
	}
	if (units)
		topic->units = units;
	return units != NULL;
}

static int control_topic_column(void *data, const struct graph_address *address, const char *text)
{
	struct control_collect *collect = data;
	struct control_topic *topic = collect->topic;
	const struct mixd_meter_row *row = address->node->type->meters[address->idx].row;

	if (topic->n_columns == CONTROL_COLUMNS_MAX) {
		int r = error_set(collect->err, ERROR_RESOURCE, text,
				  "more than %u meters in one lease", CONTROL_COLUMNS_MAX);

		error_hint(collect->err, "lease fewer, or in several leases");
		return r;
	}
	if (topic->n_columns == collect->capacity) {
		collect->capacity = collect->capacity * 2 + 16;
		if (!control_topic_grow(topic, collect->capacity))
			return -ENOMEM;
	}
	topic->addresses[topic->n_columns] = strdup(text);
	if (!topic->addresses[topic->n_columns])
		return -ENOMEM;
	topic->units[topic->n_columns] = graph_unit_name(row->unit);
	topic->columns[topic->n_columns++] = (struct control_column){
		.uid = address->node->uid, .meter_idx = address->idx, .channel = address->channel};
	return 0;
}

static struct control_group *control_meters_group(struct control_meters *meters, double rate_hz)
{
	struct control_group *best = NULL;

	for (uint32_t i = 0; i < GROUPS; i++)
		if (meters->groups[i].rate_hz == rate_hz)
			return &meters->groups[i];
	for (uint32_t i = 0; i < GROUPS; i++)
		if (meters->groups[i].rate_hz == 0)
			return &meters->groups[i];
	for (uint32_t i = 0; i < GROUPS; i++) {
		struct control_group *group = &meters->groups[i];

		if (!best || (best->rate_hz < rate_hz ? group->rate_hz > best->rate_hz
						      : group->rate_hz >= rate_hz &&
								group->rate_hz < best->rate_hz))
			best = group;
	}
	return best;
}

static uint64_t control_hash_wide(const void *data, size_t size, uint64_t seed)
{
	return (uint64_t)control_hash(data, size, (uint32_t)(seed >> 32) ^ 0x9e3779b9u) << 32 |
	       control_hash(data, size, (uint32_t)seed);
}

static void control_topic_name(struct control_topic *topic, double rate_hz)
{
	uint64_t hash = control_hash_wide(&rate_hz, sizeof(rate_hz), 0);

	for (uint32_t i = 0; i < topic->n_columns; i++) {
		hash = control_hash_wide(topic->addresses[i], strlen(topic->addresses[i]) + 1,
					 hash);
		hash = control_hash_wide(&topic->columns[i].uid, sizeof(topic->columns[i].uid),
					 hash);
	}
	snprintf(topic->name, sizeof(topic->name), "m/%016llx", (unsigned long long)hash);
}

static int control_meters_first(void *data, const struct graph_address *address, const char *text)
{
	(void)data, (void)address, (void)text;
	return 1;
}

/* PATTERN names no meter: perhaps it names something that is none. */
static int control_meters_no_such(struct control_call *call, const char *pattern)
{
	int r = graph_model_glob(instance_model(call->handler->instance), pattern,
				 1u << GRAPH_ADDRESS_PARAM | 1u << GRAPH_ADDRESS_CONFIG,
				 control_meters_first, NULL, NULL);

	if (r != 1)
		return -ENOENT;
	call->error = (struct mixd_error){0};
	r = error_set(&call->error, ERROR_INVALID, pattern, "is a param, not a meter");
	error_hint(&call->error, "read it with mixctl get %.160s, follow it with mixctl watch",
		   pattern);
	return r;
}

static int control_topic_resolve(struct control_call *call, struct control_topic *topic)
{
	const Mixd__V1__MeterLease *wish = call->request->meter_lease;
	const struct graph_model *model = instance_model(call->handler->instance);
	struct control_collect collect = {.topic = topic, .err = &call->error};

	for (size_t i = 0; i < wish->n_patterns; i++) {
		int r = graph_model_glob(model, wish->patterns[i], 1u << GRAPH_ADDRESS_METER,
					 control_topic_column, &collect, &call->error);

		if (r == -ENOENT)
			r = control_meters_no_such(call, wish->patterns[i]);
		if (r < 0)
			return r;
	}
	topic->slots = calloc(topic->n_columns, sizeof(*topic->slots));
	topic->values = calloc(topic->n_columns, sizeof(*topic->values));
	return topic->slots && topic->values ? 0 : -ENOMEM;
}

/* The topic for the call's wish: an existing one, or a new one without leases yet. */
static int control_topic_find(struct control_call *call, double rate_hz, struct control_topic **ret)
{
	struct control_meters *meters = call->handler->meters;
	struct control_topic *topic = calloc(1, sizeof(*topic)), *other;
	struct control_group *group = control_meters_group(meters, rate_hz);
	int r = topic ? control_topic_resolve(call, topic) : -ENOMEM;

	if (r < 0) {
		control_topic_free(topic);
		return r;
	}
	if (!group->rate_hz) {
		group->rate_hz = rate_hz;
		group->period_ns = (uint64_t)(NS_PER_S / rate_hz);
		group->next_ns = call->now_ns + FIRST_TICK_MS * NS_PER_MS;
	}
	control_topic_name(topic, group->rate_hz);
	for (other = meters->topics; other; other = other->next)
		if (strcmp(other->name, topic->name) == 0) {
			control_topic_free(topic);
			*ret = other;
			return 0;
		}
	topic->group = group;
	topic->next = meters->topics;
	meters->topics = topic;
	*ret = topic;
	return control_group_rebuild(meters, group);
}

static struct control_lease **control_lease_find(struct control_call *call, uint64_t wish)
{
	const Mixd__V1__Request *request = call->request;
	struct control_lease **link = &call->handler->meters->leases;

	for (; *link; link = &(*link)->next)
		if ((*link)->wish == wish && (*link)->session_size == request->session.len &&
		    !memcmp((*link)->session, request->session.data, request->session.len))
			break;
	return link;
}

static int control_lease_reply(struct control_call *call, const struct control_topic *topic)
{
	Mixd__V1__MeterLeaseReply *reply = control_call_array(call, 1, sizeof(*reply));

	if (!reply)
		return -ENOMEM;
	mixd__v1__meter_lease_reply__init(reply);
	reply->topic = control_arena_strdup(&call->handler->arena, topic->name);
	reply->rate_hz = topic->group->rate_hz;
	reply->ttl_ms = CONTROL_LEASE_MS;
	/* Borrowed from the topic, which lives until the reply is packed. */
	reply->addresses = topic->addresses;
	reply->n_addresses = topic->n_columns;
	reply->units = (char **)(uintptr_t)topic->units;
	reply->n_units = topic->n_columns;
	call->reply.op_case = MIXD__V1__REPLY__OP_METER_LEASE;
	call->reply.meter_lease = reply;
	return 0;
}

static int control_lease_take(struct control_call *call, uint64_t wish, double rate_hz)
{
	struct control_meters *meters = call->handler->meters;
	struct control_lease **link = control_lease_find(call, wish), *lease = *link;
	struct control_topic *topic;
	int r;

	if (!lease && meters->n_leases == CONTROL_LEASES_MAX) {
		r = error_set(&call->error, ERROR_RESOURCE, "", "all %u meter leases are taken",
			      CONTROL_LEASES_MAX);
		error_hint(&call->error, "they end %u s after their last renewal; try again then",
			   CONTROL_LEASE_MS / 1000);
		return r;
	}
	if (!lease) {
		lease = calloc(1, sizeof(*lease));
		if (!lease)
			return -ENOMEM;
	}
	r = control_topic_find(call, rate_hz, &topic);
	if (r < 0) {
		if (!*link)
			free(lease);
		return r;
	}
	topic->n_leases++;
	if (lease->topic) {
		control_topic_release(meters, lease->topic); /* perhaps the same: counted first */
	} else {
		lease->next = meters->leases;
		meters->leases = lease;
		meters->n_leases++;
	}
	lease->topic = topic;
	lease->wish = wish;
	lease->expires_ns = call->now_ns + CONTROL_LEASE_MS * NS_PER_MS;
	memcpy(lease->session, call->request->session.data, call->request->session.len);
	lease->session_size = (uint32_t)call->request->session.len;
	control_meters_switch(meters, call->handler->instance);
	return control_lease_reply(call, topic);
}

int control_meter_lease(struct control_call *call)
{
	const Mixd__V1__MeterLease *wish = call->request->meter_lease;
	double rate_hz = wish->rate_hz == 0 ? RATE_DEFAULT_HZ : wish->rate_hz;
	uint64_t hash = control_hash_wide(&rate_hz, sizeof(rate_hz), 0);

	if (!(rate_hz >= RATE_MIN_HZ && rate_hz <= RATE_MAX_HZ)) {
		int r = error_set(&call->error, ERROR_INVALID, "rate_hz", "%g is out of range",
				  rate_hz);

		error_hint(&call->error, "0.1 to 100");
		return r;
	}
	if (!wish->n_patterns) {
		int r = error_set(&call->error, ERROR_USAGE, "patterns", "no meter is named");

		error_hint(&call->error, "for instance \"meter.*\"");
		return r;
	}
	for (size_t i = 0; i < wish->n_patterns; i++)
		hash = control_hash_wide(wish->patterns[i], strlen(wish->patterns[i]) + 1, hash);
	if (wish->cancel) {
		struct control_lease **link = control_lease_find(call, hash);
		Mixd__V1__MeterLeaseReply *reply = control_call_array(call, 1, sizeof(*reply));

		if (!reply)
			return -ENOMEM;
		if (*link)
			control_lease_end(call->handler->meters, link);
		control_meters_switch(call->handler->meters, call->handler->instance);
		mixd__v1__meter_lease_reply__init(reply);
		call->reply.op_case = MIXD__V1__REPLY__OP_METER_LEASE;
		call->reply.meter_lease = reply;
		return 0;
	}
	return control_lease_take(call, hash, rate_hz);
}

/* ---- ticks ---- */

static void control_topic_publish(struct control_handler *handler, struct control_topic *topic,
				  uint64_t position)
{
	Mixd__V1__Meters message = MIXD__V1__METERS__INIT;
	uint8_t *body;
	size_t size;

	for (uint32_t i = 0; i < topic->n_columns; i++)
		topic->values[i] = topic->group->values[topic->slots[i]];
	message.epoch.data = handler->epoch;
	message.epoch.len = sizeof(handler->epoch);
	message.seq = ++topic->seq;
	message.position = position;
	message.unix_ms = handler->clock.unix_ms(handler->clock.data);
	message.values = topic->values;
	message.n_values = topic->n_columns;
	body = control_pack(&message.base, &size);
	if (body && handler->sink.publish)
		handler->sink.publish(handler->sink.data, topic->name, body, size);
	free(body);
}

static void control_group_tick(struct control_handler *handler, struct control_group *group)
{
	struct control_meters *meters = handler->meters;
	struct engine *engine = instance_engine(handler->instance);
	uint32_t reader = CONTROL_GET_READER + 1 + (uint32_t)(group - meters->groups);
	struct engine_stats stats;

	engine_stats(engine, &stats);
	for (uint32_t i = 0; i < group->n_columns; i++)
		group->values[i] = (float)engine_meter(engine, group->columns[i].uid,
						       group->columns[i].meter_idx,
						       group->columns[i].channel, reader);
	for (struct control_topic *topic = meters->topics; topic; topic = topic->next)
		if (topic->group == group && group->columns)
			control_topic_publish(handler, topic, stats.position);
}

uint64_t control_meters_turn(struct control_handler *handler, uint64_t now_ns)
{
	struct control_meters *meters = handler->meters;
	struct control_lease **link = &meters->leases;
	uint64_t next = UINT64_MAX;

	while (*link) {
		if ((*link)->expires_ns <= now_ns) {
			control_lease_end(meters, link);
			continue;
		}
		next = (*link)->expires_ns < next ? (*link)->expires_ns : next;
		link = &(*link)->next;
	}
	if (meters->get_until_ns && meters->get_until_ns <= now_ns)
		meters->get_until_ns = 0;
	if (meters->get_until_ns && meters->get_until_ns < next)
		next = meters->get_until_ns;
	control_meters_switch(meters, handler->instance);
	for (uint32_t i = 0; i < GROUPS; i++) {
		struct control_group *group = &meters->groups[i];

		if (!group->rate_hz)
			continue;
		if (group->next_ns <= now_ns) {
			control_group_tick(handler, group);
			group->next_ns += group->period_ns;
			if (group->next_ns <= now_ns) /* late by more than a period: skip */
				group->next_ns = now_ns + group->period_ns;
		}
		next = group->next_ns < next ? group->next_ns : next;
	}
	return next;
}
