/* test_render.c - sessions over code in place of files: time, tails, inputs, settings, stems. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "render_rig.h"

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
	for (uint32_t cut = 0; cut < 4; cut++) {
		job->request.cut[0] = cut;
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
