/* media_tool.c - what test_tags.py and test_av.py have written and read: files by media_write.h with all
 * tags there are, and what media_read.h says of any file.
 *
 *     media_tool write FOLDER [VARIANT]   a.wav a.rf64 ... a.m4a; variants: "" "short" "many" "bare"
 *     media_tool read FILE                lines of KEY TAB VALUE
 *     media_tool decode FILE RAW [FRAME]  interleaved f32 from FRAME on
 *     media_tool retag FILE               a name, and loudness, into what is there
 *     media_tool encode RAW FILE RATE LAYOUT KBPS */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media_read.h"
#include "media_retag.h"
#include "media_write.h"

#define TOOL_FRAMES 150000
#define TOOL_BLOCK 4096u

static int tool_fail(int r, const struct mixd_error *err)
{
	printf("error\t%d\naddress\t%s\ntext\t%s\nhint\t%s\n", r, err->address, err->text,
	       err->hint);
	return err->code ? (int)err->code : 1;
}

/* ---- write ------------------------------------------------------------------------------------- */

/* A PNG of one point. */
static const uint8_t tool_png[] = {
	0x89, 'P',  'N',  'G',	'\r', '\n', 0x1a, '\n', 0,   0,	   0,	 13,   'I',  'H',
	'D',  'R',  0,	  0,	0,    1,    0,	  0,	0,   1,	   8,	 2,    0,    0,
	0,    0x90, 0x77, 0x53, 0xde, 0,    0,	  0,	12,  'I',  'D',	 'A',  'T',  0x08,
	0xd7, 0x63, 0xf8, 0xcf, 0xc0, 0,    0,	  3,	1,   1,	   0,	 0x18, 0xdd, 0x8d,
	0xb0, 0,    0,	  0,	0,    'I',  'E',  'N',	'D', 0xae, 0x42, 0x60, 0x82};

static const char *const tool_texts[][2] = {
	{"TITLE", "L\u00e0 o\u00f9 \u2014 \u97f3\u697d \U0001f3b5"},
	{"ARTIST", "Bj\u00f6rk & <Sons>"},
	{"ARTIST", "Second"},
	{"ALBUM", "Album 100 %"},
	{"ALBUMARTIST", "Various"},
	{"TRACKNUMBER", "3"},
	{"TRACKTOTAL", "12"},
	{"DATE", "2024-05-17"},
	{"GENRE", "Electronic"},
	{"COMMENT", "first line\nsecond = line"},
	{"COPYRIGHT", "\u2117 2024"},
	{"COMPOSER", "Anna M\u00fcller"},
	{"LABEL", "Nord"},
	{"ISRC", "DEXXX2400001"},
	{"LANGUAGE", "eng"},
	{"MIX", "final"},
};

static void tool_tags(struct media_tags *tags, const char *variant, bool is_early)
{
	uint32_t n_marks = strcmp(variant, "many") == 0 ? 300 : 3;
	const struct media_bext bext = {.is_set = true,
					.description = "A long story",
					.originator = "mixd",
					.originator_reference = "REF0001",
					.date = "2024-05-17",
					.time = "12:34:56",
					.time_reference = 5000000000ull};

	media_tags_init(tags);
	if (strcmp(variant, "bare") == 0)
		return;
	for (size_t i = 0; i < sizeof(tool_texts) / sizeof(tool_texts[0]); i++)
		media_tags_add(tags, tool_texts[i][0], tool_texts[i][1]);
	/* what is longer at the end than it was at the begin */
	if (strcmp(variant, "short") == 0)
		media_tags_set(tags, "ALBUM", is_early ? "A" : "A name that has grown by far");
	for (uint32_t i = 0; i < n_marks; i++) {
		char name[32];

		snprintf(name, sizeof(name), "Kapitel \u00fc %u", (unsigned)i + 1);
		media_tags_mark(tags, i * (TOOL_FRAMES / n_marks / 48 * 48), i == 1 ? 4800 : 0,
				name);
	}
	tags->bext = bext;
	memset(tags->bext.umid, 0x5a, sizeof(tags->bext.umid));
	tags->ixml = strdup("");
	tags->replay_gain = tags->sound_check = true;
	tags->picture = malloc(sizeof(tool_png));
	memcpy(tags->picture, tool_png, sizeof(tool_png));
	tags->picture_bytes = sizeof(tool_png);
	if (is_early)
		return;
	tags->loudness = (struct media_loudness){.integrated = -19.0,
						 .range = 12.34,
						 .true_peak = -1.01,
						 .momentary_max = -15.5,
						 .shortterm_max = NAN,
						 .album_integrated = -21.0,
						 .album_true_peak = -0.5};
}

static int tool_put(const char *path, const char *format, const char *variant,
		    struct mixd_error *err)
{
	static const uint8_t position[] = {MIXD_POS_FL, MIXD_POS_FR};
	struct media_writer *writer = NULL;
	struct media_target target;
	struct media_tags early, late;
	float block[2][TOOL_BLOCK];
	int r;

	tool_tags(&early, variant, true);
	tool_tags(&late, variant, false);
	media_target_init(&target);
	target.format = format;
	target.rate = 48000;
	target.layout = (struct mixd_layout){"stereo", 2, position};
	target.tags = &early;
	r = media_create(path, &target, &writer, err);
	for (uint32_t at = 0; r == 0 && at < TOOL_FRAMES; at += TOOL_BLOCK) {
		uint32_t n = TOOL_FRAMES - at < TOOL_BLOCK ? TOOL_FRAMES - at : TOOL_BLOCK;

		for (uint32_t i = 0; i < n; i++) {
			double t = (at + i) / 48000.0;

			block[0][i] = (float)(0.3 * sin(2 * M_PI * 440 * t));
			block[1][i] = (float)(0.2 * sin(2 * M_PI * 1000 * t));
		}
		r = media_write(writer, (const float *const[]){block[0], block[1]}, n, err);
	}
	if (r == 0)
		r = media_finish(writer, &late, err);
	media_writer_free(writer);
	media_tags_done(&early);
	media_tags_done(&late);
	return r;
}

static int tool_write(const char *folder, const char *variant)
{
	static const char *const formats[] = {"wav",  "rf64", "w64",  "aiff", "caf", "alac",
					      "flac", "ogg",  "opus", "mp3",  "m4a"};
	struct mixd_error err = {0};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		char path[4096];
		int r;

		snprintf(path, sizeof(path), "%s/a.%s", folder, formats[i]);
		r = tool_put(path, formats[i], variant, &err);
		if (r == -EINVAL && strcmp(formats[i], "m4a") == 0 && !strchr(err.text, '/') &&
		    strstr(err.text, "not installed"))
			continue;
		if (r < 0)
			return tool_fail(r, &err);
	}
	return 0;
}

/* ---- read -------------------------------------------------------------------------------------- */

static void tool_say(const char *key, const char *value)
{
	printf("%s\t", key);
	for (; value && *value; value++)
		printf(*value == '\n' ? "\\n" : *value == '\r' ? "\\r" : "%c", *value);
	printf("\n");
}

static void tool_say_tags(const struct media_tags *tags)
{
	const struct media_loudness *is = &tags->loudness;

	for (uint32_t i = 0; i < tags->n_text; i++)
		tool_say(tags->text[i].name, tags->text[i].value);
	for (uint32_t i = 0; i < tags->n_marks; i++)
		printf("mark\t%lld %lld %s\n", (long long)tags->mark[i].frame,
		       (long long)tags->mark[i].length,
		       tags->mark[i].name ? tags->mark[i].name : "");
	if (tags->bext.is_set) {
		tool_say("bext.description", tags->bext.description);
		tool_say("bext.originator", tags->bext.originator);
		tool_say("bext.reference", tags->bext.originator_reference);
		tool_say("bext.date", tags->bext.date);
		tool_say("bext.time", tags->bext.time);
		printf("bext.time_reference\t%llu\n",
		       (unsigned long long)tags->bext.time_reference);
		printf("bext.umid\t%02x\n", (uint8_t)tags->bext.umid[63]);
		tool_say("bext.history", tags->bext.coding_history);
	}
	printf("loudness\t%.2f %.2f %.2f %.2f %.2f %.2f %.2f\n", is->integrated, is->range,
	       is->true_peak, is->momentary_max, is->shortterm_max, is->album_integrated,
	       is->album_true_peak);
	printf("replay_gain\t%d\nsound_check\t%d\n", tags->replay_gain, tags->sound_check);
	printf("picture\t%zu\n", tags->picture_bytes);
	tool_say("ixml", tags->ixml);
}

static int tool_read(const char *path)
{
	struct media_reader *reader = NULL;
	const struct media_info *info;
	struct mixd_error err = {0};
	int r = media_open(path, &reader, &err);

	if (r < 0)
		return tool_fail(r, &err);
	info = media_reader_info(reader);
	printf("info\t%s %s %.0f %u %s %lld %u\n", info->container, info->codec, info->rate,
	       (unsigned)info->n_channels, info->layout.name, (long long)info->n_frames,
	       (unsigned)info->bits);
	tool_say_tags(media_reader_tags(reader));
	media_close(reader);
	return 0;
}

static int tool_decode(const char *path, const char *raw, int64_t frame)
{
	static float block[MEDIA_CHANNELS_MAX][TOOL_BLOCK];
	struct media_reader *reader = NULL;
	float *channels[MEDIA_CHANNELS_MAX];
	struct mixd_error err = {0};
	FILE *out = fopen(raw, "wb");
	int64_t n = media_open(path, &reader, &err);

	for (uint32_t c = 0; c < MEDIA_CHANNELS_MAX; c++)
		channels[c] = block[c];
	if (n == 0 && frame)
		n = media_seek(reader, frame, &err);
	while (n >= 0 && out && (n = media_read(reader, channels, TOOL_BLOCK - 7, &err)) > 0)
		for (uint32_t i = 0; i < n; i++)
			for (uint32_t c = 0; c < media_reader_info(reader)->n_channels; c++)
				fwrite(&block[c][i], sizeof(float), 1, out);
	media_close(reader);
	if (out)
		fclose(out);
	return n < 0 ? tool_fail((int)n, &err) : 0;
}

static int tool_encode(const char *raw, const char *path, double rate, const char *layout,
		       double kbps)
{
	static const uint8_t stereo[] = {MIXD_POS_FL, MIXD_POS_FR}, mono[] = {MIXD_POS_MONO};
	static const uint8_t surround[] = {MIXD_POS_FL,	 MIXD_POS_FR, MIXD_POS_FC,
					   MIXD_POS_LFE, MIXD_POS_SL, MIXD_POS_SR};
	static const uint8_t seven[] = {MIXD_POS_FL, MIXD_POS_FR, MIXD_POS_FC, MIXD_POS_LFE,
					MIXD_POS_RL, MIXD_POS_RR, MIXD_POS_SL, MIXD_POS_SR};
	static const struct mixd_layout layouts[] = {
		{"mono", 1, mono}, {"stereo", 2, stereo}, {"5.1", 6, surround}, {"7.1", 8, seven}};
	static float block[8][TOOL_BLOCK];
	struct media_writer *writer = NULL;
	const float *channels[8];
	struct mixd_error err = {0};
	struct media_target target;
	FILE *in = fopen(raw, "rb");
	float frame[8];
	uint32_t fill = 0;
	int r;

	media_target_init(&target);
	target.rate = rate;
	target.bitrate_kbps = kbps;
	for (size_t i = 0; i < 4; i++)
		if (strcmp(layouts[i].name, layout) == 0)
			target.layout = layouts[i];
	for (uint32_t c = 0; c < 8; c++)
		channels[c] = block[c];
	r = media_create(path, &target, &writer, &err);
	while (r == 0 && in && fread(frame, sizeof(float), target.layout.n_channels, in)) {
		for (uint32_t c = 0; c < target.layout.n_channels; c++)
			block[c][fill] = frame[c];
		if (++fill == TOOL_BLOCK) {
			r = media_write(writer, channels, fill, &err);
			fill = 0;
		}
	}
	if (r == 0 && fill)
		r = media_write(writer, channels, fill, &err);
	if (r == 0)
		r = media_finish(writer, NULL, &err);
	media_writer_free(writer);
	if (in)
		fclose(in);
	return r < 0 ? tool_fail(r, &err) : 0;
}

static int tool_retag(const char *path)
{
	struct media_reader *reader = NULL;
	struct media_tags tags;
	struct media_info info;
	struct mixd_error err = {0};
	int r = media_open(path, &reader, &err);

	if (r < 0)
		return tool_fail(r, &err);
	info = *media_reader_info(reader);
	r = media_tags_copy(&tags, media_reader_tags(reader));
	media_close(reader);
	if (r < 0)
		return tool_fail(r, &err);
	media_tags_set(&tags, "ALBUM", "A name that is longer than it ever was, again and again");
	tags.replay_gain = true;
	tags.loudness.integrated = -30;
	r = media_retag(path, &info, &tags, &err);
	media_tags_done(&tags);
	return r < 0 ? tool_fail(r, &err) : 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "";

	if (strcmp(verb, "write") == 0)
		return tool_write(argv[2], argc > 3 ? argv[3] : "");
	if (strcmp(verb, "read") == 0)
		return tool_read(argv[2]);
	if (strcmp(verb, "retag") == 0)
		return tool_retag(argv[2]);
	if (strcmp(verb, "decode") == 0 && argc > 3)
		return tool_decode(argv[2], argv[3], argc > 4 ? atoll(argv[4]) : 0);
	if (strcmp(verb, "encode") == 0 && argc > 6)
		return tool_encode(argv[2], argv[3], atof(argv[4]), argv[5], atof(argv[6]));
	fprintf(stderr, "usage: media_tool write|read|decode|encode ...\n");
	return 2;
}
