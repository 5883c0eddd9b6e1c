/* gate_tables.h - what gate.c declares of itself. */
#pragma once

#include "sidechain_rows.h"

#define GATE_RANGE_MAX 100.0 /* counts as silence */

enum {
	GATE_THRESHOLD,
	GATE_HYSTERESIS,
	GATE_ATTACK,
	GATE_HOLD,
	GATE_RELEASE,
	GATE_RANGE,
	GATE_MODE,
	GATE_KEY_HPF,
	GATE_KEY_LPF,
	GATE_KEY_LISTEN,
};

static const char *const gate_mode_labels[] = {"gate", "duck", NULL};
static const char *const gate_open_labels[] = {"shut", "open", NULL};

static const struct mixd_port_row gate_ports[] = {
	SIDECHAIN_PORTS("What is let through",
			"What opens the gate, when linked; else the input does",
			"The gated signal"),
};

static const struct mixd_param_row gate_params[] = {
	[GATE_THRESHOLD] = {SIDECHAIN_FLOAT("threshold", MIXD_UNIT_DBFS, -80, 0, -45,
					    MIXD_RAMP_LINEAR),
			    .doc = "Level that opens the gate"},
	[GATE_HYSTERESIS] = {SIDECHAIN_FLOAT("hysteresis", MIXD_UNIT_DB, 0, 12, 4,
					     MIXD_RAMP_LINEAR),
			     .doc = "How far below the threshold an open gate stays open"},
	[GATE_ATTACK] = {SIDECHAIN_FLOAT("attack", MIXD_UNIT_MS, 0.05, 50, 1, MIXD_RAMP_LOG),
			 .doc = "Time from shut to open; below 0.5 ms it is a click of its own"},
	[GATE_HOLD] = {.id = "hold",
		       .unit = MIXD_UNIT_MS,
		       .max = 2000,
		       .def = 50,
		       .doc = "Time below the threshold before the release begins; with less than "
			      "half a period of the lowest tone the gate flutters"},
	[GATE_RELEASE] = {SIDECHAIN_FLOAT("release", MIXD_UNIT_MS, 5, 3000, 150, MIXD_RAMP_LOG),
			  .doc = "Time from open to shut"},
	[GATE_RANGE] = {SIDECHAIN_FLOAT("range", MIXD_UNIT_DB, 0, GATE_RANGE_MAX, 60,
					MIXD_RAMP_LINEAR),
			.doc = "Reduction when shut; the maximum is silence"},
	[GATE_MODE] = {.id = "mode",
		       .type = MIXD_TYPE_ENUM,
		       .max = 1,
		       .labels = gate_mode_labels,
		       .doc = "gate reduces what is below the threshold, duck what is above"},
	[GATE_KEY_HPF] = SIDECHAIN_KEY_HPF(SIDECHAIN_HPF_OFF_HZ),
	[GATE_KEY_LPF] = SIDECHAIN_KEY_LPF(SIDECHAIN_LPF_OFF_HZ),
	[GATE_KEY_LISTEN] = SIDECHAIN_KEY_LISTEN,
};

static const struct mixd_config_row gate_configs[] = {
	SIDECHAIN_LOOKAHEAD(10),
};

enum { GATE_METER_GR, GATE_METER_OPEN };

static const struct mixd_meter_row gate_meters[] = {
	[GATE_METER_GR] = SIDECHAIN_GR("Gain reduction of all channels"),
	[GATE_METER_OPEN] = {.id = "open",
			     .doc = "Whether the detector is above the threshold",
			     .fold = MIXD_FOLD_LAST,
			     .labels = gate_open_labels},
};
