/* text_read.c - JSON and YAML to messages: see mixd_text.h. */
#include "text_internal.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text_reader {
	char path[160];
	bool lenient;
	struct mixd_text_error *reterr;
};

int text_error(struct mixd_text_error *reterr, const char *path, const char *fmt, ...)
{
	va_list ap;

	if (!reterr)
		return -EINVAL;
	snprintf(reterr->path, sizeof(reterr->path), "%s", path);
	va_start(ap, fmt);
	vsnprintf(reterr->text, sizeof(reterr->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static const char *text_kind(json_t *tree)
{
	static const char *const names[] = {"a map",	"a list", "a string", "an integer",
					    "a number", "true",	  "false",    "null"};

	return names[json_typeof(tree)];
}

static int text_wrong(struct text_reader *reader, json_t *tree, const char *want)
{
	if (json_is_string(tree))
		return text_error(reader->reterr, reader->path, "is \"%.60s\"; want %s",
				  json_string_value(tree), want);
	return text_error(reader->reterr, reader->path, "is %s; want %s", text_kind(tree), want);
}

/* Whole STRING as an integer: sign and magnitude. */
static bool text_parse_integer(const char *string, bool *ret_negative, uint64_t *ret_magnitude)
{
	char *end;

	*ret_negative = *string == '-';
	string += *ret_negative;
	if (!isdigit((unsigned char)*string))
		return false;
	errno = 0;
	*ret_magnitude = strtoull(string, &end, 10);
	return !*end && errno == 0;
}

static bool text_get_integer(json_t *tree, bool *ret_negative, uint64_t *ret_magnitude)
{
	json_int_t value;

	if (json_is_string(tree))
		return text_parse_integer(json_string_value(tree), ret_negative, ret_magnitude);
	if (!json_is_integer(tree))
		return false;
	value = json_integer_value(tree);
	*ret_negative = value < 0;
	*ret_magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	return true;
}

static int text_read_integer(struct text_reader *reader, json_t *tree, bool is_signed,
			     unsigned bits, void *p)
{
	uint64_t magnitude, most = UINT64_MAX >> (64 - bits);
	bool negative;

	/* 64-bit values may be strings in JSON, too: above 2^53 they are written so. */
	if (json_is_string(tree) && bits < 64 && !reader->lenient)
		return text_wrong(reader, tree, "an integer");
	if (!text_get_integer(tree, &negative, &magnitude))
		return text_wrong(reader, tree, "an integer");
	if (is_signed)
		most = (most >> 1) + negative;
	else if (negative && magnitude)
		return text_error(reader->reterr, reader->path, "is negative; want 0 or more");
	if (magnitude > most)
		return text_error(reader->reterr, reader->path, "does not fit in %u bits", bits);
	if (negative)
		magnitude = 0 - magnitude;
	if (bits == 64)
		*(uint64_t *)p = magnitude;
	else
		*(uint32_t *)p = (uint32_t)magnitude;
	return 0;
}

static int text_read_real(struct text_reader *reader, json_t *tree, bool is_float, void *p)
{
	double value;

	if (json_is_number(tree)) {
		value = json_number_value(tree);
	} else if (json_is_string(tree)) {
		const char *string = json_string_value(tree);
		char *end = NULL;
		bool word =
			!strcmp(string, "inf") || !strcmp(string, "-inf") || !strcmp(string, "nan");

		if (!word && (!reader->lenient || (!isdigit((unsigned char)*string) &&
						   *string != '-' && *string != '.')))
			return text_wrong(reader, tree, "a number, \"inf\", \"-inf\" or \"nan\"");
		value = strtod(string, &end);
		if (end == string || *end)
			return text_wrong(reader, tree, "a number");
	} else {
		return text_wrong(reader, tree, "a number");
	}
	if (!is_float) {
		*(double *)p = value;
		return 0;
	}
	if (isfinite(value) && fabs(value) > (double)FLT_MAX)
		return text_error(reader->reterr, reader->path, "is too large for a float");
	*(float *)p = (float)value;
	return 0;
}

static int text_read_bool(struct text_reader *reader, json_t *tree, protobuf_c_boolean *p)
{
	if (json_is_boolean(tree)) {
		*p = json_is_true(tree);
		return 0;
	}
	if (reader->lenient && json_is_string(tree)) {
		const char *string = json_string_value(tree);

		if (!strcmp(string, "true") || !strcmp(string, "false")) {
			*p = *string == 't';
			return 0;
		}
	}
	return text_wrong(reader, tree, "true or false");
}

static int text_read_enum(struct text_reader *reader, json_t *tree,
			  const ProtobufCEnumDescriptor *type, int *p)
{
	char labels[160] = "";

	if (json_is_string(tree) && mixd_text_enum_value(type, json_string_value(tree), p))
		return 0;
	if (json_is_integer(tree) || (reader->lenient && json_is_string(tree))) {
		int32_t value;

		if (text_read_integer(reader, tree, true, 32, &value) == 0) {
			*p = value;
			return 0;
		}
	}
	for (unsigned i = 0; i < type->n_values; i++) {
		char label[64];
		size_t n = strlen(labels);

		mixd_text_enum_label(type, type->values[i].value, label, sizeof(label));
		snprintf(labels + n, sizeof(labels) - n, "%s%s", i ? ", " : "one of ", label);
	}
	return text_wrong(reader, tree, labels);
}

static int text_read_string(struct text_reader *reader, json_t *tree, char **p)
{
	char *copy;

	if (!json_is_string(tree))
		return text_wrong(reader, tree, "a string");
	copy = strdup(json_string_value(tree));
	if (!copy)
		return -ENOMEM;
	*p = copy;
	return 0;
}

static int text_hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0'
	       : c >= 'a' && c <= 'f'	 ? c - 'a' + 10
	       : c >= 'A' && c <= 'F'	 ? c - 'A' + 10
					 : -1;
}

static int text_read_bytes(struct text_reader *reader, json_t *tree, ProtobufCBinaryData *p)
{
	const char *string = json_string_value(tree);
	size_t size = string ? json_string_length(tree) / 2 : 0;
	uint8_t *data;

	if (!string || json_string_length(tree) % 2)
		return text_wrong(reader, tree, "an even number of hex digits");
	if (!size)
		return 0;
	data = malloc(size);
	if (!data)
		return -ENOMEM;
	for (size_t i = 0; i < size; i++) {
		int high = text_hex(string[2 * i]), low = text_hex(string[2 * i + 1]);

		if (high < 0 || low < 0) {
			free(data);
			return text_wrong(reader, tree, "an even number of hex digits");
		}
		data[i] = (uint8_t)(high << 4 | low);
	}
	p->data = data;
	p->len = size;
	return 0;
}

static int text_read_message(struct text_reader *reader, json_t *tree,
			     const ProtobufCMessageDescriptor *type, ProtobufCMessage **ret);

static int text_read_element(struct text_reader *reader, json_t *tree,
			     const ProtobufCFieldDescriptor *field, void *p)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		return text_read_integer(reader, tree, true, 32, p);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return text_read_integer(reader, tree, true, 64, p);
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		return text_read_integer(reader, tree, false, 32, p);
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return text_read_integer(reader, tree, false, 64, p);
	case PROTOBUF_C_TYPE_FLOAT:
		return text_read_real(reader, tree, true, p);
	case PROTOBUF_C_TYPE_DOUBLE:
		return text_read_real(reader, tree, false, p);
	case PROTOBUF_C_TYPE_BOOL:
		return text_read_bool(reader, tree, p);
	case PROTOBUF_C_TYPE_ENUM:
		return text_read_enum(reader, tree, field->descriptor, p);
	case PROTOBUF_C_TYPE_STRING:
		return text_read_string(reader, tree, p);
	case PROTOBUF_C_TYPE_BYTES:
		return text_read_bytes(reader, tree, p);
	case PROTOBUF_C_TYPE_MESSAGE:
		return text_read_message(reader, tree, field->descriptor, p);
	}
	return -EINVAL;
}

static int text_read_list(struct text_reader *reader, json_t *tree, ProtobufCMessage *message,
			  const ProtobufCFieldDescriptor *field)
{
	size_t *count = (size_t *)((char *)message + field->quantifier_offset);
	char **data = (char **)((char *)message + field->offset);
	size_t n = json_array_size(tree), size = text_element_size(field->type);
	size_t path_size = strlen(reader->path);
	int r;

	if (!json_is_array(tree))
		return text_wrong(reader, tree, "a list");
	if (!n)
		return 0;
	*data = calloc(n, size);
	if (!*data)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		snprintf(reader->path + path_size, sizeof(reader->path) - path_size, "[%zu]", i);
		r = text_read_element(reader, json_array_get(tree, i), field, *data + i * size);
		if (r < 0)
			return r;
		(*count)++;
		reader->path[path_size] = '\0';
	}
	return 0;
}

static int text_read_field(struct text_reader *reader, json_t *tree, ProtobufCMessage *message,
			   const ProtobufCFieldDescriptor *field)
{
	uint32_t *chosen = (uint32_t *)((char *)message + field->quantifier_offset);
	int r;

	if (json_is_null(tree))
		return 0;
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return text_read_list(reader, tree, message, field);
	if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
		return text_read_element(reader, tree, field, (char *)message + field->offset);
	if (*chosen)
		return text_error(reader->reterr, reader->path,
				  "stands beside another member of the same choice; keep one");
	r = text_read_element(reader, tree, field, (char *)message + field->offset);
	if (r == 0)
		*chosen = field->id;
	return r;
}

static int text_read_fields(struct text_reader *reader, json_t *tree, ProtobufCMessage *message)
{
	size_t path_size = strlen(reader->path);
	const char *key;
	json_t *value;

	json_object_foreach(tree, key, value)
	{
		const ProtobufCFieldDescriptor *field =
			protobuf_c_message_descriptor_get_field_by_name(message->descriptor, key);
		int r;

		snprintf(reader->path + path_size, sizeof(reader->path) - path_size, "%s%.80s",
			 path_size ? "." : "", key);
		if (!field)
			return text_error(reader->reterr, reader->path, "no such field of %s",
					  message->descriptor->short_name);
		r = text_read_field(reader, value, message, field);
		if (r < 0)
			return r;
		reader->path[path_size] = '\0';
	}
	return 0;
}

static int text_read_message(struct text_reader *reader, json_t *tree,
			     const ProtobufCMessageDescriptor *type, ProtobufCMessage **ret)
{
	ProtobufCMessage *message;
	int r;

	if (!json_is_object(tree))
		return text_wrong(reader, tree, "a map");
	message = malloc(type->sizeof_message);
	if (!message)
		return -ENOMEM;
	protobuf_c_message_init(type, message);
	r = text_read_fields(reader, tree, message);
	if (r < 0) {
		protobuf_c_message_free_unpacked(message, NULL);
		return r;
	}
	*ret = message;
	return 0;
}

int text_from_tree(const ProtobufCMessageDescriptor *type, json_t *tree, bool lenient,
		   ProtobufCMessage **ret, struct mixd_text_error *reterr)
{
	struct text_reader reader = {.lenient = lenient, .reterr = reterr};

	return text_read_message(&reader, tree, type, ret);
}

int mixd_text_from_json(const ProtobufCMessageDescriptor *type, const char *text, size_t size,
			ProtobufCMessage **ret, struct mixd_text_error *reterr)
{
	json_error_t fault;
	json_t *tree;
	int r;

	if (size > MIXD_TEXT_SIZE_MAX)
		return text_error(reterr, "", "is %zu bytes; the limit is %u", size,
				  MIXD_TEXT_SIZE_MAX);
	tree = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
	if (!tree) {
		char place[64];

		snprintf(place, sizeof(place), "line %d, column %d", fault.line, fault.column);
		return text_error(reterr, place, "is not JSON: %s", fault.text);
	}
	r = text_from_tree(type, tree, false, ret, reterr);
	json_decref(tree);
	return r;
}
