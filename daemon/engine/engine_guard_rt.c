/* engine_guard_rt.c - the guard over several nodes at once.
 *
 * What a node gives must be looked at before it is read. Steps in a row of which none reads another
 * (engine_build_plan.c) are looked at together, in one pass over all their channels, which are still
 * in the first-level cache: one reduction and one call for up to 32 channels. That only decides
 * whether all is well. When it is not, and whenever more is known of a node than that it runs (it
 * fades, is muted, or somebody reads its meters), it is done as if alone: engine_inst_after(). */
#include "engine_internal.h"

#include <mixd/rt.h>

bool engine_node_rests(const struct engine_node *node)
{
	const struct engine_inst *inst = node->inst;

	if (!inst->plain)
		return false;
	if (inst->external_in)
		return node->out_silent[0];
	return inst->external_out ? node->in_silent : inst->asleep;
}

/* Most of what sounds does so in its first frame. */
static bool channels_silent(float *const *out, uint32_t n_channels, uint32_t n)
{
	uint32_t negative;

	for (uint32_t c = 0; c < n_channels; c++)
		if (out[c][0] != 0.0f)
			return false;
	return engine_kernel_guard(out, n_channels, n, &negative) == 0;
}

/* All is well with the node: what engine_inst_after() does then. */
static void guard_pass(struct engine_node *node, uint64_t end, uint32_t n)
{
	struct engine_inst *inst = node->inst;

	node->out_silent[0] = channels_silent(node->out, inst->main_out, n);
	for (uint32_t p = 1; p < node->n_out_ports; p++) {
		const uint32_t *first = inst->setup.out_first + p;

		node->out_silent[p] = channels_silent(node->out + first[0], first[1] - first[0], n);
	}
	if (end % MIXD_SLICE_MAX == 0 && inst->window_loud) {
		inst->quiet = 0;
		inst->window_loud = false;
	} else {
		engine_inst_sleep(node, end);
	}
}

static bool guard_is_well(const struct engine_guard *guard, uint32_t n)
{
	uint32_t negative_zero;

	if (engine_kernel_is_calm(guard->out, guard->n_channels, n))
		return true;
	return engine_kernel_guard(guard->out, guard->n_channels, n, &negative_zero) <=
		       ENGINE_GAIN_MAX_BITS &&
	       !negative_zero;
}

void engine_guard_look(struct engine *engine, uint64_t position, uint32_t n)
{
	struct engine_guard *guard = &engine->guard;
	bool well;

	if (guard->n_nodes == 0)
		return;
	well = guard_is_well(guard, n);
	for (uint32_t i = 0; i < guard->n_nodes; i++) {
		struct engine_node *node = guard->node[i];

		if (well)
			guard_pass(node, position + n, n);
		else
			engine_inst_after(engine, node, 0, true, position, n);
		engine->awake += !engine_node_rests(node);
	}
	guard->n_nodes = guard->n_channels = 0;
}
