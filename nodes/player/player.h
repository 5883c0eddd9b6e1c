/* player.h - what the parts of the player share.
 *
 * WHAT        The disk side renders the time line, all clips mixed, in the order in which it will be
 *             heard (loops unrolled) into a ring; the audio thread copies out of it. Offline the disk
 *             side is called inline, so both give the same bits.
 * THREADS     `pending` says whose `job`, ring indexes and streams are: 0: the audio thread's; 1: the
 *             disk's, which hands them back when its job is done.
 * INVARIANTS  P1 while `served`, and after `wait` frames of silence, the ring's frame `taken` is what is
 *                to be heard at `next`.
 *             P2 `filled` - `taken` <= PLAYER ring frames; what lies between is never written. */
#pragma once

#include <stdatomic.h>

#include <mixd/node.h>

#include "cliplist.h"
#include "ramp.h"

#define PLAYER_CHUNK 4096u /* frames rendered at a time, at most */
#define PLAYER_CHUNK_OFFLINE 1024u /* many players at once stay in the cache */
#define PLAYER_CHUNKS_MAX 4u /* of one job: twice the longest block of a clock */
#define PLAYER_RING_S 2.0 /* read ahead, live; rounded up to a power of two */
#define PLAYER_READY_S 0.1 /* enough to begin with */
#define PLAYER_LEAD_S 0.15 /* a new instance joins a rolling transport that far ahead */
#define PLAYER_FADE_S 0.005 /* against clicks where a person stops, or starts in the middle */
#define PLAYER_AGAIN_S 1.0 /* of sound, then a file that failed is tried again */
#define PLAYER_STREAMS_MAX 32u /* files open at a time */

enum player_trouble { PLAYER_WELL, PLAYER_FILE, PLAYER_TROUBLE_COUNT_ };

/* One clip in frames of the time line. */
struct player_clip {
	/* --- immutable after activate --- */
	uint64_t at, end; /* UINT64_MAX: without end */
	uint64_t piece; /* frames of one pass */
	uint64_t offset; /* of the piece, in frames of the stream */
	uint64_t fade_in, fade_out;
	enum clip_curve curve_in, curve_out;
	double gain, speed;
	const char *file; /* borrowed from the list */
	bool reverse;
	const struct mixd_layout *layout; /* of the file */
	uint32_t number; /* in the list, 1.. */
	/* --- disk --- */
	struct mixd_stream *stream; /* or NULL: not open */
	bool failed;
	uint64_t again; /* it is tried again when so much is rendered */
};

/* What is to be rendered next, and in which order. */
struct player_job {
	uint64_t position; /* on the time line */
	bool loop;
	uint64_t loop_start, loop_end;
	uint32_t n_chunks; /* for which there is room */
	uint64_t begin; /* where this run began: clips that sound there already ... */
	uint32_t fade, faded; /* ... fade in over `fade` frames, of which so many are done */
};

struct player {
	/* --- immutable after activate --- */
	const struct mixd_host *host;
	struct cliplist list;
	struct player_clip *clip; /* by `at` */
	uint32_t n_clips;
	const struct mixd_layout *layout;
	uint32_t n_channels, ring_frames; /* a power of two */
	uint32_t chunk; /* frames rendered at a time */
	double rate;
	uint64_t length; /* end of the last clip; UINT64_MAX: none */
	uint32_t lead_frames, ready_frames, fade_frames;
	bool always, repeat;
	float *memory;
	float *ring[MIXD_CHANNELS_MAX];
	float *tail[MIXD_CHANNELS_MAX]; /* fade_frames: what is under way when a person stops it */
	float *mixed[MIXD_CHANNELS_MAX]; /* PLAYER_CHUNK, of the disk */
	float *source[MIXD_CHANNELS_MAX]; /* the same, of a file */
	double *envelope; /* PLAYER_CHUNK */
	/* --- disk --- */
	uint64_t rendered; /* frames */
	/* --- rt --- */
	struct dsp_ramp gain;
	bool served, playing;
	bool reorder; /* the loop is another one than that of the job */
	uint64_t next, wait, taken;
	uint32_t lead; /* grows while the disk is late */
	uint64_t own; /* position, when it is its own transport */
	uint32_t tail_done, tail_frames;
	uint32_t current; /* clip that began last */
	uint64_t underruns;
	enum player_trouble told;
	/* --- of the audio thread, or of the disk --- */
	struct player_job job;
	/* --- shared: atomic --- */
	_Atomic uint32_t pending;
	_Atomic bool give_up; /* the job under way is not wanted any more */
	_Atomic uint64_t filled;
	_Atomic uint8_t trouble;
};

/* Where the play order is after N frames from POSITION. */
static inline uint64_t player_after(const struct player_job *job, uint64_t position, uint64_t n)
{
	if (!job->loop || position >= job->loop_end || n < job->loop_end - position)
		return position + n;
	n -= job->loop_end - position;
	return job->loop_start + n % (job->loop_end - job->loop_start);
}

extern const struct mixd_config_row player_configs[];
enum { PLAYER_CONFIG_CLIPS, PLAYER_CONFIG_START, PLAYER_CONFIG_REPEAT, PLAYER_CONFIG_COUNT_ };

int player_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		 struct mixd_fault *fault);
int player_activate(struct mixd_inst *inst, struct mixd_fault *fault);
void player_deactivate(struct mixd_inst *inst);
void player_disk(struct mixd_inst *inst, uint32_t job);
