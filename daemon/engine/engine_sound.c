/* engine_sound.c - what is to be known of a sound file, for edits of clips. [main]
 *
 * The commands' thread waits for it: so it looks for sound from both ends inwards, which is where it is,
 * and not for longer than ENGINE_SOUND_S. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "engine_internal.h"
#include "graph_clips.h"

#define SOUND_BLOCK 16384u

struct sound_search {
	const struct engine_files *files;
	struct mixd_stream *stream;
	float *channel[MIXD_CHANNELS_MAX];
	uint32_t n_channels;
	double level; /* linear */
	struct mixd_fault fault;
};

double engine_rate(const struct engine *engine)
{
	return engine->setup.rate;
}

static int sound_fault(const char *file, int r, const struct mixd_fault *fault,
		       struct mixd_error *err)
{
	enum error_code code = r == -ENOENT ? ERROR_NOT_FOUND : ERROR_RESOURCE;

	if (fault->text[0])
		error_set(err, code, NULL, "%s", fault->text);
	else
		error_set(err, code, NULL, "%.100s: %s", file, strerror(-r));
	if (fault->hint[0])
		error_hint(err, "%s", fault->hint);
	return r;
}

static bool sound_is_loud(const struct sound_search *search, uint32_t frame)
{
	for (uint32_t c = 0; c < search->n_channels; c++)
		if (fabs((double)search->channel[c][frame]) > search->level)
			return true;
	return false;
}

/* The first loud frame in [from, to), or TO. */
static int sound_first(struct sound_search *search, int64_t from, int64_t to, int64_t *ret)
{
	for (int64_t at = from; at < to; at += SOUND_BLOCK) {
		uint32_t n = to - at < SOUND_BLOCK ? (uint32_t)(to - at) : SOUND_BLOCK;
		int r = search->files->stream_read(search->stream, (uint64_t)at, search->channel, n,
						   &search->fault);

		if (r < 0)
			return r;
		for (uint32_t i = 0; i < n; i++) {
			if (!sound_is_loud(search, i))
				continue;
			*ret = at + i;
			return 0;
		}
	}
	*ret = to;
	return 0;
}

/* The frame behind the last loud one in [from, to), or FROM. */
static int sound_last(struct sound_search *search, int64_t from, int64_t to, int64_t *ret)
{
	for (int64_t end = to; end > from; end -= SOUND_BLOCK) {
		int64_t at = end - from < SOUND_BLOCK ? from : end - SOUND_BLOCK;
		int r = search->files->stream_read(search->stream, (uint64_t)at, search->channel,
						   (uint32_t)(end - at), &search->fault);

		if (r < 0)
			return r;
		for (uint32_t i = (uint32_t)(end - at); i-- > 0;) {
			if (!sound_is_loud(search, i))
				continue;
			*ret = at + i + 1;
			return 0;
		}
	}
	*ret = from;
	return 0;
}

static int sound_search(struct sound_search *search, const struct graph_sound_query *query,
			struct graph_sound *ret)
{
	int64_t to = query->to >= 0 && query->to < ret->n_frames ? query->to : ret->n_frames;
	int64_t from = query->from < to ? query->from : to;
	int64_t most = (int64_t)(ENGINE_SOUND_S * query->rate);
	int64_t head = to - from < most ? to : from + most;
	int64_t tail = to - from < most ? from : to - most;
	_cleanup_free_ float *samples = calloc(search->n_channels, SOUND_BLOCK * sizeof(float));
	int r;

	if (!samples)
		return -ENOMEM;
	for (uint32_t c = 0; c < search->n_channels; c++)
		search->channel[c] = samples + (size_t)c * SOUND_BLOCK;
	search->level = pow(10.0, query->threshold_db / 20.0);
	r = sound_first(search, from, head, &ret->first);
	if (r < 0 || (ret->first == head && head == to)) {
		ret->last = ret->first;
		return r;
	}
	return sound_last(search, tail > ret->first ? tail : ret->first, to, &ret->last);
}

int engine_find_sound(struct engine *engine, const struct graph_sound_query *query,
		      struct graph_sound *ret, struct mixd_error *err)
{
	struct sound_search search = {.files = engine->setup.files};
	struct mixd_stream_info info = {0};
	int r;

	*ret = (struct graph_sound){0};
	if (!search.files || !search.files->stream_open) {
		r = error_set(err, ERROR_RESOURCE, NULL, "sound files are out of reach here");
		error_hint(err, "give times and lengths by hand");
		return r;
	}
	r = search.files->stream_open(query->file, query->rate, 1.0, false, &search.stream, &info,
				      &search.fault);
	if (r < 0)
		return sound_fault(query->file, r, &search.fault, err);
	ret->n_frames = (int64_t)info.n_frames;
	search.n_channels = info.layout ? info.layout->n_channels : 0;
	if (query->sound && search.n_channels)
		r = sound_search(&search, query, ret);
	search.files->stream_close(search.stream);
	return r < 0 ? sound_fault(query->file, r, &search.fault, err) : 0;
}
