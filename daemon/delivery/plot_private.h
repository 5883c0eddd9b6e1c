/* plot_private.h - the shapes and axes that the drawings of plot_*.c are made of. */
#pragma once

#include "plot.h"

#define PLOT_LETTERS 12.0f /* height of usual letters */

void plot_init(struct plot *plot, const char *name, float width, float height, const char *title);
/* Each returns the shape, to be changed, or a stand-in without memory. */
struct plot_shape *plot_line(struct plot *plot, enum plot_ink ink, float width, float x0, float y0,
			     float x1, float y1);
/* XY is copied: N pairs. */
struct plot_shape *plot_path(struct plot *plot, enum plot_ink ink, float width, const float *xy,
			     uint32_t n);
struct plot_shape *plot_area(struct plot *plot, enum plot_ink ink, float opacity, const float *xy,
			     uint32_t n);
struct plot_shape *plot_rect(struct plot *plot, enum plot_ink ink, float opacity, float x0,
			     float y0, float x1, float y1);
struct plot_shape *plot_dot(struct plot *plot, enum plot_ink ink, float radius, float x, float y);
__attribute__((format(printf, 6, 7))) struct plot_shape *plot_text(struct plot *plot,
								   enum plot_ink ink,
								   enum plot_anchor anchor, float x,
								   float y, const char *fmt, ...);
/* "■ name" in the corner, right to left; *x moves. */
void plot_legend(struct plot *plot, enum plot_ink ink, float opacity, const char *name, float *x);

struct plot_axes {
	struct plot *plot;
	float left, top, right, bottom; /* of the frame */
	double x0, x1, y0, y1; /* values at left, right, bottom, top */
	bool log_x;
};
float plot_x(const struct plot_axes *axes, double value);
float plot_y(const struct plot_axes *axes, double value); /* kept inside the frame */
/* Frame and lines across at each whole STEP, with numbers; UNIT at the top. */
void plot_grid_y(const struct plot_axes *axes, double step, const char *unit);
/* Lines and times below: seconds from x0 to x1. */
void plot_grid_time(const struct plot_axes *axes);
/* The smallest of 1 2 5 10 20 50 ... (or 0.1 ...) of which SPAN holds at most N. */
double plot_step(double span, uint32_t n);

/* N values over the frame's width, at most one column a point: lowest, highest and mean of each. What
 * is no number leaves a gap; -INFINITY stands at the bottom. */
struct plot_column {
	float x, low, high, mean;
	bool is_gap;
};
struct plot_column *plot_columns(const struct plot_axes *axes, const float *values, uint32_t n,
				 uint32_t *ret_n);
/* The span of each column as areas, one per piece without gaps. */
void plot_columns_area(struct plot *plot, enum plot_ink ink, float opacity,
		       const struct plot_column *columns, uint32_t n);
enum plot_which { PLOT_MEAN, PLOT_HIGH };
void plot_columns_path(struct plot *plot, enum plot_ink ink, float width,
		       const struct plot_column *columns, uint32_t n, enum plot_which which);

/* "-23.0", "not known": for words. Returns BUF. */
const char *plot_figure(double value, int decimals, char buf[24]);
/* "1:02:03", "0.5 s": as the axis of a programme of TOTAL seconds writes it. */
void plot_time(double seconds, double total_s, char *buf, size_t size);
