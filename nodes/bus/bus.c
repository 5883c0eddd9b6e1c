/* bus.c - the sum of many inputs.
 *
 * SOURCE      Fixed-order summation in f64: with 24-bit significands a sum of 2^29 f32 inputs of
 *             like size is exact to the last f32 bit (Goldberg, What Every Computer Scientist
 *             Should Know About Floating-Point Arithmetic, 1991).
 * STRUCTURE   Per channel an f64 accumulator of one slice; inputs are added in port order, whatever the
 *             order of linking. The sums of 32 frames stay in registers for up to 32 inputs, in the
 *             same order of additions.
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

/* Blocks that sound mostly do so in their first frame, so this is rarely asked. */
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

/* Inputs that are summed in one go, and frames whose sums stay in registers meanwhile. */
#define BUS_LIVE 32u
#define BUS_FRAMES 32u

typedef double bus_f64x8 __attribute__((vector_size(64), aligned(64), may_alias));
typedef float bus_f32x8u __attribute__((vector_size(32), aligned(4), may_alias));

/* One by one, as a compiler wants it to make a single instruction of it. */
MIXD_INLINE bus_f64x8 bus_widen(const float *x)
{
	return (bus_f64x8){x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]};
}

MIXD_INLINE bus_f32x8u bus_narrow(bus_f64x8 x)
{
	return (bus_f32x8u){(float)x[0], (float)x[1], (float)x[2], (float)x[3],
			    (float)x[4], (float)x[5], (float)x[6], (float)x[7]};
}

/* BUS_FRAMES from frame AT on: SUM (NULL: zeros) + the N_LIVE channels. */
MIXD_INLINE void bus_frames(bus_f64x8 ret[4], const double *sum, const float *const *live,
			    uint32_t n_live, uint32_t at)
{
	bus_f64x8 a = {0}, b = {0}, c = {0}, d = {0};

	if (sum) {
		const bus_f64x8 *from = (const bus_f64x8 *)(sum + at);

		a = from[0];
		b = from[1];
		c = from[2];
		d = from[3];
	}
	for (uint32_t i = 0; i < n_live; i++) {
		const float *x = live[i] + at;

		a += bus_widen(x);
		b += bus_widen(x + 8);
		c += bus_widen(x + 16);
		d += bus_widen(x + 24);
	}
	ret[0] = a;
	ret[1] = b;
	ret[2] = c;
	ret[3] = d;
}

/* Eight, and one. */
MIXD_INLINE bus_f64x8 bus_eight(const double *sum, const float *const *live, uint32_t n_live,
				uint32_t at)
{
	bus_f64x8 value = {0};

	if (sum)
		value = *(const bus_f64x8 *)(sum + at);
	for (uint32_t i = 0; i < n_live; i++)
		value += bus_widen(live[i] + at);
	return value;
}

MIXD_INLINE double bus_frame(const double *sum, const float *const *live, uint32_t n_live,
			     uint32_t at)
{
	double value = sum ? sum[at] : 0;

	for (uint32_t i = 0; i < n_live; i++)
		value += (double)live[i][at];
	return value;
}

/* More inputs follow: RET = SUM + the channels. RET may be SUM. */
MIXD_INLINE void bus_add(double *ret, const double *sum, const float *const *live, uint32_t n_live,
			 uint32_t n_frames)
{
	uint32_t at = 0;

	for (; at + BUS_FRAMES <= n_frames; at += BUS_FRAMES)
		bus_frames((bus_f64x8 *)(ret + at), sum, live, n_live, at);
	for (; at + 8 <= n_frames; at += 8)
		*(bus_f64x8 *)(ret + at) = bus_eight(sum, live, n_live, at);
	for (; at < n_frames; at++)
		ret[at] = bus_frame(sum, live, n_live, at);
}

/* These were the last. */
MIXD_INLINE void bus_finish(float *out, const double *sum, const float *const *live,
			    uint32_t n_live, uint32_t n_frames)
{
	uint32_t at = 0;

	for (; at + BUS_FRAMES <= n_frames; at += BUS_FRAMES) {
		bus_f64x8 part[4];

		bus_frames(part, sum, live, n_live, at);
		for (uint32_t k = 0; k < 4; k++)
			*(bus_f32x8u *)(out + at + 8 * k) = bus_narrow(part[k]);
	}
	for (; at + 8 <= n_frames; at += 8)
		*(bus_f32x8u *)(out + at) = bus_narrow(bus_eight(sum, live, n_live, at));
	for (; at < n_frames; at++)
		out[at] = (float)bus_frame(sum, live, n_live, at);
}

/* One channel: every STRIDE-th of the inputs, from IN on. */
MIXD_INLINE void bus_channel(float *out, const float *const *in, uint32_t n_inputs, uint32_t stride,
			     uint32_t n_frames)
{
	_Alignas(64) double sum[MIXD_SLICE_MAX];
	const double *so_far = NULL;
	const float *live[BUS_LIVE], *silent = NULL;
	uint32_t n_live = 0;

	for (uint32_t i = 0; i < n_inputs; i++) {
		const float *channel = in[(size_t)i * stride];

		/* Unlinked inputs share one block of zeros: looked at once. */
		if (channel == silent)
			continue;
		if (channel[0] == 0 && bus_is_silent(channel, n_frames)) {
			silent = channel;
			continue;
		}
		if (n_live == BUS_LIVE) {
			bus_add(sum, so_far, live, n_live, n_frames);
			so_far = sum;
			n_live = 0;
		}
		live[n_live++] = channel;
	}
	bus_finish(out, so_far, live, n_live, n_frames);
}

struct bus_state {
	uint32_t channels, inputs;
};

static int bus_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		     struct mixd_fault *fault)
{
	ret_need->state_bytes = sizeof(struct bus_state);
	return 0;
}

static int bus_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct bus_state *state = inst->state;

	state->channels = inst->setup->out_layout[0]->n_channels;
	state->inputs = inst->setup->n_in_ports;
	return 0;
}

MIXD_CLONES static void bus_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	const struct bus_state *state = inst->state;

	for (uint32_t c = 0; c < state->channels; c++)
		bus_channel(inst->out[c], inst->in + c, state->inputs, state->channels,
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
	.needs = bus_needs,
	.activate = bus_activate,
	.process = bus_process,
};

MIXD_MODULE(&bus_type);
