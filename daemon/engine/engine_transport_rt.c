/* engine_transport_rt.c - the time line on the audio thread: taken at block edges, cut at loops
 * and markers.
 *
 * Between two slices it may jump, begin or end; within one it runs or stands. Live it does not roll
 * from a new place before everybody who plays from there has said nothing against it for a slice, or
 * before ENGINE_LOCATE_MS have passed: who is late then is silent. A render does not wait, because its
 * files are read where they are wanted. */
#include "engine_internal.h"

#include <mixd/rt.h>

static void transport_begin(struct engine *engine)
{
	engine->transport.is_locating = false;
	engine->transport.is_rolling = true;
	engine->transport_turn++;
	engine->want_wake = true;
}

void engine_transport_take(struct engine *engine, const struct engine_transport_event *event)
{
	const struct engine_transport *to = &event->to;
	struct mixd_transport *now = &engine->transport;
	bool keep = to->position == ENGINE_POSITION_KEEP || to->position == now->position;
	bool rolled = now->is_rolling;

	engine->transport_count = event->count;
	now->loop = to->loop;
	now->loop_start = to->loop_start;
	now->loop_end = to->loop_end;
	engine->want_wake = true;
	if (!keep) {
		now->position = to->position;
		now->jumped = true;
	}
	if (to->is_rolling && rolled && keep)
		return;
	now->is_rolling = now->is_locating = false;
	engine->transport_turn++;
	if (!to->is_rolling)
		return;
	if (engine->setup.offline) {
		transport_begin(engine);
		return;
	}
	now->is_locating = true;
	engine->transport_holds = 0;
	engine->transport_waits = engine_frames_rt(engine, ENGINE_LOCATE_MS);
}

void engine_transport_changes(struct engine *engine)
{
	struct engine_transport_event event;

	while (ring_get(&engine->transports, &event))
		engine_transport_take(engine, &event);
}

/* How many markers stand at POSITION or before. */
static uint32_t transport_passed(const struct engine_markers *markers, uint64_t position)
{
	uint32_t from = 0, to = markers ? markers->n : 0;

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (markers->marker[middle].position <= position)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* How many of N frames belong to one slice; which marker its first one is behind. */
uint32_t engine_transport_cut(struct engine *engine, uint32_t n)
{
	const struct engine_markers *markers = engine->markers;
	struct mixd_transport *now = &engine->transport;
	uint32_t passed = transport_passed(markers, now->position);

	now->marker = passed ? &markers->marker[passed - 1] : NULL;
	if (!now->is_rolling)
		return n;
	if (now->loop && now->position < now->loop_end && now->loop_end - now->position < n)
		n = (uint32_t)(now->loop_end - now->position);
	if (markers && passed < markers->n && markers->marker[passed].position - now->position < n)
		n = (uint32_t)(markers->marker[passed].position - now->position);
	return n;
}

/* Envelopes on the time line go on, or end: their instances move again. */
void engine_transport_slice(struct engine *engine)
{
	struct engine_plan *plan = engine->plan;

	engine->transport_holds = 0;
	if (engine->transport_seen == engine->transport_turn)
		return;
	engine->transport_seen = engine->transport_turn;
	for (uint32_t i = 0; i < plan->n_nodes; i++)
		if (plan->nodes[i].inst->n_lines) {
			engine_group_wake(&plan->nodes[i], engine->position);
			plan->nodes[i].inst->moving = true;
			engine->resting = false;
		}
}

void engine_transport_advance(struct engine *engine, uint32_t n)
{
	struct mixd_transport *now = &engine->transport;

	now->jumped = false;
	if (now->is_rolling) {
		now->position += n;
		if (now->loop && now->position == now->loop_end) {
			now->position = now->loop_start;
			now->jumped = true;
			engine->transport_turn++;
		}
		return;
	}
	if (!now->is_locating)
		return;
	engine->transport_waits -= n < engine->transport_waits ? n : engine->transport_waits;
	if (!engine->transport_holds || !engine->transport_waits)
		transport_begin(engine);
}

/* The time line at POSITION (not before the slice under way). */
uint64_t engine_transport_at(const struct engine *engine, uint64_t position)
{
	const struct mixd_transport *now = &engine->transport;

	return now->position + (now->is_rolling ? position - engine->position : 0);
}

void engine_transport_publish(struct engine *engine)
{
	struct engine_transport_shared *shared = &engine->transport_shared;
	const struct mixd_transport *now = &engine->transport;
	uint32_t turn = atomic_load_explicit(&shared->turn, memory_order_relaxed);

	atomic_store_explicit(&shared->turn, turn + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&shared->is_rolling, now->is_rolling, memory_order_relaxed);
	atomic_store_explicit(&shared->is_locating, now->is_locating, memory_order_relaxed);
	atomic_store_explicit(&shared->position, now->position, memory_order_relaxed);
	atomic_store_explicit(&shared->loop, now->loop, memory_order_relaxed);
	atomic_store_explicit(&shared->loop_start, now->loop_start, memory_order_relaxed);
	atomic_store_explicit(&shared->loop_end, now->loop_end, memory_order_relaxed);
	atomic_store_explicit(&shared->count, engine->transport_count, memory_order_relaxed);
	atomic_store_explicit(&shared->turn, turn + 2, memory_order_release);
}

void engine_host_hold(struct mixd_inst *view)
{
	struct engine_inst *inst = ((struct engine_node *)view)->inst;

	inst->engine->transport_holds++;
}
