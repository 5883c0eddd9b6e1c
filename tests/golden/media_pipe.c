/* media_pipe.c - samples into and out of daemon/render's files by pipes, for media_formats_test.py; their
 * tags: tests/deliver/media_tool.c.
 *
 *     media_pipe read FILE [from=FRAME] [block=N] [tolerate=1]    interleaved f32 to standard output
 *     media_pipe write FILE rate=HZ layout=NAME [bits= float= dither= seed= mode= kbps= quality=
 *                compression= format= block= expected= kill=FRAMES]    the same from standard input
 *
 * What the file is goes to standard error as one line of JSON; a refusal as "error CODE ...", and its
 * code is the exit status. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "graph_layout.h"
#include "media_read.h"
#include "media_write.h"

#if defined(__SANITIZE_ADDRESS__)
/* libvorbisenc leaves this behind with some numbers of channels. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
	return "leak:vorbis_encode_setup_init\nleak:vorbis_info_init";
}
#endif

#define BLOCK_MAX 65536u

static float planes[MEDIA_CHANNELS_MAX][BLOCK_MAX], mixed[MEDIA_CHANNELS_MAX * BLOCK_MAX];
static float *channels[MEDIA_CHANNELS_MAX];
static char **words;

/* The value of KEY=value, or ELSE_. */
static const char *word(const char *key, const char *else_)
{
	size_t n = strlen(key);

	for (char **at = words; *at; at++)
		if (strncmp(*at, key, n) == 0 && (*at)[n] == '=')
			return *at + n + 1;
	return else_;
}

static double number(const char *key, double else_)
{
	const char *text = word(key, NULL);

	return text ? atof(text) : else_;
}

static int refuse(const struct mixd_error *err)
{
	fprintf(stderr, "error %d %s: %s (%s)\n", err->code, err->address, err->text, err->hint);
	return err->code;
}

static int tool_read(const char *path)
{
	uint32_t block = (uint32_t)number("block", 4096);
	struct media_reader *reader = NULL;
	const struct media_info *info;
	struct mixd_error err = {0};
	int64_t n = 0;

	if (media_open(path, &reader, &err) < 0)
		return refuse(&err);
	info = media_reader_info(reader);
	if (number("tolerate", 0) > 0)
		media_reader_tolerate(reader);
	fprintf(stderr,
		"{\"container\": \"%s\", \"codec\": \"%s\", \"rate\": %.10g, \"channels\": %u, "
		"\"layout\": \"%s\", \"frames\": %lld, \"bits\": %u, \"float\": %d, \"lossy\": %d, "
		"\"kbps\": %.3f, \"cbr\": %d}\n",
		info->container, info->codec, info->rate, info->n_channels, info->layout.name,
		(long long)info->n_frames, info->bits, info->is_float, info->is_lossy,
		info->bitrate_kbps, info->is_cbr);
	if (media_seek(reader, (int64_t)number("from", 0), &err) < 0)
		n = -1;
	while (n >= 0 && (n = media_read(reader, channels, block, &err)) > 0) {
		for (int64_t i = 0; i < n; i++)
			for (uint32_t c = 0; c < info->n_channels; c++)
				mixed[(size_t)i * info->n_channels + c] = planes[c][i];
		fwrite(mixed, sizeof(float) * info->n_channels, (size_t)n, stdout);
	}
	if (n == 0)
		fprintf(stderr, "{\"used\": %u, \"frames\": %lld}\n",
			media_reader_used_bits(reader), (long long)info->n_frames);
	media_close(reader);
	return n < 0 ? refuse(&err) : 0;
}

static int tool_write(const char *path)
{
	uint32_t block = (uint32_t)number("block", 4096);
	const struct mixd_layout *layout = graph_layout_find(word("layout", "stereo"), NULL);
	int64_t kill_at = (int64_t)number("kill", -1), done = 0;
	struct media_writer *writer = NULL;
	struct mixd_error err = {0};
	struct media_target target;
	size_t n;
	int r;

	media_target_init(&target);
	target.format = word("format", NULL);
	target.rate = number("rate", 48000);
	target.layout = *layout;
	target.bits = (uint32_t)number("bits", 0);
	target.is_float = number("float", 0) > 0;
	target.dither = (enum media_dither)number("dither", MEDIA_DITHER_AUTO);
	target.seed = (uint64_t)number("seed", 1);
	target.mode = (enum media_rate_mode)number("mode", MEDIA_RATE_AUTO);
	target.bitrate_kbps = number("kbps", 0);
	target.quality = number("quality", -1);
	target.compression = number("compression", -1);
	target.expected_frames = (int64_t)number("expected", -1);
	r = media_create(path, &target, &writer, &err);
	while (r == 0 && (n = fread(mixed, sizeof(float) * layout->n_channels, block, stdin)) > 0) {
		for (size_t i = 0; i < n; i++)
			for (uint32_t c = 0; c < layout->n_channels; c++)
				planes[c][i] = mixed[i * layout->n_channels + c];
		r = media_write(writer, (const float *const *)channels, (uint32_t)n, &err);
		done += (int64_t)n;
		if (kill_at >= 0 && done >= kill_at) {
			printf("ready\n");
			fflush(stdout);
			pause();
		}
	}
	if (r == 0)
		r = media_finish(writer, NULL, &err);
	if (r == 0)
		fprintf(stderr, "{\"clips\": %llu}\n",
			(unsigned long long)media_writer_clips(writer));
	media_writer_free(writer);
	return r < 0 ? refuse(&err) : 0;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	words = argv + 3;
	for (uint32_t c = 0; c < MEDIA_CHANNELS_MAX; c++)
		channels[c] = planes[c];
	return strcmp(argv[1], "read") == 0 ? tool_read(argv[2]) : tool_write(argv[2]);
}
