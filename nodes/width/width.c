/* width.c - how wide a stereo picture is, and mono where it must be.
 *
 * SOURCE      Mid and side of Blumlein (GB 394325, 1933). Width w: side times w; with the law
 *             `power` both times sqrt(2 / (1 + w^2)), so that alike powers of mid and side keep
 *             their sum. Mono bass: the side goes through a Linkwitz-Riley high-pass of 24 dB/oct
 *             (Linkwitz, JAES 24(1), 1976), the mid through the all-pass of second order, Q 0.7071,
 *             that has exactly its phase: low plus high of such a crossover are this all-pass
 *             (D'Appolito, JAES 35(4), 1987), so left and right stay as they were above.
 * STRUCTURE   All of it is the mid and the side list of an eq_bank: one section on mid, two on side,
 *             the gains folded into the last of each. At 100 % without mono bass nothing runs. */
#include <mixd/node.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "eq_bank.h"
#include "glide.h"
#include "section_set.h"

#include <mixd/rt.h>

#define WIDTH_SECTIONS 2u /* per list */
#define WIDTH_MONO_OFF_HZ 20.0
#define WIDTH_STATE_WORDS (2u * WIDTH_SECTIONS * SVF_STATES)
#define WIDTH_COEF_WORDS (EQ_BANK_GAIN_WORDS + 2u * WIDTH_SECTIONS * EQ_BANK_SECTION_WORDS)
#define WIDTH_TAIL_S 3.0

static const char *const width_laws[] = {"power", "plain", NULL};

static const struct mixd_port_row width_ports[] = {
	{"in", "Stereo", false, MIXD_PORT_MAIN, NULL},
	{"out", "Stereo, narrower or wider", true, MIXD_PORT_MAIN, NULL},
};

enum { WIDTH_PARAM_WIDTH, WIDTH_PARAM_MONO_BELOW };

static const struct mixd_param_row width_params[] = {
	{"width", "0 % is mono, 100 % as it was, 200 % twice the side", MIXD_TYPE_FLOAT,
	 MIXD_UNIT_PERCENT, 0, 200, 100, MIXD_RAMP_LINEAR, 20, NULL, NULL, 0, NULL},
	{"mono_below", "Both sides are alike below this; at 20 Hz it is off", MIXD_TYPE_FLOAT,
	 MIXD_UNIT_HZ, WIDTH_MONO_OFF_HZ, 300, WIDTH_MONO_OFF_HZ, MIXD_RAMP_LOG, 20, NULL, NULL, 0,
	 NULL},
};

static const struct mixd_config_row width_configs[] = {
	{"law", "power keeps the loudness of a usual mix, plain only moves the side",
	 MIXD_TYPE_ENUM, MIXD_UNIT_NONE, 0, 1, 0, NULL, width_laws, false},
};

enum { WIDTH_MID, WIDTH_SIDE, WIDTH_LISTS };

struct width_state {
	struct section_set set[WIDTH_LISTS];
	struct section_set_slot slot[WIDTH_LISTS][WIDTH_SECTIONS];
	double mono_part; /* how much of the mono bass is in */
	double mono_hz; /* kept while it goes out */
	bool plain;
};

static int width_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		       struct mixd_fault *fault)
{
	if (setup->out_layout[0]->n_channels != 2) {
		snprintf(fault->text, sizeof(fault->text), "width takes stereo, not %s",
			 setup->out_layout[0]->name);
		snprintf(fault->hint, sizeof(fault->hint), "set layout=stereo, or leave width out");
		return -EINVAL;
	}
	ret_need->state_bytes = sizeof(struct width_state);
	ret_need->lane_state = WIDTH_STATE_WORDS;
	ret_need->lane_coef = WIDTH_COEF_WORDS;
	ret_need->tail = (uint64_t)(WIDTH_TAIL_S * setup->rate);
	return 0;
}

static int width_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct width_state *state = inst->state;

	state->plain = inst->setup->config[0].number > 0.5;
	for (uint32_t i = 0; i < WIDTH_LISTS; i++) {
		state->set[i].slot = state->slot[i];
		state->set[i].n = WIDTH_SECTIONS;
	}
	return 0;
}

static void width_clear_lane(struct mixd_inst *inst, uint32_t channel)
{
	double *memory = lanes_at(inst, inst->lane_state, WIDTH_STATE_WORDS, channel);
	double *coef = lanes_at(inst, inst->lane_coef, WIDTH_COEF_WORDS, channel);

	for (uint32_t k = 0; k < WIDTH_STATE_WORDS; k++)
		memory[(size_t)k * inst->lane_width] = 0.0;
	for (uint32_t k = 0; k < WIDTH_COEF_WORDS; k++)
		coef[(size_t)k * inst->lane_width] = 0.0;
}

static void width_reset(struct mixd_inst *inst)
{
	struct width_state *state = inst->state;

	for (uint32_t i = 0; i < WIDTH_LISTS; i++) {
		width_clear_lane(inst, i);
		state->set[i] = (struct section_set){.slot = state->slot[i], .n = WIDTH_SECTIONS};
		for (uint32_t k = 0; k < WIDTH_SECTIONS; k++)
			state->slot[i][k] = (struct section_set_slot){0};
	}
	state->mono_part = state->mono_hz = 0.0;
}

/* The mono bass comes and goes in 20 ms. Returns how much of it is in at the end of the cell. */
static double width_mono(struct width_state *state, const struct mixd_update *update, double rate)
{
	double hz = update->to[WIDTH_PARAM_MONO_BELOW];
	bool wanted = hz > WIDTH_MONO_OFF_HZ;

	state->mono_part = glide_switch(state->mono_part, wanted, update, rate);
	if (wanted || state->mono_hz == 0.0)
		state->mono_hz = hz;
	return glide_smooth(state->mono_part);
}

static void width_target(const struct width_state *state, double width, double mono, double rate,
			 union section_word target[WIDTH_LISTS][WIDTH_SECTIONS])
{
	double g = tan(M_PI * fmin(state->mono_hz / rate, 0.45));
	const struct svf_section allpass = {.g = g, .k = M_SQRT2, 1.0, -M_SQRT2, 1.0};
	const struct svf_section highpass = {.g = g, .k = M_SQRT2, .b2 = 1.0};
	double both = state->plain ? 1.0 : sqrt(2.0 / (1.0 + width * width));
	struct svf_coef mid = svf_coef_of(&allpass), side = svf_coef_of(&highpass);

	mid = section_part(&mid, mono);
	side = section_part(&side, mono);
	target[WIDTH_MID][0].of = section_scaled(&mid, both);
	target[WIDTH_MID][1].of = (struct svf_coef){0};
	target[WIDTH_SIDE][0].of = side;
	target[WIDTH_SIDE][1].of = section_scaled(&side, width == 0.0 ? 0.0 : both * width);
}

static bool width_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct width_state *state = inst->state;
	double width = update->to[WIDTH_PARAM_WIDTH] / 100.0;
	double mono = width_mono(state, update, inst->setup->rate);
	union section_word target[WIDTH_LISTS][WIDTH_SECTIONS];
	bool moving = state->mono_part > 0.0 && state->mono_part < 1.0;

	width_target(state, width, mono, inst->setup->rate, target);
	for (uint32_t i = 0; i < WIDTH_LISTS; i++) {
		struct section_set *set = &state->set[i];
		bool clear;

		moving |= section_set_update(set, target[i], width == 1.0 && mono == 0.0,
					     update->jump, update->cell_frames, &clear);
		if (clear)
			width_clear_lane(inst, i);
		else if (set->active)
			section_set_write(set,
					  lanes_at(inst, inst->lane_coef, WIDTH_COEF_WORDS, i) +
						  (EQ_BANK_GAIN_WORDS +
						   WIDTH_SECTIONS * EQ_BANK_SECTION_WORDS) *
							  inst->lane_width,
					  inst->lane_width);
	}
	return moving;
}

static void width_process(const struct mixd_call *call)
{
	const struct mixd_bank *bank = call->bank;
	struct eq_bank_job job = {
		.in = bank->in,
		.out = bank->out,
		.state = lanes_block(bank, bank->state, WIDTH_STATE_WORDS, 0),
		.coef = lanes_block(bank, bank->coef, WIDTH_COEF_WORDS, 0),
		.max_sections = WIDTH_SECTIONS,
	};

	for (uint32_t i = 0; i < call->n_inst; i++) {
		struct width_state *state = call->inst[i]->state;

		for (uint32_t list = 0; list < WIDTH_LISTS; list++) {
			job.moving |= state->set[list].moving;
			if (state->set[list].active) {
				job.n_mid_side = WIDTH_SECTIONS;
				job.mid_side_lanes |= 3u << (2 * i);
			}
			section_set_advance(&state->set[list], call->n_frames);
		}
	}
	eq_bank_run(bank->width, &job, call->n_frames);
}

static const struct mixd_node_type width_type = {
	.id = "width",
	.doc = "Makes a stereo picture narrower or wider, and mono at low frequencies",
	.category = "space",
	.source = "Blumlein, GB 394325, 1933; Linkwitz, JAES 24(1), 1976; D'Appolito, JAES 35(4), "
		  "1987",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(width_ports),
	.params = MIXD_ARRAY(width_params),
	.configs = MIXD_ARRAY(width_configs),
	.needs = width_needs,
	.activate = width_activate,
	.update = width_update,
	.process = width_process,
	.reset = width_reset,
};

MIXD_MODULE(&width_type);
