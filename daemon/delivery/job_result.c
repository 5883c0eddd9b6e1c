/* job_result.c - what a job leaves: an object for programs, lines for people; in any format. */
#include "job_private.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

static const char *const job_formats[] = {"table", "json", "jsonl", "yaml", "csv", "name"};

bool job_format_is_known(const char *format)
{
	for (size_t i = 0; i < sizeof(job_formats) / sizeof(job_formats[0]); i++)
		if (strcmp(job_formats[i], format) == 0)
			return true;
	return false;
}

json_t *job_json(struct job *job)
{
	return job->json;
}

json_t *job_real(double value)
{
	return isfinite(value) ? json_real(round(value * 1e6) / 1e6) : json_null();
}

/* Bytes of the letter at TEXT by RFC 3629; 0: it is none. */
static unsigned job_letter(const unsigned char *text)
{
	unsigned n = *text < 0x80 ? 1 : *text < 0xc2 ? 0 : *text < 0xe0 ? 2 : *text < 0xf0 ? 3 : 4;

	if (*text > 0xf4 || (*text == 0xe0 && text[1] < 0xa0) ||
	    (*text == 0xed && text[1] > 0x9f) || (*text == 0xf0 && text[1] < 0x90) ||
	    (*text == 0xf4 && text[1] > 0x8f))
		return 0;
	for (unsigned i = 1; i < n; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

void job_disarm(char *text)
{
	while (*text) {
		unsigned n = job_letter((const unsigned char *)text);

		if (n == 0 || *text == 0x7f ||
		    (n == 1 && *text < ' ' && *text != '\n' && *text != '\t'))
			*text = '?';
		text += n ? n : 1;
	}
}

/* A column that is last and empty leaves blanks behind: nobody wants them. The length. */
static size_t job_trim(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from == '\n')
			while (to > text && to[-1] == ' ')
				to--;
		*to++ = *from;
	}
	*to = '\0';
	return (size_t)(to - text);
}

void job_print(struct job *job, const char *fmt, ...)
{
	va_list args;
	char *text, *grown;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	job_disarm(text);
	n = (int)job_trim(text);
	while (*text == '\n' && job->print_size && job->print[job->print_size - 1] == ' ')
		job->print_size--;
	if (job->print_size + (size_t)n + 1 > job->print_room) {
		size_t room = 2 * (job->print_size + (size_t)n + 1);

		grown = realloc(job->print, room);
		if (!grown) {
			free(text);
			return;
		}
		job->print = grown;
		job->print_room = room;
	}
	memcpy(job->print + job->print_size, text, (size_t)n + 1);
	job->print_size += (size_t)n;
	free(text);
}

int job_width(const char *text, int columns)
{
	for (; *text; text++)
		columns += ((unsigned char)*text & 0xc0) == 0x80;
	return columns;
}

int job_letters(const char *text)
{
	return (int)strlen(text) - job_width(text, 0);
}

/* ---- YAML: the same tree, by libyaml -------------------------------------------------------- */

static bool job_yaml_node(yaml_emitter_t *emitter, const json_t *value);

static bool job_yaml_scalar(yaml_emitter_t *emitter, const char *text, bool is_text)
{
	yaml_event_t event;

	return yaml_scalar_event_initialize(&event, NULL, NULL, (yaml_char_t *)(uintptr_t)text,
					    (int)strlen(text), !is_text, 1,
					    is_text ? YAML_DOUBLE_QUOTED_SCALAR_STYLE
						    : YAML_PLAIN_SCALAR_STYLE) &&
	       yaml_emitter_emit(emitter, &event);
}

static bool job_yaml_number(yaml_emitter_t *emitter, const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(10));
	bool is_fine = text && job_yaml_scalar(emitter, text, false);

	free(text);
	return is_fine;
}

static bool job_yaml_object(yaml_emitter_t *emitter, const json_t *value)
{
	yaml_event_t event;
	const char *key;
	json_t *child;

	if (!yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE) ||
	    !yaml_emitter_emit(emitter, &event))
		return false;
	json_object_foreach((json_t *)(uintptr_t)value, key, child)
	{
		yaml_event_t name;

		if (!yaml_scalar_event_initialize(&name, NULL, NULL, (yaml_char_t *)(uintptr_t)key,
						  (int)strlen(key), 1, 1, YAML_ANY_SCALAR_STYLE) ||
		    !yaml_emitter_emit(emitter, &name) || !job_yaml_node(emitter, child))
			return false;
	}
	return yaml_mapping_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static bool job_yaml_array(yaml_emitter_t *emitter, const json_t *value)
{
	yaml_event_t event;
	json_t *child;
	size_t i;

	if (!yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
						  YAML_BLOCK_SEQUENCE_STYLE) ||
	    !yaml_emitter_emit(emitter, &event))
		return false;
	json_array_foreach(value, i, child) if (!job_yaml_node(emitter, child)) return false;
	return yaml_sequence_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static bool job_yaml_node(yaml_emitter_t *emitter, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return job_yaml_object(emitter, value);
	case JSON_ARRAY:
		return job_yaml_array(emitter, value);
	case JSON_STRING:
		return job_yaml_scalar(emitter, json_string_value(value), true);
	default:
		return job_yaml_number(emitter, value);
	}
}

static bool job_yaml(const json_t *value, FILE *file)
{
	yaml_emitter_t emitter;
	yaml_event_t event;
	bool is_fine = yaml_emitter_initialize(&emitter);

	if (!is_fine)
		return false;
	yaml_emitter_set_output_file(&emitter, file);
	yaml_emitter_set_unicode(&emitter, 1);
	is_fine = yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) &&
		  yaml_emitter_emit(&emitter, &event) &&
		  yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
		  yaml_emitter_emit(&emitter, &event) && job_yaml_node(&emitter, value) &&
		  yaml_document_end_event_initialize(&event, 1) &&
		  yaml_emitter_emit(&emitter, &event) && yaml_stream_end_event_initialize(&event) &&
		  yaml_emitter_emit(&emitter, &event);
	yaml_emitter_delete(&emitter);
	return is_fine;
}

/* ---- CSV (RFC 4180) and names: the array `items` -------------------------------------------- */

static void job_csv_cell(FILE *file, const char *text)
{
	if (!text[strcspn(text, ",\"\r\n")]) {
		fputs(text, file);
		return;
	}
	fputc('"', file);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', file);
		fputc(*text, file);
	}
	fputc('"', file);
}

static void job_csv_value(FILE *file, const json_t *value)
{
	char *text;

	if (!value || json_is_null(value) || json_is_object(value) || json_is_array(value))
		return;
	if (json_is_string(value)) {
		job_csv_cell(file, json_string_value(value));
		return;
	}
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(10));
	fputs(text ? text : "", file);
	free(text);
}

/* Columns are the scalar keys of all items, in the order in which they first appear. */
static json_t *job_csv_columns(const json_t *items)
{
	json_t *columns = json_object(), *item, *value;
	const char *key;
	size_t i;

	json_array_foreach(items, i, item)
	{
		json_object_foreach(item, key, value)
		{
			if (!json_is_object(value) && !json_is_array(value))
				json_object_set_new(columns, key, json_true());
		}
	}
	return columns;
}

static void job_csv(const json_t *items, FILE *file)
{
	json_t *columns = job_csv_columns(items), *item, *unused;
	const char *key, *comma = "";
	size_t i;

	json_object_foreach(columns, key, unused)
	{
		fputs(comma, file);
		job_csv_cell(file, key);
		comma = ",";
	}
	fputs("\n", file);
	json_array_foreach(items, i, item)
	{
		comma = "";
		json_object_foreach(columns, key, unused)
		{
			fputs(comma, file);
			job_csv_value(file, json_object_get(item, key));
			comma = ",";
		}
		fputs("\n", file);
	}
	json_decref(columns);
}

/* The first text of each item: its name, its file. */
static void job_names(const json_t *items, FILE *file)
{
	json_t *item, *value;
	const char *key;
	size_t i;

	json_array_foreach(items, i, item)
	{
		json_object_foreach(item, key, value)
		{
			if (json_is_string(value)) {
				fprintf(file, "%s\n", json_string_value(value));
				break;
			}
		}
	}
}

static bool job_write(struct job *job, FILE *file)
{
	const json_t *items = json_object_get(job->json, "items");
	const char *format = job->format;

	if (strcmp(format, "table") == 0)
		return !job->print || fputs(job->print, file) >= 0;
	if (strcmp(format, "json") == 0)
		return json_dumpf(job->json, file, JSON_INDENT(2) | JSON_REAL_PRECISION(10)) == 0 &&
		       fputs("\n", file) >= 0;
	if (strcmp(format, "jsonl") == 0)
		return json_dumpf(job->json, file, JSON_COMPACT | JSON_REAL_PRECISION(10)) == 0 &&
		       fputs("\n", file) >= 0;
	if (strcmp(format, "yaml") == 0)
		return job_yaml(job->json, file);
	if (strcmp(format, "csv") == 0)
		job_csv(items, file);
	else
		job_names(items, file);
	return true;
}

int job_result_text(struct job *job, char **ret, size_t *ret_size, struct mixd_error *err)
{
	FILE *file = open_memstream(ret, ret_size);
	bool is_fine = file && job_write(job, file);

	if (file)
		is_fine = fclose(file) == 0 && is_fine;
	if (is_fine)
		return 0;
	free(*ret);
	*ret = NULL;
	*ret_size = 0;
	return error_no_memory(err);
}
