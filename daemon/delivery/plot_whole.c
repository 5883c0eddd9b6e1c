/* plot_whole.c - drawings of the whole programme: distribution, spectrum, channels; and all together.
 *
 * Third octaves by IEC 61260-1: centre k at 1000 * 10^((k - 17) / 10) Hz. */
#include "plot_draw.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "graph_layout.h"

#define BINS 141u /* of measure.h: 0.5 LU from -70 */

static void whole_title(struct plot *plot)
{
	struct plot_shape *shape =
		plot_text(plot, PLOT_INK_TEXT, PLOT_START, 4, 18, "%s", plot->title);

	shape->size = 14;
	shape->is_bold = true;
}

static struct plot_axes whole_axes(struct plot *plot)
{
	return (struct plot_axes){.plot = plot,
				  .left = 46,
				  .top = 48,
				  .right = plot->width - 14,
				  .bottom = plot->height - 28};
}

/* ---- how loud, how often ---------------------------------------------------------------------- */

/* Bins of 1 LU in per cent; *first and *end: those that hold something. */
static double distribution_bins(const struct measure_result *result, double *share, uint32_t *first,
				uint32_t *end)
{
	uint64_t total = 0;
	double highest = 0;

	for (uint32_t i = 0; i < BINS; i++)
		total += result->histogram[i];
	*first = BINS / 2;
	*end = 0;
	for (uint32_t i = 0; i <= BINS / 2; i++) {
		uint64_t count = result->histogram[2 * i] +
				 (2 * i + 1 < BINS ? result->histogram[2 * i + 1] : 0);

		share[i] = total ? 100.0 * (double)count / (double)total : 0;
		highest = fmax(highest, share[i]);
		if (count) {
			*first = i < *first ? i : *first;
			*end = i + 1;
		}
	}
	return highest;
}

static void distribution_range(const struct plot_axes *axes, const struct measure_result *result)
{
	float low, high;

	if (!isfinite(result->range_low) || !isfinite(result->range_high))
		return;
	low = plot_x(axes, result->range_low);
	high = plot_x(axes, result->range_high);
	plot_rect(axes->plot, PLOT_INK_TARGET, 0.16f, low, axes->top, fmaxf(high, low + 2),
		  axes->bottom);
	plot_line(axes->plot, PLOT_INK_TARGET, 1.2f, low, axes->top, low, axes->bottom);
	plot_line(axes->plot, PLOT_INK_TARGET, 1.2f, high, axes->top, high, axes->bottom);
	plot_text(axes->plot, PLOT_INK_TARGET, PLOT_END, low - 4, axes->top + 11, "10 %%")->size =
		11;
	plot_text(axes->plot, PLOT_INK_TARGET, PLOT_START, high + 4, axes->top + 11, "95 %%")
		->size = 11;
	plot_text(axes->plot, PLOT_INK_TARGET, PLOT_END, axes->right, 17, "range %.1f LU",
		  result->range);
}

bool plot_distribution(struct plot *plot, const struct measure_result *result)
{
	double share[BINS / 2 + 1], highest;
	char one[24], two[24];
	struct plot_axes axes;
	uint32_t first, end;

	if (!result->histogram)
		return false;
	highest = distribution_bins(result, share, &first, &end);
	if (highest <= 0)
		return false;
	plot_init(plot, "distribution", PLOT_NARROW, 270, "Short-term loudness: share of time");
	snprintf(plot->alt, sizeof(plot->alt),
		 "Distribution of short-term loudness; 10th percentile %s, 95th %s LUFS",
		 plot_figure(result->range_low, 1, one), plot_figure(result->range_high, 1, two));
	axes = whole_axes(plot);
	axes.x0 = fmax(-70, -70 + (double)first - 5);
	axes.x1 = fmin(1, -70 + (double)end + 5);
	axes.y0 = 0;
	axes.y1 = plot_step(highest, 4) * ceil(highest * 1.08 / plot_step(highest, 4));
	axes.y1 = fmin(axes.y1, 100);
	whole_title(plot);
	plot_grid_y(&axes, plot_step(axes.y1, 5), "%");
	distribution_range(&axes, result);
	for (uint32_t i = first; i < end; i++) {
		float x0 = plot_x(&axes, -70.0 + i), x1 = plot_x(&axes, -69.0 + i);

		plot_rect(plot, PLOT_INK_SHORT, 0.85f, x0 + 0.5f, plot_y(&axes, share[i]),
			  x1 - 0.5f, axes.bottom);
	}
	for (double value = ceil(axes.x0 / 5) * 5; value <= axes.x1; value += 5) {
		if (axes.x1 - axes.x0 > 45 && fmod(value, 10) != 0)
			continue;
		plot_text(plot, PLOT_INK_MUTED, PLOT_MIDDLE, plot_x(&axes, value), axes.bottom + 16,
			  "%.0f", value)
			->size = 11;
	}
	plot_text(plot, PLOT_INK_MUTED, PLOT_END, axes.right, axes.bottom + 26, "LUFS")->size = 10;
	return true;
}

/* ---- spectrum --------------------------------------------------------------------------------- */

static void spectrum_frequencies(const struct plot_axes *axes)
{
	static const struct {
		double hz;
		const char *text;
	} marks[] = {{31.5, "31"}, {63, "63"},	 {125, "125"}, {250, "250"}, {500, "500"},
		     {1000, "1k"}, {2000, "2k"}, {4000, "4k"}, {8000, "8k"}, {16000, "16k"}};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		float x = plot_x(axes, marks[i].hz);

		plot_line(axes->plot, PLOT_INK_GRID, 1, x, axes->top, x, axes->bottom);
		plot_text(axes->plot, PLOT_INK_MUTED, PLOT_MIDDLE, x, axes->bottom + 16, "%s",
			  marks[i].text)
			->size = 11;
	}
	plot_text(axes->plot, PLOT_INK_MUTED, PLOT_END, axes->right, axes->bottom + 26, "Hz")
		->size = 10;
}

/* The long-term average in 24ths of an octave, on the scale of the bars. */
static void spectrum_line(const struct plot_axes *axes, const struct measure_result *result)
{
	float xy[2 * MEASURE_FINE];
	uint32_t n = 0;

	for (uint32_t i = 0; i < MEASURE_FINE; i++) {
		if (!isfinite(result->fine_db[i]))
			continue;
		xy[2 * n] = plot_x(axes, 20 * pow(2, i / 24.0));
		xy[2 * n++ + 1] = plot_y(axes, result->fine_db[i]);
	}
	if (n > 1)
		plot_path(axes->plot, PLOT_INK_WHOLE, 1.3f, xy, n);
}

bool plot_spectrum(struct plot *plot, const struct measure_result *result)
{
	double highest = -INFINITY;
	struct plot_axes axes;
	float legend;

	for (uint32_t i = 0; i < MEASURE_THIRDS; i++)
		if (isfinite(result->third_db[i]))
			highest = fmax(highest, result->third_db[i]);
	if (!isfinite(highest) || highest < -150)
		return false;
	plot_init(plot, "spectrum", PLOT_NARROW, 270, "Spectrum");
	snprintf(plot->alt, sizeof(plot->alt),
		 "Mean power in third octaves from 20 Hz to 20 kHz, highest %.1f dBFS", highest);
	axes = whole_axes(plot);
	axes.log_x = true;
	axes.x0 = 1000 * pow(10, -17.5 / 10);
	axes.x1 = 1000 * pow(10, 13.5 / 10);
	axes.y1 = ceil((highest + 2) / 10) * 10;
	axes.y0 = axes.y1 - 80;
	whole_title(plot);
	legend = axes.right;
	plot_legend(plot, PLOT_INK_WHOLE, 1, "average", &legend);
	plot_legend(plot, PLOT_INK_SHORT, 0.85f, "third octaves", &legend);
	plot_grid_y(&axes, 20, "dBFS");
	spectrum_frequencies(&axes);
	for (uint32_t i = 0; i < MEASURE_THIRDS; i++) {
		double centre = 1000 * pow(10, ((double)i - 17) / 10);
		float x0 = plot_x(&axes, centre * pow(10, -0.05));
		float x1 = plot_x(&axes, centre * pow(10, 0.05));

		if (!isfinite(result->third_db[i]) || result->third_db[i] <= axes.y0)
			continue;
		plot_rect(plot, PLOT_INK_SHORT, 0.85f, x0 + 0.8f,
			  plot_y(&axes, result->third_db[i]), x1 - 0.8f, axes.bottom);
	}
	spectrum_line(&axes, result);
	if (isfinite(result->bandwidth_hz) && result->bandwidth_hz > 100 &&
	    result->bandwidth_hz < axes.x1) {
		float x = plot_x(&axes, result->bandwidth_hz);

		plot_line(plot, result->is_brickwall ? PLOT_INK_BAD : PLOT_INK_WHOLE, 1.4f, x,
			  axes.top, x, axes.bottom)
			->is_dashed = true;
		plot_text(plot, result->is_brickwall ? PLOT_INK_BAD : PLOT_INK_WHOLE, PLOT_END,
			  x - 4, axes.top + 11, "ends at %.1f kHz", result->bandwidth_hz / 1000)
			->size = 11;
	}
	return true;
}

/* ---- the stereo field -------------------------------------------------------------------------- */

static void field_frame(struct plot *plot, float x, float y, float radius)
{
	static const struct {
		int degrees;
		const char *text;
		enum plot_anchor anchor;
	} rays[] = {{-45, "L", PLOT_END}, {0, "middle", PLOT_MIDDLE}, {45, "R", PLOT_START}};
	float arc[2 * 61];

	for (int part = 1; part <= 2; part++) {
		for (int i = 0; i <= 60; i++) {
			double angle = M_PI * (i / 60.0 - 0.5);

			arc[2 * i] = x + radius * (float)part / 2 * (float)sin(angle);
			arc[2 * i + 1] = y - radius * (float)part / 2 * (float)cos(angle);
		}
		plot_path(plot, PLOT_INK_GRID, 1, arc, 61);
	}
	plot_line(plot, PLOT_INK_GRID, 1, x - radius, y, x + radius, y);
	for (size_t i = 0; i < sizeof(rays) / sizeof(rays[0]); i++) {
		double angle = rays[i].degrees * M_PI / 180;
		float to_x = (float)sin(angle), to_y = (float)cos(angle);

		plot_line(plot, PLOT_INK_GRID, 1, x, y, x + radius * to_x, y - radius * to_y);
		plot_text(plot, PLOT_INK_MUTED, rays[i].anchor, x + (radius + 7) * to_x,
			  y - (radius + 7) * to_y, "%s", rays[i].text)
			->size = 11;
	}
	plot_text(plot, PLOT_INK_BAD, PLOT_END, x - radius - 6, y + 4, "out of")->size = 11;
	plot_text(plot, PLOT_INK_BAD, PLOT_END, x - radius - 6, y + 17, "phase")->size = 11;
	plot_text(plot, PLOT_INK_BAD, PLOT_START, x + radius + 6, y + 4, "out of")->size = 11;
	plot_text(plot, PLOT_INK_BAD, PLOT_START, x + radius + 6, y + 17, "phase")->size = 11;
}

bool plot_field(struct plot *plot, const struct measure_result *result)
{
	float xy[2 * (MEASURE_DIRECTIONS + 2)], x = PLOT_NARROW / 2, y = 236, radius = 178;
	double highest = 0;

	for (uint32_t i = 0; i < MEASURE_DIRECTIONS; i++)
		highest = fmax(highest, result->direction[i]);
	if (!(highest > 0) || result->n_channels < 2)
		return false;
	plot_init(plot, "field", PLOT_NARROW, 270,
		  result->n_channels > 2 ? "Stereo field of the front pair" : "Stereo field");
	snprintf(
		plot->alt, sizeof(plot->alt),
		"Energy of the front pair by direction, from out of phase through left, middle and "
		"right");
	whole_title(plot);
	field_frame(plot, x, y, radius);
	for (uint32_t i = 0; i <= MEASURE_DIRECTIONS; i++) {
		double share = result->direction[i % MEASURE_DIRECTIONS] / highest;
		double angle = M_PI * ((double)i / MEASURE_DIRECTIONS - 0.5);
		float length = radius * (float)sqrt(share);

		xy[2 * i] = x + length * (float)sin(angle);
		xy[2 * i + 1] = y - length * (float)cos(angle);
	}
	xy[2 * (MEASURE_DIRECTIONS + 1)] = x;
	xy[2 * (MEASURE_DIRECTIONS + 1) + 1] = y;
	plot_area(plot, PLOT_INK_SHORT, 0.55f, xy, MEASURE_DIRECTIONS + 2);
	plot_path(plot, PLOT_INK_SHORT, 1.2f, xy, MEASURE_DIRECTIONS + 1);
	return true;
}

/* ---- channels --------------------------------------------------------------------------------- */

static void channel_name(const struct media_info *info, uint32_t n_channels, uint32_t idx,
			 char *buf)
{
	if (info && info->layout.position && info->layout.n_channels == n_channels)
		graph_layout_channel_name(&info->layout, idx, buf);
	else
		snprintf(buf, 8, "%u", (idx + 1) % 1000u);
}

static void channel_bar(const struct plot_axes *axes, const struct measure_result *result,
			uint32_t idx)
{
	float x0 = plot_x(axes, idx + 0.18), x1 = plot_x(axes, idx + 0.82);
	double rms = result->channel_rms[idx], peak = result->channel_sample_peak[idx];
	double true_peak = result->channel_true_peak[idx];

	if (peak > axes->y0)
		plot_rect(axes->plot, PLOT_INK_PEAK, 0.3f, x0, plot_y(axes, peak), x1,
			  axes->bottom);
	if (rms > axes->y0)
		plot_rect(axes->plot, PLOT_INK_SHORT, 0.9f, x0, plot_y(axes, rms), x1,
			  axes->bottom);
	if (true_peak > axes->y0)
		plot_line(axes->plot, true_peak > 0 ? PLOT_INK_BAD : PLOT_INK_PEAK, 2, x0 - 1,
			  plot_y(axes, true_peak), x1 + 1, plot_y(axes, true_peak));
}

bool plot_channels(struct plot *plot, const struct measure_result *result,
		   const struct media_info *info)
{
	uint32_t every = (result->n_channels + 15) / 16;
	double high = -INFINITY;
	struct plot_axes axes;
	float x;

	for (uint32_t i = 0; i < result->n_channels; i++)
		high = fmax(high,
			    fmax(result->channel_true_peak[i], result->channel_sample_peak[i]));
	if (!(high > -150) || result->n_channels < 2)
		return false;
	plot_init(plot, "channels", result->n_channels > 16 ? PLOT_WIDE : PLOT_NARROW, 270,
		  "Channels");
	plot->is_wide = result->n_channels > 16;
	snprintf(plot->alt, sizeof(plot->alt), "RMS, sample peak and true peak of %u channels",
		 result->n_channels);
	axes = whole_axes(plot);
	axes.x1 = result->n_channels;
	axes.y1 = fmax(0, ceil((high + 1) / 6) * 6);
	axes.y0 = axes.y1 - 72;
	whole_title(plot);
	x = axes.right;
	plot_legend(plot, PLOT_INK_PEAK, 1, "true peak", &x);
	plot_legend(plot, PLOT_INK_PEAK, 0.3f, "peak", &x);
	plot_legend(plot, PLOT_INK_SHORT, 0.9f, "RMS", &x);
	plot_grid_y(&axes, 12, "dBFS");
	for (uint32_t i = 0; i < result->n_channels; i++) {
		char name[8];

		channel_bar(&axes, result, i);
		channel_name(info, result->n_channels, i, name);
		if (i % every == 0)
			plot_text(plot, PLOT_INK_MUTED, PLOT_MIDDLE, plot_x(&axes, i + 0.5),
				  axes.bottom + 16, "%s", name)
				->size = 11;
	}
	return true;
}

/* ---- all -------------------------------------------------------------------------------------- */

int plot_all(const struct measure_result *result, const struct media_info *info,
	     const struct spec *spec, struct plots *ret)
{
	*ret = (struct plots){0};
	ret->n += plot_loudness(&ret->plot[ret->n], result, spec);
	ret->n += plot_peaks(&ret->plot[ret->n], result, spec);
	ret->n += plot_distribution(&ret->plot[ret->n], result);
	ret->n += plot_spectrum(&ret->plot[ret->n], result);
	ret->n += plot_correlation(&ret->plot[ret->n], result);
	ret->n += plot_field(&ret->plot[ret->n], result);
	ret->n += plot_channels(&ret->plot[ret->n], result, info);
	for (uint32_t i = 0; i < ret->n; i++)
		if (ret->plot[i].has_failed) {
			plots_done(ret);
			return -ENOMEM;
		}
	return 0;
}
