/* eq_list.h - which sections a channel runs, and how they come, change and go without a click.
 *
 * WHAT        A list holds the sections of one channel in the order they run: band by band, the
 *             active ones only. A section that comes starts as the identity, one that goes becomes
 *             it, one whose kind changes glides from what it was; all along a smoothstep. Values
 *             are for the ends of cells; the kernel interpolates between them per frame.
 * THREADS     [rt] no allocation: the caller gives room for `max` slots.
 * INVARIANTS  Q1 keys rise strictly along a list.
 *             Q2 a section leaves the list only when it is the identity to the bit: its going
 *                changes no sample. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "svf.h"

#define EQ_SLOT_FRESH UINT32_MAX

union eq_coef {
	struct svf_coef of;
	double word[SVF_COEFS];
};

struct eq_slot {
	uint32_t key; /* band * EQ_BAND_SECTIONS + section */
	uint32_t was; /* its place before the last merge, or EQ_SLOT_FRESH */
	bool leaving;
	double glide; /* 0..1 at the end of the current cell; 1: settled */
	double glide_start; /* at its start */
	union eq_coef from; /* where the glide began */
	union eq_coef now; /* at the end of the current cell */
	union eq_coef start; /* at its start */
};

struct eq_list {
	struct eq_slot *slot;
	uint32_t n, max;
};

/* Make LIST hold KEYS (rising), using SCRATCH of list->max slots. TARGET[key] is the section as
 * designed. JUMP: at once, without glides. Returns how many keys found no room. */
uint32_t eq_list_merge(struct eq_list *list, struct eq_slot *scratch, const uint32_t *keys,
		       uint32_t n_keys, const union eq_coef *target, bool jump);
/* The current cell ended after PART (0..1) of its frames: take that for its end. */
void eq_list_cut(struct eq_list *list, double part);
/* Begin a glide from what it is now, on the slots with FIRST <= key < END. */
void eq_list_glide(struct eq_list *list, uint32_t first, uint32_t end);
/* True when a slot has become the identity for good: merge again to drop it. */
bool eq_list_has_left(const struct eq_list *list);
/* One cell on; STEP is the part of a glide that a cell makes. True while something moves. */
bool eq_list_advance(struct eq_list *list, const union eq_coef *target, double step, bool jump);
/* Write each slot's value and step per frame to one lane: 12 words per section, WIDTH apart. */
void eq_list_write(const struct eq_list *list, uint32_t cell_frames, double *coef, uint32_t width);
