/* master.h - bring a programme to specs: the chain once, then each deliverable to its target.
 *
 * WHAT        The input runs through the chain (if any) once. For each goal: when the target is
 *             reached with the peaks under the ceiling, that is a gain and nothing else; otherwise
 *             the programme is driven into the true-peak limiter. Written, encoded, decoded and
 *             measured again (a few peaks of an MP3 are lowered on the way); the drive follows until loudness is within MASTER_TOLERANCE_LU of the
 *             target, the ceiling until the decoded peaks are under it. When all goals are reached the
 *             files appear, all of them; when one is not, none does.
 * HARM        More limiting than max_limiting_db (the deepest gain reduction) is refused.
 * THREADS     one call at a time per job. */
#pragma once

#include "job.h"
#include "media_write.h"
#include "spec.h"

#define MASTER_TOLERANCE_LU 0.05
#define MASTER_PASSES_MAX 8u
#define MASTER_LIMITING_MAX_DB 15.0 /* unless told */
#define MASTER_MARGIN_DB 0.3 /* a limiter's moving gain lifts peaks between samples by as much */

struct master_goal {
	const struct spec *spec; /* borrowed */
	const char *path; /* borrowed; absolute */
	/* Start from media_target_init(); what is unset follows from the spec's clauses, from the path
	 * and from the programme. tags: borrowed. */
	struct media_target target;
	double target_level; /* in place of the spec's; NAN: the spec's */
	double ceiling_dbtp; /* the same */
	/* --- results; master_goal_done() --- */
	struct measure_result result; /* of the file as delivered: decoded */
	struct media_info info;
	struct spec_verdict *verdict; /* spec->n_clauses */
	bool is_met; /* all clauses that must */
	double gain_db; /* before the limiter */
	double limit_dbtp; /* where the limiter stood; NAN: it was not needed */
	double reduction_db; /* deepest, <= 0 */
	double lost_lu; /* loudness that limiting took away */
	uint32_t n_passes;
	uint32_t n_lowered; /* granules of an MP3 that were lowered behind the encoder */
	/* Head and tail, where the spec says how long they are: what was added, or (below 0) taken. */
	bool is_framed, is_tone_made;
	double head_change_s, tail_change_s;
	double quietest_dbfs; /* about where its own pauses are now; NAN: nobody asked */
};

struct master_request {
	const char
		*input; /* absolute; NULL: the chain has no input, its players are the programme */
	const char *name; /* of the input, for people */
	const char *chain, *chain_name, *chain_folder; /* text of a session; NULL: none */
	bool is_marked; /* tags of the goals have marks and times of the input, at its rate */
	bool chain_plays; /* it has players and no input, although there is one */
	struct master_goal *goal;
	uint32_t n_goals;
	double max_limiting_db; /* above 0 */
	bool is_forced; /* master all the same */
	const struct measure_range *speech; /* where dialogue is; borrowed */
	uint32_t n_speech;
	bool detect_speech; /* set, too, when a goal counts dialogue and there are no ranges */
	uint32_t n_threads; /* 0: all cores */
	uint64_t seed;
	/* --- results; master_request_done() --- */
	struct measure_result before; /* what came in */
	struct measure_result chained; /* what left the chain; equal to `before` without one */
	struct media_info info;
};

void master_request_init(struct master_request *request);
void master_goal_init(struct master_goal *goal);
/* 0, or -errno with *err, which names the goal: then none is there. */
int master_run(struct job *job, struct master_request *request, struct mixd_error *err);
void master_goal_done(struct master_goal *goal);
void master_request_done(struct master_request *request);
/* What was done and why: lines for people, and an object (returned). */
void master_print(struct job *job, const struct master_request *request,
		  const struct master_goal *goal);
json_t *master_json(const struct master_request *request, const struct master_goal *goal);
