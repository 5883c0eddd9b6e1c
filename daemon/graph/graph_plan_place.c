/* graph_plan_place.c - ports, channels and buffers of a plan.
 *
 * Buffers are given out like registers (linear scan over the steps): the one freed last is taken
 * first, so that a chain stays in the same cache lines. A port with one link whose source nobody
 * else reads later mixes in the source's own buffer; a type with MIXD_NODE_IN_PLACE writes where
 * its main input was mixed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "graph_plan_internal.h"

struct place {
	struct graph_plan_work *work;
	struct graph_plan *plan;
	uint32_t *readers; /* per out channel: reads still to come */
	uint32_t *free_list; /* a stack of buffers */
	uint32_t n_free;
	bool *owned; /* per in channel: its mix buffer is not the source's */
};

static uint32_t place_take(struct place *place)
{
	return place->n_free ? place->free_list[--place->n_free] : place->plan->n_buffers++;
}

static void place_give(struct place *place, uint32_t buffer)
{
	place->free_list[place->n_free++] = buffer;
}

/* Channel of the source that channel K of the target port reads: mono goes to all. */
static uint32_t place_source(const struct place *place, const struct graph_plan_link *link,
			     uint32_t k)
{
	const struct graph_plan_node *from = &place->work->source->nodes[link->from];
	uint32_t first = from->out_first[link->from_port];
	uint32_t n = from->out_first[link->from_port + 1] - first;

	return place->plan->out_channel[link->from] + first + (k < n ? k : n - 1);
}

static int place_tables(struct place *place)
{
	struct graph_plan_work *work = place->work;
	struct graph_plan *plan = place->plan;
	const struct graph_plan_source *source = work->source;
	uint32_t n = work->n;

	plan->in_port = calloc(n + 1, sizeof(uint32_t));
	plan->in_channel = calloc(n + 1, sizeof(uint32_t));
	plan->out_channel = calloc(n + 1, sizeof(uint32_t));
	if (!plan->in_port || !plan->in_channel || !plan->out_channel)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		const struct graph_plan_node *node = &source->nodes[i];

		plan->in_port[i + 1] = plan->in_port[i] + node->n_in_ports;
		plan->in_channel[i + 1] = plan->in_channel[i] + graph_plan_in_channels(node);
		plan->out_channel[i + 1] = plan->out_channel[i] + graph_plan_out_channels(node);
	}
	plan->link_first = calloc(plan->in_port[n] + 1, sizeof(uint32_t));
	plan->link_order = calloc(source->n_links + 1, sizeof(uint32_t));
	plan->in_buffer = calloc(plan->in_channel[n] + 1, sizeof(uint32_t));
	plan->out_buffer = calloc(plan->out_channel[n] + 1, sizeof(uint32_t));
	place->readers = calloc(plan->out_channel[n] + 1, sizeof(uint32_t));
	place->owned = calloc(plan->in_channel[n] + 1, sizeof(bool));
	place->free_list =
		calloc((size_t)plan->in_channel[n] + plan->out_channel[n] + 1, sizeof(uint32_t));
	if (!plan->link_first || !plan->link_order || !plan->in_buffer || !plan->out_buffer ||
	    !place->readers || !place->owned || !place->free_list)
		return -ENOMEM;
	for (uint32_t c = 0; c < plan->in_channel[n]; c++)
		plan->in_buffer[c] = GRAPH_PLAN_NONE;
	for (uint32_t c = 0; c < plan->out_channel[n]; c++)
		plan->out_buffer[c] = GRAPH_PLAN_NONE;
	memcpy(plan->link_order, work->by_to, source->n_links * sizeof(uint32_t));
	return 0;
}

/* Ranges of links per port, and how often each output channel is read. */
static void place_links(struct place *place)
{
	struct graph_plan *plan = place->plan;
	const struct graph_plan_source *source = place->work->source;

	for (uint32_t j = 0; j < source->n_links; j++) {
		const struct graph_plan_link *link = &source->links[plan->link_order[j]];
		const struct graph_plan_node *to = &source->nodes[link->to];
		uint32_t n = to->in_first[link->to_port + 1] - to->in_first[link->to_port];

		plan->link_first[plan->in_port[link->to] + link->to_port + 1]++;
		for (uint32_t k = 0; k < n; k++)
			place->readers[place_source(place, link, k)]++;
	}
	for (uint32_t p = 0; p < plan->in_port[place->work->n]; p++)
		plan->link_first[p + 1] += plan->link_first[p];
}

/* True when the port can mix in its source's buffers: one link, channel by channel, last reader. */
static bool place_shares(const struct place *place, const struct graph_plan_link *link,
			 uint32_t channels)
{
	const struct graph_plan_node *from = &place->work->source->nodes[link->from];

	if (from->out_first[link->from_port + 1] - from->out_first[link->from_port] != channels)
		return false;
	for (uint32_t k = 0; k < channels; k++)
		if (place->readers[place_source(place, link, k)] != 1)
			return false;
	return true;
}

static void place_inputs(struct place *place, uint32_t node)
{
	struct graph_plan *plan = place->plan;
	const struct graph_plan_node *n = &place->work->source->nodes[node];

	for (uint32_t p = 0; p < n->n_in_ports; p++) {
		uint32_t first = plan->link_first[plan->in_port[node] + p];
		uint32_t links = plan->link_first[plan->in_port[node] + p + 1] - first;
		uint32_t channels = n->in_first[p + 1] - n->in_first[p];
		uint32_t base = plan->in_channel[node] + n->in_first[p];
		const struct graph_plan_link *link;
		bool shares;

		if (!links)
			continue;
		link = &place->work->source->links[plan->link_order[first]];
		shares = links == 1 && place_shares(place, link, channels);
		for (uint32_t k = 0; k < channels; k++) {
			place->owned[base + k] = !shares;
			plan->in_buffer[base + k] =
				shares ? plan->out_buffer[place_source(place, link, k)]
				       : place_take(place);
		}
	}
}

static void place_outputs(struct place *place, uint32_t node, enum graph_plan_kind kind)
{
	struct graph_plan *plan = place->plan;
	const struct graph_plan_node *n = &place->work->source->nodes[node];
	bool in_place = (n->type->flags & MIXD_NODE_IN_PLACE) && kind == GRAPH_PLAN_PROCESS;
	uint32_t main_in = graph_plan_main_in(n), main_out = graph_plan_main_out(n);

	if (kind == GRAPH_PLAN_PROCESS && (n->type->flags & MIXD_NODE_FEEDBACK))
		return; /* written by EMIT */
	for (uint32_t c = 0; c < graph_plan_out_channels(n); c++) {
		uint32_t in = GRAPH_PLAN_NONE;

		if (in_place && c < main_in && c < main_out)
			in = plan->in_buffer[plan->in_channel[node] + c];
		plan->out_buffer[plan->out_channel[node] + c] =
			in != GRAPH_PLAN_NONE ? in : place_take(place);
	}
}

/* Is BUFFER one of the node's outputs (its input was mixed in place)? */
static bool place_kept(const struct place *place, uint32_t node, uint32_t channel, uint32_t buffer)
{
	const struct graph_plan *plan = place->plan;
	const struct graph_plan_node *n = &place->work->source->nodes[node];

	return channel < graph_plan_out_channels(n) && !(n->type->flags & MIXD_NODE_FEEDBACK) &&
	       plan->out_buffer[plan->out_channel[node] + channel] == buffer;
}

/* After the step: free what nobody reads any more. */
static void place_release(struct place *place, uint32_t node, enum graph_plan_kind kind)
{
	struct graph_plan *plan = place->plan;
	const struct graph_plan_node *n = &place->work->source->nodes[node];

	for (uint32_t p = 0; kind == GRAPH_PLAN_PROCESS && p < n->n_in_ports; p++) {
		uint32_t port = plan->in_port[node] + p;

		for (uint32_t j = plan->link_first[port]; j < plan->link_first[port + 1]; j++) {
			const struct graph_plan_link *link =
				&place->work->source->links[plan->link_order[j]];

			for (uint32_t k = 0; k < n->in_first[p + 1] - n->in_first[p]; k++) {
				uint32_t source = place_source(place, link, k);
				uint32_t c = n->in_first[p] + k;
				uint32_t buffer = plan->out_buffer[source];

				if (--place->readers[source] == 0 &&
				    !place_kept(place, node, c, buffer))
					place_give(place, buffer);
			}
		}
	}
	for (uint32_t c = 0; kind == GRAPH_PLAN_PROCESS && c < graph_plan_in_channels(n); c++) {
		uint32_t buffer = plan->in_buffer[plan->in_channel[node] + c];

		if (buffer != GRAPH_PLAN_NONE && place->owned[plan->in_channel[node] + c] &&
		    !place_kept(place, node, c, buffer))
			place_give(place, buffer);
	}
	if (kind == GRAPH_PLAN_PROCESS && (n->type->flags & MIXD_NODE_FEEDBACK))
		return;
	for (uint32_t c = plan->out_channel[node]; c < plan->out_channel[node + 1]; c++)
		if (place->readers[c] == 0)
			place_give(place, plan->out_buffer[c]);
}

int graph_plan_place(struct graph_plan_work *work, struct graph_plan *plan)
{
	struct place place = {.work = work, .plan = plan};
	int res = place_tables(&place);

	if (res == 0) {
		place_links(&place);
		for (uint32_t s = 0; s < plan->n_steps; s++) {
			const struct graph_plan_step *step = &plan->steps[s];
			const uint32_t *node = plan->order + step->first;

			for (uint32_t i = 0; i < step->n && step->kind == GRAPH_PLAN_PROCESS; i++)
				place_inputs(&place, node[i]);
			for (uint32_t i = 0; i < step->n; i++)
				place_outputs(&place, node[i], step->kind);
			for (uint32_t i = 0; i < step->n; i++)
				place_release(&place, node[i], step->kind);
		}
	}
	free(place.readers);
	free(place.free_list);
	free(place.owned);
	return res;
}
