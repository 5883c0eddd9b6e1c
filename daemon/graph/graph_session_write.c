/* graph_session_write.c - the canonical session file: nodes by name, settings in the order of their
 * type's table, links as chains. The same model always gives the same bytes. */
#include "graph_session.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "cliplist.h"
#include "graph_clips.h"
#include "graph_value.h"

#define LINE_MAX_CHARS 96u /* a node longer than this is written one setting a line */
#define TEXT_BUF 160u

struct writer {
	FILE *out;
	const struct graph_model *model;
	bool json;
};

/* ---- scalars ---- */

/* JSON's escapes are YAML's too, in double quotes: RFC 8259 section 7. */
static void write_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			fprintf(out, "\\u%04x", *p);
		else
			fputc(*p, out);
	}
	fputc('"', out);
}

/* Other readers of YAML 1.1 must not take a word for a switch, a number or a time (4:1). */
static bool is_plain_word(const char *text)
{
	static const char *const reserved[] = {"true", "false", "yes", "no",  "on", "off",
					       "null", "y",	"n",   "inf", "nan"};

	if (!isalpha((unsigned char)text[0]) || strlen(text) > 120)
		return false;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		if (strcasecmp(text, reserved[i]) == 0)
			return false;
	}
	for (; *text; text++) {
		if (!isalnum((unsigned char)*text) && !strchr("_-./", *text))
			return false;
	}
	return true;
}

static void write_word(const struct writer *writer, const char *text)
{
	if (!writer->json && is_plain_word(text))
		fputs(text, writer->out);
	else
		write_quoted(writer->out, text);
}

static bool is_number(const char *text)
{
	char *end;

	if (!isdigit((unsigned char)text[*text == '-']))
		return false;
	strtod(text, &end);
	return *end == '\0';
}

/* A value with its unit: "-1dBTP" needs no quotes in YAML. */
static void write_value(const struct writer *writer, enum mixd_type type, const char *text)
{
	static const char unit_letters[] = "0123456789+-.%/abcdefghijklmnopqrstuvwxyz"
					   "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	bool plain = false;

	if (type == MIXD_TYPE_BOOL && writer->json) {
		fputs(strcmp(text, "on") == 0 ? "true" : "false", writer->out);
		return;
	}
	if (type == MIXD_TYPE_BOOL)
		plain = true;
	else if (type == MIXD_TYPE_FLOAT || type == MIXD_TYPE_INT)
		plain = is_number(text) ||
			(!writer->json && strspn(text, unit_letters) == strlen(text));
	if (plain)
		fputs(text, writer->out);
	else
		write_word(writer, text);
}

/* ---- nodes ---- */

static bool config_is_default(const struct graph_node *node, uint32_t idx)
{
	const struct mixd_config_row *row = node->type->configs[idx];

	if (row->type == MIXD_TYPE_STRING)
		return strcmp(node->config[idx].text, row->def_text ? row->def_text : "") == 0;
	return node->config[idx].number == row->def;
}

static void write_key(const struct writer *writer, const char *key)
{
	write_word(writer, key);
	fputs(": ", writer->out);
}

/* The repetition of a group that PARAM belongs to: "band1"; 0 letters when it is in none. */
static int group_size(const struct graph_param *param)
{
	return param->row->group ? (int)strcspn(param->id, ".") : 0;
}

/* Params that differ from their defaults. With NESTED those of one repetition share a map:
 * band1: {freq: 80Hz, gain: 3dB}. */
static void write_params(const struct writer *writer, const struct graph_node *node,
			 const char *between, bool nested)
{
	const struct graph_param *open = NULL;
	char text[TEXT_BUF], group[GRAPH_ID_MAX];

	for (uint32_t i = 0; i < node->type->n_params; i++) {
		const struct graph_param *param = &node->type->params[i];
		int size = nested ? group_size(param) : 0;
		bool same = open && size > 0 && group_size(open) == size &&
			    strncmp(open->id, param->id, (size_t)size) == 0;

		if (node->value[i] == param->def)
			continue;
		if (open && !same)
			fputc('}', writer->out);
		fputs(same ? ", " : between, writer->out);
		if (size > 0 && !same) {
			snprintf(group, sizeof(group), "%.*s", size, param->id);
			write_key(writer, group);
			fputc('{', writer->out);
		}
		open = size > 0 ? param : NULL;
		write_key(writer, size > 0 ? param->id + size + 1 : param->id);
		graph_value_format_param(param->row, node->value[i], text, sizeof(text));
		write_value(writer, param->row->type, text);
	}
	if (open)
		fputc('}', writer->out);
}

/* {file: "vox 1.wav", at: 0s} */
static void write_clip(const struct writer *writer, const struct clip *clip)
{
	char text[CLIPLIST_FILE_MAX + 1];
	const char *comma = "{";

	for (uint32_t i = 0; cliplist_keys[i]; i++) {
		const char *key = cliplist_keys[i];

		if (!clip_get(clip, key, text, sizeof(text)))
			continue;
		fputs(comma, writer->out);
		write_key(writer, key);
		if (strcmp(key, "file") == 0 || strcmp(key, "name") == 0 || writer->json)
			write_word(writer, text);
		else
			fputs(text, writer->out);
		comma = ", ";
	}
	fputc('}', writer->out);
}

/* A list of maps: on the line of the node when that is one line. */
static void write_clips(const struct writer *writer, const char *text, bool line)
{
	const char *before = line ? ", " : writer->json ? ",\n        " : "\n      - ";
	struct cliplist list = {0};

	if (cliplist_parse(text, &list, NULL, NULL) < 0 || list.n == 0) {
		write_quoted(writer->out, text); /* the model has none such */
		return;
	}
	if (line || writer->json)
		fputc('[', writer->out);
	if (!line)
		fputs(writer->json ? before + 1 : before, writer->out);
	for (uint32_t i = 0; i < list.n; i++) {
		fputs(i ? before : "", writer->out);
		write_clip(writer, &list.clip[i]);
	}
	if (line || writer->json)
		fputc(']', writer->out);
	cliplist_done(&list);
}

static void write_configs(const struct writer *writer, const struct graph_node *node,
			  const char *between)
{
	bool line = between[0] == ',' && between[1] == ' ';
	char text[TEXT_BUF];

	for (uint32_t i = 0; i < node->type->n_configs; i++) {
		const struct mixd_config_row *row = node->type->configs[i];

		if (config_is_default(node, i))
			continue;
		fputs(between, writer->out);
		if (row->is_clips && !line && !writer->json) /* a block begins behind the key */
			fprintf(writer->out, "%s:", row->id);
		else
			write_key(writer, row->id);
		if (row->is_clips) {
			write_clips(writer, node->config[i].text, line);
			continue;
		}
		if (row->type == MIXD_TYPE_STRING) {
			write_word(writer, node->config[i].text);
			continue;
		}
		graph_value_format_config(row, &node->config[i], text, sizeof(text));
		write_value(writer, row->type, text);
	}
}

/* The node on one line, to see how long it is. */
static size_t node_length(const struct writer *writer, const struct graph_node *node)
{
	_cleanup_free_ char *text = NULL;
	struct writer probe = *writer;
	size_t size = 0;

	probe.out = open_memstream(&text, &size);
	if (!probe.out)
		return 0;
	fprintf(probe.out, "  %s: {type: %s", node->name, node->type->node_type->id);
	write_params(&probe, node, ", ", false);
	write_configs(&probe, node, ", ");
	fclose(probe.out);
	return size + 1;
}

static void write_node(const struct writer *writer, const struct graph_node *node)
{
	bool line = node_length(writer, node) <= LINE_MAX_CHARS;
	const char *between = line ? ", " : writer->json ? ",\n      " : "\n    ";

	fputs(writer->json ? "    " : "  ", writer->out);
	write_word(writer, node->name);
	fputs(line || writer->json ? ": {" : ":\n    ", writer->out);
	if (writer->json && !line)
		fputs("\n      ", writer->out);
	write_key(writer, "type");
	write_word(writer, node->type->node_type->id);
	write_params(writer, node, between, !line);
	write_configs(writer, node, between);
	if (writer->json && !line)
		fputs("\n    ", writer->out);
	if (line || writer->json)
		fputc('}', writer->out);
}

/* ---- links ---- */

static bool link_is_passed_on(const struct graph_link *link)
{
	bool all = true;

	for (uint32_t i = 0; i < GRAPH_LINK_ROWS; i++)
		all = all && graph_link_is_default(link, i);
	return all;
}

static bool link_is_plain(const struct graph_link *link)
{
	return link->from_port == 0 && link->to_port == 0 && link_is_passed_on(link);
}

/* "vox", "duck:key" */
static void end_text(const struct graph_node *node, bool output, uint32_t port, char *buf,
		     size_t size)
{
	if (port == 0)
		snprintf(buf, size, "%s", node->name);
	else
		graph_node_port_address(node, output, port, buf, size);
}

struct links_walk {
	const struct writer *writer;
	bool *written; /* per link */
	uint32_t n_items;
};

static void item_begin(struct links_walk *walk)
{
	fputs(!walk->writer->json  ? "  - "
	      : walk->n_items == 0 ? "    "
				   : ",\n    ",
	      walk->writer->out);
	walk->n_items++;
}

static void item_end(struct links_walk *walk)
{
	if (!walk->writer->json)
		fputc('\n', walk->writer->out);
}

/* The first link that leaves NODE, is plain and not written; links are sorted by where they leave. */
static int next_plain(const struct links_walk *walk, const struct graph_node *node)
{
	const struct graph_model *model = walk->writer->model;
	uint32_t low = 0, high = model->n_links;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (strcmp(model->links[middle]->from->name, node->name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < model->n_links && model->links[low]->from == node; low++) {
		if (!walk->written[low] && link_is_plain(model->links[low]))
			return (int)low;
	}
	return -1;
}

static void write_chains_from(struct links_walk *walk, const struct graph_node *node)
{
	const struct graph_model *model = walk->writer->model;
	FILE *out = walk->writer->out;

	for (int link = next_plain(walk, node); link >= 0; link = next_plain(walk, node)) {
		const struct graph_node *end = node;

		item_begin(walk);
		fputs(walk->writer->json ? "\"" : "", out);
		fputs(node->name, out);
		for (; link >= 0; link = next_plain(walk, end)) {
			walk->written[link] = true;
			end = model->links[link]->to;
			fprintf(out, " -> %s", end->name);
		}
		fputs(walk->writer->json ? "\"" : "", out);
		item_end(walk);
	}
}

/* {from: "vox/fader", to: "fx/reverb", level: -12dB, tap: pre} */
static void write_link_map(const struct writer *writer, const struct graph_link *link,
			   const char *from, const char *to)
{
	char text[TEXT_BUF];

	fprintf(writer->out,
		writer->json ? "{\"from\": \"%s\", \"to\": \"%s\"" : "{from: \"%s\", to: \"%s\"",
		from, to);
	for (uint32_t i = 0; i < GRAPH_LINK_ROWS; i++) {
		if (graph_link_is_default(link, i))
			continue;
		fputs(", ", writer->out);
		write_key(writer, graph_link_rows[i].id);
		graph_value_format_param(&graph_link_rows[i], link->value[i], text, sizeof(text));
		write_value(writer, graph_link_rows[i].type, text);
	}
	fputc('}', writer->out);
}

static void write_other_links(struct links_walk *walk)
{
	const struct writer *writer = walk->writer;
	const struct graph_model *model = writer->model;
	char from[GRAPH_ADDRESS_MAX], to[GRAPH_ADDRESS_MAX];

	for (uint32_t i = 0; i < model->n_links; i++) {
		const struct graph_link *link = model->links[i];

		if (walk->written[i])
			continue;
		end_text(link->from, true, link->from_port, from, sizeof(from));
		end_text(link->to, false, link->to_port, to, sizeof(to));
		item_begin(walk);
		if (link_is_passed_on(link))
			fprintf(writer->out, writer->json ? "\"%s -> %s\"" : "%s -> %s", from, to);
		else
			write_link_map(writer, link, from, to);
		item_end(walk);
	}
}

static bool write_links(const struct writer *writer)
{
	const struct graph_model *model = writer->model;
	_cleanup_free_ bool *written = calloc(model->n_links + 1u, sizeof(*written));
	struct links_walk walk = {.writer = writer, .written = written};

	if (!written)
		return false;
	/* chains begin where nothing plain comes in; what is left are branches and cycles */
	for (uint32_t i = 0; i < model->n_nodes; i++) {
		const struct graph_node *node = model->nodes[i];
		bool begins = true;

		if (next_plain(&walk, node) < 0)
			continue;
		for (uint32_t k = 0; begins && k < model->n_links; k++)
			begins = model->links[k]->to != node || !link_is_plain(model->links[k]);
		if (begins)
			write_chains_from(&walk, node);
	}
	for (uint32_t i = 0; i < model->n_nodes; i++)
		write_chains_from(&walk, model->nodes[i]);
	write_other_links(&walk);
	return true;
}

/* ---- envelopes ---- */

static void write_envelope(const struct writer *writer, const struct graph_envelope *envelope,
			   bool first)
{
	const struct graph_param *param = &envelope->node->type->params[envelope->param_idx];
	char text[TEXT_BUF], at[40];

	if (writer->json)
		fprintf(writer->out,
			"%s    {\"address\": \"%s.%s\", %s\"curve\": \"%s\", \"points\": [",
			first ? "" : ",\n", envelope->node->name, param->id,
			envelope->on_timeline ? "\"on\": \"timeline\", " : "",
			graph_curve_names[envelope->curve]);
	else
		fprintf(writer->out, "  - {address: \"%s.%s\", %scurve: %s, points: [",
			envelope->node->name, param->id,
			envelope->on_timeline ? "on: timeline, " : "",
			graph_curve_names[envelope->curve]);
	for (uint32_t i = 0; i < envelope->n_points; i++) {
		graph_value_format_param(param->row, envelope->points[i].value, text, sizeof(text));
		graph_number_format(envelope->points[i].at_ms, at, sizeof(at));
		fprintf(writer->out, "%s\"%sms=%s\"", i ? ", " : "", at, text);
	}
	fputs(writer->json ? "]}" : "]}\n", writer->out);
}

/* ---- markers ---- */

static void write_markers(const struct writer *writer)
{
	const struct graph_model *model = writer->model;
	char text[48];

	for (uint32_t i = 0; i < model->n_markers; i++) {
		fputs(!writer->json ? "  " : i ? ",\n    " : "    ", writer->out);
		write_key(writer, model->markers[i]->name);
		clip_time_format((struct clip_time){.value = model->markers[i]->at_s}, text,
				 sizeof(text));
		if (writer->json)
			write_quoted(writer->out, text);
		else
			fprintf(writer->out, "%s\n", text);
	}
}

/* ---- the whole ---- */

static bool write_yaml(const struct writer *writer)
{
	const struct graph_model *model = writer->model;

	fputs("mixd: 1\n", writer->out);
	if (model->name[0]) {
		fputs("name: ", writer->out);
		write_word(writer, model->name);
		fputc('\n', writer->out);
	}
	if (model->n_nodes > 0)
		fputs("nodes:\n", writer->out);
	for (uint32_t i = 0; i < model->n_nodes; i++) {
		write_node(writer, model->nodes[i]);
		fputc('\n', writer->out);
	}
	if (model->n_links > 0)
		fputs("links:\n", writer->out);
	if (!write_links(writer))
		return false;
	if (model->n_envelopes > 0)
		fputs("envelopes:\n", writer->out);
	for (uint32_t i = 0; i < model->n_envelopes; i++)
		write_envelope(writer, model->envelopes[i], i == 0);
	if (model->n_markers > 0)
		fputs("markers:\n", writer->out);
	write_markers(writer);
	return true;
}

static bool write_json(const struct writer *writer)
{
	const struct graph_model *model = writer->model;

	fputs("{\n  \"mixd\": 1", writer->out);
	if (model->name[0]) {
		fputs(",\n  \"name\": ", writer->out);
		write_quoted(writer->out, model->name);
	}
	if (model->n_nodes > 0)
		fputs(",\n  \"nodes\": {\n", writer->out);
	for (uint32_t i = 0; i < model->n_nodes; i++) {
		write_node(writer, model->nodes[i]);
		fputs(i + 1 < model->n_nodes ? ",\n" : "\n  }", writer->out);
	}
	if (model->n_links > 0)
		fputs(",\n  \"links\": [\n", writer->out);
	if (!write_links(writer))
		return false;
	if (model->n_links > 0)
		fputs("\n  ]", writer->out);
	if (model->n_envelopes > 0)
		fputs(",\n  \"envelopes\": [\n", writer->out);
	for (uint32_t i = 0; i < model->n_envelopes; i++)
		write_envelope(writer, model->envelopes[i], i == 0);
	if (model->n_envelopes > 0)
		fputs("\n  ]", writer->out);
	if (model->n_markers > 0)
		fputs(",\n  \"markers\": {\n", writer->out);
	write_markers(writer);
	if (model->n_markers > 0)
		fputs("\n  }", writer->out);
	fputs("\n}\n", writer->out);
	return true;
}

char *graph_session_write(const struct graph_model *model, const char *format)
{
	struct writer writer = {.model = model, .json = format && strcmp(format, "json") == 0};
	char *text = NULL;
	size_t size = 0;
	bool good;

	writer.out = open_memstream(&text, &size);
	if (!writer.out)
		return NULL;
	good = writer.json ? write_json(&writer) : write_yaml(&writer);
	if (fclose(writer.out) != 0 || !good) {
		free(text);
		return NULL;
	}
	return text;
}
