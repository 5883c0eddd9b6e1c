/* cliplist_parse_setup.c - see cliplist.h: text -> list. [main]
 *
 * WHAT        The flow style of YAML 1.2 (section 7.4) for a list of maps of scalars, and no more of it:
 *             no anchors, tags, nested lists, or comments. JSON (RFC 8259) is part of it. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cliplist_private.h"

#define SCALAR_MAX (CLIPLIST_FILE_MAX + 1u)

struct parse {
	const char *text, *p;
	const char *about; /* where the fault is */
	struct mixd_fault *fault;
};

static int parse_fault(struct parse *parse, const char *at, const char *hint, const char *what)
{
	parse->about = at;
	if (*at)
		return cliplist_fault(parse->fault, hint, "%s at \"%.24s\"", what, at);
	return cliplist_fault(parse->fault, hint, "%s at the end", what);
}

static void parse_spaces(struct parse *parse)
{
	parse->p += strspn(parse->p, " \t\r\n");
}

static bool parse_sign(struct parse *parse, char sign)
{
	parse_spaces(parse);
	if (*parse->p != sign)
		return false;
	parse->p++;
	return true;
}

/* CODE as UTF-8 (RFC 3629 section 3). */
static size_t utf8_put(uint32_t code, char *out)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	out[0] = (char)(0xe0 | code >> 12);
	out[1] = (char)(0x80 | (code >> 6 & 0x3f));
	out[2] = (char)(0x80 | (code & 0x3f));
	return 3;
}

/* Behind a backslash: JSON's, of which those for control characters would be refused later. */
static int parse_escape(struct parse *parse, char *out, size_t *used)
{
	const char *begin = parse->p - 1;
	char digits[5] = "", *end;
	unsigned long code;

	if (strchr("\"\\/", *parse->p) && *parse->p) {
		out[(*used)++] = *parse->p++;
		return 0;
	}
	if (*parse->p == 'u') {
		snprintf(digits, sizeof(digits), "%.4s", parse->p + 1);
		code = strtoul(digits, &end, 16);
		if (strlen(digits) == 4 && !*end && isxdigit((unsigned char)digits[0]) &&
		    code >= 0x20 && (code < 0xd800 || code > 0xdfff)) {
			parse->p += 5;
			*used += utf8_put((uint32_t)code, out + *used);
			return 0;
		}
	}
	return parse_fault(parse, begin, "write the character itself", "no such escape");
}

static int parse_quoted(struct parse *parse, char *out)
{
	const char *begin = parse->p;
	char quote = *parse->p++;
	size_t used = 0;
	int r = 0;

	while (r == 0) {
		char c = *parse->p;

		if (!c)
			return parse_fault(parse, begin, "close the quotes", "an open text");
		if (used + 4 > SCALAR_MAX)
			return parse_fault(parse, begin, "shorten it", "too long a text");
		parse->p++;
		if (quote == '"' && c == '\\')
			r = parse_escape(parse, out, &used);
		else if (c != quote)
			out[used++] = c;
		else if (quote == '\'' && *parse->p == '\'')
			out[used++] = *parse->p++;
		else
			break;
	}
	out[used] = '\0';
	return r;
}

/* A colon ends a plain key; in a value ("1:23") it is one when a space follows, which is a mistake. */
static int parse_plain(struct parse *parse, bool is_key, char *out)
{
	const char *begin = parse->p, *end;
	size_t size;

	end = begin + strcspn(begin, ",[]{}\"'#\r\n");
	for (const char *p = begin; p < end; p++)
		if (*p == ':' && (is_key || isspace((unsigned char)p[1])))
			end = p;
	size = (size_t)(end - begin);
	parse->p = end;
	while (size && isspace((unsigned char)begin[size - 1]))
		size--;
	if (size == 0)
		return parse_fault(parse, begin, "write {file: vox.wav, at: 0s}",
				   "nothing is said");
	if (strchr("&*!|>%@`", *begin))
		return parse_fault(parse, begin, "put it in quotes", "a text begins with a sign");
	if (size >= SCALAR_MAX)
		return parse_fault(parse, begin, "shorten it", "too long a text");
	memcpy(out, begin, size);
	out[size] = '\0';
	return 0;
}

static int parse_scalar(struct parse *parse, bool is_key, char *out)
{
	parse_spaces(parse);
	if (*parse->p == '"' || *parse->p == '\'')
		return parse_quoted(parse, out);
	return parse_plain(parse, is_key, out);
}

/* "key: value" of CLIP; SEEN has a bit for each key that was there. */
static int parse_pair(struct parse *parse, struct clip *clip, uint32_t *seen)
{
	char key[SCALAR_MAX], value[SCALAR_MAX];
	const char *begin, *value_begin;
	bool known = false;
	int r;

	parse_spaces(parse);
	begin = parse->p;
	r = parse_scalar(parse, true, key);
	if (r < 0)
		return r;
	if (!parse_sign(parse, ':'))
		return parse_fault(parse, parse->p, "write key: value", "no colon");
	for (uint32_t i = 0; cliplist_keys[i]; i++) {
		if (strcmp(cliplist_keys[i], key) != 0)
			continue;
		known = true;
		if (*seen & 1u << i)
			return parse_fault(parse, begin, "keep one of the two",
					   "a key is there twice");
		*seen |= 1u << i;
	}
	parse_spaces(parse);
	value_begin = parse->p;
	r = parse_scalar(parse, false, value);
	if (r < 0)
		return r;
	r = clip_set(clip, key, value, parse->fault);
	if (r == -EINVAL)
		parse->about = known ? value_begin : begin;
	return r;
}

static int parse_clip(struct parse *parse, struct clip *clip)
{
	const char *begin;
	uint32_t seen = 0;
	int r = 0;

	parse_spaces(parse);
	begin = parse->p;
	if (!parse_sign(parse, '{'))
		return parse_fault(parse, begin, "write {file: vox.wav, at: 0s}", "no clip");
	parse_spaces(parse);
	if (*parse->p != '}')
		do {
			parse_spaces(parse);
			if (*parse->p == '}')
				break; /* a comma at the end is no mistake */
			r = parse_pair(parse, clip, &seen);
		} while (r == 0 && parse_sign(parse, ','));
	if (r < 0)
		return r;
	if (!parse_sign(parse, '}'))
		return parse_fault(parse, parse->p, "write a comma, or close with }",
				   "a clip goes on");
	r = clip_check(clip, parse->fault);
	if (r < 0)
		parse->about = begin;
	return r;
}

static int parse_clips(struct parse *parse, struct cliplist *list)
{
	int r = 0;

	do {
		struct clip clip;

		parse_spaces(parse);
		if (*parse->p == ']')
			break;
		clip_init(&clip);
		parse->about = parse->p;
		r = parse_clip(parse, &clip);
		if (r == 0)
			r = cliplist_insert(list, list->n, &clip, parse->fault);
		if (r < 0)
			clip_done(&clip);
	} while (r == 0 && parse_sign(parse, ','));
	if (r < 0)
		return r == -ENOSPC ? -EINVAL : r;
	if (!parse_sign(parse, ']'))
		return parse_fault(parse, parse->p, "write a comma, or close with ]",
				   "the list goes on");
	parse_spaces(parse);
	return *parse->p ? parse_fault(parse, parse->p, "remove it", "more behind the list") : 0;
}

/* The name of a file alone. */
static int parse_file(struct parse *parse, struct cliplist *list)
{
	struct clip clip;
	int r;

	clip_init(&clip);
	r = clip_set(&clip, "file", parse->p, parse->fault);
	if (r == 0)
		r = cliplist_insert(list, 0, &clip, parse->fault);
	if (r < 0)
		clip_done(&clip);
	return r;
}

int cliplist_parse(const char *text, struct cliplist *ret, size_t *ret_at, struct mixd_fault *fault)
{
	struct parse parse = {.text = text, .p = text, .about = text, .fault = fault};
	struct cliplist list = {0};
	int r = 0;

	parse_spaces(&parse);
	if (*parse.p == '[') {
		parse.p++;
		r = parse_clips(&parse, &list);
	} else if (*parse.p == '{') {
		r = parse_fault(&parse, parse.p, "put brackets around: [{...}]", "no list");
	} else if (*parse.p) {
		r = parse_file(&parse, &list);
	}
	if (r < 0) {
		cliplist_done(&list);
		if (ret_at)
			*ret_at = (size_t)(parse.about - text);
		return r;
	}
	*ret = list;
	return 0;
}
