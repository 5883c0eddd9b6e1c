/* geq: the drawn curve is the curve. Valimaki, Liski, 2017: one section per band, errors below 1 dB. */
#include "node_host.h"
#include "test.h"

#define FRAMES 131072u
#define BANDS 31

static float in[2][FRAMES], out[2][FRAMES];
static struct mixd_value no_config;

static double geq_centre(int band)
{
	return 1000 * pow(10, (band - 17) / 10.0);
}

/* What the node says of itself: by its own sections, which geq_sounds_as_response_says compares
 * with what it does. */
static void geq_curve(const double *gain_db, double rate, const double *hz, uint32_t n, double *ret)
{
	node_host_type("geq", NULL)
		->response(&(struct mixd_response){.params = gain_db,
						   .config = &no_config,
						   .rate = rate,
						   .freq_hz = hz,
						   .n = n},
			   ret);
}

enum { ZIGZAG, STEP, ONE, ALL, LOWEST, HIGHEST, FIXED };

static void geq_setting(int kind, double most, double gain_db[BANDS])
{
	for (int b = 0; b < BANDS; b++)
		gain_db[b] = kind == ZIGZAG    ? (b % 2 ? most : -most)
			     : kind == STEP    ? (b < 15 ? most : -most)
			     : kind == ONE     ? (b == 20) * most
			     : kind == ALL     ? most
			     : kind == LOWEST  ? (b == 0) * most
			     : kind == HIGHEST ? (b == 30) * -most
			     : kind & 1	       ? (2 * test_random() - 1) * most
					       : (test_random() < 0.5 ? most : -most);
}

/* Highest error at centres, and how far the curve strays between two beyond both. */
static void geq_errors(double rate, double most, int n_bands, double *ret_centre, double *ret_stray)
{
	*ret_centre = *ret_stray = 0;
	for (int kind = 0; kind < FIXED + 60; kind++) {
		double gain[BANDS], hz[BANDS * 8], db[BANDS * 8];

		geq_setting(kind, most, gain);
		for (int i = 0; i < (n_bands - 1) * 8 + 1; i++)
			hz[i] = 1000 * pow(10, (i / 8.0 - 17) / 10);
		geq_curve(gain, rate, hz, (uint32_t)(n_bands - 1) * 8 + 1, db);
		for (int i = 0; i < (n_bands - 1) * 8 + 1; i++) {
			int b = i / 8;
			double high, low;

			if (i % 8 == 0) {
				*ret_centre = fmax(*ret_centre, fabs(db[i] - gain[b]));
				continue;
			}
			high = fmax(gain[b], gain[b + 1]);
			low = fmin(gain[b], gain[b + 1]);
			*ret_stray = fmax(*ret_stray, fmax(db[i] - high, low - db[i]));
		}
	}
}

TEST(geq_centres_are_as_drawn_whatever_is_drawn) /* goal: 0.5 .. 1 dB */
{
	static const double rates[] = {44100, 48000, 96000, 192000};

	for (int k = 0; k < 4; k++) {
		double centre, stray;

		geq_errors(rates[k], 12, BANDS, &centre, &stray);
		test_note("%g Hz, +-12 dB: %.4f dB off at centres, %.2f dB astray between",
			  rates[k], centre, stray);
		CHECK(centre <= 0.05 && stray <= 1);
	}
}

static struct node_host *geq_open(const double *gain_db, double rate)
{
	struct node_host *host = node_host_open("geq", &(struct node_host_setup){.rate = rate});

	for (int b = 0; b < BANDS; b++) {
		char id[16];

		snprintf(id, sizeof(id), "band%d.gain", b + 1);
		node_host_jump(host, 0, id, gain_db[b]);
	}
	return host;
}

static void geq_run(struct node_host *host, uint32_t at, uint32_t n)
{
	node_host_process(host, (const float *[]){in[0] + at, in[1] + at},
			  (float *[]){out[0] + at, out[1] + at}, n);
}

static double geq_measured_db(const float *x, double rate, double hz)
{
	long double re = 0, im = 0;

	for (uint32_t i = 0; i < FRAMES; i++) {
		if (x[i] == 0)
			continue;
		re += x[i] * cosl(2 * M_PI * hz / rate * i);
		im += x[i] * sinl(2 * M_PI * hz / rate * i);
	}
	return (double)(10 * log10l(re * re + im * im));
}

TEST(geq_sounds_as_response_says)
{
	double gain[BANDS], hz[12], db[12];

	geq_setting(FIXED + 1, 12, gain);
	for (int k = 0; k < 12; k++)
		hz[k] = 25 * pow(1.84, k);
	for (double rate = 44100; rate <= 48000; rate += 3900) {
		struct node_host *host = geq_open(gain, rate);

		memset(in, 0, sizeof(in));
		in[0][0] = 1;
		geq_run(host, 0, FRAMES);
		geq_curve(gain, rate, hz, 12, db);
		for (int k = 0; k < 12; k++)
			CHECK_NEAR(geq_measured_db(out[0], rate, hz[k]), db[k], 0.01);
		for (int b = 0; b < BANDS; b += 6)
			CHECK_NEAR(geq_measured_db(out[0], rate, geq_centre(b)), gain[b], 0.05);
		node_host_free(host);
	}
}

/* Moved there or set there: the same bits in the end. */
TEST(geq_does_not_remember_the_way)
{
	double gain[BANDS], flat[BANDS] = {0};
	static float other[FRAMES];
	struct node_host *host;

	geq_setting(FIXED + 1, 12, gain);
	memset(in, 0, sizeof(in));
	in[0][90000] = 1;
	host = geq_open(gain, 48000);
	geq_run(host, 0, FRAMES);
	memcpy(other, out[0], sizeof(other));
	node_host_free(host);
	host = geq_open(flat, 48000);
	for (int b = 0; b < BANDS; b++) {
		char id[16];

		snprintf(id, sizeof(id), "band%d.gain", b + 1);
		node_host_set(host, 0, id, gain[b]);
		geq_run(host, (uint32_t)b * 500, 500);
	}
	geq_run(host, 15500, FRAMES - 15500);
	CHECK(memcmp(out[0] + 20000, other + 20000, (FRAMES - 20000) * sizeof(float)) == 0);
	node_host_free(host);
}

TEST(geq_moves_without_clicks)
{
	double flat[BANDS] = {0}, most = 0;
	struct node_host *host = geq_open(flat, 48000);

	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] = (float)(0.1 * sin(2 * M_PI * 1000 / 48000.0 * i));
	for (uint32_t at = 0; at + 4800 <= FRAMES; at += 4800) {
		char id[16];

		for (uint32_t k = 0; k < 8; k++) {
			snprintf(id, sizeof(id), "band%u.gain", 1 + test_random_below(BANDS));
			node_host_set(host, 0, id, 24 * test_random() - 12);
		}
		geq_run(host, at, 4800);
	}
	/* up to 12 dB and some between: the slope of the loudest tone there can be */
	for (uint32_t i = 1; i < FRAMES - 4800; i++)
		most = fmax(most, fabs((double)out[0][i] - (double)out[0][i - 1]));
	CHECK(most < 0.1 * pow(10, 13 / 20.0) * 2 * M_PI * 1000 / 48000 * 1.05, "a step of %g",
	      most);
	node_host_free(host);
}

TEST(geq_flat_is_a_copy_also_afterwards)
{
	double flat[BANDS] = {0};
	struct node_host *host = geq_open(flat, 48000);

	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] = (float)(test_random() - 0.5);
	geq_run(host, 0, 1000);
	CHECK(memcmp(in[0], out[0], 1000 * sizeof(float)) == 0);
	node_host_set(host, 0, "band10.gain", 9);
	geq_run(host, 1000, 4000);
	node_host_set(host, 0, "band10.gain", 0);
	geq_run(host, 5000, 4000);
	CHECK(memcmp(in[1] + 7000, out[1] + 7000, 2000 * sizeof(float)) == 0);
	CHECK(!node_host_moving(host));
	node_host_free(host);
}

/* At 32 kHz there is no 16 kHz band; the others work. */
TEST(geq_leaves_out_what_the_rate_has_no_room_for)
{
	double centre, stray;

	geq_errors(32000, 12, 29, &centre, &stray);
	test_note("32 kHz: %.4f dB off at centres, %.2f dB astray", centre, stray);
	CHECK(centre <= 0.05);
}
