/* plot_draw.h - the single drawings, for plot_all(). Each returns false when there is nothing to draw;
 * PLOT is untouched then. */
#pragma once

#include "plot_private.h"

#define PLOT_WIDE 960.0f
#define PLOT_NARROW 470.0f

/* plot_time.c: over the programme's time */
bool plot_loudness(struct plot *plot, const struct measure_result *result, const struct spec *spec);
bool plot_peaks(struct plot *plot, const struct measure_result *result, const struct spec *spec);
bool plot_correlation(struct plot *plot, const struct measure_result *result);
/* plot_whole.c: of the whole programme */
bool plot_distribution(struct plot *plot, const struct measure_result *result);
bool plot_spectrum(struct plot *plot, const struct measure_result *result);
bool plot_field(struct plot *plot, const struct measure_result *result);
bool plot_channels(struct plot *plot, const struct measure_result *result,
		   const struct media_info *info);
