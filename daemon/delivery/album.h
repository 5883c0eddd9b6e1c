/* album.h - an album: tracks in order on one time line, rendered once, delivered in many forms.
 *
 * WHAT        album_read() takes what a person wrote; album_scan() looks into the files for where
 *             their sound begins and ends; album_place() puts them on the time line and makes the
 *             disc (marks on CD sectors); album_sound() renders them through the chain into a spool
 *             and finds the gains (album_pass.h); album_deliver() writes continuous streams, each
 *             resampled and dithered once, and cuts them to the bit.
 * FRAMES      places on the time line are frames at the album's rate, a multiple of 75 Hz: frame 0 is
 *             index 01 of track 1. Sectors of the disc count from the image's start, 150 before.
 * THREADS     the job's. */
#pragma once

#include "disc.h"
#include "document.h"
#include "job.h"
#include "measure.h"
#include "redbook.h"
#include "spool.h"

enum album_mode { ALBUM_GAIN, ALBUM_TRACK_GAIN, ALBUM_NONE };
enum album_anchor { ALBUM_ANCHOR_ALBUM, ALBUM_ANCHOR_LOUDEST };

struct album_track {
	/* --- as written --- */
	char *file, *title, *artist, *songwriter, *composer, *arranger, *message;
	char *cd_title, *cd_artist, *isrc_text;
	const struct session_node *node, *gap_node, *trim_node, *eq_node, *flags_node;
	double crossfade_s; /* 0: none */
	double gap_s; /* to the end of the track before; NAN: the album's */
	bool is_joined; /* begins where the file before ends */
	bool trim_auto;
	double trim_head_s, trim_tail_s;
	double gain_db, fade_in_s, fade_out_s;
	char isrc[13];
	unsigned flags; /* enum disc_flag */
	/* --- found: frames at the album's rate, from the beginning of the file --- */
	double file_rate;
	uint32_t n_channels;
	int64_t file_frames, sound_start, sound_end;
	/* --- placed --- */
	int64_t at, offset, length; /* of the clip */
	int64_t fade_in, fade_out;
	bool fades_cross_in, fades_cross_out; /* equal-power */
	int64_t mark; /* index 01, on a sector */
	int64_t end; /* of what is heard of it */
	double gap_real_s;
	/* --- measured --- */
	struct measure_result before, after; /* the gain; as delivered */
	double album_gain_db;
};

struct album {
	struct document *document;
	/* --- as written --- */
	char *title, *artist, *songwriter, *composer, *arranger, *message, *cd_title, *cd_artist;
	char *upc_text, *catalog, *genre, *genre_text, *language, *date, *master_id, *spec, *chain;
	double gap_s, lead_s, tail_s, rate, target_lufs, ceiling_dbtp;
	int mode, anchor;
	bool pregaps, limiter;
	const struct session_node *tracks_node;
	struct album_track *track;
	uint32_t n_tracks;
	/* --- made --- */
	struct disc disc;
	int64_t n_frames; /* of the time line: whole sectors */
	struct measure_result before, after; /* pooled */
	bool is_measured;
	bool is_held_back; /* peaks allow less gain than asked for */
	double reduction_db; /* of the limiter */
};

int album_read(const char *path, const char *name, struct album **ret, struct mixd_error *err);
/* The genre of CD-Text, which has a list of them; tags take any. */
int album_read_genre(struct album *album, struct mixd_error *err);
struct album *album_free(struct album *album);
/* Before any sound: the spec's level goes into ALBUM, filters and chain are looked at, and what does nothing
 * is said. */
int album_check(struct job *job, struct album *album, struct mixd_error *err);
int album_scan(struct album *album, struct task *task, struct mixd_error *err);
/* -EINVAL with the place in the document. */
int album_place(struct album *album, struct mixd_error *err);
/* The session that plays the album: JSON, returned (malloc'd). NULL without memory. */
char *album_session(const struct album *album);
/* FOLDER: where the spool may lie. */
int album_sound(struct job *job, struct album *album, const char *folder, struct spool **ret,
		struct mixd_error *err);

/* Frames of one sector at RATE. */
int64_t album_sector_frames(double rate);
/* Where track IDX begins on the time line, at RATE; n_tracks: the end. */
int64_t album_edge(const struct album *album, uint32_t idx, double rate);
void album_track_name(const struct album *album, uint32_t idx, char *buf, size_t size);
/* ERROR_INVALID at the track's place, which the text names. */
__attribute__((format(printf, 4, 5))) int album_track_error(const struct album *album, uint32_t idx,
							    struct mixd_error *err, const char *fmt,
							    ...);

/* Measure a stream of RATE track by track. READ as media_read(). RESULT: one per track, initialised
 * here; POOL: all. */
typedef int64_t (*album_read_fn)(void *data, float *const *channels, uint32_t n_frames,
				 struct mixd_error *err);
int album_measure(const struct album *album, album_read_fn read, void *data, double rate,
		  struct measure_result *result, struct measure_result *pool, struct task *task,
		  struct mixd_error *err);

struct album_wants {
	const char *tracks; /* "wav24,flac,mp3:320"; NULL: none */
	bool ddp, cue, pq;
	enum redbook_media media;
	uint64_t seed;
};
/* Faults of WANTS, before any work. */
int album_wants_check(const struct album_wants *wants, struct mixd_error *err);
/* Into FOLDER, which others move into its place. */
int album_deliver(struct job *job, struct album *album, const struct album_wants *wants,
		  struct spool *spool, const char *folder, struct mixd_error *err);
/* What lies in STAGE takes the place of nothing in FOLDER but what this album has made. -EEXIST. */
int album_replace_check(const struct album *album, const char *stage, const char *folder,
			struct mixd_error *err);

/* The sheet: what is where. Returned (malloc'd); NULL without memory. */
char *album_sheet_text(const struct album *album);
char *album_sheet_html(const struct album *album);
json_t *album_json(const struct album *album);
/* CDRWin's cue sheet for one file without the first pregap. */
char *album_cue(const struct album *album, const char *wav);
