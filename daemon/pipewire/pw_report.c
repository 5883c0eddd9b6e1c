/* pw_report.c - what the clock says of itself: state in words, xruns, missing devices, latency. */
#define LOG_TOPIC "pipewire"
#include "pw_private.h"

#include <sched.h>
#include <string.h>

#include <spa/param/latency-utils.h>

#include "log.h"

static const char *pw_report_remote(const struct pw_backend *backend)
{
	const char *name = backend->remote ? backend->remote : getenv("PIPEWIRE_REMOTE");

	return name ? name : "pipewire-0";
}

/* ---- devices ---------------------------------------------------------------------------------- */

static const char *pw_report_noun(const struct pw_boundary *boundary)
{
	if (boundary->spec.is_output)
		return "device to play to";
	return boundary->spec.device == PW_DEVICE_APP ? "application to capture"
						      : "source to capture";
}

static void pw_report_missing(struct pw_backend *backend, struct pw_boundary *boundary,
			      bool missing, uint64_t now_ns)
{
	const char *name = boundary->spec.name;
	const char *target = boundary->spec.target[0] ? boundary->spec.target : "@default";

	if (!missing) {
		boundary->missing_ns = 0;
		if (boundary->alarmed) {
			boundary->alarmed = false;
			instance_alarm(backend->instance, "device", name, false,
				       "\"%s\" is linked to \"%s\" again", name, target);
			log_notice("\"%s\": linked to \"%s\"", name, target);
		}
		return;
	}
	backend->dirty = true; /* another way to it may open with time (pw_follow_manage) */
	if (!boundary->missing_ns)
		boundary->missing_ns = now_ns;
	if (boundary->alarmed || now_ns < boundary->missing_ns + PW_MISSING_NS)
		return;
	boundary->alarmed = true;
	instance_alarm(backend->instance, "device", name, true,
		       "no %s: target \"%s\" is not there; waiting for it",
		       pw_report_noun(boundary), target);
	log_warn("\"%s\": no %s: target \"%s\" is not there; waiting for it", name,
		 pw_report_noun(boundary), target);
}

/* The first output without a device, when no output has one; else NULL. */
static struct pw_boundary *pw_report_devices(struct pw_backend *backend, uint64_t now_ns)
{
	struct pw_boundary *waiting = NULL;
	uint32_t filter_id =
		backend->filter ? pw_filter_get_node_id(backend->filter) : SPA_ID_INVALID;
	bool has_output = false;

	for (struct pw_boundary *b = backend->boundaries; b; b = b->next) {
		bool missing;

		if (b->leave_ns)
			continue;
		missing = pw_boundary_misses_device(b, &backend->world, filter_id);
		pw_report_missing(backend, b, missing, now_ns);
		if (!b->spec.is_output)
			continue;
		if (missing)
			waiting = b;
		else
			has_output = true;
	}
	return has_output ? NULL : waiting;
}

/* ---- the clock -------------------------------------------------------------------------------- */

static void pw_report_words(struct pw_backend *backend, struct instance_clock *clock,
			    const struct pw_boundary *waiting)
{
	const char *remote = pw_report_remote(backend);
	struct pw_world_object *driver;

	if (!backend->core) {
		snprintf(clock->state, sizeof(clock->state), "disconnected");
		snprintf(clock->text, sizeof(clock->text),
			 "no PipeWire at \"%s\" (%s); trying again ten times a second", remote,
			 strerror(backend->connect_errno ? backend->connect_errno : EPIPE));
		return;
	}
	driver = pw_world_find(
		&backend->world, PW_WORLD_NODE,
		atomic_load_explicit(&backend->cycle.driver_id, memory_order_relaxed));
	if (!atomic_load_explicit(&backend->cycle.is_open, memory_order_relaxed)) {
		snprintf(clock->state, sizeof(clock->state), "waiting");
		snprintf(clock->text, sizeof(clock->text),
			 "connected to \"%s\", but no device drives the graph", remote);
	} else if (waiting) {
		snprintf(clock->state, sizeof(clock->state), "waiting");
		snprintf(
			clock->text, sizeof(clock->text),
			"connected to \"%.32s\"; waiting for a device: nothing there for \"%.40s\" "
			"(target \"%.40s\")",
			remote, waiting->spec.name,
			waiting->spec.target[0] ? waiting->spec.target : "@default");
	} else {
		snprintf(clock->state, sizeof(clock->state), "running");
		snprintf(clock->text, sizeof(clock->text), "connected to \"%s\", driven by %s, %s",
			 remote, driver && driver->name ? driver->name : "its clock",
			 backend->managed ? "routed by the session manager"
					  : "without a session manager");
	}
}

static void pw_report_clock(struct pw_backend *backend, const struct pw_boundary *waiting)
{
	struct pw_cycle *cycle = &backend->cycle;
	struct instance_clock clock;

	memset(&clock, 0, sizeof(clock));
	pw_report_words(backend, &clock, waiting);
	if (backend->core) {
		clock.rate = atomic_load_explicit(&cycle->rate, memory_order_relaxed);
		clock.quantum = atomic_load_explicit(&cycle->quantum, memory_order_relaxed);
	}
	clock.xruns = atomic_load_explicit(&cycle->xruns, memory_order_relaxed);
	clock.frames_lost = atomic_load_explicit(&cycle->frames_lost, memory_order_relaxed);
	if (memcmp(&clock, &backend->clock, sizeof(clock)) == 0)
		return;
	if (strcmp(clock.state, backend->clock.state) != 0)
		log_notice("%s: %s (%u Hz, %u frames)", clock.state, clock.text, clock.rate,
			   clock.quantum);
	else if (clock.rate != backend->clock.rate || clock.quantum != backend->clock.quantum)
		log_notice("now %u Hz, %u frames", clock.rate, clock.quantum);
	backend->clock = clock;
	instance_set_clock(backend->instance, &clock);
}

static void pw_report_xruns(struct pw_backend *backend, uint64_t now_ns)
{
	uint64_t xruns = atomic_load_explicit(&backend->cycle.xruns, memory_order_relaxed);
	uint64_t lost = atomic_load_explicit(&backend->cycle.frames_lost, memory_order_relaxed);

	if (xruns != backend->seen_xruns) {
		if (!backend->xrun_alarm)
			log_warn("cycles missed: %llu in all, %llu frames lost",
				 (unsigned long long)xruns, (unsigned long long)lost);
		backend->seen_xruns = xruns;
		backend->xrun_ns = now_ns;
		backend->xrun_alarm = true;
		instance_alarm(backend->instance, "xrun", "", true,
			       "%llu gaps, %llu frames lost since start", (unsigned long long)xruns,
			       (unsigned long long)lost);
	} else if (backend->xrun_alarm && now_ns > backend->xrun_ns + PW_XRUN_CALM_NS) {
		backend->xrun_alarm = false;
		instance_alarm(backend->instance, "xrun", "", false, "no gap for 10 s");
	}
}

/* ---- latency ---------------------------------------------------------------------------------- */

static void pw_report_latency(struct pw_backend *backend)
{
	uint8_t space[256];
	struct spa_pod_builder builder = SPA_POD_BUILDER_INIT(space, sizeof(space));
	struct spa_process_latency_info latency = {0};
	struct engine_stats stats;
	const struct spa_pod *params[1];

	if (!backend->filter || backend->filter_state < PW_FILTER_STATE_PAUSED)
		return;
	engine_stats(instance_engine(backend->instance), &stats);
	if (stats.latency_frames == backend->latency_frames)
		return;
	latency.rate = stats.latency_frames;
	params[0] = spa_process_latency_build(&builder, SPA_PARAM_ProcessLatency, &latency);
	pw_filter_update_params(backend->filter, NULL, params, 1);
	backend->latency_frames = stats.latency_frames;
	log_debug("latency reported: %u frames", stats.latency_frames);
}

/* ---- rights ----------------------------------------------------------------------------------- */

static int pw_report_ask_policy(struct spa_loop *loop, bool async, uint32_t seq, const void *data,
				size_t size, void *user_data)
{
	int *policy = user_data;

	*policy = sched_getscheduler(0);
	return 0;
}

static void pw_report_rights(struct pw_backend *backend)
{
	int policy = -1;

	if (backend->rights_checked || !backend->filter ||
	    !atomic_load_explicit(&backend->cycle.is_open, memory_order_relaxed))
		return;
	backend->rights_checked = true;
	pw_compat_invoke(backend->context, backend->filter, pw_report_ask_policy, &policy);
	policy &= ~SCHED_RESET_ON_FORK;
	if (policy != SCHED_FIFO && policy != SCHED_RR)
		log_warn("the audio thread has no real-time priority: dropouts are likely under "
			 "load; allow it with LimitRTPRIO=90 in the unit, rtprio in limits.conf, "
			 "or rtkit");
}

void pw_report(struct pw_backend *backend, uint64_t now_ns)
{
	struct pw_boundary *waiting = pw_report_devices(backend, now_ns);

	pw_report_rights(backend);
	pw_report_latency(backend);
	pw_report_xruns(backend, now_ns);
	pw_report_clock(backend, waiting && waiting->alarmed ? waiting : NULL);
}
