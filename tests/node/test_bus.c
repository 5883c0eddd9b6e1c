/* test_bus.c - bus: dsp.md 3.5. */
#include "node_host.h"
#include "test.h"

#define FRAMES 512u
#define INPUTS_MAX 4096u

static float source[FRAMES], silence[FRAMES], out[FRAMES], other[FRAMES];
static float many[64][FRAMES];
static const float *ins[INPUTS_MAX];

static struct node_host *bus_open(double inputs)
{
	struct node_host_config configs[] = {{"inputs", inputs, NULL}, {NULL, 0, NULL}};

	return node_host_open("bus",
			      &(struct node_host_setup){.layout = "mono", .configs = configs});
}

static void bus_noise(float *x, double level)
{
	for (uint32_t i = 0; i < FRAMES; i++)
		x[i] = (float)(level * (2 * test_random() - 1));
}

TEST(bus_of_64_parts_is_the_whole)
{
	struct node_host *host = bus_open(64);
	float *const outs[] = {out};

	bus_noise(source, 1);
	for (uint32_t i = 0; i < FRAMES; i++)
		many[0][i] = source[i] * 0x1p-6f;
	for (uint32_t i = 0; i < 64; i++)
		ins[i] = many[0];
	node_host_process(host, ins, outs, FRAMES);
	for (uint32_t i = 0; i < FRAMES; i++)
		CHECK_NEAR((double)out[i], (double)source[i], 0x1p-23 * fabs((double)source[i]));
	node_host_free(host);
}

/* Sums in f64 of 64 f32 values within 2^29 of each other are exact: any order gives them. */
TEST(bus_does_not_depend_on_the_order)
{
	struct node_host *host = bus_open(64);
	float *const outs[] = {out}, *const others[] = {other};

	for (uint32_t i = 0; i < 64; i++) {
		bus_noise(many[i], 0.5);
		ins[i] = many[i];
	}
	node_host_process(host, ins, outs, FRAMES);
	for (uint32_t i = 0; i < 64; i++)
		ins[i] = many[(i * 37 + 11) % 64];
	node_host_process(host, ins, others, FRAMES);
	CHECK(memcmp(out, other, sizeof(out)) == 0);
	node_host_free(host);
}

TEST(bus_silent_inputs_change_nothing)
{
	struct node_host *few = bus_open(3), *host = bus_open(200);
	float *const outs[] = {out}, *const others[] = {other};

	for (uint32_t i = 0; i < 3; i++) {
		bus_noise(many[i], 0.5);
		ins[i] = many[i];
	}
	/* A block that begins silent and sounds later is not silent. */
	memset(many[1], 0, sizeof(float) * 100);
	node_host_process(few, ins, outs, FRAMES);
	for (uint32_t i = 0; i < 200; i++)
		ins[i] = i == 50 ? many[0] : i == 51 ? many[1] : i == 199 ? many[2] : silence;
	node_host_process(host, ins, others, FRAMES);
	CHECK(memcmp(out, other, sizeof(out)) == 0);
	node_host_free(few);
	node_host_free(host);
}

/* The same order of additions, to the bit, whatever is kept in registers meanwhile. */
TEST(bus_equals_a_plain_sum)
{
	static const uint32_t inputs[] = {1, 3, 31, 32, 33, 64, 65, 200};
	float *const outs[] = {out};

	for (uint32_t i = 0; i < 64; i++) {
		bus_noise(many[i], pow(10, -(double)(i % 5)));
		for (uint32_t k = i % 4 ? 0 : 100; k < 140; k++)
			many[i][k] = i % 8 ? 0.0f : -0.0f;
	}
	for (uint32_t k = 0; k < sizeof(inputs) / sizeof(inputs[0]); k++) {
		struct node_host *host = bus_open(inputs[k]);

		for (uint32_t i = 0; i < inputs[k]; i++)
			ins[i] = i % 7 == 6 ? silence : many[(i * 5) % 64];
		for (uint32_t n = 1; n <= 300; n += n < 140 ? 1 : 53) {
			node_host_process(host, ins, outs, n);
			for (uint32_t i = 0; i < n; i++) {
				double sum = 0;
				float want;

				for (uint32_t j = 0; j < inputs[k]; j++)
					sum += (double)ins[j][i];
				want = (float)sum;
				CHECK(memcmp(&out[i], &want, sizeof(want)) == 0,
				      "%u inputs, %u frames, frame %u: %g, not %g", inputs[k], n, i,
				      (double)out[i], (double)want);
			}
		}
		node_host_free(host);
	}
}

TEST(bus_takes_4096_inputs)
{
	struct node_host *host = bus_open(INPUTS_MAX);
	float *const outs[] = {out};

	bus_noise(source, 1);
	for (uint32_t i = 0; i < INPUTS_MAX; i++)
		ins[i] = source;
	node_host_process(host, ins, outs, FRAMES);
	for (uint32_t i = 0; i < FRAMES; i++)
		CHECK(out[i] == source[i] * 4096, "%g", (double)out[i]);
	test_note("%.2f ns per input and frame",
		  (double)node_host_ns(host) / ((double)FRAMES * INPUTS_MAX));
	node_host_free(host);
}
