/* test_matcheq.c - learning and matching spectra: dsp.md 4.5; what is learnt goes into the session. */
#define RIG_NO_FAKES
#include "../unit/engine_rig.h"
#include "engine_modules.h"
#include "graph_types.h"
#include "node_host.h"
#include "test_wav.h"

#define RATE 48000u
#define SECONDS 60u
#define FRAMES (SECONDS * RATE)

/* ---- material ---- */

/* Pink noise by Kellet's filter (musicdsp.org, "pk3"): within 0.05 dB of -3 dB/oct above 10 Hz. */
static void pink(float *x, uint32_t n)
{
	double b[7] = {0};

	for (uint32_t i = 0; i < n; i++) {
		double w = 2 * test_random() - 1;

		b[0] = 0.99886 * b[0] + w * 0.0555179;
		b[1] = 0.99332 * b[1] + w * 0.0750759;
		b[2] = 0.96900 * b[2] + w * 0.1538520;
		b[3] = 0.86650 * b[3] + w * 0.3104856;
		b[4] = 0.55000 * b[4] + w * 0.5329522;
		b[5] = -0.7616 * b[5] - w * 0.0168980;
		x[i] = (float)(0.03 *
			       (b[0] + b[1] + b[2] + b[3] + b[4] + b[5] + b[6] + w * 0.5362));
		b[6] = w * 0.115926;
	}
}

/* RBJ's bell. */
struct bell {
	double b0, b1, b2, a1, a2;
};

static struct bell bell_of(double freq, double gain_db, double q)
{
	double a = pow(10, gain_db / 40), w = 2 * M_PI * freq / RATE, alpha = sin(w) / (2 * q);
	double a0 = 1 + alpha / a;

	return (struct bell){(1 + alpha * a) / a0, -2 * cos(w) / a0, (1 - alpha * a) / a0,
			     -2 * cos(w) / a0, (1 - alpha / a) / a0};
}

static void bell_run(const struct bell *f, const float *x, float *y, uint32_t n)
{
	double s1 = 0, s2 = 0;

	for (uint32_t i = 0; i < n; i++) {
		double in = x[i], out = f->b0 * in + s1;

		s1 = f->b1 * in - f->a1 * out + s2;
		s2 = f->b2 * in - f->a2 * out;
		y[i] = (float)out;
	}
}

static double bell_db(const struct bell *f, double freq)
{
	double w = 2 * M_PI * freq / RATE, c1 = cos(w), c2 = cos(2 * w), s1 = sin(w),
	       s2 = sin(2 * w);
	double n_re = f->b0 + f->b1 * c1 + f->b2 * c2, n_im = f->b1 * s1 + f->b2 * s2;
	double d_re = 1 + f->a1 * c1 + f->a2 * c2, d_im = f->a1 * s1 + f->a2 * s2;

	return 10 * log10((n_re * n_re + n_im * n_im) / (d_re * d_re + d_im * d_im));
}

/* ---- an engine that learns ---- */

static float *learn_from;
static uint32_t learn_frames;

static double learn_signal(uint64_t position, uint32_t channel)
{
	return position < learn_frames ? learn_from[position] : 0;
}

static void refused(void *data, const char *path, const char *reason)
{
	test_note("%s: %s", path, reason);
}

struct learner {
	struct rig *rig;
	struct engine_modules *modules;
};

static struct learner learner_open(const char *settings)
{
	struct graph_types *types = graph_types_new();
	struct learner learner = {0};
	struct mixd_error err = {0};

	setenv("MIXD_NODE_PATH", MIXD_TEST_NODES, 1);
	CHECK(engine_modules_load(types, refused, NULL, &learner.modules, &err) == 0, "%s",
	      err.text);
	learner.rig = rig_open_with(types, false);
	learner.rig->signal = learn_signal;
	rig_ends(learner.rig);
	rig_q_add(learner.rig, "match", "matcheq", settings);
	rig_q_link(learner.rig, "in", "match", 0);
	rig_q_link(learner.rig, "match", "out", 0);
	rig_commit(learner.rig);
	return learner;
}

static void learner_close(struct learner *learner)
{
	rig_close(learner->rig);
	engine_modules_free(learner->modules);
}

/* The text of a config of the node, as the model has it. */
static const char *learner_config(struct learner *learner, const char *id)
{
	const struct graph_node *node =
		graph_model_node(instance_model(learner->rig->instance), "match");
	const struct mixd_node_type *type = node->type->node_type;

	for (uint32_t i = 0; i < type->n_configs; i++)
		if (strcmp(type->configs[i].id, id) == 0)
			return node->config[GRAPH_CONFIG_COMMON + i].text;
	test_fail(__FILE__, __LINE__, "no config %s", id);
}

/* Learn N frames of X as WHAT; the text, to be freed. */
static char *learn(float *x, uint32_t n, const char *what)
{
	struct learner learner = learner_open(NULL);
	char *text;

	learn_from = x;
	learn_frames = n;
	rig_run(learner.rig, 4800, 256);
	rig_set(learner.rig, "match.learn", what);
	rig_run(learner.rig, n - 4800, 1024);
	rig_set(learner.rig, "match.learn", "off");
	rig_run(learner.rig, 9600, 256);
	text = strdup(learner_config(&learner, what) ? learner_config(&learner, what) : "");
	learner_close(&learner);
	return text;
}

/* ---- what a matcheq does ---- */

static struct node_host *matcheq_open(const char *file, const char *source, double smoothing,
				      double strength, double limit, int phase)
{
	struct node_host_config configs[] = {
		{"file", 0, file}, {"source", 0, source}, {"phase", phase, NULL}, {NULL, 0, NULL}};
	struct node_host *host = node_host_open(
		"matcheq", &(struct node_host_setup){.layout = "mono", .configs = configs});

	node_host_jump(host, 0, "smoothing", smoothing);
	node_host_jump(host, 0, "strength", strength);
	node_host_jump(host, 0, "max_boost", limit);
	node_host_jump(host, 0, "max_cut", limit);
	node_host_reset(host);
	return host;
}

static void matcheq_curve(struct node_host *host, const double *freq, uint32_t n, double *ret_db)
{
	enum { LENGTH = 16384 };
	float *x = calloc(LENGTH, sizeof(*x)), *y = calloc(LENGTH, sizeof(*y));
	const float *in = x;
	float *out = y;

	x[0] = 1;
	node_host_process(host, &in, &out, LENGTH);
	for (uint32_t i = 0; i < n; i++) {
		double w = 2 * M_PI * freq[i] / RATE, re = 0, im = 0;

		for (uint32_t k = 0; k < LENGTH; k++) {
			re += y[k] * cos(w * k);
			im += y[k] * sin(w * k);
		}
		ret_db[i] = 10 * log10(re * re + im * im);
	}
	free(x);
	free(y);
}

/* dsp.md 4.5: 5 random bells of +-6 dB on pink noise of 60 s, matched back: within 0.5 dB, 50 Hz to
 * 15 kHz. */
TEST(matcheq_takes_bells_back)
{
	float *x = calloc(FRAMES, sizeof(*x)), *y = calloc(FRAMES, sizeof(*y));
	const float *plane = x;
	struct bell bells[5];
	double freq[80], got[80], drawn[80], mean, worst;
	uint32_t n = 0;
	const char *file;
	char *source;

	pink(x, FRAMES);
	memcpy(y, x, FRAMES * sizeof(*y));
	for (int b = 0; b < 5; b++) {
		bells[b] = bell_of(70 * pow(120, (b + test_random()) / 5), 12 * test_random() - 6,
				   0.7 + 0.7 * test_random());
		bell_run(&bells[b], y, y, FRAMES);
	}
	file = test_wav_write(&plane, 1, FRAMES, RATE);
	source = learn(y, FRAMES, "source");
	CHECK(source[0], "nothing was captured");
	for (double f = 50; f <= 15000; f *= 1.08, n++)
		freq[n] = f;
	for (int phase = 0; phase < 2; phase++) {
		struct node_host *host = matcheq_open(file, source, 1.0 / 6, 100, 12, phase);

		CHECK(node_host_latency(host) == (phase ? 0 : 4096));
		matcheq_curve(host, freq, n, got);
		node_host_free(host);
		mean = worst = 0;
		for (uint32_t i = 0; i < n; i++) {
			drawn[i] = 0;
			for (int b = 0; b < 5; b++)
				drawn[i] += bell_db(&bells[b], freq[i]);
			mean += (drawn[i] + got[i]) / n; /* equal loudness is a gain for all */
		}
		for (uint32_t i = 0; i < n; i++)
			worst = fmax(worst, fabs(drawn[i] + got[i] - mean));
		test_note("phase %d: left over %.2f dB, of %.1f..%.1f dB; gain %.2f dB", phase,
			  worst, drawn[0], drawn[n / 2], mean);
		CHECK(worst <= 0.5, "%.2f dB", worst);
	}
	free(source);
	free(x);
	free(y);
}

/* Pauses and noise far below the programme do not colour what is learnt. */
TEST(matcheq_gates_pauses)
{
	enum { N = 20 * RATE };
	float *x = calloc(N, sizeof(*x)), *y = calloc(N, sizeof(*y));
	char *whole, *gaps;
	const char *a, *b;
	double worst = 0;

	pink(x, N);
	for (uint32_t i = 0; i < N; i++) { /* every other second is a hiss 30 dB below */
		double hiss = 0.003 * (test_random() - 0.5);

		y[i] = (float)(i / RATE % 2 ? hiss : x[i]);
	}
	whole = learn(x, N, "reference");
	gaps = learn(y, N, "reference");
	a = strchr(whole, ':');
	b = strchr(gaps, ':');
	CHECK(a && b);
	a++;
	b++;
	for (int i = 0; i < 118; i++) {
		char *end_a, *end_b;
		double at_a = strtod(a, &end_a), at_b = strtod(b, &end_b);

		CHECK(end_a != a && end_b != b, "%d values", i);
		if (i > 20) /* 63 Hz: below, ten seconds are few frames */
			worst = fmax(worst, fabs(at_a - at_b));
		a = end_a;
		b = end_b;
	}
	test_note("with pauses: %.2f dB off", worst);
	CHECK(worst < 2.5, "%.2f dB", worst);
	free(whole);
	free(gaps);
	free(x);
	free(y);
}

TEST(matcheq_strength_and_limits)
{
	enum { N = 10 * RATE };
	float *x = calloc(N, sizeof(*x)), *y = calloc(N, sizeof(*y));
	static const double freq[] = {18, 300, 1000, 3000, 22000};
	struct bell up = bell_of(1000, 20, 1.5);
	double full[5], half[5], held[5];
	const float *plane = x;
	const char *file;
	struct node_host *host;
	char *source;

	pink(x, N);
	bell_run(&up, x, y, N);
	file = test_wav_write(&plane, 1, N, RATE);
	source = learn(y, N, "source");
	host = matcheq_open(file, source, 1.0 / 3, 100, 24, 0);
	matcheq_curve(host, freq, 5, full);
	CHECK_NEAR(node_host_meter(host, 0, "lowest"), full[2], 0.3);
	CHECK(node_host_meter(host, 0, "matched") == 1);
	node_host_free(host);
	host = matcheq_open(file, source, 1.0 / 3, 50, 24, 0);
	matcheq_curve(host, freq, 5, half);
	node_host_free(host);
	host = matcheq_open(file, source, 1.0 / 3, 100, 3, 0);
	matcheq_curve(host, freq, 5, held);
	CHECK_NEAR(node_host_meter(host, 0, "lowest"), -3, 1e-9);
	node_host_free(host);
	CHECK(full[2] < -3.1 && full[1] > 3.1, "%g %g", full[1], full[2]);
	for (int i = 1; i < 4; i++)
		CHECK_NEAR(half[i], full[i] / 2, 0.05);
	CHECK_NEAR(held[2], -3, 0.05);
	CHECK_NEAR(held[1], 3, 0.05);
	CHECK_NEAR(full[0], 0, 0.3); /* an octave below `low` it is back at 0 dB */
	CHECK_NEAR(full[4], 0, 0.1);
	free(source);
	free(x);
	free(y);
}

TEST(matcheq_learning_goes_into_the_session)
{
	enum { N = 6 * RATE };
	float *x = calloc(N, sizeof(*x));
	struct learner learner;
	uint64_t uid, revision;
	uint32_t idx;

	pink(x, N);
	learn_from = x;
	learn_frames = N;
	learner = learner_open(NULL);
	uid = rig_uid(learner.rig, "match");
	engine_meters_lease(learner.rig->engine, 1);
	rig_set(learner.rig, "match.learn", "reference");
	rig_run(learner.rig, 100000, 512);
	rig_set(learner.rig, "match.learn", "source");
	rig_run(learner.rig, 100000, 512);
	CHECK(strncmp(learner_config(&learner, "reference"), "ltas", 4) == 0);
	CHECK(learner_config(&learner, "source")[0] == '\0');
	rig_set(learner.rig, "match.learn", "off");
	revision = instance_revision(learner.rig->instance);
	rig_run(learner.rig, 48000, 512);
	CHECK(strncmp(learner_config(&learner, "source"), "ltas", 4) == 0);
	CHECK(instance_revision(learner.rig->instance) == revision + 1);
	idx = graph_type_meter(graph_types_find(learner.rig->types, "matcheq", NULL), "matched",
			       NULL);
	CHECK(engine_meter(learner.rig->engine, uid, idx, 0, 0) == 1);
	learner_close(&learner);
	free(x);
}

TEST(matcheq_nothing_learnt_is_said)
{
	struct node_host *host = node_host_open("matcheq", &(struct node_host_setup){0});
	uint32_t code = 0;

	node_host_process(host, NULL, NULL, 1000);
	node_host_set(host, 0, "learn", 1);
	node_host_process(host, NULL, NULL, 48000);
	node_host_set(host, 0, "learn", 0);
	node_host_process(host, NULL, NULL, 1000);
	CHECK(node_host_events(host, &code, NULL) == 1 && code == 1, "event %u", code);
	CHECK(node_host_meter(host, 0, "matched") == 0);
	node_host_free(host);
}

TEST(matcheq_refusals)
{
	static float quiet[RATE * 3], brief[2000];
	const float *quiet_plane = quiet, *brief_plane = brief;
	struct node_host_config configs[] = {{"file", 0, NULL}, {NULL, 0, NULL}};
	const struct node_host_setup setup = {.layout = "mono", .configs = configs};
	const char *why = NULL;
	const struct mixd_node_type *type = node_host_type("matcheq", &why);
	struct mixd_fault fault;

	CHECK(type, "%s", why);
	configs[0].text = "/no/such.wav";
	CHECK(!node_host_try(type, &setup, &fault) && strstr(fault.text, "such.wav"));
	configs[0].text = test_wav_write(&quiet_plane, 1, RATE * 3, RATE);
	CHECK(!node_host_try(type, &setup, &fault) && strstr(fault.text, "too quiet"));
	configs[0].text = test_wav_write(&brief_plane, 1, 2000, RATE);
	CHECK(!node_host_try(type, &setup, &fault) && strstr(fault.text, "too short"));
	configs[0] = (struct node_host_config){"source", 0, "ltas 20Hz 12/oct: 1 2 3"};
	CHECK(!node_host_try(type, &setup, &fault) && strstr(fault.text, "source"));
	configs[0] = (struct node_host_config){"reference", 0, "pink"};
	CHECK(!node_host_try(type, &setup, &fault) && strstr(fault.text, "reference"));
	CHECK(fault.hint[0]);
}
