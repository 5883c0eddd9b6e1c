/* test_phase.c - phase: dsp.md 3.4. */
#include "node_host.h"
#include "test.h"

#define RATE 48000.0
#define FRAMES 65536u

static float in[2][FRAMES], out[2][FRAMES];

enum { IIR, FIR, VOICE };

static struct node_host *phase_open(int kind, double rate)
{
	struct node_host_config configs[] = {
		{"mode", kind == VOICE, NULL}, {"filter", kind == FIR, NULL}, {NULL, 0, NULL}};

	return node_host_open("phase", &(struct node_host_setup){.configs = configs, .rate = rate});
}

/* The impulse response into x = out[0]. */
static void phase_impulse(int kind, double rate, const char *id, double value)
{
	struct node_host *host = phase_open(kind, rate);

	memset(in, 0, sizeof(in));
	in[0][0] = 1;
	node_host_jump(host, 0, id, value);
	node_host_process(host, (const float *[]){in[0], in[1]}, (float *[]){out[0], out[1]},
			  FRAMES);
	node_host_free(host);
}

static void phase_at(const float *x, double rate, double hz, double *ret_db, double *ret_degrees)
{
	double re = 0, im = 0, wr = cos(2 * M_PI * hz / rate), wi = -sin(2 * M_PI * hz / rate);
	double cr = 1, ci = 0, next;

	for (uint32_t i = 0; i < FRAMES; i++) {
		re += (double)x[i] * cr;
		im += (double)x[i] * ci;
		next = cr * wr - ci * wi;
		ci = cr * wi + ci * wr;
		cr = next;
	}
	*ret_db = 10 * log10(re * re + im * im);
	*ret_degrees = atan2(im, re) * 180 / M_PI;
}

/* Magnitude flat and phase PHI against angle 0, from LOW_HZ to HIGH_HZ. */
static void phase_check(int kind, double rate, double low_hz, double high_hz, double tol_db,
			double tol_degrees)
{
	static const double angles[] = {30, 45, 90, 135, -60, 180};
	static float zero[FRAMES];
	double worst_db = 0, worst_degrees = 0;

	phase_impulse(kind, rate, "angle", 0);
	memcpy(zero, out[0], sizeof(zero));
	for (size_t a = 0; a < sizeof(angles) / sizeof(angles[0]); a++) {
		phase_impulse(kind, rate, "angle", angles[a]);
		for (double hz = low_hz; hz <= high_hz; hz *= 1.13) {
			double db, at, db_0, at_0;

			phase_at(zero, rate, hz, &db_0, &at_0);
			phase_at(out[0], rate, hz, &db, &at);
			worst_db = fmax(worst_db, fmax(fabs(db), fabs(db_0)));
			worst_degrees =
				fmax(worst_degrees, fabs(remainder(at - at_0 - angles[a], 360)));
		}
	}
	test_note("%s at %g Hz: magnitude within %.4f dB, phase within %.3f degrees",
		  kind == FIR ? "fir" : "iir", rate, worst_db, worst_degrees);
	CHECK(worst_db <= tol_db && worst_degrees <= tol_degrees);
}

TEST(phase_rotates_from_50_to_20000_hz) /* dsp.md 3.4: +-0.02 dB, +-0.7 degrees (IIR) */
{
	phase_check(IIR, RATE, 50, 20000, 0.02, 0.7);
	phase_check(IIR, 44100, 50, 20000, 0.02, 0.7);
	phase_check(IIR, 96000, 50, 20000, 0.02, 0.7);
	phase_check(IIR, 192000, 50, 20000, 0.02, 0.7);
}

TEST(phase_fir_rotates_above_200_hz) /* dsp.md 3.4: 511 taps, good above 200 Hz, latency 255 */
{
	struct node_host *host = phase_open(FIR, RATE);

	CHECK(node_host_latency(host) == 255);
	node_host_free(host);
	phase_check(FIR, RATE, 250, 20000, 0.02, 0.7);
}

TEST(phase_fir_of_0_is_a_delay_of_180_its_opposite)
{
	struct node_host *host = phase_open(FIR, RATE);

	for (uint32_t i = 0; i < 8192; i++)
		in[0][i] = in[1][i] = (float)(test_random() - 0.5);
	node_host_process(host, (const float *[]){in[0], in[1]}, (float *[]){out[0], out[1]}, 4096);
	CHECK(memcmp(out[0] + 255, in[0], 3800 * sizeof(float)) == 0);
	node_host_jump(host, 0, "angle", 180);
	node_host_process(host, (const float *[]){in[0] + 4096, in[1] + 4096},
			  (float *[]){out[0], out[1]}, 4096);
	for (uint32_t i = 255; i < 4096; i++)
		CHECK(out[0][i] == -in[0][4096 + i - 255]);
	node_host_free(host);
}

/* A first-order all-pass at f0 turns by -2 atan(f / f0); four of them. */
TEST(phase_voice_is_four_all_passes)
{
	double g = tan(M_PI * 200 / RATE);

	phase_impulse(VOICE, RATE, "freq", 200);
	for (double hz = 20; hz < 20000; hz *= 1.2) {
		double want = -8 * atan(tan(M_PI * hz / RATE) / g) * 180 / M_PI, db, at;

		phase_at(out[0], RATE, hz, &db, &at);
		CHECK(fabs(db) <= 0.02, "%g Hz: %g dB", hz, db);
		CHECK(fabs(remainder(at - want, 360)) < 0.1, "%g Hz: %g degrees, not %g", hz, at,
		      want);
	}
}

/* What it is for: a voice of harmonics in phase is much higher on one side. */
TEST(phase_voice_evens_out_a_lopsided_wave)
{
	struct node_host *host = phase_open(VOICE, RATE);
	double up = 0, down = 0, up_in = 0, down_in = 0;

	for (uint32_t i = 0; i < 24000; i++) {
		double x = 0;

		for (int h = 1; h <= 12; h++)
			x += 0.1 / sqrt(h) * cos(2 * M_PI * 120 * h / RATE * i);
		in[0][i] = in[1][i] = (float)x;
	}
	node_host_process(host, (const float *[]){in[0], in[1]}, (float *[]){out[0], out[1]},
			  24000);
	for (uint32_t i = 12000; i < 24000; i++) {
		up_in = fmax(up_in, (double)in[0][i]);
		down_in = fmax(down_in, -(double)in[0][i]);
		up = fmax(up, (double)out[0][i]);
		down = fmax(down, -(double)out[0][i]);
	}
	test_note("up/down %.2f before, %.2f after", up_in / down_in, up / down);
	CHECK(up_in / down_in > 2 && up / down < 1.35 && up / down > 0.74);
	CHECK(fmax(up, down) < 0.8 * up_in, "not lower: %g of %g", fmax(up, down), up_in);
	node_host_free(host);
}
