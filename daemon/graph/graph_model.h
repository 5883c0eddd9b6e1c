/* graph_model.h - what the operator has built: nodes, links, envelopes. Pure data, no sound.
 *
 * WHAT        The one truth about the graph. Changed only by graph_txn.h; compiled by
 *             graph_plan.h.
 * THREADS     [main] only.
 * INVARIANTS  G1 names are unique, 1..128 of [A-Za-z0-9_./-], neither starting nor ending with '/'
 *                or '.', and contain no ':' ; nodes are sorted by name; links by (from name, from
 *                port, to name, to port).
 *             G2 a uid is never used twice in the life of the process; a rename keeps it; a
 *                changed config raises config_gen.
 *             G3 every link joins an existing output port to an existing input port, once.
 *             G4 values are inside their rows' ranges.
 *             G5 a param with an envelope has the value of its last point: as with a ramp, the
 *                model says where the sound is going. An envelope is an action, not a state: it
 *                leaves the model when it has arrived, and nothing begins it again (undo, restart).
 *                Clearing it on its way makes what it has reached the value.
 *             G6 an envelope on the time line is a part of the graph like a link: it stays until it is
 *                cleared, is undone and restored, and leaves the value of its param alone: that is
 *                what sounds while the transport stands still.
 *             G7 markers have unique names and are sorted by position, then name.
 * LIMITS      GRAPH_NODES_MAX, GRAPH_LINKS_MAX, GRAPH_ENVELOPES_MAX, GRAPH_POINTS_MAX. */
#pragma once

#include "graph_layout.h"
#include "graph_types.h"

#include "mixd/v1/graph.pb-c.h"

#define GRAPH_NODES_MAX 4096u
#define GRAPH_LINKS_MAX 16384u
#define GRAPH_ENVELOPES_MAX 4096u
#define GRAPH_POINTS_MAX 4096u
#define GRAPH_MARKERS_MAX 1024u
#define GRAPH_MARKER_NAME_MAX 64u
#define GRAPH_TIMELINE_MAX_S 360000.0 /* 100 h */
#define GRAPH_NAME_MAX 128u
#define GRAPH_ADDRESS_MAX 416u /* buffer for "node.param", "node:port", "a:out->b:key.level" */
#define GRAPH_TEXT_MAX 4096u /* bytes of a text config */
#define GRAPH_CLIPS_TEXT_MAX 131072u /* bytes of one that is a list of clips */
#define GRAPH_LINK_GAIN_MIN_DB -144.0 /* = silent, written -inf */
#define GRAPH_LINK_GAIN_MAX_DB 60.0
#define GRAPH_PORTS_MAX 4096u /* per node: in1 .. in4096 of a bus */
#define GRAPH_SLOTS_MAX 256u /* boundary nodes */
#define GRAPH_SLOT_NONE UINT32_MAX
/* Marks of what is not in the model, made for the engine (graph_expand.h). */
#define GRAPH_UID_TAP (UINT64_C(1) << 63)
#define GRAPH_UID_LISTEN (UINT64_C(1) << 62)

/* In place: the other strips are silent. PFL, AFL: heard on the bus that listens, from before the strip
 * or from behind it. */
enum graph_solo { GRAPH_SOLO_OFF, GRAPH_SOLO_SIP, GRAPH_SOLO_PFL, GRAPH_SOLO_AFL };
extern const char *const graph_solo_names[]; /* NULL-terminated, in the order above */

struct graph_node {
	uint64_t uid;
	char *name;
	const struct graph_type *type;
	double *value; /* type->n_params, declared units (dB, not factors) */
	struct mixd_value *config; /* type->n_configs; text owned */
	uint32_t config_gen;
	uint32_t slot; /* boundary types (EXTERNAL_IN/OUT): the clock's slot for this node; else
			  GRAPH_SLOT_NONE */
	uint32_t n_in_ports, n_out_ports; /* after count configs */
	enum graph_solo solo; /* for the moment: in no message, journal or session */
	struct graph_node *tap; /* scratch of graph_expand() */
	uint32_t mark; /* scratch of graph_expand() */
};

/* What a link is set to, in order. Rows like those of params: units, ranges, defaults. A link at its
 * defaults passes on what it is given. With tap=pre it takes what enters the main input of its node
 * (the sum of what feeds it) in place of what leaves the main output. */
enum graph_link_row {
	GRAPH_LINK_LEVEL, /* dB; -144 = silent */
	GRAPH_LINK_PAN, /* -100..100, into stereo */
	GRAPH_LINK_MUTE,
	GRAPH_LINK_TAP, /* enum graph_tap */
	GRAPH_LINK_ROWS
};
enum graph_tap { GRAPH_TAP_POST, GRAPH_TAP_PRE };
extern const struct mixd_param_row graph_link_rows[GRAPH_LINK_ROWS];

struct graph_link {
	uint64_t uid;
	struct graph_node *from, *to; /* borrowed from the same model */
	uint32_t from_port, to_port; /* index among the node's output / input ports */
	double value[GRAPH_LINK_ROWS];
};

/* Where a param goes between two values. LOG is linear in the logarithm: of the factor for a gain,
 * of the value for what is above 0 in all its range (frequencies, times), refused for others. A
 * level in dB, dBFS, dBTP, LUFS or LU is a logarithm: for it LOG is linear in dB. Params that are no
 * FLOAT have nothing in between: they step. */
enum graph_curve {
	GRAPH_CURVE_SMOOTH,
	GRAPH_CURVE_LINEAR,
	GRAPH_CURVE_LOG,
	GRAPH_CURVE_EQUAL_POWER,
	GRAPH_CURVE_STEP
};
extern const char *const graph_curve_names[]; /* NULL-terminated, in the order above */

struct graph_point {
	double at_ms, value;
};
struct graph_envelope {
	uint64_t uid;
	struct graph_node *node;
	uint32_t param_idx; /* into node->value */
	enum graph_curve curve;
	struct graph_point *points;
	uint32_t n_points;
	/* Its points stand on the time line of the transport: while that rolls, the param has the value
	 * of where it is. Such an envelope is a state (G6). */
	bool on_timeline;
};

/* A place on the time line with a name. */
struct graph_marker {
	char *name; /* 1..GRAPH_MARKER_NAME_MAX bytes of text, neither a number nor with a sign or colon in it */
	double at_s;
};

struct graph_preset; /* graph_presets.h */
struct graph_sound; /* graph_clips.h */
struct graph_sound_query;

struct graph_model {
	char *name;
	const struct graph_types *types; /* borrowed */
	struct graph_node **nodes;
	uint32_t n_nodes;
	struct graph_link **links;
	uint32_t n_links;
	struct graph_envelope **envelopes;
	uint32_t n_envelopes;
	struct graph_marker **markers;
	uint32_t n_markers;
	double rate; /* Hz of what plays it, for texts in frames; 0: not known */
	uint64_t last_uid;
	/* What a param has reached by now on its envelope; false: not known. NULL: nothing sounds. */
	bool (*value_now)(void *data, uint64_t node_uid, uint32_t param_idx, double *ret_value);
	void *value_now_data;
	/* The preset NAME of TYPE, borrowed until the next question; NULL: there are none. */
	int (*find_preset)(void *data, const struct graph_type *type, const char *name,
			   const struct graph_preset **ret, struct mixd_error *err);
	void *find_preset_data;
	/* What is to be known of a sound file, for edits of clips; NULL: files are out of reach. */
	int (*find_sound)(void *data, const struct graph_sound_query *query,
			  struct graph_sound *ret, struct mixd_error *err);
	void *find_sound_data;
};

struct graph_model *graph_model_new(const struct graph_types *types, const char *name);
struct graph_model *graph_model_free(struct graph_model *model);
/* ENVELOPE has arrived, or will not play: it leaves the model and is freed. Not a change: the value
 * stays (G5), there is no revision and no way back. */
void graph_model_end_envelope(struct graph_model *model, struct graph_envelope *envelope);
/* G1, as an error with the remedy. */
int graph_name_check(const char *name, struct mixd_error *err);

struct graph_marker *graph_model_find_marker(const struct graph_model *model,
					     const char *name); /* or NULL */
struct graph_node *graph_model_node(const struct graph_model *model,
				    const char *name); /* or NULL */
struct graph_node *graph_model_node_uid(const struct graph_model *model,
					uint64_t uid); /* or NULL */
/* -ENOENT names the nearest node. */
int graph_model_find_node(const struct graph_model *model, const char *name,
			  struct graph_node **ret, struct mixd_error *err);
/* "node" or "node:port"; a bare node means its main port. */
int graph_model_find_port(const struct graph_model *model, const char *address, bool output,
			  struct graph_node **ret_node, uint32_t *ret_port, struct mixd_error *err);
/* "node.param": the longest prefix that is a node's name. *ret_param indexes params, or configs
 * when *ret_is_config, or meters when *ret_is_meter (then *ret_channel, 0 = not a channel's). Any
 * ret_ may be NULL. "from->to.level" is a link's, idx an enum graph_link_row. */
struct graph_address {
	struct graph_node *node; /* of a link: the one it goes to */
	struct graph_link *link; /* GRAPH_ADDRESS_LINK only */
	enum {
		GRAPH_ADDRESS_PARAM,
		GRAPH_ADDRESS_CONFIG,
		GRAPH_ADDRESS_METER,
		GRAPH_ADDRESS_LINK
	} kind;
	uint32_t idx;
	uint32_t channel;
};
int graph_model_find_address(const struct graph_model *model, const char *address,
			     struct graph_address *ret, struct mixd_error *err);
/* Every address that matches GLOB ("vox/'*'.gain", "{a,b}", '?', '[...]'; '*' stops at '/', "**"
 * does not). KINDS is a mask of 1 << kind. A GLOB that matches a node's whole name means all its
 * addresses of KINDS. Calls FN node by node in order of name, then params, configs and meters in
 * order of their tables; stops when it returns non-zero and returns that.
 * -ENOENT when nothing matches. Links are reached by globs with an arrow alone ("vox/'*'->fx/'*'.level"),
 * and by all their rows when no row is named. */
int graph_model_glob(const struct graph_model *model, const char *glob, unsigned kinds,
		     int (*fn)(void *data, const struct graph_address *address, const char *text),
		     void *data, struct mixd_error *err);
bool graph_glob_match(const char *glob, const char *text);

/* "vox.band1.freq", "meter.tp2" */
void graph_address_format(const struct graph_address *address, char *buf, size_t size);
/* "vox/fader->fx/reverb" */
void graph_link_format(const struct graph_link *link, char *buf, size_t size);
/* -ENOENT with the nearest; err may be NULL. */
int graph_link_find_row(const char *id, const char *address, struct mixd_error *err);
bool graph_link_is_default(const struct graph_link *link, uint32_t row);
void graph_node_port_name(const struct graph_node *node, bool output, uint32_t port, char *buf,
			  size_t size);
/* "mic:out" */
void graph_node_port_address(const struct graph_node *node, bool output, uint32_t port, char *buf,
			     size_t size);

/* Layouts after propagation along the links ("auto" takes the layout of what feeds the main input,
 * else stereo). Arrays are sized by the caller to n_in_ports / n_out_ports. -EINVAL when a link
 * joins layouts that do not fit (equal, or mono into anything, fit); the error names the link. */
struct graph_layouts; /* one entry per node of the model */
int graph_layouts_resolve(const struct graph_model *model, struct graph_layouts **ret,
			  struct mixd_error *err);
struct graph_layouts *graph_layouts_free(struct graph_layouts *layouts);
const struct mixd_layout *graph_layouts_port(const struct graph_layouts *layouts,
					     const struct graph_node *node, bool output,
					     uint32_t port);

/* The whole graph as a message (settings that differ from defaults: numbers, flags of switches, labels
 * of enums, texts), and back: there numbers, flags and texts with units all do. Returned:
 * free with mixd__v1__graph__free_unpacked(). */
Mixd__V1__Graph *graph_model_to_proto(const struct graph_model *model);
int graph_model_from_proto(const struct graph_types *types, const Mixd__V1__Graph *graph,
			   struct graph_model **ret, struct mixd_error *err);
/* The table of a type, as data. Returned; free with mixd__v1__node_type__free_unpacked(). */
Mixd__V1__NodeType *graph_type_to_proto(const struct graph_type *type);
