/* master_drive.c - what the first pass begins with: foretold, so that it mostly is the last.
 *
 * WHAT        A gain, or drive and ceiling of the limiter, from the model of the limiter (master_model.c);
 *             for encoders also from a few seconds that went through both: the hardest tell how much
 *             peaks rise, others from all over how much energy is left of what (master_model_learn()).
 * PARTS       stand one behind the other in a file, a second each. Of each only what follows
 *             DRIVE_SETTLE_S is listened to: before, an encoder still hears the part before.
 * SOURCE      Secant steps inside a bracket: Dekker, Finding a zero by means of successive linear
 *             interpolation (1969). */
#include "master_private.h"

#include <math.h>
#include <string.h>

#define DRIVE_CODEC_GUARD_DB 0.4 /* for what the parts that are tried do not have */
/* Limiting may take so much loudness, even when it is forced: with more a programme is its own noise. */
#define DRIVE_LOST_MAX_LU 20.0
#define DRIVE_EXACT_DB 6.0 /* deeper limiting is foretold by samples alone */
#define DRIVE_SLOPE 0.7 /* of the level, per dB of drive: to begin with */
#define DRIVE_NEAR_LU 0.003
#define DRIVE_SETTLE_S 0.2
/* How many parts of each kind: a share of the programme, within bounds. */
#define DRIVE_PARTS_SHARE 0.02
#define DRIVE_PARTS_MIN 4u

static bool drive_is_lossy(const struct master_goal *goal)
{
	static const char *const lossy[] = {"mp3", "m4a", "ogg", "opus"};

	for (size_t i = 0; i < sizeof(lossy) / sizeof(lossy[0]); i++)
		if (strcmp(goal->target.format, lossy[i]) == 0)
			return true;
	return false;
}

/* ---- the limiter ------------------------------------------------------------------------------- */

int master_need_model(struct master_try *try, struct mixd_error *err)
{
	/* Where nothing is lost, peaks from here on are limited. */
	double above_db = try->max_dbtp - try->target + try->level - DRIVE_EXACT_DB, unused;
	int r;

	if (try->model)
		return 0;
	r = master_model_new(try->master, try->source, master_is_rms(try->goal),
			     isfinite(above_db) ? pow(10, above_db / 20) : 0, &try->model, err);
	/* The model has no dialogue, and its ticks are no frames: it is told its error where nothing
	 * is limited. */
	if (r == 0)
		try->correction =
			master_model_level(try->model, 0, MASTER_UNLIMITED_DBTP, &unused) -
			try->level;
	return r;
}

/* The level rises with the drive, ever more slowly. */
int master_find_drive(struct master_try *try, struct mixd_error *err)
{
	double low = -60, high = try->target - try->level + DRIVE_LOST_MAX_LU;
	double drive = fmin(fmax(try->target - try->level + 0.5, low), high);
	double last_drive = NAN, last_level = NAN, reduction_db = 0;
	int r;

	if (isnan(try->target)) {
		try->pass.drive_db = 0;
		return 0;
	}
	r = master_need_model(try, err);
	if (r < 0)
		return r;
	for (int i = 0; i < 40 && high - low > 0.004; i++) {
		double level =
			master_model_level(try->model, drive, try->pass.limit_dbtp, &reduction_db) -
			try->correction;
		double slope = (level - last_level) / (drive - last_drive);

		if (isnan(level))
			return error_no_memory(err);
		if (fabs(level - try->target) < DRIVE_NEAR_LU)
			break;
		if (level < try->target)
			low = drive;
		else
			high = drive;
		last_level = level;
		last_drive = drive;
		drive += (try->target - level) / (slope > 0.05 && slope < 2 ? slope : DRIVE_SLOPE);
		if (!(drive > low && drive < high))
			drive = (low + high) / 2;
	}
	try->pass.drive_db = drive;
	return 0;
}

int master_first(struct master_try *try, struct mixd_error *err)
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

/* ---- the codec --------------------------------------------------------------------------------- */

/* Energies of parts, one behind the other. */
struct drive_parts {
	double energy[2 * MASTER_PARTS_MAX];
	uint64_t rows;
};

static void drive_take_rows(void *data, const struct measure_fine_row *row, uint32_t n_rows,
			    const float *high, uint32_t n_high)
{
	struct drive_parts *parts = data;

	(void)high, (void)n_high;
	for (uint32_t i = 0; i < n_rows; i++, parts->rows++) {
		uint64_t part = parts->rows / MEASURE_FINE_RATE;

		if (part < 2 * MASTER_PARTS_MAX &&
		    parts->rows % MEASURE_FINE_RATE >=
			    (uint64_t)(DRIVE_SETTLE_S * MEASURE_FINE_RATE))
			parts->energy[part] += (double)row[i].energy;
	}
}

static int drive_measure_parts(struct master_try *try, struct drive_parts *ret,
			       double *ret_true_peak, struct mixd_error *err)
{
	struct measure_fine fine = {drive_take_rows, ret, INFINITY, master_is_rms(try->goal),
				    false};
	struct measure_result result = {0};
	struct master_source parts = {0};
	int r = master_source_open(&parts, try->path, err);

	*ret = (struct drive_parts){0};
	if (r == 0)
		r = master_source_measure(try->master, &parts, MEASURE_TRUE_PEAK, &fine, &result,
					  err);
	if (r == 0)
		*ret_true_peak = result.true_peak;
	measure_result_done(&result);
	master_source_done(&parts);
	return r;
}

/* Parts through limiter and TARGET's encoder. */
static int drive_probe(struct master_try *try, const struct media_target *target,
		       struct drive_parts *ret, double *ret_true_peak, struct mixd_error *err)
{
	struct master_goal goal = *try->goal;
	int r;

	goal.target = *target;
	goal.target.tags = NULL;
	try->pass.path = try->path;
	r = master_pass_run(try->master, try->source, &goal, &try->pass, err);
	return r < 0 ? r : drive_measure_parts(try, ret, ret_true_peak, err);
}

/* The hardest, then the others. Returns how many there are. */
static uint32_t drive_choose_parts(struct master_try *try, double *ret_at_s, uint32_t *ret_hard)
{
	bool is_limited = !isnan(try->pass.limit_dbtp);
	double ceiling = is_limited ? try->pass.limit_dbtp : try->max_dbtp;
	double share = (double)try->source->n_frames / try->source->rate * DRIVE_PARTS_SHARE;
	uint32_t n = (uint32_t)fmax(DRIVE_PARTS_MIN, fmin(share, MASTER_PARTS_MAX));

	*ret_hard = master_model_hardest(try->model, try->pass.drive_db, ceiling, n > 8 ? 8 : n,
					 ret_at_s);
	return *ret_hard + master_model_spread(try->model, try->pass.drive_db,
					       is_limited ? ceiling : MASTER_UNLIMITED_DBTP, n,
					       ret_at_s + *ret_hard);
}

/* *ret_over_db: by how much the codec's peaks exceed what is allowed. Teaches the model the rest. */
static int drive_probe_codec(struct master_try *try, double *ret_over_db, struct mixd_error *err)
{
	struct drive_parts plain = {0}, coded = {0};
	struct master_heard heard[2 * MASTER_PARTS_MAX];
	struct media_target wav = try->goal->target;
	double part_s[2 * MASTER_PARTS_MAX], peak = 0;
	uint32_t n_hard = 0;
	int r = master_need_model(try, err);

	if (r < 0)
		return r;
	wav.format = "wav";
	wav.is_float = true;
	wav.bits = 32;
	job_stage(try->master->job, "try the codec", strrchr(try->goal->path, '/') + 1);
	try->pass.n_parts = drive_choose_parts(try, part_s, &n_hard);
	try->pass.part_s = part_s;
	if (try->pass.n_parts > 0) {
		r = drive_probe(try, &wav, &plain, &peak, err);
		if (r == 0)
			r = drive_probe(try, &try->goal->target, &coded, &peak, err);
	}
	for (uint32_t i = n_hard; i < try->pass.n_parts; i++)
		heard[i] = (struct master_heard){part_s[i] + DRIVE_SETTLE_S,
						 MASTER_PART_S - DRIVE_SETTLE_S, plain.energy[i],
						 coded.energy[i]};
	if (r == 0)
		master_model_learn(try->model, heard + n_hard, try->pass.n_parts - n_hard);
	try->pass.part_s = NULL;
	try->pass.n_parts = 0;
	*ret_over_db = peak - try->max_dbtp;
	return r;
}

int master_try_codec(struct master_try *try, struct mixd_error *err)
{
	double over_db = 0, unused;
	int r;

	if (!drive_is_lossy(try->goal))
		return 0;
	r = drive_probe_codec(try, &over_db, err);
	if (r < 0)
		return r;
	over_db += DRIVE_CODEC_GUARD_DB;
	if (isnan(try->pass.limit_dbtp) && over_db <= 0) {
		if (isfinite(try->target - try->level))
			try->pass.drive_db += try->target + try->correction -
					      master_model_level(try->model, try->pass.drive_db,
								 MASTER_UNLIMITED_DBTP, &unused);
		return 0;
	}
	try->pass.limit_dbtp =
		(isnan(try->pass.limit_dbtp) ? try->max_dbtp : try->pass.limit_dbtp) -
		fmax(0, over_db);
	return master_find_drive(try, err);
}
