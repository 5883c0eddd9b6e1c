/* plot.h - drawings of measured programmes, as lists of shapes.
 *
 * WHAT        plot_all() draws what a result has figures for: loudness, peaks, distribution, spectrum,
 *             correlation, channels. A plot is a list of lines, areas, dots and texts in named inks;
 *             plot_svg() writes it as SVG, plot_png() as a picture (by a module of its own that needs
 *             cairo: the daemon itself does not).
 * UNITS       points, origin at the left top, y downward.
 * THREADS     one at a time per object.
 * NOT HERE    the page around them: report.h. */
#pragma once

#include <stdio.h>

#include "measure.h"
#include "spec.h"

enum plot_ink {
	PLOT_INK_TEXT,
	PLOT_INK_MUTED,
	PLOT_INK_GRID,
	PLOT_INK_SHORT, /* short-term loudness */
	PLOT_INK_MOMENT, /* momentary loudness */
	PLOT_INK_WHOLE, /* of the whole programme */
	PLOT_INK_TARGET,
	PLOT_INK_PEAK,
	PLOT_INK_BAD,
	PLOT_INK_PAPER,
	PLOT_INK_COUNT_,
};
enum plot_kind { PLOT_LINE, PLOT_AREA, PLOT_DOT, PLOT_TEXT };
enum plot_anchor { PLOT_START, PLOT_MIDDLE, PLOT_END };

struct plot_shape {
	enum plot_kind kind;
	enum plot_ink ink;
	enum plot_anchor anchor;
	bool is_dashed, is_bold;
	float opacity;
	float size; /* width of a line, radius of a dot, height of letters */
	float *xy; /* owned: n pairs */
	uint32_t n;
	char *text; /* owned */
};

struct plot {
	const char *name; /* "loudness": part of file names */
	char title[96];
	char alt[200]; /* the same in words, for who cannot see it */
	float width, height;
	bool is_wide; /* over the whole page */
	struct plot_shape *shapes; /* owned */
	uint32_t n_shapes, space;
	bool has_failed; /* out of memory: shapes are missing */
};

#define PLOTS_MAX 8u
struct plots {
	struct plot plot[PLOTS_MAX];
	uint32_t n;
};

/* Everything that RESULT has figures for. SPEC (may be NULL): whose bands and ceilings are shown.
 * -ENOMEM. */
int plot_all(const struct measure_result *result, const struct media_info *info,
	     const struct spec *spec, struct plots *ret);
void plots_done(struct plots *plots);

/* INLINE: inside a page that has plot_css(), and follows its light or dark; else a document of its
 * own. */
void plot_svg(const struct plot *plot, bool is_inline, FILE *file);
void plot_css(FILE *file);
/* TEXT as character data or an attribute; what no XML may hold becomes U+FFFD. */
void plot_escape(const char *text, FILE *file);
/* SCALE pixels a point. *ret: malloc'd. -ENOENT with *err: the module is not there. */
int plot_png(const struct plot *plot, double scale, void **ret, size_t *ret_size,
	     struct mixd_error *err);
/* "#1f5fa8". */
const char *plot_ink_colour(enum plot_ink ink);
