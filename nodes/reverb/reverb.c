/* reverb.c - a room: early reflections and a feedback delay network of 16 lines.
 *
 * SOURCE      Jot, Chaigne, AES 90 (1991); see dsp/fdn.h and dsp/diffuser.h. Early reflections: taps
 *             whose times grow and whose levels fall as 1/t, after Moorer, About this reverberation
 *             business, Computer Music Journal 3(2), 1979.
 * STRUCTURE   in -> low cut, high cut -> pre-delay -+-> early taps ---------------------+-> width -> mix
 *                                                    +-> tone -> diffuser -> network ---+
 *             The tone filter gives 1/sqrt(T60) as Jot's corrector does, and the injection is
 *             scaled so that the reverb is as loud as the dry sound whatever the decay.
 *             `freeze` closes the injection, takes the losses out and stops the modulation. The
 *             pre-delay moves by a crossfade between two heads; the room's size is a config. */
#include <errno.h>
#include <math.h>

#include <mixd/node.h>

#include "diffuser.h"
#include "fdn.h"
#include "glide.h"
#include "headfade.h"
#include "lanes.h"
#include "mixlaw.h"
#include "onepair.h"

#include <mixd/rt.h>

#define REVERB_CHANNELS_MAX 16u /* a row of the network each */
#define REVERB_TAPS 8u
#define REVERB_TAP_LAST_MS 76.0
#define REVERB_PREDELAY_MAX_MS 250.0
#define REVERB_FADE_MS 50.0
#define REVERB_SECTIONS 4u /* low cut, high cut; then the tone's two shelves */

static const struct mixd_port_row reverb_ports[] = {
	{"in", "What sounds in the room", false, MIXD_PORT_MAIN, NULL},
	{"out", "It and the room", true, MIXD_PORT_MAIN, NULL},
};

enum {
	REVERB_DECAY,
	REVERB_PREDELAY,
	REVERB_LOW_RATIO,
	REVERB_LOW_FREQ,
	REVERB_HIGH_RATIO,
	REVERB_DAMPING,
	REVERB_DIFFUSION,
	REVERB_MOD_RATE,
	REVERB_MOD_DEPTH,
	REVERB_LOW_CUT,
	REVERB_HIGH_CUT,
	REVERB_EARLY,
	REVERB_WIDTH,
	REVERB_MIX,
	REVERB_FREEZE,
	REVERB_PARAMS
};

/* clang-format off */
#define REVERB_ROW(ID, DOC, UNIT, MIN, MAX, DEF, RAMP) \
	{.id = (ID), .doc = (DOC), .type = MIXD_TYPE_FLOAT, .unit = MIXD_UNIT_##UNIT, .min = (MIN), \
	 .max = (MAX), .def = (DEF), .ramp = MIXD_RAMP_##RAMP, .smooth_ms = 20}
static const struct mixd_param_row reverb_params[REVERB_PARAMS] = {
	[REVERB_DECAY] = REVERB_ROW("decay", "Time in which the reverb falls by 60 dB (T60)", S, 0.1, 30, 2, LOG),
	[REVERB_PREDELAY] = {.id = "predelay", .doc = "Pause before the room answers", .type = MIXD_TYPE_FLOAT,
			     .unit = MIXD_UNIT_MS, .min = 0, .max = REVERB_PREDELAY_MAX_MS, .def = 15},
	[REVERB_LOW_RATIO] = REVERB_ROW("low_ratio", "T60 of the bass, as a part of the decay", NONE, 0.25, 4, 1.2, LOG),
	[REVERB_LOW_FREQ] = REVERB_ROW("low_freq", "Where the bass begins: half way to its T60", HZ, 40, 1000, 200, LOG),
	[REVERB_HIGH_RATIO] = REVERB_ROW("high_ratio", "T60 of the treble, as a part of the decay", NONE, 0.05, 2, 0.4, LOG),
	[REVERB_DAMPING] = REVERB_ROW("damping", "Where the treble begins: half way to its T60", HZ, 500, 20000, 5000, LOG),
	[REVERB_DIFFUSION] = REVERB_ROW("diffusion", "How dense the echoes are from the start", PERCENT, 0, 100, 100, LINEAR),
	[REVERB_MOD_RATE] = REVERB_ROW("mod_rate", "How fast every other line sways", HZ, 0.05, 2, 0.5, LOG),
	[REVERB_MOD_DEPTH] = REVERB_ROW("mod_depth", "How far every other line sways; 100 % is 0.17 ms", PERCENT, 0, 100, 40, LINEAR),
	[REVERB_LOW_CUT] = REVERB_ROW("low_cut", "Less of what enters the room below this", HZ, 20, 1000, 20, LOG),
	[REVERB_HIGH_CUT] = REVERB_ROW("high_cut", "Less of what enters the room above this", HZ, 500, 24000, 24000, LOG),
	[REVERB_EARLY] = REVERB_ROW("early", "Early reflections against the late reverb", PERCENT, 0, 100, 30, LINEAR),
	[REVERB_WIDTH] = REVERB_ROW("width", "0 is the same room in every channel", PERCENT, 0, 100, 100, LINEAR),
	[REVERB_MIX] = REVERB_ROW("mix", "Room against dry sound, at constant power", PERCENT, 0, 100, 25, LINEAR),
	[REVERB_FREEZE] = {.id = "freeze", .doc = "Hold what sounds for ever, and let nothing in",
			   .type = MIXD_TYPE_BOOL, .max = 1},
};
/* clang-format on */

enum { REVERB_CONFIG_SIZE };

static const struct mixd_config_row reverb_configs[] = {
	[REVERB_CONFIG_SIZE] = {.id = "size",
				.doc = "Size of the room: 100 % has walls 5 to 30 m away",
				.type = MIXD_TYPE_FLOAT,
				.unit = MIXD_UNIT_PERCENT,
				.min = 20,
				.max = 200,
				.def = 100},
};

struct reverb_state {
	uint32_t channels;
	bool heard; /* something, since the reset */
	struct onepole section[REVERB_SECTIONS];
	double memory[REVERB_SECTIONS][REVERB_CHANNELS_MAX] __attribute__((aligned(64)));
	/* The pre-delay, and the taps behind it. */
	struct blockring early_ring[REVERB_CHANNELS_MAX], late_ring[REVERB_CHANNELS_MAX];
	uint32_t position;
	uint32_t tap_frames[REVERB_CHANNELS_MAX][REVERB_TAPS];
	float tap_gain[REVERB_CHANNELS_MAX][REVERB_TAPS];
	struct headfade predelay;
	double frozen; /* 0 .. 1 */
	struct dsp_ramp inject, early_gain, late_gain, width, dry, wet;
	double inject_from;
	struct diffuser diffuser;
	struct fdn fdn;
	float wet_block[REVERB_CHANNELS_MAX][FDN_BLOCK] __attribute__((aligned(64)));
	float late[REVERB_CHANNELS_MAX][FDN_BLOCK] __attribute__((aligned(64)));
	float into[DIFFUSER_CHANNELS][FDN_BLOCK] __attribute__((aligned(64)));
	float row[FDN_LINES][FDN_BLOCK] __attribute__((aligned(64)));
	float rings[] __attribute__((aligned(64)));
};

/* ---- making --------------------------------------------------------------------------------------- */

static double reverb_scale(const struct mixd_setup *setup)
{
	return setup->config[REVERB_CONFIG_SIZE].number / 100;
}

/* Signals that go to the late reverb: more channels than it has are added. */
MIXD_INLINE uint32_t reverb_entries(uint32_t channels)
{
	return channels < DIFFUSER_CHANNELS ? channels : DIFFUSER_CHANNELS;
}

static uint32_t reverb_early_size(const struct mixd_setup *setup)
{
	double longest_ms = REVERB_PREDELAY_MAX_MS + REVERB_TAP_LAST_MS * reverb_scale(setup);

	return blockring_size((uint32_t)ceil(longest_ms * setup->rate / 1000));
}

static uint32_t reverb_late_size(const struct mixd_setup *setup)
{
	return blockring_size((uint32_t)ceil(REVERB_PREDELAY_MAX_MS * setup->rate / 1000));
}

static int reverb_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			struct mixd_fault *fault)
{
	uint32_t channels = setup->in_layout[0]->n_channels;
	double scale = reverb_scale(setup);

	if (channels > REVERB_CHANNELS_MAX) {
		*fault = (struct mixd_fault){
			"a room has at most 16 outputs that differ",
			"use up to 16 channels, or one reverb per group of them"};
		return -EINVAL;
	}
	ret_need->state_bytes =
		sizeof(struct reverb_state) +
		sizeof(float) *
			(channels * (size_t)(blockring_floats(reverb_early_size(setup)) +
					     blockring_floats(reverb_late_size(setup))) +
			 diffuser_memory(setup->rate, scale) + fdn_memory(setup->rate, scale));
	ret_need->tail = UINT64_MAX; /* it may be frozen */
	return 0;
}

/* Where the reflections of an output channel lie: the taps spread over equal ratios of time, each
 * channel's moved by its own irrational step. */
static void reverb_taps(struct reverb_state *state, double rate, double scale)
{
	for (uint32_t c = 0; c < state->channels; c++) {
		double power = 0;

		for (uint32_t t = 0; t < REVERB_TAPS; t++) {
			double place = fmod((c * REVERB_TAPS + t + 1) * 0.6180339887498949, 1.0);
			double ms = 5.0 *
				    pow(REVERB_TAP_LAST_MS / 5.0, (t + 0.9 * place) / REVERB_TAPS) *
				    scale;
			double gain = 5.0 * scale / ms;

			state->tap_frames[c][t] = (uint32_t)(ms * rate / 1000);
			state->tap_gain[c][t] = (float)((c * 5 + t * 3) % 7 < 3 ? -gain : gain);
			power += gain * gain;
		}
		for (uint32_t t = 0; t < REVERB_TAPS; t++)
			state->tap_gain[c][t] /= (float)sqrt(power);
	}
}

static void reverb_reset(struct mixd_inst *inst)
{
	struct reverb_state *state = inst->state;

	memset(state->memory, 0, sizeof(state->memory));
	for (uint32_t c = 0; c < state->channels; c++) {
		blockring_clear(&state->early_ring[c]);
		blockring_clear(&state->late_ring[c]);
	}
	state->position = 0;
	state->heard = false;
	state->predelay = (struct headfade){{0, 0}, 0, 0};
	diffuser_reset(&state->diffuser);
	fdn_reset(&state->fdn);
}

static int reverb_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct reverb_state *state = inst->state;
	const struct mixd_setup *setup = inst->setup;
	double scale = reverb_scale(setup);
	uint32_t early = reverb_early_size(setup), late = reverb_late_size(setup);
	float *memory = state->rings;

	state->channels = setup->in_layout[0]->n_channels;
	for (uint32_t c = 0; c < state->channels; c++) {
		state->early_ring[c] = (struct blockring){memory, early - 1};
		memory += blockring_floats(early);
		state->late_ring[c] = (struct blockring){memory, late - 1};
		memory += blockring_floats(late);
	}
	diffuser_init(&state->diffuser, setup->rate, scale, reverb_entries(state->channels),
		      memory);
	memory += diffuser_memory(setup->rate, scale);
	fdn_init(&state->fdn, setup->rate, scale, memory);
	reverb_taps(state, setup->rate, scale);
	reverb_reset(inst);
	return 0;
}

/* ---- params --------------------------------------------------------------------------------------- */

/* The room's filters and decay, at the end of the cell. */
static void reverb_tune(struct mixd_inst *inst, const double *value, double *ret_inject)
{
	struct reverb_state *state = inst->state;
	double rate = inst->setup->rate, held = glide_smooth(state->frozen);
	struct fdn_decay decay = {
		.t60_s = value[REVERB_DECAY],
		.low_ratio = value[REVERB_LOW_RATIO],
		.low_hz = value[REVERB_LOW_FREQ],
		.high_ratio = value[REVERB_HIGH_RATIO],
		.high_hz = value[REVERB_DAMPING],
	};

	*ret_inject = (1 - held) * fdn_injection(&state->fdn, &decay, state->channels);
	state->section[0] = onepole_low_cut(value[REVERB_LOW_CUT], rate);
	state->section[1] = onepole_high_cut(value[REVERB_HIGH_CUT], rate);
	state->section[2] = onepole_low_shelf(1 / sqrt(decay.low_ratio), decay.low_hz, rate);
	state->section[3] = onepole_high_shelf(1 / sqrt(decay.high_ratio), decay.high_hz, rate);
	/* Frozen there is no loss: the time becomes infinite by way of its inverse. */
	decay.t60_s = held >= 1 ? INFINITY : decay.t60_s / (1 - held);
	fdn_set_decay(&state->fdn, &decay);
	fdn_set_modulation(&state->fdn,
			   (1 - held) * value[REVERB_MOD_DEPTH] / 100 * state->fdn.depth_max,
			   value[REVERB_MOD_RATE]);
	diffuser_set(&state->diffuser, value[REVERB_DIFFUSION] / 100);
}

static bool reverb_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct reverb_state *state = inst->state;
	const double *from = update->from, *to = update->to;
	uint32_t frames = update->cell_frames;
	double frozen = state->frozen;
	uint32_t predelay = (uint32_t)lrint(to[REVERB_PREDELAY] * inst->setup->rate / 1000);
	double inject;
	bool again;

	state->frozen = glide_toward(frozen, to[REVERB_FREEZE],
				     glide_step(REVERB_FADE_MS / 1000, update, inst->setup->rate));
	again = state->frozen != frozen && !update->jump;
	again |= headfade_wish(&state->predelay, predelay,
			       (uint32_t)(inst->setup->rate * REVERB_FADE_MS / 1000), update->jump);
	reverb_tune(inst, to, &inject);
	dsp_ramp_set(&state->inject, update->jump ? inject : state->inject_from, inject, frames);
	state->inject_from = inject;
	dsp_ramp_set(&state->early_gain, mixlaw_rise(from[REVERB_EARLY]),
		     mixlaw_rise(to[REVERB_EARLY]), frames);
	dsp_ramp_set(&state->late_gain, mixlaw_fall(from[REVERB_EARLY]),
		     mixlaw_fall(to[REVERB_EARLY]), frames);
	dsp_ramp_set(&state->width, from[REVERB_WIDTH] / 100, to[REVERB_WIDTH] / 100, frames);
	dsp_ramp_set(&state->dry, mixlaw_fall(from[REVERB_MIX]), mixlaw_fall(to[REVERB_MIX]),
		     frames);
	dsp_ramp_set(&state->wet, mixlaw_rise(from[REVERB_MIX]), mixlaw_rise(to[REVERB_MIX]),
		     frames);
	return again;
}

/* ---- sound ---------------------------------------------------------------------------------------- */

/* What enters the room, into the ring of the early reflections; with the tone of the late reverb,
 * into the other. Two channels in a vector and all sections in one loop: the recursions hide in one
 * another. */
MIXD_INLINE void reverb_filter(struct reverb_state *state, const float *const *in, uint32_t first,
			       uint32_t n)
{
	for (uint32_t c = 0; c < state->channels; c += 2) {
		uint32_t d = c + 1 < state->channels ? c + 1 : c;
		const float *left = in[c] + first, *right = in[d] + first;
		float *early[2] = {blockring_place(&state->early_ring[c], state->position),
				   blockring_place(&state->early_ring[d], state->position)};
		float *late[2] = {blockring_place(&state->late_ring[c], state->position),
				  blockring_place(&state->late_ring[d], state->position)};
		struct onepair low_cut = onepair(&state->section[0], &state->memory[0][c]);
		struct onepair high_cut = onepair(&state->section[1], &state->memory[1][c]);
		struct onepair low = onepair(&state->section[2], &state->memory[2][c]);
		struct onepair high = onepair(&state->section[3], &state->memory[3][c]);
		lanes_f64x2 cut[FDN_BLOCK] __attribute__((aligned(64)));
		lanes_f64x2 toned[FDN_BLOCK] __attribute__((aligned(64)));

		for (uint32_t i = 0; i < n; i++) {
			lanes_f64x2 x = {(double)left[i], (double)right[i]};

			ONEPAIR_PASS(low_cut, x);
			ONEPAIR_PASS(high_cut, x);
			cut[i] = x;
			ONEPAIR_PASS(low, x);
			ONEPAIR_PASS(high, x);
			toned[i] = x;
		}
		lanes_store_f64((const double *)cut, early, n, 2);
		lanes_store_f64((const double *)toned, late, n, 2);
		*(lanes_f64x2 *)&state->memory[0][c] = low_cut.memory;
		*(lanes_f64x2 *)&state->memory[1][c] = high_cut.memory;
		*(lanes_f64x2 *)&state->memory[2][c] = low.memory;
		*(lanes_f64x2 *)&state->memory[3][c] = high.memory;
	}
	for (uint32_t c = 0; c < state->channels; c++) {
		blockring_wrote(&state->early_ring[c], state->position, n);
		blockring_wrote(&state->late_ring[c], state->position, n);
	}
}

/* All taps of an output channel, in their order, for 16 frames (of type U) or one. */
#define REVERB_TAPPED(U, gain, tap, i)                                                             \
	(0.0f + (gain)[0] * *(const U *)((tap)[0] + (i)) +                                         \
	 (gain)[1] * *(const U *)((tap)[1] + (i)) + (gain)[2] * *(const U *)((tap)[2] + (i)) +     \
	 (gain)[3] * *(const U *)((tap)[3] + (i)) + (gain)[4] * *(const U *)((tap)[4] + (i)) +     \
	 (gain)[5] * *(const U *)((tap)[5] + (i)) + (gain)[6] * *(const U *)((tap)[6] + (i)) +     \
	 (gain)[7] * *(const U *)((tap)[7] + (i)))

/* The last vector may go over frames that were done: their bits are the same. */
MIXD_INLINE void reverb_early(const float *gain, const float *const tap[REVERB_TAPS],
			      float *restrict out, uint32_t n)
{
	_Static_assert(REVERB_TAPS == 8, "one product for each");
	for (uint32_t i = 0; i < n && n >= 16; i += 16) {
		uint32_t at = i + 16 <= n ? i : n - 16;

		*(blockring_f32x16u *)(out + at) = REVERB_TAPPED(blockring_f32x16u, gain, tap, at);
	}
	for (uint32_t i = 0; i < n && n < 16; i++)
		out[i] = REVERB_TAPPED(float, gain, tap, i);
}

/* What HEAD gives: the early reflections of every output channel, and where what goes to the late
 * reverb stands. */
MIXD_INLINE void reverb_listen(struct reverb_state *state, uint32_t head, float (*early)[FDN_BLOCK],
			       const float **late, uint32_t n)
{
	uint32_t position = state->position - head;

	for (uint32_t c = 0; c < state->channels; c++) {
		uint32_t beside = c + 1 < state->channels ? c + 1 : 0;
		const float *tap[REVERB_TAPS], *gain = state->tap_gain[c];

		late[c] = blockring_at(&state->late_ring[c], position);
		for (uint32_t t = 0; t < REVERB_TAPS; t++)
			tap[t] = blockring_at(&state->early_ring[t % 2 ? beside : c],
					      position - state->tap_frames[c][t]);
		reverb_early(gain, tap, early[c], n);
	}
}

/* The gain of each frame, at once. */
MIXD_INLINE void reverb_gains(const struct dsp_ramp *ramp, float *ret, uint32_t n)
{
	if (dsp_ramp_rests(ramp)) {
		float gain = (float)ramp->to;

		for (uint32_t i = 0; i < n; i++)
			ret[i] = gain;
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		ret[i] = (float)dsp_ramp_value(ramp, i);
}

/* What enters the diffuser: each of our channels goes to as many of its channels as there are for
 * it. */
MIXD_INLINE void reverb_spread(struct reverb_state *state, const float *const *late, uint32_t n)
{
	uint32_t channels = state->channels;
	float inject[FDN_BLOCK];

	reverb_gains(&state->inject, inject, n);
	for (uint32_t c = 0; c < reverb_entries(channels); c++) {
		uint32_t shares = DIFFUSER_CHANNELS / channels + (c < DIFFUSER_CHANNELS % channels);
		float part = channels < DIFFUSER_CHANNELS ? 1.0f / sqrtf((float)shares) : 1.0f;
		const float *restrict x = late[c];
		float *restrict into = diffuser_entry(&state->diffuser, c);

		if (c + DIFFUSER_CHANNELS < channels) {
			const float *restrict y = late[c + DIFFUSER_CHANNELS];

			for (uint32_t i = 0; i < n; i++)
				into[i] = inject[i] * (part * (x[i] + y[i]));
		} else {
			for (uint32_t i = 0; i < n; i++)
				into[i] = inject[i] * (part * x[i]);
		}
	}
}

/* The row of the network that output channel C gets. */
MIXD_INLINE uint32_t reverb_row(uint32_t c)
{
	return c < 8 ? 2 * c + 1 : 2 * (c - 8);
}

/* The gains of each frame, or at rest of the first 16 only. */
struct reverb_blend {
	float early[FDN_BLOCK], late[FDN_BLOCK], width[FDN_BLOCK], dry[FDN_BLOCK], wet[FDN_BLOCK];
};

#define REVERB_GAIN(U, name) *(const U *)(blend->name + (rests ? 0 : i))

/* From frame I on, for 16 frames (V a vector, in memory U) or one: OUT may be IN. */
#define REVERB_MIX(V, U)                                                                           \
	do {                                                                                       \
		V room[REVERB_CHANNELS_MAX], middle = {0};                                         \
                                                                                                   \
		for (uint32_t c = 0; c < channels; c++) {                                          \
			room[c] = REVERB_GAIN(U, early) * *(const U *)(state->wet_block[c] + i) +  \
				  REVERB_GAIN(U, late) *                                           \
					  *(const U *)(state->row[reverb_row(c)] + i);             \
			middle += room[c];                                                         \
		}                                                                                  \
		middle *= part;                                                                    \
		for (uint32_t c = 0; c < channels; c++) {                                          \
			V wet = middle + REVERB_GAIN(U, width) * (room[c] - middle);               \
                                                                                                   \
			*(U *)(inst->out[c] + first + i) =                                         \
				REVERB_GAIN(U, dry) * *(const U *)(inst->in[c] + first + i) +      \
				REVERB_GAIN(U, wet) * wet;                                         \
		}                                                                                  \
	} while (0)

MIXD_INLINE void reverb_mix_by(const struct reverb_state *state, const struct mixd_inst *inst,
			       const struct reverb_blend *blend, const bool rests,
			       const uint32_t channels, uint32_t first, uint32_t n)
{
	float part = 1.0f / (float)channels;
	uint32_t i = 0;

	for (; i + 16 <= n; i += 16)
		REVERB_MIX(blockring_f32x16, blockring_f32x16u);
	for (; i < n; i++)
		REVERB_MIX(float, float);
}

MIXD_INLINE void reverb_mix(struct reverb_state *state, const struct mixd_inst *inst,
			    uint32_t first, uint32_t n)
{
	bool rests = dsp_ramp_rests(&state->early_gain) && dsp_ramp_rests(&state->late_gain) &&
		     dsp_ramp_rests(&state->width) && dsp_ramp_rests(&state->dry) &&
		     dsp_ramp_rests(&state->wet);
	uint32_t n_gains = rests ? 16 : n;
	struct reverb_blend blend;

	reverb_gains(&state->early_gain, blend.early, n_gains);
	reverb_gains(&state->late_gain, blend.late, n_gains);
	reverb_gains(&state->width, blend.width, n_gains);
	reverb_gains(&state->dry, blend.dry, n_gains);
	reverb_gains(&state->wet, blend.wet, n_gains);
	if (rests && state->channels == 2)
		reverb_mix_by(state, inst, &blend, true, 2, first, n);
	else if (rests)
		reverb_mix_by(state, inst, &blend, true, state->channels, first, n);
	else
		reverb_mix_by(state, inst, &blend, false, state->channels, first, n);
}

MIXD_INLINE void reverb_advance(struct reverb_state *state, uint32_t n)
{
	dsp_ramp_advance(&state->inject, n);
	dsp_ramp_advance(&state->early_gain, n);
	dsp_ramp_advance(&state->late_gain, n);
	dsp_ramp_advance(&state->width, n);
	dsp_ramp_advance(&state->dry, n);
	dsp_ramp_advance(&state->wet, n);
	headfade_advance(&state->predelay, n);
}

/* The pre-delay moves: what the other head gives comes in. */
MIXD_INLINE void reverb_fade(struct reverb_state *state, const float **late, uint32_t n)
{
	const float *coming[REVERB_CHANNELS_MAX];

	reverb_listen(state, state->predelay.head[1], state->row, coming, n);
	for (uint32_t c = 0; c < state->channels; c++) {
		headfade_blend(&state->predelay, state->wet_block[c], state->row[c], n);
		memcpy(state->late[c], late[c], n * sizeof(float));
		headfade_blend(&state->predelay, state->late[c], coming[c], n);
		late[c] = state->late[c];
	}
}

/* FIRST .. FIRST + N of the call. */
MIXD_INLINE void reverb_sound(struct reverb_state *state, const struct mixd_inst *inst,
			      uint32_t first, uint32_t n)
{
	const float *late[REVERB_CHANNELS_MAX];
	uint32_t rows = 0;

	reverb_filter(state, inst->in, first, n);
	reverb_listen(state, state->predelay.head[0], state->wet_block, late, n);
	if (state->predelay.frames > 0)
		reverb_fade(state, late, n);
	reverb_spread(state, late, n);
	for (uint32_t c = 0; c < state->channels; c++)
		rows |= 1u << reverb_row(c);
	diffuser_process(&state->diffuser, state->into, n);
	fdn_process(&state->fdn, state->into, state->row, rows, n);
	reverb_mix(state, inst, first, n);
	state->position += n;
	reverb_advance(state, n);
}

/* The first frame is the FRAME-th of a slice: from the next slice on, vectors lie as memory likes
 * them. Where in a ring sound stands is not heard. */
MIXD_INLINE void reverb_align(struct reverb_state *state, uint32_t frame)
{
	state->position = frame;
	diffuser_align(&state->diffuser, frame);
	fdn_align(&state->fdn, frame);
}

/* The first frame that sounds, or N. */
MIXD_INLINE uint32_t reverb_first(const struct reverb_state *state, const struct mixd_inst *inst,
				  uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t c = 0; c < state->channels; c++)
			if (inst->in[c][i] != 0)
				return i;
	return n;
}

MIXD_CLONES static void reverb_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct reverb_state *state = inst->state;
	uint32_t quiet = 0, n = call->n_frames;

	/* The lines begin to sway with the first sound: until then nothing moves (N4). */
	if (!state->heard) {
		quiet = reverb_first(state, inst, n);
		for (uint32_t c = 0; c < state->channels && quiet > 0; c++)
			memset(inst->out[c], 0, quiet * sizeof(float));
		reverb_advance(state, quiet);
		state->heard = quiet < n;
		reverb_align(state, quiet);
	}
	if (quiet < n)
		reverb_sound(state, inst, quiet, n - quiet);
}

static const struct mixd_node_type reverb_type = {
	.id = "reverb",
	.doc = "Room or hall: early reflections, and a feedback delay network of 16 lines",
	.category = "space",
	.source = "Jot, Chaigne, AES 90, 1991; Schlecht, DAFx-20",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(reverb_ports),
	.params = MIXD_ARRAY(reverb_params),
	.configs = MIXD_ARRAY(reverb_configs),
	.needs = reverb_needs,
	.activate = reverb_activate,
	.update = reverb_update,
	.process = reverb_process,
	.reset = reverb_reset,
};

MIXD_MODULE(&reverb_type);
