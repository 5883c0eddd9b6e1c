/* graph_types.h - the node types this process knows, with their tables expanded.
 *
 * WHAT        A registry of `mixd_node_type`. Each entry carries what every lookup needs: the
 *             params of all types ("bypass", "mute"), then the type's own with groups unrolled
 *             ("band1.freq" ...), then configs ("layout", then the type's own), then meters (the
 *             common ones first).
 * ORDER       a group is unrolled repetition by repetition: band1.freq band1.gain band2.freq ...
 *             so value k of repetition r (from 0) of a group whose rows begin at row g and number
 *             m is at g + r * m + k.
 * THREADS     filled on main before use; afterwards immutable, but for types made on demand, which
 *             only main adds.
 * NOT HERE    loading modules from disk: daemon/engine/engine_modules.h. */
#pragma once

#include <mixd/node.h>

#include "error.h"

#define GRAPH_ID_MAX 64u /* "band32.freq" */
#define GRAPH_TYPE_ID_MAX 255u /* "lv2:http://..." */
#define GRAPH_GROUP_MAX 1024u /* repetitions of a group */
#define GRAPH_PARAMS_MAX 8192u /* of one type, unrolled */
#define GRAPH_METERS_MAX 8192u /* of one type, rows with a count unrolled */

enum graph_common_param { GRAPH_PARAM_BYPASS, GRAPH_PARAM_MUTE, GRAPH_PARAM_COMMON };
enum graph_common_config { GRAPH_CONFIG_LAYOUT, GRAPH_CONFIG_COMMON };
/* load: % of the slice's time; state: enum graph_node_state; peak: dBFS of the main output (max).
 */
enum graph_common_meter {
	GRAPH_METER_PEAK,
	GRAPH_METER_LOAD,
	GRAPH_METER_STATE,
	GRAPH_METER_LATENCY,
	GRAPH_METER_COMMON
};

enum graph_node_state {
	GRAPH_NODE_RUNNING,
	GRAPH_NODE_BYPASSED,
	GRAPH_NODE_MUTED,
	GRAPH_NODE_SLEEPING,
	GRAPH_NODE_QUARANTINED,
	GRAPH_NODE_STATE_COUNT_
};
extern const char *const graph_node_state_names[GRAPH_NODE_STATE_COUNT_ + 1]; /* NULL-terminated */

/* One addressable param, config or meter of a type. */
struct graph_param {
	char id[GRAPH_ID_MAX];
	const struct mixd_param_row *row;
	double def;
};
struct graph_meter {
	char id[GRAPH_ID_MAX]; /* without the number when the row is numbered */
	const struct mixd_meter_row *row;
};

struct graph_type {
	const struct mixd_node_type *node_type;
	char *module; /* path it came from, or "built-in" */
	struct graph_param *params; /* GRAPH_PARAM_COMMON common ones first: index 0 of the node's
				       own is here 2 */
	uint32_t n_params;
	const struct mixd_config_row **configs; /* GRAPH_CONFIG_COMMON first */
	uint32_t n_configs;
	struct graph_meter *meters; /* GRAPH_METER_COMMON first; numbered rows once */
	uint32_t n_meters;
};

struct graph_types;

struct graph_types *graph_types_new(void);
struct graph_types *graph_types_free(struct graph_types *types);
/* Check the tables (ids, ranges, docs, defaults, duplicates) and add TYPE (borrowed, must outlive).
 * -EINVAL names the row; -EEXIST when the id is taken. [main] */
int graph_types_add(struct graph_types *types, const struct mixd_node_type *type,
		    const char *module, struct mixd_error *err);
/* Types made on demand: an id "<scheme>:..." that is not there is resolve()d when it is first
 * looked for, and stays. Not among graph_types_at(). */
struct graph_types_scheme {
	const char *scheme; /* borrowed, as the functions are */
	const struct mixd_node_type *(*resolve)(const char *id, struct mixd_fault *fault);
	const char *const *(*list)(void); /* may be NULL */
};
/* -EEXIST when the scheme is taken. [main] */
int graph_types_add_scheme(struct graph_types *types, const struct graph_types_scheme *scheme,
			   const char *module, struct mixd_error *err);
/* The ids that could be made on demand, NULL-terminated, scheme by scheme; NULL behind the last
 * scheme. [main] */
const char *const *graph_types_listed(const struct graph_types *types, uint32_t scheme_idx);
/* Those made so far, in the order in which they were; NULL behind the last. [main] */
const struct graph_type *graph_types_made(const struct graph_types *types, uint32_t idx);
/* NULL with err filled (nearest word) when unknown; err may be NULL. [any], but an id of a scheme:
 * [main] */
const struct graph_type *graph_types_find(const struct graph_types *types, const char *id,
					  struct mixd_error *err);
/* The same for a node that is not there yet: what only stands in for something that is missing
 * (MIXD_NODE_STAND_IN) is looked for again, and refused. Nodes that have the stand-in keep it. [main] */
const struct graph_type *graph_types_find_new(const struct graph_types *types, const char *id,
					      struct mixd_error *err);
uint32_t graph_types_count(const struct graph_types *types);
const struct graph_type *graph_types_at(const struct graph_types *types,
					uint32_t idx); /* sorted by id */

/* Index or -1. */
int graph_type_param(const struct graph_type *type, const char *id);
int graph_type_config(const struct graph_type *type, const char *id);
/* A row of several values, addressed as id1, id2, ...: one per channel, or `count` of them. */
static inline bool graph_meter_numbered(const struct mixd_meter_row *row)
{
	return row->per_channel || row->count > 0;
}
/* ID carries a number for a numbered row; *ret_channel is then 1.., else 0. */
int graph_type_meter(const struct graph_type *type, const char *id, uint32_t *ret_channel);
