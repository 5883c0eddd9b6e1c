/* test_text_messages.c - proto/text: round trips of every message, and what is refused. */
#include "test.h"

#include <errno.h>

#include "mixd/v1/control.pb-c.h"
#include "mixd/v1/events.pb-c.h"
#include "mixd/v1/graph.pb-c.h"
#include "random_message.h"
#include "text/mixd_text.h"

static const ProtobufCMessageDescriptor *const roots[] = {
	&mixd__v1__request__descriptor, &mixd__v1__reply__descriptor,
	&mixd__v1__event__descriptor,	&mixd__v1__meters__descriptor,
	&mixd__v1__graph__descriptor,	&mixd__v1__node_type__descriptor,
	&mixd__v1__commit__descriptor,	&mixd__v1__alarm__descriptor,
};

/* Every message type that a root reaches, each once. */
static uint32_t collect(const ProtobufCMessageDescriptor *type,
			const ProtobufCMessageDescriptor **all, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (all[i] == type)
			return n;
	all[n++] = type;
	for (unsigned i = 0; i < type->n_fields; i++)
		if (type->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
			n = collect(type->fields[i].descriptor, all, n);
	return n;
}

static bool equal(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	size_t size = protobuf_c_message_get_packed_size(a);
	uint8_t *x = malloc(size + 1), *y = malloc(size + 1);
	bool same = size == protobuf_c_message_get_packed_size(b) &&
		    protobuf_c_message_pack(a, x) == protobuf_c_message_pack(b, y) &&
		    memcmp(x, y, size) == 0;

	free(x);
	free(y);
	return same;
}

static void round_trip(const ProtobufCMessage *message, bool yaml, unsigned flags)
{
	char *text = yaml ? mixd_text_to_yaml(message, flags) : mixd_text_to_json(message, flags);
	struct mixd_text_error error = {0};
	ProtobufCMessage *back = NULL;
	int r;

	CHECK(text, "no text");
	r = (yaml ? mixd_text_from_yaml : mixd_text_from_json)(message->descriptor, text,
							       strlen(text), &back, &error);
	CHECK(r == 0, "%s: %s %s in\n%s", message->descriptor->name, error.path, error.text, text);
	CHECK(equal(message, back), "%s differs after\n%s", message->descriptor->name, text);
	protobuf_c_message_free_unpacked(back, NULL);
	free(text);
}

TEST(every_message_round_trips)
{
	const ProtobufCMessageDescriptor *all[128];
	uint32_t n = 0, messages = 0;

	for (uint32_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
		n = collect(roots[i], all, n);
	CHECK(n >= 60, "only %u message types", n);
	for (uint32_t i = 0; i < n; i++)
		for (int k = 0; k < 40; k++) {
			ProtobufCMessage *message = random_message(all[i], 3);

			round_trip(message, false, 0);
			round_trip(message, false, MIXD_TEXT_COMPACT | MIXD_TEXT_DEFAULTS);
			round_trip(message, true, 0);
			round_trip(message, true, MIXD_TEXT_DEFAULTS);
			protobuf_c_message_free_unpacked(message, NULL);
			messages++;
		}
	test_note("%u message types, %u messages", n, messages);
}

TEST(json_looks_as_documented)
{
	Mixd__V1__Status status = MIXD__V1__STATUS__INIT;
	Mixd__V1__Reply reply = MIXD__V1__REPLY__INIT;
	uint8_t epoch[] = {0xde, 0xad, 0x01};
	char *text;

	status.code = MIXD__V1__CODE__CODE_NOT_FOUND;
	status.address = (char *)"limit.celing";
	reply.req_id = 7;
	reply.status = &status;
	reply.epoch.data = epoch;
	reply.epoch.len = 3;
	reply.revision = UINT64_MAX;
	text = mixd_text_to_json(&reply.base, MIXD_TEXT_COMPACT);
	CHECK_STR(text, "{\"req_id\":7,\"status\":{\"code\":\"not_found\",\"address\":"
			"\"limit.celing\"},\"epoch\":\"dead01\",\"revision\":"
			"\"18446744073709551615\"}");
	free(text);
	text = mixd_text_to_yaml(&reply.base, 0);
	CHECK_STR(text, "req_id: 7\nstatus:\n  code: \"not_found\"\n  address: limit.celing\n"
			"epoch: \"dead01\"\nrevision: \"18446744073709551615\"\n");
	free(text);
}

TEST(numbers_are_short_and_exact)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {{0.1, "0.1"},
		    {-23, "-23"},
		    {(double)INFINITY, "\"inf\""},
		    {-(double)INFINITY, "\"-inf\""},
		    {1e22, "1e+22"},
		    {1.0 / 3, "0.3333333333333333"}};

	for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		Mixd__V1__Value value = MIXD__V1__VALUE__INIT;
		char want[64], *text;

		value.kind_case = MIXD__V1__VALUE__KIND_NUMBER;
		value.number = rows[i].value;
		snprintf(want, sizeof(want), "{\"number\":%s}", rows[i].text);
		text = mixd_text_to_json(&value.base, MIXD_TEXT_COMPACT);
		CHECK_STR(text, want);
		free(text);
	}
}

TEST(faults_are_named_with_their_path)
{
	static const struct {
		const char *json, *path, *part;
	} rows[] = {
		{"{\"transaction\":{\"ops\":[{\"set\":{\"adress\":\"x\"}}]}}",
		 "transaction.ops[0].set.adress", "no such field of Set"},
		{"{\"req_id\":-1}", "req_id", "negative"},
		{"{\"req_id\":\"18446744073709551616\"}", "req_id", "integer"},
		{"{\"timeout_ms\":4294967296}", "timeout_ms", "32 bits"},
		{"{\"timeout_ms\":\"5\"}", "timeout_ms", "integer"},
		{"{\"wait\":\"soon\"}", "wait", "one of applied, accepted, settled, persisted"},
		{"{\"dry_run\":1}", "dry_run", "true or false"},
		{"{\"session\":\"abc\"}", "session", "hex"},
		{"{\"session\":\"zz\"}", "session", "hex"},
		{"{\"by\":5}", "by", "string"},
		{"{\"get\":{\"patterns\":\"a\"}}", "get.patterns", "list"},
		{"{\"hello\":{},\"snapshot\":{}}", "snapshot", "another member"},
		{"{\"hello\":[]}", "hello", "map"},
		{"{\"req_id\":1,\"req_id\":2}", "line 1", "duplicate"},
		{"{", "line 1", "not JSON"},
		{"[]", "", "want a map"},
		{"{\"by\":\"\\u0000\"}", "line 1", "not JSON"},
	};

	for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mixd_text_error error = {0};
		ProtobufCMessage *message = NULL;
		int r = mixd_text_from_json(&mixd__v1__request__descriptor, rows[i].json,
					    strlen(rows[i].json), &message, &error);

		CHECK(r == -EINVAL && !message, "%s was taken", rows[i].json);
		CHECK(strncmp(error.path, rows[i].path, strlen(rows[i].path)) == 0, "%s: path %s",
		      rows[i].json, error.path);
		CHECK(strstr(error.text, rows[i].part), "%s: %s", rows[i].json, error.text);
	}
}

TEST(yaml_refuses_what_it_should)
{
	static const struct {
		const char *yaml, *path, *part;
	} rows[] = {
		{"by: &a x\nhello: *a\n", "line 2, column 8", "aliases"},
		{"by: x\nby: y\n", "line 2", "before"},
		{"req_id: five\n", "req_id", "integer"},
		{"? [a]\n: b\n", "line 1", "key"},
		{"", "", "empty"},
		{"a: b: c\n", "line 1", ""},
		{"by: x\n---\nby: y\n", "line 2", "second"},
		{"by: \"a\\0b\"\n", "line 1", "NUL"},
		{"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "line 1", "deep"},
	};

	for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mixd_text_error error = {0};
		ProtobufCMessage *message = NULL;
		int r = mixd_text_from_yaml(&mixd__v1__request__descriptor, rows[i].yaml,
					    strlen(rows[i].yaml), &message, &error);

		CHECK(r == -EINVAL && !message, "%s was taken", rows[i].yaml);
		CHECK(strncmp(error.path, rows[i].path, strlen(rows[i].path)) == 0, "%s: path %s",
		      rows[i].yaml, error.path);
		CHECK(strstr(error.text, rows[i].part), "%s: %s", rows[i].yaml, error.text);
	}
}

TEST(labels_both_ways)
{
	char buf[64];
	int value = -1;

	CHECK_STR(mixd_text_enum_label(&mixd__v1__code__descriptor, 124, buf, sizeof(buf)),
		  "timeout");
	CHECK_STR(mixd_text_enum_label(&mixd__v1__value_type__descriptor, 1, buf, sizeof(buf)),
		  "float");
	CHECK_STR(mixd_text_enum_label(&mixd__v1__code__descriptor, 99, buf, sizeof(buf)), "");
	CHECK(mixd_text_enum_value(&mixd__v1__wait__descriptor, "settled", &value) && value == 2);
	CHECK(mixd_text_enum_value(&mixd__v1__wait__descriptor, "WAIT_PERSISTED", &value) &&
	      value == 3);
	CHECK(!mixd_text_enum_value(&mixd__v1__wait__descriptor, "later", &value));
}
