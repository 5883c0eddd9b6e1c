/* audiobook_plan.c - which files are chapters, what they are like, and what they need; see audiobook.h. */
#include "audiobook.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "cleanup.h"

#define BOOK_CHAPTERS_MAX 2000u

/* ---- names ------------------------------------------------------------------------------------ */

/* Runs of digits count as numbers, letters whatever their case; equal so far: byte by byte. */
int book_compare(const char *a, const char *b)
{
	const char *x = a, *y = b;

	while (*x && *y) {
		if (isdigit((unsigned char)*x) && isdigit((unsigned char)*y)) {
			size_t n, m;

			x += strspn(x, "0");
			y += strspn(y, "0");
			n = strspn(x, "0123456789");
			m = strspn(y, "0123456789");
			if (n != m || strncmp(x, y, n) != 0)
				return n != m ? (n < m ? -1 : 1) : strncmp(x, y, n);
			x += n;
			y += m;
		} else {
			int i = tolower((unsigned char)*x), k = tolower((unsigned char)*y);

			if (i != k)
				return i - k;
			x++;
			y++;
		}
	}
	return *x || *y ? (unsigned char)*x - (unsigned char)*y : strcmp(a, b);
}

static int book_order(const void *a, const void *b)
{
	return book_compare(((const struct book_chapter *)a)->name,
			    ((const struct book_chapter *)b)->name);
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *book_title(const char *name)
{
	const char *begin = last_part(name), *dot = strrchr(begin, '.');
	size_t size = dot && dot > begin ? (size_t)(dot - begin) : strlen(begin);
	size_t skip = strspn(begin, "0123456789");
	char *title;

	skip += skip ? strspn(begin + skip, " ._-") : 0;
	if (skip >= size)
		skip = 0;
	title = strndup(begin + skip, size - skip);
	for (char *at = title; at && *at; at++)
		*at = *at == '_' ? ' ' : *at;
	return title;
}

/* ---- which files ------------------------------------------------------------------------------ */

static bool is_sound(const char *name)
{
	static const char *const endings[] = {"wav",  "wave", "flac", "aif",  "aiff",
					      "aifc", "caf",  "w64",  "rf64", "mp3",
					      "ogg",  "opus", "m4a",  "bwf",  NULL};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && dot > name && endings[i]; i++)
		if (strcasecmp(dot + 1, endings[i]) == 0)
			return true;
	return false;
}

static int add_chapter(struct book *book, const char *name, struct mixd_error *err)
{
	struct book_chapter *more = realloc(book->chapter, (book->n_chapters + 1) * sizeof(*more)),
			    *chapter;

	if (!more)
		return error_no_memory(err);
	if (book->n_chapters >= BOOK_CHAPTERS_MAX)
		return error_set(err, ERROR_INVALID, name, "is one of more than %u chapters",
				 BOOK_CHAPTERS_MAX);
	book->chapter = more;
	chapter = &more[book->n_chapters++];
	*chapter = (struct book_chapter){.name = strdup(name), .path = job_path(book->job, name)};
	measure_result_init(&chapter->before);
	master_goal_init(&chapter->goal);
	media_tags_init(&chapter->tags);
	chapter->title = book_title(name);
	return chapter->name && chapter->path && chapter->title ? 0 : error_no_memory(err);
}

static int add_folder(struct book *book, const char *word, const char *path, struct mixd_error *err)
{
	uint32_t before = book->n_chapters;
	DIR *dir = opendir(path);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return error_set(err, ERROR_RESOURCE, word, "cannot be read: %s", strerror(errno));
	while (r == 0 && (entry = readdir(dir))) {
		char *name = NULL;
		size_t n = strlen(word);

		if (entry->d_name[0] == '.' || !is_sound(entry->d_name))
			continue;
		if (asprintf(&name, "%s%s%s", word, n && word[n - 1] == '/' ? "" : "/",
			     entry->d_name) < 0)
			r = error_no_memory(err);
		else
			r = add_chapter(book, name, err);
		free(name);
	}
	closedir(dir);
	if (r == 0 && book->n_chapters == before) {
		error_set(err, ERROR_NOT_FOUND, word, "has no sound files in it");
		error_hint(err, "name the folder the chapters are in, or the files themselves");
		return -ENOENT;
	}
	return r;
}

/* Chapters among the recordings would be read as recordings the next time. */
static int check_folder(const struct book *book, const char *word, const struct stat *in,
			struct mixd_error *err)
{
	struct stat out;

	if (stat(book->folder, &out) < 0 || in->st_dev != out.st_dev || in->st_ino != out.st_ino)
		return 0;
	error_set(err, ERROR_CONFLICT, word, "is the folder of the recordings, and of the output");
	error_hint(err, "write to another folder: -o OUTDIR");
	return -EEXIST;
}

/* Two chapters must not be written to one file, nor over what is read. */
static int check_outputs(struct book *book, struct mixd_error *err)
{
	for (uint32_t i = 0; i < book->n_chapters; i++) {
		struct book_chapter *chapter = &book->chapter[i];
		const char *name = last_part(chapter->name), *dot = strrchr(name, '.');
		int size = dot && dot > name ? (int)(dot - name) : (int)strlen(name);
		struct stat in, out;

		if (asprintf(&chapter->output, "%s/%.*s.%s", book->folder, size, name,
			     book->ending) < 0) {
			chapter->output = NULL;
			return error_no_memory(err);
		}
		for (uint32_t k = 0; k < i; k++)
			if (strcmp(book->chapter[k].output, chapter->output) == 0) {
				error_set(err, ERROR_CONFLICT, chapter->name,
					  "would be written to the same file as %s",
					  book->chapter[k].name);
				error_hint(err, "give one of them another name");
				return -EEXIST;
			}
		if (stat(chapter->path, &in) == 0 && stat(chapter->output, &out) == 0 &&
		    in.st_dev == out.st_dev && in.st_ino == out.st_ino) {
			error_set(err, ERROR_CONFLICT, chapter->name,
				  "would be replaced by its output");
			error_hint(err, "write to another folder: -o OUTDIR");
			return -EEXIST;
		}
	}
	return 0;
}

int book_collect(struct book *book, struct mixd_error *err)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < job_n_args(book->job); i++) {
		const char *word = job_arg(book->job, i);
		_cleanup_free_ char *path = job_path(book->job, word);
		uint32_t first = book->n_chapters;
		struct stat what;

		if (!path)
			return error_no_memory(err);
		if (stat(path, &what) < 0) {
			bool is_gone = errno == ENOENT;

			error_set(err, ERROR_NOT_FOUND, word, "cannot be read: %s",
				  is_gone ? "there is no such file or folder" : strerror(errno));
			error_hint(err, is_gone ? "look at its name"
						: "look at its rights and those of its folders");
			return -ENOENT;
		}
		if (S_ISDIR(what.st_mode))
			r = check_folder(book, word, &what, err);
		if (r == 0)
			r = S_ISDIR(what.st_mode) ? add_folder(book, word, path, err)
						  : add_chapter(book, word, err);
		/* Files keep the order in which they were named only when there is no folder. */
		if (r == 0 && S_ISDIR(what.st_mode))
			qsort(book->chapter + first, book->n_chapters - first,
			      sizeof(*book->chapter), book_order);
	}
	return r == 0 ? check_outputs(book, err) : r;
}

/* ---- what they are like ----------------------------------------------------------------------- */

/* Longer than the spec has it, or of too many channels: told before hours are read. */
static int look_at(const struct book *book, const struct book_chapter *chapter,
		   const struct media_info *info, struct mixd_error *err)
{
	double max_s = INFINITY, length_s = (double)info->n_frames / info->rate;

	for (uint32_t i = 0; i < book->spec->n_clauses; i++)
		if (strcmp(book->spec->clause[i].id, "duration") == 0 &&
		    book->spec->clause[i].severity == SPEC_MUST)
			max_s = book->spec->clause[i].max;
	if (length_s > max_s) {
		error_set(err, ERROR_INVALID, chapter->name,
			  "is %.0f minutes long; %s allows %.0f minutes a file", length_s / 60,
			  book->spec->name, max_s / 60);
		error_hint(err, "split it at a pause into %.0f parts: each is a chapter of its own",
			   ceil(length_s / max_s));
		return -EINVAL;
	}
	if (info->n_channels > 2) {
		error_set(err, ERROR_INVALID, chapter->name,
			  "has %u channels; a chapter has one or two", info->n_channels);
		error_hint(err, "mix it down first: mixctl render");
		return -EINVAL;
	}
	return 0;
}

int book_look(struct book *book, struct mixd_error *err)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < book->n_chapters; i++) {
		struct media_reader *reader = NULL;

		r = media_open(book->chapter[i].path, &reader, err);
		if (r == 0)
			r = look_at(book, &book->chapter[i], media_reader_info(reader), err);
		else
			snprintf(err->address, sizeof(err->address), "%.150s",
				 book->chapter[i].name);
		media_close(reader);
	}
	return r;
}

struct plan_file {
	struct media_reader *reader;
	const char *path;
};

static int64_t plan_read(void *data, float *const *channels, uint32_t n_frames,
			 struct mixd_error *err)
{
	struct plan_file *file = data;

	return media_read(file->reader, channels, n_frames, err);
}

static int plan_seek(void *data, int64_t frame, struct mixd_error *err)
{
	struct plan_file *file = data;
	int r;

	file->reader = media_close(file->reader);
	r = media_open(file->path, &file->reader, err);
	return r == 0 && frame > 0 ? media_seek(file->reader, frame, err) : r;
}

static int measure_one(struct book *book, struct book_chapter *chapter)
{
	struct plan_file file = {.path = chapter->path};
	struct task *task = job_task(chapter->job);
	struct measure_options options;
	struct roomtone_source source = {.read = plan_read, .seek = plan_seek, .data = &file};
	int r;

	(void)book;
	measure_options_init(&options);
	options.what = MEASURE_LOUDNESS | MEASURE_TRUE_PEAK | MEASURE_LEVELS | MEASURE_FAULTS;
	r = measure_file(chapter->path, &options, task, &chapter->before, &chapter->info,
			 &chapter->error);
	chapter->is_measured = r == 0;
	source.rate = chapter->info.rate;
	source.layout = &chapter->info.layout;
	source.n_frames = (int64_t)chapter->before.n_frames;
	if (r == 0)
		r = roomtone_find(&source, 0, task, &chapter->tone, &chapter->error);
	media_close(file.reader);
	if (r < 0)
		snprintf(chapter->error.address, sizeof(chapter->error.address), "%.150s",
			 chapter->name);
	return r;
}

int book_measure(struct book *book, struct mixd_error *err)
{
	return book_each(book, "measure", 0, measure_one, err);
}

/* ---- what they need --------------------------------------------------------------------------- */

static int plan_refuse(const struct book_chapter *chapter, struct mixd_error *err)
{
	if (isfinite(chapter->before.rms) && chapter->tone.end > chapter->tone.first)
		return 0;
	error_set(err, ERROR_INVALID, chapter->name, "is silent");
	error_hint(err, "leave it out, or record it again");
	return -EINVAL;
}

static uint32_t plan_channels(const struct book *book, uint32_t channels)
{
	uint32_t fewest = 2;

	for (uint32_t i = 0; i < book->n_chapters; i++)
		if (book->chapter[i].info.n_channels < fewest)
			fewest = book->chapter[i].info.n_channels;
	return channels ? channels : fewest;
}

int book_plan(struct book *book, uint32_t channels, struct mixd_error *err)
{
	book->n_channels = plan_channels(book, channels);
	for (uint32_t i = 0; i < book->n_chapters; i++) {
		struct book_chapter *chapter = &book->chapter[i];
		const struct measure_result *before = &chapter->before;
		int r = plan_refuse(chapter, err);

		if (r < 0)
			return r;
		chapter->gain_db = book->level - (book->is_rms ? before->rms : before->integrated);
		if (!isfinite(chapter->gain_db))
			chapter->gain_db = 0;
		if (book->repairs)
			voice_repair_plan(&chapter->tone, before->integrated, chapter->gain_db,
					  book->limit_dbfs, before->dc_max, &chapter->repair);
		if (channels == 0 && chapter->info.n_channels != book->n_channels)
			job_note(book->job, chapter->name,
				 "is stereo and others are mono: all become mono");
	}
	return 0;
}

void book_done(struct book *book)
{
	for (uint32_t i = 0; i < book->n_chapters; i++) {
		struct book_chapter *chapter = &book->chapter[i];

		measure_result_done(&chapter->before);
		roomtone_done(&chapter->tone);
		media_tags_done(&chapter->tags);
		master_goal_done(&chapter->goal);
		master_request_done(&chapter->request);
		job_free(chapter->job);
		free(chapter->chain);
		free(chapter->title);
		free(chapter->name);
		free(chapter->path);
		free(chapter->output);
	}
	free(book->chapter);
	free(book->folder);
}
