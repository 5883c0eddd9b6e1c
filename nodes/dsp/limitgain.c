/* Source: structure after G. Luff (Signalsmith Audio), "Designing a straightforward limiter"
 * (2022): minimum, release, cascade of box filters in the ratio 0.582 : 0.418; the boxes here sum
 * in fixed point (2^40), so that they never drift and a full box is exactly 1.
 *
 * The programme-dependent release: a fast one-pole catches each peak; a slow one-pole follows the
 * mean of what is demanded. Dense material returns to its mean fast and from there slowly; a lone
 * peak leaves no hole. */
#include "limitgain.h"

#include <math.h>
#include <string.h>

#include <mixd/rt.h>

#define LIMITGAIN_ONE ((int64_t)1 << 40)
#define LIMITGAIN_NEAR (1.0 - 0x1p-20) /* 8e-6 dB under 1 counts as there */
#define LIMITGAIN_AUTO_FAST_MS 30.0
#define LIMITGAIN_AUTO_SLOW_MS 500.0

static size_t limitgain_align(size_t bytes)
{
	return (bytes + 63) / 64 * 64;
}

static uint32_t limitgain_box1(uint32_t lookahead)
{
	return (uint32_t)lrint(0.582 * (lookahead + 2));
}

size_t limitgain_bytes(uint32_t lookahead_frames, uint32_t hold_max_frames)
{
	return limitgain_align((lookahead_frames + 2) * sizeof(int64_t)) +
	       limitgain_align(slidemin_floats(lookahead_frames + 1 + hold_max_frames) *
			       sizeof(float));
}

void limitgain_init(struct limitgain *path, uint32_t lookahead_frames, uint32_t hold_max_frames,
		    void *memory)
{
	void *ring;

	memset(path, 0, sizeof(*path));
	path->lookahead = lookahead_frames;
	path->box1 = limitgain_box1(lookahead_frames);
	path->box2 = lookahead_frames + 2 - path->box1;
	path->unit = 1.0 / ((double)path->box1 * path->box2 * (double)LIMITGAIN_ONE);
	path->ring1 = memory;
	path->ring2 = path->ring1 + path->box1;
	ring = (char *)memory + limitgain_align((lookahead_frames + 2) * sizeof(int64_t));
	slidemin_init(&path->slidemin, lookahead_frames + 1 + hold_max_frames, ring, 1.0f);
	limitgain_reset(path);
}

void limitgain_reset(struct limitgain *path)
{
	slidemin_reset(&path->slidemin, 1.0f);
	for (uint32_t i = 0; i < SLIDEMIN_CHUNK; i++)
		path->demand[i] = 1.0f;
	for (uint32_t i = 0; i < path->box1; i++)
		path->ring1[i] = LIMITGAIN_ONE;
	for (uint32_t i = 0; i < path->box2; i++)
		path->ring2[i] = LIMITGAIN_ONE * path->box1;
	path->sum1 = LIMITGAIN_ONE * path->box1;
	path->sum2 = path->sum1 * path->box2;
	path->fast = path->slow = 1.0;
	path->at1 = path->at2 = 0;
	path->settled = path->box1 + path->box2;
}

void limitgain_set_hold(struct limitgain *path, uint32_t hold_frames)
{
	slidemin_set_window(&path->slidemin, path->lookahead + 1 + hold_frames);
}

struct limitgain_release limitgain_release_make(double rate_hz, double release_ms, bool is_auto)
{
	double fast_ms = is_auto ? LIMITGAIN_AUTO_FAST_MS : release_ms;

	return (struct limitgain_release){
		.fast = exp(-1000.0 / (fast_ms * rate_hz)),
		.slow = exp(-1000.0 / (LIMITGAIN_AUTO_SLOW_MS * rate_hz)),
		.is_auto = is_auto,
	};
}

static float limitgain_smooth(struct limitgain *path, const struct limitgain_release *release,
			      const float *held, float *ret_gain, uint32_t n_frames)
{
	double fast = path->fast, slow = path->slow, gone = 1.0 - release->fast;
	int64_t sum1 = path->sum1, sum2 = path->sum2;
	uint32_t at1 = path->at1, at2 = path->at2, settled = path->settled;
	float lowest = 1.0f;

	for (uint32_t i = 0; i < n_frames; i++) {
		double demand = held[i], now;
		double risen = release->fast * fast + gone * demand;
		int64_t fixed;

		fast = demand < risen ? demand : risen;
		slow += (1.0 - release->slow) * (demand - slow);
		if (demand == 1.0 && fast > LIMITGAIN_NEAR)
			fast = 1.0;
		if (demand == 1.0 && slow > LIMITGAIN_NEAR)
			slow = 1.0;
		now = release->is_auto && slow < fast ? slow : fast;
		fixed = (int64_t)(now * (double)LIMITGAIN_ONE);
		settled = now == 1.0 ? settled + 1 : 0;
		sum1 += fixed - path->ring1[at1];
		path->ring1[at1] = fixed;
		at1 = at1 + 1 == path->box1 ? 0 : at1 + 1;
		sum2 += sum1 - path->ring2[at2];
		path->ring2[at2] = sum1;
		at2 = at2 + 1 == path->box2 ? 0 : at2 + 1;
		ret_gain[i] = (float)((double)sum2 * path->unit);
		lowest = ret_gain[i] < lowest ? ret_gain[i] : lowest;
	}
	path->fast = fast;
	path->slow = slow;
	path->sum1 = sum1;
	path->sum2 = sum2;
	path->at1 = at1;
	path->at2 = at2;
	path->settled = settled < path->box1 + path->box2 ? settled : path->box1 + path->box2;
	return lowest;
}

/* True when nothing can change in these frames: the gain is 1 and stays so. */
static bool limitgain_rests(const struct limitgain *path, const float *held, uint32_t n_frames)
{
	float lowest = 1.0f;

	if (path->settled < path->box1 + path->box2 || path->slow != 1.0)
		return false;
	for (uint32_t i = 0; i < n_frames; i++)
		lowest = held[i] < lowest ? held[i] : lowest;
	return lowest == 1.0f;
}

float limitgain_run(struct limitgain *path, const struct limitgain_release *release,
		    const float *demand, float *ret_gain, uint32_t n_frames)
{
	float held[LIMITGAIN_RUN_MAX];

	memcpy(path->demand + SLIDEMIN_CHUNK, demand, n_frames * sizeof(float));
	slidemin_run(&path->slidemin, path->demand + SLIDEMIN_CHUNK, held, n_frames);
	memmove(path->demand, path->demand + n_frames, SLIDEMIN_CHUNK * sizeof(float));
	if (limitgain_rests(path, held, n_frames)) {
		/* All sums are full and all ring values alike: their positions do not matter. */
		for (uint32_t i = 0; i < n_frames; i++)
			ret_gain[i] = 1.0f;
		return 1.0f;
	}
	return limitgain_smooth(path, release, held, ret_gain, n_frames);
}

void limitgain_copy(struct limitgain *path, const struct limitgain *from)
{
	int64_t *ring1 = path->ring1, *ring2 = path->ring2;
	float *ring = path->slidemin.ring;
	uint32_t floats = (2u << from->slidemin.top) - (1u << SLIDEMIN_LEVEL_FIRST);

	*path = *from;
	path->ring1 = ring1;
	path->ring2 = ring2;
	path->slidemin.ring = ring;
	memcpy(ring1, from->ring1, path->box1 * sizeof(int64_t));
	memcpy(ring2, from->ring2, path->box2 * sizeof(int64_t));
	memcpy(ring, from->slidemin.ring, floats * sizeof(float));
}
