/* latin1.c - see latin1.h. */
#include "latin1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What people type and ISO 8859-1 lacks: punctuation of word processors, and letters of its
 * neighbours. Only for proposals: nothing is replaced behind anybody's back. */
static const struct {
	uint32_t codepoint;
	const char *instead;
} latin1_near[] = {
	{0x2018, "'"},	{0x2019, "'"},	 {0x201a, "'"},	 {0x2032, "'"},	 {0x201c, "\""},
	{0x201d, "\""}, {0x201e, "\""},	 {0x2033, "\""}, {0x2010, "-"},	 {0x2011, "-"},
	{0x2012, "-"},	{0x2013, "-"},	 {0x2014, "-"},	 {0x2212, "-"},	 {0x2026, "..."},
	{0x2022, "*"},	{0x20ac, "EUR"}, {0x2122, "TM"}, {0x0152, "OE"}, {0x0153, "oe"},
	{0x0178, "Y"},	{0x1e9e, "SS"},	 {0x0131, "i"},	 {0x0110, "D"},	 {0x0111, "d"},
	{0x0141, "L"},	{0x0142, "l"},	 {0x0132, "IJ"}, {0x0133, "ij"}, {0x0218, "S"},
	{0x0219, "s"},	{0x021a, "T"},	 {0x021b, "t"},
};
/* The base letters of Latin Extended-A (U+0100..U+017F). */
static const char latin1_extended[] =
	"AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlL"
	"lLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";

static void near_letter(uint32_t codepoint, char ret[8])
{
	ret[0] = ret[1] = '\0';
	for (size_t i = 0; i < sizeof(latin1_near) / sizeof(latin1_near[0]); i++)
		if (latin1_near[i].codepoint == codepoint) {
			snprintf(ret, 8, "%s", latin1_near[i].instead);
			return;
		}
	if (codepoint >= 0x100 && codepoint - 0x100 < sizeof(latin1_extended) - 1)
		ret[0] = latin1_extended[codepoint - 0x100];
}

/* One letter of TEXT; how many bytes it has, 0 when they are no UTF-8 (RFC 3629). */
static size_t utf8_letter(const char *text, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *bytes = (const unsigned char *)text;
	size_t n = bytes[0] < 0x80			 ? 1
		   : bytes[0] >= 0xc2 && bytes[0] < 0xe0 ? 2
		   : bytes[0] >= 0xe0 && bytes[0] < 0xf0 ? 3
		   : bytes[0] >= 0xf0 && bytes[0] < 0xf5 ? 4
							 : 0;
	uint32_t codepoint = n == 1 ? bytes[0] : n ? bytes[0] & (0x7fu >> n) : 0;

	for (size_t i = 1; i < n; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		codepoint = codepoint << 6 | (bytes[i] & 0x3f);
	}
	if (n == 0 || codepoint < least[n] || codepoint > 0x10ffff ||
	    (codepoint >= 0xd800 && codepoint < 0xe000))
		return 0;
	*ret = codepoint;
	return n;
}

static bool is_printable(uint32_t codepoint)
{
	return (codepoint >= 0x20 && codepoint < 0x7f) || (codepoint >= 0xa0 && codepoint < 0x100);
}

bool latin1_from_utf8(const char *text, char *ret, size_t size, struct latin1_fault *fault)
{
	size_t used = 0;

	while (*text && used + 1 < size) {
		uint32_t codepoint = 0;
		size_t n = utf8_letter(text, &codepoint);

		if (!is_printable(codepoint)) {
			*fault = (struct latin1_fault){.codepoint = codepoint};
			memcpy(fault->letter, n ? text : "?", n ? n : 1);
			near_letter(codepoint, fault->instead);
			return false;
		}
		ret[used++] = (char)codepoint;
		text += n;
	}
	ret[used] = '\0';
	return true;
}

char *latin1_to_utf8(const char *bytes, size_t n)
{
	char *text = malloc(2 * n + 1), *at = text;

	if (!text)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (!is_printable(c))
			c = '?';
		if (c >= 0x80) {
			*at++ = (char)(0xc0 | c >> 6);
			c = 0x80 | (c & 0x3f);
		}
		*at++ = (char)c;
	}
	*at = '\0';
	return text;
}

void latin1_plain(const char *text, char *ret, size_t size)
{
	size_t used = 0;

	ret[0] = '\0';
	while (*text && used + 8 < size) {
		char instead[8] = "?";
		uint32_t codepoint = 0;
		size_t n = utf8_letter(text, &codepoint);

		if (is_printable(codepoint)) {
			memcpy(ret + used, text, n);
			used += n;
		} else {
			near_letter(codepoint, instead);
			used += (size_t)snprintf(ret + used, size - used, "%s",
						 *instead ? instead : "?");
		}
		ret[used] = '\0';
		text += n ? n : 1;
	}
}
