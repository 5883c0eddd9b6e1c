/* album_pass.h - the album's time line out of its spool, at the gains found so far and through its
 * limiter; and the loudness of what comes, track by track.
 *
 * WHAT        album_gains() finds the gains: what the target asks for, as far as the peaks allow it; with
 *             a limiter, as much more as that takes away. album_pass_init() fills a request for a
 *             render of the time line; the caller sets its outputs.
 * THREADS     the job's. */
#pragma once

#include "album.h"
#include "render.h"

/* An album_read_fn of a struct spool. */
int64_t album_spool_give(void *data, float *const *channels, uint32_t n_frames,
			 struct mixd_error *err);

struct album_meter;

/* Tracks on the time line at RATE; WHAT: enum measure_what. NULL: *err. */
struct album_meter *album_meter_new(const struct album *album, double rate, unsigned what,
				    struct mixd_error *err);
/* What is behind the last track is not looked at. */
int album_meter_feed(struct album_meter *meter, const float *const *channels, uint32_t n_frames,
		     struct mixd_error *err);
/* What is missing is silence. RESULT: one per track, initialised here; POOL: all. */
int album_meter_finish(struct album_meter *meter, struct measure_result *result,
		       struct measure_result *pool, struct mixd_error *err);
struct album_meter *album_meter_free(struct album_meter *meter);

struct album_pass {
	struct render_request request; /* without outputs */
	struct render_source source;
	struct render_input input;
	const struct album *album;
	struct spool *spool;
	int64_t frame;
	uint32_t track;
	char ceiling[64];
	const char *set[1], *meter[1];
};

/* PASS stays where it is. SPOOL is at its beginning. */
int album_pass_init(struct album_pass *pass, struct job *job, struct album *album,
		    struct spool *spool, struct mixd_error *err);

/* The gains of all tracks; SPOOL is at its beginning, before and after. */
int album_gains(struct job *job, struct album *album, struct spool *spool, struct mixd_error *err);
