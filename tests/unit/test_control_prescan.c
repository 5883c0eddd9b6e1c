/* test_control_prescan.c - what is refused before protobuf-c sees it. */
#include "test.h"

#include <errno.h>

#include "control_arena.h"
#include "control_prescan.h"
#include "mixd/v1/control.pb-c.h"
#include "random_message.h"

static const struct control_limits limits = {16, 16384};

static int scan(const void *data, size_t size, struct mixd_error *err)
{
	return control_prescan(&mixd__v1__request__descriptor, data, size, &limits, err);
}

TEST(valid_requests_pass)
{
	for (int i = 0; i < 500; i++) {
		ProtobufCMessage *message = random_message(&mixd__v1__request__descriptor, 3);
		size_t size = protobuf_c_message_get_packed_size(message);
		uint8_t *bytes = malloc(size + 1);
		struct mixd_error error = {0};

		protobuf_c_message_pack(message, bytes);
		CHECK(scan(bytes, size, &error) == 0, "%s", error.text);
		free(bytes);
		protobuf_c_message_free_unpacked(message, NULL);
	}
}

TEST(malformed_bytes_are_named)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *part;
	} rows[] = {
		{"\x07", 1, "not a field"}, /* field number 0 */
		{"\x10", 1, "does not end"}, /* req_id without value */
		{"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12, "does not end"},
		{"\x0a\x05"
		 "ab",
		 4, "longer than the message"},
		{"\x0b", 1, "longer than the message"}, /* a group */
		{"\x12\x00", 2, "another wire type"}, /* req_id as bytes */
		{"\x45\x01\x00", 3, "longer than"}, /* fixed32, cut */
		{"\x42\x02\xc3\x28", 4, "UTF-8"}, /* by */
		{"\x42\x01\x00", 3, "UTF-8"}, /* NUL */
		{"\x42\x03\xed\xa0\x80", 5, "UTF-8"}, /* a surrogate */
		{"\x42\x04\xf4\x90\x80\x80", 6, "UTF-8"}, /* above U+10FFFF */
		{"\x42\x02\xc0\x80", 4, "UTF-8"}, /* overlong */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mixd_error error = {0};

		CHECK(scan(rows[i].bytes, rows[i].size, &error) < 0, "row %zu passed", i);
		CHECK(strstr(error.text, rows[i].part), "row %zu: %s", i, error.text);
		CHECK(error.code == ERROR_USAGE && *error.hint);
	}
}

TEST(the_field_budget_is_kept)
{
	size_t n = 20000;
	uint8_t *bytes = malloc(2 * n);
	struct mixd_error error = {0};

	for (size_t i = 0; i < n; i++) {
		bytes[2 * i] = 0x30; /* dry_run */
		bytes[2 * i + 1] = 1;
	}
	CHECK(scan(bytes, 2 * 16384, &error) == 0);
	CHECK(scan(bytes, 2 * 16385, &error) < 0 && strstr(error.text, "too many fields"));
	free(bytes);
}

TEST(depth_is_bounded)
{
	/* transaction { ops { set { value { ... } } } }: four levels below the request */
	static const uint8_t nested[] = {0x8a, 0x01, 0x08, 0x0a, 0x06, 0x22,
					 0x04, 0x12, 0x02, 0x10, 0x01};
	struct mixd_error error = {0};

	CHECK(scan(nested, sizeof(nested), &error) == 0, "%s", error.text);
	for (unsigned depth = 1; depth < 5; depth++) {
		struct control_limits shallow = {depth, 100};

		CHECK(control_prescan(&mixd__v1__request__descriptor, nested, sizeof(nested),
				      &shallow, &error) < 0 &&
			      strstr(error.text, "deeply"),
		      "depth %u", depth);
	}
}

TEST(every_truncation_and_flip_is_harmless)
{
	ProtobufCMessage *message = random_message(&mixd__v1__request__descriptor, 4);
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = malloc(size + 1);
	struct control_arena arena;
	unsigned passed = 0;

	protobuf_c_message_pack(message, bytes);
	control_arena_init(&arena, 8u << 20);
	for (size_t bit = 0; bit < size * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (scan(bytes, size, NULL) == 0)
			passed += protobuf_c_message_unpack(&mixd__v1__request__descriptor,
							    &arena.allocator, size, bytes) != NULL;
		control_arena_reset(&arena);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t cut = 0; cut < size; cut++)
		scan(bytes, cut, NULL);
	test_note("%u of %zu flips are still messages", passed, size * 8);
	control_arena_done(&arena);
	protobuf_c_message_free_unpacked(message, NULL);
	free(bytes);
}

TEST(the_arena_is_zeroed_and_capped)
{
	struct control_arena arena;
	unsigned char *p;

	control_arena_init(&arena, 1000);
	p = control_arena_alloc(&arena, 100);
	CHECK(p);
	memset(p, 0xff, 100);
	CHECK(!control_arena_alloc(&arena, 901), "beyond the cap");
	CHECK(!control_arena_alloc(&arena, SIZE_MAX - 8), "overflow");
	control_arena_reset(&arena);
	p = control_arena_alloc(&arena, 900);
	CHECK(p);
	for (int i = 0; i < 900; i++)
		CHECK(p[i] == 0, "byte %d", i);
	control_arena_done(&arena);
}
