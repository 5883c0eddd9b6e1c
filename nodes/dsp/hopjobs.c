/* hopjobs.c - see hopjobs.h. */
#include "hopjobs.h"

#include <math.h>
#include <string.h>

#include <mixd/rt.h>

static size_t hopjobs_align(size_t bytes)
{
	return (bytes + 63) / 64 * 64;
}

static size_t hopjobs_plane_bytes(uint32_t n_channels, uint32_t hop_frames, uint32_t hops)
{
	return hopjobs_align((size_t)n_channels * hop_frames * hops * sizeof(float));
}

size_t hopjobs_bytes(uint32_t n_channels, uint32_t hop_frames)
{
	return hopjobs_plane_bytes(n_channels, hop_frames, 4) +
	       hopjobs_plane_bytes(n_channels, hop_frames, 3) +
	       HOPJOBS_SLOTS * hopjobs_plane_bytes(n_channels, hop_frames, 1);
}

void hopjobs_init(struct hopjobs *jobs, uint32_t n_channels, uint32_t hop_frames, void *memory)
{
	char *next = memory;

	memset(jobs, 0, sizeof(*jobs));
	jobs->n_channels = n_channels;
	jobs->hop_frames = hop_frames;
	jobs->raw = (void *)next;
	next += hopjobs_plane_bytes(n_channels, hop_frames, 4);
	jobs->window = (void *)next;
	next += hopjobs_plane_bytes(n_channels, hop_frames, 3);
	for (uint32_t i = 0; i < HOPJOBS_SLOTS; i++) {
		jobs->slot[i].audio = (void *)next;
		next += hopjobs_plane_bytes(n_channels, hop_frames, 1);
	}
	jobs->is_fresh = true;
}

void hopjobs_reset(struct hopjobs *jobs)
{
	memset(jobs->raw, 0, (size_t)jobs->n_channels * 4 * jobs->hop_frames * sizeof(float));
	jobs->epoch++;
	jobs->is_fresh = true;
	jobs->filling = NULL;
	jobs->ready = NULL;
}

/* ---- rt ---- */

/* At the first frame of hop HOP, or in its midst after a reset. */
static void hopjobs_open(struct hopjobs *jobs, uint64_t hop)
{
	struct hopjobs_slot *fill = &jobs->slot[hop % HOPJOBS_SLOTS];
	struct hopjobs_slot *done = &jobs->slot[(hop - 2) % HOPJOBS_SLOTS];

	jobs->ready = NULL;
	jobs->filling = NULL;
	if (atomic_load_explicit(&done->state, memory_order_acquire) == HOPJOBS_DONE &&
	    done->epoch == jobs->epoch && done->hop == hop - 2)
		jobs->ready = done;
	else if (done->epoch == jobs->epoch && done->hop == hop - 2)
		jobs->n_late++;
	if (atomic_load_explicit(&fill->state, memory_order_acquire) == HOPJOBS_QUEUED)
		return;
	atomic_store_explicit(&fill->state, HOPJOBS_FREE, memory_order_relaxed);
	fill->hop = hop;
	fill->epoch = jobs->epoch;
	jobs->filling = fill;
}

void hopjobs_feed(struct hopjobs *jobs, uint64_t position, const float *const *in, uint32_t first,
		  uint32_t n)
{
	uint32_t at = (uint32_t)(position % jobs->hop_frames);
	uint32_t ring = (uint32_t)(position % (4 * (uint64_t)jobs->hop_frames));
	bool is_torn = jobs->is_fresh || position != jobs->next;

	if (is_torn && !jobs->is_fresh)
		hopjobs_reset(jobs);
	if (at == 0 || is_torn)
		hopjobs_open(jobs, position / jobs->hop_frames);
	jobs->is_fresh = false;
	for (uint32_t c = 0; c < jobs->n_channels; c++) {
		const float *from = in[c] + first;
		float *slot =
			jobs->filling ? jobs->filling->audio + (size_t)c * jobs->hop_frames : NULL;

		memcpy(jobs->raw + (size_t)c * 4 * jobs->hop_frames + ring, from,
		       n * sizeof(*from));
		if (!slot)
			continue;
		if (is_torn)
			memset(slot, 0, at * sizeof(*slot));
		for (uint32_t i = 0; i < n; i++)
			slot[at + i] = fabsf(from[i]) < 1e15f ? from[i] : 0.0f; /* H3 */
	}
}

const float *hopjobs_raw(const struct hopjobs *jobs, uint64_t position, uint32_t channel)
{
	uint64_t ring = 4 * (uint64_t)jobs->hop_frames;

	return jobs->raw + channel * ring + (position + jobs->hop_frames) % ring;
}

const float *hopjobs_result(const struct hopjobs *jobs, uint64_t position, uint32_t channel)
{
	if (!jobs->ready)
		return NULL;
	return jobs->ready->audio + (size_t)channel * jobs->hop_frames +
	       position % jobs->hop_frames;
}

void hopjobs_emit(const struct hopjobs *jobs, uint64_t position, struct dsp_ramp *removed,
		  float *const *out, uint32_t first, uint32_t n)
{
	for (uint32_t c = 0; c < jobs->n_channels; c++) {
		const float *raw = hopjobs_raw(jobs, position, c);
		const float *result = hopjobs_result(jobs, position, c);
		float *to = out[c] + first;

		result = result ? result : raw;
		if (dsp_ramp_rests(removed) && removed->to == 0.0) {
			memcpy(to, result, n * sizeof(*to));
			continue;
		}
		for (uint32_t i = 0; i < n; i++) {
			float part = (float)dsp_ramp_value(removed, i), lacks = raw[i] - result[i];

			to[i] = result[i] + part * (lacks - result[i]);
		}
	}
	dsp_ramp_advance(removed, n);
}

struct hopjobs_slot *hopjobs_advance(struct hopjobs *jobs, uint64_t position, uint32_t n)
{
	struct hopjobs_slot *full = jobs->filling;

	jobs->next = position + n;
	if (jobs->next % jobs->hop_frames != 0 || !full)
		return NULL;
	jobs->filling = NULL;
	atomic_store_explicit(&full->state, HOPJOBS_QUEUED, memory_order_release);
	return full;
}

void hopjobs_drop(struct hopjobs_slot *slot)
{
	atomic_store_explicit(&slot->state, HOPJOBS_FREE, memory_order_relaxed);
}

/* ---- worker ---- */

struct hopjobs_slot *hopjobs_begin(struct hopjobs *jobs, uint32_t idx)
{
	struct hopjobs_slot *slot = &jobs->slot[idx];
	size_t hop = jobs->hop_frames;

	if (slot->epoch != jobs->worker_epoch || slot->hop != jobs->worker_hop + 1)
		memset(jobs->window, 0, jobs->n_channels * 3 * hop * sizeof(float));
	jobs->worker_epoch = slot->epoch;
	jobs->worker_hop = slot->hop;
	for (uint32_t c = 0; c < jobs->n_channels; c++) {
		float *window = hopjobs_window(jobs, c);

		memmove(window, window + hop, 2 * hop * sizeof(float));
		memcpy(window + 2 * hop, slot->audio + c * hop, hop * sizeof(float));
	}
	slot->found = 0.0;
	return slot;
}

void hopjobs_end(struct hopjobs *jobs, struct hopjobs_slot *slot)
{
	size_t hop = jobs->hop_frames;

	for (uint32_t c = 0; c < jobs->n_channels; c++)
		memcpy(slot->audio + c * hop, hopjobs_window(jobs, c) + hop, hop * sizeof(float));
	atomic_store_explicit(&slot->state, HOPJOBS_DONE, memory_order_release);
}
