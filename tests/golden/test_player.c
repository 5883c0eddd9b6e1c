/* test_player.c - the player in the engine, offline: clips are where they should be, to the sample. */
#include <complex.h>
#include <errno.h>

#define RIG_NO_FAKES
#include "../unit/engine_rig.h"

#include "engine_modules.h"
#include "test_wav.h"

#define FILE_FRAMES 60000u

static struct engine_modules *modules[4]; /* one for each rig that is open */
static uint32_t n_modules;
static float noise[2][FILE_FRAMES], tone[FILE_FRAMES];
static char noise_file[128], tone_file[128];

static void player_refused(void *data, const char *path, const char *reason)
{
	(void)data;
	test_fail(__FILE__, __LINE__, "%s: %s", path, reason);
}

__attribute__((constructor)) static void player_material(void)
{
	const float *both[] = {noise[0], noise[1]}, *one[] = {tone};

	if (noise_file[0])
		return;
	for (uint32_t i = 0; i < FILE_FRAMES; i++) {
		noise[0][i] = (float)rig_noise(i, 0);
		noise[1][i] = (float)rig_noise(i, 1);
		tone[i] = (float)(0.5 * sin(2 * M_PI * 1000.0 * i / RIG_RATE));
	}
	strcpy(noise_file, test_wav_write(both, 2, FILE_FRAMES, 48000));
	strcpy(tone_file, test_wav_write(one, 1, FILE_FRAMES, 48000));
}

static struct rig *player_open(uint64_t roll_from)
{
	struct graph_types *types = graph_types_new();
	struct mixd_error err = {0};
	struct rig *rig;

	player_material();
	setenv("MIXD_NODE_PATH", MIXD_TEST_NODES, 1);
	CHECK(engine_modules_load(types, player_refused, NULL, &modules[n_modules++], &err) == 0,
	      "%s", err.text);
	rig_offline = rig_roll = true;
	rig_roll_from = roll_from;
	rig = rig_open_with(types, false);
	rig->signal = NULL;
	/* in one change with what feeds it: so nothing fades in */
	rig_q_add(rig, "in", "input", "layout=stereo");
	rig_q_add(rig, "out", "output", "layout=stereo");
	return rig;
}

static void player_close(struct rig *rig)
{
	rig_close(rig);
	engine_modules_free(modules[--n_modules]); /* equal ones: any */
}

/* A player NAME with CLIPS, not yet committed. */
static Mixd__V1__AddNode *player_q_add(struct rig *rig, const char *name, const char *clips)
{
	Mixd__V1__AddNode *add;
	Mixd__V1__Setting *setting = calloc(1, sizeof(*setting));

	rig_q_add(rig, name, "player", "layout=stereo");
	add = rig->ops[rig->n_ops - 1]->add;
	mixd__v1__setting__init(setting);
	setting->id = strdup("clips");
	setting->value = rig_text(clips);
	add->settings[add->n_settings++] = setting;
	return add;
}

/* All of what CLIPS give in FRAMES frames from FROM on. */
static struct rig *player_play(const char *clips, uint64_t from, uint64_t frames, uint32_t block)
{
	struct rig *rig = player_open(from);

	player_q_add(rig, "p", clips);
	rig_q_link(rig, "p", "out", 0.0);
	rig_commit(rig);
	rig_run(rig, frames, block);
	return rig;
}

__attribute__((format(printf, 1, 2))) static const char *text(const char *fmt, ...)
{
	static char buf[4][2048];
	static unsigned turn;
	char *ret = buf[turn++ % 4];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(ret, sizeof(buf[0]), fmt, ap);
	va_end(ap);
	return ret;
}

static void check_equal(const struct rig *rig, uint64_t at, const float *x, uint64_t n, uint32_t c,
			const char *what)
{
	for (uint64_t i = 0; i < n; i++)
		CHECK(rig->out[c][at + i] == (x ? x[i] : 0.0f),
		      "%s: channel %u frame %llu: %.9g, not %.9g", what, c,
		      (unsigned long long)(at + i), (double)rig->out[c][at + i],
		      (double)(x ? x[i] : 0.0f));
}

TEST(player_a_clip_is_the_file_where_it_should_be)
{
	struct rig *rig =
		player_play(text("[{file: %s, at: 12345fr}]", noise_file), 0, 100000, 1000);

	for (uint32_t c = 0; c < 2; c++) {
		check_equal(rig, 0, NULL, 12345, c, "before");
		check_equal(rig, 12345, noise[c], FILE_FRAMES, c, "file");
		check_equal(rig, 12345 + FILE_FRAMES, NULL, 100000 - 12345 - FILE_FRAMES, c,
			    "behind");
	}
	player_close(rig);
}

TEST(player_two_halves_are_the_file)
{
	struct rig *rig = player_play(text("[{file: %s, at: 100fr, length: 23457fr}, {file: %s, "
					   "at: 23557fr, offset: 23457fr}]",
					   noise_file, noise_file),
				      0, 70000, 333);

	for (uint32_t c = 0; c < 2; c++)
		check_equal(rig, 100, noise[c], FILE_FRAMES, c, "halves");
	player_close(rig);
}

TEST(player_a_run_from_the_middle_and_any_block_give_the_same_bits)
{
	const char *clips = text("[{file: %s, at: 0s, fade_in: 100ms, gain: -3dB}, {file: %s, at: "
				 "0.5s, speed: 130%%}]",
				 noise_file, tone_file);
	struct rig *whole = player_play(clips, 0, 60000, 4096);
	struct rig *cut = player_play(clips, 0, 60000, 77);
	struct rig *middle = player_play(clips, 10000, 14000, 512);

	for (uint32_t c = 0; c < 2; c++) {
		check_equal(cut, 0, whole->out[c], 60000, c, "cut");
		check_equal(middle, 0, whole->out[c] + 10000, 14000, c, "from the middle");
	}
	player_close(middle);
	player_close(cut);
	player_close(whole);
}

TEST(player_mono_goes_everywhere_and_one_name_is_a_clip)
{
	struct rig *rig = player_play(tone_file, 0, FILE_FRAMES, 2000);

	check_equal(rig, 0, tone, FILE_FRAMES, 0, "left");
	check_equal(rig, 0, tone, FILE_FRAMES, 1, "right");
	player_close(rig);
}

TEST(player_loop_and_reverse)
{
	static float want[30000];
	struct rig *rig =
		player_play(text("[{file: %s, at: 10fr, offset: 5000fr, length: 10000fr, loop: 3}]",
				 noise_file),
			    0, 40000, 1024);

	for (uint32_t i = 0; i < 30000; i++)
		want[i] = noise[1][5000 + i % 10000];
	check_equal(rig, 10, want, 30000, 1, "loop");
	check_equal(rig, 30010, NULL, 9990, 1, "behind the loop");
	player_close(rig);
	rig = player_play(text("[{file: %s, at: 0s, offset: 5000fr, length: 10000fr, reverse: on}]",
			       noise_file),
			  0, 20000, 1024);
	for (uint32_t i = 0; i < 10000; i++)
		want[i] = noise[0][14999 - i];
	check_equal(rig, 0, want, 10000, 0, "reverse");
	check_equal(rig, 10000, NULL, 10000, 0, "behind it");
	player_close(rig);
}

TEST(player_crossfades_keep_what_they_should)
{
	static const char *const curves[] = {"linear", "equal-power"};

	for (uint32_t k = 0; k < 2; k++) {
		float one[FILE_FRAMES / 4];
		const float *plane[] = {one};
		char file[128];
		struct rig *a, *b;

		for (uint32_t i = 0; i < FILE_FRAMES / 4; i++)
			one[i] = 0.5f;
		strcpy(file, test_wav_write(plane, 1, FILE_FRAMES / 4, 48000));
		a = player_play(text("[{file: %s, at: 0s, fade_out: 4800fr, curve_out: %s}]", file,
				     curves[k]),
				0, 20000, 500);
		b = player_play(text("[{file: %s, at: 10200fr, fade_in: 4800fr, curve_in: %s}]",
				     file, curves[k]),
				0, 20000, 500);
		for (uint32_t i = 10200; i < 15000; i++) {
			double x = a->out[0][i] / 0.5, y = b->out[0][i] / 0.5;
			double sum = k == 0 ? x + y : x * x + y * y;

			CHECK(fabs(sum - 1.0) < 1e-6, "%s: %.9g at %u", curves[k], sum, i);
		}
		CHECK(a->out[0][15000] == 0.0f && b->out[0][10199] == 0.0f);
		CHECK(a->out[0][14999] > 0.0f && a->out[0][14999] < 1e-3f);
		player_close(a);
		player_close(b);
	}
}

/* Amplitude of HZ in N frames, Hann window. */
static double tone_level(const float *x, uint32_t n, double hz)
{
	double complex sum = 0;
	double weight = 0;

	for (uint32_t i = 0; i < n; i++) {
		double w = 0.5 - 0.5 * cos(2 * M_PI * i / n);

		sum += w * (double)x[i] * cexp(-2.0 * M_PI * I * hz * i / RIG_RATE);
		weight += w;
	}
	return 2.0 * cabs(sum) / weight;
}

TEST(player_speed_moves_the_pitch_and_the_length)
{
	static const double speeds[] = {200.0, 50.0, 105.946};

	for (uint32_t k = 0; k < 3; k++) {
		double speed = speeds[k] / 100.0;
		uint32_t n = (uint32_t)ceil(FILE_FRAMES / speed);
		struct rig *rig =
			player_play(text("[{file: %s, at: 0s, speed: %g%%}]", tone_file, speeds[k]),
				    0, n + 2000, 1024);

		CHECK(fabs(tone_level(rig->out[0] + 5000, 20000, 1000.0 * speed) - 0.5) < 1e-4,
		      "%g", tone_level(rig->out[0] + 5000, 20000, 1000.0 * speed));
		for (uint32_t i = 2000; i < n - 2000; i++)
			CHECK(fabs((double)rig->out[0][i] -
				   0.5 * sin(2 * M_PI * 1000.0 * speed * i / RIG_RATE)) < 2e-5,
			      "speed %g frame %u: %g", speed, i,
			      (double)rig->out[0][i] -
				      0.5 * sin(2 * M_PI * 1000.0 * speed * i / RIG_RATE));
		check_equal(rig, n, NULL, 2000, 0, "behind");
		player_close(rig);
	}
}

/* 44.1 kHz in a session at 48 kHz: the tone is where it was, to 16 bits and better. */
TEST(player_other_rates_and_a_start_inside)
{
	static float x[44100];
	const float *plane[] = {x};
	char file[128];
	struct rig *whole, *middle;

	for (uint32_t i = 0; i < 44100; i++)
		x[i] = (float)(0.5 * sin(2 * M_PI * 997.0 * i / 44100.0));
	strcpy(file, test_wav_write(plane, 1, 44100, 44100));
	whole = player_play(text("[{file: %s, at: 0s}]", file), 0, 48000, 1024);
	middle = player_play(text("[{file: %s, at: 0s}]", file), 30011, 10000, 1024);
	for (uint32_t i = 2000; i < 46000; i++)
		CHECK(fabs((double)whole->out[0][i] - 0.5 * sin(2 * M_PI * 997.0 * i / 48000.0)) <
			      2e-6,
		      "%u: %g", i,
		      (double)whole->out[0][i] - 0.5 * sin(2 * M_PI * 997.0 * i / 48000.0));
	for (uint32_t i = 0; i < 10000; i++)
		CHECK(fabs((double)middle->out[0][i] - (double)whole->out[0][30011 + i]) < 1e-7,
		      "%u: %g", i, (double)middle->out[0][i] - (double)whole->out[0][30011 + i]);
	player_close(whole);
	player_close(middle);
}

TEST(player_wide_files_are_mixed_down_by_bs775)
{
	float x[6][480];
	const float *plane[] = {x[0], x[1], x[2], x[3], x[4], x[5]};
	static const double left[] = {1, 0, M_SQRT1_2, 0, M_SQRT1_2, 0};
	static const double right[] = {0, 1, M_SQRT1_2, 0, 0, M_SQRT1_2};
	char file[128];
	struct rig *rig;

	for (uint32_t c = 0; c < 6; c++)
		for (uint32_t i = 0; i < 480; i++)
			x[c][i] = i / 80 == c ? 0.5f : 0.0f;
	strcpy(file, test_wav_write(plane, 6, 480, 48000));
	rig = player_play(text("[{file: %s, at: 0s}]", file), 0, 480, 480);
	for (uint32_t i = 0; i < 480; i++) {
		CHECK(fabs((double)rig->out[0][i] - 0.5 * left[i / 80]) < 1e-7, "left %u", i);
		CHECK(fabs((double)rig->out[1][i] - 0.5 * right[i / 80]) < 1e-7, "right %u", i);
	}
	player_close(rig);
}

/* The engine's loop: slices end there, and a loop of any length is exact. */
TEST(player_follows_the_loop_of_the_transport)
{
	struct rig *rig = player_open(0);
	struct engine_transport transport = {.is_rolling = true,
					     .position = ENGINE_POSITION_KEEP,
					     .loop = true,
					     .loop_start = 1001,
					     .loop_end = 5038};
	const uint64_t turned = 1001 + (20000 - 5038) % (5038 - 1001);
	struct engine_transport now;

	player_q_add(rig, "p", text("[{file: %s, at: 0s}]", noise_file));
	rig_q_link(rig, "p", "out", 0.0);
	rig_commit(rig);
	CHECK(engine_transport_set(rig->engine, &transport) == 0);
	rig_run(rig, 20000, 700);
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t at = i < 5038 ? i : 1001 + (i - 5038) % (5038 - 1001);

		CHECK(rig->out[0][i] == noise[0][at], "frame %u", i);
	}
	engine_transport_get(rig->engine, &now);
	CHECK(now.is_rolling && !now.is_locating && now.loop);
	CHECK(now.position == turned, "%llu", (unsigned long long)now.position);
	transport.loop_end = 1001;
	CHECK(engine_transport_set(rig->engine, &transport) == -EINVAL);
	transport = (struct engine_transport){.is_rolling = true, .position = 40000};
	CHECK(engine_transport_set(rig->engine, &transport) == 0);
	rig_run(rig, 5000, 700);
	check_equal(rig, 20000, noise[0] + 40000, 5000, 0, "located");
	transport.is_rolling = false;
	transport.position = ENGINE_POSITION_KEEP;
	CHECK(engine_transport_set(rig->engine, &transport) == 0);
	rig_run(rig, 1000, 700);
	check_equal(rig, 25000, NULL, 1000, 0, "stopped");
	engine_transport_get(rig->engine, &now);
	CHECK(!now.is_rolling);
	CHECK(now.position == 45000);
	player_close(rig);
}

static float round_and_round(uint32_t i)
{
	return noise[0][i % 10000];
}

TEST(player_always_plays_by_itself_pauses_and_repeats)
{
	struct rig *rig;
	Mixd__V1__AddNode *add;
	const char *settings[] = {"start", "always", "repeat", "on"};

	rig = player_open(0);
	rig_roll = false;
	add = player_q_add(rig, "p", text("[{file: %s, at: 0s, length: 10000fr}]", noise_file));
	for (uint32_t i = 0; i < 4; i += 2) {
		Mixd__V1__Setting *setting = calloc(1, sizeof(*setting));

		mixd__v1__setting__init(setting);
		setting->id = strdup(settings[i]);
		setting->value = rig_text(settings[i + 1]);
		add->settings[add->n_settings++] = setting;
	}
	rig_q_link(rig, "p", "out", 0.0);
	rig_commit(rig);
	rig_run(rig, 25600, 512);
	for (uint32_t i = 0; i < 25600; i++)
		CHECK(rig->out[0][i] == round_and_round(i), "frame %u", i);
	rig_set(rig, "p.play", "off");
	rig_run(rig, 5120, 512);
	check_equal(rig, 25600 + 256, NULL, 4800, 0, "pause");
	rig_set(rig, "p.play", "on");
	rig_run(rig, 5120, 512);
	for (uint32_t i = 0; i < 5120; i++)
		CHECK(rig->out[0][30720 + i] == round_and_round(25600 + i), "after it %u", i);
	player_close(rig);
}

static void player_refuses(const char *clips, const char *word, const char *hint)
{
	struct rig *rig = player_open(0);

	player_q_add(rig, "p", clips);
	CHECK(rig_try(rig) < 0);
	CHECK(strstr(rig->err.text, word), "%s", rig->err.text);
	CHECK(strstr(rig->err.hint, hint), "%s", rig->err.hint);
	player_close(rig);
}

TEST(player_refuses_what_cannot_be_played)
{
	float x[4][100] = {{0}};
	const float *plane[] = {x[0], x[1], x[2], x[3], x[0], x[1], x[2], x[3], x[0]};
	char nine[128];

	player_material();
	player_refuses("[{file: /nowhere/a.wav, at: 0s}]", "there is no such file",
		       "look at its name and folder");
	player_refuses("[{file: nowhere.wav, at: 0s}]", "nowhere.wav", "absolute path");
	player_refuses(text("[{file: %s, at: 0s, offset: 10s}]", noise_file),
		       "before the clip's offset", "a time in the file");
	strcpy(nine, test_wav_write(plane, 9, 100, 48000));
	player_refuses(nine, "9 channels", "layout");
	player_refuses("[{file: ", "", "");
}
