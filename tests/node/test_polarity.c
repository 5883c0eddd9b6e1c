/* test_polarity.c - polarity: dsp.md 3.4 and 2.6. */
#include "node_host.h"
#include "spectrum.h"
#include "test.h"

#define RATE 48000.0
#define FRAMES 16384u

static float in[3][FRAMES], out[3][FRAMES];

static void polarity_run(struct node_host *host, uint32_t at, uint32_t n)
{
	node_host_process(host, (const float *[]){in[0] + at, in[1] + at, in[2] + at},
			  (float *[]){out[0] + at, out[1] + at, out[2] + at}, n);
}

TEST(polarity_turns_all_or_one_exactly)
{
	struct node_host *host =
		node_host_open("polarity", &(struct node_host_setup){.layout = "3ch"});

	for (uint32_t c = 0; c < 3; c++)
		for (uint32_t i = 0; i < FRAMES; i++)
			in[c][i] = (float)(test_random() - 0.5);
	polarity_run(host, 0, 256);
	for (uint32_t i = 0; i < 256; i++)
		CHECK(out[0][i] == in[0][i] && out[2][i] == in[2][i]);
	node_host_jump(host, 0, "channel2.invert", 1);
	polarity_run(host, 256, 256);
	for (uint32_t i = 256; i < 512; i++)
		CHECK(out[0][i] == in[0][i] && out[1][i] == -in[1][i] && out[2][i] == in[2][i]);
	node_host_jump(host, 0, "invert", 1); /* all, and the second twice */
	polarity_run(host, 512, 256);
	for (uint32_t i = 512; i < 768; i++)
		CHECK(out[0][i] == -in[0][i] && out[1][i] == in[1][i] && out[2][i] == -in[2][i]);
	node_host_free(host);
}

/* dsp.md 2.6: nothing above -90 dBFS farther than 500 Hz. Turning over is a step of 6 dB more than
 * silence, and half of it at each side of 0. */
TEST(polarity_keeps_its_sidebands_low)
{
	struct node_host *host = node_host_open("polarity", &(struct node_host_setup){0});
	double highest = 0;

	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] = (float)(0.5 * sin(2 * M_PI * 1000 / RATE * i));
	polarity_run(host, 0, FRAMES / 2 - 480);
	node_host_set(host, 0, "invert", 1);
	polarity_run(host, FRAMES / 2 - 480, FRAMES / 2 + 480);
	for (double hz = 1500; hz < 23500; hz += 40)
		highest = fmax(highest, spectrum_amplitude(out[0] + 4096, 8192, RATE, hz,
							   spectrum_albrecht, 7));
	test_note("highest sideband %.1f dBFS", spectrum_db(highest));
	CHECK(spectrum_db(highest) <= -90, "%.1f dBFS", spectrum_db(highest));
	CHECK(out[1][FRAMES - 1] == -in[1][FRAMES - 1]);
	node_host_free(host);
}

TEST(polarity_turns_back_from_where_it_is)
{
	struct node_host *host = node_host_open("polarity", &(struct node_host_setup){0});

	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] = 1;
	node_host_set(host, 0, "invert", 1);
	polarity_run(host, 0, 483); /* in the middle of a cell */
	node_host_set(host, 0, "invert", 0);
	polarity_run(host, 483, 4000);
	for (uint32_t i = 1; i < 4483; i++)
		CHECK(fabsf(out[0][i] - out[0][i - 1]) < 0.0035f, "a step at %u", i);
	CHECK(out[0][4482] == 1);
	node_host_free(host);
}
