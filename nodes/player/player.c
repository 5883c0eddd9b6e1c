/* player.c - plays clips of sound files on the time line. This file is the audio thread's side: out of
 * the ring, through the gain; player_setup.c fills the ring. */
#include <math.h>
#include <string.h>

#include "player.h"

#include <mixd/rt.h>

static const struct mixd_port_row player_ports[] = {
	{"out",
	 "All clips, mixed. A file with as many channels goes in by number, mono into every "
	 "channel; "
	 "others by position, with the ITU downmix for what the layout has not",
	 true, MIXD_PORT_MAIN, NULL},
};

enum { PLAYER_PARAM_GAIN, PLAYER_PARAM_PLAY };

static const struct mixd_param_row player_params[] = {
	{"gain", "Gain over all clips; -144dB is silence", MIXD_TYPE_FLOAT, MIXD_UNIT_DB, -144, 24,
	 0, MIXD_RAMP_GAIN, 20, NULL, NULL, 0, NULL},
	{"play", "Off: silent; with start=always: a pause", MIXD_TYPE_BOOL, MIXD_UNIT_NONE, 0, 1, 1,
	 MIXD_RAMP_NONE, 0, NULL, NULL, 0, NULL},
};

enum { PLAYER_METER_POSITION, PLAYER_METER_CLIP, PLAYER_METER_UNDERRUNS, PLAYER_METER_TROUBLE };

static const char *const player_troubles[] = {"none", "file", NULL};

static const struct mixd_meter_row player_meters[] = {
	{"position", "Where it is on the time line", MIXD_UNIT_S, MIXD_FOLD_LAST, NULL, false, 0},
	{"clip", "Number of the clip that began last and still sounds; 0: none", MIXD_UNIT_NONE,
	 MIXD_FOLD_LAST, NULL, false, 0},
	{"underruns", "How often the disk was late: silence was heard", MIXD_UNIT_NONE,
	 MIXD_FOLD_LAST, NULL, false, 0},
	{"trouble", "A file that cannot be read any more; it is tried again each second",
	 MIXD_UNIT_NONE, MIXD_FOLD_LAST, player_troubles, false, 0},
};

enum { PLAYER_EVENT_UNDERRUN = 1 };

static bool player_is_idle(struct player *player)
{
	return !atomic_load_explicit(&player->pending, memory_order_acquire);
}

static uint64_t player_ahead(const struct player *player)
{
	return atomic_load_explicit(&player->filled, memory_order_acquire) - player->taken;
}

/* The disk goes on, when there is room for what it does at a time. */
static void player_ask(struct mixd_inst *inst, struct player *player)
{
	uint32_t chunks;

	if (!player->n_clips || player->reorder || !player_is_idle(player))
		return;
	chunks = (player->ring_frames - (uint32_t)player_ahead(player)) / player->chunk;
	if (!chunks)
		return;
	player->job.n_chunks = chunks < PLAYER_CHUNKS_MAX ? chunks : PLAYER_CHUNKS_MAX;
	atomic_store_explicit(&player->give_up, false, memory_order_relaxed);
	atomic_store_explicit(&player->pending, 1, memory_order_release);
	if (!inst->host->submit_disk(inst, 0))
		atomic_store_explicit(&player->pending, 0, memory_order_relaxed);
}

/* Forget the ring; it is filled anew from LEAD frames after AT. */
static void player_serve(struct mixd_inst *inst, struct player *player,
			 const struct mixd_transport *at, uint32_t lead)
{
	player->served = player->reorder = false;
	if (!player_is_idle(player)) {
		atomic_store_explicit(&player->give_up, true, memory_order_relaxed);
		return; /* next time */
	}
	player->job = (struct player_job){.loop = at->loop,
					  .loop_start = at->loop_start,
					  .loop_end = at->loop_end,
					  .fade = player->fade_frames};
	player->job.position = player_after(&player->job, at->position, lead);
	player->job.begin = player->job.position;
	player->taken = 0;
	atomic_store_explicit(&player->filled, 0, memory_order_relaxed);
	player->next = at->position;
	player->wait = lead;
	player->served = true;
	player_ask(inst, player);
}

/* The loop is another one now: what is in the ring is right up to the nearer of both ends. */
static void player_reorder(struct player *player, const struct mixd_transport *at)
{
	struct player_job *job = &player->job;
	uint64_t same;

	player->reorder = player->served && (job->loop || at->loop) &&
			  (job->loop != at->loop || job->loop_start != at->loop_start ||
			   job->loop_end != at->loop_end);
	if (!player->reorder)
		return;
	if (!player_is_idle(player)) {
		atomic_store_explicit(&player->give_up, true, memory_order_relaxed);
		return; /* next time; nothing more is asked for until then */
	}
	player->reorder = false;
	same = player_ahead(player) + player->wait;
	if (job->loop && player->next < job->loop_end && job->loop_end - player->next < same)
		same = job->loop_end - player->next;
	if (at->loop && player->next < at->loop_end && at->loop_end - player->next < same)
		same = at->loop_end - player->next;
	if (same < player->wait) {
		player->served = false;
		return;
	}
	job->loop = at->loop;
	job->loop_start = at->loop_start;
	job->loop_end = at->loop_end;
	job->position = player_after(job, player->next, same);
	atomic_store_explicit(&player->filled, player->taken + same - player->wait,
			      memory_order_relaxed);
}

/* ---- out of the ring --------------------------------------------------------------------------- */

/* N frames that are there to OUT from FIRST on. */
static void player_copy(struct mixd_inst *inst, struct player *player, uint32_t first, uint32_t n)
{
	while (n) {
		uint32_t at = (uint32_t)player->taken & (player->ring_frames - 1);
		uint32_t part = player->ring_frames - at < n ? player->ring_frames - at : n;

		for (uint32_t c = 0; c < player->n_channels; c++)
			dsp_ramp_mul(&player->gain, player->ring[c] + at, inst->out[c] + first,
				     part);
		dsp_ramp_advance(&player->gain, part);
		player->taken += part;
		first += part;
		n -= part;
	}
}

static void player_silence(struct mixd_inst *inst, struct player *player, uint32_t first,
			   uint32_t n)
{
	for (uint32_t c = 0; c < player->n_channels; c++)
		memset(inst->out[c] + first, 0, n * sizeof(float));
	dsp_ramp_advance(&player->gain, n);
}

/* What would have been heard goes out in a few milliseconds. */
static void player_let_go(struct player *player)
{
	uint64_t ahead = player->served && !player->wait ? player_ahead(player) : 0;
	uint32_t n = ahead < player->fade_frames ? (uint32_t)ahead : player->fade_frames;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = (uint32_t)(player->taken + i) & (player->ring_frames - 1);
		float x = (float)(n - i) / (float)(n + 1);

		for (uint32_t c = 0; c < player->n_channels; c++)
			player->tail[c][i] = player->ring[c][at] * (x * x * (3.0f - 2.0f * x));
	}
	player->tail_done = 0;
	player->tail_frames = n;
	player->playing = false;
	player->served = false;
}

static void player_tail(struct mixd_inst *inst, struct player *player, uint32_t n)
{
	uint32_t left = player->tail_frames - player->tail_done;
	float gain = (float)player->gain.to;

	left = left < n ? left : n;
	for (uint32_t c = 0; c < player->n_channels; c++)
		for (uint32_t i = 0; i < left; i++)
			inst->out[c][i] += gain * player->tail[c][player->tail_done + i];
	player->tail_done += left;
}

static void player_late(struct mixd_inst *inst, struct player *player)
{
	uint32_t most = player->ring_frames / 4;

	player->underruns++;
	inst->host->event(inst, PLAYER_EVENT_UNDERRUN, (double)player->underruns);
	player->lead = player->lead < most / 2 ? player->lead * 2 : most;
	player->served = false;
}

static void player_roll(struct mixd_inst *inst, struct player *player,
			const struct mixd_transport *at, uint32_t n)
{
	bool offline = inst->host->offline;
	uint32_t silent, done;
	uint64_t ahead;

	if (!player->served || player->next != at->position)
		player_serve(inst, player, at, offline || player->always ? 0 : player->lead);
	player->playing = player->served;
	if (!player->served) {
		player_silence(inst, player, 0, n);
		return;
	}
	silent = player->wait < n ? (uint32_t)player->wait : n;
	if (silent)
		player_silence(inst, player, 0, silent);
	player->wait -= silent;
	while (offline && player_ahead(player) < n - silent)
		player_ask(inst, player);
	ahead = player_ahead(player);
	done = ahead < n - silent ? (uint32_t)ahead : n - silent;
	player_copy(inst, player, silent, done);
	player->next = player_after(&player->job, at->position, n);
	if (silent + done < n) {
		player_silence(inst, player, silent + done, n - silent - done);
		player_late(inst, player);
	}
	player_ask(inst, player);
}

/* Standing still: ready for where it will begin. True when it is. */
static bool player_stand(struct mixd_inst *inst, struct player *player,
			 const struct mixd_transport *at, uint32_t n)
{
	if (player->playing)
		player_let_go(player);
	player_silence(inst, player, 0, n);
	player->lead = player->lead_frames;
	if (!player->served || player->next != at->position || player->wait)
		player_serve(inst, player, at, 0);
	player_ask(inst, player);
	return player->served && player_ahead(player) >= player->ready_frames;
}

/* ---- the node ---------------------------------------------------------------------------------- */

static void player_tell(struct mixd_inst *inst, struct player *player, uint64_t position)
{
	enum player_trouble trouble =
		(enum player_trouble)atomic_load_explicit(&player->trouble, memory_order_relaxed);
	uint32_t low = 0, high = player->n_clips; /* the first that begins later */

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (player->clip[middle].at <= position)
			low = middle + 1;
		else
			high = middle;
	}
	inst->meter[PLAYER_METER_POSITION] = (double)position / player->rate;
	inst->meter[PLAYER_METER_CLIP] =
		low && player->clip[low - 1].end > position ? player->clip[low - 1].number : 0.0;
	inst->meter[PLAYER_METER_UNDERRUNS] = (double)player->underruns;
	inst->meter[PLAYER_METER_TROUBLE] = trouble;
	if (trouble == player->told)
		return;
	player->told = trouble;
	inst->host->event(inst, MIXD_EVENT_ALARM + PLAYER_METER_TROUBLE, trouble);
}

/* A jukebox: the time line is its own, and begins when there is something to hear. */
static void player_own(const struct player *player, struct mixd_transport *ret)
{
	*ret = (struct mixd_transport){.position = player->own};
	if (player->repeat && player->length && player->length != UINT64_MAX) {
		ret->loop = true;
		ret->loop_end = player->length;
	}
}

static void player_process_always(struct mixd_inst *inst, struct player *player, bool play,
				  uint32_t n)
{
	struct mixd_transport own;

	player_own(player, &own);
	if (play && !player->playing) {
		uint32_t enough = inst->host->offline ? 0 : player->ready_frames;

		if (!player->served || player->next != own.position)
			player_serve(inst, player, &own, 0);
		play = player->served && player_ahead(player) >= enough;
	}
	if (!play) {
		player_stand(inst, player, &own, n);
		return;
	}
	player_roll(inst, player, &own, n);
	if (player->served)
		player->own = player->next;
}

static void player_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct player *player = inst->state;
	const struct mixd_transport *at = call->transport;
	bool play = inst->value[PLAYER_PARAM_PLAY] >= 0.5;
	uint32_t n = call->n_frames;

	if (!player->n_clips) {
		player_silence(inst, player, 0, n);
		inst->meter[PLAYER_METER_POSITION] = (double)at->position / player->rate;
		return;
	}
	if (player->always) {
		player_process_always(inst, player, play, n);
		player_tell(inst, player, player->own);
	} else if (at->is_rolling && play) {
		player_reorder(player, at);
		player_roll(inst, player, at, n);
		player_tell(inst, player, at->position);
	} else if (at->is_rolling) {
		if (player->playing)
			player_let_go(player);
		player_silence(inst, player, 0, n);
		player_tell(inst, player, at->position);
	} else {
		player_reorder(player, at);
		if (!player_stand(inst, player, at, n) && at->is_locating && play)
			inst->host->hold(inst);
		player_tell(inst, player, at->position);
	}
	if (player->tail_done < player->tail_frames)
		player_tail(inst, player, n);
}

static bool player_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct player *player = inst->state;

	dsp_ramp_set(&player->gain, update->from[PLAYER_PARAM_GAIN], update->to[PLAYER_PARAM_GAIN],
		     update->cell_frames);
	return false;
}

static void player_reset(struct mixd_inst *inst)
{
	struct player *player = inst->state;

	player->served = player->playing = false;
	player->tail_done = player->tail_frames = 0;
	player->own = 0;
	player->lead = player->lead_frames;
}

static const struct mixd_node_type player_type = {
	.id = "player",
	.doc = "Plays sound files: clips on the time line of the transport, mixed, to the sample",
	.category = "source",
	.source = "ITU-R BS.775-3 (downmix); soxr (other rates and speeds)",
	.version = 1,
	.flags = MIXD_NODE_SOURCE | MIXD_NODE_BYPASS_SILENT,
	.ports = player_ports,
	.n_ports = 1,
	.params = player_params,
	.n_params = 2,
	.configs = player_configs,
	.n_configs = PLAYER_CONFIG_COUNT_,
	.meters = player_meters,
	.n_meters = 4,
	.needs = player_needs,
	.activate = player_activate,
	.deactivate = player_deactivate,
	.update = player_update,
	.process = player_process,
	.reset = player_reset,
	.disk = player_disk,
};

MIXD_MODULE(&player_type);
