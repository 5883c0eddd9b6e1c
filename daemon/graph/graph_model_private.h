/* graph_model_private.h - how the model is changed. Only graph_txn*.c and graph_proto*.c include
 * this.
 *
 * WHAT        The tables are as large as their limits from the start (192 KiB, untouched pages cost
 *             nothing), so that putting in what was taken out cannot fail: taking back a
 *             transaction needs no memory.
 * THREADS     [main] */
#pragma once

#include "graph_model.h"

/* ---- parts, not in any model ---- */

/* Defaults everywhere, no slot. NULL when out of memory. */
struct graph_node *graph_node_new(const struct graph_type *type, const char *name);
struct graph_node *graph_node_free(struct graph_node *node);
struct graph_envelope *graph_envelope_free(struct graph_envelope *envelope);
/* Recount ports after a change of configs. */
void graph_node_count_ports(struct graph_node *node);
bool graph_node_is_boundary(const struct graph_node *node);
/* Ports of one direction if the config CONFIG_IDX had VALUE. */
uint32_t graph_node_ports_with(const struct graph_node *node, bool output, uint32_t config_idx,
			       double value);
/* How many ports its first row of one direction stands for: the main port, or in1 .. inN. */
uint32_t graph_node_main_ports(const struct graph_node *node, bool output);
/* G1, for a table that was filled in any order. */
void graph_model_sort(struct graph_model *model);
/* The rule of a port, counted rows unrolled. */
enum mixd_port_layout graph_node_port_rule(const struct graph_node *node, bool output,
					   uint32_t port);
/* -1: no such port. The bare id of a counted row means its first. */
int graph_node_port_find(const struct graph_node *node, bool output, const char *port);

/* ---- tables of the model; parts are taken and given back, uids stay what they are ---- */

void graph_model_put_node(struct graph_model *model, struct graph_node *node);
void graph_model_take_node(struct graph_model *model, struct graph_node *node);
/* NAME is taken; returned: the old one. */
char *graph_model_rename_node(struct graph_model *model, struct graph_node *node, char *name);
void graph_model_put_link(struct graph_model *model, struct graph_link *link);
void graph_model_take_link(struct graph_model *model, struct graph_link *link);
struct graph_link *graph_model_find_link(const struct graph_model *model,
					 const struct graph_node *from, uint32_t from_port,
					 const struct graph_node *to, uint32_t to_port);
void graph_model_put_envelope(struct graph_model *model, struct graph_envelope *envelope);
void graph_model_take_envelope(struct graph_model *model, struct graph_envelope *envelope);
struct graph_envelope *graph_model_find_envelope(const struct graph_model *model,
						 const struct graph_node *node, uint32_t param_idx);
struct graph_marker *graph_marker_new(const char *name, double at_s); /* NULL: no memory */
struct graph_marker *graph_marker_free(struct graph_marker *marker);
int graph_marker_check(const char *name, double at_s, struct mixd_error *err);
void graph_model_put_marker(struct graph_model *model, struct graph_marker *marker);
void graph_model_take_marker(struct graph_model *model, struct graph_marker *marker);
/* The lowest that is free, or GRAPH_SLOT_NONE. */
uint32_t graph_model_free_slot(const struct graph_model *model);

/* ---- values ---- */

/* VALUE for param PARAM_IDX of NODE. RELATIVE adds to the present value. */
int graph_node_read_param(const struct graph_node *node, uint32_t param_idx,
			  const Mixd__V1__Value *value, bool relative, const char *address,
			  double *ret, struct mixd_error *err);
/* For a config; ret->text is owned by the caller for STRING, else NULL. */
int graph_node_read_config(const struct graph_node *node, uint32_t config_idx,
			   const Mixd__V1__Value *value, bool relative, const char *address,
			   struct mixd_value *ret, struct mixd_error *err);
bool graph_node_config_equal(const struct graph_node *node, uint32_t config_idx,
			     const struct mixd_value *value);
/* Param or config ID of NODE; -ENOENT with the nearest. */
int graph_node_find_setting(const struct graph_node *node, const char *id,
			    struct graph_address *ret, struct mixd_error *err);
/* Take SETTINGS over into a node that is in no model yet. */
int graph_node_read_settings(struct graph_node *node, Mixd__V1__Setting *const *settings, size_t n,
			     struct mixd_error *err);
/* -1: no such curve; "" is smooth. */
int graph_curve_find(const char *name);
/* Whether ROW can take CURVE; the error has the remedy. */
int graph_curve_check(const struct mixd_param_row *row, enum graph_curve curve, const char *address,
		      struct mixd_error *err);
/* Points and curve of an envelope for PARAM_IDX, checked. *ret is in no model yet. */
int graph_envelope_read(struct graph_node *node, uint32_t param_idx, Mixd__V1__Point *const *points,
			size_t n_points, const char *curve, const char *address,
			struct graph_envelope **ret, struct mixd_error *err);
/* Points, curve, and whether it is on the time line. */
bool graph_envelope_equal(const struct graph_envelope *a, const struct graph_envelope *b);
/* VALUE for ROW, or for what ROW is now (CURRENT). */
int graph_row_read(const struct mixd_param_row *row, double def, double current,
		   const Mixd__V1__Value *value, bool relative, const char *address, double *ret,
		   struct mixd_error *err);

/* ---- links: graph_link.c ---- */

bool graph_link_equal(const struct graph_link *a,
		      const struct graph_link *b); /* what they are set to */
int graph_link_read(const struct graph_link *link, uint32_t row, const Mixd__V1__Value *value,
		    bool relative, const char *address, double *ret, struct mixd_error *err);
/* Into link->value; ADDRESS is for errors. */
int graph_link_read_settings(struct graph_link *link, Mixd__V1__Setting *const *settings, size_t n,
			     const char *address, struct mixd_error *err);
/* "from->to.id" in parts; id may be empty. False: no arrow, or too long. */
struct graph_link_words {
	char from[GRAPH_ADDRESS_MAX], to[GRAPH_ADDRESS_MAX], id[GRAPH_ID_MAX];
};
bool graph_link_split(const char *address, struct graph_link_words *ret);
int graph_link_find_address(const struct graph_model *model, const char *address,
			    struct graph_address *ret, struct mixd_error *err);
int graph_link_glob(const struct graph_model *model, const char *glob,
		    int (*fn)(void *data, const struct graph_address *address, const char *text),
		    void *data, struct mixd_error *err);
bool graph_link_end_matches(const char *pattern, const struct graph_node *node, bool output,
			    uint32_t port);
int graph_link_no_such(const char *from, const char *to, struct mixd_error *err);
