/* pw_backend.c - see pw_backend.h: connect, stay connected, drive the engine. */
#define LOG_TOPIC "pipewire"
#include "pw_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <spa/param/latency-utils.h>
#include <spa/utils/result.h>

#include "cleanup.h"
#include "log.h"

uint64_t pw_backend_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return SPA_TIMESPEC_TO_NSEC(&now);
}

void pw_backend_touch(void *data)
{
	struct pw_backend *backend = data;

	backend->dirty = true;
}

static int pw_backend_pass(struct spa_loop *loop, bool async, uint32_t seq, const void *data,
			   size_t size, void *user_data)
{
	return 0;
}

void pw_backend_barrier(struct pw_backend *backend)
{
	if (backend->filter)
		pw_compat_invoke(backend->context, backend->filter, pw_backend_pass, backend);
}

/* ---- the gate: whether the audio thread may enter the engine (C1) ------------------------------ */

static void pw_backend_shut(struct pw_backend *backend)
{
	if (!atomic_exchange_explicit(&backend->cycle.is_open, false, memory_order_acq_rel))
		return;
	pw_backend_barrier(backend);
	engine_set_running(instance_engine(backend->instance), false);
	backend->shut_ns = pw_backend_now();
}

/* Time without any cycle is a gap, too: nothing went out. */
static void pw_backend_count_outage(struct pw_backend *backend, uint32_t rate)
{
	uint64_t lost_ns;

	if (!backend->shut_ns)
		return;
	lost_ns = pw_backend_now() - backend->shut_ns;
	backend->shut_ns = 0;
	atomic_fetch_add_explicit(&backend->cycle.xruns, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&backend->cycle.frames_lost, lost_ns / 1000 * rate / 1000000,
				  memory_order_relaxed);
	log_notice("sound is back after %.1f s without a cycle", (double)lost_ns * 1e-9);
}

static void pw_backend_open(struct pw_backend *backend)
{
	struct pw_cycle *cycle = &backend->cycle;
	uint32_t rate = atomic_load_explicit(&cycle->rate, memory_order_relaxed);
	struct engine *engine = instance_engine(backend->instance);
	struct mixd_error err = {0};

	if (!backend->filter || rate == 0)
		return;
	if (atomic_load_explicit(&cycle->engine_rate, memory_order_relaxed) != rate) {
		pw_backend_shut(backend);
		if (engine_set_rate(engine, rate, instance_model(backend->instance), &err) < 0) {
			if (!backend->engine_failed)
				log_error("the graph cannot run at %u Hz: %s; silent until it can",
					  rate, err.text);
			backend->engine_failed = true;
			return;
		}
		log_notice("running at %u Hz", rate);
		backend->shut_ns = 0;
		atomic_store_explicit(&cycle->engine_rate, rate, memory_order_relaxed);
	}
	backend->engine_failed = false;
	if (!atomic_load_explicit(&cycle->is_open, memory_order_relaxed)) {
		pw_backend_count_outage(backend, rate);
		engine_set_running(engine, true);
		atomic_store_explicit(&cycle->is_open, true, memory_order_release);
	}
	atomic_store_explicit(&cycle->knocked, false, memory_order_release);
}

/* ---- the filter: the engine's node ------------------------------------------------------------- */

static void pw_backend_filter_state(void *data, enum pw_filter_state old,
				    enum pw_filter_state state, const char *error)
{
	struct pw_backend *backend = data;

	log_debug("filter: %s%s%s", pw_filter_state_as_string(state), error ? ": " : "",
		  error ? error : "");
	backend->filter_state = state;
	backend->dirty = true;
	/* While we were not scheduled the clock went on: that is no gap. */
	atomic_store_explicit(&backend->cycle.rebase, true, memory_order_release);
}

static void pw_backend_filter_process(void *data, struct spa_io_position *position)
{
	struct pw_backend *backend = data;

	pw_cycle_process(&backend->cycle, position);
}

static const struct pw_filter_events pw_backend_filter_events = {
	PW_VERSION_FILTER_EVENTS,
	.state_changed = pw_backend_filter_state,
	.process = pw_backend_filter_process,
};

static int pw_backend_make_filter(struct pw_backend *backend)
{
	uint8_t space[256];
	struct spa_pod_builder builder = SPA_POD_BUILDER_INIT(space, sizeof(space));
	struct spa_process_latency_info latency = {.rate = 0};
	const struct spa_pod *params[1];
	struct pw_properties *props = pw_properties_new(
		PW_KEY_NODE_NAME, backend->node_name, PW_KEY_MEDIA_TYPE, "Audio",
		PW_KEY_MEDIA_CATEGORY, "Filter", PW_KEY_MEDIA_ROLE, "DSP",
		PW_KEY_NODE_ALWAYS_PROCESS, "true", PW_KEY_NODE_GROUP, backend->node_name, NULL);

	if (!props)
		return -errno;
	pw_properties_setf(props, PW_KEY_NODE_DESCRIPTION, "mixd %s",
			   instance_name(backend->instance));
	/* Other clients must not pull the whole group to their own long quantum. */
	if (backend->world.default_quantum && backend->world.default_rate)
		pw_properties_setf(props, PW_KEY_NODE_LATENCY, "%u/%u",
				   backend->world.default_quantum, backend->world.default_rate);
	backend->filter = pw_filter_new(backend->core, backend->node_name, props);
	if (!backend->filter)
		return -errno;
	pw_filter_add_listener(backend->filter, &backend->filter_listener,
			       &pw_backend_filter_events, backend);
	params[0] = spa_process_latency_build(&builder, SPA_PARAM_ProcessLatency, &latency);
	backend->latency_frames = 0;
	return pw_filter_connect(backend->filter, PW_FILTER_FLAG_RT_PROCESS, params, 1);
}

static void pw_backend_drop_filter(struct pw_backend *backend)
{
	pw_backend_shut(backend);
	pw_follow_drop_all(backend);
	if (!backend->filter)
		return;
	spa_hook_remove(&backend->filter_listener);
	pw_filter_destroy(backend->filter);
	backend->filter = NULL;
	backend->filter_state = PW_FILTER_STATE_UNCONNECTED;
	atomic_store_explicit(&backend->cycle.knocked, false, memory_order_release);
}

/* ---- the connection ---------------------------------------------------------------------------- */

static void pw_backend_core_done(void *data, uint32_t id, int seq)
{
	struct pw_backend *backend = data;

	if (id != PW_ID_CORE || seq != backend->sync_seq)
		return;
	/* First all globals, then (second round trip) the metadata that was bound meanwhile. */
	if (++backend->n_synced < 2)
		backend->sync_seq = pw_core_sync(backend->core, PW_ID_CORE, seq);
	backend->dirty = true;
}

static void pw_backend_core_error(void *data, uint32_t id, int seq, int res, const char *message)
{
	struct pw_backend *backend = data;

	if (id == PW_ID_CORE && res == -EPIPE) {
		backend->lost = true;
		return;
	}
	log_debug("object %u: %s (%s)", id, message, spa_strerror(res));
}

static const struct pw_core_events pw_backend_core_events = {
	PW_VERSION_CORE_EVENTS,
	.done = pw_backend_core_done,
	.error = pw_backend_core_error,
};

static void pw_backend_disconnect(struct pw_backend *backend)
{
	if (!backend->core)
		return;
	pw_wires_done(&backend->wires);
	pw_backend_drop_filter(backend);
	pw_world_done(&backend->world);
	spa_hook_remove(&backend->core_listener);
	pw_core_disconnect(backend->core);
	backend->core = NULL;
	backend->n_synced = 0;
	backend->decided = false;
	backend->lost = false;
}

static void pw_backend_connect(struct pw_backend *backend)
{
	struct pw_properties *props = pw_properties_new(PW_KEY_APP_NAME, "mixd", NULL);

	if (props && backend->remote)
		pw_properties_set(props, PW_KEY_REMOTE_NAME, backend->remote);
	backend->core = props ? pw_context_connect(backend->context, props, 0) : NULL;
	if (!backend->core) {
		backend->connect_errno = errno;
		return;
	}
	backend->connected_ns = pw_backend_now();
	backend->connect_errno = 0;
	pw_core_add_listener(backend->core, &backend->core_listener, &pw_backend_core_events,
			     backend);
	if (pw_world_init(&backend->world, backend->core, pw_backend_touch, backend) < 0) {
		backend->lost = true;
		return;
	}
	backend->sync_seq = pw_core_sync(backend->core, PW_ID_CORE, 0);
}

/* ---- settle: do what was noted ------------------------------------------------------------------ */

/* Whether a session manager routes. One that comes late takes stock first (WirePlumber 0.4.13 needs
 * some 50 ms); False while it is too early to say anything. */
static bool pw_backend_decide(struct pw_backend *backend, uint64_t now_ns)
{
	bool has_manager = backend->world.n_managers > 0, managed;

	if (!backend->decided && !has_manager &&
	    now_ns < backend->connected_ns + PW_MANAGER_GRACE_NS)
		return false;
	if (!has_manager)
		backend->manager_ns = 0;
	else if (!backend->manager_ns)
		backend->manager_ns = now_ns;
	managed = has_manager && (!backend->decided || backend->managed ||
				  now_ns >= backend->manager_ns + PW_MANAGER_SETTLE_NS);
	backend->dirty = backend->dirty || managed != has_manager;
	if (!backend->decided || managed != backend->managed)
		log_info("%s", managed ? "a session manager routes our outputs"
				       : "no session manager: linking outputs ourselves");
	if (managed && !(backend->decided && backend->managed))
		backend->manager_epoch++;
	backend->managed = managed;
	backend->decided = true;
	return true;
}

static void pw_backend_work(struct pw_backend *backend, uint64_t now_ns)
{
	bool again;

	if (backend->n_synced < 2 || !pw_backend_decide(backend, now_ns)) {
		backend->dirty = true;
		return;
	}
	if (backend->filter_state == PW_FILTER_STATE_ERROR)
		pw_backend_drop_filter(backend);
	if (!backend->filter && pw_backend_make_filter(backend) < 0) {
		log_error("cannot make the engine's node: %s; trying again", strerror(errno));
		pw_backend_drop_filter(backend);
		backend->dirty = true;
		return;
	}
	again = pw_follow_model(backend, now_ns);
	pw_wires_begin(&backend->wires);
	for (struct pw_boundary *b = backend->boundaries; b; b = b->next)
		pw_boundary_wire(b, &backend->world, pw_filter_get_node_id(backend->filter),
				 &backend->wires);
	again |= pw_wires_settle(&backend->wires, backend->core, &backend->world, now_ns);
	backend->dirty = backend->dirty || again;
}

static void pw_backend_settle(struct pw_backend *backend)
{
	uint64_t now_ns = pw_backend_now();

	if (backend->lost) {
		log_warn("PipeWire is gone; waiting for it");
		pw_backend_disconnect(backend);
	}
	if (backend->core && backend->dirty) {
		backend->dirty = false;
		pw_backend_work(backend, now_ns);
	}
	pw_report(backend, now_ns);
}

static void pw_backend_dispatch(void *data)
{
	struct pw_backend *backend = data;

	pw_loop_iterate(backend->pw_loop, 0);
	if (backend->dirty || backend->lost)
		pw_backend_settle(backend);
}

/* From the audio thread (a knock) or from a commit. */
static void pw_backend_woken(void *data)
{
	struct pw_backend *backend = data;

	if (atomic_load_explicit(&backend->cycle.knocked, memory_order_acquire))
		pw_backend_open(backend);
	pw_backend_settle(backend);
}

static void pw_backend_watch_cycles(struct pw_backend *backend, uint64_t now_ns)
{
	uint64_t count = atomic_load_explicit(&backend->cycle.count, memory_order_relaxed);

	if (count != backend->seen_count) {
		backend->seen_count = count;
		backend->seen_ns = now_ns;
		return;
	}
	if (now_ns < backend->seen_ns + PW_STALL_NS ||
	    !atomic_load_explicit(&backend->cycle.is_open, memory_order_relaxed) ||
	    atomic_load_explicit(&backend->cycle.busy, memory_order_acquire))
		return;
	log_notice("no cycle for %u ms: nothing drives the graph",
		   (unsigned)(PW_STALL_NS / 1000000));
	pw_backend_shut(backend);
	atomic_store_explicit(&backend->cycle.rebase, true, memory_order_release);
	atomic_store_explicit(&backend->cycle.knocked, false, memory_order_release);
}

static void pw_backend_tick(void *data)
{
	struct pw_backend *backend = data;

	if (!backend->core)
		pw_backend_connect(backend);
	pw_backend_watch_cycles(backend, pw_backend_now());
	if (backend->engine_failed)
		pw_backend_open(backend);
	pw_backend_settle(backend);
}

static void pw_backend_committed(void *data, const struct instance_commit *commit)
{
	struct pw_backend *backend = data;

	if (commit->delta && !commit->delta->topology)
		return;
	backend->dirty = true;
	loop_wake_signal(backend->wake);
}

/* ---- life --------------------------------------------------------------------------------------- */

static int pw_backend_make_context(struct pw_backend *backend, struct mixd_error *err)
{
	struct pw_properties *props = pw_properties_new(PW_KEY_CONFIG_NAME, pw_compat_client_conf(),
							PW_KEY_APP_NAME, "mixd", NULL);

	backend->pw_loop = pw_loop_new(NULL);
	if (!backend->pw_loop || !props) {
		pw_properties_free(props);
		return error_set(err, ERROR_RESOURCE, "pipewire", "no memory for PipeWire's loop");
	}
	pw_loop_enter(backend->pw_loop);
	backend->context = pw_context_new(backend->pw_loop, props, 0);
	if (!backend->context) {
		int res = error_set(err, ERROR_RESOURCE, "pipewire",
				    "PipeWire's client side does not start: %s", strerror(errno));

		error_hint(err, "check that %s is in /usr/share/pipewire or $PIPEWIRE_CONFIG_DIR",
			   pw_compat_client_conf());
		return res;
	}
	return 0;
}

DEFINE_CLEANUP(pw_backend_free, struct pw_backend *)

int pw_backend_new(struct loop *loop, struct instance *instance, const char *remote,
		   struct pw_backend **ret, struct mixd_error *err)
{
	_cleanup_(pw_backend_freep) struct pw_backend *backend = calloc(1, sizeof(*backend));
	struct instance_listener listener = {.committed = pw_backend_committed};
	int res;

	if (!backend)
		return error_set(err, ERROR_RESOURCE, "pipewire", "out of memory");
	pw_init(NULL, NULL);
	backend->loop = loop;
	backend->instance = instance;
	backend->remote = remote ? strdup(remote) : NULL;
	snprintf(backend->node_name, sizeof(backend->node_name), PW_OWN_PREFIX "%.64s",
		 instance_name(instance));
	backend->wires.changed = pw_backend_touch;
	backend->wires.data = backend;
	backend->cycle.engine = instance_engine(instance);
	res = pw_backend_make_context(backend, err);
	if (res < 0)
		return res;
	backend->fd_source = loop_add_fd(loop, pw_loop_get_fd(backend->pw_loop), EPOLLIN,
					 pw_backend_dispatch, backend);
	backend->tick = loop_add_timer(loop, pw_backend_tick, backend);
	backend->wake = loop_add_wake(loop, pw_backend_woken, backend);
	if (!backend->fd_source || !backend->tick || !backend->wake)
		return error_set(err, ERROR_RESOURCE, "pipewire", "no event source: %s",
				 strerror(errno));
	backend->cycle.wake = backend->wake;
	listener.data = backend;
	res = instance_listen(instance, &listener);
	if (res < 0)
		return error_set(err, ERROR_RESOURCE, "pipewire", "no room for a listener");
	loop_timer_set(backend->tick, 1, PW_TICK_NS);
	*ret = TAKE_PTR(backend);
	return 0;
}

struct pw_backend *pw_backend_free(struct pw_backend *backend)
{
	if (!backend)
		return NULL;
	pw_backend_disconnect(backend);
	loop_source_free(backend->fd_source);
	loop_source_free(backend->tick);
	loop_source_free(backend->wake);
	if (backend->context)
		pw_context_destroy(backend->context);
	if (backend->pw_loop) {
		pw_loop_leave(backend->pw_loop);
		pw_loop_destroy(backend->pw_loop);
	}
	free(backend->remote);
	free(backend);
	pw_deinit();
	return NULL;
}

bool pw_backend_healthy(struct pw_backend *backend)
{
	/* Waiting for a server, a device or a driver is legitimate; being inside one cycle for a
	 * second is not. */
	return !atomic_load_explicit(&backend->cycle.busy, memory_order_acquire) ||
	       pw_backend_now() < backend->seen_ns + PW_HANG_NS;
}
