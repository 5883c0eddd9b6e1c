/* glide.h - params without values between (bools, enums), on their way from one to another.
 *
 * WHAT        A switch is a part of 0..1 that moves at one speed, GLIDE_S for the whole way unless a
 *             node says otherwise; glide_smooth() takes its corners off. glide_ramp() does the same
 *             with a ramp, which goes on from where it is when an event cuts a cell short.
 * USE         update(): move the part, return true while it is not where it was.
 * THREADS     [rt]
 * NOT HERE    values that the engine ramps: ramp.h; lines for loops of dynamics: dynglide.h; delays:
 *             headfade.h. */
#pragma once

#include <math.h>
#include <stdbool.h>

#include <mixd/node.h>

#include "ramp.h"

#define GLIDE_S 0.02

/* What a part of 0..1 moves per cell. */
static inline double glide_step(double seconds, const struct mixd_update *update, double rate)
{
	return update->jump ? 1.0 : update->cell_frames / (seconds * rate);
}

static inline double glide_toward(double at, double to, double step)
{
	return at < to ? fmin(at + step, to) : fmax(at - step, to);
}

/* How much of a switch is in, one cell later. */
static inline double glide_switch(double part, bool on, const struct mixd_update *update,
				  double rate)
{
	return glide_toward(part, on ? 1.0 : 0.0, glide_step(GLIDE_S, update, rate));
}

static inline double glide_smooth(double part)
{
	return part * part * (3.0 - 2.0 * part);
}

/* RAMP goes on to TO, a whole 1 in SECONDS, or is there at once. True while it moves. */
static inline bool glide_ramp(struct dsp_ramp *ramp, double to, double seconds,
			      const struct mixd_update *update, double rate)
{
	double at = update->jump ? to : dsp_ramp_value(ramp, 0);

	dsp_ramp_set(ramp, at, glide_toward(at, to, glide_step(seconds, update, rate)),
		     update->cell_frames);
	return at != to;
}
