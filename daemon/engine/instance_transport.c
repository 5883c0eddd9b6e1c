/* instance_transport.c - the time line of the instance: what was asked for, and who is told.
 *
 * For the moment, like solo: in no revision and no journal. A restart stands at 0. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph_clips.h"
#include "instance_internal.h"

static double transport_seconds(const struct instance *instance, uint64_t frames)
{
	return (double)frames / engine_rate(instance->engine);
}

void instance_transport_state(struct instance *instance, Mixd__V1__TransportState *ret)
{
	const struct graph_marker *marker;
	struct engine_transport now;

	engine_transport_get(instance->engine, &now);
	mixd__v1__transport_state__init(ret);
	ret->state = (char *)(uintptr_t)(now.is_rolling	   ? "rolling"
					 : now.is_locating ? "locating"
							   : "stopped");
	ret->position_frames = now.position;
	ret->position_s = transport_seconds(instance, now.position);
	ret->loop = now.loop;
	if (now.loop) {
		ret->loop_start_s = transport_seconds(instance, now.loop_start);
		ret->loop_end_s = transport_seconds(instance, now.loop_end);
	}
	graph_position_format(ret->position_s, instance->transport_text,
			      sizeof(instance->transport_text));
	ret->text = instance->transport_text;
	/* a frame is shorter than what a marker can be off by */
	marker = graph_model_marker_before(instance->model,
					   ret->position_s + 0.5 / engine_rate(instance->engine));
	if (marker)
		ret->marker = marker->name;
}

static void transport_tell(struct instance *instance, const char *by)
{
	Mixd__V1__TransportState state;
	Mixd__V1__Change change = MIXD__V1__CHANGE__INIT;

	instance_transport_state(instance, &state);
	instance->transport_rolls = strcmp(state.state, "rolling") == 0;
	instance->transport_locates = strcmp(state.state, "locating") == 0;
	state.by = (char *)(uintptr_t)by;
	change.change_case = MIXD__V1__CHANGE__CHANGE_TRANSPORT;
	change.transport = &state;
	instance_happened(instance, &change);
}

/* ---- what was asked for ---- */

/* TEXT in frames; relative to where the time line stands. */
static int read_frames(const struct instance *instance, const struct engine_transport *now,
		       const char *text, const char *address, uint64_t *ret, struct mixd_error *err)
{
	double at_s = 0.0;
	int r = graph_position_parse(instance->model, text,
				     transport_seconds(instance, now->position), address, &at_s,
				     err);

	if (r == 0)
		*ret = (uint64_t)llround(at_s * engine_rate(instance->engine));
	return r;
}

/* Rolling, the time line runs on while we think: who names no place means where it then is. */
static void keep_position(struct engine_transport *transport)
{
	transport->position = ENGINE_POSITION_KEEP;
}

static int transport_play(const struct instance *instance,
			  const struct instance_transport_wish *wish,
			  struct engine_transport *transport, struct mixd_error *err)
{
	transport->is_rolling = true;
	if (wish->position[0])
		return read_frames(instance, transport, wish->position, "position",
				   &transport->position, err);
	keep_position(transport);
	return 0;
}

static int transport_stop(const struct instance *instance,
			  const struct instance_transport_wish *wish,
			  struct engine_transport *transport, struct mixd_error *err)
{
	int r;

	(void)instance;
	transport->is_rolling = false;
	keep_position(transport);
	if (!wish->position[0])
		return 0;
	r = error_set(err, ERROR_USAGE, "position", "it stops where it is");
	error_hint(err, "locate it afterwards: mixctl locate %.60s", wish->position);
	return r;
}

static int transport_locate(const struct instance *instance,
			    const struct instance_transport_wish *wish,
			    struct engine_transport *transport, struct mixd_error *err)
{
	int r;

	transport->is_rolling = transport->is_rolling || transport->is_locating;
	if (wish->position[0])
		return read_frames(instance, transport, wish->position, "position",
				   &transport->position, err);
	r = error_set(err, ERROR_USAGE, "position", "locate where?");
	error_hint(err, "a time or a marker: 12.5s, 1:23.456, verse, +=5s");
	return r;
}

static int transport_loop(const struct instance *instance,
			  const struct instance_transport_wish *wish,
			  struct engine_transport *transport, struct mixd_error *err)
{
	struct engine_transport base = *transport;
	int r;

	transport->is_rolling = transport->is_rolling || transport->is_locating;
	keep_position(transport);
	if (!wish->position[0] || !wish->end[0]) {
		r = error_set(err, ERROR_USAGE, "position", "loop from where to where?");
		error_hint(err, "two times or markers: loop verse chorus");
		return r;
	}
	r = read_frames(instance, &base, wish->position, "position", &transport->loop_start, err);
	base.position = transport->loop_start; /* "+=4s" is so long a loop */
	if (r == 0)
		r = read_frames(instance, &base, wish->end, "end", &transport->loop_end, err);
	if (r < 0)
		return r;
	transport->loop = true;
	if (transport->loop_end > transport->loop_start)
		return 0;
	r = error_set(err, ERROR_INVALID, "end", "%.60s is not behind %.60s", wish->end,
		      wish->position);
	error_hint(err, "name the earlier one first");
	return r;
}

static int transport_unloop(const struct instance *instance,
			    const struct instance_transport_wish *wish,
			    struct engine_transport *transport, struct mixd_error *err)
{
	(void)instance;
	(void)wish;
	(void)err;
	transport->is_rolling = transport->is_rolling || transport->is_locating;
	transport->loop = false;
	keep_position(transport);
	return 0;
}

static const struct transport_op {
	const char *name;
	int (*fn)(const struct instance *instance, const struct instance_transport_wish *wish,
		  struct engine_transport *transport, struct mixd_error *err);
} transport_ops[] = {
	{"play", transport_play}, {"stop", transport_stop},	{"locate", transport_locate},
	{"loop", transport_loop}, {"unloop", transport_unloop},
};
#define TRANSPORT_OPS (sizeof(transport_ops) / sizeof(transport_ops[0]))

static int find_op(const char *name, const struct transport_op **ret, struct mixd_error *err)
{
	int r;

	for (size_t i = 0; i < TRANSPORT_OPS; i++)
		if (strcmp(transport_ops[i].name, name) == 0) {
			*ret = &transport_ops[i];
			return 0;
		}
	r = error_set(err, ERROR_USAGE, "op", "the transport cannot \"%.40s\"", name);
	error_hint(err, "want play, stop, locate, loop or unloop");
	return r;
}

int instance_transport(struct instance *instance, const struct instance_transport_wish *wish,
		       struct mixd_error *err)
{
	const struct transport_op *op = NULL;
	struct engine_transport transport;
	int r = find_op(wish->op, &op, err);

	if (r < 0)
		return r;
	instance_flush(instance);
	instance->model->rate = engine_rate(instance->engine);
	engine_transport_get(instance->engine, &transport);
	r = op->fn(instance, wish, &transport, err);
	if (r < 0)
		return r;
	transport.is_locating = false;
	r = engine_transport_set(instance->engine, &transport);
	if (r < 0) {
		error_set(err, ERROR_RESOURCE, NULL, "too much is asked of the transport at once");
		error_hint(err, "try again");
		return r;
	}
	transport_tell(instance, wish->by ? wish->by : "");
	return 0;
}

/* It rolls once all players are ready; a clock that goes takes it along. */
void instance_transport_maintain(struct instance *instance)
{
	struct engine_transport now;

	engine_transport_get(instance->engine, &now);
	if (now.is_rolling != instance->transport_rolls ||
	    now.is_locating != instance->transport_locates)
		transport_tell(instance, "mixd");
}
