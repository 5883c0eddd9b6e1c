/* test_render_cuts.c - a render is the same however it is cut, and whoever runs it. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "render_rig.h"

/* The thread sanitizer looks at who touches what, which a tenth of it shows as well. */
#if defined(__SANITIZE_THREAD__)
#define FRAMES 8000u
#define CUTS_STEP 5u
#define RANDOM_ROUNDS 2u
#else
#define FRAMES 60000u
#define CUTS_STEP 1u
#define RANDOM_ROUNDS 25u
#endif

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
	uint32_t threads, block;
	uint32_t cut[RENDER_CUTS_MAX];
};

static void job_variant(struct job *job, const struct variant *variant)
{
	job->request.n_threads = variant->threads;
	job->request.block_frames = variant->block;
	memcpy(job->request.cut, variant->cut, sizeof(variant->cut));
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

		CHECK(at == -1, "output %u differs at %lld: threads %u, block %u, cuts %u %u %u", i,
		      (long long)at, variant->threads, variant->block, variant->cut[0],
		      variant->cut[1], variant->cut[2]);
	}
}

/* Cuts at A, and at random behind it. */
static struct variant variant_from(uint32_t a, uint32_t n_nodes)
{
	struct variant variant = {.threads = 1 + test_random_below(4), .cut = {a}};

	for (uint32_t i = 1; i < RENDER_CUTS_MAX && a < n_nodes; i++) {
		a += 1 + test_random_below(n_nodes - a);
		variant.cut[i] = test_random_below(5) ? a : 0;
		if (!variant.cut[i])
			break;
	}
	return variant;
}

static void variants_equal(const char *session, uint32_t n_nodes)
{
	static const struct variant some[] = {
		{1, 128, {0}}, {1, 1000, {0}}, {2, 0, {0}},	    {2, 4096, {0}},
		{4, 384, {0}}, {1, 8192, {0}}, {3, 128, {2, 3, 4}}, {4, 256, {1, 3, 5}},
	};
	struct job *whole = desk_job(session, FRAMES), *other = desk_job(session, FRAMES);
	uint32_t most = 0;

	job_variant(whole, &(struct variant){1, 0, {0}});
	CHECK(whole->report.n_stages == 1);
	for (uint32_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		job_variant(other, &some[i]);
		jobs_equal(whole, other, &some[i]);
	}
	for (uint32_t cut = 1; cut < n_nodes; cut += CUTS_STEP) {
		struct variant variant = {cut % 3 == 0 ? 2 : 1, 0, {cut}};

		job_variant(other, &variant);
		jobs_equal(whole, other, &variant);
		CHECK(other->report.n_stages <= 2);
		variant = variant_from(cut, n_nodes);
		job_variant(other, &variant);
		jobs_equal(whole, other, &variant);
		most = other->report.n_stages > most ? other->report.n_stages : most;
	}
	CHECK(most == RENDER_CUTS_MAX + 1 || CUTS_STEP > 1, "%u parts at the most", most);
	job_free(whole);
	job_free(other);
}

TEST(a_chain_is_the_same_however_it_is_run)
{
	variants_equal(chain, 8);
}

TEST(a_desk_is_the_same_however_it_is_run)
{
	variants_equal(desk, 17);
}

TEST(a_chain_is_cut_where_that_pays)
{
	static const char small[] = "mixd: 1\nnodes:\n  in: {type: input}\n  g: {type: gain}\n  "
				    "out: {type: output}\nlinks: [in -> g -> out]\n";
	static const char large[] =
		"mixd: 1\nnodes:\n  in: {type: input}\n  g: {type: gain}\n  r: {type: reverb}\n"
		"  out: {type: output}\nlinks: [in -> g -> r -> out]\n";
	struct job *job = desk_job(chain, 3000);

	job_variant(job, &(struct variant){2, 0, {0}});
	CHECK(job->report.n_stages >= 2 && job->report.n_stages <= 3, "for two threads: %u",
	      job->report.n_stages);
	job_variant(job, &(struct variant){1, 0, {0}});
	CHECK(job->report.n_stages == 1);
	job->request.session = small;
	job_variant(job, &(struct variant){4, 0, {0}});
	CHECK(job->report.n_stages == 1, "a fader is not worth it");
	job->request.session = large;
	job_variant(job, &(struct variant){4, 0, {0}});
	CHECK(job->report.n_stages == 1, "one node has nearly all of the work");
	job_free(job);
}

/* ---- ends -------------------------------------------------------------------------------------- */

static const char row[] =
	"mixd: 1\nnodes:\n  in: {type: input}\n  g1: {type: gain}\n  g2: {type: gain}\n"
	"  g3: {type: gain}\n  g4: {type: gain}\n  out: {type: output}\n"
	"links: [in -> g1 -> g2 -> g3 -> g4 -> out]\n";

/* Four engines, short blocks. */
static struct job *row_job(uint32_t threads)
{
	struct job *job = job_new(row);

	job->request.n_threads = threads;
	job->request.block_frames = 256;
	memcpy(job->request.cut, (uint32_t[]){2, 3, 4}, sizeof(job->request.cut));
	job_in(job, NULL, 2, 100000);
	job_out(job, NULL, 2);
	return job;
}

TEST(a_failure_anywhere_ends_all_threads)
{
	static const char *const louder[] = {"g1.gain=12dB", "g2.gain=12dB", "g3.gain=12dB",
					     "g4.gain=12dB"};

	for (uint32_t threads = 1; threads <= 6; threads += CUTS_STEP < 3 ? 1 : 3) {
		struct job *job = row_job(threads);

		job_run(job);
		CHECK(job->report.n_stages == 4 && job->tape[0].n == 100000);
		job->tone[0].breaks = true;
		job_refused(job, ERROR_RESOURCE, "tone", "torn");
		job->tone[0].breaks = false;
		job->tape[0].fail_after = 200;
		job_refused(job, ERROR_RESOURCE, "tape", "full");
		CHECK(job->tape[0].n >= 150 * 128 && job->tape[0].n < 200 * 256, "%llu",
		      (unsigned long long)job->tape[0].n);
		job->tape[0].fail_after = 0;
		job->tone[0].poison = 60000;
		job_refused(job, ERROR_INVALID, "in", "not a number");
		job->tone[0].poison = 0;
		job->tone[0].late_level = 1500; /* up to +57.5 dBFS; +60 is too much */
		for (uint32_t g = 0; g < 4; g++) {
			const char name[] = {'g', (char)('1' + g), '\0'};

			job->request.set = &louder[g];
			job->request.n_set = 1;
			job_refused(job, ERROR_INVALID, name, "ran away");
			CHECK(job->tape[0].n <= 52000, "%llu", (unsigned long long)job->tape[0].n);
		}
		job_free(job);
	}
}

static void *cancel_later(void *data)
{
	usleep(200 + test_random_below(20000));
	task_cancel(data);
	return NULL;
}

TEST(whoever_cancels_all_threads_end)
{
	for (uint32_t threads = 1; threads <= 6; threads += CUTS_STEP < 3 ? 1 : 3) {
		struct job *job = row_job(threads);
		struct task by_reader = {0}, by_writer = {0};

		job->tone[0].cancels = &by_reader;
		CHECK(job_try(job, &by_reader) == -ECANCELED);
		CHECK(job->err.code == ERROR_INTERRUPTED);
		CHECK(job->tape[0].n <= 60000, "%llu", (unsigned long long)job->tape[0].n);
		job->tone[0].cancels = NULL;
		job->tape[0].cancels = &by_writer;
		job->tape[0].fail_after = 100;
		CHECK(job_try(job, &by_writer) == -ECANCELED);
		CHECK(job->tape[0].n <= 120 * 256, "%llu", (unsigned long long)job->tape[0].n);
		job->tape[0].cancels = NULL;
		job->tone[0].n = UINT32_MAX; /* a day */
		for (uint32_t i = 0; i < 5; i++) {
			struct task outside = {0};
			pthread_t other;

			CHECK(pthread_create(&other, NULL, cancel_later, &outside) == 0);
			CHECK(job_try(job, &outside) == -ECANCELED);
			pthread_join(other, NULL);
		}
		job_free(job);
	}
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

	for (uint32_t round = 0; round < RANDOM_ROUNDS; round++) {
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
			struct variant variant = variant_from(cut, n + 3);

			variant.block = 128 * (1 + test_random_below(20));
			job_variant(part, &variant);
			if (tapes_differ(&whole->tape[0], &part->tape[0]) != -1)
				test_note("%s", session);
			jobs_equal(whole, part, &variant);
		}
		job_free(whole);
		job_free(part);
		free(session);
	}
	CHECK(loud >= RANDOM_ROUNDS * 4 / 5, "%u", loud);
}
