/* verb_session.c - apply, diff, export, history, undo, rollback: the graph as a whole, and before.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mixctl.h"

/* Where relative names in the file PATH begin: names of clips are the session's own. */
static char *session_folder(const char *path)
{
	char *folder, *slash;

	folder = realpath(strcmp(path, "-") == 0 ? "." : path, NULL);
	if (!folder)
		return mixctl_strdup("");
	slash = strrchr(folder, '/');
	if (strcmp(path, "-") != 0 && slash)
		*slash = '\0';
	return folder;
}

static bool session_fill(struct mixctl *m, Mixd__V1__Apply *apply)
{
	const char *path = m->options.file ? m->options.file : m->n_args ? m->args[0] : NULL;
	const char *dot;

	if (!path) {
		mixctl_error(m, EXIT_USAGE, NULL,
			     mixctl_printf("usage: mixctl %s -f FILE", m->verb->name),
			     "no file is named");
		return false;
	}
	apply->text = mixctl_read_file(m, path);
	if (!apply->text)
		return false;
	dot = strrchr(path, '.');
	if (dot && strcmp(dot, ".json") == 0)
		apply->format = (char *)(uintptr_t) "json";
	else if (dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0))
		apply->format = (char *)(uintptr_t) "yaml";
	apply->merge = m->options.merge;
	apply->folder = session_folder(path);
	return true;
}

/* The daemon has not seen the file's name: "session:3:6" -> "onair.yaml:3:6". */
static int session_fail(struct mixctl *m)
{
	const char *path = m->options.file ? m->options.file : m->args[0];
	char *place;

	if (strncmp(m->err.address, "session:", 8) != 0)
		return m->err.code;
	place = mixctl_printf("%s%s", path, m->err.address + 7);
	snprintf(m->err.address, sizeof(m->err.address), "%s", place);
	free(place);
	return m->err.code;
}

int verb_apply(struct mixctl *m)
{
	struct ops ops = {0};
	int code;

	if (!session_fill(m, ops_add(&ops, MIXD__V1__OP__OP_APPLY)->apply))
		return m->err.code;
	code = ops_commit(m, &ops, MIXD__V1__WAIT__WAIT_APPLIED);
	return code > EXIT_NO ? session_fail(m) : code;
}

int verb_diff(struct mixctl *m)
{
	Mixd__V1__Apply apply = MIXD__V1__APPLY__INIT;
	Mixd__V1__Diff diff = MIXD__V1__DIFF__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	enum format format = mixctl_format(m, FORMAT_TABLE);
	Mixd__V1__Reply *reply;

	if (!session_fill(m, &apply))
		return m->err.code;
	diff.apply = &apply;
	request.op_case = MIXD__V1__REQUEST__OP_DIFF;
	request.diff = &diff;
	reply = mixctl_request(m, &request);
	if (!reply)
		return session_fail(m);
	if (format == FORMAT_TABLE || format == FORMAT_NAME || format == FORMAT_CSV) {
		size_t size = strlen(reply->diff->text);

		fputs(reply->diff->text, stdout);
		if (size > 0 && reply->diff->text[size - 1] != '\n')
			putchar('\n');
	} else {
		struct doc *object = output_object("diff"), *ops = doc_array();

		doc_set(object, "revision", doc_unsigned(reply->revision));
		doc_set(object, "equal", doc_bool(reply->diff->n_ops == 0));
		for (size_t i = 0; i < reply->diff->n_ops; i++)
			doc_add(ops, doc_from_message(&reply->diff->ops[i]->base));
		doc_set(object, "ops", ops);
		output_doc(m, doc_set(object, "text", doc_text(reply->diff->text)));
	}
	return reply->diff->n_ops == 0 ? EXIT_YES : EXIT_NO;
}

int verb_export(struct mixctl *m)
{
	Mixd__V1__Export export = MIXD__V1__EXPORT__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	enum format format = mixctl_format(m, FORMAT_YAML);
	Mixd__V1__Reply *reply;
	size_t size;

	if (format != FORMAT_YAML && format != FORMAT_JSON)
		return mixctl_error(m, EXIT_USAGE, "-o", "write -o yaml or -o json",
				    "a session is no %s", format_names[format]);
	export.format = (char *)(uintptr_t)(format == FORMAT_JSON ? "json" : "yaml");
	request.op_case = MIXD__V1__REQUEST__OP_EXPORT;
	request.export = &export;
	reply = mixctl_request(m, &request);
	if (!reply)
		return m->err.code;
	size = strlen(reply->export->text);
	fputs(reply->export->text, stdout);
	if (size > 0 && reply->export->text[size - 1] != '\n')
		putchar('\n');
	return EXIT_YES;
}

/* ---- history ------------------------------------------------------------------------------ */

int verb_history(struct mixctl *m)
{
	static const char *const columns[] = {"revision", "time", "by", "change", NULL};
	struct listing listing = {.kind = "history", .columns = columns};
	Mixd__V1__History history = MIXD__V1__HISTORY__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	uint64_t now_unix_ms = words_now_unix_ms();
	Mixd__V1__Reply *reply;

	history.limit = (uint32_t)m->options.limit;
	request.op_case = MIXD__V1__REQUEST__OP_HISTORY;
	request.history = &history;
	reply = mixctl_request(m, &request);
	if (!reply)
		return m->err.code;
	listing.revision = reply->revision;
	for (size_t i = 0; i < reply->history->n_commits; i++) {
		const Mixd__V1__Commit *commit = reply->history->commits[i];
		time_t t = (time_t)(commit->unix_ms / 1000);
		char revision[24], when[32];
		struct tm tm;

		if (m->options.since_ms > 0 &&
		    (double)commit->unix_ms < (double)now_unix_ms - m->options.since_ms)
			continue;
		snprintf(revision, sizeof(revision), "%llu", (unsigned long long)commit->revision);
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", localtime_r(&t, &tm));
		listing_add(&listing, doc_from_message(&commit->base),
			    (const char *const[]){revision, when, commit->by, commit->summary});
	}
	return listing_print(m, &listing);
}

int verb_undo(struct mixctl *m)
{
	Mixd__V1__Undo undo = MIXD__V1__UNDO__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	char *end = NULL;

	if (m->n_args) {
		undo.count = (uint32_t)strtoul(m->args[0], &end, 10);
		if (*end || undo.count == 0)
			return mixctl_error(m, EXIT_USAGE, m->args[0], "write how many: undo 3",
					    "not a number");
	}
	request.op_case = MIXD__V1__REQUEST__OP_UNDO;
	request.undo = &undo;
	return write_request(m, &request, MIXD__V1__WAIT__WAIT_APPLIED);
}

int verb_rollback(struct mixctl *m)
{
	Mixd__V1__Rollback rollback = MIXD__V1__ROLLBACK__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	char *end = NULL;

	rollback.to_revision = m->options.to;
	if (m->n_args) {
		rollback.to_revision = strtoull(m->args[0], &end, 10);
		if (*end || rollback.to_revision == 0)
			return mixctl_error(m, EXIT_USAGE, m->args[0],
					    "revisions begin at 1 (see mixctl history)",
					    "not a revision");
	}
	if (rollback.to_revision == 0)
		return mixctl_error(m, EXIT_USAGE, NULL,
				    "write the revision, from 1 on: rollback --to 412 (see "
				    "mixctl history)",
				    "where to is missing");
	request.op_case = MIXD__V1__REQUEST__OP_ROLLBACK;
	request.rollback = &rollback;
	return write_request(m, &request, MIXD__V1__WAIT__WAIT_APPLIED);
}
