/* graph_plan_sort.c - depth-first topological order, levels, and cycles by name.
 *
 * Depth first from the sinks: a producer stands right before its consumer, so that what it wrote is
 * still in the first-level cache (Cormen et al., Introduction to Algorithms, 22.3 and 22.4). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph_plan_internal.h"

enum sort_colour { SORT_WHITE, SORT_GREY, SORT_BLACK };

struct sort_frame {
	uint32_t vertex;
	uint32_t next; /* next in-edge to follow */
	uint32_t link; /* by which it was reached */
};

static int sort_compare(const void *pa, const void *pb, void *data)
{
	const struct graph_plan_link *links = data;
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;
	const struct graph_plan_link *x = &links[a], *y = &links[b];

	if (x->to_port != y->to_port)
		return x->to_port < y->to_port ? -1 : 1;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->from_port != y->from_port)
		return x->from_port < y->from_port ? -1 : 1;
	return a < b ? -1 : a > b;
}

int graph_plan_work_init(struct graph_plan_work *work, const struct graph_plan_source *source)
{
	uint32_t n = source->n_nodes, *fill;

	*work = (struct graph_plan_work){.source = source, .n = n};
	work->by_to = calloc(source->n_links + 1, sizeof(uint32_t));
	work->by_to_first = calloc(n + 2, sizeof(uint32_t));
	work->read = calloc(2 * (size_t)n + 1, sizeof(bool));
	work->sorted = calloc(2 * (size_t)n + 1, sizeof(uint32_t));
	work->level = calloc(2 * (size_t)n + 1, sizeof(uint32_t));
	fill = calloc(n + 1, sizeof(uint32_t));
	if (!work->by_to || !work->by_to_first || !work->read || !work->sorted || !work->level ||
	    !fill) {
		free(fill);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < source->n_links; i++)
		work->by_to_first[source->links[i].to + 1]++;
	for (uint32_t i = 0; i < n; i++) {
		work->by_to_first[i + 1] += work->by_to_first[i];
		fill[i] = work->by_to_first[i];
	}
	for (uint32_t i = 0; i < source->n_links; i++) {
		work->by_to[fill[source->links[i].to]++] = i;
		work->read[graph_plan_producer(work, i)] = true;
	}
	for (uint32_t i = 0; i < n; i++)
		if (work->by_to_first[i + 1] - work->by_to_first[i] > 1)
			qsort_r(work->by_to + work->by_to_first[i],
				work->by_to_first[i + 1] - work->by_to_first[i], sizeof(uint32_t),
				sort_compare, (void *)(uintptr_t)source->links);
	free(fill);
	return 0;
}

void graph_plan_work_done(struct graph_plan_work *work)
{
	free(work->by_to);
	free(work->by_to_first);
	free(work->read);
	free(work->sorted);
	free(work->level);
	free(work->cycle);
}

/* The links of the cycle that LINK (into the vertex on top of STACK) closes, in flow direction. */
static int sort_cycle(struct graph_plan_work *work, const struct sort_frame *stack, uint32_t top,
		      uint32_t link, uint32_t start)
{
	uint32_t at = top;

	work->cycle = calloc(top + 2, sizeof(uint32_t));
	if (!work->cycle)
		return -ENOMEM;
	work->cycle[work->n_cycle++] = link; /* start -> stack[top] */
	while (stack[at].vertex != start) {
		if (stack[at].link != GRAPH_PLAN_NONE)
			work->cycle[work->n_cycle++] = stack[at].link;
		at--;
	}
	return -ELOOP;
}

int graph_plan_cycle_error(const struct graph_plan_work *work, struct mixd_error *err)
{
	const struct graph_plan_source *source = work->source;
	char text[240];
	size_t used = 0;

	for (uint32_t i = 0; i < work->n_cycle && used < sizeof(text) - 8; i++) {
		const struct graph_plan_link *link = &source->links[work->cycle[i]];

		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? " -> " : "",
					 source->nodes[link->from].name);
	}
	if (used < sizeof(text) - 8)
		snprintf(text + used, sizeof(text) - used, " -> %s",
			 source->nodes[source->links[work->cycle[0]].from].name);
	else
		snprintf(text + sizeof(text) - 8, 8, "...");
	error_set(err, ERROR_INVALID, source->nodes[source->links[work->cycle[0]].from].name,
		  "links form a cycle: %s", text);
	error_hint(err, "remove one of these links, or put a feedback node into the loop");
	return -ELOOP;
}

/* Visit everything ROOT depends on, then ROOT. */
static int sort_visit(struct graph_plan_work *work, struct sort_frame *stack, uint8_t *colour,
		      uint32_t root)
{
	uint32_t top = 0;

	stack[0] = (struct sort_frame){root, 0, GRAPH_PLAN_NONE};
	colour[root] = SORT_GREY;
	for (;;) {
		struct sort_frame *frame = &stack[top];
		uint32_t v = frame->vertex, to, link = GRAPH_PLAN_NONE, n_in = 0;
		bool emit = v >= work->n;
		bool own_emit = !emit && graph_plan_feedback(work, v);

		if (!emit)
			n_in = work->by_to_first[v + 1] - work->by_to_first[v];
		if (frame->next >= n_in + own_emit) {
			colour[v] = SORT_BLACK;
			work->sorted[work->n_sorted++] = v;
			if (top == 0)
				return 0;
			top--;
			if (work->level[stack[top].vertex] < work->level[v] + 1)
				work->level[stack[top].vertex] = work->level[v] + 1;
			continue;
		}
		if (own_emit && frame->next == 0) {
			to = work->n + v;
		} else {
			link = work->by_to[work->by_to_first[v] + frame->next - own_emit];
			to = graph_plan_producer(work, link);
		}
		frame->next++;
		if (colour[to] == SORT_GREY)
			return sort_cycle(work, stack, top, link, to);
		if (colour[to] == SORT_BLACK) {
			if (work->level[v] < work->level[to] + 1)
				work->level[v] = work->level[to] + 1;
			continue;
		}
		colour[to] = SORT_GREY;
		stack[++top] = (struct sort_frame){to, 0, link};
	}
}

int graph_plan_sort(struct graph_plan_work *work)
{
	uint32_t n = work->n;
	struct sort_frame *stack = calloc(2 * (size_t)n + 2, sizeof(*stack));
	uint8_t *colour = calloc(2 * (size_t)n + 1, 1);
	int res = stack && colour ? 0 : -ENOMEM;

	for (uint32_t pass = 0; pass < 2 && res == 0; pass++)
		for (uint32_t i = 0; i < n && res == 0; i++)
			if (colour[i] == SORT_WHITE && (pass || !work->read[i]))
				res = sort_visit(work, stack, colour, i);
	free(stack);
	free(colour);
	return res;
}
