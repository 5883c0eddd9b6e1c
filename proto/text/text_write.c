/* text_write.c - messages to JSON and YAML: see mixd_text.h.
 *
 * Both writers walk the same descriptors; only punctuation differs. Numbers: the fewest of 15..17
 * (6..9 for float) significant digits that read back equal; more is never needed (IEEE 754). */
#include "text_internal.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_SAFE_INTEGER (UINT64_C(1) << 53)

void text_put(struct text_buffer *buffer, const char *data, size_t size)
{
	if (buffer->failed)
		return;
	if (buffer->size + size + 1 > buffer->capacity) {
		size_t capacity = (buffer->size + size + 1) * 2 + 256;
		char *grown = realloc(buffer->data, capacity);

		if (!grown) {
			buffer->failed = true;
			return;
		}
		buffer->data = grown;
		buffer->capacity = capacity;
	}
	memcpy(buffer->data + buffer->size, data, size);
	buffer->size += size;
}

void text_puts(struct text_buffer *buffer, const char *string)
{
	text_put(buffer, string, strlen(string));
}

char *text_take(struct text_buffer *buffer)
{
	text_put(buffer, "", 0);
	if (buffer->failed) {
		free(buffer->data);
		return NULL;
	}
	buffer->data[buffer->size] = '\0';
	return buffer->data;
}

/* What must not stand bare in a quoted YAML scalar beside what JSON forbids: C1 controls, the line
 * breaks NEL, LS and PS (they would fold into a space), BOM and non-characters (YAML 1.1, 5.1). *P
 * is UTF-8. Returns the code point and how many bytes it has; 0: harmless. */
static unsigned text_awkward(const unsigned char *p, unsigned *ret_size)
{
	*ret_size = 1;
	if (*p < 0x20 || *p == '"' || *p == '\\' || *p == 0x7f)
		return *p;
	*ret_size = 2;
	if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
		return p[1];
	*ret_size = 3;
	if (p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9))
		return 0x2000u | (p[2] & 0x3f);
	if (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf)
		return 0xfeff;
	if (p[0] == 0xef && p[1] == 0xbf && (p[2] == 0xbe || p[2] == 0xbf))
		return 0xffc0u | (p[2] & 0x3f);
	return 0;
}

void text_put_quoted(struct text_buffer *buffer, const char *string)
{
	const char *run = string, *p;
	unsigned size;

	text_puts(buffer, "\"");
	for (p = string; *p; p++) {
		unsigned code = text_awkward((const unsigned char *)p, &size);
		char escaped[8];

		if (!code)
			continue;
		text_put(buffer, run, (size_t)(p - run));
		if (code == '"' || code == '\\')
			snprintf(escaped, sizeof(escaped), "\\%c", (char)code);
		else if (code == '\n')
			snprintf(escaped, sizeof(escaped), "\\n");
		else
			snprintf(escaped, sizeof(escaped), "\\u%04x", code);
		text_puts(buffer, escaped);
		p += size - 1;
		run = p + 1;
	}
	text_put(buffer, run, (size_t)(p - run));
	text_puts(buffer, "\"");
}

/* A point whatever the locale says. */
static void text_fix_point(char *number)
{
	for (char *p = number; *p; p++)
		if (*p == ',')
			*p = '.';
}

static void text_put_real(struct text_buffer *buffer, double value, bool is_float)
{
	char number[40];

	if (isnan(value) || isinf(value)) {
		text_puts(buffer, isnan(value) ? "\"nan\"" : value > 0 ? "\"inf\"" : "\"-inf\"");
		return;
	}
	for (int digits = is_float ? 6 : 15; digits <= (is_float ? 9 : 17); digits++) {
		snprintf(number, sizeof(number), "%.*g", digits, value);
		if (is_float ? strtof(number, NULL) == (float)value : strtod(number, NULL) == value)
			break;
	}
	text_fix_point(number);
	if (value == 0 && signbit(value))
		strcpy(number, "-0.0"); /* "-0" would read back as the integer 0 */
	text_puts(buffer, number);
}

static void text_put_integer(struct text_buffer *buffer, uint64_t magnitude, bool negative)
{
	bool quoted = magnitude > TEXT_SAFE_INTEGER;
	char number[32];

	snprintf(number, sizeof(number), "%s%s%" PRIu64 "%s", quoted ? "\"" : "",
		 negative ? "-" : "", magnitude, quoted ? "\"" : "");
	text_puts(buffer, number);
}

static void text_put_signed(struct text_buffer *buffer, int64_t value)
{
	text_put_integer(buffer, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0);
}

static void text_put_bytes(struct text_buffer *buffer, const ProtobufCBinaryData *bytes)
{
	text_puts(buffer, "\"");
	for (size_t i = 0; i < bytes->len; i++) {
		char hex[4];

		snprintf(hex, sizeof(hex), "%02x", bytes->data[i]);
		text_put(buffer, hex, 2);
	}
	text_puts(buffer, "\"");
}

/* Whether YAML reads STRING back as itself without quotes, by any reader's rules. */
static bool text_is_plain(const char *string)
{
	static const char *const words[] = {"true", "false", "yes", "no",  "on", "off", "null",
					    "y",    "n",     "inf", "nan", "<<", NULL};
	size_t size = strlen(string);

	if (!isalpha((unsigned char)string[0]) || string[size - 1] == ' ')
		return false;
	for (const char *p = string; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_./ -", *p))
			return false;
	for (const char *const *word = words; *word; word++)
		if (strcasecmp(string, *word) == 0)
			return false;
	return true;
}

static void text_put_enum(struct text_buffer *buffer, const ProtobufCEnumDescriptor *type,
			  int value)
{
	char label[64];

	if (*mixd_text_enum_label(type, value, label, sizeof(label)))
		text_put_quoted(buffer, label);
	else
		text_put_signed(buffer, value);
}

void text_put_scalar(struct text_buffer *buffer, const ProtobufCFieldDescriptor *field,
		     const void *p, bool yaml)
{
	const char *string;

	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		text_put_signed(buffer, *(const int32_t *)p);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		text_put_signed(buffer, *(const int64_t *)p);
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		text_put_integer(buffer, *(const uint32_t *)p, false);
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		text_put_integer(buffer, *(const uint64_t *)p, false);
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		text_put_real(buffer, (double)*(const float *)p, true);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		text_put_real(buffer, *(const double *)p, false);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		text_puts(buffer, *(const protobuf_c_boolean *)p ? "true" : "false");
		break;
	case PROTOBUF_C_TYPE_ENUM:
		text_put_enum(buffer, field->descriptor, *(const int *)p);
		break;
	case PROTOBUF_C_TYPE_STRING:
		string = *(char *const *)p ? *(char *const *)p : "";
		if (yaml && text_is_plain(string))
			text_puts(buffer, string);
		else
			text_put_quoted(buffer, string);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		text_put_bytes(buffer, p);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		break;
	}
}

size_t text_element_size(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	default:
		return 4;
	}
}

static bool text_is_default(const ProtobufCFieldDescriptor *field, const void *p)
{
	static const unsigned char zeros[8];
	const char *string;

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		string = *(char *const *)p;
		return !string || !*string;
	case PROTOBUF_C_TYPE_BYTES:
		return ((const ProtobufCBinaryData *)p)->len == 0;
	case PROTOBUF_C_TYPE_MESSAGE:
		return !*(void *const *)p;
	case PROTOBUF_C_TYPE_DOUBLE:
		return *(const double *)p == 0; /* as protobuf-c packs: -0.0 is left out */
	case PROTOBUF_C_TYPE_FLOAT:
		return *(const float *)p == 0;
	default:
		return memcmp(p, zeros, text_element_size(field->type)) == 0;
	}
}

bool text_field_present(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
			unsigned flags, size_t *ret_count)
{
	const char *base = (const char *)message;

	*ret_count = 1;
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		return *(const uint32_t *)(base + field->quantifier_offset) == field->id &&
		       (field->type != PROTOBUF_C_TYPE_MESSAGE ||
			*(void *const *)(base + field->offset));
	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		*ret_count = *(const size_t *)(base + field->quantifier_offset);
		return *ret_count > 0 || (flags & MIXD_TEXT_DEFAULTS);
	}
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return *(void *const *)(base + field->offset) != NULL;
	return (flags & MIXD_TEXT_DEFAULTS) || !text_is_default(field, base + field->offset);
}

const void *text_field_element(const ProtobufCMessage *message,
			       const ProtobufCFieldDescriptor *field, size_t idx)
{
	const char *base = (const char *)message;

	if (field->label != PROTOBUF_C_LABEL_REPEATED)
		return base + field->offset;
	return *(char *const *)(base + field->offset) + idx * text_element_size(field->type);
}

static void text_put_indent(struct text_buffer *buffer, unsigned indent)
{
	for (unsigned i = 0; i < indent; i++)
		text_puts(buffer, "  ");
}

static void text_put_line(struct text_buffer *buffer, unsigned indent, unsigned flags)
{
	if (flags & MIXD_TEXT_COMPACT)
		return;
	text_puts(buffer, "\n");
	text_put_indent(buffer, indent);
}

static void text_json_message(struct text_buffer *buffer, const ProtobufCMessage *message,
			      unsigned indent, unsigned flags);

static void text_json_element(struct text_buffer *buffer, const ProtobufCFieldDescriptor *field,
			      const void *p, unsigned indent, unsigned flags)
{
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		text_json_message(buffer, *(ProtobufCMessage *const *)p, indent, flags);
	else
		text_put_scalar(buffer, field, p, false);
}

static void text_json_list(struct text_buffer *buffer, const ProtobufCMessage *message,
			   const ProtobufCFieldDescriptor *field, size_t count, unsigned indent,
			   unsigned flags)
{
	bool lines = field->type == PROTOBUF_C_TYPE_MESSAGE && count > 0;

	text_puts(buffer, "[");
	for (size_t i = 0; i < count; i++) {
		if (i)
			text_puts(buffer, lines || (flags & MIXD_TEXT_COMPACT) ? "," : ", ");
		if (lines)
			text_put_line(buffer, indent + 1, flags);
		text_json_element(buffer, field, text_field_element(message, field, i), indent + 1,
				  flags);
	}
	if (lines)
		text_put_line(buffer, indent, flags);
	text_puts(buffer, "]");
}

static void text_json_message(struct text_buffer *buffer, const ProtobufCMessage *message,
			      unsigned indent, unsigned flags)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	bool any = false;

	text_puts(buffer, "{");
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		size_t count;

		if (!text_field_present(message, field, flags, &count))
			continue;
		if (any)
			text_puts(buffer, ",");
		any = true;
		text_put_line(buffer, indent + 1, flags);
		text_put_quoted(buffer, field->name);
		text_puts(buffer, flags & MIXD_TEXT_COMPACT ? ":" : ": ");
		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			text_json_list(buffer, message, field, count, indent + 1, flags);
		else
			text_json_element(buffer, field, text_field_element(message, field, 0),
					  indent + 1, flags);
	}
	if (any)
		text_put_line(buffer, indent, flags);
	text_puts(buffer, "}");
}

char *mixd_text_to_json(const ProtobufCMessage *message, unsigned flags)
{
	struct text_buffer buffer = {0};

	text_json_message(&buffer, message, 0, flags);
	if (!(flags & MIXD_TEXT_COMPACT))
		text_puts(&buffer, "\n");
	return text_take(&buffer);
}

/* HANGING: the first key follows a "- " that is already written. */
static void text_yaml_message(struct text_buffer *buffer, const ProtobufCMessage *message,
			      unsigned indent, unsigned flags, bool hanging);

static void text_yaml_value(struct text_buffer *buffer, const ProtobufCFieldDescriptor *field,
			    const void *p, unsigned indent, unsigned flags)
{
	const ProtobufCMessage *message;
	struct text_buffer body = {0};

	if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
		text_puts(buffer, " ");
		text_put_scalar(buffer, field, p, true);
		text_puts(buffer, "\n");
		return;
	}
	message = *(ProtobufCMessage *const *)p;
	text_yaml_message(&body, message, indent, flags, false);
	if (body.size) {
		text_puts(buffer, "\n");
		text_put(buffer, body.data, body.size);
	} else {
		text_puts(buffer, " {}\n");
	}
	buffer->failed |= body.failed;
	free(body.data);
}

static void text_yaml_list(struct text_buffer *buffer, const ProtobufCMessage *message,
			   const ProtobufCFieldDescriptor *field, size_t count, unsigned indent,
			   unsigned flags)
{
	text_puts(buffer, count ? "\n" : " []\n");
	for (size_t i = 0; i < count; i++) {
		const void *p = text_field_element(message, field, i);
		size_t before;

		text_put_indent(buffer, indent);
		text_puts(buffer, "-");
		if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
			text_yaml_value(buffer, field, p, indent, flags);
			continue;
		}
		text_puts(buffer, " ");
		before = buffer->size;
		text_yaml_message(buffer, *(ProtobufCMessage *const *)p, indent + 1, flags, true);
		if (buffer->size == before)
			text_puts(buffer, "{}\n");
	}
}

static void text_yaml_message(struct text_buffer *buffer, const ProtobufCMessage *message,
			      unsigned indent, unsigned flags, bool hanging)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;

	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		size_t count;

		if (!text_field_present(message, field, flags, &count))
			continue;
		if (!hanging)
			text_put_indent(buffer, indent);
		hanging = false;
		text_puts(buffer, field->name);
		text_puts(buffer, ":");
		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			text_yaml_list(buffer, message, field, count, indent + 1, flags);
		else
			text_yaml_value(buffer, field, text_field_element(message, field, 0),
					indent + 1, flags);
	}
}

char *mixd_text_to_yaml(const ProtobufCMessage *message, unsigned flags)
{
	struct text_buffer buffer = {0};

	text_yaml_message(&buffer, message, 0, flags, false);
	if (!buffer.size)
		text_puts(&buffer, "{}\n");
	return text_take(&buffer);
}

/* "NotFoundCode" of an enum's name as the prefix its values carry: NOT_FOUND_CODE_. */
static size_t text_enum_prefix(const ProtobufCEnumDescriptor *type, char *buf, size_t size)
{
	size_t n = 0;

	for (const char *p = type->short_name; *p && n + 3 < size; p++) {
		if (isupper((unsigned char)*p) && p != type->short_name)
			buf[n++] = '_';
		buf[n++] = (char)toupper((unsigned char)*p);
	}
	buf[n++] = '_';
	buf[n] = '\0';
	return n;
}

const char *mixd_text_enum_label(const ProtobufCEnumDescriptor *type, int value, char *buf,
				 size_t size)
{
	const ProtobufCEnumValue *row = protobuf_c_enum_descriptor_get_value(type, value);
	char prefix[64];
	size_t skip = text_enum_prefix(type, prefix, sizeof(prefix)), n = 0;

	if (row) {
		const char *name = row->name;

		if (strncmp(name, prefix, skip) == 0)
			name += skip;
		while (name[n] && n + 1 < size) {
			buf[n] = (char)tolower((unsigned char)name[n]);
			n++;
		}
	}
	buf[n] = '\0';
	return buf;
}

bool mixd_text_enum_value(const ProtobufCEnumDescriptor *type, const char *label, int *ret)
{
	for (unsigned i = 0; i < type->n_values; i++) {
		char buf[64];

		mixd_text_enum_label(type, type->values[i].value, buf, sizeof(buf));
		if (strcmp(label, buf) == 0 || strcmp(label, type->values[i].name) == 0) {
			*ret = type->values[i].value;
			return true;
		}
	}
	return false;
}
