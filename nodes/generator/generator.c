/* generator.c - test signals.
 *
 * SOURCE      Sine: phase in 64-bit turns, Taylor polynomial of degree 17 on a quarter turn
 *             (remainder (pi/2)^19/19! = 4.4e-14). White: xorshift64* (Vigna 2016), uniform. Pink
 *             up to 50 kHz: Kellet's seven-term filter (musicdsp.org 76), +-0.04 dB 20 Hz..20 kHz;
 *             above: ten exponentially spaced pole-zero pairs (Smith and Smith, Closed Form
 *             Fractional Integration and Differentiation via Real Exponentially Spaced Pole-Zero
 *             Pairs, 2016), matched z, +-0.19 dB. Sweep: Farina, Simultaneous Measurement of
 *             Impulse Response and Distortion, AES 108 (2000). Ident: GLITS for stereo (BBC;
 *             EBU Tech 3304 for the idea in more channels).
 * STRUCTURE   A mono line of f64 per slice, then level and the channel's own gate; noise has a
 *             source per channel. All counters are frames since reset: no dependence on how time
 *             is cut, nor on libm in what runs per frame.
 * LEVEL       dBFS as AES17: 0 dBFS is a full-scale sine. Impulses and sweeps: peak. Noise: rms
 *             equal to that of a sine of the same level. */
#include <mixd/node.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "clones.h"
#include "generator.h"
#include "ramp.h"

#include <mixd/rt.h>

static const char *const generator_signals[] = {"sine",	   "pink",  "white", "sweep",
						"impulse", "ident", NULL};

static const struct mixd_port_row generator_ports[] = {
	{"out", "The signal", true, MIXD_PORT_MAIN, NULL},
};

enum { GENERATOR_PARAM_LEVEL, GENERATOR_PARAM_FREQ };

static const struct mixd_param_row generator_params[] = {
	{"level", "Level as AES17: 0dBFS is a full-scale sine, or the peak of a sweep or impulse",
	 MIXD_TYPE_FLOAT, MIXD_UNIT_DBFS, -144, 0, -18, MIXD_RAMP_GAIN, 20, NULL, NULL, 0, NULL},
	{"freq", "Frequency of sine and ident; 0.49 of the sample rate at most", MIXD_TYPE_FLOAT,
	 MIXD_UNIT_HZ, 1, 90000, 1000, MIXD_RAMP_LOG, 20, NULL, NULL, 0, NULL},
};

enum {
	GENERATOR_CONFIG_SIGNAL,
	GENERATOR_CONFIG_CORRELATED,
	GENERATOR_CONFIG_SWEEP_FROM,
	GENERATOR_CONFIG_SWEEP_TO,
	GENERATOR_CONFIG_LENGTH,
	GENERATOR_CONFIG_INTERVAL,
};

static const struct mixd_config_row generator_configs[] = {
	{"signal",
	 "Sine; pink and white noise; exponential sweep; impulse: one sample; ident: a tone with a "
	 "gap that tells the channel (left one gap, right two, else the channels in turn)",
	 MIXD_TYPE_ENUM, MIXD_UNIT_NONE, 0, 5, 0, NULL, generator_signals, false},
	{"correlated", "The same noise in all channels", MIXD_TYPE_BOOL, MIXD_UNIT_NONE, 0, 1, 0,
	 NULL, NULL, false},
	{"sweep_from", "Where a sweep begins", MIXD_TYPE_FLOAT, MIXD_UNIT_HZ, 1, 90000, 20, NULL,
	 NULL, false},
	{"sweep_to", "Where a sweep ends; above sweep_from", MIXD_TYPE_FLOAT, MIXD_UNIT_HZ, 1,
	 90000, 20000, NULL, NULL, false},
	{"length", "Duration of a sweep", MIXD_TYPE_FLOAT, MIXD_UNIT_S, 0.1, 60, 10, NULL, NULL,
	 false},
	{"interval", "Silence after a sweep, or time from impulse to impulse", MIXD_TYPE_FLOAT,
	 MIXD_UNIT_S, 0.01, 60, 1, NULL, NULL, false},
};

static int generator_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			   struct mixd_fault *fault)
{
	const struct mixd_value *config = setup->config;

	if (config[GENERATOR_CONFIG_SIGNAL].number == GENERATOR_SWEEP &&
	    !(config[GENERATOR_CONFIG_SWEEP_TO].number >
	      config[GENERATOR_CONFIG_SWEEP_FROM].number)) {
		snprintf(fault->text, sizeof(fault->text), "a sweep from %gHz to %gHz goes down",
			 config[GENERATOR_CONFIG_SWEEP_FROM].number,
			 config[GENERATOR_CONFIG_SWEEP_TO].number);
		snprintf(fault->hint, sizeof(fault->hint), "set sweep_to above sweep_from");
		return -EINVAL;
	}
	ret_need->state_bytes = sizeof(struct generator_state);
	return 0;
}

static int generator_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct generator_state *state = inst->state;
	const struct mixd_setup *setup = inst->setup;

	state->signal = (enum generator_signal)setup->config[GENERATOR_CONFIG_SIGNAL].number;
	state->correlated = setup->config[GENERATOR_CONFIG_CORRELATED].number > 0.5;
	state->n_channels = setup->out_layout[0]->n_channels;
	state->rate = setup->rate;
	state->sweep_from = setup->config[GENERATOR_CONFIG_SWEEP_FROM].number;
	state->sweep_to = setup->config[GENERATOR_CONFIG_SWEEP_TO].number;
	state->length_frames = setup->config[GENERATOR_CONFIG_LENGTH].number * setup->rate;
	state->interval_frames =
		(uint64_t)(setup->config[GENERATOR_CONFIG_INTERVAL].number * setup->rate + 0.5);
	state->seed = setup->seed;
	generator_prepare(state);
	generator_rewind(state);
	return 0;
}

static bool generator_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct generator_state *state = inst->state;
	double limit = 0.49 * state->rate;
	double from = fmin(update->from[GENERATOR_PARAM_FREQ], limit) / state->rate;
	double to = fmin(update->to[GENERATOR_PARAM_FREQ], limit) / state->rate;

	dsp_ramp_set(&state->level, update->from[GENERATOR_PARAM_LEVEL],
		     update->to[GENERATOR_PARAM_LEVEL], update->cell_frames);
	dsp_ramp_set(&state->step, from, to, update->cell_frames);
	return false;
}

static void generator_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct generator_state *state = inst->state;
	double line[MIXD_SLICE_MAX];
	uint32_t n = call->n_frames;
	bool per_channel = generator_is_noise(state->signal) && !state->correlated;

	if (!per_channel)
		generator_line(state, 0, line, n);
	for (uint32_t c = 0; c < state->n_channels; c++) {
		float *out = inst->out[c];

		if (per_channel)
			generator_line(state, c, line, n);
		for (uint32_t i = 0; i < n; i++)
			out[i] = (float)(line[i] * dsp_ramp_value(&state->level, i));
		if (state->signal == GENERATOR_IDENT)
			generator_gate(state, c, out, n);
	}
	dsp_ramp_advance(&state->level, n);
	dsp_ramp_advance(&state->step, n);
	state->clock += n;
}

static void generator_reset(struct mixd_inst *inst)
{
	generator_rewind(inst->state);
}

static const struct mixd_node_type generator_type = {
	.id = "generator",
	.doc = "Test signals: sine, noise, sweep, impulse, channel ident",
	.category = "source",
	.source = "Kellet; Smith and Smith 2016; Farina, AES 108, 2000; GLITS",
	.version = 1,
	.flags = MIXD_NODE_SOURCE | MIXD_NODE_BYPASS_SILENT,
	.ports = generator_ports,
	.n_ports = 1,
	.params = generator_params,
	.n_params = 2,
	.configs = generator_configs,
	.n_configs = 6,
	.needs = generator_needs,
	.activate = generator_activate,
	.update = generator_update,
	.process = generator_process,
	.reset = generator_reset,
};

MIXD_MODULE(&generator_type);
