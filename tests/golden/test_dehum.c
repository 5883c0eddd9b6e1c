/* dehum: dsp.md 7.2. */
#include "node_host.h"
#include "test.h"

#define RATE 48000u
#define SECONDS 12u
#define FRAMES (SECONDS * RATE)
#define HARMONICS 16

static float in[2][FRAMES], out[2][FRAMES], speech[FRAMES], hum[FRAMES];

/* Syllables of glottal pulses through three formants, with pauses, at about -20 dBFS: what the
 * tracker has to live with. */
static void dehum_speech(void)
{
	static const double formants[4][3] = {
		{700, 1200, 2500}, {300, 2200, 3000}, {500, 900, 2400}, {400, 1700, 2600}};
	double phase = 0, y[3][2] = {{0}}, power = 0;
	uint32_t syllable = 0;

	for (uint32_t i = 0; i < FRAMES; i++) {
		uint32_t in_word = i % (RATE / 4), vowel = syllable % 4;
		double t = in_word / (RATE / 4.0), sum = 0;
		double envelope = syllable % 6 == 5 ? 0 : sin(M_PI * t) * sin(M_PI * t);
		double f0 = 118 + 25 * sin(0.7 * syllable) - 20 * t, pulse = 0;

		syllable += in_word == RATE / 4 - 1;
		phase += f0 / RATE;
		if (phase >= 1) {
			phase -= 1;
			pulse = 1;
		}
		pulse = envelope * (pulse + 0.02 * (test_random() - 0.5));
		for (int k = 0; k < 3; k++) {
			double r = exp(-M_PI * 90 / RATE);
			double next = pulse +
				      2 * r * cos(2 * M_PI * formants[vowel][k] / RATE) * y[k][0] -
				      r * r * y[k][1];

			y[k][1] = y[k][0];
			y[k][0] = next;
			sum += next;
		}
		speech[i] = (float)sum;
		power += sum * sum;
	}
	for (uint32_t i = 0; i < FRAMES; i++)
		speech[i] *= (float)(0.1 / sqrt(power / FRAMES));
}

/* Each harmonic 30 dB below the speech, in phases of their own, into hum[]. */
static void dehum_hum(double hz)
{
	memset(hum, 0, sizeof(hum));
	for (int h = 1; h <= HARMONICS; h++) {
		double step = 2 * M_PI * h * hz / RATE, level = 0.1 * M_SQRT2 * pow(10, -30 / 20.0);
		double turn_re = cos(step), turn_im = sin(step);
		double re = level * cos(h * h), im = level * sin(h * h), next;

		for (uint32_t i = 0; i < FRAMES; i++) {
			hum[i] += (float)im;
			next = re * turn_re - im * turn_im;
			im = re * turn_im + im * turn_re;
			re = next;
		}
	}
}

static struct node_host *dehum_open(double base, double mode)
{
	struct node_host_config configs[] = {
		{"base", base, NULL}, {"mode", mode, NULL}, {NULL, 0, NULL}};

	return node_host_open("dehum", &(struct node_host_setup){.configs = configs});
}

static void dehum_run(struct node_host *host)
{
	node_host_process(host, (const float *[]){in[0], in[1]}, (float *[]){out[0], out[1]},
			  FRAMES);
}

/* Amplitude of HZ in X over the seconds FROM .. TO. */
static double dehum_amplitude(const float *x, double hz, double from, double to)
{
	double re = 0, im = 0, weight = 0, n = (to - from) * RATE;
	double turn_re = cos(2 * M_PI * hz / RATE), turn_im = sin(2 * M_PI * hz / RATE);
	double c = 1, s = 0, next;

	for (uint32_t i = (uint32_t)(from * RATE); i < (uint32_t)(to * RATE); i++) {
		double w = 0.5 - 0.5 * cos(2 * M_PI * (i - from * RATE) / n);

		re += w * (double)x[i] * c;
		im += w * (double)x[i] * s;
		weight += w;
		next = c * turn_re - s * turn_im;
		s = c * turn_im + s * turn_re;
		c = next;
	}
	return 2 * sqrt(re * re + im * im) / weight;
}

/* What is left of the hum alone: out of (speech + hum) less out of what speech alone would give is
 * not to be had, the tracker being where it is; so measure the gain at the harmonics by a second
 * node that hears the same for its tracker: left is speech + hum, right has hum only. */
static double dehum_worst_db(double base, double mode, double hz)
{
	struct node_host *host = dehum_open(base, mode);
	double worst = -300;

	dehum_hum(hz);
	for (uint32_t i = 0; i < FRAMES; i++) {
		in[0][i] = speech[i] + hum[i];
		in[1][i] = hum[i];
	}
	dehum_run(host);
	for (int h = 1; h <= HARMONICS; h++) {
		double before = dehum_amplitude(in[1], h * hz, 5, 9);
		double after = dehum_amplitude(out[1], h * hz, 5, 9);

		worst = fmax(worst, 20 * log10(after / before));
	}
	test_note("%g Hz, base %g, mode %g: freq %.4f Hz, worst harmonic %.1f dB", hz, base, mode,
		  node_host_meter(host, 0, "freq"), worst);
	CHECK_NEAR(node_host_meter(host, 0, "freq"), hz, 0.003);
	node_host_free(host);
	return worst;
}

/* dsp.md 7.2: 50.1 Hz and 15 harmonics at -30 dB under speech: each >= 40 dB down after 5 s. */
TEST(dehum_takes_each_harmonic_40_db_down)
{
	dehum_speech();
	CHECK(dehum_worst_db(0, 0, 50.1) <= -40);
	CHECK(dehum_worst_db(1, 0, 50.1) <= -40);
	CHECK(dehum_worst_db(0, 1, 50.1) <= -40);
	CHECK(dehum_worst_db(2, 0, 59.95) <= -40);
}

/* dsp.md 7.2: a bass note of 55 Hz at -12 dBFS changes by less than 0.5 dB. */
TEST(dehum_leaves_a_bass_note_alone)
{
	for (int with_hum = 0; with_hum < 2; with_hum++)
		for (int base = !with_hum; base < 2 + with_hum; base++)
			for (int mode = 0; mode < 2; mode++) {
				struct node_host *host = dehum_open(base, mode);
				double change;

				dehum_hum(50.1);
				for (uint32_t i = 0; i < FRAMES; i++)
					in[0][i] = in[1][i] =
						(float)(0.251 * sin(2 * M_PI * 55 / RATE * i)) +
						(with_hum ? hum[i] : 0);
				dehum_run(host);
				change = 20 * log10(dehum_amplitude(out[0], 55, 6, 12) /
						    dehum_amplitude(in[0], 55, 6, 12));
				test_note("hum %d, base %d, mode %d: %.3f dB", with_hum, base, mode,
					  change);
				CHECK(fabs(change) < 0.5);
				node_host_free(host);
			}
}

TEST(dehum_auto_leaves_what_does_not_hum)
{
	struct node_host *host = dehum_open(0, 0);

	dehum_speech();
	memcpy(in[0], speech, sizeof(in[0]));
	memcpy(in[1], speech, sizeof(in[1]));
	dehum_run(host);
	test_note("confidence %.1f %%, level %.1f dBFS", node_host_meter(host, 0, "confidence"),
		  node_host_meter(host, 0, "level"));
	CHECK(node_host_meter(host, 0, "freq") == 0, "found %g Hz",
	      node_host_meter(host, 0, "freq"));
	CHECK(memcmp(in[0], out[0], sizeof(in[0])) == 0);
	node_host_free(host);
}

TEST(dehum_rest_and_removed_are_the_whole)
{
	static float rest[FRAMES];

	dehum_speech();
	dehum_hum(50);
	for (int mode = 0; mode < 2; mode++) {
		for (int listen = 0; listen < 2; listen++) {
			struct node_host *host = dehum_open(1, mode);

			node_host_jump(host, 0, "listen", listen);
			for (uint32_t i = 0; i < FRAMES; i++)
				in[0][i] = in[1][i] = speech[i] + hum[i];
			dehum_run(host);
			if (listen == 0)
				memcpy(rest, out[0], sizeof(rest));
			node_host_free(host);
		}
		for (uint32_t i = 0; i < FRAMES; i++)
			CHECK_NEAR((double)rest[i] + (double)out[0][i], (double)in[0][i], 2e-7);
	}
}

/* Out of phase on two sides: the tracker must not sum it away. */
TEST(dehum_hears_hum_of_opposite_polarity)
{
	struct node_host *host = dehum_open(0, 0);

	dehum_hum(60.02);
	for (uint32_t i = 0; i < FRAMES; i++) {
		in[0][i] = hum[i];
		in[1][i] = -in[0][i];
	}
	dehum_run(host);
	CHECK_NEAR(node_host_meter(host, 0, "freq"), 60.02, 0.001);
	CHECK(dehum_amplitude(out[1], 60.02, 5, 9) < 0.01 * dehum_amplitude(in[1], 60.02, 5, 9));
	node_host_free(host);
}

/* What was taken for hum is let go when it is there no more. */
TEST(dehum_auto_lets_go_of_hum_that_ended)
{
	struct node_host *host = dehum_open(0, 0);
	const float *const ins[] = {in[0], in[1]};
	float *const outs[] = {out[0], out[1]};

	dehum_hum(50.05);
	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] = hum[i];
	node_host_process(host, ins, outs, FRAMES / 2);
	CHECK_NEAR(node_host_meter(host, 0, "freq"), 50.05, 0.001);
	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] = (float)(0.1 * (test_random() - 0.5));
	node_host_process(host, ins, outs, FRAMES);
	node_host_process(host, ins, outs, FRAMES);
	CHECK(node_host_meter(host, 0, "freq") == 0);
	CHECK(memcmp(in[0] + FRAMES / 2, out[0] + FRAMES / 2, FRAMES / 2 * sizeof(float)) == 0);
	node_host_free(host);
}

TEST(dehum_amount_is_what_it_says)
{
	struct node_host *host = dehum_open(1, 0);

	node_host_jump(host, 0, "amount", 12);
	node_host_jump(host, 0, "harmonics", 3);
	dehum_hum(50);
	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] = hum[i];
	dehum_run(host);
	for (int h = 1; h <= 5; h++)
		CHECK_NEAR(20 * log10(dehum_amplitude(out[0], 50 * h, 6, 12) /
				      dehum_amplitude(in[0], 50 * h, 6, 12)),
			   h <= 3 ? -12 : 0, 0.1);
	node_host_free(host);
}
