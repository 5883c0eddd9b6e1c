/* media_layout.c - see media_layout.h.
 *
 * SOURCE      Microsoft, "Multiple channel audio data and WAVE files" and ksmedia.h
 *             (dwChannelMask, KSAUDIO_SPEAKER_5POINT1POINT2 ff.: the height pair of ".2" is "top
 *             front" there); Vorbis I specification, 4.3.9; RFC 7845, 5.1.1.2. */
#include "media_layout.h"

#include <sndfile.h>
#include <stdio.h>
#include <string.h>

#include "graph_layout.h"
#include "media.h"

/* Position -> its word in libsndfile, its bit in a WAVE mask. */
static const struct {
	int map;
	uint32_t bit;
} layout_words[MIXD_POS_COUNT_] = {
	[MIXD_POS_MONO] = {SF_CHANNEL_MAP_MONO, 0x4},
	[MIXD_POS_FL] = {SF_CHANNEL_MAP_LEFT, 0x1},
	[MIXD_POS_FR] = {SF_CHANNEL_MAP_RIGHT, 0x2},
	[MIXD_POS_FC] = {SF_CHANNEL_MAP_CENTER, 0x4},
	[MIXD_POS_LFE] = {SF_CHANNEL_MAP_LFE, 0x8},
	[MIXD_POS_RL] = {SF_CHANNEL_MAP_REAR_LEFT, 0x10},
	[MIXD_POS_RR] = {SF_CHANNEL_MAP_REAR_RIGHT, 0x20},
	[MIXD_POS_FLC] = {SF_CHANNEL_MAP_FRONT_LEFT_OF_CENTER, 0x40},
	[MIXD_POS_FRC] = {SF_CHANNEL_MAP_FRONT_RIGHT_OF_CENTER, 0x80},
	[MIXD_POS_RC] = {SF_CHANNEL_MAP_REAR_CENTER, 0x100},
	[MIXD_POS_SL] = {SF_CHANNEL_MAP_SIDE_LEFT, 0x200},
	[MIXD_POS_SR] = {SF_CHANNEL_MAP_SIDE_RIGHT, 0x400},
	[MIXD_POS_TFL] = {SF_CHANNEL_MAP_TOP_FRONT_LEFT, 0x1000},
	[MIXD_POS_TFR] = {SF_CHANNEL_MAP_TOP_FRONT_RIGHT, 0x4000},
	[MIXD_POS_TSL] = {SF_CHANNEL_MAP_TOP_FRONT_LEFT, 0x1000},
	[MIXD_POS_TSR] = {SF_CHANNEL_MAP_TOP_FRONT_RIGHT, 0x4000},
	[MIXD_POS_TRL] = {SF_CHANNEL_MAP_TOP_REAR_LEFT, 0x8000},
	[MIXD_POS_TRR] = {SF_CHANNEL_MAP_TOP_REAR_RIGHT, 0x20000},
};

static const char *const layout_of_count[] = {
	[1] = "mono", [2] = "stereo", [3] = "3.0", [4] = "quad",   [5] = "5.0",
	[6] = "5.1",  [7] = "6.1",    [8] = "7.1", [10] = "7.1.2", [12] = "7.1.4",
};

/* Of the orders that have names, what Vorbis and Opus put where. */
static const struct {
	const char *name;
	uint8_t from[8];
} layout_vorbis[] = {
	{"mono", {0}},
	{"stereo", {0, 1}},
	{"3.0", {0, 2, 1}}, /* L C R */
	{"quad", {0, 1, 2, 3}},
	{"5.0", {0, 2, 1, 3, 4}}, /* L C R Ls Rs */
	{"5.1", {0, 2, 1, 5, 3, 4}}, /* L C R Ls Rs LFE */
	{"6.1", {0, 2, 1, 6, 5, 3, 4}}, /* L C R Ls Rs Cs LFE */
	{"7.1", {0, 2, 1, 7, 5, 6, 3, 4}}, /* L C R side side rear rear LFE */
};

const struct mixd_layout *media_layout_by_count(uint32_t n)
{
	const char *name = n < sizeof(layout_of_count) / sizeof(layout_of_count[0])
				   ? layout_of_count[n]
				   : NULL;

	return name ? graph_layout_find(name, NULL) : media_layout_discrete(n);
}

const struct mixd_layout *media_layout_discrete(uint32_t n)
{
	char name[16];

	snprintf(name, sizeof(name), "%uch", (unsigned)n);
	return graph_layout_find(name, NULL);
}

static bool layout_has(const uint8_t *position, uint32_t n, uint8_t wanted)
{
	return memchr(position, wanted, n) != NULL;
}

/* The names by which a file may mean one of our positions, tried when POSITION has not ours. */
static uint8_t layout_other_name(uint8_t position)
{
	switch (position) {
	case MIXD_POS_MONO:
		return MIXD_POS_FC;
	case MIXD_POS_SL:
		return MIXD_POS_RL;
	case MIXD_POS_SR:
		return MIXD_POS_RR;
	case MIXD_POS_RL:
		return MIXD_POS_SL;
	case MIXD_POS_RR:
		return MIXD_POS_SR;
	case MIXD_POS_TSL:
		return MIXD_POS_TFL;
	case MIXD_POS_TSR:
		return MIXD_POS_TFR;
	default:
		return MIXD_POS_NONE;
	}
}

static bool layout_matches(const struct mixd_layout *layout, const uint8_t *position, uint32_t n,
			   uint8_t *ret_from)
{
	uint64_t used = 0;

	if (layout->n_channels != n)
		return false;
	for (uint32_t c = 0; c < n; c++) {
		uint8_t want = layout->position[c];
		const uint8_t *found;

		if (!layout_has(position, n, want))
			want = layout_other_name(want);
		found = want == MIXD_POS_NONE ? NULL : memchr(position, want, n);
		if (!found || used & UINT64_C(1) << (found - position))
			return false;
		used |= UINT64_C(1) << (found - position);
		ret_from[c] = (uint8_t)(found - position);
	}
	return true;
}

const struct mixd_layout *media_layout_by_positions(const uint8_t *position, uint32_t n,
						    uint8_t *ret_from)
{
	if (n == 0 || n > MEDIA_CHANNELS_MAX)
		return NULL;
	for (const char *const *name = graph_layout_names(); *name; name++) {
		const struct mixd_layout *layout = graph_layout_find(*name, NULL);

		if (layout && layout_matches(layout, position, n, ret_from))
			return layout;
	}
	return NULL;
}

bool media_layout_from_map(const int *map, uint32_t n, uint8_t *ret_position)
{
	for (uint32_t c = 0; c < n; c++) {
		int word = map[c];

		if (word >= SF_CHANNEL_MAP_FRONT_LEFT && word <= SF_CHANNEL_MAP_FRONT_CENTER)
			word -= SF_CHANNEL_MAP_FRONT_LEFT - SF_CHANNEL_MAP_LEFT;
		ret_position[c] = MIXD_POS_NONE;
		for (int p = MIXD_POS_MONO; p < MIXD_POS_COUNT_; p++)
			if (layout_words[p].map == word) {
				ret_position[c] = (uint8_t)p;
				break;
			}
		if (ret_position[c] == MIXD_POS_NONE)
			return false;
	}
	return true;
}

bool media_layout_to_map(const struct mixd_layout *layout, int *ret_map)
{
	for (uint32_t c = 0; c < layout->n_channels; c++) {
		ret_map[c] = layout_words[layout->position[c]].map;
		if (ret_map[c] == SF_CHANNEL_MAP_INVALID)
			return false;
	}
	return true;
}

uint32_t media_layout_mask(const struct mixd_layout *layout)
{
	uint32_t mask = 0;

	for (uint32_t c = 0; c < layout->n_channels; c++) {
		uint32_t bit = layout_words[layout->position[c]].bit;

		/* Bits stand for channels in their own order: what is not in it has no mask. */
		if (bit == 0 || mask >= bit)
			return 0;
		mask |= bit;
	}
	return mask;
}

bool media_layout_from_mask(uint32_t mask, uint32_t n, uint8_t *ret_position)
{
	uint32_t c = 0;

	for (uint32_t bit = 1; bit && c < n; bit <<= 1) {
		uint8_t p = MIXD_POS_FL; /* 0x4 is the centre here, not mono */

		if (!(mask & bit))
			continue;
		while (p < MIXD_POS_COUNT_ && layout_words[p].bit != bit)
			p++;
		if (p == MIXD_POS_COUNT_)
			return false;
		ret_position[c++] = p;
	}
	return c == n;
}

bool media_layout_vorbis(const struct mixd_layout *layout, uint8_t *ret_from)
{
	for (size_t i = 0; i < sizeof(layout_vorbis) / sizeof(layout_vorbis[0]); i++)
		if (strcmp(layout_vorbis[i].name, layout->name) == 0) {
			memcpy(ret_from, layout_vorbis[i].from, layout->n_channels);
			return true;
		}
	return false;
}
