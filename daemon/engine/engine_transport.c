/* engine_transport.c - the time line as the control thread sets and sees it. [main] */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine_internal.h"

int engine_transport_set(struct engine *engine, const struct engine_transport *transport)
{
	struct engine_transport_event event = {*transport, engine->transport_sets + 1};

	if (transport->loop && transport->loop_end <= transport->loop_start)
		return -EINVAL;
	if (engine->running) {
		if (!ring_put(&engine->transports, &event))
			return -EAGAIN;
	} else {
		engine_transport_take(engine, &event);
		engine_transport_publish(engine);
	}
	engine->transport_sets = event.count;
	engine->transport_last = *transport;
	return 0;
}

static void transport_read(struct engine *engine, struct engine_transport *ret, uint64_t *ret_count)
{
	struct engine_transport_shared *shared = &engine->transport_shared;
	uint32_t before, after;

	do { /* the audio thread writes it once a block, in nanoseconds */
		before = atomic_load_explicit(&shared->turn, memory_order_acquire);
		*ret = (struct engine_transport){
			.is_rolling =
				atomic_load_explicit(&shared->is_rolling, memory_order_relaxed),
			.is_locating =
				atomic_load_explicit(&shared->is_locating, memory_order_relaxed),
			.position = atomic_load_explicit(&shared->position, memory_order_relaxed),
			.loop = atomic_load_explicit(&shared->loop, memory_order_relaxed),
			.loop_start =
				atomic_load_explicit(&shared->loop_start, memory_order_relaxed),
			.loop_end = atomic_load_explicit(&shared->loop_end, memory_order_relaxed)};
		*ret_count = atomic_load_explicit(&shared->count, memory_order_relaxed);
		atomic_thread_fence(memory_order_acquire);
		after = atomic_load_explicit(&shared->turn, memory_order_relaxed);
	} while (before != after || (before & 1u));
}

void engine_transport_get(struct engine *engine, struct engine_transport *ret)
{
	struct engine_transport now;
	uint64_t count;

	transport_read(engine, &now, &count);
	*ret = now;
	if (count >= engine->transport_sets)
		return;
	*ret = engine->transport_last; /* waits to be taken */
	ret->is_locating = ret->is_rolling;
	ret->is_rolling = false;
	if (ret->position == ENGINE_POSITION_KEEP) {
		ret->position = now.position;
		ret->is_rolling = ret->is_locating;
		ret->is_locating = false;
	}
}

_Static_assert(MIXD_MARKER_NAME_MAX >= GRAPH_MARKER_NAME_MAX, "names are whole");

int engine_transport_markers(const struct engine *engine, const struct graph_model *model,
			     struct engine_change *change)
{
	struct engine_markers *markers;

	change->has_markers = true;
	if (!model->n_markers)
		return 0;
	markers = calloc(1, sizeof(*markers) + model->n_markers * sizeof(markers->marker[0]));
	if (!markers)
		return -ENOMEM;
	change->markers = markers;
	for (; markers->n < model->n_markers; markers->n++) {
		const struct graph_marker *from = model->markers[markers->n];
		struct mixd_marker *to = &markers->marker[markers->n];

		to->position = (uint64_t)llround(from->at_s * engine->setup.rate);
		snprintf(to->name, sizeof(to->name), "%s", from->name);
	}
	return 0;
}

/* The same moment at another rate. */
void engine_transport_rescale(struct engine *engine, double from_rate, double to_rate)
{
	struct mixd_transport *now = &engine->transport;
	double factor = to_rate / from_rate;

	now->position = (uint64_t)((double)now->position * factor + 0.5);
	now->loop_start = (uint64_t)((double)now->loop_start * factor + 0.5);
	now->loop_end = (uint64_t)((double)now->loop_end * factor + 0.5);
	now->loop = now->loop && now->loop_end > now->loop_start;
	now->jumped = true;
	engine_transport_publish(engine);
}
