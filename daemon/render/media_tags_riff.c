/* media_tags_riff.c - tags of WAV and RF64: bext, iXML, cue and its labels, LIST INFO, id3.
 *
 * WHAT        The chunks are made twice: before the samples, and again at the end, when loudness is
 *             known. A chunk of the same size is overwritten where it stands. Another one becomes JUNK,
 *             and the new one follows the samples.
 * SOURCE      Microsoft "Multimedia Programming Interface and Data Specifications 1.0", chapter 3
 *             (cue-ck, playlist, assoc-data-list, INFO); EBU Tech 3285; EBU Tech 3306 (RF64). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "media_tags_private.h"

#define RIFF_CHUNKS_MAX 6u

struct riff_chunk {
	char id[5];
	struct media_bytes bytes;
	bool is_placed;
};
struct riff_chunks {
	struct riff_chunk chunk[RIFF_CHUNKS_MAX];
	uint32_t n;
};

static void riff_done(struct riff_chunks *chunks)
{
	for (uint32_t i = 0; i < chunks->n; i++)
		media_bytes_done(&chunks->chunk[i].bytes);
}

/* ---- what is to be there ----------------------------------------------------------------------- */

/* libsndfile makes chunks a multiple of 4 bytes long: so do we, or they would not fit afterwards. */
static void riff_pad(struct media_bytes *bytes)
{
	media_put_zeros(bytes, (4 - bytes->size % 4) % 4);
}

static size_t riff_begin(struct media_bytes *bytes, const char id[4])
{
	media_put(bytes, id, 4);
	media_put_le(bytes, 0, 4);
	return bytes->size;
}

/* Readers count on labels that end with their NUL. */
static void riff_end(struct media_bytes *bytes, size_t begin)
{
	media_set_le(bytes, begin - 4, bytes->size - begin, 4);
	media_put_zeros(bytes, bytes->size % 2);
}

/* A list is padded within the last of its parts, which begins at LAST. */
static void riff_end_list(struct media_bytes *bytes, size_t last)
{
	if (bytes->size % 4 == 0)
		return;
	riff_pad(bytes);
	media_set_le(bytes, last - 4, bytes->size - last, 4);
}

static bool riff_has_info(const char *name)
{
	const struct tags_name *row = tags_name_find(name);

	return row && row->riff;
}

static void riff_put_info(struct media_bytes *bytes, const struct media_tags *tags)
{
	size_t begin = 0;

	media_put_text(bytes, "INFO");
	for (uint32_t i = 0; i < tags->n_text; i++) {
		const struct media_text *text = &tags->text[i];

		if (!riff_has_info(text->name) || !tags_is_first(tags, i))
			continue;
		begin = riff_begin(bytes, tags_name_find(text->name)->riff);
		tags_put_joined(bytes, tags, i);
		media_put_zeros(bytes, 1);
		riff_end(bytes, begin);
	}
	if (begin)
		riff_end_list(bytes, begin);
}

static bool riff_is_mark(const struct media_mark *mark)
{
	return mark->frame >= 0 && mark->frame <= UINT32_MAX;
}

static void riff_put_cues(struct media_bytes *bytes, const struct media_tags *tags)
{
	uint32_t n = 0;

	media_put_le(bytes, 0, 4);
	for (uint32_t i = 0; i < tags->n_marks; i++) {
		const struct media_mark *mark = &tags->mark[i];

		if (!riff_is_mark(mark))
			continue;
		media_put_le(bytes, ++n, 4);
		media_put_le(bytes, (uint64_t)mark->frame, 4); /* in the order of playing */
		media_put_text(bytes, "data");
		media_put_le(bytes, 0, 8); /* where chunk and block begin */
		media_put_le(bytes, (uint64_t)mark->frame, 4);
	}
	media_set_le(bytes, 0, n, 4);
}

static void riff_put_labels(struct media_bytes *bytes, const struct media_tags *tags)
{
	size_t begin = 0;
	uint32_t n = 0;

	/* some readers stop at the first part that is no label: lengths come after all names */
	media_put_text(bytes, "adtl");
	for (uint32_t i = 0; i < tags->n_marks; i++) {
		const struct media_mark *mark = &tags->mark[i];

		n += riff_is_mark(mark);
		if (!riff_is_mark(mark) || !mark->name || !mark->name[0])
			continue;
		begin = riff_begin(bytes, "labl");
		media_put_le(bytes, n, 4);
		media_put_text(bytes, mark->name);
		media_put_zeros(bytes, 1);
		riff_end(bytes, begin);
	}
	n = 0;
	for (uint32_t i = 0; i < tags->n_marks; i++) {
		const struct media_mark *mark = &tags->mark[i];

		n += riff_is_mark(mark);
		if (!riff_is_mark(mark) || mark->length <= 0 || mark->length > UINT32_MAX)
			continue;
		begin = riff_begin(bytes, "ltxt");
		media_put_le(bytes, n, 4);
		media_put_le(bytes, (uint64_t)mark->length, 4);
		media_put_text(bytes, "rgn ");
		media_put_zeros(bytes, 6); /* country, language, dialect */
		media_put_le(bytes, 65001, 2); /* UTF-8 */
		riff_end(bytes, begin);
	}
	if (begin)
		riff_end_list(bytes, begin);
}

/* Texts that LIST INFO has no place for, and a picture, go into an ID3 tag. */
static bool riff_needs_id3(const struct media_tags *tags)
{
	struct tags_pair pairs[TAGS_PAIRS_MAX];

	if (tags->picture || tags_gains(tags, false, pairs))
		return true;
	for (uint32_t i = 0; i < tags->n_text; i++)
		if (tags_is_plain(tags, &tags->text[i], false) &&
		    !riff_has_info(tags->text[i].name))
			return true;
	return false;
}

static struct media_bytes *riff_add(struct riff_chunks *chunks, const char *id)
{
	struct riff_chunk *chunk = &chunks->chunk[chunks->n++];

	memcpy(chunk->id, id, 4);
	return &chunk->bytes;
}

static int riff_make(struct riff_chunks *chunks, const struct media_info *info,
		     const struct media_tags *tags)
{
	struct media_bytes *bytes;

	if (tags->bext.is_set)
		tags_put_bext(riff_add(chunks, "bext"), tags, info);
	if (tags->ixml) {
		_cleanup_free_ char *made = *tags->ixml ? NULL : media_tags_make_ixml(tags, info);

		bytes = riff_add(chunks, "iXML");
		if (!*tags->ixml && !made)
			return -ENOMEM;
		media_put_text(bytes, made ? made : tags->ixml);
		while (bytes->size % 4 && !bytes->is_failed)
			media_put_text(bytes, "\n");
	}
	if (tags->n_marks) {
		riff_put_cues(riff_add(chunks, "cue "), tags);
		bytes = riff_add(chunks, "LIST");
		riff_put_labels(bytes, tags);
	}
	bytes = riff_add(chunks, "LIST");
	riff_put_info(bytes, tags);
	if (bytes->size == 4) {
		media_bytes_done(bytes);
		chunks->n--;
	}
	if (riff_needs_id3(tags))
		tags_put_id3(riff_add(chunks, "id3 "), tags, info, false);
	for (uint32_t i = 0; i < chunks->n; i++) {
		riff_pad(&chunks->chunk[i].bytes);
		if (chunks->chunk[i].bytes.is_failed)
			return -ENOMEM;
	}
	return 0;
}

int media_tags_write_before(SNDFILE *file, const struct media_info *info,
			    const struct media_tags *tags, struct mixd_error *err)
{
	struct riff_chunks chunks = {0};
	int r;

	if (strcmp(info->container, "wav") != 0 && strcmp(info->container, "rf64") != 0)
		return 0;
	r = riff_make(&chunks, info, tags);
	for (uint32_t i = 0; i < chunks.n && r == 0; i++) {
		SF_CHUNK_INFO set = {.id_size = 4,
				     .datalen = (unsigned)chunks.chunk[i].bytes.size,
				     .data = chunks.chunk[i].bytes.data};

		memcpy(set.id, chunks.chunk[i].id, 4);
		if (sf_set_chunk(file, &set) != SF_ERR_NO_ERROR)
			r = -ENOMEM;
	}
	riff_done(&chunks);
	return r < 0 ? error_no_memory(err) : 0;
}

/* ---- putting it into the file ------------------------------------------------------------------ */

/* The kind of chunk it is: "INFO" and "adtl" are two, though both are a LIST. */
static const char *riff_kind(const struct tags_chunk *chunk, const uint8_t type[4])
{
	static const char *const plain[] = {"bext", "iXML", "cue ", "id3 "};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (strncasecmp(chunk->id, plain[i], 4) == 0)
			return plain[i];
	if (memcmp(chunk->id, "LIST", 4) != 0)
		return NULL;
	return memcmp(type, "INFO", 4) == 0 ? "INFO" : memcmp(type, "adtl", 4) == 0 ? "adtl" : NULL;
}

static struct riff_chunk *riff_wanted(struct riff_chunks *chunks, const char *kind)
{
	for (uint32_t i = 0; i < chunks->n; i++) {
		struct riff_chunk *chunk = &chunks->chunk[i];
		const void *id = memcmp(chunk->id, "LIST", 4) == 0 ? (const void *)chunk->bytes.data
								   : chunk->id;

		if (!chunk->is_placed && memcmp(id, kind, 4) == 0)
			return chunk;
	}
	return NULL;
}

/* One chunk that is there: written anew, made JUNK, or left alone. */
static int riff_replace(int fd, const struct tags_chunk *chunk, struct riff_chunks *chunks)
{
	struct riff_chunk *wanted;
	uint8_t type[4] = {0};
	const char *kind;

	if (chunk->size >= 4 && media_fd_read(fd, chunk->at, type, 4) < 0)
		return -EIO;
	kind = riff_kind(chunk, type);
	if (!kind)
		return 0;
	wanted = riff_wanted(chunks, kind);
	if (!wanted || wanted->bytes.size != chunk->size)
		return media_fd_write(fd, chunk->at - 8, "JUNK", 4);
	wanted->is_placed = true;
	return media_fd_write(fd, chunk->at, wanted->bytes.data, wanted->bytes.size);
}

/* What is not placed yet, as it stands at the end of a file whose chunks end AT. */
static void riff_put_rest(struct media_bytes *bytes, uint64_t at, int64_t size,
			  const struct riff_chunks *chunks)
{
	/* an encoder that ended on an odd byte */
	if ((uint64_t)size < at)
		media_put_zeros(bytes, (size_t)(at - (uint64_t)size));
	for (uint32_t i = 0; i < chunks->n; i++) {
		const struct riff_chunk *chunk = &chunks->chunk[i];

		if (chunk->is_placed)
			continue;
		media_put(bytes, chunk->id, 4);
		media_put_le(bytes, chunk->bytes.size, 4);
		media_put(bytes, chunk->bytes.data, chunk->bytes.size);
	}
}

/* With its tags the file is longer than a RIFF can be: it becomes an RF64 (EBU Tech 3306). 'ds64' takes
 * the place of its JUNK, or, when that is too short, all moves by a few bytes. */
static int riff_widen(int fd, const struct media_info *info)
{
	struct tags_chunk chunk = {0}, junk = {0};
	struct media_bytes bytes = {0};
	uint64_t at = 12, end;
	uint8_t head[4];
	int r;

	if (!tags_next_chunk(fd, TAGS_RIFF, &at, &junk) || memcmp(junk.id, "JUNK", 4) != 0) {
		junk.size = 0;
		at = 12;
	}
	end = at;
	while (memcmp(chunk.id, "data", 4) != 0)
		if (!tags_next_chunk(fd, TAGS_RIFF, &at, &chunk))
			return -EINVAL;
	media_put_text(&bytes, "ds64");
	media_put_le(&bytes, junk.size > 28 ? junk.size : 28, 4);
	media_put_le(&bytes, 0, 8); /* of all: riff_set_size() */
	media_put_le(&bytes, chunk.size, 8);
	media_put_le(&bytes, info->n_frames > 0 ? (uint64_t)info->n_frames : 0, 8);
	media_put_le(&bytes, 0, 4); /* no table */
	if (junk.size > 28)
		media_put_zeros(&bytes, (size_t)junk.size + junk.size % 2 - 28);
	memset(head, 0xff, sizeof(head));
	r = bytes.is_failed ? -ENOMEM : media_fd_write(fd, chunk.at - 4, head, 4);
	if (r == 0)
		r = media_fd_replace(fd, 12, end, bytes.data, bytes.size);
	if (r == 0)
		r = media_fd_write(fd, 0, "RF64\xff\xff\xff\xff", 8);
	media_bytes_done(&bytes);
	return r;
}

static int riff_append(int fd, uint64_t at, const struct riff_chunks *chunks,
		       const struct media_info *info)
{
	struct media_bytes bytes = {0};
	int64_t size = media_fd_size(fd);
	uint8_t head[4];
	int r = size < 0 ? (int)size : media_fd_read(fd, 0, head, 4);

	if (r < 0)
		return r;
	riff_put_rest(&bytes, at, size, chunks);
	r = bytes.is_failed ? -ENOMEM : 0;
	if (r == 0 && memcmp(head, "RIFF", 4) == 0 &&
	    (uint64_t)size + bytes.size - 8 >= UINT32_MAX) {
		r = riff_widen(fd, info);
		size = media_fd_size(fd);
	}
	if (r == 0)
		r = media_fd_write(fd, (uint64_t)size, bytes.data, bytes.size);
	media_bytes_done(&bytes);
	return r;
}

static int riff_set_size(int fd)
{
	struct media_bytes bytes = {0};
	int64_t size = media_fd_size(fd);
	uint8_t head[16];
	bool is_rf64;
	int r = media_fd_read(fd, 0, head, sizeof(head));

	if (r < 0 || size < 8)
		return r < 0 ? r : -EIO;
	is_rf64 = memcmp(head, "RIFF", 4) != 0;
	if (!is_rf64 && size - 8 >= UINT32_MAX)
		return -EFBIG;
	media_put_le(&bytes, (uint64_t)size - 8, is_rf64 ? 8 : 4);
	r = bytes.is_failed ? -ENOMEM
			    : media_fd_write(fd, is_rf64 ? 20 : 4, bytes.data, bytes.size);
	media_bytes_done(&bytes);
	return r;
}

int tags_write_riff(int fd, const struct media_info *info, const struct media_tags *tags)
{
	struct riff_chunks chunks = {0};
	struct tags_chunk chunk;
	uint64_t at = 12;
	int r = riff_make(&chunks, info, tags);

	while (r == 0 && tags_next_chunk(fd, TAGS_RIFF, &at, &chunk))
		r = riff_replace(fd, &chunk, &chunks);
	if (r == 0)
		r = riff_append(fd, at, &chunks, info);
	if (r == 0)
		r = riff_set_size(fd);
	riff_done(&chunks);
	return r;
}

/* ---- reading ----------------------------------------------------------------------------------- */

static void riff_read_info(struct tags_source *source, struct media_view view)
{
	while (media_view_left(&view) >= 8) {
		struct media_view id = media_view_part(&view, 4);
		size_t size = (size_t)media_view_le(&view, 4);
		struct media_view part = media_view_part(&view, size);
		char word[5] = {0};
		const char *name;

		memcpy(word, id.data, 4);
		name = tags_name_from(offsetof(struct tags_name, riff), word);
		if (name)
			tags_take_bytes(source, name, part.data, part.size, MEDIA_UTF8);
		if (size % 2)
			media_view_part(&view, 1);
	}
}

/* What LIST adtl says of a cue: a name, or a length. */
struct riff_label {
	uint32_t id, order;
	bool is_name;
	struct media_view text;
	uint32_t length;
};

static int riff_label_order(const void *a, const void *b)
{
	const struct riff_label *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Owned; sorted by id. */
static struct riff_label *riff_labels(struct media_view view, uint32_t *ret_n)
{
	struct riff_label *labels = calloc(2 * TAGS_MARKS_MAX, sizeof(*labels));
	uint32_t n = 0;

	while (labels && n < 2 * TAGS_MARKS_MAX && media_view_left(&view) >= 12) {
		struct media_view type = media_view_part(&view, 4);
		size_t size = (size_t)media_view_le(&view, 4);
		struct media_view part = media_view_part(&view, size);
		struct riff_label label = {.id = (uint32_t)media_view_le(&part, 4), .order = n};

		label.is_name = memcmp(type.data, "labl", 4) == 0;
		label.text = media_view_part(&part, media_view_left(&part));
		if (!label.is_name && label.text.size >= 4)
			label.length = (uint32_t)media_le(label.text.data, 4);
		if (label.is_name || memcmp(type.data, "ltxt", 4) == 0)
			labels[n++] = label;
		if (size % 2)
			media_view_part(&view, 1);
	}
	if (labels)
		qsort(labels, n, sizeof(*labels), riff_label_order);
	*ret_n = n;
	return labels;
}

/* The first label of ID among N sorted ones; N: none. */
static uint32_t riff_label_find(const struct riff_label *labels, uint32_t n, uint32_t id)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (labels[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void riff_read_cues(struct tags_source *source, struct media_view cues,
			   struct media_view adtl)
{
	uint32_t n = (uint32_t)media_view_le(&cues, 4), n_labels;
	_cleanup_free_ struct riff_label *labels = riff_labels(adtl, &n_labels);

	source->is_failed |= !labels;
	for (uint32_t i = 0; labels && i < n && media_view_left(&cues) >= 24; i++) {
		struct media_view cue = media_view_part(&cues, 24);
		uint32_t id = (uint32_t)media_view_le(&cue, 4);
		_cleanup_free_ char *name = NULL;
		int64_t length = 0;

		for (uint32_t k = riff_label_find(labels, n_labels, id);
		     k < n_labels && labels[k].id == id; k++) {
			if (labels[k].is_name && !name)
				name = media_text_from(labels[k].text.data, labels[k].text.size,
						       MEDIA_UTF8);
			if (!labels[k].is_name)
				length = labels[k].length;
		}
		cue.at = 20;
		tags_take_mark(source, (int64_t)media_view_le(&cue, 4), length, name);
	}
}

/* The chunks of the file that we know, by kind; the first of each. */
enum { RIFF_BEXT, RIFF_IXML, RIFF_ID3, RIFF_INFO, RIFF_CUE, RIFF_ADTL, RIFF_KINDS };
static const char *const riff_kinds[RIFF_KINDS] = {"bext", "iXML", "id3 ", "INFO", "cue ", "adtl"};

static void riff_find(int fd, struct tags_chunk found[RIFF_KINDS])
{
	struct tags_chunk chunk;
	uint64_t at = 12;

	for (uint32_t i = 0; i < 10000 && tags_next_chunk(fd, TAGS_RIFF, &at, &chunk); i++) {
		uint8_t type[4] = {0};
		const char *kind;

		if (chunk.size >= 4 && media_fd_read(fd, chunk.at, type, 4) < 0)
			return;
		kind = riff_kind(&chunk, type);
		for (uint32_t k = 0; kind && k < RIFF_KINDS; k++)
			if (strcmp(riff_kinds[k], kind) == 0 && !found[k].at && chunk.size >= 4)
				found[k] = chunk;
	}
}

void tags_read_riff(struct tags_source *source, int fd)
{
	struct tags_chunk found[RIFF_KINDS] = {0};
	uint8_t *data[RIFF_KINDS] = {NULL};
	struct media_view view[RIFF_KINDS];
	struct tags_source from;

	riff_find(fd, found);
	for (uint32_t k = 0; k < RIFF_KINDS; k++) {
		data[k] = found[k].at ? tags_load(fd, found[k].at, found[k].size) : NULL;
		view[k] = media_view(data[k], data[k] ? found[k].size : 0);
	}
	if (data[RIFF_BEXT])
		tags_read_bext(source, data[RIFF_BEXT], view[RIFF_BEXT].size);
	if (data[RIFF_IXML] && !source->tags->ixml)
		source->tags->ixml =
			media_text_from(data[RIFF_IXML], view[RIFF_IXML].size, MEDIA_UTF8);
	media_view_part(&view[RIFF_ADTL], 4);
	view[RIFF_ADTL] = media_view_part(&view[RIFF_ADTL], SIZE_MAX / 2);
	if (data[RIFF_CUE])
		riff_read_cues(source, view[RIFF_CUE], view[RIFF_ADTL]);
	/* of the two lists of texts the one that can say more comes first */
	from = tags_source(source->tags, source->rate);
	tags_read_id3(&from, data[RIFF_ID3], view[RIFF_ID3].size);
	source->is_failed |= from.is_failed;
	from = tags_source(source->tags, source->rate);
	media_view_part(&view[RIFF_INFO], 4);
	riff_read_info(&from, media_view_part(&view[RIFF_INFO], SIZE_MAX / 2));
	source->is_failed |= from.is_failed;
	for (uint32_t k = 0; k < RIFF_KINDS; k++)
		free(data[k]);
}
