/* recorder.h - what the parts of the recorder share.
 *
 * WHAT        The audio thread writes all that it hears into a ring, which is the pre-roll, and says
 *             from where to where it is wanted (a take). The disk side brings takes to files.
 * THREADS     `pending` says whose the files are: 0: nobody's, 1: the disk's, whose job is under way.
 *             Frames are counted from activation: 64 bits never end.
 * INVARIANTS  R1 [kept, heard) is in the ring and stays as it is while a take is open or waits.
 *             R2 takes are written in the order in which they were begun. */
#pragma once

#include <stdatomic.h>

#include <mixd/node.h>

#define RECORDER_AHEAD_S 6.0 /* a disk may be that late */
#define RECORDER_CHUNK 8192u /* frames written at a time */
#define RECORDER_TAKES 16u /* begun and not yet written */
#define RECORDER_PATH_MAX 1024u
#define RECORDER_NUMBER_MAX 9999u
#define RECORDER_AGAIN_S 5.0 /* of sound not written: then it is tried again */

enum recorder_trouble {
	RECORDER_WELL,
	RECORDER_LATE,
	RECORDER_FULL,
	RECORDER_FAILED,
	RECORDER_TROUBLE_COUNT_
};

struct recorder_take {
	uint64_t begin;
	_Atomic uint64_t end; /* UINT64_MAX: still open */
	int64_t clock_ns; /* of `begin`, since 1970 */
	bool on_line; /* begun while the transport rolled ... */
	uint64_t line; /* ... there */
	char marker[MIXD_MARKER_NAME_MAX + 1]; /* the last one when it was begun; or "" */
};

struct recorder {
	/* --- immutable after activate --- */
	const struct mixd_host *host;
	const struct mixd_layout *layout;
	uint32_t n_channels, ring_frames; /* a power of two */
	double rate;
	uint32_t pre_frames;
	uint64_t split_frames; /* UINT64_MAX: one file */
	bool with_transport, split_marker;
	const char *pattern; /* the config's */
	uint32_t bits;
	float *memory, *chunk;
	float *ring[MIXD_CHANNELS_MAX];
	/* --- rt --- */
	bool recording, split;
	uint64_t lost;
	enum recorder_trouble told;
	/* --- disk --- */
	struct mixd_record *file; /* or NULL */
	uint64_t file_frames;
	uint32_t number;
	bool give_up; /* it failed: what comes is not written ... */
	uint64_t again; /* ... until there */
	/* --- shared: atomic --- */
	struct recorder_take take[RECORDER_TAKES];
	_Atomic uint64_t heard; /* frames, by rt */
	_Atomic uint64_t kept; /* frames before are not needed; by the disk while takes wait */
	_Atomic uint32_t n_begun, n_done; /* takes */
	_Atomic uint32_t pending;
	_Atomic uint32_t n_files;
	_Atomic uint64_t unwritten; /* frames, by the disk */
	_Atomic uint8_t trouble;
};

extern const struct mixd_config_row recorder_configs[];
enum {
	RECORDER_CONFIG_FILE,
	RECORDER_CONFIG_FORMAT,
	RECORDER_CONFIG_BITS,
	RECORDER_CONFIG_PRE_ROLL,
	RECORDER_CONFIG_SPLIT_TIME,
	RECORDER_CONFIG_SPLIT_SIZE,
	RECORDER_CONFIG_SPLIT_MARKER,
	RECORDER_CONFIG_WITH,
	RECORDER_CONFIG_COUNT_
};

int recorder_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		   struct mixd_fault *fault);
int recorder_activate(struct mixd_inst *inst, struct mixd_fault *fault);
void recorder_deactivate(struct mixd_inst *inst);
void recorder_disk(struct mixd_inst *inst, uint32_t job);
