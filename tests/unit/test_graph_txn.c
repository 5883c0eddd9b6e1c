/* test_graph_txn.c - operations one by one; random ones are in test_graph_txn_random.c. */
#include <errno.h>

#include "graph_fixture.h"
#include "test.h"

#define TEXTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct graph_model *model_with(const char *const *texts)
{
	struct graph_model *model = graph_model_new(graph_fixture_types(), "test");
	struct mixd_error err = {0};
	int r = graph_fixture_apply(model, texts, NULL, &err);

	CHECK(r == 0, "%s: %s; %s (op %u)", err.address, err.text, err.hint, err.op_index);
	return model;
}

/* Apply, and describe what was done: one line per primitive operation. */
static const char *done_text(struct graph_model *model, const char *const *texts)
{
	static char text[8192];
	struct graph_delta *delta = NULL;
	struct mixd_error err = {0};
	int r = graph_fixture_apply(model, texts, &delta, &err);

	CHECK(r == 0, "%s: %s; %s", err.address, err.text, err.hint);
	text[0] = '\0';
	for (uint32_t i = 0; i < delta->n_done; i++) {
		char *line = graph_op_text(model, delta->done[i]);

		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s\n", line);
		free(line);
	}
	graph_delta_free(delta);
	graph_fixture_check(model);
	return text;
}

static struct mixd_error refused(struct graph_model *model, const char *const *texts, int want)
{
	struct mixd_error err = {0};
	size_t size;
	uint8_t *bytes = graph_fixture_bytes(model, &size);
	int r = graph_fixture_apply(model, texts, NULL, &err);

	CHECK(r == want, "%d: %s: %s", r, err.address, err.text);
	CHECK(err.code != ERROR_OK && err.text[0]);
	CHECK(err.hint[0], "no remedy: %s", err.text);
	CHECK(graph_fixture_same(model, bytes, size)); /* T1 */
	graph_fixture_check(model);
	free(bytes);
	return err;
}

/* ---- nodes ---- */

TEST(txn_add_twice_is_fine_when_equal)
{
	struct graph_model *model = model_with(TEXTS("add gain vox gain=-3dB"));
	struct mixd_error err;

	CHECK_STR(done_text(model, TEXTS("add gain vox gain=-3dB")), "");
	CHECK_STR(done_text(model, TEXTS("add gain vox")), "");
	err = refused(model, TEXTS("add gain vox gain=-4dB"), -EEXIST);
	CHECK(err.code == ERROR_CONFLICT);
	CHECK_STR(err.address, "vox.gain");
	err = refused(model, TEXTS("add eq vox"), -EEXIST);
	CHECK(strstr(err.text, "is a gain"));
	graph_model_free(model);
}

TEST(txn_add_wrong_is_refused)
{
	struct graph_model *model = model_with(TEXTS("add gain vox"));
	struct mixd_error err;

	err = refused(model, TEXTS("add gain a", "add gian b"), -ENOENT);
	CHECK(err.op_index == 1 && strstr(err.hint, "\"gain\""));
	CHECK_STR(err.address, "b");
	refused(model, TEXTS("add gain a:b"), -EINVAL);
	refused(model, TEXTS("add gain a gian=3"), -ENOENT);
	refused(model, TEXTS("add gain a gain=3Hz"), -EINVAL);
	refused(model, TEXTS("add gain a after=nobody"), -ENOENT);
	refused(model, TEXTS("add tone a after=vox"), -EINVAL);
	graph_model_free(model);
}

TEST(txn_add_after_moves_links)
{
	struct graph_model *model =
		model_with(TEXTS("add tone t", "add gain a", "add gain z", "add output out",
				 "link t a", "link a z -6", "link a out"));

	CHECK_STR(done_text(model, TEXTS("add eq m after=a")), "add eq m\n"
							       "unlink a:out out:in\n"
							       "link m:out out:in\n"
							       "unlink a:out z:in\n"
							       "link m:out z:in level=-6dB\n"
							       "link a:out m:in\n");
	graph_model_free(model);
}

TEST(txn_remove_takes_links_and_envelopes)
{
	struct graph_model *model =
		model_with(TEXTS("add tone t", "add gain a gain=-3dB", "add output out",
				 "link t a -1", "link a out -2", "auto a.gain log 0=-60 3000=0"));

	CHECK_STR(done_text(model, TEXTS("rm a")), "unlink a:out out:in\n"
						   "unlink t:out a:in\n"
						   "rm a\n");
	CHECK(model->n_links == 0 && model->n_envelopes == 0);
	refused(model, TEXTS("rm a"), -ENOENT);
	graph_model_free(model);
}

TEST(txn_remove_heals_with_gains_added)
{
	struct graph_model *model = model_with(
		TEXTS("add tone t", "add tone u", "add bus b", "add output out", "add gain g",
		      "link t b:in1 -1", "link u b:in2 -144", "link b out -2", "link b g",
		      "link t g -9", "add tone key", "link key b:aux"));

	CHECK_STR(done_text(model, TEXTS("rm b heal")), "unlink b:out g:in\n"
							"unlink b:out out:in\n"
							"unlink key:out b:aux\n"
							"unlink t:out b:in1\n"
							"unlink u:out b:in2\n"
							"rm b\n"
							"link t:out out:in level=-3dB\n"
							"link u:out g:in level=-inf\n"
							"link u:out out:in level=-inf\n");
	graph_model_free(model);
}

TEST(txn_rename_keeps_the_uid)
{
	struct graph_model *model = model_with(TEXTS("add tone b", "add gain c", "link b c"));
	uint64_t uid = graph_model_node(model, "b")->uid;

	CHECK_STR(done_text(model, TEXTS("mv b z")), "mv b z\n");
	CHECK(graph_model_node(model, "z")->uid == uid && model->links[0]->from->uid == uid);
	CHECK_STR(done_text(model, TEXTS("mv z z")), "");
	CHECK(refused(model, TEXTS("mv z c"), -EEXIST).code == ERROR_CONFLICT);
	refused(model, TEXTS("mv y c"), -ENOENT);
	refused(model, TEXTS("mv z a:b"), -EINVAL);
	graph_model_free(model);
}

/* ---- set ---- */

TEST(txn_set_texts_relative_toggle_and_globs)
{
	struct graph_model *model =
		model_with(TEXTS("add gain vox/a", "add gain vox/b gain=-6dB", "add gain drum"));

	CHECK_STR(done_text(model, TEXTS("set vox/a.gain=-3dB")), "set vox/a.gain=-3dB\n");
	CHECK_STR(done_text(model, TEXTS("set vox/a.gain=-3")), "");
	CHECK_STR(done_text(model, TEXTS("set vox/*.gain+=1.5dB")),
		  "set vox/a.gain=-1.5dB\nset vox/b.gain=-4.5dB\n");
	CHECK_STR(done_text(model, TEXTS("toggle vox/a.mute")), "set vox/a.mute=on\n");
	CHECK_STR(done_text(model, TEXTS("toggle vox/a.mute")), "set vox/a.mute=off\n");
	CHECK_STR(done_text(model, TEXTS("set vox/a.mode=inverted")), "set vox/a.mode=inverted\n");
	CHECK_STR(done_text(model, TEXTS("set vox/a.pan=L30")), "set vox/a.pan=L30\n");
	CHECK_STR(done_text(model, TEXTS("set vox/a.gain=-inf")), "set vox/a.gain=-inf\n");
	CHECK_STR(done_text(model, TEXTS("set {drum,vox/b}.bypass=on")),
		  "set drum.bypass=on\nset vox/b.bypass=on\n");
	refused(model, TEXTS("set vox/a.gain=1dBTP"), -EINVAL);
	refused(model, TEXTS("set vox/*.gain+=60dB"), -EINVAL);
	refused(model, TEXTS("toggle vox/a.gain"), -EINVAL);
	refused(model, TEXTS("toggle vox/a.layout"), -EINVAL);
	refused(model, TEXTS("set vox/a.peak=3"), -EINVAL);
	refused(model, TEXTS("set x*.gain=3"), -ENOENT);
	refused(model, TEXTS("set vox/a.gian=3"), -ENOENT);
	refused(model, TEXTS("set vox/a=3"), -EINVAL);
	refused(model, TEXTS("set vox/a.layout+=x"), -EINVAL);
	graph_model_free(model);
}

TEST(txn_set_numbers_and_flags)
{
	struct graph_model *model = model_with(TEXTS("add gain a", "add bus b"));
	static const struct {
		const char *address;
		Mixd__V1__Value__KindCase kind;
		double number;
		bool relative;
		int want;
	} rows[] = {
		{"a.gain", MIXD__V1__VALUE__KIND_NUMBER, -3, false, 0},
		{"a.gain", MIXD__V1__VALUE__KIND_NUMBER, -3, true, 0},
		{"a.gain", MIXD__V1__VALUE__KIND_NUMBER, -INFINITY, false, 0},
		{"a.gain", MIXD__V1__VALUE__KIND_NUMBER, NAN, false, -EINVAL},
		{"a.gain", MIXD__V1__VALUE__KIND_NUMBER, 1000, false, -EINVAL},
		{"a.gain", MIXD__V1__VALUE__KIND_FLAG, 1, false, -EINVAL},
		{"a.gain", MIXD__V1__VALUE__KIND__NOT_SET, 1, false, -EINVAL},
		{"a.mute", MIXD__V1__VALUE__KIND_FLAG, 1, false, 0},
		{"a.mute", MIXD__V1__VALUE__KIND_NUMBER, 0, false, 0},
		{"a.mute", MIXD__V1__VALUE__KIND_NUMBER, 0.5, false, -EINVAL},
		{"a.mute", MIXD__V1__VALUE__KIND_FLAG, 1, true, -EINVAL},
		{"a.mode", MIXD__V1__VALUE__KIND_NUMBER, 2, false, 0},
		{"a.mode", MIXD__V1__VALUE__KIND_NUMBER, 3, false, -EINVAL},
		{"a.mode", MIXD__V1__VALUE__KIND_FLAG, 1, false, -EINVAL},
		{"a.steps", MIXD__V1__VALUE__KIND_NUMBER, 2.5, false, -EINVAL},
		{"b.inputs", MIXD__V1__VALUE__KIND_NUMBER, 4, false, 0},
		{"b.inputs", MIXD__V1__VALUE__KIND_NUMBER, 1, true, 0},
		{"b.inputs", MIXD__V1__VALUE__KIND_NUMBER, 5000, false, -EINVAL},
		{"b.layout", MIXD__V1__VALUE__KIND_NUMBER, 5.1, false, 0},
		{"b.layout", MIXD__V1__VALUE__KIND_NUMBER, 5.2, false, -EINVAL},
		{"b.layout", MIXD__V1__VALUE__KIND__NOT_SET, 5.2, false, -EINVAL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		Mixd__V1__Op op = MIXD__V1__OP__INIT, *ops = &op;
		Mixd__V1__Set set = MIXD__V1__SET__INIT;
		Mixd__V1__Value value = MIXD__V1__VALUE__INIT;
		struct graph_delta *delta = NULL;
		struct mixd_error err = {0};
		int r;

		value.kind_case = rows[i].kind;
		if (rows[i].kind == MIXD__V1__VALUE__KIND_FLAG)
			value.flag = rows[i].number != 0;
		else
			value.number = rows[i].number;
		set.address = (char *)rows[i].address;
		set.value = &value;
		set.relative = rows[i].relative;
		op.op_case = MIXD__V1__OP__OP_SET;
		op.set = &set;
		r = graph_txn_apply(model, &ops, 1, &delta, &err);
		CHECK(r == rows[i].want, "%zu %s: %d %s", i, rows[i].address, r, err.text);
		CHECK(r == 0 || (err.hint[0] && strcmp(err.address, rows[i].address) == 0),
		      "%zu: %s %s", i, err.address, err.hint);
		graph_delta_free(delta);
	}
	CHECK(graph_model_node(model, "a")->value[2] == -144);
	CHECK_STR(graph_model_node(model, "b")->config[0].text, "5.1");
	graph_model_free(model);
}

TEST(txn_set_ramps_reach_the_delta)
{
	struct graph_model *model = model_with(TEXTS("add gain a"));
	Mixd__V1__Op *op = graph_fixture_op("set a.gain=-6dB");
	struct graph_delta *delta = NULL;
	struct mixd_error err = {0};

	op->set->over_ms = 3000;
	op->set->curve = strdup("log");
	CHECK(graph_txn_apply(model, &op, 1, &delta, &err) == 0, "%s", err.text);
	CHECK(!delta->topology && delta->n_params == 1 && delta->n_changes == 1);
	CHECK(delta->params[0].over_ms == 3000 && delta->params[0].curve == GRAPH_CURVE_LOG);
	CHECK(delta->params[0].value == -6 && delta->params[0].param_idx == GRAPH_PARAM_COMMON);
	CHECK(delta->params[0].node_uid == graph_model_node(model, "a")->uid);
	CHECK(delta->done[0]->set->over_ms == 3000);
	CHECK_STR(delta->done[0]->set->curve, "log");
	graph_delta_free(delta);
	op->set->over_ms = -1;
	CHECK(graph_txn_apply(model, &op, 1, &delta, &err) == -EINVAL && err.hint[0]);
	op->set->over_ms = 0;
	strcpy(op->set->curve, "x");
	CHECK(graph_txn_apply(model, &op, 1, &delta, &err) == -EINVAL && err.hint[0]);
	mixd__v1__op__free_unpacked(op, NULL);
	graph_model_free(model);
}

TEST(txn_set_config_raises_the_generation)
{
	struct graph_model *model = model_with(TEXTS("add input in", "add gain g", "link in g"));
	struct graph_node *node = graph_model_node(model, "in");
	struct graph_delta *delta = NULL;
	struct mixd_error err = {0};
	uint32_t gen = node->config_gen;

	CHECK(graph_fixture_apply(model, TEXTS("set in.layout=5.1"), &delta, &err) == 0);
	CHECK(delta->topology && node->config_gen == gen + 1); /* G2 */
	graph_txn_revert(model, delta);
	CHECK(node->config_gen == gen);
	CHECK_STR(node->config[0].text, "auto");
	graph_delta_free(delta);
	CHECK_STR(done_text(model, TEXTS("set in.layout=auto")), "");
	refused(model, TEXTS("set in.layout=sterio"), -EINVAL);
	graph_model_free(model);
}

TEST(txn_port_counts_keep_links)
{
	struct graph_model *model = model_with(
		TEXTS("add bus b", "add tone t", "link t b:in2", "link t b:aux", "link t b:send1"));
	struct mixd_error err;

	/* ports behind the counted row move; their links follow */
	CHECK_STR(done_text(model, TEXTS("set b.inputs=5", "link t b:in5")),
		  "set b.inputs=5\nlink t:out b:in5\n");
	CHECK_STR(done_text(model, TEXTS("unlink t b:aux")), "unlink t:out b:aux\n");
	err = refused(model, TEXTS("set b.inputs=4"), -EEXIST);
	CHECK(strstr(err.text, "t:out -> b:in5"), "%s", err.text);
	CHECK_STR(done_text(model, TEXTS("unlink t b:in5", "set b.inputs=2")),
		  "unlink t:out b:in5\nset b.inputs=2\n");
	refused(model, TEXTS("set b.inputs=1"), -EEXIST);
	refused(model, TEXTS("link t b:in3"), -ENOENT);
	CHECK_STR(done_text(model, TEXTS("unlink t b:send1")), "unlink t:out b:send1\n");
	graph_model_free(model);
}

/* ---- links ---- */

TEST(txn_links_once_with_a_gain)
{
	struct graph_model *model =
		model_with(TEXTS("add tone vox/a", "add tone vox/b", "add bus m", "add gain g"));

	CHECK_STR(done_text(model, TEXTS("link vox/a m", "link vox/b m:in2 -6")),
		  "link vox/a:out m:in1\nlink vox/b:out m:in2 level=-6dB\n");
	CHECK_STR(done_text(model, TEXTS("link vox/b m:in2")), "");
	CHECK_STR(done_text(model, TEXTS("link vox/b m:in2 -6")), "");
	CHECK_STR(done_text(model, TEXTS("link vox/b m:in2 -3")), "set vox/b->m:in2.level=-3dB\n");
	refused(model, TEXTS("link vox/a nobody"), -ENOENT);
	refused(model, TEXTS("link m vox/a"), -ENOENT);
	refused(model, TEXTS("link vox/a g 99"), -EINVAL);
	refused(model, TEXTS("unlink vox/a g"), -ENOENT);
	refused(model, TEXTS("unlink vox/* g"), -ENOENT);
	CHECK_STR(done_text(model, TEXTS("unlink vox/* m")),
		  "unlink vox/a:out m:in1\nunlink vox/b:out m:in2\n");
	CHECK_STR(done_text(model,
			    TEXTS("link vox/a m", "link vox/a m:in2", "unlink vox/* m:in[2-9]")),
		  "link vox/a:out m:in1\nlink vox/a:out m:in2\nunlink vox/a:out m:in2\n");
	graph_model_free(model);
}

TEST(txn_links_are_set_by_address)
{
	struct graph_model *model =
		model_with(TEXTS("add gain vox/a", "add gain vox/b", "add bus m", "link vox/a m",
				 "link vox/b m:in2 -6"));
	struct mixd_error err;
	struct graph_delta *delta = NULL;

	CHECK_STR(done_text(model, TEXTS("set vox/a->m.level=-3dB")), "set vox/a->m.level=-3dB\n");
	CHECK_STR(done_text(model, TEXTS("set vox/a->m:in1.level=-3dB")), "");
	CHECK_STR(done_text(model, TEXTS("set vox/a:out->m.level+=1dB")),
		  "set vox/a->m.level=-2dB\n");
	CHECK_STR(done_text(model, TEXTS("set vox/a->m.gain=-inf")), "set vox/a->m.level=-inf\n");
	CHECK_STR(done_text(model, TEXTS("set vox/*->m*.pan=L30")),
		  "set vox/a->m.pan=L30\nset vox/b->m:in2.pan=L30\n");
	CHECK_STR(done_text(model, TEXTS("set vox/*->**.mute=on")),
		  "set vox/a->m.mute=on\nset vox/b->m:in2.mute=on\n");
	CHECK_STR(done_text(model, TEXTS("set vox/b->m:in2.tap=pre")),
		  "set vox/b->m:in2.tap=pre\n");
	CHECK_STR(done_text(model, TEXTS("link vox/b m:in2")), "");
	CHECK(graph_fixture_apply(model, TEXTS("set vox/b->m:in2.level=-7dB"), &delta, &err) == 0);
	CHECK(!delta->topology && delta->n_links == 1 && delta->n_params == 0,
	      "no new plan for a fader");
	CHECK(delta->changes[0]->change_case == MIXD__V1__CHANGE__CHANGE_LINK_ADDED);
	CHECK(delta->changes[0]->link_added->n_settings == 3);
	graph_delta_free(delta);
	CHECK(graph_fixture_apply(model, TEXTS("set vox/b->m:in2.tap=post"), &delta, &err) == 0);
	CHECK(delta->topology);
	graph_delta_free(delta);
	err = refused(model, TEXTS("set vox/a->m.levle=3"), -ENOENT);
	CHECK(strstr(err.hint, "\"level\""), "%s", err.hint);
	err = refused(model, TEXTS("set vox/a->m:in2.level=3"), -ENOENT);
	CHECK(strstr(err.text, "no link vox/a -> m:in2"), "%s", err.text);
	refused(model, TEXTS("set vox/a->nobody.level=3"), -ENOENT);
	refused(model, TEXTS("set x*->m.level=3"), -ENOENT);
	refused(model, TEXTS("set vox/a->m.level=3Hz"), -EINVAL);
	refused(model, TEXTS("set vox/a->m.level=61dB"), -EINVAL);
	refused(model, TEXTS("set vox/a->m.pan=L101"), -EINVAL);
	refused(model, TEXTS("set vox/a->m.tap=middle"), -EINVAL);
	refused(model, TEXTS("set vox/a->m=3"), -EINVAL);
	refused(model, TEXTS("auto vox/a->m.level linear 0=1"), -EINVAL);
	graph_model_free(model);
}

/* ---- automation ---- */

TEST(txn_automate_and_clear)
{
	struct graph_model *model = model_with(TEXTS("add gain a", "add duck d"));
	struct graph_delta *delta = NULL;
	struct mixd_error err = {0};

	CHECK(graph_fixture_apply(model, TEXTS("auto a.gain log 0=-60 3000=0"), &delta, &err) == 0,
	      "%s", err.text);
	CHECK(!delta->topology && delta->n_envelopes == 1 && delta->n_params == 0, "it ends at 0");
	CHECK(delta->envelopes[0] == model->envelopes[0]->uid);
	graph_delta_free(delta);
	CHECK(model->envelopes[0]->curve == GRAPH_CURVE_LOG && model->envelopes[0]->n_points == 2);
	/* the same once more begins anew */
	CHECK(graph_fixture_apply(model, TEXTS("auto a.gain log 0=-60 3000=0"), &delta, &err) == 0);
	CHECK(delta->n_envelopes == 2 && model->n_envelopes == 1);
	graph_delta_free(delta);
	/* a hand on the param takes it from its envelope, also at the value it has */
	CHECK_STR(done_text(model, TEXTS("set a.gain=0dB")), "set a.gain=0dB\n");
	CHECK(model->n_envelopes == 0);
	CHECK_STR(done_text(model, TEXTS("clear a.gain")), "");
	CHECK_STR(done_text(model, TEXTS("auto a.gain linear 0=0 50=-9")),
		  "automate a.gain 0ms=0dB 50ms=-9dB --curve linear\n");
	CHECK(graph_model_node(model, "a")->value[GRAPH_PARAM_COMMON] == -9); /* G5 */
	/* nothing sounds: it is where it was going */
	CHECK_STR(done_text(model, TEXTS("clear a.gain")), "set a.gain=-9dB\n");
	CHECK(graph_model_node(model, "a")->value[GRAPH_PARAM_COMMON] == -9);
	CHECK_STR(done_text(model, TEXTS("auto a.gain linear 0=1", "set a.gain=-3dB")),
		  "automate a.gain 0ms=1dB --curve linear\n"
		  "set a.gain=-3dB\n");
	refused(model, TEXTS("auto a.gain cubic 0=1"), -EINVAL);
	refused(model, TEXTS("auto a.gain log 0=99"), -EINVAL);
	refused(model, TEXTS("auto a.gain log 5=1 5=2"), -EINVAL);
	refused(model, TEXTS("auto a.gain log -5=1"), -EINVAL);
	refused(model, TEXTS("auto a.gain log"), -EINVAL);
	refused(model, TEXTS("auto a.mute log 0=1"), -EINVAL);
	refused(model, TEXTS("auto a.width log 0=0"), -EINVAL);
	refused(model, TEXTS("auto a.layout log 0=0"), -EINVAL);
	refused(model, TEXTS("auto b.gain log 0=0"), -ENOENT);
	CHECK_STR(done_text(model, TEXTS("auto a.mute step 0=1 50=0")),
		  "automate a.mute 0ms=on 50ms=off --curve step\n");
	graph_model_free(model);
}

static bool reached_minus_20(void *data, uint64_t node_uid, uint32_t param_idx, double *ret_value)
{
	*ret_value = -20;
	return *(bool *)data;
}

TEST(txn_clear_makes_what_was_reached_the_value)
{
	struct graph_model *model = model_with(TEXTS("add gain a gain=-9dB"));
	double *gain = &graph_model_node(model, "a")->value[GRAPH_PARAM_COMMON];
	struct graph_delta *delta = NULL, *undo = NULL;
	struct mixd_error err = {0};
	char summary[160];
	bool sounds = true;

	model->value_now = reached_minus_20;
	model->value_now_data = &sounds;
	CHECK(graph_fixture_apply(model, TEXTS("auto a.gain linear 0=-60 4000=0"), NULL, &err) ==
	      0);
	CHECK(graph_fixture_apply(model, TEXTS("clear a.gain"), &delta, &err) == 0, "%s", err.text);
	CHECK(*gain == -20 && model->n_envelopes == 0);
	CHECK(delta->n_params == 1 && delta->params[0].value == -20, "the sound is told");
	graph_delta_summary(delta, summary, sizeof(summary));
	CHECK_STR(summary, "automate a.gain --clear");
	/* where it was going, and not once more the way there */
	CHECK(graph_txn_apply(model, delta->inverse, delta->n_inverse, &undo, &err) == 0);
	CHECK(*gain == 0 && model->n_envelopes == 0);
	graph_delta_free(undo);
	graph_delta_free(delta);
	sounds = false;
	CHECK(graph_fixture_apply(model, TEXTS("auto a.gain linear 0=-60 4000=-3"), NULL, &err) ==
	      0);
	CHECK(graph_fixture_apply(model, TEXTS("clear a.gain"), NULL, &err) == 0);
	CHECK(*gain == -3);
	/* a session says where all is: also what is on its way */
	sounds = true;
	CHECK(graph_fixture_apply(model, TEXTS("auto a.gain linear 0=-60 4000=-3"), NULL, &err) ==
	      0);
	CHECK(graph_fixture_apply(model,
				  TEXTS("apply mixd: 1\nnodes:\n  a: {type: gain, gain: -3dB}\n"),
				  NULL, &err) == 0,
	      "%s", err.text);
	CHECK(*gain == -3 && model->n_envelopes == 0);
	graph_model_free(model);
}

TEST(txn_undo_of_automate_is_the_value_before)
{
	struct graph_model *model = model_with(TEXTS("add gain a gain=-9dB"));
	double *gain = &graph_model_node(model, "a")->value[GRAPH_PARAM_COMMON];
	struct graph_delta *first = NULL, *second = NULL, *undo = NULL;
	struct mixd_error err = {0};

	CHECK(graph_fixture_apply(model, TEXTS("auto a.gain linear 0=-60 400=0"), &first, &err) ==
	      0);
	CHECK(first->n_inverse == 1 && first->inverse[0]->op_case == MIXD__V1__OP__OP_SET);
	/* it arrives; a hand; back from that: 0dB, without the fade */
	graph_model_end_envelope(model, model->envelopes[0]);
	CHECK(model->n_envelopes == 0 && *gain == 0);
	CHECK(graph_fixture_apply(model, TEXTS("set a.gain=-6dB"), &second, &err) == 0);
	CHECK(graph_txn_apply(model, second->inverse, second->n_inverse, &undo, &err) == 0);
	CHECK(*gain == 0 && model->n_envelopes == 0 && undo->n_envelopes == 0);
	graph_delta_free(undo);
	CHECK(graph_txn_apply(model, first->inverse, first->n_inverse, &undo, &err) == 0);
	CHECK(*gain == -9);
	graph_delta_free(undo);
	graph_delta_free(second);
	graph_delta_free(first);
	graph_model_free(model);
}

TEST(txn_log_only_above_0)
{
	struct graph_model *model = model_with(TEXTS("add gain a", "add eq e"));
	Mixd__V1__Op *op = graph_fixture_op("set a.width=50%");
	struct graph_delta *delta = NULL;
	struct mixd_error err = {0};

	err = refused(model, TEXTS("auto a.width log 0=10 50=90"), -EINVAL);
	CHECK(strstr(err.text, "cannot reach 0") && strstr(err.hint, "linear"), "%s: %s", err.text,
	      err.hint);
	op->set->over_ms = 100;
	op->set->curve = strdup("log");
	CHECK(graph_txn_apply(model, &op, 1, &delta, &err) == -EINVAL && err.hint[0]);
	CHECK(graph_fixture_apply(model, TEXTS("auto e.band1.freq log 0=100 50=9000"), NULL,
				  &err) == 0);
	mixd__v1__op__free_unpacked(op, NULL);
	graph_model_free(model);
}

TEST(txn_unknown_operation_is_told)
{
	struct graph_model *model = model_with(TEXTS("add gain a"));
	Mixd__V1__Op op = MIXD__V1__OP__INIT, *ops = &op;
	struct graph_delta *delta = NULL;
	struct mixd_error err = {0};

	CHECK(graph_txn_apply(model, &ops, 1, &delta, &err) == -EINVAL);
	CHECK(err.code == ERROR_USAGE && err.hint[0]);
	CHECK(graph_txn_apply(model, NULL, 0, &delta, &err) == 0 && delta->n_done == 0);
	graph_delta_free(delta);
	graph_delta_free(NULL);
	graph_model_free(model);
}

TEST(txn_limits_are_told)
{
	struct graph_model *model = model_with(TEXTS("add gain a"));
	struct mixd_error err = {0};
	char text[64];

	for (uint32_t i = 0; i < GRAPH_SLOTS_MAX; i++) {
		snprintf(text, sizeof(text), "add output o%u", i);
		CHECK(graph_fixture_apply(model, TEXTS(text), NULL, &err) == 0);
	}
	CHECK(refused(model, TEXTS("add input i"), -EIO).code == ERROR_RESOURCE);
	CHECK(graph_fixture_apply(model, TEXTS("rm o7", "add input i"), NULL, &err) == 0);
	CHECK(graph_model_node(model, "i")->slot == 7, "the lowest that is free");
	for (uint32_t i = model->n_nodes; i < GRAPH_NODES_MAX; i++) {
		snprintf(text, sizeof(text), "add tone t%u", i);
		CHECK(graph_fixture_apply(model, TEXTS(text), NULL, &err) == 0, "%s", err.text);
	}
	CHECK(refused(model, TEXTS("add gain z"), -EIO).code == ERROR_RESOURCE);
	graph_model_free(model);
}

TEST(txn_summaries)
{
	struct graph_model *model = model_with(TEXTS("add tone t", "add gain g", "link t g"));
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"set g.gain=-3dB", "set g.gain=-3dB"},
		{"set g.gain=-3dB", "nothing changed"},
		{"add eq e after=t", "add eq e (+3)"},
		{"mv g h", "mv g h"},
		{"rm e heal", "rm e (+3)"},
		{"auto h.gain linear 0=-60 3000=0",
		 "automate h.gain 0ms=-60dB 3000ms=0dB --curve linear"},
		{"set h.gain=-40dB", "set h.gain=-40dB"},
		{"merge mixd: 1\nnodes:\n  h: {type: gain, gain: -1dB}\n  k: {type: gain}\n",
		 "apply: 1 added, 1 set"},
		{"apply mixd: 1\nnodes:\n  h: {type: gain, gain: -2dB}\n",
		 "apply: 2 removed, 1 set, 1 unlinked"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct graph_delta *delta = NULL;
		char summary[160];

		CHECK(graph_fixture_apply(model, TEXTS(rows[i].text), &delta, NULL) == 0);
		graph_delta_summary(delta, summary, sizeof(summary));
		CHECK_STR(summary, rows[i].want);
		graph_delta_free(delta);
	}
	graph_model_free(model);
}
