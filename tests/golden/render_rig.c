/* render_rig.c - see render_rig.h. */
#include "render_rig.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine_modules.h"

static struct graph_types *types;

static void refused(void *data, const char *path, const char *reason)
{
	test_note("%s: %s", path, reason);
}

static const struct graph_types *types_get(void)
{
	static struct engine_modules *modules;
	struct mixd_error err = {0};

	if (types)
		return types;
	setenv("MIXD_NODE_PATH", MIXD_TEST_NODES, 1);
	types = graph_types_new();
	CHECK(engine_modules_load(types, refused, NULL, &modules, &err) == 0, "%s", err.text);
	return types;
}

float noise(uint64_t at, uint32_t channel, uint32_t seed)
{
	uint64_t x = (at * 64 + channel) * 1024 + seed + 1;

	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	x ^= x >> 33;
	return (float)((double)(x >> 11) / 9007199254740992.0 - 0.5);
}

static int64_t tone_read(void *data, float *const *channels, uint32_t n_frames,
			 struct mixd_error *err)
{
	struct tone *tone = data;
	uint32_t n = n_frames > 1234 ? 1234 : n_frames;
	bool is_late = tone->at > tone->n / 2;
	float level = is_late && tone->late_level > 0 ? tone->late_level : tone->level;

	if (tone->n - tone->at < n)
		n = (uint32_t)(tone->n - tone->at);
	if (n == 0 && tone->breaks)
		return error_set(err, ERROR_RESOURCE, "tone", "the tape is torn");
	if (tone->cancels && is_late)
		task_cancel(tone->cancels);
	for (uint32_t c = 0; c < tone->n_channels; c++)
		for (uint32_t i = 0; i < n; i++)
			channels[c][i] = level * noise(tone->at + i, c, tone->seed);
	if (tone->poison >= tone->at && tone->poison < tone->at + n && tone->poison)
		channels[0][tone->poison - tone->at] = NAN;
	tone->at += n;
	return n;
}

static int tape_write(void *data, const float *const *channels, uint32_t n_frames,
		      struct mixd_error *err)
{
	struct tape *tape = data;

	if (tape->fail_after && --tape->fail_after == 0) {
		if (!tape->cancels)
			return error_set(err, ERROR_RESOURCE, "tape", "is full");
		task_cancel(tape->cancels);
	}
	if (tape->n + n_frames > tape->room) {
		tape->room = 2 * tape->room + n_frames;
		for (uint32_t c = 0; c < tape->n_channels; c++)
			tape->channel[c] = realloc(tape->channel[c], tape->room * sizeof(float));
	}
	for (uint32_t c = 0; c < tape->n_channels; c++)
		memcpy(tape->channel[c] + tape->n, channels[c], n_frames * sizeof(float));
	tape->n += n_frames;
	return 0;
}

struct job *job_new(const char *session)
{
	struct job *job = calloc(1, sizeof(*job));

	job->request = (struct render_request){.types = types_get(),
					       .session = session,
					       .session_name = "test.yaml",
					       .n_threads = 1,
					       .input = job->input,
					       .output = job->output};
	return job;
}

struct tone *job_in(struct job *job, const char *node, uint32_t channels, uint64_t frames)
{
	uint32_t i = job->request.n_inputs++;

	job->tone[i] = (struct tone){.n = frames, .n_channels = channels, .seed = i, .level = 0.5f};
	job->source[i] = (struct render_source){tone_read, &job->tone[i], channels};
	job->input[i] = (struct render_input){.node = node, .source = &job->source[i]};
	return &job->tone[i];
}

struct tape *job_out(struct job *job, const char *node, uint32_t channels)
{
	uint32_t i = job->request.n_outputs++;

	job->tape[i].n_channels = channels;
	job->sink[i] = (struct render_sink){tape_write, &job->tape[i]};
	job->output[i] = (struct render_output){.node = node, .sink = &job->sink[i]};
	media_target_init(&job->output[i].target);
	return &job->tape[i];
}

int job_try(struct job *job, struct task *task)
{
	for (uint32_t i = 0; i < job->request.n_inputs; i++)
		job->tone[i].at = 0;
	for (uint32_t i = 0; i < job->request.n_outputs; i++)
		job->tape[i].n = 0;
	memset(&job->err, 0, sizeof(job->err));
	return render_run(&job->request, task, &job->report, &job->err);
}

void job_run(struct job *job)
{
	int r = job_try(job, NULL);

	CHECK(r == 0, "%d: %s: %s (%s)", r, job->err.address, job->err.text, job->err.hint);
}

void job_free(struct job *job)
{
	for (uint32_t i = 0; i < JOB_PORTS; i++)
		for (uint32_t c = 0; c < MEDIA_CHANNELS_MAX; c++)
			free(job->tape[i].channel[c]);
	free(job);
}

void job_refused(struct job *job, int code, const char *address, const char *text)
{
	int r = job_try(job, NULL);

	CHECK(r < 0, "was not refused");
	CHECK(strstr(job->err.text, text), "\"%s\" is not in \"%s\"", text, job->err.text);
	CHECK(strstr(job->err.address, address), "\"%s\" is not in \"%s\"", address,
	      job->err.address);
	CHECK((int)job->err.code == code, "code %d: %s", (int)job->err.code, job->err.text);
}

int64_t tapes_differ(const struct tape *a, const struct tape *b)
{
	if (a->n != b->n)
		return (int64_t)(a->n < b->n ? a->n : b->n);
	for (uint32_t c = 0; c < a->n_channels; c++)
		for (uint64_t i = 0; i < a->n; i++)
			if (memcmp(&a->channel[c][i], &b->channel[c][i], sizeof(float)) != 0)
				return (int64_t)i;
	return -1;
}
