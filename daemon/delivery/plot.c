/* plot.c - shapes and axes; see plot_private.h. */
#include "plot_private.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN_POINTS 1.0f

/* ---- shapes ----------------------------------------------------------------------------------- */

void plot_init(struct plot *plot, const char *name, float width, float height, const char *title)
{
	*plot = (struct plot){.name = name, .width = width, .height = height};
	snprintf(plot->title, sizeof(plot->title), "%s", title);
}

static struct plot_shape *plot_add(struct plot *plot, struct plot_shape shape, const float *xy,
				   uint32_t n)
{
	static _Thread_local struct plot_shape stand_in;

	if (plot->n_shapes == plot->space) {
		uint32_t space = plot->space ? 2 * plot->space : 64;
		struct plot_shape *grown = realloc(plot->shapes, space * sizeof(*grown));

		if (!grown) {
			plot->has_failed = true;
			return &stand_in;
		}
		plot->shapes = grown;
		plot->space = space;
	}
	shape.xy = malloc((n ? n : 1) * 2 * sizeof(*xy));
	if (!shape.xy) {
		plot->has_failed = true;
		return &stand_in;
	}
	memcpy(shape.xy, xy, n * 2 * sizeof(*xy));
	shape.n = n;
	plot->shapes[plot->n_shapes] = shape;
	return &plot->shapes[plot->n_shapes++];
}

struct plot_shape *plot_path(struct plot *plot, enum plot_ink ink, float width, const float *xy,
			     uint32_t n)
{
	return plot_add(
		plot,
		(struct plot_shape){.kind = PLOT_LINE, .ink = ink, .size = width, .opacity = 1}, xy,
		n);
}

struct plot_shape *plot_line(struct plot *plot, enum plot_ink ink, float width, float x0, float y0,
			     float x1, float y1)
{
	float xy[] = {x0, y0, x1, y1};

	return plot_path(plot, ink, width, xy, 2);
}

struct plot_shape *plot_area(struct plot *plot, enum plot_ink ink, float opacity, const float *xy,
			     uint32_t n)
{
	return plot_add(plot,
			(struct plot_shape){.kind = PLOT_AREA, .ink = ink, .opacity = opacity}, xy,
			n);
}

struct plot_shape *plot_rect(struct plot *plot, enum plot_ink ink, float opacity, float x0,
			     float y0, float x1, float y1)
{
	float xy[] = {x0, y0, x1, y0, x1, y1, x0, y1};

	return plot_area(plot, ink, opacity, xy, 4);
}

struct plot_shape *plot_dot(struct plot *plot, enum plot_ink ink, float radius, float x, float y)
{
	float xy[] = {x, y};

	return plot_add(
		plot,
		(struct plot_shape){.kind = PLOT_DOT, .ink = ink, .size = radius, .opacity = 1}, xy,
		1);
}

struct plot_shape *plot_text(struct plot *plot, enum plot_ink ink, enum plot_anchor anchor, float x,
			     float y, const char *fmt, ...)
{
	float xy[] = {x, y};
	struct plot_shape shape = {.kind = PLOT_TEXT,
				   .ink = ink,
				   .anchor = anchor,
				   .size = PLOT_LETTERS,
				   .opacity = 1};
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&shape.text, fmt, args);
	va_end(args);
	if (n < 0) {
		shape.text = NULL;
		plot->has_failed = true;
	}
	return plot_add(plot, shape, xy, 1);
}

void plot_legend(struct plot *plot, enum plot_ink ink, float opacity, const char *name, float *x)
{
	/* letters of 12 points are about 6.3 wide */
	float width = 6.3f * (float)strlen(name);

	plot_text(plot, PLOT_INK_MUTED, PLOT_START, *x - width, 17, "%s", name);
	plot_rect(plot, ink, opacity, *x - width - 16, 8, *x - width - 5, 18);
	*x -= width + 34;
}

void plots_done(struct plots *plots)
{
	for (uint32_t i = 0; i < plots->n; i++) {
		struct plot *plot = &plots->plot[i];

		for (uint32_t j = 0; j < plot->n_shapes; j++) {
			free(plot->shapes[j].xy);
			free(plot->shapes[j].text);
		}
		free(plot->shapes);
	}
	*plots = (struct plots){0};
}

const char *plot_figure(double value, int decimals, char buf[24])
{
	if (isnan(value))
		snprintf(buf, 24, "not known");
	else if (isinf(value))
		snprintf(buf, 24, "%s infinity", value < 0 ? "minus" : "plus");
	else
		snprintf(buf, 24, "%.*f", decimals, fmax(-1e6, fmin(value, 1e6)));
	return buf;
}

/* ---- axes ------------------------------------------------------------------------------------- */

float plot_x(const struct plot_axes *axes, double value)
{
	double part = axes->log_x ? log(value / axes->x0) / log(axes->x1 / axes->x0)
				  : (value - axes->x0) / (axes->x1 - axes->x0);

	part = part < 0 ? 0 : part > 1 ? 1 : part;
	return axes->left + (float)part * (axes->right - axes->left);
}

float plot_y(const struct plot_axes *axes, double value)
{
	double part = (value - axes->y0) / (axes->y1 - axes->y0);

	part = !(part > 0) ? 0 : part > 1 ? 1 : part;
	return axes->bottom - (float)part * (axes->bottom - axes->top);
}

double plot_step(double span, uint32_t n)
{
	double step = pow(10, floor(log10(span / n)) - 1);

	for (int i = 0; i < 9; i++) {
		static const double next[] = {2, 2.5, 2};

		if (span / step <= n * (1 + 1e-9))
			break;
		step *= next[i % 3];
	}
	return step;
}

void plot_grid_y(const struct plot_axes *axes, double step, const char *unit)
{
	struct plot *plot = axes->plot;
	int decimals = step < 1 ? 1 : 0;

	for (double value = ceil(axes->y0 / step - 1e-6) * step; value <= axes->y1 + 1e-6 * step;
	     value += step) {
		float y = plot_y(axes, value);

		plot_line(plot, PLOT_INK_GRID, 1, axes->left, y, axes->right, y);
		plot_text(plot, PLOT_INK_MUTED, PLOT_END, axes->left - 7, y + 4, "%.*f", decimals,
			  value == 0 ? 0.0 : value)
			->size = 11;
	}
	plot_text(plot, PLOT_INK_MUTED, PLOT_END, axes->left - 7, axes->top - 8, "%s", unit)->size =
		11;
}

void plot_time(double seconds, double total_s, char *buf, size_t size)
{
	unsigned long whole = (unsigned long)(seconds + 0.5);

	if (total_s < 10)
		snprintf(buf, size, "%.*f s", total_s < 1 ? 2 : 1, seconds);
	else if (total_s < 60)
		snprintf(buf, size, "%lu s", whole);
	else if (total_s < 3600)
		snprintf(buf, size, "%lu:%02lu", whole / 60, whole % 60);
	else
		snprintf(buf, size, "%lu:%02lu:%02lu", whole / 3600, whole / 60 % 60, whole % 60);
}

void plot_grid_time(const struct plot_axes *axes)
{
	static const double steps[] = {0.01, 0.02, 0.05,  0.1,	 0.2,	0.5,   1,      2,     5,
				       10,   15,   30,	  60,	 120,	300,   600,    900,   1800,
				       3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800};
	const size_t n_steps = sizeof(steps) / sizeof(steps[0]);
	struct plot *plot = axes->plot;
	double step = steps[n_steps - 1], span = axes->x1 - axes->x0;
	char text[32];

	for (size_t i = 0; i < n_steps; i++)
		if (span / steps[i] <= (axes->right - axes->left) / 75) {
			step = steps[i];
			break;
		}
	if (span / step > 100) /* longer than any programme */
		step = span / 10;
	for (uint32_t k = 0; axes->x0 + k * step <= axes->x1 + 1e-6 * step; k++) {
		double value = axes->x0 + k * step;
		float x = plot_x(axes, value);

		plot_time(value, span, text, sizeof(text));
		plot_line(plot, PLOT_INK_GRID, 1, x, axes->top, x, axes->bottom);
		plot_text(plot, PLOT_INK_MUTED, k == 0 ? PLOT_START : PLOT_MIDDLE, x,
			  axes->bottom + 16, "%s", text)
			->size = 11;
	}
}

/* ---- many values in few columns --------------------------------------------------------------- */

static void column_take(const struct plot_axes *axes, struct plot_column *column,
			const float *values, uint32_t first, uint32_t end)
{
	double sum = 0, low = INFINITY, high = -INFINITY;
	uint32_t n = 0;

	for (uint32_t i = first; i < end; i++) {
		double value = values[i];

		if (isnan(value))
			continue;
		value = value < axes->y0 ? axes->y0 : value > axes->y1 ? axes->y1 : value;
		low = fmin(low, value);
		high = fmax(high, value);
		sum += value;
		n++;
	}
	column->is_gap = n == 0;
	column->low = plot_y(axes, low);
	column->high = plot_y(axes, high);
	column->mean = plot_y(axes, n ? sum / n : 0);
}

struct plot_column *plot_columns(const struct plot_axes *axes, const float *values, uint32_t n,
				 uint32_t *ret_n)
{
	uint32_t room = (uint32_t)((axes->right - axes->left) / COLUMN_POINTS);
	uint32_t n_columns = n < room ? n : room;
	struct plot_column *columns = calloc(n_columns + 1, sizeof(*columns));

	*ret_n = 0;
	if (!columns) {
		axes->plot->has_failed = true;
		return NULL;
	}
	for (uint32_t i = 0; i < n_columns; i++) {
		uint32_t first = (uint32_t)((uint64_t)i * n / n_columns);
		uint32_t end = (uint32_t)((uint64_t)(i + 1) * n / n_columns);

		columns[i].x = axes->left +
			       ((float)i + 0.5f) / (float)n_columns * (axes->right - axes->left);
		column_take(axes, &columns[i], values, first, end > first ? end : first + 1);
	}
	*ret_n = n_columns;
	return columns;
}

/* Pieces between gaps: *first and *end of the next one. */
static bool columns_piece(const struct plot_column *columns, uint32_t n, uint32_t *first,
			  uint32_t *end)
{
	*first = *end;
	while (*first < n && columns[*first].is_gap)
		(*first)++;
	*end = *first;
	while (*end < n && !columns[*end].is_gap)
		(*end)++;
	return *first < n;
}

void plot_columns_area(struct plot *plot, enum plot_ink ink, float opacity,
		       const struct plot_column *columns, uint32_t n)
{
	float *xy = malloc((n ? n : 1) * 4 * sizeof(*xy));
	uint32_t first, end = 0;

	if (!xy) {
		plot->has_failed = true;
		return;
	}
	while (columns_piece(columns, n, &first, &end)) {
		uint32_t length = end - first;

		for (uint32_t i = 0; i < length; i++) {
			const struct plot_column *column = &columns[first + i];

			xy[2 * i] = column->x;
			xy[2 * i + 1] = column->high - 0.4f;
			xy[2 * (2 * length - 1 - i)] = column->x;
			xy[2 * (2 * length - 1 - i) + 1] = column->low + 0.4f;
		}
		plot_area(plot, ink, opacity, xy, 2 * length);
	}
	free(xy);
}

void plot_columns_path(struct plot *plot, enum plot_ink ink, float width,
		       const struct plot_column *columns, uint32_t n, enum plot_which which)
{
	float *xy = malloc((n ? n : 1) * 2 * sizeof(*xy));
	uint32_t first, end = 0;

	if (!xy) {
		plot->has_failed = true;
		return;
	}
	while (columns_piece(columns, n, &first, &end)) {
		for (uint32_t i = first; i < end; i++) {
			xy[2 * (i - first)] = columns[i].x;
			xy[2 * (i - first) + 1] =
				which == PLOT_HIGH ? columns[i].high : columns[i].mean;
		}
		if (end - first == 1) {
			plot_dot(plot, ink, width, xy[0], xy[1]);
			continue;
		}
		plot_path(plot, ink, width, xy, end - first);
	}
	free(xy);
}
