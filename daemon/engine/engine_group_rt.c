/* engine_group_rt.c - VCAs: what they make of the gains of their members.
 *
 * A member's `gain` is what it is set to times the gains of its VCAs. Both are functions of the
 * position: a member evaluates the ramps of its VCAs at the ends of its own cells, from where the VCAs
 * stood when the slice began, since they run last. So ramps, envelopes and mutes of a VCA are as
 * smooth, and as independent of how time is cut, as those of the member itself. */
#include "engine_internal.h"

#include <mixd/rt.h>

/* Bypassed, a VCA moves nothing. */
static double group_vca_at(const struct engine_inst *vca, uint64_t position)
{
	double wet = engine_fade_at(&vca->wet, position);
	double gain = engine_param_at(vca, vca->gain_idx, position) *
		      engine_fade_at(&vca->mute, position);

	return 1.0 + (gain - 1.0) * wet;
}

static bool group_vca_moves(const struct engine_inst *vca)
{
	return vca->ramps[vca->gain_idx].active || vca->mute.frames || vca->wet.frames;
}

bool engine_group_moves(const struct engine_node *node)
{
	if (node->inst->regroup.frames)
		return true;
	for (uint32_t i = 0; i < node->n_group; i++)
		if (group_vca_moves(node->group[i]))
			return true;
	return false;
}

void engine_group_cell(struct engine_node *node)
{
	struct engine_inst *inst = node->inst;
	uint64_t end = inst->cell_end;
	double factor = 1.0;

	for (uint32_t i = 0; i < node->n_group; i++)
		factor *= group_vca_at(node->group[i], end);
	if (!engine_fade_rests(&inst->regroup, end))
		factor = inst->regroup_from +
			 (factor - inst->regroup_from) * engine_fade_at(&inst->regroup, end);
	inst->factor = factor;
}

static void group_wake(struct engine_inst *inst, uint64_t position)
{
	engine_inst_cut_cell(inst, position);
	inst->moving = inst->settle = true;
}

void engine_group_wake(struct engine_node *vca, uint64_t position)
{
	for (uint32_t i = 0; i < vca->n_members; i++)
		group_wake(vca->members[i], position);
}

void engine_group_regroup(struct engine *engine, struct engine_inst *inst, uint64_t position)
{
	group_wake(inst, position);
	inst->regroup_from = inst->factor;
	inst->regroup = (struct engine_fade){
		.from = 0.0, .to = 1.0, .start = position, .frames = engine->fade_frames};
}
