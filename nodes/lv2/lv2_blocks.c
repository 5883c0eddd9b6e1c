/* lv2_blocks.c - blocks to and from a plug-in that lives elsewhere, and what is heard when they do
 * not come.
 *
 * WHAT        Input is collected in the slot of its block (blocks end at absolute multiples of their
 *             length); a full one is handed over. Output is what was taken in `hand` frames before:
 *             one block, plus what the plug-in itself takes, is the latency. A block that is not
 *             there when it is to be played, or is not sound, is made good: the last good one is
 *             played backwards (its first value is where the sound stopped) and, if it must be, to
 *             and fro, while it fades into the dry signal, all within two blocks. The plug-in is
 *             heard again after enough blocks in time.
 * SOURCE      playing the last block reversed is the simplest of the substitutions in Wasem et al.,
 *             "The Effect of Waveform Substitution on the Quality of PCM Packet Communications",
 *             IEEE Trans. ASSP 36(3), 1988; fades are smoothsteps (dsp.md 2.6).
 * INVARIANTS  L1 L2 L3 of lv2.h */
#include <string.h>

#include "lv2.h"

#include <mixd/rt.h>

#define BLOCKS_FADE_IN_MS 20.0
#define BLOCKS_FADE_OUT_MS 5.0 /* not less than one block, not more than two */
#define BLOCKS_STREAK_MIN 8u
#define BLOCKS_STREAK_MS 4000.0 /* the longest that a late plug-in is kept out */
#define BLOCKS_SETTLE_MS 400.0 /* a new latency of the plug-in must stand so long */
#define BLOCKS_AWAIT_MS 100u /* offline: look after it so often, and */
#define BLOCKS_AWAIT_CHECK 20u /* ask every so many times whether it lives */
#define BLOCKS_AWAIT_TIMES 100u /* give up */
#define BLOCKS_LOUDEST_BITS 0x447a0000u /* 1000.0f: +60 dBFS */

/* ---- fades ---- */

static double fade_at(const struct lv2_fade *fade, uint32_t done)
{
	double t;

	if (done >= fade->frames)
		return fade->to;
	t = (double)done / fade->frames;
	return fade->from + (fade->to - fade->from) * (t * t * (3.0 - 2.0 * t));
}

static void fade_go(struct lv2_fade *fade, double to, double frames)
{
	double from = fade_at(fade, fade->done);

	*fade = (struct lv2_fade){from, to, 0, from == to ? 0 : (uint32_t)frames + 1};
}

static bool fade_rests(const struct lv2_fade *fade)
{
	return fade->done >= fade->frames;
}

static void fade_out(struct mixd_inst *inst)
{
	struct lv2_node *node = inst->state;
	double block = node->frame.block, frames = BLOCKS_FADE_OUT_MS * inst->setup->rate / 1000;

	frames = frames < block ? block : frames > 2 * block ? 2 * block : frames;
	node->streak = 0;
	fade_go(&node->fade, 0, frames - 1);
}

/* ---- taking in ---- */

static bool slot_open(const struct lv2_node *node, uint64_t block)
{
	const struct lv2_slot *slot = lv2_share_slot(node->share, &node->frame, block);

	return atomic_load_explicit(&slot->ready, memory_order_acquire) ==
	       node->full[block & (node->frame.slots - 1)];
}

/* What is left of the latency when the plug-in has had its part. */
static uint32_t hand_wanted(const struct lv2_node *node)
{
	uint32_t block = node->frame.block;

	return node->own_latency + block <= node->latency ? node->latency - node->own_latency
							  : block;
}

/* The first block may begin in its middle: what was before is silence. */
static void blocks_begin(struct mixd_inst *inst, uint64_t position)
{
	struct lv2_node *node = inst->state;
	const struct lv2_frame *frame = &node->frame;
	uint32_t fill = (uint32_t)(position % frame->block);
	bool up = atomic_load(&node->link) == LV2_LINK_UP;
	struct lv2_slot *slot = lv2_share_slot(node->share, frame, position / frame->block);

	node->fresh = false;
	node->position = node->since = position;
	node->stuck_since = node->checked_at = node->own_since = position;
	if (node->link_since == 0)
		node->link_since = position; /* its first words: a pause begins here */
	node->playing = 0;
	node->conceal = node->align = false;
	node->streak = 0;
	node->hand = hand_wanted(node);
	memset(node->now, 0, (size_t)frame->out_channels * frame->block * sizeof(float));
	node->fade = (struct lv2_fade){0, up && node->hand >= node->required, 0, 0};
	node->wet_since = position;
	if (up)
		node->health = node->fade.to == 1 ? LV2_HEALTH_GOOD : LV2_HEALTH_STARTING;
	node->dropping = !up || !slot_open(node, position / frame->block);
	if (node->dropping || fill == 0)
		return;
	for (uint32_t c = 0; c < frame->in_channels + frame->key_channels; c++)
		memset(lv2_slot_floats(slot, frame->slot_in) + (size_t)c * frame->block, 0,
		       fill * sizeof(float));
}

/* What is not a number is not the plug-in's fault, and may not become it. */
static void blocks_copy(float *restrict to, const float *restrict from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t bits;

		memcpy(&bits, &from[i], sizeof(bits));
		bits = (bits & 0x7f800000u) == 0x7f800000u ? 0 : bits;
		memcpy(&to[i], &bits, sizeof(bits));
	}
}

void lv2_dry_take(struct mixd_inst *inst, uint64_t position, uint32_t at, uint32_t n)
{
	const struct lv2_node *node = inst->state;
	uint32_t ring = node->dry_mask + 1, to = (uint32_t)(position & node->dry_mask);
	uint32_t first = n < ring - to ? n : ring - to;

	for (uint32_t c = 0; c < node->main_in; c++) {
		float *dry = node->dry + (size_t)c * ring;

		memcpy(dry + to, inst->in[c] + at, first * sizeof(float));
		memcpy(dry, inst->in[c] + at + first, (n - first) * sizeof(float));
	}
}

static void blocks_take(struct mixd_inst *inst, uint64_t position, uint32_t at, uint32_t n)
{
	struct lv2_node *node = inst->state;
	const struct lv2_frame *frame = &node->frame;
	uint32_t fill = (uint32_t)(position % frame->block);
	struct lv2_slot *slot = lv2_share_slot(node->share, frame, position / frame->block);
	float *in = lv2_slot_floats(slot, frame->slot_in) + fill;

	lv2_dry_take(inst, position, at, n);
	if (fill == 0)
		node->dropping =
			atomic_load_explicit(&node->link, memory_order_relaxed) != LV2_LINK_UP ||
			!slot_open(node, position / frame->block);
	if (node->dropping)
		return;
	for (uint32_t c = 0; c < frame->in_channels + frame->key_channels; c++)
		blocks_copy(in + (size_t)c * frame->block, inst->in[c] + at, n);
}

/* ---- handing over ---- */

static void blocks_local(struct mixd_inst *inst, struct lv2_slot *slot, uint64_t block)
{
	struct lv2_node *node = inst->state;
	const struct lv2_frame *frame = &node->frame;
	const float *in[LV2_AUDIO_MAX], *key[LV2_AUDIO_MAX];
	float *out[LV2_AUDIO_MAX];
	float *first_in = lv2_slot_floats(slot, frame->slot_in);
	float *first_out = lv2_slot_floats(slot, frame->slot_out);
	float *meter = lv2_slot_floats(slot, frame->slot_meter);

	for (uint32_t i = 0; i < frame->copies; i++) {
		for (uint32_t k = 0; k < frame->n_in; k++)
			in[k] = first_in + (size_t)(i * frame->n_in + k) * frame->block;
		for (uint32_t k = 0; k < frame->n_key; k++)
			key[k] = first_in + (size_t)(frame->in_channels +
						     (i * frame->n_key + k) % frame->key_channels) *
						    frame->block;
		for (uint32_t k = 0; k < frame->n_out; k++)
			out[k] = first_out + (size_t)(i * frame->n_out + k) * frame->block;
		lv2_run_local(node, i, in, key, out, frame->block);
	}
	memcpy(meter, node->meter, (size_t)frame->n_meters * frame->copies * sizeof(float));
	slot->latency = lv2_plug_latency(node->plugs[0]);
	atomic_store_explicit(&slot->ready, block + 1, memory_order_relaxed);
}

static void blocks_hand_over(struct mixd_inst *inst, uint64_t block)
{
	struct lv2_node *node = inst->state;
	const struct lv2_frame *frame = &node->frame;
	struct lv2_slot *slot = lv2_share_slot(node->share, frame, block);
	uint64_t *queue = (uint64_t *)((char *)node->share + frame->at_queue);

	if (node->dropping ||
	    atomic_load_explicit(&node->link, memory_order_relaxed) != LV2_LINK_UP)
		return;
	memcpy(lv2_slot_floats(slot, frame->slot_param), node->param,
	       frame->n_params * sizeof(float));
	slot->flags = node->restart ? LV2_SLOT_RESTART : 0;
	node->restart = false;
	node->full[block & (frame->slots - 1)] = block + 1;
	if (node->local) {
		blocks_local(inst, slot, block);
		return;
	}
	queue[node->asked & (frame->slots - 1)] = block;
	/* In one order for all: either we see that it sleeps, or it sees what we ask. */
	atomic_store(&node->share->asked, ++node->asked);
	if (atomic_load(&node->share->sleeping))
		inst->host->wake(inst, (uint32_t *)&node->share->asked);
}

/* ---- coming back ---- */

/* A render waits; and looks whether there is still somebody to wait for. */
static bool blocks_await(struct mixd_inst *inst, const struct lv2_slot *slot, uint64_t block)
{
	struct lv2_node *node = inst->state;
	const uint32_t *done = (const uint32_t *)&node->share->done;

	if (node->full[block & (node->frame.slots - 1)] != block + 1)
		return false; /* it was never handed over */
	for (uint32_t i = 0; inst->host->offline && i < BLOCKS_AWAIT_TIMES; i++) {
		uint32_t seen = atomic_load(&node->share->done);

		if (atomic_load_explicit(&slot->ready, memory_order_acquire) == block + 1)
			return true;
		if (!inst->host->await(inst, done, seen, BLOCKS_AWAIT_MS) &&
		    i % BLOCKS_AWAIT_CHECK == BLOCKS_AWAIT_CHECK - 1)
			lv2_submit(inst, LV2_JOB_CHECK);
		if (atomic_load(&node->dead))
			return false;
	}
	return atomic_load_explicit(&slot->ready, memory_order_acquire) == block + 1;
}

static bool blocks_sound(const float *samples, size_t n)
{
	uint32_t highest = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t bits;

		memcpy(&bits, &samples[i], sizeof(bits));
		bits &= 0x7fffffffu;
		highest = bits > highest ? bits : highest;
	}
	return highest <= BLOCKS_LOUDEST_BITS;
}

/* Block BLOCK, checked, in node->next. What a helper writes afterwards is of no consequence. */
static bool blocks_fetch(struct mixd_inst *inst, uint64_t block)
{
	struct lv2_node *node = inst->state;
	const struct lv2_frame *frame = &node->frame;
	const struct lv2_slot *slot = lv2_share_slot(node->share, frame, block);
	size_t n = (size_t)frame->out_channels * frame->block;

	if (atomic_load_explicit(&node->link, memory_order_relaxed) != LV2_LINK_UP)
		return false;
	if (atomic_load_explicit(&slot->ready, memory_order_acquire) != block + 1 &&
	    !blocks_await(inst, slot, block)) {
		if (inst->host->offline)
			lv2_link_break(inst, atomic_load(&node->dead) ? LV2_HEALTH_CRASHED
								      : LV2_HEALTH_HUNG);
		return false;
	}
	memcpy(node->next, lv2_slot_floats(slot, frame->slot_out), n * sizeof(float));
	if (!blocks_sound(node->next, n)) {
		lv2_link_break(inst, LV2_HEALTH_INVALID);
		return false;
	}
	memcpy(node->meter, lv2_slot_floats(slot, frame->slot_meter),
	       (size_t)frame->n_meters * frame->copies * sizeof(float));
	if (slot->latency != node->own_seen) {
		node->own_seen = slot->latency < LV2_RESERVE_MAX ? slot->latency : 0;
		node->own_since = node->position;
	}
	return true;
}

static void blocks_swap(struct lv2_node *node, uint64_t block)
{
	float *now = node->now;

	node->now = node->next;
	node->next = now;
	node->playing = block + 1;
}

static void blocks_late(struct mixd_inst *inst)
{
	struct lv2_node *node = inst->state;
	double longest = BLOCKS_STREAK_MS * inst->setup->rate / 1000 / node->frame.block;

	if (atomic_load_explicit(&node->link, memory_order_relaxed) == LV2_LINK_UP)
		node->health = node->hand < node->required ? LV2_HEALTH_STARTING : LV2_HEALTH_LATE;
	/* Late again soon after it was let in: it must be in time for longer. */
	if (node->position - node->wet_since < 10 * (uint64_t)inst->setup->rate)
		node->wanted_streak *= 2;
	else
		node->wanted_streak = BLOCKS_STREAK_MIN;
	if (node->wanted_streak > longest)
		node->wanted_streak = (uint32_t)longest + 1;
	node->conceal = true;
	node->conceal_at = 0;
	fade_out(inst);
}

/* Dry, and the plug-in is to be heard again: from block BLOCK on, which is in node->next. */
static void blocks_return(struct mixd_inst *inst, uint64_t block)
{
	struct lv2_node *node = inst->state;

	node->conceal = false;
	node->health = LV2_HEALTH_GOOD;
	node->wet_since = node->position;
	blocks_swap(node, block);
	fade_go(&node->fade, 1, BLOCKS_FADE_IN_MS * inst->setup->rate / 1000);
}

/* At the first frame of block BLOCK of the output. */
static void blocks_enter(struct mixd_inst *inst, uint64_t block)
{
	struct lv2_node *node = inst->state;
	bool dry = node->fade.to == 0 && fade_rests(&node->fade);
	bool came;

	if (dry && node->align) {
		node->align = false;
		node->hand = hand_wanted(node);
		node->streak = 0;
		return; /* the next block is another one */
	}
	came = blocks_fetch(inst, block);
	node->streak = came ? node->streak + 1 : 0;
	if (dry) {
		uint32_t settle = node->own_latency / node->frame.block + 2;

		if (node->streak >= node->wanted_streak && node->streak >= settle)
			blocks_return(inst, block);
	} else if (!node->conceal) {
		if (came)
			blocks_swap(node, block);
		else
			blocks_late(inst);
	}
	if (came)
		lv2_meters(inst, node->meter);
}

/* ---- playing ---- */

void lv2_dry_play(const struct mixd_inst *inst, uint32_t c, uint64_t position, float *out,
		  uint32_t n)
{
	const struct lv2_node *node = inst->state;
	const float *ring;

	if (c >= node->main_out || node->main_in == 0) {
		memset(out, 0, n * sizeof(float));
		return;
	}
	ring = node->dry + (size_t)(c % node->main_in) * (node->dry_mask + 1);
	for (uint32_t i = 0; i < n; i++)
		out[i] = position + i < node->since + node->latency
				 ? 0.0f
				 : ring[(position + i - node->latency) & node->dry_mask];
}

/* Where the output stands in node->now: OFFSET of its block, or to and fro. */
static uint32_t play_index(const struct lv2_node *node, uint32_t offset, uint32_t i)
{
	uint32_t block = node->frame.block, at;

	if (!node->conceal)
		return offset + i;
	at = (node->conceal_at + i) % (2 * block);
	return at < block ? block - 1 - at : at - block;
}

static void play(struct mixd_inst *inst, uint64_t position, uint32_t at, uint32_t offset,
		 uint32_t n)
{
	struct lv2_node *node = inst->state;
	bool rests = fade_rests(&node->fade);

	for (uint32_t i = 0; !rests && i < n; i++)
		node->blend[i] = fade_at(&node->fade, node->fade.done + i);
	for (uint32_t c = 0; c < node->frame.out_channels; c++) {
		const float *now = node->now + (size_t)c * node->frame.block;
		float *out = inst->out[c] + at;

		if (rests && node->fade.to == 1) {
			memcpy(out, now + offset, n * sizeof(float));
			continue;
		}
		lv2_dry_play(inst, c, position, out, n);
		for (uint32_t i = 0; !rests && i < n; i++) {
			double wet = (double)now[play_index(node, offset, i)];

			out[i] = (float)((double)out[i] + (wet - (double)out[i]) * node->blend[i]);
		}
	}
	if (node->conceal)
		node->conceal_at += n;
	if (!rests)
		node->fade.done += n;
}

/* N frames at POSITION, at AT of the call: cut where blocks of the output begin. */
static void blocks_play(struct mixd_inst *inst, uint64_t position, uint32_t at, uint32_t n)
{
	struct lv2_node *node = inst->state;
	uint32_t block = node->frame.block;

	for (uint32_t i = 0, k; i < n; i += k) {
		uint64_t from = position + i - node->hand;
		uint32_t offset;

		if (position + i < node->since + node->hand &&
		    (position + i < node->hand || from / block < node->since / block)) {
			/* Nothing was taken in yet: silence, in `now`. */
			uint64_t left = node->since / block * block + node->hand - position - i;

			k = n - i < left ? n - i : (uint32_t)left;
			k = k < block ? k : block;
			play(inst, position + i, at + i, 0, k);
			continue;
		}
		offset = (uint32_t)(from % block);
		if (offset == 0 && node->playing != from / block + 1) {
			blocks_enter(inst, from / block);
			from = position + i - node->hand; /* it may have been aligned anew */
			offset = (uint32_t)(from % block);
		}
		k = n - i < block - offset ? n - i : block - offset;
		play(inst, position + i, at + i, offset, k);
	}
}

/* A new latency of the plug-in's own: align to it when there is room, ask for room when not. */
static void blocks_align(struct mixd_inst *inst)
{
	struct lv2_node *node = inst->state;
	uint32_t least = node->required > node->frame.block ? node->required : node->frame.block;
	uint32_t wanted = node->own_seen + least;

	if (node->hand < least && node->own_latency + least > node->reserve)
		node->reserve = node->own_latency + least;
	if (node->own_seen == node->own_latency ||
	    (double)(node->position - node->own_since) * 1000 <
		    BLOCKS_SETTLE_MS * inst->setup->rate)
		return;
	if (wanted > node->latency) {
		node->reserve = wanted > node->reserve ? wanted : node->reserve;
		return;
	}
	node->own_latency = node->own_seen;
	node->align = true;
	if (node->fade.to == 1)
		fade_out(inst);
}

/* All that the clock's block asks for must have been handed over before it began. DONE counts to the
 * slice, and we may be called several times in one. */
static void blocks_require(struct lv2_node *node, uint64_t position, uint32_t cycle, uint32_t done)
{
	if (done != node->slice_done ||
	    position / MIXD_SLICE_MAX != node->slice_position / MIXD_SLICE_MAX) {
		node->slice_done = done;
		node->slice_position = position;
	}
	node->required = cycle + (uint32_t)((node->slice_position - done) % node->frame.block);
}

void lv2_blocks_process(struct mixd_inst *inst, const struct mixd_call *call)
{
	struct lv2_node *node = inst->state;
	uint32_t block = node->frame.block, done = 0;
	uint32_t cycle = inst->host->cycle ? inst->host->cycle(inst, &done) : 0;

	if (cycle)
		blocks_require(node, call->position, cycle, done);
	if (node->fresh || call->position != node->position)
		blocks_begin(inst, call->position);
	for (uint32_t i = 0, k; i < call->n_frames; i += k) {
		uint64_t position = call->position + i;
		uint32_t fill = (uint32_t)(position % block);

		k = call->n_frames - i < block - fill ? call->n_frames - i : block - fill;
		node->position = position;
		blocks_take(inst, position, i, k);
		blocks_play(inst, position, i, k);
		if (fill + k == block)
			blocks_hand_over(inst, position / block);
	}
	node->position = call->position + call->n_frames;
	blocks_align(inst);
	lv2_link_keep(inst, node->position);
	inst->meter[LV2_METER_HEALTH] = node->health;
	inst->meter[LV2_METER_RELAUNCHES] = node->relaunches;
}
