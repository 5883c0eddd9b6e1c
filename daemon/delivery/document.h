/* document.h - what a person writes for a verb (an album, an episode, a list of jobs), read strictly.
 *
 * WHAT        YAML or JSON text -> a tree that remembers lines and columns (the reader of session
 *             files), and tables that say which keys a map has, what their values are and where in a
 *             C struct they go. Unknown keys, wrong values and missing keys are errors with
 *             file:line:column and the nearest right word.
 * USE         static const struct document_key track_keys[] = {
 *                     {"file", DOCUMENT_PATH, offsetof(struct track, file), .required = true},
 *                     {"gain", DOCUMENT_NUMBER, offsetof(struct track, gain_db), "dB", -60, 20},
 *                     {NULL}};
 *             Set the struct to its defaults, document_fill() it, document_clear() it at the end.
 * VALUES      Times and numbers are written as on the command line (mixd_job_value()).
 * THREADS     [any], one at a time per object. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "graph_session_doc.h"

struct document {
	char *name; /* as errors name it: the path as the caller gave it */
	char *folder; /* relative paths inside begin here: that of the file */
	struct session_node *root;
};

enum document_kind {
	DOCUMENT_TEXT, /* char *, owned, UTF-8 without control characters, not empty */
	DOCUMENT_PATH, /* char *, owned: absolute, from the folder of the document */
	DOCUMENT_NUMBER, /* double, in `unit`, which may be left out */
	DOCUMENT_SPAN, /* double: seconds */
	DOCUMENT_FLAG, /* bool: on off yes no true false */
	DOCUMENT_CHOICE, /* int: index into `choices` */
	DOCUMENT_LIST, /* const struct session_node *, borrowed; so are the next two */
	DOCUMENT_MAP,
	DOCUMENT_ANY, /* whatever stands there: the caller looks at it */
};

struct document_key {
	const char *name; /* NULL ends the table */
	enum document_kind kind;
	size_t offset; /* of the field */
	const char *unit; /* NUMBER */
	double min, max; /* NUMBER, SPAN; equal: any */
	const char *const *choices; /* CHOICE; ends with NULL */
	bool required;
};

/* PATH is opened, NAME is what errors call it. -errno with *err. */
int document_read(const char *path, const char *name, struct document **ret,
		  struct mixd_error *err);
/* A text file as it is: *ret malloc'd, with a 0 behind its end. */
int document_load(const char *path, const char *name, char **ret, size_t *ret_size,
		  struct mixd_error *err);
/* The same from TEXT; FOLDER: where relative paths begin. */
int document_parse(const char *name, const char *folder, const char *text, size_t size,
		   struct document **ret, struct mixd_error *err);
struct document *document_free(struct document *document);

/* ERROR_INVALID at NODE; the remedy is the caller's to add. */
__attribute__((format(printf, 4, 5))) int document_error(const struct document *document,
							 const struct session_node *node,
							 struct mixd_error *err, const char *fmt,
							 ...);
/* "album.yaml:12:5". */
void document_place(const struct document *document, const struct session_node *node, char *buf,
		    size_t size);
/* Every key of MAP goes where KEYS says; fields of keys that are not there stay as they are. WHAT:
 * what the map describes ("a track"). On failure fields may be filled: clear them, too. */
int document_fill(const struct document *document, const struct session_node *map, const char *what,
		  const struct document_key *keys, void *into, struct mixd_error *err);
/* Frees what document_fill() allocated in INTO. */
void document_clear(const struct document_key *keys, void *into);
/* One value, by the rules of KEY, to INTO + KEY's offset. */
int document_value(const struct document *document, const struct session_node *node,
		   const struct document_key *key, void *into, struct mixd_error *err);
/* NODE must be a scalar: its text. NULL with *err otherwise. Borrowed. */
const char *document_text(const struct document *document, const struct session_node *node,
			  struct mixd_error *err);
/* PATH from the document's folder, absolute. malloc'd, or NULL. */
char *document_path(const struct document *document, const char *path);
