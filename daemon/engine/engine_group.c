/* engine_group.c - VCAs on main: who moves whom, in lists and in plans. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"

/* What the VCAs of a fresh instance make of its gain when they are at rest. */
static double group_factor(struct engine_inst *const *group, uint32_t n)
{
	double factor = 1.0;

	for (uint32_t i = 0; i < n; i++) {
		const struct engine_inst *vca = group[i];
		uint32_t idx = GRAPH_PARAM_COMMON + vca->gain_idx;

		if (vca->declared[GRAPH_PARAM_BYPASS] >= 0.5)
			continue;
		factor *= vca->declared[GRAPH_PARAM_MUTE] >= 0.5
				  ? 0.0
				  : engine_visible(vca->type->params[idx].row, vca->declared[idx]);
	}
	return factor;
}

int engine_group_want(const struct graph_expanded *expanded, struct engine_want *want)
{
	const struct graph_model *model = &expanded->model;
	uint32_t n = expanded->group_first[model->n_nodes];

	if (n == 0)
		return 0;
	want->group_first = calloc(model->n_nodes + 1u, sizeof(uint32_t));
	want->group = calloc(n, sizeof(struct engine_inst *));
	if (!want->group_first || !want->group)
		return -ENOMEM;
	want->n_grouped = model->n_nodes;
	memcpy(want->group_first, expanded->group_first, (model->n_nodes + 1u) * sizeof(uint32_t));
	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = 0;

		while (model->nodes[i] != expanded->group[k])
			i++;
		want->group[k] = want->insts[i].inst;
	}
	for (uint32_t i = 0; i < model->n_nodes; i++) {
		struct engine_inst *inst = want->insts[i].inst;
		uint32_t first = want->group_first[i], count = want->group_first[i + 1] - first;

		if (!inst->fresh || count == 0)
			continue;
		inst->factor = group_factor(&want->group[first], count);
		inst->to[inst->gain_idx] = inst->own_to * inst->factor;
		engine_inst_jump(&inst->home);
	}
	return 0;
}

int engine_group_copy(const struct engine_want *from, struct engine_want *to)
{
	uint32_t n = from->n_grouped;

	if (n == 0)
		return 0;
	to->group_first = calloc(n + 1u, sizeof(uint32_t));
	to->group = calloc(from->group_first[n] + 1u, sizeof(struct engine_inst *));
	if (!to->group_first || !to->group)
		return -ENOMEM;
	to->n_grouped = n;
	memcpy(to->group_first, from->group_first, (n + 1u) * sizeof(uint32_t));
	memcpy(to->group, from->group, from->group_first[n] * sizeof(struct engine_inst *));
	return 0;
}

static int group_members(struct engine_plan *plan, const struct engine_want *want,
			 struct engine_node *const *node_of)
{
	for (uint32_t i = 0; i < want->n_grouped; i++)
		for (uint32_t k = want->group_first[i]; k < want->group_first[i + 1]; k++)
			node_of[want->group[k]->idx]->n_members++;
	for (uint32_t i = 0; i < plan->n_nodes; i++) {
		struct engine_node *node = &plan->nodes[i];

		if (!node->n_members)
			continue;
		node->members = engine_arena_get(&plan->arena,
						 node->n_members * sizeof(struct engine_inst *));
		if (!node->members)
			return -ENOMEM;
		node->n_members = 0;
	}
	for (uint32_t i = 0; i < want->n_grouped; i++)
		for (uint32_t k = want->group_first[i]; k < want->group_first[i + 1]; k++) {
			struct engine_node *vca = node_of[want->group[k]->idx];

			vca->members[vca->n_members++] = want->insts[i].inst;
		}
	return 0;
}

int engine_group_plan(struct engine_plan *plan, const struct engine_want *want,
		      struct engine_node *const *node_of)
{
	for (uint32_t i = 0; i < want->n_grouped; i++) {
		uint32_t n = want->group_first[i + 1] - want->group_first[i];
		struct engine_node *node = node_of[want->insts[i].inst->idx];

		if (!n)
			continue;
		node->group = engine_arena_get(&plan->arena, n * sizeof(struct engine_inst *));
		if (!node->group)
			return -ENOMEM;
		memcpy(node->group, &want->group[want->group_first[i]],
		       n * sizeof(struct engine_inst *));
		node->n_group = n;
	}
	return group_members(plan, want, node_of);
}

static bool group_equal(const struct engine_node *a, const struct engine_node *b)
{
	return a->n_group == b->n_group &&
	       (a->n_group == 0 ||
		memcmp(a->group, b->group, a->n_group * sizeof(struct engine_inst *)) == 0);
}

/* Ghosts stay as they were: their factor stands still while they fade. */
int engine_group_events(const struct engine_plan *plan, struct engine_change *change)
{
	const struct engine_want *want = &change->want;

	change->regroups = calloc(plan->n_nodes + 1u, sizeof(*change->regroups));
	if (!change->regroups)
		return -ENOMEM;
	for (uint32_t i = 0; i < plan->n_nodes; i++)
		plan->nodes[i].inst->mark = 0;
	for (uint32_t i = 0; i < want->n_insts; i++)
		want->insts[i].inst->mark = !want->insts[i].ghost;
	for (uint32_t i = 0; i < plan->n_nodes; i++) {
		const struct engine_node *node = &plan->nodes[i];
		struct engine_inst *inst = node->inst;

		if (inst->mark && !inst->fresh && inst->node && inst->gain_idx != UINT32_MAX &&
		    !group_equal(node, inst->node))
			change->regroups[change->n_regroups++].inst = inst;
	}
	return 0;
}
