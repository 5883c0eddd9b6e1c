/* pw_wires.c - see pw_wires.h. */
#define LOG_TOPIC "pipewire"
#include "pw_wires.h"

#include <errno.h>
#include <stdlib.h>

#include "log.h"

struct pw_wire {
	struct pw_wire *next;
	struct pw_wires *wires;
	uint32_t from_node, from_port, to_node, to_port;
	struct pw_proxy *proxy;
	struct spa_hook listener;
	bool wanted, gone;
	uint64_t retry_ns; /* not before; 0: at once */
};

static void pw_wire_removed(void *data)
{
	struct pw_wire *wire = data;

	wire->gone = true;
	wire->wires->changed(wire->wires->data);
}

static void pw_wire_error(void *data, int seq, int res, const char *message)
{
	struct pw_wire *wire = data;

	if (res != -EEXIST)
		log_debug("link %u -> %u: %s", wire->from_port, wire->to_port, message);
	pw_wire_removed(data);
}

static const struct pw_proxy_events pw_wire_events = {
	PW_VERSION_PROXY_EVENTS,
	.removed = pw_wire_removed,
	.error = pw_wire_error,
};

static void pw_wire_drop_proxy(struct pw_wire *wire)
{
	if (!wire->proxy)
		return;
	spa_hook_remove(&wire->listener);
	pw_proxy_destroy(wire->proxy);
	wire->proxy = NULL;
}

static void pw_wire_make(struct pw_wire *wire, struct pw_core *core)
{
	char number[4][16];
	struct spa_dict_item items[] = {
		SPA_DICT_ITEM_INIT(PW_KEY_LINK_OUTPUT_NODE, number[0]),
		SPA_DICT_ITEM_INIT(PW_KEY_LINK_OUTPUT_PORT, number[1]),
		SPA_DICT_ITEM_INIT(PW_KEY_LINK_INPUT_NODE, number[2]),
		SPA_DICT_ITEM_INIT(PW_KEY_LINK_INPUT_PORT, number[3]),
		SPA_DICT_ITEM_INIT(PW_KEY_OBJECT_LINGER, "false"),
	};
	struct spa_dict props = SPA_DICT_INIT_ARRAY(items);

	snprintf(number[0], sizeof(number[0]), "%u", wire->from_node);
	snprintf(number[1], sizeof(number[1]), "%u", wire->from_port);
	snprintf(number[2], sizeof(number[2]), "%u", wire->to_node);
	snprintf(number[3], sizeof(number[3]), "%u", wire->to_port);
	wire->proxy = pw_core_create_object(core, "link-factory", PW_TYPE_INTERFACE_Link,
					    PW_VERSION_LINK, &props, 0);
	if (wire->proxy)
		pw_proxy_add_listener(wire->proxy, &wire->listener, &pw_wire_events, wire);
}

void pw_wires_begin(struct pw_wires *wires)
{
	for (struct pw_wire *wire = wires->first; wire; wire = wire->next)
		wire->wanted = false;
}

void pw_wires_want(struct pw_wires *wires, const struct pw_world_object *from,
		   const struct pw_world_object *to)
{
	struct pw_wire *wire;

	for (wire = wires->first; wire; wire = wire->next)
		if (wire->from_port == from->id && wire->to_port == to->id) {
			wire->wanted = true;
			return;
		}
	wire = calloc(1, sizeof(*wire));
	if (!wire)
		return;
	wire->wires = wires;
	wire->from_node = from->owner_id;
	wire->from_port = from->id;
	wire->to_node = to->owner_id;
	wire->to_port = to->id;
	wire->wanted = true;
	wire->next = wires->first;
	wires->first = wire;
}

bool pw_wires_settle(struct pw_wires *wires, struct pw_core *core, const struct pw_world *world,
		     uint64_t now_ns)
{
	bool again = false;

	for (struct pw_wire **w = &wires->first; *w;) {
		struct pw_wire *wire = *w;

		if (!wire->wanted) {
			*w = wire->next;
			pw_wire_drop_proxy(wire);
			free(wire);
			continue;
		}
		w = &wire->next;
		if (wire->gone) {
			pw_wire_drop_proxy(wire);
			wire->gone = false;
			wire->retry_ns = now_ns + PW_WIRE_RETRY_MS * UINT64_C(1000000);
		}
		if (wire->proxy || pw_world_linked(world, wire->from_port, wire->to_port))
			continue;
		if (now_ns < wire->retry_ns)
			again = true;
		else
			pw_wire_make(wire, core);
	}
	return again;
}

void pw_wires_done(struct pw_wires *wires)
{
	while (wires->first) {
		struct pw_wire *wire = wires->first;

		wires->first = wire->next;
		pw_wire_drop_proxy(wire);
		free(wire);
	}
}
