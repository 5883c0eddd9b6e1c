/* verb_complete.c - completion: candidates for the word under the cursor; the scripts that ask are in
 * verb_completion.c.
 *
 * WHAT        `mixctl __complete IDX WORD...`: the words of the command line (0 is the program),
 *             IDX the one to complete. Prints "candidate<tab>what it is" per line. What cannot be
 *             had from the daemon within 200 ms is left out in silence. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "job.h"

#define COMPLETE_LIMIT_MS 200
#define COMPLETE_BUDGET_MS 150 /* of the daemon; the rest is ours */

struct complete {
	struct mixctl *m;
	const char *word;
};

static void complete_offer(const struct complete *complete, const char *text, const char *doc)
{
	if (strncmp(text, complete->word, strlen(complete->word)) != 0)
		return;
	printf(doc && *doc ? "%s\t%s\n" : "%s\n", text, doc);
}

static void complete_offer_all(const struct complete *complete, const char *const *texts)
{
	for (; *texts; texts++)
		complete_offer(complete, *texts, NULL);
}

static void complete_out_of_time(int signo)
{
	_exit(EXIT_YES);
}

/* What is printed so far counts, whatever becomes of the rest. */
static void complete_set_limit(void)
{
	struct sigaction action = {.sa_handler = complete_out_of_time};
	struct itimerval limit = {.it_value.tv_usec = COMPLETE_LIMIT_MS * 1000};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &limit, NULL);
}

static Mixd__V1__Reply *complete_request(const struct complete *complete,
					 Mixd__V1__Request *request)
{
	fflush(stdout);
	request->timeout_ms = COMPLETE_BUDGET_MS;
	return mixctl_request(complete->m, request);
}

static void complete_nodes(const struct complete *complete, const char *suffix)
{
	Mixd__V1__GetNodes get = MIXD__V1__GET_NODES__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	request.op_case = MIXD__V1__REQUEST__OP_GET_NODES;
	request.get_nodes = &get;
	reply = complete_request(complete, &request);
	for (size_t i = 0; reply && i < reply->get_nodes->n_nodes; i++)
		complete_offer(complete,
			       mixctl_printf("%s%s", reply->get_nodes->nodes[i]->name, suffix),
			       reply->get_nodes->nodes[i]->type);
}

static void complete_ports(const struct complete *complete)
{
	Mixd__V1__GetPorts get = MIXD__V1__GET_PORTS__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	complete_nodes(complete, "");
	request.op_case = MIXD__V1__REQUEST__OP_GET_PORTS;
	request.get_ports = &get;
	reply = complete_request(complete, &request);
	for (size_t i = 0; reply && i < reply->get_ports->n_ports; i++)
		complete_offer(complete, reply->get_ports->ports[i]->address,
			       reply->get_ports->ports[i]->output ? "output" : "input");
}

static Mixd__V1__Reply *complete_get_types(const struct complete *complete, const char *pattern)
{
	Mixd__V1__GetTypes get = MIXD__V1__GET_TYPES__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;

	get.pattern = (char *)(uintptr_t)pattern;
	request.op_case = MIXD__V1__REQUEST__OP_GET_TYPES;
	request.get_types = &get;
	return complete_request(complete, &request);
}

/* NODE. first; then NODE.PARAM and, when METERS, what it measures. */
static void complete_readings(const struct complete *complete, bool params, bool meters,
			      const char *suffix)
{
	const char *dot = strchr(complete->word, '.');
	Mixd__V1__Get get = MIXD__V1__GET__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;
	char *pattern;

	if (!dot) {
		complete_nodes(complete, ".");
		return;
	}
	pattern = mixctl_printf("%.*s.*", (int)(dot - complete->word), complete->word);
	get.patterns = &pattern;
	get.n_patterns = 1;
	request.op_case = MIXD__V1__REQUEST__OP_GET;
	request.get = &get;
	reply = complete_request(complete, &request);
	for (size_t i = 0; reply && i < reply->get->n_readings; i++) {
		const Mixd__V1__Reading *reading = reply->get->readings[i];

		if (reading->meter ? meters : params)
			complete_offer(complete, mixctl_printf("%s%s", reading->address, suffix),
				       reading->text);
	}
}

/* NODE.PARAM of what automate takes: numbers, and no configs. */
static void complete_automate(const struct complete *complete)
{
	const char *dot = strchr(complete->word, '.');
	Mixd__V1__GetNodes get = MIXD__V1__GET_NODES__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	if (!dot) {
		complete_nodes(complete, ".");
		return;
	}
	get.pattern = mixctl_printf("%.*s", (int)(dot - complete->word), complete->word);
	request.op_case = MIXD__V1__REQUEST__OP_GET_NODES;
	request.get_nodes = &get;
	reply = complete_request(complete, &request);
	if (!reply || reply->get_nodes->n_nodes == 0)
		return;
	reply = complete_get_types(complete, reply->get_nodes->nodes[0]->type);
	for (size_t t = 0; reply && t < reply->get_types->n_types; t++)
		for (size_t i = 0; i < reply->get_types->types[t]->n_params; i++) {
			const Mixd__V1__ParamRow *row = reply->get_types->types[t]->params[i];

			if (row->config || (row->type != MIXD__V1__VALUE_TYPE__VALUE_TYPE_FLOAT &&
					    row->type != MIXD__V1__VALUE_TYPE__VALUE_TYPE_INT))
				continue;
			for (uint32_t n = 1; n <= (*row->group ? row->count : 1); n++)
				complete_offer(
					complete,
					*row->group ? mixctl_printf("%s.%s%u.%s", get.pattern,
								    row->group, n, row->id)
						    : mixctl_printf("%s.%s", get.pattern, row->id),
					row->doc);
		}
}

static const char *complete_row_id(const Mixd__V1__ParamRow *row)
{
	return *row->group ? mixctl_printf("%s1.%s", row->group, row->id) : row->id;
}

/* What may stand behind PREFIX ("limit.mode="), a value of ROW. */
static void complete_row_values(const struct complete *complete, const Mixd__V1__ParamRow *row,
				const char *prefix)
{
	static const char *const switches[] = {"on", "off", "toggle", NULL};

	if (row->type == MIXD__V1__VALUE_TYPE__VALUE_TYPE_BOOL)
		for (int i = 0; switches[i]; i++)
			complete_offer(complete, mixctl_printf("%s%s", prefix, switches[i]), NULL);
	for (size_t i = 0; i < row->n_labels; i++)
		complete_offer(complete, mixctl_printf("%s%s", prefix, row->labels[i]), NULL);
}

static bool complete_row_is(const Mixd__V1__ParamRow *row, const char *id)
{
	size_t size = strlen(row->group);

	if (*row->group) {
		if (strncmp(row->group, id, size) != 0)
			return false;
		id += size + strspn(id + size, "0123456789");
		if (*id++ != '.')
			return false;
	}
	return strcmp(row->id, id) == 0;
}

static void complete_values_of(const struct complete *complete, const char *type_id, const char *id,
			       const char *prefix)
{
	static const char *const common[] = {"bypass", "mute", NULL};
	Mixd__V1__Reply *reply = complete_get_types(complete, type_id);

	for (int i = 0; common[i]; i++)
		if (strcmp(common[i], id) == 0) {
			complete_offer(complete, mixctl_printf("%son", prefix), NULL);
			complete_offer(complete, mixctl_printf("%soff", prefix), NULL);
			complete_offer(complete, mixctl_printf("%stoggle", prefix), NULL);
			return;
		}
	for (size_t t = 0; reply && t < reply->get_types->n_types; t++)
		for (size_t i = 0; i < reply->get_types->types[t]->n_params; i++)
			if (complete_row_is(reply->get_types->types[t]->params[i], id))
				complete_row_values(complete, reply->get_types->types[t]->params[i],
						    prefix);
}

/* NODE.PARAM=VALUE */
static void complete_assignment(const struct complete *complete)
{
	const char *equals = strchr(complete->word, '='), *dot = strchr(complete->word, '.');
	Mixd__V1__GetNodes get = MIXD__V1__GET_NODES__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	if (!equals) {
		complete_readings(complete, true, false, "=");
		return;
	}
	if (!dot || dot > equals)
		return;
	get.pattern = mixctl_printf("%.*s", (int)(dot - complete->word), complete->word);
	request.op_case = MIXD__V1__REQUEST__OP_GET_NODES;
	request.get_nodes = &get;
	reply = complete_request(complete, &request);
	if (reply && reply->get_nodes->n_nodes > 0)
		complete_values_of(
			complete, reply->get_nodes->nodes[0]->type,
			mixctl_printf("%.*s", (int)(equals - dot - 1), dot + 1),
			mixctl_printf("%.*s", (int)(equals - complete->word) + 1, complete->word));
}

static void complete_types(const struct complete *complete)
{
	/* Types made on demand are many: only for who has begun to write one. */
	const char *colon = strchr(complete->word, ':');
	Mixd__V1__Reply *reply = complete_get_types(
		complete,
		colon ? mixctl_printf("%.*s:**", (int)(colon - complete->word), complete->word)
		      : "");

	for (size_t i = 0; reply && !colon && i < reply->get_types->n_types; i++)
		complete_offer(complete, reply->get_types->types[i]->id,
			       reply->get_types->types[i]->doc);
	for (size_t i = 0; reply && i < reply->get_types->n_on_demand; i++)
		complete_offer(complete, reply->get_types->on_demand[i], "");
}

/* PARAM=VALUE of the type TYPE_ID, for add. */
static void complete_type_param(const struct complete *complete, const char *type_id)
{
	const char *equals = strchr(complete->word, '=');
	Mixd__V1__Reply *reply;

	if (equals) {
		complete_values_of(
			complete, type_id,
			mixctl_printf("%.*s", (int)(equals - complete->word), complete->word),
			mixctl_printf("%.*s", (int)(equals - complete->word) + 1, complete->word));
		return;
	}
	reply = complete_get_types(complete, type_id);
	for (size_t t = 0; reply && t < reply->get_types->n_types; t++)
		for (size_t i = 0; i < reply->get_types->types[t]->n_params; i++) {
			const Mixd__V1__ParamRow *row = reply->get_types->types[t]->params[i];

			complete_offer(complete, mixctl_printf("%s=", complete_row_id(row)),
				       row->doc);
		}
}

/* TYPE, or TYPE.PARAM */
static void complete_explain(const struct complete *complete)
{
	const char *dot = strchr(complete->word, '.');
	Mixd__V1__Reply *reply;

	if (!dot) {
		complete_types(complete);
		return;
	}
	reply = complete_get_types(
		complete, mixctl_printf("%.*s", (int)(dot - complete->word), complete->word));
	for (size_t t = 0; reply && t < reply->get_types->n_types; t++) {
		const Mixd__V1__NodeType *type = reply->get_types->types[t];

		for (size_t i = 0; i < type->n_params; i++)
			complete_offer(
				complete,
				mixctl_printf("%s.%s", type->id, complete_row_id(type->params[i])),
				type->params[i]->doc);
		for (size_t i = 0; i < type->n_meters; i++)
			complete_offer(complete,
				       mixctl_printf("%s.%s", type->id, type->meters[i]->id),
				       type->meters[i]->doc);
	}
}

/* Presets of OF, a type or a node: their names, or TYPE/NAME. */
static void complete_preset_names(const struct complete *complete, char *of, bool own, bool typed)
{
	Mixd__V1__GetPresets get = MIXD__V1__GET_PRESETS__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	get.of = of;
	request.op_case = MIXD__V1__REQUEST__OP_GET_PRESETS;
	request.get_presets = &get;
	reply = complete_request(complete, &request);
	for (size_t i = 0; reply && i < reply->get_presets->n_presets; i++) {
		const Mixd__V1__Preset *preset = reply->get_presets->presets[i];

		if (!own || strcmp(preset->from, "own") == 0)
			complete_offer(complete,
				       typed ? mixctl_printf("%s/%s", preset->type, preset->name)
					     : preset->name,
				       preset->doc);
	}
}

/* The word behind `preset ls`, `preset apply vox/comp` and so on: WORDS, N of them with the verb. */
static void complete_preset(const struct complete *complete, int n, char **words)
{
	static char all[] = "";

	if (strcmp(words[1], "show") == 0 && n == 2) {
		complete_preset_names(complete, all, false, true);
	} else if (strcmp(words[1], "rm") == 0) {
		if (n == 2)
			complete_types(complete);
		else if (n == 3)
			complete_preset_names(complete, words[2], true, false);
	} else {
		if (strcmp(words[1], "ls") == 0 && n == 2)
			complete_types(complete);
		if (n == 2 || strcmp(words[1], "apply") == 0)
			complete_nodes(complete, "");
		if (n > 2 && strcmp(words[1], "ls") != 0)
			complete_preset_names(complete, words[2], false, false);
	}
}

static void complete_markers(const struct complete *complete)
{
	Mixd__V1__Snapshot snapshot = MIXD__V1__SNAPSHOT__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	request.op_case = MIXD__V1__REQUEST__OP_SNAPSHOT;
	request.snapshot = &snapshot;
	reply = complete_request(complete, &request);
	for (size_t i = 0; reply && i < reply->snapshot->graph->n_markers; i++)
		complete_offer(complete, reply->snapshot->graph->markers[i]->name, "marker");
}

/* Players, and the tracks they belong to. */
static void complete_players(const struct complete *complete)
{
	static const char suffix[] = "/player";
	Mixd__V1__GetNodes get = MIXD__V1__GET_NODES__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	request.op_case = MIXD__V1__REQUEST__OP_GET_NODES;
	request.get_nodes = &get;
	reply = complete_request(complete, &request);
	for (size_t i = 0; reply && i < reply->get_nodes->n_nodes; i++) {
		const char *name = reply->get_nodes->nodes[i]->name;
		size_t size = strlen(name), tail = sizeof(suffix) - 1;

		if (strcmp(reply->get_nodes->nodes[i]->type, "player") != 0)
			continue;
		if (size > tail && strcmp(name + size - tail, suffix) == 0)
			name = mixctl_printf("%.*s", (int)(size - tail), name);
		complete_offer(complete, name, "player");
	}
}

/* The words behind `edit`: a player, an edit, then its clips and markers. */
static void complete_edit(const struct complete *complete, int n, char **words)
{
	static const char *const edits[] = {"ls",   "cut",  "silence", "delete",  "nudge",
					    "move", "slip", "trim",    "fade",	  "crossfade",
					    "gain", "name", "loop",    "reverse", "speed",
					    "add",  "rm",   NULL};
	static const char *const sides[] = {"in", "out", NULL};
	Mixd__V1__GetClips get = MIXD__V1__GET_CLIPS__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	if (n == 1)
		complete_players(complete);
	else if (n == 2)
		complete_offer_all(complete, edits);
	if (n < 3)
		return;
	if (strcmp(words[2], "fade") == 0 && n == 4)
		complete_offer_all(complete, sides);
	complete_markers(complete);
	get.player = words[1];
	request.op_case = MIXD__V1__REQUEST__OP_GET_CLIPS;
	request.get_clips = &get;
	reply = complete_request(complete, &request);
	for (size_t i = 0; reply && i < reply->get_clips->n_clips; i++) {
		const Mixd__V1__Clip *clip = reply->get_clips->clips[i];

		complete_offer(complete,
			       *clip->name ? clip->name : mixctl_printf("%u", clip->number),
			       clip->text);
	}
}

static void complete_fixed(const struct complete *complete, enum word_kind kind)
{
	static const char *const rows[][6] = {
		[WORD_LIST] = {"nodes", "ports", "links", "types", "plugins"},
		[WORD_PRESET] = {"ls", "show", "apply", "save", "rm"},
		[WORD_MARKER] = {"ls", "add", "rm"},
		[WORD_SHELL] = {"bash", "zsh", "fish"},
		[WORD_SWITCH] = {"on", "off", "toggle"},
	};

	if (kind < sizeof(rows) / sizeof(rows[0]))
		complete_offer_all(complete, rows[kind]);
}

static void complete_verbs(const struct complete *complete)
{
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (!verb->hidden)
			complete_offer(complete, verb->name, verb->doc);
	for (size_t i = 0; mixd_job_verbs[i]; i++)
		if (!mixd_job_verbs[i]->only_with)
			complete_offer(complete, mixd_job_verbs[i]->name, mixd_job_verbs[i]->doc);
}

static void complete_word(const struct complete *complete, enum word_kind kind, const char *first)
{
	complete_fixed(complete, kind);
	switch (kind) {
	case WORD_NODE:
	case WORD_SWITCH:
		complete_nodes(complete, "");
		break;
	case WORD_PORT:
		complete_ports(complete);
		break;
	case WORD_PARAM:
		complete_automate(complete);
		break;
	case WORD_READING:
		complete_readings(complete, true, true, "");
		break;
	case WORD_METER:
		complete_nodes(complete, "");
		complete_readings(complete, false, true, "");
		break;
	case WORD_ASSIGNMENT:
		complete_assignment(complete);
		break;
	case WORD_TYPE:
		complete_types(complete);
		break;
	case WORD_TYPE_PARAM:
		complete_type_param(complete, first);
		break;
	case WORD_EXPLAIN:
		complete_explain(complete);
		break;
	case WORD_LOOP:
		complete_offer(complete, "off", "no loop");
		complete_markers(complete);
		break;
	case WORD_POSITION:
		complete_offer(complete, "start", "the begin of the time line");
		complete_markers(complete);
		break;
	case WORD_MARKER:
		complete_markers(complete);
		break;
	case WORD_VERB:
		complete_verbs(complete);
		break;
	case WORD_EDIT: /* complete_edit() */
	case WORD_LIST: /* complete_fixed(), as the next two */
	case WORD_PRESET:
	case WORD_SHELL:
	case WORD_NONE:
		break;
	}
}

static const struct option_row *complete_find_option(const char *word)
{
	for (const struct option_row *row = option_rows; row->name; row++)
		if ((word[1] == '-' && strcmp(word + 2, row->name) == 0) ||
		    (word[1] == row->letter && row->letter && word[2] == 0))
			return row;
	return NULL;
}

/* The verb and its words before IDX; options and their values left out. */
static int complete_words(struct mixctl *m, int idx, char **words, char **ret_words)
{
	int n = 0;

	for (int i = 1; i < idx; i++) {
		const struct option_row *row;

		if (words[i][0] != '-' || !words[i][1]) {
			ret_words[n++] = words[i];
			continue;
		}
		row = complete_find_option(words[i]);
		if (!row || row->kind == OPTION_KIND_FLAG)
			continue;
		i++;
		if (i < idx && strcmp(row->name, "instance") == 0)
			m->options.instance = words[i];
		else if (i < idx && strcmp(row->name, "host") == 0)
			m->options.host = words[i];
	}
	return n;
}

/* Of a verb that works on files: its options, and values that can be listed; for the rest the shell
 * offers files. */
static void complete_job(struct complete *complete, const struct mixd_job_verb *verb,
			 const char *before)
{
	for (const struct mixd_job_option *o = verb->options; o && o->name; o++) {
		bool is_before = before[0] == '-' &&
				 (strcmp(before + 1 + (before[1] == '-'), o->name) == 0 ||
				  (o->letter && before[1] == o->letter && !before[2]));

		if (is_before && o->kind == MIXD_JOB_CHOICE)
			complete_offer_all(complete, o->choices);
		if (is_before && o->kind != MIXD_JOB_FLAG)
			return;
	}
	if (complete->word[0] != '-')
		return;
	for (const struct mixd_job_option *o = verb->options; o && o->name; o++)
		complete_offer(complete, mixctl_printf("--%s", o->name), o->doc);
	for (const struct option_row *row = option_rows; row->name; row++)
		if (row->group & OPTION_ALWAYS)
			complete_offer(complete, mixctl_printf("--%s", row->name), row->doc);
}

int verb_complete(struct mixctl *m)
{
	int idx = m->n_args > 0 ? atoi(m->args[0]) : 0, n;
	char **line = m->args + 1, **words = mixctl_alloc((size_t)m->n_args * sizeof(*words) + 8);
	struct complete complete = {.m = m, .word = ""};
	const struct option_row *row;
	const struct verb *verb;

	if (idx < 1 || idx > m->n_args)
		return EXIT_YES;
	complete_set_limit();
	if (idx < m->n_args - 1)
		complete.word = line[idx];
	m->options = (struct options){.format = -1, .wait = -1, .timeout_ms = COMPLETE_BUDGET_MS};
	n = complete_words(m, idx < m->n_args - 1 ? idx : m->n_args - 1, line, words);
	verb = n > 0 ? verb_find(words[0]) : NULL;
	if (n > 0 && !verb && mixd_job_verb_find(words[0])) {
		complete_job(&complete, mixd_job_verb_find(words[0]), line[idx - 1]);
		return EXIT_YES;
	}
	row = idx > 1 && line[idx - 1][0] == '-' ? complete_find_option(line[idx - 1]) : NULL;
	if (row && row->choices) {
		complete_offer_all(&complete, row->choices);
	} else if (row && row->kind != OPTION_KIND_FLAG) {
		if (row->group == OPTION_AFTER)
			complete_nodes(&complete, "");
	} else if (complete.word[0] == '-') {
		for (row = option_rows; row->name; row++)
			if (row->group & ((verb ? verb->options : 0) | OPTION_ALWAYS))
				complete_offer(&complete, mixctl_printf("--%s", row->name),
					       row->doc);
	} else if (n == 0) {
		complete_word(&complete, WORD_VERB, NULL);
	} else if (verb) {
		bool name_of_new = verb->run == verb_add && n == 2;

		if (verb->run == verb_preset && n > 1)
			complete_preset(&complete, n, words);
		else if (verb->run == verb_edit)
			complete_edit(&complete, n, words);
		else if (!name_of_new)
			complete_word(&complete, n == 1 ? verb->first : verb->rest, words[1]);
	}
	return EXIT_YES;
}
