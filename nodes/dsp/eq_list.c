/* Source: the crossfade of two systems that share state is the interpolation of their outputs; see
 * svf.h S1 for why interpolating the state matrix is safe at any speed. */
#include "eq_list.h"

#include <string.h>

#include <mixd/rt.h>

static bool eq_slot_has_left(const struct eq_slot *slot)
{
	return slot->leaving && slot->glide >= 1.0 &&
	       memcmp(&slot->start, &slot->now, sizeof(slot->now)) == 0;
}

static void eq_slot_enter(struct eq_slot *slot, uint32_t key, const union eq_coef *target,
			  bool jump)
{
	*slot = (struct eq_slot){.key = key, .was = EQ_SLOT_FRESH, .glide = jump ? 1.0 : 0.0};
	slot->now = *target;
	if (!jump)
		slot->now.of.d0 = slot->now.of.d1 = slot->now.of.d2 = 0.0;
	slot->from = slot->start = slot->now;
}

static void eq_slot_turn(struct eq_slot *slot, bool leaving)
{
	if (slot->leaving == leaving)
		return;
	slot->leaving = leaving;
	slot->from = slot->now;
	slot->glide = 0.0;
}

uint32_t eq_list_merge(struct eq_list *list, struct eq_slot *scratch, const uint32_t *keys,
		       uint32_t n_keys, const union eq_coef *target, bool jump)
{
	uint32_t n = 0, old = 0, key = 0, stay = 0, dropped = 0;

	/* Those that stay have the first claim on room. */
	for (uint32_t i = 0, k = 0; i < list->n; i++) {
		while (k < n_keys && keys[k] < list->slot[i].key)
			k++;
		bool wanted = k < n_keys && keys[k] == list->slot[i].key;

		stay += wanted || !(jump || eq_slot_has_left(&list->slot[i]));
	}
	uint32_t room = list->max - stay;

	while (old < list->n || key < n_keys) {
		struct eq_slot *slot = old < list->n ? &list->slot[old] : NULL;
		bool wanted = key < n_keys && (!slot || keys[key] <= slot->key);

		if (wanted && (!slot || keys[key] < slot->key)) {
			if (room) {
				room--;
				eq_slot_enter(&scratch[n++], keys[key], &target[keys[key]], jump);
			} else {
				dropped++;
			}
			key++;
			continue;
		}
		slot->was = old++;
		if (wanted)
			key++;
		else if (jump || eq_slot_has_left(slot))
			continue;
		eq_slot_turn(slot, !wanted);
		scratch[n++] = *slot;
	}
	memcpy(list->slot, scratch, n * sizeof(*scratch));
	list->n = n;
	return dropped;
}

void eq_list_cut(struct eq_list *list, double part)
{
	for (uint32_t i = 0; i < list->n; i++) {
		struct eq_slot *slot = &list->slot[i];

		slot->glide = slot->glide_start + (slot->glide - slot->glide_start) * part;
		for (uint32_t j = 0; j < SVF_COEFS; j++)
			slot->now.word[j] = slot->start.word[j] +
					    (slot->now.word[j] - slot->start.word[j]) * part;
	}
}

void eq_list_glide(struct eq_list *list, uint32_t first, uint32_t end)
{
	for (uint32_t i = 0; i < list->n; i++) {
		struct eq_slot *slot = &list->slot[i];

		if (slot->key < first || slot->key >= end || slot->leaving)
			continue;
		slot->from = slot->now;
		slot->glide = 0.0;
	}
}

bool eq_list_has_left(const struct eq_list *list)
{
	for (uint32_t i = 0; i < list->n; i++)
		if (eq_slot_has_left(&list->slot[i]))
			return true;
	return false;
}

static void eq_slot_advance(struct eq_slot *slot, const union eq_coef *target, double step)
{
	union eq_coef end = slot->leaving ? slot->from : *target;
	double part;

	if (slot->leaving)
		end.of.d0 = end.of.d1 = end.of.d2 = 0.0;
	slot->start = slot->now;
	slot->glide_start = slot->glide;
	slot->glide = slot->glide + step < 1.0 ? slot->glide + step : 1.0;
	part = slot->glide * slot->glide * (3.0 - 2.0 * slot->glide);
	for (uint32_t j = 0; j < SVF_COEFS; j++)
		slot->now.word[j] =
			slot->glide < 1.0
				? slot->from.word[j] + (end.word[j] - slot->from.word[j]) * part
				: end.word[j];
}

bool eq_list_advance(struct eq_list *list, const union eq_coef *target, double step, bool jump)
{
	bool moving = false;

	for (uint32_t i = 0; i < list->n; i++) {
		struct eq_slot *slot = &list->slot[i];

		eq_slot_advance(slot, &target[slot->key], jump ? 1.0 : step);
		if (jump)
			slot->start = slot->now;
		moving = moving || slot->leaving || slot->glide < 1.0 ||
			 memcmp(&slot->start, &slot->now, sizeof(slot->now)) != 0;
	}
	return moving;
}

void eq_list_write(const struct eq_list *list, uint32_t cell_frames, double *coef, uint32_t width)
{
	double scale = 1.0 / cell_frames;

	for (uint32_t i = 0; i < list->n; i++) {
		const struct eq_slot *slot = &list->slot[i];

		for (uint32_t j = 0; j < SVF_COEFS; j++) {
			double start = slot->start.word[j];

			coef[j * width] = start;
			coef[(SVF_COEFS + j) * width] = (slot->now.word[j] - start) * scale;
		}
		coef += 2 * SVF_COEFS * width;
	}
}
