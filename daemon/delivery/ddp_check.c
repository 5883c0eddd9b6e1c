/* ddp_check.c - the sums beside a DDP set; see ddp.h. They are no part of the format: several kinds
 * are in use. Read are lists as md5sum writes them (CHECKSUM.MD5 and any *.md5) and NAME=CRC32 lines
 * of 8 hexadecimal digits (CHECKSUM.TXT). */
#include "ddp.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cleanup.h"
#include "ddp_sum.h"

#define FILES_MAX (DDP_STREAMS_MAX + 2)
#define PIECE (1u << 18)

struct file_sums {
	const char *name;
	char md5[33];
	uint32_t crc;
	bool is_there, has_md5, has_crc, is_bad;
};
struct verify {
	struct ddp_set *set;
	struct task *task;
	struct file_sums file[FILES_MAX];
	uint32_t n_files;
	uint64_t done, total;
	uint32_t n_lists;
};

static void add_file(struct verify *verify, const char *name)
{
	for (uint32_t i = 0; i < verify->n_files; i++)
		if (strcmp(verify->file[i].name, name) == 0)
			return;
	verify->file[verify->n_files++] = (struct file_sums){.name = name};
}

static int sum_file(struct verify *verify, struct file_sums *file, struct mixd_error *err)
{
	_cleanup_free_ char *path = NULL, *piece = malloc(PIECE);
	_cleanup_close_ int fd = -1;
	struct ddp_sum sum;
	int r = 0;

	if (!piece || asprintf(&path, "%s/%s", verify->set->folder, file->name) < 0)
		return error_no_memory(err);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return 0;
	ddp_sum_init(&sum);
	while (r == 0) {
		ssize_t n = read(fd, piece, PIECE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, ERROR_RESOURCE, path, "cannot be read: %s",
					 strerror(errno));
		if (n == 0)
			break;
		ddp_sum_add(&sum, piece, (size_t)n);
		verify->done += (uint64_t)n;
		task_progress(verify->task, (double)verify->done / 4 / DISC_RATE_HZ,
			      (double)verify->total / 4 / DISC_RATE_HZ);
		r = task_check(verify->task, err);
	}
	ddp_sum_end(&sum, file->md5);
	file->crc = sum.crc;
	file->is_there = true;
	return r;
}

static struct file_sums *find_file(struct verify *verify, const char *name)
{
	for (uint32_t i = 0; i < verify->n_files; i++)
		if (strcmp(verify->file[i].name, name) == 0)
			return &verify->file[i];
	return NULL;
}

static bool is_hex(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

/* "<32 hex> *NAME", "<32 hex>  NAME". False: some other line. */
static bool md5_line(struct verify *verify, const char *list, char *line)
{
	struct file_sums *file;
	char *name = line + 32;

	if (strlen(line) < 35 || !is_hex(line, 32) || *name != ' ')
		return false;
	name += 1 + (name[1] == '*' || name[1] == ' ');
	file = find_file(verify, name);
	if (!file || !file->is_there) {
		ddp_say(verify->set, DDP_WARN, list, NULL, "sums %.60s, which is not of the set",
			name);
		return true;
	}
	file->has_md5 = true;
	file->is_bad = file->is_bad || strncasecmp(line, file->md5, 32) != 0;
	if (strncasecmp(line, file->md5, 32) != 0)
		ddp_say(verify->set, DDP_FAIL, name,
			"the file is not the one that left: ask for the set again",
			"its MD5 is %s, and %s says %.32s", file->md5, list, line);
	return true;
}

/* "NAME=<8 hex>" */
static bool crc_line(struct verify *verify, const char *list, char *line)
{
	char *equal = strrchr(line, '=');
	struct file_sums *file;

	if (!equal || strlen(equal) != 9 || !is_hex(equal + 1, 8))
		return false;
	*equal = '\0';
	file = find_file(verify, line);
	if (!file || !file->is_there) {
		ddp_say(verify->set, DDP_WARN, list, NULL, "sums %.60s, which is not of the set",
			line);
		return true;
	}
	file->has_crc = true;
	file->is_bad = file->is_bad || strtoul(equal + 1, NULL, 16) != file->crc;
	if (strtoul(equal + 1, NULL, 16) != file->crc)
		ddp_say(verify->set, DDP_FAIL, line,
			"the file is not the one that left: ask for the set again",
			"its CRC-32 is %08X, and %s says %s", file->crc, list, equal + 1);
	return true;
}

static void read_list(struct verify *verify, const char *name,
		      bool (*line_fn)(struct verify *, const char *, char *))
{
	_cleanup_free_ char *path = NULL, *line = NULL;
	size_t room = 0;
	uint32_t n_sums = 0;
	ssize_t n;
	FILE *file;

	if (asprintf(&path, "%s/%s", verify->set->folder, name) < 0)
		return;
	file = fopen(path, "re");
	if (!file)
		return;
	while ((n = getline(&line, &room, file)) > 0 && n_sums < 1000) {
		while (n > 0 && isspace((unsigned char)line[n - 1]))
			line[--n] = '\0';
		for (ssize_t i = 0; i < n; i++) /* lines are shown: as ASCII */
			if (line[i] < 0x20 || line[i] == 0x7f)
				line[i] = line[i] ? '?' : ' ';
		n_sums += line_fn(verify, name, line);
	}
	fclose(file);
	verify->n_lists += n_sums > 0;
}

static bool is_md5_list(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && strcasecmp(name + n - 4, ".md5") == 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In the order of their names, whatever the folder's is. */
static void read_lists(struct verify *verify)
{
	char *names[16];
	size_t n = 0;
	struct dirent *entry;
	DIR *folder = opendir(verify->set->folder);

	while (folder && (entry = readdir(folder)) && n < 16)
		if (is_md5_list(entry->d_name)) {
			names[n] = strdup(entry->d_name);
			n += names[n] != NULL;
		}
	if (folder)
		closedir(folder);
	qsort(names, n, sizeof(names[0]), compare_names);
	for (size_t i = 0; i < n; i++) {
		read_list(verify, names[i], md5_line);
		free(names[i]);
	}
	read_list(verify, "CHECKSUM.TXT", crc_line);
}

static void say_sums(struct verify *verify)
{
	if (verify->n_lists == 0) {
		ddp_say(verify->set, DDP_WARN, "sums", "ask for CHECKSUM.MD5 beside the set",
			"there are no checksums: damage on the way would not show");
		return;
	}
	for (uint32_t i = 0; i < verify->n_files; i++) {
		const struct file_sums *file = &verify->file[i];

		if (!file->is_there || file->is_bad)
			continue;
		if (!file->has_md5 && !file->has_crc)
			ddp_say(verify->set, DDP_WARN, file->name, NULL, "no list has its sum");
		else
			ddp_say(verify->set, DDP_OK, file->name, NULL, "compared with its %s%s%s",
				file->has_md5 ? "MD5" : "",
				file->has_md5 && file->has_crc ? " and " : "",
				file->has_crc ? "CRC-32" : "");
	}
}

int ddp_verify(struct ddp_set *set, struct task *task, struct mixd_error *err)
{
	struct verify verify = {.set = set, .task = task};

	add_file(&verify, "DDPID");
	add_file(&verify, "DDPMS");
	for (uint32_t s = 0; s < set->n_streams; s++)
		if (set->stream[s].bytes >= 0) {
			add_file(&verify, set->stream[s].file);
			verify.total += (uint64_t)set->stream[s].bytes;
		}
	for (uint32_t i = 0; i < verify.n_files; i++) {
		int r = sum_file(&verify, &verify.file[i], err);

		if (r < 0)
			return r;
	}
	read_lists(&verify);
	say_sums(&verify);
	return 0;
}
