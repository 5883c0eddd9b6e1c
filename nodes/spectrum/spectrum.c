/* spectrum - what is in the sound, frequency by frequency: 240 bands of 1/24 octave.
 *
 * SOURCE      Welch, "The use of FFT for the estimation of power spectra", IEEE Trans. AU-15, 1967;
 *             windows: dsp/window.h.
 * STRUCTURE   The audio thread copies into a ring (dsp/analyser.h). Every quarter of a frame the
 *             worker transforms the last frame, averages power per bin, gathers bins into bands and
 *             leaves values in dB, which the audio thread copies into the meters. 0 dB is the peak
 *             of a full-scale sine. Audio passes unchanged. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "analyser.h"
#include "clones.h"
#include "logbands.h"

#include <mixd/rt.h>

#define SPECTRUM_BANDS 240u
#define SPECTRUM_MIDDLE 135u /* the band of 1 kHz, from 0 */
#define SPECTRUM_PER_OCTAVE 24.0
#define SPECTRUM_KAISER_BETA 14.0 /* side lobes below -100 dB */
#define SPECTRUM_OVERLAP 4u

enum {
	SPECTRUM_CONFIG_SIZE,
	SPECTRUM_CONFIG_WINDOW,
};

enum {
	SPECTRUM_PARAM_CHANNEL,
	SPECTRUM_PARAM_POOL,
	SPECTRUM_PARAM_SMOOTH,
	SPECTRUM_PARAM_TILT,
	SPECTRUM_PARAM_AVERAGE,
	SPECTRUM_PARAM_HOLD,
	SPECTRUM_PARAM_FALL,
	SPECTRUM_PARAM_PAUSE,
	SPECTRUM_PARAM_RESET,
};

enum {
	SPECTRUM_METER_FREQ,
	SPECTRUM_METER_LEVEL,
	SPECTRUM_METER_FRAMES,
	SPECTRUM_METER_BIN,
	SPECTRUM_METER_PEAK = SPECTRUM_METER_BIN + SPECTRUM_BANDS,
	SPECTRUM_METER_END = SPECTRUM_METER_PEAK + SPECTRUM_BANDS,
};

static const char *const spectrum_sizes[] = {"4096", "8192", "16384", "32768", NULL};
static const char *const spectrum_windows[] = {"hann", "blackman-harris", "flat-top", "kaiser",
					       NULL};
static const char *const spectrum_pools[] = {"peak", "mean", "energy", NULL};
static const char *const spectrum_smooths[] = {"1/24", "1/12", "1/6", "1/3", "1/1", NULL};
static const uint32_t spectrum_spans[] = {1, 3, 5, 9, 25};

static const struct mixd_port_row spectrum_ports[] = {
	{"in", "What is looked at", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same, unchanged", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_config_row spectrum_configs[] = {
	[SPECTRUM_CONFIG_SIZE] = {.id = "size",
				  .doc = "Frames per transform: longer tells neighbours apart, "
					 "shorter follows faster",
				  .type = MIXD_TYPE_ENUM,
				  .unit = MIXD_UNIT_FRAMES,
				  .max = 3,
				  .def = 1,
				  .labels = spectrum_sizes},
	[SPECTRUM_CONFIG_WINDOW] = {.id = "window",
				    .doc = "Hann for all; Blackman-Harris and Kaiser beside loud "
					   "neighbours; flat-top for true levels",
				    .type = MIXD_TYPE_ENUM,
				    .max = 3,
				    .labels = spectrum_windows},
};

static const struct mixd_param_row spectrum_params[] = {
	[SPECTRUM_PARAM_CHANNEL] = {.id = "channel",
				    .doc = "Channel to look at; 0 is the mean of all",
				    .type = MIXD_TYPE_INT,
				    .max = MIXD_CHANNELS_MAX},
	[SPECTRUM_PARAM_POOL] =
		{.id = "pool",
		 .doc = "What a band shows: its highest bin (levels of tones), the "
			"mean (density), or the sum (as on a third-octave analyser)",
		 .type = MIXD_TYPE_ENUM,
		 .max = 2,
		 .labels = spectrum_pools},
	[SPECTRUM_PARAM_SMOOTH] = {.id = "smooth",
				   .doc = "Width in octaves over which bands are averaged",
				   .type = MIXD_TYPE_ENUM,
				   .max = 4,
				   .labels = spectrum_smooths},
	[SPECTRUM_PARAM_TILT] = {.id = "tilt",
				 .doc = "Raise towards high frequencies, about 1 kHz: 3 makes pink "
					"noise level, 4.5 most music",
				 .unit = MIXD_UNIT_DB_PER_OCT,
				 .max = 6},
	[SPECTRUM_PARAM_AVERAGE] = {.id = "average",
				    .doc = "Time constant of the average of power; 0 is none",
				    .unit = MIXD_UNIT_S,
				    .max = 10,
				    .def = 0.5},
	[SPECTRUM_PARAM_HOLD] = {.id = "hold",
				 .doc = "How long peaks stand before they fall",
				 .unit = MIXD_UNIT_S,
				 .max = 3600,
				 .def = 2},
	[SPECTRUM_PARAM_FALL] = {.id = "fall",
				 .doc = "How fast peaks fall then",
				 .unit = MIXD_UNIT_DB_PER_S,
				 .min = 1,
				 .max = 200,
				 .def = 20},
	[SPECTRUM_PARAM_PAUSE] = {.id = "pause",
				  .doc = "Hold the picture",
				  .type = MIXD_TYPE_BOOL,
				  .max = 1},
	[SPECTRUM_PARAM_RESET] = {.id = "reset",
				  .doc = "Any change begins average and peaks again",
				  .type = MIXD_TYPE_INT,
				  .max = 1000000000},
};

static const struct mixd_meter_row spectrum_meters[] = {
	{"freq", "Frequency of the highest bin, interpolated", MIXD_UNIT_HZ, MIXD_FOLD_LAST, NULL,
	 false},
	{"level", "Its level; a full-scale sine is 0", MIXD_UNIT_DBFS, MIXD_FOLD_LAST, NULL, false},
	{"frames", "Transforms since reset: when it changes, there is a new picture",
	 MIXD_UNIT_NONE, MIXD_FOLD_LAST, NULL, false},
	{.id = "bin",
	 .doc = "Averaged level of band k, whose centre is 1 kHz * 2^((k - 136) / 24): 20.3 Hz to "
		"20.2 kHz",
	 .unit = MIXD_UNIT_DBFS,
	 .count = SPECTRUM_BANDS},
	{.id = "held",
	 .doc = "Held peak of band k, not averaged",
	 .unit = MIXD_UNIT_DBFS,
	 .count = SPECTRUM_BANDS},
};

/* What a job is told; the audio thread's while no job is out. */
struct spectrum_job {
	bool restart;
	enum logbands_pool pool;
	uint32_t span;
	float tilt_db; /* per octave */
	float keep; /* of the average */
	float hold_hops;
	float fall; /* factor of power per hop */
};

struct spectrum {
	/* --- immutable after init --- */
	struct logbands bands;
	/* --- rt --- */
	struct spectrum_job wanted;
	double reset_seen;
	uint32_t channel;
	bool pause;
	struct analyser analyser;
	/* --- of the job --- */
	struct spectrum_job job;
	float *average; /* [bins + 1] power */
	float peak[SPECTRUM_BANDS], age[SPECTRUM_BANDS]; /* age in hops */
	double frames;
	double shown[SPECTRUM_METER_END];
};

static uint32_t spectrum_size(const struct mixd_setup *setup)
{
	return 4096u << (uint32_t)setup->config[SPECTRUM_CONFIG_SIZE].number;
}

static size_t spectrum_round(size_t bytes)
{
	return (bytes + 63) / 64 * 64;
}

static int spectrum_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			  struct mixd_fault *fault)
{
	uint32_t size = spectrum_size(setup);

	ret_need->state_bytes = spectrum_round(sizeof(struct spectrum)) + analyser_bytes(size) +
				(size / 2 + 1) * sizeof(float); /* average */
	ret_need->tail = UINT64_MAX; /* the picture stays */
	return 0;
}

static void spectrum_blank(struct mixd_inst *inst)
{
	inst->meter[SPECTRUM_METER_FREQ] = inst->meter[SPECTRUM_METER_FRAMES] = 0;
	inst->meter[SPECTRUM_METER_LEVEL] = -INFINITY;
	for (uint32_t k = SPECTRUM_METER_BIN; k < SPECTRUM_METER_END; k++)
		inst->meter[k] = -INFINITY;
}

static void spectrum_reset(struct mixd_inst *inst)
{
	struct spectrum *node = inst->state;

	framer_reset(&node->analyser.framer);
	node->wanted.restart = true;
	spectrum_blank(inst);
}

static int spectrum_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	static const enum window_kind kinds[] = {WINDOW_HANN, WINDOW_BLACKMAN_HARRIS,
						 WINDOW_FLAT_TOP, WINDOW_KAISER};
	struct spectrum *node = inst->state;
	uint32_t window = (uint32_t)inst->setup->config[SPECTRUM_CONFIG_WINDOW].number;
	uint32_t size = spectrum_size(inst->setup);
	char *memory = (char *)inst->state + spectrum_round(sizeof(*node));

	analyser_place(&node->analyser, size, size / SPECTRUM_OVERLAP, kinds[window],
		       SPECTRUM_KAISER_BETA, memory);
	node->average = (float *)(void *)(memory + analyser_bytes(size));
	logbands_init(&node->bands, SPECTRUM_BANDS, SPECTRUM_MIDDLE, SPECTRUM_PER_OCTAVE,
		      inst->setup->rate, size, window_noise_bins(node->analyser.window, size));
	spectrum_reset(inst);
	return 0;
}

static bool spectrum_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct spectrum *node = inst->state;
	struct spectrum_job *wanted = &node->wanted;
	double hop_s = node->analyser.framer.hop / inst->setup->rate;
	double average = update->to[SPECTRUM_PARAM_AVERAGE];

	if (!update->jump && update->to[SPECTRUM_PARAM_RESET] != node->reset_seen)
		spectrum_reset(inst);
	node->reset_seen = update->to[SPECTRUM_PARAM_RESET];
	node->pause = update->to[SPECTRUM_PARAM_PAUSE] >= 0.5;
	node->channel = (uint32_t)update->to[SPECTRUM_PARAM_CHANNEL];
	wanted->pool = (enum logbands_pool)update->to[SPECTRUM_PARAM_POOL];
	wanted->span = spectrum_spans[(uint32_t)update->to[SPECTRUM_PARAM_SMOOTH]];
	wanted->tilt_db = (float)update->to[SPECTRUM_PARAM_TILT];
	wanted->keep = average > 0 ? (float)exp(-hop_s / average) : 0.0f;
	wanted->hold_hops = (float)(update->to[SPECTRUM_PARAM_HOLD] / hop_s);
	wanted->fall = (float)pow(10, -update->to[SPECTRUM_PARAM_FALL] * hop_s / 10);
	return false;
}

/* ---- the worker's part ---- */

static double spectrum_db(float power)
{
	return power > 0 ? 10 * M_LN2 / M_LN10 * (double)log2f(power) : -INFINITY;
}

MIXD_CLONES static void spectrum_average(float *average, const float *power, float keep, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++)
		average[k] = power[k] + keep * (average[k] - power[k]);
}

/* Which of N values, none negative, is the highest: as integers, whose maximum has vectors. */
MIXD_CLONES static uint32_t spectrum_top(const float *power, uint32_t n)
{
	int32_t highest = 0, order;
	uint32_t k = 0;

	for (uint32_t i = 0; i < n; i++) {
		memcpy(&order, power + i, sizeof(order));
		highest = order > highest ? order : highest;
	}
	do
		memcpy(&order, power + k, sizeof(order));
	while (order != highest && ++k + 1 < n);
	return k;
}

/* The highest bin, its top found by a parabola through the logarithms around it. */
static void spectrum_find(struct spectrum *node, double rate)
{
	const float *power = node->average;
	uint32_t top = 1 + spectrum_top(power + 1, node->analyser.bins - 1);
	double left, right, middle, bow, off = 0;

	left = spectrum_db(power[top - 1]);
	middle = spectrum_db(power[top]);
	right = spectrum_db(power[top + 1]);
	bow = left - 2 * middle + right;
	if (isfinite(bow) && bow < 0)
		off = 0.5 * (left - right) / bow;
	node->shown[SPECTRUM_METER_FREQ] =
		power[top] > 0 ? (top + off) * rate / node->analyser.size : 0;
	node->shown[SPECTRUM_METER_LEVEL] = middle;
}

static void spectrum_hold(struct spectrum *node, const float *now)
{
	for (uint32_t b = 0; b < SPECTRUM_BANDS; b++) {
		node->age[b]++;
		if (node->age[b] > node->job.hold_hops)
			node->peak[b] *= node->job.fall;
		if (now[b] >= node->peak[b]) {
			node->peak[b] = now[b];
			node->age[b] = 0;
		}
	}
}

static void spectrum_work(struct mixd_inst *inst, uint32_t job)
{
	struct spectrum *node = inst->state;
	float bands[SPECTRUM_BANDS];

	analyser_transform(&node->analyser);
	if (node->job.restart) {
		node->frames = 0;
		memset(node->peak, 0, sizeof(node->peak));
	}
	spectrum_average(node->average, node->analyser.power,
			 node->frames > 0 ? node->job.keep : 0.0f, node->analyser.bins + 1);
	node->frames++;
	spectrum_find(node, inst->setup->rate);
	logbands_gather(&node->bands, node->job.pool, node->analyser.power, bands);
	spectrum_hold(node, bands);
	logbands_gather(&node->bands, node->job.pool, node->average, bands);
	logbands_smooth(&node->bands, node->job.span, bands);
	for (uint32_t b = 0; b < SPECTRUM_BANDS; b++) {
		double tilt = (double)node->job.tilt_db * ((double)b - SPECTRUM_MIDDLE) /
			      SPECTRUM_PER_OCTAVE;

		node->shown[SPECTRUM_METER_BIN + b] = spectrum_db(bands[b]) + tilt;
		node->shown[SPECTRUM_METER_PEAK + b] = spectrum_db(node->peak[b]) + tilt;
	}
	node->shown[SPECTRUM_METER_FRAMES] = node->frames;
	framer_done(&node->analyser.framer);
}

/* ---- the audio thread's part ---- */

static void spectrum_take_result(struct mixd_inst *inst)
{
	struct spectrum *node = inst->state;

	if (framer_taken(&node->analyser.framer))
		memcpy(inst->meter, node->shown, sizeof(node->shown));
}

static void spectrum_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct spectrum *node = inst->state;
	uint32_t channels = inst->setup->in_layout[0]->n_channels;
	uint32_t one = node->channel > 0;
	uint32_t from = one ? (node->channel <= channels ? node->channel : channels) - 1 : 0;

	spectrum_take_result(inst);
	for (uint32_t first = 0; first < call->n_frames && !node->pause;) {
		uint32_t n = framer_room(&node->analyser.framer, call->n_frames - first);

		if (framer_put(&node->analyser.framer, inst->in + from, one ? 1 : channels, first,
			       n)) {
			node->job = node->wanted;
			node->wanted.restart = false;
			if (!inst->host->submit(inst, 0)) {
				node->wanted.restart = node->job.restart;
				framer_cancel(&node->analyser.framer);
			}
			spectrum_take_result(inst);
		}
		first += n;
	}
	for (uint32_t c = 0; c < channels; c++)
		if (inst->out[c] != inst->in[c])
			memcpy(inst->out[c], inst->in[c], call->n_frames * sizeof(float));
}

static const struct mixd_node_type spectrum_type = {
	.id = "spectrum",
	.doc = "Spectrum analyser: 1/24 octave, average and held peaks",
	.category = "analysis",
	.source = "Welch, IEEE Trans. AU-15, 1967; Heinzel et al., 2002",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE | MIXD_NODE_RUN_BYPASSED,
	.ports = spectrum_ports,
	.n_ports = 2,
	.params = spectrum_params,
	.n_params = sizeof(spectrum_params) / sizeof(spectrum_params[0]),
	.configs = spectrum_configs,
	.n_configs = sizeof(spectrum_configs) / sizeof(spectrum_configs[0]),
	.meters = spectrum_meters,
	.n_meters = sizeof(spectrum_meters) / sizeof(spectrum_meters[0]),
	.needs = spectrum_needs,
	.activate = spectrum_activate,
	.update = spectrum_update,
	.process = spectrum_process,
	.reset = spectrum_reset,
	.work = spectrum_work,
};

MIXD_MODULE(&spectrum_type);
