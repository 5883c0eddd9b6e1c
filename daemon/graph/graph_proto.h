/* graph_proto.h - parts of the model as messages; what makes operations, changes and snapshots.
 *
 * WHAT        Everything is returned and owned by the caller (free with the message's
 *             __free_unpacked()); NULL when out of memory.
 * VALUES      numbers of floats and ints, flags of switches, labels of enums, texts of strings.
 * THREADS     [any] */
#pragma once

#include "graph_model.h"

#include "mixd/v1/control.pb-c.h"

/* TEXT copied as a field of a message: "" is protobuf-c's own empty string. False: no memory. */
bool graph_proto_text(char **field, const char *text);
Mixd__V1__Value *graph_proto_number(double number);
Mixd__V1__Value *graph_proto_param_value(const struct mixd_param_row *row, double value);
Mixd__V1__Value *graph_proto_config_value(const struct mixd_config_row *row,
					  const struct mixd_value *value);
/* Settings that differ from their defaults. */
Mixd__V1__Node *graph_proto_node(const struct graph_node *node);
Mixd__V1__Link *graph_proto_link(const struct graph_link *link);
/* All but the level; those at their defaults only when ALL. */
int graph_proto_link_settings(const struct graph_link *link, bool all, Mixd__V1__Setting ***ret,
			      size_t *ret_n);
Mixd__V1__Marker *graph_proto_marker(const struct graph_marker *marker);
Mixd__V1__Envelope *graph_proto_envelope(const struct graph_envelope *envelope);
int graph_proto_settings(const struct graph_node *node, Mixd__V1__Setting ***ret, size_t *ret_n);
int graph_proto_points(const struct graph_point *points, size_t n, Mixd__V1__Point ***ret,
		       size_t *ret_n);
