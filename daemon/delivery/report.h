/* report.h - measured files as a page for people: one self-contained HTML file, and plots.
 *
 * WHAT        report_write(): header, big figures, verdicts, plots (inline SVG), lists of faults; many
 *             files on one page begin with a table. No script, no foreign address; prints well, and
 *             follows the reader's light or dark.
 *             report_plots(): each plot as .svg and .png beside one another.
 * NEEDS       results measured with MEASURE_ALL show everything; a plot whose figures were not
 *             measured is left out.
 * THREADS     one at a time per object; all pointers are borrowed.
 * NOT HERE    what is drawn: plot.h; the verdicts: spec.h. */
#pragma once

#include "measure.h"
#include "spec.h"

/* A verdict on a file: one spec. */
struct report_verdict {
	const struct spec *spec;
	const struct spec_verdict *verdict; /* spec->n_clauses */
	bool is_met;
};

struct report_item {
	const char *path; /* as it was called; shown whole in the facts, its last part as heading */
	const struct media_info *info; /* may be NULL */
	const struct measure_result *result; /* NULL: it could not be read */
	const char *error; /* why not; NULL */
	const struct report_verdict *verdicts; /* may be NULL */
	uint32_t n_verdicts;
};

struct report {
	const char *title; /* NULL: made from the items */
	const struct report_item *items;
	uint32_t n_items;
	const struct report_item *album; /* the pooled result, or NULL; path: its name */
};

/* Appears whole or not at all. -errno with *err. */
int report_write(const char *path, const struct report *report, struct mixd_error *err);
/* FOLDER is made when it is missing. Files are called ITEM.PLOT.svg and .png (ITEM: the last part of
 * its path, with a number when two are called alike). *ret_n (may be NULL): files written. */
int report_plots(const char *folder, const struct report *report, uint32_t *ret_n,
		 struct mixd_error *err);
