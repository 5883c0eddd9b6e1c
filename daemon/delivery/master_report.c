/* master_report.c - what a master did to a programme, and why: for people and for programs. */
#include "master_private.h"

#include <math.h>
#include <string.h>

#include "verdict.h"

static void report_why(struct job *job, const struct master_request *request,
		       const struct master_goal *goal)
{
	const struct measure_result *from = &request->chained;

	if (isnan(goal->limit_dbtp)) {
		job_print(job,
			  "  %+.2f dB of gain and nothing else: its peaks (%.1f dBTP) allow it\n",
			  goal->gain_db, from->true_peak);
		return;
	}
	job_print(job,
		  "  %+.2f dB into the limiter at %.2f dBTP: its peaks (%.1f dBTP) would be too "
		  "high\n",
		  goal->gain_db, goal->limit_dbtp, from->true_peak);
	job_print(job, "  deepest limiting %.1f dB; it took %.2f LU of loudness\n",
		  -goal->reduction_db, goal->lost_lu);
}

static void report_frame(struct job *job, const struct master_goal *goal)
{
	if (!goal->is_framed)
		return;
	job_print(job, "  head %+.2f s, tail %+.2f s%s\n", goal->head_change_s, goal->tail_change_s,
		  goal->is_tone_made ? " of low noise: the recording has no quiet room tone"
		  : goal->head_change_s > 0 || goal->tail_change_s > 0
			  ? " of the recording's own room tone"
			  : "");
	if (goal->is_tone_made && isfinite(goal->quietest_dbfs))
		job_print(job, "  its own pauses are at %.1f dBFS: take their noise out\n",
			  goal->quietest_dbfs);
}

static void report_verdicts(struct job *job, const struct master_goal *goal)
{
	for (uint32_t i = 0; i < goal->spec->n_clauses; i++) {
		const struct spec_verdict *verdict = &goal->verdict[i];

		if (verdict->state != SPEC_APART && verdict->state != SPEC_NOTE)
			verdict_print(job, verdict);
	}
}

void master_print(struct job *job, const struct master_request *request,
		  const struct master_goal *goal)
{
	const char *name = strrchr(goal->path, '/') + 1;

	job_print(job, "%s  %s: %s\n", name, goal->spec->name, goal->is_met ? "met" : "NOT MET");
	job_print(job, "  before  %6.1f LUFS  %6.1f dBTP  LRA %4.1f LU\n",
		  request->before.integrated, request->before.true_peak, request->before.range);
	if (request->chain)
		job_print(job, "  chain   %6.1f LUFS  %6.1f dBTP  LRA %4.1f LU\n",
			  request->chained.integrated, request->chained.true_peak,
			  request->chained.range);
	job_print(job, "  after   %6.1f LUFS  %6.1f dBTP  LRA %4.1f LU  (decoded, %s)\n",
		  goal->result.integrated, goal->result.true_peak, goal->result.range,
		  goal->info.codec);
	report_why(job, request, goal);
	if (goal->n_lowered)
		job_print(job,
			  "  %u moments of it (12 to 26 ms) lowered in the MP3, where it peaked\n",
			  goal->n_lowered);
	report_frame(job, goal);
	report_verdicts(job, goal);
}

static json_t *report_clauses(const struct master_goal *goal)
{
	json_t *clauses = json_array();

	for (uint32_t i = 0; i < goal->spec->n_clauses; i++)
		json_array_append_new(clauses, verdict_json(&goal->verdict[i]));
	return clauses;
}

json_t *master_json(const struct master_request *request, const struct master_goal *goal)
{
	json_t *item = json_object();

	json_object_set_new(item, "file", json_string(goal->path));
	json_object_set_new(item, "spec", json_string(goal->spec->name));
	json_object_set_new(item, "is_met", json_boolean(goal->is_met));
	json_object_set_new(item, "codec", json_string(goal->info.codec));
	json_object_set_new(item, "gain_db", job_real(goal->gain_db));
	json_object_set_new(item, "limit_dbtp", job_real(goal->limit_dbtp));
	json_object_set_new(item, "deepest_limiting_db", job_real(-goal->reduction_db));
	json_object_set_new(item, "lost_lu", job_real(goal->lost_lu));
	json_object_set_new(item, "passes", json_integer(goal->n_passes));
	json_object_set_new(item, "lowered_granules", json_integer(goal->n_lowered));
	json_object_set_new(item, "head_change_s", job_real(goal->head_change_s));
	json_object_set_new(item, "tail_change_s", job_real(goal->tail_change_s));
	json_object_set_new(item, "made_room_tone", json_boolean(goal->is_tone_made));
	json_object_set_new(item, "integrated_lufs", job_real(goal->result.integrated));
	json_object_set_new(item, "true_peak_dbtp", job_real(goal->result.true_peak));
	json_object_set_new(item, "measured", measure_json(&goal->result, false));
	json_object_set_new(item, "clauses", report_clauses(goal));
	return item;
}
