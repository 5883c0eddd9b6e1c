/* main.c - options, signals, wiring: nothing else. */
#define LOG_TOPIC "main"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cleanup.h"
#include "audio_file.h"
#include "audio_files.h"
#include "control_server.h"
#include "engine_modules.h"
#include "graph_session.h"
#include "job_server.h"
#include "log.h"
#include "main_options.h"
#include "pw_backend.h"
#include "state_store.h"

#define EXIT_INVALID 5
#define EXIT_RESOURCE 8
#define RATE_DEFAULT_HZ 48000
#define MAINTAIN_NS UINT64_C(100000000) /* for what no wake-up announces */
#define STATUS_NS UINT64_C(1000000000)
#define SESSION_MAX (1u << 20)
#define LOCKED_MIN (256u << 20) /* less, and locking would make allocations fail */

struct mixd {
	struct options options;
	struct loop *loop;
	struct graph_types *types;
	struct engine_modules *modules;
	struct engine *engine;
	struct state_store *store;
	struct instance *instance;
	struct control_server *control;
	struct pw_backend *backend;
	struct job_server *jobs;
	pthread_mutex_t types_lock; /* jobs ask for the types when they need them */
	bool types_loaded;
	struct loop_source *wake, *maintain, *status;
	char notified[256]; /* STATUS= as last said */
};

/* ---- what an operator reads ---- */

static void print_error(const char *what, const struct mixd_error *error)
{
	fprintf(stderr, "mixd: %s%s%s%s%s\n", what, *what ? ": " : "", error->address,
		*error->address ? ": " : "", error->text);
	if (*error->hint)
		fprintf(stderr, "mixd: %s\n", error->hint);
}

static void module_refused(void *data, const char *path, const char *reason)
{
	log_error("module %s is refused: %s", path, reason);
}

static void restore_report(void *data, const char *text)
{
	struct mixd *mixd = data;

	log_warn("restore: %s", text);
	instance_alarm(mixd->instance, "restore", "", true, "%s", text);
}

/* ---- the session file ---- */

static int read_session(const char *path, char **ret, size_t *ret_size, struct mixd_error *err)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *text = file ? malloc(SESSION_MAX + 2) : NULL;
	size_t size = 0;
	int r = 0;

	if (file && text) {
		size = fread(text, 1, SESSION_MAX + 1, file);
		text[size] = '\0';
	}
	if (!file || !text || ferror(file))
		r = error_set(err, ERROR_RESOURCE, path, "cannot read: %s", strerror(errno));
	else if (size > SESSION_MAX)
		r = error_set(err, ERROR_INVALID, path, "is larger than %u bytes", SESSION_MAX);
	if (file && file != stdin)
		fclose(file);
	if (r < 0) {
		free(text);
		return r;
	}
	*ret = text;
	*ret_size = size;
	return 0;
}

/* The graph becomes what the file says; with DRY_RUN it is only tried. */
static int apply_session(struct mixd *mixd, const char *path, bool dry_run, struct mixd_error *err)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	Mixd__V1__Apply apply = MIXD__V1__APPLY__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT, *ops[1] = {&op};
	struct instance_request request = {
		.ops = ops, .n_ops = 1, .dry_run = dry_run, .by = "mixd"};
	struct instance_result result = {0};
	_cleanup_free_ char *text = NULL;
	Mixd__V1__Graph *graph = NULL;
	size_t size;
	int r = read_session(path, &text, &size, err);

	if (r < 0)
		return r;
	/* Parsed once more here, so that errors name the file. */
	r = graph_session_parse_whole(mixd->types, name, text, size, NULL, &graph, err);
	if (r < 0)
		return r;
	mixd__v1__graph__free_unpacked(graph, NULL);
	op.op_case = MIXD__V1__OP__OP_APPLY;
	op.apply = &apply;
	apply.text = text;
	r = instance_transact(mixd->instance, &request, &result, err);
	instance_result_done(&result);
	return r;
}

/* ---- wiring ---- */

static int journal_hook(void *data, const struct instance_commit *commit,
			const struct graph_model *model, struct mixd_error *err)
{
	struct mixd *mixd = data;

	return mixd->store ? state_store_append(mixd->store, commit, model, err) : 0;
}

static int persist_hook(void *data, struct mixd_error *err)
{
	struct mixd *mixd = data;
	int r;

	if (mixd->store)
		return state_store_persist(mixd->store, err);
	r = error_set(err, ERROR_RESOURCE, "", "this daemon keeps no state (--ephemeral)");
	error_hint(err, "wait for applied or settled instead");
	return r;
}

/* From the audio thread: there is something to look at. */
static void engine_wake(void *data)
{
	struct mixd *mixd = data;

	loop_wake_signal(mixd->wake);
}

static void on_maintain(void *data)
{
	struct mixd *mixd = data;

	instance_maintain(mixd->instance);
	control_server_maintain(mixd->control);
}

static void on_status(void *data)
{
	struct mixd *mixd = data;
	const struct instance_clock *clock = instance_clock(mixd->instance);
	char text[sizeof(mixd->notified)];
	/* Without PipeWire there is nothing to wait for: this loop turning is health enough. */
	bool healthy = !mixd->backend || pw_backend_healthy(mixd->backend);

	snprintf(text, sizeof(text), "STATUS=%s: %.200s\n", clock->state, clock->text);
	if (strcmp(text, mixd->notified) != 0) {
		strcpy(mixd->notified, text);
		notify_send(text);
	}
	if (healthy && notify_watchdog_ns())
		notify_send("WATCHDOG=1\n");
}

static void on_signal(void *data, int signo)
{
	struct mixd *mixd = data;
	struct mixd_error error = {0};

	if (signo != SIGHUP) {
		log_notice("stopping on %s", strsignal(signo));
		loop_quit(mixd->loop, 0);
		return;
	}
	if (!mixd->options.session) {
		log_warn("asked to reload, but there is no session file (--session)");
		return;
	}
	notify_send("RELOADING=1\n");
	if (apply_session(mixd, mixd->options.session, false, &error) < 0)
		log_error("%s: %s; %s (nothing was changed)", error.address, error.text,
			  error.hint);
	else
		log_notice("%s reloaded: revision %llu", mixd->options.session,
			   (unsigned long long)instance_revision(mixd->instance));
	notify_send("READY=1\n");
}

/* ---- work on files ---- */

/* Modules are loaded for the first job that has a graph: most files are only measured. */
static int job_types_hook(void *data, const struct graph_types **ret, struct mixd_error *err)
{
	struct mixd *mixd = data;
	int r = 0;

	pthread_mutex_lock(&mixd->types_lock);
	if (!mixd->types_loaded)
		r = engine_modules_load(mixd->types, module_refused, NULL, &mixd->modules, err);
	mixd->types_loaded = r == 0;
	pthread_mutex_unlock(&mixd->types_lock);
	*ret = mixd->types;
	return r;
}

static int start_job(void *data, const Mixd__V1__StartJob *request, Mixd__V1__JobReply *reply,
		     struct mixd_error *err)
{
	return job_server_start(data, request, reply, err);
}

static int get_job(void *data, const Mixd__V1__GetJob *request, Mixd__V1__JobReply *reply,
		   struct mixd_error *err)
{
	return job_server_get(data, request, reply, err);
}

static int cancel_job(void *data, const Mixd__V1__CancelJob *request, Mixd__V1__JobReply *reply,
		      struct mixd_error *err)
{
	return job_server_cancel(data, request, reply, err);
}

static int start_jobs(struct mixd *mixd, struct mixd_error *err)
{
	struct job_hooks hooks = {.types = job_types_hook, .data = mixd};
	struct control_jobs jobs = {.start = start_job, .get = get_job, .cancel = cancel_job};
	int r;

	if (!mixd->options.jobs)
		return 0;
	r = job_server_new(&hooks, &mixd->jobs, err);
	jobs.data = mixd->jobs;
	if (r == 0)
		control_server_set_jobs(mixd->control, &jobs);
	return r;
}

/* Types, engine, instance: what --check needs, too. */
static int start_core(struct mixd *mixd, struct mixd_error *err)
{
	struct engine_setup setup = {.rate = mixd->options.rate,
				     .seed = 1,
				     .wake = engine_wake,
				     .wake_data = mixd,
				     .read_audio = audio_file_read,
				     .free_audio = audio_file_free,
				     .files = &audio_files};
	struct instance_hooks hooks = {
		.data = mixd, .journal = journal_hook, .persist = persist_hook};
	char folder[PATH_MAX];
	int r;

	for (uint32_t i = 0; i < OPTIONS_AUDIO_FOLDERS; i++)
		if (options_audio_folder(&mixd->options, i, folder, sizeof(folder)) &&
		    audio_file_add_folder(folder) < 0)
			return error_no_memory(err);
	mixd->loop = loop_new();
	mixd->types = graph_types_new();
	if (!mixd->loop || !mixd->types)
		return error_set(err, ERROR_RESOURCE, "", "out of memory");
	/* Before any thread starts: they inherit the blocked signals. */
	mixd->wake = loop_add_wake(mixd->loop, on_maintain, mixd);
	if (!mixd->wake || !loop_add_signal(mixd->loop, SIGTERM, on_signal, mixd) ||
	    !loop_add_signal(mixd->loop, SIGINT, on_signal, mixd) ||
	    !loop_add_signal(mixd->loop, SIGHUP, on_signal, mixd))
		return error_set(err, ERROR_RESOURCE, "", "cannot watch signals: %s",
				 strerror(errno));
	signal(SIGPIPE, SIG_IGN);
	r = mixd->options.jobs
		    ? 0
		    : engine_modules_load(mixd->types, module_refused, NULL, &mixd->modules, err);
	if (r == 0)
		r = engine_new(&setup, &mixd->engine, err);
	if (r == 0)
		r = instance_new(mixd->options.instance, mixd->types, mixd->engine, &hooks,
				 &mixd->instance, err);
	return r;
}

/* Our own presets are kept with the state. */
static int start_presets(struct mixd *mixd, struct mixd_error *err)
{
	char state[256], own[300], config[PATH_MAX];

	options_state_folder(&mixd->options, state, sizeof(state));
	snprintf(own, sizeof(own), "%s/presets", state);
	if (instance_set_presets(mixd->instance, mixd->options.ephemeral ? NULL : own,
				 options_preset_folder(config, sizeof(config)) ? config : NULL) < 0)
		return error_no_memory(err);
	return 0;
}

static int start_state(struct mixd *mixd, struct mixd_error *err)
{
	char folder[256];
	bool found = false;
	int r = 0;

	if (!mixd->options.ephemeral) {
		options_state_folder(&mixd->options, folder, sizeof(folder));
		r = state_store_open(folder, &mixd->store, err);
		if (r == 0)
			r = state_store_restore(mixd->store, mixd->instance, &found, restore_report,
						mixd, err);
		if (r < 0)
			return r;
	}
	if (found)
		log_info("restored revision %llu from %s",
			 (unsigned long long)instance_revision(mixd->instance), folder);
	if (!mixd->options.session || (found && !mixd->options.replace))
		return 0;
	return apply_session(mixd, mixd->options.session, false, err);
}

static int start_clock(struct mixd *mixd, struct mixd_error *err)
{
	struct instance_clock offline = {.state = "offline", .rate = mixd->options.rate};

	if (!mixd->options.no_pipewire)
		return pw_backend_new(mixd->loop, mixd->instance, mixd->options.remote,
				      &mixd->backend, err);
	snprintf(offline.text, sizeof(offline.text), "started without PipeWire");
	instance_set_clock(mixd->instance, &offline);
	return 0;
}

static int start(struct mixd *mixd, struct mixd_error *err)
{
	uint64_t watchdog_ns = notify_watchdog_ns();
	char folder[256];
	int r = start_presets(mixd, err);

	if (r == 0)
		r = start_state(mixd, err);
	if (r < 0)
		return r;
	options_runtime_folder(&mixd->options, folder, sizeof(folder));
	r = control_server_new(mixd->loop, mixd->instance, folder, mixd->options.listen,
			       &mixd->control, err);
	if (r == 0)
		r = start_jobs(mixd, err);
	if (r == 0)
		r = start_clock(mixd, err);
	if (r < 0)
		return r;
	mixd->maintain = loop_add_timer(mixd->loop, on_maintain, mixd);
	mixd->status = loop_add_timer(mixd->loop, on_status, mixd);
	if (!mixd->maintain || !mixd->status)
		return error_set(err, ERROR_RESOURCE, "", "cannot make timers: %s",
				 strerror(errno));
	loop_timer_set(mixd->maintain, MAINTAIN_NS, MAINTAIN_NS);
	if (!watchdog_ns || watchdog_ns > STATUS_NS)
		watchdog_ns = STATUS_NS;
	loop_timer_set(mixd->status, watchdog_ns, watchdog_ns);
	log_notice("%s serves at %s", mixd->options.instance, folder);
	return 0;
}

/* The folder that mixctl made for the daemon of one call: nobody else may be left to remove it. */
static void remove_job_folder(const struct mixd *mixd)
{
	static const char *const names[] = {"control", "events", "lock"};
	char folder[256], path[300], *slash;

	options_runtime_folder(&mixd->options, folder, sizeof(folder));
	if (!strstr(folder, "/mixctl-"))
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	for (int i = 0; i < 3 && rmdir(folder) == 0; i++) {
		slash = strrchr(folder, '/');
		*slash = '\0';
	}
}

static void stop(struct mixd *mixd)
{
	pw_backend_free(mixd->backend);
	control_server_free(mixd->control);
	job_server_free(mixd->jobs);
	if (mixd->store && mixd->instance)
		state_store_compact(mixd->store, instance_model(mixd->instance),
				    instance_revision(mixd->instance));
	state_store_close(mixd->store);
	instance_free(mixd->instance);
	engine_free(mixd->engine);
	graph_types_free(mixd->types);
	engine_modules_free(mixd->modules);
	loop_free(mixd->loop);
	if (mixd->options.jobs)
		remove_job_folder(mixd);
}

/* No page faults in the audio thread, and descriptors for many clients; where we may. */
static void raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur < LOCKED_MIN) {
		log_info("memory is not locked: LimitMEMLOCK is below %u MiB", LOCKED_MIN >> 20);
		return;
	}
	/* On fault: the unused rest of big stacks stays unmapped. */
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
		log_info("memory is not locked: %s", strerror(errno));
}

/* Whoever starts us may have closed the standard streams: no file that we write may get their numbers, or our log
 * ends in it. */
static void hold_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			_exit(EXIT_RESOURCE);
}

static int exit_code(const struct mixd_error *error)
{
	return error->code ? (int)error->code : EXIT_RESOURCE;
}

static void list_types(const struct graph_types *types)
{
	for (uint32_t i = 0; i < graph_types_count(types); i++) {
		const struct graph_type *type = graph_types_at(types, i);

		printf("%-12s %-10s %s\n", type->node_type->id, type->node_type->category,
		       type->node_type->doc);
	}
}

static int run(struct mixd *mixd)
{
	struct mixd_error error = {0};
	int code;

	if (start_core(mixd, &error) < 0) {
		print_error("cannot start", &error);
		return exit_code(&error);
	}
	if (mixd->options.list_types) {
		list_types(mixd->types);
		return 0;
	}
	if (mixd->options.check) {
		if (apply_session(mixd, mixd->options.check, true, &error) == 0)
			return 0;
		print_error("", &error);
		return error.code == ERROR_RESOURCE ? EXIT_RESOURCE : EXIT_INVALID;
	}
	if (!mixd->options.jobs)
		raise_limits();
	if (start(mixd, &error) < 0) {
		print_error("cannot start", &error);
		return exit_code(&error);
	}
	notify_send("READY=1\n");
	on_status(mixd);
	code = loop_run(mixd->loop);
	notify_send("STOPPING=1\n");
	return code;
}

int main(int argc, char **argv)
{
	struct mixd mixd = {.options = {.instance = "default", .rate = RATE_DEFAULT_HZ},
			    .types_lock = PTHREAD_MUTEX_INITIALIZER};
	int code;

	hold_streams();
	log_init();
	code = options_parse(argc, argv, &mixd.options);
	if (code >= 0)
		return code;
	if (mixd.options.check || mixd.options.list_types)
		mixd.options.ephemeral = true;
	code = run(&mixd);
	stop(&mixd);
	return code;
}
