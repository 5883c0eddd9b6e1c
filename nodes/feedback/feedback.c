/* feedback.c - the delay that lets a graph feed back.
 *
 * SOURCE      A loop without delay has no order in which to be computed; one of at least a slice
 *             has (Strawn and McMillen on block computation, Proc. ICMC 1983; SuperCollider's
 *             InFeedback is the same device with its block of 64).
 * STRUCTURE   A ring per channel. emit() reads what was taken `delay` frames ago, which is at least
 *             MIXD_SLICE_MAX, so it needs nothing of the slice that is being made; process() takes
 *             the input. Both count for themselves, so calls may be cut anywhere. */
#include <mixd/node.h>

#include <string.h>

#include <mixd/rt.h>

#define FEEDBACK_DELAY_MAX_MS 2000.0

static const struct mixd_port_row feedback_ports[] = {
	{"in", "What is fed back", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same, later", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_config_row feedback_configs[] = {
	{"delay", "How much later; at least 128 frames, to which less is raised", MIXD_TYPE_FLOAT,
	 MIXD_UNIT_MS, 0, FEEDBACK_DELAY_MAX_MS, 0, NULL, NULL, false},
};

struct feedback_state {
	uint32_t delay_frames, n_channels;
	uint64_t taken, given; /* frames */
	float ring[]; /* n_channels rings of delay_frames + MIXD_SLICE_MAX */
};

static uint32_t feedback_delay(const struct mixd_setup *setup)
{
	double frames = setup->config[0].number * setup->rate / 1000 + 0.5;

	return frames < MIXD_SLICE_MAX ? MIXD_SLICE_MAX : (uint32_t)frames;
}

static int feedback_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			  struct mixd_fault *fault)
{
	uint32_t delay = feedback_delay(setup), channels = setup->out_layout[0]->n_channels;

	ret_need->state_bytes = sizeof(struct feedback_state) +
				sizeof(float) * (size_t)channels * (delay + MIXD_SLICE_MAX);
	ret_need->latency = delay;
	return 0;
}

static int feedback_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct feedback_state *state = inst->state;

	state->delay_frames = feedback_delay(inst->setup);
	state->n_channels = inst->setup->out_layout[0]->n_channels;
	return 0;
}

static void feedback_reset(struct mixd_inst *inst)
{
	struct feedback_state *state = inst->state;

	state->taken = state->given = 0;
	memset(state->ring, 0,
	       sizeof(float) * (size_t)state->n_channels * (state->delay_frames + MIXD_SLICE_MAX));
}

static void feedback_emit(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct feedback_state *state = inst->state;
	uint32_t size = state->delay_frames + MIXD_SLICE_MAX, n = call->n_frames;
	/* Frame GIVEN of the output is frame GIVEN - delay of the input: SIZE - delay ahead. */
	uint32_t at = (uint32_t)((state->given + MIXD_SLICE_MAX) % size);
	uint32_t head = n < size - at ? n : size - at;

	for (uint32_t c = 0; c < state->n_channels; c++) {
		const float *ring = state->ring + (size_t)c * size;

		memcpy(inst->out[c], ring + at, sizeof(float) * head);
		memcpy(inst->out[c] + head, ring, sizeof(float) * (n - head));
	}
	state->given += n;
}

static void feedback_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct feedback_state *state = inst->state;
	uint32_t size = state->delay_frames + MIXD_SLICE_MAX, n = call->n_frames;
	uint32_t at = (uint32_t)(state->taken % size);
	uint32_t head = n < size - at ? n : size - at;

	for (uint32_t c = 0; c < state->n_channels; c++) {
		float *ring = state->ring + (size_t)c * size;

		memcpy(ring + at, inst->in[c], sizeof(float) * head);
		memcpy(ring, inst->in[c] + head, sizeof(float) * (n - head));
	}
	state->taken += n;
}

static const struct mixd_node_type feedback_type = {
	.id = "feedback",
	.doc = "A delay that a loop may pass through: sends back what was heard before",
	.category = "level",
	.source = "block computation of unit generators; SuperCollider InFeedback",
	.version = 1,
	.flags = MIXD_NODE_FEEDBACK,
	.ports = feedback_ports,
	.n_ports = 2,
	.configs = feedback_configs,
	.n_configs = 1,
	.needs = feedback_needs,
	.activate = feedback_activate,
	.process = feedback_process,
	.emit = feedback_emit,
	.reset = feedback_reset,
};

MIXD_MODULE(&feedback_type);
