/* airsense.c - see airsense.h.
 *
 * SOURCE      Own; level, hold and return times with hysteresis are what dead-air monitors in
 *             broadcasting have, "stuck" and "missing" what they are asked for. */
#include "airsense.h"

#include <math.h>
#include <string.h>

#include "foursum.h"

#include <mixd/rt.h>

#define AIRSENSE_FULL_SCALE 0.99885f /* -0.01 dBFS */
#define AIRSENSE_GAP 100u /* ticks: half a second */

void airsense_init(struct airsense *sense, uint32_t n_channels, double rate_hz)
{
	sense->n_channels = n_channels;
	sense->tick_frames = (uint32_t)(AIRSENSE_TICK_S * rate_hz + 0.5);
	airsense_reset(sense);
}

void airsense_reset(struct airsense *sense)
{
	uint32_t n_channels = sense->n_channels, tick_frames = sense->tick_frames;

	memset(sense, 0, sizeof(*sense));
	sense->n_channels = n_channels;
	sense->tick_frames = tick_frames;
}

uint32_t airsense_ticks(double seconds)
{
	return (uint32_t)(seconds / AIRSENSE_TICK_S + 0.5);
}

void airsense_sum_plain(const float *x, uint32_t n, uint32_t phase, double square[4], double sum[4])
{
	for (uint32_t i = 0; i < n; i++) {
		double v = (double)x[i];

		square[(phase + i) % 4] += v * v;
		sum[(phase + i) % 4] += v;
	}
}

MIXD_CLONES void airsense_sum(const float *x, uint32_t n, uint32_t phase, double square[4],
			      double sum[4])
{
	foursum_moments(x, n, phase, square, sum);
}

/* How X differs from VALUE in any bit, and how many samples are at full scale. */
MIXD_CLONES static uint32_t airsense_look(const float *x, uint32_t n, uint32_t value,
					  uint32_t *clipped)
{
	uint32_t differs = 0, count = 0;

	for (uint32_t i = 0; i < n; i++) {
		float v = x[i] + 0.0f;
		uint32_t bits;

		memcpy(&bits, &v, sizeof(bits));
		differs |= bits ^ value;
		count += fabsf(x[i]) >= AIRSENSE_FULL_SCALE;
	}
	*clipped += count;
	return differs;
}

static void airsense_take_channel(struct airsense *sense, struct airsense_channel *channel,
				  const float *x, uint32_t n)
{
	if (sense->fill == 0 && n > 0) {
		float v = x[0] + 0.0f; /* -0 is 0, too */
		uint32_t bits;

		memcpy(&bits, &v, sizeof(bits));
		channel->differs = false;
		if (bits != channel->value)
			channel->same = 0; /* another value, perhaps from here on */
		channel->value = bits;
	}
	if (airsense_look(x, n, channel->value, &channel->clipped))
		channel->differs = true;
	airsense_sum(x, n, sense->fill, channel->square, channel->sum);
}

/* Level and DC of a channel's window. */
static void airsense_window(struct airsense *sense, struct airsense_channel *channel)
{
	double square = foursum_total(channel->square), sum = foursum_total(channel->sum);
	bool sane = isfinite(square);

	channel->past_square[sense->tick] = sane ? square / sense->tick_frames : 0;
	channel->past_sum[sense->tick] = sane ? sum / sense->tick_frames : 0;
	square = sum = 0;
	for (uint32_t k = 0; k < AIRSENSE_WINDOW; k++) {
		square += channel->past_square[k] / AIRSENSE_WINDOW;
		sum += channel->past_sum[k] / AIRSENSE_WINDOW;
	}
	channel->dc = sum;
	/* A difference of nearly equal numbers may leave their last bits. */
	channel->power = fmax(square - sum * sum, 0);
	if (channel->power < square * 1e-14)
		channel->power = 0;
	memset(channel->square, 0, sizeof(channel->square));
	memset(channel->sum, 0, sizeof(channel->sum));
}

/* What a channel has been doing, in ticks. */
static void airsense_count(struct airsense *sense, const struct airsense_rules *rules,
			   struct airsense_channel *channel)
{
	bool quiet = channel->power < rules->threshold;
	bool constant = !channel->differs, zero = constant && channel->value == 0;
	bool dc = quiet && channel->dc * channel->dc >= rules->threshold;

	channel->same = constant ? channel->same + 1 : 0;
	channel->zero = zero ? channel->same : 0;
	channel->flat = dc ? channel->flat + 1 : 0;
	channel->stuck = channel->flat;
	if (constant && !zero && channel->same > channel->stuck)
		channel->stuck = channel->same;
	if (!quiet || sense->power < rules->threshold)
		channel->missing = 0;
	else
		channel->missing = channel->missing ? channel->missing + 1 : sense->age;
}

static void airsense_clip(struct airsense *sense, const struct airsense_rules *rules)
{
	uint32_t clipped = 0;

	for (uint32_t c = 0; c < sense->n_channels; c++) {
		if (sense->channel[c].clipped > clipped)
			clipped = sense->channel[c].clipped;
		sense->channel[c].clipped = 0;
	}
	sense->clipped += ((double)clipped / sense->tick_frames - sense->clipped) * AIRSENSE_TICK_S;
	if (rules->clip_share <= 0 || sense->clipped < rules->clip_share / 2)
		sense->clipping = false;
	else if (sense->clipped >= rules->clip_share)
		sense->clipping = true;
}

/* The fault there is now, without regard to the past. */
static enum airsense_state airsense_fault(const struct airsense *sense,
					  const struct airsense_rules *rules, uint32_t *ret_culprit)
{
	uint32_t zero = UINT32_MAX;

	*ret_culprit = 0;
	for (uint32_t c = 0; c < sense->n_channels; c++)
		zero = sense->channel[c].zero < zero ? sense->channel[c].zero : zero;
	for (uint32_t c = 0; c < sense->n_channels; c++)
		if (sense->channel[c].stuck >= rules->stuck_after) {
			*ret_culprit = c + 1;
			return AIRSENSE_STUCK;
		}
	if (sense->quiet >= rules->after)
		return zero + 1 >= rules->after ? AIRSENSE_DEAD : AIRSENSE_SILENT;
	for (uint32_t c = 0; c < sense->n_channels && rules->missing_after > 0; c++)
		if ((rules->expected >> c & 1u) &&
		    sense->channel[c].missing >= rules->missing_after) {
			*ret_culprit = c + 1;
			return AIRSENSE_MISSING;
		}
	return AIRSENSE_GOOD;
}

/* Above the return level, and nothing else that is amiss. */
static bool airsense_healthy(const struct airsense *sense, const struct airsense_rules *rules)
{
	if (!(sense->power > rules->back))
		return false;
	for (uint32_t c = 0; c < sense->n_channels; c++) {
		const struct airsense_channel *channel = &sense->channel[c];

		if (channel->stuck > 0)
			return false;
		if (rules->missing_after > 0 && (rules->expected >> c & 1u) && channel->missing > 0)
			return false;
	}
	return true;
}

static void airsense_judge(struct airsense *sense, const struct airsense_rules *rules)
{
	uint32_t culprit, gap = rules->back_after / 2;
	enum airsense_state fault = airsense_fault(sense, rules, &culprit);

	if (airsense_healthy(sense, rules)) {
		sense->good++;
		sense->gap = 0;
	} else if (++sense->gap > (gap < AIRSENSE_GAP ? gap : AIRSENSE_GAP)) {
		sense->good = 0;
	}
	if (fault != AIRSENSE_GOOD) {
		sense->good = 0;
		sense->state = fault;
		sense->culprit = culprit;
	} else if (sense->state != AIRSENSE_GOOD && sense->good >= rules->back_after) {
		sense->state = AIRSENSE_GOOD;
		sense->culprit = 0;
	}
}

bool airsense_take(struct airsense *sense, const struct airsense_rules *rules,
		   const float *const *in, uint32_t first, uint32_t n)
{
	for (uint32_t c = 0; c < sense->n_channels; c++)
		airsense_take_channel(sense, &sense->channel[c], in[c] + first, n);
	sense->fill += n;
	if (sense->fill < sense->tick_frames)
		return false;
	sense->fill = 0;
	sense->age += sense->age < AIRSENSE_WINDOW;
	sense->power = 0;
	for (uint32_t c = 0; c < sense->n_channels; c++) {
		airsense_window(sense, &sense->channel[c]);
		sense->power = fmax(sense->power, sense->channel[c].power);
	}
	for (uint32_t c = 0; c < sense->n_channels; c++)
		airsense_count(sense, rules, &sense->channel[c]);
	if (sense->power < rules->threshold)
		sense->quiet = sense->quiet ? sense->quiet + 1 : sense->age;
	else
		sense->quiet = 0;
	airsense_clip(sense, rules);
	airsense_judge(sense, rules);
	sense->tick = (sense->tick + 1) % AIRSENSE_WINDOW;
	return true;
}
