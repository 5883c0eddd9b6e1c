/* engine_tap_rt.c - what enters a node, for links that tap before it: a node that passes all on.
 *
 * Users do not see it: the engine puts it before a node of which somebody wants tap=pre. */
#include <string.h>

#include "engine_internal.h"

#include <mixd/rt.h>

static const struct mixd_port_row tap_ports[] = {
	{"in", "what feeds the node", false, MIXD_PORT_MAIN, NULL},
	{"out", "the same", true, MIXD_PORT_MAIN, NULL},
};

static void tap_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];

	for (uint32_t c = 0; c < inst->setup->out_first[1]; c++)
		if (inst->out[c] != inst->in[c])
			memcpy(inst->out[c], inst->in[c], call->n_frames * sizeof(float));
}

const struct mixd_node_type engine_tap_type = {
	.id = "tap",
	.doc = "what enters a node",
	.category = "io",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = tap_ports,
	.n_ports = 2,
	.process = tap_process,
};
