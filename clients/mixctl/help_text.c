/* help_text.c - how help and the manual page are set: lines that end between words, options, examples. */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "mixctl.h"

#define HELP_COLUMNS 100
#define HELP_COLUMNS_MIN 60

static int help_columns(void)
{
	static int columns;
	struct winsize size = {0};

	if (columns)
		return columns;
	columns = HELP_COLUMNS;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col &&
	    size.ws_col < HELP_COLUMNS)
		columns = size.ws_col < HELP_COLUMNS_MIN ? HELP_COLUMNS_MIN : size.ws_col;
	return columns;
}

/* Bytes of the word at TEXT; a span in backquotes is one, if it is not too long. */
static size_t help_word(const char *text, int *ret_letters)
{
	size_t n = strcspn(text, " \n");
	size_t quoted = *text == '`' ? strcspn(text + 1, "`\n") : 0;

	if (quoted && text[1 + quoted] == '`' && quoted < 40)
		n = quoted + 2 + strcspn(text + quoted + 2, " \n");
	*ret_letters = 0;
	for (size_t i = 0; i < n; i++)
		*ret_letters += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

void help_put(FILE *file, int column, int indent, const char *text)
{
	bool begins = true; /* a line */

	while (*text) {
		int letters;
		size_t n = help_word(text, &letters);

		if (!begins && column + 1 + letters > help_columns()) {
			fprintf(file, "\n%*s", indent, "");
			column = indent;
		} else if (!begins) {
			fputc(' ', file);
			column++;
		}
		fwrite(text, 1, n, file);
		column += letters;
		text += n;
		begins = *text == '\n' && text[1];
		if (begins) {
			fprintf(file, "\n%*s", indent, "");
			column = indent;
		}
		text += strspn(text, begins ? "\n" : " \n");
	}
	fputc('\n', file);
}

void help_put_option(FILE *file, const char *option, const char *doc)
{
	int n = fprintf(file, "  %-*s ", HELP_OPTION_COLUMNS, option);

	help_put(file, n, HELP_OPTION_COLUMNS + 3, doc);
}

void help_put_examples(const char *examples)
{
	char *text = mixctl_strdup(examples), *line;

	puts("\nexamples");
	while ((line = strsep(&text, "\n")))
		if (*line)
			printf("  mixctl %s\n", line);
}

char *help_option_words(char letter, const char *name, const char *value_name)
{
	char *text =
		letter ? mixctl_printf("-%c, --%s", letter, name) : mixctl_printf("--%s", name);

	return value_name ? mixctl_printf("%s %s", text, value_name) : text;
}

/* ---- manual page -------------------------------------------------------------------------- */

/* Text for roff: hyphens of options stay hyphens, a leading dot or quote is no request. */
void help_man(const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", stdout);
	for (; *text; text++) {
		if (*text == '-')
			fputs("\\-", stdout);
		else if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '\n')
			fputs("\n.br\n", stdout);
		else
			putchar(*text);
	}
}

void help_man_head(const char *name, const char *words, const char *doc, const char *more)
{
	printf(".SS %s ", name);
	help_man(words);
	putchar('\n');
	help_man(doc);
	fputs(".\n", stdout);
	if (more) {
		help_man(more);
		putchar('\n');
	}
}

void help_man_option(const char *option, const char *doc)
{
	fputs(".TP\n.B ", stdout);
	help_man(option);
	putchar('\n');
	help_man(doc);
	putchar('\n');
}

void help_man_examples(const char *examples)
{
	char *text = mixctl_strdup(examples), *line;

	fputs(".PP\n.nf\n.RS\n", stdout);
	while ((line = strsep(&text, "\n")))
		if (*line) {
			fputs("mixctl ", stdout);
			help_man(line);
			putchar('\n');
		}
	fputs(".RE\n.fi\n", stdout);
}
