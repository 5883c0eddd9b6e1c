/* test_contract_sound.c - the node contract, what is heard: latency as reported, no clicks. */
#include "contract.h"

#include "rtcheck.h"

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

static double walk_step(const float *x, uint64_t begin, uint64_t end)
{
	double highest = 0;

	for (uint64_t i = begin > 0 ? begin : 1; i < end; i++)
		highest = fmax(highest, fabs((double)x[i] - (double)x[i - 1]));
	return highest;
}

static double walk_peak(const float *x, uint64_t begin, uint64_t end)
{
	double highest = 0;

	for (uint64_t i = begin; i < end; i++)
		highest = fmax(highest, fabs((double)x[i]));
	return highest;
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

static void contract_walk(const struct contract_shape *shape, uint64_t seed)
{
	struct contract_event events[CONTRACT_EVENTS];
	struct node_host *host = node_host_new(shape->type, &shape->setup);
	uint64_t frames = WALK_HOLD * (CONTRACT_EVENTS + 1);
	struct contract_audio *in = contract_audio_new(node_host_in_channels(host), frames);
	struct contract_audio *out = contract_output(host, 1, frames);
	uint32_t n_events = contract_events(shape->type, frames, seed, events);
	double usual = walk_usual(shape, frames);

	for (uint32_t c = 0; c < in->channels; c++)
		for (uint64_t i = 0; i < frames; i++)
			in->channel[c][i] =
				(float)(0.5 * sin(2 * M_PI * WALK_HZ / WALK_RATE * (double)i));
	contract_run(host, in, out, 0, WALK_HOLD, 0, NULL, 0);
	for (uint32_t i = 0; i < n_events; i++) {
		uint64_t at = WALK_HOLD * (uint64_t)(i + 1);

		node_host_set_row(host, 0, events[i].row, events[i].value, events[i].ms);
		contract_run(host, in, out, at, WALK_HOLD, 0, NULL, 0);
	}
	contract_finite(shape, "walk", out, false);
	for (uint32_t i = 0; i < n_events; i++) {
		char id[64];

		node_host_param(shape->type, events[i].row, id, NULL);
		for (uint32_t c = 0; c < out->channels; c++)
			walk_check(shape, id, events[i].value, out->channel[c],
				   WALK_HOLD * (uint64_t)(i + 1), usual);
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
