/* matcheq_state.h - what matcheq.c and matcheq_setup.c share. */
#pragma once

#include <mixd/node.h>

#include "firdesign.h"
#include "firswap.h"
#include "ltas.h"

enum {
	MATCHEQ_PARAM_LEARN,
	MATCHEQ_PARAM_STRENGTH,
	MATCHEQ_PARAM_SMOOTHING,
	MATCHEQ_PARAM_MAX_BOOST,
	MATCHEQ_PARAM_MAX_CUT,
	MATCHEQ_PARAM_LOW,
	MATCHEQ_PARAM_HIGH,
	MATCHEQ_PARAMS
};
enum {
	MATCHEQ_CONFIG_FILE,
	MATCHEQ_CONFIG_REFERENCE,
	MATCHEQ_CONFIG_SOURCE,
	MATCHEQ_CONFIG_PHASE,
	MATCHEQ_CONFIG_LENGTH,
};
enum { MATCHEQ_METER_MATCHED, MATCHEQ_METER_LEARNT, MATCHEQ_METER_HIGHEST, MATCHEQ_METER_LOWEST };
enum { MATCHEQ_LEARN_OFF, MATCHEQ_LEARN_SOURCE, MATCHEQ_LEARN_REFERENCE };
enum { MATCHEQ_PHASE_LINEAR, MATCHEQ_PHASE_MINIMUM };
/* Jobs: a frame of learning is MATCHEQ_JOB_FRAME + its number. */
enum { MATCHEQ_JOB_DESIGN, MATCHEQ_JOB_BEGIN, MATCHEQ_JOB_END, MATCHEQ_JOB_FRAME };
/* Events of its own: learning ended, and nothing was loud enough. */
#define MATCHEQ_EVENT_NOTHING 1u

/* Two spectra and whether they are there. */
struct matcheq_spectra {
	double reference[LTAS_BANDS], source[LTAS_BANDS];
	bool has_reference, has_source;
};

struct matcheq_desk {
	struct firdesign design;
	double rate;
	bool minimum;
	float *re, *im; /* n_bins */
	float *taps;
	void *memory;
};

struct matcheq_state {
	/* --- immutable after init --- */
	struct partconv *conv;
	struct matcheq_spectra spectra;
	uint32_t n_channels, ring_frames;
	/* --- worker --- */
	struct matcheq_desk desk;
	struct ltas ltas;
	/* --- rt; ordered is the worker's while the swap is DESIGNING --- */
	double wanted[MATCHEQ_PARAMS], ordered[MATCHEQ_PARAMS];
	double highest_db[2], lowest_db[2]; /* of each bank; a bank's own while it is designed */
	uint32_t order_bank;
	struct firswap swap;
	float *ring; /* of each channel, while learning: matcheq_ring() */
	uint32_t learning; /* MATCHEQ_LEARN_.. */
	uint64_t heard; /* frames in the ring */
	bool ending; /* the last job could not be ordered yet */
	/* --- shared: atomic --- */
	_Atomic uint64_t heard_shared; /* so that a late job does not read what is written over */
	_Atomic uint32_t outcome; /* 0; else 1 + config row, or MATCHEQ_NOTHING: for rt to tell */
	_Atomic double learnt_s;
	/* --- worker, then main: stands still until the next capture --- */
	char text[2][LTAS_TEXT_MAX]; /* reference, source */
	uint32_t text_config;
};

#define MATCHEQ_NOTHING UINT32_MAX

/* ring_frames, and the first half frame once more behind them: no frame is cut. */
static inline float *matcheq_ring(const struct matcheq_state *state, uint32_t channel)
{
	return state->ring + (size_t)channel * (state->ring_frames + state->ltas.n_frames / 2);
}

uint32_t matcheq_taps(const struct mixd_setup *setup);
int matcheq_activate(struct mixd_inst *inst, struct mixd_fault *fault);
void matcheq_deactivate(struct mixd_inst *inst);
void matcheq_work(struct mixd_inst *inst, uint32_t job);
void matcheq_response(const struct mixd_response *query, double *ret_db);
int matcheq_capture(struct mixd_inst *inst, uint32_t config, char *ret_text, size_t size,
		    struct mixd_fault *fault);
