/* engine_inst.h - an instance as the engine has it: its params under way, its wiring, its state.
 *
 * WHAT        An engine_inst persists from plan to plan; an engine_node is the view that one plan has of
 *             it, with the ports and buffers of that plan. Ramps, fades and envelopes are what moves an
 *             instance; all are functions of the position.
 * THREADS     as in engine_internal.h; the groups of fields say who writes.
 * NOT HERE    who makes instances: engine_inst.c; links, plans and changes: engine_internal.h. */
#pragma once

#include <stdatomic.h>

#include "engine.h"
#include "graph_expand.h"

#define ENGINE_ALIGN 64u

/* A value on its way: smoothstep from START over FRAMES; FRAMES 0: at rest at TO. */
struct engine_fade {
	double from, to;
	uint64_t start;
	uint32_t frames;
};

/* ---- params ------------------------------------------------------------------------------ */

struct engine_ramp {
	double from, to; /* in the ramp's domain */
	double target; /* what the node reads at the end, exactly */
	uint64_t start;
	uint32_t frames;
	uint8_t curve; /* enum graph_curve */
	uint8_t domain; /* enum engine_domain */
	bool active;
	struct engine_envelope *envelope; /* or NULL; owned by the instance */
	struct engine_envelope *line; /* or NULL: on the time line; `envelope`, while that rolls */
};

enum engine_domain { ENGINE_DOMAIN_LINEAR, ENGINE_DOMAIN_LOG2 };

struct engine_envelope_point {
	uint64_t at_frames; /* after the start */
	double value; /* as the node reads it */
	double domain_value;
};

struct engine_envelope {
	/* --- immutable after init --- */
	uint64_t uid;
	struct engine_inst *inst; /* borrowed; the envelope dies with its instance */
	struct engine_node *node; /* in the plan in force when it begins */
	uint32_t param_idx; /* the node's own rows */
	uint8_t curve, domain;
	bool on_timeline; /* at_frames are positions there */
	uint32_t n_points, blend_frames;
	struct engine_envelope *next; /* main: all of the engine */
	/* --- rt --- */
	uint64_t start;
	double offset; /* domain: from where it began to where the param was */
	uint32_t join_frames; /* that long the offset goes away */
	uint32_t at; /* segment being played */
	double base; /* on the time line: what sounds while that stands still */
	/* --- shared: atomic --- */
	_Atomic uint64_t started; /* position + 1; 0: not yet */
	_Atomic bool let_go; /* rt will not look again */
	struct engine_envelope_point points[];
};

/* ---- instances ------------------------------------------------------------------------------ */

enum engine_mode { /* what is heard of an instance */
		   ENGINE_MODE_WET,
		   ENGINE_MODE_TO_DRY,
		   ENGINE_MODE_DRY,
		   ENGINE_MODE_TO_WET,
};

/* The wiring of one input port in one plan. */
enum engine_port_state { ENGINE_PORT_UNSET, ENGINE_PORT_ZERO, ENGINE_PORT_ALIAS, ENGINE_PORT_MIX };

struct engine_wire {
	struct engine_link *link;
	float *const *source; /* out pointers of the source port */
	const uint8_t *silent; /* the source port's flag */
	uint32_t n_source; /* its channels */
};

struct engine_port {
	struct engine_wire *wires;
	uint32_t n_wires;
	uint32_t first, n; /* channels in the node's in[] */
	float **mix; /* n buffers */
	const uint8_t *silent; /* of the only wire */
	enum engine_port_state state;
	bool steady; /* one settled link at unity: its source's buffer, or zeros */
};

/* An instance in one plan. */
struct engine_node {
	struct mixd_inst view; /* first: services find the node by it */
	struct engine_inst *inst;
	struct engine_port *ports; /* n_in_ports */
	const float **in; /* n_in: what the links bring */
	float **out; /* n_out */
	uint8_t *out_silent; /* per output port */
	const float **lane_in; /* banks: this instance's entries in bank->in */
	float **lane_out;
	const float **ext_in; /* boundary types */
	float **ext_out;
	struct engine_inst **group; /* VCAs that move its gain */
	struct engine_inst **members; /* of a VCA: those that it moves */
	uint32_t n_group, n_members;
	uint32_t n_in_ports, n_out_ports;
	uint32_t lane;
	uint32_t guard_run; /* nodes that the guard looks at together have one number */
	bool dormant; /* lanes are pointed at zeros and scratch */
	bool runs; /* in this slice */
	bool in_silent;
};

struct engine_meter_slot {
	_Atomic double last;
	_Atomic double fold[ENGINE_METER_READERS];
};

struct engine_inst { /* 64-byte aligned: what every slice looks at is in the first line */
	/* --- rt --- */
	bool moving; /* work in cells */
	bool plain; /* mode WET, not muted, nothing fading */
	bool asleep, window_loud;
	/* --- immutable after init --- */
	bool external_in, external_out, laned;
	bool dry_silent; /* bypass gives silence */
	uint32_t n_in, n_out; /* channels */
	uint32_t main_in, main_out; /* channels of the main ports */
	uint64_t sleep_after; /* silent frames at the input; UINT64_MAX: never */
	/* --- rt --- */
	uint64_t quiet; /* frames, in whole windows */
	uint32_t peak_bits;
	enum engine_mode mode;
	/* --- immutable after init --- */
	struct engine *engine;
	uint64_t id; /* of this instance; never used twice */
	uint64_t uid; /* of the model's node */
	uint32_t config_gen, slot;
	char *lack; /* why it goes without its files; NULL: it has them */
	const struct graph_type *type;
	const struct mixd_node_type *node_type;
	struct mixd_setup setup;
	const struct mixd_layout **layouts; /* in ports, then out ports */
	uint32_t *firsts; /* in_first, then out_first */
	struct mixd_value *config;
	struct mixd_need need;
	uint32_t gain_idx; /* the param that VCAs move; UINT32_MAX: none */
	uint32_t n_params; /* own rows */
	uint32_t n_meters; /* values the node writes */
	uint32_t *meter_first; /* per row of its own: index of its first value; + 1 */
	struct engine_node home; /* for activate() and the worker */
	/* --- main --- */
	char *name;
	uint32_t refs;
	struct engine_inst *dying; /* the next of those that wait for their jobs */
	uint32_t idx; /* scratch: index while compiling */
	uint64_t mark; /* scratch: build that wants it */
	bool fresh; /* made by the build under way */
	uint32_t warm; /* scratch: frames until it sounds right */
	uint64_t warm_ticket; /* the change that brought it in */
	uint32_t warm_frames; /* how long it took from there */
	double *declared; /* newest values, as in the model; type->n_params */
	struct engine_bank *bank;
	uint32_t lane;
	struct engine_node *node; /* in the newest plan */
	/* --- rt --- */
	double *from, *to; /* params at both ends of the cell */
	double own_from,
		own_to; /* the param at gain_idx as it is set: from, to have it times factor */
	double factor_from, factor; /* of the VCAs, at both ends of the cell */
	double regroup_from; /* the factor at which `regroup` began */
	struct engine_fade regroup; /* 0 .. 1: from there to what the VCAs now say */
	struct engine_ramp *ramps;
	uint32_t *active; /* indexes of ramps under way */
	uint32_t n_active;
	uint32_t n_line; /* of these: envelopes on the time line */
	uint32_t n_lines; /* such that it has, playing or not */
	uint32_t line_turn; /* of the transport, as they have heard it */
	uint64_t cell_start, cell_end;
	bool settle; /* one more update, with from == to */
	bool glide; /* update() wants to be called again */
	bool bypass, muted, quarantined;
	struct engine_fade wet, mute;
	float *dry_ring; /* main_in channels of dry_frames */
	uint32_t dry_frames; /* power of two; 0: no latency */
	uint64_t dry_since; /* the ring holds input from here on; UINT64_MAX: it does not */
	uint64_t busy_ns, busy_frames;
	uint64_t fault_at; /* position of the last fault told; UINT64_MAX: none */
	/* --- shared: atomic --- */
	_Atomic double *reached; /* what the params have come to, as the node reads them */
	_Atomic uint32_t jobs; /* with the worker and the disk */
	_Atomic uint8_t state; /* enum graph_node_state */
	_Atomic double load;
	struct engine_meter_slot *slots; /* peak, then the node's own values */
};
