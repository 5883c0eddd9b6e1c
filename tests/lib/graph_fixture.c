/* graph_fixture.c - see graph_fixture.h. */
#include "graph_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "fake_types.h"
#include "graph_proto.h"
#include "graph_value.h"
#include "test.h"

struct graph_types *graph_fixture_types(void)
{
	static struct graph_types *types;

	if (types)
		return types;
	types = graph_types_new();
	for (uint32_t i = 0; i < FAKE_TYPES; i++)
		CHECK(graph_types_add(types, fake_types[i], "fake", NULL) == 0);
	return types;
}

/* ---- operations from words ---- */

static void fixture_text(char **field, const char *text)
{
	CHECK(graph_proto_text(field, text));
}

static Mixd__V1__Value *fixture_value(const char *text)
{
	Mixd__V1__Value *value = malloc(sizeof(*value));

	mixd__v1__value__init(value);
	value->kind_case = MIXD__V1__VALUE__KIND_TEXT;
	value->text = strdup(text);
	return value;
}

static void fixture_add(Mixd__V1__AddNode *add, char *rest)
{
	char *save = NULL, *type = strtok_r(rest, " ", &save), *name = strtok_r(NULL, " ", &save);

	fixture_text(&add->type, type);
	fixture_text(&add->name, name);
	add->settings = calloc(64, sizeof(*add->settings));
	for (char *word = strtok_r(NULL, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *equals = strchr(word, '=');

		*equals = '\0';
		if (strcmp(word, "after") == 0) {
			fixture_text(&add->after, equals + 1);
			continue;
		}
		add->settings[add->n_settings] = malloc(sizeof(Mixd__V1__Setting));
		mixd__v1__setting__init(add->settings[add->n_settings]);
		fixture_text(&add->settings[add->n_settings]->id, word);
		add->settings[add->n_settings++]->value = fixture_value(equals + 1);
	}
}

static void fixture_set(Mixd__V1__Set *set, char *rest)
{
	char *equals = strchr(rest, '=');

	set->relative = equals[-1] == '+';
	equals[set->relative ? -1 : 0] = '\0';
	fixture_text(&set->address, rest);
	set->value = fixture_value(equals + 1);
}

static void fixture_automate(Mixd__V1__Automate *automate, char *rest)
{
	char *save = NULL;

	fixture_text(&automate->address, strtok_r(rest, " ", &save));
	fixture_text(&automate->curve, strtok_r(NULL, " ", &save));
	automate->points = calloc(64, sizeof(*automate->points));
	for (char *word = strtok_r(NULL, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		Mixd__V1__Point *point = malloc(sizeof(*point));

		mixd__v1__point__init(point);
		point->at_ms = strtod(word, NULL);
		point->value = strtod(strchr(word, '=') + 1, NULL);
		automate->points[automate->n_points++] = point;
	}
}

#define FIXTURE_NEW(field, kind, message)                                                          \
	op->field = malloc(sizeof(*op->field));                                                    \
	mixd__v1__##message##__init(op->field);                                                    \
	op->op_case = MIXD__V1__OP__OP_##kind

/* What has two names: "mv a b", "link a b -6". */
static void fixture_pair(Mixd__V1__Op *op, const char *verb, char *rest)
{
	char *save = NULL, *from = strtok_r(rest, " ", &save), *to = strtok_r(NULL, " ", &save);
	char *gain = strtok_r(NULL, " ", &save);

	if (strcmp(verb, "mv") == 0) {
		FIXTURE_NEW(rename, RENAME, rename_node);
		fixture_text(&op->rename->name, from);
		fixture_text(&op->rename->to, to);
	} else if (strcmp(verb, "unlink") == 0) {
		FIXTURE_NEW(unlink, UNLINK, remove_link);
		fixture_text(&op->unlink->from, from);
		fixture_text(&op->unlink->to, to);
	} else {
		FIXTURE_NEW(link, LINK, add_link);
		fixture_text(&op->link->from, from);
		fixture_text(&op->link->to, to);
		op->link->set_gain = gain != NULL;
		op->link->gain_db = gain ? strtod(gain, NULL) : 0.0;
	}
}

Mixd__V1__Op *graph_fixture_op(const char *text)
{
	Mixd__V1__Op *op = malloc(sizeof(*op));
	char *verb = strdup(text), *rest = strchr(verb, ' ');

	CHECK(rest, "\"%s\"", text);
	*rest++ = '\0';
	mixd__v1__op__init(op);
	if (strcmp(verb, "add") == 0) {
		FIXTURE_NEW(add, ADD, add_node);
		fixture_add(op->add, rest);
	} else if (strcmp(verb, "rm") == 0) {
		FIXTURE_NEW(remove, REMOVE, remove_node);
		op->remove->heal = strchr(rest, ' ') != NULL;
		rest[strcspn(rest, " ")] = '\0';
		fixture_text(&op->remove->name, rest);
	} else if (strcmp(verb, "set") == 0) {
		FIXTURE_NEW(set, SET, set);
		fixture_set(op->set, rest);
	} else if (strcmp(verb, "toggle") == 0) {
		FIXTURE_NEW(set, SET, set);
		op->set->toggle = true;
		fixture_text(&op->set->address, rest);
	} else if (strcmp(verb, "auto") == 0) {
		FIXTURE_NEW(automate, AUTOMATE, automate);
		fixture_automate(op->automate, rest);
	} else if (strcmp(verb, "clear") == 0) {
		FIXTURE_NEW(automate, AUTOMATE, automate);
		op->automate->clear = true;
		fixture_text(&op->automate->address, rest);
	} else if (strcmp(verb, "apply") == 0 || strcmp(verb, "merge") == 0) {
		FIXTURE_NEW(apply, APPLY, apply);
		op->apply->merge = verb[0] == 'm';
		fixture_text(&op->apply->text, rest);
	} else {
		fixture_pair(op, verb, rest);
	}
	free(verb);
	return op;
}

int graph_fixture_apply(struct graph_model *model, const char *const *texts,
			struct graph_delta **ret, struct mixd_error *err)
{
	Mixd__V1__Op *ops[64] = {NULL};
	struct graph_delta *delta = NULL;
	uint32_t n = 0;
	int r;

	for (; texts[n]; n++)
		ops[n] = graph_fixture_op(texts[n]);
	r = graph_txn_apply(model, ops, n, &delta, err);
	for (uint32_t i = 0; i < n; i++)
		mixd__v1__op__free_unpacked(ops[i], NULL);
	if (ret)
		*ret = delta;
	else
		graph_delta_free(delta);
	return r;
}

/* ---- models as bytes ---- */

static uint8_t *fixture_pack(const struct graph_model *model, bool still, size_t *ret_size)
{
	Mixd__V1__Graph *graph = graph_model_to_proto(model);
	size_t n_kept = 0;
	uint8_t *bytes;

	CHECK(graph);
	for (size_t i = 0; still && i < graph->n_envelopes; i++) {
		if (graph->envelopes[i]->timeline)
			graph->envelopes[n_kept++] = graph->envelopes[i];
		else
			mixd__v1__envelope__free_unpacked(graph->envelopes[i], NULL);
	}
	if (still)
		graph->n_envelopes = n_kept;
	*ret_size = mixd__v1__graph__get_packed_size(graph);
	bytes = malloc(*ret_size + 1);
	mixd__v1__graph__pack(graph, bytes);
	mixd__v1__graph__free_unpacked(graph, NULL);
	return bytes;
}

static bool fixture_same(uint8_t *now, size_t now_size, const uint8_t *bytes, size_t size)
{
	bool same = now_size == size && memcmp(now, bytes, size) == 0;

	free(now);
	return same;
}

uint8_t *graph_fixture_bytes(const struct graph_model *model, size_t *ret_size)
{
	return fixture_pack(model, false, ret_size);
}

uint8_t *graph_fixture_still_bytes(const struct graph_model *model, size_t *ret_size)
{
	return fixture_pack(model, true, ret_size);
}

bool graph_fixture_same(const struct graph_model *model, const uint8_t *bytes, size_t size)
{
	size_t now_size;
	uint8_t *now = fixture_pack(model, false, &now_size);

	return fixture_same(now, now_size, bytes, size);
}

bool graph_fixture_still_same(const struct graph_model *model, const uint8_t *bytes, size_t size)
{
	size_t now_size;
	uint8_t *now = fixture_pack(model, true, &now_size);

	return fixture_same(now, now_size, bytes, size);
}

static bool fixture_has_node(const struct graph_model *model, const struct graph_node *node)
{
	return graph_model_node(model, node->name) == node;
}

void graph_fixture_check(const struct graph_model *model)
{
	bool slots[GRAPH_SLOTS_MAX] = {false};

	for (uint32_t i = 0; i < model->n_nodes; i++) {
		const struct graph_node *node = model->nodes[i];

		CHECK(graph_name_check(node->name, NULL) == 0);
		CHECK(i == 0 || strcmp(model->nodes[i - 1]->name, node->name) < 0); /* G1 */
		CHECK(node->uid <= model->last_uid);
		for (uint32_t k = 0; k < i; k++)
			CHECK(model->nodes[k]->uid != node->uid); /* G2 */
		for (uint32_t k = 0; k < node->type->n_params; k++) /* G4 */
			CHECK(graph_value_check_param(node->type->params[k].row, node->value[k], "",
						      NULL) == 0);
		if (node->slot == GRAPH_SLOT_NONE)
			continue;
		CHECK(!slots[node->slot]);
		slots[node->slot] = true;
	}
	for (uint32_t i = 0; i < model->n_links; i++) { /* G3 */
		const struct graph_link *link = model->links[i], *before;

		CHECK(fixture_has_node(model, link->from) && fixture_has_node(model, link->to));
		CHECK(link->from_port < link->from->n_out_ports);
		CHECK(link->to_port < link->to->n_in_ports);
		if (i == 0)
			continue;
		before = model->links[i - 1];
		CHECK(before->from != link->from || before->from_port < link->from_port ||
		      (before->from_port == link->from_port && before->to != link->to) ||
		      (before->from_port == link->from_port && before->to_port < link->to_port));
	}
	for (uint32_t i = 0; i < model->n_envelopes; i++) { /* G5 */
		const struct graph_envelope *envelope = model->envelopes[i];

		CHECK(fixture_has_node(model, envelope->node));
		CHECK(envelope->on_timeline || /* G5, G6 */
		      envelope->node->value[envelope->param_idx] ==
			      envelope->points[envelope->n_points - 1].value);
	}
}

/* ---- random operations ---- */

static const char *fixture_random_link(char *buf, size_t size, const char *verb, const char *a,
				       const char *b)
{
	static const char *const from[] = {"", "", ":out", ":left"};
	static const char *const to[] = {"", "", ":in2", ":key", ":aux", ":send1", ":in"};

	snprintf(buf, size, "%s %s%s %s%s", verb, a, from[test_random_below(4)], b,
		 to[test_random_below(7)]);
	if (verb[0] == 'l' && test_random_below(2))
		snprintf(buf + strlen(buf), size - strlen(buf), " %d",
			 (int)test_random_below(30) - 20);
	return buf;
}

static Mixd__V1__Op *fixture_random_send(const struct graph_model *model)
{
	static const char *const values[] = {"level=-6dB", "level+=3dB", "level=-inf", "pan=L30",
					     "pan=C",	   "mute=on",	 "mute=off",   "tap=pre",
					     "tap=post",   "tap=mid"};
	char buf[3 * GRAPH_ADDRESS_MAX], link[GRAPH_ADDRESS_MAX];

	graph_link_format(model->links[test_random_below(model->n_links)], link, sizeof(link));
	snprintf(buf, sizeof(buf), "set %s.%s", link, values[test_random_below(10)]);
	return graph_fixture_op(buf);
}

static const char *fixture_random_set(char *buf, size_t size, const char *name)
{
	static const char *const texts[] = {
		"set %s.gain=%ddB",
		"set %s.gain+=%ddB",
		"set %s.pan=L%d",
		"set %s.band3.freq=%dHz",
		"set %s.band%d.on=on",
		"set %s.inputs=%d",
		"set %s.sends=%d",
		"set %s.label=text%d",
		"set %s.mode=off-axis",
		"toggle %s.mute",
		"toggle %s.bypass",
		"set n*.gain=%ddB",
		"set %s.layout=stereo",
		"set %s.threshold=-%ddB",
		"set %s.steps=%d",
		"auto %s.gain linear 0=0 100=%d",
		"auto %s.threshold log 0=-60 5=-%d",
		"clear %s.gain",
		"auto n*.gain smooth 0=-60 1000=%d",
		"set %s.gain=default",
	};
	const char *format = texts[test_random_below(20)];

	if (strstr(format, "n*"))
		snprintf(buf, size,
			 strstr(format, "auto") ? "auto n*.gain smooth 0=-60 1000=%d"
						: "set n*.gain=%ddB",
			 (int)test_random_below(20));
	else {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(buf, size, format, name, (int)test_random_below(12) + 1);
#pragma GCC diagnostic pop
	}
	return buf;
}

/* Mostly a node that is there. */
static void fixture_random_name(const struct graph_model *model, uint32_t names, char *buf,
				size_t size)
{
	if (model->n_nodes > 0 && test_random_below(4) > 0)
		snprintf(buf, size, "%.20s", model->nodes[test_random_below(model->n_nodes)]->name);
	else
		snprintf(buf, size, "n%u", test_random_below(names));
}

/* Any value of any param of a node, mostly one that fits. */
static Mixd__V1__Op *fixture_random_param(const struct graph_model *model)
{
	const struct graph_node *node = model->nodes[test_random_below(model->n_nodes)];
	const struct graph_param *param =
		&node->type->params[test_random_below(node->type->n_params)];
	double max = param->row->max > 0 || param->row->min < 0 ? param->row->max : 1;
	double value = param->row->min + rint(test_random() * 10) / 10 * (max - param->row->min);
	char text[64], buf[300];

	if (param->row->type != MIXD_TYPE_FLOAT)
		value = rint(value);
	graph_value_format_param(param->row, value, text, sizeof(text));
	snprintf(buf, sizeof(buf), "set %s.%s=%s", node->name, param->id, text);
	return graph_fixture_op(buf);
}

static Mixd__V1__Op *fixture_marker(const char *name, const char *at)
{
	Mixd__V1__Op *op = malloc(sizeof(*op));

	mixd__v1__op__init(op);
	FIXTURE_NEW(marker, MARKER, set_marker);
	fixture_text(&op->marker->name, name);
	op->marker->remove = !at;
	if (at)
		op->marker->at = fixture_value(at);
	return op;
}

static Mixd__V1__Op *fixture_edit(const char *player, const char *edit, const char *arg)
{
	Mixd__V1__Op *op = malloc(sizeof(*op));

	mixd__v1__op__init(op);
	FIXTURE_NEW(edit, EDIT, edit_clips);
	fixture_text(&op->edit->player, player);
	fixture_text(&op->edit->edit, edit);
	op->edit->args = calloc(1, sizeof(char *));
	op->edit->n_args = 1;
	op->edit->args[0] = strdup(arg);
	return op;
}

/* Markers, envelopes on the time line, edits; NAME is a node. */
static Mixd__V1__Op *fixture_random_timeline(const char *name)
{
	static const char *const places[] = {"1s", "+=1s", "m1", "48000fr", "soon"};
	char buf[128], marker[8];
	Mixd__V1__Op *op;

	snprintf(marker, sizeof(marker), "m%u", test_random_below(4));
	switch (test_random_below(6)) {
	case 0:
	case 1:
		return fixture_marker(marker, places[test_random_below(5)]);
	case 2:
		return fixture_marker(test_random_below(3) ? marker : "m*", NULL);
	case 3:
		return fixture_edit(name, test_random_below(2) ? "cut" : "add",
				    places[test_random_below(5)]);
	default:
		snprintf(buf, sizeof(buf), "auto %s.gain linear 0=0 100=%u", name,
			 test_random_below(5));
		op = graph_fixture_op(buf);
		op->automate->timeline = true;
		return op;
	}
}

Mixd__V1__Op *graph_fixture_random_op(const struct graph_model *model, uint32_t names)
{
	static const char *const types[] = {"gain",  "eq",     "bus",  "duck", "player",
					    "input", "output", "loop", "tone", "nothing"};
	char buf[200], a[24], b[24];

	fixture_random_name(model, names, a, sizeof(a));
	fixture_random_name(model, names, b, sizeof(b));
	if (model->n_links > 0 && test_random_below(8) == 0)
		return fixture_random_send(model);
	if (test_random_below(10) == 0)
		return fixture_random_timeline(a);
	if (model->n_nodes > 0 && test_random_below(2) == 0)
		return fixture_random_param(model);
	switch (test_random_below(10)) {
	case 0:
	case 1:
		snprintf(buf, sizeof(buf), "add %s %s%s%s", types[test_random_below(10)], a,
			 test_random_below(3) ? "" : " after=", "");
		if (strstr(buf, "after="))
			strcat(buf, b);
		if (test_random_below(4) == 0)
			strcat(buf, " mute=on");
		break;
	case 2:
		if (model->n_nodes < names * 2 / 3) {
			snprintf(buf, sizeof(buf), "add %s n%u", types[test_random_below(9)],
				 test_random_below(names));
			break;
		}
		snprintf(buf, sizeof(buf), "rm %s%s", a, test_random_below(2) ? " heal" : "");
		break;
	case 3:
		snprintf(buf, sizeof(buf), "mv %s %s", a, b);
		break;
	case 4:
	case 5:
		fixture_random_link(buf, sizeof(buf), "link", a, b);
		break;
	case 6:
		if (model->n_links > 0 && test_random_below(2)) {
			const struct graph_link *link =
				model->links[test_random_below(model->n_links)];

			snprintf(buf, sizeof(buf), "unlink %s %s*", link->from->name,
				 link->to->name);
		} else {
			fixture_random_link(buf, sizeof(buf), "unlink", a, b);
		}
		break;
	default:
		fixture_random_set(buf, sizeof(buf), a);
	}
	return graph_fixture_op(buf);
}
