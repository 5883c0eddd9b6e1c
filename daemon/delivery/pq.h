/* pq.h - the PQ descriptor of a DDP set: where tracks and indexes are, as 64-byte records.
 *
 * LAYOUT      0/4 "VVVS" - 4/2 track - 6/2 index - 8/8 time "  MMSSFF" - 16/2 control - 18/2 blank -
 *             20/12 ISRC - 32/13 UPC/EAN - 45/19 blank (offset/size; ASCII, no line ends).
 * THREADS     [any] */
#pragma once

#include "disc.h"

#define PQ_RECORD 64u

/* What a reader has to say about a record. IDX: of the record. */
typedef void (*pq_fault)(void *data, uint32_t idx, const char *text);

/* *ret is malloc'd. -ENOMEM. */
int pq_encode(const struct disc *disc, char **ret, size_t *ret_size);
/* Places, codes and flags of DISC (initialised) from BYTES; what is strange goes to FAULT, what is
 * not a PQ descriptor at all is -EINVAL with text and hint in *err. */
int pq_decode(const char *bytes, size_t size, struct disc *disc, pq_fault fault, void *data,
	      struct mixd_error *err);
