/* test_audio_stream.c - files piece by piece: any frame, any order, other rates, backwards; and what
 * cannot be played. */
#include "audio_stream.h"

#include <errno.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"
#include "test_wav.h"

#define FRAMES 20000u

static float wave[2][FRAMES];

static const char *stream_file(uint32_t rate)
{
	const float *plane[] = {wave[0], wave[1]};

	for (uint32_t i = 0; i < FRAMES; i++) {
		wave[0][i] = (float)(0.5 * sin(0.05 * i));
		wave[1][i] = (float)(0.25 * cos(0.11 * i));
	}
	return test_wav_write(plane, 2, FRAMES, rate);
}

static struct mixd_stream *stream_open(const char *path, double speed, bool reverse,
				       struct mixd_stream_info *ret_info)
{
	struct mixd_stream *stream;
	struct mixd_fault fault;

	CHECK(audio_stream_open(path, 48000, speed, reverse, &stream, ret_info, &fault) == 0,
	      "%s; %s", fault.text, fault.hint);
	return stream;
}

static void stream_get(struct mixd_stream *stream, uint64_t at, float *a, float *b, uint32_t n)
{
	float *const to[] = {a, b};
	struct mixd_fault fault;

	CHECK(audio_stream_read(stream, at, to, n, &fault) == 0, "%s", fault.text);
}

TEST(stream_gives_any_frame_in_any_order)
{
	static const uint32_t places[][2] = {{0, 1},	  {1, 5000}, {19000, 2000},
					     {777, 4096}, {5, 1},    {30000, 100}};
	struct mixd_stream_info info;
	float a[5000], b[5000];
	struct mixd_stream *stream = stream_open(stream_file(48000), 1.0, false, &info);
	struct mixd_stream *back = stream_open(stream_file(48000), 1.0, true, &info);

	CHECK(info.n_frames == FRAMES && info.layout->n_channels == 2 && info.file_rate == 48000);
	for (uint32_t k = 0; k < 6; k++) {
		uint32_t at = places[k][0], n = places[k][1];

		stream_get(stream, at, a, b, n);
		for (uint32_t i = 0; i < n; i++) {
			bool in = at + i < FRAMES;

			CHECK(a[i] == (in ? wave[0][at + i] : 0.0f) &&
				      b[i] == (in ? wave[1][at + i] : 0.0f),
			      "frame %u", at + i);
		}
		stream_get(back, at, a, b, n);
		for (uint32_t i = 0; i < n; i++)
			CHECK(b[i] == (at + i < FRAMES ? wave[1][FRAMES - 1 - at - i] : 0.0f),
			      "back, frame %u", at + i);
	}
	audio_stream_close(stream);
	audio_stream_close(back);
	audio_stream_close(NULL);
}

/* Frame k is where k * ratio is in the file, from wherever one reads. */
static void stream_at_ratio(uint32_t rate, double speed, bool reverse)
{
	double ratio = rate * speed / 48000.0;
	struct mixd_stream_info info;
	struct mixd_stream *stream = stream_open(stream_file(rate), speed, reverse, &info);
	uint32_t n = (uint32_t)info.n_frames, half = n / 2 + 13;
	float *a = calloc(n + 1000, sizeof(float)), *b = calloc(n + 1000, sizeof(float));
	float x[500], y[500];

	CHECK(n == (uint32_t)ceil(FRAMES / ratio), "%u", n);
	for (uint32_t done = 0; done < n + 1000; done += 333) {
		uint32_t part = n + 1000 - done < 333 ? n + 1000 - done : 333;

		stream_get(stream, done, a + done, b + done, part);
	}
	for (uint32_t i = n / 5; i < n - n / 5; i++) {
		double t = reverse ? FRAMES - 1 - i * ratio : i * ratio;

		CHECK(fabs((double)a[i] - 0.5 * sin(0.05 * t)) < 3e-6, "%u Hz, %g: frame %u: %g",
		      rate, speed, i, (double)a[i] - 0.5 * sin(0.05 * t));
	}
	for (uint32_t i = n; i < n + 1000; i++)
		CHECK(a[i] == 0.0f && b[i] == 0.0f);
	stream_get(stream, half, x, y, 500); /* back, and from the middle */
	for (uint32_t i = 0; i < 500; i++)
		CHECK(fabs((double)x[i] - (double)a[half + i]) < 2e-7, "again, frame %u", i);
	free(a);
	free(b);
	audio_stream_close(stream);
}

TEST(stream_resamples_on_one_grid)
{
	stream_at_ratio(44100, 1.0, false);
	stream_at_ratio(44100, 1.0, true);
	stream_at_ratio(96000, 1.0, false);
	stream_at_ratio(48000, 1.5, false);
	stream_at_ratio(48000, 0.4237, true);
	stream_at_ratio(44100, 1.0594630943592953, false);
}

static void stream_refuses(const char *path, const char *word)
{
	struct mixd_stream_info info;
	struct mixd_stream *stream;
	struct mixd_fault fault;

	CHECK(audio_stream_open(path, 48000, 1.0, false, &stream, &info, &fault) < 0, "%s", path);
	CHECK(strstr(fault.text, word) && fault.hint[0], "%s; %s", fault.text, fault.hint);
}

TEST(stream_says_what_cannot_be_played)
{
	float bad[2000] = {0};
	const float *plane[] = {bad};
	float *const to[] = {bad};
	struct mixd_stream_info info;
	struct mixd_stream *stream;
	struct mixd_fault fault;
	const char *path = test_wav_path();
	FILE *file = fopen(path, "w");

	fputs("no sound at all, only words", file);
	fclose(file);
	stream_refuses(path, "wav");
	stream_refuses("/nowhere.wav", "nowhere");
	stream_refuses("nowhere.wav", "nowhere");
	stream_refuses("/dev/null", "null");
	bad[1000] = NAN;
	path = test_wav_write(plane, 1, 2000, 48000);
	stream = stream_open(path, 1.0, false, &info);
	CHECK(audio_stream_read(stream, 0, to, 2000, &fault) < 0);
	CHECK(fault.text[0] && fault.hint[0]);
	audio_stream_close(stream);
}

/* A file that is cut is played as far as it goes. */
TEST(stream_plays_what_there_is_of_a_cut_file)
{
	struct mixd_stream_info info;
	struct mixd_stream *stream;
	const char *path = stream_file(48000);
	float a[4000], b[4000];
	struct stat stat;

	CHECK(lstat(path, &stat) == 0 && truncate(path, stat.st_size - 8 * 10000) == 0);
	stream = stream_open(path, 1.0, false, &info);
	stream_get(stream, 5000, a, b, 4000);
	for (uint32_t i = 0; i < 4000; i++)
		CHECK(a[i] == wave[0][5000 + i]);
	stream_get(stream, 11000, a, b, 4000);
	for (uint32_t i = 0; i < 4000; i++)
		CHECK(a[i] == 0.0f);
	audio_stream_close(stream);
}
