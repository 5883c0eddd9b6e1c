/* automix - shares one gain among many microphones.
 *
 * SOURCE      D. Dugan, Automatic Microphone Mixing, JAES 23(6), 1975; US patents 3,814,856 and
 *             3,992,584, expired: each microphone is attenuated, in dB, by the level of the sum less
 *             its own level. In powers: g_i^2 = w_i P_i / sum of w_j P_j, so that the squares of all
 *             gains add up to 1, whoever speaks, and 3 dB between two of them become 6.
 * PORTS       One input and one output per microphone, and no sum: the automix stands where an insert
 *             would, behind gate and equalizer of each strip and before its fader and pan; `bus` does
 *             the sum. A port may have any layout (a stereo pair is one microphone); its channels
 *             share the gain, and the mean of them is what is measured.
 * STRUCTURE   200..4000 Hz of each microphone, mean square that rises with the attack and falls with
 *             the release, eight microphones to a block of lanes; then share and gain along time. A
 *             constant is added to each mean square, so that all share alike when nobody speaks.
 *             `on` microphones are at 0 dB and take no part; `mute` ones are off and take no part. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "dynglide.h"
#include "eq_bank.h"
#include "eq_design.h"
#include "level.h"

#include <mixd/rt.h>

#define AUTOMIX_MICS 32u
#define AUTOMIX_LOW_HZ 200.0
#define AUTOMIX_HIGH_HZ 4000.0
#define AUTOMIX_SECTIONS 2u
#define AUTOMIX_WIDTH MIXD_LANES_MAX
#define AUTOMIX_TAIL_S 10.0

enum { AUTOMIX_ATTACK, AUTOMIX_RELEASE, AUTOMIX_FLOOR, AUTOMIX_MIC };
enum { AUTOMIX_WEIGHT, AUTOMIX_MODE, AUTOMIX_ROWS };
enum { AUTOMIX_AUTO, AUTOMIX_ON, AUTOMIX_MUTE };

static const char *const automix_mode_labels[] = {"auto", "on", "mute", NULL};

static const struct mixd_port_row automix_ports[] = {
	{.id = "in", .doc = "Microphones", .layout = MIXD_PORT_MAIN, .count_config = "inputs"},
	{.id = "out",
	 .doc = "The same microphones, each with its share of the gain",
	 .is_output = true,
	 .layout = MIXD_PORT_MAIN,
	 .count_config = "inputs"},
};

static const struct mixd_param_row automix_params[] = {
	[AUTOMIX_ATTACK] = {.id = "attack",
			    .unit = MIXD_UNIT_MS,
			    .min = 1,
			    .max = 50,
			    .def = 10,
			    .doc = "Time in which a level rises by 63 %"},
	[AUTOMIX_RELEASE] = {.id = "release",
			     .unit = MIXD_UNIT_MS,
			     .min = 50,
			     .max = 1000,
			     .def = 200,
			     .doc = "Time in which a level falls by 63 %"},
	[AUTOMIX_FLOOR] =
		{.id = "floor",
		 .unit = MIXD_UNIT_DBFS,
		 .min = -90,
		 .max = -30,
		 .def = -65,
		 .ramp = MIXD_RAMP_LINEAR,
		 .smooth_ms = 20,
		 .doc = "Level below which microphones share alike: the noise of the room"},
	[AUTOMIX_MIC + AUTOMIX_WEIGHT] = {.id = "weight",
					  .unit = MIXD_UNIT_DB,
					  .min = -15,
					  .max = 15,
					  .ramp = MIXD_RAMP_LINEAR,
					  .smooth_ms = 20,
					  .group = "mic",
					  .count = AUTOMIX_MICS,
					  .doc = "How much louder this microphone counts"},
	[AUTOMIX_MIC + AUTOMIX_MODE] = {.id = "mode",
					.type = MIXD_TYPE_ENUM,
					.max = 2,
					.labels = automix_mode_labels,
					.group = "mic",
					.count = AUTOMIX_MICS,
					.doc = "auto shares, on is always at 0 dB, mute is off"},
};

static const struct mixd_config_row automix_configs[] = {
	{.id = "inputs",
	 .type = MIXD_TYPE_INT,
	 .min = 1,
	 .max = AUTOMIX_MICS,
	 .def = 8,
	 .doc = "Number of microphones: of input ports and of output ports"},
};

enum { AUTOMIX_METER_NOMS, AUTOMIX_METER_GAIN };

static const struct mixd_meter_row automix_meters[] = {
	[AUTOMIX_METER_NOMS] = {.id = "noms",
				.doc = "Number of open microphones: 1 for one talker, N for N that "
				       "share alike, and those that are on",
				.fold = MIXD_FOLD_LAST},
	[AUTOMIX_METER_GAIN] = {.id = "gain",
				.doc = "Gain of a microphone",
				.unit = MIXD_UNIT_DB,
				.fold = MIXD_FOLD_LAST,
				.count = AUTOMIX_MICS},
};

struct automix_mic {
	struct dyn_glide weight, takes_part, on; /* factor of power, 0..1, 0..1 */
	double part, on_part; /* of the switches */
	double last[AUTOMIX_ROWS]; /* params as last taken */
	bool moving;
};

struct automix_state {
	double coef[(EQ_BANK_GAIN_WORDS + AUTOMIX_SECTIONS * EQ_BANK_SECTION_WORDS) * AUTOMIX_WIDTH]
		__attribute__((aligned(64)));
	double filter[AUTOMIX_MICS / AUTOMIX_WIDTH][AUTOMIX_SECTIONS * SVF_STATES * AUTOMIX_WIDTH]
		__attribute__((aligned(64)));
	double power[AUTOMIX_MICS] __attribute__((aligned(64))); /* mean squares */
	float row[AUTOMIX_MICS][MIXD_SLICE_MAX] __attribute__((aligned(64)));
	/* --- immutable after init --- */
	uint32_t mics, channels; /* channels of each */
	/* --- rt --- */
	double up, down; /* share of the way per frame; up is the larger one */
	float floor_power;
	struct automix_mic mic[AUTOMIX_MICS];
	struct dyn_cell cell;
};

static int automix_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			 struct mixd_fault *fault)
{
	ret_need->state_bytes = sizeof(struct automix_state);
	ret_need->tail = (uint64_t)(AUTOMIX_TAIL_S * setup->rate);
	return 0;
}

static int automix_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	const struct eq_band band[AUTOMIX_SECTIONS] = {
		{EQ_TYPE_HIGHPASS, EQ_SLOPE_12, AUTOMIX_LOW_HZ, 0.0, M_SQRT1_2},
		{EQ_TYPE_LOWPASS, EQ_SLOPE_12, AUTOMIX_HIGH_HZ, 0.0, M_SQRT1_2},
	};
	struct automix_state *state = inst->state;

	state->mics = inst->setup->n_in_ports;
	state->channels = inst->setup->in_layout[0]->n_channels;
	for (uint32_t s = 0; s < AUTOMIX_SECTIONS; s++) {
		struct svf_section section[EQ_BAND_SECTIONS];
		struct svf_coef of;
		double coef[SVF_COEFS];

		eq_design(&band[s], inst->setup->rate, section);
		of = svf_coef_of(&section[0]);
		memcpy(coef, &of, sizeof(coef));
		for (uint32_t k = 0; k < SVF_COEFS * AUTOMIX_WIDTH; k++)
			state->coef[(EQ_BANK_GAIN_WORDS + s * EQ_BANK_SECTION_WORDS) *
					    AUTOMIX_WIDTH +
				    k] = coef[k / AUTOMIX_WIDTH];
	}
	return 0;
}

static void automix_reset(struct mixd_inst *inst)
{
	struct automix_state *state = inst->state;

	memset(state->filter, 0, sizeof(state->filter));
	memset(state->power, 0, sizeof(state->power));
}

static void automix_update_mic(struct automix_mic *mic, const struct dyn_cell *cell,
			       const double *to, const struct mixd_update *update, double rate)
{
	mic->part = glide_switch(mic->part, to[AUTOMIX_MODE] == AUTOMIX_AUTO, update, rate);
	mic->on_part = glide_switch(mic->on_part, to[AUTOMIX_MODE] == AUTOMIX_ON, update, rate);
	mic->moving = dyn_glide_to(&mic->weight, cell, pow(10.0, 0.1 * to[AUTOMIX_WEIGHT]), update);
	mic->moving |= dyn_glide_to(&mic->takes_part, cell, glide_smooth(mic->part), update);
	mic->moving |= dyn_glide_to(&mic->on, cell, glide_smooth(mic->on_part), update);
	memcpy(mic->last, to, sizeof(mic->last));
}

static bool automix_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct automix_state *state = inst->state;
	const double rate = inst->setup->rate, *to = update->to + AUTOMIX_MIC;
	bool moving = false;

	state->up = 1.0 - dyn_keep(update->to[AUTOMIX_ATTACK] * 0.001, rate);
	state->down = 1.0 - dyn_keep(update->to[AUTOMIX_RELEASE] * 0.001, rate);
	state->floor_power = (float)pow(10.0, 0.1 * update->to[AUTOMIX_FLOOR]);
	for (uint32_t m = 0; m < state->mics; m++, to += AUTOMIX_ROWS) {
		struct automix_mic *mic = &state->mic[m];

		if (update->jump || mic->moving || memcmp(mic->last, to, sizeof(mic->last)) != 0)
			automix_update_mic(mic, &state->cell, to, update, rate);
		moving = moving || mic->moving;
	}
	dyn_cell_begin(&state->cell, update);
	return moving;
}

/* ---- process ----------------------------------------------------------------------------------- */

/* The mean of a microphone's channels. */
static const float *automix_mono(const struct automix_state *state, const float *const *in,
				 float *row, uint32_t n)
{
	const float scale = 1.0f / (float)state->channels;

	if (state->channels == 1)
		return in[0];
	for (uint32_t i = 0; i < n; i++)
		row[i] = in[0][i] * scale;
	for (uint32_t c = 1; c < state->channels; c++)
		for (uint32_t i = 0; i < n; i++)
			row[i] += in[c][i] * scale;
	return row;
}

/* Lanes of powers to their means, in place: of the two steps the higher one is right. */
MIXD_CLONES static void automix_mean(double *power, double up, double down, float *x, uint32_t n)
{
	const double stay_up = 1.0 - up, stay_down = 1.0 - down;
	double y[AUTOMIX_WIDTH];

	memcpy(y, power, sizeof(y));
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < AUTOMIX_WIDTH; k++) {
			double in = (double)x[i * AUTOMIX_WIDTH + k];
			double a = stay_up * y[k] + up * in, b = stay_down * y[k] + down * in;

			y[k] = a > b ? a : b;
			x[i * AUTOMIX_WIDTH + k] = (float)y[k];
		}
	memcpy(power, y, sizeof(y));
}

/* Up to eight microphones from FIRST on: signal to mean power, in their rows. */
static void automix_measure(struct automix_state *state, const struct mixd_inst *inst,
			    uint32_t first, uint32_t n)
{
	static const float silence[MIXD_SLICE_MAX];
	float x[MIXD_SLICE_MAX * AUTOMIX_WIDTH] __attribute__((aligned(64)));
	float unused[MIXD_SLICE_MAX];
	const float *in[AUTOMIX_WIDTH], *row[AUTOMIX_WIDTH];
	float *out[AUTOMIX_WIDTH];
	struct eq_bank_job job = {
		.in = in,
		.out = out,
		.state = state->filter[first / AUTOMIX_WIDTH],
		.coef = state->coef,
		.max_sections = AUTOMIX_SECTIONS,
		.n_plain = AUTOMIX_SECTIONS,
	};

	for (uint32_t k = 0; k < AUTOMIX_WIDTH; k++) {
		bool used = first + k < state->mics;

		out[k] = used ? state->row[first + k] : unused;
		row[k] = used ? out[k] : silence;
		in[k] = used ? automix_mono(state, inst->in + (size_t)(first + k) * state->channels,
					    out[k], n)
			     : silence;
	}
	eq_bank_run(AUTOMIX_WIDTH, &job, n);
	for (uint32_t k = 0; k < AUTOMIX_WIDTH && first + k < state->mics; k++)
		dyn_power(out[k], out[k], n);
	dyn_to_lanes(row, x, AUTOMIX_WIDTH, n);
	automix_mean(state->power + first, state->up, state->down, x, n);
	dyn_from_lanes(x, out, AUTOMIX_WIDTH, n);
}

MIXD_INLINE float automix_line(const struct dyn_line *line, uint32_t frame)
{
	return line->at + line->step * (float)(int32_t)frame;
}

/* Mean power to what a microphone claims, in place; and the sum of all claims. */
MIXD_CLONES static void automix_claim(const struct automix_mic *mic, float floor_power,
				      uint32_t first, float *x, float *total, uint32_t n)
{
	const struct dyn_line weight = mic->weight.now, part = mic->takes_part.now;

	for (uint32_t i = 0; i < n; i++) {
		x[i] = (x[i] + floor_power) * automix_line(&weight, first + i) *
		       automix_line(&part, first + i);
		total[i] += x[i];
	}
}

/* Claim to gain, in place. */
MIXD_CLONES static void automix_gain(const struct automix_mic *mic, const float *total,
				     uint32_t first, float *x, uint32_t n)
{
	const struct dyn_line on = mic->on.now;

	for (uint32_t i = 0; i < n; i++) {
		float share = __builtin_sqrtf(x[i] / total[i]), at = automix_line(&on, first + i);

		x[i] = (1.0f - at) * share + at;
	}
}

static void automix_publish(const struct mixd_inst *inst, uint32_t frame)
{
	const struct automix_state *state = inst->state;
	double fourth = 0.0, second = 0.0, always = 0.0;

	for (uint32_t m = 0; m < AUTOMIX_MICS; m++) {
		double gain = m < state->mics ? (double)state->row[m][frame] : 0.0;
		double square = gain * gain;

		inst->meter[AUTOMIX_METER_GAIN + m] = level_of_amplitude(gain);
		if (m < state->mics && state->mic[m].on.now.at > 0.0f) {
			always += square;
			continue;
		}
		second += square;
		fourth += square * square;
	}
	inst->meter[AUTOMIX_METER_NOMS] = always + (fourth > 0.0 ? second * second / fourth : 0.0);
}

static void automix_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct automix_state *state = inst->state;
	float total[MIXD_SLICE_MAX] __attribute__((aligned(64)));
	const uint32_t n = call->n_frames;

	for (uint32_t first = 0; first < state->mics; first += AUTOMIX_WIDTH)
		automix_measure(state, inst, first, n);
	/* Nobody takes part: no division by 0. */
	for (uint32_t i = 0; i < n; i++)
		total[i] = 1e-30f;
	for (uint32_t m = 0; m < state->mics; m++)
		automix_claim(&state->mic[m], state->floor_power, state->cell.done, state->row[m],
			      total, n);
	for (uint32_t m = 0; m < state->mics; m++) {
		automix_gain(&state->mic[m], total, state->cell.done, state->row[m], n);
		for (uint32_t c = 0; c < state->channels; c++)
			dyn_apply(inst->in[m * state->channels + c], state->row[m],
				  inst->out[m * state->channels + c], n);
	}
	automix_publish(inst, n - 1);
	dyn_cell_advance(&state->cell, n);
}

static const struct mixd_node_type automix_type = {
	.id = "automix",
	.doc = "Shares one gain among up to 32 microphones, as Dugan does",
	.category = "dynamics",
	.source = "Dugan, JAES 23(6), 1975",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(automix_ports),
	.params = MIXD_ARRAY(automix_params),
	.configs = MIXD_ARRAY(automix_configs),
	.meters = MIXD_ARRAY(automix_meters),
	.needs = automix_needs,
	.activate = automix_activate,
	.update = automix_update,
	.process = automix_process,
	.reset = automix_reset,
};

MIXD_MODULE(&automix_type);
