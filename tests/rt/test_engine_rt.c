/* test_engine_rt.c - the engine behind the fence: real nodes, random edits, and the audio thread
 * neither allocates nor locks nor calls the system. A violation ends this program (rtcheck.c). */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "engine_modules.h"
#include "instance.h"
#include "rtcheck.h"
#include "test.h"

#define EDITS 1500

static const char session[] =
	"mixd: 1\n"
	"nodes:\n"
	"  program: {type: input, layout: stereo, device: none}\n"
	"  eq: {type: eq, band1: {on: on, gain: 3dB}, band2: {on: on, gain: -3dB}}\n"
	"  comp: {type: comp}\n"
	"  level: {type: leveler}\n"
	"  limit: {type: limiter}\n"
	"  meter: {type: loudness}\n"
	"  tone: {type: generator}\n"
	"  echo: {type: feedback, delay: 50ms}\n"
	"  back: {type: gain, gain: -12dB}\n"
	"  sum: {type: bus, inputs: 3, layout: stereo}\n"
	"  out: {type: output, layout: stereo, device: none}\n"
	"links:\n"
	"  - program -> eq -> comp -> sum:in1\n"
	"  - tone -> sum:in2\n"
	"  - sum -> echo -> back -> sum:in3\n"
	"  - sum -> level -> limit -> out\n"
	"  - limit -> meter\n";

static const char *const edits[] = {
	"eq.band1.freq=1kHz",	 "eq.band1.freq=100Hz",	   "eq.band2.type=notch",
	"eq.band2.type=bell",	 "comp.threshold=-30dBFS", "comp.threshold=-10dBFS",
	"limit.ceiling=-3dBTP",	 "limit.ceiling=-1dBTP",   "level.target=-20LUFS",
	"back.gain=-20dB",	 "back.gain=-inf",	   "back.gain=-12dB",
	"tone.freq=2kHz",	 "tone.freq=200Hz",	   "tone.level=-30dBFS",
	"eq.bypass=on",		 "eq.bypass=off",	   "limit.bypass=on",
	"limit.bypass=off",	 "comp.mute=on",	   "comp.mute=off",
	"sum.inputs=5",		 "sum.inputs=3",	   "limit.lookahead=3ms",
	"limit.lookahead=1.5ms", "tone.signal=pink",	   "tone.signal=sine"};

struct fenced {
	struct graph_types *types;
	struct engine_modules *modules;
	struct engine *engine;
	struct instance *instance;
	uint64_t position, broken; /* of the thread that runs it */
	uint32_t noise;
	atomic_bool over;
};

static void fenced_refused(void *data, const char *path, const char *reason)
{
	test_note("%s: %s", path, reason);
}

static int fenced_send(struct fenced *fenced, Mixd__V1__Op *op, struct mixd_error *err)
{
	struct instance_request request = {.ops = &op, .n_ops = 1, .by = "test"};
	struct instance_result result = {0};
	int r = instance_transact(fenced->instance, &request, &result, err);

	instance_result_done(&result);
	return r;
}

static void fenced_open(struct fenced *fenced)
{
	struct engine_setup setup = {.rate = 48000, .seed = 1};
	Mixd__V1__Apply apply = MIXD__V1__APPLY__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT;
	struct mixd_error err = {0};

	*fenced = (struct fenced){.types = graph_types_new()};
	CHECK(engine_modules_load(fenced->types, fenced_refused, NULL, &fenced->modules, &err) >= 0,
	      "%s", err.text);
	CHECK(engine_new(&setup, &fenced->engine, &err) == 0, "%s", err.text);
	CHECK(instance_new("test", fenced->types, fenced->engine, NULL, &fenced->instance, &err) ==
	      0);
	apply.text = (char *)session;
	apply.format = (char *)"yaml";
	op.op_case = MIXD__V1__OP__OP_APPLY;
	op.apply = &apply;
	CHECK(fenced_send(fenced, &op, &err) == 0, "%s: %s; %s", err.address, err.text, err.hint);
	engine_meters_lease(fenced->engine, 1);
	engine_set_running(fenced->engine, true);
}

static void fenced_close(struct fenced *fenced)
{
	engine_set_running(fenced->engine, false);
	instance_free(fenced->instance);
	engine_free(fenced->engine);
	graph_types_free(fenced->types);
	engine_modules_free(fenced->modules);
}

static void fenced_run(struct fenced *fenced, uint32_t n)
{
	static float left[8192], right[8192], outs[2][8192];
	const float *in_channels[] = {left, right};
	float *out_channels[] = {outs[0], outs[1]};
	const float *const *in_slots[] = {in_channels, in_channels};
	float *const *out_slots[] = {out_channels, out_channels};
	struct engine_cycle cycle = {n, in_slots, 2, out_slots, 2};

	for (uint32_t i = 0; i < n; i++) {
		double t = (double)(fenced->position + i) / 48000;

		left[i] = (float)(0.2 * sin(2 * M_PI * 1000 * t));
		fenced->noise = fenced->noise * 1664525u + 1013904223u;
		right[i] = (float)((double)fenced->noise * 0x1p-35);
	}
	if (rtcheck_enter)
		rtcheck_enter();
	engine_process(fenced->engine, &cycle);
	if (rtcheck_exit)
		rtcheck_exit();
	fenced->position += n;
	for (uint32_t i = 0; i < n; i++)
		fenced->broken += !isfinite(outs[0][i]) || !isfinite(outs[1][i]);
}

/* A set from the list; sometimes a node more, or less. */
static void fenced_edit(struct fenced *fenced, uint32_t turn)
{
	Mixd__V1__Value value = MIXD__V1__VALUE__INIT;
	Mixd__V1__Set set = MIXD__V1__SET__INIT;
	Mixd__V1__AddNode add = MIXD__V1__ADD_NODE__INIT;
	Mixd__V1__RemoveNode remove = MIXD__V1__REMOVE_NODE__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT;
	struct mixd_error err = {0};
	char text[64];
	int r;

	if (turn % 16 == 7) {
		op.op_case = MIXD__V1__OP__OP_ADD;
		add.name = (char *)"guest";
		add.type = (char *)(turn % 32 == 7 ? "pan" : "gain");
		add.after = (char *)"eq";
		op.add = &add;
	} else if (turn % 16 == 15) {
		op.op_case = MIXD__V1__OP__OP_REMOVE;
		remove.name = (char *)"guest";
		remove.heal = true;
		op.remove = &remove;
	} else {
		snprintf(text, sizeof(text), "%s",
			 edits[test_random_below(sizeof(edits) / sizeof(edits[0]))]);
		value.kind_case = MIXD__V1__VALUE__KIND_TEXT;
		value.text = strchr(text, '=') + 1;
		*strchr(text, '=') = '\0';
		set.address = text;
		set.value = &value;
		op.op_case = MIXD__V1__OP__OP_SET;
		op.set = &set;
	}
	r = fenced_send(fenced, &op, &err);
	CHECK(r == 0 || r == -EAGAIN, "%s: %s; %s", err.address, err.text, err.hint);
}

TEST(engine_rt_random_edits_stay_behind_the_fence)
{
	struct rtcheck_counts before, after;
	struct engine_stats stats;
	struct fenced fenced;

	CHECK(rtcheck_read || !getenv("MIXD_RTCHECK"), "the fence is not loaded");
	if (!rtcheck_read)
		return; /* a sanitizer build, or run by hand */
	fenced_open(&fenced);
	for (int i = 0; i < 100; i++)
		fenced_run(&fenced, 256);
	rtcheck_read(&before);
	for (int i = 0; i < 200; i++)
		fenced_run(&fenced, 256);
	rtcheck_read(&after);
	CHECK(after.faults == before.faults, "%llu page faults in a settled graph",
	      after.faults - before.faults);
	for (uint32_t i = 0; i < EDITS; i++) {
		fenced_edit(&fenced, i);
		fenced_run(&fenced, 1 + test_random_below(700));
		if (i % 3 == 0)
			instance_maintain(fenced.instance);
	}
	rtcheck_read(&before);
	engine_stats(fenced.engine, &stats);
	test_note("%d edits, %llu sections, %llu page faults, %llu quarantines", EDITS,
		  before.sections, before.faults - after.faults,
		  (unsigned long long)stats.quarantines);
	CHECK(stats.quarantines == 0 && fenced.broken == 0);
	CHECK(before.violations == 0);
	fenced_close(&fenced);
}

static void *fenced_audio(void *data)
{
	const struct timespec pause = {.tv_nsec = 100000};
	struct fenced *fenced = data;

	while (!atomic_load(&fenced->over)) {
		fenced_run(fenced, 64);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* The same with an audio thread of its own: what the thread sanitizer wants to see. */
TEST(engine_rt_edits_beside_a_running_audio_thread)
{
	const struct timespec pause = {.tv_nsec = 200000};
	struct fenced fenced;
	struct engine_stats stats;
	pthread_t thread;

	fenced_open(&fenced);
	CHECK(pthread_create(&thread, NULL, fenced_audio, &fenced) == 0);
	for (uint32_t i = 0; i < EDITS / 3; i++) {
		fenced_edit(&fenced, i);
		instance_maintain(fenced.instance);
		engine_meter(fenced.engine, 1, GRAPH_METER_PEAK, 0, 0);
		engine_stats(fenced.engine, &stats);
		nanosleep(&pause, NULL);
	}
	atomic_store(&fenced.over, true);
	CHECK(pthread_join(thread, NULL) == 0);
	test_note("%llu cycles beside %d edits", (unsigned long long)stats.cycles, EDITS / 3);
	CHECK(stats.quarantines == 0 && fenced.broken == 0);
	fenced_close(&fenced);
}
