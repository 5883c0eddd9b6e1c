/* measure_speech.c - dialogue: loudness where somebody speaks.
 *
 * SOURCE      ITU-R BS.1770-1 (no relative gate): the mean energy of blocks of 400 ms, each 100 ms, at
 *             least half of which is speech and which are above -70 LUFS. The range is that of EBU
 *             Tech 3342 over windows of 3 s at least half of which is speech.
 * WHICH       The ranges given (of a script, or of a stem's sound); or a detector, which is our own,
 *             approximate, and named so wherever its result is shown.
 * DETECTOR    after J. Saunders, "Real-time discrimination of broadcast speech/music", ICASSP 1996, and
 *             E. Scheirer, M. Slaney, "Construction and evaluation of a robust multifeature
 *             speech/music discriminator", ICASSP 1997: syllables make the energy of the band of the
 *             voice rise and fall three to seven times a second, with many low moments between; and
 *             voiced and unvoiced sounds take turns, so that zero crossings are spread unevenly.
 *             Looked at are 2 s around each 10 ms: (a) the standard deviation of the level, (b) the
 *             share of ticks 6 dB under the mean power, (c) the share of steps of level of more than
 *             3 dB in 20 ms, (d) the spread of zero crossings. It hears the centre where there is one,
 *             else the mean of the front pair. Thresholds are our own, from synthesised voices, notes
 *             and noises (tests/unit/test_measure_speech.c); music with a voice in front counts as
 *             speech when the voice stands out, drums alone may be mistaken. */
#include "measure_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SPEECH_RING 1024u /* ticks */
#define SPEECH_AROUND 100u /* ticks before and after: 2 s */
#define SPEECH_ACTIVE_DB 25.0f /* under the loudest of the surroundings: still speech */
#define SPEECH_FLOOR_DB (-65.0f)
#define SPEECH_SCORE 2.5f

struct speech_tick {
	double energy; /* K-weighted, for what is counted */
	float level_db; /* of the voice's band, for the detector */
	float crossings; /* per second */
	bool is_speech;
};
struct speech {
	struct speech_tick ring[SPEECH_RING];
	uint64_t ticks, decided, spoken;
	uint32_t range; /* the next that has not ended */
	/* detector: a band-pass of two poles (300 Hz to 3.4 kHz) */
	double low_pole, high_pole, low, high;
	float last;
	struct loudness_gate gate;
};

static const uint32_t speech_window[2] = {LOUDNESS_MOMENTARY_TICKS, LOUDNESS_SHORTTERM_TICKS};

static int speech_init(struct measure *measure, void *part)
{
	struct speech *speech = part;

	speech->low_pole = 1.0 - exp(-2.0 * M_PI * 300.0 / measure->rate);
	speech->high_pole = 1.0 - exp(-2.0 * M_PI * fmin(3400.0 / measure->rate, 0.45));
	return 0;
}

/* ---- detector ------------------------------------------------------------------------------- */

static int32_t speech_centre(const struct measure *measure)
{
	/* The one in the middle that counts; LFE does not. */
	for (uint32_t c = 0; c < measure->n_channels; c++)
		if (measure->n_channels > 2 && measure->side[c] == 0 && measure->weight[c] > 0.0)
			return (int32_t)c;
	return -1;
}

static void speech_listen(const struct measure *measure, struct speech *speech,
			  const struct measure_tick *tick, struct speech_tick *ret)
{
	int32_t centre = speech_centre(measure);
	const float *left = measure->channel[centre >= 0	  ? centre
					     : measure->left >= 0 ? measure->left
								  : 0];
	const float *right =
		centre < 0 && measure->left >= 0 ? measure->channel[measure->right] : left;
	double square = 0.0;
	uint32_t crossings = 0;

	for (uint32_t i = tick->first; i < tick->first + tick->n_frames; i++) {
		float x = 0.5f * (left[i] + right[i]), band;

		speech->high += speech->high_pole * ((double)x - speech->high);
		speech->low += speech->low_pole * (speech->high - speech->low);
		band = (float)(speech->high - speech->low);
		square += (double)(band * band);
		crossings += (band < 0.0f) != (speech->last < 0.0f);
		speech->last = band;
	}
	ret->level_db = (float)(10.0 * log10(square / tick->n_frames + 1e-12));
	ret->crossings = (float)(crossings * measure->rate / tick->n_frames);
}

/* The four features of the ticks around tick WHICH; each is worth up to 1. */
static float speech_score(const struct speech *speech, uint64_t which)
{
	uint64_t from = which > SPEECH_AROUND ? which - SPEECH_AROUND : 0;
	uint64_t to = which + SPEECH_AROUND < speech->ticks ? which + SPEECH_AROUND : speech->ticks;
	double sum = 0.0, squares = 0.0, power = 0.0, crossings = 0.0, crossing_squares = 0.0;
	float highest = -INFINITY, low = 0.0f, steps = 0.0f, n = 0.0f, last[2] = {NAN, NAN};
	double mean, deviation, spread;

	for (uint64_t t = from; t < to; t++)
		highest = fmaxf(highest, speech->ring[t % SPEECH_RING].level_db);
	if (highest < SPEECH_FLOOR_DB ||
	    speech->ring[which % SPEECH_RING].level_db < highest - SPEECH_ACTIVE_DB)
		return 0.0f;
	for (uint64_t t = from; t < to; t++) {
		const struct speech_tick *tick = &speech->ring[t % SPEECH_RING];
		double db = (double)fmaxf(tick->level_db, highest - 40.0f);

		sum += db;
		squares += db * db;
		power += pow(10.0, db / 10.0);
		if (tick->level_db > highest - SPEECH_ACTIVE_DB) {
			crossings += (double)tick->crossings;
			crossing_squares += (double)tick->crossings * (double)tick->crossings;
			n += 1.0f;
		}
		steps += fabsf((float)db - last[0]) > 3.0f;
		last[0] = last[1];
		last[1] = (float)db;
	}
	mean = sum / (double)(to - from);
	deviation = sqrt(fmax(0.0, squares / (double)(to - from) - mean * mean));
	power = 10.0 * log10(power / (double)(to - from)) - 6.0;
	for (uint64_t t = from; t < to; t++)
		low += (double)speech->ring[t % SPEECH_RING].level_db < power;
	mean = crossings / (double)n;
	spread = sqrt(fmax(0.0, crossing_squares / (double)n - mean * mean)) / (mean + 1.0);
	return fminf(1.0f, (float)deviation / 6.0f) +
	       fminf(1.0f, low / (float)(to - from) / 0.45f) +
	       fminf(1.0f, steps / (float)(to - from) / 0.35f) + fminf(1.0f, (float)spread / 0.45f);
}

/* ---- loudness ------------------------------------------------------------------------------- */

static bool speech_in_ranges(const struct measure *measure, struct speech *speech, uint64_t tick)
{
	double at_s = ((double)tick + 0.5) / MEASURE_TICKS_PER_S;
	const struct measure_options *options = &measure->options;

	while (speech->range < options->n_speech && options->speech[speech->range].end_s <= at_s)
		speech->range++;
	return speech->range < options->n_speech && options->speech[speech->range].start_s <= at_s;
}

/* Tick WHICH is known to be speech or not. */
static void speech_count(const struct measure *measure, struct speech *speech, uint64_t which)
{
	const struct speech_tick *now = &speech->ring[which % SPEECH_RING];
	uint64_t n = which + 1;

	speech->spoken += now->is_speech;
	for (uint32_t w = 0; w < 2; w++) {
		uint32_t ticks = speech_window[w];
		double energy = 0.0;
		uint32_t spoken = 0;

		if (n % MEASURE_HOP_TICKS != 0 || n < ticks)
			continue;
		for (uint64_t t = n - ticks; t < n; t++) {
			energy += speech->ring[t % SPEECH_RING].energy;
			spoken += speech->ring[t % SPEECH_RING].is_speech;
		}
		if (2 * spoken < ticks)
			continue;
		energy /= (double)(measure_tick_frame(measure, n) -
				   measure_tick_frame(measure, n - ticks));
		if (w == 0)
			loudness_gate_block(&speech->gate, energy);
		else
			loudness_gate_range(&speech->gate, energy);
	}
}

static void speech_decide(const struct measure *measure, struct speech *speech, uint64_t up_to)
{
	for (; speech->decided < up_to; speech->decided++) {
		struct speech_tick *tick = &speech->ring[speech->decided % SPEECH_RING];

		tick->is_speech = measure->options.detect_speech
					  ? speech_score(speech, speech->decided) > SPEECH_SCORE
					  : speech_in_ranges(measure, speech, speech->decided);
		speech_count(measure, speech, speech->decided);
	}
}

static void speech_block(struct measure *measure, void *part)
{
	struct speech *speech = part;
	uint32_t ahead = measure->options.detect_speech ? SPEECH_AROUND : 0;

	for (uint32_t t = 0; t < measure->n_ticks; t++) {
		const struct measure_tick *tick = &measure->tick[t];
		struct speech_tick *now = &speech->ring[speech->ticks % SPEECH_RING];

		if (!tick->is_whole)
			continue;
		memset(now, 0, sizeof(*now));
		now->energy = tick->energy;
		if (measure->options.detect_speech)
			speech_listen(measure, speech, tick, now);
		speech->ticks++;
		if (speech->ticks > ahead)
			speech_decide(measure, speech, speech->ticks - ahead);
	}
}

static void speech_finish(struct measure *measure, void *part, struct measure_result *ret)
{
	struct speech *speech = part;

	speech_decide(measure, speech, speech->ticks);
	ret->is_speech_detected = measure->options.detect_speech;
	if (speech->ticks)
		ret->speech_share = (double)speech->spoken / (double)speech->ticks;
	if (speech->gate.n_blocks)
		ret->dialogue =
			loudness_from_energy(speech->gate.energy / (double)speech->gate.n_blocks);
	if (speech->gate.n_ranges)
		ret->dialogue_range = loudness_gate_lra(&speech->gate);
}

const struct measure_part measure_speech_part = {
	.what = MEASURE_SPEECH,
	.size = sizeof(struct speech),
	.init = speech_init,
	.block = speech_block,
	.finish = speech_finish,
};
