/* write.c - what all writing verbs share: operations, commit, report. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mixctl.h"

static const Mixd__V1__Wait wait_levels[] = {
	MIXD__V1__WAIT__WAIT_ACCEPTED,
	MIXD__V1__WAIT__WAIT_APPLIED,
	MIXD__V1__WAIT__WAIT_SETTLED,
	MIXD__V1__WAIT__WAIT_PERSISTED,
};

Mixd__V1__Op *ops_add(struct ops *ops, Mixd__V1__Op__OpCase op_case)
{
	Mixd__V1__Op *op = mixctl_alloc(sizeof(*op));
	void *message;

	mixd__v1__op__init(op);
	op->op_case = op_case;
	for (unsigned i = 0; i < op->base.descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &op->base.descriptor->fields[i];
		const ProtobufCMessageDescriptor *descriptor = field->descriptor;

		if (field->id != (uint32_t)op_case)
			continue;
		message = mixctl_alloc(descriptor->sizeof_message);
		descriptor->message_init(message);
		op->add = message; /* all members of the union are pointers */
	}
	if (!(ops->n & (ops->n - 1))) { /* grows at powers of two */
		size_t capacity = ops->n ? 2 * ops->n : 1;

		ops->op = mixctl_realloc(ops->op, capacity * sizeof(*ops->op));
	}
	ops->op[ops->n++] = op;
	return op;
}

static Mixd__V1__Value *write_text_value(const char *text)
{
	Mixd__V1__Value *value = mixctl_alloc(sizeof(*value));

	mixd__v1__value__init(value);
	value->kind_case = MIXD__V1__VALUE__KIND_TEXT;
	value->text = (char *)(uintptr_t)text;
	return value;
}

void ops_set_text(struct ops *ops, const char *address, const char *text)
{
	Mixd__V1__Set *set = ops_add(ops, MIXD__V1__OP__OP_SET)->set;

	set->address = (char *)(uintptr_t)address;
	if (strcmp(text, "toggle") == 0)
		set->toggle = true;
	else
		set->value = write_text_value(text);
}

bool write_parse_assignment(struct mixctl *m, struct ops *ops, char *text)
{
	char *equals = strchr(text, '='), *value;
	bool relative = false;
	Mixd__V1__Set *set;

	if (!equals || equals == text) {
		mixctl_error(m, EXIT_USAGE, text, "write NODE.PARAM=VALUE: limit.ceiling=-1dBTP",
			     "no value");
		return false;
	}
	value = equals + 1;
	while (*value == ' ')
		value++;
	if (!*value) {
		mixctl_error(m, EXIT_USAGE, text, "\"default\" puts it back to its default",
			     "the value is empty");
		return false;
	}
	if (equals[-1] == '+' || equals[-1] == '-') {
		/* The sign and the number travel in one text: the daemon knows the unit. */
		value = mixctl_printf("%c=%s", equals[-1], value);
		relative = true;
		equals--;
	}
	while (equals > text && equals[-1] == ' ')
		equals--;
	*equals = 0;
	if (!strchr(text, '.')) {
		mixctl_error(m, EXIT_USAGE, text,
			     mixctl_printf("write NODE.PARAM=VALUE: %s.gain=-6dB", text),
			     "names no param");
		return false;
	}
	ops_set_text(ops, text, value);
	set = ops->op[ops->n - 1]->set;
	set->relative = relative;
	set->over_ms = m->options.over_ms;
	if (m->options.curve)
		set->curve = (char *)(uintptr_t)m->options.curve;
	return true;
}

/* ---- commit ------------------------------------------------------------------------------- */

static void write_report_json(struct mixctl *m, const Mixd__V1__Reply *reply)
{
	const Mixd__V1__TransactionReply *transaction =
		reply->op_case == MIXD__V1__REPLY__OP_TRANSACTION ? reply->transaction : NULL;
	struct doc *object = output_object("commit"), *changes = doc_array();

	doc_set(object, "revision", doc_unsigned(reply->revision));
	doc_set(object, "applied_at", doc_unsigned(reply->applied_at));
	doc_set(object, "idle", doc_bool(transaction && transaction->idle));
	doc_set(object, "dry_run", doc_bool(m->options.dry_run));
	for (size_t i = 0; transaction && i < transaction->n_changes; i++)
		doc_add(changes, doc_from_message(&transaction->changes[i]->base));
	output_doc(m, doc_set(object, "changes", changes));
}

static void write_report(struct mixctl *m, const Mixd__V1__Reply *reply)
{
	const Mixd__V1__TransactionReply *transaction =
		reply->op_case == MIXD__V1__REPLY__OP_TRANSACTION ? reply->transaction : NULL;
	enum format format = mixctl_format(m, FORMAT_TABLE);

	if (format == FORMAT_JSON || format == FORMAT_JSONL || format == FORMAT_YAML) {
		write_report_json(m, reply);
		return;
	}
	if (m->options.dry_run) {
		for (size_t i = 0; transaction && i < transaction->n_changes; i++) {
			char *text = output_change(transaction->changes[i]);

			if (text)
				puts(text);
		}
		if (!m->options.quiet && (!transaction || transaction->n_changes == 0))
			puts("no change");
		return;
	}
	if (format == FORMAT_NAME || format == FORMAT_CSV)
		printf("%llu\n", (unsigned long long)reply->revision);
	else if (!m->options.quiet)
		printf("revision %llu\n", (unsigned long long)reply->revision);
}

/* The time the daemon has: the change may be meant for later, and may take long to settle. */
static uint32_t write_timeout_ms(const struct mixctl *m, Mixd__V1__Wait wait)
{
	double timeout_ms = m->options.timeout_ms, now_ms = (double)words_now_unix_ms();

	if (timeout_ms > 0)
		return (uint32_t)fmin(timeout_ms, 4e9);
	timeout_ms = MIXD_CLIENT_TIMEOUT_MS;
	if ((double)m->options.at_unix_ms > now_ms)
		timeout_ms += (double)m->options.at_unix_ms - now_ms;
	if (wait == MIXD__V1__WAIT__WAIT_SETTLED)
		timeout_ms += m->options.over_ms;
	return (uint32_t)fmin(timeout_ms, 4e9);
}

int write_request(struct mixctl *m, Mixd__V1__Request *request, Mixd__V1__Wait default_wait)
{
	Mixd__V1__Reply *reply;

	request->wait = m->options.wait < 0 ? default_wait : wait_levels[m->options.wait];
	request->if_revision = m->options.if_revision;
	request->dry_run = m->options.dry_run;
	request->at_unix_ms = m->options.at_unix_ms;
	request->timeout_ms = write_timeout_ms(m, request->wait);
	reply = mixctl_request(m, request);
	if (!reply)
		return m->err.code;
	write_report(m, reply);
	return EXIT_YES;
}

int ops_commit(struct mixctl *m, struct ops *ops, Mixd__V1__Wait default_wait)
{
	Mixd__V1__Transaction transaction = MIXD__V1__TRANSACTION__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;

	transaction.ops = ops->op;
	transaction.n_ops = ops->n;
	request.op_case = MIXD__V1__REQUEST__OP_TRANSACTION;
	request.transaction = &transaction;
	return write_request(m, &request, default_wait);
}
