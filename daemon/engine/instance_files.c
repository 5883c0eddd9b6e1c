/* instance_files.c - nodes whose files are gone at a restart or a new rate: the rest sounds, an alarm says
 * so, and they have them again as soon as they are there. */
#include <stdio.h>
#include <string.h>

#include "instance_internal.h"

#define FILES_AGAIN_NS (UINT64_C(1000000000))

/* NODE anew, strictly; it stays as it is when its file still is not there. */
static void files_try(struct instance *instance, struct graph_node *node)
{
	const struct graph_delta again = {.topology = true};
	struct engine_change *change = NULL;
	struct mixd_error err = {0};

	node->config_gen++;
	if (engine_prepare(instance->engine, instance->model, &again, &change, &err) == 0)
		engine_submit(instance->engine, change);
	else
		node->config_gen--;
}

static void files_tell(struct instance *instance, const struct graph_node *node)
{
	const char *lack = engine_node_lack(instance->engine, node->uid);

	if (lack && !instance_has_alarm(instance, "file", node->name))
		instance_alarm(instance, "file", node->name, true,
			       "%s goes without its file: %s; put it back, or change the node",
			       node->name, lack);
}

static void files_clear(struct instance *instance)
{
	for (uint32_t i = instance->n_alarms; i-- > 0;) {
		const char *address = instance->alarms[i]->address;
		const struct graph_node *node;

		if (strcmp(instance->alarms[i]->id, "file") != 0)
			continue;
		node = graph_model_node(instance->model, address);
		if (!node || !engine_node_lack(instance->engine, node->uid))
			instance_alarm(instance, "file", address, false,
				       node ? "%s has its file again" : "%s was removed", address);
	}
}

void instance_files_maintain(struct instance *instance)
{
	const struct graph_model *model = instance->model;
	uint64_t now_ns = instance_now_ns();

	if (now_ns < instance->files_at_ns)
		return;
	instance->files_at_ns = now_ns + FILES_AGAIN_NS;
	for (uint32_t i = 0; i < model->n_nodes; i++) {
		struct graph_node *node = model->nodes[i];

		if (engine_node_lack(instance->engine, node->uid))
			files_try(instance, node);
		files_tell(instance, node);
	}
	files_clear(instance);
}
