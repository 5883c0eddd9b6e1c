/* test_mixctl_import.c - AutoEq's and Equalizer APO's text as bands. What shelves mean is checked
 * against the curves of the cookbook (Bristow-Johnson, Audio EQ Cookbook), computed here in the
 * analogue domain. */
#include <math.h>
#include <string.h>

#include "import.h"
#include "test.h"

static struct import_eq eq;
static struct import_fault fault;

static bool parse(const char *text)
{
	static char copy[8192];

	snprintf(copy, sizeof(copy), "%s", text);
	return import_parse(copy, &eq, &fault);
}

TEST(import_reads_autoeq)
{
	CHECK(parse("Preamp: -6.2 dB\r\n"
		    "Filter 1: ON LSC Fc 105 Hz Gain 6.5 dB Q 0.70\r\n"
		    "Filter 2: ON PK Fc 181 Hz Gain -3,4 dB Q 0.53\r\n"
		    "Filter 3: OFF PK Fc 1 Hz Gain 1 dB Q 1\r\n"
		    "Filter 4: ON None\r\n"
		    "Filter 10: ON HSC Fc 10000 Hz Gain -1.5 dB Q 0.70\r\n"),
	      "%u: %s", fault.line, fault.text);
	CHECK(eq.n_bands == 3 && eq.preamp_db == -6.2);
	CHECK_STR(eq.band[0].type, "lowshelf");
	CHECK(eq.band[0].freq_hz == 105 && eq.band[0].gain_db == 6.5 && eq.band[0].q == 0.7);
	CHECK_STR(eq.band[1].type, "bell");
	CHECK(eq.band[1].gain_db == -3.4 && eq.band[1].q == 0.53 && eq.band[1].line == 3);
	CHECK_STR(eq.band[2].type, "highshelf");
	CHECK_STR(eq.band[2].channel, "stereo");
}

TEST(import_reads_equalizer_apo)
{
	CHECK(parse("\xef\xbb\xbf# by hand\n"
		    "Filter: ON HP Fc 20 Hz\n"
		    "filter: on pk fc 1000 gain -3 bw oct 1\n"
		    "Filter: ON LPQ Fc 18000 Hz Q 1.2\n"
		    "Filter: ON NO Fc 50Hz\n"
		    "Channel: L\n"
		    "Filter: ON AP Fc 300 Hz Q 2\n"
		    "Channel: all\n"
		    "Filter: ON BP Fc 500 Hz Q 4\n"),
	      "%u: %s", fault.line, fault.text);
	CHECK(eq.n_bands == 6);
	CHECK_STR(eq.band[0].type, "highpass");
	CHECK_NEAR(eq.band[0].q, M_SQRT1_2, 1e-12);
	CHECK_NEAR(eq.band[1].q, 1.414, 0.001); /* an octave */
	CHECK_STR(eq.band[3].type, "notch");
	CHECK(eq.band[3].q == 30);
	CHECK_STR(eq.band[4].channel, "left");
	CHECK_STR(eq.band[5].channel, "stereo");
}

/* The cookbook's low shelf, H(s) with s = jf/f0, Q. */
static double lowshelf_db(double gain_db, double q, double ratio)
{
	double a = pow(10, gain_db / 40), w = ratio * ratio, bend = sqrt(a) / q;
	double num_re = a - w, num_im = bend * ratio, den_re = 1 - a * w, den_im = bend * ratio;

	return 20 * log10(a) + 10 * log10((num_re * num_re + num_im * num_im) /
					  (den_re * den_re + den_im * den_im));
}

TEST(import_shelves_mean_what_their_names_say)
{
	/* S = 1 is the steepest that does not overshoot: Q 0.7071 at any gain. */
	CHECK(parse("Filter: ON LSC 12 dB Fc 100 Hz Gain 8 dB\n"));
	CHECK_NEAR(eq.band[0].q, M_SQRT1_2, 1e-9);
	CHECK(eq.band[0].freq_hz == 100);
	/* Neither Q nor slope: S 0.9, and the frequency as it is. */
	CHECK(parse("Filter: ON LS Fc 100 Hz Gain -8 dB\n"));
	CHECK(eq.band[0].freq_hz == 100);
	CHECK_NEAR(1 / (eq.band[0].q * eq.band[0].q),
		   (pow(10, 0.2) + pow(10, -0.2)) * (1 / 0.9 - 1) + 2, 1e-9);
	/* By the corner: the middle lies further in, and further for a gentler slope. */
	CHECK(parse("Filter: ON LS 12 dB Fc 100 Hz Gain 8 dB\n"
		    "Filter: ON HS 12 dB Fc 1000 Hz Gain -8 dB\n"
		    "Filter: ON LS 6dB Fc 100 Hz Gain 8 dB\n"));
	CHECK_NEAR(eq.band[0].freq_hz, 100 * pow(10, 0.1), 1e-9);
	CHECK_NEAR(eq.band[1].freq_hz, 1000 / pow(10, 0.1), 1e-9);
	CHECK_NEAR(eq.band[2].freq_hz, 100 * pow(10, 0.2), 1e-9);
	CHECK_NEAR(lowshelf_db(8, eq.band[0].q, 1), 4, 1e-9); /* the middle is the middle */
	CHECK(lowshelf_db(8, eq.band[0].q, 100 / eq.band[0].freq_hz) > 5);
	/* A Q says the same as its slope. */
	CHECK(parse("Filter: ON LS Fc 100 Hz Gain 8 dB Q 0.70710678118\n"));
	CHECK_NEAR(eq.band[0].freq_hz, 100 * pow(10, 0.1), 1e-6);
}

TEST(import_refuses_with_the_line)
{
	static const struct {
		const char *text, *fault;
		unsigned line;
	} rows[] = {
		{"", "no filter", 0},
		{"# nothing\n", "no filter", 0},
		{"hello\n", "no setting", 1},
		{"Preamp: -3 dB\nPreamp: loud\n", "no level", 2},
		{"Filter 1: ON PK Fc 100 Hz Gain 3 dB\n", "no width", 1},
		{"Filter 1: ON PK Fc 100 Hz Q 3\n", "no gain", 1},
		{"Filter 1: ON PK Gain 1 dB Q 3\n", "no frequency", 1},
		{"\n\nFilter 1: ON XX Fc 100 Hz\n", "not known", 3},
		{"Filter 1: PK Fc 100 Hz\n", "neither ON nor OFF", 1},
		{"Filter 1: ON PK Fc 100 Hz Gain 3 dB Q 0\n", "Q of 0", 1},
		{"Filter 1: ON PK Fc nan Hz Gain 3 dB Q 1\n", "not understood", 1},
		{"Filter 1: ON PK Fc 100 Hz Gain 3 dB Q 1 Quatsch\n", "not understood", 1},
		{"Filter 1: ON HP 12 dB Fc 100 Hz\n", "slope", 1},
		{"GraphicEQ: 20 0; 30 1\n", "graphic", 1},
		{"Include: other.txt\n", "not supported", 1},
		{"Channel: C\n", "not possible", 1},
		{"Channel: L\nPreamp: -1 dB\n", "not possible", 2},
	};
	char text[4096] = "";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK(!parse(rows[i].text), "%s", rows[i].text);
		CHECK(strstr(fault.text, rows[i].fault), "%s: %s", rows[i].text, fault.text);
		CHECK(fault.line == rows[i].line && fault.hint[0], "%s: line %u", rows[i].text,
		      fault.line);
	}
	for (int i = 0; i < 33; i++)
		strcat(text, "Filter: ON PK Fc 100 Hz Gain 3 dB Q 1\n");
	CHECK(!parse(text) && fault.line == 33 && strstr(fault.text, "more than 32"));
}
