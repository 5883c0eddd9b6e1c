/* graph_txn_undo.c - the way back: what the steps wrote down, from last to first. Needs no memory. */
#include "graph_txn_private.h"

#include <stdlib.h>

static void undo_one(struct graph_model *model, struct graph_undo *undo)
{
	struct graph_node *node = undo->node;
	const struct mixd_value *config;

	switch (undo->kind) {
	case GRAPH_UNDO_NODE_ADDED:
		graph_model_take_node(model, node);
		graph_node_free(node);
		break;
	case GRAPH_UNDO_NODE_REMOVED:
		graph_model_put_node(model, node);
		break;
	case GRAPH_UNDO_NODE_RENAMED:
		free(graph_model_rename_node(model, node, (char *)undo->old.text));
		break;
	case GRAPH_UNDO_PARAM:
		node->value[undo->idx] = undo->old.number;
		break;
	case GRAPH_UNDO_CONFIG:
		config = &node->config[undo->idx];
		free((char *)config->text);
		graph_txn_assign_config(model, node, undo->idx, &undo->old);
		node->config_gen = undo->config_gen;
		break;
	case GRAPH_UNDO_LINK_ADDED:
		graph_model_take_link(model, undo->link);
		free(undo->link);
		break;
	case GRAPH_UNDO_LINK_REMOVED:
		graph_model_put_link(model, undo->link);
		break;
	case GRAPH_UNDO_LINK_VALUE:
		undo->link->value[undo->idx] = undo->old.number;
		break;
	case GRAPH_UNDO_MARKER:
		if (undo->marker) {
			graph_model_take_marker(model, undo->marker);
			graph_marker_free(undo->marker);
		}
		if (undo->old_marker)
			graph_model_put_marker(model, undo->old_marker);
		break;
	case GRAPH_UNDO_ENVELOPE:
		if (undo->envelope) {
			graph_model_take_envelope(model, undo->envelope);
			graph_envelope_free(undo->envelope);
		}
		if (undo->old_envelope)
			graph_model_put_envelope(model, undo->old_envelope);
		break;
	}
}

void graph_txn_revert(struct graph_model *model, const struct graph_delta *delta)
{
	/* what it holds to be taken back is used up: graph_delta_free() must not free it again */
	struct graph_txn_delta *own = (struct graph_txn_delta *)delta;

	while (own->n_undo > 0)
		undo_one(model, &own->undo[--own->n_undo]);
}

/* What was taken out of the model belongs to the delta once it is final. */
static void undo_free(struct graph_undo *undo)
{
	switch (undo->kind) {
	case GRAPH_UNDO_NODE_REMOVED:
		graph_node_free(undo->node);
		break;
	case GRAPH_UNDO_LINK_REMOVED:
		free(undo->link);
		break;
	case GRAPH_UNDO_NODE_RENAMED:
	case GRAPH_UNDO_CONFIG:
		free((char *)undo->old.text);
		break;
	case GRAPH_UNDO_MARKER:
		graph_marker_free(undo->old_marker);
		break;
	case GRAPH_UNDO_ENVELOPE:
		graph_envelope_free(undo->old_envelope);
		break;
	default:
		break;
	}
}

struct graph_delta *graph_delta_free(struct graph_delta *delta)
{
	struct graph_txn_delta *own = (struct graph_txn_delta *)delta;

	if (!delta)
		return NULL;
	for (uint32_t i = 0; i < own->n_undo; i++)
		undo_free(&own->undo[i]);
	for (uint32_t i = 0; i < delta->n_done; i++)
		mixd__v1__op__free_unpacked(delta->done[i], NULL);
	for (uint32_t i = 0; i < delta->n_inverse; i++)
		mixd__v1__op__free_unpacked(delta->inverse[i], NULL);
	for (uint32_t i = 0; i < delta->n_changes; i++)
		mixd__v1__change__free_unpacked(delta->changes[i], NULL);
	free(delta->done);
	free(delta->inverse);
	free(delta->changes);
	free(delta->params);
	free(delta->links);
	free(delta->envelopes);
	free(own->undo);
	free(own);
	return NULL;
}
