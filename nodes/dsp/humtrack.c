/* Source: maximum likelihood of a harmonic signal, its amplitudes unknown, is the sum of the
 * periodogram over the harmonics: S. M. Kay, Modern Spectral Estimation, 1988, ch. 13; harmonic sums:
 * A. M. Noll, "Pitch determination of human speech by the harmonic product spectrum ...", 1969. Here
 * the periodogram is that of the amplitudes noted, near the reference. A. Nehorai's adaptive notch
 * (IEEE TASSP 33(4), 1985) needs no reference, but was not exact enough: 40 dB of the 16th harmonic
 * ask for 0.003 Hz.
 *
 * Structure: box decimation to about 6 kHz; per reference and harmonic one complex oscillator and
 * four poles of 0.15 s; vectors over harmonics. The search goes from the fundamental, where nothing is
 * ambiguous, to 2, 4, 8, 16 harmonics, each time nearer. */
#include "humtrack.h"

#include <math.h>
#include <string.h>

#include "lanes.h"

#include <mixd/rt.h>

#define HUMTRACK_RATE_HZ 6000.0
#define HUMTRACK_TICK_S 0.125
#define HUMTRACK_LOW_S 0.15
#define HUMTRACK_SETTLE 8u /* ticks until the poles have filled */
#define HUMTRACK_FIRST 14u /* notes before the first estimate: neighbours are much alike */
#define HUMTRACK_CONFIDENT 0.5
#define HUMTRACK_FAR_HZ 0.02 /* from here on the oscillators follow */
#define HUMTRACK_LOST_HZ 1.7
#define HUMTRACK_GONE 80u /* ticks without a good estimate after which there is no hum */
#define HUMTRACK_STRONGER 1.5
#define HUMTRACK_STEADY 0.15
#define HUMTRACK_CHANCE 4.0
#define HUMTRACK_FITS 4u /* good estimates in a row that make it hum */
#define HUMTRACK_LEAST 1e-11 /* power: -110 dBFS is no hum */
#define HUMTRACK_LEAK 1.5e-5 /* part of all power that a strong tone 5 Hz away leaves */

static void humtrack_tune(const struct humtrack *track, struct humtrack_reference *ref, double hz)
{
	ref->tuned_hz = hz;
	for (uint32_t h = 0; h < HUMTRACK_HARMONICS; h++) {
		double at = 2.0 * M_PI * (h + 1) * hz / track->rate;

		ref->turn[0][h] = cos(at);
		ref->turn[1][h] = -sin(at);
	}
}

void humtrack_reset(struct humtrack *track)
{
	track->begun = track->locked = false;
	track->in_sample = track->in_tick = track->n_settle = track->best = 0;
	track->sum = track->total_power = 0.0;
	for (uint32_t r = 0; r < track->n_references; r++) {
		struct humtrack_reference *ref = &track->reference[r];
		double nominal_hz = ref->nominal_hz;

		memset(ref, 0, sizeof(*ref));
		ref->nominal_hz = nominal_hz;
		ref->hz = nominal_hz;
		humtrack_tune(track, ref, nominal_hz);
		for (uint32_t h = 0; h < HUMTRACK_HARMONICS; h++)
			ref->osc[0][h] = 1.0;
	}
}

void humtrack_init(struct humtrack *track, double rate, const double *nominal_hz,
		   uint32_t n_references, double range_hz)
{
	double decimation = fmax(floor(rate / HUMTRACK_RATE_HZ), 1.0);

	memset(track, 0, sizeof(*track));
	track->decimation = (uint32_t)decimation;
	track->rate = rate / decimation;
	track->tick_samples = (uint32_t)lround(HUMTRACK_TICK_S * track->rate);
	track->n_references = n_references;
	track->range_hz = range_hz;
	track->keep = exp(-1.0 / (HUMTRACK_LOW_S * track->rate));
	track->keep_power = exp(-1.0 / (2.0 * track->rate));
	for (uint32_t r = 0; r < n_references; r++)
		track->reference[r].nominal_hz = nominal_hz[r];
	humtrack_reset(track);
}

/* ---- every sample ------------------------------------------------------------------------------ */

MIXD_CLONES static void humtrack_sample(struct humtrack_reference *ref, double x, double keep)
{
	double put = 1.0 - keep;

	for (uint32_t h = 0; h < HUMTRACK_HARMONICS; h++) {
		double re = ref->osc[0][h], im = ref->osc[1][h], a = x * re, b = x * im;

		ref->osc[0][h] = re * ref->turn[0][h] - im * ref->turn[1][h];
		ref->osc[1][h] = re * ref->turn[1][h] + im * ref->turn[0][h];
		for (uint32_t k = 0; k < HUMTRACK_POLES; k++) {
			a = ref->low[k][0][h] = keep * ref->low[k][0][h] + put * a;
			b = ref->low[k][1][h] = keep * ref->low[k][1][h] + put * b;
		}
	}
}

/* ---- every tick -------------------------------------------------------------------------------- */

/* What the search works on: the notes in order, oldest first, weighed. */
struct humtrack_view {
	uint32_t n;
	double note[HUMTRACK_TICKS][2][HUMTRACK_HARMONICS];
	double weight[HUMTRACK_HARMONICS]; /* power of the hum, roughly */
	double eighth; /* what an eighth of the notes stays below, all harmonics */
};

/* The magnitude that a quarter of the notes of harmonic H stays below: hum, rather than programme.
 * *RET_EIGHTH: the power that an eighth stays below. */
static double humtrack_usual(const struct humtrack_view *view, uint32_t h, double *ret_eighth)
{
	double least[HUMTRACK_TICKS / 4 + 1] = {0.0};
	uint32_t want, n = 0, noted = 0;

	for (uint32_t t = 0; t < view->n; t++)
		noted += view->note[t][0][h] != 0.0 || view->note[t][1][h] != 0.0;
	want = noted / 4 + 1;

	for (uint32_t t = 0; t < view->n; t++) {
		double re = view->note[t][0][h], im = view->note[t][1][h], m = re * re + im * im;
		uint32_t at;

		if (m == 0.0)
			continue;
		at = n < want ? n++ : n;

		if (at == want && m >= least[want - 1])
			continue;
		if (at == want)
			at--;
		for (; at > 0 && least[at - 1] > m; at--)
			least[at] = least[at - 1];
		least[at] = m;
	}
	*ret_eighth = n > 0 ? least[(n - 1) / 2] : 0.0;
	return n > 0 ? sqrt(least[n - 1]) : 0.0;
}

static void humtrack_look(const struct humtrack_reference *ref, struct humtrack_view *view)
{
	uint32_t n = ref->n_ticks < HUMTRACK_TICKS ? ref->n_ticks : HUMTRACK_TICKS;

	view->n = n;
	view->eighth = 0.0;
	for (uint32_t t = 0; t < n; t++)
		memcpy(view->note[t], ref->note[(ref->n_ticks - n + t) % HUMTRACK_TICKS],
		       sizeof(view->note[t]));
	for (uint32_t h = 0; h < HUMTRACK_HARMONICS; h++) {
		double eighth, usual = humtrack_usual(view, h, &eighth) + 1e-30;

		view->weight[h] = usual * usual;
		view->eighth += eighth;
		for (uint32_t t = 0; t < n; t++) {
			double re = view->note[t][0][h], im = view->note[t][1][h];
			double m = sqrt(re * re + im * im) / usual;
			/* As it is up to twice the usual, then less the louder it is. */
			double scale = (m < 2.0 ? 1.0 : 4.0 / (m * m)) / usual;

			view->note[t][0][h] = re * scale;
			view->note[t][1][h] = im * scale;
		}
	}
}

/* Sum over the first N_HARMONICS of the weighed power that stands still when all turn by OFF_HZ. */
MIXD_CLONES static double humtrack_still(const struct humtrack_view *view, double off_hz,
					 uint32_t n_harmonics)
{
	lanes_f64x8 sum_re[2] = {{0.0}}, sum_im[2] = {{0.0}}, re[2], im[2], turn_re[2], turn_im[2];
	const uint32_t n_vectors = n_harmonics > 8 ? 2 : 1;
	const double at = 2.0 * M_PI * off_hz * HUMTRACK_TICK_S;
	const double first_re = cos(at), first_im = -sin(at);
	double c = first_re, d = first_im, more, still = 0.0;

	/* Harmonic h turns h times as far: powers of the fundamental's turn. */
	for (uint32_t h = 0; h < 8 * n_vectors; h++) {
		turn_re[h / 8][h % 8] = c;
		turn_im[h / 8][h % 8] = d;
		re[h / 8][h % 8] = 1.0;
		im[h / 8][h % 8] = 0.0;
		more = c * first_re - d * first_im;
		d = c * first_im + d * first_re;
		c = more;
	}
	for (uint32_t t = 0; t < view->n; t++)
		for (uint32_t k = 0; k < n_vectors; k++) {
			lanes_f64x8 a, b, next;

			memcpy(&a, view->note[t][0] + 8 * k, sizeof(a));
			memcpy(&b, view->note[t][1] + 8 * k, sizeof(b));
			sum_re[k] += a * re[k] - b * im[k];
			sum_im[k] += a * im[k] + b * re[k];
			next = re[k] * turn_re[k] - im[k] * turn_im[k];
			im[k] = re[k] * turn_im[k] + im[k] * turn_re[k];
			re[k] = next;
		}
	for (uint32_t h = 0; h < n_harmonics; h++) {
		double x = sum_re[h / 8][h % 8], y = sum_im[h / 8][h % 8];

		still += view->weight[h] * (x * x + y * y);
	}
	return still;
}

/* The power if all stood still. */
static double humtrack_all(const struct humtrack_view *view, uint32_t n_harmonics)
{
	double all = 0.0;

	for (uint32_t h = 0; h < n_harmonics; h++) {
		double sum = 0.0;

		for (uint32_t t = 0; t < view->n; t++)
			sum += sqrt(view->note[t][0][h] * view->note[t][0][h] +
				    view->note[t][1][h] * view->note[t][1][h]);
		all += view->weight[h] * sum * sum;
	}
	return all;
}

/* The best of 2 SIDE + 1 points, STEP apart, about MIDDLE. *ret_bend: by how much the top of the
 * parabola through it and its neighbours is off. */
static double humtrack_search(const struct humtrack_view *view, double middle, double step,
			      int side, uint32_t n_harmonics, double *ret_bend)
{
	double value[2 * 8 + 1];
	int best = 0;

	for (int i = -side; i <= side; i++) {
		value[i + side] = humtrack_still(view, middle + i * step, n_harmonics);
		if (value[i + side] > value[best + side])
			best = i;
	}
	*ret_bend = 0.0;
	if (best > -side && best < side) {
		const double *at = &value[best + side];
		double curve = at[-1] - 2.0 * at[0] + at[1];

		if (curve < 0.0)
			*ret_bend = 0.5 * step * (at[-1] - at[1]) / curve;
	}
	return middle + best * step;
}

/* A tone that is off by OFF_HZ comes out of K of the poles late and lower; make it as if it were not. */
static void humtrack_restore(double z[2], double off_hz, uint32_t k)
{
	double slope = 2.0 * M_PI * off_hz * HUMTRACK_LOW_S;

	for (; k > 0; k--) {
		double re = z[0] - z[1] * slope;

		z[1] = z[1] + z[0] * slope;
		z[0] = re;
	}
}

/* Tune to HZ. What was noted, and what is in the poles, becomes what it were, had it been so all
 * along, as far as it is hum. */
static void humtrack_recentre(const struct humtrack *track, struct humtrack_reference *ref,
			      double hz)
{
	double off_hz = hz - ref->tuned_hz;
	uint32_t n = ref->n_ticks < HUMTRACK_TICKS ? ref->n_ticks : HUMTRACK_TICKS;

	for (uint32_t h = 0; h < HUMTRACK_HARMONICS; h++) {
		double step = 2.0 * M_PI * (h + 1) * off_hz * HUMTRACK_TICK_S;
		/* What was far off came through the poles too weak: forget it. */
		bool lost = fabs((h + 1) * off_hz) > HUMTRACK_LOST_HZ;

		for (uint32_t age = 0; age < n; age++) {
			double(*note)[HUMTRACK_HARMONICS] =
				ref->note[(ref->n_ticks - 1 - age) % HUMTRACK_TICKS];
			double c = cos(step * age), s = sin(step * age), z[2];

			z[0] = note[0][h] * c - note[1][h] * s;
			z[1] = note[0][h] * s + note[1][h] * c;
			humtrack_restore(z, (h + 1) * off_hz, HUMTRACK_POLES);
			note[0][h] = lost ? 0.0 : z[0];
			note[1][h] = lost ? 0.0 : z[1];
		}
		for (uint32_t k = 0; k < HUMTRACK_POLES; k++) {
			double z[2] = {ref->low[k][0][h], ref->low[k][1][h]};

			if (!lost)
				humtrack_restore(z, (h + 1) * off_hz, k + 1);
			ref->low[k][0][h] = z[0];
			ref->low[k][1][h] = z[1];
		}
	}
	humtrack_tune(track, ref, hz);
}

static void humtrack_estimate(const struct humtrack *track, struct humtrack_reference *ref)
{
	struct humtrack_view view;
	double off_hz = 0.0, bend = 0.0, mean = 0.0;

	humtrack_look(ref, &view);
	for (uint32_t n = 1; n <= HUMTRACK_HARMONICS; n *= 2)
		off_hz = humtrack_search(&view, off_hz, (n == 1 ? 0.08 : 0.05) / n, n == 1 ? 8 : 4,
					 n, &bend);
	off_hz += bend;
	ref->confidence = humtrack_still(&view, off_hz, HUMTRACK_HARMONICS) /
			  (humtrack_all(&view, HUMTRACK_HARMONICS) + 1e-300);
	for (uint32_t h = 0; h < HUMTRACK_HARMONICS; h++)
		mean += view.weight[h];
	ref->power = 2.0 * mean;
	/* Few notes agree by chance. What dies away in a pause turns as steadily as hum, but falls. */
	if (ref->confidence < HUMTRACK_CONFIDENT + HUMTRACK_CHANCE / view.n ||
	    view.eighth < HUMTRACK_STEADY * mean ||
	    fabs(ref->tuned_hz + off_hz - ref->nominal_hz) > track->range_hz) {
		ref->n_unfit++;
		ref->n_fit = 0;
		return;
	}
	ref->n_unfit = 0;
	ref->n_fit++;
	ref->hz = ref->tuned_hz + off_hz;
	if (fabs(off_hz) > HUMTRACK_FAR_HZ)
		humtrack_recentre(track, ref, ref->hz);
}

static bool humtrack_is_hum(const struct humtrack *track, const struct humtrack_reference *ref)
{
	return ref->n_ticks >= HUMTRACK_FIRST && ref->n_unfit == 0 && ref->power > HUMTRACK_LEAST &&
	       ref->power > HUMTRACK_LEAK * track->total_power;
}

static void humtrack_tick(struct humtrack *track)
{
	for (uint32_t r = 0; r < track->n_references; r++) {
		struct humtrack_reference *ref = &track->reference[r];

		if (track->n_settle < HUMTRACK_SETTLE)
			continue;
		memcpy(ref->note[ref->n_ticks % HUMTRACK_TICKS], ref->low[HUMTRACK_POLES - 1],
		       sizeof(ref->note[0]));
		ref->n_ticks++;
		/* The oscillators' length, kept from drifting. */
		for (uint32_t h = 0; h < HUMTRACK_HARMONICS; h++) {
			double length = sqrt(ref->osc[0][h] * ref->osc[0][h] +
					     ref->osc[1][h] * ref->osc[1][h]);

			ref->osc[0][h] /= length;
			ref->osc[1][h] /= length;
		}
		if (ref->n_ticks >= HUMTRACK_FIRST)
			humtrack_estimate(track, ref);
	}
	if (track->n_settle < HUMTRACK_SETTLE)
		track->n_settle++;
	/* The strongest hum it is, as 60 Hz has a part of its harmonics in common with 50 Hz; another
	 * one takes over when this one is gone, or is far weaker. */
	for (uint32_t r = 0; r < track->n_references; r++) {
		const struct humtrack_reference *best = &track->reference[track->best];
		const struct humtrack_reference *ref = &track->reference[r];

		if (!humtrack_is_hum(track, ref))
			continue;
		if (!track->locked || best->n_unfit > HUMTRACK_TICKS / 2 ||
		    ref->power > HUMTRACK_STRONGER * best->power)
			track->best = r;
		track->locked = true;
	}
	if (track->reference[track->best].n_unfit > HUMTRACK_GONE)
		track->locked = false;
}

void humtrack_run(struct humtrack *track, const float *x, uint32_t n_frames)
{
	uint32_t i = 0;

	while (!track->begun && i < n_frames && x[i] == 0.0f)
		i++;
	for (; i < n_frames; i++) {
		double sample;

		track->begun = true;
		track->sum += (double)x[i];
		if (++track->in_sample < track->decimation)
			continue;
		sample = track->sum / track->decimation;
		track->sum = 0.0;
		track->in_sample = 0;
		track->total_power = track->keep_power * track->total_power +
				     (1.0 - track->keep_power) * sample * sample;
		for (uint32_t r = 0; r < track->n_references; r++)
			humtrack_sample(&track->reference[r], sample, track->keep);
		if (++track->in_tick < track->tick_samples)
			continue;
		track->in_tick = 0;
		humtrack_tick(track);
	}
}
