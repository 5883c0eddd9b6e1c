/* cliplist_setup.c - see cliplist.h: clips, their values, and their text written. Reading a list is
 * cliplist_parse_setup.c. [main] */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cliplist_private.h"

const char *const clip_curve_names[] = {"linear", "equal-power", "smooth", "log", NULL};

/* In the order of struct below: rows say how a key is read, written, and what it is when left out. */
enum clip_kind {
	CLIP_TEXT,
	CLIP_TIME,
	CLIP_LENGTH,
	CLIP_GAIN,
	CLIP_CURVE,
	CLIP_LOOP,
	CLIP_SWITCH,
	CLIP_SPEED
};

static const struct clip_key {
	const char *id;
	enum clip_kind kind;
	size_t at; /* in struct clip */
	const char *example;
} clip_keys[] = {
	{"file", CLIP_TEXT, offsetof(struct clip, file), "vox.wav"},
	{"at", CLIP_TIME, offsetof(struct clip, at), "12.5s"},
	{"offset", CLIP_TIME, offsetof(struct clip, offset), "1.5s"},
	{"length", CLIP_LENGTH, offsetof(struct clip, length), "10s"},
	{"gain", CLIP_GAIN, offsetof(struct clip, gain_db), "-3dB, at most 60dB"},
	{"fade_in", CLIP_TIME, offsetof(struct clip, fade_in), "10ms"},
	{"fade_out", CLIP_TIME, offsetof(struct clip, fade_out), "10ms"},
	{"curve_in", CLIP_CURVE, offsetof(struct clip, curve_in), "equal-power"},
	{"curve_out", CLIP_CURVE, offsetof(struct clip, curve_out), "equal-power"},
	{"loop", CLIP_LOOP, offsetof(struct clip, loop), "4; 0 is without end"},
	{"reverse", CLIP_SWITCH, offsetof(struct clip, reverse), "on"},
	{"speed", CLIP_SPEED, offsetof(struct clip, speed), "100%, from 6.25% to 1600%"},
	{"name", CLIP_TEXT, offsetof(struct clip, name), "Intro"},
};
#define CLIP_KEYS (sizeof(clip_keys) / sizeof(clip_keys[0]))

const char *const cliplist_keys[] = {"file",	"at",	    "offset",	"length",    "gain",
				     "fade_in", "fade_out", "curve_in", "curve_out", "loop",
				     "reverse", "speed",    "name",	NULL};

int cliplist_fault(struct mixd_fault *fault, const char *hint, const char *fmt, ...)
{
	va_list args;

	if (!fault)
		return -EINVAL;
	va_start(args, fmt);
	vsnprintf(fault->text, sizeof(fault->text), fmt, args);
	va_end(args);
	snprintf(fault->hint, sizeof(fault->hint), "%s", hint);
	return -EINVAL;
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* A decimal number without a sign; *TEXT moves behind it. Not all that strtod() takes: neither
 * hexadecimal nor nan. */
static bool number_read(const char **text, double *ret)
{
	const char *p = *text;
	size_t digits = 0, size;
	char copy[64];

	for (; isdigit((unsigned char)*p); p++)
		digits++;
	if (*p == '.')
		for (p++; isdigit((unsigned char)*p); p++)
			digits++;
	if (digits && (*p == 'e' || *p == 'E') &&
	    isdigit((unsigned char)p[1 + (p[1] == '-' || p[1] == '+')]))
		for (p += 2; isdigit((unsigned char)*p); p++)
			;
	size = (size_t)(p - *text);
	if (!digits || size >= sizeof(copy))
		return false;
	memcpy(copy, *text, size);
	copy[size] = '\0';
	*ret = strtod(copy, NULL);
	*text = p;
	return isfinite(*ret);
}

/* Shortest text that reads back as the same number. */
static void number_write(double value, char *buf, size_t size)
{
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(buf, size, "%.*g", digits, value == 0.0 ? 0.0 : value);
		if (strtod(buf, NULL) == value)
			return;
	}
}

static const char *skip_spaces(const char *text)
{
	return text + strspn(text, " \t\r\n");
}

/* ---- times ----------------------------------------------------------------------------------- */

static int time_fault(const char *text, struct mixd_fault *fault)
{
	return cliplist_fault(fault, "write it as in 12.5s, 10ms, 1:23.456 or 48000fr",
			      "\"%.40s\" is no time", text);
}

/* "1:23.456", "1:02:03": what stands behind the first number. */
static bool time_read_clock(const char **text, double *seconds)
{
	int parts = 1;

	while (**text == ':' && parts++ < 3) {
		double part;

		(*text)++;
		if (!isdigit((unsigned char)(*text)[0]) || !isdigit((unsigned char)(*text)[1]) ||
		    !number_read(text, &part) || part >= 60.0)
			return false;
		*seconds = *seconds * 60.0 + part;
	}
	return **text == '\0';
}

int clip_time_parse(const char *text, bool is_signed, struct clip_time *ret,
		    struct mixd_fault *fault)
{
	static const struct {
		const char *unit;
		double factor, divisor;
		bool in_frames;
	} units[] = {{"s", 1, 1, false},    {"ms", 1, 1e3, false},  {"us", 1, 1e6, false},
		     {"min", 60, 1, false}, {"h", 3600, 1, false},  {"fr", 1, 1, true},
		     {"frame", 1, 1, true}, {"frames", 1, 1, true}, {"", 1, 1, false}};
	const char *p = skip_spaces(text);
	double sign = *p == '-' ? -1.0 : 1.0, value;
	struct clip_time time = {0};
	size_t i, size;

	if (is_signed && (*p == '-' || *p == '+'))
		p++;
	if (!number_read(&p, &value))
		return time_fault(text, fault);
	if (*p == ':') {
		if (value != floor(value) || !time_read_clock(&p, &value))
			return time_fault(text, fault);
		time.value = value;
	} else {
		p = skip_spaces(p);
		size = strcspn(p, " \t\r\n");
		for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (strlen(units[i].unit) == size &&
			    strncasecmp(p, units[i].unit, size) == 0)
				break;
		if (i == sizeof(units) / sizeof(units[0]) || *skip_spaces(p + size))
			return time_fault(text, fault);
		time.value = value * units[i].factor / units[i].divisor;
		time.in_frames = units[i].in_frames;
	}
	if (time.value > (time.in_frames ? CLIPLIST_FRAMES_MAX : CLIPLIST_SECONDS_MAX))
		return cliplist_fault(fault, "want at most 100 h", "\"%.40s\" is too long", text);
	if (time.in_frames && time.value != floor(time.value))
		return cliplist_fault(fault, "want whole frames, as in 48000fr",
				      "\"%.40s\" is between two frames", text);
	time.value *= is_signed && time.value != 0.0 ? sign : 1.0;
	*ret = time;
	return 0;
}

void clip_time_format(struct clip_time time, char *buf, size_t size)
{
	char number[40];

	if (time.in_frames) {
		snprintf(buf, size, "%.0ffr", time.value);
		return;
	}
	number_write(time.value * 1e3, number, sizeof(number));
	if (time.value != 0.0 && fabs(time.value) < 1.0 && strlen(number) < 8 &&
	    strtod(number, NULL) / 1e3 == time.value) {
		snprintf(buf, size, "%sms", number);
		return;
	}
	number_write(time.value, number, sizeof(number));
	snprintf(buf, size, "%ss", number);
}

int64_t clip_time_frames(struct clip_time time, double rate)
{
	return (int64_t)llround(time.in_frames ? time.value : time.value * rate);
}

struct clip_time clip_time_of(int64_t frames, double rate, bool in_frames)
{
	if (in_frames)
		return (struct clip_time){.value = (double)frames, .in_frames = true};
	return (struct clip_time){.value = (double)llround((double)frames / rate * 1e9) / 1e9};
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool suffix_is(const char *text, const char *suffix)
{
	text = skip_spaces(text);
	return strncasecmp(text, suffix, strlen(suffix)) == 0 &&
	       !*skip_spaces(text + strlen(suffix));
}

static bool gain_read(const char *text, double *ret)
{
	double sign = 1.0, value;

	text = skip_spaces(text);
	if (*text == '-' || *text == '+')
		sign = *text++ == '-' ? -1.0 : 1.0;
	if (sign < 0.0 && strncasecmp(text, "inf", 3) == 0) {
		text += 3;
		value = -CLIPLIST_GAIN_MIN_DB;
	} else if (!number_read(&text, &value)) {
		return false;
	}
	value *= sign;
	if (!(suffix_is(text, "dB") || suffix_is(text, "")) || value > CLIPLIST_GAIN_MAX_DB)
		return false;
	*ret = value == 0.0 ? 0.0 : fmax(value, CLIPLIST_GAIN_MIN_DB);
	return true;
}

/* "150%", or 1.5 */
static bool speed_read(const char *text, double *ret)
{
	double value;

	text = skip_spaces(text);
	if (!number_read(&text, &value))
		return false;
	if (suffix_is(text, "%"))
		value /= 100.0;
	else if (!suffix_is(text, ""))
		return false;
	if (value < CLIPLIST_SPEED_MIN || value > CLIPLIST_SPEED_MAX)
		return false;
	*ret = value;
	return true;
}

static bool loop_read(const char *text, uint32_t *ret)
{
	double value;

	text = skip_spaces(text);
	if (!number_read(&text, &value) || !suffix_is(text, "") || value != floor(value) ||
	    value > CLIPLIST_LOOP_MAX)
		return false;
	*ret = (uint32_t)value;
	return true;
}

static bool switch_read(const char *text, bool *ret)
{
	static const char *const words[] = {"off", "on", "false", "true", "no", "yes"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(words[i], text) == 0) {
			*ret = i & 1u;
			return true;
		}
	return false;
}

static int curve_set(enum clip_curve *ret, const char *text, struct mixd_fault *fault)
{
	for (int i = 0; clip_curve_names[i]; i++)
		if (strcasecmp(clip_curve_names[i], text) == 0) {
			*ret = (enum clip_curve)i;
			return 0;
		}
	return cliplist_fault(fault, "want linear, equal-power, smooth or log",
			      "there is no curve \"%.40s\"", text);
}

static int text_set(char **ret, const char *id, const char *text, struct mixd_fault *fault)
{
	size_t max = strcmp(id, "file") == 0 ? CLIPLIST_FILE_MAX : CLIPLIST_NAME_MAX;
	char *copy;

	if (strlen(text) > max)
		return cliplist_fault(fault, "shorten it", "the %s is longer than %zu bytes", id,
				      max);
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			return cliplist_fault(fault, "want printable text",
					      "the %s has a control character", id);
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	free(*ret);
	*ret = copy;
	return 0;
}

static const struct clip_key *key_find(const char *id)
{
	for (size_t i = 0; i < CLIP_KEYS; i++)
		if (strcmp(clip_keys[i].id, id) == 0)
			return &clip_keys[i];
	return NULL;
}

int clip_set(struct clip *clip, const char *id, const char *text, struct mixd_fault *fault)
{
	const struct clip_key *key = key_find(id);
	char hint[64];
	void *field;
	bool good = false;

	if (!key)
		return cliplist_fault(fault,
				      "want file, at, offset, length, gain, fade_in, fade_out, "
				      "curve_in, curve_out, loop, reverse, speed or name",
				      "a clip has no \"%.40s\"", id);
	field = (char *)clip + key->at;
	switch (key->kind) {
	case CLIP_TEXT:
		return text_set(field, id, text, fault);
	case CLIP_TIME:
	case CLIP_LENGTH:
		return clip_time_parse(text, false, field, fault);
	case CLIP_CURVE:
		return curve_set(field, text, fault);
	case CLIP_GAIN:
		good = gain_read(text, field);
		break;
	case CLIP_LOOP:
		good = loop_read(text, field);
		break;
	case CLIP_SWITCH:
		good = switch_read(text, field);
		break;
	case CLIP_SPEED:
		good = speed_read(text, field);
		break;
	}
	if (good)
		return 0;
	snprintf(hint, sizeof(hint), "write it as in %s", key->example);
	return cliplist_fault(fault, hint, "%s: \"%.40s\" is not possible", id, text);
}

/* ---- clips ----------------------------------------------------------------------------------- */

void clip_init(struct clip *clip)
{
	*clip = (struct clip){.length.value = -1.0, .loop = 1, .speed = 1.0};
}

void clip_done(struct clip *clip)
{
	free(clip->file);
	free(clip->name);
	clip->file = clip->name = NULL;
}

int clip_copy(const struct clip *clip, struct clip *ret)
{
	struct clip copy = *clip;

	copy.file = strdup(clip->file ? clip->file : "");
	copy.name = strdup(clip->name ? clip->name : "");
	if (!copy.file || !copy.name) {
		clip_done(&copy);
		return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

int clip_check(const struct clip *clip, struct mixd_fault *fault)
{
	const struct clip_time *length = &clip->length;

	if (!clip->file || !clip->file[0])
		return cliplist_fault(fault, "write {file: vox.wav, at: 0s}", "a clip has no file");
	if (length->value == 0.0)
		return cliplist_fault(fault, "leave the length out: to the end of the file",
				      "a clip of no length");
	if (length->value > 0.0 && clip->loop == 1 &&
	    clip->fade_in.in_frames == length->in_frames &&
	    clip->fade_out.in_frames == length->in_frames &&
	    clip->fade_in.value + clip->fade_out.value > length->value * (1.0 + 1e-9))
		return cliplist_fault(fault, "shorten a fade, or lengthen the clip",
				      "the fades of %.60s are longer than the clip", clip->file);
	return 0;
}

int cliplist_insert(struct cliplist *list, uint32_t idx, struct clip *clip,
		    struct mixd_fault *fault)
{
	if (list->n >= CLIPLIST_MAX) {
		cliplist_fault(fault, "use a second player", "more than %u clips", CLIPLIST_MAX);
		return -ENOSPC;
	}
	if (list->n == list->max) {
		uint32_t max = list->max ? list->max * 2 : 8;
		struct clip *grown = reallocarray(list->clip, max, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->clip = grown;
		list->max = max;
	}
	if (idx > list->n)
		idx = list->n;
	memmove(&list->clip[idx + 1], &list->clip[idx], (list->n - idx) * sizeof(*list->clip));
	list->clip[idx] = *clip;
	list->n++;
	return 0;
}

void cliplist_remove(struct cliplist *list, uint32_t idx)
{
	clip_done(&list->clip[idx]);
	list->n--;
	memmove(&list->clip[idx], &list->clip[idx + 1], (list->n - idx) * sizeof(*list->clip));
}

void cliplist_done(struct cliplist *list)
{
	for (uint32_t i = 0; i < list->n; i++)
		clip_done(&list->clip[i]);
	free(list->clip);
	*list = (struct cliplist){0};
}

/* ---- writing --------------------------------------------------------------------------------- */

/* What no reader of YAML takes for anything but a word; else RFC 8259 section 7 in quotes. */
static void word_write(FILE *out, const char *text)
{
	static const char *const taken[] = {"true", "false", "yes", "no",  "on", "off",
					    "null", "y",     "n",   "inf", "nan"};
	bool plain = isalpha((unsigned char)text[0]) != 0;

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		plain = plain && strcasecmp(taken[i], text) != 0;
	for (const char *p = text; *p; p++)
		plain = plain && (isalnum((unsigned char)*p) || strchr("_-./", *p));
	if (plain) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static bool key_is_default(const struct clip *clip, const struct clip_key *key)
{
	const void *field = (const char *)clip + key->at;
	const char *text;

	switch (key->kind) {
	case CLIP_TEXT:
		text = *(char *const *)field;
		return !text || !text[0];
	case CLIP_TIME:
		return ((const struct clip_time *)field)->value == 0.0 && field != &clip->at;
	case CLIP_LENGTH:
		return ((const struct clip_time *)field)->value < 0.0;
	case CLIP_GAIN:
		return clip->gain_db == 0.0;
	case CLIP_CURVE:
		return *(const enum clip_curve *)field == CLIP_CURVE_LINEAR;
	case CLIP_LOOP:
		return clip->loop == 1;
	case CLIP_SWITCH:
		return !clip->reverse;
	case CLIP_SPEED:
		return clip->speed == 1.0;
	}
	return true;
}

static void percent_write(double speed, char *buf, size_t size)
{
	char number[40];

	number_write(speed * 100.0, number, sizeof(number));
	if (strtod(number, NULL) / 100.0 == speed)
		snprintf(buf, size, "%s%%", number);
	else
		number_write(speed, buf, size);
}

bool clip_get(const struct clip *clip, const char *id, char *buf, size_t size)
{
	const struct clip_key *key = key_find(id);
	const void *field;

	if (!key || key_is_default(clip, key))
		return false;
	field = (const char *)clip + key->at;
	switch (key->kind) {
	case CLIP_TEXT:
		snprintf(buf, size, "%s", *(char *const *)field);
		break;
	case CLIP_TIME:
	case CLIP_LENGTH:
		clip_time_format(*(const struct clip_time *)field, buf, size);
		break;
	case CLIP_GAIN:
		number_write(clip->gain_db, buf, size);
		snprintf(buf + strlen(buf), size - strlen(buf), "dB");
		if (clip->gain_db <= CLIPLIST_GAIN_MIN_DB)
			snprintf(buf, size, "-inf");
		break;
	case CLIP_CURVE:
		snprintf(buf, size, "%s", clip_curve_names[*(const enum clip_curve *)field]);
		break;
	case CLIP_LOOP:
		snprintf(buf, size, "%u", clip->loop);
		break;
	case CLIP_SWITCH:
		snprintf(buf, size, "%s", clip->reverse ? "on" : "off");
		break;
	case CLIP_SPEED:
		percent_write(clip->speed, buf, size);
		break;
	}
	return true;
}

static void clip_write(FILE *out, const struct clip *clip)
{
	char text[CLIPLIST_FILE_MAX + 1];
	const char *comma = "{";

	for (size_t i = 0; i < CLIP_KEYS; i++) {
		if (!clip_get(clip, clip_keys[i].id, text, sizeof(text)))
			continue;
		fprintf(out, "%s%s: ", comma, clip_keys[i].id);
		if (clip_keys[i].kind == CLIP_TEXT)
			word_write(out, text);
		else
			fputs(text, out);
		comma = ", ";
	}
	fputc('}', out);
}

static char *clips_write(const struct clip *clip, uint32_t n, bool brackets)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (uint32_t i = 0; i < n; i++) {
		fputs(i ? ", " : brackets ? "[" : "", out);
		clip_write(out, &clip[i]);
	}
	if (n && brackets)
		fputc(']', out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

char *cliplist_write(const struct cliplist *list)
{
	return clips_write(list->clip, list->n, true);
}

char *cliplist_write_clip(const struct clip *clip)
{
	return clips_write(clip, 1, false);
}
