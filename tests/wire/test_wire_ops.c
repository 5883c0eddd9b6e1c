/* test_wire_ops.c - every operation and every question, encoded, against the real handler. */
#include "wire.h"

static struct wire *wire;

static void chain(void)
{
	wire = wire_open();
	wire_add(wire, "in", "input", 0);
	wire_add(wire, "vox/gain", "gain", 0);
	wire_add(wire, "vox/eq", "eq", 0);
	wire_add(wire, "out", "output", 0);
	wire_link(wire, "in", "vox/gain", 0);
	wire_link(wire, "vox/gain", "vox/eq", 0);
	wire_link(wire, "vox/eq", "out", 0);
}

#define ASK(KIND, field, message)                                                                  \
	({                                                                                         \
		Mixd__V1__Request request_ = wire_request(KIND);                                   \
		request_.field = (message);                                                        \
		wire_ask(wire, &request_);                                                         \
	})

TEST(hello_and_status_say_who_this_is)
{
	Mixd__V1__Hello hello = MIXD__V1__HELLO__INIT;
	Mixd__V1__GetStatus get = MIXD__V1__GET_STATUS__INIT;
	Mixd__V1__Reply *reply;

	chain();
	reply = ASK(HELLO, hello, &hello);
	CHECK(reply->op_case == MIXD__V1__REPLY__OP_HELLO && reply->hello->protocol == 1);
	CHECK_STR(reply->hello->instance, "test");
	CHECK(reply->epoch.len == 16);
	wire_sleep(wire, 1500);
	reply = ASK(GET_STATUS, get_status, &get);
	CHECK(reply->op_case == MIXD__V1__REPLY__OP_GET_STATUS);
	CHECK(reply->get_status->nodes == 4 && reply->get_status->links == 3);
	CHECK(reply->get_status->revision == reply->revision && reply->revision == 8);
	CHECK_NEAR(reply->get_status->uptime_s, 1.5, 0.01);
	CHECK_STR(reply->get_status->clock, "offline");
	CHECK(reply->get_status->rate == 48000 && reply->get_status->requests == 9);
	wire_close(wire);
}

TEST(types_are_data)
{
	Mixd__V1__GetTypes get = MIXD__V1__GET_TYPES__INIT;
	Mixd__V1__Reply *reply;

	wire = wire_open();
	reply = ASK(GET_TYPES, get_types, &get);
	CHECK(reply->get_types->n_types == graph_types_count(wire->types));
	get.pattern = (char *)"gain";
	reply = ASK(GET_TYPES, get_types, &get);
	CHECK(reply->get_types->n_types == 1 && reply->get_types->types[0]->n_params >= 3);
	get.pattern = (char *)"gian";
	reply = ASK(GET_TYPES, get_types, &get);
	CHECK(reply->status->code == MIXD__V1__CODE__CODE_NOT_FOUND);
	CHECK(strstr(reply->status->hint, "gain") || strstr(reply->status->text, "gain"),
	      "no nearest word: %s", reply->status->hint);
	wire_close(wire);
}

TEST(nodes_ports_and_links_are_listed)
{
	Mixd__V1__GetNodes nodes = MIXD__V1__GET_NODES__INIT;
	Mixd__V1__GetPorts ports = MIXD__V1__GET_PORTS__INIT;
	Mixd__V1__GetLinks links = MIXD__V1__GET_LINKS__INIT;
	Mixd__V1__Reply *reply;

	chain();
	reply = ASK(GET_NODES, get_nodes, &nodes);
	CHECK(reply->get_nodes->n_nodes == 4);
	CHECK_STR(reply->get_nodes->nodes[0]->name, "in");
	CHECK(*reply->get_nodes->nodes[0]->state && *reply->get_nodes->nodes[0]->layout);
	nodes.pattern = (char *)"vox/*";
	reply = ASK(GET_NODES, get_nodes, &nodes);
	CHECK(reply->get_nodes->n_nodes == 2);
	nodes.pattern = (char *)"vox/qe";
	reply = ASK(GET_NODES, get_nodes, &nodes);
	CHECK(reply->status->code == MIXD__V1__CODE__CODE_NOT_FOUND);
	ports.pattern = (char *)"vox/eq:out";
	reply = ASK(GET_PORTS, get_ports, &ports);
	CHECK(reply->get_ports->n_ports == 1 && reply->get_ports->ports[0]->output);
	CHECK_STR(reply->get_ports->ports[0]->layout, "stereo");
	CHECK(reply->get_ports->ports[0]->n_channels == 2);
	CHECK_STR(reply->get_ports->ports[0]->channels[1], "FR");
	reply = ASK(GET_LINKS, get_links, &links);
	CHECK(reply->get_links->n_links == 3);
	links.pattern = (char *)"out";
	reply = ASK(GET_LINKS, get_links, &links);
	CHECK(reply->get_links->n_links == 1);
	CHECK_STR(reply->get_links->links[0]->from, "vox/eq:out");
	wire_close(wire);
}

/* One transaction in which a name means three things, one after the other. */
TEST(values_have_words_whatever_a_name_means)
{
	Mixd__V1__Value value[3];
	Mixd__V1__Set set[3];
	Mixd__V1__RenameNode rename = MIXD__V1__RENAME_NODE__INIT;
	Mixd__V1__AddNode add = MIXD__V1__ADD_NODE__INIT;
	Mixd__V1__Op op[5], *ops[5];
	Mixd__V1__Transaction transaction = MIXD__V1__TRANSACTION__INIT;
	static const char *const addresses[] = {"vox/gain.gain", "old.gain", "vox/gain.band1.freq"};
	static const char *const words[] = {"-3dB", "-6dB", "80Hz"};

	for (int i = 0; i < 5; i++) {
		mixd__v1__op__init(&op[i]);
		ops[i] = &op[i];
	}
	for (int i = 0; i < 3; i++) {
		mixd__v1__value__init(&value[i]);
		mixd__v1__set__init(&set[i]);
		value[i].kind_case = MIXD__V1__VALUE__KIND_TEXT;
		value[i].text = (char *)(uintptr_t)words[i];
		set[i].address = (char *)(uintptr_t)addresses[i];
		set[i].value = &value[i];
		op[i == 0 ? 0 : i == 1 ? 2 : 4].op_case = MIXD__V1__OP__OP_SET;
		op[i == 0 ? 0 : i == 1 ? 2 : 4].set = &set[i];
	}
	rename.name = (char *)"vox/gain";
	rename.to = (char *)"old";
	op[1].op_case = MIXD__V1__OP__OP_RENAME;
	op[1].rename = &rename;
	add.name = (char *)"vox/gain";
	add.type = (char *)"eq";
	op[3].op_case = MIXD__V1__OP__OP_ADD;
	op[3].add = &add;
	transaction.ops = ops;
	transaction.n_ops = 5;
	for (int dry = 1; dry >= 0; dry--) {
		Mixd__V1__Request request = wire_request(TRANSACTION);
		Mixd__V1__Reply *reply;
		unsigned n = 0;

		if (dry)
			chain();
		request.transaction = &transaction;
		request.dry_run = dry;
		reply = wire_ask(wire, &request);
		CHECK(reply->status->code == MIXD__V1__CODE__CODE_OK, "%s", reply->status->text);
		for (size_t i = 0; i < reply->transaction->n_changes; i++) {
			const Mixd__V1__Change *change = reply->transaction->changes[i];

			if (change->change_case != MIXD__V1__CHANGE__CHANGE_PARAM)
				continue;
			CHECK(n < 3);
			CHECK_STR(change->param->address, addresses[n]);
			/* Afterwards the first name is an eq's: better no words than wrong ones. */
			CHECK_STR(change->param->text, n == 0 && !dry ? "" : words[n]);
			n++;
		}
		CHECK(n == 3);
	}
	wire_close(wire);
}

TEST(values_are_set_and_read_with_units)
{
	Mixd__V1__Get get = MIXD__V1__GET__INIT;
	char *patterns[2] = {(char *)"vox/gain.gain", (char *)"in.*"};
	Mixd__V1__Reply *reply;

	chain();
	reply = wire_set(wire, "vox/gain.gain", "-6dB", 0);
	CHECK(reply->transaction->n_changes == 1 && reply->transaction->idle);
	CHECK(reply->transaction->changes[0]->change_case == MIXD__V1__CHANGE__CHANGE_PARAM);
	CHECK_STR(wire_get(wire, "vox/gain.gain"), "-6dB");
	wire_set(wire, "vox/*.bypass", "on", 0);
	CHECK_STR(wire_get(wire, "vox/eq.bypass"), "on");
	wire_set(wire, "vox/gain.gain", "+=1.5dB", 0);
	get.patterns = patterns;
	get.n_patterns = 2;
	reply = ASK(GET, get, &get);
	CHECK(reply->get->n_readings > 4);
	CHECK_NEAR(reply->get->readings[0]->value->number, -4.5, 1e-9);
	CHECK_STR(reply->get->readings[0]->unit, "dB");
	wire_set(wire, "vox/gain.gain", "-6Hz", MIXD__V1__CODE__CODE_INVALID);
	wire_set(wire, "vox/gain.gian", "-6dB", MIXD__V1__CODE__CODE_NOT_FOUND);
	wire_set(wire, "vox/gain.gain", "200dB", MIXD__V1__CODE__CODE_INVALID);
	wire_close(wire);
}

TEST(nodes_and_links_come_change_and_go)
{
	Mixd__V1__RenameNode rename = MIXD__V1__RENAME_NODE__INIT;
	Mixd__V1__RemoveNode remove = MIXD__V1__REMOVE_NODE__INIT;
	Mixd__V1__RemoveLink unlink = MIXD__V1__REMOVE_LINK__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT;
	Mixd__V1__GetLinks links = MIXD__V1__GET_LINKS__INIT;
	Mixd__V1__Reply *reply;

	chain();
	wire_add(wire, "out", "output", 0); /* equal: fine */
	wire_add(wire, "out", "gain", MIXD__V1__CODE__CODE_CONFLICT);
	wire_add(wire, "x:y", "gain", MIXD__V1__CODE__CODE_INVALID);
	wire_add(wire, "x", "gane", MIXD__V1__CODE__CODE_NOT_FOUND);
	wire_link(wire, "vox/eq", "vox/gain", MIXD__V1__CODE__CODE_INVALID); /* a cycle */
	op.op_case = MIXD__V1__OP__OP_RENAME;
	op.rename = &rename;
	rename.name = (char *)"vox/eq";
	rename.to = (char *)"vox/tone";
	wire_op(wire, &op, 0);
	op.op_case = MIXD__V1__OP__OP_REMOVE;
	op.remove = &remove;
	remove.name = (char *)"vox/tone";
	remove.heal = true;
	wire_op(wire, &op, 0);
	reply = ASK(GET_LINKS, get_links, &links);
	CHECK(reply->get_links->n_links == 2);
	op.op_case = MIXD__V1__OP__OP_UNLINK;
	op.unlink = &unlink;
	unlink.from = (char *)"*";
	unlink.to = (char *)"*";
	unlink.from = (char *)"**";
	unlink.to = (char *)"**";
	wire_op(wire, &op, 0);
	reply = ASK(GET_LINKS, get_links, &links);
	CHECK(reply->get_links->n_links == 0);
	wire_close(wire);
}

TEST(envelopes_are_kept)
{
	Mixd__V1__Automate automate = MIXD__V1__AUTOMATE__INIT;
	Mixd__V1__Point points[2] = {MIXD__V1__POINT__INIT, MIXD__V1__POINT__INIT};
	Mixd__V1__Point *list[2] = {&points[0], &points[1]};
	Mixd__V1__Snapshot snapshot = MIXD__V1__SNAPSHOT__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT;
	Mixd__V1__Reply *reply;

	chain();
	points[0].value = -60;
	points[1].at_ms = 3000;
	automate.address = (char *)"vox/gain.gain";
	automate.points = list;
	automate.n_points = 2;
	automate.curve = (char *)"linear";
	op.op_case = MIXD__V1__OP__OP_AUTOMATE;
	op.automate = &automate;
	wire_op(wire, &op, 0);
	reply = ASK(SNAPSHOT, snapshot, &snapshot);
	CHECK(reply->snapshot->graph->n_envelopes == 1);
	CHECK(reply->snapshot->graph->n_nodes == 4 && reply->snapshot->seq == 8);
	wire_close(wire);
}

TEST(export_diff_and_apply_close_the_circle)
{
	Mixd__V1__Export export = MIXD__V1__EXPORT__INIT;
	Mixd__V1__Diff diff = MIXD__V1__DIFF__INIT;
	Mixd__V1__Apply apply = MIXD__V1__APPLY__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT;
	Mixd__V1__Reply *reply;

	chain();
	reply = ASK(EXPORT, export, &export);
	CHECK(strstr(reply->export->text, "vox/gain"));
	apply.text = reply->export->text;
	diff.apply = &apply;
	CHECK(ASK(DIFF, diff, &diff)->diff->n_ops == 0);
	wire_set(wire, "vox/gain.gain", "-3dB", 0);
	reply = ASK(DIFF, diff, &diff);
	CHECK(reply->diff->n_ops == 1 && strstr(reply->diff->text, "gain"), "%s",
	      reply->diff->text);
	op.op_case = MIXD__V1__OP__OP_APPLY;
	op.apply = &apply;
	wire_op(wire, &op, 0);
	CHECK(ASK(DIFF, diff, &diff)->diff->n_ops == 0);
	export.format = (char *)"json";
	reply = ASK(EXPORT, export, &export);
	CHECK(reply->export->text[0] == '{');
	export.format = (char *)"xml";
	CHECK(ASK(EXPORT, export, &export)->status->code == MIXD__V1__CODE__CODE_INVALID);
	apply.text = (char *)"mixd: 1\nnodes:\n  a: {type: gian}\n";
	wire_op(wire, &op, MIXD__V1__CODE__CODE_INVALID);
	CHECK(ASK(DIFF, diff, &diff)->status->code == MIXD__V1__CODE__CODE_INVALID);
	diff.apply = NULL;
	CHECK(ASK(DIFF, diff, &diff)->status->code == MIXD__V1__CODE__CODE_USAGE);
	wire_close(wire);
}

TEST(history_undo_and_rollback)
{
	Mixd__V1__History history = MIXD__V1__HISTORY__INIT;
	Mixd__V1__Undo undo = MIXD__V1__UNDO__INIT;
	Mixd__V1__Rollback rollback = MIXD__V1__ROLLBACK__INIT;
	Mixd__V1__Reply *reply;

	chain();
	wire_set(wire, "vox/gain.gain", "-3dB", 0);
	wire_set(wire, "vox/gain.gain", "-9dB", 0);
	history.limit = 2;
	reply = ASK(HISTORY, history, &history);
	CHECK(reply->history->n_commits == 2 && reply->history->commits[0]->revision == 10);
	CHECK_STR(reply->history->commits[0]->by, "test");
	CHECK(ASK(UNDO, undo, &undo)->status->code == 0);
	CHECK_STR(wire_get(wire, "vox/gain.gain"), "-3dB");
	CHECK(ASK(UNDO, undo, &undo)->status->code == 0);
	CHECK_STR(wire_get(wire, "vox/gain.gain"), "-9dB"); /* undoing an undo redoes */
	rollback.to_revision = 8;
	CHECK(ASK(ROLLBACK, rollback, &rollback)->status->code == 0);
	CHECK_STR(wire_get(wire, "vox/gain.gain"), "0dB");
	rollback.to_revision = 5000;
	CHECK(ASK(ROLLBACK, rollback, &rollback)->status->code == MIXD__V1__CODE__CODE_NOT_FOUND);
	undo.count = 900;
	CHECK(ASK(UNDO, undo, &undo)->status->code == MIXD__V1__CODE__CODE_NOT_FOUND);
	wire_close(wire);
}

TEST(a_response_is_that_of_the_values_in_force)
{
	Mixd__V1__GetResponse get = MIXD__V1__GET_RESPONSE__INIT;
	double freq_hz[2] = {1000, 30000};
	Mixd__V1__Reply *reply;

	chain();
	wire_set(wire, "vox/eq.band1.on", "on", 0);
	wire_set(wire, "vox/eq.band1.freq", "1kHz", 0);
	wire_set(wire, "vox/eq.band1.gain", "6dB", 0);
	get.name = (char *)"vox/eq";
	get.freq_hz = freq_hz;
	get.n_freq_hz = 1;
	reply = ASK(GET_RESPONSE, get_response, &get);
	CHECK(reply->get_response && reply->get_response->n_db == 1, "%s", reply->status->text);
	CHECK_NEAR(reply->get_response->db[0], 6, 0.05);
	get.n_freq_hz = 2; /* above half the rate */
	CHECK(ASK(GET_RESPONSE, get_response, &get)->status->code == MIXD__V1__CODE__CODE_INVALID);
	get.n_freq_hz = 1;
	get.name = (char *)"in";
	CHECK(ASK(GET_RESPONSE, get_response, &get)->status->code == MIXD__V1__CODE__CODE_INVALID);
	get.name = (char *)"nobody";
	CHECK(ASK(GET_RESPONSE, get_response, &get)->status->code ==
	      MIXD__V1__CODE__CODE_NOT_FOUND);
	wire_close(wire);
}

TEST(a_transaction_is_all_or_nothing)
{
	Mixd__V1__Transaction transaction = MIXD__V1__TRANSACTION__INIT;
	Mixd__V1__Request request = wire_request(TRANSACTION);
	Mixd__V1__AddNode first = MIXD__V1__ADD_NODE__INIT, second = MIXD__V1__ADD_NODE__INIT;
	Mixd__V1__Op ops[2] = {MIXD__V1__OP__INIT, MIXD__V1__OP__INIT};
	Mixd__V1__Op *list[2] = {&ops[0], &ops[1]};
	Mixd__V1__Reply *reply;

	wire = wire_open();
	first.name = (char *)"a";
	first.type = (char *)"gain";
	second.name = (char *)"b";
	second.type = (char *)"nonsense";
	ops[0].op_case = ops[1].op_case = MIXD__V1__OP__OP_ADD;
	ops[0].add = &first;
	ops[1].add = &second;
	transaction.ops = list;
	transaction.n_ops = 2;
	request.transaction = &transaction;
	reply = wire_ask(wire, &request);
	CHECK(reply->status->code == MIXD__V1__CODE__CODE_NOT_FOUND &&
	      reply->status->op_index == 1);
	CHECK(reply->revision == 1 && instance_model(wire->instance)->n_nodes == 0);
	second.type = (char *)"gain";
	request.req_id = 0;
	request.dry_run = true;
	reply = wire_ask(wire, &request);
	CHECK(reply->status->code == 0 && reply->transaction->n_changes == 2);
	CHECK(reply->revision == 1 && instance_model(wire->instance)->n_nodes == 0);
	CHECK(wire->journalled == 0, "a dry run reached the journal");
	request.req_id = 0;
	request.dry_run = false;
	request.if_revision = 7;
	reply = wire_ask(wire, &request);
	CHECK(reply->status->code == MIXD__V1__CODE__CODE_CONFLICT && reply->revision == 1);
	request.req_id = 0;
	request.if_revision = 1;
	reply = wire_ask(wire, &request);
	CHECK(reply->status->code == 0 && reply->revision == 2);
	transaction.n_ops = 0;
	request.req_id = 0;
	request.if_revision = 0;
	CHECK(wire_ask(wire, &request)->status->code == MIXD__V1__CODE__CODE_USAGE);
	wire_close(wire);
}

TEST(what_the_journal_refuses_did_not_happen)
{
	Mixd__V1__Reply *reply;

	chain();
	wire->journal_fault = -28;
	reply = wire_set(wire, "vox/gain.gain", "-3dB", MIXD__V1__CODE__CODE_RESOURCE);
	CHECK(reply->revision == 8);
	CHECK_STR(wire_get(wire, "vox/gain.gain"), "0dB");
	wire->journal_fault = 0;
	CHECK(wire_set(wire, "vox/gain.gain", "-3dB", 0)->revision == 9);
	wire_close(wire);
}

TEST(too_many_operations_are_refused)
{
	Mixd__V1__Transaction transaction = MIXD__V1__TRANSACTION__INIT;
	Mixd__V1__Request request = wire_request(TRANSACTION);
	Mixd__V1__RemoveNode remove = MIXD__V1__REMOVE_NODE__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT, *list[GRAPH_OPS_MAX + 1];

	wire = wire_open();
	remove.name = (char *)"a";
	op.op_case = MIXD__V1__OP__OP_REMOVE;
	op.remove = &remove;
	for (uint32_t i = 0; i <= GRAPH_OPS_MAX; i++)
		list[i] = &op;
	transaction.ops = list;
	transaction.n_ops = GRAPH_OPS_MAX + 1;
	request.transaction = &transaction;
	CHECK(wire_ask(wire, &request)->status->code == MIXD__V1__CODE__CODE_RESOURCE);
	wire_close(wire);
}
