/* meter_labels.h - words for meters whose values are names: level.reason is "boost", not 3.
 *
 * WHAT        Labels stand in the meter rows of node types; a lease only has addresses and units.
 *             Asked for once per set of columns, for those without a unit. */
#pragma once

#include "mixctl.h"

struct meter_labels {
	char topic[64]; /* of the lease they belong to */
	const Mixd__V1__MeterRow **rows; /* one per column, NULL: a plain number */
	Mixd__V1__Reply *types; /* owns the rows */
};

/* Make LABELS fit COLUMNS; keeps them when they do. Without answer there are no labels. */
void meter_labels_update(struct mixctl *m, struct meter_labels *labels,
			 const Mixd__V1__MeterLeaseReply *columns);
/* The word for VALUE in column IDX; NULL: print the number. */
const char *meter_labels_get(const struct meter_labels *labels, size_t idx, float value);
