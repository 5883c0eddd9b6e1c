/* mixd/layout.h - channel positions and the layouts made of them.
 *
 * WHAT        A port carries 1..64 channels in a named layout. Positions follow ITU-R BS.2051; the
 *             names are those PipeWire uses, so that ports can be labelled without translation.
 * NOT HERE    the lookup by name: daemon/graph/graph_layout.h (main thread only). */
#pragma once

#include <stdint.h>

enum mixd_position {
	MIXD_POS_NONE, /* discrete: no position */
	MIXD_POS_MONO,
	MIXD_POS_FL,
	MIXD_POS_FR,
	MIXD_POS_FC,
	MIXD_POS_LFE,
	MIXD_POS_SL, /* +90..110 */
	MIXD_POS_SR,
	MIXD_POS_RL, /* +135 */
	MIXD_POS_RR,
	MIXD_POS_RC,
	MIXD_POS_FLC,
	MIXD_POS_FRC,
	MIXD_POS_TFL, /* upper layer */
	MIXD_POS_TFR,
	MIXD_POS_TSL,
	MIXD_POS_TSR,
	MIXD_POS_TRL,
	MIXD_POS_TRR,
	MIXD_POS_COUNT_
};

struct mixd_layout {
	const char *name; /* "mono", "stereo", "5.1", ... */
	uint32_t n_channels; /* 1..64 */
	const uint8_t *position; /* enum mixd_position of each channel */
};
