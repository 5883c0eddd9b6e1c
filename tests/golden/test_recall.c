/* test_recall.c - every shipped preset to every other, bypass and mute, while sound plays: no clicks.
 *
 * WHAT        For each type with presets, in the real engine: input -> node -> output, all ports that
 *             every preset leaves in place. Presets are applied as one transaction each, by the
 *             daemon's own code, in an order that holds every ordered pair; between them bypass and
 *             mute come and go, some at once, some after a rest. Files (responses, references) are
 *             given where a type takes one.
 * BOUND       That of the contract's walk (dsp.md 2.6): while a move lasts, no step from sample to
 *             sample above three times what is usual: the highest step at rest before or after it,
 *             or that of the input signal at the level found around. A source adds the highest step
 *             of its own at rest, taken as at full scale.
 * USE         MIXD_RECALL_TYPE=comp test_recall: one type alone. Every click of a type is told, and
 *             fails the test at its end. */
#define RIG_NO_FAKES
#include "../unit/engine_rig.h"
#include "engine_modules.h"
#include "test_wav.h"

#define RECALL_LEVEL 0.251188643150958 /* -12 dBFS */
#define RECALL_HZ 997.0
#define RECALL_HOLD 7200u /* frames from move to move, on top of the latency: 150 ms */
#define RECALL_REST 2400u /* the last third of it is at rest */
#define RECALL_NEAR 240u /* "around": 5 ms */
#define RECALL_PERIOD 48000u /* of the sine: 997 whole cycles */
#define RECALL_FILE_FRAMES 192000u
#define RECALL_NOISE_FRAMES 262144u

struct recall {
	struct rig *rig;
	struct engine_modules *modules;
	const char *type, *file;
	char presets[20][GRAPH_PRESET_NAME_MAX];
	uint32_t n_presets;
	double usual; /* a step that the node makes at all times */
	double own; /* step over peak of the input signal */
	double worst; /* step over limit */
	uint32_t moves, clicks;
};

static float recall_sine[RECALL_PERIOD], recall_noise[RECALL_NOISE_FRAMES];

static double recall_signal_sine(uint64_t position, uint32_t channel)
{
	return (double)recall_sine[position % RECALL_PERIOD];
}

static double recall_signal_noise(uint64_t position, uint32_t channel)
{
	return (double)recall_noise[(position + 77777 * channel) % RECALL_NOISE_FRAMES];
}

/* Pink noise: sum of held random values, an octave apart (Voss; McCartney's arrangement). */
static void recall_make_signals(void)
{
	for (uint32_t i = 0; i < RECALL_PERIOD; i++)
		recall_sine[i] =
			(float)(RECALL_LEVEL * sin(2 * M_PI * RECALL_HZ / RIG_RATE * (double)i));
	for (uint32_t i = 0; i < RECALL_NOISE_FRAMES; i++) {
		double sum = 0;

		for (uint32_t octave = 1; octave <= 12; octave++)
			sum += rig_noise((i >> octave) * UINT64_C(16) + octave, 0);
		recall_noise[i] = (float)(RECALL_LEVEL * sum / 3.0);
	}
}

static double recall_step(const float *x, uint64_t begin, uint64_t end)
{
	double highest = 0;

	for (uint64_t i = begin > 0 ? begin : 1; i < end; i++)
		highest = fmax(highest, fabs((double)x[i] - (double)x[i - 1]));
	return highest;
}

static double recall_peak(const float *x, uint64_t begin, uint64_t end)
{
	double highest = 0;

	for (uint64_t i = begin; i < end; i++)
		highest = fmax(highest, fabs((double)x[i]));
	return highest;
}

static void recall_refused(void *data, const char *path, const char *reason)
{
	test_note("%s: %s", path, reason);
}

/* Decaying noise of four seconds: a response, or what a reference is learnt from. */
static const char *recall_make_file(void)
{
	static float left[RECALL_FILE_FRAMES], right[RECALL_FILE_FRAMES];
	const float *const planes[] = {left, right};

	for (uint32_t i = 0; i < RECALL_FILE_FRAMES; i++) {
		left[i] = (float)(rig_noise(i, 0) * exp(-6.9 * i / RECALL_FILE_FRAMES));
		right[i] = (float)(rig_noise(i, 1) * exp(-6.9 * i / RECALL_FILE_FRAMES));
	}
	return test_wav_write(planes, 2, RECALL_FILE_FRAMES, (uint32_t)RIG_RATE);
}

static void recall_open(struct recall *recall, double (*signal)(uint64_t, uint32_t))
{
	struct graph_types *types = graph_types_new();
	struct mixd_error err = {0};

	*recall = (struct recall){0};
	setenv("MIXD_NODE_PATH", MIXD_TEST_NODES, 1);
	CHECK(engine_modules_load(types, recall_refused, NULL, &recall->modules, &err) == 0, "%s",
	      err.text);
	recall->rig = rig_open_with(types, false);
	recall->rig->signal = signal;
	recall->file = recall_make_file();
	recall_make_signals();
	recall->own = signal == recall_signal_sine
			      ? 2 * M_PI * RECALL_HZ / RIG_RATE
			      : recall_step(recall_noise, 0, RECALL_NOISE_FRAMES) /
					recall_peak(recall_noise, 0, RECALL_NOISE_FRAMES);
	rig_ends(recall->rig);
}

static void recall_close(struct recall *recall)
{
	struct engine_modules *modules = recall->modules;

	rig_close(recall->rig);
	engine_modules_free(modules);
}

/* ---- the node of a type ---- */

/* How many ports there are of ROW whatever a preset says. */
static uint32_t recall_ports(const struct graph_type *type, const struct mixd_port_row *row)
{
	for (uint32_t i = 0; row->count_config && i < type->n_configs; i++)
		if (strcmp(type->configs[i]->id, row->count_config) == 0)
			return (uint32_t)type->configs[i]->min;
	return 1;
}

static void recall_link(struct recall *recall, const struct graph_type *type)
{
	const struct mixd_node_type *node_type = type->node_type;

	for (uint32_t p = 0; p < node_type->n_ports; p++) {
		const struct mixd_port_row *row = &node_type->ports[p];

		for (uint32_t i = 0; i < recall_ports(type, row); i++) {
			char port[64];

			if (row->count_config)
				snprintf(port, sizeof(port), "n:%s%u", row->id, i + 1);
			else
				snprintf(port, sizeof(port), "n:%s", row->id);
			if (row->is_output)
				rig_q_link(recall->rig, port, "out", 0);
			else
				rig_q_link(recall->rig, "in", port, 0);
		}
	}
}

/* matcheq does nothing before it knows its source: one with a hollow around 1 kHz. */
static void recall_learn(struct recall *recall)
{
	char text[1024] = "ltas 20Hz 12/oct:";
	size_t used = strlen(text);

	for (uint32_t band = 0; band < 121; band++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, " %d",
					 band > 50 && band < 90 ? -40 : -30);
	rig_set(recall->rig, "n.source", text);
}

/* False: no presets. */
static bool recall_begin(struct recall *recall, const struct graph_type *type)
{
	struct instance_presets *presets = NULL;
	struct mixd_error err = {0};
	char settings[256] = "";

	recall->type = type->node_type->id;
	recall->n_presets = recall->moves = recall->clicks = 0;
	recall->worst = recall->usual = 0;
	CHECK(instance_presets(recall->rig->instance, type, &presets, &err) == 0, "%s", err.text);
	CHECK(presets->n_faults == 0, "%s: %s", presets->faults[0].address,
	      presets->faults[0].text);
	for (uint32_t i = 0; i < presets->n_rows && i < 20; i++)
		snprintf(recall->presets[recall->n_presets++], GRAPH_PRESET_NAME_MAX, "%s",
			 presets->rows[i].preset->name);
	instance_presets_free(presets);
	if (!recall->n_presets)
		return false;
	for (uint32_t i = 0; i < type->n_configs; i++)
		if (type->configs[i]->is_file)
			snprintf(settings, sizeof(settings), "%s=%s", type->configs[i]->id,
				 recall->file);
	recall->rig->n_out = 0;
	rig_q_add(recall->rig, "n", recall->type, settings);
	recall_link(recall, type);
	rig_commit(recall->rig);
	if (strcmp(recall->type, "matcheq") == 0)
		recall_learn(recall);
	return true;
}

static void recall_end(struct recall *recall)
{
	rig_q_remove(recall->rig, "n", false);
	rig_commit(recall->rig);
	rig_run(recall->rig, 4800, 256);
}

/* ---- moves ---- */

static void recall_hold(struct recall *recall)
{
	struct engine_stats stats;

	engine_stats(recall->rig->engine, &stats);
	rig_run(recall->rig, RECALL_HOLD + stats.latency_frames, 16 + test_random_below(240));
}

/* What came out from AT, after which a hold followed, the move WHAT. */
static void recall_check(struct recall *recall, uint64_t at, const char *what)
{
	uint64_t end = recall->rig->n_out - RECALL_REST;

	recall->moves++;
	for (uint32_t c = 0; c < 2; c++) {
		const float *x = recall->rig->out[c];
		double before = recall_step(x, at - RECALL_REST, at);
		double after = recall_step(x, end, end + RECALL_REST);
		double rest = fmax(recall->usual, fmax(before, after));

		for (uint64_t i = at; i < end; i += RECALL_NEAR) {
			double step = recall_step(x, i, i + RECALL_NEAR);
			double peak = recall_peak(x, i - RECALL_NEAR, i + 2 * RECALL_NEAR);
			double limit = 3 * fmax(rest, recall->own * peak) + 1e-6;

			CHECK(isfinite(peak), "%s: %s gives no numbers", recall->type, what);
			recall->worst = fmax(recall->worst, step / limit);
			if (step <= limit)
				continue;
			if (recall->clicks++ < 8)
				test_note("%s: %s clicks at +%llu: a step of %.3g, limit %.3g",
					  recall->type, what, (unsigned long long)(i - at), step,
					  limit);
			break; /* one is told per move and channel */
		}
	}
}

static void recall_apply(struct recall *recall, uint32_t preset)
{
	Mixd__V1__ApplyPreset *apply =
		rig_op(recall->rig, MIXD__V1__OP__OP_PRESET, sizeof(*apply))->preset;

	mixd__v1__apply_preset__init(apply);
	apply->node = strdup("n");
	apply->preset = strdup(recall->presets[preset]);
	rig_commit(recall->rig);
}

static void recall_toggle(struct recall *recall, const char *address)
{
	rig_q_set(recall->rig, address, "off", 0);
	recall->rig->ops[recall->rig->n_ops - 1]->set->toggle = true;
	rig_commit(recall->rig);
}

static void recall_move(struct recall *recall, uint32_t from, uint32_t to)
{
	static const char *const switches[] = {"n.bypass", "n.mute"};
	uint64_t at = recall->rig->n_out;
	const char *address = switches[test_random_below(2)];
	char what[160];

	recall_apply(recall, to);
	recall_hold(recall);
	snprintf(what, sizeof(what), "%s -> %s",
		 from < recall->n_presets ? recall->presets[from] : "defaults",
		 recall->presets[to]);
	recall_check(recall, at, what);

	at = recall->rig->n_out;
	switch (test_random_below(3)) {
	case 0: /* there, a rest, and back */
		recall_toggle(recall, address);
		recall_hold(recall);
		snprintf(what, sizeof(what), "%s of %s", address, recall->presets[to]);
		recall_check(recall, at, what);
		at = recall->rig->n_out;
		recall_toggle(recall, address);
		break;
	case 1: /* back while it is still on its way */
		recall_toggle(recall, address);
		rig_run(recall->rig, 1 + test_random_below(1000), 64);
		recall_toggle(recall, address);
		break;
	default:
		return;
	}
	recall_hold(recall);
	snprintf(what, sizeof(what), "%s of %s, and back", address, recall->presets[to]);
	recall_check(recall, at, what);
}

/* A source has steps of its own: the highest at rest over the highest sample, as at full scale. */
static void recall_settle(struct recall *recall, const struct graph_type *type)
{
	uint64_t begin;

	recall_hold(recall);
	recall_hold(recall);
	begin = recall->rig->n_out / 2;
	for (uint32_t c = 0; c < 2 && (type->node_type->flags & MIXD_NODE_SOURCE); c++) {
		const float *x = recall->rig->out[c];

		recall->usual = fmax(recall->usual,
				     recall_step(x, begin, recall->rig->n_out) /
					     fmax(recall_peak(x, begin, recall->rig->n_out), 1e-9));
	}
}

/* Row I goes I, I+1, I, I+2, ..., I, N-1; rows follow each other and the last returns to 0: every
 * ordered pair once. */
static void recall_tour(struct recall *recall)
{
	uint32_t n = recall->n_presets, last = n;

	for (uint32_t i = 0; i + 1 < n; i++)
		for (uint32_t j = i + 1; j < n; j++) {
			recall_move(recall, last, i);
			recall_move(recall, i, j);
			last = j;
		}
	recall_move(recall, last, 0);
}

static void recall_all(double (*signal)(uint64_t, uint32_t))
{
	const char *only = getenv("MIXD_RECALL_TYPE");
	uint32_t n_types = 0, n_moves = 0, n_clicking = 0;
	struct recall recall;

	recall_open(&recall, signal);
	for (uint32_t i = 0; i < graph_types_count(recall.rig->types); i++) {
		const struct graph_type *type = graph_types_at(recall.rig->types, i);

		/* offline a disk's work is done inline, and is none of the audio thread's */
		rig_unfenced = type->node_type->disk != NULL;
		if ((only && strcmp(only, type->node_type->id) != 0) ||
		    !recall_begin(&recall, type))
			continue;
		recall_settle(&recall, type);
		recall_tour(&recall);
		test_note("%s: %u moves among %u presets, steepest %.2f of the limit", recall.type,
			  recall.moves, recall.n_presets, recall.worst);
		recall_end(&recall);
		n_types++;
		n_moves += recall.moves;
		n_clicking += recall.clicks > 0;
	}
	test_note("%u types, %u moves", n_types, n_moves);
	CHECK(n_types >= (only ? 1 : 50), "only %u types have presets", n_types);
	CHECK(n_clicking == 0, "%u types click", n_clicking);
	recall_close(&recall);
}

TEST(recall_on_a_sine)
{
	recall_all(recall_signal_sine);
}

TEST(recall_on_pink_noise)
{
	recall_all(recall_signal_noise);
}

TEST(recall_no_real_time_violation)
{
	struct rtcheck_counts counts;

	if (!rtcheck_read)
		test_skip("rtcheck.so is not loaded");
	rtcheck_read(&counts);
	test_note("%llu blocks, %llu violations", counts.sections, counts.violations);
	CHECK(counts.sections > 0 && counts.violations == 0);
}
