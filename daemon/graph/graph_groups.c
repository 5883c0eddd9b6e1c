/* graph_groups.c - VCAs: whose gain they move. See graph_expand.h.
 *
 * WHAT        A type with MIXD_NODE_GROUP has a config `members`: names and globs, with commas
 *             between. A name must be that of a node with a gain; a glob takes those that have one.
 *             A VCA may be a member: what it moves is then moved by both. Each VCA counts once for a
 *             node, however many ways there are to it. A VCA that would move itself is refused, but
 *             for a glob that happens to match its own name. */
#include "graph_expand.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_model_private.h"

int graph_node_gain_param(const struct graph_node *node)
{
	int idx = graph_type_param(node->type, "gain");

	return idx >= 0 && node->type->params[idx].row->ramp == MIXD_RAMP_GAIN ? idx : -1;
}

struct groups {
	struct graph_expanded *expanded;
	struct graph_node **vcas;
	uint32_t n_vcas;
	uint64_t *moves; /* bit v of word block: per node, n_words words: the VCAs that move it */
	uint32_t n_words;
	struct mixd_error *err;
};

static bool is_vca(const struct graph_node *node)
{
	return node->type->node_type->flags & MIXD_NODE_GROUP;
}

static uint64_t *moves_of(const struct groups *groups, uint32_t node)
{
	return groups->moves + (size_t)node * groups->n_words;
}

static bool moves_get(const struct groups *groups, uint32_t node, uint32_t vca)
{
	return moves_of(groups, node)[vca / 64] >> (vca % 64) & 1u;
}

static int refuse_name(const struct groups *groups, const struct graph_node *vca, const char *name)
{
	const struct graph_node *node = graph_model_node(&groups->expanded->model, name);
	struct graph_node *found;
	char hint[sizeof(groups->err->hint)];
	int r;

	if (node) {
		r = error_set(groups->err, ERROR_INVALID, vca->name,
			      "%.80s (%s) has no gain to move", name, node->type->node_type->id);
		error_hint(groups->err, "put a gain behind it and name that");
		return r;
	}
	r = graph_model_find_node(&groups->expanded->model, name, &found, groups->err);
	if (!groups->err)
		return r;
	memcpy(hint, groups->err->hint, sizeof(hint));
	error_set(groups->err, ERROR_INVALID, vca->name, "its member \"%.80s\" does not exist",
		  name);
	error_hint(groups->err, "%s", hint);
	return -EINVAL;
}

/* One word of `members`. */
static int add_word(struct groups *groups, uint32_t v, const char *word)
{
	const struct graph_model *model = &groups->expanded->model;
	const struct graph_node *vca = groups->vcas[v];
	bool glob = strpbrk(word, "*?[{") != NULL, any = false;

	for (uint32_t i = 0; i < model->n_nodes; i++) {
		const struct graph_node *node = model->nodes[i];

		if (strchr(node->name, ':') || (glob && node == vca) ||
		    !(glob ? graph_glob_match(word, node->name) : strcmp(word, node->name) == 0) ||
		    graph_node_gain_param(node) < 0)
			continue;
		moves_of(groups, i)[v / 64] |= UINT64_C(1) << (v % 64);
		any = true;
	}
	return any || glob ? 0 : refuse_name(groups, vca, word);
}

static int add_members(struct groups *groups, uint32_t v)
{
	const struct graph_node *vca = groups->vcas[v];
	int idx = graph_type_config(vca->type, "members"), r = 0;
	_cleanup_free_ char *copy = NULL;
	char *rest, *word;

	if (idx < 0 || !vca->config[idx].text)
		return 0;
	rest = copy = strdup(vca->config[idx].text);
	if (!copy)
		return error_no_memory(groups->err);
	while (r == 0 && (word = strsep(&rest, ", \t"))) {
		if (*word)
			r = add_word(groups, v, word);
	}
	return r;
}

static uint32_t node_index(const struct groups *groups, const struct graph_node *node)
{
	const struct graph_model *model = &groups->expanded->model;
	uint32_t i = 0;

	while (model->nodes[i] != node)
		i++;
	return i;
}

/* What moves a VCA moves all that it moves: Warshall's closure over the VCAs (Journal of the ACM 9:1,
 * 1962), then one step to the nodes. */
static int close_groups(struct groups *groups)
{
	uint32_t n_nodes = groups->expanded->model.n_nodes;
	_cleanup_free_ uint32_t *at = calloc(groups->n_vcas + 1u, sizeof(*at));

	if (!at)
		return error_no_memory(groups->err);
	for (uint32_t v = 0; v < groups->n_vcas; v++)
		at[v] = node_index(groups, groups->vcas[v]);
	for (uint32_t k = 0; k < groups->n_vcas; k++)
		for (uint32_t v = 0; v < groups->n_vcas; v++)
			for (uint32_t w = 0; moves_get(groups, at[v], k) && w < groups->n_words;
			     w++)
				moves_of(groups, at[v])[w] |= moves_of(groups, at[k])[w];
	for (uint32_t v = 0; v < groups->n_vcas; v++) {
		if (moves_get(groups, at[v], v)) {
			int r = error_set(groups->err, ERROR_INVALID, groups->vcas[v]->name,
					  "%s would move itself", groups->vcas[v]->name);

			error_hint(groups->err, "take it out of `members`, there or further on");
			return r;
		}
	}
	for (uint32_t i = 0; i < n_nodes; i++)
		for (uint32_t v = 0;
		     !is_vca(groups->expanded->model.nodes[i]) && v < groups->n_vcas; v++)
			for (uint32_t w = 0; moves_get(groups, i, v) && w < groups->n_words; w++)
				moves_of(groups, i)[w] |= moves_of(groups, at[v])[w];
	return 0;
}

static int write_groups(const struct groups *groups)
{
	struct graph_expanded *expanded = groups->expanded;
	uint32_t n_nodes = expanded->model.n_nodes, n = 0;

	for (uint32_t i = 0; i < n_nodes; i++)
		for (uint32_t v = 0; v < groups->n_vcas; v++)
			n += moves_get(groups, i, v);
	expanded->group = calloc(n + 1u, sizeof(struct graph_node *));
	if (!expanded->group)
		return error_no_memory(groups->err);
	n = 0;
	for (uint32_t i = 0; i < n_nodes; i++) {
		expanded->group_first[i] = n;
		for (uint32_t v = 0; v < groups->n_vcas; v++)
			if (moves_get(groups, i, v))
				expanded->group[n++] = groups->vcas[v];
	}
	expanded->group_first[n_nodes] = n;
	return 0;
}

int graph_groups_resolve(struct graph_expanded *expanded, struct mixd_error *err)
{
	const struct graph_model *model = &expanded->model;
	_cleanup_free_ struct graph_node **vcas = calloc(model->n_nodes + 1u, sizeof(*vcas));
	_cleanup_free_ uint64_t *moves = NULL;
	struct groups groups = {.expanded = expanded, .vcas = vcas, .err = err};
	int r = 0;

	expanded->group_first = calloc(model->n_nodes + 1u, sizeof(uint32_t));
	if (!vcas || !expanded->group_first)
		return error_no_memory(err);
	for (uint32_t i = 0; i < model->n_nodes; i++) {
		if (is_vca(model->nodes[i]))
			vcas[groups.n_vcas++] = model->nodes[i];
	}
	if (groups.n_vcas == 0)
		return 0;
	groups.n_words = (groups.n_vcas + 63) / 64;
	groups.moves = moves = calloc((size_t)model->n_nodes * groups.n_words, sizeof(*moves));
	if (!moves)
		return error_no_memory(err);
	for (uint32_t v = 0; r == 0 && v < groups.n_vcas; v++)
		r = add_members(&groups, v);
	if (r == 0)
		r = close_groups(&groups);
	return r < 0 ? r : write_groups(&groups);
}
