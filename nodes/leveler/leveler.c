/* leveler - brings programmes of any level to a target loudness, slowly, and says why.
 *
 * Source: ITU-R BS.1770-4 for the measurement; the law of the gain is in dsp/levellaw.c.
 *
 * Measures its input in ticks of 10 ms; what a tick decides is a straight ramp of the gain, per
 * sample, over the next one. No latency, so the limiter that belongs behind it has to catch a
 * programme that turns loud while the gain is still up. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "level.h"
#include "levellaw.h"
#include "loudness.h"
#include "ramp.h"

#include <mixd/rt.h>

#define LEVELER_SPAN_TICKS 5u

enum {
	LEVELER_PARAM_TARGET,
	LEVELER_PARAM_MAX_BOOST,
	LEVELER_PARAM_MAX_CUT,
	LEVELER_PARAM_RATE_UP,
	LEVELER_PARAM_RATE_DOWN,
	LEVELER_PARAM_FREEZE_BELOW,
	LEVELER_PARAM_WINDOW,
	LEVELER_PARAM_TRIM,
	LEVELER_PARAM_IDLE,
	LEVELER_PARAM_BOUNDARY,
};

enum {
	LEVELER_METER_GAIN,
	LEVELER_METER_FROZEN,
	LEVELER_METER_REASON,
	LEVELER_METER_E,
	LEVELER_METER_M,
	LEVELER_METER_TRIM,
};

static const char *const leveler_idles[] = {"hold", "unity", NULL};
static const char *const leveler_frozens[] = {"no", "yes", NULL};
/* The order of enum levellaw_reason. */
static const char *const leveler_reasons[] = {
	"settling",	  "in_target",	 "raising",	 "lowering",
	"frozen_silence", "frozen_gate", "frozen_noise", "at_max_boost",
	"at_max_cut",	  "drifting",	 NULL,
};

static const struct mixd_port_row leveler_ports[] = {
	{"in", "Programme of any level", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same at the target loudness; put a limiter behind it", true, MIXD_PORT_MAIN,
	 NULL},
};

static const struct mixd_param_row leveler_params[] = {
	[LEVELER_PARAM_TARGET] = {.id = "target",
				  .doc = "Loudness to arrive at",
				  .unit = MIXD_UNIT_LUFS,
				  .min = -50,
				  .max = -5,
				  .def = -23},
	[LEVELER_PARAM_MAX_BOOST] = {.id = "max_boost",
				     .doc = "The gain never rises above this",
				     .unit = MIXD_UNIT_DB,
				     .max = 40,
				     .def = 12},
	[LEVELER_PARAM_MAX_CUT] = {.id = "max_cut",
				   .doc = "The gain never falls below minus this",
				   .unit = MIXD_UNIT_DB,
				   .max = 40,
				   .def = 20},
	[LEVELER_PARAM_RATE_UP] = {.id = "rate_up",
				   .doc = "Fastest rise; near the target 1 dB/s per LU of error",
				   .unit = MIXD_UNIT_DB_PER_S,
				   .min = 0.1,
				   .max = 20,
				   .def = 6},
	[LEVELER_PARAM_RATE_DOWN] = {.id = "rate_down",
				     .doc = "Fastest fall; near the target 1 dB/s per LU of error",
				     .unit = MIXD_UNIT_DB_PER_S,
				     .min = 0.1,
				     .max = 40,
				     .def = 10},
	[LEVELER_PARAM_FREEZE_BELOW] =
		{.id = "freeze_below",
		 .doc = "Quieter than this is silence: the gain stands still",
		 .unit = MIXD_UNIT_LUFS,
		 .min = -70,
		 .max = -20,
		 .def = -50},
	[LEVELER_PARAM_WINDOW] = {.id = "window",
				  .doc = "Programme, without its pauses, that is averaged",
				  .unit = MIXD_UNIT_S,
				  .min = 3,
				  .max = 30,
				  .def = 10},
	[LEVELER_PARAM_TRIM] = {.id = "trim",
				.doc = "Long-term correction of what remains, at most this",
				.unit = MIXD_UNIT_LU,
				.max = 3,
				.def = 1},
	[LEVELER_PARAM_IDLE] =
		{.id = "idle",
		 .doc = "While frozen: hold the gain, or after 5 s return to 0 dB by "
			"0.1 dB/s",
		 .type = MIXD_TYPE_ENUM,
		 .max = 1,
		 .labels = leveler_idles},
	[LEVELER_PARAM_BOUNDARY] = {.id = "boundary",
				    .doc = "Any change says that a new programme begins: the "
					   "estimate is forgotten, the gain kept",
				    .type = MIXD_TYPE_INT,
				    .max = 1000000000},
};

static const struct mixd_meter_row leveler_meters[] = {
	[LEVELER_METER_GAIN] = {"gain", "Gain now", MIXD_UNIT_DB, MIXD_FOLD_LAST, NULL, false},
	[LEVELER_METER_FROZEN] = {"frozen", "Whether the gain stands still for want of programme",
				  MIXD_UNIT_NONE, MIXD_FOLD_LAST, leveler_frozens, false},
	[LEVELER_METER_REASON] = {"reason", "Why the gain is what it is", MIXD_UNIT_NONE,
				  MIXD_FOLD_LAST, leveler_reasons, false},
	[LEVELER_METER_E] = {"e", "Loudness of the programme coming in, as estimated",
			     MIXD_UNIT_LUFS, MIXD_FOLD_LAST, NULL, false},
	[LEVELER_METER_M] = {"m", "Momentary loudness coming in", MIXD_UNIT_LUFS, MIXD_FOLD_LAST,
			     NULL, false},
	[LEVELER_METER_TRIM] = {"correction", "Long-term correction, part of the gain",
				MIXD_UNIT_LU, MIXD_FOLD_LAST, NULL, false},
};

struct leveler_node {
	/* --- immutable after init --- */
	uint32_t n_channels;
	/* --- rt --- */
	struct levellaw_rules rules;
	double boundary_seen;
	struct dsp_ramp ramp; /* of the gain factor, over the tick under way */
	double factor; /* at its end */
	struct levellaw law;
	struct loudness_window window;
};

static int leveler_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			 struct mixd_fault *fault)
{
	ret_need->state_bytes = sizeof(struct leveler_node);
	ret_need->tail = UINT64_MAX; /* the gain outlives every pause */
	return 0;
}

static void leveler_show(struct mixd_inst *inst, const struct leveler_node *node, double momentary)
{
	enum levellaw_reason reason = node->law.reason;

	inst->meter[LEVELER_METER_GAIN] = node->law.gain_db;
	inst->meter[LEVELER_METER_FROZEN] = reason == LEVELLAW_FROZEN_SILENCE ||
					    reason == LEVELLAW_FROZEN_GATE ||
					    reason == LEVELLAW_FROZEN_NOISE;
	inst->meter[LEVELER_METER_REASON] = (double)reason;
	inst->meter[LEVELER_METER_E] = loudness_from_energy(node->law.estimate);
	inst->meter[LEVELER_METER_M] = loudness_from_energy(momentary);
	inst->meter[LEVELER_METER_TRIM] = node->law.trim_db;
}

static void leveler_reset(struct mixd_inst *inst)
{
	struct leveler_node *node = inst->state;

	loudness_window_reset(&node->window);
	levellaw_reset(&node->law);
	node->factor = 1.0;
	dsp_ramp_set(&node->ramp, 1.0, 1.0, 0);
	leveler_show(inst, node, 0.0);
}

static int leveler_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct leveler_node *node = inst->state;
	const struct mixd_layout *layout = inst->setup->in_layout[0];
	double weight[MIXD_CHANNELS_MAX];

	node->n_channels = layout->n_channels;
	for (uint32_t c = 0; c < layout->n_channels; c++)
		weight[c] = loudness_weight(layout, c);
	loudness_window_init(&node->window, inst->setup->rate, layout->n_channels, weight);
	leveler_reset(inst);
	return 0;
}

static bool leveler_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct leveler_node *node = inst->state;
	const double *to = update->to;

	node->rules = (struct levellaw_rules){
		.target_lufs = to[LEVELER_PARAM_TARGET],
		.freeze_below_lufs = to[LEVELER_PARAM_FREEZE_BELOW],
		.max_boost_db = to[LEVELER_PARAM_MAX_BOOST],
		.max_cut_db = to[LEVELER_PARAM_MAX_CUT],
		.rate_up_db_s = to[LEVELER_PARAM_RATE_UP],
		.rate_down_db_s = to[LEVELER_PARAM_RATE_DOWN],
		.window_blocks = (uint32_t)lrint(to[LEVELER_PARAM_WINDOW] * 10.0),
		.trim_lu = to[LEVELER_PARAM_TRIM],
		.is_idle_unity = to[LEVELER_PARAM_IDLE] >= 0.5,
	};
	if (!update->jump && to[LEVELER_PARAM_BOUNDARY] != node->boundary_seen)
		levellaw_boundary(&node->law);
	node->boundary_seen = to[LEVELER_PARAM_BOUNDARY];
	return false;
}

/* A tick has ended: decide, and ramp over the next one. */
static void leveler_tick(struct mixd_inst *inst, struct leveler_node *node)
{
	double momentary = loudness_window_energy(&node->window, LOUDNESS_MOMENTARY_TICKS);
	double span = loudness_window_energy(&node->window, LEVELER_SPAN_TICKS);
	double gain_db = node->law.gain_db, factor = node->factor;

	levellaw_tick(&node->law, &node->rules, span, momentary);
	if (node->law.gain_db != gain_db)
		node->factor = level_factor(node->law.gain_db);
	dsp_ramp_set(&node->ramp, factor, node->factor, loudness_window_room(&node->window));
	leveler_show(inst, node, momentary);
}

static void leveler_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct leveler_node *node = inst->state;

	for (uint32_t first = 0; first < call->n_frames;) {
		uint32_t room = loudness_window_room(&node->window);
		uint32_t piece = call->n_frames - first < room ? call->n_frames - first : room;
		bool is_tick = loudness_window_feed(&node->window, inst->in, first, piece);

		for (uint32_t c = 0; c < node->n_channels; c++)
			dsp_ramp_mul(&node->ramp, inst->in[c] + first, inst->out[c] + first, piece);
		dsp_ramp_advance(&node->ramp, piece);
		if (is_tick)
			leveler_tick(inst, node);
		first += piece;
	}
}

static const struct mixd_node_type leveler_type = {
	.id = "leveler",
	.doc = "Loudness leveler: a gated estimate, bounded slopes, freeze on silence and noise",
	.category = "level",
	.source = "ITU-R BS.1770-4; dsp/levellaw.c",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE | MIXD_NODE_RUN_BYPASSED,
	.ports = leveler_ports,
	.n_ports = sizeof(leveler_ports) / sizeof(leveler_ports[0]),
	.params = leveler_params,
	.n_params = sizeof(leveler_params) / sizeof(leveler_params[0]),
	.meters = leveler_meters,
	.n_meters = sizeof(leveler_meters) / sizeof(leveler_meters[0]),
	.needs = leveler_needs,
	.activate = leveler_activate,
	.update = leveler_update,
	.process = leveler_process,
	.reset = leveler_reset,
};

MIXD_MODULE(&leveler_type);
