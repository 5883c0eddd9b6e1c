/* audiobook.h - the chapters of a book, each inside a spec's rules, all of one level.
 *
 * WHAT        book_collect(): files and folders to chapters in the order people count in.
 *             book_measure(): what each is like; book_plan(): what each needs, and what nobody could
 *             deliver. book_master(): all of them, side by side on all cores.
 * THREADS     the job's thread; book_each() starts more.
 * NOT HERE    bringing one file to a spec: master.h; its ends: roomtone.h; repair: voice_repair.h. */
#pragma once

#include "job.h"
#include "master.h"
#include "roomtone.h"
#include "spec.h"
#include "voice_repair.h"

struct book_chapter {
	char *name; /* as the caller would call it */
	char *path, *output; /* absolute */
	char *title;
	struct measure_result before;
	struct media_info info;
	struct roomtone tone;
	struct voice_repair repair;
	double gain_db; /* about what it will need */
	uint32_t n_rounds;
	char *chain; /* text of a session; NULL: none */
	struct media_tags tags;
	struct job *job; /* its own stages, notes and progress */
	struct master_goal goal;
	struct master_request request;
	bool is_measured, is_mastered;
	struct mixd_error error;
	int r;
};

struct book {
	struct job *job;
	const struct spec *spec;
	struct book_chapter *chapter;
	uint32_t n_chapters;
	char *folder; /* of the output */
	const char *ending; /* of the files, without dot */
	struct media_target target; /* what is common to all */
	uint32_t n_channels; /* 1 or 2: all alike */
	double level, limit_dbfs; /* aimed at; of the noise floor */
	bool is_rms, repairs, is_forced;
	double max_limiting_db;
};

/* Words of the job: files, and folders with files. -ENOENT, -EINVAL with *err. */
int book_collect(struct book *book, struct mixd_error *err);
/* What their headers say is refused already. */
int book_look(struct book *book, struct mixd_error *err);
int book_measure(struct book *book, struct mixd_error *err);
/* What is refused, is refused here: nothing has been written yet. CHANNELS 0: as they are. */
int book_plan(struct book *book, uint32_t channels, struct mixd_error *err);
int book_master(struct book *book, struct mixd_error *err);
/* After book_master(): what was measured as its noise floor is speech. */
bool book_has_no_pause(const struct book_chapter *chapter);
/* WORK for every chapter, on up to N threads (0: all cores). The first failure in the order of the
 * chapters. */
int book_each(struct book *book, const char *stage, uint32_t n_threads,
	      int (*work)(struct book *book, struct book_chapter *chapter), struct mixd_error *err);
void book_done(struct book *book);
/* "ch2" before "ch10"; [any]. */
int book_compare(const char *a, const char *b);
/* "03 - The_Road.wav" -> "The Road". malloc'd. */
char *book_title(const char *name);
