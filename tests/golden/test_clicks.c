/* test_clicks.c - ten thousand random edits while sound plays, with the real nodes and engine.
 *
 * Four strips of up to three nodes lie between the input and the output, at a quarter of the level
 * each. Edits: set, send, bypass, mute, add, remove, link, unlink, replace, undo. Measured:
 *   constant     the slope of every step: all that may move it is the fades and ramps, each at
 *                most level * 1.5 / frames per frame (the steepest slope of a smoothstep);
 *   1 kHz        the second difference, in which the tone itself is small: a jump of h shows
 *                as h, the tone as level * (2 pi f / fs)^2;
 *   pink noise   sample steps against those of the noise itself;
 *   a strip that ends in a gain at -inf, edited in front and replaced, must stay silent: no dry
 *   signal leaks. */
#define RIG_NO_FAKES
#include "../unit/engine_rig.h"
#include "engine_modules.h"

#define CLICKS_STRIPS 4u
#define CLICKS_NODES 3u
#define CLICKS_LEVEL 0.25
#define CLICKS_FADE_FRAMES 960.0
#define CLICKS_STRIP_DB (-12.041199826559248) /* 1 / CLICKS_STRIPS */

struct clicks {
	struct rig *rig;
	struct engine_modules *modules;
	uint32_t kind[CLICKS_STRIPS][CLICKS_NODES]; /* 0: none, else 1 + index into types */
	bool cut[CLICKS_STRIPS];
	uint32_t serial[CLICKS_STRIPS][CLICKS_NODES], next;
	uint32_t n_undo;
	double dark_peak; /* what the silent strip gave, highest */
};

static const char *const clicks_types[] = {"gain", "pan", "limiter", "eq", "comp"};

static void clicks_refused(void *data, const char *path, const char *reason)
{
	test_note("%s: %s", path, reason);
}

static void clicks_name(const struct clicks *clicks, uint32_t strip, uint32_t slot, char *buf)
{
	snprintf(buf, 32, "s%u/n%u-%u", strip, slot, clicks->serial[strip][slot]);
}

/* The last node of the strip before slot, or "in"; the first after it, or the sum. */
static void clicks_neighbour(const struct clicks *clicks, uint32_t strip, int slot, int step,
			     char *buf)
{
	for (slot += step; slot >= 0 && slot < (int)CLICKS_NODES; slot += step)
		if (clicks->kind[strip][slot]) {
			clicks_name(clicks, strip, (uint32_t)slot, buf);
			return;
		}
	snprintf(buf, 32, "%s", step < 0 ? "in" : "sum");
}

static void clicks_link(struct clicks *clicks, const char *from, const char *to, uint32_t strip)
{
	char port[40];

	if (strcmp(to, "sum") == 0) {
		snprintf(port, sizeof(port), "sum:in%u", strip + 1);
		rig_q_link(clicks->rig, from, port, CLICKS_STRIP_DB);
	} else {
		rig_q_link(clicks->rig, from, to, 0);
	}
}

static void clicks_unlink(struct clicks *clicks, const char *from, const char *to, uint32_t strip)
{
	char port[40];

	if (strcmp(to, "sum") == 0)
		snprintf(port, sizeof(port), "sum:in%u", strip + 1);
	else
		snprintf(port, sizeof(port), "%s", to);
	rig_q_unlink(clicks->rig, from, port);
}

static void clicks_open(struct clicks *clicks)
{
	struct graph_types *types = graph_types_new();
	struct mixd_error err = {0};

	*clicks = (struct clicks){0};
	setenv("MIXD_NODE_PATH", MIXD_TEST_NODES, 1);
	CHECK(engine_modules_load(types, clicks_refused, NULL, &clicks->modules, &err) == 0, "%s",
	      err.text);
	clicks->rig = rig_open_with(types, false);
	rig_q_add(clicks->rig, "in", "input", "layout=stereo");
	rig_q_add(clicks->rig, "out", "output", "layout=stereo");
	rig_q_add(clicks->rig, "sum", "bus", "inputs=4");
	rig_q_add(clicks->rig, "dark", "output", "layout=stereo");
	rig_q_add(clicks->rig, "dark/a", "gain", NULL);
	rig_q_add(clicks->rig, "dark/shut", "gain", "gain=-inf");
	rig_q_link(clicks->rig, "sum", "out", 0);
	rig_q_link(clicks->rig, "in", "dark/a", 0);
	rig_q_link(clicks->rig, "dark/a", "dark/shut", 0);
	rig_q_link(clicks->rig, "dark/shut", "dark", 0);
	for (uint32_t s = 0; s < CLICKS_STRIPS; s++)
		clicks_link(clicks, "in", "sum", s);
	rig_commit(clicks->rig);
}

static void clicks_close(struct clicks *clicks)
{
	struct engine_modules *modules = clicks->modules;

	rig_close(clicks->rig);
	engine_modules_free(modules);
}

/* ---- edits ---- */

static void clicks_add(struct clicks *clicks, uint32_t strip, uint32_t slot, uint32_t n_types)
{
	char before[32], after[32], name[32];
	uint32_t kind = test_random_below(n_types);

	if (clicks->kind[strip][slot] || clicks->cut[strip])
		return;
	clicks->serial[strip][slot] = clicks->next++;
	clicks_name(clicks, strip, slot, name);
	clicks_neighbour(clicks, strip, (int)slot, -1, before);
	clicks_neighbour(clicks, strip, (int)slot, 1, after);
	rig_q_add(clicks->rig, name, clicks_types[kind], NULL);
	clicks_unlink(clicks, before, after, strip);
	clicks_link(clicks, before, name, strip);
	clicks_link(clicks, name, after, strip);
	rig_commit(clicks->rig);
	clicks->kind[strip][slot] = 1 + kind;
	clicks->n_undo = 0;
}

static void clicks_remove(struct clicks *clicks, uint32_t strip, uint32_t slot)
{
	char before[32], after[32], name[32];

	if (!clicks->kind[strip][slot] || clicks->cut[strip])
		return;
	clicks_name(clicks, strip, slot, name);
	clicks_neighbour(clicks, strip, (int)slot, -1, before);
	clicks_neighbour(clicks, strip, (int)slot, 1, after);
	rig_q_remove(clicks->rig, name, false);
	clicks_link(clicks, before, after, strip);
	rig_commit(clicks->rig);
	clicks->kind[strip][slot] = 0;
	clicks->n_undo = 0;
}

/* Take the strip off the sum, or put it back. */
static void clicks_cut(struct clicks *clicks, uint32_t strip)
{
	char last[32];

	clicks_neighbour(clicks, strip, (int)CLICKS_NODES, -1, last);
	if (clicks->cut[strip])
		clicks_link(clicks, last, "sum", strip);
	else
		clicks_unlink(clicks, last, "sum", strip);
	rig_commit(clicks->rig);
	clicks->cut[strip] = !clicks->cut[strip];
	clicks->n_undo = 0;
}

static void clicks_set(struct clicks *clicks, uint32_t strip, uint32_t slot)
{
	char name[32], address[64], value[32];

	if (!clicks->kind[strip][slot])
		return;
	clicks_name(clicks, strip, slot, name);
	switch (clicks->kind[strip][slot]) {
	case 1:
		snprintf(address, sizeof(address), "%s.gain", name);
		snprintf(value, sizeof(value), "-%udB", test_random_below(30));
		break;
	case 2:
		snprintf(address, sizeof(address), "%s.pan", name);
		snprintf(value, sizeof(value), "%c%u", "LR"[test_random_below(2)],
			 1 + test_random_below(100));
		break;
	case 3:
		snprintf(address, sizeof(address), "%s.ceiling", name);
		snprintf(value, sizeof(value), "-%udBTP", test_random_below(3));
		break;
	case 4:
		snprintf(address, sizeof(address), "%s.band1.gain", name);
		snprintf(value, sizeof(value), "-%udB", test_random_below(12));
		break;
	default:
		snprintf(address, sizeof(address), "%s.ratio", name);
		snprintf(value, sizeof(value), "%u:1", 1 + test_random_below(8));
		break;
	}
	rig_q_set(clicks->rig, address, value, 0);
	rig_commit(clicks->rig);
	clicks->n_undo += clicks->rig->ticket != 0;
}

/* What the strip's last link to the sum is set to. */
static void clicks_send(struct clicks *clicks, uint32_t strip)
{
	char last[32], address[96], value[32];

	if (clicks->cut[strip])
		return;
	clicks_neighbour(clicks, strip, (int)CLICKS_NODES, -1, last);
	snprintf(address, sizeof(address), "%s->sum:in%u.%s", last, strip + 1,
		 (const char *const[]){"level", "pan", "mute", "tap"}[test_random_below(4)]);
	if (strstr(address, ".level"))
		snprintf(value, sizeof(value), "%gdB",
			 CLICKS_STRIP_DB - (double)test_random_below(30));
	else if (strstr(address, ".pan"))
		snprintf(value, sizeof(value), "%c%u", "LR"[test_random_below(2)],
			 1 + test_random_below(100));
	else if (strstr(address, ".mute"))
		snprintf(value, sizeof(value), "%s", test_random_below(2) ? "on" : "off");
	else
		snprintf(value, sizeof(value), "%s",
			 strcmp(last, "in") != 0 && test_random_below(2) ? "pre" : "post");
	rig_q_set(clicks->rig, address, value, 0);
	rig_commit(clicks->rig);
	clicks->n_undo += clicks->rig->ticket != 0;
}

static void clicks_toggle(struct clicks *clicks, uint32_t strip, uint32_t slot, const char *what)
{
	char address[64];

	if (!clicks->kind[strip][slot])
		return;
	clicks_name(clicks, strip, slot, address);
	strcat(address, what);
	rig_q_set(clicks->rig, address, "off", 0);
	clicks->rig->ops[clicks->rig->n_ops - 1]->set->toggle = true;
	rig_commit(clicks->rig);
	clicks->n_undo += clicks->rig->ticket != 0;
}

static void clicks_replace(struct clicks *clicks)
{
	rig_q_set(clicks->rig, "dark/shut.layout", test_random_below(2) ? "stereo" : "auto", 0);
	rig_q_set(clicks->rig, "dark/a.layout", test_random_below(2) ? "stereo" : "auto", 0);
	rig_q_set(clicks->rig, "dark/a.gain", test_random_below(2) ? "0dB" : "-6dB", 0);
	rig_commit(clicks->rig);
	clicks->n_undo = 0;
}

static void clicks_undo(struct clicks *clicks)
{
	struct instance_request request = {.by = "test"};
	struct instance_result result = {0};

	if (!clicks->n_undo) /* topology is ours to follow */
		return;
	CHECK(instance_undo(clicks->rig->instance, 1, &request, &result, &clicks->rig->err) == 0,
	      "%s", clicks->rig->err.text);
	instance_result_done(&result);
	clicks->n_undo = 1;
}

static void clicks_edit(struct clicks *clicks, uint32_t n_types)
{
	uint32_t strip = test_random_below(CLICKS_STRIPS), slot = test_random_below(CLICKS_NODES);

	switch (test_random_below(10)) {
	case 0:
		clicks_add(clicks, strip, slot, n_types);
		break;
	case 1:
		clicks_remove(clicks, strip, slot);
		break;
	case 2:
		clicks_cut(clicks, strip);
		break;
	case 3:
		clicks_toggle(clicks, strip, slot, ".bypass");
		break;
	case 4:
		clicks_toggle(clicks, strip, slot, ".mute");
		break;
	case 5:
		clicks_replace(clicks);
		break;
	case 6:
		clicks_undo(clicks);
		break;
	case 7:
		clicks_send(clicks, strip);
		break;
	default:
		clicks_set(clicks, strip, slot);
		break;
	}
}

/* ---- signals ---- */

static double clicks_constant(uint64_t position, uint32_t channel)
{
	return CLICKS_LEVEL;
}
static double clicks_tone(uint64_t position, uint32_t channel)
{
	return CLICKS_LEVEL * sin(2 * M_PI * 1000.0 * (double)(position % 48) / RIG_RATE);
}

/* Pink noise: sum of held random values, an octave apart (Voss; McCartney's arrangement). */
static double clicks_pink(uint64_t position, uint32_t channel)
{
	double sum = 0;

	for (uint32_t octave = 1; octave <= 12; octave++)
		sum += rig_noise((position >> octave) * 16 + octave, channel);
	return CLICKS_LEVEL * sum / 3.0;
}

/* Run EDITS edits; the output stays in the rig. */
static void clicks_run(struct clicks *clicks, double (*signal)(uint64_t, uint32_t),
		       uint32_t n_types, uint32_t edits)
{
	clicks_open(clicks);
	clicks->rig->signal = signal;
	engine_meters_lease(clicks->rig->engine, 1);
	engine_meter(clicks->rig->engine, rig_uid(clicks->rig, "dark"), GRAPH_METER_PEAK, 0, 0);
	rig_run(clicks->rig, 4000, 256);
	for (uint32_t i = 0; i < edits; i++) {
		clicks_edit(clicks, n_types);
		rig_run(clicks->rig, 1 + test_random_below(400), 16 + test_random_below(240));
	}
	clicks->dark_peak = engine_meter(clicks->rig->engine, rig_uid(clicks->rig, "dark"),
					 GRAPH_METER_PEAK, 0, 0);
	CHECK(clicks->dark_peak == -INFINITY, "a dry signal leaked: %g dBFS", clicks->dark_peak);
	for (uint64_t i = 0; i < clicks->rig->n_out; i++)
		CHECK(isfinite(clicks->rig->out[0][i]) && isfinite(clicks->rig->out[1][i]));
}

#define CLICKS_EDITS 20000u /* tries; about half find something to do */

static double clicks_difference(const float *x, uint64_t i, uint32_t order)
{
	if (order == 1)
		return fabs((double)x[i] - (double)x[i - 1]);
	return fabs((double)x[i] - 2 * (double)x[i - 1] + (double)x[i - 2]);
}

static double clicks_worst(const struct clicks *clicks, uint32_t order, uint64_t *ret_at)
{
	double worst = 0;

	for (uint32_t c = 0; c < 2; c++)
		for (uint64_t i = 1500; i < clicks->rig->n_out; i++) {
			double d = clicks_difference(clicks->rig->out[c], i, order);

			if (d > worst) {
				worst = d;
				*ret_at = i;
			}
		}
	return worst;
}

TEST(clicks_constant)
{
	struct clicks clicks;
	uint64_t at = 0;
	double worst, one;

	clicks_run(&clicks, clicks_constant, 3, CLICKS_EDITS);
	worst = clicks_worst(&clicks, 1, &at);
	/* the slope of one fade of the whole level; strips fade one by one, but up to a handful of
	 * edits overlap in 20 ms and each may move old and new at once */
	one = CLICKS_LEVEL * 1.5 / CLICKS_FADE_FRAMES;
	test_note("%llu frames, %llu commits: steepest step %.3g = %.2f fades of the whole level",
		  (unsigned long long)clicks.rig->n_out,
		  (unsigned long long)instance_revision(clicks.rig->instance), worst, worst / one);
	CHECK(worst < 1.2 * one, "a click of %g at frame %llu", worst, (unsigned long long)at);
	clicks_close(&clicks);
}

TEST(clicks_tone)
{
	struct clicks clicks;
	uint64_t at = 0;
	double worst, tone = CLICKS_LEVEL * 4 * pow(sin(M_PI * 1000 / RIG_RATE), 2);

	clicks_run(&clicks, clicks_tone, 5, CLICKS_EDITS);
	worst = clicks_worst(&clicks, 2, &at);
	test_note("%llu frames: second difference at most %.3g (%.2f of the tone's), at %llu",
		  (unsigned long long)clicks.rig->n_out, worst, worst / tone,
		  (unsigned long long)at);
	CHECK(worst < 1.5 * tone, "a click of %g at frame %llu", worst, (unsigned long long)at);
	clicks_close(&clicks);
}

TEST(clicks_pink)
{
	struct clicks clicks;
	uint64_t at = 0;
	double worst, own = 0;

	clicks_run(&clicks, clicks_pink, 5, CLICKS_EDITS);
	for (uint64_t i = 1; i < clicks.rig->n_out; i++) {
		double d = fabs(clicks_pink(i, 0) - clicks_pink(i - 1, 0));

		own = d > own ? d : own;
	}
	worst = clicks_worst(&clicks, 1, &at);
	test_note("%llu frames: steepest step %.3g, the noise's own %.3g",
		  (unsigned long long)clicks.rig->n_out, worst, own);
	CHECK(worst < 1.25 * own, "a click of %g at frame %llu", worst, (unsigned long long)at);
	clicks_close(&clicks);
}

TEST(clicks_gain_step_has_no_sidebands)
{
	/* dsp.md 2.6: 1 kHz at full scale stepped by -20 dB; nothing farther than 500 Hz from the
	 * carrier above -90 dBFS, by a windowed DFT around the step */
	enum { N = 16384 };
	struct clicks clicks;
	static double windowed[N];
	double worst = -400;

	clicks_open(&clicks);
	rig_q_unlink(clicks.rig, "sum", "out");
	rig_q_add(clicks.rig, "g", "gain", NULL);
	rig_q_link(clicks.rig, "in", "g", 0);
	rig_q_link(clicks.rig, "g", "out", 0);
	rig_commit(clicks.rig);
	clicks.rig->signal = clicks_tone;
	rig_run(clicks.rig, 16000, 250);
	rig_set(clicks.rig, "g.gain", "-20dB");
	rig_run(clicks.rig, 16000, 250);
	for (uint32_t i = 0; i < N; i++) { /* Blackman-Harris, side lobes -92 dB */
		double t = 2 * M_PI * i / N;
		double w = 0.35875 - 0.48829 * cos(t) + 0.14128 * cos(2 * t) - 0.01168 * cos(3 * t);

		windowed[i] = w * (double)clicks.rig->out[0][16480 - N / 2 + i] / CLICKS_LEVEL;
	}
	for (double f = 1500; f < 20000; f += 50) {
		double re = 0, im = 0, db;

		for (uint32_t i = 0; i < N; i++) {
			re += windowed[i] * cos(2 * M_PI * f * i / RIG_RATE);
			im += windowed[i] * sin(2 * M_PI * f * i / RIG_RATE);
		}
		db = 20 * log10(2 * sqrt(re * re + im * im) / (N * 0.35875) + 1e-30);
		worst = db > worst ? db : worst;
	}
	test_note("highest line beyond 500 Hz of the carrier: %.1f dB", worst);
	CHECK(worst <= -90, "%.1f dB", worst);
	clicks_close(&clicks);
}

TEST(clicks_no_real_time_violation)
{
	struct rtcheck_counts counts;

	if (!rtcheck_read)
		test_skip("rtcheck.so is not loaded");
	rtcheck_read(&counts);
	test_note("%llu blocks, %llu violations", counts.sections, counts.violations);
	CHECK(counts.sections > 0 && counts.violations == 0);
}
