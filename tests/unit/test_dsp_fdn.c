/* test_dsp_fdn.c - the delay network's arithmetic: against plain C, and what must hold for any. */
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
		fdn_process(fdn, inject, row, n);
		fdn_process_plain(plain, inject, plain_row, n);
		for (uint32_t l = 0; l < FDN_LINES; l++)
			for (uint32_t i = 0; i < n; i++) {
				highest = fmax(highest, fabs((double)plain_row[l][i]));
				worst = fmax(worst,
					     fabs((double)row[l][i] - (double)plain_row[l][i]));
			}
	}
	test_note("differ by %.2g of %.2g", worst, highest);
	CHECK(worst <= 2e-6 * highest);
	network_free(fdn);
	network_free(plain);
}

TEST(fdn_without_loss_keeps_its_energy)
{
	struct fdn *fdn = network_new(RATE, INFINITY, 0);
	double energy[2] = {0, 0};

	for (uint32_t block = 0; block < 22500; block++) { /* one minute */
		network_noise(block < 100 ? 1 : 0);
		fdn_process(fdn, inject, row, FDN_BLOCK);
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
				CHECK(length[a] >= FDN_BLOCK + SWAY_REACH, "%u", length[a]);
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

	diffuser_init(diffuser, RATE, 1, memory);
	for (double amount = 0; amount <= 1; amount += 0.25) {
		double in = 0, out = 0;

		diffuser_reset(diffuser);
		diffuser_set(diffuser, amount);
		for (uint32_t block = 0; block < 200; block++) {
			network_noise(block < 100 ? 1 : 0);
			for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++)
				for (uint32_t i = 0; i < FDN_BLOCK; i++)
					in += (double)inject[c][i] * (double)inject[c][i];
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

TEST(a_sway_without_depth_copies)
{
	struct fdn *fdn = network_new(RATE, INFINITY, 0);

	network_noise(0);
	inject[0][0] = 1;
	for (uint32_t block = 0; block < 40; block++) {
		fdn_process(fdn, inject, row, FDN_BLOCK);
		inject[0][0] = 0;
		for (uint32_t i = 0; i < FDN_BLOCK; i++) {
			uint32_t at = block * FDN_BLOCK + i, length = fdn->length[0];

			/* The shortest line first: its echo is 1 / sqrt(2) / 4 in every row. */
			if (at < length)
				CHECK(row[0][i] == 0, "%g at %u", (double)row[0][i], at);
			if (at == length)
				CHECK_NEAR((double)row[0][i], M_SQRT1_2 / 4, 1e-7);
		}
	}
	network_free(fdn);
}
