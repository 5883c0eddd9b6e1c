/* render_split.c - see render_split.h.
 *
 * ORDER       Strongly connected components (R. Tarjan, SIAM Journal on Computing 1:2, 1972) of the
 *             graph, walked from the outputs up, so that components come out strip by strip, each
 *             behind all that feeds it: every prefix of that order is a part that hears nothing of
 *             the rest. Links that touch a type which breaks cycles count in both directions, so that
 *             it and its neighbours are one component (X3).
 * CUT         the prefix with the smallest larger half, by the table of costs (render_costs.c). */
#include "render_split.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_part.h"
#include "render_costs.h"

/* Below this many ns per frame in all, a second engine saves less than handing over costs. */
#define SPLIT_WORTH_NS 6.0
/* The larger half, as a share of the whole, at which a cut is worth it. */
#define SPLIT_WORTH_SHARE 0.85
#define SPLIT_CROSSING_NS 0.8 /* per channel: out of one engine, into the other */

struct render_split {
	struct graph_model *model; /* borrowed */
	uint8_t *part; /* per node */
	struct graph_parts *parts;
	uint32_t *latency; /* by slot, of part 1 */
	uint32_t n_latency;
};

struct walk {
	const struct graph_model *model;
	uint32_t *first, *next; /* neighbours to walk to: CSR by node */
	uint32_t *low, *number, *stack, *order;
	bool *on_stack;
	uint32_t n_number, n_stack, n_order;
	bool *ends; /* by place in `order`: the last node of its component */
};

DEFINE_CLEANUP(render_split_free, struct render_split *)

struct render_split *render_split_free(struct render_split *split)
{
	if (!split)
		return NULL;
	graph_parts_free(split->parts);
	free(split->part);
	free(split->latency);
	free(split);
	return NULL;
}

/* ---- order ------------------------------------------------------------------------------------- */

static uint32_t node_index(const struct graph_model *model, const struct graph_node *node)
{
	uint32_t low = 0, high = model->n_nodes;

	while (high - low > 1) { /* sorted by name (G1) */
		uint32_t middle = (low + high) / 2;

		if (strcmp(model->nodes[middle]->name, node->name) <= 0)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static bool link_is_loop(const struct graph_link *link)
{
	return (link->from->type->node_type->flags | link->to->type->node_type->flags) &
	       MIXD_NODE_FEEDBACK;
}

static void walk_done(struct walk *walk)
{
	free(walk->first);
	free(walk->next);
	free(walk->low);
	free(walk->number);
	free(walk->stack);
	free(walk->order);
	free(walk->on_stack);
	free(walk->ends);
}

/* Neighbours: what feeds a node; around loops, what it feeds, too. */
static int walk_init(struct walk *walk, const struct graph_model *model)
{
	size_t n = model->n_nodes + 1u;
	_cleanup_free_ uint32_t *at = calloc(n + 1, sizeof(uint32_t));

	*walk = (struct walk){.model = model,
			      .first = calloc(n + 1, sizeof(uint32_t)),
			      .next = calloc(2u * (size_t)model->n_links + 1u, sizeof(uint32_t)),
			      .low = calloc(n, sizeof(uint32_t)),
			      .number = calloc(n, sizeof(uint32_t)),
			      .stack = calloc(n, sizeof(uint32_t)),
			      .order = calloc(n, sizeof(uint32_t)),
			      .on_stack = calloc(n, sizeof(bool)),
			      .ends = calloc(n, sizeof(bool))};
	if (!at || !walk->first || !walk->next || !walk->low || !walk->number || !walk->stack ||
	    !walk->order || !walk->on_stack || !walk->ends)
		return -ENOMEM;
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < model->n_links; i++) {
			uint32_t from = node_index(model, model->links[i]->from);
			uint32_t to = node_index(model, model->links[i]->to);

			if (pass == 0) {
				walk->first[to + 1]++;
				walk->first[from + 1] += link_is_loop(model->links[i]);
				continue;
			}
			walk->next[at[to]++] = from;
			if (link_is_loop(model->links[i]))
				walk->next[at[from]++] = to;
		}
		for (uint32_t i = 0; pass == 0 && i < model->n_nodes; i++)
			walk->first[i + 1] += walk->first[i];
		memcpy(at, walk->first, n * sizeof(uint32_t));
	}
	return 0;
}

/* Depth is at most the number of nodes (4096). */
static void walk_visit(struct walk *walk, uint32_t node)
{
	uint32_t top;

	walk->number[node] = walk->low[node] = ++walk->n_number;
	walk->stack[walk->n_stack++] = node;
	walk->on_stack[node] = true;
	for (uint32_t k = walk->first[node]; k < walk->first[node + 1]; k++) {
		uint32_t other = walk->next[k];

		if (!walk->number[other]) {
			walk_visit(walk, other);
			if (walk->low[other] < walk->low[node])
				walk->low[node] = walk->low[other];
		} else if (walk->on_stack[other] && walk->number[other] < walk->low[node]) {
			walk->low[node] = walk->number[other];
		}
	}
	if (walk->low[node] != walk->number[node])
		return;
	do {
		top = walk->stack[--walk->n_stack];
		walk->on_stack[top] = false;
		walk->order[walk->n_order++] = top;
	} while (top != node);
	walk->ends[walk->n_order - 1] = true;
}

static void walk_all(struct walk *walk)
{
	const struct graph_model *model = walk->model;

	for (int pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < model->n_nodes; i++)
			if (!walk->number[i] && (pass || (model->nodes[i]->type->node_type->flags &
							  MIXD_NODE_EXTERNAL_OUT)))
				walk_visit(walk, i);
}

/* ---- where to cut ------------------------------------------------------------------------------ */

/* Channels that cross when the first nodes of the order are part 0. Each source counts once. */
static double cut_crossing_ns(const struct walk *walk, const struct graph_layouts *layouts,
			      const uint8_t *part, uint8_t *seen)
{
	const struct graph_model *model = walk->model;
	double ns = 0;

	memset(seen, 0, model->n_nodes);
	for (uint32_t i = 0; i < model->n_links; i++) {
		const struct graph_link *link = model->links[i];
		uint32_t from = node_index(model, link->from);
		const struct mixd_layout *layout;

		if (part[from] == part[node_index(model, link->to)] || seen[from])
			continue;
		seen[from] = 1;
		layout = graph_layouts_port(layouts, link->from, true, link->from_port);
		ns += SPLIT_CROSSING_NS * (layout ? layout->n_channels : 2);
	}
	return ns;
}

/* How many nodes of the order are part 0; 0: no cut is worth it. AT: where the caller wants it. */
static uint32_t cut_find(const struct walk *walk, const struct graph_layouts *layouts, uint32_t at,
			 uint8_t *part)
{
	const struct graph_model *model = walk->model;
	_cleanup_free_ uint8_t *seen = calloc(model->n_nodes + 1u, 1);
	double all = 0, before = 0, best = 0;
	uint32_t found = 0;

	for (uint32_t i = 0; i < model->n_nodes; i++)
		all += render_cost_ns(model->nodes[i], layouts);
	if (!seen || (!at && all < SPLIT_WORTH_NS))
		return 0;
	memset(part, 1, model->n_nodes);
	for (uint32_t k = 0; k + 1 < walk->n_order; k++) {
		double larger;

		part[walk->order[k]] = 0;
		before += render_cost_ns(model->nodes[walk->order[k]], layouts);
		if (!walk->ends[k])
			continue;
		if (at && k + 1 >= at)
			return k + 1;
		larger = before > all - before ? before : all - before;
		if (at || larger > all * SPLIT_WORTH_SHARE || (found && larger >= best))
			continue;
		larger += cut_crossing_ns(walk, layouts, part, seen);
		if (larger > all * SPLIT_WORTH_SHARE || (found && larger >= best))
			continue;
		best = larger;
		found = k + 1;
	}
	return found;
}

int render_split_find(const struct render_graph *graph, uint32_t at, struct render_split **ret,
		      struct mixd_error *err)
{
	const struct graph_model *model = graph->model;
	const struct graph_type *input = graph_types_find(model->types, "input", NULL);
	const struct graph_type *output = graph_types_find(model->types, "output", NULL);
	_cleanup_(render_split_freep) struct render_split *split = calloc(1, sizeof(*split));
	struct graph_layouts *layouts = NULL;
	struct walk walk = {0};
	uint32_t n = 0;
	int r = split ? 0 : error_no_memory(err);

	if (!input || !output || model->n_nodes < 2)
		return 0;
	if (r == 0)
		r = graph_layouts_resolve(model, &layouts, err);
	if (r == 0 && walk_init(&walk, model) < 0)
		r = error_no_memory(err);
	if (r == 0 && !(split->part = calloc(model->n_nodes + 1u, 1)))
		r = error_no_memory(err);
	if (r == 0) {
		walk_all(&walk);
		n = cut_find(&walk, layouts, at, split->part);
		memset(split->part, 1, model->n_nodes);
		for (uint32_t k = 0; k < n; k++)
			split->part[walk.order[k]] = 0;
	}
	walk_done(&walk);
	graph_layouts_free(layouts);
	if (r < 0 || n == 0)
		return r;
	split->model = graph->model;
	r = graph_parts_new(model, split->part, input, output, &split->parts, err);
	if (r == 0)
		*ret = TAKE_PTR(split);
	return r;
}

/* ---- parts ------------------------------------------------------------------------------------- */

uint32_t render_split_stage(const struct render_split *split, const struct graph_node *node)
{
	return split->part[node_index(split->model, node)];
}

int render_split_model(struct render_split *split, uint32_t stage, struct engine *before,
		       struct graph_model **ret, struct mixd_error *err)
{
	*ret = &split->parts->part[stage];
	if (stage == 0)
		return 0;
	for (uint32_t i = 0; i < split->parts->n_crossings; i++)
		if (split->parts->crossing[i].in->slot + 1 > split->n_latency)
			split->n_latency = split->parts->crossing[i].in->slot + 1;
	split->latency = calloc(split->n_latency + 1u, sizeof(uint32_t));
	if (!split->latency)
		return error_no_memory(err);
	for (uint32_t i = 0; i < split->parts->n_crossings; i++) {
		const struct graph_crossing *crossing = &split->parts->crossing[i];

		split->latency[crossing->in->slot] =
			engine_path_latency(before, crossing->out->uid);
	}
	return 0;
}

const uint32_t *render_split_latency(const struct render_split *split, uint32_t stage,
				     uint32_t *ret_n)
{
	*ret_n = stage ? split->n_latency : 0;
	return stage ? split->latency : NULL;
}

uint32_t render_split_crossings(const struct render_split *split)
{
	return split->parts->n_crossings;
}

void render_split_crossing(const struct render_split *split, uint32_t idx,
			   struct graph_node **ret_from, struct graph_node **ret_to)
{
	*ret_from = split->parts->crossing[idx].out;
	*ret_to = split->parts->crossing[idx].in;
}
