/* failover - the first of its inputs that is a programme; another when it fails.
 *
 * SOURCE      dsp/airsense.h for what a failure is. Crossfade: equal power, divided by what two
 *             related signals add up to more, 1 / sqrt(1 + 2 r a b) with their correlation r (Fink,
 *             Holters, Zoelzer, "Signal-matched power-complementary cross-fading and dry-wet mixing",
 *             DAFx 2016), so that the level stands still between equal and between unlike sources.
 * STRUCTURE   Inputs are looked at in ticks of 5 ms; input 1 goes before input 2, and so on. An input
 *             without a link is never taken. A switch under way is finished before the next. Events: 1
 *             switched, value the input; 2 no input is good. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "airsense.h"
#include "foursum.h"
#include "level.h"

#include <mixd/rt.h>

#define FAILOVER_INPUTS_MAX 8u
#define FAILOVER_FADE_MIN_MS 5.0 /* shorter ones click */
#define FAILOVER_TRUST 0.2 /* of a tick, for correlation */

enum { FAILOVER_CONFIG_INPUTS };

enum {
	FAILOVER_PARAM_FORCE,
	FAILOVER_PARAM_REVERT,
	FAILOVER_PARAM_THRESHOLD,
	FAILOVER_PARAM_HYSTERESIS,
	FAILOVER_PARAM_AFTER,
	FAILOVER_PARAM_BACK_AFTER,
	FAILOVER_PARAM_STUCK_AFTER,
	FAILOVER_PARAM_MISSING_AFTER,
	FAILOVER_PARAM_FADE,
};

enum {
	FAILOVER_METER_ACTIVE,
	FAILOVER_METER_ALARM,
	FAILOVER_METER_SWITCHES,
	FAILOVER_METER_SOURCE,
	FAILOVER_METER_LEVEL = FAILOVER_METER_SOURCE + FAILOVER_INPUTS_MAX,
	FAILOVER_METER_END = FAILOVER_METER_LEVEL + FAILOVER_INPUTS_MAX,
};

enum {
	FAILOVER_EVENT_SWITCHED = 1,
	FAILOVER_EVENT_NONE_GOOD = 2,
};

/* The states of airsense.h, and one more. */
static const char *const failover_states[] = {"good",	 "silent",   "dead", "stuck",
					      "missing", "unlinked", NULL};
#define FAILOVER_UNLINKED 5u
static const char *const failover_alarms[] = {"no", "yes", NULL};

static const struct mixd_port_row failover_ports[] = {
	{"in", "Sources of one programme, the best first", false, MIXD_PORT_MAIN, "inputs"},
	{"out", "The first that is good", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_config_row failover_configs[] = {
	{"inputs", "Number of input ports", MIXD_TYPE_INT, MIXD_UNIT_NONE, 2, FAILOVER_INPUTS_MAX,
	 2, NULL, NULL, false},
};

static const struct mixd_param_row failover_params[] = {
	[FAILOVER_PARAM_FORCE] = {.id = "force",
				  .doc = "Take this input whatever it carries; 0 is automatic",
				  .type = MIXD_TYPE_INT,
				  .max = FAILOVER_INPUTS_MAX},
	[FAILOVER_PARAM_REVERT] = {.id = "revert",
				   .doc = "Return to a better input when it is good again",
				   .type = MIXD_TYPE_BOOL,
				   .max = 1,
				   .def = 1},
	[FAILOVER_PARAM_THRESHOLD] = {.id = "threshold",
				      .doc = "Below this in all channels is silence; RMS of 50 ms",
				      .unit = MIXD_UNIT_DBFS,
				      .min = -90,
				      .max = -20,
				      .def = -60},
	[FAILOVER_PARAM_HYSTERESIS] = {.id = "hysteresis",
				       .doc = "Sound is above the threshold by this",
				       .unit = MIXD_UNIT_DB,
				       .max = 20,
				       .def = 6},
	[FAILOVER_PARAM_AFTER] = {.id = "after",
				  .doc = "Failover time: leave an input silent for so long",
				  .unit = MIXD_UNIT_S,
				  .min = 0.1,
				  .max = 60,
				  .def = 5},
	[FAILOVER_PARAM_BACK_AFTER] = {.id = "back_after",
				       .doc = "Failback time: an input is good again when sound "
					      "has lasted so long",
				       .unit = MIXD_UNIT_S,
				       .max = 600,
				       .def = 2},
	[FAILOVER_PARAM_STUCK_AFTER] =
		{.id = "stuck_after",
		 .doc = "Leave an input with one value, or but DC, for so long",
		 .unit = MIXD_UNIT_S,
		 .min = 0.1,
		 .max = 60,
		 .def = 1},
	[FAILOVER_PARAM_MISSING_AFTER] = {.id = "missing_after",
					  .doc = "Leave an input with one channel silent beside "
						 "others for so long; 0 never",
					  .unit = MIXD_UNIT_S,
					  .max = 600,
					  .def = 15},
	[FAILOVER_PARAM_FADE] = {.id = "fade",
				 .doc = "Length of the crossfade, at least 5 ms",
				 .unit = MIXD_UNIT_MS,
				 .max = 2000,
				 .def = 50},
};

static const struct mixd_meter_row failover_meters[] = {
	{"active", "The input that is heard", MIXD_UNIT_NONE, MIXD_FOLD_LAST, NULL, false},
	{"alarm", "Whether no input is good", MIXD_UNIT_NONE, MIXD_FOLD_LAST, failover_alarms,
	 false},
	{"switches", "Switches since reset", MIXD_UNIT_NONE, MIXD_FOLD_LAST, NULL, false},
	{.id = "source",
	 .doc = "What each input is",
	 .labels = failover_states,
	 .count = FAILOVER_INPUTS_MAX},
	{.id = "level",
	 .doc = "Level of each input's loudest channel",
	 .unit = MIXD_UNIT_DBFS,
	 .count = FAILOVER_INPUTS_MAX},
};

struct failover_input {
	bool is_linked;
	double square, cross; /* means: own power, product with the active input */
	double square_sum[4], cross_sum[4]; /* of the tick under way, by frame mod 4 */
	struct airsense sense;
};

struct failover {
	/* --- immutable after init --- */
	uint32_t n_inputs, n_channels;
	/* --- rt --- */
	struct airsense_rules rules;
	uint32_t force; /* 0: automatic */
	bool revert;
	uint32_t fade_wanted; /* frames */
	uint32_t active, before; /* inputs; before: the one that is left */
	uint32_t fade_at, fade_frames; /* at == frames: no fade */
	double related; /* correlation of the two in the fade, 0..1 */
	bool alarm;
	struct failover_input input[];
};

static int failover_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			  struct mixd_fault *fault)
{
	ret_need->state_bytes =
		sizeof(struct failover) + setup->n_in_ports * sizeof(struct failover_input);
	ret_need->tail = UINT64_MAX; /* silence is what it waits for */
	return 0;
}

static void failover_reset(struct mixd_inst *inst)
{
	struct failover *node = inst->state;

	node->active = node->before = 0;
	node->fade_at = node->fade_frames = 0;
	node->alarm = false;
	for (uint32_t k = 0; k < node->n_inputs; k++) {
		struct failover_input *input = &node->input[k];

		airsense_reset(&input->sense);
		input->is_linked = true;
		input->square = input->cross = 0;
		memset(input->square_sum, 0, sizeof(input->square_sum));
		memset(input->cross_sum, 0, sizeof(input->cross_sum));
	}
	for (uint32_t k = 0; k < FAILOVER_METER_END; k++)
		inst->meter[k] = k >= FAILOVER_METER_LEVEL ? -INFINITY : 0;
	for (uint32_t k = node->n_inputs; k < FAILOVER_INPUTS_MAX; k++)
		inst->meter[FAILOVER_METER_SOURCE + k] = FAILOVER_UNLINKED;
	inst->meter[FAILOVER_METER_ACTIVE] = 1;
}

static int failover_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct failover *node = inst->state;
	const struct mixd_layout *layout = inst->setup->out_layout[0];

	node->n_inputs = inst->setup->n_in_ports;
	node->n_channels = layout->n_channels;
	for (uint32_t c = 0; c < layout->n_channels; c++)
		if (layout->position[c] != MIXD_POS_LFE)
			node->rules.expected |= UINT64_C(1) << c;
	for (uint32_t k = 0; k < node->n_inputs; k++)
		airsense_init(&node->input[k].sense, node->n_channels, inst->setup->rate);
	failover_reset(inst);
	return 0;
}

static bool failover_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct failover *node = inst->state;
	struct airsense_rules *rules = &node->rules;
	double threshold = update->to[FAILOVER_PARAM_THRESHOLD];
	double fade_ms = fmax(update->to[FAILOVER_PARAM_FADE], FAILOVER_FADE_MIN_MS);

	rules->threshold = pow(10, threshold / 10);
	rules->back = pow(10, (threshold + update->to[FAILOVER_PARAM_HYSTERESIS]) / 10);
	rules->after = airsense_ticks(update->to[FAILOVER_PARAM_AFTER]);
	rules->back_after = airsense_ticks(update->to[FAILOVER_PARAM_BACK_AFTER]);
	rules->stuck_after = airsense_ticks(update->to[FAILOVER_PARAM_STUCK_AFTER]);
	rules->missing_after = airsense_ticks(update->to[FAILOVER_PARAM_MISSING_AFTER]);
	node->fade_wanted = (uint32_t)(fade_ms * inst->setup->rate / 1000 + 0.5);
	node->force = (uint32_t)update->to[FAILOVER_PARAM_FORCE];
	node->revert = update->to[FAILOVER_PARAM_REVERT] >= 0.5;
	return false;
}

/* ---- which input ---- */

static bool failover_usable(const struct failover_input *input)
{
	return input->is_linked && input->sense.state == AIRSENSE_GOOD;
}

static uint32_t failover_choice(const struct failover *node)
{
	uint32_t best = 0;

	if (node->force > 0 && node->force <= node->n_inputs)
		return node->force - 1;
	while (best < node->n_inputs && !failover_usable(&node->input[best]))
		best++;
	if (best == node->n_inputs) /* nothing is better than what there is */
		return node->active;
	if (failover_usable(&node->input[node->active]) && !node->revert)
		return node->active;
	return best;
}

static void failover_switch(struct mixd_inst *inst, uint32_t to)
{
	struct failover *node = inst->state;
	struct failover_input *old = &node->input[node->active], *new = &node->input[to];
	double both = sqrt(old->square * new->square), cross = new->cross;

	node->related = both > 1e-12 ? fmin(fmax(cross / both, 0), 1) : 0;
	for (uint32_t k = 0; k < node->n_inputs; k++) {
		node->input[k].cross = 0;
		memset(node->input[k].cross_sum, 0, sizeof(node->input[k].cross_sum));
	}
	old->cross = cross; /* the same pair, seen from the other side */
	node->before = node->active;
	node->active = to;
	node->fade_at = 0;
	node->fade_frames = node->fade_wanted;
	inst->meter[FAILOVER_METER_ACTIVE] = to + 1;
	inst->meter[FAILOVER_METER_SWITCHES]++;
	inst->host->event(inst, FAILOVER_EVENT_SWITCHED, to + 1);
}

static void failover_tell(struct mixd_inst *inst)
{
	struct failover *node = inst->state;
	bool alarm = true;

	for (uint32_t k = 0; k < node->n_inputs; k++) {
		const struct failover_input *input = &node->input[k];
		double power = input->sense.power;

		alarm = alarm && !failover_usable(input);
		inst->meter[FAILOVER_METER_SOURCE + k] =
			input->is_linked ? input->sense.state : FAILOVER_UNLINKED;
		inst->meter[FAILOVER_METER_LEVEL + k] = level_of_power(power);
	}
	if (alarm && !node->alarm)
		inst->host->event(inst, FAILOVER_EVENT_NONE_GOOD, 0);
	node->alarm = alarm;
	inst->meter[FAILOVER_METER_ALARM] = alarm;
}

/* ---- how the inputs are related ---- */

MIXD_CLONES static void failover_product(const float *a, const float *b, uint32_t n, uint32_t phase,
					 double sum[4])
{
	foursum_product(a, b, n, phase, sum);
}

static void failover_relate(struct failover *node, const float *const *in, uint32_t first,
			    uint32_t n, uint32_t phase)
{
	for (uint32_t k = 0; k < node->n_inputs; k++)
		for (uint32_t c = 0; c < node->n_channels; c++) {
			const float *own = in[k * node->n_channels + c] + first;
			const float *active = in[node->active * node->n_channels + c] + first;

			failover_product(own, own, n, phase, node->input[k].square_sum);
			if (k != node->active)
				failover_product(own, active, n, phase, node->input[k].cross_sum);
		}
}

static void failover_average(double *mean, double sum[4])
{
	double tick = foursum_total(sum);

	*mean = isfinite(tick) ? *mean + FAILOVER_TRUST * (tick - *mean) : 0;
	memset(sum, 0, 4 * sizeof(*sum));
}

/* ---- sound ---- */

static void failover_fade(struct failover *node, const float *const *in, float *const *out,
			  uint32_t first, uint32_t n)
{
	const float *const *from = in + node->before * node->n_channels;
	const float *const *to = in + node->active * node->n_channels;
	float gain_from[MIXD_SLICE_MAX], gain_to[MIXD_SLICE_MAX];

	for (uint32_t i = 0; i < n; i++) {
		double turn = M_PI_2 * (node->fade_at + i + 1) / node->fade_frames;
		double a = cos(turn), b = sin(turn);
		double scale = 1 / sqrt(1 + 2 * node->related * a * b);

		gain_from[i] = (float)(a * scale);
		gain_to[i] = (float)(b * scale);
	}
	for (uint32_t c = 0; c < node->n_channels; c++)
		for (uint32_t i = 0; i < n; i++)
			out[c][first + i] =
				from[c][first + i] * gain_from[i] + to[c][first + i] * gain_to[i];
	node->fade_at += n;
}

/* N frames without a decision inside; true at the end of a tick. */
static bool failover_piece(struct mixd_inst *inst, uint32_t first, uint32_t n)
{
	struct failover *node = inst->state;
	bool tick = false;

	failover_relate(node, inst->in, first, n, node->input[0].sense.fill);
	for (uint32_t k = 0; k < node->n_inputs; k++)
		tick = airsense_take(&node->input[k].sense, &node->rules,
				     inst->in + k * node->n_channels, first, n);
	if (node->fade_at < node->fade_frames) {
		failover_fade(node, inst->in, inst->out, first, n);
	} else {
		for (uint32_t c = 0; c < node->n_channels; c++) {
			const float *from = inst->in[node->active * node->n_channels + c];

			if (inst->out[c] != from)
				memcpy(inst->out[c] + first, from + first, n * sizeof(float));
		}
	}
	for (uint32_t k = 0; k < node->n_inputs && tick; k++) {
		failover_average(&node->input[k].square, node->input[k].square_sum);
		failover_average(&node->input[k].cross, node->input[k].cross_sum);
	}
	return tick;
}

static void failover_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct failover *node = inst->state;

	for (uint32_t k = 0; k < node->n_inputs; k++)
		node->input[k].is_linked = inst->in_linked >> k & 1u;
	for (uint32_t first = 0; first < call->n_frames;) {
		bool fading = node->fade_at < node->fade_frames;
		uint32_t n = airsense_room(&node->input[0].sense, call->n_frames - first);

		if (!fading && failover_choice(node) != node->active) {
			failover_switch(inst, failover_choice(node));
			fading = true;
		}
		if (fading && n > node->fade_frames - node->fade_at)
			n = node->fade_frames - node->fade_at;
		if (failover_piece(inst, first, n))
			failover_tell(inst);
		first += n;
	}
}

static const struct mixd_node_type failover_type = {
	.id = "failover",
	.doc = "Priority inputs, with events 1 switched (value: to which), 2 no input is good",
	.category = "io",
	.source = "Fink, Holters, Zoelzer, DAFx 2016 (crossfade)",
	.version = 1,
	.flags = 0,
	.ports = failover_ports,
	.n_ports = 2,
	.params = failover_params,
	.n_params = sizeof(failover_params) / sizeof(failover_params[0]),
	.configs = failover_configs,
	.n_configs = 1,
	.meters = failover_meters,
	.n_meters = sizeof(failover_meters) / sizeof(failover_meters[0]),
	.needs = failover_needs,
	.activate = failover_activate,
	.update = failover_update,
	.process = failover_process,
	.reset = failover_reset,
};

MIXD_MODULE(&failover_type);
