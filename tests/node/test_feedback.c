/* test_feedback.c - feedback: its delay, and that the output comes before the input. */
#include "node_host.h"
#include "test.h"

#define FRAMES 4096u

static float in[FRAMES], out[FRAMES];

TEST(feedback_delays_by_at_least_a_slice)
{
	static const struct {
		double ms;
		uint32_t frames;
	} cases[] = {{0, 128}, {1, 128}, {10, 480}, {20.01, 960}};

	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		struct node_host_config configs[] = {{"delay", cases[k].ms, NULL}, {NULL, 0, NULL}};
		struct node_host *host =
			node_host_open("feedback", &(struct node_host_setup){.layout = "mono",
									     .configs = configs});
		const float *const ins[] = {in};
		float *const outs[] = {out};

		CHECK(node_host_latency(host) == cases[k].frames, "%u", node_host_latency(host));
		for (uint32_t i = 0; i < FRAMES; i++)
			in[i] = (float)test_random();
		node_host_process(host, ins, outs, FRAMES);
		for (uint32_t i = 0; i < FRAMES; i++)
			CHECK(out[i] == (i < cases[k].frames ? 0 : in[i - cases[k].frames]),
			      "frame %u", i);
		node_host_free(host);
	}
}
