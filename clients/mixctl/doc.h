/* doc.h - a tree of values to print as JSON or YAML.
 *
 * WHAT        Objects keep the order in which keys were set. Numbers print as the shortest text
 *             that reads back equal; infinities as "inf" and "-inf" (JSON has none), NaN as null.
 *             doc_from_message() turns any protobuf-c message into an object by its descriptor:
 *             every scalar field appears (scripts find stable keys), enums as lower-case labels,
 *             bytes as hex, mixd.v1.Value as the plain value it holds, a list of mixd.v1.Setting
 *             as an object.
 * NOT HERE    reading: mixctl reads no JSON. The codec of whole messages both ways is proto/text;
 *             it needs jansson and libyaml, whose loading alone would take a tenth of what
 *             `mixctl set` may. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct doc;

struct doc *doc_object(void);
struct doc *doc_array(void);
struct doc *doc_text(const char *text); /* copied; NULL gives null */
struct doc *doc_number(double number);
struct doc *doc_number_f(float number);
struct doc *doc_integer(int64_t number);
struct doc *doc_unsigned(uint64_t number);
struct doc *doc_bool(bool flag);
struct doc *doc_free(struct doc *doc);

/* VALUE is taken. Both return the container. */
struct doc *doc_set(struct doc *object, const char *key, struct doc *value);
struct doc *doc_add(struct doc *array, struct doc *value);
/* Move all keys of FROM (freed) to the end of OBJECT. */
struct doc *doc_merge(struct doc *object, struct doc *from);
size_t doc_size(const struct doc *doc);
const struct doc *doc_at(const struct doc *doc, size_t idx);

struct doc *doc_from_message(const ProtobufCMessage *message);

/* INDENT: pretty; otherwise one line. No newline at the end. */
void doc_write_json(FILE *file, const struct doc *doc, bool indent);
void doc_write_yaml(FILE *file, const struct doc *doc);
/* Shortest text for NUMBER; BUF has room for 32. */
void doc_format_number(double number, char *buf);
