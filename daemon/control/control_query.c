/* control_query.c - questions about the graph and the daemon. */
#include "control_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"

#ifndef MIXD_VERSION
#define MIXD_VERSION "0"
#endif
#define HISTORY_DEFAULT 50u

DEFINE_CLEANUP(graph_layouts_free, struct graph_layouts *)

static bool control_wanted(const char *pattern, const char *name)
{
	return !*pattern || strcmp(pattern, name) == 0 || graph_glob_match(pattern, name);
}

/* A plain name that is not there is an error with the nearest one; a glob may match nothing. */
static int control_check_name(struct control_call *call, const char *pattern)
{
	struct graph_node *node;

	if (!*pattern || strpbrk(pattern, "*?[{"))
		return 0;
	return graph_model_find_node(instance_model(call->handler->instance), pattern, &node,
				     &call->error);
}

int control_hello(struct control_call *call)
{
	Mixd__V1__HelloReply *reply = control_call_array(call, 1, sizeof(*reply));

	if (!reply)
		return -ENOMEM;
	mixd__v1__hello_reply__init(reply);
	reply->protocol = CONTROL_PROTOCOL;
	reply->version = (char *)(uintptr_t)MIXD_VERSION;
	reply->instance = (char *)(uintptr_t)instance_name(call->handler->instance);
	reply->events_endpoint = call->handler->events_endpoint;
	call->reply.op_case = MIXD__V1__REPLY__OP_HELLO;
	call->reply.hello = reply;
	return 0;
}

int control_get_status(struct control_call *call)
{
	struct control_handler *handler = call->handler;
	struct instance *instance = handler->instance;
	const struct graph_model *model = instance_model(instance);
	const struct instance_clock *clock = instance_clock(instance);
	Mixd__V1__StatusReply *reply = control_call_array(call, 1, sizeof(*reply));
	const Mixd__V1__Alarm *const *alarms;
	struct engine_stats stats;

	if (!reply)
		return -ENOMEM;
	mixd__v1__status_reply__init(reply);
	engine_stats(instance_engine(instance), &stats);
	reply->pid = (uint32_t)getpid();
	reply->version = (char *)(uintptr_t)MIXD_VERSION;
	reply->instance = (char *)(uintptr_t)instance_name(instance);
	reply->uptime_s = (double)(call->now_ns - handler->started_ns) * 1e-9;
	reply->revision = instance_revision(instance);
	reply->clock = (char *)(uintptr_t)clock->state;
	reply->clock_text = (char *)(uintptr_t)clock->text;
	reply->rate = clock->rate;
	reply->quantum = clock->quantum;
	reply->load_percent = stats.load_mean * 100;
	reply->load_peak_percent = stats.load_peak * 100;
	reply->cycles = stats.cycles;
	reply->xruns = clock->xruns;
	reply->frames_lost = clock->frames_lost;
	reply->latency_frames = stats.latency_frames;
	reply->nodes = model->n_nodes;
	reply->links = model->n_links;
	reply->clients = handler->clients;
	reply->requests = handler->requests;
	reply->malformed = handler->malformed;
	reply->n_alarms = instance_alarms(instance, &alarms);
	reply->alarms = (Mixd__V1__Alarm **)(uintptr_t)alarms;
	reply->position = stats.position;
	reply->transport = control_transport_state(call);
	if (!reply->transport || !control_soloed(call, &reply->soloed, &reply->n_soloed))
		return -ENOMEM;
	call->reply.op_case = MIXD__V1__REPLY__OP_GET_STATUS;
	call->reply.get_status = reply;
	return 0;
}

static int control_add_type(struct control_call *call, Mixd__V1__TypesReply *reply,
			    const struct graph_type *type)
{
	Mixd__V1__NodeType *message;

	if (!control_wanted(call->request->get_types->pattern, type->node_type->id))
		return 0;
	message = graph_type_to_proto(type);
	if (!message)
		return -ENOMEM;
	control_arena_own(&call->handler->arena, &message->base);
	reply->types[reply->n_types++] = message;
	return 0;
}

/* What could be made on demand: for a glob that names a scheme ("lv2:..."), because there are many,
 * and to look for them takes a while. */
static int control_add_on_demand(struct control_call *call, Mixd__V1__TypesReply *reply)
{
	const struct graph_types *types = instance_model(call->handler->instance)->types;
	const char *pattern = call->request->get_types->pattern;
	const char *const *list;
	size_t n = 0;

	if (strcspn(pattern, "*?[{") <= strcspn(pattern, ":"))
		return 0;
	for (uint32_t s = 0; (list = graph_types_listed(types, s)); s++)
		for (uint32_t i = 0; list[i]; i++)
			n += control_wanted(pattern, list[i]);
	reply->on_demand = control_call_array(call, n + 1, sizeof(reply->on_demand[0]));
	if (!reply->on_demand)
		return -ENOMEM;
	for (uint32_t s = 0; (list = graph_types_listed(types, s)); s++)
		for (uint32_t i = 0; list[i] && reply->n_on_demand < n; i++) {
			size_t size = strlen(list[i]) + 1;
			char *copy;

			if (!control_wanted(pattern, list[i]))
				continue;
			copy = control_call_array(call, size, 1); /* the list may be made anew */
			if (!copy)
				return -ENOMEM;
			memcpy(copy, list[i], size);
			reply->on_demand[reply->n_on_demand++] = copy;
		}
	return 0;
}

int control_get_types(struct control_call *call)
{
	const struct graph_types *types = instance_model(call->handler->instance)->types;
	const char *pattern = call->request->get_types->pattern;
	Mixd__V1__TypesReply *reply = control_call_array(call, 1, sizeof(*reply));
	const struct graph_type *type;
	uint32_t n = graph_types_count(types), made = 0;
	bool glob = strpbrk(pattern, "*?[{") != NULL;

	if (!reply)
		return -ENOMEM;
	if (*pattern && !glob && !graph_types_find(types, pattern, &call->error))
		return -ENOENT;
	while (graph_types_made(types, made))
		made++;
	mixd__v1__types_reply__init(reply);
	reply->types = control_call_array(call, n + made, sizeof(reply->types[0]));
	if (!reply->types)
		return -ENOMEM;
	for (uint32_t i = 0; i < n + made; i++) {
		type = i < n ? graph_types_at(types, i) : graph_types_made(types, i - n);
		if (control_add_type(call, reply, type) < 0)
			return -ENOMEM;
	}
	if (glob && control_add_on_demand(call, reply) < 0)
		return -ENOMEM;
	call->reply.op_case = MIXD__V1__REPLY__OP_GET_TYPES;
	call->reply.get_types = reply;
	return 0;
}

static char *control_layout_name(const struct graph_layouts *layouts, const struct graph_node *node)
{
	const struct mixd_layout *layout = NULL;

	if (layouts && (node->n_out_ports || node->n_in_ports))
		layout = graph_layouts_port(layouts, node, node->n_out_ports > 0, 0);
	return layout ? strdup(layout->name) : NULL;
}

/* Replace a message's string; "" and our own allocations only, as protobuf-c frees them. */
static void control_put_string(char **field, char *text)
{
	if (text)
		*field = text; /* was protobuf_c_empty_string */
}

/* The graph with the fields that only the engine knows. Owned by the arena. */
static Mixd__V1__Graph *control_graph(struct control_call *call)
{
	struct instance *instance = call->handler->instance;
	const struct graph_model *model = instance_model(instance);
	struct engine *engine = instance_engine(instance);
	_cleanup_(graph_layouts_freep) struct graph_layouts *layouts = NULL;
	Mixd__V1__Graph *graph = graph_model_to_proto(model);

	if (!graph) {
		error_set(&call->error, ERROR_RESOURCE, "", "out of memory");
		return NULL;
	}
	control_arena_own(&call->handler->arena, &graph->base);
	if (graph_layouts_resolve(model, &layouts, NULL) < 0)
		layouts = NULL;
	for (uint32_t i = 0; i < model->n_nodes && i < graph->n_nodes; i++) {
		const struct graph_node *node = model->nodes[i];
		enum graph_node_state state = engine_node_state(engine, node->uid);

		control_text_node(model->types, graph->nodes[i]);
		graph->nodes[i]->latency_frames = engine_node_latency(engine, node->uid);
		control_put_string(&graph->nodes[i]->layout, control_layout_name(layouts, node));
		if (state < GRAPH_NODE_STATE_COUNT_)
			control_put_string(&graph->nodes[i]->state,
					   strdup(graph_node_state_names[state]));
	}
	for (uint32_t i = 0; i < model->n_links && i < graph->n_links; i++)
		control_text_link(graph->links[i]);
	for (uint32_t i = 0; i < model->n_links && i < graph->n_links; i++)
		graph->links[i]->delay_frames = engine_link_delay(engine, model->links[i]->uid);
	return graph;
}

int control_get_nodes(struct control_call *call)
{
	const char *pattern = call->request->get_nodes->pattern;
	Mixd__V1__NodesReply *reply = control_call_array(call, 1, sizeof(*reply));
	Mixd__V1__Graph *graph;
	int r = reply ? control_check_name(call, pattern) : -ENOMEM;

	if (r < 0)
		return r;
	graph = control_graph(call);
	if (!graph)
		return -ENOMEM;
	mixd__v1__nodes_reply__init(reply);
	reply->nodes = control_call_array(call, graph->n_nodes, sizeof(reply->nodes[0]));
	if (!reply->nodes)
		return -ENOMEM;
	for (size_t i = 0; i < graph->n_nodes; i++)
		if (control_wanted(pattern, graph->nodes[i]->name))
			reply->nodes[reply->n_nodes++] = graph->nodes[i];
	call->reply.op_case = MIXD__V1__REPLY__OP_GET_NODES;
	call->reply.get_nodes = reply;
	return 0;
}

static Mixd__V1__Port *control_port(struct control_call *call, const struct graph_layouts *layouts,
				    const struct graph_node *node, bool output, uint32_t idx)
{
	struct control_arena *arena = &call->handler->arena;
	Mixd__V1__Port *port = control_call_array(call, 1, sizeof(*port));
	const struct mixd_layout *layout =
		layouts ? graph_layouts_port(layouts, node, output, idx) : NULL;
	char address[2 * GRAPH_NAME_MAX];

	if (!port)
		return NULL;
	mixd__v1__port__init(port);
	graph_node_port_address(node, output, idx, address, sizeof(address));
	port->address = control_arena_strdup(arena, address);
	port->output = output;
	if (!layout)
		return port;
	port->layout = (char *)(uintptr_t)layout->name;
	port->channels = control_call_array(call, layout->n_channels, sizeof(port->channels[0]));
	if (!port->channels)
		return NULL;
	for (uint32_t i = 0; i < layout->n_channels; i++) {
		char name[8];

		graph_layout_channel_name(layout, i, name);
		port->channels[port->n_channels++] = control_arena_strdup(arena, name);
	}
	return port;
}

static int control_node_ports(struct control_call *call, const struct graph_layouts *layouts,
			      const struct graph_node *node, Mixd__V1__PortsReply *reply)
{
	const char *pattern = call->request->get_ports->pattern;
	bool whole = control_wanted(pattern, node->name);

	for (uint32_t i = 0; i < node->n_in_ports + node->n_out_ports; i++) {
		bool output = i >= node->n_in_ports;
		Mixd__V1__Port *port = control_port(call, layouts, node, output,
						    output ? i - node->n_in_ports : i);

		if (!port)
			return -ENOMEM;
		if (whole || control_wanted(pattern, port->address))
			reply->ports[reply->n_ports++] = port;
	}
	return 0;
}

int control_get_ports(struct control_call *call)
{
	const struct graph_model *model = instance_model(call->handler->instance);
	const char *pattern = call->request->get_ports->pattern;
	Mixd__V1__PortsReply *reply = control_call_array(call, 1, sizeof(*reply));
	_cleanup_(graph_layouts_freep) struct graph_layouts *layouts = NULL;
	size_t n = 0;
	int r = 0;

	if (!reply)
		return -ENOMEM;
	if (!strchr(pattern, ':'))
		r = control_check_name(call, pattern);
	if (r < 0)
		return r;
	if (graph_layouts_resolve(model, &layouts, NULL) < 0)
		layouts = NULL;
	for (uint32_t i = 0; i < model->n_nodes; i++)
		n += model->nodes[i]->n_in_ports + model->nodes[i]->n_out_ports;
	mixd__v1__ports_reply__init(reply);
	reply->ports = control_call_array(call, n, sizeof(reply->ports[0]));
	if (!reply->ports)
		return -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < model->n_nodes; i++)
		r = control_node_ports(call, layouts, model->nodes[i], reply);
	call->reply.op_case = MIXD__V1__REPLY__OP_GET_PORTS;
	call->reply.get_ports = reply;
	return r;
}

int control_get_links(struct control_call *call)
{
	const struct graph_model *model = instance_model(call->handler->instance);
	const char *pattern = call->request->get_links->pattern;
	Mixd__V1__LinksReply *reply = control_call_array(call, 1, sizeof(*reply));
	Mixd__V1__Graph *graph = reply ? control_graph(call) : NULL;

	if (!graph)
		return -ENOMEM;
	mixd__v1__links_reply__init(reply);
	reply->links = control_call_array(call, graph->n_links, sizeof(reply->links[0]));
	if (!reply->links)
		return -ENOMEM;
	for (size_t i = 0; i < graph->n_links && i < model->n_links; i++) {
		Mixd__V1__Link *link = graph->links[i];

		if (control_wanted(pattern, link->from) || control_wanted(pattern, link->to) ||
		    control_wanted(pattern, model->links[i]->from->name) ||
		    control_wanted(pattern, model->links[i]->to->name))
			reply->links[reply->n_links++] = link;
	}
	call->reply.op_case = MIXD__V1__REPLY__OP_GET_LINKS;
	call->reply.get_links = reply;
	return 0;
}

int control_snapshot(struct control_call *call)
{
	Mixd__V1__SnapshotReply *reply = control_call_array(call, 1, sizeof(*reply));
	Mixd__V1__Graph *graph = reply ? control_graph(call) : NULL;

	if (!graph)
		return -ENOMEM;
	mixd__v1__snapshot_reply__init(reply);
	reply->graph = graph;
	reply->seq = control_events_seq(call->handler->events);
	call->reply.op_case = MIXD__V1__REPLY__OP_SNAPSHOT;
	call->reply.snapshot = reply;
	return 0;
}

static Mixd__V1__Commit *control_commit(struct control_call *call,
					const struct instance_commit *commit)
{
	Mixd__V1__Commit *message = control_call_array(call, 1, sizeof(*message));

	if (!message)
		return NULL;
	mixd__v1__commit__init(message);
	message->revision = commit->revision;
	message->unix_ms = commit->unix_ms;
	message->by = (char *)(uintptr_t)commit->by;
	message->summary = (char *)(uintptr_t)commit->summary;
	return message;
}

int control_history(struct control_call *call)
{
	const Mixd__V1__History *wish = call->request->history;
	Mixd__V1__HistoryReply *reply = control_call_array(call, 1, sizeof(*reply));
	uint32_t limit = wish->limit ? wish->limit : HISTORY_DEFAULT;
	const struct instance_commit *commit;

	if (!reply)
		return -ENOMEM;
	limit = limit < INSTANCE_HISTORY_MAX ? limit : INSTANCE_HISTORY_MAX;
	mixd__v1__history_reply__init(reply);
	reply->commits = control_call_array(call, limit, sizeof(reply->commits[0]));
	if (!reply->commits)
		return -ENOMEM;
	for (uint32_t i = 0; reply->n_commits < limit; i++) {
		commit = instance_history(call->handler->instance, i);
		if (!commit)
			break;
		if (wish->from_revision && commit->revision > wish->from_revision)
			continue;
		reply->commits[reply->n_commits] = control_commit(call, commit);
		if (!reply->commits[reply->n_commits])
			return -ENOMEM;
		reply->n_commits++;
	}
	call->reply.op_case = MIXD__V1__REPLY__OP_HISTORY;
	call->reply.history = reply;
	return 0;
}
