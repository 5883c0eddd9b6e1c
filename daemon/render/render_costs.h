/* render_costs.h - what a node costs, roughly: where a graph is cut in two.
 *
 * THREADS     [any]; no byte of a render depends on it. */
#pragma once

#include "graph_model.h"

/* Nanoseconds per frame, by a table of types and the channels of its ports. */
double render_cost_ns(const struct graph_node *node, const struct graph_layouts *layouts);
