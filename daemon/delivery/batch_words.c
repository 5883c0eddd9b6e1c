/* batch_words.c - lists of words, and the call of a verb written in one line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"

int batch_words_add(struct batch_words *words, const char *word)
{
	char **grown = realloc(words->word, (words->n + 2) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	words->word = grown;
	grown[words->n] = strdup(word);
	if (!grown[words->n])
		return -ENOMEM;
	grown[++words->n] = NULL;
	return 0;
}

void batch_words_done(struct batch_words *words)
{
	for (uint32_t i = 0; i < words->n; i++)
		free(words->word[i]);
	free(words->word);
	*words = (struct batch_words){0};
}

/* One word from *TEXT on into BUF, which has room for all of it. False: a quote is not closed. */
static bool words_one(const char **text, char *buf)
{
	char quote = '\0';
	const char *p = *text;

	for (; *p && (quote || (*p != ' ' && *p != '\t' && *p != '\n')); p++) {
		if (quote ? *p == quote : *p == '\'' || *p == '"') {
			quote = quote ? '\0' : *p;
			continue;
		}
		if (*p == '\\' && quote != '\'' && p[1])
			p++;
		*buf++ = *p;
	}
	*buf = '\0';
	*text = p;
	return !quote;
}

int batch_words_split(struct batch_words *words, const char *text, struct mixd_error *err)
{
	char *buf = malloc(strlen(text) + 1);
	int r = buf ? 0 : error_no_memory(err);

	while (r == 0) {
		text += strspn(text, " \t\n");
		if (!*text)
			break;
		if (!words_one(&text, buf))
			r = error_set(err, ERROR_USAGE, NULL, "a quote is not closed");
		else if (batch_words_add(words, buf) < 0)
			r = error_no_memory(err);
	}
	free(buf);
	return r;
}

/* ---- templates ------------------------------------------------------------------------------ */

int batch_template_add(struct batch_template *template, const struct mixd_job_option *row,
		       const char *value)
{
	struct batch_option *grown =
		realloc(template->option, (template->n_options + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	template->option = grown;
	grown[template->n_options] = (struct batch_option){row, strdup(value)};
	if (!grown[template->n_options].value)
		return -ENOMEM;
	template->n_options++;
	return 0;
}

void batch_template_done(struct batch_template *template)
{
	for (uint32_t i = 0; i < template->n_options; i++)
		free(template->option[i].value);
	free(template->option);
	free(template->name);
	batch_words_done(&template->args);
	*template = (struct batch_template){0};
}

int batch_verb_find(const char *name, const struct mixd_job_verb **ret, const char *address,
		    struct mixd_error *err)
{
	const char *names[64], *nearest;
	uint32_t n = 0;

	for (; n < 64 && mixd_job_verbs[n]; n++)
		names[n] = mixd_job_verbs[n]->name;
	*ret = mixd_job_verb_find(name);
	if (!*ret) {
		error_set(err, ERROR_INVALID, address, "there is no work on files called \"%.60s\"",
			  name);
		nearest = error_nearest(name, names, n);
		if (nearest)
			error_hint(err, "did you mean %s?", nearest);
		else
			error_hint(err, "master, check, render, measure, ...: see mixctl help");
		return -EINVAL;
	}
	if (strcmp(name, "batch") != 0)
		return 0;
	error_set(err, ERROR_INVALID, address, "a batch cannot hold batches");
	error_hint(err, "write its jobs into this list");
	return -EINVAL;
}

int batch_value_check(const struct mixd_job_option *row, const char *value, const char *address,
		      struct mixd_error *err)
{
	char buf[256];
	const char *why;

	if (strchr(value, '{') && (row->kind == MIXD_JOB_TEXT || row->kind == MIXD_JOB_PATH))
		return 0;
	why = mixd_job_value(row, value, NULL, buf, sizeof(buf));
	return why ? error_set(err, ERROR_INVALID, address, "%s: \"%.80s\" %s", row->name, value,
			       why)
		   : 0;
}

static int words_no_option(const struct mixd_job_verb *verb, const char *word,
			   struct mixd_error *err)
{
	const char *names[64], *nearest, *name = word + 1 + (word[1] == '-');
	char bare[64];
	uint32_t n = 0;

	for (const struct mixd_job_option *o = verb->options; o && o->name && n < 64; o++)
		names[n++] = o->name;
	snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(name, "="), name);
	nearest = error_nearest(bare, names, n);
	error_set(err, ERROR_USAGE, "--verb", "%s has no option %.60s", verb->name, word);
	if (nearest)
		error_hint(err, "did you mean --%s?", nearest);
	else
		error_hint(err, "see mixctl help %s", verb->name);
	return -EINVAL;
}

/* The option that WORD begins; *ret_value: what is glued to it. */
static const struct mixd_job_option *words_option(const struct mixd_job_verb *verb,
						  const char *word, const char **ret_value)
{
	size_t size = strcspn(word + 1 + (word[1] == '-'), "=");

	*ret_value = NULL;
	for (const struct mixd_job_option *o = verb->options; o && o->name; o++) {
		if (word[1] == '-' && strlen(o->name) == size &&
		    memcmp(o->name, word + 2, size) == 0) {
			*ret_value = word[2 + size] ? word + 3 + size : NULL;
			return o;
		}
		if (word[1] != '-' && o->letter && o->letter == word[1]) {
			*ret_value = word[2] ? word + 2 : NULL;
			return o;
		}
	}
	return NULL;
}

static int words_take_option(struct batch_template *template, const struct batch_words *words,
			     uint32_t *idx, struct mixd_error *err)
{
	const char *word = words->word[*idx], *value;
	const struct mixd_job_option *row = words_option(template->verb, word, &value);
	int r;

	if (!row)
		return words_no_option(template->verb, word, err);
	if (row->kind == MIXD_JOB_FLAG)
		value = value ? value : "on";
	else if (!value)
		value = words->word[++*idx]; /* NULL behind the last */
	if (!value)
		return error_set(err, ERROR_USAGE, "--verb", "the value of %s is missing", word);
	r = batch_value_check(row, value, "--verb", err);
	if (r == 0 && batch_template_add(template, row, value) < 0)
		r = error_no_memory(err);
	return r;
}

int batch_template_read(struct batch_template *template, const char *text, struct mixd_error *err)
{
	struct batch_words words = {0};
	int r = batch_words_split(&words, text, err);

	snprintf(template->place, sizeof(template->place), "--verb");
	if (r == 0 && words.n == 0)
		r = error_set(err, ERROR_USAGE, "--verb", "names no verb");
	if (r == 0)
		r = batch_verb_find(words.word[0], &template->verb, "--verb", err);
	for (uint32_t i = 1; r == 0 && i < words.n; i++) {
		if (words.word[i][0] == '-' && words.word[i][1])
			r = words_take_option(template, &words, &i, err);
		else if (batch_words_add(&template->args, words.word[i]) < 0)
			r = error_no_memory(err);
	}
	batch_words_done(&words);
	if (r < 0 && err && !err->address[0])
		snprintf(err->address, sizeof(err->address), "--verb");
	return r;
}
