/* lv2_plug_setup.c - make one instance of a plug-in's code: library, features, ports, state.
 *
 * SOURCE      lv2core (LV2_Descriptor, LV2_Lib_Descriptor), urid, options, buf-size, log, state,
 *             worker.
 * THREADS     the map of URIs is locked: plug-ins map from whatever thread they like. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lv2/buf-size/buf-size.h>
#include <lv2/log/log.h>
#include <lv2/options/options.h>
#include <lv2/parameters/parameters.h>

#include "lv2_plug.h"

/* ---- numbers for URIs ---- */

#define URIS_MAX 65536u

static pthread_mutex_t uris_lock = PTHREAD_MUTEX_INITIALIZER;
static char **uris; /* number n is at n - 1 */
static uint32_t n_uris;

static LV2_URID uri_map(LV2_URID_Map_Handle handle, const char *uri)
{
	LV2_URID urid = 0;

	pthread_mutex_lock(&uris_lock);
	for (uint32_t i = 0; i < n_uris && !urid; i++)
		if (strcmp(uris[i], uri) == 0)
			urid = i + 1;
	if (!urid && n_uris < URIS_MAX) {
		char **grown = n_uris & (n_uris - 1)
				       ? uris
				       : realloc(uris, (n_uris ? n_uris * 2 : 1) * sizeof(*uris));

		if (grown) {
			uris = grown;
			uris[n_uris] = strdup(uri);
			if (uris[n_uris])
				urid = ++n_uris;
		}
	}
	pthread_mutex_unlock(&uris_lock);
	return urid;
}

static const char *uri_unmap(LV2_URID_Unmap_Handle handle, LV2_URID urid)
{
	const char *uri = NULL;

	pthread_mutex_lock(&uris_lock);
	if (urid > 0 && urid <= n_uris)
		uri = uris[urid - 1];
	pthread_mutex_unlock(&uris_lock);
	return uri;
}

/* ---- features ---- */

__attribute__((format(printf, 3, 0))) static int plug_vprintf(LV2_Log_Handle handle, LV2_URID type,
							      const char *format, va_list args)
{
	const struct lv2_plug *plug = handle;
	char text[512];

	if (!plug->setup.speaks)
		return 0;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	return fprintf(stderr, "mixd-lv2: %s: %s\n", plug->setup.uri, text);
}

__attribute__((format(printf, 3, 4))) static int plug_printf(LV2_Log_Handle handle, LV2_URID type,
							     const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = plug_vprintf(handle, type, format, args);
	va_end(args);
	return n;
}

/* Paths in states are kept as they are: absolute, and of this machine. */
static char *plug_path(LV2_State_Map_Path_Handle handle, const char *path)
{
	return strdup(path);
}

static void plug_free_path(LV2_State_Free_Path_Handle handle, char *path)
{
	free(path);
}

struct features {
	LV2_URID_Map map;
	LV2_URID_Unmap unmap;
	LV2_Log_Log log;
	LV2_Worker_Schedule schedule;
	LV2_State_Map_Path map_path;
	LV2_State_Free_Path free_path;
	int32_t min_frames, max_frames, sequence_bytes;
	float rate;
	LV2_Options_Option options[6];
	LV2_Feature items[12];
	const LV2_Feature *list[13];
	uint32_t n;
};

static void features_add(struct features *features, const char *uri, void *data)
{
	features->items[features->n] = (LV2_Feature){uri, data};
	features->list[features->n] = &features->items[features->n];
	features->list[++features->n] = NULL;
}

static void features_options(struct features *features, const struct lv2_plug_setup *setup)
{
	LV2_URID is_int = uri_map(NULL, LV2_ATOM__Int), is_float = uri_map(NULL, LV2_ATOM__Float);
	const struct {
		const char *key;
		const void *value;
		LV2_URID type;
	} rows[] = {{LV2_BUF_SIZE__minBlockLength, &features->min_frames, is_int},
		    {LV2_BUF_SIZE__maxBlockLength, &features->max_frames, is_int},
		    {LV2_BUF_SIZE__nominalBlockLength, &features->max_frames, is_int},
		    {LV2_BUF_SIZE__sequenceSize, &features->sequence_bytes, is_int},
		    {LV2_PARAMETERS__sampleRate, &features->rate, is_float}};

	features->min_frames = (int32_t)setup->min_frames;
	features->max_frames = (int32_t)setup->max_frames;
	features->sequence_bytes = LV2_ATOM_BYTES;
	features->rate = (float)setup->rate;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		features->options[i] = (LV2_Options_Option){
			LV2_OPTIONS_INSTANCE, 0, uri_map(NULL, rows[i].key), 4, rows[i].type,
			rows[i].value};
	features_add(features, LV2_OPTIONS__options, features->options);
}

/* All that a required feature may name is in lv2_world_setup.c, too. */
static void features_make(struct features *features, struct lv2_plug *plug)
{
	const struct lv2_plug_setup *setup = &plug->setup;
	bool fixed = setup->min_frames == setup->max_frames;

	*features = (struct features){.map = {NULL, uri_map},
				      .unmap = {NULL, uri_unmap},
				      .log = {plug, plug_printf, plug_vprintf},
				      .schedule = {plug, lv2_plug_schedule},
				      .map_path = {NULL, plug_path, plug_path},
				      .free_path = {NULL, plug_free_path}};
	features_add(features, LV2_URID__map, &features->map);
	features_add(features, LV2_URID__unmap, &features->unmap);
	features_add(features, LV2_LOG__log, &features->log);
	features_add(features, LV2_WORKER__schedule, &features->schedule);
	features_add(features, LV2_STATE__mapPath, &features->map_path);
	features_add(features, LV2_STATE__freePath, &features->free_path);
	features_add(features, LV2_BUF_SIZE__boundedBlockLength, NULL);
	if (fixed)
		features_add(features, LV2_BUF_SIZE__fixedBlockLength, NULL);
	if (fixed && (setup->max_frames & (setup->max_frames - 1)) == 0)
		features_add(features, LV2_BUF_SIZE__powerOf2BlockLength, NULL);
	features_add(features, LV2_CORE__isLive, NULL);
	features_options(features, setup);
}

/* ---- the library ---- */

static int plug_open(struct lv2_plug *plug, char words[LV2_WORDS_MAX])
{
	const struct lv2_plug_setup *setup = &plug->setup;
	LV2_Descriptor_Function by_index;
	LV2_Lib_Descriptor_Function by_library;

	plug->library = dlopen(setup->library, RTLD_NOW | RTLD_LOCAL);
	if (!plug->library) {
		snprintf(words, LV2_WORDS_MAX, "its library does not load: %s", dlerror());
		return -ENOEXEC;
	}
	*(void **)&by_index = dlsym(plug->library, "lv2_descriptor");
	*(void **)&by_library = dlsym(plug->library, "lv2_lib_descriptor");
	if (by_library) {
		static const LV2_Feature *const none[] = {NULL};
		const LV2_Lib_Descriptor *library = by_library(setup->bundle, none);

		for (uint32_t i = 0; library && !plug->descriptor; i++) {
			const LV2_Descriptor *at = library->get_plugin(library->handle, i);

			if (!at)
				break;
			if (strcmp(at->URI, setup->uri) == 0)
				plug->descriptor = at;
		}
	}
	for (uint32_t i = 0; by_index && !plug->descriptor; i++) {
		const LV2_Descriptor *at = by_index(i);

		if (!at)
			break;
		if (strcmp(at->URI, setup->uri) == 0)
			plug->descriptor = at;
	}
	if (!plug->descriptor) {
		snprintf(words, LV2_WORDS_MAX, "its library does not know the plug-in");
		return -ENOEXEC;
	}
	return 0;
}

/* ---- ports ---- */

static void plug_count(struct lv2_plug *plug, const struct lv2_port *port, uint32_t idx)
{
	switch (port->role) {
	case LV2_ROLE_IN:
		plug->in[port->index] = idx;
		plug->n_in++;
		break;
	case LV2_ROLE_OUT:
		plug->out[port->index] = idx;
		plug->n_out++;
		break;
	case LV2_ROLE_KEY:
		plug->key[port->index] = idx;
		plug->n_key++;
		break;
	case LV2_ROLE_PARAM:
		plug->n_params +=
			port->index >= plug->n_params ? port->index - plug->n_params + 1 : 0;
		break;
	case LV2_ROLE_METER:
		plug->n_meters +=
			port->index >= plug->n_meters ? port->index - plug->n_meters + 1 : 0;
		break;
	case LV2_ROLE_ATOM_IN:
		plug->n_atoms_in++;
		break;
	case LV2_ROLE_ATOM_OUT:
		plug->n_atoms_out++;
		break;
	default:
		break;
	}
}

static void *plug_address(struct lv2_plug *plug, const struct lv2_port *port, uint32_t idx,
			  uint32_t n_atoms[2])
{
	float *cv = plug->cv + (size_t)idx * plug->setup.max_frames;

	switch (port->role) {
	case LV2_ROLE_PARAM:
		plug->param[port->index] = port->value;
		return &plug->param[port->index];
	case LV2_ROLE_METER:
		return &plug->meter[port->index];
	case LV2_ROLE_LATENCY:
		return &plug->latency;
	case LV2_ROLE_HELD:
		plug->held[idx] = port->value;
		return &plug->held[idx];
	case LV2_ROLE_CV_IN:
		for (uint32_t i = 0; i < plug->setup.max_frames; i++)
			cv[i] = port->value;
		return cv;
	case LV2_ROLE_IN: /* until the first run */
	case LV2_ROLE_OUT:
	case LV2_ROLE_KEY:
	case LV2_ROLE_CV_OUT:
		return cv;
	case LV2_ROLE_ATOM_IN:
		return plug->atom_in[n_atoms[0]++];
	case LV2_ROLE_ATOM_OUT:
		return plug->atom_out[n_atoms[1]++];
	default:
		return NULL;
	}
}

static int plug_ports(struct lv2_plug *plug)
{
	uint32_t n = plug->setup.n_ports, n_atoms[2] = {0, 0};

	for (uint32_t i = 0; i < n; i++)
		plug_count(plug, &plug->setup.ports[i], i);
	plug->param = calloc(plug->n_params + 1, sizeof(float));
	plug->meter = calloc(plug->n_meters + 1, sizeof(float));
	plug->held = calloc(n + 1, sizeof(float));
	plug->cv = calloc((size_t)n * plug->setup.max_frames + 1, sizeof(float));
	plug->atom_in = calloc(plug->n_atoms_in + 1, sizeof(*plug->atom_in));
	plug->atom_out = calloc(plug->n_atoms_out + 1, sizeof(*plug->atom_out));
	if (!plug->param || !plug->meter || !plug->held || !plug->cv || !plug->atom_in ||
	    !plug->atom_out)
		return -ENOMEM;
	for (uint32_t i = 0; i < plug->n_atoms_in; i++)
		if (!(plug->atom_in[i] = calloc(1, sizeof(LV2_Atom_Sequence))))
			return -ENOMEM;
	for (uint32_t i = 0; i < plug->n_atoms_out; i++)
		if (!(plug->atom_out[i] = calloc(1, LV2_ATOM_BYTES)))
			return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		plug->descriptor->connect_port(
			plug->handle, i, plug_address(plug, &plug->setup.ports[i], i, n_atoms));
	return 0;
}

/* ---- life ---- */

int lv2_plug_new(const struct lv2_plug_setup *setup, struct lv2_plug **ret,
		 char words[LV2_WORDS_MAX])
{
	struct lv2_plug *plug = calloc(1, sizeof(*plug));
	struct features *features = calloc(1, sizeof(*features));
	int res = -ENOMEM;

	snprintf(words, LV2_WORDS_MAX, "out of memory");
	if (!plug || !features) {
		free(features);
		goto out;
	}
	plug->features = features;
	plug->setup = *setup;
	plug->sequence = uri_map(NULL, LV2_ATOM__Sequence);
	plug->chunk = uri_map(NULL, LV2_ATOM__Chunk);
	plug->object = uri_map(NULL, LV2_ATOM__Object);
	plug->state_changed = uri_map(NULL, LV2_STATE__StateChanged);
	res = plug_open(plug, words);
	if (res < 0)
		goto out;
	features_make(features, plug);
	plug->handle = plug->descriptor->instantiate(plug->descriptor, setup->rate, setup->bundle,
						     features->list);
	if (!plug->handle) {
		snprintf(words, LV2_WORDS_MAX, "it does not start at %g Hz", setup->rate);
		res = -ENOEXEC;
		goto out;
	}
	if (plug->descriptor->extension_data) {
		plug->worker = plug->descriptor->extension_data(LV2_WORKER__interface);
		plug->state = plug->descriptor->extension_data(LV2_STATE__interface);
	}
	res = plug_ports(plug);
out:
	if (res < 0) {
		lv2_plug_free(plug);
		return res;
	}
	*ret = plug;
	return 0;
}

struct lv2_plug *lv2_plug_free(struct lv2_plug *plug)
{
	if (!plug)
		return NULL;
	if (plug->active && plug->descriptor->deactivate)
		plug->descriptor->deactivate(plug->handle);
	if (plug->handle && plug->descriptor->cleanup)
		plug->descriptor->cleanup(plug->handle);
	/* The library stays: not all that plug-ins leave behind survives its going. */
	for (uint32_t i = 0; plug->atom_in && i < plug->n_atoms_in; i++)
		free(plug->atom_in[i]);
	for (uint32_t i = 0; plug->atom_out && i < plug->n_atoms_out; i++)
		free(plug->atom_out[i]);
	free(plug->features);
	free(plug->atom_in);
	free(plug->atom_out);
	free(plug->param);
	free(plug->meter);
	free(plug->held);
	free(plug->cv);
	free(plug);
	return NULL;
}

void lv2_plug_restart(struct lv2_plug *plug)
{
	if (plug->active && plug->descriptor->deactivate)
		plug->descriptor->deactivate(plug->handle);
	if (plug->descriptor->activate)
		plug->descriptor->activate(plug->handle);
	plug->active = true;
}

void lv2_plug_work(struct lv2_plug *plug)
{
	static __thread uint8_t data[LV2_RING_BYTES / 2];
	uint32_t size;

	while (plug->worker && (size = lv2_ring_get(&plug->jobs, data, sizeof(data))) > 0)
		plug->worker->work(plug->handle, lv2_plug_respond, plug, size, data);
}

/* ---- state ---- */

static LV2_State_Status state_store(LV2_State_Handle handle, uint32_t key, const void *value,
				    size_t size, uint32_t type, uint32_t flags)
{
	const char *key_uri = uri_unmap(NULL, key), *type_uri = uri_unmap(NULL, type);
	char number[16];

	if (!key_uri || !type_uri)
		return LV2_STATE_ERR_NO_PROPERTY;
	if (!(flags & LV2_STATE_IS_POD))
		return LV2_STATE_ERR_BAD_FLAGS;
	if (strcmp(type_uri, LV2_ATOM__URID) == 0 && size == 4) {
		LV2_URID urid;

		memcpy(&urid, value, 4);
		value = uri_unmap(NULL, urid);
		if (!value)
			return LV2_STATE_ERR_UNKNOWN;
		size = strlen(value) + 1;
		snprintf(number, sizeof(number), "urid");
		type_uri = number;
	}
	return lv2_props_add(handle, key_uri, type_uri, value, size) < 0 ? LV2_STATE_ERR_NO_SPACE
									 : LV2_STATE_SUCCESS;
}

static const void *state_retrieve(LV2_State_Handle handle, uint32_t key, size_t *ret_size,
				  uint32_t *ret_type, uint32_t *ret_flags)
{
	struct lv2_props *props = handle;

	for (uint32_t i = 0; i < props->n; i++) {
		if (props->items[i].key_urid != key)
			continue;
		if (ret_size)
			*ret_size = props->items[i].size;
		if (ret_type)
			*ret_type = props->items[i].type_urid;
		if (ret_flags)
			*ret_flags = LV2_STATE_IS_POD | LV2_STATE_IS_PORTABLE;
		return props->items[i].value;
	}
	return NULL;
}

int lv2_plug_restore(struct lv2_plug *plug, const char *text)
{
	LV2_State_Map_Path map_path = {NULL, plug_path, plug_path};
	LV2_State_Free_Path free_path = {NULL, plug_free_path};
	const LV2_Feature map = {LV2_STATE__mapPath, &map_path},
			  release = {LV2_STATE__freePath, &free_path};
	const LV2_Feature *const features[] = {&map, &release, NULL};
	struct lv2_props props = {0};
	LV2_State_Status status;
	int res;

	if (!plug->state || !plug->state->restore || !*text)
		return 0;
	res = lv2_props_read(&props, text);
	for (uint32_t i = 0; res == 0 && i < props.n; i++) {
		struct lv2_prop *prop = &props.items[i];

		prop->key_urid = uri_map(NULL, prop->key);
		if (strcmp(prop->type, "urid") == 0) {
			LV2_URID urid = uri_map(NULL, prop->value);

			memcpy(prop->value, &urid, 4); /* a URI is never shorter */
			prop->size = 4;
			prop->type_urid = uri_map(NULL, LV2_ATOM__URID);
		} else {
			prop->type_urid = uri_map(NULL, prop->type);
		}
	}
	if (res == 0) {
		status = plug->state->restore(plug->handle, state_retrieve, &props, 0, features);
		res = status == LV2_STATE_SUCCESS ? 0 : -EINVAL;
	}
	lv2_props_done(&props);
	return res;
}

int lv2_plug_save(struct lv2_plug *plug, char *ret_text, size_t size)
{
	LV2_State_Map_Path map_path = {NULL, plug_path, plug_path};
	LV2_State_Free_Path free_path = {NULL, plug_free_path};
	const LV2_Feature map = {LV2_STATE__mapPath, &map_path},
			  release = {LV2_STATE__freePath, &free_path};
	const LV2_Feature *const features[] = {&map, &release, NULL};
	struct lv2_props props = {0};
	int res = -ENOTSUP;

	if (plug->state && plug->state->save &&
	    plug->state->save(plug->handle, state_store, &props, LV2_STATE_IS_POD, features) ==
		    LV2_STATE_SUCCESS)
		res = lv2_props_write(&props, ret_text, size);
	lv2_props_done(&props);
	return res;
}
