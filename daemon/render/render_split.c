/* render_split.c - see render_split.h.
 *
 * ORDER       Strongly connected components (R. Tarjan, SIAM Journal on Computing 1:2, 1972) of the
 *             graph, walked from the outputs up, so that components come out strip by strip, each
 *             behind all that feeds it: every prefix of that order is a part that hears nothing of
 *             the rest. Links that touch a type which breaks cycles count in both directions, so that
 *             it and its neighbours are one component (X3).
 * CUT         the prefixes between which the largest part is the smallest, by the table of costs
 *             (render_costs.c): the linear partition problem, by dynamic programming (S. Skiena, The
 *             Algorithm Design Manual, 2nd ed. 2008, 8.5).
 * HOW MANY    as few parts as do: threads share all parts, so N of them are busy when none is larger
 *             than one Nth of the whole; each cut more is handed over. */
#include "render_split.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "render_costs.h"

/* Below this many ns per frame in all, a second engine saves less than handing over costs. */
#define SPLIT_WORTH_NS 6.0
/* The time it takes, as a share of the whole, at which a cut is worth it; and at which one more is. */
#define SPLIT_WORTH_SHARE 0.85
#define SPLIT_WORTH_MORE 0.95
#define SPLIT_CROSSING_NS 0.4 /* per channel: out of one engine; into the other */

struct render_split {
	struct graph_model *model; /* borrowed */
	uint8_t *part; /* per node */
	struct graph_parts *parts;
	uint32_t *latency[RENDER_STAGES_MAX]; /* by slot */
	uint32_t n_latency[RENDER_STAGES_MAX];
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
	for (uint32_t s = 0; s < RENDER_STAGES_MAX; s++)
		free(split->latency[s]);
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

struct places { /* where a cut may be: behind the first node[] nodes of the order */
	uint32_t n, *node;
	double *before; /* what they cost */
	double *crossing; /* what a cut there costs each side */
};

static void places_done(struct places *places)
{
	free(places->node);
	free(places->before);
	free(places->crossing);
}

/* What crosses between nodes k and k + 1 of the order, for all k: each source counts once, from where it
 * is to its last listener. */
static int places_crossings(const struct walk *walk, const struct graph_layouts *layouts,
			    double *ret_ns)
{
	const struct graph_model *model = walk->model;
	_cleanup_free_ uint32_t *place = calloc(model->n_nodes + 1u, sizeof(uint32_t));
	_cleanup_free_ uint32_t *last = calloc(model->n_nodes + 1u, sizeof(uint32_t));

	if (!place || !last)
		return -ENOMEM;
	for (uint32_t k = 0; k < walk->n_order; k++)
		place[walk->order[k]] = k;
	for (uint32_t i = 0; i < model->n_links; i++) {
		uint32_t from = node_index(model, model->links[i]->from);
		uint32_t to = place[node_index(model, model->links[i]->to)];

		last[from] = last[from] > to ? last[from] : to;
	}
	for (uint32_t i = 0; i < model->n_nodes; i++) {
		const struct mixd_layout *layout;
		double ns;

		if (last[i] <= place[i])
			continue;
		layout = graph_layouts_port(layouts, model->nodes[i], true, 0);
		ns = SPLIT_CROSSING_NS * (layout ? layout->n_channels : 2);
		ret_ns[place[i]] += ns;
		ret_ns[last[i]] -= ns;
	}
	for (uint32_t k = 1; k < walk->n_order; k++)
		ret_ns[k] += ret_ns[k - 1];
	return 0;
}

/* Place 0 is before all, the last one behind all. */
static int places_find(const struct walk *walk, const struct graph_layouts *layouts,
		       struct places *ret)
{
	const struct graph_model *model = walk->model;
	size_t room = walk->n_order + 2u;
	_cleanup_free_ double *crossing = calloc(room, sizeof(double));
	double cost = 0;

	ret->node = calloc(room, sizeof(uint32_t));
	ret->before = calloc(room, sizeof(double));
	ret->crossing = calloc(room, sizeof(double));
	if (!crossing || !ret->node || !ret->before || !ret->crossing ||
	    places_crossings(walk, layouts, crossing) < 0)
		return -ENOMEM;
	ret->n = 1;
	for (uint32_t k = 0; k < walk->n_order; k++) {
		cost += render_cost_ns(model->nodes[walk->order[k]], layouts);
		if (!walk->ends[k])
			continue;
		ret->node[ret->n] = k + 1;
		ret->before[ret->n] = cost;
		ret->crossing[ret->n++] = k + 1 < walk->n_order ? crossing[k] : 0;
	}
	return 0;
}

static double places_cost(const struct places *places, uint32_t from, uint32_t to)
{
	return places->before[to] - places->before[from] + places->crossing[from] +
	       places->crossing[to];
}

/* The cuts between N parts whose largest is the smallest, and what that one costs. */
static int places_divide(const struct places *places, uint32_t n, uint32_t *ret_cut,
			 double *ret_largest)
{
	_cleanup_free_ double *best = calloc((size_t)n * places->n, sizeof(double));
	_cleanup_free_ uint32_t *cut = calloc((size_t)n * places->n, sizeof(uint32_t));
	uint32_t at = places->n - 1;

	if (!best || !cut)
		return -ENOMEM;
	for (uint32_t to = 1; to < places->n; to++)
		best[to] = places_cost(places, 0, to);
	for (uint32_t p = 1; p < n; p++) {
		const double *before = best + (size_t)(p - 1) * places->n;
		double *now = best + (size_t)p * places->n;

		for (uint32_t to = p + 1; to < places->n; to++) {
			now[to] = HUGE_VAL;
			for (uint32_t from = p; from < to; from++) {
				double cost = places_cost(places, from, to);

				cost = cost > before[from] ? cost : before[from];
				if (cost >= now[to])
					continue;
				now[to] = cost;
				cut[(size_t)p * places->n + to] = from;
			}
		}
	}
	*ret_largest = best[(size_t)(n - 1) * places->n + at];
	for (uint32_t p = n; p-- > 1;)
		at = ret_cut[p - 1] = cut[(size_t)p * places->n + at];
	return 0;
}

/* CUT: behind how many nodes of the order each part but the last ends; how many parts, 1 when no cut is
 * worth it, or -ENOMEM. */
static int cuts_find(const struct places *places, uint32_t n_threads, uint32_t *ret_cut)
{
	double all = places->before[places->n - 1], time = all * SPLIT_WORTH_SHARE;
	uint32_t most = n_threads + 1 < RENDER_STAGES_MAX ? n_threads + 1 : RENDER_STAGES_MAX;
	int found = 1;

	if (all < SPLIT_WORTH_NS)
		return 1;
	for (uint32_t n = 2; n <= most && n < places->n; n++) {
		uint32_t cut[RENDER_STAGES_MAX];
		double largest, sum = all;

		if (places_divide(places, n, cut, &largest) < 0)
			return -ENOMEM;
		for (uint32_t p = 0; p + 1 < n; p++)
			sum += 2 * places->crossing[cut[p]];
		largest = largest > sum / n_threads ? largest : sum / n_threads;
		if (largest > time)
			continue;
		time = largest * SPLIT_WORTH_MORE;
		found = (int)n;
		for (uint32_t p = 0; p + 1 < n; p++)
			ret_cut[p] = places->node[cut[p]];
	}
	return found;
}

/* Cuts where the caller wants them, or behind: where there is a place. */
static int cuts_take(const struct places *places, const uint32_t *wanted, uint32_t *ret_cut)
{
	int n = 1;

	for (uint32_t i = 0, w = 0; i < places->n - 1 && w < RENDER_CUTS_MAX && wanted[w]; i++) {
		if (places->node[i] < wanted[w])
			continue;
		ret_cut[n++ - 1] = places->node[i];
		while (w < RENDER_CUTS_MAX && wanted[w] && wanted[w] <= places->node[i])
			w++;
	}
	return n;
}

static int split_cut(struct render_split *split, const struct render_request *request,
		     uint32_t n_threads, struct mixd_error *err)
{
	const struct graph_model *model = split->model;
	struct graph_layouts *layouts = NULL;
	struct places places = {0};
	struct walk walk = {0};
	uint32_t cut[RENDER_STAGES_MAX] = {0};
	int r = graph_layouts_resolve(model, &layouts, err), n = 1;

	if (r == 0 && walk_init(&walk, model) < 0)
		r = error_no_memory(err);
	if (r == 0) {
		walk_all(&walk);
		n = places_find(&walk, layouts, &places) < 0 ? -ENOMEM
		    : request->cut[0]			     ? cuts_take(&places, request->cut, cut)
							     : cuts_find(&places, n_threads, cut);
		if (n < 0)
			r = error_no_memory(err);
	}
	for (uint32_t k = 0, p = 0; r == 0 && k < walk.n_order; k++) {
		p += p + 1 < (uint32_t)n && k >= cut[p];
		split->part[walk.order[k]] = (uint8_t)p;
	}
	places_done(&places);
	walk_done(&walk);
	graph_layouts_free(layouts);
	return r < 0 ? r : n;
}

int render_split_find(const struct render_graph *graph, const struct render_request *request,
		      uint32_t n_threads, struct render_split **ret, struct mixd_error *err)
{
	const struct graph_model *model = graph->model;
	const struct graph_type *input = graph_types_find(model->types, "input", NULL);
	const struct graph_type *output = graph_types_find(model->types, "output", NULL);
	_cleanup_(render_split_freep) struct render_split *split = calloc(1, sizeof(*split));
	int r;

	if (!input || !output || model->n_nodes < 2)
		return 0;
	if (!split || !(split->part = calloc(model->n_nodes + 1u, 1)))
		return error_no_memory(err);
	split->model = graph->model;
	r = split_cut(split, request, n_threads, err);
	if (r < 2)
		return r < 0 ? r : 0;
	r = graph_parts_new(model, split->part, (uint32_t)r, input, output, &split->parts, err);
	if (r == 0)
		*ret = TAKE_PTR(split);
	return r;
}

/* ---- parts ------------------------------------------------------------------------------------- */

uint32_t render_split_stages(const struct render_split *split)
{
	return split->parts->n_parts;
}

uint32_t render_split_stage(const struct render_split *split, const struct graph_node *node)
{
	return split->part[node_index(split->model, node)];
}

int render_split_model(struct render_split *split, uint32_t stage,
		       const struct render_stage *before, struct graph_model **ret,
		       struct mixd_error *err)
{
	const struct graph_parts *parts = split->parts;
	uint32_t n = 0;

	*ret = &split->parts->part[stage];
	for (uint32_t i = 0; i < parts->n_crossings; i++)
		if (parts->crossing[i].to == stage && parts->crossing[i].in->slot + 1 > n)
			n = parts->crossing[i].in->slot + 1;
	split->n_latency[stage] = n;
	split->latency[stage] = calloc(n + 1u, sizeof(uint32_t));
	if (!split->latency[stage])
		return error_no_memory(err);
	for (uint32_t i = 0; i < parts->n_crossings; i++) {
		const struct graph_crossing *crossing = &parts->crossing[i];

		if (crossing->to == stage)
			split->latency[stage][crossing->in->slot] = engine_path_latency(
				before[crossing->from].engine, crossing->out->uid);
	}
	return 0;
}

const uint32_t *render_split_latency(const struct render_split *split, uint32_t stage,
				     uint32_t *ret_n)
{
	*ret_n = split->n_latency[stage];
	return split->latency[stage];
}

uint32_t render_split_crossings(const struct render_split *split)
{
	return split->parts->n_crossings;
}

const struct graph_crossing *render_split_crossing(const struct render_split *split, uint32_t idx)
{
	return &split->parts->crossing[idx];
}
