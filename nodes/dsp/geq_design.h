/* geq_design.h - the 31 bells of a graphic equalizer whose curve is the one that is drawn.
 *
 * WHAT        Bells a third of an octave apart overlap: what a slider sets is not what its bell must
 *             make. All bells have such a width that they are at a fixed part of their own gain (in
 *             dB) at the next centre, so that shapes scale with gain and the overlap is almost
 *             linear: the bells' gains come from the wanted ones by the inverse of a matrix, and one
 *             or two steps of Newton's method with the same matrix take the rest away.
 * THREADS     geq_prepare() [main]; the rest [rt], no allocation, bounded: one step is about 10 us.
 * INVARIANTS  G1 geq_solve() depends on its target alone, not on what was before.
 * NOT HERE    running the sections: eq_bank.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "svf.h"

#define GEQ_BANDS 31u
#define GEQ_ROOM 32u /* arrays are a whole number of vectors */

struct geq_tables {
	uint32_t n; /* bands that the rate has room for */
	double rate;
	double freq_hz[GEQ_ROOM];
	double tangent2[GEQ_ROOM]; /* tan^2 (pi f / rate) */
	double inverse[GEQ_BANDS][GEQ_ROOM]; /* dB of bell b per dB wanted at centre i: [i][b] */
};

/* Centre of band IDX, exact (ISO 266): 1 kHz times 10^(k/10). */
double geq_freq_hz(uint32_t idx);
void geq_prepare(struct geq_tables *tables, double rate);
/* The bells' gains for TARGET_DB. */
void geq_solve(const struct geq_tables *tables, const double *target_db, double *ret_bell_db);
/* One step from BELL_DB on; where the target moves little, that suffices. */
void geq_step(const struct geq_tables *tables, const double *target_db, double *bell_db);
/* The sections of bells; beyond tables->n the identity. */
void geq_sections(const struct geq_tables *tables, const double *bell_db,
		  struct svf_section ret[GEQ_BANDS]);
