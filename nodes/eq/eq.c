/* eq - parametric equalizer, 32 bands.
 *
 * Source: M. Vicanek, matched second order filters, 2016 and 2024 (../dsp/eq_design.c); V.
 * Zavalishin, The Art of VA Filter Design, 2018 (../dsp/svf.h); ITU-R BS.1770-4 for the weighting of
 * auto gain.
 *
 * Structure: bands become sections, sections stand in lists (../dsp/eq_list.h), lists run side by
 * side over lanes (../dsp/eq_bank.h). There are three pairs of lists: first channel, second channel,
 * and all further ones; of each pair one runs on left/right and one on mid/side. A channel therefore
 * hears its stereo, left and right bands first and its mid and side bands after them. One structure
 * serves moving and resting bands, so nothing is crossfaded or swapped. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "eq_bank.h"
#include "eq_curve.h"
#include "eq_design.h"
#include "eq_list.h"
#include "glide.h"

#include "eq_tables.h"

#include <mixd/rt.h>

#define EQ_LISTS 3u /* first channel, second, all further ones */
#define EQ_GRID 30u /* frequencies at which auto gain looks: third octaves */
#define EQ_TAIL_S 20.0

enum { EQ_PLAIN, EQ_MID_SIDE, EQ_DOMAINS };

struct eq_band_state {
	struct eq_band band;
	bool active;
	uint32_t channel;
	uint32_t n_sections;
};

struct eq_state {
	/* --- immutable after init --- */
	uint32_t max_sections, channels, n_domains;
	/* --- rt: what process() needs, in one cache line --- */
	uint32_t n_plain, n_plain_rest, n_mid_side; /* longest lists: all, third pair, mid/side */
	uint32_t cell_frames, cell_done;
	bool moving, gains;
	/* --- immutable after init --- */
	double grid_tangent[EQ_GRID], grid_weight[EQ_GRID];
	/* --- rt --- */
	struct eq_band_state band[EQ_BANDS];
	struct svf_section section[EQ_KEYS];
	union eq_coef target[EQ_KEYS];
	struct eq_list list[EQ_LISTS][EQ_DOMAINS];
	struct eq_slot *scratch;
	double *scratch_words;
	double gain, gain_start; /* at the ends of the current cell */
	double auto_db, auto_part; /* auto gain, and how much of it is in: 0..1 */
	double auto_part_start;
	bool lists_stale, auto_stale;
	uint32_t dropped;
};

/* ---- life -------------------------------------------------------------------------------------- */

static uint32_t eq_channels(const struct mixd_setup *setup)
{
	return setup->out_layout[0]->n_channels;
}

static uint32_t eq_max_sections(const struct mixd_setup *setup)
{
	return (uint32_t)setup->config[0].number;
}

static int eq_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		    struct mixd_fault *fault)
{
	uint32_t max = eq_max_sections(setup), channels = eq_channels(setup);
	uint32_t n_domains = channels > 1 ? EQ_DOMAINS : 1;
	uint32_t n_lists = channels < EQ_LISTS ? channels : EQ_LISTS;

	ret_need->state_bytes = sizeof(struct eq_state) +
				(n_lists * n_domains + 1) * max * sizeof(struct eq_slot) +
				max * SVF_STATES * sizeof(double);
	ret_need->lane_state = n_domains * max * SVF_STATES;
	ret_need->lane_coef = EQ_BANK_GAIN_WORDS + n_domains * max * EQ_BANK_SECTION_WORDS;
	ret_need->shape = (uint64_t)max << 8 | channels;
	ret_need->tail = (uint64_t)(EQ_TAIL_S * setup->rate);
	return 0;
}

static int eq_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct eq_state *state = inst->state;
	struct eq_slot *slot = (struct eq_slot *)(state + 1);
	double total = 0.0;

	state->max_sections = eq_max_sections(inst->setup);
	state->channels = eq_channels(inst->setup);
	state->n_domains = state->channels > 1 ? EQ_DOMAINS : 1;
	for (uint32_t i = 0; i < EQ_LISTS && i < state->channels; i++) {
		for (uint32_t d = 0; d < state->n_domains; d++) {
			state->list[i][d] =
				(struct eq_list){.slot = slot, .max = state->max_sections};
			slot += state->max_sections;
		}
	}
	state->scratch = slot;
	state->scratch_words = (double *)(slot + state->max_sections);
	for (uint32_t i = 0; i < EQ_GRID; i++) {
		double freq_hz = 25.0 * pow(2.0, i / 3.0);

		state->grid_tangent[i] = tan(M_PI * fmin(freq_hz / inst->setup->rate, 0.49));
		state->grid_weight[i] =
			freq_hz < 0.5 * inst->setup->rate ? eq_curve_k_weight(freq_hz) : 0.0;
		total += state->grid_weight[i];
	}
	for (uint32_t i = 0; i < EQ_GRID; i++)
		state->grid_weight[i] /= total;
	state->lists_stale = true;
	return 0;
}

static void eq_reset(struct mixd_inst *inst)
{
	struct eq_state *state = inst->state;
	uint32_t words = state->n_domains * state->max_sections * SVF_STATES;

	for (uint32_t c = 0; c < state->channels; c++) {
		double *lane = lanes_at(inst, inst->lane_state, words, c);

		for (uint32_t k = 0; k < words; k++)
			lane[(size_t)k * inst->lane_width] = 0.0;
	}
	for (uint32_t i = 0; i < EQ_LISTS; i++)
		for (uint32_t d = 0; d < EQ_DOMAINS; d++)
			state->list[i][d].n = 0;
	memset(state->band, 0, sizeof(state->band));
	state->lists_stale = true;
}

/* ---- update: params to bands ------------------------------------------------------------------- */

static struct eq_band eq_band_of(const double *value)
{
	return (struct eq_band){
		.type = (enum eq_type)value[EQ_ROW_TYPE],
		.slope = (enum eq_slope)value[EQ_ROW_SLOPE],
		.freq_hz = value[EQ_ROW_FREQ],
		.gain_db = value[EQ_ROW_GAIN],
		.q = value[EQ_ROW_Q],
	};
}

static bool eq_same_band(const struct eq_band *a, const struct eq_band *b)
{
	return a->type == b->type && a->slope == b->slope && a->freq_hz == b->freq_hz &&
	       a->gain_db == b->gain_db && a->q == b->q;
}

static void eq_band_design(struct eq_state *state, uint32_t idx, double rate)
{
	struct eq_band_state *band = &state->band[idx];
	struct svf_section *section = &state->section[idx * EQ_BAND_SECTIONS];

	band->n_sections = eq_design(&band->band, rate, section);
	for (uint32_t j = 0; j < band->n_sections; j++)
		state->target[idx * EQ_BAND_SECTIONS + j].of = svf_coef_of(&section[j]);
}

/* Take one band's params; true when it changed. */
static bool eq_band_update(struct eq_state *state, uint32_t idx, const double *from,
			   const double *to, double rate)
{
	struct eq_band_state *band = &state->band[idx], old = *band;
	bool rests = eq_band_is_identity(
		&(struct eq_band){(enum eq_type)to[EQ_ROW_TYPE], 0, 0.0,
				  fmax(fabs(from[EQ_ROW_GAIN]), fabs(to[EQ_ROW_GAIN])), 1.0});

	band->active = to[EQ_ROW_ON] != 0.0 && !rests;
	band->channel = (uint32_t)to[EQ_ROW_CHANNEL];
	band->band = eq_band_of(to);
	if (!band->active && !old.active)
		return false;
	if (band->active && (!old.active || !eq_same_band(&old.band, &band->band)))
		eq_band_design(state, idx, rate);
	else if (band->active == old.active && band->channel == old.channel)
		return false;
	if (band->active != old.active || band->channel != old.channel ||
	    band->n_sections != old.n_sections)
		state->lists_stale = true;
	if (old.active && (band->band.type != old.band.type || band->band.slope != old.band.slope))
		for (uint32_t i = 0; i < EQ_LISTS * EQ_DOMAINS; i++)
			eq_list_glide(&state->list[i / EQ_DOMAINS][i % EQ_DOMAINS],
				      idx * EQ_BAND_SECTIONS, (idx + 1) * EQ_BAND_SECTIONS);
	return true;
}

/* ---- update: bands to lists -------------------------------------------------------------------- */

/* Does a band for CHANNEL run in list LIST of DOMAIN? A mono signal is its own left and mid. */
static bool eq_belongs(uint32_t channel, uint32_t list, uint32_t domain, uint32_t channels)
{
	if (channels == 1 && channel == EQ_CHANNEL_MID)
		channel = EQ_CHANNEL_LEFT;
	switch (channel) {
	case EQ_CHANNEL_STEREO:
		return domain == EQ_PLAIN;
	case EQ_CHANNEL_LEFT:
		return domain == EQ_PLAIN && list == 0;
	case EQ_CHANNEL_RIGHT:
		return domain == EQ_PLAIN && list == 1;
	case EQ_CHANNEL_MID:
		return domain == EQ_MID_SIDE && list == 0;
	default:
		return domain == EQ_MID_SIDE && list == 1;
	}
}

static uint32_t eq_wanted_keys(const struct eq_state *state, uint32_t list, uint32_t domain,
			       uint32_t keys[EQ_KEYS])
{
	uint32_t n = 0;

	for (uint32_t b = 0; b < EQ_BANDS; b++) {
		const struct eq_band_state *band = &state->band[b];

		if (!band->active || !eq_belongs(band->channel, list, domain, state->channels))
			continue;
		for (uint32_t j = 0; j < band->n_sections; j++)
			keys[n++] = b * EQ_BAND_SECTIONS + j;
	}
	return n;
}

static uint32_t eq_list_of(uint32_t channel)
{
	return channel < EQ_LISTS ? channel : EQ_LISTS - 1;
}

/* The filter memories follow their sections to their new places. N_BEFORE places were in use. */
static void eq_move_words(struct mixd_inst *inst, uint32_t list_idx, uint32_t domain,
			  uint32_t n_before)
{
	struct eq_state *state = inst->state;
	const struct eq_list *list = &state->list[list_idx][domain];
	const uint32_t words = state->n_domains * state->max_sections * SVF_STATES;
	const uint32_t coefs =
		EQ_BANK_GAIN_WORDS + state->n_domains * state->max_sections * EQ_BANK_SECTION_WORDS;
	const size_t width = inst->lane_width;

	for (uint32_t c = 0; c < state->channels; c++) {
		if (eq_list_of(c) != list_idx)
			continue;
		double *lane = lanes_at(inst, inst->lane_state, words, c) +
			       domain * state->max_sections * SVF_STATES * width;
		double *coef = lanes_at(inst, inst->lane_coef, coefs, c) +
			       (EQ_BANK_GAIN_WORDS +
				domain * state->max_sections * EQ_BANK_SECTION_WORDS) *
				       width;

		for (uint32_t k = 0; k < n_before * SVF_STATES; k++)
			state->scratch_words[k] = lane[k * width];
		for (uint32_t k = 0; k < list->n; k++) {
			uint32_t was = list->slot[k].was * SVF_STATES;
			bool fresh = list->slot[k].was == EQ_SLOT_FRESH;

			lane[2 * k * width] = fresh ? 0.0 : state->scratch_words[was];
			lane[(2 * k + 1) * width] = fresh ? 0.0 : state->scratch_words[was + 1];
		}
		for (uint32_t k = list->n * SVF_STATES; k < n_before * SVF_STATES; k++)
			lane[k * width] = 0.0;
		for (uint32_t k = list->n * EQ_BANK_SECTION_WORDS;
		     k < n_before * EQ_BANK_SECTION_WORDS; k++)
			coef[k * width] = 0.0;
	}
}

static void eq_rebuild_lists(struct mixd_inst *inst, bool jump)
{
	struct eq_state *state = inst->state;
	uint32_t keys[EQ_KEYS], dropped = 0;
	uint32_t n_lists = state->channels < EQ_LISTS ? state->channels : EQ_LISTS;

	for (uint32_t i = 0; i < n_lists; i++) {
		for (uint32_t d = 0; d < state->n_domains; d++) {
			struct eq_list *list = &state->list[i][d];
			uint32_t before = list->n, n = eq_wanted_keys(state, i, d, keys);
			uint32_t left =
				eq_list_merge(list, state->scratch, keys, n, state->target, jump);

			dropped = left > dropped ? left : dropped;
			eq_move_words(inst, i, d, before);
		}
	}
	state->dropped = dropped;
	/* Who found no room tries again when another has left. */
	state->lists_stale = false;
}

/* ---- update: the gain -------------------------------------------------------------------------- */

/* |H|^2 of a list's sections, as designed, at one frequency. */
static double eq_list_power(const struct eq_state *state, const struct eq_list *list,
			    double tangent)
{
	double num[2] = {1.0, 0.0}, den[2] = {1.0, 0.0};

	for (uint32_t i = 0; i < list->n; i++)
		if (!list->slot[i].leaving)
			svf_multiply_response(&state->section[list->slot[i].key], tangent, num,
					      den);
	return svf_power(num, den);
}

/* The gain that gives pink noise, alike and independent in all channels, its K-weighted power back. */
static double eq_auto_gain_db(const struct eq_state *state)
{
	uint32_t n_lists = state->channels < EQ_LISTS ? state->channels : EQ_LISTS;
	double sum = 0.0;

	for (uint32_t f = 0; f < EQ_GRID; f++) {
		double tangent = state->grid_tangent[f], power[EQ_LISTS] = {0.0}, mean = 0.0;

		for (uint32_t i = 0; i < n_lists; i++)
			power[i] = eq_list_power(state, &state->list[i][EQ_PLAIN], tangent);
		if (n_lists > 1) {
			double both = 0.5 * (power[0] + power[1]);

			power[0] =
				both * eq_list_power(state, &state->list[0][EQ_MID_SIDE], tangent);
			power[1] =
				both * eq_list_power(state, &state->list[1][EQ_MID_SIDE], tangent);
		}
		for (uint32_t c = 0; c < state->channels; c++)
			mean += power[eq_list_of(c)];
		sum += state->grid_weight[f] * mean / state->channels;
	}
	return -10.0 * log10(fmax(sum, 1e-6));
}

/* True while it moves. */
static bool eq_gain_update(struct mixd_inst *inst, const struct mixd_update *update, double step)
{
	struct eq_state *state = inst->state;
	bool wanted = update->to[EQ_PARAM_AUTO_GAIN] != 0.0;
	double part = state->auto_part;

	state->auto_part_start = part;
	state->auto_part = glide_toward(part, wanted, step);
	if (state->auto_part > 0.0 && state->auto_stale) {
		state->auto_db = eq_auto_gain_db(state);
		state->auto_stale = false;
	}
	part = state->auto_part;

	double auto_db = state->auto_db * glide_smooth(part);
	double gain = pow(10.0, (update->to[EQ_PARAM_OUTPUT] + auto_db) / 20.0) - 1.0;

	state->gain_start = update->jump ? gain : state->gain;
	state->gain = gain;
	inst->meter[EQ_METER_AUTO_GAIN] = auto_db;
	return state->gain != state->gain_start || (part > 0.0 && part < 1.0);
}

/* ---- update ------------------------------------------------------------------------------------ */

static void eq_write(struct mixd_inst *inst, uint32_t cell_frames)
{
	struct eq_state *state = inst->state;
	const uint32_t domain_words = state->max_sections * EQ_BANK_SECTION_WORDS;
	const size_t width = inst->lane_width;

	for (uint32_t c = 0; c < state->channels; c++) {
		double *lane = lanes_at(inst, inst->lane_coef,
					EQ_BANK_GAIN_WORDS + state->n_domains * domain_words, c);

		lane[0] = state->gain_start;
		lane[width] = (state->gain - state->gain_start) / cell_frames;
		for (uint32_t d = 0; d < state->n_domains; d++)
			eq_list_write(&state->list[eq_list_of(c)][d], cell_frames,
				      lane + (EQ_BANK_GAIN_WORDS + d * domain_words) * width,
				      inst->lane_width);
	}
}

/* An event may end a cell early: everything goes on from where it is. */
static void eq_cut_cell(struct eq_state *state)
{
	double part = (double)state->cell_done / state->cell_frames;

	for (uint32_t i = 0; i < EQ_LISTS * EQ_DOMAINS; i++)
		eq_list_cut(&state->list[i / EQ_DOMAINS][i % EQ_DOMAINS], part);
	state->gain = state->gain_start + (state->gain - state->gain_start) * part;
	state->auto_part =
		state->auto_part_start + (state->auto_part - state->auto_part_start) * part;
}

/* Sum up for process(). */
static void eq_summarize(struct eq_state *state, bool moving)
{
	state->n_plain = state->n_mid_side = 0;
	for (uint32_t i = 0; i < EQ_LISTS; i++) {
		if (state->list[i][EQ_PLAIN].n > state->n_plain)
			state->n_plain = state->list[i][EQ_PLAIN].n;
		if (state->list[i][EQ_MID_SIDE].n > state->n_mid_side)
			state->n_mid_side = state->list[i][EQ_MID_SIDE].n;
	}
	state->n_plain_rest = state->list[EQ_LISTS - 1][EQ_PLAIN].n;
	state->gains = state->gain != 0.0 || state->gain_start != 0.0;
	state->moving = moving;
}

static bool eq_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct eq_state *state = inst->state;
	const double rate = inst->setup->rate;
	const double step = glide_step(GLIDE_S, update, rate);
	bool moving = false;

	if (state->moving && state->cell_done < state->cell_frames)
		eq_cut_cell(state);
	state->cell_frames = update->cell_frames;
	state->cell_done = 0;
	for (uint32_t b = 0; b < EQ_BANDS; b++) {
		uint32_t row = EQ_PARAM_BANDS + b * EQ_ROW_COUNT;

		if (eq_band_update(state, b, update->from + row, update->to + row, rate))
			state->auto_stale = true;
	}
	for (uint32_t i = 0; i < EQ_LISTS * EQ_DOMAINS; i++)
		if (eq_list_has_left(&state->list[i / EQ_DOMAINS][i % EQ_DOMAINS]))
			state->lists_stale = true;
	if (state->lists_stale) {
		eq_rebuild_lists(inst, update->jump);
		state->auto_stale = true;
	}
	for (uint32_t i = 0; i < EQ_LISTS * EQ_DOMAINS; i++)
		moving |= eq_list_advance(&state->list[i / EQ_DOMAINS][i % EQ_DOMAINS],
					  state->target, step, update->jump);
	moving |= eq_gain_update(inst, update, step);
	eq_write(inst, update->cell_frames);
	inst->meter[EQ_METER_DROPPED] = state->dropped;
	eq_summarize(state, moving);
	return moving;
}

/* ---- process ----------------------------------------------------------------------------------- */

/* What one instance adds to the job of the block that begins with its channel FIRST_CHANNEL, at lane
 * LANE of it. */
static void eq_job_add(struct eq_bank_job *job, const struct eq_state *state,
		       uint32_t first_channel, uint32_t lane)
{
	uint32_t n_plain = first_channel ? state->n_plain_rest : state->n_plain;

	if (n_plain > job->n_plain)
		job->n_plain = n_plain;
	if (state->n_mid_side && first_channel == 0) {
		job->mid_side_lanes |= 3u << lane;
		if (state->n_mid_side > job->n_mid_side)
			job->n_mid_side = state->n_mid_side;
	}
	job->moving |= state->moving;
	job->gain |= state->gains;
}

static void eq_process(const struct mixd_call *call)
{
	const struct mixd_bank *bank = call->bank;
	const struct eq_state *first = call->inst[0]->state;
	const uint32_t state_words = first->n_domains * first->max_sections * SVF_STATES;
	const uint32_t coef_words =
		EQ_BANK_GAIN_WORDS + first->n_domains * first->max_sections * EQ_BANK_SECTION_WORDS;

	for (uint32_t b = 0; b < bank->n_blocks; b++) {
		struct eq_bank_job job = {
			.in = bank->in + b * bank->width,
			.out = bank->out + b * bank->width,
			.state = lanes_block(bank, bank->state, state_words, b),
			.coef = lanes_block(bank, bank->coef, coef_words, b),
			.max_sections = first->max_sections,
		};

		if (bank->channels > MIXD_LANES_MAX)
			eq_job_add(&job, first, b * bank->width, 0);
		for (uint32_t i = 0; bank->channels <= MIXD_LANES_MAX && i < call->n_inst; i++)
			eq_job_add(&job, call->inst[i]->state, 0, i * bank->channels);
		eq_bank_run(bank->width, &job, call->n_frames);
	}
	for (uint32_t i = 0; i < call->n_inst; i++) {
		struct eq_state *state = call->inst[i]->state;

		if (state->moving)
			state->cell_done += call->n_frames;
	}
}

/* ---- response ---------------------------------------------------------------------------------- */

static void eq_response(const struct mixd_response *query, double *ret_db)
{
	const double *params = query->params, rate = query->rate;
	uint32_t channel = query->channel;

	for (uint32_t i = 0; i < query->n; i++) {
		double tangent = svf_tangent(query->freq_hz[i], rate);
		/* plain, mid, side: numerator and denominator */
		double num[3][2] = {{1, 0}, {1, 0}, {1, 0}}, den[3][2] = {{1, 0}, {1, 0}, {1, 0}};

		for (uint32_t b = 0; b < EQ_BANDS; b++) {
			const double *value = params + EQ_PARAM_BANDS + b * EQ_ROW_COUNT;
			struct eq_band band = eq_band_of(value);
			struct svf_section section[EQ_BAND_SECTIONS];
			uint32_t where = (uint32_t)value[EQ_ROW_CHANNEL], part = 0;

			if (value[EQ_ROW_ON] == 0.0 || eq_band_is_identity(&band))
				continue;
			if (where == EQ_CHANNEL_MID || where == EQ_CHANNEL_SIDE)
				part = channel < 2 ? where - EQ_CHANNEL_MID + 1 : 3;
			else if (where != EQ_CHANNEL_STEREO && where - EQ_CHANNEL_LEFT != channel)
				part = 3;
			for (uint32_t j = 0, m = eq_design(&band, rate, section); part < 3 && j < m;
			     j++)
				svf_multiply_response(&section[j], tangent, num[part], den[part]);
		}
		/* Alone in its channel, a signal is half mid and half side. */
		double re = 0.0, im = 0.0;

		for (uint32_t k = 1; k < 3; k++) {
			double d = den[k][0] * den[k][0] + den[k][1] * den[k][1];

			re += 0.5 * (num[k][0] * den[k][0] + num[k][1] * den[k][1]) / d;
			im += 0.5 * (num[k][1] * den[k][0] - num[k][0] * den[k][1]) / d;
		}
		double plain = (num[0][0] * num[0][0] + num[0][1] * num[0][1]) /
			       (den[0][0] * den[0][0] + den[0][1] * den[0][1]);

		ret_db[i] = params[EQ_PARAM_OUTPUT] +
			    10.0 * log10(fmax(plain * (re * re + im * im), 1e-30));
	}
}

static const struct mixd_node_type eq_type = {
	.id = "eq",
	.doc = "Parametric equalizer: 32 bands without cramping, per channel or on mid and side",
	.category = "eq",
	.source = "Vicanek 2016, 2024; Zavalishin 2018, section 4; BS.1770-4 (auto gain)",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(eq_ports),
	.params = MIXD_ARRAY(eq_params),
	.configs = MIXD_ARRAY(eq_configs),
	.meters = MIXD_ARRAY(eq_meters),
	.needs = eq_needs,
	.activate = eq_activate,
	.update = eq_update,
	.process = eq_process,
	.reset = eq_reset,
	.response = eq_response,
};

MIXD_MODULE(&eq_type);
