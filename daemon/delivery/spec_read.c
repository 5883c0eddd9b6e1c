/* spec_read.c - the text of specs (specs.yaml explains it) -> specs. Faults have line and column, and
 * the nearest right word. */
#include "spec_reader.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define SPECS_MAX 1024u
#define CLAUSES_MAX 64u
#define N(array) (sizeof(array) / sizeof((array)[0]))

static const char *const grades[] = {"PRIMARY",	   "PRIMARY-QUOTED", "SECONDARY", "MEASURED",
				     "UNVERIFIED", "PRACTICE",	     "OWN"};

static int read_when(struct spec_reader *reader, const struct session_node *map,
		     struct spec_clause *clause)
{
	static const char *const keys[] = {"louder_than", "longer_than", "channels", "speech"};
	static const char *const speech[] = {"any", "enough", "little"};
	const struct session_node *when = session_doc_get(map, "when");
	uint32_t which = SPEC_SPEECH_ANY;
	double channels = 0;
	int r;

	clause->when_above_lufs = NAN;
	if (!when)
		return 0;
	if (spec_reader_kind(reader, when, SESSION_MAP) < 0)
		return -EINVAL;
	r = spec_reader_keys(reader, when, keys, N(keys));
	r = r < 0 ? r
		  : spec_reader_number(reader, when, "louder_than", "LUFS",
				       &clause->when_above_lufs);
	r = r < 0 ? r
		  : spec_reader_number(reader, when, "longer_than", "s", &clause->when_longer_s);
	r = r < 0 ? r : spec_reader_number(reader, when, "channels", "", &channels);
	r = r < 0 ? r : spec_reader_choice(reader, when, "speech", speech, N(speech), &which);
	clause->when_channels = channels > 0 ? (uint32_t)channels : 0;
	clause->when_speech = (enum spec_speech)which;
	if (r == 0 && which != SPEC_SPEECH_ANY && reader->spec.speech_share <= 0)
		return spec_reader_fault(
			reader, when, "add speech_share: 15% to the spec",
			"a clause asks for the share of speech, the spec names none");
	return r;
}

/* What no file can meet is a slip of the pen: 48 for 48 kHz. */
static int read_possible(struct spec_reader *reader, const struct session_node *node,
			 const char *word, double value)
{
	static const char *const rates[] = {"cbr", "vbr"};
	const char *id = reader->quantity->id;

	if (strcmp(id, "rate") == 0 && isfinite(value) && value < 1000)
		return spec_reader_fault(reader, node, "48kHz, say", "%g Hz is no sampling rate",
					 value);
	if (strcmp(id, "cbr") == 0 && strcmp(word, "cbr") != 0 && strcmp(word, "vbr") != 0)
		return spec_reader_unknown(reader, node, "kind of bit rate", word, rates, N(rates));
	return 0;
}

/* one_of: [mp3, flac], numbers in the quantity's unit. */
static int read_words(struct spec_reader *reader, const struct session_node *list,
		      struct spec_clause *clause)
{
	char words[256] = "", one[48];
	size_t n = 0;

	if (spec_reader_kind(reader, list, SESSION_LIST) < 0)
		return -EINVAL;
	if (!list->first)
		return spec_reader_fault(reader, list, "name one", "one_of is empty");
	for (const struct session_node *node = list->first; node; node = node->next) {
		double value = NAN;

		if (node->kind != SESSION_SCALAR || !node->text[0] || strlen(node->text) > 40 ||
		    strchr(node->text, ' '))
			return spec_reader_fault(reader, node, "one_of: [mp3, flac]",
						 "one_of takes plain words");
		snprintf(one, sizeof(one), "%s", node->text);
		if (reader->quantity->shape != SPEC_SHAPE_WORD) {
			if (spec_reader_figure(reader, node, clause->unit, &value) < 0)
				return -EINVAL;
			snprintf(one, sizeof(one), "%.10g", value);
		}
		if (read_possible(reader, node, one, value) < 0)
			return -EINVAL;
		n += (size_t)snprintf(words + n, sizeof(words) - n, "%s%s", n ? " " : "", one);
		if (n >= sizeof(words))
			return spec_reader_fault(reader, node, "shorten the list",
						 "too many words");
	}
	clause->kind = SPEC_ONE_OF;
	clause->words = spec_keep(reader->set, words);
	return clause->words ? 0 : error_no_memory(reader->err);
}

static int read_playback(struct spec_reader *reader, const struct session_node *map,
			 struct spec_clause *clause)
{
	static const char *const ups[] = {"peaks", "limiter", "free", "never"};
	uint32_t up = SPEC_UP_PEAK;
	int r = spec_reader_number(reader, map, "playback", "LUFS", &clause->target);

	clause->kind = SPEC_PLAYBACK;
	clause->severity = SPEC_INFO;
	clause->max = 0;
	r = r < 0 ? r : spec_reader_choice(reader, map, "up", ups, N(ups), &up);
	r = r < 0 ? r : spec_reader_number(reader, map, "headroom", "dBTP", &clause->max);
	clause->up = (enum spec_up)up;
	if (r == 0 && strcmp(clause->id, "integrated") != 0)
		return spec_reader_fault(reader, session_doc_get(map, "playback"), "id: integrated",
					 "playback is about integrated loudness");
	return r;
}

static int read_band(struct spec_reader *reader, const struct session_node *map,
		     struct spec_clause *clause)
{
	const struct session_node *tolerance = session_doc_get(map, "tolerance");
	double width = 0;

	if (spec_reader_figure(reader, tolerance, reader->quantity->step, &width) < 0)
		return -EINVAL;
	if (width <= 0)
		return spec_reader_fault(reader, tolerance, "0.2LU, say", "a tolerance is above 0");
	if (isnan(clause->target) || isfinite(clause->min) || isfinite(clause->max))
		return spec_reader_fault(reader, tolerance,
					 "target: with tolerance:, or min: and max:",
					 "a tolerance belongs to a target, without min and max");
	clause->kind = SPEC_BAND;
	clause->min = clause->target - width;
	clause->max = clause->target + width;
	return 0;
}

/* What the clause is follows from its keys. */
static int read_limits(struct spec_reader *reader, const struct session_node *map,
		       struct spec_clause *clause)
{
	const struct session_node *words = session_doc_get(map, "one_of");
	const char *unit = clause->unit;
	int r;

	if (words)
		return read_words(reader, words, clause);
	if (reader->quantity->shape == SPEC_SHAPE_WORD)
		return spec_reader_fault(reader, map, "one_of: [...]", "%s is a word, not a number",
					 clause->id);
	if (session_doc_get(map, "playback"))
		return read_playback(reader, map, clause);
	r = spec_reader_number(reader, map, "target", unit, &clause->target);
	r = r < 0 ? r : spec_reader_number(reader, map, "min", unit, &clause->min);
	r = r < 0 ? r : spec_reader_number(reader, map, "max", unit, &clause->max);
	if (r == 0)
		r = read_possible(reader, map, "",
				  isfinite(clause->min) ? clause->min : clause->max);
	if (r < 0)
		return r;
	if (session_doc_get(map, "tolerance"))
		return read_band(reader, map, clause);
	if (clause->min > clause->max)
		return spec_reader_fault(reader, session_doc_get(map, "min"), "exchange them",
					 "min is above max");
	clause->kind = SPEC_RANGE;
	if (session_doc_get(map, "reported"))
		clause->severity = SPEC_INFO;
	else if (isfinite(clause->min) && isfinite(clause->max))
		clause->kind = SPEC_RANGE;
	else if (isfinite(clause->max))
		clause->kind = SPEC_CEILING;
	else if (isfinite(clause->min))
		clause->kind = SPEC_FLOOR;
	else
		return spec_reader_fault(
			reader, map,
			"target: and tolerance:, min:, max:, one_of:, playback: or "
			"reported: true",
			"the clause \"%s\" has no limit", clause->id);
	return 0;
}

static int read_quantity(struct spec_reader *reader, const struct session_node *map,
			 struct spec_clause *clause)
{
	const struct session_node *node = session_doc_get(map, "id");
	const char *ids[SPEC_QUANTITIES_MAX];

	if (!node)
		return spec_reader_fault(reader, map, "id: integrated, say", "a clause has no id");
	if (spec_reader_kind(reader, node, SESSION_SCALAR) < 0)
		return -EINVAL;
	reader->quantity = spec_quantity_find(node->text);
	if (!reader->quantity)
		return spec_reader_unknown(reader, node, "quantity", node->text, ids,
					   spec_quantity_ids(ids, SPEC_QUANTITIES_MAX));
	clause->id = reader->quantity->id;
	clause->unit = reader->quantity->unit;
	clause->precision = reader->quantity->precision;
	return 0;
}

static int read_clause(struct spec_reader *reader, const struct session_node *map,
		       struct spec_clause *clause)
{
	static const char *const keys[] = {
		"id",	    "target", "tolerance", "min",      "max",	"one_of",
		"playback", "up",     "headroom",  "reported", "level", "text",
		"when",	    "or",     "precision", "source",   "date",	"grade"};
	static const char *const levels[] = {"must", "advice", "info"};
	const struct spec *spec = &reader->spec;
	uint32_t level = SPEC_MUST;
	int r = spec_reader_kind(reader, map, SESSION_MAP);

	*clause =
		(struct spec_clause){.target = NAN, .min = -INFINITY, .max = INFINITY, .words = ""};
	r = r < 0 ? r : spec_reader_keys(reader, map, keys, N(keys));
	r = r < 0 ? r : read_quantity(reader, map, clause);
	r = r < 0 ? r : spec_reader_choice(reader, map, "level", levels, N(levels), &level);
	clause->severity = (enum spec_severity)level;
	r = r < 0 ? r : read_limits(reader, map, clause);
	r = r < 0 ? r : read_when(reader, map, clause);
	r = r < 0 ? r
		  : spec_reader_number(reader, map, "precision", clause->unit, &clause->precision);
	if (r == 0 && (clause->precision < 1e-6 || clause->precision > 1000))
		return spec_reader_fault(reader, session_doc_get(map, "precision"), "0.1, say",
					 "a precision is above 0");
	r = r < 0 ? r : spec_reader_text(reader, map, "text", "", &clause->text);
	r = r < 0 ? r
		  : spec_reader_text(reader, map, "source", reader->is_borrowed ? "" : spec->source,
				     &clause->source);
	r = r < 0 ? r
		  : spec_reader_text(reader, map, "date", reader->is_borrowed ? "" : spec->date,
				     &clause->date);
	r = r < 0 ? r : spec_reader_text(reader, map, "or", NULL, &clause->alternative);
	if (r < 0)
		return r;
	level = UINT32_MAX;
	r = spec_reader_choice(reader, map, "grade", grades, N(grades), &level);
	if (level != UINT32_MAX)
		clause->grade = grades[level];
	else
		clause->grade = reader->is_borrowed ? "OWN" : spec->grade;
	return r;
}

/* Same rule: it takes the place of the one inherited. */
static bool clause_replaces(const struct spec_clause *old, const struct spec_clause *clause)
{
	bool is_when = isnan(old->when_above_lufs) == isnan(clause->when_above_lufs) &&
		       old->when_channels == clause->when_channels &&
		       old->when_speech == clause->when_speech;

	return strcmp(old->id, clause->id) == 0 && old->severity == clause->severity && is_when &&
	       (old->kind == SPEC_PLAYBACK) == (clause->kind == SPEC_PLAYBACK);
}

static int read_alternatives(struct spec_reader *reader, const struct session_node *map)
{
	const struct spec *spec = &reader->spec;

	for (uint32_t i = 0; i < spec->n_clauses; i++) {
		const char *id = spec->clause[i].alternative;
		bool found = !id;

		for (uint32_t j = 0; j < spec->n_clauses && !found; j++)
			found = i != j && strcmp(spec->clause[j].id, id) == 0;
		if (!found)
			return spec_reader_fault(
				reader, map, "name another clause of the spec",
				"the clause \"%s\" has the alternative \"%.40s\", which "
				"the spec has not",
				spec->clause[i].id, id);
	}
	return 0;
}

static int read_clauses(struct spec_reader *reader, const struct session_node *map,
			const struct spec *like)
{
	const struct session_node *list = session_doc_get(map, "clauses");
	uint32_t n_old = like ? like->n_clauses : 0, n;
	struct spec_clause *clauses;

	if (!like && (!list || (list->kind == SESSION_LIST && !list->first)))
		return spec_reader_fault(reader, map,
					 "clauses: [{id: integrated, target: -23LUFS, "
					 "tolerance: 0.2LU}]",
					 "the spec has no clauses");
	if (list && spec_reader_kind(reader, list, SESSION_LIST) < 0)
		return -EINVAL;
	if (n_old + (list ? list->n : 0) > CLAUSES_MAX)
		return spec_reader_fault(reader, list, NULL, "more than %u clauses", CLAUSES_MAX);
	n = n_old;
	clauses =
		spec_keep_bytes(reader->set, (n_old + (list ? list->n : 0) + 1) * sizeof(*clauses));
	if (!clauses)
		return error_no_memory(reader->err);
	if (like)
		memcpy(clauses, like->clause, n_old * sizeof(*clauses));
	for (const struct session_node *node = list ? list->first : NULL; node; node = node->next) {
		struct spec_clause clause;
		uint32_t at = n;

		if (read_clause(reader, node, &clause) < 0)
			return -EINVAL;
		for (uint32_t i = 0; i < n_old; i++)
			if (clause_replaces(&clauses[i], &clause))
				at = i;
		clauses[at] = clause;
		n += at == n;
	}
	reader->spec.clause = clauses;
	reader->spec.n_clauses = n;
	return read_alternatives(reader, map);
}

static int read_like(struct spec_reader *reader, const struct session_node *map,
		     const struct spec **ret)
{
	const struct session_node *node = session_doc_get(map, "like");
	const struct spec_list *list = &reader->set->list;
	const char *names[SPECS_MAX];
	uint32_t n = 0;

	*ret = NULL;
	if (!node)
		return 0;
	if (spec_reader_kind(reader, node, SESSION_SCALAR) < 0)
		return -EINVAL;
	for (uint32_t i = 0; i < list->n && n < SPECS_MAX; i++) {
		if (strcmp(list->spec[i].name, node->text) == 0) {
			*ret = &list->spec[i];
			return 0;
		}
		names[n++] = list->spec[i].name;
	}
	return spec_reader_unknown(reader, node, "spec", node->text, names, n);
}

static int read_name(struct spec_reader *reader, const struct session_node *key)
{
	const struct spec_list *list = &reader->set->list;
	const char *at = key->text;

	while (islower((unsigned char)*at) || isdigit((unsigned char)*at) ||
	       (at > key->text && strchr("-._", *at) && *at))
		at++;
	if (*at || !*key->text || strlen(key->text) > 48)
		return spec_reader_fault(reader, key, "small letters, digits and -, up to 48",
					 "\"%.60s\" is no name of a spec", key->text);
	for (uint32_t i = 0; i < list->n; i++) {
		const struct spec *other = &list->spec[i];

		if (strcmp(other->name, key->text) != 0)
			continue;
		return spec_reader_fault(reader, key,
					 "choose another name; `like:` takes its clauses over",
					 "the spec \"%s\" is there already (%s)", key->text,
					 other->origin ? other->origin : "shipped");
	}
	reader->spec.name = spec_keep(reader->set, key->text);
	return reader->spec.name ? 0 : error_no_memory(reader->err);
}

static int read_spec(struct spec_reader *reader, const struct session_node *map)
{
	static const char *const keys[] = {"title", "version", "source",       "date",
					   "grade", "like",    "speech_share", "clauses"};
	struct spec *spec = &reader->spec;
	const struct spec *like = NULL;
	double version = 1, share = 0;
	uint32_t grade = UINT32_MAX;
	int r = spec_reader_kind(reader, map, SESSION_MAP);

	*spec = (struct spec){.origin = reader->origin};
	r = r < 0 ? r : spec_reader_keys(reader, map, keys, N(keys));
	r = r < 0 ? r : read_name(reader, map->key);
	r = r < 0 ? r : read_like(reader, map, &like);
	share = like ? like->speech_share * 100 : 0;
	reader->is_borrowed = r == 0 && like && reader->origin && !session_doc_get(map, "source") &&
			      !session_doc_get(map, "grade");
	r = r < 0 ? r : spec_reader_text(reader, map, "title", spec->name, &spec->title);
	r = r < 0 ? r
		  : spec_reader_text(reader, map, "source", like ? like->source : "",
				     &spec->source);
	r = r < 0 ? r : spec_reader_text(reader, map, "date", like ? like->date : "", &spec->date);
	r = r < 0 ? r : spec_reader_choice(reader, map, "grade", grades, N(grades), &grade);
	r = r < 0 ? r : spec_reader_number(reader, map, "version", "", &version);
	r = r < 0 ? r : spec_reader_number(reader, map, "speech_share", "%", &share);
	if (r < 0)
		return r;
	spec->grade = grade != UINT32_MAX ? grades[grade] : like ? like->grade : "OWN";
	if (version < 1 || version > 1e6 || version != floor(version))
		return spec_reader_fault(reader, session_doc_get(map, "version"), "1, 2, 3 ...",
					 "a version is a whole number");
	if (share < 0 || share > 100)
		return spec_reader_fault(reader, session_doc_get(map, "speech_share"), "15%, say",
					 "a share is between 0 and 100 %%");
	spec->version = (uint32_t)version;
	spec->speech_share = share / 100;
	r = read_clauses(reader, map, like);
	if (r == 0)
		spec_aim(spec);
	return r;
}

static int read_root(struct spec_reader *reader, const struct session_node *root)
{
	static const char *const keys[] = {"mixd_spec", "specs"};
	const struct session_node *specs;
	int r = spec_reader_kind(reader, root, SESSION_MAP);
	double form = 0;

	r = r < 0 ? r : spec_reader_keys(reader, root, keys, N(keys));
	r = r < 0 ? r : spec_reader_number(reader, root, "mixd_spec", "", &form);
	if (r < 0)
		return r;
	if (form != 1)
		return spec_reader_fault(reader, root, "begin it with the line `mixd_spec: 1`",
					 "is no file of specs that this mixd reads");
	specs = session_doc_get(root, "specs");
	if (!specs || specs->kind != SESSION_MAP || !specs->first)
		return spec_reader_fault(reader, root, "specs: {my-station: {like: ebu-r128, ...}}",
					 "there are no specs in it");
	for (const struct session_node *map = specs->first; map; map = map->next) {
		if (reader->set->list.n >= SPECS_MAX)
			return spec_reader_fault(reader, map, NULL, "more than %u specs",
						 SPECS_MAX);
		r = read_spec(reader, map);
		if (r < 0)
			return r;
		if (reader->set->list.n == reader->set->list.space) {
			struct spec_list *list = &reader->set->list;
			uint32_t space = list->space ? 2 * list->space : 64;
			struct spec *grown = realloc(list->spec, space * sizeof(*grown));

			if (!grown)
				return error_no_memory(reader->err);
			list->spec = grown;
			list->space = space;
		}
		reader->set->list.spec[reader->set->list.n++] = reader->spec;
	}
	return 0;
}

int spec_read(struct spec_set *set, const char *name, const char *origin, const char *text,
	      size_t size, struct mixd_error *err)
{
	struct spec_reader reader = {.set = set, .name = name, .err = err};
	uint32_t n_before = set->list.n;
	struct session_node *root;
	int r;

	if (origin) {
		reader.origin = spec_keep(set, origin);
		if (!reader.origin)
			return error_no_memory(err);
	}
	r = session_doc_parse(name, text, size, "yaml", &root, err);
	if (r < 0)
		return r;
	r = read_root(&reader, root);
	session_doc_free(root);
	if (r < 0)
		set->list.n = n_before;
	return r;
}
