/* Source: svf.h for the section. Lanes side by side instead of vectors along time: a recursion
 * cannot be cut, but channels do not know each other. No contraction, so every width and every
 * machine gives the same bits. */
#include "eq_bank.h"

#include "lanes_eight.h"
#include "lanes_native.h"

#include <mixd/rt.h>

#if defined(__clang__)
/* clang has no run-time shuffle; the only one here swaps neighbours. */
#define EQ_SHUFFLE(x, other)                                                                       \
	__extension__({                                                                            \
		__typeof__(x) shuffled_;                                                           \
		for (uint32_t lane_ = 0; lane_ < sizeof(x) / sizeof(double); lane_++)              \
			shuffled_[lane_] = (x)[(other)[lane_]];                                    \
		shuffled_;                                                                         \
	})
#else
#define EQ_SHUFFLE(x, other) __builtin_shuffle((x), (other))
#endif

#include "eq_bank_skewed.h"

#include "eq_bank_quad.h"

#define LANES_W 2
#include "eq_bank_kernel.h"
#undef LANES_W
#define LANES_W 4
#include "eq_bank_kernel.h"
#undef LANES_W
#define LANES_W 8
#include "eq_bank_kernel.h"
#undef LANES_W

/* Two or four sections in one vector: fewer instructions for a lone stereo node. */
MIXD_CLONES static void eq_bank_run_skewed(const struct eq_bank_job *job, uint32_t n_frames)
{
	eq_bank_lanes_w2(job, n_frames, 2, 0, 4);
}

MIXD_CLONES static void eq_bank_run_quad(const struct eq_bank_job *job, uint32_t n_frames)
{
	eq_bank_lanes_w2(job, n_frames, 2, 0, 8);
}

/* A lone stereo node. */
static void eq_bank_run_two(const struct eq_bank_job *job, uint32_t n_frames)
{
	uint32_t native = lanes_native_width(MIXD_LANES_MAX);

	if (job->moving || n_frames < EQ_SKEWED_MIN_FRAMES || native == 2)
		eq_bank_run_w2(job, n_frames, 2);
	else if (native == 4)
		eq_bank_run_skewed(job, n_frames);
	else
		eq_bank_run_quad(job, n_frames);
}

void eq_bank_run(uint32_t width, const struct eq_bank_job *job, uint32_t n_frames)
{
	switch (lanes_native_width(width)) {
	case 8:
		eq_bank_run_w8(job, n_frames, width);
		break;
	case 4:
		eq_bank_run_w4(job, n_frames, width);
		break;
	default:
		if (width == 2)
			eq_bank_run_two(job, n_frames);
		else
			eq_bank_run_w2(job, n_frames, width);
		break;
	}
}

static double eq_plain_section(double x, double *state, double *coef, uint32_t width, bool moving)
{
	double c[SVF_COEFS], s1 = state[0], s2 = state[width], v = x - s2;

	for (uint32_t j = 0; j < SVF_COEFS; j++)
		c[j] = coef[j * width];
	state[0] = c[0] * s1 + c[2] * v;
	state[width] = (s2 + c[2] * s1) + c[1] * v;
	for (uint32_t j = 0; moving && j < SVF_COEFS; j++)
		coef[j * width] += coef[(SVF_COEFS + j) * width];
	return (1.0 + c[3]) * x + (c[4] * s1 + c[5] * s2);
}

/* The list of lane LANE, on one frame. */
static double eq_plain_list(double x, uint32_t width, const struct eq_bank_job *job, uint32_t lane,
			    uint32_t first, uint32_t count)
{
	for (uint32_t k = first; k < first + count; k++)
		x = eq_plain_section(
			x, job->state + k * SVF_STATES * width + lane,
			job->coef + (EQ_BANK_GAIN_WORDS + k * EQ_BANK_SECTION_WORDS) * width + lane,
			width, job->moving);
	return x;
}

void eq_bank_run_plain(uint32_t width, const struct eq_bank_job *job, uint32_t n_frames)
{
	double x[MIXD_LANES_MAX], y[MIXD_LANES_MAX];

	for (uint32_t i = 0; i < n_frames; i++) {
		for (uint32_t lane = 0; lane < width; lane++)
			y[lane] = eq_plain_list(job->in[lane][i] + 0.0f, width, job, lane, 0,
						job->n_plain);
		for (uint32_t lane = 0; lane < width; lane++)
			x[lane] = job->mid_side_lanes >> lane & 1u
					  ? (y[lane ^ 1u] + (lane & 1u ? -y[lane] : y[lane])) * 0.5
					  : y[lane];
		for (uint32_t lane = 0; job->n_mid_side && lane < width; lane++)
			x[lane] = eq_plain_list(x[lane], width, job, lane, job->max_sections,
						job->n_mid_side);
		for (uint32_t lane = 0; lane < width; lane++)
			y[lane] = job->mid_side_lanes >> lane & 1u
					  ? x[lane ^ 1u] + (lane & 1u ? -x[lane] : x[lane])
					  : x[lane];
		for (uint32_t lane = 0; lane < width; lane++) {
			job->out[lane][i] = (float)(y[lane] + y[lane] * job->coef[lane]);
			job->coef[lane] += job->coef[width + lane];
		}
	}
}
