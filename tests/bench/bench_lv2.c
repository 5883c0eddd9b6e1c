/* bench_lv2.c - what a chain of LV2 plug-ins costs: the peers, in a host as small as can be.
 *
 * USE         bench_lv2 BLOCK COPIES URI[,symbol=value...] [URI...] ; prints one line of JSON: ns of processor time per
 *             stereo frame and copy. COPIES independent chains run per block, as in a mixer.
 * NOT HERE    our own figures: bench_engine.c; ratios: bench.py. */
#include "bench_material.h"

#include <lilv/lilv.h>
#include <lv2/atom/atom.h>
#include <lv2/buf-size/buf-size.h>
#include <lv2/options/options.h>
#include <lv2/parameters/parameters.h>
#include <lv2/urid/urid.h>
#include <lv2/worker/worker.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#define ATOM_BYTES 65536u

struct plugin {
	LilvInstance *instance;
	const LV2_Worker_Interface *worker;
	uint32_t in[2], out[2], n_in, n_out; /* one each: a mono plug-in, which takes the left */
};

static char *urid_table[4096];
static uint32_t urid_count;

static LV2_URID urid_map(LV2_URID_Map_Handle handle, const char *uri)
{
	for (uint32_t i = 0; i < urid_count; i++)
		if (strcmp(urid_table[i], uri) == 0)
			return i + 1;
	if (urid_count == 4096)
		return 0;
	urid_table[urid_count++] = strdup(uri);
	return urid_count;
}

static const char *urid_unmap(LV2_URID_Unmap_Handle handle, LV2_URID urid)
{
	return urid && urid <= urid_count ? urid_table[urid - 1] : NULL;
}

static LV2_Worker_Status worker_respond(LV2_Worker_Respond_Handle handle, uint32_t size,
					const void *data)
{
	struct plugin *plugin = handle;

	if (plugin->worker && plugin->worker->work_response)
		return plugin->worker->work_response(plugin->instance->lv2_handle, size, data);
	return LV2_WORKER_SUCCESS;
}

static LV2_Worker_Status worker_schedule(LV2_Worker_Schedule_Handle handle, uint32_t size,
					 const void *data)
{
	struct plugin *plugin = handle;

	if (!plugin->instance || !plugin->worker)
		return LV2_WORKER_ERR_UNKNOWN;
	return plugin->worker->work(plugin->instance->lv2_handle, worker_respond, plugin, size,
				    data);
}

static LilvInstance *instantiate(struct plugin *plugin, const LilvPlugin *lilv_plugin,
				 int32_t block)
{
	static LV2_URID_Map map = {NULL, urid_map};
	static LV2_URID_Unmap unmap = {NULL, urid_unmap};
	static int32_t length, sequence = 8192;
	static float rate = BENCH_RATE;
	LV2_URID type_int = urid_map(NULL, LV2_ATOM__Int),
		 type_float = urid_map(NULL, LV2_ATOM__Float);
	LV2_Options_Option options[] = {
		{0, 0, urid_map(NULL, LV2_BUF_SIZE__minBlockLength), 4, type_int, &length},
		{0, 0, urid_map(NULL, LV2_BUF_SIZE__maxBlockLength), 4, type_int, &length},
		{0, 0, urid_map(NULL, LV2_BUF_SIZE__nominalBlockLength), 4, type_int, &length},
		{0, 0, urid_map(NULL, LV2_BUF_SIZE__sequenceSize), 4, type_int, &sequence},
		{0, 0, urid_map(NULL, LV2_PARAMETERS__sampleRate), 4, type_float, &rate},
		{0, 0, 0, 0, 0, NULL}};
	LV2_Worker_Schedule *schedule = calloc(1, sizeof(*schedule));
	LV2_Feature f_map = {LV2_URID__map, &map}, f_unmap = {LV2_URID__unmap, &unmap};
	LV2_Feature f_options = {LV2_OPTIONS__options, options},
		    f_schedule = {LV2_WORKER__schedule, schedule};
	LV2_Feature f_bounded = {LV2_BUF_SIZE__boundedBlockLength, NULL};
	LV2_Feature f_fixed = {LV2_BUF_SIZE__fixedBlockLength, NULL};
	LV2_Feature f_power = {LV2_BUF_SIZE__powerOf2BlockLength, NULL};
	const LV2_Feature *features[] = {&f_map,     &f_unmap, &f_options, &f_schedule,
					 &f_bounded, &f_fixed, &f_power,   NULL};

	length = block;
	*schedule = (LV2_Worker_Schedule){plugin, worker_schedule};
	return lilv_plugin_instantiate(lilv_plugin, BENCH_RATE, features);
}

static void connect_ports(LilvWorld *world, struct plugin *plugin, const LilvPlugin *lilv_plugin,
			  int32_t block, float *control)
{
	LilvNode *is_input = lilv_new_uri(world, LILV_URI_INPUT_PORT),
		 *is_audio = lilv_new_uri(world, LILV_URI_AUDIO_PORT);
	LilvNode *is_control = lilv_new_uri(world, LILV_URI_CONTROL_PORT),
		 *is_cv = lilv_new_uri(world, LILV_URI_CV_PORT);
	uint32_t n = lilv_plugin_get_num_ports(lilv_plugin);
	float *low = calloc(n, sizeof(float)), *high = calloc(n, sizeof(float)),
	      *def = calloc(n, sizeof(float));

	lilv_plugin_get_port_ranges_float(lilv_plugin, low, high, def);
	for (uint32_t i = 0; i < n; i++) {
		const LilvPort *port = lilv_plugin_get_port_by_index(lilv_plugin, i);
		bool input = lilv_port_is_a(lilv_plugin, port, is_input);

		if (lilv_port_is_a(lilv_plugin, port, is_audio) ||
		    lilv_port_is_a(lilv_plugin, port, is_cv)) {
			if (input && plugin->n_in < 2)
				plugin->in[plugin->n_in++] = i;
			else if (!input && plugin->n_out < 2)
				plugin->out[plugin->n_out++] = i;
			else /* side-chains hear silence */
				lilv_instance_connect_port(plugin->instance, i,
							   calloc((size_t)block, sizeof(float)));
		} else if (lilv_port_is_a(lilv_plugin, port, is_control)) {
			control[i] = isnan(def[i]) ? (isnan(low[i]) ? 0.0f : low[i]) : def[i];
			lilv_instance_connect_port(plugin->instance, i, &control[i]);
		} else {
			uint32_t *atom = calloc(1, ATOM_BYTES + 8);

			atom[0] = input ? 8 : ATOM_BYTES;
			atom[1] = urid_map(NULL, input ? LV2_ATOM__Sequence : LV2_ATOM__Chunk);
			lilv_instance_connect_port(plugin->instance, i, atom);
		}
	}
	free(low);
	free(high);
	free(def);
}

static int open_plugin(LilvWorld *world, const char *spec, int32_t block, struct plugin *plugin)
{
	char *copy = strdup(spec), *rest = copy, *word = strsep(&rest, ",");
	LilvNode *uri = lilv_new_uri(world, word);
	const LilvPlugin *lilv_plugin =
		lilv_plugins_get_by_uri(lilv_world_get_all_plugins(world), uri);
	float *control;

	if (!lilv_plugin || !(plugin->instance = instantiate(plugin, lilv_plugin, block))) {
		fprintf(stderr, "bench_lv2: %s: not installed, or it refuses to start\n", word);
		return 1;
	}
	plugin->worker = lilv_instance_get_extension_data(plugin->instance, LV2_WORKER__interface);
	control = calloc(lilv_plugin_get_num_ports(lilv_plugin), sizeof(float));
	connect_ports(world, plugin, lilv_plugin, block, control);
	while ((word = strsep(&rest, ","))) {
		char *value = strchr(word, '=');
		const LilvPort *port;

		if (!value)
			return 2;
		*value++ = '\0';
		port = lilv_plugin_get_port_by_symbol(lilv_plugin, lilv_new_string(world, word));
		if (!port) {
			fprintf(stderr, "bench_lv2: %s: no port %s\n", spec, word);
			return 1;
		}
		control[lilv_port_get_index(lilv_plugin, port)] = (float)atof(value);
	}
	lilv_instance_activate(plugin->instance);
	free(copy);
	return 0;
}

static void run_chain(struct plugin *chain, uint32_t n, uint32_t block, float *const buffer[2][2],
		      uint32_t at)
{
	float *in[2] = {bench_left + at, bench_right + at};

	for (uint32_t i = 0; i < n; i++) {
		for (int c = 0; c < 2; c++) {
			if ((uint32_t)c < chain[i].n_in)
				lilv_instance_connect_port(chain[i].instance, chain[i].in[c],
							   in[c]);
			if ((uint32_t)c < chain[i].n_out)
				lilv_instance_connect_port(chain[i].instance, chain[i].out[c],
							   buffer[i & 1][c]);
			in[c] = buffer[i & 1][c];
		}
		lilv_instance_run(chain[i].instance, block);
	}
}

int main(int argc, char **argv)
{
	uint32_t block = argc > 3 ? (uint32_t)atoi(argv[1]) : 0,
		 copies = argc > 3 ? (uint32_t)atoi(argv[2]) : 0;
	uint32_t n = argc > 3 ? (uint32_t)argc - 3 : 0, frames = BENCH_RATE / (copies > 8 ? 4 : 1);
	LilvWorld *world = lilv_world_new();
	struct plugin *plugins;
	float *buffer[2][2];
	double ns[BENCH_REPEATS];

	if (!block || !copies || block > BENCH_BLOCK_MAX) {
		fprintf(stderr, "usage: bench_lv2 BLOCK COPIES URI[,symbol=value...] [URI...]\n");
		return 2;
	}
	bench_make_material();
	for (int i = 0; i < 4; i++)
		buffer[i / 2][i % 2] = calloc(BENCH_BLOCK_MAX + 64, sizeof(float));
	lilv_world_load_all(world);
	plugins = calloc((size_t)n * copies, sizeof(*plugins));
	for (uint32_t i = 0; i < n * copies; i++)
		if (open_plugin(world, argv[3 + i % n], (int32_t)block, &plugins[i]))
			return 1;
#if defined(__x86_64__)
	_mm_setcsr(_mm_getcsr() | 0x8040); /* flush denormals, as real-time hosts do */
#endif
	for (int r = -1; r < BENCH_REPEATS; r++) {
		double start = bench_now_ns();

		for (uint32_t done = 0; done + block <= frames; done += block)
			for (uint32_t k = 0; k < copies; k++)
				run_chain(plugins + (size_t)k * n, n, block, buffer,
					  done % BENCH_LOOP_FRAMES);
		if (r >= 0)
			ns[r] = (bench_now_ns() - start) / (double)(frames / block * block) /
				copies;
	}
	printf("{\"peer\":\"%s\",\"block\":%u,\"copies\":%u,\"ns_per_frame\":%.3f}\n", argv[3],
	       block, copies, bench_median(ns, BENCH_REPEATS));
	return 0;
}
