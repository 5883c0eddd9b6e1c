/* instance.c - transactions, history, restore; alarms are in instance_alarms.c. */
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "graph_session.h"
#include "instance_internal.h"

DEFINE_CLEANUP(graph_model_free, struct graph_model *)

uint64_t instance_unix_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* What the model asks when an envelope is cleared. */
static bool instance_value_now(void *data, uint64_t node_uid, uint32_t param_idx, double *ret_value)
{
	const struct instance *instance = data;

	return !instance->taking_back && !instance->stale &&
	       engine_param_now(instance->engine, node_uid, param_idx, ret_value);
}

/* What an edit of clips asks. */
static int instance_find_sound(void *data, const struct graph_sound_query *query,
			       struct graph_sound *ret, struct mixd_error *err)
{
	const struct instance *instance = data;

	return engine_find_sound(instance->engine, query, ret, err);
}

static void instance_take_model(struct instance *instance, struct graph_model *model)
{
	instance->model = model;
	if (!model)
		return;
	model->value_now = instance_value_now;
	model->value_now_data = instance;
	model->find_preset = instance_find_preset;
	model->find_preset_data = instance;
	model->find_sound = instance_find_sound;
	model->find_sound_data = instance;
	if (instance->engine)
		model->rate = engine_rate(instance->engine);
}

int instance_new(const char *name, const struct graph_types *types, struct engine *engine,
		 const struct instance_hooks *hooks, struct instance **ret, struct mixd_error *err)
{
	struct instance *instance = calloc(1, sizeof(*instance));

	if (instance) {
		instance->name = strdup(name);
		instance_take_model(instance, graph_model_new(types, name));
		instance->history = calloc(INSTANCE_HISTORY_MAX, sizeof(*instance->history));
	}
	if (!instance || !instance->name || !instance->model || !instance->history) {
		instance_free(instance);
		return error_set(err, ERROR_RESOURCE, NULL, "out of memory");
	}
	instance->types = types;
	instance->engine = engine;
	instance->revision = 1;
	if (hooks)
		instance->hooks = *hooks;
	snprintf(instance->clock.state, sizeof(instance->clock.state), "offline");
	*ret = instance;
	return 0;
}

struct instance *instance_free(struct instance *instance)
{
	if (!instance)
		return NULL;
	for (uint32_t i = 0; instance->history && i < INSTANCE_HISTORY_MAX; i++)
		graph_delta_free(instance->history[i].delta);
	for (uint32_t i = 0; i < instance->n_alarms; i++)
		mixd__v1__alarm__free_unpacked(instance->alarms[i], NULL);
	graph_model_free(instance->model);
	free(instance->history);
	free(instance->soloed);
	free(instance->presets_own);
	free(instance->presets_config);
	instance_presets_free(instance->presets_found);
	free(instance->name);
	free(instance);
	return NULL;
}

/* ---- history --------------------------------------------------------------------------------- */

const struct instance_commit *instance_history(const struct instance *instance, uint32_t idx)
{
	uint32_t at = instance->history_at + INSTANCE_HISTORY_MAX - 1 - idx;

	return idx < instance->n_history ? &instance->history[at % INSTANCE_HISTORY_MAX] : NULL;
}

static const struct instance_commit *history_push(struct instance *instance,
						  const struct instance_commit *commit)
{
	struct instance_commit *slot = &instance->history[instance->history_at];

	graph_delta_free(slot->delta);
	*slot = *commit;
	instance->history_at = (instance->history_at + 1) % INSTANCE_HISTORY_MAX;
	if (instance->n_history < INSTANCE_HISTORY_MAX)
		instance->n_history++;
	return slot;
}

/* ---- transactions ---------------------------------------------------------------------------- */

static int check_revision(const struct instance *instance, const struct instance_request *request,
			  struct mixd_error *err)
{
	if (!request->if_revision || request->if_revision == instance->revision)
		return 0;
	error_set(err, ERROR_CONFLICT, "revision", "the graph is at revision %llu, not %llu",
		  (unsigned long long)instance->revision, (unsigned long long)request->if_revision);
	error_hint(err, "look at what changed since, then try again with --if-rev %llu",
		   (unsigned long long)instance->revision);
	return -EEXIST;
}

static void commit_begin(const struct instance *instance, const struct instance_request *request,
			 struct graph_delta *delta, struct instance_commit *commit)
{
	uint32_t size = request->session_size;

	*commit = (struct instance_commit){.revision = instance->revision + 1,
					   .unix_ms = instance_unix_ms(),
					   .req_id = request->req_id,
					   .delta = delta};
	snprintf(commit->by, sizeof(commit->by), "%s", request->by ? request->by : "");
	if (size > sizeof(commit->session))
		size = sizeof(commit->session);
	if (size)
		memcpy(commit->session, request->session, size);
	commit->session_size = size;
	graph_delta_summary(delta, commit->summary, sizeof(commit->summary));
}

static void dry_run_done(struct instance *instance, struct graph_delta *delta,
			 struct instance_result *result)
{
	graph_txn_revert(instance->model, delta);
	result->owned = delta;
	result->changes = delta->changes;
	result->n_changes = delta->n_changes;
}

/* Journal, then sound, then tell. */
static int commit_run(struct instance *instance, const struct instance_request *request,
		      struct graph_delta *delta, struct engine_change *change,
		      struct instance_result *result, struct mixd_error *err)
{
	struct instance_commit commit;
	const struct instance_commit *kept;

	commit_begin(instance, request, delta, &commit);
	if (instance->hooks.journal) {
		int res = instance->hooks.journal(instance->hooks.data, &commit, instance->model,
						  err);

		if (res < 0) {
			engine_discard(instance->engine, change);
			graph_txn_revert(instance->model, delta);
			graph_delta_free(delta);
			return res;
		}
	}
	instance->revision = commit.revision;
	result->revision = commit.revision;
	result->ticket = engine_submit(instance->engine, change);
	result->changes = delta->changes;
	result->n_changes = delta->n_changes;
	kept = history_push(instance, &commit);
	for (uint32_t i = 0; i < instance->n_listeners; i++)
		if (instance->listeners[i].committed)
			instance->listeners[i].committed(instance->listeners[i].data, kept);
	return 0;
}

int instance_transact(struct instance *instance, const struct instance_request *request,
		      struct instance_result *ret_result, struct mixd_error *err)
{
	struct instance_result result = {.revision = instance->revision};
	struct engine_change *change = NULL;
	struct graph_delta *delta = NULL;
	int res = check_revision(instance, request, err);

	if (res < 0)
		return res;
	instance_flush(instance);
	instance->model->rate = engine_rate(instance->engine);
	res = graph_txn_apply(instance->model, request->ops, request->n_ops, &delta, err);
	if (res < 0)
		return res;
	if (delta->n_done == 0) { /* it is already so */
		graph_delta_free(delta);
		*ret_result = result;
		return 0;
	}
	res = engine_prepare(instance->engine, instance->model, delta, &change, err);
	if (res < 0) {
		graph_txn_revert(instance->model, delta);
		graph_delta_free(delta);
		return res;
	}
	if (request->dry_run) {
		engine_discard(instance->engine, change);
		dry_run_done(instance, delta, &result);
	} else {
		res = commit_run(instance, request, delta, change, &result, err);
	}
	if (res == 0)
		*ret_result = result;
	return res;
}

void instance_result_done(struct instance_result *result)
{
	result->owned = graph_delta_free(result->owned);
	result->changes = NULL;
	result->n_changes = 0;
}

/* ---- back ------------------------------------------------------------------------------------ */

/* Many operations, made and unmade: what of OPS remains, as a difference of two graphs. Otherwise a
 * rollback of rollbacks would double with each. */
static int take_back_shortly(struct instance *instance, struct instance_request *back,
			     struct instance_result *ret_result, struct mixd_error *err)
{
	Mixd__V1__Graph *graph = graph_model_to_proto(instance->model);
	_cleanup_(graph_model_freep) struct graph_model *copy = NULL;
	struct graph_delta *delta = NULL;
	Mixd__V1__Op **ops = NULL;
	uint32_t n = 0;
	int res = graph ? graph_model_from_proto(instance->types, graph, &copy, err)
			: error_set(err, ERROR_RESOURCE, NULL, "out of memory");

	mixd__v1__graph__free_unpacked(graph, NULL);
	if (res == 0)
		res = graph_txn_apply(copy, back->ops, back->n_ops, &delta, err);
	graph_delta_free(delta);
	if (res < 0)
		return res;
	graph = graph_model_to_proto(copy);
	res = graph ? graph_session_diff(instance->model, graph, false, &ops, &n, err)
		    : error_set(err, ERROR_RESOURCE, NULL, "out of memory");
	mixd__v1__graph__free_unpacked(graph, NULL);
	if (res < 0)
		return res;
	back->ops = ops;
	back->n_ops = n;
	instance->taking_back = true;
	res = instance_transact(instance, back, ret_result, err);
	instance->taking_back = false;
	graph_ops_free(ops, n);
	return res;
}

/* The last COUNT commits taken back as one transaction. */
static int take_back(struct instance *instance, uint32_t count,
		     const struct instance_request *request, struct instance_result *ret_result,
		     struct mixd_error *err)
{
	struct instance_request back = *request;
	_cleanup_free_ Mixd__V1__Op **ops = NULL;
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct instance_commit *commit = instance_history(instance, i);

		if (!commit || !commit->delta) {
			error_set(err, ERROR_NOT_FOUND, "history",
				  "only %u revisions can be taken back", i);
			error_hint(err, "see mixctl history; older states are in snapshots");
			return -ENOENT;
		}
		n += commit->delta->n_inverse;
	}
	ops = calloc(n + 1, sizeof(*ops));
	if (!ops)
		return error_set(err, ERROR_RESOURCE, NULL, "out of memory");
	n = 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct instance_commit *commit = instance_history(instance, i);

		for (uint32_t k = 0; k < commit->delta->n_inverse; k++)
			ops[n++] = commit->delta->inverse[k];
	}
	back.ops = ops;
	back.n_ops = n;
	if (n > GRAPH_OPS_MAX)
		return take_back_shortly(instance, &back, ret_result, err);
	return instance_transact(instance, &back, ret_result, err);
}

int instance_undo(struct instance *instance, uint32_t count, const struct instance_request *request,
		  struct instance_result *ret_result, struct mixd_error *err)
{
	int res = check_revision(instance, request, err);

	if (res < 0)
		return res;
	return take_back(instance, count ? count : 1, request, ret_result, err);
}

int instance_rollback(struct instance *instance, uint64_t to_revision,
		      const struct instance_request *request, struct instance_result *ret_result,
		      struct mixd_error *err)
{
	int res = check_revision(instance, request, err);

	if (res < 0)
		return res;
	if (to_revision == 0 || to_revision > instance->revision) {
		error_set(err, ERROR_NOT_FOUND, "revision", "there is no revision %llu",
			  (unsigned long long)to_revision);
		error_hint(err, "the graph is at %llu", (unsigned long long)instance->revision);
		return -ENOENT;
	}
	if (instance->revision - to_revision > instance->n_history) {
		error_set(err, ERROR_NOT_FOUND, "revision",
			  "revision %llu is no longer in history, which begins at %llu",
			  (unsigned long long)to_revision,
			  (unsigned long long)(instance->revision - instance->n_history));
		error_hint(err, "roll back to a later one, or apply an exported session");
		return -ENOENT;
	}
	return take_back(instance, (uint32_t)(instance->revision - to_revision), request,
			 ret_result, err);
}

int instance_persist(struct instance *instance, struct mixd_error *err)
{
	return instance->hooks.persist ? instance->hooks.persist(instance->hooks.data, err) : 0;
}

/* ---- restore --------------------------------------------------------------------------------- */

void instance_flush(struct instance *instance)
{
	struct engine_change *change = NULL;
	struct mixd_error err = {0};

	if (!instance->stale)
		return;
	instance->stale = false;
	if (engine_prepare(instance->engine, instance->model, NULL, &change, &err) == 0)
		engine_submit(instance->engine, change);
	else
		instance_alarm(instance, "restore", err.address, true,
			       "the restored graph cannot sound: %s", err.text);
}

/* An envelope is an action: it is not done again (I3). One on the time line is a state. */
static void restore_settle(struct instance *instance)
{
	struct graph_model *model = instance->model;

	for (uint32_t i = model->n_envelopes; i-- > 0;)
		if (!model->envelopes[i]->on_timeline)
			graph_model_end_envelope(model, model->envelopes[i]);
}

int instance_restore_graph(struct instance *instance, struct graph_model *model, uint64_t revision,
			   struct mixd_error *err)
{
	if (instance->n_history) {
		return error_set(err, ERROR_CONFLICT, NULL,
				 "a graph can be restored only before anything else");
	}
	graph_model_free(instance->model);
	instance_take_model(instance, model);
	restore_settle(instance);
	instance->revision = revision ? revision : 1;
	instance->stale = true;
	return 0;
}

int instance_restore_commit(struct instance *instance, const struct instance_commit *commit,
			    Mixd__V1__Op *const *ops, uint32_t n_ops, struct mixd_error *err)
{
	struct instance_commit restored = *commit;
	struct graph_delta *delta = NULL;
	int res = graph_txn_apply(instance->model, ops, n_ops, &delta, err);

	if (res < 0)
		return res;
	restore_settle(instance);
	restored.delta = delta;
	instance->revision = commit->revision;
	instance->stale = true;
	history_push(instance, &restored);
	return 0;
}

/* ---- questions ------------------------------------------------------------------------------- */

const struct graph_model *instance_model(const struct instance *instance)
{
	return instance->model;
}

struct engine *instance_engine(const struct instance *instance)
{
	return instance->engine;
}

uint64_t instance_revision(const struct instance *instance)
{
	return instance->revision;
}

const char *instance_name(const struct instance *instance)
{
	return instance->name;
}

const struct instance_clock *instance_clock(const struct instance *instance)
{
	return &instance->clock;
}
