/* spectrogram - the sound as a picture: columns of 160 bands in dB, for a client to draw.
 *
 * SOURCE      Koenig, Dunn, Lacy, "The sound spectrograph", JASA 18, 1946; frames of 2048 with a
 *             hop of 512 (43 and 11 ms at 48 kHz; at higher rates as long), Hann.
 * STRUCTURE   As spectrum: the audio thread copies into a ring (dsp/analyser.h), the worker does the
 *             rest. Several transforms make one column, so that a client that reads meters 30 times
 *             a second sees all of them: `column` counts, `now` is the newest, `before` the one
 *             before. Levels are rounded to half a dB: eight bits from 0 to -127.5. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "analyser.h"
#include "logbands.h"

#include <mixd/rt.h>

#define SPECTROGRAM_BANDS 160u
#define SPECTROGRAM_MIDDLE 90u /* the band of 1 kHz, from 0 */
#define SPECTROGRAM_PER_OCTAVE 16.0
#define SPECTROGRAM_SIZE 2048u /* at 44.1 and 48 kHz */
#define SPECTROGRAM_OVERLAP 4u
#define SPECTROGRAM_FLOOR_DB (-127.5)

enum {
	SPECTROGRAM_PARAM_CHANNEL,
	SPECTROGRAM_PARAM_SPEED,
	SPECTROGRAM_PARAM_POOL,
	SPECTROGRAM_PARAM_TILT,
	SPECTROGRAM_PARAM_PAUSE,
};

enum {
	SPECTROGRAM_METER_COLUMN,
	SPECTROGRAM_METER_NOW,
	SPECTROGRAM_METER_BEFORE = SPECTROGRAM_METER_NOW + SPECTROGRAM_BANDS,
	SPECTROGRAM_METER_END = SPECTROGRAM_METER_BEFORE + SPECTROGRAM_BANDS,
};

static const char *const spectrogram_pools[] = {"peak", "mean", NULL};

static const struct mixd_port_row spectrogram_ports[] = {
	{"in", "What is looked at", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same, unchanged", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row spectrogram_params[] = {
	[SPECTROGRAM_PARAM_CHANNEL] = {.id = "channel",
				       .doc = "Channel to look at; 0 is the mean of all",
				       .type = MIXD_TYPE_INT,
				       .max = MIXD_CHANNELS_MAX},
	[SPECTROGRAM_PARAM_SPEED] = {.id = "speed",
				     .doc = "Columns per second, as near as whole transforms allow",
				     .unit = MIXD_UNIT_HZ,
				     .min = 1,
				     .max = 100,
				     .def = 25},
	[SPECTROGRAM_PARAM_POOL] = {.id = "pool",
				    .doc = "What a band shows: its highest bin, or the mean "
					   "(density)",
				    .type = MIXD_TYPE_ENUM,
				    .max = 1,
				    .labels = spectrogram_pools},
	[SPECTROGRAM_PARAM_TILT] = {.id = "tilt",
				    .doc = "Raise towards high frequencies, about 1 kHz",
				    .unit = MIXD_UNIT_DB_PER_OCT,
				    .max = 6,
				    .def = 3},
	[SPECTROGRAM_PARAM_PAUSE] = {.id = "pause",
				     .doc = "Hold the picture",
				     .type = MIXD_TYPE_BOOL,
				     .max = 1},
};

static const struct mixd_meter_row spectrogram_meters[] = {
	{"column", "Columns since reset; two more than last time: one was missed", MIXD_UNIT_NONE,
	 MIXD_FOLD_LAST, NULL, false},
	{.id = "now",
	 .doc = "Newest column: level of band k, whose centre is 1 kHz * 2^((k - 91) / 16): 20.3 "
		"Hz "
		"to 19.9 kHz",
	 .unit = MIXD_UNIT_DBFS,
	 .count = SPECTROGRAM_BANDS},
	{.id = "before",
	 .doc = "The column before it",
	 .unit = MIXD_UNIT_DBFS,
	 .count = SPECTROGRAM_BANDS},
};

/* What a job is told; the audio thread's while no job is out. */
struct spectrogram_job {
	bool restart;
	enum logbands_pool pool;
	float tilt_db;
	uint32_t hops; /* to a column */
};

struct spectrogram {
	/* --- immutable after init --- */
	struct logbands bands;
	/* --- rt --- */
	struct spectrogram_job wanted;
	uint32_t channel;
	bool pause;
	struct analyser analyser;
	/* --- of the job --- */
	struct spectrogram_job job;
	uint32_t hops; /* in the column under way */
	float under_way[SPECTROGRAM_BANDS];
	double shown[SPECTROGRAM_METER_END];
};

static uint32_t spectrogram_size(const struct mixd_setup *setup)
{
	uint32_t size = SPECTROGRAM_SIZE;

	for (double rate = 64000; rate < setup->rate; rate *= 2)
		size *= 2;
	return size;
}

static size_t spectrogram_round(size_t bytes)
{
	return (bytes + 63) / 64 * 64;
}

static int spectrogram_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			     struct mixd_fault *fault)
{
	uint32_t size = spectrogram_size(setup);

	ret_need->state_bytes =
		spectrogram_round(sizeof(struct spectrogram)) + analyser_bytes(size);
	ret_need->tail = UINT64_MAX; /* silence is part of the picture */
	return 0;
}

static void spectrogram_reset(struct mixd_inst *inst)
{
	struct spectrogram *node = inst->state;

	framer_reset(&node->analyser.framer);
	node->wanted.restart = true;
	inst->meter[SPECTROGRAM_METER_COLUMN] = 0;
	for (uint32_t k = SPECTROGRAM_METER_NOW; k < SPECTROGRAM_METER_END; k++)
		inst->meter[k] = SPECTROGRAM_FLOOR_DB;
}

static int spectrogram_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct spectrogram *node = inst->state;
	uint32_t size = spectrogram_size(inst->setup);

	analyser_place(&node->analyser, size, size / SPECTROGRAM_OVERLAP, WINDOW_HANN, 0,
		       (char *)inst->state + spectrogram_round(sizeof(*node)));
	logbands_init(&node->bands, SPECTROGRAM_BANDS, SPECTROGRAM_MIDDLE, SPECTROGRAM_PER_OCTAVE,
		      inst->setup->rate, size, window_noise_bins(node->analyser.window, size));
	spectrogram_reset(inst);
	return 0;
}

static bool spectrogram_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct spectrogram *node = inst->state;
	double hops_per_s = inst->setup->rate * SPECTROGRAM_OVERLAP / node->analyser.size;
	double hops = floor(hops_per_s / update->to[SPECTROGRAM_PARAM_SPEED] + 0.5);

	node->wanted.hops = hops > 1 ? (uint32_t)hops : 1;
	node->wanted.tilt_db = (float)update->to[SPECTROGRAM_PARAM_TILT];
	node->wanted.pool = (enum logbands_pool)update->to[SPECTROGRAM_PARAM_POOL];
	node->channel = (uint32_t)update->to[SPECTROGRAM_PARAM_CHANNEL];
	node->pause = update->to[SPECTROGRAM_PARAM_PAUSE] >= 0.5;
	return false;
}

/* ---- the worker's part ---- */

static double spectrogram_level(float power, double tilt_db)
{
	double db = power > 0 ? 10 * M_LN2 / M_LN10 * (double)log2f(power) + tilt_db
			      : SPECTROGRAM_FLOOR_DB;

	db = floor(2 * db + 0.5) / 2;
	return db > SPECTROGRAM_FLOOR_DB ? fmin(db, 24) : SPECTROGRAM_FLOOR_DB;
}

/* A band of the column: the highest, or the mean, of its transforms. */
static void spectrogram_gather(struct spectrogram *node)
{
	float now[SPECTROGRAM_BANDS];

	logbands_gather(&node->bands, node->job.pool, node->analyser.power, now);
	if (node->hops == 0)
		memset(node->under_way, 0, sizeof(node->under_way));
	for (uint32_t b = 0; b < SPECTROGRAM_BANDS; b++) {
		float have = node->under_way[b];

		if (node->job.pool == LOGBANDS_MEAN)
			have += now[b] / (float)node->job.hops;
		else
			have = now[b] > have ? now[b] : have;
		node->under_way[b] = have;
	}
	node->hops++;
}

static void spectrogram_column(struct spectrogram *node)
{
	double *now = node->shown + SPECTROGRAM_METER_NOW;

	memcpy(node->shown + SPECTROGRAM_METER_BEFORE, now, SPECTROGRAM_BANDS * sizeof(*now));
	for (uint32_t b = 0; b < SPECTROGRAM_BANDS; b++)
		now[b] = spectrogram_level(node->under_way[b],
					   (double)node->job.tilt_db *
						   ((double)b - SPECTROGRAM_MIDDLE) /
						   SPECTROGRAM_PER_OCTAVE);
	node->shown[SPECTROGRAM_METER_COLUMN]++;
	node->hops = 0;
}

static void spectrogram_work(struct mixd_inst *inst, uint32_t job)
{
	struct spectrogram *node = inst->state;

	if (node->job.restart) {
		node->hops = 0;
		node->shown[SPECTROGRAM_METER_COLUMN] = 0;
		for (uint32_t k = SPECTROGRAM_METER_NOW; k < SPECTROGRAM_METER_END; k++)
			node->shown[k] = SPECTROGRAM_FLOOR_DB;
	}
	analyser_transform(&node->analyser);
	spectrogram_gather(node);
	if (node->hops >= node->job.hops)
		spectrogram_column(node);
	framer_done(&node->analyser.framer);
}

/* ---- the audio thread's part ---- */

static void spectrogram_take_result(struct mixd_inst *inst)
{
	struct spectrogram *node = inst->state;

	if (framer_taken(&node->analyser.framer) &&
	    node->shown[SPECTROGRAM_METER_COLUMN] != inst->meter[SPECTROGRAM_METER_COLUMN])
		memcpy(inst->meter, node->shown, sizeof(node->shown));
}

static void spectrogram_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct spectrogram *node = inst->state;
	uint32_t channels = inst->setup->in_layout[0]->n_channels;
	uint32_t one = node->channel > 0;
	uint32_t from = one ? (node->channel <= channels ? node->channel : channels) - 1 : 0;

	spectrogram_take_result(inst);
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
			spectrogram_take_result(inst);
		}
		first += n;
	}
	for (uint32_t c = 0; c < channels; c++)
		if (inst->out[c] != inst->in[c])
			memcpy(inst->out[c], inst->in[c], call->n_frames * sizeof(float));
}

static const struct mixd_node_type spectrogram_type = {
	.id = "spectrogram",
	.doc = "Spectrogram: columns of levels over frequency, for a client to draw",
	.category = "analysis",
	.source = "Koenig, Dunn, Lacy, JASA 18, 1946",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE | MIXD_NODE_RUN_BYPASSED,
	.ports = spectrogram_ports,
	.n_ports = 2,
	.params = spectrogram_params,
	.n_params = sizeof(spectrogram_params) / sizeof(spectrogram_params[0]),
	.meters = spectrogram_meters,
	.n_meters = sizeof(spectrogram_meters) / sizeof(spectrogram_meters[0]),
	.needs = spectrogram_needs,
	.activate = spectrogram_activate,
	.update = spectrogram_update,
	.process = spectrogram_process,
	.reset = spectrogram_reset,
	.work = spectrogram_work,
};

MIXD_MODULE(&spectrogram_type);
