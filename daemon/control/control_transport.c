/* control_transport.c - the time line over the wire: the transport, and the clips of a player. */
#include "control_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_clips.h"

Mixd__V1__TransportState *control_transport_state(struct control_call *call)
{
	Mixd__V1__TransportState *state = control_call_array(call, 1, sizeof(*state));
	struct control_arena *arena = &call->handler->arena;

	if (!state)
		return NULL;
	instance_transport_state(call->handler->instance, state);
	state->text = control_arena_strdup(arena, state->text);
	return state->text ? state : NULL;
}

int control_transport(struct control_call *call)
{
	const Mixd__V1__Transport *request = call->request->transport;
	Mixd__V1__TransportReply *reply = control_call_array(call, 1, sizeof(*reply));
	const struct instance_transport_wish wish = {.op = request->op,
						     .position = request->position,
						     .end = request->end,
						     .by = call->request->by};
	int r;

	if (!reply)
		return -ENOMEM;
	if (*request->op && call->request->dry_run) {
		r = error_set(&call->error, ERROR_USAGE, "dry_run", "a transport cannot be tried");
		error_hint(&call->error, "ask where it stands with no op");
		return r;
	}
	if (*request->op) {
		call->keep = true;
		r = instance_transport(call->handler->instance, &wish, &call->error);
		if (r < 0)
			return r;
	}
	mixd__v1__transport_reply__init(reply);
	reply->transport = control_transport_state(call);
	if (!reply->transport)
		return -ENOMEM;
	call->reply.op_case = MIXD__V1__REPLY__OP_TRANSPORT;
	call->reply.transport = reply;
	return 0;
}

/* ---- clips ---- */

static const char *control_clip_time(struct control_call *call, double at_s)
{
	char text[32];

	graph_position_format(at_s, text, sizeof(text));
	return control_arena_strdup(&call->handler->arena, text);
}

/* Where CLIP ends: 0 where neither it nor its file says. */
static double control_clip_end(struct control_call *call, const struct clip *clip)
{
	const struct graph_model *model = instance_model(call->handler->instance);
	double rate = engine_rate(instance_engine(call->handler->instance));
	const struct graph_sound_query query = {.file = clip->file, .rate = rate, .to = -1};
	int64_t at = clip_time_frames(clip->at, rate), length = 0;
	struct graph_sound sound;

	if (clip->loop == 0)
		return -1.0;
	if (clip->length.value >= 0.0)
		length = clip_time_frames(clip->length, rate);
	else if (model->find_sound &&
		 model->find_sound(model->find_sound_data, &query, &sound, NULL) == 0)
		length = (int64_t)((double)(sound.n_frames - clip_time_frames(clip->offset, rate)) /
				   clip->speed);
	return length > 0 ? (double)(at + length * clip->loop) / rate : 0.0;
}

static bool control_clip_fill(struct control_call *call, const struct clip *clip, uint32_t number,
			      Mixd__V1__Clip *ret)
{
	struct control_arena *arena = &call->handler->arena;
	double rate = engine_rate(instance_engine(call->handler->instance));
	_cleanup_free_ char *text = cliplist_write_clip(clip);

	mixd__v1__clip__init(ret);
	ret->number = number;
	ret->name = control_arena_strdup(arena, clip->name ? clip->name : "");
	ret->file = control_arena_strdup(arena, clip->file);
	ret->at_s = (double)clip_time_frames(clip->at, rate) / rate;
	ret->end_s = control_clip_end(call, clip);
	ret->text = text ? control_arena_strdup(arena, text) : NULL;
	ret->at = (char *)(uintptr_t)control_clip_time(call, ret->at_s);
	ret->end = ret->end_s > 0.0 ? (char *)(uintptr_t)control_clip_time(call, ret->end_s)
				    : control_arena_strdup(arena, "");
	return ret->name && ret->file && ret->text && ret->at && ret->end;
}

int control_get_clips(struct control_call *call)
{
	Mixd__V1__ClipsReply *reply = control_call_array(call, 1, sizeof(*reply));
	struct graph_node *node = NULL;
	struct cliplist list = {0};
	Mixd__V1__Clip *rows;
	int config = -1, r;

	if (!reply)
		return -ENOMEM;
	r = graph_model_find_player(instance_model(call->handler->instance),
				    call->request->get_clips->player, &node, &config, &call->error);
	if (r < 0)
		return r;
	if (cliplist_parse(node->config[config].text, &list, NULL, NULL) < 0)
		return error_no_memory(&call->error);
	mixd__v1__clips_reply__init(reply);
	reply->player = control_arena_strdup(&call->handler->arena, node->name);
	rows = control_call_array(call, list.n, sizeof(*rows));
	reply->clips = control_call_array(call, list.n, sizeof(reply->clips[0]));
	for (uint32_t i = 0; rows && reply->clips && i < list.n; i++) {
		if (!control_clip_fill(call, &list.clip[i], i + 1, &rows[i]))
			break;
		reply->clips[reply->n_clips++] = &rows[i];
	}
	r = reply->player && reply->clips && reply->n_clips == list.n ? 0
								      : control_call_too_big(call);
	cliplist_done(&list);
	call->reply.op_case = MIXD__V1__REPLY__OP_GET_CLIPS;
	call->reply.get_clips = reply;
	return r;
}
