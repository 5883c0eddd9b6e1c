/* graph_expand.c - see graph_expand.h: taps and solo. VCAs are in graph_groups.c. */
#include "graph_expand.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_model_private.h"

DEFINE_CLEANUP(graph_expanded_free, struct graph_expanded *)

struct graph_expanded *graph_expanded_free(struct graph_expanded *expanded)
{
	if (!expanded)
		return NULL;
	if (expanded->links) {
		free(expanded->model.nodes);
		free(expanded->model.links);
	}
	for (uint32_t i = 0; i < expanded->n_taps; i++)
		graph_node_free(expanded->taps[i]);
	free(expanded->taps);
	free(expanded->links);
	free(expanded->group_first);
	free(expanded->group);
	graph_layouts_free(expanded->layouts);
	free(expanded);
	return NULL;
}

/* ---- solo ---- */

static bool node_is_on(const struct graph_node *node, const char *id)
{
	int idx = graph_type_param(node->type, id);

	return idx >= 0 && node->value[idx] >= 0.5;
}

bool graph_node_is_strip(const struct graph_node *node)
{
	return graph_type_param(node->type, "safe") >= 0;
}

struct graph_node *graph_model_listener(const struct graph_model *model)
{
	for (uint32_t i = 0; i < model->n_nodes; i++) {
		if (node_is_on(model->nodes[i], "listen"))
			return model->nodes[i];
	}
	return NULL;
}

/* Sound goes along it; a key input only listens. */
static bool link_is_path(const struct graph_link *link)
{
	return graph_node_port_rule(link->to, false, link->to_port) != MIXD_PORT_FOLLOW;
}

/* Mark in node->mark all that is reached from the marked nodes, DOWN or up. The links are sorted by
 * nothing that would help: as many turns as the longest path. */
static void solo_spread(struct graph_link *links, uint32_t n_links, uint32_t mark, bool down)
{
	bool more = true;

	while (more) {
		more = false;
		for (uint32_t i = 0; i < n_links; i++) {
			struct graph_node *near = down ? links[i].from : links[i].to;
			struct graph_node *far = down ? links[i].to : links[i].from;

			if (!(near->mark & mark) || (far->mark & mark) || !link_is_path(&links[i]))
				continue;
			far->mark |= mark;
			more = true;
		}
	}
}

enum { SOLO_DOWN = 1u << 0, SOLO_UP = 1u << 1 };

/* Solo in place: strips that have nothing to do with the soloed ones are not heard. */
static void solo_in_place(const struct graph_model *model, struct graph_link *links,
			  uint32_t n_links)
{
	bool any = false;

	for (uint32_t i = 0; i < model->n_nodes; i++) {
		struct graph_node *node = model->nodes[i];

		node->mark = node->solo == GRAPH_SOLO_SIP ? SOLO_DOWN | SOLO_UP : 0;
		any |= node->mark != 0;
	}
	if (!any)
		return;
	solo_spread(links, n_links, SOLO_DOWN, true);
	solo_spread(links, n_links, SOLO_UP, false);
	for (uint32_t i = 0; i < n_links; i++) {
		const struct graph_node *from = links[i].from;

		if (!from->mark && graph_node_is_strip(from) && !node_is_on(from, "safe"))
			links[i].value[GRAPH_LINK_MUTE] = 1.0;
	}
}

/* PFL, AFL: what is soloed, in place of what the bus hears otherwise. Returned: the new links. */
static uint32_t solo_listen(const struct graph_model *model, struct graph_link *links,
			    uint32_t n_links)
{
	struct graph_node *bus = graph_model_listener(model);
	uint32_t n = 0;

	for (uint32_t i = 0; bus && i < model->n_nodes; i++) {
		struct graph_node *node = model->nodes[i];
		bool pre = node->solo == GRAPH_SOLO_PFL && node->n_in_ports > 0;

		if ((node->solo != GRAPH_SOLO_PFL && node->solo != GRAPH_SOLO_AFL) || node == bus)
			continue;
		links[n_links + n++] = (struct graph_link){
			.uid = node->uid | GRAPH_UID_LISTEN,
			.from = node,
			.to = bus,
			.value[GRAPH_LINK_TAP] = pre ? GRAPH_TAP_PRE : GRAPH_TAP_POST};
	}
	for (uint32_t i = 0; n > 0 && i < n_links; i++) {
		if (links[i].to == bus)
			links[i].value[GRAPH_LINK_MUTE] = 1.0;
	}
	return n;
}

/* ---- taps ---- */

static struct graph_node *tap_new(const struct graph_type *type, const struct graph_node *node,
				  const struct graph_layouts *layouts)
{
	const struct mixd_layout *layout = graph_layouts_port(layouts, node, false, 0);
	char name[GRAPH_ADDRESS_MAX];
	struct graph_node *tap;
	char *text;

	snprintf(name, sizeof(name), "%s:pre", node->name);
	tap = graph_node_new(type, name);
	text = layout ? strdup(layout->name) : NULL;
	if (!tap || !text) {
		free(text);
		return graph_node_free(tap);
	}
	free((char *)tap->config[GRAPH_CONFIG_LAYOUT].text);
	tap->config[GRAPH_CONFIG_LAYOUT].text = text;
	tap->uid = node->uid | GRAPH_UID_TAP;
	return tap;
}

/* A tap for each node that a link of LINKS taps, found again by node->tap. */
static int taps_make(struct graph_expanded *expanded, const struct graph_type *type,
		     uint32_t n_links)
{
	const struct graph_layouts *layouts = expanded->layouts;

	for (uint32_t i = 0; i < n_links; i++) {
		struct graph_link *link = &expanded->links[i];
		struct graph_node *node = link->from;

		if (link->value[GRAPH_LINK_TAP] != GRAPH_TAP_PRE || node->tap)
			continue;
		node->tap = tap_new(type, node, layouts);
		if (!node->tap)
			return -ENOMEM;
		expanded->taps[expanded->n_taps++] = node->tap;
		expanded->model.nodes[expanded->model.n_nodes++] = node->tap;
	}
	return 0;
}

/* What fed the node's main input feeds the tap; what tapped it leaves there. */
static uint32_t taps_link(struct graph_expanded *expanded, const struct graph_model *model,
			  uint32_t n_links)
{
	struct graph_link *links = expanded->links;
	uint32_t n = n_links;

	for (uint32_t i = 0; i < n_links; i++) {
		struct graph_link *link = &links[i];
		bool pre = link->value[GRAPH_LINK_TAP] == GRAPH_TAP_PRE;

		link->value[GRAPH_LINK_TAP] = GRAPH_TAP_POST;
		if (link->to->tap && link->to_port == 0)
			link->to = link->to->tap;
		if (pre)
			link->from = link->from->tap;
	}
	for (uint32_t i = 0; i < model->n_nodes; i++) {
		struct graph_node *node = model->nodes[i];

		if (node->tap)
			links[n++] = (struct graph_link){
				.uid = node->tap->uid, .from = node->tap, .to = node};
	}
	return n;
}

static int expand_copy(struct graph_expanded *expanded, const struct graph_model *model,
		       const struct graph_type *tap, struct mixd_error *err)
{
	uint32_t n_links = model->n_links;
	size_t room = model->n_nodes + (size_t)model->n_links + 1u;
	int r;

	/* listening links, at most one per node; then taps, at most one per node */
	expanded->links =
		calloc(n_links + 2u * (size_t)model->n_nodes + 1u, sizeof(struct graph_link));
	expanded->taps = calloc(model->n_nodes + 1u, sizeof(struct graph_node *));
	expanded->model.nodes = calloc(2u * room, sizeof(struct graph_node *));
	expanded->model.links = calloc(3u * room, sizeof(struct graph_link *));
	if (!expanded->links || !expanded->taps || !expanded->model.nodes || !expanded->model.links)
		return error_no_memory(err);
	memcpy(expanded->model.nodes, model->nodes, model->n_nodes * sizeof(struct graph_node *));
	for (uint32_t i = 0; i < n_links; i++)
		expanded->links[i] = *model->links[i];
	for (uint32_t i = 0; i < model->n_nodes; i++)
		model->nodes[i]->tap = NULL;
	solo_in_place(model, expanded->links, n_links);
	n_links += solo_listen(model, expanded->links, n_links);
	if (taps_make(expanded, tap, n_links) < 0)
		return error_no_memory(err);
	n_links = taps_link(expanded, model, n_links);
	for (uint32_t i = 0; i < n_links; i++)
		expanded->model.links[i] = &expanded->links[i];
	expanded->model.n_links = n_links;
	graph_model_sort(&expanded->model);
	expanded->layouts = graph_layouts_free(expanded->layouts);
	r = graph_layouts_resolve(&expanded->model, &expanded->layouts, err);
	return r;
}

static bool expand_needed(const struct graph_model *model)
{
	for (uint32_t i = 0; i < model->n_links; i++) {
		if (model->links[i]->value[GRAPH_LINK_TAP] == GRAPH_TAP_PRE)
			return true;
	}
	for (uint32_t i = 0; i < model->n_nodes; i++) {
		if (model->nodes[i]->solo != GRAPH_SOLO_OFF)
			return true;
	}
	return false;
}

int graph_expand(const struct graph_model *model, const struct graph_type *tap,
		 struct graph_expanded **ret, struct mixd_error *err)
{
	_cleanup_(graph_expanded_freep) struct graph_expanded *expanded =
		calloc(1, sizeof(*expanded));
	int r;

	if (!expanded)
		return error_no_memory(err);
	expanded->model = *model;
	r = graph_layouts_resolve(model, &expanded->layouts, err);
	if (r == 0 && expand_needed(model))
		r = expand_copy(expanded, model, tap, err);
	if (r == 0)
		r = graph_groups_resolve(expanded, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(expanded);
	return 0;
}
