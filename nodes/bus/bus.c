/* bus.c - the sum of many inputs.
 *
 * SOURCE      Fixed-order summation in f64: with 24-bit significands a sum of 2^29 f32 inputs of
 *             like size is exact to the last f32 bit (Goldberg, What Every Computer Scientist
 *             Should Know About Floating-Point Arithmetic, 1991).
 * STRUCTURE   Per channel an f64 accumulator of one slice, which stays in the first-level cache;
 *             inputs are added in port order, whatever the order of linking. Four inputs at once
 *             spare three loads and stores of the accumulator, in the same order of additions.
 *             Inputs of zeros are left out: adding 0 to a sum that began at +0 changes no bit.
 * NOT HERE    faders: every link has a gain of its own, ramped by the engine. */
#include <mixd/node.h>

#include <string.h>

#include "clones.h"

#include <mixd/rt.h>

static const struct mixd_port_row bus_ports[] = {
	{"in", "What is summed", false, MIXD_PORT_MAIN, "inputs"},
	{"out", "The sum", true, MIXD_PORT_MAIN, NULL},
};

/* For the engine: where PFL and AFL are heard. */
static const struct mixd_param_row bus_params[] = {
	{"listen", "Hear what is soloed by PFL or AFL here, in place of what feeds it",
	 MIXD_TYPE_BOOL, MIXD_UNIT_NONE, 0, 1, 0, MIXD_RAMP_NONE, 0, NULL, NULL, 0, NULL},
};

static const struct mixd_config_row bus_configs[] = {
	{"inputs", "Number of input ports", MIXD_TYPE_INT, MIXD_UNIT_NONE, 1, 4096, 8, NULL, NULL,
	 false},
};

/* Most blocks that sound do so in their first frames, so this mostly looks at one vector. */
MIXD_INLINE bool bus_is_silent(const float *in, uint32_t n_frames)
{
	uint32_t i = 0;

	for (; i + 16 <= n_frames; i += 16) {
		uint32_t bits[16], any = 0;

		memcpy(bits, in + i, sizeof(bits));
		for (uint32_t k = 0; k < 16; k++)
			any |= bits[k] & 0x7fffffffu;
		if (any)
			return false;
	}
	for (; i < n_frames; i++)
		if (in[i] != 0)
			return false;
	return true;
}

MIXD_INLINE void bus_add(double *restrict sum, const float *restrict in, uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_frames; i++)
		sum[i] += (double)in[i];
}

MIXD_INLINE void bus_add4(double *restrict sum, const float *const in[4], uint32_t n_frames)
{
	const float *restrict a = in[0], *restrict b = in[1];
	const float *restrict c = in[2], *restrict d = in[3];

	for (uint32_t i = 0; i < n_frames; i++)
		sum[i] = (((sum[i] + (double)a[i]) + (double)b[i]) + (double)c[i]) + (double)d[i];
}

/* One channel: every STRIDE-th of the inputs, from IN on. */
MIXD_INLINE void bus_channel(float *restrict out, const float *const *in, uint32_t n_inputs,
			     uint32_t stride, uint32_t n_frames)
{
	double sum[MIXD_SLICE_MAX];
	const float *live[4], *silent = NULL;
	uint32_t n_live = 0;

	memset(sum, 0, sizeof(double) * n_frames);
	for (uint32_t i = 0; i < n_inputs; i++) {
		const float *channel = in[(size_t)i * stride];

		/* Unlinked inputs share one block of zeros: looked at once. */
		if (channel == silent)
			continue;
		if (bus_is_silent(channel, n_frames)) {
			silent = channel;
			continue;
		}
		live[n_live++] = channel;
		if (n_live == 4) {
			bus_add4(sum, live, n_frames);
			n_live = 0;
		}
	}
	for (uint32_t i = 0; i < n_live; i++)
		bus_add(sum, live[i], n_frames);
	for (uint32_t i = 0; i < n_frames; i++)
		out[i] = (float)sum[i];
}

MIXD_CLONES static void bus_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	uint32_t channels = inst->setup->out_layout[0]->n_channels;

	for (uint32_t c = 0; c < channels; c++)
		bus_channel(inst->out[c], inst->in + c, inst->setup->n_in_ports, channels,
			    call->n_frames);
}

static const struct mixd_node_type bus_type = {
	.id = "bus",
	.doc = "Sums its inputs, in port order and double precision",
	.category = "level",
	.source = "Goldberg, ACM Computing Surveys 23(1), 1991",
	.version = 1,
	.ports = bus_ports,
	.n_ports = 2,
	.params = bus_params,
	.n_params = 1,
	.configs = bus_configs,
	.n_configs = 1,
	.process = bus_process,
};

MIXD_MODULE(&bus_type);
