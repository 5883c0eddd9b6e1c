/* meter_labels.c - see meter_labels.h. */
#include "meter_labels.h"

#include <stdlib.h>
#include <string.h>

static Mixd__V1__Reply *meter_labels_ask_types(struct mixctl *m)
{
	Mixd__V1__GetTypes get = MIXD__V1__GET_TYPES__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;

	request.op_case = MIXD__V1__REQUEST__OP_GET_TYPES;
	request.get_types = &get;
	return mixctl_request(m, &request);
}

static Mixd__V1__Reply *meter_labels_ask_nodes(struct mixctl *m)
{
	Mixd__V1__GetNodes get = MIXD__V1__GET_NODES__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;

	request.op_case = MIXD__V1__REQUEST__OP_GET_NODES;
	request.get_nodes = &get;
	return mixctl_request(m, &request);
}

static const Mixd__V1__MeterRow *meter_labels_row(const Mixd__V1__TypesReply *types,
						  const char *type_id, const char *meter_id)
{
	for (size_t t = 0; t < types->n_types; t++) {
		const Mixd__V1__NodeType *type = types->types[t];

		if (strcmp(type->id, type_id) != 0)
			continue;
		for (size_t i = 0; i < type->n_meters; i++)
			if (type->meters[i]->n_labels &&
			    rows_match_meter(type->meters[i], meter_id))
				return type->meters[i];
	}
	return NULL;
}

void meter_labels_update(struct mixctl *m, struct meter_labels *labels,
			 const Mixd__V1__MeterLeaseReply *columns)
{
	Mixd__V1__Reply *nodes;

	if (strcmp(labels->topic, columns->topic) == 0)
		return;
	snprintf(labels->topic, sizeof(labels->topic), "%s", columns->topic);
	free(labels->rows);
	labels->rows = mixctl_alloc((columns->n_addresses + 1) * sizeof(*labels->rows));
	mixd_client_reply_free(labels->types);
	labels->types = meter_labels_ask_types(m);
	nodes = labels->types ? meter_labels_ask_nodes(m) : NULL;
	m->err = (struct mixd_client_error){0};
	for (size_t i = 0; nodes && i < columns->n_addresses; i++) {
		const char *dot = strchr(columns->addresses[i], '.');

		for (size_t n = 0; dot && n < nodes->get_nodes->n_nodes; n++) {
			const Mixd__V1__Node *node = nodes->get_nodes->nodes[n];
			size_t size = (size_t)(dot - columns->addresses[i]);

			if (strlen(node->name) == size &&
			    memcmp(node->name, columns->addresses[i], size) == 0)
				labels->rows[i] = meter_labels_row(labels->types->get_types,
								   node->type, dot + 1);
		}
	}
	mixd_client_reply_free(nodes);
}

const char *meter_labels_get(const struct meter_labels *labels, size_t idx, float value)
{
	const Mixd__V1__MeterRow *row = labels && labels->rows ? labels->rows[idx] : NULL;

	if (!row || !(value >= 0) || value >= (float)row->n_labels)
		return NULL;
	return row->labels[(size_t)value];
}
