/* batch_key.c - what an item reads, as one number: XXH3, 128 bits, of libxxhash (Collet, "XXH3", 2019). It finds
 * what has changed; it is no defence against somebody who forges files.
 *
 * Read is: every word and option that names a file or folder, and what texts (sessions, albums,
 * episodes) among them name, and so on. A word of a text that is no file has no effect. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <xxhash.h>

#include "batch.h"
#include "cleanup.h"

#define KEY_BLOCK (1u << 20)
#define KEY_DEPTH_MAX 8
#define KEY_TEXT_MAX (1u << 20) /* as large as a document can be */

struct batch_hasher {
	const char *folder; /* borrowed */
	json_t *known; /* path -> hash */
};

struct batch_hasher *batch_hasher_new(const char *folder)
{
	struct batch_hasher *hasher = calloc(1, sizeof(*hasher));

	if (!hasher)
		return NULL;
	hasher->folder = folder;
	hasher->known = json_object();
	return hasher->known ? hasher : batch_hasher_free(hasher);
}

struct batch_hasher *batch_hasher_free(struct batch_hasher *hasher)
{
	if (hasher)
		json_decref(hasher->known);
	free(hasher);
	return NULL;
}

static void key_text(XXH128_hash_t hash, char ret[BATCH_HASH_SIZE])
{
	snprintf(ret, BATCH_HASH_SIZE, "%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64,
		 (uint64_t)hash.low64);
}

static void key_word(XXH3_state_t *state, const char *word)
{
	XXH3_128bits_update(state, word, strlen(word) + 1);
}

/* ---- files and folders ---------------------------------------------------------------------- */

static int key_file(XXH3_state_t *state, int fd, struct task *task)
{
	_cleanup_free_ char *block = malloc(KEY_BLOCK);
	ssize_t n;

	if (!block)
		return -ENOMEM;
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	while ((n = read(fd, block, KEY_BLOCK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (task_is_cancelled(task))
			return -ECANCELED;
		XXH3_128bits_update(state, block, (size_t)n);
	}
	return 0;
}

static int key_path(XXH3_state_t *state, int at, const char *path, int depth, struct task *task);

static int key_by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int key_no_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int key_folder(XXH3_state_t *state, int fd, int depth, struct task *task)
{
	struct dirent **names = NULL;
	int n = depth < KEY_DEPTH_MAX ? scandirat(fd, ".", &names, key_no_dots, key_by_bytes) : 0;
	int r = n < 0 ? -errno : 0;

	for (int i = 0; i < n; i++) {
		key_word(state, names[i]->d_name);
		if (r == 0) {
			r = key_path(state, fd, names[i]->d_name, depth + 1, task);
			r = r == -ECANCELED || r == -ENOMEM ? r : 0;
		}
		free(names[i]);
	}
	free(names);
	return r;
}

static int key_path(XXH3_state_t *state, int at, const char *path, int depth, struct task *task)
{
	_cleanup_close_ int fd = openat(at, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		key_word(state, errno == ENOENT ? "missing" : "unreadable");
		return -errno;
	}
	if (S_ISDIR(st.st_mode))
		return key_folder(state, fd, depth, task);
	if (S_ISREG(st.st_mode))
		return key_file(state, fd, task);
	key_word(state, "special");
	return 0;
}

int batch_hash_path(const char *path, char ret[BATCH_HASH_SIZE], struct task *task)
{
	XXH3_state_t *state = XXH3_createState();
	int r;

	if (!state)
		return -ENOMEM;
	XXH3_128bits_reset(state);
	r = key_path(state, AT_FDCWD, path, 0, task);
	key_text(XXH3_128bits_digest(state), ret);
	XXH3_freeState(state);
	return r;
}

/* ---- items ---------------------------------------------------------------------------------- */

static int key_input(struct batch_hasher *hasher, XXH3_state_t *state, const char *folder,
		     const char *word, int depth, struct task *task);

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
static int key_text_words(struct batch_hasher *hasher, XXH3_state_t *state, const char *folder,
			  char *text, int depth, struct task *task)
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
					r = key_input(hasher, state, folder, word, depth, task);
		}
		if (r >= 0 && strstr(line, ": "))
			r = key_input(hasher, state, folder, strstr(line, ": ") + 2, depth, task);
	}
	return r;
}

static int key_text_file(struct batch_hasher *hasher, XXH3_state_t *state, const char *path,
			 int depth, struct task *task)
{
	_cleanup_free_ char *text = NULL, *folder = strdup(path);
	size_t size = 0;

	if (!folder)
		return -ENOMEM;
	*strrchr(folder, '/') = '\0';
	if (document_load(path, path, &text, &size, NULL) < 0)
		return 0;
	return key_text_words(hasher, state, folder, text, depth, task);
}

/* WORD's file, when it is one. */
static int key_input(struct batch_hasher *hasher, XXH3_state_t *state, const char *folder,
		     const char *word, int depth, struct task *task)
{
	_cleanup_free_ char *path = batch_clean_path(folder, word);
	const char *known = path ? json_string_value(json_object_get(hasher->known, path)) : NULL;
	char hash[BATCH_HASH_SIZE];
	struct stat st;
	int r = 0;

	if (!path)
		return -ENOMEM;
	if (!known) {
		if (strlen(word) > 4096 || stat(path, &st) < 0 ||
		    (depth > 0 && !S_ISREG(st.st_mode)))
			return 0; /* in a text a folder is a word, "." for one */
		r = batch_hash_path(path, hash, task);
		if (r == -ECANCELED || r == -ENOMEM)
			return r;
		json_object_set_new(hasher->known, path, json_string(hash));
		known = json_string_value(json_object_get(hasher->known, path));
	}
	key_word(state, word);
	key_word(state, known ? known : "");
	return key_is_text(path) && depth < KEY_DEPTH_MAX
		       ? key_text_file(hasher, state, path, depth + 1, task)
		       : 0;
}

static void key_item_words(XXH3_state_t *state, const struct batch_item *item)
{
	char folder_free[64];

	key_word(state, item->verb->name);
	for (uint32_t i = 0; i < item->args.n; i++)
		key_word(state, item->args.word[i]);
	for (uint32_t i = 0; i < item->n_options; i++) {
		snprintf(folder_free, sizeof(folder_free), "--%s", item->option[i].row->name);
		key_word(state, folder_free);
		key_word(state, item->option[i].value);
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
	XXH3_state_t *state = XXH3_createState();
	char id[24];
	int r = state ? 0 : -ENOMEM;

	if (r == 0)
		XXH3_128bits_reset(state);
	snprintf(id, sizeof(id), "%016" PRIx64, item->id); /* the words, as they were written */
	if (r == 0) {
		key_word(state, "mixd " MIXD_VERSION);
		key_word(state, id);
	}
	for (uint32_t i = 0; r == 0 && i < item->inputs.n; i++)
		r = key_input(hasher, state, hasher->folder, item->inputs.word[i], 0, task);
	if (r == 0)
		key_text(XXH3_128bits_digest(state), item->key);
	XXH3_freeState(state);
	if (r == -ECANCELED)
		return task_check(task, err) < 0 ? r : 0;
	return r < 0 ? error_no_memory(err) : 0;
}
