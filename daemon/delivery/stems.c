/* stems.c - see stems.h. */
#include "stems.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_session.h"

DEFINE_CLEANUP(graph_model_free, struct graph_model *)

void stems_done(struct stems *stems)
{
	for (uint32_t i = 0; i < stems->n; i++) {
		free(stems->stem[i].address);
		free(stems->stem[i].name);
	}
	free(stems->stem);
	*stems = (struct stems){0};
}

/* A key listens, it is not summed. */
static bool link_is_summed(const struct graph_link *link)
{
	const struct mixd_node_type *type = link->to->type->node_type;
	char name[GRAPH_ADDRESS_MAX];

	graph_node_port_name(link->to, false, link->to_port, name, sizeof(name));
	for (uint32_t i = 0; i < type->n_ports; i++)
		if (!type->ports[i].is_output && strcmp(type->ports[i].id, name) == 0)
			return type->ports[i].layout != MIXD_PORT_FOLLOW;
	return true; /* a counted row */
}

/* What a send takes before a fader is no file of its own: behind that fader is the track, and what became of the
 * send is in its bus. */
static bool link_is_stem(const struct graph_link *link)
{
	return link_is_summed(link) && link->value[GRAPH_LINK_TAP] != GRAPH_TAP_PRE;
}

/* Several sources meet in NODE. */
static bool node_is_sum(const struct graph_model *model, const struct graph_node *node)
{
	const struct graph_link *first = NULL;

	for (uint32_t i = 0; i < model->n_links; i++) {
		const struct graph_link *link = model->links[i];

		if (link->to != node || !link_is_summed(link))
			continue;
		if (first && (first->from != link->from || first->from_port != link->from_port))
			return true;
		first = link;
	}
	return false;
}

static int stems_add(struct stems *stems, const struct graph_link *link)
{
	char address[GRAPH_ADDRESS_MAX];
	struct stem *more;

	if (link->from_port == 0)
		snprintf(address, sizeof(address), "%s", link->from->name);
	else
		graph_node_port_address(link->from, true, link->from_port, address,
					sizeof(address));
	for (uint32_t i = 0; i < stems->n; i++)
		if (strcmp(stems->stem[i].address, address) == 0)
			return 0;
	more = realloc(stems->stem, (stems->n + 1u) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	stems->stem = more;
	more[stems->n] = (struct stem){.address = strdup(address)};
	return more[stems->n++].address ? 0 : -ENOMEM;
}

/* How many stems begin with the first SIZE bytes of PREFIX. */
static uint32_t stems_in(const struct stems *stems, const char *prefix, size_t size)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < stems->n; i++)
		n += strncmp(stems->stem[i].address, prefix, size) == 0;
	return n;
}

static int stems_name(struct stems *stems)
{
	for (uint32_t i = 0; i < stems->n; i++) {
		struct stem *stem = &stems->stem[i];
		const char *slash = strrchr(stem->address, '/');
		size_t size = slash ? (size_t)(slash - stem->address) + 1 : 0;

		if (size && stems_in(stems, stem->address, size) == 1)
			stem->name = strndup(stem->address, size - 1);
		else
			stem->name = strdup(stem->address);
		if (!stem->name)
			return -ENOMEM;
		for (char *at = stem->name; *at; at++)
			if (*at == '/' || *at == ':')
				*at = '-';
	}
	return 0;
}

int stems_find(const struct graph_types *types, const char *session, const char *name,
	       struct stems *ret, struct mixd_error *err)
{
	_cleanup_(graph_model_freep) struct graph_model *model = NULL;
	Mixd__V1__Graph *graph = NULL;
	int r = graph_session_parse_whole(types, name, session, strlen(session), NULL, &graph, err);

	if (r < 0)
		return r;
	r = graph_model_from_proto(types, graph, &model, err);
	mixd__v1__graph__free_unpacked(graph, NULL);
	for (uint32_t i = 0; r == 0 && i < model->n_nodes; i++) {
		if (!node_is_sum(model, model->nodes[i]))
			continue;
		for (uint32_t k = 0; r == 0 && k < model->n_links; k++)
			if (model->links[k]->to == model->nodes[i] && link_is_stem(model->links[k]))
				r = stems_add(ret, model->links[k]);
	}
	if (r == 0)
		r = stems_name(ret);
	return r == -ENOMEM ? error_no_memory(err) : r;
}
