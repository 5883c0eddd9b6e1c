/* test_contract.c - the node contract, for every type built; N1 .. N6 of <mixd/node.h>. */
#include "contract.h"

#include "graph_types_check.h"

#define FRAMES 6144u /* 48 slices */

/* ---- tables ---- */

static void contract_doc(const struct mixd_node_type *type, const char *id, const char *doc)
{
	size_t size = doc ? strlen(doc) : 0;

	CHECK(size > 3, "%s.%s has no doc", type->id, id);
	CHECK(doc[size - 1] != '.' && !strchr(doc, '\n'),
	      "%s.%s: doc is one line without a full stop: \"%s\"", type->id, id, doc);
}

TEST(contract_tables_sane_and_documented)
{
	for (const struct mixd_node_type *const *t = contract_types(); *t; t++) {
		const struct mixd_node_type *type = *t;
		struct graph_types *types = graph_types_new();
		struct mixd_error err = {0};

		CHECK((strchr(type->id, ':') ? graph_types_check_demanded(type, type->id, &err)
					     : graph_types_add(types, type, "test", &err)) == 0,
		      "%s: %s; %s", err.address, err.text, err.hint);
		CHECK(type->version > 0 && type->process && type->source && type->source[0]);
		contract_doc(type, "type", type->doc);
		for (uint32_t i = 0; i < type->n_ports; i++)
			contract_doc(type, type->ports[i].id, type->ports[i].doc);
		for (uint32_t i = 0; i < type->n_params; i++) {
			const struct mixd_param_row *row = &type->params[i];

			contract_doc(type, row->id, row->doc);
			CHECK((row->ramp == MIXD_RAMP_NONE) == (row->smooth_ms == 0),
			      "%s.%s: smooth_ms belongs to a ramp", type->id, row->id);
		}
		for (uint32_t i = 0; i < type->n_configs; i++)
			contract_doc(type, type->configs[i].id, type->configs[i].doc);
		for (uint32_t i = 0; i < type->n_meters; i++)
			contract_doc(type, type->meters[i].id, type->meters[i].doc);
		CHECK(!(type->flags & MIXD_NODE_FEEDBACK) == !type->emit,
		      "%s: emit() and MIXD_NODE_FEEDBACK belong together", type->id);
		graph_types_free(types);
	}
}

/* ---- cutting time ---- */

static void contract_split(const struct contract_shape *shape)
{
	static const uint32_t blocks[] = {0, 1, 17, 128, 1000};
	struct contract_event events[CONTRACT_EVENTS];
	const struct contract_event *lists[] = {events};
	uint32_t n_events = contract_events(shape->type, FRAMES, 1, events);
	struct node_host *host = node_host_new(shape->type, &shape->setup);
	struct contract_audio *in = contract_material(host, 1, FRAMES, 48000, 1);
	struct contract_audio *whole = contract_output(host, 1, FRAMES);
	struct contract_audio *cut = contract_output(host, 1, FRAMES);

	contract_run(host, in, whole, 0, FRAMES, FRAMES, lists, n_events);
	contract_finite(shape, "one block", whole, false);
	node_host_free(host);
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		/* Wide and plain shapes: random blocks say it all. */
		if (i > 0 && (in->channels > 8 || shape->configs[0].id))
			break;
		host = node_host_new(shape->type, &shape->setup);
		contract_run(host, in, cut, 0, FRAMES, blocks[i], lists, n_events);
		contract_equal(shape, "cut into blocks", cut, 0, whole, 0, whole->channels);
		node_host_free(host);
	}
	if (shape->type->flags & MIXD_NODE_IN_PLACE) {
		struct contract_shape in_place = *shape;

		in_place.setup.in_place = true;
		host = node_host_new(shape->type, &in_place.setup);
		contract_run(host, in, cut, 0, FRAMES, 0, lists, n_events);
		contract_equal(shape, "in place", cut, 0, whole, 0, whole->channels);
		node_host_free(host);
	}
	contract_audio_free(in);
	contract_audio_free(whole);
	contract_audio_free(cut);
}

TEST(contract_any_split_and_in_place_give_the_same_bits) /* N1 N3 N6 */
{
	for (const struct mixd_node_type *const *t = contract_types(); *t; t++) {
		const struct contract_shape *shapes;
		uint32_t n = contract_shapes(*t, &shapes);

		for (uint32_t i = 0; i < n; i++)
			contract_split(&shapes[i]);
	}
}

/* ---- silence, reset, what is not a number ---- */

static void contract_move_all(struct node_host *host, const struct contract_event *events,
			      uint32_t n_events)
{
	char id[64];

	for (uint32_t i = 0; i < n_events; i++) {
		node_host_param(node_host_node_type(host), events[i].row, id, NULL);
		node_host_jump(host, 0, id, events[i].value);
	}
}

/* Runs IN on a fresh instance that was silent for FRAMES, with all params where EVENTS leave them. */
static void contract_fresh(const struct contract_shape *shape, const struct contract_audio *in,
			   struct contract_audio *out, const struct contract_event *events,
			   uint32_t n_events)
{
	struct node_host *host = node_host_new(shape->type, &shape->setup);

	node_host_process(host, NULL, NULL, FRAMES);
	contract_move_all(host, events, n_events);
	node_host_reset(host);
	contract_run(host, in, out, 0, FRAMES, 0, NULL, 0);
	node_host_free(host);
}

static void contract_poison(struct contract_audio *audio)
{
	for (uint32_t c = 0; c < audio->channels; c++) {
		audio->channel[c][1000] = NAN;
		audio->channel[c][2000] = INFINITY;
		audio->channel[c][2001] = -INFINITY;
		for (int i = 3000; i < 3300; i++)
			audio->channel[c][i] = NAN;
	}
}

/* Runs IN on an instance that has been through DIRT and the moves of EVENTS, and was reset then. */
static void contract_used(const struct contract_shape *shape, const struct contract_audio *dirt,
			  const struct contract_audio *in, struct contract_audio *out,
			  const struct contract_event *events, uint32_t n_events)
{
	const struct contract_event *lists[] = {events};
	struct node_host *host = node_host_new(shape->type, &shape->setup);

	contract_run(host, dirt, out, 0, FRAMES, 0, lists, n_events);
	node_host_reset(host);
	contract_run(host, in, out, 0, FRAMES, 0, NULL, 0);
	node_host_free(host);
}

/* An instance that was reset, which gave USED, is one that has just begun, which nobody resets. */
static void contract_as_new(const struct contract_shape *shape, const struct contract_audio *in,
			    const struct contract_audio *used, struct contract_audio *fresh,
			    const struct contract_event *events, uint32_t n_events)
{
	struct node_host *host = node_host_new(shape->type, &shape->setup);

	node_host_begin_at(host, FRAMES); /* waves are where time is */
	contract_move_all(host, events, n_events);
	contract_run(host, in, fresh, 0, FRAMES, 0, NULL, 0);
	node_host_free(host);
	contract_equal(shape, "reset beside a new one", used, 0, fresh, 0, fresh->channels);
}

static void contract_reset(const struct contract_shape *shape)
{
	struct contract_event events[CONTRACT_EVENTS];
	uint32_t n_events = contract_events(shape->type, FRAMES, 3, events);
	struct node_host *host = node_host_new(shape->type, &shape->setup);
	struct contract_audio *in = contract_material(host, 1, FRAMES, 48000, 2);
	struct contract_audio *dirt = contract_material(host, 1, FRAMES, 48000, 3);
	struct contract_audio *fresh = contract_output(host, 1, FRAMES);
	struct contract_audio *used = contract_output(host, 1, FRAMES);

	node_host_free(host);
	contract_used(shape, dirt, in, used, events, 0);
	contract_as_new(shape, in, used, fresh, events, 0);
	contract_used(shape, dirt, in, used, events, n_events);
	contract_as_new(shape, in, used, fresh, events, n_events);
	contract_fresh(shape, in, fresh, events, n_events);
	contract_finite(shape, "after reset", used, false);
	contract_equal(shape, "reset", used, 0, fresh, 0, fresh->channels);
	contract_poison(dirt);
	contract_used(shape, dirt, in, used, events, n_events);
	contract_finite(shape, "after reset", used, false);
	contract_equal(shape, "reset after NaN", used, 0, fresh, 0, fresh->channels);
	contract_audio_free(in);
	contract_audio_free(dirt);
	contract_audio_free(fresh);
	contract_audio_free(used);
}

TEST(contract_reset_is_bit_exact_and_nan_does_not_stick)
{
	for (const struct mixd_node_type *const *t = contract_types(); *t; t++) {
		const struct contract_shape *shapes;
		uint32_t n = contract_shapes(*t, &shapes);

		for (uint32_t i = 0; i < n; i++)
			contract_reset(&shapes[i]);
	}
}

/* Zeros in: zeros out, and nothing is remembered of them; a tail dies without denormals. */
static void contract_silence(const struct contract_shape *shape)
{
	struct node_host *host = node_host_new(shape->type, &shape->setup);
	struct contract_audio *zeros = contract_audio_new(node_host_in_channels(host), FRAMES);
	struct contract_audio *in = contract_material(host, 1, FRAMES, 48000, 4);
	struct contract_audio *out = contract_output(host, 1, FRAMES);
	struct contract_audio *fresh = contract_output(host, 1, FRAMES);

	contract_run(host, zeros, out, 0, FRAMES, 0, NULL, 0);
	for (uint32_t c = 0; c < out->channels; c++)
		for (uint64_t i = 0; i < FRAMES; i++)
			CHECK(out->channel[c][i] == 0, "%s: %g out of silence, frame %llu",
			      shape->text, (double)out->channel[c][i], (unsigned long long)i);
	contract_run(host, in, out, 0, FRAMES, 0, NULL, 0);
	contract_fresh(shape, in, fresh, NULL, 0);
	contract_equal(shape, "after silence", out, 0, fresh, 0, fresh->channels);
	for (int i = 0; i < 12; i++) {
		contract_run(host, zeros, out, 0, FRAMES, 0, NULL, 0);
		contract_finite(shape, "tail", out, true);
	}
	node_host_free(host);
	contract_audio_free(zeros);
	contract_audio_free(in);
	contract_audio_free(out);
	contract_audio_free(fresh);
}

TEST(contract_silence_stays_silence) /* N4 */
{
	for (const struct mixd_node_type *const *t = contract_types(); *t; t++) {
		const struct contract_shape *shapes;
		uint32_t n = contract_shapes(*t, &shapes);

		if ((*t)->flags & MIXD_NODE_SOURCE)
			continue;
		for (uint32_t i = 0; i < n; i++)
			contract_silence(&shapes[i]);
	}
}

/* ---- banks ---- */

static void contract_bank(const struct mixd_node_type *type, const char *layout, uint32_t n_inst)
{
	static const uint32_t frames = FRAMES;
	struct contract_event events[8][CONTRACT_EVENTS];
	const struct contract_event *lists[8];
	struct contract_shape shape;
	struct contract_audio *in, *out, *alone;
	struct node_host *host;
	uint32_t n_events = 0, ins, outs;

	if (!contract_shape(type, layout, &shape))
		return;
	shape.setup.n_inst = n_inst;
	host = node_host_new(type, &shape.setup);
	ins = node_host_in_channels(host);
	outs = node_host_out_channels(host);
	in = contract_material(host, n_inst, frames, 48000, 5);
	out = contract_output(host, n_inst, frames);
	for (uint32_t i = 0; i < n_inst; i++) {
		lists[i] = events[i];
		n_events = contract_events(type, frames, 10 + i / 2, events[i]);
	}
	contract_run(host, in, out, 0, frames, 0, lists, n_events);
	node_host_free(host);
	shape.setup.n_inst = 1;
	for (uint32_t i = 0; i < n_inst; i++) {
		struct contract_audio one = *in;

		host = node_host_new(type, &shape.setup);
		alone = contract_output(host, 1, frames);
		one.channels = ins;
		one.channel = in->channel + i * ins;
		contract_run(host, &one, alone, 0, frames, 100, &lists[i], n_events);
		contract_equal(&shape, "in a bank", out, i * outs, alone, 0, outs);
		contract_audio_free(alone);
		node_host_free(host);
	}
	contract_audio_free(in);
	contract_audio_free(out);
}

TEST(contract_grouped_equals_alone)
{
	for (const struct mixd_node_type *const *t = contract_types(); *t; t++) {
		contract_bank(*t, "mono", 2);
		contract_bank(*t, "mono", 7);
		contract_bank(*t, "stereo", 2);
		contract_bank(*t, "stereo", 4);
		contract_bank(*t, "3ch", 2);
	}
}

/* ---- rates ---- */

TEST(contract_all_rates_and_meters_are_numbers)
{
	static const double rates[] = {8000, 44100, 48000, 88200, 96000, 176400, 192000, 384000};

	for (const struct mixd_node_type *const *t = contract_types(); *t; t++)
		for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
			struct contract_event events[CONTRACT_EVENTS];
			const struct contract_event *lists[] = {events};
			uint32_t n_events = contract_events(*t, FRAMES, 20 + r, events);
			const struct contract_shape *shapes;
			struct contract_shape shape;
			struct contract_audio *in, *out;
			struct node_host *host;

			contract_shapes(*t, &shapes);
			shape = shapes[0];
			shape.setup.rate = rates[r];
			host = node_host_new(*t, &shape.setup);
			in = contract_material(host, 1, FRAMES, rates[r], 6);
			out = contract_output(host, 1, FRAMES);
			contract_run(host, in, out, 0, FRAMES, 0, lists, n_events);
			contract_finite(&shape, "rate", out, false);
			for (uint32_t i = 0; i < (*t)->n_meters; i++)
				CHECK(!isnan(node_host_meter(host, 0, (*t)->meters[i].id)),
				      "%s.%s is not a number at %g Hz", (*t)->id,
				      (*t)->meters[i].id, rates[r]);
			node_host_free(host);
			contract_audio_free(in);
			contract_audio_free(out);
		}
}
