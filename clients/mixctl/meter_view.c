/* meter_view.c - see meter_view.h. Control sequences: ECMA-48 (CUU, EL, SGR), DEC 25 (cursor). */
#include "meter_view.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "mixctl.h"

#define METER_VIEW_BAR_MIN 10u
#define METER_VIEW_HOLD_MS 1500u

static const char meter_view_restore[] = "\033[0m\033[?25h\n";

static void meter_view_interrupted(int signo)
{
	if (write(STDOUT_FILENO, meter_view_restore, sizeof(meter_view_restore) - 1) < 0)
		_exit(EXIT_RESOURCE);
	_exit(signo == SIGINT ? EXIT_INTERRUPTED : 128 + signo);
}

void meter_view_init(struct meter_view *view)
{
	struct sigaction action = {.sa_handler = meter_view_interrupted};

	*view = (struct meter_view){.color = output_color(), .utf8 = output_utf8()};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	fputs("\033[?25l", stdout);
}

void meter_view_done(struct meter_view *view)
{
	fputs("\033[0m\033[?25h", stdout);
	fflush(stdout);
}

static void meter_view_measure(struct meter_view *view)
{
	struct winsize size = {0};

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	view->rows = size.ws_row > 2 ? size.ws_row : 24;
	view->columns = size.ws_col > 20 ? size.ws_col : 80;
}

enum meter_view_scale { SCALE_NONE, SCALE_LEVEL, SCALE_GAIN, SCALE_PERCENT };

static enum meter_view_scale meter_view_scale(const char *unit)
{
	if (strcmp(unit, "dBFS") == 0 || strcmp(unit, "dBTP") == 0 || strcmp(unit, "LUFS") == 0)
		return SCALE_LEVEL;
	if (strcmp(unit, "dB") == 0 || strcmp(unit, "LU") == 0)
		return SCALE_GAIN;
	return strcmp(unit, "%") == 0 ? SCALE_PERCENT : SCALE_NONE;
}

/* 0..1 on the bar; a gain of 0 dB is the middle. */
static double meter_view_place(enum meter_view_scale scale, double value)
{
	double place = scale == SCALE_LEVEL  ? (value + 60) / 60
		       : scale == SCALE_GAIN ? (value + 20) / 40
					     : value / 100;

	return place > 1 ? 1 : place > 0 ? place : 0;
}

/* The bar in CELLS cells of one character each, as codes: 0 empty, 1..8 eighths, 9 hold. */
static void meter_view_cells(unsigned char *cells, unsigned n, enum meter_view_scale scale,
			     double value, double hold)
{
	double place = meter_view_place(scale, value) * n;
	double from = scale == SCALE_GAIN ? fmin(place, n / 2.0) : 0;
	double to = scale == SCALE_GAIN ? fmax(place, n / 2.0) : place;

	for (unsigned i = 0; i < n; i++) {
		double filled = fmin(to, i + 1.0) - fmax(from, i);

		cells[i] = filled <= 0 ? 0 : (unsigned char)(filled * 8 + 0.5);
	}
	if (scale == SCALE_LEVEL && isfinite(hold)) {
		unsigned at = (unsigned)(meter_view_place(scale, hold) * n);

		if (at >= n)
			at = n - 1;
		if (cells[at] == 0 && hold > -60)
			cells[at] = 9;
	}
}

void meter_view_line(char *buf, size_t size, const char *address, const char *unit,
		     const char *label, float value, float hold, unsigned name_width,
		     unsigned bar_width, bool utf8)
{
	static const char *const eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█", "│"};
	enum meter_view_scale scale = meter_view_scale(unit);
	unsigned char cells[256];
	char text[32];
	size_t used;
	int n;

	if (isinf(value) || isnan(value))
		snprintf(text, sizeof(text), "%s",
			 isnan(value) ? "gone"
			 : value < 0  ? "-inf"
				      : "inf");
	else
		snprintf(text, sizeof(text), "%.*f", fabsf(value) < 1e5f ? 1 : 0, (double)value);
	n = snprintf(buf, size, label ? "%-*.*s  %s" : "%-*.*s %8s %-4.8s ", (int)name_width,
		     (int)name_width, address, label ? label : text, unit);
	used = n < 0 ? 0 : (size_t)n;
	if (label || scale == SCALE_NONE || bar_width < METER_VIEW_BAR_MIN || isnan(value))
		return;
	if (bar_width > sizeof(cells))
		bar_width = sizeof(cells);
	meter_view_cells(cells, bar_width, scale, (double)value, (double)hold);
	for (unsigned i = 0; i < bar_width && used + 4 < size; i++) {
		const char *cell = utf8		   ? eighths[cells[i]]
				   : cells[i] == 9 ? "|"
				   : cells[i] >= 4 ? "="
						   : " ";

		used += (size_t)snprintf(buf + used, size - used, "%s", cell);
	}
}

static float meter_view_hold(struct meter_view *view, size_t idx, float value, uint64_t unix_ms)
{
	if (idx >= METER_VIEW_HOLD_MAX)
		return value;
	if (!(value < view->hold[idx]) || view->hold_unix_ms[idx] + METER_VIEW_HOLD_MS < unix_ms) {
		view->hold[idx] = value;
		view->hold_unix_ms[idx] = unix_ms;
	}
	return view->hold[idx];
}

/* Red above -1, yellow above -9: levels only. */
static const char *meter_view_color(const struct meter_view *view, const char *unit, float value)
{
	if (!view->color)
		return "";
	if (meter_view_scale(unit) != SCALE_LEVEL)
		return "\033[36m";
	return value > -1 ? "\033[31m" : value > -9 ? "\033[33m" : "\033[32m";
}

static bool meter_view_shows(const struct meter_view *view, const char *address)
{
	static const char *const looked_at[] = {".peak", ".gain", ".gr", ".reason",
						".m",	 ".s",	  ".i",	 ".tp"};
	size_t size = strlen(address);

	for (size_t i = 0; view->brief && i < sizeof(looked_at) / sizeof(looked_at[0]); i++) {
		size_t tail = strlen(looked_at[i]);

		if (size > tail && strcmp(address + size - tail, looked_at[i]) == 0)
			return true;
	}
	return !view->brief;
}

/* Cut at the edge of the terminal: a line that wraps would be two, and spoil the next drawing. */
static void meter_view_foot(const struct meter_view *view, uint64_t seq, unsigned hidden,
			    unsigned others)
{
	char line[200];
	int n = snprintf(line, sizeof(line), "frame %llu", (unsigned long long)seq);

	if (view->lost)
		n += snprintf(line + n, sizeof(line) - (size_t)n, ", %llu lost",
			      (unsigned long long)view->lost);
	if (view->restarted[0])
		n += snprintf(line + n, sizeof(line) - (size_t)n, ", restarted %s",
			      view->restarted);
	if (hidden)
		n += snprintf(line + n, sizeof(line) - (size_t)n, ", +%u more than fit", hidden);
	if (others)
		snprintf(line + n, sizeof(line) - (size_t)n, ", +%u more: mixctl meter NODE",
			 others);
	printf("%.*s\033[K\n\033[J", (int)view->columns - 1, line);
}

static void meter_view_draw_row(struct meter_view *view, const Mixd__V1__MeterLeaseReply *columns,
				const Mixd__V1__Meters *meters, size_t idx, unsigned name_width)
{
	unsigned bar_width = view->columns > name_width + 16 ? view->columns - name_width - 16 : 0;
	const char *unit = idx < columns->n_units ? columns->units[idx] : "";
	float value = meters->values[idx];
	char line[1400];

	meter_view_line(line, sizeof(line), columns->addresses[idx], unit,
			meter_labels_get(view->labels, idx, value), value,
			meter_view_hold(view, idx, value, meters->unix_ms), name_width, bar_width,
			view->utf8);
	printf("%s%s%s\033[K\n", meter_view_color(view, unit, value), line,
	       view->color ? "\033[0m" : "");
}

void meter_view_draw(struct meter_view *view, const Mixd__V1__MeterLeaseReply *columns,
		     const Mixd__V1__Meters *meters, uint64_t lost)
{
	size_t n =
		meters->n_values < columns->n_addresses ? meters->n_values : columns->n_addresses;
	unsigned name_width = 8, shown = 0, hidden = 0, others = 0;

	meter_view_measure(view);
	view->lost += lost;
	for (size_t i = 0; i < n; i++) {
		unsigned width = (unsigned)strlen(columns->addresses[i]);

		if (meter_view_shows(view, columns->addresses[i]) && width > name_width)
			name_width = width;
	}
	if (name_width > view->columns / 2)
		name_width = view->columns / 2;
	if (view->lines)
		printf("\033[%uA\r", view->lines);
	for (size_t i = 0; i < n; i++) {
		size_t idx = meter_order_get(view->order, i);

		if (idx >= n || !meter_view_shows(view, columns->addresses[idx])) {
			others++;
		} else if (shown + 2 >= view->rows) {
			hidden++;
		} else {
			meter_view_draw_row(view, columns, meters, idx, name_width);
			shown++;
		}
	}
	meter_view_foot(view, meters->seq, hidden, others);
	view->lines = shown + 1;
	fflush(stdout);
}

void meter_view_say(struct meter_view *view, const char *text)
{
	if (view->lines)
		fputs("\033[1A\r", stdout);
	else
		view->lines = 1;
	if (strcmp(text, "restarted") == 0) {
		time_t now = time(NULL);
		struct tm tm;

		strftime(view->restarted, sizeof(view->restarted), "%H:%M:%S",
			 localtime_r(&now, &tm));
	}
	printf("-- %s\033[K\n", text);
	fflush(stdout);
}
