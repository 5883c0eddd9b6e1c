/* Source: half-band FIR: T. W. Parks, J. H. McClellan, IEEE Trans. Circuit Theory 19(2), 1972, by
 * way of P. P. Vaidyanathan, T. Q. Nguyen, "A trick for the design of FIR half-band filters", IEEE
 * Trans. CAS 34(3), 1987: the branch of every second tap is a one-band filter of its own.
 * Half-band IIR: R. A. Valenzuela, A. G. Constantinides, "Digital signal processing schemes for
 * efficient interpolation and decimation", IEE Proc. G 130(6), 1983; P. A. Regalia, S. K. Mitra,
 * P. P. Vaidyanathan, "The digital all-pass filter", Proc. IEEE 76(1), 1988: elliptic, one all-pass
 * branch per phase.
 *
 * Structure: each stage works at its lower rate on separate phases. FIR: one branch is a delay, the
 * other a symmetric filter, in vectors along time. IIR: both branches are one vector of two f64. */
#include "oversample.h"

#include <stdbool.h>
#include <string.h>

#include "clones.h"

#include <mixd/rt.h>

#define OVERSAMPLE_PAIRS_MAX 19u
#define OVERSAMPLE_WORK (OVERSAMPLE_BLOCK * OVERSAMPLE_MAX / 2)

typedef float oversample_v8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef double oversample_v2 __attribute__((vector_size(16), aligned(8), may_alias));

/* Pass band to 20 kHz of 96, 192 and 384 kHz. Twice the taps, as the upsampler needs them. */
static const float oversample_taps_75[] = {
	3.2081188644748057e-05f, -9.7993864128111157e-05f, 0.00023910237344478621f,
	-0.0005021529707372528f, 0.0009534289693603436f,   -0.0016802378621183797f,
	0.0027936580324333482f,	 -0.0044316626341754889f,  0.0067637793757169846f,
	-0.0099996608497249784f, 0.01440624153059869f,	   -0.020342957040909035f,
	0.028335680313097175f,	 -0.039239169193356807f,   0.05462507515824383f,
	-0.077844132012342582f,	 0.11764472264139875f,	   -0.20626619420682124f,
	0.63461703826737981f,
};
static const float oversample_taps_19[] = {
	0.001432331527470216f, -0.011048817462733333f, 0.046306734851339099f,
	-0.14928764987486029f, 0.61260242386659614f,
};
static const float oversample_taps_11[] = {
	0.013407594022366088f,
	-0.10245200403428825f,
	0.58905071885975235f,
};

static const struct oversample_table {
	const float *taps;
	uint32_t n_pairs;
	uint32_t n_sections;
	/* Both branches; the last of an odd number stands alone. */
	double allpass[OVERSAMPLE_SECTIONS][2];
} oversample_tables[OVERSAMPLE_STAGES] = {
	{oversample_taps_75,
	 19,
	 4,
	 {{0.033397507751962825, 0.1262929389781639},
	  {0.26058294845677843, 0.41588588562225637},
	  {0.57735026918962573, 0.73970737835597855},
	  {0.90840315375417546, 0.0}}},
	{oversample_taps_19,
	 5,
	 2,
	 {{0.063787836824299129, 0.26678096249715932}, {0.66854879318361082, 0.0}}},
	{oversample_taps_11, 3, 1, {{0.11030120991226632, 0.5367721236664601}}},
};

struct oversample oversample_make(enum oversample_kind kind, uint32_t factor, double rate_hz)
{
	struct oversample os = {.kind = kind, .factor = 1};

	while (os.n_stages < OVERSAMPLE_STAGES && 2u << os.n_stages <= factor)
		os.n_stages++;
	for (double limit = 88000.0; limit <= rate_hz && os.n_stages > 0; limit *= 2) {
		os.n_stages--;
		os.first++;
	}
	os.factor = 1u << os.n_stages;
	return os;
}

uint32_t oversample_delay(const struct oversample *os)
{
	uint32_t delay = 0;

	for (uint32_t s = 0; s < os->n_stages; s++)
		delay += (4 * oversample_tables[os->first + s].n_pairs - 2)
			 << (os->n_stages - 1 - s);
	return delay;
}

const float *oversample_taps(uint32_t stage, uint32_t *ret_n_pairs)
{
	*ret_n_pairs = oversample_tables[stage].n_pairs;
	return oversample_tables[stage].taps;
}

/* ---- FIR ---- */

void oversample_branch_plain(uint32_t stage, const float *x, float *ret, uint32_t n_frames)
{
	const int32_t pairs = (int32_t)oversample_tables[stage].n_pairs;

	for (int32_t i = 0; i < (int32_t)n_frames; i++) {
		float sum = 0.0f;

		for (int32_t k = 0; k < pairs; k++)
			sum += oversample_tables[stage].taps[k] *
			       (x[i - k] + x[i - 2 * pairs + 1 + k]);
		ret[i] = sum;
	}
}

MIXD_INLINE oversample_v8 oversample_load(const float *x)
{
	return *(const oversample_v8 *)x;
}

/* Two vectors a turn, because one would wait for its own sum. */
MIXD_INLINE void oversample_fir(const float *taps, const int32_t pairs, const float *x, float *ret,
				uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_frames; i += OVERSAMPLE_GRAIN) {
		const float *early = x + i, *late = early - (2 * pairs - 1);
		oversample_v8 a = {0}, b = {0};

#pragma GCC unroll 19
		for (int32_t k = 0; k < pairs; k++) {
			a += taps[k] * (oversample_load(early - k) + oversample_load(late + k));
			b += taps[k] *
			     (oversample_load(early + 8 - k) + oversample_load(late + 8 + k));
		}
		*(oversample_v8 *)(ret + i) = a;
		*(oversample_v8 *)(ret + i + 8) = b;
	}
}

MIXD_CLONES void oversample_branch(uint32_t stage, const float *x, float *ret, uint32_t n_frames)
{
	if (stage == 0)
		oversample_fir(oversample_taps_75, 19, x, ret, n_frames);
	else if (stage == 1)
		oversample_fir(oversample_taps_19, 5, x, ret, n_frames);
	else
		oversample_fir(oversample_taps_11, 3, x, ret, n_frames);
}

MIXD_CLONES static void oversample_weave(const float *even, const float *odd, float *ret,
					 uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		ret[2 * i] = even[i];
		ret[2 * i + 1] = odd[i];
	}
}

MIXD_CLONES static void oversample_part(const float *x, float *ret_even, float *ret_odd, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		ret_even[i] = x[2 * i];
		ret_odd[i] = x[2 * i + 1];
	}
}

MIXD_CLONES static void oversample_half_sum(const float *a, const float *b, float *ret, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		ret[i] = 0.5f * (a[i] + b[i]);
}

struct oversample_line {
	float x[OVERSAMPLE_PAST + OVERSAMPLE_WORK + OVERSAMPLE_GRAIN] __attribute__((aligned(64)));
};

/* The past, then room for N frames, then zeros for the last vector. */
static float *oversample_line_open(struct oversample_line *line, const float *past, uint32_t n)
{
	memcpy(line->x, past, OVERSAMPLE_PAST * sizeof(float));
	memset(line->x + OVERSAMPLE_PAST + n, 0, OVERSAMPLE_GRAIN * sizeof(float));
	return line->x + OVERSAMPLE_PAST;
}

static void oversample_line_close(const struct oversample_line *line, float *past, uint32_t n)
{
	memcpy(past, line->x + n, OVERSAMPLE_PAST * sizeof(float));
}

static void oversample_fir_up(uint32_t table, struct oversample_stage *stage, const float *in,
			      float *out, uint32_t n)
{
	float branch[OVERSAMPLE_WORK + OVERSAMPLE_GRAIN];
	struct oversample_line line;
	float *x = oversample_line_open(&line, stage->up, n);

	memcpy(x, in, n * sizeof(float));
	oversample_branch(table, x, branch, n);
	oversample_weave(branch, x + 1 - oversample_tables[table].n_pairs, out, n);
	oversample_line_close(&line, stage->up, n);
}

static void oversample_fir_down(uint32_t table, struct oversample_stage *stage, const float *in,
				float *out, uint32_t n)
{
	float branch[OVERSAMPLE_WORK + OVERSAMPLE_GRAIN];
	struct oversample_line even_line, odd_line;
	float *even = oversample_line_open(&even_line, stage->even, n);
	float *odd = oversample_line_open(&odd_line, stage->odd, n);

	oversample_part(in, even, odd, n);
	oversample_branch(table, even, branch, n);
	oversample_half_sum(branch, odd - oversample_tables[table].n_pairs, out, n);
	oversample_line_close(&even_line, stage->even, n);
	oversample_line_close(&odd_line, stage->odd, n);
}

/* ---- IIR ---- */

/* A section's input is remembered where its forerunner's output is: past[k] before section k. */
MIXD_INLINE oversample_v2 oversample_allpass(const oversample_v2 *coef, const uint32_t n_sections,
					     oversample_v2 *past, oversample_v2 x)
{
#pragma GCC unroll 4
	for (uint32_t k = 0; k < n_sections; k++) {
		/* In this order two steps lead from y to the next y, not three. */
		oversample_v2 y = (coef[k] * x + past[k]) - coef[k] * past[k + 1];

		if (n_sections > 1 && k == n_sections - 1) /* only the first branch has it */
			y[1] = x[1];
		past[k] = x;
		x = y;
	}
	past[n_sections] = x;
	return x;
}

MIXD_INLINE void oversample_iir_up_n(const struct oversample_table *table,
				     const uint32_t n_sections, struct oversample_stage *stage,
				     const float *in, float *out, uint32_t n)
{
	oversample_v2 coef[OVERSAMPLE_SECTIONS], past[OVERSAMPLE_SECTIONS + 1];

	memcpy(coef, table->allpass, sizeof(coef));
	memcpy(past, stage->up_x, sizeof(past));
	for (uint32_t i = 0; i < n; i++) {
		oversample_v2 x = {(double)in[i], (double)in[i]};
		oversample_v2 y = oversample_allpass(coef, n_sections, past, x);

		out[2 * i] = (float)y[0];
		out[2 * i + 1] = (float)y[1];
	}
	memcpy(stage->up_x, past, sizeof(past));
}

/* The odd phase comes one frame late: it waits in odd[0]. */
MIXD_INLINE void oversample_iir_down_n(const struct oversample_table *table,
				       const uint32_t n_sections, struct oversample_stage *stage,
				       const float *in, float *out, uint32_t n)
{
	oversample_v2 coef[OVERSAMPLE_SECTIONS], past[OVERSAMPLE_SECTIONS + 1];
	float odd = stage->odd[0];

	memcpy(coef, table->allpass, sizeof(coef));
	memcpy(past, stage->down_x, sizeof(past));
	for (uint32_t i = 0; i < n; i++) {
		oversample_v2 x = {(double)in[2 * i], (double)odd};
		oversample_v2 y = oversample_allpass(coef, n_sections, past, x);

		odd = in[2 * i + 1];
		out[i] = (float)(0.5 * (y[0] + y[1]));
	}
	stage->odd[0] = odd;
	memcpy(stage->down_x, past, sizeof(past));
}

static void oversample_iir_up(uint32_t table_idx, struct oversample_stage *stage, const float *in,
			      float *out, uint32_t n)
{
	const struct oversample_table *table = &oversample_tables[table_idx];

	if (table->n_sections == 4)
		oversample_iir_up_n(table, 4, stage, in, out, n);
	else if (table->n_sections == 2)
		oversample_iir_up_n(table, 2, stage, in, out, n);
	else
		oversample_iir_up_n(table, 1, stage, in, out, n);
}

static void oversample_iir_down(uint32_t table_idx, struct oversample_stage *stage, const float *in,
				float *out, uint32_t n)
{
	const struct oversample_table *table = &oversample_tables[table_idx];

	if (table->n_sections == 4)
		oversample_iir_down_n(table, 4, stage, in, out, n);
	else if (table->n_sections == 2)
		oversample_iir_down_n(table, 2, stage, in, out, n);
	else
		oversample_iir_down_n(table, 1, stage, in, out, n);
}

/* ---- stages in a row ---- */

void oversample_up(const struct oversample *os, struct oversample_channel *channel, const float *in,
		   float *out, uint32_t n_frames)
{
	float between[OVERSAMPLE_WORK + OVERSAMPLE_GRAIN];

	if (os->n_stages == 0)
		memcpy(out, in, n_frames * sizeof(float));
	for (uint32_t s = 0; s < os->n_stages; s++) {
		uint32_t n = n_frames << s;

		if (s > 0) {
			memcpy(between, out, n * sizeof(float));
			in = between;
		}
		if (os->kind == OVERSAMPLE_LINEAR)
			oversample_fir_up(os->first + s, &channel->stage[s], in, out, n);
		else
			oversample_iir_up(os->first + s, &channel->stage[s], in, out, n);
	}
}

void oversample_down(const struct oversample *os, struct oversample_channel *channel, float *in,
		     float *out, uint32_t n_frames)
{
	if (os->n_stages == 0)
		memcpy(out, in, n_frames * sizeof(float));
	for (uint32_t s = os->n_stages; s-- > 0;) {
		uint32_t n = n_frames << s;
		float *to = s > 0 ? in : out;

		if (os->kind == OVERSAMPLE_LINEAR)
			oversample_fir_down(os->first + s, &channel->stage[s], in, to, n);
		else
			oversample_iir_down(os->first + s, &channel->stage[s], in, to, n);
	}
}
