/* phase.c - turn the phase of all frequencies by one angle, or even out a voice.
 *
 * SOURCE      Rotation: Y = cos(phi) I + sin(phi) Q with I and Q in quadrature (../dsp/hilbert.c).
 *             Voice: four first-order all-passes at 200 Hz, the phase rotator of broadcast processing
 *             (R. Orban, Optimod 8100 and later, manuals): a voice whose waveform is higher on one
 *             side than on the other becomes even and so louder before it clips.
 * STRUCTURE   IIR and voice run over the lanes of a bank; the FIR, which needs no recursion, per
 *             channel along time. The angle moves as cos and sin of both ends of a cell. Magnitude
 *             stays as it is with all three. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "phase_state.h"

#include <mixd/rt.h>

static const char *const phase_modes[] = {"rotate", "voice", NULL};
static const char *const phase_filters[] = {"iir", "fir", NULL};

static const struct mixd_port_row phase_ports[] = {
	{"in", "What is turned", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same at another phase", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row phase_params[] = {
	{"angle",
	 "Mode rotate: all frequencies lead by this against what 0 gives; 180 turns the "
	 "polarity over",
	 MIXD_TYPE_FLOAT, MIXD_UNIT_DEG, -180, 180, 0, MIXD_RAMP_LINEAR, 20, NULL, NULL, 0, NULL},
	{"freq", "Mode voice: where the phase has turned by half of its whole way", MIXD_TYPE_FLOAT,
	 MIXD_UNIT_HZ, 50, 1000, 200, MIXD_RAMP_LOG, 20, NULL, NULL, 0, NULL},
};

static const struct mixd_config_row phase_configs[] = {
	{"mode", "rotate by an angle, or even out the waveform of a voice", MIXD_TYPE_ENUM,
	 MIXD_UNIT_NONE, 0, 1, 0, NULL, phase_modes, false},
	{"filter",
	 "Mode rotate: iir is quick and turns phases at angle 0, too; fir is linear, good "
	 "above 200 Hz and late by 5 ms",
	 MIXD_TYPE_ENUM, MIXD_UNIT_NONE, 0, 1, 0, NULL, phase_filters, false},
};

static uint32_t phase_lane_words(const struct phase_state *state)
{
	return state->kind == PHASE_VOICE ? PHASE_VOICE_STATE : HILBERT_WORDS;
}

static void phase_reset(struct mixd_inst *inst)
{
	struct phase_state *state = inst->state;

	if (state->kind == PHASE_ROTATE_FIR)
		memset(state->past, 0,
		       state->channels * (2 * (size_t)state->half + MIXD_SLICE_MAX) *
			       sizeof(float));
	for (uint32_t c = 0; state->kind != PHASE_ROTATE_FIR && c < state->channels; c++) {
		double *lane = lanes_at(inst, inst->lane_state, phase_lane_words(state), c);

		for (uint32_t k = 0; k < phase_lane_words(state); k++)
			lane[(size_t)k * inst->lane_width] = 0.0;
	}
	memset(state->slot, 0, sizeof(state->slot));
	state->set = (struct section_set){.slot = state->slot, .n = PHASE_VOICE_SECTIONS};
}

/* ---- update ------------------------------------------------------------------------------------ */

static bool phase_update_voice(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct phase_state *state = inst->state;
	double rate = inst->setup->rate;
	/* ((s - 1) / (s + 1))^2 */
	struct svf_section section = {
		.g = tan(M_PI * fmin(update->to[PHASE_PARAM_FREQ] / rate, 0.45)),
		.k = 2.0,
		.b0 = 1.0,
		.b1 = -2.0,
		.b2 = 1.0,
	};
	union section_word target[PHASE_VOICE_SECTIONS];
	bool clear, moving;

	target[0].of = target[1].of = svf_coef_of(&section);
	moving = section_set_update(&state->set, target, false, update->jump, update->cell_frames,
				    &clear);
	for (uint32_t c = 0; c < state->channels; c++)
		section_set_write(&state->set,
				  lanes_at(inst, inst->lane_coef, PHASE_VOICE_COEF, c) +
					  (size_t)EQ_BANK_GAIN_WORDS * inst->lane_width,
				  inst->lane_width);
	return moving;
}

static double phase_cosine(double degrees)
{
	double turned = fabs(degrees);

	return turned == 90 ? 0 : turned == 180 ? -1 : cos(turned * M_PI / 180);
}

static double phase_sine(double degrees)
{
	return fabs(degrees) == 180 ? 0 : sin(degrees * M_PI / 180);
}

static bool phase_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct phase_state *state = inst->state;
	double from = update->from[PHASE_PARAM_ANGLE], to = update->to[PHASE_PARAM_ANGLE];

	if (state->kind == PHASE_VOICE)
		return phase_update_voice(inst, update);
	dsp_ramp_set(&state->in_phase, phase_cosine(from), phase_cosine(to), update->cell_frames);
	dsp_ramp_set(&state->quadrature, phase_sine(from), phase_sine(to), update->cell_frames);
	return false;
}

/* ---- process ----------------------------------------------------------------------------------- */

static void phase_run_voice(const struct mixd_call *call)
{
	const struct mixd_bank *bank = call->bank;
	struct eq_bank_job job = {.max_sections = PHASE_VOICE_SECTIONS,
				  .n_plain = PHASE_VOICE_SECTIONS};

	for (uint32_t i = 0; i < call->n_inst; i++) {
		struct phase_state *state = call->inst[i]->state;

		job.moving |= state->set.moving;
		section_set_advance(&state->set, call->n_frames);
	}
	for (uint32_t b = 0; b < bank->n_blocks; b++) {
		job.in = bank->in + b * bank->width;
		job.out = bank->out + b * bank->width;
		job.state = lanes_block(bank, bank->state, PHASE_VOICE_STATE, b);
		job.coef = lanes_block(bank, bank->coef, PHASE_VOICE_COEF, b);
		eq_bank_run(bank->width, &job, call->n_frames);
	}
}

MIXD_INLINE void phase_load(const float *const *in, uint32_t width, double *x, uint32_t n)
{
	if (width == 2)
		lanes_load_f64(in, n, 2, x);
	else if (width == 4)
		lanes_load_f64(in, n, 4, x);
	else
		lanes_load_f64(in, n, 8, x);
}

MIXD_INLINE void phase_store(const double *x, float *const *out, uint32_t width, uint32_t n)
{
	if (width == 2)
		lanes_store_f64(x, out, n, 2);
	else if (width == 4)
		lanes_store_f64(x, out, n, 4);
	else
		lanes_store_f64(x, out, n, 8);
}

/* X = X cos + Q sin on one lane. */
MIXD_INLINE void phase_turn(const struct phase_state *state, double *x, const double *q,
			    uint32_t width, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		x[(size_t)i * width] = x[(size_t)i * width] * dsp_ramp_value(&state->in_phase, i) +
				       q[(size_t)i * width] * dsp_ramp_value(&state->quadrature, i);
}

MIXD_CLONES static void phase_run_iir(const struct mixd_call *call)
{
	double x[MIXD_SLICE_MAX * MIXD_LANES_MAX] __attribute__((aligned(64)));
	double q[MIXD_SLICE_MAX * MIXD_LANES_MAX] __attribute__((aligned(64)));
	const struct mixd_bank *bank = call->bank;
	const struct phase_state *first = call->inst[0]->state;
	const uint32_t n = call->n_frames, width = bank->width;

	for (uint32_t b = 0; b < bank->n_blocks; b++) {
		phase_load(bank->in + b * width, width, x, n);
		hilbert_run(&first->hilbert, width, x, x, q,
			    lanes_block(bank, bank->state, HILBERT_WORDS, b), n);
		for (uint32_t lane = 0; lane < width; lane++) {
			const struct mixd_inst *inst = lanes_owner(call, b * width + lane);

			if (inst)
				phase_turn(inst->state, x + lane, q + lane, width, n);
		}
		phase_store(x, bank->out + b * width, width, n);
	}
}

/* PAST: the last 2 half frames of the channel, room for a slice behind them. */
static void phase_run_fir(const struct phase_state *state, const float *in, float *out, float *past,
			  uint32_t n)
{
	const uint32_t kept = 2 * state->half;
	float q[MIXD_SLICE_MAX];
	float *x = past + kept;

	memcpy(x, in, n * sizeof(*x));
	hilbert_fir_run(state->taps, state->half, x, q, n);
	for (uint32_t i = 0; i < n; i++)
		out[i] = (float)((double)x[(int64_t)i - state->half] *
					 dsp_ramp_value(&state->in_phase, i) +
				 (double)q[i] * dsp_ramp_value(&state->quadrature, i));
	memmove(past, past + n, kept * sizeof(*past));
}

static void phase_process(const struct mixd_call *call)
{
	struct phase_state *first = call->inst[0]->state;

	if (first->kind == PHASE_VOICE) {
		phase_run_voice(call);
		return;
	}
	if (first->kind == PHASE_ROTATE_IIR)
		phase_run_iir(call);
	for (uint32_t c = 0; first->kind == PHASE_ROTATE_FIR && c < first->channels; c++)
		phase_run_fir(first, call->inst[0]->in[c], call->inst[0]->out[c],
			      first->past + c * (2 * (size_t)first->half + MIXD_SLICE_MAX),
			      call->n_frames);
	for (uint32_t i = 0; i < call->n_inst; i++) {
		struct phase_state *state = call->inst[i]->state;

		dsp_ramp_advance(&state->in_phase, call->n_frames);
		dsp_ramp_advance(&state->quadrature, call->n_frames);
	}
}

static const struct mixd_node_type phase_type = {
	.id = "phase",
	.doc = "Turns the phase of all frequencies by an angle, or evens out a voice",
	.category = "level",
	.source = "Valenzuela, Constantinides, IEE Proc. G 130(6), 1983; Regalia, Mitra, "
		  "Vaidyanathan, Proc. IEEE 76(1), 1988",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(phase_ports),
	.params = MIXD_ARRAY(phase_params),
	.configs = MIXD_ARRAY(phase_configs),
	.needs = phase_needs,
	.activate = phase_activate,
	.update = phase_update,
	.process = phase_process,
	.reset = phase_reset,
};

MIXD_MODULE(&phase_type);
