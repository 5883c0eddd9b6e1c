/* plate.c - the sound of a steel plate.
 *
 * SOURCE      Dattorro, Effect Design Part 1: Reverberator and Other Filters, JAES 45(9), 1997,
 *             figure 1 and tables 1 and 2: delays at 29,761 Hz, scaled to the rate. The signs of the
 *             output taps are those of table 2, which two independent readings of the paper share.
 * STRUCTURE   mono -> low cut, bandwidth -> pre-delay -> 4 all-passes -> a tank of two halves that
 *             feed each other: swaying all-pass, delay, damping, all-pass, delay. Every delay is
 *             longer than a chunk, so within a chunk nothing depends on itself but the damping.
 *             `decay` is the time to -60 dB: once around the tank (21,589 samples of the paper's)
 *             the sound is multiplied by the paper's decay to the fourth. */
#include <errno.h>
#include <math.h>

#include <mixd/node.h>

#include "clones.h"
#include "headfade.h"
#include "mixlaw.h"
#include "onepole.h"
#include "ramp.h"
#include "sway.h"

#include <mixd/rt.h>

#define PLATE_RATE 29761.0
#define PLATE_LOOP 21589.0 /* frames of PLATE_RATE once around the tank */
#define PLATE_SWAY 8.0 /* frames of PLATE_RATE, at full depth */
#define PLATE_BLOCK MIXD_SLICE_MAX
#define PLATE_FADE_MS 50.0
#define PLATE_PREDELAY_MAX_MS 250.0
#define PLATE_OUT 0.6f

static const struct mixd_port_row plate_ports[] = {
	{"in", "What shakes the plate: the mean of its channels", false, MIXD_PORT_MAIN, NULL},
	{"out", "It and the plate", true, MIXD_PORT_MAIN, NULL},
};

enum {
	PLATE_DECAY,
	PLATE_PREDELAY,
	PLATE_DAMPING,
	PLATE_LOW_CUT,
	PLATE_HIGH_CUT,
	PLATE_DIFFUSION,
	PLATE_MOD_RATE,
	PLATE_MOD_DEPTH,
	PLATE_WIDTH,
	PLATE_MIX,
	PLATE_PARAMS
};

/* clang-format off */
#define PLATE_ROW(ID, DOC, UNIT, MIN, MAX, DEF, RAMP) \
	{.id = (ID), .doc = (DOC), .type = MIXD_TYPE_FLOAT, .unit = MIXD_UNIT_##UNIT, .min = (MIN), \
	 .max = (MAX), .def = (DEF), .ramp = MIXD_RAMP_##RAMP, .smooth_ms = 20}
static const struct mixd_param_row plate_params[PLATE_PARAMS] = {
	[PLATE_DECAY] = PLATE_ROW("decay", "Time in which the plate falls by 60 dB (T60)", S, 0.2, 20, 2, LOG),
	[PLATE_PREDELAY] = {.id = "predelay", .doc = "Pause before the plate answers", .type = MIXD_TYPE_FLOAT,
			    .unit = MIXD_UNIT_MS, .min = 0, .max = PLATE_PREDELAY_MAX_MS, .def = 10},
	[PLATE_DAMPING] = PLATE_ROW("damping", "Above this the plate falls faster, each time around", HZ, 500, 20000, 8000, LOG),
	[PLATE_LOW_CUT] = PLATE_ROW("low_cut", "Less of what shakes the plate below this", HZ, 10, 1000, 80, LOG),
	[PLATE_HIGH_CUT] = PLATE_ROW("high_cut", "Less of what shakes the plate above this", HZ, 500, 20000, 16000, LOG),
	[PLATE_DIFFUSION] = PLATE_ROW("diffusion", "How dense the echoes are; 100 % is the paper's", PERCENT, 0, 100, 100, LINEAR),
	[PLATE_MOD_RATE] = PLATE_ROW("mod_rate", "How fast the plate sways", HZ, 0.05, 3, 1, LOG),
	[PLATE_MOD_DEPTH] = PLATE_ROW("mod_depth", "How far it sways; 100 % is the paper's 0.27 ms", PERCENT, 0, 100, 50, LINEAR),
	[PLATE_WIDTH] = PLATE_ROW("width", "0 is the same plate in both channels", PERCENT, 0, 100, 100, LINEAR),
	[PLATE_MIX] = PLATE_ROW("mix", "Plate against dry sound, at constant power", PERCENT, 0, 100, 25, LINEAR),
};
/* clang-format on */

/* All delays, at PLATE_RATE. */
enum plate_line {
	PLATE_IN1,
	PLATE_IN2,
	PLATE_IN3,
	PLATE_IN4,
	PLATE_LEFT_SWAY, /* nodes 23-24 of figure 1 */
	PLATE_LEFT1, /* 24-30 */
	PLATE_LEFT_PASS, /* 31-33 */
	PLATE_LEFT2, /* 33-39 */
	PLATE_RIGHT_SWAY, /* 46-48 */
	PLATE_RIGHT1, /* 48-54 */
	PLATE_RIGHT_PASS, /* 55-59 */
	PLATE_RIGHT2, /* 59-63 */
	PLATE_LINES
};

static const uint32_t plate_frames[PLATE_LINES] = {142,	 107,  379, 277,  672,	4453,
						   1800, 3720, 908, 4217, 2656, 3163};

struct plate_tap {
	enum plate_line line;
	uint32_t frames;
	float sign;
};

/* Table 2: left, right. */
static const struct plate_tap plate_taps[2][7] = {
	{{PLATE_RIGHT1, 266, 1},
	 {PLATE_RIGHT1, 2974, 1},
	 {PLATE_RIGHT_PASS, 1913, -1},
	 {PLATE_RIGHT2, 1996, 1},
	 {PLATE_LEFT1, 1990, -1},
	 {PLATE_LEFT_PASS, 187, -1},
	 {PLATE_LEFT2, 1066, -1}},
	{{PLATE_LEFT1, 353, 1},
	 {PLATE_LEFT1, 3627, 1},
	 {PLATE_LEFT_PASS, 1228, -1},
	 {PLATE_LEFT2, 2673, 1},
	 {PLATE_RIGHT1, 2111, -1},
	 {PLATE_RIGHT_PASS, 335, -1},
	 {PLATE_RIGHT2, 121, -1}},
};

struct plate_state {
	uint32_t channels, chunk; /* frames worked on at once: fewer than any delay has */
	struct blockring line[PLATE_LINES], predelay_ring;
	uint32_t delay[PLATE_LINES], tap[2][7];
	uint32_t position;
	bool heard; /* something, since the reset */
	struct headfade predelay;
	struct sway sway[2];
	double sway_depth;
	struct onepole low_cut, high_cut;
	double low_memory, high_memory;
	double damping, damped[2]; /* of one step; the memories of both halves */
	float decay, diffusion[4]; /* input 1, input 2, decay 1, decay 2 */
	struct dsp_ramp width, dry, wet;
	float rings[] __attribute__((aligned(64)));
};

/* ---- making --------------------------------------------------------------------------------------- */

static uint32_t plate_scaled(double frames, double rate)
{
	return (uint32_t)lrint(frames * rate / PLATE_RATE);
}

static uint32_t plate_ring_size(enum plate_line line, double rate)
{
	return blockring_size(plate_scaled(plate_frames[line] + PLATE_SWAY, rate) + SWAY_REACH + 1);
}

static uint32_t plate_predelay_size(double rate)
{
	return blockring_size((uint32_t)ceil(PLATE_PREDELAY_MAX_MS * rate / 1000));
}

static int plate_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		       struct mixd_fault *fault)
{
	size_t floats = blockring_floats(plate_predelay_size(setup->rate));

	if (setup->in_layout[0]->n_channels > 2) {
		*fault = (struct mixd_fault){"a plate has two pickups: it is mono or stereo",
					     "use `reverb` for up to 16 channels"};
		return -EINVAL;
	}
	for (uint32_t l = 0; l < PLATE_LINES; l++)
		floats += blockring_floats(plate_ring_size(l, setup->rate));
	ret_need->state_bytes = sizeof(struct plate_state) + floats * sizeof(float);
	/* The longest decay, to -200 dB. */
	ret_need->tail = (uint64_t)(setup->rate * plate_params[PLATE_DECAY].max * 200 / 60);
	return 0;
}

static void plate_reset(struct mixd_inst *inst)
{
	struct plate_state *state = inst->state;

	for (uint32_t l = 0; l < PLATE_LINES; l++)
		blockring_clear(&state->line[l]);
	blockring_clear(&state->predelay_ring);
	state->position = 0;
	state->heard = false;
	state->predelay = (struct headfade){{0, 0}, 0, 0};
	sway_reset(&state->sway[0], 0);
	sway_reset(&state->sway[1], 0.25);
	state->low_memory = state->high_memory = 0.0;
	state->damped[0] = state->damped[1] = 0.0;
}

static int plate_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct plate_state *state = inst->state;
	double rate = inst->setup->rate;
	float *memory = state->rings;
	uint32_t size = plate_predelay_size(rate);

	state->channels = inst->setup->in_layout[0]->n_channels;
	state->predelay_ring = (struct blockring){memory, size - 1};
	memory += blockring_floats(size);
	state->chunk = PLATE_BLOCK;
	for (uint32_t l = 0; l < PLATE_LINES; l++) {
		size = plate_ring_size(l, rate);
		state->line[l] = (struct blockring){memory, size - 1};
		memory += blockring_floats(size);
		state->delay[l] = plate_scaled(plate_frames[l], rate);
		if (state->delay[l] < state->chunk)
			state->chunk = state->delay[l];
	}
	for (uint32_t side = 0; side < 2; side++)
		for (uint32_t t = 0; t < 7; t++)
			state->tap[side][t] = plate_scaled(plate_taps[side][t].frames, rate);
	plate_reset(inst);
	return 0;
}

/* ---- params --------------------------------------------------------------------------------------- */

static bool plate_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct plate_state *state = inst->state;
	const double *from = update->from, *to = update->to;
	double rate = inst->setup->rate, amount = to[PLATE_DIFFUSION] / 100;
	double decay = pow(10.0, -3.0 / 4.0 * PLATE_LOOP / PLATE_RATE / to[PLATE_DECAY]);

	state->decay = (float)decay;
	state->diffusion[0] = (float)(0.75 * amount);
	state->diffusion[1] = (float)(0.625 * amount);
	state->diffusion[2] = (float)(0.70 * amount);
	state->diffusion[3] = (float)(fmin(fmax(decay + 0.15, 0.25), 0.5) * amount);
	/* One pole at the damping's corner; the gain at 0 Hz is 1. */
	state->damping = exp(-2 * M_PI * fmin(to[PLATE_DAMPING] / rate, 0.49));
	state->low_cut = onepole_low_cut(to[PLATE_LOW_CUT], rate);
	state->high_cut = onepole_high_cut(to[PLATE_HIGH_CUT], rate);
	state->sway_depth = to[PLATE_MOD_DEPTH] / 100 * PLATE_SWAY * rate / PLATE_RATE;
	sway_set_rate(&state->sway[0], to[PLATE_MOD_RATE], rate);
	sway_set_rate(&state->sway[1], to[PLATE_MOD_RATE], rate);
	dsp_ramp_set(&state->width, from[PLATE_WIDTH] / 100, to[PLATE_WIDTH] / 100,
		     update->cell_frames);
	dsp_ramp_set(&state->dry, mixlaw_fall(from[PLATE_MIX]), mixlaw_fall(to[PLATE_MIX]),
		     update->cell_frames);
	dsp_ramp_set(&state->wet, mixlaw_rise(from[PLATE_MIX]), mixlaw_rise(to[PLATE_MIX]),
		     update->cell_frames);
	return headfade_wish(&state->predelay, (uint32_t)lrint(to[PLATE_PREDELAY] * rate / 1000),
			     (uint32_t)(rate * PLATE_FADE_MS / 1000), update->jump);
}

/* ---- sound ---------------------------------------------------------------------------------------- */

/* The lattice all-pass of figure 1, in place; DELAYED is what its line gives. */
MIXD_INLINE void plate_pass(const struct blockring *ring, uint32_t position, const float *delayed,
			    float gain, float *restrict x, uint32_t n)
{
	float *restrict to = blockring_place(ring, position);

	for (uint32_t i = 0; i < n; i++) {
		float v = x[i] - gain * delayed[i];

		to[i] = v;
		x[i] = delayed[i] + gain * v;
	}
	blockring_wrote(ring, position, n);
}

MIXD_INLINE void plate_allpass(struct plate_state *state, enum plate_line line, float gain,
			       float *x, uint32_t n)
{
	const struct blockring *ring = &state->line[line];

	plate_pass(ring, state->position, blockring_at(ring, state->position - state->delay[line]),
		   gain, x, n);
}

/* The all-pass whose delay sways. */
MIXD_INLINE void plate_swaypass(struct plate_state *state, enum plate_line line, uint32_t side,
				float *x, uint32_t n)
{
	float delayed[PLATE_BLOCK];

	for (uint32_t done = 0, part; done < n; done += part) {
		uint32_t position = state->position + done, at = position % SWAY_KNOT;

		part = SWAY_KNOT - at < n - done ? SWAY_KNOT - at : n - done;
		if (at == 0)
			sway_knot(&state->sway[side], state->sway_depth);
		sway_read(&state->line[line], &state->sway[side], state->delay[line], position, at,
			  part, delayed + done);
	}
	plate_pass(&state->line[line], state->position, delayed, -state->diffusion[2], x, n);
}

/* Both halves of the tank, side by side: the damping is the only recursion by sample. */
MIXD_INLINE void plate_tank(struct plate_state *state, const float *in, uint32_t n)
{
	const float *end[2] = {
		blockring_at(&state->line[PLATE_RIGHT2],
			     state->position - state->delay[PLATE_RIGHT2]),
		blockring_at(&state->line[PLATE_LEFT2],
			     state->position - state->delay[PLATE_LEFT2]),
	};
	float x[2][PLATE_BLOCK];
	const float *middle[2];
	double left = state->damped[0], right = state->damped[1];

	for (uint32_t side = 0; side < 2; side++) {
		uint32_t first = side ? PLATE_RIGHT_SWAY : PLATE_LEFT_SWAY;

		for (uint32_t i = 0; i < n; i++)
			x[side][i] = in[i] + state->decay * end[side][i];
		plate_swaypass(state, first, side, x[side], n);
		blockring_write(&state->line[first + 1], state->position, x[side], n);
		middle[side] = blockring_at(&state->line[first + 1],
					    state->position - state->delay[first + 1]);
	}
	for (uint32_t i = 0; i < n; i++) {
		left = (double)middle[0][i] + state->damping * (left - (double)middle[0][i]);
		right = (double)middle[1][i] + state->damping * (right - (double)middle[1][i]);
		x[0][i] = state->decay * (float)left;
		x[1][i] = state->decay * (float)right;
	}
	state->damped[0] = left;
	state->damped[1] = right;
	for (uint32_t side = 0; side < 2; side++) {
		uint32_t first = side ? PLATE_RIGHT_SWAY : PLATE_LEFT_SWAY;

		plate_allpass(state, first + 2, state->diffusion[3], x[side], n);
		blockring_write(&state->line[first + 3], state->position, x[side], n);
	}
}

/* The mean of the inputs, through both cuts and the pre-delay. */
MIXD_INLINE void plate_entry(struct plate_state *state, const struct mixd_inst *inst,
			     uint32_t first, float *x, uint32_t n)
{
	const float *left = inst->in[0] + first;
	const float *right = state->channels > 1 ? inst->in[1] + first : left;
	const struct onepole low = state->low_cut, high = state->high_cut;
	double low_memory = state->low_memory, high_memory = state->high_memory;

	for (uint32_t i = 0; i < n; i++) {
		double mean = 0.5 * ((double)left[i] + (double)right[i]);
		double mid = low.b0 * mean + low_memory, out = high.b0 * mid + high_memory;

		low_memory = low.b1 * mean - low.a1 * mid;
		high_memory = high.b1 * mid - high.a1 * out;
		x[i] = (float)out;
	}
	state->low_memory = low_memory;
	state->high_memory = high_memory;
	blockring_write(&state->predelay_ring, state->position, x, n);
	memcpy(x, blockring_at(&state->predelay_ring, state->position - state->predelay.head[0]),
	       n * sizeof(float));
	if (state->predelay.frames > 0)
		headfade_blend(&state->predelay, x,
			       blockring_at(&state->predelay_ring,
					    state->position - state->predelay.head[1]),
			       n);
}

MIXD_INLINE void plate_pickup(const struct plate_state *state, uint32_t side, float *restrict out,
			      uint32_t n)
{
	const float *tap[7];

	for (uint32_t t = 0; t < 7; t++)
		tap[t] = blockring_at(&state->line[plate_taps[side][t].line],
				      state->position - state->tap[side][t]);
	for (uint32_t i = 0; i < n; i++) {
		float sum = 0;

		for (uint32_t t = 0; t < 7; t++)
			sum += plate_taps[side][t].sign * tap[t][i];
		out[i] = PLATE_OUT * sum;
	}
}

MIXD_INLINE void plate_mix(const struct plate_state *state, const struct mixd_inst *inst,
			   uint32_t first, float (*wet)[PLATE_BLOCK], uint32_t n)
{
	const float *in[2] = {inst->in[0] + first, inst->in[state->channels - 1] + first};

	for (uint32_t i = 0; i < n; i++) {
		float width = (float)dsp_ramp_value(&state->width, i);
		float dry_gain = (float)dsp_ramp_value(&state->dry, i);
		float wet_gain = (float)dsp_ramp_value(&state->wet, i);
		float mid = 0.5f * (wet[0][i] + wet[1][i]), side = wet[0][i] - mid;

		if (state->channels == 1) {
			inst->out[0][first + i] = dry_gain * in[0][i] + wet_gain * mid;
			continue;
		}
		inst->out[0][first + i] = dry_gain * in[0][i] + wet_gain * (mid + width * side);
		inst->out[1][first + i] = dry_gain * in[1][i] + wet_gain * (mid - width * side);
	}
}

static void plate_advance(struct plate_state *state, uint32_t n)
{
	dsp_ramp_advance(&state->width, n);
	dsp_ramp_advance(&state->dry, n);
	dsp_ramp_advance(&state->wet, n);
	headfade_advance(&state->predelay, n);
}

/* FIRST .. FIRST + N of the call, N up to a chunk. */
MIXD_INLINE void plate_chunk(struct plate_state *state, const struct mixd_inst *inst,
			     uint32_t first, uint32_t n)
{
	float x[PLATE_BLOCK], wet[2][PLATE_BLOCK];

	plate_entry(state, inst, first, x, n);
	plate_allpass(state, PLATE_IN1, state->diffusion[0], x, n);
	plate_allpass(state, PLATE_IN2, state->diffusion[0], x, n);
	plate_allpass(state, PLATE_IN3, state->diffusion[1], x, n);
	plate_allpass(state, PLATE_IN4, state->diffusion[1], x, n);
	plate_tank(state, x, n);
	plate_pickup(state, 0, wet[0], n);
	plate_pickup(state, 1, wet[1], n);
	plate_mix(state, inst, first, wet, n);
	state->position += n;
	plate_advance(state, n);
}

MIXD_CLONES static void plate_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct plate_state *state = inst->state;
	uint32_t done = 0, n = call->n_frames;

	/* The plate begins to sway with the first sound: until then nothing moves (N4). */
	while (!state->heard && done < n) {
		for (uint32_t c = 0; c < state->channels; c++)
			state->heard |= inst->in[c][done] != 0;
		if (state->heard)
			break;
		for (uint32_t c = 0; c < state->channels; c++)
			inst->out[c][done] = 0;
		done++;
	}
	plate_advance(state, done);
	for (uint32_t part; done < n; done += part) {
		part = n - done < state->chunk ? n - done : state->chunk;
		plate_chunk(state, inst, done, part);
	}
}

static const struct mixd_node_type plate_type = {
	.id = "plate",
	.doc = "Plate reverb after Dattorro: bright, dense, without a room's early reflections",
	.category = "space",
	.source = "Dattorro, JAES 45(9), 1997",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(plate_ports),
	.params = MIXD_ARRAY(plate_params),
	.needs = plate_needs,
	.activate = plate_activate,
	.update = plate_update,
	.process = plate_process,
	.reset = plate_reset,
};

MIXD_MODULE(&plate_type);
