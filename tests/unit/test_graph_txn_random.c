/* test_graph_txn_random.c - T1, T2 and T3 of graph_txn.h on random sequences of operations. */
#include "graph_fixture.h"
#include "test.h"

static uint32_t random_ops(const struct graph_model *model, Mixd__V1__Op **ops)
{
	uint32_t n = 1 + test_random_below(3);

	for (uint32_t i = 0; i < n; i++)
		ops[i] = graph_fixture_random_op(model, 10);
	return n;
}

static void free_ops(Mixd__V1__Op **ops, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		mixd__v1__op__free_unpacked(ops[i], NULL);
}

struct txn_state {
	uint8_t *bytes;
	size_t size;
};

/* A model that sounds: envelopes have got anywhere. */
static bool reached_anything(void *data, uint64_t node_uid, uint32_t param_idx, double *ret_value)
{
	*ret_value = 3.0 - test_random_below(20);
	return test_random_below(4) > 0;
}

static struct txn_state state_of(const struct graph_model *model)
{
	struct txn_state state;

	state.bytes = graph_fixture_bytes(model, &state.size);
	return state;
}

TEST(txn_failure_leaves_the_model_as_it_was)
{
	struct graph_model *model = graph_model_new(graph_fixture_types(), "T1");
	uint32_t n_failed = 0, n_done = 0;

	for (int i = 0; i < 6000; i++) {
		struct txn_state before = state_of(model);
		struct graph_delta *delta = NULL;
		struct mixd_error err = {0};
		Mixd__V1__Op *ops[4];
		uint32_t n = random_ops(model, ops);

		if (graph_txn_apply(model, ops, n, &delta, &err) < 0) {
			CHECK(graph_fixture_same(model, before.bytes, before.size)); /* T1 */
			CHECK(err.op_index < n && err.text[0]);
			n_failed++;
		} else if (test_random_below(2)) {
			graph_txn_revert(model, delta);
			CHECK(graph_fixture_same(model, before.bytes, before.size));
		} else {
			n_done++;
		}
		graph_fixture_check(model);
		graph_delta_free(delta);
		free_ops(ops, n);
		free(before.bytes);
	}
	test_note("%u transactions refused, %u kept", n_failed, n_done);
	CHECK(n_failed > 500 && n_done > 500);
	graph_model_free(model);
}

TEST(txn_inverse_restores_and_done_replays)
{
	struct graph_model *model = graph_model_new(graph_fixture_types(), "T2");
	uint32_t n_done = 0;

	model->value_now = reached_anything;
	for (int i = 0; i < 6000; i++) {
		struct txn_state before = {0}, after;
		struct graph_delta *delta = NULL, *undo = NULL, *redo = NULL;
		struct mixd_error err = {0};
		Mixd__V1__Op *ops[4];
		uint32_t n = random_ops(model, ops);

		before.bytes = graph_fixture_still_bytes(model, &before.size);
		if (graph_txn_apply(model, ops, n, &delta, &err) == 0) {
			after = state_of(model);
			CHECK(graph_txn_apply(model, delta->inverse, delta->n_inverse, &undo,
					      &err) == 0,
			      "%s: %s", err.address, err.text);
			CHECK(graph_fixture_still_same(model, before.bytes, before.size)); /* T2 */
			CHECK(graph_txn_apply(model, delta->done, delta->n_done, &redo, &err) == 0,
			      "%s: %s", err.address, err.text);
			CHECK(graph_fixture_same(model, after.bytes, after.size)); /* T3 */
			graph_fixture_check(model);
			n_done += delta->n_done;
			free(after.bytes);
		}
		graph_delta_free(redo);
		graph_delta_free(undo);
		graph_delta_free(delta);
		free_ops(ops, n);
		free(before.bytes);
	}
	test_note("%u primitive operations undone and redone", n_done);
	CHECK(n_done > 2000);
	graph_model_free(model);
}

TEST(txn_journal_replays_on_an_empty_model)
{
	struct graph_model *model = graph_model_new(graph_fixture_types(), "T3");
	struct graph_model *replica = graph_model_new(graph_fixture_types(), "T3");

	model->value_now = reached_anything;
	for (int i = 0; i < 3000; i++) {
		struct graph_delta *delta = NULL, *copy = NULL;
		struct mixd_error err = {0};
		Mixd__V1__Op *ops[4];
		uint32_t n = random_ops(model, ops);

		if (graph_txn_apply(model, ops, n, &delta, &err) == 0) {
			struct txn_state state;

			/* some arrive: here, and not there */
			if (model->n_envelopes && !model->envelopes[0]->on_timeline &&
			    test_random_below(4) == 0)
				graph_model_end_envelope(model, model->envelopes[0]);
			state.bytes = graph_fixture_still_bytes(model, &state.size);
			CHECK(graph_txn_apply(replica, delta->done, delta->n_done, &copy, &err) ==
				      0,
			      "%s", err.text);
			CHECK(graph_fixture_still_same(replica, state.bytes, state.size));
			free(state.bytes);
		}
		graph_delta_free(copy);
		graph_delta_free(delta);
		free_ops(ops, n);
	}
	graph_model_free(replica);
	graph_model_free(model);
}
