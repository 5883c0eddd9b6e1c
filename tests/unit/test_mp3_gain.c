/* Moments of an MP3 lowered in place (daemon/delivery/mp3_gain.h): by how much, where, and nothing else. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "graph_layout.h"
#include "media_read.h"
#include "media_write.h"
#include "mp3_gain.h"
#include "test.h"

#define FRAMES_MAX (48000 * 8)

static float sound[2][FRAMES_MAX], before[2][FRAMES_MAX], after[2][FRAMES_MAX];
static char path[64];

static void encode(double rate, uint32_t n, const char *layout, double kbps)
{
	const float *channels[] = {sound[0], sound[1]};
	struct media_writer *writer = NULL;
	struct media_target target;
	struct mixd_error err = {0};

	for (uint32_t i = 0; i < n; i++) {
		sound[0][i] = (float)(0.3 * sin(0.05 * i) + 0.1 * (2 * test_random() - 1));
		sound[1][i] = (float)(0.3 * sin(0.03 * i) + 0.1 * (2 * test_random() - 1));
	}
	snprintf(path, sizeof(path), "/tmp/mixd-mp3-gain-%d.mp3", (int)getpid());
	media_target_init(&target);
	target.format = "mp3";
	target.rate = rate;
	target.layout = *graph_layout_find(layout, NULL);
	target.bitrate_kbps = kbps;
	CHECK(media_create(path, &target, &writer, &err) == 0, "%s", err.text);
	CHECK(media_write(writer, channels, n, &err) == 0);
	CHECK(media_finish(writer, NULL, &err) == 0, "%s", err.text);
	media_writer_free(writer);
}

static int64_t decode(float (*into)[FRAMES_MAX])
{
	struct media_reader *reader = NULL;
	struct mixd_error err = {0};
	int64_t at = 0, n;

	CHECK(media_open(path, &reader, &err) == 0, "%s", err.text);
	do {
		float *to[] = {into[0] + at, into[1] + at};

		n = media_read(reader, to, 4096, &err);
		CHECK(n >= 0, "%s", err.text);
		at += n;
	} while (n > 0);
	media_close(reader);
	return at;
}

/* By the definition, a bit at a time. */
static uint32_t sum_of(const uint8_t *data, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i++)
		for (uint32_t k = 0; k < 8; k++) {
			uint32_t bit = (sum ^ data[i] >> k) & 1;

			sum = sum >> 1 ^ (bit ? 0xa001 : 0);
		}
	return sum;
}

/* The LAME tag's two sums hold. */
static void check_tag(void)
{
	static uint8_t data[1 << 20];
	FILE *file = fopen(path, "re");
	size_t size, tag = 0, frame = 0, first;

	CHECK(file);
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	if (memcmp(data, "ID3", 3) == 0)
		frame = 10 + ((size_t)data[6] << 21 | (size_t)data[7] << 14 | (size_t)data[8] << 7 |
			      data[9]);
	while (tag < 400 && memcmp(data + frame + tag, "Xing", 4) != 0 &&
	       memcmp(data + frame + tag, "Info", 4) != 0)
		tag++;
	CHECK(tag < 400);
	tag += frame + 120;
	first = tag + 36;
	while (first < size && !(data[first] == 0xff && (data[first + 1] & 0xe0) == 0xe0))
		first++;
	CHECK(sum_of(data + first, size - first) ==
	      (uint32_t)(data[tag + 32] << 8 | data[tag + 33]));
	CHECK(sum_of(data + frame, tag + 34 - frame) ==
	      (uint32_t)(data[tag + 34] << 8 | data[tag + 35]));
}

static double energy(float (*in)[FRAMES_MAX], uint32_t channels, int64_t first, int64_t n)
{
	double sum = 0;

	for (uint32_t c = 0; c < channels; c++)
		for (int64_t i = first; i < first + n; i++)
			sum += (double)in[c][i] * (double)in[c][i];
	return sum;
}

static void lower_one(double rate, const char *layout, uint32_t channels, double kbps)
{
	struct mp3_gain_spot spot = {2.0, 1.4};
	int64_t n = (int64_t)rate * 5, at = (int64_t)rate * 2, first = n, last = 0;
	struct mixd_error err = {0};
	uint32_t granules = 0;

	encode(rate, (uint32_t)n, layout, kbps);
	check_tag();
	CHECK(decode(before) == n);
	CHECK(mp3_gain_lower(path, &spot, 1, &granules, &err) == 0, "%s", err.text);
	CHECK(granules == 2);
	check_tag();
	CHECK(decode(after) == n);
	for (uint32_t c = 0; c < channels; c++)
		for (int64_t i = 0; i < n; i++)
			if (fabsf(before[c][i] - after[c][i]) > 1e-4f) {
				first = i < first ? i : first;
				last = i > last ? i : last;
			}
	/* Three granules long, and as long as a synthesis window reaches; the spot is inside. */
	CHECK(last - first < 3 * 576 + 512, "%ld", (long)(last - first));
	CHECK(first < at - 32 && last > at + 32, "%ld %ld", (long)(at - first), (long)(last - at));
	CHECK_NEAR(10 * log10(energy(after, channels, at - 32, 64) /
			      energy(before, channels, at - 32, 64)),
		   -MP3_GAIN_STEP_DB, 0.35);
	unlink(path);
}

TEST(a_moment_is_lowered_and_nothing_else)
{
	lower_one(48000, "stereo", 2, 192);
	lower_one(44100, "stereo", 2, 128);
	lower_one(44100, "mono", 1, 96);
	lower_one(22050, "stereo", 2, 64);
}

/* More is reached in steps, a granule each. */
TEST(deep_ones_fade)
{
	struct mp3_gain_spot spot = {2.0, 4.0};
	struct mixd_error err = {0};
	uint32_t granules = 0;

	encode(48000, 48000 * 4, "stereo", 192);
	CHECK(decode(before) == 48000 * 4);
	CHECK(mp3_gain_lower(path, &spot, 1, &granules, &err) == 0);
	CHECK(granules == 6);
	CHECK(decode(after) == 48000 * 4);
	CHECK_NEAR(10 * log10(energy(after, 2, 95968, 64) / energy(before, 2, 95968, 64)),
		   -3 * MP3_GAIN_STEP_DB, 0.6);
	unlink(path);
}

/* What is no spot, or no MP3, stays as it is. */
TEST(no_more_than_spots)
{
	struct mp3_gain_spot many[400], deep = {2.0, 9.0};
	struct mixd_error err = {0};
	uint32_t granules = 0;
	FILE *file;

	encode(48000, 48000 * 5, "stereo", 192);
	CHECK(decode(before) == 48000 * 5);
	for (uint32_t i = 0; i < 400; i++)
		many[i] = (struct mp3_gain_spot){0.01 * i, 1};
	CHECK(mp3_gain_lower(path, many, 400, &granules, &err) == -EOPNOTSUPP && granules == 0);
	CHECK(mp3_gain_lower(path, &deep, 1, &granules, &err) == -EOPNOTSUPP && granules == 0);
	CHECK(decode(after) == 48000 * 5);
	CHECK(memcmp(before, after, sizeof(before)) == 0);
	file = fopen(path, "we");
	CHECK(file && fwrite(many, sizeof(many), 1, file) == 1 && fclose(file) == 0);
	CHECK(mp3_gain_lower(path, many, 1, &granules, &err) == -EOPNOTSUPP);
	unlink(path);
	CHECK(mp3_gain_lower(path, many, 1, &granules, &err) == -ENOENT && err.text[0]);
}
