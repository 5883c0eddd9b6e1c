/* pw_follow.c - keep the boundaries equal to the model's boundary nodes. */
#define LOG_TOPIC "pipewire"
#include "pw_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* The text of a config; an enum's is its label. Borrowed; "" when the type has no such config. */
static const char *pw_follow_config(const struct graph_node *node, const char *id)
{
	int idx = graph_type_config(node->type, id);
	const struct mixd_config_row *row;
	uint32_t label;

	if (idx < 0)
		return "";
	row = node->type->configs[idx];
	if (row->type == MIXD_TYPE_STRING)
		return node->config[idx].text ? node->config[idx].text : "";
	if (row->type != MIXD_TYPE_ENUM || !row->labels)
		return "";
	label = (uint32_t)node->config[idx].number;
	for (uint32_t i = 0; row->labels[i]; i++)
		if (i == label)
			return row->labels[i];
	return "";
}

static enum pw_boundary_device pw_follow_device(const char *word)
{
	static const struct {
		const char *word;
		enum pw_boundary_device device;
	} devices[] = {
		{"sink", PW_DEVICE_SINK}, {"source", PW_DEVICE_SOURCE}, {"app", PW_DEVICE_APP}};

	for (uint32_t i = 0; i < SPA_N_ELEMENTS(devices); i++)
		if (strcmp(devices[i].word, word) == 0)
			return devices[i].device;
	return PW_DEVICE_NONE;
}

static struct pw_boundary *pw_follow_find(struct pw_backend *backend, uint64_t uid)
{
	for (struct pw_boundary *b = backend->boundaries; b; b = b->next)
		if (!b->leave_ns && b->spec.uid == uid)
			return b;
	return NULL;
}

/* Who makes the links of SPEC. Sound that flows is left alone: a session manager that comes late
 * takes over an output when its device goes, and one that leaves an output unrouted (it died, or it
 * cannot use a device that was running when it came) is replaced by ourselves. A virtual sink is
 * made anew for a new manager, which cannot configure one that runs, unless somebody plays into it.
 */
static void pw_follow_manage(const struct pw_backend *backend, const struct pw_boundary *boundary,
			     struct pw_boundary_spec *spec, uint64_t now_ns)
{
	bool could_link, missing_long;

	spec->managed = backend->managed;
	spec->manager_epoch = backend->manager_epoch;
	if (!boundary || boundary->spec.is_output != spec->is_output ||
	    boundary->spec.device != spec->device)
		return;
	if (!spec->is_output) {
		if (!backend->managed || pw_boundary_in_use(boundary, &backend->world)) {
			spec->managed = boundary->spec.managed;
			spec->manager_epoch = boundary->spec.manager_epoch;
		}
		return;
	}
	spec->manager_epoch = boundary->spec.manager_epoch;
	could_link = pw_boundary_could_link(boundary, &backend->world);
	missing_long = boundary->missing_ns && now_ns >= boundary->missing_ns + PW_ROUTE_NS;
	if (spec->device != PW_DEVICE_SINK)
		spec->managed = boundary->spec.managed;
	else if (boundary->has_stream)
		spec->managed = !(missing_long && could_link);
	else
		spec->managed = backend->managed && boundary->missing_ns && !could_link;
}

/* False when the node is no boundary. Texts stay the model's. */
static bool pw_follow_spec(const struct pw_backend *backend, const struct graph_layouts *layouts,
			   const struct graph_node *node, struct pw_boundary_spec *ret)
{
	uint32_t flags = node->type->node_type->flags;
	bool is_output = flags & MIXD_NODE_EXTERNAL_OUT;

	if (!(flags & (MIXD_NODE_EXTERNAL_IN | MIXD_NODE_EXTERNAL_OUT)) ||
	    node->slot >= GRAPH_SLOTS_MAX)
		return false;
	*ret = (struct pw_boundary_spec){
		.uid = node->uid,
		.slot_idx = node->slot,
		.is_output = is_output,
		.device = pw_follow_device(pw_follow_config(node, "device")),
		.name = node->name,
		.label = (char *)pw_follow_config(node, "label"),
		.target = (char *)pw_follow_config(node, "target"),
		.layout = graph_layouts_port(layouts, node, !is_output, 0),
	};
	return ret->layout != NULL;
}

static void pw_follow_home(struct pw_backend *backend, struct pw_home *ret)
{
	*ret = (struct pw_home){
		.instance = instance_name(backend->instance),
		.node_name = backend->node_name,
		.core = backend->core,
		.filter = backend->filter,
		.changed = pw_backend_touch,
		.data = backend,
	};
}

/* Publish a table of all boundaries except those in WITHOUT's list; afterwards the audio thread
 * knows nothing else. Of two boundaries in one slot the newer, first in the list, counts. */
static int pw_follow_publish(struct pw_backend *backend)
{
	struct pw_cycle_table *table = calloc(1, sizeof(*table)), *old = backend->table;

	if (!table)
		return -ENOMEM;
	for (struct pw_boundary *b = backend->boundaries; b; b = b->next) {
		uint32_t s = b->spec.slot_idx;

		if (b->spec.is_output && !table->out_slot[s]) {
			table->out_slot[s] = b->slot;
			table->out[s] = b->slot->out;
			table->n_out = SPA_MAX(table->n_out, s + 1);
		} else if (!b->spec.is_output && !table->in_slot[s]) {
			table->in_slot[s] = b->slot;
			table->in[s] = b->slot->in;
			table->n_in = SPA_MAX(table->n_in, s + 1);
		}
	}
	backend->table = table;
	atomic_store_explicit(&backend->cycle.table, table, memory_order_release);
	pw_backend_barrier(backend);
	free(old);
	return 0;
}

/* Take what is over out of the list: replaced, failed, or faded out. Returned as a list. */
static struct pw_boundary *pw_follow_unlink(struct pw_backend *backend, uint64_t now_ns,
					    bool *ret_again)
{
	struct pw_boundary *over = NULL;

	for (struct pw_boundary **b = &backend->boundaries; *b;) {
		struct pw_boundary *boundary = *b;
		bool remake = boundary->broken && now_ns >= boundary->broken_ns + PW_REMAKE_NS;

		if (!boundary->seen && !boundary->leave_ns)
			boundary->leave_ns = now_ns + PW_LEAVE_NS;
		*ret_again |= boundary->broken || boundary->leave_ns;
		if (!remake && (!boundary->leave_ns || now_ns < boundary->leave_ns)) {
			b = &boundary->next;
			continue;
		}
		*b = boundary->next;
		boundary->next = over;
		over = boundary;
	}
	return over;
}

static void pw_follow_free(struct pw_backend *backend, struct pw_boundary *list)
{
	while (list) {
		struct pw_boundary *boundary = list;

		list = boundary->next;
		if (boundary->alarmed)
			instance_alarm(backend->instance, "device", boundary->spec.name, false,
				       "\"%s\" was removed or changed", boundary->spec.name);
		pw_boundary_free(boundary);
	}
}

static void pw_follow_retarget(struct pw_boundary *boundary, const char *target)
{
	char *copy;

	if (strcmp(boundary->spec.target, target) == 0)
		return;
	copy = strdup(target);
	if (!copy)
		return;
	free(boundary->spec.target);
	boundary->spec.target = copy;
}

/* True when the table must change. */
static bool pw_follow_take(struct pw_backend *backend, struct pw_boundary_spec *spec,
			   uint64_t now_ns)
{
	struct pw_boundary *boundary = pw_follow_find(backend, spec->uid);
	struct pw_home home;
	int res;

	pw_follow_manage(backend, boundary, spec, now_ns);
	if (boundary && pw_boundary_fits(boundary, spec)) {
		boundary->seen = true;
		pw_follow_retarget(boundary, spec->target);
		return false;
	}
	if (boundary)
		boundary->leave_ns = now_ns; /* its slot is wanted: at once */
	pw_follow_home(backend, &home);
	res = pw_boundary_new(&home, spec, &boundary);
	if (res < 0) {
		log_error("cannot make the ports of \"%s\": %s", spec->name, strerror(-res));
		return true;
	}
	boundary->seen = true;
	boundary->next = backend->boundaries;
	backend->boundaries = boundary;
	return true;
}

bool pw_follow_model(struct pw_backend *backend, uint64_t now_ns)
{
	const struct graph_model *model = instance_model(backend->instance);
	struct graph_layouts *layouts;
	struct mixd_error err = {0};
	struct pw_boundary *over;
	bool again = false, changed = false;

	if (graph_layouts_resolve(model, &layouts, &err) < 0) {
		log_error("layouts: %s", err.text);
		return false;
	}
	for (struct pw_boundary *b = backend->boundaries; b; b = b->next)
		b->seen = false;
	for (uint32_t i = 0; i < model->n_nodes; i++) {
		struct pw_boundary_spec spec;

		if (pw_follow_spec(backend, layouts, model->nodes[i], &spec))
			changed |= pw_follow_take(backend, &spec, now_ns);
	}
	graph_layouts_free(layouts);
	over = pw_follow_unlink(backend, now_ns, &again);
	if (over || changed) {
		if (pw_follow_publish(backend) < 0) {
			log_error("out of memory for the port table; trying again");
			again = true;
			while (over) { /* still in the old table: keep */
				struct pw_boundary *boundary = over;

				over = boundary->next;
				boundary->next = backend->boundaries;
				backend->boundaries = boundary;
			}
		}
	}
	if (over) {
		pw_follow_free(backend, over);
		again = true; /* what failed is made anew in the next round */
	}
	return again;
}

void pw_follow_drop_all(struct pw_backend *backend)
{
	struct pw_boundary *all = backend->boundaries;

	atomic_store_explicit(&backend->cycle.table, NULL, memory_order_release);
	pw_backend_barrier(backend);
	free(backend->table);
	backend->table = NULL;
	backend->boundaries = NULL;
	while (all) {
		struct pw_boundary *boundary = all;

		all = boundary->next;
		pw_boundary_free(boundary);
	}
}
