/* media_claim.h - what the header of a PCM container says, against what is there: inside
 * daemon/render only.
 *
 * WHAT        libsndfile takes the smaller of both and says nothing; a delivery must not be silently
 *             short. Knows WAV, RF64, BW64, W64, AIFF, AIFC and CAF.
 * THREADS     [any] */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct media_claim {
	bool is_known; /* a header with a chunk of samples was found */
	bool is_streamed; /* it says "to the end" */
	int64_t claimed_bytes, found_bytes; /* of samples */
	int64_t data_at; /* where they begin */
};

/* Never fails: what is not understood is not known. The position of FD is not used. */
void media_claim_read(int fd, int64_t file_bytes, struct media_claim *ret);
/* The first chunk whose id is WANTED, and the bytes in it. */
bool media_claim_find(int fd, int64_t file_bytes, const char *wanted, int64_t *ret_at,
		      uint64_t *ret_size);
