/* test_onair.c - the on-air chain in the real engine, with everything the engine does around nodes: sleep, slices,
 * links. What test_leveler proves of the node must hold of the chain. */
#define RIG_NO_FAKES
#include "../unit/engine_rig.h"
#include "engine_modules.h"
#include "programme.h"

#define BLOCK 256u
#define TARGET_LUFS (-23.0)

static struct programme onair_programme;

static double onair_signal(uint64_t position, uint32_t channel)
{
	return position < onair_programme.n ? (double)onair_programme.x[position] : 0.0;
}

static void onair_refused(void *data, const char *path, const char *reason)
{
	test_note("%s: %s", path, reason);
}

static struct rig *onair_open(struct engine_modules **ret_modules)
{
	struct graph_types *types = graph_types_new();
	struct mixd_error err = {0};
	struct rig *rig;

	setenv("MIXD_NODE_PATH", MIXD_TEST_NODES, 1);
	CHECK(engine_modules_load(types, onair_refused, NULL, ret_modules, &err) == 0, "%s",
	      err.text);
	rig = rig_open_with(types, false);
	rig_q_add(rig, "in", "input", "layout=stereo");
	rig_q_add(rig, "level", "leveler", "target=-23LUFS");
	rig_q_add(rig, "limit", "limiter", "ceiling=-1dBTP");
	rig_q_add(rig, "meter", "loudness", NULL);
	rig_q_add(rig, "out", "output", "layout=stereo");
	rig_q_link(rig, "in", "level", 0);
	rig_q_link(rig, "level", "limit", 0);
	rig_q_link(rig, "limit", "out", 0);
	rig_q_link(rig, "limit", "meter", 0);
	rig_commit(rig);
	rig->slot_in = graph_model_node(instance_model(rig->instance), "in")->slot;
	rig->slot_out = graph_model_node(instance_model(rig->instance), "out")->slot;
	rig->signal = onair_signal;
	engine_meters_lease(rig->engine, 1);
	return rig;
}

static double onair_meter(struct rig *rig, const char *node_name, const char *id)
{
	const struct graph_node *node = graph_model_node(instance_model(rig->instance), node_name);
	uint32_t channel;
	int idx = graph_type_meter(node->type, id, &channel);

	CHECK(idx >= 0, "%s has no meter %s", node_name, id);
	return engine_meter(rig->engine, node->uid, (uint32_t)idx, 0, 0);
}

static void onair_close(struct rig *rig, struct engine_modules *modules)
{
	rig_close(rig);
	engine_modules_free(modules);
	free(onair_programme.x);
}

/* Issue "On air": speech, 30 s of silence, 30 s of noise at -55 dBFS, speech again. */
TEST(silence_and_noise_leave_the_gain_where_it_was)
{
	const uint32_t speech = 20 * RATE, pause = 30 * RATE;
	struct engine_modules *modules = NULL;
	struct rig *rig;
	double gain_db, held_db, moved_db = 0.0, counted, resumed;

	programme_make(&onair_programme, 100.0);
	make_speech(onair_programme.x, speech, -31.0);
	make_noise(onair_programme.x + speech + pause, pause, -55.0);
	make_speech(onair_programme.x + speech + 2 * pause, speech, -31.0);
	rig = onair_open(&modules);
	rig_run(rig, speech, BLOCK);
	gain_db = onair_meter(rig, "level", "gain");
	counted = onair_meter(rig, "meter", "counted");
	for (uint32_t i = 0; i < 60; i++) {
		rig_run(rig, RATE, BLOCK);
		moved_db = fmax(moved_db, fabs(onair_meter(rig, "level", "gain") - gain_db));
	}
	held_db = onair_meter(rig, "level", "gain");
	rig_run(rig, 2 * RATE / 5, BLOCK);
	resumed = onair_meter(rig, "level", "gain");
	rig_run(rig, speech - 2 * RATE / 5, BLOCK);
	test_note("gain %.2f dB; moved %.2f dB in silence and noise; %.2f dB 400 ms after; I %.2f "
		  "LUFS",
		  gain_db, moved_db, resumed, onair_meter(rig, "meter", "i"));
	CHECK_NEAR(gain_db, 8.0, 1.0);
	CHECK(moved_db <= 0.5, "the gain moved by %.2f dB while nothing was on", moved_db);
	CHECK_NEAR(resumed, held_db, 0.5);
	/* and the meter still knows of the first speech */
	CHECK(onair_meter(rig, "meter", "counted") > counted + 10.0);
	CHECK_NEAR(onair_meter(rig, "meter", "i"), TARGET_LUFS, 1.0);
	onair_close(rig, modules);
}

/* A step of +20 dB: the output stays below the ceiling, as the meter behind the limiter sees it. */
TEST(a_step_of_20_db_stays_below_the_ceiling)
{
	struct engine_modules *modules = NULL;
	struct rig *rig;
	double true_peak, last;

	programme_make(&onair_programme, 40.0);
	make_speech(onair_programme.x, 20 * RATE, -33.0);
	make_speech(onair_programme.x + 20 * RATE, 20 * RATE, -13.0);
	rig = onair_open(&modules);
	rig_run(rig, 40 * RATE, BLOCK);
	true_peak = onair_meter(rig, "meter", "tp");
	last = lufs(rig->out[0] + rig->n_out - 8 * RATE, 8 * RATE);
	test_note("true peak %.2f dBTP; last 8 s at %.2f LUFS", true_peak, last);
	CHECK(true_peak <= -1.0 + 0.1, "true peak %.3f dBTP", true_peak);
	CHECK_NEAR(last, TARGET_LUFS, 1.0);
	onair_close(rig, modules);
}
