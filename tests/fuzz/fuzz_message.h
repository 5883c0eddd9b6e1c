/* fuzz_message.h - change one thing of a message by reflection: what byte flips break at once (the
 * lengths around it) stays whole, so that the change reaches the code behind the decoder. */
#pragma once

#include <protobuf-c/protobuf-c.h>

/* WORDS: NULL-terminated texts that mean something. */
void fuzz_message_mutate(ProtobufCMessage *message, const char *const *words);
/* Append copies of elements of FROM's list at FIELD to TO's, of the same type. */
void fuzz_message_append(ProtobufCMessage *to, const ProtobufCMessage *from, const char *field);
