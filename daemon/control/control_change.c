/* control_change.c - requests that change the graph, and the barrier. */
#include "control_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "graph_session.h"

/* What comes back (a restored graph, a session, an undone removal) may stand in for what is missing;
 * what is asked for now may not. */
static int control_change_added(struct control_call *call)
{
	const struct graph_model *model = instance_model(call->handler->instance);
	const Mixd__V1__Transaction *transaction = call->request->transaction;

	for (size_t i = 0; i < transaction->n_ops; i++) {
		const Mixd__V1__AddNode *add = transaction->ops[i]->add;
		const struct graph_type *type;

		if (transaction->ops[i]->op_case != MIXD__V1__OP__OP_ADD ||
		    graph_model_node(model, add->name))
			continue;
		type = graph_types_find(model->types, add->type, NULL);
		if (!type || !(type->node_type->flags & MIXD_NODE_STAND_IN) ||
		    graph_types_find_new(model->types, add->type, &call->error))
			continue;
		snprintf(call->error.address, sizeof(call->error.address), "%.128s", add->name);
		call->error.op_index = (uint32_t)i;
		return -ENOENT;
	}
	return 0;
}

static int control_change_run(struct control_call *call)
{
	const Mixd__V1__Request *request = call->request;
	struct instance *instance = call->handler->instance;
	struct instance_request wish = {.if_revision = request->if_revision,
					.dry_run = request->dry_run,
					.by = *request->by ? request->by : "client",
					.session = request->session.data,
					.session_size = (uint32_t)request->session.len,
					.req_id = request->req_id};
	uint32_t count;

	if (request->op_case == MIXD__V1__REQUEST__OP_UNDO) {
		count = request->undo->count ? request->undo->count : 1;
		return instance_undo(instance, count, &wish, &call->result, &call->error);
	}
	if (request->op_case == MIXD__V1__REQUEST__OP_ROLLBACK)
		return instance_rollback(instance, request->rollback->to_revision, &wish,
					 &call->result, &call->error);
	if (request->transaction->n_ops > GRAPH_OPS_MAX) {
		error_set(&call->error, ERROR_RESOURCE, "",
			  "a transaction of %zu operations; the limit is %u",
			  request->transaction->n_ops, GRAPH_OPS_MAX);
		error_hint(&call->error, "split it");
		return -E2BIG;
	}
	if (!request->transaction->n_ops) {
		error_set(&call->error, ERROR_USAGE, "", "the transaction has no operations");
		return -EINVAL;
	}
	if (control_change_added(call) < 0)
		return -ENOENT;
	wish.ops = request->transaction->ops;
	wish.n_ops = (uint32_t)request->transaction->n_ops;
	return instance_transact(instance, &wish, &call->result, &call->error);
}

/* A session that failed as a change of the graph: say where in its text, when the text alone is at
 * fault. What it says is kept when it is not. */
static void control_change_locate(struct control_call *call)
{
	const Mixd__V1__Request *request = call->request;
	const struct graph_model *model = instance_model(call->handler->instance);
	uint32_t idx = call->error.op_index;
	const Mixd__V1__Apply *apply;
	struct mixd_error error = {0};
	Mixd__V1__Graph *graph = NULL;

	if (request->op_case != MIXD__V1__REQUEST__OP_TRANSACTION ||
	    idx >= request->transaction->n_ops ||
	    request->transaction->ops[idx]->op_case != MIXD__V1__OP__OP_APPLY ||
	    strncmp(call->error.address, "session:", 8) == 0)
		return;
	apply = request->transaction->ops[idx]->apply;
	if (apply->merge ||
	    (call->error.code != ERROR_NOT_FOUND && call->error.code != ERROR_INVALID))
		return;
	if (graph_session_parse_whole_in(model->types, apply->folder, "session", apply->text,
					 strlen(apply->text), *apply->format ? apply->format : NULL,
					 &graph, &error) < 0) {
		error.op_index = idx;
		call->error = error;
	}
	mixd__v1__graph__free_unpacked(graph, NULL);
}

int control_change(struct control_call *call)
{
	struct control_handler *handler = call->handler;
	Mixd__V1__TransactionReply *reply = control_call_array(call, 1, sizeof(*reply));
	uint64_t position;
	int r;

	if (!reply)
		return -ENOMEM;
	call->keep = !call->request->dry_run;
	r = control_change_run(call);
	if (r < 0) {
		control_change_locate(call);
		return r;
	}
	control_text_changes(instance_model(handler->instance), call->result.changes,
			     call->result.n_changes);
	mixd__v1__transaction_reply__init(reply);
	reply->changes = call->result.changes;
	reply->n_changes = call->result.n_changes;
	call->reply.op_case = MIXD__V1__REPLY__OP_TRANSACTION;
	call->reply.transaction = reply;
	call->reply.revision = call->result.revision;
	if (call->request->dry_run)
		return 0;
	call->waits = true;
	call->ticket = call->result.ticket;
	if (!call->ticket)
		return 0;
	handler->last_ticket = call->ticket;
	reply->idle = strcmp(instance_clock(handler->instance)->state, "running") != 0 &&
		      engine_applied(instance_engine(handler->instance), call->ticket, &position);
	return 0;
}

/* Answered when everything before it has reached the asked-for level. */
int control_barrier(struct control_call *call)
{
	Mixd__V1__BarrierReply *reply = control_call_array(call, 1, sizeof(*reply));
	Mixd__V1__Change change = MIXD__V1__CHANGE__INIT;

	if (!reply)
		return -ENOMEM;
	mixd__v1__barrier_reply__init(reply);
	reply->token = call->request->barrier->token;
	change.change_case = MIXD__V1__CHANGE__CHANGE_BARRIER;
	change.barrier = call->request->barrier->token;
	instance_happened(call->handler->instance, &change);
	call->reply.op_case = MIXD__V1__REPLY__OP_BARRIER;
	call->reply.barrier = reply;
	call->waits = true;
	call->keep = true; /* once in the event stream, however often it is sent */
	call->ticket = call->handler->last_ticket;
	return 0;
}
