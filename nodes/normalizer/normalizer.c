/* normalizer.c - every part of a recording as loud as its peaks allow.
 *
 * SOURCE      The method of FFmpeg's dynaudnorm (L. Mulder, "Dynamic Audio Normalizer", 2014): per frame
 *             the gain that brings peak or RMS to the target; a running minimum; a Gaussian mean; straight
 *             lines between frames. Written anew.
 * STRUCTURE   With R = window / 2: m[j] = least wanted gain of frames j - R .. j + R + 1, g[k] = mean of
 *             m[k - R .. k + R], and frame k goes from g[k - 1] to g[k]. Each m in either mean has
 *             looked at frame k, so no peak of it can pass its target: the mean of numbers that are
 *             small enough is small enough. That takes 2 R + 2 frames of look-ahead, reported as
 *             latency: 16 s as it comes. It is made for rendering files; on air use leveler.
 *             Frames quieter than the threshold ask for nothing: what was before goes on.
 *             Frames are counted from absolute time zero. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <mixd/node.h>

#include "clones.h"
#include "level.h"

#include <mixd/rt.h>

#define NORMALIZER_LONGEST_S 30.0
#define NORMALIZER_RADIUS_MAX 30u
#define NORMALIZER_WANTS (2 * NORMALIZER_RADIUS_MAX + 2)
#define NORMALIZER_UNKNOWN (-1.0)

enum {
	NORMALIZER_PARAM_PEAK,
	NORMALIZER_PARAM_RMS,
	NORMALIZER_PARAM_MAX_BOOST,
	NORMALIZER_PARAM_THRESHOLD,
	NORMALIZER_PARAM_LINK,
};
enum { NORMALIZER_CONFIG_FRAME, NORMALIZER_CONFIG_WINDOW };
enum { NORMALIZER_METER_GAIN };

static const struct mixd_port_row normalizer_ports[] = {
	{"in", "Soft and loud parts", false, MIXD_PORT_MAIN, NULL},
	{"out", "All parts at one level", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row normalizer_params[] = {
	[NORMALIZER_PARAM_PEAK] = {.id = "target_peak",
				   .doc = "Each part is raised until its highest sample is here",
				   .unit = MIXD_UNIT_DBFS,
				   .min = -30,
				   .max = 0,
				   .def = -0.5},
	[NORMALIZER_PARAM_RMS] = {.id = "target_rms",
				  .doc = "Or until its RMS is here, whatever comes first; 0 dBFS "
					 "never does",
				  .unit = MIXD_UNIT_DBFS,
				  .min = -50,
				  .max = 0},
	[NORMALIZER_PARAM_MAX_BOOST] = {.id = "max_boost",
					.doc = "No part is raised by more",
					.unit = MIXD_UNIT_DB,
					.min = 0,
					.max = 40,
					.def = 20},
	[NORMALIZER_PARAM_THRESHOLD] = {.id = "threshold",
					.doc = "Parts with lower peaks are pauses: the gain stays",
					.unit = MIXD_UNIT_DBFS,
					.min = -100,
					.max = -20,
					.def = -60},
	[NORMALIZER_PARAM_LINK] = {.id = "link",
				   .doc = "One gain for all channels, so that the picture stays",
				   .type = MIXD_TYPE_BOOL,
				   .max = 1,
				   .def = 1},
};

static const struct mixd_config_row normalizer_configs[] = {
	[NORMALIZER_CONFIG_FRAME] = {.id = "frame",
				     .doc = "Length of a part",
				     .unit = MIXD_UNIT_MS,
				     .min = 10,
				     .max = 1000,
				     .def = 500},
	[NORMALIZER_CONFIG_WINDOW] =
		{.id = "window",
		 .doc = "Over how many parts the gain is smoothed, an odd number; "
			"latency is one part more",
		 .type = MIXD_TYPE_INT,
		 .min = 3,
		 .max = 2 * NORMALIZER_RADIUS_MAX + 1,
		 .def = 31},
};

static const struct mixd_meter_row normalizer_meters[] = {
	[NORMALIZER_METER_GAIN] = {"gain", "Gain in force", MIXD_UNIT_DB, MIXD_FOLD_LAST, NULL,
				   true},
};

struct normalizer_channel {
	float *ring;
	double peak, power; /* of the frame that comes in */
	double wanted[NORMALIZER_WANTS]; /* factors, oldest first; UNKNOWN of pauses */
	double least[NORMALIZER_WANTS]; /* the running minimum, oldest first */
	double from, to; /* the gain at both ends of the frame that goes out */
};

struct normalizer_state {
	/* --- immutable after init --- */
	uint32_t n_channels, radius, frame_frames, latency, ring_frames;
	double weight[2 * NORMALIZER_RADIUS_MAX + 1];
	/* --- rt --- */
	double peak, rms, max_gain, threshold; /* factors */
	bool is_coupled;
	uint32_t ring_at; /* where the next frame goes */
	uint32_t fill; /* frames since the reset, up to ring_frames */
	uint32_t frame_fill; /* frames of the part that comes in */
	struct normalizer_channel channel[];
};

static uint32_t normalizer_radius(const struct mixd_setup *setup)
{
	return (uint32_t)setup->config[NORMALIZER_CONFIG_WINDOW].number / 2;
}

static uint32_t normalizer_frame(const struct mixd_setup *setup)
{
	return (uint32_t)lrint(setup->config[NORMALIZER_CONFIG_FRAME].number * 0.001 * setup->rate);
}

static uint32_t normalizer_latency(const struct mixd_setup *setup)
{
	return (2 * normalizer_radius(setup) + 2) * normalizer_frame(setup);
}

static size_t normalizer_head_bytes(uint32_t n_channels)
{
	return (sizeof(struct normalizer_state) + n_channels * sizeof(struct normalizer_channel) +
		63) /
	       64 * 64;
}

static int normalizer_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			    struct mixd_fault *fault)
{
	uint32_t n = setup->out_layout[0]->n_channels;

	ret_need->latency = normalizer_latency(setup);
	if (ret_need->latency > NORMALIZER_LONGEST_S * setup->rate) {
		snprintf(fault->text, sizeof(fault->text),
			 "a frame of %g ms and a window of %u are %.0f s of look-ahead, 30 s is "
			 "the most",
			 setup->config[NORMALIZER_CONFIG_FRAME].number,
			 2 * normalizer_radius(setup) + 1, ret_need->latency / setup->rate);
		snprintf(fault->hint, sizeof(fault->hint),
			 "frame times window + 1 is the look-ahead: take a shorter frame or a "
			 "smaller window, as frame=500ms and window=31");
		return -EINVAL;
	}
	ret_need->state_bytes = normalizer_head_bytes(n) +
				n * (size_t)(ret_need->latency + MIXD_SLICE_MAX) * sizeof(float);
	ret_need->tail = UINT64_MAX; /* it remembers how loud it was */
	return 0;
}

static void normalizer_reset(struct mixd_inst *inst)
{
	struct normalizer_state *state = inst->state;

	for (uint32_t c = 0; c < state->n_channels; c++) {
		struct normalizer_channel *channel = &state->channel[c];

		channel->peak = channel->power = 0.0;
		for (uint32_t k = 0; k < NORMALIZER_WANTS; k++)
			channel->wanted[k] = channel->least[k] = NORMALIZER_UNKNOWN;
		channel->from = channel->to = NORMALIZER_UNKNOWN;
		inst->meter[NORMALIZER_METER_GAIN + c] = 0.0;
	}
	state->ring_at = state->fill = state->frame_fill = 0;
}

static int normalizer_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct normalizer_state *state = inst->state;
	const struct mixd_setup *setup = inst->setup;
	char *memory = inst->state;
	double sigma, sum = 0.0;

	state->n_channels = setup->out_layout[0]->n_channels;
	state->radius = normalizer_radius(setup);
	state->frame_frames = normalizer_frame(setup);
	state->latency = normalizer_latency(setup);
	state->ring_frames = state->latency + MIXD_SLICE_MAX;
	sigma = (state->radius + 0.5) / 3.0;
	for (uint32_t k = 0; k <= 2 * state->radius; k++) {
		double t = ((double)k - state->radius) / sigma;

		state->weight[k] = exp(-0.5 * t * t);
		sum += state->weight[k];
	}
	for (uint32_t k = 0; k <= 2 * state->radius; k++)
		state->weight[k] /= sum;
	memory += normalizer_head_bytes(state->n_channels);
	for (uint32_t c = 0; c < state->n_channels; c++) {
		state->channel[c].ring = (void *)memory;
		memory += (size_t)state->ring_frames * sizeof(float);
	}
	normalizer_reset(inst);
	return 0;
}

static bool normalizer_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct normalizer_state *state = inst->state;

	state->peak = level_factor(update->to[NORMALIZER_PARAM_PEAK]);
	state->rms = level_factor(update->to[NORMALIZER_PARAM_RMS]);
	state->max_gain = level_factor(update->to[NORMALIZER_PARAM_MAX_BOOST]);
	state->threshold = level_factor(update->to[NORMALIZER_PARAM_THRESHOLD]);
	state->is_coupled = update->to[NORMALIZER_PARAM_LINK] > 0.5;
	return false; /* what is new is smoothed as all gains are */
}

/* ---- at the end of a part ---- */

static double normalizer_wanted(const struct normalizer_state *state,
				const struct normalizer_channel *channel)
{
	double gain = state->max_gain, rms = sqrt(channel->power / state->frame_fill);

	if (!(channel->peak >= state->threshold))
		return NORMALIZER_UNKNOWN;
	if (gain * channel->peak > state->peak)
		gain = state->peak / channel->peak;
	if (gain * rms > state->rms && isfinite(rms))
		gain = state->rms / rms;
	return gain;
}

static void normalizer_push(double *list, uint32_t n, double value)
{
	memmove(list, list + 1, (n - 1) * sizeof(*list));
	list[n - 1] = value;
}

/* What is known of WANTED, or what was known before. */
static double normalizer_least(const struct normalizer_channel *channel, uint32_t n, double before)
{
	double least = NORMALIZER_UNKNOWN;

	for (uint32_t k = 0; k < n; k++)
		if (channel->wanted[k] >= 0.0 && (least < 0.0 || channel->wanted[k] < least))
			least = channel->wanted[k];
	return least >= 0.0 ? least : before;
}

/* The mean; what was before the first sound is as the first sound. */
static double normalizer_mean(const struct normalizer_state *state,
			      const struct normalizer_channel *channel)
{
	double sum = 0.0, value = channel->least[2 * state->radius];

	if (value < 0.0)
		return NORMALIZER_UNKNOWN;
	for (uint32_t k = 2 * state->radius + 1; k-- > 0;) {
		if (channel->least[k] >= 0.0)
			value = channel->least[k];
		sum += state->weight[k] * value;
	}
	return sum;
}

static void normalizer_part(struct normalizer_state *state)
{
	uint32_t n_wanted = 2 * state->radius + 2, n_least = 2 * state->radius + 1;
	double all = NORMALIZER_UNKNOWN;

	for (uint32_t c = 0; c < state->n_channels; c++) {
		double wanted = normalizer_wanted(state, &state->channel[c]);

		if (wanted >= 0.0 && (all < 0.0 || wanted < all))
			all = wanted;
	}
	for (uint32_t c = 0; c < state->n_channels; c++) {
		struct normalizer_channel *channel = &state->channel[c];
		double wanted = state->is_coupled ? all : normalizer_wanted(state, channel);

		normalizer_push(channel->wanted, n_wanted, wanted);
		normalizer_push(channel->least, n_least,
				normalizer_least(channel, n_wanted, channel->least[n_least - 1]));
		channel->from = channel->to;
		channel->to = normalizer_mean(state, channel);
		if (channel->from < 0.0)
			channel->from = channel->to;
		channel->peak = channel->power = 0.0;
	}
	state->frame_fill = 0;
}

/* ---- process ---- */

MIXD_CLONES static float normalizer_highest(const float *x, uint32_t n)
{
	float highest = 0.0f;

	for (uint32_t i = 0; i < n; i++) {
		float size = fabsf(x[i]);

		highest = size > highest ? size : highest;
	}
	return highest;
}

/* Frame by frame, so that cuts change nothing. */
static double normalizer_power(double power, const float *x, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		power += (double)x[i] * (double)x[i];
	return power;
}

MIXD_CLONES static void normalizer_scale(const float *x, float *out, double from, double step,
					 uint32_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] = (float)((double)x[i] * (from + step * (double)(int32_t)(first + i)));
}

/* Take N frames of IN and give those of latency frames ago, without wrapping: neither ring place
 * crosses the end. */
static void normalizer_move(const struct normalizer_state *state,
			    const struct normalizer_channel *channel, const float *in, float *out,
			    uint32_t at, uint32_t old, uint32_t part_at, uint32_t n)
{
	double from = channel->from < 0.0 ? 1.0 : channel->from;
	double to = channel->to < 0.0 ? 1.0 : channel->to;
	double step = (to - from) / state->frame_frames;

	memcpy(channel->ring + at, in, n * sizeof(float));
	normalizer_scale(channel->ring + old, out, from, step, part_at, n);
}

/* N frames within one part. */
static void normalizer_run(struct normalizer_state *state, const struct mixd_inst *inst,
			   uint32_t offset, uint32_t part_at, uint32_t n)
{
	for (uint32_t done = 0, piece; done < n; done += piece) {
		uint32_t at = state->ring_at, frames = state->ring_frames;
		uint32_t old = (at + frames - state->latency) % frames;

		piece = n - done;
		piece = piece < frames - at ? piece : frames - at;
		piece = piece < frames - old ? piece : frames - old;
		/* Before the first frame after a reset there was silence. */
		if (state->fill < state->latency && piece > state->latency - state->fill)
			piece = state->latency - state->fill;
		for (uint32_t c = 0; c < state->n_channels; c++) {
			struct normalizer_channel *channel = &state->channel[c];
			const float *in = inst->in[c] + offset + done;
			float *out = inst->out[c] + offset + done;
			double highest = (double)normalizer_highest(in, piece);

			channel->peak = highest > channel->peak ? highest : channel->peak;
			channel->power = normalizer_power(channel->power, in, piece);
			normalizer_move(state, channel, in, out, at, old, part_at + done, piece);
			if (state->fill < state->latency)
				memset(out, 0, piece * sizeof(float));
		}
		state->ring_at = (at + piece) % frames;
		state->fill = state->fill + piece < frames ? state->fill + piece : frames;
		state->frame_fill += piece;
	}
}

static void normalizer_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct normalizer_state *state = inst->state;

	for (uint32_t done = 0, n; done < call->n_frames; done += n) {
		uint32_t part_at = (uint32_t)((call->position + done) % state->frame_frames);

		n = call->n_frames - done;
		n = n < state->frame_frames - part_at ? n : state->frame_frames - part_at;
		normalizer_run(state, inst, done, part_at, n);
		if (part_at + n == state->frame_frames)
			normalizer_part(state);
	}
	for (uint32_t c = 0; c < state->n_channels; c++) {
		double gain = state->channel[c].to;

		inst->meter[NORMALIZER_METER_GAIN + c] = gain > 0.0 ? 20 * log10(gain) : 0.0;
	}
}

static const struct mixd_node_type normalizer_type = {
	.id = "normalizer",
	.doc = "Normalizes part by part with seconds of look-ahead, for rendering files",
	.category = "level",
	.source = "method of FFmpeg's dynaudnorm (Dynamic Audio Normalizer, 2014)",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(normalizer_ports),
	.params = MIXD_ARRAY(normalizer_params),
	.configs = MIXD_ARRAY(normalizer_configs),
	.meters = MIXD_ARRAY(normalizer_meters),
	.needs = normalizer_needs,
	.activate = normalizer_activate,
	.update = normalizer_update,
	.process = normalizer_process,
	.reset = normalizer_reset,
};

MIXD_MODULE(&normalizer_type);
