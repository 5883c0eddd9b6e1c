/* instance_solo.c - solo: who is, for how long, and who is told. See adr/0008.
 *
 * What is soloed stands in the nodes (graph_node.solo), from which graph_expand() makes what sounds;
 * here is the list, with the leases. */
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "graph_expand.h"
#include "instance_internal.h"

#define SOLO_MAX GRAPH_NODES_MAX
#define NS_PER_MS UINT64_C(1000000)

uint64_t instance_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint32_t instance_soloed(const struct instance *instance, const struct instance_soloed **ret)
{
	*ret = instance->soloed;
	return instance->n_soloed;
}

static struct instance_soloed *solo_find(struct instance *instance, uint64_t uid)
{
	for (uint32_t i = 0; i < instance->n_soloed; i++)
		if (instance->soloed[i].uid == uid)
			return &instance->soloed[i];
	return NULL;
}

static void solo_tell(struct instance *instance, const char *by)
{
	Mixd__V1__SoloChanged changed = MIXD__V1__SOLO_CHANGED__INIT;
	Mixd__V1__Change change = MIXD__V1__CHANGE__INIT;
	Mixd__V1__Soloed *rows = calloc(instance->n_soloed + 1u, sizeof(*rows));
	Mixd__V1__Soloed **list = calloc(instance->n_soloed + 1u, sizeof(Mixd__V1__Soloed *));
	uint64_t now_ns = instance_now_ns();

	for (uint32_t i = 0; rows && list && i < instance->n_soloed; i++) {
		const struct instance_soloed *soloed = &instance->soloed[i];
		const struct graph_node *node = graph_model_node_uid(instance->model, soloed->uid);

		mixd__v1__soloed__init(&rows[i]);
		rows[i].name = node ? node->name : (char *)(uintptr_t) "";
		rows[i].mode = (char *)(uintptr_t)graph_solo_names[soloed->mode];
		if (soloed->until_ns > now_ns)
			rows[i].left_ms = (uint32_t)((soloed->until_ns - now_ns) / NS_PER_MS);
		list[changed.n_soloed++] = &rows[i];
	}
	changed.soloed = list;
	changed.by = (char *)(uintptr_t)by;
	change.change_case = MIXD__V1__CHANGE__CHANGE_SOLO;
	change.solo = &changed;
	instance_happened(instance, &change);
	free(rows);
	free(list);
}

/* ---- what was asked for ---- */

struct solo_walk {
	struct instance *instance;
	const struct instance_solo_wish *wish;
	enum graph_solo *modes; /* per node of the model: what it will be */
	bool *named;
	struct mixd_error *err;
};

static int solo_check(const struct solo_walk *walk, const struct graph_node *node)
{
	int r;

	if (!graph_node_is_strip(node)) {
		r = error_set(walk->err, ERROR_INVALID, node->name, "a %s cannot be soloed",
			      node->type->node_type->id);
		error_hint(walk->err, "solo a gain: the fader behind it, say");
		return r;
	}
	if (walk->wish->mode <= GRAPH_SOLO_SIP || graph_model_listener(walk->instance->model))
		return 0;
	r = error_set(walk->err, ERROR_NOT_FOUND, node->name, "no bus listens to what is soloed");
	error_hint(walk->err, "choose one: mixctl set BUS.listen=on");
	return r;
}

/* A glob takes the strips among what it matches. */
static int solo_pattern(struct solo_walk *walk, const char *pattern)
{
	const struct graph_model *model = walk->instance->model;
	bool glob = strpbrk(pattern, "*?[{") != NULL, any = false;
	struct graph_node *found;
	int r;

	if (!glob) {
		r = graph_model_find_node(model, pattern, &found, walk->err);
		if (r < 0)
			return r;
	}
	for (uint32_t i = 0; i < model->n_nodes; i++) {
		const struct graph_node *node = model->nodes[i];

		if (!(glob ? graph_glob_match(pattern, node->name) && graph_node_is_strip(node)
			   : node == found))
			continue;
		r = walk->wish->mode == GRAPH_SOLO_OFF ? 0 : solo_check(walk, node);
		if (r < 0)
			return r;
		walk->modes[i] = walk->wish->mode;
		walk->named[i] = any = true;
	}
	if (any)
		return 0;
	r = error_set(walk->err, ERROR_NOT_FOUND, pattern, "nothing that can be soloed matches");
	error_hint(walk->err, "gains can; see `mixctl ls`");
	return r;
}

/* The engine hears what the nodes now say; on failure they say again what they said. */
static int solo_apply(struct instance *instance, const enum graph_solo *modes, uint64_t *ret_ticket,
		      struct mixd_error *err)
{
	struct graph_model *model = instance->model;
	enum graph_solo *before = calloc(model->n_nodes + 1u, sizeof(*before));
	struct engine_change *change = NULL;
	bool changes = false;
	int r = 0;

	if (!before)
		return error_set(err, ERROR_RESOURCE, NULL, "out of memory");
	for (uint32_t i = 0; i < model->n_nodes; i++) {
		before[i] = model->nodes[i]->solo;
		changes |= before[i] != modes[i];
		model->nodes[i]->solo = modes[i];
	}
	if (changes)
		r = engine_prepare(instance->engine, model, NULL, &change, err);
	for (uint32_t i = 0; r < 0 && i < model->n_nodes; i++)
		model->nodes[i]->solo = before[i];
	free(before);
	*ret_ticket = r == 0 && changes ? engine_submit(instance->engine, change) : 0;
	return r;
}

/* The list as the nodes are now; leases of those that were named begin again. */
static int solo_list(struct instance *instance, const struct solo_walk *walk)
{
	const struct graph_model *model = instance->model;
	struct instance_soloed *list = calloc(model->n_nodes + 1u, sizeof(*list));
	uint64_t until_ns = 0;
	uint32_t n = 0;

	if (!list)
		return -ENOMEM;
	if (walk && walk->wish->for_ms)
		until_ns = instance_now_ns() + walk->wish->for_ms * NS_PER_MS;
	for (uint32_t i = 0; i < model->n_nodes; i++) {
		const struct graph_node *node = model->nodes[i];
		const struct instance_soloed *old = solo_find(instance, node->uid);

		if (node->solo == GRAPH_SOLO_OFF)
			continue;
		list[n] = (struct instance_soloed){.uid = node->uid, .mode = node->solo};
		if (walk && walk->named[i])
			list[n].until_ns = until_ns;
		else if (old)
			list[n].until_ns = old->until_ns;
		n++;
	}
	free(instance->soloed);
	instance->soloed = list;
	instance->n_soloed = n;
	return 0;
}

int instance_solo(struct instance *instance, const struct instance_solo_wish *wish,
		  uint64_t *ret_ticket, struct mixd_error *err)
{
	const struct graph_model *model = instance->model;
	struct solo_walk walk = {.instance = instance, .wish = wish, .err = err};
	bool clears = wish->mode == GRAPH_SOLO_OFF && wish->n_patterns == 0;
	int r = 0;

	*ret_ticket = 0;
	instance_flush(instance);
	walk.modes = calloc(model->n_nodes + 1u, sizeof(*walk.modes));
	walk.named = calloc(model->n_nodes + 1u, sizeof(*walk.named));
	if (!walk.modes || !walk.named)
		r = error_set(err, ERROR_RESOURCE, NULL, "out of memory");
	for (uint32_t i = 0; r == 0 && i < model->n_nodes; i++)
		walk.modes[i] = wish->only || clears ? GRAPH_SOLO_OFF : model->nodes[i]->solo;
	for (size_t i = 0; r == 0 && i < wish->n_patterns; i++)
		r = solo_pattern(&walk, wish->patterns[i]);
	if (r == 0)
		r = solo_apply(instance, walk.modes, ret_ticket, err);
	if (r == 0 && solo_list(instance, &walk) < 0)
		r = error_set(err, ERROR_RESOURCE, NULL, "out of memory");
	if (r == 0)
		solo_tell(instance, wish->by ? wish->by : "");
	free(walk.modes);
	free(walk.named);
	return r;
}

void instance_solo_maintain(struct instance *instance)
{
	struct graph_model *model = instance->model;
	struct mixd_error err = {0};
	enum graph_solo *modes;
	uint64_t now_ns, ticket;
	bool over = false, gone = false;

	if (instance->n_soloed == 0)
		return;
	now_ns = instance_now_ns();
	modes = calloc(model->n_nodes + 1u, sizeof(*modes));
	for (uint32_t i = 0; modes && i < model->n_nodes; i++)
		modes[i] = model->nodes[i]->solo;
	for (uint32_t i = 0; modes && i < instance->n_soloed; i++) {
		const struct instance_soloed *soloed = &instance->soloed[i];
		bool there = false;

		for (uint32_t k = 0; k < model->n_nodes; k++) {
			if (model->nodes[k]->uid != soloed->uid)
				continue;
			there = true;
			if (soloed->until_ns && soloed->until_ns <= now_ns) {
				modes[k] = GRAPH_SOLO_OFF;
				over = true;
			}
		}
		gone |= !there;
	}
	if (modes && over)
		solo_apply(instance, modes, &ticket, &err);
	free(modes);
	if ((over || gone) && solo_list(instance, NULL) == 0)
		solo_tell(instance, "mixd");
}
