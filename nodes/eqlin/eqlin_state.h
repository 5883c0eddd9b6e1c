/* eqlin_state.h - what eqlin.c and eqlin_setup.c share. */
#pragma once

#include <string.h>

#include "../eq/eq_tables.h"

#include "firdesign.h"
#include "firswap.h"
#include "ramp.h"

#define EQLIN_ROWS (EQ_BANDS * EQ_ROW_COUNT)

enum { EQLIN_CONFIG_PHASE, EQLIN_CONFIG_LENGTH };
enum { EQLIN_PHASE_LINEAR, EQLIN_PHASE_MINIMUM };

/* Which filter of the convolution is what: from input to output. */
enum {
	EQLIN_FILTER_LEFT, /* and mono */
	EQLIN_FILTER_RIGHT,
	EQLIN_FILTER_RIGHT_TO_LEFT,
	EQLIN_FILTER_LEFT_TO_RIGHT,
	EQLIN_FILTER_REST, /* the third channel and all further ones */
	EQLIN_FILTERS
};
/* Bands that work at one place together. */
enum {
	EQLIN_PLACE_LEFT,
	EQLIN_PLACE_RIGHT,
	EQLIN_PLACE_MID,
	EQLIN_PLACE_SIDE,
	EQLIN_PLACE_REST,
	EQLIN_PLACES
};

/* What a design is made from: the rows of all bands, and whether to make up. */
struct eqlin_curve {
	double row[EQLIN_ROWS];
	double auto_gain;
};

/* Where a design is made. */
struct eqlin_desk {
	struct firdesign design;
	double rate;
	uint32_t n_channels;
	bool minimum;
	float *re[EQLIN_PLACES], *im[EQLIN_PLACES]; /* n_bins: the spectrum of each place */
	float *taps;
	void *memory;
};

struct eqlin_state {
	/* --- immutable after init --- */
	struct partconv *conv;
	uint32_t n_channels;
	/* --- worker --- */
	struct eqlin_desk desk;
	/* --- rt; ordered.. is the worker's while the swap is DESIGNING --- */
	struct eqlin_curve wanted, ordered;
	double makeup_db[2]; /* of each bank; a bank's own while it is designed */
	uint32_t order_bank;
	struct dsp_ramp gain;
	struct firswap swap;
};

uint32_t eqlin_taps(const struct mixd_setup *setup);
int eqlin_activate(struct mixd_inst *inst, struct mixd_fault *fault);
void eqlin_deactivate(struct mixd_inst *inst);
void eqlin_response(const struct mixd_response *query, double *ret_db);

/* CURVE becomes the filters of BANK. [main] and [worker] */
void eqlin_design_bank(struct eqlin_state *state, const struct eqlin_curve *curve, uint32_t bank);
/* The rows of PARAMS that a design is made from. [any] */
static inline void eqlin_curve_read(const double *params, struct eqlin_curve *ret)
{
	memcpy(ret->row, params + EQ_PARAM_BANDS, sizeof(ret->row));
	ret->auto_gain = params[EQ_PARAM_AUTO_GAIN];
}
