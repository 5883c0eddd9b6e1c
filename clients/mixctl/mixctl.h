/* mixctl.h - what the verbs of mixctl share: one invocation, its options, its output.
 *
 * WHAT        main.c parses the command line by two tables (verbs.c, options.c), calls the verb's
 *             function and exits with what it returns. Help, completion and the manual page are
 *             made from the same tables. Verbs build `struct doc` trees (JSON is the contract) or
 *             listings (tables), never print JSON by hand.
 * THREADS     one.
 * NOT HERE    checking values, names and units: the daemon does, and says what would be right. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "doc.h"
#include "mixd_client.h"

#define MIXCTL_SCHEMA 1 /* of the JSON: raised when a key goes or changes its meaning */

enum exit_code { /* design 9; 2..9 and 124 are mixd.v1.Code */
		 EXIT_YES = 0,
		 EXIT_NO = 1,
		 EXIT_USAGE = 2,
		 EXIT_UNREACHABLE = 3,
		 EXIT_NOT_FOUND = 4,
		 EXIT_INVALID = 5,
		 EXIT_CONFLICT = 6,
		 EXIT_DENIED = 7,
		 EXIT_RESOURCE = 8,
		 EXIT_ROLLED_BACK = 9,
		 EXIT_TIMED_OUT = 124,
		 EXIT_INTERRUPTED = 130,
};

enum format {
	FORMAT_TABLE,
	FORMAT_JSON,
	FORMAT_JSONL,
	FORMAT_YAML,
	FORMAT_CSV,
	FORMAT_NAME,
	FORMAT_COUNT_
};
extern const char *const format_names[FORMAT_COUNT_ + 1];
extern const char *const wait_names[]; /* in the order of wait_levels */

struct options {
	/* everywhere */
	const char *host, *instance;
	int format; /* enum format; -1: not given */
	bool quiet, no_headers, help, version;
	double timeout_ms; /* 0: the default */
	/* writes */
	bool dry_run;
	uint64_t if_revision;
	uint64_t at_unix_ms;
	int wait; /* index into wait_names; -1: the verb's default */
	double over_ms;
	const char *curve;
	/* one verb or a few */
	const char *file;
	const char *after;
	const char *gain;
	const char *events;
	const char *import, *doc;
	bool heal, merge, clear, number, man, check, pfl, afl, only;
	bool timeline, ripple, to_sound;
	const char *threshold, *pad, *head, *tail, *fade, *name, *offset, *length; /* of clips */
	double every_ms, for_ms;
	double since_ms;
	uint64_t count, limit, to, points, channel;
};

struct mixctl {
	const struct verb *verb;
	struct options options;
	char **args; /* the verb's words */
	int n_args;
	struct mixd_client *client;
	struct mixd_client_error err;
};

/* ---- options.c ---------------------------------------------------------------------------- */

enum option_group {
	OPTION_ALWAYS = 1u << 0,
	OPTION_WRITE = 1u << 1,
	OPTION_RAMP = 1u << 2,
	OPTION_FILE = 1u << 3,
	OPTION_AFTER = 1u << 4,
	OPTION_HEAL = 1u << 5,
	OPTION_GAIN = 1u << 6,
	OPTION_MERGE = 1u << 7,
	OPTION_EVENTS = 1u << 8,
	OPTION_METER = 1u << 9,
	OPTION_HISTORY = 1u << 10,
	OPTION_TO = 1u << 11,
	OPTION_CLEAR = 1u << 12,
	OPTION_NUMBER = 1u << 13,
	OPTION_CURVE = 1u << 14,
	OPTION_MAN = 1u << 15,
	OPTION_COUNT = 1u << 16,
	OPTION_SOLO = 1u << 17,
	OPTION_POINTS = 1u << 18,
	OPTION_IMPORT = 1u << 19,
	OPTION_DOC = 1u << 20,
	OPTION_EDIT = 1u << 21,
	OPTION_TIMELINE = 1u << 22,
};

enum option_kind {
	OPTION_KIND_FLAG,
	OPTION_KIND_TEXT,
	OPTION_KIND_COUNT,
	OPTION_KIND_SPAN, /* 800ms */
	OPTION_KIND_TIME, /* 12:00:00 */
	OPTION_KIND_CHOICE,
};

struct option_row {
	const char *name; /* without the dashes */
	char letter; /* 0: none */
	enum option_kind kind;
	const char *value_name; /* "FILE" */
	const char *doc;
	size_t offset; /* in struct options */
	const char *const *choices;
	unsigned group;
};
extern const struct option_row option_rows[]; /* ends with a row without name */

/* Take options out of ARGV into m->options and leave words in m->args (which has room). False: *err
 * says why. GROUPS: which rows are allowed; 0: all (to find the verb). */
bool options_parse(struct mixctl *m, int argc, char **argv, unsigned groups);
/* One that begins at ARGV[*idx], with its value; moves *IDX to the last word it took. */
bool option_take(struct mixctl *m, int argc, char **argv, int *idx, unsigned groups);
/* The row that ARG ("-o", "-ojson", "--over=2s") begins, or NULL. */
const struct option_row *option_find(const char *arg);

/* ---- verbs.c ------------------------------------------------------------------------------ */

enum word_kind { /* what completion offers for a verb's words */
		 WORD_NONE,
		 WORD_NODE,
		 WORD_PORT,
		 WORD_PARAM, /* node.param that can be automated */
		 WORD_ASSIGNMENT, /* node.param=value */
		 WORD_READING, /* params and meters */
		 WORD_METER,
		 WORD_TYPE,
		 WORD_EXPLAIN, /* type or type.param */
		 WORD_SWITCH, /* on off toggle, or a node */
		 WORD_LIST, /* nodes ports links types */
		 WORD_PRESET, /* ls show apply save rm */
		 WORD_SHELL,
		 WORD_VERB,
		 WORD_TYPE_PARAM, /* param=value of the type named first */
		 WORD_POSITION, /* markers */
		 WORD_LOOP, /* the same, or off */
		 WORD_MARKER, /* ls add rm, then markers */
		 WORD_EDIT, /* a player, an edit, clips */
		 WORD_CONDITION, /* of what was named first */
};

struct verb {
	const char *name;
	const char *words; /* usage: "NODE.PARAM=VALUE..." */
	const char *doc; /* one line */
	const char *more; /* paragraphs for help and the manual page; may be NULL */
	const char *examples; /* lines "command # what it does"; may be NULL */
	unsigned options; /* enum option_group */
	int min_args, max_args; /* max -1: any number */
	enum word_kind first, rest;
	int (*run)(struct mixctl *m);
	bool offline; /* needs no daemon */
	bool hidden;
	bool is_signed; /* words may begin with a minus: -200ms */
};
extern const struct verb verbs[]; /* ends with a row without name */
const struct verb *verb_find(const char *name);

/* ---- mixctl.c ----------------------------------------------------------------------------- */

/* TEXT in BUF without letters that a terminal would obey: names of files come from anywhere. */
const char *mixctl_plain(const char *text, char *buf, size_t size);
/* Print *err (on standard error, as JSON when JSON was asked for) and return its exit code. */
int mixctl_fail(struct mixctl *m);
/* The same for what is wrong on the command line or here. */
__attribute__((format(printf, 5, 6))) int mixctl_error(struct mixctl *m, int code,
						       const char *address, const char *hint,
						       const char *fmt, ...);
/* A stream that ended before --count records came. */
int mixctl_too_few(struct mixctl *m, uint64_t count);
/* Connect on first use. False: *err is filled. */
bool mixctl_connect(struct mixctl *m);
/* Send and get the reply (freed with the process). NULL: *err is filled. */
Mixd__V1__Reply *mixctl_request(struct mixctl *m, Mixd__V1__Request *request);
enum format mixctl_format(const struct mixctl *m, enum format otherwise);
/* malloc and friends that end the program when memory ends: this process has nothing to save. */
void *mixctl_alloc(size_t size);
void *mixctl_realloc(void *old, size_t size);
char *mixctl_strdup(const char *text);
__attribute__((format(printf, 1, 2))) char *mixctl_printf(const char *fmt, ...);
/* All of PATH ("-": standard input). NULL: *err is filled. */
char *mixctl_read_file(struct mixctl *m, const char *path);

/* ---- words.c ------------------------------------------------------------------------------ */

/* The nearest of WORDS (NULL-terminated) to WORD, or NULL. */
const char *words_nearest(const char *word, const char *const *words);
/* "800ms" "1.5s" "2m" "1h" -> ms. */
bool words_parse_span(const char *text, double *ret_ms);
/* A place on a time line: "1:23.5" "1:02:03" "12.5s" -> s. */
bool words_parse_position(const char *text, double *ret_s);
/* "12:00:00" "12:00" "+5s" "2030-01-31T12:00:00[Z]" "@1700000000" -> ms since 1970. */
bool words_parse_time(const char *text, uint64_t now_unix_ms, uint64_t *ret_unix_ms);
uint64_t words_now_unix_ms(void);
/* TEXT, with or without unit, in UNIT: "-40LUFS" "1.2kHz" "0.3s" (as ms) "4:1" "L30" "on" "-inf".
 * NULL when fine, else why not. */
const char *words_parse_quantity(const char *text, const char *unit, double *ret);
bool words_has_glob(const char *text);
/* * ? [a-z] and {a,b}; not nested. */
bool words_match(const char *pattern, const char *text);

/* ---- rows.c ------------------------------------------------------------------------------- */

/* "band3.freq" means the row "freq" of group "band"; "peak2" the per-channel row "peak". */
bool rows_match_param(const Mixd__V1__ParamRow *row, const char *id);
bool rows_match_meter(const Mixd__V1__MeterRow *row, const char *id);
struct row {
	const Mixd__V1__NodeType *type; /* of the node */
	const Mixd__V1__ParamRow *param; /* or NULL */
	const Mixd__V1__MeterRow *meter; /* or NULL */
	const char *id; /* in the address that was asked for */
};
/* What "node.param" means. False: nothing, or what all nodes have (bypass, mute). */
bool rows_find(struct mixctl *m, const char *address, struct row *ret);

/* ---- output.c ----------------------------------------------------------------------------- */

/* A list: for people a table, for programs items. */
struct listing {
	const char *kind; /* "nodes" */
	const char *const *columns; /* NULL-terminated; the first is the name */
	bool pairs; /* the name is the first two, as of links */
	uint64_t revision;
	char ***rows;
	size_t n_rows;
	struct doc *items;
};
/* Add a row: ITEM for programs (taken), CELLS (as many as columns; copied) for people. */
void listing_add(struct listing *listing, struct doc *item, const char *const *cells);
int listing_print(struct mixctl *m, struct listing *listing);
/* An object that begins with schema and kind. */
struct doc *output_object(const char *kind);
/* Print OBJECT as the format says (JSON unless YAML was asked for) and free it. */
void output_doc(struct mixctl *m, struct doc *object);
/* One line of JSON of a stream, flushed at once; freed. */
void output_line(struct doc *object);
/* What a change says, in words; malloc'd. NULL when it says nothing. */
char *output_change(const Mixd__V1__Change *change);
/* A value without its unit: "on", "-6". malloc'd, as are the next. */
char *output_value(const Mixd__V1__Value *value);
/* TEXT, the daemon's words for VALUE ("-1dBTP"); an older daemon sends none. */
char *output_words(const char *text, const Mixd__V1__Value *value);
bool output_is_terminal(void);
bool output_color(void);
bool output_utf8(void);

/* ---- write.c ------------------------------------------------------------------------------ */

/* Operations being collected. */
struct ops {
	Mixd__V1__Op **op;
	size_t n;
};
/* New operations, owned by OPS; fields point into the arguments or are owned by the process. */
Mixd__V1__Op *ops_add(struct ops *ops, Mixd__V1__Op__OpCase op_case);
void ops_set_text(struct ops *ops, const char *address, const char *text);
/* Commit, as the write options say, and report. DEFAULT_WAIT for when --wait is not given. */
int ops_commit(struct mixctl *m, struct ops *ops, Mixd__V1__Wait default_wait);
/* The same for a request that is not a transaction (undo, rollback). */
int write_request(struct mixctl *m, Mixd__V1__Request *request, Mixd__V1__Wait default_wait);
/* "a.b=-1dB", "a.b+=1dB", "a.b=toggle" -> an operation. False: *err is filled. */
bool write_parse_assignment(struct mixctl *m, struct ops *ops, char *text);

/* ---- verbs -------------------------------------------------------------------------------- */

int verb_add(struct mixctl *m);
int verb_apply(struct mixctl *m);
int verb_automate(struct mixctl *m);
int verb_bypass(struct mixctl *m);
int verb_complete(struct mixctl *m);
int verb_completion(struct mixctl *m);
int verb_diff(struct mixctl *m);
int verb_edit(struct mixctl *m);
int verb_explain(struct mixctl *m);
int verb_export(struct mixctl *m);
int verb_get(struct mixctl *m);
int verb_help(struct mixctl *m);
int verb_history(struct mixctl *m);
int verb_link(struct mixctl *m);
int verb_locate(struct mixctl *m);
int verb_loop(struct mixctl *m);
int verb_ls(struct mixctl *m);
int verb_marker(struct mixctl *m);
int verb_meter(struct mixctl *m);
int verb_play(struct mixctl *m);
int verb_stop(struct mixctl *m);
int verb_mute(struct mixctl *m);
int verb_mv(struct mixctl *m);
int verb_rm(struct mixctl *m);
int verb_rollback(struct mixctl *m);
int verb_preset(struct mixctl *m);
int verb_response(struct mixctl *m);
int verb_set(struct mixctl *m);
int verb_solo(struct mixctl *m);
int verb_status(struct mixctl *m);
int verb_undo(struct mixctl *m);
int verb_unlink(struct mixctl *m);
int verb_wait(struct mixctl *m);
int verb_watch(struct mixctl *m);

/* ---- verb_transport.c --------------------------------------------------------------------- */

/* OP "": only ask. */
Mixd__V1__Reply *transport_request(struct mixctl *m, const char *op, const char *position,
				   const char *end);
/* "rolling at 0:12.500 (verse)"; malloc'd. */
char *transport_text(const Mixd__V1__TransportState *state);
#define TRANSPORT_READINGS 4
/* What PATTERN names of transport.state, ...; 0 with m->err filled when that is nothing. */
size_t transport_readings(struct mixctl *m, const char *pattern,
			  Mixd__V1__Reading *ret[TRANSPORT_READINGS], uint64_t *ret_revision);
/* Where the marker NAME is. False: there is none. */
bool marker_place(struct mixctl *m, const char *name, double *ret_s);

/* Help for one verb on standard output. */
void help_verb(const struct verb *verb);
void help_usage(FILE *file);

/* ---- help_text.c ---- */
#define HELP_OPTION_COLUMNS 26
/* TEXT from COLUMN on, broken between words; further lines begin at INDENT. */
void help_put(FILE *file, int column, int indent, const char *text);
void help_put_option(FILE *file, const char *option, const char *doc);
void help_put_examples(const char *examples);
/* "-o, --out FORMAT"; LETTER 0, VALUE_NAME NULL: none */
char *help_option_words(char letter, const char *name, const char *value_name);
/* The same for the manual page, to standard output. */
void help_man(const char *text);
void help_man_head(const char *name, const char *words, const char *doc, const char *more);
void help_man_option(const char *option, const char *doc);
void help_man_examples(const char *examples);
