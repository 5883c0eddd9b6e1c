/* graph_plan_group.c - put instances of one laned type side by side, and order the steps.
 *
 * Only nodes of one level (longest path from the sources) share a bank: no path can join them, and
 * the graph of groups stays free of cycles, since every edge leads to a higher level. Groups are
 * made in depth-first order and ordered depth-first again, so 2000 equal strips become
 * eq(1..4) comp(1..4) pan(1..4) eq(5..8) ... */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "graph_plan_internal.h"

struct group_item {
	uint32_t vertex;
	uint32_t rank; /* place in the depth-first order */
	uint32_t level, channels;
	uint64_t linked; /* bit p: input port p has a link */
	uint64_t hint_rank; /* rank of the first with this hint */
	const struct graph_plan_node *node;
};

struct group_set {
	uint32_t *of; /* per vertex: its group */
	uint32_t *first, *member; /* CSR: vertices of each group */
	uint32_t n;
};

static int group_class(const struct group_item *a, const struct group_item *b)
{
#define GROUP_BY(x, y)                                                                             \
	if ((x) != (y))                                                                            \
	return (x) < (y) ? -1 : 1
	GROUP_BY((uintptr_t)a->node->type, (uintptr_t)b->node->type);
	GROUP_BY(a->level, b->level);
	GROUP_BY(a->node->shape, b->node->shape);
	GROUP_BY(a->channels, b->channels);
	GROUP_BY(a->linked, b->linked);
	GROUP_BY(a->node->lane_state, b->node->lane_state);
	GROUP_BY(a->node->lane_coef, b->node->lane_coef);
	return 0;
}

static int group_compare(const void *pa, const void *pb)
{
	const struct group_item *a = pa, *b = pb;
	int res = group_class(a, b);

	if (res)
		return res;
	GROUP_BY(a->hint_rank, b->hint_rank);
	GROUP_BY(a->rank, b->rank);
	return 0;
}

static int group_compare_hint(const void *pa, const void *pb)
{
	const struct group_item *a = pa, *b = pb;

	GROUP_BY(a->node->bank_hint, b->node->bank_hint);
	GROUP_BY(a->rank, b->rank);
	return 0;
#undef GROUP_BY
}

static uint32_t group_channels(const struct graph_plan_node *node)
{
	uint32_t in = graph_plan_main_in(node), out = graph_plan_main_out(node);

	return in > out ? in : out;
}

static uint64_t group_linked(const struct graph_plan_work *work, uint32_t node)
{
	uint64_t mask = 0;

	for (uint32_t j = work->by_to_first[node]; j < work->by_to_first[node + 1]; j++) {
		uint32_t port = work->source->links[work->by_to[j]].to_port;

		if (port < 64)
			mask |= UINT64_C(1) << port;
	}
	return mask;
}

/* Those that sit in one bank already keep together and come where the first of them comes. */
static void group_hints(struct group_item *items, uint32_t n)
{
	qsort(items, n, sizeof(*items), group_compare_hint);
	for (uint32_t i = 0; i < n; i++) {
		bool same = i && items[i].node->bank_hint &&
			    items[i].node->bank_hint == items[i - 1].node->bank_hint;

		items[i].hint_rank = same ? items[i - 1].hint_rank : items[i].rank;
	}
}

/* Cut the sorted items into groups of at most 8 lanes. A run with one hint is not torn when it
 * does not fit behind what is open, unless the open group would stay less than half full. */
static void group_cut(const struct group_item *items, uint32_t n, bool alone, struct group_set *set)
{
	uint32_t room = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t channels = items[i].channels ? items[i].channels : 1;
		uint32_t capacity = channels > MIXD_LANES_MAX ? 1 : MIXD_LANES_MAX / channels;
		bool open = i && !alone && room > 0 && group_class(&items[i - 1], &items[i]) == 0;

		if (open && items[i].node->bank_hint &&
		    items[i].node->bank_hint != items[i - 1].node->bank_hint) {
			uint32_t run = 1;

			while (i + run < n &&
			       items[i + run].node->bank_hint == items[i].node->bank_hint)
				run++;
			open = run <= room || room > capacity / 2;
		}
		if (!open) {
			set->n++;
			room = capacity;
		}
		set->of[items[i].vertex] = set->n - 1;
		room--;
	}
}

static int group_members(struct graph_plan_work *work, struct group_set *set)
{
	uint32_t *fill = calloc(set->n + 1, sizeof(uint32_t));

	set->first = calloc(set->n + 2, sizeof(uint32_t));
	set->member = calloc(work->n_sorted + 1, sizeof(uint32_t));
	if (!set->first || !set->member || !fill) {
		free(fill);
		return -ENOMEM;
	}
	for (uint32_t k = 0; k < work->n_sorted; k++)
		set->first[set->of[work->sorted[k]] + 1]++;
	for (uint32_t g = 0; g < set->n; g++) {
		set->first[g + 1] += set->first[g];
		fill[g] = set->first[g];
	}
	for (uint32_t k = 0; k < work->n_sorted; k++)
		set->member[fill[set->of[work->sorted[k]]]++] = work->sorted[k];
	free(fill);
	return 0;
}

static int group_make(struct graph_plan_work *work, struct group_set *set)
{
	struct group_item *items = calloc(work->n_sorted + 1, sizeof(*items));
	uint32_t n = 0;

	set->of = calloc(2 * (size_t)work->n + 1, sizeof(uint32_t));
	if (!items || !set->of) {
		free(items);
		return -ENOMEM;
	}
	for (uint32_t k = 0; k < work->n_sorted; k++) {
		uint32_t v = work->sorted[k];
		const struct graph_plan_node *node = &work->source->nodes[v % work->n];

		if (v >= work->n || (!node->lane_state && !node->lane_coef)) {
			set->of[v] = set->n++;
			continue;
		}
		items[n++] = (struct group_item){.vertex = v,
						 .rank = k,
						 .level = work->level[v],
						 .channels = group_channels(node),
						 .linked = group_linked(work, v),
						 .node = node};
	}
	group_hints(items, n);
	qsort(items, n, sizeof(*items), group_compare);
	group_cut(items, n, work->source->alone, set);
	free(items);
	return group_members(work, set);
}

/* ---- the order of the groups -------------------------------------------------------------- */

struct group_frame {
	uint32_t group, member, next;
};

static void group_step(struct graph_plan_work *work, struct graph_plan *plan,
		       const struct group_set *set, uint32_t group)
{
	struct graph_plan_step *step = &plan->steps[plan->n_steps++];
	uint32_t first = set->first[group], n = set->first[group + 1] - first, lanes;
	const struct graph_plan_node *node = &work->source->nodes[set->member[first] % work->n];

	step->kind = set->member[first] >= work->n ? GRAPH_PLAN_EMIT : GRAPH_PLAN_PROCESS;
	step->first = plan->n_order;
	step->n = n;
	for (uint32_t i = 0; i < n; i++)
		plan->order[plan->n_order++] = set->member[first + i] % work->n;
	if (step->kind == GRAPH_PLAN_EMIT || (!node->lane_state && !node->lane_coef))
		return;
	step->channels = group_channels(node) ? group_channels(node) : 1;
	lanes = n * step->channels;
	step->width = lanes <= 2 ? 2 : lanes <= 4 ? 4 : MIXD_LANES_MAX;
	step->n_blocks = (lanes + step->width - 1) / step->width;
	plan->n_banks++;
}

/* The group that the frame's next in-edge leads to; false when all were followed. */
static bool group_next(const struct graph_plan_work *work, const struct group_set *set,
		       struct group_frame *frame, uint32_t *ret_group)
{
	while (frame->member < set->first[frame->group + 1]) {
		uint32_t v = set->member[frame->member], n_in = 0;
		bool own_emit = v < work->n && graph_plan_feedback(work, v);

		if (v < work->n)
			n_in = work->by_to_first[v + 1] - work->by_to_first[v];
		if (frame->next >= n_in + own_emit) {
			frame->member++;
			frame->next = 0;
			continue;
		}
		if (own_emit && frame->next == 0)
			*ret_group = set->of[work->n + v];
		else
			*ret_group = set->of[graph_plan_producer(
				work, work->by_to[work->by_to_first[v] + frame->next - own_emit])];
		frame->next++;
		return true;
	}
	return false;
}

static void group_visit(struct graph_plan_work *work, struct graph_plan *plan,
			const struct group_set *set, struct group_frame *stack, bool *seen,
			uint32_t root)
{
	uint32_t top = 0, group;

	if (seen[root])
		return;
	seen[root] = true;
	stack[0] = (struct group_frame){root, set->first[root], 0};
	for (;;) {
		if (!group_next(work, set, &stack[top], &group)) {
			group_step(work, plan, set, stack[top].group);
			if (top-- == 0)
				return;
		} else if (!seen[group]) {
			seen[group] = true;
			stack[++top] = (struct group_frame){group, set->first[group], 0};
		}
	}
}

int graph_plan_group(struct graph_plan_work *work, struct graph_plan *plan)
{
	struct group_set set = {0};
	struct group_frame *stack = NULL;
	bool *seen = NULL;
	int res = group_make(work, &set);

	plan->steps = calloc(set.n + 1, sizeof(*plan->steps));
	plan->order = calloc(work->n_sorted + 1, sizeof(uint32_t));
	stack = calloc(set.n + 1, sizeof(*stack));
	seen = calloc(set.n + 1, sizeof(bool));
	if (!plan->steps || !plan->order || !stack || !seen)
		res = -ENOMEM;
	for (uint32_t pass = 0; pass < 2 && res == 0; pass++)
		for (uint32_t i = 0; i < work->n; i++)
			if (pass || !work->read[i])
				group_visit(work, plan, &set, stack, seen, set.of[i]);
	free(set.of);
	free(set.first);
	free(set.member);
	free(stack);
	free(seen);
	return res;
}
