/* engine_inst.c - make and free instances, links and banks. [main] */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"

struct engine_chunk {
	struct engine_chunk *next;
	_Alignas(ENGINE_ALIGN) unsigned char data[];
};

void *engine_arena_get(struct engine_arena *arena, size_t bytes)
{
	unsigned char *memory;

	bytes = (bytes + 15) & ~(size_t)15;
	if (!arena->chunks || arena->size - arena->used < bytes) {
		size_t size = bytes > 65536 ? bytes : 65536;
		struct engine_chunk *chunk = engine_alloc(sizeof(*chunk) + size);

		if (!chunk)
			return NULL;
		chunk->next = arena->chunks;
		arena->chunks = chunk;
		arena->used = 0;
		arena->size = size;
	}
	memory = arena->chunks->data + arena->used;
	arena->used += bytes;
	return memory;
}

void engine_arena_done(struct engine_arena *arena)
{
	while (arena->chunks) {
		struct engine_chunk *next = arena->chunks->next;

		engine_release(arena->chunks);
		arena->chunks = next;
	}
}

static uint32_t inst_power_of_two(uint64_t n)
{
	uint32_t size = 1;

	while (size < n && size < 1u << 30)
		size <<= 1;
	return size;
}

/* ---- banks ----------------------------------------------------------------------------------- */

struct engine_bank *engine_bank_new(struct engine *engine, uint32_t width, uint32_t n_blocks,
				    uint32_t channels, struct engine_inst *const *members,
				    uint32_t n_members)
{
	struct engine_bank *bank = calloc(1, sizeof(*bank));
	size_t lanes = (size_t)width * n_blocks * sizeof(double);

	if (!bank)
		return NULL;
	*bank = (struct engine_bank){.id = ++engine->last_id,
				     .refs = 1,
				     .width = width,
				     .n_blocks = n_blocks,
				     .n_lanes = n_members * channels,
				     .channels = channels,
				     .n_members = n_members};
	bank->members = calloc(n_members, sizeof(struct engine_inst *));
	bank->state = engine_alloc(members[0]->need.lane_state * lanes);
	bank->coef = engine_alloc(members[0]->need.lane_coef * lanes);
	if (!bank->members || !bank->state || !bank->coef) {
		engine_bank_unref(bank);
		return NULL;
	}
	memcpy(bank->members, members, n_members * sizeof(struct engine_inst *));
	return bank;
}

void engine_bank_unref(struct engine_bank *bank)
{
	if (!bank || --bank->refs)
		return;
	free(bank->members);
	engine_release(bank->state);
	engine_release(bank->coef);
	free(bank);
}

/* ---- links ----------------------------------------------------------------------------------- */

struct engine_link *engine_link_new(const struct graph_link *link, struct engine_inst *from,
				    struct engine_inst *to, uint32_t delay)
{
	struct engine_link *state = engine_alloc(sizeof(*state));

	if (!state)
		return NULL;
	state->uid = link->uid;
	state->from = from;
	state->to = to;
	state->from_port = link->from_port;
	state->to_port = link->to_port;
	state->delay = delay;
	state->refs = 1;
	state->n_channels =
		from->setup.out_first[link->from_port + 1] - from->setup.out_first[link->from_port];
	if (delay) {
		state->ring_frames = inst_power_of_two((uint64_t)delay + MIXD_SLICE_MAX);
		state->quiet = state->ring_frames;
		state->ring = engine_alloc((size_t)state->ring_frames * state->n_channels *
					   sizeof(float));
		if (!state->ring) {
			engine_release(state);
			return NULL;
		}
	}
	from->refs++;
	to->refs++;
	return state;
}

void engine_link_unref(struct engine_link *link)
{
	if (!link || --link->refs)
		return;
	engine_inst_unref(link->from);
	engine_inst_unref(link->to);
	engine_release(link->ring);
	engine_release(link);
}

/* ---- instances ------------------------------------------------------------------------------- */

static void inst_free_envelopes(struct engine_inst *inst)
{
	struct engine_envelope **at = &inst->engine->envelopes;

	while (*at) {
		struct engine_envelope *envelope = *at;

		if (envelope->inst != inst) {
			at = &envelope->next;
			continue;
		}
		*at = envelope->next;
		inst->engine->envelopes_ended++;
		free(envelope);
	}
}

static void inst_free(struct engine_inst *inst)
{
	if (inst->home.view.state && inst->node_type->deactivate)
		inst->node_type->deactivate(&inst->home.view);
	inst_free_envelopes(inst);
	for (uint32_t i = 0; inst->config && i < inst->node_type->n_configs; i++)
		free((char *)(uintptr_t)inst->config[i].text);
	engine_bank_unref(inst->bank);
	free(inst->config);
	free(inst->layouts);
	free(inst->firsts);
	free(inst->meter_first);
	engine_release(inst->home.view.state);
	engine_release(inst->home.view.meter);
	free(inst->name);
	free(inst->lack);
	free(inst->declared);
	engine_release(inst->from);
	engine_release(inst->to);
	engine_release((void *)inst->reached);
	free(inst->ramps);
	free(inst->active);
	engine_release(inst->dry_ring);
	engine_release(inst->slots);
	engine_release(inst);
}

void engine_inst_unref(struct engine_inst *inst)
{
	if (!inst || --inst->refs)
		return;
	/* a job may still be with the worker, or with a disk that takes its time */
	if (atomic_load_explicit(&inst->jobs, memory_order_acquire)) {
		inst->dying = inst->engine->dying;
		inst->engine->dying = inst;
		return;
	}
	inst_free(inst);
}

void engine_inst_bury(struct engine *engine)
{
	struct engine_inst **at = &engine->dying;

	while (*at) {
		struct engine_inst *inst = *at;

		if (atomic_load_explicit(&inst->jobs, memory_order_acquire)) {
			at = &inst->dying;
			continue;
		}
		*at = inst->dying;
		inst_free(inst);
	}
}

static bool inst_layouts_fit(const struct engine_inst *inst, const struct graph_node *node,
			     const struct graph_layouts *layouts)
{
	for (uint32_t p = 0; p < node->n_in_ports; p++)
		if (inst->setup.in_layout[p] != graph_layouts_port(layouts, node, false, p))
			return false;
	for (uint32_t p = 0; p < node->n_out_ports; p++)
		if (inst->setup.out_layout[p] != graph_layouts_port(layouts, node, true, p))
			return false;
	return true;
}

/* Boundary nodes only carry channels: their configs concern the backend. */
bool engine_inst_fits(const struct engine_inst *inst, const struct graph_node *node,
		      const struct graph_layouts *layouts)
{
	bool boundary = inst->external_in || inst->external_out;

	return inst->type == node->type && inst->slot == node->slot &&
	       (boundary || inst->config_gen == node->config_gen) &&
	       inst->setup.rate == inst->engine->setup.rate &&
	       inst->setup.n_in_ports == node->n_in_ports &&
	       inst->setup.n_out_ports == node->n_out_ports &&
	       inst_layouts_fit(inst, node, layouts);
}

static uint64_t inst_seed(uint64_t seed, const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ seed; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return hash;
}

static int inst_setup(struct engine_inst *inst, const struct graph_node *node,
		      const struct graph_layouts *layouts)
{
	uint32_t n_in = node->n_in_ports, n_out = node->n_out_ports;
	uint32_t *out_first;

	inst->layouts = calloc((size_t)n_in + n_out + 1, sizeof(*inst->layouts));
	inst->firsts = calloc((size_t)n_in + n_out + 2, sizeof(uint32_t));
	inst->config = calloc(inst->node_type->n_configs + 1, sizeof(*inst->config));
	if (!inst->layouts || !inst->firsts || !inst->config)
		return -ENOMEM;
	for (uint32_t p = 0; p < n_in; p++) {
		inst->layouts[p] = graph_layouts_port(layouts, node, false, p);
		inst->firsts[p + 1] = inst->firsts[p] + inst->layouts[p]->n_channels;
	}
	out_first = inst->firsts + n_in + 1;
	for (uint32_t p = 0; p < n_out; p++) {
		inst->layouts[n_in + p] = graph_layouts_port(layouts, node, true, p);
		out_first[p + 1] = out_first[p] + inst->layouts[n_in + p]->n_channels;
	}
	for (uint32_t i = 0; i < inst->node_type->n_configs; i++) {
		const struct mixd_value *value = &node->config[GRAPH_CONFIG_COMMON + i];

		inst->config[i].number = value->number;
		if (inst->lack && inst->node_type->configs[i].is_file)
			continue;
		if (value->text && !(inst->config[i].text = strdup(value->text)))
			return -ENOMEM;
	}
	inst->setup = (struct mixd_setup){.rate = inst->engine->setup.rate,
					  .n_in_ports = n_in,
					  .n_out_ports = n_out,
					  .in_layout = inst->layouts,
					  .out_layout = inst->layouts + n_in,
					  .in_first = inst->firsts,
					  .out_first = out_first,
					  .config = inst->config,
					  .seed = inst_seed(inst->engine->setup.seed, node->name),
					  .type = inst->node_type};
	inst->n_in = inst->firsts[n_in];
	inst->n_out = out_first[n_out];
	inst->main_in = n_in ? inst->firsts[1] : 0;
	inst->main_out = n_out ? out_first[1] : 0;
	return 0;
}

static int inst_arrays(struct engine_inst *inst)
{
	const struct mixd_node_type *type = inst->node_type;
	uint32_t channels = inst->main_out ? inst->main_out : inst->main_in;

	inst->n_params = inst->type->n_params - GRAPH_PARAM_COMMON;
	inst->gain_idx = UINT32_MAX;
	for (uint32_t i = 0; i < inst->n_params; i++) {
		const struct graph_param *param = &inst->type->params[GRAPH_PARAM_COMMON + i];

		if (strcmp(param->id, "gain") == 0 && param->row->ramp == MIXD_RAMP_GAIN)
			inst->gain_idx = i;
	}
	inst->meter_first = calloc(type->n_meters + 1, sizeof(uint32_t));
	if (!inst->meter_first)
		return -ENOMEM;
	for (uint32_t row = 0; row < type->n_meters; row++)
		inst->meter_first[row + 1] = inst->meter_first[row] +
					     (type->meters[row].per_channel ? channels
					      : type->meters[row].count ? type->meters[row].count
									: 1);
	inst->n_meters = inst->meter_first[type->n_meters];
	inst->declared = calloc(inst->type->n_params, sizeof(double));
	inst->from = engine_alloc((inst->n_params + 1) * sizeof(double));
	inst->to = engine_alloc((inst->n_params + 1) * sizeof(double));
	inst->reached = engine_alloc((inst->n_params + 1) * sizeof(*inst->reached));
	inst->ramps = calloc(inst->n_params + 1, sizeof(*inst->ramps));
	inst->active = calloc(inst->n_params + 1, sizeof(uint32_t));
	inst->slots = engine_alloc((inst->n_meters + 1) * sizeof(*inst->slots));
	inst->home.view.meter = engine_alloc((inst->n_meters + 1) * sizeof(double));
	inst->home.view.state = engine_alloc(inst->need.state_bytes);
	if (!inst->declared || !inst->from || !inst->to || !inst->reached || !inst->ramps ||
	    !inst->active || !inst->slots || !inst->home.view.meter || !inst->home.view.state)
		return -ENOMEM;
	for (uint32_t i = 0; i <= inst->n_meters; i++)
		for (uint32_t r = 0; r < ENGINE_METER_READERS; r++)
			atomic_store(&inst->slots[i].fold[r], NAN);
	if (inst->need.latency && !inst->dry_silent) {
		inst->dry_frames = inst_power_of_two((uint64_t)inst->need.latency + MIXD_SLICE_MAX);
		inst->dry_ring =
			engine_alloc((size_t)inst->dry_frames * inst->main_in * sizeof(float));
		if (!inst->dry_ring)
			return -ENOMEM;
	}
	return 0;
}

static int inst_lanes(struct engine_inst *inst)
{
	struct mixd_inst *view = &inst->home.view;
	uint32_t channels = inst->main_in > inst->main_out ? inst->main_in : inst->main_out;
	uint32_t width;

	inst->laned = inst->need.lane_state || inst->need.lane_coef;
	if (!inst->laned)
		return 0;
	channels = channels ? channels : 1;
	width = channels <= 2 ? 2 : channels <= 4 ? 4 : MIXD_LANES_MAX;
	inst->bank = engine_bank_new(inst->engine, width, (channels + width - 1) / width, channels,
				     &inst, 1);
	if (!inst->bank)
		return -ENOMEM;
	view->lane_state = inst->bank->state;
	view->lane_coef = inst->bank->coef;
	view->lane_width = width;
	return 0;
}

static void inst_limits(struct engine_inst *inst)
{
	const struct mixd_node_type *type = inst->node_type;
	uint64_t tail = inst->need.tail;

	inst->external_in = type->flags & MIXD_NODE_EXTERNAL_IN;
	inst->external_out = type->flags & MIXD_NODE_EXTERNAL_OUT;
	inst->dry_silent = (type->flags & (MIXD_NODE_BYPASS_SILENT | MIXD_NODE_FEEDBACK |
					   MIXD_NODE_EXTERNAL_IN | MIXD_NODE_EXTERNAL_OUT)) ||
			   !inst->main_in || !inst->main_out;
	inst->sleep_after = UINT64_MAX;
	if (!(type->flags & (MIXD_NODE_SOURCE | MIXD_NODE_FEEDBACK | MIXD_NODE_EXTERNAL_IN |
			     MIXD_NODE_EXTERNAL_OUT)) &&
	    tail < UINT64_MAX - inst->need.latency)
		inst->sleep_after = tail + inst->need.latency;
	/* Nothing has been heard yet, so nothing rings: asleep after the first silent window (N4). */
	if (inst->sleep_after != UINT64_MAX)
		inst->quiet = inst->sleep_after;
}

/* Values as the model has them, at rest; bypass and mute without a fade: nobody has heard it yet. */
static void inst_begin(struct engine_inst *inst, const struct graph_node *node)
{
	memcpy(inst->declared, node->value, inst->type->n_params * sizeof(double));
	for (uint32_t i = 0; i < inst->n_params; i++) {
		inst->from[i] = inst->to[i] =
			engine_visible(inst->type->params[GRAPH_PARAM_COMMON + i].row,
				       node->value[GRAPH_PARAM_COMMON + i]);
		atomic_store_explicit(&inst->reached[i], inst->to[i], memory_order_relaxed);
	}
	inst->factor_from = inst->factor = 1.0;
	if (inst->gain_idx != UINT32_MAX)
		inst->own_from = inst->own_to = inst->to[inst->gain_idx];
	inst->bypass = node->value[GRAPH_PARAM_BYPASS] >= 0.5;
	inst->muted = node->value[GRAPH_PARAM_MUTE] >= 0.5;
	inst->mode = inst->bypass ? ENGINE_MODE_DRY : ENGINE_MODE_WET;
	inst->wet.to = inst->wet.from = inst->bypass ? 0.0 : 1.0;
	inst->mute.to = inst->mute.from = inst->muted ? 0.0 : 1.0;
	inst->plain = !inst->bypass && !inst->muted;
	inst->dry_since = inst->bypass ? 0 : UINT64_MAX;
	inst->fault_at = UINT64_MAX;
	/* fresh is as good as reset: one silent window is enough to sleep (N4) */
	inst->window_loud = false;
	inst->quiet = inst->sleep_after;
	inst->home.view.value = inst->to;
	engine_inst_publish_state(inst);
}

static int inst_fault(struct mixd_error *err, const struct graph_node *node, int res,
		      const struct mixd_fault *fault)
{
	error_set(err, res == -ENOMEM ? ERROR_RESOURCE : ERROR_INVALID, node->name, "%s",
		  fault->text[0] ? fault->text : "the node refuses this setup");
	if (fault->hint[0])
		error_hint(err, "%s", fault->hint);
	return res;
}

static int inst_activate(struct engine_inst *inst, const struct graph_node *node,
			 struct mixd_error *err)
{
	struct mixd_fault fault = {0};
	int res = 0;

	inst_begin(inst, node);
	if (inst->node_type->activate)
		res = inst->node_type->activate(&inst->home.view, &fault);
	if (res < 0) {
		engine_release(inst->home.view.state); /* not active: nothing to deactivate */
		inst->home.view.state = NULL;
		return inst_fault(err, node, res, &fault);
	}
	engine_inst_jump(&inst->home);
	return 0;
}

/* Without its files when LACK says why. */
static int inst_new(struct engine *engine, const struct graph_node *node,
		    const struct graph_layouts *layouts, const char *lack, struct engine_inst **ret,
		    struct mixd_error *err)
{
	struct engine_inst *inst = engine_alloc(sizeof(*inst));
	struct mixd_fault fault = {0};
	int res = inst ? 0 : -ENOMEM;
	bool told = false;

	if (!inst)
		goto fail;
	inst->engine = engine;
	inst->id = ++engine->last_id;
	inst->uid = node->uid;
	inst->config_gen = node->config_gen;
	inst->slot = node->slot;
	inst->type = node->type;
	inst->node_type = node->type->node_type;
	inst->refs = 1;
	inst->fresh = true;
	inst->name = strdup(node->name);
	inst->lack = lack ? strdup(lack) : NULL;
	inst->home.inst = inst;
	res = inst->name && !inst->lack == !lack ? inst_setup(inst, node, layouts) : -ENOMEM;
	if (res == 0 && inst->node_type->needs) {
		res = inst->node_type->needs(&inst->setup, &inst->need, &fault);
		if (res < 0) {
			inst_fault(err, node, res, &fault);
			told = true;
		}
	}
	if (res == 0 && (inst->node_type->flags & MIXD_NODE_EXTERNAL_IN) &&
	    engine->setup.input_latency && node->slot < engine->setup.n_input_latency)
		inst->need.latency = engine->setup.input_latency[node->slot];
	if (res == 0)
		inst_limits(inst);
	if (res == 0)
		res = inst_arrays(inst);
	inst->home.view.type = inst->node_type;
	inst->home.view.setup = &inst->setup;
	inst->home.view.host = &engine->host;
	if (res == 0)
		res = inst_lanes(inst);
	if (res == 0) {
		res = inst_activate(inst, node, err);
		told = res < 0;
	} else if (inst->home.view.state) {
		engine_release(inst->home.view.state);
		inst->home.view.state = NULL;
	}
	if (res == 0) {
		*ret = inst;
		return 0;
	}
fail:
	if (!told)
		error_set(err, ERROR_RESOURCE, node->name, "out of memory");
	if (inst)
		inst_free(inst);
	return res;
}

static bool inst_has_files(const struct graph_node *node)
{
	const struct mixd_node_type *type = node->type->node_type;

	for (uint32_t i = 0; i < type->n_configs; i++) {
		const char *text = node->config[GRAPH_CONFIG_COMMON + i].text;

		if (type->configs[i].is_file && text && *text)
			return true;
	}
	return false;
}

/* A change that nobody asked for (a restart, another rate) cannot be refused: rather one node without
 * its file than all of them silent. */
int engine_inst_new(struct engine *engine, const struct graph_node *node,
		    const struct graph_layouts *layouts, struct engine_inst **ret,
		    struct mixd_error *err)
{
	struct mixd_error lack = {0}, other = {0};
	int res = inst_new(engine, node, layouts, NULL, ret, &lack);

	if (res < 0 && res != -ENOMEM && engine->lenient && inst_has_files(node) &&
	    inst_new(engine, node, layouts, lack.text, ret, &other) == 0)
		return 0;
	if (res < 0)
		*err = lack;
	return res;
}
