/* fuzz_main.c - a mutator without instrumentation: seeds, bit flips, bytes, varints, words, splices.
 * It also watches that the process does not grow: memory after 40 % of the runs and at the end. */
#include "fuzz.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#define SEEDS_MAX 512
#define GROWTH_MAX_KIB 24576

static struct {
	uint8_t *data;
	size_t size;
} seeds[SEEDS_MAX];
static uint32_t n_seeds;
static uint64_t state;
static uint8_t *input;
static size_t input_size;
static char crash_path[256];

/* What is freed is kept from reuse only briefly, or the growth watched would be ASan's own. */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
	return "quarantine_size_mb=8:malloc_context_size=8";
}

void fuzz_seed(const void *data, size_t size)
{
	if (n_seeds == SEEDS_MAX)
		return;
	seeds[n_seeds].data = malloc(size + 1);
	memcpy(seeds[n_seeds].data, data, size);
	seeds[n_seeds++].size = size;
}

uint32_t fuzz_random(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return below ? (uint32_t)((state >> 11) % below) : 0;
}

const uint8_t *fuzz_any_seed(size_t *ret_size)
{
	uint32_t idx = fuzz_random(n_seeds);

	*ret_size = seeds[idx].size;
	return seeds[idx].data;
}

static void fuzz_save(void)
{
	int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, input, input_size) < 0)
		return;
	close(fd);
}

void fuzz_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	fflush(stdout);
	abort();
}

static void fuzz_crashed(int signo)
{
	static const char text[] = "not ok 1 crashed; the input is kept as fuzz-*.crash\n";

	fuzz_save();
	if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
		_exit(2);
	signal(signo, SIG_DFL);
	raise(signo);
}

static long fuzz_resident_kib(void)
{
	long total, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (fuzz_harness.rest)
		fuzz_harness.rest();
	malloc_trim(0);
	if (!file)
		return 0;
	if (fscanf(file, "%ld %ld", &total, &resident) != 2)
		resident = 0;
	fclose(file);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void fuzz_insert(size_t at, const void *data, size_t size)
{
	if (input_size + size > fuzz_harness.size_max)
		return;
	memmove(input + at + size, input + at, input_size - at);
	memcpy(input + at, data, size);
	input_size += size;
}

static void fuzz_splice(void)
{
	uint32_t other = fuzz_random(n_seeds);
	size_t from = fuzz_random((uint32_t)seeds[other].size),
	       size = fuzz_random((uint32_t)(seeds[other].size - from) + 1);

	fuzz_insert(fuzz_random((uint32_t)input_size + 1), seeds[other].data + from, size);
}

static void fuzz_mutate(void)
{
	static const uint8_t interesting[] = {0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x12, ' ', '\n', '"'};
	size_t at = fuzz_random((uint32_t)input_size), size;
	uint8_t byte;

	switch (input_size ? fuzz_random(8) : 7) {
	case 0:
		input[at] ^= (uint8_t)(1u << fuzz_random(8));
		break;
	case 1:
		input[at] = interesting[fuzz_random(sizeof(interesting))];
		break;
	case 2:
		input[at] = (uint8_t)(input[at] + fuzz_random(9) - 4);
		break;
	case 3: /* remove */
		size = fuzz_random((uint32_t)(input_size - at < 32 ? input_size - at : 32)) + 1;
		memmove(input + at, input + at + size, input_size - at - size);
		input_size -= size;
		break;
	case 4: /* repeat */
		size = fuzz_random((uint32_t)(input_size - at < 64 ? input_size - at : 64)) + 1;
		{
			uint8_t copy[64];

			memcpy(copy, input + at, size);
			fuzz_insert(at, copy, size);
		}
		break;
	case 5:
		if (fuzz_harness.words) {
			uint32_t n = 0;

			while (fuzz_harness.words[n])
				n++;
			n = fuzz_random(n);
			fuzz_insert(at, fuzz_harness.words[n], strlen(fuzz_harness.words[n]));
		}
		break;
	case 6:
		fuzz_splice();
		break;
	default:
		byte = (uint8_t)fuzz_random(256);
		fuzz_insert(at, &byte, 1);
	}
}

static void fuzz_change(uint32_t n)
{
	size_t size = 0;

	if (fuzz_harness.mutate && fuzz_random(5))
		size = fuzz_harness.mutate(input, input_size, fuzz_harness.size_max);
	if (size)
		input_size = size;
	while (!size && n--)
		fuzz_mutate();
}

static void fuzz_one(void)
{
	/* A copy of exact size, so that a sanitizer sees a read beyond the end. */
	uint8_t *copy = malloc(input_size ? input_size : 1);

	memcpy(copy, input, input_size);
	LLVMFuzzerTestOneInput(copy, input_size);
	free(copy);
}

static void fuzz_files(char **paths)
{
	for (; *paths; paths++) {
		FILE *file = fopen(*paths, "r");

		if (!file)
			continue;
		input_size = fread(input, 1, fuzz_harness.size_max, file);
		fclose(file);
		fuzz_one();
		printf("# %s: ok\n", *paths);
	}
}

static void fuzz_options(int argc, char **argv, uint32_t *runs)
{
	const char *folder = getenv("TMPDIR");
	int option;

	while ((option = getopt(argc, argv, "n:s:")) >= 0) {
		if (option == 'n')
			*runs = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 's')
			state = strtoull(optarg, NULL, 0) | 1;
	}
	snprintf(crash_path, sizeof(crash_path), "%s/fuzz-%s.crash", folder ? folder : "/tmp",
		 fuzz_harness.name);
}

int main(int argc, char **argv)
{
	uint32_t runs = getenv("MIXD_FUZZ_LONG") ? fuzz_harness.runs_long : fuzz_harness.runs_short;
	struct timespec begin, end;
	long early = 0, late;

	state = 0x9e3779b97f4a7c15u;
	fuzz_options(argc, argv, &runs);
	input = malloc(fuzz_harness.size_max);
	fuzz_harness.seeds();
	signal(SIGABRT, fuzz_crashed);
	signal(SIGSEGV, fuzz_crashed);
	signal(SIGFPE, fuzz_crashed);
	printf("TAP version 13\n1..1\n");
	if (optind < argc) {
		fuzz_files(argv + optind);
		return 0;
	}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (uint32_t run = 0; run < runs; run++) {
		uint32_t seed = fuzz_random(n_seeds), n = run < n_seeds ? 0 : 1 + fuzz_random(6);

		if (run < n_seeds) /* every seed once as it is */
			seed = run;
		input_size = seeds[seed].size;
		memcpy(input, seeds[seed].data, input_size);
		if (n)
			fuzz_change(n);
		fuzz_one();
		if (run == runs * 2 / 5)
			early = fuzz_resident_kib();
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	late = fuzz_resident_kib();
	printf("# %u runs from %u seeds in %.1f s, memory %ld -> %ld KiB\n", runs, n_seeds,
	       (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) * 1e-9,
	       early, late);
	printf("%s 1 %s\n", late - early < GROWTH_MAX_KIB ? "ok" : "not ok", fuzz_harness.name);
	for (uint32_t i = 0; i < n_seeds; i++)
		free(seeds[i].data);
	free(input);
	return late - early < GROWTH_MAX_KIB ? 0 : 1;
}
