/* bench_engine.c - what a graph costs in the real engine: ns of processor time per stereo frame.
 *
 * USE         bench_engine CASE BLOCK [SECONDS [tail]] ; CASE: wire, onair, strips:N, gains:N, or a chain of node
 *             declarations "eq,band1.on=on,...;limiter". "ducker+key" links the input to that port, too; a source
 *             begins with ">": ">generator". Prints one line of JSON: the median over repeats.
 *             `tail` feeds 10 s of the material and then times silence.
 * NOT HERE    peers and ratios: bench.py. */
#include "audio_file.h"
#include "engine_modules.h"
#include "instance.h"

#include "bench_material.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text {
	char *data;
	size_t size;
	FILE *stream;
};

static void say(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct text *text, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(text->stream, fmt, ap);
	va_end(ap);
}

/* "eq,band1.on=on" -> "  nN: {type: eq, band1.on: on}" */
static void say_node(struct text *text, const char *name, char *declaration)
{
	char *rest = declaration, *word = strsep(&rest, ",");

	say(text, "  %s: {type: %s", name, word);
	while ((word = strsep(&rest, ","))) {
		char *value = strchr(word, '=');

		if (value)
			*value++ = '\0';
		say(text, ", %s: \"%s\"", word, value ? value : "on");
	}
	say(text, "}\n");
}

#define EQ4                                                                                        \
	"band1.on: on, band1.freq: 100Hz, band1.gain: 3dB, band2.on: on, band2.freq: 400Hz, "      \
	"band2.gain: -3dB, band3.on: on, band3.freq: 2.5kHz, band3.gain: 2dB, band4.on: on, "      \
	"band4.freq: 9kHz, band4.gain: -2dB"

static void say_strips(struct text *text, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		say(text,
		    "  s%05u/eq: {type: eq, " EQ4 "}\n  s%05u/comp: {type: comp}\n"
		    "  s%05u/pan: {type: pan, pan: L%u}\n",
		    i, i, i, i % 100);
	say(text,
	    "  mix: {type: bus, inputs: %u}\n  out: {type: output, device: none}\nlinks:\n  - mix "
	    "-> out\n",
	    n);
	for (unsigned i = 0; i < n; i++)
		say(text, "  - in -> s%05u/eq -> s%05u/comp -> s%05u/pan -> mix:in%u\n", i, i, i,
		    i + 1);
}

/* "ducker+key,ratio=4:1" -> "ducker,ratio=4:1"; returned: "key", or NULL. Cut at the next +. */
static char *take_ports(char *declaration)
{
	char *end = declaration + strcspn(declaration, ",");
	char *plus = memchr(declaration, '+', (size_t)(end - declaration)), *ports;

	if (!plus)
		return NULL;
	ports = strndup(plus + 1, (size_t)(end - plus - 1));
	memmove(plus, end, strlen(end) + 1);
	return ports;
}

static void say_chain(struct text *text, const char *chain)
{
	bool is_source = chain[0] == '>';
	char *copy = strdup(chain + is_source), *rest = copy, *part;
	char *ports[16] = {NULL};
	unsigned n = 0;

	while ((part = strsep(&rest, ";")) && n < 16) {
		char name[16];

		ports[n] = take_ports(part);
		snprintf(name, sizeof(name), "n%u", ++n);
		say_node(text, name, part);
	}
	say(text, "  out: {type: output, device: none}\nlinks:\n  - %s", is_source ? "" : "in -> ");
	for (unsigned i = 1; i <= n; i++)
		say(text, "n%u -> ", i);
	say(text, "out\n");
	for (unsigned i = 0; i < n; i++) {
		char *list = ports[i], *port;

		while (list && (port = strsep(&list, "+")))
			say(text, "  - in -> n%u:%s\n", i + 1, port);
		free(ports[i]);
	}
	free(copy);
}

static void make_session(struct text *text, const char *name)
{
	unsigned n;

	text->stream = open_memstream(&text->data, &text->size);
	say(text,
	    "mixd: 1\nname: bench\nnodes:\n  in: {type: input, layout: stereo, device: none}\n");
	if (strcmp(name, "wire") == 0)
		say(text, "  out: {type: output, device: none}\nlinks:\n  - in -> out\n");
	else if (strcmp(name, "onair") == 0)
		say_chain(text, "leveler,target=-23LUFS;limiter,ceiling=-1dBTP;loudness");
	else if (sscanf(name, "strips:%u", &n) == 1)
		say_strips(text, n);
	else if (sscanf(name, "gains:%u", &n) == 1) {
		for (unsigned i = 0; i < n; i++)
			say(text, "  g%05u: {type: gain, gain: %.2fdB}\n", i, i % 2 ? 0.5 : -0.5);
		say(text, "  out: {type: output, device: none}\nlinks:\n  - in");
		for (unsigned i = 0; i < n; i++)
			say(text, " -> g%05u", i);
		say(text, " -> out\n");
	} else
		say_chain(text, name);
	fclose(text->stream);
}

static void refused(void *data, const char *path, const char *reason)
{
	fprintf(stderr, "bench_engine: %s: %s\n", path, reason);
}

static int open_instance(const char *name, struct engine **ret_engine,
			 struct instance **ret_instance)
{
	static struct graph_types *types;
	static struct engine_modules *modules;
	struct engine_setup setup = {.rate = BENCH_RATE,
				     .offline = true,
				     .read_audio = audio_file_read,
				     .free_audio = audio_file_free};
	struct mixd_error err = {0};
	struct text text = {0};
	Mixd__V1__Apply apply = MIXD__V1__APPLY__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT, *ops[] = {&op};
	struct instance_request request = {.ops = ops, .n_ops = 1, .by = "bench"};
	struct instance_result result = {0};
	int r;

	make_session(&text, name);
	types = graph_types_new();
	apply.text = text.data;
	op.op_case = MIXD__V1__OP__OP_APPLY;
	op.apply = &apply;
	if ((r = engine_modules_load(types, refused, NULL, &modules, &err)) < 0 ||
	    (r = engine_new(&setup, ret_engine, &err)) < 0 ||
	    (r = instance_new("bench", types, *ret_engine, &(struct instance_hooks){0},
			      ret_instance, &err)) < 0 ||
	    (r = instance_transact(*ret_instance, &request, &result, &err)) < 0)
		fprintf(stderr, "bench_engine: %s: %s (%s)\n", err.address, err.text, err.hint);
	instance_result_done(&result);
	free(text.data);
	return r;
}

/* Run FRAMES of the material (or of silence) in blocks of BLOCK; ns of processor time. */
static double run(struct engine *engine, uint64_t frames, uint32_t block, bool silence)
{
	static float out_left[ENGINE_BLOCK_MAX], out_right[ENGINE_BLOCK_MAX];
	static float zeros[ENGINE_BLOCK_MAX];
	float *out_channels[] = {out_left, out_right};
	/* slots are given in the order of creation: whichever of the two is the input reads the material */
	float *const *out[] = {out_channels, out_channels};
	double start = bench_now_ns();

	for (uint64_t done = 0; done < frames; done += block) {
		uint32_t at = (uint32_t)(done % BENCH_LOOP_FRAMES);
		const float *in_channels[] = {silence ? zeros : bench_left + at,
					      silence ? zeros : bench_right + at};
		const float *const *in[] = {in_channels, in_channels};
		struct engine_cycle cycle = {
			.n_frames = block, .in = in, .n_in = 2, .out = out, .n_out = 2};

		engine_process(engine, &cycle);
	}
	return bench_now_ns() - start;
}

int main(int argc, char **argv)
{
	struct engine *engine = NULL;
	struct instance *instance = NULL;
	uint32_t block = argc > 2 ? (uint32_t)atoi(argv[2]) : 256;
	double seconds = argc > 3 ? atof(argv[3]) : 1.0, ns[BENCH_REPEATS], median;
	bool tail = argc > 4 && strcmp(argv[4], "tail") == 0;
	uint64_t frames = (uint64_t)(seconds * BENCH_RATE) / block * block;
	struct engine_stats stats;

	if (argc < 2 || block < 1 || block > ENGINE_BLOCK_MAX || frames < block) {
		fprintf(stderr, "usage: bench_engine CASE BLOCK [SECONDS [tail]]\n");
		return 2;
	}
	bench_make_material();
	if (open_instance(argv[1], &engine, &instance) < 0)
		return 1;
	engine_set_running(engine, true);
	run(engine, tail ? BENCH_RATE * 10u : BENCH_RATE, block, false);
	engine_maintain(engine);
	for (int i = 0; i < BENCH_REPEATS; i++)
		ns[i] = run(engine, frames, block, tail) / (double)frames;
	median = bench_median(ns, BENCH_REPEATS);
	engine_stats(engine, &stats);
	printf("{\"case\":\"%s\",\"block\":%u,\"ns_per_frame\":%.3f,\"ns_min\":%.3f,\"steps\":%u,"
	       "\"banks\":%u,\"latency\":%u}\n",
	       argv[1], block, median, ns[0], stats.n_steps, stats.n_banks, stats.latency_frames);
	engine_set_running(engine, false);
	instance_free(instance);
	engine_free(engine);
	return 0;
}
