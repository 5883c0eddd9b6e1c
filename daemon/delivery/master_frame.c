/* master_frame.c - head and tail of a deliverable as its spec wants them: see roomtone.h. */
#include "master_private.h"

#include <math.h>
#include <string.h>

#include "roomtone.h"

static int64_t frame_read(void *data, float *const *channels, uint32_t n_frames,
			  struct mixd_error *err)
{
	return master_source_read(data, channels, n_frames, err);
}

static int frame_seek(void *data, int64_t frame, struct mixd_error *err)
{
	int r = master_source_rewind(data, err);

	return r == 0 && frame > 0 ? master_source_seek(data, frame, err) : r;
}

static int frame_write(void *data, const float *const *channels, uint32_t n_frames,
		       struct mixd_error *err)
{
	struct master_source *into = data;

	return spool_write(into->spool, channels, n_frames, err);
}

/* False: the spec does not say. What is only advice changes nothing. */
static bool frame_bounds(const struct spec *spec, struct roomtone_bounds *ret)
{
	bool is_asked = false;

	*ret = (struct roomtone_bounds){-INFINITY, INFINITY, -INFINITY, INFINITY};
	for (uint32_t i = 0; i < spec->n_clauses; i++) {
		const struct spec_clause *clause = &spec->clause[i];

		if (clause->severity != SPEC_MUST)
			continue;
		if (strcmp(clause->id, "head") == 0) {
			ret->head_min_s = clause->min;
			ret->head_max_s = clause->max;
			is_asked = true;
		} else if (strcmp(clause->id, "tail") == 0) {
			ret->tail_min_s = clause->min;
			ret->tail_max_s = clause->max;
			is_asked = true;
		}
	}
	return is_asked;
}

int master_frame(struct master *master, struct master_source *from, struct master_goal *goal,
		 double gain_db, struct master_source *ret, bool *ret_is_framed,
		 struct mixd_error *err)
{
	struct roomtone_source source = {.read = frame_read,
					 .seek = frame_seek,
					 .data = from,
					 .rate = from->rate,
					 .layout = &from->layout,
					 .n_frames = from->n_frames};
	struct task *task = job_task(master->job);
	struct roomtone_bounds bounds;
	struct roomtone tone = {0};
	struct roomtone_cut cut;
	int r;

	*ret_is_framed = false;
	goal->quietest_dbfs = NAN;
	if (!frame_bounds(goal->spec, &bounds))
		return 0;
	job_stage(master->job, "frame", strrchr(goal->path, '/') + 1);
	r = roomtone_find(&source, gain_db, task, &tone, err);
	if (r == 0 && tone.tone)
		goal->quietest_dbfs = tone.tone_dbfs + gain_db;
	if (r == 0 && roomtone_cut(&tone, &bounds, &cut)) {
		r = roomtone_settle(&tone, gain_db, err);
		*ret = (struct master_source){.rate = from->rate, .layout = from->layout};
		if (r == 0)
			r = spool_new(master->folder, from->layout.n_channels, &ret->spool, err);
		if (r == 0)
			r = roomtone_write(&source, &tone, &cut, frame_write, ret, task, err);
		*ret_is_framed = r == 0;
		if (r == 0) {
			ret->n_frames = spool_frames(ret->spool);
			goal->head_change_s = (double)(cut.head - cut.from) / from->rate;
			goal->tail_change_s =
				(double)(cut.tail - (tone.n_frames - cut.to)) / from->rate;
			goal->is_tone_made = tone.is_made && (cut.head > 0 || cut.tail > 0);
			goal->is_framed = true;
		} else {
			master_source_done(ret);
		}
	}
	roomtone_done(&tone);
	return r;
}
