/* graph_plan.c - the compiler's entry points: order, groups, buffers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "graph_plan_internal.h"

struct graph_plan *graph_plan_free(struct graph_plan *plan)
{
	if (!plan)
		return NULL;
	free(plan->steps);
	free(plan->order);
	free(plan->in_port);
	free(plan->link_first);
	free(plan->link_order);
	free(plan->in_channel);
	free(plan->out_channel);
	free(plan->in_buffer);
	free(plan->out_buffer);
	free(plan);
	return NULL;
}

static int plan_no_memory(struct mixd_error *err)
{
	error_set(err, ERROR_RESOURCE, NULL, "out of memory while compiling the graph");
	return -ENOMEM;
}

/* Latency at the inputs of each vertex, then what each link lacks (dsp.md 2.9: longest path). */
int graph_plan_align(const struct graph_plan_source *source, uint32_t *ret_delays,
		     uint32_t *ret_latency, struct mixd_error *err)
{
	struct graph_plan_work work;
	uint32_t latency = 0, *arrival = NULL;
	int res = graph_plan_work_init(&work, source);

	if (res == 0)
		res = graph_plan_sort(&work);
	if (res == -ELOOP)
		graph_plan_cycle_error(&work, err);
	if (res == 0 && !(arrival = calloc(source->n_nodes + 1, sizeof(*arrival))))
		res = -ENOMEM;
	if (res == -ENOMEM)
		plan_no_memory(err);
	if (res < 0)
		goto out;

	for (uint32_t k = 0; k < work.n_sorted; k++) {
		uint32_t node = work.sorted[k];

		if (node >= work.n || graph_plan_feedback(&work, node))
			continue; /* EMIT, or a feedback type taking its input: no latency counts */
		for (uint32_t j = work.by_to_first[node]; j < work.by_to_first[node + 1]; j++) {
			uint32_t from = source->links[work.by_to[j]].from;
			uint32_t at = arrival[from] + source->nodes[from].latency;

			if (!graph_plan_feedback(&work, from) && at > arrival[node])
				arrival[node] = at;
		}
		if ((source->nodes[node].type->flags & MIXD_NODE_EXTERNAL_OUT) &&
		    arrival[node] + source->nodes[node].latency > latency)
			latency = arrival[node] + source->nodes[node].latency;
	}
	for (uint32_t i = 0; i < source->n_links; i++) {
		const struct graph_plan_link *link = &source->links[i];

		ret_delays[i] = 0;
		if (!graph_plan_feedback(&work, link->from) &&
		    !graph_plan_feedback(&work, link->to))
			ret_delays[i] = arrival[link->to] - arrival[link->from] -
					source->nodes[link->from].latency;
	}
	*ret_latency = latency;
out:
	free(arrival);
	graph_plan_work_done(&work);
	return res;
}

int graph_plan_compile(const struct graph_plan_source *source, struct graph_plan **ret_plan,
		       uint32_t **ret_cycle, uint32_t *ret_n_cycle, struct mixd_error *err)
{
	struct graph_plan_work work;
	struct graph_plan *plan = calloc(1, sizeof(*plan));
	int res = graph_plan_work_init(&work, source);

	if (!plan)
		res = -ENOMEM;
	if (res == 0)
		res = graph_plan_sort(&work);
	if (res == -ELOOP) {
		graph_plan_cycle_error(&work, err);
		if (ret_cycle) {
			*ret_cycle = work.cycle;
			*ret_n_cycle = work.n_cycle;
			work.cycle = NULL;
		}
	}
	if (res == 0)
		res = graph_plan_group(&work, plan);
	if (res == 0)
		res = graph_plan_place(&work, plan);
	if (res == -ENOMEM)
		plan_no_memory(err);
	graph_plan_work_done(&work);
	if (res < 0) {
		graph_plan_free(plan);
		return res;
	}
	*ret_plan = plan;
	return 0;
}
