/* fuzz_message.c - see fuzz_message.h. */
#include "fuzz_message.h"

#include <math.h>

#include "fuzz.h"

#define PLACES_MAX 512
#define LIST_MAX 64u

struct fuzz_place {
	ProtobufCMessage *message;
	const ProtobufCFieldDescriptor *field;
};

static size_t *fuzz_count(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return (size_t *)((char *)message + field->quantifier_offset);
}

static void *fuzz_member(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return (char *)message + field->offset;
}

/* Every field that is there, of MESSAGE and of what is in it. */
static uint32_t fuzz_places(ProtobufCMessage *message, struct fuzz_place *places, uint32_t n)
{
	for (unsigned i = 0; i < message->descriptor->n_fields && n < PLACES_MAX; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		ProtobufCMessage **child = fuzz_member(message, field);

		if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
		    *(uint32_t *)fuzz_count(message, field) != field->id)
			continue;
		places[n++] = (struct fuzz_place){message, field};
		if (field->type != PROTOBUF_C_TYPE_MESSAGE)
			continue;
		if (field->label != PROTOBUF_C_LABEL_REPEATED) {
			if (*child)
				n = fuzz_places(*child, places, n);
			continue;
		}
		for (size_t k = 0; k < *fuzz_count(message, field) && n < PLACES_MAX; k++)
			n = fuzz_places((*(ProtobufCMessage ***)child)[k], places, n);
	}
	return n;
}

static ProtobufCMessage *fuzz_copy(const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = malloc(size + 1);
	ProtobufCMessage *copy;

	protobuf_c_message_pack(message, bytes);
	copy = protobuf_c_message_unpack(message->descriptor, NULL, size, bytes);
	free(bytes);
	return copy;
}

static void fuzz_list_push(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
			   ProtobufCMessage *element)
{
	ProtobufCMessage ***list = fuzz_member(message, field);
	size_t n = *fuzz_count(message, field);

	*list = realloc(*list, (n + 1) * sizeof(**list));
	(*list)[n] = element;
	*fuzz_count(message, field) = n + 1;
}

/* One element more, or one less. */
static void fuzz_mutate_list(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	ProtobufCMessage ***list = fuzz_member(message, field);
	size_t *n = fuzz_count(message, field), at;

	if (!*n || field->type != PROTOBUF_C_TYPE_MESSAGE)
		return;
	at = fuzz_random((uint32_t)*n);
	if (fuzz_random(2) && *n < LIST_MAX) {
		fuzz_list_push(message, field, fuzz_copy((*list)[at]));
	} else if (*n > 1) {
		protobuf_c_message_free_unpacked((*list)[at], NULL);
		memmove(&(*list)[at], &(*list)[at + 1], (*n - at - 1) * sizeof(**list));
		--*n;
	}
}

static double fuzz_number(void)
{
	static const double special[] = {0,   -1,   1,	-6,   48000, 1e9,  -1e300, 1e-300, 20,
					 0.5, -144, 24, 1000, 16384, -0.0, 4096,   64,	   7};

	switch (fuzz_random(6)) {
	case 0:
		return (double)INFINITY * (fuzz_random(2) ? 1 : -1);
	case 1:
		return (double)NAN;
	case 2:
		return fuzz_random(2000) / 10.0 - 100;
	default:
		return special[fuzz_random(sizeof(special) / sizeof(special[0]))];
	}
}

static void fuzz_mutate_string(char **string, const char *const *words)
{
	uint32_t n = 0;

	while (words[n])
		n++;
	/* Strings that were left out are a constant; all others are the message's own. */
	if (*string != (const char *)protobuf_c_empty_string && fuzz_random(3) == 0 && **string) {
		(*string)[fuzz_random((uint32_t)strlen(*string))] = (char)(' ' + fuzz_random(95));
		return;
	}
	if (*string != (const char *)protobuf_c_empty_string)
		free(*string);
	*string = strdup(words[fuzz_random(n)]);
}

static void fuzz_mutate_field(const struct fuzz_place *place, const char *const *words)
{
	const ProtobufCFieldDescriptor *field = place->field;
	void *member = fuzz_member(place->message, field);

	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		fuzz_mutate_list(place->message, field);
		return;
	}
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		fuzz_mutate_string(member, words);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		*(double *)member = fuzz_number();
		break;
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)member ^= 1;
		break;
	case PROTOBUF_C_TYPE_ENUM:
		*(int *)member = (int)fuzz_random(6);
		break;
	case PROTOBUF_C_TYPE_UINT32:
		*(uint32_t *)member = fuzz_random(4) ? fuzz_random(20) : UINT32_MAX;
		break;
	case PROTOBUF_C_TYPE_UINT64:
		*(uint64_t *)member = fuzz_random(4) ? fuzz_random(2000) : UINT64_MAX;
		break;
	default:
		break;
	}
}

void fuzz_message_mutate(ProtobufCMessage *message, const char *const *words)
{
	struct fuzz_place places[PLACES_MAX];
	uint32_t n = fuzz_places(message, places, 0);

	if (n)
		fuzz_mutate_field(&places[fuzz_random(n)], words);
}

void fuzz_message_append(ProtobufCMessage *to, const ProtobufCMessage *from, const char *name)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(to->descriptor, name);
	ProtobufCMessage *source = (ProtobufCMessage *)(uintptr_t)from;
	size_t n = *fuzz_count(source, field);

	for (size_t i = 0; i < n && *fuzz_count(to, field) < LIST_MAX; i++)
		fuzz_list_push(to, field,
			       fuzz_copy((*(ProtobufCMessage ***)fuzz_member(source, field))[i]));
}
