/* verb_graph.c - add, rm, mv, link, unlink: the shape of the graph. */
#include <string.h>

#include "mixctl.h"

static Mixd__V1__Setting *setting_new(char *id, char *text)
{
	Mixd__V1__Setting *setting = mixctl_alloc(sizeof(*setting));
	Mixd__V1__Value *value = mixctl_alloc(sizeof(*value));

	mixd__v1__setting__init(setting);
	mixd__v1__value__init(value);
	value->kind_case = MIXD__V1__VALUE__KIND_TEXT;
	value->text = text;
	setting->id = id;
	setting->value = value;
	return setting;
}

int verb_add(struct mixctl *m)
{
	struct ops ops = {0};
	Mixd__V1__AddNode *add = ops_add(&ops, MIXD__V1__OP__OP_ADD)->add;

	add->type = m->args[0];
	add->name = m->args[1];
	if (m->options.after)
		add->after = (char *)(uintptr_t)m->options.after;
	add->settings = mixctl_alloc((size_t)m->n_args * sizeof(*add->settings));
	for (int i = 2; i < m->n_args; i++) {
		char *equals = strchr(m->args[i], '=');

		if (!equals || equals == m->args[i] || !equals[1])
			return mixctl_error(m, EXIT_USAGE, m->args[i],
					    "write PARAM=VALUE: ceiling=-1dBTP", "no value");
		*equals = 0;
		add->settings[add->n_settings++] = setting_new(m->args[i], equals + 1);
	}
	return ops_commit(m, &ops, MIXD__V1__WAIT__WAIT_APPLIED);
}

static void rm_add(const struct mixctl *m, struct ops *ops, char *name)
{
	Mixd__V1__RemoveNode *remove;

	for (size_t i = 0; i < ops->n; i++)
		if (strcmp(ops->op[i]->remove->name, name) == 0)
			return; /* named twice: by two patterns, say */
	remove = ops_add(ops, MIXD__V1__OP__OP_REMOVE)->remove;
	remove->name = name;
	remove->heal = m->options.heal;
}

/* All nodes that match PATTERN now. False: *err is filled. */
static bool rm_add_matches(struct mixctl *m, struct ops *ops, char *pattern)
{
	Mixd__V1__GetNodes get = MIXD__V1__GET_NODES__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	get.pattern = pattern;
	request.op_case = MIXD__V1__REQUEST__OP_GET_NODES;
	request.get_nodes = &get;
	reply = mixctl_request(m, &request);
	if (!reply)
		return false;
	for (size_t i = 0; i < reply->get_nodes->n_nodes; i++)
		rm_add(m, ops, reply->get_nodes->nodes[i]->name);
	if (reply->get_nodes->n_nodes > 0)
		return true;
	mixctl_error(m, EXIT_NOT_FOUND, pattern, "see mixctl ls; * stops at /, ** does not",
		     "no node matches");
	return false;
}

int verb_rm(struct mixctl *m)
{
	struct ops ops = {0};

	for (int i = 0; i < m->n_args; i++) {
		if (!words_has_glob(m->args[i]))
			rm_add(m, &ops, m->args[i]);
		else if (!rm_add_matches(m, &ops, m->args[i]))
			return m->err.code;
	}
	return ops_commit(m, &ops, MIXD__V1__WAIT__WAIT_APPLIED);
}

int verb_mv(struct mixctl *m)
{
	struct ops ops = {0};
	Mixd__V1__RenameNode *rename = ops_add(&ops, MIXD__V1__OP__OP_RENAME)->rename;

	rename->name = m->args[0];
	rename->to = m->args[1];
	return ops_commit(m, &ops, MIXD__V1__WAIT__WAIT_APPLIED);
}

/* Drop "->" between names: "link a -> b" in quotes or not. */
static int link_names(struct mixctl *m)
{
	size_t n_chars = 0;
	char **names;
	int n = 0;

	for (int i = 0; i < m->n_args; i++)
		n_chars += strlen(m->args[i]) + 1;
	names = mixctl_alloc((n_chars + 1) * sizeof(*names));
	for (int i = 0; i < m->n_args; i++)
		for (char *at = m->args[i], *next; at; at = next) {
			next = strstr(at, "->");
			if (next) {
				*next = 0;
				next += 2;
			}
			if (*at)
				names[n++] = at;
		}
	m->args = names;
	m->n_args = n;
	return n;
}

/* Take "level=-6dB" and its like out of the words. Returned: how many there are; -1: *err is filled. */
static int link_settings(struct mixctl *m, int *n, Mixd__V1__Setting **settings)
{
	int n_settings = 0, n_names = 0;

	for (int i = 0; i < *n; i++) {
		char *equals = strchr(m->args[i], '=');

		if (!equals) {
			m->args[n_names++] = m->args[i];
			continue;
		}
		if (equals == m->args[i] || !equals[1]) {
			mixctl_error(m, EXIT_USAGE, m->args[i],
				     "write level=-6dB, pan=L30, mute=on or tap=pre", "no value");
			return -1;
		}
		*equals = 0;
		settings[n_settings++] = setting_new(m->args[i], equals + 1);
	}
	*n = n_names;
	return n_settings;
}

int verb_link(struct mixctl *m)
{
	struct ops ops = {0};
	double gain_db = 0;
	int n = link_names(m), n_settings;
	Mixd__V1__Setting **settings = mixctl_alloc((size_t)m->n_args * sizeof(*settings));
	const char *why = NULL;

	if (m->options.gain)
		why = words_parse_quantity(m->options.gain, "dB", &gain_db);
	if (why)
		return mixctl_error(m, EXIT_INVALID, "--gain", "write it in dB: --gain=-6dB",
				    "%s %s", m->options.gain, why);
	n_settings = link_settings(m, &n, settings);
	if (n_settings < 0)
		return m->err.code;
	for (int i = 0; i + 1 < n; i++) {
		Mixd__V1__AddLink *link = ops_add(&ops, MIXD__V1__OP__OP_LINK)->link;

		link->from = m->args[i];
		link->to = m->args[i + 1];
		link->gain_db = gain_db;
		link->set_gain = m->options.gain != NULL;
		link->settings = settings;
		link->n_settings = (size_t)n_settings;
	}
	if (ops.n == 0)
		return mixctl_error(m, EXIT_USAGE, NULL, "usage: mixctl link FROM TO...",
				    "a link has two ends");
	return ops_commit(m, &ops, MIXD__V1__WAIT__WAIT_APPLIED);
}

int verb_unlink(struct mixctl *m)
{
	struct ops ops = {0};
	int n = link_names(m);

	for (int i = 0; i + 1 < n; i++) {
		Mixd__V1__RemoveLink *unlink = ops_add(&ops, MIXD__V1__OP__OP_UNLINK)->unlink;

		unlink->from = m->args[i];
		unlink->to = m->args[i + 1];
	}
	if (ops.n == 0)
		return mixctl_error(m, EXIT_USAGE, NULL,
				    "for all its links: mixctl unlink NODE '*'",
				    "a link has two ends");
	return ops_commit(m, &ops, MIXD__V1__WAIT__WAIT_APPLIED);
}
