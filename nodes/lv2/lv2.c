/* lv2.c - any LV2 plug-in as a node: its params, its meters, and the direct way to run it.
 *
 * WHAT        isolate=process: the plug-in lives in the helper mixd-lv2 and gets whole blocks, one
 *             block late (lv2_blocks.c). isolate=none: it is run here and now, at no latency but its
 *             own; only one that wants blocks of a fixed length gets those, too.
 * SOURCE      LV2 1.18.4: lv2core, buf-size.
 * NOT HERE    tables: lv2_table_setup.c; life: lv2_setup.c; the helper: lv2_helper_setup.c. */
#include <math.h>
#include <string.h>
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include "lv2.h"

#include <mixd/rt.h>

#define LV2_TELL_MS 1000u /* between two words about a state */

/* ---- values ---- */

void lv2_params(const struct mixd_inst *inst, float *ret)
{
	const struct lv2_type *type = ((const struct lv2_node *)inst->state)->type;

	for (uint32_t i = 0; i < type->type.n_params; i++) {
		const struct lv2_param *param = &type->params[i];
		double value = inst->value[i]; /* at the end of the cell: what a port can hold */

		if (param->points && value >= 0 && value < param->n_points) {
			ret[i] = param->points[(uint32_t)value];
			continue;
		}
		value *= param->factor;
		ret[i] = (float)(param->of_rate ? value * inst->setup->rate : value);
	}
}

void lv2_meters(struct mixd_inst *inst, const float *meter)
{
	const struct lv2_node *node = inst->state;
	uint32_t n = node->frame.n_meters * node->frame.copies;

	inst->meter[LV2_METER_HEALTH] = node->health;
	inst->meter[LV2_METER_RELAUNCHES] = node->relaunches;
	for (uint32_t i = 0; meter && i < n; i++)
		inst->meter[LV2_METER_COUNT_ + i] = (double)meter[i];
}

/* What main should know: health, a latency that is not enough, a state to be kept. */
void lv2_tell(struct mixd_inst *inst)
{
	struct lv2_node *node = inst->state;
	uint32_t captured = atomic_load_explicit(
		node->local ? &node->captured : &node->share->captured, memory_order_acquire);
	uint32_t taken = atomic_load_explicit(node->local ? &node->taken : &node->share->taken,
					      memory_order_relaxed);

	if (node->health != node->told_health) {
		node->told_health = node->health;
		inst->host->event(inst, MIXD_EVENT_ALARM + LV2_METER_HEALTH, node->health);
	}
	if (node->reserve > node->told_reserve) {
		node->told_reserve = node->reserve;
		inst->host->event(inst, MIXD_EVENT_CAPTURED + LV2_CONFIG_RESERVE, node->reserve);
	}
	if (captured != taken && (double)(node->position - node->told_capture_at) * 1000 >=
					 LV2_TELL_MS * inst->setup->rate) {
		node->told_capture_at = node->position;
		inst->host->event(inst, MIXD_EVENT_CAPTURED + LV2_CONFIG_STATE, 0);
	}
}

/* ---- direct ---- */

void lv2_run_local(struct lv2_node *node, uint32_t i, const float *const *in,
		   const float *const *key, float *const *out, uint32_t n)
{
#if defined(__SSE2__)
	unsigned mode = _mm_getcsr();
#endif

	lv2_plug_run(node->plugs[i], node->param, in, key, out, n);
#if defined(__SSE2__)
	_mm_setcsr(mode);
#endif
	lv2_plug_meters(node->plugs[i], node->meter + i, node->frame.copies);
	if (lv2_plug_changed(node->plugs[i]))
		atomic_fetch_add_explicit(&node->captured, 1, memory_order_release);
}

/* A latency that was reserved and that the plug-in does not use. */
static void lv2_pad(struct lv2_node *node, float *const *out, uint64_t position, uint32_t n)
{
	uint32_t lag = node->latency - node->own_latency, size = node->dry_mask + 1;

	for (uint32_t c = 0; c < node->frame.out_channels; c++) {
		float *ring = node->pad + (size_t)c * size;

		for (uint32_t i = 0; i < n; i++)
			ring[(position + i) & node->dry_mask] = out[c][i];
		for (uint32_t i = 0; i < n; i++)
			out[c][i] = position + i < node->since + lag
					    ? 0.0f
					    : ring[(position + i - lag) & node->dry_mask];
	}
}

static void lv2_direct_latency(struct lv2_node *node)
{
	uint32_t own = lv2_plug_latency(node->plugs[0]);

	if (own > node->latency) {
		node->reserve = own;
		own = node->latency;
	}
	node->own_latency = own;
}

static void lv2_direct(struct mixd_inst *inst, const struct mixd_call *call)
{
	struct lv2_node *node = inst->state;
	const struct lv2_frame *frame = &node->frame;
	const float *key[LV2_AUDIO_MAX];

	if (node->fresh)
		node->since = call->position;
	node->fresh = false;
	for (uint32_t i = 0; i < frame->copies; i++) {
		for (uint32_t k = 0; k < frame->n_key; k++)
			key[k] = inst->in[frame->in_channels +
					  (i * frame->n_key + k) % frame->key_channels];
		lv2_run_local(node, i, inst->in + (size_t)i * frame->n_in, key,
			      inst->out + (size_t)i * frame->n_out, call->n_frames);
	}
	lv2_direct_latency(node);
	if (node->pad)
		lv2_pad(node, inst->out, call->position, call->n_frames);
	node->position = call->position + call->n_frames;
	lv2_meters(inst, node->meter);
}

/* ---- nothing to run ---- */

/* No plug-in: the dry signal, as late as it would be with one. */
static void lv2_absent(struct mixd_inst *inst, const struct mixd_call *call)
{
	struct lv2_node *node = inst->state;

	if (node->fresh || call->position != node->position)
		node->since = call->position;
	node->fresh = false;
	lv2_dry_take(inst, call->position, 0, call->n_frames);
	for (uint32_t c = 0; c < node->frame.out_channels; c++)
		lv2_dry_play(inst, c, call->position, inst->out[c], call->n_frames);
	node->position = call->position + call->n_frames;
	lv2_meters(inst, NULL);
	if (!node->type->missing) /* that one is known to the daemon by its flag */
		lv2_tell(inst);
}

/* ---- the type's ---- */

/* Hundreds of params, of which hardly one ever moves: their ports' values are made when one does. */
bool lv2_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct lv2_node *node = inst->state;

	if (!node->absent)
		lv2_params(inst, node->param);
	return false;
}

void lv2_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct lv2_node *node = inst->state;

	node->current = inst;
	if (node->absent) {
		lv2_absent(inst, call);
		return;
	}
	if (atomic_load_explicit(&node->restarting, memory_order_acquire)) {
		for (uint32_t c = 0; c < node->frame.out_channels; c++)
			memset(inst->out[c], 0, call->n_frames * sizeof(float));
		node->fresh = true; /* a few milliseconds, at the foot of a fade */
		return;
	}
	if (node->direct)
		lv2_direct(inst, call);
	else
		lv2_blocks_process(inst, call);
	lv2_tell(inst);
}

void lv2_reset(struct mixd_inst *inst)
{
	struct lv2_node *node = inst->state;

	node->fresh = true;
	node->restart = true;
	if (node->absent)
		return;
	/* Here, activation may take long, and allocate: the worker does it. */
	if (node->local && !atomic_exchange(&node->restarting, true) &&
	    !inst->host->submit(inst, LV2_JOB_RESTART))
		atomic_store(&node->restarting, false);
}
