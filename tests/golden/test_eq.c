/* eq: dsp.md 4.1 and 2.6, on the node as the engine drives it. */
#include "node_host.h"
#include "test.h"

#define RATE 48000.0
#define MAX_FRAMES (1u << 19)

static float left[MAX_FRAMES], right[MAX_FRAMES], out_left[MAX_FRAMES], out_right[MAX_FRAMES];

static struct node_host *eq_open(void)
{
	return node_host_open("eq", &(struct node_host_setup){.rate = RATE});
}

static void eq_run(struct node_host *host, uint32_t first, uint32_t n)
{
	node_host_process(host, (const float *[]){left + first, right + first},
			  (float *[]){out_left + first, out_right + first}, n);
}

static void eq_band(struct node_host *host, uint32_t band, double type, double freq, double gain,
		    double q)
{
	char id[32];

	snprintf(id, sizeof(id), "band%u.type", band);
	node_host_jump(host, 0, id, type);
	snprintf(id, sizeof(id), "band%u.freq", band);
	node_host_jump(host, 0, id, freq);
	snprintf(id, sizeof(id), "band%u.gain", band);
	node_host_jump(host, 0, id, gain);
	snprintf(id, sizeof(id), "band%u.q", band);
	node_host_jump(host, 0, id, q);
	snprintf(id, sizeof(id), "band%u.on", band);
	node_host_jump(host, 0, id, 1);
}

static void sine(float *x, uint32_t n, double hz, double db)
{
	for (uint32_t i = 0; i < n; i++)
		x[i] = (float)(pow(10, db / 20) * sin(2 * M_PI * hz / RATE * i));
}

/* Magnitude at HZ of an impulse response of N frames. */
static double magnitude_db(const float *x, uint32_t n, double hz)
{
	double re = 0, im = 0, cr = 1, ci = 0, wr = cos(2 * M_PI * hz / RATE);
	double wi = sin(2 * M_PI * hz / RATE);

	for (uint32_t i = 0; i < n; i++) {
		double next = cr * wr - ci * wi;

		re += x[i] * cr;
		im -= x[i] * ci;
		ci = cr * wi + ci * wr;
		cr = next;
	}
	return 10 * log10(re * re + im * im + 1e-30);
}

/* What is left of X when the sine of HZ in it is taken away, relative to it, in dB. */
static double residue_db(const float *x, uint32_t n, double hz)
{
	double ss = 0, sc = 0, cc = 0, xs = 0, xc = 0, power = 0, rest = 0;

	for (uint32_t i = 0; i < n; i++) {
		double s = sin(2 * M_PI * hz / RATE * i), c = cos(2 * M_PI * hz / RATE * i);

		ss += s * s;
		sc += s * c;
		cc += c * c;
		xs += x[i] * s;
		xc += x[i] * c;
	}
	double det = ss * cc - sc * sc, a = (xs * cc - xc * sc) / det,
	       b = (xc * ss - xs * sc) / det;

	for (uint32_t i = 0; i < n; i++) {
		double fit = a * sin(2 * M_PI * hz / RATE * i) + b * cos(2 * M_PI * hz / RATE * i);

		power += fit * fit;
		rest += (x[i] - fit) * (x[i] - fit);
	}
	return 10 * log10(rest / power + 1e-30);
}

TEST(no_band_is_bit_exact)
{
	struct node_host *host = eq_open();

	for (uint32_t i = 0; i < 4096; i++) {
		left[i] = (float)(test_random() - 0.5);
		right[i] = (float)(test_random() - 0.5);
	}
	eq_run(host, 0, 4096);
	CHECK(memcmp(left, out_left, 4096 * sizeof(float)) == 0);
	CHECK(memcmp(right, out_right, 4096 * sizeof(float)) == 0);
	node_host_free(host);
}

TEST(sound_is_as_response_says)
{
	const struct mixd_node_type *type = node_host_type("eq", NULL);
	uint32_t n_params = node_host_n_params(type);
	double *value = calloc(n_params, sizeof(*value)), worst = 0;
	struct node_host *host = eq_open();

	eq_band(host, 1, 0, 60, 9, 2);
	eq_band(host, 2, 1, 200, -6, M_SQRT1_2);
	eq_band(host, 3, 2, 9000, 5, M_SQRT1_2);
	eq_band(host, 4, 3, 15000, 0, 1);
	eq_band(host, 5, 8, 650, 2, 1);
	eq_band(host, 6, 0, 3000, -9, 5);
	eq_band(host, 7, 0, 5000, -9, 5);
	node_host_jump(host, 0, "band6.channel", 1);
	node_host_jump(host, 0, "band7.channel", 3);
	node_host_jump(host, 0, "output", -3);
	for (uint32_t p = 0; p < n_params; p++)
		node_host_param(type, p, NULL, &value[p]);
	static const struct {
		const char *id;
		double value;
	} set[] = {{"band1.on", 1},	  {"band1.type", 0},	{"band1.freq", 60},
		   {"band1.gain", 9},	  {"band1.q", 2},	{"band2.on", 1},
		   {"band2.type", 1},	  {"band2.freq", 200},	{"band2.gain", -6},
		   {"band3.on", 1},	  {"band3.type", 2},	{"band3.freq", 9000},
		   {"band3.gain", 5},	  {"band4.on", 1},	{"band4.type", 3},
		   {"band4.freq", 15000}, {"band4.q", 1},	{"band5.on", 1},
		   {"band5.type", 8},	  {"band5.freq", 650},	{"band5.gain", 2},
		   {"band5.q", 1},	  {"band6.on", 1},	{"band6.freq", 3000},
		   {"band6.gain", -9},	  {"band6.q", 5},	{"band6.channel", 1},
		   {"band7.on", 1},	  {"band7.freq", 5000}, {"band7.gain", -9},
		   {"band7.q", 5},	  {"band7.channel", 3}, {"output", -3}};

	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++)
		for (uint32_t p = 0; p < n_params; p++) {
			char id[64];

			node_host_param(type, p, id, NULL);
			if (strcmp(id, set[i].id) == 0)
				value[p] = set[i].value;
		}
	memset(left, 0, sizeof(left));
	memset(right, 0, sizeof(right));
	left[0] = 1;
	eq_run(host, 0, 1u << 16);
	for (double hz = 20; hz < 20000; hz *= 1.3) {
		double want;

		type->response(
			&(struct mixd_response){
				.params = value, .rate = RATE, .freq_hz = &hz, .n = 1},
			&want);
		worst = fmax(worst, fabs(magnitude_db(out_left, 1u << 16, hz) - want));
	}
	test_note("worst %.2g dB", worst);
	CHECK(worst < 0.005, "%g dB", worst);
	free(value);
	node_host_free(host);
}

TEST(noise_floor_is_that_of_f32)
{
	struct node_host *host = eq_open();
	double residue;

	eq_band(host, 1, 0, 20, 12, 10);
	sine(left, MAX_FRAMES, 1000, -1);
	eq_run(host, 0, MAX_FRAMES);
	residue = residue_db(out_left + MAX_FRAMES - (1u << 16), 1u << 16, 1000);
	/* The input itself is rounded to f32. */
	test_note("THD+N %.1f dB", residue);
	CHECK(residue <= -138, "%.1f dB", residue);
	node_host_free(host);
}

static double largest_step(const float *x, uint32_t n)
{
	double most = 0;

	for (uint32_t i = 1; i < n; i++)
		most = fmax(most, fabs((double)x[i] - x[i - 1]));
	return most;
}

/* dsp.md 2.6: no sample step above three times the steady maximum. */
TEST(automation_does_not_click)
{
	static const struct {
		const char *id;
		double from, to, ms;
	} moves[] = {{"band1.freq", 20, 20000, 50}, {"band1.freq", 20000, 20, 10},
		     {"band1.gain", -24, 24, 10},   {"band1.q", 0.1, 40, 10},
		     {"band1.type", 0, 4, 0},	    {"band1.type", 4, 3, 0},
		     {"band1.slope", 1, 7, 0},	    {"band1.on", 1, 0, 0},
		     {"band1.on", 0, 1, 0},	    {"band1.channel", 0, 3, 0},
		     {"band1.channel", 4, 1, 0},    {"output", 0, 12, 10}};

	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
		struct node_host *host = eq_open();
		double before, during, after;

		sine(left, 48000, 997, -6);
		sine(right, 48000, 997, -6);
		eq_band(host, 1, 0, 997, 12, 1);
		node_host_jump(host, 0, moves[i].id, moves[i].from);
		eq_run(host, 0, 20007);
		node_host_ramp(host, 0, moves[i].id, moves[i].to, moves[i].ms);
		eq_run(host, 20007, 27993);
		before = largest_step(out_left + 15000, 5000);
		during = largest_step(out_left + 20000, 6000);
		after = largest_step(out_left + 40000, 8000);
		test_note("%s %g..%g: %.4f, %.4f, %.4f", moves[i].id, moves[i].from, moves[i].to,
			  before, during, after);
		/* A bell passing over the tone lifts it by its gain: four times. */
		double bound = fmax(fmax(before, after), 0.065 * 4);

		CHECK(during <= 3 * bound, "%s: %g, steady %g", moves[i].id, during, bound);
		node_host_free(host);
	}
}

/* dsp.md 2.6, gain-type params: a step of 20 dB over 20 ms on a full-scale tone. */
TEST(gain_ramp_leaves_no_sidebands)
{
	struct node_host *host = eq_open();
	double worst = -200;
	uint32_t n = 1u << 15;

	eq_band(host, 1, 0, 1000, 0, 1);
	sine(left, n, 1000, 0);
	eq_run(host, 0, n / 2);
	node_host_ramp(host, 0, "band1.gain", -20, 20);
	eq_run(host, n / 2, n / 2);
	/* Blackman-Harris, as far as 500 Hz from the tone. */
	for (uint32_t i = 0; i < n; i++) {
		double x = 2 * M_PI * i / n;

		out_left[i] *= (float)(0.35875 - 0.48829 * cos(x) + 0.14128 * cos(2 * x) -
				       0.01168 * cos(3 * x));
	}
	for (double hz = 1500; hz < 20000; hz += 93.75)
		worst = fmax(worst, magnitude_db(out_left, n, hz) - 20 * log10(0.35875 * n / 2));
	test_note("largest line beyond 500 Hz: %.1f dBFS", worst);
	CHECK(worst <= -88, "%.1f dBFS", worst);
	node_host_free(host);
}

TEST(bands_work_where_they_are_told)
{
	static const char *const names[] = {"stereo", "left", "right", "mid", "side"};
	/* Change in dB of: a left-only tone, a right-only, a mid, a side. */
	static const bool touched[5][4] = {
		{1, 1, 1, 1}, {1, 0, 1, 1}, {0, 1, 1, 1}, {1, 1, 1, 0}, {1, 1, 0, 1}};
	static const double pan[4][2] = {{1, 0}, {0, 1}, {1, 1}, {1, -1}};

	for (uint32_t channel = 0; channel < 5; channel++) {
		for (uint32_t source = 0; source < 4; source++) {
			struct node_host *host = eq_open();
			double change = 0;

			eq_band(host, 1, 0, 1000, 12, 1);
			node_host_jump(host, 0, "band1.channel", channel);
			sine(left, 8192, 1000, -20);
			for (uint32_t i = 0; i < 8192; i++) {
				right[i] = (float)(left[i] * pan[source][1]);
				left[i] = (float)(left[i] * pan[source][0]);
			}
			eq_run(host, 0, 8192);
			for (uint32_t i = 0; i < 8192; i++)
				change = fmax(change, fmax(fabs((double)out_left[i] - left[i]),
							   fabs((double)out_right[i] - right[i])));
			CHECK((change > 0.01) == touched[channel][source],
			      "%s, source %u: change %g", names[channel], source, change);
			if (!touched[channel][source])
				CHECK(change < 1e-7, "%s: %g", names[channel], change);
			node_host_free(host);
		}
	}
}

TEST(auto_gain_takes_back_what_was_added)
{
	struct node_host *host = eq_open();

	eq_band(host, 1, 1, 24000, 6, M_SQRT1_2); /* nearly all of the spectrum */
	node_host_jump(host, 0, "auto_gain", 1);
	eq_run(host, 0, 128);
	test_note("makeup %.2f dB", node_host_meter(host, 0, "makeup"));
	CHECK_NEAR(node_host_meter(host, 0, "makeup"), -6, 0.3);
	node_host_jump(host, 0, "band1.on", 0);
	node_host_set(host, 0, "auto_gain", 0);
	eq_run(host, 128, 4096);
	CHECK_NEAR(node_host_meter(host, 0, "makeup"), 0, 1e-9);
	node_host_free(host);
}

TEST(room_is_counted)
{
	struct node_host_config configs[] = {{"sections", 8, NULL}, {NULL, 0, NULL}};
	struct node_host *host =
		node_host_open("eq", &(struct node_host_setup){.rate = RATE, .configs = configs});
	char id[32];

	for (uint32_t b = 1; b <= 10; b++) {
		snprintf(id, sizeof(id), "band%u.on", b);
		eq_band(host, b, 0, 100 * b, 3, 1);
	}
	eq_run(host, 0, 128);
	CHECK_NEAR(node_host_meter(host, 0, "dropped"), 2, 0);
	/* When two leave, the two that waited come in. */
	node_host_set(host, 0, "band1.on", 0);
	node_host_set(host, 0, "band2.on", 0);
	eq_run(host, 128, 8192);
	CHECK_NEAR(node_host_meter(host, 0, "dropped"), 0, 0);
	CHECK(!node_host_moving(host));
	node_host_free(host);
}
