/* geq.c - graphic equalizer, 31 bands a third of an octave apart.
 *
 * SOURCE      Valimaki, Liski, "Accurate cascade graphic equalizer", IEEE SPL 24(2), 2017; matched
 *             bells of Vicanek, 2016 (../dsp/geq_design.c).
 * STRUCTURE   31 sections over the lanes of a bank (../dsp/eq_bank.h), the same on all channels. While
 *             sliders move, each cell makes one step from the bells' gains of the last; where they
 *             rest, the gains are solved for from nothing, so that a setting sounds alike however it
 *             was reached. With all sliders at 0 nothing runs. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "eq_bank.h"
#include "geq_design.h"
#include "section_set.h"

#include <mixd/rt.h>

#define GEQ_STATE_WORDS (GEQ_BANDS * SVF_STATES)
#define GEQ_COEF_WORDS (EQ_BANK_GAIN_WORDS + GEQ_BANDS * EQ_BANK_SECTION_WORDS)
#define GEQ_RANGE_DB 12 /* beyond, the curve strays by more than 1 dB between centres */
#define GEQ_TAIL_S 4.0

static const struct mixd_port_row geq_ports[] = {
	{"in", "What is equalized", false, MIXD_PORT_MAIN, NULL},
	{"out", "The equalized signal", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row geq_params[] = {
	{"gain",
	 "Level at the band's centre: band1 20 Hz, band2 25 Hz, then 31.5 40 50 63 80 100 125 160 "
	 "200 "
	 "250 315 400 500 630 800 Hz, band18 1 kHz, 1.25 1.6 2 2.5 3.15 4 5 6.3 8 10 12.5 16 kHz, "
	 "band31 20 kHz",
	 MIXD_TYPE_FLOAT, MIXD_UNIT_DB, -GEQ_RANGE_DB, GEQ_RANGE_DB, 0, MIXD_RAMP_LINEAR, 20, NULL,
	 "band", GEQ_BANDS, NULL},
};

struct geq_state {
	struct geq_tables tables;
	uint32_t channels;
	double wanted_db[GEQ_ROOM]; /* what bell_db was made for */
	double bell_db[GEQ_ROOM];
	bool solved; /* from nothing */
	struct section_set set;
	struct section_set_slot slot[GEQ_BANDS];
};

static int geq_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		     struct mixd_fault *fault)
{
	ret_need->state_bytes = sizeof(struct geq_state);
	ret_need->lane_state = GEQ_STATE_WORDS;
	ret_need->lane_coef = GEQ_COEF_WORDS;
	ret_need->tail = (uint64_t)(GEQ_TAIL_S * setup->rate);
	return 0;
}

static int geq_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct geq_state *state = inst->state;

	geq_prepare(&state->tables, inst->setup->rate);
	state->channels = inst->setup->out_layout[0]->n_channels;
	state->set = (struct section_set){.slot = state->slot, .n = GEQ_BANDS};
	return 0;
}

static void geq_clear(struct mixd_inst *inst)
{
	const struct geq_state *state = inst->state;

	for (uint32_t c = 0; c < state->channels; c++) {
		double *memory = lanes_at(inst, inst->lane_state, GEQ_STATE_WORDS, c);
		double *coef = lanes_at(inst, inst->lane_coef, GEQ_COEF_WORDS, c);

		for (uint32_t k = 0; k < GEQ_STATE_WORDS; k++)
			memory[(size_t)k * inst->lane_width] = 0.0;
		for (uint32_t k = 0; k < GEQ_COEF_WORDS; k++)
			coef[(size_t)k * inst->lane_width] = 0.0;
	}
}

static void geq_reset(struct mixd_inst *inst)
{
	struct geq_state *state = inst->state;

	geq_clear(inst);
	memset(state->slot, 0, sizeof(state->slot));
	memset(state->wanted_db, 0, sizeof(state->wanted_db));
	memset(state->bell_db, 0, sizeof(state->bell_db));
	state->solved = false;
	state->set = (struct section_set){.slot = state->slot, .n = GEQ_BANDS};
}

/* True when all sliders that the rate has room for are at 0. */
static bool geq_is_flat(const struct geq_state *state, const double *gain_db)
{
	for (uint32_t b = 0; b < state->tables.n; b++)
		if (gain_db[b] != 0.0)
			return false;
	return true;
}

/* The bells' gains for the end of the cell. */
static void geq_follow(struct geq_state *state, const struct mixd_update *update)
{
	size_t size = GEQ_BANDS * sizeof(double);
	bool rests = update->jump || memcmp(update->from, update->to, size) == 0;
	bool same = memcmp(update->to, state->wanted_db, size) == 0;

	if (same && (state->solved || !rests))
		return;
	memcpy(state->wanted_db, update->to, size);
	if (rests)
		geq_solve(&state->tables, state->wanted_db, state->bell_db);
	else
		geq_step(&state->tables, state->wanted_db, state->bell_db);
	state->solved = rests;
}

static bool geq_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct geq_state *state = inst->state;
	union section_word target[GEQ_BANDS];
	struct svf_section section[GEQ_BANDS];
	bool flat = geq_is_flat(state, update->to), clear, moving;

	if (flat && !state->set.active && !update->jump)
		return false;
	geq_follow(state, update);
	geq_sections(&state->tables, state->bell_db, section);
	for (uint32_t b = 0; b < GEQ_BANDS; b++) {
		target[b].of = svf_coef_of(&section[b]);
		if (flat)
			target[b].of.d0 = target[b].of.d1 = target[b].of.d2 = 0.0;
	}
	moving = section_set_update(&state->set, target, flat, update->jump, update->cell_frames,
				    &clear);
	if (clear)
		geq_clear(inst);
	for (uint32_t c = 0; state->set.active && c < state->channels; c++)
		section_set_write(&state->set,
				  lanes_at(inst, inst->lane_coef, GEQ_COEF_WORDS, c) +
					  (size_t)EQ_BANK_GAIN_WORDS * inst->lane_width,
				  inst->lane_width);
	return moving;
}

static void geq_process(const struct mixd_call *call)
{
	const struct mixd_bank *bank = call->bank;
	struct eq_bank_job job = {.max_sections = GEQ_BANDS};

	for (uint32_t i = 0; i < call->n_inst; i++) {
		struct geq_state *state = call->inst[i]->state;

		if (state->set.active && state->tables.n > job.n_plain)
			job.n_plain = state->tables.n;
		job.moving |= state->set.moving;
		section_set_advance(&state->set, call->n_frames);
	}
	for (uint32_t b = 0; b < bank->n_blocks; b++) {
		job.in = bank->in + b * bank->width;
		job.out = bank->out + b * bank->width;
		job.state = lanes_block(bank, bank->state, GEQ_STATE_WORDS, b);
		job.coef = lanes_block(bank, bank->coef, GEQ_COEF_WORDS, b);
		eq_bank_run(bank->width, &job, call->n_frames);
	}
}

static void geq_response(const struct mixd_response *query, double *ret_db)
{
	struct geq_tables tables;
	double bell_db[GEQ_ROOM] = {0.0};
	struct svf_section section[GEQ_BANDS];

	geq_prepare(&tables, query->rate);
	geq_solve(&tables, query->params, bell_db);
	geq_sections(&tables, bell_db, section);
	for (uint32_t i = 0; i < query->n; i++) {
		double tangent = svf_tangent(query->freq_hz[i], query->rate);
		double power = 1.0;

		for (uint32_t b = 0; b < tables.n; b++) {
			double num[2] = {1, 0}, den[2] = {1, 0};

			svf_multiply_response(&section[b], tangent, num, den);
			power *= svf_power(num, den);
		}
		ret_db[i] = 10.0 * log10(fmax(power, 1e-30));
	}
}

static const struct mixd_node_type geq_type = {
	.id = "geq",
	.doc = "Graphic equalizer, 31 bands: the curve that is drawn is the curve",
	.category = "eq",
	.source = "Valimaki, Liski, IEEE SPL 24(2), 2017; Vicanek, 2016",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(geq_ports),
	.params = MIXD_ARRAY(geq_params),
	.needs = geq_needs,
	.activate = geq_activate,
	.update = geq_update,
	.process = geq_process,
	.reset = geq_reset,
	.response = geq_response,
};

MIXD_MODULE(&geq_type);
