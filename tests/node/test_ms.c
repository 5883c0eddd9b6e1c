/* test_ms.c - mid and side: dsp.md 3.3. */
#include "node_host.h"
#include "test.h"

#define FRAMES 4096u

static float in[2][FRAMES], middle[2][FRAMES], out[2][FRAMES];

static void ms_run(double mode, float (*from)[FRAMES], float (*to)[FRAMES])
{
	struct node_host_config configs[] = {{"mode", mode, NULL}, {NULL, 0, NULL}};
	struct node_host *host =
		node_host_open("ms", &(struct node_host_setup){.configs = configs});

	node_host_process(host, (const float *[]){from[0], from[1]}, (float *[]){to[0], to[1]},
			  FRAMES);
	node_host_free(host);
}

TEST(ms_encodes)
{
	for (uint32_t i = 0; i < FRAMES; i++) {
		in[0][i] = (float)(test_random() * 2 - 1);
		in[1][i] = (float)(test_random() * 2 - 1);
	}
	ms_run(0, in, middle);
	for (uint32_t i = 0; i < FRAMES; i++) {
		CHECK_NEAR((double)middle[0][i], 0.5 * ((double)in[0][i] + (double)in[1][i]), 3e-8);
		CHECK_NEAR((double)middle[1][i], 0.5 * ((double)in[0][i] - (double)in[1][i]), 3e-8);
	}
}

/* dsp.md 3.3: at most 1 ulp, of the louder side, which is what was rounded. */
TEST(ms_there_and_back_is_within_1_ulp)
{
	uint32_t exact = 0;

	for (uint32_t i = 0; i < FRAMES; i++) {
		in[0][i] = (float)((test_random() * 2 - 1) * pow(10, -4 * test_random()));
		in[1][i] = (float)((test_random() * 2 - 1) * pow(10, -4 * test_random()));
	}
	ms_run(0, in, middle);
	ms_run(1, middle, out);
	for (uint32_t i = 0; i < FRAMES; i++) {
		float loud = fmaxf(fabsf(in[0][i]), fabsf(in[1][i]));
		float ulp = nextafterf(loud, INFINITY) - loud;

		for (int c = 0; c < 2; c++) {
			CHECK(fabsf(out[c][i] - in[c][i]) <= ulp, "%g for %g", (double)out[c][i],
			      (double)in[c][i]);
			exact += out[c][i] == in[c][i];
		}
	}
	test_note("%.1f %% exact", 50.0 * exact / FRAMES);
}

TEST(ms_of_one_side_is_exact)
{
	for (uint32_t i = 0; i < FRAMES; i++) {
		in[0][i] = (float)(test_random() * 2 - 1);
		in[1][i] = 0;
	}
	ms_run(0, in, middle);
	CHECK(memcmp(middle[0], middle[1], sizeof(middle[0])) == 0);
	ms_run(1, middle, out);
	CHECK(memcmp(in[0], out[0], sizeof(in[0])) == 0);
	for (uint32_t i = 0; i < FRAMES; i++)
		CHECK(out[1][i] == 0);
}
