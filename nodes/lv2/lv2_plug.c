/* lv2_plug.c - run one instance of a plug-in's code, as its host must.
 *
 * SOURCE      lv2core: run(); atom: an input sequence is written, an output one given its capacity
 *             before each run; worker: replies come after run(), in its thread. */
#include "lv2_plug.h"

#include <string.h>

#include <lv2/atom/util.h>

#include <mixd/rt.h>

/* ---- rings ---- */

static void ring_copy_in(struct lv2_ring *ring, uint32_t at, const void *data, uint32_t size)
{
	uint32_t first = LV2_RING_BYTES - at % LV2_RING_BYTES;

	first = first < size ? first : size;
	memcpy(ring->bytes + at % LV2_RING_BYTES, data, first);
	memcpy(ring->bytes, (const uint8_t *)data + first, size - first);
}

static void ring_copy_out(const struct lv2_ring *ring, uint32_t at, void *data, uint32_t size)
{
	uint32_t first = LV2_RING_BYTES - at % LV2_RING_BYTES;

	first = first < size ? first : size;
	memcpy(data, ring->bytes + at % LV2_RING_BYTES, first);
	memcpy((uint8_t *)data + first, ring->bytes, size - first);
}

bool lv2_ring_put(struct lv2_ring *ring, const void *data, uint32_t size)
{
	uint32_t put = atomic_load_explicit(&ring->put, memory_order_relaxed);
	uint32_t used = put - atomic_load_explicit(&ring->got, memory_order_acquire);

	if (size == 0 || size > LV2_RING_BYTES / 2 || LV2_RING_BYTES - used < size + 4)
		return false;
	ring_copy_in(ring, put, &size, 4);
	ring_copy_in(ring, put + 4, data, size);
	atomic_store_explicit(&ring->put, put + 4 + size, memory_order_release);
	return true;
}

uint32_t lv2_ring_get(struct lv2_ring *ring, void *data, uint32_t size)
{
	uint32_t got = atomic_load_explicit(&ring->got, memory_order_relaxed), n;

	if (got == atomic_load_explicit(&ring->put, memory_order_acquire))
		return 0;
	ring_copy_out(ring, got, &n, 4);
	if (n <= size)
		ring_copy_out(ring, got + 4, data, n);
	atomic_store_explicit(&ring->got, got + 4 + n, memory_order_release);
	return n <= size ? n : 0;
}

LV2_Worker_Status lv2_plug_respond(LV2_Worker_Respond_Handle handle, uint32_t size,
				   const void *data)
{
	struct lv2_plug *plug = handle;

	return lv2_ring_put(&plug->replies, data, size) ? LV2_WORKER_SUCCESS
							: LV2_WORKER_ERR_NO_SPACE;
}

LV2_Worker_Status lv2_plug_schedule(LV2_Worker_Schedule_Handle handle, uint32_t size,
				    const void *data)
{
	struct lv2_plug *plug = handle;

	if (!plug->worker)
		return LV2_WORKER_ERR_UNKNOWN;
	if (plug->setup.offline) /* nobody waits for it: at once, so that renders are equal */
		return plug->worker->work(plug->handle, lv2_plug_respond, plug, size, data);
	if (!lv2_ring_put(&plug->jobs, data, size))
		return LV2_WORKER_ERR_NO_SPACE;
	plug->setup.work_wanted(plug->setup.data);
	return LV2_WORKER_SUCCESS;
}

/* ---- running ---- */

static void plug_replies(struct lv2_plug *plug)
{
	uint8_t data[4096];
	uint32_t size;

	if (!plug->worker)
		return;
	while ((size = lv2_ring_get(&plug->replies, data, sizeof(data))) > 0)
		if (plug->worker->work_response)
			plug->worker->work_response(plug->handle, size, data);
	if (plug->worker->end_run)
		plug->worker->end_run(plug->handle);
}

static void plug_atoms_before(struct lv2_plug *plug)
{
	for (uint32_t i = 0; i < plug->n_atoms_in; i++) {
		plug->atom_in[i]->atom.size = sizeof(LV2_Atom_Sequence_Body);
		plug->atom_in[i]->atom.type = plug->sequence;
		plug->atom_in[i]->body.unit = 0;
		plug->atom_in[i]->body.pad = 0;
	}
	for (uint32_t i = 0; i < plug->n_atoms_out; i++) {
		plug->atom_out[i]->atom.size = LV2_ATOM_BYTES - sizeof(LV2_Atom);
		plug->atom_out[i]->atom.type = plug->chunk;
	}
}

static void plug_atoms_after(struct lv2_plug *plug)
{
	for (uint32_t i = 0; i < plug->n_atoms_out; i++) {
		const LV2_Atom_Sequence *sequence = plug->atom_out[i];

		if (sequence->atom.type != plug->sequence ||
		    sequence->atom.size < sizeof(LV2_Atom_Sequence_Body) ||
		    sequence->atom.size > LV2_ATOM_BYTES - sizeof(LV2_Atom))
			continue;
		LV2_ATOM_SEQUENCE_FOREACH(sequence, event)
		{
			const LV2_Atom_Object *object = (const LV2_Atom_Object *)&event->body;

			if (event->body.type == plug->object &&
			    event->body.size >= sizeof(object->body) &&
			    object->body.otype == plug->state_changed)
				plug->changed = true;
		}
	}
}

void lv2_plug_run(struct lv2_plug *plug, const float *param, const float *const *in,
		  const float *const *key, float *const *out, uint32_t n_frames)
{
	const LV2_Descriptor *descriptor = plug->descriptor;

	memcpy(plug->param, param, plug->n_params * sizeof(float));
	for (uint32_t i = 0; i < plug->n_in; i++)
		descriptor->connect_port(plug->handle, plug->in[i], (void *)(uintptr_t)in[i]);
	for (uint32_t i = 0; i < plug->n_key; i++)
		descriptor->connect_port(plug->handle, plug->key[i], (void *)(uintptr_t)key[i]);
	for (uint32_t i = 0; i < plug->n_out; i++)
		descriptor->connect_port(plug->handle, plug->out[i], out[i]);
	plug_atoms_before(plug);
	descriptor->run(plug->handle, n_frames);
	plug_replies(plug);
	if (plug->n_atoms_out)
		plug_atoms_after(plug);
}

void lv2_plug_meters(const struct lv2_plug *plug, float *ret, uint32_t stride)
{
	for (uint32_t i = 0; i < plug->n_meters; i++) {
		float value = plug->meter[i];

		ret[(size_t)i * stride] = value - value == 0.0f ? value : 0.0f; /* finite */
	}
}

uint32_t lv2_plug_latency(const struct lv2_plug *plug)
{
	float latency = plug->latency;

	return latency > 0.0f && latency < LV2_RESERVE_MAX ? (uint32_t)(latency + 0.5f) : 0;
}

bool lv2_plug_changed(struct lv2_plug *plug)
{
	bool changed = plug->changed;

	plug->changed = false;
	return changed;
}
