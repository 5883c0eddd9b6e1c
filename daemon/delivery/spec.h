/* spec.h - delivery specifications as data, and the verdict on a programme.
 *
 * WHAT        A spec is a name, where it comes from, and clauses. Shipped ones are compiled in from
 *             specs.yaml (version, source, date and grade of every clause); a user's own lie in
 *             ~/.config/mixd/specs and /etc/mixd/specs (`mixctl spec add`). spec_check() gives a
 *             verdict per clause, in words and figures.
 * EDGES       A figure is compared at the precision its clause states (0.1 LU or dB, 0.01 s, unless
 *             said otherwise): it is rounded first, and shown as it was compared.
 * THREADS     specs are immutable once loaded; one thread loads.
 * NOT HERE    measuring: measure.h; bringing a programme to a spec: master.h; what the quantities
 *             are: spec_quantity.c. */
#pragma once

#include "measure.h"

enum spec_kind {
	SPEC_BAND, /* target with tolerance */
	SPEC_CEILING, /* at most */
	SPEC_FLOOR, /* at least */
	SPEC_RANGE, /* between min and max */
	SPEC_PLAYBACK, /* no pass or fail: what a player will do to it */
	SPEC_ONE_OF, /* codec, rate, channels: one of a list of words */
};
enum spec_severity { SPEC_MUST, SPEC_ADVICE, SPEC_INFO };
/* What a player does with a programme below its level. */
enum spec_up {
	SPEC_UP_PEAK, /* turns it up as far as its peaks allow */
	SPEC_UP_LIMITER, /* turns it up, and a limiter holds the peaks */
	SPEC_UP_FREE, /* turns it up, whatever the peaks */
	SPEC_UP_NEVER,
};
enum spec_speech { SPEC_SPEECH_ANY, SPEC_SPEECH_ENOUGH, SPEC_SPEECH_LITTLE };

struct spec_clause {
	/* One of spec_quantity.c: "integrated" "dialogue" "rms" "true-peak" "sample-peak"
	 * "shortterm-max" "lra" "noise-floor" "head" "tail" "duration" "rate" "codec" "bitrate"
	 * "channels" "bits" "clipping" "ldr" ... */
	const char *id;
	enum spec_kind kind;
	enum spec_severity severity;
	/* min/max: what is compared, tolerance included; -INFINITY, INFINITY: no such end. Of
	 * SPEC_PLAYBACK target is the player's level and max the peak it leaves room for. target NAN:
	 * none. */
	double target, min, max;
	double precision; /* a figure is rounded to it before it is compared */
	const char *unit; /* "LUFS" "dBTP" "s"; "" for words */
	const char *words; /* SPEC_ONE_OF: "mp3 flac" */
	const char *text; /* the rule as the spec means it, in our words */
	const char *source, *date, *grade;
	enum spec_up up; /* SPEC_PLAYBACK */
	/* When it counts. */
	double when_above_lufs; /* integrated loudness above it; NAN: always */
	double when_longer_s; /* 0: always */
	uint32_t when_channels; /* 0: always */
	enum spec_speech when_speech; /* share of speech against spec->speech_share */
	const char *alternative; /* id of a clause that may be met in its place; NULL: none */
};
struct spec {
	const char *name; /* "ebu-r128" */
	const char *title; /* "EBU R 128 v5.0: production" */
	uint32_t version; /* raised when a clause changes */
	const char *source, *date, *grade;
	const char *origin; /* the user's file; NULL: shipped */
	const struct spec_clause *clause;
	uint32_t n_clauses;
	/* what a master aims at; NAN: nothing to aim at */
	double target_lufs; /* integrated, or dialogue */
	bool is_dialogue; /* target_lufs is that of dialogue, when there is enough (speech_share) */
	double speech_share; /* below it, fallback_lufs integrated counts; 0: no such switch */
	double fallback_lufs;
	double target_rms_dbfs; /* RMS specs */
	double max_dbtp, max_sample_dbfs;
	double min_lufs, max_lufs; /* the band around the target */
};

/* The clause about ID that must be met; NULL: there is none. */
const struct spec_clause *spec_must(const struct spec *spec, const char *id);
/* VALUE, a number, meets CLAUSE. */
bool spec_allows(const struct spec_clause *clause, double value);

struct spec_set;
/* Shipped ones and the user's. Faulty files of the user are left out: spec_fault(). */
int spec_set_new(struct spec_set **ret, struct mixd_error *err);
struct spec_set *spec_set_free(struct spec_set *set);
uint32_t spec_count(const struct spec_set *set);
const struct spec *spec_at(const struct spec_set *set, uint32_t idx);
/* -ENOENT names the nearest, or the user's file that could not be read. */
int spec_find(const struct spec_set *set, const char *name, const struct spec **ret,
	      struct mixd_error *err);
/* What was wrong with the user's file IDX; NULL beyond the last. */
const struct mixd_error *spec_fault(const struct spec_set *set, uint32_t idx);

/* For tests and `spec add`: no specs at all; then those of a text, all of them or none. ORIGIN NULL:
 * shipped. NAME is what errors call the text ("mine.yaml:3:12"). *ret_first: index of the first. */
int spec_set_new_empty(struct spec_set **ret, struct mixd_error *err);
int spec_set_add(struct spec_set *set, const char *name, const char *origin, const char *text,
		 size_t size, uint32_t *ret_first, struct mixd_error *err);
/* The shipped specs alone are added. */
int spec_set_add_shipped(struct spec_set *set, struct mixd_error *err);
#define SPEC_SYSTEM_FOLDER "/etc/mixd/specs" /* of all users */
/* The folder where `spec add` puts files, malloc'd; NULL: there is no home. */
char *spec_user_folder(void);

enum spec_state {
	SPEC_PASS,
	SPEC_FAIL,
	SPEC_WARN,
	SPEC_NOTE,
	SPEC_UNKNOWN, /* could not be measured */
	SPEC_APART, /* the clause does not count for this programme */
};
struct spec_verdict {
	const struct spec_clause *clause;
	enum spec_state state;
	double value; /* NAN: not a number */
	char measured[48]; /* "-13.2 LUFS", "mp3" */
	char limit[64]; /* "-14.0 ±0.2 LUFS", "at most -1.0 dBTP" */
	char beyond[64]; /* "0.8 LU above" of what is not met; may be empty */
	bool is_approximate; /* rests on a detector of speech; said in text */
	double speech_share; /* what that detector found, 0..1; else NAN */
	char text[240]; /* "integrated loudness -13.2 LUFS is 0.8 LU above -14.0 (±0.2)" */
	char remedy[160]; /* may be empty */
};
/* What must be measured for SPEC. */
unsigned spec_needs(const struct spec *spec);
/* Whether the loudness of dialogue is asked for. */
bool spec_needs_speech(const struct spec *spec);
/* VERDICT has room for spec->n_clauses. Returns whether every MUST was met; what could not be
 * measured is not met. ALBUM: the pooled result, or NULL. */
bool spec_check(const struct spec *spec, const struct measure_result *result,
		const struct media_info *info, const struct measure_result *album,
		struct spec_verdict *verdict);
/* The same for an album as a whole: what its files must have in common ("loudest-track",
 * "same-channels"); all other clauses are SPEC_APART. */
bool spec_check_album(const struct spec *spec, const struct measure_result *const *results,
		      const struct media_info *const *infos, uint32_t n,
		      struct spec_verdict *verdict);

/* "ceiling", "must", "pass": the words of JSON. */
const char *spec_kind_word(enum spec_kind kind);
const char *spec_severity_word(enum spec_severity severity);
const char *spec_state_word(enum spec_state state);
/* "integrated loudness"; ID itself when there is no such quantity. */
const char *spec_clause_label(const struct spec_clause *clause);
/* "-14.0 ±0.2 LUFS" into BUF; returns BUF. */
const char *spec_clause_limit(const struct spec_clause *clause, char *buf, size_t size);
