/* redbook.c - see redbook.h.
 *
 * SOURCE      IEC 60908 (Red Book) as summed up by public mastering guides and by the public
 *             description of DDP sets, section "Constraints": 1..99 tracks without gaps, indexes in
 *             order, track 1 with a pregap of at least 2 s from 00:00:00, tracks of at least 4 s,
 *             lead-out by 99:59:74. Media: 74 min, and 79:57 for what is sold as 80 min. */
#include "redbook.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct check {
	const struct disc *disc;
	redbook_fault fault;
	void *data;
	uint32_t n_faults;
};

static const struct {
	uint32_t limit;
	const char *name;
} redbook_media_rows[] = {
	[REDBOOK_80MIN] = {(79 * 60 + 57) * DISC_SECTORS_PER_SECOND, "an 80-minute disc"},
	[REDBOOK_74MIN] = {74 * 60 * DISC_SECTORS_PER_SECOND, "a 74-minute disc"},
	[REDBOOK_NONE] = {REDBOOK_LEAD_OUT_MAX, "any disc"},
};

uint32_t redbook_limit(enum redbook_media media)
{
	return redbook_media_rows[media].limit;
}

/* TRACK -1: the disc. Its name stands in front of the text. */
__attribute__((format(printf, 4, 5))) static void found(struct check *check, int track,
							const char *hint, const char *fmt, ...)
{
	char text[280] = "", name[120];
	size_t used = 0;
	va_list args;

	if (track >= 0) {
		disc_track_name(check->disc, (uint32_t)track, name, sizeof(name));
		used = (size_t)snprintf(text, sizeof(text), "%s: ", name);
	}
	va_start(args, fmt);
	vsnprintf(text + used, sizeof(text) - used, fmt, args);
	va_end(args);
	check->n_faults++;
	if (check->fault)
		check->fault(check->data, track, text, hint);
}

static void check_pregap(struct check *check, uint32_t t)
{
	const struct disc_track *track = &check->disc->track[t];
	uint32_t before = t ? check->disc->track[t - 1].index[0] : 0;
	char at[12];

	disc_msf(track->index[0], at);
	if (t == 0 && (!track->has_pregap || track->pregap != 0))
		found(check, 0, "index 00 of track 1 is at 00:00:00",
		      "the disc does not begin with a pregap at 00:00:00");
	if (t == 0 && track->index[0] < DISC_PREGAP_SECTORS)
		found(check, 0, "the first pregap is at least 2 s: index 01 at 00:02:00 or later",
		      "index 01 is at %s", at);
	if (t > 0 && track->has_pregap &&
	    (track->pregap >= track->index[0] || track->pregap <= before))
		found(check, (int)t,
		      "index 00 lies between index 01 of the track before and its own",
		      "its pregap is not in order");
}

static void check_indexes(struct check *check, uint32_t t)
{
	const struct disc_track *track = &check->disc->track[t];

	for (uint32_t i = 1; i < track->n_indexes; i++)
		if (track->index[i] <= track->index[i - 1])
			found(check, (int)t, "times of indexes increase",
			      "index %02u is not after index %02u", i + 1, i);
	if (track->n_indexes > 1) {
		uint32_t end = t + 1 < check->disc->n_tracks ? check->disc->track[t + 1].index[0]
							     : check->disc->lead_out;

		if (track->index[track->n_indexes - 1] >= end)
			found(check, (int)t, "indexes lie inside their track",
			      "index %02u is after the track's end", track->n_indexes);
	}
}

static void check_codes(struct check *check, uint32_t t)
{
	const struct disc_track *track = &check->disc->track[t];
	struct mixd_error err = {0};
	char isrc[13];

	if ((track->flags & DISC_DCP) && (track->flags & DISC_SCMS))
		found(check, (int)t, "keep one: copying is permitted (DCP) or limited (SCMS)",
		      "the flags DCP and SCMS exclude each other");
	if (track->isrc[0] && disc_isrc(track->isrc, isrc, &err) < 0)
		found(check, (int)t, err.hint, "%s", err.text);
	for (uint32_t other = 0; track->isrc[0] && other < t; other++)
		if (strcmp(track->isrc, check->disc->track[other].isrc) == 0)
			found(check, (int)t, "each recording has an ISRC of its own",
			      "ISRC %s is also that of track %u", track->isrc,
			      check->disc->track[other].number);
}

static void check_track(struct check *check, uint32_t t)
{
	const struct disc *disc = check->disc;
	const struct disc_track *track = &disc->track[t];
	uint32_t sectors = disc_track_sectors(disc, t);

	if (track->number != t + 1)
		found(check, (int)t, "tracks are numbered from 1 without gaps",
		      "it stands where track %u belongs", t + 1);
	if (track->n_indexes == 0) {
		found(check, (int)t, "each track has an index 01", "it has no index 01");
		return;
	}
	check_pregap(check, t);
	check_indexes(check, t);
	if (sectors < REDBOOK_TRACK_SECTORS_MIN)
		found(check, (int)t,
		      "make it or its gap longer, or join it with a neighbour as one track",
		      "is %.2f s long; a track of a CD has at least 4 s",
		      /* never rounded up to what it has not */
		      floor(sectors * 100.0 / DISC_SECTORS_PER_SECOND) / 100);
	check_codes(check, t);
}

uint32_t redbook_check(const struct disc *disc, enum redbook_media media, redbook_fault fault,
		       void *data)
{
	struct check check = {.disc = disc, .fault = fault, .data = data};
	struct mixd_error err = {0};
	char upc[14], at[12], limit[12];

	if (disc->n_tracks == 0)
		found(&check, -1, "a disc has 1 to 99 tracks", "there is no track");
	for (uint32_t t = 0; t < disc->n_tracks; t++)
		check_track(&check, t);
	if (disc->upc[0] && disc_upc(disc->upc, upc, &err) < 0)
		found(&check, -1, err.hint, "%s", err.text);
	if (disc->lead_out > redbook_limit(media)) {
		disc_msf(disc->lead_out, at);
		disc_msf(redbook_limit(media), limit);
		found(&check, -1,
		      media == REDBOOK_NONE ? "make two discs of it"
					    : "shorten it, make two discs of it, or ask the plant "
					      "and say --media none",
		      "it ends at %s, %s at %s", at, redbook_media_rows[media].name, limit);
	}
	return check.n_faults;
}
