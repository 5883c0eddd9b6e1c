/* batch.h - many pieces of file work: a list of items, what is finished of it, who does the rest.
 *
 * WHAT        An item is one call of mixctl, known by its words. Its key is a hash of these words, of
 *             mixd's version and of the bytes of every file that it reads; the journal keeps the keys
 *             of what is finished, so that the next run does what is missing or has changed.
 *                 batch_plan.c    a document or a folder -> templates -> items
 *                 batch_item.c    template + file -> item: words, outputs, refusals
 *                 batch_key.c     what an item reads, and its hash
 *                 batch_journal.c what is finished, on disk
 *                 batch_child.c   one mixctl: started, heard, ended
 *                 batch_run.c     as many at once as there are cores
 *                 batch_slurm.c   the same by a job array of Slurm
 * THREADS     the job's. Children are processes, looked at by poll(2).
 * INVARIANTS  B1 nothing starts before the whole list is checked: words of every item, outputs that
 *                two items would write, outputs that are an item's input.
 *             B2 a line of the journal is on the disk before its item counts as finished.
 *             B3 what becomes of one item never stops another; only the journal's end does. */
#pragma once

#include "document.h"
#include "job.h"

#define BATCH_ITEMS_MAX 100000u
#define BATCH_HASH_SIZE 33 /* 128 bits as text */

struct batch_words {
	char **word; /* owned */
	uint32_t n;
};
int batch_words_add(struct batch_words *words, const char *word);
void batch_words_done(struct batch_words *words);

struct batch_option {
	const struct mixd_job_option *row;
	char *value; /* owned */
};

struct batch_template { /* a job of the document, or --verb */
	char *name; /* owned; NULL: named after its file */
	const struct mixd_job_verb *verb;
	struct batch_words args;
	struct batch_option *option; /* owned */
	uint32_t n_options;
	char place[160]; /* "jobs.yaml:12:5", "--verb" */
};
int batch_template_add(struct batch_template *template, const struct mixd_job_option *row,
		       const char *value);
void batch_template_done(struct batch_template *template);

enum batch_state {
	BATCH_WAITING,
	BATCH_KEPT, /* finished by an earlier run */
	BATCH_DONE,
	BATCH_NEGATIVE, /* exit code 1: the answer is no */
	BATCH_FAILED,
	BATCH_CANCELLED,
};

struct batch_item {
	char *name; /* as people call it */
	char place[160];
	const struct mixd_job_verb *verb;
	struct batch_words args;
	struct batch_option *option; /* outputs are absolute */
	uint32_t n_options;
	struct batch_words outputs; /* absolute; {spec} is replaced */
	struct batch_words inputs; /* as written; files that are there are read by the item */
	char *file; /* owned; as written; NULL: none was found for it */
	bool is_dropped;
	uint64_t id; /* of its words */
	char key[BATCH_HASH_SIZE]; /* "" before batch_item_key() */
	char stamp[BATCH_HASH_SIZE]; /* of the same files: which, how large, of when */
	double weight_s; /* of programme, as far as known */
	enum batch_state state;
	int exit_code;
	double took_s;
	struct mixd_error error;
	json_t *result; /* owned; may be NULL */
};

struct batch_list {
	char *folder; /* owned; where relative words begin and items run */
	char *output_folder; /* owned; NULL: `folder` */
	char *journal; /* owned; path without the suffix of a shard */
	struct batch_item *item; /* owned */
	uint32_t n;
};

/* ---- batch_plan.c --------------------------------------------------------------------------- */

/* The job's word and options -> all items, checked (B1). -errno with *err. */
int batch_list_read(struct job *job, struct batch_list *list, struct mixd_error *err);
void batch_list_done(struct batch_list *list);
/* By the ending of its name. */
bool batch_is_media(const char *name);
/* Of N shards, from 1, the one that the item belongs to: by its words alone, whatever else is there. */
uint32_t batch_item_shard(const struct batch_item *item, uint32_t n_shards);
/* "3/8". -EINVAL with *err. */
int batch_shard_read(const char *text, uint32_t *ret_shard, uint32_t *ret_n,
		     struct mixd_error *err);

/* ---- batch_item.c --------------------------------------------------------------------------- */

/* One call of mixctl, with FILE (as written; NULL: the first word) and its folder for {dir} (NULL:
 * that in FILE). -errno with *err. */
int batch_list_add(struct batch_list *list, const struct batch_template *template, const char *file,
		   const char *dir, struct mixd_error *err);
/* B1: no two write one file, none writes what it or another reads. */
int batch_list_check(const struct batch_list *list, struct mixd_error *err);
bool batch_option_is_output(const struct mixd_job_option *row);
/* PATH without "//", "/./" and "x/../"; malloc'd. FOLDER: where a relative one begins. */
char *batch_clean_path(const char *folder, const char *path);

/* ---- batch_words.c -------------------------------------------------------------------------- */

/* TEXT as a shell would split it: quotes and backslashes, nothing else. */
int batch_words_split(struct batch_words *words, const char *text, struct mixd_error *err);
/* "master --spec spotify -o {stem}.flac" */
int batch_template_read(struct batch_template *template, const char *text, struct mixd_error *err);
/* A verb that can stand in a batch. */
int batch_verb_find(const char *name, const struct mixd_job_verb **ret, const char *address,
		    struct mixd_error *err);
/* Whether VALUE is one of ROW. */
int batch_value_check(const struct mixd_job_option *row, const char *value, const char *address,
		      struct mixd_error *err);

/* ---- batch_key.c ---------------------------------------------------------------------------- */

struct batch_hasher; /* remembers the files it has read */
/* Without READS it looks at what stat() says alone. */
struct batch_hasher *batch_hasher_new(const char *folder, bool reads);
struct batch_hasher *batch_hasher_free(struct batch_hasher *hasher);
/* item->stamp, and when the hasher reads item->key. Equal stamps of two looks, the first of which has read:
 * equal keys. What is not there has a hash, too. -ECANCELED, -ENOMEM. */
int batch_item_key(struct batch_hasher *hasher, struct batch_item *item, struct task *task,
		   struct mixd_error *err);
/* One file or folder, read now. -errno. */
int batch_hash_path(const char *path, char ret[BATCH_HASH_SIZE], struct task *task);
/* item->id */
void batch_item_id(struct batch_item *item);

/* ---- batch_journal.c ------------------------------------------------------------------------ */

struct batch_journal;
/* PATH is made when it is not there, and locked as long as it is open; with DRY it is read, and need
 * not be there. Beside it every "PATH.*" of other shards and tasks is read. -EBUSY: another batch. */
int batch_journal_open(const char *path, const char *suffix, bool dry, struct batch_journal **ret,
		       struct mixd_error *err);
/* The newest record of KEY that is finished, or of ID whatever became of it. Borrowed. */
/* Take room for as many records. -ENOSPC; a file system that cannot is no failure. */
int batch_journal_reserve(struct batch_journal *journal, uint32_t n_records,
			  struct mixd_error *err);
const json_t *batch_journal_find(const struct batch_journal *journal, const char *key);
const json_t *batch_journal_last(const struct batch_journal *journal, uint64_t id);
/* One line, on the disk when this returns (B2). RECORD is taken. */
int batch_journal_add(struct batch_journal *journal, json_t *record, struct mixd_error *err);
/* What the journal in PATH has finished, too. One that cannot be read has nothing. */
int batch_journal_absorb(struct batch_journal *journal, const char *path, struct mixd_error *err);
struct batch_journal *batch_journal_free(struct batch_journal *journal);
/* What the journal says about ITEM as it has ended; NULL without memory. */
json_t *batch_record(const struct batch_item *item);
/* Take state, words and times from RECORD. */
void batch_record_take(const json_t *record, struct batch_item *item);
/* "done", "failed", ... */
const char *batch_state_name(enum batch_state state);
/* Whether the outputs are still what RECORD says. */
bool batch_record_holds(const json_t *record, const struct batch_item *item);

/* ---- batch_child.c -------------------------------------------------------------------------- */

struct batch_child {
	struct batch_item *item; /* NULL: the place is free */
	int pid, pid_fd, out_fd, err_fd;
	double began_s, killed_s; /* 0: nobody wanted it to end */
	double fraction; /* of its work */
	char *line; /* owned: of standard output, not ended yet */
	size_t line_size;
	char words[4096]; /* the end of standard error */
	size_t words_size;
};
/* mixctl beside mixd, or $MIXCTL. malloc'd. */
char *batch_mixctl_path(void);
/* SLIM: one thread of many, so that children do not fight over the cores. -errno: item->error says
 * why. */
int batch_child_start(struct batch_child *child, struct batch_item *item, const char *program,
		      const char *folder, bool slim);
/* Read what it says; notes go to JOB. */
void batch_child_hear(struct batch_child *child, struct job *job);
/* True when it has ended: its item says how. */
bool batch_child_ended(struct batch_child *child, struct job *job);
void batch_child_signal(const struct batch_child *child, int signo);
double batch_now_s(void);

/* ---- batch_run.c ---------------------------------------------------------------------------- */

struct batch_run {
	struct job *job;
	struct batch_list *list;
	struct batch_journal *journal;
	struct batch_hasher *hasher;
	struct batch_item **todo; /* in this order */
	uint32_t n_todo;
	uint32_t n_slots;
};
/* -ECANCELED when it was interrupted; what is finished is in the journal. */
int batch_run_here(struct batch_run *run, struct mixd_error *err);
/* Something became of ITEM: journal, words for people. */
int batch_run_ended(struct batch_run *run, struct batch_item *item, struct mixd_error *err);
void batch_run_say(struct batch_run *run, const struct batch_item *item);
/* ERROR_INTERRUPTED, with how much is done. */
int batch_run_interrupted(const struct batch_run *run, struct mixd_error *err);
/* The address of its error says no more than its name does. */
bool batch_error_names_item(const struct batch_item *item);
/* The folders above PATH. -errno. */
int batch_make_folders(const char *path);
/* TEXT as JSON has it: what is not UTF-8 becomes question marks. */
json_t *batch_json_text(const char *text);
/* How far: finished items, and WORKING_S of those under way. */
void batch_run_progress(struct batch_run *run, double working_s);

/* ---- batch_slurm.c -------------------------------------------------------------------------- */

int batch_run_slurm(struct batch_run *run, struct mixd_error *err);
