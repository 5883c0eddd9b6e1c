/* graph_op_text.c - an operation as a person would type it; see graph_session.h. */
#include "graph_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cliplist.h"
#include "graph_model_private.h"
#include "graph_value.h"

#define TEXT_BUF 160u

/* VALUE as ROW's unit has it, "1.5" or "on" where the row is not known. */
static void put_value(FILE *out, const Mixd__V1__Value *value, const struct mixd_param_row *param,
		      const struct mixd_config_row *config)
{
	char text[TEXT_BUF];

	if (!value || value->kind_case == MIXD__V1__VALUE__KIND__NOT_SET) {
		fputs("?", out);
	} else if (value->kind_case == MIXD__V1__VALUE__KIND_FLAG) {
		fputs(value->flag ? "on" : "off", out);
	} else if (value->kind_case == MIXD__V1__VALUE__KIND_TEXT) {
		fprintf(out, strpbrk(value->text, " \t'\"") || !value->text[0] ? "\"%s\"" : "%s",
			value->text);
	} else {
		if (param)
			graph_value_format_param(param, value->number, text, sizeof(text));
		else if (config && config->type != MIXD_TYPE_STRING)
			graph_value_format_config(config,
						  &(struct mixd_value){.number = value->number},
						  text, sizeof(text));
		else
			graph_number_format(value->number, text, sizeof(text));
		fputs(text, out);
	}
}

static void put_setting(FILE *out, const struct graph_type *type, const Mixd__V1__Setting *setting)
{
	int param = type ? graph_type_param(type, setting->id) : -1;
	int config = type ? graph_type_config(type, setting->id) : -1;

	fprintf(out, " %s=", setting->id);
	put_value(out, setting->value, param >= 0 ? type->params[param].row : NULL,
		  config >= 0 ? type->configs[config] : NULL);
}

static void put_set(FILE *out, const struct graph_model *model, const Mixd__V1__Set *set)
{
	const struct mixd_param_row *param = NULL;
	const struct mixd_config_row *config = NULL;
	struct graph_address address;
	char over[40];

	if (graph_model_find_address(model, set->address, &address, NULL) == 0) {
		if (address.kind == GRAPH_ADDRESS_PARAM)
			param = address.node->type->params[address.idx].row;
		else if (address.kind == GRAPH_ADDRESS_CONFIG)
			config = address.node->type->configs[address.idx];
		else if (address.kind == GRAPH_ADDRESS_LINK)
			param = &graph_link_rows[address.idx];
	}
	fprintf(out, "set %s", set->address);
	if (set->toggle) {
		fputs("=toggle", out);
	} else {
		fputs(set->relative ? "+=" : "=", out);
		put_value(out, set->value, param, config);
	}
	if (set->over_ms > 0.0) {
		graph_number_format(set->over_ms, over, sizeof(over));
		fprintf(out, " --over %sms", over);
	}
	if (set->curve[0])
		fprintf(out, " --curve %s", set->curve);
}

static void put_automate(FILE *out, const struct graph_model *model,
			 const Mixd__V1__Automate *automate)
{
	const struct mixd_param_row *param = NULL;
	struct graph_address address;
	char at[40], text[TEXT_BUF];

	if (graph_model_find_address(model, automate->address, &address, NULL) == 0 &&
	    address.kind == GRAPH_ADDRESS_PARAM)
		param = address.node->type->params[address.idx].row;
	fprintf(out, "automate %s", automate->address);
	if (automate->timeline)
		fputs(" --timeline", out);
	if (automate->clear)
		fputs(" --clear", out);
	for (size_t i = 0; i < automate->n_points; i++) {
		graph_number_format(automate->points[i]->at_ms, at, sizeof(at));
		if (param)
			graph_value_format_param(param, automate->points[i]->value, text,
						 sizeof(text));
		else
			graph_number_format(automate->points[i]->value, text, sizeof(text));
		fprintf(out, " %sms=%s", at, text);
	}
	if (automate->curve[0])
		fprintf(out, " --curve %s", automate->curve);
}

static void put_add(FILE *out, const struct graph_model *model, const Mixd__V1__AddNode *add)
{
	const struct graph_type *type = graph_types_find(model->types, add->type, NULL);

	fprintf(out, "add %s %s", add->type, add->name);
	for (size_t i = 0; i < add->n_settings; i++)
		put_setting(out, type, add->settings[i]);
	if (add->after[0])
		fprintf(out, " --after %s", add->after);
}

/* Rows that are at their defaults are not worth a word. */
static void put_link(FILE *out, const Mixd__V1__AddLink *link)
{
	const struct mixd_param_row *level = &graph_link_rows[GRAPH_LINK_LEVEL];
	char text[TEXT_BUF];

	fprintf(out, "link %s %s", link->from, link->to);
	graph_value_format_param(level, link->gain_db, text, sizeof(text));
	if (link->gain_db != 0.0)
		fprintf(out, " level=%s", text);
	for (size_t i = 0; i < link->n_settings; i++) {
		const Mixd__V1__Setting *setting = link->settings[i];
		int row = graph_link_find_row(setting->id, "", NULL);
		struct graph_link scratch = {0};
		double value = 0.0;

		if (row < 0 ||
		    graph_link_read(&scratch, (uint32_t)row, setting->value, false, "", &value,
				    NULL) < 0 ||
		    value == graph_link_rows[row].def)
			continue;
		graph_value_format_param(&graph_link_rows[row], value, text, sizeof(text));
		fprintf(out, " %s=%s", graph_link_rows[row].id, text);
	}
}

static void put_marker(FILE *out, const Mixd__V1__SetMarker *marker)
{
	struct clip_time time = {0};
	char text[48];

	if (marker->remove) {
		fprintf(out, "marker rm %s", marker->name);
		return;
	}
	if (marker->at && marker->at->kind_case == MIXD__V1__VALUE__KIND_NUMBER)
		time.value = marker->at->number;
	clip_time_format(time, text, sizeof(text));
	if (marker->at && marker->at->kind_case == MIXD__V1__VALUE__KIND_TEXT)
		snprintf(text, sizeof(text), "%.40s", marker->at->text);
	fprintf(out, strchr(marker->name, ' ') ? "marker add \"%s\" %s" : "marker add %s %s",
		marker->name, text);
}

/* "edit vox cut 12.5s" */
static void put_edit(FILE *out, const Mixd__V1__EditClips *edit)
{
	fprintf(out, "edit %s %s", edit->player, edit->edit);
	for (size_t i = 0; i < edit->n_args; i++)
		fprintf(out, strpbrk(edit->args[i], " \t'\"") ? " \"%s\"" : " %s", edit->args[i]);
	for (size_t i = 0; i < edit->n_options; i++) {
		const Mixd__V1__Setting *option = edit->options[i];
		const Mixd__V1__Value *value = option->value;

		fputs(" --", out);
		for (const char *p = option->id; *p; p++)
			fputc(*p == '_' ? '-' : *p, out);
		if (value && value->kind_case == MIXD__V1__VALUE__KIND_TEXT &&
		    strcmp(value->text, "on") != 0)
			fprintf(out, " %s", value->text);
	}
}

static void put_op(FILE *out, const struct graph_model *model, const Mixd__V1__Op *op)
{
	switch (op->op_case) {
	case MIXD__V1__OP__OP_ADD:
		put_add(out, model, op->add);
		break;
	case MIXD__V1__OP__OP_REMOVE:
		fprintf(out, "rm %s%s", op->remove->name, op->remove->heal ? " --heal" : "");
		break;
	case MIXD__V1__OP__OP_RENAME:
		fprintf(out, "mv %s %s", op->rename->name, op->rename->to);
		break;
	case MIXD__V1__OP__OP_SET:
		put_set(out, model, op->set);
		break;
	case MIXD__V1__OP__OP_LINK:
		put_link(out, op->link);
		break;
	case MIXD__V1__OP__OP_UNLINK:
		fprintf(out, "unlink %s %s", op->unlink->from, op->unlink->to);
		break;
	case MIXD__V1__OP__OP_AUTOMATE:
		put_automate(out, model, op->automate);
		break;
	case MIXD__V1__OP__OP_APPLY:
		fprintf(out, "apply%s", op->apply->merge ? " --merge" : "");
		break;
	case MIXD__V1__OP__OP_PRESET:
		fprintf(out, "preset apply %s %s%s", op->preset->node, op->preset->preset,
			op->preset->merge ? " --merge" : "");
		break;
	case MIXD__V1__OP__OP_MARKER:
		put_marker(out, op->marker);
		break;
	case MIXD__V1__OP__OP_EDIT:
		put_edit(out, op->edit);
		break;
	default:
		fputs("?", out);
	}
}

char *graph_op_text(const struct graph_model *model, const Mixd__V1__Op *op)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	put_op(out, model, op);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
