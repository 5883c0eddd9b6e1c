/* media_format.c - see media_format.h and media_write.h: formats, what they can, what a target means
 * in them.
 *
 * SOURCE      libsndfile 1.2 (mpeg_l3_encode.c, ogg_opus.c, ogg_vorbis.c: how a level becomes a bit
 *             rate); ISO/IEC 11172-3 and 13818-3 (bit rates of Layer III); RFC 6716 (Opus); Xiph,
 *             "Vorbis I" nominal rates of qualities; ISO/IEC 14496-3 (AAC's rates). */
#include "media_format.h"

#include <errno.h>
#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ANY_RATE .rate_min = 1, .rate_max = 768000

static const uint32_t bits_all[] = {24, 16, 32, 0};
static const uint32_t bits_flac[] = {24, 16, 0};
static const uint32_t rates_mp3[] = {8000,  11025, 12000, 16000, 22050,
				     24000, 32000, 44100, 48000, 0};
static const uint32_t rates_opus[] = {8000, 12000, 16000, 24000, 48000, 0};
static const uint32_t rates_aac[] = {7350,  8000,  11025, 12000, 16000, 22050, 24000,
				     32000, 44100, 48000, 64000, 88200, 96000, 0};
static const uint32_t kbps_mpeg1[] = {32,  40,	48,  56,  64,  80,  96, 112,
				      128, 160, 192, 224, 256, 320, 0};
static const uint32_t kbps_mpeg2[] = {8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0};
static const uint32_t kbps_mpeg25[] = {8, 16, 24, 32, 40, 48, 56, 64, 0};
/* Nominal kbit/s of a stereo pair at 44.1 and 48 kHz, for qualities 0..10. */
static const double vorbis_kbps[11] = {64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 500};

static const struct media_format formats[] = {
	{.name = "wav",
	 .ending = "wav",
	 .other_endings = " wave bwf ",
	 .container = "wav",
	 .encoder = MEDIA_ENCODER_RAW,
	 .sf_major = SF_FORMAT_RF64,
	 .channels_max = MEDIA_CHANNELS_MAX,
	 ANY_RATE,
	 .bits = bits_all,
	 .has_float = true},
	{.name = "rf64",
	 .ending = "rf64",
	 .other_endings = "",
	 .container = "rf64",
	 .encoder = MEDIA_ENCODER_RAW,
	 .sf_major = SF_FORMAT_RF64,
	 .channels_max = MEDIA_CHANNELS_MAX,
	 ANY_RATE,
	 .bits = bits_all,
	 .has_float = true},
	{.name = "w64",
	 .ending = "w64",
	 .other_endings = "",
	 .container = "w64",
	 .encoder = MEDIA_ENCODER_RAW,

	 .channels_max = MEDIA_CHANNELS_MAX,
	 ANY_RATE,
	 .bits = bits_all,
	 .has_float = true},
	{.name = "aiff",
	 .ending = "aiff",
	 .other_endings = " aif aifc ",
	 .container = "aiff",
	 .encoder = MEDIA_ENCODER_RAW,
	 .sf_major = SF_FORMAT_AIFF,
	 .channels_max = MEDIA_CHANNELS_MAX,
	 ANY_RATE,
	 .bits = bits_all,
	 .has_float = true,
	 .bytes_max_shift = 32},
	{.name = "caf",
	 .ending = "caf",
	 .other_endings = "",
	 .container = "caf",
	 .encoder = MEDIA_ENCODER_RAW,
	 .sf_major = SF_FORMAT_CAF,
	 .channels_max = MEDIA_CHANNELS_MAX,
	 ANY_RATE,
	 .bits = bits_all,
	 .has_float = true},
	{.name = "flac",
	 .ending = "flac",
	 .other_endings = "",
	 .container = "flac",
	 .codec = "flac",
	 .encoder = MEDIA_ENCODER_INT,
	 .sf_major = SF_FORMAT_FLAC,
	 .channels_max = 8,
	 .rate_min = 1,
	 .rate_max = 655350,
	 .bits = bits_flac},
	{.name = "ogg",
	 .ending = "ogg",
	 .other_endings = " oga ",
	 .container = "ogg",
	 .codec = "vorbis",
	 .encoder = MEDIA_ENCODER_FLOAT,
	 .sf_major = SF_FORMAT_OGG,
	 .sf_minor = SF_FORMAT_VORBIS,
	 .channels_max = 8,
	 .rate_min = 8000,
	 .rate_max = 192000,
	 .has_abr = true,
	 .has_vbr = true},
	{.name = "opus",
	 .ending = "opus",
	 .other_endings = "",
	 .container = "ogg",
	 .codec = "opus",
	 .encoder = MEDIA_ENCODER_FLOAT,
	 .sf_major = SF_FORMAT_OGG,
	 .sf_minor = SF_FORMAT_OPUS,
	 .channels_max = 8,
	 .rates = rates_opus,
	 .has_abr = true,
	 .has_vbr = true},
	{.name = "mp3",
	 .ending = "mp3",
	 .other_endings = "",
	 .container = "mp3",
	 .codec = "mp3",
	 .encoder = MEDIA_ENCODER_FLOAT,
	 .sf_major = SF_FORMAT_MPEG,
	 .sf_minor = SF_FORMAT_MPEG_LAYER_III,
	 .channels_max = 2,
	 .rates = rates_mp3,
	 .has_cbr = true,
	 .has_abr = true,
	 .has_vbr = true},
	{.name = "m4a",
	 .ending = "m4a",
	 .other_endings = " m4b mp4 ",
	 .container = "m4a",
	 .codec = "aac",
	 .encoder = MEDIA_ENCODER_AV,
	 .channels_max = 8,
	 .rates = rates_aac,
	 .has_abr = true},
	/* libsndfile's encoder writes beyond its packet table (1.2.0: 2 bytes of room for sizes that
	 * take 3): mixd-av has one, too. */
	{.name = "alac",
	 .ending = "m4a",
	 .other_endings = "",
	 .container = "m4a",
	 .codec = "alac",
	 .encoder = MEDIA_ENCODER_AV,
	 .channels_max = 8,
	 .rate_min = 1,
	 .rate_max = 384000,
	 .bits = bits_flac},
};
#define FORMAT_COUNT (sizeof(formats) / sizeof(formats[0]))

/* ---- which ------------------------------------------------------------------------------------- */

const struct media_format *media_format_find(const char *name)
{
	for (size_t i = 0; name && i < FORMAT_COUNT; i++)
		if (strcasecmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

const char *media_format_ending(const char *format)
{
	const struct media_format *found = media_format_find(format);

	return found ? found->ending : NULL;
}

static int format_unknown(const char *name, struct mixd_error *err)
{
	const char *names[FORMAT_COUNT], *nearest;
	char list[120] = "";

	for (size_t i = 0; i < FORMAT_COUNT; i++)
		names[i] = formats[i].name;
	nearest = error_nearest(name, names, FORMAT_COUNT);
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		size_t n = strlen(list);

		snprintf(list + n, sizeof(list) - n, " %s", names[i]);
	}
	if (nearest)
		error_hint(err, "did you mean %s?", nearest);
	else
		error_hint(err, "there are%s", list);
	return -EINVAL;
}

int media_format_by_path(const char *path, const struct media_format **ret, struct mixd_error *err)
{
	const char *name = strrchr(path, '/'), *dot = strrchr(name ? name : path, '.');
	char word[12];

	if (!dot || !dot[1] || strlen(dot + 1) > 8) {
		error_set(err, ERROR_INVALID, path, "has no ending that tells the format");
		error_hint(err, strcmp(name ? name + 1 : path, "-") == 0
					? "sound is written to files, not to standard output"
					: "end it with .wav, .flac, .mp3, .m4a, .opus, ...");
		return -EINVAL;
	}
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		snprintf(word, sizeof(word), " %.8s ", dot + 1);
		for (char *c = word; *c; c++)
			*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
		if (strcasecmp(formats[i].ending, dot + 1) == 0 ||
		    strstr(formats[i].other_endings, word)) {
			*ret = &formats[i];
			return 0;
		}
	}
	error_set(err, ERROR_INVALID, path, "\"%s\" is no format that can be written", dot);
	return format_unknown(dot + 1, err);
}

const char *media_format_of(const char *path)
{
	const struct media_format *found = NULL;
	struct mixd_error ignored;

	return media_format_by_path(path, &found, &ignored) == 0 ? found->name : NULL;
}

bool media_format_is_lossy(const char *name)
{
	const struct media_format *format = media_format_find(name);

	return format && !format->bits;
}

/* ---- what it can ------------------------------------------------------------------------------- */

/* "44100, 48000" */
static const char *format_list(const uint32_t *list, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (uint32_t i = 0; list[i] && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%u", i ? ", " : "", (unsigned)list[i]);
	return buf;
}

static bool format_in(const uint32_t *list, double value)
{
	while (*list && (double)*list != value)
		list++;
	return *list != 0;
}

static int format_check_rate(const struct media_format *format, double rate, const char *path,
			     struct mixd_error *err)
{
	char list[160];
	bool is_whole = rate == floor(rate);

	if (format->rates ? format_in(format->rates, rate)
			  : is_whole && rate >= format->rate_min && rate <= format->rate_max)
		return 0;
	error_set(err, ERROR_INVALID, path, "%s has no rate of %.10g Hz", format->name, rate);
	if (format->rates)
		error_hint(err, "it has %s", format_list(format->rates, list, sizeof(list)));
	else
		error_hint(err, "it has whole numbers from %u to %u", (unsigned)format->rate_min,
			   (unsigned)format->rate_max);
	return -EINVAL;
}

static int format_check_channels(const struct media_format *format,
				 const struct mixd_layout *layout, const char *path,
				 struct mixd_error *err)
{
	if (layout->n_channels >= 1 && layout->n_channels <= format->channels_max &&
	    layout->position)
		return 0;
	error_set(err, ERROR_INVALID, path, "%s has no place for %u channels%s%s%s", format->name,
		  (unsigned)layout->n_channels, layout->name ? " (" : "",
		  layout->name ? layout->name : "", layout->name ? ")" : "");
	error_hint(err, "it has 1 to %u; wav and caf take all", (unsigned)format->channels_max);
	return -EINVAL;
}

static int format_check_bits(const struct media_format *format, struct media_target *target,
			     const char *path, struct mixd_error *err)
{
	char list[40];

	if (!format->bits) { /* lossy: it is given what there is */
		target->bits = 0;
		target->is_float = false;
		return 0;
	}
	if (target->is_float && !format->has_float) {
		error_set(err, ERROR_INVALID, path, "%s has no floating point", format->name);
		error_hint(err, "it has %s bits; wav, rf64, w64, aiff and caf have float",
			   format_list(format->bits, list, sizeof(list)));
		return -EINVAL;
	}
	if (target->is_float)
		target->bits = 32;
	if (target->bits == 0)
		target->bits = format->bits[0];
	if (format_in(format->bits, target->bits))
		return 0;
	error_set(err, ERROR_INVALID, path, "%s has no %u bits", format->name,
		  (unsigned)target->bits);
	error_hint(err, "it has %s", format_list(format->bits, list, sizeof(list)));
	return -EINVAL;
}

/* ---- bit rates --------------------------------------------------------------------------------- */

/* Of Layer III, and the two numbers of libsndfile's formula: highest - span * level. */
static const uint32_t *format_mp3_rates(double rate, double *ret_span)
{
	if (rate >= 32000) {
		*ret_span = 288;
		return kbps_mpeg1;
	}
	*ret_span = rate >= 16000 ? 152 : 56;
	return rate >= 16000 ? kbps_mpeg2 : kbps_mpeg25;
}

static double format_highest(const uint32_t *list)
{
	while (list[1])
		list++;
	return *list;
}

static int format_check_kbps(const struct media_format *format, const struct media_target *target,
			     const char *path, struct mixd_error *err)
{
	double kbps = target->bitrate_kbps, lowest = 6.0 * target->layout.n_channels,
	       highest = 256.0 * target->layout.n_channels, span;
	char list[120];

	if (strcmp(format->name, "mp3") == 0) {
		const uint32_t *rates = format_mp3_rates(target->rate, &span);

		if (target->mode == MEDIA_RATE_CBR && !format_in(rates, kbps)) {
			error_set(err, ERROR_INVALID, path,
				  "mp3 at %.0f Hz has no constant rate of %.10g kbit/s",
				  target->rate, kbps);
			error_hint(err, "it has %s", format_list(rates, list, sizeof(list)));
			return -EINVAL;
		}
		lowest = rates[0];
		highest = format_highest(rates);
	} else if (strcmp(format->name, "ogg") == 0) {
		lowest = vorbis_kbps[0] / 2 * target->layout.n_channels;
		highest = vorbis_kbps[10] / 2 * target->layout.n_channels;
	}
	if (kbps >= lowest && kbps <= highest)
		return 0;
	error_set(err, ERROR_INVALID, path, "%s of this kind has no rate of %.10g kbit/s",
		  format->name, kbps);
	error_hint(err, "from %.10g to %.10g", lowest, highest);
	return -EINVAL;
}

static int format_check_mode(const struct media_format *format, const struct media_target *target,
			     const char *path, struct mixd_error *err)
{
	static const char *const words[] = {"any", "constant", "average", "variable"};
	bool has = target->mode == MEDIA_RATE_AUTO ||
		   (target->mode == MEDIA_RATE_CBR && format->has_cbr) ||
		   (target->mode == MEDIA_RATE_ABR && format->has_abr) ||
		   (target->mode == MEDIA_RATE_VBR && format->has_vbr);

	if (has)
		return 0;
	error_set(err, ERROR_INVALID, path, "%s has no %s rate", format->name, words[target->mode]);
	error_hint(err, "it has%s%s%s", format->has_cbr ? " constant" : "",
		   format->has_abr ? " average" : "", format->has_vbr ? " variable" : "");
	return -EINVAL;
}

/* What a lossy format does when nobody says: MP3 VBR -V2, Vorbis quality 6, Opus 64 and AAC 128 kbit/s
 * for each of two channels (rounded to what the format has). */
static int format_complete_rate(const struct media_format *format, struct media_target *target,
				const char *path, struct mixd_error *err)
{
	bool is_mp3 = strcmp(format->name, "mp3") == 0, is_ogg = strcmp(format->name, "ogg") == 0;
	int r = format_check_mode(format, target, path, err);

	if (r < 0)
		return r;
	if (target->quality > 9 || (target->quality >= 0 && !is_mp3 && !is_ogg)) {
		error_set(err, ERROR_INVALID, path, "%s has no quality %.10g", format->name,
			  target->quality);
		error_hint(err, is_mp3 || is_ogg ? "0 (best) to 9" : "give a bit rate");
		return -EINVAL;
	}
	if (target->bitrate_kbps != 0 && target->mode == MEDIA_RATE_VBR && is_mp3) {
		error_set(err, ERROR_INVALID, path,
			  "a variable rate has a quality, not a bit rate");
		error_hint(err, "give a quality from 0 to 9, or an average or constant rate");
		return -EINVAL;
	}
	if (target->mode == MEDIA_RATE_AUTO)
		target->mode = target->bitrate_kbps != 0 && is_mp3 ? MEDIA_RATE_CBR
			       : is_mp3 || is_ogg		   ? MEDIA_RATE_VBR
								   : MEDIA_RATE_ABR;
	if (target->bitrate_kbps == 0 && (is_ogg || target->mode == MEDIA_RATE_VBR) &&
	    (is_mp3 || is_ogg)) {
		if (target->quality < 0)
			target->quality = is_mp3 ? 2.0 : 3.6;
		return 0;
	}
	if (target->bitrate_kbps == 0) {
		uint32_t pairs = (target->layout.n_channels + 1) / 2;

		target->bitrate_kbps = is_mp3 ? (target->rate >= 32000	 ? 192
						 : target->rate >= 16000 ? 96
									 : 48)
				       : strcmp(format->name, "opus") == 0 ? 128 * pairs
									   : 256 * pairs;
	}
	return format_check_kbps(format, target, path, err);
}

double media_format_sf_level(const struct media_format *format, const struct media_target *target)
{
	double kbps = target->bitrate_kbps, span;

	if (strcmp(format->name, "flac") == 0)
		return target->compression / 8.0;
	if (strcmp(format->name, "opus") == 0)
		return 1.0 - (kbps * 1000.0 / target->layout.n_channels - 6000.0) / 250000.0;
	if (strcmp(format->name, "ogg") == 0) {
		double pair = kbps * 2.0 / target->layout.n_channels;
		uint32_t q = 0;

		if (kbps == 0)
			return target->quality / 9.0;
		while (q < 9 && pair > vorbis_kbps[q + 1])
			q++;
		span = (pair - vorbis_kbps[q]) / (vorbis_kbps[q + 1] - vorbis_kbps[q]);
		return 1.0 - (q + span) / 10.0;
	}
	if (target->mode == MEDIA_RATE_VBR)
		return target->quality / 10.0;
	return (format_highest(format_mp3_rates(target->rate, &span)) - kbps) / span;
}

/* ---- a target ---------------------------------------------------------------------------------- */

void media_target_init(struct media_target *target)
{
	*target = (struct media_target){.quality = -1, .compression = -1, .expected_frames = -1};
}

int media_target_complete(struct media_target *target, const char *path, struct mixd_error *err)
{
	const struct media_format *format = media_format_find(target->format);
	const char *words = path ? path : target->format;
	int r;

	if (target->format && !format) {
		error_set(err, ERROR_INVALID, path, "there is no format \"%.20s\"", target->format);
		return format_unknown(target->format, err);
	}
	if (!format) {
		r = media_format_by_path(path ? path : "", &format, err);
		if (r < 0)
			return r;
		words = path;
	}
	target->format = format->name;
	r = format_check_channels(format, &target->layout, words, err);
	if (r == 0)
		r = format_check_rate(format, target->rate, words, err);
	if (r == 0)
		r = format_check_bits(format, target, words, err);
	if (r == 0 && !format->bits)
		r = format_complete_rate(format, target, words, err);
	if (r < 0)
		return r;
	if (target->compression < 0)
		target->compression = 5;
	if (target->compression > 8) {
		error_set(err, ERROR_INVALID, words, "FLAC has no compression %.10g",
			  target->compression);
		error_hint(err, "0 (fast) to 8 (small)");
		return -EINVAL;
	}
	return 0;
}
