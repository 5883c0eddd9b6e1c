/* lv2_world_setup.c - the plug-ins of this machine as types: list() and resolve() of scheme "lv2".
 *
 * WHAT        lilv reads Turtle; no code of a plug-in is loaded. A plug-in that is not known makes
 *             us look again, because it may have been installed since. One that is not there, or
 *             is refused, but was in use here before, is a stand-in (lv2_kept_setup.c), so that a
 *             graph is restored as it was.
 * SOURCE      lilv 0.24, http://drobilla.net/software/lilv */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lv2_world.h"

static LilvWorld *world;
static struct lv2_type **types; /* all that were asked for */
static uint32_t n_types;

static const LilvPlugins *world_plugins(bool again)
{
	if (world && again) {
		lilv_world_free(world); /* types made from it own what they need */
		world = NULL;
	}
	if (!world) {
		world = lilv_world_new();
		if (world)
			lilv_world_load_all(world);
	}
	return world ? lilv_world_get_all_plugins(world) : NULL;
}

static const LilvPlugin *world_find(const char *uri, bool again)
{
	const LilvPlugins *plugins = world_plugins(again);
	LilvNode *node = world ? lilv_new_uri(world, uri) : NULL;
	const LilvPlugin *plugin = node ? lilv_plugins_get_by_uri(plugins, node) : NULL;

	lilv_node_free(node);
	return plugin;
}

/* Somebody who writes half a URI means the first that has it. */
static void world_hint(const char *text, struct mixd_fault *fault)
{
	const LilvPlugins *plugins = world_plugins(false);

	snprintf(fault->hint, sizeof(fault->hint), "see mixctl ls plugins");
	if (!plugins || !*text)
		return;
	LILV_FOREACH(plugins, i, plugins)
	{
		const char *uri =
			lilv_node_as_uri(lilv_plugin_get_uri(lilv_plugins_get(plugins, i)));

		if (!strcasestr(uri, text))
			continue;
		snprintf(fault->hint, sizeof(fault->hint),
			 "did you mean \"" LV2_SCHEME ":%.150s\"?", uri);
		return;
	}
}

/* A plug-in that has come back is behind its stand-in. */
static struct lv2_type *world_known(const char *id)
{
	for (uint32_t i = n_types; i-- > 0;)
		if (strcmp(types[i]->type.id, id) == 0)
			return types[i];
	return NULL;
}

static struct lv2_type *world_make(const char *uri, struct mixd_fault *fault)
{
	const LilvPlugin *plugin = strchr(uri, ':') ? world_find(uri, false) : NULL;

	if (!plugin && strchr(uri, ':'))
		plugin = world_find(uri, true);
	if (plugin)
		return lv2_table_make(world, plugin, fault);
	snprintf(fault->text, sizeof(fault->text), "no LV2 plug-in <%.150s> is installed", uri);
	world_hint(uri, fault);
	return NULL;
}

static const struct mixd_node_type *world_resolve(const char *id, struct mixd_fault *fault)
{
	const char *uri = id + strlen(LV2_SCHEME ":");
	struct lv2_type **grown, *known = world_known(id), *type;

	if (known && !known->missing)
		return &known->type;
	type = world_make(uri, fault);
	if (type)
		type->used_before = lv2_kept_has(uri);
	else if (known)
		return &known->type;
	else
		type = lv2_kept_read(uri, fault->text, fault);
	grown = type ? realloc((void *)types, (n_types + 1) * sizeof(*types)) : NULL;
	if (!grown)
		return NULL;
	types = grown;
	types[n_types++] = type;
	return &type->type;
}

static int world_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *const *world_list(void)
{
	static char **list;
	const LilvPlugins *plugins = world_plugins(true);
	uint32_t n = 0;

	for (char **at = list; at && *at; at++)
		free(*at);
	free((void *)list);
	list = plugins ? calloc(lilv_plugins_size(plugins) + 1u, sizeof(*list)) : NULL;
	if (!list)
		return NULL;
	LILV_FOREACH(plugins, i, plugins)
	{
		const char *uri =
			lilv_node_as_uri(lilv_plugin_get_uri(lilv_plugins_get(plugins, i)));

		if (asprintf(&list[n], LV2_SCHEME ":%s", uri) < 0)
			list[n] = NULL;
		else
			n++;
	}
	qsort((void *)list, n, sizeof(*list), world_compare);
	return (const char *const *)list;
}

MIXD_EXPORT const struct mixd_module mixd_module = {
	.abi = MIXD_NODE_ABI,
	.sizeof_type = sizeof(struct mixd_node_type),
	.sizeof_inst = sizeof(struct mixd_inst),
	.sizeof_call = sizeof(struct mixd_call),
	.sizeof_setup = sizeof(struct mixd_setup),
	.scheme = LV2_SCHEME,
	.resolve = world_resolve,
	.list = world_list,
};
