/* tilt.c - turn the whole spectrum about a pivot.
 *
 * SOURCE      A low shelf of -g and a high shelf of +g of first order at one pivot are one one-pole
 *             shelf; matched to the analogue magnitude up to the Nyquist frequency: M. Vicanek,
 *             "Matched One-Pole Digital Shelving Filters", 2019 (../dsp/eq_design.c).
 * STRUCTURE   One section over the lanes of a bank (../dsp/eq_bank.h); at 0 dB nothing runs. */
#include <mixd/node.h>

#include <math.h>

#include "eq_bank.h"
#include "eq_design.h"
#include "section_set.h"

#include <mixd/rt.h>

#define TILT_COEF_WORDS (EQ_BANK_GAIN_WORDS + EQ_BANK_SECTION_WORDS)
#define TILT_TAIL_S 1.0

static const struct mixd_port_row tilt_ports[] = {
	{"in", "What is turned", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same, brighter or darker", true, MIXD_PORT_MAIN, NULL},
};

enum { TILT_PARAM_GAIN, TILT_PARAM_FREQ };

static const struct mixd_param_row tilt_params[] = {
	{"gain", "Far above the pivot; far below it is as much the other way", MIXD_TYPE_FLOAT,
	 MIXD_UNIT_DB, -12, 12, 0, MIXD_RAMP_LINEAR, 20, NULL, NULL, 0, NULL},
	{"freq", "Pivot: the level here stays", MIXD_TYPE_FLOAT, MIXD_UNIT_HZ, 100, 8000, 650,
	 MIXD_RAMP_LOG, 20, NULL, NULL, 0, NULL},
};

struct tilt_state {
	struct section_set set;
	struct section_set_slot slot;
};

static int tilt_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		      struct mixd_fault *fault)
{
	ret_need->state_bytes = sizeof(struct tilt_state);
	ret_need->lane_state = SVF_STATES;
	ret_need->lane_coef = TILT_COEF_WORDS;
	ret_need->tail = (uint64_t)(TILT_TAIL_S * setup->rate);
	return 0;
}

static void tilt_clear(struct mixd_inst *inst)
{
	for (uint32_t c = 0; c < inst->setup->out_layout[0]->n_channels; c++) {
		double *memory = lanes_at(inst, inst->lane_state, SVF_STATES, c);
		double *coef = lanes_at(inst, inst->lane_coef, TILT_COEF_WORDS, c);

		for (uint32_t k = 0; k < SVF_STATES; k++)
			memory[(size_t)k * inst->lane_width] = 0.0;
		for (uint32_t k = 0; k < TILT_COEF_WORDS; k++)
			coef[(size_t)k * inst->lane_width] = 0.0;
	}
}

static int tilt_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct tilt_state *state = inst->state;

	state->set = (struct section_set){.slot = &state->slot, .n = 1};
	return 0;
}

static void tilt_reset(struct mixd_inst *inst)
{
	struct tilt_state *state = inst->state;

	tilt_clear(inst);
	state->slot = (struct section_set_slot){0};
	state->set = (struct section_set){.slot = &state->slot, .n = 1};
}

static struct eq_band tilt_band(const double *value)
{
	return (struct eq_band){
		.type = EQ_TYPE_TILT,
		.freq_hz = value[TILT_PARAM_FREQ],
		.gain_db = value[TILT_PARAM_GAIN],
		.q = M_SQRT1_2,
	};
}

static bool tilt_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct tilt_state *state = inst->state;
	struct eq_band band = tilt_band(update->to);
	bool identity = eq_band_is_identity(&band), clear, moving;
	struct svf_section section[EQ_BAND_SECTIONS];
	union section_word target;

	if (identity) /* the pole of almost nothing: no jump of poles on the way to 0 dB */
		band.gain_db = 1e-3;
	eq_design(&band, inst->setup->rate, section);
	target.of = svf_coef_of(&section[0]);
	if (identity)
		target.of.d0 = target.of.d1 = target.of.d2 = 0.0;
	moving = section_set_update(&state->set, &target, identity, update->jump,
				    update->cell_frames, &clear);
	if (clear)
		tilt_clear(inst);
	for (uint32_t c = 0; state->set.active && c < inst->setup->out_layout[0]->n_channels; c++)
		section_set_write(&state->set,
				  lanes_at(inst, inst->lane_coef, TILT_COEF_WORDS, c) +
					  (size_t)EQ_BANK_GAIN_WORDS * inst->lane_width,
				  inst->lane_width);
	return moving;
}

static void tilt_process(const struct mixd_call *call)
{
	const struct mixd_bank *bank = call->bank;
	struct eq_bank_job job = {.max_sections = 1};

	for (uint32_t i = 0; i < call->n_inst; i++) {
		struct tilt_state *state = call->inst[i]->state;

		job.n_plain |= state->set.active;
		job.moving |= state->set.moving;
		section_set_advance(&state->set, call->n_frames);
	}
	for (uint32_t b = 0; b < bank->n_blocks; b++) {
		job.in = bank->in + b * bank->width;
		job.out = bank->out + b * bank->width;
		job.state = lanes_block(bank, bank->state, SVF_STATES, b);
		job.coef = lanes_block(bank, bank->coef, TILT_COEF_WORDS, b);
		eq_bank_run(bank->width, &job, call->n_frames);
	}
}

static void tilt_response(const struct mixd_response *query, double *ret_db)
{
	struct eq_band band = tilt_band(query->params);
	struct svf_section section[EQ_BAND_SECTIONS];

	eq_design(&band, query->rate, section);
	for (uint32_t i = 0; i < query->n; i++) {
		double tangent = svf_tangent(query->freq_hz[i], query->rate);
		double num[2] = {1, 0}, den[2] = {1, 0};

		svf_multiply_response(&section[0], tangent, num, den);
		ret_db[i] = 10.0 * log10(svf_power(num, den));
	}
}

static const struct mixd_node_type tilt_type = {
	.id = "tilt",
	.doc = "Turns the spectrum about a pivot: brighter or darker",
	.category = "eq",
	.source = "Vicanek, Matched One-Pole Digital Shelving Filters, 2019",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(tilt_ports),
	.params = MIXD_ARRAY(tilt_params),
	.needs = tilt_needs,
	.activate = tilt_activate,
	.update = tilt_update,
	.process = tilt_process,
	.reset = tilt_reset,
	.response = tilt_response,
};

MIXD_MODULE(&tilt_type);
