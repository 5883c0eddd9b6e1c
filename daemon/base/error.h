/* error.h - what an operator caused, in words: it becomes the reply. WHAT `struct mixd_error`
 * travels up from where a fault is found to the client. Functions return -errno beside it. The
 * code is also mixctl's exit code (design 9).
 *
 * THREADS     [any], no sharing. */
#pragma once

#include <stdarg.h>
#include <stdint.h>

enum error_code { /* = mixd.v1.Code = mixctl's exit codes */
		  ERROR_OK = 0,
		  ERROR_USAGE = 2,
		  ERROR_UNAVAILABLE = 3,
		  ERROR_NOT_FOUND = 4,
		  ERROR_INVALID = 5,
		  ERROR_CONFLICT = 6,
		  ERROR_DENIED = 7,
		  ERROR_RESOURCE = 8,
		  ERROR_ROLLED_BACK = 9,
		  ERROR_TIMEOUT = 124,
		  ERROR_INTERRUPTED = 130,
};

struct mixd_error {
	enum error_code code;
	uint32_t op_index; /* operation of the transaction it belongs to */
	char address[160]; /* "limit.ceiling", "onair.yaml:12:5" */
	char text[320]; /* what was wrong */
	char hint[320]; /* what would be right; may be empty */
};

/* Fill *ERR (may be NULL) and return the matching -errno (-ENOENT, -EINVAL, -EEXIST, -EACCES, -EIO,
 * ...). ADDRESS may be NULL: kept as it is. */
__attribute__((format(printf, 4, 5))) int error_set(struct mixd_error *err, enum error_code code,
						    const char *address, const char *fmt, ...);
/* "out of memory": fills *ERR, returns -ENOMEM. */
int error_no_memory(struct mixd_error *err);
/* Add the remedy. */
__attribute__((format(printf, 2, 3))) void error_hint(struct mixd_error *err, const char *fmt, ...);

/* The nearest of N words to WORD (Damerau-Levenshtein), or NULL when none is near enough to be
 * meant. The words are borrowed. */
const char *error_nearest(const char *word, const char *const *words, uint32_t n);
