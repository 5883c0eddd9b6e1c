/* sidechain_rows.h - the table rows that dynamics nodes have in common. */
#pragma once

#include <mixd/node.h>

#include "sidechain.h"

#define SIDECHAIN_FLOAT(id_, unit_, min_, max_, def_, ramp_)                                       \
	.id = id_, .unit = unit_, .min = min_, .max = max_, .def = def_, .ramp = ramp_,            \
	.smooth_ms = 20
#define SIDECHAIN_SWITCH(id_) .id = id_, .type = MIXD_TYPE_BOOL, .max = 1

#define SIDECHAIN_PORTS(in_doc, key_doc, out_doc)                                                  \
	{.id = "in", .doc = in_doc, .layout = MIXD_PORT_MAIN},                                     \
		{.id = "key", .doc = key_doc, .layout = MIXD_PORT_FOLLOW},                         \
	{                                                                                          \
		.id = "out", .doc = out_doc, .is_output = true, .layout = MIXD_PORT_MAIN           \
	}

#define SIDECHAIN_KEY_HPF(def_)                                                                    \
	{                                                                                          \
		SIDECHAIN_FLOAT("key_hpf", MIXD_UNIT_HZ, SIDECHAIN_HPF_OFF_HZ, 4000, def_,         \
				MIXD_RAMP_LOG),                                                    \
			.doc = "High pass in front of the detector, 12 dB/oct; the minimum is off" \
	}
#define SIDECHAIN_KEY_LPF(def_)                                                                    \
	{                                                                                          \
		SIDECHAIN_FLOAT("key_lpf", MIXD_UNIT_HZ, 200, SIDECHAIN_LPF_OFF_HZ, def_,          \
				MIXD_RAMP_LOG),                                                    \
			.doc = "Low pass in front of the detector, 12 dB/oct; the maximum is off"  \
	}
#define SIDECHAIN_KEY_LISTEN                                                                       \
	{                                                                                          \
		SIDECHAIN_SWITCH("key_listen"),                                                    \
			.doc = "Hear what the detector hears, instead of the output"               \
	}
#define SIDECHAIN_LOOKAHEAD(max_)                                                                  \
	{                                                                                          \
		.id = "lookahead", .unit = MIXD_UNIT_MS, .max = max_,                              \
		.doc = "Delay of the signal against the detector; adds latency"                    \
	}
#define SIDECHAIN_GR(doc_)                                                                         \
	{                                                                                          \
		.id = "gr", .doc = doc_, .unit = MIXD_UNIT_DB, .fold = MIXD_FOLD_MIN               \
	}
