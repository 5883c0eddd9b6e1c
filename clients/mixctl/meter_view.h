/* meter_view.h - meters on a terminal: redrawn in place, with bars for levels.
 *
 * WHAT        One line per meter: address, value with unit, and a bar where the unit is a level
 *             (dBFS, dBTP, LUFS: -60..0) or a gain (dB: -20..+20 around the middle). Lines that do
 *             not fit the terminal are counted in the last line. Plain ANSI; colours unless
 *             $NO_COLOR; block characters where the locale says UTF-8, else '='. Values that are names
 *             print as such.
 * THREADS     one; one view per process (an interrupt restores the cursor). */
#pragma once

#include <stdbool.h>

#include "meter_labels.h"
#include "meter_order.h"

#define METER_VIEW_HOLD_MAX 256u

struct meter_view {
	bool color, utf8;
	bool brief; /* only what one looks at all the time: peaks, gains, loudness */
	const struct meter_labels *labels; /* NULL: none */
	const struct meter_order *order; /* NULL: as the columns */
	unsigned lines; /* drawn last time */
	unsigned rows, columns; /* of the terminal */
	uint64_t lost; /* frames, since the start */
	char restarted[16]; /* when the daemon was, last: "12:00:01"; empty: never */
	float hold[METER_VIEW_HOLD_MAX]; /* peak hold of the first rows */
	uint64_t hold_unix_ms[METER_VIEW_HOLD_MAX];
};

void meter_view_init(struct meter_view *view);
void meter_view_done(struct meter_view *view);
void meter_view_draw(struct meter_view *view, const Mixd__V1__MeterLeaseReply *columns,
		     const Mixd__V1__Meters *meters, uint64_t lost);
/* A word below the meters: "disconnected". That the daemon was restarted stays there. */
void meter_view_say(struct meter_view *view, const char *text);
/* One line as it would be drawn, without colours: for tests. BUF of SIZE bytes. LABEL: NULL, or
 * the word for the value. */
void meter_view_line(char *buf, size_t size, const char *address, const char *unit,
		     const char *label, float value, float hold, unsigned name_width,
		     unsigned bar_width, bool utf8);
