/* dehum.c - takes away mains hum and its harmonics, exactly where they are.
 *
 * SOURCE      Frequency: maximum of the harmonic sum near 50 or 60 Hz (../dsp/humtrack.c). Mode
 *             notch: one matched notch per harmonic (M. Vicanek, 2016). Mode subtract: B. Widrow et
 *             al., "Adaptive noise cancelling: principles and applications", Proc. IEEE 63(12), 1975,
 *             with one complex weight per harmonic; errors far above the hum are held, so that
 *             programme does not shake the weights and nothing rings on after a transient.
 * STRUCTURE   The tracker hears the channels of an instance in a mix that no polarity cancels. Notches
 *             run over the lanes of a bank (../dsp/eq_bank.h) and are set anew at the start of a
 *             slice when the frequency has moved; that is in process(), which so needs no cells.
 *             Harmonic h is h^0.7 times as wide as the fundamental, because h times the error of
 *             the frequency is its own. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "dehum_state.h"

#include <mixd/rt.h>

#define DEHUM_SLEW 0.0004 /* of the frequency, per frame at 48 kHz: the most it moves in Hz */
#define DEHUM_AMOUNT_ALL 60

static const char *const dehum_bases[] = {"auto", "50", "60", NULL};
static const char *const dehum_modes[] = {"notch", "subtract", NULL};

static const struct mixd_port_row dehum_ports[] = {
	{"in", "What hums", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same without hum", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row dehum_params[] = {
	[DEHUM_PARAM_AMOUNT] = {"amount", "How much lower the hum is; 60 dB takes all of it",
				MIXD_TYPE_FLOAT, MIXD_UNIT_DB, 0, DEHUM_AMOUNT_ALL,
				DEHUM_AMOUNT_ALL, MIXD_RAMP_LINEAR, 20, NULL, NULL, 0, NULL},
	[DEHUM_PARAM_HARMONICS] = {"harmonics", "How many are taken, the fundamental included",
				   MIXD_TYPE_INT, MIXD_UNIT_NONE, 1, HUMTRACK_HARMONICS,
				   HUMTRACK_HARMONICS, MIXD_RAMP_NONE, 0, NULL, NULL, 0, NULL},
	[DEHUM_PARAM_BANDWIDTH] = {"bandwidth",
				   "Band that the fundamental's removal touches; wider is quicker",
				   MIXD_TYPE_FLOAT, MIXD_UNIT_HZ, 0.5, 10, 2, MIXD_RAMP_LOG, 20,
				   NULL, NULL, 0, NULL},
	[DEHUM_PARAM_LISTEN] = {"listen", "Hear what is removed", MIXD_TYPE_BOOL, MIXD_UNIT_NONE, 0,
				1, 0, MIXD_RAMP_NONE, 0, NULL, NULL, 0, NULL},
};

static const struct mixd_config_row dehum_configs[] = {
	[DEHUM_CONFIG_BASE] = {"base",
			       "Where the hum is, followed within 0.6 Hz; auto finds out which and "
			       "takes nothing before, 50 and 60 begin at once",
			       MIXD_TYPE_ENUM, MIXD_UNIT_NONE, 0, 2, 0, NULL, dehum_bases, false},
	[DEHUM_CONFIG_MODE] =
		{"mode",
		 "notch is a filter, subtract a copy of the hum taken away: transients "
		 "do not ring on",
		 MIXD_TYPE_ENUM, MIXD_UNIT_NONE, 0, 1, 0, NULL, dehum_modes, false},
};

static const struct mixd_meter_row dehum_meters[] = {
	[DEHUM_METER_FREQ] = {.id = "freq",
			      .doc = "Frequency of the hum; 0 while there is none",
			      .unit = MIXD_UNIT_HZ},
	[DEHUM_METER_CONFIDENCE] = {.id = "confidence",
				    .doc = "How steady what is taken for hum is",
				    .unit = MIXD_UNIT_PERCENT},
	[DEHUM_METER_LEVEL] = {.id = "level",
			       .doc = "Level of the hum, all harmonics",
			       .unit = MIXD_UNIT_DBFS},
};

static void dehum_clear_lanes(struct mixd_inst *inst)
{
	const struct dehum_state *state = inst->state;

	for (uint32_t c = 0; !state->subtract && c < state->channels; c++) {
		double *memory = lanes_at(inst, inst->lane_state, DEHUM_STATE_WORDS, c);
		double *coef = lanes_at(inst, inst->lane_coef, DEHUM_COEF_WORDS, c);

		for (uint32_t k = 0; k < DEHUM_STATE_WORDS; k++)
			memory[(size_t)k * inst->lane_width] = 0.0;
		for (uint32_t k = 0; k < DEHUM_COEF_WORDS; k++)
			coef[(size_t)k * inst->lane_width] = 0.0;
	}
}

static void dehum_reset(struct mixd_inst *inst)
{
	struct dehum_state *state = inst->state;

	dehum_clear_lanes(inst);
	humtrack_reset(&state->track);
	memset(&state->canceller, 0, sizeof(state->canceller));
	memset(state->part, 0, sizeof(state->part));
	memset(state->slot, 0, sizeof(state->slot));
	state->set = (struct section_set){.slot = state->slot, .n = HUMTRACK_HARMONICS};
	state->hz = 0.0;
	state->updated = state->resting = false;
	state->listen = (struct dsp_ramp){0};
	state->listen_part = 0.0;
	for (uint32_t c = 0; state->subtract && c < state->channels; c++)
		memset(&state->weight[c], 0, sizeof(state->weight[c]));
}

/* ---- tuning ------------------------------------------------------------------------------------ */

/* Where the hum is; 0 when that is not known. */
static double dehum_wanted_hz(const struct dehum_state *state)
{
	return state->track.locked || state->fixed ? humtrack_hz(&state->track) : 0.0;
}

/* One step of CELL_FRAMES; true when the frequency is not yet where it is wanted. */
static bool dehum_slew(struct dehum_state *state, double rate, uint32_t cell_frames, bool jump)
{
	double wanted = dehum_wanted_hz(state), most = DEHUM_SLEW * 48000.0 / rate * cell_frames;

	if (wanted == 0.0)
		return false;
	if (jump || state->hz == 0.0)
		state->hz = wanted;
	if (fabs(wanted - state->hz) <= most)
		state->hz = wanted;
	else
		state->hz += wanted > state->hz ? most : -most;
	return state->hz != wanted;
}

/* Harmonics come and go in 20 ms. True while some do. */
static bool dehum_parts(struct dehum_state *state, const double *value, double rate,
			uint32_t cell_frames, bool jump)
{
	double step = jump ? 1.0 : cell_frames / (GLIDE_S * rate);
	bool known = dehum_wanted_hz(state) > 0.0, moving = false, any = false;

	for (uint32_t h = 0; h < HUMTRACK_HARMONICS; h++) {
		bool wanted = known && h < value[DEHUM_PARAM_HARMONICS] &&
			      (h + 1) * state->hz < DEHUM_TOP * rate;
		double *part = &state->part[h];

		*part = glide_toward(*part, wanted, step);
		moving |= *part > 0.0 && *part < 1.0;
		any |= *part > 0.0;
	}
	if (!known && !any)
		state->hz = 0.0;
	return moving;
}

static double dehum_depth(const double *value)
{
	double amount_db = value[DEHUM_PARAM_AMOUNT];

	return amount_db >= DEHUM_AMOUNT_ALL ? 1.0 : 1.0 - pow(10.0, -amount_db / 20.0);
}

/* The sections for the end of a cell. True when none of them does anything. */
static bool dehum_target(const struct dehum_state *state, const double *value, double rate,
			 union section_word target[HUMTRACK_HARMONICS])
{
	double depth = dehum_depth(value), hz = state->hz > 0.0 ? state->hz : 50.0;
	bool identity = true;

	for (uint32_t h = 0; h < HUMTRACK_HARMONICS; h++) {
		double part = glide_smooth(state->part[h]);
		struct svf_section section =
			dehum_notch(hz, h + 1, value[DEHUM_PARAM_BANDWIDTH], rate);
		struct svf_coef coef = svf_coef_of(&section);

		target[h].of = section_part(&coef, part * depth);
		identity = identity && part * depth == 0.0;
	}
	return identity;
}

static void dehum_tune_notches(struct mixd_inst *inst, const double *value, uint32_t cell_frames,
			       bool jump)
{
	struct dehum_state *state = inst->state;
	union section_word target[HUMTRACK_HARMONICS];
	bool identity = dehum_target(state, value, inst->setup->rate, target), clear;

	section_set_update(&state->set, target, identity, jump, cell_frames, &clear);
	if (clear)
		dehum_clear_lanes(inst);
	for (uint32_t c = 0; state->set.active && c < state->channels; c++)
		section_set_write(&state->set,
				  lanes_at(inst, inst->lane_coef, DEHUM_COEF_WORDS, c) +
					  (size_t)EQ_BANK_GAIN_WORDS * inst->lane_width,
				  inst->lane_width);
}

static void dehum_tune_canceller(struct dehum_state *state, const double *value, double rate)
{
	struct dehum_canceller *canceller = &state->canceller;

	canceller->depth = dehum_depth(value);
	for (uint32_t h = 0; h < HUMTRACK_HARMONICS; h++) {
		double at = 2.0 * M_PI * (h + 1) * state->hz / rate;
		double width = dehum_width_hz(h + 1, value[DEHUM_PARAM_BANDWIDTH]);

		canceller->turn[0][h] = cos(at);
		canceller->turn[1][h] = sin(at);
		/* A weight follows like a one-pole of this time constant. */
		canceller->follow[h] = state->hz > 0.0 ? M_PI * width / rate : 0.0;
		canceller->part[h] = state->part[h];
	}
}

/* All that moves, one cell on. True while it moves by itself. */
static bool dehum_tune(struct mixd_inst *inst, const double *value, uint32_t cell_frames, bool jump)
{
	struct dehum_state *state = inst->state;
	const double rate = inst->setup->rate;
	bool slews = dehum_slew(state, rate, cell_frames, jump);
	bool moving = dehum_parts(state, value, rate, cell_frames, jump);

	if (state->subtract)
		dehum_tune_canceller(state, value, rate);
	else
		dehum_tune_notches(inst, value, cell_frames, jump);
	state->resting = !slews && !moving && !state->set.moving && !state->set.leaving;
	return moving || state->set.moving || state->set.leaving;
}

static bool dehum_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct dehum_state *state = inst->state;
	double before = dsp_ramp_value(&state->listen, 0);
	bool listen = update->to[DEHUM_PARAM_LISTEN] > 0.5;

	state->listen_part = glide_switch(state->listen_part, listen, update, inst->setup->rate);
	if (update->jump)
		before = state->listen_part;
	dsp_ramp_set(&state->listen, before, glide_smooth(state->listen_part), update->cell_frames);
	state->updated = true;
	return dehum_tune(inst, update->to, update->cell_frames, update->jump) ||
	       before != state->listen.to;
}

/* ---- process ----------------------------------------------------------------------------------- */

/* The channels in one row, each by a part that no other equals or cancels. */
static void dehum_mix(const struct mixd_inst *inst, float *ret, uint32_t n)
{
	const struct dehum_state *state = inst->state;
	uint32_t channels = state->channels < 8 ? state->channels : 8;
	float part = 1.0f;

	memcpy(ret, inst->in[0], n * sizeof(*ret));
	for (uint32_t c = 1; c < channels; c++) {
		part *= 0.618034f;
		for (uint32_t i = 0; i < n; i++)
			ret[i] += inst->in[c][i] * part;
	}
}

static void dehum_listen_in(struct mixd_inst *inst, uint64_t position, uint32_t n)
{
	struct dehum_state *state = inst->state;
	const struct humtrack_reference *best = &state->track.reference[state->track.best];
	float mix[MIXD_SLICE_MAX];

	/* What the last slices taught, at a moment that no cut of time moves. */
	if (position % MIXD_SLICE_MAX == 0 && !state->updated &&
	    (!state->resting || dehum_wanted_hz(state) != state->hz))
		dehum_tune(inst, inst->value, MIXD_SLICE_MAX, false);
	state->updated = false;
	dehum_mix(inst, mix, n);
	state->quiet_frames = 0;
	while (!state->track.begun && state->quiet_frames < n && mix[state->quiet_frames] == 0.0f)
		state->quiet_frames++;
	humtrack_run(&state->track, mix, n);
	inst->meter[DEHUM_METER_FREQ] = state->hz;
	inst->meter[DEHUM_METER_CONFIDENCE] = 100.0 * best->confidence;
	inst->meter[DEHUM_METER_LEVEL] =
		state->track.locked ? 10.0 * log10(best->power + 1e-30) : -300.0;
}

/* OUT holds what is left of IN; while listening, what is gone. */
static void dehum_hear(const struct dehum_state *state, const float *in, float *out, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		double left = (double)out[i], gone = (double)in[i] - left;

		out[i] = (float)(left + (gone - left) * dsp_ramp_value(&state->listen, i));
	}
}

static bool dehum_listens(const struct dehum_state *state)
{
	return state->listen.to != 0.0 || !dsp_ramp_rests(&state->listen);
}

static void dehum_run_block(const struct mixd_call *call, uint32_t block)
{
	const struct mixd_bank *bank = call->bank;
	const uint32_t width = bank->width, n = call->n_frames;
	float before[MIXD_LANES_MAX][MIXD_SLICE_MAX];
	struct eq_bank_job job = {
		.in = bank->in + block * width,
		.out = bank->out + block * width,
		.state = lanes_block(bank, bank->state, DEHUM_STATE_WORDS, block),
		.coef = lanes_block(bank, bank->coef, DEHUM_COEF_WORDS, block),
		.max_sections = HUMTRACK_HARMONICS,
	};

	for (uint32_t lane = 0; lane < width; lane++) {
		const struct mixd_inst *inst = lanes_owner(call, block * width + lane);
		const struct dehum_state *state = inst ? inst->state : NULL;

		if (!state)
			continue;
		job.moving |= state->set.moving;
		if (state->set.active)
			job.n_plain = HUMTRACK_HARMONICS;
		if (dehum_listens(state))
			memcpy(before[lane], job.in[lane], n * sizeof(float));
	}
	eq_bank_run(width, &job, n);
	for (uint32_t lane = 0; lane < width; lane++) {
		const struct mixd_inst *inst = lanes_owner(call, block * width + lane);

		if (inst && dehum_listens(inst->state))
			dehum_hear(inst->state, before[lane], job.out[lane], n);
	}
}

/* Channels in pairs; an odd last one is its own partner, with a spare weight and output. */
static void dehum_subtract(const struct mixd_inst *inst, uint32_t n)
{
	struct dehum_state *state = inst->state;
	struct dehum_wave wave[MIXD_SLICE_MAX];
	struct dehum_weight spare;
	float before[2][MIXD_SLICE_MAX], unused[MIXD_SLICE_MAX] = {0.0f};
	const uint32_t quiet = state->quiet_frames;

	dehum_oscillate(&state->canceller, wave, n - quiet);
	for (uint32_t c = 0; c < state->channels; c += 2) {
		const uint32_t pair = c + 1 < state->channels ? 1 : 0;
		const float *const in[2] = {before[0] + quiet, before[pair] + quiet};
		float *const out[2] = {inst->out[c] + quiet,
				       pair ? inst->out[c + 1] + quiet : unused};
		struct dehum_weight *const weight[2] = {&state->weight[c],
							pair ? &state->weight[c + 1] : &spare};

		if (!pair)
			spare = state->weight[c];
		for (uint32_t k = 0; k <= pair; k++) {
			memcpy(before[k], inst->in[c + k], n * sizeof(float));
			memcpy(inst->out[c + k], before[k], quiet * sizeof(float));
		}
		dehum_cancel(&state->canceller, weight, wave, in, out, n - quiet);
		for (uint32_t k = 0; k <= pair && dehum_listens(state); k++)
			dehum_hear(state, before[k], inst->out[c + k], n);
	}
}

static void dehum_process(const struct mixd_call *call)
{
	for (uint32_t i = 0; i < call->n_inst; i++)
		dehum_listen_in(call->inst[i], call->position, call->n_frames);
	if (call->bank) {
		for (uint32_t b = 0; b < call->bank->n_blocks; b++)
			dehum_run_block(call, b);
	} else {
		dehum_subtract(call->inst[0], call->n_frames);
	}
	for (uint32_t i = 0; i < call->n_inst; i++) {
		struct dehum_state *state = call->inst[i]->state;

		section_set_advance(&state->set, call->n_frames);
		dsp_ramp_advance(&state->listen, call->n_frames);
	}
}

static void dehum_response(const struct mixd_response *query, double *ret_db)
{
	static const double nominal[] = {0, 50, 60};
	double hz = query->meter ? query->meter[DEHUM_METER_FREQ] : 0.0;
	double depth = dehum_depth(query->params);

	if (hz <= 0.0)
		hz = nominal[(int)query->config[DEHUM_CONFIG_BASE].number];
	for (uint32_t i = 0; i < query->n; i++) {
		double tangent = svf_tangent(query->freq_hz[i], query->rate);
		double re = 1.0, im = 0.0;

		for (uint32_t h = 1; hz > 0.0 && h <= query->params[DEHUM_PARAM_HARMONICS] &&
				     h * hz < DEHUM_TOP * query->rate;
		     h++) {
			struct svf_section section = dehum_notch(
				hz, h, query->params[DEHUM_PARAM_BANDWIDTH], query->rate);
			double num[2] = {1, 0}, den[2] = {1, 0}, d, a, b, before = re;

			svf_multiply_response(&section, tangent, num, den);
			d = den[0] * den[0] + den[1] * den[1];
			a = 1.0 + depth * ((num[0] * den[0] + num[1] * den[1]) / d - 1.0);
			b = depth * (num[1] * den[0] - num[0] * den[1]) / d;
			re = re * a - im * b;
			im = before * b + im * a;
		}
		if (query->params[DEHUM_PARAM_LISTEN] > 0.5) {
			re = 1.0 - re;
			im = -im;
		}
		ret_db[i] = 10.0 * log10(fmax(re * re + im * im, 1e-30));
	}
}

static const struct mixd_node_type dehum_type = {
	.id = "dehum",
	.doc = "Takes away mains hum and its harmonics",
	.category = "repair",
	.source =
		"Kay, Modern Spectral Estimation, 1988, ch. 13; Widrow et al., Proc. IEEE 63(12), "
		"1975",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(dehum_ports),
	.params = MIXD_ARRAY(dehum_params),
	.configs = MIXD_ARRAY(dehum_configs),
	.meters = MIXD_ARRAY(dehum_meters),
	.needs = dehum_needs,
	.activate = dehum_activate,
	.update = dehum_update,
	.process = dehum_process,
	.reset = dehum_reset,
	.response = dehum_response,
};

MIXD_MODULE(&dehum_type);
