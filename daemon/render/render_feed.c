/* render_feed.c - what the inputs hear: files or code, at the rate of the render, as long as they
 * last; then silence. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph_clips.h"
#include "media_resample.h"
#include "render_internal.h"

static int feed_open(struct render_feed *feed, const struct render_input *input,
		     struct mixd_error *err)
{
	const struct media_info *info;
	int r;

	feed->source = input->source;
	feed->n_channels = feed->source ? feed->source->n_channels : 0;
	feed->frames = UINT64_MAX;
	if (!input->path)
		return 0;
	r = media_open(input->path, &feed->reader, err);
	if (r < 0)
		return r;
	info = media_reader_info(feed->reader);
	feed->n_channels = info->n_channels;
	return 0;
}

static int feed_layout(struct render *render, uint32_t idx, struct mixd_error *err)
{
	struct render_feed *feed = &render->feed[idx];
	const struct graph_node *node = render->graph.in[idx];
	const struct mixd_layout *layout;
	char name[16];

	if (feed->reader)
		return render_graph_input_layout(&render->graph, idx,
						 &media_reader_info(feed->reader)->layout, err);
	if (feed->n_channels == 0 || feed->n_channels > MEDIA_CHANNELS_MAX)
		return error_set(err, ERROR_INVALID, node->name, "a source of %u channels",
				 feed->n_channels);
	if (feed->source->layout)
		return render_graph_input_layout(&render->graph, idx, feed->source->layout, err);
	snprintf(name, sizeof(name), "%uch", feed->n_channels);
	layout = graph_layout_find(feed->n_channels == 1   ? "mono"
				   : feed->n_channels == 2 ? "stereo"
							   : name,
				   err);
	return layout ? render_graph_input_layout(&render->graph, idx, layout, err) : -EINVAL;
}

int render_feeds_open(struct render *render, struct mixd_error *err)
{
	struct render_request *request = render->request;
	int r = 0;

	render->feed = calloc(request->n_inputs + 1u, sizeof(*render->feed));
	if (!render->feed)
		return error_no_memory(err);
	for (uint32_t i = 0; r == 0 && i < request->n_inputs; i++) {
		r = feed_open(&render->feed[i], &request->input[i], err);
		if (r == 0)
			r = feed_layout(render, i, err);
	}
	return r;
}

double render_feeds_rate(const struct render *render)
{
	double rate = 0;

	for (uint32_t i = 0; i < render->request->n_inputs; i++)
		if (render->feed[i].reader)
			return media_reader_info(render->feed[i].reader)->rate;
	if (render->request->n_inputs == 0)
		rate = render_clips_rate(render->graph.model);
	if (rate > 0)
		return rate;
	return render->request->else_rate > 0 ? render->request->else_rate : GRAPH_RATE_DEFAULT;
}

int render_feeds_start(struct render *render, struct mixd_error *err)
{
	for (uint32_t i = 0; i < render->request->n_inputs; i++) {
		struct render_feed *feed = &render->feed[i];
		const struct media_info *info;

		if (!feed->reader)
			continue;
		info = media_reader_info(feed->reader);
		if (info->n_frames >= 0)
			feed->frames = (uint64_t)media_resampler_length(info->rate, render->rate,
									info->n_frames);
		if (info->rate != render->rate &&
		    media_resampler_new(info->rate, render->rate, feed->n_channels,
					&feed->resampler) < 0)
			return error_no_memory(err);
	}
	return 0;
}

void render_feeds_close(struct render *render)
{
	for (uint32_t i = 0; render->feed && i < render->request->n_inputs; i++) {
		media_resampler_free(render->feed[i].resampler);
		media_close(render->feed[i].reader);
	}
	free(render->feed);
	render->feed = NULL;
}

/* ---- blocks ------------------------------------------------------------------------------------ */

uint64_t render_feeds_end(const struct render *render)
{
	uint64_t end = render->session_end;

	if (render->end_frame != UINT64_MAX)
		return render->end_frame;
	for (uint32_t i = 0; i < render->request->n_inputs; i++)
		if (render->feed[i].frames == UINT64_MAX)
			return UINT64_MAX;
		else if (render->feed[i].frames > end)
			end = render->feed[i].frames;
	return end;
}

static int64_t feed_read_file(void *data, float *const *channels, uint32_t n_frames,
			      struct mixd_error *err)
{
	return media_read(data, channels, n_frames, err);
}

static int64_t feed_read(struct render_feed *feed, float *const *channels, uint32_t n_frames,
			 struct mixd_error *err)
{
	if (feed->resampler)
		return media_resampler_read(feed->resampler, feed_read_file, feed->reader, channels,
					    n_frames, err);
	if (feed->reader)
		return media_read(feed->reader, channels, n_frames, err);
	return feed->source->read(feed->source->data, channels, n_frames, err);
}

/* N frames into the planes of FEED; behind the end, zeros. */
static int feed_fill(struct render_feed *feed, struct render_block *block, uint32_t n,
		     struct mixd_error *err)
{
	float *at[MEDIA_CHANNELS_MAX];
	uint32_t done = 0;

	while (!feed->at_end && done < n) {
		int64_t got;

		for (uint32_t c = 0; c < feed->n_channels; c++)
			at[c] = block->plane[feed->first_plane + c] + done;
		got = feed_read(feed, at, n - done, err);
		if (got < 0)
			return (int)got;
		done += (uint32_t)got;
		if (got == 0) {
			feed->at_end = true;
			feed->frames = block->position + done;
		}
	}
	for (uint32_t c = 0; done < n && c < feed->n_channels; c++)
		memset(block->plane[feed->first_plane + c] + done, 0, (n - done) * sizeof(float));
	return 0;
}

/* From now on the engine reads its own zeros. */
static void feed_silence(const struct render *render, struct render_block *block, uint32_t input)
{
	for (uint32_t p = 0; p < render->n_ports; p++)
		if (render->port[p].input == input && !render->port[p].is_output)
			block->table[render->port[p].stage].in[render->port[p].node->slot] = NULL;
}

int render_feed_block(struct render *render, struct render_block *block, struct mixd_error *err)
{
	/* a tail begins at the end of the range; without one, nodes look ahead beyond it */
	uint64_t cut = render->tail_frames ? render->end_frame : UINT64_MAX;
	uint64_t end, limit = UINT64_MAX;
	uint32_t n = render->block_frames;

	block->position = render->fed;
	if (render->fed < cut && cut - render->fed < n)
		n = (uint32_t)(cut - render->fed);
	for (uint32_t i = 0; i < render->request->n_inputs; i++) {
		struct render_feed *feed = &render->feed[i];
		bool over = feed->at_end || render->fed >= cut;
		int r = over ? 0 : feed_fill(feed, block, n, err);

		if (r < 0)
			return r;
		if (over)
			feed_silence(render, block, i);
	}
	end = block->programme_end = render_feeds_end(render);
	if (end != UINT64_MAX)
		limit = end + render->tail_frames + render->latency_max;
	if (limit - render->fed <= n)
		n = (uint32_t)(limit - render->fed);
	block->n_frames = n;
	render->fed += n;
	block->is_last = render->fed >= limit;
	return 0;
}
