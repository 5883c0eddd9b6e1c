/* graph_value.h - values as people write them. WHAT "-1dBTP" "20ms" "0.02s" "4:1" "inf:1"
 * "1.2kHz" "-16LUFS" "L30" "C" "R100" "on" "off" "-inf" "30%" "3dB/s" "default" and plain
 * numbers, by the unit of the row. A wrong unit is an error that names the right one; a value
 * out of range names the range; a wrong label names the nearest. "dB" is a short form of dBFS,
 * dBTP and LU (the row says which), never of LUFS; dBFS and dBTP never stand for one another.
 *
 * THREADS     [any] */
#pragma once

#include <stdbool.h>

#include "graph_types.h"

const char *graph_unit_name(enum mixd_unit unit); /* "dB", "dBTP", ":1", ""; never NULL */

/* TEXT -> *ret_value in the row's unit. ADDRESS is for the error. A TEXT that begins with "+=" or
 * "-=" is relative to CURRENT. "default" gives DEF. -EINVAL. */
int graph_value_parse_param(const struct mixd_param_row *row, double def, const char *text,
			    double current, const char *address, double *ret_value,
			    struct mixd_error *err);
int graph_value_parse_config(const struct mixd_config_row *row, const char *text,
			     const char *address, double *ret_value, struct mixd_error *err);
/* Range, finiteness, integrality, label count. */
int graph_value_check_param(const struct mixd_param_row *row, double value, const char *address,
			    struct mixd_error *err);
/* As a person writes it, round-trips through the parser: "-1dBTP", "L30", "bell", "on", "-inf". */
void graph_value_format_param(const struct mixd_param_row *row, double value, char *buf,
			      size_t size);
void graph_value_format_config(const struct mixd_config_row *row, const struct mixd_value *value,
			       char *buf, size_t size);
/* A measured value, for tables: "-23.0 LUFS", "-inf dBFS", a label. */
void graph_value_format_meter(const struct mixd_meter_row *row, double value, char *buf,
			      size_t size);
/* Shortest decimal text that reads back as the same double; "-inf" "inf" for infinities. */
void graph_number_format(double value, char *buf, size_t size);
