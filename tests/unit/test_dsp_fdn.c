/* test_dsp_fdn.c - the delay network's arithmetic: against plain C, and what must hold for any. */
#include <complex.h>

#include "diffuser.h"
#include "fdn.h"
#include "test.h"

#define RATE 48000.0

static float inject[DIFFUSER_CHANNELS][FDN_BLOCK], row[FDN_LINES][FDN_BLOCK];
static float plain_row[FDN_LINES][FDN_BLOCK];

static struct fdn *network_new(double rate, double t60_s, double depth)
{
	struct fdn *fdn = aligned_alloc(64, (sizeof(*fdn) + 63) / 64 * 64);
	struct fdn_decay decay = {t60_s, 1.3, 250, 0.6, 4000};

	*fdn = (struct fdn){0};
	fdn_init(fdn, rate, 1, calloc(fdn_memory(rate, 1), sizeof(float)));
	fdn_set_decay(fdn, &decay);
	fdn_set_modulation(fdn, depth, 0.7);
	return fdn;
}

static void network_free(struct fdn *fdn)
{
	free(fdn->line[0].sample);
	free(fdn);
}

static void network_noise(double level)
{
	for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++)
		for (uint32_t i = 0; i < FDN_BLOCK; i++)
			inject[c][i] = (float)(level * (test_random() - 0.5));
}

TEST(fdn_vectors_and_plain_c_agree)
{
	struct fdn *fdn = network_new(RATE, 1, 6), *plain = network_new(RATE, 1, 6);
	double worst = 0, highest = 0;

	for (uint32_t block = 0; block < 400; block++) {
		uint32_t n = 1 + test_random_below(FDN_BLOCK);

		network_noise(block < 200 ? 1 : 0);
		fdn_process(fdn, inject, row, FDN_ALL_ROWS, n);
		fdn_process_plain(plain, inject, plain_row, n);
		for (uint32_t l = 0; l < FDN_LINES; l++)
			for (uint32_t i = 0; i < n; i++) {
				highest = fmax(highest, fabs((double)plain_row[l][i]));
				worst = fmax(worst,
					     fabs((double)row[l][i] - (double)plain_row[l][i]));
			}
	}
	test_note("differ by %.2g of %.2g", worst, highest);
	CHECK(worst == 0);
	network_free(fdn);
	network_free(plain);
}

/* The gain of LINE in dB at W radians per frame, of the numbers that are in use. */
static double absorber_db(const struct fdn *fdn, uint32_t line, double w)
{
	double complex z = cexp(-I * w), gain = 4; /* Hadamard's quarter stands in it */

	for (uint32_t s = 0; s < 6; s += 3) {
		double b0 = (double)fdn->coef[s][line], c = (double)fdn->coef[s + 1][line];

		gain *= b0 + c * z / (1 - (double)fdn->coef[s + 2][line] * z);
	}
	return 20 * log10(cabs(gain));
}

/* Filters in f32 whose poles lie near 1: the longest decays at the lowest corner, at all rates. */
TEST(fdn_absorbs_what_is_asked_for_though_in_f32)
{
	static const double rates[] = {8000, 48000, 192000, 384000};
	static const struct fdn_decay decays[] = {{30, 4, 40, 0.5, 5000}, {30, 0.25, 40, 2, 500}};
	double worst = 0;

	for (uint32_t r = 0; r < 4; r++)
		for (uint32_t d = 0; d < 2; d++) {
			struct fdn *fdn = network_new(rates[r], 1, 0);

			fdn_set_decay(fdn, &decays[d]);
			for (uint32_t l = 0; l < FDN_LINES; l++) {
				double db = -60.0 * fdn->length[l] / rates[r] / decays[d].t60_s;
				double low = absorber_db(fdn, l, 0) * decays[d].low_ratio;
				double high = absorber_db(fdn, l, M_PI) * decays[d].high_ratio;

				worst = fmax(worst, fmax(fabs(low / db - 1), fabs(high / db - 1)));
			}
			network_free(fdn);
		}
	test_note("T60 is off by %.2g %%", 100 * worst);
	CHECK(worst < 0.001);
}

/* The network in f64, lines and all, with the same numbers. */
#define EXACT_FRAMES 16384u

struct exact {
	double line[FDN_LINES][EXACT_FRAMES], state[2][FDN_LINES];
	uint32_t position;
};

static void exact_frame(struct exact *exact, const struct fdn *fdn, uint32_t i, double *ret)
{
	double x[FDN_LINES];

	for (uint32_t l = 0; l < FDN_LINES; l++) {
		double in = exact->line[l][(exact->position - fdn->length[l]) % EXACT_FRAMES], mid;

		mid = (double)fdn->coef[0][l] * in + exact->state[0][l];
		x[l] = (double)fdn->coef[3][l] * mid + exact->state[1][l];
		exact->state[0][l] =
			(double)fdn->coef[1][l] * in + (double)fdn->coef[2][l] * exact->state[0][l];
		exact->state[1][l] = (double)fdn->coef[4][l] * mid +
				     (double)fdn->coef[5][l] * exact->state[1][l];
	}
	for (uint32_t l = 0; l < FDN_LINES; l++) {
		ret[l] = 0;
		for (uint32_t k = 0; k < FDN_LINES; k++)
			ret[l] += __builtin_parity(k & l) ? -x[k] : x[k];
		exact->line[l][exact->position % EXACT_FRAMES] =
			ret[l] + (l < 8 ? 1 : -1) * (double)inject[l % 8][i];
	}
	exact->position++;
}

/* After ten seconds of a decay of thirty, all rounding that ever entered still sounds. */
TEST(fdn_in_f32_is_quiet)
{
	struct fdn *fdn = network_new(RATE, 30, 0);
	struct exact *exact = calloc(1, sizeof(*exact));
	double noise = 0, sound = 0;

	fdn_set_decay(fdn, &(struct fdn_decay){30, 4, 40, 0.5, 5000});
	for (uint32_t block = 0; block < 3750; block++) {
		network_noise(1);
		fdn_process(fdn, inject, row, FDN_ALL_ROWS, FDN_BLOCK);
		for (uint32_t i = 0; i < FDN_BLOCK; i++) {
			double want[FDN_LINES];

			exact_frame(exact, fdn, i, want);
			for (uint32_t l = 0; l < FDN_LINES && block >= 3000; l++) {
				noise += pow((double)row[l][i] - want[l], 2);
				sound += want[l] * want[l];
			}
		}
	}
	test_note("noise at %.1f dB", 10 * log10(noise / sound));
	CHECK(10 * log10(noise / sound) < -120);
	free(exact);
	network_free(fdn);
}

/* Between the knots the weights move straight: at the fastest and deepest that a reverb sways, what
 * differs from a sine delayed without fault is the interpolator's own. */
TEST(swaying_reads_are_those_of_a_swaying_delay)
{
	static float ring[1024 + BLOCKRING_MIRROR], out[SWAYBANK_KNOT + SWAYBANK_OVER];
	static const uint32_t length[SWAYBANK_LINES] = {300, 301, 302, 303, 304, 305, 306, 307};
	const struct blockring line = {ring, 1023};
	struct swaybank *bank = aligned_alloc(64, (sizeof(*bank) + 63) / 64 * 64);
	const double w = 2 * M_PI * 8000 / RATE;
	double error = 0, power = 0;

	swaybank_reset(bank, length);
	for (uint32_t k = 0; k < SWAYBANK_LINES; k++)
		swaybank_set_rate(bank, k, 3, RATE);
	for (uint32_t i = 0; i < 1024 + BLOCKRING_MIRROR; i++)
		ring[i] = (float)sin(w * (i % 1024));
	for (uint32_t knot = 0; knot < 1000; knot++) {
		swaybank_knot(bank, length, 8);
		for (uint32_t k = 0; k < SWAYBANK_LINES && knot > 1; k++) {
			/* where the phasor stood at both knots */
			double turn = 2 * M_PI * 3 * SWAYBANK_KNOT / RATE;
			double phase = 2 * M_PI * k * 3.0 / SWAYBANK_LINES;
			double from = length[k] + 8 * sin(phase + turn * (knot - 1));
			double to = length[k] + 8 * sin(phase + turn * knot);

			swaybank_read(bank, k, &line, 600, 0, SWAYBANK_KNOT, out);
			for (uint32_t i = 0; i < SWAYBANK_KNOT; i++) {
				double delay = from + (to - from) * i / SWAYBANK_KNOT;
				double want = sin(w * (600 + i - delay));

				error += pow((double)out[i] - want, 2);
				power += want * want;
			}
		}
	}
	test_note("differs by %.1f dB at 8 kHz", 10 * log10(error / power));
	CHECK(10 * log10(error / power) < -46);
	free(bank);
}

TEST(fdn_without_loss_keeps_its_energy)
{
	struct fdn *fdn = network_new(RATE, INFINITY, 0);
	double energy[2] = {0, 0};

	for (uint32_t block = 0; block < 22500; block++) { /* one minute */
		network_noise(block < 100 ? 1 : 0);
		fdn_process(fdn, inject, row, FDN_ALL_ROWS, FDN_BLOCK);
		for (uint32_t l = 0; l < FDN_LINES; l++)
			for (uint32_t i = 0; i < FDN_BLOCK; i++)
				if ((block >= 200 && block < 1700) || block >= 21000)
					energy[block >= 21000] +=
						(double)row[l][i] * (double)row[l][i];
	}
	test_note("%+.5f dB in a minute", 10 * log10(energy[1] / energy[0]));
	CHECK_NEAR(10 * log10(energy[1] / energy[0]), 0, 0.1);
	network_free(fdn);
}

TEST(fdn_lengths_are_mutually_prime_and_longer_than_a_block)
{
	static const double rates[] = {8000, 44100, 48000, 96000, 192000, 384000};

	for (uint32_t r = 0; r < 6; r++)
		for (double scale = 0.2; scale <= 2; scale += 0.3) {
			uint32_t length[FDN_LINES];

			fdn_lengths(rates[r], scale, length);
			for (uint32_t a = 0; a < FDN_LINES; a++) {
				CHECK(length[a] >= FDN_BLOCK + SWAYBANK_REACH, "%u", length[a]);
				for (uint32_t b = 0; b < a; b++) {
					uint32_t x = length[a], y = length[b];

					while (y) {
						uint32_t rest = x % y;

						x = y;
						y = rest;
					}
					CHECK(x == 1, "%u and %u share %u", length[a], length[b],
					      x);
				}
			}
		}
}

TEST(diffuser_keeps_energy_at_any_amount)
{
	struct diffuser *diffuser = calloc(1, sizeof(*diffuser));
	float *memory = calloc(diffuser_memory(RATE, 1), sizeof(*memory));

	diffuser_init(diffuser, RATE, 1, DIFFUSER_CHANNELS, memory);
	for (double amount = 0; amount <= 1; amount += 0.25) {
		double in = 0, out = 0;

		diffuser_reset(diffuser);
		diffuser_set(diffuser, amount);
		for (uint32_t block = 0; block < 200; block++) {
			network_noise(block < 100 ? 1 : 0);
			for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++)
				for (uint32_t i = 0; i < FDN_BLOCK; i++)
					in += (double)inject[c][i] * (double)inject[c][i];
			for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++)
				memcpy(diffuser_entry(diffuser, c), inject[c], sizeof(inject[c]));
			diffuser_process(diffuser, inject, FDN_BLOCK);
			for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++)
				for (uint32_t i = 0; i < FDN_BLOCK; i++)
					out += (double)inject[c][i] * (double)inject[c][i];
		}
		CHECK_NEAR(10 * log10(out / in), 0, 1e-4);
	}
	free(memory);
	free(diffuser);
}

/* Where in its memory sound stands is not heard; which signals share an entry neither. */
TEST(alignment_and_shared_entries_give_the_same_bits)
{
	static float twin[DIFFUSER_CHANNELS][DIFFUSER_BLOCK];
	struct fdn *fdn = network_new(RATE, 1, 6), *aligned = network_new(RATE, 1, 6);
	struct diffuser *diffuser[2];
	float *memory[2];

	memset(plain_row, 0, sizeof(plain_row));
	for (uint32_t k = 0; k < 2; k++) {
		diffuser[k] = calloc(1, sizeof(**diffuser));
		memory[k] = calloc(diffuser_memory(RATE, 1), sizeof(float));
		diffuser_init(diffuser[k], RATE, 1, k ? 3 : DIFFUSER_CHANNELS, memory[k]);
		diffuser_set(diffuser[k], 0.7);
	}
	fdn_align(aligned, 77);
	diffuser_align(diffuser[1], 77);
	for (uint32_t block = 0; block < 200; block++) {
		uint32_t n = 1 + test_random_below(FDN_BLOCK);

		network_noise(1);
		for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++)
			memcpy(diffuser_entry(diffuser[0], c), inject[c % 3], n * sizeof(float));
		for (uint32_t c = 0; c < 3; c++)
			memcpy(diffuser_entry(diffuser[1], c), inject[c], n * sizeof(float));
		diffuser_process(diffuser[0], inject, n);
		diffuser_process(diffuser[1], twin, n);
		fdn_process(fdn, inject, row, FDN_ALL_ROWS, n);
		fdn_process(aligned, twin, plain_row, 1u << 3 | 1u << 12, n);
		for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++)
			CHECK(memcmp(inject[c], twin[c], n * sizeof(float)) == 0, "channel %u", c);
		CHECK(memcmp(row[3], plain_row[3], n * sizeof(float)) == 0 &&
		      memcmp(row[12], plain_row[12], n * sizeof(float)) == 0);
		CHECK(plain_row[5][0] == 0, "a row that nobody wants is written");
	}
	for (uint32_t k = 0; k < 2; k++) {
		free(memory[k]);
		free(diffuser[k]);
	}
	network_free(fdn);
	network_free(aligned);
}

TEST(a_sway_without_depth_copies)
{
	struct fdn *fdn = network_new(RATE, INFINITY, 0);

	network_noise(0);
	inject[0][0] = 1;
	for (uint32_t block = 0; block < 40; block++) {
		fdn_process(fdn, inject, row, FDN_ALL_ROWS, FDN_BLOCK);
		inject[0][0] = 0;
		for (uint32_t i = 0; i < FDN_BLOCK; i++) {
			uint32_t at = block * FDN_BLOCK + i, length = fdn->length[0];

			/* The shortest line first: its echo is 1 / 4 in every row. */
			if (at < length)
				CHECK(row[0][i] == 0, "%g at %u", (double)row[0][i], at);
			if (at == length)
				CHECK_NEAR((double)row[0][i], 0.25, 1e-7);
		}
	}
	network_free(fdn);
}
