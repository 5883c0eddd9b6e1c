/* plot_time.c - drawings over the programme's time: loudness, peaks, correlation. */
#include "plot_draw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Value i of a series ends at (i + 1) / 10 s. */
static double series_length_s(const struct measure_result *result)
{
	return fmax(result->duration_s, result->n_series / 10.0);
}

static struct plot_axes time_axes(struct plot *plot, const struct measure_result *result,
				  double low, double high)
{
	return (struct plot_axes){.plot = plot,
				  .left = 46,
				  .top = 44,
				  .right = plot->width - 96,
				  .bottom = plot->height - 26,
				  .x0 = 0,
				  .x1 = series_length_s(result),
				  .y0 = low,
				  .y1 = high};
}

static void time_title(struct plot *plot)
{
	struct plot_shape *shape =
		plot_text(plot, PLOT_INK_TEXT, PLOT_START, 4, 18, "%s", plot->title);

	shape->size = 14;
	shape->is_bold = true;
}

/* Labels at the right edge that would lie on one another are moved apart. */
struct edge_label {
	float y;
	enum plot_ink ink;
	char text[40];
};

static void edge_labels(const struct plot_axes *axes, struct edge_label *label, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		for (uint32_t j = i; j > 0 && label[j].y < label[j - 1].y; j--) {
			struct edge_label other = label[j];

			label[j] = label[j - 1];
			label[j - 1] = other;
		}
	for (uint32_t i = 1; i < n; i++)
		label[i].y = fmaxf(label[i].y, label[i - 1].y + 14);
	for (uint32_t i = n; i-- > 0;) {
		float lowest = i + 1 < n ? label[i + 1].y - 14 : axes->bottom;

		label[i].y = fminf(label[i].y, lowest);
		plot_text(axes->plot, label[i].ink, PLOT_START, axes->right + 6, label[i].y + 4,
			  "%s", label[i].text)
			->size = 11;
	}
}

/* ---- loudness --------------------------------------------------------------------------------- */

static void loudness_span(const struct measure_result *result, const struct spec *spec, double *low,
			  double *high)
{
	double top = result->momentary_max, bottom = result->integrated - 18;

	if (!isfinite(top))
		top = -20;
	if (isfinite(result->range_low))
		bottom = fmin(bottom, result->range_low - 6);
	if (spec && !isnan(spec->target_lufs)) {
		top = fmax(top, spec->target_lufs + 2);
		bottom = fmin(bottom, spec->target_lufs - 9);
	}
	*high = ceil((top + 1) / 5) * 5;
	if (!isfinite(bottom))
		bottom = *high - 40;
	*low = floor(bottom / 5) * 5;
	*low = fmax(*low, *high - 60);
	*low = fmin(*low, *high - 20);
}

static void loudness_target(const struct plot_axes *axes, const struct spec *spec,
			    struct edge_label *label, uint32_t *n)
{
	double low = spec->min_lufs, high = spec->max_lufs;

	if (isfinite(low) || isfinite(high)) {
		float y0 = plot_y(axes, isfinite(high) ? high : axes->y1);
		float y1 = plot_y(axes, isfinite(low) ? low : axes->y0);

		if (y1 - y0 < 3) { /* a narrow band must be seen */
			y0 -= 1.5f;
			y1 += 1.5f;
		}
		plot_rect(axes->plot, PLOT_INK_TARGET, isfinite(low) ? 0.22f : 0.08f, axes->left,
			  y0, axes->right, y1);
	}
	plot_line(axes->plot, PLOT_INK_TARGET, 1.2f, axes->left, plot_y(axes, spec->target_lufs),
		  axes->right, plot_y(axes, spec->target_lufs));
	label[*n].y = plot_y(axes, spec->target_lufs);
	label[*n].ink = PLOT_INK_TARGET;
	snprintf(label[(*n)++].text, sizeof(label->text), "%s %.1f",
		 spec->is_dialogue ? "dialogue" : "target", spec->target_lufs);
}

static void loudness_whole(const struct plot_axes *axes, const struct measure_result *result,
			   struct edge_label *label, uint32_t *n)
{
	float y;

	if (!isfinite(result->integrated))
		return;
	y = plot_y(axes, result->integrated);
	plot_line(axes->plot, PLOT_INK_WHOLE, 1.4f, axes->left, y, axes->right, y)->is_dashed =
		true;
	label[*n].y = y;
	label[*n].ink = PLOT_INK_WHOLE;
	snprintf(label[(*n)++].text, sizeof(label->text), "I %.1f", result->integrated);
	if (isfinite(result->shortterm_max) && result->n_series > 30) {
		float x = plot_x(axes, result->shortterm_max_at_s);

		plot_dot(axes->plot, PLOT_INK_SHORT, 3.5f, x, plot_y(axes, result->shortterm_max));
		label[*n].y = plot_y(axes, result->shortterm_max);
		label[*n].ink = PLOT_INK_SHORT;
		snprintf(label[(*n)++].text, sizeof(label->text), "S max %.1f",
			 result->shortterm_max);
	}
}

static void series_lines(const struct plot_axes *axes, const struct measure_result *result)
{
	struct plot *plot = axes->plot;
	uint32_t n_moment, n_short;
	struct plot_column *moment =
		plot_columns(axes, result->momentary, result->n_series, &n_moment);
	struct plot_column *shorts =
		plot_columns(axes, result->shortterm, result->n_series, &n_short);

	if (moment && result->n_series > n_moment)
		plot_columns_area(plot, PLOT_INK_MOMENT, 0.45f, moment, n_moment);
	else if (moment)
		plot_columns_path(plot, PLOT_INK_MOMENT, 1, moment, n_moment, PLOT_MEAN);
	if (shorts && result->n_series > 8 * n_short)
		plot_columns_area(plot, PLOT_INK_SHORT, 0.5f, shorts, n_short);
	if (shorts)
		plot_columns_path(plot, PLOT_INK_SHORT, 1.8f, shorts, n_short, PLOT_MEAN);
	free(moment);
	free(shorts);
}

bool plot_loudness(struct plot *plot, const struct measure_result *result, const struct spec *spec)
{
	struct edge_label label[3];
	char one[24], two[24];
	struct plot_axes axes;
	uint32_t n = 0;
	double low, high;
	float x;

	if (!result->n_series || !result->momentary || !result->shortterm)
		return false;
	plot_init(plot, "loudness", PLOT_WIDE, 330, "Loudness over time");
	plot->is_wide = true;
	snprintf(plot->alt, sizeof(plot->alt),
		 "Momentary and short-term loudness over time; integrated %s LUFS, highest "
		 "short-term %s LUFS",
		 plot_figure(result->integrated, 1, one),
		 plot_figure(result->shortterm_max, 1, two));
	loudness_span(result, spec, &low, &high);
	axes = time_axes(plot, result, low, high);
	time_title(plot);
	x = axes.right;
	plot_legend(plot, PLOT_INK_WHOLE, 1, "integrated", &x);
	plot_legend(plot, PLOT_INK_SHORT, 1, "short-term (3 s)", &x);
	plot_legend(plot, PLOT_INK_MOMENT, 1, "momentary (0.4 s)", &x);
	plot_grid_y(&axes, high - low > 40 ? 10 : 5, "LUFS");
	plot_grid_time(&axes);
	if (spec && !isnan(spec->target_lufs))
		loudness_target(&axes, spec, label, &n);
	series_lines(&axes, result);
	loudness_whole(&axes, result, label, &n);
	if (isinf(result->momentary_max))
		plot_text(plot, PLOT_INK_MUTED, PLOT_MIDDLE, (axes.left + axes.right) / 2,
			  (axes.top + axes.bottom) / 2, "silence");
	edge_labels(&axes, label, n);
	return true;
}

/* ---- peaks ------------------------------------------------------------------------------------ */

static double spec_ceiling(const struct spec *spec)
{
	if (!spec)
		return NAN;
	return isnan(spec->max_dbtp) ? spec->max_sample_dbfs : spec->max_dbtp;
}

/* A list holds only the first places above 0 dBTP: behind its end they are where the curve says. */
static void peak_rest(const struct plot_axes *axes, const struct measure_result *result,
		      const struct plot_column *columns, uint32_t n)
{
	float zero = plot_y(axes, 0), end = plot_x(axes, result->over[result->n_over - 1].at_s);

	for (uint32_t i = 0; i < n; i++)
		if (!columns[i].is_gap && columns[i].x > end && columns[i].high < zero)
			plot_dot(axes->plot, PLOT_INK_BAD, 2.2f, columns[i].x, columns[i].high);
}

static void peak_events(const struct plot_axes *axes, const struct measure_result *result)
{
	for (uint32_t i = 0; i < result->n_clip; i++) {
		float x = plot_x(axes, result->clip[i].at_s);

		plot_line(axes->plot, PLOT_INK_BAD, 1.2f, x, axes->bottom - 10, x, axes->bottom);
	}
	for (uint32_t i = 0; i < result->n_over; i++)
		plot_dot(axes->plot, PLOT_INK_BAD, 2.2f, plot_x(axes, result->over[i].at_s),
			 plot_y(axes, result->over[i].value));
}

static void peak_marks(const struct plot_axes *axes, const struct measure_result *result,
		       double ceiling)
{
	struct edge_label label[2];
	uint32_t n = 0;

	if (!isnan(ceiling)) {
		float y = plot_y(axes, ceiling);

		plot_line(axes->plot, PLOT_INK_TARGET, 1.4f, axes->left, y, axes->right, y);
		label[n].y = y;
		label[n].ink = PLOT_INK_TARGET;
		snprintf(label[n++].text, sizeof(label->text), "limit %.1f", ceiling);
	}
	if (isfinite(result->true_peak)) {
		bool is_over = result->true_peak > (isnan(ceiling) ? 0 : ceiling + 0.05);
		float y = plot_y(axes, result->true_peak);

		plot_dot(axes->plot, is_over ? PLOT_INK_BAD : PLOT_INK_PEAK, 3.5f,
			 plot_x(axes, result->true_peak_at_s), y);
		label[n].y = y;
		label[n].ink = is_over ? PLOT_INK_BAD : PLOT_INK_PEAK;
		snprintf(label[n++].text, sizeof(label->text), "TP %.1f", result->true_peak);
	}
	edge_labels(axes, label, n);
}

bool plot_peaks(struct plot *plot, const struct measure_result *result, const struct spec *spec)
{
	double ceiling = spec_ceiling(spec), high, low;
	char one[24];
	struct plot_column *columns;
	struct plot_axes axes;
	uint32_t n;
	float x;

	if (!result->n_series || !result->peak)
		return false;
	plot_init(plot, "peaks", PLOT_WIDE, 220, "Peaks over time");
	plot->is_wide = true;
	snprintf(plot->alt, sizeof(plot->alt),
		 "Peaks over time; true peak %s dBTP, %llu places above 0 dBTP",
		 plot_figure(result->true_peak, 1, one), (unsigned long long)result->n_overs);
	high = isfinite(result->true_peak) && result->true_peak > 0
		       ? ceil((result->true_peak + 0.5) / 3) * 3
		       : 0;
	low = isfinite(result->true_peak) ? floor((result->true_peak - 24) / 6) * 6 : -30;
	low = fmax(fmin(low, high - 30), -90);
	axes = time_axes(plot, result, low, high);
	time_title(plot);
	x = axes.right;
	if (result->n_clip)
		plot_legend(plot, PLOT_INK_BAD, 1, "clipping", &x);
	if (result->n_over)
		plot_legend(plot, PLOT_INK_BAD, 1, "above 0 dBTP", &x);
	plot_legend(plot, PLOT_INK_PEAK, 0.5f, "true peak", &x);
	plot_grid_y(&axes, plot_step(high - low, 6) < 6 ? 6 : 12, "dBTP");
	plot_grid_time(&axes);
	columns = plot_columns(&axes, result->peak, result->n_series, &n);
	for (uint32_t i = 0; columns && i < n; i++)
		columns[i].low = axes.bottom - 0.4f;
	if (columns) {
		plot_columns_area(plot, PLOT_INK_PEAK, 0.3f, columns, n);
		plot_columns_path(plot, PLOT_INK_PEAK, 1, columns, n, PLOT_HIGH);
		if (result->n_over && result->n_overs > result->n_over)
			peak_rest(&axes, result, columns, n);
	}
	free(columns);
	peak_events(&axes, result);
	peak_marks(&axes, result, ceiling);
	return true;
}

/* ---- correlation ------------------------------------------------------------------------------ */

bool plot_correlation(struct plot *plot, const struct measure_result *result)
{
	struct plot_column *columns;
	struct plot_axes axes;
	char one[24], two[24];
	bool is_any = false;
	uint32_t n;
	float zero;

	for (uint32_t i = 0; result->series_correlation && i < result->n_series && !is_any; i++)
		is_any = isfinite(result->series_correlation[i]);
	if (!is_any || result->n_channels < 2)
		return false;
	plot_init(plot, "correlation", PLOT_WIDE, 190,
		  result->n_channels > 2 ? "Correlation of the front pair"
					 : "Stereo correlation over time");
	plot->is_wide = true;
	snprintf(plot->alt, sizeof(plot->alt),
		 "Correlation of the front pair over time; mean %s, lowest %s",
		 plot_figure(result->correlation, 2, one),
		 plot_figure(result->correlation_min, 2, two));
	axes = time_axes(plot, result, -1, 1);
	time_title(plot);
	plot_grid_y(&axes, 0.5, "");
	plot_grid_time(&axes);
	zero = plot_y(&axes, 0);
	plot_rect(plot, PLOT_INK_BAD, 0.07f, axes.left, zero, axes.right, axes.bottom);
	plot_line(plot, PLOT_INK_MUTED, 1, axes.left, zero, axes.right, zero);
	columns = plot_columns(&axes, result->series_correlation, result->n_series, &n);
	if (columns && result->n_series > n)
		plot_columns_area(plot, PLOT_INK_MOMENT, 0.45f, columns, n);
	if (columns)
		plot_columns_path(plot, PLOT_INK_SHORT, 1.3f, columns, n, PLOT_MEAN);
	free(columns);
	plot_text(plot, PLOT_INK_MUTED, PLOT_START, axes.right + 6, axes.top + 4, "in phase")
		->size = 11;
	plot_text(plot, PLOT_INK_MUTED, PLOT_START, axes.right + 6, zero + 4, "unrelated")->size =
		11;
	plot_text(plot, PLOT_INK_BAD, PLOT_START, axes.right + 6, axes.bottom + 4, "cancels")
		->size = 11;
	return true;
}
