/* Kernels and designs of the equalizer: against plain C to the bit, against the published formulas,
 * against the analogue prototypes. */
#include <complex.h>

#include "eq_bank.h"
#include "eq_design.h"
#include "eq_list.h"
#include "test.h"

#define SECTIONS 12u
#define STATE_WORDS (2 * SECTIONS * SVF_STATES)
#define COEF_WORDS (EQ_BANK_GAIN_WORDS + 2 * SECTIONS * EQ_BANK_SECTION_WORDS)
#define FRAMES 300u

struct bank {
	float in[MIXD_LANES_MAX][FRAMES], out[MIXD_LANES_MAX][FRAMES];
	double state[STATE_WORDS * MIXD_LANES_MAX] __attribute__((aligned(64)));
	double coef[COEF_WORDS * MIXD_LANES_MAX] __attribute__((aligned(64)));
};

static double rate_hz = 48000;

static struct eq_band random_band(void)
{
	return (struct eq_band){
		.type = (enum eq_type)test_random_below(EQ_TYPE_TILT + 1),
		.freq_hz = 20 * pow(1000, test_random()),
		.gain_db = 48 * test_random() - 24,
		.q = 0.1 * pow(400, test_random()),
	};
}

/* Lane LANE gets N sections from FIRST on; the rest of its list stays the identity. */
static void bank_fill(struct bank *bank, uint32_t width, uint32_t lane, uint32_t first, uint32_t n,
		      bool moving)
{
	for (uint32_t k = first; k < first + n; k++) {
		struct eq_band from = random_band(), to = random_band();
		struct svf_section section[EQ_BAND_SECTIONS];
		union eq_coef a, b;
		double *word = bank->coef +
			       (EQ_BANK_GAIN_WORDS + k * EQ_BANK_SECTION_WORDS) * width + lane;

		eq_design(&from, rate_hz, section);
		a.of = svf_coef_of(section);
		eq_design(&to, rate_hz, section);
		b.of = svf_coef_of(section);
		for (uint32_t j = 0; j < SVF_COEFS; j++) {
			word[j * width] = a.word[j];
			word[(SVF_COEFS + j) * width] =
				moving ? (b.word[j] - a.word[j]) / FRAMES : 0.0;
		}
	}
}

static void bank_noise(struct bank *bank)
{
	for (uint32_t lane = 0; lane < MIXD_LANES_MAX; lane++)
		for (uint32_t i = 0; i < FRAMES; i++)
			bank->in[lane][i] = (float)(test_random() - 0.5);
}

static void bank_run(struct bank *bank, uint32_t width, struct eq_bank_job *job, bool plain,
		     uint32_t piece)
{
	for (uint32_t done = 0; done < FRAMES;) {
		const float *in[MIXD_LANES_MAX];
		float *out[MIXD_LANES_MAX];
		uint32_t n = FRAMES - done < piece ? FRAMES - done : piece;

		for (uint32_t lane = 0; lane < width; lane++) {
			in[lane] = bank->in[lane] + done;
			out[lane] = bank->out[lane] + done;
		}
		job->in = in;
		job->out = out;
		job->state = bank->state;
		job->coef = bank->coef;
		if (plain)
			eq_bank_run_plain(width, job, n);
		else
			eq_bank_run(width, job, n);
		done += n;
	}
}

TEST(bank_equals_plain_c_to_the_bit)
{
	static struct bank fast, plain;

	for (uint32_t trial = 0; trial < 300; trial++) {
		uint32_t width = 2u << test_random_below(3), pieces[] = {1, 5, 16, 128};
		/* Every third trial: one to four sections at rest, which have a loop of their own. */
		bool few = trial % 3 == 0;
		struct eq_bank_job job = {.max_sections = SECTIONS,
					  .n_plain = few ? 1 + test_random_below(4)
							 : test_random_below(SECTIONS + 1),
					  .n_mid_side = few ? 0 : test_random_below(3),
					  .moving = !few && test_random_below(2),
					  .gain = !few};

		memset(&fast, 0, sizeof(fast));
		bank_noise(&fast);
		for (uint32_t lane = 0; lane < width; lane++) {
			bank_fill(&fast, width, lane, 0, test_random_below(job.n_plain + 1),
				  job.moving);
			bank_fill(&fast, width, lane, SECTIONS,
				  test_random_below(job.n_mid_side + 1), job.moving);
			fast.coef[lane] = few ? 0.0 : test_random() - 0.5;
			fast.coef[width + lane] = job.moving ? 1e-4 : 0.0;
		}
		if (job.n_mid_side)
			job.mid_side_lanes = 3u << 2 * test_random_below(width / 2);
		memcpy(&plain, &fast, sizeof(plain));
		bank_run(&fast, width, &job, false, pieces[test_random_below(4)]);
		bank_run(&plain, width, &job, true, 128);
		for (uint32_t lane = 0; lane < width; lane++)
			for (uint32_t i = 0; i < FRAMES; i++)
				CHECK(fast.out[lane][i] == plain.out[lane][i],
				      "width %u, %u sections, lane %u, frame %u", width,
				      job.n_plain, lane, i);
		CHECK(memcmp(fast.state, plain.state, sizeof(fast.state)) == 0, "width %u", width);
	}
}

TEST(no_sections_is_the_identity)
{
	static struct bank bank;
	memset(&bank, 0, sizeof(bank));
	bank_noise(&bank);
	bank.in[1][3] = 0.0f;
	for (uint32_t n = 0; n <= 7; n++) {
		struct eq_bank_job job = {.max_sections = SECTIONS, .n_plain = n};

		memset(bank.out, 0, sizeof(bank.out));
		bank_run(&bank, 8, &job, false, 128);
		for (uint32_t lane = 0; lane < 8; lane++)
			CHECK(memcmp(bank.in[lane], bank.out[lane], sizeof(bank.in[lane])) == 0);
		for (uint32_t k = 0; k < STATE_WORDS * MIXD_LANES_MAX; k++)
			CHECK(bank.state[k] == 0.0);
	}
}

/* ---- designs ---- */

static double section_db(const struct svf_section *s, uint32_t n, double freq_hz)
{
	double num[2] = {1, 0}, den[2] = {1, 0};

	for (uint32_t i = 0; i < n; i++)
		svf_multiply_response(&s[i], tan(M_PI * freq_hz / rate_hz), num, den);
	return 10 *
	       log10((num[0] * num[0] + num[1] * num[1]) / (den[0] * den[0] + den[1] * den[1]));
}

/* Vicanek 2016, section 4, as printed: a bell of |H(w0)| = gain >= 1. */
static double published_bell_db(double freq_hz, double q, double gain, double at_hz)
{
	double w0 = 2 * M_PI * freq_hz / rate_hz, damp = 0.5 / (q * sqrt(gain));
	double a1 = damp <= 1 ? -2 * exp(-damp * w0) * cos(sqrt(1 - damp * damp) * w0)
			      : -2 * exp(-damp * w0) * cosh(sqrt(damp * damp - 1) * w0);
	double a2 = exp(-2 * damp * w0), p1 = pow(sin(w0 / 2), 2), p0 = 1 - p1, p2 = 4 * p0 * p1;
	double A0 = pow(1 + a1 + a2, 2), A1 = pow(1 - a1 + a2, 2), A2 = -4 * a2;
	double R1 = (A0 * p0 + A1 * p1 + A2 * p2) * gain * gain;
	double R2 = (-A0 + A1 + 4 * (p0 - p1) * A2) * gain * gain;
	double B0 = A0, B2 = (R1 - R2 * p1 - B0) / (4 * p1 * p1);
	double B1 = R2 + B0 + 4 * (p1 - p0) * B2, W = 0.5 * (sqrt(B0) + sqrt(B1));
	double b0 = 0.5 * (W + sqrt(W * W + B2)), b1 = 0.5 * (sqrt(B0) - sqrt(B1)),
	       b2 = -B2 / 4 / b0;
	double complex z = cexp(-2 * M_PI * at_hz / rate_hz * I);

	return 20 * log10(cabs((b0 + b1 * z + b2 * z * z) / (1 + a1 * z + a2 * z * z)));
}

TEST(bell_is_the_published_one)
{
	for (uint32_t trial = 0; trial < 500; trial++) {
		struct eq_band band = {.type = EQ_TYPE_BELL,
				       .freq_hz = 300 * pow(70, test_random()),
				       .gain_db = 24 * test_random() + 0.1,
				       .q = 0.2 * pow(50, test_random())};
		struct svf_section section[EQ_BAND_SECTIONS];
		double at_hz = 50 * pow(400, test_random());

		eq_design(&band, rate_hz, section);
		CHECK_NEAR(
			section_db(section, 1, at_hz),
			published_bell_db(band.freq_hz, band.q, pow(10, band.gain_db / 20), at_hz),
			1e-6);
		band.gain_db = -band.gain_db;
		eq_design(&band, rate_hz, section);
		CHECK_NEAR(section_db(section, 1, at_hz),
			   -published_bell_db(band.freq_hz, band.q, pow(10, -band.gain_db / 20),
					      at_hz),
			   1e-6);
	}
}

static double analogue_db(const struct eq_band *band, double at_hz)
{
	double w = at_hz / band->freq_hz, amp = pow(10, band->gain_db / 40), q = band->q;
	double complex s = w * I;

	switch (band->type) {
	case EQ_TYPE_BELL:
		return 20 * log10(cabs((s * s + s * amp / q + 1) / (s * s + s / (amp * q) + 1)));
	case EQ_TYPE_HIGHSHELF:
		return 20 * log10(cabs(amp * (amp * s * s + sqrt(amp) / q * s + 1) /
				       (s * s + sqrt(amp) / q * s + amp)));
	case EQ_TYPE_LOWSHELF:
		return 20 * log10(cabs(amp * (s * s + sqrt(amp) / q * s + amp) /
				       (amp * s * s + sqrt(amp) / q * s + 1)));
	case EQ_TYPE_LOWPASS:
		return 20 * log10(cabs(1 / (s * s + s / q + 1)));
	case EQ_TYPE_HIGHPASS:
		return 20 * log10(cabs(s * s / (s * s + s / q + 1)));
	case EQ_TYPE_BANDPASS:
		return 20 * log10(cabs(s / q / (s * s + s / q + 1)));
	case EQ_TYPE_NOTCH:
		return 20 * log10(cabs((s * s + 1) / (s * s + s / q + 1)) + 1e-9);
	case EQ_TYPE_TILT:
		return 20 * log10(cabs((amp * amp * s + 1) / (s + amp * amp)));
	default:
		return 0;
	}
}

/* The largest error over 20 Hz .. 20 kHz where the analogue is above FLOOR_DB. */
static double worst_db(const struct eq_band *band, double floor_db)
{
	struct svf_section section[EQ_BAND_SECTIONS];
	uint32_t n = eq_design(band, rate_hz, section);
	double worst = 0;

	for (double hz = 20; hz <= 20000; hz *= 1.01) {
		double want = analogue_db(band, hz);

		if (want > floor_db)
			worst = fmax(worst, fabs(section_db(section, n, hz) - want));
	}
	return worst;
}

/* dsp.md 4.1: the figures of the reference, and no more than a hair above. */
TEST(designs_are_as_close_to_the_analogue_as_the_reference_says)
{
	static const struct {
		struct eq_band band;
		double floor_db, limit_db;
	} cases[] = {
		{{EQ_TYPE_BELL, 0, 5000, 6, 0.7}, -99, 0.18},
		{{EQ_TYPE_BELL, 0, 10000, 6, 0.7}, -99, 0.385},
		{{EQ_TYPE_BELL, 0, 12000, 12, 1.4}, -99, 0.475},
		{{EQ_TYPE_BELL, 0, 12000, -12, 1}, -99, 0.555},
		{{EQ_TYPE_BELL, 0, 16000, -12, 1}, -99, 0.335},
		{{EQ_TYPE_LOWPASS, EQ_SLOPE_12, 10000, 0, M_SQRT1_2}, -40, 0.92},
		{{EQ_TYPE_HIGHPASS, EQ_SLOPE_12, 10000, 0, M_SQRT1_2}, -99, 0.055},
		{{EQ_TYPE_HIGHSHELF, 0, 5000, 12, M_SQRT1_2}, -99, 0.0149},
		{{EQ_TYPE_HIGHSHELF, 0, 10000, 6, M_SQRT1_2}, -99, 0.056},
		{{EQ_TYPE_HIGHSHELF, 0, 15000, 12, M_SQRT1_2}, -99, 0.265},
		{{EQ_TYPE_LOWSHELF, 0, 15000, -12, M_SQRT1_2}, -99, 0.265},
		{{EQ_TYPE_LOWSHELF, 0, 100, 12, 1}, -99, 0.001},
		{{EQ_TYPE_NOTCH, 0, 1000, 0, 2}, -40, 0.02},
		{{EQ_TYPE_BANDPASS, 0, 1000, 0, 2}, -20, 0.05},
		{{EQ_TYPE_TILT, 0, 650, 6, 1}, -99, 0.1},
		{{EQ_TYPE_TILT, 0, 5000, -6, 1}, -99, 0.3},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double worst = worst_db(&cases[i].band, cases[i].floor_db);

		test_note("type %d, %g Hz, %g dB, Q %.2f: %.4f dB", cases[i].band.type,
			  cases[i].band.freq_hz, cases[i].band.gain_db, cases[i].band.q, worst);
		CHECK(worst <= cases[i].limit_db, "case %zu: %.4f dB, allowed %g", i, worst,
		      cases[i].limit_db);
	}
}

TEST(bells_stay_within_the_bound)
{
	double low = 0, high = 0;

	for (uint32_t trial = 0; trial < 300; trial++) {
		struct eq_band band = {.type = EQ_TYPE_BELL,
				       .freq_hz = 20 * pow(800, test_random()),
				       .gain_db = 24 * test_random() - 12,
				       .q = 0.7 * pow(14, test_random())};
		double worst = worst_db(&band, -99);

		high = fmax(high, worst);
		if (band.freq_hz <= 1000)
			low = fmax(low, worst);
	}
	test_note("up to 1 kHz %.4f dB, up to 16 kHz %.3f dB", low, high);
	CHECK(low <= 0.02, "%.4f dB", low);
	CHECK(high <= 0.6, "%.3f dB", high);
}

TEST(cascades_are_butterworth)
{
	static const uint32_t orders[] = {1, 2, 3, 4, 6, 8, 12, 16};

	for (uint32_t slope = 0; slope < EQ_SLOPE_COUNT_; slope++) {
		for (uint32_t high = 0; high < 2; high++) {
			struct eq_band band = {high ? EQ_TYPE_HIGHPASS : EQ_TYPE_LOWPASS,
					       (enum eq_slope)slope, 500, 0, M_SQRT1_2};
			struct svf_section section[EQ_BAND_SECTIONS];
			uint32_t n = eq_design(&band, rate_hz, section);

			CHECK(n == (orders[slope] + 1) / 2);
			for (double hz = 125; hz <= 2000; hz *= 1.19) {
				double x = high ? 500 / hz : hz / 500;
				double want = -10 * log10(1 + pow(x, 2.0 * orders[slope]));

				CHECK_NEAR(section_db(section, n, hz), want, 0.05);
			}
		}
	}
}

/* Every band a client can ask for is finite, stable and no longer than it should be. */
TEST(all_bands_are_stable)
{
	static const double rates[] = {8000, 44100, 48000, 96000, 192000, 384000};

	for (uint32_t trial = 0; trial < 20000; trial++) {
		struct eq_band band = random_band();
		struct svf_section section[EQ_BAND_SECTIONS];
		uint32_t n;

		band.slope = (enum eq_slope)test_random_below(EQ_SLOPE_COUNT_);
		band.freq_hz = trial % 7 == 0 ? 10 : trial % 7 == 1 ? 24000 : band.freq_hz;
		n = eq_design(&band, rates[trial % 6], section);
		for (uint32_t i = 0; i < n; i++) {
			union eq_coef coef = {.of = svf_coef_of(&section[i])};

			CHECK(section[i].g > 0 && section[i].k > 0, "type %d %g Hz %g dB Q %g",
			      band.type, band.freq_hz, band.gain_db, band.q);
			for (uint32_t j = 0; j < SVF_COEFS; j++)
				CHECK(isfinite(coef.word[j]), "type %d %g Hz %g dB Q %g", band.type,
				      band.freq_hz, band.gain_db, band.q);
			/* S1: the state matrix does not lengthen. */
			double a = coef.of.a, t = coef.of.t, d = 1 - coef.of.b;
			double trace = a * a + 2 * t * t + d * d;
			double det = fabs(a * d + t * t);

			CHECK(0.5 * (trace + sqrt(fmax(trace * trace - 4 * det * det, 0))) <=
			      1 + 1e-9);
		}
	}
}

/* ---- lists ---- */

#define ROOM 10u

/* Q1, Q2, and that what is written always continues what was: random comings and goings. */
TEST(lists_are_sorted_and_continuous)
{
	static struct eq_slot slots[ROOM], scratch[ROOM];
	struct eq_list list = {slots, 0, ROOM};
	union eq_coef target[24], last[24];

	memset(last, 0, sizeof(last));
	for (uint32_t k = 0; k < 24; k++) {
		struct eq_band band = random_band();
		struct svf_section section[EQ_BAND_SECTIONS];

		eq_design(&band, rate_hz, section);
		target[k].of = svf_coef_of(section);
	}
	for (uint32_t cell = 0; cell < 20000; cell++) {
		bool here[24] = {false};

		if (cell % 7 == 0 || eq_list_has_left(&list)) {
			uint32_t keys[24], n = 0, dropped;

			for (uint32_t k = 0; k < 24; k++)
				if (test_random_below(3) == 0)
					keys[n++] = k;
			dropped = eq_list_merge(&list, scratch, keys, n, target, false);
			CHECK(list.n <= ROOM && dropped <= n);
		}
		if (cell % 11 == 0)
			eq_list_cut(&list, test_random());
		if (cell % 13 == 0)
			eq_list_glide(&list, 4, 20);
		eq_list_advance(&list, target, 0.2, false);
		for (uint32_t i = 0; i < list.n; i++) {
			const struct eq_slot *slot = &list.slot[i];

			CHECK(i == 0 || slot[-1].key < slot->key, "Q1");
			here[slot->key] = true;
			if (cell % 11)
				CHECK(slot->start.of.d0 == last[slot->key].of.d0, "key %u",
				      slot->key);
			last[slot->key] = slot->now;
		}
		for (uint32_t k = 0; k < 24; k++) {
			if (here[k])
				continue;
			CHECK(last[k].of.d0 == 0 && last[k].of.d1 == 0 && last[k].of.d2 == 0, "Q2");
		}
	}
}
