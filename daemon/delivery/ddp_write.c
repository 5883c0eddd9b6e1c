/* ddp_write.c - write a DDP 2.00 set; see ddp.h.
 *
 * SOURCE      spec/ddp2.md of the ddp-reverse-eng project: fields, offsets, the order of streams
 *             (CD-Text, PQ, audio) and the checksum files, found by experiments with public tools. */
#include "ddp.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cdtext.h"
#include "cleanup.h"
#include "ddp_sum.h"
#include "media_write.h"
#include "pq.h"

#define RECORD 128u
#define BUFFER_BYTES (64u * DISC_SECTOR_BYTES)
#define SUMS_MAX 5u

DEFINE_CLEANUP(media_file_free, struct media_file *)

struct ddp_writer {
	char *folder;
	struct media_file *image;
	struct ddp_sum sum; /* of the image */
	uint8_t buffer[BUFFER_BYTES];
	size_t n_buffer;
	char md5_text[SUMS_MAX * 64], crc_text[SUMS_MAX * 48];
};

struct ddp_writer *ddp_writer_free(struct ddp_writer *writer)
{
	if (!writer)
		return NULL;
	media_file_free(writer->image);
	free(writer->folder);
	free(writer);
	return NULL;
}

static int file_create(const struct ddp_writer *writer, const char *name, struct media_file **ret,
		       struct mixd_error *err)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", writer->folder, name) < 0)
		return error_no_memory(err);
	return media_file_create(path, ret, err);
}

int ddp_create(const char *folder, struct ddp_writer **ret, struct mixd_error *err)
{
	struct ddp_writer *writer = calloc(1, sizeof(*writer));
	int r;

	if (!writer)
		return error_no_memory(err);
	writer->folder = strdup(folder);
	r = writer->folder ? file_create(writer, "IMAGE.DAT", &writer->image, err)
			   : error_no_memory(err);
	if (r < 0) {
		ddp_writer_free(writer);
		return r;
	}
	ddp_sum_init(&writer->sum);
	*ret = writer;
	return 0;
}

static int image_flush(struct ddp_writer *writer, struct mixd_error *err)
{
	int r = media_file_write(writer->image, writer->buffer, writer->n_buffer, err);

	ddp_sum_add(&writer->sum, writer->buffer, writer->n_buffer);
	writer->n_buffer = 0;
	return r;
}

int ddp_write(struct ddp_writer *writer, const int16_t *frames, size_t n_frames,
	      struct mixd_error *err)
{
	size_t n = 2 * n_frames;

	while (n > 0) {
		size_t part = (BUFFER_BYTES - writer->n_buffer) / 2;

		part = part < n ? part : n;
		for (size_t i = 0; i < part; i++) {
			uint16_t sample = htole16((uint16_t)frames[i]);

			memcpy(writer->buffer + writer->n_buffer + 2 * i, &sample, 2);
		}
		writer->n_buffer += 2 * part;
		frames += part;
		n -= part;
		if (writer->n_buffer == BUFFER_BYTES) {
			int r = image_flush(writer, err);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

int ddp_write_silence(struct ddp_writer *writer, uint32_t n_sectors, struct mixd_error *err)
{
	static const int16_t sector[2 * DISC_SECTOR_FRAMES];
	int r = 0;

	for (uint32_t i = 0; i < n_sectors && r == 0; i++)
		r = ddp_write(writer, sector, DISC_SECTOR_FRAMES, err);
	return r;
}

/* A line of CHECKSUM.MD5 and one of CHECKSUM.TXT. */
static void note_sums(struct ddp_writer *writer, const char *name, struct ddp_sum *sum)
{
	size_t n_md5 = strlen(writer->md5_text), n_crc = strlen(writer->crc_text);
	char md5[33];

	ddp_sum_end(sum, md5);
	snprintf(writer->md5_text + n_md5, sizeof(writer->md5_text) - n_md5, "%s *%s\n", md5, name);
	snprintf(writer->crc_text + n_crc, sizeof(writer->crc_text) - n_crc, "%s=%08X\n", name,
		 sum->crc);
}

static int put_file(struct ddp_writer *writer, const char *name, const void *bytes, size_t size,
		    bool sums, struct mixd_error *err)
{
	_cleanup_(media_file_freep) struct media_file *file = NULL;
	struct ddp_sum sum;
	int r = file_create(writer, name, &file, err);

	if (r == 0)
		r = media_file_write(file, bytes, size, err);
	if (r == 0)
		r = media_file_commit(file, err);
	if (r == 0 && sums) {
		ddp_sum_init(&sum);
		ddp_sum_add(&sum, bytes, size);
		note_sums(writer, name, &sum);
	}
	return r;
}

/* Text, left-aligned in its field. */
static void field_text(char *record, size_t offset, size_t size, const char *text)
{
	size_t n = strlen(text);

	memcpy(record + offset, text, n < size ? n : size);
}

/* A number, right-aligned in its field. */
static void field_number(char *record, size_t offset, size_t size, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%*llu", (int)size, (unsigned long long)value);
	memcpy(record + offset, text, size);
}

static void make_id(const struct disc *disc, char record[RECORD])
{
	memset(record, ' ', RECORD);
	field_text(record, 0, 8, "DDP 2.00");
	field_text(record, 8, 13, disc->upc);
	field_text(record, 38, 48, disc->master_id);
	field_text(record, 87, 2, "CD");
}

static void make_stream(char record[RECORD], const char *type, uint64_t length, const char *file)
{
	memset(record, ' ', RECORD);
	field_text(record, 0, 4, "VVVM");
	field_text(record, 4, 2, type);
	field_number(record, 14, 8, length);
	field_number(record, 71, 3, 17);
	field_text(record, 74, 17, file);
}

static size_t make_map(const struct disc *disc, size_t cdtext_size, size_t pq_size,
		       char map[3 * RECORD])
{
	char *at = map;

	if (cdtext_size) {
		make_stream(at, "S0", cdtext_size, "CDTEXT.BIN");
		field_text(at, 30, 8, "CDTEXT");
		field_text(at, 55, 2, "00");
		at += RECORD;
	}
	make_stream(at, "S0", pq_size, "PQDESCR");
	field_text(at, 30, 8, "PQ DESCR");
	at += RECORD;
	make_stream(at, "D0", disc->lead_out, "IMAGE.DAT");
	field_text(at, 38, 2, "DA");
	field_text(at, 40, 1, "7"); /* whole sectors of 2352 bytes */
	field_text(at, 41, 1, "1");
	field_number(at, 46, 4, disc->track[0].index[0]);
	return (size_t)(at - map) + RECORD;
}

static int image_finish(struct ddp_writer *writer, const struct disc *disc, struct mixd_error *err)
{
	size_t rest = writer->n_buffer % DISC_SECTOR_BYTES;
	uint64_t sectors;
	int r;

	if (rest) {
		memset(writer->buffer + writer->n_buffer, 0, DISC_SECTOR_BYTES - rest);
		writer->n_buffer += DISC_SECTOR_BYTES - rest;
	}
	r = image_flush(writer, err);
	if (r < 0)
		return r;
	sectors = writer->sum.size / DISC_SECTOR_BYTES;
	if (sectors != disc->lead_out || disc->n_tracks == 0)
		return error_set(err, ERROR_INVALID, NULL,
				 "the image has %llu sectors, and the lead-out is at %u",
				 (unsigned long long)sectors, disc->lead_out);
	return media_file_commit(writer->image, err);
}

static int put_all(struct ddp_writer *writer, const struct disc *disc, const uint8_t *cdtext,
		   size_t cdtext_size, struct mixd_error *err)
{
	_cleanup_free_ char *pq = NULL;
	char id[RECORD], map[3 * RECORD], crc[sizeof(writer->crc_text) + 32];
	size_t pq_size = 0, map_size;
	int r;

	if (pq_encode(disc, &pq, &pq_size) < 0)
		return error_no_memory(err);
	make_id(disc, id);
	map_size = make_map(disc, cdtext_size, pq_size, map);
	r = put_file(writer, "DDPID", id, sizeof(id), true, err);
	if (r == 0)
		r = put_file(writer, "DDPMS", map, map_size, true, err);
	if (r == 0 && cdtext_size)
		r = put_file(writer, "CDTEXT.BIN", cdtext, cdtext_size, true, err);
	if (r == 0)
		r = put_file(writer, "PQDESCR", pq, pq_size, true, err);
	if (r < 0)
		return r;
	note_sums(writer, "IMAGE.DAT", &writer->sum);
	snprintf(crc, sizeof(crc), "[CRC32 Checksum]\n%s", writer->crc_text);
	r = put_file(writer, "CHECKSUM.MD5", writer->md5_text, strlen(writer->md5_text), false,
		     err);
	if (r == 0)
		r = put_file(writer, "CHECKSUM.TXT", crc, strlen(crc), false, err);
	return r;
}

int ddp_finish(struct ddp_writer *writer, const struct disc *disc, struct mixd_error *err)
{
	_cleanup_free_ uint8_t *cdtext = NULL;
	size_t cdtext_size = 0;
	int r = cdtext_encode(disc, &cdtext, &cdtext_size, NULL, err);

	if (r == 0)
		r = image_finish(writer, disc, err);
	if (r == 0)
		r = put_all(writer, disc, cdtext, cdtext_size, err);
	return r;
}
