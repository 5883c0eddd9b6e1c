/* test_audio_file.c - the file service: what is read, what is refused, what resampling does. */
#include "audio_file.h"

#include <errno.h>
#include <sndfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

static char folder[64];

static const char *file_path(const char *name)
{
	static char path[160];

	if (!folder[0]) {
		strcpy(folder, "/tmp/mixd-audio-XXXXXX");
		CHECK(mkdtemp(folder));
	}
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

__attribute__((destructor)) static void file_clean(void)
{
	static const char *const names[] = {"a.wav", "fifo", "text.wav", "sub"};

	for (size_t i = 0; folder[0] && i < sizeof(names) / sizeof(names[0]); i++) {
		unlink(file_path(names[i]));
		rmdir(file_path(names[i]));
	}
	if (folder[0])
		rmdir(folder);
}

/* Interleaved SAMPLES as a file; returns its path. */
static const char *file_write(int format, int channels, int rate, const float *samples,
			      uint64_t frames)
{
	SF_INFO info = {.channels = channels, .samplerate = rate, .format = format};
	const char *path = file_path("a.wav");
	SNDFILE *file = sf_open(path, SFM_WRITE, &info);

	CHECK(file, "%s", sf_strerror(NULL));
	CHECK(sf_writef_float(file, samples, (sf_count_t)frames) == (sf_count_t)frames);
	sf_close(file);
	return path;
}

static struct mixd_audio file_read(const char *path, double rate)
{
	struct mixd_audio audio = {0};
	struct mixd_fault fault;

	CHECK(audio_file_read(path, rate, &audio, &fault) == 0, "%s; %s", fault.text, fault.hint);
	return audio;
}

/* Refused with ERROR, and the words say NAMED. */
static void file_refused(const char *path, int error, const char *named)
{
	struct mixd_audio audio = {.n_channels = 77};
	struct mixd_fault fault;

	CHECK(audio_file_read(path, 0, &audio, &fault) == -error, "%s", fault.text);
	CHECK(strstr(fault.text, named), "\"%s\" does not say \"%s\"", fault.text, named);
	CHECK(fault.hint[0], "no hint beside \"%s\"", fault.text);
	CHECK(audio.n_channels == 77, "the result is touched");
}

#define WAV_F32 (SF_FORMAT_WAV | SF_FORMAT_FLOAT)

TEST(audio_file_float_comes_as_it_was)
{
	float samples[300 * 3];
	struct mixd_audio audio;

	for (int i = 0; i < 900; i++)
		samples[i] = (float)(4 * test_random() - 2); /* beyond full scale, too */
	audio = file_read(file_write(WAV_F32, 3, 44100, samples, 300), 0);
	CHECK(audio.n_channels == 3 && audio.n_frames == 300 && audio.rate == 44100);
	for (int i = 0; i < 900; i++) {
		bool same = audio.channel[i % 3][i / 3] == samples[i];

		CHECK(same, "sample %d", i);
	}
	audio_file_free(&audio);
	CHECK(!audio.channel && !audio.n_frames);
	audio_file_free(&audio);
	audio_file_free(NULL);
}

TEST(audio_file_formats)
{
	static const int formats[] = {
		SF_FORMAT_WAV | SF_FORMAT_PCM_16,  SF_FORMAT_WAV | SF_FORMAT_PCM_24,
		SF_FORMAT_RF64 | SF_FORMAT_PCM_24, SF_FORMAT_AIFF | SF_FORMAT_PCM_24,
		SF_FORMAT_CAF | SF_FORMAT_DOUBLE,  SF_FORMAT_FLAC | SF_FORMAT_PCM_24,
		SF_FORMAT_W64 | SF_FORMAT_PCM_32,
	};
	float samples[4800];

	for (int i = 0; i < 4800; i++)
		samples[i] = (float)(0.5 * sin(2 * M_PI * 440 * i / 48000));
	for (size_t f = 0; f < sizeof(formats) / sizeof(formats[0]); f++) {
		struct mixd_audio audio =
			file_read(file_write(formats[f], 1, 48000, samples, 4800), 0);

		CHECK(audio.n_frames == 4800);
		for (int i = 0; i < 4800; i++)
			CHECK_NEAR(audio.channel[0][i], samples[i], 1.1 / 32768);
		audio_file_free(&audio);
	}
}

TEST(audio_file_refusals)
{
	static float samples[48000];
	static const float bad[4] = {0, 0.5f, NAN, 0}, worse[2] = {0, INFINITY};
	char shorter[200];
	FILE *file;

	file_refused("", EINVAL, "no file");
	file_refused(NULL, EINVAL, "no file");
	file_refused(file_path("none.wav"), ENOENT, "none.wav");
	CHECK(mkdir(file_path("sub"), 0700) == 0);
	file_refused(file_path("sub"), EINVAL, "a folder");
	CHECK(mkfifo(file_path("fifo"), 0600) == 0);
	file_refused(file_path("fifo"), EINVAL, "pipe"); /* and does not wait */
	file = fopen(file_path("text.wav"), "w");
	fputs("this is no sound\n", file);
	fclose(file);
	file_refused(file_path("text.wav"), EINVAL, "not audio");
	file_refused(file_write(WAV_F32, 2, 48000, samples, 0), ENODATA, "empty");
	file_refused(file_write(WAV_F32, 2, 1000, bad, 2), EDOM, "channel 1 at 0.001 s");
	file_refused(file_write(WAV_F32, 1, 48000, worse, 2), EDOM, "not numbers");
	/* 601 seconds, at a rate of one sample a second. */
	file_refused(file_write(WAV_F32, 1, 1, samples, 601), EFBIG, "too long");
	file_refused(file_write(WAV_F32, 65, 48000, samples, 2), EINVAL, "65 channels");
	/* a name longer than the words may be */
	memset(shorter, 'x', sizeof(shorter));
	shorter[199] = '\0';
	file_refused(shorter, ENOENT, "xxx");
}

TEST(audio_file_cut_short_is_read_or_refused)
{
	static float samples[96000];
	const char *path = file_write(SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 1, 48000, samples, 96000);
	struct mixd_audio audio = {0};
	struct mixd_fault fault;
	struct stat stat_;

	for (int i = 0; i < 96000; i++)
		samples[i] = (float)(2 * test_random() - 1);
	path = file_write(SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 1, 48000, samples, 96000);
	CHECK(stat(path, &stat_) == 0);
	CHECK(truncate(path, stat_.st_size / 2) == 0);
	if (audio_file_read(path, 0, &audio, &fault) == 0)
		CHECK(audio.n_frames > 10000 && audio.n_frames < 96000);
	else
		CHECK(strstr(fault.text, "damaged"), "%s", fault.text);
	audio_file_free(&audio);
}

TEST(audio_file_relative_paths_begin_in_the_folders)
{
	float samples[10] = {0.5f};
	struct mixd_audio audio;
	struct mixd_fault fault;

	file_write(WAV_F32, 1, 48000, samples, 10);
	file_refused("a.wav", ENOENT, "a.wav");
	CHECK(audio_file_add_folder("/nowhere/at/all") == 0);
	CHECK(audio_file_add_folder(folder) == 0);
	audio = file_read("a.wav", 0);
	CHECK(audio.n_frames == 10);
	audio_file_free(&audio);
	file_refused("b.wav", ENOENT, "b.wav");
	CHECK(audio_file_read("b.wav", 0, &audio, &fault) < 0);
	CHECK(strstr(fault.hint, "/nowhere"), "%s", fault.hint);
	audio_file_drop_folders();
	file_refused("a.wav", ENOENT, "a.wav");
}

/* dsp.md 8.3, with f32 in and out: what f32 itself leaves of a full sine is -150 dB. */
TEST(audio_file_resampled_sine)
{
	enum { FRAMES = 44100 };
	static float samples[FRAMES];
	struct mixd_audio audio;
	double sine = 0, cosine = 0, noise = 0, w = 2 * M_PI * 995 / 48000;
	const double a = pow(10, -1.0 / 20);
	uint32_t n = 0;

	for (int i = 0; i < FRAMES; i++)
		samples[i] = (float)(a * sin(2 * M_PI * 995.0 * i / 44100));
	audio = file_read(file_write(WAV_F32, 1, 44100, samples, FRAMES), 48000);
	CHECK(audio.n_frames == 48000 && audio.rate == 48000);
	for (uint32_t i = 4800; i < 43200; i++, n++) { /* 0.8 s: 796 turns */
		sine += audio.channel[0][i] * sin(w * i);
		cosine += audio.channel[0][i] * cos(w * i);
	}
	sine *= 2.0 / n;
	cosine *= 2.0 / n;
	for (uint32_t i = 4800; i < 43200; i++) {
		double rest = audio.channel[0][i] - sine * sin(w * i) - cosine * cos(w * i);

		noise += rest * rest;
	}
	noise = 10 * log10(2 * noise / n / (a * a));
	test_note("995 Hz, 44.1 to 48 kHz: THD+N %.1f dB, gain %.5f dB, delay %.2g frames", noise,
		  20 * log10(hypot(sine, cosine) / a), -atan2(cosine, sine) / w);
	CHECK(noise <= -140, "%g dB", noise);
	CHECK_NEAR(20 * log10(hypot(sine, cosine) / a), 0, 0.01);
	CHECK_NEAR(atan2(cosine, sine) / w, 0, 1e-4); /* no delay */
	audio_file_free(&audio);
}

TEST(audio_file_resampled_passband)
{
	enum { FRAMES = 48000 };
	static float samples[FRAMES];

	for (double hz = 1000; hz < 0.91 * 22050; hz += 2711) {
		struct mixd_audio audio;
		double sine = 0, cosine = 0;

		for (int i = 0; i < FRAMES; i++)
			samples[i] = (float)(0.5 * sin(2 * M_PI * hz * i / 48000));
		audio = file_read(file_write(WAV_F32, 1, 48000, samples, FRAMES), 44100);
		for (uint32_t i = 4410; i < 39690; i++) {
			sine += audio.channel[0][i] * sin(2 * M_PI * hz * i / 44100);
			cosine += audio.channel[0][i] * cos(2 * M_PI * hz * i / 44100);
		}
		CHECK_NEAR(20 * log10(hypot(sine, cosine) * 2 / 35280 / 0.5), 0, 0.01);
		audio_file_free(&audio);
	}
}
