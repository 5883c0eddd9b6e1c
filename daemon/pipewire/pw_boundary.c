/* pw_boundary.c - see pw_boundary.h. */
#define LOG_TOPIC "pipewire"
#include "pw_boundary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <spa/param/audio/format-utils.h>
#include <spa/param/audio/type-info.h>

#include "cleanup.h"
#include "log.h"

/* "mixd.onair.vox.mic": no '/' in names that people type into pw-link. */
static void pw_boundary_node_name(const struct pw_boundary *boundary, char *buf, size_t size)
{
	snprintf(buf, size, "%s.%s", boundary->home.node_name, boundary->spec.name);
	for (char *c = buf; *c; c++)
		if (*c == '/' || *c == ':')
			*c = '.';
}

static void pw_boundary_label(const struct pw_boundary *boundary, char *buf, size_t size)
{
	if (boundary->spec.label[0])
		snprintf(buf, size, "%s", boundary->spec.label);
	else
		snprintf(buf, size, "mixd %s %s", boundary->home.instance, boundary->spec.name);
}

static void pw_boundary_port_name(const struct pw_boundary *boundary, uint32_t channel, char *buf,
				  size_t size)
{
	char position[8];

	graph_layout_channel_name(boundary->spec.layout, channel, position);
	snprintf(buf, size, "%s_%s", boundary->spec.name, position);
}

/* "[ FL FR ]" */
static void pw_boundary_positions(const struct pw_boundary *boundary, char *buf, size_t size)
{
	size_t used = (size_t)snprintf(buf, size, "[");

	for (uint32_t c = 0; c < boundary->spec.layout->n_channels && used < size; c++) {
		char position[8];

		graph_layout_channel_name(boundary->spec.layout, c, position);
		used += (size_t)snprintf(buf + used, size - used, " %s", position);
	}
	if (used < size)
		snprintf(buf + used, size - used, " ]");
}

static uint64_t pw_boundary_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return SPA_TIMESPEC_TO_NSEC(&now);
}

static void pw_boundary_break(struct pw_boundary *boundary, const char *what, const char *why)
{
	if (boundary->broken)
		return;
	log_warn("%s \"%s\": %s; making it anew", what, boundary->spec.name, why);
	boundary->broken = true;
	boundary->broken_ns = pw_boundary_now();
	boundary->home.changed(boundary->home.data);
}

/* ---- ports of the filter ---------------------------------------------------------------------- */

static int pw_boundary_add_ports(struct pw_boundary *boundary)
{
	enum spa_direction direction =
		boundary->spec.is_output ? PW_DIRECTION_OUTPUT : PW_DIRECTION_INPUT;

	for (uint32_t c = 0; c < boundary->slot->n_channels; c++) {
		char name[GRAPH_NAME_MAX + 16], position[8];

		pw_boundary_port_name(boundary, c, name, sizeof(name));
		graph_layout_channel_name(boundary->spec.layout, c, position);
		boundary->slot->port[c] = pw_filter_add_port(
			boundary->home.filter, direction, PW_FILTER_PORT_FLAG_MAP_BUFFERS, 1,
			pw_properties_new(PW_KEY_FORMAT_DSP, "32 bit float mono audio",
					  PW_KEY_PORT_NAME, name, PW_KEY_AUDIO_CHANNEL, position,
					  NULL),
			NULL, 0);
		if (!boundary->slot->port[c])
			return -errno;
	}
	return 0;
}

/* ---- adapters: virtual sinks, and virtual sources without a session manager -------------------- */

static void pw_adapter_bound(void *data, uint32_t id)
{
	struct pw_boundary *boundary = data;

	boundary->adapter_id = id;
	boundary->home.changed(boundary->home.data);
}

static void pw_adapter_removed(void *data)
{
	pw_boundary_break(data, "virtual device of", "it was removed");
}

static void pw_adapter_error(void *data, int seq, int res, const char *message)
{
	pw_boundary_break(data, "virtual device of", message);
}

static const struct pw_proxy_events pw_adapter_events = {
	PW_VERSION_PROXY_EVENTS,
	.bound = pw_adapter_bound,
	.removed = pw_adapter_removed,
	.error = pw_adapter_error,
};

static int pw_boundary_add_adapter(struct pw_boundary *boundary, const char *media_class)
{
	char name[GRAPH_NAME_MAX + 128], label[256], positions[512];
	struct pw_properties *props;

	pw_boundary_node_name(boundary, name, sizeof(name));
	pw_boundary_label(boundary, label, sizeof(label));
	pw_boundary_positions(boundary, positions, sizeof(positions));
	/* A priority below everything, so that it never becomes the default by itself. No node.group:
	 * that would start the adapter before the session manager has given it a format, which ends
	 * PipeWire 0.3.65 with a segmentation fault. */
	props = pw_properties_new(
		"factory.name", "support.null-audio-sink", PW_KEY_NODE_NAME, name,
		PW_KEY_NODE_DESCRIPTION, label, PW_KEY_MEDIA_CLASS, media_class, "audio.format",
		"F32P", "audio.position", positions, "monitor.channel-volumes", "true",
		"monitor.passthrough", "true", PW_KEY_NODE_VIRTUAL, "true", PW_KEY_OBJECT_LINGER,
		"false", PW_KEY_NODE_LINK_GROUP, "mixd", PW_KEY_PRIORITY_SESSION, "-10", NULL);
	if (!props)
		return -errno;
	pw_properties_setf(props, PW_KEY_AUDIO_CHANNELS, "%u", boundary->spec.layout->n_channels);
	if (!boundary->spec.managed)
		pw_properties_set(props, "adapter.auto-port-config",
				  "{ mode = dsp monitor = true position = preserve }");
	boundary->adapter =
		pw_core_create_object(boundary->home.core, "adapter", PW_TYPE_INTERFACE_Node,
				      PW_VERSION_NODE, &props->dict, 0);
	pw_properties_free(props);
	if (!boundary->adapter)
		return -errno;
	pw_proxy_add_listener(boundary->adapter, &boundary->adapter_listener, &pw_adapter_events,
			      boundary);
	return 0;
}

/* ---- triggered streams ------------------------------------------------------------------------ */

static void pw_stream_boundary_state(void *data, enum pw_stream_state old,
				     enum pw_stream_state state, const char *error)
{
	struct pw_boundary *boundary = data;

	atomic_store_explicit(&boundary->slot->stream_on, state == PW_STREAM_STATE_STREAMING,
			      memory_order_release);
	if (state == PW_STREAM_STATE_ERROR)
		pw_boundary_break(boundary, "stream of", error ? error : "failed");
	boundary->home.changed(boundary->home.data);
}

static void pw_stream_boundary_process(void *data)
{
	struct pw_boundary *boundary = data;

	pw_cycle_stream_process(boundary->slot);
}

static const struct pw_stream_events pw_stream_boundary_events = {
	PW_VERSION_STREAM_EVENTS,
	.state_changed = pw_stream_boundary_state,
	.process = pw_stream_boundary_process,
};

static uint32_t pw_boundary_spa_channel(const struct mixd_layout *layout, uint32_t channel)
{
	char name[8];

	graph_layout_channel_name(layout, channel, name);
	for (const struct spa_type_info *info = spa_type_audio_channel; info->name; info++) {
		const char *word = strrchr(info->name, ':');

		if (word && strcmp(word + 1, name) == 0)
			return info->type;
	}
	return SPA_AUDIO_CHANNEL_UNKNOWN;
}

static int pw_boundary_connect_stream(struct pw_boundary *boundary, bool routed)
{
	struct spa_audio_info_raw info = {.format = SPA_AUDIO_FORMAT_F32P,
					  .channels = boundary->slot->n_channels};
	enum pw_stream_flags flags =
		PW_STREAM_FLAG_MAP_BUFFERS | PW_STREAM_FLAG_RT_PROCESS | PW_STREAM_FLAG_TRIGGER;
	uint8_t space[1024];
	struct spa_pod_builder builder = SPA_POD_BUILDER_INIT(space, sizeof(space));
	const struct spa_pod *params[1];

	for (uint32_t c = 0; c < info.channels; c++)
		info.position[c] = pw_boundary_spa_channel(boundary->spec.layout, c);
	params[0] = spa_format_audio_raw_build(&builder, SPA_PARAM_EnumFormat, &info);
	if (routed)
		flags |= PW_STREAM_FLAG_AUTOCONNECT;
	return pw_stream_connect(boundary->slot->stream, PW_DIRECTION_OUTPUT, PW_ID_ANY, flags,
				 params, 1);
}

/* ROUTED: played where the session manager says; else a source that others record from. */
static int pw_boundary_add_stream(struct pw_boundary *boundary, bool routed)
{
	char name[GRAPH_NAME_MAX + 128], label[256];
	struct pw_properties *props;

	boundary->slot->scratch =
		calloc((size_t)boundary->slot->n_channels * ENGINE_BLOCK_MAX, sizeof(float));
	if (!boundary->slot->scratch)
		return -ENOMEM;
	pw_boundary_node_name(boundary, name, sizeof(name));
	pw_boundary_label(boundary, label, sizeof(label));
	props = pw_properties_new(PW_KEY_NODE_NAME, name, PW_KEY_NODE_DESCRIPTION, label,
				  PW_KEY_MEDIA_TYPE, "Audio", PW_KEY_MEDIA_NAME, label,
				  PW_KEY_NODE_GROUP, boundary->home.node_name,
				  PW_KEY_NODE_LINK_GROUP, "mixd", PW_KEY_MEDIA_CLASS,
				  routed ? "Stream/Output/Audio" : "Audio/Source", NULL);
	if (!props)
		return -errno;
	if (routed)
		pw_properties_set(props, PW_KEY_MEDIA_CATEGORY, "Playback");
	else
		pw_properties_set(props, PW_KEY_NODE_VIRTUAL, "true");
	boundary->slot->stream = pw_stream_new(boundary->home.core, name, props);
	if (!boundary->slot->stream)
		return -errno;
	boundary->has_stream = true;
	pw_stream_add_listener(boundary->slot->stream, &boundary->stream_listener,
			       &pw_stream_boundary_events, boundary);
	return pw_boundary_connect_stream(boundary, routed);
}

/* ---- life ------------------------------------------------------------------------------------- */

static bool pw_spec_is_default(const struct pw_boundary_spec *spec)
{
	return !spec->target[0] || strcmp(spec->target, "@default") == 0;
}

/* An output through a stream has no ports at the filter. */
static bool pw_spec_streams(const struct pw_boundary_spec *spec)
{
	return spec->is_output && spec->managed &&
	       (spec->device == PW_DEVICE_SOURCE ||
		(spec->device == PW_DEVICE_SINK && pw_spec_is_default(spec)));
}

static int pw_boundary_build(struct pw_boundary *boundary)
{
	const struct pw_boundary_spec *spec = &boundary->spec;
	int res;

	if (pw_spec_streams(spec))
		return pw_boundary_add_stream(boundary, spec->device == PW_DEVICE_SINK);
	res = pw_boundary_add_ports(boundary);
	if (res < 0)
		return res;
	if (!spec->is_output && spec->device == PW_DEVICE_SINK)
		return pw_boundary_add_adapter(boundary, "Audio/Sink");
	if (spec->is_output && spec->device == PW_DEVICE_SOURCE)
		return pw_boundary_add_adapter(boundary, "Audio/Source/Virtual");
	return 0;
}

DEFINE_CLEANUP(pw_boundary_free, struct pw_boundary *)

int pw_boundary_new(const struct pw_home *home, const struct pw_boundary_spec *spec,
		    struct pw_boundary **ret)
{
	_cleanup_(pw_boundary_freep) struct pw_boundary *boundary = calloc(1, sizeof(*boundary));
	int res;

	if (!boundary)
		return -ENOMEM;
	boundary->home = *home;
	boundary->spec = *spec;
	boundary->spec.name = strdup(spec->name);
	boundary->spec.label = strdup(spec->label);
	boundary->spec.target = strdup(spec->target);
	boundary->adapter_id = SPA_ID_INVALID;
	boundary->slot = calloc(1, sizeof(*boundary->slot));
	if (!boundary->slot || !boundary->spec.name || !boundary->spec.label ||
	    !boundary->spec.target)
		return -ENOMEM;
	boundary->slot->n_channels = spec->layout->n_channels;
	res = pw_boundary_build(boundary);
	if (res < 0)
		return res;
	*ret = TAKE_PTR(boundary);
	return 0;
}

struct pw_boundary *pw_boundary_free(struct pw_boundary *boundary)
{
	if (!boundary)
		return NULL;
	if (boundary->adapter) {
		spa_hook_remove(&boundary->adapter_listener);
		pw_proxy_destroy(boundary->adapter);
	}
	if (boundary->has_stream) {
		spa_hook_remove(&boundary->stream_listener);
		pw_stream_destroy(boundary->slot->stream);
	}
	if (boundary->slot) {
		for (uint32_t c = 0; c < boundary->slot->n_channels; c++)
			if (boundary->slot->port[c])
				pw_filter_remove_port(boundary->slot->port[c]);
		free(boundary->slot->scratch);
	}
	free(boundary->slot);
	free(boundary->spec.name);
	free(boundary->spec.label);
	free(boundary->spec.target);
	free(boundary);
	return NULL;
}

bool pw_boundary_fits(const struct pw_boundary *boundary, const struct pw_boundary_spec *spec)
{
	const struct pw_boundary_spec *own = &boundary->spec;

	return own->uid == spec->uid && own->slot_idx == spec->slot_idx &&
	       own->is_output == spec->is_output && own->device == spec->device &&
	       own->layout == spec->layout &&
	       (!boundary->adapter ||
		(own->managed == spec->managed && own->manager_epoch == spec->manager_epoch)) &&
	       strcmp(own->name, spec->name) == 0 && strcmp(own->label, spec->label) == 0 &&
	       pw_spec_streams(own) == pw_spec_streams(spec);
}

/* ---- links ------------------------------------------------------------------------------------ */

static bool pw_same_channel(const struct pw_world_object *a, const struct pw_world_object *b)
{
	return a->label && b->label && strcmp(a->label, b->label) == 0;
}

/* Channel to channel by name; where no name matches: mono to all, all to mono (SUM) or the first to
 * mono, else in order. */
static void pw_boundary_pair(struct pw_world_object **from, uint32_t n_from,
			     struct pw_world_object **to, uint32_t n_to, bool sum,
			     struct pw_wires *wires)
{
	bool matched = false;

	for (uint32_t i = 0; i < n_from; i++)
		for (uint32_t k = 0; k < n_to; k++)
			if (pw_same_channel(from[i], to[k])) {
				pw_wires_want(wires, from[i], to[k]);
				matched = true;
			}
	if (matched)
		return;
	if (n_from == 1)
		for (uint32_t k = 0; k < n_to; k++)
			pw_wires_want(wires, from[0], to[k]);
	else if (n_to == 1)
		for (uint32_t i = 0; i < (sum ? n_from : SPA_MIN(n_from, 1u)); i++)
			pw_wires_want(wires, from[i], to[0]);
	else
		for (uint32_t i = 0; i < n_from && i < n_to; i++)
			pw_wires_want(wires, from[i], to[i]);
}

/* The node at the other end, or NULL. */
static struct pw_world_object *pw_boundary_partner(const struct pw_boundary *boundary,
						   const struct pw_world *world)
{
	const struct pw_boundary_spec *spec = &boundary->spec;

	if (boundary->adapter)
		return pw_world_find(world, PW_WORLD_NODE, boundary->adapter_id);
	switch (spec->device) {
	case PW_DEVICE_APP:
		return pw_world_app(world, spec->target);
	case PW_DEVICE_SINK:
	case PW_DEVICE_SOURCE:
		return pw_spec_is_default(spec)
			       ? pw_world_default(world, !spec->is_output, PW_OWN_PREFIX)
			       : pw_world_node(world, spec->target);
	case PW_DEVICE_NONE:
		break;
	}
	return NULL;
}

static uint32_t pw_boundary_own_ports(const struct pw_boundary *boundary,
				      const struct pw_world *world, uint32_t filter_id,
				      struct pw_world_object **ret)
{
	uint32_t found = 0;

	for (uint32_t c = 0; c < boundary->slot->n_channels; c++) {
		char name[GRAPH_NAME_MAX + 16];

		pw_boundary_port_name(boundary, c, name, sizeof(name));
		ret[found] = pw_world_port(world, filter_id, name);
		found += ret[found] != NULL;
	}
	return found;
}

void pw_boundary_wire(const struct pw_boundary *boundary, const struct pw_world *world,
		      uint32_t filter_id, struct pw_wires *wires)
{
	struct pw_world_object *partner, *own[MIXD_CHANNELS_MAX], *other[MIXD_CHANNELS_MAX];
	uint32_t n_own, n_other;

	if (boundary->has_stream)
		return;
	partner = pw_boundary_partner(boundary, world);
	if (!partner)
		return;
	n_own = pw_boundary_own_ports(boundary, world, filter_id, own);
	n_other = pw_world_ports(world, partner->id, !boundary->spec.is_output, other,
				 SPA_N_ELEMENTS(other));
	if (boundary->spec.is_output)
		pw_boundary_pair(own, n_own, other, n_other, true, wires);
	else
		pw_boundary_pair(other, n_other, own, n_own, false, wires);
}

bool pw_boundary_could_link(const struct pw_boundary *boundary, const struct pw_world *world)
{
	struct pw_world_object *device, *port[1];

	if (boundary->spec.device != PW_DEVICE_SINK || !boundary->spec.is_output)
		return false;
	device = pw_boundary_partner(boundary, world);
	return device && pw_world_ports(world, device->id, false, port, 1) > 0;
}

bool pw_boundary_in_use(const struct pw_boundary *boundary, const struct pw_world *world)
{
	return boundary->adapter &&
	       pw_world_nodes_linked(world, SPA_ID_INVALID, boundary->adapter_id);
}

bool pw_boundary_misses_device(const struct pw_boundary *boundary, const struct pw_world *world,
			       uint32_t filter_id)
{
	const struct pw_boundary_spec *spec = &boundary->spec;
	struct pw_world_object *partner;

	if (spec->device == PW_DEVICE_NONE || (spec->is_output && spec->device == PW_DEVICE_SOURCE))
		return false;
	if (boundary->has_stream)
		return !pw_world_nodes_linked(world, pw_stream_get_node_id(boundary->slot->stream),
					      SPA_ID_INVALID);
	partner = pw_boundary_partner(boundary, world);
	if (!partner)
		return true;
	return spec->is_output ? !pw_world_nodes_linked(world, filter_id, partner->id)
			       : !pw_world_nodes_linked(world, partner->id, filter_id);
}
