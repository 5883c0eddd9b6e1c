/* spec.h - delivery specifications as data, and the verdict on a programme.
 *
 * WHAT        A spec is a name, where it comes from, and clauses. Shipped ones are compiled in from
 *             specs.yaml (version, source, date and grade of every clause); a user's own lie in
 *             ~/.config/mixd/specs and /etc/mixd/specs (`mixctl spec add`). spec_check() gives a
 *             verdict per clause, in words and figures.
 * THREADS     specs are immutable once loaded; one thread loads.
 * NOT HERE    measuring: measure.h; bringing a programme to a spec: master.h. */
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

struct spec_clause {
	const char *
		id; /* "integrated" "dialogue" "rms" "true-peak" "sample-peak" "shortterm-max" "lra"
			   "noise-floor" "head" "tail" "duration" "rate" "codec" "bitrate" "channels"
			   "bits" "clipping" "ldr" ... */
	enum spec_kind kind;
	enum spec_severity severity;
	double target, min, max; /* min/max already with tolerance: what is compared */
	const char *unit; /* "LUFS" "dBTP" "s" */
	const char *words; /* SPEC_ONE_OF: "mp3 flac" */
	const char *text; /* the rule as the spec means it, in our words */
	const char *source, *date, *grade;
};
struct spec {
	const char *name; /* "ebu-r128" */
	const char *title; /* "EBU R 128 v5.0: production" */
	uint32_t version; /* raised when a clause changes */
	const char *source, *date, *grade;
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

struct spec_set;
/* Shipped ones and the user's. Faulty files of the user are noted in *err of the ones that ask. */
int spec_set_new(struct spec_set **ret, struct mixd_error *err);
struct spec_set *spec_set_free(struct spec_set *set);
uint32_t spec_count(const struct spec_set *set);
const struct spec *spec_at(const struct spec_set *set, uint32_t idx);
/* -ENOENT names the nearest. */
int spec_find(const struct spec_set *set, const char *name, const struct spec **ret,
	      struct mixd_error *err);

enum spec_state { SPEC_PASS, SPEC_FAIL, SPEC_WARN, SPEC_NOTE, SPEC_UNKNOWN };
struct spec_verdict {
	const struct spec_clause *clause;
	enum spec_state state;
	double value; /* NAN: not a number */
	char text[240]; /* "integrated loudness -13.2 LUFS is 0.8 LU above -14.0 (+-0.2)" */
	char remedy[160]; /* may be empty */
};
/* What must be measured for SPEC. */
unsigned spec_needs(const struct spec *spec);
/* VERDICT has room for spec->n_clauses. Returns whether nothing failed. ALBUM: the pooled result, or
 * NULL. */
bool spec_check(const struct spec *spec, const struct measure_result *result,
		const struct media_info *info, const struct measure_result *album,
		struct spec_verdict *verdict);
