/* plugins.c - LV2 plug-ins that behave, and some that do not, for the tests of the LV2 host.
 *
 * WHAT        urn:mixd:gain (mono, smoothed, every kind of control), stereo (swaps), key (gain from a
 *             side-chain), latent (reports what it delays), keeper (state, and says that it changed),
 *             worker (its gain comes from a job), fixed (wants blocks of one length), crash, sleepy,
 *             nan, loud, mute (refuses to start), still (hangs). `fuse` is how many blocks they are
 *             good for.
 * NOT HERE    tables: manifest.ttl; "needy" and "midi" are only there, and never loaded. */
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lv2/atom/util.h>
#include <lv2/buf-size/buf-size.h>
#include <lv2/core/lv2.h>
#include <lv2/options/options.h>
#include <lv2/state/state.h>
#include <lv2/urid/urid.h>
#include <lv2/worker/worker.h>

#define PORTS_MAX 16
#define DELAY_MAX 4096u

struct plugin {
	const LV2_Descriptor *descriptor;
	void *port[PORTS_MAX];
	double rate, gain;
	uint32_t blocks, n_fixed;
	float line[DELAY_MAX];
	uint32_t at;
	float keep;
	bool told;
	const LV2_Worker_Schedule *schedule;
	LV2_URID_Map *map;
};

static LV2_Handle plugin_new(const LV2_Descriptor *descriptor, double rate, const char *bundle,
			     const LV2_Feature *const *features)
{
	struct plugin *plugin = calloc(1, sizeof(*plugin));
	const LV2_Options_Option *options = NULL;

	plugin->descriptor = descriptor;
	plugin->rate = rate;
	for (; *features; features++) {
		if (strcmp((*features)->URI, LV2_URID__map) == 0)
			plugin->map = (*features)->data;
		if (strcmp((*features)->URI, LV2_WORKER__schedule) == 0)
			plugin->schedule = (*features)->data;
		if (strcmp((*features)->URI, LV2_OPTIONS__options) == 0)
			options = (*features)->data;
	}
	for (; options && options->key; options++)
		if (options->key ==
		    plugin->map->map(plugin->map->handle, LV2_BUF_SIZE__maxBlockLength))
			plugin->n_fixed = (uint32_t) * (const int32_t *)options->value;
	if (strstr(descriptor->URI, "mute")) {
		free(plugin);
		return NULL;
	}
	if (strstr(descriptor->URI, "stillborn"))
		raise(SIGSEGV);
	return plugin;
}

static void plugin_connect(LV2_Handle handle, uint32_t port, void *data)
{
	((struct plugin *)handle)->port[port] = data;
}

static void plugin_activate(LV2_Handle handle)
{
	struct plugin *plugin = handle;

	plugin->gain = -1; /* taken from the port in the first frame */
	if (!strstr(plugin->descriptor->URI, "keeper"))
		plugin->keep = 0;
	memset(plugin->line, 0, sizeof(plugin->line));
	plugin->at = 0;
}

static void plugin_free(LV2_Handle handle)
{
	free(handle);
}

static float control(const struct plugin *plugin, uint32_t port)
{
	return *(const float *)plugin->port[port];
}

/* 0 in, 1 out, 2 gain, 3 meter: smoothed by the frame, so that no cut of time is heard. */
static void gain_frames(struct plugin *plugin, const float *in, float *out, float target,
			uint32_t n)
{
	double step = 1 - exp(-1 / (0.005 * plugin->rate));

	if (plugin->gain < 0)
		plugin->gain = (double)target;
	for (uint32_t i = 0; i < n; i++) {
		plugin->gain += step * ((double)target - plugin->gain);
		out[i] = (float)((double)in[i] * plugin->gain);
	}
}

/* The meter says what the other controls have brought. */
static void gain_run(LV2_Handle handle, uint32_t n)
{
	struct plugin *plugin = handle;

	gain_frames(plugin, plugin->port[0], plugin->port[1], control(plugin, 2), n);
	*(float *)plugin->port[3] = control(plugin, 4) * 1000 + control(plugin, 5) * 100 +
				    control(plugin, 7) * 10 + control(plugin, 8) +
				    control(plugin, 6) * 0.01f;
}

static void stereo_run(LV2_Handle handle, uint32_t n)
{
	struct plugin *plugin = handle;

	memcpy(plugin->port[2], plugin->port[1], n * sizeof(float));
	memcpy(plugin->port[3], plugin->port[0], n * sizeof(float));
}

/* 0 1 in, 2 3 key, 4 5 out */
static void key_run(LV2_Handle handle, uint32_t n)
{
	struct plugin *plugin = handle;

	for (int c = 0; c < 2; c++)
		for (uint32_t i = 0; i < n; i++)
			((float *)plugin->port[4 + c])[i] =
				((const float *)plugin->port[c])[i] *
				(1 - ((const float *)plugin->port[2 + c])[i]);
}

/* 0 in, 1 out, 2 delay in frames, 3 latency */
static void latent_run(LV2_Handle handle, uint32_t n)
{
	struct plugin *plugin = handle;
	uint32_t delay = (uint32_t)control(plugin, 2);
	const float *in = plugin->port[0];
	float *out = plugin->port[1];

	for (uint32_t i = 0; i < n; i++, plugin->at++) {
		plugin->line[plugin->at % DELAY_MAX] = in[i];
		out[i] = plugin->line[(plugin->at - delay) % DELAY_MAX];
	}
	*(float *)plugin->port[3] = (float)delay;
}

/* 0 in, 1 out, 2 learn, 3 notify: while `learn` is above 0, that is the gain it keeps. */
static void keeper_run(LV2_Handle handle, uint32_t n)
{
	struct plugin *plugin = handle;
	LV2_Atom_Sequence *notify = plugin->port[3];
	LV2_URID_Map *map = plugin->map;
	uint32_t capacity = notify->atom.size;
	float learn = control(plugin, 2);
	const float *in = plugin->port[0];
	float *out = plugin->port[1];

	lv2_atom_sequence_clear(notify);
	notify->atom.type = map->map(map->handle, LV2_ATOM__Sequence);
	if (learn > 0 && learn != plugin->keep) {
		struct {
			LV2_Atom_Event event;
			LV2_Atom_Object_Body body;
		} changed = {.event = {.body = {.size = sizeof(LV2_Atom_Object_Body),
						.type = map->map(map->handle, LV2_ATOM__Object)}},
			     .body = {.otype = map->map(map->handle, LV2_STATE__StateChanged)}};

		plugin->keep = learn;
		lv2_atom_sequence_append_event(notify, capacity, &changed.event);
	}
	for (uint32_t i = 0; i < n; i++)
		out[i] = in[i] * plugin->keep;
}

static LV2_URID keeper_urid(const struct plugin *plugin, const char *uri)
{
	return plugin->map->map(plugin->map->handle, uri);
}

static LV2_State_Status keeper_save(LV2_Handle handle, LV2_State_Store_Function store,
				    LV2_State_Handle state, uint32_t flags,
				    const LV2_Feature *const *features)
{
	const struct plugin *plugin = handle;
	const char words[] = "two words, 100%";
	uint8_t blob[5000];
	/* Above 5 the state is larger than a config. */
	size_t size = plugin->keep > 5 ? sizeof(blob) : 3;
	LV2_URID urid = keeper_urid(plugin, "urn:mixd:anything");

	for (size_t i = 0; i < sizeof(blob); i++)
		blob[i] = (uint8_t)(i * 7);
	store(state, keeper_urid(plugin, "urn:mixd:keep"), &plugin->keep, sizeof(float),
	      keeper_urid(plugin, LV2_ATOM__Float), LV2_STATE_IS_POD);
	store(state, keeper_urid(plugin, "urn:mixd:words"), words, sizeof(words),
	      keeper_urid(plugin, LV2_ATOM__String), LV2_STATE_IS_POD);
	store(state, keeper_urid(plugin, "urn:mixd:urid"), &urid, sizeof(urid),
	      keeper_urid(plugin, LV2_ATOM__URID), LV2_STATE_IS_POD);
	store(state, keeper_urid(plugin, "urn:mixd:blob"), blob, size,
	      keeper_urid(plugin, LV2_ATOM__Chunk), LV2_STATE_IS_POD);
	return LV2_STATE_SUCCESS;
}

static LV2_State_Status keeper_restore(LV2_Handle handle, LV2_State_Retrieve_Function retrieve,
				       LV2_State_Handle state, uint32_t flags,
				       const LV2_Feature *const *features)
{
	struct plugin *plugin = handle;
	const void *value;
	uint32_t type;
	size_t size;

	value = retrieve(state, keeper_urid(plugin, "urn:mixd:words"), &size, &type, &flags);
	if (!value || type != keeper_urid(plugin, LV2_ATOM__String) ||
	    strcmp(value, "two words, 100%") != 0)
		return LV2_STATE_ERR_UNKNOWN;
	value = retrieve(state, keeper_urid(plugin, "urn:mixd:urid"), &size, &type, &flags);
	if (!value || size != 4 ||
	    *(const LV2_URID *)value != keeper_urid(plugin, "urn:mixd:anything"))
		return LV2_STATE_ERR_UNKNOWN;
	value = retrieve(state, keeper_urid(plugin, "urn:mixd:blob"), &size, &type, &flags);
	if (!value || (size != 3 && size != 5000) || ((const uint8_t *)value)[2] != 14)
		return LV2_STATE_ERR_UNKNOWN;
	value = retrieve(state, keeper_urid(plugin, "urn:mixd:keep"), &size, &type, &flags);
	if (!value || size != sizeof(float))
		return LV2_STATE_ERR_NO_PROPERTY;
	memcpy(&plugin->keep, value, sizeof(float));
	return LV2_STATE_SUCCESS;
}

/* 0 in, 1 out, 2 gain: heard only when a job has brought it back */
static LV2_Worker_Status worker_work(LV2_Handle handle, LV2_Worker_Respond_Function respond,
				     LV2_Worker_Respond_Handle to, uint32_t size, const void *data)
{
	char *heap = malloc(size); /* what run() may not do */

	memcpy(heap, data, size);
	respond(to, size, heap);
	free(heap);
	return LV2_WORKER_SUCCESS;
}

static LV2_Worker_Status worker_response(LV2_Handle handle, uint32_t size, const void *data)
{
	memcpy(&((struct plugin *)handle)->keep, data, sizeof(float));
	return LV2_WORKER_SUCCESS;
}

static void worker_run(LV2_Handle handle, uint32_t n)
{
	struct plugin *plugin = handle;
	float gain = control(plugin, 2);

	for (uint32_t i = 0; i < n; i++)
		((float *)plugin->port[1])[i] = ((const float *)plugin->port[0])[i] * plugin->keep;
	if (gain != plugin->keep)
		plugin->schedule->schedule_work(plugin->schedule->handle, sizeof(gain), &gain);
}

/* 0 in, 1 out: the number of frames tells on the signal when it is not the promised one */
static void fixed_run(LV2_Handle handle, uint32_t n)
{
	struct plugin *plugin = handle;

	for (uint32_t i = 0; i < n; i++)
		((float *)plugin->port[1])[i] =
			n == plugin->n_fixed ? ((const float *)plugin->port[0])[i] : 0.5f;
}

/* 0 in, 1 out, 2 fuse: halves, and is good for so many blocks */
static void bad_run(LV2_Handle handle, uint32_t n)
{
	struct plugin *plugin = handle;
	const char *uri = plugin->descriptor->URI;
	const float *in = plugin->port[0];
	float *out = plugin->port[1];
	bool bad = plugin->blocks++ >= (uint32_t)control(plugin, 2);
	const struct timespec nap = {0, 50000000};

	for (uint32_t i = 0; i < n; i++)
		out[i] = in[i] * 0.5f;
	if (!bad)
		return;
	if (strstr(uri, "crash"))
		raise(SIGSEGV);
	if (strstr(uri, "sleepy"))
		nanosleep(&nap, NULL);
	if (strstr(uri, "still"))
		for (;;)
			nanosleep(&nap, NULL);
	if (strstr(uri, "nan"))
		out[n / 2] = NAN;
	if (strstr(uri, "loud"))
		out[n / 2] = 2000;
}

static const void *plugin_extension(const char *uri)
{
	static const LV2_State_Interface state = {keeper_save, keeper_restore};
	static const LV2_Worker_Interface worker = {worker_work, worker_response, NULL};

	if (strcmp(uri, LV2_STATE__interface) == 0)
		return &state;
	return strcmp(uri, LV2_WORKER__interface) == 0 ? &worker : NULL;
}

static const void *plugin_no_extension(const char *uri)
{
	return NULL;
}

#define PLUGIN(name, run, extension)                                                               \
	{                                                                                          \
		"urn:mixd:" name, plugin_new, plugin_connect, plugin_activate, run, NULL,          \
			plugin_free, extension                                                     \
	}

LV2_SYMBOL_EXPORT const LV2_Descriptor *lv2_descriptor(uint32_t index)
{
	static const LV2_Descriptor descriptors[] = {
		PLUGIN("gain", gain_run, plugin_no_extension),
		PLUGIN("stereo", stereo_run, plugin_no_extension),
		PLUGIN("key", key_run, plugin_no_extension),
		PLUGIN("latent", latent_run, plugin_no_extension),
		PLUGIN("keeper", keeper_run, plugin_extension),
		PLUGIN("worker", worker_run, plugin_extension),
		PLUGIN("fixed", fixed_run, plugin_no_extension),
		PLUGIN("crash", bad_run, plugin_no_extension),
		PLUGIN("sleepy", bad_run, plugin_no_extension),
		PLUGIN("still", bad_run, plugin_no_extension),
		PLUGIN("nan", bad_run, plugin_no_extension),
		PLUGIN("loud", bad_run, plugin_no_extension),
		PLUGIN("mute", bad_run, plugin_no_extension),
		PLUGIN("stillborn", bad_run, plugin_no_extension),
	};

	return index < sizeof(descriptors) / sizeof(descriptors[0]) ? &descriptors[index] : NULL;
}
