/* pq.c - see pq.h.
 *
 * SOURCE      the public description of DDP 2.00 audio sets by the ddp-reverse-eng project
 *             (spec/ddp2.md, section 5), made without the owner's specification. */
#include "pq.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pq_writer {
	char *at;
	const char *upc; /* "" after the first record */
};

static void pq_put(struct pq_writer *writer, const char *track, uint32_t index, uint32_t sector,
		   unsigned flags, const char *isrc)
{
	char text[PQ_RECORD + 1];
	uint32_t second = sector / DISC_SECTORS_PER_SECOND;

	snprintf(text, sizeof(text), "VVVS%2.2s%02u  %02u%02u%02u%X%c  %-12.12s%-13.13s%19s", track,
		 index % 100, second / 60 % 100, second % 60, sector % DISC_SECTORS_PER_SECOND,
		 flags & 0xfu, flags & DISC_SCMS ? 'S' : '1', isrc, writer->upc, "");
	memcpy(writer->at, text, PQ_RECORD);
	writer->at += PQ_RECORD;
	writer->upc = "";
}

static void pq_put_track(struct pq_writer *writer, const struct disc_track *track)
{
	const char *isrc = track->isrc; /* on the first record of the track */
	char number[12];

	snprintf(number, sizeof(number), "%02u", track->number);
	if (track->has_pregap) {
		pq_put(writer, number, 0, track->pregap, track->flags, isrc);
		isrc = "";
	}
	for (uint32_t i = 0; i < track->n_indexes; i++) {
		pq_put(writer, number, i + 1, track->index[i], track->flags, isrc);
		isrc = "";
	}
}

int pq_encode(const struct disc *disc, char **ret, size_t *ret_size)
{
	struct pq_writer writer = {.upc = disc->upc};
	size_t n = 3; /* lead-in, lead-out twice */

	for (uint32_t t = 0; t < disc->n_tracks; t++)
		n += disc->track[t].has_pregap + disc->track[t].n_indexes;
	writer.at = malloc(n * PQ_RECORD);
	if (!writer.at)
		return -ENOMEM;
	*ret = writer.at;
	*ret_size = n * PQ_RECORD;
	pq_put(&writer, "00", 0, 0, 0, "");
	for (uint32_t t = 0; t < disc->n_tracks; t++)
		pq_put_track(&writer, &disc->track[t]);
	pq_put(&writer, "AA", 1, disc->lead_out, 0, "");
	pq_put(&writer, "AA", 1, disc->lead_out, 0, "");
	return 0;
}

/* ---- reading -------------------------------------------------------------------------------- */

struct pq_record {
	bool is_lead_out;
	uint32_t track, index, sector;
	unsigned flags;
	char isrc[13], upc[14];
};
struct pq_reader {
	struct disc *disc;
	pq_fault fault;
	void *data;
	uint32_t idx; /* record at hand */
	uint32_t n_lead_outs;
	bool has_lead_in;
};

__attribute__((format(printf, 2, 3))) static void pq_say(const struct pq_reader *reader,
							 const char *fmt, ...)
{
	char text[200];
	va_list args;

	if (!reader->fault)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	reader->fault(reader->data, reader->idx, text);
}

static bool pq_digits(const char *bytes, size_t n, uint32_t *ret)
{
	uint32_t value = 0;

	for (size_t i = 0; i < n; i++) {
		if (!isdigit((unsigned char)bytes[i]))
			return false;
		value = value * 10 + (uint32_t)(bytes[i] - '0');
	}
	*ret = value;
	return true;
}

/* N bytes without the blanks around them; what is not ASCII becomes '?'. */
static void pq_text(char *ret, const char *bytes, size_t n)
{
	while (n && bytes[n - 1] == ' ')
		n--;
	while (n && *bytes == ' ') {
		bytes++;
		n--;
	}
	for (size_t i = 0; i < n; i++)
		ret[i] = bytes[i] >= 0x20 && bytes[i] < 0x7f ? bytes[i] : '?';
	ret[n] = '\0';
}

static bool pq_control(const char *bytes, unsigned *ret)
{
	static const char hex[] = "0123456789ABCDEF";
	const char *digit = bytes[0] ? strchr(hex, bytes[0]) : NULL;

	if (!digit || (bytes[1] != '1' && bytes[1] != 'S'))
		return false;
	*ret = (unsigned)(digit - hex) | (bytes[1] == 'S' ? DISC_SCMS : 0);
	return true;
}

static bool pq_parse(const char *bytes, struct pq_record *ret)
{
	uint32_t minute, second, frame;

	*ret = (struct pq_record){.is_lead_out = memcmp(bytes + 4, "AA", 2) == 0};
	if (memcmp(bytes, "VVVS", 4) != 0)
		return false;
	if (!ret->is_lead_out && !pq_digits(bytes + 4, 2, &ret->track))
		return false;
	if (!pq_digits(bytes + 6, 2, &ret->index) || !pq_digits(bytes + 10, 2, &minute) ||
	    !pq_digits(bytes + 12, 2, &second) || !pq_digits(bytes + 14, 2, &frame))
		return false;
	if (second >= 60 || frame >= DISC_SECTORS_PER_SECOND ||
	    !pq_control(bytes + 16, &ret->flags))
		return false;
	ret->sector = (minute * 60 + second) * DISC_SECTORS_PER_SECOND + frame;
	pq_text(ret->isrc, bytes + 20, 12);
	pq_text(ret->upc, bytes + 32, 13);
	return true;
}

static void pq_take_index(struct pq_reader *reader, struct disc_track *track,
			  const struct pq_record *record)
{
	if (record->index == 0) {
		if (track->has_pregap || track->n_indexes)
			pq_say(reader, "index 00 of track %u is not its first", record->track);
		track->has_pregap = true;
		track->pregap = record->sector;
		return;
	}
	if (record->index != track->n_indexes + 1)
		pq_say(reader, "index %02u of track %u where index %02u belongs", record->index,
		       record->track, track->n_indexes + 1);
	if (track->n_indexes < DISC_INDEXES_MAX)
		track->index[track->n_indexes++] = record->sector;
}

/* -ENOMEM */
static int pq_take_track(struct pq_reader *reader, const struct pq_record *record)
{
	struct disc *disc = reader->disc;
	struct disc_track *track = disc->n_tracks ? &disc->track[disc->n_tracks - 1] : NULL;

	if (!track || track->number != record->track) {
		if (record->track != disc->n_tracks + 1)
			pq_say(reader, "track %u where track %u belongs", record->track,
			       disc->n_tracks + 1);
		if (disc->n_tracks >= DISC_TRACKS_MAX)
			return 0;
		track = disc_add(disc);
		if (!track)
			return -ENOMEM;
		track->number = record->track;
		track->flags = record->flags;
	}
	if (track->flags != record->flags)
		pq_say(reader, "flags change inside track %u", record->track);
	if (record->isrc[0] && track->isrc[0] && strcmp(record->isrc, track->isrc) != 0)
		pq_say(reader, "track %u has two ISRCs", record->track);
	if (record->isrc[0])
		memcpy(track->isrc, record->isrc, sizeof(track->isrc));
	pq_take_index(reader, track, record);
	return 0;
}

static int pq_take(struct pq_reader *reader, const struct pq_record *record)
{
	struct disc *disc = reader->disc;

	if (record->upc[0] && disc->upc[0] && strcmp(record->upc, disc->upc) != 0)
		pq_say(reader, "there are two UPC/EANs");
	if (record->upc[0])
		memcpy(disc->upc, record->upc, sizeof(disc->upc));
	if (record->is_lead_out) {
		if (reader->n_lead_outs++ && record->sector != disc->lead_out)
			pq_say(reader, "the two lead-outs differ");
		disc->lead_out = record->sector;
		return 0;
	}
	if (reader->n_lead_outs)
		pq_say(reader, "track %u after the lead-out", record->track);
	if (record->track == 0) {
		if (reader->idx || reader->has_lead_in || record->sector)
			pq_say(reader, "the lead-in is not first, or not at 00:00:00");
		reader->has_lead_in = true;
		return 0;
	}
	return pq_take_track(reader, record);
}

int pq_decode(const char *bytes, size_t size, struct disc *disc, pq_fault fault, void *data,
	      struct mixd_error *err)
{
	struct pq_reader reader = {.disc = disc, .fault = fault, .data = data};
	uint32_t n = (uint32_t)(size / PQ_RECORD);
	int r;

	if (n == 0 || memcmp(bytes, "VVVS", 4) != 0) {
		r = error_set(err, ERROR_INVALID, NULL, "is no PQ descriptor");
		error_hint(err, "it has records of 64 bytes that begin with VVVS");
		return r;
	}
	if (size % PQ_RECORD)
		pq_say(&reader, "%zu bytes are left after the last record of 64", size % PQ_RECORD);
	for (; reader.idx < n; reader.idx++) {
		struct pq_record record;

		if (!pq_parse(bytes + (size_t)reader.idx * PQ_RECORD, &record)) {
			pq_say(&reader, "is not a record of track, index, time and control");
			continue;
		}
		r = pq_take(&reader, &record);
		if (r < 0)
			return error_no_memory(err);
	}
	reader.idx = n - 1;
	if (!reader.has_lead_in)
		pq_say(&reader, "there is no lead-in record (track 00)");
	if (reader.n_lead_outs != 2)
		pq_say(&reader, "the lead-out (track AA) is there %u times, not twice",
		       reader.n_lead_outs);
	return 0;
}
