/* output.c - listings, documents and the words for changes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mixctl.h"

bool output_is_terminal(void)
{
	return isatty(STDOUT_FILENO);
}

bool output_color(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return output_is_terminal() && !(no_color && *no_color) &&
	       !(term && strcmp(term, "dumb") == 0);
}

/* By the environment: reading the locale's files would cost more than the question is worth. */
bool output_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < 3; i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "UTF-8") || strcasestr(value, "UTF8");
	}
	return false;
}

struct doc *output_object(const char *kind)
{
	struct doc *object = doc_object();

	doc_set(object, "schema", doc_integer(MIXCTL_SCHEMA));
	doc_set(object, "kind", doc_text(kind));
	return object;
}

void output_doc(struct mixctl *m, struct doc *object)
{
	enum format format = mixctl_format(m, FORMAT_JSON);

	if (format == FORMAT_YAML)
		doc_write_yaml(stdout, object);
	else
		doc_write_json(stdout, object, format == FORMAT_JSON);
	putchar('\n');
	doc_free(object);
}

void output_line(struct doc *object)
{
	doc_write_json(stdout, object, false);
	putchar('\n');
	fflush(stdout);
	doc_free(object);
}

/* ---- listings ----------------------------------------------------------------------------- */

static size_t listing_n_columns(const struct listing *listing)
{
	size_t n = 0;

	while (listing->columns[n])
		n++;
	return n;
}

void listing_add(struct listing *listing, struct doc *item, const char *const *cells)
{
	size_t n = listing_n_columns(listing);
	char **row = mixctl_alloc(n * sizeof(*row));

	for (size_t i = 0; i < n; i++)
		row[i] = mixctl_strdup(cells[i] ? cells[i] : "");
	if (!(listing->n_rows & (listing->n_rows - 1))) { /* grows at powers of two */
		size_t capacity = listing->n_rows ? 2 * listing->n_rows : 1;

		listing->rows = mixctl_realloc(listing->rows, capacity * sizeof(*listing->rows));
	}
	listing->rows[listing->n_rows++] = row;
	if (!listing->items)
		listing->items = doc_array();
	doc_add(listing->items, item);
}

/* Characters, not bytes. */
static int listing_width(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

static void listing_print_table_row(const struct listing *listing, const int *widths,
				    const char *const *cells, bool header)
{
	size_t n = listing_n_columns(listing);

	for (size_t i = 0; i < n; i++) {
		if (header)
			for (const char *p = cells[i]; *p; p++)
				putchar(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
		else
			fputs(cells[i], stdout);
		if (i + 1 < n)
			printf("%*s", widths[i] - listing_width(cells[i]) + 2, "");
	}
	putchar('\n');
}

static void listing_print_table(const struct mixctl *m, const struct listing *listing)
{
	size_t n = listing_n_columns(listing);
	int *widths = mixctl_alloc(n * sizeof(*widths));

	for (size_t i = 0; i < n; i++) {
		widths[i] = m->options.no_headers ? 0 : listing_width(listing->columns[i]);
		for (size_t r = 0; r < listing->n_rows; r++) {
			int width = listing_width(listing->rows[r][i]);

			if (width > widths[i])
				widths[i] = width;
		}
	}
	if (!m->options.no_headers)
		listing_print_table_row(listing, widths, listing->columns, true);
	for (size_t r = 0; r < listing->n_rows; r++)
		listing_print_table_row(listing, widths, (const char *const *)listing->rows[r],
					false);
	free(widths);
}

/* RFC 4180 */
static void listing_print_csv_row(const char *const *cells, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool quote = cells[i][strcspn(cells[i], ",\"\r\n")] != 0;

		if (i > 0)
			putchar(',');
		if (quote)
			putchar('"');
		for (const char *p = cells[i]; *p; p++) {
			if (*p == '"')
				putchar('"');
			putchar(*p);
		}
		if (quote)
			putchar('"');
	}
	fputs("\r\n", stdout);
}

int listing_print(struct mixctl *m, struct listing *listing)
{
	size_t n = listing_n_columns(listing);
	struct doc *object;

	if (!listing->items)
		listing->items = doc_array();
	switch (mixctl_format(m, FORMAT_TABLE)) {
	case FORMAT_TABLE:
		listing_print_table(m, listing);
		break;
	case FORMAT_CSV:
		if (!m->options.no_headers)
			listing_print_csv_row(listing->columns, n);
		for (size_t r = 0; r < listing->n_rows; r++)
			listing_print_csv_row((const char *const *)listing->rows[r], n);
		break;
	case FORMAT_NAME:
		for (size_t r = 0; r < listing->n_rows; r++)
			puts(listing->rows[r][0]);
		break;
	case FORMAT_JSONL:
		for (size_t i = 0; i < doc_size(listing->items); i++) {
			doc_write_json(stdout, doc_at(listing->items, i), false);
			putchar('\n');
		}
		break;
	default:
		object = output_object(listing->kind);
		doc_set(object, "revision", doc_unsigned(listing->revision));
		output_doc(m, doc_set(object, "items", listing->items));
	}
	return EXIT_YES;
}

/* ---- changes in words --------------------------------------------------------------------- */

char *output_value(const Mixd__V1__Value *value)
{
	char buf[32];

	if (!value)
		return mixctl_strdup("");
	switch (value->kind_case) {
	case MIXD__V1__VALUE__KIND_FLAG:
		return mixctl_strdup(value->flag ? "on" : "off");
	case MIXD__V1__VALUE__KIND_TEXT:
		return mixctl_strdup(value->text);
	case MIXD__V1__VALUE__KIND_NUMBER:
		doc_format_number(value->number, buf);
		return mixctl_strdup(buf);
	default:
		return mixctl_strdup("");
	}
}

static char *output_envelope(const Mixd__V1__Envelope *envelope)
{
	char *text;

	if (envelope->n_points == 0)
		return mixctl_printf("automate %s: cleared", envelope->address);
	text = mixctl_printf("automate %s", envelope->address);
	for (size_t i = 0; i < envelope->n_points; i++) {
		char at[32], value[32];

		doc_format_number(envelope->points[i]->at_ms, at);
		doc_format_number(envelope->points[i]->value, value);
		text = mixctl_printf("%s %sms=%s", text, at, value);
	}
	return *envelope->curve ? mixctl_printf("%s --curve %s", text, envelope->curve) : text;
}

static char *output_link(const Mixd__V1__Link *link, const char *verb)
{
	char gain[32];

	if (link->gain_db == 0)
		return mixctl_printf("%s %s %s", verb, link->from, link->to);
	doc_format_number(link->gain_db, gain);
	return mixctl_printf("%s %s %s --gain=%sdB", verb, link->from, link->to, gain);
}

char *output_change(const Mixd__V1__Change *change)
{
	char value[32];

	switch (change->change_case) {
	case MIXD__V1__CHANGE__CHANGE_NODE_ADDED:
		return mixctl_printf("add %s %s", change->node_added->type,
				     change->node_added->name);
	case MIXD__V1__CHANGE__CHANGE_NODE_REMOVED:
		return mixctl_printf("rm %s", change->node_removed);
	case MIXD__V1__CHANGE__CHANGE_NODE_RENAMED:
		return mixctl_printf("mv %s %s", change->node_renamed->from,
				     change->node_renamed->to);
	case MIXD__V1__CHANGE__CHANGE_PARAM:
		return mixctl_printf("set %s=%s", change->param->address,
				     output_value(change->param->value));
	case MIXD__V1__CHANGE__CHANGE_LINK_ADDED:
		return output_link(change->link_added, "link");
	case MIXD__V1__CHANGE__CHANGE_LINK_REMOVED:
		return mixctl_printf("unlink %s %s", change->link_removed->from,
				     change->link_removed->to);
	case MIXD__V1__CHANGE__CHANGE_ENVELOPE:
		return output_envelope(change->envelope);
	case MIXD__V1__CHANGE__CHANGE_ALARM:
		return mixctl_printf("alarm %s%s%s %s: %s", change->alarm->id,
				     *change->alarm->address ? " " : "", change->alarm->address,
				     change->alarm->active ? "on" : "over", change->alarm->text);
	case MIXD__V1__CHANGE__CHANGE_CLOCK:
		return mixctl_printf("clock %s %u Hz quantum %u: %s", change->clock->state,
				     change->clock->rate, change->clock->quantum,
				     change->clock->text);
	case MIXD__V1__CHANGE__CHANGE_NODE_EVENT:
		doc_format_number(change->node_event->value, value);
		return mixctl_printf("event %s %u %s", change->node_event->name,
				     change->node_event->code, value);
	case MIXD__V1__CHANGE__CHANGE_BARRIER:
		return mixctl_printf("barrier %s", change->barrier);
	default:
		return NULL;
	}
}
