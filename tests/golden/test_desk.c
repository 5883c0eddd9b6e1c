/* test_desk.c - VCAs, solo and presets, with the real nodes and engine.
 *
 *   vox  -> out     music -> out     reverb (fed by vox, in front of its fader) -> out
 *   gains "vox", "music", "fx"; "phones" is a bus that listens, feeding the output's second half */
#define RIG_NO_FAKES
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "../unit/engine_rig.h"
#include "engine_modules.h"
#include "graph_expand.h"

static struct engine_modules *modules[2]; /* of the rigs that are open */
static uint32_t n_modules;

static void desk_refused(void *data, const char *path, const char *reason)
{
	test_note("%s: %s", path, reason);
}

static double desk_dc(uint64_t position, uint32_t channel)
{
	return 0.1;
}

static struct rig *desk_open(void)
{
	struct graph_types *types = graph_types_new();
	struct mixd_error err = {0};
	struct rig *rig;

	setenv("MIXD_NODE_PATH", MIXD_TEST_NODES, 1);
	CHECK(engine_modules_load(types, desk_refused, NULL, &modules[n_modules++], &err) == 0,
	      "%s", err.text);
	rig = rig_open_with(types, false);
	rig->signal = desk_dc;
	rig_q_add(rig, "in", "input", "layout=stereo");
	rig_q_add(rig, "out", "output", "layout=stereo");
	return rig;
}

static void desk_close(struct rig *rig)
{
	rig_close(rig);
	while (n_modules > 0)
		engine_modules_free(modules[--n_modules]);
}

static double desk_last(const struct rig *rig)
{
	return (double)rig->out[0][rig->n_out - 1];
}

static double desk_step(const struct rig *rig, uint64_t from)
{
	double most = 0;

	for (uint64_t i = from + 1; i < rig->n_out; i++)
		most = fmax(most, fabs((double)rig->out[0][i] - (double)rig->out[0][i - 1]));
	return most;
}

static double desk_db(double db)
{
	return pow(10, db / 20);
}

/* ---- VCAs ---- */

static struct rig *vca_open(void)
{
	struct rig *rig = desk_open();

	rig_q_add(rig, "a", "gain", "gain=-6dB");
	rig_q_add(rig, "v", "vca", "members=a");
	rig_q_link(rig, "in", "a", 0);
	rig_q_link(rig, "a", "out", 0);
	rig_commit(rig);
	rig_run(rig, 4800, 128);
	return rig;
}

TEST(vca_multiplies_and_leaves_the_member_its_own)
{
	struct rig *rig = vca_open();
	const struct graph_node *a = graph_model_node(instance_model(rig->instance), "a");
	double now;

	CHECK_NEAR(desk_last(rig), 0.1 * desk_db(-6), 1e-7);
	rig_set(rig, "v.gain", "-10dB");
	rig_run(rig, 4800, 128);
	CHECK_NEAR(desk_last(rig), 0.1 * desk_db(-16), 1e-7);
	CHECK(a->value[GRAPH_PARAM_COMMON] == -6, "its own");
	CHECK(engine_param_now(rig->engine, a->uid, GRAPH_PARAM_COMMON, &now) && now == -6);
	rig_set(rig, "a.gain", "0dB");
	rig_run(rig, 4800, 128);
	CHECK_NEAR(desk_last(rig), 0.1 * desk_db(-10), 1e-7);
	rig_set(rig, "v.bypass", "on");
	rig_run(rig, 4800, 128);
	CHECK_NEAR(desk_last(rig), 0.1, 1e-7);
	rig_set(rig, "v.bypass", "off");
	rig_set(rig, "v.mute", "on");
	rig_run(rig, 4800, 128);
	CHECK_NEAR(desk_last(rig), 0, 0);
	rig_set(rig, "v.mute", "off");
	rig_set(rig, "v.gain", "-inf");
	rig_run(rig, 4800, 128);
	CHECK_NEAR(desk_last(rig), 0, 0);
	desk_close(rig);
}

TEST(vca_nests_and_counts_once)
{
	struct rig *rig = vca_open();
	int meter;

	/* w moves v, and a directly, too: each once */
	rig_q_add(rig, "w", "vca", "members=v,a gain=-3dB");
	rig_q_add(rig, "all", "vca", "members=** gain=-1dB");
	rig_q_set(rig, "v.gain", "-10dB", 0);
	rig_commit(rig);
	rig_run(rig, 4800, 128);
	CHECK_NEAR(desk_last(rig), 0.1 * desk_db(-6 - 10 - 3 - 1), 1e-7);
	engine_meters_lease(rig->engine, 1);
	rig_run(rig, 4800, 128);
	meter = graph_type_meter(graph_model_node(instance_model(rig->instance), "v")->type,
				 "level", NULL);
	CHECK_NEAR(engine_meter(rig->engine, rig_uid(rig, "v"), (uint32_t)meter, 0, 0), -14, 1e-9);
	engine_meters_lease(rig->engine, -1);
	desk_close(rig);
}

TEST(vca_refuses_what_cannot_be)
{
	static const struct {
		const char *members, *text, *hint;
	} rows[] = {
		{"b", "does not exist", "ls nodes"}, {"a,ax", "\"ax\" does not exist", "\"a\""},
		{"out", "no gain to move", "gain"},  {"v", "would move itself", "members"},
		{"w", "would move itself", NULL},
	};
	struct rig *rig = vca_open();

	rig_q_add(rig, "w", "vca", "members=v");
	rig_commit(rig);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rig_q_set(rig, "v.members", rows[i].members, 0);
		CHECK(rig_try(rig) == -EINVAL, "%s", rows[i].members);
		CHECK(strstr(rig->err.text, rows[i].text), "%s", rig->err.text);
		CHECK(!rows[i].hint || strstr(rig->err.hint, rows[i].hint), "%s", rig->err.hint);
		CHECK_STR(graph_model_node(instance_model(rig->instance), "v")
				  ->config[GRAPH_CONFIG_COMMON]
				  .text,
			  "a");
	}
	desk_close(rig);
}

TEST(vca_follows_its_members_names)
{
	struct rig *rig = vca_open();
	struct instance_request request = {.by = "test"};
	struct instance_result result = {0};
	const struct mixd_value *members =
		&graph_model_node(instance_model(rig->instance), "v")->config[GRAPH_CONFIG_COMMON];
	Mixd__V1__RenameNode *rename;

	rig_q_add(rig, "b", "gain", NULL);
	rig_q_set(rig, "v.members", "b, a", 0);
	rig_commit(rig);
	rename = rig_op(rig, MIXD__V1__OP__OP_RENAME, sizeof(*rename))->rename;
	mixd__v1__rename_node__init(rename);
	rename->name = strdup("a");
	rename->to = strdup("lead");
	rig_commit(rig);
	CHECK_STR(members->text, "b, lead");
	rig_q_remove(rig, "b", false);
	rig_commit(rig);
	CHECK_STR(members->text, "lead");
	rig_set(rig, "v.gain", "-20dB");
	rig_run(rig, 4800, 128);
	CHECK_NEAR(desk_last(rig), 0.1 * desk_db(-26), 1e-7);
	CHECK(instance_undo(rig->instance, 3, &request, &result, &rig->err) == 0, "%s",
	      rig->err.text);
	instance_result_done(&result);
	CHECK_STR(members->text, "b, a");
	rig_run(rig, 4800, 128);
	CHECK_NEAR(desk_last(rig), 0.1 * desk_db(-6), 1e-7);
	desk_close(rig);
}

/* The steepest slope of a smoothstep over 960 frames, of a whole way of 0.1 * 2 (+6 dB). */
#define DESK_STEP (0.2 * 1.5 / 960 * 1.02)

TEST(vca_moves_without_a_click)
{
	static const char *const edits[][2] = {
		{"v.gain", "-30dB"}, {"v.mute", "on"},	  {"a.gain", "6dB"},  {"v.mute", "off"},
		{"v.gain", "0dB"},   {"v.bypass", "on"},  {"v.gain", "-9dB"}, {"v.bypass", "off"},
		{"v.members", ""},   {"v.members", "a*"}, {"a.gain", "0dB"},  {"v.gain", "-inf"},
		{"v.gain", "3dB"},   {"v.members", ""},
	};
	struct rig *rig = vca_open();

	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
		for (int late = 0; late < 2; late++) {
			uint64_t from = rig->n_out - 1;

			rig_set(rig, edits[i][0], edits[i][1]);
			rig_run(rig, late ? 333 : 4800, late ? 50 : 128); /* some fall on others */
			CHECK(desk_step(rig, from) < DESK_STEP, "%s=%s: %g of %g", edits[i][0],
			      edits[i][1], desk_step(rig, from), DESK_STEP);
		}
	rig_q_remove(rig, "v", false);
	rig_commit(rig);
	rig_run(rig, 4800, 128);
	CHECK_NEAR(desk_last(rig), 0.1, 1e-7);
	desk_close(rig);
}

TEST(vca_fades_and_envelopes_are_the_products)
{
	struct rig *rig = vca_open();
	uint64_t from = rig->n_out;

	rig_q_set(rig, "v.gain", "-inf", 1000); /* a smoothstep of one second ... */
	rig_commit(rig);
	rig_run(rig, 12000, 128);
	rig_set(rig, "a.gain", "0dB"); /* ... during which the member moves */
	rig_run(rig, 60000, 128);
	CHECK_NEAR((double)rig->out[0][from + 24000], 0.1 * 0.5, 1e-4);
	CHECK_NEAR((double)rig->out[0][from + 36000], 0.1 * 0.15625, 1e-4);
	CHECK_NEAR(desk_last(rig), 0, 0);
	from = rig->n_out;
	rig_q_automate(rig, "v.gain", "log", 3, (double[]){0, 400, 800}, (double[]){-40, 0, -20});
	rig_commit(rig);
	rig_run(rig, 48000, 128);
	CHECK_NEAR((double)rig->out[0][from + 9600], 0.1 * desk_db(-20), 1e-4);
	CHECK_NEAR((double)rig->out[0][from + 19200], 0.1, 2e-4);
	CHECK_NEAR((double)rig->out[0][from + 28800], 0.1 * desk_db(-10), 1e-4);
	CHECK_NEAR(desk_last(rig), 0.1 * desk_db(-20), 1e-7);
	desk_close(rig);
}

TEST(vca_does_not_depend_on_how_time_is_cut)
{
	struct rig *rigs[2];

	for (int k = 0; k < 2; k++) {
		struct rig *rig = rigs[k] = vca_open();

		rig->signal = rig_noise;
		rig_q_add(rig, "w", "vca", "members=v");
		rig_commit(rig);
		rig_run(rig, 5000, k ? 37 : 5000);
		rig_q_set(rig, "v.gain", "-20dB", 70);
		rig_commit(rig);
		rig_run(rig, 1003, k ? 111 : 1003);
		rig_q_set(rig, "a.gain", "3dB", 30);
		rig_q_set(rig, "w.mute", "on", 0);
		rig_commit(rig);
		rig_run(rig, 997, k ? 1 : 128);
		rig_set(rig, "w.mute", "off");
		rig_q_automate(rig, "w.gain", "", 4, (double[]){0, 3, 7, 40},
			       (double[]){-40, 0, -20, -3});
		rig_commit(rig);
		rig_run(rig, 5000, k ? 13 : 4096);
	}
	CHECK(rigs[0]->n_out == rigs[1]->n_out);
	for (uint32_t c = 0; c < 2; c++)
		CHECK(memcmp(rigs[0]->out[c], rigs[1]->out[c], rigs[0]->n_out * sizeof(float)) ==
		      0);
	rig_close(rigs[0]);
	desk_close(rigs[1]);
}

/* ---- solo ---- */

/* out hears vox 1, music 2, the reverb 4 (of vox, before its fader), talk 8; phones listen. */
static struct rig *solo_open(void)
{
	struct rig *rig = desk_open();

	rig_q_add(rig, "mic", "gain", NULL);
	rig_q_add(rig, "vox", "gain", NULL);
	rig_q_add(rig, "music", "gain", "gain=6.02059991327962dB");
	rig_q_add(rig, "talk", "gain", "gain=18.0617997398389dB");
	rig_q_add(rig, "room", "gain", NULL); /* stands for a reverb */
	rig_q_add(rig, "fx", "gain", "gain=12.0411998265592dB");
	rig_q_add(rig, "master", "bus", NULL);
	rig_q_add(rig, "phones", "bus", NULL);
	rig_q_link(rig, "in", "mic", 0);
	rig_q_link(rig, "in", "music", 0);
	rig_q_link(rig, "in", "talk", 0);
	rig_q_link(rig, "mic", "vox", 0);
	rig_q_link(rig, "vox", "room", 0);
	rig_q_set(rig, "vox->room.tap", "pre", 0);
	rig_q_link(rig, "room", "fx", 0);
	rig_q_link(rig, "vox", "master", 0);
	rig_q_link(rig, "music", "master:in2", 0);
	rig_q_link(rig, "fx", "master:in3", 0);
	rig_q_link(rig, "talk", "master:in4", 0);
	rig_q_link(rig, "master", "phones", 0);
	rig_q_link(rig, "master", "out", 0);
	rig_commit(rig);
	rig_run(rig, 4800, 128);
	CHECK_NEAR(desk_last(rig), 1.5, 1e-6);
	return rig;
}

static int solo_try(struct rig *rig, const char *name, enum graph_solo mode, bool only,
		    uint32_t for_ms)
{
	struct instance_solo_wish wish = {.patterns = (char *const *)&name,
					  .n_patterns = name ? 1 : 0,
					  .mode = mode,
					  .only = only,
					  .for_ms = for_ms,
					  .by = "test"};

	return instance_solo(rig->instance, &wish, &rig->ticket, &rig->err);
}

/* What is heard afterwards, in tenths. */
static double solo(struct rig *rig, const char *name, enum graph_solo mode)
{
	uint64_t from = rig->n_out - 1;

	CHECK(solo_try(rig, name, mode, false, 0) == 0, "%s", rig->err.text);
	rig_run(rig, 4800, 128);
	CHECK(desk_step(rig, from) < 1.5 * 1.5 / 960 * 1.02, "%g", desk_step(rig, from));
	return desk_last(rig) * 10;
}

TEST(solo_in_place_leaves_what_feeds_and_what_is_fed)
{
	struct rig *rig = solo_open();
	uint64_t revision = instance_revision(rig->instance);

	CHECK_NEAR(solo(rig, "vox", GRAPH_SOLO_SIP), 1 + 4, 1e-5);
	CHECK_NEAR(solo(rig, "music", GRAPH_SOLO_SIP), 1 + 2 + 4, 1e-5);
	CHECK_NEAR(solo(rig, "vox", GRAPH_SOLO_OFF), 2, 1e-5);
	CHECK_NEAR(solo(rig, NULL, GRAPH_SOLO_OFF), 15, 1e-5);
	CHECK_NEAR(solo(rig, "fx", GRAPH_SOLO_SIP), 4 + 1, 1e-5);
	CHECK_NEAR(solo(rig, NULL, GRAPH_SOLO_OFF), 15, 1e-5);
	rig_set(rig, "talk.safe", "on");
	CHECK_NEAR(solo(rig, "music", GRAPH_SOLO_SIP), 2 + 8, 1e-5);
	rig_set(rig, "talk.safe", "off"); /* heard at once, while soloed */
	rig_run(rig, 4800, 128);
	CHECK_NEAR(desk_last(rig) * 10, 2, 1e-5);
	rig_set(rig, "talk->master:in4.level", "-6dB"); /* a fader does not open it */
	rig_run(rig, 4800, 128);
	CHECK_NEAR(desk_last(rig) * 10, 2, 1e-5);
	rig_q_add(rig, "new", "gain", NULL); /* nor is a new strip heard */
	rig_q_link(rig, "in", "new", 0);
	rig_q_link(rig, "new", "master:in5", 0);
	rig_commit(rig);
	rig_run(rig, 4800, 128);
	CHECK_NEAR(desk_last(rig) * 10, 2, 1e-5);
	rig_q_remove(rig, "music", false); /* with it goes its solo */
	rig_commit(rig);
	rig_run(rig, 4800, 128);
	CHECK_NEAR(desk_last(rig) * 10, 1 + 4 + 8 * desk_db(-6) + 1, 1e-5);
	CHECK(instance_revision(rig->instance) == revision + 5, "solo is in no revision");
	desk_close(rig);
}

/* The phones are what is heard now. */
TEST(solo_pfl_and_afl_are_heard_on_the_bus_that_listens)
{
	struct rig *rig = solo_open();

	CHECK(solo_try(rig, "vox", GRAPH_SOLO_PFL, false, 0) == -ENOENT);
	CHECK(strstr(rig->err.hint, "listen=on"), "%s", rig->err.hint);
	rig_q_unlink(rig, "master", "out");
	rig_q_link(rig, "phones", "out", 0);
	rig_q_set(rig, "phones.listen", "on", 0);
	rig_q_set(rig, "vox.gain", "-20dB", 0);
	rig_commit(rig);
	rig_run(rig, 4800, 128);
	CHECK_NEAR(desk_last(rig) * 10, 0.1 + 14, 1e-5);
	CHECK_NEAR(solo(rig, "vox", GRAPH_SOLO_PFL), 1, 1e-5);
	CHECK_NEAR(solo(rig, "vox", GRAPH_SOLO_AFL), 0.1, 1e-5);
	CHECK_NEAR(solo(rig, "talk", GRAPH_SOLO_AFL), 8.1, 1e-5);
	CHECK_NEAR(solo(rig, "music", GRAPH_SOLO_PFL), 9.1, 1e-5);
	CHECK_NEAR(solo(rig, NULL, GRAPH_SOLO_OFF), 14.1, 1e-5);
	CHECK(solo_try(rig, "in", GRAPH_SOLO_PFL, false, 0) == -EINVAL);
	CHECK(strstr(rig->err.text, "cannot be soloed"), "%s", rig->err.text);
	CHECK(solo_try(rig, "nobody", GRAPH_SOLO_SIP, false, 0) == -ENOENT);
	desk_close(rig);
}

TEST(solo_leases_run_out)
{
	struct rig *rig = solo_open();
	const struct instance_soloed *soloed;

	CHECK(solo_try(rig, "vox", GRAPH_SOLO_SIP, false, 30) == 0);
	CHECK(solo_try(rig, "music", GRAPH_SOLO_SIP, false, 0) == 0);
	CHECK(instance_soloed(rig->instance, &soloed) == 2);
	nanosleep(&(struct timespec){0, 50000000}, NULL);
	rig_run(rig, 4800, 128);
	CHECK(instance_soloed(rig->instance, &soloed) == 1);
	CHECK(soloed[0].uid == rig_uid(rig, "music") && soloed[0].until_ns == 0);
	CHECK_NEAR(desk_last(rig) * 10, 2, 1e-5);
	CHECK(solo_try(rig, "vox", GRAPH_SOLO_SIP, true, 0) == 0);
	CHECK(instance_soloed(rig->instance, &soloed) == 1 && soloed[0].uid == rig_uid(rig, "vox"));
	desk_close(rig);
}

/* ---- presets ---- */

#define PRESET_HZ 1000.0

static double preset_tone(uint64_t position, uint32_t channel)
{
	return 0.25 * sin(2 * M_PI * PRESET_HZ * (double)(position % 48) / RIG_RATE);
}

/* The second difference of what came since FROM, in those of a tone of the highest level there: a
 * jump of the height h would add h. */
static double preset_bend(const struct rig *rig, uint64_t from)
{
	double most = 0, peak = 0, w = 2 * M_PI * PRESET_HZ / RIG_RATE;
	const float *x = rig->out[0];

	for (uint64_t i = from; i < rig->n_out; i++) {
		peak = fmax(peak, fabs((double)x[i]));
		most = fmax(most, fabs((double)x[i] - 2 * (double)x[i - 1] + (double)x[i - 2]));
	}
	return peak > 0 ? most / (peak * w * w) : 0;
}

static void preset_apply(struct rig *rig, const char *name)
{
	Mixd__V1__ApplyPreset *apply = rig_op(rig, MIXD__V1__OP__OP_PRESET, sizeof(*apply))->preset;

	mixd__v1__apply_preset__init(apply);
	apply->node = strdup("n");
	apply->preset = strdup(name);
	rig_commit(rig);
}

TEST(presets_are_recalled_without_a_click)
{
	static const char *const types[] = {"eq",      "comp",	    "limiter",
					    "leveler", "multicomp", "deesser"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct rig *rig = desk_open();
		struct instance_presets *presets = NULL;
		double worst = 0, bend;

		rig->signal = preset_tone;
		rig_q_add(rig, "n", types[i], NULL);
		rig_q_link(rig, "in", "n", 0);
		rig_q_link(rig, "n", "out", 0);
		rig_commit(rig);
		CHECK(instance_presets(rig->instance, graph_types_find(rig->types, types[i], NULL),
				       &presets, &rig->err) == 0);
		CHECK(presets->n_rows > 0 && presets->n_faults == 0, "%s: %s", types[i],
		      presets->faults[0].text);
		rig_run(rig, 48000, 128);
		for (uint32_t k = 0; k < 2 * presets->n_rows; k++) {
			uint64_t from = rig->n_out;

			preset_apply(rig, presets->rows[k % presets->n_rows].preset->name);
			rig_run(rig, k % 3 ? 14400 : 500, 128); /* some fall on others */
			bend = preset_bend(rig, from);
			worst = fmax(worst, bend);
			CHECK(bend < 1.5, "%s/%s: %g", types[i],
			      presets->rows[k % presets->n_rows].preset->name, bend);
		}
		test_note("%s: %u presets, bends %.2f of the tone's", types[i], presets->n_rows,
			  worst);
		instance_presets_free(presets);
		desk_close(rig);
	}
}
