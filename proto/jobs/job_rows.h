/* job_rows.h - options that several verbs have, each written once.
 *
 * WHAT        A row is an initialiser of struct mixd_job_option, rows a group of them that belongs
 *             together; a verb's table is made of these and of rows of its own. What differs between
 *             verbs is a word of their docs, and is the row's argument: never what a value may be.
 *             Help, completion, checks, the manual page and job_number() see one flat table per verb.
 * INVARIANTS  J1 options of one name have one kind, unit, range, letter and list of choices in all
 *             verbs, but for the homonyms that tests/unit/test_jobs.c names.
 * THREADS     immutable. */
#pragma once

#include "mixd_jobs.h"

/* ---- how a file is written: read by daemon/delivery/encode_options.c ----------------------------- */

#define JOB_ROW_RATE(what_)                                                                        \
	{                                                                                          \
		.name = "rate", .kind = MIXD_JOB_NUMBER, .value_name = "HZ", .doc = what_,         \
		.unit = "Hz", .min = 8000, .max = 384000                                           \
	}

#define JOB_ROW_BITRATE(what_)                                                                     \
	{                                                                                          \
		.name = "bitrate", .kind = MIXD_JOB_NUMBER, .value_name = "KBPS", .doc = what_,    \
		.unit = "kbps", .min = 16, .max = 640                                              \
	}

#define JOB_ROW_TAG                                                                                \
	{                                                                                          \
		.name = "tag", .kind = MIXD_JOB_TEXT, .value_name = "NAME=VALUE",                  \
		.doc = "TITLE, ARTIST, ALBUM, DATE, ...", .repeats = true                          \
	}

/* All of it, for a verb that leaves the choice of a format to its user. */
#define JOB_ROWS_ENCODING                                                                          \
	{.name = "bits",                                                                           \
	 .kind = MIXD_JOB_NUMBER,                                                                  \
	 .value_name = "BITS",                                                                     \
	 .doc = "16, 24 or 32 (24)",                                                               \
	 .unit = "bits",                                                                           \
	 .min = 16,                                                                                \
	 .max = 32},                                                                               \
		{.name = "float", .kind = MIXD_JOB_FLAG, .doc = "32-bit float samples"},           \
		{.name = "dither",                                                                 \
		 .kind = MIXD_JOB_CHOICE,                                                          \
		 .value_name = "KIND",                                                             \
		 .doc = "of integer formats: auto is tpdf, unless all samples fit as they are",    \
		 .choices = mixd_job_dithers},                                                     \
		JOB_ROW_BITRATE("constant bit rate of lossy formats"),                             \
		{.name = "quality",                                                                \
		 .kind = MIXD_JOB_NUMBER,                                                          \
		 .value_name = "Q",                                                                \
		 .doc = "variable bit rate: 0 is best, 9 smallest",                                \
		 .min = 0,                                                                         \
		 .max = 9},                                                                        \
		JOB_ROW_TAG

#define JOB_ROW_BEXT                                                                               \
	{                                                                                          \
		.name = "bext", .kind = MIXD_JOB_FLAG,                                             \
		.doc = "a broadcast extension (EBU Tech 3285) with the loudness that was "         \
		       "measured, and iXML: in WAV and RF64"                                       \
	}

/* ---- what it is to meet -------------------------------------------------------------------------- */

/* Of one spec; where several may be given, the verb has a row of its own. */
#define JOB_ROW_SPEC(what_)                                                                        \
	{                                                                                          \
		.name = "spec", .kind = MIXD_JOB_TEXT, .value_name = "NAME", .doc = what_          \
	}

#define JOB_ROW_SPECS(what_)                                                                       \
	{                                                                                          \
		.name = "spec", .kind = MIXD_JOB_TEXT, .value_name = "NAME", .doc = what_,         \
		.repeats = true                                                                    \
	}

#define JOB_ROWS_LIMITING                                                                          \
	{.name = "max-limiting",                                                                   \
	 .kind = MIXD_JOB_NUMBER,                                                                  \
	 .value_name = "DB",                                                                       \
	 .doc = "refuse to take more than this off any peak (15)",                                 \
	 .unit = "dB",                                                                             \
	 .min = 0,                                                                                 \
	 .max = 60},                                                                               \
	{                                                                                          \
		.name = "force", .kind = MIXD_JOB_FLAG, .doc = "limit as much as it takes"         \
	}

#define JOB_ROW_SPEECH(otherwise_)                                                                 \
	{                                                                                          \
		.name = "speech", .kind = MIXD_JOB_TEXT, .value_name = "STEM|RANGES|auto",         \
		.doc = "where dialogue is: a stem of it, times (10s-25s,1:02-1:30), or auto, an "  \
		       "approximate detector" otherwise_                                           \
	}

#define JOB_ROW_SERIES(what_)                                                                      \
	{                                                                                          \
		.name = "series", .kind = MIXD_JOB_TEXT, .value_name = "NAME", .doc = what_        \
	}

/* ---- files that are measured, and pages about them ----------------------------------------------- */

#define JOB_ROW_REPORT(what_)                                                                      \
	{                                                                                          \
		.name = "report", .kind = MIXD_JOB_PATH, .value_name = "FILE.html", .doc = what_   \
	}

#define JOB_ROW_JOBS(what_)                                                                        \
	{                                                                                          \
		.name = "jobs", .letter = 'j', .kind = MIXD_JOB_NUMBER, .value_name = "N",         \
		.doc = what_ " at a time (as many as there are cores)", .min = 1, .max = 256       \
	}

#define JOB_ROWS_MEASURING                                                                         \
	{.name = "dual-mono",                                                                      \
	 .kind = MIXD_JOB_FLAG,                                                                    \
	 .doc = "a mono file is heard from two loudspeakers: it counts twice, +3.01 LU"},          \
		JOB_ROW_JOBS("files"),                                                             \
		JOB_ROW_REPORT("write a page with figures, plots and verdicts for people"),        \
	{                                                                                          \
		.name = "plots", .kind = MIXD_JOB_PATH, .value_name = "DIR",                       \
		.doc = "write each plot as .svg and .png"                                          \
	}

#define JOB_ROW_DETAILS(what_)                                                                     \
	{                                                                                          \
		.name = "details", .letter = 'v', .kind = MIXD_JOB_FLAG, .doc = what_              \
	}

/* ---- how it is done ------------------------------------------------------------------------------ */

#define JOB_ROW_DRY_RUN(what_)                                                                     \
	{                                                                                          \
		.name = "dry-run", .kind = MIXD_JOB_FLAG, .doc = what_                             \
	}

/* Up to 2^53: a number comes as a double. */
#define JOB_ROW_SEED                                                                               \
	{                                                                                          \
		.name = "seed", .kind = MIXD_JOB_NUMBER, .value_name = "N",                        \
		.doc = "of dither and noise (1); the same seed gives the same bytes", .min = 0,    \
		.max = 9007199254740992.0                                                          \
	}

#define JOB_ROW_THREADS                                                                            \
	{                                                                                          \
		.name = "threads", .kind = MIXD_JOB_NUMBER, .value_name = "N",                     \
		.doc = "at most so many (all cores); the bytes are the same", .min = 1, .max = 256 \
	}

/* In the order of enum media_dither; ends with NULL. */
extern const char *const mixd_job_dithers[];
