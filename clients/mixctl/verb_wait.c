/* verb_wait.c - wait: for a value, a revision, the end of all ramps, or the daemon itself.
 *
 * A value is read again with every event (params) or meter frame (20 Hz, under a lease), by Get:
 * its unit and labels come with it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mixctl.h"

#define WAIT_RATE_HZ 20

enum wait_relation {
	WAIT_RELATION_AT_LEAST,
	WAIT_RELATION_AT_MOST,
	WAIT_RELATION_NOT,
	WAIT_RELATION_EQUAL,
	WAIT_RELATION_ABOVE,
	WAIT_RELATION_BELOW
};

static const struct {
	const char *text;
	enum wait_relation relation;
} wait_relations[] = {
	{">=", WAIT_RELATION_AT_LEAST}, {"<=", WAIT_RELATION_AT_MOST}, {"!=", WAIT_RELATION_NOT},
	{"==", WAIT_RELATION_EQUAL},	{">", WAIT_RELATION_ABOVE},    {"<", WAIT_RELATION_BELOW},
	{"=", WAIT_RELATION_EQUAL},
};

struct wait_condition {
	char *address;
	enum wait_relation relation;
	const char *wanted;
	char last[64]; /* the value seen last, in words */
};

static bool wait_compare(enum wait_relation relation, double value, double wanted)
{
	switch (relation) {
	case WAIT_RELATION_AT_LEAST:
		return value >= wanted;
	case WAIT_RELATION_AT_MOST:
		return value <= wanted;
	case WAIT_RELATION_ABOVE:
		return value > wanted;
	case WAIT_RELATION_BELOW:
		return value < wanted;
	case WAIT_RELATION_NOT:
		return value != wanted;
	default:
		return value == wanted || fabs(value - wanted) <= 1e-9 * fabs(wanted);
	}
}

/* 1: it is so; 0: not yet; -1: *err is filled. */
static int wait_check(struct mixctl *m, struct wait_condition *condition,
		      const Mixd__V1__Reading *reading)
{
	double value = 0, wanted;
	const char *why;

	snprintf(condition->last, sizeof(condition->last), "%s", reading->text);
	if (condition->relation == WAIT_RELATION_EQUAL || condition->relation == WAIT_RELATION_NOT)
		if (strcmp(reading->text, condition->wanted) == 0)
			return condition->relation == WAIT_RELATION_EQUAL;
	if (reading->value && reading->value->kind_case == MIXD__V1__VALUE__KIND_NUMBER)
		value = reading->value->number;
	else if (reading->value && reading->value->kind_case == MIXD__V1__VALUE__KIND_FLAG)
		value = reading->value->flag;
	else
		return condition->relation == WAIT_RELATION_NOT; /* a text, and another one */
	why = words_parse_quantity(condition->wanted, reading->unit, &wanted);
	if (!why)
		return wait_compare(condition->relation, value, wanted);
	if (!*reading->unit && (condition->relation == WAIT_RELATION_EQUAL ||
				condition->relation == WAIT_RELATION_NOT))
		return condition->relation == WAIT_RELATION_NOT; /* a label, and another one */
	mixctl_error(m, EXIT_INVALID, condition->address,
		     *reading->unit ? mixctl_printf("its unit is %s", reading->unit)
				    : "it has no unit",
		     "%s %s", condition->wanted, why);
	return -1;
}

/* A value that has a name, and is compared with one that is none: it would never be so. */
static bool wait_check_label(struct mixctl *m, const struct wait_condition *condition)
{
	char **labels = NULL;
	size_t n_labels = 0;
	const char *nearest, **words;
	char *all = mixctl_strdup("");
	struct row row;

	if (rows_find(m, condition->address, &row)) {
		labels = row.param ? row.param->labels : row.meter->labels;
		n_labels = row.param ? row.param->n_labels : row.meter->n_labels;
	}
	if (n_labels == 0)
		return true; /* free text */
	words = mixctl_alloc((n_labels + 1) * sizeof(*words));
	for (size_t i = 0; i < n_labels; i++) {
		words[i] = labels[i];
		all = mixctl_printf("%s%s%s", all, i ? ", " : "", labels[i]);
		if (strcmp(labels[i], condition->wanted) == 0)
			break;
		if (i + 1 < n_labels)
			continue;
		nearest = words_nearest(condition->wanted, words);
		mixctl_error(m, EXIT_INVALID, condition->address,
			     nearest ? mixctl_printf("did you mean %s?", nearest)
				     : mixctl_printf("it is one of %s", all),
			     "is never \"%s\"", condition->wanted);
		return false;
	}
	if (condition->relation == WAIT_RELATION_EQUAL || condition->relation == WAIT_RELATION_NOT)
		return true;
	mixctl_error(m, EXIT_INVALID, condition->address,
		     mixctl_printf("write =%s or !=%s", condition->wanted, condition->wanted),
		     "its values are names, which have no order");
	return false;
}

static const Mixd__V1__Reading *wait_read(struct mixctl *m, struct wait_condition *condition,
					  Mixd__V1__Reply **ret_reply)
{
	Mixd__V1__Get get = MIXD__V1__GET__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	get.patterns = &condition->address;
	get.n_patterns = 1;
	request.op_case = MIXD__V1__REQUEST__OP_GET;
	request.get = &get;
	reply = mixctl_request(m, &request);
	if (!reply)
		return NULL;
	*ret_reply = reply;
	if (reply->get->n_readings == 1)
		return reply->get->readings[0];
	mixctl_error(m, EXIT_USAGE, condition->address, "write one NODE.PARAM", "names %zu values",
		     reply->get->n_readings);
	return NULL;
}

/* At most WAIT_MS, until something happened that may have changed what we wait for. */
static bool wait_news(struct mixctl *m, uint64_t end_unix_ms, int *ret_code)
{
	uint64_t now_unix_ms = words_now_unix_ms();
	struct mixd_client_news news;
	uint32_t wait_ms = 1000;

	if (now_unix_ms >= end_unix_ms) {
		*ret_code = EXIT_TIMED_OUT;
		return false;
	}
	if (end_unix_ms - now_unix_ms < wait_ms)
		wait_ms = (uint32_t)(end_unix_ms - now_unix_ms);
	if (mixd_client_next(m->client, wait_ms, &news, &m->err) < 0) {
		*ret_code = m->err.code;
		return false;
	}
	return true;
}

static int wait_timed_out(struct mixctl *m, const char *address, const char *last)
{
	return mixctl_error(m, EXIT_TIMED_OUT, address, NULL,
			    *last ? "not so in time; it is %s%s" : "not so in time%s%s", last, "");
}

/* ---- the transport: it is no meter of a node, and moves by itself --------------------------- */

#define WAIT_TRANSPORT_MIN_MS 2.0
#define WAIT_TRANSPORT_MAX_MS 50.0

/* 1: it is so; 0: not yet, look again in *RET_MS; -1: *err is filled. */
static int wait_transport_check(struct mixctl *m, struct wait_condition *condition,
				const Mixd__V1__TransportState *state, double *ret_ms)
{
	double wanted = 0.0, left_ms;

	*ret_ms = WAIT_TRANSPORT_MAX_MS;
	snprintf(condition->last, sizeof(condition->last), "%s", transport_text(state));
	if (strcmp(condition->address, "transport.state") == 0)
		return (strcmp(state->state, condition->wanted) == 0) ==
		       (condition->relation == WAIT_RELATION_EQUAL);
	if (!words_parse_position(condition->wanted, &wanted) &&
	    !marker_place(m, condition->wanted, &wanted)) {
		if (!m->err.code)
			mixctl_error(m, EXIT_INVALID, condition->address,
				     "write a marker, or a time: '>12.5s', '>1:23.5'",
				     "\"%s\" is no place on the time line", condition->wanted);
		return -1;
	}
	left_ms = (wanted - state->position_s) * 1e3;
	if (strcmp(state->state, "rolling") == 0 && left_ms > 0.0)
		*ret_ms = fmin(fmax(left_ms / 2.0, WAIT_TRANSPORT_MIN_MS), WAIT_TRANSPORT_MAX_MS);
	return wait_compare(condition->relation, state->position_s, wanted);
}

static int wait_transport_words(struct mixctl *m, const struct wait_condition *condition)
{
	static const char *const states[] = {"stopped", "locating", "rolling", NULL};
	const char *nearest;

	if (strcmp(condition->address, "transport.position") == 0)
		return EXIT_YES;
	if (strcmp(condition->address, "transport.state") != 0)
		return mixctl_error(m, EXIT_NOT_FOUND, condition->address,
				    "transport.position or transport.state",
				    "the transport has no such value");
	if (condition->relation != WAIT_RELATION_EQUAL && condition->relation != WAIT_RELATION_NOT)
		return mixctl_error(m, EXIT_INVALID, condition->address,
				    "write =stopped or !=rolling",
				    "its values are names, which have no order");
	for (int i = 0; states[i]; i++)
		if (strcmp(states[i], condition->wanted) == 0)
			return EXIT_YES;
	nearest = words_nearest(condition->wanted, states);
	return mixctl_error(m, EXIT_INVALID, condition->address,
			    nearest ? mixctl_printf("did you mean %s?", nearest)
				    : "it is one of stopped, locating, rolling",
			    "is never \"%s\"", condition->wanted);
}

static int wait_transport(struct mixctl *m, struct wait_condition *condition, uint64_t end_unix_ms)
{
	int code = wait_transport_words(m, condition);

	while (code == EXIT_YES) {
		Mixd__V1__Reply *reply = transport_request(m, "", "", "");
		double next_ms;
		int r;

		if (!reply)
			return m->err.code;
		r = wait_transport_check(m, condition, reply->transport->transport, &next_ms);
		mixd_client_reply_free(reply);
		if (r != 0)
			return r > 0 ? EXIT_YES : (int)m->err.code;
		if (words_now_unix_ms() >= end_unix_ms)
			return wait_timed_out(m, condition->address, condition->last);
		usleep((useconds_t)(next_ms * 1e3));
	}
	return code;
}

static int wait_value(struct mixctl *m, uint64_t end_unix_ms)
{
	struct wait_condition condition = {.address = m->args[0]};
	struct mixd_client_lease *lease = NULL;
	const char *text = m->args[1];
	int code = EXIT_INVALID;
	bool found = false, checked = false;

	for (size_t i = 0; i < sizeof(wait_relations) / sizeof(wait_relations[0]) && !found; i++) {
		size_t size = strlen(wait_relations[i].text);

		found = strncmp(text, wait_relations[i].text, size) == 0;
		condition.relation = wait_relations[i].relation;
		condition.wanted = text + size;
	}
	if (!found)
		return mixctl_error(m, EXIT_USAGE, text, "write '>-40LUFS', '<=0.5dB' or '=on'",
				    "not a condition");
	condition.wanted += strspn(condition.wanted, " ");
	if (strncmp(condition.address, "transport.", 10) == 0)
		return wait_transport(m, &condition, end_unix_ms);
	for (;;) {
		Mixd__V1__Reply *reply;
		const Mixd__V1__Reading *reading = wait_read(m, &condition, &reply);
		int r;

		if (!reading)
			return m->err.code;
		if (!checked && reading->value &&
		    reading->value->kind_case == MIXD__V1__VALUE__KIND_TEXT) {
			checked = true;
			if (!wait_check_label(m, &condition))
				return m->err.code;
		}
		if (!lease && reading->meter) {
			/* Meters run while somebody asks: what is read before that is old. */
			if (mixd_client_lease_new(m->client,
						  (const char *const *)&condition.address, 1,
						  WAIT_RATE_HZ, &lease, &m->err) < 0)
				return m->err.code;
			r = 0;
		} else {
			if (!reading->meter && mixd_client_watch(m->client, &m->err) < 0)
				return m->err.code;
			r = wait_check(m, &condition, reading);
		}
		mixd_client_reply_free(reply);
		if (r != 0)
			return r > 0 ? EXIT_YES : (int)m->err.code;
		if (!wait_news(m, end_unix_ms, &code))
			return code == EXIT_TIMED_OUT
				       ? wait_timed_out(m, condition.address, condition.last)
				       : code;
	}
}

static int wait_revision(struct mixctl *m, uint64_t end_unix_ms)
{
	Mixd__V1__Hello hello = MIXD__V1__HELLO__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	char *end;
	uint64_t wanted = strtoull(m->args[1], &end, 10), revision;

	if (*end || end == m->args[1])
		return mixctl_error(m, EXIT_USAGE, m->args[1], "write wait rev 412",
				    "not a revision");
	if (!mixctl_connect(m) || mixd_client_watch(m->client, &m->err) < 0)
		return m->err.code;
	request.op_case = MIXD__V1__REQUEST__OP_HELLO;
	request.hello = &hello;
	for (;;) {
		Mixd__V1__Reply *reply = mixctl_request(m, &request);
		int code;

		if (!reply)
			return m->err.code;
		revision = reply->revision;
		mixd_client_reply_free(reply);
		if (revision >= wanted)
			return EXIT_YES;
		if (!wait_news(m, end_unix_ms, &code))
			return code == EXIT_TIMED_OUT
				       ? wait_timed_out(m, "revision",
							mixctl_printf("%llu",
								      (unsigned long long)revision))
				       : code;
	}
}

static int wait_settled(struct mixctl *m, uint64_t end_unix_ms)
{
	Mixd__V1__Barrier barrier = MIXD__V1__BARRIER__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	uint64_t left_ms = end_unix_ms - words_now_unix_ms();
	static char token[] = "settled";

	barrier.token = token;
	request.op_case = MIXD__V1__REQUEST__OP_BARRIER;
	request.barrier = &barrier;
	request.wait = MIXD__V1__WAIT__WAIT_SETTLED;
	request.timeout_ms = left_ms > 3600000 ? 3600000 : (uint32_t)left_ms;
	return mixctl_request(m, &request) ? EXIT_YES : (int)m->err.code;
}

/* Until a daemon answers. */
static int wait_up(struct mixctl *m, uint64_t end_unix_ms)
{
	while (!mixctl_connect(m)) {
		if (m->err.code != MIXD_CLIENT_UNAVAILABLE)
			return m->err.code;
		if (words_now_unix_ms() >= end_unix_ms)
			return m->err.code = MIXD_CLIENT_TIMEOUT;
		usleep(20000);
	}
	return EXIT_YES;
}

int verb_wait(struct mixctl *m)
{
	double timeout_ms = m->options.timeout_ms;
	uint64_t end_unix_ms =
		timeout_ms > 0 ? words_now_unix_ms() + (uint64_t)timeout_ms : UINT64_MAX;

	m->options.timeout_ms = 0; /* of the wait, not of a request */
	if (m->n_args == 1 && strcmp(m->args[0], "settled") == 0)
		return wait_settled(m, end_unix_ms);
	if (m->n_args == 1 && strcmp(m->args[0], "up") == 0)
		return wait_up(m, end_unix_ms);
	if (m->n_args == 2 && strcmp(m->args[0], "rev") == 0)
		return wait_revision(m, end_unix_ms);
	if (m->n_args == 2)
		return wait_value(m, end_unix_ms);
	return mixctl_error(m, EXIT_USAGE, m->args[0],
			    "wait NODE.METER '>-40LUFS', wait rev N, wait settled, wait up",
			    "nothing to wait for");
}
