/* engine_fade_rt.c - bypass, mute, guard and sleep around a node's process().
 *
 * Bypass crossfades to the input delayed by the node's latency, out of a ring that is filled before
 * it is heard (dsp.md 2.9); the fades are smoothsteps (dsp.md 2.6: -94.5 dB of sidebands in 20 ms).
 * Every transition is a function of the position, so cutting time differently changes no bit. */
#include <string.h>

#include "engine_internal.h"

#include <mixd/rt.h>

double engine_fade_at(const struct engine_fade *fade, uint64_t position)
{
	double t;

	if (fade->frames == 0)
		return fade->to;
	if (position <= fade->start)
		return fade->from;
	if (position - fade->start >= fade->frames)
		return fade->to;
	t = (double)(position - fade->start) / fade->frames;
	return fade->from + (fade->to - fade->from) * (t * t * (3.0 - 2.0 * t));
}

void engine_fade_go(struct engine_fade *fade, double target, uint64_t position, uint64_t start,
		    uint32_t frames)
{
	double from = engine_fade_at(fade, position);

	*fade = (struct engine_fade){.from = from, .to = target};
	if (from != target) {
		fade->start = start;
		fade->frames = frames ? frames : 1;
	}
}

bool engine_fade_rests(struct engine_fade *fade, uint64_t position)
{
	if (fade->frames == 0)
		return true;
	if (position < fade->start || position - fade->start < fade->frames)
		return false;
	fade->from = fade->to;
	fade->frames = 0;
	return true;
}

void engine_fade_write(const struct engine_fade *fade, uint64_t position, double *out, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] = engine_fade_at(fade, position + i);
}

/* ---- state ---------------------------------------------------------------------------------- */

void engine_inst_publish_state(struct engine_inst *inst)
{
	enum graph_node_state state = GRAPH_NODE_RUNNING;

	if (inst->quarantined)
		state = GRAPH_NODE_QUARANTINED;
	else if (inst->bypass)
		state = GRAPH_NODE_BYPASSED;
	else if (inst->muted)
		state = GRAPH_NODE_MUTED;
	else if (inst->asleep)
		state = GRAPH_NODE_SLEEPING;
	atomic_store_explicit(&inst->state, (uint8_t)state, memory_order_relaxed);
}

static void inst_set_plain(struct engine_inst *inst)
{
	inst->plain =
		inst->mode == ENGINE_MODE_WET && inst->mute.frames == 0 && inst->mute.to == 1.0;
	engine_inst_publish_state(inst);
}

static uint32_t inst_fade_frames(const struct engine_inst *inst)
{
	return inst->engine->fade_frames;
}

void engine_inst_set_mute(struct engine_inst *inst, bool on, uint64_t position)
{
	if (inst->muted == on)
		return;
	inst->muted = on;
	engine_fade_go(&inst->mute, on ? 0.0 : 1.0, position, position, inst_fade_frames(inst));
	inst_set_plain(inst);
}

static void inst_go_dry(struct engine_inst *inst, uint64_t position, uint64_t from)
{
	uint64_t start = from;

	if (!inst->dry_silent && inst->dry_frames) {
		if (inst->dry_since == UINT64_MAX)
			inst->dry_since = from;
		if (start < inst->dry_since + inst->need.latency)
			start = inst->dry_since + inst->need.latency;
	}
	engine_fade_go(&inst->wet, 0.0, position, start, inst_fade_frames(inst));
	inst->mode = ENGINE_MODE_TO_DRY;
	inst_set_plain(inst);
}

static void inst_restart(struct engine_node *node)
{
	struct engine_inst *inst = node->inst;

	if (inst->node_type->reset)
		inst->node_type->reset(&node->view);
	inst->quiet = 0;
	inst->asleep = false;
	inst->window_loud = true;
	engine_inst_jump(node);
}

void engine_inst_set_bypass(struct engine_inst *inst, struct engine_node *node, bool on,
			    uint64_t position)
{
	if (inst->bypass == on)
		return;
	inst->bypass = on;
	if (on) {
		if (inst->quarantined) {
			inst_set_plain(inst); /* already dry, or on the way */
			return;
		}
		inst_go_dry(inst, position, position);
		return;
	}
	if (inst->mode == ENGINE_MODE_TO_DRY && !inst->quarantined) {
		inst->mode = ENGINE_MODE_TO_WET; /* it never stopped */
		engine_fade_go(&inst->wet, 1.0, position, position, inst_fade_frames(inst));
	} else {
		bool keeps =
			(inst->node_type->flags & MIXD_NODE_RUN_BYPASSED) && !inst->quarantined;

		if (!keeps)
			inst_restart(node);
		inst->quarantined = false;
		inst->mode = ENGINE_MODE_TO_WET;
		engine_fade_go(&inst->wet, 1.0, position,
			       keeps ? position : position + inst->need.latency,
			       inst_fade_frames(inst));
		engine_node_point(inst->engine, node, false);
	}
	inst_set_plain(inst);
}

/* From END on, the node's output is its bypass signal; until it is there, silence. */
static void inst_quarantine(struct engine_node *node, uint32_t bits, uint64_t end)
{
	struct engine_inst *inst = node->inst;
	bool finite = bits < 0x7f800000u;
	float level = 0.0f;

	memcpy(&level, &bits, sizeof(level));
	if (inst->fault_at == UINT64_MAX || end - inst->fault_at > (uint64_t)inst->setup.rate) {
		inst->fault_at = end;
		atomic_fetch_add_explicit(&inst->engine->quarantines, 1, memory_order_relaxed);
		engine_event_put(inst->engine, ENGINE_EVENT_QUARANTINE, inst, finite ? 1 : 0,
				 finite ? (double)level : 0.0);
	}
	if (inst->external_in || inst->external_out)
		return; /* not its own fault: this slice is silenced, the next may be sound */
	inst->quarantined = true;
	if (inst->mode != ENGINE_MODE_DRY) {
		inst->dry_since = inst->mode == ENGINE_MODE_WET ? UINT64_MAX : inst->dry_since;
		inst->wet = (struct engine_fade){.from = 1.0, .to = 1.0};
		inst_go_dry(inst, end, end);
	}
	inst_set_plain(inst);
}

/* ---- pointers --------------------------------------------------------------------------------
 */

void engine_node_point(struct engine *engine, struct engine_node *node, bool dormant)
{
	struct engine_inst *inst = node->inst;
	uint32_t lanes;

	node->dormant = dormant;
	if (!node->lane_in)
		return;
	lanes = inst->main_in > inst->main_out ? inst->main_in : inst->main_out;
	for (uint32_t c = 0; c < lanes; c++) {
		uint32_t k = c < inst->main_in ? c : inst->main_in == 1 ? 0 : UINT32_MAX;

		node->lane_in[c] = dormant || k == UINT32_MAX ? engine->zeros : node->in[k];
		node->lane_out[c] = dormant || c >= inst->main_out ? engine->scratch : node->out[c];
	}
}

/* ---- before ---------------------------------------------------------------------------------- */

/* The bypass signal of this slice into the engine's dry buffers, through the latency's ring. */
static void dry_take(struct engine *engine, struct engine_node *node, uint32_t first,
		     uint64_t position, uint32_t n)
{
	struct engine_inst *inst = node->inst;
	uint32_t mask = inst->dry_frames - 1;

	for (uint32_t c = 0; c < inst->main_out; c++) {
		uint32_t k = c % inst->main_in;
		float *dry = engine->dry[first + c];
		float *ring = inst->dry_ring + (size_t)k * inst->dry_frames;

		if (!inst->dry_frames) {
			memcpy(dry, node->in[k], n * sizeof(float));
			continue;
		}
		for (uint32_t i = 0; c < inst->main_in && i < n; i++)
			ring[(uint32_t)(position + i) & mask] = node->in[k][i];
		for (uint32_t i = 0; i < n; i++)
			dry[i] = ring[(uint32_t)(position + i - inst->need.latency) & mask];
	}
}

/* Ends of fades. */
static void inst_advance(struct engine *engine, struct engine_node *node, uint64_t position)
{
	struct engine_inst *inst = node->inst;
	bool dormant;

	if (!engine_fade_rests(&inst->mute, position))
		engine->busy++;
	if (inst->mode == ENGINE_MODE_TO_DRY || inst->mode == ENGINE_MODE_TO_WET) {
		if (!engine_fade_rests(&inst->wet, position)) {
			engine->busy++;
			return;
		}
		if (inst->mode == ENGINE_MODE_TO_DRY) {
			inst->mode = ENGINE_MODE_DRY;
		} else {
			inst->mode = ENGINE_MODE_WET;
			inst->dry_since = UINT64_MAX;
		}
	}
	dormant =
		inst->mode == ENGINE_MODE_DRY && !(inst->node_type->flags & MIXD_NODE_RUN_BYPASSED);
	if (dormant != node->dormant)
		engine_node_point(engine, node, dormant);
	inst_set_plain(inst);
}

bool engine_inst_before(struct engine *engine, struct engine_node *node, uint32_t dry_first,
			uint64_t position, uint32_t n)
{
	struct engine_inst *inst = node->inst;
	bool runs;

	if (inst->asleep && !node->in_silent) {
		inst->asleep = false;
		engine_inst_publish_state(inst);
	}
	if (!node->in_silent)
		inst->window_loud = true;
	if (inst->plain)
		return !inst->asleep;
	inst_advance(engine, node, position);
	runs = !inst->asleep;
	if (inst->mode == ENGINE_MODE_WET)
		return runs;
	if (!inst->dry_silent)
		dry_take(engine, node, dry_first, position, n);
	if (inst->quarantined)
		return false;
	return runs &&
	       (inst->mode != ENGINE_MODE_DRY || (inst->node_type->flags & MIXD_NODE_RUN_BYPASSED));
}

/* ---- after ----------------------------------------------------------------------------------- */

static void node_zero(float **out, uint32_t first, uint32_t end, uint32_t n)
{
	for (uint32_t c = first; c < end; c++)
		memset(out[c], 0, n * sizeof(float));
}

static uint32_t guard_channels(float *const *out, uint32_t n_channels, uint32_t n)
{
	uint32_t negative, bits = engine_kernel_guard(out, n_channels, n, &negative);

	for (uint32_t c = 0; negative && c < n_channels; c++)
		engine_kernel_plain_zero(out[c], n);
	return bits;
}

/* Guard the outputs (or what goes to the clock): peak of all, flags per port. */
static uint32_t node_guard(struct engine_node *node, uint32_t n)
{
	struct engine_inst *inst = node->inst;
	uint32_t worst = 0;

	if (inst->external_out)
		worst = inst->peak_bits = guard_channels(node->ext_out, inst->main_in, n);
	if (!node->n_out_ports)
		return worst;
	inst->peak_bits = guard_channels(node->out, inst->main_out, n);
	node->out_silent[0] = inst->peak_bits == 0;
	worst = inst->peak_bits > worst ? inst->peak_bits : worst;
	for (uint32_t p = 1; p < node->n_out_ports; p++) {
		uint32_t first = inst->setup.out_first[p], end = inst->setup.out_first[p + 1];
		uint32_t port = guard_channels(node->out + first, end - first, n);

		node->out_silent[p] = port == 0;
		worst = port > worst ? port : worst;
	}
	return worst;
}

/* Crossfade with the dry signal. RAN: the buffers hold what the node made. */
static void node_blend(struct engine *engine, struct engine_node *node, float **out, uint32_t n_out,
		       uint32_t dry_first, bool ran, uint64_t position, uint32_t n)
{
	struct engine_inst *inst = node->inst;
	bool whole = inst->mode == ENGINE_MODE_DRY;

	if (!whole)
		engine_fade_write(&inst->wet, position, engine->ramp, n);
	if (!ran || inst->quarantined)
		node_zero(out, 0, n_out, n);
	for (uint32_t c = 0; c < n_out; c++) {
		bool has_dry = !inst->dry_silent && c < inst->main_out;

		if (whole && has_dry)
			memcpy(out[c], engine->dry[dry_first + c], n * sizeof(float));
		else if (whole)
			memset(out[c], 0, n * sizeof(float));
		else
			engine_kernel_blend(out[c],
					    has_dry ? engine->dry[dry_first + c] : engine->zeros,
					    engine->ramp, n);
	}
}

/* Whole windows of silence at the input put a node to sleep, at an absolute multiple of a slice. */
void engine_inst_sleep(struct engine_node *node, uint64_t end)
{
	struct engine_inst *inst = node->inst;

	if (end % MIXD_SLICE_MAX != 0)
		return;
	inst->quiet = inst->window_loud ? 0 : inst->quiet + MIXD_SLICE_MAX;
	inst->window_loud = false;
	if (inst->asleep || inst->quiet <= inst->sleep_after || inst->sleep_after == UINT64_MAX ||
	    inst->moving || inst->mode != ENGINE_MODE_WET)
		return;
	if (inst->node_type->reset)
		inst->node_type->reset(&node->view);
	engine_inst_jump(node);
	inst->asleep = true;
	engine_inst_publish_state(inst);
}

static void node_silent(struct engine_node *node)
{
	for (uint32_t p = 0; p < node->n_out_ports; p++)
		node->out_silent[p] = 1;
	node->inst->peak_bits = 0;
}

/* Fades, bypass and mute, over what the node made (HEARD) or did not make. */
static void node_mix(struct engine *engine, struct engine_node *node, float **out, uint32_t n_out,
		     uint32_t dry_first, bool heard, uint64_t position, uint32_t n)
{
	struct engine_inst *inst = node->inst;

	if (inst->mode == ENGINE_MODE_WET && !heard)
		return;
	if (inst->mode != ENGINE_MODE_WET)
		node_blend(engine, node, out, n_out, dry_first, heard, position, n);
	if (inst->mute.frames || inst->mute.to != 1.0) {
		engine_fade_write(&inst->mute, position, engine->ramp, n);
		for (uint32_t c = 0; c < n_out; c++)
			engine_kernel_scale(out[c], engine->ramp, n);
	}
	node_guard(node, n);
}

void engine_inst_after(struct engine *engine, struct engine_node *node, uint32_t dry_first,
		       bool ran, uint64_t position, uint32_t n)
{
	struct engine_inst *inst = node->inst;
	float **out = inst->external_out ? node->ext_out : node->out;
	uint32_t n_out = inst->external_out ? inst->main_in : inst->n_out;
	bool heard = ran && (inst->mode == ENGINE_MODE_WET || (node->runs && !inst->quarantined));

	if (heard && !node->dormant) {
		uint32_t worst = node_guard(node, n);

		if (worst > ENGINE_GAIN_MAX_BITS) {
			inst_quarantine(node, worst, position + n);
			node_zero(out, 0, n_out, n);
			node_silent(node);
			engine_inst_sleep(node, position + n);
			return;
		}
	} else if (inst->mode == ENGINE_MODE_WET) {
		node_silent(node); /* asleep */
	}
	if (!inst->plain)
		node_mix(engine, node, out, n_out, dry_first, heard, position, n);
	engine_inst_sleep(node, position + n);
}
