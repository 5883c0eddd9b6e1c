/* test_wav.h - audio files for tests: planes of f32 to a WAV file in a folder that goes away. */
#pragma once

#include <sndfile.h>
#include <unistd.h>

#include "test.h"

static char test_wav_folder[64];
static unsigned test_wav_count;

/* The path of a new file; static, good until the next call but three. */
static inline const char *test_wav_path(void)
{
	static char path[4][128];
	char *ret = path[test_wav_count % 4];

	if (!test_wav_folder[0]) {
		strcpy(test_wav_folder, "/tmp/mixd-wav-XXXXXX");
		CHECK(mkdtemp(test_wav_folder));
	}
	snprintf(ret, sizeof(path[0]), "%s/%u.wav", test_wav_folder, test_wav_count++);
	return ret;
}

__attribute__((destructor)) static void test_wav_clean(void)
{
	char path[128];

	while (test_wav_folder[0] && test_wav_count) {
		snprintf(path, sizeof(path), "%s/%u.wav", test_wav_folder, --test_wav_count);
		unlink(path);
	}
	if (test_wav_folder[0])
		rmdir(test_wav_folder);
}

/* Write N_CHANNELS planes of N_FRAMES as 32-bit float; returns the path. */
static inline const char *test_wav_write(const float *const *channel, uint32_t n_channels,
					 uint64_t n_frames, uint32_t rate)
{
	SF_INFO info = {.channels = (int)n_channels,
			.samplerate = (int)rate,
			.format = SF_FORMAT_WAV | SF_FORMAT_FLOAT};
	const char *path = test_wav_path();
	float *frames = malloc(sizeof(float) * n_channels * (n_frames + 1));
	SNDFILE *file = sf_open(path, SFM_WRITE, &info);

	CHECK(file && frames, "%s", sf_strerror(NULL));
	for (uint64_t i = 0; i < n_frames; i++)
		for (uint32_t c = 0; c < n_channels; c++)
			frames[i * n_channels + c] = channel[c][i];
	CHECK(sf_writef_float(file, frames, (sf_count_t)n_frames) == (sf_count_t)n_frames);
	sf_close(file);
	free(frames);
	return path;
}
