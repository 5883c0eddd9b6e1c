/* dyneq - equalizer whose bands move with the level of what they hear.
 *
 * SOURCE      Simper, 2013, for the filters (../dsp/dynbell.h); Giannoulis, Massberg, Reiss, JAES
 *             60(6) 2012 for the gain computer (../dsp/dynamics.c).
 * STRUCTURE   Each band listens to its own part of the key: peak of the loudest channel, the highest
 *             of the last period of its frequency (a tone has one level then, not one per sample),
 *             log2, gain computer, then one recursion on the move in log2. The signs of `range` and
 *             `when` make four modes: compress and expand, above and below. The gains of all bands are
 *             known before the first is applied, so it works in place. Frequency, Q and gain are
 *             interpolated frame by frame; a band that is switched or changes its type first goes to
 *             0 dB, where all types are the identity.
 *             One gain per band for all channels. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "dynbell.h"
#include "slidemin.h"

#include "dyneq_tables.h"

#include <mixd/rt.h>

#define DYNEQ_TAIL_S 25.0

struct dyneq_band {
	struct dyn_glide tangent, damping, gain, range, present, below;
	struct dyn_glide threshold, slope;
	struct dyn_curve curve, mirror; /* of level, and of -level */
	struct dyn_swing swing; /* move, log2, >= 0 */
	struct dynbell_ear ear;
	enum dynbell_type type;
	double present_part, below_part;
	double last[DYNEQ_ROWS]; /* params as last taken */
	bool moving, works;
	struct slidemin highest; /* of -power, over a period */
	float before[SLIDEMIN_CHUNK]; /* -power of the last frames */
};

struct dyneq_state {
	struct sidechain chain;
	struct dyneq_band band[DYNEQ_BANDS];
	/* --- immutable after init --- */
	uint32_t pairs, key_pairs;
	struct dynbell_state *bell; /* per band and two channels */
	struct dynbell_state *ear; /* per band and two channels of the key */
};

static uint32_t dyneq_delay(const struct mixd_setup *setup)
{
	return (uint32_t)lround(setup->config[0].number * 0.001 * setup->rate);
}

static uint32_t dyneq_period(double freq_hz, double rate)
{
	return (uint32_t)fmin(ceil(rate / freq_hz), SLIDEMIN_WINDOW_MAX);
}

static size_t dyneq_floats(double rate)
{
	return slidemin_floats(dyneq_period(DYNEQ_FREQ_MIN, rate));
}

static uint32_t dyneq_pairs(uint32_t channels)
{
	return (channels + 1) / 2;
}

static int dyneq_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		       struct mixd_fault *fault)
{
	uint32_t delay = dyneq_delay(setup), channels = setup->out_layout[0]->n_channels;
	uint32_t keys = setup->in_layout[1]->n_channels;
	uint32_t most = keys > channels ? keys : channels;

	ret_need->state_bytes = sizeof(struct dyneq_state) +
				sidechain_bytes(channels, keys, delay) +
				(size_t)DYNEQ_BANDS * (dyneq_pairs(channels) + dyneq_pairs(most)) *
					sizeof(struct dynbell_state) +
				DYNEQ_BANDS * dyneq_floats(setup->rate) * sizeof(float);
	ret_need->latency = delay;
	ret_need->tail = delay + (uint64_t)(DYNEQ_TAIL_S * setup->rate);
	return 0;
}

static int dyneq_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct dyneq_state *state = inst->state;
	const struct mixd_setup *setup = inst->setup;
	uint32_t channels = setup->out_layout[0]->n_channels,
		 keys = setup->in_layout[1]->n_channels;
	char *memory = (char *)(state + 1);

	sidechain_init(&state->chain, memory, channels, keys, dyneq_delay(setup));
	memory += sidechain_bytes(channels, keys, dyneq_delay(setup));
	state->pairs = dyneq_pairs(channels);
	state->key_pairs = dyneq_pairs(keys > channels ? keys : channels);
	state->bell = (struct dynbell_state *)memory;
	state->ear = state->bell + (size_t)DYNEQ_BANDS * state->pairs;
	memory = (char *)(state->ear + (size_t)DYNEQ_BANDS * state->key_pairs);
	for (uint32_t b = 0; b < DYNEQ_BANDS; b++)
		slidemin_init(&state->band[b].highest, dyneq_period(DYNEQ_FREQ_MIN, setup->rate),
			      (float *)memory + b * dyneq_floats(setup->rate), 0.0f);
	return 0;
}

static void dyneq_reset(struct mixd_inst *inst)
{
	struct dyneq_state *state = inst->state;

	sidechain_reset(&state->chain);
	memset(state->bell, 0, (size_t)DYNEQ_BANDS * state->pairs * sizeof(*state->bell));
	memset(state->ear, 0, (size_t)DYNEQ_BANDS * state->key_pairs * sizeof(*state->ear));
	for (uint32_t b = 0; b < DYNEQ_BANDS; b++) {
		state->band[b].swing.value = 0.0; /* update() puts it where silence would */
		state->band[b].swing.held = 0;
		slidemin_reset(&state->band[b].highest, 0.0f);
		memset(state->band[b].before, 0, sizeof(state->band[b].before));
	}
}

/* ---- level to move ----------------------------------------------------------------------------- */

/* Level, log2, to wanted move, log2 and >= 0, in place. */
static void dyneq_want(const struct dyneq_band *band, uint32_t first, float *x, uint32_t n)
{
	const struct dyn_line *below = &band->below.now;
	float mirrored[MIXD_SLICE_MAX] __attribute__((aligned(64)));

	if (!dyn_line_rests_at(below, 0.0f)) {
		for (uint32_t i = 0; i < n; i++)
			mirrored[i] = -x[i];
		dyn_reduce(&band->mirror, first, mirrored, n);
	}
	if (dyn_line_rests_at(below, 1.0f)) {
		memcpy(x, mirrored, n * sizeof(*x));
		return;
	}
	dyn_reduce(&band->curve, first, x, n);
	for (uint32_t i = 0; !dyn_line_rests_at(below, 0.0f) && i < n; i++) {
		float part = below->at + below->step * (float)(int32_t)(first + i);

		x[i] = (1.0f - part) * x[i] + part * mirrored[i];
	}
}

/* ---- update ------------------------------------------------------------------------------------ */

static bool dyneq_update_curve(struct dyneq_band *band, const struct dyn_cell *cell,
			       const double *to, const struct mixd_update *update)
{
	double most = fabs(to[DYNEQ_RANGE]) / DYN_DB_PER_LOG2;
	bool moving;

	moving =
		dyn_glide_to(&band->threshold, cell, to[DYNEQ_THRESHOLD] / DYN_DB_PER_LOG2, update);
	moving |= dyn_glide_to(&band->slope, cell, dyn_slope(to[DYNEQ_RATIO], DYNEQ_RATIO_MAX),
			       update);
	band->curve = (struct dyn_curve){
		.threshold = band->threshold.now,
		.slope = band->slope.now,
		.range = {(float)most, 0.0f},
	};
	band->mirror = band->curve;
	band->mirror.threshold.at = -band->mirror.threshold.at;
	band->mirror.threshold.step = -band->mirror.threshold.step;
	return moving;
}

static void dyneq_update_band(struct dyneq_band *band, const struct dyn_cell *cell,
			      const double *to, const struct mixd_update *update, double rate)
{
	const double freq_hz = fmin(to[DYNEQ_FREQ], 0.49 * rate);
	enum dynbell_type type = (enum dynbell_type)to[DYNEQ_TYPE];
	double tangent = tan(M_PI * freq_hz / rate), damping = 1.0 / to[DYNEQ_Q];
	bool wanted = to[DYNEQ_ON] != 0.0, moving;

	if (update->jump || band->present_part == 0.0)
		band->type = type;
	band->present_part =
		glide_switch(band->present_part, wanted && band->type == type, update, rate);
	band->below_part = glide_switch(band->below_part, to[DYNEQ_WHEN] != 0.0, update, rate);
	moving = dyneq_update_curve(band, cell, to, update);
	moving |= dyn_glide_to(&band->tangent, cell, tangent, update);
	moving |= dyn_glide_to(&band->damping, cell, damping, update);
	moving |= dyn_glide_to(&band->gain, cell, to[DYNEQ_GAIN] / DYN_DB_PER_LOG2, update);
	moving |= dyn_glide_to(&band->range, cell, to[DYNEQ_RANGE] / DYN_DB_PER_LOG2, update);
	moving |= dyn_glide_to(&band->present, cell, glide_smooth(band->present_part), update);
	moving |= dyn_glide_to(&band->below, cell, glide_smooth(band->below_part), update);
	band->moving = moving || (wanted && band->type != type);
	band->works = !dyn_line_rests_at(&band->present.now, 0.0f);
	dynbell_ear_set(&band->ear, band->type, tangent, damping);
	band->swing.up = 1.0 - dyn_keep(to[DYNEQ_ATTACK] * 0.001, rate);
	band->swing.down = 1.0 - dyn_keep(to[DYNEQ_RELEASE] * 0.001, rate);
	slidemin_set_window(&band->highest, dyneq_period(freq_hz, rate));
	if (update->jump) {
		float silence = 0.0f;

		dyn_level(&silence, 1);
		dyneq_want(band, 0, &silence, 1);
		band->swing.value = (double)silence;
	}
	memcpy(band->last, to, sizeof(band->last));
}

/* A band that does not work forgets, so that it starts alike whenever it is switched on. */
static void dyneq_forget(struct dyneq_state *state, uint32_t idx)
{
	struct dyneq_band *band = &state->band[idx];
	float silence = 0.0f;

	memset(state->bell + (size_t)idx * state->pairs, 0, state->pairs * sizeof(*state->bell));
	memset(state->ear + (size_t)idx * state->key_pairs, 0,
	       state->key_pairs * sizeof(*state->ear));
	dyn_level(&silence, 1);
	dyneq_want(band, 0, &silence, 1);
	band->swing.value = (double)silence;
	band->swing.held = 0;
	slidemin_reset(&band->highest, 0.0f);
	memset(band->before, 0, sizeof(band->before));
}

static bool dyneq_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct dyneq_state *state = inst->state;
	const double *to = update->to;
	bool moving = false;

	for (uint32_t b = 0; b < DYNEQ_BANDS; b++, to += DYNEQ_ROWS) {
		struct dyneq_band *band = &state->band[b];

		if (update->jump || band->moving ||
		    memcmp(band->last, to, sizeof(band->last)) != 0) {
			dyneq_update_band(band, &state->chain.cell, to, update, inst->setup->rate);
			if (!band->works)
				dyneq_forget(state, b);
		}
		moving = moving || band->moving;
	}
	moving |= sidechain_update(&state->chain, false, update, inst->setup->rate);
	return moving;
}

/* ---- process ----------------------------------------------------------------------------------- */

/* Power to the highest of the last period, in place. */
static void dyneq_peaks(struct dyneq_band *band, float *x, uint32_t n)
{
	float window[SLIDEMIN_CHUNK + MIXD_SLICE_MAX] __attribute__((aligned(64)));

	memcpy(window, band->before, sizeof(band->before));
	for (uint32_t i = 0; i < n; i++)
		window[SLIDEMIN_CHUNK + i] = -x[i];
	memcpy(band->before, window + n, sizeof(band->before));
	slidemin_run(&band->highest, window + SLIDEMIN_CHUNK, x, n);
	for (uint32_t i = 0; i < n; i++)
		x[i] = -x[i];
}

/* Power of the loudest channel in the band's part of the key. */
static void dyneq_hear(struct dyneq_state *state, uint32_t idx, float *power, uint32_t n)
{
	static const float silence[MIXD_SLICE_MAX];
	const struct sidechain *chain = &state->chain;
	float heard[2][MIXD_SLICE_MAX] __attribute__((aligned(64)));
	float pair[MIXD_SLICE_MAX] __attribute__((aligned(64)));

	for (uint32_t c = 0; c < chain->heard; c += 2) {
		const float *in[2] = {chain->row[c],
				      c + 1 < chain->heard ? chain->row[c + 1] : silence};

		dynbell_listen(&state->band[idx].ear,
			       &state->ear[(size_t)idx * state->key_pairs + c / 2], in,
			       (float *[]){heard[0], heard[1]}, n);
		dyn_power_of_loudest((const float *[]){heard[0], heard[1]}, 2, c ? pair : power, n);
		if (c)
			dyn_max(pair, power, n);
	}
}

/* Move to gain, log2, in place. Returns the lowest move, and the newest. */
MIXD_CLONES static float dyneq_gain(const struct dyneq_band *band, uint32_t first, float *x,
				    uint32_t n, float *ret_move)
{
	const struct dyn_line range = band->range.now, gain = band->gain.now;
	const struct dyn_line present = band->present.now;
	float lowest = 0.0f, move = 0.0f;

	for (uint32_t i = 0; i < n; i++) {
		float frame = (float)(int32_t)(first + i), limit = range.at + range.step * frame;
		float up = x[i] < limit ? x[i] : limit, down = -x[i] > limit ? -x[i] : limit;

		move = limit >= 0.0f ? up : down;
		lowest = move < lowest ? move : lowest;
		x[i] = (gain.at + gain.step * frame + move) * (present.at + present.step * frame);
	}
	*ret_move = move;
	return lowest;
}

static void dyneq_apply(struct dyneq_state *state, const struct mixd_inst *inst, uint32_t idx,
			const float *gain, uint32_t n)
{
	const struct dyneq_band *band = &state->band[idx];
	const uint32_t channels = state->chain.channels;
	struct dynbell_rows rows;

	dynbell_coefs(band->type, &band->tangent.now, &band->damping.now, state->chain.cell.done,
		      gain, &rows, n);
	for (uint32_t c = 0; c < channels; c += 2) {
		float unused[MIXD_SLICE_MAX];
		float *io[2] = {inst->out[c], c + 1 < channels ? inst->out[c + 1] : unused};

		if (c + 1 == channels)
			memset(unused, 0, sizeof(unused));
		dynbell_run(&rows, &state->bell[(size_t)idx * state->pairs + c / 2],
			    (const float *[]){io[0], io[1]}, io, n);
	}
}

static void dyneq_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct dyneq_state *state = inst->state;
	struct sidechain *chain = &state->chain;
	float gain[DYNEQ_BANDS][MIXD_SLICE_MAX] __attribute__((aligned(64)));
	const uint32_t n = call->n_frames;
	float lowest = 0.0f;

	sidechain_hear(chain, inst, inst->in_linked >> 1 & 1u, n);
	for (uint32_t b = 0; b < DYNEQ_BANDS; b++) {
		struct dyneq_band *band = &state->band[b];
		float move = 0.0f, low;

		if (band->works) {
			dyneq_hear(state, b, gain[b], n);
			dyneq_peaks(band, gain[b], n);
			dyn_level(gain[b], n);
			dyneq_want(band, chain->cell.done, gain[b], n);
			dyn_swing(&band->swing, gain[b], n);
			low = dyneq_gain(band, chain->cell.done, gain[b], n, &move);
			lowest = low < lowest ? low : lowest;
		}
		inst->meter[DYNEQ_METER_MOVE + b] = (double)move * DYN_DB_PER_LOG2;
	}
	for (uint32_t c = 0; c < chain->channels; c++)
		sidechain_delayed(chain, c, inst->in[c], inst->out[c], n);
	for (uint32_t b = 0; b < DYNEQ_BANDS; b++)
		if (state->band[b].works)
			dyneq_apply(state, inst, b, gain[b], n);
	sidechain_advance(chain, n);
	inst->meter[DYNEQ_METER_GR] = (double)lowest * DYN_DB_PER_LOG2;
}

/* The curve in force: what is set, and how far it is moved. */
static void dyneq_response(const struct mixd_response *query, double *ret_db)
{
	for (uint32_t i = 0; i < query->n; i++) {
		double at = svf_tangent(query->freq_hz[i], query->rate), sum = 0.0;

		for (uint32_t b = 0; b < DYNEQ_BANDS; b++) {
			const double *row = query->params + (size_t)b * DYNEQ_ROWS;
			double freq_hz = fmin(row[DYNEQ_FREQ], 0.49 * query->rate);
			double move_db = query->meter ? query->meter[DYNEQ_METER_MOVE + b] : 0.0;

			if (row[DYNEQ_ON] != 0.0)
				sum += dynbell_response_db((enum dynbell_type)row[DYNEQ_TYPE],
							   tan(M_PI * freq_hz / query->rate),
							   1.0 / row[DYNEQ_Q],
							   row[DYNEQ_GAIN] + move_db, at);
		}
		ret_db[i] = sum;
	}
}

static const struct mixd_node_type dyneq_type = {
	.id = "dyneq",
	.doc = "Dynamic equalizer: bands that move with what they hear, up or down",
	.category = "eq",
	.source = "Simper, 2013; Giannoulis, Massberg, Reiss, JAES 60(6) 2012",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(dyneq_ports),
	.params = MIXD_ARRAY(dyneq_params),
	.configs = MIXD_ARRAY(dyneq_configs),
	.meters = MIXD_ARRAY(dyneq_meters),
	.needs = dyneq_needs,
	.activate = dyneq_activate,
	.update = dyneq_update,
	.process = dyneq_process,
	.reset = dyneq_reset,
	.response = dyneq_response,
};

MIXD_MODULE(&dyneq_type);
