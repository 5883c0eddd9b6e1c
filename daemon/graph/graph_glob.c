/* graph_glob.c - globs: * ? [a-z] [!a-z] {a,b} and **; see graph_model.h.
 *
 * SOURCE      two points to go back to instead of recursion: R. van Engelen, "Fast String Matching
 *             with Wildcards, Globs, and Gitignore-Style Globs", Dr. Dobb's / Genivia, 2019. Time is
 *             at most quadratic in the text for each alternative of the braces. */
#include "graph_model.h"

#include <string.h>

#define GLOB_MAX 256u
#define GLOB_ALTERNATIVES_MAX 64u

/* The character class at GLOB ("[...]") against C. Returns what follows it, NULL when it does not
 * end: then '[' is a letter like any other. */
static const char *class_match(const char *glob, char c, bool *ret_match)
{
	bool negate = glob[1] == '!' || glob[1] == '^';
	const char *p = glob + 1 + negate;
	bool match = false, first = true;

	for (; *p && (*p != ']' || first); first = false) {
		if (p[1] == '-' && p[2] && p[2] != ']') {
			match |= (unsigned char)c >= (unsigned char)p[0] &&
				 (unsigned char)c <= (unsigned char)p[2];
			p += 3;
		} else {
			match |= *p++ == c;
		}
	}
	if (*p != ']')
		return NULL;
	*ret_match = match != negate && c != '/';
	return p + 1;
}

/* One letter of the glob against C: what follows in the glob, NULL when it does not match. */
static const char *letter_match(const char *glob, char c)
{
	const char *after;
	bool match;

	switch (*glob) {
	case '\0':
		return NULL;
	case '?':
		return c != '/' ? glob + 1 : NULL;
	case '[':
		after = class_match(glob, c, &match);
		if (after)
			return match ? after : NULL;
		break;
	default:
		break;
	}
	return *glob == c ? glob + 1 : NULL;
}

/* Without braces. */
static bool plain_match(const char *glob, const char *text)
{
	const char *star_glob = NULL, *star_text = NULL; /* '*': stops at '/' */
	const char *deep_glob = NULL, *deep_text = NULL; /* "**" */

	while (*text || *glob == '*') {
		const char *after;

		if (glob[0] == '*' && glob[1] == '*') {
			deep_glob = glob += 2;
			deep_text = text;
			star_glob = NULL;
			continue;
		}
		if (glob[0] == '*') {
			star_glob = ++glob;
			star_text = text;
			continue;
		}
		after = letter_match(glob, *text);
		if (after) {
			glob = after;
			text++;
		} else if (star_glob && *star_text != '/') {
			glob = star_glob;
			text = ++star_text;
		} else if (deep_glob) {
			glob = deep_glob;
			text = ++deep_text;
			star_glob = NULL;
		} else {
			return false;
		}
	}
	return *glob == '\0';
}

/* The braces of a glob, one alternative after the other, without recursion: alternative CHOICE (a
 * mixed-radix number) written to BUF. False when there is no such alternative or the glob is too
 * long. Braces do not nest; an unclosed one is a letter. */
static bool braces_expand(const char *glob, uint32_t choice, char *buf)
{
	size_t used = 0;

	while (*glob) {
		const char *end = *glob == '{' ? strchr(glob, '}') : NULL;
		uint32_t n = 1, pick;

		if (!end) {
			if (used + 1 >= GLOB_MAX)
				return false;
			buf[used++] = *glob++;
			continue;
		}
		for (const char *p = glob; p < end; p++)
			n += *p == ',';
		pick = choice % n;
		choice /= n;
		for (glob++; pick > 0; glob++)
			pick -= *glob == ',';
		for (; glob < end && *glob != ','; glob++) {
			if (used + 1 >= GLOB_MAX)
				return false;
			buf[used++] = *glob;
		}
		glob = end + 1;
	}
	buf[used] = '\0';
	return choice == 0;
}

bool graph_glob_match(const char *glob, const char *text)
{
	char buf[GLOB_MAX];

	if (!strchr(glob, '{'))
		return strlen(glob) < GLOB_MAX && plain_match(glob, text);
	for (uint32_t choice = 0; choice < GLOB_ALTERNATIVES_MAX; choice++) {
		if (!braces_expand(glob, choice, buf))
			return false;
		if (plain_match(buf, text))
			return true;
	}
	return false;
}
