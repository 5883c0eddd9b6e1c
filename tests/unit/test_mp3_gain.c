/* Moments of an MP3 lowered in place (daemon/delivery/mp3_gain.h): by how much, where, and nothing else; and a
 * file proved while that is done (master_prove.c): what is measured is the file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "graph_layout.h"
#include "master_private.h"
#include "media_read.h"
#include "media_write.h"
#include "mp3_gain.h"
#include "test.h"

#define FRAMES_MAX (48000 * 8)

static float sound[2][FRAMES_MAX], before[2][FRAMES_MAX], after[2][FRAMES_MAX];
static char path[64];

static void encode_sound(double rate, uint32_t n, const char *layout, double kbps)
{
	const float *channels[] = {sound[0], sound[1]};
	struct media_writer *writer = NULL;
	struct media_target target;
	struct mixd_error err = {0};

	snprintf(path, sizeof(path), "/tmp/mixd-mp3-gain-%d.mp3", (int)getpid());
	media_target_init(&target);
	target.format = "mp3";
	target.rate = rate;
	target.layout = *graph_layout_find(layout, NULL);
	if (kbps > 0)
		target.bitrate_kbps = kbps;
	else
		target.quality = 2;
	CHECK(media_create(path, &target, &writer, &err) == 0, "%s", err.text);
	CHECK(media_write(writer, channels, n, &err) == 0);
	CHECK(media_finish(writer, NULL, &err) == 0, "%s", err.text);
	media_writer_free(writer);
}

static void encode(double rate, uint32_t n, const char *layout, double kbps)
{
	for (uint32_t i = 0; i < n; i++) {
		sound[0][i] = (float)(0.3 * sin(0.05 * i) + 0.1 * (2 * test_random() - 1));
		sound[1][i] = (float)(0.3 * sin(0.03 * i) + 0.1 * (2 * test_random() - 1));
	}
	encode_sound(rate, n, layout, kbps);
}

/* Opened, lowered, closed. */
static int lower(const struct mp3_gain_spot *spot, uint32_t n, uint32_t *ret_granules,
		 struct mixd_error *err)
{
	struct mp3_gain_format format;
	struct mp3_gain *gain = NULL;
	int r = mp3_gain_open(path, &gain, &format, err), closed;

	*ret_granules = 0;
	if (r < 0)
		return r;
	r = mp3_gain_lower(gain, spot, n, err);
	closed = mp3_gain_close(gain, ret_granules, err);
	return r < 0 ? r : closed;
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
	struct mp3_gain_spot spot = {llround(rate * 2), 1.4};
	int64_t n = (int64_t)rate * 5, at = (int64_t)rate * 2, first = n, last = 0;
	struct mixd_error err = {0};
	uint32_t granules = 0;

	encode(rate, (uint32_t)n, layout, kbps);
	check_tag();
	CHECK(decode(before) == n);
	CHECK(lower(&spot, 1, &granules, &err) == 0, "%s", err.text);
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
	struct mp3_gain_spot spot = {96000, 4.0};
	struct mixd_error err = {0};
	uint32_t granules = 0;

	encode(48000, 48000 * 4, "stereo", 192);
	CHECK(decode(before) == 48000 * 4);
	CHECK(lower(&spot, 1, &granules, &err) == 0);
	CHECK(granules == 6);
	CHECK(decode(after) == 48000 * 4);
	CHECK_NEAR(10 * log10(energy(after, 2, 95968, 64) / energy(before, 2, 95968, 64)),
		   -3 * MP3_GAIN_STEP_DB, 0.6);
	unlink(path);
}

/* What is no spot, or no MP3, stays as it is. */
TEST(no_more_than_spots)
{
	struct mp3_gain_spot many[400], deep = {96000, 9.0};
	struct mixd_error err = {0};
	uint32_t granules = 0;
	FILE *file;

	encode(48000, 48000 * 5, "stereo", 192);
	CHECK(decode(before) == 48000 * 5);
	for (uint32_t i = 0; i < 400; i++)
		many[i] = (struct mp3_gain_spot){480 * (int64_t)i, 1};
	CHECK(lower(many, 400, &granules, &err) == -EOPNOTSUPP && granules == 0);
	CHECK(lower(&deep, 1, &granules, &err) == -EOPNOTSUPP && granules == 0);
	CHECK(decode(after) == 48000 * 5);
	CHECK(memcmp(before, after, sizeof(before)) == 0);
	file = fopen(path, "we");
	CHECK(file && fwrite(many, sizeof(many), 1, file) == 1 && fclose(file) == 0);
	CHECK(lower(many, 1, &granules, &err) == -EOPNOTSUPP);
	unlink(path);
	CHECK(lower(many, 1, &granules, &err) == -ENOENT && err.text[0]);
}

/* What is lowered twice fades all the same, one step at a time, and no deeper than 6 dB. */
TEST(on_top_of_what_was_lowered)
{
	struct mp3_gain_spot once = {96000, 1.4}, deep = {96000, 5.9};
	struct mp3_gain_format format = {0};
	struct mp3_gain *gain = NULL;
	struct mixd_error err = {0};
	uint32_t granules = 0;

	encode(48000, 48000 * 4, "stereo", 192);
	CHECK(decode(before) == 48000 * 4);
	CHECK(mp3_gain_open(path, &gain, &format, &err) == 0, "%s", err.text);
	CHECK(format.rate == 48000 && format.n_channels == 2);
	CHECK(mp3_gain_lower(gain, &once, 1, &err) == 0);
	CHECK(mp3_gain_lower(gain, &once, 1, &err) == 0);
	CHECK(mp3_gain_lower(gain, &deep, 1, &err) == -EOPNOTSUPP);
	CHECK(mp3_gain_close(gain, &granules, &err) == 0 && granules == 4);
	CHECK(mp3_gain_close(NULL, &granules, &err) == 0 && granules == 0);
	check_tag();
	CHECK(decode(after) == 48000 * 4);
	CHECK_NEAR(10 * log10(energy(after, 2, 95968, 64) / energy(before, 2, 95968, 64)),
		   -2 * MP3_GAIN_STEP_DB, 0.5);
	/* G1 */
	CHECK(energy(before, 2, 96000 - MP3_GAIN_REACH - 9600, 9600) > 0);
	for (uint32_t c = 0; c < 2; c++)
		for (int64_t i = 0; i < 48000 * 4; i++)
			CHECK(i > 96000 - MP3_GAIN_REACH && i < 96000 + MP3_GAIN_REACH
				      ? true
				      : before[c][i] == after[c][i]);
	unlink(path);
}

/* G2, wherever it is sent. */
static void restart_one(double rate, const char *layout, uint32_t channels, double kbps)
{
	const int64_t n = (int64_t)rate * 7;
	struct mp3_gain_format format;
	struct mp3_gain *gain = NULL;
	struct media_reader *reader = NULL;
	struct mixd_error err = {0};
	uint32_t granules;

	encode(rate, (uint32_t)n, layout, kbps);
	CHECK(decode(before) == n);
	CHECK(mp3_gain_open(path, &gain, &format, &err) == 0, "%s", err.text);
	for (int64_t frame = n - 5000; frame > 0; frame -= 23457) {
		int64_t begin = mp3_gain_restart(gain, frame), at = begin, got;

		CHECK(begin >= 0 && begin <= frame && begin + 100 * 1152 > frame);
		CHECK(media_open(path, &reader, &err) == 0, "%s", err.text);
		CHECK(media_seek(reader, begin, &err) == 0, "%s", err.text);
		do {
			float *to[] = {after[0] + at, after[1] + at};

			got = media_read(reader, to, 4096, &err);
			CHECK(got >= 0, "%s", err.text);
			at += got;
		} while (got > 0);
		CHECK(at == n);
		for (uint32_t c = 0; c < channels; c++)
			CHECK(memcmp(before[c] + frame, after[c] + frame,
				     (size_t)(n - frame) * sizeof(float)) == 0,
			      "%g Hz, frame %ld", rate, (long)frame);
		reader = media_close(reader);
	}
	CHECK(mp3_gain_close(gain, &granules, &err) == 0 && granules == 0);
	unlink(path);
}

TEST(a_decoder_that_begins_later_gives_the_same_bits)
{
	restart_one(48000, "stereo", 2, 192);
	restart_one(44100, "stereo", 2, 128);
	restart_one(44100, "stereo", 2, 0);
	restart_one(44100, "mono", 1, 96);
	restart_one(32000, "stereo", 2, 0);
	restart_one(22050, "stereo", 2, 64);
}

/* ---- proved on the way ------------------------------------------------------------------------- */

static void measure_whole(struct measure_result *ret)
{
	struct measure_options options;
	struct media_info info;
	struct mixd_error err = {0};

	measure_options_init(&options);
	options.what = MEASURE_LOUDNESS | MEASURE_TRUE_PEAK;
	CHECK(measure_file(path, &options, NULL, ret, &info, &err) == 0, "%s", err.text);
}

static uint32_t prove(double ceiling_dbtp, struct measure_result *ret)
{
	struct measure_options options;
	struct media_info info;
	struct mixd_error err = {0};
	uint32_t lowered = 0;

	measure_options_init(&options);
	options.what = MEASURE_LOUDNESS | MEASURE_TRUE_PEAK;
	CHECK(master_prove_file(path, ceiling_dbtp, &options, NULL, ret, &info, &lowered, &err) ==
		      0,
	      "%s", err.text);
	CHECK(info.n_frames == (int64_t)ret->n_frames);
	return lowered;
}

/* To the bit. */
static void same_figures(const struct measure_result *a, const struct measure_result *b)
{
	CHECK(a->n_frames == b->n_frames);
	CHECK(a->integrated == b->integrated, "%.17g %.17g", a->integrated, b->integrated);
	CHECK(a->range == b->range);
	CHECK(a->momentary_max == b->momentary_max && a->shortterm_max == b->shortterm_max);
	CHECK(a->true_peak == b->true_peak, "%.17g %.17g", a->true_peak, b->true_peak);
	CHECK(a->sample_peak == b->sample_peak && a->true_peak_at_s == b->true_peak_at_s);
}

/* Noise with a few moments 1 to 5 dB above all others: at the ends too, and two in each other's reach. */
static void loud_moments(double rate, uint32_t n)
{
	static const double at_s[] = {0.004, 0.7, 0.71, 1.9, 3.3, 5.2, 6.9895};

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t c = 0; c < 2; c++)
			sound[c][i] =
				(float)(0.4 * sin((c ? 0.031 : 0.05) * i) +
					0.1 * (2 * test_random() - 1) * (1 + sin(0.0002 * i)));
	for (uint32_t k = 0; k < sizeof(at_s) / sizeof(at_s[0]); k++)
		for (uint32_t i = 0; i < 48; i++) {
			uint32_t at = (uint32_t)(at_s[k] * rate) + i;

			for (uint32_t c = 0; c < 2; c++)
				if (at < n)
					sound[c][at] +=
						(float)((0.28 + 0.08 * k) * sin(3.14159 * i / 48) *
							(i % 4 < 2 ? 1 : -1));
		}
}

static void prove_one(double rate, const char *layout, double kbps)
{
	const uint32_t n = (uint32_t)(rate * 7);
	struct measure_result first, proved, fresh;
	double ceiling_dbtp;
	uint32_t lowered;

	loud_moments(rate, n);
	encode_sound(rate, n, layout, kbps);
	measure_whole(&first);
	ceiling_dbtp = first.true_peak - 1.4;
	lowered = prove(ceiling_dbtp, &proved);
	measure_whole(&fresh);
	same_figures(&proved, &fresh);
	CHECK(lowered >= 2 && lowered <= 24, "%u", lowered);
	CHECK(proved.true_peak <= ceiling_dbtp, "%g %g: %u at %g Hz", proved.true_peak,
	      ceiling_dbtp, lowered, rate);
	CHECK(proved.true_peak > ceiling_dbtp - 2.5 && proved.integrated != first.integrated);
	check_tag();
	measure_result_done(&first);
	measure_result_done(&proved);
	measure_result_done(&fresh);
	unlink(path);
}

TEST(what_is_measured_is_the_file)
{
	prove_one(48000, "stereo", 128);
	prove_one(48000, "stereo", 192);
	prove_one(48000, "stereo", 0);
	prove_one(44100, "stereo", 128);
	prove_one(44100, "stereo", 192);
	prove_one(44100, "stereo", 0);
	prove_one(44100, "mono", 96);
	prove_one(22050, "stereo", 64);
	prove_one(22050, "mono", 64);
}

/* Nothing to lower: not a byte is written. Too much: the figures are those of what is left. */
TEST(what_is_no_moment_is_left)
{
	struct measure_result first, proved, fresh;

	encode(48000, 48000 * 7, "stereo", 192);
	CHECK(decode(before) == 48000 * 7);
	measure_whole(&first);
	CHECK(prove(first.true_peak + 0.01, &proved) == 0);
	same_figures(&first, &proved);
	measure_result_done(&proved);
	CHECK(prove(NAN, &proved) == 0);
	same_figures(&first, &proved);
	measure_result_done(&proved);
	CHECK(decode(after) == 48000 * 7);
	CHECK(memcmp(before, after, sizeof(before)) == 0);
	prove(first.true_peak - 5, &proved);
	CHECK(proved.true_peak > first.true_peak - 5);
	measure_whole(&fresh);
	same_figures(&proved, &fresh);
	check_tag();
	measure_result_done(&first);
	measure_result_done(&proved);
	measure_result_done(&fresh);
	unlink(path);
}
