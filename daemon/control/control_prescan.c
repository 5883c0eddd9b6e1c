/* control_prescan.c - see control_prescan.h. */
#include "control_prescan.h"

#include <stdbool.h>

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_LENGTH = 2, WIRE_32 = 5 };

struct control_scan {
	const uint8_t *start;
	struct control_limits limits;
	unsigned fields;
	struct mixd_error *err;
};

static int control_scan_fault(struct control_scan *scan, const uint8_t *at, const char *text)
{
	error_set(scan->err, ERROR_USAGE, "", "malformed message, byte %zu: %s",
		  (size_t)(at - scan->start), text);
	error_hint(scan->err, "send one protobuf mixd.v1.Request per frame");
	return -1;
}

/* The bytes of a varint at P, or 0 when it does not end within 10 bytes or before END. */
static unsigned control_scan_varint(const uint8_t *p, const uint8_t *end, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < 10 && p + i < end; i++) {
		value |= (uint64_t)(p[i] & 0x7f) << (7 * i);
		if (!(p[i] & 0x80)) {
			*ret = value;
			return i + 1;
		}
	}
	return 0;
}

/* RFC 3629, without NUL: protobuf-c's strings end there. */
static bool control_scan_utf8(const uint8_t *p, size_t size)
{
	for (size_t i = 0; i < size;) {
		uint8_t c = p[i];
		unsigned more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

		if (!c || (c >= 0x80 && c < 0xc2) || c > 0xf4 || i + more >= size)
			return false;
		if ((c == 0xe0 && p[i + 1] < 0xa0) || (c == 0xed && p[i + 1] > 0x9f) ||
		    (c == 0xf0 && p[i + 1] < 0x90) || (c == 0xf4 && p[i + 1] > 0x8f))
			return false;
		for (unsigned k = 1; k <= more; k++)
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
		i += more + 1;
	}
	return true;
}

static enum wire control_scan_wire(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return WIRE_64;
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		return WIRE_32;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return WIRE_LENGTH;
	default:
		return WIRE_VARINT;
	}
}

static int control_scan_message(struct control_scan *scan, const ProtobufCMessageDescriptor *type,
				const uint8_t *p, const uint8_t *end, unsigned depth);

/* The contents of a packed list: whole elements only. */
static int control_scan_packed(struct control_scan *scan, enum wire wire, const uint8_t *p,
			       const uint8_t *end)
{
	uint64_t value;
	unsigned n;

	if (wire != WIRE_VARINT)
		return (end - p) % (wire == WIRE_64 ? 8 : 4)
			       ? control_scan_fault(scan, p, "a list ends inside an element")
			       : 0;
	for (; p < end; p += n) {
		n = control_scan_varint(p, end, &value);
		if (!n)
			return control_scan_fault(scan, p, "a number does not end");
	}
	return 0;
}

static int control_scan_length(struct control_scan *scan, const ProtobufCFieldDescriptor *field,
			       const uint8_t *p, const uint8_t *end, unsigned depth)
{
	enum wire want = field ? control_scan_wire(field->type) : WIRE_LENGTH;

	if (!field)
		return 0;
	if (want != WIRE_LENGTH)
		return field->label == PROTOBUF_C_LABEL_REPEATED
			       ? control_scan_packed(scan, want, p, end)
			       : control_scan_fault(scan, p, "a field of another wire type");
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return control_scan_message(scan, field->descriptor, p, end, depth + 1);
	if (field->type == PROTOBUF_C_TYPE_STRING && !control_scan_utf8(p, (size_t)(end - p)))
		return control_scan_fault(scan, p, "text that is not UTF-8, or holds a NUL");
	return 0;
}

/* One field at P; *RET_NEXT is what follows. */
static int control_scan_field(struct control_scan *scan, const ProtobufCMessageDescriptor *type,
			      const uint8_t *p, const uint8_t *end, unsigned depth,
			      const uint8_t **ret_next)
{
	const ProtobufCFieldDescriptor *field;
	const uint8_t *at = p;
	uint64_t tag, value;
	unsigned n = control_scan_varint(p, end, &tag);
	enum wire wire;

	if (!n || n > 5 || tag >> 3 == 0 || tag > UINT32_MAX)
		return control_scan_fault(scan, p, "not a field");
	p += n;
	wire = (enum wire)(tag & 7);
	field = protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
	if (wire == WIRE_VARINT || wire == WIRE_LENGTH) {
		n = control_scan_varint(p, end, &value);
		if (!n)
			return control_scan_fault(scan, p, "a number does not end");
		p += n;
	} else {
		value = wire == WIRE_64 ? 8 : wire == WIRE_32 ? 4 : UINT64_MAX;
	}
	if (wire == WIRE_VARINT)
		value = 0;
	if (value > (uint64_t)(end - p))
		return control_scan_fault(scan, at, "a field that is longer than the message");
	*ret_next = p + value;
	if (wire == WIRE_LENGTH)
		return control_scan_length(scan, field, p, *ret_next, depth);
	if (field && control_scan_wire(field->type) != wire)
		return control_scan_fault(scan, at, "a field of another wire type");
	return 0;
}

static int control_scan_message(struct control_scan *scan, const ProtobufCMessageDescriptor *type,
				const uint8_t *p, const uint8_t *end, unsigned depth)
{
	if (depth > scan->limits.depth_max)
		return control_scan_fault(scan, p, "nested too deeply");
	while (p < end) {
		int r;

		if (++scan->fields > scan->limits.fields_max)
			return control_scan_fault(scan, p, "too many fields");
		r = control_scan_field(scan, type, p, end, depth, &p);
		if (r < 0)
			return r;
	}
	return 0;
}

int control_prescan(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size,
		    const struct control_limits *limits, struct mixd_error *err)
{
	struct control_scan scan = {.start = data, .limits = *limits, .err = err};
	int r = control_scan_message(&scan, type, data, data + size, 1);

	return r < 0 ? error_set(NULL, ERROR_USAGE, NULL, "malformed") : 0;
}
