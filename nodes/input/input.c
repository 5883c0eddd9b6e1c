/* input.c - where sound comes into the graph: a virtual sink, a capture, an application, bare
 * ports.
 *
 * STRUCTURE   A boundary: the clock gives the channels, the node passes them on. What `device`
 *             means is the clock's business (daemon/pipewire, daemon/render); here it is data. */
#include <mixd/node.h>

#include "level.h"

#include <mixd/rt.h>

static const char *const input_devices[] = {"sink", "source", "app", "none", NULL};

static const struct mixd_port_row input_ports[] = {
	{"out", "What comes in", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_config_row input_configs[] = {
	{"device",
	 "Where the sound comes from: `sink` makes a virtual sink that applications can play to, "
	 "`source` captures a device, `app` takes one application's stream, `none` makes bare "
	 "ports "
	 "to be linked by hand",
	 MIXD_TYPE_ENUM, MIXD_UNIT_NONE, 0, 3, 3, NULL, input_devices, false},
	{"target", "Name of the source or application to take, `@default` for the default source",
	 MIXD_TYPE_STRING, MIXD_UNIT_NONE, 0, 0, 0, "@default", NULL, false},
	{"label", "What people read in their mixers; empty means the node's name", MIXD_TYPE_STRING,
	 MIXD_UNIT_NONE, 0, 0, 0, "", NULL, false},
};

static const struct mixd_meter_row input_meters[] = {
	{"level", "Sample peak of each channel", MIXD_UNIT_DBFS, MIXD_FOLD_MAX, NULL, true},
};

/* Here, and not three pointers away, since it is all that a slice needs to know. */
struct input_state {
	uint32_t channels;
};

static int input_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		       struct mixd_fault *fault)
{
	ret_need->state_bytes = sizeof(struct input_state);
	return 0;
}

static int input_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	((struct input_state *)inst->state)->channels = inst->setup->out_layout[0]->n_channels;
	return 0;
}

MIXD_CLONES static void input_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	uint32_t channels = ((const struct input_state *)inst->state)->channels;

	for (uint32_t c = 0; c < channels; c++)
		inst->meter[c] =
			level_dbfs(level_copy(inst->out[c], call->ext_in[c], call->n_frames));
}

static const struct mixd_node_type input_type = {
	.id = "input",
	.doc = "Sound from outside: a virtual sink, a device, an application, or the file being "
	       "rendered",
	.category = "io",
	.source = "PipeWire 0.3.65, pw_filter; design 11",
	.version = 1,
	.flags = MIXD_NODE_EXTERNAL_IN | MIXD_NODE_BYPASS_SILENT,
	.ports = input_ports,
	.n_ports = 1,
	.configs = input_configs,
	.n_configs = 3,
	.meters = input_meters,
	.n_meters = 1,
	.needs = input_needs,
	.activate = input_activate,
	.process = input_process,
};

MIXD_MODULE(&input_type);
