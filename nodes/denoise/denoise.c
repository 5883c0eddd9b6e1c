/* denoise.c - broadband noise out of voice and music, by what is known or learnt of it.
 *
 * SOURCE      In dsp/omlsa.h: Gerkmann, Hendriks 2012 (noise), Ephraim, Malah 1985 (LSA), Cohen,
 *             Berdugo 2001 (OMLSA).
 * STRUCTURE   Frames of 43 ms every 11 ms (dsp/stft.h, sine windows), or of 11 ms every 2.7 ms with
 *             `low_latency`. Linked channels share one gain, from their mean power, so that the image
 *             stands still. Without a profile the noise is followed all the time; with one it is what
 *             was learnt, scaled neither up nor down, unless `track` says otherwise.
 * MUSIC       Tones last and their ends are quiet: the noise is followed five times slower and holds no
 *             lines of its own, the gain is smoothed over three bins, and where the sound begins (a
 *             frame 6 dB above the last ones) the past counts for little, so that attacks keep their
 *             edge. Hum that a profile has learnt is taken away all the same.
 * LEARNING    While `learn` is on, powers are averaged. When it goes off, the mean becomes a profile
 *             text, which the session keeps as config `profile` (MIXD_EVENT_CAPTURED).
 * EVENTS      MIXD_EVENT_CAPTURED + 0: a profile was learnt. 1: learning ended, and only silence was
 *             heard: by such a profile nothing would ever be noise. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <mixd/node.h>

#include "denoise.h"
#include "level.h"
#include "omlsa.h"
#include "stft.h"

#include <mixd/rt.h>

#define DENOISE_EVENT_SILENCE 1u
#define DENOISE_SIZE 2048u /* frames at 48 kHz */
#define DENOISE_SIZE_LOW 512u
#define DENOISE_OVERLAP 4u
#define DENOISE_BINS_MAX (16384u / 2u + 1u)
#define DENOISE_BIAS 1.15 /* the estimate lies 1 dB low: some noise looks like speech */
#define DENOISE_LEARN_MIN_S 0.25
#define DENOISE_TRANSIENT 4.0f /* times the power of the frames before */

enum {
	DENOISE_PARAM_AMOUNT,
	DENOISE_PARAM_SENSITIVITY,
	DENOISE_PARAM_MODE,
	DENOISE_PARAM_LEARN,
	DENOISE_PARAM_TRACK,
	DENOISE_PARAM_LISTEN,
};
enum { DENOISE_CONFIG_PROFILE, DENOISE_CONFIG_LOW_LATENCY, DENOISE_CONFIG_LINK };
enum { DENOISE_METER_NOISE, DENOISE_METER_GR, DENOISE_METER_LEARNT };

static const char *const denoise_modes[] = {"voice", "music", NULL};

static const struct mixd_port_row denoise_ports[] = {
	{"in", "Programme with noise", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same with less of it", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row denoise_params[] = {
	[DENOISE_PARAM_AMOUNT] = {.id = "amount",
				  .doc = "How far noise goes down; what stays hides the traces",
				  .unit = MIXD_UNIT_DB,
				  .max = 40,
				  .def = 12,
				  .ramp = MIXD_RAMP_LINEAR,
				  .smooth_ms = 20},
	[DENOISE_PARAM_SENSITIVITY] = {.id = "sensitivity",
				       .doc = "How much louder than measured noise is taken to be: "
					      "6 dB less at 0, 6 dB more at 100",
				       .unit = MIXD_UNIT_PERCENT,
				       .max = 100,
				       .def = 50},
	[DENOISE_PARAM_MODE] =
		{.id = "mode",
		 .doc = "What is to be kept: a voice, or music, whose long tones and "
			"attacks need more care",
		 .type = MIXD_TYPE_ENUM,
		 .max = 1,
		 .labels = denoise_modes},
	[DENOISE_PARAM_LEARN] = {.id = "learn",
				 .doc = "On while only noise is heard; when switched off, what was "
					"heard becomes the profile",
				 .type = MIXD_TYPE_BOOL,
				 .max = 1},
	[DENOISE_PARAM_TRACK] = {.id = "track",
				 .doc = "With a profile: begin with it, but follow the noise from "
					"there",
				 .type = MIXD_TYPE_BOOL,
				 .max = 1},
	[DENOISE_PARAM_LISTEN] = {.id = "listen",
				  .doc = "Hear what is removed",
				  .type = MIXD_TYPE_BOOL,
				  .max = 1},
};

static const struct mixd_config_row denoise_configs[] = {
	[DENOISE_CONFIG_PROFILE] =
		{.id = "profile",
		 .doc = "The noise as learnt: levels in dBFS per Hz; empty: it is "
			"followed instead",
		 .type = MIXD_TYPE_STRING,
		 .def_text = ""},
	[DENOISE_CONFIG_LOW_LATENCY] = {.id = "low_latency",
					.doc = "11 ms, with a coarser ear, in place of 43 ms",
					.type = MIXD_TYPE_BOOL,
					.max = 1},
	[DENOISE_CONFIG_LINK] = {.id = "link",
				 .doc = "One gain for all channels, so that the image stands still",
				 .type = MIXD_TYPE_BOOL,
				 .max = 1,
				 .def = 1},
};

static const struct mixd_meter_row denoise_meters[] = {
	[DENOISE_METER_NOISE] = {"noise", "Level of the noise as estimated", MIXD_UNIT_DBFS,
				 MIXD_FOLD_LAST, NULL, false},
	[DENOISE_METER_GR] = {"gr", "How much lower the result is", MIXD_UNIT_DB, MIXD_FOLD_MIN,
			      NULL, false},
	[DENOISE_METER_LEARNT] = {"learnt", "Seconds of noise learnt so far", MIXD_UNIT_S,
				  MIXD_FOLD_LAST, NULL, false},
};

struct denoise_node {
	/* --- immutable after init --- */
	uint32_t n_channels, n_bins, n_padded, n_estimators;
	double hop_s;
	double level; /* mean square of a signal from the sum of its bins' powers */
	bool has_profile;
	struct omlsa_pace pace_voice, pace_music;
	float *profile; /* powers, n_padded */
	/* --- rt --- */
	struct stft stft;
	struct omlsa_wish wish;
	bool is_music, is_learning, is_tracking, is_removed;
	float *re, *im; /* [n_channels][n_padded] */
	float *power, *gain; /* n_padded */
	double loudness[MIXD_CHANNELS_MAX]; /* of the last frames, for attacks; per estimator */
	uint64_t learnt_hops;
	double *learnt; /* sums, n_padded */
	/* --- written by rt before the event, read by main after it --- */
	float captured_db[DENOISE_POINTS];
	struct omlsa estimator[];
};

static uint32_t denoise_size(const struct mixd_setup *setup)
{
	double size = setup->config[DENOISE_CONFIG_LOW_LATENCY].number >= 0.5 ? DENOISE_SIZE_LOW
									      : DENOISE_SIZE;

	return 1u << lrint(fmax(log2(size * setup->rate / 48000.0), 6.0));
}

static uint32_t denoise_estimators(const struct mixd_setup *setup)
{
	return setup->config[DENOISE_CONFIG_LINK].number >= 0.5 ? 1
								: setup->in_layout[0]->n_channels;
}

static size_t denoise_align(size_t bytes)
{
	return (bytes + 63) / 64 * 64;
}

static size_t denoise_head_bytes(uint32_t n_estimators)
{
	return denoise_align(sizeof(struct denoise_node) + n_estimators * sizeof(struct omlsa));
}

/* Planes of n_padded floats beside the estimators: spectra, power, gain, profile, sums (f64). */
static size_t denoise_planes(uint32_t n_channels)
{
	return 2 * (size_t)n_channels + 5;
}

static int denoise_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			 struct mixd_fault *fault)
{
	uint32_t size = denoise_size(setup), n_channels = setup->in_layout[0]->n_channels;
	uint32_t n_bins = size / 2 + 1, n_estimators = denoise_estimators(setup);
	size_t padded = (n_bins + 15) / 16 * 16;
	float levels[DENOISE_POINTS];
	bool is_set;
	int r;

	r = denoise_profile_read(setup->config[DENOISE_CONFIG_PROFILE].text, levels, &is_set,
				 fault);
	if (r < 0)
		return r;
	ret_need->latency = size;
	ret_need->tail = UINT64_MAX; /* what it knows of the noise outlives every pause */
	ret_need->state_bytes =
		denoise_head_bytes(n_estimators) +
		denoise_align(stft_bytes(size, size / DENOISE_OVERLAP, n_channels)) +
		denoise_align(omlsa_bytes(n_bins)) * n_estimators +
		denoise_planes(n_channels) * padded * sizeof(float);
	return 0;
}

/* ---- profiles ---- */

/* Power of bin I of a frame whose density is DB dBFS per Hz: the window's energy times the rate. */
static double denoise_density(const struct denoise_node *node, double rate)
{
	/* level * sum of powers = mean square; a bin is rate / size wide. */
	return node->level * node->stft.size / rate;
}

static void denoise_place_profile(struct denoise_node *node, const float *db, double rate)
{
	double density = denoise_density(node, rate);

	for (uint32_t i = 0; i < node->n_bins; i++) {
		double point = denoise_hz_point(i * rate / node->stft.size), level;
		uint32_t low;

		point = fmin(point, DENOISE_POINTS - 1.001);
		low = (uint32_t)point;
		level = (double)db[low] + (point - low) * (double)(db[low + 1] - db[low]);
		node->profile[i] = (float)(pow(10.0, level / 10.0) / density);
	}
}

/* The mean of what was heard around each point: all bins between its neighbours. False: nothing was. */
static bool denoise_capture_levels(struct denoise_node *node, double rate)
{
	double density = denoise_density(node, rate) / (double)node->learnt_hops;
	double bin_hz = rate / node->stft.size;
	bool heard = false;

	for (uint32_t p = 0; p < DENOISE_POINTS; p++) {
		double centre = denoise_point_hz(p) / bin_hz;
		double from = denoise_point_hz(p > 0 ? p - 1 : 0) / bin_hz;
		double to = denoise_point_hz(p + 1 < DENOISE_POINTS ? p + 1 : p) / bin_hz;
		uint32_t first = (uint32_t)ceil((from + centre) / 2);
		uint32_t last = (uint32_t)((to + centre) / 2);
		double sum = 0.0, level;

		if (last < first) /* between two bins */
			first = last = (uint32_t)lrint(centre);
		last = last < node->n_bins ? last : node->n_bins - 1;
		first = first < last ? first : last;
		for (uint32_t i = first; i <= last; i++)
			sum += node->learnt[i];
		level = sum * density / (last - first + 1);
		node->captured_db[p] = level > 0.0
					       ? (float)fmax(10.0 * log10(level), DENOISE_LEVEL_MIN)
					       : (float)DENOISE_LEVEL_MIN;
		heard |= node->captured_db[p] > (float)DENOISE_LEVEL_MIN;
	}
	return heard;
}

static void denoise_learn(struct mixd_inst *inst, bool is_learning)
{
	struct denoise_node *node = inst->state;

	if (is_learning && !node->is_learning) {
		memset(node->learnt, 0, node->n_padded * sizeof(*node->learnt));
		node->learnt_hops = 0;
	}
	if (!is_learning && node->is_learning &&
	    (double)node->learnt_hops * node->hop_s >= DENOISE_LEARN_MIN_S) {
		bool heard = denoise_capture_levels(node, inst->setup->rate);

		inst->host->event(inst,
				  heard ? MIXD_EVENT_CAPTURED + DENOISE_CONFIG_PROFILE
					: DENOISE_EVENT_SILENCE,
				  (double)node->learnt_hops * node->hop_s);
	}
	node->is_learning = is_learning;
}

static int denoise_capture(struct mixd_inst *inst, uint32_t config, char *ret_text, size_t size,
			   struct mixd_fault *fault)
{
	const struct denoise_node *node = inst->state;

	return denoise_profile_write(node->captured_db, ret_text, size, fault);
}

/* ---- life ---- */

static void denoise_reset(struct mixd_inst *inst)
{
	struct denoise_node *node = inst->state;

	stft_reset(&node->stft);
	for (uint32_t e = 0; e < node->n_estimators; e++) {
		omlsa_reset(&node->estimator[e]);
		if (!node->has_profile)
			continue;
		memcpy(node->estimator[e].noise, node->profile, node->n_padded * sizeof(float));
		node->estimator[e].n_hops = node->estimator[e].pace.start_hops;
	}
	memset(node->power, 0, node->n_padded * sizeof(float));
	memset(node->loudness, 0, sizeof(node->loudness));
	node->is_learning = false;
	node->learnt_hops = 0;
	inst->meter[DENOISE_METER_NOISE] = -INFINITY;
	inst->meter[DENOISE_METER_GR] = 0.0;
	inst->meter[DENOISE_METER_LEARNT] = 0.0;
}

static void denoise_place(struct denoise_node *node, uint32_t size, char *memory)
{
	float **const planes[] = {&node->im, &node->power, &node->gain, &node->profile};
	float *next;

	memory += denoise_head_bytes(node->n_estimators);
	stft_place(&node->stft, size, size / DENOISE_OVERLAP, node->n_channels, WINDOW_SINE,
		   memory);
	memory += denoise_align(stft_bytes(size, size / DENOISE_OVERLAP, node->n_channels));
	for (uint32_t e = 0; e < node->n_estimators; e++) {
		omlsa_place(&node->estimator[e], node->n_bins, memory);
		node->estimator[e].pace = node->pace_voice;
		memory += denoise_align(omlsa_bytes(node->n_bins));
	}
	node->n_padded = node->estimator[0].n_padded;
	next = (void *)memory;
	node->re = next;
	next += (size_t)node->n_padded * node->n_channels;
	for (size_t i = 0; i < sizeof(planes) / sizeof(planes[0]); i++) {
		*planes[i] = next;
		next += (size_t)node->n_padded * (i == 0 ? node->n_channels : 1);
	}
	node->learnt = (void *)next;
}

static int denoise_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct denoise_node *node = inst->state;
	const struct mixd_setup *setup = inst->setup;
	uint32_t size = denoise_size(setup);
	float levels[DENOISE_POINTS];
	int r;

	node->n_channels = setup->in_layout[0]->n_channels;
	node->n_estimators = denoise_estimators(setup);
	node->n_bins = size / 2 + 1;
	node->hop_s = (double)size / DENOISE_OVERLAP / setup->rate;
	/* Sine window: sum of its squares size / 2; both halves of the spectrum. */
	node->level = 2.0 / (0.5 * size) / size;
	node->pace_voice = omlsa_pace_of(node->hop_s, false);
	node->pace_music = omlsa_pace_of(node->hop_s, true);
	denoise_place(node, size, inst->state);
	r = denoise_profile_read(setup->config[DENOISE_CONFIG_PROFILE].text, levels,
				 &node->has_profile, fault);
	if (r < 0)
		return r;
	if (node->has_profile)
		denoise_place_profile(node, levels, setup->rate);
	denoise_reset(inst);
	return 0;
}

static bool denoise_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct denoise_node *node = inst->state;
	const double *to = update->to;

	node->wish.floor = (float)level_factor(-to[DENOISE_PARAM_AMOUNT]);
	node->wish.over = (float)(DENOISE_BIAS * exp(M_LN10 / 10.0 * 0.12 *
						     (to[DENOISE_PARAM_SENSITIVITY] - 50.0)));
	node->is_music = to[DENOISE_PARAM_MODE] >= 0.5;
	node->is_tracking = to[DENOISE_PARAM_TRACK] >= 0.5;
	node->is_removed = to[DENOISE_PARAM_LISTEN] >= 0.5;
	denoise_learn(inst, to[DENOISE_PARAM_LEARN] >= 0.5);
	return false;
}

/* ---- per hop ---- */

static double denoise_sum(const float *x, uint32_t n)
{
	double sum = 0.0;

	for (uint32_t i = 0; i < n; i++)
		sum += (double)x[i];
	return sum;
}

/* Music: three bins share their gain, and an attack lets the past count for little. */
static void denoise_care(struct denoise_node *node, float *gain)
{
	float left = gain[0];

	for (uint32_t i = 0; i < node->n_bins; i++) {
		float right = gain[i + 1 < node->n_bins ? i + 1 : i], own = gain[i];
		float mean = 0.25f * left + 0.5f * own + 0.25f * right;

		left = own;
		gain[i] = mean > own ? mean : own; /* never less than its own */
	}
}

static float denoise_follow(const struct denoise_node *node, double *average, double loudness)
{
	bool is_attack = loudness > (double)DENOISE_TRANSIENT * *average;

	*average += 0.5 * (loudness - *average);
	return node->is_music && is_attack ? 0.5f : 0.98f;
}

static void denoise_estimate(struct denoise_node *node, uint32_t idx)
{
	struct omlsa *omlsa = &node->estimator[idx];
	struct omlsa_wish wish = node->wish;
	double loudness = denoise_sum(node->power, node->n_bins);

	if (!(loudness > 0.0))
		return; /* N4: silence is no noise, and leaves no trace */
	omlsa->pace = node->is_music ? node->pace_music : node->pace_voice;
	if (node->has_profile && !node->is_tracking)
		memcpy(omlsa->noise, node->profile, node->n_padded * sizeof(float));
	else {
		omlsa_track(omlsa, node->power);
		if (node->is_music)
			omlsa_flatten(omlsa);
	}
	wish.follow = denoise_follow(node, &node->loudness[idx], loudness);
	omlsa_gain(omlsa, node->power, &wish);
	if (node->is_music)
		denoise_care(node, omlsa->gain);
	if (node->is_learning) {
		for (uint32_t i = 0; i < node->n_bins; i++)
			node->learnt[i] += (double)node->power[i] / node->n_estimators;
	}
}

static void denoise_show(struct mixd_inst *inst, struct denoise_node *node)
{
	const struct omlsa *omlsa = &node->estimator[node->n_estimators - 1]; /* of that power */
	double noise = denoise_sum(omlsa->noise, node->n_bins) * node->level, before = 0.0,
	       after = 0.0;

	for (uint32_t i = 0; i < node->n_bins; i++) {
		double power = (double)node->power[i], gain = (double)omlsa->gain[i];

		before += power;
		after += power * gain * gain;
	}
	inst->meter[DENOISE_METER_NOISE] = noise > 1e-25 ? 10.0 * log10(2.0 * noise) : -INFINITY;
	inst->meter[DENOISE_METER_GR] =
		before > 0.0 && after > 0.0 ? 10.0 * log10(after / before) : 0.0;
	inst->meter[DENOISE_METER_LEARNT] = (double)node->learnt_hops * node->hop_s;
}

static void denoise_hop(struct mixd_inst *inst, struct denoise_node *node)
{
	uint32_t n = node->n_padded;
	float share = 1.0f / (float)node->n_channels;

	for (uint32_t c = 0; c < node->n_channels; c++)
		stft_analyse(&node->stft, c, node->re + c * n, node->im + c * n);
	if (node->n_estimators == 1) {
		memset(node->power, 0, n * sizeof(float));
		for (uint32_t c = 0; c < node->n_channels; c++)
			stft_add_power(node->re + c * n, node->im + c * n, share, node->n_bins,
				       node->power);
	}
	for (uint32_t c = 0; c < node->n_channels; c++) {
		uint32_t idx = node->n_estimators == 1 ? 0 : c;

		if (node->n_estimators > 1) {
			memset(node->power, 0, n * sizeof(float));
			stft_add_power(node->re + c * n, node->im + c * n, 1.0f, node->n_bins,
				       node->power);
		}
		if (node->n_estimators > 1 || c == 0)
			denoise_estimate(node, idx);
		stft_shape(node->re + c * n, node->im + c * n, node->estimator[idx].gain,
			   node->is_removed, node->n_bins);
		stft_synthesise(&node->stft, c, node->re + c * n, node->im + c * n);
	}
	node->learnt_hops += node->is_learning;
	denoise_show(inst, node);
}

static void denoise_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct denoise_node *node = inst->state;

	for (uint32_t first = 0; first < call->n_frames;) {
		uint32_t piece = stft_room(&node->stft, call->n_frames - first);

		for (uint32_t c = 0; c < node->n_channels; c++)
			stft_exchange(&node->stft, c, inst->in[c] + first, inst->out[c] + first,
				      piece);
		first += piece;
		if (stft_advance(&node->stft, piece))
			denoise_hop(inst, node);
	}
}

static const struct mixd_node_type denoise_type = {
	.id = "denoise",
	.doc = "Takes broadband noise out of voice and music, followed or learnt; event 1: only "
	       "silence was heard while learning",
	.category = "repair",
	.source = "Gerkmann, Hendriks, IEEE TASLP 20(4), 2012; Ephraim, Malah, IEEE TASSP 33(2), "
		  "1985; "
		  "Cohen, Berdugo, Signal Processing 81, 2001",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = denoise_ports,
	.n_ports = sizeof(denoise_ports) / sizeof(denoise_ports[0]),
	.params = denoise_params,
	.n_params = sizeof(denoise_params) / sizeof(denoise_params[0]),
	.configs = denoise_configs,
	.n_configs = sizeof(denoise_configs) / sizeof(denoise_configs[0]),
	.meters = denoise_meters,
	.n_meters = sizeof(denoise_meters) / sizeof(denoise_meters[0]),
	.needs = denoise_needs,
	.activate = denoise_activate,
	.update = denoise_update,
	.process = denoise_process,
	.reset = denoise_reset,
	.capture = denoise_capture,
};

MIXD_MODULE(&denoise_type);
