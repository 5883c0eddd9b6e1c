/* scope - how two channels belong together, and how loud they are on Katz's scale.
 *
 * SOURCE      Correlation: r = <LR> / sqrt(<LL><RR> + e), means over a time constant. Three bands by
 *             second-order Butterworth filters in state-variable form (Zavalishin, The Art of VA
 *             Filter Design 2.1, 2018, section 4). K-system: Katz, "Integrated approach to metering,
 *             monitoring and leveling practices", JAES 48(9), 2000: RMS of 600 ms as AES17 has it (a
 *             sine reads its peak), 0 at -20, -14 or -12 dBFS, red above +4.
 * STRUCTURE   Sums over ticks of 1 ms (10 ms for the scale), counted from reset, become meters at
 *             their ends. The goniometer is a ring of points, 4000 a second, which a client reads 30
 *             times a second. Audio passes unchanged. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "foursum.h"
#include "level.h"

#include <mixd/rt.h>

#define SCOPE_BANDS 4u /* full, low, mid, high */
#define SCOPE_POINTS 192u
#define SCOPE_POINTS_PER_S 4000.0
#define SCOPE_K_TICKS 60u /* of 10 ms */
#define SCOPE_EPSILON 1e-20 /* two channels of -100 dBFS */
#define SCOPE_RED_DB 4.0
#define SCOPE_ABSURD 1e5f /* +100 dBFS */

enum {
	SCOPE_PARAM_LEFT,
	SCOPE_PARAM_RIGHT,
	SCOPE_PARAM_AVERAGE,
	SCOPE_PARAM_LOW,
	SCOPE_PARAM_HIGH,
	SCOPE_PARAM_SCALE,
};

enum {
	SCOPE_METER_CORR,
	SCOPE_METER_CORR_LOW,
	SCOPE_METER_CORR_MID,
	SCOPE_METER_CORR_HIGH,
	SCOPE_METER_BALANCE,
	SCOPE_METER_ZONE,
	SCOPE_METER_POINTS,
	SCOPE_METER_X,
	SCOPE_METER_Y = SCOPE_METER_X + SCOPE_POINTS,
	SCOPE_METER_K = SCOPE_METER_Y + SCOPE_POINTS, /* then as many of the peaks */
};

static const char *const scope_scales[] = {"k-20", "k-14", "k-12", NULL};
static const double scope_zero_dbfs[] = {-20, -14, -12};
static const char *const scope_zones[] = {"green", "amber", "red", NULL};

static const struct mixd_port_row scope_ports[] = {
	{"in", "What is looked at", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same, unchanged", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row scope_params[] = {
	[SCOPE_PARAM_LEFT] = {.id = "left",
			      .doc = "Channel that is left in the picture",
			      .type = MIXD_TYPE_INT,
			      .min = 1,
			      .max = MIXD_CHANNELS_MAX,
			      .def = 1},
	[SCOPE_PARAM_RIGHT] = {.id = "right",
			       .doc = "Channel that is right in the picture",
			       .type = MIXD_TYPE_INT,
			       .min = 1,
			       .max = MIXD_CHANNELS_MAX,
			       .def = 2},
	[SCOPE_PARAM_AVERAGE] = {.id = "average",
				 .doc = "Time constant of correlation and balance",
				 .unit = MIXD_UNIT_MS,
				 .min = 10,
				 .max = 10000,
				 .def = 300},
	[SCOPE_PARAM_LOW] = {.id = "low",
			     .doc = "Upper edge of the low band",
			     .unit = MIXD_UNIT_HZ,
			     .min = 40,
			     .max = 1000,
			     .def = 250},
	[SCOPE_PARAM_HIGH] = {.id = "high",
			      .doc = "Lower edge of the high band",
			      .unit = MIXD_UNIT_HZ,
			      .min = 1000,
			      .max = 10000,
			      .def = 2500},
	[SCOPE_PARAM_SCALE] = {.id = "scale",
			       .doc = "K-20 for wide dynamics, K-14 for most music, K-12 for "
				      "broadcast",
			       .type = MIXD_TYPE_ENUM,
			       .max = 2,
			       .labels = scope_scales},
};

static const struct mixd_meter_row scope_meters[] = {
	{"corr", "Correlation: 1 mono, 0 unrelated, -1 opposite", MIXD_UNIT_NONE, MIXD_FOLD_LAST,
	 NULL, false},
	{"corr_low", "Correlation of the low band; below 0 the bass is lost in mono",
	 MIXD_UNIT_NONE, MIXD_FOLD_LAST, NULL, false},
	{"corr_mid", "Correlation between the bands", MIXD_UNIT_NONE, MIXD_FOLD_LAST, NULL, false},
	{"corr_high", "Correlation of the high band", MIXD_UNIT_NONE, MIXD_FOLD_LAST, NULL, false},
	{"balance", "Where the power is", MIXD_UNIT_PAN, MIXD_FOLD_LAST, NULL, false},
	{"zone", "Katz's colour of the highest channel: amber from 0, red from +4", MIXD_UNIT_NONE,
	 MIXD_FOLD_LAST, scope_zones, false},
	{"points", "Points since reset; point n (from 1) is in x and y number 1 + (n - 1) mod 192",
	 MIXD_UNIT_NONE, MIXD_FOLD_LAST, NULL, false},
	{.id = "x", .doc = "Goniometer: (L - R) / sqrt 2, 4000 a second", .count = SCOPE_POINTS},
	{.id = "y", .doc = "Goniometer: (L + R) / sqrt 2", .count = SCOPE_POINTS},
	{"k", "Level on the K scale, RMS of 600 ms", MIXD_UNIT_DB, MIXD_FOLD_LAST, NULL, true},
	{"k_peak", "Sample peak on the K scale, of 10 ms", MIXD_UNIT_DB, MIXD_FOLD_MAX, NULL, true},
};

/* One state-variable filter for two channels. */
struct scope_filter {
	double a1, a2, a3; /* outputs */
	double a, t, b; /* state; see dsp/svf.h */
	lanes_f64x2 s1, s2;
};

struct scope_channel {
	double square[4]; /* of the tick under way, by frame mod 4 */
	double past[SCOPE_K_TICKS];
	float peak;
};

struct scope {
	/* --- immutable after init --- */
	uint32_t n_channels, tick_frames, k_frames, point_frames;
	/* --- rt --- */
	uint32_t left, right;
	double keep, zero_dbfs;
	uint32_t tick_fill, k_fill, point_fill, k_tick;
	uint64_t points;
	struct scope_filter low, high;
	double square[SCOPE_BANDS][2], product[SCOPE_BANDS][2]; /* of the tick under way */
	double mean[SCOPE_BANDS][2];
	double mean_product[SCOPE_BANDS];
	struct scope_channel channel[];
};

static int scope_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		       struct mixd_fault *fault)
{
	ret_need->state_bytes = sizeof(struct scope) +
				setup->in_layout[0]->n_channels * sizeof(struct scope_channel);
	ret_need->tail = UINT64_MAX;
	return 0;
}

static void scope_reset(struct mixd_inst *inst)
{
	struct scope *node = inst->state;

	node->tick_fill = node->k_fill = node->point_fill = node->k_tick = 0;
	node->points = 0;
	node->low.s1 = node->low.s2 = node->high.s1 = node->high.s2 = (lanes_f64x2){0, 0};
	memset(node->square, 0, sizeof(node->square));
	memset(node->product, 0, sizeof(node->product));
	memset(node->mean, 0, sizeof(node->mean));
	memset(node->mean_product, 0, sizeof(node->mean_product));
	memset(node->channel, 0, node->n_channels * sizeof(node->channel[0]));
	memset(inst->meter, 0, SCOPE_METER_K * sizeof(double));
	for (uint32_t c = 0; c < 2 * node->n_channels; c++)
		inst->meter[SCOPE_METER_K + c] = -INFINITY;
}

static int scope_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct scope *node = inst->state;
	double rate = inst->setup->rate;

	node->n_channels = inst->setup->in_layout[0]->n_channels;
	node->tick_frames = (uint32_t)(rate / 1000 + 0.5);
	node->k_frames = (uint32_t)(rate / 100 + 0.5);
	node->point_frames = (uint32_t)(rate / SCOPE_POINTS_PER_S + 0.5);
	scope_reset(inst);
	return 0;
}

static void scope_tune(struct scope_filter *filter, double hz, double rate)
{
	double g = tan(M_PI * fmin(hz, 0.45 * rate) / rate);

	filter->a1 = 1 / (1 + g * (g + M_SQRT2));
	filter->a2 = g * filter->a1;
	filter->a3 = g * filter->a2;
	filter->a = 2 * filter->a1 - 1;
	filter->t = 2 * filter->a2;
	filter->b = 2 * filter->a3;
}

static bool scope_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct scope *node = inst->state;
	uint32_t last = node->n_channels - 1;
	uint32_t left = (uint32_t)update->to[SCOPE_PARAM_LEFT] - 1;
	uint32_t right = (uint32_t)update->to[SCOPE_PARAM_RIGHT] - 1;

	node->left = left < last ? left : last;
	node->right = right < last ? right : last;
	node->keep = exp(-1000.0 * node->tick_frames /
			 (update->to[SCOPE_PARAM_AVERAGE] * inst->setup->rate));
	node->zero_dbfs = scope_zero_dbfs[(uint32_t)update->to[SCOPE_PARAM_SCALE]];
	scope_tune(&node->low, update->to[SCOPE_PARAM_LOW], inst->setup->rate);
	scope_tune(&node->high, update->to[SCOPE_PARAM_HIGH], inst->setup->rate);
	return false;
}

/* ---- correlation ---- */

/* The low part; *X becomes the high part. */
MIXD_INLINE lanes_f64x2 scope_split(struct scope_filter *filter, lanes_f64x2 *x)
{
	lanes_f64x2 v = *x - filter->s2;
	lanes_f64x2 v1 = filter->a1 * filter->s1 + filter->a2 * v;
	lanes_f64x2 low = filter->s2 + filter->a2 * filter->s1 + filter->a3 * v;
	lanes_f64x2 s2 = (filter->s2 + filter->t * filter->s1) + filter->b * v;

	filter->s1 = filter->a * filter->s1 + filter->t * v;
	filter->s2 = s2;
	*x = *x - M_SQRT2 * v1 - low;
	return low;
}

/* Squares and products of two bands at a time: l r l r. */
MIXD_INLINE void scope_add(lanes_f64x2 a, lanes_f64x2 b, lanes_f64x4 *square, lanes_f64x4 *product)
{
	lanes_f64x4 v = {a[0], a[1], b[0], b[1]}, swapped = {a[1], a[0], b[1], b[0]};

	*square += v * v;
	*product += v * swapped;
}

MIXD_CLONES static void scope_sum(struct scope *node, const float *left, const float *right,
				  uint32_t n)
{
	struct scope_filter low = node->low, high = node->high;
	lanes_f64x4 square[SCOPE_BANDS / 2], product[SCOPE_BANDS / 2];

	memcpy(square, node->square, sizeof(square));
	memcpy(product, node->product, sizeof(product));
	for (uint32_t i = 0; i < n; i++) {
		lanes_f64x2 band[SCOPE_BANDS], rest = {(double)left[i], (double)right[i]};

		band[0] = rest;
		band[1] = scope_split(&low, &rest);
		band[2] = scope_split(&high, &rest);
		band[3] = rest;
		scope_add(band[0], band[1], &square[0], &product[0]);
		scope_add(band[2], band[3], &square[1], &product[1]);
	}
	node->low = low;
	node->high = high;
	memcpy(node->square, square, sizeof(square));
	memcpy(node->product, product, sizeof(product));
}

/* What is not a number goes; the guard of the engine has told of it. */
static void scope_heal(struct scope *node)
{
	double sum = node->low.s1[0] + node->low.s2[0] + node->high.s1[0] + node->high.s2[0] +
		     node->low.s1[1] + node->low.s2[1] + node->high.s1[1] + node->high.s2[1];

	for (uint32_t b = 0; b < SCOPE_BANDS; b++)
		sum += node->square[b][0] + node->square[b][1];
	if (isfinite(sum))
		return;
	node->low.s1 = node->low.s2 = node->high.s1 = node->high.s2 = (lanes_f64x2){0, 0};
	memset(node->square, 0, sizeof(node->square));
	memset(node->product, 0, sizeof(node->product));
}

static void scope_tick(struct mixd_inst *inst, struct scope *node)
{
	double fresh = (1 - node->keep) / node->tick_frames, ll, rr;

	scope_heal(node);
	for (uint32_t b = 0; b < SCOPE_BANDS; b++) {
		for (uint32_t side = 0; side < 2; side++)
			node->mean[b][side] =
				node->mean[b][side] * node->keep + node->square[b][side] * fresh;
		node->mean_product[b] =
			node->mean_product[b] * node->keep + node->product[b][0] * fresh;
		inst->meter[SCOPE_METER_CORR + b] =
			node->mean_product[b] /
			sqrt(node->mean[b][0] * node->mean[b][1] + SCOPE_EPSILON);
	}
	memset(node->square, 0, sizeof(node->square));
	memset(node->product, 0, sizeof(node->product));
	ll = node->mean[0][0];
	rr = node->mean[0][1];
	inst->meter[SCOPE_METER_BALANCE] = ll + rr > 1e-12 ? 100 * (rr - ll) / (rr + ll) : 0;
	node->tick_fill = 0;
}

static void scope_correlate(struct mixd_inst *inst, const float *left, const float *right,
			    uint32_t n_frames)
{
	struct scope *node = inst->state;

	for (uint32_t first = 0; first < n_frames;) {
		uint32_t n = node->tick_frames - node->tick_fill;

		n = n < n_frames - first ? n : n_frames - first;
		scope_sum(node, left + first, right + first, n);
		first += n;
		node->tick_fill += n;
		if (node->tick_fill == node->tick_frames)
			scope_tick(inst, node);
	}
}

static void scope_points(struct mixd_inst *inst, const float *left, const float *right,
			 uint32_t n_frames)
{
	struct scope *node = inst->state;
	uint32_t at = node->point_frames - 1 - node->point_fill;

	for (; at < n_frames; at += node->point_frames) {
		uint32_t slot = (uint32_t)(node->points++ % SCOPE_POINTS);
		double l = (double)left[at], r = (double)right[at];

		inst->meter[SCOPE_METER_X + slot] = isfinite(l - r) ? (l - r) * M_SQRT1_2 : 0;
		inst->meter[SCOPE_METER_Y + slot] = isfinite(l + r) ? (l + r) * M_SQRT1_2 : 0;
	}
	node->point_fill = (node->point_fill + n_frames) % node->point_frames;
	inst->meter[SCOPE_METER_POINTS] = (double)node->points;
}

/* ---- the K scale ---- */

static void scope_k_tick(struct mixd_inst *inst, struct scope *node)
{
	double highest = -INFINITY;

	for (uint32_t c = 0; c < node->n_channels; c++) {
		struct scope_channel *channel = &node->channel[c];
		double sum = foursum_total(channel->square), mean = 0, level;

		channel->past[node->k_tick] = isfinite(sum) ? sum / node->k_frames : 0;
		for (uint32_t k = 0; k < SCOPE_K_TICKS; k++)
			mean += channel->past[k] / SCOPE_K_TICKS;
		level = level_of_power(2 * mean) - node->zero_dbfs; /* AES17: +3.01 dB */
		inst->meter[SCOPE_METER_K + c] = level;
		inst->meter[SCOPE_METER_K + node->n_channels + c] =
			level_of_power((double)channel->peak * (double)channel->peak) -
			node->zero_dbfs;
		highest = fmax(highest, level);
		memset(channel->square, 0, sizeof(channel->square));
		channel->peak = 0;
	}
	inst->meter[SCOPE_METER_ZONE] = highest >= SCOPE_RED_DB ? 2 : highest >= 0 ? 1 : 0;
	node->k_tick = (node->k_tick + 1) % SCOPE_K_TICKS;
	node->k_fill = 0;
}

/* As integers; above the highest level there may be are what is not a number, too. */
MIXD_CLONES static void scope_k_sum(struct scope_channel *channel, uint32_t phase, const float *x,
				    uint32_t n)
{
	int32_t highest = 0;
	float peak;

	foursum_product(x, x, n, phase, channel->square);
	for (uint32_t i = 0; i < n; i++) {
		int32_t bits;

		memcpy(&bits, x + i, sizeof(bits));
		bits &= 0x7fffffff;
		highest = bits > highest ? bits : highest;
	}
	memcpy(&peak, &highest, sizeof(peak));
	if (peak > channel->peak && peak < SCOPE_ABSURD)
		channel->peak = peak;
}

static void scope_levels(struct mixd_inst *inst, uint32_t n_frames)
{
	struct scope *node = inst->state;

	for (uint32_t first = 0; first < n_frames;) {
		uint32_t n = node->k_frames - node->k_fill;

		n = n < n_frames - first ? n : n_frames - first;
		for (uint32_t c = 0; c < node->n_channels; c++)
			scope_k_sum(&node->channel[c], node->k_fill, inst->in[c] + first, n);
		first += n;
		node->k_fill += n;
		if (node->k_fill == node->k_frames)
			scope_k_tick(inst, node);
	}
}

static void scope_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct scope *node = inst->state;
	const float *left = inst->in[node->left], *right = inst->in[node->right];

	scope_correlate(inst, left, right, call->n_frames);
	scope_points(inst, left, right, call->n_frames);
	scope_levels(inst, call->n_frames);
	for (uint32_t c = 0; c < node->n_channels; c++)
		if (inst->out[c] != inst->in[c])
			memcpy(inst->out[c], inst->in[c], call->n_frames * sizeof(float));
}

static const struct mixd_node_type scope_type = {
	.id = "scope",
	.doc = "Goniometer, correlation in three bands, balance and the K-system",
	.category = "analysis",
	.source = "Katz, JAES 48(9), 2000",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE | MIXD_NODE_RUN_BYPASSED,
	.ports = scope_ports,
	.n_ports = 2,
	.params = scope_params,
	.n_params = sizeof(scope_params) / sizeof(scope_params[0]),
	.meters = scope_meters,
	.n_meters = sizeof(scope_meters) / sizeof(scope_meters[0]),
	.needs = scope_needs,
	.activate = scope_activate,
	.update = scope_update,
	.process = scope_process,
	.reset = scope_reset,
};

MIXD_MODULE(&scope_type);
