/* engine_links.c - what links are worth: level, mute and pan as factors; changes of them that need no
 * new plan. [main] */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"

#define LINKS_HALF_PI 1.57079632679489661923

/* Mono goes along the -3 dB law (L = cos, R = sin, as of `pan`), raised so that the centre is at 0 dB:
 * a link that is not panned is one that is panned to the centre. Of stereo the far side is lowered. The
 * far end is exactly silent. */
void engine_links_target(const struct graph_link *link, bool from_mono, double ret[2])
{
	double gain = 0.0, pan = link->value[GRAPH_LINK_PAN] / 100.0, far_side;

	if (link->value[GRAPH_LINK_MUTE] < 0.5)
		gain = engine_visible(&graph_link_rows[GRAPH_LINK_LEVEL],
				      link->value[GRAPH_LINK_LEVEL]);
	ret[0] = ret[1] = gain;
	if (pan == 0.0)
		return;
	if (from_mono) {
		double theta = (pan + 1.0) * 0.5 * LINKS_HALF_PI;

		ret[0] = pan >= 1.0 ? 0.0 : gain * M_SQRT2 * cos(theta);
		ret[1] = pan <= -1.0 ? 0.0 : gain * M_SQRT2 * sin(theta);
		return;
	}
	far_side = fabs(pan) >= 1.0 ? 0.0 : cos(fabs(pan) * LINKS_HALF_PI);
	ret[pan > 0.0 ? 0 : 1] *= far_side;
}

static const struct graph_link *links_find(const struct graph_model *model, uint64_t uid)
{
	for (uint32_t i = 0; i < model->n_links; i++)
		if (model->links[i]->uid == uid)
			return model->links[i];
	return NULL;
}

int engine_links_change(struct engine *engine, const struct graph_model *model,
			const struct graph_delta *delta, struct engine_change *change)
{
	if (delta->n_links == 0)
		return 0;
	change->links = calloc(delta->n_links, sizeof(*change->links));
	if (!change->links)
		return -ENOMEM;
	for (uint32_t i = 0; i < delta->n_links; i++) {
		const struct graph_link *from = links_find(model, delta->links[i].uid);
		struct engine_link *link = engine_want_link(&engine->want, delta->links[i].uid);
		struct engine_link_event *event = &change->links[change->n_links];

		if (!from || !link)
			continue;
		event->link = link;
		event->frames = engine_frames(engine, delta->links[i].over_ms);
		engine_links_target(from, link->n_channels == 1, event->target);
		change->n_links++;
	}
	return 0;
}

bool engine_links_by_plan(const struct graph_model *model, const struct graph_delta *delta)
{
	bool concerned = delta->n_links > 0, soloed = false;

	for (uint32_t i = 0; !concerned && i < delta->n_params; i++) {
		const struct graph_node *node =
			graph_model_node_uid(model, delta->params[i].node_uid);
		const char *id = node ? node->type->params[delta->params[i].param_idx].id : "";

		concerned = strcmp(id, "safe") == 0 || strcmp(id, "listen") == 0;
	}
	for (uint32_t i = 0; concerned && !soloed && i < model->n_nodes; i++)
		soloed = model->nodes[i]->solo != GRAPH_SOLO_OFF;
	return soloed;
}

void engine_links_times(const struct engine *engine, const struct graph_delta *delta,
			struct engine_change *change)
{
	for (uint32_t i = 0; i < delta->n_links; i++)
		for (uint32_t k = 0; delta->links[i].over_ms > 0.0 && k < change->n_links; k++)
			if (change->links[k].link->uid == delta->links[i].uid &&
			    engine_want_link(&change->want, delta->links[i].uid) ==
				    change->links[k].link)
				change->links[k].frames =
					engine_frames(engine, delta->links[i].over_ms);
}

void engine_links_commit(struct engine *engine, struct engine_change *change)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < change->n_links; i++) {
		struct engine_link_event *event = &change->links[i];

		event->to = event->link->to->node;
		for (uint32_t k = 0; !change->plan && k < engine->want.n_links; k++) {
			if (engine->want.links[k].link != event->link)
				continue;
			memcpy(engine->want.links[k].target, event->target, sizeof(event->target));
			if (event->link->placed) /* else the next plan will bring it */
				memcpy(event->link->target, event->target, sizeof(event->target));
		}
		if (change->plan || event->link->placed)
			change->links[n++] = *event;
	}
	change->n_links = n;
}
