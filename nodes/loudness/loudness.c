/* loudness - the meter: momentary, short-term and integrated loudness, range, true peak.
 *
 * Source: ITU-R BS.1770-4; EBU Tech 3341 (2023); EBU Tech 3342 (2023); kernels in dsp/loudness.h
 * and dsp/truepeak.h.
 *
 * Audio passes unchanged. Meters are renewed every 10 ms, I and LRA every 100 ms. Everything lies
 * in the instance's own block; a restart clears some 80 kB of it. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "level.h"
#include "loudness.h"
#include "truepeak.h"

#include <mixd/rt.h>

#define LOUDNESS_PEAK_HOPS 30u /* of 100 ms: the peak of 3 s, for PSR */
#define LOUDNESS_BETA 7.0 /* +-0.003 dB up to 20 kHz at 48 kHz */
#define LOUDNESS_PEAK_ABSURD 1e5f /* +100 dBFS */

enum {
	LOUDNESS_PARAM_PAUSE,
	LOUDNESS_PARAM_RESET,
	LOUDNESS_PARAM_DUAL_MONO,
};

enum {
	LOUDNESS_METER_M,
	LOUDNESS_METER_S,
	LOUDNESS_METER_I,
	LOUDNESS_METER_LRA,
	LOUDNESS_METER_TP,
	LOUDNESS_METER_TP_NOW,
	LOUDNESS_METER_SP,
	LOUDNESS_METER_M_MAX,
	LOUDNESS_METER_S_MAX,
	LOUDNESS_METER_PSR,
	LOUDNESS_METER_PLR,
	LOUDNESS_METER_SINCE,
	LOUDNESS_METER_COUNTED,
	LOUDNESS_METER_TP_CHANNEL,
};

static const struct mixd_port_row loudness_ports[] = {
	{"in", "Programme", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same, unchanged", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row loudness_params[] = {
	[LOUDNESS_PARAM_PAUSE] = {.id = "pause",
				  .doc = "Hold integration, range and maxima; M and S run on",
				  .type = MIXD_TYPE_BOOL,
				  .max = 1},
	[LOUDNESS_PARAM_RESET] = {.id = "reset",
				  .doc = "Any change begins I, LRA and all maxima again",
				  .type = MIXD_TYPE_INT,
				  .max = 1000000000},
	[LOUDNESS_PARAM_DUAL_MONO] = {.id = "dual_mono",
				      .doc = "A mono programme counts twice, as from two "
					     "loudspeakers (+3.01 LU)",
				      .type = MIXD_TYPE_BOOL,
				      .max = 1},
};

static const struct mixd_meter_row loudness_meters[] = {
	[LOUDNESS_METER_M] = {"m", "Momentary loudness, 400 ms", MIXD_UNIT_LUFS, MIXD_FOLD_LAST,
			      NULL, false},
	[LOUDNESS_METER_S] = {"s", "Short-term loudness, 3 s", MIXD_UNIT_LUFS, MIXD_FOLD_LAST, NULL,
			      false},
	[LOUDNESS_METER_I] = {"i", "Integrated loudness since reset, gated", MIXD_UNIT_LUFS,
			      MIXD_FOLD_LAST, NULL, false},
	[LOUDNESS_METER_LRA] = {"lra", "Loudness range since reset; settles after 60 s",
				MIXD_UNIT_LU, MIXD_FOLD_LAST, NULL, false},
	[LOUDNESS_METER_TP] = {"tp", "Highest true peak since reset", MIXD_UNIT_DBTP,
			       MIXD_FOLD_LAST, NULL, false},
	[LOUDNESS_METER_TP_NOW] = {"tp_now", "True peak, of 10 ms", MIXD_UNIT_DBTP, MIXD_FOLD_MAX,
				   NULL, false},
	[LOUDNESS_METER_SP] = {"sp", "Highest sample peak since reset", MIXD_UNIT_DBFS,
			       MIXD_FOLD_LAST, NULL, false},
	[LOUDNESS_METER_M_MAX] = {"m_max", "Highest momentary loudness since reset", MIXD_UNIT_LUFS,
				  MIXD_FOLD_LAST, NULL, false},
	[LOUDNESS_METER_S_MAX] = {"s_max", "Highest short-term loudness since reset",
				  MIXD_UNIT_LUFS, MIXD_FOLD_LAST, NULL, false},
	[LOUDNESS_METER_PSR] = {"psr", "Peak to short-term loudness: true peak of 3 s minus S",
				MIXD_UNIT_LU, MIXD_FOLD_LAST, NULL, false},
	[LOUDNESS_METER_PLR] = {"plr", "Peak to loudness: highest true peak minus I", MIXD_UNIT_LU,
				MIXD_FOLD_LAST, NULL, false},
	[LOUDNESS_METER_SINCE] = {"since", "Time since reset, without pauses", MIXD_UNIT_S,
				  MIXD_FOLD_LAST, NULL, false},
	[LOUDNESS_METER_COUNTED] = {"counted", "Time that passed both gates", MIXD_UNIT_S,
				    MIXD_FOLD_LAST, NULL, false},
	[LOUDNESS_METER_TP_CHANNEL] = {"tp_ch", "Highest true peak of each channel since reset",
				       MIXD_UNIT_DBTP, MIXD_FOLD_LAST, NULL, true},
};

struct loudness_channel {
	float past[TRUEPEAK_PAST + 1 + MIXD_SLICE_MAX]; /* the last 32 frames, then this slice */
	float peak; /* highest true peak since reset */
};

struct loudness_node {
	/* --- immutable after init --- */
	struct truepeak_filter filter;
	uint32_t n_channels;
	/* --- rt --- */
	double reset_seen;
	bool is_paused;
	uint64_t begun, held; /* frames: position of the restart; pauses since */
	float peak_tick; /* of the 10 ms under way */
	float peak_hop; /* of the 100 ms under way */
	float sample_peak;
	float peak_hops[LOUDNESS_PEAK_HOPS];
	bool is_begun;
	struct loudness loudness;
	struct loudness_channel channel[];
};

static int loudness_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			  struct mixd_fault *fault)
{
	ret_need->state_bytes = sizeof(struct loudness_node) +
				setup->in_layout[0]->n_channels * sizeof(struct loudness_channel);
	ret_need->tail = UINT64_MAX; /* what was measured outlives every pause */
	return 0;
}

/* Maxima begin again; the peaks' filters keep their past. */
static void loudness_begin(struct loudness_node *node)
{
	loudness_restart(&node->loudness);
	for (uint32_t c = 0; c < node->n_channels; c++)
		node->channel[c].peak = 0.0f;
	node->peak_tick = node->sample_peak = 0.0f;
	node->is_begun = false;
	node->held = 0;
}

static void loudness_show(struct mixd_inst *inst, const struct loudness_node *node);

static void loudness_node_reset(struct mixd_inst *inst)
{
	struct loudness_node *node = inst->state;

	loudness_reset(&node->loudness);
	for (uint32_t c = 0; c < node->n_channels; c++)
		memset(node->channel[c].past, 0, sizeof(node->channel[c].past));
	memset(node->peak_hops, 0, sizeof(node->peak_hops));
	node->peak_hop = 0.0f;
	node->is_paused = false;
	loudness_begin(node);
	loudness_show(inst, node);
}

static int loudness_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct loudness_node *node = inst->state;
	const struct mixd_layout *layout = inst->setup->in_layout[0];
	double weight[MIXD_CHANNELS_MAX];

	node->n_channels = layout->n_channels;
	for (uint32_t c = 0; c < layout->n_channels; c++)
		weight[c] = loudness_weight(layout, c);
	loudness_init(&node->loudness, inst->setup->rate, layout->n_channels, weight);
	truepeak_filter_init(&node->filter, inst->setup->rate, LOUDNESS_BETA);
	loudness_node_reset(inst);
	return 0;
}

static bool loudness_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct loudness_node *node = inst->state;

	if (!update->jump && update->to[LOUDNESS_PARAM_RESET] != node->reset_seen)
		loudness_begin(node);
	node->reset_seen = update->to[LOUDNESS_PARAM_RESET];
	node->is_paused = update->to[LOUDNESS_PARAM_PAUSE] >= 0.5;
	loudness_pause(&node->loudness, node->is_paused);
	node->loudness.window.scale =
		node->n_channels == 1 && update->to[LOUDNESS_PARAM_DUAL_MONO] >= 0.5 ? 2.0 : 1.0;
	return false;
}

static double loudness_difference(double peak_db, double lufs)
{
	return isfinite(peak_db) && isfinite(lufs) ? peak_db - lufs : 0.0;
}

/* What changes every 10 ms. */
static void loudness_show(struct mixd_inst *inst, const struct loudness_node *node)
{
	const struct loudness *loudness = &node->loudness;
	double *meter = inst->meter;
	float peak = 0.0f;

	for (uint32_t c = 0; c < node->n_channels; c++) {
		meter[LOUDNESS_METER_TP_CHANNEL + c] = level_of_amplitude(node->channel[c].peak);
		peak = fmaxf(peak, node->channel[c].peak);
	}
	meter[LOUDNESS_METER_M] = loudness_from_energy(loudness->momentary);
	meter[LOUDNESS_METER_S] = loudness_from_energy(loudness->shortterm);
	meter[LOUDNESS_METER_M_MAX] = loudness_from_energy(loudness->momentary_max);
	meter[LOUDNESS_METER_S_MAX] = loudness_from_energy(loudness->shortterm_max);
	meter[LOUDNESS_METER_TP] = level_of_amplitude(peak);
	meter[LOUDNESS_METER_TP_NOW] = level_of_amplitude(node->peak_tick);
	meter[LOUDNESS_METER_SP] = level_of_amplitude(node->sample_peak);
	if (loudness->since_ticks == 0) {
		meter[LOUDNESS_METER_I] = -INFINITY;
		meter[LOUDNESS_METER_LRA] = meter[LOUDNESS_METER_COUNTED] = 0.0;
		meter[LOUDNESS_METER_PSR] = meter[LOUDNESS_METER_PLR] = 0.0;
		meter[LOUDNESS_METER_SINCE] = 0.0;
	}
}

/* What changes every 100 ms; I in one tick, LRA five later, so that no slice does both. */
static void loudness_show_hop(struct mixd_inst *inst, struct loudness_node *node)
{
	double *meter = inst->meter;
	uint64_t tick = node->loudness.window.ticks, blocks;
	float peak = 0.0f;

	if (tick % LOUDNESS_HOP_TICKS == 5)
		meter[LOUDNESS_METER_LRA] = loudness_gate_lra(&node->loudness.gate);
	if (tick % LOUDNESS_HOP_TICKS != 0)
		return;
	node->peak_hops[tick / LOUDNESS_HOP_TICKS % LOUDNESS_PEAK_HOPS] = node->peak_hop;
	node->peak_hop = 0.0f;
	for (uint32_t k = 0; k < LOUDNESS_PEAK_HOPS; k++)
		peak = fmaxf(peak, node->peak_hops[k]);
	meter[LOUDNESS_METER_PSR] =
		loudness_difference(level_of_amplitude(peak), meter[LOUDNESS_METER_S]);
	meter[LOUDNESS_METER_I] = loudness_gate_integrated(&node->loudness.gate, &blocks);
	meter[LOUDNESS_METER_COUNTED] = (double)blocks * 0.1;
	meter[LOUDNESS_METER_PLR] =
		loudness_difference(meter[LOUDNESS_METER_TP], meter[LOUDNESS_METER_I]);
}

static void loudness_take_peaks(struct loudness_node *node, const float *const *in, uint32_t first,
				uint32_t n_frames)
{
	float envelope[MIXD_SLICE_MAX];

	for (uint32_t c = 0; c < node->n_channels; c++) {
		struct loudness_channel *channel = &node->channel[c];
		float peak, sample;

		memcpy(channel->past + 32, in[c] + first, n_frames * sizeof(float));
		truepeak_envelope(&node->filter, channel->past + 32, envelope, n_frames);
		peak = truepeak_highest(envelope, n_frames);
		sample = level_highest(channel->past + 32, n_frames);
		memmove(channel->past, channel->past + n_frames, 32 * sizeof(float));
		/* Neither a NaN nor what no audio can make is a peak: the guard has told of it. */
		if (!(peak < LOUDNESS_PEAK_ABSURD) || !(sample < LOUDNESS_PEAK_ABSURD))
			continue;
		/* A sample shows at once, what lies around it 16 frames later. */
		peak = fmaxf(peak, sample);
		node->peak_tick = fmaxf(node->peak_tick, peak);
		node->peak_hop = fmaxf(node->peak_hop, peak);
		if (node->is_paused)
			continue;
		channel->peak = fmaxf(channel->peak, peak);
		node->sample_peak = fmaxf(node->sample_peak, sample);
	}
}

static void loudness_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct loudness_node *node = inst->state;

	if (!node->is_begun)
		node->begun = call->position;
	node->is_begun = true;
	for (uint32_t first = 0; first < call->n_frames;) {
		uint32_t room = loudness_window_room(&node->loudness.window);
		uint32_t piece = call->n_frames - first < room ? call->n_frames - first : room;

		loudness_take_peaks(node, inst->in, first, piece);
		if (loudness_feed(&node->loudness, inst->in, first, piece)) {
			loudness_show(inst, node);
			loudness_show_hop(inst, node);
			node->peak_tick = 0.0f;
		}
		first += piece;
	}
	if (node->is_paused)
		node->held += call->n_frames;
	inst->meter[LOUDNESS_METER_SINCE] =
		(double)(call->position + call->n_frames - node->begun - node->held) /
		inst->setup->rate;
	for (uint32_t c = 0; c < node->n_channels; c++)
		if (inst->out[c] != inst->in[c])
			memcpy(inst->out[c], inst->in[c], call->n_frames * sizeof(float));
}

static const struct mixd_node_type loudness_type = {
	.id = "loudness",
	.doc = "Loudness meter: M, S, I, LRA and true peak",
	.category = "analysis",
	.source = "ITU-R BS.1770-4; EBU Tech 3341 and 3342",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE | MIXD_NODE_RUN_BYPASSED,
	.ports = loudness_ports,
	.n_ports = sizeof(loudness_ports) / sizeof(loudness_ports[0]),
	.params = loudness_params,
	.n_params = sizeof(loudness_params) / sizeof(loudness_params[0]),
	.meters = loudness_meters,
	.n_meters = sizeof(loudness_meters) / sizeof(loudness_meters[0]),
	.needs = loudness_needs,
	.activate = loudness_activate,
	.update = loudness_update,
	.process = loudness_process,
	.reset = loudness_node_reset,
};

MIXD_MODULE(&loudness_type);
