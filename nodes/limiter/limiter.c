/* limiter - look-ahead true-peak limiter.
 *
 * Source: ITU-R BS.1770-4 Annex 2 (what a true peak is); structure in dsp/limitgain.c. The detector
 * interpolates with a Kaiser window of beta 3, which sees more of the band above 20 kHz than a
 * meter's would; what it may still miss is covered by aiming 0.015 dB under the ceiling.
 *
 * A render need not be done by a deadline, and its meters are read at its end. There the interpolators
 * run only where something above the ceiling, or above the highest output so far, can lie: exact,
 * dsp/peakscan.h.
 *
 * Per slice: drive -> delay line and detector -> demand (ceiling / level) -> limitgain -> the
 * delayed sample times the gain. Latency is the look-ahead plus the detector's 16 frames. Below the
 * ceiling the output is the input, delayed, to the bit. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "clones.h"
#include "level.h"
#include "limitgain.h"
#include "peakscan.h"
#include "ramp.h"
#include "truepeak.h"

#include <mixd/rt.h>

#define LIMITER_BETA 3.0
#define LIMITER_METER_BETA 5.0
#define LIMITER_MARGIN_DB 0.015
#define LIMITER_HOLD_MAX_MS 50.0
#define LIMITER_TAIL_S 15.0 /* until the slowest release has come back to exactly 1 */
#define LIMITER_PIECES ((MIXD_SLICE_MAX + PEAKSCAN_PIECE - 1) / PEAKSCAN_PIECE)
/* Frames before the newest: what PEAKSCAN_PAST pieces, and a closer look at the first, reach back. */
#define LIMITER_SCAN_PAST (4u * PEAKSCAN_PIECE)
#define LIMITER_BUFFER_SPARE 1024u /* frames written before the delay line is moved back */

enum {
	LIMITER_PARAM_CEILING,
	LIMITER_PARAM_DRIVE,
	LIMITER_PARAM_HOLD,
	LIMITER_PARAM_RELEASE,
	LIMITER_PARAM_AUTO_RELEASE,
	LIMITER_PARAM_LINK,
	LIMITER_PARAM_MODE,
};

enum {
	LIMITER_CONFIG_LOOKAHEAD,
};

enum {
	LIMITER_METER_GR,
	LIMITER_METER_TP_OUT,
};

static const char *const limiter_modes[] = {"truepeak", "sample", NULL};

static const struct mixd_port_row limiter_ports[] = {
	{"in", "Programme", false, MIXD_PORT_MAIN, NULL},
	{"out", "Never above the ceiling", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row limiter_params[] = {
	[LIMITER_PARAM_CEILING] = {.id = "ceiling",
				   .doc = "No true peak comes out above this",
				   .unit = MIXD_UNIT_DBTP,
				   .min = -20,
				   .max = 0,
				   .def = -1,
				   .ramp = MIXD_RAMP_LINEAR,
				   .smooth_ms = 20},
	[LIMITER_PARAM_DRIVE] = {.id = "drive",
				 .doc = "Gain before the limiter",
				 .unit = MIXD_UNIT_DB,
				 .min = -24,
				 .max = 36,
				 .ramp = MIXD_RAMP_LINEAR,
				 .smooth_ms = 20},
	[LIMITER_PARAM_HOLD] = {.id = "hold",
				.doc = "Time the gain stays down after a peak; half a cycle of the "
				       "lowest note keeps bass clean",
				.unit = MIXD_UNIT_MS,
				.max = LIMITER_HOLD_MAX_MS,
				.def = 10},
	[LIMITER_PARAM_RELEASE] = {.id = "release",
				   .doc = "Time constant of the return after the hold",
				   .unit = MIXD_UNIT_MS,
				   .min = 5,
				   .max = 1000,
				   .def = 80,
				   .ramp = MIXD_RAMP_LOG,
				   .smooth_ms = 20},
	[LIMITER_PARAM_AUTO_RELEASE] = {.id = "auto_release",
					.doc = "Release follows the programme: 30 ms after lone "
					       "peaks, 500 ms under dense ones",
					.type = MIXD_TYPE_BOOL,
					.max = 1},
	[LIMITER_PARAM_LINK] = {.id = "link",
				.doc = "How far all channels share one gain",
				.unit = MIXD_UNIT_PERCENT,
				.max = 100,
				.def = 100,
				.ramp = MIXD_RAMP_LINEAR,
				.smooth_ms = 20},
	[LIMITER_PARAM_MODE] =
		{.id = "mode",
		 .doc = "What is held under the ceiling: true peaks, or samples only",
		 .type = MIXD_TYPE_ENUM,
		 .max = 1,
		 .labels = limiter_modes},
};

static const struct mixd_config_row limiter_configs[] = {
	[LIMITER_CONFIG_LOOKAHEAD] = {.id = "lookahead",
				      .doc = "Time to come down before a peak; part of the latency",
				      .unit = MIXD_UNIT_MS,
				      .min = 0.5,
				      .max = 10,
				      .def = 1.5},
};

static const struct mixd_meter_row limiter_meters[] = {
	[LIMITER_METER_GR] = {"gr", "Gain reduction", MIXD_UNIT_DB, MIXD_FOLD_MIN, NULL, false},
	[LIMITER_METER_TP_OUT] = {"tp_out", "True peak of the output", MIXD_UNIT_DBTP,
				  MIXD_FOLD_MAX, NULL, false},
};

struct limiter_channel {
	float *line; /* delay line, driven input */
	struct limitgain path; /* used when channels go apart; else only that of channel 0 */
	/* [0]: the frame before; then this slice */
	float envelope[1 + MIXD_SLICE_MAX + TRUEPEAK_GRAIN];
	float level[MIXD_SLICE_MAX]; /* the higher of both sides of each frame */
	float after[LIMITER_SCAN_PAST + MIXD_SLICE_MAX]; /* output, for its meter */
};

struct limiter_node {
	/* --- immutable after init --- */
	struct peakscan detector, meter_scan;
	uint32_t n_channels;
	uint32_t latency; /* frames */
	uint32_t past; /* frames kept before the newest in each line */
	/* --- rt --- */
	struct dsp_ramp drive, ceiling, link; /* factor, factor, 0..1 */
	struct limitgain_release release;
	uint32_t hold_frames;
	bool is_sample_mode;
	bool is_apart; /* every channel has a path of its own */
	uint32_t alike; /* frames that all paths, though apart, had one demand */
	uint32_t fill; /* where the next frame goes in all lines */
	/* Levels up to this were passed over in the slice before; < 0: none. */
	float passed;
	float highest; /* output so far; counted in renders only */
	struct limiter_channel channel[];
};

static uint32_t limiter_lookahead(const struct mixd_setup *setup)
{
	double frames = setup->config[LIMITER_CONFIG_LOOKAHEAD].number * setup->rate / 1000.0;

	return (uint32_t)lrint(fmax(frames, 2.0));
}

static uint32_t limiter_hold_max(const struct mixd_setup *setup)
{
	return (uint32_t)lrint(LIMITER_HOLD_MAX_MS * setup->rate / 1000.0);
}

static uint32_t limiter_past(uint32_t lookahead)
{
	uint32_t past = lookahead + TRUEPEAK_DELAY;

	return past < LIMITER_SCAN_PAST ? LIMITER_SCAN_PAST : past;
}

static size_t limiter_align(size_t bytes)
{
	return (bytes + 63) / 64 * 64;
}

static size_t limiter_head_bytes(uint32_t n_channels)
{
	return limiter_align(sizeof(struct limiter_node) +
			     n_channels * sizeof(struct limiter_channel));
}

static size_t limiter_line_bytes(uint32_t lookahead)
{
	return limiter_align((limiter_past(lookahead) + LIMITER_BUFFER_SPARE + MIXD_SLICE_MAX) *
			     sizeof(float));
}

static int limiter_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			 struct mixd_fault *fault)
{
	uint32_t n_channels = setup->in_layout[0]->n_channels;
	uint32_t lookahead = limiter_lookahead(setup);

	ret_need->latency = lookahead + TRUEPEAK_DELAY;
	ret_need->tail = ret_need->latency + (uint64_t)(LIMITER_TAIL_S * setup->rate);
	ret_need->state_bytes = limiter_head_bytes(n_channels) +
				n_channels * (limiter_line_bytes(lookahead) +
					      limitgain_bytes(lookahead, limiter_hold_max(setup)));
	return 0;
}

static void limiter_reset(struct mixd_inst *inst)
{
	struct limiter_node *node = inst->state;

	for (uint32_t c = 0; c < node->n_channels; c++) {
		struct limiter_channel *channel = &node->channel[c];

		memset(channel->line, 0,
		       (node->past + LIMITER_BUFFER_SPARE + MIXD_SLICE_MAX) * sizeof(float));
		memset(channel->envelope, 0, sizeof(channel->envelope));
		memset(channel->after, 0, sizeof(channel->after));
		limitgain_reset(&channel->path);
	}
	node->fill = node->past;
	node->is_apart = false;
	node->alike = 0;
	node->passed = -1.0f;
	node->highest = 0.0f;
	inst->meter[LIMITER_METER_GR] = 0.0;
	inst->meter[LIMITER_METER_TP_OUT] = -INFINITY;
}

static int limiter_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct limiter_node *node = inst->state;
	const struct mixd_setup *setup = inst->setup;
	uint32_t lookahead = limiter_lookahead(setup), hold_max = limiter_hold_max(setup);
	char *memory = inst->state;

	node->n_channels = setup->in_layout[0]->n_channels;
	node->latency = lookahead + TRUEPEAK_DELAY;
	node->past = limiter_past(lookahead);
	peakscan_init(&node->detector, setup->rate, LIMITER_BETA);
	/* Four phases are enough to watch over what eight have limited. */
	peakscan_init(&node->meter_scan, fmax(setup->rate, 96000.0), LIMITER_METER_BETA);
	memory += limiter_head_bytes(node->n_channels);
	for (uint32_t c = 0; c < node->n_channels; c++) {
		node->channel[c].line = (void *)memory;
		memory += limiter_line_bytes(lookahead);
		limitgain_init(&node->channel[c].path, lookahead, hold_max, memory);
		memory += limitgain_bytes(lookahead, hold_max);
	}
	limiter_reset(inst);
	return 0;
}

static void limiter_set_ramp(struct dsp_ramp *ramp, double from, double to,
			     const struct mixd_update *update)
{
	dsp_ramp_set(ramp, update->jump ? to : from, to, update->cell_frames);
}

static bool limiter_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct limiter_node *node = inst->state;
	const double *from = update->from, *to = update->to;
	double rate = inst->setup->rate;

	limiter_set_ramp(&node->drive, level_factor(from[LIMITER_PARAM_DRIVE]),
			 level_factor(to[LIMITER_PARAM_DRIVE]), update);
	limiter_set_ramp(&node->ceiling,
			 level_factor(from[LIMITER_PARAM_CEILING] - LIMITER_MARGIN_DB),
			 level_factor(to[LIMITER_PARAM_CEILING] - LIMITER_MARGIN_DB), update);
	limiter_set_ramp(&node->link, from[LIMITER_PARAM_LINK] / 100.0,
			 to[LIMITER_PARAM_LINK] / 100.0, update);
	node->release = limitgain_release_make(rate, to[LIMITER_PARAM_RELEASE],
					       to[LIMITER_PARAM_AUTO_RELEASE] >= 0.5);
	node->hold_frames = (uint32_t)lrint(to[LIMITER_PARAM_HOLD] * rate / 1000.0);
	for (uint32_t c = 0; c < node->n_channels; c++)
		limitgain_set_hold(&node->channel[c].path, node->hold_frames);
	node->is_sample_mode = to[LIMITER_PARAM_MODE] >= 0.5;
	return false;
}

MIXD_CLONES static void limiter_higher(const float *a, const float *b, float *ret, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		ret[i] = a[i] > b[i] ? a[i] : b[i];
}

/* limiter_demand() under a ceiling that rests. */
MIXD_CLONES static void limiter_demand_rest(float ceiling, const float *level, float *ret_demand,
					    uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		ret_demand[i] = level[i] > ceiling ? ceiling / level[i] : 1.0f;
}

/* ret[] = the envelope of X, or 0 where it is not above ABOVE. X has LIMITER_SCAN_PAST frames before it. */
static void limiter_scan(const struct peakscan *scan, const float *x, float *ret, uint32_t n_frames,
			 float above)
{
	float piece[PEAKSCAN_PAST + LIMITER_PIECES], *now = piece + PEAKSCAN_PAST;
	uint32_t n_pieces = (n_frames + PEAKSCAN_PIECE - 1) / PEAKSCAN_PIECE, p = 0, n;

	peakscan_pieces(x - (size_t)PEAKSCAN_PAST * PEAKSCAN_PIECE, PEAKSCAN_PAST + n_pieces,
			piece);
	memset(ret, 0, n_frames * sizeof(float));
	while ((n = peakscan_next(scan, now, p, n_pieces, above, &p)) > 0) {
		/* What follows the last whole piece is not there yet. */
		uint32_t whole = n_frames / PEAKSCAN_PIECE;
		uint32_t looked = whole > p + 1 ? whole - p - 1 : 0, bits = (1u << n) - 1;

		looked = looked < n ? looked : n;
		if (looked)
			bits &= ~((1u << looked) - 1) |
				peakscan_refine(scan, x, now, p, looked, above);
		for (uint32_t k = 0; k < n; k++) {
			uint32_t from = (p + k) * PEAKSCAN_PIECE, run = 0;

			while (bits >> (k + run) & 1)
				run++;
			if (run)
				truepeak_envelope(&scan->filter, x + from, ret + from,
						  run * PEAKSCAN_PIECE);
			k += run;
		}
		p += n;
	}
}

/* Up to which level nobody asks for the envelope of the input; < 0: all is asked for. */
static float limiter_passes(const struct limiter_node *node, const struct mixd_inst *inst)
{
	float ceiling = (float)node->ceiling.to;
	bool is_linked = dsp_ramp_rests(&node->link) && node->link.to >= 1.0;

	if (!inst->host->offline || node->is_sample_mode || !dsp_ramp_rests(&node->ceiling) ||
	    !is_linked || node->is_apart)
		return -1.0f;
	return node->highest < ceiling ? node->highest : ceiling;
}

/* What the slice before passed over in its last frame is asked for now. */
static void limiter_recall(const struct limiter_node *node, struct limiter_channel *channel)
{
	float envelope[TRUEPEAK_GRAIN];

	truepeak_envelope(&node->detector.filter, channel->line + node->fill - 1, envelope, 1);
	channel->envelope[0] = envelope[0];
}

/* Take the input into the delay line; level[] = what lies around each frame. */
static void limiter_detect(struct limiter_node *node, struct limiter_channel *channel,
			   const float *in, uint32_t n_frames, float passes)
{
	const float *envelope = channel->envelope;
	float *newest = channel->line + node->fill;

	dsp_ramp_mul(&node->drive, in, newest, n_frames);
	if (node->is_sample_mode)
		for (uint32_t i = 0; i < n_frames; i++)
			channel->envelope[1 + i] =
				fabsf(newest[(int32_t)i - (int32_t)TRUEPEAK_DELAY]);
	else if (passes >= 0.0f)
		limiter_scan(&node->detector, newest, channel->envelope + 1, n_frames, passes);
	else
		truepeak_envelope(&node->detector.filter, newest, channel->envelope + 1, n_frames);
	/* A frame answers for both of its sides. */
	limiter_higher(envelope, envelope + 1, channel->level, n_frames);
	channel->envelope[0] = envelope[n_frames];
}

/* How much of LEVEL may pass. What is no number asks for nothing. */
static void limiter_demand(const struct limiter_node *node, const float *level, float *ret_demand,
			   uint32_t n_frames)
{
	if (dsp_ramp_rests(&node->ceiling)) {
		limiter_demand_rest((float)node->ceiling.to, level, ret_demand, n_frames);
		return;
	}
	for (uint32_t i = 0; i < n_frames; i++) {
		float ceiling = (float)dsp_ramp_value(&node->ceiling, i);

		ret_demand[i] = level[i] > ceiling ? ceiling / level[i] : 1.0f;
	}
}

/* out[i] = gain[i] times what came in latency frames ago. */
static void limiter_apply(const struct limiter_node *node, const struct limiter_channel *channel,
			  const float *gain, float *out, uint32_t n_frames)
{
	const float *delayed = channel->line + node->fill - node->latency;

	for (uint32_t i = 0; i < n_frames; i++)
		out[i] = delayed[i] * gain[i];
}

/* One gain for all channels. */
static float limiter_run_linked(struct limiter_node *node, const struct mixd_inst *inst,
				const float *top, uint32_t n_frames)
{
	float demand[MIXD_SLICE_MAX], gain[MIXD_SLICE_MAX], lowest;

	limiter_demand(node, top, demand, n_frames);
	lowest = limitgain_run(&node->channel[0].path, &node->release, demand, gain, n_frames);
	for (uint32_t c = 0; c < node->n_channels; c++)
		limiter_apply(node, &node->channel[c], gain, inst->out[c], n_frames);
	return lowest;
}

static float limiter_run_apart(struct limiter_node *node, const struct mixd_inst *inst,
			       const float *top, uint32_t n_frames)
{
	float lowest = 1.0f;

	for (uint32_t c = 0; c < node->n_channels; c++) {
		struct limiter_channel *channel = &node->channel[c];
		float level[MIXD_SLICE_MAX], demand[MIXD_SLICE_MAX], gain[MIXD_SLICE_MAX], own;

		for (uint32_t i = 0; i < n_frames; i++) {
			float link = (float)dsp_ramp_value(&node->link, i);
			float mine = channel->level[i];

			level[i] = link >= 1.0f ? top[i] : mine + link * (top[i] - mine);
		}
		limiter_demand(node, level, demand, n_frames);
		own = limitgain_run(&channel->path, &node->release, demand, gain, n_frames);
		limiter_apply(node, channel, gain, inst->out[c], n_frames);
		lowest = own < lowest ? own : lowest;
	}
	return lowest;
}

/* Channels that share every demand for long enough have equal paths, and one does for all. */
static void limiter_choose_paths(struct limiter_node *node, uint32_t n_frames)
{
	const struct limitgain *first = &node->channel[0].path;
	bool is_linked = dsp_ramp_rests(&node->link) && node->link.to >= 1.0;

	if (!is_linked && !node->is_apart) {
		for (uint32_t c = 1; c < node->n_channels; c++)
			limitgain_copy(&node->channel[c].path, first);
		node->is_apart = true;
	}
	if (!is_linked)
		node->alike = 0;
	if (!is_linked || !node->is_apart)
		return;
	for (uint32_t c = 1; c < node->n_channels; c++) {
		const struct limitgain *path = &node->channel[c].path;

		if (path->fast != first->fast || path->slow != first->slow)
			node->alike = 0;
	}
	if (node->alike > (2u << first->slidemin.top) + MIXD_SLICE_MAX + first->lookahead + 2)
		node->is_apart = false;
	else
		node->alike += n_frames;
}

/* The peak of what goes out, linear. While the gain is 1 the detector has measured it already. */
static float limiter_measure(struct limiter_node *node, const struct mixd_inst *inst, float lowest,
			     const float *top, uint32_t n_frames)
{
	float envelope[MIXD_SLICE_MAX + TRUEPEAK_GRAIN], highest = 0.0f;

	for (uint32_t c = 0; c < node->n_channels; c++) {
		float *after = node->channel[c].after, *now = after + LIMITER_SCAN_PAST;

		memcpy(now, inst->out[c], n_frames * sizeof(float));
		if (lowest < 1.0f || node->is_sample_mode) {
			float peak;

			if (inst->host->offline)
				limiter_scan(&node->meter_scan, now, envelope, n_frames,
					     node->highest);
			else
				truepeak_envelope(&node->meter_scan.filter, now, envelope,
						  n_frames);
			peak = truepeak_highest(envelope, n_frames);
			highest = peak > highest ? peak : highest;
		}
		memmove(after, after + n_frames, LIMITER_SCAN_PAST * sizeof(float));
	}
	if (lowest >= 1.0f && !node->is_sample_mode)
		highest = truepeak_highest(top, n_frames);
	if (!(highest > 0.0f))
		return 0.0f;
	return highest < 1e30f ? highest : 1.0f;
}

static void limiter_meter(struct limiter_node *node, const struct mixd_inst *inst, float lowest,
			  float highest)
{
	inst->meter[LIMITER_METER_GR] = lowest < 1.0f ? 20.0 * log10(fmax(lowest, 1e-6)) : 0.0;
	if (inst->host->offline) {
		if (!(highest > node->highest))
			return;
		node->highest = highest;
	}
	inst->meter[LIMITER_METER_TP_OUT] = highest > 0.0f ? 20.0 * log10(highest) : -INFINITY;
}

static void limiter_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct limiter_node *node = inst->state;
	uint32_t n_frames = call->n_frames;
	float top[MIXD_SLICE_MAX], lowest, passes = limiter_passes(node, inst);

	if (node->fill > node->past + LIMITER_BUFFER_SPARE) {
		for (uint32_t c = 0; c < node->n_channels; c++)
			memmove(node->channel[c].line,
				node->channel[c].line + node->fill - node->past,
				node->past * sizeof(float));
		node->fill = node->past;
	}
	for (uint32_t c = 0; c < node->n_channels; c++) {
		const float *own = node->channel[c].level;

		if (passes < node->passed)
			limiter_recall(node, &node->channel[c]);
		limiter_detect(node, &node->channel[c], inst->in[c], n_frames, passes);
		if (c == 0)
			memcpy(top, own, n_frames * sizeof(float));
		else
			limiter_higher(own, top, top, n_frames);
	}
	node->passed = passes;
	limiter_choose_paths(node, n_frames);
	lowest = node->is_apart ? limiter_run_apart(node, inst, top, n_frames)
				: limiter_run_linked(node, inst, top, n_frames);
	dsp_ramp_advance(&node->drive, n_frames);
	dsp_ramp_advance(&node->ceiling, n_frames);
	dsp_ramp_advance(&node->link, n_frames);
	node->fill += n_frames;
	limiter_meter(node, inst, lowest, limiter_measure(node, inst, lowest, top, n_frames));
}

static const struct mixd_node_type limiter_type = {
	.id = "limiter",
	.doc = "Look-ahead true-peak limiter",
	.category = "dynamics",
	.source = "ITU-R BS.1770-4 Annex 2; Luff, Designing a straightforward limiter (2022)",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = limiter_ports,
	.n_ports = sizeof(limiter_ports) / sizeof(limiter_ports[0]),
	.params = limiter_params,
	.n_params = sizeof(limiter_params) / sizeof(limiter_params[0]),
	.configs = limiter_configs,
	.n_configs = sizeof(limiter_configs) / sizeof(limiter_configs[0]),
	.meters = limiter_meters,
	.n_meters = sizeof(limiter_meters) / sizeof(limiter_meters[0]),
	.needs = limiter_needs,
	.activate = limiter_activate,
	.update = limiter_update,
	.process = limiter_process,
	.reset = limiter_reset,
};

MIXD_MODULE(&limiter_type);
