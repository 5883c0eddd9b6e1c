/* engine_meter_rt.c - what the audio thread tells: meters, events, jobs for the worker. */
#include <linux/futex.h>
#include <math.h>
#include <semaphore.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine_internal.h"

#include <mixd/rt.h>

/* Highest (or lowest) since each reader read last. A reader that reads at the same moment takes the
 * value out with an exchange; at worst this slice counts for its next period. */
static void meter_fold(struct engine_meter_slot *slot, bool max, double value, uint32_t readers)
{
	for (uint32_t r = 0; readers >> r; r++) {
		double have;

		if (!(readers >> r & 1u))
			continue;
		have = atomic_load_explicit(&slot->fold[r], memory_order_relaxed);
		if (max ? value > have : value < have)
			atomic_store_explicit(&slot->fold[r], value, memory_order_relaxed);
	}
}

/* After each process() of a leased engine. */
void engine_inst_fold(struct engine_inst *inst, uint32_t readers)
{
	const struct mixd_node_type *type = inst->node_type;
	uint32_t bits = inst->peak_bits;
	float peak;

	memcpy(&peak, &bits, sizeof(peak));
	meter_fold(&inst->slots[0], true, (double)peak, readers);
	atomic_store_explicit(&inst->slots[0].last, (double)peak, memory_order_relaxed);
	for (uint32_t row = 0; row < type->n_meters; row++) {
		if (type->meters[row].fold == MIXD_FOLD_LAST)
			continue;
		for (uint32_t i = inst->meter_first[row]; i < inst->meter_first[row + 1]; i++)
			meter_fold(&inst->slots[1 + i], type->meters[row].fold == MIXD_FOLD_MAX,
				   inst->home.view.meter[i], readers);
	}
}

/* At the end of a block. */
void engine_inst_publish(struct engine_inst *inst, uint32_t readers)
{
	for (uint32_t i = 0; i < inst->n_meters; i++)
		atomic_store_explicit(&inst->slots[1 + i].last, inst->home.view.meter[i],
				      memory_order_relaxed);
	if (inst->busy_frames >= 4096) {
		double ns = (double)inst->busy_frames * 1e9 / inst->setup.rate;

		atomic_store_explicit(&inst->load, (double)inst->busy_ns / ns * 100.0,
				      memory_order_relaxed);
		inst->busy_ns = inst->busy_frames = 0;
	}
}

void engine_event_put(struct engine *engine, enum engine_event_kind kind,
		      const struct engine_inst *inst, uint32_t code, double value)
{
	struct engine_event event = {.kind = kind,
				     .node_uid = inst ? inst->uid : 0,
				     .inst_id = inst ? inst->id : 0,
				     .code = code,
				     .value = value,
				     .position = engine->position};

	if (!ring_put(&engine->events, &event))
		atomic_fetch_add_explicit(&engine->events_lost, 1, memory_order_relaxed);
	engine->want_wake = true;
}

void engine_host_event(struct mixd_inst *view, uint32_t code, double value)
{
	struct engine_inst *inst = ((struct engine_node *)view)->inst;

	if (view == &inst->home.view)
		return; /* main is still making it: nobody hears it */
	engine_event_put(inst->engine, ENGINE_EVENT_NODE, inst, code, value);
}

bool engine_host_submit(struct mixd_inst *view, uint32_t job)
{
	struct engine_inst *inst = ((struct engine_node *)view)->inst;
	struct engine *engine = inst->engine;
	struct engine_job record = {inst, job};

	if (!inst->node_type->work)
		return false;
	if (!engine->worker_runs || view == &inst->home.view) { /* offline, or main makes it */
		inst->node_type->work(&inst->home.view, job);
		return true;
	}
	atomic_fetch_add_explicit(&inst->jobs, 1, memory_order_relaxed);
	if (!ring_put(&engine->jobs, &record)) {
		atomic_fetch_sub_explicit(&inst->jobs, 1, memory_order_relaxed);
		return false;
	}
	sem_post(&engine->worker_wake);
	return true;
}

bool engine_host_submit_disk(struct mixd_inst *view, uint32_t job)
{
	struct engine_inst *inst = ((struct engine_node *)view)->inst;
	struct engine *engine = inst->engine;
	struct engine_job record = {inst, job};

	if (!inst->node_type->disk)
		return false;
	if (!engine->disk_runs) { /* offline: the frames are wanted now */
		inst->node_type->disk(&inst->home.view, job);
		return true;
	}
	if (view == &inst->home.view)
		return false; /* main makes it: only the audio thread fills the disk's ring */
	atomic_fetch_add_explicit(&inst->jobs, 1, memory_order_relaxed);
	if (!ring_put(&engine->disk_jobs, &record)) {
		atomic_fetch_sub_explicit(&inst->jobs, 1, memory_order_relaxed);
		return false;
	}
	sem_post(&engine->disk_wake);
	return true;
}

void engine_host_wake(struct mixd_inst *view, uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

uint32_t engine_host_cycle(struct mixd_inst *view, uint32_t *ret_done)
{
	const struct engine *engine = ((struct engine_node *)view)->inst->engine;

	*ret_done = engine->cycle ? engine->cycle_at : 0;
	return engine->cycle && !engine->setup.offline ? engine->cycle->n_frames : 0;
}

bool engine_host_await_live(struct mixd_inst *view, const uint32_t *word, uint32_t seen,
			    uint32_t timeout_ms)
{
	return false;
}
