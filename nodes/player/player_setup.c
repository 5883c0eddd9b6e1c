/* player_setup.c - the player's main and disk sides: clips in frames, and the sound of a piece of the
 * time line.
 *
 * Downmix: ITU-R BS.775-3, table 2 (centre and surrounds at -3 dB), for files that have channels the
 * node has not. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "player.h"

static const char *const player_starts[] = {"transport", "always", NULL};

const struct mixd_config_row player_configs[] = {
	{"clips",
	 "What is played, and when: [{file: a.wav, at: 0s}, ...] with offset, length, gain, "
	 "fade_in, "
	 "fade_out, curve_in, curve_out, loop, reverse, speed, name; or the name of one file",
	 MIXD_TYPE_STRING, MIXD_UNIT_NONE, 0, 0, 0, "", NULL, true, true},
	{"start",
	 "With the transport; or always: from the beginning as soon as it is there, while play is "
	 "on",
	 MIXD_TYPE_ENUM, MIXD_UNIT_NONE, 0, 1, 0, NULL, player_starts, false},
	{"repeat", "With start=always: from the beginning again at the end of the last clip",
	 MIXD_TYPE_BOOL, MIXD_UNIT_NONE, 0, 1, 0, NULL, NULL, false},
};

__attribute__((format(printf, 3, 4))) static int
player_fault(struct mixd_fault *fault, const char *hint, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fault->text, sizeof(fault->text), fmt, ap);
	va_end(ap);
	snprintf(fault->hint, sizeof(fault->hint), "%s", hint);
	return -EINVAL;
}

/* ---- channels ---------------------------------------------------------------------------------- */

#define PLAYER_MINUS_3_DB 0.70710678118654752440

static bool position_is_left(uint8_t position)
{
	return position == MIXD_POS_SL || position == MIXD_POS_RL || position == MIXD_POS_FLC ||
	       position == MIXD_POS_TFL || position == MIXD_POS_TSL || position == MIXD_POS_TRL;
}

static bool position_is_right(uint8_t position)
{
	return position == MIXD_POS_SR || position == MIXD_POS_RR || position == MIXD_POS_FRC ||
	       position == MIXD_POS_TFR || position == MIXD_POS_TSR || position == MIXD_POS_TRR;
}

static bool layout_has(const struct mixd_layout *layout, uint8_t position)
{
	for (uint32_t c = 0; c < layout->n_channels; c++)
		if (layout->position[c] == position)
			return true;
	return false;
}

/* What channel FROM of a file is worth in channel TO of the node. Equal counts, and what has no
 * positions, go by number; mono goes everywhere; two channels into one are halved. */
static double channel_gain(const struct mixd_layout *file, uint32_t from,
			   const struct mixd_layout *node, uint32_t to)
{
	uint8_t is = file->position[from], wants = node->position[to];

	if (file->n_channels == 1)
		return 1.0;
	if (file->n_channels == node->n_channels || is == MIXD_POS_NONE || wants == MIXD_POS_NONE)
		return from == to ? 1.0 : 0.0;
	if (node->n_channels == 1)
		return is == MIXD_POS_LFE			? 0.0
		       : is == MIXD_POS_FC			? PLAYER_MINUS_3_DB
		       : is == MIXD_POS_FL || is == MIXD_POS_FR ? 0.5
								: 0.5 * PLAYER_MINUS_3_DB;
	if (layout_has(node, is))
		return is == wants ? 1.0 : 0.0;
	if (is == MIXD_POS_LFE || (wants != MIXD_POS_FL && wants != MIXD_POS_FR))
		return 0.0;
	if (is == MIXD_POS_FC || is == MIXD_POS_MONO)
		return PLAYER_MINUS_3_DB;
	if (is == MIXD_POS_RC)
		return 0.5;
	return (position_is_left(is) && wants == MIXD_POS_FL) ||
			       (position_is_right(is) && wants == MIXD_POS_FR)
		       ? PLAYER_MINUS_3_DB
		       : 0.0;
}

/* Nothing of a file may be lost without a word. */
static int clip_channels(const struct player *player, const struct player_clip *clip,
			 struct mixd_fault *fault)
{
	for (uint32_t from = 0; from < clip->layout->n_channels; from++) {
		double sum = clip->layout->position[from] == MIXD_POS_LFE;

		for (uint32_t to = 0; to < player->n_channels; to++)
			sum += channel_gain(clip->layout, from, player->layout, to);
		if (sum == 0.0)
			return player_fault(fault, "set the player's layout to that of the file",
					    "\"%.100s\" has %u channels, the player is %s",
					    clip->file, clip->layout->n_channels,
					    player->layout->name);
	}
	return 0;
}

/* ---- clips ------------------------------------------------------------------------------------- */

static uint64_t clip_frames(const struct player *player, struct clip_time time)
{
	int64_t frames = clip_time_frames(time, player->rate);

	return frames > 0 ? (uint64_t)frames : 0;
}

/* Look at the file of FROM, and place it. */
static int clip_make(struct player *player, const struct clip *from, struct player_clip *clip,
		     struct mixd_fault *fault)
{
	struct mixd_stream_info info;
	struct mixd_stream *stream;
	uint64_t offset, left;
	int r = player->host->stream_open(from->file, player->rate, from->speed, from->reverse,
					  &stream, &info, fault);

	if (r < 0)
		return r;
	player->host->stream_close(stream);
	*clip = (struct player_clip){.file = from->file,
				     .layout = info.layout,
				     .at = clip_frames(player, from->at),
				     .fade_in = clip_frames(player, from->fade_in),
				     .fade_out = clip_frames(player, from->fade_out),
				     .curve_in = from->curve_in,
				     .curve_out = from->curve_out,
				     .gain = from->gain_db <= CLIPLIST_GAIN_MIN_DB
						     ? 0.0
						     : pow(10.0, from->gain_db / 20.0),
				     .speed = from->speed,
				     .reverse = from->reverse};
	offset = (uint64_t)((double)clip_frames(player, from->offset) / from->speed + 0.5);
	left = info.n_frames > offset ? info.n_frames - offset : 0;
	clip->piece = from->length.value < 0.0 ? left : clip_frames(player, from->length);
	/* the same piece, from its end: it may reach beyond the file, which is silence */
	clip->offset = !from->reverse ? offset : left > clip->piece ? left - clip->piece : 0;
	if (!left)
		return player_fault(fault, "offset is a time in the file; see mixctl measure",
				    "\"%.100s\" ends at %.3f s, before the clip's offset",
				    from->file, (double)info.n_frames * from->speed / player->rate);
	clip->piece = clip->piece ? clip->piece : 1;
	clip->end = from->loop ? clip->at + clip->piece * from->loop : UINT64_MAX;
	return clip_channels(player, clip, fault);
}

static int clip_order(const void *a, const void *b)
{
	const struct player_clip *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

static int player_clips(struct player *player, const char *text, struct mixd_fault *fault)
{
	int r = cliplist_parse(text ? text : "", &player->list, NULL, fault);

	if (r < 0)
		return r;
	player->clip = calloc(player->list.n + 1, sizeof(*player->clip));
	if (!player->clip)
		return -ENOMEM;
	for (uint32_t i = 0; i < player->list.n; i++) {
		struct player_clip *clip = &player->clip[i];

		r = clip_make(player, &player->list.clip[i], clip, fault);
		if (r < 0)
			return r;
		clip->number = i + 1;
		player->n_clips++;
		if (clip->end > player->length)
			player->length = clip->end;
	}
	qsort(player->clip, player->n_clips, sizeof(*player->clip), clip_order);
	return 0;
}

/* ---- life -------------------------------------------------------------------------------------- */

int player_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		 struct mixd_fault *fault)
{
	struct cliplist list;
	const char *text = setup->config[PLAYER_CONFIG_CLIPS].text;
	int r = cliplist_parse(text ? text : "", &list, NULL, fault);

	if (r < 0)
		return r;
	if (list.n)
		ret_need->warm = (uint32_t)(PLAYER_LEAD_S * setup->rate);
	cliplist_done(&list);
	ret_need->state_bytes = sizeof(struct player);
	return 0;
}

static int player_memory(struct player *player)
{
	uint32_t source = player->n_channels;
	size_t frames;
	float *at;

	for (uint32_t i = 0; i < player->n_clips; i++)
		if (player->clip[i].layout->n_channels > source)
			source = player->clip[i].layout->n_channels;
	frames = (size_t)player->n_channels *
			 (player->ring_frames + player->fade_frames + PLAYER_CHUNK) +
		 (size_t)source * PLAYER_CHUNK;
	player->memory = calloc(frames, sizeof(float));
	player->envelope = malloc(PLAYER_CHUNK * sizeof(double));
	if (!player->memory || !player->envelope)
		return -ENOMEM;
	at = player->memory;
	for (uint32_t c = 0; c < player->n_channels; c++) {
		player->ring[c] = at;
		player->tail[c] = at + player->ring_frames;
		player->mixed[c] = player->tail[c] + player->fade_frames;
		at = player->mixed[c] + PLAYER_CHUNK;
	}
	for (uint32_t c = 0; c < source; c++, at += PLAYER_CHUNK)
		player->source[c] = at;
	return 0;
}

int player_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct player *player = inst->state;
	const struct mixd_setup *setup = inst->setup;
	double ahead = inst->host->offline ? 0.0 : PLAYER_RING_S * setup->rate;
	int r;

	player->host = inst->host;
	player->layout = setup->out_layout[0];
	player->n_channels = player->layout->n_channels;
	player->rate = setup->rate;
	player->always = setup->config[PLAYER_CONFIG_START].number > 0.5;
	player->repeat = setup->config[PLAYER_CONFIG_REPEAT].number > 0.5;
	player->lead_frames = player->lead = (uint32_t)(PLAYER_LEAD_S * setup->rate);
	player->ready_frames = (uint32_t)(PLAYER_READY_S * setup->rate);
	player->fade_frames = inst->host->offline ? 0 : (uint32_t)(PLAYER_FADE_S * setup->rate);
	player->chunk = inst->host->offline ? PLAYER_CHUNK_OFFLINE : PLAYER_CHUNK;
	for (player->ring_frames = 2 * player->chunk; player->ring_frames < ahead;)
		player->ring_frames *= 2;
	r = player_clips(player, setup->config[PLAYER_CONFIG_CLIPS].text, fault);
	if (r == 0)
		r = player_memory(player);
	if (r < 0)
		player_deactivate(inst);
	return r;
}

void player_deactivate(struct mixd_inst *inst)
{
	struct player *player = inst->state;

	for (uint32_t i = 0; i < player->n_clips; i++)
		player->host->stream_close(player->clip[i].stream);
	free(player->clip);
	free(player->memory);
	free(player->envelope);
	cliplist_done(&player->list);
	memset(player, 0, sizeof(*player));
}

/* ---- fades ------------------------------------------------------------------------------------- */

/* Series, so that all machines make the same bits: Abramowitz and Stegun 4.3.65 and 4.2.1. */
static double fade_sine(double x) /* sin(x pi / 2), 0..1 */
{
	double angle = x * 1.57079632679489661923, square = angle * angle, sum = 1.0;

	for (int k = 21; k >= 3; k -= 2)
		sum = 1.0 - sum * square / (k * (k - 1));
	return angle * sum;
}

static double fade_decades(double x) /* 1000^x, 0..1 */
{
	double y = x * 6.90775527898213705205 / 64.0, sum = 1.0;

	for (int k = 14; k >= 1; k--)
		sum = 1.0 + sum * y / k;
	for (int i = 0; i < 6; i++)
		sum *= sum;
	return sum;
}

static double fade_gain(enum clip_curve curve, double x)
{
	switch (curve) {
	case CLIP_CURVE_EQUAL_POWER:
		return fade_sine(x);
	case CLIP_CURVE_SMOOTH:
		return x * x * (3.0 - 2.0 * x);
	case CLIP_CURVE_LOG:
		return (fade_decades(x) - 1.0) / 999.0;
	case CLIP_CURVE_LINEAR:
	case CLIP_CURVE_COUNT_:
		break;
	}
	return x;
}

/* Gains of N frames of CLIP from its frame T on. True when there is only one, in [0]. */
static bool clip_envelope(const struct player *player, const struct player_clip *clip, uint64_t t,
			  uint32_t n)
{
	uint64_t length = clip->end == UINT64_MAX ? UINT64_MAX : clip->end - clip->at;
	const struct player_job *job = &player->job;
	bool in = t < clip->fade_in;
	bool out = length != UINT64_MAX && clip->fade_out && t + n > length - clip->fade_out;
	bool begins = job->faded < job->fade && clip->at < job->begin;

	player->envelope[0] = clip->gain;
	if (!in && !out && !begins)
		return true;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = t + i;
		double gain = clip->gain;

		if (at < clip->fade_in)
			gain *= fade_gain(clip->curve_in,
					  ((double)at + 0.5) / (double)clip->fade_in);
		if (out && length - at <= clip->fade_out)
			gain *= fade_gain(clip->curve_out,
					  ((double)(length - at) - 0.5) / (double)clip->fade_out);
		if (begins && job->faded + i < job->fade)
			gain *= fade_gain(CLIP_CURVE_SMOOTH,
					  (job->faded + i + 0.5) / (double)job->fade);
		player->envelope[i] = gain;
	}
	return false;
}

/* ---- sound ------------------------------------------------------------------------------------- */

static void player_tell_trouble(struct player *player)
{
	enum player_trouble trouble = PLAYER_WELL;

	for (uint32_t i = 0; i < player->n_clips; i++)
		if (player->clip[i].failed)
			trouble = PLAYER_FILE;
	atomic_store_explicit(&player->trouble, trouble, memory_order_relaxed);
}

/* Disks come back, and files are written anew: not for good. */
static bool clip_fail(struct player *player, struct player_clip *clip)
{
	player->host->stream_close(clip->stream);
	clip->stream = NULL;
	clip->failed = true;
	clip->again = player->rendered + (uint64_t)(PLAYER_AGAIN_S * player->rate);
	player_tell_trouble(player);
	return false;
}

/* N frames INTO, the first after a failure: from silence, without a click. */
static void clip_is_back(struct player *player, struct player_clip *clip, uint32_t n,
			 float *const *into)
{
	uint32_t fade = player->fade_frames < n ? player->fade_frames : n;

	for (uint32_t c = 0; c < clip->layout->n_channels; c++)
		for (uint32_t i = 0; i < fade; i++)
			into[c][i] *= (float)(i + 1) / (float)(fade + 1);
	clip->failed = false;
	player_tell_trouble(player);
}

static void player_close_some(struct player *player, uint64_t position)
{
	uint32_t n_open = 0;

	for (uint32_t i = 0; i < player->n_clips; i++) {
		struct player_clip *clip = &player->clip[i];
		bool near = position >= clip->at && position < clip->end;

		if (!clip->stream || (near && n_open < PLAYER_STREAMS_MAX)) {
			n_open += clip->stream != NULL;
			continue;
		}
		player->host->stream_close(clip->stream);
		clip->stream = NULL;
	}
}

/* N frames of one pass of CLIP, from WITHIN on, INTO one buffer per channel of the file. */
static bool clip_read(struct player *player, struct player_clip *clip, uint64_t within, uint32_t n,
		      float *const *into)
{
	const struct mixd_host *host = player->host;
	struct mixd_stream_info info;
	struct mixd_fault fault;

	if (clip->failed && player->rendered < clip->again)
		return false;
	if (!clip->stream) {
		if (host->stream_open(clip->file, player->rate, clip->speed, clip->reverse,
				      &clip->stream, &info, &fault) < 0) {
			clip->stream = NULL;
			return clip_fail(player, clip);
		}
		if (info.layout->n_channels != clip->layout->n_channels) /* another file by now */
			return clip_fail(player, clip);
	}
	if (host->stream_read(clip->stream, clip->offset + within, into, n, &fault) < 0)
		return clip_fail(player, clip);
	if (clip->failed)
		clip_is_back(player, clip, n, into);
	return true;
}

/* Add N frames of CLIP from its frame T on to the mix, from frame TO of that on. */
static void clip_mix(struct player *player, struct player_clip *clip, uint64_t t, uint32_t to,
		     uint32_t n)
{
	bool steady = clip_envelope(player, clip, t, n);
	double steady_gain = player->envelope[0];

	if (!clip_read(player, clip, t % clip->piece, n, player->source))
		return;
	for (uint32_t c = 0; c < player->n_channels; c++) {
		float *mixed = player->mixed[c] + to;

		for (uint32_t k = 0; k < clip->layout->n_channels; k++) {
			double gain = channel_gain(clip->layout, k, player->layout, c);
			const float *x = player->source[k];

			if (gain == 0.0)
				continue;
			if (steady && gain * steady_gain == 1.0) {
				for (uint32_t i = 0; i < n; i++)
					mixed[i] += x[i];
				continue;
			}
			for (uint32_t i = 0; i < n; i++)
				mixed[i] += (float)(x[i] * (gain * (steady ? steady_gain
									   : player->envelope[i])));
		}
	}
}

/* N (..PLAYER_CHUNK) frames of the time line from POSITION on, which does not turn on the way. */
static void player_mix(struct player *player, uint64_t position, uint32_t n)
{
	for (uint32_t c = 0; c < player->n_channels; c++)
		memset(player->mixed[c], 0, n * sizeof(float));
	for (uint32_t i = 0; i < player->n_clips && player->clip[i].at < position + n; i++) {
		struct player_clip *clip = &player->clip[i];
		uint64_t at = position > clip->at ? position : clip->at;
		uint64_t end = position + n < clip->end ? position + n : clip->end;

		while (at < end) { /* pass by pass */
			uint64_t t = at - clip->at, left = clip->piece - t % clip->piece;
			uint32_t part = (uint32_t)(end - at < left ? end - at : left);

			clip_mix(player, clip, t, (uint32_t)(at - position), part);
			at += part;
		}
	}
}

static void player_store(struct player *player, uint64_t filled, uint32_t n)
{
	uint32_t mask = player->ring_frames - 1, at = (uint32_t)filled & mask;
	uint32_t part = player->ring_frames - at < n ? player->ring_frames - at : n;

	for (uint32_t c = 0; c < player->n_channels; c++) {
		memcpy(player->ring[c] + at, player->mixed[c], part * sizeof(float));
		memcpy(player->ring[c], player->mixed[c] + part, (n - part) * sizeof(float));
	}
}

/* The only clip that is heard in N frames from POSITION on, if all of them are in one pass of it and
 * none is changed on the way to the node's channels. */
static struct player_clip *player_only(const struct player *player, uint64_t position, uint32_t n)
{
	struct player_clip *only = NULL;
	uint64_t t;

	for (uint32_t i = 0; i < player->n_clips && player->clip[i].at < position + n; i++) {
		struct player_clip *clip = &player->clip[i];

		if (clip->end <= position)
			continue;
		if (only || clip->at > position || clip->end < position + n)
			return NULL;
		only = clip;
	}
	if (!only || only->layout->n_channels != player->n_channels)
		return NULL;
	t = position - only->at;
	if (only->piece - t % only->piece < n || !clip_envelope(player, only, t, n))
		return NULL;
	return player->envelope[0] == 1.0 ? only : NULL;
}

/* What most sessions are made of, whole files as they are, is read to where it is played from. */
static bool player_store_only(struct player *player, uint64_t position, uint64_t filled, uint32_t n)
{
	struct player_clip *clip = player_only(player, position, n);
	uint32_t at = (uint32_t)filled & (player->ring_frames - 1);
	float *into[MIXD_CHANNELS_MAX];

	if (!clip || player->ring_frames - at < n)
		return false;
	for (uint32_t c = 0; c < player->n_channels; c++)
		into[c] = player->ring[c] + at;
	return clip_read(player, clip, (position - clip->at) % clip->piece, n, into);
}

/* Some chunks in play order. [disk] */
void player_disk(struct mixd_inst *inst, uint32_t number)
{
	struct player *player = inst->state;
	struct player_job *job = &player->job;
	uint32_t left = player->chunk * job->n_chunks;

	(void)number;
	player_close_some(player, job->position);
	while (left && !atomic_load_explicit(&player->give_up, memory_order_relaxed)) {
		uint64_t filled = atomic_load_explicit(&player->filled, memory_order_relaxed);
		uint32_t n = left < player->chunk ? left : player->chunk;

		if (job->loop && job->position < job->loop_end && job->loop_end - job->position < n)
			n = (uint32_t)(job->loop_end - job->position);
		if (!player_store_only(player, job->position, filled, n)) {
			player_mix(player, job->position, n);
			player_store(player, filled, n);
		}
		job->position = player_after(job, job->position, n);
		job->faded += n < job->fade - job->faded ? n : job->fade - job->faded;
		left -= n;
		player->rendered += n;
		atomic_store_explicit(&player->filled, filled + n, memory_order_release);
	}
	atomic_store_explicit(&player->pending, 0, memory_order_release);
}
