/* test_graph_timeline.c - tracks, markers and envelopes on the time line, in sessions and transactions. */
#include <errno.h>

#include "graph_fixture.h"
#include "graph_clips.h"
#include "test.h"

static Mixd__V1__Graph *graph_of(const char *text)
{
	struct mixd_error err = {0};
	Mixd__V1__Graph *graph = NULL;
	int r = graph_session_parse_whole_in(graph_fixture_types(), "/songs", "s.yaml", text,
					     strlen(text), NULL, &graph, &err);

	CHECK(r == 0, "%s: %s; %s", err.address, err.text, err.hint);
	return graph;
}

static struct graph_model *model_of(const char *text)
{
	Mixd__V1__Graph *graph = graph_of(text);
	struct mixd_error err = {0};
	struct graph_model *model = NULL;

	CHECK(graph_model_from_proto(graph_fixture_types(), graph, &model, &err) == 0, "%s: %s",
	      err.address, err.text);
	mixd__v1__graph__free_unpacked(graph, NULL);
	graph_fixture_check(model);
	return model;
}

/* TEXT becomes what is written as WANTED, in YAML and, the same again, by way of JSON. */
static void check_written(const char *text, const char *wanted)
{
	struct graph_model *model = model_of(text), *again;
	char *yaml = graph_session_write(model, "yaml"), *json = graph_session_write(model, "json");
	char *twice;

	CHECK(strcmp(yaml, wanted) == 0, "\n%s\nwant\n%s", yaml, wanted);
	again = model_of(json);
	twice = graph_session_write(again, "yaml");
	CHECK_STR(twice, yaml);
	graph_model_free(again);
	free(twice);
	free(json);
	free(yaml);
	graph_model_free(model);
}

static void check_refused(const char *text, const char *place, const char *fault, const char *hint)
{
	struct mixd_error err = {0};
	Mixd__V1__Graph *graph = NULL;
	int r = graph_session_parse_whole(graph_fixture_types(), "s.yaml", text, strlen(text), NULL,
					  &graph, &err);

	CHECK(r < 0, "%s\nwas read", text);
	CHECK(!graph);
	CHECK_STR(err.address, place);
	CHECK(strstr(err.text, fault), "%s", err.text);
	CHECK(strstr(err.hint, hint), "%s", err.hint);
}

/* ---- tracks ---- */

TEST(tracks_become_nodes_and_links)
{
	check_written(
		"mixd: 1\n"
		"tracks:\n"
		"  vox:\n"
		"    clips: [{file: vox.wav, at: 1:00.5, fade_in: 10ms}, {file: /b.wav}]\n"
		"    strip: [{type: eq, band1: {gain: 3dB}}, duck, {type: eq, name: air}, eq]\n"
		"    gain: -3dB\n"
		"    pan: L20\n"
		"    mute: on\n"
		"    sends: {fx: -12dB, mon: {level: -6dB, tap: pre}}\n"
		"  drums: drums.wav\n"
		"  click: {file: click.wav, bus: none}\n"
		"buses:\n"
		"  mix: {strip: [gain]}\n"
		"  fx: {layout: mono, gain: -1dB}\n"
		"  mon: {bus: phones}\n"
		"nodes:\n"
		"  phones: {type: bus, layout: stereo}\n",
		"mixd: 1\n"
		"nodes:\n"
		"  click/fader: {type: gain}\n"
		"  click/player: {type: player, clips: [{file: \"/songs/click.wav\", at: "
		"0s}]}\n"
		"  drums/fader: {type: gain}\n"
		"  drums/player: {type: player, clips: [{file: \"/songs/drums.wav\", at: "
		"0s}]}\n"
		"  fx/bus: {type: bus, layout: mono, inputs: 1}\n"
		"  fx/fader: {type: gain, gain: -1dB}\n"
		"  mix/bus: {type: bus, layout: stereo, inputs: 1}\n"
		"  mix/fader: {type: gain}\n"
		"  mix/gain: {type: gain}\n"
		"  mon/bus: {type: bus, layout: stereo, inputs: 1}\n"
		"  mon/fader: {type: gain}\n"
		"  out: {type: output}\n"
		"  phones: {type: bus, layout: stereo}\n"
		"  vox/air: {type: eq}\n"
		"  vox/duck: {type: duck}\n"
		"  vox/eq: {type: eq, band1.gain: 3dB}\n"
		"  vox/eq2: {type: eq}\n"
		"  vox/fader: {type: gain, mute: on, gain: -3dB}\n"
		"  vox/pan: {type: pan, pan: L20}\n"
		"  vox/player:\n"
		"    type: player\n"
		"    clips:\n"
		"      - {file: \"/songs/vox.wav\", at: 60.5s, fade_in: 10ms}\n"
		"      - {file: \"/b.wav\", at: 0s}\n"
		"links:\n"
		"  - click/player -> click/fader\n"
		"  - drums/player -> drums/fader -> mix/bus -> mix/gain -> mix/fader -> out\n"
		"  - fx/bus -> fx/fader -> mix/bus\n"
		"  - mon/bus -> mon/fader -> phones\n"
		"  - vox/player -> vox/eq -> vox/duck -> vox/air -> vox/eq2 -> vox/fader -> "
		"vox/pan -> mix/bus\n"
		"  - {from: \"vox/fader\", to: \"mon/bus\", level: -6dB, tap: pre}\n"
		"  - {from: \"vox/pan\", to: \"fx/bus\", level: -12dB}\n");
}

TEST(tracks_find_where_to_go)
{
	/* no buses: to the only output, or one that is made */
	check_written("mixd: 1\ntracks: {a: a.wav}\nnodes: {speaker: {type: output}}\n",
		      "mixd: 1\nnodes:\n  a/fader: {type: gain}\n"
		      "  a/player: {type: player, clips: [{file: \"/songs/a.wav\", at: 0s}]}\n"
		      "  speaker: {type: output}\n"
		      "links:\n  - a/player -> a/fader -> speaker\n");
	check_written("mixd: 1\ntracks: {a: {bus: sum}}\nbuses: {sum: {}, master: {}}\n",
		      "mixd: 1\nnodes:\n  a/fader: {type: gain}\n  a/player: {type: player}\n"
		      "  master/bus: {type: bus, layout: stereo, inputs: 1}\n"
		      "  master/fader: {type: gain}\n  out: {type: output}\n"
		      "  sum/bus: {type: bus, layout: stereo, inputs: 1}\n"
		      "  sum/fader: {type: gain}\n"
		      "links:\n  - a/player -> a/fader -> sum/bus -> sum/fader -> master/bus -> "
		      "master/fader -> out\n");
}

TEST(tracks_are_refused_with_their_place)
{
	check_refused("mixd: 1\ntracks:\n  vox: {clps: []}\n", "s.yaml:3:9", "unknown key \"clps\"",
		      "\"clips\"");
	check_refused("mixd: 1\ntracks:\n  vox: {strip: [{type: eqq}]}\n", "s.yaml:3:24", "eqq",
		      "\"eq\"");
	check_refused("mixd: 1\ntracks:\n  vox: {strip: [{band1: {gain: 3dB}}]}\n", "s.yaml:3:17",
		      "no type", "type: eq");
	check_refused("mixd: 1\ntracks:\n  vox: {strip: [{type: eq, band1: {gian: 3dB}}]}\n",
		      "s.yaml:3:36", "gian", "gain");
	check_refused("mixd: 1\ntracks:\n  vox: {strip: [{type: eq, name: x}, {type: eq, name: "
		      "x}]}\n",
		      "s.yaml:3:55", "\"vox/x\" is there already", "another name");
	check_refused("mixd: 1\ntracks:\n  vox: {strip: [tone]}\n", "s.yaml:3:17",
		      "does not pass sound on", "nodes and links");
	check_refused("mixd: 1\ntracks:\n  vox: {gain: loud}\n", "s.yaml:3:15", "vox/fader.gain",
		      "as in");
	check_refused("mixd: 1\ntracks:\n  vox: {pan: X3}\n", "s.yaml:3:14", "vox/pan.pan", "");
	check_refused("mixd: 1\ntracks:\n  vox: {bus: drum}\nbuses: {drums: {}}\n", "s.yaml:3:14",
		      "neither a bus nor a node \"drum\"", "\"drums\"");
	check_refused("mixd: 1\ntracks:\n  vox: {sends: {fy: -3dB}}\nbuses: {fx: {}}\n",
		      "s.yaml:3:17", "neither a bus nor a node \"fy\"", "\"fx\"");
	check_refused("mixd: 1\ntracks:\n  vox: {sends: {fx: {levl: -3dB}}}\nbuses: {fx: {}}\n",
		      "s.yaml:3:22", "unknown key \"levl\"", "\"level\"");
	check_refused("mixd: 1\ntracks:\n  vox: {sends: {fx: loud}}\nbuses: {fx: {}}\n",
		      "s.yaml:3:21", "loud", "");
	check_refused("mixd: 1\ntracks:\n  vox: {clips: [], file: a.wav}\n", "s.yaml:3:20",
		      "clips and a file", "into the list");
	check_refused("mixd: 1\ntracks:\n  vox: {clips: [{file: a.wav, att: 1s}]}\n", "s.yaml:3:31",
		      "unknown key \"att\"", "\"at\"");
	check_refused("mixd: 1\ntracks:\n  vox: {clips: [{file: a.wav, at: soon}]}\n",
		      "s.yaml:3:35", "vox/player.clips: \"soon\" is no time", "12.5s");
	check_refused("mixd: 1\ntracks:\n  vox: {clips: [{at: 1s}]}\n", "s.yaml:3:17", "no file",
		      "file");
	check_refused("mixd: 1\ntracks:\n  vox: {clips: [a.wav]}\n", "s.yaml:3:17", "a clip is",
		      "a map");
	check_refused("mixd: 1\ntracks:\n  vox: {clips: \"[{file: a.wav, at: soon}]\"}\n",
		      "s.yaml:3:16", "character 20", "");
	check_refused("mixd: 1\ntracks:\n  vox: [a.wav]\n", "s.yaml:3:8", "a track is a list",
		      "a map");
	check_refused("mixd: 1\nbuses:\n  mix: a.wav\n", "s.yaml:3:8", "a bus is", "a map");
	check_refused("mixd: 1\ntracks:\n  v x: a.wav\n", "s.yaml:3:3", "no name", "vox/eq");
	check_refused("mixd: 1\ntracks:\n  a: a.wav\nnodes: {o: {type: output}, p: {type: "
		      "output}}\n",
		      "s.yaml:3:3", "2 outputs", "bus: out");
	check_refused("mixd: 1\ntracks:\n  a: a.wav\nnodes: {a/fader: {type: gain}}\n",
		      "s.yaml:3:3", "\"a/fader\" is there already", "another name");
	check_refused("mixd: 1\ntracks:\n  a: {sends: {b: 0dB}}\nbuses: {mix: {}, b: {sends: {mix: "
		      "0dB}, bus: a/fader}}\n",
		      "s.yaml:4:46", "a/fader", "");
}

TEST(tracks_in_numbers)
{
	char *text = malloc(1u << 18), *end = text;
	struct graph_model *model;

	end += sprintf(end, "mixd: 1\ntracks:\n");
	for (unsigned i = 0; i < 64; i++)
		end += sprintf(end,
			       "  track%u:\n    clips: [{file: stems/track%u.wav, at: 0s}]\n"
			       "    strip: [{type: eq, band1: {gain: 3dB}}, {type: duck}]\n"
			       "    gain: -%u.5dB\n    pan: L%u\n    sends: {fx: -12dB}\n",
			       i, i, i % 12, i);
	sprintf(end, "buses: {mix: {}, fx: {bus: mix}}\n");
	model = model_of(text);
	CHECK(model->n_nodes == 64 * 5 + 2 * 2 + 1, "%u", model->n_nodes);
	CHECK(model->n_links == 64 * 6 + 2 * 2, "%u", model->n_links);
	graph_model_free(model);
	free(text);
}

/* ---- markers and envelopes ---- */

#define TIMELINE                                                                                   \
	"mixd: 1\n"                                                                                \
	"nodes:\n"                                                                                 \
	"  a: {type: gain, gain: -6dB}\n"                                                          \
	"envelopes:\n"                                                                             \
	"  - {address: \"a.gain\", on: timeline, curve: linear, points: [\"0ms=-inf\", "           \
	"\"12500ms=0dB\"]}\n"                                                                      \
	"markers:\n"                                                                               \
	"  verse: 12.5s\n"                                                                         \
	"  \"the end\": 185s\n"

TEST(timeline_is_written_as_it_is_read)
{
	check_written(TIMELINE, TIMELINE);
	check_written("mixd: 1\nmarkers: {the end: 3:05, verse: 0:12.5}\nnodes: {a: {type: gain, "
		      "gain: -6dB}}\nenvelopes: [{address: a.gain, on: timeline, curve: linear, "
		      "points: [0s=-inf, verse=0dB]}]\n",
		      TIMELINE);
	check_written("mixd: 1\nmarkers: {b: 1s, a: b}\n", "mixd: 1\nmarkers:\n  a: 1s\n  b: 1s\n");
	check_refused("mixd: 1\nmarkers: {a: 1s, b: 48000fr}\n", "s.yaml:2:21", "no rate",
		      "seconds");
	check_refused("mixd: 1\nmarkers: {verse: late}\n", "s.yaml:2:18", "neither a time",
		      "12.5s");
	check_refused("mixd: 1\nmarkers: {a: 1s, b: aa}\n", "s.yaml:2:21", "neither a time",
		      "\"a\"");
	check_refused("mixd: 1\nmarkers: {1st: 1s}\n", "s.yaml:2:11", "no name for a marker",
		      "letter");
	check_refused("mixd: 1\nmarkers: {a: 101h}\n", "s.yaml:2:14", "", "");
	check_refused("mixd: 1\nmarkers: [a]\n", "s.yaml:2:10", "markers is a list", "a map");
	check_refused("mixd: 1\nnodes: {a: {type: gain}}\nenvelopes: [{address: a.gain, on: "
		      "tape, points: [0s=0dB]}]\n",
		      "s.yaml:3:35", "on \"tape\"", "timeline");
	check_refused("mixd: 1\nnodes: {a: {type: gain}}\nenvelopes: [{address: a.gain, on: "
		      "timeline, points: [vers=0dB]}]\n",
		      "s.yaml:3:54", "", "");
}

static struct graph_delta *apply(struct graph_model *model, const char *text)
{
	struct graph_delta *delta = NULL;
	struct mixd_error err = {0};
	int r = graph_fixture_apply(model, (const char *const[]){text, NULL}, &delta, &err);

	CHECK(r == 0, "%s: %s: %s", text, err.address, err.text);
	graph_fixture_check(model);
	return delta;
}

static struct graph_delta *apply_op(struct graph_model *model, Mixd__V1__Op *op, int wanted,
				    struct mixd_error *err)
{
	struct graph_delta *delta = NULL;
	int r = graph_txn_apply(model, &op, 1, &delta, err);

	CHECK(r == wanted, "%d: %s", r, err->text);
	return delta;
}

static char *written(const struct graph_model *model)
{
	return graph_session_write(model, "yaml");
}

/* Undone, it is as before, and done again as after. */
static void check_undo(struct graph_model *model, struct graph_delta *delta, char *before)
{
	char *after = written(model), *now;
	struct graph_delta *back = NULL, *forth = NULL;
	struct mixd_error err = {0};

	CHECK(graph_txn_apply(model, delta->inverse, delta->n_inverse, &back, &err) == 0, "%s",
	      err.text);
	now = written(model);
	CHECK(strcmp(now, before) == 0, "\n%s\nwant\n%s", now, before);
	free(now);
	CHECK(graph_txn_apply(model, delta->done, delta->n_done, &forth, &err) == 0, "%s",
	      err.text);
	now = written(model);
	CHECK_STR(now, after);
	free(now);
	free(after);
	free(before);
	graph_delta_free(delta);
	graph_delta_free(back);
	graph_delta_free(forth);
}

TEST(timeline_is_applied_and_undone)
{
	static const char *const sessions[] = {
		"apply " TIMELINE,
		"apply mixd: 1\nnodes: {a: {type: gain, gain: -6dB}}\nmarkers: {verse: 13s}\n",
		"apply mixd: 1\nnodes: {a: {type: gain, gain: -3dB}}\nmarkers: {verse: 13s}\n"
		"envelopes: [{address: a.gain, on: timeline, points: [0s=0dB]}]\n",
		"apply mixd: 1\nnodes: {a: {type: gain, gain: -3dB}}\n"
		"envelopes: [{address: a.gain, on: timeline, points: [0s=0dB, 1s=-6dB]}]\n",
		"apply mixd: 1\nnodes: {b: {type: gain}}\n",
		"merge mixd: 1\nmarkers: {chorus: 3s}\n",
		"apply mixd: 1\nnodes: {}\n",
	};
	struct graph_model *model = graph_model_new(graph_fixture_types(), "test");

	for (size_t i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++) {
		char *before = written(model);
		struct graph_delta *again, *delta = apply(model, sessions[i]);

		CHECK(delta->n_done > 0, "%s", sessions[i]);
		again = apply(model, sessions[i]); /* it is so already */
		CHECK(again->n_done == 0, "%s", sessions[i]);
		graph_delta_free(again);
		check_undo(model, delta, before);
	}
	graph_model_free(model);
}

static Mixd__V1__Op *marker_op(const char *name, const char *at)
{
	Mixd__V1__Op *op = malloc(sizeof(*op));

	mixd__v1__op__init(op);
	op->op_case = MIXD__V1__OP__OP_MARKER;
	op->marker = malloc(sizeof(*op->marker));
	mixd__v1__set_marker__init(op->marker);
	op->marker->name = strdup(name);
	op->marker->remove = !at;
	if (!at)
		return op;
	op->marker->at = malloc(sizeof(*op->marker->at));
	mixd__v1__value__init(op->marker->at);
	op->marker->at->kind_case = MIXD__V1__VALUE__KIND_TEXT;
	op->marker->at->text = strdup(at);
	return op;
}

/* AT NULL: it goes. The fault has words from WANTED; NULL: it is done. */
static void check_marker(struct graph_model *model, const char *name, const char *at,
			 const char *wanted, const char *hint)
{
	Mixd__V1__Op *op = marker_op(name, at);
	char *before = written(model);
	struct mixd_error err = {0};
	struct graph_delta *delta = NULL;
	int r = graph_txn_apply(model, &op, 1, &delta, &err);

	mixd__v1__op__free_unpacked(op, NULL);
	if (!wanted) {
		CHECK(r == 0, "%s: %s", name, err.text);
		check_undo(model, delta, before);
		return;
	}
	free(before);
	CHECK(r < 0 && strstr(err.text, wanted), "%s %s: %d %s", name, at, r, err.text);
	CHECK(strstr(err.hint, hint), "%s", err.hint);
}

TEST(markers_are_set_moved_and_removed)
{
	struct graph_model *model = graph_model_new(graph_fixture_types(), "test");
	char *text;

	model->rate = 44100.0;
	check_marker(model, "verse", "12.5s", NULL, NULL);
	check_marker(model, "verse", "+=250ms", NULL, NULL);
	check_marker(model, "one", "44100fr", NULL, NULL);
	check_marker(model, "copy", "verse", NULL, NULL);
	check_marker(model, "copy", "-=1:00", NULL, NULL); /* not beyond the start */
	check_marker(model, "Strophe \xc3\xbc", "start", NULL, NULL);
	text = written(model);
	CHECK_STR(text, "mixd: 1\nname: test\nmarkers:\n  \"Strophe \xc3\xbc\": 0s\n  copy: 0s\n  "
			"one: 1s\n  verse: 12.75s\n");
	free(text);
	check_marker(model, "vers", NULL, "no marker \"vers\"", "\"verse\"");
	check_marker(model, "x", "vers", "neither a time nor a marker", "\"verse\"");
	check_marker(model, "x", "5dB", "neither a time", "12.5s");
	check_marker(model, "x", "200h", "neither a time", "12.5s");
	check_marker(model, "9", "1s", "no name", "letter");
	check_marker(model, "a=b", "1s", "no name", "letter");
	check_marker(model, "", "1s", "no name", "letter");
	CHECK(strcmp(graph_model_marker_before(model, 5.0)->name, "one") == 0);
	CHECK(!graph_model_marker_before(model, -1.0));
	check_marker(model, "*e", NULL, NULL, NULL);
	CHECK(model->n_markers == 2); /* "Strophe ü" and copy; globs match one and verse */
	graph_model_free(model);
}

TEST(markers_have_a_limit)
{
	struct graph_model *model = graph_model_new(graph_fixture_types(), "test");
	struct mixd_error err = {0};
	char name[32];

	for (unsigned i = 0; i <= GRAPH_MARKERS_MAX; i++) {
		Mixd__V1__Op *op;
		struct graph_delta *delta;

		snprintf(name, sizeof(name), "m%u", i);
		op = marker_op(name, "1s");
		delta = apply_op(model, op, i < GRAPH_MARKERS_MAX ? 0 : -EIO, &err);
		graph_delta_free(delta);
		mixd__v1__op__free_unpacked(op, NULL);
	}
	CHECK(err.code == ERROR_RESOURCE && err.hint[0]);
	graph_model_free(model);
}

static Mixd__V1__Op *timeline_op(const char *text)
{
	Mixd__V1__Op *op = graph_fixture_op(text);

	op->automate->timeline = true;
	return op;
}

TEST(envelopes_on_the_timeline_are_states)
{
	struct graph_model *model = graph_model_new(graph_fixture_types(), "test");
	const struct graph_node *a;
	struct mixd_error err = {0};
	Mixd__V1__Op *op;
	char *before;

	graph_delta_free(apply(model, "add gain a gain=-6dB"));
	a = graph_model_node(model, "a");
	before = written(model);
	op = timeline_op("auto a.gain linear 0=-60 3000=0");
	check_undo(model, apply_op(model, op, 0, &err), before);
	CHECK(model->n_envelopes == 1 && a->value[graph_type_param(a->type, "gain")] == -6.0);
	/* equal: no change */
	{
		struct graph_delta *delta = apply_op(model, op, 0, &err);

		CHECK(delta->n_done == 0);
		graph_delta_free(delta);
	}
	mixd__v1__op__free_unpacked(op, NULL);
	/* a Set moves the value, the envelope stays */
	before = written(model);
	check_undo(model, apply(model, "set a.gain=-3dB"), before);
	CHECK(model->n_envelopes == 1 && a->value[graph_type_param(a->type, "gain")] == -3.0);
	/* no action on top of a state */
	op = graph_fixture_op("auto a.gain linear 0=-60 3000=0");
	apply_op(model, op, -EEXIST, &err);
	CHECK(strstr(err.text, "follows the time line") && strstr(err.hint, "--clear"));
	mixd__v1__op__free_unpacked(op, NULL);
	before = written(model);
	check_undo(model, apply(model, "clear a.gain"), before);
	CHECK(model->n_envelopes == 0);
	/* with its node it goes, and comes back */
	op = timeline_op("auto a.gain linear 0=-60 3000=0");
	graph_delta_free(apply_op(model, op, 0, &err));
	mixd__v1__op__free_unpacked(op, NULL);
	before = written(model);
	check_undo(model, apply(model, "rm a"), before);
	graph_model_free(model);
}
