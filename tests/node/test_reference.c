/* test_reference.c - writes nodes/REFERENCE.md from the descriptors of all built modules.
 *
 * USE         MIXD_REFERENCE=FILE test_reference fresh: not ok when FILE says something else.
 *             MIXD_REFERENCE_WRITE=FILE test_reference write: makes FILE; ./dev docs does it. */
#include "graph_types.h"
#include "graph_value.h"

#include "node_host.h"
#include "test.h"

static FILE *reference_out;

static void reference_cell(const char *text)
{
	for (; *text; text++)
		fprintf(reference_out, *text == '|' ? "\\|" : "%c", *text);
}

static const char *reference_row_text(const struct mixd_param_row *row, double value)
{
	static char text[4][64];
	static unsigned turn;
	char *buf = text[turn++ % 4];

	graph_value_format_param(row, value, buf, sizeof(text[0]));
	return buf;
}

static void reference_range(const struct mixd_param_row *row)
{
	if (row->type == MIXD_TYPE_BOOL) {
		fprintf(reference_out, "on, off");
	} else if (row->type == MIXD_TYPE_ENUM) {
		for (uint32_t i = 0; row->labels[i]; i++)
			fprintf(reference_out, "%s`%s`", i ? ", " : "", row->labels[i]);
	} else {
		fprintf(reference_out, "%s .. %s", reference_row_text(row, row->min),
			reference_row_text(row, row->max));
	}
}

static void reference_ports(const struct mixd_node_type *type)
{
	static const char *const layouts[] = {"the node's layout", "mono", "stereo",
					      "what is linked to it"};

	fprintf(reference_out, "\n| port | | channels | |\n|---|---|---|---|\n");
	for (uint32_t i = 0; i < type->n_ports; i++) {
		const struct mixd_port_row *row = &type->ports[i];

		fprintf(reference_out, "| `%s`%s%s%s | %s | %s | ", row->id,
			row->count_config ? " (1.." : "",
			row->count_config ? row->count_config : "", row->count_config ? ")" : "",
			row->is_output ? "out" : "in", layouts[row->layout]);
		reference_cell(row->doc);
		fprintf(reference_out, " |\n");
	}
}

static void reference_params(const struct mixd_node_type *type)
{
	if (type->n_params == 0)
		return;
	fprintf(reference_out, "\n| param | range | default | ramp | |\n|---|---|---|---|---|\n");
	for (uint32_t i = 0; i < type->n_params; i++) {
		const struct mixd_param_row *row = &type->params[i];

		if (row->group)
			fprintf(reference_out, "| `%s1..%u.%s` | ", row->group, row->count,
				row->id);
		else
			fprintf(reference_out, "| `%s` | ", row->id);
		reference_range(row);
		fprintf(reference_out, " | %s%s | ",
			reference_row_text(row, row->defs ? row->defs[0] : row->def),
			row->defs ? " ..." : "");
		if (row->ramp != MIXD_RAMP_NONE)
			fprintf(reference_out, "%g ms", (double)row->smooth_ms);
		fprintf(reference_out, " | ");
		reference_cell(row->doc);
		fprintf(reference_out, " |\n");
	}
}

static void reference_configs(const struct mixd_node_type *type)
{
	if (type->n_configs == 0)
		return;
	fprintf(reference_out, "\n| config | range | default | |\n|---|---|---|---|\n");
	for (uint32_t i = 0; i < type->n_configs; i++) {
		const struct mixd_config_row *row = &type->configs[i];
		/* A number is written as that of a param is. */
		struct mixd_param_row as_param = {.type = row->type,
						  .unit = row->unit,
						  .min = row->min,
						  .max = row->max,
						  .labels = row->labels};

		fprintf(reference_out, "| `%s` | ", row->id);
		if (row->type == MIXD_TYPE_STRING)
			fprintf(reference_out, "%s | %s%s%s | ", row->is_file ? "file" : "text",
				row->def_text && row->def_text[0] ? "`" : "",
				row->def_text ? row->def_text : "",
				row->def_text && row->def_text[0] ? "`" : "");
		else {
			reference_range(&as_param);
			fprintf(reference_out, " | %s | ", reference_row_text(&as_param, row->def));
		}
		reference_cell(row->doc);
		fprintf(reference_out, " |\n");
	}
}

static void reference_meters(const struct mixd_node_type *type)
{
	if (type->n_meters == 0)
		return;
	fprintf(reference_out, "\n| meter | unit | |\n|---|---|---|\n");
	for (uint32_t i = 0; i < type->n_meters; i++) {
		const struct mixd_meter_row *row = &type->meters[i];

		if (row->count)
			fprintf(reference_out, "| `%s1..%u` | ", row->id, row->count);
		else
			fprintf(reference_out, "| `%s`%s | ", row->id,
				row->per_channel ? " (1 per channel)" : "");
		if (row->labels)
			for (uint32_t k = 0; row->labels[k]; k++)
				fprintf(reference_out, "%s`%s`", k ? ", " : "", row->labels[k]);
		else
			fprintf(reference_out, "%s", graph_unit_name(row->unit));
		fprintf(reference_out, " | ");
		reference_cell(row->doc);
		fprintf(reference_out, "%s |\n",
			row->fold == MIXD_FOLD_MAX   ? " (highest since read)"
			: row->fold == MIXD_FOLD_MIN ? " (lowest since read)"
						     : "");
	}
}

static void reference_type(const struct mixd_node_type *type)
{
	fprintf(reference_out, "\n## %s\n\n%s. Category %s, version %u.\n", type->id, type->doc,
		type->category, type->version);
	fprintf(reference_out, "Source: %s.\n", type->source);
	reference_ports(type);
	reference_params(type);
	reference_configs(type);
	reference_meters(type);
}

static void reference_write(void)
{
	const struct mixd_node_type *const *types = node_host_types();

	fprintf(reference_out,
		"# Node types\n\n"
		"Made from the descriptors by `./dev docs`; a test fails when it is stale.\n\n"
		"Every node also has the params `bypass` and `mute`, the config `layout` (`auto`: "
		"that "
		"of what is linked to the main input), and the meters `peak`, `load`, `state` and "
		"`latency`. A ramp is the time in which a new value is reached.\n\n");
	for (uint32_t i = 0; types[i]; i++)
		fprintf(reference_out, "- [%s](#%s): %s\n", types[i]->id, types[i]->id,
			types[i]->doc);
	for (uint32_t i = 0; types[i]; i++)
		reference_type(types[i]);
}

static char *reference_made(void)
{
	char *text = NULL;
	size_t size = 0;

	reference_out = open_memstream(&text, &size);
	CHECK(reference_out);
	reference_write();
	fclose(reference_out);
	return text;
}

TEST(reference_is_fresh)
{
	static char read[1 << 18];
	const char *path = getenv("MIXD_REFERENCE");
	char *made = reference_made(), *line_made, *line_read, *rest_made, *rest_read;
	FILE *file;

	CHECK(path, "set MIXD_REFERENCE to the file to check");
	file = fopen(path, "r");
	CHECK(file, "no %s; make it with ./dev docs", path);
	read[fread(read, 1, sizeof(read) - 1, file)] = '\0';
	fclose(file);
	line_made = strtok_r(made, "\n", &rest_made);
	line_read = strtok_r(read, "\n", &rest_read);
	while (line_made && line_read && strcmp(line_made, line_read) == 0) {
		line_made = strtok_r(NULL, "\n", &rest_made);
		line_read = strtok_r(NULL, "\n", &rest_read);
	}
	CHECK(!line_made && !line_read, "stale; make it with ./dev docs. Want \"%s\", found \"%s\"",
	      line_made ? line_made : "the end", line_read ? line_read : "the end");
	free(made);
}

TEST(reference_write)
{
	const char *path = getenv("MIXD_REFERENCE_WRITE");
	char *made;
	FILE *file;

	if (!path)
		return;
	made = reference_made();
	file = fopen(path, "w");
	CHECK(file && fputs(made, file) >= 0 && fclose(file) == 0, "cannot write %s", path);
	free(made);
}
