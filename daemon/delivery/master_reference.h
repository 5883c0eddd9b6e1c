/* master_reference.h - the colour, width and loudness of a recording that is to be matched.
 *
 * WHAT        Both recordings are read once: long-term spectra (nodes/dsp/ltas), the share of the side
 *             signal, loudness. From the differences a chain is made: matcheq and width.
 * SOURCE      Ma, Reiss, Black, AES 134, 2013 (spectra as targets); see nodes/matcheq.
 * THREADS     the job's. */
#pragma once

#include "ltas.h"
#include "master.h"

struct master_colour {
	double db[LTAS_BANDS]; /* long-term spectrum */
	double counted_s;
	double side; /* rms of side / rms of mid; NAN: not stereo */
};

struct master_reference {
	char *path; /* NULL: none was named */
	const char *name;
	double strength; /* percent */
	double target_lufs; /* of the reference; NAN: none, or a spec says it */
	double width_percent;
	struct master_colour reference, input;
};

/* By --reference; REQUEST: input and name. */
int master_reference_open(struct job *job, const struct master_request *request,
			  struct master_reference *ret, struct mixd_error *err);
/* The chain that matches: *ret malloc'd. */
int master_reference_chain(const struct master_reference *reference, char **ret,
			   struct mixd_error *err);
void master_reference_done(struct master_reference *reference);
