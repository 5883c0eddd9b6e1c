/* batch_plan.c - what is to be done: a document of jobs, or every recording in a folder. */
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "batch.h"
#include "cleanup.h"

#define PLAN_DEPTH_MAX 32

struct plan {
	struct job *job;
	struct batch_list *list;
	struct document *document;
	const struct session_node *default_options;
	char *default_verb;
	const struct session_node *default_args;
};

/* ---- a document ----------------------------------------------------------------------------- */

struct plan_job {
	char *name, *verb;
	const struct session_node *args, *options, *files;
};
static const struct document_key plan_job_keys[] = {
	{"verb", DOCUMENT_TEXT, offsetof(struct plan_job, verb)},
	{"args", DOCUMENT_LIST, offsetof(struct plan_job, args)},
	{"files", DOCUMENT_ANY, offsetof(struct plan_job, files)},
	{"options", DOCUMENT_MAP, offsetof(struct plan_job, options)},
	{"name", DOCUMENT_TEXT, offsetof(struct plan_job, name)},
	{NULL},
};
static const struct document_key plan_default_keys[] = {
	{"verb", DOCUMENT_TEXT, offsetof(struct plan_job, verb)},
	{"args", DOCUMENT_LIST, offsetof(struct plan_job, args)},
	{"options", DOCUMENT_MAP, offsetof(struct plan_job, options)},
	{NULL},
};
struct plan_document {
	const struct session_node *defaults, *jobs;
};
static const struct document_key plan_document_keys[] = {
	{"jobs", DOCUMENT_LIST, offsetof(struct plan_document, jobs), .required = true},
	{"defaults", DOCUMENT_MAP, offsetof(struct plan_document, defaults)},
	{NULL},
};

static int plan_option_value(struct plan *plan, struct batch_template *template,
			     const struct mixd_job_option *row, const struct session_node *node,
			     struct mixd_error *err)
{
	const char *text = document_text(plan->document, node, err);
	char place[160];
	int r;

	if (!text)
		return -EINVAL;
	if (row->kind == MIXD_JOB_FLAG)
		text = strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0   ? "on"
		       : strcasecmp(text, "false") == 0 || strcasecmp(text, "no") == 0 ? "off"
										       : text;
	document_place(plan->document, node, place, sizeof(place));
	r = batch_value_check(row, text, place, err);
	if (r == 0 && batch_template_add(template, row, text) < 0)
		r = error_no_memory(err);
	return r;
}

static int plan_no_option(struct plan *plan, const struct mixd_job_verb *verb,
			  const struct session_node *key, struct mixd_error *err)
{
	const char *names[64], *nearest;
	uint32_t n = 0;

	for (const struct mixd_job_option *o = verb->options; o && o->name && n < 64; o++)
		names[n++] = o->name;
	nearest = error_nearest(key->text, names, n);
	document_error(plan->document, key, err, "%s has no option \"%.60s\"", verb->name,
		       key->text);
	if (nearest)
		error_hint(err, "did you mean \"%s\"?", nearest);
	else
		error_hint(err, "mixctl help %s lists them", verb->name);
	return -EINVAL;
}

/* LAX: those that the verb does not have are for other verbs. BUT: a map whose keys count instead. */
static int plan_options(struct plan *plan, struct batch_template *template,
			const struct session_node *map, const struct session_node *but, bool lax,
			struct mixd_error *err)
{
	int r = 0;

	for (const struct session_node *value = map ? map->first : NULL; value && r == 0;
	     value = value->next) {
		const struct mixd_job_option *row =
			mixd_job_option_find(template->verb, value->key->text);

		if ((!row && lax) || (but && session_doc_get(but, value->key->text)))
			continue;
		if (!row)
			return plan_no_option(plan, template->verb, value->key, err);
		if (value->kind == SESSION_LIST && value->n > 1 && !row->repeats) {
			document_error(plan->document, value, err, "%s takes one value", row->name);
			error_hint(err, "write a job for each value");
			return -EINVAL;
		}
		if (value->kind != SESSION_LIST)
			r = plan_option_value(plan, template, row, value, err);
		else
			for (const struct session_node *one = value->first; one && r == 0;
			     one = one->next)
				r = plan_option_value(plan, template, row, one, err);
	}
	return r;
}

static int plan_args(struct plan *plan, struct batch_template *template,
		     const struct session_node *args, struct mixd_error *err)
{
	for (const struct session_node *one = args ? args->first : NULL; one; one = one->next) {
		const char *text = document_text(plan->document, one, err);

		if (!text)
			return -EINVAL;
		if (batch_words_add(&template->args, text) < 0)
			return error_no_memory(err);
	}
	return 0;
}

static int plan_template(struct plan *plan, const struct session_node *node,
			 const struct plan_job *own, struct batch_template *template,
			 struct mixd_error *err)
{
	const char *name = own->verb ? own->verb : plan->default_verb;
	int r;

	document_place(plan->document, node, template->place, sizeof(template->place));
	if (!name) {
		document_error(plan->document, node, err, "a job needs the key \"verb\"");
		error_hint(err, "add verb: master, here or in defaults");
		return -EINVAL;
	}
	r = batch_verb_find(name, &template->verb, template->place, err);
	if (r == 0)
		r = plan_args(plan, template, own->args ? own->args : plan->default_args, err);
	if (r == 0)
		r = plan_options(plan, template, plan->default_options, own->options, true, err);
	if (r == 0)
		r = plan_options(plan, template, own->options, NULL, false, err);
	if (r == 0 && own->name) {
		template->name = strdup(own->name);
		r = template->name ? 0 : error_no_memory(err);
	}
	return r;
}

/* The newest item stands for a file that nobody named. */
static int plan_found(struct batch_list *list, const char *file, struct mixd_error *err)
{
	list->item[list->n - 1].file = strdup(file);
	return list->item[list->n - 1].file ? 0 : error_no_memory(err);
}

/* FOLDER/PATTERN where nothing in FOLDER is a pattern. */
static char *plan_pattern(const char *folder, const char *pattern)
{
	char *text = malloc(2 * strlen(folder) + strlen(pattern) + 2), *to = text;

	if (!text)
		return NULL;
	for (; *pattern != '/' && *folder; folder++) {
		if (strchr("*?[]{}\\", *folder))
			*to++ = '\\';
		*to++ = *folder;
	}
	if (*pattern != '/')
		*to++ = '/';
	strcpy(to, pattern);
	return text;
}

static int plan_glob(struct plan *plan, const struct batch_template *template,
		     const struct session_node *node, struct mixd_error *err)
{
	const char *text = document_text(plan->document, node, err);
	_cleanup_free_ char *pattern = text ? plan_pattern(plan->list->folder, text) : NULL;
	size_t skip = text && *text == '/' ? 0 : strlen(plan->list->folder) + 1;
	uint32_t n_found = 0;
	glob_t found;
	int r;

	if (!text)
		return -EINVAL;
	if (!pattern)
		return error_no_memory(err);
	r = glob(pattern, GLOB_BRACE | GLOB_MARK, NULL, &found);
	if (r != 0 && r != GLOB_NOMATCH)
		return document_error(plan->document, node, err, "cannot look for \"%.80s\"", text);
	for (size_t i = 0; r == 0 && i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i];

		if (path[strlen(path) - 1] == '/')
			continue;
		n_found++;
		r = batch_list_add(plan->list, template, path + skip, NULL, err);
		if (r == 0)
			r = plan_found(plan->list, path + skip, err);
	}
	if (r == 0 || r == GLOB_NOMATCH)
		globfree(&found);
	if (n_found == 0 && (r == 0 || r == GLOB_NOMATCH)) {
		char place[160];

		document_place(plan->document, node, place, sizeof(place));
		job_warn(plan->job, place, "no file is like \"%s\"", text);
	}
	return r == GLOB_NOMATCH ? 0 : r;
}

static int plan_add_job(struct plan *plan, const struct session_node *node, struct mixd_error *err)
{
	struct batch_template template = {0};
	struct plan_job own = {0};
	int r = document_fill(plan->document, node, "a job", plan_job_keys, &own, err);

	if (r == 0)
		r = plan_template(plan, node, &own, &template, err);
	if (r == 0 && !own.files)
		r = batch_list_add(plan->list, &template, NULL, NULL, err);
	else if (r == 0 && own.files->kind == SESSION_LIST)
		for (const struct session_node *one = own.files->first; one && r == 0;
		     one = one->next)
			r = plan_glob(plan, &template, one, err);
	else if (r == 0)
		r = plan_glob(plan, &template, own.files, err);
	document_clear(plan_job_keys, &own);
	batch_template_done(&template);
	return r;
}

/* An option of the defaults that no verb has is a slip. */
static int plan_check_defaults(struct plan *plan, struct mixd_error *err)
{
	const struct session_node *map = plan->default_options;

	for (const struct session_node *value = map ? map->first : NULL; value;
	     value = value->next) {
		const struct mixd_job_verb *only =
			plan->default_verb ? mixd_job_verb_find(plan->default_verb) : NULL;
		bool is_known = false;

		for (size_t i = 0; mixd_job_verbs[i]; i++)
			is_known |=
				mixd_job_option_find(mixd_job_verbs[i], value->key->text) != NULL;
		if (!is_known)
			return plan_no_option(plan, only ? only : mixd_job_verb_find("master"),
					      value->key, err);
	}
	return 0;
}

static int plan_document(struct plan *plan, const char *path, const char *name,
			 struct mixd_error *err)
{
	struct plan_document top = {0};
	struct plan_job defaults = {0};
	int r = document_read(path, name, &plan->document, err);

	if (r < 0)
		return r;
	plan->list->folder = strdup(plan->document->folder);
	if (!plan->list->folder)
		return error_no_memory(err);
	r = document_fill(plan->document, plan->document->root, "a batch", plan_document_keys, &top,
			  err);
	if (r == 0 && top.defaults)
		r = document_fill(plan->document, top.defaults, "defaults", plan_default_keys,
				  &defaults, err);
	plan->default_verb = defaults.verb;
	plan->default_args = defaults.args;
	plan->default_options = defaults.options;
	if (r == 0)
		r = plan_check_defaults(plan, err);
	for (const struct session_node *one = r == 0 ? top.jobs->first : NULL; one && r == 0;
	     one = one->next)
		r = plan_add_job(plan, one, err);
	document_clear(plan_default_keys, &defaults);
	return r;
}

/* ---- a folder ------------------------------------------------------------------------------- */

bool batch_is_media(const char *name)
{
	static const char *const endings[] = {"wav",  "wave", "rf64", "bwf", "w64",  "aif",  "aiff",
					      "aifc", "caf",  "flac", "ogg", "oga",  "opus", "mp3",
					      "m4a",  "mp4",  "aac",  "ac3", "eac3", "mka",  "au"};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof(endings) / sizeof(endings[0]); i++)
		if (strcasecmp(dot + 1, endings[i]) == 0)
			return true;
	return false;
}

struct plan_walk {
	struct plan *plan;
	struct batch_template *template;
	const char *as_given; /* the folder in the caller's words */
	const char *from; /* absolute */
};

/* SUB: the folder below `from`, "" at first. */
static int plan_walk(struct plan_walk *walk, const char *sub, int depth, struct mixd_error *err);

static int plan_walk_one(struct plan_walk *walk, const char *sub, const char *name, int depth,
			 struct mixd_error *err)
{
	const char *slash = *sub ? "/" : "";
	_cleanup_free_ char *below = NULL, *path = NULL, *given = NULL;
	struct batch_list *list = walk->plan->list;
	struct stat st;
	int r;

	if (asprintf(&below, "%s%s%s", sub, slash, name) < 0 ||
	    asprintf(&given, "%s/%s", walk->as_given, below) < 0)
		return error_no_memory(err);
	path = batch_clean_path(walk->from, below);
	if (!path)
		return error_no_memory(err);
	if (lstat(path, &st) < 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		return list->output_folder && strcmp(path, list->output_folder) == 0
			       ? 0 /* what earlier runs wrote */
			       : plan_walk(walk, below, depth + 1, err);
	if (!batch_is_media(name))
		return 0;
	r = batch_list_add(list, walk->template, given, *sub ? sub : ".", err);
	return r == 0 ? plan_found(list, given, err) : r;
}

static int plan_no_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int plan_by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int plan_walk(struct plan_walk *walk, const char *sub, int depth, struct mixd_error *err)
{
	_cleanup_free_ char *path = batch_clean_path(walk->from, sub);
	struct dirent **names = NULL;
	int n = path && depth < PLAN_DEPTH_MAX ? scandir(path, &names, plan_no_dots, plan_by_bytes)
					       : 0;
	int r = 0;

	if (n < 0 && depth == 0)
		r = error_set(err, ERROR_RESOURCE, walk->as_given, "%s", strerror(errno));
	else if (n < 0)
		job_warn(walk->plan->job, sub, "%s: what is in it is left out", strerror(errno));
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = plan_walk_one(walk, sub, names[i]->d_name, depth, err);
		free(names[i]);
	}
	free(names);
	return r;
}

static int plan_folder(struct plan *plan, const char *path, const char *as_given,
		       struct mixd_error *err)
{
	struct batch_template template = {0};
	struct plan_walk walk = {plan, &template, as_given, path};
	const struct mixd_job_option *output;
	const char *verb = job_text(plan->job, "verb", NULL);
	bool has_output = false;
	int r;

	if (!verb) {
		error_set(err, ERROR_USAGE, "--verb", "say what to do with the files in %s",
			  as_given);
		error_hint(err, "--verb 'master --spec spotify' -o OUTDIR, say");
		return -EINVAL;
	}
	r = batch_template_read(&template, verb, err);
	output = r == 0 ? mixd_job_option_find(template.verb, "output") : NULL;
	for (uint32_t i = 0; r == 0 && i < template.n_options; i++)
		has_output |= template.option[i].row == output;
	if (r == 0 && output && !has_output && plan->list->output_folder &&
	    batch_template_add(&template, output, "{dir}/{name}") < 0)
		r = error_no_memory(err);
	if (r == 0)
		r = plan_walk(&walk, "", 0, err);
	batch_template_done(&template);
	return r;
}

/* ---- both ----------------------------------------------------------------------------------- */

static int plan_by_path(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void plan_item_done(struct batch_item *item)
{
	for (uint32_t i = 0; i < item->n_options; i++)
		free(item->option[i].value);
	free(item->option);
	free(item->name);
	free(item->file);
	batch_words_done(&item->args);
	batch_words_done(&item->outputs);
	batch_words_done(&item->inputs);
	json_decref(item->result);
}

/* A file that was found, and that another item writes, was written by an earlier run. */
static int plan_drop_own_outputs(struct batch_list *list, struct mixd_error *err)
{
	_cleanup_free_ const char **all = NULL;
	uint32_t n = 0, kept = 0;

	for (uint32_t i = 0; i < list->n; i++)
		n += list->item[i].outputs.n;
	all = calloc(n + 1, sizeof(*all));
	if (!all)
		return error_no_memory(err);
	n = 0;
	for (uint32_t i = 0; i < list->n; i++)
		for (uint32_t j = 0; j < list->item[i].outputs.n; j++)
			all[n++] = list->item[i].outputs.word[j];
	qsort(all, n, sizeof(*all), plan_by_path);
	for (uint32_t i = 0; i < list->n; i++) {
		struct batch_item *item = &list->item[i];
		char *file = item->file ? batch_clean_path(list->folder, item->file) : NULL;
		const char *key = file;
		bool is_own = false;

		/* Its own output is a refusal, not a leftover. */
		for (uint32_t j = 0; file && j < item->outputs.n; j++)
			is_own |= strcmp(file, item->outputs.word[j]) == 0;
		if (file && !is_own && bsearch(&key, all, n, sizeof(*all), plan_by_path))
			item->is_dropped = true;
		free(file);
	}
	for (uint32_t i = 0; i < list->n; i++) {
		if (list->item[i].is_dropped)
			plan_item_done(&list->item[i]);
		else
			list->item[kept++] = list->item[i];
	}
	list->n = kept;
	return 0;
}

static int plan_journal_path(struct plan *plan, const char *path, bool is_folder)
{
	struct batch_list *list = plan->list;
	const char *given = job_text(plan->job, "journal", NULL);
	int n = 0;

	if (given)
		list->journal = job_path(plan->job, given);
	else if (list->output_folder || is_folder)
		n = asprintf(&list->journal, "%s/.mixd-batch",
			     list->output_folder ? list->output_folder : path);
	else
		n = asprintf(&list->journal, "%s.journal", path);
	return n < 0 || !list->journal ? -ENOMEM : 0;
}

static int plan_folders(struct plan *plan, const char *cwd, struct mixd_error *err)
{
	const char *output = job_text(plan->job, "output", NULL);

	if (output) {
		plan->list->output_folder = batch_clean_path(cwd, output);
		if (!plan->list->output_folder)
			return error_no_memory(err);
	}
	return 0;
}

int batch_list_read(struct job *job, struct batch_list *list, struct mixd_error *err)
{
	const char *given = job_arg(job, 0);
	_cleanup_free_ char *cwd = job_path(job, "."), *path = NULL;
	struct plan plan = {.job = job, .list = list};
	bool is_folder;
	struct stat st;
	int r;

	path = cwd ? batch_clean_path(cwd, given) : NULL;
	if (!path)
		return error_no_memory(err);
	if (stat(path, &st) < 0)
		return error_set(
			err, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_RESOURCE, given, "%s",
			errno == ENOENT ? "there is no such file or folder" : strerror(errno));
	is_folder = S_ISDIR(st.st_mode);
	r = plan_folders(&plan, cwd, err);
	if (r == 0 && is_folder) {
		list->folder = batch_clean_path(cwd, ".");
		r = list->folder ? plan_folder(&plan, path, given, err) : error_no_memory(err);
	} else if (r == 0 && job_text(job, "verb", NULL)) {
		error_set(err, ERROR_USAGE, "--verb", "is for folders: the jobs in %s say theirs",
			  given);
		r = -EINVAL;
	} else if (r == 0) {
		r = plan_document(&plan, path, given, err);
	}
	document_free(plan.document);
	if (r == 0 && list->n == 0)
		r = error_set(err, ERROR_NOT_FOUND, given, "there is nothing to do in it");
	if (r == 0)
		r = plan_drop_own_outputs(list, err);
	if (r == 0)
		r = batch_list_check(list, err);
	if (r == 0 && plan_journal_path(&plan, path, is_folder) < 0)
		r = error_no_memory(err);
	return r;
}

void batch_list_done(struct batch_list *list)
{
	for (uint32_t i = 0; i < list->n; i++)
		plan_item_done(&list->item[i]);
	free(list->item);
	free(list->folder);
	free(list->output_folder);
	free(list->journal);
	*list = (struct batch_list){0};
}

uint32_t batch_item_shard(const struct batch_item *item, uint32_t n_shards)
{
	return (uint32_t)(item->id % n_shards) + 1;
}

int batch_shard_read(const char *text, uint32_t *ret_shard, uint32_t *ret_n, struct mixd_error *err)
{
	unsigned shard, n;
	int end = 0;

	if (sscanf(text, "%6u/%6u%n", &shard, &n, &end) == 2 && !text[end] && shard >= 1 &&
	    shard <= n && text[strspn(text, "0123456789/")] == '\0') {
		*ret_shard = shard;
		*ret_n = n;
		return 0;
	}
	error_set(err, ERROR_USAGE, "--shard", "\"%.40s\" is no part of a whole", text);
	error_hint(err, "3/8: the third of eight, counted from 1");
	return -EINVAL;
}
