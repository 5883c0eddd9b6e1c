/* batch_key.c - what an item reads, as one number: XXH3, 128 bits, of libxxhash (Collet, "XXH3", 2019). It finds
 * what has changed; it is no defence against somebody who forges files.
 *
 * Read is: every word and option that names a file or folder, and what texts (sessions, albums,
 * episodes) among them name, and so on. A word of a text that is no file has no effect. Where a spec is
 * none of those that mixd brings, all files of specs are read.
 *
 * Beside it goes a stamp: what stat() says of the same files (device, inode, size, both times). Files whose
 * stamp is as it was need not be read again to know that they are as they were. A file that was changed
 * less than KEY_FRESH_S before it was read has no stamp that means anything: it may change once more within
 * one tick of its file system's clock (up to 2 s: FAT). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#include <xxhash.h>

#include "batch.h"
#include "cleanup.h"
#include "spec.h"

#define KEY_BLOCK (1u << 20)
#define KEY_DEPTH_MAX 8
#define KEY_TEXT_MAX (1u << 20) /* as large as a document can be */
#define KEY_FRESH_S 2.0

struct batch_hasher {
	const char *folder; /* borrowed */
	bool reads; /* the contents of files, too */
	json_t *known; /* path -> [hash, stamp] */
	struct spec_set *specs; /* owned; NULL: none */
};

/* Two numbers of the same files. */
struct key {
	XXH3_state_t *content; /* NULL: files are not read */
	XXH3_state_t *stamp;
	struct task *task;
};

struct batch_hasher *batch_hasher_new(const char *folder, bool reads)
{
	struct batch_hasher *hasher = calloc(1, sizeof(*hasher));

	if (!hasher)
		return NULL;
	hasher->folder = folder;
	hasher->reads = reads;
	hasher->known = json_object();
	(void)spec_set_new(&hasher->specs, NULL);
	return hasher->known ? hasher : batch_hasher_free(hasher);
}

struct batch_hasher *batch_hasher_free(struct batch_hasher *hasher)
{
	if (!hasher)
		return NULL;
	json_decref(hasher->known);
	spec_set_free(hasher->specs);
	free(hasher);
	return NULL;
}

static void key_text(XXH128_hash_t hash, char ret[BATCH_HASH_SIZE])
{
	snprintf(ret, BATCH_HASH_SIZE, "%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64,
		 (uint64_t)hash.low64);
}

static void key_words(XXH3_state_t *state, const char *word)
{
	XXH3_128bits_update(state, word, strlen(word) + 1);
}

/* Of both numbers. */
static void key_word(struct key *key, const char *word)
{
	if (key->content)
		key_words(key->content, word);
	key_words(key->stamp, word);
}

static int key_begin(struct key *key, bool reads, struct task *task)
{
	*key = (struct key){.content = reads ? XXH3_createState() : NULL,
			    .stamp = XXH3_createState(),
			    .task = task};
	if (!key->stamp || (reads && !key->content))
		return -ENOMEM;
	XXH3_128bits_reset(key->stamp);
	if (reads)
		XXH3_128bits_reset(key->content);
	return 0;
}

/* RET_CONTENT is untouched when nothing was read. */
static void key_end(struct key *key, char ret_content[BATCH_HASH_SIZE],
		    char ret_stamp[BATCH_HASH_SIZE])
{
	if (key->content && key->stamp) {
		key_text(XXH3_128bits_digest(key->content), ret_content);
		key_text(XXH3_128bits_digest(key->stamp), ret_stamp);
	} else if (key->stamp) {
		key_text(XXH3_128bits_digest(key->stamp), ret_stamp);
	}
	XXH3_freeState(key->content);
	XXH3_freeState(key->stamp);
}

/* ---- files and folders ---------------------------------------------------------------------- */

static double key_seconds(struct timespec t)
{
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void key_stamp(struct key *key, const struct stat *st)
{
	const int64_t numbers[] = {(int64_t)st->st_dev, (int64_t)st->st_ino, st->st_size,
				   st->st_mtim.tv_sec,	st->st_mtim.tv_nsec, st->st_ctim.tv_sec,
				   st->st_ctim.tv_nsec};
	struct timespec now;

	XXH3_128bits_update(key->stamp, numbers, sizeof(numbers));
	clock_gettime(CLOCK_REALTIME, &now);
	if (key->content && key_seconds(now) - key_seconds(st->st_ctim) < KEY_FRESH_S)
		XXH3_128bits_update(key->stamp, "fresh", 5); /* equals none that was not read */
}

static int key_file(struct key *key, int fd)
{
	_cleanup_free_ char *block = key->content ? malloc(KEY_BLOCK) : NULL;
	ssize_t n;

	if (!key->content)
		return 0;
	if (!block)
		return -ENOMEM;
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	while ((n = read(fd, block, KEY_BLOCK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (task_is_cancelled(key->task))
			return -ECANCELED;
		XXH3_128bits_update(key->content, block, (size_t)n);
	}
	return 0;
}

static int key_path(struct key *key, int at, const char *path, int depth);

static int key_by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int key_no_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int key_folder(struct key *key, int fd, int depth)
{
	struct dirent **names = NULL;
	int n = depth < KEY_DEPTH_MAX ? scandirat(fd, ".", &names, key_no_dots, key_by_bytes) : 0;
	int r = n < 0 ? -errno : 0;

	for (int i = 0; i < n; i++) {
		key_word(key, names[i]->d_name);
		if (r == 0) {
			r = key_path(key, fd, names[i]->d_name, depth + 1);
			r = r == -ECANCELED || r == -ENOMEM ? r : 0;
		}
		free(names[i]);
	}
	free(names);
	return r;
}

static int key_path(struct key *key, int at, const char *path, int depth)
{
	_cleanup_close_ int fd = openat(at, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		key_word(key, errno == ENOENT ? "missing" : "unreadable");
		return -errno;
	}
	if (S_ISDIR(st.st_mode))
		return key_folder(key, fd, depth);
	if (S_ISREG(st.st_mode)) {
		key_stamp(key, &st);
		return key_file(key, fd);
	}
	key_word(key, "special");
	return 0;
}

/* One file or folder, now. */
static int key_hash_path(bool reads, const char *path, char ret_hash[BATCH_HASH_SIZE],
			 char ret_stamp[BATCH_HASH_SIZE], struct task *task)
{
	struct key key;
	int r = key_begin(&key, reads, task);

	if (r == 0)
		r = key_path(&key, AT_FDCWD, path, 0);
	key_end(&key, ret_hash, ret_stamp);
	return r;
}

int batch_hash_path(const char *path, char ret[BATCH_HASH_SIZE], struct task *task)
{
	char stamp[BATCH_HASH_SIZE];

	return key_hash_path(true, path, ret, stamp, task);
}

/* ---- items ---------------------------------------------------------------------------------- */

static int key_input(struct batch_hasher *hasher, struct key *key, const char *folder,
		     const char *word, int depth);

static bool key_is_text(const char *path)
{
	static const char *const endings[] = {".yaml", ".yml", ".json", ".txt", ".cue"};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof(endings) / sizeof(endings[0]); i++)
		if (strcasecmp(dot, endings[i]) == 0)
			return true;
	return false;
}

/* Every run of letters between spaces, quotes, commas and the like that names a file. A name with
 * spaces stands in quotes, or fills the rest of its line. */
static int key_text_words(struct batch_hasher *hasher, struct key *key, const char *folder,
			  char *text, int depth)
{
	static const char *const cuts[] = {" \t\r\n\"'`,;[]{}()=<>|", "\"\r\n", "'\r\n"};
	char *line, *rest = text;
	int r = 0;

	while (r >= 0 && (line = strsep(&rest, "\r\n"))) {
		for (size_t i = 0; r >= 0 && i < sizeof(cuts) / sizeof(cuts[0]); i++) {
			_cleanup_free_ char *copy = strdup(line);
			char *word, *left = copy;

			if (!copy)
				return -ENOMEM;
			while (r >= 0 && (word = strsep(&left, cuts[i])))
				if (*word)
					r = key_input(hasher, key, folder, word, depth);
		}
		if (r >= 0 && strstr(line, ": "))
			r = key_input(hasher, key, folder, strstr(line, ": ") + 2, depth);
	}
	return r;
}

static int key_text_file(struct batch_hasher *hasher, struct key *key, const char *path, int depth)
{
	_cleanup_free_ char *text = NULL, *folder = strdup(path);
	size_t size = 0;

	if (!folder)
		return -ENOMEM;
	*strrchr(folder, '/') = '\0';
	if (document_load(path, path, &text, &size, NULL) < 0)
		return 0;
	return key_text_words(hasher, key, folder, text, depth);
}

/* What is there at PATH, from what is known or by looking; borrowed. NULL and *ret_r 0: it is none. */
static const json_t *key_look(struct batch_hasher *hasher, struct key *key, const char *path,
			      bool is_word, int *ret_r)
{
	const json_t *known = json_object_get(hasher->known, path);
	char hash[BATCH_HASH_SIZE] = "", stamp[BATCH_HASH_SIZE] = "";
	struct stat st;
	int r;

	*ret_r = 0;
	if (known || stat(path, &st) < 0 || (is_word && !S_ISREG(st.st_mode)))
		return known; /* in a text a folder is a word, "." for one */
	r = key_hash_path(hasher->reads, path, hash, stamp, key->task);
	if (r == -ECANCELED || r == -ENOMEM) {
		*ret_r = r;
		return NULL;
	}
	json_object_set_new(hasher->known, path, json_pack("[s,s]", hash, stamp));
	return json_object_get(hasher->known, path);
}

/* WORD's file, when it is one. */
static int key_input(struct batch_hasher *hasher, struct key *key, const char *folder,
		     const char *word, int depth)
{
	_cleanup_free_ char *path = batch_clean_path(folder, word);
	const json_t *known;
	int r;

	if (!path)
		return -ENOMEM;
	known = strlen(word) > 4096 ? NULL : key_look(hasher, key, path, depth > 0, &r);
	if (!known)
		return strlen(word) > 4096 ? 0 : r;
	key_word(key, word);
	if (key->content)
		key_words(key->content, json_string_value(json_array_get(known, 0)));
	key_words(key->stamp, json_string_value(json_array_get(known, 1)));
	return key_is_text(path) && depth < KEY_DEPTH_MAX
		       ? key_text_file(hasher, key, path, depth + 1)
		       : 0;
}

/* A spec that a person has written, may have written (it is not read), or names in a document. */
static bool key_has_own_spec(const struct batch_hasher *hasher, const struct batch_item *item)
{
	const struct spec *spec;
	bool has_own = false;

	for (uint32_t i = 0; i < item->args.n; i++)
		has_own |= key_is_text(item->args.word[i]);
	for (uint32_t i = 0; i < item->n_options; i++)
		if (strcmp(item->option[i].row->name, "spec") == 0)
			has_own |=
				!hasher->specs ||
				spec_find(hasher->specs, item->option[i].value, &spec, NULL) < 0 ||
				spec->origin;
	return has_own;
}

static int key_specs(struct batch_hasher *hasher, struct key *key)
{
	_cleanup_free_ char *folder = spec_user_folder();
	int r = folder ? key_input(hasher, key, "/", folder, 0) : 0;

	return r == 0 ? key_input(hasher, key, "/", SPEC_SYSTEM_FOLDER, 0) : r;
}

static void key_item_words(XXH3_state_t *state, const struct batch_item *item)
{
	char folder_free[64];

	key_words(state, item->verb->name);
	for (uint32_t i = 0; i < item->args.n; i++)
		key_words(state, item->args.word[i]);
	for (uint32_t i = 0; i < item->n_options; i++) {
		snprintf(folder_free, sizeof(folder_free), "--%s", item->option[i].row->name);
		key_words(state, folder_free);
		key_words(state, item->option[i].value);
	}
}

void batch_item_id(struct batch_item *item)
{
	XXH3_state_t *state = XXH3_createState();

	if (!state)
		return; /* 0 is an id, too: shards stay whole */
	XXH3_128bits_reset(state);
	key_item_words(state, item);
	item->id = XXH3_128bits_digest(state).low64;
	XXH3_freeState(state);
}

int batch_item_key(struct batch_hasher *hasher, struct batch_item *item, struct task *task,
		   struct mixd_error *err)
{
	struct key key;
	char id[24];
	int r = key_begin(&key, hasher->reads, task);

	snprintf(id, sizeof(id), "%016" PRIx64, item->id); /* the words, as they were written */
	if (r == 0) {
		key_word(&key, "mixd " MIXD_VERSION);
		key_word(&key, id);
	}
	for (uint32_t i = 0; r == 0 && i < item->inputs.n; i++)
		r = key_input(hasher, &key, hasher->folder, item->inputs.word[i], 0);
	if (r == 0 && key_has_own_spec(hasher, item))
		r = key_specs(hasher, &key);
	key_end(&key, r == 0 ? item->key : (char[BATCH_HASH_SIZE]){0},
		r == 0 ? item->stamp : (char[BATCH_HASH_SIZE]){0});
	if (r == -ECANCELED)
		return task_check(task, err) < 0 ? r : 0;
	return r < 0 ? error_no_memory(err) : 0;
}
