/* render_costs.c - what node types cost: a stereo node at 48 kHz, as tests/bench/bench_engine tells.
 * Only ratios count: those of `eq`, `dyneq`, `geq`, `convolver`, `limiter`, `multicomp` and `player` are of
 * nodes in use, not of fresh ones. What is not in the table costs COST_OTHER. */
#include "render_costs.h"

#include <stdlib.h>
#include <string.h>

#define COST_OTHER 6.0

static const struct cost {
	const char *type;
	double stereo; /* ns per frame */
} cost_rows[] = {
	{"align", 0.4},	  {"balance", 0.5},  {"bus", 0.6},	{"chorus", 48},	   {"clipper", 34},
	{"comp", 5},	  {"convolver", 40}, {"declick", 175},	{"deesser", 11.5}, {"delay", 5},
	{"denoise", 45},  {"dereverb", 27},  {"dither", 2.5},	{"ducker", 7},	   {"dyneq", 8},
	{"eq", 3.5},	  {"exciter", 24},   {"expander", 4.7}, {"flanger", 12},   {"gain", 0.5},
	{"gate", 1},	  {"geq", 8},	     {"input", 0.5},	{"leveler", 3.7},  {"limiter", 11},
	{"loudness", 10}, {"multicomp", 18}, {"output", 0.5},	{"pan", 0.6},	   {"phaser", 16},
	{"plate", 13},	  {"player", 2.5},   {"reverb", 36},	{"saturator", 61}, {"tap", 0.4},
	{"tilt", 2},	  {"transient", 14}, {"vca", 0.05},	{"width", 0.9},
};

double render_cost_ns(const struct graph_node *node, const struct graph_layouts *layouts)
{
	const char *id = node->type->node_type->id;
	const struct mixd_layout *layout = NULL;
	uint32_t channels = 2;

	if (node->n_out_ports > 0)
		layout = graph_layouts_port(layouts, node, true, 0);
	else if (node->n_in_ports > 0)
		layout = graph_layouts_port(layouts, node, false, 0);
	if (layout)
		channels = layout->n_channels;
	for (uint32_t i = 0; i < sizeof(cost_rows) / sizeof(cost_rows[0]); i++)
		if (strcmp(cost_rows[i].type, id) == 0)
			return cost_rows[i].stereo * channels / 2;
	return COST_OTHER * channels / 2;
}
