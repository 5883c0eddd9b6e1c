/* graph_layout.c - see graph_layout.h.
 *
 * SOURCE      ITU-R BS.2051-3 (loudspeaker positions); channel order as PipeWire and WAVE_FORMAT_
 *             EXTENSIBLE have it: FL FR FC LFE, surrounds, then the upper layer. */
#include "graph_layout.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mixd/node.h>

#define POSITIONS(...) ((const uint8_t[]){__VA_ARGS__})
#define LAYOUT(name, ...)                                                                          \
	{                                                                                          \
		(name), sizeof(POSITIONS(__VA_ARGS__)), POSITIONS(__VA_ARGS__)                     \
	}
#define FRONT MIXD_POS_FL, MIXD_POS_FR
#define FIVE FRONT, MIXD_POS_FC, MIXD_POS_LFE, MIXD_POS_SL, MIXD_POS_SR
#define SEVEN FRONT, MIXD_POS_FC, MIXD_POS_LFE, MIXD_POS_RL, MIXD_POS_RR, MIXD_POS_SL, MIXD_POS_SR
#define TOP_TWO MIXD_POS_TSL, MIXD_POS_TSR
#define TOP_FOUR MIXD_POS_TFL, MIXD_POS_TFR, MIXD_POS_TRL, MIXD_POS_TRR

static const struct mixd_layout layout_table[] = {
	LAYOUT("mono", MIXD_POS_MONO),
	LAYOUT("stereo", FRONT),
	LAYOUT("2.1", FRONT, MIXD_POS_LFE),
	LAYOUT("3.0", FRONT, MIXD_POS_FC),
	LAYOUT("quad", FRONT, MIXD_POS_RL, MIXD_POS_RR),
	LAYOUT("5.0", FRONT, MIXD_POS_FC, MIXD_POS_SL, MIXD_POS_SR),
	LAYOUT("5.1", FIVE),
	LAYOUT("6.1", FRONT, MIXD_POS_FC, MIXD_POS_LFE, MIXD_POS_RC, MIXD_POS_SL, MIXD_POS_SR),
	LAYOUT("7.1", SEVEN),
	LAYOUT("5.1.2", FIVE, TOP_TWO),
	LAYOUT("5.1.4", FIVE, TOP_FOUR),
	LAYOUT("7.1.2", SEVEN, TOP_TWO),
	LAYOUT("7.1.4", SEVEN, TOP_FOUR),
};
#define LAYOUT_COUNT (sizeof(layout_table) / sizeof(layout_table[0]))

static const char *const layout_names[LAYOUT_COUNT + 1] = {
	"mono", "stereo", "2.1",   "3.0",   "quad",  "5.0",   "5.1",
	"6.1",	"7.1",	  "5.1.2", "5.1.4", "7.1.2", "7.1.4", NULL,
};

static const char *const position_names[MIXD_POS_COUNT_] = {
	[MIXD_POS_NONE] = "AUX", [MIXD_POS_MONO] = "MONO", [MIXD_POS_FL] = "FL",
	[MIXD_POS_FR] = "FR",	 [MIXD_POS_FC] = "FC",	   [MIXD_POS_LFE] = "LFE",
	[MIXD_POS_SL] = "SL",	 [MIXD_POS_SR] = "SR",	   [MIXD_POS_RL] = "RL",
	[MIXD_POS_RR] = "RR",	 [MIXD_POS_RC] = "RC",	   [MIXD_POS_FLC] = "FLC",
	[MIXD_POS_FRC] = "FRC",	 [MIXD_POS_TFL] = "TFL",   [MIXD_POS_TFR] = "TFR",
	[MIXD_POS_TSL] = "TSL",	 [MIXD_POS_TSR] = "TSR",   [MIXD_POS_TRL] = "TRL",
	[MIXD_POS_TRR] = "TRR",
};

/* "1ch" .. "64ch": made all at once by the first who asks; immutable afterwards */
static pthread_once_t discrete_once = PTHREAD_ONCE_INIT;
static struct mixd_layout discrete_table[MIXD_CHANNELS_MAX + 1];
static char discrete_name[MIXD_CHANNELS_MAX + 1][8];
static const uint8_t discrete_position[MIXD_CHANNELS_MAX]; /* all MIXD_POS_NONE */

static void discrete_make(void)
{
	for (uint32_t n = 1; n <= MIXD_CHANNELS_MAX; n++) {
		snprintf(discrete_name[n], sizeof(discrete_name[n]), "%uch", (unsigned)(n & 0x7f));
		discrete_table[n] = (struct mixd_layout){discrete_name[n], n, discrete_position};
	}
}

/* 1..64 for "1ch".."64ch", else 0. One spelling each: "08ch" is none. */
static uint32_t discrete_count(const char *name)
{
	uint32_t n = 0;

	if (name[0] < '1' || name[0] > '9')
		return 0;
	while (*name >= '0' && *name <= '9' && n <= MIXD_CHANNELS_MAX)
		n = n * 10 + (uint32_t)(*name++ - '0');
	return strcmp(name, "ch") == 0 && n <= MIXD_CHANNELS_MAX ? n : 0;
}

const struct mixd_layout *graph_layout_find(const char *name, struct mixd_error *err)
{
	const char *nearest;
	uint32_t n;

	for (size_t i = 0; i < LAYOUT_COUNT; i++) {
		if (strcmp(layout_table[i].name, name) == 0)
			return &layout_table[i];
	}
	n = discrete_count(name);
	if (n > 0) {
		pthread_once(&discrete_once, discrete_make);
		return &discrete_table[n];
	}
	if (!err)
		return NULL;
	error_set(err, ERROR_INVALID, NULL, "no layout \"%.40s\"", name);
	nearest = error_nearest(name, layout_names, LAYOUT_COUNT);
	if (nearest)
		error_hint(err, "did you mean \"%s\"?", nearest);
	else
		error_hint(err, "want mono, stereo, quad, 5.1, 7.1.4, ... or 1ch to %uch",
			   MIXD_CHANNELS_MAX);
	return NULL;
}

const char *graph_position_name(uint8_t position)
{
	return position < MIXD_POS_COUNT_ ? position_names[position] : position_names[0];
}

void graph_layout_channel_name(const struct mixd_layout *layout, uint32_t idx, char buf[8])
{
	uint8_t position = idx < layout->n_channels ? layout->position[idx] : MIXD_POS_NONE;

	if (position == MIXD_POS_NONE)
		snprintf(buf, 8, "AUX%u", (unsigned)(idx % 1000));
	else
		snprintf(buf, 8, "%s", graph_position_name(position));
}

const char *const *graph_layout_names(void)
{
	return layout_names;
}
