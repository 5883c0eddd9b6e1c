/* series.h - what the episodes of a show have sounded like so far, and whether one drifts.
 *
 * WHAT        $XDG_DATA_HOME/mixd/series/NAME.json: per delivered episode its loudness, range, highest
 *             short-term loudness and long-term spectrum in thirds of an octave. A new one is compared
 *             with the mean of the others, after loudness has been matched; then it is remembered.
 * DRIFT       more than SERIES_LOUDNESS_LU in loudness, SERIES_RANGE_LU in range, SERIES_SHORTTERM_LU in
 *             the distance of the loudest three seconds, SERIES_BAND_DB in a third of an octave.
 * FILES       are replaced whole; two jobs of one show wait for one another.
 * THREADS     the job's thread. */
#pragma once

#include "job.h"
#include "measure.h"

#define SERIES_LOUDNESS_LU 1.0
#define SERIES_RANGE_LU 2.0
#define SERIES_SHORTTERM_LU 2.0
#define SERIES_BAND_DB 3.0

/* NAME: letters, digits, - and _. -EINVAL with *err. */
int series_check_name(const char *name, struct mixd_error *err);
/* Compares the delivered file PATH with what is known, warns of drift, and remembers it under TITLE
 * (one of that title is replaced). What was found goes into the result: "series". */
int series_delivered(struct job *job, const char *name, const char *path, const char *title,
		     const struct measure_result *result, struct mixd_error *err);
/* The same without remembering. */
int series_compare(struct job *job, const char *name, const char *path, const char *title,
		   const struct measure_result *result, struct mixd_error *err);
