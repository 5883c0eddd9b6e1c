/* control_text.c - values in words beside the numbers that are sent: only the daemon has the tables
 * that know units. */
#include "control_internal.h"

#include <stdlib.h>
#include <string.h>

#include "graph_value.h"

#define TEXT_MAX 256u

/* Strings of messages are freed by protobuf-c, which knows its own empty one. */
static void control_text_put(char **field, const char *text)
{
	char *copy = **field || !*text ? NULL : strdup(text);

	if (copy)
		*field = copy;
}

/* VALUE of the row ID of TYPE. *AT: where the search begins and ended; settings come in the order of
 * their table. False: there is no such row. */
static bool control_text_fill(const struct graph_type *type, const char *id,
			      const Mixd__V1__Value *value, uint32_t *at, char **field)
{
	uint32_t n = type->n_params + type->n_configs, i = 0;
	char buf[TEXT_MAX] = "";

	for (; i < n; i++) {
		uint32_t row = (*at + i) % n;

		if (strcmp(row < type->n_params ? type->params[row].id
						: type->configs[row - type->n_params]->id,
			   id) == 0)
			break;
	}
	if (i == n)
		return false;
	*at = (*at + i) % n;
	if (!value)
		return true;
	if (value->kind_case == MIXD__V1__VALUE__KIND_TEXT) {
		control_text_put(field, value->text);
		return true;
	}
	if (value->kind_case == MIXD__V1__VALUE__KIND_FLAG) {
		control_text_put(field, value->flag ? "on" : "off");
		return true;
	}
	if (*at < type->n_params) {
		graph_value_format_param(type->params[*at].row, value->number, buf, sizeof(buf));
	} else {
		const struct mixd_value number = {.number = value->number};

		graph_value_format_config(type->configs[*at - type->n_params], &number, buf,
					  sizeof(buf));
	}
	control_text_put(field, buf);
	return true;
}

void control_text_node(const struct graph_types *types, Mixd__V1__Node *node)
{
	const struct graph_type *type = graph_types_find(types, node->type, NULL);
	uint32_t at = 0;

	for (size_t i = 0; type && i < node->n_settings; i++)
		control_text_fill(type, node->settings[i]->id, node->settings[i]->value, &at,
				  &node->settings[i]->text);
}

/* ---- changes ---- */

struct control_text_changes {
	const struct graph_model *model; /* before the changes (dry run), or after them */
	Mixd__V1__Change *const *changes;
	uint32_t *names; /* indexes of the changes that make names mean something else */
	uint32_t n_names;
};

/* The type of the node that is called NAME when change IDX happens. */
static const struct graph_type *control_text_type(const struct control_text_changes *all,
						  uint32_t idx, const char *name)
{
	const struct graph_node *node;

	for (uint32_t i = all->n_names; i > 0; i--) {
		const Mixd__V1__Change *change = all->changes[all->names[i - 1]];

		if (all->names[i - 1] > idx)
			continue;
		if (change->change_case == MIXD__V1__CHANGE__CHANGE_NODE_ADDED) {
			if (strcmp(change->node_added->name, name) == 0)
				return graph_types_find(all->model->types, change->node_added->type,
							NULL);
		} else if (strcmp(change->node_renamed->to, name) == 0) {
			node = graph_model_node(all->model, name);
			if (node)
				return node->type;
			name = change->node_renamed->from;
		}
	}
	node = graph_model_node(all->model, name);
	for (uint32_t i = 0; !node && i < all->n_names; i++) {
		const Mixd__V1__Change *change = all->changes[all->names[i]];

		if (change->change_case == MIXD__V1__CHANGE__CHANGE_NODE_RENAMED &&
		    strcmp(change->node_renamed->from, name) == 0)
			node = graph_model_node(all->model, change->node_renamed->to);
	}
	return node ? node->type : NULL;
}

/* The longest part before a dot that is a node with such a row. */
static void control_text_param(const struct control_text_changes *all, uint32_t idx,
			       Mixd__V1__ParamChanged *param)
{
	char name[GRAPH_ADDRESS_MAX];
	size_t size = strlen(param->address);
	const struct graph_type *type;
	uint32_t at = 0;

	if (*param->text || size >= sizeof(name))
		return;
	memcpy(name, param->address, size + 1);
	for (size_t i = size; i > 0; i--) {
		if (name[i - 1] != '.')
			continue;
		name[i - 1] = '\0';
		type = control_text_type(all, idx, name);
		if (type &&
		    control_text_fill(type, param->address + i, param->value, &at, &param->text))
			return;
	}
}

void control_text_changes(const struct graph_model *model, Mixd__V1__Change *const *changes,
			  size_t n)
{
	struct control_text_changes all = {.model = model, .changes = changes};

	all.names = calloc(n + 1, sizeof(*all.names));
	if (!all.names)
		return;
	for (uint32_t i = 0; i < n; i++) {
		if (changes[i]->change_case == MIXD__V1__CHANGE__CHANGE_NODE_ADDED)
			control_text_node(model->types, changes[i]->node_added);
		if (changes[i]->change_case == MIXD__V1__CHANGE__CHANGE_NODE_ADDED ||
		    changes[i]->change_case == MIXD__V1__CHANGE__CHANGE_NODE_RENAMED)
			all.names[all.n_names++] = i;
	}
	for (uint32_t i = 0; i < n; i++)
		if (changes[i]->change_case == MIXD__V1__CHANGE__CHANGE_PARAM)
			control_text_param(&all, i, changes[i]->param);
	free(all.names);
}
