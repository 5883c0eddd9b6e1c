/* ddp_read.c - read any DDP audio set, and say what is wrong with it; see ddp.h. */
#include "ddp.h"

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cdtext.h"
#include "cleanup.h"
#include "pq.h"
#include "redbook.h"

#define RECORD 128u
#define SMALL_FILE_MAX (1u << 20)
#define VERDICTS_MAX 2000u

struct ddp_set *ddp_set_free(struct ddp_set *set)
{
	if (!set)
		return NULL;
	disc_done(&set->disc);
	free(set->folder);
	free(set->verdict);
	free(set);
	return NULL;
}

void ddp_say(struct ddp_set *set, enum ddp_state state, const char *item, const char *hint,
	     const char *fmt, ...)
{
	struct ddp_verdict *verdict;
	va_list args;

	set->has_failed = set->has_failed || state == DDP_FAIL;
	if (set->n_verdicts >= VERDICTS_MAX)
		return;
	verdict = realloc(set->verdict, (set->n_verdicts + 1) * sizeof(*verdict));
	if (!verdict)
		return;
	set->verdict = verdict;
	verdict += set->n_verdicts++;
	*verdict = (struct ddp_verdict){.state = state};
	snprintf(verdict->item, sizeof(verdict->item), "%s", item);
	snprintf(verdict->hint, sizeof(verdict->hint), "%s", hint ? hint : "");
	va_start(args, fmt);
	vsnprintf(verdict->text, sizeof(verdict->text), fmt, args);
	va_end(args);
}

static char *path_of(const struct ddp_set *set, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", set->folder, name) < 0 ? NULL : path;
}

/* -errno; *ret is malloc'd and ends with a zero that does not count. */
static int load(const struct ddp_set *set, const char *name, char **ret, size_t *ret_size)
{
	_cleanup_free_ char *path = path_of(set, name), *bytes = NULL;
	_cleanup_close_ int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	struct stat st;
	size_t size = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return path ? -errno : -ENOMEM;
	if (!S_ISREG(st.st_mode) || st.st_size > SMALL_FILE_MAX)
		return -EFBIG;
	bytes = calloc(1, (size_t)st.st_size + 1);
	if (!bytes)
		return -ENOMEM;
	while (size < (size_t)st.st_size) {
		ssize_t n = read(fd, bytes + size, (size_t)st.st_size - size);

		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size += (size_t)n;
	}
	*ret = TAKE_PTR(bytes);
	*ret_size = size;
	return 0;
}

/* ---- fields --------------------------------------------------------------------------------- */

/* Without the blanks at its end; what is not ASCII becomes '?'. */
static void field_text(const char *record, size_t offset, size_t size, char *ret)
{
	while (size && record[offset + size - 1] == ' ')
		size--;
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)record[offset + i];

		ret[i] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	ret[size] = '\0';
}

/* Right-aligned with blanks or zeros; blank is 0. */
static bool field_number(const char *record, size_t offset, size_t size, uint64_t *ret)
{
	uint64_t value = 0;
	size_t i = 0;

	while (i < size && record[offset + i] == ' ')
		i++;
	for (; i < size && isdigit((unsigned char)record[offset + i]); i++)
		value = value * 10 + (uint64_t)(record[offset + i] - '0');
	while (i < size && record[offset + i] == ' ')
		i++;
	*ret = value;
	return i == size;
}

/* ---- DDPID ---------------------------------------------------------------------------------- */

static int read_id(struct ddp_set *set, struct mixd_error *err)
{
	_cleanup_free_ char *bytes = NULL;
	char type[3];
	size_t size = 0;
	int r = load(set, "DDPID", &bytes, &size);

	if (r < 0 || size < 8 || memcmp(bytes, "DDP ", 4) != 0) {
		error_set(err, r == -ENOENT ? ERROR_NOT_FOUND : ERROR_INVALID, NULL,
			  r < 0 ? "has no file DDPID that can be read" : "its DDPID is no DDP");
		error_hint(err, "name the folder of a DDP set: DDPID, DDPMS, IMAGE.DAT, ...");
		return r < 0 ? r : -EINVAL;
	}
	field_text(bytes, 0, 8, set->level);
	if (size != RECORD) {
		ddp_say(set, DDP_FAIL, "DDPID", "it has one record of 128 bytes",
			"it is %zu bytes long", size);
		return 0;
	}
	field_text(bytes, 8, 13, set->upc);
	field_text(bytes, 38, 48, set->master_id);
	field_text(bytes, 87, 2, type);
	field_text(bytes, 95, 33, set->user_text);
	if (strcmp(set->level, "DDP 2.00") != 0)
		ddp_say(set, DDP_WARN, "DDPID", "plants read DDP 2.00", "level \"%s\"", set->level);
	else if (strcmp(type, "CD") != 0)
		ddp_say(set, DDP_FAIL, "DDPID", "want CD", "the disc is a \"%s\"", type);
	else
		ddp_say(set, DDP_OK, "DDPID", NULL, "%s%s%s%s%s", set->level,
			set->upc[0] ? ", UPC/EAN " : "", set->upc,
			set->master_id[0] ? ", master " : "", set->master_id);
	return 0;
}

/* ---- DDPMS ---------------------------------------------------------------------------------- */

/* A name inside the folder: nothing else is opened. */
static bool is_plain_name(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int64_t bytes_of(const struct ddp_set *set, const char *name)
{
	_cleanup_free_ char *path = path_of(set, name);
	struct stat st;

	if (!path || !is_plain_name(name) || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return -1;
	return (int64_t)st.st_size;
}

static void take_role(struct ddp_set *set, int *role, const char *what)
{
	if (*role >= 0)
		ddp_say(set, DDP_FAIL, "DDPMS", "one disc has one of each", "names a second %s",
			what);
	else
		*role = (int)set->n_streams;
}

static void take_stream(struct ddp_set *set, const char *record, uint32_t idx)
{
	struct ddp_stream stream = {.bytes = -1};
	uint64_t pregap = 0;

	if (memcmp(record, "VVVM", 4) != 0) {
		ddp_say(set, DDP_FAIL, "DDPMS", "records begin with VVVM",
			"record %u is not one of a map", idx + 1);
		return;
	}
	field_text(record, 4, 2, stream.type);
	field_text(record, 30, 8, stream.subcode);
	field_text(record, 38, 2, stream.mode);
	field_text(record, 74, 17, stream.file);
	if (!field_number(record, 14, 8, &stream.length) || !field_number(record, 46, 4, &pregap))
		ddp_say(set, DDP_FAIL, "DDPMS", NULL, "record %u: a number has letters", idx + 1);
	stream.pregap = (uint32_t)pregap;
	stream.bytes = bytes_of(set, stream.file);
	if (strcmp(stream.type, "D0") == 0 && strcmp(stream.mode, "DA") == 0)
		take_role(set, &set->image, "audio image");
	else if (strcmp(stream.subcode, "PQ DESCR") == 0)
		take_role(set, &set->pq, "PQ descriptor");
	else if (strcmp(stream.subcode, "CDTEXT") == 0)
		take_role(set, &set->cdtext, "CD-Text");
	set->stream[set->n_streams++] = stream;
}

static void check_streams(struct ddp_set *set)
{
	for (uint32_t s = 0; s < set->n_streams; s++) {
		const struct ddp_stream *stream = &set->stream[s];
		const char *item = stream->file[0] ? stream->file : "DDPMS";
		uint64_t want = stream->length;

		if (stream->type[0] == 'D')
			want *= DISC_SECTOR_BYTES;
		if (!is_plain_name(stream->file))
			ddp_say(set, DDP_FAIL, "DDPMS", "want a name without folders",
				"record %u names no file", s + 1);
		else if (stream->bytes < 0)
			ddp_say(set, DDP_FAIL, item, "ask for the whole set again",
				"the file is missing");
		else if (stream->type[0] == 'D' && strcmp(stream->mode, "DA") != 0)
			ddp_say(set, DDP_WARN, item, NULL, "is no audio: not looked at");
		else if ((uint64_t)stream->bytes != want)
			ddp_say(set, DDP_FAIL, item, "it was cut or changed on its way",
				"it has %lld bytes, and DDPMS says %llu", (long long)stream->bytes,
				(unsigned long long)want);
		else if (stream->type[0] == 'D')
			ddp_say(set, DDP_OK, item, NULL, "%llu sectors",
				(unsigned long long)stream->length);
	}
}

static int read_map(struct ddp_set *set, struct mixd_error *err)
{
	_cleanup_free_ char *bytes = NULL;
	size_t size = 0;
	int r = load(set, "DDPMS", &bytes, &size);

	if (r < 0 || size < RECORD) {
		error_set(err, r == -ENOENT ? ERROR_NOT_FOUND : ERROR_INVALID, NULL,
			  "has no file DDPMS that can be read");
		error_hint(err, "a set without its map cannot be used: ask for it again");
		return r < 0 ? r : -EINVAL;
	}
	if (size % RECORD)
		ddp_say(set, DDP_FAIL, "DDPMS", "it has records of 128 bytes",
			"it is %zu bytes long", size);
	for (uint32_t i = 0; i < size / RECORD && set->n_streams < DDP_STREAMS_MAX; i++)
		take_stream(set, bytes + (size_t)i * RECORD, i);
	if (size / RECORD > DDP_STREAMS_MAX)
		ddp_say(set, DDP_WARN, "DDPMS", NULL, "has more than %u streams", DDP_STREAMS_MAX);
	if (set->image < 0)
		ddp_say(set, DDP_FAIL, "DDPMS", "an audio disc has a stream D0 of mode DA",
			"names no audio image");
	if (set->pq < 0)
		ddp_say(set, DDP_FAIL, "DDPMS", "want a stream S0 PQ DESCR",
			"names no PQ descriptor");
	if (set->image >= 0 && set->pq >= 0)
		ddp_say(set, DDP_OK, "DDPMS", NULL, "%u streams", set->n_streams);
	check_streams(set);
	return 0;
}

/* ---- PQ and CD-Text ------------------------------------------------------------------------- */

static void pq_found(void *data, uint32_t idx, const char *text)
{
	struct ddp_set *set = data;

	ddp_say(set, DDP_FAIL, set->stream[set->pq].file, NULL, "record %u: %s", idx + 1, text);
}

static void cdtext_found(void *data, uint32_t pack, const char *text)
{
	struct ddp_set *set = data;

	ddp_say(set, DDP_FAIL, set->stream[set->cdtext].file, NULL, "pack %u: %s", pack, text);
}

static void redbook_found(void *data, int track, const char *text, const char *hint)
{
	struct ddp_set *set = data;
	char item[40] = "disc";

	if (track >= 0)
		snprintf(item, sizeof(item), "track %u", set->disc.track[track].number);
	ddp_say(set, DDP_FAIL, item, hint, "%s", text);
}

/* The bytes of stream NUMBER; -1: the set has none. False: there are none, or they cannot be read,
 * which is said. */
static bool load_stream(struct ddp_set *set, int number, char **ret_bytes, size_t *ret_size)
{
	const struct ddp_stream *stream = number >= 0 ? &set->stream[number] : NULL;
	int r;

	if (!stream || stream->bytes < 0)
		return false;
	r = load(set, stream->file, ret_bytes, ret_size);
	if (r < 0)
		ddp_say(set, DDP_FAIL, stream->file, NULL, "cannot be read: %s", strerror(-r));
	return r >= 0;
}

static int read_pq(struct ddp_set *set, struct mixd_error *err)
{
	_cleanup_free_ char *bytes = NULL;
	uint32_t before = set->n_verdicts;
	struct mixd_error fault = {0};
	const char *file;
	size_t size = 0;
	int r;

	if (!load_stream(set, set->pq, &bytes, &size))
		return 0;
	file = set->stream[set->pq].file;
	r = pq_decode(bytes, size, &set->disc, pq_found, set, &fault);
	if (r == -ENOMEM)
		return error_no_memory(err);
	if (r < 0)
		ddp_say(set, DDP_FAIL, file, fault.hint, "%s", fault.text);
	else if (set->n_verdicts == before)
		ddp_say(set, DDP_OK, file, NULL, "%u tracks, %zu records in order",
			set->disc.n_tracks, size / PQ_RECORD);
	return 0;
}

static int read_cdtext(struct ddp_set *set, struct mixd_error *err)
{
	_cleanup_free_ char *bytes = NULL;
	uint32_t before = set->n_verdicts;
	struct cdtext_stats stats = {0};
	size_t size = 0;
	int r;

	if (!load_stream(set, set->cdtext, &bytes, &size))
		return 0;
	r = cdtext_decode((const uint8_t *)bytes, size, &set->disc, cdtext_found, set, &stats, err);
	if (r < 0)
		return r;
	set->n_packs = stats.n_packs;
	if (set->n_verdicts == before)
		ddp_say(set, DDP_OK, set->stream[set->cdtext].file, NULL,
			"%u packs, all CRCs right", stats.n_packs);
	return 0;
}

/* What the parts say about each other. */
static void check_whole(struct ddp_set *set)
{
	const struct ddp_stream *image = set->image >= 0 ? &set->stream[set->image] : NULL;
	const struct disc *disc = &set->disc;
	char end[12];

	if (disc->n_tracks == 0)
		return;
	if (redbook_check(disc, REDBOOK_NONE, redbook_found, set) == 0) {
		disc_msf(disc->lead_out, end);
		ddp_say(set, DDP_OK, "disc", NULL, "%u tracks by the rules, %s", disc->n_tracks,
			end);
	}
	if (image && image->length != disc->lead_out)
		ddp_say(set, DDP_FAIL, image->file, "the lead-out is the end of the image",
			"it has %llu sectors, and the lead-out is at %u",
			(unsigned long long)image->length, disc->lead_out);
	if (image && image->pregap && disc->track[0].n_indexes &&
	    image->pregap != disc->track[0].index[0])
		ddp_say(set, DDP_WARN, "DDPMS", NULL,
			"says a pregap of %u sectors, and index 01 of track 1 is at %u",
			image->pregap, disc->track[0].index[0]);
	if (strcmp(set->upc, disc->upc) != 0)
		ddp_say(set, DDP_WARN, "DDPID",
			"write it to both: from DDPID alone it may not reach the disc",
			"UPC/EAN is \"%s\", and in the PQ descriptor \"%s\"", set->upc, disc->upc);
}

static int open_parts(struct ddp_set *set, struct mixd_error *err)
{
	int r = read_id(set, err);

	if (r == 0)
		r = read_map(set, err);
	if (r == 0)
		r = read_pq(set, err);
	if (r == 0)
		r = read_cdtext(set, err);
	if (r == 0)
		check_whole(set);
	return r;
}

int ddp_open(const char *folder, const char *name, struct ddp_set **ret, struct mixd_error *err)
{
	struct ddp_set *set = calloc(1, sizeof(*set));
	int r;

	if (!set)
		return error_no_memory(err);
	*set = (struct ddp_set){.image = -1, .pq = -1, .cdtext = -1};
	disc_init(&set->disc);
	set->folder = strdup(folder);
	r = set->folder ? open_parts(set, err) : error_no_memory(err);
	if (r < 0) {
		if (err)
			snprintf(err->address, sizeof(err->address), "%s", name);
		ddp_set_free(set);
		return r;
	}
	*ret = set;
	return 0;
}

/* ---- audio ---------------------------------------------------------------------------------- */

int ddp_open_image(const struct ddp_set *set, struct mixd_error *err)
{
	_cleanup_free_ char *path = NULL;
	int fd;

	if (set->image < 0 || set->stream[set->image].bytes < 0)
		return error_set(err, ERROR_NOT_FOUND, set->folder, "has no audio image");
	path = path_of(set, set->stream[set->image].file);
	if (!path)
		return error_no_memory(err);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return error_set(err, ERROR_RESOURCE, path, "cannot be read: %s", strerror(errno));
	return fd;
}

int ddp_read_frames(struct ddp_set *set, int fd, uint64_t frame, int16_t *ret, size_t n_frames,
		    struct mixd_error *err)
{
	char *bytes = (char *)ret;
	size_t size = n_frames * 4, done = 0;

	while (done < size) {
		ssize_t n = pread(fd, bytes + done, size - done, (off_t)(frame * 4 + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, ERROR_RESOURCE, set->stream[set->image].file,
					 "cannot be read: %s", strerror(errno));
		if (n == 0)
			break;
		done += (size_t)n;
	}
	memset(bytes + done, 0, size - done);
	for (size_t i = 0; i < 2 * n_frames; i++)
		ret[i] = (int16_t)le16toh((uint16_t)ret[i]);
	return 0;
}
