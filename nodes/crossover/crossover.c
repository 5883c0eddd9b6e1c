/* crossover - splits into 2..6 bands, one output port each: out1 is the lowest.
 *
 * SOURCE      Linkwitz, JAES 24(1), 1976; D'Appolito, JAES 35(4), 1987 (../dsp/crossover.h).
 * PORTS       As many as there are bands, so that a link to a port that does not exist is refused
 *             when it is made. The sum of all is the input with its phase turned, flat within
 *             0.001 dB; so is the sum of what has the same latency behind each.
 * NOT HERE    levels, mutes: links have a gain of their own. */
#include <string.h>

#include <mixd/node.h>

#include "crossover.h"

#include <mixd/rt.h>

#define CROSSOVER_TAIL_S 4.0 /* a split at 20 Hz: -200 dB after 0.4 s */
#define CROSSOVER_SPLIT(n_, next_, def_)                                                           \
	{                                                                                          \
		.id = "xover" #n_, .unit = MIXD_UNIT_HZ, .min = 20, .max = 20000, .def = def_,     \
		.ramp = MIXD_RAMP_LOG, .smooth_ms = 20,                                            \
		.doc = "Split between bands " #n_ " and " #next_                                   \
		       "; held half an octave above the one below"                                 \
	}

static const struct mixd_port_row crossover_ports[] = {
	{.id = "in", .doc = "What is split", .layout = MIXD_PORT_MAIN},
	{.id = "out",
	 .doc = "The bands, the lowest first",
	 .is_output = true,
	 .layout = MIXD_PORT_MAIN,
	 .count_config = "bands"},
};

static const struct mixd_param_row crossover_params[] = {
	CROSSOVER_SPLIT(1, 2, 120),  CROSSOVER_SPLIT(2, 3, 600),   CROSSOVER_SPLIT(3, 4, 2500),
	CROSSOVER_SPLIT(4, 5, 8000), CROSSOVER_SPLIT(5, 6, 14000),
};

static const struct mixd_config_row crossover_configs[] = {
	{.id = "bands",
	 .type = MIXD_TYPE_INT,
	 .min = 2,
	 .max = CROSSOVER_WAYS_MAX,
	 .def = 4,
	 .doc = "Number of bands and of output ports; splits beyond are unused"},
};

struct crossover_node {
	/* --- immutable after init --- */
	uint32_t channels;
	/* --- rt --- */
	struct crossover crossover;
	double xover_hz[CROSSOVER_POINTS_MAX];
	struct crossover_state split[]; /* one per two channels */
};

static int crossover_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			   struct mixd_fault *fault)
{
	ret_need->state_bytes =
		sizeof(struct crossover_node) +
		(setup->in_layout[0]->n_channels + 1) / 2 * sizeof(struct crossover_state);
	ret_need->tail = (uint64_t)(CROSSOVER_TAIL_S * setup->rate);
	return 0;
}

static int crossover_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct crossover_node *node = inst->state;

	node->channels = inst->setup->in_layout[0]->n_channels;
	node->crossover.ways = inst->setup->n_out_ports;
	return 0;
}

static void crossover_reset(struct mixd_inst *inst)
{
	struct crossover_node *node = inst->state;

	memset(node->split, 0, (node->channels + 1) / 2 * sizeof(node->split[0]));
}

static bool crossover_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct crossover_node *node = inst->state;
	const double rate = inst->setup->rate;
	double freq_hz[CROSSOVER_POINTS_MAX];

	memcpy(freq_hz, update->to, sizeof(freq_hz));
	crossover_space(freq_hz, node->crossover.ways - 1, rate);
	for (uint32_t k = 0; k + 1 < node->crossover.ways; k++) {
		if (update->jump)
			crossover_set(&node->crossover, k, freq_hz[k], rate);
		else if (freq_hz[k] != node->xover_hz[k])
			crossover_move(&node->crossover, k, freq_hz[k], rate);
		node->xover_hz[k] = freq_hz[k];
	}
	return crossover_settle(&node->crossover);
}

static void crossover_process(const struct mixd_call *call)
{
	static const float silence[MIXD_SLICE_MAX];
	const struct mixd_inst *inst = call->inst[0];
	struct crossover_node *node = inst->state;
	float unused[MIXD_SLICE_MAX];

	for (uint32_t c = 0; c < node->channels; c += 2) {
		bool two = c + 1 < node->channels;
		const float *pair[2] = {inst->in[c], two ? inst->in[c + 1] : silence};
		float *out[2 * CROSSOVER_WAYS_MAX];

		for (uint32_t way = 0; way < node->crossover.ways; way++) {
			out[2 * way] = inst->out[inst->setup->out_first[way] + c];
			out[2 * way + 1] =
				two ? inst->out[inst->setup->out_first[way] + c + 1] : unused;
		}
		crossover_run(&node->crossover, &node->split[c / 2], pair, out, call->n_frames);
	}
	crossover_advance(&node->crossover, call->n_frames);
}

static const struct mixd_node_type crossover_type = {
	.id = "crossover",
	.doc = "Splits into 2..6 bands that add up, one output port each",
	.category = "eq",
	.source = "Linkwitz, JAES 24(1) 1976; D'Appolito, JAES 35(4) 1987",
	.version = 1,
	.ports = MIXD_ARRAY(crossover_ports),
	.params = MIXD_ARRAY(crossover_params),
	.configs = MIXD_ARRAY(crossover_configs),
	.needs = crossover_needs,
	.activate = crossover_activate,
	.update = crossover_update,
	.process = crossover_process,
	.reset = crossover_reset,
};

MIXD_MODULE(&crossover_type);
