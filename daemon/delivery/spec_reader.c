/* spec_reader.c - see spec_reader.h. */
#include "spec_reader.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int spec_reader_fault(struct spec_reader *reader, const struct session_node *node, const char *hint,
		      const char *fmt, ...)
{
	char text[256];
	va_list args;
	int r;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	r = session_doc_error(reader->name, node, reader->err, "%s", text);
	if (hint)
		error_hint(reader->err, "%s", hint);
	return r;
}

int spec_reader_unknown(struct spec_reader *reader, const struct session_node *node,
			const char *what, const char *word, const char *const *words, uint32_t n)
{
	const char *nearest = error_nearest(word, words, n);
	char hint[320];
	size_t used = 0;

	if (nearest) {
		snprintf(hint, sizeof(hint), "did you mean %s?", nearest);
	} else {
		used = (size_t)snprintf(hint, sizeof(hint), "one of");
		for (uint32_t i = 0; i < n; i++) {
			bool fits = used + strlen(words[i]) + 6 < sizeof(hint);

			used += (size_t)snprintf(hint + used, sizeof(hint) - used, " %s",
						 fits ? words[i] : "...");
			if (!fits)
				break;
		}
	}
	return spec_reader_fault(reader, node, hint, "there is no %s \"%.60s\"", what, word);
}

int spec_reader_keys(struct spec_reader *reader, const struct session_node *map,
		     const char *const *words, uint32_t n)
{
	for (const struct session_node *value = map->first; value; value = value->next) {
		bool known = false;

		for (uint32_t i = 0; i < n; i++)
			known |= strcmp(value->key->text, words[i]) == 0;
		if (!known)
			return spec_reader_unknown(reader, value->key, "key", value->key->text,
						   words, n);
	}
	return 0;
}

int spec_reader_kind(struct spec_reader *reader, const struct session_node *node,
		     enum session_kind kind)
{
	static const char *const words[] = {"one value", "a list", "keys with values"};

	if (node->kind == kind)
		return 0;
	return spec_reader_fault(reader, node, NULL, "%s must be %s",
				 node->key ? node->key->text : "the file", words[kind]);
}

int spec_reader_text(struct spec_reader *reader, const struct session_node *map, const char *key,
		     const char *otherwise, const char **ret)
{
	const struct session_node *node = session_doc_get(map, key);

	*ret = otherwise;
	if (!node)
		return 0;
	if (spec_reader_kind(reader, node, SESSION_SCALAR) < 0)
		return -EINVAL;
	if (!node->text[0])
		return spec_reader_fault(reader, node, "write it, or leave the key out",
					 "%s is empty", key);
	*ret = spec_keep(reader->set, node->text);
	return *ret ? 0 : error_no_memory(reader->err);
}

/* Units that a figure of UNIT may be written with. */
static bool reader_unit_fits(const char *unit, const char *text, double *factor)
{
	static const struct {
		const char *unit, *text;
		double factor;
	} others[] = {
		{"LUFS", "LKFS", 1}, {"LU", "dB", 1},	  {"dBFS", "dB", 1},  {"dBTP", "dB", 1},
		{"dB", "LU", 1},     {"Hz", "kHz", 1000}, {"s", "min", 60},   {"s", "h", 3600},
		{"s", "ms", 0.001},  {"kbps", "kb/s", 1}, {"bits", "bit", 1}, {"dBTP", "dBFS", 1},
	};

	*factor = 1;
	if (!*text || strcasecmp(text, unit) == 0)
		return true;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(others[i].unit, unit) == 0 && strcasecmp(others[i].text, text) == 0) {
			*factor = others[i].factor;
			return true;
		}
	return false;
}

int spec_reader_figure(struct spec_reader *reader, const struct session_node *node,
		       const char *unit, double *ret)
{
	const char *what = node->key ? node->key->text : "the value";
	const char *text = node->text;
	double factor;
	char *end;
	char hint[96];

	if (spec_reader_kind(reader, node, SESSION_SCALAR) < 0)
		return -EINVAL;
	*ret = strtod(text, &end);
	snprintf(hint, sizeof(hint), "want a number%s%s", *unit ? " in " : "", unit);
	if (end == text || !isfinite(*ret) || strpbrk(text, "xX"))
		return spec_reader_fault(reader, node, hint, "%s \"%.40s\" is no number", what,
					 text);
	while (*end == ' ')
		end++;
	if (!reader_unit_fits(unit, end, &factor))
		return spec_reader_fault(reader, node, hint, "%s has the unit \"%.20s\"", what,
					 end);
	*ret *= factor;
	return 0;
}

int spec_reader_number(struct spec_reader *reader, const struct session_node *map, const char *key,
		       const char *unit, double *ret)
{
	const struct session_node *node = session_doc_get(map, key);

	return node ? spec_reader_figure(reader, node, unit, ret) : 0;
}

int spec_reader_choice(struct spec_reader *reader, const struct session_node *map, const char *key,
		       const char *const *words, uint32_t n, uint32_t *ret)
{
	const struct session_node *node = session_doc_get(map, key);

	if (!node)
		return 0;
	if (spec_reader_kind(reader, node, SESSION_SCALAR) < 0)
		return -EINVAL;
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(words[i], node->text) == 0) {
			*ret = i;
			return 0;
		}
	return spec_reader_unknown(reader, node, key, node->text, words, n);
}
