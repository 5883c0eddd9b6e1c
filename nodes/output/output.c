/* output.c - where sound leaves the graph: to a device, as a virtual microphone, or bare ports.
 *
 * STRUCTURE   A boundary: the clock takes the channels. What `device` means is the clock's business
 *             (daemon/pipewire, daemon/render); here it is data. */
#include <mixd/node.h>

#include "level.h"

#include <mixd/rt.h>

static const char *const output_devices[] = {"sink", "source", "none", NULL};

static const struct mixd_port_row output_ports[] = {
	{"in", "What goes out", false, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_config_row output_configs[] = {
	{"device",
	 "Where the sound goes: `sink` plays to a device, `source` is a virtual microphone that "
	 "applications can record, `none` makes bare ports to be linked by hand",
	 MIXD_TYPE_ENUM, MIXD_UNIT_NONE, 0, 2, 0, NULL, output_devices, false},
	{"target", "Name of the sink to play to, `@default` follows the default sink",
	 MIXD_TYPE_STRING, MIXD_UNIT_NONE, 0, 0, 0, "@default", NULL, false},
	{"label", "What people read in their mixers; empty means the node's name", MIXD_TYPE_STRING,
	 MIXD_UNIT_NONE, 0, 0, 0, "", NULL, false},
};

static const struct mixd_meter_row output_meters[] = {
	{"level", "Sample peak of each channel", MIXD_UNIT_DBFS, MIXD_FOLD_MAX, NULL, true},
};

/* Here, and not three pointers away, since it is all that a slice needs to know. */
struct output_state {
	uint32_t channels;
};

static int output_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			struct mixd_fault *fault)
{
	ret_need->state_bytes = sizeof(struct output_state);
	return 0;
}

static int output_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	((struct output_state *)inst->state)->channels = inst->setup->in_layout[0]->n_channels;
	return 0;
}

MIXD_CLONES static void output_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	uint32_t channels = ((const struct output_state *)inst->state)->channels;

	for (uint32_t c = 0; c < channels; c++)
		inst->meter[c] =
			level_dbfs(level_copy(call->ext_out[c], inst->in[c], call->n_frames));
}

static const struct mixd_node_type output_type = {
	.id = "output",
	.doc = "Sound to outside: a device, a virtual microphone, or the file being rendered",
	.category = "io",
	.source = "PipeWire 0.3.65, pw_stream; design 11",
	.version = 1,
	.flags = MIXD_NODE_EXTERNAL_OUT | MIXD_NODE_BYPASS_SILENT,
	.ports = output_ports,
	.n_ports = 1,
	.configs = output_configs,
	.n_configs = 3,
	.meters = output_meters,
	.n_meters = 1,
	.needs = output_needs,
	.activate = output_activate,
	.process = output_process,
};

MIXD_MODULE(&output_type);
