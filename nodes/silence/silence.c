/* silence - tells when a programme is silent, dead, stuck, has lost a channel, or clips.
 *
 * SOURCE      dsp/airsense.h.
 * STRUCTURE   Audio passes unchanged. Every 5 ms the meters are renewed; a change of state is an
 *             event: its code is the new state, its value the channel, or the level in dBFS. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "airsense.h"
#include "level.h"

#include <mixd/rt.h>

enum {
	SILENCE_PARAM_THRESHOLD,
	SILENCE_PARAM_HYSTERESIS,
	SILENCE_PARAM_AFTER,
	SILENCE_PARAM_BACK_AFTER,
	SILENCE_PARAM_STUCK_AFTER,
	SILENCE_PARAM_MISSING_AFTER,
	SILENCE_PARAM_CLIP,
};

enum {
	SILENCE_METER_AIR,
	SILENCE_METER_FOR,
	SILENCE_METER_LEVEL,
	SILENCE_METER_CHANNEL,
	SILENCE_METER_CLIPPED,
	SILENCE_METER_COUNT,
	SILENCE_METER_DC,
};

/* The states of airsense.h, and one more. */
static const char *const silence_states[] = {"good",	"silent",   "dead", "stuck",
					     "missing", "clipping", NULL};
#define SILENCE_CLIPPING 5u

static const struct mixd_port_row silence_ports[] = {
	{"in", "Programme", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same, unchanged", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row silence_params[] = {
	[SILENCE_PARAM_THRESHOLD] = {.id = "threshold",
				     .doc = "Below this in all channels is silence; RMS of 50 ms",
				     .unit = MIXD_UNIT_DBFS,
				     .min = -90,
				     .max = -20,
				     .def = -60},
	[SILENCE_PARAM_HYSTERESIS] = {.id = "hysteresis",
				      .doc = "Sound is above the threshold by this",
				      .unit = MIXD_UNIT_DB,
				      .max = 20,
				      .def = 6},
	[SILENCE_PARAM_AFTER] = {.id = "after",
				 .doc = "Silence counts when it has lasted this long",
				 .unit = MIXD_UNIT_S,
				 .min = 0.1,
				 .max = 60,
				 .def = 5},
	[SILENCE_PARAM_BACK_AFTER] = {.id = "back_after",
				      .doc = "All is good when sound has lasted this long",
				      .unit = MIXD_UNIT_S,
				      .max = 60,
				      .def = 2},
	[SILENCE_PARAM_STUCK_AFTER] = {.id = "stuck_after",
				       .doc = "One value, or but DC, for so long is a fault",
				       .unit = MIXD_UNIT_S,
				       .min = 0.1,
				       .max = 60,
				       .def = 1},
	[SILENCE_PARAM_MISSING_AFTER] = {.id = "missing_after",
					 .doc = "A channel silent beside others for so long is "
						"missing; 0 never; an LFE may be silent",
					 .unit = MIXD_UNIT_S,
					 .max = 600,
					 .def = 15},
	[SILENCE_PARAM_CLIP] = {.id = "clip",
				.doc = "More samples than this at full scale, over a second, is "
				       "clipping; 0 never",
				.unit = MIXD_UNIT_PERCENT,
				.max = 100,
				.def = 1},
};

static const struct mixd_meter_row silence_meters[] = {
	{"air", "What the programme is", MIXD_UNIT_NONE, MIXD_FOLD_LAST, silence_states, false},
	{"quiet_for", "How long it has been below the threshold", MIXD_UNIT_S, MIXD_FOLD_LAST, NULL,
	 false},
	{"level", "Level of the loudest channel, without DC", MIXD_UNIT_DBFS, MIXD_FOLD_LAST, NULL,
	 false},
	{"channel", "The channel that is stuck or missing; 0: none", MIXD_UNIT_NONE, MIXD_FOLD_LAST,
	 NULL, false},
	{"clipped", "Samples at full scale over the last second", MIXD_UNIT_PERCENT, MIXD_FOLD_LAST,
	 NULL, false},
	{"faults", "Faults since reset", MIXD_UNIT_NONE, MIXD_FOLD_LAST, NULL, false},
	{"dc", "DC of each channel, full scale is 100", MIXD_UNIT_PERCENT, MIXD_FOLD_LAST, NULL,
	 true},
};

struct silence {
	struct airsense_rules rules;
	uint32_t state; /* as last told */
	struct airsense sense;
};

static int silence_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			 struct mixd_fault *fault)
{
	ret_need->state_bytes = sizeof(struct silence);
	ret_need->tail = UINT64_MAX; /* silence is what it waits for */
	return 0;
}

static void silence_reset(struct mixd_inst *inst)
{
	struct silence *node = inst->state;

	airsense_reset(&node->sense);
	node->state = AIRSENSE_GOOD;
	memset(inst->meter, 0, (SILENCE_METER_DC + node->sense.n_channels) * sizeof(double));
	inst->meter[SILENCE_METER_LEVEL] = -INFINITY;
}

static int silence_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct silence *node = inst->state;
	const struct mixd_layout *layout = inst->setup->in_layout[0];

	airsense_init(&node->sense, layout->n_channels, inst->setup->rate);
	for (uint32_t c = 0; c < layout->n_channels; c++)
		if (layout->position[c] != MIXD_POS_LFE)
			node->rules.expected |= UINT64_C(1) << c;
	silence_reset(inst);
	return 0;
}

static bool silence_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct silence *node = inst->state;
	struct airsense_rules *rules = &node->rules;
	double threshold = update->to[SILENCE_PARAM_THRESHOLD];

	rules->threshold = pow(10, threshold / 10);
	rules->back = pow(10, (threshold + update->to[SILENCE_PARAM_HYSTERESIS]) / 10);
	rules->after = airsense_ticks(update->to[SILENCE_PARAM_AFTER]);
	rules->back_after = airsense_ticks(update->to[SILENCE_PARAM_BACK_AFTER]);
	rules->stuck_after = airsense_ticks(update->to[SILENCE_PARAM_STUCK_AFTER]);
	rules->missing_after = airsense_ticks(update->to[SILENCE_PARAM_MISSING_AFTER]);
	rules->clip_share = update->to[SILENCE_PARAM_CLIP] / 100;
	return false;
}

static void silence_tell(struct mixd_inst *inst)
{
	struct silence *node = inst->state;
	const struct airsense *sense = &node->sense;
	uint32_t state = sense->state;

	if (state == AIRSENSE_GOOD && sense->clipping)
		state = SILENCE_CLIPPING;
	inst->meter[SILENCE_METER_FOR] = sense->quiet * AIRSENSE_TICK_S;
	inst->meter[SILENCE_METER_LEVEL] = level_of_power(sense->power);
	inst->meter[SILENCE_METER_CHANNEL] = sense->culprit;
	inst->meter[SILENCE_METER_CLIPPED] = 100 * sense->clipped;
	for (uint32_t c = 0; c < sense->n_channels; c++)
		inst->meter[SILENCE_METER_DC + c] = 100 * sense->channel[c].dc;
	if (state == node->state)
		return;
	if (node->state == AIRSENSE_GOOD)
		inst->meter[SILENCE_METER_COUNT]++;
	node->state = state;
	inst->meter[SILENCE_METER_AIR] = state;
	inst->host->event(inst, state,
			  sense->culprit ? sense->culprit : inst->meter[SILENCE_METER_LEVEL]);
}

static void silence_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct silence *node = inst->state;

	for (uint32_t first = 0; first < call->n_frames;) {
		uint32_t n = airsense_room(&node->sense, call->n_frames - first);

		if (airsense_take(&node->sense, &node->rules, inst->in, first, n))
			silence_tell(inst);
		first += n;
	}
	for (uint32_t c = 0; c < node->sense.n_channels; c++)
		if (inst->out[c] != inst->in[c])
			memcpy(inst->out[c], inst->in[c], call->n_frames * sizeof(float));
}

static const struct mixd_node_type silence_type = {
	.id = "silence",
	.doc = "Fault sense, with events 0 good, 1 silent, 2 dead, 3 stuck, 4 missing, 5 clipping",
	.category = "analysis",
	.source = "Own: level, hold and return times with hysteresis",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE | MIXD_NODE_RUN_BYPASSED,
	.ports = silence_ports,
	.n_ports = 2,
	.params = silence_params,
	.n_params = sizeof(silence_params) / sizeof(silence_params[0]),
	.meters = silence_meters,
	.n_meters = sizeof(silence_meters) / sizeof(silence_meters[0]),
	.needs = silence_needs,
	.activate = silence_activate,
	.update = silence_update,
	.process = silence_process,
	.reset = silence_reset,
};

MIXD_MODULE(&silence_type);
