/* engine_rig.h - an engine with an instance around it, fake node types and a clock of our own.
 *
 * WHAT        rig_open() makes it; rig_add(), rig_link(), rig_set() are transactions; rig_run()
 *             turns the clock, in blocks of any size, feeding slot 0 (stereo, test signal) and
 *             keeping what slot 1 gave. The fake types: source-free gain ("gain"), recursive laned
 *             low-pass ("lane"), pure delay ("late", config frames), two inputs plus key ("join"),
 *             "feedback", "input", "output", a node that breaks at will ("fault"). */
#pragma once

#include <time.h>

#include "audio_file.h"
#include "audio_files.h"
#include "instance.h"
#include "rtcheck.h"
#include "test.h"

#ifndef RIG_NO_FAKES
#include "engine_rig_types.h"
#endif

#define RIG_RATE 48000.0
#define RIG_SLOTS 4u

struct rig {
	struct graph_types *types;
	struct engine *engine;
	struct instance *instance;
	double (*signal)(uint64_t position, uint32_t channel);
	float *out[2]; /* all that slot 1 gave */
	uint64_t n_out, n_room;
	uint64_t position;
	uint32_t slot_in, slot_out;
	Mixd__V1__Op *ops[64];
	uint32_t n_ops;
	struct mixd_error err;
	uint64_t ticket;
};

static inline double rig_noise(uint64_t position, uint32_t channel)
{
	uint64_t x = position * 2 + channel + 1;

	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	x ^= x >> 33;
	return (double)(x >> 11) / 9007199254740992.0 - 0.5;
}

static inline double rig_sine(uint64_t position, uint32_t channel)
{
	return 0.5 * sin(2 * M_PI * 1000.0 * (double)position / RIG_RATE + channel);
}

/* Worker jobs run inline; a test of the worker turns it off. */
static bool rig_offline = true;
/* Files are read and written inline: no fence. */
static bool rig_unfenced;
/* The time line from the first frame on; other file services. */
static bool rig_roll;
static uint64_t rig_roll_from;
static const struct engine_files *rig_files;

/* TYPES is taken. */
static inline struct rig *rig_open_with(struct graph_types *types, bool ungrouped)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct engine_setup setup = {.rate = RIG_RATE,
				     .offline = rig_offline,
				     .ungrouped = ungrouped,
				     .read_audio = audio_file_read,
				     .free_audio = audio_file_free,
				     .files = rig_files ? rig_files : &audio_files,
				     .roll = rig_roll,
				     .roll_from = rig_roll_from};

	rig->types = types;
	CHECK(engine_new(&setup, &rig->engine, &rig->err) == 0, "%s", rig->err.text);
	CHECK(instance_new("test", rig->types, rig->engine, NULL, &rig->instance, &rig->err) == 0);
	engine_set_running(rig->engine, true);
	rig->signal = rig_noise;
	rig->slot_in = 0;
	rig->slot_out = 1;
	return rig;
}

#ifndef RIG_NO_FAKES
static inline struct rig *rig_open(bool ungrouped)
{
	struct graph_types *types = graph_types_new();
	struct mixd_error err;

	for (uint32_t i = 0; i < sizeof(rig_types) / sizeof(rig_types[0]); i++)
		CHECK(graph_types_add(types, rig_types[i], "test", &err) == 0, "%s", err.text);
	return rig_open_with(types, ungrouped);
}
#endif

static inline void rig_close(struct rig *rig)
{
	instance_free(rig->instance);
	engine_free(rig->engine);
	graph_types_free(rig->types);
	free(rig->out[0]);
	free(rig->out[1]);
	free(rig);
}

/* ---- operations ---- */

static inline Mixd__V1__Op *rig_op(struct rig *rig, Mixd__V1__Op__OpCase kind, size_t size)
{
	Mixd__V1__Op *op = calloc(1, sizeof(*op));

	mixd__v1__op__init(op);
	op->op_case = kind;
	op->add = calloc(1, size);
	rig->ops[rig->n_ops++] = op;
	return op;
}

static inline Mixd__V1__Value *rig_text(const char *text)
{
	Mixd__V1__Value *value = calloc(1, sizeof(*value));

	mixd__v1__value__init(value);
	value->kind_case = MIXD__V1__VALUE__KIND_TEXT;
	value->text = strdup(text);
	return value;
}

/* SETTINGS: "id=value id=value" or NULL. Queues; rig_commit() sends. */
static inline void rig_q_add(struct rig *rig, const char *name, const char *type,
			     const char *settings)
{
	Mixd__V1__AddNode *add = rig_op(rig, MIXD__V1__OP__OP_ADD, sizeof(Mixd__V1__AddNode))->add;
	char *copy = strdup(settings ? settings : ""), *rest = copy, *word;

	mixd__v1__add_node__init(add);
	add->name = strdup(name);
	add->type = strdup(type);
	add->settings = calloc(16, sizeof(*add->settings));
	while ((word = strsep(&rest, " "))) {
		char *value = strchr(word, '=');
		Mixd__V1__Setting *setting;

		if (!value)
			continue;
		*value++ = 0;
		setting = calloc(1, sizeof(*setting));
		mixd__v1__setting__init(setting);
		setting->id = strdup(word);
		setting->value = rig_text(value);
		add->settings[add->n_settings++] = setting;
	}
	free(copy);
}

static inline void rig_q_remove(struct rig *rig, const char *name, bool heal)
{
	Mixd__V1__RemoveNode *remove =
		rig_op(rig, MIXD__V1__OP__OP_REMOVE, sizeof(Mixd__V1__RemoveNode))->remove;

	mixd__v1__remove_node__init(remove);
	remove->name = strdup(name);
	remove->heal = heal;
}

static inline void rig_q_link(struct rig *rig, const char *from, const char *to, double gain_db)
{
	Mixd__V1__AddLink *link =
		rig_op(rig, MIXD__V1__OP__OP_LINK, sizeof(Mixd__V1__AddLink))->link;

	mixd__v1__add_link__init(link);
	link->from = strdup(from);
	link->to = strdup(to);
	link->gain_db = gain_db;
	link->set_gain = gain_db != 0.0;
}

static inline void rig_q_unlink(struct rig *rig, const char *from, const char *to)
{
	Mixd__V1__RemoveLink *link =
		rig_op(rig, MIXD__V1__OP__OP_UNLINK, sizeof(Mixd__V1__RemoveLink))->unlink;

	mixd__v1__remove_link__init(link);
	link->from = strdup(from);
	link->to = strdup(to);
}

static inline void rig_q_set(struct rig *rig, const char *address, const char *value,
			     double over_ms)
{
	Mixd__V1__Set *set = rig_op(rig, MIXD__V1__OP__OP_SET, sizeof(Mixd__V1__Set))->set;

	mixd__v1__set__init(set);
	set->address = strdup(address);
	set->value = rig_text(value);
	set->over_ms = over_ms;
}

/* N 0: clear. */
static inline void rig_q_automate(struct rig *rig, const char *address, const char *curve,
				  uint32_t n, const double *at_ms, const double *value)
{
	Mixd__V1__Automate *automate =
		rig_op(rig, MIXD__V1__OP__OP_AUTOMATE, sizeof(Mixd__V1__Automate))->automate;

	mixd__v1__automate__init(automate);
	automate->address = strdup(address);
	automate->curve = strdup(curve);
	automate->clear = n == 0;
	automate->points = n ? calloc(n, sizeof(*automate->points)) : NULL;
	automate->n_points = n;
	for (uint32_t i = 0; i < n; i++) {
		automate->points[i] = calloc(1, sizeof(Mixd__V1__Point));
		mixd__v1__point__init(automate->points[i]);
		automate->points[i]->at_ms = at_ms[i];
		automate->points[i]->value = value[i];
	}
}

/* AT_S < 0: it goes. */
static inline void rig_q_marker(struct rig *rig, const char *name, double at_s)
{
	Mixd__V1__SetMarker *marker =
		rig_op(rig, MIXD__V1__OP__OP_MARKER, sizeof(Mixd__V1__SetMarker))->marker;

	mixd__v1__set_marker__init(marker);
	marker->name = strdup(name);
	marker->remove = at_s < 0.0;
	if (marker->remove)
		return;
	marker->at = malloc(sizeof(*marker->at));
	mixd__v1__value__init(marker->at);
	marker->at->kind_case = MIXD__V1__VALUE__KIND_NUMBER;
	marker->at->number = at_s;
}

static inline int rig_try(struct rig *rig)
{
	struct instance_request request = {.ops = rig->ops, .n_ops = rig->n_ops, .by = "test"};
	struct instance_result result = {0};
	int res = instance_transact(rig->instance, &request, &result, &rig->err);

	rig->ticket = res == 0 ? result.ticket : 0;
	instance_result_done(&result);
	for (uint32_t i = 0; i < rig->n_ops; i++) {
		if (rig->ops[i]->op_case == MIXD__V1__OP__OP_ADD) { /* settings: exact size */
			Mixd__V1__AddNode *add = rig->ops[i]->add;

			if (!add->n_settings) {
				free(add->settings);
				add->settings = NULL;
			}
		}
		mixd__v1__op__free_unpacked(rig->ops[i], NULL);
	}
	rig->n_ops = 0;
	return res;
}

static inline void rig_commit(struct rig *rig)
{
	int res = rig_try(rig);

	CHECK(res == 0, "%d: %s: %s (%s)", res, rig->err.address, rig->err.text, rig->err.hint);
}

static inline void rig_set(struct rig *rig, const char *address, const char *value)
{
	rig_q_set(rig, address, value, 0);
	rig_commit(rig);
}

static inline uint64_t rig_uid(struct rig *rig, const char *name)
{
	const struct graph_node *node = graph_model_node(instance_model(rig->instance), name);

	CHECK(node != NULL, "no node %s", name);
	return node->uid;
}

/* ---- the clock ---- */

static inline void rig_run(struct rig *rig, uint64_t frames, uint32_t block)
{
	static float in[2][ENGINE_BLOCK_MAX];

	while (rig->n_out + frames > rig->n_room) {
		rig->n_room = rig->n_room ? rig->n_room * 2 : 65536;
		for (uint32_t c = 0; c < 2; c++)
			rig->out[c] = realloc(rig->out[c], rig->n_room * sizeof(float));
	}
	while (frames) {
		uint32_t n = frames < block ? (uint32_t)frames : block;
		const float *in_channels[2] = {in[0], in[1]};
		float *out_channels[2] = {rig->out[0] + rig->n_out, rig->out[1] + rig->n_out};
		const float *const *ins[RIG_SLOTS] = {0};
		float *const *outs[RIG_SLOTS] = {0};
		struct engine_cycle cycle = {n, ins, RIG_SLOTS, outs, RIG_SLOTS};

		for (uint32_t c = 0; c < 2; c++) {
			for (uint32_t i = 0; i < n; i++)
				in[c][i] = rig->signal ? (float)rig->signal(rig->position + i, c)
						       : 0.0f;
			memset(out_channels[c], 0, n * sizeof(float));
		}
		ins[rig->slot_in] = in_channels;
		outs[rig->slot_out] = out_channels;
		if (rtcheck_enter && !rig_unfenced)
			rtcheck_enter();
		engine_process(rig->engine, &cycle);
		if (rtcheck_exit && !rig_unfenced)
			rtcheck_exit();
		instance_maintain(rig->instance);
		rig->position += n;
		rig->n_out += n;
		frames -= n;
	}
}

/* Until the worker and the disk have done all that was asked of them: a clock of our own may take its
 * time, and what it gives does not hang on how busy the machine is. */
static inline void rig_settle(struct rig *rig)
{
	for (uint32_t i = 0; i < 200000 && engine_jobs(rig->engine); i++)
		nanosleep(&(struct timespec){0, 50000}, NULL);
	CHECK(engine_jobs(rig->engine) == 0, "worker or disk hangs");
}

/* "in" -> ... -> "out" with nothing between. */
static inline void rig_ends(struct rig *rig)
{
	rig_q_add(rig, "in", "input", "layout=stereo");
	rig_q_add(rig, "out", "output", "layout=stereo");
	rig_commit(rig);
}
