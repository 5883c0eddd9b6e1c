/* delay.c - echoes.
 *
 * SOURCE      Dattorro, Effect Design 2, JAES 45(10) 1997 (delay lines, feedback); interpolation:
 *             dsp/delayline.h.
 * STRUCTURE   in -> ring -> head -> cuts -> feedback -> ring. In clean mode the head is a whole
 *             number of frames behind and a new time crossfades to a second head; in tape mode it
 *             travels there, at half to one and a half times the speed, and pitch goes with it. What
 *             enters the ring bends above full scale, so 110 % of feedback swells to a limit
 *             instead of without one; below full scale nothing is bent.
 *             Left and right are mirror images in the layout. cross sends part of each side's feedback
 *             to the other; pingpong all of it, and all input into the left. duck lowers the echoes while
 *             there is input: power over a threshold, p / (p + t), follows it without a logarithm.
 * NOT HERE    latency: none, the input comes through at once. */
#include <math.h>
#include <string.h>

#include "clones.h"
#include "glide.h"
#include "level.h"

#include "delay_state.h"

#include <mixd/rt.h>

#define DELAY_FADE_S 0.04
#define DELAY_TAPE_S 0.08 /* a journey slows down over this at its end */
#define DELAY_TAPE_SPEED 0.5 /* frames per frame, at most */
#define DELAY_BEND_ROOM 0.35f /* above full scale: the ring stays below +2.7 dBFS */
#define DELAY_DUCK_ATTACK_S 0.005
#define DELAY_HIGH_OFF_HZ 20000.0
#define DELAY_LOW_OFF_HZ 20.0

enum {
	DELAY_PARAM_TIME,
	DELAY_PARAM_NOTE,
	DELAY_PARAM_BPM,
	DELAY_PARAM_MODE,
	DELAY_PARAM_FEEDBACK,
	DELAY_PARAM_LOW_CUT,
	DELAY_PARAM_HIGH_CUT,
	DELAY_PARAM_CROSS,
	DELAY_PARAM_PINGPONG,
	DELAY_PARAM_DUCK,
	DELAY_PARAM_DUCK_THRESHOLD,
	DELAY_PARAM_DUCK_RELEASE,
	DELAY_PARAM_MIX,
};

static const char *const delay_notes[] = {"free", "1/1",  "1/2d", "1/2",  "1/2t", "1/4d", "1/4",
					  "1/4t", "1/8d", "1/8",  "1/8t", "1/16", NULL};
/* Quarter notes from echo to echo. */
static const double delay_quarters[] = {0, 4,	    3,	  2,   4.0 / 3, 1.5,
					1, 2.0 / 3, 0.75, 0.5, 1.0 / 3, 0.25};
static const char *const delay_modes[] = {"clean", "tape", NULL};

static const struct mixd_port_row delay_ports[] = {
	{"in", "What is to be repeated", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same and its echoes", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row delay_params[] = {
	[DELAY_PARAM_TIME] = {.id = "time",
			      .doc = "From echo to echo, with note=free",
			      .unit = MIXD_UNIT_MS,
			      .min = 1,
			      .max = DELAY_LONGEST_MS,
			      .def = 350},
	[DELAY_PARAM_NOTE] =
		{.id = "note",
		 .doc = "Echoes come after this note at bpm, at most after 4 s; t is a "
			"triplet, d dotted",
		 .type = MIXD_TYPE_ENUM,
		 .max = 11,
		 .labels = delay_notes},
	[DELAY_PARAM_BPM] =
		{.id = "bpm", .doc = "Quarter notes per minute", .min = 20, .max = 300, .def = 120},
	[DELAY_PARAM_MODE] =
		{.id = "mode",
		 .doc = "A new time is faded to, or travelled to as tape does, with the "
			"pitch",
		 .type = MIXD_TYPE_ENUM,
		 .max = 1,
		 .labels = delay_modes},
	[DELAY_PARAM_FEEDBACK] =
		{.id = "feedback",
		 .doc = "How much of each echo comes again; from 100 % on it never "
			"ends",
		 .unit = MIXD_UNIT_PERCENT,
		 .max = 110,
		 .def = 35,
		 .ramp = MIXD_RAMP_LINEAR,
		 .smooth_ms = 20},
	[DELAY_PARAM_LOW_CUT] = {.id = "low_cut",
				 .doc = "Each echo loses what is below, 6 dB/oct; 20 Hz is off",
				 .unit = MIXD_UNIT_HZ,
				 .min = DELAY_LOW_OFF_HZ,
				 .max = 2000,
				 .def = DELAY_LOW_OFF_HZ,
				 .ramp = MIXD_RAMP_LOG,
				 .smooth_ms = 20},
	[DELAY_PARAM_HIGH_CUT] = {.id = "high_cut",
				  .doc = "Each echo loses what is above, 6 dB/oct; 20 kHz is off",
				  .unit = MIXD_UNIT_HZ,
				  .min = 200,
				  .max = DELAY_HIGH_OFF_HZ,
				  .def = DELAY_HIGH_OFF_HZ,
				  .ramp = MIXD_RAMP_LOG,
				  .smooth_ms = 20},
	[DELAY_PARAM_CROSS] = {.id = "cross",
			       .doc = "Share of the feedback that goes to the other side",
			       .unit = MIXD_UNIT_PERCENT,
			       .max = 100,
			       .ramp = MIXD_RAMP_LINEAR,
			       .smooth_ms = 20},
	[DELAY_PARAM_PINGPONG] = {.id = "pingpong",
				  .doc = "Echoes of both sides begin left and then change sides",
				  .type = MIXD_TYPE_BOOL,
				  .max = 1},
	[DELAY_PARAM_DUCK] = {.id = "duck",
			      .doc = "How far echoes go down while there is input",
			      .unit = MIXD_UNIT_DB,
			      .max = 36,
			      .ramp = MIXD_RAMP_LINEAR,
			      .smooth_ms = 20},
	[DELAY_PARAM_DUCK_THRESHOLD] = {.id = "duck_threshold",
					.doc = "Input level at which they are about half way down",
					.unit = MIXD_UNIT_DBFS,
					.min = -60,
					.max = 0,
					.def = -30,
					.ramp = MIXD_RAMP_LINEAR,
					.smooth_ms = 20},
	[DELAY_PARAM_DUCK_RELEASE] = {.id = "duck_release",
				      .doc = "Time constant of their return",
				      .unit = MIXD_UNIT_MS,
				      .min = 20,
				      .max = 2000,
				      .def = 250,
				      .ramp = MIXD_RAMP_LOG,
				      .smooth_ms = 20},
	[DELAY_PARAM_MIX] = {.id = "mix",
			     .doc = "Share of the echoes; the rest is the input",
			     .unit = MIXD_UNIT_PERCENT,
			     .max = 100,
			     .def = 30,
			     .ramp = MIXD_RAMP_LINEAR,
			     .smooth_ms = 20},
};

static void delay_reset(struct mixd_inst *inst)
{
	struct delay_state *state = inst->state;

	delayline_reset(&state->clock);
	state->envelope = 0.0;
	for (uint32_t c = 0; c < state->n_channels; c++)
		state->channel[c].low = state->channel[c].high = 0.0;
}

/* ---- update ---- */

static double delay_frames_of(const double *value, double rate)
{
	uint32_t note = (uint32_t)value[DELAY_PARAM_NOTE];
	double ms = note ? 60000.0 / value[DELAY_PARAM_BPM] * delay_quarters[note]
			 : value[DELAY_PARAM_TIME];

	return fmax(rint(fmin(ms, DELAY_LONGEST_MS) * 0.001 * rate), DELAY_SHORTEST_FRAMES);
}

/* Where the head is to go. True while it is under way. */
static bool delay_update_head(struct delay_state *state, const struct mixd_update *update,
			      double rate)
{
	double goal = delay_frames_of(update->to, rate);
	bool is_tape = update->to[DELAY_PARAM_MODE] > 0.5, fades;

	if (update->jump) {
		state->head = state->goal = goal;
		state->fade = (struct headfade){.head = {(uint32_t)goal, (uint32_t)goal}};
		state->is_tape = is_tape;
		return false;
	}
	/* A journey or a fade ends before the other way of moving takes over. */
	if (state->is_tape && !is_tape && state->head == state->goal) {
		state->is_tape = false;
		state->fade = (struct headfade){.head = {(uint32_t)state->head}};
	} else if (!state->is_tape && is_tape && state->fade.frames == 0) {
		state->is_tape = true;
		state->head = state->goal = state->fade.head[0];
	}
	if (state->is_tape) {
		if (is_tape)
			state->goal = goal;
		return state->head != state->goal || !is_tape;
	}
	fades = headfade_wish(&state->fade, is_tape ? state->fade.head[0] : (uint32_t)goal,
			      (uint32_t)(DELAY_FADE_S * rate), false);
	return fades || is_tape;
}

static void delay_update_cuts(struct delay_state *state, const double *to, double rate)
{
	state->cuts_low = to[DELAY_PARAM_LOW_CUT] > DELAY_LOW_OFF_HZ;
	state->cuts_high = to[DELAY_PARAM_HIGH_CUT] < DELAY_HIGH_OFF_HZ;
	if (state->cuts_low)
		state->low_cut = onepole_low_cut(to[DELAY_PARAM_LOW_CUT], rate);
	if (state->cuts_high)
		state->high_cut = onepole_high_cut(to[DELAY_PARAM_HIGH_CUT], rate);
}

static bool delay_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct delay_state *state = inst->state;
	const double *to = update->to, *from = update->jump ? to : update->from;
	const double rate = inst->setup->rate;
	uint32_t frames = update->cell_frames;
	bool moves = delay_update_head(state, update, rate);

	delay_update_cuts(state, to, rate);
	moves |= glide_ramp(&state->swap, to[DELAY_PARAM_PINGPONG] > 0.5, GLIDE_S, update, rate);
	dsp_ramp_set(&state->feedback, from[DELAY_PARAM_FEEDBACK] / 100,
		     to[DELAY_PARAM_FEEDBACK] / 100, frames);
	dsp_ramp_set(&state->cross, from[DELAY_PARAM_CROSS] / 100, to[DELAY_PARAM_CROSS] / 100,
		     frames);
	dsp_ramp_set(&state->wet, from[DELAY_PARAM_MIX] / 100, to[DELAY_PARAM_MIX] / 100, frames);
	dsp_ramp_set(&state->dry, 1 - from[DELAY_PARAM_MIX] / 100, 1 - to[DELAY_PARAM_MIX] / 100,
		     frames);
	dsp_ramp_set(&state->duck, 1 - level_factor(-from[DELAY_PARAM_DUCK]),
		     1 - level_factor(-to[DELAY_PARAM_DUCK]), frames);
	state->duck_attack = 1.0 - exp(-1.0 / (DELAY_DUCK_ATTACK_S * rate));
	state->duck_release = 1.0 - exp(-1000.0 / (to[DELAY_PARAM_DUCK_RELEASE] * rate));
	state->duck_power = pow(level_factor(to[DELAY_PARAM_DUCK_THRESHOLD]), 2.0);
	return moves;
}

/* ---- process ---- */

/* How long a piece may be: what it reads must have been written before it. DELAY is of the frames
 * left, and moves one way only. */
static uint32_t delay_piece(const struct delay_state *state, const double *delay, uint32_t left)
{
	uint32_t nearest = state->fade.head[0];

	if (state->is_tape)
		nearest = (uint32_t)fmin(delay[0], delay[left - 1]) - DELAYLINE_AHEAD - 1;
	else if (state->fade.frames > 0 && state->fade.head[1] < nearest)
		nearest = state->fade.head[1];
	return left < nearest ? left : nearest;
}

/* The delay of each frame of a journey. */
static void delay_travel(struct delay_state *state, double rate, double *delay, uint32_t n)
{
	double pull = 1.0 / (DELAY_TAPE_S * rate);

	for (uint32_t i = 0; i < n; i++) {
		double way = state->goal - state->head, step = way * pull;

		step = fmin(fmax(step, -DELAY_TAPE_SPEED), DELAY_TAPE_SPEED);
		state->head = fabs(way) < 1e-3 ? state->goal : state->head + step;
		delay[i] = state->head;
	}
}

static void delay_echo(const struct delay_state *state, const struct delay_channel *channel,
		       uint32_t offset, const double *delay, float *echo, uint32_t n)
{
	float coming[MIXD_SLICE_MAX];

	if (state->is_tape && delay[0] != delay[n - 1]) {
		delayline_read(&channel->line, &state->table, &state->clock, offset, delay, echo,
			       n);
		return;
	}
	/* A head at rest is whole frames behind, on tape, too. */
	delayline_copy(&channel->line, &state->clock, offset,
		       state->is_tape ? (uint32_t)delay[0] : state->fade.head[0], echo, n);
	if (state->is_tape || state->fade.frames == 0)
		return;
	delayline_copy(&channel->line, &state->clock, offset, state->fade.head[1], coming, n);
	headfade_blend(&state->fade, echo, coming, n);
}

static double delay_section(const struct onepole *section, double *memory, double x)
{
	double y = section->b0 * x + *memory;

	*memory = section->b1 * x - section->a1 * y;
	return y;
}

static void delay_cut(const struct delay_state *state, struct delay_channel *channel,
		      const float *echo, float *ret, uint32_t n)
{
	double low = channel->low, high = channel->high;

	if (!state->cuts_low)
		low = 0.0;
	if (!state->cuts_high)
		high = 0.0;
	for (uint32_t i = 0; i < n; i++) {
		double x = (double)echo[i];

		if (state->cuts_low)
			x = delay_section(&state->low_cut, &low, x);
		if (state->cuts_high)
			x = delay_section(&state->high_cut, &high, x);
		ret[i] = (float)x;
	}
	channel->low = low;
	channel->high = high;
}

/* As it is up to full scale, then slower and slower towards the room above. There is no -0 in the
 * ring, so that a copy and a reading with taps of 0 and 1 are the same. */
MIXD_INLINE float delay_bend(float x)
{
	float size = fabsf(x), over = size > 1.0f ? size - 1.0f : 0.0f;
	float bent = (size - over) + over * DELAY_BEND_ROOM / (over + DELAY_BEND_ROOM);

	return copysignf(bent, x) + 0.0f;
}

/* What goes into the ring of CHANNEL: its input, and the feedback of both sides. */
static void delay_enter(const struct delay_state *state, uint32_t c, const float *own_in,
			const float *other_in, const float *own, const float *other,
			uint32_t offset, uint32_t n)
{
	const struct delay_channel *channel = &state->channel[c];
	float into[MIXD_SLICE_MAX];
	bool is_pair = channel->partner != c;

	for (uint32_t i = 0; i < n; i++) {
		double swap = is_pair ? dsp_ramp_value(&state->swap, offset + i) : 0.0;
		double cross = is_pair ? dsp_ramp_value(&state->cross, offset + i) : 0.0;
		float back = (float)dsp_ramp_value(&state->feedback, offset + i);
		float share = (float)(cross + swap * (1.0 - cross)), part = (float)swap;
		float x = own_in[i];

		if (channel->is_right)
			x -= part * x;
		else
			x += part * (0.5f * (own_in[i] + other_in[i]) - x);
		into[i] = delay_bend(x + back * (own[i] + share * (other[i] - own[i])));
	}
	delayline_write(&channel->line, &state->clock, offset, into, n);
}

/* While nothing moves and sides do not mix. */
MIXD_CLONES static void delay_enter_rest(const float *in, const float *echo, float feedback,
					 float *into, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		into[i] = delay_bend(in[i] + feedback * echo[i]);
}

static void delay_feed(const struct delay_state *state, const struct mixd_inst *inst,
		       float (*cut)[MIXD_SLICE_MAX], uint32_t c, uint32_t first_c, uint32_t offset,
		       uint32_t n)
{
	const struct delay_channel *channel = &state->channel[c];
	bool mixes =
		channel->partner != c && !(dsp_ramp_rests(&state->swap) && state->swap.to == 0.0 &&
					   dsp_ramp_rests(&state->cross) && state->cross.to == 0.0);
	uint32_t own = c == first_c ? 0 : 1, other = channel->partner == c ? own : 1 - own;
	float into[MIXD_SLICE_MAX];

	if (mixes || !dsp_ramp_rests(&state->feedback)) {
		delay_enter(state, c, inst->in[c] + offset, inst->in[channel->partner] + offset,
			    cut[own], cut[other], offset, n);
		return;
	}
	delay_enter_rest(inst->in[c] + offset, cut[own], (float)state->feedback.to, into, n);
	delayline_write(&channel->line, &state->clock, offset, into, n);
}

/* One piece of one channel, or of a pair. ECHO is a row per channel. */
static void delay_piece_run(struct delay_state *state, const struct mixd_inst *inst, uint32_t first,
			    uint32_t offset, const double *delay, float (*echo)[MIXD_SLICE_MAX],
			    uint32_t n)
{
	uint32_t second = state->channel[first].partner;
	uint32_t side[2] = {first, second}, n_sides = second == first ? 1 : 2;
	float cut[2][MIXD_SLICE_MAX];

	for (uint32_t s = 0; s < n_sides; s++) {
		delay_echo(state, &state->channel[side[s]], offset, delay, echo[s] + offset, n);
		delay_cut(state, &state->channel[side[s]], echo[s] + offset, cut[s], n);
	}
	for (uint32_t s = 0; s < n_sides; s++)
		delay_feed(state, inst, cut, side[s], first, offset, n);
}

/* The gain of the echoes for each frame. False: 1 throughout. */
static bool delay_duck(struct delay_state *state, const struct mixd_inst *inst, float *gain,
		       uint32_t n)
{
	if (dsp_ramp_rests(&state->duck) && state->duck.to == 0.0) {
		state->envelope = 0.0;
		return false;
	}
	for (uint32_t i = 0; i < n; i++) {
		double power = 0.0, want, rate;

		for (uint32_t c = 0; c < state->n_channels; c++)
			power = fmax(power, (double)inst->in[c][i] * (double)inst->in[c][i]);
		want = power / (power + state->duck_power);
		rate = want > state->envelope ? state->duck_attack : state->duck_release;
		state->envelope += rate * (want - state->envelope);
		gain[i] = (float)(1.0 - dsp_ramp_value(&state->duck, i) * state->envelope);
	}
	return true;
}

static void delay_out(const struct delay_state *state, const float *in, float *echo,
		      const float *duck, float *out, uint32_t n)
{
	for (uint32_t i = 0; duck && i < n; i++)
		echo[i] *= duck[i];
	dsp_ramp_mul(&state->wet, echo, echo, n);
	dsp_ramp_mul(&state->dry, in, out, n);
	for (uint32_t i = 0; i < n; i++)
		out[i] += echo[i];
}

static void delay_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct delay_state *state = inst->state;
	uint32_t n = call->n_frames;
	const struct headfade fade = state->fade;
	double delay[MIXD_SLICE_MAX];
	float duck[MIXD_SLICE_MAX];
	bool ducks = delay_duck(state, inst, duck, n);

	if (state->is_tape)
		delay_travel(state, inst->setup->rate, delay, n);
	for (uint32_t c = 0; c < state->n_channels; c++) {
		float echo[2][MIXD_SLICE_MAX];
		uint32_t partner = state->channel[c].partner, piece;

		if (partner < c)
			continue; /* done with its partner */
		state->fade = fade;
		for (uint32_t done = 0; done < n; done += piece) {
			piece = delay_piece(state, delay + done, n - done);
			delay_piece_run(state, inst, c, done, delay + done, echo, piece);
			headfade_advance(&state->fade, piece);
		}
		delay_out(state, inst->in[c], echo[0], ducks ? duck : NULL, inst->out[c], n);
		if (partner != c)
			delay_out(state, inst->in[partner], echo[1], ducks ? duck : NULL,
				  inst->out[partner], n);
	}
	delayline_advance(&state->clock, &state->channel[0].line, n);
	dsp_ramp_advance(&state->feedback, n);
	dsp_ramp_advance(&state->cross, n);
	dsp_ramp_advance(&state->swap, n);
	dsp_ramp_advance(&state->wet, n);
	dsp_ramp_advance(&state->dry, n);
	dsp_ramp_advance(&state->duck, n);
}

static const struct mixd_node_type delay_type = {
	.id = "delay",
	.doc = "Echoes: in time or in tempo, ping-pong, filtered, ducked, clean or as on tape",
	.category = "space",
	.source = "Dattorro, Effect Design 2, JAES 45(10) 1997",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(delay_ports),
	.params = MIXD_ARRAY(delay_params),
	.needs = delay_needs,
	.activate = delay_activate,
	.update = delay_update,
	.process = delay_process,
	.reset = delay_reset,
};

MIXD_MODULE(&delay_type);
