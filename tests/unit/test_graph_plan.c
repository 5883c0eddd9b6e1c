/* test_graph_plan.c - the plan compiler against naive references, on random graphs. */
#include <errno.h>
#include <time.h>

#include "graph_plan.h"
#include "test.h"

static void plan_process(const struct mixd_call *call)
{
}

static const struct mixd_node_type plan_plain = {.id = "plain", .process = plan_process};
static const struct mixd_node_type plan_in_place = {
	.id = "inplace", .flags = MIXD_NODE_IN_PLACE, .process = plan_process};
static const struct mixd_node_type plan_feedback = {
	.id = "feedback", .flags = MIXD_NODE_FEEDBACK, .process = plan_process};
static const struct mixd_node_type plan_sink = {
	.id = "sink", .flags = MIXD_NODE_EXTERNAL_OUT, .process = plan_process};
static const struct mixd_node_type plan_laned = {
	.id = "laned", .flags = MIXD_NODE_IN_PLACE, .process = plan_process};

#define PLAN_MAX 7000u

struct plan_fixture {
	struct graph_plan_node node[PLAN_MAX];
	struct graph_plan_link link[20000];
	char name[PLAN_MAX][16];
	uint32_t in_first[PLAN_MAX][4], out_first[PLAN_MAX][4];
	struct graph_plan_source source;
};
static struct plan_fixture fixture;

static void plan_begin(void)
{
	memset(&fixture, 0, sizeof(fixture));
	fixture.source = (struct graph_plan_source){.nodes = fixture.node, .links = fixture.link};
}

/* IN and OUT: channels of each of up to 3 ports. */
static uint32_t plan_node(const char *name, const struct mixd_node_type *type, uint32_t n_in,
			  uint32_t n_out, uint32_t channels, uint32_t latency)
{
	uint32_t i = fixture.source.n_nodes++;

	snprintf(fixture.name[i], sizeof(fixture.name[i]), "%s", name);
	for (uint32_t p = 0; p < 3; p++) {
		fixture.in_first[i][p + 1] = fixture.in_first[i][p] + (p < n_in ? channels : 0);
		fixture.out_first[i][p + 1] = fixture.out_first[i][p] + (p < n_out ? channels : 0);
	}
	fixture.node[i] = (struct graph_plan_node){.name = fixture.name[i],
						   .type = type,
						   .n_in_ports = n_in,
						   .n_out_ports = n_out,
						   .in_first = fixture.in_first[i],
						   .out_first = fixture.out_first[i],
						   .latency = latency};
	if (type == &plan_laned)
		fixture.node[i].lane_state = 2;
	return i;
}

static uint32_t plan_link(uint32_t from, uint32_t from_port, uint32_t to, uint32_t to_port)
{
	fixture.link[fixture.source.n_links] =
		(struct graph_plan_link){from, to, from_port, to_port};
	return fixture.source.n_links++;
}

static struct graph_plan *plan_compile(void)
{
	struct graph_plan *plan = NULL;
	struct mixd_error err = {0};
	int res = graph_plan_compile(&fixture.source, &plan, NULL, NULL, &err);

	CHECK(res == 0, "%d: %s", res, err.text);
	return plan;
}

TEST(plan_orders_a_chain_and_reuses_one_buffer)
{
	struct graph_plan *plan;

	plan_begin();
	plan_node("a", &plan_plain, 0, 1, 1, 0);
	plan_node("b", &plan_in_place, 1, 1, 1, 0);
	plan_node("c", &plan_in_place, 1, 1, 1, 0);
	plan_node("d", &plan_sink, 1, 0, 1, 0);
	plan_link(2, 0, 3, 0);
	plan_link(0, 0, 1, 0);
	plan_link(1, 0, 2, 0);
	plan = plan_compile();
	CHECK(plan->n_steps == 4);
	for (uint32_t i = 0; i < 4; i++)
		CHECK(plan->order[i] == i, "step %u is node %u", i, plan->order[i]);
	CHECK(plan->n_buffers == 1, "%u buffers", plan->n_buffers);
	graph_plan_free(plan);
}

TEST(plan_refuses_a_cycle_and_names_it)
{
	struct graph_plan *plan = NULL;
	struct mixd_error err = {0};
	uint32_t *cycle = NULL, n = 0, delays[8], latency;

	plan_begin();
	plan_node("a", &plan_plain, 1, 1, 1, 0);
	plan_node("b", &plan_plain, 1, 1, 1, 0);
	plan_node("c", &plan_plain, 1, 1, 1, 0);
	plan_node("d", &plan_sink, 1, 0, 1, 0);
	plan_link(0, 0, 1, 0);
	plan_link(1, 0, 2, 0);
	plan_link(2, 0, 0, 0);
	plan_link(2, 0, 3, 0);
	CHECK(graph_plan_compile(&fixture.source, &plan, &cycle, &n, &err) == -ELOOP);
	CHECK(plan == NULL && n == 3, "%u links", n);
	CHECK(strstr(err.text, "a -> b -> c -> a") || strstr(err.text, "b -> c -> a -> b") ||
		      strstr(err.text, "c -> a -> b -> c"),
	      "%s", err.text);
	CHECK(err.hint[0] != 0);
	free(cycle);
	CHECK(graph_plan_align(&fixture.source, delays, &latency, &err) == -ELOOP);
	/* the same loop through a feedback node is fine */
	fixture.node[1].type = &plan_feedback;
	plan = plan_compile();
	CHECK(plan->n_steps == 5, "%u", plan->n_steps);
	CHECK(plan->steps[0].kind == GRAPH_PLAN_EMIT);
	graph_plan_free(plan);
	CHECK(graph_plan_align(&fixture.source, delays, &latency, &err) == 0);
}

TEST(plan_refuses_a_node_linked_to_itself)
{
	struct graph_plan *plan = NULL;
	struct mixd_error err = {0};

	plan_begin();
	plan_node("a", &plan_plain, 1, 1, 1, 0);
	plan_link(0, 0, 0, 0);
	CHECK(graph_plan_compile(&fixture.source, &plan, NULL, NULL, &err) == -ELOOP);
	CHECK(strstr(err.text, "a -> a"), "%s", err.text);
	fixture.node[0].type = &plan_feedback;
	plan = plan_compile();
	CHECK(plan->n_steps == 2);
	graph_plan_free(plan);
}

TEST(plan_compensates_delay_at_joins_only)
{
	struct mixd_error err = {0};
	uint32_t delay[8], latency;

	plan_begin();
	plan_node("in", &plan_plain, 0, 1, 2, 0);
	plan_node("late", &plan_plain, 1, 1, 2, 100);
	plan_node("later", &plan_plain, 1, 1, 2, 7);
	plan_node("dry", &plan_plain, 1, 1, 2, 3);
	plan_node("sum", &plan_plain, 2, 1, 2, 5);
	plan_node("tap", &plan_sink, 1, 0, 2, 0);
	plan_node("out", &plan_sink, 1, 0, 2, 0);
	plan_link(0, 0, 1, 0);
	plan_link(1, 0, 2, 0);
	plan_link(0, 0, 3, 0);
	plan_link(2, 0, 4, 0);
	plan_link(3, 0, 4, 1);
	plan_link(0, 0, 5, 0);
	plan_link(4, 0, 6, 0);
	CHECK(graph_plan_align(&fixture.source, delay, &latency, &err) == 0);
	CHECK(delay[4] == 104, "%u", delay[4]);
	for (uint32_t i = 0; i < 7; i++)
		CHECK(i == 4 || delay[i] == 0, "link %u: %u", i, delay[i]);
	CHECK(latency == 112, "%u", latency);
}

TEST(plan_groups_strips_by_four_and_keeps_them_hot)
{
	enum { STRIPS = 2000 };
	uint32_t bus, input, eq, comp;
	struct graph_plan *plan;
	char name[16];

	plan_begin();
	bus = plan_node("bus", &plan_sink, 1, 0, 2, 0);
	for (uint32_t i = 0; i < STRIPS; i++) {
		snprintf(name, sizeof(name), "s%04u", i);
		input = plan_node(name, &plan_plain, 0, 1, 2, 0);
		eq = plan_node(name, &plan_laned, 1, 1, 2, 0);
		comp = plan_node(name, &plan_laned, 1, 1, 2, 0);
		fixture.node[comp].shape = 7;
		plan_link(input, 0, eq, 0);
		plan_link(eq, 0, comp, 0);
		plan_link(comp, 0, bus, 0);
	}
	plan = plan_compile();
	CHECK(plan->n_banks == STRIPS / 4 * 2, "%u banks", plan->n_banks);
	for (uint32_t s = 0; s + 1 < plan->n_steps; s++) {
		const struct graph_plan_step *step = &plan->steps[s];

		bool laned = s % 6 >= 4;

		CHECK(step->width == (laned ? 8 : 0), "step %u: width %u", s, step->width);
		CHECK(step->n == (laned ? 4 : 1));
	}
	graph_plan_free(plan);
	/* one more in front: those that were together stay together */
	for (uint32_t i = 0; i < STRIPS; i++)
		for (uint32_t k = 0; k < 2; k++)
			fixture.node[1 + i * 3 + 1 + k].bank_hint = 1 + i / 4 * 2 + k;
	fixture.node[2].bank_hint = fixture.node[3].bank_hint = 0;
	plan = plan_compile();
	for (uint32_t s = 0; s < plan->n_steps; s++) {
		const struct graph_plan_step *step = &plan->steps[s];

		if (!step->width || plan->order[step->first] < 16)
			continue;
		for (uint32_t i = 1; i < step->n; i++)
			CHECK(fixture.node[plan->order[step->first + i]].bank_hint ==
			      fixture.node[plan->order[step->first]].bank_hint);
	}
	graph_plan_free(plan);
}

TEST(plan_gives_wide_instances_blocks_of_their_own)
{
	struct graph_plan *plan;

	plan_begin();
	plan_node("a", &plan_laned, 1, 1, 12, 0);
	plan_node("b", &plan_laned, 1, 1, 12, 0);
	plan_node("c", &plan_laned, 1, 1, 3, 0);
	plan = plan_compile();
	CHECK(plan->n_steps == 3 && plan->n_banks == 3);
	CHECK(plan->steps[0].n_blocks == 2 && plan->steps[0].width == 8);
	CHECK(plan->steps[2].n_blocks == 1 && plan->steps[2].width == 4);
	graph_plan_free(plan);
}

/* ---- random graphs ---------------------------------------------------------------------- */

static void plan_random(uint32_t n)
{
	static const struct mixd_node_type *const types[] = {
		&plan_plain, &plan_in_place, &plan_laned, &plan_laned, &plan_feedback};
	char name[16];

	plan_begin();
	for (uint32_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "n%04u", i);
		plan_node(name, types[test_random_below(5)], 1 + test_random_below(2),
			  1 + test_random_below(2), 1 + test_random_below(3),
			  test_random_below(3) ? 0 : test_random_below(300));
	}
	for (uint32_t k = 0; k < n * 2; k++) {
		uint32_t a = test_random_below(n), b = test_random_below(n), t;
		bool back = fixture.node[a].type == &plan_feedback;

		if (a > b && !back) {
			t = a;
			a = b;
			b = t;
		}
		if (a == b && !back)
			continue;
		if (fixture.node[a].out_first[1] != fixture.node[b].in_first[1] &&
		    fixture.node[a].out_first[1] != 1)
			continue;
		plan_link(a, test_random_below(fixture.node[a].n_out_ports), b,
			  test_random_below(fixture.node[b].n_in_ports));
	}
}

static double plan_sum[PLAN_MAX]; /* of what each node's process saw */

static double plan_source_value(uint32_t node, uint32_t channel, double seen)
{
	if (fixture.node[node].type == &plan_feedback)
		seen = 0; /* emitted before anything was taken */
	return sin(node * 3.1 + channel * 0.37) + 0.5 * seen;
}

/* What the node's input channel C gets, from values computed so far (nodes are in order). */
static double plan_naive_input(uint32_t node, uint32_t c)
{
	const struct graph_plan_node *to = &fixture.node[node];
	double sum = 0;

	for (uint32_t i = 0; i < fixture.source.n_links; i++) {
		const struct graph_plan_link *link = &fixture.link[i];
		const struct graph_plan_node *from = &fixture.node[link->from];
		uint32_t n =
			from->out_first[link->from_port + 1] - from->out_first[link->from_port];

		if (link->to != node || c < to->in_first[link->to_port] ||
		    c >= to->in_first[link->to_port + 1])
			continue;
		c -= to->in_first[link->to_port];
		sum += plan_source_value(link->from,
					 from->out_first[link->from_port] + (c < n ? c : n - 1),
					 plan_sum[link->from]);
		c += to->in_first[link->to_port];
	}
	return sum;
}

/* What arrives at channel C of port P of the node ID: the sum of its links. */
static double plan_mixed(const struct graph_plan *plan, const double *buffer, uint32_t id,
			 uint32_t p, uint32_t c)
{
	uint32_t port = plan->in_port[id] + p, first = plan->link_first[port];
	uint32_t n = plan->link_first[port + 1] - first;
	double mixed = 0;

	for (uint32_t j = first; j < first + n; j++) {
		const struct graph_plan_link *link = &fixture.link[plan->link_order[j]];
		const uint32_t *of = fixture.node[link->from].out_first;
		uint32_t k = c - fixture.node[id].in_first[p];
		uint32_t m = of[link->from_port + 1] - of[link->from_port];

		CHECK(link->to == id && link->to_port == p);
		mixed += buffer[plan->out_buffer[plan->out_channel[link->from] +
						 of[link->from_port] + (k < m ? k : m - 1)]];
	}
	return mixed;
}

/* The inputs of the node ID, to IN; and into their buffers, unless they are those of their only link. */
static void plan_gather(const struct graph_plan *plan, double *buffer, uint32_t id, bool alias,
			double in[8])
{
	const struct graph_plan_node *node = &fixture.node[id];

	for (uint32_t p = 0; p < node->n_in_ports; p++) {
		uint32_t port = plan->in_port[id] + p;
		uint32_t n = plan->link_first[port + 1] - plan->link_first[port];

		for (uint32_t c = node->in_first[p]; c < node->in_first[p + 1]; c++)
			in[c] = plan_mixed(plan, buffer, id, p, c);
		for (uint32_t c = node->in_first[p]; c < node->in_first[p + 1]; c++)
			if (n && !(alias && n == 1))
				buffer[plan->in_buffer[plan->in_channel[id] + c]] = in[c];
	}
}

/* Run the plan on one sample per buffer. ALIAS: ports with one link read the source's buffer. */
static void plan_check_run(const struct graph_plan *plan, bool alias)
{
	double *buffer = calloc(plan->n_buffers + 1, sizeof(double));
	double in[8][8];

	for (uint32_t s = 0; s < plan->n_steps; s++) {
		const struct graph_plan_step *step = &plan->steps[s];

		for (uint32_t i = 0; i < step->n && step->kind == GRAPH_PLAN_PROCESS; i++)
			plan_gather(plan, buffer, plan->order[step->first + i], alias, in[i]);
		for (uint32_t i = 0; i < step->n; i++) {
			uint32_t id = plan->order[step->first + i];
			const struct graph_plan_node *node = &fixture.node[id];
			double seen = 0;

			for (uint32_t c = 0; c < node->in_first[node->n_in_ports]; c++) {
				if (step->kind == GRAPH_PLAN_EMIT)
					continue;
				CHECK_NEAR(in[i][c], plan_naive_input(id, c), 1e-9);
				seen += in[i][c];
			}
			if (step->kind == GRAPH_PLAN_PROCESS && node->type == &plan_feedback)
				continue;
			for (uint32_t c = 0; c < node->out_first[node->n_out_ports]; c++)
				buffer[plan->out_buffer[plan->out_channel[id] + c]] =
					plan_source_value(id, c, seen);
		}
	}
	free(buffer);
}

static void plan_check_banks(const struct graph_plan *plan)
{

	/* reach: does one member lead to another? follow links forward from each member */
	for (uint32_t s = 0; s < plan->n_steps; s++) {
		const struct graph_plan_step *step = &plan->steps[s];

		for (uint32_t i = 0; i < step->n && step->n > 1; i++) {
			bool *seen = calloc(fixture.source.n_nodes, 1);
			uint32_t start = plan->order[step->first + i];

			seen[start] = true;
			for (uint32_t v = 0; v < fixture.source.n_nodes; v++)
				for (uint32_t k = 0; k < fixture.source.n_links; k++)
					if (fixture.link[k].from == v && seen[v] &&
					    fixture.node[v].type != &plan_feedback)
						seen[fixture.link[k].to] = true;
			for (uint32_t j = 0; j < step->n; j++)
				CHECK(j == i || !seen[plan->order[step->first + j]],
				      "P3: a path inside a bank");
			free(seen);
		}
	}
}

TEST(plan_of_random_graphs_equals_the_naive_reference)
{
	for (uint32_t round = 0; round < 300; round++) {
		struct graph_plan *plan;

		plan_random(2 + test_random_below(40));
		fixture.source.alone = round % 3 == 0;
		for (uint32_t i = 0; i < fixture.source.n_nodes; i++)
			fixture.node[i].bank_hint = test_random_below(4);
		memset(plan_sum, 0, sizeof(plan_sum));
		for (uint32_t i = 0; i < fixture.source.n_nodes; i++) {
			double sum = 0;

			for (uint32_t c = 0;
			     c < fixture.node[i].in_first[fixture.node[i].n_in_ports]; c++)
				sum += plan_naive_input(i, c);
			plan_sum[i] = sum;
		}
		plan = plan_compile();
		plan_check_run(plan, false);
		plan_check_run(plan, true);
		plan_check_banks(plan);
		graph_plan_free(plan);
	}
}

TEST(plan_delays_of_random_graphs_align_every_input)
{
	static uint32_t delay[20000];
	static uint32_t arrival[PLAN_MAX];
	uint32_t latency;
	struct mixd_error err;

	for (uint32_t round = 0; round < 100; round++) {
		plan_random(2 + test_random_below(40));
		CHECK(graph_plan_align(&fixture.source, delay, &latency, &err) == 0);
		for (uint32_t i = 0; i < fixture.source.n_nodes; i++) {
			arrival[i] = UINT32_MAX;
			for (uint32_t k = 0; k < fixture.source.n_links; k++) {
				const struct graph_plan_link *link = &fixture.link[k];
				uint32_t at;

				if (link->to != i || fixture.node[i].type == &plan_feedback ||
				    fixture.node[link->from].type == &plan_feedback)
					continue;
				at = arrival[link->from] + fixture.node[link->from].latency +
				     delay[k];
				CHECK(arrival[i] == UINT32_MAX || arrival[i] == at, "P5");
				arrival[i] = at;
			}
			if (arrival[i] == UINT32_MAX)
				arrival[i] = 0;
		}
	}
}

TEST(plan_of_the_largest_graph_is_fast)
{
	struct timespec a, b;
	struct graph_plan *plan;
	static uint32_t delay[20000];
	uint32_t latency;
	struct mixd_error err;
	char name[16];
	double ms;

	plan_begin();
	for (uint32_t i = 0; i < 4096; i++) {
		snprintf(name, sizeof(name), "n%04u", i);
		plan_node(name, i % 2 ? &plan_laned : &plan_in_place, 1, 1, 2, i % 5);
	}
	while (fixture.source.n_links < 16384) {
		uint32_t x = test_random_below(4095);

		plan_link(x, 0, x + 1 + test_random_below(4095 - x), 0);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	CHECK(graph_plan_align(&fixture.source, delay, &latency, &err) == 0);
	plan = plan_compile();
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	ms = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
	test_note("4096 nodes, 16384 links: align and compile %.2f ms, %u buffers, %u banks", ms,
		  plan->n_buffers, plan->n_banks);
	CHECK(ms < 200, "took %.1f ms", ms);
	graph_plan_free(plan);
}
