/* plot_png.h - what plot_png.c and the module mixd-png.so say to each other. */
#pragma once

#include "plot.h"

/* Draw PLOT, SCALE pixels a point, and hand the PNG file to WRITE piece by piece. -errno. */
typedef int mixd_png_draw_fn(const struct plot *plot, const char *(*colour)(enum plot_ink ink),
			     double scale,
			     int (*write)(void *data, const unsigned char *bytes, unsigned size),
			     void *data);
mixd_png_draw_fn mixd_png_draw;
