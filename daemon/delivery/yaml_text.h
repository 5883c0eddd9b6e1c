/* yaml_text.h - a text as YAML's double-quoted scalar: whatever is in it, it comes back as it was.
 *
 * THREADS     [any] */
#pragma once

#include <stdio.h>

static inline void yaml_text(FILE *file, const char *text)
{
	fputc('"', file);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(file, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(file, "\\x%02x", c);
		else
			fputc(c, file);
	}
	fputc('"', file);
}
