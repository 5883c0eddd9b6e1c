/* declip.c - peaks that were cut off, as they may have been.
 *
 * SOURCE      A-SPADE: Kitic, Bertin, Gribonval, LVA/ICA 2015, in dsp/spade.h; survey: Zaviska, Rajmic,
 *             Ozerov, Rencker, IEEE JSTSP 15(1), 2021. Few and short gaps: Janssen, Veldhuis, Vries,
 *             IEEE TASSP 34(2), 1986, with the sign known (dsp/ar.h).
 * STRUCTURE   Audio thread: rings and the output (dsp/hopjobs.h). Worker: declip_setup.c. Samples that
 *             were not clipped come out as they came in, to the bit; clipped ones never lower than they
 *             were: leave headroom, or put a limiter behind.
 * LATENCY     Three hops: 6144 frames at 44.1 and 48 kHz. A hop that the worker returns too late
 *             passes as it came in. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "declip.h"
#include "glide.h"

#include <mixd/rt.h>

enum { DECLIP_PARAM_SENSITIVITY, DECLIP_PARAM_LISTEN };
enum { DECLIP_METER_CLIPPED, DECLIP_METER_LATE };

static const struct mixd_port_row declip_ports[] = {
	{"in", "Programme with clipped peaks", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same, peaks restored; they rise above the old ones", true, MIXD_PORT_MAIN,
	 NULL},
};

static const struct mixd_param_row declip_params[] = {
	[DECLIP_PARAM_SENSITIVITY] = {.id = "sensitivity",
				      .doc = "How far below the highest level a flat top may lie: "
					     "0.05 % at 0, 0.35 % at 50, 2.5 % at 100",
				      .unit = MIXD_UNIT_PERCENT,
				      .max = 100,
				      .def = 50},
	[DECLIP_PARAM_LISTEN] = {.id = "listen",
				 .doc = "Hear what is removed: what the peaks lacked",
				 .type = MIXD_TYPE_BOOL,
				 .max = 1},
};

static const struct mixd_meter_row declip_meters[] = {
	[DECLIP_METER_CLIPPED] = {"clipped", "Share of samples that are clipped, all channels",
				  MIXD_UNIT_PERCENT, MIXD_FOLD_MAX, NULL, false},
	[DECLIP_METER_LATE] = {"late", "Hops that passed as they came, for want of time",
			       MIXD_UNIT_NONE, MIXD_FOLD_LAST, NULL, false},
};

struct declip_node {
	/* --- rt --- */
	struct hopjobs jobs;
	struct dsp_ramp removed; /* 0: result, 1: what is removed */
	double clipped; /* percent */
	/* --- worker --- */
	struct declip_work *work;
};

static uint32_t declip_hop(double rate)
{
	return 1u << lrint(fmax(11.0 + log2(rate / 48000.0), 9.0));
}

static size_t declip_head_bytes(void)
{
	return (sizeof(struct declip_node) + 63) / 64 * 64;
}

static int declip_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			struct mixd_fault *fault)
{
	uint32_t hop = declip_hop(setup->rate), n_channels = setup->in_layout[0]->n_channels;

	ret_need->latency = HOPJOBS_LATENCY_HOPS * hop;
	ret_need->tail = 2 * ret_need->latency + hop;
	ret_need->state_bytes = declip_head_bytes() + hopjobs_bytes(n_channels, hop) +
				declip_work_bytes(n_channels, hop);
	return 0;
}

static void declip_reset(struct mixd_inst *inst)
{
	struct declip_node *node = inst->state;

	hopjobs_reset(&node->jobs);
	node->clipped = 0.0;
	inst->meter[DECLIP_METER_CLIPPED] = 0.0;
}

static int declip_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct declip_node *node = inst->state;
	uint32_t hop = declip_hop(inst->setup->rate);
	uint32_t n_channels = inst->setup->in_layout[0]->n_channels;
	char *memory = (char *)inst->state + declip_head_bytes();

	hopjobs_init(&node->jobs, n_channels, hop, memory);
	node->work = declip_work_init(memory + hopjobs_bytes(n_channels, hop), n_channels, hop);
	declip_reset(inst);
	return 0;
}

static bool declip_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct declip_node *node = inst->state;

	return glide_ramp(&node->removed, update->to[DECLIP_PARAM_LISTEN] >= 0.5, GLIDE_S, update,
			  inst->setup->rate);
}

static void declip_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct declip_node *node = inst->state;
	uint64_t position = call->position;

	for (uint32_t first = 0, n; first < call->n_frames; first += n, position += n) {
		uint32_t room = hopjobs_room(&node->jobs, position);
		bool is_first = room == node->jobs.hop_frames;
		struct hopjobs_slot *full;

		n = call->n_frames - first < room ? call->n_frames - first : room;
		hopjobs_feed(&node->jobs, position, inst->in, first, n);
		if (is_first && node->jobs.ready)
			node->clipped = node->jobs.ready->found;
		hopjobs_emit(&node->jobs, position, &node->removed, inst->out, first, n);
		full = hopjobs_advance(&node->jobs, position, n);
		if (!full)
			continue;
		full->value[DECLIP_VALUE_SENSITIVITY] = inst->value[DECLIP_PARAM_SENSITIVITY];
		if (!inst->host->submit(inst, hopjobs_index(&node->jobs, full)))
			hopjobs_drop(full);
	}
	inst->meter[DECLIP_METER_CLIPPED] = node->clipped;
	inst->meter[DECLIP_METER_LATE] = (double)node->jobs.n_late;
}

static void declip_work(struct mixd_inst *inst, uint32_t job)
{
	struct declip_node *node = inst->state;
	struct hopjobs_slot *slot = hopjobs_begin(&node->jobs, job);

	declip_work_begin(node->work, slot);
	for (uint32_t c = 0; c < node->jobs.n_channels; c++)
		slot->found += declip_repair(node->work, c, hopjobs_window(&node->jobs, c),
					     slot->value[DECLIP_VALUE_SENSITIVITY]);
	slot->found *= 100.0 / ((double)node->jobs.hop_frames * node->jobs.n_channels);
	hopjobs_end(&node->jobs, slot);
}

static const struct mixd_node_type declip_type = {
	.id = "declip",
	.doc = "Restores peaks that were cut off",
	.category = "repair",
	.source = "Kitic, Bertin, Gribonval, LVA/ICA 2015; Zaviska et al., IEEE JSTSP 15(1), 2021; "
		  "Janssen, Veldhuis, Vries, IEEE TASSP 34(2), 1986",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = declip_ports,
	.n_ports = sizeof(declip_ports) / sizeof(declip_ports[0]),
	.params = declip_params,
	.n_params = sizeof(declip_params) / sizeof(declip_params[0]),
	.meters = declip_meters,
	.n_meters = sizeof(declip_meters) / sizeof(declip_meters[0]),
	.needs = declip_needs,
	.activate = declip_activate,
	.update = declip_update,
	.process = declip_process,
	.reset = declip_reset,
	.work = declip_work,
};

MIXD_MODULE(&declip_type);
