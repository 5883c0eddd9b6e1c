/* section_set.h - a fixed cascade of sections of a node: how its coefficients travel, cell by cell.
 *
 * WHAT        update() says what the sections shall be at the end of the cell; the set goes there in
 *             a straight line per coefficient, from where it is, be it that an event cut the last
 *             cell short. A set told that its target is the identity arrives there, rests for one
 *             update and is then `active` no more: its words are zero, nothing runs, and when it
 *             comes back it begins as the identity. So "off" is a copy, and no entry or exit clicks.
 * THREADS     [rt]
 * INVARIANTS  T1 a set that is not active has zero words and zero memories in every lane, which the
 *                kernel runs as the identity to the bit (svf.h), whoever shares its bank.
 * NOT HERE    lists in which sections come and go one by one: eq_list.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "svf.h"

union section_word {
	struct svf_coef of;
	double word[SVF_COEFS];
};

struct section_set_slot {
	union section_word start, now; /* at both ends of the current cell */
};

struct section_set {
	struct section_set_slot *slot;
	uint32_t n;
	uint32_t cell_frames, cell_done;
	bool active; /* runs */
	bool moving; /* within this cell */
	bool leaving; /* is the identity from the end of this cell on */
};

/* One cell on, to TARGET (n sections). IDENTITY: TARGET leaves every signal as it is (its d are 0).
 * True when update() must be called for the next cell, too. *ret_clear: the caller now has to clear
 * the memories and words of its lanes (T1). */
bool section_set_update(struct section_set *set, const union section_word *target, bool identity,
			bool jump, uint32_t cell_frames, bool *ret_clear);
/* Each section's words and steps per frame, as eq_bank.h wants them, into one lane. */
void section_set_write(const struct section_set *set, double *coef, uint32_t width);
/* process() has made N_FRAMES. */
static inline void section_set_advance(struct section_set *set, uint32_t n_frames)
{
	if (set->moving)
		set->cell_done += n_frames;
}

/* A section that passes GAIN times what COEF does, or the difference to the input. */
struct svf_coef section_scaled(const struct svf_coef *coef, double gain);
/* The input less what COEF makes of it. */
struct svf_coef section_removed(const struct svf_coef *coef);
/* PART (0..1) of the way from the identity to COEF, the memory already that of COEF. */
struct svf_coef section_part(const struct svf_coef *coef, double part);
