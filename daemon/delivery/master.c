/* master.c - see master.h: from a source and a spec to a file that meets it. */
#include "master_private.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "media_retag.h"
#include "tags_keep.h"

#define MASTER_GUARD_DB 0.03 /* what a second try stays below the ceiling in addition */
#define MASTER_PEAK_MAX_DBTP 60.0 /* where the engine takes it for a fault */

/* ---- what is aimed at ------------------------------------------------------------------------- */

bool master_is_rms(const struct master_goal *goal)
{
	return isnan(goal->target_level) && !isnan(goal->spec->target_rms_dbfs);
}

/* The figure the spec counts, and what it should be: of dialogue when there is enough of it. */
static double master_level(const struct master_goal *goal, const struct measure_result *result,
			   double *ret_target)
{
	const struct spec *spec = goal->spec;
	double target = goal->target_level;
	bool has_speech = !isnan(result->dialogue) && isfinite(result->dialogue) &&
			  (spec->speech_share <= 0 || result->speech_share >= spec->speech_share);

	if (master_is_rms(goal)) {
		*ret_target = spec->target_rms_dbfs;
		return result->rms;
	}
	if (spec->is_dialogue && has_speech) {
		*ret_target = isnan(target) ? spec->target_lufs : target;
		return result->dialogue;
	}
	if (isnan(target))
		target = spec->is_dialogue && !isnan(spec->fallback_lufs) ? spec->fallback_lufs
									  : spec->target_lufs;
	*ret_target = target;
	return result->integrated;
}

static double master_ceiling(const struct master_goal *goal)
{
	if (!isnan(goal->ceiling_dbtp))
		return goal->ceiling_dbtp;
	return fmin(goal->spec->max_dbtp, goal->spec->max_sample_dbfs); /* NAN gives the other */
}

/* A format that has no such rate (192 kHz in MP3, 44.1 kHz in Opus) gets the nearest usual one, when the
 * spec lets it. */
static void master_usual_rate(struct master *master, struct master_goal *goal)
{
	const struct spec_clause *rates = spec_must(goal->spec, "rate");
	const double usual[] = {fmod(goal->target.rate, 44100) == 0 ? 44100 : 48000, 48000};

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		struct media_target target = goal->target;

		if (i == 0 && media_target_complete(&target, goal->path, NULL) == 0)
			return;
		target = goal->target;
		target.rate = usual[i];
		if ((rates && !spec_allows(rates, usual[i])) ||
		    media_target_complete(&target, goal->path, NULL) < 0)
			continue;
		job_warn(master->job, strrchr(goal->path, '/') + 1,
			 "%s has no rate of %.6g kHz: it is written at %.6g kHz", target.format,
			 goal->target.rate / 1000, usual[i] / 1000);
		goal->target.rate = usual[i];
		return;
	}
}

/* What the spec says about the file, where the caller did not. */
static int master_fill_target(struct master *master, struct master_goal *goal,
			      struct mixd_error *err)
{
	const struct master_source *source = &master->source;
	const struct spec_clause *rates = spec_must(goal->spec, "rate");
	const struct spec_clause *bits = spec_must(goal->spec, "bits");
	const struct spec_clause *bitrate = spec_must(goal->spec, "bitrate");
	struct media_target *target = &goal->target;
	double rate = source->rate;
	bool is_free = target->rate <= 0;

	target->layout = source->layout;
	if (target->rate <= 0) {
		target->rate = rate;
		if (rates && !spec_allows(rates, rate))
			target->rate = rates->kind == SPEC_ONE_OF ? strtod(rates->words, NULL)
								  : rates->min;
	}
	if (target->bits == 0 && bits && !target->is_float)
		target->bits = bits->kind == SPEC_ONE_OF ? (uint32_t)strtoul(bits->words, NULL, 10)
							 : (uint32_t)bits->min;
	if (target->bitrate_kbps <= 0 && target->quality < 0 && bitrate && isfinite(bitrate->min)) {
		target->bitrate_kbps = bitrate->min;
	}
	if (is_free)
		master_usual_rate(master, goal);
	return media_target_complete(target, goal->path, err);
}

/* ---- one try ---------------------------------------------------------------------------------- */

static int master_write_try(struct master_try *try, struct mixd_error *err)
{
	job_stage(try->master->job, isnan(try->pass.limit_dbtp) ? "gain" : "limit",
		  strrchr(try->goal->path, '/') + 1);
	try->pass.path = try->path;
	try->goal->n_passes++;
	return master_pass_run(try->master, try->source, try->goal, &try->pass, err);
}

static int master_refuse(const struct master_try *try, double reduction_db, struct mixd_error *err)
{
	const struct master_request *request = try->master->request;

	if (request->is_forced || -reduction_db <= request->max_limiting_db)
		return 0;
	error_set(err, ERROR_INVALID, try->goal->path,
		  "%s at %.1f would need %.1f dB of limiting; %.1f dB are allowed",
		  try->goal->spec->name, try->target, ceil(-10 * reduction_db) / 10,
		  request->max_limiting_db);
	error_hint(err,
		   "lower its peaks before, or say how much may be: --max-limiting %.0fdB, or "
		   "--force",
		   ceil(-reduction_db));
	return -EINVAL;
}

/* ---- until it is right ------------------------------------------------------------------------ */

/* What follows from the measured file: other figures for the next pass. */
static int master_next(struct master_try *try, const struct measure_result *result, double error_lu,
		       double over_db, struct mixd_error *err)
{
	double reduction_db, model;

	if (isnan(try->pass.limit_dbtp) && over_db <= 0) {
		try->pass.drive_db += error_lu;
		return 0;
	}
	if (!isnan(try->pass.limit_dbtp) && try->model) {
		double unused;

		model = master_model_level(try->model, try->pass.drive_db, try->pass.limit_dbtp,
					   &reduction_db);
		try->correction = model - master_level(try->goal, result, &unused);
	}
	if (over_db > 0)
		try->pass.limit_dbtp =
			fmin(isnan(try->pass.limit_dbtp) ? try->max_dbtp : try->pass.limit_dbtp,
			     try->max_dbtp) -
			over_db - MASTER_GUARD_DB;
	return master_find_drive(try, err);
}

static double master_over(const struct master_try *try, const struct measure_result *result)
{
	double over_db = isnan(try->max_dbtp) ? -INFINITY : result->true_peak - try->max_dbtp;

	if (isnan(try->goal->ceiling_dbtp) && !isnan(try->goal->spec->max_sample_dbfs))
		over_db = fmax(over_db, result->sample_peak - try->goal->spec->max_sample_dbfs);
	return over_db;
}

static double master_error(const struct master_try *try)
{
	double target, level = master_level(try->goal, &try->goal->result, &target);

	return isnan(try->target) || !isfinite(level) ? 0 : try->target - level;
}

/* There is no other try than the last one. */
static bool master_is_stuck(const struct master_try *try, const struct master_pass *last)
{
	return fabs(try->pass.drive_db - last->drive_db) < 1e-6 &&
	       (isnan(last->limit_dbtp) ? isnan(try->pass.limit_dbtp)
					: fabs(try->pass.limit_dbtp - last->limit_dbtp) < 1e-6);
}

static int master_iterate(struct master_try *try, struct mixd_error *err)
{
	struct master_goal *goal = try->goal;
	bool is_stuck = false;
	int r = master_first(try, err);

	if (r == 0)
		r = master_try_codec(try, err);
	for (;;) {
		double error_lu, over_db;
		struct master_pass last;

		if (r == 0 && !is_stuck)
			r = master_write_try(try, err);
		if (r == 0 && !is_stuck)
			r = master_refuse(try, try->pass.reduction_db, err);
		if (r == 0 && !is_stuck)
			r = master_prove_try(try, err);
		if (r < 0)
			return r;
		error_lu = master_error(try);
		over_db = master_over(try, &goal->result);
		if (fabs(error_lu) <= MASTER_TOLERANCE_LU && over_db <= 0)
			return 0;
		if (is_stuck || goal->n_passes >= MASTER_PASSES_MAX) {
			error_set(err, ERROR_INVALID, goal->path,
				  "after %u passes it is %+.2f LU off the target, and %+.2f dB "
				  "from the ceiling",
				  goal->n_passes, -error_lu, over_db);
			error_hint(err, "the programme leaves no way: prepare it in a chain (-s)");
			return -EINVAL;
		}
		last = try->pass;
		r = master_next(try, &goal->result, error_lu, over_db, err);
		is_stuck = master_is_stuck(try, &last);
		if (!is_stuck)
			measure_result_done(&goal->result);
	}
}

/* ---- its tags --------------------------------------------------------------------------------- */

/* What the tags say of loudness is known only now. */
static int master_finish(struct master_try *try, struct mixd_error *err)
{
	struct master_goal *goal = try->goal;
	struct media_info info = goal->info;
	struct media_tags tags;
	int r = 0;

	if (goal->target.tags) {
		if (media_tags_copy(&tags, goal->target.tags) < 0)
			return error_no_memory(err);
		tags.loudness.integrated = goal->result.integrated;
		tags.loudness.range = goal->result.range;
		tags.loudness.true_peak = goal->result.true_peak;
		tags.loudness.momentary_max = goal->result.momentary_max;
		tags.loudness.shortterm_max = goal->result.shortterm_max;
		info.n_frames = (int64_t)goal->result.n_frames;
		r = media_retag(try->path, &info, &tags, err);
		media_tags_done(&tags);
	}
	return r;
}

static void master_settle(struct master_try *try)
{
	struct master_goal *goal = try->goal;
	double unused;

	goal->gain_db = try->pass.drive_db;
	goal->limit_dbtp = try->pass.limit_dbtp;
	goal->reduction_db = try->pass.reduction_db;
	goal->lost_lu = try->level + goal->gain_db - master_level(goal, &goal->result, &unused);
}

static int master_reach(struct master_try *try, struct mixd_error *err)
{
	struct master_goal *goal = try->goal;
	int r = master_iterate(try, err);

	if (r == 0)
		goal->verdict = calloc(goal->spec->n_clauses + 1, sizeof(*goal->verdict));
	if (r == 0 && !goal->verdict)
		r = error_no_memory(err);
	if (r < 0)
		return r;
	goal->is_met = spec_check(goal->spec, &goal->result, &goal->info, NULL, goal->verdict);
	master_settle(try);
	return master_finish(try, err);
}

/* Room tone at both ends changes the level a little, so it comes first. */
static int master_frame_try(struct master_try *try, struct master_source *framed,
			    struct mixd_error *err)
{
	double gain_db = isfinite(try->target - try->level) ? try->target - try->level : 0;
	struct measure_result result = {0};
	bool is_framed = false;
	unsigned what = MEASURE_LOUDNESS | MEASURE_TRUE_PEAK | MEASURE_LEVELS;
	double unused;
	int r = master_frame(try->master, try->source, try->goal, gain_db, framed, &is_framed, err);

	if (r < 0 || !is_framed)
		return r;
	try->source = framed;
	r = master_source_measure(try->master, framed, what, NULL, &result, err);
	if (r == 0) {
		try->level = master_level(try->goal, &result, &unused);
		try->true_peak = result.true_peak;
	}
	measure_result_done(&result);
	return r;
}

/* A target needs a level to come from. */
static int master_check_level(const struct master_try *try, struct mixd_error *err)
{
	const struct master_request *request = try->master->request;

	if (isnan(try->target) || isfinite(try->level))
		return 0;
	error_set(err, ERROR_INVALID, request->name, "has no loudness: %s",
		  isnan(try->level) ? "it is too short, and 0.4 s is the least"
				    : "all of it is below -70 LUFS, where nothing counts");
	error_hint(err, isnan(try->level)
				? "it needs a gain, not a master: mixctl render"
				: "turn it up in a chain (-s) when there is a programme in it");
	return -EINVAL;
}

/* What the input says of its places is true of the file, too. */
static int master_place_tags(struct master_try *try, struct media_tags *placed,
			     struct mixd_error *err)
{
	struct master_goal *goal = try->goal;
	int64_t n_frames = try->source->n_frames > 0 ? try->source->n_frames : INT64_MAX;

	if (!goal->target.tags || !try->master->request->is_marked)
		return 0;
	if (tags_place(goal->target.tags, try->master->request->info.rate, goal->target.rate,
		       goal->head_change_s, n_frames, placed) < 0) {
		media_tags_init(placed);
		return error_no_memory(err);
	}
	goal->target.tags = placed;
	return 0;
}

/* The finished file is PATH. */
static int master_goal_run(struct master *master, struct master_goal *goal, const char *path,
			   struct mixd_error *err)
{
	const struct measure_result *chained = &master->request->chained;
	struct master_try try = {
		.master = master, .goal = goal, .source = &master->source, .path = path};
	const struct media_tags *given = goal->target.tags;
	struct master_source framed = {0};
	struct media_tags placed;
	int r = master_fill_target(master, goal, err);

	media_tags_init(&placed);
	if (r == 0 && fabs(goal->target.rate - master->source.rate) > 0.5) {
		r = master_source_resample(master, &master->source, goal->target.rate,
					   &master->at_rate, err);
		try.source = &master->at_rate;
	}
	try.level = master_level(goal, chained, &try.target);
	try.true_peak = chained->true_peak;
	try.max_dbtp = master_ceiling(goal);
	if (r == 0)
		r = master_frame_try(&try, &framed, err);
	if (r == 0)
		r = master_check_level(&try, err);
	if (r == 0)
		r = master_place_tags(&try, &placed, err);
	if (r == 0)
		r = master_reach(&try, err);
	goal->target.tags = given;
	media_tags_done(&placed);
	master_model_free(try.model);
	master_source_done(&master->at_rate);
	master_source_done(&framed);
	return r;
}

/* ---- all of it -------------------------------------------------------------------------------- */

void master_request_init(struct master_request *request)
{
	*request = (struct master_request){.max_limiting_db = MASTER_LIMITING_MAX_DB};
}

void master_goal_init(struct master_goal *goal)
{
	*goal = (struct master_goal){.target_level = NAN, .ceiling_dbtp = NAN, .limit_dbtp = NAN};
	media_target_init(&goal->target);
}

/* No more than the goals count: it is read once or twice. */
static unsigned master_what(const struct master_request *request)
{
	unsigned what = MEASURE_LOUDNESS | MEASURE_TRUE_PEAK;

	for (uint32_t i = 0; i < request->n_goals; i++)
		what |= master_is_rms(&request->goal[i]) ? MEASURE_LEVELS : 0u;
	return what;
}

static int master_prepare(struct master *master, struct mixd_error *err)
{
	struct master_request *request = master->request;
	struct master_source file = {0};
	int r = request->input ? master_source_open(&file, request->input, err) : 0;

	if (r == 0 && request->input) {
		request->info = *media_reader_info(file.reader);
		job_warn_of_streams(master->job, request->name, &request->info);
		job_stage(master->job, "measure", request->name);
		r = master_source_measure(master, &file, master_what(request), NULL,
					  &request->before, err);
	}
	if (r == 0 && request->input && !isfinite(request->before.true_peak)) {
		error_set(err, ERROR_INVALID, request->name,
			  "is silent: there is nothing to master");
		r = -EINVAL;
	} else if (r == 0 && request->before.true_peak > MASTER_PEAK_MAX_DBTP) {
		error_set(err, ERROR_INVALID, request->name,
			  "has peaks of %+.0f dBTP: that is no sound", request->before.true_peak);
		error_hint(err, "export it again");
		r = -EINVAL;
	}
	if (r < 0 || !request->chain) {
		master->source = file;
		return r;
	}
	master_source_done(&file);
	r = master_source_chain(master, &master->source, err);
	job_stage(master->job, "measure", request->name);
	return r < 0 ? r
		     : master_source_measure(master, &master->source, master_what(request), NULL,
					     &request->chained, err);
}

/* Every goal beside its place; then all get their names, or none does. */
static int master_deliver(struct master *master, struct mixd_error *err)
{
	struct master_request *request = master->request;
	_cleanup_free_ struct master_place *place = calloc(request->n_goals + 1u, sizeof(*place));
	int r = place ? 0 : error_no_memory(err);

	for (uint32_t i = 0; r == 0 && i < request->n_goals; i++)
		r = master_place_take(request->goal[i].path, &place[i], err);
	for (uint32_t i = 0; r == 0 && i < request->n_goals; i++) {
		r = master_goal_run(master, &request->goal[i], place[i].work, err);
		if (r < 0)
			master_place_name(&place[i], err);
	}
	if (r == 0)
		r = master_places_move(place, request->n_goals, err);
	for (uint32_t i = 0; place && i < request->n_goals; i++)
		master_place_done(&place[i], r == 0);
	return r;
}

/* A spec that counts dialogue has it looked for, as `check` does, when nobody has said where it is. */
static void master_find_speech(struct master_request *request)
{
	for (uint32_t i = 0; i < request->n_goals && !request->n_speech; i++)
		request->detect_speech |= spec_needs_speech(request->goal[i].spec);
}

int master_run(struct job *job, struct master_request *request, struct mixd_error *err)
{
	struct master master = {.job = job, .request = request};
	const char *slash = strrchr(request->goal[0].path, '/');
	int r;

	master_find_speech(request);
	master.folder = strndup(request->goal[0].path, (size_t)(slash - request->goal[0].path) +
							       (slash == request->goal[0].path));
	if (!master.folder)
		return error_no_memory(err);
	r = master_prepare(&master, err);
	if (r == 0 && !request->chain)
		request->chained = request->before;
	if (r == 0)
		r = master_deliver(&master, err);
	master_source_done(&master.source);
	free(master.folder);
	return r;
}

void master_goal_done(struct master_goal *goal)
{
	measure_result_done(&goal->result);
	free(goal->verdict);
	goal->verdict = NULL;
}

void master_request_done(struct master_request *request)
{
	measure_result_done(&request->before);
	if (request->chain)
		measure_result_done(&request->chained);
}
