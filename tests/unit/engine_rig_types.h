/* engine_rig_types.h - fake node types for the engine's tests; see engine_rig.h. */
#pragma once

#include <math.h>
#include <string.h>

#include <mixd/node.h>

static const struct mixd_port_row rig_through_ports[] = {
	{"in", "input", false, MIXD_PORT_MAIN, NULL},
	{"out", "output", true, MIXD_PORT_MAIN, NULL}};

/* ---- gain: multiplies, interpolating across the cell ---- */

struct rig_gain_state {
	double from, step, to;
	uint32_t done, frames;
};

static const struct mixd_param_row rig_gain_params[] = {{"gain", "level", MIXD_TYPE_FLOAT,
							 MIXD_UNIT_DB, -144, 24, 0, MIXD_RAMP_GAIN,
							 20, NULL, NULL, 0, NULL}};
static const struct mixd_meter_row rig_gain_meters[] = {
	{"top", "highest input", MIXD_UNIT_NONE, MIXD_FOLD_MAX, NULL, false}};

static int rig_gain_needs(const struct mixd_setup *setup, struct mixd_need *need,
			  struct mixd_fault *fault)
{
	need->state_bytes = sizeof(struct rig_gain_state);
	return 0;
}

static bool rig_gain_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct rig_gain_state *state = inst->state;

	state->from = update->from[0];
	state->to = update->to[0];
	state->frames = update->from[0] == update->to[0] ? 0 : update->cell_frames;
	state->step = state->frames ? (state->to - state->from) / state->frames : 0;
	state->done = 0;
	return false;
}

static void rig_gain_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct rig_gain_state *state = inst->state;
	double top = 0;

	for (uint32_t c = 0; c < inst->setup->in_first[1]; c++)
		for (uint32_t i = 0; i < call->n_frames; i++) {
			uint32_t at = state->done + i;
			double g = at < state->frames ? state->from + state->step * at : state->to;

			if (fabs((double)inst->in[c][i]) > top)
				top = fabs((double)inst->in[c][i]);
			inst->out[c][i] = (float)(inst->in[c][i] * g);
		}
	state->done += call->n_frames;
	inst->meter[0] = top;
}

static void rig_gain_reset(struct mixd_inst *inst)
{
	memset(inst->state, 0, sizeof(struct rig_gain_state));
}

static const struct mixd_node_type rig_gain_type = {
	.id = "gain",
	.doc = "Level",
	.category = "level",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = rig_through_ports,
	.n_ports = 2,
	.params = rig_gain_params,
	.n_params = 1,
	.meters = rig_gain_meters,
	.n_meters = 1,
	.needs = rig_gain_needs,
	.update = rig_gain_update,
	.process = rig_gain_process,
	.reset = rig_gain_reset,
};

/* ---- lane: a laned one-pole low-pass, coefficient held for the cell ---- */

static const struct mixd_param_row rig_lane_params[] = {{"freq", "corner", MIXD_TYPE_FLOAT,
							 MIXD_UNIT_HZ, 20, 20000, 1000,
							 MIXD_RAMP_LOG, 20, NULL, NULL, 0, NULL}};

static int rig_lane_needs(const struct mixd_setup *setup, struct mixd_need *need,
			  struct mixd_fault *fault)
{
	need->state_bytes = 8;
	need->lane_state = 2;
	need->lane_coef = 1;
	need->tail = 4000;
	return 0;
}

static bool rig_lane_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	double a = 1.0 - exp(-2 * 3.14159265358979 * update->to[0] / inst->setup->rate);

	for (uint32_t c = 0; c < inst->setup->in_first[1]; c++)
		inst->lane_coef[(c / inst->lane_width) * inst->lane_width + c % inst->lane_width] =
			a;
	return false;
}

static void rig_lane_process(const struct mixd_call *call)
{
	const struct mixd_bank *bank = call->bank;

	for (uint32_t b = 0; b < bank->n_blocks; b++)
		for (uint32_t l = 0; l < bank->width; l++) {
			double *state = bank->state + (size_t)b * 2 * bank->width + l;
			double a = bank->coef[b * bank->width + l];
			const float *in = bank->in[b * bank->width + l];
			float *out = bank->out[b * bank->width + l];

			for (uint32_t i = 0; i < call->n_frames; i++) {
				state[0] += a * (in[i] - state[0]);
				state[bank->width] += a * (state[0] - state[bank->width]);
				out[i] = (float)state[bank->width];
			}
		}
}

static void rig_lane_reset(struct mixd_inst *inst)
{
	uint32_t w = inst->lane_width;

	for (uint32_t c = 0; c < inst->setup->in_first[1]; c++) {
		inst->lane_state[(c / w) * 2 * w + c % w] = 0;
		inst->lane_state[(c / w) * 2 * w + w + c % w] = 0;
	}
}

static const struct mixd_node_type rig_lane_type = {
	.id = "lane",
	.doc = "Low-pass",
	.category = "eq",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = rig_through_ports,
	.n_ports = 2,
	.params = rig_lane_params,
	.n_params = 1,
	.needs = rig_lane_needs,
	.update = rig_lane_update,
	.process = rig_lane_process,
	.reset = rig_lane_reset,
};

/* ---- late: a pure delay ---- */

struct rig_late_state {
	uint64_t at;
	float ring[8][4096];
};

static const struct mixd_config_row rig_late_configs[] = {
	{"frames", "delay", MIXD_TYPE_INT, MIXD_UNIT_FRAMES, 0, 4000, 100, NULL, NULL, false},
	{"meant", "an effect, no latency", MIXD_TYPE_BOOL, MIXD_UNIT_NONE, 0, 1, 0, NULL, NULL,
	 false}};

static int rig_late_needs(const struct mixd_setup *setup, struct mixd_need *need,
			  struct mixd_fault *fault)
{
	if (setup->config[0].number == 13) {
		strcpy(fault->text, "thirteen frames bring bad luck");
		strcpy(fault->hint, "take twelve");
		return -22;
	}
	need->state_bytes = sizeof(struct rig_late_state);
	need->latency = setup->config[1].number > 0.5 ? 0 : (uint32_t)setup->config[0].number;
	return 0;
}

static void rig_late_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct rig_late_state *state = inst->state;
	uint32_t delay = (uint32_t)inst->setup->config[0].number;

	for (uint32_t c = 0; c < inst->setup->in_first[1]; c++)
		for (uint32_t i = 0; i < call->n_frames; i++) {
			state->ring[c][(state->at + i) & 4095] = inst->in[c][i];
			inst->out[c][i] = state->ring[c][(state->at + i - delay) & 4095];
		}
	state->at += call->n_frames;
}

static void rig_late_reset(struct mixd_inst *inst)
{
	memset(inst->state, 0, sizeof(struct rig_late_state));
}

static const struct mixd_node_type rig_late_type = {
	.id = "late",
	.doc = "Delay",
	.category = "level",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = rig_through_ports,
	.n_ports = 2,
	.configs = rig_late_configs,
	.n_configs = 2,
	.needs = rig_late_needs,
	.process = rig_late_process,
	.reset = rig_late_reset,
};

/* ---- join: main in, second in, key ---- */

static const struct mixd_port_row rig_join_ports[] = {
	{"in", "first", false, MIXD_PORT_MAIN, NULL},
	{"other", "second", false, MIXD_PORT_MAIN, NULL},
	{"key", "subtracted", false, MIXD_PORT_FOLLOW, NULL},
	{"out", "in + other - key", true, MIXD_PORT_MAIN, NULL}};

static void rig_join_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	const uint32_t *first = inst->setup->in_first;

	for (uint32_t c = 0; c < first[1]; c++)
		for (uint32_t i = 0; i < call->n_frames; i++)
			inst->out[c][i] = inst->in[c][i] + inst->in[first[1] + c][i] -
					  inst->in[first[2]][i] * (inst->in_linked >> 2 & 1);
}

static const struct mixd_node_type rig_join_type = {
	.id = "join",
	.doc = "Sum",
	.category = "level",
	.version = 1,
	.ports = rig_join_ports,
	.n_ports = 4,
	.process = rig_join_process,
};

/* ---- feedback: one slice of delay ---- */

struct rig_feedback_state {
	uint64_t in_at, out_at;
	float ring[8][4096];
};

static int rig_feedback_needs(const struct mixd_setup *setup, struct mixd_need *need,
			      struct mixd_fault *fault)
{
	need->state_bytes = sizeof(struct rig_feedback_state);
	need->latency = 256;
	return 0;
}

static void rig_feedback_emit(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct rig_feedback_state *state = inst->state;

	for (uint32_t c = 0; c < inst->setup->in_first[1]; c++)
		for (uint32_t i = 0; i < call->n_frames; i++)
			inst->out[c][i] = state->ring[c][(state->out_at + i - 256) & 4095];
	state->out_at += call->n_frames;
}

static void rig_feedback_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct rig_feedback_state *state = inst->state;

	for (uint32_t c = 0; c < inst->setup->in_first[1]; c++)
		for (uint32_t i = 0; i < call->n_frames; i++)
			state->ring[c][(state->in_at + i) & 4095] = inst->in[c][i];
	state->in_at += call->n_frames;
}

static void rig_feedback_reset(struct mixd_inst *inst)
{
	memset(inst->state, 0, sizeof(struct rig_feedback_state));
}

static const struct mixd_node_type rig_feedback_type = {
	.id = "feedback",
	.doc = "Delay for loops",
	.category = "level",
	.version = 1,
	.flags = MIXD_NODE_FEEDBACK,
	.ports = rig_through_ports,
	.n_ports = 2,
	.needs = rig_feedback_needs,
	.process = rig_feedback_process,
	.emit = rig_feedback_emit,
	.reset = rig_feedback_reset,
};

/* ---- fault: passes on, or breaks ---- */

static const struct mixd_param_row rig_fault_params[] = {
	{"kind", "what goes wrong: 0 nothing, 1 NaN, 2 too loud, 3 infinite", MIXD_TYPE_INT,
	 MIXD_UNIT_NONE, 0, 3, 0, MIXD_RAMP_NONE, 0, NULL, NULL, 0, NULL}};

static void rig_fault_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	int kind = (int)inst->value[0];

	for (uint32_t c = 0; c < inst->setup->in_first[1]; c++)
		for (uint32_t i = 0; i < call->n_frames; i++)
			inst->out[c][i] = inst->in[c][i];
	if (kind)
		inst->out[0][call->n_frames - 1] = kind == 1 ? NAN : kind == 2 ? 2000.0f : INFINITY;
}

static const struct mixd_node_type rig_fault_type = {
	.id = "fault",
	.doc = "Breaks",
	.category = "level",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = rig_through_ports,
	.n_ports = 2,
	.params = rig_fault_params,
	.n_params = 1,
	.process = rig_fault_process,
};

/* ---- hold: a factor without a ramp, as it is in the cell ---- */

static const struct mixd_param_row rig_hold_params[] = {{"level", "factor", MIXD_TYPE_FLOAT,
							 MIXD_UNIT_NONE, 0.001, 1, 1,
							 MIXD_RAMP_NONE, 0, NULL, NULL, 0, NULL}};

static void rig_hold_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];

	for (uint32_t c = 0; c < inst->setup->in_first[1]; c++)
		for (uint32_t i = 0; i < call->n_frames; i++)
			inst->out[c][i] = (float)(inst->in[c][i] * inst->value[0]);
}

static const struct mixd_node_type rig_hold_type = {
	.id = "hold",
	.doc = "Level, in steps",
	.category = "level",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = rig_through_ports,
	.n_ports = 2,
	.params = rig_hold_params,
	.n_params = 1,
	.process = rig_hold_process,
};

/* ---- worker: gives jobs away, tells every 1000th frame ---- */

struct rig_worker_state {
	uint32_t worked, submitted; /* atomically */
	uint64_t frames;
};

static int rig_worker_needs(const struct mixd_setup *setup, struct mixd_need *need,
			    struct mixd_fault *fault)
{
	need->state_bytes = sizeof(struct rig_worker_state);
	need->tail = UINT64_MAX;
	return 0;
}

static void rig_worker_work(struct mixd_inst *inst, uint32_t job)
{
	struct rig_worker_state *state = inst->state;

	__atomic_fetch_add(&state->worked, 1, __ATOMIC_RELAXED);
}

static void rig_worker_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct rig_worker_state *state = inst->state;

	for (uint32_t c = 0; c < inst->setup->in_first[1]; c++)
		memmove(inst->out[c], inst->in[c], call->n_frames * sizeof(float));
	if (state->frames / 1000 != (state->frames + call->n_frames) / 1000) {
		if (inst->host->submit(inst, 7))
			__atomic_fetch_add(&state->submitted, 1, __ATOMIC_RELAXED);
		inst->host->event(inst, 42, (double)state->frames);
	}
	state->frames += call->n_frames;
	inst->meter[0] = __atomic_load_n(&state->worked, __ATOMIC_RELAXED);
	inst->meter[1] = __atomic_load_n(&state->submitted, __ATOMIC_RELAXED);
}

static const struct mixd_meter_row rig_worker_meters[] = {
	{"worked", "jobs done", MIXD_UNIT_NONE, MIXD_FOLD_LAST, NULL, false},
	{"submitted", "jobs given", MIXD_UNIT_NONE, MIXD_FOLD_LAST, NULL, false}};

static const struct mixd_node_type rig_worker_type = {
	.id = "worker",
	.doc = "Gives jobs",
	.category = "level",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = rig_through_ports,
	.n_ports = 2,
	.meters = rig_worker_meters,
	.n_meters = 2,
	.needs = rig_worker_needs,
	.process = rig_worker_process,
	.work = rig_worker_work,
};

/* ---- the ends ---- */

static const struct mixd_port_row rig_input_ports[] = {
	{"out", "output", true, MIXD_PORT_MAIN, NULL}};
static const struct mixd_port_row rig_output_ports[] = {
	{"in", "input", false, MIXD_PORT_MAIN, NULL}};

static void rig_input_process(const struct mixd_call *call)
{
	for (uint32_t c = 0; c < call->inst[0]->setup->out_first[1]; c++)
		memcpy(call->inst[0]->out[c], call->ext_in[c], call->n_frames * sizeof(float));
}

static void rig_output_process(const struct mixd_call *call)
{
	for (uint32_t c = 0; c < call->inst[0]->setup->in_first[1]; c++)
		memcpy(call->ext_out[c], call->inst[0]->in[c], call->n_frames * sizeof(float));
}

static const struct mixd_node_type rig_input_type = {
	.id = "input",
	.doc = "From the clock",
	.category = "io",
	.version = 1,
	.flags = MIXD_NODE_EXTERNAL_IN | MIXD_NODE_SOURCE,
	.ports = rig_input_ports,
	.n_ports = 1,
	.process = rig_input_process,
};

static const struct mixd_node_type rig_output_type = {
	.id = "output",
	.doc = "To the clock",
	.category = "io",
	.version = 1,
	.flags = MIXD_NODE_EXTERNAL_OUT,
	.ports = rig_output_ports,
	.n_ports = 1,
	.process = rig_output_process,
};

static const struct mixd_node_type *const rig_types[] = {
	&rig_gain_type,	 &rig_lane_type, &rig_late_type,   &rig_join_type,  &rig_feedback_type,
	&rig_fault_type, &rig_hold_type, &rig_worker_type, &rig_input_type, &rig_output_type};
