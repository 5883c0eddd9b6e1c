/* render_rig.h - a render over code in place of files: tones go in, tapes keep what comes out. */
#pragma once

#include "render.h"
#include "test.h"

#define RATE 48000u
#define JOB_PORTS 20u

struct tone { /* noise for n frames, in pieces of odd sizes */
	uint64_t at, n;
	uint32_t n_channels, seed;
	float level;
	float late_level; /* instead of it, in the second half; 0: the same */
	uint64_t poison; /* frame that is not a number; 0: none */
	bool breaks; /* fails at its end */
	struct task *cancels; /* cancelled in the middle */
};

struct tape {
	float *channel[MEDIA_CHANNELS_MAX];
	uint32_t n_channels;
	uint64_t n, room;
	int fail_after; /* blocks; 0: never */
	struct task *cancels; /* ... instead of failing */
};

struct job { /* a request with tones and tapes */
	struct render_request request;
	struct render_input input[JOB_PORTS];
	struct render_output output[JOB_PORTS];
	struct tone tone[JOB_PORTS];
	struct tape tape[JOB_PORTS];
	struct render_source source[JOB_PORTS];
	struct render_sink sink[JOB_PORTS];
	struct render_report report;
	struct mixd_error err;
};

/* Noise that is a function of place, channel and seed, below 0.5. */
float noise(uint64_t at, uint32_t channel, uint32_t seed);

/* SESSION in one thread, with no inputs and outputs; job_free(). */
struct job *job_new(const char *session);
void job_free(struct job *job);
/* One more, at NODE (NULL: the only one). Noise at 0.5. */
struct tone *job_in(struct job *job, const char *node, uint32_t channels, uint64_t frames);
struct tape *job_out(struct job *job, const char *node, uint32_t channels);
/* From the start: what render_run() says; must work; must be refused. */
int job_try(struct job *job, struct task *task);
void job_run(struct job *job);
void job_refused(struct job *job, int code, const char *address, const char *text);

/* The first frame at which two tapes differ; -1: none. */
int64_t tapes_differ(const struct tape *a, const struct tape *b);
