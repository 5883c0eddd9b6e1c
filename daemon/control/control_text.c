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

/* *AT: the row ID of TYPE, params first; the search begins there, since settings come in the order of
 * their table. False: there is no such row. */
static bool control_text_row(const struct graph_type *type, const char *id, uint32_t *at)
{
	uint32_t n = type->n_params + type->n_configs;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t row = (*at + i) % n;

		if (strcmp(row < type->n_params ? type->params[row].id
						: type->configs[row - type->n_params]->id,
			   id) != 0)
			continue;
		*at = row;
		return true;
	}
	return false;
}

static void control_text_number(const struct graph_type *type, uint32_t row, double number,
				char **field)
{
	const struct mixd_value value = {.number = number};
	char buf[TEXT_MAX] = "";

	if (row < type->n_params)
		graph_value_format_param(type->params[row].row, number, buf, sizeof(buf));
	else
		graph_value_format_config(type->configs[row - type->n_params], &value, buf,
					  sizeof(buf));
	control_text_put(field, buf);
}

static void control_text_fill(const struct graph_type *type, uint32_t row,
			      const Mixd__V1__Value *value, char **field)
{
	if (value && value->kind_case == MIXD__V1__VALUE__KIND_TEXT)
		control_text_put(field, value->text);
	else if (value && value->kind_case == MIXD__V1__VALUE__KIND_FLAG)
		control_text_put(field, value->flag ? "on" : "off");
	else if (value && value->kind_case == MIXD__V1__VALUE__KIND_NUMBER)
		control_text_number(type, row, value->number, field);
}

void control_text_node(const struct graph_types *types, Mixd__V1__Node *node)
{
	const struct graph_type *type = graph_types_find(types, node->type, NULL);
	uint32_t at = 0;

	for (size_t i = 0; type && i < node->n_settings; i++)
		if (control_text_row(type, node->settings[i]->id, &at))
			control_text_fill(type, at, node->settings[i]->value,
					  &node->settings[i]->text);
}

void control_text_link(Mixd__V1__Link *link)
{
	for (size_t i = 0; i < link->n_settings; i++) {
		const Mixd__V1__Value *value = link->settings[i]->value;
		int row = graph_link_find_row(link->settings[i]->id, "", NULL);
		char buf[TEXT_MAX] = "";

		if (row < 0 || !value)
			continue;
		if (value->kind_case == MIXD__V1__VALUE__KIND_TEXT)
			control_text_put(&link->settings[i]->text, value->text);
		else if (value->kind_case == MIXD__V1__VALUE__KIND_FLAG)
			control_text_put(&link->settings[i]->text, value->flag ? "on" : "off");
		else
			graph_value_format_param(&graph_link_rows[row], value->number, buf,
						 sizeof(buf));
		control_text_put(&link->settings[i]->text, buf);
	}
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

/* What ADDRESS means when change IDX happens: the longest part before a dot that is a node with such a
 * row. NULL: nothing. */
static const struct graph_type *control_text_find(const struct control_text_changes *all,
						  uint32_t idx, const char *address,
						  uint32_t *ret_row)
{
	char name[GRAPH_ADDRESS_MAX];
	size_t size = strlen(address);
	const struct graph_type *type;

	if (size >= sizeof(name))
		return NULL;
	memcpy(name, address, size + 1);
	*ret_row = 0;
	for (size_t i = size; i > 0; i--) {
		if (name[i - 1] != '.')
			continue;
		name[i - 1] = '\0';
		type = control_text_type(all, idx, name);
		if (type && control_text_row(type, address + i, ret_row))
			return type;
	}
	return NULL;
}

static void control_text_change(const struct control_text_changes *all, uint32_t idx)
{
	Mixd__V1__Change *change = all->changes[idx];
	const struct graph_type *type;
	uint32_t row;

	if (change->change_case == MIXD__V1__CHANGE__CHANGE_PARAM && !*change->param->text) {
		type = control_text_find(all, idx, change->param->address, &row);
		if (type)
			control_text_fill(type, row, change->param->value, &change->param->text);
	} else if (change->change_case == MIXD__V1__CHANGE__CHANGE_ENVELOPE &&
		   change->envelope->n_points && !*change->envelope->points[0]->text) {
		type = control_text_find(all, idx, change->envelope->address, &row);
		for (size_t i = 0; type && i < change->envelope->n_points; i++)
			control_text_number(type, row, change->envelope->points[i]->value,
					    &change->envelope->points[i]->text);
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
		if (changes[i]->change_case == MIXD__V1__CHANGE__CHANGE_LINK_ADDED)
			control_text_link(changes[i]->link_added);
		if (changes[i]->change_case == MIXD__V1__CHANGE__CHANGE_NODE_ADDED ||
		    changes[i]->change_case == MIXD__V1__CHANGE__CHANGE_NODE_RENAMED)
			all.names[all.n_names++] = i;
	}
	for (uint32_t i = 0; i < n; i++)
		control_text_change(&all, i);
	free(all.names);
}
