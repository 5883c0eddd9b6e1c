/* control_presets.c - presets over the wire: list, show, save, remove. Applying one is an operation. */
#include "control_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static char *control_keep(struct control_call *call, const char *text)
{
	return control_arena_strdup(&call->handler->arena, text);
}

static Mixd__V1__Preset *control_preset(struct control_call *call, const struct graph_type *type,
					const struct instance_preset *row)
{
	const struct graph_preset *preset = row->preset;
	uint32_t n = preset->n_settings;
	Mixd__V1__Preset *message = control_call_array(call, 1, sizeof(*message));
	Mixd__V1__Setting *settings = control_call_array(call, n, sizeof(*settings));
	Mixd__V1__Value *values = control_call_array(call, n, sizeof(*values));

	if (!message || (n && (!settings || !values)))
		return NULL;
	mixd__v1__preset__init(message);
	message->settings = control_call_array(call, n, sizeof(message->settings[0]));
	message->type = control_keep(call, type->node_type->id);
	message->name = control_keep(call, preset->name);
	message->doc = control_keep(call, preset->doc);
	message->from = control_keep(call, row->from);
	for (uint32_t i = 0; message->settings && i < n; i++) {
		mixd__v1__setting__init(&settings[i]);
		settings[i].id = control_keep(call, preset->settings[i].id);
		settings[i].text = control_keep(call, preset->settings[i].text);
		mixd__v1__value__init(&values[i]);
		values[i].kind_case = MIXD__V1__VALUE__KIND_TEXT;
		values[i].text = settings[i].text;
		settings[i].value = &values[i];
		message->settings[message->n_settings++] = &settings[i];
	}
	return message;
}

/* The presets of TYPE that match, behind those that are there already. */
static int control_presets_of(struct control_call *call, const struct graph_type *type,
			      const char *pattern, Mixd__V1__PresetsReply *reply)
{
	struct instance_presets *presets = NULL;
	int r = instance_presets(call->handler->instance, type, &presets, &call->error);
	Mixd__V1__Preset **grown;
	char **faults;

	if (r < 0)
		return r;
	grown = control_call_array(call, reply->n_presets + presets->n_rows, sizeof(*grown));
	faults = control_call_array(call, reply->n_faults + presets->n_faults, sizeof(*faults));
	if (reply->n_presets && grown)
		memcpy(grown, reply->presets, reply->n_presets * sizeof(*grown));
	if (reply->n_faults && faults)
		memcpy(faults, reply->faults, reply->n_faults * sizeof(*faults));
	reply->presets = grown;
	reply->faults = faults;
	for (uint32_t i = 0; grown && i < presets->n_rows; i++) {
		if (*pattern && !graph_glob_match(pattern, presets->rows[i].preset->name))
			continue;
		grown[reply->n_presets] = control_preset(call, type, &presets->rows[i]);
		r = grown[reply->n_presets++] ? r : -ENOMEM;
	}
	for (uint32_t i = 0; faults && i < presets->n_faults; i++) {
		char text[512];

		snprintf(text, sizeof(text), "%s: %s%s%s", presets->faults[i].address,
			 presets->faults[i].text, presets->faults[i].hint[0] ? "; " : "",
			 presets->faults[i].hint);
		faults[reply->n_faults++] = control_keep(call, text);
	}
	instance_presets_free(presets);
	return r;
}

/* The type that OF names: itself, or that of a node. */
static int control_preset_type(struct control_call *call, const char *of,
			       const struct graph_type **ret)
{
	const struct graph_model *model = instance_model(call->handler->instance);
	const struct graph_node *node = graph_model_node(model, of);

	*ret = node ? node->type : graph_types_find(model->types, of, &call->error);
	return *ret ? 0 : -ENOENT;
}

int control_get_presets(struct control_call *call)
{
	const Mixd__V1__GetPresets *wish = call->request->get_presets;
	const struct graph_types *types = instance_model(call->handler->instance)->types;
	Mixd__V1__PresetsReply *reply = control_call_array(call, 1, sizeof(*reply));
	const struct graph_type *type;
	int r = reply ? 0 : -ENOMEM;

	if (r < 0)
		return r;
	mixd__v1__presets_reply__init(reply);
	if (*wish->of) {
		r = control_preset_type(call, wish->of, &type);
		if (r == 0)
			r = control_presets_of(call, type, wish->name, reply);
	}
	for (uint32_t i = 0; !*wish->of && r == 0 && i < graph_types_count(types); i++)
		r = control_presets_of(call, graph_types_at(types, i), wish->name, reply);
	if (r < 0)
		return r;
	call->reply.op_case = MIXD__V1__REPLY__OP_GET_PRESETS;
	call->reply.get_presets = reply;
	return 0;
}

int control_save_preset(struct control_call *call)
{
	const Mixd__V1__SavePreset *wish = call->request->save_preset;
	struct instance *instance = call->handler->instance;
	Mixd__V1__SavePresetReply *reply = control_call_array(call, 1, sizeof(*reply));
	Mixd__V1__PresetsReply found = MIXD__V1__PRESETS_REPLY__INIT;
	const char *slash = strrchr(wish->name, '/'), *name = slash ? slash + 1 : wish->name;
	const struct graph_type *type = NULL;
	struct graph_node *node = NULL;
	int r = reply ? 0 : -ENOMEM;

	if (r == 0 && wish->remove)
		r = control_preset_type(call, wish->node, &type);
	else if (r == 0)
		r = graph_model_find_node(instance_model(instance), wish->node, &node,
					  &call->error);
	if (node)
		type = node->type;
	if (r == 0)
		r = instance_save_preset(instance, type, node, name, wish->doc, &call->error);
	if (r == 0 && node)
		r = control_presets_of(call, type, name, &found);
	if (r < 0)
		return r;
	call->keep = true;
	mixd__v1__save_preset_reply__init(reply);
	reply->preset = found.n_presets ? found.presets[0] : NULL;
	call->reply.op_case = MIXD__V1__REPLY__OP_SAVE_PRESET;
	call->reply.save_preset = reply;
	return 0;
}
