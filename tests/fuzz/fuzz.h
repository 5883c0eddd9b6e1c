/* fuzz.h - what a fuzz harness provides: libFuzzer's entry points, and seeds.
 *
 * USE         Linked with fuzz_main.c it is a deterministic mutator of its own (gcc, any sanitizer):
 *             `fuzz_request [-n RUNS] [-s SEED] [FILE...]`; files are run once each, as they are.
 *             An input that crashes is left in $TMPDIR as fuzz-<name>.crash. Linked with
 *             -fsanitize=fuzzer instead, the harness is a libFuzzer target.
 *             $MIXD_FUZZ_LONG takes the long count. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_harness {
	const char *name;
	uint32_t runs_short, runs_long;
	size_t size_max; /* of an input */
	/* Calls fuzz_seed() for each. */
	void (*seeds)(void);
	/* Rewrites the input in its own way, instead of the bytes' mutation: the new size, or 0 to
	 * leave it to bytes. NULL: bytes only. */
	size_t (*mutate)(uint8_t *data, size_t size, size_t size_max);
	void (*rest)(void); /* give back what may be, before memory is measured; or NULL */
	const char *const *words; /* NULL-terminated: pieces that make sense in such an input */
};
extern const struct fuzz_harness fuzz_harness;

/* Any one of the seeds. */
const uint8_t *fuzz_any_seed(size_t *ret_size);
void fuzz_seed(const void *data, size_t size);
/* Deterministic randomness for harnesses, too. */
uint32_t fuzz_random(uint32_t below);
/* A broken promise: says it and aborts. */
__attribute__((noreturn, format(printf, 1, 2))) void fuzz_fail(const char *fmt, ...);
