/* report_private.h - what the files of report.h share. */
#pragma once

#include <stdio.h>

#include "report.h"

/* The last part of a path. */
const char *report_name(const char *path);
/* "1:02:03", "12.5 s"; "9.2 MB". */
void report_duration(double seconds, char *buf, size_t size);
void report_bytes(uint64_t n_bytes, char *buf, size_t size);
/* "-23.1", "-inf", "" when not known. */
const char *report_number(double value, int decimals, char *buf, size_t size);
bool report_item_is_met(const struct report_item *item);

/* report_css.c */
extern const char report_css[];
/* report_tables.c */
void report_summary(const struct report *report, FILE *file);
/* Of each spec: met or not. */
void report_badges(const struct report_item *item, FILE *file);
void report_facts(const struct report_item *item, FILE *file);
void report_tiles(const struct report_item *item, FILE *file);
void report_verdicts(const struct report_item *item, FILE *file);
void report_figures(const struct report_item *item, FILE *file);
void report_events(const struct report_item *item, FILE *file);
