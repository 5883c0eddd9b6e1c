/* latin1.h - UTF-8 <-> ISO 8859-1, for formats that know nothing else.
 *
 * THREADS     [any] */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A letter that ISO 8859-1 has not. */
struct latin1_fault {
	uint32_t codepoint; /* 0: the bytes are not UTF-8 */
	char letter[8]; /* as UTF-8 */
	char instead[8]; /* what comes near it, or "" */
};

/* UTF-8 TEXT -> RET (at most SIZE bytes with the zero, cut there). False with *fault at the first
 * letter that cannot be written. */
bool latin1_from_utf8(const char *text, char *ret, size_t size, struct latin1_fault *fault);
/* N bytes -> malloc'd UTF-8; control characters become '?'. NULL without memory. */
char *latin1_to_utf8(const char *bytes, size_t n);
/* TEXT with all that ISO 8859-1 has not replaced by what comes near, or '?'. */
void latin1_plain(const char *text, char *ret, size_t size);
