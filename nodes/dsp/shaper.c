/* Source: adaa.c, oversample.c; "only together with oversampling, plus a compensation" is the
 * measured advice of the reference, dsp.md 6.2.
 *
 * The compensation: ADAA's droop is cos(w / 2). A symmetric FIR of 2m taps has a cos(w / 2), too, times a
 * polynomial in s = sin(w / 2)^2, so that both together are (1 - s)(1 + a s + b s^2 + ...). With all
 * of a, b .. at 1 that is maximally flat; the last one is raised to be exact at 20 kHz. Two terms (4
 * taps) do from 176.4 kHz on (0.03 dB), four (8 taps) at 88.2 kHz (0.02 dB). With ADAA's half frame
 * they delay by 2 and by 4 frames: at 4 and 8 times just what the half-band stages leave to a whole
 * frame. */
#include "shaper.h"

#include <math.h>
#include <string.h>

#include "clones.h"

#include <mixd/rt.h>

#define SHAPER_FLAT_HZ 20000.0
#define SHAPER_WORK (OVERSAMPLE_BLOCK * OVERSAMPLE_MAX)
#define SHAPER_ROOM (SHAPER_PAST + SHAPER_WORK + OVERSAMPLE_GRAIN)

/* ---- the compensation ---- */

/* Taps whose response is cos(w/2) (1 + s + .. + s^(m-2) + last s^(m-1)). */
static void shaper_taps(uint32_t n_terms, double last, float *ret)
{
	/* s = (2 - z - 1/z) / 4, cos(w/2) = (1 + 1/z) / 2 and half a frame. */
	double power[SHAPER_FIR_MAX] = {0.5, 0.5}, sum[SHAPER_FIR_MAX] = {0.0};
	uint32_t n = 2, middle = n_terms - 1;

	for (uint32_t term = 0; term < n_terms; term++) {
		double weight = term + 1 == n_terms ? last : 1.0, next[SHAPER_FIR_MAX] = {0.0};

		for (uint32_t k = 0; k < n; k++)
			sum[middle - term + k] += weight * power[k];
		if (term + 1 == n_terms)
			break;
		for (uint32_t k = 0; k < n; k++) {
			next[k] -= 0.25 * power[k];
			next[k + 1] += 0.5 * power[k];
			next[k + 2] -= 0.25 * power[k];
		}
		memcpy(power, next, sizeof(power));
		n += 2;
	}
	for (uint32_t k = 0; k < 2 * n_terms; k++)
		ret[k] = (float)sum[k];
}

static void shaper_compensate(struct shaper *shaper, double upper_hz)
{
	uint32_t n_terms = upper_hz < 150000.0 ? 4 : 2;
	double s = pow(
		sin(M_PI * fmin(SHAPER_FLAT_HZ, 0.42 * upper_hz / shaper->os.factor) / upper_hz),
		2.0);
	double before = 0.0, power = 1.0;

	for (uint32_t k = 0; k + 1 < n_terms; k++) {
		before += power;
		power *= s;
	}
	shaper->n_taps = 2 * n_terms;
	shaper_taps(n_terms, (1.0 / (1.0 - s) - before) / power, shaper->tap);
}

/* The frame at which an impulse comes out highest. */
static uint32_t shaper_impulse(const struct shaper *shaper)
{
	const struct shaper_control control = {
		.pre = {.to = 1e-6},
		.wet = {.to = 1e6},
		.curve = {ADAA_HARD, ADAA_HARD},
	};
	float x[OVERSAMPLE_BLOCK] = {1.0f};
	struct shaper_channel channel;
	uint32_t highest = 0;

	memset(&channel, 0, sizeof(channel));
	shaper_run(shaper, &channel, &control, x, x, OVERSAMPLE_BLOCK);
	for (uint32_t i = 0; i < OVERSAMPLE_BLOCK; i++)
		if (fabsf(x[i]) > fabsf(x[highest]))
			highest = i;
	return highest;
}

void shaper_init(struct shaper *shaper, enum oversample_kind kind, uint32_t factor, bool plain,
		 double rate_hz)
{
	uint32_t delay;

	*shaper = (struct shaper){
		.os = oversample_make(kind, factor, rate_hz),
		.plain = plain,
	};
	if (!plain)
		shaper_compensate(shaper, rate_hz * shaper->os.factor);
	if (kind == OVERSAMPLE_LOW_LATENCY && shaper->os.n_stages > 0) {
		shaper->latency = shaper_impulse(shaper);
		return;
	}
	delay = oversample_delay(&shaper->os) + shaper->n_taps / 2;
	shaper->pad = (shaper->os.factor - delay % shaper->os.factor) % shaper->os.factor;
	shaper->latency = (delay + shaper->pad) / shaper->os.factor;
}

/* ---- the way of the sound ---- */

MIXD_CLONES static void shaper_scale(const float *x, float *ret, float factor, float offset,
				     uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		ret[i] = x[i] * factor + offset;
}

MIXD_CLONES static void shaper_sum(const float *wet, const float *x, float *ret, float rest,
				   float wet_gain, float dry, float dry_before, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		ret[i] = (wet[i] - rest) * wet_gain + (x[i] * dry + x[(int32_t)i - 1] * dry_before);
}

bool shaper_choose(struct shaper_control *control, enum adaa_curve curve, uint32_t cell_frames,
		   double glide_frames)
{
	double at = dsp_ramp_value(&control->blend, 0), to;

	if (at >= 1.0) {
		control->curve[0] = control->curve[1];
		at = 0.0;
	}
	if (at == 0.0)
		control->curve[1] = curve;
	to = control->curve[1] == control->curve[0] ? 0.0
						    : fmin(1.0, at + cell_frames / glide_frames);
	dsp_ramp_set(&control->blend, at, to, cell_frames);
	return to > 0.0;
}

void shaper_choose_now(struct shaper_control *control, enum adaa_curve curve)
{
	control->curve[0] = control->curve[1] = curve;
	dsp_ramp_set(&control->blend, 0.0, 0.0, 1);
}

/* RAMP at frame I of the upper rate. */
static float shaper_at(const struct dsp_ramp *ramp, double per_frame, uint32_t i)
{
	double frame = ramp->done + i * per_frame;

	return (float)(frame < ramp->frames ? ramp->from + ramp->step * frame : ramp->to);
}

/* Where on the curve each frame is. */
static void shaper_place(const struct shaper *shaper, const struct shaper_control *control,
			 const float *x, float *at, uint32_t n)
{
	double per_frame = 1.0 / shaper->os.factor;

	if (dsp_ramp_rests(&control->pre) && dsp_ramp_rests(&control->offset)) {
		shaper_scale(x, at, (float)control->pre.to, (float)control->offset.to, n);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		at[i] = x[i] * shaper_at(&control->pre, per_frame, i) +
			shaper_at(&control->offset, per_frame, i);
}

/* The curve, or both curves blended. */
static void shaper_bend(const struct shaper *shaper, const struct shaper_control *control,
			const float *at, float *y, uint32_t n)
{
	float other[SHAPER_ROOM];
	bool rests = dsp_ramp_rests(&control->blend);

	if (!(rests && control->blend.to >= 1.0))
		adaa_run(control->curve[0], shaper->plain, at, y, n);
	if (rests && control->blend.to <= 0.0)
		return;
	if (rests && control->blend.to >= 1.0) {
		adaa_run(control->curve[1], shaper->plain, at, y, n);
		return;
	}
	adaa_run(control->curve[1], shaper->plain, at, other, n);
	for (uint32_t i = 0; i < n; i++) {
		float share = shaper_at(&control->blend, 1.0 / shaper->os.factor, i);

		y[i] = share < 1.0f ? y[i] + (other[i] - y[i]) * share : other[i];
	}
}

/* Wet and dry together into SUM. REST is what the curve gives in silence, one value or a row. */
static void shaper_mix(const struct shaper *shaper, const struct shaper_control *control,
		       const float *wet, const float *rest, bool rest_moves, const float *x,
		       float *sum, uint32_t n)
{
	double per_frame = 1.0 / shaper->os.factor;
	float now = shaper->plain ? 1.0f : 0.5f, before = 1.0f - now;

	if (!rest_moves && dsp_ramp_rests(&control->wet) && dsp_ramp_rests(&control->dry)) {
		float dry = (float)control->dry.to;

		shaper_sum(wet, x, sum, rest[0], (float)control->wet.to, now * dry, before * dry,
			   n);
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		float dry = shaper_at(&control->dry, per_frame, i);

		sum[i] = (wet[i] - rest[rest_moves ? i : 0]) *
				 shaper_at(&control->wet, per_frame, i) +
			 (x[i] * (now * dry) + x[(int32_t)i - 1] * (before * dry));
	}
}

/* What silence would give: one value while nothing moves. True when it is a row. */
static bool shaper_rest(const struct shaper *shaper, struct shaper_channel *channel,
			const struct shaper_control *control, float *rest, uint32_t n)
{
	float line[SHAPER_ROOM], *at = line + SHAPER_PAST;
	double per_frame = 1.0 / shaper->os.factor;
	float offset = (float)control->offset.to;
	bool moves = !dsp_ramp_rests(&control->offset) || !dsp_ramp_rests(&control->blend) ||
		     channel->at_before[1] != offset;

	at[-1] = channel->at_before[1];
	if (!moves)
		n = 1;
	for (uint32_t i = 0; i < n + ADAA_GRAIN; i++)
		at[i] = i < n ? shaper_at(&control->offset, per_frame, i) : offset;
	shaper_bend(shaper, control, at, rest, n);
	channel->at_before[1] = at[n - 1];
	return moves;
}

MIXD_CLONES static void shaper_fir4(const float *x, const float *tap, float *y, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		y[i] = tap[0] * (x[i] + x[(int32_t)i - 3]) +
		       tap[1] * (x[(int32_t)i - 1] + x[(int32_t)i - 2]);
}

MIXD_CLONES static void shaper_fir8(const float *x, const float *tap, float *y, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		y[i] = (tap[0] * (x[i] + x[(int32_t)i - 7]) +
			tap[1] * (x[(int32_t)i - 1] + x[(int32_t)i - 6])) +
		       (tap[2] * (x[(int32_t)i - 2] + x[(int32_t)i - 5]) +
			tap[3] * (x[(int32_t)i - 3] + x[(int32_t)i - 4]));
}

static void shaper_finish(const struct shaper *shaper, const float *sum, float *y, uint32_t n)
{
	sum -= shaper->pad;
	if (shaper->n_taps == 4)
		shaper_fir4(sum, shaper->tap, y, n);
	else if (shaper->n_taps == 8)
		shaper_fir8(sum, shaper->tap, y, n);
	else
		memcpy(y, sum, n * sizeof(float));
}

void shaper_run(const struct shaper *shaper, struct shaper_channel *channel,
		const struct shaper_control *control, const float *in, float *out,
		uint32_t n_frames)
{
	float a[SHAPER_ROOM] __attribute__((aligned(64)));
	float b[SHAPER_ROOM] __attribute__((aligned(64)));
	float wet[SHAPER_ROOM] __attribute__((aligned(64)));
	float rest[SHAPER_ROOM];
	float *x = a + SHAPER_FIR_MAX, *at = b + SHAPER_PAST;
	uint32_t n = n_frames * shaper->os.factor;
	bool rest_moves;

	if (!channel->began) {
		channel->at_before[0] = channel->at_before[1] = shaper_at(&control->offset, 1.0, 0);
		channel->began = true;
	}
	oversample_up(&shaper->os, &channel->os, in, x, n_frames);
	x[-1] = channel->x_before;
	at[-1] = channel->at_before[0];
	shaper_place(shaper, control, x, at, n);
	memset(at + n, 0, ADAA_GRAIN * sizeof(float));
	shaper_bend(shaper, control, at, wet, n);
	rest_moves = shaper_rest(shaper, channel, control, rest, n);
	channel->x_before = x[n - 1];
	channel->at_before[0] = at[n - 1];
	/* From here on B holds the sum, with what the FIR remembers before it. */
	memcpy(b, channel->past, sizeof(channel->past));
	shaper_mix(shaper, control, wet, rest, rest_moves, x, at, n);
	memcpy(channel->past, b + n, sizeof(channel->past));
	shaper_finish(shaper, at, wet, n);
	oversample_down(&shaper->os, &channel->os, wet, out, n_frames);
}
