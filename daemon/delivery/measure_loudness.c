/* measure_loudness.c - I, M, S, LRA; balance and fold-down.
 *
 * SOURCE      ITU-R BS.1770-4 Annex 1 and 3 (weights, blocks, gates); EBU Tech 3341 (M, S, I); EBU
 *             Tech 3342 (LRA from S at 10 Hz).
 * M, S        means of 400 ms and 3 s that end with each tick, so their maxima are those of a window
 *             moved by 10 ms. Undefined (NAN) where the programme is shorter than the window.
 * I, LRA      nodes/dsp/loudness.h; blocks begin each 100 ms with the programme.
 * BALANCE     K-weighted energy of all channels left of the middle to that of those right of it, over
 *             the whole programme, in LU.
 * FOLD-DOWN   I of (L + R) / 2 heard from both loudspeakers, minus I of the stereo: 0 LU when both
 *             are equal, -3 when they have nothing in common, -INFINITY when they cancel.
 * SPEED       Segments of a block (400 ms each, all channels) are filtered side by side, kscan.h. The
 *             first goes on from the block before; the others begin 100 ms earlier, from the state of
 *             a constant. The high-pass (38 Hz, critically damped) has by then forgotten its start to
 *             25 exp(-24) = 1e-9: far below 1e-6 LU (tests/unit/test_measure.c). */
#include "measure_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kscan.h"

#define LOUD_MEAN_MAX 1e9 /* +90 dB: no audio */
#define LOUD_TENS (LOUDNESS_SHORTTERM_TICKS)

struct loud_sum { /* of a signal, over time */
	double last[MEASURE_HOP_TICKS]; /* energies of ticks, a ring */
	double ten[LOUD_TENS]; /* sums of ten ticks that end at each, a ring */
};

struct loud {
	struct kscan_coef coef;
	/* Signals: channels with a weight, then the mono sum. */
	uint32_t n_signals;
	uint8_t channel[MEDIA_CHANNELS_MAX + 1];
	double weight[MEDIA_CHANNELS_MAX + 1];
	int8_t side[MEDIA_CHANNELS_MAX + 1];
	float *mono;
	struct kscan_state state[(MEDIA_CHANNELS_MAX + 1) / KSCAN_LANES + 1]; /* after a block */
	double side_energy[2];
	struct loud_sum stereo, single;
	uint64_t ticks;
	double momentary_max, shortterm_max, momentary_max_at_s, shortterm_max_at_s;
	struct loudness_gate gate, mono_gate;
};

static int loud_init(struct measure *measure, void *part)
{
	struct loud *loud = part;

	kscan_coef_init(&loud->coef, measure->rate);
	for (uint32_t c = 0; c < measure->n_channels; c++) {
		if (measure->weight[c] <= 0.0)
			continue;
		loud->channel[loud->n_signals] = (uint8_t)c;
		loud->side[loud->n_signals] = measure->side[c];
		loud->weight[loud->n_signals++] = measure->weight[c] * loud->coef.gain;
	}
	if (!measure->has_mono)
		return 0;
	loud->mono = calloc(measure->block_frames, sizeof(float));
	return loud->mono ? 0 : -1;
}

static void loud_done(void *part)
{
	struct loud *loud = part;

	free(loud->mono);
}

/* ---- energies of ticks ---------------------------------------------------------------------- */

static const float *loud_signal(const struct measure *measure, const struct loud *loud, uint32_t s)
{
	return s < loud->n_signals ? measure->channel[loud->channel[s]] : loud->mono;
}

/* SQUARES of signal S in a tick. */
static void loud_take(struct loud *loud, struct measure_tick *tick, uint32_t s, double squares)
{
	/* What no audio can make came in from outside; it must not stay. */
	if (!(squares >= 0.0 && squares < LOUD_MEAN_MAX * tick->n_frames))
		squares = 0.0;
	if (s >= loud->n_signals) {
		tick->mono_energy += squares * loud->coef.gain * 2.0;
		return;
	}
	tick->energy += loud->weight[s] * squares;
	if (loud->side[s])
		loud->side_energy[loud->side[s] > 0] += loud->weight[s] * squares;
}

/* Lanes FIRST .. of a group, N of them. */
struct loud_lanes {
	uint32_t first, n, n_signals;
	uint32_t ticks; /* of a segment */
};

/* Tick T of each segment in its fine parts: their energies, and the sums of the tick. */
static void loud_fine(struct measure *measure, const struct loud *loud, struct kscan_state *state,
		      const float **at, const struct loud_lanes *lanes, uint32_t t, double *sum)
{
	uint32_t n_frames = measure->tick[t].n_frames, end = 0;

	for (uint32_t k = 0; end < n_frames; k++) {
		uint32_t begin = end;
		double part[KSCAN_LANES] = {0};

		end = measure_fine_frame(measure, t, k + 1);
		end = end < n_frames ? end : n_frames;
		kscan_sum(&loud->coef, state, at, end - begin, part);
		for (uint32_t l = 0; l < KSCAN_LANES; l++) {
			uint32_t lane = lanes->first + l, s = lane % lanes->n_signals;
			uint32_t tick = lane / lanes->n_signals * lanes->ticks + t;

			at[l] += end - begin;
			sum[l] += part[l];
			if (l < lanes->n && s < loud->n_signals)
				measure->fine[(size_t)tick * MEASURE_FINES + k] +=
					loud->weight[s] * part[l];
		}
	}
}

/* Lanes FIRST .. of N_SIGNALS signals of SEGMENTS segments, segment by segment. */
static void loud_group(struct measure *measure, struct loud *loud, uint32_t first,
		       uint32_t n_signals, uint32_t segments, uint32_t ticks)
{
	uint32_t n = n_signals * segments - first, length = measure->n_frames / segments;
	uint32_t before = segments > 1 ? length / 4 : 0;
	const float *begin[KSCAN_LANES], *at[KSCAN_LANES];
	struct kscan_state state;
	struct loud_lanes lanes;
	double sum[KSCAN_LANES] = {0};

	memset(&state, 0, sizeof(state));
	n = n < KSCAN_LANES ? n : KSCAN_LANES;
	lanes = (struct loud_lanes){first, n, n_signals, ticks};
	for (uint32_t l = 0; l < KSCAN_LANES; l++) {
		uint32_t lane = first + (l < n ? l : 0);
		uint32_t segment = lane / n_signals, s = lane % n_signals;

		begin[l] = loud_signal(measure, loud, s) + (size_t)segment * length;
		at[l] = segment ? begin[l] - before : begin[l];
		kscan_settle(&loud->coef, &state, l, (double)at[l][0]);
	}
	if (before)
		kscan_sum(&loud->coef, &state, at, before, sum);
	for (uint32_t l = 0; l < n && first + l < n_signals; l++)
		kscan_copy(&state, l, &loud->state[(first + l) / KSCAN_LANES],
			   (first + l) % KSCAN_LANES);
	for (uint32_t t = 0; t < ticks; t++) {
		struct measure_tick *tick = &measure->tick[t];

		for (uint32_t l = 0; l < KSCAN_LANES; l++)
			at[l] = begin[l] + tick->first;
		memset(sum, 0, sizeof(sum));
		if (measure->fine)
			loud_fine(measure, loud, &state, at, &lanes, t, sum);
		else
			kscan_sum(&loud->coef, &state, at, tick->n_frames, sum);
		kscan_flush(&state);
		for (uint32_t l = 0; l < n; l++)
			loud_take(loud, tick + (size_t)(first + l) / n_signals * ticks,
				  (first + l) % n_signals, sum[l]);
	}
	for (uint32_t l = 0; l < n; l++)
		if ((first + l) / n_signals + 1 == segments)
			kscan_copy(&loud->state[(first + l) % n_signals / KSCAN_LANES],
				   (first + l) % n_signals % KSCAN_LANES, &state, l);
}

static void loud_energies(struct measure *measure, struct loud *loud)
{
	uint32_t n_signals = loud->n_signals + measure->has_mono, segments = measure->segments;
	uint32_t ticks = measure->block_ticks / segments;

	if (measure->has_mono) {
		const float *left = measure->channel[measure->left];
		const float *right = measure->channel[measure->right];

		for (uint32_t i = 0; i < measure->n_frames; i++)
			loud->mono[i] = 0.5f * (left[i] + right[i]);
	}
	if (measure->n_ticks < measure->block_ticks ||
	    !measure->tick[measure->block_ticks - 1].is_whole) {
		segments = 1; /* the last block */
		ticks = measure->n_ticks;
	}
	if (measure->n_frames == 0)
		return;
	if (measure->fine)
		memset(measure->fine, 0,
		       (size_t)measure->n_ticks * MEASURE_FINES * sizeof(*measure->fine));
	for (uint32_t first = 0; first < n_signals * segments; first += KSCAN_LANES)
		loud_group(measure, loud, first, n_signals, segments, ticks);
}

/* ---- windows -------------------------------------------------------------------------------- */

static void loud_add(struct loud_sum *sum, uint64_t tick, double energy)
{
	double ten = 0.0;

	sum->last[tick % MEASURE_HOP_TICKS] = energy;
	for (uint32_t k = 0; k < MEASURE_HOP_TICKS; k++)
		ten += sum->last[k];
	sum->ten[tick % LOUD_TENS] = ten;
}

/* The mean of the TICKS (a multiple of ten) that end with tick LAST. */
static double loud_mean(const struct measure *measure, const struct loud_sum *sum, uint64_t last,
			uint32_t ticks)
{
	uint32_t slot = (uint32_t)(last % LOUD_TENS);
	double total = 0.0;

	for (uint32_t k = 0; k < ticks; k += MEASURE_HOP_TICKS) {
		total += sum->ten[slot];
		slot = slot >= MEASURE_HOP_TICKS ? slot - MEASURE_HOP_TICKS
						 : slot + LOUD_TENS - MEASURE_HOP_TICKS;
	}
	return total / (double)(measure_tick_frame(measure, last + 1) -
				measure_tick_frame(measure, last + 1 - ticks));
}

static void loud_raise(double value, double at_s, double *highest, double *highest_at_s)
{
	if (value <= *highest)
		return;
	*highest = value;
	*highest_at_s = at_s;
}

static void loud_tick(struct measure *measure, struct loud *loud, struct measure_tick *tick)
{
	uint64_t last = loud->ticks++;
	bool is_hop = loud->ticks % MEASURE_HOP_TICKS == 0;
	double end_s = (double)measure_tick_frame(measure, loud->ticks) / measure->rate;

	loud_add(&loud->stereo, last, tick->energy);
	if (measure->has_mono)
		loud_add(&loud->single, last, tick->mono_energy);
	if (loud->ticks < LOUDNESS_MOMENTARY_TICKS)
		return;
	tick->momentary = loud_mean(measure, &loud->stereo, last, LOUDNESS_MOMENTARY_TICKS);
	loud_raise(tick->momentary, end_s, &loud->momentary_max, &loud->momentary_max_at_s);
	if (is_hop) {
		loudness_gate_block(&loud->gate, tick->momentary);
		if (measure->has_mono)
			loudness_gate_block(
				&loud->mono_gate,
				loud_mean(measure, &loud->single, last, LOUDNESS_MOMENTARY_TICKS));
	}
	if (loud->ticks < LOUDNESS_SHORTTERM_TICKS)
		return;
	tick->shortterm = loud_mean(measure, &loud->stereo, last, LOUDNESS_SHORTTERM_TICKS);
	loud_raise(tick->shortterm, end_s, &loud->shortterm_max, &loud->shortterm_max_at_s);
	if (is_hop)
		loudness_gate_range(&loud->gate, tick->shortterm);
}

static void loud_block(struct measure *measure, void *part)
{
	struct loud *loud = part;

	loud_energies(measure, loud);
	for (uint32_t t = 0; t < measure->n_ticks; t++)
		if (measure->tick[t].is_whole)
			loud_tick(measure, loud, &measure->tick[t]);
}

/* ---- result --------------------------------------------------------------------------------- */

static void loud_finish_field(const struct measure *measure, const struct loud *loud,
			      struct measure_result *ret)
{
	double integrated = loudness_gate_integrated(&loud->gate, NULL);
	double mono = loudness_gate_integrated(&loud->mono_gate, NULL);

	if (loud->side_energy[0] > 0.0 || loud->side_energy[1] > 0.0)
		ret->balance = 10.0 * log10(loud->side_energy[0] / loud->side_energy[1]);
	if (measure->has_mono && isfinite(integrated))
		ret->fold_down = mono - integrated;
}

static void loud_finish(struct measure *measure, void *part, struct measure_result *ret)
{
	const struct loud *loud = part;

	if (measure->what & MEASURE_LEVELS)
		loud_finish_field(measure, loud, ret);
	if (!(measure->what & MEASURE_LOUDNESS))
		return;
	ret->gates = malloc(sizeof(*ret->gates));
	if (!ret->gates) {
		measure->has_failed = true;
		return;
	}
	ret->gates->gate = loud->gate;
	if (loud->ticks >= LOUDNESS_MOMENTARY_TICKS) {
		ret->integrated = loudness_gate_integrated(&loud->gate, NULL);
		ret->momentary_max = loudness_from_energy(loud->momentary_max);
		if (loud->momentary_max > 0.0)
			ret->momentary_max_at_s = loud->momentary_max_at_s;
	}
	if (loud->ticks < LOUDNESS_SHORTTERM_TICKS)
		return;
	ret->shortterm_max = loudness_from_energy(loud->shortterm_max);
	if (loud->shortterm_max > 0.0)
		ret->shortterm_max_at_s = loud->shortterm_max_at_s;
	ret->range = loudness_gate_lra(&loud->gate);
	loudness_gate_lra_ends(&loud->gate, &ret->range_low, &ret->range_high);
}

const struct measure_part measure_loudness_part = {
	.what = MEASURE_TICK_ENERGY,
	.size = sizeof(struct loud),
	.init = loud_init,
	.block = loud_block,
	.finish = loud_finish,
	.done = loud_done,
};
