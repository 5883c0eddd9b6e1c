/* eq_tables.h - what eq.c declares of itself. */
#pragma once

#include <math.h>

#include <mixd/node.h>

#include "eq_design.h"

#define EQ_BANDS 32u
#define EQ_KEYS (EQ_BANDS * EQ_BAND_SECTIONS)

enum { EQ_PARAM_OUTPUT, EQ_PARAM_AUTO_GAIN, EQ_PARAM_BANDS };
enum {
	EQ_ROW_ON,
	EQ_ROW_TYPE,
	EQ_ROW_FREQ,
	EQ_ROW_GAIN,
	EQ_ROW_Q,
	EQ_ROW_SLOPE,
	EQ_ROW_CHANNEL,
	EQ_ROW_COUNT
};
enum { EQ_CHANNEL_STEREO, EQ_CHANNEL_LEFT, EQ_CHANNEL_RIGHT, EQ_CHANNEL_MID, EQ_CHANNEL_SIDE };
enum { EQ_METER_AUTO_GAIN, EQ_METER_DROPPED };

static const char *const eq_type_labels[] = {"bell",	 "lowshelf", "highshelf", "lowpass",
					     "highpass", "bandpass", "notch",	  "allpass",
					     "tilt",	 NULL};
static const char *const eq_slope_labels[] = {"6", "12", "18", "24", "36", "48", "72", "96", NULL};
static const char *const eq_channel_labels[] = {"stereo", "left", "right", "mid", "side", NULL};

/* A third of an octave apart, 25 Hz to 20 kHz: band 1 is the lowest. */
static const double eq_freq_defs[EQ_BANDS] = {31.5, 63,	   125,	  250,	 500,  1000, 2000, 4000,
					      8000, 16000, 40,	  50,	 80,   100,  160,  200,
					      315,  400,   630,	  800,	 1250, 1600, 2500, 3150,
					      5000, 6300,  10000, 12500, 20,   25,   1400, 20000};

static const struct mixd_port_row eq_ports[] = {
	{.id = "in", .doc = "What is equalized", .layout = MIXD_PORT_MAIN},
	{.id = "out", .doc = "The equalized signal", .is_output = true, .layout = MIXD_PORT_MAIN},
};

#define EQ_BAND_ROW .group = "band", .count = EQ_BANDS

static const struct mixd_param_row eq_params[] = {
	{.id = "output",
	 .doc = "Gain after all bands",
	 .unit = MIXD_UNIT_DB,
	 .min = -24,
	 .max = 24,
	 .ramp = MIXD_RAMP_LINEAR,
	 .smooth_ms = 20},
	{.id = "auto_gain",
	 .type = MIXD_TYPE_BOOL,
	 .max = 1,
	 .doc = "Keep the K-weighted power of pink noise as it is without the bands"},
	{.id = "on", .type = MIXD_TYPE_BOOL, .max = 1, .doc = "The band works", EQ_BAND_ROW},
	{.id = "type",
	 .type = MIXD_TYPE_ENUM,
	 .max = EQ_TYPE_TILT,
	 .labels = eq_type_labels,
	 .doc = "Shape of the band; tilt turns the spectrum about freq",
	 EQ_BAND_ROW},
	{.id = "freq",
	 .doc = "Centre, corner or pivot; held below 0.49 of the rate",
	 .unit = MIXD_UNIT_HZ,
	 .min = 10,
	 .max = 24000,
	 .def = 1000,
	 .ramp = MIXD_RAMP_LOG,
	 .smooth_ms = 20,
	 .defs = eq_freq_defs,
	 EQ_BAND_ROW},
	{.id = "gain",
	 .doc = "Boost or cut of bell, shelf and tilt",
	 .unit = MIXD_UNIT_DB,
	 .min = -24,
	 .max = 24,
	 .ramp = MIXD_RAMP_LINEAR,
	 .smooth_ms = 20,
	 EQ_BAND_ROW},
	{.id = "q",
	 .doc = "Narrowness of a bell, resonance of a filter (0.707: none), steepness of a "
		"shelf (0.68 to 1)",
	 .min = 0.1,
	 .max = 40,
	 .def = M_SQRT1_2,
	 .ramp = MIXD_RAMP_LOG,
	 .smooth_ms = 20,
	 EQ_BAND_ROW},
	{.id = "slope",
	 .type = MIXD_TYPE_ENUM,
	 .unit = MIXD_UNIT_DB_PER_OCT,
	 .max = EQ_SLOPE_COUNT_ - 1,
	 .def = EQ_SLOPE_12,
	 .labels = eq_slope_labels,
	 .doc = "Steepness of lowpass and highpass",
	 EQ_BAND_ROW},
	{.id = "channel",
	 .type = MIXD_TYPE_ENUM,
	 .max = EQ_CHANNEL_SIDE,
	 .labels = eq_channel_labels,
	 .doc = "Where the band works: stereo is every channel, the others the first two",
	 EQ_BAND_ROW},
};

static const struct mixd_config_row eq_configs[] = {
	{.id = "sections",
	 .type = MIXD_TYPE_INT,
	 .min = 8,
	 .max = EQ_KEYS,
	 .def = 40,
	 .doc = "Room for second-order sections per channel: one per band, two for 24 dB/oct, "
		"eight "
		"for 96; what finds no room is counted by the meter dropped"},
};

static const struct mixd_meter_row eq_meters[] = {
	{.id = "makeup", .doc = "What auto gain adds", .unit = MIXD_UNIT_DB},
	{.id = "dropped",
	 .doc = "Sections that found no room; raise the config sections",
	 .fold = MIXD_FOLD_MAX},
};
