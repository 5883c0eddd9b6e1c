/* test_convolver.c - the convolver against the sum itself in f64 and the figures of dsp.md 10.3; its
 * mappings, levels and refusals; another response while it sounds. */
#define RIG_NO_FAKES
#include "../unit/engine_rig.h"
#include "engine_modules.h"
#include "node_host.h"
#include "test_wav.h"

#define RATE 48000u

static float *noise(uint32_t n)
{
	float *x = calloc(n + 1, sizeof(*x));

	CHECK(x);
	for (uint32_t i = 0; i < n; i++)
		x[i] = (float)(test_random() - 0.5);
	return x;
}

static float *room(uint32_t n)
{
	float *h = noise(n);

	for (uint32_t i = 0; i < n; i++)
		h[i] *= (float)pow(10, -3.0 * i / n);
	h[n - 1] = 0.0005f; /* so that no end is trimmed */
	return h;
}

static double direct(const float *x, const float *h, uint32_t taps, uint32_t at)
{
	double sum = 0;

	for (uint32_t k = 0; k < taps && k <= at; k++)
		sum += (double)h[k] * x[at - k];
	return sum;
}

static struct node_host *open_convolver(const char *layout, const char *path, const char *id,
					double value)
{
	struct node_host_config configs[] = {
		{"ir", 0, path}, {"normalize", 0, NULL}, {id, value, NULL}, {NULL, 0, NULL}};

	return node_host_open("convolver",
			      &(struct node_host_setup){.layout = layout, .configs = configs});
}

/* A mono convolver with TAPS of H, in blocks of BLOCK; -> OUT. */
static void run_mono(const float *h, uint32_t taps, const float *x, float *y, uint32_t frames,
		     uint32_t block)
{
	const char *path = test_wav_write(&h, 1, taps, RATE);
	struct node_host *host = open_convolver("mono", path, NULL, 0);

	CHECK(node_host_latency(host) == 0);
	for (uint32_t done = 0; done < frames; done += block) {
		uint32_t n = block < frames - done ? block : frames - done;
		const float *in = x + done;
		float *out = y + done;

		node_host_process(host, &in, &out, n);
	}
	CHECK(node_host_meter(host, 0, "late") == 0);
	CHECK_NEAR(node_host_meter(host, 0, "length"), (double)taps / RATE, 1e-9);
	node_host_free(host);
}

/* dsp.md 10.3: <= -130 dB against f64 for blocks of 16..8192 and 1..500000 taps. */
TEST(convolver_equals_the_sum)
{
	static const uint32_t lengths[] = {1, 100, 5000, 48000, 96000, 500000};
	static const uint32_t blocks[] = {16, 64, 256, 1024, 8192};
	double worst = -300;

	for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
		uint32_t taps = lengths[l], frames = taps + 20000;
		float *x = noise(frames), *h = room(taps);
		float *want = calloc(frames, sizeof(*want)), *y = calloc(frames, sizeof(*y));
		double error = 0, power = 0;

		if (taps == 1)
			h[0] = 0.7f;
		run_mono(h, taps, x, want, frames, 128);
		for (uint32_t i = 0; i < 300; i++) {
			uint32_t at = frames - 1 - test_random_below(frames / 2);
			double sum = direct(x, h, taps, at);

			error += (want[at] - sum) * (want[at] - sum);
			power += sum * sum;
		}
		error = 10 * log10(error / power + 1e-30);
		worst = fmax(worst, error);
		CHECK(error <= -130, "%u taps: %.1f dB", taps, error);
		for (size_t b = 0; b < sizeof(blocks) / sizeof(blocks[0]) && taps < 100000; b++) {
			run_mono(h, taps, x, y, frames, blocks[b]);
			CHECK(memcmp(y, want, sizeof(*y) * frames) == 0, "%u taps in blocks of %u",
			      taps, blocks[b]);
		}
		free(x);
		free(h);
		free(want);
		free(y);
	}
	test_note("error over signal %.1f dB at most", worst);
}

TEST(convolver_delta_is_identity) /* dsp.md 10.3: <= -140 dB; here 0 */
{
	enum { FRAMES = 30000 };
	float *x = noise(FRAMES), *y = calloc(FRAMES, sizeof(*y)), delta[4] = {1};

	run_mono(delta, 1, x, y, FRAMES, 100);
	CHECK(memcmp(x, y, sizeof(*x) * FRAMES) == 0);
	free(x);
	free(y);
}

/* ---- mapping ---- */

/* What comes out of OUT when a click goes into IN, at frame 10 + 5. */
static double tap_of(struct node_host *host, uint32_t in, uint32_t out, uint32_t n_channels)
{
	float x[8][64] = {{0}}, y[8][64];
	const float *ins[8];
	float *outs[8];

	for (uint32_t c = 0; c < n_channels; c++) {
		ins[c] = x[c];
		outs[c] = y[c];
	}
	x[in][10] = 1;
	node_host_reset(host);
	node_host_process(host, ins, outs, 64);
	return y[out][15];
}

TEST(convolver_mappings)
{
	float plane[4][100] = {{0}};
	const float *planes[] = {plane[0], plane[1], plane[2], plane[3]};
	const char *one, *two, *four;
	struct node_host *host;

	for (int c = 0; c < 4; c++)
		plane[c][5] = 0.1f * (float)(c + 1);
	one = test_wav_write(planes, 1, 100, RATE);
	two = test_wav_write(planes, 2, 100, RATE);
	four = test_wav_write(planes, 4, 100, RATE);
	host = open_convolver("5.1", one, NULL, 0); /* one for all */
	for (uint32_t c = 0; c < 6; c++) {
		uint32_t other = (c + 1) % 6;

		CHECK_NEAR(tap_of(host, c, c, 6), 0.1, 1e-7);
		CHECK(tap_of(host, c, other, 6) == 0);
	}
	node_host_free(host);
	host = open_convolver("stereo", two, NULL, 0); /* one each */
	CHECK_NEAR(tap_of(host, 0, 0, 2), 0.1, 1e-7);
	CHECK_NEAR(tap_of(host, 1, 1, 2), 0.2, 1e-7);
	CHECK(tap_of(host, 0, 1, 2) == 0);
	node_host_free(host);
	host = open_convolver("stereo", four, NULL, 0); /* LL LR RL RR */
	CHECK_NEAR(tap_of(host, 0, 0, 2), 0.1, 1e-7);
	CHECK_NEAR(tap_of(host, 0, 1, 2), 0.2, 1e-7);
	CHECK_NEAR(tap_of(host, 1, 0, 2), 0.3, 1e-7);
	CHECK_NEAR(tap_of(host, 1, 1, 2), 0.4, 1e-7);
	node_host_free(host);
	host = open_convolver("stereo", four, "mapping", 1); /* mono: the first */
	CHECK_NEAR(tap_of(host, 1, 1, 2), 0.1, 1e-7);
	CHECK(tap_of(host, 0, 1, 2) == 0);
	node_host_free(host);
}

TEST(convolver_refusals)
{
	static float plane[3][48000 * 31];
	const float *planes[] = {plane[0], plane[1], plane[2]};
	struct node_host_config configs[] = {{"ir", 0, NULL}, {NULL, 0, NULL}};
	const struct node_host_setup stereo = {.layout = "stereo", .configs = configs};
	const struct node_host_setup mono = {.layout = "mono", .configs = configs};
	const char *why = NULL;
	const struct mixd_node_type *type = node_host_type("convolver", &why);
	struct mixd_fault fault;

	CHECK(type, "%s", why);
	configs[0].text = "/no/such/room.wav";
	CHECK(!node_host_try(type, &stereo, &fault) && strstr(fault.text, "room.wav"));
	CHECK(fault.hint[0]);
	configs[0].text = test_wav_write(planes, 1, 100, RATE);
	CHECK(!node_host_try(type, &stereo, &fault) && strstr(fault.text, "silent"));
	plane[0][3] = 1;
	configs[0].text = test_wav_write(planes, 3, 100, RATE);
	CHECK(!node_host_try(type, &stereo, &fault) && strstr(fault.text, "3 channels"));
	configs[0].text = test_wav_write(planes, 2, 100, RATE);
	CHECK(!node_host_try(type, &mono, &fault) && strstr(fault.hint, "stereo"), "%s",
	      fault.hint);
	plane[0][48000 * 31 - 1] = 1;
	configs[0].text = test_wav_write(planes, 1, 48000 * 31, RATE);
	CHECK(!node_host_try(type, &stereo, &fault) && strstr(fault.text, "31.0 s"), "%s",
	      fault.text);
}

/* ---- level, length ---- */

TEST(convolver_trim_and_normalize)
{
	float plane[2][1000] = {{0}};
	const float *planes[] = {plane[0], plane[1]};
	const char *path;
	struct node_host *host;

	plane[0][0] = 0.5f;
	plane[0][4] = -0.5f;
	plane[1][0] = 0.25f;
	plane[0][899] = 1e-5f; /* -94 dB below the peak */
	plane[1][500] = 2e-5f; /* -88 dB */
	path = test_wav_write(planes, 2, 1000, RATE);
	host = node_host_open("convolver",
			      &(struct node_host_setup){.configs = (struct node_host_config[]){
								{"ir", 0, path}, {NULL, 0, NULL}}});
	CHECK_NEAR(node_host_meter(host, 0, "length"), 0, 1e-12);
	CHECK_NEAR(tap_of(host, 0, 0, 2), 0, 1e-6); /* and runs, so that meters are written */
	CHECK_NEAR(node_host_meter(host, 0, "length"), 501.0 / RATE, 1e-9);
	/* energy of the louder channel: 0.5 -> 1 */
	CHECK_NEAR(node_host_meter(host, 0, "scale"), 10 * log10(2), 1e-4);
	node_host_free(host);
	host = open_convolver("stereo", path, "normalize", 2);
	tap_of(host, 0, 0, 2);
	CHECK_NEAR(node_host_meter(host, 0, "scale"), 20 * log10(2), 1e-4);
	node_host_free(host);
	host = open_convolver("stereo", path, "trim", -120);
	tap_of(host, 0, 0, 2);
	CHECK_NEAR(node_host_meter(host, 0, "length"), 900.0 / RATE, 1e-9);
	node_host_free(host);
}

/* A response of another rate, or stretched, keeps its gain at low frequencies: the sum of taps. */
TEST(convolver_rate_and_stretch_keep_the_gain)
{
	static const double stretches[] = {100, 150, 60};
	static float h[4000], ones[24000], y[24000];
	const float *plane = h, *in = ones;
	float *out = y;
	double sum = 0;
	const char *path;

	for (int i = 0; i < 4000; i++) {
		h[i] = (float)(0.002 * exp(-i / 400.0) * (1 - exp(-i / 40.0)));
		sum += h[i];
	}
	for (int i = 0; i < 24000; i++)
		ones[i] = 1;
	path = test_wav_write(&plane, 1, 4000, 44100);
	for (size_t s = 0; s < 3; s++) {
		struct node_host *host = open_convolver("mono", path, "stretch", stretches[s]);

		node_host_process(host, &in, &out, 24000);
		CHECK_NEAR(20 * log10(y[23999] / sum), 0, 0.01);
		CHECK_NEAR(node_host_meter(host, 0, "length"), 4000.0 / 44100 * stretches[s] / 100,
			   0.02);
		node_host_free(host);
	}
}

TEST(convolver_mix_gain_and_predelay)
{
	static float x[20000], y[20000];
	const float *in = x;
	float *out = y;
	struct node_host *host =
		node_host_open("convolver", &(struct node_host_setup){.layout = "mono"});

	x[100] = 1;
	node_host_jump(host, 0, "mix", 25);
	node_host_jump(host, 0, "gain", -6);
	node_host_jump(host, 0, "predelay", 100);
	node_host_process(host, &in, &out, 20000);
	CHECK_NEAR(y[100], 0.75, 1e-6);
	CHECK_NEAR(y[4900], 0.25 * pow(10, -6.0 / 20), 1e-6);
	y[100] = y[4900] = 0;
	for (int i = 0; i < 20000; i++)
		CHECK(y[i] == 0);
	node_host_free(host);
}

/* A predelay that changes crosses two heads: at no time more than both, and the new one at the end. */
TEST(convolver_predelay_crosses)
{
	static float x[48000], y[48000];
	const float *in = x;
	float *out = y;
	double step = 0, usual = 2 * sin(M_PI * 997 / RATE) * 0.5;
	struct node_host *host =
		node_host_open("convolver", &(struct node_host_setup){.layout = "mono"});

	for (int i = 0; i < 48000; i++)
		x[i] = (float)(0.5 * sin(2 * M_PI * 997.0 * i / RATE));
	node_host_process(host, &in, &out, 12000);
	node_host_set(host, 0, "predelay", 13.3);
	in += 12000;
	out += 12000;
	node_host_process(host, &in, &out, 500);
	node_host_set(host, 0, "predelay", 7); /* on the way: goes on to it afterwards */
	in += 500;
	out += 500;
	node_host_process(host, &in, &out, 35500);
	for (int i = 1; i < 48000; i++)
		step = fmax(step, fabs((double)y[i] - y[i - 1]));
	CHECK(step <= 1.5 * usual, "a step of %.3g, usual %.3g", step, usual);
	for (int i = 20000; i < 48000; i++)
		CHECK_NEAR(y[i], x[i - 336], 1e-7);
	node_host_free(host);
}

/* ---- another response while it sounds ---- */

static double low_sine(uint64_t position, uint32_t channel)
{
	return 0.5 * sin(2 * M_PI * 220.0 * (double)position / RIG_RATE);
}

static void refused(void *data, const char *path, const char *reason)
{
	test_note("%s: %s", path, reason);
}

static double second_difference(const float *y, uint64_t begin, uint64_t end)
{
	double highest = 0;

	for (uint64_t i = begin + 2; i < end; i++)
		highest = fmax(highest, fabs((double)y[i] - 2.0 * y[i - 1] + y[i - 2]));
	return highest;
}

TEST(convolver_swap_does_not_click) /* dsp.md 10.3 */
{
	float *h[2] = {room(30000), room(70000)};
	const char *path[2];
	char settings[400];
	struct graph_types *types = graph_types_new();
	struct engine_modules *modules = NULL;
	struct mixd_error err = {0};
	double rest, moved;
	struct rig *rig;

	setenv("MIXD_NODE_PATH", MIXD_TEST_NODES, 1);
	CHECK(engine_modules_load(types, refused, NULL, &modules, &err) == 0, "%s", err.text);
	path[0] = test_wav_write((const float *const *)&h[0], 1, 30000, RATE);
	path[1] = test_wav_write((const float *const *)&h[1], 1, 70000, RATE);
	rig = rig_open_with(types, false);
	rig->signal = low_sine;
	rig_ends(rig);
	snprintf(settings, sizeof(settings), "ir=%s", path[0]);
	rig_q_add(rig, "room", "convolver", settings);
	rig_q_link(rig, "in", "room", 0);
	rig_q_link(rig, "room", "out", 0);
	rig_commit(rig);
	rig_run(rig, 96000, 256);
	rig_set(rig, "room.ir", path[1]);
	rig_run(rig, 144000, 256);
	rest = fmax(second_difference(rig->out[0], 60000, 95900),
		    second_difference(rig->out[0], 200000, 240000));
	moved = second_difference(rig->out[0], 95000, 200000);
	/* A step of h shows as h: nothing above -90 dBFS beside the tone itself. */
	test_note("second difference %.3g at rest, %.3g while swapped", rest, moved);
	CHECK(moved <= 3 * rest + 3e-5, "%.3g, at rest %.3g", moved, rest);
	/* A file that cannot be read changes nothing. */
	rig_q_set(rig, "room.ir", "/no/such/file.wav", 0);
	CHECK(rig_try(rig) < 0);
	CHECK(strstr(rig->err.text, "file.wav") && rig->err.hint[0], "%s", rig->err.text);
	rig_run(rig, 4000, 256);
	CHECK(second_difference(rig->out[0], 236000, 244000) <= 1.01 * rest);
	rig_close(rig);
	engine_modules_free(modules);
	free(h[0]);
	free(h[1]);
}

/* ---- the worker ---- */

/* What a room in an engine gives, with or without a worker thread. Returns the meter `late`. */
static double run_with_worker(const char *path, bool offline, uint32_t frames, float *ret)
{
	struct graph_types *types = graph_types_new();
	struct engine_modules *modules = NULL;
	struct mixd_error err = {0};
	char settings[200];
	struct rig *rig;
	uint32_t late;
	double n_late;

	setenv("MIXD_NODE_PATH", MIXD_TEST_NODES, 1);
	CHECK(engine_modules_load(types, refused, NULL, &modules, &err) == 0, "%s", err.text);
	rig_offline = offline;
	rig = rig_open_with(types, false);
	rig_offline = true;
	rig_ends(rig);
	snprintf(settings, sizeof(settings), "ir=%s", path);
	rig_q_add(rig, "room", "convolver", settings);
	rig_q_link(rig, "in", "room", 0);
	rig_q_link(rig, "room", "out", 0);
	rig_commit(rig);
	engine_meters_lease(rig->engine, 1);
	for (uint32_t done = 0; done < frames; done += 512) {
		rig_run(rig, 512, 64);
		rig_settle(rig);
	}
	memcpy(ret, rig->out[0], frames * sizeof(float));
	late = graph_type_meter(graph_types_find(rig->types, "convolver", NULL), "late", NULL);
	n_late = engine_meter(rig->engine, rig_uid(rig, "room"), late, 0, 0);
	rig_close(rig);
	engine_modules_free(modules);
	return n_late;
}

TEST(convolver_worker_gives_the_same_bits) /* partconv P2 */
{
	enum { TAPS = 60000, FRAMES = 163840 };
	float *h = room(TAPS), *want = calloc(FRAMES, sizeof(*want)),
	      *got = calloc(FRAMES, sizeof(*got));
	const float *plane = h;
	const char *path = test_wav_write(&plane, 1, TAPS, RATE);
	double late;

	CHECK(run_with_worker(path, true, FRAMES, want) == 0);
	late = run_with_worker(path, false, FRAMES, got);
	if (late > 0)
		test_note("the machine was busy: %g blocks were late", late);
	else
		CHECK(memcmp(want, got, FRAMES * sizeof(*got)) == 0);
	for (uint32_t i = 0; i < FRAMES; i++)
		CHECK(isfinite(got[i]));
	free(h);
	free(want);
	free(got);
}
