/* mixd_text.h - messages <-> JSON and YAML, by reflection over the descriptors.
 *
 * WHAT        One codec for every message of mixd.v1: nothing here knows a message by name. Field
 *             names are the schema's. Numbers are the shortest text that reads back the same;
 *             infinities and NaN are the strings "inf", "-inf", "nan"; 64-bit integers above 2^53
 *             are strings (JavaScript would round them). Enums are their short labels in lower
 *             case (CODE_NOT_FOUND of Code -> "not_found"); an unknown value stays a number. Bytes
 *             are lower-case hex (they are identities: epoch, session). A member of a oneof stands
 *             under its own name. Absent and default fields are left out unless MIXD_TEXT_DEFAULTS.
 * THREADS     [any]
 * INVARIANTS  X1 from(to(m)) packs to the same bytes as m, for JSON and for YAML.
 *             X2 an unknown field, a wrong type, a number out of range, two members of one oneof
 *                or a duplicate key is an error with the path of the field ("ops[2].set.address").
 *             X3 hostile input costs at most MIXD_TEXT_SIZE_MAX and MIXD_TEXT_DEPTH_MAX.
 * NOT HERE    the session file, which people write: daemon/graph/graph_session.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#define MIXD_TEXT_DEFAULTS (1u << 0) /* write fields that hold their default, too */
#define MIXD_TEXT_COMPACT (1u << 1) /* JSON on one line (JSON Lines) */

#define MIXD_TEXT_SIZE_MAX (16u << 20)
#define MIXD_TEXT_DEPTH_MAX 32u

struct mixd_text_error {
	char path[160]; /* "ops[2].set.address", or "line 3, column 7" for syntax */
	char text[256];
};

/* Returned: malloc'd, with a final newline unless compact. NULL when out of memory.     [any] */
char *mixd_text_to_json(const ProtobufCMessage *message, unsigned flags);
char *mixd_text_to_yaml(const ProtobufCMessage *message, unsigned flags);

/* *RET: returned, free with protobuf_c_message_free_unpacked(m, NULL). -EINVAL with *RETERR
 * filled (may be NULL), -ENOMEM. *RET is untouched on failure.                          [any] */
int mixd_text_from_json(const ProtobufCMessageDescriptor *type, const char *text, size_t size,
			ProtobufCMessage **ret, struct mixd_text_error *reterr);
int mixd_text_from_yaml(const ProtobufCMessageDescriptor *type, const char *text, size_t size,
			ProtobufCMessage **ret, struct mixd_text_error *reterr);

/* The label of VALUE, "" when it has none; written to BUF, which is returned.           [any] */
const char *mixd_text_enum_label(const ProtobufCEnumDescriptor *type, int value, char *buf,
				 size_t size);
/* LABEL may be short ("not_found") or the schema's ("CODE_NOT_FOUND"). False: no such.  [any] */
bool mixd_text_enum_value(const ProtobufCEnumDescriptor *type, const char *label, int *ret);
