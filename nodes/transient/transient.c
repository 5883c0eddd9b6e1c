/* transient - attack and sustain of sounds, whatever their level.
 *
 * SOURCE      The differential envelopes of the SPL Transient Designer (its manual, 1998): envelopes
 *             of different speed, subtracted as logarithms, so that only the shape counts.
 * STRUCTURE   Peak of the loudest channel, the highest of the last 12.5 ms (a steady tone of 40 Hz
 *             and more is then a constant), log2. Three envelopes: F rises in 1 ms and falls in 150,
 *             S rises in 25, L falls in 600. attack * (F - S) + sustain * (L - F), within +-12 dB, is
 *             smoothed over 1 ms and is the gain of all channels. Levels count from -120 dBFS up, so
 *             that silence is 0 and stays so. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "dynamics_math.h"
#include "sidechain_rows.h"
#include "slidemin.h"

#include <mixd/rt.h>

#define TRANSIENT_WINDOW_S 0.0125
#define TRANSIENT_QUICK_S 0.001
#define TRANSIENT_SLOW_S 0.025
#define TRANSIENT_FALL_S 0.15
#define TRANSIENT_LONG_FALL_S 0.6
#define TRANSIENT_SMOOTH_S 0.001
#define TRANSIENT_MOST_DB 12.0
#define TRANSIENT_TAIL_S 20.0

enum {
	TRANSIENT_ATTACK,
	TRANSIENT_SUSTAIN,
	TRANSIENT_KEY_HPF,
	TRANSIENT_KEY_LPF,
	TRANSIENT_KEY_LISTEN,
};

static const struct mixd_port_row transient_ports[] = {
	SIDECHAIN_PORTS("What is shaped", "What steers the gain, when linked; else the input does",
			"The shaped signal"),
};

static const struct mixd_param_row transient_params[] = {
	[TRANSIENT_ATTACK] = {SIDECHAIN_FLOAT("attack", MIXD_UNIT_PERCENT, -100, 100, 0,
					      MIXD_RAMP_LINEAR),
			      .doc = "How much harder (or softer) sounds begin"},
	[TRANSIENT_SUSTAIN] = {SIDECHAIN_FLOAT("sustain", MIXD_UNIT_PERCENT, -100, 100, 0,
					       MIXD_RAMP_LINEAR),
			       .doc = "How much longer (or shorter) sounds ring"},
	[TRANSIENT_KEY_HPF] = SIDECHAIN_KEY_HPF(SIDECHAIN_HPF_OFF_HZ),
	[TRANSIENT_KEY_LPF] = SIDECHAIN_KEY_LPF(SIDECHAIN_LPF_OFF_HZ),
	[TRANSIENT_KEY_LISTEN] = SIDECHAIN_KEY_LISTEN,
};

static const struct mixd_config_row transient_configs[] = {
	SIDECHAIN_LOOKAHEAD(10),
};

enum { TRANSIENT_METER_GR, TRANSIENT_METER_BOOST };

static const struct mixd_meter_row transient_meters[] = {
	[TRANSIENT_METER_GR] = SIDECHAIN_GR("Gain reduction of all channels"),
	[TRANSIENT_METER_BOOST] = {.id = "boost",
				   .doc = "Gain above 0 dB of all channels",
				   .unit = MIXD_UNIT_DB,
				   .fold = MIXD_FOLD_MAX},
};

/* A one-pole's share of the way per frame, up and down; up is the quicker one. */
struct transient_speed {
	double up, down;
};

enum { TRANSIENT_QUICK, TRANSIENT_SLOW, TRANSIENT_LONG, TRANSIENT_ENVELOPES };

struct transient_state {
	struct sidechain chain;
	struct slidemin highest; /* of -power */
	float before[SLIDEMIN_CHUNK]; /* -power of the last frames */
	struct dyn_glide attack, sustain;
	struct transient_speed speed[TRANSIENT_ENVELOPES];
	double envelope[TRANSIENT_ENVELOPES]; /* log2 above the floor */
	double gain, smooth; /* log2; share of the way per frame */
};

static uint32_t transient_delay(const struct mixd_setup *setup)
{
	return (uint32_t)lround(setup->config[0].number * 0.001 * setup->rate);
}

static uint32_t transient_window(const struct mixd_setup *setup)
{
	double frames = ceil(TRANSIENT_WINDOW_S * setup->rate);

	return (uint32_t)fmin(fmax(frames, SLIDEMIN_CHUNK), SLIDEMIN_WINDOW_MAX);
}

static int transient_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			   struct mixd_fault *fault)
{
	uint32_t delay = transient_delay(setup);

	ret_need->state_bytes = sizeof(struct transient_state) +
				sidechain_bytes(setup->out_layout[0]->n_channels,
						setup->in_layout[1]->n_channels, delay) +
				slidemin_floats(transient_window(setup)) * sizeof(float);
	ret_need->latency = delay;
	ret_need->tail = delay + (uint64_t)(TRANSIENT_TAIL_S * setup->rate);
	return 0;
}

static int transient_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct transient_state *state = inst->state;
	const struct mixd_setup *setup = inst->setup;
	uint32_t channels = setup->out_layout[0]->n_channels,
		 keys = setup->in_layout[1]->n_channels;
	uint32_t delay = transient_delay(setup);
	char *memory = (char *)(state + 1);
	const double rate = setup->rate;
	const double rise_s[] = {TRANSIENT_QUICK_S, TRANSIENT_SLOW_S, TRANSIENT_QUICK_S};
	const double fall_s[] = {TRANSIENT_FALL_S, TRANSIENT_FALL_S, TRANSIENT_LONG_FALL_S};

	sidechain_init(&state->chain, memory, channels, keys, delay);
	slidemin_init(&state->highest, transient_window(setup),
		      (float *)(memory + sidechain_bytes(channels, keys, delay)), 0.0f);
	slidemin_set_window(&state->highest, transient_window(setup));
	for (uint32_t k = 0; k < TRANSIENT_ENVELOPES; k++)
		state->speed[k] = (struct transient_speed){1.0 - dyn_keep(rise_s[k], rate),
							   1.0 - dyn_keep(fall_s[k], rate)};
	state->smooth = 1.0 - dyn_keep(TRANSIENT_SMOOTH_S, rate);
	return 0;
}

static void transient_reset(struct mixd_inst *inst)
{
	struct transient_state *state = inst->state;

	sidechain_reset(&state->chain);
	slidemin_reset(&state->highest, 0.0f);
	memset(state->before, 0, sizeof(state->before));
	memset(state->envelope, 0, sizeof(state->envelope));
	state->gain = 0.0;
}

static bool transient_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct transient_state *state = inst->state;
	const double rate = inst->setup->rate, *to = update->to;
	bool moving;

	moving = dyn_glide_to(&state->attack, &state->chain.cell, to[TRANSIENT_ATTACK] * 0.01,
			      update);
	moving |= dyn_glide_to(&state->sustain, &state->chain.cell, to[TRANSIENT_SUSTAIN] * 0.01,
			       update);
	sidechain_passes(&state->chain, to[TRANSIENT_KEY_HPF], to[TRANSIENT_KEY_LPF], rate);
	moving |= sidechain_update(&state->chain, to[TRANSIENT_KEY_LISTEN] != 0.0, update, rate);
	return moving;
}

/* Power to the highest level of the window, log2 above the floor. */
static void transient_level(struct transient_state *state, float *x, uint32_t n)
{
	float window[SLIDEMIN_CHUNK + MIXD_SLICE_MAX] __attribute__((aligned(64)));

	memcpy(window, state->before, sizeof(state->before));
	for (uint32_t i = 0; i < n; i++)
		window[SLIDEMIN_CHUNK + i] = -x[i];
	memcpy(state->before, window + n, sizeof(state->before));
	slidemin_run(&state->highest, window + SLIDEMIN_CHUNK, x, n);
	for (uint32_t i = 0; i < n; i++)
		x[i] = -x[i];
	dyn_level(x, n);
}

/* Of the two steps from where it is the higher one is right: up is the quicker way. */
MIXD_INLINE double transient_step(double y, struct transient_speed speed, double x)
{
	double up = (1.0 - speed.up) * y + speed.up * x;
	double down = (1.0 - speed.down) * y + speed.down * x;

	return up > down ? up : down;
}

/* Level to wanted gain, log2, not yet smoothed. */
static void transient_want(struct transient_state *state, uint32_t first, float silence, float *x,
			   uint32_t n)
{
	const struct dyn_line *attack = &state->attack.now, *sustain = &state->sustain.now;
	const double most = TRANSIENT_MOST_DB / DYN_DB_PER_LOG2;
	double quick = state->envelope[TRANSIENT_QUICK], slow = state->envelope[TRANSIENT_SLOW];
	double longer = state->envelope[TRANSIENT_LONG];

	for (uint32_t i = 0; i < n; i++) {
		double level = (double)(x[i] - silence), gain;
		double a = (double)dyn_line_at(attack, (int32_t)(first + i));
		double s = (double)dyn_line_at(sustain, (int32_t)(first + i));

		quick = transient_step(quick, state->speed[TRANSIENT_QUICK], level);
		slow = transient_step(slow, state->speed[TRANSIENT_SLOW], level);
		longer = transient_step(longer, state->speed[TRANSIENT_LONG], level);
		gain = a * fmax(quick - slow, 0.0) + s * fmax(longer - quick, 0.0);
		x[i] = (float)fmin(fmax(gain, -most), most);
	}
	state->envelope[TRANSIENT_QUICK] = quick;
	state->envelope[TRANSIENT_SLOW] = slow;
	state->envelope[TRANSIENT_LONG] = longer;
}

MIXD_CLONES static void transient_gain(float *x, float *ret_low, float *ret_high, uint32_t n)
{
	float low = 0.0f, high = 0.0f;

	for (uint32_t i = 0; i < n; i++) {
		low = dyn_smaller(low, x[i]);
		high = dyn_larger(high, x[i]);
	}
	for (uint32_t i = 0; i < n; i++)
		x[i] = dyn_exp2(x[i]);
	*ret_low = low;
	*ret_high = high;
}

static void transient_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct transient_state *state = inst->state;
	struct sidechain *chain = &state->chain;
	float x[MIXD_SLICE_MAX] __attribute__((aligned(64)));
	uint32_t n = call->n_frames;
	float low, high, silence = 0.0f;

	sidechain_hear(chain, inst, inst->in_linked >> 1 & 1u, n);
	dyn_power_of_loudest(chain->row, chain->heard, x, n);
	transient_level(state, x, n);
	dyn_level(&silence, 1);
	transient_want(state, chain->cell.done, silence, x, n);
	dyn_mean_row(&state->gain, state->smooth, x, n);
	transient_gain(x, &low, &high, n);
	sidechain_output(chain, inst, x, 1.0f, n);
	inst->meter[TRANSIENT_METER_GR] = (double)low * DYN_DB_PER_LOG2;
	inst->meter[TRANSIENT_METER_BOOST] = (double)high * DYN_DB_PER_LOG2;
}

static const struct mixd_node_type transient_type = {
	.id = "transient",
	.doc = "Transient shaper: attack and sustain, independent of level",
	.category = "dynamics",
	.source = "SPL Transient Designer, 1998",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(transient_ports),
	.params = MIXD_ARRAY(transient_params),
	.configs = MIXD_ARRAY(transient_configs),
	.meters = MIXD_ARRAY(transient_meters),
	.needs = transient_needs,
	.activate = transient_activate,
	.update = transient_update,
	.process = transient_process,
	.reset = transient_reset,
};

MIXD_MODULE(&transient_type);
