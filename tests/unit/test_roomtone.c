/* test_roomtone.c - room tone: found, judged, looped; what noise needs; chapters in the order people count in. */
#include "audiobook.h"
#include "roomtone.h"
#include "test.h"
#include "voice_repair.h"

#define RATE 44100
#define N (RATE * 6)

/* One second of noise, two of a loud tone, a second of quieter noise, two of tone. */
struct tape {
	float x[N];
	int64_t at;
};
static struct tape tape;

static double gauss(void)
{
	double sum = 0;

	for (int i = 0; i < 12; i++)
		sum += test_random();
	return sum - 6;
}

static void record(double noise_db, double quieter_db, double hum_db)
{
	double noise = pow(10, noise_db / 20), quieter = pow(10, quieter_db / 20);
	double hum = hum_db > -200 ? sqrt(2) * pow(10, hum_db / 20) : 0;

	for (int i = 0; i < N; i++) {
		int second = i / RATE;
		double t = (double)i / RATE;

		tape.x[i] = (float)((second == 3 ? quieter : noise) * gauss());
		tape.x[i] += (float)(hum * sin(2 * M_PI * 60 * t));
		if (second == 1 || second == 2 || second > 3)
			tape.x[i] += (float)(0.3 * sin(2 * M_PI * 440 * t));
	}
	tape.at = 0;
}

static int64_t tape_read(void *data, float *const *channels, uint32_t n, struct mixd_error *err)
{
	struct tape *from = data;
	int64_t left = N - from->at;

	(void)err;
	n = left < n ? (uint32_t)left : n;
	memcpy(channels[0], from->x + from->at, n * sizeof(float));
	from->at += n;
	return n;
}

static int tape_seek(void *data, int64_t frame, struct mixd_error *err)
{
	(void)err;
	((struct tape *)data)->at = frame;
	return 0;
}

static struct mixd_layout mono;
static struct roomtone_source source(void)
{
	static const uint8_t middle[1] = {MIXD_POS_MONO};

	mono = (struct mixd_layout){.name = "mono", .n_channels = 1, .position = middle};
	return (struct roomtone_source){tape_read, tape_seek, &tape, RATE, &mono, N};
}

static void find(double gain_db, struct roomtone *ret)
{
	struct roomtone_source from = source();
	struct mixd_error err = {0};

	CHECK(roomtone_find(&from, gain_db, NULL, ret, &err) == 0, "%s", err.text);
}

TEST(the_quietest_stretch_is_found)
{
	struct roomtone tone;

	record(-70, -80, -300);
	find(0, &tone);
	CHECK(tone.tone && !tone.is_made && tone.n_frames == N);
	CHECK(tone.tone_at >= 3 * RATE - RATE / 50 && tone.tone_at < 4 * RATE, "at %ld",
	      (long)tone.tone_at);
	CHECK_NEAR(tone.tone_dbfs, -80, 1);
	CHECK_NEAR((double)tone.first / RATE, 1, 0.05);
	CHECK(tone.end == N);
	roomtone_done(&tone);
}

TEST(at_its_gain_noise_is_sound)
{
	struct roomtone tone;

	record(-70, -80, -300);
	find(15, &tone);
	CHECK(tone.first < RATE / 10, "first %ld", (long)tone.first);
	roomtone_done(&tone);
}

TEST(hum_is_told_from_noise)
{
	struct roomtone tone;
	struct voice_repair repair;
	double hz, share;

	record(-75, -75, -300);
	find(0, &tone);
	share = roomtone_hum(&tone, &hz);
	CHECK(share < 0.1, "%g", share);
	roomtone_done(&tone);
	record(-75, -75, -55);
	find(0, &tone);
	share = roomtone_hum(&tone, &hz);
	CHECK(hz == 60 && share > 0.95 && share <= 1, "%g at %g", share, hz);
	voice_repair_plan(&tone, -20, 10, -60, -90, &repair);
	CHECK(repair.hum_hz == 60 && voice_repair_is_needed(&repair));
	voice_repair_plan(&tone, -20, -10, -60, -90, &repair);
	CHECK(!voice_repair_is_needed(&repair), "%s", repair.why);
	roomtone_done(&tone);
}

TEST(as_much_as_it_takes)
{
	struct roomtone tone = {.tone_dbfs = -70,
				.tone = (float[1]){0},
				.tone_frames = 1,
				.rate = RATE,
				.n_channels = 1};
	struct voice_repair repair;

	voice_repair_plan(&tone, -20, 5, -60, -90, &repair);
	CHECK(!voice_repair_is_needed(&repair));
	voice_repair_plan(&tone, -20, 9.5, -60, -90, &repair);
	CHECK(repair.expander_db > 0 && !(repair.denoise_db > 0));
	voice_repair_plan(&tone, -20, 20, -60, -90, &repair);
	CHECK(repair.denoise_db >= 13 && repair.denoise_db <= 16, "%g", repair.denoise_db);
	voice_repair_plan(&tone, -20, 60, -60, -90, &repair);
	CHECK(repair.denoise_db == 24, "%g", repair.denoise_db);
	CHECK(voice_repair_more(&repair, 10) && repair.expander_db > 0);
	CHECK(!voice_repair_more(&repair, 10) || !voice_repair_more(&repair, 10));
	voice_repair_plan(&tone, -20, 5, -60, -40, &repair);
	CHECK(repair.has_offset);
	/* what is hardly quieter than the voice is the voice */
	voice_repair_plan(&tone, -65, 20, -60, -90, &repair);
	CHECK(repair.has_no_pause && !voice_repair_is_needed(&repair), "%s", repair.why);
}

static struct roomtone_cut cut_of(double head_s, double tail_s, double head_rms, bool *ret)
{
	const struct roomtone_bounds acx = {0.5, 1, 1, 5};
	struct roomtone tone = {.rate = 1000,
				.n_channels = 1,
				.n_frames = 60000,
				.head_rms = head_rms,
				.tail_rms = -70};
	struct roomtone_cut cut;

	tone.first = (int64_t)(head_s * 1000);
	tone.end = 60000 - (int64_t)(tail_s * 1000);
	*ret = roomtone_cut(&tone, &acx, &cut);
	return cut;
}

TEST(ends_are_cut_or_made_longer)
{
	struct roomtone_cut cut;
	bool is_changed;

	cut = cut_of(0.7, 2, -70, &is_changed);
	CHECK(!is_changed && cut.from == 0 && cut.to == 60000);
	cut = cut_of(0.1, 2, -70, &is_changed);
	CHECK(is_changed && cut.from == 0 && cut.head == 650 && cut.tail == 0, "%ld",
	      (long)cut.head);
	cut = cut_of(3, 9, -70, &is_changed);
	CHECK(cut.from == 2250 && cut.head == 0 && cut.to == 60000 - 7000 && cut.tail == 0);
	/* digital silence is no room */
	cut = cut_of(0.7, 2, -INFINITY, &is_changed);
	CHECK(cut.from == 0 || cut.from == 700);
	CHECK(is_changed && cut.from == 700 && cut.head == 750, "%ld", (long)cut.head);
}

struct heard {
	float *x;
	int64_t n;
};
static int hear(void *data, const float *const *channels, uint32_t n, struct mixd_error *err)
{
	struct heard *heard = data;

	(void)err;
	memcpy(heard->x + heard->n, channels[0], n * sizeof(float));
	heard->n += n;
	return 0;
}

TEST(a_loop_is_even_and_the_rest_untouched)
{
	const struct roomtone_cut cut = {0, N, 5 * RATE, 0};
	struct heard heard = {calloc(N + 6 * RATE, sizeof(float)), 0};
	struct roomtone_source from = source();
	struct mixd_error err = {0};
	struct roomtone tone;

	record(-70, -70, -300);
	find(0, &tone);
	CHECK(roomtone_write(&from, &tone, &cut, hear, &heard, NULL, &err) == 0);
	CHECK(heard.n == N + 5 * RATE, "%ld", (long)heard.n);
	for (int k = 1; k < 50; k++) { /* tenths of a second */
		double sum = 0;

		for (int i = 0; i < RATE / 10; i++)
			sum += pow((double)heard.x[k * (RATE / 10) + i], 2);
		CHECK_NEAR(10 * log10(sum / (RATE / 10)), -70, 1.0);
	}
	for (int64_t i = RATE / 10; i < N - RATE / 10; i++)
		CHECK(heard.x[5 * RATE + i] == tape.x[i], "frame %ld", (long)i);
	roomtone_done(&tone);
	free(heard.x);
}

TEST(chapters_are_counted)
{
	static const char *const order[] = {"Ch 1", "ch2", "ch02b", "ch10", "ch10a", "outro"};
	static const char *const titles[][2] = {{"a/03 - The_Road.wav", "The Road"},
						{"ch1.flac", "ch1"},
						{"07.wav", "07"},
						{"1984.mp3", "1984"},
						{"x", "x"}};

	for (size_t i = 0; i < 6; i++)
		for (size_t k = 0; k < 6; k++) {
			int got = book_compare(order[i], order[k]);

			CHECK((got > 0) - (got < 0) == (i > k) - (i < k), "%s, %s: %d", order[i],
			      order[k], got);
		}
	for (size_t i = 0; i < 5; i++) {
		char *title = book_title(titles[i][0]);

		CHECK(strcmp(title, titles[i][1]) == 0, "%s", title);
		free(title);
	}
}
