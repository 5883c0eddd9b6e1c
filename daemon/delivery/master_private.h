/* master_private.h - what the files of master share. */
#pragma once

#include <sys/types.h>

#include "master.h"
#include "render.h"
#include "spool.h"

#define MASTER_PART_S 1.0
#define MASTER_PARTS_MAX 12u
#define MASTER_UNLIMITED_DBTP 60.0

/* The programme behind the chain, to be read from the start as often as it takes. */
struct master_source {
	char *path; /* a file; or */
	struct spool *spool;
	struct media_reader *reader; /* of path, while it is read */
	double rate;
	struct mixd_layout layout;
	int64_t n_frames;
};

struct master {
	struct job *job;
	struct master_request *request;
	struct master_source source; /* behind the chain */
	struct master_source at_rate; /* the same at another rate, for the goal at hand */
	char *folder; /* for temporary files: that of the first goal */
};

/* ---- master_source.c ---- */
int master_source_rewind(struct master_source *source, struct mixd_error *err);
int64_t master_source_read(struct master_source *source, float *const *channels, uint32_t n_frames,
			   struct mixd_error *err);
/* The next frame read is FRAME. */
int master_source_seek(struct master_source *source, int64_t frame, struct mixd_error *err);
void master_source_done(struct master_source *source);
/* The file itself. */
int master_source_open(struct master_source *source, const char *path, struct mixd_error *err);
/* FROM at RATE, on disk. */
int master_source_resample(struct master *master, struct master_source *from, double rate,
			   struct master_source *ret, struct mixd_error *err);
/* What CHAIN makes of the input, on disk. */
int master_source_chain(struct master *master, struct master_source *ret, struct mixd_error *err);
/* FINE may be NULL. */
int master_source_measure(struct master *master, struct master_source *source, unsigned what,
			  const struct measure_fine *fine, struct measure_result *ret,
			  struct mixd_error *err);

/* ---- master_frame.c: head and tail as the spec of GOAL wants them ---- */
/* FROM will be GAIN_DB louder. *ret_is_framed: *ret is FROM with other ends, on disk. */
int master_frame(struct master *master, struct master_source *from, struct master_goal *goal,
		 double gain_db, struct master_source *ret, bool *ret_is_framed,
		 struct mixd_error *err);

/* ---- master_model.c: how loud it will be behind the limiter, without running it ---- */
struct master_model;
/* Reads the source once. is_rms: mean square instead of loudness. Peaks up to ABOVE (linear) are those of
 * samples. */
int master_model_new(struct master *master, struct master_source *source, bool is_rms, double above,
		     struct master_model **ret, struct mixd_error *err);
/* Level in LUFS or dBFS with DRIVE before a limiter at CEILING, and behind the codec if one was learnt.
 * *ret_reduction: the deepest. */
double master_model_level(struct master_model *model, double drive_db, double ceiling_dbtp,
			  double *ret_reduction_db);
/* Energies of a stretch before a codec and behind it, in any unit. */
struct master_heard {
	double at_s, length_s;
	double plain, coded;
};
/* From now on the level is that behind a codec which does this. */
void master_model_learn(struct master_model *model, const struct master_heard *part, uint32_t n);
/* The N seconds that are hardest on a limiter and a codec: those with the most peaks near the ceiling,
 * and those with the highest, in order of time. Returns how many there are. */
uint32_t master_model_hardest(struct master_model *model, double drive_db, double ceiling_dbtp,
			      uint32_t n, double *ret_at_s);
/* N seconds that stand for all that counts: strata by the share of high frequencies, which are equal parts
 * of time and energy. Returns how many there are, in order of time. */
uint32_t master_model_spread(struct master_model *model, double drive_db, double ceiling_dbtp,
			     uint32_t n, double *ret_at_s);
struct master_model *master_model_free(struct master_model *model);

/* ---- master_pass.c: one deliverable, written once ---- */
struct master_pass {
	double drive_db;
	double limit_dbtp; /* NAN: a gain and nothing else */
	/* Parts of MASTER_PART_S to try the codec with; none: all of the programme. */
	const double *part_s;
	uint32_t n_parts;
	const char *path; /* of this try */
	double reduction_db; /* result */
};
int master_pass_run(struct master *master, struct master_source *source,
		    const struct master_goal *goal, struct master_pass *pass,
		    struct mixd_error *err);

/* ---- master.c: one goal on its way ---- */
struct master_try {
	struct master *master;
	struct master_goal *goal;
	struct master_source *source; /* at the goal's rate */
	struct master_model *model; /* NULL until the limiter is needed */
	const char *path; /* of the try; borrowed */
	double target; /* LUFS or dBFS; NAN: nothing to aim at */
	double level; /* of the source */
	double true_peak; /* of the source */
	double max_dbtp; /* NAN: none */
	double correction; /* what the model reads too high */
	struct master_pass pass;
};
bool master_is_rms(const struct master_goal *goal);

/* ---- master_drive.c: what to begin with, foretold ---- */
int master_need_model(struct master_try *try, struct mixd_error *err);
/* pass.drive_db: what brings the level to the target behind a limiter at pass.limit_dbtp. */
int master_find_drive(struct master_try *try, struct mixd_error *err);
/* The first pass: a gain, or a limiter. */
int master_first(struct master_try *try, struct mixd_error *err);
/* Encoders lift peaks, and take a little loudness away: by how much, a few seconds tell. The pass is
 * changed accordingly. */
int master_try_codec(struct master_try *try, struct mixd_error *err);

/* ---- master_place.c: where it is made ---- */
struct media_file;
struct master_place {
	const char *goal; /* as it was asked for; borrowed */
	char *to; /* owned: links are followed */
	char *work; /* owned: beside it */
	struct media_file *hold; /* as long as it is there nobody else writes the goal */
	mode_t mode; /* of what is replaced; 0: nothing */
};
/* -EBUSY: somebody else writes it. master_place_done() also when this fails. */
int master_place_take(const char *path, struct master_place *ret, struct mixd_error *err);
void master_place_name(const struct master_place *place, struct mixd_error *err);
/* All of them, or none. */
int master_places_move(struct master_place *place, uint32_t n, struct mixd_error *err);
/* What was not moved is removed. */
void master_place_done(struct master_place *place, bool is_moved);

/* ---- master_prove.c: what was written, as it is decoded ---- */
/* Measured, into the goal; and where a few peaks of an MP3 are too high, these are lowered. */
int master_prove_try(struct master_try *try, struct mixd_error *err);
/* The same of any file: *ret_lowered granules of an MP3, so that nothing is above CEILING_DBTP (NAN: as it
 * is). The result is that of measure_file() on the file as it is then. */
int master_prove_file(const char *path, double ceiling_dbtp, const struct measure_options *options,
		      struct task *task, struct measure_result *ret, struct media_info *ret_info,
		      uint32_t *ret_lowered, struct mixd_error *err);
