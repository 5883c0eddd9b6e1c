/* batch_item.c - a template and a file become one call of mixctl. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "cleanup.h"

/* What verbs write. Every other file that an option names is read. */
static const char *const item_outputs[] = {"output", "report", "plots", "stems"};

bool batch_option_is_output(const struct mixd_job_option *row)
{
	for (size_t i = 0; i < sizeof(item_outputs) / sizeof(item_outputs[0]); i++)
		if (strcmp(row->name, item_outputs[i]) == 0)
			return true;
	return row->letter == 'o';
}

/* ---- {file} {name} {stem} {dir} ------------------------------------------------------------- */

struct item_file {
	const char *file, *name, *dir;
	int stem_size, dir_size;
};

static void item_look(const char *file, const char *dir, struct item_file *ret)
{
	const char *slash = strrchr(file, '/'), *dot;

	ret->file = file;
	ret->name = slash ? slash + 1 : file;
	dot = strrchr(ret->name, '.');
	ret->stem_size = dot && dot != ret->name ? (int)(dot - ret->name) : (int)strlen(ret->name);
	ret->dir = dir ? dir : slash ? file : ".";
	ret->dir_size = dir || !slash	? (int)strlen(ret->dir)
			: slash == file ? 1
					: (int)(slash - file);
}

/* What the placeholder that TEXT begins with stands for; false: it is none. */
static bool item_placeholder(const struct item_file *file, const char *text, const char **ret,
			     int *ret_size, size_t *ret_skip)
{
	const struct {
		const char *name, *text;
		int size;
	} places[] = {
		{"{file}", file->file, (int)strlen(file->file)},
		{"{name}", file->name, (int)strlen(file->name)},
		{"{stem}", file->name, file->stem_size},
		{"{dir}", file->dir, file->dir_size},
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strncmp(text, places[i].name, strlen(places[i].name)) == 0) {
			*ret = places[i].text;
			*ret_size = places[i].size;
			*ret_skip = strlen(places[i].name);
			return true;
		}
	return false;
}

/* malloc'd; NULL without memory. FILE may be NULL: nothing is replaced. */
static char *item_expand(const struct item_file *file, const char *text)
{
	char *grown = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&grown, &size);

	if (!to)
		return NULL;
	while (*text) {
		const char *what;
		int what_size;
		size_t skip;

		if (file && *text == '{' &&
		    item_placeholder(file, text, &what, &what_size, &skip)) {
			fwrite(what, 1, (size_t)what_size, to);
			text += skip;
		} else {
			fputc(*text++, to);
		}
	}
	if (fclose(to) == 0)
		return grown;
	free(grown);
	return NULL;
}

/* ---- paths ---------------------------------------------------------------------------------- */

char *batch_clean_path(const char *folder, const char *path)
{
	char *whole, *to;
	int n = *path == '/' ? asprintf(&whole, "%s", path)
			     : asprintf(&whole, "%s/%s", folder, path);

	if (n < 0)
		return NULL;
	to = whole;
	for (const char *from = whole; *from;) {
		size_t skip = strspn(from, "/"), size = strcspn(from + skip, "/");

		from += skip;
		if (size == 2 && from[0] == '.' && from[1] == '.') {
			while (to > whole && *--to != '/')
				;
		} else if (size > 0 && !(size == 1 && from[0] == '.')) {
			*to++ = '/';
			memmove(to, from, size);
			to += size;
		}
		from += size;
	}
	if (to == whole)
		*to++ = '/';
	*to = '\0';
	return whole;
}

/* Where the path begins in a value "NODE=FILE" of a verb that has such. */
static size_t item_path_at(const struct mixd_job_option *row, const char *value)
{
	const char *equals = row->kind == MIXD_JOB_TEXT ? strchr(value, '=') : NULL;

	return equals ? (size_t)(equals + 1 - value) : 0;
}

/* PATH with every value of --spec for {spec}. */
static int item_add_outputs(struct batch_item *item, const char *path)
{
	const char *at = strstr(path, "{spec}");
	int r = 0;

	if (!at)
		return batch_words_add(&item->outputs, path);
	for (uint32_t i = 0; r == 0 && i < item->n_options; i++) {
		char *one;

		if (strcmp(item->option[i].row->name, "spec") != 0)
			continue;
		if (asprintf(&one, "%.*s%s%s", (int)(at - path), path, item->option[i].value,
			     at + strlen("{spec}")) < 0)
			return -ENOMEM;
		r = strstr(one, "{spec}") ? item_add_outputs(item, one)
					  : batch_words_add(&item->outputs, one);
		free(one);
	}
	return r;
}

/* The option's value becomes absolute when it is written to, and is remembered as what it is. */
static int item_place(const struct batch_list *list, struct batch_item *item,
		      struct batch_option *option)
{
	size_t at = item_path_at(option->row, option->value);
	char *path, *value;
	int r;

	if (!batch_option_is_output(option->row))
		return option->row->kind == MIXD_JOB_PATH || option->row->kind == MIXD_JOB_TEXT
			       ? batch_words_add(&item->inputs, option->value + at)
			       : 0;
	path = batch_clean_path(list->output_folder ? list->output_folder : list->folder,
				option->value + at);
	if (!path)
		return -ENOMEM;
	r = item_add_outputs(item, path);
	if (r == 0 && asprintf(&value, "%.*s%s", (int)at, option->value, path) >= 0) {
		free(option->value);
		option->value = value;
	} else {
		r = -ENOMEM;
	}
	free(path);
	return r;
}

/* ---- an item -------------------------------------------------------------------------------- */

static int item_words(struct batch_item *item, const struct batch_template *template,
		      const struct item_file *file)
{
	int r = 0;

	item->option = calloc(template->n_options + 1, sizeof(*item->option));
	if (!item->option)
		return -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < template->args.n; i++) {
		char *word = item_expand(file, template->args.word[i]);

		r = word ? batch_words_add(&item->args, word) : -ENOMEM;
		free(word);
	}
	if (r == 0 && template->args.n == 0 && file)
		r = batch_words_add(&item->args, file->file);
	for (uint32_t i = 0; r == 0 && i < template->n_options; i++) {
		struct batch_option *option = &item->option[item->n_options];

		option->row = template->option[i].row;
		option->value = item_expand(file, template->option[i].value);
		if (!option->value)
			return -ENOMEM;
		item->n_options++;
	}
	for (uint32_t i = 0; r == 0 && i < item->args.n; i++)
		r = batch_words_add(&item->inputs, item->args.word[i]);
	return r;
}

static int item_refuse(const struct batch_item *item, struct mixd_error *err)
{
	const struct mixd_job_verb *verb = item->verb;
	int n = (int)item->args.n;

	for (uint32_t i = 0; i < item->n_options; i++) {
		char buf[256];
		const char *why = mixd_job_value(item->option[i].row, item->option[i].value, NULL,
						 buf, sizeof(buf));

		if (why)
			return error_set(err, ERROR_INVALID, item->place, "%s: \"%.80s\" %s",
					 item->option[i].row->name, item->option[i].value, why);
	}
	if (n >= verb->min_args && (verb->max_args < 0 || n <= verb->max_args))
		return 0;
	error_set(err, ERROR_INVALID, item->place, "%s takes %s words", verb->name,
		  n < verb->min_args ? "more" : "fewer");
	error_hint(err, "usage: mixctl %s %s", verb->name, verb->words);
	return -EINVAL;
}

static int item_make(struct batch_list *list, struct batch_item *item,
		     const struct batch_template *template, const struct item_file *file)
{
	int r = item_words(item, template, file);

	if (r < 0)
		return r;
	batch_item_id(item); /* of what was written: the folder may be moved */
	for (uint32_t i = 0; r == 0 && i < item->n_options; i++)
		r = item_place(list, item, &item->option[i]);
	if (template->name)
		item->name = item_expand(file, template->name);
	else if (asprintf(&item->name, "%s%s%s", file ? "" : template->verb->name,
			  file || item->args.n == 0 ? "" : " ",
			  file		 ? file->file
			  : item->args.n ? item->args.word[0]
					 : "") < 0)
		item->name = NULL;
	return r == 0 && !item->name ? -ENOMEM : r;
}

int batch_list_add(struct batch_list *list, const struct batch_template *template, const char *file,
		   const char *dir, struct mixd_error *err)
{
	const char *first = template->args.n ? template->args.word[0] : NULL;
	struct batch_item *item;
	struct item_file look;

	if (list->n == BATCH_ITEMS_MAX)
		return error_set(err, ERROR_INVALID, template->place,
				 "there are more than %u items", BATCH_ITEMS_MAX);
	if ((list->n & (list->n - 1)) == 0) { /* 0, 1, 2, 4, ...: room for twice as many */
		struct batch_item *grown =
			realloc(list->item, (list->n ? 2 * list->n : 1) * sizeof(*grown));

		if (!grown)
			return error_no_memory(err);
		list->item = grown;
	}
	item = &list->item[list->n];
	*item = (struct batch_item){.verb = template->verb};
	list->n++;
	snprintf(item->place, sizeof(item->place), "%s", template->place);
	if (!file && first && !strchr(first, '{'))
		file = first;
	if (file)
		item_look(file, dir, &look);
	if (item_make(list, item, template, file ? &look : NULL) < 0)
		return error_no_memory(err);
	return item_refuse(item, err);
}

/* ---- all of them ---------------------------------------------------------------------------- */

struct item_output {
	const char *path;
	const struct batch_item *item;
};

static int item_output_order(const void *a, const void *b)
{
	const struct item_output *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	return order ? order : (x->item > y->item) - (x->item < y->item);
}

static int item_check_own(const struct batch_list *list, const struct batch_item *item,
			  struct mixd_error *err)
{
	for (uint32_t i = 0; i < item->inputs.n; i++) {
		_cleanup_free_ char *input = batch_clean_path(list->folder, item->inputs.word[i]);

		if (!input)
			return error_no_memory(err);
		for (uint32_t j = 0; j < item->outputs.n; j++)
			if (strcmp(input, item->outputs.word[j]) == 0) {
				error_set(err, ERROR_CONFLICT, input,
					  "%s would write over what it reads", item->name);
				error_hint(err, "name another folder or file for what it writes");
				return -EEXIST;
			}
	}
	return 0;
}

/* Items run side by side, in any order: what one of them writes, no other can read. ALL is sorted. */
static int item_check_others(const struct batch_list *list, const struct batch_item *item,
			     const struct item_output *all, uint32_t n, struct mixd_error *err)
{
	for (uint32_t i = 0; i < item->inputs.n; i++) {
		_cleanup_free_ char *input = batch_clean_path(list->folder, item->inputs.word[i]);
		uint32_t low = 0, high = n;

		if (!input)
			return error_no_memory(err);
		while (low < high) {
			uint32_t middle = low + (high - low) / 2;

			if (strcmp(all[middle].path, input) < 0)
				low = middle + 1;
			else
				high = middle;
		}
		if (low == n || strcmp(all[low].path, input) != 0)
			continue;
		error_set(err, ERROR_CONFLICT, input, "%.120s writes it, and %.120s reads it",
			  all[low].item->name, item->name);
		error_hint(err, "the items of a batch have no order: put what reads it into a "
				"batch of its own");
		return -EEXIST;
	}
	return 0;
}

int batch_list_check(const struct batch_list *list, struct mixd_error *err)
{
	_cleanup_free_ struct item_output *all = NULL;
	uint32_t n = 0;

	for (uint32_t i = 0; i < list->n; i++) {
		int r = item_check_own(list, &list->item[i], err);

		if (r < 0)
			return r;
		n += list->item[i].outputs.n;
	}
	all = calloc(n + 1, sizeof(*all));
	if (!all)
		return error_no_memory(err);
	n = 0;
	for (uint32_t i = 0; i < list->n; i++)
		for (uint32_t j = 0; j < list->item[i].outputs.n; j++)
			all[n++] =
				(struct item_output){list->item[i].outputs.word[j], &list->item[i]};
	qsort(all, n, sizeof(*all), item_output_order);
	for (uint32_t i = 1; i < n; i++)
		if (strcmp(all[i - 1].path, all[i].path) == 0) {
			error_set(err, ERROR_CONFLICT, all[i].path,
				  "%.120s and %.120s both write it", all[i - 1].item->name,
				  all[i].item->name);
			error_hint(err, "tell them apart: {stem}, {name}, {dir} and {spec} stand "
					"for parts of names");
			return -EEXIST;
		}
	for (uint32_t i = 0; i < list->n; i++) {
		int r = item_check_others(list, &list->item[i], all, n, err);

		if (r < 0)
			return r;
	}
	return 0;
}
