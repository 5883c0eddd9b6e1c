/* fake_types.h - a small table of node types for tests that must not depend on modules.
 *
 * WHAT        gain (a GAIN param, an INT and an ENUM beside it), eq (group band x32), bus (counted
 *             inputs, then a counted row of sends behind an "aux"), duck (key input), tone (source),
 *             input and output (boundaries with text configs), loop (feedback), player (a list of clips;
 *             silent), pan. They make plain,
 *             deterministic sound: gain multiplies, bus adds, the others copy.
 * USE         struct graph_types *types = ...; for (i < FAKE_TYPES) graph_types_add(types,
 *             fake_types[i], "fake", &err); */
#pragma once

#include <mixd/node.h>

#define FAKE_TYPES 10u
extern const struct mixd_node_type *const fake_types[FAKE_TYPES];
extern const struct mixd_node_type fake_gain, fake_eq, fake_bus, fake_duck, fake_tone, fake_input,
	fake_output, fake_loop, fake_player, fake_pan;
