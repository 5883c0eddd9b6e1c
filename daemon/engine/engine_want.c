/* engine_want.c - what the model wants to sound: which instances and links live on, which are new.
 *
 * An instance lives on while its node, config, layouts and rate are the same; a link state while
 * its link, both instances and its compensating delay are. Everything else is made anew, and what
 * it replaces fades out as a ghost (engine_build.c). [main] */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "engine_internal.h"

/* Open addressing, keys may repeat. */
struct want_map {
	struct want_entry {
		uint64_t key;
		void *value;
	} * entries;
	uint32_t mask;
};

static int want_map_init(struct want_map *map, uint32_t n)
{
	uint32_t size = 16;

	while (size < 2 * n)
		size <<= 1;
	map->mask = size - 1;
	map->entries = calloc(size, sizeof(*map->entries));
	return map->entries ? 0 : -ENOMEM;
}

static uint32_t want_map_hash(uint64_t key)
{
	return (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static void want_map_put(struct want_map *map, uint64_t key, void *value)
{
	uint32_t at = want_map_hash(key) & map->mask;

	while (map->entries[at].value)
		at = (at + 1) & map->mask;
	map->entries[at] = (struct want_entry){key, value};
}

/* The next value with KEY; *AT begins at UINT32_MAX. */
static void *want_map_next(const struct want_map *map, uint64_t key, uint32_t *at)
{
	*at = *at == UINT32_MAX ? want_map_hash(key) & map->mask : (*at + 1) & map->mask;
	for (; map->entries[*at].value; *at = (*at + 1) & map->mask)
		if (map->entries[*at].key == key)
			return map->entries[*at].value;
	return NULL;
}

static void *want_map_get(const struct want_map *map, uint64_t key)
{
	uint32_t at = UINT32_MAX;

	return want_map_next(map, key, &at);
}

void engine_want_done(struct engine_want *want)
{
	for (uint32_t i = 0; i < want->n_links; i++)
		engine_link_unref(want->links[i].link);
	for (uint32_t i = 0; i < want->n_insts; i++)
		engine_inst_unref(want->insts[i].inst);
	free(want->links);
	free(want->insts);
	free(want->group_first);
	free(want->group);
	free(want->inst_by_uid);
	free(want->link_by_uid);
	*want = (struct engine_want){0};
}

/* ---- by uid ---------------------------------------------------------------------------------- */

static int want_compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int want_compare_insts(const void *a, const void *b)
{
	return want_compare((*(struct engine_inst *const *)a)->uid,
			    (*(struct engine_inst *const *)b)->uid);
}

static int want_compare_links(const void *a, const void *b)
{
	return want_compare((*(struct engine_link *const *)a)->uid,
			    (*(struct engine_link *const *)b)->uid);
}

int engine_want_index(struct engine_want *want)
{
	want->inst_by_uid = calloc(want->n_insts + 1, sizeof(struct engine_inst *));
	want->link_by_uid = calloc(want->n_links + 1, sizeof(struct engine_link *));
	if (!want->inst_by_uid || !want->link_by_uid)
		return -ENOMEM;
	for (uint32_t i = 0; i < want->n_insts; i++)
		if (!want->insts[i].ghost)
			want->inst_by_uid[want->n_inst_by_uid++] = want->insts[i].inst;
	for (uint32_t i = 0; i < want->n_links; i++)
		if (!want->links[i].ghost)
			want->link_by_uid[want->n_link_by_uid++] = want->links[i].link;
	qsort(want->inst_by_uid, want->n_inst_by_uid, sizeof(struct engine_inst *),
	      want_compare_insts);
	qsort(want->link_by_uid, want->n_link_by_uid, sizeof(struct engine_link *),
	      want_compare_links);
	return 0;
}

struct engine_inst *engine_want_inst(const struct engine_want *want, uint64_t uid)
{
	uint32_t low = 0, high = want->n_inst_by_uid;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (want->inst_by_uid[middle]->uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == want->n_inst_by_uid || want->inst_by_uid[low]->uid != uid)
		return NULL;
	return want->inst_by_uid[low];
}

struct engine_link *engine_want_link(const struct engine_want *want, uint64_t uid)
{
	uint32_t low = 0, high = want->n_link_by_uid;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (want->link_by_uid[middle]->uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == want->n_link_by_uid || want->link_by_uid[low]->uid != uid)
		return NULL;
	return want->link_by_uid[low];
}

static int want_rename(struct engine_inst *inst, const char *name)
{
	char *copy;

	if (strcmp(inst->name, name) == 0)
		return 0;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	free(inst->name);
	inst->name = copy;
	return 0;
}

static int want_insts(struct engine *engine, const struct graph_model *model,
		      const struct graph_layouts *layouts, struct engine_want *want,
		      struct want_map *by_uid, struct mixd_error *err)
{
	struct want_map old = {0};
	int res = want_map_init(&old, engine->want.n_insts);

	for (uint32_t i = 0; res == 0 && i < engine->want.n_insts; i++)
		if (!engine->want.insts[i].ghost)
			want_map_put(&old, engine->want.insts[i].inst->uid,
				     engine->want.insts[i].inst);
	for (uint32_t i = 0; res == 0 && i < model->n_nodes; i++) {
		const struct graph_node *node = model->nodes[i];
		struct engine_inst *inst = want_map_get(&old, node->uid);

		if (inst && engine_inst_fits(inst, node, layouts)) {
			inst->refs++;
			inst->fresh = false;
			res = want_rename(inst, node->name);
		} else {
			res = engine_inst_new(engine, node, layouts, &inst, err);
			if (res < 0)
				break;
		}
		want->insts[want->n_insts++] = (struct engine_want_inst){.inst = inst};
		inst->idx = i;
		want_map_put(by_uid, node->uid, inst);
	}
	free(old.entries);
	return res;
}

static int want_links(struct engine *engine, const struct graph_model *model,
		      const uint32_t *delays, struct engine_want *want,
		      const struct want_map *by_uid)
{
	struct want_map old = {0};
	int res = want_map_init(&old, engine->want.n_links);

	for (uint32_t i = 0; res == 0 && i < engine->want.n_links; i++)
		want_map_put(&old, engine->want.links[i].link->uid, engine->want.links[i].link);
	for (uint32_t i = 0; res == 0 && i < model->n_links; i++) {
		const struct graph_link *link = model->links[i];
		struct engine_inst *from = want_map_get(by_uid, link->from->uid);
		struct engine_inst *to = want_map_get(by_uid, link->to->uid);
		struct engine_link *state;
		uint32_t at = UINT32_MAX;

		while ((state = want_map_next(&old, link->uid, &at)))
			if (state->from == from && state->to == to && state->delay == delays[i] &&
			    state->from_port == link->from_port && state->to_port == link->to_port)
				break;
		if (state)
			state->refs++;
		else if (!(state = engine_link_new(link, from, to, delays[i])))
			res = -ENOMEM;
		if (res < 0)
			break;
		want->links[want->n_links].link = state;
		engine_links_target(link, state->n_channels == 1,
				    want->links[want->n_links].target);
		want->n_links++;
	}
	free(old.entries);
	return res;
}

/* Delays that align all inputs; cycles are refused here, by name. */
static int want_align(const struct graph_model *model, const struct engine_want *want,
		      const struct want_map *by_uid, uint32_t *delays, uint32_t *latency,
		      struct mixd_error *err)
{
	_cleanup_free_ struct graph_plan_node *nodes =
		calloc(want->n_insts + 1, sizeof(struct graph_plan_node));
	_cleanup_free_ struct graph_plan_link *links =
		calloc(model->n_links + 1, sizeof(struct graph_plan_link));
	struct graph_plan_source source = {.nodes = nodes,
					   .n_nodes = want->n_insts,
					   .links = links,
					   .n_links = model->n_links};

	if (!nodes || !links)
		return error_set(err, ERROR_RESOURCE, NULL, "out of memory");
	for (uint32_t i = 0; i < want->n_insts; i++) {
		const struct engine_inst *inst = want->insts[i].inst;

		nodes[i] = (struct graph_plan_node){
			.name = inst->name, .type = inst->node_type, .latency = inst->need.latency};
	}
	for (uint32_t i = 0; i < model->n_links; i++) {
		const struct graph_link *link = model->links[i];
		const struct engine_inst *from = want_map_get(by_uid, link->from->uid);
		const struct engine_inst *to = want_map_get(by_uid, link->to->uid);

		links[i] = (struct graph_plan_link){from->idx, to->idx, link->from_port,
						    link->to_port};
	}
	return graph_plan_align(&source, delays, latency, err);
}

int engine_want_model(struct engine *engine, const struct graph_expanded *expanded,
		      struct engine_change *change, struct mixd_error *err)
{
	const struct graph_model *model = &expanded->model;
	struct engine_want *want = &change->want;
	struct want_map by_uid = {0};
	_cleanup_free_ uint32_t *delays = calloc(model->n_links + 1, sizeof(uint32_t));
	int res = 0;

	want->insts = calloc(model->n_nodes + engine->want.n_insts + 1, sizeof(*want->insts));
	want->links = calloc(model->n_links + engine->want.n_links + 1, sizeof(*want->links));
	if (!want->insts || !want->links || !delays || want_map_init(&by_uid, model->n_nodes) < 0)
		res = error_set(err, ERROR_RESOURCE, NULL, "out of memory");
	if (res == 0)
		res = want_insts(engine, model, expanded->layouts, want, &by_uid, err);
	if (res == 0)
		res = want_align(model, want, &by_uid, delays, &want->latency, err);
	if (res == 0) {
		res = want_links(engine, model, delays, want, &by_uid);
		if (res == 0)
			res = engine_group_want(expanded, want);
		if (res < 0)
			error_set(err, ERROR_RESOURCE, NULL, "out of memory");
	}
	free(by_uid.entries);
	return res;
}
