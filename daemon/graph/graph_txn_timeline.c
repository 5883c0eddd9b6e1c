/* graph_txn_timeline.c - SetMarker and EditClips: what stands on the time line. */
#include "graph_txn_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_clips.h"
#include "graph_value.h"

DEFINE_CLEANUP(graph_marker_free, struct graph_marker *)

/* ---- markers ---- */

static bool is_glob(const char *text)
{
	return strpbrk(text, "*?[{") != NULL;
}

static int no_marker(struct graph_txn *txn, const char *name)
{
	const struct graph_model *model = txn->model;
	_cleanup_free_ const char **names = calloc(model->n_markers + 1u, sizeof(*names));
	const char *nearest;
	int r = error_set(txn->err, ERROR_NOT_FOUND, name, "there is no marker \"%.60s\"", name);

	for (uint32_t i = 0; names && i < model->n_markers; i++)
		names[i] = model->markers[i]->name;
	nearest = names ? error_nearest(name, names, model->n_markers) : NULL;
	if (nearest)
		error_hint(txn->err, "did you mean \"%s\"?", nearest);
	else
		error_hint(txn->err, "see `mixctl marker ls`");
	return r;
}

static int remove_markers(struct graph_txn *txn, const char *pattern)
{
	struct graph_model *model = txn->model;
	bool glob = is_glob(pattern), any = false;
	int r = 0;

	for (uint32_t i = model->n_markers; r == 0 && i-- > 0;) {
		struct graph_marker *marker = model->markers[i];

		if (glob ? !graph_glob_match(pattern, marker->name)
			 : strcmp(pattern, marker->name) != 0)
			continue;
		any = true;
		r = graph_txn_put_marker(txn, NULL, marker);
	}
	return r < 0 || any ? r : no_marker(txn, pattern);
}

static int read_place(struct graph_txn *txn, const Mixd__V1__SetMarker *op,
		      const struct graph_marker *old, double *ret_s)
{
	int r;

	if (op->at && op->at->kind_case == MIXD__V1__VALUE__KIND_TEXT)
		return graph_position_parse(txn->model, op->at->text, old ? old->at_s : 0.0,
					    op->name, ret_s, txn->err);
	if (op->at && op->at->kind_case == MIXD__V1__VALUE__KIND_NUMBER) {
		*ret_s = op->at->number;
		return 0;
	}
	r = error_set(txn->err, ERROR_INVALID, op->name, "where is the marker?");
	error_hint(txn->err, "give a position, as in 12.5s");
	return r;
}

int graph_txn_op_marker(struct graph_txn *txn, const Mixd__V1__SetMarker *op)
{
	struct graph_marker *old = graph_model_find_marker(txn->model, op->name);
	_cleanup_(graph_marker_freep) struct graph_marker *marker = NULL;
	double at_s = 0.0;
	int r;

	if (op->remove)
		return remove_markers(txn, op->name);
	r = read_place(txn, op, old, &at_s);
	if (r == 0)
		r = graph_marker_check(op->name, at_s, txn->err);
	if (r < 0 || (old && old->at_s == at_s))
		return r;
	if (!old && txn->model->n_markers >= GRAPH_MARKERS_MAX) {
		r = error_set(txn->err, ERROR_RESOURCE, op->name, "more than %u markers",
			      GRAPH_MARKERS_MAX);
		error_hint(txn->err, "remove some that are not needed");
		return r;
	}
	marker = graph_marker_new(op->name, at_s);
	if (!marker)
		return error_no_memory(txn->err);
	return graph_txn_put_marker(txn, TAKE_PTR(marker), old);
}

/* ---- edits ---- */

static int read_options(struct graph_txn *txn, const Mixd__V1__EditClips *op,
			struct graph_edit_option *options)
{
	int r;

	for (size_t i = 0; i < op->n_options; i++) {
		const Mixd__V1__Value *value = op->options[i]->value;

		options[i].name = op->options[i]->id;
		options[i].value = "on";
		if (value && value->kind_case == MIXD__V1__VALUE__KIND_TEXT) {
			options[i].value = value->text;
		} else if (value && value->kind_case == MIXD__V1__VALUE__KIND_NUMBER) {
			r = error_set(txn->err, ERROR_INVALID, op->player,
				      "the option %.40s is a number", options[i].name);
			error_hint(txn->err, "give it as a text with its unit");
			return r;
		}
	}
	return 0;
}

int graph_txn_op_edit(struct graph_txn *txn, const Mixd__V1__EditClips *op)
{
	struct graph_edit_option options[GRAPH_EDIT_ARGS_MAX];
	struct graph_edit_wish wish = {.edit = op->edit,
				       .args = op->args,
				       .n_args = op->n_args,
				       .options = options,
				       .n_options = op->n_options,
				       .rate = txn->model->rate,
				       .model = txn->model,
				       .find_sound = txn->model->find_sound,
				       .find_sound_data = txn->model->find_sound_data};
	struct mixd_value value = {0};
	struct cliplist list = {0};
	struct graph_node *node = NULL;
	int config = -1, r;

	r = graph_model_find_player(txn->model, op->player, &node, &config, txn->err);
	if (r == 0 && op->n_options > GRAPH_EDIT_ARGS_MAX) {
		r = error_set(txn->err, ERROR_USAGE, op->player, "%zu options", op->n_options);
		error_hint(txn->err, "want at most %u", GRAPH_EDIT_ARGS_MAX);
	}
	if (r == 0)
		r = read_options(txn, op, options);
	if (r < 0)
		return r;
	if (cliplist_parse(node->config[config].text, &list, NULL, NULL) < 0)
		return error_no_memory(txn->err);
	r = graph_clips_edit(&list, &wish, NULL, 0, txn->err);
	if (r == 0) {
		value.text = cliplist_write(&list);
		r = value.text ? 0 : error_no_memory(txn->err);
	} else if (txn->err && !txn->err->address[0]) {
		snprintf(txn->err->address, sizeof(txn->err->address), "%s", node->name);
	}
	cliplist_done(&list);
	if (r < 0)
		return r;
	if (strlen(value.text) > GRAPH_CLIPS_TEXT_MAX) {
		free((char *)value.text);
		r = error_set(txn->err, ERROR_RESOURCE, node->name,
			      "the list of clips is too long");
		error_hint(txn->err, "use a second player");
		return r;
	}
	if (graph_node_config_equal(node, (uint32_t)config, &value)) {
		free((char *)value.text);
		return 0;
	}
	return graph_txn_put_config(txn, node, (uint32_t)config, &value);
}
