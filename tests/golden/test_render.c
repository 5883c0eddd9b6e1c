/* test_render.c - sessions over code in place of files: time, tails, stems, cuts, threads. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine_modules.h"
#include "render.h"
#include "test.h"

#define RATE 48000u

/* ---- the rig ----------------------------------------------------------------------------------- */

static struct graph_types *types;

static void refused(void *data, const char *path, const char *reason)
{
	test_note("%s: %s", path, reason);
}

static const struct graph_types *types_get(void)
{
	static struct engine_modules *modules;
	struct mixd_error err = {0};

	if (types)
		return types;
	setenv("MIXD_NODE_PATH", MIXD_TEST_NODES, 1);
	types = graph_types_new();
	CHECK(engine_modules_load(types, refused, NULL, &modules, &err) == 0, "%s", err.text);
	return types;
}

/* Noise that is a function of place, channel and seed. */
static float noise(uint64_t at, uint32_t channel, uint32_t seed)
{
	uint64_t x = (at * 64 + channel) * 1024 + seed + 1;

	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	x ^= x >> 33;
	return (float)((double)(x >> 11) / 9007199254740992.0 - 0.5);
}

struct tone { /* noise for n frames, in pieces of odd sizes */
	uint64_t at, n;
	uint32_t n_channels, seed;
	float level;
	uint64_t poison; /* frame that is not a number; 0: none */
	bool breaks; /* fails at its end */
	struct task *cancels; /* cancelled in the middle */
};

static int64_t tone_read(void *data, float *const *channels, uint32_t n_frames,
			 struct mixd_error *err)
{
	struct tone *tone = data;
	uint32_t n = n_frames > 1234 ? 1234 : n_frames;

	if (tone->n - tone->at < n)
		n = (uint32_t)(tone->n - tone->at);
	if (n == 0 && tone->breaks)
		return error_set(err, ERROR_RESOURCE, "tone", "the tape is torn");
	if (tone->cancels && tone->at > tone->n / 2)
		task_cancel(tone->cancels);
	for (uint32_t c = 0; c < tone->n_channels; c++)
		for (uint32_t i = 0; i < n; i++)
			channels[c][i] = tone->level * noise(tone->at + i, c, tone->seed);
	if (tone->poison >= tone->at && tone->poison < tone->at + n && tone->poison)
		channels[0][tone->poison - tone->at] = NAN;
	tone->at += n;
	return n;
}

struct tape {
	float *channel[MEDIA_CHANNELS_MAX];
	uint32_t n_channels;
	uint64_t n, room;
	int fail_after; /* blocks; 0: never */
};

static int tape_write(void *data, const float *const *channels, uint32_t n_frames,
		      struct mixd_error *err)
{
	struct tape *tape = data;

	if (tape->fail_after && --tape->fail_after == 0)
		return error_set(err, ERROR_RESOURCE, "tape", "is full");
	if (tape->n + n_frames > tape->room) {
		tape->room = 2 * tape->room + n_frames;
		for (uint32_t c = 0; c < tape->n_channels; c++)
			tape->channel[c] = realloc(tape->channel[c], tape->room * sizeof(float));
	}
	for (uint32_t c = 0; c < tape->n_channels; c++)
		memcpy(tape->channel[c] + tape->n, channels[c], n_frames * sizeof(float));
	tape->n += n_frames;
	return 0;
}

#define JOB_PORTS 20u

struct job { /* a request with tones and tapes */
	struct render_request request;
	struct render_input input[JOB_PORTS];
	struct render_output output[JOB_PORTS];
	struct tone tone[JOB_PORTS];
	struct tape tape[JOB_PORTS];
	struct render_source source[JOB_PORTS];
	struct render_sink sink[JOB_PORTS];
	struct render_report report;
	struct mixd_error err;
};

static struct job *job_new(const char *session)
{
	struct job *job = calloc(1, sizeof(*job));

	job->request = (struct render_request){.types = types_get(),
					       .session = session,
					       .session_name = "test.yaml",
					       .n_threads = 1,
					       .input = job->input,
					       .output = job->output};
	return job;
}

static struct tone *job_in(struct job *job, const char *node, uint32_t channels, uint64_t frames)
{
	uint32_t i = job->request.n_inputs++;

	job->tone[i] = (struct tone){.n = frames, .n_channels = channels, .seed = i, .level = 0.5f};
	job->source[i] = (struct render_source){tone_read, &job->tone[i], channels};
	job->input[i] = (struct render_input){.node = node, .source = &job->source[i]};
	return &job->tone[i];
}

static struct tape *job_out(struct job *job, const char *node, uint32_t channels)
{
	uint32_t i = job->request.n_outputs++;

	job->tape[i].n_channels = channels;
	job->sink[i] = (struct render_sink){tape_write, &job->tape[i]};
	job->output[i] = (struct render_output){.node = node, .sink = &job->sink[i]};
	media_target_init(&job->output[i].target);
	return &job->tape[i];
}

static int job_try(struct job *job, struct task *task)
{
	for (uint32_t i = 0; i < job->request.n_inputs; i++)
		job->tone[i].at = 0;
	for (uint32_t i = 0; i < job->request.n_outputs; i++)
		job->tape[i].n = 0;
	memset(&job->err, 0, sizeof(job->err));
	return render_run(&job->request, task, &job->report, &job->err);
}

static void job_run(struct job *job)
{
	int r = job_try(job, NULL);

	CHECK(r == 0, "%d: %s: %s (%s)", r, job->err.address, job->err.text, job->err.hint);
}

static void job_free(struct job *job)
{
	for (uint32_t i = 0; i < JOB_PORTS; i++)
		for (uint32_t c = 0; c < MEDIA_CHANNELS_MAX; c++)
			free(job->tape[i].channel[c]);
	free(job);
}

static void job_refused(struct job *job, int code, const char *address, const char *text)
{
	int r = job_try(job, NULL);

	CHECK(r < 0, "was not refused");
	CHECK(strstr(job->err.text, text), "\"%s\" is not in \"%s\"", text, job->err.text);
	CHECK(strstr(job->err.address, address), "\"%s\" is not in \"%s\"", address,
	      job->err.address);
	CHECK((int)job->err.code == code, "code %d: %s", (int)job->err.code, job->err.text);
}

/* The first frame at which two tapes differ; -1: none. */
static int64_t tapes_differ(const struct tape *a, const struct tape *b)
{
	if (a->n != b->n)
		return (int64_t)(a->n < b->n ? a->n : b->n);
	for (uint32_t c = 0; c < a->n_channels; c++)
		for (uint64_t i = 0; i < a->n; i++)
			if (memcmp(&a->channel[c][i], &b->channel[c][i], sizeof(float)) != 0)
				return (int64_t)i;
	return -1;
}

/* ---- time -------------------------------------------------------------------------------------- */

#define WIRE "mixd: 1\nnodes:\n  in: {type: input}\n  out: {type: output}\nlinks: [in -> out]\n"
#define LATE                                                                                       \
	"mixd: 1\nnodes:\n  in: {type: input}\n  lim: {type: limiter}\n  out: {type: output}\n"    \
	"links: [in -> lim -> out]\n"

TEST(a_wire_gives_what_it_is_given)
{
	struct job *job = job_new(WIRE);
	struct tape *tape;

	job_in(job, NULL, 2, 100001);
	tape = job_out(job, NULL, 2);
	job_run(job);
	CHECK(tape->n == 100001, "%llu", (unsigned long long)tape->n);
	CHECK(job->report.frames == 100001 && job->report.rate == RATE);
	for (uint32_t c = 0; c < 2; c++)
		for (uint32_t i = 0; i < 100001; i++)
			CHECK(tape->channel[c][i] == 0.5f * noise(i, c, 0), "%u %u", c, i);
	CHECK(job->output[0].peak > 0.2499 && job->output[0].peak <= 0.25);
	job_free(job);
}

TEST(latency_is_taken_off)
{
	struct job *job = job_new(LATE);
	struct tape *tape;

	job_in(job, NULL, 2, 50000);
	tape = job_out(job, NULL, 2);
	job_run(job);
	CHECK(tape->n == 50000, "%llu", (unsigned long long)tape->n);
	for (uint32_t i = 0; i < 50000; i++)
		CHECK_NEAR((double)tape->channel[1][i], (double)(0.5f * noise(i, 1, 0)), 1e-6);
	job_free(job);
}

TEST(outputs_of_other_latency_are_aligned)
{
	struct job *job = job_new(LATE);
	struct tape *before, *behind;

	job_in(job, NULL, 2, 50000);
	behind = job_out(job, "out", 2);
	before = job_out(job, "in", 2);
	job_run(job);
	CHECK(before->n == 50000 && behind->n == 50000);
	for (uint32_t i = 0; i < 50000; i++)
		CHECK_NEAR((double)behind->channel[0][i], (double)before->channel[0][i], 1e-6);
	job_free(job);
}

TEST(a_range_is_the_same_piece_of_the_whole)
{
	static const char session[] =
		"mixd: 1\nnodes:\n  in: {type: input}\n  rev: {type: reverb}\n  lim: {type: "
		"limiter, ceiling: -20dBTP}\n  out: {type: output}\nlinks: [in -> rev -> lim -> "
		"out]\n";
	struct job *whole = job_new(session), *part = job_new(session);
	struct tape *all, *piece;

	job_in(whole, NULL, 2, 3 * RATE);
	all = job_out(whole, NULL, 2);
	whole->request.tail_s = 0;
	job_run(whole);
	job_in(part, NULL, 2, 3 * RATE);
	piece = job_out(part, NULL, 2);
	part->request.start_s = 0.7301;
	part->request.end_s = 1.9;
	job_run(part);
	CHECK(all->n == 3 * RATE, "%llu", (unsigned long long)all->n);
	CHECK(piece->n == 91200 - 35045, "%llu", (unsigned long long)piece->n);
	for (uint64_t i = 0; i < piece->n; i++)
		CHECK(piece->channel[0][i] == all->channel[0][35045 + i], "%llu",
		      (unsigned long long)i);
	job_free(whole);
	job_free(part);
}

TEST(a_tail_rings_out_and_no_longer)
{
	static const char session[] =
		"mixd: 1\nnodes:\n  in: {type: input}\n  d: {type: delay, time: 1000ms, feedback: "
		"30%, mix: 50%}\n  out: {type: output}\nlinks: [in -> d -> out]\n";
	struct job *job = job_new(session);
	struct tape *tape;
	uint64_t last = 0;

	job_in(job, NULL, 2, 4800);
	tape = job_out(job, NULL, 2);
	job->request.tail_s = -1;
	job_run(job);
	for (uint64_t i = 0; i < tape->n; i++)
		if (fabsf(tape->channel[0][i]) > 3.16228e-5f ||
		    fabsf(tape->channel[1][i]) > 3.16228e-5f)
			last = i;
	CHECK(tape->n == last + 1, "%llu, %llu", (unsigned long long)tape->n,
	      (unsigned long long)last);
	CHECK(tape->n > 5 * RATE, "several echoes: %llu", (unsigned long long)tape->n);
	job->request.tail_s = 0.25;
	job_run(job);
	CHECK(tape->n == 4800 + 12000);
	job_free(job);
}

TEST(a_generator_needs_an_end)
{
	static const char session[] = "mixd: 1\nnodes:\n  g: {type: generator}\n  out: {type: "
				      "output}\nlinks: [g -> out]\n";
	struct job *job = job_new(session);
	struct tape *tape = job_out(job, NULL, 2);

	job_refused(job, 5, "--end", "how long");
	job->request.end_s = 0.5;
	job_run(job);
	CHECK(tape->n == RATE / 2);
	job->request.tail_s = -1; /* it would never be quiet */
	job_run(job);
	CHECK(tape->n == RATE / 2);
	job->request.start_s = 0.5;
	job_refused(job, 5, "--end", "not behind the start");
	job_free(job);
}

TEST(envelopes_begin_at_their_first_point)
{
	static const char session[] =
		"mixd: 1\nnodes:\n  in: {type: input}\n  g: {type: gain}\n  out: {type: output}\n"
		"links: [in -> g -> out]\nenvelopes:\n  - {address: g.gain, curve: linear, points: "
		"[0s=-inf, 1s=0dB]}\n";
	struct job *job = job_new(session);
	struct tape *tape;

	job_in(job, NULL, 2, 3 * RATE / 2);
	tape = job_out(job, NULL, 2);
	job_run(job);
	for (uint32_t i = 0; i < RATE; i++)
		CHECK_NEAR((double)tape->channel[0][i], (double)(0.5f * noise(i, 0, 0)) * i / RATE,
			   2e-5);
	CHECK(tape->channel[0][RATE + 100] == 0.5f * noise(RATE + 100, 0, 0));
	job_free(job);
}

/* ---- inputs, outputs, settings ----------------------------------------------------------------- */

TEST(mono_goes_into_all_channels)
{
	struct job *job =
		job_new("mixd: 1\nnodes:\n  in: {type: input, layout: 5.1}\n  out: {type: "
			"output}\nlinks: [in -> out]\n");
	struct tape *tape;

	job_in(job, "in", 1, 10000);
	tape = job_out(job, "out", 6);
	job_run(job);
	CHECK(strcmp(job->output[0].target.layout.name, "5.1") == 0);
	for (uint32_t c = 0; c < 6; c++)
		CHECK(tape->channel[c][9999] == 0.5f * noise(9999, 0, 0));
	job->source[0].n_channels = job->tone[0].n_channels = 2;
	job_refused(job, 5, "in", "has 6 channels, and what it is given 2");
	job_free(job);
}

TEST(an_input_without_layout_takes_that_of_its_file)
{
	struct job *job = job_new(WIRE);
	struct tape *tape;

	job_in(job, "in", 4, 1000);
	tape = job_out(job, "out", 4);
	job_run(job);
	CHECK(job->output[0].target.layout.n_channels == 4);
	CHECK(tape->channel[3][999] == 0.5f * noise(999, 3, 0));
	job_free(job);
}

TEST(values_are_set_behind_the_session)
{
	static const char session[] =
		"mixd: 1\nnodes:\n  in: {type: input}\n  g: {type: gain, gain: "
		"-6dB}\n  out: {type: output}\nlinks: [in -> g -> out]\n";
	static const char *const set[] = {"g.gain=-20dB", "g.gain+=20dB"};
	static const char *const bad[] = {"g.gian=-20dB"}, *const none[] = {"g.gain"};
	struct job *job = job_new(session);
	struct tape *tape;

	job_in(job, NULL, 2, 1000);
	tape = job_out(job, NULL, 2);
	job->request.set = set;
	job->request.n_set = 2;
	job_run(job);
	CHECK(tape->channel[0][500] == 0.5f * noise(500, 0, 0));
	job->request.set = bad;
	job->request.n_set = 1;
	job_refused(job, 4, "g.gian", "gian");
	job->request.set = none;
	job_refused(job, 2, "--set", "sets nothing");
	job_free(job);
}

TEST(refusals_name_what_is_wrong)
{
	static const char two[] =
		"mixd: 1\nnodes:\n  a: {type: input}\n  b: {type: input}\n  m: {type: "
		"bus, inputs: 2}\n  out: {type: output}\nlinks: [a -> m, b -> "
		"m:in2, m -> out]\n";
	struct job *job = job_new(two);

	job_in(job, NULL, 2, 1000);
	job_out(job, NULL, 2);
	job_refused(job, 5, "-i", "2 inputs: a, b");
	CHECK(strstr(job->err.hint, "-i NODE=FILE"), "%s", job->err.hint);
	job->input[0].node = "m";
	job_refused(job, 5, "m", "is a bus, not an input");
	job->input[0].node = "aa";
	job_refused(job, 4, "aa", "aa");
	job->input[0].node = "a";
	job->output[0].node = "mm";
	job_refused(job, 4, "mm", "mm");
	job->output[0].node = "m:sub";
	job_refused(job, 4, "m:sub", "");
	job->output[0].node = "m";
	job_in(job, "a", 2, 1000);
	job_refused(job, 6, "a", "two files");
	job->request.n_inputs = 1;
	job->request.rate = 1000;
	job_refused(job, 5, "--rate", "1000");
	job->request.rate = 0;
	job->request.session = "mixd: 1\nnodes:\n  a: {type: inpt}\n";
	job_refused(job, 5, "test.yaml:3:", "inpt");
	job->request.session = two;
	job->tone[0].n = 0;
	job_refused(job, 5, "", "nothing to render");
	job->tone[0].n = 5000;
	job->tone[0].breaks = true;
	job_refused(job, 8, "tone", "torn");
	job->tone[0].breaks = false;
	job->tape[0].fail_after = 1;
	job_refused(job, 8, "tape", "full");
	job->tone[0].poison = 3000;
	job_refused(job, 5, "a", "not a number");
	for (uint32_t threads = 1; threads <= 2; threads++) {
		struct task task = {0};

		job->tone[0].poison = 0;
		job->request.n_threads = threads;
		job->tone[0].n = 2000000;
		job->tone[0].cancels = &task;
		CHECK(job_try(job, &task) == -ECANCELED);
		CHECK(job->err.code == ERROR_INTERRUPTED);
		CHECK(job->tape[0].n < 1500000);
	}
	job_free(job);
}

TEST(meters_are_read_at_the_end)
{
	static const char session[] =
		"mixd: 1\nnodes:\n  in: {type: input}\n  m: {type: loudness}\n  "
		"out: {type: output}\nlinks: [in -> m, in -> out]\n";
	static const char *const meter[] = {"m.i", "out.level1", "in.nothing"};
	double value[3];
	struct job *job = job_new(session);

	job_in(job, NULL, 2, 3 * RATE);
	job_out(job, NULL, 2);
	job->request.meter = meter;
	job->request.ret_meter = value;
	job->request.n_meters = 2;
	for (job->request.cut = 0; job->request.cut < 4; job->request.cut++) {
		job_run(job);
		CHECK(value[0] > -20 && value[0] < -8, "%g", value[0]);
		CHECK_NEAR(value[1], 20 * log10(0.25), 0.01);
	}
	job->request.n_meters = 3;
	job_refused(job, 4, "in.nothing", "nothing");
	job_free(job);
}

/* ---- stems ------------------------------------------------------------------------------------- */

TEST(a_stem_changes_nothing)
{
	static const char session[] =
		"mixd: 1\nnodes:\n  in: {type: input}\n  c: {type: comp, threshold: -20dBFS}\n  l: "
		"{type: limiter, ceiling: -20dBTP}\n  out: {type: output}\nlinks: [in -> c -> l -> "
		"out]\n";
	struct job *alone = job_new(session), *both = job_new(session);
	struct tape *one, *same, *stem;

	job_in(alone, NULL, 2, 70000);
	one = job_out(alone, NULL, 2);
	job_run(alone);
	job_in(both, NULL, 2, 70000);
	same = job_out(both, "out", 2);
	stem = job_out(both, "c:out", 2);
	job_out(both, "out", 2);
	job_run(both);
	CHECK(tapes_differ(one, same) == -1, "at %lld", (long long)tapes_differ(one, same));
	CHECK(tapes_differ(one, &both->tape[2]) == -1);
	CHECK(stem->n == 70000 && stem->channel[0][60000] != same->channel[0][60000]);
	job_free(alone);
	job_free(both);
}

/* ---- cuts and threads -------------------------------------------------------------------------- */

static const char chain[] =
	"mixd: 1\nnodes:\n  in: {type: input}\n"
	"  eq: {type: eq, band1: {freq: 80Hz, gain: 3dB, type: bell}, band2: {freq: 3kHz, gain: "
	"-2dB, type: bell}}\n"
	"  comp: {type: comp, threshold: -24dBFS, ratio: 3}\n  mb: {type: multicomp}\n"
	"  lim: {type: limiter, ceiling: -3dBTP}\n  dith: {type: dither, bits: 16}\n"
	"  out: {type: output}\n  meter: {type: loudness}\n"
	"links:\n  - in -> eq -> comp -> mb -> lim -> dith -> out\n  - lim -> meter\n"
	"envelopes:\n  - {address: comp.threshold, curve: linear, points: [0s=-24dBFS, "
	"1s=-40dBFS]}\n";

/* Sends, key inputs, a loop with a feedback node, VCAs, taps before nodes, pans, latency beside none. */
static const char desk[] =
	"mixd: 1\nnodes:\n  a/in: {type: input}\n  b/in: {type: input}\n"
	"  a/eq: {type: eq, band1: {freq: 200Hz, gain: 6dB, type: bell}}\n"
	"  b/eq: {type: eq, band1: {freq: 900Hz, gain: -6dB, type: bell}}\n"
	"  a/lim: {type: limiter, ceiling: -16dBTP}\n  b/duck: {type: ducker}\n"
	"  a/fader: {type: gain, gain: -3dB}\n  b/fader: {type: gain, gain: -5dB}\n"
	"  a-x: {type: gain, gain: -1dB}\n  fb: {type: feedback}\n  loop: {type: gain, gain: "
	"-9dB}\n"
	"  rev: {type: reverb}\n  mix: {type: bus}\n  out: {type: output}\n  aux: {type: output}\n"
	"  v: {type: vca, members: \"a/fader, b/*\", gain: -2dB}\n"
	"  w: {type: vca, members: v, gain: -1dB}\n"
	"links:\n  - a/in -> a/eq -> a/lim -> a/fader -> mix\n  - b/in -> b/eq -> b/duck -> "
	"b/fader "
	"-> mix\n  - a/eq -> b/duck:key\n  - {from: a/fader, to: rev, tap: pre, level: -6dB}\n"
	"  - {from: b/fader, to: rev, level: -12dB, pan: L30}\n  - rev -> mix\n  - a-x -> mix\n"
	"  - b/in -> a-x\n  - a/in -> loop\n  - loop -> fb -> loop\n  - loop -> mix\n  - mix -> "
	"out\n"
	"  - rev -> aux\n"
	"envelopes:\n  - {address: v.gain, curve: linear, points: [0s=-2dB, 800ms=-12dB]}\n";

struct variant {
	uint32_t threads, block, cut;
};

static void job_variant(struct job *job, const struct variant *variant)
{
	job->request.n_threads = variant->threads;
	job->request.block_frames = variant->block;
	job->request.cut = variant->cut;
	job_run(job);
}

static struct job *desk_job(const char *session, uint64_t frames)
{
	struct job *job = job_new(session);

	if (session == desk) {
		job_in(job, "a/in", 2, frames);
		job_in(job, "b/in", 1, frames - 777);
		job_out(job, "aux", 2);
		job_out(job, "b/duck", 1);
	} else {
		job_in(job, NULL, 2, frames);
	}
	job_out(job, "out", 2);
	return job;
}

static void jobs_equal(const struct job *a, const struct job *b, const struct variant *variant)
{
	for (uint32_t i = 0; i < a->request.n_outputs; i++) {
		int64_t at = tapes_differ(&a->tape[i], &b->tape[i]);

		CHECK(at == -1, "output %u differs at %lld: threads %u, block %u, cut %u", i,
		      (long long)at, variant->threads, variant->block, variant->cut);
	}
}

static void variants_equal(const char *session, uint32_t n_nodes)
{
	static const struct variant some[] = {
		{1, 128, 0}, {1, 1000, 0}, {2, 0, 0}, {2, 4096, 0}, {4, 384, 0}, {1, 8192, 0},
	};
	struct job *whole = desk_job(session, 60000), *other = desk_job(session, 60000);

	job_variant(whole, &(struct variant){1, 0, 0});
	CHECK(whole->report.n_stages == 1);
	for (uint32_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		job_variant(other, &some[i]);
		jobs_equal(whole, other, &some[i]);
	}
	for (uint32_t cut = 1; cut < n_nodes; cut++) {
		struct variant variant = {cut % 3 == 0 ? 2 : 1, 0, cut};

		job_variant(other, &variant);
		jobs_equal(whole, other, &variant);
	}
	CHECK(other->report.n_stages <= 2);
	job_free(whole);
	job_free(other);
}

TEST(a_chain_is_the_same_however_it_is_run)
{
	struct job *job = desk_job(chain, 30000);

	variants_equal(chain, 8);
	job_variant(job, &(struct variant){2, 0, 0});
	CHECK(job->report.n_stages == 2, "this one is worth a cut");
	job_free(job);
}

TEST(a_desk_is_the_same_however_it_is_run)
{
	variants_equal(desk, 17);
}

/* ---- random graphs ----------------------------------------------------------------------------- */

/* Layered at random: each node hears some of those before it, some through keys, taps, pans and levels. */
static char *random_session(uint32_t n)
{
	static const char *const kinds[] = {
		"gain, gain: -3dB",
		"eq, band1: {on: on, type: bell, freq: 700Hz, gain: 5dB}",
		"comp, threshold: -30dBFS",
		"limiter, ceiling: -18dBTP",
		"delay, time: 30ms, feedback: 20%",
		"width, width: 120%",
		"ducker",
		"chorus",
		"bus, inputs: 1",
		"feedback",
		"saturator",
		"align, delay: 3ms",
	};
	uint32_t kind[40];
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "mixd: 1\nnodes:\n  in: {type: input, layout: stereo}\n  out: {type: output, "
		     "layout: stereo}\n  gen: {type: generator, layout: stereo, level: -40dBFS}\n");
	for (uint32_t i = 0; i < n; i++) {
		kind[i] = test_random_below(sizeof(kinds) / sizeof(kinds[0]));
		/* names that sort in another order than that in which they feed each other */
		fprintf(out, "  n%u/%c: {type: %s}\n", i * 7 % 13, (char)('a' + i), kinds[kind[i]]);
	}
	fprintf(out, "  v: {type: vca, members: \"n*/?\", gain: -1dB}\nlinks:\n");
	for (uint32_t i = 0; i < n; i++) {
		uint32_t n_from = 1 + test_random_below(3), from = i;

		for (uint32_t k = 0; k < n_from && from > 0; k++) {
			const char *port = kind[i] == 6 && k == 1 ? ":key" : "";
			bool pre;

			from = test_random_below(from);
			pre = test_random_below(4) == 0 && kind[from] < 6 && kind[from] != 1;
			fprintf(out,
				"  - {from: n%u/%c, to: \"n%u/%c%s\", level: -%u.5dB, pan: "
				"R%u%s}\n",
				from * 7 % 13, (char)('a' + from), i * 7 % 13, (char)('a' + i),
				port, test_random_below(9), test_random_below(60),
				pre ? ", tap: pre" : "");
		}
		if (i == 0 || test_random_below(5) == 0)
			fprintf(out, "  - {from: %s, to: n%u/%c, level: -9dB}\n",
				i && test_random_below(2) ? "gen" : "in", i * 7 % 13,
				(char)('a' + i));
		if (i + 1 == n || test_random_below(3) == 0)
			fprintf(out, "  - {from: n%u/%c, to: out, level: -12dB}\n", i * 7 % 13,
				(char)('a' + i));
	}
	fclose(out);
	return text;
}

TEST(random_graphs_are_the_same_however_they_are_cut)
{
	uint32_t loud = 0;

	for (uint32_t round = 0; round < 25; round++) {
		uint32_t n = 4 + test_random_below(14);
		char *session = random_session(n);
		struct job *whole = job_new(session), *part = job_new(session);

		job_in(whole, NULL, 2, 9000);
		job_out(whole, NULL, 2);
		whole->request.seed = part->request.seed = round;
		whole->request.tail_s = part->request.tail_s = 0.05;
		job_run(whole);
		loud += whole->output[0].peak > 0.001;
		job_in(part, NULL, 2, 9000);
		job_out(part, NULL, 2);
		for (uint32_t cut = 1; cut < n + 3; cut += 1 + test_random_below(3)) {
			struct variant variant = {1 + test_random_below(3),
						  128 * (1 + test_random_below(20)), cut};

			job_variant(part, &variant);
			if (tapes_differ(&whole->tape[0], &part->tape[0]) != -1)
				test_note("%s", session);
			jobs_equal(whole, part, &variant);
		}
		job_free(whole);
		job_free(part);
		free(session);
	}
	CHECK(loud > 20, "%u", loud);
}
