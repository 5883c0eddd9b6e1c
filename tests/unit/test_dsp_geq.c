/* test_dsp_geq.c - the solver of the graphic equalizer, against formulas of its own. */
#include "geq_design.h"
#include "test.h"

/* |H| of a section in dB at HZ, by the bilinear s, in long double. */
static long double section_db(const struct svf_section *s, double hz, double rate)
{
	long double w = tanl(acosl(-1) * hz / rate) / s->g;
	long double nr = s->b0 - s->b2 * w * w, ni = s->b1 * w, dr = 1 - w * w, di = s->k * w;

	return 10 * log10l((nr * nr + ni * ni) / (dr * dr + di * di));
}

static double cascade_db(const struct geq_tables *tables, const double *bell_db, double hz)
{
	struct svf_section section[GEQ_BANDS];
	long double sum = 0;

	geq_sections(tables, bell_db, section);
	for (uint32_t b = 0; b < tables->n; b++)
		sum += section_db(&section[b], hz, tables->rate);
	return (double)sum;
}

TEST(geq_centres_are_those_of_iso_266)
{
	static const double nominal[GEQ_BANDS] = {20,	25,   31.5, 40,	   50,	  63,	 80,   100,
						  125,	160,  200,  250,   315,	  400,	 500,  630,
						  800,	1000, 1250, 1600,  2000,  2500,	 3150, 4000,
						  5000, 6300, 8000, 10000, 12500, 16000, 20000};

	for (uint32_t b = 0; b < GEQ_BANDS; b++)
		CHECK(fabs(geq_freq_hz(b) / nominal[b] - 1) < 0.013, "band %u is %g Hz", b + 1,
		      geq_freq_hz(b));
}

TEST(geq_solution_meets_its_target)
{
	static struct geq_tables tables;

	geq_prepare(&tables, 48000);
	CHECK(tables.n == GEQ_BANDS);
	for (int k = 0; k < 30; k++) {
		double target[GEQ_ROOM] = {0}, bell[GEQ_ROOM];

		for (uint32_t b = 0; b < GEQ_BANDS; b++)
			target[b] = 24 * test_random() - 12;
		geq_solve(&tables, target, bell);
		for (uint32_t b = 0; b < GEQ_BANDS; b++)
			CHECK_NEAR(cascade_db(&tables, bell, geq_freq_hz(b)), target[b], 0.01);
	}
}

/* A moving target is followed by one step per cell to within what nobody hears. */
TEST(geq_step_follows)
{
	static struct geq_tables tables;
	double from[GEQ_ROOM] = {0}, to[GEQ_ROOM] = {0}, target[GEQ_ROOM], bell[GEQ_ROOM];
	double worst = 0;

	geq_prepare(&tables, 48000);
	for (uint32_t b = 0; b < GEQ_BANDS; b++) {
		from[b] = b % 2 ? 12 : -12;
		to[b] = 24 * test_random() - 12;
	}
	geq_solve(&tables, from, bell);
	for (uint32_t cell = 1; cell <= 60; cell++) {
		double t = cell / 60.0, part = t * t * (3 - 2 * t);

		for (uint32_t b = 0; b < GEQ_BANDS; b++)
			target[b] = from[b] + (to[b] - from[b]) * part;
		geq_step(&tables, target, bell);
		for (uint32_t b = 0; b < GEQ_BANDS; b++)
			worst = fmax(worst,
				     fabs(cascade_db(&tables, bell, geq_freq_hz(b)) - target[b]));
	}
	test_note("at most %.3f dB behind", worst);
	CHECK(worst < 0.2);
}

TEST(geq_bell_has_its_part_at_the_neighbours)
{
	static struct geq_tables tables;

	geq_prepare(&tables, 192000); /* far from the top: the analogue shape */
	for (double gain_db = -24; gain_db <= 24; gain_db += 6) {
		double bell[GEQ_ROOM] = {0};
		struct svf_section section[GEQ_BANDS];

		if (gain_db == 0)
			continue;
		bell[15] = gain_db;
		geq_sections(&tables, bell, section);
		CHECK_NEAR((double)section_db(&section[15], geq_freq_hz(16), 192000) / gain_db,
			   0.35, 0.002);
		CHECK_NEAR((double)section_db(&section[15], geq_freq_hz(14), 192000) / gain_db,
			   0.35, 0.002);
	}
}
