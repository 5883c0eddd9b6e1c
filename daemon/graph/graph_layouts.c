/* graph_layouts.c - layouts travel along the links; see graph_model.h.
 *
 * METHOD      Kahn's topological order (Communications of the ACM 5:11, 1962) over the nodes that
 *             wait for what feeds their main inputs; a cycle is cut at its first node in order of
 *             name, which then takes what is known. Time is linear in nodes and links. */
#include "graph_model_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

struct layouts_entry {
	const struct graph_node *node;
	const struct mixd_layout *layout; /* of the main ports; NULL while unknown */
	const struct mixd_layout *fed; /* what feeds the main inputs, as far as known */
	const struct mixd_layout **port; /* inputs, then outputs */
	uint32_t n_waiting; /* links into main inputs from nodes that are unknown */
	uint32_t first_link; /* links that leave the node: first_link .. of the next entry */
};

struct graph_layouts {
	struct layouts_entry *entries; /* in order of the model: by name */
	uint32_t n_entries;
	struct layouts_entry **by_node; /* sorted by address of the node */
	const struct mixd_layout *mono, *stereo;
};

struct graph_layouts *graph_layouts_free(struct graph_layouts *layouts)
{
	if (!layouts)
		return NULL;
	for (uint32_t i = 0; layouts->entries && i < layouts->n_entries; i++)
		free(layouts->entries[i].port);
	free(layouts->entries);
	free(layouts->by_node);
	free(layouts);
	return NULL;
}
DEFINE_CLEANUP(graph_layouts_free, struct graph_layouts *)

static int entry_compare(const void *a, const void *b)
{
	uintptr_t left = (uintptr_t)(*(struct layouts_entry *const *)a)->node;
	uintptr_t right = (uintptr_t)(*(struct layouts_entry *const *)b)->node;

	return (left > right) - (left < right);
}

static struct layouts_entry *entry_of(const struct graph_layouts *layouts,
				      const struct graph_node *node)
{
	uint32_t low = 0, high = layouts->n_entries;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (layouts->by_node[middle]->node == node)
			return layouts->by_node[middle];
		if ((uintptr_t)layouts->by_node[middle]->node < (uintptr_t)node)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

enum mixd_port_layout graph_node_port_rule(const struct graph_node *node, bool output,
					   uint32_t port)
{
	const struct mixd_node_type *type = node->type->node_type;

	for (uint32_t i = 0; i < type->n_ports; i++) {
		const struct mixd_port_row *row = &type->ports[i];
		uint32_t n = 1;
		int idx;

		if (row->is_output != output)
			continue;
		idx = row->count_config ? graph_type_config(node->type, row->count_config) : -1;
		if (idx >= 0)
			n = (uint32_t)node->config[idx].number;
		if (port < n)
			return row->layout;
		port -= n;
	}
	return MIXD_PORT_MAIN;
}

/* Of two that feed the same port the wider counts, whatever the order in which they come: mono fits
 * into anything, and of others the narrower is then the link that is refused. */
static const struct mixd_layout *combine(const struct graph_layouts *layouts,
					 const struct mixd_layout *have,
					 const struct mixd_layout *more)
{
	if (!have || have == layouts->mono || more == layouts->mono)
		return !have || have == layouts->mono ? more : have;
	if (have->n_channels != more->n_channels)
		return have->n_channels > more->n_channels ? have : more;
	return strcmp(have->name, more->name) <= 0 ? have : more;
}

static const struct mixd_layout *output_layout(const struct graph_layouts *layouts,
					       const struct layouts_entry *entry, uint32_t port)
{
	switch (graph_node_port_rule(entry->node, true, port)) {
	case MIXD_PORT_MONO:
		return layouts->mono;
	case MIXD_PORT_STEREO:
		return layouts->stereo;
	default:
		return entry->layout;
	}
}

/* What LINK carries: of a tap before the node, what enters its main input. */
static const struct mixd_layout *link_layout(const struct graph_layouts *layouts,
					     const struct layouts_entry *from,
					     const struct graph_link *link)
{
	if (link->value[GRAPH_LINK_TAP] != GRAPH_TAP_PRE)
		return output_layout(layouts, from, link->from_port);
	switch (graph_node_port_rule(from->node, false, 0)) {
	case MIXD_PORT_MONO:
		return layouts->mono;
	case MIXD_PORT_STEREO:
		return layouts->stereo;
	default:
		return from->layout;
	}
}

/* Listening in must not change what is listened to. */
static bool link_is_main(const struct graph_link *link)
{
	return !(link->uid & GRAPH_UID_LISTEN) &&
	       graph_node_port_rule(link->to, false, link->to_port) == MIXD_PORT_MAIN;
}

static struct graph_layouts *layouts_new(const struct graph_model *model)
{
	struct graph_layouts *layouts = calloc(1, sizeof(*layouts));
	uint32_t link = 0;

	if (!layouts)
		return NULL;
	layouts->n_entries = model->n_nodes;
	layouts->entries = calloc(model->n_nodes + 1u, sizeof(layouts->entries[0]));
	layouts->by_node = calloc(model->n_nodes + 1u, sizeof(layouts->by_node[0]));
	layouts->mono = graph_layout_find("mono", NULL);
	layouts->stereo = graph_layout_find("stereo", NULL);
	if (!layouts->entries || !layouts->by_node)
		return graph_layouts_free(layouts);
	for (uint32_t i = 0; i < model->n_nodes; i++) {
		struct layouts_entry *entry = &layouts->entries[i];
		const struct graph_node *node = model->nodes[i];

		entry->node = node;
		entry->port = calloc((size_t)node->n_in_ports + node->n_out_ports + 1,
				     sizeof(entry->port[0]));
		if (!entry->port)
			return graph_layouts_free(layouts);
		entry->first_link = link;
		while (link < model->n_links && model->links[link]->from == node)
			link++;
		layouts->by_node[i] = entry;
	}
	layouts->entries[model->n_nodes].first_link = link;
	qsort(layouts->by_node, model->n_nodes, sizeof(layouts->by_node[0]), entry_compare);
	return layouts;
}

/* ENTRY is known: tell those it feeds; those that wait for nothing more go on the stack. */
static void layouts_spread(const struct graph_model *model, struct graph_layouts *layouts,
			   struct layouts_entry *entry, struct layouts_entry **stack,
			   uint32_t *n_stack)
{
	for (uint32_t i = entry->first_link; i < entry[1].first_link; i++) {
		const struct graph_link *link = model->links[i];
		struct layouts_entry *to = entry_of(layouts, link->to);

		if (!link_is_main(link) || to->layout)
			continue;
		to->fed = combine(layouts, to->fed, link_layout(layouts, entry, link));
		if (--to->n_waiting > 0)
			continue;
		to->layout = to->fed;
		stack[(*n_stack)++] = to;
	}
}

static int layouts_nodes(const struct graph_model *model, struct graph_layouts *layouts)
{
	_cleanup_free_ struct layouts_entry **stack = calloc(model->n_nodes + 1u, sizeof(*stack));
	uint32_t n_stack = 0;

	if (!stack)
		return -ENOMEM;
	for (uint32_t i = 0; i < model->n_links; i++) {
		if (link_is_main(model->links[i]))
			entry_of(layouts, model->links[i]->to)->n_waiting++;
	}
	for (uint32_t i = 0; i < model->n_nodes; i++) {
		struct layouts_entry *entry = &layouts->entries[i];
		const char *name = entry->node->config[GRAPH_CONFIG_LAYOUT].text;

		if (strcmp(name, "auto") != 0)
			entry->layout = graph_layout_find(name, NULL);
		else if (entry->n_waiting == 0)
			entry->layout = layouts->stereo;
		if (entry->layout)
			stack[n_stack++] = entry;
	}
	for (uint32_t next = 0;;) {
		while (n_stack > 0) {
			n_stack--;
			layouts_spread(model, layouts, stack[n_stack], stack, &n_stack);
		}
		while (next < model->n_nodes && layouts->entries[next].layout)
			next++;
		if (next == model->n_nodes)
			return 0;
		layouts->entries[next].layout =
			layouts->entries[next].fed ? layouts->entries[next].fed : layouts->stereo;
		stack[n_stack++] = &layouts->entries[next];
	}
}

static void layouts_ports(const struct graph_model *model, struct graph_layouts *layouts)
{
	for (uint32_t i = 0; i < model->n_links; i++) {
		const struct graph_link *link = model->links[i];
		struct layouts_entry *to = entry_of(layouts, link->to);

		if (graph_node_port_rule(link->to, false, link->to_port) == MIXD_PORT_FOLLOW)
			to->port[link->to_port] =
				combine(layouts, to->port[link->to_port],
					link_layout(layouts, entry_of(layouts, link->from), link));
	}
	for (uint32_t i = 0; i < layouts->n_entries; i++) {
		struct layouts_entry *entry = &layouts->entries[i];
		uint32_t n_in = entry->node->n_in_ports;

		for (uint32_t p = 0; p < n_in; p++) {
			enum mixd_port_layout rule = graph_node_port_rule(entry->node, false, p);

			if (rule == MIXD_PORT_MONO)
				entry->port[p] = layouts->mono;
			else if (rule == MIXD_PORT_STEREO)
				entry->port[p] = layouts->stereo;
			else if (!entry->port[p])
				entry->port[p] = entry->layout;
		}
		for (uint32_t p = 0; p < entry->node->n_out_ports; p++)
			entry->port[n_in + p] = output_layout(layouts, entry, p);
	}
}

/* "vox:out", or what it is before it */
static void from_text(const struct graph_link *link, char *buf, size_t size)
{
	if (link->value[GRAPH_LINK_TAP] == GRAPH_TAP_PRE)
		snprintf(buf, size, "the input of %s", link->from->name);
	else
		graph_node_port_address(link->from, true, link->from_port, buf, size);
}

static int check_fit(const struct graph_layouts *layouts, const struct graph_link *link,
		     struct mixd_error *err)
{
	const struct mixd_layout *from = link_layout(layouts, entry_of(layouts, link->from), link);
	const struct mixd_layout *to = graph_layouts_port(layouts, link->to, false, link->to_port);
	char from_address[GRAPH_ADDRESS_MAX], to_address[GRAPH_ADDRESS_MAX];
	int r;

	if (from == to || from == layouts->mono)
		return 0;
	from_text(link, from_address, sizeof(from_address));
	graph_node_port_address(link->to, false, link->to_port, to_address, sizeof(to_address));
	r = error_set(err, ERROR_INVALID, to_address, "%s (%s) does not fit into %s (%s)",
		      from_address, from->name, to_address, to->name);
	if (to == layouts->stereo || to == layouts->mono)
		error_hint(err, "give both the same layout, or put a matrix between");
	else
		error_hint(
			err,
			"give both the same layout: a track or player with layout: %s plays files "
			"of fewer channels, too",
			to->name);
	return r;
}

static int check_tap(const struct graph_link *link, struct mixd_error *err)
{
	const struct graph_node *node = link->from;
	const struct mixd_node_type *type = node->type->node_type;
	char address[GRAPH_ADDRESS_MAX];
	int r;

	if (link->value[GRAPH_LINK_TAP] != GRAPH_TAP_PRE)
		return 0;
	graph_link_format(link, address, sizeof(address));
	if (node->n_in_ports == 0 || (type->flags & (MIXD_NODE_FEEDBACK | MIXD_NODE_EXTERNAL_IN))) {
		r = error_set(err, ERROR_INVALID, address, "%s (%s) has nothing before it to tap",
			      node->name, type->id);
		error_hint(err, "use tap=post");
		return r;
	}
	if (link->from_port > 0 || graph_node_main_ports(node, false) > 1) {
		r = error_set(err, ERROR_INVALID, address, "%s has no single main %s to tap before",
			      node->name, link->from_port > 0 ? "output" : "input");
		error_hint(err, "link from what feeds it, or tap a gain node");
		return r;
	}
	return 0;
}

static int check_pan(const struct graph_layouts *layouts, const struct graph_link *link,
		     struct mixd_error *err)
{
	const struct mixd_layout *to = graph_layouts_port(layouts, link->to, false, link->to_port);
	char address[GRAPH_ADDRESS_MAX];
	int r;

	if (link->value[GRAPH_LINK_PAN] == 0.0 || to == layouts->stereo)
		return 0;
	graph_link_format(link, address, sizeof(address));
	r = error_set(err, ERROR_INVALID, address, "there is no left and right in %s: %s is %s",
		      link->to->name, link->to->name, to->name);
	error_hint(err, "leave out pan, or set %.80s.layout=stereo", link->to->name);
	return r;
}

static int layouts_check(const struct graph_model *model, const struct graph_layouts *layouts,
			 struct mixd_error *err)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < model->n_links; i++) {
		r = check_tap(model->links[i], err);
		if (r == 0)
			r = check_fit(layouts, model->links[i], err);
		if (r == 0)
			r = check_pan(layouts, model->links[i], err);
	}
	return r;
}

int graph_layouts_resolve(const struct graph_model *model, struct graph_layouts **ret,
			  struct mixd_error *err)
{
	_cleanup_(graph_layouts_freep) struct graph_layouts *layouts = layouts_new(model);
	int r;

	if (!layouts || layouts_nodes(model, layouts) < 0)
		return error_no_memory(err);
	layouts_ports(model, layouts);
	r = layouts_check(model, layouts, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(layouts);
	return 0;
}

const struct mixd_layout *graph_layouts_port(const struct graph_layouts *layouts,
					     const struct graph_node *node, bool output,
					     uint32_t port)
{
	const struct layouts_entry *entry = entry_of(layouts, node);

	if (!entry || port >= (output ? node->n_out_ports : node->n_in_ports))
		return NULL;
	return entry->port[(output ? node->n_in_ports : 0) + port];
}
