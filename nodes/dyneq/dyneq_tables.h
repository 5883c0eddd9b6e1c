/* dyneq_tables.h - what dyneq.c declares of itself. */
#pragma once

#include "sidechain_rows.h"

#define DYNEQ_BANDS 6u
#define DYNEQ_FREQ_MIN 20.0
#define DYNEQ_RATIO_MAX 100.0 /* counts as infinite */

enum { /* rows of a band */
       DYNEQ_ON,
       DYNEQ_TYPE,
       DYNEQ_FREQ,
       DYNEQ_GAIN,
       DYNEQ_Q,
       DYNEQ_THRESHOLD,
       DYNEQ_RATIO,
       DYNEQ_RANGE,
       DYNEQ_WHEN,
       DYNEQ_ATTACK,
       DYNEQ_RELEASE,
       DYNEQ_ROWS
};

enum { DYNEQ_BELL, DYNEQ_LOWSHELF, DYNEQ_HIGHSHELF };

static const char *const dyneq_type_labels[] = {"bell", "lowshelf", "highshelf", NULL};
static const char *const dyneq_when_labels[] = {"above", "below", NULL};
static const double dyneq_freqs[DYNEQ_BANDS] = {80, 200, 500, 1500, 4000, 9000};

static const struct mixd_port_row dyneq_ports[] = {
	SIDECHAIN_PORTS("What is equalized",
			"What steers the bands, when linked; else the input does",
			"The equalized signal"),
};

#define DYNEQ_IN_BAND .group = "band", .count = DYNEQ_BANDS

static const struct mixd_param_row dyneq_params[] = {
	[DYNEQ_ON] = {SIDECHAIN_SWITCH("on"), DYNEQ_IN_BAND, .doc = "Whether the band works"},
	[DYNEQ_TYPE] = {.id = "type",
			.type = MIXD_TYPE_ENUM,
			.max = 2,
			.labels = dyneq_type_labels,
			DYNEQ_IN_BAND,
			.doc = "Shape of the band"},
	[DYNEQ_FREQ] =
		{SIDECHAIN_FLOAT("freq", MIXD_UNIT_HZ, DYNEQ_FREQ_MIN, 20000, 1000, MIXD_RAMP_LOG),
		 DYNEQ_IN_BAND, .defs = dyneq_freqs,
		 .doc = "Centre of a bell, middle of a shelf; what is heard there is the level"},
	[DYNEQ_GAIN] = {SIDECHAIN_FLOAT("gain", MIXD_UNIT_DB, -24, 24, 0, MIXD_RAMP_LINEAR),
			DYNEQ_IN_BAND, .doc = "Gain while the band is not moved"},
	[DYNEQ_Q] = {SIDECHAIN_FLOAT("q", MIXD_UNIT_NONE, 0.1, 20, 1, MIXD_RAMP_LOG), DYNEQ_IN_BAND,
		     .doc = "Narrowness of band and detector"},
	[DYNEQ_THRESHOLD] = {SIDECHAIN_FLOAT("threshold", MIXD_UNIT_DBFS, -80, 0, -30,
					     MIXD_RAMP_LINEAR),
			     DYNEQ_IN_BAND, .doc = "Level in the band beyond which its gain moves"},
	[DYNEQ_RATIO] =
		{SIDECHAIN_FLOAT("ratio", MIXD_UNIT_RATIO, 1, DYNEQ_RATIO_MAX, 3, MIXD_RAMP_LOG),
		 DYNEQ_IN_BAND,
		 .doc = "How much of what is beyond the threshold becomes gain: 1 - 1/ratio"},
	[DYNEQ_RANGE] =
		{SIDECHAIN_FLOAT("range", MIXD_UNIT_DB, -24, 24, -12, MIXD_RAMP_LINEAR),
		 DYNEQ_IN_BAND,
		 .doc = "The most that the gain moves: down when negative, up when positive"},
	[DYNEQ_WHEN] = {.id = "when",
			.type = MIXD_TYPE_ENUM,
			.max = 1,
			.labels = dyneq_when_labels,
			DYNEQ_IN_BAND,
			.doc = "Whether the gain moves above or below the threshold"},
	[DYNEQ_ATTACK] = {SIDECHAIN_FLOAT("attack", MIXD_UNIT_MS, 0.05, 250, 10, MIXD_RAMP_LOG),
			  DYNEQ_IN_BAND, .doc = "Time to 63 % of a move"},
	[DYNEQ_RELEASE] = {SIDECHAIN_FLOAT("release", MIXD_UNIT_MS, 5, 3000, 100, MIXD_RAMP_LOG),
			   DYNEQ_IN_BAND, .doc = "Time to go back 63 % of it"},
};

static const struct mixd_config_row dyneq_configs[] = {
	SIDECHAIN_LOOKAHEAD(20),
};

enum { DYNEQ_METER_GR, DYNEQ_METER_MOVE };

static const struct mixd_meter_row dyneq_meters[] = {
	[DYNEQ_METER_GR] = SIDECHAIN_GR("Move down of the band that is moved down most"),
	[DYNEQ_METER_MOVE] = {.id = "move",
			      .doc = "How far a band is moved from its gain",
			      .unit = MIXD_UNIT_DB,
			      .fold = MIXD_FOLD_LAST,
			      .count = DYNEQ_BANDS},
};
