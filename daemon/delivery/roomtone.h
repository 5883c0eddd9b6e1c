/* roomtone.h - the sound of the room without anybody speaking: found in a recording, and put at its ends.
 *
 * WHAT        roomtone_find(): where sound begins and ends, and the quietest stretch of the recording.
 *             roomtone_cut(): what to take away or to add, so that head and tail are as long as a spec
 *             wants them. roomtone_write(): the recording with that done: the room tone is looped with
 *             crossfades, and crossfaded into the recording.
 * SILENCE     as measure.h has it: below -60 dBFS, at the gain the programme will have.
 * THREADS     one at a time per object.
 * NOT HERE    which noise is too much, and what helps: voice_repair.h. */
#pragma once

#include "measure.h"
#include "task.h"

/* The recording, to be read more than once. */
struct roomtone_source {
	int64_t (*read)(void *data, float *const *channels, uint32_t n_frames,
			struct mixd_error *err);
	int (*seek)(void *data, int64_t frame, struct mixd_error *err);
	void *data;
	double rate;
	const struct mixd_layout *layout;
	int64_t n_frames; /* only for progress; -1: not known */
};

struct roomtone {
	double rate;
	uint32_t n_channels;
	int64_t n_frames; /* of the recording */
	int64_t first, end; /* frames of sound; equal: there is none */
	double head_rms, tail_rms; /* as measure_result has them */
	/* The quietest second that is even and no digital silence, or half or a quarter of one. */
	float *tone; /* owned; planar; NULL: there is none */
	uint32_t tone_frames;
	int64_t tone_at; /* frame */
	double tone_dbfs; /* RMS, without the gain */
	bool is_made; /* noise, not a recording */
};

struct roomtone_bounds { /* seconds; -INFINITY, INFINITY: any */
	double head_min_s, head_max_s, tail_min_s, tail_max_s;
};

struct roomtone_cut {
	int64_t from, to; /* of the recording */
	int64_t head, tail; /* frames of room tone before and behind it */
};

/* GAIN_DB: how much louder the recording will be. Reads SOURCE from frame 0 to its end. */
int roomtone_find(const struct roomtone_source *source, double gain_db, struct task *task,
		  struct roomtone *ret, struct mixd_error *err);
/* When there is no room tone that counts as silence at GAIN_DB, low noise is made. -ENOMEM. */
int roomtone_settle(struct roomtone *tone, double gain_db, struct mixd_error *err);
/* Whether anything is to be done; *ret says what. */
bool roomtone_cut(const struct roomtone *tone, const struct roomtone_bounds *bounds,
		  struct roomtone_cut *ret);
/* All of it to WRITE. */
int roomtone_write(const struct roomtone_source *source, const struct roomtone *tone,
		   const struct roomtone_cut *cut,
		   int (*write)(void *data, const float *const *channels, uint32_t n_frames,
				struct mixd_error *err),
		   void *data, struct task *task, struct mixd_error *err);
/* Share of the room tone's power that is hum of the mains, 0..1; *ret_hz: 50 or 60. */
double roomtone_hum(const struct roomtone *tone, double *ret_hz);
void roomtone_done(struct roomtone *tone);
