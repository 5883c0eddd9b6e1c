/* multicomp_tables.h - what multicomp.c declares of itself. */
#pragma once

#include <mixd/node.h>

#define MULTICOMP_BANDS 6u
#define MULTICOMP_RATIO_MAX 100.0 /* counts as infinite */

enum {
	MULTICOMP_XOVER,
	MULTICOMP_DETECTOR = MULTICOMP_XOVER + MULTICOMP_BANDS - 1,
	MULTICOMP_RMS_TIME,
	MULTICOMP_LINK,
	MULTICOMP_MIX,
	MULTICOMP_BAND,
};

enum { /* rows of a band */
       MULTICOMP_THRESHOLD,
       MULTICOMP_RATIO,
       MULTICOMP_KNEE,
       MULTICOMP_ATTACK,
       MULTICOMP_RELEASE,
       MULTICOMP_HOLD,
       MULTICOMP_MAKEUP,
       MULTICOMP_RANGE,
       MULTICOMP_SOLO,
       MULTICOMP_MUTE,
       MULTICOMP_BYPASS,
       MULTICOMP_ROWS
};

enum { MULTICOMP_CONFIG_BANDS, MULTICOMP_CONFIG_LOOKAHEAD };

static const char *const multicomp_detector_labels[] = {"peak", "rms", NULL};

static const struct mixd_port_row multicomp_ports[] = {
	{.id = "in", .doc = "What is compressed", .layout = MIXD_PORT_MAIN},
	{.id = "key",
	 .doc = "What steers the gains, band by band, when linked; else the input does",
	 .layout = MIXD_PORT_FOLLOW},
	{.id = "out", .doc = "The sum of all bands", .is_output = true, .layout = MIXD_PORT_MAIN},
};

#define MULTICOMP_FLOAT(id_, unit_, min_, max_, def_, ramp_)                                       \
	.id = id_, .unit = unit_, .min = min_, .max = max_, .def = def_, .ramp = ramp_,            \
	.smooth_ms = 20
#define MULTICOMP_IN_BAND .group = "band", .count = MULTICOMP_BANDS
#define MULTICOMP_SWITCH(id_) .id = id_, .type = MIXD_TYPE_BOOL, .max = 1, MULTICOMP_IN_BAND
#define MULTICOMP_SPLIT(n_, next_, def_)                                                           \
	{                                                                                          \
		MULTICOMP_FLOAT("xover" #n_, MIXD_UNIT_HZ, 20, 20000, def_, MIXD_RAMP_LOG),        \
			.doc = "Split between bands " #n_ " and " #next_                           \
			       "; held half an octave above the one below"                         \
	}

static const struct mixd_param_row multicomp_params[] = {
	MULTICOMP_SPLIT(1, 2, 120),
	MULTICOMP_SPLIT(2, 3, 600),
	MULTICOMP_SPLIT(3, 4, 2500),
	MULTICOMP_SPLIT(4, 5, 8000),
	MULTICOMP_SPLIT(5, 6, 14000),
	{.id = "detector",
	 .type = MIXD_TYPE_ENUM,
	 .max = 1,
	 .labels = multicomp_detector_labels,
	 .doc = "What counts as level"},
	{MULTICOMP_FLOAT("rms_time", MIXD_UNIT_MS, 1, 100, 10, MIXD_RAMP_LOG),
	 .doc = "Time constant of the rms detector"},
	{MULTICOMP_FLOAT("link", MIXD_UNIT_PERCENT, 0, 100, 100, MIXD_RAMP_LINEAR),
	 .doc = "How far all channels follow the loudest"},
	{MULTICOMP_FLOAT("mix", MIXD_UNIT_PERCENT, 0, 100, 100, MIXD_RAMP_LINEAR),
	 .doc = "Compressed share of the output; the rest is the bands as they are"},
	{MULTICOMP_FLOAT("threshold", MIXD_UNIT_DBFS, -60, 0, -18, MIXD_RAMP_LINEAR),
	 MULTICOMP_IN_BAND, .doc = "Level above which the band's gain falls"},
	{MULTICOMP_FLOAT("ratio", MIXD_UNIT_RATIO, 1, MULTICOMP_RATIO_MAX, 2, MIXD_RAMP_LOG),
	 MULTICOMP_IN_BAND,
	 .doc = "Input dB per output dB above the threshold; the maximum is infinity"},
	{MULTICOMP_FLOAT("knee", MIXD_UNIT_DB, 0, 24, 6, MIXD_RAMP_LINEAR), MULTICOMP_IN_BAND,
	 .doc = "Width of the bend around the threshold"},
	{MULTICOMP_FLOAT("attack", MIXD_UNIT_MS, 0.05, 250, 10, MIXD_RAMP_LOG), MULTICOMP_IN_BAND,
	 .doc = "Time to 63 % of the reduction"},
	{MULTICOMP_FLOAT("release", MIXD_UNIT_MS, 5, 3000, 120, MIXD_RAMP_LOG), MULTICOMP_IN_BAND,
	 .doc = "Time to recover 63 % of the reduction"},
	{.id = "hold",
	 .unit = MIXD_UNIT_MS,
	 .max = 500,
	 MULTICOMP_IN_BAND,
	 .doc = "Time after a peak before the release begins"},
	{MULTICOMP_FLOAT("makeup", MIXD_UNIT_DB, -12, 24, 0, MIXD_RAMP_LINEAR), MULTICOMP_IN_BAND,
	 .doc = "Gain after compression"},
	{MULTICOMP_FLOAT("range", MIXD_UNIT_DB, 0, 100, 100, MIXD_RAMP_LINEAR), MULTICOMP_IN_BAND,
	 .doc = "The most reduction"},
	{MULTICOMP_SWITCH("solo"), .doc = "Hear this band alone, with others that are solo"},
	{MULTICOMP_SWITCH("mute"), .doc = "Leave this band out; solo goes first"},
	{MULTICOMP_SWITCH("bypass"), .doc = "Pass this band as it is"},
};

static const struct mixd_config_row multicomp_configs[] = {
	[MULTICOMP_CONFIG_BANDS] = {.id = "bands",
				    .type = MIXD_TYPE_INT,
				    .min = 2,
				    .max = MULTICOMP_BANDS,
				    .def = 4,
				    .doc = "Number of bands; splits beyond are unused"},
	[MULTICOMP_CONFIG_LOOKAHEAD] =
		{.id = "lookahead",
		 .unit = MIXD_UNIT_MS,
		 .max = 20,
		 .doc = "Delay of the signal against the detector: attack before the peak; adds "
			"latency"},
};

static const struct mixd_meter_row multicomp_meters[] = {
	{.id = "gr",
	 .doc = "Gain reduction of the band's most reduced channel, without makeup",
	 .unit = MIXD_UNIT_DB,
	 .fold = MIXD_FOLD_MIN,
	 .count = MULTICOMP_BANDS},
};
