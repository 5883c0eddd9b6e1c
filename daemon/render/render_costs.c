/* render_costs.c - what node types cost: a stereo node at 48 kHz, as tests/bench/bench_engine tells.
 * Only ratios count. What is not in the table costs COST_OTHER. */
#include "render_costs.h"

#include <stdlib.h>
#include <string.h>

#define COST_OTHER 6.0

static const struct cost {
	const char *type;
	double base, channel; /* ns per frame: of the node, and of each of its channels */
} cost_rows[] = {
	{"align", 0.2, 0.3},   {"balance", 0.2, 0.3},	{"bus", 0.2, 0.3},    {"comp", 2.0, 2.0},
	{"dither", 0.3, 1.5},  {"eq", 0.5, 1.5},	{"gain", 0.1, 0.3},   {"input", 0.1, 0.3},
	{"limiter", 4.0, 6.0}, {"multicomp", 4.0, 7.0}, {"output", 0.1, 0.3}, {"pan", 0.2, 0.4},
	{"tap", 0.1, 0.3},     {"vca", 0.1, 0.0},
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
			return cost_rows[i].base + cost_rows[i].channel * channels;
	return COST_OTHER * channels / 2;
}
