/* Source: gating after ITU-R BS.1770-4 Annex 1; freeze, window and slow correction near the target
 * after practice of broadcast levelers (TC Electronic P2, Orban Optimod 1100 manuals); the rest is
 * our own design:
 *
 * - The estimate is the gated mean of the last seconds of programme. Blocks under the freeze level
 *   and steady quiet noise are not programme: they neither enter nor age it, so that after a pause
 *   of any length the gain is right at once.
 * - A programme that has changed (its last 2.5 s, or louder: its last second, lie 6 LU away from
 *   the rest) does not have to drain through the window: what is older is forgotten.
 * - The slope is proportional to the error (1 dB/s per LU) up to the set rates; near the target the
 *   gain is moved outside +-0.3 LU only and then goes all the way, which leaves no bias.
 * - A block more than 10 LU under the estimate is a pause: frozen, until the change above is
 *   recognised. */
#include "levellaw.h"

#include <math.h>
#include <string.h>

#include "loudness.h"

#include <mixd/rt.h>

#define LEVELLAW_TICK_S 0.01
#define LEVELLAW_HOP_TICKS 10u
#define LEVELLAW_PAUSE_LU 10.0 /* under the estimate: a pause */
#define LEVELLAW_CHANGE_LU 6.0 /* a new level, not a passage */
#define LEVELLAW_CHANGE_BLOCKS 25u /* looked at: 2.5 s */
#define LEVELLAW_LOUDER_BLOCKS 8u
#define LEVELLAW_KEEP_BLOCKS 20u /* kept: the rest may straddle the change */
#define LEVELLAW_LOUDER_KEEP_BLOCKS 4u
#define LEVELLAW_ALIKE 5.0 /* times the mean energy: no block of one programme is louder */
#define LEVELLAW_FIRST_BLOCKS 6u /* before there is an estimate */
#define LEVELLAW_SURE_BLOCKS 20u /* before rising at the full rate */
#define LEVELLAW_ZONE_LU 0.3
#define LEVELLAW_MIDDLE_LU 0.1
#define LEVELLAW_SETTLED_LU 1.0
#define LEVELLAW_SLOPE_PER_LU 1.0
#define LEVELLAW_STEADY_LU 0.6 /* standard deviation of 50 ms levels of noise */
#define LEVELLAW_STEADY_SPANS_MIN 8u /* 0.4 s: less tells nothing */
#define LEVELLAW_STEADY_ABOVE_LU 10.0 /* noise is looked for up to this above the freeze level */
#define LEVELLAW_TRIM_DB_S 0.05
#define LEVELLAW_TRIM_AFTER_BLOCKS 300.0
#define LEVELLAW_IDLE_HOLD_S 5.0
#define LEVELLAW_IDLE_DB_S 0.1

void levellaw_reset(struct levellaw *law)
{
	memset(law, 0, sizeof(*law));
}

void levellaw_boundary(struct levellaw *law)
{
	double gain_db = law->gain_db;

	levellaw_reset(law);
	law->gain_db = gain_db;
}

/* The block that came AGO blocks before the newest. */
static double levellaw_block(const struct levellaw *law, uint32_t ago)
{
	return law->block[(law->next + LEVELLAW_BLOCKS_MAX - 1 - ago) % LEVELLAW_BLOCKS_MAX];
}

/* Gated mean of the newest N blocks. */
static double levellaw_mean(const struct levellaw *law, uint32_t n)
{
	double sum = 0.0, gated = 0.0, gate;
	uint32_t count = 0;

	for (uint32_t k = 0; k < n; k++)
		sum += levellaw_block(law, k);
	gate = sum / n * 0.1;
	for (uint32_t k = 0; k < n; k++) {
		double energy = levellaw_block(law, k);

		if (energy < gate)
			continue;
		gated += energy;
		count++;
	}
	return count ? gated / count : 0.0;
}

/* How many of the newest blocks belong to the new, quieter programme: not those that still contain
 * the end of the old one. */
static uint32_t levellaw_quieter_blocks(const struct levellaw *law)
{
	double most = levellaw_mean(law, LEVELLAW_SURE_BLOCKS / 2) * LEVELLAW_ALIKE;
	uint32_t n = LEVELLAW_SURE_BLOCKS / 2;

	while (n < LEVELLAW_KEEP_BLOCKS && levellaw_block(law, n) < most)
		n++;
	return n;
}

/* Forget what came before a change of level. */
static void levellaw_notice_change(struct levellaw *law)
{
	double newest;

	if (law->n_blocks > 2 * LEVELLAW_LOUDER_BLOCKS) {
		double lowest = INFINITY;

		for (uint32_t k = 0; k < LEVELLAW_LOUDER_BLOCKS; k++)
			lowest = fmin(lowest, levellaw_block(law, k));
		if (lowest > law->estimate * pow(10.0, LEVELLAW_CHANGE_LU / 10.0))
			law->n_blocks = LEVELLAW_LOUDER_KEEP_BLOCKS;
	}
	if (law->n_blocks <= LEVELLAW_CHANGE_BLOCKS)
		return;
	newest = levellaw_mean(law, LEVELLAW_CHANGE_BLOCKS);
	if (10.0 * log10(newest / law->estimate) < -LEVELLAW_CHANGE_LU)
		law->n_blocks = levellaw_quieter_blocks(law);
	else if (10.0 * log10(newest / law->estimate) > LEVELLAW_CHANGE_LU)
		law->n_blocks = LEVELLAW_KEEP_BLOCKS;
}

/* One block of programme. */
static void levellaw_take(struct levellaw *law, const struct levellaw_rules *rules, double energy)
{
	law->block[law->next] = (float)energy;
	law->next = (law->next + 1) % LEVELLAW_BLOCKS_MAX;
	if (law->n_blocks < LEVELLAW_BLOCKS_MAX)
		law->n_blocks++;
	if (law->n_blocks > rules->window_blocks)
		law->n_blocks = rules->window_blocks;
	if (law->estimate > 0.0)
		levellaw_notice_change(law);
	if (law->estimate > 0.0 || law->n_blocks >= LEVELLAW_FIRST_BLOCKS)
		law->estimate = levellaw_mean(law, law->n_blocks);
}

/* Noise keeps its level from one 50 ms to the next; speech and music do not. Looked at: up to 2 s,
 * but nothing before the last silence, so that noise after silence is known at once. */
static void levellaw_judge_steadiness(struct levellaw *law, const struct levellaw_rules *rules,
				      double span)
{
	double lufs = loudness_from_energy(span), sum = 0.0, squares = 0.0, mean;

	law->is_steady = false;
	if (!(lufs > rules->freeze_below_lufs)) {
		law->n_spans = 0;
		return;
	}
	law->span[law->span_next] = (float)lufs;
	law->span_next = (law->span_next + 1) % LEVELLAW_STEADY_SPANS;
	if (law->n_spans < LEVELLAW_STEADY_SPANS)
		law->n_spans++;
	if (law->n_spans < LEVELLAW_STEADY_SPANS_MIN)
		return;
	for (uint32_t k = 1; k <= law->n_spans; k++)
		sum += law->span[(law->span_next + LEVELLAW_STEADY_SPANS - k) %
				 LEVELLAW_STEADY_SPANS];
	mean = sum / law->n_spans;
	for (uint32_t k = 1; k <= law->n_spans; k++) {
		double from_mean = law->span[(law->span_next + LEVELLAW_STEADY_SPANS - k) %
					     LEVELLAW_STEADY_SPANS] -
				   mean;

		squares += from_mean * from_mean;
	}
	law->is_steady = squares / law->n_spans < LEVELLAW_STEADY_LU * LEVELLAW_STEADY_LU;
}

/* Why nothing may move now; SETTLING when it may. */
static enum levellaw_reason levellaw_frozen(const struct levellaw *law,
					    const struct levellaw_rules *rules, double momentary)
{
	double lufs = loudness_from_energy(momentary);

	if (!(lufs > rules->freeze_below_lufs))
		return LEVELLAW_FROZEN_SILENCE;
	if (law->is_steady && lufs < rules->freeze_below_lufs + LEVELLAW_STEADY_ABOVE_LU)
		return LEVELLAW_FROZEN_NOISE;
	if (law->estimate > 0.0 && momentary < law->estimate * pow(10.0, -LEVELLAW_PAUSE_LU / 10.0))
		return LEVELLAW_FROZEN_GATE;
	return LEVELLAW_SETTLING;
}

static void levellaw_idle(struct levellaw *law, const struct levellaw_rules *rules, double seconds)
{
	double before = law->idle_s, step;

	law->idle_s += seconds;
	if (!rules->is_idle_unity || law->idle_s <= LEVELLAW_IDLE_HOLD_S)
		return;
	step = LEVELLAW_IDLE_DB_S * (law->idle_s - fmax(before, LEVELLAW_IDLE_HOLD_S));
	if (law->gain_db != 0.0)
		law->reason = LEVELLAW_DRIFTING;
	if (fabs(law->gain_db) <= step)
		law->gain_db = 0.0;
	else
		law->gain_db -= copysign(step, law->gain_db);
}

/* Long-term trim: the mean of the error that the dead zone left, while settled. */
static void levellaw_trim(struct levellaw *law, const struct levellaw_rules *rules)
{
	double left = rules->target_lufs - loudness_from_energy(law->estimate) - law->gain_db;
	double wanted = 0.0, step = LEVELLAW_TRIM_DB_S * LEVELLAW_TICK_S * LEVELLAW_HOP_TICKS;

	if (fabs(left + law->trim_db) < LEVELLAW_SETTLED_LU) {
		law->left_sum += left + law->trim_db;
		law->left_blocks += 1.0;
	}
	if (law->left_blocks >= LEVELLAW_TRIM_AFTER_BLOCKS)
		wanted = law->left_sum / law->left_blocks;
	wanted = fmax(-rules->trim_lu, fmin(rules->trim_lu, wanted));
	law->trim_db += fmax(-step, fmin(step, wanted - law->trim_db));
}

/* Move the gain by one tick towards what the estimate asks for. */
static void levellaw_move(struct levellaw *law, const struct levellaw_rules *rules)
{
	double wanted = rules->target_lufs + law->trim_db - loudness_from_energy(law->estimate);
	double bounded = fmax(-rules->max_cut_db, fmin(rules->max_boost_db, wanted));
	double error = bounded - law->gain_db;
	double sure = fmin(1.0, (double)law->n_blocks / LEVELLAW_SURE_BLOCKS);
	double up = rules->rate_up_db_s * sure, down = rules->rate_down_db_s;
	double slope;

	if (fabs(error) > LEVELLAW_ZONE_LU || bounded != wanted)
		law->is_closing = true;
	if (fabs(error) < LEVELLAW_MIDDLE_LU && bounded == wanted)
		law->is_closing = false;
	law->reason = LEVELLAW_IN_TARGET;
	if (!law->is_closing)
		return;
	slope = fmax(-down, fmin(up, error * LEVELLAW_SLOPE_PER_LU));
	law->gain_db += slope * LEVELLAW_TICK_S;
	if (fabs(error) >= LEVELLAW_MIDDLE_LU)
		law->reason = error > 0.0 ? LEVELLAW_RAISING : LEVELLAW_LOWERING;
	else if (bounded < wanted)
		law->reason = LEVELLAW_AT_MAX_BOOST;
	else if (bounded > wanted)
		law->reason = LEVELLAW_AT_MAX_CUT;
}

void levellaw_tick(struct levellaw *law, const struct levellaw_rules *rules, double span,
		   double momentary)
{
	enum levellaw_reason frozen;

	law->ticks = (law->ticks + 1) % LEVELLAW_HOP_TICKS;
	if (law->ticks % 5 == 0)
		levellaw_judge_steadiness(law, rules, span);
	frozen = levellaw_frozen(law, rules, momentary);
	if (law->ticks == 0 && (frozen == LEVELLAW_SETTLING || frozen == LEVELLAW_FROZEN_GATE))
		levellaw_take(law, rules, momentary);
	if (frozen != LEVELLAW_SETTLING) {
		law->reason = frozen;
		levellaw_idle(law, rules, LEVELLAW_TICK_S);
		return;
	}
	law->idle_s = 0.0;
	law->reason = LEVELLAW_SETTLING;
	if (law->estimate <= 0.0)
		return;
	if (law->ticks == 0)
		levellaw_trim(law, rules);
	levellaw_move(law, rules);
}
