/* render_stages.c - the engines of a render, and where their boundary nodes find their channels. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio_file.h"
#include "audio_files.h"
#include "cleanup.h"
#include "render_internal.h"
#include "render_split.h"

#define STAGES_METER_READER 0u

/* ---- engines ----------------------------------------------------------------------------------- */

static int stage_open(struct render *render, uint32_t idx, struct mixd_error *err)
{
	struct render_stage *stage = &render->stage[idx];
	struct engine_setup setup = {
		.rate = render->rate,
		.offline = true,
		.seed = render->request->seed,
		.read_audio = audio_file_read,
		.free_audio = audio_file_free,
		.files = &audio_files_whole,
		.roll = true,
	};
	struct engine_change *change = NULL;
	int r;

	if (render->split)
		setup.input_latency =
			render_split_latency(render->split, idx, &setup.n_input_latency);
	r = engine_new(&setup, &stage->engine, err);
	if (r < 0)
		return r;
	r = engine_prepare(stage->engine, stage->model, &render->begin, &change, err);
	if (r < 0)
		return r;
	engine_submit(stage->engine, change);
	engine_set_running(stage->engine, true);
	return 0;
}

/* Behind the end of a range only a tail is wanted: players stop, as they do for a person. */
static void stage_stop(struct engine *engine)
{
	struct engine_transport transport;

	engine_transport_get(engine, &transport);
	transport.is_rolling = false;
	engine_transport_set(engine, &transport);
}

/* A player that cannot read, a recorder that cannot write: what is missing would be silence. */
static int stage_trouble(const struct render *render, const struct graph_node *node,
			 const struct engine_event *event, struct mixd_error *err)
{
	uint32_t row = event->code - MIXD_EVENT_ALARM;
	const struct mixd_meter_row *meter;
	const char *label;

	if (!node || event->kind != ENGINE_EVENT_NODE || event->code < MIXD_EVENT_ALARM ||
	    row >= node->type->node_type->n_meters || event->value < 0.5)
		return 0;
	meter = &node->type->node_type->meters[row];
	if (strcmp(meter->id, "trouble") != 0)
		return 0;
	label = meter->labels[(uint32_t)event->value];
	if (strcmp(label, "file") == 0) {
		error_set(err, ERROR_INVALID, node->name,
			  "cannot read one of its files to the end, before %.3f s",
			  (double)event->position / render->rate);
		error_hint(err, "`mixctl measure FILE` says what is wrong with it");
	} else {
		error_set(err, ERROR_RESOURCE, node->name, "%s, before %.3f s", label,
			  (double)event->position / render->rate);
		error_hint(err, "what was recorded until then is kept");
	}
	return -EIO;
}

int render_stage_block(struct render *render, uint32_t stage, struct render_block *block,
		       struct mixd_error *err)
{
	struct engine *engine = render->stage[stage].engine;
	struct render_table *table = &block->table[stage];
	struct engine_cycle cycle = {.n_frames = block->n_frames,
				     .in = table->in,
				     .n_in = table->n_in,
				     .out = table->out,
				     .n_out = table->n_out};
	struct engine_event event;

	if (render->tail_frames && block->position == render->end_frame)
		stage_stop(engine);
	engine_process(engine, &cycle);
	engine_maintain(engine);
	while (engine_next_event(engine, &event)) {
		const struct graph_node *node;

		node = graph_model_node_uid(render->stage[stage].model, event.node_uid);
		if (event.kind != ENGINE_EVENT_QUARANTINE) {
			int r = stage_trouble(render, node, &event, err);

			if (r < 0)
				return r;
			continue;
		}
		if (event.code == 0)
			error_set(err, ERROR_INVALID, node ? node->name : NULL,
				  "gave a sample that is not a number, before %.3f s",
				  (double)event.position / render->rate);
		else
			error_set(err, ERROR_INVALID, node ? node->name : NULL,
				  "ran away, to %+.1f dBFS, before %.3f s",
				  20.0 * log10(event.value), (double)event.position / render->rate);
		error_hint(err, "look at what it is set to, and at what feeds it");
		return -EDOM;
	}
	return 0;
}

/* ---- ports ------------------------------------------------------------------------------------- */

/* MONO into anything, or equal counts (graph_layouts_resolve() has the same rule). */
static int port_input(struct render *render, struct render_port *port, uint32_t channels,
		      struct mixd_error *err)
{
	const struct render_feed *feed = &render->feed[port->input];
	int r;

	if (feed->n_channels != 1 && feed->n_channels != channels) {
		r = error_set(err, ERROR_INVALID, port->node->name,
			      "has %u channels, and what it is given %u", channels,
			      feed->n_channels);
		error_hint(err, "set its layout (%.80s.layout=...), or give it another file",
			   port->node->name);
		return r;
	}
	port->n_channels = channels;
	port->plane = calloc(channels, sizeof(uint32_t));
	if (!port->plane)
		return error_no_memory(err);
	for (uint32_t c = 0; c < channels; c++)
		port->plane[c] = feed->first_plane + (feed->n_channels == 1 ? 0 : c);
	return 0;
}

static int port_planes(struct render *render, struct render_port *port, uint32_t channels,
		       struct mixd_error *err)
{
	port->n_channels = channels;
	port->plane = calloc(channels, sizeof(uint32_t));
	if (!port->plane)
		return error_no_memory(err);
	for (uint32_t c = 0; c < channels; c++)
		port->plane[c] = render->n_planes++;
	return 0;
}

static struct render_port *port_add(struct render *render, uint32_t stage, struct graph_node *node,
				    bool is_output)
{
	struct render_port *port = &render->port[render->n_ports++];

	*port = (struct render_port){
		.node = node, .is_output = is_output, .stage = stage, .input = RENDER_NONE};
	return port;
}

static uint32_t stage_of(const struct render *render, const struct graph_node *node)
{
	return render->split ? render_split_stage(render->split, node) : 0;
}

static int ports_inputs(struct render *render, struct mixd_error *err)
{
	int r = 0;

	for (uint32_t i = 0; i < render->request->n_inputs; i++) {
		render->feed[i].first_plane = render->n_planes;
		render->n_planes += render->feed[i].n_channels;
	}
	for (uint32_t i = 0; r == 0 && i < render->request->n_inputs; i++) {
		struct graph_node *node = render->graph.in[i];
		uint32_t stage = stage_of(render, node);
		struct render_port *port = port_add(render, stage, node, false);

		port->input = i;
		r = port_input(render, port,
			       engine_node_layout(render->stage[stage].engine, node->uid, true, 0)
				       ->n_channels,
			       err);
	}
	return r;
}

static int ports_outputs(struct render *render, struct mixd_error *err)
{
	for (uint32_t i = 0; i < render->request->n_outputs; i++) {
		struct graph_node *node = render->graph.out[i];
		uint32_t stage = stage_of(render, node), same = 0;
		struct engine *engine = render->stage[stage].engine;
		const struct mixd_layout *layout = engine_node_layout(engine, node->uid, false, 0);
		struct render_take *take = &render->take[i];
		int r = 0;

		while (same < render->n_ports &&
		       (render->port[same].node != node || !render->port[same].is_output))
			same++;
		take->output = &render->request->output[i];
		take->port = same;
		take->n_channels = layout->n_channels;
		take->latency = engine_path_latency(engine, node->uid);
		take->output->target.layout = *layout;
		if (take->latency > render->latency_max)
			render->latency_max = take->latency;
		if (same == render->n_ports)
			r = port_planes(render, port_add(render, stage, node, true),
					layout->n_channels, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What one engine gives to others: once, however many hear it. */
static int crossing_out(struct render *render, const struct graph_crossing *crossing,
			const struct render_port **ret, struct mixd_error *err)
{
	struct engine *engine = render->stage[crossing->from].engine;
	struct render_port *port;

	for (uint32_t p = 0; p < render->n_ports; p++)
		if (render->port[p].node == crossing->out) {
			*ret = &render->port[p];
			return 0;
		}
	*ret = port = port_add(render, crossing->from, crossing->out, true);
	return port_planes(render, port,
			   engine_node_layout(engine, crossing->out->uid, false, 0)->n_channels,
			   err);
}

/* What crosses a cut: an output of one engine and an input of another share planes. */
static int ports_crossings(struct render *render, struct mixd_error *err)
{
	for (uint32_t i = 0; render->split && i < render_split_crossings(render->split); i++) {
		const struct graph_crossing *crossing = render_split_crossing(render->split, i);
		const struct render_port *out;
		struct render_port *in;
		int r = crossing_out(render, crossing, &out, err);

		if (r < 0)
			return r;
		in = port_add(render, crossing->to, crossing->in, false);
		in->n_channels = out->n_channels;
		in->plane = calloc(in->n_channels, sizeof(uint32_t));
		if (!in->plane)
			return error_no_memory(err);
		memcpy(in->plane, out->plane, in->n_channels * sizeof(uint32_t));
	}
	return 0;
}

/* ---- open, close ------------------------------------------------------------------------------- */

static int stages_meters(struct render *render, struct mixd_error *err);

int render_stages_open(struct render *render, struct mixd_error *err)
{
	uint32_t n_ports = render->request->n_inputs + render->request->n_outputs;
	int r = 0;

	render->n_stages = 1;
	render->stage[0].model = render->graph.model;
	if (render->split) {
		render->n_stages = render_split_stages(render->split);
		n_ports += 2 * render_split_crossings(render->split);
	}
	for (uint32_t s = 0; r == 0 && s < render->n_stages; s++) {
		if (render->split)
			r = render_split_model(render->split, s, render->stage,
					       &render->stage[s].model, err);
		if (r == 0)
			r = stage_open(render, s, err);
	}
	if (r < 0)
		return r;
	render->port = calloc(n_ports + 1u, sizeof(*render->port));
	render->take = calloc(render->request->n_outputs + 1u, sizeof(*render->take));
	if (!render->port || !render->take)
		return error_no_memory(err);
	r = ports_inputs(render, err);
	if (r == 0)
		r = ports_outputs(render, err);
	if (r == 0)
		r = ports_crossings(render, err);
	return r < 0 ? r : stages_meters(render, err);
}

void render_stages_close(struct render *render)
{
	for (uint32_t s = 0; s < RENDER_STAGES_MAX; s++)
		engine_free(render->stage[s].engine);
	for (uint32_t p = 0; p < render->n_ports; p++)
		free(render->port[p].plane);
	free(render->port);
	render->port = NULL;
}

/* ---- meters ------------------------------------------------------------------------------------ */

static double stages_meter(struct render *render, const struct graph_address *address)
{
	struct engine *engine = render->stage[stage_of(render, address->node)].engine;

	return engine_meter(engine, address->node->uid, address->idx, address->channel,
			    STAGES_METER_READER);
}

/* While meters are wanted they are computed, and folded from the first frame on. */
static int stages_meters(struct render *render, struct mixd_error *err)
{
	for (uint32_t i = 0; i < render->request->n_meters; i++) {
		struct graph_address address;
		int r = graph_model_find_address(render->graph.model, render->request->meter[i],
						 &address, err);

		if (r < 0)
			return r;
		if (address.kind != GRAPH_ADDRESS_METER)
			return error_set(err, ERROR_INVALID, render->request->meter[i],
					 "is no meter");
		if (i == 0)
			for (uint32_t s = 0; s < render->n_stages; s++)
				engine_meters_lease(render->stage[s].engine, 1);
		stages_meter(render, &address);
	}
	return 0;
}

void render_meters_read(struct render *render)
{
	for (uint32_t i = 0; i < render->request->n_meters; i++) {
		struct graph_address address;

		render->request->ret_meter[i] = NAN;
		if (graph_model_find_address(render->graph.model, render->request->meter[i],
					     &address, NULL) == 0)
			render->request->ret_meter[i] = stages_meter(render, &address);
	}
}

/* ---- blocks ------------------------------------------------------------------------------------ */

/* Pointers of all ports of one block, behind the tables of slots of all stages. */
static int block_tables(struct render *render, struct render_block *block)
{
	uint32_t slots[RENDER_STAGES_MAX] = {0};
	size_t n = 0;
	void **at;

	for (uint32_t p = 0; p < render->n_ports; p++) {
		const struct render_port *port = &render->port[p];

		if (port->node->slot + 1 > slots[port->stage])
			slots[port->stage] = port->node->slot + 1;
		n += port->n_channels;
	}
	for (uint32_t s = 0; s < render->n_stages; s++)
		n += 2u * slots[s];
	at = block->tables = calloc(n + 1u, sizeof(void *));
	if (!at)
		return -ENOMEM;
	for (uint32_t s = 0; s < render->n_stages; s++) {
		block->table[s] = (struct render_table){.in = (const float *const **)at,
							.out = (float *const **)(at + slots[s]),
							.n_in = slots[s],
							.n_out = slots[s]};
		at += 2u * slots[s];
	}
	for (uint32_t p = 0; p < render->n_ports; p++) {
		const struct render_port *port = &render->port[p];
		float **channels = (float **)at;

		for (uint32_t c = 0; c < port->n_channels; c++)
			channels[c] = block->plane[port->plane[c]];
		if (port->is_output)
			block->table[port->stage].out[port->node->slot] = channels;
		else
			block->table[port->stage].in[port->node->slot] =
				(const float *const *)channels;
		at += port->n_channels;
	}
	return 0;
}

int render_blocks_new(struct render *render, struct mixd_error *err)
{
	size_t plane = render->block_frames * sizeof(float);

	for (uint32_t b = 0; b < render->n_blocks; b++) {
		struct render_block *block = &render->block[b];

		block->plane = calloc(render->n_planes + 1u, sizeof(float *));
		if (!block->plane ||
		    posix_memalign(&block->memory, 64, plane * (render->n_planes + 1u)) != 0)
			return error_no_memory(err);
		for (uint32_t i = 0; i < render->n_planes; i++)
			block->plane[i] = (float *)block->memory + (size_t)i * render->block_frames;
		if (block_tables(render, block) < 0)
			return error_no_memory(err);
	}
	return 0;
}

void render_blocks_free(struct render *render)
{
	for (uint32_t b = 0; b < RENDER_BLOCKS_MAX; b++) {
		free(render->block[b].plane);
		free(render->block[b].memory);
		free(render->block[b].tables);
	}
}
