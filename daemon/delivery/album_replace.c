/* album_replace.c - what an album may put itself in the place of; see album.h.
 *
 * WHY         Folders are exchanged as a whole (album_stage.h), so that no track of an earlier run stays among the
 *             new ones. What lay in them is gone then: it must be what an earlier run of this album has made.
 * OURS        In a folder of tracks: "NN title.ending" with the album's title and that number as its tags. In DDP:
 *             the files of a set. And what has the name of a new file, as everywhere else. */
#include "album.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "media_read.h"

DEFINE_CLEANUP(media_close, struct media_reader *)

static bool is_content(const char *name)
{
	return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static bool is_file_of_set(const char *name)
{
	static const char *const names[] = {"DDPID",	   "DDPMS",	 "PQDESCR",
					    "IMAGE.DAT",   "CDTEXT.BIN", "CHECKSUM.MD5",
					    "CHECKSUM.TXT"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool is_name_of_track(const char *name)
{
	return isdigit((unsigned char)name[0]) && isdigit((unsigned char)name[1]) &&
	       (name[2] == ' ' || name[2] == '.');
}

/* A file of sound that says it belongs to an album of this title, and is the track that its name begins with. */
static bool is_track_of(const struct album *album, const char *path, const char *name)
{
	_cleanup_(media_closep) struct media_reader *reader = NULL;
	struct mixd_error ignored = {0};
	const char *title, *number;

	if (media_open(path, &reader, &ignored) < 0)
		return false;
	title = media_tags_get(media_reader_tags(reader), "ALBUM");
	number = media_tags_get(media_reader_tags(reader), "TRACKNUMBER");
	return number && atoi(number) == atoi(name) &&
	       strcmp(title ? title : "", album->title ? album->title : "") == 0;
}

/* NAME in the folder THERE, which MADE is to take the place of. */
static int check_entry(const struct album *album, const char *made, const char *there,
		       const char *name, struct mixd_error *err)
{
	_cleanup_free_ char *new = NULL, *old = NULL;
	const char *folder = strrchr(made, '/') + 1;
	struct stat st;
	bool is_ours;

	if (asprintf(&new, "%s/%s", made, name) < 0) {
		new = NULL;
		return error_no_memory(err);
	}
	if (asprintf(&old, "%s/%s", there, name) < 0) {
		old = NULL;
		return error_no_memory(err);
	}
	if (lstat(old, &st) < 0)
		return 0; /* gone meanwhile */
	is_ours = access(new, F_OK) == 0 ||
		  (strcmp(folder, "DDP") == 0 ? is_file_of_set(name)
					      : is_name_of_track(name) && S_ISREG(st.st_mode) &&
							is_track_of(album, old, name));
	if (S_ISREG(st.st_mode) && is_ours)
		return 0;
	error_set(
		err, ERROR_CONFLICT, old,
		"is no file of this album, and would be lost: the folder %s is replaced as a whole",
		folder);
	error_hint(err, "move it away, or name another folder with -o");
	return -EEXIST;
}

static int check_folder(const struct album *album, const char *made, const char *there,
			struct mixd_error *err)
{
	struct dirent **entry = NULL;
	int n = scandir(there, &entry, NULL, alphasort), r = 0;

	for (int i = 0; i < n; i++) {
		if (r == 0 && is_content(entry[i]->d_name))
			r = check_entry(album, made, there, entry[i]->d_name, err);
		free(entry[i]);
	}
	free(entry);
	return r;
}

/* TRACK's recording is neither a file that is replaced nor in a folder that is. */
static int check_recording(const struct album *album, uint32_t t, const char *stage,
			   const char *folder, struct mixd_error *err)
{
	_cleanup_free_ char *file = realpath(album->track[t].file, NULL), *made = NULL;
	size_t n = strcmp(folder, "/") == 0 ? 0 : strlen(folder);

	if (!file || strncmp(file, folder, n) != 0 || file[n] != '/')
		return 0;
	if (asprintf(&made, "%s/%.*s", stage, (int)strcspn(file + n + 1, "/"), file + n + 1) < 0) {
		made = NULL;
		return error_no_memory(err);
	}
	if (access(made, F_OK) < 0)
		return 0;
	error_set(err, ERROR_CONFLICT, album->track[t].file,
		  "is the recording of track %u, and would be replaced", t + 1);
	error_hint(err, "name another folder with -o");
	return -EEXIST;
}

int album_replace_check(const struct album *album, const char *stage, const char *folder,
			struct mixd_error *err)
{
	_cleanup_free_ char *whole = realpath(folder, NULL);
	struct dirent **entry = NULL;
	int n, r = whole ? 0 : error_set(err, ERROR_RESOURCE, folder, "%s", strerror(errno));

	for (uint32_t t = 0; r == 0 && t < album->n_tracks; t++)
		r = check_recording(album, t, stage, whole, err);
	n = r == 0 ? scandir(stage, &entry, NULL, alphasort) : 0;
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *made = NULL, *there = NULL;

		if (r == 0 && is_content(entry[i]->d_name)) {
			if (asprintf(&made, "%s/%s", stage, entry[i]->d_name) < 0)
				made = NULL;
			if (asprintf(&there, "%s/%s", folder, entry[i]->d_name) < 0)
				there = NULL;
			r = made && there ? check_folder(album, made, there, err)
					  : error_no_memory(err);
		}
		free(entry[i]);
	}
	free(entry);
	return r;
}
