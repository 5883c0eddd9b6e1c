/* deplosive.c - takes the pop out of p and b, and leaves the voice alone.
 *
 * SOURCE      Own; filters as state variables: Zavalishin, The Art of VA Filter Design 2.1, 2018,
 *             section 4 (dsp/svf.h). What a pop is: the breath of a plosive at a microphone is a burst
 *             below 120 Hz of 20 to 100 ms (Elko, Meyer, Backer, Peissig, Electronic Pop Protection
 *             for Microphones, IEEE WASPAA 2007).
 * STRUCTURE   Four channels side by side. Detector: energy below 120 Hz and from 300 Hz to 3 kHz, each
 *             over the last 15 ms, in ticks of 1/3 ms; a pop begins when the first is both far above
 *             the second and four times its own average, and lasts while it is above the second, at
 *             most 250 ms. Meanwhile a low shelf is down. Its poles stand still and only its zeros
 *             move, so that its state does not depend on how far it is down: no clicks, and at rest
 *             the output is the input, delayed, to the bit.
 * TIME        All counters are the engine's position: waking up finds the same ticks. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "lanes.h"
#include "glide.h"
#include "svf.h"

#include <mixd/rt.h>

#define DEPLOSIVE_LOOKAHEAD_S 0.010
#define DEPLOSIVE_WINDOW_TICKS 45u /* 15 ms */
#define DEPLOSIVE_TICKS_PER_S 3000.0
#define DEPLOSIVE_LOW_HZ 120.0
#define DEPLOSIVE_MID_FROM_HZ 300.0
#define DEPLOSIVE_MID_TO_HZ 3000.0
#define DEPLOSIVE_AVERAGE_S 0.3
#define DEPLOSIVE_ONSET 4.0 /* times its average */
#define DEPLOSIVE_LONGEST_TICKS 750u
#define DEPLOSIVE_ATTACK_S 0.0015 /* time constant: 86 % in 3 ms */
#define DEPLOSIVE_RELEASE_S 0.080
/* A voice that sets in opens its glottis, low and quiet, once before it sounds. What does not even fill
 * the window was such: back at once, before it is out of the delay. */
#define DEPLOSIVE_SHORTEST_TICKS DEPLOSIVE_WINDOW_TICKS
#define DEPLOSIVE_TAKE_BACK_S 0.0005
#define DEPLOSIVE_FLOOR 1e-6 /* energy: -60 dBFS */
#define DEPLOSIVE_REST_DB 0.01 /* less than this is nothing */
#define W 4u

enum {
	DEPLOSIVE_PARAM_SENSITIVITY,
	DEPLOSIVE_PARAM_AMOUNT,
	DEPLOSIVE_PARAM_FREQ,
	DEPLOSIVE_PARAM_LINK,
	DEPLOSIVE_PARAM_LISTEN,
};
enum { DEPLOSIVE_METER_GR };

static const struct mixd_port_row deplosive_ports[] = {
	{"in", "A voice, close to the microphone", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same without pops", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row deplosive_params[] = {
	[DEPLOSIVE_PARAM_SENSITIVITY] =
		{.id = "sensitivity",
		 .doc = "How little low-frequency excess is a pop: 12 dB over "
			"the voice at 0, 6 dB at 50, none at 100",
		 .unit = MIXD_UNIT_PERCENT,
		 .max = 100,
		 .def = 50},
	[DEPLOSIVE_PARAM_AMOUNT] = {.id = "amount",
				    .doc = "How far the lows go down during a pop",
				    .unit = MIXD_UNIT_DB,
				    .max = 36,
				    .def = 18},
	[DEPLOSIVE_PARAM_FREQ] = {.id = "freq",
				  .doc = "Below this a pop is taken away",
				  .unit = MIXD_UNIT_HZ,
				  .min = 60,
				  .max = 400,
				  .def = 200,
				  .ramp = MIXD_RAMP_LOG,
				  .smooth_ms = 20},
	[DEPLOSIVE_PARAM_LINK] = {.id = "link",
				  .doc = "A pop in one channel takes the lows out of all, so that "
					 "the image stands still",
				  .type = MIXD_TYPE_BOOL,
				  .max = 1,
				  .def = 1},
	[DEPLOSIVE_PARAM_LISTEN] = {.id = "listen",
				    .doc = "Hear what is removed",
				    .type = MIXD_TYPE_BOOL,
				    .max = 1},
};

static const struct mixd_meter_row deplosive_meters[] = {
	[DEPLOSIVE_METER_GR] = {"gr", "How far the lows are down", MIXD_UNIT_DB, MIXD_FOLD_MIN,
				NULL, false},
};

enum { DEPLOSIVE_LOW, DEPLOSIVE_MID_FROM, DEPLOSIVE_MID_TO, DEPLOSIVE_SHELF, DEPLOSIVE_FILTERS };

/* Four channels. */
struct deplosive_group {
	lanes_f64x4 s1[DEPLOSIVE_FILTERS], s2[DEPLOSIVE_FILTERS];
	lanes_f64x4 low, mid; /* energies of the tick under way */
	lanes_f64x4 low_ring[DEPLOSIVE_WINDOW_TICKS], mid_ring[DEPLOSIVE_WINDOW_TICKS];
	lanes_f64x4 low_average;
	lanes_f64x4 gain_from, gain_to; /* of the shelf, at both ends of the tick */
	double down_db[W]; /* where the shelf is, at the end of the tick */
	uint32_t left[W]; /* ticks that a pop may still last; 0: none */
	bool was_none[W]; /* what ended last was too brief for a pop */
};

struct deplosive_node {
	/* --- immutable after init --- */
	uint32_t n_channels, n_groups, latency, tick_frames;
	struct svf_coef low, mid_from, mid_to;
	/* --- rt --- */
	struct svf_coef shelf; /* at rest; its poles */
	double shelf_g;
	double ratio, amount_db;
	bool is_linked;
	struct dsp_ramp removed; /* 0: result, 1: what is removed */
	float *line; /* [group][latency][W], by position */
	struct deplosive_group group[];
};

static uint32_t deplosive_latency(double rate)
{
	return (uint32_t)lrint(DEPLOSIVE_LOOKAHEAD_S * rate);
}

static size_t deplosive_head_bytes(uint32_t n_groups)
{
	return (sizeof(struct deplosive_node) + n_groups * sizeof(struct deplosive_group) + 63) /
	       64 * 64;
}

static int deplosive_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			   struct mixd_fault *fault)
{
	uint32_t n_groups = (setup->in_layout[0]->n_channels + W - 1) / W;

	ret_need->latency = deplosive_latency(setup->rate);
	ret_need->tail = (uint64_t)(4.0 * setup->rate);
	ret_need->state_bytes = deplosive_head_bytes(n_groups) +
				(size_t)n_groups * W * ret_need->latency * sizeof(float);
	return 0;
}

static void deplosive_reset(struct mixd_inst *inst)
{
	struct deplosive_node *node = inst->state;

	memset(node->group, 0, node->n_groups * sizeof(*node->group));
	memset(node->line, 0, (size_t)node->n_groups * W * node->latency * sizeof(float));
	for (uint32_t g = 0; g < node->n_groups; g++)
		node->group[g].gain_from = node->group[g].gain_to = (lanes_f64x4){1, 1, 1, 1};
	inst->meter[DEPLOSIVE_METER_GR] = 0.0;
}

/* Second order, Butterworth. */
static struct svf_coef deplosive_filter(double hz, double rate, bool is_high)
{
	struct svf_section section = {
		.g = tan(M_PI * fmin(hz / rate, 0.45)),
		.k = M_SQRT2,
		.b0 = is_high ? 0.0 : 1.0,
		.b2 = is_high ? 1.0 : 0.0,
	};

	return svf_coef_of(&section);
}

static int deplosive_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct deplosive_node *node = inst->state;
	double rate = inst->setup->rate;

	node->n_channels = inst->setup->in_layout[0]->n_channels;
	node->n_groups = (node->n_channels + W - 1) / W;
	node->latency = deplosive_latency(rate);
	node->tick_frames = (uint32_t)fmax(lrint(rate / DEPLOSIVE_TICKS_PER_S), 2);
	node->line = (void *)((char *)inst->state + deplosive_head_bytes(node->n_groups));
	node->low = deplosive_filter(DEPLOSIVE_LOW_HZ, rate, false);
	node->mid_from = deplosive_filter(DEPLOSIVE_MID_FROM_HZ, rate, true);
	node->mid_to = deplosive_filter(DEPLOSIVE_MID_TO_HZ, rate, false);
	deplosive_reset(inst);
	return 0;
}

static bool deplosive_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct deplosive_node *node = inst->state;
	const double *to = update->to;
	struct svf_section rest = {.g = tan(M_PI * to[DEPLOSIVE_PARAM_FREQ] / inst->setup->rate),
				   .k = M_SQRT2,
				   .b0 = 1.0,
				   .b1 = M_SQRT2,
				   .b2 = 1.0};

	node->shelf = svf_coef_of(&rest);
	node->shelf_g = rest.g;
	node->ratio = pow(10.0, (12.0 - 0.12 * to[DEPLOSIVE_PARAM_SENSITIVITY]) / 10.0);
	node->amount_db = to[DEPLOSIVE_PARAM_AMOUNT];
	node->is_linked = to[DEPLOSIVE_PARAM_LINK] >= 0.5;
	return glide_ramp(&node->removed, to[DEPLOSIVE_PARAM_LISTEN] >= 0.5, GLIDE_S, update,
			  inst->setup->rate);
}

/* ---- per frame ---- */

/* x + d0 x + d1 s1 + d2 s2, and on to the next state. */
MIXD_INLINE lanes_f64x4 deplosive_svf(const struct svf_coef *c, lanes_f64x4 *s1, lanes_f64x4 *s2,
				      lanes_f64x4 x)
{
	lanes_f64x4 v = x - *s2, y = x + (c->d0 * x + (c->d1 * *s1 + c->d2 * *s2));
	lanes_f64x4 next = c->a * *s1 + c->t * v;

	*s2 = (*s2 + c->t * *s1) + c->b * v;
	*s1 = next;
	return y;
}

struct deplosive_piece {
	const struct deplosive_node *node;
	struct deplosive_group *group;
	const double *x; /* [n][W] now */
	const double *late; /* [n][W] latency ago */
	double *y; /* [n][W] */
	uint32_t n, done; /* frames, and those of the tick before */
};

MIXD_CLONES static void deplosive_detect(const struct deplosive_piece *piece)
{
	const struct deplosive_node *node = piece->node;
	struct deplosive_group *group = piece->group;
	lanes_f64x4 s1[3], s2[3], low = group->low, mid = group->mid;

	memcpy(s1, group->s1, sizeof(s1));
	memcpy(s2, group->s2, sizeof(s2));
	for (uint32_t i = 0; i < piece->n; i++) {
		lanes_f64x4 x = *(const lanes_f64x4 *)(piece->x + i * W);
		lanes_f64x4 l = deplosive_svf(&node->low, &s1[0], &s2[0], x);
		lanes_f64x4 m = deplosive_svf(&node->mid_from, &s1[1], &s2[1], x);

		m = deplosive_svf(&node->mid_to, &s1[2], &s2[2], m);
		low += l * l;
		mid += m * m;
	}
	memcpy(group->s1, s1, sizeof(s1));
	memcpy(group->s2, s2, sizeof(s2));
	group->low = low;
	group->mid = mid;
}

/* (s^2 + k r s + r^2) / (s^2 + k s + 1), r^2 the gain below: x - (1 - r^2) low - k (1 - r) band. */
MIXD_CLONES static void deplosive_shelve(const struct deplosive_piece *piece)
{
	const struct deplosive_node *node = piece->node;
	struct deplosive_group *group = piece->group;
	const struct svf_coef *c = &node->shelf;
	double g = node->shelf_g, k = M_SQRT2, a1 = 1.0 / (1.0 + g * (g + k)), a2 = g * a1,
	       a3 = g * a2;
	lanes_f64x4 s1 = group->s1[DEPLOSIVE_SHELF], s2 = group->s2[DEPLOSIVE_SHELF];
	lanes_f64x4 step = (group->gain_to - group->gain_from) / (double)node->tick_frames;

	for (uint32_t i = 0; i < piece->n; i++) {
		lanes_f64x4 x = *(const lanes_f64x4 *)(piece->late + i * W);
		lanes_f64x4 root = group->gain_from + step * (double)(piece->done + i);
		lanes_f64x4 p = 1.0 - root * root, q = k * (1.0 - root);
		lanes_f64x4 v = x - s2, next = c->a * s1 + c->t * v;
		lanes_f64x4 band = a2 * v + a1 * s1, low = a3 * v + (s2 + a2 * s1);

		*(lanes_f64x4 *)(piece->y + i * W) = x - (p * low + q * band);
		s2 = (s2 + c->t * s1) + c->b * v;
		s1 = next;
	}
	group->s1[DEPLOSIVE_SHELF] = s1;
	group->s2[DEPLOSIVE_SHELF] = s2;
}

/* ---- per tick ---- */

/* Whether there is a pop in lane L. */
static bool deplosive_decide(const struct deplosive_node *node, struct deplosive_group *group,
			     uint32_t l, double low, double mid, double average)
{
	bool is_excess = low > node->ratio * mid &&
			 low > DEPLOSIVE_FLOOR * DEPLOSIVE_WINDOW_TICKS * node->tick_frames;

	if (!is_excess && group->left[l] > 0)
		group->was_none[l] =
			group->left[l] + DEPLOSIVE_SHORTEST_TICKS > DEPLOSIVE_LONGEST_TICKS;
	if (!is_excess)
		group->left[l] = 0;
	else if (group->left[l] > 0)
		group->left[l]--;
	else if (low > DEPLOSIVE_ONSET * average)
		group->left[l] = DEPLOSIVE_LONGEST_TICKS;
	return group->left[l] > 0;
}

static bool deplosive_tick(const struct deplosive_node *node, struct deplosive_group *group,
			   uint64_t tick, bool is_pop[W])
{
	lanes_f64x4 low = {0}, mid = {0};
	double pace = 1.0 / (DEPLOSIVE_AVERAGE_S * DEPLOSIVE_TICKS_PER_S);
	bool any = false;

	group->low_ring[tick % DEPLOSIVE_WINDOW_TICKS] = group->low;
	group->mid_ring[tick % DEPLOSIVE_WINDOW_TICKS] = group->mid;
	group->low = group->mid = (lanes_f64x4){0};
	for (uint32_t i = 0; i < DEPLOSIVE_WINDOW_TICKS; i++) {
		low += group->low_ring[i];
		mid += group->mid_ring[i];
	}
	for (uint32_t l = 0; l < W; l++) {
		is_pop[l] = deplosive_decide(node, group, l, low[l], mid[l], group->low_average[l]);
		any = any || is_pop[l];
	}
	group->low_average += pace * (low - group->low_average);
	return any;
}

static double deplosive_glide(const struct deplosive_node *node, struct deplosive_group *group,
			      const bool is_pop[W], bool any)
{
	double deepest = 0.0;

	group->gain_from = group->gain_to;
	for (uint32_t l = 0; l < W; l++) {
		double to = (node->is_linked ? any : is_pop[l]) ? node->amount_db : 0.0;
		double tau = to > group->down_db[l] ? DEPLOSIVE_ATTACK_S
			     : group->was_none[l]   ? DEPLOSIVE_TAKE_BACK_S
						    : DEPLOSIVE_RELEASE_S;

		group->down_db[l] +=
			(to - group->down_db[l]) * fmin(1.0 / (tau * DEPLOSIVE_TICKS_PER_S), 1.0);
		if (to == 0.0 && group->down_db[l] < DEPLOSIVE_REST_DB)
			group->down_db[l] = 0.0;
		/* The root of the gain: 10^(-dB / 40). */
		group->gain_to[l] =
			group->down_db[l] > 0.0 ? exp(group->down_db[l] * (-M_LN10 / 40.0)) : 1.0;
		deepest = fmax(deepest, group->down_db[l]);
	}
	return deepest;
}

static double deplosive_ticks(struct deplosive_node *node, uint64_t tick)
{
	bool is_pop[MIXD_CHANNELS_MAX / W][W], any = false;
	double deepest = 0.0;

	for (uint32_t g = 0; g < node->n_groups; g++)
		any = deplosive_tick(node, &node->group[g], tick, is_pop[g]) || any;
	for (uint32_t g = 0; g < node->n_groups; g++)
		deepest = fmax(deepest, deplosive_glide(node, &node->group[g], is_pop[g], any));
	return deepest;
}

/* ---- process ---- */

/* The delayed frames of group G, while X takes their place. */
static void deplosive_delay(struct deplosive_node *node, uint32_t g, uint64_t position,
			    const double *x, double *late, uint32_t n)
{
	float *line = node->line + (size_t)g * W * node->latency;
	uint32_t at = (uint32_t)(position % node->latency);

	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t l = 0; l < W; l++) {
			late[i * W + l] = (double)line[at * W + l];
			line[at * W + l] = (float)x[i * W + l];
		}
		at = at + 1 < node->latency ? at + 1 : 0;
	}
}

static void deplosive_piece(struct deplosive_node *node, const struct mixd_inst *inst, uint32_t g,
			    uint64_t position, uint32_t first, uint32_t n)
{
	static const float zeros[MIXD_SLICE_MAX];
	_Alignas(32) double x[MIXD_SLICE_MAX * W], late[MIXD_SLICE_MAX * W], y[MIXD_SLICE_MAX * W];
	float scratch[MIXD_SLICE_MAX];
	const float *in[W];
	float *out[W];
	struct deplosive_piece piece = {.node = node,
					.group = &node->group[g],
					.x = x,
					.late = late,
					.y = y,
					.n = n,
					.done = (uint32_t)(position % node->tick_frames)};

	for (uint32_t l = 0; l < W; l++) {
		bool is_used = g * W + l < node->n_channels;

		in[l] = is_used ? inst->in[g * W + l] + first : zeros;
		out[l] = is_used ? inst->out[g * W + l] + first : scratch;
	}
	lanes_load_f64(in, n, W, x);
	deplosive_delay(node, g, position, x, late, n);
	deplosive_detect(&piece);
	deplosive_shelve(&piece);
	if (!dsp_ramp_rests(&node->removed) || node->removed.to != 0.0)
		for (uint32_t i = 0; i < n * W; i++) {
			double blend = dsp_ramp_value(&node->removed, i / W);

			y[i] += blend * ((late[i] - y[i]) - y[i]);
		}
	lanes_store_f64(y, out, n, W);
}

static void deplosive_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct deplosive_node *node = inst->state;
	uint64_t position = call->position;

	for (uint32_t first = 0, n; first < call->n_frames; first += n, position += n) {
		uint32_t room = node->tick_frames - (uint32_t)(position % node->tick_frames);

		n = call->n_frames - first < room ? call->n_frames - first : room;
		for (uint32_t g = 0; g < node->n_groups; g++)
			deplosive_piece(node, inst, g, position, first, n);
		dsp_ramp_advance(&node->removed, n);
		if (n == room)
			inst->meter[DEPLOSIVE_METER_GR] =
				-deplosive_ticks(node, position / node->tick_frames);
	}
}

static const struct mixd_node_type deplosive_type = {
	.id = "deplosive",
	.doc = "Takes the pop out of p and b: a low shelf that is down only while one lasts",
	.category = "repair",
	.source = "Elko et al., Electronic Pop Protection for Microphones, IEEE WASPAA 2007",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = deplosive_ports,
	.n_ports = sizeof(deplosive_ports) / sizeof(deplosive_ports[0]),
	.params = deplosive_params,
	.n_params = sizeof(deplosive_params) / sizeof(deplosive_params[0]),
	.meters = deplosive_meters,
	.n_meters = sizeof(deplosive_meters) / sizeof(deplosive_meters[0]),
	.needs = deplosive_needs,
	.activate = deplosive_activate,
	.update = deplosive_update,
	.process = deplosive_process,
	.reset = deplosive_reset,
};

MIXD_MODULE(&deplosive_type);
