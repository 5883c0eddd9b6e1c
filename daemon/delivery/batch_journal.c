/* batch_journal.c - what is finished, as lines of JSON that are only ever appended.
 *
 * The first line says what the file is. A line that is not whole (the machine went down while it was
 * written) is no record; the next one begins on a line of its own. Shards and tasks of a farm write
 * journals of their own beside it, and everybody reads them all. Room for its records is taken before the
 * work: outputs that fill the disk leave the journal the place it needs. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "batch.h"
#include "cleanup.h"

#define JOURNAL_HEAD "{\"mixd_batch\":1}\n"
#define JOURNAL_RECORD_BYTES 2048 /* room that is taken for one: most have a third of it */

struct batch_journal {
	char *path; /* owned */
	int fd; /* -1: dry */
	bool has_room; /* taken, more than it has used */
	json_t *finished; /* key -> record */
	json_t *last; /* id -> record */
};

static const char *const journal_states[] = {
	[BATCH_WAITING] = "waiting",   [BATCH_KEPT] = "kept",	  [BATCH_DONE] = "done",
	[BATCH_NEGATIVE] = "negative", [BATCH_FAILED] = "failed", [BATCH_CANCELLED] = "cancelled",
};

const char *batch_state_name(enum batch_state state)
{
	return journal_states[state];
}

json_t *batch_json_text(const char *text)
{
	json_t *string = json_string(text);
	char *copy;

	if (string || !(copy = strdup(text)))
		return string;
	for (char *p = copy; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	string = json_string(copy);
	free(copy);
	return string;
}

/* ---- records -------------------------------------------------------------------------------- */

/* What is in a folder that an item has made: hidden files are no results. Others may come to them later, and do no
 * harm; when there are fewer or shorter ones, something is gone. */
static void record_folder(const char *path, json_int_t *ret_files, json_int_t *ret_bytes)
{
	char *const paths[] = {(char *)(uintptr_t)path, NULL};
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;

	*ret_files = *ret_bytes = 0;
	while (tree && (entry = fts_read(tree))) {
		if (entry->fts_level > 0 && entry->fts_name[0] == '.') {
			fts_set(tree, entry, FTS_SKIP);
		} else if (entry->fts_info == FTS_F) {
			*ret_files += 1;
			*ret_bytes += (json_int_t)entry->fts_statp->st_size;
		}
	}
	if (tree)
		fts_close(tree);
}

static json_t *record_output(const char *path)
{
	char hash[BATCH_HASH_SIZE] = "";
	json_int_t files, bytes;
	struct stat st;

	if (stat(path, &st) < 0)
		return json_pack("{s:o, s:b}", "path", batch_json_text(path), "missing", 1);
	if (S_ISDIR(st.st_mode)) {
		record_folder(path, &files, &bytes);
		return json_pack("{s:o, s:I, s:I, s:s}", "path", batch_json_text(path), "bytes",
				 bytes, "files", files, "hash", "");
	}
	if (S_ISREG(st.st_mode))
		batch_hash_path(path, hash, NULL);
	return json_pack("{s:o, s:I, s:I, s:s}", "path", batch_json_text(path), "bytes",
			 (json_int_t)(S_ISREG(st.st_mode) ? st.st_size : 0), "mtime_ns",
			 (json_int_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec, "hash",
			 hash);
}

json_t *batch_record(const struct batch_item *item)
{
	json_t *outputs = json_array(), *record;
	char id[24];

	snprintf(id, sizeof(id), "%016" PRIx64, item->id);
	record = json_pack("{s:s, s:s, s:o, s:s, s:s, s:i, s:o}", "key", item->key, "id", id,
			   "item", batch_json_text(item->name), "verb", item->verb->name, "state",
			   journal_states[item->state], "exit_code", item->exit_code, "took_s",
			   job_real(item->took_s));
	if (!record || !outputs) {
		json_decref(record);
		json_decref(outputs);
		return NULL;
	}
	if (item->state != BATCH_DONE)
		json_object_set_new(record, "error",
				    json_pack("{s:o, s:o, s:o}", "address",
					      batch_json_text(item->error.address), "text",
					      batch_json_text(item->error.text), "hint",
					      batch_json_text(item->error.hint)));
	for (uint32_t i = 0; item->state == BATCH_DONE && i < item->outputs.n; i++)
		json_array_append_new(outputs, record_output(item->outputs.word[i]));
	json_object_set_new(record, "outputs", outputs);
	return record;
}

static void record_text(const json_t *object, const char *key, char *buf, size_t size)
{
	const char *text = json_string_value(json_object_get(object, key));

	snprintf(buf, size, "%s", text ? text : "");
}

void batch_record_take(const json_t *record, struct batch_item *item)
{
	const char *state = json_string_value(json_object_get(record, "state"));
	const json_t *error = json_object_get(record, "error");

	for (int i = BATCH_DONE; state && i <= BATCH_CANCELLED; i++)
		if (strcmp(journal_states[i], state) == 0)
			item->state = (enum batch_state)i;
	item->exit_code = (int)json_integer_value(json_object_get(record, "exit_code"));
	item->took_s = json_number_value(json_object_get(record, "took_s"));
	record_text(error, "address", item->error.address, sizeof(item->error.address));
	record_text(error, "text", item->error.text, sizeof(item->error.text));
	record_text(error, "hint", item->error.hint, sizeof(item->error.hint));
}

static bool record_folder_holds(const json_t *output, const char *path)
{
	json_int_t files, bytes;

	record_folder(path, &files, &bytes);
	return files >= json_integer_value(json_object_get(output, "files")) &&
	       bytes >= json_integer_value(json_object_get(output, "bytes"));
}

/* Same size and time: the same; another time: the same bytes, perhaps. */
static bool record_output_holds(const json_t *output, const char *path)
{
	const char *hash = json_string_value(json_object_get(output, "hash"));
	char now[BATCH_HASH_SIZE];
	struct stat st;

	if (json_is_true(json_object_get(output, "missing")))
		return true; /* it never wrote that one: a word that is no file */
	if (stat(path, &st) < 0 || !hash)
		return false;
	if (!*hash)
		return S_ISDIR(st.st_mode) && record_folder_holds(output, path);
	if (st.st_size != json_integer_value(json_object_get(output, "bytes")))
		return false;
	return (json_int_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec ==
		       json_integer_value(json_object_get(output, "mtime_ns")) ||
	       (batch_hash_path(path, now, NULL) == 0 && strcmp(now, hash) == 0);
}

bool batch_record_holds(const json_t *record, const struct batch_item *item)
{
	const json_t *outputs = json_object_get(record, "outputs");

	if (json_array_size(outputs) != item->outputs.n)
		return false;
	for (uint32_t i = 0; i < item->outputs.n; i++)
		if (!record_output_holds(json_array_get(outputs, i), item->outputs.word[i]))
			return false;
	return true;
}

/* ---- the file ------------------------------------------------------------------------------- */

static void journal_remember(struct batch_journal *journal, json_t *record)
{
	const char *key = json_string_value(json_object_get(record, "key"));
	const char *id = json_string_value(json_object_get(record, "id"));
	const char *state = json_string_value(json_object_get(record, "state"));

	if (!key || !id || !state)
		return;
	json_object_set(journal->last, id, record);
	if (*key && strcmp(state, journal_states[BATCH_DONE]) == 0)
		json_object_set(journal->finished, key, record);
}

static int journal_not_ours(const char *path, struct mixd_error *err)
{
	error_set(err, ERROR_CONFLICT, path, "is there, and no journal of a batch");
	error_hint(err, "name another file: --journal FILE");
	return -EEXIST;
}

/* *ret_size: up to the end of the last whole line. Other files than journals are refused. */
static int journal_load(struct batch_journal *journal, const char *path, bool *ret_torn,
			struct mixd_error *err)
{
	FILE *file = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	size_t room = 0;
	bool is_first = true, is_torn = false;
	ssize_t n;
	int r = 0;

	if (!file)
		return error_set(err, ERROR_RESOURCE, path, "%s", strerror(errno));
	while (r == 0 && (n = getline(&line, &room, file)) >= 0) {
		json_t *record;

		is_torn = line[n - 1] != '\n';
		if (is_first && strncmp(line, JOURNAL_HEAD, (size_t)n) != 0)
			r = journal_not_ours(path, err);
		record = r == 0 && !is_first && !is_torn ? json_loadb(line, (size_t)n, 0, NULL)
							 : NULL;
		is_first = false;
		if (record)
			journal_remember(journal, record);
		json_decref(record);
	}
	fclose(file);
	if (ret_torn)
		*ret_torn = is_torn;
	return r;
}

/* Those of shards and tasks; one that is not ours is not. */
static void journal_load_others(struct batch_journal *journal, const char *path)
{
	_cleanup_free_ char *pattern = malloc(2 * strlen(path) + 3);
	char *to = pattern;
	glob_t found;

	if (!pattern)
		return;
	for (const char *p = path; *p; p++) {
		if (strchr("*?[\\", *p))
			*to++ = '\\';
		*to++ = *p;
	}
	strcpy(to, ".*");
	if (glob(pattern, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (strcmp(found.gl_pathv[i], journal->path) != 0)
			(void)journal_load(journal, found.gl_pathv[i], NULL, NULL);
	globfree(&found);
}

static int journal_unwritten(const struct batch_journal *journal, int error, struct mixd_error *err)
{
	error_set(err, ERROR_RESOURCE, journal->path, "the journal cannot be written: %s",
		  strerror(error));
	error_hint(err, error == ENOSPC || error == EDQUOT
				? "make room: then the same command goes on from there"
				: "--journal FILE keeps it elsewhere");
	return -error;
}

static int journal_write(struct batch_journal *journal, const char *text, size_t size,
			 struct mixd_error *err)
{
	while (size > 0) {
		ssize_t n = write(journal->fd, text, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return journal_unwritten(journal, errno, err);
		text += n;
		size -= (size_t)n;
	}
	if (fsync(journal->fd) < 0 && errno != EINVAL)
		return error_set(err, ERROR_RESOURCE, journal->path,
				 "the journal is not safe on the disk: %s", strerror(errno));
	return 0;
}

static int journal_lock(struct batch_journal *journal, struct mixd_error *err)
{
	struct stat st;

	journal->fd =
		open(journal->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (journal->fd < 0) {
		error_set(err, ERROR_RESOURCE, journal->path, "the journal cannot be opened: %s",
			  strerror(errno));
		error_hint(err, "--journal FILE keeps it elsewhere");
		return -EIO;
	}
	if (fstat(journal->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return journal_not_ours(journal->path, err);
	if (flock(journal->fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	error_set(err, ERROR_CONFLICT, journal->path, "another batch is at work with this journal");
	error_hint(err, "wait for it, or share the work: --shard 1/2 here, --shard 2/2 there");
	return -EBUSY;
}

static int journal_begin(struct batch_journal *journal, struct mixd_error *err)
{
	bool is_torn = false;
	struct stat st;
	int r = journal_load(journal, journal->path, &is_torn, err);

	if (r < 0)
		return r;
	if (fstat(journal->fd, &st) < 0)
		return error_set(err, ERROR_RESOURCE, journal->path, "%s", strerror(errno));
	if (st.st_size < (off_t)strlen(JOURNAL_HEAD) && ftruncate(journal->fd, 0) == 0)
		return journal_write(journal, JOURNAL_HEAD, strlen(JOURNAL_HEAD), err);
	return is_torn ? journal_write(journal, "\n", 1, err) : 0;
}

int batch_journal_open(const char *path, const char *suffix, bool dry, struct batch_journal **ret,
		       struct mixd_error *err)
{
	struct batch_journal *journal = calloc(1, sizeof(*journal));
	int r = 0;

	if (!journal)
		return error_no_memory(err);
	journal->fd = -1;
	journal->finished = json_object();
	journal->last = json_object();
	if (asprintf(&journal->path, "%s%s%s", path, *suffix ? "." : "", suffix) < 0)
		journal->path = NULL;
	if (!journal->path || !journal->finished || !journal->last) {
		batch_journal_free(journal);
		return error_no_memory(err);
	}
	if (*suffix && access(path, F_OK) == 0)
		(void)journal_load(journal, path, NULL, NULL);
	journal_load_others(journal, path);
	if (!dry)
		r = journal_lock(journal, err);
	if (r == 0 && !dry)
		r = journal_begin(journal, err);
	else if (r == 0 && access(journal->path, F_OK) == 0)
		r = journal_load(journal, journal->path, NULL, err);
	if (r < 0) {
		batch_journal_free(journal);
		return r;
	}
	*ret = journal;
	return 0;
}

int batch_journal_reserve(struct batch_journal *journal, uint32_t n_records, struct mixd_error *err)
{
	struct stat st;

	if (journal->fd < 0 || n_records == 0 || fstat(journal->fd, &st) < 0)
		return 0;
	journal->has_room = true; /* a part of it, perhaps, when it fails */
	if (fallocate(journal->fd, FALLOC_FL_KEEP_SIZE, st.st_size,
		      (off_t)n_records * JOURNAL_RECORD_BYTES) == 0)
		return 0;
	if (errno != ENOSPC && errno != EDQUOT)
		return 0; /* not every file system can: the records are written all the same */
	error_set(err, ERROR_RESOURCE, journal->path,
		  "the disk is full: it has no room for the journal");
	error_hint(err, "make room, or --journal FILE keeps it elsewhere");
	return -ENOSPC;
}

const json_t *batch_journal_find(const struct batch_journal *journal, const char *key)
{
	return json_object_get(journal->finished, key);
}

const json_t *batch_journal_last(const struct batch_journal *journal, uint64_t id)
{
	char text[24];

	snprintf(text, sizeof(text), "%016" PRIx64, id);
	return json_object_get(journal->last, text);
}

int batch_journal_add(struct batch_journal *journal, json_t *record, struct mixd_error *err)
{
	_cleanup_free_ char *line =
		record ? json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(10)) : NULL;
	_cleanup_free_ char *whole = NULL;
	int r;

	if (!line || asprintf(&whole, "%s\n", line) < 0) {
		json_decref(record);
		return error_no_memory(err);
	}
	r = journal_write(journal, whole, strlen(whole), err);
	if (r == 0)
		journal_remember(journal, record);
	json_decref(record);
	return r;
}

int batch_journal_absorb(struct batch_journal *journal, const char *path, struct mixd_error *err)
{
	struct batch_journal *other = NULL;
	struct mixd_error unread = {0};
	const char *key;
	json_t *record;
	int r = 0;

	if (batch_journal_open(path, "", true, &other, &unread) < 0)
		return 0;
	json_object_foreach(other->finished, key, record)
	{
		if (r == 0)
			r = batch_journal_add(journal, json_deep_copy(record), err);
	}
	batch_journal_free(other);
	return r;
}

struct batch_journal *batch_journal_free(struct batch_journal *journal)
{
	struct stat st;

	if (!journal)
		return NULL;
	/* room that was taken and not used goes back */
	if (journal->has_room && fstat(journal->fd, &st) == 0)
		(void)!ftruncate(journal->fd, st.st_size);
	if (journal->fd >= 0)
		close(journal->fd);
	json_decref(journal->finished);
	json_decref(journal->last);
	free(journal->path);
	free(journal);
	return NULL;
}
