/* node_host_run.c - see node_host.h: params on their ramps, cells, slices. */
#include "node_host_private.h"

#include <time.h>
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include "rtcheck.h"
#include "test.h"

static double node_host_domain(const struct mixd_param_row *row, double node_value)
{
	return row->ramp == MIXD_RAMP_LOG ? log2(node_value) : node_value;
}

static unsigned node_host_fpu_enter(void)
{
#if defined(__SSE2__)
	unsigned saved = _mm_getcsr();

	_mm_setcsr(saved | 0x8040u);
	return saved;
#elif defined(__aarch64__)
	uint64_t saved;

	__asm__ volatile("mrs %0, fpcr" : "=r"(saved));
	__asm__ volatile("msr fpcr, %0" ::"r"(saved | (1u << 24)));
	return (unsigned)saved;
#else
	return 0;
#endif
}

static void node_host_fpu_exit(unsigned saved)
{
#if defined(__SSE2__)
	_mm_setcsr(saved);
#elif defined(__aarch64__)
	__asm__ volatile("msr fpcr, %0" ::"r"((uint64_t)saved));
#endif
}

/* ---- params ---- */

static int node_host_param_idx(const struct mixd_node_type *type, const char *id)
{
	char name[64];

	for (uint32_t i = 0; node_host_param(type, i, name, NULL); i++)
		if (strcmp(name, id) == 0)
			return (int)i;
	test_fail(__FILE__, __LINE__, "%s has no param \"%s\"", type->id, id);
}

/* What params read at POSITION, inside the open cell or at rest. */
static double node_host_present(const struct node_host_inst *inst, uint32_t idx)
{
	uint64_t position = inst->host->position;

	if (!inst->moving || position >= inst->cell_end)
		return inst->to[idx];
	return inst->from[idx] + (inst->to[idx] - inst->from[idx]) *
					 (double)(position - inst->cell_begin) /
					 (double)(inst->cell_end - inst->cell_begin);
}

void node_host_set_row(struct node_host *host, uint32_t inst_idx, uint32_t idx, double value,
		       double ms)
{
	struct node_host_inst *inst = &host->insts[inst_idx];
	struct node_host_ramp *ramp = &inst->ramps[idx];
	double length = ramp->row->ramp == MIXD_RAMP_NONE ? 0 : ms * host->setup.rate / 1000;

	CHECK(value >= ramp->row->min && value <= ramp->row->max, "%s.%s cannot be %g",
	      host->type->id, ramp->row->id, value);
	/* An event ends the open cell: all params go on from where they are. */
	for (uint32_t i = 0; i < host->n_params; i++)
		inst->now[i] = node_host_present(inst, i);
	/* A ramp that would have arrived at the end of that cell arrives in the next one. */
	for (uint32_t i = 0; i < host->n_params; i++)
		if (inst->ramps[i].length == 0 && inst->now[i] != inst->to[i]) {
			inst->ramps[i].value = inst->to[i];
			inst->ramps[i].begin = host->position;
			inst->ramps[i].length = 1;
		}
	memcpy(inst->to, inst->now, sizeof(double) * host->n_params);
	ramp->value = node_host_node_value(ramp->row, value);
	ramp->start = node_host_domain(ramp->row, inst->now[idx]);
	ramp->target = node_host_domain(ramp->row, ramp->value);
	ramp->begin = host->position;
	ramp->length = (uint64_t)(length + 0.5);
	if (ramp->length == 0) {
		inst->to[idx] = ramp->value;
		ramp->length = 0;
	}
	inst->moving = inst->settle = true;
	inst->cell_end = host->position;
}

void node_host_ramp(struct node_host *host, uint32_t inst, const char *id, double value, double ms)
{
	node_host_set_row(host, inst, (uint32_t)node_host_param_idx(host->type, id), value, ms);
}

void node_host_set(struct node_host *host, uint32_t inst, const char *id, double value)
{
	uint32_t idx = (uint32_t)node_host_param_idx(host->type, id);

	node_host_set_row(host, inst, idx, value, host->insts[inst].ramps[idx].row->smooth_ms);
}

void node_host_jump(struct node_host *host, uint32_t inst_idx, const char *id, double value)
{
	struct node_host_inst *inst = &host->insts[inst_idx];
	uint32_t idx = (uint32_t)node_host_param_idx(host->type, id);
	struct node_host_ramp *ramp = &inst->ramps[idx];

	CHECK(value >= ramp->row->min && value <= ramp->row->max, "%s.%s cannot be %g",
	      host->type->id, id, value);
	ramp->length = 0;
	inst->to[idx] = node_host_node_value(ramp->row, value);
	memcpy(inst->from, inst->to, sizeof(double) * host->n_params);
	node_host_update(inst, MIXD_CELL, true);
	inst->moving = inst->glide;
	inst->cell_end = host->position;
}

bool node_host_moving(const struct node_host *host)
{
	for (uint32_t i = 0; i < host->n_inst; i++)
		if (host->insts[i].moving)
			return true;
	return false;
}

/* Open the cell that begins now: values at its end, and update(). */
static void node_host_open_cell(struct node_host_inst *inst)
{
	struct node_host *host = inst->host;
	bool ramping = false;

	inst->cell_begin = host->position;
	inst->cell_end = host->position / MIXD_CELL * MIXD_CELL + MIXD_CELL;
	memcpy(inst->from, inst->to, sizeof(double) * host->n_params);
	for (uint32_t i = 0; i < host->n_params; i++) {
		struct node_host_ramp *ramp = &inst->ramps[i];
		double t, value;

		if (ramp->length == 0)
			continue;
		ramping = true;
		t = (double)(inst->cell_end - ramp->begin) / (double)ramp->length;
		if (t >= 1) {
			inst->to[i] = ramp->value;
			ramp->length = 0;
			continue;
		}
		value = ramp->start + (ramp->target - ramp->start) * t * t * (3 - 2 * t);
		inst->to[i] = ramp->row->ramp == MIXD_RAMP_LOG ? exp2(value) : value;
	}
	/* After the arrival one update with from == to; then rest, unless the node itself glides. */
	if (!ramping && !inst->settle && !inst->glide) {
		inst->moving = false;
		return;
	}
	inst->settle = ramping;
	node_host_update(inst, (uint32_t)(inst->cell_end - inst->cell_begin), false);
}

/* ---- running ---- */

/* Where the channels of one instance are in the slice buffers. */
static float *node_host_buffer(struct node_host *host, uint32_t inst, uint32_t channel)
{
	uint32_t per = host->n_in + host->n_out + host->n_ext;

	return host->buffers + (size_t)(inst * per + channel) * MIXD_SLICE_MAX;
}

/* Main input and output share a buffer when asked for: out channel C is in channel C. */
static float *node_host_out_buffer(struct node_host *host, uint32_t inst, uint32_t channel)
{
	uint32_t shared = 0;

	if (host->in_place && host->setup.n_in_ports && host->setup.n_out_ports) {
		shared = host->setup.in_layout[0]->n_channels;
		if (shared > host->setup.out_layout[0]->n_channels)
			shared = host->setup.out_layout[0]->n_channels;
	}
	return node_host_buffer(host, inst, channel < shared ? channel : host->n_in + channel);
}

static void node_host_fill(struct node_host *host, const float *const *in, uint64_t done,
			   uint32_t at, uint32_t n)
{
	bool external = host->type->flags & MIXD_NODE_EXTERNAL_IN;
	uint32_t width = external ? host->n_ext : host->n_in;
	uint32_t first = external ? host->n_in + host->n_out : 0;

	for (uint32_t i = 0; i < host->n_inst; i++) {
		struct node_host_inst *inst = &host->insts[i];

		for (uint32_t c = 0; c < host->n_out; c++) {
			float *buffer = node_host_out_buffer(host, i, c);

			inst->out[c] = buffer + at;
			for (uint32_t k = 0; k < n; k++)
				buffer[at + k] = NAN;
		}
		for (uint32_t c = 0; c < host->n_in; c++)
			inst->in[c] = node_host_buffer(host, i, c) + at;
		for (uint32_t c = 0; c < width; c++) {
			const float *source = in ? in[i * width + c] : NULL;
			float *buffer = node_host_buffer(host, i, first + c) + at;

			if (source)
				memcpy(buffer, source + done, sizeof(float) * n);
			else
				memset(buffer, 0, sizeof(float) * n);
		}
	}
}

static void node_host_drain(struct node_host *host, float *const *out, uint64_t done, uint32_t at,
			    uint32_t n)
{
	bool external = host->type->flags & MIXD_NODE_EXTERNAL_OUT;
	uint32_t width = external ? host->n_ext : host->n_out;

	for (uint32_t i = 0; out && i < host->n_inst; i++)
		for (uint32_t c = 0; c < width; c++) {
			const float *buffer =
				external ? node_host_buffer(host, i, host->n_in + host->n_out + c)
					 : node_host_out_buffer(host, i, c);

			if (out[i * width + c])
				memcpy(out[i * width + c] + done, buffer + at, sizeof(float) * n);
		}
}

static void node_host_call(struct node_host *host, struct mixd_call *call)
{
	if (host->type->emit)
		host->type->emit(call);
	host->type->process(call);
}

/* One piece: all instances, N frames at offset AT of the slice. */
static void node_host_piece(struct node_host *host, uint32_t at, uint32_t n)
{
	const struct mixd_transport transport = {.is_rolling = true, .position = host->position};
	struct mixd_call call = {host->inst_list, host->n_inst, NULL, n,
				 host->position,  NULL,		NULL, &transport};
	float *external[MIXD_CHANNELS_MAX];

	if (node_host_laned(host)) {
		uint32_t total = host->bank.n_blocks * host->bank.width;

		for (uint32_t lane = 0; lane < total; lane++) {
			uint32_t i = lane / host->bank.channels, c = lane % host->bank.channels;
			bool used = lane < host->bank.n_lanes;

			host->bank_in[lane] = used ? host->insts[i].in[c] : host->zeros;
			host->bank_out[lane] = used ? host->insts[i].out[c] : host->scratch;
		}
		call.bank = &host->bank;
		node_host_call(host, &call);
		return;
	}
	call.n_inst = 1;
	for (uint32_t i = 0; i < host->n_inst; i++) {
		for (uint32_t c = 0; c < host->n_ext; c++) {
			external[c] = node_host_buffer(host, i, host->n_in + host->n_out + c) + at;
			for (uint32_t k = 0; k < n && host->type->flags & MIXD_NODE_EXTERNAL_OUT;
			     k++)
				external[c][k] = NAN;
		}
		if (host->type->flags & MIXD_NODE_EXTERNAL_IN)
			call.ext_in = (const float *const *)external;
		if (host->type->flags & MIXD_NODE_EXTERNAL_OUT)
			call.ext_out = external;
		call.inst = &host->inst_list[i];
		node_host_call(host, &call);
	}
}

static uint64_t node_host_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void node_host_process(struct node_host *host, const float *const *in, float *const *out,
		       uint64_t n_frames)
{
	unsigned saved = node_host_fpu_enter();

	for (uint64_t done = 0; done < n_frames;) {
		uint32_t at = (uint32_t)(host->position % MIXD_SLICE_MAX);
		uint64_t n = MIXD_SLICE_MAX - at, begin;

		if (n > n_frames - done)
			n = n_frames - done;
		/* Before the fence and the clock: what is not the node's. */
		for (uint32_t i = 0; i < host->n_inst; i++)
			if (host->insts[i].moving && n > MIXD_CELL - host->position % MIXD_CELL)
				n = MIXD_CELL - host->position % MIXD_CELL;
		host->cycle_frames = (uint32_t)n_frames;
		host->cycle_done = (uint32_t)done;
		node_host_fill(host, in, done, at, (uint32_t)n);
		begin = node_host_clock();
		if (rtcheck_enter)
			rtcheck_enter();
		for (uint32_t i = 0; i < host->n_inst; i++)
			if (host->insts[i].moving && host->position >= host->insts[i].cell_end)
				node_host_open_cell(&host->insts[i]);
		node_host_piece(host, at, (uint32_t)n);
		if (rtcheck_exit)
			rtcheck_exit();
		host->ns += node_host_clock() - begin;
		node_host_drain(host, out, done, at, (uint32_t)n);
		host->position += n;
		done += n;
	}
	node_host_fpu_exit(saved);
}

void node_host_reset(struct node_host *host)
{
	for (uint32_t i = 0; i < host->n_inst; i++) {
		struct node_host_inst *inst = &host->insts[i];

		for (uint32_t p = 0; p < host->n_params; p++)
			if (inst->ramps[p].length > 0) {
				inst->to[p] = inst->ramps[p].value;
				inst->ramps[p].length = 0;
			}
		memcpy(inst->from, inst->to, sizeof(double) * host->n_params);
		if (host->type->reset)
			host->type->reset(&inst->inst);
		node_host_update(inst, MIXD_CELL, true);
		inst->moving = inst->glide;
		inst->settle = false;
		inst->cell_end = host->position;
	}
}
