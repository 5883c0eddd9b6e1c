/* graph_session_cycle.c - a cycle in a session file, said where it stands. */
#include "graph_session_private.h"

#include <errno.h>
#include <stdlib.h>

#include "cleanup.h"
#include "graph_plan_internal.h"

static const struct mixd_node_type cycle_tap = {.id = "tap"};

/* The last of the cycle's links in the file: most likely the one too many. */
static const struct session_node *cycle_place(const struct session *session,
					      const struct graph_plan_work *work)
{
	const struct session_node *place = NULL;

	for (uint32_t i = 0; i < work->n_cycle; i++) {
		const struct graph_link *link;
		const struct session_node *at;

		if (work->cycle[i] >= session->model->n_links)
			continue; /* from a tap to its node */
		link = session->model->links[work->cycle[i]];
		at = session->link_at[link->uid];
		if (!place || at->line > place->line ||
		    (at->line == place->line && at->column > place->column))
			place = at;
	}
	return place;
}

/* Vertex N + I is what enters node I, where somebody taps that. */
static void fill_source(const struct graph_model *model, struct graph_plan_node *nodes,
			struct graph_plan_link *links, uint32_t *idx_of_uid)
{
	uint32_t n = model->n_nodes;

	for (uint32_t i = 0; i < n; i++) {
		nodes[i].name = nodes[n + i].name = model->nodes[i]->name;
		nodes[i].type = model->nodes[i]->type->node_type;
		idx_of_uid[model->nodes[i]->uid] = i;
		/* for nodes without a tap: between vertices that nothing else touches */
		links[model->n_links + i] = (struct graph_plan_link){.from = n + i, .to = i};
	}
	for (uint32_t i = 0; i < model->n_links; i++)
		if (model->links[i]->value[GRAPH_LINK_TAP] == GRAPH_TAP_PRE)
			nodes[n + idx_of_uid[model->links[i]->from->uid]].type = &cycle_tap;
	for (uint32_t i = 0; i < model->n_links; i++) {
		const struct graph_link *link = model->links[i];
		bool pre = link->value[GRAPH_LINK_TAP] == GRAPH_TAP_PRE;
		uint32_t to = idx_of_uid[link->to->uid];

		links[i] = (struct graph_plan_link){
			.from = idx_of_uid[link->from->uid] + (pre ? n : 0),
			.to = link->to_port == 0 && nodes[n + to].type ? n + to : to,
			.from_port = link->from_port,
			.to_port = link->to_port};
	}
	for (uint32_t i = 0; i < n; i++)
		if (!nodes[n + i].type)
			nodes[n + i].type = &cycle_tap;
}

int session_check_cycles(const struct session *session)
{
	const struct graph_model *model = session->model;
	_cleanup_free_ struct graph_plan_node *nodes =
		calloc(2u * model->n_nodes + 1u, sizeof(*nodes));
	_cleanup_free_ struct graph_plan_link *links =
		calloc(model->n_links + model->n_nodes + 1u, sizeof(*links));
	_cleanup_free_ uint32_t *idx_of_uid = calloc(model->last_uid + 1u, sizeof(*idx_of_uid));
	struct graph_plan_source source = {.nodes = nodes,
					   .n_nodes = 2u * model->n_nodes,
					   .links = links,
					   .n_links = model->n_links + model->n_nodes};
	struct graph_plan_work work;
	int r;

	if (!nodes || !links || !idx_of_uid)
		return error_no_memory(session->err);
	fill_source(model, nodes, links, idx_of_uid);
	r = graph_plan_work_init(&work, &source);
	if (r == 0)
		r = graph_plan_sort(&work);
	if (r == -ELOOP) {
		graph_plan_cycle_error(&work, session->err);
		r = session_relocate(session, cycle_place(session, &work), "");
	} else if (r < 0) {
		r = error_no_memory(session->err);
	}
	graph_plan_work_done(&work);
	return r;
}
