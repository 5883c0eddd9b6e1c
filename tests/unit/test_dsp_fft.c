/* The transforms of nodes/dsp/fft.h against the definition in long double, and against their plain
 * twins to the bit. Tolerances: dsp.md 2.8. */
#include "fft.h"
#include "test.h"

#include <complex.h>
#include <errno.h>

#define MAX FFT_SIZE_MAX
#define NAIVE_MAX 256u

typedef long double complex wide;

static const char *const kinds[] = {"real", "complex"};

static float *fft_memory(size_t floats)
{
	void *memory = NULL;

	CHECK(posix_memalign(&memory, 64, (floats + 16) * sizeof(float)) == 0);
	return memset(memory, 0, (floats + 16) * sizeof(float));
}

/* exp(-2 pi j k / n). The library is asked for an eighth of the circle, once: under emulation a long
 * double is slow. */
static wide fft_turn(uint64_t k, uint32_t n)
{
	static wide turns[MAX];

	if (creall(turns[0]) == 0) {
		const long double pi = 3.14159265358979323846264338327950288L;

		for (uint32_t i = 0; i <= MAX / 8; i++) {
			long double c = cosl(2 * pi * i / MAX), d = sinl(2 * pi * i / MAX);

			turns[i] = c - I * d;
			turns[MAX / 4 - i] = d - I * c;
		}
		for (uint32_t i = MAX / 4; i < MAX; i++)
			turns[i] = cimagl(turns[i - MAX / 4]) - I * creall(turns[i - MAX / 4]);
	}
	return turns[k % n * (MAX / n)];
}

/* Without the library's care for infinities, which takes most of the time. */
static wide fft_times(wide a, wide b)
{
	return (creall(a) * creall(b) - cimagl(a) * cimagl(b)) +
	       I * (creall(a) * cimagl(b) + cimagl(a) * creall(b));
}

/* X[k], by the definition. */
static wide fft_bin(const wide *x, const wide *turns, uint32_t n, uint32_t k)
{
	wide sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += fft_times(x[i], turns[(uint64_t)i * k % n]);
	return sum;
}

/* Long double, decimation in time, recursive: shares neither code nor method with ours. */
static void fft_reference_step(const wide *x, wide *ret, const wide *turns, uint32_t n,
			       uint32_t stride)
{
	if (n == 1) {
		ret[0] = x[0];
		return;
	}
	fft_reference_step(x, ret, turns, n / 2, stride * 2);
	fft_reference_step(x + stride, ret + n / 2, turns, n / 2, stride * 2);
	for (uint32_t k = 0; k < n / 2; k++) {
		wide even = ret[k], odd = fft_times(ret[n / 2 + k], turns[(size_t)k * stride]);

		ret[k] = even + odd;
		ret[n / 2 + k] = even - odd;
	}
}

/* All of X: by the definition when small; above, a few bins say that the fast way is right. */
static void fft_reference(const wide *x, wide *ret, uint32_t n)
{
	wide *turns = malloc(n * sizeof(*turns));

	for (uint32_t k = 0; k < n; k++)
		turns[k] = fft_turn(k, n);
	if (n <= NAIVE_MAX) {
		for (uint32_t k = 0; k < n; k++)
			ret[k] = fft_bin(x, turns, n, k);
	} else {
		fft_reference_step(x, ret, turns, n, 1);
		for (uint32_t i = 0; i < 4; i++) {
			uint32_t k = i < 2 ? i : test_random_below(n);
			long double off = cabsl(ret[k] - fft_bin(x, turns, n, k));

			CHECK(off < 1e-14L * n, "reference of %u: bin %u is off by %Lg", n, k, off);
		}
	}
	free(turns);
}

static double fft_error(const float *re, const float *im, const wide *want, uint32_t n)
{
	long double error = 0, norm = 0;

	for (uint32_t k = 0; k < n; k++) {
		wide off = (long double)re[k] + I * (long double)im[k] - want[k];

		error += creall(off) * creall(off) + cimagl(off) * cimagl(off);
		norm += creall(want[k]) * creall(want[k]) + cimagl(want[k]) * cimagl(want[k]);
	}
	return (double)sqrtl(error / norm);
}

struct fft_rig {
	struct fft_plan plan;
	uint32_t n;
	float *x, *y; /* complex: n + n */
	float *re, *im, *scratch;
	wide *wide_x, *want;
};

static void fft_rig_open(struct fft_rig *rig, enum fft_kind kind, uint32_t n, uint32_t lanes)
{
	CHECK(fft_plan_init(&rig->plan, kind, n) == 0);
	rig->n = n;
	rig->x = fft_memory(2 * (size_t)n * lanes);
	rig->y = fft_memory(2 * (size_t)n * lanes);
	rig->re = fft_memory((size_t)(n + 1) * lanes);
	rig->im = fft_memory((size_t)(n + 1) * lanes);
	rig->scratch = fft_memory(fft_scratch_floats(&rig->plan) * lanes);
	rig->wide_x = calloc(n, sizeof(wide));
	rig->want = calloc(n, sizeof(wide));
	for (size_t i = 0; i < 2 * (size_t)n * lanes; i++)
		rig->x[i] = (float)(test_random() * 2 - 1);
}

static void fft_rig_close(struct fft_rig *rig)
{
	fft_plan_done(&rig->plan);
	free(rig->x);
	free(rig->y);
	free(rig->re);
	free(rig->im);
	free(rig->scratch);
	free(rig->wide_x);
	free(rig->want);
}

static double fft_round_trip_error(const float *x, const float *y, size_t n, double scale)
{
	double error = 0, norm = 0;

	for (size_t i = 0; i < n; i++) {
		double off = (double)y[i] * scale - (double)x[i];

		error += off * off;
		norm += (double)x[i] * (double)x[i];
	}
	return sqrt(error / norm);
}

TEST(fft_of_all_sizes_is_the_transform)
{
	double worst[2] = {0, 0}, worst_trip[2] = {0, 0};

	for (uint32_t n = FFT_SIZE_MIN; n <= MAX; n *= 2)
		for (int kind = FFT_REAL; kind <= FFT_COMPLEX; kind++) {
			struct fft_rig r;
			double error, trip;

			fft_rig_open(&r, kind, n, 1);
			for (uint32_t i = 0; i < n; i++)
				r.wide_x[i] = (long double)r.x[i] +
					      (kind ? I * (long double)r.x[n + i] : 0);
			fft_reference(r.wide_x, r.want, n);
			if (kind == FFT_REAL) {
				fft_real_forward(&r.plan, r.x, r.re, r.im, r.scratch);
				error = fft_error(r.re, r.im, r.want, n / 2 + 1);
				CHECK(r.im[0] == 0 && r.im[n / 2] == 0); /* F3 */
				r.im[0] = r.im[n / 2] = NAN;
				fft_real_inverse(&r.plan, r.re, r.im, r.y, r.scratch);
				trip = fft_round_trip_error(r.x, r.y, n, (double)r.plan.scale);
			} else {
				fft_forward(&r.plan, r.x, r.x + n, r.re, r.im, r.scratch);
				error = fft_error(r.re, r.im, r.want, n);
				fft_inverse(&r.plan, r.re, r.im, r.y, r.y + n, r.scratch);
				trip = fft_round_trip_error(r.x, r.y, 2 * (size_t)n,
							    (double)r.plan.scale);
			}
			CHECK(error <= 5e-7, "%s %u: error %.3g of the norm", kinds[kind], n,
			      error);
			CHECK(trip <= 1e-6, "%s %u: round trip off by %.3g", kinds[kind], n, trip);
			worst[kind] = fmax(worst[kind], error);
			worst_trip[kind] = fmax(worst_trip[kind], trip);
			fft_rig_close(&r);
		}
	for (int kind = 0; kind < 2; kind++)
		test_note("%s: highest error %.2g, round trip %.2g", kinds[kind], worst[kind],
			  worst_trip[kind]);
}

static void fft_same(const char *what, const struct fft_plan *plan, const float *a, const float *b,
		     size_t n)
{
	for (size_t i = 0; i < n; i++)
		CHECK(memcmp(a + i, b + i, sizeof(float)) == 0,
		      "%s %s %u, kernel %u: %zu is %g, not %g", kinds[plan->kind], what, plan->n,
		      plan->kernel, i, (double)a[i], (double)b[i]);
}

/* Forward and back by one kernel, and by plain C. */
static void fft_compare(struct fft_rig *r, uint32_t lanes, uint32_t kernel)
{
	struct fft_plan *plan = &r->plan;
	size_t n = (size_t)r->n * lanes, bins = (size_t)(r->n / 2 + 1) * lanes;
	float *re = fft_memory(n + lanes), *im = fft_memory(n + lanes), *back = fft_memory(2 * n);
	bool single = lanes == 1;

	plan->kernel = kernel;
	if (plan->kind == FFT_REAL) {
		fft_real_forward_plain(plan, lanes, r->x, re, im, r->scratch);
		(single ? fft_real_forward : fft_lanes_real_forward)(plan, r->x, r->re, r->im,
								     r->scratch);
		fft_same("re of", plan, r->re, re, bins);
		fft_same("im of", plan, r->im, im, bins);
		fft_real_inverse_plain(plan, lanes, re, im, back, r->scratch);
		(single ? fft_real_inverse : fft_lanes_real_inverse)(plan, re, im, r->y,
								     r->scratch);
		fft_same("inverse of", plan, r->y, back, n);
	} else {
		fft_forward_plain(plan, lanes, r->x, r->x + n, re, im, r->scratch);
		(single ? fft_forward : fft_lanes_forward)(plan, r->x, r->x + n, r->re, r->im,
							   r->scratch);
		fft_same("re of", plan, r->re, re, n);
		fft_same("im of", plan, r->im, im, n);
	}
	free(re);
	free(im);
	free(back);
}

TEST(fft_kernels_equal_plain_c) /* F1 */
{
	for (uint32_t n = FFT_SIZE_MIN; n <= MAX; n *= 2)
		for (int kind = FFT_REAL; kind <= FFT_COMPLEX; kind++)
			for (uint32_t lanes = 1; lanes <= (n <= 8192 ? FFT_LANES : 1);
			     lanes += FFT_LANES - 1) {
				struct fft_rig r;
				uint32_t widest;

				fft_rig_open(&r, kind, n, lanes);
				widest = r.plan.kernel;
				for (uint32_t kernel = 4; kernel <= widest; kernel *= 2)
					fft_compare(&r, lanes, kernel);
				fft_rig_close(&r);
			}
}

/* F1: a transform does not know with whom it shares a batch, nor whether it does. */
TEST(fft_lanes_equal_singles)
{
	for (uint32_t n = FFT_SIZE_MIN; n <= 4096; n *= 4) {
		struct fft_rig r;
		float *one, *re, *im;

		fft_rig_open(&r, FFT_REAL, n, FFT_LANES);
		one = fft_memory(n);
		re = fft_memory(n);
		im = fft_memory(n);
		fft_lanes_real_forward(&r.plan, r.x, r.re, r.im, r.scratch);
		for (uint32_t l = 0; l < FFT_LANES; l++) {
			for (uint32_t i = 0; i < n; i++)
				one[i] = r.x[i * FFT_LANES + l];
			fft_real_forward(&r.plan, one, re, im, r.scratch);
			for (uint32_t k = 0; k <= n / 2; k++)
				CHECK(re[k] == r.re[k * FFT_LANES + l] &&
					      im[k] == r.im[k * FFT_LANES + l],
				      "%u, lane %u, bin %u", n, l, k);
		}
		free(one);
		free(re);
		free(im);
		fft_rig_close(&r);
	}
}

/* Nothing is written beyond its end, nothing read but what is given; any alignment is right. */
TEST(fft_stays_inside_and_needs_no_alignment)
{
	for (uint32_t n = FFT_SIZE_MIN; n <= 512; n *= 2) {
		struct fft_plan plan;
		float *room[5], *at[5], want_re[257], want_im[257];
		size_t sizes[5] = {n, n / 2 + 1, n / 2 + 1, n, n};

		CHECK(fft_plan_init(&plan, FFT_REAL, n) == 0);
		for (int i = 0; i < 5; i++) {
			room[i] = malloc((sizes[i] + 1) * sizeof(float)); /* ASan sees the rest */
			at[i] = room[i] + 1;
		}
		for (uint32_t i = 0; i < n; i++)
			at[0][i] = (float)(test_random() - 0.5);
		fft_real_forward_plain(&plan, 1, at[0], want_re, want_im, at[4]);
		fft_real_forward(&plan, at[0], at[1], at[2], at[4]);
		CHECK(memcmp(at[1], want_re, sizes[1] * sizeof(float)) == 0);
		CHECK(memcmp(at[2], want_im, sizes[1] * sizeof(float)) == 0);
		fft_real_inverse(&plan, at[1], at[2], at[3], at[4]);
		CHECK(fft_round_trip_error(at[0], at[3], n, 1.0 / n) < 1e-6);
		for (int i = 0; i < 5; i++)
			free(room[i]);
		fft_plan_done(&plan);
	}
}

TEST(fft_plans_live_where_they_are_told_and_refuse_other_sizes)
{
	static const uint32_t bad[] = {0, 1, 8, 15, 17, 100, 131072};
	struct fft_plan plan;
	size_t bytes = fft_plan_bytes(FFT_REAL, 1024);
	char *memory = (char *)fft_memory(bytes / sizeof(float) + 16);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(fft_plan_init(&plan, FFT_REAL, bad[i]) == -EINVAL);
		CHECK(fft_plan_bytes(FFT_COMPLEX, bad[i]) == 0);
	}
	memset(memory + bytes, 0x55, 16);
	CHECK(fft_plan_place(&plan, FFT_REAL, 1024, memory) == 0);
	for (int i = 0; i < 16; i++)
		CHECK(memory[bytes + (size_t)i] == 0x55);
	CHECK(plan.scale == 1.0f / 1024);
	fft_plan_done(&plan);
	fft_plan_done(NULL);
	free(memory);
}
