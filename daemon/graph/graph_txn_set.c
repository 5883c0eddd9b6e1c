/* graph_txn_set.c - Set and Automate, on one address or on all that a glob names.
 *
 * RULES       Who sets a param by hand takes it from its envelope; who clears the envelope sets the
 *             param to what it has reached. So Set is the one primitive operation for both. A value
 *             that is already there, with no envelope on its way, is no change. */
#include "graph_txn_private.h"
#include "graph_value.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OVER_MS_MAX 3600000.0 /* an hour: what is longer is an envelope */

struct set_walk {
	struct graph_txn *txn;
	const Mixd__V1__Set *set;
	const Mixd__V1__Automate *automate;
	enum graph_curve curve;
};

/* One that is an action; those on the time line are states, which a Set leaves alone. */
static const struct graph_envelope *under_way(const struct graph_txn *txn,
					      const struct graph_address *address)
{
	const struct graph_envelope *envelope =
		graph_model_find_envelope(txn->model, address->node, address->idx);

	return envelope && !envelope->on_timeline ? envelope : NULL;
}

static int no_toggle(struct graph_txn *txn, const char *text)
{
	int r = error_set(txn->err, ERROR_INVALID, text, "only switches can be toggled");

	error_hint(txn->err, "give a value");
	return r;
}

/* VALUE, whatever its envelope is about to do. */
static int take_param(struct graph_txn *txn, const struct graph_address *address, double value,
		      double over_ms, enum graph_curve curve)
{
	int r = graph_txn_stop_envelope(txn, address->node, address->idx);

	return r < 0 ? r
		     : graph_txn_put_param(txn, address->node, address->idx, value, over_ms, curve);
}

static int set_param(struct set_walk *walk, const struct graph_address *address, const char *text)
{
	const struct mixd_param_row *row = address->node->type->params[address->idx].row;
	struct graph_txn *txn = walk->txn;
	double *now = &address->node->value[address->idx], value = 0.0;
	int r;

	if (walk->set->toggle) {
		if (row->type != MIXD_TYPE_BOOL)
			return no_toggle(txn, text);
		value = *now == 0.0;
	} else {
		r = graph_node_read_param(address->node, address->idx, walk->set->value,
					  walk->set->relative, text, &value, txn->err);
		if (r < 0)
			return r;
	}
	r = graph_curve_check(row, walk->curve, text, txn->err);
	if (r < 0)
		return r;
	/* with an envelope even to the value it has: that may still be on its way there */
	if (*now == value && !under_way(txn, address))
		return 0;
	return take_param(txn, address, value, walk->set->over_ms, walk->curve);
}

static int set_config(struct set_walk *walk, const struct graph_address *address, const char *text)
{
	const struct mixd_config_row *row = address->node->type->configs[address->idx];
	struct graph_txn *txn = walk->txn;
	struct mixd_value value = {0};
	int r;

	if (walk->set->toggle) {
		if (row->type != MIXD_TYPE_BOOL)
			return no_toggle(txn, text);
		value.number = address->node->config[address->idx].number == 0.0;
	} else {
		r = graph_node_read_config(address->node, address->idx, walk->set->value,
					   walk->set->relative, text, &value, txn->err);
		if (r < 0)
			return r;
	}
	if (graph_node_config_equal(address->node, address->idx, &value)) {
		free((char *)value.text);
		return 0;
	}
	return graph_txn_put_config(txn, address->node, address->idx, &value);
}

static int set_link(struct set_walk *walk, const struct graph_address *address, const char *text)
{
	struct graph_txn *txn = walk->txn;
	double now = address->link->value[address->idx], value;
	int r;

	if (walk->curve != GRAPH_CURVE_SMOOTH) {
		r = error_set(txn->err, ERROR_INVALID, text, "links go along smooth ramps only");
		error_hint(txn->err, "leave the curve out, or put a gain into the link");
		return r;
	}
	if (walk->set->toggle) {
		if (graph_link_rows[address->idx].type != MIXD_TYPE_BOOL)
			return no_toggle(txn, text);
		value = now == 0.0;
	} else {
		r = graph_link_read(address->link, address->idx, walk->set->value,
				    walk->set->relative, text, &value, txn->err);
		if (r < 0)
			return r;
	}
	if (now == value)
		return 0;
	return graph_txn_put_link_value(txn, address->link, address->idx, value,
					walk->set->over_ms);
}

static int set_one(void *data, const struct graph_address *address, const char *text)
{
	struct set_walk *walk = data;
	int r;

	switch (address->kind) {
	case GRAPH_ADDRESS_PARAM:
		return set_param(walk, address, text);
	case GRAPH_ADDRESS_CONFIG:
		return set_config(walk, address, text);
	case GRAPH_ADDRESS_LINK:
		return set_link(walk, address, text);
	case GRAPH_ADDRESS_METER:
		break;
	}
	r = error_set(walk->txn->err, ERROR_INVALID, text, "%s is a meter: it can only be read",
		      text);
	error_hint(walk->txn->err, "see `mixctl explain %s` for its params",
		   address->node->type->node_type->id);
	return r;
}

static bool is_glob(const char *text)
{
	return strpbrk(text, "*?[{") != NULL;
}

int graph_txn_op_set(struct graph_txn *txn, const Mixd__V1__Set *op)
{
	const unsigned kinds =
		1u << GRAPH_ADDRESS_PARAM | 1u << GRAPH_ADDRESS_CONFIG | 1u << GRAPH_ADDRESS_LINK;
	struct set_walk walk = {.txn = txn, .set = op};
	struct graph_address address;
	int curve = graph_curve_find(op->curve), r;

	if (curve < 0 || curve == GRAPH_CURVE_STEP) {
		r = error_set(txn->err, ERROR_INVALID, op->address, "there is no ramp \"%.40s\"",
			      op->curve);
		error_hint(txn->err, "want smooth, linear, log or equal-power");
		return r;
	}
	if (!(op->over_ms >= 0.0 && op->over_ms <= OVER_MS_MAX)) {
		r = error_set(txn->err, ERROR_INVALID, op->address,
			      "a ramp of %gms is outside 0 .. %gms", op->over_ms, OVER_MS_MAX);
		error_hint(txn->err, "automate it with an envelope");
		return r;
	}
	walk.curve = (enum graph_curve)curve;
	if (is_glob(op->address))
		return graph_model_glob(txn->model, op->address, kinds, set_one, &walk, txn->err);
	r = graph_model_find_address(txn->model, op->address, &address, txn->err);
	return r < 0 ? r : set_one(&walk, &address, op->address);
}

/* Where the envelope has got to becomes the value; a session wants where it was going. */
static int clear_one(struct graph_txn *txn, const struct graph_address *address)
{
	const struct graph_model *model = txn->model;
	const struct mixd_param_row *row = address->node->type->params[address->idx].row;
	double value = address->node->value[address->idx], now;

	if (!graph_model_find_envelope(model, address->node, address->idx))
		return 0;
	if (!under_way(txn, address))
		return graph_txn_put_timeline(txn, address->node, address->idx, NULL);
	if (!txn->in_session && model->value_now &&
	    model->value_now(model->value_now_data, address->node->uid, address->idx, &now) &&
	    graph_value_check_param(row, now, "", NULL) == 0)
		value = now;
	return take_param(txn, address, value, 0.0, GRAPH_CURVE_SMOOTH);
}

static int automate_one(void *data, const struct graph_address *address, const char *text)
{
	struct set_walk *walk = data;
	const Mixd__V1__Automate *op = walk->automate;
	struct graph_txn *txn = walk->txn;
	struct graph_envelope *envelope = NULL;
	const struct graph_envelope *old;
	int r;

	if (address->kind != GRAPH_ADDRESS_PARAM) {
		r = error_set(txn->err, ERROR_INVALID, text, "%s is not a param", text);
		error_hint(txn->err, "only params can be automated");
		return r;
	}
	if (op->clear)
		return clear_one(txn, address);
	r = graph_envelope_read(address->node, address->idx, op->points, op->n_points, op->curve,
				text, &envelope, txn->err);
	if (r < 0)
		return r;
	old = graph_model_find_envelope(txn->model, address->node, address->idx);
	envelope->on_timeline = op->timeline;
	if (op->timeline && old && graph_envelope_equal(old, envelope)) {
		graph_envelope_free(envelope);
		return 0;
	}
	if (op->timeline)
		return graph_txn_put_timeline(txn, address->node, address->idx, envelope);
	if (!old || !old->on_timeline)
		return graph_txn_put_envelope(txn, address->node, address->idx, envelope);
	graph_envelope_free(envelope);
	r = error_set(txn->err, ERROR_CONFLICT, text, "%s follows the time line", text);
	error_hint(txn->err, "take that from it first: mixctl automate %s --clear", text);
	return r;
}

int graph_txn_op_automate(struct graph_txn *txn, const Mixd__V1__Automate *op)
{
	struct set_walk walk = {.txn = txn, .automate = op};
	struct graph_address address;
	int r;

	if (is_glob(op->address))
		return graph_model_glob(txn->model, op->address, 1u << GRAPH_ADDRESS_PARAM,
					automate_one, &walk, txn->err);
	r = graph_model_find_address(txn->model, op->address, &address, txn->err);
	return r < 0 ? r : automate_one(&walk, &address, op->address);
}
