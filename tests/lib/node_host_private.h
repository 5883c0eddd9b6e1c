/* node_host_private.h - what the files of node_host share. */
#pragma once

#include "node_host.h"

/* One param on its way; positions are absolute. */
struct node_host_ramp {
	const struct mixd_param_row *row;
	double start, target; /* in the ramp's domain */
	double value; /* what the node reads at the target */
	uint64_t begin, length; /* frames; length 0: at rest */
};

struct node_host_inst {
	struct mixd_inst inst;
	struct node_host *host;
	struct node_host_ramp *ramps;
	double *from, *to, *now; /* n_params each */
	uint64_t cell_begin, cell_end; /* the open cell, when moving */
	bool moving, settle, glide;
	const float **in;
	float **out;
	double *meters;
};

struct node_host {
	const struct mixd_node_type *type;
	struct mixd_setup setup;
	struct mixd_need need;
	struct mixd_host services;
	struct node_host_inst *insts;
	struct mixd_inst **inst_list;
	uint32_t n_inst, n_params, n_meters, n_in, n_out, n_ext;
	const struct mixd_layout **layouts; /* in ports, then out ports */
	uint32_t *firsts;
	struct mixd_value *configs;
	struct mixd_bank bank;
	const float **bank_in;
	float **bank_out;
	float *buffers, *zeros, *scratch; /* slices of MIXD_SLICE_MAX frames */
	uint64_t position, n_events, ns;
	uint32_t event_code;
	double event_value;
	bool in_place, live;
	struct node_host_job {
		struct mixd_inst *inst;
		uint32_t job;
		bool disk;
	} jobs[64];
	uint32_t n_jobs, cycle_frames, cycle_done; /* live */
	uint32_t n_active; /* instances that activate() took */
};

/* update() with from and to as they stand. */
void node_host_update(struct node_host_inst *inst, uint32_t cell_frames, bool jump);
bool node_host_laned(const struct node_host *host);
/* What a param reads as at the node, from declared units. */
double node_host_node_value(const struct mixd_param_row *row, double value);
