/* engine_ghost.c - what has left the model but is still heard. [main]
 *
 * A link that is gone fades to silence; the instances that feed it, and the links that feed those,
 * stay as they are until it has faded. A sink that is gone stays while its inputs fade, unless
 * another node has taken its slot. */
#include <stdlib.h>

#include "engine_internal.h"

static bool ghost_faded(const struct engine_link *link)
{
	return atomic_load_explicit(&((struct engine_link *)(uintptr_t)link)->faded,
				    memory_order_relaxed);
}

static bool ghost_slot_free(const struct engine_want *want, uint32_t n_live, uint32_t slot)
{
	for (uint32_t i = 0; i < n_live; i++)
		if (want->insts[i].inst->external_out && want->insts[i].inst->slot == slot)
			return false;
	return true;
}

static void ghost_add_inst(struct engine_want *want, struct engine_inst *inst, uint64_t mark)
{
	if (inst->mark == mark)
		return;
	inst->mark = mark;
	inst->idx = UINT32_MAX; /* a ghost */
	inst->refs++;
	want->insts[want->n_insts++] = (struct engine_want_inst){.inst = inst, .ghost = true};
}

static void ghost_add_link(struct engine_want *want, const struct engine_want_link *old,
			   bool sounding, uint64_t mark)
{
	old->link->mark = mark;
	old->link->refs++;
	want->links[want->n_links++] = (struct engine_want_link){
		.link = old->link,
		.ghost = true,
		.sounding = sounding,
		.target = {sounding ? old->target[0] : 0.0, sounding ? old->target[1] : 0.0}};
	ghost_add_inst(want, old->link->from, mark);
}

/* Sinks that left and may go on sounding. */
static void ghost_sinks(const struct engine_want *old, struct engine_want *want, uint32_t n_live,
			uint64_t mark)
{
	for (uint32_t i = 0; i < old->n_links; i++) {
		struct engine_link *link = old->links[i].link;
		struct engine_inst *to = link->to;

		if (link->mark == mark || !link->placed || !to->external_out || ghost_faded(link) ||
		    (to->mark == mark && to->idx != UINT32_MAX))
			continue;
		if (to->mark != mark && !ghost_slot_free(want, n_live, to->slot))
			continue;
		ghost_add_inst(want, to, mark);
		ghost_add_link(want, &old->links[i], false, mark);
	}
}

/* Add to WANT, which holds the live instances and links, the ghosts of OLD. Room is there. */
void engine_ghosts(struct engine *engine, struct engine_want *want)
{
	const struct engine_want *old = &engine->want;
	uint32_t n_live = want->n_insts;
	uint64_t mark = ++engine->last_mark;
	bool more = true;

	for (uint32_t i = 0; i < want->n_insts; i++) {
		want->insts[i].inst->mark = mark;
		want->insts[i].inst->idx = i;
	}
	for (uint32_t i = 0; i < want->n_links; i++)
		want->links[i].link->mark = mark;
	if (!engine->running)
		return;
	for (uint32_t i = 0; i < old->n_links; i++) {
		struct engine_link *link = old->links[i].link;

		if (link->mark != mark && link->placed && !ghost_faded(link) &&
		    link->to->mark == mark && link->to->idx != UINT32_MAX)
			ghost_add_link(want, &old->links[i], false, mark);
	}
	ghost_sinks(old, want, n_live, mark);
	while (more) { /* what feeds ghosts; as many turns as a chain of ghosts is long */
		more = false;
		for (uint32_t i = 0; i < old->n_links; i++) {
			struct engine_link *link = old->links[i].link;

			if (link->mark == mark || !link->placed || link->to->mark != mark ||
			    link->to->idx != UINT32_MAX || link->to->external_out)
				continue;
			ghost_add_link(want, &old->links[i],
				       !old->links[i].ghost || old->links[i].sounding, mark);
			more = true;
		}
	}
}
