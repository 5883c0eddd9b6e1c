/* test.h - the harness of all C tests: TAP out, one process per file, one function per test.
 *
 * USE         #include "test.h" TEST(ring_keeps_order) { ... CHECK(x == 1, "x is %d", x);
 *             CHECK_NEAR(got, want, tol); } There is no main() to write and no list to keep.
 *             `./test_x PATTERN` runs what contains PATTERN; `./test_x -l` lists. A failed CHECK
 *             ends its test, says where and why, and the next test goes on. $MIXD_TEST_SEED seeds
 *             test_random(); the seed is printed.
 * NOT HERE    processes and PipeWire: tests/live. */
#pragma once

#include <math.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
	const char *name;
	void (*fn)(void);
	struct test_case *next;
};

void test_register(struct test_case *test_case);
__attribute__((noreturn, format(printf, 3, 4))) void test_fail(const char *file, int line,
							       const char *fmt, ...);
/* A line of comment in the report: measured figures. */
__attribute__((format(printf, 1, 2))) void test_note(const char *fmt, ...);
/* Skips the current test, with the reason. */
__attribute__((noreturn, format(printf, 1, 2))) void test_skip(const char *fmt, ...);
uint64_t test_seed(void);
/* xorshift from the seed; uniform in [0, 1), and below N. */
double test_random(void);
uint32_t test_random_below(uint32_t n);

#define TEST(name)                                                                                 \
	static void test_##name(void);                                                             \
	static struct test_case test_case_##name = {#name, test_##name, NULL};                     \
	__attribute__((constructor)) static void test_register_##name(void)                        \
	{                                                                                          \
		test_register(&test_case_##name);                                                  \
	}                                                                                          \
	static void test_##name(void)

/* CHECK(condition) or CHECK(condition, "format", ...) */
#define CHECK(cond, ...)                                                                           \
	do {                                                                                       \
		if (!(cond))                                                                       \
			test_fail(__FILE__, __LINE__, #cond " " __VA_ARGS__);                      \
	} while (0)
#define CHECK_NEAR(got, want, tol)                                                                 \
	do {                                                                                       \
		double got_ = (got), want_ = (want), tol_ = (tol);                                 \
		if (!(fabs(got_ - want_) <= tol_) && !(got_ == want_))                             \
			test_fail(__FILE__, __LINE__, #got " is %.9g, want %.9g +-%.3g", got_,     \
				  want_, tol_);                                                    \
	} while (0)
#define CHECK_STR(got, want)                                                                       \
	do {                                                                                       \
		const char *got_ = (got), *want_ = (want);                                         \
		if (!got_ || strcmp(got_, want_) != 0)                                             \
			test_fail(__FILE__, __LINE__, #got " is \"%s\", want \"%s\"",              \
				  got_ ? got_ : "(null)", want_);                                  \
	} while (0)
