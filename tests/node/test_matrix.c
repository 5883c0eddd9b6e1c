/* test_matrix.c - matrix: dsp.md 3.5. */
#include "node_host.h"
#include "test.h"

#define FRAMES 2048u
#define MOST 64u

static float in[MOST][FRAMES], out[MOST][FRAMES];
static const float *ins[MOST];
static float *outs[MOST];

static struct node_host *matrix_open(const char *layout, double inputs, double outputs)
{
	struct node_host_config configs[] = {
		{"inputs", inputs, NULL}, {"outputs", outputs, NULL}, {NULL, 0, NULL}};

	for (uint32_t c = 0; c < MOST; c++) {
		ins[c] = in[c];
		outs[c] = out[c];
		for (uint32_t i = 0; i < FRAMES; i++)
			in[c][i] = (float)(test_random() - 0.5);
	}
	return node_host_open("matrix",
			      &(struct node_host_setup){.layout = layout, .configs = configs});
}

TEST(matrix_copies_each_input_to_its_output)
{
	struct node_host *host = matrix_open("stereo", 4, 4);

	node_host_process(host, ins, outs, FRAMES);
	CHECK(memcmp(in, out, 8 * sizeof(in[0])) == 0);
	for (uint32_t i = 0; i < FRAMES; i++)
		CHECK(out[8][i] == 0 && out[9][i] == 0, "stereo hears something");
	node_host_free(host);
}

TEST(matrix_sums_with_its_gains)
{
	double gain[3][5];
	struct node_host *host = matrix_open("mono", 5, 3);

	for (uint32_t o = 0; o < 3; o++)
		for (uint32_t i = 0; i < 5; i++) {
			char id[16];

			gain[o][i] = floor(test_random() * 40) - 30;
			snprintf(id, sizeof(id), "out%u.in%u", o + 1, i + 1);
			node_host_jump(host, 0, id, gain[o][i]);
		}
	node_host_process(host, ins, outs, FRAMES);
	for (uint32_t o = 0; o < 3; o++)
		for (uint32_t k = 0; k < FRAMES; k++) {
			long double sum = 0;

			for (uint32_t i = 0; i < 5; i++)
				sum += in[i][k] * powl(10, gain[o][i] / 20);
			CHECK_NEAR((double)out[o][k], (double)sum, 3e-7);
		}
	node_host_free(host);
}

/* dsp.md 3.5: N-1 by leaving out: no residue at all of the own voice. */
TEST(matrix_mix_minus_leaves_no_residue)
{
	struct node_host *host = matrix_open("mono", 4, 4);

	for (uint32_t o = 1; o <= 4; o++)
		for (uint32_t i = 1; i <= 4; i++) {
			char id[16];

			snprintf(id, sizeof(id), "out%u.in%u", o, i);
			node_host_jump(host, 0, id, o == i ? -144 : 0);
		}
	memset(in[1], 0, sizeof(in[1]));
	memset(in[2], 0, sizeof(in[2]));
	memset(in[3], 0, sizeof(in[3]));
	node_host_process(host, ins, outs, FRAMES);
	for (uint32_t i = 0; i < FRAMES; i++)
		CHECK(out[0][i] == 0 && out[1][i] == in[0][i] && out[3][i] == in[0][i]);
	node_host_free(host);
}

/* BS.775-3, annex 4, table 2: L = 1 L + 0.7071 C + 0.7071 Ls. */
TEST(matrix_folds_5_1_down)
{
	static const struct {
		const char *id;
		double db;
	} set[] = {{"channel1.left", 0},       {"channel2.right", 0},
		   {"channel3.left", -3.0103}, {"channel3.right", -3.0103},
		   {"channel5.left", -3.0103}, {"channel6.right", -3.0103}};
	struct node_host *host = matrix_open("5.1", 1, 1);

	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++)
		node_host_jump(host, 0, set[i].id, set[i].db);
	node_host_process(host, ins, outs, FRAMES);
	for (uint32_t i = 0; i < FRAMES; i++) {
		double half = sqrt(0.5);

		CHECK_NEAR((double)out[6][i], in[0][i] + half * in[2][i] + half * in[4][i], 1e-6);
		CHECK_NEAR((double)out[7][i], in[1][i] + half * in[2][i] + half * in[5][i], 1e-6);
	}
	node_host_free(host);
}

/* dsp.md 3.5: inputs of 2^-5 x sum to x, to the ulp. */
TEST(matrix_sums_32_parts_to_the_whole)
{
	struct node_host *host = matrix_open("mono", 32, 1);

	for (uint32_t c = 1; c < 32; c++)
		memcpy(in[c], in[0], sizeof(in[0]));
	for (uint32_t c = 1; c <= 32; c++) {
		char id[16];

		snprintf(id, sizeof(id), "out1.in%u", c);
		node_host_jump(host, 0, id, -20 * log10(32));
	}
	node_host_process(host, ins, outs, FRAMES);
	for (uint32_t i = 0; i < FRAMES; i++) {
		float x = fabsf(in[0][i]);

		CHECK(fabsf(out[0][i] - in[0][i]) <= nextafterf(x, 2) - x, "%.9g, not %.9g",
		      (double)out[0][i], (double)in[0][i]);
	}
	node_host_free(host);
}

TEST(matrix_gain_arrives_in_20_ms)
{
	struct node_host *host = matrix_open("mono", 2, 2);

	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = 1;
	node_host_set(host, 0, "out2.in1", 0);
	memset(in[1], 0, sizeof(in[1]));
	node_host_process(host, ins, outs, FRAMES);
	CHECK(out[1][0] == 0 && out[1][976] == 1 && out[1][FRAMES - 1] == 1);
	for (uint32_t i = 1; i < FRAMES; i++)
		CHECK(fabsf(out[1][i] - out[1][i - 1]) < 0.0018f, "a step at %u", i);
	node_host_free(host);
}
