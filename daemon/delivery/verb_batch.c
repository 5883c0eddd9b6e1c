/* verb_batch.c - `mixctl batch JOBS.yaml|DIR`: many items, done once each. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "cleanup.h"
#include "delivery_verbs.h"
#include "media_read.h"

struct verb_batch {
	struct batch_run run;
	struct batch_list list;
	uint32_t shard, n_shards;
};

static uint32_t batch_n_cores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 1;
}

/* ---- what is left to do --------------------------------------------------------------------- */

/* Seconds of the first recording among what it reads. */
static double batch_weight(const struct batch_list *list, const struct batch_item *item)
{
	for (uint32_t i = 0; i < item->inputs.n && i < 4; i++) {
		_cleanup_free_ char *path = batch_clean_path(list->folder, item->inputs.word[i]);
		struct media_reader *reader = NULL;
		struct mixd_error unread = {0};
		double seconds = 0;

		if (!path || !batch_is_media(path) || access(path, R_OK) < 0 ||
		    media_open(path, &reader, &unread) < 0)
			continue;
		if (media_reader_info(reader)->n_frames > 0)
			seconds = (double)media_reader_info(reader)->n_frames /
				  media_reader_info(reader)->rate;
		media_close(reader);
		if (seconds > 0)
			return seconds;
	}
	return 0;
}

/* What has no length of its own counts as the others do. */
static void batch_even_weights(struct batch_run *run)
{
	double sum = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < run->n_todo; i++) {
		sum += run->todo[i]->weight_s;
		n += run->todo[i]->weight_s > 0;
	}
	for (uint32_t i = 0; i < run->n_todo; i++)
		if (run->todo[i]->weight_s <= 0)
			run->todo[i]->weight_s = n ? sum / n : 1;
}

/* The list of ids that a task of a farm is given: one a line. */
static int batch_only(struct job *job, json_t **ret, struct mixd_error *err)
{
	const char *name = job_text(job, "only", NULL);
	_cleanup_free_ char *path = name ? job_path(job, name) : NULL, *text = NULL;
	char *line, *rest;
	size_t size;
	int r;

	*ret = NULL;
	if (!name)
		return 0;
	if (!path)
		return error_no_memory(err);
	r = document_load(path, name, &text, &size, err);
	if (r < 0)
		return r;
	*ret = json_object();
	for (rest = text; *ret && (line = strsep(&rest, "\n"));)
		json_object_set_new(*ret, line, json_true());
	return *ret ? 0 : error_no_memory(err);
}

static bool batch_is_wanted(const struct verb_batch *batch, const struct batch_item *item,
			    const json_t *only)
{
	char id[24];

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)item->id);
	if (only && !json_object_get(only, id))
		return false;
	return batch->n_shards == 0 || batch_item_shard(item, batch->n_shards) == batch->shard;
}

static int batch_look(struct verb_batch *batch, struct batch_item *item, struct mixd_error *err)
{
	struct batch_run *run = &batch->run;
	const json_t *record;
	int r = batch_item_key(run->hasher, item, job_task(run->job), err);

	if (r < 0)
		return r;
	record = batch_journal_find(run->journal, item->key);
	if (record && !job_flag(run->job, "force") && batch_record_holds(record, item)) {
		batch_record_take(record, item);
		item->state = BATCH_KEPT;
		return 0;
	}
	item->weight_s = batch_weight(run->list, item);
	run->todo[run->n_todo++] = item;
	return 0;
}

/* The journal, then each item against it. Items of other shards leave the list. */
static int batch_choose(struct verb_batch *batch, struct mixd_error *err)
{
	struct batch_run *run = &batch->run;
	json_t *only = NULL;
	int r = batch_only(run->job, &only, err);

	run->todo = calloc(batch->list.n + 1, sizeof(struct batch_item *));
	run->hasher = batch_hasher_new(batch->list.folder, true);
	if (r == 0 && (!run->todo || !run->hasher))
		r = error_no_memory(err);
	job_stage(run->job, "looking", NULL);
	for (uint32_t i = 0; r == 0 && i < batch->list.n; i++) {
		struct batch_item *item = &batch->list.item[i];

		job_item(run->job, item->name);
		item->is_dropped = !batch_is_wanted(batch, item, only);
		r = item->is_dropped ? 0 : batch_look(batch, item, err);
		if (r == 0)
			r = task_check(job_task(run->job), err);
	}
	json_decref(only);
	if (r == 0)
		batch_even_weights(run);
	return r;
}

static int batch_open_journal(struct verb_batch *batch, struct mixd_error *err)
{
	struct job *job = batch->run.job;
	bool dry = job_flag(job, "dry-run");
	_cleanup_free_ char *within = NULL;
	char suffix[40] = "";

	if (batch->n_shards)
		snprintf(suffix, sizeof(suffix), "%uof%u", batch->shard, batch->n_shards);
	if (job_text(job, "task", NULL))
		snprintf(suffix, sizeof(suffix), "task-%.24s", job_text(job, "task", NULL));
	if (!dry && batch->list.output_folder) {
		if (asprintf(&within, "%s/", batch->list.output_folder) < 0)
			return error_no_memory(err);
		(void)batch_make_folders(within); /* the journal says what is wrong */
	}
	return batch_journal_open(batch->list.journal, suffix, dry, &batch->run.journal, err);
}

/* ---- the result ----------------------------------------------------------------------------- */

struct batch_count {
	uint32_t n, n_done, n_kept, n_failed, n_left;
};

static json_t *batch_item_json(const struct batch_item *item)
{
	json_t *object = json_object(), *outputs = json_array();

	json_object_set_new(object, "item", batch_json_text(item->name));
	json_object_set_new(object, "verb", json_string(item->verb->name));
	json_object_set_new(object, "state", json_string(batch_state_name(item->state)));
	json_object_set_new(object, "exit_code", json_integer(item->exit_code));
	json_object_set_new(object, "took_s", job_real(item->took_s));
	json_object_set_new(object, "key", json_string(item->key));
	json_object_set_new(object, "address", batch_json_text(item->error.address));
	json_object_set_new(object, "message", batch_json_text(item->error.text));
	json_object_set_new(object, "hint", batch_json_text(item->error.hint));
	for (uint32_t i = 0; i < item->outputs.n; i++)
		json_array_append_new(outputs, batch_json_text(item->outputs.word[i]));
	json_object_set_new(object, "outputs", outputs);
	if (item->result)
		json_object_set(object, "result", item->result);
	return object;
}

static void batch_print_failures(struct job *job, const struct batch_list *list, int width)
{
	for (uint32_t i = 0; i < list->n; i++) {
		const struct batch_item *item = &list->item[i];
		const struct mixd_error *error = &item->error;
		bool is_told = batch_error_names_item(item);

		if (item->is_dropped ||
		    (item->state != BATCH_FAILED && item->state != BATCH_NEGATIVE))
			continue;
		job_print(job, "  %-*s  %s%s%s\n", width, item->name, is_told ? "" : error->address,
			  is_told ? "" : ": ", error->text);
		if (*error->hint)
			job_print(job, "  %-*s  %s\n", width, "", error->hint);
	}
}

static void batch_print_plan(struct job *job, const struct batch_list *list, int width)
{
	for (uint32_t i = 0; i < list->n; i++) {
		const struct batch_item *item = &list->item[i];

		if (!item->is_dropped)
			job_print(job, "  %-8s  %-*s  %s\n",
				  item->state == BATCH_KEPT ? "finished" : "to do", width,
				  item->name, item->outputs.n ? item->outputs.word[0] : "");
	}
}

static void batch_count(const struct batch_list *list, struct batch_count *ret, int *ret_width)
{
	*ret = (struct batch_count){0};
	*ret_width = 4;
	for (uint32_t i = 0; i < list->n; i++) {
		const struct batch_item *item = &list->item[i];
		int width = (int)strlen(item->name);

		if (item->is_dropped)
			continue;
		ret->n++;
		ret->n_done += item->state == BATCH_DONE;
		ret->n_kept += item->state == BATCH_KEPT;
		ret->n_failed += item->state == BATCH_FAILED || item->state == BATCH_NEGATIVE;
		ret->n_left += item->state == BATCH_WAITING || item->state == BATCH_CANCELLED;
		if (width > *ret_width)
			*ret_width = width < 48 ? width : 48;
	}
}

static void batch_result(struct verb_batch *batch, double took_s)
{
	struct job *job = batch->run.job;
	json_t *items = json_array();
	struct batch_count count;
	bool dry = job_flag(job, "dry-run");
	int width;

	batch_count(&batch->list, &count, &width);
	for (uint32_t i = 0; i < batch->list.n; i++)
		if (!batch->list.item[i].is_dropped)
			json_array_append_new(items, batch_item_json(&batch->list.item[i]));
	json_object_set_new(job_json(job), "n_items", json_integer(count.n));
	json_object_set_new(job_json(job), "n_done", json_integer(count.n_done));
	json_object_set_new(job_json(job), "n_kept", json_integer(count.n_kept));
	json_object_set_new(job_json(job), "n_failed", json_integer(count.n_failed));
	json_object_set_new(job_json(job), "n_left", json_integer(count.n_left));
	json_object_set_new(job_json(job), "took_s", job_real(took_s));
	json_object_set_new(job_json(job), "items", items);
	if (dry)
		batch_print_plan(job, &batch->list, width);
	if (count.n_failed)
		job_print(job, "%u failed:\n", count.n_failed);
	batch_print_failures(job, &batch->list, width);
	if (dry)
		job_print(job, "%u to do, %u finished before\n", count.n_left, count.n_kept);
	else
		job_print(job, "%u done in %.1f s, %u finished before, %u failed%s\n", count.n_done,
			  took_s, count.n_kept, count.n_failed, count.n_left ? ", some left" : "");
	if (count.n_failed)
		job_negative(job);
}

/* ---- the verb ------------------------------------------------------------------------------- */

static int batch_do(struct verb_batch *batch, struct mixd_error *err)
{
	struct batch_run *run = &batch->run;
	const char *engine = job_text(run->job, "engine", "local");
	bool is_idle = job_flag(run->job, "dry-run") || run->n_todo == 0;
	double began_s = batch_now_s();
	int r;

	run->n_slots = (uint32_t)job_number(run->job, "jobs", batch_n_cores());
	job_stage(run->job, "batch", NULL);
	r = is_idle ? 0 : batch_journal_reserve(run->journal, run->n_todo, err);
	if (r == 0 && !is_idle)
		r = strcmp(engine, "slurm") == 0 ? batch_run_slurm(run, err)
						 : batch_run_here(run, err);
	batch_result(batch, batch_now_s() - began_s);
	if (r < 0)
		job_keep_result(run->job);
	return r;
}

static int batch_refuse(struct job *job, struct mixd_error *err)
{
	bool is_slurm = strcmp(job_text(job, "engine", "local"), "slurm") == 0;

	if (is_slurm && (job_text(job, "shard", NULL) || job_text(job, "task", NULL))) {
		error_set(err, ERROR_USAGE, "--shard", "slurm shares the work by itself");
		error_hint(err, "leave --shard or --engine out");
		return -EINVAL;
	}
	if (!is_slurm && job_text(job, "engine-options", NULL)) {
		error_set(err, ERROR_USAGE, "--engine-options", "they are sbatch's");
		error_hint(err, "add --engine slurm");
		return -EINVAL;
	}
	return 0;
}

int verb_batch(struct job *job, struct mixd_error *err)
{
	struct verb_batch batch = {.run.job = job};
	const char *shard = job_text(job, "shard", NULL);
	int r = batch_refuse(job, err);

	batch.run.list = &batch.list;
	if (r == 0 && shard)
		r = batch_shard_read(shard, &batch.shard, &batch.n_shards, err);
	if (r == 0)
		r = batch_list_read(job, &batch.list, err);
	if (r == 0)
		r = batch_open_journal(&batch, err);
	if (r == 0)
		r = batch_choose(&batch, err);
	if (r == 0)
		r = batch_do(&batch, err);
	batch_journal_free(batch.run.journal);
	batch_hasher_free(batch.run.hasher);
	free(batch.run.todo);
	batch_list_done(&batch.list);
	return r;
}
