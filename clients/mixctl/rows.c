/* rows.c - the row of a node type's table that an address means. */
#include <stdlib.h>
#include <string.h>

#include "mixctl.h"

bool rows_match_param(const Mixd__V1__ParamRow *row, const char *id)
{
	size_t size = strlen(row->group);
	char *end;

	if (!*row->group)
		return strcmp(row->id, id) == 0;
	if (strncmp(id, row->group, size) != 0)
		return false;
	id += size;
	if (*id >= '0' && *id <= '9') {
		unsigned long number = strtoul(id, &end, 10);

		if (number < 1 || number > row->count)
			return false;
		id = end;
	} else {
		id += strspn(id, "N*");
	}
	return *id == '.' && strcmp(id + 1, row->id) == 0;
}

bool rows_match_meter(const Mixd__V1__MeterRow *row, const char *id)
{
	size_t size = strlen(row->id);

	if (strncmp(id, row->id, size) != 0)
		return false;
	return id[size] == 0 || ((row->per_channel || row->count) &&
				 id[size + strspn(id + size, "0123456789")] == 0);
}

/* The type of the node called NAME; NULL: there is none, or no answer. */
static const Mixd__V1__NodeType *rows_type(struct mixctl *m, char *name)
{
	Mixd__V1__GetNodes nodes = MIXD__V1__GET_NODES__INIT;
	Mixd__V1__GetTypes types = MIXD__V1__GET_TYPES__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	nodes.pattern = name;
	request.op_case = MIXD__V1__REQUEST__OP_GET_NODES;
	request.get_nodes = &nodes;
	reply = mixctl_request(m, &request);
	if (!reply || reply->get_nodes->n_nodes != 1)
		return NULL;
	mixd__v1__request__init(&request);
	types.pattern = reply->get_nodes->nodes[0]->type;
	request.op_case = MIXD__V1__REQUEST__OP_GET_TYPES;
	request.get_types = &types;
	reply = mixctl_request(m, &request);
	return reply && reply->get_types->n_types == 1 ? reply->get_types->types[0] : NULL;
}

/* The longest part before a dot that is a node. */
bool rows_find(struct mixctl *m, const char *address, struct row *ret)
{
	*ret = (struct row){0};
	for (size_t i = strlen(address); i > 1 && !ret->type; i--) {
		if (address[i - 1] != '.')
			continue;
		ret->type = rows_type(m, mixctl_printf("%.*s", (int)(i - 1), address));
		ret->id = address + i;
	}
	m->err = (struct mixd_client_error){0};
	for (size_t i = 0; ret->type && i < ret->type->n_params; i++)
		if (rows_match_param(ret->type->params[i], ret->id))
			ret->param = ret->type->params[i];
	for (size_t i = 0; ret->type && i < ret->type->n_meters; i++)
		if (rows_match_meter(ret->type->meters[i], ret->id))
			ret->meter = ret->type->meters[i];
	return ret->param || ret->meter;
}
