/* graph_ops.h - makers of primitive operations and of changes for events.
 *
 * WHAT        Each returns a message of its own, NULL when out of memory. VALUE arguments are taken,
 *             also on failure, and may be NULL (then NULL is returned).
 * THREADS     [any] */
#pragma once

#include "graph_proto.h"

#include "mixd/v1/events.pb-c.h"

Mixd__V1__Op *graph_op_add_node(const struct graph_node *node);
Mixd__V1__Op *graph_op_remove_node(const char *name);
Mixd__V1__Op *graph_op_rename_node(const char *name, const char *to);
Mixd__V1__Op *graph_op_set(const char *address, Mixd__V1__Value *value, double over_ms,
			   const char *curve);
/* With all that LINK is set to. */
Mixd__V1__Op *graph_op_link(const char *from, const char *to, const struct graph_link *link);
Mixd__V1__Op *graph_op_unlink(const char *from, const char *to);
/* ENVELOPE NULL: clear. */
Mixd__V1__Op *graph_op_automate(const char *address, const struct graph_envelope *envelope);
/* MARKER NULL: NAME goes. */
Mixd__V1__Op *graph_op_marker(const char *name, const struct graph_marker *marker);
Mixd__V1__Op *graph_op_copy(const Mixd__V1__Op *op);
Mixd__V1__Value *graph_value_copy(const Mixd__V1__Value *value);

Mixd__V1__Change *graph_change_node_added(const struct graph_node *node);
Mixd__V1__Change *graph_change_node_removed(const char *name);
Mixd__V1__Change *graph_change_node_renamed(const char *from, const char *to);
Mixd__V1__Change *graph_change_param(const char *address, Mixd__V1__Value *value);
Mixd__V1__Change *graph_change_link(const struct graph_link *link, bool added);
Mixd__V1__Change *graph_change_marker(const char *name, const struct graph_marker *marker);
/* ENVELOPE NULL: cleared. */
Mixd__V1__Change *graph_change_envelope(const char *address, const struct graph_envelope *envelope);
