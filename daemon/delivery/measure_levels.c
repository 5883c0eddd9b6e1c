/* measure_levels.c - RMS, DC, noise floor, correlation.
 *
 * RMS         root of the mean square of all samples of all channels (a full-scale sine: -3.01 dBFS);
 *             ACX and others mean this, unweighted and ungated.
 * DC          mean of each channel; dc_max is the highest magnitude in dBFS.
 * NOISE FLOOR the lowest RMS of 0.5 s, moved by 10 ms, all channels together, after ticks that are
 *             digital silence have been taken out (reference: ACX asks for -60 dB RMS and does not
 *             say where; the quietest half second is the strictest reading that silence cannot
 *             spoil). NAN when less than 0.5 s is left.
 * GATED       Where a gate has made the pauses digital silence, what is left is voice, and no noise: then
 *             the floor is -INFINITY. Said only when (a) there is 0.5 s of digital silence between
 *             sound, in pauses of 0.2 s or longer; (b) the quietest half second is uneven; and (c)
 *             no 0.3 s without digital silence are even and 6 dB below the mean of what sounds: that
 *             would be noise between words. Even is what has the geometric mean of its ticks near
 *             the arithmetic one: noises, hum and rumble 0 to -2.2 dB (half seconds with faded cuts:
 *             to -3.9 dB), half seconds of gated voices -4 to -25 dB.
 * CORRELATION sum(L R) / sqrt(sum(L^2) sum(R^2)) of the front pair; of the whole programme, and the
 *             lowest of windows of 400 ms, moved by 10 ms, whose mean square is above -60 dBFS. */
#include "measure_private.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "blocksum.h"
#include "level.h"

#define LEVELS_FLOOR_TICKS 50u
#define LEVELS_FLOOR_UNEVEN 0.4 /* -4 dB */
#define LEVELS_PAUSE_TICKS 20u
#define LEVELS_EVEN_TICKS 30u
#define LEVELS_EVEN 0.56 /* -2.5 dB */
#define LEVELS_EVEN_BELOW 0.25 /* -6 dB */
#define LEVELS_WINDOW_TICKS 40u
#define LEVELS_WINDOW_FROM 1e-6 /* -60 dBFS */

struct levels {
	double sum[MEDIA_CHANNELS_MAX], square[MEDIA_CHANNELS_MAX];
	/* noise floor: ticks that are not digital silence; powers are of all channels together */
	double floor_square[LEVELS_FLOOR_TICKS], floor_frames[LEVELS_FLOOR_TICKS];
	double floor_log[LEVELS_FLOOR_TICKS]; /* of the power */
	uint64_t floor_ticks, floor_run; /* run: without digital silence between */
	double sound_square, sound_frames;
	double floor; /* power */
	bool is_floor_even;
	double even; /* the lowest power of an even stretch */
	double even_square, even_frames, even_log; /* of the last LEVELS_EVEN_TICKS of the run */
	uint64_t black_run, black_pauses; /* ticks of digital silence: at hand, between sound */
	/* correlation: the last 400 ms */
	double left[LEVELS_WINDOW_TICKS], right[LEVELS_WINDOW_TICKS], both[LEVELS_WINDOW_TICKS];
	double all_left, all_right, all_both;
	uint64_t ticks;
	double correlation_min;
};

static int levels_init(struct measure *measure, void *part)
{
	struct levels *levels = part;

	levels->floor = levels->even = INFINITY;
	levels->correlation_min = NAN;
	return 0;
}

static double levels_total(const double *values, uint32_t n)
{
	double total = 0.0;

	for (uint32_t k = 0; k < n; k++)
		total += values[k];
	return total;
}

double measure_correlation(double left, double right, double product)
{
	double both = sqrt(left) * sqrt(right);

	return both > 0.0 ? fmax(-1.0, fmin(1.0, product / both)) : NAN;
}

/* Before the first sound, and behind the last, digital silence is padding. */
static void levels_black(struct levels *levels, bool is_black)
{
	if (is_black) {
		levels->black_run += levels->floor_ticks > 0;
		levels->floor_run = 0;
		return;
	}
	if (levels->black_run >= LEVELS_PAUSE_TICKS)
		levels->black_pauses += levels->black_run;
	levels->black_run = 0;
	levels->floor_run++;
}

/* The last LEVELS_EVEN_TICKS, which SLOT is the newest of, by running sums: a threshold needs no more. */
static void levels_even(struct levels *levels, uint32_t slot)
{
	uint32_t old = (slot + LEVELS_FLOOR_TICKS - LEVELS_EVEN_TICKS) % LEVELS_FLOOR_TICKS;
	double sign = levels->floor_run > LEVELS_EVEN_TICKS ? 1.0 : 0.0, power;

	if (levels->floor_run == 1)
		levels->even_square = levels->even_frames = levels->even_log = 0.0;
	levels->even_square += levels->floor_square[slot] - sign * levels->floor_square[old];
	levels->even_frames += levels->floor_frames[slot] - sign * levels->floor_frames[old];
	levels->even_log += levels->floor_log[slot] - sign * levels->floor_log[old];
	power = levels->even_square / levels->even_frames;
	if (levels->floor_run >= LEVELS_EVEN_TICKS && power > 0.0 && power < levels->even &&
	    levels->even_log > LEVELS_EVEN_TICKS * log(LEVELS_EVEN * power))
		levels->even = power;
}

static void levels_floor(struct levels *levels, const struct measure_tick *tick)
{
	uint32_t slot = (uint32_t)(levels->floor_ticks % LEVELS_FLOOR_TICKS);
	double power;

	if (!tick->is_whole)
		return;
	levels_black(levels, tick->peak == 0.0f);
	if (tick->peak == 0.0f)
		return;
	power = tick->square / tick->n_frames;
	levels->floor_square[slot] = tick->square;
	levels->floor_frames[slot] = tick->n_frames;
	levels->floor_log[slot] = log(fmax(power, DBL_MIN));
	levels->sound_square += tick->square;
	levels->sound_frames += tick->n_frames;
	levels_even(levels, slot);
	if (++levels->floor_ticks < LEVELS_FLOOR_TICKS)
		return;
	power = levels_total(levels->floor_square, LEVELS_FLOOR_TICKS) /
		levels_total(levels->floor_frames, LEVELS_FLOOR_TICKS);
	if (power >= levels->floor)
		return;
	levels->floor = power;
	levels->is_floor_even = levels_total(levels->floor_log, LEVELS_FLOOR_TICKS) >
				LEVELS_FLOOR_TICKS * log(LEVELS_FLOOR_UNEVEN * power);
}

static bool levels_is_gated(const struct levels *levels)
{
	double sound = levels->sound_square / levels->sound_frames;

	return levels->black_pauses >= LEVELS_FLOOR_TICKS && !levels->is_floor_even &&
	       levels->even > LEVELS_EVEN_BELOW * sound;
}

static void levels_pair(struct measure *measure, struct levels *levels,
			const struct measure_tick *tick)
{
	uint32_t slot = (uint32_t)(levels->ticks % LEVELS_WINDOW_TICKS);
	double left, right, value, frames;

	levels->all_left += tick->left_square;
	levels->all_right += tick->right_square;
	levels->all_both += tick->product;
	levels->left[slot] = tick->left_square;
	levels->right[slot] = tick->right_square;
	levels->both[slot] = tick->product;
	if (!tick->is_whole || ++levels->ticks < LEVELS_WINDOW_TICKS)
		return;
	left = levels_total(levels->left, LEVELS_WINDOW_TICKS);
	right = levels_total(levels->right, LEVELS_WINDOW_TICKS);
	frames = (double)LEVELS_WINDOW_TICKS * tick->n_frames;
	if ((left + right) / (2.0 * frames) <= LEVELS_WINDOW_FROM)
		return;
	value = measure_correlation(left, right, levels_total(levels->both, LEVELS_WINDOW_TICKS));
	if (!(value >= levels->correlation_min))
		levels->correlation_min = isnan(value) ? levels->correlation_min : value;
}

/* Fills in what is known of tick T. */
static void levels_sum(struct measure *measure, struct levels *levels, uint32_t t)
{
	struct measure_tick *tick = &measure->tick[t];

	for (uint32_t c = 0; c < measure->n_channels; c++) {
		const float *x = measure->channel[c] + tick->first;
		size_t at = (size_t)t * measure->n_channels + c;
		struct blocksum_one one;

		if ((int32_t)c == measure->right && measure->right > measure->left)
			continue;
		if ((int32_t)c == measure->left && measure->right > measure->left) {
			size_t other = at + (size_t)(measure->right - measure->left);
			const float *y = measure->channel[measure->right] + tick->first;
			struct blocksum_two two = blocksum_two(x, y, tick->n_frames);

			one = two.left;
			levels->sum[measure->right] += two.right.sum;
			measure->channel_square[other] = two.right.square;
			measure->channel_peak[other] = level_highest(y, tick->n_frames);
			tick->left_square = two.left.square;
			tick->right_square = two.right.square;
			tick->product = two.product;
		} else {
			one = blocksum_one(x, tick->n_frames);
		}
		levels->sum[c] += one.sum;
		measure->channel_square[at] = one.square;
		measure->channel_peak[at] = level_highest(x, tick->n_frames);
	}
	for (uint32_t c = 0; c < measure->n_channels; c++) {
		size_t at = (size_t)t * measure->n_channels + c;

		levels->square[c] += measure->channel_square[at];
		tick->square += measure->channel_square[at];
		tick->peak = fmaxf(tick->peak, measure->channel_peak[at]);
	}
}

static void levels_block(struct measure *measure, void *part)
{
	struct levels *levels = part;

	for (uint32_t t = 0; t < measure->n_ticks; t++) {
		levels_sum(measure, levels, t);
		if (!(measure->what & MEASURE_LEVELS))
			continue;
		levels_floor(levels, &measure->tick[t]);
		if (measure->left >= 0)
			levels_pair(measure, levels, &measure->tick[t]);
	}
}

static void levels_finish(struct measure *measure, void *part, struct measure_result *ret)
{
	const struct levels *levels = part;
	double frames = (double)measure->total_frames, dc = 0.0;

	if (!(measure->what & MEASURE_LEVELS) || measure->total_frames == 0)
		return;
	for (uint32_t c = 0; c < measure->n_channels; c++) {
		ret->channel_rms[c] = level_of_power(levels->square[c] / frames);
		ret->dc[c] = levels->sum[c] / frames;
		dc = fmax(dc, fabs(ret->dc[c]));
	}
	ret->dc_max = level_of_amplitude(dc);
	ret->rms = level_of_power(levels_total(levels->square, measure->n_channels) /
				  (frames * measure->n_channels));
	if (levels->floor_ticks >= LEVELS_FLOOR_TICKS) {
		ret->is_gated = levels_is_gated(levels);
		ret->noise_floor = ret->is_gated
					   ? -INFINITY
					   : level_of_power(levels->floor / measure->n_channels);
	}
	if (measure->left < 0)
		return;
	ret->correlation =
		measure_correlation(levels->all_left, levels->all_right, levels->all_both);
	ret->correlation_min = levels->correlation_min;
}

const struct measure_part measure_levels_part = {
	.what = MEASURE_TICK_LEVELS,
	.size = sizeof(struct levels),
	.init = levels_init,
	.block = levels_block,
	.finish = levels_finish,
};
