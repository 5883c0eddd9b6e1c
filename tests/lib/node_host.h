/* node_host.h - drives one node type in a test, as the engine would.
 *
 * WHAT        Opens a module, makes an instance or a bank of equal instances, moves params along
 *             their ramps (smoothstep over smooth_ms in the row's domain, cells at absolute
 *             multiples of MIXD_CELL), cuts time into slices (absolute multiples of
 *             MIXD_SLICE_MAX) and calls the node under the rtcheck fence with denormals flushed.
 *             Output buffers are filled with NaN before each call, so a node that forgets a frame
 *             (N1) is seen.
 * USE         struct node_host *host = node_host_open("gain", &(struct node_host_setup){0});
 *             node_host_set(host, 0, "gain", -6);
 *             node_host_process(host, in, out, n_frames);   (any n_frames, any number of times)
 *             node_host_free(host);
 *             What goes wrong while opening, and an unknown name, fails the test.
 * CHANNELS    in[] and out[] of node_host_process() hold, instance after instance, the channels of
 *             all ports; for a boundary type the clock's channels take the place of the missing
 *             port. A NULL pointer in in[] is silence, in out[] is not wanted.
 * NOT HERE    links, bypass, mute, guard, delay compensation: those are the engine's. */
#pragma once

#include <mixd/node.h>

struct node_host;

struct node_host_config {
	const char *id; /* a config row; or "layout", which node_host_setup.layout serves better */
	double number;
	const char *text; /* for MIXD_TYPE_STRING */
};

struct node_host_setup {
	double rate; /* 0: 48000 */
	const char *layout; /* main ports: "mono" "stereo" "5.1" "7.1.4" "12ch" ...; NULL: stereo */
	const char *in_layout; /* main input where it differs; NULL: layout */
	const char *follow_layout; /* ports that follow their link; NULL: layout */
	const struct node_host_config *configs; /* what differs from the defaults; id NULL ends */
	uint32_t n_inst; /* 0: 1; n_inst * channels above 8 only with n_inst 1 */
	bool in_place; /* share buffers where the type allows it */
	bool only_main_linked; /* in_linked = 1: key inputs unlinked */
	uint64_t seed; /* 0: 1 */
	/* As in a daemon: await() never waits, jobs are kept for node_host_work(), and each call of
	 * node_host_process() is one block of the clock. Else as in a render. */
	bool live;
};

/* The text of config ID as the node has captured it. */
void node_host_capture(struct node_host *host, uint32_t inst, const char *id, char *ret_text,
		       size_t size);
/* The descriptor ID of module FILE_ID ("eq" -> node-eq.so, "lv2:..." -> node-lv2.so) below the build's nodes folder, or of
 * $MIXD_NODE_PATH. NULL when there is none; *ret_why then says why. Never unloaded. */
const struct mixd_node_type *node_host_type(const char *id, const char **ret_why);
/* All types built, sorted by id; NULL-terminated, immutable. */
const struct mixd_node_type *const *node_host_types(void);

/* Fails the test when the module is missing or refuses. */
struct node_host *node_host_open(const char *id, const struct node_host_setup *setup);
struct node_host *node_host_new(const struct mixd_node_type *type,
				const struct node_host_setup *setup);
/* NULL with *fault filled when the type refuses the setup. */
struct node_host *node_host_try(const struct mixd_node_type *type,
				const struct node_host_setup *setup, struct mixd_fault *fault);
struct node_host *node_host_free(struct node_host *host);

/* VALUE in declared units (dB, Hz ...), reached along the row's ramp from the next frame on. */
void node_host_set(struct node_host *host, uint32_t inst, const char *id, double value);
/* The same over MS milliseconds. */
void node_host_ramp(struct node_host *host, uint32_t inst, const char *id, double value, double ms);
/* At once, as if it had been there when the instance was activated (update with jump). */
void node_host_jump(struct node_host *host, uint32_t inst, const char *id, double value);
/* By index among the expanded rows. */
void node_host_set_row(struct node_host *host, uint32_t inst, uint32_t idx, double value,
		       double ms);
/* True while a ramp or a glide of the node's own is under way. */
bool node_host_moving(const struct node_host *host);

/* Advance by N_FRAMES. */
void node_host_process(struct node_host *host, const float *const *in, float *const *out,
		       uint64_t n_frames);
/* LIVE: do the jobs that were submitted, as the worker would; returns how many. */
uint32_t node_host_work(struct node_host *host);
/* type->reset() of all instances, then update() with jump. */
void node_host_reset(struct node_host *host);

/* The newest value of a meter; "peak2" is channel 2 of a per_channel row,
 * "bin17" value 17 of a row with a count. */
double node_host_meter(const struct node_host *host, uint32_t inst, const char *id);
/* Words of the first lane of INST, stride node_host_lane_width(). NULL when not laned. */
double *node_host_lane_state(struct node_host *host, uint32_t inst);
uint32_t node_host_lane_width(const struct node_host *host);
uint32_t node_host_latency(const struct node_host *host);
uint64_t node_host_tail(const struct node_host *host);
uint64_t node_host_position(const struct node_host *host);
/* A new host whose time begins at a whole slice. */
void node_host_begin_at(struct node_host *host, uint64_t position);
uint32_t node_host_in_channels(const struct node_host *host); /* per instance, all ports */
uint32_t node_host_out_channels(const struct node_host *host);
const struct mixd_node_type *node_host_node_type(const struct node_host *host);
/* Events the node raised so far; the last one's code and value. */
uint64_t node_host_events(const struct node_host *host, uint32_t *ret_code, double *ret_value);
/* Nanoseconds spent inside update() and process() so far; for benches. */
uint64_t node_host_ns(const struct node_host *host);

/* Expanded params of a type: count, name, row, default. */
uint32_t node_host_n_params(const struct mixd_node_type *type);
const struct mixd_param_row *node_host_param(const struct mixd_node_type *type, uint32_t idx,
					     char id[64], double *ret_def);
