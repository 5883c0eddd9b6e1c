/* fuzz_session.c - mutated session files: parsed, compared with a graph, and applied to it. What
 * parses must apply or be refused in words, and what was applied must write and read back equal. */
#include "fuzz.h"

#include <ctype.h>
#include <stdbool.h>

#include "cleanup.h"
#include "engine_modules.h"
#include "graph_session.h"

static struct graph_types *types;
static struct engine_modules *modules;
static uint32_t n_parsed, n_applied;

static const char *const sessions[] = {
	"mixd: 1\nname: onair\nnodes:\n  program: {type: input, layout: stereo, device: sink, "
	"label: "
	"\"On-air program\"}\n  limit: {type: limiter, ceiling: -1dBTP}\n  meter: {type: "
	"loudness}\n "
	" out: {type: output, layout: stereo, target: \"@default\"}\nlinks:\n  - program -> limit "
	"-> "
	"out\n  - limit -> meter\n",
	"mixd: 1\nname: eq\nnodes:\n  e:\n    type: eq\n    band1: {on: true, freq: 80Hz, type: "
	"highpass}\n    band2.freq: 1.2kHz\n    band2.gain: -3dB\n    band2.on: on\n",
	"mixd: 1\nnodes:\n  a: {type: gain, gain: -6dB, bypass: on}\n  b: {type: bus, inputs: 4}\n "
	" c: "
	"{type: comp, ratio: \"4:1\"}\nlinks:\n  - a -> b:in2\n  - {from: b, to: c, gain: -3dB}\n  "
	"- a "
	"-> c:key\n",
	"{\"mixd\": 1, \"name\": \"j\", \"nodes\": {\"p\": {\"type\": \"pan\", \"pan\": \"L30\"}}, "
	"\"links\": []}",
	"mixd: 1\nnodes:\n  a: {type: gain}\nenvelopes:\n  - {address: a.gain, curve: linear, "
	"points: "
	"[[0ms, -60dB], [3s, 0dB]]}\n",
	"mixd: 1\nmarkers: {verse: 12.5s, end: 0:03.5}\ntracks:\n  vox:\n    clips: []\n    strip: "
	"[{type: eq, band1: {gain: 3dB}}, comp]\n    gain: -3dB\n    pan: L20\n    sends: {fx: "
	"-12dB, "
	"mon: {level: -6dB, tap: pre}}\n  drums: {bus: mix}\nbuses: {mix: {strip: [limiter]}, fx: "
	"{}, mon: {bus: none}}\nenvelopes:\n  - {address: vox/fader.gain, on: timeline, curve: "
	"linear, points: [0s=-inf, verse=0dB]}\n",
	"mixd: 1\nnodes:\n  p:\n    type: player\n    clips:\n      - {file: a.wav, at: 1s, "
	"offset: "
	"10ms, length: 2s, gain: -3dB, fade_in: 10ms, curve_in: equal-power, loop: 2, reverse: on, "
	"speed: 150%, name: x}\n      - {file: \"b c.wav\", at: 48000fr}\n",
	"mixd: 1\nnodes: {}\n",
	"# nothing\n",
};
static const char *const words[] = {
	"type: ", "gain", "nodes:\n", "links:\n", " -> ",     ":in2",	  "dB",	   "\n  ",
	"{",	  "}",	  "[",	      "]",	  "&a",	      "*a",	  "!!int", "|\n",
	"- ",	  "? ",	  "7.1.4",    "64ch",	  "layout: ", "band32.q", "-inf",  "inputs: 4096",
	"\"",	  "'",	  "---\n",    "\t",	  "%",	      NULL};

static void session_refused(void *data, const char *path, const char *reason)
{
	(void)data;
	fprintf(stderr, "# %s is refused: %s\n", path, reason);
}

static void session_seeds(void)
{
	struct mixd_error error = {0};

	setenv("MIXD_NODE_PATH", MIXD_TEST_NODES, 0);
	types = graph_types_new();
	if (engine_modules_load(types, session_refused, NULL, &modules, &error) < 0)
		fuzz_fail("%s", error.text);
	for (size_t i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++) {
		Mixd__V1__Graph *graph = NULL;

		/* A seed that is refused would be a poor one; the last is meant to be. */
		if (graph_session_parse(types, "seed", sessions[i], strlen(sessions[i]), NULL,
					&graph, &error) < 0 &&
		    i + 1 < sizeof(sessions) / sizeof(sessions[0]))
			fuzz_fail("seed %zu: %s: %s", i, error.address, error.text);
		mixd__v1__graph__free_unpacked(graph, NULL);
		fuzz_seed(sessions[i], strlen(sessions[i]));
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	session_seeds();
	return 0;
}

static bool in_word(uint8_t c)
{
	return isalnum(c) || (c && strchr("_./@", c));
}

/* Where a word begins at or behind a random place, and its length; 0 when there is none. */
static size_t any_word(const uint8_t *data, size_t size, size_t *ret_at)
{
	size_t at = fuzz_random((uint32_t)size), n = 0;

	while (at > 0 && in_word(data[at - 1]))
		at--;
	while (at < size && !in_word(data[at]))
		at++;
	while (at + n < size && in_word(data[at + n]))
		n++;
	*ret_at = at;
	return n;
}

static size_t replace(uint8_t *data, size_t size, size_t at, size_t n, const void *by, size_t by_n,
		      size_t size_max)
{
	if (size - n + by_n > size_max)
		return size;
	memmove(data + at + by_n, data + at + n, size - at - n);
	memcpy(data + at, by, by_n);
	return size - n + by_n;
}

/* A value, name or key becomes another one; or a line is doubled or goes. */
static size_t session_mutate(uint8_t *data, size_t size, size_t size_max)
{
	static const char *const values[] = {
		"gain",	  "bus",    "eq",     "comp",	"limiter", "pan",     "feedback", "input",
		"output", "a",	    "b",      "c",	"on",	   "off",     "-6dB",	  "0dB",
		"2",	  "5.1",    "7.1.4",  "mono",	"64ch",	   "default", "1kHz",	  "bell",
		"band3",  "in1",    "in4",    "sink",	"L30",	   "inf",     "1000000",  "100ms",
		"key",	  "linear", "bypass", "layout", "inputs",  "4096",    "loudness", "stereo"};
	uint8_t copy[256];
	size_t at, n;

	for (uint32_t k = 1 + fuzz_random(3); k > 0 && size; k--) {
		n = any_word(data, size, &at);
		if (fuzz_random(4) && n) {
			const char *value = values[fuzz_random(sizeof(values) / sizeof(values[0]))];

			size = replace(data, size, at, n, value, strlen(value), size_max);
			continue;
		}
		at = fuzz_random((uint32_t)size); /* a line */
		while (at > 0 && data[at - 1] != '\n')
			at--;
		n = 0;
		while (at + n < size && n < sizeof(copy) && (n == 0 || data[at + n - 1] != '\n'))
			n++;
		memcpy(copy, data + at, n);
		if (fuzz_random(2))
			size = replace(data, size, at, 0, copy, n, size_max);
		else
			size = replace(data, size, at, n, "", 0, size_max);
	}
	return size;
}

const struct fuzz_harness fuzz_harness = {.name = "session",
					  .runs_short = 5000,
					  .runs_long = 100000,
					  .size_max = 16384,
					  .seeds = session_seeds,
					  .mutate = session_mutate,
					  .words = words};

/* What MODEL writes is MODEL. */
static void session_check_writing(const struct graph_model *model)
{
	_cleanup_free_ char *text = graph_session_write(model, "yaml");
	Mixd__V1__Graph *graph = NULL;
	Mixd__V1__Op **ops = NULL;
	struct mixd_error error = {0};
	uint32_t n = 0;

	if (!text || graph_session_parse(model->types, "written", text, strlen(text), NULL, &graph,
					 &error) < 0)
		fuzz_fail("what was written does not parse: %s %s in\n%s", error.address,
			  error.text, text ? text : "");
	if (graph_session_diff(model, graph, false, &ops, &n, &error) < 0 || n)
		fuzz_fail("what was written differs in %u ways:\n%s", n, text);
	graph_ops_free(ops, n);
	mixd__v1__graph__free_unpacked(graph, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = malloc(size + 1);
	struct graph_model *model;
	struct graph_delta *delta = NULL;
	Mixd__V1__Graph *graph = NULL;
	Mixd__V1__Op **ops = NULL;
	struct mixd_error error = {0};
	uint32_t n = 0;

	memcpy(text, data, size);
	text[size] = '\0';
	if (graph_session_parse(types, "fuzz.yaml", text, size, NULL, &graph, &error) < 0) {
		if (!*error.text)
			fuzz_fail("refused without a word");
		return 0;
	}
	n_parsed++;
	model = graph_model_new(types, "fuzz");
	if (graph_session_diff(model, graph, fuzz_random(2), &ops, &n, &error) == 0) {
		if (graph_txn_apply(model, ops, n, &delta, &error) == 0) {
			n_applied++;
			session_check_writing(model);
		} else if (!*error.text) {
			fuzz_fail("not applied, without a word");
		}
		graph_delta_free(delta);
		graph_ops_free(ops, n);
	}
	graph_model_free(model);
	mixd__v1__graph__free_unpacked(graph, NULL);
	return 0;
}

static __attribute__((destructor)) void session_free(void)
{
	printf("# %u parsed, %u of them applied\n", n_parsed, n_applied);
	graph_types_free(types);
	engine_modules_free(modules);
}
