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

	while (n > 1 && !*cells[n - 1]) /* no blanks at the end */
		n--;
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
			printf("%s%s%s\n", listing->rows[r][0], listing->pairs ? " " : "",
			       listing->pairs ? listing->rows[r][1] : "");
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

char *output_words(const char *text, const Mixd__V1__Value *value)
{
	return *text ? mixctl_strdup(text) : output_value(value);
}

static void output_envelope(FILE *file, const Mixd__V1__Envelope *envelope)
{
	char at[32], value[32];

	fprintf(file, "automate %s", envelope->address);
	if (envelope->timeline)
		fputs(" --timeline", file);
	if (envelope->n_points == 0)
		fputs(" --clear", file);
	for (size_t i = 0; i < envelope->n_points; i++) {
		doc_format_number(envelope->points[i]->at_ms, at);
		doc_format_number(envelope->points[i]->value, value);
		fprintf(file, " %sms=%s", at,
			*envelope->points[i]->text ? envelope->points[i]->text : value);
	}
	if (envelope->n_points && *envelope->curve)
		fprintf(file, " --curve %s", envelope->curve);
}

static void output_link(FILE *file, const Mixd__V1__Link *link, const char *verb)
{
	char gain[32];

	fprintf(file, "%s %s %s", verb, link->from, link->to);
	doc_format_number(link->gain_db, gain);
	if (link->gain_db <= -144)
		fputs(" level=-inf", file);
	else if (link->gain_db != 0)
		fprintf(file, " level=%sdB", gain);
	for (size_t i = 0; i < link->n_settings; i++) {
		char *value = output_words(link->settings[i]->text, link->settings[i]->value);

		fprintf(file, " %s=%s", link->settings[i]->id, value);
		free(value);
	}
}

static void output_node(FILE *file, const Mixd__V1__Node *node)
{
	fprintf(file, "add %s %s", node->type, node->name);
	for (size_t i = 0; i < node->n_settings; i++) {
		char *value = output_words(node->settings[i]->text, node->settings[i]->value);

		fprintf(file, " %s=%s", node->settings[i]->id, value);
		free(value);
	}
}

static void output_param(FILE *file, const Mixd__V1__ParamChanged *param)
{
	char *value = output_words(param->text, param->value);

	fprintf(file, "set %s=%s", param->address, value);
	free(value);
}

static void output_alarm(FILE *file, const Mixd__V1__Alarm *alarm)
{
	fprintf(file, "alarm %s%s%s %s: %s", alarm->id, *alarm->address ? " " : "", alarm->address,
		alarm->active ? "on" : "over", alarm->text);
}

/* What happens beside changes of the graph. False: not known to this version. */
static bool output_happening(FILE *file, const Mixd__V1__Change *change)
{
	char value[32];

	switch (change->change_case) {
	case MIXD__V1__CHANGE__CHANGE_ALARM:
		output_alarm(file, change->alarm);
		return true;
	case MIXD__V1__CHANGE__CHANGE_CLOCK:
		fprintf(file, "clock %s %u Hz quantum %u: %s", change->clock->state,
			change->clock->rate, change->clock->quantum, change->clock->text);
		return true;
	case MIXD__V1__CHANGE__CHANGE_NODE_EVENT:
		doc_format_number(change->node_event->value, value);
		fprintf(file, "event %s %u %s", change->node_event->name, change->node_event->code,
			value);
		return true;
	case MIXD__V1__CHANGE__CHANGE_BARRIER:
		fprintf(file, "barrier %s", change->barrier);
		return true;
	case MIXD__V1__CHANGE__CHANGE_MARKER:
		doc_format_number(change->marker->at_s, value);
		fprintf(file, "marker add %s %ss", change->marker->name, value);
		return true;
	case MIXD__V1__CHANGE__CHANGE_MARKER_REMOVED:
		fprintf(file, "marker rm %s", change->marker_removed);
		return true;
	case MIXD__V1__CHANGE__CHANGE_TRANSPORT:
		fprintf(file, "transport %s", transport_text(change->transport));
		return true;
	case MIXD__V1__CHANGE__CHANGE_SOLO:
		fputs(change->solo->n_soloed ? "solo" : "solo --clear", file);
		for (size_t i = 0; i < change->solo->n_soloed; i++)
			fprintf(file, " %s (%s)", change->solo->soloed[i]->name,
				change->solo->soloed[i]->mode);
		return true;
	default:
		return false;
	}
}

static bool output_change_to(FILE *file, const Mixd__V1__Change *change)
{
	switch (change->change_case) {
	case MIXD__V1__CHANGE__CHANGE_NODE_ADDED:
		output_node(file, change->node_added);
		return true;
	case MIXD__V1__CHANGE__CHANGE_NODE_REMOVED:
		fprintf(file, "rm %s", change->node_removed);
		return true;
	case MIXD__V1__CHANGE__CHANGE_NODE_RENAMED:
		fprintf(file, "mv %s %s", change->node_renamed->from, change->node_renamed->to);
		return true;
	case MIXD__V1__CHANGE__CHANGE_PARAM:
		output_param(file, change->param);
		return true;
	case MIXD__V1__CHANGE__CHANGE_LINK_ADDED:
		output_link(file, change->link_added, "link");
		return true;
	case MIXD__V1__CHANGE__CHANGE_LINK_REMOVED:
		fprintf(file, "unlink %s %s", change->link_removed->from, change->link_removed->to);
		return true;
	case MIXD__V1__CHANGE__CHANGE_ENVELOPE:
		output_envelope(file, change->envelope);
		return true;
	default:
		return output_happening(file, change);
	}
}

char *output_change(const Mixd__V1__Change *change)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	bool known = file && output_change_to(file, change);

	if (file)
		fclose(file);
	if (known)
		return text;
	free(text);
	return NULL;
}
