/* test_contract_sound.c - the node contract, what is heard: latency as reported, no clicks. */
#include "contract.h"

#include "../golden/ir.h"
#include "rtcheck.h"
#include "spectrum.h"

/* ---- latency ---- */

/* A soft impulse comes out, at its highest, exactly `latency` frames later; or it begins to, where
 * the phase is turned (splits, all-passes) and the highest point belongs to the low frequencies. */
static void contract_latency(const struct contract_shape *shape)
{
	struct node_host *host = node_host_new(shape->type, &shape->setup);
	uint32_t latency = node_host_latency(host), peak = 0, begin = 0;
	uint64_t frames = 512 + (uint64_t)latency;
	struct contract_audio *in = contract_audio_new(node_host_in_channels(host), frames);
	struct contract_audio *out = contract_output(host, 1, frames);

	if (in->channels > 0 && out->channels > 0) {
		for (uint32_t c = 0; c < in->channels; c++)
			in->channel[c][200] = 0.01f;
		contract_run(host, in, out, 0, frames, 0, NULL, 0);
		for (uint32_t i = 0; i < frames; i++)
			if (fabsf(out->channel[0][i]) > fabsf(out->channel[0][peak]))
				peak = i;
		while (begin < peak && out->channel[0][begin] == 0)
			begin++;
		CHECK(peak == 200 + latency || begin == 200 + latency,
		      "%s: reports %u frames, takes %d", shape->text, latency, (int)peak - 200);
	}
	node_host_free(host);
	contract_audio_free(in);
	contract_audio_free(out);
}

TEST(contract_latency_is_as_reported)
{
	for (const struct mixd_node_type *const *t = contract_types(); *t; t++) {
		const struct contract_shape *shapes;
		uint32_t n = contract_shapes(*t, &shapes);

		if ((*t)->flags & MIXD_NODE_SOURCE)
			continue;
		for (uint32_t i = 0; i < n; i++)
			contract_latency(&shapes[i]);
	}
}

/* ---- clicks ----
 *
 * A sine in; a move; a hold. While the move lasts, no step from sample to sample may be higher than
 * three times what is usual: the highest step while at rest before or after, or that of a sine of
 * the level found around (dsp.md 2.6). */

#define WALK_HZ 997.0
#define WALK_RATE 48000.0
#define WALK_HOLD 4800u /* frames from move to move: 100 ms */
#define WALK_REST 2400u /* the second half of it is at rest */
#define WALK_NEAR 240u /* "around": 5 ms */
#define WALK_FRAMES ((uint64_t)WALK_HOLD * (CONTRACT_EVENTS + 1))

/* Plain comparisons: fmax() is a call, and that for every sample. contract_finite() has seen them. */
static double walk_step(const float *x, uint64_t begin, uint64_t end)
{
	double highest = 0;

	for (uint64_t i = begin > 0 ? begin : 1; i < end; i++) {
		double step = fabs((double)x[i] - (double)x[i - 1]);

		highest = step > highest ? step : highest;
	}
	return highest;
}

static double walk_peak(const float *x, uint64_t begin, uint64_t end)
{
	double highest = 0;

	for (uint64_t i = begin; i < end; i++) {
		double level = fabs((double)x[i]);

		highest = level > highest ? level : highest;
	}
	return highest;
}

/* What every channel of every walk is fed with: worked out once. */
static const float *walk_sine(void)
{
	static float sine[WALK_FRAMES];
	static bool made;

	for (uint64_t i = 0; !made && i < WALK_FRAMES; i++)
		sine[i] = (float)(0.5 * sin(2 * M_PI * WALK_HZ / WALK_RATE * (double)i));
	made = true;
	return sine;
}

/* One move of param ID at frame AT of X: X is at rest before AT and from AT + WALK_REST on. USUAL is
 * a step that the signal makes at all times. */
static void walk_check(const struct contract_shape *shape, const char *id, double value,
		       const float *x, uint64_t at, double usual)
{
	double before = walk_step(x, at - WALK_REST, at);
	double after = walk_step(x, at + WALK_REST, at + WALK_HOLD);
	double rest = fmax(usual, fmax(before, after));

	for (uint64_t i = at; i < at + WALK_REST; i += WALK_NEAR) {
		double step = walk_step(x, i, i + WALK_NEAR);
		double peak = walk_peak(x, i - WALK_NEAR, i + 2 * WALK_NEAR);
		double limit = 3 * fmax(rest, 2 * M_PI * WALK_HZ / WALK_RATE * peak) + 1e-6;

		CHECK(step <= limit, "%s: %s to %g clicks at +%llu: a step of %.3g, limit %.3g",
		      shape->text, id, value, (unsigned long long)(i - at), step, limit);
	}
}

/* A source has steps of its own: the highest that it makes when nothing moves. */
static double walk_usual(const struct contract_shape *shape, uint64_t frames)
{
	struct node_host *host;
	struct contract_audio *out, *in;
	double usual = 0;

	if (!(shape->type->flags & MIXD_NODE_SOURCE))
		return 0;
	host = node_host_new(shape->type, &shape->setup);
	in = contract_audio_new(node_host_in_channels(host), frames);
	out = contract_output(host, 1, frames);
	contract_run(host, in, out, 0, frames, 0, NULL, 0);
	for (uint32_t c = 0; c < out->channels; c++)
		usual = fmax(usual, walk_step(out->channel[c], 0, frames) /
					    fmax(walk_peak(out->channel[c], 0, frames), 1e-9));
	node_host_free(host);
	contract_audio_free(in);
	contract_audio_free(out);
	return usual; /* at full scale, wherever the level goes */
}

/* How many of its moves a walk makes. Sanitizers see the memory that is touched, not what is heard,
 * and all moves of the widest shapes were made where blocks are cut: they walk a quarter of the way. */
static uint32_t walk_moves(uint32_t channels, uint32_t n_events)
{
#if defined(__SANITIZE_ADDRESS__)
	if (channels > 12 && n_events > CONTRACT_EVENTS / 4)
		return CONTRACT_EVENTS / 4;
#endif
	return n_events;
}

static void contract_walk(const struct contract_shape *shape, uint64_t seed)
{
	struct contract_event events[CONTRACT_EVENTS];
	struct node_host *host = node_host_new(shape->type, &shape->setup);
	uint32_t n_events = walk_moves(node_host_out_channels(host),
				       contract_events(shape->type, WALK_FRAMES, seed, events));
	uint64_t frames = WALK_HOLD * (uint64_t)(n_events + 1);
	struct contract_audio *in = contract_audio_new(node_host_in_channels(host), frames);
	struct contract_audio *out = contract_output(host, 1, frames);
	double usual = walk_usual(shape, frames);

	for (uint32_t c = 0; c < in->channels; c++)
		memcpy(in->channel[c], walk_sine(), frames * sizeof(float));
	contract_run(host, in, out, 0, WALK_HOLD, 0, NULL, 0);
	for (uint32_t i = 0; i < n_events; i++) {
		uint64_t at = WALK_HOLD * (uint64_t)(i + 1);

		node_host_set_row(host, 0, events[i].row, events[i].value, events[i].ms);
		contract_run(host, in, out, at, WALK_HOLD, 0, NULL, 0);
	}
	contract_finite(shape, "walk", out, false);
	for (uint32_t c = 0; c < out->channels; c++) {
		/* Most channels of most types are equal to the bit here: judged already. */
		if (c > 0 &&
		    memcmp(out->channel[c], out->channel[c - 1], frames * sizeof(float)) == 0)
			continue;
		for (uint32_t i = 0; i < n_events; i++) {
			char id[64];

			node_host_param(shape->type, events[i].row, id, NULL);
			walk_check(shape, id, events[i].value, out->channel[c],
				   WALK_HOLD * (uint64_t)(i + 1), usual);
		}
	}
	node_host_free(host);
	contract_audio_free(in);
	contract_audio_free(out);
}

TEST(contract_random_walks_are_finite_and_do_not_click)
{
	for (const struct mixd_node_type *const *t = contract_types(); *t; t++) {
		const struct contract_shape *shapes;
		uint32_t n = contract_shapes(*t, &shapes);

		if (node_host_n_params(*t) == 0)
			continue;
		for (uint64_t seed = 0; seed < 4; seed++)
			contract_walk(&shapes[0], 100 + seed);
		for (uint32_t i = 1; i < n; i++)
			contract_walk(&shapes[i], 200 + i);
	}
}

/* ---- gains ----
 *
 * A step by 20 dB of whatever is counted in dB, on a sine 20 dB below full scale and weighed as if it were full scale:
 * no line farther than 500 Hz from it above -90 dBFS (dsp.md 2.6). */

#define GAIN_FRAMES 8192u
#define GAIN_HZ 1000.0
#define GAIN_LEVEL 0.1
#define GAIN_REST_DB (-95.0) /* what is not this clean at rest is no plain gain */

/* The highest line of X, GAIN_FRAMES long, by a transform in f64 under Albrecht's window. */
static double gain_sideband_db(const float *x)
{
	static double complex bin[GAIN_FRAMES];
	double highest = 0;

	for (uint32_t i = 0; i < GAIN_FRAMES; i++) {
		double w = 0;

		for (uint32_t k = 0; k < 7; k++)
			w += (k % 2 ? -1 : 1) * spectrum_albrecht[k] *
			     cos(2 * M_PI * k * i / GAIN_FRAMES);
		bin[i] = w * (double)x[i];
	}
	ir_fft(bin, GAIN_FRAMES);
	for (uint32_t i = (uint32_t)(1500 * GAIN_FRAMES / WALK_RATE); i < GAIN_FRAMES / 2; i++)
		highest = fmax(highest, cabs(bin[i]));
	return spectrum_db(2 * highest / (GAIN_FRAMES * spectrum_albrecht[0]) / GAIN_LEVEL);
}

/* Row ROW of SHAPE goes to VALUE in the middle; its default: it does not. */
static double gain_run(const struct contract_shape *shape, uint32_t row, double value, double ms)
{
	struct node_host *host = node_host_new(shape->type, &shape->setup);
	uint64_t begin = 48000 + node_host_latency(host), frames = begin + GAIN_FRAMES;
	uint64_t step = 48000 + GAIN_FRAMES / 2 - 480;
	struct contract_audio *in = contract_audio_new(node_host_in_channels(host), frames);
	struct contract_audio *out = contract_output(host, 1, frames);
	double db;

	for (uint32_t c = 0; c < in->channels; c++)
		for (uint64_t i = 0; i < frames; i++)
			in->channel[c][i] = (float)(GAIN_LEVEL * sin(2 * M_PI * GAIN_HZ /
								     WALK_RATE * (double)i));
	contract_run(host, in, out, 0, step, 0, NULL, 0);
	node_host_set_row(host, 0, row, value, ms);
	contract_run(host, in, out, step, frames - step, 0, NULL, 0);
	db = gain_sideband_db(out->channel[0] + begin);
	node_host_free(host);
	contract_audio_free(in);
	contract_audio_free(out);
	return db;
}

TEST(contract_gain_steps_keep_their_sidebands_low)
{
	for (const struct mixd_node_type *const *t = contract_types(); *t; t++) {
		const struct contract_shape *shapes;

		if (((*t)->flags & (MIXD_NODE_SOURCE | MIXD_NODE_GROUP)) ||
		    contract_shapes(*t, &shapes) == 0)
			continue; /* nothing is heard of a VCA itself: test_desk */
		for (uint32_t p = 0; p < node_host_n_params(*t); p++) {
			char id[64];
			double def, db;
			const struct mixd_param_row *row = node_host_param(*t, p, id, &def);

			/* The first of a group speaks for all. */
			if (row->unit != MIXD_UNIT_DB || row->ramp == MIXD_RAMP_NONE ||
			    strpbrk(id, "23456789"))
				continue;
			if (gain_run(&shapes[0], p, def, 0) > GAIN_REST_DB)
				continue;
			db = gain_run(&shapes[0], p, fmax(def - 20, row->min), row->smooth_ms);
			test_note("%s: %.1f dBFS", id, db);
			CHECK(db <= -90, "%s %s: a step has sidebands of %.1f dBFS", (*t)->id, id,
			      db);
		}
	}
}

/* Last: everything above ran where a violation would have ended it. */
TEST(contract_ran_behind_the_fence)
{
	struct rtcheck_counts counts;

	CHECK(rtcheck_read || !getenv("MIXD_RTCHECK"), "the fence is not loaded");
	if (!rtcheck_read)
		return; /* a sanitizer build, or run by hand */
	rtcheck_read(&counts);
	CHECK(counts.sections > 0 || !contract_types()[0], "no section was entered");
	CHECK(counts.violations == 0, "%llu violations", counts.violations);
	if (!counts.sees_system_calls)
		test_note("this kernel does not dispatch system calls: inline ones go unseen");
}
