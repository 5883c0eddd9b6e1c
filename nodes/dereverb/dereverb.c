/* dereverb.c - less room around a voice.
 *
 * SOURCE      Lebart, Boucher, Denbigh, A New Method Based on Spectral Subtraction for Speech
 *             Dereverberation, Acta Acustica 87, 2001: what is late now was heard T ago and has decayed
 *             since. Habets, Gannot, Cohen, Late Reverberant Spectral Variance Estimation, IEEE SPL
 *             16(9), 2009: the direct sound leaves less reverberation than its power says (kappa).
 *             Gain: OMLSA (dsp/omlsa.h). Decay time unless told: dsp/decaytime.h.
 * STRUCTURE   Frames of 43 ms every 11 ms. Per bin: reverberant power r(l) = d ((1 - kappa) r(l-1) +
 *             kappa x(l-1)), d the decay of one hop, x the power as heard; late power: r of 64 ms
 *             ago, decayed until now. That is the "noise" that the gain is to take away. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "clones.h"
#include "decaytime.h"
#include "level.h"
#include "omlsa.h"
#include "stft.h"

#include <mixd/rt.h>

#define DEREVERB_SIZE 2048u /* frames at 48 kHz */
#define DEREVERB_OVERLAP 4u
#define DEREVERB_LATE_HOPS 6u /* 64 ms: a frame and more, so that what is early is not in it */
#define DEREVERB_FOLLOW 0.98f
#define DEREVERB_OVER 2.0f /* the late power swings, and what is left of it is heard in its peaks */
#define DEREVERB_TAIL_S 12.0

enum {
	DEREVERB_PARAM_AMOUNT,
	DEREVERB_PARAM_DECAY,
	DEREVERB_PARAM_AUTO_DECAY,
	DEREVERB_PARAM_DAMPING,
	DEREVERB_PARAM_DISTANCE,
	DEREVERB_PARAM_LISTEN,
};
enum { DEREVERB_CONFIG_LINK };
enum { DEREVERB_METER_DECAY_NOW, DEREVERB_METER_GR };

static const struct mixd_port_row dereverb_ports[] = {
	{"in", "A voice in a room", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same, closer", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row dereverb_params[] = {
	[DEREVERB_PARAM_AMOUNT] = {.id = "amount",
				   .doc = "How far the late sound of the room goes down at most",
				   .unit = MIXD_UNIT_DB,
				   .max = 30,
				   .def = 12,
				   .ramp = MIXD_RAMP_LINEAR,
				   .smooth_ms = 20},
	[DEREVERB_PARAM_DECAY] =
		{.id = "decay",
		 .doc = "Reverberation time of the room; with auto_decay only where to begin",
		 .unit = MIXD_UNIT_S,
		 .min = 0.1,
		 .max = 6,
		 .def = 0.8,
		 .ramp = MIXD_RAMP_LOG,
		 .smooth_ms = 20},
	[DEREVERB_PARAM_AUTO_DECAY] = {.id = "auto_decay",
				       .doc = "Estimate the reverberation time from what is heard",
				       .type = MIXD_TYPE_BOOL,
				       .max = 1,
				       .def = 1},
	[DEREVERB_PARAM_DAMPING] = {.id = "damping",
				    .doc = "How much shorter the room is at 8 kHz than at 1 kHz",
				    .unit = MIXD_UNIT_PERCENT,
				    .max = 90,
				    .def = 30},
	[DEREVERB_PARAM_DISTANCE] = {.id = "distance",
				     .doc = "How far from the microphone: 0 hardly leaves its own "
					    "place, at 100 nothing direct is heard",
				     .unit = MIXD_UNIT_PERCENT,
				     .max = 100,
				     .def = 70},
	[DEREVERB_PARAM_LISTEN] = {.id = "listen",
				   .doc = "Hear what is removed",
				   .type = MIXD_TYPE_BOOL,
				   .max = 1},
};

static const struct mixd_config_row dereverb_configs[] = {
	[DEREVERB_CONFIG_LINK] =
		{.id = "link",
		 .doc = "One gain for all channels, so that the image stands still",
		 .type = MIXD_TYPE_BOOL,
		 .max = 1,
		 .def = 1},
};

static const struct mixd_meter_row dereverb_meters[] = {
	[DEREVERB_METER_DECAY_NOW] = {"decay_now", "Reverberation time in force", MIXD_UNIT_S,
				      MIXD_FOLD_LAST, NULL, false},
	[DEREVERB_METER_GR] = {"gr", "How much lower the result is", MIXD_UNIT_DB, MIXD_FOLD_MIN,
			       NULL, false},
};

/* One gain: that of all channels, or of one. */
struct dereverb_estimator {
	struct omlsa omlsa;
	struct decaytime decay;
	float *room; /* [DEREVERB_LATE_HOPS][n_padded]: r of the last hops */
	uint32_t at; /* the newest */
};

struct dereverb_node {
	/* --- immutable after init --- */
	uint32_t n_channels, n_bins, n_padded, n_estimators;
	double hop_s, bin_hz;
	uint32_t band_first[DECAYTIME_BANDS + 1]; /* bins */
	/* --- rt --- */
	struct stft stft;
	struct omlsa_wish wish;
	double t60_s, damping;
	float kappa;
	bool is_auto, is_removed;
	double made_t60_s, made_damping; /* what `hop_decay` was made for */
	float *hop_decay, *late_decay; /* per bin: of one hop, of the rest of T */
	float *re, *im; /* [n_channels][n_padded] */
	float *power;
	struct dereverb_estimator estimator[];
};

static uint32_t dereverb_size(double rate)
{
	return 1u << lrint(fmax(log2(DEREVERB_SIZE * rate / 48000.0), 7.0));
}

static uint32_t dereverb_estimators(const struct mixd_setup *setup)
{
	return setup->config[DEREVERB_CONFIG_LINK].number >= 0.5 ? 1
								 : setup->in_layout[0]->n_channels;
}

static size_t dereverb_align(size_t bytes)
{
	return (bytes + 63) / 64 * 64;
}

static size_t dereverb_head_bytes(uint32_t n_estimators)
{
	return dereverb_align(sizeof(struct dereverb_node) +
			      n_estimators * sizeof(struct dereverb_estimator));
}

static size_t dereverb_estimator_bytes(uint32_t n_bins)
{
	size_t padded = (n_bins + 15) / 16 * 16;

	return dereverb_align(omlsa_bytes(n_bins)) + DEREVERB_LATE_HOPS * padded * sizeof(float);
}

static int dereverb_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			  struct mixd_fault *fault)
{
	uint32_t size = dereverb_size(setup->rate), n_channels = setup->in_layout[0]->n_channels;
	uint32_t n_bins = size / 2 + 1, n_estimators = dereverb_estimators(setup);
	size_t padded = (n_bins + 15) / 16 * 16;

	ret_need->latency = size;
	ret_need->tail = size + (uint64_t)(DEREVERB_TAIL_S * setup->rate);
	ret_need->state_bytes =
		dereverb_head_bytes(n_estimators) +
		dereverb_align(stft_bytes(size, size / DEREVERB_OVERLAP, n_channels)) +
		n_estimators * dereverb_estimator_bytes(n_bins) +
		(2 * (size_t)n_channels + 3) * padded * sizeof(float);
	return 0;
}

static void dereverb_reset(struct mixd_inst *inst)
{
	struct dereverb_node *node = inst->state;

	stft_reset(&node->stft);
	for (uint32_t e = 0; e < node->n_estimators; e++) {
		struct dereverb_estimator *estimator = &node->estimator[e];

		omlsa_reset(&estimator->omlsa);
		decaytime_reset(&estimator->decay);
		memset(estimator->room, 0, DEREVERB_LATE_HOPS * node->n_padded * sizeof(float));
		estimator->at = 0;
	}
	memset(node->power, 0, node->n_padded * sizeof(float));
	node->made_t60_s = 0.0;
	inst->meter[DEREVERB_METER_DECAY_NOW] = node->t60_s;
	inst->meter[DEREVERB_METER_GR] = 0.0;
}

static void dereverb_place(struct dereverb_node *node, uint32_t size, char *memory)
{
	float *next;

	memory += dereverb_head_bytes(node->n_estimators);
	stft_place(&node->stft, size, size / DEREVERB_OVERLAP, node->n_channels, WINDOW_SINE,
		   memory);
	memory += dereverb_align(stft_bytes(size, size / DEREVERB_OVERLAP, node->n_channels));
	for (uint32_t e = 0; e < node->n_estimators; e++) {
		struct dereverb_estimator *estimator = &node->estimator[e];

		omlsa_place(&estimator->omlsa, node->n_bins, memory);
		estimator->omlsa.pace = omlsa_pace_of(node->hop_s, false);
		decaytime_init(&estimator->decay, node->hop_s);
		estimator->room = (void *)(memory + dereverb_align(omlsa_bytes(node->n_bins)));
		memory += dereverb_estimator_bytes(node->n_bins);
	}
	node->n_padded = node->estimator[0].omlsa.n_padded;
	next = (void *)memory;
	node->hop_decay = next;
	node->late_decay = next += node->n_padded;
	node->power = next += node->n_padded;
	node->re = next += node->n_padded;
	node->im = next + (size_t)node->n_padded * node->n_channels;
}

static int dereverb_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	static const double edges_hz[DECAYTIME_BANDS + 1] = {250, 500, 1000, 2000, 4000};
	struct dereverb_node *node = inst->state;
	const struct mixd_setup *setup = inst->setup;
	uint32_t size = dereverb_size(setup->rate);

	node->n_channels = setup->in_layout[0]->n_channels;
	node->n_estimators = dereverb_estimators(setup);
	node->n_bins = size / 2 + 1;
	node->hop_s = (double)size / DEREVERB_OVERLAP / setup->rate;
	node->bin_hz = setup->rate / size;
	for (uint32_t b = 0; b <= DECAYTIME_BANDS; b++)
		node->band_first[b] =
			(uint32_t)fmin(lrint(edges_hz[b] / node->bin_hz), node->n_bins - 1);
	dereverb_place(node, size, inst->state);
	dereverb_reset(inst);
	return 0;
}

static bool dereverb_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct dereverb_node *node = inst->state;
	const double *to = update->to;

	node->wish = (struct omlsa_wish){
		.floor = (float)level_factor(-to[DEREVERB_PARAM_AMOUNT]),
		.over = DEREVERB_OVER,
		.follow = DEREVERB_FOLLOW,
	};
	node->t60_s = to[DEREVERB_PARAM_DECAY];
	node->is_auto = to[DEREVERB_PARAM_AUTO_DECAY] >= 0.5;
	node->damping = to[DEREVERB_PARAM_DAMPING] / 100.0;
	node->kappa = (float)(0.05 + 0.0095 * to[DEREVERB_PARAM_DISTANCE]);
	node->is_removed = to[DEREVERB_PARAM_LISTEN] >= 0.5;
	if (update->jump)
		inst->meter[DEREVERB_METER_DECAY_NOW] = node->t60_s;
	return false;
}

/* ---- per hop ---- */

/* r of this hop from that of the last, and what of the oldest is late now. */
MIXD_CLONES static void dereverb_late(const float *restrict before, const float *restrict power,
				      const float *restrict hop_decay,
				      const float *restrict late_decay, float kappa, uint32_t n,
				      float *restrict room, float *restrict late)
{
	for (uint32_t i = 0; i < n; i++) {
		float oldest = room[i];

		late[i] = oldest * late_decay[i];
		room[i] = hop_decay[i] * ((1.0f - kappa) * before[i] + kappa * power[i]);
	}
}

/* e^(-2 delta t), delta = 3 ln 10 / T60; T60 falls from 1 to 8 kHz to what damping leaves. */
static void dereverb_make_decays(struct dereverb_node *node, double t60_s)
{
	if (t60_s == node->made_t60_s && node->damping == node->made_damping)
		return;
	node->made_t60_s = t60_s;
	node->made_damping = node->damping;
	for (uint32_t i = 0; i < node->n_bins; i++) {
		double octaves = fmin(fmax(log2(i * node->bin_hz / 1000.0), 0.0), 3.0);
		double t60 = t60_s * (1.0 - node->damping * octaves / 3.0);
		double hop = exp(-6.0 * M_LN10 / t60 * node->hop_s);

		node->hop_decay[i] = (float)hop;
		node->late_decay[i] = (float)pow(hop, DEREVERB_LATE_HOPS - 1);
	}
}

/* Estimates move the decays in steps of a bin of the histogram: a table is made now and then only. */
static double dereverb_t60(struct dereverb_node *node, struct dereverb_estimator *estimator)
{
	double band[DECAYTIME_BANDS];

	for (uint32_t b = 0; b < DECAYTIME_BANDS; b++) {
		band[b] = 0.0;
		for (uint32_t i = node->band_first[b]; i < node->band_first[b + 1]; i++)
			band[b] += (double)node->power[i];
	}
	decaytime_feed(&estimator->decay, band);
	return node->is_auto ? decaytime_s(&estimator->decay, node->t60_s) : node->t60_s;
}

static bool dereverb_is_silent(const struct dereverb_node *node,
			       const struct dereverb_estimator *estimator)
{
	const float *x = estimator->room;
	float sum = 0.0f;

	for (uint32_t i = 0; i < node->n_bins; i++)
		sum += node->power[i];
	for (uint32_t i = 0; i < DEREVERB_LATE_HOPS * node->n_padded && sum == 0.0f; i++)
		sum += x[i];
	return sum == 0.0f;
}

static double dereverb_estimate(struct dereverb_node *node, struct dereverb_estimator *estimator)
{
	uint32_t before = estimator->at, at = (before + 1) % DEREVERB_LATE_HOPS;
	double t60_s;

	if (dereverb_is_silent(node, estimator))
		return 0.0; /* N4 */
	t60_s = dereverb_t60(node, estimator);
	dereverb_make_decays(node, t60_s);
	dereverb_late(estimator->room + before * node->n_padded, node->power, node->hop_decay,
		      node->late_decay, node->kappa, node->n_bins,
		      estimator->room + at * node->n_padded, estimator->omlsa.noise);
	estimator->at = at;
	omlsa_gain(&estimator->omlsa, node->power, &node->wish);
	return t60_s;
}

static void dereverb_show(struct mixd_inst *inst, const struct dereverb_node *node, uint32_t idx,
			  double t60_s)
{
	const float *gain = node->estimator[idx].omlsa.gain;
	double before = 0.0, after = 0.0;

	for (uint32_t i = 0; i < node->n_bins; i++) {
		double power = (double)node->power[i];

		before += power;
		after += power * (double)gain[i] * (double)gain[i];
	}
	inst->meter[DEREVERB_METER_GR] = after > 0.0 ? 10.0 * log10(after / before) : 0.0;
	if (t60_s > 0.0)
		inst->meter[DEREVERB_METER_DECAY_NOW] = t60_s;
}

static void dereverb_hop(struct mixd_inst *inst, struct dereverb_node *node)
{
	uint32_t n = node->n_padded, idx = 0;
	bool is_linked = node->n_estimators == 1;
	float share = is_linked ? 1.0f / (float)node->n_channels : 1.0f;
	double t60_s = 0.0;

	memset(node->power, 0, n * sizeof(float));
	for (uint32_t c = 0; c < node->n_channels; c++) {
		stft_analyse(&node->stft, c, node->re + c * n, node->im + c * n);
		if (is_linked)
			stft_add_power(node->re + c * n, node->im + c * n, share, node->n_bins,
				       node->power);
	}
	for (uint32_t c = 0; c < node->n_channels; c++) {
		idx = is_linked ? 0 : c;
		if (!is_linked) {
			memset(node->power, 0, n * sizeof(float));
			stft_add_power(node->re + c * n, node->im + c * n, share, node->n_bins,
				       node->power);
		}
		if (!is_linked || c == 0)
			t60_s = dereverb_estimate(node, &node->estimator[idx]);
		stft_shape(node->re + c * n, node->im + c * n, node->estimator[idx].omlsa.gain,
			   node->is_removed, node->n_bins);
		stft_synthesise(&node->stft, c, node->re + c * n, node->im + c * n);
	}
	dereverb_show(inst, node, idx, t60_s);
}

static void dereverb_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct dereverb_node *node = inst->state;

	for (uint32_t first = 0; first < call->n_frames;) {
		uint32_t piece = stft_room(&node->stft, call->n_frames - first);

		for (uint32_t c = 0; c < node->n_channels; c++)
			stft_exchange(&node->stft, c, inst->in[c] + first, inst->out[c] + first,
				      piece);
		first += piece;
		if (stft_advance(&node->stft, piece))
			dereverb_hop(inst, node);
	}
}

static const struct mixd_node_type dereverb_type = {
	.id = "dereverb",
	.doc = "Takes the late sound of the room away from a voice",
	.category = "repair",
	.source =
		"Lebart, Boucher, Denbigh, Acta Acustica 87, 2001; Habets, Gannot, Cohen, IEEE SPL "
		"16(9), 2009",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = dereverb_ports,
	.n_ports = sizeof(dereverb_ports) / sizeof(dereverb_ports[0]),
	.params = dereverb_params,
	.n_params = sizeof(dereverb_params) / sizeof(dereverb_params[0]),
	.configs = dereverb_configs,
	.n_configs = sizeof(dereverb_configs) / sizeof(dereverb_configs[0]),
	.meters = dereverb_meters,
	.n_meters = sizeof(dereverb_meters) / sizeof(dereverb_meters[0]),
	.needs = dereverb_needs,
	.activate = dereverb_activate,
	.update = dereverb_update,
	.process = dereverb_process,
	.reset = dereverb_reset,
};

MIXD_MODULE(&dereverb_type);
