/* declip_setup.c - the worker's half of declip: which samples are clipped, and what they were.
 *
 * STRUCTURE   Clipped is what lies within a small distance of the highest (or lowest) level of the
 *             middle and the coming hop, if there are flat tops among it. Few and short: samples and
 *             model in turn, what falls short of the level pinned to it. Otherwise sparse frames of a
 *             hop's length, every quarter of it, each once: their sum goes on from job to job. Bounded;
 *             allocates nothing. */
#include <math.h>
#include <string.h>

#include "ar.h"
#include "declip.h"
#include "spade.h"

#define DECLIP_OVERLAP 4u
#define DECLIP_QUIET 0.01f /* what never exceeds -40 dBFS was not clipped */
#define DECLIP_TOPS 4u /* samples on flat tops, to believe in clipping */
#define DECLIP_EDGE                                                                                \
	24.0f /* steps at the ends of a flat top over what goes on within: 6 for a parabola */
#define DECLIP_FEW 0.25 /* share of samples up to which models do better than sparse frames */
#define DECLIP_SHORT 120u /* frames of the longest gap for models */
#define DECLIP_ORDER AR_ORDER_MAX
#define DECLIP_BAD_MAX 1024u
#define DECLIP_ROUNDS 3u
#define DECLIP_PINS 3u

struct declip_work {
	uint32_t hop, n_channels;
	uint32_t epoch;
	uint64_t last_hop;
	uint32_t n_bad;
	uint32_t bad[DECLIP_BAD_MAX];
	struct spade spade;
	float *sum, *weight; /* [n_channels][2 * hop]: of the middle and the coming hop */
	uint8_t *mark; /* 3 * hop */
	double *x, *shaped, *taper; /* 3 * hop */
	double *scratch;
};

static size_t declip_align(size_t bytes)
{
	return (bytes + 63) / 64 * 64;
}

static size_t declip_numbers(uint32_t hop)
{
	return 9 * (size_t)hop + ar_interpolate_scratch(DECLIP_BAD_MAX, DECLIP_ORDER);
}

size_t declip_work_bytes(uint32_t n_channels, uint32_t hop)
{
	return declip_align(sizeof(struct declip_work)) + declip_align(spade_bytes(hop)) +
	       declip_align(4 * (size_t)n_channels * hop * sizeof(float)) +
	       declip_align(declip_numbers(hop) * sizeof(double)) + declip_align(3 * (size_t)hop);
}

struct declip_work *declip_work_init(void *memory, uint32_t n_channels, uint32_t hop)
{
	struct declip_work *work = memory;
	char *next = (char *)memory + declip_align(sizeof(*work));

	work->hop = hop;
	work->n_channels = n_channels;
	spade_place(&work->spade, hop, next);
	next += declip_align(spade_bytes(hop));
	work->sum = (void *)next;
	work->weight = work->sum + 2 * (size_t)n_channels * hop;
	next += declip_align(4 * (size_t)n_channels * hop * sizeof(float));
	work->x = (void *)next;
	work->shaped = work->x + 3 * hop;
	work->taper = work->shaped + 3 * hop;
	work->scratch = work->taper + 3 * hop;
	next += declip_align(declip_numbers(hop) * sizeof(double));
	work->mark = (void *)next;
	for (uint32_t i = 0; i < 3 * hop; i++)
		work->taper[i] = 0.5 - 0.5 * cos(2 * M_PI * (i + 0.5) / (3 * hop));
	return work;
}

void declip_work_begin(struct declip_work *work, const struct hopjobs_slot *slot)
{
	if (slot->epoch != work->epoch || slot->hop != work->last_hop + 1)
		memset(work->sum, 0, 4 * (size_t)work->n_channels * work->hop * sizeof(float));
	work->epoch = slot->epoch;
	work->last_hop = slot->hop;
}

/* ---- detection ---- */

/* Whether the run x[first .. end-1], all at the top, is flat: less goes on within than at its edges. */
static bool declip_is_flat(const float *x, uint32_t first, uint32_t end)
{
	float low = x[first], high = x[first], rise = x[first] - x[first - 1],
	      fall = x[end - 1] - x[end];

	for (uint32_t i = first; i < end; i++) {
		low = x[i] < low ? x[i] : low;
		high = x[i] > high ? x[i] : high;
	}
	return end - first >= 3 && rise + fall > DECLIP_EDGE * (high - low) && rise >= 0.0f &&
	       fall >= 0.0f;
}

/* Marks what is clipped above in the N frames at MARK by X (times SIGN). Returns the longest run. */
static uint32_t declip_mark_side(const float *x, uint32_t n, double share, uint8_t mark_as,
				 uint8_t *mark)
{
	uint32_t tops = 0, longest = 0;
	float top = 0.0f, level;

	for (uint32_t i = 0; i < n; i++)
		top = x[i] > top ? x[i] : top;
	level = top * (float)(1.0 - share);
	if (!(top > DECLIP_QUIET))
		return 0;
	for (uint32_t i = 1, end; i + 1 < n; i = end) {
		for (end = i; end + 1 < n && x[end] >= level; end++)
			;
		if (end > i && declip_is_flat(x, i, end)) {
			tops += end - i;
			longest = end - i > longest ? end - i : longest;
		}
		end += end == i;
	}
	if (tops < DECLIP_TOPS)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		if (x[i] >= level)
			mark[i] = mark_as;
	return longest;
}

/* Marks the middle and the coming hop of WINDOW; returns how many samples, and the longest run. */
static uint32_t declip_mark(struct declip_work *work, const float *window, double sensitivity,
			    uint32_t *ret_longest)
{
	double share = 0.0005 * pow(50.0, sensitivity / 100.0);
	uint32_t hop = work->hop, above, below, count = 0;
	float *negative = (float *)(void *)work->shaped; /* not in use now */
	const float *x = window + hop;
	uint8_t *mark = work->mark + hop;

	memset(work->mark, SPADE_KNOWN, 3 * (size_t)hop);
	above = declip_mark_side(x, 2 * hop, share, SPADE_ABOVE, mark);
	for (uint32_t i = 0; i < 2 * hop; i++)
		negative[i] = -x[i];
	below = declip_mark_side(negative, 2 * hop, share, SPADE_BELOW, mark);
	for (uint32_t i = 0; i < 2 * hop; i++)
		count += mark[i] != SPADE_KNOWN;
	*ret_longest = above > below ? above : below;
	return count;
}

/* ---- few: models ---- */

static void declip_pin(struct declip_work *work, const float *window)
{
	uint32_t kept = 0;

	for (uint32_t k = 0; k < work->n_bad; k++) {
		uint32_t i = work->bad[k];
		double level = (double)window[i];
		bool is_short =
			work->mark[i] == SPADE_ABOVE ? work->x[i] < level : work->x[i] > level;

		if (is_short)
			work->x[i] = level; /* and known from now on */
		else
			work->bad[kept++] = i;
	}
	work->n_bad = kept;
}

static bool declip_list(struct declip_work *work)
{
	work->n_bad = 0;
	for (uint32_t i = DECLIP_ORDER; i < 3 * work->hop - DECLIP_ORDER; i++) {
		if (work->mark[i] == SPADE_KNOWN)
			continue;
		if (work->n_bad == DECLIP_BAD_MAX)
			return false;
		work->bad[work->n_bad++] = i;
	}
	return true;
}

/* Writes to work->x. */
static bool declip_by_models(struct declip_work *work, const float *window)
{
	uint32_t n = 3 * work->hop;
	double r[DECLIP_ORDER + 1], a[DECLIP_ORDER + 1];

	for (uint32_t i = 0; i < n; i++)
		work->x[i] = (double)window[i];
	for (uint32_t round = 0; round < DECLIP_ROUNDS; round++) {
		uint32_t pins = round + 1 < DECLIP_ROUNDS ? 1 : DECLIP_PINS;

		if (!declip_list(work))
			return false;
		for (uint32_t i = 0; i < n; i++)
			work->shaped[i] = work->x[i] * work->taper[i];
		ar_autocorrelation(work->shaped, n, DECLIP_ORDER, r);
		ar_levinson(r, DECLIP_ORDER, a);
		for (uint32_t pin = 0; pin < pins && work->n_bad > 0; pin++) {
			if (!ar_interpolate(work->x, n, work->bad, work->n_bad, a, DECLIP_ORDER,
					    work->scratch))
				return false;
			declip_pin(work, window);
		}
	}
	return true;
}

/* ---- many: sparse frames ---- */

static void declip_frames(struct declip_work *work, uint32_t channel, const float *window)
{
	uint32_t hop = work->hop, step = hop / DECLIP_OVERLAP;
	float *sum = work->sum + 2 * (size_t)channel * hop;
	float *weight = work->weight + 2 * (size_t)channel * hop;

	/* Those that have just become complete. */
	for (uint32_t at = hop + step; at <= 2 * hop; at += step) {
		bool any = false;

		for (uint32_t i = 0; i < hop && !any; i++)
			any = work->mark[at + i] != SPADE_KNOWN;
		if (any)
			spade_frame(&work->spade, window + at, work->mark + at, sum + at - hop,
				    weight + at - hop);
	}
}

/* The sums of the middle are read; those of the coming hop become the middle. */
static void declip_shift(struct declip_work *work, uint32_t channel)
{
	uint32_t hop = work->hop;
	float *const planes[] = {work->sum + 2 * (size_t)channel * hop,
				 work->weight + 2 * (size_t)channel * hop};

	for (int p = 0; p < 2; p++) {
		memcpy(planes[p], planes[p] + hop, hop * sizeof(float));
		memset(planes[p] + hop, 0, hop * sizeof(float));
	}
}

uint32_t declip_repair(struct declip_work *work, uint32_t channel, float *window,
		       double sensitivity)
{
	uint32_t hop = work->hop, longest, clipped, repaired = 0;
	const float *sum = work->sum + 2 * (size_t)channel * hop;
	const float *weight = work->weight + 2 * (size_t)channel * hop;
	bool is_few = false;

	clipped = declip_mark(work, window, sensitivity, &longest);
	declip_frames(work, channel, window);
	if (clipped > 0 && clipped < DECLIP_FEW * 2 * hop && longest <= DECLIP_SHORT)
		is_few = declip_by_models(work, window);
	for (uint32_t i = 0; i < hop && clipped > 0; i++) {
		uint8_t mark = work->mark[hop + i];
		float level = window[hop + i], y = level;

		if (mark == SPADE_KNOWN)
			continue;
		if (is_few)
			y = (float)work->x[hop + i];
		else if (weight[i] > 0.25f)
			y = sum[i] / weight[i];
		if (mark == SPADE_ABOVE ? y > level : y < level)
			window[hop + i] = y;
		repaired++;
	}
	declip_shift(work, channel);
	return repaired;
}
