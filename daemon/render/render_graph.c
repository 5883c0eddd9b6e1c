/* render_graph.c - the session as a model: with what was set, and an output at each stem. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_session.h"
#include "render_internal.h"

#define GRAPH_LIST_MAX 200u /* characters of a list of names in a hint */

/* ---- transactions ------------------------------------------------------------------------------ */

static int graph_apply(struct graph_model *model, Mixd__V1__Op *op, struct mixd_error *err)
{
	struct graph_delta *delta = NULL;
	int r = graph_txn_apply(model, &op, 1, &delta, err);

	graph_delta_free(delta);
	return r;
}

/* "vox.gain=-3dB"; "vox.gain+=1dB" is relative. */
static int graph_set(struct graph_model *model, const char *words, struct mixd_error *err)
{
	const char *equals = strchr(words, '=');
	bool relative = equals && equals > words && strchr("+-", equals[-1]);
	Mixd__V1__Set set = MIXD__V1__SET__INIT;
	Mixd__V1__Value value = MIXD__V1__VALUE__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT;
	_cleanup_free_ char *address = NULL;

	if (!equals || equals == words) {
		int r = error_set(err, ERROR_USAGE, "--set", "\"%.100s\" sets nothing", words);

		error_hint(err, "write --set node.param=value");
		return r;
	}
	address = strndup(words, (size_t)(equals - words) - relative);
	if (!address)
		return error_no_memory(err);
	value.kind_case = MIXD__V1__VALUE__KIND_TEXT;
	value.text = (char *)(uintptr_t)(equals + 1 - 2 * relative);
	set.address = address;
	set.value = &value;
	if (relative) /* "+=1dB" is what the value's reader knows as relative */
		value.text = (char *)(uintptr_t)(equals - 1);
	op.op_case = MIXD__V1__OP__OP_SET;
	op.set = &set;
	return graph_apply(model, &op, err);
}

static int graph_set_text(struct graph_model *model, const char *address, const char *text,
			  struct mixd_error *err)
{
	Mixd__V1__Set set = MIXD__V1__SET__INIT;
	Mixd__V1__Value value = MIXD__V1__VALUE__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT;

	value.kind_case = MIXD__V1__VALUE__KIND_TEXT;
	value.text = (char *)(uintptr_t)text;
	set.address = (char *)(uintptr_t)address;
	set.value = &value;
	op.op_case = MIXD__V1__OP__OP_SET;
	op.set = &set;
	return graph_apply(model, &op, err);
}

/* ---- boundaries -------------------------------------------------------------------------------- */

static bool graph_is(const struct graph_node *node, uint32_t flag)
{
	return (node->type->node_type->flags & flag) != 0;
}

/* The names of all nodes with FLAG, "a, b, c", as long as they fit. */
static uint32_t graph_list(const struct graph_model *model, uint32_t flag, char *buf, size_t size)
{
	uint32_t n = 0;
	size_t at = 0;

	buf[0] = '\0';
	for (uint32_t i = 0; i < model->n_nodes; i++) {
		const char *name = model->nodes[i]->name;

		if (!graph_is(model->nodes[i], flag))
			continue;
		if (at + strlen(name) + 6 < size)
			at += (size_t)snprintf(buf + at, size - at, "%s%s", n ? ", " : "", name);
		else if (at + 6 < size)
			at += (size_t)snprintf(buf + at, size - at, ", ...");
		n++;
	}
	return n;
}

/* The only node with FLAG. */
static int graph_only(const struct graph_model *model, uint32_t flag, struct graph_node **ret,
		      struct mixd_error *err)
{
	bool input = flag == MIXD_NODE_EXTERNAL_IN;
	const char *word = input ? "input" : "output", *option = input ? "-i" : "-o";
	char names[GRAPH_LIST_MAX];
	uint32_t n = graph_list(model, flag, names, sizeof(names));
	int r;

	for (uint32_t i = 0; n == 1 && i < model->n_nodes; i++)
		if (graph_is(model->nodes[i], flag))
			*ret = model->nodes[i];
	if (n == 1)
		return 0;
	if (n)
		r = error_set(err, ERROR_INVALID, option, "the session has %u %ss: %s", n, word,
			      names);
	else
		r = error_set(err, ERROR_INVALID, option, "the session has no %s", word);
	if (n)
		error_hint(err, "say which: %s NODE=FILE", option);
	else
		error_hint(err, "give it a node of type %s", word);
	return r;
}

/* Nobody runs whom `mixctl ls` could ask: what there is, is said here. */
static void graph_hint(const struct graph_model *model, uint32_t flag, struct mixd_error *err)
{
	const char *word = flag == MIXD_NODE_EXTERNAL_IN ? "input" : "output";
	char names[GRAPH_LIST_MAX];
	uint32_t n = graph_list(model, flag, names, sizeof(names));

	if (n && !strstr(err->hint, "did you mean"))
		error_hint(err, "the %s%s %s", word, n > 1 ? "s are" : " is", names);
}

static int graph_find_input(const struct graph_model *model, const char *name,
			    struct graph_node **ret, struct mixd_error *err)
{
	char names[GRAPH_LIST_MAX];
	int r;

	if (!name)
		return graph_only(model, MIXD_NODE_EXTERNAL_IN, ret, err);
	r = graph_model_find_node(model, name, ret, err);
	if (r < 0)
		graph_hint(model, MIXD_NODE_EXTERNAL_IN, err);
	if (r < 0 || graph_is(*ret, MIXD_NODE_EXTERNAL_IN))
		return r;
	graph_list(model, MIXD_NODE_EXTERNAL_IN, names, sizeof(names));
	r = error_set(err, ERROR_INVALID, name, "is a %s, not an input",
		      (*ret)->type->node_type->id);
	if (names[0])
		error_hint(err, "the inputs are %s", names);
	return r;
}

/* An `output` node of our own, linked to ADDRESS. */
static int graph_stem(struct graph_model *model, const char *address, struct graph_node **ret,
		      struct mixd_error *err)
{
	Mixd__V1__AddNode add = MIXD__V1__ADD_NODE__INIT;
	Mixd__V1__AddLink link = MIXD__V1__ADD_LINK__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT;
	char name[32], from[GRAPH_ADDRESS_MAX];
	struct graph_node *node;
	uint32_t port, n = 0;
	int r = graph_model_find_port(model, address, true, &node, &port, err);

	if (r < 0)
		return r;
	do {
		snprintf(name, sizeof(name), "stem.%u", ++n);
	} while (graph_model_node(model, name));
	add.name = name;
	add.type = (char *)(uintptr_t) "output";
	op.op_case = MIXD__V1__OP__OP_ADD;
	op.add = &add;
	r = graph_apply(model, &op, err);
	if (r < 0)
		return r;
	graph_node_port_address(node, true, port, from, sizeof(from));
	link.from = from;
	link.to = name;
	op.op_case = MIXD__V1__OP__OP_LINK;
	op.link = &link;
	r = graph_apply(model, &op, err);
	*ret = graph_model_node(model, name);
	return r;
}

/* The last node of the track or bus NAME: it feeds no other node of that folder. NULL: there is no
 * such folder, or it ends in several. */
static struct graph_node *graph_end_of(const struct graph_model *model, const char *name)
{
	size_t size = strlen(name);
	struct graph_node *end = NULL;

	for (uint32_t i = 0; i < model->n_nodes; i++) {
		struct graph_node *node = model->nodes[i];
		bool is_last = strncmp(node->name, name, size) == 0 && node->name[size] == '/';

		for (uint32_t k = 0; is_last && k < model->n_links; k++) {
			const char *to = model->links[k]->to->name;

			is_last = model->links[k]->from != node || strncmp(to, name, size) != 0 ||
				  to[size] != '/';
		}
		if (is_last && end)
			return NULL;
		end = is_last ? node : end;
	}
	return end;
}

static int graph_find_output(struct graph_model *model, const char *address,
			     struct graph_node **ret, struct mixd_error *err)
{
	struct graph_node *node;
	int r;

	if (!address)
		return graph_only(model, MIXD_NODE_EXTERNAL_OUT, ret, err);
	node = graph_model_node(model, address);
	if (node && graph_is(node, MIXD_NODE_EXTERNAL_OUT)) {
		*ret = node;
		return 0;
	}
	if (!node) {
		node = graph_end_of(model, address);
		address = node ? node->name : address;
	}
	if (!strchr(address, ':')) { /* so that a wrong name is told as that of a node */
		r = graph_model_find_node(model, address, &node, err);
		if (r < 0) {
			graph_hint(model, MIXD_NODE_EXTERNAL_OUT, err);
			return r;
		}
	}
	return graph_stem(model, address, ret, err);
}

static int graph_bind(const struct render_request *request, struct render_graph *graph,
		      struct mixd_error *err)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < request->n_inputs; i++) {
		r = graph_find_input(graph->model, request->input[i].node, &graph->in[i], err);
		for (uint32_t k = 0; r == 0 && k < i; k++)
			if (graph->in[k] == graph->in[i])
				r = error_set(err, ERROR_CONFLICT, graph->in[i]->name,
					      "this input is given two files");
	}
	for (uint32_t i = 0; r == 0 && i < request->n_outputs; i++) {
		struct graph_node *same = NULL;
		const char *name = request->output[i].node;

		for (uint32_t k = 0; k < i && name; k++)
			if (request->output[k].node && strcmp(request->output[k].node, name) == 0)
				same = graph->out[k];
		if (same)
			graph->out[i] = same;
		else
			r = graph_find_output(graph->model, name, &graph->out[i], err);
	}
	return r;
}

/* ---- files ------------------------------------------------------------------------------------- */

/* What a recorder writes begins there, too, as it does live. */
static int graph_resolve_record(struct graph_node *node, const char *folder, struct mixd_error *err)
{
	for (uint32_t k = 0; k < node->type->n_configs; k++) {
		const struct mixd_config_row *row = node->type->configs[k];
		const char *text = node->config[k].text ? node->config[k].text : row->def_text;
		char *path = NULL;

		if (strcmp(row->id, "file") != 0 || !text || !text[0] || text[0] == '/')
			continue;
		if (asprintf(&path, "%s/%s", folder, text) < 0)
			return error_no_memory(err);
		free((char *)(uintptr_t)node->config[k].text);
		node->config[k].text = path;
	}
	return 0;
}

/* Relative names begin in FOLDER when they are there. */
static int graph_resolve_files(struct graph_model *model, const char *folder,
			       struct mixd_error *err)
{
	for (uint32_t i = 0; folder && i < model->n_nodes; i++) {
		struct graph_node *node = model->nodes[i];
		int r = render_clips_resolve(node, folder, err);

		if (r == 0 && strcmp(node->type->node_type->id, "recorder") == 0)
			r = graph_resolve_record(node, folder, err);
		if (r < 0)
			return r;
		for (uint32_t k = 0; k < node->type->n_configs; k++) {
			const char *text = node->config[k].text;
			char *path = NULL;

			if (!node->type->configs[k]->is_file || node->type->configs[k]->is_clips ||
			    !text || !text[0] || text[0] == '/')
				continue;
			if (asprintf(&path, "%s/%s", folder, text) < 0)
				return error_no_memory(err);
			if (access(path, R_OK) < 0) {
				free(path); /* in one of the folders that audio_file.h knows */
				continue;
			}
			free((char *)(uintptr_t)text);
			node->config[k].text = path;
		}
	}
	return 0;
}

/* ---- load -------------------------------------------------------------------------------------- */

int render_graph_load(const struct render_request *request, struct render_graph *ret,
		      struct mixd_error *err)
{
	const char *name = request->session_name ? request->session_name : "session";
	Mixd__V1__Graph *graph = NULL;
	int r = graph_session_parse_whole(request->types, name, request->session,
					  strlen(request->session), NULL, &graph, err);

	if (r < 0)
		return r;
	r = graph_model_from_proto(request->types, graph, &ret->model, err);
	mixd__v1__graph__free_unpacked(graph, NULL);
	if (r < 0)
		return r;
	ret->in = calloc(request->n_inputs + 1u, sizeof(struct graph_node *));
	ret->out = calloc(request->n_outputs + 1u, sizeof(struct graph_node *));
	if (!ret->in || !ret->out)
		return error_no_memory(err);
	for (uint32_t i = 0; r == 0 && i < request->n_set; i++)
		r = graph_set(ret->model, request->set[i], err);
	if (r == 0)
		r = graph_resolve_files(ret->model, request->folder, err);
	if (r == 0)
		r = render_spare(request, ret->model, err);
	return r < 0 ? r : graph_bind(request, ret, err);
}

void render_graph_done(struct render_graph *graph)
{
	graph->model = graph_model_free(graph->model);
	free(graph->in);
	free(graph->out);
	graph->in = graph->out = NULL;
}

int render_graph_input_layout(struct render_graph *graph, uint32_t input,
			      const struct mixd_layout *layout, struct mixd_error *err)
{
	const struct graph_node *node = graph->in[input];
	const char *text = node->config[GRAPH_CONFIG_LAYOUT].text;
	char address[GRAPH_ADDRESS_MAX];

	if (text && strcmp(text, "auto") != 0)
		return 0;
	snprintf(address, sizeof(address), "%s.layout", node->name);
	return graph_set_text(graph->model, address, layout->name, err);
}

/* ---- time -------------------------------------------------------------------------------------- */

int render_graph_end(const struct render_graph *graph, double rate, double *ret_frames,
		     struct mixd_error *err)
{
	const struct graph_model *model = graph->model;
	double end = 0;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < model->n_nodes; i++)
		r = render_clips_end(model->nodes[i], rate, &end, err);
	for (uint32_t i = 0; i < model->n_envelopes; i++) {
		const struct graph_envelope *envelope = model->envelopes[i];

		if (envelope->n_points)
			end = fmax(end,
				   envelope->points[envelope->n_points - 1].at_ms * rate / 1000.0);
	}
	*ret_frames = end;
	return r;
}

/* Nothing has been heard yet, so what an envelope moves begins where the envelope does, and not with a
 * way from where it will end (G5). */
int render_graph_begin(const struct graph_model *model, struct graph_delta *ret_delta)
{
	*ret_delta = (struct graph_delta){.topology = true, .markers = true};
	ret_delta->envelopes = calloc(model->n_envelopes + 1u, sizeof(uint64_t));
	if (!ret_delta->envelopes)
		return -ENOMEM;
	for (uint32_t i = 0; i < model->n_envelopes; i++) {
		const struct graph_envelope *envelope = model->envelopes[i];

		ret_delta->envelopes[ret_delta->n_envelopes++] = envelope->uid;
		if (envelope->n_points)
			envelope->node->value[envelope->param_idx] = envelope->points[0].value;
	}
	return 0;
}
