/* comp_tables.h - what comp.c declares of itself. */
#pragma once

#include <mixd/node.h>

#define COMP_KEY_LPF_OFF_HZ 24000.0
#define COMP_KEY_HPF_OFF_HZ 10.0
#define COMP_RATIO_MAX 100.0 /* counts as infinite */
enum {
	COMP_THRESHOLD,
	COMP_RATIO,
	COMP_KNEE,
	COMP_ATTACK,
	COMP_RELEASE,
	COMP_AUTO_RELEASE,
	COMP_HOLD,
	COMP_MAKEUP,
	COMP_AUTO_MAKEUP,
	COMP_RANGE,
	COMP_DETECTOR,
	COMP_RMS_TIME,
	COMP_LINK,
	COMP_MIX,
	COMP_KEY_HPF,
	COMP_KEY_LPF,
	COMP_KEY_LISTEN,
};

static const char *const comp_detector_labels[] = {"peak", "rms", NULL};

static const struct mixd_port_row comp_ports[] = {
	{.id = "in", .doc = "What is compressed", .layout = MIXD_PORT_MAIN},
	{.id = "key",
	 .doc = "What steers the gain, when linked; else the input does",
	 .layout = MIXD_PORT_FOLLOW},
	{.id = "out", .doc = "The compressed signal", .is_output = true, .layout = MIXD_PORT_MAIN},
};

#define COMP_FLOAT(id_, unit_, min_, max_, def_, ramp_)                                            \
	.id = id_, .unit = unit_, .min = min_, .max = max_, .def = def_, .ramp = ramp_,            \
	.smooth_ms = 20
#define COMP_SWITCH(id_) .id = id_, .type = MIXD_TYPE_BOOL, .max = 1

static const struct mixd_param_row comp_params[] = {
	[COMP_THRESHOLD] = {COMP_FLOAT("threshold", MIXD_UNIT_DBFS, -60, 0, -18, MIXD_RAMP_LINEAR),
			    .doc = "Level above which the gain falls"},
	[COMP_RATIO] =
		{COMP_FLOAT("ratio", MIXD_UNIT_RATIO, 1, COMP_RATIO_MAX, 4, MIXD_RAMP_LOG),
		 .doc = "Input dB per output dB above the threshold; the maximum is infinity"},
	[COMP_KNEE] = {COMP_FLOAT("knee", MIXD_UNIT_DB, 0, 24, 6, MIXD_RAMP_LINEAR),
		       .doc = "Width of the bend around the threshold"},
	[COMP_ATTACK] = {COMP_FLOAT("attack", MIXD_UNIT_MS, 0.05, 250, 10, MIXD_RAMP_LOG),
			 .doc = "Time to 63 % of the reduction"},
	[COMP_RELEASE] = {COMP_FLOAT("release", MIXD_UNIT_MS, 5, 3000, 100, MIXD_RAMP_LOG),
			  .doc = "Time to recover 63 % of the reduction"},
	[COMP_AUTO_RELEASE] = {COMP_SWITCH("auto_release"),
			       .doc = "Shorten the release by the crest factor: as set on steady "
				      "tones, faster on transients"},
	[COMP_HOLD] = {.id = "hold",
		       .unit = MIXD_UNIT_MS,
		       .max = 500,
		       .doc = "Time after a peak before the release begins"},
	[COMP_MAKEUP] = {COMP_FLOAT("makeup", MIXD_UNIT_DB, -12, 24, 0, MIXD_RAMP_LINEAR),
			 .doc = "Gain after compression"},
	[COMP_AUTO_MAKEUP] = {COMP_SWITCH("auto_makeup"),
			      .doc = "Add half of what a full-scale signal loses"},
	[COMP_RANGE] = {COMP_FLOAT("range", MIXD_UNIT_DB, 0, 100, 100, MIXD_RAMP_LINEAR),
			.doc = "The most reduction"},
	[COMP_DETECTOR] = {.id = "detector",
			   .type = MIXD_TYPE_ENUM,
			   .max = 1,
			   .labels = comp_detector_labels,
			   .doc = "What counts as level"},
	[COMP_RMS_TIME] = {COMP_FLOAT("rms_time", MIXD_UNIT_MS, 1, 100, 10, MIXD_RAMP_LOG),
			   .doc = "Time constant of the rms detector"},
	[COMP_LINK] = {COMP_FLOAT("link", MIXD_UNIT_PERCENT, 0, 100, 100, MIXD_RAMP_LINEAR),
		       .doc = "How far all channels follow the loudest"},
	[COMP_MIX] = {COMP_FLOAT("mix", MIXD_UNIT_PERCENT, 0, 100, 100, MIXD_RAMP_LINEAR),
		      .doc = "Compressed share of the output; the rest is the delayed input"},
	[COMP_KEY_HPF] =
		{COMP_FLOAT("key_hpf", MIXD_UNIT_HZ, COMP_KEY_HPF_OFF_HZ, 2000, COMP_KEY_HPF_OFF_HZ,
			    MIXD_RAMP_LOG),
		 .doc =
			 "High pass in front of the detector, 12 dB/oct; the minimum is off"},
	[COMP_KEY_LPF] =
		{COMP_FLOAT("key_lpf", MIXD_UNIT_HZ, 200, COMP_KEY_LPF_OFF_HZ, COMP_KEY_LPF_OFF_HZ,
			    MIXD_RAMP_LOG),
		 .doc =
			 "Low pass in front of the detector, 12 dB/oct; the maximum is off"},
	[COMP_KEY_LISTEN] = {COMP_SWITCH("key_listen"),
			     .doc = "Hear what the detector hears, instead of the output"},
};

static const struct mixd_config_row comp_configs[] = {
	{.id = "lookahead",
	 .unit = MIXD_UNIT_MS,
	 .max = 20,
	 .doc = "Delay of the signal against the detector: attack before the peak; adds latency"},
};

static const struct mixd_meter_row comp_meters[] = {
	{.id = "gr",
	 .doc = "Gain reduction of the most reduced channel, without makeup",
	 .unit = MIXD_UNIT_DB,
	 .fold = MIXD_FOLD_MIN},
};
