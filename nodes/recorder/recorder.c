/* recorder.c - writes what passes through it to files. This file is the audio thread's side: into the
 * ring, and when a take begins and ends; recorder_setup.c writes. */
#include <string.h>
#include <time.h>

#include "recorder.h"

#include <mixd/rt.h>

static const struct mixd_port_row recorder_ports[] = {
	{"in", "What is recorded", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same", true, MIXD_PORT_MAIN, NULL},
};

enum { RECORDER_PARAM_RECORD, RECORDER_PARAM_SPLIT };

static const struct mixd_param_row recorder_params[] = {
	{"record", "On: a take begins (pre_roll earlier); off: it ends and its file gets its name",
	 MIXD_TYPE_BOOL, MIXD_UNIT_NONE, 0, 1, 0, MIXD_RAMP_NONE, 0, NULL, NULL, 0, NULL},
	{"split", "Turned on: from here on another file, without a gap", MIXD_TYPE_BOOL,
	 MIXD_UNIT_NONE, 0, 1, 0, MIXD_RAMP_NONE, 0, NULL, NULL, 0, NULL},
};

enum {
	RECORDER_METER_STATE,
	RECORDER_METER_LENGTH,
	RECORDER_METER_FILES,
	RECORDER_METER_LOST,
	RECORDER_METER_TROUBLE
};

static const char *const recorder_states[] = {"idle", "recording", "finishing", NULL};
static const char *const recorder_troubles[] = {"none", "disk late", "disk full", "cannot write",
						NULL};

static const struct mixd_meter_row recorder_meters[] = {
	{"take", "Whether a take is open, or is still being written", MIXD_UNIT_NONE,
	 MIXD_FOLD_LAST, recorder_states, false, 0},
	{"length", "Of the newest take so far", MIXD_UNIT_S, MIXD_FOLD_LAST, NULL, false, 0},
	{"files", "Files begun so far", MIXD_UNIT_NONE, MIXD_FOLD_LAST, NULL, false, 0},
	{"lost", "Frames that are missing because the disk was late, full or gone",
	 MIXD_UNIT_FRAMES, MIXD_FOLD_LAST, NULL, false, 0},
	{"trouble",
	 "Why something is missing; what was written before is kept, and it goes on in another "
	 "file "
	 "as soon as it can",
	 MIXD_UNIT_NONE, MIXD_FOLD_LAST, recorder_troubles, false, 0},
};

static uint32_t recorder_waiting(const struct recorder *recorder)
{
	return atomic_load_explicit(&recorder->n_begun, memory_order_relaxed) -
	       atomic_load_explicit(&recorder->n_done, memory_order_acquire);
}

static struct recorder_take *recorder_newest(struct recorder *recorder)
{
	uint32_t n = atomic_load_explicit(&recorder->n_begun, memory_order_relaxed);

	return n ? &recorder->take[(n - 1) % RECORDER_TAKES] : NULL;
}

static void recorder_begin(struct recorder *recorder, const struct mixd_call *call)
{
	uint64_t heard = atomic_load_explicit(&recorder->heard, memory_order_relaxed);
	uint32_t n = atomic_load_explicit(&recorder->n_begun, memory_order_relaxed);
	uint64_t kept = atomic_load_explicit(&recorder->kept, memory_order_acquire);
	struct recorder_take *take = &recorder->take[n % RECORDER_TAKES];
	uint64_t pre = heard < recorder->pre_frames ? heard : recorder->pre_frames;
	struct timespec now = {0};

	if (recorder_waiting(recorder) == RECORDER_TAKES) {
		atomic_store_explicit(&recorder->trouble, RECORDER_LATE, memory_order_relaxed);
		return;
	}
	if (n && heard - kept < pre) /* not what is in the take before */
		pre = heard - kept;
	if (n && recorder_waiting(recorder)) {
		uint64_t end =
			atomic_load_explicit(&recorder_newest(recorder)->end, memory_order_relaxed);

		pre = heard - end < pre ? heard - end : pre;
	}
	if (call->transport->is_rolling && call->transport->position < pre)
		pre = call->transport->position;
	clock_gettime(CLOCK_REALTIME, &now);
	take->begin = heard - pre;
	take->clock_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec -
			 (int64_t)((double)pre * 1e9 / recorder->rate);
	take->on_line = call->transport->is_rolling;
	take->line = call->transport->position - (take->on_line ? pre : 0);
	take->marker[0] = 0;
	if (call->transport->marker)
		memcpy(take->marker, call->transport->marker->name, sizeof(take->marker));
	atomic_store_explicit(&take->end, UINT64_MAX, memory_order_relaxed);
	if (!recorder_waiting(recorder))
		atomic_store_explicit(&recorder->kept, take->begin, memory_order_relaxed);
	atomic_store_explicit(&recorder->trouble, RECORDER_WELL, memory_order_relaxed);
	atomic_store_explicit(&recorder->n_begun, n + 1, memory_order_release);
	recorder->recording = true;
}

static void recorder_end(struct recorder *recorder)
{
	uint64_t heard = atomic_load_explicit(&recorder->heard, memory_order_relaxed);
	uint32_t n = atomic_load_explicit(&recorder->n_begun, memory_order_relaxed);
	struct recorder_take *take = &recorder->take[(n - 1) % RECORDER_TAKES];

	atomic_store_explicit(&take->end, heard, memory_order_release);
	recorder->recording = false;
}

/* Into the ring, unless that would write over what the disk has not got yet. */
static void recorder_hear(const struct mixd_inst *inst, struct recorder *recorder, uint32_t n)
{
	uint64_t heard = atomic_load_explicit(&recorder->heard, memory_order_relaxed);
	uint64_t kept = atomic_load_explicit(&recorder->kept, memory_order_acquire);
	uint32_t at = (uint32_t)heard & (recorder->ring_frames - 1);
	uint32_t part = recorder->ring_frames - at < n ? recorder->ring_frames - at : n;

	if (recorder_waiting(recorder) && heard + n - kept > recorder->ring_frames) {
		if (recorder->recording)
			recorder->lost += n;
		atomic_store_explicit(&recorder->trouble, RECORDER_LATE, memory_order_relaxed);
		return;
	}
	for (uint32_t c = 0; c < recorder->n_channels; c++) {
		memcpy(recorder->ring[c] + at, inst->in[c], part * sizeof(float));
		memcpy(recorder->ring[c], inst->in[c] + part, (n - part) * sizeof(float));
	}
	atomic_store_explicit(&recorder->heard, heard + n, memory_order_release);
}

static void recorder_ask(struct mixd_inst *inst, struct recorder *recorder)
{
	uint64_t heard = atomic_load_explicit(&recorder->heard, memory_order_relaxed);
	uint64_t kept = atomic_load_explicit(&recorder->kept, memory_order_acquire);

	if (!recorder_waiting(recorder) ||
	    atomic_load_explicit(&recorder->pending, memory_order_acquire) ||
	    (recorder->recording && heard - kept < RECORDER_CHUNK))
		return;
	atomic_store_explicit(&recorder->pending, 1, memory_order_release);
	if (!inst->host->submit_disk(inst, 0))
		atomic_store_explicit(&recorder->pending, 0, memory_order_relaxed);
}

static void recorder_tell(struct mixd_inst *inst, struct recorder *recorder)
{
	const struct recorder_take *newest = recorder_newest(recorder);
	uint64_t heard = atomic_load_explicit(&recorder->heard, memory_order_relaxed);
	enum recorder_trouble trouble = (enum recorder_trouble)atomic_load_explicit(
		&recorder->trouble, memory_order_relaxed);

	inst->meter[RECORDER_METER_STATE] = recorder->recording		 ? 1.0
					    : recorder_waiting(recorder) ? 2.0
									 : 0.0;
	if (newest) {
		uint64_t end = atomic_load_explicit(&newest->end, memory_order_relaxed);

		end = end < heard ? end : heard;
		inst->meter[RECORDER_METER_LENGTH] = (double)(end - newest->begin) / recorder->rate;
	}
	inst->meter[RECORDER_METER_FILES] =
		atomic_load_explicit(&recorder->n_files, memory_order_relaxed);
	inst->meter[RECORDER_METER_LOST] =
		(double)(recorder->lost +
			 atomic_load_explicit(&recorder->unwritten, memory_order_relaxed));
	inst->meter[RECORDER_METER_TROUBLE] = trouble;
	if (trouble == recorder->told)
		return;
	recorder->told = trouble;
	inst->host->event(inst, MIXD_EVENT_ALARM + RECORDER_METER_TROUBLE, trouble);
}

/* Another file from here on? While too many are not written yet, the one under way goes on. */
static bool recorder_splits(struct recorder *recorder, const struct mixd_transport *at, bool told)
{
	bool marked = recorder->split_marker && at->is_rolling && at->marker &&
		      at->marker->position == at->position;

	if (!marked && !told)
		return false;
	if (recorder_waiting(recorder) < RECORDER_TAKES)
		return true;
	atomic_store_explicit(&recorder->trouble, RECORDER_LATE, memory_order_relaxed);
	return false;
}

static void recorder_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct recorder *recorder = inst->state;
	bool wanted = inst->value[RECORDER_PARAM_RECORD] >= 0.5 &&
		      (!recorder->with_transport || call->transport->is_rolling);
	bool split = inst->value[RECORDER_PARAM_SPLIT] >= 0.5;

	/* a jump of the time line is another take */
	if (recorder->recording &&
	    (!wanted || (recorder->with_transport && call->transport->jumped) ||
	     recorder_splits(recorder, call->transport, split && !recorder->split)))
		recorder_end(recorder);
	recorder->split = split;
	if (wanted && !recorder->recording)
		recorder_begin(recorder, call);
	recorder_hear(inst, recorder, call->n_frames);
	recorder_ask(inst, recorder);
	recorder_tell(inst, recorder);
	for (uint32_t c = 0; c < recorder->n_channels; c++)
		if (inst->out[c] != inst->in[c])
			memcpy(inst->out[c], inst->in[c], call->n_frames * sizeof(float));
}

/* A take goes on: what is recorded is not forgotten. */
static void recorder_reset(struct mixd_inst *inst)
{
	(void)inst;
}

static const struct mixd_node_type recorder_type = {
	.id = "recorder",
	.doc = "Records what passes through to WAV files, with pre-roll, splits and a time "
	       "reference",
	.category = "io",
	.source = "EBU Tech 3285 (BWF); EBU Tech 3306, ITU-R BS.2088 (RF64)",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE | MIXD_NODE_RUN_BYPASSED,
	.ports = recorder_ports,
	.n_ports = 2,
	.params = recorder_params,
	.n_params = 2,
	.configs = recorder_configs,
	.n_configs = RECORDER_CONFIG_COUNT_,
	.meters = recorder_meters,
	.n_meters = 5,
	.needs = recorder_needs,
	.activate = recorder_activate,
	.deactivate = recorder_deactivate,
	.process = recorder_process,
	.reset = recorder_reset,
	.disk = recorder_disk,
};

MIXD_MODULE(&recorder_type);
