/* ms.c - left and right to mid and side, and back.
 *
 * SOURCE      A. D. Blumlein, GB 394325 (1933): M = (L + R) / 2, S = (L - R) / 2; back: L = M + S,
 *             R = M - S. The half is exact in binary, so all that there and back costs is the
 *             rounding of the sums.
 * STRUCTURE   No memory and nothing to move: the direction is a config, a change of it a crossfade of
 *             the engine. Two of them around any nodes make these work on mid and side; the port
 *             stays stereo, channel 1 is mid, channel 2 side. */
#include <mixd/node.h>

#include <errno.h>
#include <stdio.h>

#include "clones.h"

#include <mixd/rt.h>

static const char *const ms_modes[] = {"encode", "decode", NULL};

static const struct mixd_port_row ms_ports[] = {
	{"in", "Stereo, or mid and side", false, MIXD_PORT_STEREO, NULL},
	{"out", "Mid and side, or stereo", true, MIXD_PORT_STEREO, NULL},
};

static const struct mixd_config_row ms_configs[] = {
	{"mode", "encode makes mid and side of left and right, decode the other way",
	 MIXD_TYPE_ENUM, MIXD_UNIT_NONE, 0, 1, 0, NULL, ms_modes, false},
};

struct ms_state {
	float scale; /* 0.5 there, 1 back */
};

static int ms_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		    struct mixd_fault *fault)
{
	ret_need->state_bytes = sizeof(struct ms_state);
	return 0;
}

static int ms_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct ms_state *state = inst->state;

	state->scale = inst->setup->config[0].number < 0.5 ? 0.5f : 1.0f;
	return 0;
}

/* Out may be in, frame by frame. */
MIXD_CLONES static void ms_run(const float *a, const float *b, float *sum, float *difference,
			       float scale, uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_frames; i++) {
		float left = a[i] * scale, right = b[i] * scale;

		sum[i] = left + right;
		difference[i] = left - right;
	}
}

static void ms_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	const struct ms_state *state = inst->state;

	ms_run(inst->in[0], inst->in[1], inst->out[0], inst->out[1], state->scale, call->n_frames);
}

static const struct mixd_node_type ms_type = {
	.id = "ms",
	.doc = "Turns left and right into mid and side, or back",
	.category = "space",
	.source = "Blumlein, GB 394325, 1933",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(ms_ports),
	.configs = MIXD_ARRAY(ms_configs),
	.needs = ms_needs,
	.activate = ms_activate,
	.process = ms_process,
};

MIXD_MODULE(&ms_type);
