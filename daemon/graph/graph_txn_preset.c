/* graph_txn_preset.c - ApplyPreset: what it takes to sound like a preset, as sets of this transaction.
 *
 * RULES       What the preset names is set; other params go to their defaults, and other configs but
 *             texts, files and counts of ports, which say what a node is connected to. `merge` leaves
 *             alone all that is not named. Bypass, mute and layout stay as they are. */
#include "graph_txn_private.h"
#include "graph_presets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int preset_set(struct graph_txn *txn, const struct graph_node *node, const char *id,
		      const char *text)
{
	Mixd__V1__Value value = MIXD__V1__VALUE__INIT;
	Mixd__V1__Set set = MIXD__V1__SET__INIT;
	char address[GRAPH_ADDRESS_MAX];

	snprintf(address, sizeof(address), "%s.%s", node->name, id);
	value.kind_case = MIXD__V1__VALUE__KIND_TEXT;
	value.text = (char *)(uintptr_t)text;
	set.address = address;
	set.value = &value;
	return graph_txn_op_set(txn, &set);
}

static const char *preset_text(const struct graph_preset *preset, const char *id)
{
	for (uint32_t i = 0; i < preset->n_settings; i++)
		if (strcmp(preset->settings[i].id, id) == 0)
			return preset->settings[i].text;
	return NULL;
}

static bool config_counts_ports(const struct graph_node *node, const char *id)
{
	const struct mixd_node_type *type = node->type->node_type;

	for (uint32_t i = 0; i < type->n_ports; i++)
		if (type->ports[i].count_config && strcmp(type->ports[i].count_config, id) == 0)
			return true;
	return false;
}

static int preset_configs(struct graph_txn *txn, const struct graph_node *node,
			  const struct graph_preset *preset, bool merge)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < node->type->n_configs; i++) {
		const struct mixd_config_row *row = node->type->configs[i];
		const char *text = preset_text(preset, row->id);

		if (!text &&
		    (merge || row->type == MIXD_TYPE_STRING || config_counts_ports(node, row->id)))
			continue;
		r = preset_set(txn, node, row->id, text ? text : "default");
	}
	return r;
}

static int preset_params(struct graph_txn *txn, const struct graph_node *node,
			 const struct graph_preset *preset, bool merge)
{
	int r = 0;

	for (uint32_t i = GRAPH_PARAM_COMMON; r == 0 && i < node->type->n_params; i++) {
		const struct graph_param *param = &node->type->params[i];
		const char *text = preset_text(preset, param->id);

		if (!text && (merge || node->value[i] == param->def))
			continue;
		r = preset_set(txn, node, param->id, text ? text : "default");
	}
	return r;
}

static int preset_node(struct graph_txn *txn, const struct graph_node *node,
		       const Mixd__V1__ApplyPreset *op)
{
	const struct graph_preset *preset = NULL;
	const char *slash = strrchr(op->preset, '/'), *name = slash ? slash + 1 : op->preset;
	const char *type = node->type->node_type->id;
	int r;

	if (slash && ((size_t)(slash - op->preset) != strlen(type) ||
		      strncmp(op->preset, type, strlen(type)) != 0)) {
		r = error_set(txn->err, ERROR_INVALID, node->name,
			      "%s is a %s: %.80s is not for it", node->name, type, op->preset);
		error_hint(txn->err, "see mixctl preset ls %s", type);
		return r;
	}
	if (!txn->model->find_preset)
		return error_set(txn->err, ERROR_NOT_FOUND, op->preset, "there are no presets");
	r = txn->model->find_preset(txn->model->find_preset_data, node->type, name, &preset,
				    txn->err);
	if (r == 0)
		r = preset_configs(txn, node, preset, op->merge);
	if (r == 0)
		r = preset_params(txn, node, preset, op->merge);
	return r;
}

int graph_txn_op_preset(struct graph_txn *txn, const Mixd__V1__ApplyPreset *op)
{
	struct graph_model *model = txn->model;
	const char *slash = strrchr(op->preset, '/');
	struct graph_node *node;
	uint32_t n = 0;
	int r = 0;

	if (!strpbrk(op->node, "*?[{")) {
		r = graph_model_find_node(model, op->node, &node, txn->err);
		return r < 0 ? r : preset_node(txn, node, op);
	}
	/* with a pattern, those of the preset's type */
	for (uint32_t i = 0; r == 0 && i < model->n_nodes; i++) {
		const char *type = model->nodes[i]->type->node_type->id;

		if (!graph_glob_match(op->node, model->nodes[i]->name) ||
		    (slash && ((size_t)(slash - op->preset) != strlen(type) ||
			       strncmp(op->preset, type, strlen(type)) != 0)))
			continue;
		r = preset_node(txn, model->nodes[i], op);
		n++;
	}
	if (r < 0 || n > 0)
		return r;
	r = error_set(txn->err, ERROR_NOT_FOUND, op->node, "no node matches");
	error_hint(txn->err, "see mixctl ls; * stops at /, ** does not");
	return r;
}
