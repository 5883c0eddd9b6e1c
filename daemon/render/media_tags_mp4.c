/* media_tags_mp4.c - tags of M4A: the list of items in the movie's user data, made anew.
 *
 * WHAT        'moov' is taken apart as far as its 'udta'; what is in there but for 'meta' (the chapter
 *             list 'chpl') stays. When the samples stand behind 'moov' their offsets move with them.
 * SOURCE      ISO/IEC 14496-12, 8.1, 8.2, 8.7.5 (chunk offsets), 8.10 (user data); Apple "QuickTime File
 *             Format", metadata item list and "Audio Priming" (iTunSMPB). */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "media_tags_private.h"

#define MP4_ATOMS_MAX 10000u
#define MP4_MEAN "com.apple.iTunes"
enum { MP4_BINARY = 0, MP4_UTF8 = 1, MP4_JPEG = 13, MP4_PNG = 14 };

/* ---- atoms ------------------------------------------------------------------------------------- */

struct mp4_atom {
	char type[5];
	struct media_view view; /* contents */
	size_t at, head; /* of the whole, within what it was taken from */
};

/* The next atom of VIEW; false: no more, or none that makes sense. */
static bool mp4_next(struct media_view *view, struct mp4_atom *atom)
{
	size_t left = media_view_left(view);
	const uint8_t *data = view->data + view->at;
	uint64_t size;

	if (left < 8)
		return false;
	*atom = (struct mp4_atom){.at = view->at, .head = 8};
	size = media_be(data, 4);
	memcpy(atom->type, data + 4, 4);
	if (size == 1 && left >= 16) {
		size = media_be(data + 8, 8);
		atom->head = 16;
	} else if (size == 0) {
		size = left;
	}
	if (size < atom->head || size > left)
		return false;
	media_view_part(view, atom->head);
	atom->view = media_view_part(view, (size_t)size - atom->head);
	return true;
}

static bool mp4_find(struct media_view view, const char *type, struct mp4_atom *atom)
{
	for (uint32_t i = 0; i < MP4_ATOMS_MAX && mp4_next(&view, atom); i++)
		if (memcmp(atom->type, type, 4) == 0)
			return true;
	return false;
}

/* The atom at the end of PATH, "trak/mdia/minf": of each the first. */
static bool mp4_path(struct media_view view, const char *path, struct mp4_atom *atom)
{
	for (;; path += 5) {
		if (!mp4_find(view, path, atom))
			return false;
		if (!path[4])
			return true;
		view = atom->view;
	}
}

/* 'meta' has a version and flags before its atoms; in QuickTime's it has not. */
static struct media_view mp4_meta(struct media_view view)
{
	struct mp4_atom atom;

	if (!mp4_find(view, "hdlr", &atom) && view.size >= 4) {
		view.data += 4;
		view.size -= 4;
	}
	return view;
}

/* 'moov' of the file, whole with its head; owned, NULL: none. */
static uint8_t *mp4_load_moov(int fd, uint64_t *ret_at, size_t *ret_size)
{
	int64_t whole = media_fd_size(fd);
	uint64_t at = 0;

	for (uint32_t i = 0; i < MP4_ATOMS_MAX && whole > 0 && at + 8 <= (uint64_t)whole; i++) {
		uint8_t head[16] = {0};
		uint64_t size;

		if (media_fd_read(fd, at, head, at + 16 <= (uint64_t)whole ? 16 : 8) < 0)
			return NULL;
		size = media_be(head, 4);
		size = size == 1 ? media_be(head + 8, 8) : size == 0 ? (uint64_t)whole - at : size;
		if (size < 8 || size > (uint64_t)whole - at)
			return NULL;
		if (memcmp(head + 4, "moov", 4) == 0) {
			*ret_at = at;
			*ret_size = (size_t)size;
			return tags_load(fd, at, size);
		}
		at += size;
	}
	return NULL;
}

/* ---- writing ----------------------------------------------------------------------------------- */

static size_t mp4_begin(struct media_bytes *bytes, const char type[4])
{
	media_put_be(bytes, 0, 4);
	media_put(bytes, type, 4);
	return bytes->size;
}

static void mp4_end(struct media_bytes *bytes, size_t begin)
{
	media_set_be(bytes, begin - 8, bytes->size - begin + 8, 4);
}

static size_t mp4_begin_data(struct media_bytes *bytes, unsigned kind)
{
	size_t begin = mp4_begin(bytes, "data");

	media_put_be(bytes, kind, 4);
	media_put_be(bytes, 0, 4); /* any country, any language */
	return begin;
}

/* All texts of a name are values of one item. */
static void mp4_put_values(struct media_bytes *bytes, const struct media_tags *tags, uint32_t first)
{
	for (uint32_t i = first; i < tags->n_text; i++) {
		size_t data;

		if (strcasecmp(tags->text[i].name, tags->text[first].name) != 0 ||
		    !tags_is_plain(tags, &tags->text[i], false))
			continue;
		data = mp4_begin_data(bytes, MP4_UTF8);
		media_put_text(bytes, tags->text[i].value);
		mp4_end(bytes, data);
	}
}

static size_t mp4_begin_free(struct media_bytes *bytes, const char *name)
{
	size_t item = mp4_begin(bytes, "----"), part = mp4_begin(bytes, "mean");

	media_put_be(bytes, 0, 4);
	media_put_text(bytes, MP4_MEAN);
	mp4_end(bytes, part);
	part = mp4_begin(bytes, "name");
	media_put_be(bytes, 0, 4);
	media_put_text(bytes, name);
	mp4_end(bytes, part);
	return item;
}

/* What Apple has no type for. */
static void mp4_put_free(struct media_bytes *bytes, const char *name, const char *value)
{
	size_t item = mp4_begin_free(bytes, name), data = mp4_begin_data(bytes, MP4_UTF8);

	media_put_text(bytes, value);
	mp4_end(bytes, data);
	mp4_end(bytes, item);
}

static void mp4_put_number(struct media_bytes *bytes, const struct media_tags *tags,
			   const char *type, const char *name, const char *total_name)
{
	unsigned number, total;
	size_t item, data;

	tags_number(tags, name, total_name, &number, &total);
	if (!number && !total)
		return;
	item = mp4_begin(bytes, type);
	data = mp4_begin_data(bytes, MP4_BINARY);
	media_put_be(bytes, 0, 2);
	media_put_be(bytes, number, 2);
	media_put_be(bytes, total, 2);
	if (strcmp(type, "trkn") == 0)
		media_put_be(bytes, 0, 2);
	mp4_end(bytes, data);
	mp4_end(bytes, item);
}

static bool mp4_is_number(const char *name)
{
	static const char *const names[] = {"TRACKNUMBER", "TRACKTOTAL", "DISCNUMBER", "DISCTOTAL"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static void mp4_put_texts(struct media_bytes *bytes, const struct media_tags *tags)
{
	for (uint32_t i = 0; i < tags->n_text; i++) {
		const struct media_text *text = &tags->text[i];
		const struct tags_name *row = tags_name_find(text->name);
		size_t item;

		if (!tags_is_first(tags, i) || mp4_is_number(text->name))
			continue;
		item = row && row->mp4 ? mp4_begin(bytes, row->mp4)
				       : mp4_begin_free(bytes, text->name);
		mp4_put_values(bytes, tags, i);
		mp4_end(bytes, item);
	}
	mp4_put_number(bytes, tags, "trkn", "TRACKNUMBER", "TRACKTOTAL");
	mp4_put_number(bytes, tags, "disk", "DISCNUMBER", "DISCTOTAL");
}

static void mp4_put_picture(struct media_bytes *bytes, const struct media_tags *tags)
{
	const char *type =
		tags->picture ? tags_picture_type(tags->picture, tags->picture_bytes, NULL) : NULL;
	size_t item, data;

	if (!type)
		return;
	item = mp4_begin(bytes, "covr");
	data = mp4_begin_data(bytes, strcmp(type, "image/png") == 0 ? MP4_PNG : MP4_JPEG);
	media_put(bytes, tags->picture, tags->picture_bytes);
	mp4_end(bytes, data);
	mp4_end(bytes, item);
}

/* The encoder's delay and what pads its last frame, for players that know no edit list: of MOOV. */
static void mp4_put_gapless(struct media_bytes *bytes, struct media_view moov, int64_t n_frames)
{
	struct mp4_atom elst, stts;
	uint64_t delay, samples = 0, n;
	char text[200];

	if (!mp4_path(moov, "trak/edts/elst", &elst) || elst.view.size < 20 ||
	    !mp4_path(moov, "trak/mdia/minf/stbl/stts", &stts) || n_frames <= 0)
		return;
	/* the only entry: duration, media time, rate; in version 1 the first two are 64 bits */
	delay = elst.view.data[0] ? (elst.view.size >= 24 ? media_be(elst.view.data + 16, 8) : 0)
				  : media_be(elst.view.data + 12, 4);
	media_view_part(&stts.view, 4);
	n = media_view_be(&stts.view, 4);
	for (uint64_t i = 0; i < n && media_view_left(&stts.view) >= 8; i++) {
		samples += media_view_be(&stts.view, 4);
		media_view_be(&stts.view, 4);
	}
	if (delay > 65535 || samples * 1024 < delay + (uint64_t)n_frames)
		return;
	snprintf(
		text, sizeof(text),
		" 00000000 %08X %08X %016llX 00000000 00000000 00000000 00000000 00000000 00000000 "
		"00000000 00000000",
		(unsigned)delay, (unsigned)(samples * 1024 - delay - (uint64_t)n_frames),
		(unsigned long long)n_frames);
	mp4_put_free(bytes, "iTunSMPB", text);
}

static void mp4_put_meta(struct media_bytes *bytes, const struct media_info *info,
			 const struct media_tags *tags, struct media_view moov)
{
	struct tags_pair pairs[TAGS_PAIRS_MAX];
	uint32_t n_gains = tags_gains(tags, false, pairs);
	size_t meta = mp4_begin(bytes, "meta"), part;
	char text[128];

	media_put_be(bytes, 0, 4); /* version, flags */
	part = mp4_begin(bytes, "hdlr");
	media_put_zeros(bytes, 8);
	media_put_text(bytes, "mdirappl");
	media_put_zeros(bytes, 9);
	mp4_end(bytes, part);
	part = mp4_begin(bytes, "ilst");
	mp4_put_texts(bytes, tags);
	for (uint32_t i = 0; i < n_gains; i++) {
		char name[sizeof(pairs[i].name)];

		/* small letters, as players look for them */
		for (size_t k = 0; k < sizeof(name); k++)
			name[k] = (char)tolower((uint8_t)pairs[i].name[k]);
		mp4_put_free(bytes, name, pairs[i].value);
	}
	if (tags_sound_check(tags, text, sizeof(text)))
		mp4_put_free(bytes, "iTunNORM", text);
	if (strcmp(info->codec, "aac") == 0)
		mp4_put_gapless(bytes, moov, info->n_frames);
	mp4_put_picture(bytes, tags);
	mp4_end(bytes, part);
	mp4_end(bytes, meta);
}

/* 'moov' with 'udta' as TAGS want it. */
static void mp4_put_moov(struct media_bytes *bytes, const struct media_info *info,
			 const struct media_tags *tags, struct media_view moov)
{
	struct media_view rest = moov;
	struct mp4_atom atom, inner;
	size_t begin = mp4_begin(bytes, "moov"), udta;

	while (mp4_next(&rest, &atom))
		if (memcmp(atom.type, "udta", 4) != 0)
			media_put(bytes, moov.data + atom.at, atom.head + atom.view.size);
	udta = mp4_begin(bytes, "udta");
	rest = moov;
	while (mp4_next(&rest, &atom)) {
		struct media_view users = atom.view;

		if (memcmp(atom.type, "udta", 4) != 0)
			continue;
		while (mp4_next(&users, &inner))
			if (memcmp(inner.type, "meta", 4) != 0)
				media_put(bytes, atom.view.data + inner.at,
					  inner.head + inner.view.size);
	}
	mp4_put_meta(bytes, info, tags, moov);
	mp4_end(bytes, udta);
	mp4_end(bytes, begin);
}

/* One table of chunk offsets within BYTES: those from FROM on move by DELTA. */
static int mp4_move_table(struct media_bytes *bytes, const struct mp4_atom *atom, uint64_t from,
			  int64_t delta)
{
	unsigned size = atom->type[0] == 'c' ? 8 : 4;
	size_t at = (size_t)(atom->view.data - bytes->data);
	uint64_t n = atom->view.size >= 8 ? media_be(atom->view.data + 4, 4) : 0;

	if (n > (atom->view.size - (n ? 8 : 0)) / size)
		return -EINVAL;
	for (uint64_t i = 0; i < n; i++) {
		size_t entry = at + 8 + (size_t)i * size;
		uint64_t offset = media_be(bytes->data + entry, size);

		if (offset < from)
			continue;
		offset += (uint64_t)delta;
		if (size == 4 && offset > UINT32_MAX)
			return -EFBIG;
		media_set_be(bytes, entry, offset, size);
	}
	return 0;
}

static int mp4_move_offsets(struct media_bytes *bytes, uint64_t from, int64_t delta)
{
	struct media_view moov = media_view(bytes->data + 8, bytes->size - 8);
	struct mp4_atom trak, stbl, table;
	int r = 0;

	while (r == 0 && mp4_next(&moov, &trak)) {
		if (memcmp(trak.type, "trak", 4) != 0 ||
		    !mp4_path(trak.view, "mdia/minf/stbl", &stbl))
			continue;
		if (mp4_find(stbl.view, "stco", &table) || mp4_find(stbl.view, "co64", &table))
			r = mp4_move_table(bytes, &table, from, delta);
	}
	return r;
}

int tags_write_mp4(int fd, const struct media_info *info, const struct media_tags *tags)
{
	struct media_bytes bytes = {0};
	uint64_t at = 0;
	size_t size = 0;
	_cleanup_free_ uint8_t *moov = mp4_load_moov(fd, &at, &size);
	int r = moov ? 0 : -EINVAL;

	if (r == 0) {
		size_t head = media_be(moov, 4) == 1 ? 16 : 8;

		mp4_put_moov(&bytes, info, tags, media_view(moov + head, size - head));
		r = bytes.is_failed ? -ENOMEM : 0;
	}
	if (r == 0)
		r = mp4_move_offsets(&bytes, at + size, (int64_t)bytes.size - (int64_t)size);
	if (r == 0)
		r = media_fd_replace(fd, at, at + size, bytes.data, bytes.size);
	media_bytes_done(&bytes);
	return r;
}

/* ---- reading ----------------------------------------------------------------------------------- */

static void mp4_take_number(struct tags_source *source, struct media_view value, const char *name,
			    const char *total_name)
{
	char text[8];
	unsigned number, total;

	media_view_part(&value, 2);
	number = (unsigned)media_view_be(&value, 2);
	total = (unsigned)media_view_be(&value, 2);
	snprintf(text, sizeof(text), "%u", number);
	if (number)
		tags_take(source, name, text);
	snprintf(text, sizeof(text), "%u", total);
	if (total)
		tags_take(source, total_name, text);
}

static void mp4_take_value(struct tags_source *source, const char *type, const char *free_name,
			   struct media_view value)
{
	const char *name =
		free_name ? free_name : tags_name_from(offsetof(struct tags_name, mp4), type);

	if (strcmp(type, "trkn") == 0)
		mp4_take_number(source, value, "TRACKNUMBER", "TRACKTOTAL");
	else if (strcmp(type, "disk") == 0)
		mp4_take_number(source, value, "DISCNUMBER", "DISCTOTAL");
	else if (strcmp(type, "covr") == 0)
		tags_take_picture(source, value.data, value.size);
	else if (name)
		tags_take_bytes(source, name, value.data, value.size, MEDIA_UTF8);
}

static void mp4_take_item(struct tags_source *source, const struct mp4_atom *item)
{
	_cleanup_free_ char *name = NULL;
	struct media_view rest = item->view;
	struct mp4_atom part;

	if (memcmp(item->type, "----", 4) == 0) {
		if (!mp4_find(item->view, "name", &part) || part.view.size < 4)
			return;
		name = media_text_from(part.view.data + 4, part.view.size - 4, MEDIA_UTF8);
		if (!name)
			return;
	}
	for (uint32_t i = 0; i < 100 && mp4_next(&rest, &part); i++) {
		if (memcmp(part.type, "data", 4) != 0 || part.view.size < 8)
			continue;
		mp4_take_value(source, item->type, name,
			       media_view(part.view.data + 8, part.view.size - 8));
	}
}

/* Nero's list of chapters: times in units of 100 ns. */
static void mp4_read_chapters(struct tags_source *source, struct media_view view)
{
	bool has_reserved = media_view_be(&view, 1) != 0;
	uint32_t n;

	media_view_part(&view, 3);
	n = has_reserved ? (uint32_t)media_view_be(&view, 4) : 0;
	n = (uint32_t)media_view_be(&view, 1);
	for (uint32_t i = 0; i < n && media_view_left(&view) >= 9; i++) {
		double seconds = (double)media_view_be(&view, 8) / 1e7;
		struct media_view text = media_view_part(&view, (size_t)media_view_be(&view, 1));
		_cleanup_free_ char *name = media_text_from(text.data, text.size, MEDIA_UTF8);

		tags_take_mark(source, tags_frames_of(source, seconds), 0, name);
	}
}

/* iTunSMPB: what is played, in its fourth word. */
static int64_t mp4_gapless_frames(struct media_view moov)
{
	struct mp4_atom udta, meta, ilst, item, part;

	if (!mp4_find(moov, "udta", &udta) || !mp4_find(udta.view, "meta", &meta) ||
	    !mp4_find(mp4_meta(meta.view), "ilst", &ilst))
		return -1;
	for (uint32_t i = 0; i < TAGS_TEXTS_MAX && mp4_next(&ilst.view, &item); i++) {
		unsigned long long frames = 0;
		char text[80] = {0};

		if (!mp4_find(item.view, "name", &part) || part.view.size != 12 ||
		    memcmp(part.view.data + 4, "iTunSMPB", 8) != 0 ||
		    !mp4_find(item.view, "data", &part) || part.view.size < 9)
			continue;
		memcpy(text, part.view.data + 8,
		       part.view.size - 8 < sizeof(text) ? part.view.size - 8 : sizeof(text) - 1);
		if (sscanf(text, " %*8x %*8x %*8x %16llx", &frames) == 1 && frames > 0 &&
		    frames < (1ull << 48))
			return (int64_t)frames;
	}
	return -1;
}

/* The one edit of TRAK: what it leaves of DURATION, in the media's time scale. */
static uint64_t mp4_edited(struct media_view moov, struct media_view trak, uint64_t duration,
			   uint64_t scale)
{
	struct mp4_atom elst, mvhd;
	uint64_t length, begin, movie_scale;
	bool is_wide;

	if (!mp4_path(trak, "edts/elst", &elst) || elst.view.size < 20 ||
	    media_be(elst.view.data + 4, 4) != 1 || !mp4_find(moov, "mvhd", &mvhd) ||
	    mvhd.view.size < 32)
		return duration;
	is_wide = elst.view.data[0] == 1;
	if (is_wide && elst.view.size < 28)
		return duration;
	length = media_be(elst.view.data + 8, is_wide ? 8 : 4);
	begin = media_be(elst.view.data + (is_wide ? 16 : 12), is_wide ? 8 : 4);
	movie_scale = media_be(mvhd.view.data + (mvhd.view.data[0] ? 20 : 12), 4);
	if (begin > duration)
		return duration;
	duration -= begin;
	/* lengths of edits count in a scale that is often too coarse to be taken at its word */
	return movie_scale == scale && length && length < duration ? length : duration;
}

int64_t tags_mp4_frames(int fd, double rate)
{
	uint64_t at = 0, duration, scale;
	size_t size = 0;
	_cleanup_free_ uint8_t *data = mp4_load_moov(fd, &at, &size);
	struct media_view moov = media_view(data ? data + 8 : NULL, data ? size - 8 : 0),
			  rest = moov;
	int64_t frames = mp4_gapless_frames(moov);
	struct mp4_atom trak, part;
	bool is_wide;

	for (uint32_t i = 0; i < MP4_ATOMS_MAX && frames < 0 && mp4_next(&rest, &trak); i++) {
		if (memcmp(trak.type, "trak", 4) != 0 || !mp4_path(trak.view, "mdia/hdlr", &part) ||
		    part.view.size < 12 || memcmp(part.view.data + 8, "soun", 4) != 0)
			continue;
		if (!mp4_path(trak.view, "mdia/mdhd", &part) || part.view.size < 20)
			return -1;
		is_wide = part.view.data[0] == 1;
		if (is_wide && part.view.size < 32)
			return -1;
		scale = media_be(part.view.data + (is_wide ? 20 : 12), 4);
		duration = media_be(part.view.data + (is_wide ? 24 : 16), is_wide ? 8 : 4);
		duration = mp4_edited(moov, trak.view, duration, scale);
		if (!scale || !duration || duration > UINT64_C(1) << 48)
			return -1;
		frames = (int64_t)((double)duration * rate / (double)scale + 0.5);
	}
	return frames;
}

void tags_read_mp4(struct tags_source *source, int fd)
{
	uint64_t at = 0;
	size_t size = 0;
	_cleanup_free_ uint8_t *moov = mp4_load_moov(fd, &at, &size);
	struct media_view view = media_view(moov ? moov + 8 : NULL, moov ? size - 8 : 0), rest;
	struct mp4_atom udta, meta, ilst, item;

	if (!mp4_find(view, "udta", &udta))
		return;
	if (mp4_find(udta.view, "chpl", &item))
		mp4_read_chapters(source, item.view);
	if (!mp4_find(udta.view, "meta", &meta) || !mp4_find(mp4_meta(meta.view), "ilst", &ilst))
		return;
	rest = ilst.view;
	for (uint32_t i = 0; i < TAGS_TEXTS_MAX && mp4_next(&rest, &item); i++)
		mp4_take_item(source, &item);
}
