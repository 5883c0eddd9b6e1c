/* align.c - delay channels against each other, to parts of a frame.
 *
 * SOURCE      Windowed sinc of 32 taps: Laakso et al., "Splitting the unit delay", 1996
 *             (../dsp/fracdelay.c). Speed of sound in dry air: 331.3 m/s sqrt(1 + T / 273.15 C)
 *             (ISO 9613-1:1993, annex A, to 0.1 %).
 * STRUCTURE   One ring per channel; a head reads from it. A new delay is a second head, crossfaded
 *             in 30 ms, both being the same signal, so the gains add to 1; what is asked for
 *             meanwhile waits until the fade is done. Sub-frame reads look 15 frames ahead and `lead`
 *             lets a channel be early: both are reported as latency, by which the engine delays what
 *             runs parallel, so that delay 0 is in time and a negative one is before it. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "align_state.h"

#include <mixd/rt.h>

#define ALIGN_MAX_MS 5000.0
#define ALIGN_LEAD_MS 500.0
#define ALIGN_METRES 1000.0

static const struct mixd_port_row align_ports[] = {
	{"in", "What is late or early", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same in time", true, MIXD_PORT_MAIN, NULL},
};

enum { ALIGN_DELAY, ALIGN_SAMPLES, ALIGN_DISTANCE, ALIGN_ROWS };
enum { ALIGN_PARAM_TEMPERATURE = ALIGN_ROWS, ALIGN_PARAM_CHANNELS };

#define ALIGN_CHANNEL_ROW NULL, "channel", MIXD_CHANNELS_MAX, NULL

static const struct mixd_param_row align_params[] = {
	{"delay", "Of all channels; negative as far as the config lead allows", MIXD_TYPE_FLOAT,
	 MIXD_UNIT_MS, -ALIGN_LEAD_MS, ALIGN_MAX_MS, 0, MIXD_RAMP_NONE, 0, NULL, NULL, 0, NULL},
	{"samples", "Added to it, in frames and parts of them", MIXD_TYPE_FLOAT, MIXD_UNIT_FRAMES,
	 -100000, 100000, 0, MIXD_RAMP_NONE, 0, NULL, NULL, 0, NULL},
	{"distance", "Added to it: metres that sound travels", MIXD_TYPE_FLOAT, MIXD_UNIT_NONE,
	 -ALIGN_METRES, ALIGN_METRES, 0, MIXD_RAMP_NONE, 0, NULL, NULL, 0, NULL},
	{"temperature", "Of the air in degrees Celsius, for distance", MIXD_TYPE_FLOAT,
	 MIXD_UNIT_NONE, -40, 60, 20, MIXD_RAMP_NONE, 0, NULL, NULL, 0, NULL},
	{"delay", "Of this channel, added to that of all", MIXD_TYPE_FLOAT, MIXD_UNIT_MS,
	 -ALIGN_LEAD_MS, ALIGN_MAX_MS, 0, MIXD_RAMP_NONE, 0, ALIGN_CHANNEL_ROW},
	{"samples", "Of this channel, in frames and parts of them", MIXD_TYPE_FLOAT,
	 MIXD_UNIT_FRAMES, -100000, 100000, 0, MIXD_RAMP_NONE, 0, ALIGN_CHANNEL_ROW},
	{"distance", "Of this channel: metres that sound travels", MIXD_TYPE_FLOAT, MIXD_UNIT_NONE,
	 -ALIGN_METRES, ALIGN_METRES, 0, MIXD_RAMP_NONE, 0, ALIGN_CHANNEL_ROW},
};

static const struct mixd_config_row align_configs[] = {
	[ALIGN_CONFIG_MAX] = {"max", "Room for delays up to this", MIXD_TYPE_FLOAT, MIXD_UNIT_MS, 1,
			      ALIGN_MAX_MS, 200, NULL, NULL, false},
	[ALIGN_CONFIG_LEAD] =
		{"lead", "Room for negative delays; it is latency, which the engine evens out",
		 MIXD_TYPE_FLOAT, MIXD_UNIT_MS, 0, ALIGN_LEAD_MS, 0, NULL, NULL, false},
	[ALIGN_CONFIG_SUBFRAME] =
		{"subframe",
		 "Delays to parts of a frame, for 15 frames of latency; off rounds to "
		 "frames",
		 MIXD_TYPE_BOOL, MIXD_UNIT_NONE, 0, 1, 1, NULL, NULL, false},
};

enum { ALIGN_METER_DELAY };

static const struct mixd_meter_row align_meters[] = {
	[ALIGN_METER_DELAY] = {.id = "effective",
			       .doc = "Delay of the channel in force, held within -lead .. max",
			       .unit = MIXD_UNIT_MS,
			       .per_channel = true},
};

static void align_reset(struct mixd_inst *inst)
{
	struct align_state *state = inst->state;

	memset(state->ring, 0, (size_t)state->ring_frames * state->channels * sizeof(float));
	memset(state->channel, 0, sizeof(state->channel));
	state->at = 0;
}

/* ---- update ------------------------------------------------------------------------------------ */

static double align_frames(const double *rows, double rate, double metres_per_s)
{
	return rows[ALIGN_DELAY] * rate / 1000.0 + rows[ALIGN_SAMPLES] +
	       rows[ALIGN_DISTANCE] * rate / metres_per_s;
}

static double align_wanted(const struct align_state *state, double frames)
{
	double nearest = state->subframe ? FRACDELAY_AHEAD : 0.0;
	double delay = fmin(fmax(state->latency + frames, nearest), state->longest);

	return state->subframe ? delay : round(delay);
}

static void align_head_set(struct align_head *head, double delay)
{
	head->delay = delay;
	fracdelay_head(&head->tap, delay);
}

/* True while it fades or waits to. */
static bool align_channel_update(const struct align_state *state, struct align_channel *channel,
				 bool jump)
{
	if (jump) {
		align_head_set(&channel->now, channel->wanted);
		channel->next = channel->now;
		channel->fade_done = state->fade_frames;
		return false;
	}
	if (channel->fade_done < state->fade_frames)
		return true;
	channel->now = channel->next;
	if (channel->wanted == channel->now.delay)
		return false;
	align_head_set(&channel->next, channel->wanted);
	channel->fade_done = 0;
	return true;
}

static bool align_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct align_state *state = inst->state;
	const double rate = inst->setup->rate, *to = update->to;
	double metres_per_s = 331.3 * sqrt(1.0 + to[ALIGN_PARAM_TEMPERATURE] / 273.15);
	double all = align_frames(to, rate, metres_per_s);
	bool moving = false;

	for (uint32_t c = 0; c < state->channels; c++) {
		struct align_channel *channel = &state->channel[c];
		double own = align_frames(to + ALIGN_PARAM_CHANNELS + c * ALIGN_ROWS, rate,
					  metres_per_s);

		channel->wanted = align_wanted(state, all + own);
		moving |= align_channel_update(state, channel, update->jump);
		inst->meter[ALIGN_METER_DELAY + c] =
			(channel->wanted - state->latency) * 1000.0 / rate;
	}
	return moving;
}

/* ---- process ----------------------------------------------------------------------------------- */

/* N frames of RING from FIRST on, and the reach of the taps around them, in a row. */
static const float *align_window(const struct align_state *state, const float *ring, uint32_t first,
				 uint32_t n, float *buffer)
{
	const uint32_t mask = state->ring_frames - 1, size = FRACDELAY_BEHIND + n + FRACDELAY_AHEAD;
	uint32_t begin = (first - FRACDELAY_BEHIND) & mask, part = state->ring_frames - begin;

	if (part >= size)
		return ring + begin + FRACDELAY_BEHIND;
	memcpy(buffer, ring + begin, part * sizeof(*buffer));
	memcpy(buffer + part, ring, (size - part) * sizeof(*buffer));
	return buffer + FRACDELAY_BEHIND;
}

static void align_read(const struct align_state *state, const float *ring,
		       const struct align_head *head, float *out, uint32_t n)
{
	float buffer[FRACDELAY_BEHIND + MIXD_SLICE_MAX + FRACDELAY_AHEAD];

	fracdelay_read(&head->tap,
		       align_window(state, ring, state->at - head->tap.frames, n, buffer), out, n);
}

static void align_write(const struct align_state *state, float *ring, const float *in, uint32_t n)
{
	uint32_t at = state->at & (state->ring_frames - 1), part = state->ring_frames - at;

	part = part < n ? part : n;
	memcpy(ring + at, in, part * sizeof(*ring));
	memcpy(ring, in + part, (n - part) * sizeof(*ring));
}

static void align_fade(const struct align_state *state, struct align_channel *channel,
		       const float *before, float *out, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		double t = fmin((double)(channel->fade_done + i) / state->fade_frames, 1.0);
		double part = t * t * (3.0 - 2.0 * t);

		out[i] = (float)((double)before[i] + ((double)out[i] - (double)before[i]) * part);
	}
	channel->fade_done = channel->fade_done + n < state->fade_frames ? channel->fade_done + n
									 : state->fade_frames;
}

static void align_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct align_state *state = inst->state;
	float before[MIXD_SLICE_MAX];
	const uint32_t n = call->n_frames;

	for (uint32_t c = 0; c < state->channels; c++) {
		struct align_channel *channel = &state->channel[c];
		float *ring = state->ring + (size_t)c * state->ring_frames;

		align_write(state, ring, inst->in[c], n);
		align_read(state, ring, &channel->next, inst->out[c], n);
		if (channel->fade_done == state->fade_frames)
			continue;
		align_read(state, ring, &channel->now, before, n);
		align_fade(state, channel, before, inst->out[c], n);
	}
	state->at += n;
}

static const struct mixd_node_type align_type = {
	.id = "align",
	.doc = "Delays channels against each other, in ms, frames or metres",
	.category = "level",
	.source = "Laakso et al., Splitting the unit delay, IEEE SP Mag. 13(1), 1996",
	.version = 1,
	/* what is held back must be there when bypass ends */
	.flags = MIXD_NODE_IN_PLACE | MIXD_NODE_RUN_BYPASSED,
	.ports = MIXD_ARRAY(align_ports),
	.params = MIXD_ARRAY(align_params),
	.configs = MIXD_ARRAY(align_configs),
	.meters = MIXD_ARRAY(align_meters),
	.needs = align_needs,
	.activate = align_activate,
	.update = align_update,
	.process = align_process,
	.reset = align_reset,
};

MIXD_MODULE(&align_type);
