/* pw_probe.c - feed and capture exactly: two real-time filters that go by the server's clock.
 *
 * WHAT        "probe-feed" plays a raw f32 file, "probe-capture" records; sample i of both belongs
 *             to the same clock position, so what lies between them shows as an offset in the
 *             record. Cycles that the server skipped are reported, not hidden.
 * USE         pw_probe CHANNELS FRAMES IN.f32 OUT.f32 [RATE]
 *             prints {"event":"ready"} when the ports exist: link them, then write a line to its
 *             standard input. It records FRAMES frames and prints
 *             {"event":"done","position":..,"quanta":[..],"gaps":[[frame,length],..]}.
 * WHY         pw-cat is not real-time: it loses the first and last partial blocks.
 * THREADS     main; PipeWire's data thread runs both callbacks, one after the other. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pipewire/filter.h>
#include <pipewire/pipewire.h>

#define PROBE_CHANNELS_MAX 16
#define PROBE_NOTES_MAX 256

struct probe_side {
	struct probe *probe;
	struct pw_filter *filter;
	struct spa_hook listener;
	void *port[PROBE_CHANNELS_MAX];
	/* --- rt --- */
	uint64_t next; /* position expected */
	bool running;
};

struct probe {
	struct pw_main_loop *loop;
	struct spa_source *done_event;
	uint32_t channels;
	uint64_t n_frames;
	float *in, *out; /* interleaved */
	struct probe_side feed, capture;
	uint32_t n_ready;
	_Atomic bool go;
	_Atomic uint64_t start; /* position of frame 0; 0: not yet */
	/* --- rt --- */
	uint64_t gap[PROBE_NOTES_MAX][2];
	uint32_t n_gaps;
	uint32_t quantum[PROBE_NOTES_MAX];
	uint32_t n_quanta;
};

static void probe_note_gap(struct probe *probe, uint64_t from, uint64_t to)
{
	uint64_t start = atomic_load(&probe->start);

	if (!start || to <= start || probe->n_gaps == PROBE_NOTES_MAX)
		return;
	from = from > start ? from - start : 0;
	probe->gap[probe->n_gaps][0] = from;
	probe->gap[probe->n_gaps++][1] = to - start - from;
}

/* Frame index of this cycle's first sample; false before the start. */
static bool probe_index(struct probe_side *side, const struct spa_io_clock *clock,
			uint64_t *ret_index)
{
	struct probe *probe = side->probe;
	uint64_t start = atomic_load(&probe->start);

	if (side->running && clock->position != side->next)
		probe_note_gap(probe, side->next, clock->position);
	side->running = true;
	side->next = clock->position + clock->duration;
	if (!start || clock->position < start)
		return false;
	*ret_index = clock->position - start;
	return true;
}

static void probe_feed_process(void *data, struct spa_io_position *position)
{
	struct probe_side *side = data;
	struct probe *probe = side->probe;
	uint32_t n = (uint32_t)position->clock.duration;
	uint64_t index = 0;
	bool on;

	if (atomic_load(&probe->go) && !atomic_load(&probe->start))
		atomic_store(&probe->start, position->clock.position + 4 * n);
	on = probe_index(side, &position->clock, &index);
	for (uint32_t c = 0; c < probe->channels; c++) {
		float *buffer = pw_filter_get_dsp_buffer(side->port[c], n);

		for (uint32_t i = 0; buffer && i < n; i++)
			buffer[i] = on && index + i < probe->n_frames
					    ? probe->in[(index + i) * probe->channels + c]
					    : 0.0f;
	}
}

static void probe_capture_process(void *data, struct spa_io_position *position)
{
	struct probe_side *side = data;
	struct probe *probe = side->probe;
	uint32_t n = (uint32_t)position->clock.duration;
	uint64_t index = 0;
	bool on = probe_index(side, &position->clock, &index);

	for (uint32_t c = 0; c < probe->channels; c++) {
		const float *buffer = pw_filter_get_dsp_buffer(side->port[c], n);

		for (uint32_t i = 0; on && buffer && i < n && index + i < probe->n_frames; i++)
			probe->out[(index + i) * probe->channels + c] = buffer[i];
	}
	if (!on)
		return;
	if (probe->n_quanta == 0 ||
	    (probe->quantum[probe->n_quanta - 1] != n && probe->n_quanta < PROBE_NOTES_MAX))
		probe->quantum[probe->n_quanta++] = n;
	if (index + n >= probe->n_frames)
		pw_loop_signal_event(pw_main_loop_get_loop(probe->loop), probe->done_event);
}

static void probe_state(void *data, enum pw_filter_state old, enum pw_filter_state state,
			const char *error)
{
	struct probe_side *side = data;

	if (state == PW_FILTER_STATE_ERROR) {
		fprintf(stderr, "pw_probe: %s\n", error);
		pw_main_loop_quit(side->probe->loop);
	} else if (old == PW_FILTER_STATE_CONNECTING && ++side->probe->n_ready == 2) {
		printf("{\"event\":\"ready\"}\n");
		fflush(stdout);
	}
}

static const struct pw_filter_events probe_feed_events = {
	PW_VERSION_FILTER_EVENTS,
	.state_changed = probe_state,
	.process = probe_feed_process,
};
static const struct pw_filter_events probe_capture_events = {
	PW_VERSION_FILTER_EVENTS,
	.state_changed = probe_state,
	.process = probe_capture_process,
};

static int probe_side_init(struct probe_side *side, struct probe *probe, struct pw_core *core,
			   bool capture)
{
	const char *name = capture ? "probe-capture" : "probe-feed";

	side->probe = probe;
	side->filter = pw_filter_new(core, name,
				     pw_properties_new(PW_KEY_NODE_NAME, name,
						       PW_KEY_NODE_ALWAYS_PROCESS, "true", NULL));
	if (!side->filter)
		return -errno;
	pw_filter_add_listener(side->filter, &side->listener,
			       capture ? &probe_capture_events : &probe_feed_events, side);
	for (uint32_t c = 0; c < probe->channels; c++) {
		char port[16];

		snprintf(port, sizeof(port), "%s_%u", capture ? "in" : "out", c);
		side->port[c] = pw_filter_add_port(
			side->filter, capture ? PW_DIRECTION_INPUT : PW_DIRECTION_OUTPUT,
			PW_FILTER_PORT_FLAG_MAP_BUFFERS, 1,
			pw_properties_new(PW_KEY_FORMAT_DSP, "32 bit float mono audio",
					  PW_KEY_PORT_NAME, port, NULL),
			NULL, 0);
		if (!side->port[c])
			return -errno;
	}
	return pw_filter_connect(side->filter, PW_FILTER_FLAG_RT_PROCESS, NULL, 0);
}

static void probe_line(void *data, int fd, uint32_t mask)
{
	struct probe *probe = data;
	char text[64];
	ssize_t n = read(fd, text, sizeof(text));

	if (n > 0)
		atomic_store(&probe->go, true);
	else
		pw_main_loop_quit(probe->loop);
}

static void probe_done(void *data, uint64_t count)
{
	struct probe *probe = data;

	pw_main_loop_quit(probe->loop);
}

static int probe_load(struct probe *probe, const char *path)
{
	size_t n = probe->n_frames * probe->channels;
	FILE *file = fopen(path, "rb");

	probe->in = calloc(n, sizeof(float));
	probe->out = calloc(n, sizeof(float));
	if (!file || !probe->in || !probe->out) {
		if (file)
			fclose(file);
		return -errno;
	}
	n = fread(probe->in, sizeof(float), n, file);
	fclose(file);
	return n > 0 ? 0 : -ENODATA;
}

static int probe_report(const struct probe *probe, const char *path)
{
	FILE *file = fopen(path, "wb");
	size_t n = probe->n_frames * probe->channels;
	bool ok = file && fwrite(probe->out, sizeof(float), n, file) == n;

	if (file && fclose(file) != 0)
		ok = false;
	printf("{\"event\":\"done\",\"position\":%llu,\"quanta\":[",
	       (unsigned long long)atomic_load(&probe->start));
	for (uint32_t i = 0; i < probe->n_quanta; i++)
		printf("%s%u", i ? "," : "", probe->quantum[i]);
	printf("],\"gaps\":[");
	for (uint32_t i = 0; i < probe->n_gaps; i++)
		printf("%s[%lld,%lld]", i ? "," : "", (long long)probe->gap[i][0],
		       (long long)probe->gap[i][1]);
	printf("]}\n");
	fflush(stdout);
	return ok && probe->n_quanta ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct probe probe = {0};
	struct pw_context *context;
	struct pw_core *core;
	int code = 1;

	pw_init(&argc, &argv);
	if (argc < 5) {
		fprintf(stderr, "usage: pw_probe CHANNELS FRAMES IN.f32 OUT.f32\n");
		return 2;
	}
	probe.channels = (uint32_t)SPA_CLAMP(atoi(argv[1]), 1, PROBE_CHANNELS_MAX);
	probe.n_frames = strtoull(argv[2], NULL, 10);
	if (probe_load(&probe, argv[3]) < 0) {
		fprintf(stderr, "pw_probe: cannot read %s: %s\n", argv[3], strerror(errno));
		return 2;
	}
	probe.loop = pw_main_loop_new(NULL);
	context = pw_context_new(pw_main_loop_get_loop(probe.loop),
				 pw_properties_new(PW_KEY_CONFIG_NAME,
						   strncmp(pw_get_library_version(), "0.", 2) == 0
							   ? "client-rt.conf"
							   : "client.conf",
						   NULL),
				 0);
	core = context ? pw_context_connect(context, NULL, 0) : NULL;
	if (!core) {
		fprintf(stderr, "pw_probe: no PipeWire: %s\n", strerror(errno));
		return 2;
	}
	probe.done_event = pw_loop_add_event(pw_main_loop_get_loop(probe.loop), probe_done, &probe);
	pw_loop_add_io(pw_main_loop_get_loop(probe.loop), STDIN_FILENO, SPA_IO_IN, false,
		       probe_line, &probe);
	if (probe_side_init(&probe.feed, &probe, core, false) == 0 &&
	    probe_side_init(&probe.capture, &probe, core, true) == 0)
		pw_main_loop_run(probe.loop);
	pw_filter_destroy(probe.feed.filter);
	pw_filter_destroy(probe.capture.filter);
	code = probe_report(&probe, argv[4]);
	pw_core_disconnect(core);
	pw_context_destroy(context);
	pw_main_loop_destroy(probe.loop);
	pw_deinit();
	free(probe.in);
	free(probe.out);
	return code;
}
