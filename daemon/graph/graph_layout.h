/* graph_layout.h - layouts by name. Named: mono stereo 2.1 3.0 quad 5.0 5.1 6.1 7.1 5.1.2 5.1.4
 * 7.1.2 7.1.4; "Nch" (1..64) is discrete.
 *
 * THREADS     [any]; the table is immutable, "Nch" layouts are made once and live for ever. */
#pragma once

#include <mixd/layout.h>

#include "error.h"

/* NULL with err filled when there is no such layout. */
const struct mixd_layout *graph_layout_find(const char *name, struct mixd_error *err);
const char *graph_position_name(uint8_t position); /* "FL"; "AUX" for MIXD_POS_NONE */
/* Write the name of channel IDX: "FL", "MONO", "AUX7". */
void graph_layout_channel_name(const struct mixd_layout *layout, uint32_t idx, char buf[8]);
/* All names, NULL-terminated, without "Nch". */
const char *const *graph_layout_names(void);
