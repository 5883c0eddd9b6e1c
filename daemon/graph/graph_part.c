/* graph_part.c - see graph_part.h. */
#include "graph_part.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_model_private.h"

DEFINE_CLEANUP(graph_parts_free, struct graph_parts *)

struct parting {
	struct graph_parts *parts;
	const struct graph_model *model;
	const uint8_t *part;
	const struct graph_type *input, *output;
	struct graph_layouts *layouts;
	uint64_t last_uid;
	uint32_t slot[GRAPH_PARTS_MAX]; /* the next that is free */
	struct mixd_error *err;
};

struct graph_parts *graph_parts_free(struct graph_parts *parts)
{
	if (!parts)
		return NULL;
	for (uint32_t i = 0; i < parts->n_own; i++)
		graph_node_free(parts->own[i]);
	for (uint32_t p = 0; p < parts->n_parts; p++) {
		free(parts->part[p].nodes);
		free(parts->part[p].links);
		free(parts->part[p].envelopes);
	}
	free(parts->crossing);
	free(parts->own);
	free(parts->links);
	free(parts);
	return NULL;
}

static bool part_is_vca(const struct graph_node *node)
{
	return node->type->node_type->flags & MIXD_NODE_GROUP;
}

static void part_put(struct graph_parts *parts, uint32_t p, struct graph_node *node)
{
	parts->part[p].nodes[parts->part[p].n_nodes++] = node;
}

static int part_set_text(struct graph_node *node, uint32_t config, const char *text)
{
	char *copy = strdup(text ? text : "");

	if (!copy)
		return -ENOMEM;
	free((char *)(uintptr_t)node->config[config].text);
	node->config[config].text = copy;
	return 0;
}

/* ---- VCAs ---- */

/* Is there a node NAME in part P? */
static bool part_has(const struct parting *parting, uint32_t p, const char *name)
{
	for (uint32_t i = 0; i < parting->model->n_nodes; i++) {
		const struct graph_node *node = parting->model->nodes[i];

		if (strcmp(node->name, name) == 0)
			return part_is_vca(node) || parting->part[i] == p;
	}
	return true; /* a fault of the session, to be told as ever */
}

/* The words of `members` that are globs, or names in part P. */
static int vca_members(const struct parting *parting, uint32_t p, struct graph_node *vca)
{
	int idx = graph_type_config(vca->type, "members");
	_cleanup_free_ char *copy = NULL, *kept = NULL;
	char *rest, *word;

	if (idx < 0 || !vca->config[idx].text)
		return 0;
	rest = copy = strdup(vca->config[idx].text);
	kept = calloc(strlen(vca->config[idx].text) + 2u, 2);
	if (!copy || !kept)
		return -ENOMEM;
	while ((word = strsep(&rest, ", \t"))) {
		if (!*word || (!strpbrk(word, "*?[{") && !part_has(parting, p, word)))
			continue;
		if (kept[0])
			strcat(kept, ",");
		strcat(kept, word);
	}
	return part_set_text(vca, (uint32_t)idx, kept);
}

static int vca_copy(const struct parting *parting, uint32_t p, const struct graph_node *node)
{
	struct graph_node *copy = graph_node_new(node->type, node->name);
	int r = copy ? 0 : -ENOMEM;

	if (r < 0)
		return r;
	copy->uid = node->uid;
	copy->config_gen = node->config_gen;
	memcpy(copy->value, node->value, node->type->n_params * sizeof(double));
	parting->parts->own[parting->parts->n_own++] = copy;
	for (uint32_t i = 0; r == 0 && i < node->type->n_configs; i++) {
		if (node->config[i].text)
			r = part_set_text(copy, i, node->config[i].text);
		else
			copy->config[i].number = node->config[i].number;
	}
	if (r == 0)
		r = vca_members(parting, p, copy);
	part_put(parting->parts, p, copy);
	return r;
}

/* ---- crossings ---- */

static const struct mixd_layout *crossing_layout(const struct parting *parting,
						 const struct graph_crossing *crossing)
{
	if (crossing->pre)
		return graph_layouts_port(parting->layouts, crossing->source, false, 0);
	return graph_layouts_port(parting->layouts, crossing->source, true, crossing->port);
}

/* A boundary node for one side of CROSSING, in part P. */
static struct graph_node *crossing_node(struct parting *parting, uint32_t p,
					const struct graph_crossing *crossing)
{
	const struct mixd_layout *layout = crossing_layout(parting, crossing);
	bool is_source = p == crossing->from;
	char name[GRAPH_ADDRESS_MAX];
	struct graph_node *node;

	if (crossing->pre) /* as graph_expand() names its taps */
		snprintf(name, sizeof(name), "%s:pre", crossing->source->name);
	else
		snprintf(name, sizeof(name), "%s!%04u", crossing->source->name, crossing->port);
	if (is_source) /* it feeds nothing: any place will do, but that of a tap */
		strcat(name, "!");
	node = graph_node_new(is_source ? parting->output : parting->input, name);
	if (!node)
		return NULL;
	parting->parts->own[parting->parts->n_own++] = node;
	node->uid = ++parting->last_uid;
	node->slot = parting->slot[p]++;
	part_put(parting->parts, p, node);
	if (layout && part_set_text(node, GRAPH_CONFIG_LAYOUT, layout->name) < 0)
		return NULL;
	return node;
}

static struct graph_link *part_link(struct parting *parting, uint32_t p)
{
	struct graph_link *link = &parting->parts->links[parting->parts->n_links++];

	parting->parts->part[p].links[parting->parts->part[p].n_links++] = link;
	return link;
}

/* The `output` node of CROSSING, and the link that feeds it as LINK would. */
static int crossing_leave(struct parting *parting, struct graph_crossing *crossing,
			  const struct graph_link *link)
{
	struct graph_link *feed;

	crossing->out = crossing_node(parting, crossing->from, crossing);
	if (!crossing->out)
		return -ENOMEM;
	feed = part_link(parting, crossing->from);
	*feed = (struct graph_link){.uid = ++parting->last_uid,
				    .from = link->from,
				    .from_port = link->from_port,
				    .to = crossing->out};
	feed->value[GRAPH_LINK_TAP] = link->value[GRAPH_LINK_TAP];
	return 0;
}

/* The crossing that LINK needs from part FROM to part TO, made when it is the first. */
static int crossing_of(struct parting *parting, const struct graph_link *link, uint32_t from,
		       uint32_t to, struct graph_crossing **ret)
{
	struct graph_parts *parts = parting->parts;
	bool pre = link->value[GRAPH_LINK_TAP] == GRAPH_TAP_PRE;
	struct graph_crossing *crossing;
	struct graph_node *out = NULL;

	for (uint32_t i = 0; i < parts->n_crossings; i++) {
		crossing = &parts->crossing[i];
		if (crossing->source != link->from || crossing->pre != pre ||
		    (!pre && crossing->port != link->from_port))
			continue;
		*ret = crossing;
		if (crossing->to == to)
			return 0;
		out = crossing->out;
	}
	crossing = *ret = &parts->crossing[parts->n_crossings++];
	*crossing = (struct graph_crossing){.source = link->from,
					    .port = link->from_port,
					    .pre = pre,
					    .from = from,
					    .to = to,
					    .out = out};
	if (!out && crossing_leave(parting, crossing, link) < 0)
		return -ENOMEM;
	crossing->in = crossing_node(parting, to, crossing);
	return crossing->in ? 0 : -ENOMEM;
}

/* ---- all of it ---- */

static uint32_t part_of(const struct parting *parting, const struct graph_node *node)
{
	uint32_t low = 0, high = parting->model->n_nodes;

	while (high - low > 1) { /* sorted by name (G1) */
		uint32_t middle = (low + high) / 2;

		if (strcmp(parting->model->nodes[middle]->name, node->name) <= 0)
			low = middle;
		else
			high = middle;
	}
	return parting->part[low];
}

static int part_links(struct parting *parting)
{
	for (uint32_t i = 0; i < parting->model->n_links; i++) {
		const struct graph_link *link = parting->model->links[i];
		uint32_t from = part_of(parting, link->from), to = part_of(parting, link->to);
		struct graph_crossing *crossing = NULL;
		struct graph_link *copy;

		if (from > to)
			return error_set(parting->err, ERROR_INVALID, link->from->name,
					 "a part of the graph would hear itself");
		if (from < to && crossing_of(parting, link, from, to, &crossing) < 0)
			return error_no_memory(parting->err);
		copy = part_link(parting, to);
		*copy = *link;
		if (!crossing)
			continue;
		copy->from = crossing->in;
		copy->from_port = 0;
		copy->value[GRAPH_LINK_TAP] = GRAPH_TAP_POST;
	}
	return 0;
}

static int part_nodes(struct parting *parting)
{
	const struct graph_model *model = parting->model;
	uint32_t n_parts = parting->parts->n_parts, slot = 0;

	for (uint32_t i = 0; i < model->n_nodes; i++) {
		struct graph_node *node = model->nodes[i];

		for (uint32_t p = 0; p < n_parts && part_is_vca(node); p++)
			if (vca_copy(parting, p, node) < 0)
				return error_no_memory(parting->err);
		if (!part_is_vca(node))
			part_put(parting->parts, parting->part[i], node);
		if (node->slot != GRAPH_SLOT_NONE && node->slot >= slot)
			slot = node->slot + 1;
		if (node->uid > parting->last_uid)
			parting->last_uid = node->uid;
	}
	for (uint32_t p = 0; p < n_parts; p++)
		parting->slot[p] = slot;
	for (uint32_t i = 0; i < model->n_links; i++)
		if (model->links[i]->uid > parting->last_uid)
			parting->last_uid = model->links[i]->uid;
	for (uint32_t i = 0; i < model->n_envelopes; i++) {
		struct graph_envelope *envelope = model->envelopes[i];
		uint32_t home = part_of(parting, envelope->node);

		for (uint32_t p = 0; p < n_parts; p++) {
			struct graph_model *part = &parting->parts->part[p];

			if (p == home || part_is_vca(envelope->node))
				part->envelopes[part->n_envelopes++] = envelope;
		}
	}
	return 0;
}

static int part_room(struct graph_parts *parts, const struct graph_model *model)
{
	/* at most one crossing, with two nodes and a link, for each link */
	parts->crossing = calloc(model->n_links + 1u, sizeof(*parts->crossing));
	parts->links = calloc(2u * (size_t)model->n_links + 1u, sizeof(*parts->links));
	parts->own =
		calloc(2u * (size_t)model->n_links + (size_t)parts->n_parts * model->n_nodes + 1u,
		       sizeof(struct graph_node *));
	for (uint32_t p = 0; p < parts->n_parts; p++) {
		struct graph_model *part = &parts->part[p];

		*part = *model;
		part->n_nodes = part->n_links = part->n_envelopes = 0;
		part->nodes = calloc((size_t)model->n_nodes + model->n_links + 1u,
				     sizeof(struct graph_node *));
		part->links = calloc(2u * (size_t)model->n_links + 1u, sizeof(struct graph_link *));
		part->envelopes = calloc(model->n_envelopes + 1u, sizeof(struct graph_envelope *));
		if (!part->nodes || !part->links || !part->envelopes)
			return -ENOMEM;
	}
	return parts->crossing && parts->links && parts->own ? 0 : -ENOMEM;
}

int graph_parts_new(const struct graph_model *model, const uint8_t *part, uint32_t n_parts,
		    const struct graph_type *input, const struct graph_type *output,
		    struct graph_parts **ret, struct mixd_error *err)
{
	_cleanup_(graph_parts_freep) struct graph_parts *parts = calloc(1, sizeof(*parts));
	struct parting parting = {.parts = parts,
				  .model = model,
				  .part = part,
				  .input = input,
				  .output = output,
				  .err = err};
	int r;

	if (!parts)
		return error_no_memory(err);
	parts->n_parts = n_parts;
	if (part_room(parts, model) < 0)
		return error_no_memory(err);
	r = graph_layouts_resolve(model, &parting.layouts, err);
	if (r == 0)
		r = part_nodes(&parting);
	if (r == 0)
		r = part_links(&parting);
	graph_layouts_free(parting.layouts);
	if (r < 0)
		return r;
	for (uint32_t p = 0; p < n_parts; p++)
		graph_model_sort(&parts->part[p]);
	*ret = TAKE_PTR(parts);
	return 0;
}
