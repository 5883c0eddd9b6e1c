/* test_dsp_partconv.c - partitioned convolution against the sum itself, in f64; time cut anyhow; two
 * banks; a worker that comes late. */
#include "partconv.h"

#include "test.h"

#define NOISE_DB -130.0 /* dsp.md 10.3 */

static float *random_floats(uint32_t n)
{
	float *x = calloc(n + 1, sizeof(*x));

	CHECK(x);
	for (uint32_t i = 0; i < n; i++)
		x[i] = (float)(2 * test_random() - 1);
	return x;
}

/* A room: noise that decays by 60 dB. */
static float *random_room(uint32_t n)
{
	float *h = random_floats(n);

	for (uint32_t i = 0; i < n; i++)
		h[i] *= (float)pow(10, -3.0 * i / n);
	return h;
}

/* y[at] of x * h, in f64. */
static double direct(const float *x, const float *h, uint32_t taps, uint32_t at)
{
	double sum = 0;

	for (uint32_t k = 0; k < taps && k <= at; k++)
		sum += (double)h[k] * x[at - k];
	return sum;
}

/* The worker of a test: inline, late by one block, or never. */
enum rig_worker { RIG_INLINE, RIG_LATE, RIG_NEVER };
struct rig {
	struct partconv *conv;
	enum rig_worker worker;
	uint32_t queue[64], n_queue;
	uint64_t position;
};

static bool rig_submit(void *data, uint32_t level)
{
	struct rig *rig = data;

	if (rig->worker == RIG_NEVER)
		return false;
	if (rig->worker == RIG_INLINE)
		partconv_work(rig->conv, level);
	else
		rig->queue[rig->n_queue++ % 64] = level;
	return true;
}

static struct rig rig_new(uint32_t n_in, uint32_t n_out, uint32_t n_filters, uint32_t n_banks,
			  uint32_t taps, const struct partconv_path *paths, uint32_t n_paths)
{
	struct partconv_shape shape = {.n_in = n_in,
				       .n_out = n_out,
				       .n_filters = n_filters,
				       .n_banks = n_banks,
				       .n_taps = taps,
				       .paths = paths,
				       .n_paths = n_paths};
	struct rig rig = {.worker = RIG_INLINE, .position = 1000};

	CHECK(partconv_new(&shape, &rig.conv) == 0);
	return rig;
}

static struct rig rig_mono(const float *h, uint32_t taps)
{
	static const struct partconv_path path = {0, 0, 0};
	struct rig rig = rig_new(1, 1, 1, 1, taps, &path, 1);

	partconv_load(rig.conv, 0, 0, h, taps);
	return rig;
}

/* FRAMES from IN to OUT in blocks of BLOCK; 0: of random sizes. */
static void rig_run(struct rig *rig, const float *const *in, float *const *out, uint32_t frames,
		    uint32_t block)
{
	for (uint32_t done = 0; done < frames;) {
		uint32_t n = block ? block : 1 + test_random_below(300);
		const float *from[64];
		float *to[64];

		n = n < frames - done ? n : frames - done;
		for (uint32_t c = 0; c < rig->conv->shape.n_in; c++)
			from[c] = in[c] + done;
		for (uint32_t c = 0; c < rig->conv->shape.n_out; c++)
			to[c] = out[c] + done;
		partconv_process(rig->conv, &(struct partconv_call){.in = from,
								    .out = {to},
								    .n_frames = n,
								    .position = rig->position,
								    .submit = rig_submit,
								    .data = rig});
		rig->position += n;
		done += n;
	}
}

static void rig_run_mono(struct rig *rig, const float *in, float *out, uint32_t frames,
			 uint32_t block)
{
	rig_run(rig, &in, &out, frames, block);
}

/* Error over signal, at N places. */
static double error_db(const float *x, const float *h, uint32_t taps, const float *y,
		       uint32_t frames, uint32_t n)
{
	double error = 0, power = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = n == frames ? i : frames - 1 - test_random_below(frames / 2);
		double want = direct(x, h, taps, at);

		error += (y[at] - want) * (y[at] - want);
		power += want * want;
	}
	return 10 * log10(error / power + 1e-30);
}

TEST(partconv_equals_the_sum) /* dsp.md 10.3 */
{
	static const uint32_t lengths[] = {1,	 2,    63,   64,   65,	 127,  128,   129,  1000,
					   1024, 1344, 1345, 1500, 2049, 8191, 20000, 70000};
	double worst = -300;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		uint32_t taps = lengths[i], frames = taps + 5000;
		float *x = random_floats(frames), *h = random_room(taps);
		float *y = calloc(frames, sizeof(*y));
		struct rig rig = rig_mono(h, taps);
		double db;

		rig_run_mono(&rig, x, y, frames, 0);
		db = error_db(x, h, taps, y, frames, taps < 300 ? frames : 200);
		CHECK(db <= NOISE_DB, "%u taps: %.1f dB", taps, db);
		worst = fmax(worst, db);
		partconv_free(rig.conv);
		free(x);
		free(h);
		free(y);
	}
	test_note("error over signal %.1f dB at most", worst);
}

TEST(partconv_cut_of_time_changes_no_bit) /* P1 */
{
	static const uint32_t blocks[] = {1, 16, 17, 64, 128, 1000, 8192};
	enum { TAPS = 30000, FRAMES = 50000 };
	float *x = random_floats(FRAMES), *h = random_room(TAPS);
	float *want = calloc(FRAMES, sizeof(*want)), *y = calloc(FRAMES, sizeof(*y));
	struct rig rig = rig_mono(h, TAPS);

	rig_run_mono(&rig, x, want, FRAMES, 256);
	partconv_free(rig.conv);
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		rig = rig_mono(h, TAPS);
		rig_run_mono(&rig, x, y, FRAMES, blocks[i]);
		CHECK(memcmp(y, want, sizeof(*y) * FRAMES) == 0, "blocks of %u", blocks[i]);
		partconv_free(rig.conv);
	}
	free(x);
	free(h);
	free(want);
	free(y);
}

TEST(partconv_delta_is_the_input) /* dsp.md 10.3: -140 dB. At 0 it is exact; later, what an f32 transform leaves */
{
	static const uint32_t places[] = {0, 1, 63, 64, 700, 1024, 5000, 8192, 40000};
	enum { FRAMES = 60000 };
	float *x = random_floats(FRAMES), *y = calloc(FRAMES, sizeof(*y));

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		float *h = calloc(50000, sizeof(*h));
		struct rig rig;
		double error = 0, power = 0;

		h[places[i]] = 1;
		rig = rig_mono(h, 50000);
		rig_run_mono(&rig, x, y, FRAMES, 0);
		for (uint32_t k = places[i]; k < FRAMES; k++) {
			double want = x[k - places[i]];

			error += (y[k] - want) * (y[k] - want);
			power += want * want;
		}
		CHECK(10 * log10(error / power + 1e-30) <= (places[i] < 64 ? -290 : -132),
		      "delta at %u: %.1f dB", places[i], 10 * log10(error / power + 1e-30));
		partconv_free(rig.conv);
		free(h);
	}
	free(x);
	free(y);
}

TEST(partconv_reset_is_a_fresh_start)
{
	enum { TAPS = 30000, FRAMES = 40000 };
	float *x = random_floats(FRAMES), *h = random_room(TAPS), *bad = random_floats(FRAMES);
	float *want = calloc(FRAMES, sizeof(*want)), *y = calloc(FRAMES, sizeof(*y));
	struct rig fresh = rig_mono(h, TAPS), used = rig_mono(h, TAPS);

	fresh.position = used.position = 777 + FRAMES;
	rig_run_mono(&fresh, x, want, FRAMES, 100);
	for (int i = 0; i < 1000; i++)
		bad[i + 20000] = NAN;
	used.position = 777;
	rig_run_mono(&used, bad, y, FRAMES, 100);
	partconv_reset(used.conv);
	rig_run_mono(&used, x, y, FRAMES, 100);
	CHECK(memcmp(y, want, sizeof(*y) * FRAMES) == 0, "after reset");
	/* Back in time, as after a new start of the clock: the same blocks again. */
	partconv_reset(used.conv);
	used.position = 777 + FRAMES;
	rig_run_mono(&used, x, y, FRAMES, 99);
	CHECK(memcmp(y, want, sizeof(*y) * FRAMES) == 0, "after reset, at the same positions");
	/* A gap of silence that nobody fed is silence: as in an engine that let it sleep. */
	partconv_reset(used.conv);
	used.position = 5;
	rig_run_mono(&used, x, y, FRAMES, 99);
	used.position = 777 + FRAMES;
	rig_run_mono(&used, x, y, FRAMES, 99);
	CHECK(memcmp(y, want, sizeof(*y) * FRAMES) == 0, "after a gap");
	partconv_free(fresh.conv);
	partconv_free(used.conv);
	free(x);
	free(bad);
	free(h);
	free(want);
	free(y);
}

TEST(partconv_silence_is_exact_and_changes_nothing) /* P3 */
{
	enum { TAPS = 20000, FRAMES = 60000 };
	static float zeros[FRAMES];
	float *x = random_floats(FRAMES), *h = random_room(TAPS), *y = calloc(FRAMES, sizeof(*y));
	struct rig rig = rig_mono(h, TAPS);

	rig_run_mono(&rig, zeros, y, FRAMES, 0);
	for (uint32_t i = 0; i < FRAMES; i++)
		CHECK(y[i] == 0);
	memset(x + 10000, 0, 30000 * sizeof(*x)); /* sound, silence, sound */
	rig_run_mono(&rig, x, y, FRAMES, 0);
	CHECK(error_db(x, h, TAPS, y, FRAMES, 500) <= NOISE_DB);
	for (uint32_t i = 10000 + TAPS + 4096; i < 40000; i++)
		CHECK(y[i] == 0);
	partconv_free(rig.conv);
	free(x);
	free(h);
	free(y);
}

TEST(partconv_paths_of_a_true_stereo_room)
{
	static const struct partconv_path paths[] = {{0, 0, 0}, {1, 0, 2}, {0, 1, 1}, {1, 1, 3}};
	enum { TAPS = 9000, FRAMES = 20000 };
	float *x[2] = {random_floats(FRAMES), random_floats(FRAMES)}, *h[4];
	float *y[2] = {calloc(FRAMES, sizeof(float)), calloc(FRAMES, sizeof(float))};
	struct rig rig = rig_new(2, 2, 4, 1, TAPS, paths, 4);
	double error = 0, power = 0;

	for (int i = 0; i < 4; i++) {
		h[i] = random_room(TAPS - 100 * (uint32_t)i);
		partconv_load(rig.conv, 0, (uint32_t)i, h[i], TAPS - 100 * (uint32_t)i);
	}
	rig_run(&rig, (const float *const *)x, y, FRAMES, 0);
	for (uint32_t i = 0; i < 1000; i++) {
		uint32_t at = test_random_below(FRAMES);
		double left = direct(x[0], h[0], TAPS, at) + direct(x[1], h[2], TAPS - 200, at);
		double right =
			direct(x[0], h[1], TAPS - 100, at) + direct(x[1], h[3], TAPS - 300, at);

		error += pow(y[0][at] - left, 2) + pow(y[1][at] - right, 2);
		power += left * left + right * right;
	}
	CHECK(10 * log10(error / power) <= NOISE_DB, "%.1f dB", 10 * log10(error / power));
	partconv_free(rig.conv);
	for (int i = 0; i < 4; i++)
		free(h[i]);
	for (int i = 0; i < 2; i++) {
		free(x[i]);
		free(y[i]);
	}
}

/* A bank that begins in the midst of sound has all of its past after partconv_warm_frames(). */
TEST(partconv_second_bank_begins_with_its_past)
{
	static const struct partconv_path path = {0, 0, 0};
	enum { TAPS = 20000, FRAMES = 70000, BEGIN = 30011 };
	float *x = random_floats(FRAMES), *h[2] = {random_room(TAPS), random_room(TAPS)};
	float *y[2] = {calloc(FRAMES, sizeof(float)), calloc(FRAMES, sizeof(float))};
	struct rig rig = rig_new(1, 1, 1, 2, TAPS, &path, 1);
	struct rig alone = rig_mono(h[1], TAPS);
	float *want = calloc(FRAMES, sizeof(float));
	uint64_t warm = 0;

	partconv_load(rig.conv, 0, 0, h[0], TAPS);
	rig_run_mono(&alone, x, want, FRAMES, 100);
	for (uint32_t done = 0; done < FRAMES;) {
		uint32_t n = done < BEGIN && BEGIN - done < 100 ? BEGIN - done : 100;
		const float *in = x + done;
		float *out[2] = {y[0] + done, y[1] + done};

		n = n < FRAMES - done ? n : FRAMES - done;
		if (done == BEGIN) {
			partconv_load(rig.conv, 1, 0, h[1], TAPS);
			partconv_set_banks(rig.conv, 3);
			warm = partconv_warm_frames(rig.conv, rig.position);
		}
		partconv_process(rig.conv, &(struct partconv_call){.in = &in,
								   .out = {&out[0], &out[1]},
								   .n_frames = n,
								   .position = rig.position,
								   .submit = rig_submit,
								   .data = &rig});
		rig.position += n;
		done += n;
	}
	CHECK(warm > 0 && warm <= 8192, "%llu", (unsigned long long)warm);
	CHECK(memcmp(y[1] + BEGIN + warm, want + BEGIN + warm,
		     (FRAMES - BEGIN - warm) * sizeof(float)) == 0);
	CHECK(error_db(x, h[0], TAPS, y[0], FRAMES, 500) <= NOISE_DB);
	partconv_free(rig.conv);
	partconv_free(alone.conv);
	for (int i = 0; i < 2; i++) {
		free(h[i]);
		free(y[i]);
	}
	free(x);
	free(want);
}

/* Late: that partition is silent for a block, counted, and later all is right again. */
TEST(partconv_late_worker_is_silence_for_one_block)
{
	enum { TAPS = 60000, FRAMES = 240000, BLOCK = 8192 };
	float *x = random_floats(FRAMES), *h = random_room(TAPS);
	float *want = calloc(FRAMES, sizeof(*want)), *y = calloc(FRAMES, sizeof(*y));
	struct rig good = rig_mono(h, TAPS), bad = rig_mono(h, TAPS);
	uint64_t differ = 0, last = 0;

	good.position = bad.position = 0;
	rig_run_mono(&good, x, want, FRAMES, 128);
	CHECK(good.conv->late == 0);
	rig_run_mono(&bad, x, y, 10 * BLOCK, 128);
	bad.worker = RIG_LATE;
	rig_run_mono(&bad, x + 10 * BLOCK, y + 10 * BLOCK, BLOCK, 128); /* ordered, not done */
	bad.worker = RIG_INLINE;
	rig_run_mono(&bad, x + 11 * BLOCK, y + 11 * BLOCK, 64, 64); /* taken back */
	for (uint32_t i = 0; i < bad.n_queue; i++)
		partconv_work(bad.conv, bad.queue[i]); /* too late: has no effect */
	rig_run_mono(&bad, x + 11 * BLOCK + 64, y + 11 * BLOCK + 64, FRAMES - 11 * BLOCK - 64, 128);
	CHECK(bad.conv->late == 1, "%llu", (unsigned long long)bad.conv->late);
	for (uint32_t i = 0; i < FRAMES; i++)
		if (y[i] != want[i]) {
			differ++;
			last = i;
			CHECK(i >= 11 * BLOCK && i < 12 * BLOCK, "frame %u", i);
		}
	CHECK(differ > 4000 && last < 12 * BLOCK);
	bad.worker = RIG_NEVER; /* the queue is full, for ever: the near levels go on */
	rig_run_mono(&bad, x, y, FRAMES / 3, 128);
	CHECK(bad.conv->late > 5);
	for (uint32_t i = 0; i < FRAMES / 3; i++)
		CHECK(isfinite(y[i]));
	partconv_free(good.conv);
	partconv_free(bad.conv);
	free(x);
	free(h);
	free(want);
	free(y);
}

TEST(partconv_kernels_equal_plain_sums)
{
	enum { STRIDE = 528 };
	float *x = random_floats(8 * STRIDE), *h = random_floats(8 * STRIDE);
	float sum[2 * STRIDE] = {0}, plain[2 * STRIDE] = {0}, out[100] = {0}, twin[100] = {0};
	const float *spectrum[4], *filter[4];

	for (uint32_t n = 1; n <= 4; n++) {
		for (uint32_t p = 0; p < n; p++) {
			spectrum[p] = x + 2 * STRIDE * p;
			filter[p] = h + 2 * STRIDE * p;
			for (uint32_t i = 0; i < STRIDE; i++) {
				const float *a = spectrum[p], *b = filter[p];

				plain[i] += a[i] * b[i] - a[STRIDE + i] * b[STRIDE + i];
				plain[STRIDE + i] += a[i] * b[STRIDE + i] + a[STRIDE + i] * b[i];
			}
		}
		partconv_products(sum, spectrum, filter, n, STRIDE);
		CHECK(memcmp(sum, plain, sizeof(sum)) == 0, "%u pairs", n);
	}
	for (uint32_t n = 1; n <= 64; n++) {
		memset(out, 0, sizeof(out));
		memset(twin, 0, sizeof(twin));
		partconv_head(h, x + 100, out, n);
		for (uint32_t i = 0; i < n; i++)
			for (uint32_t k = 0; k < PARTCONV_HEAD; k++)
				twin[i] += h[k] * x[100 + i - k];
		CHECK(memcmp(out, twin, sizeof(out)) == 0, "%u frames", n);
	}
	free(x);
	free(h);
}

TEST(partconv_refuses_what_it_cannot_be)
{
	struct partconv_path path = {0, 0, 0};
	struct partconv_shape shape = {.n_in = 1,
				       .n_out = 1,
				       .n_filters = 1,
				       .n_banks = 1,
				       .n_taps = 100,
				       .paths = &path,
				       .n_paths = 1};
	struct partconv *conv = NULL;

	shape.n_taps = 0;
	CHECK(partconv_new(&shape, &conv) < 0);
	shape.n_taps = PARTCONV_TAPS_MAX + 1;
	CHECK(partconv_new(&shape, &conv) < 0);
	shape.n_taps = 100;
	path.filter = 1;
	CHECK(partconv_new(&shape, &conv) < 0 && !conv);
	path.filter = 0;
	CHECK(partconv_new(&shape, &conv) == 0);
	partconv_free(conv);
	CHECK(!partconv_free(NULL));
}
