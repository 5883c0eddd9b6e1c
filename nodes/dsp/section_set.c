/* Source: as eq_list.c; a cascade whose number of sections never changes needs no list. */
#include "section_set.h"

#include <string.h>

#include <mixd/rt.h>

static void section_set_cut(struct section_set *set)
{
	double part = (double)set->cell_done / set->cell_frames;

	for (uint32_t i = 0; i < set->n; i++)
		for (uint32_t j = 0; j < SVF_COEFS; j++) {
			double start = set->slot[i].start.word[j];

			set->slot[i].now.word[j] =
				start + (set->slot[i].now.word[j] - start) * part;
		}
}

static void section_set_enter(struct section_set *set, const union section_word *target)
{
	set->active = true;
	for (uint32_t i = 0; i < set->n; i++) {
		set->slot[i].now = target[i];
		set->slot[i].now.of.d0 = set->slot[i].now.of.d1 = set->slot[i].now.of.d2 = 0.0;
	}
}

bool section_set_update(struct section_set *set, const union section_word *target, bool identity,
			bool jump, uint32_t cell_frames, bool *ret_clear)
{
	bool arrived = set->leaving && set->cell_done >= (set->moving ? set->cell_frames : 0);

	*ret_clear = false;
	if (set->moving && set->cell_done < set->cell_frames)
		section_set_cut(set);
	set->cell_frames = cell_frames;
	set->cell_done = 0;
	if (identity && (!set->active || arrived || jump)) {
		*ret_clear = set->active || jump;
		set->active = set->moving = set->leaving = false;
		memset(set->slot, 0, set->n * sizeof(set->slot[0]));
		return false;
	}
	if (!set->active)
		section_set_enter(set, target);
	set->moving = false;
	set->leaving = identity;
	for (uint32_t i = 0; i < set->n; i++) {
		struct section_set_slot *slot = &set->slot[i];

		slot->start = jump ? target[i] : slot->now;
		slot->now = target[i];
		for (uint32_t j = 0; j < SVF_COEFS; j++)
			set->moving |= slot->start.word[j] != slot->now.word[j];
	}
	return set->moving || set->leaving;
}

void section_set_write(const struct section_set *set, double *coef, uint32_t width)
{
	double scale = 1.0 / set->cell_frames;

	for (uint32_t i = 0; i < set->n; i++) {
		const struct section_set_slot *slot = &set->slot[i];

		for (uint32_t j = 0; j < SVF_COEFS; j++) {
			double start = slot->start.word[j];

			coef[j * width] = start;
			coef[(SVF_COEFS + j) * width] = (slot->now.word[j] - start) * scale;
		}
		coef += 2 * SVF_COEFS * width;
	}
}

struct svf_coef section_scaled(const struct svf_coef *coef, double gain)
{
	struct svf_coef scaled = *coef;

	scaled.d0 = gain * (1.0 + coef->d0) - 1.0;
	scaled.d1 *= gain;
	scaled.d2 *= gain;
	return scaled;
}

struct svf_coef section_removed(const struct svf_coef *coef)
{
	struct svf_coef removed = *coef;

	removed.d0 = -1.0 - coef->d0;
	removed.d1 = -coef->d1;
	removed.d2 = -coef->d2;
	return removed;
}

struct svf_coef section_part(const struct svf_coef *coef, double part)
{
	struct svf_coef some = *coef;

	some.d0 *= part;
	some.d1 *= part;
	some.d2 *= part;
	return some;
}
