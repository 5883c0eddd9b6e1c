/* engine_run_rt.c - one block: take what waits, run the plan slice by slice, say how it went. */
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "engine_internal.h"

#include <mixd/rt.h>

/* ---- denormals (dsp.md 2.4) ------------------------------------------------------------------ */

#if defined(__x86_64__)
#define RUN_FLUSH_BITS 0x8040u /* MXCSR: FTZ, DAZ */
static uint64_t run_fpu_enter(void)
{
	uint32_t saved = _mm_getcsr();

	_mm_setcsr(saved | RUN_FLUSH_BITS);
	return saved;
}
static void run_fpu_exit(uint64_t saved)
{
	_mm_setcsr((uint32_t)saved);
}
#elif defined(__aarch64__)
#define RUN_FLUSH_BITS (UINT64_C(1) << 24) /* FPCR: FZ */
static uint64_t run_fpu_enter(void)
{
	uint64_t saved;

	__asm__ volatile("mrs %0, fpcr" : "=r"(saved));
	__asm__ volatile("msr fpcr, %0" : : "r"(saved | RUN_FLUSH_BITS));
	return saved;
}
static void run_fpu_exit(uint64_t saved)
{
	__asm__ volatile("msr fpcr, %0" : : "r"(saved));
}
#else
static uint64_t run_fpu_enter(void)
{
	return 0;
}
static void run_fpu_exit(uint64_t saved)
{
	(void)saved;
}
#endif

void engine_flush_denormals(void)
{
	run_fpu_enter();
}

static uint64_t run_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- changes --------------------------------------------------------------------------------- */

static void apply_move(const struct engine_move *move)
{
	for (uint32_t c = 0; c < move->channels; c++) {
		for (uint32_t k = 0; k < move->words_state; k++)
			move->to_state[(size_t)k * move->to_width + c] =
				move->from_state[(size_t)k * move->from_width + c];
		for (uint32_t k = 0; k < move->words_coef; k++)
			move->to_coef[(size_t)k * move->to_width + c] =
				move->from_coef[(size_t)k * move->from_width + c];
	}
}

static void apply_param(const struct engine_param_event *event, uint64_t position)
{
	struct engine_inst *inst = event->inst;

	if (event->node && event->node->n_members)
		engine_group_wake(event->node, position);
	if (event->idx == GRAPH_PARAM_BYPASS)
		engine_inst_set_bypass(inst, event->node, event->value >= 0.5, position);
	else if (event->idx == GRAPH_PARAM_MUTE)
		engine_inst_set_mute(inst, event->value >= 0.5, position);
	else
		engine_param_event(inst, event, position);
}

static void apply_link(struct engine *engine, const struct engine_link_event *event,
		       uint64_t position)
{
	struct engine_link *link = event->link;
	uint64_t start = position + event->hold_frames;
	uint32_t frames = event->frames ? event->frames : engine->fade_frames;
	bool comes = event->target[0] != 0.0 || event->target[1] != 0.0, gone = !comes;

	if (!link->split && event->target[0] != event->target[1]) {
		link->split = true;
		link->gain[1] = link->gain[0];
	}
	/* a link that still waits to be heard goes on waiting */
	for (uint32_t i = 0; comes && i < engine_link_sides(link); i++)
		if (link->gain[i].frames && link->gain[i].start > start)
			start = link->gain[i].start;
	event->to->ports[link->to_port].steady = false;
	for (uint32_t i = 0; i < engine_link_sides(link); i++) {
		engine_fade_go(&link->gain[i], event->target[i], position, start, frames);
		gone = gone && link->gain[i].frames == 0;
	}
	atomic_store_explicit(&link->faded, gone, memory_order_relaxed);
	if (gone) {
		atomic_store_explicit(&engine->retire, true, memory_order_relaxed);
		engine->want_wake = true;
	}
}

void engine_apply(struct engine *engine, struct engine_change *change, uint64_t position)
{
	change->position = position;
	engine->resting = false;
	if (change->plan) {
		struct engine_plan *old = engine->plan;

		for (uint32_t i = 0; i < change->n_moves; i++)
			apply_move(&change->moves[i]);
		engine->plan = change->plan;
		change->plan = old;
		atomic_store_explicit(&engine->shared_steps, engine->plan->n_steps,
				      memory_order_relaxed);
		atomic_store_explicit(&engine->shared_banks, engine->plan->n_banks,
				      memory_order_relaxed);
	}
	if (change->has_markers) {
		struct engine_markers *old = engine->markers;

		engine->markers = change->markers;
		change->markers = old;
	}
	for (uint32_t i = 0; i < change->n_links; i++)
		apply_link(engine, &change->links[i], position);
	for (uint32_t i = 0; i < change->n_regroups; i++)
		engine_group_regroup(engine, change->regroups[i].inst, position);
	for (uint32_t i = 0; i < change->n_stops; i++) {
		if (change->stops[i].node)
			engine_group_wake(change->stops[i].node, position);
		if (change->stops[i].on_timeline)
			engine_line_end(change->stops[i].inst, change->stops[i].idx, position);
		else
			engine_envelope_end(change->stops[i].inst, change->stops[i].idx);
	}
	for (uint32_t i = 0; i < change->n_params; i++)
		apply_param(&change->params[i], position);
	for (uint32_t i = 0; i < change->n_envelopes; i++) {
		engine_group_wake(change->envelopes[i]->node, position);
		engine_envelope_begin(change->envelopes[i], position);
	}
	/* counted at once: a reader that sees the change applied must not see "settled" */
	if (change->n_params || change->n_links || change->n_envelopes || change->n_regroups)
		atomic_store_explicit(&engine->shared_busy, 1, memory_order_relaxed);
}

static void run_changes(struct engine *engine)
{
	struct engine_change *change;

	while (ring_get(&engine->to_rt, &change)) {
		engine_apply(engine, change, engine->position);
		ring_put(&engine->to_main, &change);
		engine->want_wake = true;
	}
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* The clock's channels of a boundary node, for this slice. */
static void node_externals(struct engine *engine, struct engine_node *node)
{
	const struct engine_cycle *cycle = engine->cycle;
	struct engine_inst *inst = node->inst;
	uint32_t slot = inst->slot;

	if (inst->external_in) {
		const float *const *in = slot < cycle->n_in ? cycle->in[slot] : NULL;

		for (uint32_t c = 0; c < inst->main_out; c++)
			node->ext_in[c] = in && in[c] ? in[c] + engine->cycle_at : engine->zeros;
	}
	if (inst->external_out) {
		float *const *out = slot < cycle->n_out ? cycle->out[slot] : NULL;

		for (uint32_t c = 0; c < inst->main_in; c++)
			node->ext_out[c] =
				out && out[c] ? out[c] + engine->cycle_at : engine->scratch;
	}
}

static void node_shift(struct engine_node *node, int32_t frames)
{
	struct engine_inst *inst = node->inst;

	for (uint32_t c = 0; c < inst->n_in; c++)
		node->in[c] += frames;
	for (uint32_t c = 0; c < inst->n_out; c++)
		node->out[c] += frames;
	for (uint32_t c = 0; inst->external_in && c < inst->main_out; c++)
		node->ext_in[c] += frames;
	for (uint32_t c = 0; inst->external_out && c < inst->main_in; c++)
		node->ext_out[c] += frames;
}

/* Move all pointers of the step by FRAMES (cells inside a slice). */
static void step_shift(struct engine_step *step, int32_t frames)
{
	for (uint32_t i = 0; i < step->n; i++)
		node_shift(&step->nodes[i], frames);
	if (step->has_bank) {
		const float **in = (const float **)(uintptr_t)step->bank.in;
		float **out = (float **)(uintptr_t)step->bank.out;

		for (uint32_t l = 0; l < step->bank.n_blocks * step->bank.width; l++) {
			in[l] += frames;
			out[l] += frames;
		}
	}
}

static void step_call(struct engine *engine, struct engine_step *step, uint64_t position,
		      uint32_t n)
{
	struct mixd_transport inside; /* of a cell that is not the first */
	struct mixd_call call = {.inst = step->views,
				 .n_inst = step->n,
				 .bank = step->has_bank ? &step->bank : NULL,
				 .n_frames = n,
				 .position = position,
				 .ext_in = step->nodes[0].ext_in,
				 .ext_out = step->nodes[0].ext_out,
				 .transport = &engine->transport};

	if (position != engine->position) {
		inside = engine->transport;
		inside.position = engine_transport_at(engine, position);
		inside.jumped = false;
		call.transport = &inside;
	}
	if (step->kind == GRAPH_PLAN_EMIT)
		step->type->emit(&call);
	else
		step->type->process(&call);
}

static bool step_moving(const struct engine_step *step)
{
	for (uint32_t i = 0; i < step->n; i++)
		if (step->nodes[i].inst->moving)
			return true;
	return false;
}

/* It moves by itself, and will have arrived: not only because time goes on. */
static bool step_busy(const struct engine_step *step)
{
	for (uint32_t i = 0; i < step->n; i++) {
		const struct engine_inst *inst = step->nodes[i].inst;

		if (inst->moving && (!inst->n_line || inst->n_active > inst->n_line))
			return true;
	}
	return false;
}

/* While something moves: cell by cell; then the rest at once. */
static void step_cells(struct engine *engine, struct engine_step *step, bool run, uint64_t position,
		       uint32_t n)
{
	uint32_t done = 0;

	while (done < n) {
		uint64_t at = position + done;
		uint32_t part = n - done, cell = MIXD_CELL - (uint32_t)(at % MIXD_CELL);

		for (uint32_t i = 0; i < step->n; i++)
			engine_inst_cell(&step->nodes[i], at);
		if (step_moving(step)) {
			engine->busy += step_busy(step);
			part = part < cell ? part : cell;
		}
		if (run)
			step_call(engine, step, at, part);
		done += part;
		if (done < n)
			step_shift(step, (int32_t)part);
		else if (done > part)
			step_shift(step, -(int32_t)(done - part));
	}
}

/* One settled link, as almost all inputs are: its source's flag says it all. */
static inline bool node_gather(struct engine *engine, struct engine_node *node, uint64_t position,
			       uint32_t n)
{
	const struct engine_port *port = node->ports;

	if (node->n_in_ports == 1 && port->steady &&
	    (*port->silent != 0) == (port->state == ENGINE_PORT_ZERO))
		return *port->silent;
	return engine_node_gather(engine, node, position, n);
}

static inline bool node_before(struct engine *engine, struct engine_node *node, uint32_t dry_first,
			       uint64_t position, uint32_t n)
{
	struct engine_inst *inst = node->inst;

	if (!inst->plain || inst->asleep)
		return engine_inst_before(engine, node, dry_first, position, n);
	inst->window_loud |= !node->in_silent;
	return true;
}

/* What becomes of the outputs of a step that RAN, or did not. */
static void step_after(struct engine *engine, struct engine_step *step, bool ran, bool leased,
		       uint64_t position, uint32_t n)
{
	bool defer = ran && step->defers && !leased;
	uint32_t dry = 0;

	for (uint32_t i = 0; i < step->n; i++) {
		struct engine_node *node = &step->nodes[i];

		if (defer && node->inst->plain && !node->dormant) {
			engine_guard_add(&engine->guard, node);
		} else {
			engine_inst_after(engine, node, dry, ran, position, n);
			engine->awake += !engine_node_rests(node);
		}
		dry += node->inst->main_out;
	}
	if (step->looks)
		engine_guard_look(engine, position, n);
}

/* A node at rest among settled links: all that step_run() does then. False: do it. */
static inline bool step_run_brief(struct engine *engine, struct engine_step *step,
				  uint64_t position, uint32_t n)
{
	struct engine_node *node = step->nodes;
	struct engine_inst *inst = node->inst;
	const struct engine_port *port = node->ports;
	bool silent = true;

	if (!step->brief || !inst->plain || inst->asleep || inst->moving || node->dormant)
		return false;
	if (node->n_in_ports) {
		if (!port->steady) /* and without a link there is no flag */
			return false;
		silent = *port->silent;
		if (silent != (port->state == ENGINE_PORT_ZERO))
			return false;
	}
	node->in_silent = silent;
	node->runs = true;
	inst->window_loud |= !silent;
	if (step->external)
		node_externals(engine, node);
	step_call(engine, step, position, n);
	engine_guard_add(&engine->guard, node);
	if (step->looks)
		engine_guard_look(engine, position, n);
	return true;
}

/* LEASED: somebody reads meters, which are made step by step. */
static void step_run(struct engine *engine, struct engine_step *step, uint64_t position, uint32_t n,
		     bool leased)
{
	bool run = false, emit = step->kind == GRAPH_PLAN_EMIT, moving = false;
	bool feedback = step->feedback;
	uint32_t dry = 0;

	for (uint32_t i = 0; i < step->n; i++) {
		struct engine_node *node = &step->nodes[i];
		struct engine_inst *inst = node->inst;

		node->in_silent = emit ? false : node_gather(engine, node, position, n);
		if (step->external)
			node_externals(engine, node);
		node->runs = true;
		if (!feedback || emit)
			node->runs = node_before(engine, node, dry, position, n);
		else if (inst->quarantined || node->dormant)
			node->runs = false;
		run |= node->runs;
		moving |= inst->moving;
		dry += inst->main_out;
	}
	/* a feedback type's params move at its EMIT; its PROCESS only takes the slice */
	if (moving && (!feedback || emit))
		step_cells(engine, step, run, position, n);
	else if (run)
		step_call(engine, step, position, n);
	if (!feedback || emit)
		step_after(engine, step, run, leased, position, n);
	else if (step->looks)
		engine_guard_look(engine, position, n);
}

/* What a node takes of a cycle: offline there is none, and asking 4 times per slice costs 2 % of a master. */
static uint64_t load_clock_ns(const struct engine *engine)
{
	return engine->setup.offline ? 0 : run_clock_ns();
}

static void step_run_leased(struct engine *engine, struct engine_step *step, uint64_t position,
			    uint32_t n, uint64_t *now_ns, uint32_t readers)
{
	uint64_t end;

	step_run(engine, step, position, n, true);
	end = load_clock_ns(engine);
	for (uint32_t i = 0; i < step->n; i++) {
		struct engine_inst *inst = step->nodes[i].inst;

		inst->busy_ns += (end - *now_ns) / step->n;
		if (step->kind == GRAPH_PLAN_PROCESS)
			inst->busy_frames += n;
		engine_inst_fold(inst, readers);
	}
	*now_ns = end;
}

/* The clock's channel comes from far; and a wide graph is larger than the cache: fetch what the steps to
 * come look at. */
static void step_prefetch(const struct engine *engine, const struct engine_step *step,
			  const struct engine_step *end, uint32_t n)
{
	if (step + 1 < end && step[1].nodes[0].inst->external_in) {
		const struct engine_cycle *cycle = engine->cycle;
		uint32_t slot = step[1].nodes[0].inst->slot;
		const float *in = slot < cycle->n_in && cycle->in[slot] ? cycle->in[slot][0] : NULL;

		for (uint32_t i = 0; in && i < n; i += 16)
			__builtin_prefetch(in + engine->cycle_at + i);
	}
	if (step + 2 < end)
		for (uint32_t i = 0; i < step[2].n_fetch; i++)
			__builtin_prefetch(step[2].fetch[i]);
}

static void run_slice(struct engine *engine, struct engine_plan *plan, uint64_t position,
		      uint32_t n, bool leased)
{
	if (leased) {
		uint32_t readers = atomic_load_explicit(&engine->readers, memory_order_relaxed);
		uint64_t now_ns = load_clock_ns(engine);

		for (uint32_t s = 0; s < plan->n_steps; s++)
			step_run_leased(engine, &plan->steps[s], position, n, &now_ns, readers);
	} else {
		for (uint32_t s = 0; s < plan->n_steps; s++) {
			step_prefetch(engine, &plan->steps[s], plan->steps + plan->n_steps, n);
			if (!step_run_brief(engine, &plan->steps[s], position, n))
				step_run(engine, &plan->steps[s], position, n, false);
		}
	}
}

/* A slice of a resting graph: false when something comes in, and it must be run after all. */
static bool rest_slice(struct engine *engine, const struct engine_plan *plan, uint32_t n)
{
	uint32_t negative;

	for (uint32_t i = 0; i < plan->n_externals; i++) {
		struct engine_node *node = plan->externals[i];

		node_externals(engine, node);
		if (node->inst->external_in &&
		    engine_kernel_guard((float *const *)(uintptr_t)node->ext_in,
					node->inst->main_out, n, &negative) != 0)
			return false;
	}
	for (uint32_t i = 0; i < plan->n_externals; i++)
		for (uint32_t c = 0; plan->externals[i]->inst->external_out &&
				     c < plan->externals[i]->inst->main_in;
		     c++)
			memset(plan->externals[i]->ext_out[c], 0, n * sizeof(float));
	return true;
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static void run_load(struct engine *engine, uint64_t start_ns, uint32_t n)
{
	uint64_t busy = run_clock_ns() - start_ns;
	double load = (double)busy * engine->setup.rate / ((double)n * 1e9);

	engine->load_busy_ns += busy;
	engine->load_frames += n;
	if (load > engine->load_peak)
		engine->load_peak = load;
	if (load > 1.0 && !engine->setup.offline && engine->position >= engine->overload_at) {
		engine->overload_at = engine->position + (uint64_t)engine->setup.rate;
		engine_event_put(engine, ENGINE_EVENT_OVERLOAD, NULL, 0, load);
	}
	if ((double)engine->load_frames < engine->setup.rate)
		return;
	atomic_store_explicit(&engine->shared_load_mean,
			      (double)engine->load_busy_ns * engine->setup.rate /
				      ((double)engine->load_frames * 1e9),
			      memory_order_relaxed);
	atomic_store_explicit(&engine->shared_load_peak, engine->load_peak, memory_order_relaxed);
	engine->load_busy_ns = engine->load_frames = 0;
	engine->load_peak = 0.0;
}

static void run_publish(struct engine *engine, bool leased)
{
	struct engine_plan *plan = engine->plan;
	uint32_t readers = atomic_load_explicit(&engine->readers, memory_order_relaxed);

	for (uint32_t i = 0; leased && plan && i < plan->n_nodes; i++)
		engine_inst_publish(plan->nodes[i].inst, readers);
	atomic_store_explicit(&engine->shared_busy, engine->busy, memory_order_relaxed);
	engine_transport_publish(engine);
	atomic_store_explicit(&engine->shared_position, engine->position, memory_order_release);
	atomic_fetch_add_explicit(&engine->shared_cycles, 1, memory_order_relaxed);
	if (engine->want_wake && engine->setup.wake) {
		engine->want_wake = false;
		engine->setup.wake(engine->setup.wake_data);
	}
}

void engine_process(struct engine *engine, const struct engine_cycle *cycle)
{
	uint64_t saved = run_fpu_enter(), start_ns = run_clock_ns();
	bool leased = atomic_load_explicit(&engine->leased, memory_order_relaxed);
	uint32_t n = cycle->n_frames < ENGINE_BLOCK_MAX ? cycle->n_frames : ENGINE_BLOCK_MAX;

	run_changes(engine);
	engine_transport_changes(engine);
	engine->cycle = cycle;
	engine->cycle_at = 0;
	while (engine->cycle_at < n && engine->plan) {
		uint32_t slice = MIXD_SLICE_MAX - (uint32_t)(engine->position % MIXD_SLICE_MAX);

		if (slice > n - engine->cycle_at)
			slice = n - engine->cycle_at;
		slice = engine_transport_cut(engine, slice);
		engine_transport_slice(engine);
		if (!engine->resting || leased || !rest_slice(engine, engine->plan, slice)) {
			engine->busy = engine->awake = 0;
			run_slice(engine, engine->plan, engine->position, slice, leased);
			engine->resting = engine->awake == 0 && engine->busy == 0;
		}
		engine_transport_advance(engine, slice);
		engine->position += slice;
		engine->cycle_at += slice;
	}
	engine->cycle = NULL;
	if (n)
		run_load(engine, start_ns, n);
	run_publish(engine, leased);
	run_fpu_exit(saved);
}
