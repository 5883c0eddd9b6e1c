/* lv2_link.c - the audio thread's side of a helper's life: is it there, does it move, when does it
 * come again.
 *
 * WHAT        UP -> BROKEN (it is hung, dead, or gives nonsense) -> the worker ends it -> DOWN -> a
 *             pause, twice as long each time -> LAUNCH -> the worker starts another -> AWAITED ->
 *             UP. All times are counted in frames. */
#include <string.h>

#include "lv2.h"

#include <mixd/rt.h>

#define LINK_HUNG_MS 1000u /* a helper that does not move for so long is ended */
#define LINK_CHECK_MS 60u /* how often the worker looks whether one that does not move lives */
#define LINK_START_MS 10000u /* to become ready */
#define LINK_BACKOFF_MIN_MS 250u
#define LINK_BACKOFF_MAX_MS 30000u
#define LINK_GOOD_MS 20000u /* after so long all is forgiven */

static bool link_passed(const struct mixd_inst *inst, uint64_t since, uint32_t ms)
{
	const struct lv2_node *node = inst->state;

	return (double)(node->position - since) * 1000 >= ms * inst->setup->rate;
}

bool lv2_submit(struct mixd_inst *inst, enum lv2_job job)
{
	struct lv2_node *node = inst->state;

	node->pending = inst->host->submit(inst, job) ? 0 : job + 1;
	return node->pending == 0;
}

void lv2_link_break(struct mixd_inst *inst, enum lv2_health why)
{
	struct lv2_node *node = inst->state;

	atomic_store(&node->cause, why);
	atomic_store(&node->link, LV2_LINK_BROKEN);
	node->health = why;
	lv2_submit(inst, LV2_JOB_MEND);
}

static void link_watch(struct mixd_inst *inst)
{
	struct lv2_node *node = inst->state;
	uint32_t done = atomic_load_explicit(&node->share->done, memory_order_relaxed);

	if (atomic_load(&node->dead)) {
		lv2_link_break(inst, LV2_HEALTH_CRASHED);
		return;
	}
	/* Frames of a render fly by; what it waits for is looked after where it waits. */
	if (inst->host->offline || done == node->asked || done != node->stuck_done) {
		node->stuck_done = done;
		node->stuck_since = node->checked_at = node->position;
		if (link_passed(inst, node->link_since, LINK_GOOD_MS))
			node->backoff_ms = LINK_BACKOFF_MIN_MS;
		return;
	}
	if (link_passed(inst, node->stuck_since, LINK_HUNG_MS)) {
		lv2_link_break(inst, LV2_HEALTH_HUNG);
	} else if (link_passed(inst, node->checked_at, LINK_CHECK_MS)) {
		node->checked_at = node->position;
		lv2_submit(inst, LV2_JOB_CHECK);
	}
}

static void link_up(struct lv2_node *node)
{
	node->asked = 0;
	node->stuck_done = 0;
	node->stuck_since = node->checked_at = node->link_since = node->position;
	memset(node->full, 0, node->frame.slots * sizeof(uint64_t));
	node->dropping = node->position % node->frame.block != 0;
	node->streak = 0;
	atomic_store(&node->dead, false);
	atomic_store(&node->link, LV2_LINK_UP);
}

static void link_await(struct mixd_inst *inst)
{
	struct lv2_node *node = inst->state;
	uint32_t phase = atomic_load_explicit(&node->share->phase, memory_order_acquire);

	if (phase == LV2_PHASE_READY) {
		node->own_latency = node->own_seen = atomic_load(&node->share->latency);
		node->align = true; /* what it gives may be aligned otherwise than before */
		link_up(node);
	} else if (phase == LV2_PHASE_REFUSED) {
		lv2_link_break(inst, LV2_HEALTH_REFUSED);
	} else if (atomic_load(&node->dead)) {
		lv2_link_break(inst, LV2_HEALTH_CRASHED);
	} else if (link_passed(inst, node->link_since, LINK_START_MS)) {
		lv2_link_break(inst, LV2_HEALTH_HUNG);
	} else if (link_passed(inst, node->checked_at, LINK_CHECK_MS)) {
		node->checked_at = node->position;
		lv2_submit(inst, LV2_JOB_CHECK);
	}
}

static void link_down(struct mixd_inst *inst)
{
	struct lv2_node *node = inst->state;
	uint32_t pause = node->backoff_ms;

	node->health = atomic_load(&node->cause);
	if (!link_passed(inst, node->link_since, pause))
		return;
	node->backoff_ms = pause < LINK_BACKOFF_MAX_MS / 2 ? pause * 2 : LINK_BACKOFF_MAX_MS;
	node->relaunches++;
	node->link_since = node->checked_at = node->position;
	atomic_store(&node->link, LV2_LINK_LAUNCH);
	lv2_submit(inst, LV2_JOB_LAUNCH);
}

void lv2_link_keep(struct mixd_inst *inst, uint64_t position)
{
	struct lv2_node *node = inst->state;

	if (node->local)
		return;
	if (node->pending) {
		lv2_submit(inst, (enum lv2_job)(node->pending - 1));
		return;
	}
	switch (atomic_load_explicit(&node->link, memory_order_acquire)) {
	case LV2_LINK_UP:
		link_watch(inst);
		break;
	case LV2_LINK_BROKEN:
		node->link_since = node->position; /* the pause begins when it is DOWN */
		break;
	case LV2_LINK_DOWN:
		link_down(inst);
		break;
	case LV2_LINK_AWAITED:
		link_await(inst);
		break;
	default:
		break;
	}
}
