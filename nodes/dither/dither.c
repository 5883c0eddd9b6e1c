/* dither - to a given number of bits, with noise that makes the error sound like noise.
 *
 * SOURCE      Lipshitz, Wannamaker, Vanderkooy, "Quantization and dither: a theoretical survey", JAES
 *             40(5), 1992: TPDF, the sum of two independent uniform numbers of one step each, makes
 *             mean and power of the error independent of the signal. Shapes: Lipshitz, Vanderkooy,
 *             Wannamaker, "Minimally audible noise shaping", JAES 39(11), 1991; Wannamaker,
 *             "Psychoacoustically optimal noise shaping", JAES 40(7/8), 1992; for 44.1 and 48 kHz.
 *             Random numbers: Steele, Lea, Flood, "Fast splittable pseudorandom number generators"
 *             (SplitMix64), OOPSLA 2014, as a function of seed, channel and frame.
 * STRUCTURE   v = x - sum c_k e[n - k]; y = round(v + d); e = y - v, in steps. Noise is made for a
 *             whole piece; the loop with feedback runs over two or four channels in one vector.
 *             After half a second of digital silence in all channels the output is silent, too. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "ditherlaw.h"
#include "lanes.h"

#include <mixd/rt.h>

#define DITHER_BLANK_S 0.5
#define DITHER_ROUND 6755399441055744.0 /* 1.5 * 2^52: added and taken away, it rounds */

enum {
	DITHER_PARAM_BITS,
	DITHER_PARAM_NOISE,
	DITHER_PARAM_SHAPE,
	DITHER_PARAM_BLANK,
};

enum {
	DITHER_METER_CLIPS,
	DITHER_METER_BLANKED,
};

enum {
	DITHER_NOISE_OFF,
	DITHER_NOISE_TPDF,
	DITHER_NOISE_HIGHPASS,
};

static const char *const dither_noises[] = {"off", "tpdf", "highpass", NULL};
static const char *const dither_shapes[] = {"flat",	  "light",	"medium",
					    "f-weighted", "improved-e", NULL};
static const char *const dither_blanked[] = {"no", "yes", NULL};

static const struct mixd_port_row dither_ports[] = {
	{"in", "Programme, as the last thing before it leaves in integers", false, MIXD_PORT_MAIN,
	 NULL},
	{"out", "The same on the grid of `bits`", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row dither_params[] = {
	[DITHER_PARAM_BITS] = {.id = "bits",
			       .doc = "Bits of what comes out",
			       .type = MIXD_TYPE_INT,
			       .min = 8,
			       .max = 24,
			       .def = 16},
	[DITHER_PARAM_NOISE] =
		{.id = "noise",
		 .doc = "tpdf hides the error completely; highpass a little less, and "
			"is softer; off only rounds",
		 .type = MIXD_TYPE_ENUM,
		 .max = 2,
		 .def = DITHER_NOISE_TPDF,
		 .labels = dither_noises},
	[DITHER_PARAM_SHAPE] =
		{.id = "shape",
		 .doc = "Moves noise to where the ear hears less; at 44.1 and 48 kHz, "
			"elsewhere it is flat",
		 .type = MIXD_TYPE_ENUM,
		 .max = 4,
		 .labels = dither_shapes},
	[DITHER_PARAM_BLANK] = {.id = "blank",
				.doc = "After 0.5 s of digital silence, give digital silence",
				.type = MIXD_TYPE_BOOL,
				.max = 1,
				.def = 1},
};

static const struct mixd_meter_row dither_meters[] = {
	{"clips", "Samples beyond full scale since reset", MIXD_UNIT_NONE, MIXD_FOLD_LAST, NULL,
	 false},
	{"blanked", "Whether digital silence passes as it is", MIXD_UNIT_NONE, MIXD_FOLD_LAST,
	 dither_blanked, false},
};

struct dither_channel {
	uint64_t key; /* immutable after init */
	double error[DITHER_TAPS]; /* newest first, in steps */
	double last; /* highpass: the uniform number before */
};

struct dither {
	/* --- immutable after init --- */
	uint32_t n_channels, blank_frames;
	bool can_shape;
	/* --- rt --- */
	uint32_t noise, shape;
	bool blank;
	double steps, step; /* steps in 1.0; 1.0 / steps */
	uint64_t frame; /* of noise, since reset */
	uint32_t zeros; /* frames of digital silence up to now, at most blank_frames */
	double clips;
	struct dither_channel channel[MIXD_CHANNELS_MAX];
};

/* SplitMix64: frame N of the sequence KEY. */
MIXD_INLINE uint64_t dither_random(uint64_t key, uint64_t n)
{
	uint64_t z = key + n * UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

static int dither_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			struct mixd_fault *fault)
{
	ret_need->state_bytes = sizeof(struct dither);
	ret_need->tail = UINT64_MAX; /* without blank the noise goes on */
	return 0;
}

static void dither_forget(struct dither *node)
{
	for (uint32_t c = 0; c < node->n_channels; c++) {
		memset(node->channel[c].error, 0, sizeof(node->channel[c].error));
		node->channel[c].last = 0;
	}
}

static void dither_reset(struct mixd_inst *inst)
{
	struct dither *node = inst->state;

	dither_forget(node);
	node->frame = 0;
	node->zeros = node->blank_frames; /* silence before the first sound stays silence */
	node->clips = 0;
	inst->meter[DITHER_METER_CLIPS] = 0;
	inst->meter[DITHER_METER_BLANKED] = 1;
}

static int dither_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct dither *node = inst->state;
	double rate = inst->setup->rate;

	node->n_channels = inst->setup->in_layout[0]->n_channels;
	node->blank_frames = (uint32_t)(DITHER_BLANK_S * rate + 0.5);
	node->can_shape = rate >= DITHER_SHAPED_MIN_HZ && rate <= DITHER_SHAPED_MAX_HZ;
	for (uint32_t c = 0; c < node->n_channels; c++)
		node->channel[c].key =
			dither_random(inst->setup->seed, (c + 1) * UINT64_C(0x100000001));
	dither_reset(inst);
	return 0;
}

static bool dither_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct dither *node = inst->state;

	node->steps = exp2(update->to[DITHER_PARAM_BITS] - 1);
	node->step = 1 / node->steps;
	node->noise = (uint32_t)update->to[DITHER_PARAM_NOISE];
	node->shape = node->can_shape ? (uint32_t)update->to[DITHER_PARAM_SHAPE] : 0;
	node->blank = update->to[DITHER_PARAM_BLANK] >= 0.5;
	return false;
}

/* ---- noise, in steps ---- */

MIXD_CLONES static void dither_tpdf(uint64_t key, uint64_t frame, uint32_t n, double *ret)
{
	for (uint32_t i = 0; i < n; i++) {
		uint64_t z = dither_random(key, frame + i);

		ret[i] = ((double)(int32_t)(uint32_t)(z >> 32) + (double)(int32_t)(uint32_t)z) *
			 0x1p-32;
	}
}

/* The difference of neighbours: triangular, too, but less of it where the ear is keen. */
MIXD_CLONES static void dither_highpass(uint64_t key, uint64_t frame, uint32_t n, double *ret)
{
	for (uint32_t i = 0; i < n; i++)
		ret[i] = (double)(int32_t)(uint32_t)(dither_random(key, frame + i) >> 32) * 0x1p-32;
}

static void dither_noise(struct dither *node, struct dither_channel *channel, uint32_t n,
			 double *ret)
{
	if (node->noise == DITHER_NOISE_TPDF) {
		dither_tpdf(channel->key, node->frame, n, ret);
	} else if (node->noise == DITHER_NOISE_HIGHPASS) {
		double last = channel->last;

		dither_highpass(channel->key, node->frame, n, ret);
		for (uint32_t i = 0; i < n; i++) {
			double now = ret[i];

			ret[i] = now - last;
			last = now;
		}
		channel->last = last;
	} else {
		memset(ret, 0, n * sizeof(*ret));
	}
}

/* ---- rounding ---- */

MIXD_CLONES static void dither_flat(float *out, const float *in, const double *noise, double steps,
				    double step, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		double v = (double)in[i] * steps + noise[i];

		out[i] = (float)((v + DITHER_ROUND - DITHER_ROUND) * step);
	}
}

/* Four channels; TAPS is a constant after inlining. */
MIXD_INLINE void dither_shaped(struct dither *node, uint32_t first_channel, const float *const *in,
			       float *const *out, uint32_t at, const double (*noise)[4], uint32_t n,
			       const uint32_t taps)
{
	const double *tap = dither_filters[node->shape].tap;
	struct dither_channel *channel = &node->channel[first_channel];
	uint32_t used = node->n_channels - first_channel < 4 ? node->n_channels - first_channel : 4;
	lanes_f64x4 error[DITHER_TAPS], steps = (lanes_f64x4){0} + node->steps;

	for (uint32_t k = 0; k < taps; k++)
		for (uint32_t l = 0; l < 4; l++)
			error[k][l] = channel[l < used ? l : 0].error[k];
	for (uint32_t i = 0; i < n; i++) {
		lanes_f64x4 x = {0}, old = {0}, v, y;

		for (uint32_t l = 0; l < 4; l++)
			x[l] = (double)in[l < used ? l : 0][at + i];
#pragma GCC unroll 9
		for (uint32_t k = 1; k < taps; k++)
			old += tap[k] * error[k];
		v = (x * steps - old) - tap[0] * error[0];
		y = v + *(const lanes_f64x4 *)noise[i] + DITHER_ROUND - DITHER_ROUND;
#pragma GCC unroll 9
		for (uint32_t k = taps - 1; k > 0; k--)
			error[k] = error[k - 1];
		error[0] = y - v;
		y *= node->step;
		for (uint32_t l = 0; l < used; l++)
			out[l][at + i] = (float)y[l];
	}
	for (uint32_t k = 0; k < taps; k++)
		for (uint32_t l = 0; l < used; l++)
			channel[l].error[k] = isfinite(error[k][l]) ? error[k][l] : 0;
}

MIXD_CLONES static void dither_shaped_3(struct dither *node, uint32_t first, const float *const *in,
					float *const *out, uint32_t at, const double (*noise)[4],
					uint32_t n)
{
	dither_shaped(node, first, in, out, at, noise, n, 3);
}

MIXD_CLONES static void dither_shaped_5(struct dither *node, uint32_t first, const float *const *in,
					float *const *out, uint32_t at, const double (*noise)[4],
					uint32_t n)
{
	dither_shaped(node, first, in, out, at, noise, n, 5);
}

MIXD_CLONES static void dither_shaped_9(struct dither *node, uint32_t first, const float *const *in,
					float *const *out, uint32_t at, const double (*noise)[4],
					uint32_t n)
{
	dither_shaped(node, first, in, out, at, noise, n, 9);
}

/* Integers end at -1 and one step below 1. Returns how many samples were beyond. */
MIXD_CLONES static uint32_t dither_clip(float *out, float highest, uint32_t n)
{
	uint32_t clips = 0;

	for (uint32_t i = 0; i < n; i++) {
		float y = out[i];

		clips += y > highest || y < -1.0f;
		y = y > highest ? highest : y;
		out[i] = y < -1.0f ? -1.0f : y;
	}
	return clips;
}

static void dither_piece(struct dither *node, const float *const *in, float *const *out,
			 uint32_t at, uint32_t n)
{
	uint32_t taps = dither_filters[node->shape].n;
	double noise[MIXD_SLICE_MAX];
	double lanes[MIXD_SLICE_MAX][4] __attribute__((aligned(32)));

	for (uint32_t c = 0; c < node->n_channels; c++) {
		dither_noise(node, &node->channel[c], n, noise);
		if (taps == 0) {
			dither_flat(out[c] + at, in[c] + at, noise, node->steps, node->step, n);
			continue;
		}
		for (uint32_t i = 0; i < n; i++)
			lanes[i][c % 4] = noise[i];
		if (c % 4 != 3 && c + 1 < node->n_channels)
			continue;
		c = c / 4 * 4;
		if (taps == 3)
			dither_shaped_3(node, c, in + c, out + c, at, lanes, n);
		else if (taps == 5)
			dither_shaped_5(node, c, in + c, out + c, at, lanes, n);
		else
			dither_shaped_9(node, c, in + c, out + c, at, lanes, n);
		c += 3;
	}
	node->frame += n;
	for (uint32_t c = 0; c < node->n_channels; c++)
		node->clips += dither_clip(out[c] + at, (float)(1 - node->step), n);
}

/* Frames from AT on that are zero in all channels. */
static uint32_t dither_zeros(const struct dither *node, const float *const *in, uint32_t at,
			     uint32_t n)
{
	for (uint32_t c = 0; c < node->n_channels && n > 0; c++) {
		uint32_t i = 0;

		while (i < n && in[c][at + i] == 0.0f)
			i++;
		n = i;
	}
	return n;
}

/* And before END. */
static uint32_t dither_last_zeros(const struct dither *node, const float *const *in, uint32_t end)
{
	uint32_t n = end;

	for (uint32_t c = 0; c < node->n_channels; c++) {
		uint32_t i = 0;

		while (i < n && in[c][end - 1 - i] == 0.0f)
			i++;
		n = i;
	}
	return n;
}

/* N frames of silence were dithered. Without `blank` the count stops short of the end. */
static void dither_quiet(struct dither *node, uint32_t n)
{
	uint32_t most = node->blank ? node->blank_frames : node->blank_frames - 1;

	node->zeros = node->zeros + n < most ? node->zeros + n : most;
	if (node->zeros == node->blank_frames)
		dither_forget(node);
}

static void dither_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct dither *node = inst->state;

	for (uint32_t at = 0; at < call->n_frames;) {
		uint32_t left = call->n_frames - at, n = dither_zeros(node, inst->in, at, left);

		if (n > 0 && node->zeros >= node->blank_frames) {
			for (uint32_t c = 0; c < node->n_channels; c++)
				memset(inst->out[c] + at, 0, n * sizeof(float));
			at += n;
			continue;
		}
		if (n > 0) {
			n = node->blank && n > node->blank_frames - node->zeros
				    ? node->blank_frames - node->zeros
				    : n;
			dither_piece(node, inst->in, inst->out, at, n);
			dither_quiet(node, n);
		} else {
			uint32_t zeros = dither_last_zeros(node, inst->in, call->n_frames);

			n = left; /* any silence inside is shorter than it takes */
			dither_piece(node, inst->in, inst->out, at, n);
			node->zeros = zeros;
		}
		at += n;
	}
	inst->meter[DITHER_METER_CLIPS] = node->clips;
	inst->meter[DITHER_METER_BLANKED] = node->zeros >= node->blank_frames;
}

static const struct mixd_node_type dither_type = {
	.id = "dither",
	.doc = "To a number of bits, with dither and noise shaping",
	.category = "level",
	.source = "Lipshitz et al., JAES 39(11) 1991 and 40(5) 1992; Wannamaker, JAES 40(7/8) 1992",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = dither_ports,
	.n_ports = 2,
	.params = dither_params,
	.n_params = sizeof(dither_params) / sizeof(dither_params[0]),
	.meters = dither_meters,
	.n_meters = sizeof(dither_meters) / sizeof(dither_meters[0]),
	.needs = dither_needs,
	.activate = dither_activate,
	.update = dither_update,
	.process = dither_process,
	.reset = dither_reset,
};

MIXD_MODULE(&dither_type);
