/* engine_link_rt.c - what arrives at a node's inputs: aliases, ramped sums, compensating delays.
 *
 * A port with one settled, undelayed link at unity reads its source's buffer; everything else is
 * summed in f64 in the plan's order. Rings are indexed by the absolute position, so nothing has to
 * be carried along while a link is silent. */
#include <string.h>

#include "engine_internal.h"

#include <mixd/rt.h>

/* At rest at VALUE. */
static bool link_still(const struct engine_link *link, double value)
{
	for (uint32_t i = 0; i < engine_link_sides(link); i++)
		if (link->gain[i].frames || link->gain[i].to != value)
			return false;
	return true;
}

/* What the link passes on has only zeros in it, in this slice. */
static bool link_silent(const struct engine_wire *wire)
{
	const struct engine_link *link = wire->link;

	if (link_still(link, 0.0) && !link->ring_frames)
		return true;
	return *wire->silent && link->quiet >= link->ring_frames;
}

/* Into the ring, and DELAY frames later out of it. */
static void link_delay(struct engine *engine, const struct engine_wire *wire, uint64_t position,
		       uint32_t n)
{
	struct engine_link *link = wire->link;
	uint32_t mask = link->ring_frames - 1;
	uint32_t in_at = (uint32_t)position & mask;
	uint32_t out_at = (uint32_t)(position - link->delay) & mask;

	for (uint32_t c = 0; c < link->n_channels; c++) {
		const float *source = *wire->silent ? engine->zeros : wire->source[c];
		float *ring = link->ring + (size_t)c * link->ring_frames;
		uint32_t part = link->ring_frames - in_at < n ? link->ring_frames - in_at : n;

		memcpy(ring + in_at, source, part * sizeof(float));
		memcpy(ring, source + part, (n - part) * sizeof(float));
		part = link->ring_frames - out_at < n ? link->ring_frames - out_at : n;
		memcpy(engine->delayed[c], ring + out_at, part * sizeof(float));
		memcpy(engine->delayed[c] + part, ring, (n - part) * sizeof(float));
	}
}

/* Ends of fades, and how long the source has been silent. */
static void link_advance(struct engine *engine, const struct engine_wire *wire, uint64_t position,
			 uint32_t n)
{
	struct engine_link *link = wire->link;

	if (link->gain[0].frames || (link->split && link->gain[1].frames)) {
		bool rests = engine_fade_rests(&link->gain[0], position);

		if (link->split)
			rests &= engine_fade_rests(&link->gain[1], position);
		if (rests && link->split && link->gain[0].to == link->gain[1].to)
			link->split = false;
		if (!rests) {
			engine->busy++;
		} else if (link_still(link, 0.0) &&
			   !atomic_load_explicit(&link->faded, memory_order_relaxed)) {
			atomic_store_explicit(&link->faded, true, memory_order_relaxed);
			atomic_store_explicit(&engine->retire, true, memory_order_relaxed);
			engine->want_wake = true;
		}
	}
	if (!link->ring_frames)
		return;
	link->quiet = *wire->silent ? link->quiet : 0;
}

/* One channel of a link into its sum. FIRST: nothing is there yet. */
static void mix_channel(struct engine *engine, double *sum, const float *x,
			const struct engine_fade *gain, bool first, uint32_t n)
{
	if (first && !gain->frames) {
		engine_kernel_set(sum, x, gain->to, n);
		return;
	}
	if (first)
		memset(sum, 0, n * sizeof(double));
	if (gain->frames)
		engine_kernel_add_ramp(sum, x, engine->ramp, n);
	else if (gain->to == 1.0)
		engine_kernel_add_plain(sum, x, n);
	else
		engine_kernel_add(sum, x, gain->to, n);
}

static void port_mix(struct engine *engine, struct engine_port *port, uint64_t position, uint32_t n)
{
	bool first = true;

	for (uint32_t j = 0; j < port->n_wires; j++) {
		const struct engine_wire *wire = &port->wires[j];
		struct engine_link *link = wire->link;
		float *const *source = wire->source;

		if (link_silent(wire))
			continue;
		if (link->ring_frames) {
			link_delay(engine, wire, position, n);
			source = engine->delayed;
		}
		for (uint32_t c = 0; c < port->n; c++) {
			double *sum = engine->sums + (size_t)c * MIXD_SLICE_MAX;
			const float *x = source[c < wire->n_source ? c : wire->n_source - 1];
			const struct engine_fade *gain = &link->gain[link->split && c == 1];

			if (gain->frames && (c == 0 || link->split))
				engine_fade_write(gain, position, engine->ramp, n);
			mix_channel(engine, sum, x, gain, first, n);
		}
		first = false;
	}
	for (uint32_t c = 0; c < port->n; c++)
		engine_kernel_store(port->mix[c], engine->sums + (size_t)c * MIXD_SLICE_MAX, n);
}

static void port_point(struct engine *engine, struct engine_node *node, struct engine_port *port,
		       enum engine_port_state state)
{
	if (port->state == state)
		return;
	port->state = state;
	for (uint32_t c = 0; c < port->n; c++) {
		const float *x = engine->zeros;

		if (state == ENGINE_PORT_MIX) {
			x = port->mix[c];
		} else if (state == ENGINE_PORT_ALIAS) {
			uint32_t n = port->wires[0].n_source;

			x = port->wires[0].source[c < n ? c : n - 1];
		}
		node->in[port->first + c] = x;
	}
	if (port == node->ports)
		engine_node_point(engine, node, node->dormant);
}

static bool port_gather(struct engine *engine, struct engine_node *node, struct engine_port *port,
			uint64_t position, uint32_t n)
{
	bool silent = true;

	for (uint32_t j = 0; j < port->n_wires; j++) {
		link_advance(engine, &port->wires[j], position, n);
		silent = silent && link_silent(&port->wires[j]);
	}
	if (silent) {
		port_point(engine, node, port, ENGINE_PORT_ZERO);
	} else if (port->n_wires == 1 && !port->wires[0].link->ring_frames &&
		   link_still(port->wires[0].link, 1.0)) {
		port_point(engine, node, port, ENGINE_PORT_ALIAS);
		port->steady = true;
	} else {
		port_mix(engine, port, position, n);
		port_point(engine, node, port, ENGINE_PORT_MIX);
	}
	for (uint32_t j = 0; j < port->n_wires; j++) {
		struct engine_link *link = port->wires[j].link;

		if (link->ring_frames && *port->wires[j].silent && link->quiet < link->ring_frames)
			link->quiet += n;
	}
	return silent;
}

bool engine_node_gather(struct engine *engine, struct engine_node *node, uint64_t position,
			uint32_t n)
{
	bool silent = true;

	for (uint32_t p = 0; p < node->n_in_ports; p++) {
		struct engine_port *port = &node->ports[p];

		if (port->steady) { /* nothing to look at but the source */
			bool zero = *port->silent;

			if (zero != (port->state == ENGINE_PORT_ZERO))
				port_point(engine, node, port,
					   zero ? ENGINE_PORT_ZERO : ENGINE_PORT_ALIAS);
			silent &= zero;
		} else if (port->n_wires) {
			silent &= port_gather(engine, node, port, position, n);
		}
	}
	return silent;
}
