/* headfade.h - a delay that jumps without a click: two read heads and a crossfade.
 *
 * WHAT        A new delay does not move the head that sounds: a second head fades in at the new
 *             place while the first fades out. What is wished for meanwhile waits for the end.
 * THREADS     [rt]
 * INVARIANTS  any cut of time gives the same bits. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct headfade {
	uint32_t head[2]; /* frames: the delay that sounds, the one that comes */
	uint32_t frames, done; /* of the fade; 0 frames: only head[0] */
};

/* Once per cell. True while a fade is under way: call again in the next cell. */
static inline bool headfade_wish(struct headfade *fade, uint32_t delay, uint32_t fade_frames,
				 bool jump)
{
	if (jump)
		fade->head[0] = delay;
	if (fade->frames == 0 && delay != fade->head[0]) {
		fade->head[1] = delay;
		fade->frames = fade_frames;
		fade->done = 0;
	}
	return fade->frames > 0;
}

/* SOUND becomes the crossfade from what the old head gives to what the new one gives. */
static inline void headfade_blend(const struct headfade *fade, float *restrict sound,
				  const float *restrict coming, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		float t = (float)(fade->done + i) / (float)fade->frames;
		float rise = t * t * (3.0f - 2.0f * t);

		sound[i] = fade->done + i < fade->frames ? sound[i] + rise * (coming[i] - sound[i])
							 : coming[i];
	}
}

static inline void headfade_advance(struct headfade *fade, uint32_t n)
{
	if (fade->frames == 0)
		return;
	fade->done += n;
	if (fade->done >= fade->frames) {
		fade->head[0] = fade->head[1];
		fade->frames = 0;
	}
}
