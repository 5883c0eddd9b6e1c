/* node_host.c - see node_host.h: making instances, looking at them. */
#include "node_host_private.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "audio_file.h"
#include "audio_files.h"
#include "rtcheck.h"
#include "test.h"

static void *node_host_alloc(size_t size)
{
	void *memory = NULL;

	size = (size + 127) / 64 * 64;
	CHECK(posix_memalign(&memory, 64, size) == 0);
	return memset(memory, 0, size);
}

static bool node_host_submit(struct mixd_inst *inst, uint32_t job)
{
	struct node_host *host = ((struct node_host_inst *)inst)->host;

	if (!host->live) {
		inst->type->work(inst, job);
		return true;
	}
	if (host->n_jobs == sizeof(host->jobs) / sizeof(host->jobs[0]))
		return false;
	host->jobs[host->n_jobs++] = (struct node_host_job){inst, job, false};
	return true;
}

/* Offline the frames are read here and now, which is no offence. */
static bool node_host_submit_disk(struct mixd_inst *inst, uint32_t job)
{
	struct node_host *host = ((struct node_host_inst *)inst)->host;

	if (!inst->type->disk)
		return false;
	if (host->live) {
		if (host->n_jobs == sizeof(host->jobs) / sizeof(host->jobs[0]))
			return false;
		host->jobs[host->n_jobs++] = (struct node_host_job){inst, job, true};
		return true;
	}
	if (rtcheck_exit)
		rtcheck_exit();
	inst->type->disk(inst, job);
	if (rtcheck_enter)
		rtcheck_enter();
	return true;
}

static void node_host_hold(struct mixd_inst *inst)
{
	(void)inst;
}

uint32_t node_host_work(struct node_host *host)
{
	uint32_t n = host->n_jobs;

	for (uint32_t i = 0; i < n; i++)
		if (host->jobs[i].disk)
			host->type->disk(host->jobs[i].inst, host->jobs[i].job);
		else
			host->type->work(host->jobs[i].inst, host->jobs[i].job);
	host->n_jobs = 0;
	return n;
}

static void node_host_wake(struct mixd_inst *inst, uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* A render waits where nobody hears it: outside of the fence. */
static bool node_host_await(struct mixd_inst *inst, const uint32_t *word, uint32_t seen,
			    uint32_t timeout_ms)
{
	struct timespec timeout = {timeout_ms / 1000, (long)(timeout_ms % 1000) * 1000000};

	if (((struct node_host_inst *)inst)->host->live)
		return false;
	if (rtcheck_exit)
		rtcheck_exit();
	if (__atomic_load_n(word, __ATOMIC_ACQUIRE) == seen)
		syscall(SYS_futex, word, FUTEX_WAIT, seen, &timeout, NULL, 0);
	if (rtcheck_enter)
		rtcheck_enter();
	return __atomic_load_n(word, __ATOMIC_ACQUIRE) != seen;
}

static uint32_t node_host_cycle(struct mixd_inst *inst, uint32_t *ret_done)
{
	const struct node_host *host = ((struct node_host_inst *)inst)->host;

	*ret_done = host->cycle_done;
	return host->live ? host->cycle_frames : 0;
}

static void node_host_event(struct mixd_inst *inst, uint32_t code, double value)
{
	struct node_host *host = ((struct node_host_inst *)inst)->host;

	host->n_events++;
	host->event_code = code;
	host->event_value = value;
}

/* ---- layouts ---- */

static const struct mixd_layout *node_host_layout(const char *name)
{
	static const uint8_t mono[] = {MIXD_POS_MONO}, stereo[] = {MIXD_POS_FL, MIXD_POS_FR};
	static const uint8_t surround[] = {MIXD_POS_FL,	 MIXD_POS_FR,  MIXD_POS_FC,  MIXD_POS_LFE,
					   MIXD_POS_SL,	 MIXD_POS_SR,  MIXD_POS_RL,  MIXD_POS_RR,
					   MIXD_POS_TFL, MIXD_POS_TFR, MIXD_POS_TRL, MIXD_POS_TRR};
	static const uint8_t discrete[MIXD_CHANNELS_MAX];
	static const struct mixd_layout named[] = {
		{"mono", 1, mono},    {"stereo", 2, stereo},   {"5.1", 6, surround},
		{"7.1", 8, surround}, {"7.1.4", 12, surround},
	};
	static struct mixd_layout plain[MIXD_CHANNELS_MAX + 1];
	static char names[MIXD_CHANNELS_MAX + 1][8];
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if (strcmp(named[i].name, name) == 0)
			return &named[i];
	if (sscanf(name, "%uch", &n) != 1 || n < 1 || n > MIXD_CHANNELS_MAX)
		test_fail(__FILE__, __LINE__, "no layout \"%s\"", name);
	snprintf(names[n], sizeof(names[n]), "%uch", n);
	plain[n] = (struct mixd_layout){names[n], n, discrete};
	return &plain[n];
}

/* ---- making ---- */

static void node_host_make_configs(struct node_host *host, const struct node_host_setup *setup)
{
	const struct mixd_node_type *type = host->type;

	host->configs = node_host_alloc(sizeof(*host->configs) * (type->n_configs + 1));
	for (uint32_t i = 0; i < type->n_configs; i++) {
		host->configs[i].number = type->configs[i].def;
		host->configs[i].text = type->configs[i].def_text;
	}
	for (const struct node_host_config *c = setup->configs; c && c->id; c++) {
		uint32_t i = 0;

		while (i < type->n_configs && strcmp(type->configs[i].id, c->id) != 0)
			i++;
		CHECK(i < type->n_configs, "%s has no config \"%s\"", type->id, c->id);
		host->configs[i] = (struct mixd_value){c->number, c->text};
	}
	host->setup.config = host->configs;
}

static uint32_t node_host_port_count(const struct node_host *host, const struct mixd_port_row *row)
{
	for (uint32_t i = 0; row->count_config && i < host->type->n_configs; i++)
		if (strcmp(host->type->configs[i].id, row->count_config) == 0)
			return (uint32_t)host->configs[i].number;
	return 1;
}

static const struct mixd_layout *node_host_port_layout(const struct mixd_port_row *row,
						       const struct node_host_setup *setup,
						       bool is_main)
{
	const char *main_layout = setup->layout ? setup->layout : "stereo";

	switch (row->layout) {
	case MIXD_PORT_MONO:
		return node_host_layout("mono");
	case MIXD_PORT_STEREO:
		return node_host_layout("stereo");
	case MIXD_PORT_FOLLOW:
		return node_host_layout(setup->follow_layout ? setup->follow_layout : main_layout);
	default:
		if (is_main && !row->is_output && setup->in_layout)
			return node_host_layout(setup->in_layout);
		return node_host_layout(main_layout);
	}
}

/* Layouts and first channels of all ports of one direction; returns the number of ports. */
static uint32_t node_host_make_ports(struct node_host *host, const struct node_host_setup *setup,
				     bool is_output, const struct mixd_layout **layouts,
				     uint32_t *firsts)
{
	uint32_t n = 0, channels = 0;

	for (uint32_t row = 0; row < host->type->n_ports; row++) {
		const struct mixd_port_row *port = &host->type->ports[row];
		uint32_t count =
			port->is_output == is_output ? node_host_port_count(host, port) : 0;

		for (uint32_t i = 0; i < count; i++, n++) {
			const struct mixd_layout *layout =
				node_host_port_layout(port, setup, n == 0);

			if (layouts) {
				layouts[n] = layout;
				firsts[n] = channels;
			}
			channels += layout->n_channels;
		}
	}
	if (firsts)
		firsts[n] = channels;
	return n;
}

static void node_host_make_setup(struct node_host *host, const struct node_host_setup *setup)
{
	uint32_t n_in, n_out;

	node_host_make_configs(host, setup);
	n_in = node_host_make_ports(host, setup, false, NULL, NULL);
	n_out = node_host_make_ports(host, setup, true, NULL, NULL);
	host->layouts = node_host_alloc(sizeof(*host->layouts) * (n_in + n_out + 1));
	host->firsts = node_host_alloc(sizeof(*host->firsts) * (n_in + n_out + 2));
	node_host_make_ports(host, setup, false, host->layouts, host->firsts);
	node_host_make_ports(host, setup, true, host->layouts + n_in, host->firsts + n_in + 1);
	host->n_in = host->firsts[n_in];
	host->n_out = host->firsts[n_in + 1 + n_out];
	host->setup.rate = setup->rate > 0 ? setup->rate : 48000;
	host->setup.type = host->type;
	host->setup.seed = setup->seed ? setup->seed : 1;
	host->setup.n_in_ports = n_in;
	host->setup.n_out_ports = n_out;
	host->setup.in_layout = host->layouts;
	host->setup.out_layout = host->layouts + n_in;
	host->setup.in_first = host->firsts;
	host->setup.out_first = host->firsts + n_in + 1;
	host->n_ext = 0;
	if (host->type->flags & MIXD_NODE_EXTERNAL_IN)
		host->n_ext = host->setup.out_layout[0]->n_channels;
	if (host->type->flags & MIXD_NODE_EXTERNAL_OUT)
		host->n_ext = host->setup.in_layout[0]->n_channels;
}

double node_host_node_value(const struct mixd_param_row *row, double value)
{
	if (row->ramp == MIXD_RAMP_GAIN)
		return value <= row->min ? 0 : pow(10, value / 20);
	return value;
}

static void node_host_make_inst(struct node_host *host, uint32_t idx,
				const struct node_host_setup *setup)
{
	struct node_host_inst *inst = &host->insts[idx];
	uint32_t n = host->n_params + 1, channels = host->bank.channels;

	inst->host = host;
	inst->ramps = node_host_alloc(sizeof(*inst->ramps) * n);
	inst->from = node_host_alloc(sizeof(double) * n);
	inst->to = node_host_alloc(sizeof(double) * n);
	inst->now = node_host_alloc(sizeof(double) * n);
	inst->meters = node_host_alloc(sizeof(double) * (host->n_meters + 1));
	inst->in = node_host_alloc(sizeof(*inst->in) * (host->n_in + 1));
	inst->out = node_host_alloc(sizeof(*inst->out) * (host->n_out + 1));
	for (uint32_t i = 0; i < host->n_params; i++) {
		double def;

		inst->ramps[i].row = node_host_param(host->type, i, NULL, &def);
		inst->to[i] = inst->from[i] = node_host_node_value(inst->ramps[i].row, def);
	}
	inst->inst = (struct mixd_inst){
		.type = host->type,
		.setup = &host->setup,
		.host = &host->services,
		.state = node_host_alloc(host->need.state_bytes),
		.in = inst->in,
		.out = inst->out,
		.value = inst->to,
		.meter = inst->meters,
		.in_linked = setup->only_main_linked ? 1 : UINT64_MAX,
	};
	if (host->setup.n_in_ports < 64)
		inst->inst.in_linked &= (UINT64_C(1) << host->setup.n_in_ports) - 1;
	if (host->need.lane_state || host->need.lane_coef) {
		uint32_t lane = idx * channels, block = lane / host->bank.width;

		inst->inst.lane_width = host->bank.width;
		lane -= block * host->bank.width;
		inst->inst.lane_state = host->bank.state + lane;
		inst->inst.lane_coef = host->bank.coef + lane;
	}
	host->inst_list[idx] = &inst->inst;
}

bool node_host_laned(const struct node_host *host)
{
	return host->need.lane_state || host->need.lane_coef;
}

static void node_host_make_bank(struct node_host *host)
{
	uint32_t channels = host->setup.n_out_ports  ? host->setup.out_layout[0]->n_channels
			    : host->setup.n_in_ports ? host->setup.in_layout[0]->n_channels
						     : 0;
	uint32_t lanes = channels * host->n_inst, total;

	host->bank.channels = channels;
	host->bank.n_lanes = lanes;
	host->bank.width = lanes <= 2 ? 2 : lanes <= 4 ? 4 : 8;
	host->bank.n_blocks = (lanes + host->bank.width - 1) / host->bank.width;
	if (!node_host_laned(host))
		return;
	CHECK(lanes <= 8 || host->n_inst == 1, "%u lanes need n_inst 1", lanes);
	total = host->bank.n_blocks * host->bank.width;
	host->bank.state = node_host_alloc(sizeof(double) * total * host->need.lane_state);
	host->bank.coef = node_host_alloc(sizeof(double) * total * host->need.lane_coef);
	host->bank.in = host->bank_in = node_host_alloc(sizeof(*host->bank_in) * total);
	host->bank.out = host->bank_out = node_host_alloc(sizeof(*host->bank_out) * total);
}

/* Values of a row. */
static uint32_t node_host_meter_count(const struct node_host *host,
				      const struct mixd_meter_row *row)
{
	return row->per_channel ? host->bank.channels : row->count ? row->count : 1;
}

static uint32_t node_host_count_meters(const struct node_host *host)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < host->type->n_meters; i++)
		n += node_host_meter_count(host, &host->type->meters[i]);
	return n;
}

void node_host_update(struct node_host_inst *inst, uint32_t cell_frames, bool jump)
{
	const struct mixd_node_type *type = inst->inst.type;
	struct mixd_update update = {inst->from, inst->to, cell_frames, jump};

	inst->glide = type->update && type->update(&inst->inst, &update);
}

struct node_host *node_host_try(const struct mixd_node_type *type,
				const struct node_host_setup *setup, struct mixd_fault *fault)
{
	struct node_host *host = node_host_alloc(sizeof(*host));

	memset(fault, 0, sizeof(*fault));
	host->type = type;
	host->live = setup->live;
	host->n_inst = setup->n_inst ? setup->n_inst : 1;
	host->n_params = node_host_n_params(type);
	host->in_place = setup->in_place && (type->flags & MIXD_NODE_IN_PLACE);
	host->services = (struct mixd_host){.submit = node_host_submit,
					    .event = node_host_event,
					    .wake = node_host_wake,
					    .await = node_host_await,
					    .cycle = node_host_cycle,
					    .offline = !setup->live,
					    .read_audio = audio_file_read,
					    .free_audio = audio_file_free,
					    .submit_disk = node_host_submit_disk,
					    .hold = node_host_hold,
					    .stream_open = audio_files.stream_open,
					    .stream_read = audio_files.stream_read,
					    .stream_close = audio_files.stream_close,
					    .record_open = audio_files.record_open,
					    .record_write = audio_files.record_write,
					    .record_close = audio_files.record_close};
	host->insts = node_host_alloc(sizeof(*host->insts) * host->n_inst);
	host->inst_list = node_host_alloc(sizeof(*host->inst_list) * host->n_inst);
	node_host_make_setup(host, setup);
	if (type->needs && type->needs(&host->setup, &host->need, fault) < 0)
		return node_host_free(host);
	node_host_make_bank(host);
	host->n_meters = node_host_count_meters(host);
	host->zeros = node_host_alloc(sizeof(float) * MIXD_SLICE_MAX);
	host->scratch = node_host_alloc(sizeof(float) * MIXD_SLICE_MAX);
	host->buffers = node_host_alloc(sizeof(float) * MIXD_SLICE_MAX *
					(host->n_in + host->n_out + host->n_ext) * host->n_inst);
	for (uint32_t i = 0; i < host->n_inst; i++)
		node_host_make_inst(host, i, setup);
	for (; host->n_active < host->n_inst; host->n_active++)
		if (type->activate && type->activate(host->inst_list[host->n_active], fault) < 0)
			return node_host_free(host);
	for (uint32_t i = 0; i < host->n_inst; i++) {
		node_host_update(&host->insts[i], MIXD_CELL, true);
		host->insts[i].moving = host->insts[i].glide;
	}
	return host;
}

struct node_host *node_host_new(const struct mixd_node_type *type,
				const struct node_host_setup *setup)
{
	struct mixd_fault fault;
	struct node_host *host = node_host_try(type, setup, &fault);

	CHECK(host, "%s refuses: %s; %s", type->id, fault.text, fault.hint);
	return host;
}

struct node_host *node_host_open(const char *id, const struct node_host_setup *setup)
{
	const char *why = "";
	const struct mixd_node_type *type = node_host_type(id, &why);

	CHECK(type, "%s", why);
	return node_host_new(type, setup);
}

struct node_host *node_host_free(struct node_host *host)
{
	if (!host)
		return NULL;
	for (uint32_t i = 0; i < host->n_active; i++)
		if (host->type->deactivate)
			host->type->deactivate(host->inst_list[i]);
	for (uint32_t i = 0; i < host->n_inst; i++) {
		struct node_host_inst *inst = &host->insts[i];

		free(inst->inst.state);
		free(inst->ramps);
		free(inst->from);
		free(inst->to);
		free(inst->now);
		free(inst->meters);
		free(inst->in);
		free(inst->out);
	}
	free(host->bank.state);
	free(host->bank.coef);
	free(host->bank_in);
	free(host->bank_out);
	free(host->buffers);
	free(host->zeros);
	free(host->scratch);
	free(host->configs);
	free(host->layouts);
	free(host->firsts);
	free(host->insts);
	free(host->inst_list);
	free(host);
	return NULL;
}

/* ---- looking ---- */

double node_host_meter(const struct node_host *host, uint32_t inst, const char *id)
{
	const struct mixd_node_type *type = host->type;
	uint32_t at = 0;

	for (uint32_t i = 0; i < type->n_meters; i++) {
		const struct mixd_meter_row *row = &type->meters[i];
		size_t size = strlen(row->id);

		if (strcmp(row->id, id) == 0)
			return host->insts[inst].meters[at];
		if ((row->per_channel || row->count) && strncmp(row->id, id, size) == 0) {
			uint32_t number = (uint32_t)strtoul(id + size, NULL, 10);

			if (number >= 1 && number <= node_host_meter_count(host, row))
				return host->insts[inst].meters[at + number - 1];
		}
		at += node_host_meter_count(host, row);
	}
	test_fail(__FILE__, __LINE__, "%s has no meter \"%s\"", type->id, id);
}

double *node_host_lane_state(struct node_host *host, uint32_t inst)
{
	return host->insts[inst].inst.lane_state;
}

uint32_t node_host_lane_width(const struct node_host *host)
{
	return host->bank.width;
}

uint32_t node_host_latency(const struct node_host *host)
{
	return host->need.latency;
}

uint64_t node_host_tail(const struct node_host *host)
{
	return host->need.tail;
}

uint64_t node_host_position(const struct node_host *host)
{
	return host->position;
}

void node_host_begin_at(struct node_host *host, uint64_t position)
{
	CHECK(host->position == 0 && (position & (MIXD_SLICE_MAX - 1)) == 0);
	host->position = position;
	for (uint32_t i = 0; i < host->n_inst; i++)
		host->insts[i].cell_begin = host->insts[i].cell_end = position;
}

uint32_t node_host_in_channels(const struct node_host *host)
{
	return host->type->flags & MIXD_NODE_EXTERNAL_IN ? host->n_ext : host->n_in;
}

uint32_t node_host_out_channels(const struct node_host *host)
{
	return host->type->flags & MIXD_NODE_EXTERNAL_OUT ? host->n_ext : host->n_out;
}

void node_host_capture(struct node_host *host, uint32_t inst, const char *id, char *ret_text,
		       size_t size)
{
	const struct mixd_node_type *type = host->type;
	struct mixd_fault fault = {0};
	uint32_t i = 0;

	while (i < type->n_configs && strcmp(type->configs[i].id, id) != 0)
		i++;
	CHECK(i < type->n_configs && type->capture, "%s captures no \"%s\"", type->id, id);
	CHECK(type->capture(host->inst_list[inst], i, ret_text, size, &fault) == 0, "%s; %s",
	      fault.text, fault.hint);
}

const struct mixd_node_type *node_host_node_type(const struct node_host *host)
{
	return host->type;
}

uint64_t node_host_events(const struct node_host *host, uint32_t *ret_code, double *ret_value)
{
	if (ret_code)
		*ret_code = host->event_code;
	if (ret_value)
		*ret_value = host->event_value;
	return host->n_events;
}

uint64_t node_host_ns(const struct node_host *host)
{
	return host->ns;
}
