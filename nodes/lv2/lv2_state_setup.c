/* lv2_state_setup.c - a plug-in's state as one line of text that a person can read.
 *
 * WHAT        Properties sorted by key and parted by spaces: KEY=TYPE:VALUE, as in
 *             http://x.org/p#gain=float:0.5 http://x.org/p#file=path:/a%20b.wav. KEY and text are
 *             URI-escaped; TYPE is int, long, float, double, bool, string, uri, path, urid, or
 *             <URI> with VALUE in base64. Equal states give equal texts. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lv2/atom/atom.h>

#include "lv2.h"

static const struct {
	const char *word, *uri;
	char kind; /* i l f d: a number; s: text */
} state_types[] = {
	{"int", LV2_ATOM__Int, 'i'},
	{"bool", LV2_ATOM__Bool, 'i'},
	{"long", LV2_ATOM__Long, 'l'},
	{"float", LV2_ATOM__Float, 'f'},
	{"double", LV2_ATOM__Double, 'd'},
	{"string", LV2_ATOM__String, 's'},
	{"uri", LV2_ATOM__URI, 's'},
	{"path", LV2_ATOM__Path, 's'},
	{"urid", "urid", 's'},
};
#define STATE_TYPES (sizeof(state_types) / sizeof(state_types[0]))

void lv2_props_done(struct lv2_props *props)
{
	for (uint32_t i = 0; i < props->n; i++) {
		free(props->items[i].key);
		free(props->items[i].type);
		free(props->items[i].value);
	}
	free(props->items);
	*props = (struct lv2_props){0};
}

int lv2_props_add(struct lv2_props *props, const char *key, const char *type, const void *value,
		  size_t size)
{
	struct lv2_prop *grown = realloc(props->items, (props->n + 1) * sizeof(*grown)), *prop;

	if (!grown)
		return -ENOMEM;
	props->items = grown;
	prop = &grown[props->n];
	*prop = (struct lv2_prop){strdup(key), strdup(type), malloc(size + 8), size, 0, 0, 0};
	if (!prop->key || !prop->type || !prop->value) {
		free(prop->key);
		free(prop->type);
		free(prop->value);
		return -ENOMEM;
	}
	memset(prop->value, 0, size + 8);
	memcpy(prop->value, value, size);
	props->n++;
	return 0;
}

/* ---- writing ---- */

struct writer {
	char *text;
	size_t size, used;
	bool full;
};

static void put(struct writer *writer, const char *text, size_t size)
{
	if (writer->full || writer->size - writer->used <= size) {
		writer->full = true;
		return;
	}
	memcpy(writer->text + writer->used, text, size);
	writer->used += size;
	writer->text[writer->used] = '\0';
}

static void put_escaped(struct writer *writer, const char *text, size_t size)
{
	for (size_t i = 0; i < size && text[i]; i++) {
		unsigned char c = (unsigned char)text[i];
		char escaped[4];

		if (c > ' ' && c < 0x7f && !strchr("%=<>\"'\\", c)) {
			put(writer, (const char *)&c, 1);
			continue;
		}
		snprintf(escaped, sizeof(escaped), "%%%02x", c);
		put(writer, escaped, 3);
	}
}

static void put_base64(struct writer *writer, const uint8_t *data, size_t size)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < size; i += 3) {
		uint32_t left = size - i < 3 ? (uint32_t)(size - i) : 3;
		uint32_t bits = (uint32_t)data[i] << 16;
		char group[4];

		bits |= left > 1 ? (uint32_t)data[i + 1] << 8 : 0;
		bits |= left > 2 ? data[i + 2] : 0;
		for (int k = 0; k < 4; k++)
			group[k] = digits[bits >> (18 - 6 * k) & 63u];
		put(writer, group, left + 1);
	}
}

/* A number in few digits that reads back to the same bits. */
static void put_number(struct writer *writer, char kind, const void *value)
{
	char text[40] = "";
	int32_t number;
	int64_t wide;
	float single;
	double real;

	if (kind == 'i') {
		memcpy(&number, value, 4);
		snprintf(text, sizeof(text), "%d", number);
	} else if (kind == 'l') {
		memcpy(&wide, value, 8);
		snprintf(text, sizeof(text), "%lld", (long long)wide);
	} else if (kind == 'f') {
		memcpy(&single, value, 4);
		for (int digits = 6; digits <= 9; digits += 3) {
			snprintf(text, sizeof(text), "%.*g", digits, (double)single);
			if (strtof(text, NULL) == single)
				break;
		}
	} else {
		memcpy(&real, value, 8);
		for (int digits = 9; digits <= 17; digits += 4) {
			snprintf(text, sizeof(text), "%.*g", digits, real);
			if (strtod(text, NULL) == real)
				break;
		}
	}
	put(writer, text, strlen(text));
}

static void put_prop(struct writer *writer, const struct lv2_prop *prop)
{
	size_t known = 0, want;

	put_escaped(writer, prop->key, strlen(prop->key));
	put(writer, "=", 1);
	while (known < STATE_TYPES && strcmp(state_types[known].uri, prop->type) != 0)
		known++;
	if (known < STATE_TYPES) {
		char kind = state_types[known].kind;

		want = strchr("if", kind) ? 4 : strchr("ld", kind) ? 8 : prop->size;
		if (want == prop->size) {
			put(writer, state_types[known].word, strlen(state_types[known].word));
			put(writer, ":", 1);
			if (kind == 's')
				put_escaped(writer, prop->value, prop->size);
			else
				put_number(writer, kind, prop->value);
			return;
		}
	}
	put(writer, "<", 1);
	put_escaped(writer, prop->type, strlen(prop->type));
	put(writer, ">:", 2);
	put_base64(writer, prop->value, prop->size);
}

static int props_compare(const void *a, const void *b)
{
	const struct lv2_prop *left = a, *right = b;

	return strcmp(left->key, right->key);
}

int lv2_props_write(struct lv2_props *props, char *ret_text, size_t size)
{
	struct writer writer = {ret_text, size, 0, false};

	*ret_text = '\0';
	if (props->n)
		qsort(props->items, props->n, sizeof(props->items[0]), props_compare);
	for (uint32_t i = 0; i < props->n; i++) {
		if (i)
			put(&writer, " ", 1);
		put_prop(&writer, &props->items[i]);
	}
	return writer.full ? -ENOSPC : (int)writer.used;
}

/* ---- reading ---- */

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place; false when an escape is broken. */
static bool unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (*text != '%') {
			*to++ = *text;
			continue;
		}
		if (hex(text[1]) < 0 || hex(text[2]) < 0)
			return false;
		*to++ = (char)(hex(text[1]) * 16 + hex(text[2]));
		text += 2;
	}
	*to = '\0';
	return true;
}

static int base64_digit(char c)
{
	return c >= 'A' && c <= 'Z'   ? c - 'A'
	       : c >= 'a' && c <= 'z' ? c - 'a' + 26
	       : c >= '0' && c <= '9' ? c - '0' + 52
	       : c == '+'	      ? 62
	       : c == '/'	      ? 63
				      : -1;
}

/* In place; the size, or -1. */
static long unbase64(char *text)
{
	uint32_t bits = 0, have = 0;
	long size = 0;

	for (const char *at = text; *at; at++) {
		int digit = base64_digit(*at);

		if (digit < 0)
			return -1;
		bits = bits << 6 | (uint32_t)digit;
		have += 6;
		if (have >= 8) {
			have -= 8;
			text[size++] = (char)(bits >> have & 255u);
		}
	}
	return size;
}

static int read_number(struct lv2_props *props, const char *key, size_t known, const char *text)
{
	char kind = state_types[known].kind, *end = NULL;
	int32_t number = (int32_t)strtol(text, &end, 10);
	int64_t wide = strtoll(text, NULL, 10);
	double real = strtod(text, kind == 'f' || kind == 'd' ? &end : NULL);
	float single = (float)real;
	const void *value = kind == 'i'	  ? (const void *)&number
			    : kind == 'l' ? (const void *)&wide
			    : kind == 'f' ? (const void *)&single
					  : (const void *)&real;

	if (!*text || !end || *end)
		return -EINVAL;
	return lv2_props_add(props, key, state_types[known].uri, value,
			     kind == 'i' || kind == 'f' ? 4 : 8);
}

static int read_prop(struct lv2_props *props, char *token)
{
	char *equals = strchr(token, '='), *type, *value;
	size_t known = 0;
	long size;

	if (!equals)
		return -EINVAL;
	*equals = '\0';
	type = equals + 1;
	if (!unescape(token) || !*token)
		return -EINVAL;
	if (*type == '<') {
		value = strstr(++type, ">:");
		if (!value)
			return -EINVAL;
		*value = '\0';
		value += 2;
		size = unescape(type) ? unbase64(value) : -1;
		return size < 0 ? -EINVAL : lv2_props_add(props, token, type, value, (size_t)size);
	}
	value = strchr(type, ':');
	if (!value)
		return -EINVAL;
	*value++ = '\0';
	while (known < STATE_TYPES && strcmp(state_types[known].word, type) != 0)
		known++;
	if (known == STATE_TYPES)
		return -EINVAL;
	if (state_types[known].kind != 's')
		return read_number(props, token, known, value);
	if (!unescape(value))
		return -EINVAL;
	return lv2_props_add(props, token, state_types[known].uri, value, strlen(value) + 1);
}

int lv2_props_read(struct lv2_props *props, const char *text)
{
	char *copy = strdup(text), *rest = copy, *token;
	int res = copy ? 0 : -ENOMEM;

	while (res == 0 && (token = strsep(&rest, " ")))
		if (*token)
			res = read_prop(props, token);
	free(copy);
	if (res < 0)
		lv2_props_done(props);
	return res;
}
