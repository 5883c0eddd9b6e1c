/* declick.c - finds clicks and crackle, and puts there what the sound around them predicts.
 *
 * SOURCE      Detection: Godsill, Rayner, Digital Audio Restoration, 1998, chapter 5 (residuals of an
 *             autoregressive model, forward and back). Repair: Janssen, Veldhuis, Vries, IEEE TASSP
 *             34(2), 1986, in dsp/ar.h.
 * STRUCTURE   Audio thread: rings and the output (dsp/hopjobs.h). Worker: declick_find.c. A click is
 *             what neither the past nor the future explains: the lesser of the two residuals, against
 *             a threshold that follows both the noise in the residual and the strongest pulses that
 *             the programme itself makes all the time (a voice's).
 * LATENCY     Three hops: 3072 frames at 44.1 and 48 kHz. A hop that the worker returns too late
 *             passes as it came in. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "declick.h"
#include "glide.h"

#include <mixd/rt.h>

enum { DECLICK_PARAM_SENSITIVITY, DECLICK_PARAM_LONGEST, DECLICK_PARAM_LISTEN };
enum { DECLICK_METER_CLICKS, DECLICK_METER_LATE };

static const struct mixd_port_row declick_ports[] = {
	{"in", "Programme with clicks", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same, clicks replaced", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row declick_params[] = {
	[DECLICK_PARAM_SENSITIVITY] = {.id = "sensitivity",
				       .doc = "How little out of place a click is: 0 repairs only "
					      "what nobody could mean, 100 crackle, too",
				       .unit = MIXD_UNIT_PERCENT,
				       .max = 100,
				       .def = 50},
	[DECLICK_PARAM_LONGEST] = {.id = "longest",
				   .doc = "What is longer is no click and stays",
				   .unit = MIXD_UNIT_MS,
				   .min = 0.1,
				   .max = 10,
				   .def = 2},
	[DECLICK_PARAM_LISTEN] = {.id = "listen",
				  .doc = "Hear what is removed",
				  .type = MIXD_TYPE_BOOL,
				  .max = 1},
};

static const struct mixd_meter_row declick_meters[] = {
	[DECLICK_METER_CLICKS] = {"clicks", "Clicks repaired since the start, all channels",
				  MIXD_UNIT_NONE, MIXD_FOLD_LAST, NULL, false},
	[DECLICK_METER_LATE] = {"late", "Hops that passed as they came, for want of time",
				MIXD_UNIT_NONE, MIXD_FOLD_LAST, NULL, false},
};

struct declick_node {
	/* --- rt --- */
	struct hopjobs jobs;
	struct dsp_ramp removed; /* 0: result, 1: what is removed */
	double clicks;
	/* --- worker --- */
	struct declick_work *work;
};

static uint32_t declick_hop(double rate)
{
	return 1u << lrint(fmax(10.0 + log2(rate / 48000.0), 9.0));
}

static size_t declick_head_bytes(void)
{
	return (sizeof(struct declick_node) + 63) / 64 * 64;
}

static int declick_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			 struct mixd_fault *fault)
{
	uint32_t hop = declick_hop(setup->rate), n_channels = setup->in_layout[0]->n_channels;

	ret_need->latency = HOPJOBS_LATENCY_HOPS * hop;
	ret_need->tail = 2 * ret_need->latency + hop;
	ret_need->state_bytes =
		declick_head_bytes() + hopjobs_bytes(n_channels, hop) + declick_work_bytes(hop);
	return 0;
}

static void declick_reset(struct mixd_inst *inst)
{
	struct declick_node *node = inst->state;

	hopjobs_reset(&node->jobs);
	node->clicks = 0.0;
	inst->meter[DECLICK_METER_CLICKS] = 0.0;
}

static int declick_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct declick_node *node = inst->state;
	uint32_t hop = declick_hop(inst->setup->rate);
	uint32_t n_channels = inst->setup->in_layout[0]->n_channels;
	char *memory = (char *)inst->state + declick_head_bytes();

	hopjobs_init(&node->jobs, n_channels, hop, memory);
	node->work = declick_work_init(memory + hopjobs_bytes(n_channels, hop), hop);
	declick_reset(inst);
	return 0;
}

static bool declick_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct declick_node *node = inst->state;

	return glide_ramp(&node->removed, update->to[DECLICK_PARAM_LISTEN] >= 0.5, GLIDE_S, update,
			  inst->setup->rate);
}

static void declick_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct declick_node *node = inst->state;
	uint64_t position = call->position;

	for (uint32_t first = 0, n; first < call->n_frames; first += n, position += n) {
		uint32_t room = hopjobs_room(&node->jobs, position);
		bool is_first = room == node->jobs.hop_frames;
		struct hopjobs_slot *full;

		n = call->n_frames - first < room ? call->n_frames - first : room;
		hopjobs_feed(&node->jobs, position, inst->in, first, n);
		if (is_first && node->jobs.ready)
			node->clicks += node->jobs.ready->found;
		hopjobs_emit(&node->jobs, position, &node->removed, inst->out, first, n);
		full = hopjobs_advance(&node->jobs, position, n);
		if (!full)
			continue;
		full->value[DECLICK_VALUE_SENSITIVITY] = inst->value[DECLICK_PARAM_SENSITIVITY];
		full->value[DECLICK_VALUE_LONGEST_FRAMES] =
			inst->value[DECLICK_PARAM_LONGEST] * inst->setup->rate / 1000.0;
		if (!inst->host->submit(inst, hopjobs_index(&node->jobs, full)))
			hopjobs_drop(full);
	}
	inst->meter[DECLICK_METER_CLICKS] = node->clicks;
	inst->meter[DECLICK_METER_LATE] = (double)node->jobs.n_late;
}

static void declick_work(struct mixd_inst *inst, uint32_t job)
{
	struct declick_node *node = inst->state;
	struct hopjobs_slot *slot = hopjobs_begin(&node->jobs, job);

	for (uint32_t c = 0; c < node->jobs.n_channels; c++)
		slot->found += declick_repair(node->work, hopjobs_window(&node->jobs, c),
					      slot->value[DECLICK_VALUE_SENSITIVITY],
					      slot->value[DECLICK_VALUE_LONGEST_FRAMES]);
	hopjobs_end(&node->jobs, slot);
}

static const struct mixd_node_type declick_type = {
	.id = "declick",
	.doc = "Takes out clicks and crackle, and fills in what was there",
	.category = "repair",
	.source = "Godsill, Rayner, Digital Audio Restoration, 1998; Janssen, Veldhuis, Vries, "
		  "IEEE TASSP 34(2), 1986",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = declick_ports,
	.n_ports = sizeof(declick_ports) / sizeof(declick_ports[0]),
	.params = declick_params,
	.n_params = sizeof(declick_params) / sizeof(declick_params[0]),
	.meters = declick_meters,
	.n_meters = sizeof(declick_meters) / sizeof(declick_meters[0]),
	.needs = declick_needs,
	.activate = declick_activate,
	.update = declick_update,
	.process = declick_process,
	.reset = declick_reset,
	.work = declick_work,
};

MIXD_MODULE(&declick_type);
