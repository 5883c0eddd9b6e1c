/* graph_session_diff.c - what it takes to turn a model into another; see graph_session.h.
 *
 * ORDER       remove nodes (their links go with them), unlink, add nodes, set, link, automate, mark: each
 *             step finds what it needs, and ports that go away are free by then. */
#include "graph_session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_model_private.h"
#include "graph_ops.h"

DEFINE_CLEANUP(graph_model_free, struct graph_model *)

struct diff {
	const struct graph_model *model;
	struct graph_model *target; /* the nodes of the file alone */
	const Mixd__V1__Graph *wanted;
	bool merge;
	struct mixd_error *err;
	Mixd__V1__Op **ops;
	uint32_t n_ops, max_ops;
	char (*wanted_links)[2][GRAPH_ADDRESS_MAX]; /* sorted ends */
};

/* OP is taken. */
static int diff_add(struct diff *diff, Mixd__V1__Op *op)
{
	if (op && diff->n_ops == diff->max_ops) {
		uint32_t wanted = diff->max_ops ? diff->max_ops * 2 : 64;
		Mixd__V1__Op **grown = reallocarray(diff->ops, wanted, sizeof(*grown));

		if (!grown) {
			mixd__v1__op__free_unpacked(op, NULL);
			return error_no_memory(diff->err);
		}
		diff->ops = grown;
		diff->max_ops = wanted;
	}
	if (!op)
		return error_no_memory(diff->err);
	diff->ops[diff->n_ops++] = op;
	return 0;
}

/* NODE of the running model is still the same node afterwards. */
static bool survives(const struct diff *diff, const struct graph_node *node)
{
	const struct graph_node *target = graph_model_node(diff->target, node->name);

	return target ? target->type == node->type : diff->merge;
}

static int diff_remove(struct diff *diff)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < diff->model->n_nodes; i++) {
		if (!survives(diff, diff->model->nodes[i]))
			r = diff_add(diff, graph_op_remove_node(diff->model->nodes[i]->name));
	}
	return r;
}

static int diff_add_nodes(struct diff *diff)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < diff->target->n_nodes; i++) {
		const struct graph_node *target = diff->target->nodes[i];
		const struct graph_node *now = graph_model_node(diff->model, target->name);

		if (!now || now->type != target->type)
			r = diff_add(diff, graph_op_add_node(target));
	}
	return r;
}

/* ---- settings ---- */

static bool is_named(const Mixd__V1__Node *node, const char *id)
{
	for (size_t i = 0; node && i < node->n_settings; i++) {
		if (strcmp(node->settings[i]->id, id) == 0)
			return true;
	}
	return false;
}

static const Mixd__V1__Node *wanted_node(const struct diff *diff, const char *name)
{
	for (size_t i = 0; i < diff->wanted->n_nodes; i++) {
		if (strcmp(diff->wanted->nodes[i]->name, name) == 0)
			return diff->wanted->nodes[i];
	}
	return NULL;
}

static int diff_configs(struct diff *diff, struct graph_node *now, struct graph_node *target,
			const Mixd__V1__Node *named)
{
	char text[GRAPH_ADDRESS_MAX];
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < target->type->n_configs; i++) {
		const struct graph_address address = {
			.node = target, .kind = GRAPH_ADDRESS_CONFIG, .idx = i};

		if (graph_node_config_equal(now, i, &target->config[i]) ||
		    (diff->merge && !is_named(named, target->type->configs[i]->id)))
			continue;
		graph_address_format(&address, text, sizeof(text));
		r = diff_add(diff, graph_op_set(text,
						graph_proto_config_value(target->type->configs[i],
									 &target->config[i]),
						0.0, ""));
	}
	return r;
}

static int diff_params(struct diff *diff, struct graph_node *now, struct graph_node *target,
		       const Mixd__V1__Node *named)
{
	char text[GRAPH_ADDRESS_MAX];
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < target->type->n_params; i++) {
		const struct graph_address address = {
			.node = target, .kind = GRAPH_ADDRESS_PARAM, .idx = i};

		const struct graph_envelope *envelope =
			graph_model_find_envelope(diff->target, target, i);

		/* an envelope that plays brings its value with it (G5) */
		if (now->value[i] == target->value[i] || (envelope && !envelope->on_timeline) ||
		    (diff->merge && !is_named(named, target->type->params[i].id)))
			continue;
		graph_address_format(&address, text, sizeof(text));
		r = diff_add(diff, graph_op_set(text,
						graph_proto_param_value(target->type->params[i].row,
									target->value[i]),
						0.0, ""));
	}
	return r;
}

static int diff_settings(struct diff *diff)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < diff->target->n_nodes; i++) {
		struct graph_node *target = diff->target->nodes[i];
		struct graph_node *now = graph_model_node(diff->model, target->name);
		const Mixd__V1__Node *named = diff->merge ? wanted_node(diff, target->name) : NULL;

		if (!now || now->type != target->type)
			continue;
		r = diff_configs(diff, now, target, named);
		if (r == 0)
			r = diff_params(diff, now, target, named);
	}
	return r;
}

/* ---- links ---- */

/* END as "node:port", by the file's nodes or, when merging, by the running ones. */
static int full_address(struct diff *diff, const char *end, bool output, char *buf, size_t size)
{
	char name[GRAPH_ADDRESS_MAX];
	const struct graph_model *model = diff->target;
	struct graph_node *node;
	uint32_t port;
	int r;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(end, ":"), end);
	if (diff->merge && !graph_model_node(model, name))
		model = diff->model;
	r = graph_model_find_port(model, end, output, &node, &port, diff->err);
	if (r < 0)
		return r;
	graph_node_port_address(node, output, port, buf, size);
	return 0;
}

static int ends_compare(const void *a, const void *b)
{
	const char(*left)[GRAPH_ADDRESS_MAX] = a, (*right)[GRAPH_ADDRESS_MAX] = b;
	int order = strcmp(left[0], right[0]);

	return order ? order : strcmp(left[1], right[1]);
}

static int diff_read_links(struct diff *diff)
{
	size_t n = diff->wanted->n_links;
	int r = 0;

	diff->wanted_links = calloc(n + 1, sizeof(diff->wanted_links[0]));
	if (!diff->wanted_links)
		return error_no_memory(diff->err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = full_address(diff, diff->wanted->links[i]->from, true, diff->wanted_links[i][0],
				 GRAPH_ADDRESS_MAX);
		if (r == 0)
			r = full_address(diff, diff->wanted->links[i]->to, false,
					 diff->wanted_links[i][1], GRAPH_ADDRESS_MAX);
	}
	return r;
}

/* Before the wanted ends are sorted: they stand in the order of the message. */
static int diff_link(struct diff *diff)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < diff->wanted->n_links; i++) {
		const char *from = diff->wanted_links[i][0], *to = diff->wanted_links[i][1];
		struct graph_link wanted = {.value[GRAPH_LINK_LEVEL] =
						    diff->wanted->links[i]->gain_db};
		const struct graph_link *link = NULL;
		struct graph_node *from_node, *to_node;
		uint32_t from_port, to_port;

		r = graph_link_read_settings(&wanted, diff->wanted->links[i]->settings,
					     diff->wanted->links[i]->n_settings, to, diff->err);
		if (r < 0)
			return r;
		if (graph_model_find_port(diff->model, from, true, &from_node, &from_port, NULL) ==
			    0 &&
		    graph_model_find_port(diff->model, to, false, &to_node, &to_port, NULL) == 0 &&
		    survives(diff, from_node) && survives(diff, to_node))
			link = graph_model_find_link(diff->model, from_node, from_port, to_node,
						     to_port);
		if (!link || !graph_link_equal(link, &wanted))
			r = diff_add(diff, graph_op_link(from, to, &wanted));
	}
	return r;
}

static int diff_unlink(struct diff *diff)
{
	size_t n = diff->wanted->n_links;
	char(*sorted)[2][GRAPH_ADDRESS_MAX];
	int r = 0;

	if (diff->merge)
		return 0;
	sorted = calloc(n + 1, sizeof(sorted[0]));
	if (!sorted)
		return error_no_memory(diff->err);
	memcpy(sorted, diff->wanted_links, n * sizeof(sorted[0]));
	qsort(sorted, n, sizeof(sorted[0]), ends_compare);
	for (uint32_t i = 0; r == 0 && i < diff->model->n_links; i++) {
		const struct graph_link *link = diff->model->links[i];
		char key[2][GRAPH_ADDRESS_MAX];

		if (!survives(diff, link->from) || !survives(diff, link->to))
			continue;
		graph_node_port_address(link->from, true, link->from_port, key[0], sizeof(key[0]));
		graph_node_port_address(link->to, false, link->to_port, key[1], sizeof(key[1]));
		if (!bsearch(key, sorted, n, sizeof(sorted[0]), ends_compare))
			r = diff_add(diff, graph_op_unlink(key[0], key[1]));
	}
	free(sorted);
	return r;
}

/* ---- envelopes ---- */

static int diff_automate(struct diff *diff)
{
	char text[GRAPH_ADDRESS_MAX];
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < diff->target->n_envelopes; i++) {
		const struct graph_envelope *target = diff->target->envelopes[i], *envelope = NULL;
		const struct graph_address address = {.node = target->node,
						      .kind = GRAPH_ADDRESS_PARAM,
						      .idx = target->param_idx};
		struct graph_node *now = graph_model_node(diff->model, target->node->name);

		if (now && survives(diff, now))
			envelope = graph_model_find_envelope(diff->model, now, target->param_idx);
		graph_address_format(&address, text, sizeof(text));
		if (!envelope || !graph_envelope_equal(envelope, target))
			r = diff_add(diff, graph_op_automate(text, target));
	}
	return r;
}

static int diff_clear(struct diff *diff)
{
	char text[GRAPH_ADDRESS_MAX];
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < diff->model->n_envelopes; i++) {
		const struct graph_envelope *now = diff->model->envelopes[i], *wanted;
		const struct graph_address address = {
			.node = now->node, .kind = GRAPH_ADDRESS_PARAM, .idx = now->param_idx};
		struct graph_node *target = graph_model_node(diff->target, now->node->name);

		if (!survives(diff, now->node))
			continue;
		wanted = target ? graph_model_find_envelope(diff->target, target, now->param_idx)
				: NULL;
		/* one that plays, and one on the time line, do not take each other's place */
		if (wanted ? wanted->on_timeline == now->on_timeline : diff->merge)
			continue;
		graph_address_format(&address, text, sizeof(text));
		r = diff_add(diff, graph_op_automate(text, NULL));
	}
	return r;
}

/* ---- markers ---- */

static int diff_markers(struct diff *diff)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && !diff->merge && i < diff->model->n_markers; i++) {
		const char *name = diff->model->markers[i]->name;

		if (!graph_model_find_marker(diff->target, name))
			r = diff_add(diff, graph_op_marker(name, NULL));
	}
	for (uint32_t i = 0; r == 0 && i < diff->target->n_markers; i++) {
		const struct graph_marker *target = diff->target->markers[i];
		const struct graph_marker *now = graph_model_find_marker(diff->model, target->name);

		if (!now || now->at_s != target->at_s)
			r = diff_add(diff, graph_op_marker(target->name, target));
	}
	return r;
}

/* ---- the whole ---- */

int graph_session_diff(const struct graph_model *model, const Mixd__V1__Graph *wanted, bool merge,
		       Mixd__V1__Op ***ret_ops, uint32_t *ret_n, struct mixd_error *err)
{
	_cleanup_(graph_model_freep) struct graph_model *target = NULL;
	struct diff diff = {.model = model, .wanted = wanted, .merge = merge, .err = err};
	static int (*const steps[])(struct diff * diff) = {
		diff_read_links, diff_remove, diff_unlink,   diff_clear,   diff_add_nodes,
		diff_settings,	 diff_link,   diff_automate, diff_markers,
	};
	Mixd__V1__Graph nodes = *wanted;
	int r;

	nodes.n_links = 0; /* their ends may be nodes that run already */
	r = graph_model_from_proto(model->types, &nodes, &target, err);
	if (r < 0)
		return r;
	diff.target = target;
	for (size_t i = 0; r == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		r = steps[i](&diff);
	free(diff.wanted_links);
	if (r < 0) {
		graph_ops_free(diff.ops, diff.n_ops);
		return r;
	}
	*ret_ops = diff.ops;
	*ret_n = diff.n_ops;
	return 0;
}
