/* vca.c - a fader for many: moves the gains of its members, and passes no audio.
 *
 * SOURCE      The voltage-controlled group of analogue desks: one control voltage added to those of the
 *             members' amplifiers; in decibels the gains add up. Reference users.md E.
 * STRUCTURE   The engine multiplies the `gain` of each member by this one (MIXD_NODE_GROUP), along the
 *             ramps and envelopes of both; a muted VCA silences its members, a bypassed one leaves
 *             them alone. What is left for the node is to say where it stands. */
#include <math.h>

#include <mixd/node.h>

#include "level.h"

#include <mixd/rt.h>

static const struct mixd_param_row vca_params[] = {
	{"gain", "Added to the gain of every member; -inf silences them", MIXD_TYPE_FLOAT,
	 MIXD_UNIT_DB, -144, 24, 0, MIXD_RAMP_GAIN, 20, NULL, NULL, 0, NULL},
};

static const struct mixd_config_row vca_configs[] = {
	{.id = "members",
	 .doc = "Nodes whose `gain` it moves: names and patterns, with commas between",
	 .type = MIXD_TYPE_STRING,
	 .def_text = ""},
};

static const struct mixd_meter_row vca_meters[] = {
	{.id = "level",
	 .doc = "What it adds to its members, with the VCAs that it is a member of",
	 .unit = MIXD_UNIT_DB},
};

/* Its own gain comes multiplied by those of the VCAs above it. */
static bool vca_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	inst->meter[0] = level_of_amplitude(update->to[0]);
	return false;
}

static void vca_process(const struct mixd_call *call)
{
	(void)call;
}

static const struct mixd_node_type vca_type = {
	.id = "vca",
	.doc = "Moves the gains of its members: a fader for a group",
	.category = "level",
	.source = "control-voltage groups of analogue desks",
	.version = 1,
	.flags = MIXD_NODE_GROUP,
	.params = vca_params,
	.n_params = 1,
	.configs = vca_configs,
	.n_configs = 1,
	.meters = vca_meters,
	.n_meters = 1,
	.update = vca_update,
	.process = vca_process,
};

MIXD_MODULE(&vca_type);
