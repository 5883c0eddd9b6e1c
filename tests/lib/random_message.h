/* random_message.h - a message of any type with random contents, by reflection.
 *
 * USE         ProtobufCMessage *m = random_message(&mixd__v1__request__descriptor, 3);
 *             protobuf_c_message_free_unpacked(m, NULL). Randomness comes from test_random(), so
 *             $MIXD_TEST_SEED repeats it. */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "test.h"

static inline ProtobufCMessage *random_message(const ProtobufCMessageDescriptor *type,
					       unsigned list_max);

static inline uint64_t random_bits(void)
{
	uint64_t bits =
		(uint64_t)(test_random() * 0x1p32) << 32 | (uint64_t)(test_random() * 0x1p32);

	return bits >> test_random_below(64);
}

static inline double random_number(void)
{
	static const double special[] = {0, -0.0, 1, -1, 0.1, 1e300, -1e-300, 1.0 / 3};

	switch (test_random_below(5)) {
	case 0:
		return special[test_random_below(8)];
	case 1:
		return test_random_below(2) ? (double)INFINITY : -(double)INFINITY;
	case 2:
		return test_random_below(2000) / 10.0 - 100;
	default:
		return ldexp(test_random() - 0.5, (int)test_random_below(120) - 60);
	}
}

static inline char *random_string(void)
{
	static const char *const pieces[] = {
		"vox/eq",
		".gain",
		":",
		" ",
		"\"",
		"\\",
		"\n",
		"\t",
		"true",
		"5",
		"~",
		"ä",
		"日",
		"#",
		"- ",
		"on",
		"{",
		"\x7f",
		"'",
		"-inf",
		"\xc2\x85",
		"\xe2\x80\xa8",
		"\xef\xbb\xbf",
		"\xc2\x9f",
		"\xef\xbf\xbf",
	};
	char *string = calloc(1, 64);

	for (uint32_t n = test_random_below(5); n > 0; n--)
		strcat(string, pieces[test_random_below(sizeof(pieces) / sizeof(pieces[0]))]);
	return string;
}

static inline void random_element(const ProtobufCFieldDescriptor *field, unsigned list_max, void *p)
{
	const ProtobufCEnumDescriptor *labels = field->descriptor;
	ProtobufCBinaryData *bytes = p;

	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
		*(uint64_t *)p = random_bits();
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		*(double *)p = random_number();
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		*(float *)p = (float)random_number();
		break;
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)p = (int)test_random_below(2);
		break;
	case PROTOBUF_C_TYPE_ENUM:
		*(int *)p = labels->values[test_random_below(labels->n_values)].value;
		break;
	case PROTOBUF_C_TYPE_STRING:
		*(char **)p = random_string();
		break;
	case PROTOBUF_C_TYPE_BYTES:
		bytes->len = 1 + test_random_below(16);
		bytes->data = malloc(bytes->len);
		for (size_t i = 0; i < bytes->len; i++)
			bytes->data[i] = (uint8_t)test_random_below(256);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		*(ProtobufCMessage **)p = random_message(field->descriptor, list_max);
		break;
	default:
		*(uint32_t *)p = (uint32_t)random_bits();
	}
}

static inline void random_field(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
				unsigned list_max)
{
	char *base = (char *)message;

	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		uint32_t *chosen = (uint32_t *)(base + field->quantifier_offset);

		if (*chosen || test_random_below(4))
			return;
		*chosen = field->id;
		random_element(field, list_max, base + field->offset);
	} else if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		size_t n = test_random_below(list_max + 1);
		char *data = n ? calloc(n, 16) : NULL;
		bool wide = field->type != PROTOBUF_C_TYPE_FLOAT &&
			    field->type != PROTOBUF_C_TYPE_UINT32 &&
			    field->type != PROTOBUF_C_TYPE_ENUM;

		for (size_t i = 0; i < n; i++)
			random_element(field, list_max, data + i * (wide ? 8 : 4));
		*(size_t *)(base + field->quantifier_offset) = n;
		*(char **)(base + field->offset) = data;
	} else if (test_random_below(3)) {
		random_element(field, list_max, base + field->offset);
	}
}

static inline ProtobufCMessage *random_message(const ProtobufCMessageDescriptor *type,
					       unsigned list_max)
{
	ProtobufCMessage *message = malloc(type->sizeof_message);

	protobuf_c_message_init(type, message);
	for (unsigned i = 0; i < type->n_fields; i++)
		random_field(message, &type->fields[i], list_max);
	return message;
}
