/* pw_cycle_rt.c - see pw_cycle_rt.h. */
#include "pw_cycle_rt.h"

#include <string.h>

#include <mixd/rt.h>

/* The server's clock counts on while we miss cycles: a jump forward is what was lost. Another
 * driver has another clock: no judgement across that seam. */
static void pw_cycle_watch_position(struct pw_cycle *cycle, const struct spa_io_clock *clock)
{
	uint32_t driver = atomic_load_explicit(&cycle->driver_id, memory_order_relaxed);

	if (atomic_exchange_explicit(&cycle->rebase, false, memory_order_acq_rel))
		cycle->has_position = false;
	if (cycle->has_position && driver == clock->id && clock->position > cycle->next_position) {
		atomic_fetch_add_explicit(&cycle->xruns, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&cycle->frames_lost,
					  clock->position - cycle->next_position,
					  memory_order_relaxed);
	}
	cycle->next_position = clock->position + clock->duration;
	cycle->has_position = true;
	atomic_store_explicit(&cycle->driver_id, clock->id, memory_order_relaxed);
}

static void pw_cycle_fetch(struct pw_cycle_table *table, uint32_t n_frames)
{
	for (uint32_t s = 0; s < table->n_in; s++) {
		struct pw_cycle_slot *slot = table->in_slot[s];

		for (uint32_t c = 0; slot && c < slot->n_channels; c++)
			slot->in[c] = pw_filter_get_dsp_buffer(slot->port[c], n_frames);
	}
	for (uint32_t s = 0; s < table->n_out; s++) {
		struct pw_cycle_slot *slot = table->out_slot[s];

		for (uint32_t c = 0; slot && c < slot->n_channels; c++) {
			if (slot->port[c])
				slot->out[c] = pw_filter_get_dsp_buffer(slot->port[c], n_frames);
			else if (slot->scratch)
				slot->out[c] = slot->scratch + (size_t)c * ENGINE_BLOCK_MAX;
		}
	}
}

static void pw_cycle_silence(struct pw_cycle_table *table, uint32_t n_frames)
{
	for (uint32_t s = 0; s < table->n_out; s++) {
		struct pw_cycle_slot *slot = table->out_slot[s];

		for (uint32_t c = 0; slot && c < slot->n_channels; c++)
			if (slot->out[c])
				memset(slot->out[c], 0, n_frames * sizeof(float));
	}
}

/* A stream that is just being paused refuses the trigger; nothing is lost by that. */
static void pw_cycle_trigger(struct pw_cycle_table *table, uint32_t n_frames)
{
	for (uint32_t s = 0; s < table->n_out; s++) {
		struct pw_cycle_slot *slot = table->out_slot[s];

		if (!slot || !slot->stream)
			continue;
		slot->fresh_frames = n_frames;
		slot->last_frames = n_frames;
		if (atomic_load_explicit(&slot->stream_on, memory_order_acquire))
			pw_stream_trigger_process(slot->stream);
	}
}

void pw_cycle_process(void *data, struct spa_io_position *position)
{
	struct pw_cycle *cycle = data;
	struct pw_cycle_table *table;
	uint32_t n_frames = (uint32_t)position->clock.duration, rate = position->clock.rate.denom;
	bool is_open;

	atomic_store_explicit(&cycle->busy, true, memory_order_seq_cst);
	table = atomic_load_explicit(&cycle->table, memory_order_acquire);
	pw_cycle_watch_position(cycle, &position->clock);
	atomic_store_explicit(&cycle->rate, rate, memory_order_relaxed);
	atomic_store_explicit(&cycle->quantum, n_frames, memory_order_relaxed);
	if (n_frames > ENGINE_BLOCK_MAX)
		n_frames = ENGINE_BLOCK_MAX;
	is_open = atomic_load_explicit(&cycle->is_open, memory_order_acquire) &&
		  rate == atomic_load_explicit(&cycle->engine_rate, memory_order_relaxed);
	if (table)
		pw_cycle_fetch(table, n_frames);
	if (is_open) {
		struct engine_cycle call = {.n_frames = n_frames};

		if (table) { /* there is none before the first input or output */
			call.in = table->in;
			call.n_in = table->n_in;
			call.out = table->out;
			call.n_out = table->n_out;
		}
		engine_process(cycle->engine, &call);
	} else if (table) {
		pw_cycle_silence(table, n_frames);
	}
	if (table)
		pw_cycle_trigger(table, n_frames);
	atomic_fetch_add_explicit(&cycle->count, 1, memory_order_relaxed);
	if (!is_open && !atomic_exchange_explicit(&cycle->knocked, true, memory_order_acq_rel))
		loop_wake_signal(cycle->wake);
	atomic_store_explicit(&cycle->busy, false, memory_order_release);
}

void pw_cycle_stream_process(void *data)
{
	struct pw_cycle_slot *slot = data;
	struct pw_buffer *buffer = pw_stream_dequeue_buffer(slot->stream);
	uint32_t n_frames = slot->fresh_frames ? slot->fresh_frames : slot->last_frames;

	if (!buffer)
		return;
	for (uint32_t c = 0; c < buffer->buffer->n_datas; c++) {
		struct spa_data *plane = &buffer->buffer->datas[c];
		uint32_t room = plane->maxsize / (uint32_t)sizeof(float);
		uint32_t n = n_frames < room ? n_frames : room;

		if (!plane->data)
			continue;
		/* The stream may be run without a trigger while its sink is being replaced. */
		if (slot->fresh_frames && c < slot->n_channels)
			memcpy(plane->data, slot->scratch + (size_t)c * ENGINE_BLOCK_MAX,
			       n * sizeof(float));
		else
			memset(plane->data, 0, n * sizeof(float));
		plane->chunk->offset = 0;
		plane->chunk->stride = sizeof(float);
		plane->chunk->size = n * (uint32_t)sizeof(float);
	}
	slot->fresh_frames = 0;
	pw_stream_queue_buffer(slot->stream, buffer);
}
