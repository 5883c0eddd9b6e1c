/* error.c - see error.h.
 *
 * SOURCE      nearest word: optimal string alignment distance (Damerau 1964, Levenshtein 1966), as
 *             in Boytsov, "Indexing methods for approximate dictionary searching", 2011, 2.2. */
#include "error.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 64u

static int error_errno(enum error_code code)
{
	switch (code) {
	case ERROR_OK:
		return 0;
	case ERROR_USAGE:
	case ERROR_INVALID:
		return -EINVAL;
	case ERROR_UNAVAILABLE:
		return -EAGAIN;
	case ERROR_NOT_FOUND:
		return -ENOENT;
	case ERROR_CONFLICT:
		return -EEXIST;
	case ERROR_DENIED:
		return -EACCES;
	case ERROR_RESOURCE:
		return -EIO;
	case ERROR_ROLLED_BACK:
		return -ECANCELED;
	case ERROR_TIMEOUT:
		return -ETIMEDOUT;
	case ERROR_INTERRUPTED:
		return -ECANCELED;
	}
	return -EINVAL;
}

int error_set(struct mixd_error *err, enum error_code code, const char *address, const char *fmt,
	      ...)
{
	char text[sizeof(err->text)];
	char place[sizeof(err->address)];
	va_list args;

	if (!err)
		return error_errno(code);
	/* by way of copies: the arguments may be parts of *ERR itself */
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (address) {
		snprintf(place, sizeof(place), "%s", address);
		memcpy(err->address, place, sizeof(place));
	}
	memcpy(err->text, text, sizeof(text));
	err->code = code;
	err->hint[0] = '\0';
	return error_errno(code);
}

int error_no_memory(struct mixd_error *err)
{
	error_set(err, ERROR_RESOURCE, NULL, "out of memory");
	error_hint(err, "make the graph smaller or give the daemon more memory");
	return -ENOMEM;
}

void error_hint(struct mixd_error *err, const char *fmt, ...)
{
	char text[sizeof(err->hint)];
	va_list args;

	if (!err)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	memcpy(err->hint, text, sizeof(text));
}

static unsigned min_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Letters compare without case: a wrong capital is no distance. */
static unsigned word_distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *here = rows[2];

	for (size_t j = 0; j <= b_size; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= a_size; i++) {
		unsigned *spare = before;
		int ai = tolower((unsigned char)a[i - 1]);

		here[0] = (unsigned)i;
		for (size_t j = 1; j <= b_size; j++) {
			int bj = tolower((unsigned char)b[j - 1]);

			here[j] = min_of(min_of(above[j], here[j - 1]) + 1,
					 above[j - 1] + (ai != bj));
			if (i > 1 && j > 1 && ai == tolower((unsigned char)b[j - 2]) &&
			    tolower((unsigned char)a[i - 2]) == bj)
				here[j] = min_of(here[j], before[j - 2] + 1);
		}
		before = above;
		above = here;
		here = spare;
	}
	return above[b_size];
}

const char *error_nearest(const char *word, const char *const *words, uint32_t n)
{
	size_t size = strlen(word);
	const char *best = NULL;
	/* one slip in a short word, one in three letters of a long one */
	unsigned limit = (unsigned)(size < 3 ? 1 : (size + 1) / 3 + (size == 4));
	unsigned best_distance = limit + 1;

	if (size == 0 || size > WORD_MAX)
		return NULL;
	for (uint32_t i = 0; i < n; i++) {
		size_t other = words[i] ? strlen(words[i]) : 0;
		unsigned distance;

		if (other == 0 || other > WORD_MAX)
			continue;
		/* an abbreviation is meant for the whole word */
		if (size >= 2 && other > size && strncasecmp(word, words[i], size) == 0)
			distance = 1;
		else
			distance = word_distance(word, size, words[i], other);
		/* nothing in common but the length is not near */
		if (distance >= (size > other ? size : other))
			continue;
		/* slips are rare in a first letter: of two equally near the one that shares it */
		if (distance < best_distance ||
		    (best && distance == best_distance &&
		     tolower((unsigned char)best[0]) != tolower((unsigned char)word[0]) &&
		     tolower((unsigned char)words[i][0]) == tolower((unsigned char)word[0]))) {
			best = words[i];
			best_distance = distance;
		}
	}
	return best;
}
