/* media_tags_names.c - one tag, its name in each container; loudness as text.
 *
 * SOURCE      ID3v2.4.0 "Native Frames", section 4; Xiph "Ogg Vorbis I comment field recommendations";
 *             Microsoft "Multimedia Programming Interface and Data Specifications 1.0", LIST INFO;
 *             Apple "Core Audio Format Specification", Information chunk; ReplayGain 2.0
 *             specification; RFC 7845, 5.2.1 (R128_*); id3.org "iTunes Normalization
 *             settings", and 2manyrobots "Sound Check" (-16 LUFS), both without Apple's word. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "media_tags_private.h"

/* Of two rows with one word the first is what that word is read as. */
const struct tags_name tags_names[] = {
	{"TITLE", "TIT2", "INAM", "\251nam", "NAME", "title"},
	{"ARTIST", "TPE1", "IART", "\251ART", "AUTH", "artist"},
	{"ALBUM", "TALB", "IPRD", "\251alb", NULL, "album"},
	{"ALBUMARTIST", "TPE2", NULL, "aART", NULL, NULL},
	{"TRACKNUMBER", "TRCK", "ITRK", "trkn", NULL, "track number"},
	{"DISCNUMBER", "TPOS", NULL, "disk", NULL, NULL},
	{"DATE", "TDRC", "ICRD", "\251day", NULL, "recorded date"},
	{"GENRE", "TCON", "IGNR", "\251gen", NULL, "genre"},
	{"COMMENT", "COMM", "ICMT", "\251cmt", "ANNO", "comments"},
	{"COPYRIGHT", "TCOP", "ICOP", "cprt", "(c) ", "copyright"},
	{"COMPOSER", "TCOM", NULL, "\251wrt", NULL, "composer"},
	{"LYRICIST", "TEXT", NULL, NULL, NULL, "lyricist"},
	{"CONDUCTOR", "TPE3", NULL, NULL, NULL, NULL},
	{"REMIXER", "TPE4", NULL, NULL, NULL, NULL},
	{"LABEL", "TPUB", NULL, NULL, NULL, NULL},
	{"PUBLISHER", "TPUB", NULL, NULL, NULL, NULL},
	{"ORGANIZATION", "TPUB", NULL, NULL, NULL, NULL},
	{"ISRC", "TSRC", NULL, NULL, NULL, NULL},
	{"LANGUAGE", "TLAN", "ILNG", NULL, NULL, NULL},
	{"LYRICS", "USLT", NULL, "\251lyr", NULL, NULL},
	{"SUBTITLE", "TIT3", NULL, NULL, NULL, NULL},
	{"GROUPING", "TIT1", NULL, "\251grp", NULL, NULL},
	{"MOOD", "TMOO", NULL, NULL, NULL, NULL},
	{"BPM", "TBPM", NULL, NULL, NULL, "tempo"},
	{"KEY", "TKEY", NULL, NULL, NULL, "key signature"},
	{"MEDIA", "TMED", "IMED", NULL, NULL, NULL},
	{"ORIGINALDATE", "TDOR", NULL, NULL, NULL, NULL},
	{"TITLESORT", "TSOT", NULL, "sonm", NULL, NULL},
	{"ARTISTSORT", "TSOP", NULL, "soar", NULL, NULL},
	{"ALBUMSORT", "TSOA", NULL, "soal", NULL, NULL},
	{"DESCRIPTION", NULL, NULL, "desc", NULL, NULL},
	{"ENCODEDBY", "TENC", "ITCH", NULL, NULL, NULL},
	{"ENCODER", "TSSE", "ISFT", "\251too", NULL, "encoding application"},
	{"SOFTWARE", "TSSE", "ISFT", "\251too", NULL, "encoding application"},
	/* only read */
	{"DATE", "TYER", NULL, NULL, NULL, "year"},
	{"TRACKNUMBER", NULL, "IPRT", NULL, NULL, NULL},
	{"TITLE", "TT2", NULL, NULL, NULL, NULL},
	{"ARTIST", "TP1", NULL, NULL, NULL, NULL},
	{"ALBUM", "TAL", NULL, NULL, NULL, NULL},
	{"ALBUMARTIST", "TP2", NULL, NULL, NULL, NULL},
	{"CONDUCTOR", "TP3", NULL, NULL, NULL, NULL},
	{"TRACKNUMBER", "TRK", NULL, NULL, NULL, NULL},
	{"DISCNUMBER", "TPA", NULL, NULL, NULL, NULL},
	{"DATE", "TYE", NULL, NULL, NULL, NULL},
	{"GENRE", "TCO", NULL, NULL, NULL, NULL},
	{"COMMENT", "COM", NULL, NULL, NULL, NULL},
	{"COPYRIGHT", "TCR", NULL, NULL, NULL, NULL},
	{"COMPOSER", "TCM", NULL, NULL, NULL, NULL},
	{"LYRICIST", "TXT", NULL, NULL, NULL, NULL},
	{"LABEL", "TPB", NULL, NULL, NULL, NULL},
	{"ISRC", "TRC", NULL, NULL, NULL, NULL},
	{"LANGUAGE", "TLA", NULL, NULL, NULL, NULL},
	{"LYRICS", "ULT", NULL, NULL, NULL, NULL},
	{"BPM", "TBP", NULL, NULL, NULL, NULL},
	{"ENCODEDBY", "TEN", NULL, NULL, NULL, NULL},
	{"ENCODER", "TSS", NULL, NULL, NULL, NULL},
};
const uint32_t tags_n_names = sizeof(tags_names) / sizeof(tags_names[0]);

const struct tags_name *tags_name_find(const char *name)
{
	for (uint32_t i = 0; i < tags_n_names; i++)
		if (strcasecmp(tags_names[i].name, name) == 0)
			return &tags_names[i];
	return NULL;
}

const char *tags_name_from(size_t offset, const char *word)
{
	for (uint32_t i = 0; i < tags_n_names; i++) {
		const char *has = *(const char *const *)((const char *)&tags_names[i] + offset);

		if (has && strcmp(has, word) == 0)
			return tags_names[i].name;
	}
	return NULL;
}

/* ID3v1, appendix A of "ID3 tag version 2.3.0". */
static const char *const genres[] = {
	"Blues",
	"Classic Rock",
	"Country",
	"Dance",
	"Disco",
	"Funk",
	"Grunge",
	"Hip-Hop",
	"Jazz",
	"Metal",
	"New Age",
	"Oldies",
	"Other",
	"Pop",
	"R&B",
	"Rap",
	"Reggae",
	"Rock",
	"Techno",
	"Industrial",
	"Alternative",
	"Ska",
	"Death Metal",
	"Pranks",
	"Soundtrack",
	"Euro-Techno",
	"Ambient",
	"Trip-Hop",
	"Vocal",
	"Jazz+Funk",
	"Fusion",
	"Trance",
	"Classical",
	"Instrumental",
	"Acid",
	"House",
	"Game",
	"Sound Clip",
	"Gospel",
	"Noise",
	"AlternRock",
	"Bass",
	"Soul",
	"Punk",
	"Space",
	"Meditative",
	"Instrumental Pop",
	"Instrumental Rock",
	"Ethnic",
	"Gothic",
	"Darkwave",
	"Techno-Industrial",
	"Electronic",
	"Pop-Folk",
	"Eurodance",
	"Dream",
	"Southern Rock",
	"Comedy",
	"Cult",
	"Gangsta",
	"Top 40",
	"Christian Rap",
	"Pop/Funk",
	"Jungle",
	"Native American",
	"Cabaret",
	"New Wave",
	"Psychadelic",
	"Rave",
	"Showtunes",
	"Trailer",
	"Lo-Fi",
	"Tribal",
	"Acid Punk",
	"Acid Jazz",
	"Polka",
	"Retro",
	"Musical",
	"Rock & Roll",
	"Hard Rock",
};

const char *tags_genre(unsigned number)
{
	return number < sizeof(genres) / sizeof(genres[0]) ? genres[number] : NULL;
}

/* ---- loudness ---------------------------------------------------------------------------------- */

/* 1 when VALUE is there, and then with SIGN, DECIMALS and UNIT in *PAIR. */
static uint32_t gain_pair(struct tags_pair *pair, const char *name, double value, bool has_sign,
			  int decimals, const char *unit)
{
	if (!isfinite(value))
		return 0;
	snprintf(pair->name, sizeof(pair->name), "%s", name);
	snprintf(pair->value, sizeof(pair->value), "%s%.*f%s", has_sign && value >= 0.0 ? "+" : "",
		 decimals, value, unit);
	return 1;
}

/* R128_*_GAIN is Q7.8 in 16 bits. */
static double gain_q78(double loudness)
{
	double value = rint(256.0 * (-23.0 - loudness));

	if (!isfinite(value))
		return NAN;
	return value > 32767.0 ? 32767.0 : value < -32768.0 ? -32768.0 : value;
}

uint32_t tags_gains(const struct media_tags *tags, bool is_opus,
		    struct tags_pair pairs[TAGS_PAIRS_MAX])
{
	const struct media_loudness *is = &tags->loudness;
	uint32_t n = 0;

	if (!tags->replay_gain)
		return 0;
	if (is_opus) {
		n += gain_pair(&pairs[n], "R128_TRACK_GAIN", gain_q78(is->integrated), false, 0,
			       "");
		n += gain_pair(&pairs[n], "R128_ALBUM_GAIN", gain_q78(is->album_integrated), false,
			       0, "");
		return n;
	}
	n += gain_pair(&pairs[n], "REPLAYGAIN_TRACK_GAIN", -18.0 - is->integrated, true, 2, " dB");
	n += gain_pair(&pairs[n], "REPLAYGAIN_TRACK_PEAK", pow(10.0, is->true_peak / 20.0), false,
		       6, "");
	n += gain_pair(&pairs[n], "REPLAYGAIN_ALBUM_GAIN", -18.0 - is->album_integrated, true, 2,
		       " dB");
	n += gain_pair(&pairs[n], "REPLAYGAIN_ALBUM_PEAK", pow(10.0, is->album_true_peak / 20.0),
		       false, 6, "");
	if (n)
		n += gain_pair(&pairs[n], "REPLAYGAIN_REFERENCE_LOUDNESS", -18.0, false, 2,
			       " LUFS");
	return n;
}

/* Ten words of 32 bits. 1..4: gain, in units of 1/1000 and 1/2500 of a power; 7, 8: peak in 16 bits; the
 * others are statistics which players do not need. */
bool tags_sound_check(const struct media_tags *tags, char *text, size_t size)
{
	const double gain = -16.0 - tags->loudness.integrated; /* players bring it to about -16 */
	const double power = pow(10.0, -gain / 10.0);
	const double peak = isfinite(tags->loudness.true_peak)
				    ? 32768.0 * pow(10.0, tags->loudness.true_peak / 20.0)
				    : 32768.0;
	unsigned a, b, p;

	if (!tags->sound_check || !isfinite(gain))
		return false;
	/* 0 would be: none */
	a = (unsigned)fmax(1.0, fmin(rint(1000.0 * power), 65534.0));
	b = (unsigned)fmax(1.0, fmin(rint(2500.0 * power), 65534.0));
	p = (unsigned)fmin(rint(peak), 65535.0);
	snprintf(text, size, " %08X %08X %08X %08X %08X %08X %08X %08X %08X %08X", a, a, b, b, 0u,
		 0u, p, p, 0u, 0u);
	return true;
}

bool tags_is_plain(const struct media_tags *tags, const struct media_text *text, bool is_opus)
{
	bool is_gain = strncasecmp(text->name, "REPLAYGAIN_", 11) == 0;

	if (!text->value || !text->value[0] ||
	    strcasecmp(text->name, "METADATA_BLOCK_PICTURE") == 0)
		return false;
	if (is_gain || strncasecmp(text->name, "R128_", 5) == 0)
		return !tags->replay_gain && is_gain != is_opus;
	return strcasecmp(text->name, "ITUNNORM") != 0 || !tags->sound_check;
}

bool tags_is_first(const struct media_tags *tags, uint32_t i)
{
	if (!tags_is_plain(tags, &tags->text[i], false))
		return false;
	for (uint32_t k = 0; k < i; k++)
		if (strcasecmp(tags->text[k].name, tags->text[i].name) == 0 &&
		    tags_is_plain(tags, &tags->text[k], false))
			return false;
	return true;
}

void tags_put_joined(struct media_bytes *bytes, const struct media_tags *tags, uint32_t i)
{
	media_put_text(bytes, tags->text[i].value);
	for (uint32_t k = i + 1; k < tags->n_text; k++) {
		if (strcasecmp(tags->text[k].name, tags->text[i].name) != 0 ||
		    !tags_is_plain(tags, &tags->text[k], false))
			continue;
		media_put_text(bytes, "; ");
		media_put_text(bytes, tags->text[k].value);
	}
}

void tags_number(const struct media_tags *tags, const char *name, const char *total_name,
		 unsigned *ret_number, unsigned *ret_total)
{
	const char *number = media_tags_get(tags, name), *total = media_tags_get(tags, total_name);
	const char *slash = number ? strchr(number, '/') : NULL;

	*ret_number = number ? (unsigned)strtoul(number, NULL, 10) : 0;
	*ret_total = total   ? (unsigned)strtoul(total, NULL, 10)
		     : slash ? (unsigned)strtoul(slash + 1, NULL, 10)
			     : 0;
}

int64_t tags_mark_end(const struct media_tags *tags, uint32_t i, const struct media_info *info)
{
	const struct media_mark *mark = &tags->mark[i];

	if (mark->length > 0)
		return mark->frame + mark->length;
	if (i + 1 < tags->n_marks)
		return tags->mark[i + 1].frame;
	return info->n_frames > mark->frame ? info->n_frames : mark->frame;
}
