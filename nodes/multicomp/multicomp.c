/* multicomp - compressor of 2..6 bands.
 *
 * SOURCE      Linkwitz, JAES 24(1), 1976 and D'Appolito, JAES 35(4), 1987 for the splits
 *             (../dsp/crossover.h); Giannoulis, Massberg, Reiss, JAES 60(6) 2012 for what happens in
 *             a band (../dsp/dynamics.c).
 * STRUCTURE   Two channels at a time become rows, one per band and channel. What has no memory runs
 *             along time, per band (fully linked) or per band and channel; the smoothing runs with
 *             one lane per band. Look-ahead delays the rows of the bands, so they are split once.
 *             The dry share is the sum of the bands, not the input: the splits turn the phase, and
 *             nothing combs. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "multicomp_state.h"

#include <mixd/rt.h>

static void multicomp_reset(struct mixd_inst *inst)
{
	struct multicomp_state *state = inst->state;

	memset(state->split, 0, (state->channels + 1) / 2 * sizeof(*state->split));
	memset(state->key_split, 0, (state->n_keys + 1) / 2 * sizeof(*state->key_split));
	memset(state->smooth, 0, state->channels * sizeof(*state->smooth));
	memset(state->ring, 0,
	       (size_t)state->ways * state->channels * state->ring_frames * sizeof(float));
	state->ring_at = 0;
}

/* ---- update ------------------------------------------------------------------------------------ */

static bool multicomp_update_splits(struct multicomp_state *state, const struct mixd_update *update,
				    double rate)
{
	double freq_hz[CROSSOVER_POINTS_MAX];

	memcpy(freq_hz, update->to + MULTICOMP_XOVER, sizeof(freq_hz));
	crossover_space(freq_hz, state->ways - 1, rate);
	for (uint32_t k = 0; k + 1 < state->ways; k++) {
		if (update->jump)
			crossover_set(&state->crossover, k, freq_hz[k], rate);
		else if (freq_hz[k] != state->xover_hz[k])
			crossover_move(&state->crossover, k, freq_hz[k], rate);
		state->xover_hz[k] = freq_hz[k];
	}
	return crossover_settle(&state->crossover);
}

static void multicomp_band_coefs(struct multicomp_state *state, uint32_t idx, const double *to,
				 double rate)
{
	double *coef = state->coef + idx;

	coef[DYN_COEF_ATTACK * state->width] = dyn_keep(to[MULTICOMP_ATTACK] * 0.001, rate);
	coef[DYN_COEF_RELEASE * state->width] = dyn_keep(to[MULTICOMP_RELEASE] * 0.001, rate);
	coef[DYN_COEF_HOLD_FRAMES * state->width] = round(to[MULTICOMP_HOLD] * 0.001 * rate);
}

static void multicomp_update_band(struct multicomp_state *state, uint32_t idx, bool heard,
				  const struct mixd_update *update, double rate)
{
	struct multicomp_band *band = &state->band[idx];
	const struct dyn_cell *cell = &state->cell;
	const double *to = update->to + MULTICOMP_BAND + (size_t)idx * MULTICOMP_ROWS;
	double knee = to[MULTICOMP_KNEE] / DYN_DB_PER_LOG2;
	bool moving = false;

	band->level_part = glide_switch(band->level_part, heard, update, rate);
	band->wet_part = glide_switch(band->wet_part, to[MULTICOMP_BYPASS] == 0.0, update, rate);
	moving |= dyn_glide_to(&band->threshold, cell, to[MULTICOMP_THRESHOLD] / DYN_DB_PER_LOG2,
			       update);
	moving |= dyn_glide_to(&band->slope, cell,
			       dyn_slope(to[MULTICOMP_RATIO], MULTICOMP_RATIO_MAX), update);
	moving |= dyn_glide_to(&band->range, cell, to[MULTICOMP_RANGE] / DYN_DB_PER_LOG2, update);
	moving |= dyn_glide_to(&band->makeup, cell, to[MULTICOMP_MAKEUP] / DYN_DB_PER_LOG2, update);
	moving |= dyn_glide_to(&band->mix, cell,
			       glide_smooth(band->wet_part) * update->to[MULTICOMP_MIX] * 0.01,
			       update);
	moving |= dyn_glide_to(&band->level, cell, glide_smooth(band->level_part), update);
	band->moving = moving;
	band->curve = (struct dyn_curve){
		.threshold = band->threshold.now,
		.slope = band->slope.now,
		.range = band->range.now,
		.knee = (float)knee,
		.knee_scale = knee > 0.0 ? (float)(0.5 / knee) : 0.0f,
	};
	band->out = (struct dyn_out){.makeup = band->makeup.now,
				     .mix = band->mix.now,
				     .dry = !dyn_line_rests_at(&band->mix.now, 1.0f)};
	multicomp_band_coefs(state, idx, to, rate);
}

/* What is switched off forgets, and channels that part begin alike. */
static void multicomp_update_shared(struct multicomp_state *state, const double *to, double rate)
{
	float link = (float)(to[MULTICOMP_LINK] * 0.01);
	bool rms = to[MULTICOMP_DETECTOR] != 0.0, hold = false;

	if (state->link >= 1.0f && link < 1.0f)
		for (uint32_t c = 1; c < state->channels; c++)
			memcpy(state->smooth[c].word, state->smooth[0].word,
			       DYN_STATE_POWER * state->width * sizeof(double));
	for (uint32_t b = 0; b < state->ways; b++)
		hold = hold || to[MULTICOMP_BAND + b * MULTICOMP_ROWS + MULTICOMP_HOLD] != 0.0;
	for (uint32_t c = 0; c < state->channels; c++) {
		double *word = state->smooth[c].word;

		if (state->rms != rms)
			memset(word + DYN_STATE_POWER * state->width, 0,
			       state->width * sizeof(*word));
		if (state->hold && !hold)
			memset(word + DYN_STATE_HELD * state->width, 0,
			       state->width * sizeof(*word));
	}
	for (uint32_t b = 0; b < state->ways; b++)
		state->coef[DYN_COEF_POWER * state->width + b] =
			dyn_keep(to[MULTICOMP_RMS_TIME] * 0.001, rate);
	state->link = link;
	state->rms = rms;
	state->hold = hold;
}

static bool multicomp_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct multicomp_state *state = inst->state;
	const double rate = inst->setup->rate, *to = update->to + MULTICOMP_BAND;
	bool moving = multicomp_update_splits(state, update, rate), solo = false;

	for (uint32_t b = 0; b < state->ways; b++)
		solo = solo || to[b * MULTICOMP_ROWS + MULTICOMP_SOLO] != 0.0;
	multicomp_update_shared(state, update->to, rate);
	for (uint32_t b = 0; b < state->ways; b++, to += MULTICOMP_ROWS) {
		struct multicomp_band *band = &state->band[b];
		bool heard = solo ? to[MULTICOMP_SOLO] != 0.0 : to[MULTICOMP_MUTE] == 0.0;
		bool mixed = band->mix.end == (float)(glide_smooth(band->wet_part) *
						      update->to[MULTICOMP_MIX] * 0.01);

		if (update->jump || band->moving || !mixed ||
		    band->level_part != (heard ? 1.0 : 0.0) ||
		    memcmp(state->last[b], to, sizeof(state->last[b])) != 0)
			multicomp_update_band(state, b, heard, update, rate);
		memcpy(state->last[b], to, sizeof(state->last[b]));
		moving = moving || band->moving;
	}
	dyn_cell_begin(&state->cell, update);
	return moving;
}

/* ---- process ----------------------------------------------------------------------------------- */

static const float multicomp_silence[MIXD_SLICE_MAX];

static float *multicomp_row(const struct multicomp_state *state, uint32_t band, uint32_t channel)
{
	return state->rows + ((size_t)band * state->channels + channel) * MIXD_SLICE_MAX;
}

static float *multicomp_key_row(const struct multicomp_state *state, uint32_t band,
				uint32_t channel)
{
	return state->rows +
	       ((size_t)state->ways * state->channels + (size_t)band * state->n_keys + channel) *
		       MIXD_SLICE_MAX;
}

static float *multicomp_work_row(const struct multicomp_state *state, uint32_t band,
				 uint32_t channel)
{
	return state->rows + ((size_t)state->ways * (state->channels + state->n_keys) +
			      (size_t)band * state->channels + channel) *
				     MIXD_SLICE_MAX;
}

typedef float *(*multicomp_row_fn)(const struct multicomp_state *state, uint32_t band,
				   uint32_t channel);

static void multicomp_split(const struct multicomp_state *state, struct crossover_state *split,
			    const float *const *in, uint32_t n_in, multicomp_row_fn row, uint32_t n)
{
	float unused[MIXD_SLICE_MAX];

	for (uint32_t c = 0; c < n_in; c += 2) {
		const float *pair[2] = {in[c], c + 1 < n_in ? in[c + 1] : multicomp_silence};
		float *out[2 * CROSSOVER_WAYS_MAX];

		for (uint32_t b = 0; b < state->ways; b++) {
			out[2 * b] = row(state, b, c);
			out[2 * b + 1] = c + 1 < n_in ? row(state, b, c + 1) : unused;
		}
		crossover_run(&state->crossover, &split[c / 2], pair, out, n);
	}
}

/* Split what the detector hears, where it is not the input. */
static void multicomp_split_key(const struct mixd_inst *inst, uint32_t n)
{
	struct multicomp_state *state = inst->state;
	const float *const *key = inst->in + inst->setup->in_first[1];
	uint32_t n_in = inst->setup->in_layout[1]->n_channels;
	float mean[MIXD_SLICE_MAX];
	const float *shared[] = {mean};

	if (n_in == state->n_keys) {
		multicomp_split(state, state->key_split, key, n_in, multicomp_key_row, n);
		return;
	}
	memset(mean, 0, n * sizeof(*mean));
	for (uint32_t c = 0; c < n_in; c++)
		for (uint32_t i = 0; i < n; i++)
			mean[i] += key[c][i] * (1.0f / (float)n_in);
	multicomp_split(state, state->key_split, shared, 1, multicomp_key_row, n);
}

/* Bands to power: one row per band, of the loudest channel, or one per band and channel. */
static void multicomp_power(const struct multicomp_state *state, bool keyed, bool linked,
			    uint32_t n)
{
	for (uint32_t b = 0; b < state->ways; b++) {
		const float *in[MIXD_CHANNELS_MAX];
		uint32_t n_in = keyed ? state->n_keys : state->channels;

		for (uint32_t c = 0; c < n_in; c++)
			in[c] = keyed ? multicomp_key_row(state, b, c) : multicomp_row(state, b, c);
		if (linked && !state->rms) {
			dyn_power_of_loudest(in, n_in, multicomp_work_row(state, b, 0), n);
			continue;
		}
		for (uint32_t c = 0; c < state->channels; c++)
			dyn_power(in[n_in == 1 ? 0 : c], multicomp_work_row(state, b, c), n);
	}
}

/* The rows of all bands of one channel, as lanes. */
static void multicomp_lanes(const struct multicomp_state *state, uint32_t channel, float *unused,
			    const float **ret_in, float **ret_out)
{
	for (uint32_t b = 0; b < state->width; b++) {
		bool used = b < state->ways;

		ret_out[b] = used ? multicomp_work_row(state, b, channel) : unused;
		ret_in[b] = used ? ret_out[b] : multicomp_silence;
	}
}

static void multicomp_mean(const struct multicomp_state *state, bool linked, uint32_t n)
{
	float x[MIXD_SLICE_MAX * MIXD_LANES_MAX] __attribute__((aligned(64)));
	float unused[MIXD_SLICE_MAX];

	for (uint32_t c = 0; c < state->channels; c++) {
		const float *in[MULTICOMP_WIDTH_MAX];
		float *out[MULTICOMP_WIDTH_MAX];

		multicomp_lanes(state, c, unused, in, out);
		dyn_to_lanes(in, x, state->width, n);
		dyn_mean_power(state->width, x, state->smooth[c].word, state->coef, n);
		dyn_from_lanes(x, out, state->width, n);
		for (uint32_t b = 0; linked && c > 0 && b < state->ways; b++)
			dyn_max(out[b], multicomp_work_row(state, b, 0), n);
	}
}

/* Power to wanted reduction. */
static void multicomp_reduce(const struct multicomp_state *state, bool linked, uint32_t n)
{
	float loudest[MIXD_SLICE_MAX] __attribute__((aligned(64)));

	for (uint32_t b = 0; b < state->ways; b++) {
		const struct dyn_curve *curve = &state->band[b].curve;

		if (linked) {
			dyn_level_reduce(curve, state->cell.done, multicomp_work_row(state, b, 0),
					 n);
			continue;
		}
		for (uint32_t c = 0; c < state->channels; c++) {
			float *row = multicomp_work_row(state, b, c);

			dyn_level(row, n);
			if (c == 0)
				memcpy(loudest, row, n * sizeof(*row));
			else
				dyn_max(row, loudest, n);
		}
		for (uint32_t c = 0; c < state->channels; c++) {
			float *row = multicomp_work_row(state, b, c);

			dyn_link(row, loudest, state->link, n);
			dyn_reduce(curve, state->cell.done, row, n);
		}
	}
}

/* Wanted reduction to gain. MOST: the largest reduction of each band. */
static void multicomp_gain(const struct multicomp_state *state, uint32_t channel, float *most,
			   uint32_t n)
{
	float x[MIXD_SLICE_MAX * MIXD_LANES_MAX] __attribute__((aligned(64)));
	float unused[MIXD_SLICE_MAX];
	const float *in[MULTICOMP_WIDTH_MAX];
	float *out[MULTICOMP_WIDTH_MAX];

	multicomp_lanes(state, channel, unused, in, out);
	dyn_to_lanes(in, x, state->width, n);
	dyn_smooth(state->width, x, NULL, state->hold, state->smooth[channel].word, state->coef, n);
	dyn_from_lanes(x, out, state->width, n);
	for (uint32_t b = 0; b < state->ways; b++) {
		const struct multicomp_band *band = &state->band[b];
		float row_most = dyn_gain(&band->out, state->cell.done, out[b], n);

		most[b] = row_most > most[b] ? row_most : most[b];
		if (dyn_line_rests_at(&band->level.now, 1.0f))
			continue;
		for (uint32_t i = 0; i < n; i++)
			out[b][i] *= band->level.now.at +
				     band->level.now.step * (float)(int32_t)(state->cell.done + i);
	}
}

/* A row of a band becomes what it was delay_frames ago. */
static void multicomp_delay(const struct multicomp_state *state, uint32_t band, uint32_t channel,
			    uint32_t n)
{
	float *ring = state->ring + ((size_t)band * state->channels + channel) * state->ring_frames;
	float *row = multicomp_row(state, band, channel);
	uint32_t at = state->ring_at, frames = state->ring_frames;
	uint32_t head = frames - at < n ? frames - at : n;
	uint32_t from = (at + frames - state->delay_frames) % frames;
	uint32_t part = frames - from < n ? frames - from : n;

	memcpy(ring + at, row, head * sizeof(*row));
	memcpy(ring, row + head, (n - head) * sizeof(*row));
	memcpy(row, ring + from, part * sizeof(*row));
	memcpy(row + part, ring, (n - part) * sizeof(*row));
}

MIXD_CLONES static void multicomp_sum(const float *const *band, const float *const *gain,
				      uint32_t ways, float *restrict out, uint32_t n)
{
	const float *a = band[0], *b = band[1], *ga = gain[0], *gb = gain[1];

	for (uint32_t i = 0; i < n; i++)
		out[i] = a[i] * ga[i] + b[i] * gb[i];
	for (uint32_t k = 2; k < ways; k++) {
		a = band[k];
		ga = gain[k];
		for (uint32_t i = 0; i < n; i++)
			out[i] += a[i] * ga[i];
	}
}

static void multicomp_output(const struct mixd_inst *inst, bool linked, uint32_t n)
{
	const struct multicomp_state *state = inst->state;

	for (uint32_t c = 0; c < state->channels; c++) {
		const float *band[MULTICOMP_BANDS], *gain[MULTICOMP_BANDS];

		for (uint32_t b = 0; b < state->ways; b++) {
			if (state->delay_frames)
				multicomp_delay(state, b, c, n);
			band[b] = multicomp_row(state, b, c);
			gain[b] = multicomp_work_row(state, b, linked ? 0 : c);
		}
		multicomp_sum(band, gain, state->ways, inst->out[c], n);
	}
}

static void multicomp_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct multicomp_state *state = inst->state;
	const bool keyed = inst->in_linked >> 1 & 1u, linked = state->link >= 1.0f;
	const uint32_t n = call->n_frames;
	float most[MULTICOMP_BANDS] = {0.0f};

	multicomp_split(state, state->split, inst->in, state->channels, multicomp_row, n);
	if (keyed)
		multicomp_split_key(inst, n);
	crossover_advance(&state->crossover, n);
	multicomp_power(state, keyed, linked, n);
	if (state->rms)
		multicomp_mean(state, linked, n);
	multicomp_reduce(state, linked, n);
	for (uint32_t c = 0; c < (linked ? 1 : state->channels); c++)
		multicomp_gain(state, c, most, n);
	multicomp_output(inst, linked, n);
	for (uint32_t b = 0; b < MULTICOMP_BANDS; b++)
		inst->meter[b] = -most[b] * DYN_DB_PER_LOG2;
	dyn_cell_advance(&state->cell, n);
	if (state->ring_frames)
		state->ring_at = (state->ring_at + n) % state->ring_frames;
}

static const struct mixd_node_type multicomp_type = {
	.id = "multicomp",
	.doc = "Compressor of 2..6 bands: splits that add up, solo, mute and bypass per band",
	.category = "dynamics",
	.source = "Linkwitz, JAES 24(1) 1976; D'Appolito, JAES 35(4) 1987; Giannoulis, Massberg, "
		  "Reiss, JAES 60(6) 2012",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(multicomp_ports),
	.params = MIXD_ARRAY(multicomp_params),
	.configs = MIXD_ARRAY(multicomp_configs),
	.meters = MIXD_ARRAY(multicomp_meters),
	.needs = multicomp_needs,
	.activate = multicomp_activate,
	.update = multicomp_update,
	.process = multicomp_process,
	.reset = multicomp_reset,
};

MIXD_MODULE(&multicomp_type);
