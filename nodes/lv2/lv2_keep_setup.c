/* lv2_keep_setup.c - states too long for a config: files named by what is in them.
 *
 * WHAT        A text of up to LV2_INLINE_MAX bytes is the config. A longer one is written to
 *             plugins/<hash>.state in the state folder ($STATE_DIRECTORY, else
 *             $XDG_STATE_HOME/mixd, else ~/.local/state/mixd), and the config is "file:<hash>". A
 *             file is never changed: undo, copies of a session and two nodes with one state work
 *             as if the text stood there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lv2.h"

#define KEEP_PREFIX "file:"

static int keep_folder(char *ret, size_t size)
{
	const char *base = getenv("STATE_DIRECTORY"), *home = getenv("HOME");

	if (base && *base)
		snprintf(ret, size, "%.*s/plugins", (int)strcspn(base, ":"), base);
	else if ((base = getenv("XDG_STATE_HOME")) && *base)
		snprintf(ret, size, "%s/mixd/plugins", base);
	else if (home && *home)
		snprintf(ret, size, "%s/.local/state/mixd/plugins", home);
	else
		return -ENOENT;
	return 0;
}

/* Those above FILE. */
static void keep_make_folders(const char *file)
{
	char path[LV2_PATH_MAX];

	snprintf(path, sizeof(path), "%s", file);
	for (char *at = path + 1; *at; at++)
		if (*at == '/') {
			*at = '\0';
			mkdir(path, 0700);
			*at = '/';
		}
}

/* Two FNV-1a hashes of 64 bits from different beginnings: enough against accidents. */
void lv2_keep_name(const char *text, char ret[40])
{
	uint64_t a = UINT64_C(0xcbf29ce484222325), b = UINT64_C(0x84222325cbf29ce4);

	for (; *text; text++) {
		a = (a ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
		b = (b ^ (unsigned char)*text) * UINT64_C(0x100000001b3) + (a >> 32);
	}
	snprintf(ret, 40, "%016llx%016llx", (unsigned long long)a, (unsigned long long)b);
}

int lv2_keep_path(const char *name, char *ret, size_t size)
{
	char folder[LV2_PATH_MAX - 64];
	int res = keep_folder(folder, sizeof(folder));

	if (res < 0)
		return res;
	snprintf(ret, size, "%s/%s", folder, name);
	return 0;
}

static int keep_fault(struct mixd_fault *fault, const char *what, const char *path, int res)
{
	snprintf(fault->text, sizeof(fault->text), "the state of the plug-in cannot be %s: %.120s",
		 what, path);
	snprintf(fault->hint, sizeof(fault->hint), "%s",
		 res == -ENOENT ? "copy it from the machine where the session was saved, or set "
				  "plugin_state=\"\""
				: strerror(-res));
	return res;
}

int lv2_keep_store(const char *path, const char *text)
{
	char temporary[LV2_PATH_MAX + 16];
	size_t size = strlen(text), done = 0;
	int fd;

	keep_make_folders(path);
	snprintf(temporary, sizeof(temporary), "%s.%d", path, (int)getpid());
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	while (done < size) {
		ssize_t n = write(fd, text + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (done < size || fsync(fd) < 0 || rename(temporary, path) < 0) {
		int res = errno ? -errno : -EIO;

		close(fd);
		unlink(temporary);
		return res;
	}
	close(fd);
	*strrchr(temporary, '/') = '\0'; /* the name is kept when its folder is */
	fd = open(temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	return 0;
}

int lv2_keep_write(const char *text, char *ret_text, size_t size, struct mixd_fault *fault)
{
	char path[LV2_PATH_MAX], name[40], file[48];
	int res;

	if (strlen(text) <= LV2_INLINE_MAX && strlen(text) < size) {
		strcpy(ret_text, text);
		return 0;
	}
	lv2_keep_name(text, name);
	snprintf(file, sizeof(file), "%s.state", name);
	res = lv2_keep_path(file, path, sizeof(path));
	if (res < 0)
		return keep_fault(fault, "written", "there is no state folder", res);
	if (access(path, R_OK) < 0) /* else what is there is the same */
		res = lv2_keep_store(path, text);
	if (res < 0)
		return keep_fault(fault, "written", path, res);
	snprintf(ret_text, size, KEEP_PREFIX "%s", name);
	return 0;
}

int lv2_keep_read(const char *config, char **ret, struct mixd_fault *fault)
{
	const char *name = config ? config : "";
	char folder[LV2_PATH_MAX - 64], path[LV2_PATH_MAX] = "";
	struct lv2_props props = {0};
	FILE *file = NULL;
	char *text;
	size_t n;

	if (strncmp(name, KEEP_PREFIX, strlen(KEEP_PREFIX)) == 0) {
		name += strlen(KEEP_PREFIX);
		if (strspn(name, "0123456789abcdef") == strlen(name) &&
		    keep_folder(folder, sizeof(folder)) == 0) {
			snprintf(path, sizeof(path), "%s/%.40s.state", folder, name);
			file = fopen(path, "re");
		}
		if (!file)
			return keep_fault(fault, "read", *path ? path : name, -ENOENT);
	}
	text = file ? malloc(LV2_TEXT_MAX) : strdup(name);
	if (text && file) {
		n = fread(text, 1, LV2_TEXT_MAX - 1, file);
		text[n] = '\0';
	}
	if (file)
		fclose(file);
	if (!text)
		return keep_fault(fault, "read", "out of memory", -ENOMEM);
	if (lv2_props_read(&props, text) < 0) {
		free(text);
		snprintf(fault->text, sizeof(fault->text), "plugin_state is damaged");
		snprintf(fault->hint, sizeof(fault->hint),
			 "want KEY=TYPE:VALUE ..., as mixctl get gives it, or nothing");
		return -EINVAL;
	}
	lv2_props_done(&props);
	*ret = text;
	return 0;
}
