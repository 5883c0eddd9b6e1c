/* pw_world.h - what the server has: nodes, ports, links, defaults. A mirror of the registry.
 *
 * THREADS     [main]
 * NOT HERE    what we do about it: pw_boundary.h, pw_wires.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <pipewire/pipewire.h>

enum pw_world_kind { PW_WORLD_NODE, PW_WORLD_PORT, PW_WORLD_LINK, PW_WORLD_CLIENT };

struct pw_world_object {
	enum pw_world_kind kind;
	uint32_t id;
	/* node: its client; port: its node; link: its output port */
	uint32_t owner_id;
	uint32_t other_id; /* link: its input port; port: its number within the node */
	uint32_t from_node_id, to_node_id; /* link */
	int priority; /* node: priority.session */
	bool is_output, is_monitor; /* port */
	bool is_manager; /* client: a session manager */
	char *name; /* node.name, port.name, application.name */
	char *label; /* node.description; port: audio.channel */
	char *app_name; /* node: application.name */
	char *media_class; /* node */
};

struct pw_world {
	struct pw_registry *registry;
	struct spa_hook listener;
	struct pw_world_object **objects; /* by arrival */
	uint32_t n_objects, capacity;
	char *default_sink, *default_source; /* node names, or NULL */
	uint32_t default_quantum, default_rate; /* of the settings; 0: unknown */
	uint32_t n_managers;
	void (*changed)(void *data);
	void *data;
	struct pw_world_metadata *metadata; /* bound ones */
};

/* Follow CORE's registry; CHANGED is called inside PipeWire's dispatch: only take note there. */
int pw_world_init(struct pw_world *world, struct pw_core *core, void (*changed)(void *data),
		  void *data);
/* Forget everything; also after the server went. */
void pw_world_done(struct pw_world *world);

struct pw_world_object *pw_world_find(const struct pw_world *world, enum pw_world_kind kind,
				      uint32_t id);
/* By node.name, else by node.description. */
struct pw_world_object *pw_world_node(const struct pw_world *world, const char *name);
/* A playing stream of an application, by its application.name, binary's node.name or node name. */
struct pw_world_object *pw_world_app(const struct pw_world *world, const char *name);
/* The default sink or source; nodes whose name begins with OWN_PREFIX are never meant. */
struct pw_world_object *pw_world_default(const struct pw_world *world, bool source,
					 const char *own_prefix);
/* Ports of a node in order of their number, at most MAX; returns how many. MONITOR: the monitor
 * ports of a sink instead of its own. */
uint32_t pw_world_ports(const struct pw_world *world, uint32_t node_id, bool output,
			struct pw_world_object **ret, uint32_t max);
/* The port of a node by port.name, or NULL. */
struct pw_world_object *pw_world_port(const struct pw_world *world, uint32_t node_id,
				      const char *name);
bool pw_world_linked(const struct pw_world *world, uint32_t from_port, uint32_t to_port);
/* Any link from one node to the other; SPA_ID_INVALID stands for any node. */
bool pw_world_nodes_linked(const struct pw_world *world, uint32_t from_node, uint32_t to_node);
