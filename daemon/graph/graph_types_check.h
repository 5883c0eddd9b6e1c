/* graph_types_check.h - is a node type's table sound? A module with a faulty one is refused whole,
 * so that nothing behind the registry has to doubt a row.
 *
 * THREADS     [any]
 * RULES       ids are [a-z][a-z0-9_-]*, unique over params, configs and meters together with the
 *             common rows; every row has a doc; ranges are finite, min <= default <= max; enums
 *             have labels and nothing else has; a smoothed LOG row has min > 0; a GAIN row is a
 *             float in dB; rows of a group are neighbours and agree in count; the first input is
 *             "in", the first output "out". */
#pragma once

#include "graph_types.h"

extern const struct mixd_param_row graph_common_params[GRAPH_PARAM_COMMON];
extern const struct mixd_config_row graph_common_configs[GRAPH_CONFIG_COMMON];
extern const struct mixd_meter_row graph_common_meters[GRAPH_METER_COMMON];

/* -EINVAL names the row: "eq.band.freq". */
int graph_types_check(const struct mixd_node_type *type, struct mixd_error *err);
/* The same for a type that was made on demand for ID: "<scheme>:<anything printable>". */
int graph_types_check_demanded(const struct mixd_node_type *type, const char *id,
			       struct mixd_error *err);
