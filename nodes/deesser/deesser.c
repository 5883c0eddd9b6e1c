/* deesser - lowers sibilance, and only it.
 *
 * SOURCE      Detection by ratio, so that the threshold does not depend on how loud somebody speaks:
 *             R. Jeffs, S. Holden, D. Bohn, Dynamics Processors, RaneNote 155, 2005. The shelf:
 *             Holters, Zoelzer, EUSIPCO 2006 (../dsp/dynshelf.h).
 * STRUCTURE   Mean power (5 ms) of what lies above the corner over mean power of all, in log2, once
 *             for every 4 frames (0.08 ms, of an attack of 0.5), counted from the reset; above the
 *             threshold the reduction grows by 2 dB per dB up to `amount`. It becomes the depth of
 *             a shelf of order 6 whose corner lies at 0.7 of `freq`: what is an octave below `freq`
 *             loses nothing, at `freq` the depth is reached. One depth for all channels. */
#include <math.h>

#include <mixd/node.h>

#include "dynamics_math.h"
#include "dynshelf.h"
#include "sidechain_rows.h"

#include <mixd/rt.h>

#define DEESSER_CORNER 0.7 /* of `freq` */
#define DEESSER_MEAN_S 0.005
#define DEESSER_SLOPE 2.0
#define DEESSER_KNEE_DB 4.0
#define DEESSER_FLOOR 1e-8f /* -80 dBFS beside the whole: noise in pauses is not sibilance */
#define DEESSER_GROUP 4u /* frames */
#define DEESSER_TAIL_S 4.0

enum {
	DEESSER_AMOUNT,
	DEESSER_FREQ,
	DEESSER_SENSITIVITY,
	DEESSER_ATTACK,
	DEESSER_RELEASE,
	DEESSER_LISTEN,
};

static const struct mixd_port_row deesser_ports[] = {
	SIDECHAIN_PORTS("A voice", "What is searched for sibilance, when linked; else the input is",
			"The voice with less sibilance"),
};

static const struct mixd_param_row deesser_params[] = {
	[DEESSER_AMOUNT] = {SIDECHAIN_FLOAT("amount", MIXD_UNIT_DB, 0, 18, 8, MIXD_RAMP_LINEAR),
			    .doc = "The most reduction"},
	[DEESSER_FREQ] =
		{SIDECHAIN_FLOAT("freq", MIXD_UNIT_HZ, 2000, 12000, 6500, MIXD_RAMP_LOG),
		 .doc = "Where sibilance is and the full reduction is reached; half of it stays "
			"as it is"},
	[DEESSER_SENSITIVITY] =
		{SIDECHAIN_FLOAT("sensitivity", MIXD_UNIT_DB, 0, 40, 12, MIXD_RAMP_LINEAR),
		 .doc = "Sibilance is what lies less than this below the whole voice"},
	[DEESSER_ATTACK] = {SIDECHAIN_FLOAT("attack", MIXD_UNIT_MS, 0.05, 50, 0.5, MIXD_RAMP_LOG),
			    .doc = "Time to 63 % of the reduction"},
	[DEESSER_RELEASE] = {SIDECHAIN_FLOAT("release", MIXD_UNIT_MS, 5, 500, 40, MIXD_RAMP_LOG),
			     .doc = "Time to recover 63 % of the reduction"},
	[DEESSER_LISTEN] = {SIDECHAIN_SWITCH("listen"),
			    .doc = "Hear what is removed, instead of the output"},
};

static const struct mixd_config_row deesser_configs[] = {
	SIDECHAIN_LOOKAHEAD(10),
};

static const struct mixd_meter_row deesser_meters[] = {
	SIDECHAIN_GR("Reduction of the sibilance"),
};

struct deesser_state {
	struct sidechain chain;
	struct dynshelf shelf;
	struct dyn_glide removed;
	struct dyn_curve curve;
	double up, down, reduction; /* share of the way per group; log2 */
	double high, all; /* mean powers */
	double group_high, group_all; /* sums of the group under way */
	uint32_t phase; /* frames in it */
	float from, to; /* radius, at the ends of the group that is being made */
	double take, removed_part;
	struct dynshelf_state channels[]; /* one per two */
};

static uint32_t deesser_delay(const struct mixd_setup *setup)
{
	return (uint32_t)lround(setup->config[0].number * 0.001 * setup->rate);
}

static size_t deesser_shelves(const struct mixd_setup *setup)
{
	return (setup->out_layout[0]->n_channels + 1) / 2;
}

static int deesser_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			 struct mixd_fault *fault)
{
	uint32_t delay = deesser_delay(setup);

	ret_need->state_bytes = sizeof(struct deesser_state) +
				deesser_shelves(setup) * sizeof(struct dynshelf_state) +
				sidechain_bytes(setup->out_layout[0]->n_channels,
						setup->in_layout[1]->n_channels, delay);
	ret_need->latency = delay;
	ret_need->tail = delay + (uint64_t)(DEESSER_TAIL_S * setup->rate);
	return 0;
}

static int deesser_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct deesser_state *state = inst->state;
	const struct mixd_setup *setup = inst->setup;

	sidechain_init(&state->chain, state->channels + deesser_shelves(setup),
		       setup->out_layout[0]->n_channels, setup->in_layout[1]->n_channels,
		       deesser_delay(setup));
	state->take = 1.0 - dyn_keep(DEESSER_MEAN_S, setup->rate / DEESSER_GROUP);
	state->from = state->to = 1.0f;
	return 0;
}

static void deesser_reset(struct mixd_inst *inst)
{
	struct deesser_state *state = inst->state;

	sidechain_reset(&state->chain);
	for (size_t i = 0; i < deesser_shelves(inst->setup); i++)
		state->channels[i] = (struct dynshelf_state){{0.0}};
	state->reduction = 0.0;
	state->high = state->all = 0.0;
	state->group_high = state->group_all = 0.0;
	state->phase = 0;
	state->from = state->to = 1.0f;
}

static bool deesser_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct deesser_state *state = inst->state;
	const struct dyn_cell *cell = &state->chain.cell;
	const double rate = inst->setup->rate, *to = update->to;
	const double corner_hz = DEESSER_CORNER * to[DEESSER_FREQ];
	/* A Butterworth high pass of order 4. */
	const struct eq_band flat = {EQ_TYPE_HIGHPASS, EQ_SLOPE_12, corner_hz, 0.0, 0.5411961};
	const struct eq_band steep = {EQ_TYPE_HIGHPASS, EQ_SLOPE_12, corner_hz, 0.0, 1.3065630};
	const double knee = DEESSER_KNEE_DB / DYN_DB_PER_LOG2;
	bool moving;

	dynshelf_set(&state->shelf, corner_hz, rate);
	state->up = 1.0 - dyn_keep(to[DEESSER_ATTACK] * 0.001, rate / DEESSER_GROUP);
	state->down = 1.0 - dyn_keep(to[DEESSER_RELEASE] * 0.001, rate / DEESSER_GROUP);
	state->removed_part =
		glide_switch(state->removed_part, to[DEESSER_LISTEN] != 0.0, update, rate);
	moving = dyn_glide_to(&state->removed, cell, glide_smooth(state->removed_part), update);
	state->curve = (struct dyn_curve){
		.threshold = {(float)(-to[DEESSER_SENSITIVITY] / DYN_DB_PER_LOG2), 0.0f},
		.slope = {DEESSER_SLOPE, 0.0f},
		.range = {(float)(to[DEESSER_AMOUNT] / DYN_DB_PER_LOG2), 0.0f},
		.knee = (float)knee,
		.knee_scale = (float)(0.5 / knee),
	};
	sidechain_section(&state->chain, 0, &flat, rate);
	sidechain_section(&state->chain, 1, &steep, rate);
	moving |= sidechain_update(&state->chain, false, update, rate);
	return moving;
}

static void deesser_end_group(struct deesser_state *state, double high, double all, float *ret_high,
			      float *ret_all)
{
	const double take = state->take / DEESSER_GROUP, keep = 1.0 - state->take;

	state->high = keep * state->high + take * high;
	state->all = keep * state->all + take * all;
	*ret_high = (float)state->high;
	*ret_all = (float)state->all;
}

/* Powers to means, one per group, in place. Returns the number of groups that end here. */
static uint32_t deesser_means(struct deesser_state *state, float *high, float *all, uint32_t n)
{
	uint32_t phase = state->phase, groups = 0, i = 0;
	double h = state->group_high, a = state->group_all;

	while (i < n) {
		if (phase == 0 && n - i >= DEESSER_GROUP) {
			const float *p = high + i, *q = all + i;

			h = (((double)p[0] + (double)p[1]) + (double)p[2]) + (double)p[3];
			a = (((double)q[0] + (double)q[1]) + (double)q[2]) + (double)q[3];
			i += DEESSER_GROUP;
		} else {
			h += (double)high[i];
			a += (double)all[i++];
			if (++phase < DEESSER_GROUP)
				continue;
		}
		deesser_end_group(state, h, a, &high[groups], &all[groups]);
		groups++;
		h = a = 0.0;
		phase = 0;
	}
	state->group_high = h;
	state->group_all = a;
	return groups;
}

/* Radii of groups to one per frame: what a group says is reached at the end of the next. */
static void deesser_spread(struct deesser_state *state, const float *group, float *x, uint32_t n)
{
	static const float way[DEESSER_GROUP] = {0.25f, 0.5f, 0.75f, 1.0f};
	float from = state->from, to = state->to;
	uint32_t phase = state->phase, i = 0;

	while (i < n) {
		if (phase == 0 && n - i >= DEESSER_GROUP) {
			for (uint32_t k = 0; k < DEESSER_GROUP; k++)
				x[i + k] = from + (to - from) * way[k];
			i += DEESSER_GROUP;
		} else {
			x[i++] = from + (to - from) * way[phase];
			if (++phase < DEESSER_GROUP)
				continue;
		}
		from = to;
		to = *group++;
		phase = 0;
	}
	state->from = from;
	state->to = to;
	state->phase = phase;
}

/* The quicker way up, the slower way down: of the two steps from where it is the higher one is right
 * if up is quicker, else the lower one. */
static void deesser_swing(struct deesser_state *state, float *x, uint32_t n)
{
	const double up = state->up, down = state->down, stay_up = 1.0 - up, stay_down = 1.0 - down;
	double y = state->reduction;

	for (uint32_t i = 0; up >= down && i < n; i++) {
		double a = stay_up * y + up * (double)x[i], b = stay_down * y + down * (double)x[i];

		y = a > b ? a : b;
		x[i] = (float)y;
	}
	for (uint32_t i = 0; up < down && i < n; i++) {
		double a = stay_up * y + up * (double)x[i], b = stay_down * y + down * (double)x[i];

		y = a < b ? a : b;
		x[i] = (float)y;
	}
	state->reduction = y;
}

/* Mean powers to their ratio as a level, log2 of amplitude. */
MIXD_CLONES static void deesser_ratio(float *high, const float *all, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		float ratio = high[i] / (all[i] + DEESSER_FLOOR);

		high[i] = 0.5f * dyn_log2(dyn_larger(ratio, DYN_LEVEL_MIN_POWER));
	}
}

/* Reduction, log2, to the radius of the shelf's zeros, in place. Returns the largest reduction. */
MIXD_CLONES static float deesser_radius(float *x, uint32_t n)
{
	int32_t most = 0;

	for (uint32_t i = 0; i < n; i++) {
		most = dyn_more(most, x[i]);
		x[i] = dyn_exp2(x[i] * (-1.0f / 6.0f));
	}
	return dyn_most(most);
}

/* What is heard to the radius of each frame. Returns the largest reduction, log2. */
static float deesser_detect(struct deesser_state *state, const struct mixd_inst *inst,
			    float *radius, uint32_t n)
{
	const bool keyed = inst->in_linked >> 1 & 1u;
	struct sidechain *chain = &state->chain;
	float high[MIXD_SLICE_MAX] __attribute__((aligned(64)));
	float all[MIXD_SLICE_MAX] __attribute__((aligned(64)));
	float most = (float)state->reduction, groups_most;
	uint32_t groups;

	sidechain_hear(chain, inst, keyed, n);
	dyn_power_of_loudest(chain->row, chain->heard, high, n);
	dyn_power_of_loudest(inst->in + inst->setup->in_first[keyed], chain->heard, all, n);
	groups = deesser_means(state, high, all, n);
	deesser_ratio(high, all, groups);
	dyn_reduce(&state->curve, 0, high, groups);
	deesser_swing(state, high, groups);
	groups_most = deesser_radius(high, groups);
	deesser_spread(state, high, radius, n);
	return groups_most > most ? groups_most : most;
}

/* The output becomes, by and by, the input less it. */
static void deesser_removed(const struct deesser_state *state, const float *dry, float *out,
			    uint32_t n)
{
	const struct dyn_line *line = &state->removed.now;

	for (uint32_t i = 0; i < n; i++) {
		float part = line->at + line->step * (float)(int32_t)(state->chain.cell.done + i);

		out[i] = (1.0f - part) * out[i] + part * (dry[i] - out[i]);
	}
}

static void deesser_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct deesser_state *state = inst->state;
	const uint32_t n = call->n_frames, channels = state->chain.channels;
	const bool removed = !dyn_line_rests_at(&state->removed.now, 0.0f);
	const bool copied = removed || state->chain.delay_frames > 0;
	float x[MIXD_SLICE_MAX] __attribute__((aligned(64)));
	float dry[2][MIXD_SLICE_MAX], unused[MIXD_SLICE_MAX];
	float most;

	most = deesser_detect(state, inst, x, n);
	for (uint32_t c = 0; c < channels; c += 2) {
		bool two = c + 1 < channels;
		float *out[2] = {inst->out[c], two ? inst->out[c + 1] : unused};
		const float *in[2];

		for (uint32_t k = 0; k < 2; k++) {
			uint32_t channel = two ? c + k : c;

			in[k] = inst->in[channel];
			if (!copied)
				continue;
			sidechain_delayed(&state->chain, channel, in[k], dry[k], n);
			in[k] = dry[k];
		}
		dynshelf_run(&state->shelf, &state->channels[c / 2], in, out, x, n);
		for (uint32_t k = 0; removed && k < (two ? 2u : 1u); k++)
			deesser_removed(state, dry[k], out[k], n);
	}
	sidechain_advance(&state->chain, n);
	inst->meter[0] = -most * DYN_DB_PER_LOG2;
}

static const struct mixd_node_type deesser_type = {
	.id = "deesser",
	.doc = "De-esser: a dynamic shelf, steered by the share of sibilance in the voice",
	.category = "repair",
	.source = "RaneNote 155, 2005; Holters, Zoelzer, EUSIPCO 2006",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(deesser_ports),
	.params = MIXD_ARRAY(deesser_params),
	.configs = MIXD_ARRAY(deesser_configs),
	.meters = MIXD_ARRAY(deesser_meters),
	.needs = deesser_needs,
	.activate = deesser_activate,
	.update = deesser_update,
	.process = deesser_process,
	.reset = deesser_reset,
};

MIXD_MODULE(&deesser_type);
