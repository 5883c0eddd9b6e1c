/* import.h - equalizers of others as settings of an `eq`: AutoEq's and Equalizer APO's text.
 *
 * SOURCE      the format, and what it means where it is silent, as Equalizer APO has it: shelves by
 *             Q or slope S as in Bristow-Johnson's cookbook; S is 0.9 when neither is given; LS and HS
 *             with a Q or slope are named by their corner, LSC and HSC by the middle of their slope.
 * THREADS     one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define IMPORT_BANDS 32

struct import_band {
	const char *type; /* "bell" */
	const char *channel; /* "stereo" */
	double freq_hz, gain_db, q;
	bool has_gain, has_q;
	unsigned line;
};

struct import_eq {
	double preamp_db;
	struct import_band band[IMPORT_BANDS];
	unsigned n_bands;
};

struct import_fault {
	unsigned line; /* from 1; 0: of no line */
	char text[160], hint[160];
};

/* TEXT is changed. False: *fault says why. */
bool import_parse(char *text, struct import_eq *ret, struct import_fault *fault);
