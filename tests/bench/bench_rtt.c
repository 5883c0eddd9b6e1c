/* bench_rtt.c - request to reply, as a client sees it.
 *
 * USE         bench_rtt ENDPOINT ADDRESS COUNT [accepted|applied] ; sets ADDRESS COUNT times to changing values, a
 *             millisecond apart, and prints one line of JSON: percentiles in microseconds.
 * NOT HERE    whole processes (mixctl): bench_control.py. */
#include "mixd_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	struct mixd_client *client = NULL;
	struct mixd_client_error err = {0};
	struct mixd_client_options options = {.endpoint = argc > 1 ? argv[1] : NULL, .by = "bench"};
	struct mixd_client_write write = {.wait = MIXD__V1__WAIT__WAIT_ACCEPTED};
	Mixd__V1__Value value = MIXD__V1__VALUE__INIT;
	Mixd__V1__Set set = MIXD__V1__SET__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT, *ops[] = {&op};
	unsigned count = argc > 3 ? (unsigned)atoi(argv[3]) : 0;
	double *us = calloc(count + 1, sizeof(*us));

	if (!count || !us) {
		fprintf(stderr, "usage: bench_rtt ENDPOINT ADDRESS COUNT [accepted|applied]\n");
		return 2;
	}
	if (argc > 4 && strcmp(argv[4], "applied") == 0)
		write.wait = MIXD__V1__WAIT__WAIT_APPLIED;
	if (mixd_client_new(&options, &client, &err) < 0)
		goto failed;
	value.kind_case = MIXD__V1__VALUE__KIND_NUMBER;
	set.address = argv[2];
	set.value = &value;
	op.op_case = MIXD__V1__OP__OP_SET;
	op.set = &set;
	for (unsigned i = 0; i < count; i++) {
		double begin = now_us();

		value.number = -1.0 - (double)(i % 50) * 0.1;
		if (mixd_client_transact(client, ops, 1, &write, NULL, &err) < 0)
			goto failed;
		us[i] = now_us() - begin;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	qsort(us, count, sizeof(*us), compare);
	printf("{\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f}\n", us[count / 2],
	       us[count * 99 / 100], us[count - 1]);
	mixd_client_free(client);
	free(us);
	return 0;
failed:
	fprintf(stderr, "bench_rtt: %s: %s\n", err.address, err.text);
	mixd_client_free(client);
	free(us);
	return 1;
}
