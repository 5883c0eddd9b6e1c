/* engine_build.c - a change of topology: ghosts, compile, banks, and the plan the audio thread
 * runs. [main]
 *
 * A new link that would close a cycle with what still fades waits: it is left out of this plan and
 * comes with the next one, when the ghosts are gone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine_build.h"

#define BUILD_DEFER_MAX 64u

/* ---- the tables for the compiler ------------------------------------------------------------- */

static int build_compare(const void *pa, const void *pb)
{
	const struct engine_want_inst *a = *(const struct engine_want_inst *const *)pa;
	const struct engine_want_inst *b = *(const struct engine_want_inst *const *)pb;
	int res = strcmp(a->inst->name, b->inst->name);

	if (res)
		return res;
	if (a->ghost != b->ghost)
		return a->ghost ? -1 : 1;
	return a->inst->id < b->inst->id ? -1 : a->inst->id > b->inst->id;
}

static int build_tables(struct engine_build *build)
{
	struct engine_want *want = build->want;
	const struct engine_want_inst **sorted = calloc(want->n_insts + 1, sizeof(*sorted));

	build->insts = calloc(want->n_insts + 1, sizeof(*build->insts));
	build->nodes = calloc(want->n_insts + 1, sizeof(*build->nodes));
	build->links = calloc(want->n_links + 1, sizeof(*build->links));
	build->of_link = calloc(want->n_links + 1, sizeof(*build->of_link));
	build->deferred = calloc(want->n_links + 1, sizeof(*build->deferred));
	if (!sorted || !build->insts || !build->nodes || !build->links || !build->of_link ||
	    !build->deferred) {
		free(sorted);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < want->n_insts; i++)
		sorted[i] = &want->insts[i];
	qsort(sorted, want->n_insts, sizeof(*sorted), build_compare);
	for (uint32_t i = 0; i < want->n_insts; i++) {
		struct engine_inst *inst = sorted[i]->inst;

		inst->idx = i;
		build->insts[i] = inst;
		build->nodes[i] = (struct graph_plan_node){
			.name = inst->name,
			.type = inst->node_type,
			.n_in_ports = inst->setup.n_in_ports,
			.n_out_ports = inst->setup.n_out_ports,
			.in_first = inst->setup.in_first,
			.out_first = inst->setup.out_first,
			.latency = inst->need.latency,
			.lane_state = inst->need.lane_state,
			.lane_coef = inst->need.lane_coef,
			.shape = inst->need.shape,
			.bank_hint = inst->bank ? inst->bank->id : 0,
		};
	}
	free(sorted);
	return 0;
}

/* Choose a link of the cycle that nobody has heard yet. */
static bool build_defer(struct engine_build *build, const uint32_t *cycle, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t link = build->of_link[cycle[i]];

		if (build->want->links[link].ghost || build->want->links[link].link->placed)
			continue;
		build->deferred[link] = true;
		build->want->deferred = true;
		return true;
	}
	return false;
}

static void build_drop_ghosts(struct engine_build *build)
{
	struct engine_want *want = build->want;
	uint32_t n = 0;

	for (uint32_t i = 0; i < want->n_links; i++) {
		if (want->links[i].ghost) {
			engine_link_unref(want->links[i].link);
			continue;
		}
		build->deferred[n] = false;
		want->links[n++] = want->links[i];
	}
	want->n_links = n;
	n = 0;
	for (uint32_t i = 0; i < want->n_insts; i++) {
		if (want->insts[i].ghost)
			engine_inst_unref(want->insts[i].inst);
		else
			want->insts[n++] = want->insts[i];
	}
	want->n_insts = n;
	want->deferred = false;
}

static void build_tables_done(struct engine_build *build)
{
	free(build->insts);
	free(build->nodes);
	free(build->links);
	free(build->of_link);
	free(build->deferred);
	build->insts = NULL;
	build->nodes = NULL;
	build->links = NULL;
	build->of_link = NULL;
	build->deferred = NULL;
}

static int build_compile(struct engine_build *build, struct mixd_error *err)
{
	for (uint32_t turn = 0;; turn++) {
		uint32_t *cycle = NULL, n_cycle = 0, n = 0;
		int res;

		for (uint32_t i = 0; i < build->want->n_links; i++) {
			const struct engine_link *link = build->want->links[i].link;

			if (build->deferred[i])
				continue;
			build->of_link[n] = i;
			build->links[n++] = (struct graph_plan_link){
				link->from->idx, link->to->idx, link->from_port, link->to_port};
		}
		build->source = (struct graph_plan_source){.nodes = build->nodes,
							   .n_nodes = build->want->n_insts,
							   .links = build->links,
							   .n_links = n,
							   .alone = build->engine->setup.ungrouped};
		res = graph_plan_compile(&build->source, &build->plan, &cycle, &n_cycle, err);
		if (res != -ELOOP) {
			free(cycle);
			return res;
		}
		if (turn >= BUILD_DEFER_MAX || !build_defer(build, cycle, n_cycle)) {
			free(cycle);
			if (turn > BUILD_DEFER_MAX)
				return res;
			build_drop_ghosts(build);
			build_tables_done(build);
			if (build_tables(build) < 0)
				return error_set(err, ERROR_RESOURCE, NULL, "out of memory");
			turn = BUILD_DEFER_MAX;
			continue;
		}
		free(cycle);
	}
}

/* ---- fades ----------------------------------------------------------------------------------- */

/* What is left of the time an instance that is in place needs until it sounds right. */
static uint32_t build_warm_left(const struct engine *engine, const struct engine_inst *inst)
{
	uint64_t now, end;

	if (!inst->warm_frames || engine->applied_ticket >= inst->warm_ticket + ENGINE_CHANGES_MAX)
		return 0;
	if (engine->applied_ticket < inst->warm_ticket)
		return inst->warm_frames;
	now = atomic_load_explicit(&engine->shared_position, memory_order_acquire);
	end = engine->applied_at[inst->warm_ticket % ENGINE_CHANGES_MAX] + inst->warm_frames;
	return end > now ? (uint32_t)(end - now) : 0;
}

static bool link_is_off(const double target[2])
{
	return target[0] == 0.0 && target[1] == 0.0;
}

/* New, or on its way out and wanted again: it may have nothing to say yet. */
static bool build_comes(const struct engine_want_link *want)
{
	if (want->ghost)
		return false;
	return !want->link->placed ||
	       (link_is_off(want->link->target) && !link_is_off(want->target));
}

/* Sound that is under way goes into a new instance. Nothing audible is behind it yet, but it fades in
 * all the same: what a node holds back for longer than the change waits (a delay, seconds of
 * look-ahead) would come out with an edge. */
static bool build_starts(const struct engine *engine, const struct engine_want_link *want)
{
	const struct engine_inst *from = want->link->from;

	return engine->running && !want->ghost && want->link->to->fresh && !from->fresh &&
	       engine->applied_ticket >= from->warm_ticket;
}

/* Latest arrival of sound through the new links into a node. */
static uint32_t build_warm_inputs(const struct engine_build *build, uint32_t node)
{
	const struct graph_plan *plan = build->plan;
	uint32_t last = plan->in_port[node + 1], warm = 0;

	for (uint32_t j = plan->link_first[plan->in_port[node]]; j < plan->link_first[last]; j++) {
		const struct engine_want_link *want =
			&build->want->links[build->of_link[plan->link_order[j]]];
		uint32_t at = want->link->from->warm + want->link->delay;

		if (build_starts(build->engine, want))
			at += build->engine->fade_frames;
		if (build_comes(want) && at > warm)
			warm = at;
	}
	return warm;
}

/* How long until what is new sounds as it will: latencies and delays of new instances and how sound
 * fades into them, added up along the plan. All fades of the change wait that long. */
static uint32_t build_hold(const struct engine_build *build)
{
	const struct graph_plan *plan = build->plan;
	uint32_t hold = 0, limit = (uint32_t)build->engine->setup.rate;

	for (uint32_t i = 0; i < build->want->n_insts; i++)
		build->insts[i]->warm = build_warm_left(build->engine, build->insts[i]);
	for (uint32_t k = 0; k < plan->n_order; k++) {
		struct engine_inst *inst = build->insts[plan->order[k]];
		uint32_t warm = build_warm_inputs(build, plan->order[k]);

		if (inst->fresh)
			inst->warm = warm + inst->need.latency + inst->need.warm;
		else if (warm > hold)
			hold = warm;
	}
	return hold < limit ? hold : limit;
}

static int build_events(struct engine_build *build)
{
	struct engine_change *change = build->change;
	uint32_t hold = build_hold(build);

	change->links = calloc(build->want->n_links + 1, sizeof(*change->links));
	if (!change->links)
		return -ENOMEM;
	for (uint32_t i = 0; i < build->want->n_links; i++) {
		struct engine_want_link *want = &build->want->links[i];
		bool placed = want->link->placed;

		if (build->deferred[i])
			continue;
		if (!placed && want->link->to->fresh && !build_starts(build->engine, want)) {
			for (uint32_t k = 0; k < 2; k++)
				want->link->gain[k].from = want->link->gain[k].to = want->target[k];
			want->link->split = want->target[0] != want->target[1];
			continue; /* nothing audible is behind it yet */
		}
		if (placed && want->link->target[0] == want->target[0] &&
		    want->link->target[1] == want->target[1])
			continue;
		change->links[change->n_links++] = (struct engine_link_event){
			.link = want->link,
			.target = {want->target[0], want->target[1]},
			.hold_frames = build_starts(build->engine, want)  ? want->link->delay
				       : build_comes(want) || want->ghost ? hold
									  : 0,
		};
	}
	return 0;
}

int engine_build(struct engine *engine, struct engine_change *change, struct mixd_error *err)
{
	struct engine_build build = {.engine = engine, .change = change, .want = &change->want};
	int res;

	change->want.deferred = false;
	engine_ghosts(engine, &change->want);
	res = build_tables(&build);
	if (res == 0)
		res = build_compile(&build, err);
	if (res == 0)
		res = build_events(&build);
	if (res == 0)
		res = engine_build_plan(&build);
	if (res == 0)
		res = engine_group_events(change->plan, change);
	if (res == 0)
		res = engine_want_index(build.want);
	if (res == -ENOMEM)
		error_set(err, ERROR_RESOURCE, NULL, "out of memory while building the plan");
	graph_plan_free(build.plan);
	build_tables_done(&build);
	return res;
}
