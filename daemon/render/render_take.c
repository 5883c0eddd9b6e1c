/* render_take.c - what the outputs said: latency off, range and tail cut, to files or code.
 *
 * TAIL        When the programme has ended, an automatic tail is written up to the last frame of any
 *             output above TAIL_QUIET; what is quiet is held back until something above it follows,
 *             or until all outputs have been quiet for TAIL_HOLD_S. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "clones.h"
#include "media_resample.h"
#include "render_internal.h"

#define TAIL_QUIET 3.16227766e-5f /* -90 dBFS */
#define TAIL_HOLD_S 2.0
#define TAKE_PIECE 4096u /* frames at a time through a resampler */

/* ---- open, close ------------------------------------------------------------------------------- */

/* The rate to write at: the one asked for, else that of the render; else 48 kHz, when the format has
 * but few (Opus). */
static double take_rate(const struct render *render, const struct render_output *output)
{
	static const double others[] = {48000.0};
	struct media_target target = output->target;

	if (target.rate > 0 || !output->path)
		return target.rate > 0 ? target.rate : render->rate;
	target.rate = render->rate;
	if (media_target_complete(&target, output->path, NULL) == 0)
		return render->rate;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		target = output->target;
		target.rate = others[i];
		if (media_target_complete(&target, output->path, NULL) == 0)
			return others[i];
	}
	return render->rate;
}

/* The session's markers in the range, at RATE, each up to the next. END of the range; UINT64_MAX: not known. */
static int take_mark(const struct render *render, double rate, uint64_t end,
		     struct media_tags *tags)
{
	const struct graph_model *model = render->graph.model;
	double from_s = (double)render->start_frame / render->rate;
	double to_s = end == UINT64_MAX ? INFINITY : (double)end / render->rate;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < model->n_markers; i++) {
		const struct graph_marker *marker = model->markers[i];
		bool is_last = i + 1 == model->n_markers || model->markers[i + 1]->at_s >= to_s;
		double next_s = is_last ? to_s : model->markers[i + 1]->at_s;
		int64_t at = llround((marker->at_s - from_s) * rate), length = 0;

		if (marker->at_s < from_s || marker->at_s >= to_s)
			continue;
		if (isfinite(next_s))
			length = llround((next_s - from_s) * rate) - at;
		r = media_tags_mark(tags, at, length, marker->name);
	}
	return r;
}

static int take_create(struct render *render, struct render_take *take, struct mixd_error *err)
{
	struct media_target *target = &take->output->target;
	const struct media_tags *given = target->tags;
	struct media_tags tags;
	int r;

	if (!render->request->markers)
		return media_create(take->output->path, target, &take->writer, err);
	media_tags_init(&tags);
	r = given ? media_tags_copy(&tags, given) : 0;
	if (r == 0)
		r = take_mark(render, target->rate, render_feeds_end(render), &tags);
	target->tags = &tags;
	r = r < 0 ? error_no_memory(err)
		  : media_create(take->output->path, target, &take->writer, err);
	target->tags = given;
	media_tags_done(&tags);
	return r;
}

static int take_open(struct render *render, struct render_take *take, int64_t expected,
		     struct mixd_error *err)
{
	struct render_output *output = take->output;
	double rate = take_rate(render, output);

	output->clips = 0;
	output->peak = 0;
	output->target.rate = rate;
	if (rate != render->rate &&
	    media_resampler_new(render->rate, rate, take->n_channels, &take->resampler) < 0)
		return error_no_memory(err);
	if (!output->path)
		return 0;
	if (output->target.expected_frames <= 0 && expected >= 0)
		output->target.expected_frames =
			media_resampler_length(render->rate, rate, expected);
	return take_create(render, take, err);
}

int render_takes_open(struct render *render, struct mixd_error *err)
{
	uint64_t end = render_feeds_end(render);
	int64_t expected = -1;
	int r = 0;

	if (end != UINT64_MAX && !render->tail_is_auto)
		expected = (int64_t)(end + render->tail_frames - render->start_frame);
	else if (end != UINT64_MAX)
		expected = (int64_t)(end - render->start_frame);
	for (uint32_t i = 0; r == 0 && i < render->request->n_outputs; i++)
		r = take_open(render, &render->take[i], expected, err);
	return r;
}

void render_takes_close(struct render *render)
{
	for (uint32_t i = 0; render->take && i < render->request->n_outputs; i++) {
		struct render_take *take = &render->take[i];

		media_writer_free(take->writer);
		media_resampler_free(take->resampler);
		for (uint32_t c = 0; take->hold && c < take->n_channels; c++)
			free(take->hold[c]);
		free(take->hold);
	}
	free(render->take);
	render->take = NULL;
}

/* ---- out --------------------------------------------------------------------------------------- */

/* The highest magnitude of N samples. As integers: magnitudes have the same order, and the compiler has
 * a vector maximum for them. Not a number does not come here: the engine's guard lets none by. */
MIXD_CLONES static float take_peak(const float *in, uint32_t n, float peak)
{
	int32_t highest;

	memcpy(&highest, &peak, sizeof(highest));
	for (uint32_t i = 0; i < n; i++) {
		int32_t bits;

		memcpy(&bits, in + i, sizeof(bits));
		bits &= INT32_MAX;
		highest = bits > highest ? bits : highest;
	}
	memcpy(&peak, &highest, sizeof(peak));
	return peak;
}

static int take_put(struct render_take *take, const float *const *channels, uint32_t n,
		    struct mixd_error *err)
{
	float peak = (float)take->output->peak;

	for (uint32_t c = 0; c < take->n_channels; c++)
		peak = take_peak(channels[c], n, peak);
	take->output->peak = (double)peak;
	if (take->writer)
		return media_write(take->writer, channels, n, err);
	return take->output->sink
		       ? take->output->sink->write(take->output->sink->data, channels, n, err)
		       : 0;
}

/* CHANNELS NULL: the end. */
static int take_resample(struct render_take *take, const float *const *channels, uint32_t n,
			 struct mixd_error *err)
{
	float *memory = malloc((size_t)take->n_channels * TAKE_PIECE * sizeof(float));
	const float *in[MEDIA_CHANNELS_MAX];
	float *out[MEDIA_CHANNELS_MAX];
	uint32_t done = 0, got = TAKE_PIECE;
	int r = memory ? 0 : error_no_memory(err);

	for (uint32_t c = 0; memory && c < take->n_channels; c++)
		out[c] = memory + (size_t)c * TAKE_PIECE;
	while (r == 0 && (done < n || got == TAKE_PIECE || (!channels && got > 0))) {
		uint32_t taken = n - done;

		got = TAKE_PIECE;
		for (uint32_t c = 0; channels && c < take->n_channels; c++)
			in[c] = channels[c] + done;
		r = media_resampler_run(take->resampler, channels ? in : NULL, &taken, out, &got);
		if (r < 0)
			error_set(err, ERROR_RESOURCE, NULL, "the resampler failed");
		else if (got)
			r = take_put(take, (const float *const *)out, got, err);
		done += taken;
	}
	free(memory);
	return r;
}

/* N frames of the range. */
static int take_send(struct render_take *take, const float *const *channels, uint32_t n,
		     struct mixd_error *err)
{
	if (take->resampler)
		return take_resample(take, channels, n, err);
	return take_put(take, channels, n, err);
}

/* ---- held back --------------------------------------------------------------------------------- */

static int take_hold(struct render_take *take, const float *const *channels, uint32_t n,
		     struct mixd_error *err)
{
	if (!take->hold && !(take->hold = calloc(take->n_channels, sizeof(float *))))
		return error_no_memory(err);
	if (take->n_held + n > take->hold_room) {
		uint32_t room = take->n_held + n + take->hold_room / 2;

		for (uint32_t c = 0; c < take->n_channels; c++) {
			float *more = realloc(take->hold[c], room * sizeof(float));

			if (!more)
				return error_no_memory(err);
			take->hold[c] = more;
		}
		take->hold_room = room;
	}
	for (uint32_t c = 0; c < take->n_channels; c++)
		memcpy(take->hold[c] + take->n_held, channels[c], n * sizeof(float));
	take->n_held += n;
	return 0;
}

/* What is held and lies before END goes on. */
static int take_release(struct render_take *take, uint64_t end, struct mixd_error *err)
{
	uint32_t n = take->n_held;
	int r;

	if (take->sent >= end)
		return 0;
	if (end - take->sent < n)
		n = (uint32_t)(end - take->sent);
	if (n == 0)
		return 0;
	r = take_send(take, (const float *const *)take->hold, n, err);
	take->sent += n;
	take->n_held -= n;
	for (uint32_t c = 0; c < take->n_channels && take->n_held; c++)
		memmove(take->hold[c], take->hold[c] + n, take->n_held * sizeof(float));
	return r;
}

static bool frame_is_loud(const float *const *channels, uint32_t n_channels, uint32_t i)
{
	for (uint32_t c = 0; c < n_channels; c++)
		if (fabsf(channels[c][i]) > TAIL_QUIET)
			return true;
	return false;
}

/* ---- blocks ------------------------------------------------------------------------------------ */

/* The frames of BLOCK that lie in the range, of TAKE; how many. */
static uint32_t take_range(const struct render *render, const struct render_take *take,
			   const struct render_block *block, const float **channels)
{
	const struct render_port *port = &render->port[take->port];
	uint64_t from = render->start_frame + take->latency;
	uint32_t skip = 0;

	if (block->position < from) {
		if (from - block->position >= block->n_frames)
			return 0;
		skip = (uint32_t)(from - block->position);
	}
	for (uint32_t c = 0; c < take->n_channels; c++)
		channels[c] = block->plane[port->plane[c]] + skip;
	return block->n_frames - skip;
}

/* Before END it goes on; behind it is held, or cut off when nothing may follow. */
static int take_block(const struct render *render, struct render_take *take,
		      const struct render_block *block, uint64_t end, struct mixd_error *err)
{
	const float *channels[MEDIA_CHANNELS_MAX];
	uint32_t n = take_range(render, take, block, channels), direct = n;
	uint64_t first = take->sent + take->n_held; /* of the time line */
	int r = 0;

	if (first >= end || take->n_held)
		direct = 0;
	else if (end - first < n)
		direct = (uint32_t)(end - first);
	if (direct) {
		r = take_send(take, channels, direct, err);
		take->sent += direct;
	}
	if (r < 0 || direct == n || !render->tail_is_auto)
		return r;
	for (uint32_t c = 0; c < take->n_channels; c++)
		channels[c] += direct;
	for (uint32_t i = n - direct; i-- > 0;) {
		if (!frame_is_loud(channels, take->n_channels, i))
			continue;
		take->loud_end = first + direct + i + 1;
		break;
	}
	return take_hold(take, channels, n - direct, err);
}

/* The automatic tail: where it ends as far as is known, and whether that is final. */
static uint64_t tail_end(const struct render *render, uint64_t programme_end, bool *ret_final)
{
	uint64_t end = programme_end, least = UINT64_MAX;
	uint64_t hold = (uint64_t)(TAIL_HOLD_S * render->rate);
	uint64_t most = programme_end + render->tail_frames;

	for (uint32_t i = 0; i < render->request->n_outputs; i++) {
		const struct render_take *take = &render->take[i];

		end = take->loud_end > end ? take->loud_end : end;
		if (take->sent + take->n_held < least)
			least = take->sent + take->n_held;
	}
	end = end < most ? end : most;
	*ret_final = least >= end + hold || least >= most;
	return end;
}

int render_take_block(struct render *render, struct render_block *block, bool *ret_stop,
		      struct mixd_error *err)
{
	uint64_t end = block->programme_end;
	bool final = true;
	int r = 0;

	if (end != UINT64_MAX && !render->tail_is_auto)
		end += render->tail_frames;
	for (uint32_t i = 0; r == 0 && i < render->request->n_outputs; i++)
		r = take_block(render, &render->take[i], block, end, err);
	if (r == 0 && render->tail_is_auto && end != UINT64_MAX) {
		end = tail_end(render, end, &final);
		for (uint32_t i = 0; r == 0 && i < render->request->n_outputs; i++)
			r = take_release(&render->take[i], end, err);
	}
	for (uint32_t i = 0; i < render->request->n_outputs; i++)
		final = final && render->take[i].sent >= end;
	*ret_stop = block->is_last || (end != UINT64_MAX && final);
	render->frames =
		end == UINT64_MAX || end < render->start_frame ? 0 : end - render->start_frame;
	return r;
}

int render_takes_finish(struct render *render, struct mixd_error *err)
{
	const uint32_t n_outputs = render->request->n_outputs;
	_cleanup_free_ struct media_writer **writer = calloc(n_outputs + 1u, sizeof(*writer));
	uint32_t n = 0;
	int r = writer ? 0 : error_no_memory(err);

	for (uint32_t i = 0; r == 0 && i < n_outputs; i++) {
		struct render_take *take = &render->take[i];

		if (take->resampler)
			r = take_resample(take, NULL, 0, err);
		if (take->writer)
			writer[n++] = take->writer;
	}
	if (r == 0)
		r = media_finish_all(writer, n, err);
	for (uint32_t i = 0; i < n_outputs; i++)
		if (render->take[i].writer)
			render->take[i].output->clips = media_writer_clips(render->take[i].writer);
	return r;
}
