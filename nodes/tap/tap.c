/* tap - measures what passes a place of the graph: peaks, RMS, crest, DC, clips, and the waveform.
 *
 * SOURCE      RMS over a window as a mean of squares (a full-scale sine reads -3.01 dBFS); true peak:
 *             ITU-R BS.1770-4 Annex 2, dsp/truepeak.h. A clip is a run of frames at or above a level,
 *             counted once, as converters' and editors' clip lights do.
 * STRUCTURE   Sums over ticks of 10 ms, counted from reset; a window is a whole number of ticks. The
 *             overview is a ring of slots with the lowest and the highest sample each. Audio passes
 *             unchanged. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "foursum.h"
#include "level.h"
#include "truepeak.h"

#include <mixd/rt.h>

#define TAP_TICKS_MAX 100u /* of 10 ms */
#define TAP_SLOTS 128u
#define TAP_BETA 7.0 /* true peak: flat, as in loudness */
#define TAP_ABSURD 1e5f /* +100 dBFS: neither this nor NaN is a level */

enum { TAP_CONFIG_TRUE_PEAK };

enum {
	TAP_PARAM_VIEW,
	TAP_PARAM_WINDOW,
	TAP_PARAM_CLIP,
	TAP_PARAM_CLIP_FRAMES,
	TAP_PARAM_CHANNEL,
	TAP_PARAM_SPAN,
	TAP_PARAM_RESET,
};

enum {
	TAP_METER_SLOTS,
	TAP_METER_LOWEST,
	TAP_METER_HIGHEST = TAP_METER_LOWEST + TAP_SLOTS,
	TAP_METER_CHANNELS = TAP_METER_HIGHEST + TAP_SLOTS, /* rows below, n_channels each */
};

enum {
	TAP_ROW_SP,
	TAP_ROW_SP_MAX,
	TAP_ROW_TP_MAX,
	TAP_ROW_RMS,
	TAP_ROW_CREST,
	TAP_ROW_DC,
	TAP_ROW_CLIPS,
	TAP_ROWS,
};

static const char *const tap_views[] = {"channels", "mid-side", NULL};

static const struct mixd_port_row tap_ports[] = {
	{"in", "What is measured", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same, unchanged", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_config_row tap_configs[] = {
	[TAP_CONFIG_TRUE_PEAK] = {.id = "true_peak",
				  .doc = "Measure between the samples, too",
				  .type = MIXD_TYPE_BOOL,
				  .max = 1},
};

static const struct mixd_param_row tap_params[] = {
	[TAP_PARAM_VIEW] =
		{.id = "view",
		 .doc = "Measure channels 1 and 2 as they are, or their half sum and half "
			"difference",
		 .type = MIXD_TYPE_ENUM,
		 .max = 1,
		 .labels = tap_views},
	[TAP_PARAM_WINDOW] = {.id = "window",
			      .doc = "Time over which RMS, crest and DC are taken",
			      .unit = MIXD_UNIT_MS,
			      .min = 10,
			      .max = 1000,
			      .def = 300},
	[TAP_PARAM_CLIP] = {.id = "clip",
			    .doc = "From here on a sample counts as clipped",
			    .unit = MIXD_UNIT_DBFS,
			    .min = -20,
			    .max = 20,
			    .def = -0.01},
	[TAP_PARAM_CLIP_FRAMES] = {.id = "clip_frames",
				   .doc = "So many in a row are a clip",
				   .type = MIXD_TYPE_INT,
				   .unit = MIXD_UNIT_FRAMES,
				   .min = 1,
				   .max = 100,
				   .def = 3},
	[TAP_PARAM_CHANNEL] = {.id = "channel",
			       .doc = "Channel of the waveform; 0 takes the outline of all",
			       .type = MIXD_TYPE_INT,
			       .max = MIXD_CHANNELS_MAX},
	[TAP_PARAM_SPAN] = {.id = "span",
			    .doc = "Time that the whole waveform shows, in 128 slots",
			    .unit = MIXD_UNIT_S,
			    .min = 0.5,
			    .max = 600,
			    .def = 5},
	[TAP_PARAM_RESET] = {.id = "reset",
			     .doc = "Any change begins maxima and clips again",
			     .type = MIXD_TYPE_INT,
			     .max = 1000000000},
};

static const struct mixd_meter_row tap_meters[] = {
	{"slots", "Slots since reset; slot n (from 1) is in the rows at 1 + (n - 1) mod 128",
	 MIXD_UNIT_NONE, MIXD_FOLD_LAST, NULL, false},
	{.id = "lowest", .doc = "Waveform: lowest sample of a slot", .count = TAP_SLOTS},
	{.id = "highest", .doc = "Waveform: highest sample of a slot", .count = TAP_SLOTS},
	{"sp", "Sample peak, of 10 ms", MIXD_UNIT_DBFS, MIXD_FOLD_MAX, NULL, true},
	{"sp_max", "Highest sample peak since reset", MIXD_UNIT_DBFS, MIXD_FOLD_LAST, NULL, true},
	{"tp_max", "Highest true peak since reset; needs true_peak", MIXD_UNIT_DBTP, MIXD_FOLD_LAST,
	 NULL, true},
	{"rms", "RMS of the window; a full-scale sine reads -3.01", MIXD_UNIT_DBFS, MIXD_FOLD_LAST,
	 NULL, true},
	{"crest", "Peak over RMS in the window", MIXD_UNIT_DB, MIXD_FOLD_LAST, NULL, true},
	{"dc", "Mean of the window, full scale is 100", MIXD_UNIT_PERCENT, MIXD_FOLD_LAST, NULL,
	 true},
	{"clips", "Clips since reset", MIXD_UNIT_NONE, MIXD_FOLD_LAST, NULL, true},
};

struct tap_tick {
	double square, sum; /* means */
	float peak;
};

struct tap_channel {
	double square[4], sum[4]; /* of the tick under way, by frame mod 4 */
	float peak; /* of the tick under way */
	float sample_max, true_max; /* since reset */
	uint32_t run; /* frames at the clip level up to now */
	double clips;
	struct tap_tick past[TAP_TICKS_MAX];
	float before[TRUEPEAK_PAST + 1 + MIXD_SLICE_MAX]; /* the last 32 frames, then this slice */
};

struct tap {
	/* --- immutable after init --- */
	uint32_t n_channels, tick_frames;
	bool true_peak;
	struct truepeak_filter filter;
	/* --- rt --- */
	double reset_seen;
	bool mid_side;
	uint32_t window, slot_frames, clip_frames, channel_shown;
	float clip;
	uint32_t fill, tick;
	uint32_t slot_fill;
	uint64_t slots;
	int32_t slot_low, slot_high; /* as tap_order() has it */
	struct tap_channel channel[];
};

static int tap_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		     struct mixd_fault *fault)
{
	ret_need->state_bytes =
		sizeof(struct tap) + setup->in_layout[0]->n_channels * sizeof(struct tap_channel);
	ret_need->tail = UINT64_MAX;
	return 0;
}

static double *tap_row(struct mixd_inst *inst, uint32_t row)
{
	const struct tap *node = inst->state;

	return inst->meter + TAP_METER_CHANNELS + row * node->n_channels;
}

static void tap_begin(struct mixd_inst *inst)
{
	struct tap *node = inst->state;

	for (uint32_t c = 0; c < node->n_channels; c++) {
		struct tap_channel *channel = &node->channel[c];

		channel->sample_max = channel->true_max = 0;
		channel->clips = 0;
		channel->run = 0;
		tap_row(inst, TAP_ROW_SP_MAX)[c] = tap_row(inst, TAP_ROW_TP_MAX)[c] = -INFINITY;
		tap_row(inst, TAP_ROW_CLIPS)[c] = 0;
	}
}

static void tap_reset(struct mixd_inst *inst)
{
	struct tap *node = inst->state;

	node->fill = node->tick = node->slot_fill = 0;
	node->slots = 0;
	memset(node->channel, 0, node->n_channels * sizeof(node->channel[0]));
	memset(inst->meter, 0, TAP_METER_CHANNELS * sizeof(double));
	for (uint32_t c = 0; c < node->n_channels; c++) {
		tap_row(inst, TAP_ROW_SP)[c] = tap_row(inst, TAP_ROW_RMS)[c] = -INFINITY;
		tap_row(inst, TAP_ROW_CREST)[c] = tap_row(inst, TAP_ROW_DC)[c] = 0;
	}
	tap_begin(inst);
}

static int tap_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct tap *node = inst->state;

	node->n_channels = inst->setup->in_layout[0]->n_channels;
	node->tick_frames = (uint32_t)(inst->setup->rate / 100 + 0.5);
	node->true_peak = inst->setup->config[TAP_CONFIG_TRUE_PEAK].number >= 0.5;
	truepeak_filter_init(&node->filter, inst->setup->rate, TAP_BETA);
	tap_reset(inst);
	return 0;
}

static bool tap_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct tap *node = inst->state;
	double slot = update->to[TAP_PARAM_SPAN] * inst->setup->rate / TAP_SLOTS;

	if (!update->jump && update->to[TAP_PARAM_RESET] != node->reset_seen)
		tap_begin(inst);
	node->reset_seen = update->to[TAP_PARAM_RESET];
	node->mid_side = update->to[TAP_PARAM_VIEW] >= 0.5 && node->n_channels >= 2;
	node->window = (uint32_t)(update->to[TAP_PARAM_WINDOW] / 10 + 0.5);
	node->clip = (float)pow(10, update->to[TAP_PARAM_CLIP] / 20);
	node->clip_frames = (uint32_t)update->to[TAP_PARAM_CLIP_FRAMES];
	node->channel_shown = (uint32_t)update->to[TAP_PARAM_CHANNEL];
	if (node->channel_shown > node->n_channels)
		node->channel_shown = node->n_channels;
	node->slot_frames = slot > 1 ? (uint32_t)(slot + 0.5) : 1;
	return false;
}

/* ---- levels ---- */

/* Runs at or above the clip level; each counts once, when it has become long enough. */
static void tap_clips(struct tap *node, struct tap_channel *channel, const float *x, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		channel->run = fabsf(x[i]) >= node->clip ? channel->run + 1 : 0;
		if (channel->run == node->clip_frames)
			channel->clips++;
	}
}

MIXD_CLONES static void tap_sum(struct tap_channel *channel, uint32_t phase, const float *x,
				uint32_t n)
{
	foursum_moments(x, n, phase, channel->square, channel->sum);
}

static void tap_true_peak(struct tap *node, struct tap_channel *channel, const float *x, uint32_t n)
{
	float envelope[MIXD_SLICE_MAX], peak;

	memcpy(channel->before + 32, x, n * sizeof(float));
	truepeak_envelope(&node->filter, channel->before + 32, envelope, n);
	peak = truepeak_highest(envelope, n);
	memmove(channel->before, channel->before + n, 32 * sizeof(float));
	if (peak < TAP_ABSURD)
		channel->true_max = fmaxf(channel->true_max, fmaxf(peak, level_highest(x, n)));
}

static void tap_take(struct tap *node, struct tap_channel *channel, const float *x, uint32_t n)
{
	float peak = level_highest(x, n);

	if (node->true_peak)
		tap_true_peak(node, channel, x, n);
	if (channel->run > 0 || !(peak < node->clip))
		tap_clips(node, channel, x, n);
	if (!(peak < TAP_ABSURD))
		return;
	tap_sum(channel, node->fill, x, n);
	channel->peak = fmaxf(channel->peak, peak);
	channel->sample_max = fmaxf(channel->sample_max, peak);
}

/* Values of a channel from the ticks in its window. */
static void tap_show(struct mixd_inst *inst, uint32_t c)
{
	struct tap *node = inst->state;
	struct tap_channel *channel = &node->channel[c];
	double square = 0, sum = 0, rms;
	float peak = 0;

	for (uint32_t k = 0; k < node->window; k++) {
		const struct tap_tick *tick =
			&channel->past[(node->tick + TAP_TICKS_MAX - k) % TAP_TICKS_MAX];

		square += tick->square;
		sum += tick->sum;
		peak = fmaxf(peak, tick->peak);
	}
	rms = sqrt(square / node->window);
	tap_row(inst, TAP_ROW_SP)[c] = level_of_amplitude((double)channel->peak);
	tap_row(inst, TAP_ROW_SP_MAX)[c] = level_of_amplitude((double)channel->sample_max);
	tap_row(inst, TAP_ROW_TP_MAX)[c] = level_of_amplitude((double)channel->true_max);
	tap_row(inst, TAP_ROW_RMS)[c] = level_of_amplitude(rms);
	tap_row(inst, TAP_ROW_CREST)[c] = rms > 0 ? level_of_amplitude((double)peak / rms) : 0;
	tap_row(inst, TAP_ROW_DC)[c] = 100 * sum / node->window;
	tap_row(inst, TAP_ROW_CLIPS)[c] = channel->clips;
}

static void tap_tick(struct mixd_inst *inst)
{
	struct tap *node = inst->state;

	for (uint32_t c = 0; c < node->n_channels; c++) {
		struct tap_channel *channel = &node->channel[c];
		double square = foursum_total(channel->square);
		double sum = foursum_total(channel->sum);

		channel->past[node->tick] = (struct tap_tick){
			square / node->tick_frames, sum / node->tick_frames, channel->peak};
		tap_show(inst, c);
		memset(channel->square, 0, sizeof(channel->square));
		memset(channel->sum, 0, sizeof(channel->sum));
		channel->peak = 0;
	}
	node->tick = (node->tick + 1) % TAP_TICKS_MAX;
	node->fill = 0;
}

/* ---- waveform ---- */

/* Bits of a float to an integer of the same order, and back. */
MIXD_INLINE int32_t tap_order(int32_t bits)
{
	return bits < 0 ? bits ^ 0x7fffffff : bits;
}

/* Lowest and highest as integers, which the compiler has vectors for. A NaN is beyond all numbers. */
MIXD_CLONES static void tap_outline(const float *x, uint32_t n, int32_t *low, int32_t *high)
{
	int32_t lowest = *low, highest = *high;

	for (uint32_t i = 0; i < n; i++) {
		int32_t order;

		memcpy(&order, x + i, sizeof(order));
		order = tap_order(order);
		lowest = order < lowest ? order : lowest;
		highest = order > highest ? order : highest;
	}
	*low = lowest;
	*high = highest;
}

static double tap_value(int32_t order)
{
	float value;

	order = tap_order(order);
	memcpy(&value, &order, sizeof(value));
	return isfinite(value) ? (double)value : 0;
}

static void tap_waveform(struct mixd_inst *inst, const float *const *in, uint32_t n_frames)
{
	struct tap *node = inst->state;
	uint32_t first_channel = node->channel_shown ? node->channel_shown - 1 : 0;
	uint32_t end_channel = node->channel_shown ? node->channel_shown : node->n_channels;

	for (uint32_t first = 0; first < n_frames;) {
		uint32_t n = n_frames - first, slot;

		if (node->slot_fill >= node->slot_frames) /* slots became shorter */
			node->slot_fill = node->slot_frames - 1;
		if (n > node->slot_frames - node->slot_fill)
			n = node->slot_frames - node->slot_fill;
		if (node->slot_fill == 0) {
			node->slot_low = INT32_MAX;
			node->slot_high = INT32_MIN;
		}
		for (uint32_t c = first_channel; c < end_channel; c++)
			tap_outline(in[c] + first, n, &node->slot_low, &node->slot_high);
		first += n;
		node->slot_fill += n;
		if (node->slot_fill < node->slot_frames)
			continue;
		slot = (uint32_t)(node->slots++ % TAP_SLOTS);
		inst->meter[TAP_METER_LOWEST + slot] = tap_value(node->slot_low);
		inst->meter[TAP_METER_HIGHEST + slot] = tap_value(node->slot_high);
		inst->meter[TAP_METER_SLOTS] = (double)node->slots;
		node->slot_fill = 0;
	}
}

static void tap_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct tap *node = inst->state;
	const float *in[MIXD_CHANNELS_MAX];
	float mid[MIXD_SLICE_MAX], side[MIXD_SLICE_MAX];

	memcpy(in, inst->in, node->n_channels * sizeof(in[0]));
	if (node->mid_side) {
		for (uint32_t i = 0; i < call->n_frames; i++) {
			mid[i] = 0.5f * (in[0][i] + in[1][i]);
			side[i] = 0.5f * (in[0][i] - in[1][i]);
		}
		in[0] = mid;
		in[1] = side;
	}
	for (uint32_t first = 0; first < call->n_frames;) {
		uint32_t n = node->tick_frames - node->fill;

		n = n < call->n_frames - first ? n : call->n_frames - first;
		for (uint32_t c = 0; c < node->n_channels; c++)
			tap_take(node, &node->channel[c], in[c] + first, n);
		first += n;
		node->fill += n;
		if (node->fill == node->tick_frames)
			tap_tick(inst);
	}
	tap_waveform(inst, in, call->n_frames);
	for (uint32_t c = 0; c < node->n_channels; c++)
		if (inst->out[c] != inst->in[c])
			memcpy(inst->out[c], inst->in[c], call->n_frames * sizeof(float));
}

static const struct mixd_node_type tap_type = {
	.id = "tap",
	.doc = "Measures what passes: peaks, RMS, crest, DC, clips, waveform",
	.category = "analysis",
	.source = "ITU-R BS.1770-4 Annex 2 (true peak)",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE | MIXD_NODE_RUN_BYPASSED,
	.ports = tap_ports,
	.n_ports = 2,
	.params = tap_params,
	.n_params = sizeof(tap_params) / sizeof(tap_params[0]),
	.configs = tap_configs,
	.n_configs = 1,
	.meters = tap_meters,
	.n_meters = sizeof(tap_meters) / sizeof(tap_meters[0]),
	.needs = tap_needs,
	.activate = tap_activate,
	.update = tap_update,
	.process = tap_process,
	.reset = tap_reset,
};

_Static_assert(sizeof(tap_meters) / sizeof(tap_meters[0]) == 3 + TAP_ROWS, "a row per meter");

MIXD_MODULE(&tap_type);
