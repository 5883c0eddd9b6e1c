/* test.c - see test.h. */
#include "test.h"

#include <stdarg.h>
#include <time.h>

static struct test_case *test_first, **test_last = &test_first;
static jmp_buf test_escape;
static uint64_t test_state, test_seed_value;
static bool test_skipped;

void test_register(struct test_case *test_case)
{
	*test_last = test_case;
	test_last = &test_case->next;
}

/* TAP comments: every line of a text begins with '#'. */
__attribute__((format(printf, 2, 0))) static void print_comment(const char *prefix, const char *fmt,
								va_list ap)
{
	char *text = NULL, *rest;

	if (vasprintf(&text, fmt, ap) < 0)
		return;
	rest = text;
	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
		printf("# %s%s\n", prefix, line);
	free(text);
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
	char place[256];
	va_list ap;

	snprintf(place, sizeof(place), "%s:%d: ", file, line);
	va_start(ap, fmt);
	print_comment(place, fmt, ap);
	va_end(ap);
	longjmp(test_escape, 1);
}

void test_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_comment("skipped: ", fmt, ap);
	va_end(ap);
	test_skipped = true;
	longjmp(test_escape, 2);
}

void test_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_comment("", fmt, ap);
	va_end(ap);
}

uint64_t test_seed(void)
{
	return test_seed_value;
}

double test_random(void)
{
	test_state ^= test_state << 13;
	test_state ^= test_state >> 7;
	test_state ^= test_state << 17;
	return (double)(test_state >> 11) * 0x1p-53;
}

uint32_t test_random_below(uint32_t n)
{
	return (uint32_t)(test_random() * n);
}

int main(int argc, char **argv)
{
	const char *pattern = argc > 1 ? argv[1] : "", *seed = getenv("MIXD_TEST_SEED");
	static unsigned n, failed; /* survive longjmp() */

	if (strcmp(pattern, "-l") == 0) {
		for (struct test_case *t = test_first; t; t = t->next)
			puts(t->name);
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_seed_value = seed ? strtoull(seed, NULL, 0) : 0x9e3779b97f4a7c15u;
	printf("TAP version 13\n# seed 0x%llx\n", (unsigned long long)test_seed_value);
	for (struct test_case *t = test_first; t; t = t->next) {
		struct timespec a, b;

		if (!strstr(t->name, pattern))
			continue;
		test_state = test_seed_value | 1;
		test_skipped = false;
		clock_gettime(CLOCK_MONOTONIC, &a);
		if (setjmp(test_escape) == 0) {
			t->fn();
			printf("ok %u %s", ++n, t->name);
		} else if (test_skipped) {
			printf("ok %u %s # SKIP", ++n, t->name);
		} else {
			failed++;
			printf("not ok %u %s", ++n, t->name);
		}
		clock_gettime(CLOCK_MONOTONIC, &b);
		printf(" # %.0f ms\n", (double)(b.tv_sec - a.tv_sec) * 1e3 +
					       (double)(b.tv_nsec - a.tv_nsec) * 1e-6);
	}
	printf("1..%u\n", n);
	return failed ? 1 : 0;
}
