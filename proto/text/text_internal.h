/* text_internal.h - what the files of proto/text share. */
#pragma once

#include <jansson.h>

#include "mixd_text.h"

/* A growing text. After `failed` all writes do nothing. */
struct text_buffer {
	char *data;
	size_t size, capacity;
	bool failed;
};

void text_put(struct text_buffer *buffer, const char *data, size_t size);
void text_puts(struct text_buffer *buffer, const char *string);
/* Quoted and escaped as JSON; also a valid double-quoted YAML scalar. */
void text_put_quoted(struct text_buffer *buffer, const char *string);
/* The member at P of FIELD (one element), as a scalar; YAML leaves harmless strings bare. */
void text_put_scalar(struct text_buffer *buffer, const ProtobufCFieldDescriptor *field,
		     const void *p, bool yaml);
/* Terminated text, taken by the caller; NULL when anything failed. */
char *text_take(struct text_buffer *buffer);

/* Whether FIELD of MESSAGE is to be written. *ret_count: elements of a repeated field, else 1. */
bool text_field_present(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
			unsigned flags, size_t *ret_count);
/* Element IDX of FIELD in MESSAGE. A message's element is a pointer to the pointer. */
const void *text_field_element(const ProtobufCMessage *message,
			       const ProtobufCFieldDescriptor *field, size_t idx);
size_t text_element_size(ProtobufCType type);

/* Build a message from a JSON tree. LENIENT: scalars may be strings (YAML). */
int text_from_tree(const ProtobufCMessageDescriptor *type, json_t *tree, bool lenient,
		   ProtobufCMessage **ret, struct mixd_text_error *reterr);
__attribute__((format(printf, 3, 4))) int text_error(struct mixd_text_error *reterr,
						     const char *path, const char *fmt, ...);
