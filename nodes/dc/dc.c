/* dc.c - takes away what does not move.
 *
 * SOURCE      Smith, Introduction to Digital Filters (2007), "DC Blocker": a pole at DC's zero. As
 *             the bilinear high-pass of first or second order (Butterworth), which at 1..20 Hz is the
 *             analogue one to within 1e-5 dB in the audio band.
 * STRUCTURE   One section in f64 over the lanes of a bank (../dsp/eq_bank.h). Phase: first order
 *             leads by 45 degrees at freq, by 2.9 degrees at 20 times it. */
#include <mixd/node.h>

#include <math.h>

#include "eq_bank.h"
#include "glide.h"
#include "section_set.h"

#include <mixd/rt.h>

#define DC_COEF_WORDS (EQ_BANK_GAIN_WORDS + EQ_BANK_SECTION_WORDS)
#define DC_TAIL_S 4.0 /* at 1 Hz: -200 dB */

static const char *const dc_slopes[] = {"6", "12", NULL};

static const struct mixd_port_row dc_ports[] = {
	{"in", "What may have DC", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same without", true, MIXD_PORT_MAIN, NULL},
};

enum { DC_PARAM_FREQ, DC_PARAM_LISTEN };

static const struct mixd_param_row dc_params[] = {
	{"freq", "Corner: 3 dB less here", MIXD_TYPE_FLOAT, MIXD_UNIT_HZ, 1, 20, 5, MIXD_RAMP_LOG,
	 20, NULL, NULL, 0, NULL},
	{"listen", "Hear what is removed", MIXD_TYPE_BOOL, MIXD_UNIT_NONE, 0, 1, 0, MIXD_RAMP_NONE,
	 0, NULL, NULL, 0, NULL},
};

static const struct mixd_config_row dc_configs[] = {
	{"slope", "Steepness: 6 disturbs the phase least, 12 takes rumble, too", MIXD_TYPE_ENUM,
	 MIXD_UNIT_DB_PER_OCT, 0, 1, 0, NULL, dc_slopes, false},
};

struct dc_state {
	struct section_set set;
	struct section_set_slot slot;
	double listen_part; /* how much of what is removed is heard: 0..1 */
	bool steep;
};

static int dc_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		    struct mixd_fault *fault)
{
	ret_need->state_bytes = sizeof(struct dc_state);
	ret_need->lane_state = SVF_STATES;
	ret_need->lane_coef = DC_COEF_WORDS;
	ret_need->tail = (uint64_t)(DC_TAIL_S * setup->rate);
	return 0;
}

static int dc_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct dc_state *state = inst->state;

	state->set = (struct section_set){.slot = &state->slot, .n = 1};
	state->steep = inst->setup->config[0].number > 0.5;
	return 0;
}

static void dc_reset(struct mixd_inst *inst)
{
	struct dc_state *state = inst->state;

	for (uint32_t c = 0; c < inst->setup->out_layout[0]->n_channels; c++) {
		double *memory = lanes_at(inst, inst->lane_state, SVF_STATES, c);

		for (uint32_t k = 0; k < SVF_STATES; k++)
			memory[(size_t)k * inst->lane_width] = 0.0;
	}
	state->slot = (struct section_set_slot){0};
	state->set = (struct section_set){.slot = &state->slot, .n = 1};
	state->listen_part = 0.0;
}

/* s / (s + 1), or s^2 / (s^2 + sqrt(2) s + 1). */
static struct svf_section dc_section(double freq_hz, bool steep, double rate)
{
	return (struct svf_section){
		.g = tan(M_PI * freq_hz / rate),
		.k = steep ? M_SQRT2 : 2.0,
		.b1 = steep ? 0.0 : 1.0,
		.b2 = 1.0,
	};
}

static bool dc_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct dc_state *state = inst->state;
	const double rate = inst->setup->rate;
	struct svf_section section = dc_section(update->to[DC_PARAM_FREQ], state->steep, rate);
	struct svf_coef rest = svf_coef_of(&section), removed = section_removed(&rest);
	union section_word target = {.of = rest};
	bool listen = update->to[DC_PARAM_LISTEN] > 0.5, clear, moving;

	state->listen_part = glide_switch(state->listen_part, listen, update, rate);
	moving = state->listen_part > 0.0 && state->listen_part < 1.0;
	if (state->listen_part > 0.0) {
		double part = glide_smooth(state->listen_part);

		target.of.d0 += part * (removed.d0 - rest.d0);
		target.of.d1 += part * (removed.d1 - rest.d1);
		target.of.d2 += part * (removed.d2 - rest.d2);
	}
	moving |= section_set_update(&state->set, &target, false, update->jump, update->cell_frames,
				     &clear);
	for (uint32_t c = 0; c < inst->setup->out_layout[0]->n_channels; c++)
		section_set_write(&state->set,
				  lanes_at(inst, inst->lane_coef, DC_COEF_WORDS, c) +
					  (size_t)EQ_BANK_GAIN_WORDS * inst->lane_width,
				  inst->lane_width);
	return moving;
}

static void dc_process(const struct mixd_call *call)
{
	const struct mixd_bank *bank = call->bank;
	struct eq_bank_job job = {.max_sections = 1, .n_plain = 1};

	for (uint32_t i = 0; i < call->n_inst; i++) {
		struct dc_state *state = call->inst[i]->state;

		job.moving |= state->set.moving;
		section_set_advance(&state->set, call->n_frames);
	}
	for (uint32_t b = 0; b < bank->n_blocks; b++) {
		job.in = bank->in + b * bank->width;
		job.out = bank->out + b * bank->width;
		job.state = lanes_block(bank, bank->state, SVF_STATES, b);
		job.coef = lanes_block(bank, bank->coef, DC_COEF_WORDS, b);
		eq_bank_run(bank->width, &job, call->n_frames);
	}
}

static void dc_response(const struct mixd_response *query, double *ret_db)
{
	struct svf_section section = dc_section(query->params[DC_PARAM_FREQ],
						query->config[0].number > 0.5, query->rate);

	for (uint32_t i = 0; i < query->n; i++) {
		double tangent = svf_tangent(query->freq_hz[i], query->rate);
		double num[2] = {1, 0}, den[2] = {1, 0};

		svf_multiply_response(&section, tangent, num, den);
		if (query->params[DC_PARAM_LISTEN] > 0.5) {
			num[0] -= den[0];
			num[1] -= den[1];
		}
		ret_db[i] = 10.0 * log10(fmax(svf_power(num, den), 1e-30));
	}
}

static const struct mixd_node_type dc_type = {
	.id = "dc",
	.doc = "Takes away DC and what moves slower than sound",
	.category = "repair",
	.source = "Smith, Introduction to Digital Filters, 2007, DC Blocker",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(dc_ports),
	.params = MIXD_ARRAY(dc_params),
	.configs = MIXD_ARRAY(dc_configs),
	.needs = dc_needs,
	.activate = dc_activate,
	.update = dc_update,
	.process = dc_process,
	.reset = dc_reset,
	.response = dc_response,
};

MIXD_MODULE(&dc_type);
