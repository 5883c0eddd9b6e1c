/* verb_set.c - set, bypass, mute, automate: values. */
#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "mixctl.h"

/* Lines "node.param=value"; empty ones and those that begin with # are skipped. *RET_LINES: the line of
 * each operation. */
static bool set_read_file(struct mixctl *m, struct ops *ops, unsigned **ret_lines)
{
	char *text = mixctl_read_file(m, m->options.file), *line, *rest = NULL;
	unsigned number = 0;

	if (!text)
		return false;
	for (char *next = text; (line = strsep(&next, "\n"));) {
		size_t size;

		number++;
		line += strspn(line, " \t");
		for (size = strlen(line); size > 0 && strchr(" \t\r", line[size - 1]); size--)
			line[size - 1] = 0;
		if (*line == 0 || *line == '#')
			continue;
		if (!write_parse_assignment(m, ops, line)) {
			rest = mixctl_printf("%s:%u", m->options.file, number);
			snprintf(m->err.address, sizeof(m->err.address), "%s", rest);
			m->err.code = MIXD_CLIENT_INVALID;
			free(rest);
			return false;
		}
		*ret_lines = mixctl_realloc(*ret_lines, ops->n * sizeof(**ret_lines));
		(*ret_lines)[ops->n - 1] = number;
	}
	return true;
}

/* The daemon has not seen the file: "vox.gian" -> "changes.txt:3: vox.gian". */
static int set_fail(struct mixctl *m, const unsigned *lines, size_t n)
{
	struct mixd_client_error *err = &m->err;
	bool of_op = err->code == MIXD_CLIENT_NOT_FOUND || err->code == MIXD_CLIENT_INVALID;

	if (of_op && err->op_index < n && lines[err->op_index]) {
		char *place = mixctl_printf("%s:%u: %s", m->options.file, lines[err->op_index],
					    err->address);

		snprintf(err->address, sizeof(err->address), "%s", place);
		free(place);
	}
	return err->code;
}

static void import_set(struct ops *ops, const char *node, unsigned band, const char *id,
		       const char *text)
{
	ops_set_text(ops, mixctl_printf("%s.band%u.%s", node, band, id), text);
}

/* All bands of the eq NODE: those of the file, and off what is left. */
static bool set_import(struct mixctl *m, struct ops *ops, const char *node, unsigned **ret_lines)
{
	char *text = mixctl_read_file(m, m->options.import);
	struct import_fault fault;
	struct import_eq eq;

	if (!text)
		return false;
	if (!import_parse(text, &eq, &fault)) {
		mixctl_error(m, EXIT_INVALID,
			     fault.line ? mixctl_printf("%s:%u", m->options.import, fault.line)
					: m->options.import,
			     mixctl_strdup(fault.hint), "%s", fault.text);
		return false;
	}
	for (unsigned i = 0; i < IMPORT_BANDS; i++) {
		const struct import_band *band = &eq.band[i];

		if (i < eq.n_bands) {
			import_set(ops, node, i + 1, "type", band->type);
			import_set(ops, node, i + 1, "freq",
				   mixctl_printf("%.6gHz", band->freq_hz));
			import_set(ops, node, i + 1, "gain",
				   mixctl_printf("%.6gdB", band->gain_db));
			import_set(ops, node, i + 1, "q", mixctl_printf("%.6g", band->q));
			import_set(ops, node, i + 1, "slope", "12");
			import_set(ops, node, i + 1, "channel", band->channel);
		}
		import_set(ops, node, i + 1, "on", i < eq.n_bands ? "on" : "off");
		*ret_lines = mixctl_realloc(*ret_lines, ops->n * sizeof(**ret_lines));
		for (size_t k = ops->n; k > 0 && k > ops->n - (i < eq.n_bands ? 7 : 1); k--)
			(*ret_lines)[k - 1] = i < eq.n_bands ? band->line : 0;
	}
	ops_set_text(ops, mixctl_printf("%s.output", node), mixctl_printf("%.6gdB", eq.preamp_db));
	return true;
}

int verb_set(struct mixctl *m)
{
	struct ops ops = {0};
	unsigned *lines = NULL;
	size_t n_lines;
	int code;

	if (m->options.file && !set_read_file(m, &ops, &lines))
		return m->err.code;
	n_lines = ops.n;
	if (m->options.import) {
		if (m->options.file || m->n_args != 1 || strchr(m->args[0], '='))
			return mixctl_error(m, EXIT_USAGE, "--import",
					    "write mixctl set EQ --import FILE",
					    "an import goes into one node");
		if (!set_import(m, &ops, m->args[0], &lines))
			return m->err.code;
		m->options.file = m->options.import; /* for errors with their line */
		n_lines = ops.n - 1;
		m->n_args = 0;
	}
	for (int i = 0; i < m->n_args; i++)
		if (!write_parse_assignment(m, &ops, m->args[i]))
			return m->err.code;
	if (ops.n == 0)
		return mixctl_error(m, EXIT_USAGE, NULL, "usage: mixctl set NODE.PARAM=VALUE...",
				    "nothing to set");
	code = ops_commit(m, &ops, MIXD__V1__WAIT__WAIT_ACCEPTED);
	return code > EXIT_NO ? set_fail(m, lines, n_lines) : code;
}

/* bypass NODE... [on|off|toggle] */
static int set_switch(struct mixctl *m, const char *param)
{
	static const char *const states[] = {"on", "off", "toggle", NULL};
	const char *state = "on";
	struct ops ops = {0};
	int n = m->n_args;

	for (int i = 0; states[i] && n > 1; i++) {
		if (strcmp(m->args[n - 1], states[i]) == 0) {
			state = states[i];
			n--;
			break;
		}
	}
	for (int i = 0; i < n; i++)
		ops_set_text(&ops, mixctl_printf("%s.%s", m->args[i], param), state);
	return ops_commit(m, &ops, MIXD__V1__WAIT__WAIT_ACCEPTED);
}

int verb_bypass(struct mixctl *m)
{
	return set_switch(m, "bypass");
}

int verb_mute(struct mixctl *m)
{
	return set_switch(m, "mute");
}

/* ---- automate ----------------------------------------------------------------------------- */

/* The unit in which the points of ADDRESS count. NULL: *err is filled. */
static const char *automate_unit(struct mixctl *m, char *address)
{
	Mixd__V1__Get get = MIXD__V1__GET__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	get.patterns = &address;
	get.n_patterns = 1;
	request.op_case = MIXD__V1__REQUEST__OP_GET;
	request.get = &get;
	reply = mixctl_request(m, &request);
	if (!reply)
		return NULL;
	if (reply->get->n_readings == 1)
		return reply->get->readings[0]->unit;
	mixctl_error(m, EXIT_USAGE, address, "write one NODE.PARAM", "names %zu params",
		     reply->get->n_readings);
	return NULL;
}

/* "3s"; on the time line "1:23.5" and markers, too. */
static bool automate_time(struct mixctl *m, const char *text, double *ret_ms)
{
	double at_s = 0.0;

	if (words_parse_span(text, ret_ms))
		return true;
	if (!m->options.timeline ||
	    !(words_parse_position(text, &at_s) || marker_place(m, text, &at_s)))
		return false;
	*ret_ms = at_s * 1e3;
	return true;
}

/* "3s=-6dB" */
static bool automate_point(struct mixctl *m, char *text, const char *unit, Mixd__V1__Point *point)
{
	char *equals = strchr(text, '=');
	const char *why;

	if (!equals) {
		mixctl_error(m, EXIT_USAGE, text, "write TIME=VALUE: 3s=-6dB", "not a point");
		return false;
	}
	*equals = 0;
	if (!automate_time(m, text, &point->at_ms)) {
		mixctl_error(m, EXIT_USAGE, text,
			     m->options.timeline ? "write a marker, or a time: 800ms, 3s, 1:23.5"
						 : "write it with its unit: 800ms, 3s, 2m",
			     "not a length of time");
		return false;
	}
	why = words_parse_quantity(equals + 1, unit, &point->value);
	if (why) {
		mixctl_error(m, EXIT_INVALID, m->args[0],
			     *unit ? mixctl_printf("its unit is %s", unit) : "it has no unit",
			     "%s %s", equals + 1, why);
		return false;
	}
	return true;
}

int verb_automate(struct mixctl *m)
{
	struct ops ops = {0};
	Mixd__V1__Automate *automate = ops_add(&ops, MIXD__V1__OP__OP_AUTOMATE)->automate;
	const char *unit;

	automate->address = m->args[0];
	automate->clear = m->options.clear;
	automate->timeline = m->options.timeline;
	if (m->options.curve)
		automate->curve = (char *)(uintptr_t)m->options.curve;
	if (m->options.clear != (m->n_args == 1))
		return mixctl_error(m, EXIT_USAGE, m->args[0],
				    "write TIME=VALUE..., or --clear alone",
				    m->options.clear ? "points with --clear" : "no points");
	if (!m->options.clear) {
		unit = automate_unit(m, m->args[0]);
		if (!unit)
			return m->err.code;
		automate->points = mixctl_alloc((size_t)m->n_args * sizeof(*automate->points));
		for (int i = 1; i < m->n_args; i++) {
			Mixd__V1__Point *point = mixctl_alloc(sizeof(*point));

			mixd__v1__point__init(point);
			if (!automate_point(m, m->args[i], unit, point))
				return m->err.code;
			automate->points[automate->n_points++] = point;
		}
	}
	return ops_commit(m, &ops, MIXD__V1__WAIT__WAIT_APPLIED);
}
