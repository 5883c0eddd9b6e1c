/* render_idle.c - settings that nobody hears: bands that are off. */
#include <stdio.h>
#include <string.h>

#include "render_internal.h"

/* Params of one band stand together: "band1.on", "band1.freq", ... */
static bool idle_is_set(const struct graph_node *node, uint32_t on, size_t group_size)
{
	const struct graph_param *params = node->type->params;
	bool is_set = false;

	for (uint32_t i = 0; i < node->type->n_params; i++)
		if (strncmp(params[i].id, params[on].id, group_size + 1) == 0)
			is_set = is_set || node->value[i] != params[i].def;
	return is_set;
}

static bool idle_is_moved(const struct graph_model *model, const struct graph_node *node,
			  uint32_t param_idx)
{
	for (uint32_t i = 0; i < model->n_envelopes; i++)
		if (model->envelopes[i]->node == node &&
		    model->envelopes[i]->param_idx == param_idx)
			return true;
	return false;
}

static void idle_add(const char *node, const char *band, size_t band_size, char *list, size_t size)
{
	size_t n = strlen(list);

	if (n + strlen(node) + band_size + 8 < size)
		snprintf(list + n, size - n, "%s%s.%.*s", n ? ", " : "", node, (int)band_size,
			 band);
	else if (n > 3 && n + 6 < size && strcmp(list + n - 3, "...") != 0)
		snprintf(list + n, size - n, ", ...");
}

void render_idle_bands(const struct graph_model *model, char *list, size_t size)
{
	list[0] = '\0';
	for (uint32_t i = 0; i < model->n_nodes; i++) {
		const struct graph_node *node = model->nodes[i];

		for (uint32_t k = 0; k < node->type->n_params; k++) {
			const struct graph_param *param = &node->type->params[k];
			const char *dot = strrchr(param->id, '.');

			if (!dot || strcmp(dot, ".on") != 0 || param->def != 0 ||
			    node->value[k] != 0 || idle_is_moved(model, node, k) ||
			    !idle_is_set(node, k, (size_t)(dot - param->id)))
				continue;
			idle_add(node->name, param->id, (size_t)(dot - param->id), list, size);
		}
	}
}
