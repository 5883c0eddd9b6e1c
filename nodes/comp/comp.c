/* comp - compressor.
 *
 * Source: D. Giannoulis, M. Massberg, J. D. Reiss, "Digital Dynamic Range Compressor Design", JAES
 * 60(6) 2012 (../dsp/dynamics.c); the same, JAES 61(10) 2013, for the automatic release.
 *
 * Structure: what has no memory runs planar along time, per channel or, fully linked, once per
 * instance; the smoothing runs over the lanes of the bank. Per lane and so moved with the bank:
 * smoothing, hold, RMS, crest factor, key filters. Per instance: the look-ahead delay, and the work
 * rows, which carry nothing from one call to the next.
 *
 * A bank of eight lanes of which no more is asked than that (no key, hold, RMS, look-ahead; nothing
 * moves) goes through ../dsp/dynlanes.c instead, to the same bits. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "dynlanes.h"
#include "eq_design.h"

#include "comp_state.h"
#include "comp_tables.h"

#include <mixd/rt.h>

#define COMP_CREST_S 0.2

static void comp_clear_words(struct mixd_inst *inst, uint32_t first, uint32_t end)
{
	const struct comp_state *state = inst->state;

	for (uint32_t c = 0; c < state->channels; c++) {
		double *lane = lanes_at(inst, inst->lane_state, COMP_STATE_WORDS, c);

		for (uint32_t k = first; k < end; k++)
			lane[(size_t)k * inst->lane_width] = 0.0;
	}
}

static void comp_reset(struct mixd_inst *inst)
{
	struct comp_state *state = inst->state;

	comp_clear_words(inst, 0, COMP_STATE_WORDS);
	memset(state->ring, 0, (size_t)state->channels * state->ring_frames * sizeof(float));
	state->ring_at = 0;
}

/* ---- update ------------------------------------------------------------------------------------ */

static bool comp_update_curve(struct comp_state *state, const struct mixd_update *update,
			      double rate)
{
	const double *to = update->to;
	double threshold = to[COMP_THRESHOLD] / DYN_DB_PER_LOG2,
	       knee = to[COMP_KNEE] / DYN_DB_PER_LOG2;
	double slope = dyn_slope(to[COMP_RATIO], COMP_RATIO_MAX);
	double makeup = to[COMP_MAKEUP] / DYN_DB_PER_LOG2;
	bool moving;

	state->auto_part =
		glide_switch(state->auto_part, to[COMP_AUTO_MAKEUP] != 0.0, update, rate);
	moving = state->auto_part > 0.0 && state->auto_part < 1.0;
	makeup -= glide_smooth(state->auto_part) * 0.5 * threshold * slope;
	moving |= dyn_glide_to(&state->line[COMP_LINE_THRESHOLD], &state->cell, threshold, update);
	moving |= dyn_glide_to(&state->line[COMP_LINE_SLOPE], &state->cell, slope, update);
	moving |= dyn_glide_to(&state->line[COMP_LINE_RANGE], &state->cell,
			       to[COMP_RANGE] / DYN_DB_PER_LOG2, update);
	moving |= dyn_glide_to(&state->line[COMP_LINE_MAKEUP], &state->cell, makeup, update);
	moving |= dyn_glide_to(&state->line[COMP_LINE_MIX], &state->cell, to[COMP_MIX] * 0.01,
			       update);
	state->curve = (struct dyn_curve){
		.threshold = state->line[COMP_LINE_THRESHOLD].now,
		.slope = state->line[COMP_LINE_SLOPE].now,
		.range = state->line[COMP_LINE_RANGE].now,
		.knee = (float)knee,
		.knee_scale = knee > 0.0 ? (float)(0.5 / knee) : 0.0f,
	};
	state->out = (struct dyn_out){
		.makeup = state->line[COMP_LINE_MAKEUP].now,
		.mix = state->line[COMP_LINE_MIX].now,
		.dry = !dyn_line_rests_at(&state->line[COMP_LINE_MIX].now, 1.0f),
	};
	return moving;
}

/* Both key filters, as the coefficients of one lane; all zero is off. */
static void comp_key_coefs(const double *value, double rate, double words[],
			   bool on[COMP_KEY_SECTIONS])
{
	const struct eq_band band[COMP_KEY_SECTIONS] = {
		{EQ_TYPE_HIGHPASS, EQ_SLOPE_12, value[COMP_KEY_HPF], 0.0, M_SQRT1_2},
		{EQ_TYPE_LOWPASS, EQ_SLOPE_12, value[COMP_KEY_LPF], 0.0, M_SQRT1_2},
	};

	on[0] = band[0].freq_hz > COMP_KEY_HPF_OFF_HZ;
	on[1] = band[1].freq_hz < COMP_KEY_LPF_OFF_HZ;
	for (uint32_t k = 0; k < COMP_KEY_SECTIONS; k++) {
		struct svf_section section[EQ_BAND_SECTIONS];

		if (!on[k])
			continue;
		eq_design(&band[k], rate, section);
		struct svf_coef coef = svf_coef_of(&section[0]);

		memcpy(words + EQ_BANK_GAIN_WORDS + k * EQ_BANK_SECTION_WORDS, &coef, sizeof(coef));
	}
}

static void comp_update_lanes(struct mixd_inst *inst, const double *to)
{
	struct comp_state *state = inst->state;
	const double rate = inst->setup->rate;
	double words[COMP_COEF_WORDS] = {0.0};
	bool on[COMP_KEY_SECTIONS];

	words[DYN_COEF_ATTACK] = dyn_keep(to[COMP_ATTACK] * 0.001, rate);
	words[DYN_COEF_RELEASE] = dyn_keep(to[COMP_RELEASE] * 0.001, rate);
	words[DYN_COEF_HOLD_FRAMES] = round(to[COMP_HOLD] * 0.001 * rate);
	words[DYN_COEF_AUTO] = to[COMP_AUTO_RELEASE];
	words[DYN_COEF_POWER] = to[COMP_DETECTOR] ? dyn_keep(to[COMP_RMS_TIME] * 0.001, rate) : 0.0;
	words[DYN_COEF_CREST] = dyn_keep(COMP_CREST_S, rate);
	words[DYN_COEF_LOWER] = state->curve.threshold.at - 0.5f * state->curve.knee;
	words[DYN_COEF_KNEE] = state->curve.knee;
	words[DYN_COEF_KNEE_SCALE] = state->curve.knee_scale;
	words[DYN_COEF_SLOPE] = state->curve.slope.at;
	words[DYN_COEF_RANGE] = state->curve.range.at;
	words[DYN_COEF_MAKEUP] = state->out.makeup.at;
	comp_key_coefs(to, rate, words + DYN_COEF_COUNT_, on);
	for (uint32_t c = 0; c < state->channels; c++) {
		double *lane = lanes_at(inst, inst->lane_coef, COMP_COEF_WORDS, c);

		for (uint32_t k = 0; k < COMP_COEF_WORDS; k++)
			lane[(size_t)k * inst->lane_width] = words[k];
	}
	/* What is switched off forgets, so that it starts alike whoever shares the bank. */
	if (state->hold && to[COMP_HOLD] == 0.0)
		comp_clear_words(inst, DYN_STATE_HELD, DYN_STATE_HELD + 1);
	if (state->rms != (to[COMP_DETECTOR] != 0.0))
		comp_clear_words(inst, DYN_STATE_POWER, DYN_STATE_POWER + 1);
	if (state->auto_release != (to[COMP_AUTO_RELEASE] != 0.0))
		comp_clear_words(inst, DYN_STATE_PEAK, DYN_STATE_MEAN + 1);
	for (uint32_t k = 0; k < COMP_KEY_SECTIONS; k++)
		if (!on[k])
			comp_clear_words(inst, DYN_STATE_COUNT_ + k * SVF_STATES,
					 DYN_STATE_COUNT_ + (k + 1) * SVF_STATES);
	state->key_filter = on[0] || on[1];
	state->hold = to[COMP_HOLD] > 0.0;
	state->rms = to[COMP_DETECTOR] != 0.0;
	state->auto_release = to[COMP_AUTO_RELEASE] != 0.0;
	/* 1 / tau = C^2 / (2 release): the release as set where C^2 is 2, as for a sine. */
	state->crest_rate = (float)(0.5 / (to[COMP_RELEASE] * 0.001 * rate * M_LN2));
}

static bool comp_listens(const struct comp_state *state)
{
	return !dyn_line_rests_at(&state->line[COMP_LINE_LISTEN].now, 0.0f);
}

static bool comp_linked(const struct comp_state *state)
{
	return state->link >= 1.0f;
}

/* Nothing asked for but what dynlanes.h does, while nothing moves. */
static bool comp_is_plain(const struct comp_state *state)
{
	return !state->key_filter && !state->hold && !state->rms && !state->auto_release &&
	       !state->delay_frames && !state->out.dry && !comp_listens(state) &&
	       (state->channels == 1 || (state->channels == 2 && comp_linked(state)));
}

static bool comp_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct comp_state *state = inst->state;
	const double rate = inst->setup->rate;
	bool moving = comp_update_curve(state, update, rate);

	state->listen_part =
		glide_switch(state->listen_part, update->to[COMP_KEY_LISTEN] != 0.0, update, rate);
	moving |= dyn_glide_to(&state->line[COMP_LINE_LISTEN], &state->cell,
			       glide_smooth(state->listen_part), update);
	state->link = (float)(update->to[COMP_LINK] * 0.01);
	comp_update_lanes(inst, update->to);
	state->plain = !moving && comp_is_plain(state);
	dyn_cell_begin(&state->cell, update);
	return moving;
}

/* ---- process ----------------------------------------------------------------------------------- */

/* Rows of all lanes of the bank. */
struct comp_work {
	const struct mixd_call *call;
	uint32_t n, n_lanes, channels;
	bool keyed;
	const float *key[COMP_LANES]; /* what the detector hears */
	const float *load[COMP_LANES]; /* what each lane smooths: its own row, or its instance's */
	float *store[COMP_LANES];
	float *unused; /* written, never read */
	float (*local)[MIXD_SLICE_MAX]; /* rows of up to MIXD_LANES_MAX lanes, close together */
};

static const float comp_silence[MIXD_SLICE_MAX];

static float *comp_row(const struct comp_state *state, uint32_t channel, uint32_t row)
{
	return state->rows + ((size_t)channel * COMP_ROW_COUNT + row) * MIXD_SLICE_MAX;
}

/* The mean of the key's channels, where their number does not fit. */
static const float *comp_downmix(const struct comp_state *state, const float *const *key,
				 uint32_t n_keys, uint32_t n)
{
	float *row = comp_row(state, 0, COMP_ROW_DOWNMIX);
	float scale = 1.0f / (float)n_keys;

	memset(row, 0, n * sizeof(*row));
	for (uint32_t k = 0; k < n_keys; k++)
		for (uint32_t i = 0; i < n; i++)
			row[i] += key[k][i] * scale;
	return row;
}

static void comp_find_keys(struct comp_work *work, uint32_t idx)
{
	const struct mixd_inst *inst = work->call->inst[idx];
	const struct mixd_setup *setup = inst->setup;
	const float *const *key = inst->in + setup->in_first[work->keyed ? 1 : 0];
	uint32_t n_keys = setup->in_layout[work->keyed ? 1 : 0]->n_channels;
	const float *shared = n_keys == work->channels ? NULL
			      : n_keys == 1	       ? key[0]
					    : comp_downmix(inst->state, key, n_keys, work->n);

	for (uint32_t c = 0; c < work->channels; c++)
		work->key[idx * work->channels + c] = shared ? shared : key[c];
}

/* Filter the keys into rows of their own. */
static void comp_filter_keys(struct comp_work *work)
{
	const struct mixd_bank *bank = work->call->bank;
	const uint32_t width = bank->width;
	float *out[COMP_LANES];

	for (uint32_t lane = 0; lane < bank->n_blocks * width; lane++)
		out[lane] = lane < work->n_lanes
				    ? comp_row(work->call->inst[lane / work->channels]->state,
					       lane % work->channels, COMP_ROW_KEY)
				    : work->unused;
	for (uint32_t b = 0; b < bank->n_blocks; b++) {
		struct eq_bank_job job = {
			.in = work->key + b * width,
			.out = out + b * width,
			.state = lanes_block(bank, bank->state, COMP_STATE_WORDS, b) +
				 DYN_STATE_COUNT_ * width,
			.coef = lanes_block(bank, bank->coef, COMP_COEF_WORDS, b) +
				DYN_COEF_COUNT_ * width,
			.max_sections = COMP_KEY_SECTIONS,
			.n_plain = COMP_KEY_SECTIONS,
		};

		eq_bank_run(width, &job, work->n);
	}
	for (uint32_t lane = 0; lane < work->n_lanes; lane++)
		work->key[lane] = out[lane];
}

static void comp_mean_power(struct comp_work *work)
{
	const struct mixd_bank *bank = work->call->bank;
	const uint32_t width = bank->width;
	float x[MIXD_SLICE_MAX * MIXD_LANES_MAX] __attribute__((aligned(64)));

	for (uint32_t b = 0; b < bank->n_blocks; b++) {
		dyn_to_lanes(work->load + b * width, x, width, work->n);
		dyn_mean_power(width, x, lanes_block(bank, bank->state, COMP_STATE_WORDS, b),
			       lanes_block(bank, bank->coef, COMP_COEF_WORDS, b), work->n);
		dyn_from_lanes(x, work->store + b * width, width, work->n);
	}
}

/* From here on the first channel's row stands for all. */
static void comp_share_row(struct comp_work *work, uint32_t first)
{
	for (uint32_t c = 1; c < work->channels; c++) {
		work->load[first + c] = work->load[first];
		work->store[first + c] = work->unused;
	}
}

/* Keys to power: one row per channel, or at once the row of the loudest. */
static void comp_power(struct comp_work *work, uint32_t idx, bool loudest)
{
	const struct comp_state *state = work->call->inst[idx]->state;
	uint32_t first = idx * work->channels;

	for (uint32_t c = 0; c < work->channels; c++) {
		float *row = work->n_lanes <= MIXD_LANES_MAX ? work->local[first + c]
							     : comp_row(state, c, COMP_ROW_WORK);

		if (!loudest)
			dyn_power(work->key[first + c], row, work->n);
		work->load[first + c] = work->store[first + c] = row;
	}
	if (!loudest)
		return;
	dyn_power_of_loudest(work->key + first, work->channels, work->store[first], work->n);
	comp_share_row(work, first);
}

/* Mean powers are linked after the mean. */
static void comp_link_rows(struct comp_work *work, uint32_t idx)
{
	uint32_t first = idx * work->channels;

	if (!comp_linked(work->call->inst[idx]->state))
		return;
	for (uint32_t c = 1; c < work->channels; c++)
		dyn_max(work->load[first + c], work->store[first], work->n);
	comp_share_row(work, first);
}

/* Keys to power, per lane or, fully linked, per instance. */
static void comp_detect(struct comp_work *work)
{
	const uint32_t n_all = work->call->bank->n_blocks * work->call->bank->width;
	bool filter = false, rms = false;

	for (uint32_t i = 0; i < work->call->n_inst; i++) {
		const struct comp_state *state = work->call->inst[i]->state;

		comp_find_keys(work, i);
		filter = filter || state->key_filter;
		rms = rms || state->rms;
	}
	for (uint32_t lane = work->n_lanes; lane < n_all; lane++) {
		work->key[lane] = work->load[lane] = comp_silence;
		work->store[lane] = work->unused;
	}
	if (filter)
		comp_filter_keys(work);
	for (uint32_t i = 0; i < work->call->n_inst; i++)
		comp_power(work, i, !rms && comp_linked(work->call->inst[i]->state));
	if (!rms)
		return;
	comp_mean_power(work);
	for (uint32_t i = 0; i < work->call->n_inst; i++)
		comp_link_rows(work, i);
}

/* Power to wanted reduction, in the rows. */
static void comp_reduce(struct comp_work *work, uint32_t idx)
{
	const struct comp_state *state = work->call->inst[idx]->state;
	uint32_t first = idx * work->channels, n = work->n;
	uint32_t rows = comp_linked(state) ? 1 : work->channels;
	float *loudest = comp_row(state, 0, COMP_ROW_MEAN);

	if (rows == 1 || state->link <= 0.0f) {
		for (uint32_t c = 0; c < rows; c++)
			dyn_level_reduce(&state->curve, state->cell.done, work->store[first + c],
					 n);
		return;
	}
	for (uint32_t c = 0; c < rows; c++)
		dyn_level(work->store[first + c], n);
	memcpy(loudest, work->load[first], n * sizeof(*loudest));
	for (uint32_t c = 1; c < rows; c++)
		dyn_max(work->load[first + c], loudest, n);
	for (uint32_t c = 0; c < rows; c++) {
		dyn_link(work->store[first + c], loudest, state->link, n);
		dyn_reduce(&state->curve, state->cell.done, work->store[first + c], n);
	}
}

/* The release of each frame, from the crest factor, into the peak rows. */
static void comp_auto_release(struct comp_work *work, uint32_t block)
{
	const struct mixd_bank *bank = work->call->bank;
	const uint32_t width = bank->width, n = work->n;
	float x[MIXD_SLICE_MAX * MIXD_LANES_MAX] __attribute__((aligned(64)));
	float peak[MIXD_SLICE_MAX * MIXD_LANES_MAX] __attribute__((aligned(64)));
	float *peak_row[MIXD_LANES_MAX], *mean_row[MIXD_LANES_MAX];

	for (uint32_t k = 0; k < width; k++) {
		uint32_t lane = block * width + k;
		bool used = lane < work->n_lanes;
		const struct comp_state *state =
			used ? work->call->inst[lane / work->channels]->state : NULL;

		peak_row[k] =
			used ? comp_row(state, lane % work->channels, COMP_ROW_PEAK) : work->unused;
		mean_row[k] =
			used ? comp_row(state, lane % work->channels, COMP_ROW_MEAN) : work->unused;
	}
	dyn_to_lanes(work->load + block * width, x, width, n);
	dyn_crest(width, x, peak, x, lanes_block(bank, bank->state, COMP_STATE_WORDS, block),
		  lanes_block(bank, bank->coef, COMP_COEF_WORDS, block), n);
	dyn_from_lanes(peak, peak_row, width, n);
	dyn_from_lanes(x, mean_row, width, n);
	for (uint32_t k = 0; k < width && block * width + k < work->n_lanes; k++) {
		const struct comp_state *state =
			work->call->inst[(block * width + k) / work->channels]->state;

		dyn_crest_release(peak_row[k], mean_row[k], state->crest_rate, peak_row[k], n);
	}
}

/* Wanted reduction to smoothed reduction. */
static void comp_smooth(struct comp_work *work, bool hold, bool auto_release)
{
	const struct mixd_bank *bank = work->call->bank;
	const uint32_t width = bank->width, n = work->n;
	float x[MIXD_SLICE_MAX * MIXD_LANES_MAX] __attribute__((aligned(64)));
	float release[MIXD_SLICE_MAX * MIXD_LANES_MAX] __attribute__((aligned(64)));

	for (uint32_t b = 0; b < bank->n_blocks; b++) {
		if (auto_release) {
			const float *row[MIXD_LANES_MAX];

			for (uint32_t k = 0; k < width; k++) {
				uint32_t lane = b * width + k;

				row[k] = lane < work->n_lanes
						 ? comp_row(work->call->inst[lane / work->channels]
								    ->state,
							    lane % work->channels, COMP_ROW_PEAK)
						 : comp_silence;
			}
			dyn_to_lanes(row, release, width, n);
		}
		dyn_to_lanes(work->load + b * width, x, width, n);
		dyn_smooth(width, x, auto_release ? release : NULL, hold,
			   lanes_block(bank, bank->state, COMP_STATE_WORDS, b),
			   lanes_block(bank, bank->coef, COMP_COEF_WORDS, b), n);
		dyn_from_lanes(x, work->store + b * width, width, n);
	}
}

/* One channel through its delay and its gain. */
static void comp_apply(const struct comp_state *state, uint32_t channel, const float *in,
		       const float *gain, float *out, uint32_t n)
{
	float *ring = state->ring + (size_t)channel * state->ring_frames;
	uint32_t at = state->ring_at, frames = state->ring_frames;
	uint32_t head = frames - at < n ? frames - at : n;
	uint32_t from = (at + frames - state->delay_frames) % frames;
	uint32_t part = frames - from < n ? frames - from : n;

	memcpy(ring + at, in, head * sizeof(*in));
	memcpy(ring, in + head, (n - head) * sizeof(*in));
	dyn_apply(ring + from, gain, out, part);
	dyn_apply(ring, gain + part, out + part, n - part);
}

static void comp_listen(const struct comp_state *state, const float *key, float *out, uint32_t n)
{
	const struct dyn_line *line = &state->line[COMP_LINE_LISTEN].now;

	for (uint32_t i = 0; i < n; i++) {
		float part = line->at + line->step * (float)(int32_t)(state->cell.done + i);

		out[i] = (1.0f - part) * out[i] + part * key[i];
	}
}

static void comp_output(struct comp_work *work, uint32_t idx)
{
	struct mixd_inst *inst = work->call->inst[idx];
	struct comp_state *state = inst->state;
	uint32_t first = idx * work->channels, n = work->n;
	uint32_t rows = comp_linked(state) ? 1 : work->channels;
	bool listens = comp_listens(state);
	float most = 0.0f;

	for (uint32_t c = 0; c < rows; c++) {
		float row_most = dyn_gain(&state->out, state->cell.done, work->store[first + c], n);

		most = row_most > most ? row_most : most;
	}
	/* In place the output overwrites what the key may still be read from. */
	for (uint32_t c = 0; listens && c < work->channels; c++) {
		float *row = comp_row(state, c, COMP_ROW_KEY);

		if (work->key[first + c] != row)
			memcpy(row, work->key[first + c], n * sizeof(*row));
	}
	for (uint32_t c = 0; c < work->channels; c++) {
		if (state->delay_frames)
			comp_apply(state, c, inst->in[c], work->load[first + c], inst->out[c], n);
		else
			dyn_apply(inst->in[c], work->load[first + c], inst->out[c], n);
		if (listens)
			comp_listen(state, comp_row(state, c, COMP_ROW_KEY), inst->out[c], n);
	}
	inst->meter[0] = -most * DYN_DB_PER_LOG2;
	dyn_cell_advance(&state->cell, n);
	if (state->ring_frames)
		state->ring_at = (state->ring_at + n) % state->ring_frames;
}

/* All instances in one pass, where all are plain. */
static bool comp_process_plain(const struct mixd_call *call)
{
	const struct mixd_bank *bank = call->bank;
	const struct dynlanes_job job = {
		.in = bank->in,
		.out = bank->out,
		.state = bank->state,
		.coef = bank->coef,
		.paired = bank->channels == 2,
	};
	float most[DYNLANES_WIDTH];

	if (bank->n_blocks != 1 || !dynlanes_pays(bank->width) ||
	    (call->inst[0]->in_linked >> 1 & 1u))
		return false;
	for (uint32_t i = 0; i < call->n_inst; i++)
		if (!((const struct comp_state *)call->inst[i]->state)->plain)
			return false;
	dynlanes_run(&job, most, call->n_frames);
	for (uint32_t i = 0; i < call->n_inst; i++) {
		struct comp_state *state = call->inst[i]->state;

		call->inst[i]->meter[0] = -most[i * bank->channels] * DYN_DB_PER_LOG2;
		dyn_cell_advance(&state->cell, call->n_frames);
	}
	return true;
}

static void comp_process_rows(const struct mixd_call *call)
{
	float unused[MIXD_SLICE_MAX] __attribute__((aligned(64)));
	float local[MIXD_LANES_MAX][MIXD_SLICE_MAX] __attribute__((aligned(64)));
	struct comp_work work;
	bool hold = false, auto_release = false;

	work.call = call;
	work.n = call->n_frames;
	work.channels = call->bank->channels;
	work.n_lanes = call->n_inst * work.channels;
	work.keyed = call->inst[0]->in_linked >> 1 & 1u;
	work.unused = unused;
	work.local = local;
	comp_detect(&work);
	for (uint32_t i = 0; i < call->n_inst; i++) {
		const struct comp_state *state = call->inst[i]->state;

		hold = hold || state->hold;
		auto_release = auto_release || state->auto_release;
	}
	for (uint32_t b = 0; auto_release && b < call->bank->n_blocks; b++)
		comp_auto_release(&work, b);
	for (uint32_t i = 0; i < call->n_inst; i++)
		comp_reduce(&work, i);
	comp_smooth(&work, hold, auto_release);
	for (uint32_t i = 0; i < call->n_inst; i++)
		comp_output(&work, i);
}

static void comp_process(const struct mixd_call *call)
{
	if (!comp_process_plain(call))
		comp_process_rows(call);
}

static const struct mixd_node_type comp_type = {
	.id = "comp",
	.doc = "Compressor: soft knee, peak or RMS, key input, look-ahead, linked channels",
	.category = "dynamics",
	.source = "Giannoulis, Massberg, Reiss, JAES 60(6) 2012 and 61(10) 2013",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(comp_ports),
	.params = MIXD_ARRAY(comp_params),
	.configs = MIXD_ARRAY(comp_configs),
	.meters = MIXD_ARRAY(comp_meters),
	.needs = comp_needs,
	.activate = comp_activate,
	.update = comp_update,
	.process = comp_process,
	.reset = comp_reset,
};

MIXD_MODULE(&comp_type);
