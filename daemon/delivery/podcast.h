/* podcast.h - an episode as a person writes it down, and the session it becomes.
 *
 * WHAT        podcast_read(): the document, every fault with its place. podcast_plan(): the files are
 *             looked at, repairs decided, times laid out. podcast_session(): the session, as text, that
 *             render and master run, and people may change.
 * TIME        What a person writes is time of the talk: 0 is where the first voice may begin. The intro
 *             runs before it and overlaps it; inserts with `push` make room and move what follows;
 *             chapters move along. `start_s` of an item is where it ends up in the file.
 * THREADS     one at a time per object.
 * NOT HERE    loudness and encoding: master.h. */
#pragma once

#include <stdio.h>

#include "document.h"
#include "job.h"
#include "media.h"
#include "voice_repair.h"

enum podcast_auto { PODCAST_AUTO, PODCAST_OFF, PODCAST_ON };

struct podcast_sound { /* a voice, or music */
	const struct session_node *node; /* where it is written */
	char *file; /* absolute */
	char *name;
	double at_s; /* of the talk */
	double gain_db;
	/* voices */
	char *pan;
	const struct session_node *denoise; /* auto, off, or dB */
	int dehum;
	bool deesser, deplosive, gate, comp;
	/* music */
	double overlap_s, fade_in_s, fade_out_s, depth_db;
	bool push;
	/* --- found by podcast_plan() --- */
	double length_s, start_s; /* start_s: of the file, for what is no voice */
	double integrated; /* LUFS */
	uint32_t n_channels;
	double level_db; /* gain that brings a voice to the common level */
	struct voice_repair repair;
};

struct podcast_chapter {
	const struct session_node *node;
	char *title;
	double at_s; /* of the talk */
	double start_s; /* of the file */
};

struct podcast {
	struct document *document;
	char *title, *episode, *season, *show, *artist, *date, *description, *cover, *spec;
	double rate, bitrate_kbps;
	int channels; /* auto mono stereo */
	int automix;
	bool leveler;
	const struct session_node *voices_node, *intro_node, *outro_node, *bed_node, *inserts_node,
		*chapters_node, *cover_node;
	struct podcast_sound *voice, *insert;
	uint32_t n_voices, n_inserts;
	struct podcast_sound intro, outro, bed; /* file NULL: none */
	struct podcast_chapter *chapter;
	uint32_t n_chapters;
	/* --- found by podcast_plan() --- */
	double talk_s; /* where the talk begins in the file */
	double talk_end_s, end_s; /* in the file */
	bool is_stereo, is_mixed; /* is_mixed: by automix */
};

/* PATH is opened, NAME is what errors call it. */
int podcast_read(const char *path, const char *name, struct podcast *ret, struct mixd_error *err);
int podcast_plan(struct job *job, struct podcast *podcast, struct mixd_error *err);
/* *ret: malloc'd. */
int podcast_session(const struct podcast *podcast, char **ret, struct mixd_error *err);
/* Where AT of the talk is in the file; what begins there lies behind an insert that is pushed in. */
double podcast_place(const struct podcast *podcast, double at_s);
void podcast_done(struct podcast *podcast);
