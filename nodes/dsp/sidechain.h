/* sidechain.h - around the gain of a dynamics node: what steers it, its filters, look-ahead, listen.
 *
 * WHAT        Finds the channels that the detector hears (the key port when it is linked, else the
 *             main input), runs up to two sections on them, and multiplies the delayed signal by the
 *             gain. One instance, all channels steered together.
 * USE         needs(): sidechain_bytes(); activate(): sidechain_init() with that memory;
 *             update(): sidechain_section(), sidechain_update(); process(): sidechain_hear(), make
 *             a gain, sidechain_output() once.
 * THREADS     [rt] but for bytes and init
 * NOT HERE    detectors and gains: dynamics.h, gatefade.h. nodes/comp has lanes of its own. */
#pragma once

#include "dynglide.h"
#include "eq_bank.h"
#include "eq_design.h"

#define SIDECHAIN_SECTIONS 2u
#define SIDECHAIN_HPF_OFF_HZ 10.0
#define SIDECHAIN_LPF_OFF_HZ 24000.0

struct sidechain {
	double coef[(EQ_BANK_GAIN_WORDS + SIDECHAIN_SECTIONS * EQ_BANK_SECTION_WORDS) *
		    MIXD_LANES_MAX] __attribute__((aligned(64)));
	/* --- immutable after init --- */
	uint32_t channels, keys; /* keys: the most channels the detector may hear */
	uint32_t width, blocks; /* lanes of the filters */
	uint32_t delay_frames, ring_frames;
	double *state;
	float *rows, *ring;
	/* --- rt --- */
	bool on[SIDECHAIN_SECTIONS];
	double listen_part;
	struct dyn_glide listen;
	struct dyn_cell cell;
	uint32_t ring_at;
	uint32_t heard; /* rows of the last sidechain_hear() */
	const float *row[MIXD_CHANNELS_MAX];
};

/* Memory beyond the struct, a multiple of 64. KEYS: channels of the key port. [main] */
size_t sidechain_bytes(uint32_t channels, uint32_t keys, uint32_t delay_frames);
/* MEMORY is zeroed, 64-byte aligned and borrowed. [main] */
void sidechain_init(struct sidechain *chain, void *memory, uint32_t channels, uint32_t keys,
		    uint32_t delay_frames);
void sidechain_reset(struct sidechain *chain);
/* Section IDX is the first one of BAND, or none (NULL). */
void sidechain_section(struct sidechain *chain, uint32_t idx, const struct eq_band *band,
		       double rate);
/* Key high and low pass of 12 dB/oct, where not at their ends. */
void sidechain_passes(struct sidechain *chain, double hpf_hz, double lpf_hz, double rate);
/* Once per update(), after its other lines were moved with chain->cell. True while it moves. */
bool sidechain_update(struct sidechain *chain, bool listen, const struct mixd_update *update,
		      double rate);
/* Rows that the detector hears, chain->row[0 .. heard - 1], good until the output is written
 * unless they are listened to. KEYED: read port 1, else port 0. */
void sidechain_hear(struct sidechain *chain, const struct mixd_inst *inst, bool keyed, uint32_t n);
/* out = delayed input * gain, GAIN a row or NULL for CONSTANT. */
void sidechain_output(struct sidechain *chain, const struct mixd_inst *inst, const float *gain,
		      float constant, uint32_t n);
/* The delayed input of a channel, for who makes the output alone; then sidechain_advance(). */
void sidechain_delayed(const struct sidechain *chain, uint32_t channel, const float *in, float *out,
		       uint32_t n);
void sidechain_advance(struct sidechain *chain, uint32_t n);
