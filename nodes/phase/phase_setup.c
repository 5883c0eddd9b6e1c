/* phase_setup.c - the part of phase.c that runs on the control thread. */
#include <math.h>

#include "phase_state.h"

#define PHASE_HALF 255u /* 511 taps at 48 kHz */
#define PHASE_TAIL_S 1.5 /* 20 Hz sections have died down */

/* As many taps for a second at high rates; an odd number on each side. */
static uint32_t phase_half(double rate)
{
	uint32_t half = (uint32_t)lround(PHASE_HALF * rate / 48000.0) | 1u;

	return half < PHASE_HALF ? PHASE_HALF : half;
}

/* Quadrature from 20 Hz; at 8 kHz the band has to end somewhere, too. */
static double phase_edge_hz(double rate)
{
	return fmax(HILBERT_EDGE_HZ, rate * 1e-4);
}

enum phase_kind phase_kind(const struct mixd_value *config)
{
	if (config[PHASE_CONFIG_MODE].number > 0.5)
		return PHASE_VOICE;
	return config[PHASE_CONFIG_FILTER].number > 0.5 ? PHASE_ROTATE_FIR : PHASE_ROTATE_IIR;
}

int phase_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		struct mixd_fault *fault)
{
	enum phase_kind kind = phase_kind(setup->config);
	uint32_t half = phase_half(setup->rate), channels = setup->out_layout[0]->n_channels;
	struct hilbert hilbert;

	ret_need->state_bytes = sizeof(struct phase_state);
	ret_need->tail = (uint64_t)(PHASE_TAIL_S * setup->rate);
	ret_need->shape = kind;
	if (kind == PHASE_VOICE) {
		ret_need->lane_state = PHASE_VOICE_STATE;
		ret_need->lane_coef = PHASE_VOICE_COEF;
	} else if (kind == PHASE_ROTATE_IIR) {
		hilbert_design(&hilbert, phase_edge_hz(setup->rate), setup->rate);
		ret_need->lane_state = HILBERT_WORDS;
		ret_need->latency = hilbert_delay(&hilbert);
	} else {
		ret_need->state_bytes +=
			((half + 1) / 2 + channels * (2 * (size_t)half + MIXD_SLICE_MAX)) *
			sizeof(float);
		ret_need->latency = half;
		ret_need->tail = 2 * (uint64_t)half;
	}
	return 0;
}

int phase_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct phase_state *state = inst->state;

	state->kind = phase_kind(inst->setup->config);
	state->channels = inst->setup->out_layout[0]->n_channels;
	state->set = (struct section_set){.slot = state->slot, .n = PHASE_VOICE_SECTIONS};
	if (state->kind == PHASE_ROTATE_IIR)
		hilbert_design(&state->hilbert, phase_edge_hz(inst->setup->rate),
			       inst->setup->rate);
	if (state->kind == PHASE_ROTATE_FIR) {
		state->half = phase_half(inst->setup->rate);
		state->taps = (float *)(state + 1);
		state->past = state->taps + (state->half + 1) / 2;
		hilbert_fir_design(state->taps, state->half);
	}
	return 0;
}
