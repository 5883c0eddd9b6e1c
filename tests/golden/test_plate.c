/* test_plate.c - the plate against the paper (Dattorro, JAES 45(9), 1997). */
#include "ir.h"
#include "node_host.h"
#include "test.h"

#define PAPER_RATE 29761.0
#define FRAMES (1u << 17)

static float input[2][FRAMES], output[2][FRAMES];

static struct node_host *plate_open(double rate, double decay_s)
{
	struct node_host *host = node_host_open("plate", &(struct node_host_setup){.rate = rate});

	node_host_jump(host, 0, "mix", 100);
	node_host_jump(host, 0, "predelay", 0);
	node_host_jump(host, 0, "mod_depth", 0);
	node_host_jump(host, 0, "low_cut", 10);
	node_host_jump(host, 0, "high_cut", 20000);
	node_host_jump(host, 0, "damping", 20000);
	node_host_jump(host, 0, "decay", decay_s);
	return host;
}

static void plate_run(struct node_host *host)
{
	const float *in[2] = {input[0], input[1]};
	float *out[2] = {output[0], output[1]};

	node_host_process(host, in, out, FRAMES);
}

static void plate_impulse(struct node_host *host)
{
	memset(input, 0, sizeof(input));
	input[0][0] = input[1][0] = 1;
	plate_run(host);
}

/* ---- the paper's figure, sample by sample in f64 ---- */

#define LINE_MAX 8192u

struct line {
	double x[LINE_MAX];
	uint32_t at, length;
};

static double line_tap(const struct line *line, uint32_t back)
{
	return line->x[(line->at - back) % LINE_MAX];
}

static double line_push(struct line *line, double x)
{
	double out = line->x[(line->at - line->length) % LINE_MAX];

	line->x[line->at % LINE_MAX] = x;
	return out;
}

static double pass_push(struct line *line, double x, double gain)
{
	double delayed = line->x[(line->at - line->length) % LINE_MAX], v = x - gain * delayed;

	line->x[line->at % LINE_MAX] = v;
	return delayed + gain * v;
}

struct paper {
	struct line in[4], sway[2], first[2], pass[2], second[2];
	double damped[2], decay, damping;
};

static void paper_frame(struct paper *p, double x, double *ret_left, double *ret_right)
{
	static const double gain[4] = {0.75, 0.75, 0.625, 0.625};
	double spread = fmin(fmax(p->decay + 0.15, 0.25), 0.5), end[2];

	for (uint32_t k = 0; k < 4; k++)
		x = pass_push(&p->in[k], x, gain[k]);
	end[0] = line_tap(&p->second[1], p->second[1].length);
	end[1] = line_tap(&p->second[0], p->second[0].length);
	for (uint32_t side = 0; side < 2; side++) {
		double y = pass_push(&p->sway[side], x + p->decay * end[side], -0.7);

		y = line_push(&p->first[side], y);
		p->damped[side] = (1 - p->damping) * y + p->damping * p->damped[side];
		y = pass_push(&p->pass[side], p->decay * p->damped[side], spread);
		line_push(&p->second[side], y);
	}
	*ret_left = 0.6 * (line_tap(&p->first[1], 266) + line_tap(&p->first[1], 2974) -
			   line_tap(&p->pass[1], 1913) + line_tap(&p->second[1], 1996) -
			   line_tap(&p->first[0], 1990) - line_tap(&p->pass[0], 187) -
			   line_tap(&p->second[0], 1066));
	*ret_right = 0.6 * (line_tap(&p->first[0], 353) + line_tap(&p->first[0], 3627) -
			    line_tap(&p->pass[0], 1228) + line_tap(&p->second[0], 2673) -
			    line_tap(&p->first[1], 2111) - line_tap(&p->pass[1], 335) -
			    line_tap(&p->second[1], 121));
	for (uint32_t k = 0; k < 4; k++)
		p->in[k].at++;
	for (uint32_t side = 0; side < 2; side++)
		p->sway[side].at = ++p->first[side].at,
		p->pass[side].at = p->second[side].at = p->first[side].at;
}

static struct paper *paper_new(double decay, double damping)
{
	static const uint32_t in[4] = {142, 107, 379, 277};
	static const uint32_t tank[2][4] = {{672, 4453, 1800, 3720}, {908, 4217, 2656, 3163}};
	struct paper *paper = calloc(1, sizeof(*paper));

	for (uint32_t k = 0; k < 4; k++)
		paper->in[k].length = in[k];
	for (uint32_t side = 0; side < 2; side++) {
		paper->sway[side].length = tank[side][0];
		paper->first[side].length = tank[side][1];
		paper->pass[side].length = tank[side][2];
		paper->second[side].length = tank[side][3];
	}
	paper->decay = decay;
	paper->damping = damping;
	return paper;
}

/* What the two cuts at the entry do, in f64: bilinear first-order sections. */
static void entry_filter(double *x, uint32_t n, double hz, bool low_cut)
{
	double w = tan(M_PI * fmin(hz / PAPER_RATE, 0.49)), a1 = (w - 1) / (1 + w), last = 0, y = 0;

	for (uint32_t i = 0; i < n; i++) {
		double in = x[i];

		y = (low_cut ? in - last : w * (in + last)) / (1 + w) - a1 * y;
		last = in;
		x[i] = y;
	}
}

TEST(plate_is_the_papers_figure)
{
	double decay_s = 1.7, decay = pow(10, -0.75 * 21589 / PAPER_RATE / decay_s);
	double damping = exp(-2 * M_PI * 0.49), worst = 0, highest = 0;
	struct paper *paper = paper_new(decay, damping);
	struct node_host *host = plate_open(PAPER_RATE, decay_s);
	double *x = calloc(FRAMES, sizeof(*x));

	for (uint32_t i = 0; i < FRAMES; i++) {
		input[0][i] = i < 4000 ? (float)(test_random() - 0.5) : 0;
		input[1][i] = i < 4000 ? (float)(test_random() - 0.5) : 0;
		x[i] = 0.5 * ((double)input[0][i] + (double)input[1][i]);
	}
	plate_run(host);
	entry_filter(x, FRAMES, 10, true);
	entry_filter(x, FRAMES, 20000, false);
	for (uint32_t i = 0; i < FRAMES; i++) {
		double left, right;

		paper_frame(paper, x[i], &left, &right);
		highest = fmax(highest, fmax(fabs(left), fabs(right)));
		worst = fmax(worst, fmax(fabs(left - (double)output[0][i]),
					 fabs(right - (double)output[1][i])));
	}
	test_note("differs by %.2g of %.2g", worst, highest);
	CHECK(worst <= 1e-5 * highest);
	free(paper);
	free(x);
	node_host_free(host);
}

/* Without diffusion every all-pass is a delay: each tap of table 2 gives an echo of its sign at the
 * sum of the delays before it. */
TEST(every_tap_is_at_its_sample)
{
	static const struct {
		uint32_t side, at, back;
		int sign;
	} taps[] = {
		{0, 905 + 908, 266, 1},
		{0, 905 + 908, 2974, 1},
		{0, 905 + 908 + 4217, 1913, -1},
		{0, 905 + 908 + 4217 + 2656, 1996, 1},
		{0, 905 + 672, 1990, -1},
		{0, 905 + 672 + 4453, 187, -1},
		{0, 905 + 672 + 4453 + 1800, 1066, -1},
		{1, 905 + 672, 353, 1},
		{1, 905 + 672, 3627, 1},
		{1, 905 + 672 + 4453, 1228, -1},
		{1, 905 + 672 + 4453 + 1800, 2673, 1},
		{1, 905 + 908, 2111, -1},
		{1, 905 + 908 + 4217, 335, -1},
		{1, 905 + 908 + 4217 + 2656, 121, -1},
	};
	struct node_host *host = plate_open(PAPER_RATE, 20);

	node_host_jump(host, 0, "diffusion", 0);
	plate_impulse(host);
	for (uint32_t t = 0; t < sizeof(taps) / sizeof(taps[0]); t++) {
		uint32_t at = taps[t].at + taps[t].back, highest = at;
		const float *x = output[taps[t].side];

		for (uint32_t i = at - 40; i < at + 40; i++)
			if (fabsf(x[i]) > fabsf(x[highest]))
				highest = i;
		CHECK(highest == at, "tap %u: at %u, not %u", t, highest, at);
		CHECK(x[at] * (float)taps[t].sign > 0.3f, "tap %u: %g", t, (double)x[at]);
	}
	node_host_free(host);
}

/* Around the tank the all-passes delay some frequencies more than others, so a single octave may
 * differ, and what circles inside an all-pass falls later: the time set is good to 10 %. */
TEST(decay_is_as_set)
{
	static const double decays_s[] = {1.5, 3};
	double *band = malloc(FRAMES * sizeof(*band));

	for (uint32_t k = 0; k < 2; k++) {
		struct node_host *host = plate_open(48000, decays_s[k]);
		double mean = 0;

		plate_impulse(host);
		for (double hz = 250; hz <= 4000; hz *= 2) {
			double t30;

			ir_octave(output[0], FRAMES, 48000, hz, band);
			t30 = ir_t30(band, FRAMES, 48000);
			mean += t30 / 5;
			CHECK(fabs(t30 / decays_s[k] - 1) <= 0.2, "%g s at %g Hz", t30, hz);
		}
		test_note("%g s: %.3f s", decays_s[k], mean);
		CHECK(fabs(mean / decays_s[k] - 1) <= 0.10, "%g s", mean);
		node_host_free(host);
	}
	free(band);
}

/* A tail that falls: no 50 ms louder than those before by more than the noise of an estimate; and no
 * tone that stands 10 dB out of its third of an octave. */
TEST(tail_falls_evenly_and_has_no_tone)
{
	struct node_host *host = plate_open(48000, 2.5);
	double complex *x = calloc(FRAMES, sizeof(*x));
	double last_db = 100, worst = -100;
	uint32_t first = 12000;

	node_host_jump(host, 0, "mod_depth", 50);
	plate_impulse(host);
	for (uint32_t at = first; at + 4800 <= FRAMES; at += 4800) {
		double sum = 0;

		for (uint32_t i = at; i < at + 4800; i++)
			sum += (double)output[0][i] * (double)output[0][i];
		CHECK(10 * log10(sum) < last_db + 0.5, "rises at %u", at);
		last_db = 10 * log10(sum);
	}
	for (uint32_t i = first; i < FRAMES; i++) /* undo the decay, so that all of it counts */
		x[i - first] = (double)output[0][i] * pow(10, 3.0 * i / 48000 / 2.5);
	ir_fft(x, FRAMES);
	for (uint32_t i = 1; i < FRAMES / 2; i++)
		x[i] = creal(x[i] * conj(x[i]));
	for (double hz = 200; hz < 10000; hz *= 1.01) {
		uint32_t middle = (uint32_t)(hz / 48000 * FRAMES);
		double near = 0, wide = 0;
		uint32_t reach = middle / 9;

		for (uint32_t i = middle - 8; i <= middle + 8; i++)
			near += creal(x[i]) / 17;
		for (uint32_t i = middle - reach; i <= middle + reach; i++)
			wide += creal(x[i]) / (2 * reach + 1);
		worst = fmax(worst, 10 * log10(near / wide));
	}
	test_note("highest line %+.1f dB", worst);
	CHECK(worst < 10, "%g dB", worst);
	free(x);
	node_host_free(host);
}

TEST(more_than_two_channels_are_refused)
{
	struct mixd_fault fault = {0};
	const struct mixd_node_type *type = node_host_type("plate", NULL);

	CHECK(!node_host_try(type, &(struct node_host_setup){.layout = "5.1"}, &fault), "taken");
	CHECK(strstr(fault.text, "mono or stereo"), "%s", fault.text);
	CHECK(strstr(fault.hint, "reverb"), "%s", fault.hint);
}
