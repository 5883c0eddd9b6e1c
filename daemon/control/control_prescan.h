/* control_prescan.h - look at a message before protobuf-c does.
 *
 * WHAT        protobuf-c recurses without bound, allocates up to 76 bytes per byte of a hostile
 *             message and does not check UTF-8. This walks the wire format beside the descriptor,
 *             allocating nothing: depth, number of fields, wire validity, wire types, text without
 *             NUL and in UTF-8. What passes, protobuf-c unpacks within the arena's cap.
 * SOURCE      protobuf.dev/programming-guides/encoding; RFC 3629 (UTF-8).
 * THREADS     [any] */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "error.h"

struct control_limits {
	unsigned depth_max;
	unsigned fields_max;
};

/* -EINVAL with *ERR filled ("byte 17: ..."). */
int control_prescan(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size,
		    const struct control_limits *limits, struct mixd_error *err);
