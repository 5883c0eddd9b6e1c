/* pw_world.c - see pw_world.h. */
#include "pw_world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pipewire/extensions/metadata.h>
#include <spa/utils/json.h>

struct pw_world_metadata {
	struct pw_world_metadata *next;
	struct pw_world *world;
	struct pw_proxy *proxy;
	struct spa_hook listener;
	uint32_t id;
	bool is_settings;
};

static void pw_world_object_free(struct pw_world_object *object)
{
	free(object->name);
	free(object->label);
	free(object->app_name);
	free(object->media_class);
	free(object);
}

static char *pw_world_copy(const struct spa_dict *props, const char *key)
{
	const char *text = props ? spa_dict_lookup(props, key) : NULL;

	return text ? strdup(text) : NULL;
}

static uint32_t pw_world_number(const struct spa_dict *props, const char *key)
{
	const char *text = props ? spa_dict_lookup(props, key) : NULL;

	return text ? (uint32_t)strtoul(text, NULL, 10) : SPA_ID_INVALID;
}

/* ---- metadata: defaults and settings ---------------------------------------------------------- */

/* {"name":"alsa_output..."} -> the name. Returned, malloc'd; NULL when absent. */
static char *pw_world_json_name(const char *value)
{
	struct spa_json json[2];
	char key[64], text[512];
	const char *token;
	int size;

	if (!value)
		return NULL;
	spa_json_init(&json[0], value, strlen(value));
	if (spa_json_enter_object(&json[0], &json[1]) <= 0)
		return NULL;
	while (spa_json_get_string(&json[1], key, sizeof(key)) > 0) {
		if (strcmp(key, "name") == 0)
			return spa_json_get_string(&json[1], text, sizeof(text)) > 0 ? strdup(text)
										     : NULL;
		size = spa_json_next(&json[1], &token);
		if (size <= 0)
			break;
	}
	return NULL;
}

static void pw_world_take_default(char **slot, const char *value)
{
	free(*slot);
	*slot = pw_world_json_name(value);
}

static void pw_world_take_setting(struct pw_world *world, const char *key, const char *value)
{
	uint32_t number = value ? (uint32_t)strtoul(value, NULL, 10) : 0;

	if (strcmp(key, "clock.quantum") == 0)
		world->default_quantum = number;
	else if (strcmp(key, "clock.rate") == 0)
		world->default_rate = number;
}

static int pw_world_metadata_property(void *data, uint32_t subject, const char *key,
				      const char *type, const char *value)
{
	struct pw_world_metadata *metadata = data;
	struct pw_world *world = metadata->world;

	if (subject != PW_ID_CORE)
		return 0;
	if (metadata->is_settings) {
		if (key)
			pw_world_take_setting(world, key, value);
	} else {
		if (!key || strcmp(key, "default.audio.sink") == 0)
			pw_world_take_default(&world->default_sink, key ? value : NULL);
		if (!key || strcmp(key, "default.audio.source") == 0)
			pw_world_take_default(&world->default_source, key ? value : NULL);
	}
	world->changed(world->data);
	return 0;
}

static const struct pw_metadata_events pw_world_metadata_events = {
	PW_VERSION_METADATA_EVENTS,
	.property = pw_world_metadata_property,
};

static void pw_world_metadata_free(struct pw_world_metadata *metadata)
{
	spa_hook_remove(&metadata->listener);
	pw_proxy_destroy(metadata->proxy);
	free(metadata);
}

static void pw_world_add_metadata(struct pw_world *world, uint32_t id, const struct spa_dict *props)
{
	const char *name = props ? spa_dict_lookup(props, PW_KEY_METADATA_NAME) : NULL;
	bool is_settings = name && strcmp(name, "settings") == 0;
	struct pw_world_metadata *metadata;

	if (!name || (!is_settings && strcmp(name, "default") != 0))
		return;
	metadata = calloc(1, sizeof(*metadata));
	if (!metadata)
		return;
	metadata->proxy = pw_registry_bind(world->registry, id, PW_TYPE_INTERFACE_Metadata,
					   PW_VERSION_METADATA, 0);
	if (!metadata->proxy) {
		free(metadata);
		return;
	}
	metadata->world = world;
	metadata->id = id;
	metadata->is_settings = is_settings;
	metadata->next = world->metadata;
	world->metadata = metadata;
	pw_metadata_add_listener((struct pw_metadata *)metadata->proxy, &metadata->listener,
				 &pw_world_metadata_events, metadata);
}

/* ---- objects ---------------------------------------------------------------------------------- */

static bool pw_world_is_manager(const struct spa_dict *props)
{
	const char *name = props ? spa_dict_lookup(props, PW_KEY_APP_NAME) : NULL;

	return name &&
	       (strcmp(name, "WirePlumber") == 0 || strcmp(name, "pipewire-media-session") == 0);
}

static void pw_world_fill_node(struct pw_world_object *object, const struct spa_dict *props)
{
	const char *priority = props ? spa_dict_lookup(props, PW_KEY_PRIORITY_SESSION) : NULL;

	object->owner_id = pw_world_number(props, PW_KEY_CLIENT_ID);
	object->name = pw_world_copy(props, PW_KEY_NODE_NAME);
	object->label = pw_world_copy(props, PW_KEY_NODE_DESCRIPTION);
	object->app_name = pw_world_copy(props, PW_KEY_APP_NAME);
	object->media_class = pw_world_copy(props, PW_KEY_MEDIA_CLASS);
	object->priority = priority ? (int)strtol(priority, NULL, 10) : 0;
}

static void pw_world_fill_port(struct pw_world_object *object, const struct spa_dict *props)
{
	const char *direction = props ? spa_dict_lookup(props, PW_KEY_PORT_DIRECTION) : NULL;
	const char *monitor = props ? spa_dict_lookup(props, PW_KEY_PORT_MONITOR) : NULL;

	object->owner_id = pw_world_number(props, PW_KEY_NODE_ID);
	object->other_id = pw_world_number(props, PW_KEY_PORT_ID);
	object->name = pw_world_copy(props, PW_KEY_PORT_NAME);
	object->label = pw_world_copy(props, PW_KEY_AUDIO_CHANNEL);
	object->is_output = direction && strcmp(direction, "out") == 0;
	object->is_monitor = monitor && strcmp(monitor, "true") == 0;
}

static void pw_world_fill_link(struct pw_world_object *object, const struct spa_dict *props)
{
	object->owner_id = pw_world_number(props, PW_KEY_LINK_OUTPUT_PORT);
	object->other_id = pw_world_number(props, PW_KEY_LINK_INPUT_PORT);
	object->from_node_id = pw_world_number(props, PW_KEY_LINK_OUTPUT_NODE);
	object->to_node_id = pw_world_number(props, PW_KEY_LINK_INPUT_NODE);
}

static struct pw_world_object *pw_world_add(struct pw_world *world)
{
	if (world->n_objects == world->capacity) {
		uint32_t capacity = world->capacity ? world->capacity * 2 : 64;
		struct pw_world_object **objects =
			realloc(world->objects, capacity * sizeof(struct pw_world_object *));

		if (!objects)
			return NULL;
		world->objects = objects;
		world->capacity = capacity;
	}
	struct pw_world_object *object = calloc(1, sizeof(*object));
	if (object)
		world->objects[world->n_objects++] = object;
	return object;
}

static int pw_world_kind_of(const char *type)
{
	if (strcmp(type, PW_TYPE_INTERFACE_Node) == 0)
		return PW_WORLD_NODE;
	if (strcmp(type, PW_TYPE_INTERFACE_Port) == 0)
		return PW_WORLD_PORT;
	if (strcmp(type, PW_TYPE_INTERFACE_Link) == 0)
		return PW_WORLD_LINK;
	if (strcmp(type, PW_TYPE_INTERFACE_Client) == 0)
		return PW_WORLD_CLIENT;
	return -1;
}

static void pw_world_global(void *data, uint32_t id, uint32_t permissions, const char *type,
			    uint32_t version, const struct spa_dict *props)
{
	struct pw_world *world = data;
	struct pw_world_object *object;
	int kind = pw_world_kind_of(type);

	if (strcmp(type, PW_TYPE_INTERFACE_Metadata) == 0)
		pw_world_add_metadata(world, id, props);
	if (kind < 0)
		return;
	object = pw_world_add(world);
	if (!object)
		return;
	object->kind = (enum pw_world_kind)kind;
	object->id = id;
	switch (object->kind) {
	case PW_WORLD_NODE:
		pw_world_fill_node(object, props);
		break;
	case PW_WORLD_PORT:
		pw_world_fill_port(object, props);
		break;
	case PW_WORLD_LINK:
		pw_world_fill_link(object, props);
		break;
	case PW_WORLD_CLIENT:
		object->name = pw_world_copy(props, PW_KEY_APP_NAME);
		object->is_manager = pw_world_is_manager(props);
		world->n_managers += object->is_manager;
		break;
	}
	world->changed(world->data);
}

static void pw_world_global_remove(void *data, uint32_t id)
{
	struct pw_world *world = data;

	for (struct pw_world_metadata **m = &world->metadata; *m; m = &(*m)->next) {
		struct pw_world_metadata *gone = *m;

		if (gone->id != id)
			continue;
		*m = gone->next;
		pw_world_metadata_free(gone);
		break;
	}
	for (uint32_t i = 0; i < world->n_objects; i++) {
		struct pw_world_object *object = world->objects[i];

		if (object->id != id)
			continue;
		world->n_managers -= object->is_manager;
		memmove(world->objects + i, world->objects + i + 1,
			(world->n_objects - i - 1) * sizeof(*world->objects));
		world->n_objects--;
		pw_world_object_free(object);
		break;
	}
	world->changed(world->data);
}

static const struct pw_registry_events pw_world_registry_events = {
	PW_VERSION_REGISTRY_EVENTS,
	.global = pw_world_global,
	.global_remove = pw_world_global_remove,
};

int pw_world_init(struct pw_world *world, struct pw_core *core, void (*changed)(void *data),
		  void *data)
{
	memset(world, 0, sizeof(*world));
	world->changed = changed;
	world->data = data;
	world->registry = pw_core_get_registry(core, PW_VERSION_REGISTRY, 0);
	if (!world->registry)
		return -errno;
	pw_registry_add_listener(world->registry, &world->listener, &pw_world_registry_events,
				 world);
	return 0;
}

void pw_world_done(struct pw_world *world)
{
	while (world->metadata) {
		struct pw_world_metadata *metadata = world->metadata;

		world->metadata = metadata->next;
		pw_world_metadata_free(metadata);
	}
	for (uint32_t i = 0; i < world->n_objects; i++)
		pw_world_object_free(world->objects[i]);
	free(world->objects);
	free(world->default_sink);
	free(world->default_source);
	if (world->registry) {
		spa_hook_remove(&world->listener);
		pw_proxy_destroy((struct pw_proxy *)world->registry);
	}
	memset(world, 0, sizeof(*world));
}

/* ---- questions -------------------------------------------------------------------------------- */

struct pw_world_object *pw_world_find(const struct pw_world *world, enum pw_world_kind kind,
				      uint32_t id)
{
	for (uint32_t i = 0; i < world->n_objects; i++)
		if (world->objects[i]->id == id && world->objects[i]->kind == kind)
			return world->objects[i];
	return NULL;
}

static bool pw_world_same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

struct pw_world_object *pw_world_node(const struct pw_world *world, const char *name)
{
	struct pw_world_object *found = NULL;

	for (uint32_t i = 0; i < world->n_objects; i++) {
		struct pw_world_object *object = world->objects[i];

		if (object->kind != PW_WORLD_NODE)
			continue;
		if (pw_world_same(object->name, name))
			return object;
		if (!found && pw_world_same(object->label, name))
			found = object;
	}
	return found;
}

struct pw_world_object *pw_world_app(const struct pw_world *world, const char *name)
{
	for (uint32_t i = 0; i < world->n_objects; i++) {
		struct pw_world_object *object = world->objects[i], *client;

		if (object->kind != PW_WORLD_NODE ||
		    !pw_world_same(object->media_class, "Stream/Output/Audio"))
			continue;
		client = pw_world_find(world, PW_WORLD_CLIENT, object->owner_id);
		if (pw_world_same(object->app_name, name) || pw_world_same(object->name, name) ||
		    pw_world_same(object->label, name) ||
		    (client && pw_world_same(client->name, name)))
			return object;
	}
	return NULL;
}

struct pw_world_object *pw_world_default(const struct pw_world *world, bool source,
					 const char *own_prefix)
{
	const char *media_class = source ? "Audio/Source" : "Audio/Sink";
	const char *wanted = source ? world->default_source : world->default_sink;
	struct pw_world_object *best = NULL;

	for (uint32_t i = 0; i < world->n_objects; i++) {
		struct pw_world_object *object = world->objects[i];

		if (object->kind != PW_WORLD_NODE || !object->name || !object->media_class ||
		    strncmp(object->media_class, media_class, strlen(media_class)) != 0 ||
		    strncmp(object->name, own_prefix, strlen(own_prefix)) == 0)
			continue;
		if (pw_world_same(object->name, wanted))
			return object;
		if (!best || object->priority > best->priority)
			best = object;
	}
	return best;
}

uint32_t pw_world_ports(const struct pw_world *world, uint32_t node_id, bool output,
			struct pw_world_object **ret, uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < world->n_objects; i++) {
		struct pw_world_object *object = world->objects[i];
		uint32_t at;

		if (object->kind != PW_WORLD_PORT || object->owner_id != node_id ||
		    object->is_output != output || n == max)
			continue;
		for (at = n; at > 0 && ret[at - 1]->other_id > object->other_id; at--)
			ret[at] = ret[at - 1];
		ret[at] = object;
		n++;
	}
	return n;
}

bool pw_world_linked(const struct pw_world *world, uint32_t from_port, uint32_t to_port)
{
	for (uint32_t i = 0; i < world->n_objects; i++) {
		const struct pw_world_object *object = world->objects[i];

		if (object->kind == PW_WORLD_LINK && object->owner_id == from_port &&
		    object->other_id == to_port)
			return true;
	}
	return false;
}

bool pw_world_nodes_linked(const struct pw_world *world, uint32_t from_node, uint32_t to_node)
{
	for (uint32_t i = 0; i < world->n_objects; i++) {
		const struct pw_world_object *object = world->objects[i];

		if (object->kind == PW_WORLD_LINK &&
		    (from_node == SPA_ID_INVALID || object->from_node_id == from_node) &&
		    (to_node == SPA_ID_INVALID || object->to_node_id == to_node))
			return true;
	}
	return false;
}

struct pw_world_object *pw_world_port(const struct pw_world *world, uint32_t node_id,
				      const char *name)
{
	for (uint32_t i = 0; i < world->n_objects; i++) {
		struct pw_world_object *object = world->objects[i];

		if (object->kind == PW_WORLD_PORT && object->owner_id == node_id &&
		    pw_world_same(object->name, name))
			return object;
	}
	return NULL;
}
