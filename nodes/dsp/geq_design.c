/* Source: V. Valimaki, J. Liski, "Accurate cascade graphic equalizer", IEEE Signal Processing Letters
 * 24(2), 2017, and J. Liski, V. Valimaki, "The quest for the best graphic equalizer", DAFx-17: one
 * second-order section per band, its gain at the neighbours' centres a fixed part of its own, gains
 * by an interaction matrix and a step of iteration. Differences: the bells are matched ones (M.
 * Vicanek, 2016), so the top bands need no widths of their own; the part is 0.35, not 0.4, at which
 * the curve between two centres strays least from what lies between them (measured over random
 * settings of +-12 dB: 0.8 dB); there are as many conditions as bells, so that centres are met
 * exactly instead of in the mean.
 *
 * Structure: |H|^2 of a section is taken over tan^2, multiplied through all sections, one logarithm
 * per centre. */
#include "geq_design.h"

#include <math.h>
#include <string.h>

#include "clones.h"
#include "eq_design.h"

#include <mixd/rt.h>

#define GEQ_PART 0.35 /* of its gain in dB that a bell has at the next centre */
#define GEQ_RATIO 1.2589254117941673 /* from centre to centre: 10^(1/10) */
#define GEQ_PROBE_DB 6.0
#define GEQ_TOP 0.46 /* of the rate: no centre above */
#define GEQ_STEPS 5u
#define GEQ_LEAST_DB 1e-4 /* a bell of less is one of this: the poles stay where they are */

double geq_freq_hz(uint32_t idx)
{
	return 1000.0 * pow(10.0, ((double)idx - 17.0) / 10.0);
}

/* RBJ's Q of a bell of GAIN_DB that has GEQ_PART of it one step away:
 * (X + G / Q^2) / (X + 1 / (G Q^2)) = G^(2 part), X = (ratio - 1 / ratio)^2. */
static double geq_q(double gain_db)
{
	double gain = pow(10.0, gain_db / 20.0), near = pow(gain, 2.0 * GEQ_PART);
	double x = (GEQ_RATIO - 1.0 / GEQ_RATIO) * (GEQ_RATIO - 1.0 / GEQ_RATIO);

	return sqrt((gain - near / gain) / (x * (near - 1.0)));
}

static struct svf_section geq_bell(double freq_hz, double gain_db, double rate)
{
	double held = fmax(fabs(gain_db), GEQ_LEAST_DB);
	struct eq_band band = {
		.type = EQ_TYPE_BELL,
		.freq_hz = freq_hz,
		.gain_db = gain_db < 0.0 ? -held : held,
		.q = geq_q(held),
	};
	struct svf_section section[EQ_BAND_SECTIONS];

	eq_design(&band, rate, section);
	return section[0];
}

void geq_sections(const struct geq_tables *tables, const double *bell_db,
		  struct svf_section ret[GEQ_BANDS])
{
	for (uint32_t b = 0; b < GEQ_BANDS; b++) {
		if (b < tables->n)
			ret[b] = geq_bell(tables->freq_hz[b], bell_db[b], tables->rate);
		else
			ret[b] = (struct svf_section){.g = 1.0, .k = 1.0, 1.0, 1.0, 1.0};
	}
}

/* RET[i] *= |H|^2 at centre i. */
MIXD_CLONES static void geq_multiply(const struct svf_section *section, const double *tangent2,
				     double *ret)
{
	const double scale = 1.0 / (section->g * section->g), k2 = section->k * section->k;
	const double b0 = section->b0, b1 = section->b1 * section->b1, b2 = section->b2;

	for (uint32_t i = 0; i < GEQ_ROOM; i++) {
		double w = tangent2[i] * scale, num = b0 - b2 * w, den = 1.0 - w;

		ret[i] *= (num * num + b1 * w) / (den * den + k2 * w);
	}
}

static void geq_curve_db(const struct geq_tables *tables, const double *bell_db, double *ret_db)
{
	struct svf_section section[GEQ_BANDS];

	geq_sections(tables, bell_db, section);
	for (uint32_t i = 0; i < GEQ_ROOM; i++)
		ret_db[i] = 1.0;
	for (uint32_t b = 0; b < tables->n; b++)
		geq_multiply(&section[b], tables->tangent2, ret_db);
	for (uint32_t i = 0; i < tables->n; i++)
		ret_db[i] = 10.0 * log10(ret_db[i]);
}

MIXD_CLONES static void geq_add(const struct geq_tables *tables, const double *db, double *bell_db)
{
	double sum[GEQ_ROOM] = {0.0};

	for (uint32_t i = 0; i < tables->n; i++)
		for (uint32_t b = 0; b < GEQ_ROOM; b++)
			sum[b] += db[i] * tables->inverse[i][b];
	for (uint32_t b = 0; b < tables->n; b++)
		bell_db[b] += sum[b];
}

void geq_step(const struct geq_tables *tables, const double *target_db, double *bell_db)
{
	double curve[GEQ_ROOM], error[GEQ_ROOM];

	geq_curve_db(tables, bell_db, curve);
	for (uint32_t i = 0; i < tables->n; i++)
		error[i] = target_db[i] - curve[i];
	geq_add(tables, error, bell_db);
}

void geq_solve(const struct geq_tables *tables, const double *target_db, double *ret_bell_db)
{
	for (uint32_t b = 0; b < GEQ_BANDS; b++)
		ret_bell_db[b] = 0.0;
	geq_add(tables, target_db, ret_bell_db);
	for (uint32_t i = 0; i < GEQ_STEPS; i++)
		geq_step(tables, target_db, ret_bell_db);
}

/* Gauss and Jordan; the matrix is near a diagonal one, so no pivot is sought. */
static void geq_invert(double a[GEQ_BANDS][GEQ_ROOM], double ret[GEQ_BANDS][GEQ_ROOM], uint32_t n)
{
	memset(ret, 0, GEQ_BANDS * GEQ_ROOM * sizeof(ret[0][0]));
	for (uint32_t i = 0; i < n; i++)
		ret[i][i] = 1.0;
	for (uint32_t p = 0; p < n; p++) {
		double scale = 1.0 / a[p][p];

		for (uint32_t k = 0; k < n; k++) {
			a[p][k] *= scale;
			ret[p][k] *= scale;
		}
		for (uint32_t i = 0; i < n; i++) {
			double factor = a[i][p];

			for (uint32_t k = 0; i != p && k < n; k++) {
				a[i][k] -= factor * a[p][k];
				ret[i][k] -= factor * ret[p][k];
			}
		}
	}
}

void geq_prepare(struct geq_tables *tables, double rate)
{
	/* Row b: what bell b, of 1 dB, does at all centres. What is wanted at the centres is the row
	 * of bells' gains times this, so the bells' gains are what is wanted times its inverse. */
	double leak[GEQ_BANDS][GEQ_ROOM];

	memset(tables, 0, sizeof(*tables));
	tables->rate = rate;
	while (tables->n < GEQ_BANDS && geq_freq_hz(tables->n) <= GEQ_TOP * rate)
		tables->n++;
	for (uint32_t i = 0; i < tables->n; i++) {
		double tangent = tan(M_PI * geq_freq_hz(i) / rate);

		tables->freq_hz[i] = geq_freq_hz(i);
		tables->tangent2[i] = tangent * tangent;
	}
	for (uint32_t b = 0; b < tables->n; b++) {
		struct svf_section bell = geq_bell(tables->freq_hz[b], GEQ_PROBE_DB, rate);
		double power[GEQ_ROOM];

		for (uint32_t i = 0; i < GEQ_ROOM; i++)
			power[i] = 1.0;
		geq_multiply(&bell, tables->tangent2, power);
		for (uint32_t i = 0; i < tables->n; i++)
			leak[b][i] = 10.0 * log10(power[i]) / GEQ_PROBE_DB;
	}
	geq_invert(leak, tables->inverse, tables->n);
}
