/* disc.c - see disc.h.
 *
 * SOURCE      UPC/EAN: GS1 General Specifications 7.9 (weights 3 and 1 from the right, modulo 10).
 *             ISRC: ISO 3901 (2 letters, 3 letters or digits, 2 digits of the year, 5 digits).
 *             Genres and languages of CD-Text: libburn doc/cdtext.txt, EBU Tech 3264 appendix 3. */
#include "disc.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const disc_text_names[DISC_TEXTS] = {"title",    "performer", "songwriter",
						 "composer", "arranger",  "message"};

static const char *const disc_genres[] = {
	"Not Used",
	"Not Defined",
	"Adult Contemporary",
	"Alternative Rock",
	"Childrens Music",
	"Classical",
	"Contemporary Christian",
	"Country",
	"Dance",
	"Easy Listening",
	"Erotic",
	"Folk",
	"Gospel",
	"Hip Hop",
	"Jazz",
	"Latin",
	"Musical",
	"New Age",
	"Opera",
	"Operetta",
	"Pop Music",
	"Rap",
	"Reggae",
	"Rock Music",
	"Rhythm & Blues",
	"Sound Effects",
	"Spoken Word",
	"World Music",
};
#define N_GENRES (sizeof(disc_genres) / sizeof(disc_genres[0]))

/* Those written in ISO 8859-1. */
static const struct {
	const char *word;
	uint8_t code;
} disc_languages[] = {
	{"sq", 0x01}, {"br", 0x02}, {"ca", 0x03}, {"cy", 0x05}, {"da", 0x07}, {"de", 0x08},
	{"en", 0x09}, {"es", 0x0a}, {"eu", 0x0d}, {"fo", 0x0e}, {"fr", 0x0f}, {"fy", 0x10},
	{"ga", 0x11}, {"gd", 0x12}, {"gl", 0x13}, {"is", 0x14}, {"it", 0x15}, {"la", 0x17},
	{"lb", 0x19}, {"nl", 0x1d}, {"no", 0x1e}, {"oc", 0x1f}, {"pt", 0x21}, {"rm", 0x23},
	{"fi", 0x27}, {"sv", 0x28}, {"sw", 0x4f}, {"id", 0x6a},
};

void disc_init(struct disc *disc)
{
	*disc = (struct disc){.language = 0x09};
}

void disc_done(struct disc *disc)
{
	for (uint32_t t = 0; t < disc->n_tracks; t++)
		for (int i = 0; i < DISC_TEXTS; i++)
			free(disc->track[t].text[i]);
	for (int i = 0; i < DISC_TEXTS; i++)
		free(disc->text[i]);
	free(disc->catalog);
	free(disc->genre_text);
	free(disc->track);
	disc_init(disc);
}

struct disc_track *disc_add(struct disc *disc)
{
	struct disc_track *track;

	if (disc->n_tracks >= DISC_TRACKS_MAX)
		return NULL;
	track = realloc(disc->track, (disc->n_tracks + 1) * sizeof(*track));
	if (!track)
		return NULL;
	disc->track = track;
	track += disc->n_tracks;
	*track = (struct disc_track){.number = ++disc->n_tracks};
	return track;
}

uint32_t disc_track_sectors(const struct disc *disc, uint32_t idx)
{
	uint32_t end = idx + 1 < disc->n_tracks ? disc->track[idx + 1].index[0] : disc->lead_out;

	return end > disc->track[idx].index[0] ? end - disc->track[idx].index[0] : 0;
}

void disc_msf(uint32_t sector, char ret[12])
{
	uint32_t second = sector / DISC_SECTORS_PER_SECOND;

	snprintf(ret, 12, "%02u:%02u:%02u", second / 60 % 1000, second % 60,
		 sector % DISC_SECTORS_PER_SECOND);
}

void disc_track_name(const struct disc *disc, uint32_t idx, char *buf, size_t size)
{
	const char *title = disc->track[idx].text[DISC_TITLE];

	if (title)
		snprintf(buf, size, "track %u '%.80s'", disc->track[idx].number, title);
	else
		snprintf(buf, size, "track %u", disc->track[idx].number);
}

static char upc_check_digit(const char *digits12)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < 12; i++)
		sum += (unsigned)(digits12[i] - '0') * (i % 2 ? 3 : 1);
	return (char)('0' + (10 - sum % 10) % 10);
}

int disc_upc(const char *text, char ret[14], struct mixd_error *err)
{
	size_t n = strlen(text);
	char digits[14], right;

	if ((n != 12 && n != 13) || strspn(text, "0123456789") != n) {
		error_set(err, ERROR_INVALID, NULL, "\"%.60s\" is no UPC/EAN", text);
		error_hint(err, "want 13 digits (EAN) or 12 (UPC-A), without blanks, in quotes");
		return -EINVAL;
	}
	digits[0] = '0'; /* in front of 12 */
	memcpy(digits + (13 - n), text, n + 1);
	right = upc_check_digit(digits);
	if (digits[12] != right) {
		error_set(err, ERROR_INVALID, NULL, "the check digit of UPC/EAN %s is wrong", text);
		error_hint(err,
			   "by its other digits the last one would be %c: compare it with what "
			   "you were given",
			   right);
		return -EINVAL;
	}
	memcpy(ret, digits, sizeof(digits));
	return 0;
}

static bool isrc_fits(const char *isrc)
{
	for (int i = 0; i < 12; i++) {
		unsigned char c = (unsigned char)isrc[i];

		if (i < 2 ? !isupper(c) : i < 5 ? !isupper(c) && !isdigit(c) : !isdigit(c))
			return false;
	}
	return true;
}

int disc_isrc(const char *text, char ret[13], struct mixd_error *err)
{
	char isrc[13] = "";
	size_t n = 0;

	for (const char *c = text; *c; c++) {
		if (*c == '-')
			continue;
		if (n == 12 || (unsigned char)*c >= 0x80) {
			n = 0;
			break;
		}
		isrc[n++] = (char)toupper((unsigned char)*c);
	}
	if (n != 12 || !isrc_fits(isrc)) {
		error_set(err, ERROR_INVALID, NULL, "\"%.60s\" is no ISRC", text);
		error_hint(err, "want country, registrant, year, number, like US-ABC-26-00001");
		return -EINVAL;
	}
	memcpy(ret, isrc, sizeof(isrc));
	return 0;
}

uint32_t disc_genre(const char *text, struct mixd_error *err)
{
	const char *nearest;

	for (uint32_t i = 2; i < N_GENRES; i++)
		if (strcasecmp(disc_genres[i], text) == 0)
			return i;
	nearest = error_nearest(text, disc_genres + 2, N_GENRES - 2);
	error_set(err, ERROR_INVALID, NULL, "CD-Text has no genre \"%.60s\"", text);
	error_hint(err, "%s%s%s", nearest ? "did you mean \"" : "", nearest ? nearest : "",
		   nearest ? "\"?"
			   : "want one of its list: Classical, Folk, Jazz, Pop Music, Rock Music, "
			     "World Music, ...; details go into genre_text");
	return 0;
}

const char *disc_genre_name(uint32_t genre)
{
	return genre < N_GENRES ? disc_genres[genre] : NULL;
}

uint8_t disc_language(const char *text)
{
	for (size_t i = 0; i < sizeof(disc_languages) / sizeof(disc_languages[0]); i++)
		if (strcasecmp(disc_languages[i].word, text) == 0)
			return disc_languages[i].code;
	return 0;
}
