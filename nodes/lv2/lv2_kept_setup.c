/* lv2_kept_setup.c - what a plug-in's type looks like, kept for the day when it is not installed.
 *
 * WHAT        When a plug-in is first used, its tables go to plugins/<hash of the URI>.type in the
 *             state folder (lv2_keep_setup.c). When it cannot be had at a later start, a stand-in
 *             with the same ids, ranges and defaults is made from them: the graph is restored whole,
 *             the node is dry, and its params and plugin_state wait for the plug-in.
 * FORMAT      Lines of words; the last word of a row is its doc, to the end of the line. The first
 *             line is the version, the last one a hash of all before it.
 *             uri, doc, category, version: the type's. audio IN OUT KEY [FLAG]...: channels.
 *             port in|out LAYOUT ID DOC
 *             param TYPE UNIT RAMP SMOOTH_MS MIN MAX DEFAULT ID DOC, then label LABEL for an enum
 *             meter UNIT one|per-channel ID DOC */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lv2.h"

#define KEPT_FIRST "mixd-lv2-type 1"
#define KEPT_BYTES_MAX (4u << 20)
#define KEPT_LABELS_MAX 1024u
#define KEPT_COUNT(words) ((uint32_t)(sizeof(words) / sizeof((words)[0])))

static const char *const kept_types[] = {"float", "int", "bool", "enum"};
static const char *const kept_units[MIXD_UNIT_COUNT_] = {
	"none", "db", "dbfs",  "dbtp", "lufs", "lu",	 "hz",	   "ms",
	"s",	"%",  "ratio", "pan",  "db/s", "db/oct", "frames", "deg"};
static const char *const kept_ramps[] = {"jump", "linear", "log", "gain"};
static const char *const kept_layouts[] = {"main", "mono", "stereo", "follow"};

/* Flags of an audio line. */
static const struct {
	const char *word;
	size_t at;
} kept_flags[] = {
	{"per-channel", offsetof(struct lv2_type, per_channel)},
	{"any-layout", offsetof(struct lv2_type, any_layout)},
	{"fixed-blocks", offsetof(struct lv2_type, wants_fixed)},
	{"power-of-two", offsetof(struct lv2_type, wants_power_of_two)},
};

static int kept_path(const char *uri, char ret[LV2_PATH_MAX])
{
	char name[40], file[48];

	lv2_keep_name(uri, name);
	snprintf(file, sizeof(file), "%s.type", name);
	return lv2_keep_path(file, ret, LV2_PATH_MAX);
}

bool lv2_kept_has(const char *uri)
{
	char path[LV2_PATH_MAX];

	return kept_path(uri, path) == 0 && access(path, R_OK) == 0;
}

/* ---- to text ---- */

/* The end of a line: no line may end within it. */
static void put_doc(FILE *file, const char *doc)
{
	for (; *doc; doc++)
		fputc(iscntrl((unsigned char)*doc) ? ' ' : *doc, file);
	fputc('\n', file);
}

static void put_param(FILE *file, const struct mixd_param_row *row)
{
	fprintf(file, "param %s %s %s %.9g %.17g %.17g %.17g %s ", kept_types[row->type],
		kept_units[row->unit], kept_ramps[row->ramp], (double)row->smooth_ms, row->min,
		row->max, row->def, row->id);
	put_doc(file, row->doc);
	for (uint32_t i = 0; row->labels && row->labels[i]; i++)
		fprintf(file, "label %s\n", row->labels[i]);
}

static void put_type(FILE *file, const struct lv2_type *lv2)
{
	const struct mixd_node_type *type = &lv2->type;

	fprintf(file, KEPT_FIRST "\nuri %s\ndoc ", lv2->uri);
	put_doc(file, type->doc);
	fprintf(file, "category %s\nversion %u\naudio %u %u %u", type->category, type->version,
		lv2->n_in, lv2->n_out, lv2->n_key);
	for (uint32_t i = 0; i < KEPT_COUNT(kept_flags); i++)
		if (*((const bool *)((const char *)lv2 + kept_flags[i].at)))
			fprintf(file, " %s", kept_flags[i].word);
	fputc('\n', file);
	for (uint32_t i = 0; i < type->n_ports; i++) {
		fprintf(file, "port %s %s %s ", type->ports[i].is_output ? "out" : "in",
			kept_layouts[type->ports[i].layout], type->ports[i].id);
		put_doc(file, type->ports[i].doc);
	}
	for (uint32_t i = 0; i < type->n_params; i++)
		put_param(file, &type->params[i]);
	for (uint32_t i = LV2_METER_COUNT_; i < type->n_meters; i++) {
		fprintf(file, "meter %s %s %s ", kept_units[type->meters[i].unit],
			type->meters[i].per_channel ? "per-channel" : "one", type->meters[i].id);
		put_doc(file, type->meters[i].doc);
	}
}

/* Returned, or NULL. */
static char *kept_load(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = file ? malloc(KEPT_BYTES_MAX) : NULL;

	if (text)
		text[fread(text, 1, KEPT_BYTES_MAX - 1, file)] = '\0';
	if (file)
		fclose(file);
	return text;
}

/* What cannot be kept is no reason to refuse what can be played. */
void lv2_kept_write(struct lv2_type *type)
{
	char path[LV2_PATH_MAX], sum[40], *text = NULL, *whole = NULL, *old;
	size_t size = 0;
	FILE *file;

	if (type->kept || kept_path(type->uri, path) < 0)
		return;
	type->kept = true;
	file = open_memstream(&text, &size);
	if (!file)
		return;
	put_type(file, type);
	if (fclose(file) == 0) {
		lv2_keep_name(text, sum);
		if (asprintf(&whole, "%ssum %s\n", text, sum) < 0)
			whole = NULL;
	}
	old = whole ? kept_load(path) : NULL;
	if (whole && (!old || strcmp(old, whole) != 0))
		lv2_keep_store(path, whole);
	free(old);
	free(whole);
	free(text);
}

/* ---- from text ---- */

struct kept {
	struct lv2_type *type;
	struct mixd_port_row *ports;
	struct mixd_param_row *params;
	struct mixd_meter_row *meters;
	uint32_t n_ports, n_params, n_meters;
	uint32_t n_labels; /* of the last param */
};

/* The next word of a line, ended with 0; "" at its end. */
static char *kept_word(char **line)
{
	char *word = *line + strspn(*line, " ");

	*line = word + strcspn(word, " ");
	if (**line)
		*(*line)++ = '\0';
	return word;
}

/* Index of the next word among WORDS; -EINVAL. */
static int kept_index(char **line, const char *const *words, uint32_t n)
{
	const char *word = kept_word(line);

	for (uint32_t i = 0; i < n; i++)
		if (strcmp(words[i], word) == 0)
			return (int)i;
	return -EINVAL;
}

static bool kept_number(char **line, double *ret)
{
	const char *word = kept_word(line);
	char *end;

	*ret = strtod(word, &end);
	return end != word && !*end;
}

static bool kept_audio(struct kept *kept, char *line)
{
	struct lv2_type *type = kept->type;
	uint32_t *const counts[] = {&type->n_in, &type->n_out, &type->n_key};
	const char *word;

	for (int i = 0; i < 3; i++) {
		double number;

		if (!kept_number(&line, &number) || !(number >= 0 && number <= LV2_AUDIO_MAX))
			return false;
		*counts[i] = (uint32_t)number;
	}
	while (*(word = kept_word(&line)))
		for (uint32_t i = 0; i < KEPT_COUNT(kept_flags); i++)
			if (strcmp(word, kept_flags[i].word) == 0)
				*((bool *)((char *)type + kept_flags[i].at)) = true;
	return true;
}

static bool kept_port(struct kept *kept, char *line)
{
	static const char *const ways[] = {"in", "out"};
	struct mixd_port_row *row = &kept->ports[kept->n_ports];
	int way = kept_index(&line, ways, 2);
	int layout = kept_index(&line, kept_layouts, KEPT_COUNT(kept_layouts));

	if (way < 0 || layout < 0 || kept->n_ports >= 2 * LV2_AUDIO_MAX + 1)
		return false;
	row->is_output = way;
	row->layout = (enum mixd_port_layout)layout;
	row->id = strdup(kept_word(&line));
	row->doc = strdup(line);
	kept->n_ports++;
	return row->id && row->doc;
}

static bool kept_param(struct kept *kept, char *line)
{
	struct mixd_param_row *row = &kept->params[kept->n_params];
	int type = kept_index(&line, kept_types, KEPT_COUNT(kept_types));
	int unit = kept_index(&line, kept_units, KEPT_COUNT(kept_units));
	int ramp = kept_index(&line, kept_ramps, KEPT_COUNT(kept_ramps));
	double smooth_ms;

	if (type < 0 || unit < 0 || ramp < 0 || kept->n_params >= LV2_PORTS_MAX ||
	    !kept_number(&line, &smooth_ms) || !kept_number(&line, &row->min) ||
	    !kept_number(&line, &row->max) || !kept_number(&line, &row->def))
		return false;
	row->type = (enum mixd_type)type;
	row->unit = (enum mixd_unit)unit;
	row->ramp = (enum mixd_ramp)ramp;
	row->smooth_ms = (float)smooth_ms;
	row->id = strdup(kept_word(&line));
	row->doc = strdup(line);
	kept->n_params++;
	kept->n_labels = 0;
	return row->id && row->doc;
}

static bool kept_label(struct kept *kept, char *line)
{
	struct mixd_param_row *row = kept->n_params ? &kept->params[kept->n_params - 1] : NULL;
	const char **grown;

	if (!row || row->type != MIXD_TYPE_ENUM || kept->n_labels >= KEPT_LABELS_MAX)
		return false;
	grown = realloc((void *)(uintptr_t)row->labels, (kept->n_labels + 2) * sizeof(*grown));
	if (!grown)
		return false;
	row->labels = grown;
	grown[kept->n_labels] = strdup(line);
	grown[kept->n_labels + 1] = NULL;
	return grown[kept->n_labels++] != NULL;
}

static bool kept_meter(struct kept *kept, char *line)
{
	static const char *const counts[] = {"one", "per-channel"};
	struct mixd_meter_row *row = &kept->meters[kept->n_meters];
	int unit = kept_index(&line, kept_units, KEPT_COUNT(kept_units));
	int count = kept_index(&line, counts, 2);

	if (unit < 0 || count < 0 || kept->n_meters >= LV2_PORTS_MAX)
		return false;
	row->unit = (enum mixd_unit)unit;
	row->per_channel = count;
	row->id = strdup(kept_word(&line));
	row->doc = strdup(line);
	kept->n_meters++;
	return row->id && row->doc;
}

static bool kept_line(struct kept *kept, char *line)
{
	struct mixd_node_type *type = &kept->type->type;
	const char *key = kept_word(&line);
	double number = 0;

	if (strcmp(key, "audio") == 0)
		return kept_audio(kept, line);
	if (strcmp(key, "port") == 0)
		return kept_port(kept, line);
	if (strcmp(key, "param") == 0)
		return kept_param(kept, line);
	if (strcmp(key, "label") == 0)
		return kept_label(kept, line);
	if (strcmp(key, "meter") == 0)
		return kept_meter(kept, line);
	if (strcmp(key, "uri") == 0)
		return strcmp(line, kept->type->uri) == 0;
	if (strcmp(key, "doc") == 0 && !type->doc)
		return (type->doc = strdup(line)) != NULL;
	if (strcmp(key, "category") == 0 && !type->category)
		return (type->category = strdup(line)) != NULL;
	if (strcmp(key, "version") == 0 && kept_number(&line, &number))
		type->version = (uint32_t)number;
	return number >= 1 && number <= UINT32_MAX;
}

/* The last line is the hash of those before it. Ends the text before it. */
static bool kept_whole(char *text)
{
	size_t size = strlen(text);
	char sum[40], *last;

	if (size == 0 || text[size - 1] != '\n')
		return false;
	text[size - 1] = '\0';
	last = strrchr(text, '\n');
	if (!last || strncmp(++last, "sum ", 4) != 0)
		return false;
	last[3] = '\0';
	*last = '\0';
	lv2_keep_name(text, sum);
	return strcmp(last + 4, sum) == 0;
}

/* How many channels there are must fit the ports there are. */
static bool kept_fits(const struct kept *kept)
{
	const struct lv2_type *type = kept->type;
	uint32_t n[2] = {0, 0};

	for (uint32_t i = 0; i < kept->n_ports; i++)
		n[kept->ports[i].is_output]++;
	return type->type.doc && type->type.category && type->type.version &&
	       (type->n_in == 0 || n[0] > (type->n_key > 0)) && (type->n_key == 0 || n[0] > 0) &&
	       (type->n_out > 0) == (n[1] > 0);
}

static bool kept_parse(struct kept *kept, char *text)
{
	char *line;

	if (!kept_whole(text))
		return false;
	strsep(&text, "\n"); /* the version was looked at */
	while ((line = strsep(&text, "\n")))
		if (*line && !kept_line(kept, line))
			return false;
	return kept_fits(kept);
}

static void forget(const void *memory)
{
	free((void *)(uintptr_t)memory);
}

static void kept_forget(struct kept *kept)
{
	struct lv2_type *type = kept->type;

	for (uint32_t i = 0; kept->ports && i < kept->n_ports; i++) {
		forget(kept->ports[i].id);
		forget(kept->ports[i].doc);
	}
	for (uint32_t i = 0; kept->params && i < kept->n_params; i++) {
		for (uint32_t k = 0; kept->params[i].labels && kept->params[i].labels[k]; k++)
			forget(kept->params[i].labels[k]);
		forget((const void *)kept->params[i].labels);
		forget(kept->params[i].id);
		forget(kept->params[i].doc);
	}
	for (uint32_t i = LV2_METER_COUNT_; kept->meters && i < kept->n_meters; i++) {
		forget(kept->meters[i].id);
		forget(kept->meters[i].doc);
	}
	free(kept->ports);
	free(kept->params);
	free(kept->meters);
	if (!type)
		return;
	forget(type->type.id);
	forget(type->type.doc);
	forget(type->type.source);
	forget(type->type.category);
	free(type->uri);
	free(type);
}

static bool kept_begin(struct kept *kept, const char *uri, const char *why)
{
	struct lv2_type *type = calloc(1, sizeof(*type));
	char *id = NULL;

	kept->type = type;
	kept->ports = calloc(2 * LV2_AUDIO_MAX + 2, sizeof(*kept->ports));
	kept->params = calloc(LV2_PORTS_MAX + 1, sizeof(*kept->params));
	kept->meters = calloc(LV2_PORTS_MAX + LV2_METER_COUNT_ + 1, sizeof(*kept->meters));
	if (!type || !kept->ports || !kept->params || !kept->meters)
		return false;
	for (uint32_t i = 0; i < LV2_METER_COUNT_; i++)
		kept->meters[kept->n_meters++] = lv2_own_meters[i];
	type->missing = true;
	type->uri = strdup(uri);
	type->type.source = strdup(why);
	if (asprintf(&id, LV2_SCHEME ":%s", uri) < 0)
		id = NULL;
	type->type.id = id;
	return type->uri && type->type.source && id;
}

static void kept_finish(struct kept *kept)
{
	struct lv2_type *type = kept->type;

	type->type.flags = MIXD_NODE_STAND_IN | (type->n_in ? 0 : MIXD_NODE_SOURCE);
	type->type.ports = kept->ports;
	type->type.n_ports = kept->n_ports;
	type->type.params = kept->params;
	type->type.n_params = kept->n_params;
	type->type.meters = kept->meters;
	type->type.n_meters = kept->n_meters;
	lv2_table_common(type);
}

struct lv2_type *lv2_kept_read(const char *uri, const char *why, struct mixd_fault *fault)
{
	char path[LV2_PATH_MAX], reason[sizeof(fault->text)];
	struct kept kept = {0};
	char *text = kept_path(uri, path) < 0 ? NULL : kept_load(path);
	size_t first = strlen(KEPT_FIRST);
	const char *wrong = NULL;

	if (!text)
		return NULL;
	snprintf(reason, sizeof(reason), "%s", why);
	if (strncmp(text, KEPT_FIRST "\n", first + 1) != 0)
		wrong = strncmp(text, KEPT_FIRST, first - 1) == 0 ? "of another version of mixd"
								  : "damaged";
	else if (!kept_begin(&kept, uri, reason))
		wrong = "more than fits into memory";
	else if (!kept_parse(&kept, text))
		wrong = "damaged";
	free(text);
	if (!wrong) {
		kept_finish(&kept);
		return kept.type;
	}
	kept_forget(&kept);
	snprintf(fault->text, sizeof(fault->text), "%.110s, and what was kept of it is %s", reason,
		 wrong);
	snprintf(fault->hint, sizeof(fault->hint), "install it again; kept was %.150s", path);
	return NULL;
}
