/* doc.c - see doc.h. JSON: RFC 8259; YAML: the JSON-like subset of 1.2, in block style. */
#include "doc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mixd/v1/graph.pb-c.h"

enum doc_kind { DOC_NULL, DOC_BOOL, DOC_NUMBER, DOC_TEXT, DOC_ARRAY, DOC_OBJECT };

struct doc {
	enum doc_kind kind;
	bool flag;
	char *text; /* DOC_TEXT; DOC_NUMBER: its digits */
	char **keys; /* DOC_OBJECT */
	struct doc **items;
	size_t n, capacity;
};

static void *doc_alloc(void *old, size_t size)
{
	void *p = realloc(old, size);

	if (!p) {
		fputs("mixctl: out of memory\n", stderr);
		exit(8);
	}
	return p;
}

static struct doc *doc_new(enum doc_kind kind, const char *text)
{
	struct doc *doc = doc_alloc(NULL, sizeof(*doc));

	*doc = (struct doc){.kind = kind};
	if (text) {
		size_t size = strlen(text) + 1;

		doc->text = memcpy(doc_alloc(NULL, size), text, size);
	}
	return doc;
}

struct doc *doc_object(void)
{
	return doc_new(DOC_OBJECT, NULL);
}

struct doc *doc_array(void)
{
	return doc_new(DOC_ARRAY, NULL);
}

struct doc *doc_text(const char *text)
{
	return doc_new(text ? DOC_TEXT : DOC_NULL, text);
}

struct doc *doc_bool(bool flag)
{
	struct doc *doc = doc_new(DOC_BOOL, NULL);

	doc->flag = flag;
	return doc;
}

/* 80, not 8e+01: exponents only where people would write them. */
static void doc_plain_digits(double number, int digits, char *buf)
{
	double magnitude = fabs(number);
	int exponent = magnitude > 0 ? (int)floor(log10(magnitude)) : 0;

	if (!strchr(buf, 'e') || magnitude < 1e-5 || magnitude >= 1e15)
		return;
	snprintf(buf, 32, "%.*f", digits - 1 > exponent ? digits - 1 - exponent : 0, number);
}

void doc_format_number(double number, char *buf)
{
	int digits = 1;

	for (; digits <= 17; digits++) {
		snprintf(buf, 32, "%.*g", digits, number);
		if (strtod(buf, NULL) == number)
			break;
	}
	doc_plain_digits(number, digits, buf);
}

static struct doc *doc_not_finite(double number)
{
	return isnan(number) ? doc_text(NULL) : doc_text(number < 0 ? "-inf" : "inf");
}

struct doc *doc_number(double number)
{
	char buf[32];

	if (!isfinite(number))
		return doc_not_finite(number);
	doc_format_number(number, buf);
	return doc_new(DOC_NUMBER, buf);
}

struct doc *doc_number_f(float number)
{
	char buf[32];
	int digits = 1;

	if (!isfinite(number))
		return doc_not_finite((double)number);
	for (; digits <= 9; digits++) {
		snprintf(buf, sizeof(buf), "%.*g", digits, (double)number);
		if (strtof(buf, NULL) == number)
			break;
	}
	doc_plain_digits((double)number, digits, buf);
	return doc_new(DOC_NUMBER, buf);
}

struct doc *doc_integer(int64_t number)
{
	char buf[32];

	snprintf(buf, sizeof(buf), "%lld", (long long)number);
	return doc_new(DOC_NUMBER, buf);
}

struct doc *doc_unsigned(uint64_t number)
{
	char buf[32];

	snprintf(buf, sizeof(buf), "%llu", (unsigned long long)number);
	return doc_new(DOC_NUMBER, buf);
}

struct doc *doc_free(struct doc *doc)
{
	if (!doc)
		return NULL;
	for (size_t i = 0; i < doc->n; i++) {
		doc_free(doc->items[i]);
		if (doc->keys)
			free(doc->keys[i]);
	}
	free(doc->items);
	free(doc->keys);
	free(doc->text);
	free(doc);
	return NULL;
}

struct doc *doc_add(struct doc *array, struct doc *value)
{
	if (array->n == array->capacity) {
		array->capacity = array->capacity ? 2 * array->capacity : 8;
		array->items = doc_alloc(array->items, array->capacity * sizeof(*array->items));
		if (array->kind == DOC_OBJECT)
			array->keys =
				doc_alloc(array->keys, array->capacity * sizeof(*array->keys));
	}
	array->items[array->n++] = value;
	return array;
}

struct doc *doc_set(struct doc *object, const char *key, struct doc *value)
{
	size_t size = strlen(key) + 1;

	doc_add(object, value);
	object->keys[object->n - 1] = memcpy(doc_alloc(NULL, size), key, size);
	return object;
}

struct doc *doc_merge(struct doc *object, struct doc *from)
{
	for (size_t i = 0; i < from->n; i++) {
		doc_set(object, from->keys[i], from->items[i]);
		free(from->keys[i]);
	}
	from->n = 0;
	doc_free(from);
	return object;
}

size_t doc_size(const struct doc *doc)
{
	return doc->n;
}

const struct doc *doc_at(const struct doc *doc, size_t idx)
{
	return doc->items[idx];
}

/* ---- from messages ------------------------------------------------------------------------ */

static struct doc *doc_from_value(const Mixd__V1__Value *value)
{
	switch (value->kind_case) {
	case MIXD__V1__VALUE__KIND_NUMBER:
		return doc_number(value->number);
	case MIXD__V1__VALUE__KIND_FLAG:
		return doc_bool(value->flag);
	case MIXD__V1__VALUE__KIND_TEXT:
		return doc_text(value->text);
	default:
		return doc_text(NULL);
	}
}

static struct doc *doc_from_bytes(const ProtobufCBinaryData *bytes)
{
	char *hex = doc_alloc(NULL, 2 * bytes->len + 1);
	struct doc *doc;

	hex[0] = 0;
	for (size_t i = 0; i < bytes->len; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes->data[i]);
	doc = doc_text(hex);
	free(hex);
	return doc;
}

/* VALUE_TYPE_FLOAT -> "float": the part the labels of one enum have in common is noise. */
static struct doc *doc_from_enum(const ProtobufCEnumDescriptor *descriptor, int number)
{
	const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(descriptor, number);
	const char *first = descriptor->values[0].name;
	size_t prefix = 0;
	char buf[64];

	if (!value)
		return doc_integer(number);
	for (unsigned i = 1; i < descriptor->n_values; i++) {
		const char *name = descriptor->values[i].name;
		size_t common = 0;

		while (first[common] && first[common] == name[common])
			common++;
		if (i == 1 || common < prefix)
			prefix = common;
	}
	while (prefix > 0 && first[prefix - 1] != '_')
		prefix--;
	snprintf(buf, sizeof(buf), "%s", value->name + prefix);
	for (char *p = buf; *p; p++)
		*p = *p == '_' ? '-' : *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
	return doc_text(buf);
}

static struct doc *doc_from_scalar(const ProtobufCFieldDescriptor *field, const void *p)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_DOUBLE:
		return doc_number(*(const double *)p);
	case PROTOBUF_C_TYPE_FLOAT:
		return doc_number_f(*(const float *)p);
	case PROTOBUF_C_TYPE_BOOL:
		return doc_bool(*(const protobuf_c_boolean *)p);
	case PROTOBUF_C_TYPE_ENUM:
		return doc_from_enum(field->descriptor, *(const int *)p);
	case PROTOBUF_C_TYPE_STRING:
		return doc_text(*(char *const *)p);
	case PROTOBUF_C_TYPE_BYTES:
		return doc_from_bytes(p);
	case PROTOBUF_C_TYPE_MESSAGE:
		return *(ProtobufCMessage *const *)p
			       ? doc_from_message(*(ProtobufCMessage *const *)p)
			       : doc_text(NULL);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return doc_integer(*(const int64_t *)p);
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return doc_unsigned(*(const uint64_t *)p);
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		return doc_unsigned(*(const uint32_t *)p);
	default:
		return doc_integer(*(const int32_t *)p);
	}
}

static size_t doc_scalar_size(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_DOUBLE:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return 8;
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	default:
		return 4;
	}
}

static struct doc *doc_from_repeated(const ProtobufCFieldDescriptor *field, size_t n,
				     const char *data)
{
	bool settings = field->type == PROTOBUF_C_TYPE_MESSAGE &&
			field->descriptor == &mixd__v1__setting__descriptor;
	struct doc *doc = settings ? doc_object() : doc_array();

	for (size_t i = 0; i < n; i++) {
		if (settings) {
			const Mixd__V1__Setting *setting =
				((Mixd__V1__Setting *const *)(const void *)data)[i];

			doc_set(doc, setting->id,
				setting->value ? doc_from_value(setting->value) : doc_text(NULL));
		} else {
			doc_add(doc, doc_from_scalar(field, data + i * doc_scalar_size(field)));
		}
	}
	return doc;
}

struct doc *doc_from_message(const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	const char *base = (const char *)message;
	struct doc *object;

	if (descriptor == &mixd__v1__value__descriptor)
		return doc_from_value((const Mixd__V1__Value *)message);
	object = doc_object();
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
		const void *quantifier = base + field->quantifier_offset;

		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			size_t n = *(const size_t *)quantifier;
			const char *data = *(char *const *)(const void *)(base + field->offset);

			doc_set(object, field->name, doc_from_repeated(field, n, data));
		} else if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) ||
			   *(const uint32_t *)quantifier == field->id) {
			doc_set(object, field->name, doc_from_scalar(field, base + field->offset));
		}
	}
	return object;
}

/* ---- writing ------------------------------------------------------------------------------ */

static void doc_write_text(FILE *file, const char *text)
{
	putc('"', file);
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		switch (*p) {
		case '"':
		case '\\':
			putc('\\', file);
			putc(*p, file);
			break;
		case '\n':
			fputs("\\n", file);
			break;
		case '\t':
			fputs("\\t", file);
			break;
		default:
			if (*p < 0x20 || *p == 0x7f)
				fprintf(file, "\\u%04x", *p);
			else
				putc(*p, file);
		}
	}
	putc('"', file);
}

static void doc_write_scalar(FILE *file, const struct doc *doc)
{
	if (doc->kind == DOC_NULL)
		fputs("null", file);
	else if (doc->kind == DOC_BOOL)
		fputs(doc->flag ? "true" : "false", file);
	else if (doc->kind == DOC_NUMBER)
		fputs(doc->text, file);
	else
		doc_write_text(file, doc->text);
}

static void doc_newline(FILE *file, int depth)
{
	putc('\n', file);
	for (int i = 0; i < depth; i++)
		fputs("  ", file);
}

static void doc_write_json_at(FILE *file, const struct doc *doc, bool indent, int depth)
{
	bool object = doc->kind == DOC_OBJECT;

	if (doc->kind < DOC_ARRAY) {
		doc_write_scalar(file, doc);
		return;
	}
	putc(object ? '{' : '[', file);
	for (size_t i = 0; i < doc->n; i++) {
		if (i > 0)
			putc(',', file);
		if (indent)
			doc_newline(file, depth + 1);
		if (object) {
			doc_write_text(file, doc->keys[i]);
			fputs(indent ? ": " : ":", file);
		}
		doc_write_json_at(file, doc->items[i], indent, depth + 1);
	}
	if (indent && doc->n > 0)
		doc_newline(file, depth);
	putc(object ? '}' : ']', file);
}

void doc_write_json(FILE *file, const struct doc *doc, bool indent)
{
	doc_write_json_at(file, doc, indent, 0);
}

/* Keys of ours are plain words; others (addresses) are quoted. */
static void doc_write_yaml_key(FILE *file, const char *key)
{
	if (*key && key[strspn(key, "abcdefghijklmnopqrstuvwxyz_0123456789")] == 0 &&
	    !(*key >= '0' && *key <= '9'))
		fputs(key, file);
	else
		doc_write_text(file, key);
}

static void doc_write_yaml_at(FILE *file, const struct doc *doc, int depth, bool in_item)
{
	if (doc->kind < DOC_ARRAY || doc->n == 0) {
		if (doc->kind < DOC_ARRAY)
			doc_write_scalar(file, doc);
		else
			fputs(doc->kind == DOC_OBJECT ? "{}" : "[]", file);
		return;
	}
	for (size_t i = 0; i < doc->n; i++) {
		const struct doc *item = doc->items[i];
		bool nested = item->kind >= DOC_ARRAY && item->n > 0;

		if (i > 0 || !in_item)
			doc_newline(file, depth);
		if (doc->kind == DOC_OBJECT) {
			doc_write_yaml_key(file, doc->keys[i]);
			fputs(nested ? ":" : ": ", file);
			doc_write_yaml_at(file, item, depth + 1, false);
		} else {
			fputs("- ", file);
			doc_write_yaml_at(file, item, depth + 1, true);
		}
	}
}

void doc_write_yaml(FILE *file, const struct doc *doc)
{
	doc_write_yaml_at(file, doc, 0, true);
}
