/* graph_txn.c - see graph_txn.h: one operation after the other, and back when one fails. */
#include "graph_txn_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_session.h"

static void free_graph(Mixd__V1__Graph *graph)
{
	mixd__v1__graph__free_unpacked(graph, NULL);
}
DEFINE_CLEANUP(free_graph, Mixd__V1__Graph *)

static int apply_one(struct graph_txn *txn, const Mixd__V1__Op *op);

/* A session file: what it takes to get there, as operations of this same transaction. */
static int apply_session(struct graph_txn *txn, const Mixd__V1__Apply *op)
{
	_cleanup_(free_graphp) Mixd__V1__Graph *wanted = NULL;
	Mixd__V1__Op **ops = NULL;
	uint32_t n_ops = 0;
	int r;

	r = graph_session_parse_in(txn->model->types, op->folder, "session", op->text,
				   strlen(op->text), op->format[0] ? op->format : NULL, &wanted,
				   txn->err);
	if (r == 0)
		r = graph_session_diff(txn->model, wanted, op->merge, &ops, &n_ops, txn->err);
	txn->in_session = txn->delta->applied = true;
	for (uint32_t i = 0; r == 0 && i < n_ops; i++)
		r = apply_one(txn, ops[i]);
	txn->in_session = false;
	graph_ops_free(ops, n_ops);
	return r;
}

static int apply_one(struct graph_txn *txn, const Mixd__V1__Op *op)
{
	int r;

	switch (op->op_case) {
	case MIXD__V1__OP__OP_ADD:
		return graph_txn_op_add(txn, op->add);
	case MIXD__V1__OP__OP_REMOVE:
		return graph_txn_op_remove(txn, op->remove);
	case MIXD__V1__OP__OP_RENAME:
		return graph_txn_op_rename(txn, op->rename);
	case MIXD__V1__OP__OP_SET:
		return graph_txn_op_set(txn, op->set);
	case MIXD__V1__OP__OP_LINK:
		return graph_txn_op_link(txn, op->link);
	case MIXD__V1__OP__OP_UNLINK:
		return graph_txn_op_unlink(txn, op->unlink);
	case MIXD__V1__OP__OP_AUTOMATE:
		return graph_txn_op_automate(txn, op->automate);
	case MIXD__V1__OP__OP_APPLY:
		return apply_session(txn, op->apply);
	case MIXD__V1__OP__OP_MARKER:
		return graph_txn_op_marker(txn, op->marker);
	case MIXD__V1__OP__OP_EDIT:
		return graph_txn_op_edit(txn, op->edit);
	case MIXD__V1__OP__OP_PRESET:
		return graph_txn_op_preset(txn, op->preset);
	default:
		break;
	}
	r = error_set(txn->err, ERROR_USAGE, NULL, "an operation of no known kind");
	error_hint(txn->err, "the client may be newer than the daemon");
	return r;
}

static void reverse(Mixd__V1__Op **ops, uint32_t n)
{
	for (uint32_t i = 0; i < n / 2; i++) {
		Mixd__V1__Op *op = ops[i];

		ops[i] = ops[n - 1 - i];
		ops[n - 1 - i] = op;
	}
}

/* The operation that says most of what was done: the first that adds, removes or renames. */
static const Mixd__V1__Op *main_op(const struct graph_delta *delta)
{
	for (uint32_t i = 0; i < delta->n_done; i++) {
		Mixd__V1__Op__OpCase kind = delta->done[i]->op_case;

		if (kind == MIXD__V1__OP__OP_ADD || kind == MIXD__V1__OP__OP_REMOVE ||
		    kind == MIXD__V1__OP__OP_RENAME)
			return delta->done[i];
	}
	return delta->done[0];
}

/* "apply: 3 added, 2 removed, 4 set" */
static void summarize_session(struct graph_txn_delta *delta)
{
	static const struct {
		Mixd__V1__Op__OpCase kind;
		const char *word;
	} rows[] = {
		{MIXD__V1__OP__OP_ADD, "added"},	  {MIXD__V1__OP__OP_REMOVE, "removed"},
		{MIXD__V1__OP__OP_RENAME, "moved"},	  {MIXD__V1__OP__OP_SET, "set"},
		{MIXD__V1__OP__OP_LINK, "linked"},	  {MIXD__V1__OP__OP_UNLINK, "unlinked"},
		{MIXD__V1__OP__OP_AUTOMATE, "automated"}, {MIXD__V1__OP__OP_MARKER, "marked"},
	};
	const char *comma = "";
	size_t used = (size_t)snprintf(delta->summary, sizeof(delta->summary), "apply:");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t n = 0;

		for (uint32_t k = 0; k < delta->delta.n_done; k++)
			n += delta->delta.done[k]->op_case == rows[i].kind;
		if (n == 0 || used >= sizeof(delta->summary))
			continue;
		used += (size_t)snprintf(delta->summary + used, sizeof(delta->summary) - used,
					 "%s %u %s", comma, n, rows[i].word);
		comma = ",";
	}
}

/* OPS are what was asked for. */
static void summarize(const struct graph_model *model, struct graph_txn_delta *delta,
		      Mixd__V1__Op *const *ops, uint32_t n_ops)
{
	_cleanup_free_ char *text = NULL;
	/* done as a set to what was reached, or as many sets: say what was meant */
	bool meant = n_ops == 1 &&
		     ((ops[0]->op_case == MIXD__V1__OP__OP_AUTOMATE && ops[0]->automate->clear) ||
		      ops[0]->op_case == MIXD__V1__OP__OP_PRESET ||
		      ops[0]->op_case == MIXD__V1__OP__OP_EDIT);

	if (delta->delta.n_done == 0) {
		snprintf(delta->summary, sizeof(delta->summary), "nothing changed");
		return;
	}
	if (delta->applied) {
		summarize_session(delta);
		return;
	}
	text = graph_op_text(model, meant ? ops[0] : main_op(&delta->delta));
	if (delta->delta.n_done > 1 && !meant)
		snprintf(delta->summary, sizeof(delta->summary), "%.140s (+%u)", text ? text : "?",
			 delta->delta.n_done - 1);
	else
		snprintf(delta->summary, sizeof(delta->summary), "%s", text ? text : "?");
}

int graph_txn_apply(struct graph_model *model, Mixd__V1__Op *const *ops, uint32_t n_ops,
		    struct graph_delta **ret_delta, struct mixd_error *err)
{
	struct graph_txn txn = {.model = model, .err = err};
	int r = 0;

	txn.delta = calloc(1, sizeof(*txn.delta));
	if (!txn.delta)
		return error_no_memory(err);
	for (uint32_t i = 0; r == 0 && i < n_ops; i++) {
		r = apply_one(&txn, ops[i]);
		if (r < 0 && err)
			err->op_index = i;
	}
	if (r < 0) {
		graph_txn_revert(model, &txn.delta->delta);
		graph_delta_free(&txn.delta->delta);
		return r;
	}
	reverse(txn.delta->delta.inverse, txn.delta->delta.n_inverse);
	summarize(model, txn.delta, ops, n_ops);
	*ret_delta = &txn.delta->delta;
	return 0;
}

void graph_delta_summary(const struct graph_delta *delta, char *buf, size_t size)
{
	snprintf(buf, size, "%s", ((const struct graph_txn_delta *)delta)->summary);
}
