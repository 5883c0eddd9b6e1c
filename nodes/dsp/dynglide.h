/* dynglide.h - values of dynamics nodes on their way across a cell.
 *
 * WHAT        A dyn_glide is a dyn_line that goes on from where it is: where the last cell ended or,
 *             when an event cut that cell short, where it stood then.
 * USE         update(): dyn_glide_to() for each, then dyn_cell_begin(); process(): read .now with
 *             frame index cell.done, then dyn_cell_advance().
 * THREADS     [rt] */
#pragma once

#include <math.h>

#include "dynamics.h"
#include "glide.h"

struct dyn_cell {
	uint32_t frames, done;
};

struct dyn_glide {
	struct dyn_line now;
	float end; /* of the cell */
};

/* True while it moves. */
static inline bool dyn_glide_to(struct dyn_glide *glide, const struct dyn_cell *cell, double to,
				const struct mixd_update *update)
{
	float at = glide->end;

	if (cell->done < cell->frames)
		at = glide->now.at + glide->now.step * (float)(int32_t)cell->done;
	glide->end = (float)to;
	glide->now.at = update->jump ? glide->end : at;
	glide->now.step = (glide->end - glide->now.at) / (float)update->cell_frames;
	return glide->now.step != 0.0f;
}

static inline void dyn_cell_begin(struct dyn_cell *cell, const struct mixd_update *update)
{
	cell->frames = update->cell_frames;
	cell->done = 0;
}

static inline void dyn_cell_advance(struct dyn_cell *cell, uint32_t n)
{
	if (cell->done < cell->frames)
		cell->done += n;
}

static inline bool dyn_line_rests_at(const struct dyn_line *line, float value)
{
	return line->at == value && line->step == 0.0f;
}

/* What a one-pole keeps per frame. */
static inline double dyn_keep(double time_s, double rate)
{
	return exp(-1.0 / (time_s * rate));
}

/* A ratio of MAX or more counts as infinite. */
static inline double dyn_slope(double ratio, double max)
{
	return ratio >= max ? 1.0 : 1.0 - 1.0 / ratio;
}
