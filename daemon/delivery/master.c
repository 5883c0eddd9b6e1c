/* master.c - see master.h: from a source and a spec to a file that meets it. */
#include "master_private.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "media_retag.h"

#define MASTER_MARGIN_DB 0.3 /* a limiter's moving gain lifts peaks between samples by as much */
#define MASTER_GUARD_DB 0.03 /* what a second try stays below the ceiling in addition */
#define MASTER_CODEC_DB 4.0 /* no codec lifts peaks by as much */
/* Of what parts lose behind a limiter, as found: more than all does. */
#define MASTER_CODEC_SHARE 0.75
#define MASTER_CODEC_GUARD_DB 0.4 /* for what the parts that are tried do not have */
/* Limiting may take so much loudness, even when it is forced: with more a programme is its own noise. */
#define MASTER_LOST_MAX_LU 20.0
#define MASTER_UNLIMITED_DBTP 60.0
#define MASTER_PEAK_MAX_DBTP 60.0 /* where the engine takes it for a fault */

/* One goal on its way. */
struct master_try {
	struct master *master;
	struct master_goal *goal;
	struct master_source *source; /* at the goal's rate */
	struct master_model *model; /* NULL until the limiter is needed */
	char *path; /* of the try */
	double target; /* LUFS or dBFS; NAN: nothing to aim at */
	double level; /* of the source */
	double true_peak; /* of the source */
	double max_dbtp; /* NAN: none */
	double correction; /* what the model reads too high */
	struct master_pass pass;
};

/* ---- what is aimed at ------------------------------------------------------------------------- */

static bool master_is_rms(const struct master_goal *goal)
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

static bool master_is_lossy(const struct master_goal *goal)
{
	static const char *const lossy[] = {"mp3", "m4a", "ogg", "opus"};

	for (size_t i = 0; i < sizeof(lossy) / sizeof(lossy[0]); i++)
		if (strcmp(goal->target.format, lossy[i]) == 0)
			return true;
	return false;
}

static const struct spec_clause *master_clause(const struct spec *spec, const char *id)
{
	for (uint32_t i = 0; i < spec->n_clauses; i++)
		if (strcmp(spec->clause[i].id, id) == 0 && spec->clause[i].severity == SPEC_MUST)
			return &spec->clause[i];
	return NULL;
}

static bool master_clause_has(const struct spec_clause *clause, double value)
{
	char word[32], *words, *at, *next;
	bool found = false;

	if (clause->kind != SPEC_ONE_OF)
		return value >= clause->min && value <= clause->max;
	words = strdup(clause->words);
	snprintf(word, sizeof(word), "%.0f", value);
	for (at = words; at && (next = strsep(&at, " ,"));)
		found = found || strcmp(next, word) == 0;
	free(words);
	return found;
}

/* What the spec says about the file, where the caller did not. */
static int master_fill_target(struct master_goal *goal, const struct master_source *source,
			      struct mixd_error *err)
{
	const struct spec_clause *rates = master_clause(goal->spec, "rate");
	const struct spec_clause *bits = master_clause(goal->spec, "bits");
	const struct spec_clause *bitrate = master_clause(goal->spec, "bitrate");
	struct media_target *target = &goal->target;
	double rate = source->rate;

	target->layout = source->layout;
	if (target->rate <= 0) {
		target->rate = rate;
		if (rates && !master_clause_has(rates, rate))
			target->rate = rates->kind == SPEC_ONE_OF ? strtod(rates->words, NULL)
								  : rates->min;
	}
	if (target->bits == 0 && bits && !target->is_float)
		target->bits = bits->kind == SPEC_ONE_OF ? (uint32_t)strtoul(bits->words, NULL, 10)
							 : (uint32_t)bits->min;
	if (target->bitrate_kbps <= 0 && target->quality < 0 && bitrate && isfinite(bitrate->min)) {
		target->bitrate_kbps = bitrate->min;
	}
	return media_target_complete(target, goal->path, err);
}

/* ---- one try ---------------------------------------------------------------------------------- */

static int master_measure_try(struct master_try *try, struct measure_result *ret,
			      struct media_info *ret_info, struct mixd_error *err)
{
	const struct master_request *request = try->master->request;
	struct measure_options options;
	int r;

	measure_options_init(&options);
	options.what = spec_needs(try->goal->spec) | MEASURE_LOUDNESS | MEASURE_TRUE_PEAK |
		       (master_is_rms(try->goal) ? MEASURE_LEVELS : 0);
	options.speech = request->speech;
	options.n_speech = request->n_speech;
	options.detect_speech = request->detect_speech;
	job_stage(try->master->job, "verify", strrchr(try->goal->path, '/') + 1);
	r = measure_file(try->path, &options, job_task(try->master->job), ret, ret_info, err);
	return r;
}

static int master_write_try(struct master_try *try, struct mixd_error *err)
{
	job_stage(try->master->job, isnan(try->pass.limit_dbtp) ? "gain" : "limit",
		  strrchr(try->goal->path, '/') + 1);
	try->pass.path = try->path;
	try->goal->n_passes++;
	return master_pass_run(try->master, try->source, try->goal, &try->pass, err);
}

static int master_need_model(struct master_try *try, struct mixd_error *err)
{
	double unused;
	int r;

	if (try->model)
		return 0;
	r = master_model_new(try->master, try->source, master_is_rms(try->goal), &try->model, err);
	/* The model has no dialogue, and its ticks are no frames: it is told its error where nothing
	 * is limited. */
	if (r == 0)
		try->correction =
			master_model_level(try->model, 0, MASTER_UNLIMITED_DBTP, &unused) -
			try->level;
	return r;
}

/* The drive that brings the level to the target behind a limiter at pass.limit_dbtp: the level rises
 * with the drive, ever more slowly. */
static int master_find_drive(struct master_try *try, struct mixd_error *err)
{
	double low = -60, high = try->target - try->level + MASTER_LOST_MAX_LU;
	double reduction_db = 0, level = 0;
	int r;

	if (isnan(try->target)) {
		try->pass.drive_db = 0;
		return 0;
	}
	r = master_need_model(try, err);
	if (r < 0)
		return r;
	for (int i = 0; i < 40 && high - low > 0.004; i++) {
		double middle = i == 0 ? try->target - try->level + 0.5 : (low + high) / 2;

		if (!(middle > low && middle < high))
			middle = (low + high) / 2;
		level = master_model_level(try->model, middle, try->pass.limit_dbtp,
					   &reduction_db) -
			try->correction;
		if (isnan(level))
			return error_no_memory(err);
		if (level < try->target)
			low = middle;
		else
			high = middle;
		if (fabs(level - try->target) < 0.003) {
			low = high = middle;
			break;
		}
	}
	try->pass.drive_db = (low + high) / 2;
	return 0;
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

/* The decoded parts: the true peak of all, the level of those from SKIP_S on. */
static int master_measure_parts(struct master_try *try, double skip_s, double *ret_level,
				double *ret_true_peak, struct mixd_error *err)
{
	struct master_source parts = {0};
	struct measure_result all = {0}, rest = {0};
	int r = master_source_open(&parts, try->path, err);

	if (r == 0)
		r = master_source_measure(try->master, &parts, 0, MEASURE_TRUE_PEAK, &all, err);
	if (r == 0)
		r = master_source_measure(try->master, &parts, llround(skip_s * parts.rate),
					  MEASURE_LOUDNESS | MEASURE_LEVELS, &rest, err);
	if (r == 0) {
		*ret_true_peak = all.true_peak;
		*ret_level = master_is_rms(try->goal) ? rest.rms : rest.integrated;
	}
	measure_result_done(&all);
	measure_result_done(&rest);
	master_source_done(&parts);
	return r;
}

/* Parts through limiter and TARGET's encoder. */
static int master_probe(struct master_try *try, const struct media_target *target, double skip_s,
			double *ret_level, double *ret_true_peak, struct mixd_error *err)
{
	struct master_goal goal = *try->goal;
	int r;

	goal.target = *target;
	goal.target.tags = NULL;
	try->pass.path = try->path;
	r = master_pass_run(try->master, try->source, &goal, &try->pass, err);
	return r < 0 ? r : master_measure_parts(try, skip_s, ret_level, ret_true_peak, err);
}

/* What the codec does: *ret_over_db to peaks, told by the seconds that are hardest on it, and
 * *ret_loss_lu to loudness, told by seconds from all over the programme. */
static int master_probe_codec(struct master_try *try, double *ret_over_db, double *ret_loss_lu,
			      struct mixd_error *err)
{
	double ceiling = isnan(try->pass.limit_dbtp) ? try->max_dbtp : try->pass.limit_dbtp;
	double part_s[2 * MASTER_PARTS_MAX], plain = 0, coded = 0, peak = 0;
	struct media_target wav = try->goal->target;
	uint32_t n_hard = 0, n_spread = 0;
	int r = master_need_model(try, err);

	wav.format = "wav";
	wav.is_float = true;
	wav.bits = 32;
	if (r == 0)
		n_hard = master_model_hardest(try->model, try->pass.drive_db, ceiling,
					      MASTER_PARTS_MAX, part_s);
	if (r == 0)
		n_spread = master_model_spread(try->model, try->pass.drive_db,
					       isnan(try->pass.limit_dbtp) ? MASTER_UNLIMITED_DBTP
									   : ceiling,
					       MASTER_PARTS_MAX, part_s + n_hard);
	try->pass.part_s = part_s;
	try->pass.n_parts = n_hard + n_spread;
	job_stage(try->master->job, "try the codec", strrchr(try->goal->path, '/') + 1);
	if (r == 0)
		r = master_probe(try, &wav, n_hard * MASTER_PART_S, &plain, &peak, err);
	if (r == 0)
		r = master_probe(try, &try->goal->target, n_hard * MASTER_PART_S, &coded, &peak,
				 err);
	try->pass.part_s = NULL;
	try->pass.n_parts = 0;
	*ret_over_db = peak - try->max_dbtp;
	*ret_loss_lu = isfinite(plain - coded) ? plain - coded : 0;
	if (!isnan(try->pass.limit_dbtp))
		*ret_loss_lu *= MASTER_CODEC_SHARE;
	return r;
}

/* Encoders lift peaks, and take a little loudness away: by how much, a few seconds tell. */
static int master_try_codec(struct master_try *try, struct mixd_error *err)
{
	double over_db = 0, loss_lu = 0;
	int r;

	if (isnan(try->max_dbtp) || !master_is_lossy(try->goal) ||
	    (isnan(try->pass.limit_dbtp) &&
	     try->true_peak + try->pass.drive_db < try->max_dbtp - MASTER_CODEC_DB))
		return 0;
	r = master_probe_codec(try, &over_db, &loss_lu, err);
	over_db += MASTER_CODEC_GUARD_DB;
	try->correction += loss_lu;
	if (r < 0)
		return r;
	if (isnan(try->pass.limit_dbtp) && over_db <= 0) {
		try->pass.drive_db += loss_lu;
		return 0;
	}
	try->pass.limit_dbtp =
		(isnan(try->pass.limit_dbtp) ? try->max_dbtp : try->pass.limit_dbtp) -
		fmax(0, over_db);
	return master_find_drive(try, err);
}

/* ---- until it is right ------------------------------------------------------------------------ */

static int master_first(struct master_try *try, struct mixd_error *err)
{
	try->pass.limit_dbtp = NAN;
	try->pass.drive_db =
		isnan(try->target) || !isfinite(try->level) ? 0 : try->target - try->level;
	if (!isnan(try->max_dbtp) && try->true_peak + try->pass.drive_db > try->max_dbtp) {
		try->pass.limit_dbtp = try->max_dbtp - MASTER_MARGIN_DB;
		return master_find_drive(try, err);
	}
	return 0;
}

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

static int master_iterate(struct master_try *try, struct mixd_error *err)
{
	struct master_goal *goal = try->goal;
	int r = master_first(try, err);

	if (r == 0)
		r = master_try_codec(try, err);
	for (;;) {
		double error_lu, over_db, target;

		if (r == 0)
			r = master_write_try(try, err);
		if (r == 0)
			r = master_refuse(try, try->pass.reduction_db, err);
		if (r == 0)
			r = master_measure_try(try, &goal->result, &goal->info, err);
		if (r < 0)
			return r;
		error_lu = master_level(goal, &goal->result, &target);
		error_lu = isnan(try->target) || !isfinite(error_lu) ? 0 : try->target - error_lu;
		over_db = master_over(try, &goal->result);
		if (fabs(error_lu) <= MASTER_TOLERANCE_LU && over_db <= 0)
			return 0;
		if (goal->n_passes >= MASTER_PASSES_MAX) {
			error_set(err, ERROR_INVALID, goal->path,
				  "after %u passes it is %+.2f LU off the target, and %+.2f dB "
				  "from the ceiling",
				  goal->n_passes, -error_lu, over_db);
			error_hint(err, "the programme leaves no way: prepare it in a chain (-s)");
			return -EINVAL;
		}
		r = master_next(try, &goal->result, error_lu, over_db, err);
		measure_result_done(&goal->result);
	}
}

/* ---- in its place ----------------------------------------------------------------------------- */

static char *master_try_path(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *ret;

	return asprintf(&ret, "%.*s/.%s.master", (int)(slash - path), path, slash + 1) < 0 ? NULL
											   : ret;
}

static int master_publish(struct master_try *try, struct mixd_error *err)
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
	return r < 0 ? r : media_move(try->path, goal->path, err);
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
	return master_publish(try, err);
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
	r = master_source_measure(try->master, framed, 0, what, &result, err);
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

static int master_goal_run(struct master *master, struct master_goal *goal, struct mixd_error *err)
{
	const struct measure_result *chained = &master->request->chained;
	struct master_try try = {.master = master, .goal = goal, .source = &master->source};
	struct master_source framed = {0};
	int r = master_fill_target(goal, &master->source, err);

	if (r == 0 && fabs(goal->target.rate - master->source.rate) > 0.5) {
		r = master_source_resample(master, &master->source, goal->target.rate,
					   &master->at_rate, err);
		try.source = &master->at_rate;
	}
	try.path = master_try_path(goal->path);
	if (r == 0 && !try.path)
		r = error_no_memory(err);
	try.level = master_level(goal, chained, &try.target);
	try.true_peak = chained->true_peak;
	try.max_dbtp = master_ceiling(goal);
	if (r == 0)
		r = master_frame_try(&try, &framed, err);
	if (r == 0)
		r = master_check_level(&try, err);
	if (r == 0)
		r = master_reach(&try, err);
	if (r < 0 && try.path)
		unlink(try.path);
	free(try.path);
	master_model_free(try.model);
	master_source_done(&master->at_rate);
	master_source_done(&framed);
	return r;
}

/* ---- all of it -------------------------------------------------------------------------------- */

void master_request_init(struct master_request *request)
{
	*request = (struct master_request){.max_limiting_db = 15};
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
		job_stage(master->job, "measure", request->name);
		r = master_source_measure(master, &file, 0, master_what(request), &request->before,
					  err);
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
		     : master_source_measure(master, &master->source, 0, master_what(request),
					     &request->chained, err);
}

int master_run(struct job *job, struct master_request *request, struct mixd_error *err)
{
	struct master master = {.job = job, .request = request};
	const char *slash = strrchr(request->goal[0].path, '/');
	int r;

	master.folder = strndup(request->goal[0].path, (size_t)(slash - request->goal[0].path) +
							       (slash == request->goal[0].path));
	if (!master.folder)
		return error_no_memory(err);
	r = master_prepare(&master, err);
	if (r == 0 && !request->chain)
		request->chained = request->before;
	for (uint32_t i = 0; r == 0 && i < request->n_goals; i++)
		r = master_goal_run(&master, &request->goal[i], err);
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
