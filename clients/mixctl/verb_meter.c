/* verb_meter.c - meter: frames of meter values as JSONL, CSV, or a live view of the terminal. */
#include <stdlib.h>
#include <string.h>

#include "meter_view.h"
#include "mixctl.h"

static void meter_print_json(const Mixd__V1__MeterLeaseReply *columns,
			     const struct meter_labels *labels, const struct mixd_client_news *news)
{
	const Mixd__V1__Meters *meters = news->meters;
	struct doc *object = output_object("meters"), *values = doc_object();

	doc_set(object, "seq", doc_unsigned(meters->seq));
	doc_set(object, "lost", doc_unsigned(news->lost));
	doc_set(object, "position", doc_unsigned(meters->position));
	doc_set(object, "unix_ms", doc_unsigned(meters->unix_ms));
	for (size_t i = 0; i < meters->n_values && i < columns->n_addresses; i++) {
		const char *label = meter_labels_get(labels, i, meters->values[i]);

		doc_set(values, columns->addresses[i],
			label ? doc_text(label) : doc_number_f(meters->values[i]));
	}
	output_line(doc_set(object, "values", values));
}

static void meter_print_csv(const struct mixctl *m, const Mixd__V1__MeterLeaseReply *columns,
			    const struct meter_labels *labels, const Mixd__V1__Meters *meters,
			    bool first)
{
	if (first && !m->options.no_headers) {
		fputs("unix_ms", stdout);
		for (size_t i = 0; i < columns->n_addresses; i++)
			printf(",%s", columns->addresses[i]);
		fputs("\r\n", stdout);
	}
	printf("%llu", (unsigned long long)meters->unix_ms);
	for (size_t i = 0; i < meters->n_values && i < columns->n_addresses; i++) {
		const char *label = meter_labels_get(labels, i, meters->values[i]);

		if (label)
			printf(",%s", label);
		else
			printf(",%.9g", (double)meters->values[i]);
	}
	fputs("\r\n", stdout);
	fflush(stdout);
}

static void meter_print_state(const struct mixctl *m, enum format format, const char *state)
{
	struct doc *object;

	if (format == FORMAT_CSV)
		return;
	object = doc_set(output_object("stream"), "state", doc_text(state));
	output_line(doc_set(object, "lost", doc_unsigned(0))); /* frames say it of themselves */
}

/* One piece of news. True when it was a frame. */
static bool meter_take(struct mixctl *m, enum format format, struct meter_view *view,
		       struct meter_labels *labels, struct meter_order *order,
		       const struct mixd_client_news *news, bool first)
{
	const char *state = news->kind == MIXD_CLIENT_NEWS_DISCONNECTED ? "disconnected"
			    : news->kind == MIXD_CLIENT_NEWS_RESTARTED	? "restarted"
									: NULL;

	if (news->kind == MIXD_CLIENT_NEWS_METERS) {
		const Mixd__V1__MeterLeaseReply *columns = mixd_client_lease_columns(news->lease);

		meter_labels_update(m, labels, columns);
		if (format == FORMAT_TABLE)
			meter_order_update(m, order, columns);
		if (format == FORMAT_TABLE)
			meter_view_draw(view, columns, news->meters, news->lost);
		else if (format == FORMAT_CSV)
			meter_print_csv(m, columns, labels, news->meters, first);
		else
			meter_print_json(columns, labels, news);
		return true;
	}
	if (state && format == FORMAT_TABLE)
		meter_view_say(view, state);
	else if (state)
		meter_print_state(m, format, state);
	return false;
}

int verb_meter(struct mixctl *m)
{
	/* A live view needs a terminal; elsewhere the table is a stream of records. */
	enum format format = mixctl_format(m, output_is_terminal() ? FORMAT_TABLE : FORMAT_JSONL);
	static const char *const all[] = {"**"}; /* * stops at / */
	const char *const *patterns = m->n_args ? (const char *const *)m->args : all;
	double every_ms = m->options.every_ms > 0 ? m->options.every_ms : 100;
	double timeout_ms = m->options.timeout_ms;
	uint64_t end_unix_ms = words_now_unix_ms() + (uint64_t)timeout_ms, count = 0;
	struct mixd_client_lease *lease;
	struct meter_labels labels = {0};
	struct meter_order order = {0};
	struct meter_view view;

	m->options.timeout_ms = 0; /* of the stream, not of a request */
	if (format == FORMAT_TABLE && !output_is_terminal())
		format = FORMAT_JSONL;
	if (format == FORMAT_YAML || format == FORMAT_NAME)
		return mixctl_error(m, EXIT_USAGE, "-o", "write -o jsonl or -o csv",
				    "a stream is no %s", format_names[format]);
	if (every_ms < 10 || every_ms > 10000)
		return mixctl_error(m, EXIT_INVALID, "--every", "between 10ms and 10s",
				    "%g ms is out of range", every_ms);
	if (!mixctl_connect(m) ||
	    mixd_client_lease_new(m->client, patterns, m->n_args ? (size_t)m->n_args : 1,
				  1000 / every_ms, &lease, &m->err) < 0)
		return m->err.code;
	if (format == FORMAT_TABLE) {
		meter_view_init(&view);
		view.brief = m->n_args == 0;
		view.labels = &labels;
		view.order = &order;
	}
	while (!m->options.count || count < m->options.count) {
		struct mixd_client_news news;

		if (timeout_ms > 0 && words_now_unix_ms() >= end_unix_ms) {
			if (m->options.count)
				mixctl_too_few(m, count);
			break;
		}
		if (mixd_client_next(m->client, every_ms > 200 ? (uint32_t)every_ms : 200, &news,
				     &m->err) < 0)
			break;
		count += meter_take(m, format, &view, &labels, &order, &news, count == 0);
	}
	if (format == FORMAT_TABLE)
		meter_view_done(&view);
	return m->err.code;
}
