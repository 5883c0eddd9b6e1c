/* pw_monitor.c - print what a PipeWire has, one JSON object per line, as it changes.
 *
 * WHAT        {"id":33,"type":"Node","props":{...}}   a new global
 *             {"id":33,"gone":true}                    it went
 *             {"id":31,"subject":0,"key":"default.audio.sink","value":"{...}"}   a metadata entry
 *             (value null: removed).
 *             {"synced":true}                          everything that was there has been printed
 *             Ends with code 1 when the server goes, 2 when there is none.
 * WHY         `pw-dump --monitor` of 0.3.65 loses metadata that appears while it is starting.
 * THREADS     one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pipewire/pipewire.h>
#include <pipewire/extensions/metadata.h>

struct monitor {
	struct pw_main_loop *loop;
	struct pw_core *core;
	struct pw_registry *registry;
	struct spa_hook core_listener, registry_listener;
	int code;
	int sync;
};

struct metadata {
	struct pw_proxy *proxy;
	struct spa_hook proxy_listener, listener;
	uint32_t id;
};

static void monitor_text(const char *text)
{
	if (!text) {
		fputs("null", stdout);
		return;
	}
	putchar('"');
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\')
			printf("\\%c", *c);
		else if (*c < 0x20)
			printf("\\u%04x", *c);
		else
			putchar(*c);
	}
	putchar('"');
}

static int metadata_property(void *data, uint32_t subject, const char *key, const char *type,
			     const char *value)
{
	struct metadata *metadata = data;

	printf("{\"id\":%u,\"subject\":%u,\"key\":", metadata->id, subject);
	monitor_text(key);
	fputs(",\"value\":", stdout);
	monitor_text(key ? value : NULL);
	fputs("}\n", stdout);
	fflush(stdout);
	return 0;
}

static const struct pw_metadata_events metadata_events = {
	PW_VERSION_METADATA_EVENTS,
	.property = metadata_property,
};

static void metadata_removed(void *data)
{
	struct metadata *metadata = data;

	pw_proxy_destroy(metadata->proxy);
}

static void metadata_destroy(void *data)
{
	struct metadata *metadata = data;

	spa_hook_remove(&metadata->listener);
	spa_hook_remove(&metadata->proxy_listener);
}

static const struct pw_proxy_events metadata_proxy_events = {
	PW_VERSION_PROXY_EVENTS,
	.removed = metadata_removed,
	.destroy = metadata_destroy,
};

static void registry_global(void *data, uint32_t id, uint32_t permissions, const char *type,
			    uint32_t version, const struct spa_dict *props)
{
	struct monitor *monitor = data;
	const char *name = strrchr(type, ':'), *separator = "";
	const struct spa_dict_item *item;
	struct metadata *metadata;

	printf("{\"id\":%u,\"type\":", id);
	monitor_text(name ? name + 1 : type);
	fputs(",\"props\":{", stdout);
	if (props)
		spa_dict_for_each(item, props)
		{
			fputs(separator, stdout);
			monitor_text(item->key);
			putchar(':');
			monitor_text(item->value);
			separator = ",";
		}
	fputs("}}\n", stdout);
	fflush(stdout);
	if (strcmp(type, PW_TYPE_INTERFACE_Metadata) != 0)
		return;
	struct pw_proxy *proxy = pw_registry_bind(monitor->registry, id, type, PW_VERSION_METADATA,
						  sizeof(*metadata));
	if (!proxy)
		return;
	metadata = pw_proxy_get_user_data(proxy);
	metadata->proxy = proxy;
	metadata->id = id;
	pw_proxy_add_listener(proxy, &metadata->proxy_listener, &metadata_proxy_events, metadata);
	pw_metadata_add_listener((struct pw_metadata *)proxy, &metadata->listener, &metadata_events,
				 metadata);
}

static void registry_global_remove(void *data, uint32_t id)
{
	printf("{\"id\":%u,\"gone\":true}\n", id);
	fflush(stdout);
}

static const struct pw_registry_events registry_events = {
	PW_VERSION_REGISTRY_EVENTS,
	.global = registry_global,
	.global_remove = registry_global_remove,
};

static void core_done(void *data, uint32_t id, int seq)
{
	struct monitor *monitor = data;

	if (id != PW_ID_CORE || seq != monitor->sync)
		return;
	fputs("{\"synced\":true}\n", stdout);
	fflush(stdout);
}

static void core_error(void *data, uint32_t id, int seq, int res, const char *message)
{
	struct monitor *monitor = data;

	if (id != PW_ID_CORE || res != -EPIPE)
		return;
	monitor->code = 1;
	pw_main_loop_quit(monitor->loop);
}

static const struct pw_core_events core_events = {
	PW_VERSION_CORE_EVENTS,
	.done = core_done,
	.error = core_error,
};

int main(int argc, char **argv)
{
	struct monitor monitor = {0};
	struct pw_context *context;

	pw_init(&argc, &argv);
	monitor.loop = pw_main_loop_new(NULL);
	context = pw_context_new(pw_main_loop_get_loop(monitor.loop), NULL, 0);
	monitor.core = context ? pw_context_connect(context, NULL, 0) : NULL;
	if (!monitor.core) {
		fprintf(stderr,
			"pw_monitor: no PipeWire to connect to: %s; start one, or set "
			"PIPEWIRE_REMOTE\n",
			strerror(errno));
		return 2;
	}
	pw_core_add_listener(monitor.core, &monitor.core_listener, &core_events, &monitor);
	monitor.registry = pw_core_get_registry(monitor.core, PW_VERSION_REGISTRY, 0);
	pw_registry_add_listener(monitor.registry, &monitor.registry_listener, &registry_events,
				 &monitor);
	monitor.sync = pw_core_sync(monitor.core, PW_ID_CORE, 0);
	pw_main_loop_run(monitor.loop);
	pw_proxy_destroy((struct pw_proxy *)monitor.registry);
	pw_core_disconnect(monitor.core);
	pw_context_destroy(context);
	pw_main_loop_destroy(monitor.loop);
	pw_deinit();
	return monitor.code;
}
