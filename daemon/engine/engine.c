/* engine.c - the engine as the control thread sees it: prepare, submit, maintain. [main] */
#include <errno.h>
#include <linux/futex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine_internal.h"

/* ---- life ------------------------------------------------------------------------------------ */

static int engine_buffers(struct engine *engine)
{
	size_t slice = MIXD_SLICE_MAX * sizeof(float);
	size_t floats = (2 + 2 * (size_t)MIXD_CHANNELS_MAX) * slice;
	size_t doubles = ((size_t)MIXD_CHANNELS_MAX + 1) * MIXD_SLICE_MAX * sizeof(double);
	char *at = engine->memory = engine_alloc(floats + doubles);

	if (!at)
		return -ENOMEM;
	engine->sums = (double *)at;
	engine->ramp = engine->sums + (size_t)MIXD_CHANNELS_MAX * MIXD_SLICE_MAX;
	at += doubles;
	engine->zeros = (float *)at;
	engine->scratch = (float *)(at + slice);
	for (uint32_t c = 0; c < MIXD_CHANNELS_MAX; c++) {
		engine->dry[c] = (float *)(at + (2 + c) * slice);
		engine->delayed[c] = (float *)(at + (2 + MIXD_CHANNELS_MAX + c) * slice);
	}
	return 0;
}

static void engine_set_setup_rate(struct engine *engine, double rate)
{
	engine->setup.rate = rate;
	engine->fade_frames = (uint32_t)(rate * ENGINE_FADE_MS / 1000.0 + 0.5);
}

/* Of an engine that was given no file service. */
static int engine_no_audio(const char *path, double rate, struct mixd_audio *ret_audio,
			   struct mixd_fault *fault)
{
	*fault = (struct mixd_fault){"no file can be read here", "leave the file out"};
	return -ENOSYS;
}

static void engine_free_nothing(struct mixd_audio *audio)
{
}

/* Offline nobody hears the wait. */
static bool engine_host_await(struct mixd_inst *view, const uint32_t *word, uint32_t seen,
			      uint32_t timeout_ms)
{
	struct timespec timeout = {timeout_ms / 1000, (long)(timeout_ms % 1000) * 1000000};

	if (__atomic_load_n(word, __ATOMIC_ACQUIRE) == seen)
		syscall(SYS_futex, word, FUTEX_WAIT, seen, &timeout, NULL, 0);
	return __atomic_load_n(word, __ATOMIC_ACQUIRE) != seen;
}

static void engine_host_set(struct engine *engine)
{
	const struct engine_setup *setup = &engine->setup;

	engine->host = (struct mixd_host){.submit = engine_host_submit,
					  .event = engine_host_event,
					  .wake = engine_host_wake,
					  .await = setup->offline ? engine_host_await
								  : engine_host_await_live,
					  .cycle = engine_host_cycle,
					  .offline = setup->offline,
					  .submit_disk = engine_host_submit_disk,
					  .hold = engine_host_hold,
					  .read_audio = engine_no_audio,
					  .free_audio = engine_free_nothing};
	if (setup->read_audio && setup->free_audio) {
		engine->host.read_audio = setup->read_audio;
		engine->host.free_audio = setup->free_audio;
	}
	engine_disk_services(&engine->host, setup->files);
}

static int engine_rings(struct engine *engine)
{
	if (engine_buffers(engine) < 0 ||
	    ring_init(&engine->to_rt, ENGINE_CHANGES_MAX, sizeof(void *)) < 0 ||
	    ring_init(&engine->to_main, ENGINE_CHANGES_MAX, sizeof(void *)) < 0 ||
	    ring_init(&engine->events, ENGINE_EVENTS_MAX, sizeof(struct engine_event)) < 0 ||
	    ring_init(&engine->jobs, ENGINE_JOBS_MAX, sizeof(struct engine_job)) < 0 ||
	    ring_init(&engine->disk_jobs, ENGINE_DISK_JOBS_MAX, sizeof(struct engine_job)) < 0 ||
	    ring_init(&engine->transports, ENGINE_TRANSPORTS_MAX,
		      sizeof(struct engine_transport_event)) < 0 ||
	    !(engine->plan = calloc(1, sizeof(*engine->plan))))
		return -ENOMEM;
	return 0;
}

int engine_new(const struct engine_setup *setup, struct engine **ret, struct mixd_error *err)
{
	struct engine *engine;
	int res = 0;

	if (!(setup->rate >= 8000.0 && setup->rate <= 384000.0)) {
		error_set(err, ERROR_INVALID, "rate", "%g Hz is not a sample rate", setup->rate);
		error_hint(err, "use 8000 to 384000 Hz");
		return -EINVAL;
	}
	engine = engine_alloc(sizeof(*engine));
	if (!engine)
		return error_set(err, ERROR_RESOURCE, NULL, "out of memory");
	engine->setup = *setup;
	engine_set_setup_rate(engine, setup->rate);
	engine->own_types = graph_types_new();
	if (!engine->own_types ||
	    graph_types_add(engine->own_types, &engine_tap_type, NULL, NULL) < 0) {
		engine_free(engine);
		return error_set(err, ERROR_RESOURCE, NULL, "out of memory");
	}
	engine->tap_type = graph_types_at(engine->own_types, 0);
	engine_host_set(engine);
	engine->transport.position = setup->roll_from;
	engine->transport.is_rolling = setup->roll;
	engine->transport.jumped = true;
	engine->transport_turn = 1;
	engine_transport_publish(engine);
	res = engine_rings(engine);
	if (res == 0 && !setup->offline)
		res = engine_worker_start(engine);
	if (res == 0 && !setup->offline)
		res = engine_disk_start(engine);
	if (res < 0) {
		engine_free(engine);
		return error_set(err, ERROR_RESOURCE, NULL, "the engine cannot start: %s",
				 strerror(-res));
	}
	*ret = engine;
	return 0;
}

struct engine *engine_free(struct engine *engine)
{
	struct engine_change *change;

	if (!engine)
		return NULL;
	engine_worker_stop(engine);
	engine_disk_stop(engine);
	while ((engine->to_main.data && ring_get(&engine->to_main, &change)) ||
	       (engine->to_rt.data && ring_get(&engine->to_rt, &change))) {
		change->n_envelopes = 0; /* they belong to their instances */
		engine_change_free(engine, change);
	}
	engine_plan_free(engine->plan);
	free(engine->markers);
	engine_want_done(&engine->want);
	engine_inst_bury(engine);
	graph_types_free(engine->own_types);
	ring_done(&engine->to_rt);
	ring_done(&engine->to_main);
	ring_done(&engine->events);
	ring_done(&engine->jobs);
	ring_done(&engine->disk_jobs);
	ring_done(&engine->transports);
	engine_release(engine->memory);
	engine_release(engine);
	return NULL;
}

struct engine_change *engine_change_free(struct engine *engine, struct engine_change *change)
{
	if (!change)
		return NULL;
	engine_plan_free(change->plan);
	for (uint32_t i = 0; change->banks && i < change->n_banks; i++)
		engine_bank_unref(change->banks[i].bank);
	engine_want_done(&change->want);
	for (uint32_t i = 0; i < change->n_envelopes; i++)
		free(change->envelopes[i]); /* not handed over: submit empties this list */
	free(change->params);
	free(change->declared);
	free(change->links);
	free(change->regroups);
	free(change->moves);
	free(change->banks);
	free(change->envelopes);
	free(change->stops);
	free(change->markers);
	free(change);
	return NULL;
}

/* ---- params and envelopes of a change -------------------------------------------------------- */

uint32_t engine_frames(const struct engine *engine, double ms)
{
	double frames = ms * engine->setup.rate / 1000.0 + 0.5;

	return frames < 4e9 ? (uint32_t)frames : UINT32_MAX;
}

static int change_param(struct engine *engine, struct engine_change *change,
			struct engine_inst *inst, const struct graph_param_change *param)
{
	const struct mixd_param_row *row = inst->type->params[param->param_idx].row;
	double ms = param->over_ms > 0.0 ? param->over_ms : row->smooth_ms;

	if (change->n_params % 64 == 0) {
		size_t room = change->n_params + 64;
		void *params = realloc(change->params, room * sizeof(*change->params));
		void *declared;

		if (!params)
			return -ENOMEM;
		change->params = params;
		declared = realloc(change->declared, room * sizeof(double));
		if (!declared)
			return -ENOMEM;
		change->declared = declared;
	}
	change->declared[change->n_params] = param->value;
	change->params[change->n_params++] = (struct engine_param_event){
		.inst = inst,
		.idx = param->param_idx,
		.value = engine_visible(row, param->value),
		.frames = engine_param_steps(row) ? 0 : engine_frames(engine, ms),
		.curve = (uint8_t)param->curve};
	return 0;
}

/* All values that differ from what the instances have; DELTA tells over which time. */
static int change_values(struct engine *engine, const struct graph_model *model,
			 const struct graph_delta *delta, struct engine_change *change)
{
	for (uint32_t i = 0; i < model->n_nodes; i++) {
		const struct graph_node *node = model->nodes[i];
		struct engine_inst *inst = change->want.insts[i].inst;

		if (inst->fresh ||
		    memcmp(inst->declared, node->value, node->type->n_params * sizeof(double)) == 0)
			continue;
		for (uint32_t p = 0; p < node->type->n_params; p++) {
			struct graph_param_change param = {node->uid, p, node->value[p], 0.0,
							   GRAPH_CURVE_SMOOTH};

			if (inst->declared[p] == node->value[p])
				continue;
			for (uint32_t k = 0; delta && k < delta->n_params; k++)
				if (delta->params[k].node_uid == node->uid &&
				    delta->params[k].param_idx == p)
					param = delta->params[k];
			param.value = node->value[p];
			if (change_param(engine, change, inst, &param) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

/* Set to the value it has while it is on an envelope: that ends there and then. */
static int change_stopped(struct engine *engine, const struct graph_model *model,
			  const struct graph_delta *delta, struct engine_change *change)
{
	for (uint32_t k = 0; k < delta->n_params; k++) {
		const struct graph_param_change *param = &delta->params[k];
		struct engine_inst *inst = engine_want_inst(&change->want, param->node_uid);
		const struct graph_node *node;

		if (!inst || inst->fresh || inst->declared[param->param_idx] != param->value)
			continue;
		node = graph_model_node_uid(model, param->node_uid);
		if (node && node->value[param->param_idx] == param->value &&
		    change_param(engine, change, inst, param) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int change_listed(struct engine *engine, const struct graph_delta *delta,
			 struct engine_change *change)
{
	for (uint32_t i = 0; i < delta->n_params; i++) {
		struct engine_inst *inst =
			engine_want_inst(&engine->want, delta->params[i].node_uid);

		if (inst && change_param(engine, change, inst, &delta->params[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* ---- prepare and submit ---------------------------------------------------------------------- */

int engine_prepare(struct engine *engine, const struct graph_model *model,
		   const struct graph_delta *delta, struct engine_change **ret_change,
		   struct mixd_error *err)
{
	struct engine_change *change;
	int res = 0;

	engine_maintain(engine);
	engine->lenient = !delta && !engine->setup.offline;
	if (engine->in_flight >= ENGINE_CHANGES_MAX / 2) {
		error_set(err, ERROR_RESOURCE, NULL,
			  "%u changes wait for the audio thread, which does not take them",
			  engine->in_flight);
		error_hint(err, "try again when the clock runs; see mixctl status");
		return -EAGAIN;
	}
	change = calloc(1, sizeof(*change));
	if (!change)
		return error_set(err, ERROR_RESOURCE, NULL, "out of memory");
	change->topology = !delta || delta->topology || engine_links_by_plan(model, delta);
	if (change->topology) {
		struct graph_expanded *expanded = NULL;

		res = graph_expand(model, engine->tap_type, &expanded, err);
		if (res == 0)
			res = engine_want_model(engine, expanded, change, err);
		if (res == 0 && change_values(engine, &expanded->model, delta, change) < 0)
			res = -ENOMEM;
		graph_expanded_free(expanded);
		if (res == 0)
			res = engine_build(engine, change, err);
		if (res == 0 && delta && change_stopped(engine, model, delta, change) < 0)
			res = -ENOMEM;
		if (res == 0 && delta)
			engine_links_times(engine, delta, change);
	} else if (change_listed(engine, delta, change) < 0 ||
		   engine_links_change(engine, model, delta, change) < 0) {
		res = -ENOMEM;
	}
	if (res == 0 && ((delta && delta->n_envelopes) || (change->topology && model->n_envelopes)))
		res = engine_envelopes_change(engine, model, delta, change, err);
	if (res == 0 && (!delta || delta->markers))
		res = engine_transport_markers(engine, model, change);
	if (res == -ENOMEM)
		error_set(err, ERROR_RESOURCE, NULL, "out of memory");
	if (res < 0) {
		engine_change_free(engine, change);
		return res;
	}
	engine->prepared = true;
	*ret_change = change;
	return 0;
}

struct engine_change *engine_discard(struct engine *engine, struct engine_change *change)
{
	engine->prepared = false;
	return engine_change_free(engine, change);
}

/* The change's lists become the engine's. */
static void engine_commit(struct engine *engine, struct engine_change *change)
{
	struct engine_want old = engine->want;

	for (uint32_t i = 0; i < old.n_links; i++)
		old.links[i].link->placed = false;
	engine->want = change->want;
	change->want = old; /* let go when the audio thread has the new plan */
	for (uint32_t i = 0; i < engine->want.n_links; i++) {
		engine->want.links[i].link->placed = false;
		memcpy(engine->want.links[i].link->target, engine->want.links[i].target,
		       sizeof(engine->want.links[i].target));
	}
	for (uint32_t i = 0; i < change->plan->n_links; i++)
		change->plan->links[i]->placed = true;
	for (uint32_t i = 0; i < change->plan->n_nodes; i++) {
		struct engine_inst *inst = change->plan->nodes[i].inst;

		inst->node = &change->plan->nodes[i];
		if (inst->fresh) {
			inst->warm_ticket = change->ticket;
			inst->warm_frames = inst->warm;
		}
		inst->fresh = false;
	}
	for (uint32_t i = 0; i < change->n_banks; i++) {
		struct engine_inst *inst = change->banks[i].inst;
		struct engine_bank *bank = inst->bank;

		inst->bank = change->banks[i].bank;
		inst->lane = change->banks[i].lane;
		change->banks[i].bank = bank; /* let go later: the audio thread moves out of it */
	}
}

static void engine_retired(struct engine *engine, struct engine_change *change)
{
	engine->in_flight--;
	engine->applied_ticket = change->ticket;
	engine->applied_at[change->ticket % ENGINE_CHANGES_MAX] = change->position;
	engine_change_free(engine, change);
}

uint64_t engine_submit(struct engine *engine, struct engine_change *change)
{
	uint64_t ticket = change->ticket = ++engine->last_ticket;

	engine->prepared = false;
	if (change->plan)
		engine_commit(engine, change);
	for (uint32_t i = 0; i < change->n_params; i++) {
		struct engine_param_event *event = &change->params[i];

		event->node = event->inst->node;
		event->inst->declared[event->idx] = change->declared[i];
	}
	engine_links_commit(engine, change);
	for (uint32_t i = 0; i < change->n_stops; i++)
		change->stops[i].node = change->stops[i].inst->node;
	for (uint32_t i = 0; i < change->n_envelopes; i++) {
		change->envelopes[i]->node = change->envelopes[i]->inst->node;
		change->envelopes[i]->next = engine->envelopes;
		engine->envelopes = change->envelopes[i];
	}
	engine->in_flight++;
	if (engine->running) {
		ring_put(&engine->to_rt, &change); /* room: in_flight is bounded */
		return ticket;
	}
	engine_apply(engine, change, engine->position);
	change->n_envelopes = 0;
	engine_retired(engine, change);
	return ticket;
}

/* ---- afterwards ------------------------------------------------------------------------------ */

static bool engine_collect(struct engine *engine)
{
	struct engine_change *change;
	struct engine_envelope **at = &engine->envelopes;
	bool any = false;

	while (ring_get(&engine->to_main, &change)) {
		change->n_envelopes = 0; /* handed over */
		engine_retired(engine, change);
		any = true;
	}
	while (*at) {
		struct engine_envelope *envelope = *at;

		if (!atomic_load_explicit(&envelope->let_go, memory_order_acquire)) {
			at = &envelope->next;
			continue;
		}
		*at = envelope->next;
		engine->envelopes_ended++;
		free(envelope);
		any = true;
	}
	return any;
}

/* True when a smaller plan is due: every fading link has faded, or links wait for that. */
static bool engine_retire_due(const struct engine *engine)
{
	uint32_t fading = 0, faded = 0;

	for (uint32_t i = 0; i < engine->want.n_links; i++) {
		const struct engine_want_link *want = &engine->want.links[i];

		if (!want->ghost || want->sounding)
			continue;
		if (atomic_load_explicit(&want->link->faded, memory_order_relaxed))
			faded++;
		else
			fading++;
	}
	return (faded && !fading) || faded > 64 || (engine->want.deferred && faded);
}

/* The same wants, without what has faded. */
static int engine_shrink(struct engine *engine)
{
	struct engine_change *change = calloc(1, sizeof(*change));
	struct engine_want *want;
	int res;

	if (!change)
		return -ENOMEM;
	want = &change->want;
	change->topology = true;
	want->latency = engine->want.latency;
	want->insts = calloc(engine->want.n_insts + 1, sizeof(*want->insts));
	want->links = calloc(engine->want.n_links + 1, sizeof(*want->links));
	if (!want->insts || !want->links) {
		engine_change_free(engine, change);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < engine->want.n_insts; i++) {
		if (engine->want.insts[i].ghost)
			continue;
		engine->want.insts[i].inst->refs++;
		want->insts[want->n_insts++] = engine->want.insts[i];
	}
	for (uint32_t i = 0; i < engine->want.n_links; i++) {
		if (engine->want.links[i].ghost)
			continue;
		engine->want.links[i].link->refs++;
		want->links[want->n_links++] = engine->want.links[i];
	}
	res = engine_group_copy(&engine->want, want);
	if (res == 0)
		res = engine_build(engine, change, NULL);
	if (res < 0)
		engine_change_free(engine, change);
	else
		engine_submit(engine, change);
	return res;
}

bool engine_maintain(struct engine *engine)
{
	bool any = engine_collect(engine);

	engine_inst_bury(engine);
	if (!engine->prepared && engine->in_flight < ENGINE_CHANGES_MAX / 4 &&
	    atomic_exchange_explicit(&engine->retire, false, memory_order_relaxed) &&
	    engine_retire_due(engine))
		any |= engine_shrink(engine) == 0;
	return any || ring_space(&engine->events) < ENGINE_EVENTS_MAX;
}

bool engine_next_event(struct engine *engine, struct engine_event *ret)
{
	return ring_get(&engine->events, ret);
}

bool engine_applied(struct engine *engine, uint64_t ticket, uint64_t *ret_position)
{
	engine_collect(engine);
	if (ticket > engine->applied_ticket)
		return false;
	if (ret_position)
		*ret_position = engine->applied_at[ticket % ENGINE_CHANGES_MAX];
	return true;
}

bool engine_settled(struct engine *engine)
{
	if (!engine->running)
		return true;
	engine_collect(engine);
	return engine->in_flight == 0 &&
	       atomic_load_explicit(&engine->shared_busy, memory_order_relaxed) == 0;
}

void engine_set_running(struct engine *engine, bool running)
{
	struct engine_change *change;

	if (engine->running == running)
		return;
	engine->running = running;
	if (!running) {
		engine_transport_changes(engine);
		engine_transport_publish(engine);
	}
	while (!running && ring_get(&engine->to_rt, &change)) {
		engine_apply(engine, change, engine->position);
		change->n_envelopes = 0;
		engine_retired(engine, change);
	}
	engine_collect(engine);
}

int engine_set_rate(struct engine *engine, double rate, const struct graph_model *model,
		    struct mixd_error *err)
{
	double old = engine->setup.rate;
	struct engine_change *change = NULL;
	int res;

	if (engine->running)
		return error_set(err, ERROR_CONFLICT, "rate",
				 "the rate cannot change while the clock runs");
	if (!(rate >= 8000.0 && rate <= 384000.0))
		return error_set(err, ERROR_INVALID, "rate", "%g Hz is not a sample rate", rate);
	if (rate == old)
		return 0;
	engine_set_setup_rate(engine, rate);
	res = engine_prepare(engine, model, NULL, &change, err);
	if (res < 0) {
		engine_set_setup_rate(engine, old);
		return res;
	}
	engine_transport_rescale(engine, old, rate);
	engine_submit(engine, change);
	return 0;
}
