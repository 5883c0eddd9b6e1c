/* verb_watch.c - watch: the event stream, and wait: until something is so. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mixctl.h"

/* ---- watch -------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	Mixd__V1__Change__ChangeCase change_case;
} watch_kinds[] = {
	{"node", MIXD__V1__CHANGE__CHANGE_NODE_ADDED},
	{"node", MIXD__V1__CHANGE__CHANGE_NODE_REMOVED},
	{"node", MIXD__V1__CHANGE__CHANGE_NODE_RENAMED},
	{"param", MIXD__V1__CHANGE__CHANGE_PARAM},
	{"link", MIXD__V1__CHANGE__CHANGE_LINK_ADDED},
	{"link", MIXD__V1__CHANGE__CHANGE_LINK_REMOVED},
	{"envelope", MIXD__V1__CHANGE__CHANGE_ENVELOPE},
	{"alarm", MIXD__V1__CHANGE__CHANGE_ALARM},
	{"clock", MIXD__V1__CHANGE__CHANGE_CLOCK},
	{"event", MIXD__V1__CHANGE__CHANGE_NODE_EVENT},
	{"barrier", MIXD__V1__CHANGE__CHANGE_BARRIER},
	{"solo", MIXD__V1__CHANGE__CHANGE_SOLO},
	{"marker", MIXD__V1__CHANGE__CHANGE_MARKER},
	{"marker", MIXD__V1__CHANGE__CHANGE_MARKER_REMOVED},
	{"transport", MIXD__V1__CHANGE__CHANGE_TRANSPORT},
};
#define WATCH_N_KINDS (sizeof(watch_kinds) / sizeof(watch_kinds[0]))

/* --events -> a bit per kind of change. False: *err is filled. */
static bool watch_parse_kinds(struct mixctl *m, uint32_t *ret)
{
	char *text, *word;

	if (!m->options.events) { /* barriers are other clients' business */
		*ret = ~(1u << MIXD__V1__CHANGE__CHANGE_BARRIER);
		return true;
	}
	*ret = 0;
	text = mixctl_strdup(m->options.events);
	while ((word = strsep(&text, ","))) {
		uint32_t bits = 0;

		for (size_t i = 0; i < WATCH_N_KINDS; i++)
			if (strcmp(word, watch_kinds[i].name) == 0)
				bits |= 1u << watch_kinds[i].change_case;
		if (!bits) {
			mixctl_error(
				m, EXIT_USAGE, "--events",
				"node, param, link, envelope, alarm, clock, event, barrier, solo, "
				"marker, transport",
				"\"%s\" is no kind of event", word);
			return false;
		}
		*ret |= bits;
	}
	return true;
}

/* What the patterns are compared with; NULL: nothing particular. */
static const char *watch_address(const Mixd__V1__Change *change, const char **ret_second)
{
	*ret_second = NULL;
	switch (change->change_case) {
	case MIXD__V1__CHANGE__CHANGE_NODE_ADDED:
		return change->node_added->name;
	case MIXD__V1__CHANGE__CHANGE_NODE_REMOVED:
		return change->node_removed;
	case MIXD__V1__CHANGE__CHANGE_NODE_RENAMED:
		*ret_second = change->node_renamed->to;
		return change->node_renamed->from;
	case MIXD__V1__CHANGE__CHANGE_PARAM:
		return change->param->address;
	case MIXD__V1__CHANGE__CHANGE_LINK_ADDED:
		*ret_second = change->link_added->to;
		return change->link_added->from;
	case MIXD__V1__CHANGE__CHANGE_LINK_REMOVED:
		*ret_second = change->link_removed->to;
		return change->link_removed->from;
	case MIXD__V1__CHANGE__CHANGE_ENVELOPE:
		return change->envelope->address;
	case MIXD__V1__CHANGE__CHANGE_ALARM:
		return change->alarm->address;
	case MIXD__V1__CHANGE__CHANGE_NODE_EVENT:
		return change->node_event->name;
	case MIXD__V1__CHANGE__CHANGE_MARKER:
		return change->marker->name;
	case MIXD__V1__CHANGE__CHANGE_MARKER_REMOVED:
		return change->marker_removed;
	default:
		return NULL;
	}
}

/* PATTERN matches the address itself, or the node it belongs to. */
static bool watch_matches_address(const char *pattern, const char *address)
{
	char node[160];

	if (!address)
		return false;
	snprintf(node, sizeof(node), "%.*s", (int)strcspn(address, ".:"), address);
	return words_match(pattern, address) || words_match(pattern, node);
}

static bool watch_matches(const struct mixctl *m, const Mixd__V1__Change *change, uint32_t kinds)
{
	const char *second, *address = watch_address(change, &second);

	if (!(kinds & 1u << change->change_case))
		return false;
	if (m->n_args == 0)
		return true;
	for (int i = 0; i < m->n_args; i++)
		if (watch_matches_address(m->args[i], address) ||
		    watch_matches_address(m->args[i], second))
			return true;
	return false;
}

static void watch_print_text(const Mixd__V1__Event *event, const Mixd__V1__Change *change)
{
	time_t t = (time_t)(event->unix_ms / 1000);
	char *text = output_change(change), when[16];
	struct tm tm;

	if (!text)
		return;
	strftime(when, sizeof(when), "%H:%M:%S", localtime_r(&t, &tm));
	printf("%s.%03u  r%llu  %s%s%s\n", when, (unsigned)(event->unix_ms % 1000),
	       (unsigned long long)event->revision, text, *event->by ? "  by " : "", event->by);
	free(text);
}

static bool watch_print_event(const struct mixctl *m, const Mixd__V1__Event *event, uint32_t kinds)
{
	bool text = mixctl_format(m, FORMAT_TABLE) == FORMAT_TABLE;
	struct doc *changes = doc_array(), *object;

	for (size_t i = 0; i < event->n_changes; i++) {
		if (!watch_matches(m, event->changes[i], kinds))
			continue;
		if (text)
			watch_print_text(event, event->changes[i]);
		doc_add(changes, doc_from_message(&event->changes[i]->base));
	}
	if (doc_size(changes) == 0) {
		doc_free(changes);
		return false;
	}
	if (text) {
		doc_free(changes);
		fflush(stdout);
		return true;
	}
	object = output_object("event");
	doc_set(object, "seq", doc_unsigned(event->seq));
	doc_set(object, "revision", doc_unsigned(event->revision));
	doc_set(object, "unix_ms", doc_unsigned(event->unix_ms));
	doc_set(object, "by", doc_text(event->by));
	output_line(doc_set(object, "changes", changes));
	return true;
}

/* What is not an event: said in the stream, so that nobody takes silence for peace. */
static void watch_print_news(const struct mixctl *m, const struct mixd_client_news *news)
{
	const char *state = news->kind == MIXD_CLIENT_NEWS_LOST		  ? "lost"
			    : news->kind == MIXD_CLIENT_NEWS_DISCONNECTED ? "disconnected"
									  : "restarted";
	struct doc *object;

	if (mixctl_format(m, FORMAT_TABLE) == FORMAT_TABLE) {
		printf("-- %s", state);
		if (news->lost)
			printf(": %llu events", (unsigned long long)news->lost);
		putchar('\n');
		fflush(stdout);
		return;
	}
	object = output_object("stream");
	doc_set(object, "state", doc_text(state));
	output_line(doc_set(object, "lost", doc_unsigned(news->lost)));
}

int verb_watch(struct mixctl *m)
{
	double timeout_ms = m->options.timeout_ms;
	uint64_t end_unix_ms = words_now_unix_ms() + (uint64_t)timeout_ms, count = 0;
	struct mixd_client_news news;
	uint32_t kinds;

	m->options.timeout_ms = 0; /* of the stream, not of a request */
	if (!watch_parse_kinds(m, &kinds))
		return m->err.code;
	if (!mixctl_connect(m) || mixd_client_watch(m->client, &m->err) < 0)
		return m->err.code;
	for (;;) {
		uint64_t now_unix_ms = words_now_unix_ms();
		uint32_t wait_ms = 1000;

		if (timeout_ms > 0 && now_unix_ms >= end_unix_ms)
			return m->options.count ? mixctl_too_few(m, count) : EXIT_YES;
		if (timeout_ms > 0 && end_unix_ms - now_unix_ms < wait_ms)
			wait_ms = (uint32_t)(end_unix_ms - now_unix_ms);
		if (mixd_client_next(m->client, wait_ms, &news, &m->err) < 0)
			return m->err.code;
		if (news.kind == MIXD_CLIENT_NEWS_EVENT)
			count += watch_print_event(m, news.event, kinds);
		else if (news.kind != MIXD_CLIENT_NEWS_NONE)
			watch_print_news(m, &news);
		if (m->options.count && count >= m->options.count)
			return EXIT_YES;
	}
}
