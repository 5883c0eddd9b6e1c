/* control_solo.c - solo over the wire. */
#include "control_internal.h"

#include <errno.h>
#include <string.h>

bool control_soloed(struct control_call *call, Mixd__V1__Soloed ***ret, size_t *ret_n)
{
	struct instance *instance = call->handler->instance;
	const struct instance_soloed *soloed;
	uint32_t n = instance_soloed(instance, &soloed);
	Mixd__V1__Soloed *rows = control_call_array(call, n, sizeof(*rows));
	uint64_t now_ns = instance_now_ns();

	*ret = control_call_array(call, n, sizeof(**ret));
	*ret_n = 0;
	if (!rows || !*ret)
		return n == 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct graph_node *node =
			graph_model_node_uid(instance_model(instance), soloed[i].uid);

		if (!node)
			continue;
		mixd__v1__soloed__init(&rows[i]);
		rows[i].name = control_arena_strdup(&call->handler->arena, node->name);
		rows[i].mode = (char *)(uintptr_t)graph_solo_names[soloed[i].mode];
		if (soloed[i].until_ns > now_ns)
			rows[i].left_ms = (uint32_t)((soloed[i].until_ns - now_ns) / 1000000u);
		(*ret)[(*ret_n)++] = &rows[i];
	}
	return true;
}

static int control_solo_mode(struct control_call *call, const char *name, enum graph_solo *ret)
{
	int r;

	*ret = GRAPH_SOLO_SIP;
	for (int i = 0; *name && graph_solo_names[i]; i++) {
		if (strcmp(graph_solo_names[i], name) != 0)
			continue;
		*ret = (enum graph_solo)i;
		return 0;
	}
	if (!*name)
		return 0;
	r = error_set(&call->error, ERROR_INVALID, "mode", "there is no solo \"%.40s\"", name);
	error_hint(&call->error, "one of sip, pfl, afl, off");
	return r;
}

int control_solo(struct control_call *call)
{
	const Mixd__V1__Solo *wish = call->request->solo;
	struct control_handler *handler = call->handler;
	Mixd__V1__SoloReply *reply = control_call_array(call, 1, sizeof(*reply));
	struct instance_solo_wish solo = {.patterns = wish->patterns,
					  .n_patterns = wish->n_patterns,
					  .only = wish->only,
					  .for_ms = wish->for_ms,
					  .by = call->request->by};
	int r = reply ? control_solo_mode(call, wish->mode, &solo.mode) : -ENOMEM;

	if (r < 0)
		return r;
	if (wish->n_patterns > 0 || *wish->mode) {
		if (call->request->dry_run) {
			r = error_set(&call->error, ERROR_USAGE, "dry_run",
				      "a solo cannot be tried");
			error_hint(&call->error, "it is undone as easily as it is done");
			return r;
		}
		if (wish->n_patterns == 0 && solo.mode != GRAPH_SOLO_OFF) {
			r = error_set(&call->error, ERROR_USAGE, "patterns", "solo whom?");
			error_hint(&call->error, "name strips, or say off");
			return r;
		}
		call->keep = true;
		r = instance_solo(handler->instance, &solo, &call->ticket, &call->error);
		if (r < 0)
			return r;
		call->waits = true;
		if (call->ticket)
			handler->last_ticket = call->ticket;
	}
	mixd__v1__solo_reply__init(reply);
	if (!control_soloed(call, &reply->soloed, &reply->n_soloed))
		return -ENOMEM;
	call->reply.op_case = MIXD__V1__REPLY__OP_SOLO;
	call->reply.solo = reply;
	return 0;
}
