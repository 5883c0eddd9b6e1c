/* engine_build_plan.c - from indexes to pointers: the plan as the audio thread runs it. [main] */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine_build.h"

struct engine_plan *engine_plan_free(struct engine_plan *plan)
{
	if (!plan)
		return NULL;
	for (uint32_t i = 0; i < plan->n_banks; i++)
		engine_bank_unref(plan->banks[i]);
	for (uint32_t i = 0; i < plan->n_links; i++)
		engine_link_unref(plan->links[i]);
	for (uint32_t i = 0; i < plan->n_nodes; i++)
		engine_inst_unref(plan->nodes[i].inst);
	free(plan->banks);
	free(plan->links);
	engine_arena_done(&plan->arena);
	engine_release(plan->buffers);
	free(plan);
	return NULL;
}

static float *plan_buffer(const struct engine_plan *plan, uint32_t buffer)
{
	return plan->buffers + (size_t)buffer * MIXD_SLICE_MAX;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

/* Flags of output ports are cut from *SILENT. */
static int plan_node_arrays(struct engine_plan *plan, struct engine_node *node, uint8_t **silent)
{
	struct engine_inst *inst = node->inst;
	struct engine_arena *arena = &plan->arena;

	node->ports = engine_arena_get(arena, inst->setup.n_in_ports * sizeof(*node->ports));
	node->in = engine_arena_get(arena, inst->n_in * sizeof(float *));
	node->out = engine_arena_get(arena, inst->n_out * sizeof(float *));
	if (!node->ports || !node->in || !node->out)
		return -ENOMEM;
	node->out_silent = *silent;
	*silent += inst->setup.n_out_ports;
	memset(node->out_silent, 1, inst->setup.n_out_ports);
	if (inst->external_in &&
	    !(node->ext_in = engine_arena_get(arena, inst->main_out * sizeof(float *))))
		return -ENOMEM;
	if (inst->external_out &&
	    !(node->ext_out = engine_arena_get(arena, inst->main_in * sizeof(float *))))
		return -ENOMEM;
	return 0;
}

static int plan_node(struct engine_build *build, struct engine_plan *plan, struct engine_node *node,
		     uint32_t idx, uint8_t **silent)
{
	const struct graph_plan *compiled = build->plan;
	struct engine_inst *inst = build->insts[idx];

	inst->refs++;
	node->inst = inst;
	node->n_in_ports = inst->setup.n_in_ports;
	node->n_out_ports = inst->setup.n_out_ports;
	plan->n_nodes++;
	if (plan_node_arrays(plan, node, silent) < 0)
		return -ENOMEM;
	for (uint32_t c = 0; c < inst->n_in; c++)
		node->in[c] = build->engine->zeros;
	for (uint32_t c = 0; c < inst->n_out; c++)
		node->out[c] =
			plan_buffer(plan, compiled->out_buffer[compiled->out_channel[idx] + c]);
	node->view = (struct mixd_inst){.type = inst->node_type,
					.setup = &inst->setup,
					.host = &build->engine->host,
					.state = inst->home.view.state,
					.in = node->in,
					.out = node->out,
					.value = inst->to,
					.meter = inst->home.view.meter};
	return 0;
}

static int plan_ports(struct engine_build *build, struct engine_plan *plan,
		      struct engine_node *const *node_of, uint32_t idx)
{
	const struct graph_plan *compiled = build->plan;
	struct engine_node *node = node_of[idx];
	const struct mixd_setup *setup = &node->inst->setup;

	for (uint32_t p = 0; p < setup->n_in_ports; p++) {
		struct engine_port *port = &node->ports[p];
		uint32_t first = compiled->link_first[compiled->in_port[idx] + p];
		uint32_t end = compiled->link_first[compiled->in_port[idx] + p + 1];

		port->first = setup->in_first[p];
		port->n = setup->in_first[p + 1] - port->first;
		port->n_wires = end - first;
		if (!port->n_wires)
			continue;
		if (p < 64)
			node->view.in_linked |= UINT64_C(1) << p;
		port->wires = engine_arena_get(&plan->arena, port->n_wires * sizeof(*port->wires));
		port->mix = engine_arena_get(&plan->arena, port->n * sizeof(float *));
		if (!port->wires || !port->mix)
			return -ENOMEM;
		for (uint32_t c = 0; c < port->n; c++)
			port->mix[c] = plan_buffer(
				plan,
				compiled->in_buffer[compiled->in_channel[idx] + port->first + c]);
		for (uint32_t j = first; j < end; j++) {
			uint32_t want = build->of_link[compiled->link_order[j]];
			struct engine_link *link = build->want->links[want].link;
			struct engine_node *from = node_of[link->from->idx];
			uint32_t channel = link->from->setup.out_first[link->from_port];

			port->wires[j - first] =
				(struct engine_wire){.link = link,
						     .source = from->out + channel,
						     .silent = from->out_silent + link->from_port,
						     .n_source = link->n_channels};
			link->refs++;
			plan->links[plan->n_links++] = link;
		}
		port->silent = port->wires[0].silent;
	}
	return 0;
}

/* ---- banks ----------------------------------------------------------------------------------- */

/* The bank in which exactly these instances sit already, or NULL. */
static struct engine_bank *bank_find(const struct graph_plan_step *step,
				     struct engine_inst *const *members)
{
	struct engine_bank *bank = members[0]->bank;

	if (bank->n_members != step->n || bank->width != step->width ||
	    bank->n_blocks != step->n_blocks)
		return NULL;
	for (uint32_t i = 0; i < step->n; i++)
		if (members[i]->bank != bank || bank->members[i] != members[i])
			return NULL;
	return bank;
}

static void bank_move(struct engine_build *build, struct engine_inst *inst,
		      struct engine_bank *bank, uint32_t lane)
{
	struct engine_move move = {.from_state = inst->bank->state + inst->lane,
				   .from_coef = inst->bank->coef + inst->lane,
				   .to_state = bank->state + lane,
				   .to_coef = bank->coef + lane,
				   .from_width = inst->bank->width,
				   .to_width = bank->width,
				   .words_state = inst->need.lane_state,
				   .words_coef = inst->need.lane_coef,
				   .channels = bank->channels};

	if (!inst->fresh) {
		build->change->moves[build->change->n_moves++] = move;
		return;
	}
	/* nobody runs it yet: main moves it now */
	for (uint32_t c = 0; c < move.channels; c++) {
		for (uint32_t k = 0; k < move.words_state; k++)
			move.to_state[(size_t)k * move.to_width + c] =
				move.from_state[(size_t)k * move.from_width + c];
		for (uint32_t k = 0; k < move.words_coef; k++)
			move.to_coef[(size_t)k * move.to_width + c] =
				move.from_coef[(size_t)k * move.from_width + c];
	}
}

static int bank_pointers(struct engine_build *build, struct engine_plan *plan,
			 struct engine_step *step, const struct engine_bank *bank)
{
	uint32_t lanes = bank->width * bank->n_blocks;
	const float **in = engine_arena_get(&plan->arena, lanes * sizeof(float *));
	float **out = engine_arena_get(&plan->arena, lanes * sizeof(float *));

	if (!in || !out)
		return -ENOMEM;
	for (uint32_t l = 0; l < lanes; l++) {
		in[l] = build->engine->zeros;
		out[l] = build->engine->scratch;
	}
	step->has_bank = true;
	step->bank = (struct mixd_bank){.width = bank->width,
					.n_blocks = bank->n_blocks,
					.n_lanes = bank->n_lanes,
					.channels = bank->channels,
					.state = bank->state,
					.coef = bank->coef,
					.in = in,
					.out = out};
	for (uint32_t i = 0; i < step->n; i++) {
		struct engine_node *node = &step->nodes[i];

		node->lane = i * bank->channels;
		node->lane_in = in + node->lane;
		node->lane_out = out + node->lane;
		node->view.lane_state = bank->state + node->lane;
		node->view.lane_coef = bank->coef + node->lane;
		node->view.lane_width = bank->width;
		engine_node_point(build->engine, node, false);
	}
	return 0;
}

static int plan_bank(struct engine_build *build, struct engine_plan *plan, struct engine_step *step,
		     const struct graph_plan_step *compiled)
{
	struct engine_inst *members[MIXD_LANES_MAX];
	struct engine_change *change = build->change;
	struct engine_bank *bank;

	for (uint32_t i = 0; i < compiled->n; i++)
		members[i] = build->insts[build->plan->order[compiled->first + i]];
	bank = bank_find(compiled, members);
	if (bank) {
		bank->refs++;
	} else {
		bank = engine_bank_new(build->engine, compiled->width, compiled->n_blocks,
				       compiled->channels, members, compiled->n);
		if (!bank)
			return -ENOMEM;
		for (uint32_t i = 0; i < compiled->n; i++) {
			bank_move(build, members[i], bank, i * compiled->channels);
			bank->refs++;
			change->banks[change->n_banks++] =
				(struct engine_want_bank){members[i], bank, i * compiled->channels};
		}
	}
	plan->banks[plan->n_banks++] = bank;
	return bank_pointers(build, plan, step, bank);
}

/* ---- all ------------------------------------------------------------------------------------- */

/* VCAs run behind what they move, which reads where they are at the beginning of the slice: so the
 * result does not depend on their place in the order, nor on how time is cut. */
static void plan_controls_last(struct engine_plan *plan)
{
	uint32_t at = 0, n = plan->n_steps;

	for (uint32_t turn = 0; turn < n; turn++) {
		struct engine_step step = plan->steps[at];

		if (!(step.type->flags & MIXD_NODE_GROUP)) {
			at++;
			continue;
		}
		memmove(&plan->steps[at], &plan->steps[at + 1], (n - at - 1) * sizeof(step));
		plan->steps[n - 1] = step;
	}
}

/* What the steps of a run have written; the guard has not looked at it. */
struct guard_run {
	uint32_t id, n;
	const float *written[ENGINE_GUARD_CHANNELS];
};

static bool run_wrote(const struct guard_run *run, const float *buffer)
{
	for (uint32_t i = 0; i < run->n; i++)
		if (run->written[i] == buffer)
			return true;
	return false;
}

/* STEP reads what the run wrote, or writes over it: an output that nobody reads is free at once. */
static bool run_meets(const struct guard_run *run, const struct engine_step *step,
		      struct engine_node *const *node_of)
{
	for (uint32_t i = 0; run->n && i < step->n; i++) {
		const struct engine_node *node = &step->nodes[i];

		for (uint32_t c = 0; c < node->inst->n_out; c++)
			if (run_wrote(run, node->out[c]))
				return true;
		for (uint32_t p = 0; p < node->n_in_ports; p++) {
			const struct engine_port *port = &node->ports[p];

			for (uint32_t c = 0; port->n_wires && c < port->n; c++)
				if (run_wrote(run, port->mix[c]))
					return true;
			for (uint32_t j = 0; j < port->n_wires; j++)
				if (node_of[port->wires[j].link->from->idx]->guard_run == run->id)
					return true;
		}
	}
	return false;
}

/* Outputs of STEP, or 0 when the guard is to look at each node on its own. */
static uint32_t step_defers(const struct engine_step *step)
{
	uint32_t n = 0;

	if (step->feedback)
		return 0;
	for (uint32_t i = 0; i < step->n; i++) {
		const struct engine_inst *inst = step->nodes[i].inst;

		if (inst->external_out || !inst->main_out)
			return 0;
		n += inst->n_out;
	}
	return n <= ENGINE_GUARD_CHANNELS ? n : 0;
}

/* Steps in a row that neither read nor disturb each other: the guard looks at them together. */
static void plan_guards(struct engine_plan *plan, struct engine_node *const *node_of)
{
	struct guard_run run = {.id = 1};

	for (uint32_t s = 0; s < plan->n_steps; s++) {
		struct engine_step *step = &plan->steps[s];
		uint32_t n = step_defers(step);

		if (run.n + n > ENGINE_GUARD_CHANNELS || run_meets(&run, step, node_of)) {
			plan->steps[s - 1].looks = true;
			run = (struct guard_run){.id = run.id + 1};
		}
		step->defers = n > 0;
		step->brief = step->defers && step->n == 1 && !step->has_bank &&
			      step->nodes->n_in_ports <= 1;
		step->looks = s + 1 == plan->n_steps;
		for (uint32_t i = 0; n && i < step->n; i++) {
			struct engine_node *node = &step->nodes[i];

			node->guard_run = run.id;
			for (uint32_t c = 0; c < node->inst->n_out; c++)
				run.written[run.n++] = node->out[c];
		}
	}
}

/* A node looks at about a KiB in each slice: as long as all fit the second-level cache, fetching ahead
 * costs more than it saves (measured: 4 % of 100 strips; it saves 12 % of 1000). */
#define PLAN_FETCH_NODES 1024u
#define PLAN_FETCH 8u /* per node */
static int plan_fetch(struct engine_plan *plan, struct engine_step *step)
{
	step->fetch = engine_arena_get(&plan->arena, PLAN_FETCH * step->n * sizeof(*step->fetch));
	if (!step->fetch)
		return -ENOMEM;
	for (uint32_t i = 0; i < step->n; i++) {
		const struct engine_node *node = &step->nodes[i];
		const char *lines = (const char *)node;

		for (size_t at = 0; at < sizeof(*node); at += ENGINE_ALIGN)
			step->fetch[step->n_fetch++] = lines + at;
		step->fetch[step->n_fetch++] = node->inst;
		step->fetch[step->n_fetch++] = node->view.state;
		step->fetch[step->n_fetch++] = node->ports;
		step->fetch[step->n_fetch++] = node->out;
	}
	return 0;
}
_Static_assert(sizeof(struct engine_node) <= (PLAN_FETCH - 4) * ENGINE_ALIGN, "PLAN_FETCH");

static int plan_steps(struct engine_build *build, struct engine_plan *plan,
		      struct engine_node **node_of)
{
	const struct graph_plan *compiled = build->plan;
	uint8_t *silent = plan->silent;

	for (uint32_t s = 0; s < compiled->n_steps; s++) {
		const struct graph_plan_step *from = &compiled->steps[s];
		struct engine_step *step = &plan->steps[s];

		step->kind = from->kind;
		step->n = from->n;
		step->type = build->insts[compiled->order[from->first]]->node_type;
		step->feedback = step->type->flags & MIXD_NODE_FEEDBACK;
		step->external =
			step->type->flags & (MIXD_NODE_EXTERNAL_IN | MIXD_NODE_EXTERNAL_OUT);
		if (from->kind == GRAPH_PLAN_EMIT)
			continue; /* the node of its PROCESS, see below */
		step->nodes = plan->nodes + plan->n_nodes;
		for (uint32_t i = 0; i < from->n; i++) {
			uint32_t idx = compiled->order[from->first + i];

			node_of[idx] = &plan->nodes[plan->n_nodes];
			if (plan_node(build, plan, node_of[idx], idx, &silent) < 0)
				return -ENOMEM;
			if (step->external)
				plan->externals[plan->n_externals++] = node_of[idx];
		}
	}
	for (uint32_t s = 0; s < compiled->n_steps; s++) {
		const struct graph_plan_step *from = &compiled->steps[s];
		struct engine_step *step = &plan->steps[s];

		if (from->kind == GRAPH_PLAN_EMIT)
			step->nodes = node_of[compiled->order[from->first]];
		step->views = engine_arena_get(&plan->arena, step->n * sizeof(*step->views));
		if (!step->views)
			return -ENOMEM;
		for (uint32_t i = 0; i < step->n; i++)
			step->views[i] = &step->nodes[i].view;
		for (uint32_t i = 0; i < step->n && from->kind == GRAPH_PLAN_PROCESS; i++)
			if (plan_ports(build, plan, node_of, compiled->order[from->first + i]) < 0)
				return -ENOMEM;
		if (from->width && plan_bank(build, plan, step, from) < 0)
			return -ENOMEM;
		if (plan->n_nodes >= PLAN_FETCH_NODES && plan_fetch(plan, step) < 0)
			return -ENOMEM;
	}
	plan->n_steps = compiled->n_steps;
	plan_controls_last(plan);
	plan_guards(plan, node_of);
	return engine_group_plan(plan, build->want, node_of);
}

int engine_build_plan(struct engine_build *build)
{
	const struct graph_plan *compiled = build->plan;
	uint32_t n = build->want->n_insts;
	struct engine_plan *plan = calloc(1, sizeof(*plan));
	struct engine_node **node_of = calloc(n + 1, sizeof(*node_of));
	size_t n_out_ports = 0;
	int res = -ENOMEM;

	if (!plan || !node_of)
		goto out;
	for (uint32_t i = 0; i < n; i++)
		n_out_ports += build->insts[i]->setup.n_out_ports;
	plan->silent = engine_arena_get(&plan->arena, n_out_ports + 1);
	plan->latency = build->want->latency;
	plan->steps = engine_arena_get(&plan->arena, compiled->n_steps * sizeof(*plan->steps));
	plan->nodes = engine_arena_get(&plan->arena, n * sizeof(*plan->nodes));
	plan->externals = engine_arena_get(&plan->arena, (n + 1) * sizeof(*plan->externals));
	plan->links = calloc(build->want->n_links + 1, sizeof(struct engine_link *));
	plan->banks = calloc(compiled->n_banks + 1, sizeof(struct engine_bank *));
	plan->buffers =
		engine_alloc((size_t)(compiled->n_buffers + 1) * MIXD_SLICE_MAX * sizeof(float));
	build->change->moves = calloc(n + 1, sizeof(struct engine_move));
	build->change->banks = calloc(n + 1, sizeof(struct engine_want_bank));
	if (plan->silent && plan->steps && plan->nodes && plan->externals && plan->links &&
	    plan->banks && plan->buffers && build->change->moves && build->change->banks)
		res = plan_steps(build, plan, node_of);
out:
	free(node_of);
	if (res == 0)
		build->change->plan = plan;
	else
		engine_plan_free(plan);
	return res;
}
