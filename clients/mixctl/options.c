/* options.c - the table of options, and the parser that works by it. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "mixctl.h"

const char *const format_names[FORMAT_COUNT_ + 1] = {"table", "json", "jsonl", "yaml",
						     "csv",   "name", NULL};
const char *const wait_names[] = {"accepted", "applied", "settled", "persisted", NULL};
static const char *const option_curves[] = {"smooth", "linear", "log", "equal-power", "step", NULL};

#define OPTION(field) offsetof(struct options, field)

const struct option_row option_rows[] = {
	{"instance", 0, OPTION_KIND_TEXT, "NAME",
	 "the instance to talk to (default: $MIXD_INSTANCE, or \"default\")", OPTION(instance),
	 NULL, OPTION_ALWAYS},
	{"host", 'H', OPTION_KIND_TEXT, "ENDPOINT", "its endpoint: ipc:///folder/control",
	 OPTION(host), NULL, OPTION_ALWAYS},
	{"out", 'o', OPTION_KIND_CHOICE, "FORMAT",
	 "output as table, json, jsonl, yaml, csv or name", OPTION(format), format_names,
	 OPTION_ALWAYS},
	{"timeout", 0, OPTION_KIND_SPAN, "TIME", "give up after this long (2s; of wait: none)",
	 OPTION(timeout_ms), NULL, OPTION_ALWAYS},
	{"quiet", 'q', OPTION_KIND_FLAG, NULL, "print no more than asked for", OPTION(quiet), NULL,
	 OPTION_ALWAYS},
	{"no-headers", 0, OPTION_KIND_FLAG, NULL, "tables without their first line",
	 OPTION(no_headers), NULL, OPTION_ALWAYS},
	{"help", 'h', OPTION_KIND_FLAG, NULL, "help on the verb", OPTION(help), NULL,
	 OPTION_ALWAYS},
	{"version", 'V', OPTION_KIND_FLAG, NULL, "which version this is; of the daemon: status",
	 OPTION(version), NULL, OPTION_ALWAYS},
	{"dry-run", 0, OPTION_KIND_FLAG, NULL, "say what would change, change nothing",
	 OPTION(dry_run), NULL, OPTION_WRITE},
	{"if-rev", 0, OPTION_KIND_COUNT, "N", "only if the graph is at revision N, else exit 6",
	 OPTION(if_revision), NULL, OPTION_WRITE},
	{"at", 0, OPTION_KIND_TIME, "TIME",
	 "do it then: 12:00:00, +5s, 2030-01-31T12:00:00Z, @1700000000", OPTION(at_unix_ms), NULL,
	 OPTION_WRITE},
	{"wait", 'w', OPTION_KIND_CHOICE, "LEVEL",
	 "answer when accepted (in the journal), applied (audible), settled (ramps done) or "
	 "persisted (on disk)",
	 OPTION(wait), wait_names, OPTION_WRITE},
	{"over", 0, OPTION_KIND_SPAN, "TIME", "ramp to the new value over this time",
	 OPTION(over_ms), NULL, OPTION_RAMP},
	{"curve", 0, OPTION_KIND_CHOICE, "CURVE",
	 "of the ramp: smooth, linear, log, equal-power, step", OPTION(curve), option_curves,
	 OPTION_RAMP | OPTION_CURVE},
	{"file", 'f', OPTION_KIND_TEXT, "FILE", "read it from FILE, - is standard input",
	 OPTION(file), NULL, OPTION_FILE},
	{"after", 0, OPTION_KIND_TEXT, "NODE", "insert it behind NODE", OPTION(after), NULL,
	 OPTION_AFTER},
	{"heal", 0, OPTION_KIND_FLAG, NULL, "link what fed it to what it fed", OPTION(heal), NULL,
	 OPTION_HEAL},
	{"gain", 0, OPTION_KIND_TEXT, "GAIN", "of the link, or of the clip: --gain=-6dB",
	 OPTION(gain), NULL, OPTION_GAIN | OPTION_EDIT},
	{"ripple", 0, OPTION_KIND_FLAG, NULL, "delete: what is behind moves up", OPTION(ripple),
	 NULL, OPTION_EDIT},
	{"to-sound", 0, OPTION_KIND_FLAG, NULL, "trim: to where the clip sounds", OPTION(to_sound),
	 NULL, OPTION_EDIT},
	{"threshold", 0, OPTION_KIND_TEXT, "LEVEL",
	 "trim --to-sound: what counts as sound (-60dBFS)", OPTION(threshold), NULL, OPTION_EDIT},
	{"pad", 0, OPTION_KIND_TEXT, "TIME", "trim --to-sound: keep so much around it (10ms)",
	 OPTION(pad), NULL, OPTION_EDIT},
	{"head", 0, OPTION_KIND_TEXT, "TIME", "trim: so much off the begin", OPTION(head), NULL,
	 OPTION_EDIT},
	{"tail", 0, OPTION_KIND_TEXT, "TIME", "trim: so much off the end", OPTION(tail), NULL,
	 OPTION_EDIT},
	{"fade", 0, OPTION_KIND_TEXT, "TIME", "silence, delete: at the new edges (5ms)",
	 OPTION(fade), NULL, OPTION_EDIT},
	{"name", 0, OPTION_KIND_TEXT, "NAME", "add: of the clip", OPTION(name), NULL, OPTION_EDIT},
	{"offset", 0, OPTION_KIND_TEXT, "TIME", "add: where the clip begins in its file",
	 OPTION(offset), NULL, OPTION_EDIT},
	{"length", 0, OPTION_KIND_TEXT, "TIME", "add: of the clip (to the end of the file)",
	 OPTION(length), NULL, OPTION_EDIT},
	{"timeline", 0, OPTION_KIND_FLAG, NULL,
	 "the points stand on the time line: it follows the transport, and stays", OPTION(timeline),
	 NULL, OPTION_TIMELINE},
	{"merge", 0, OPTION_KIND_FLAG, NULL, "keep what the file, or the preset, does not name",
	 OPTION(merge), NULL, OPTION_MERGE},
	{"clear", 0, OPTION_KIND_FLAG, NULL, "take it away: the automation, the solo",
	 OPTION(clear), NULL, OPTION_CLEAR},
	{"pfl", 0, OPTION_KIND_FLAG, NULL, "hear it on the bus that listens, from before the fader",
	 OPTION(pfl), NULL, OPTION_SOLO},
	{"afl", 0, OPTION_KIND_FLAG, NULL, "hear it on the bus that listens, from behind the fader",
	 OPTION(afl), NULL, OPTION_SOLO},
	{"only", 0, OPTION_KIND_FLAG, NULL, "end every other solo", OPTION(only), NULL,
	 OPTION_SOLO},
	{"for", 0, OPTION_KIND_SPAN, "TIME", "end by itself after this, unless asked again",
	 OPTION(for_ms), NULL, OPTION_SOLO},
	{"points", 0, OPTION_KIND_COUNT, "N", "at so many frequencies (as wide as the terminal)",
	 OPTION(points), NULL, OPTION_POINTS},
	{"channel", 0, OPTION_KIND_COUNT, "N", "of channel N (1)", OPTION(channel), NULL,
	 OPTION_POINTS},
	{"import", 0, OPTION_KIND_TEXT, "FILE",
	 "bands of an eq from AutoEq or Equalizer APO text, - is standard input", OPTION(import),
	 NULL, OPTION_IMPORT},
	{"doc", 0, OPTION_KIND_TEXT, "TEXT", "what the preset is for", OPTION(doc), NULL,
	 OPTION_DOC},
	{"events", 0, OPTION_KIND_TEXT, "KINDS",
	 "only these: node,param,link,envelope,alarm,clock,event,barrier,solo,marker,transport",
	 OPTION(events), NULL, OPTION_EVENTS},
	{"every", 0, OPTION_KIND_SPAN, "TIME", "between two frames (100ms)", OPTION(every_ms), NULL,
	 OPTION_METER},
	{"count", 'c', OPTION_KIND_COUNT, "N", "stop after N", OPTION(count), NULL, OPTION_COUNT},
	{"limit", 0, OPTION_KIND_COUNT, "N", "at most N (50)", OPTION(limit), NULL, OPTION_HISTORY},
	{"since", 0, OPTION_KIND_SPAN, "TIME", "only what is younger than this", OPTION(since_ms),
	 NULL, OPTION_HISTORY},
	{"to", 0, OPTION_KIND_COUNT, "REV", "the revision to go back to", OPTION(to), NULL,
	 OPTION_TO},
	{"number", 'n', OPTION_KIND_FLAG, NULL, "bare numbers, without units", OPTION(number), NULL,
	 OPTION_NUMBER},
	{"man", 0, OPTION_KIND_FLAG, NULL, "the manual page, for man(1)", OPTION(man), NULL,
	 OPTION_MAN},
	{0},
};

static const struct option_row *option_by_name(const char *name, size_t size)
{
	for (const struct option_row *row = option_rows; row->name; row++)
		if (strlen(row->name) == size && memcmp(row->name, name, size) == 0)
			return row;
	return NULL;
}

static const struct option_row *option_by_letter(char letter)
{
	for (const struct option_row *row = option_rows; row->name; row++)
		if (row->letter == letter)
			return row;
	return NULL;
}

static bool option_unknown(struct mixctl *m, const char *arg, unsigned groups)
{
	const char *names[64], *nearest;
	size_t n = 0;
	char word[32];

	for (const struct option_row *row = option_rows; row->name && n < 63; row++)
		if (!groups || row->group & groups)
			names[n++] = row->name;
	names[n] = NULL;
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(arg + 2 * (arg[1] == '-'), "="),
		 arg + 2 * (arg[1] == '-'));
	nearest = arg[1] == '-' ? words_nearest(word, names) : NULL;
	if ((arg[1] >= '0' && arg[1] <= '9') || arg[1] == '.' || strncmp(arg, "-inf", 4) == 0)
		mixctl_error(m, EXIT_USAGE, arg,
			     mixctl_printf("write it behind its name: NODE.PARAM=%s", arg),
			     "a value cannot stand alone");
	else if (nearest)
		mixctl_error(m, EXIT_USAGE, arg, mixctl_printf("did you mean --%s?", nearest),
			     "no such option");
	else
		mixctl_error(m, EXIT_USAGE, arg,
			     m->verb ? mixctl_printf("see mixctl help %s", m->verb->name)
				     : "see mixctl help",
			     "no such option");
	return false;
}

/* "want smooth, linear, log, equal-power or step" */
static char *option_words(const struct option_row *row)
{
	char *text = mixctl_strdup("want ");

	for (int i = 0; row->choices[i]; i++)
		text = mixctl_printf("%s%s%s", text,
				     i == 0		   ? ""
				     : row->choices[i + 1] ? ", "
							   : " or ",
				     row->choices[i]);
	return text;
}

static bool option_choice(struct mixctl *m, const struct option_row *row, const char *value,
			  void *field)
{
	const char *nearest;

	for (int i = 0; row->choices[i]; i++) {
		if (strcmp(row->choices[i], value) == 0) {
			if (row->choices == option_curves)
				*(const char **)field = row->choices[i];
			else
				*(int *)field = i;
			return true;
		}
	}
	nearest = words_nearest(value, row->choices);
	mixctl_error(m, EXIT_USAGE, mixctl_printf("--%s", row->name),
		     nearest ? mixctl_printf("did you mean %s?", nearest) : option_words(row),
		     "\"%s\" is none of its values", value);
	return false;
}

static bool option_set(struct mixctl *m, const struct option_row *row, const char *value)
{
	void *field = (char *)&m->options + row->offset;
	char *address = mixctl_printf("--%s", row->name);
	char *end;

	switch (row->kind) {
	case OPTION_KIND_FLAG:
		*(bool *)field = true;
		return true;
	case OPTION_KIND_TEXT:
		*(const char **)field = value;
		return true;
	case OPTION_KIND_CHOICE:
		return option_choice(m, row, value, field);
	case OPTION_KIND_COUNT:
		*(uint64_t *)field = strtoull(value, &end, 10);
		if (value[0] >= '0' && value[0] <= '9' && *end == 0)
			return true;
		mixctl_error(m, EXIT_USAGE, address, "write a whole number: 412",
			     "\"%s\" is not a number", value);
		return false;
	case OPTION_KIND_SPAN:
		if (words_parse_span(value, field))
			return true;
		mixctl_error(m, EXIT_USAGE, address, "write it with its unit: 800ms, 1.5s, 2m, 1h",
			     "\"%s\" is not a length of time", value);
		return false;
	case OPTION_KIND_TIME:
		if (words_parse_time(value, words_now_unix_ms(), field))
			return true;
		mixctl_error(m, EXIT_USAGE, address,
			     "write 12:00:00, +5s, 2030-01-31T12:00:00Z or @1700000000",
			     "\"%s\" is not a point in time", value);
		return false;
	}
	return false;
}

static bool option_allowed(struct mixctl *m, const struct option_row *row, unsigned groups)
{
	if (!groups || row->group & groups)
		return true;
	mixctl_error(m, EXIT_USAGE, mixctl_printf("--%s", row->name),
		     mixctl_printf("see mixctl help %s", m->verb->name), "%s does not take it",
		     m->verb->name);
	return false;
}

const struct option_row *option_find(const char *arg)
{
	return arg[1] == '-' ? option_by_name(arg + 2, strcspn(arg + 2, "="))
			     : option_by_letter(arg[1]);
}

/* One argument that begins with '-': -o json, -ojson, --over=2s, --over 2s. Moves *IDX. */
bool option_take(struct mixctl *m, int argc, char **argv, int *idx, unsigned groups)
{
	const char *arg = argv[*idx], *value;
	const struct option_row *row;

	row = option_find(arg);
	if (arg[1] == '-') {
		size_t size = strcspn(arg + 2, "=");

		value = arg[2 + size] ? arg + 3 + size : NULL;
	} else {
		value = arg[2] ? arg + 2 : NULL;
	}
	if (!row)
		return option_unknown(m, arg, groups);
	if (!option_allowed(m, row, groups))
		return false;
	if (row->kind == OPTION_KIND_FLAG) {
		if (value) {
			mixctl_error(m, EXIT_USAGE, arg, "write options apart: -q -n",
				     "it takes no value");
			return false;
		}
	} else if (!value) {
		if (*idx + 1 >= argc) {
			mixctl_error(m, EXIT_USAGE, arg,
				     mixctl_printf("write %s=%s", arg, row->value_name),
				     "its value is missing");
			return false;
		}
		value = argv[++*idx];
	}
	return option_set(m, row, value);
}

/* "-=5s", and of verbs whose words are times and levels "-200ms": no option begins so. */
static bool option_is_word(const struct mixctl *m, const char *arg)
{
	const struct verb *verb = m->verb ? m->verb : m->n_args ? verb_find(m->args[0]) : NULL;

	return arg[1] == '=' || (verb && verb->is_signed &&
				 (strchr("0123456789.", arg[1]) || strncmp(arg, "-inf", 4) == 0));
}

bool options_parse(struct mixctl *m, int argc, char **argv, unsigned groups)
{
	m->options = (struct options){.format = -1, .wait = -1};
	m->n_args = 0;
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			while (++i < argc)
				m->args[m->n_args++] = argv[i];
		} else if (argv[i][0] == '-' && argv[i][1] && strcmp(argv[i], "->") != 0 &&
			   !option_is_word(m, argv[i])) {
			if (!option_take(m, argc, argv, &i, groups))
				return false;
		} else {
			m->args[m->n_args++] = argv[i];
		}
	}
	return true;
}
