/* media_tags_take.c - media_tags_read(): which container it is; what is taken of what it says. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "media_tags_private.h"

struct tags_source tags_source(struct media_tags *tags, double rate)
{
	return (struct tags_source){.tags = tags,
				    .rate = rate > 0.0 ? rate : 48000.0,
				    .n_text_before = tags->n_text,
				    .n_marks_before = tags->n_marks};
}

static void take_number(double *to, double value)
{
	if (isnan(*to) && isfinite(value))
		*to = value;
}

/* "+3.20 dB" and "0.5847" as numbers; NAN: it is none. */
static double take_value(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	return end == text || !isfinite(value) ? NAN : value;
}

/* Loudness has fields of its own: true when NAME was such a thing. */
static bool take_gain(struct tags_source *source, const char *name, const char *value)
{
	struct media_loudness *to = &source->tags->loudness;
	bool is_album = strncasecmp(name, "REPLAYGAIN_ALBUM_", 17) == 0 ||
			strcasecmp(name, "R128_ALBUM_GAIN") == 0;
	double number = take_value(value);

	if (strcasecmp(name, "ITUNNORM") == 0)
		return source->tags->sound_check = true;
	if (strcasecmp(name, "ITUNSMPB") == 0)
		return true; /* of this very encoding, and no longer true of another */
	if (strncasecmp(name, "REPLAYGAIN_", 11) == 0) {
		const char *what = name + strlen(name) - 5;

		source->tags->replay_gain = true;
		if (strcasecmp(what, "_GAIN") == 0)
			take_number(is_album ? &to->album_integrated : &to->integrated,
				    -18.0 - number);
		else if (strcasecmp(what, "_PEAK") == 0 && number > 0.0)
			take_number(is_album ? &to->album_true_peak : &to->true_peak,
				    20.0 * log10(number));
		return true;
	}
	if (strcasecmp(name, "R128_TRACK_GAIN") == 0 || strcasecmp(name, "R128_ALBUM_GAIN") == 0) {
		source->tags->replay_gain = true;
		take_number(is_album ? &to->album_integrated : &to->integrated,
			    -23.0 - number / 256.0);
		return true;
	}
	return false;
}

/* "3/12" is two texts here, as in Vorbis comments. */
static bool take_of(struct tags_source *source, const char *name, const char *value)
{
	const char *slash = strchr(value, '/');
	const char *total = strcasecmp(name, "TRACKNUMBER") == 0  ? "TRACKTOTAL"
			    : strcasecmp(name, "DISCNUMBER") == 0 ? "DISCTOTAL"
								  : NULL;
	char number[16];

	if (!total || !slash || slash == value || slash - value >= (int)sizeof(number) ||
	    strspn(value, "0123456789") != (size_t)(slash - value) || !isdigit((uint8_t)slash[1]))
		return false;
	memcpy(number, value, (size_t)(slash - value));
	number[slash - value] = '\0';
	tags_take(source, name, number);
	tags_take(source, total, slash + 1);
	return true;
}

/* RFC 9639, 8.6: printable ASCII but '='. */
static bool take_is_name(const char *name)
{
	size_t size = strlen(name);

	for (size_t i = 0; i < size; i++)
		if (name[i] < 0x20 || name[i] > 0x7d || name[i] == '=')
			return false;
	return size > 0 && size < 128;
}

void tags_take(struct tags_source *source, const char *name, const char *value)
{
	struct media_tags *tags = source->tags;

	if (source->is_failed || !take_is_name(name) || !value[0] ||
	    strlen(value) > TAGS_TEXT_BYTES_MAX || tags->n_text >= TAGS_TEXTS_MAX)
		return;
	if (take_gain(source, name, value) || take_of(source, name, value))
		return;
	/* a name that an earlier place has given is known; one of this place may have several values */
	for (uint32_t i = 0; i < tags->n_text; i++) {
		const struct media_text *has = &tags->text[i];
		bool is_earlier = i < source->n_text_before;

		if (strcasecmp(has->name, name) == 0 &&
		    (is_earlier || strcmp(has->value, value) == 0))
			return;
	}
	source->is_failed = media_tags_add(tags, name, value) < 0;
}

void tags_take_bytes(struct tags_source *source, const char *name, const uint8_t *value,
		     size_t size, enum media_encoding encoding)
{
	_cleanup_free_ char *text = media_text_from(value, size, encoding);

	if (text)
		tags_take(source, name, text);
	else
		source->is_failed = true;
}

void tags_take_mark(struct tags_source *source, int64_t frame, int64_t length, const char *name)
{
	if (source->is_failed || source->n_marks_before || frame < 0 || length < 0 ||
	    source->tags->n_marks >= TAGS_MARKS_MAX)
		return;
	source->is_failed =
		media_tags_mark(source->tags, frame, length, name && *name ? name : NULL) < 0;
}

void tags_take_picture(struct tags_source *source, const uint8_t *data, size_t size)
{
	struct media_tags *tags = source->tags;

	if (tags->picture || size < 4 || !tags_picture_type(data, size, NULL))
		return;
	tags->picture = malloc(size);
	if (!tags->picture) {
		source->is_failed = true;
		return;
	}
	memcpy(tags->picture, data, size);
	tags->picture_bytes = size;
}

int64_t tags_frames_of(const struct tags_source *source, double seconds)
{
	double frames = rint(seconds * source->rate);

	return frames >= 0.0 && frames < 9e15 ? (int64_t)frames : -1;
}

uint8_t *tags_load(int fd, uint64_t at, uint64_t size)
{
	int64_t whole = media_fd_size(fd);
	uint8_t *data;

	if (size == 0 || size > TAGS_BLOCK_BYTES_MAX || whole < 0 || at > (uint64_t)whole ||
	    size > (uint64_t)whole - at)
		return NULL;
	data = malloc(size);
	if (data && media_fd_read(fd, at, data, size) < 0) {
		free(data);
		data = NULL;
	}
	return data;
}

/* ---- which container --------------------------------------------------------------------------- */

static const struct take_kind {
	const char *at0, *at4, *at8;
	void (*read)(struct tags_source *source, int fd);
} take_kinds[] = {
	{"RIFF", NULL, "WAVE", tags_read_riff}, {"RF64", NULL, "WAVE", tags_read_riff},
	{"BW64", NULL, "WAVE", tags_read_riff}, {"riff", NULL, NULL, tags_read_w64},
	{"FORM", NULL, "AIFF", tags_read_aiff}, {"FORM", NULL, "AIFC", tags_read_aiff},
	{"caff", NULL, NULL, tags_read_caf},	{"fLaC", NULL, NULL, tags_read_flac},
	{"OggS", NULL, NULL, tags_read_ogg},	{NULL, "ftyp", NULL, tags_read_mp4},
	{NULL, "moov", NULL, tags_read_mp4},	{"ID3", NULL, NULL, tags_read_mp3},
};

int media_tags_read(int fd, double rate, struct media_tags *tags)
{
	struct tags_source source = tags_source(tags, rate);
	uint8_t head[12];

	if (media_fd_read(fd, 0, head, sizeof(head)) < 0)
		return 0;
	for (size_t i = 0; i < sizeof(take_kinds) / sizeof(take_kinds[0]); i++) {
		const struct take_kind *kind = &take_kinds[i];

		if ((kind->at0 && memcmp(head, kind->at0, strlen(kind->at0)) != 0) ||
		    (kind->at4 && memcmp(head + 4, kind->at4, 4) != 0) ||
		    (kind->at8 && memcmp(head + 8, kind->at8, 4) != 0))
			continue;
		kind->read(&source, fd);
		return source.is_failed ? -ENOMEM : 0;
	}
	if (head[0] == 0xff && (head[1] & 0xe0) == 0xe0)
		tags_read_mp3(&source, fd);
	return source.is_failed ? -ENOMEM : 0;
}
