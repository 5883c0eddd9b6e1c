/* declick_setup.c - the worker's half of declick: which samples are clicks, and their repair.
 *
 * STRUCTURE   Each 24th of the window is judged by a model of order 32 of all the rest: a loud click would
 *             otherwise be what the model is made of. Residuals forward and back; suspects; then the
 *             same again with models of the window whose suspects are filled in, and those decide.
 *             Then rounds of model and interpolation of all bursts at once (each helps the model of
 *             the others), of which those that begin in the middle hop are kept. Runs on the worker:
 *             bounded, allocates nothing. */
#include <math.h>
#include <string.h>

#include "ar.h"
#include "clones.h"
#include "declick.h"

#define DECLICK_ORDER 32u /* of the model that detects */
#define DECLICK_EDGE AR_ORDER_MAX /* frames at both ends that are only context */
#define DECLICK_BURSTS_MAX 512u
#define DECLICK_BAD_MAX 1536u /* unknown samples in one window */
#define DECLICK_GROW 2u
#define DECLICK_MERGE 6u
#define DECLICK_ROUNDS 3u
/* A click leaves a residual hundreds of times as strong as what takes its place, the pulse of a voice,
 * predicted from both sides, no more than five times: 12 is asked for at a sensitivity of 50. */
#define DECLICK_WORSE_SHY 48.0
#define DECLICK_WORSE_BOLD 3.0
#define DECLICK_FLOOR 3e-6 /* residuals below -110 dBFS click for nobody */
/* The loudest 3 % of a residual are what a voice does by itself, 100 to 200 times a second. */
#define DECLICK_OWN_SHARE 0.03
#define DECLICK_BINS 1024u /* 16 an octave */
#define DECLICK_UNITS 24u
#define DECLICK_SUMS (DECLICK_ORDER + 8u) /* 0..32 in rows of eight */

struct declick_burst {
	uint32_t first, end;
};

struct declick_work {
	uint32_t n; /* frames of a window */
	uint32_t n_bursts, n_bad;
	struct declick_burst burst[DECLICK_BURSTS_MAX];
	uint32_t bad[DECLICK_BAD_MAX];
	uint32_t count[DECLICK_BINS];
	double *taper, *raw, *fixed, *ahead, *back; /* n each */
	double *shaped; /* n, and AR_ORDER_MAX zeros before and behind */
	double suffix[DECLICK_UNITS + 1][DECLICK_SUMS];
	double *scratch;
};

static size_t declick_numbers(uint32_t n)
{
	return 6 * (size_t)n + 2 * AR_ORDER_MAX +
	       ar_interpolate_scratch(DECLICK_BAD_MAX, AR_ORDER_MAX);
}

static size_t declick_head(void)
{
	return (sizeof(struct declick_work) + 63) / 64 * 64;
}

size_t declick_work_bytes(uint32_t hop_frames)
{
	return declick_head() + declick_numbers(3 * hop_frames) * sizeof(double);
}

struct declick_work *declick_work_init(void *memory, uint32_t hop_frames)
{
	struct declick_work *work = memory;
	double *next = (void *)((char *)memory + declick_head());
	double **const planes[] = {&work->taper, &work->raw, &work->fixed, &work->ahead,
				   &work->back};

	work->n = 3 * hop_frames;
	for (size_t i = 0; i < sizeof(planes) / sizeof(planes[0]); i++, next += work->n)
		*planes[i] = next;
	work->shaped = next + AR_ORDER_MAX;
	work->scratch = next + work->n + 2 * AR_ORDER_MAX;
	for (uint32_t i = 0; i < work->n; i++)
		work->taper[i] = 0.5 - 0.5 * cos(2 * M_PI * (i + 0.5) / work->n);
	return work;
}

static void declick_model(struct declick_work *work, const double *x, uint32_t order, double *a)
{
	double r[AR_ORDER_MAX + 1];

	for (uint32_t i = 0; i < work->n; i++)
		work->shaped[i] = x[i] * work->taper[i];
	ar_autocorrelation(work->shaped, work->n, order, r);
	ar_levinson(r, order, a);
}

/* sum[l] += x[i] x[i + l] of N samples, lags in rows of eight. */
MIXD_CLONES static void declick_sums(const double *x, uint32_t n, double *sum)
{
	for (uint32_t l = 0; l < DECLICK_SUMS; l += 8)
		for (uint32_t i = 0; i < n; i++)
			for (uint32_t k = 0; k < 8; k++)
				sum[l + k] += x[i] * x[i + l + k];
}

/* Residuals of RAW from FROM to TO, as far as they are context for nobody, by model A. */
static void declick_residuals(struct declick_work *work, uint32_t from, uint32_t to,
			      const double *a)
{
	from = from > DECLICK_EDGE ? from : DECLICK_EDGE;
	to = to < work->n - DECLICK_EDGE ? to : work->n - DECLICK_EDGE;
	if (from >= to)
		return;
	ar_residual(work->raw + from, to - from, a, DECLICK_ORDER, work->ahead + from);
	ar_residual_back(work->raw + from, to - from, a, DECLICK_ORDER, work->back + from);
}

/* All residuals, each unit by the model of what of RAW is more than a unit away from it. */
static void declick_judge_apart(struct declick_work *work)
{
	uint32_t unit = work->n / DECLICK_UNITS;
	double prefix[DECLICK_SUMS] = {0}, r[DECLICK_ORDER + 1], a[DECLICK_ORDER + 1];

	for (uint32_t i = 0; i < work->n; i++)
		work->shaped[i] = work->raw[i] * work->taper[i];
	memset(work->suffix[DECLICK_UNITS], 0, sizeof(work->suffix[0]));
	for (uint32_t u = DECLICK_UNITS; u-- > 0;) {
		memcpy(work->suffix[u], work->suffix[u + 1], sizeof(work->suffix[0]));
		declick_sums(work->shaped + u * unit, unit, work->suffix[u]);
	}
	for (uint32_t u = 0; u < DECLICK_UNITS; u++) {
		const double *behind = work->suffix[u + 2 < DECLICK_UNITS ? u + 2 : DECLICK_UNITS];

		for (uint32_t l = 0; l <= DECLICK_ORDER; l++)
			r[l] = prefix[l] + behind[l];
		ar_levinson(r, DECLICK_ORDER, a);
		declick_residuals(work, u * unit, (u + 1) * unit, a);
		/* Pairs that begin before this unit, for the next one. */
		if (u > 0)
			for (uint32_t l = 0; l < DECLICK_SUMS; l++)
				prefix[l] = work->suffix[0][l] - work->suffix[u][l];
	}
}

/* ---- statistics ---- */

static uint32_t declick_bin(double x)
{
	float value = (float)x;
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	bits >>= 19; /* exponent and the first four digits after the point */
	return bits < (63u << 4)		  ? 0
	       : bits - (63u << 4) < DECLICK_BINS ? bits - (63u << 4)
						  : DECLICK_BINS - 1;
}

static double declick_bin_value(uint32_t bin)
{
	return ldexp(1.0 + (bin % 16 + 0.5) / 16.0, (int)(bin / 16) - 64);
}

/* Values that are exceeded by the shares HALF and OWN of the N numbers X. */
static void declick_levels(struct declick_work *work, const double *x, uint32_t n, double *ret_half,
			   double *ret_own)
{
	uint32_t above = 0, bin = DECLICK_BINS;

	memset(work->count, 0, sizeof(work->count));
	for (uint32_t i = 0; i < n; i++)
		work->count[declick_bin(x[i])]++;
	while (bin > 0 && above <= DECLICK_OWN_SHARE * n)
		above += work->count[--bin];
	*ret_own = declick_bin_value(bin);
	while (bin > 0 && above <= 0.5 * n)
		above += work->count[--bin];
	*ret_half = declick_bin_value(bin);
}

/* ---- detection ---- */

static void declick_add(struct declick_work *work, uint32_t first, uint32_t end, uint32_t longest)
{
	struct declick_burst *last = work->n_bursts ? &work->burst[work->n_bursts - 1] : NULL;

	if (last && first < last->end + DECLICK_MERGE) {
		last->end = end > last->end ? end : last->end;
		return;
	}
	/* The one before is complete: was it a click? */
	if (last && last->end - last->first > longest + 2 * DECLICK_GROW)
		work->n_bursts--;
	if (work->n_bursts < DECLICK_BURSTS_MAX)
		work->burst[work->n_bursts++] = (struct declick_burst){first, end};
}

/* Bursts in RAW, by the residuals there. Seeds are above HIGH; from there on, to both sides, what is above LOW
 * belongs to it. */
static void declick_find(struct declick_work *work, double sensitivity, uint32_t longest)
{
	uint32_t from = DECLICK_EDGE, to = work->n - DECLICK_EDGE;
	double k = 20.0 * pow(3.2 / 20.0, sensitivity / 100.0), half, own, high, low;
	double *both = work->ahead;

	for (uint32_t i = from; i < to; i++)
		both[i] = fmin(fabs(work->ahead[i]), fabs(work->back[i]));
	declick_levels(work, both + from, to - from, &half, &own);
	high = fmax(fmax(k * half, 0.17 * k * own), DECLICK_FLOOR);
	low = fmax(fmin(3.0 * half, high), 0.35 * own);
	work->n_bursts = 0;
	for (uint32_t i = from; i < to; i++) {
		uint32_t first = i, end = i + 1, gap = 0;

		if (!(both[i] > high))
			continue;
		for (gap = 0; first > from && gap < DECLICK_MERGE; first--)
			gap = both[first - 1] > low ? 0 : gap + 1;
		first += gap;
		for (gap = 0; end < to && gap < DECLICK_MERGE; end++)
			gap = both[end] > low ? 0 : gap + 1;
		end -= gap;
		declick_add(work, first - DECLICK_GROW, end + DECLICK_GROW, longest);
		i = end;
	}
	declick_add(work, work->n + DECLICK_MERGE, work->n + DECLICK_MERGE, longest);
	work->n_bursts -= work->n_bursts > 0 && work->burst[work->n_bursts - 1].first > work->n;
}

/* The samples of all bursts, and the longest of them. */
static uint32_t declick_list(struct declick_work *work)
{
	uint32_t longest = 0;

	work->n_bad = 0;
	for (uint32_t b = 0; b < work->n_bursts; b++) {
		const struct declick_burst *burst = &work->burst[b];
		uint32_t length = burst->end - burst->first;

		if (work->n_bad + length > DECLICK_BAD_MAX) {
			work->n_bursts = b;
			break;
		}
		longest = length > longest ? length : longest;
		for (uint32_t i = burst->first; i < burst->end; i++)
			if (i >= DECLICK_EDGE && i < work->n - DECLICK_EDGE)
				work->bad[work->n_bad++] = i;
	}
	return longest;
}

/* FIXED becomes RAW with all bursts filled in. */
static bool declick_fill(struct declick_work *work, double *a, uint32_t order, uint32_t rounds)
{
	memcpy(work->fixed, work->raw, work->n * sizeof(double));
	for (uint32_t i = 0; i < work->n_bad; i++)
		work->fixed[work->bad[i]] = 0.0;
	for (uint32_t round = 0; round < rounds; round++) {
		declick_model(work, work->fixed, order, a);
		if (!ar_interpolate(work->fixed, work->n, work->bad, work->n_bad, a, order,
				    work->scratch))
			return false;
	}
	return true;
}

/* Whether BURST fits its surroundings so much worse than what was filled in. */
static bool declick_is_click(const struct declick_work *work, const struct declick_burst *burst,
			     const double *a, uint32_t order, double worse)
{
	double before = 0.0, after = 0.0;
	uint32_t end = burst->end + DECLICK_ORDER;

	for (uint32_t i = burst->first; i < end && i < work->n; i++) {
		double raw = 0.0, fixed = 0.0;

		for (uint32_t k = 0; k <= order; k++) {
			raw += a[k] * work->raw[i - k];
			fixed += a[k] * work->fixed[i - k];
		}
		before += raw * raw;
		after += fixed * fixed;
	}
	return before > worse * after;
}

uint32_t declick_repair(struct declick_work *work, float *window, double sensitivity,
			double longest_frames)
{
	uint32_t hop = work->n / 3, sounding = 0, repaired = 0, longest, order;
	double a[AR_ORDER_MAX + 1];
	double worse = DECLICK_WORSE_SHY *
		       pow(DECLICK_WORSE_BOLD / DECLICK_WORSE_SHY, sensitivity / 100.0);

	for (uint32_t i = 0; i < work->n; i++) {
		work->raw[i] = (double)window[i];
		sounding += window[i] != 0.0f;
	}
	/* There is no sound to be out of place in. */
	if (sounding < work->n / 8)
		return 0;
	declick_judge_apart(work);
	declick_find(work, sensitivity, 4 * (uint32_t)longest_frames); /* a guess runs wide */
	if (work->n_bursts == 0)
		return 0;
	declick_list(work);
	if (!declick_fill(work, a, DECLICK_ORDER, 2))
		return 0;
	declick_model(work, work->fixed, DECLICK_ORDER, a);
	declick_residuals(work, 0, work->n, a);
	declick_find(work, sensitivity, (uint32_t)longest_frames);
	longest = declick_list(work);
	order = 3 * longest + 2 > DECLICK_ORDER ? AR_ORDER_MAX : DECLICK_ORDER;
	if (work->n_bad == 0 || !declick_fill(work, a, order, DECLICK_ROUNDS))
		return 0;
	for (uint32_t b = 0; b < work->n_bursts; b++) {
		const struct declick_burst *burst = &work->burst[b];

		/* A start that two jobs see a little apart is repaired by both, not by none. */
		if (burst->first + 16 < hop || burst->first >= 2 * hop ||
		    !declick_is_click(work, burst, a, order, worse))
			continue;
		for (uint32_t i = burst->first; i < burst->end && i < work->n - DECLICK_EDGE; i++)
			window[i] = (float)work->fixed[i];
		repaired++;
	}
	return repaired;
}
