/* spec_check.c - a programme against a spec: a verdict per clause, in words and figures.
 *
 * A figure is rounded to the clause's precision before it is compared, so that what is shown is what
 * was compared: -1.04 dBTP is -1.0 dBTP, and not above -1.0. What players do (SPEC_PLAYBACK) follows
 * the description of Spotify's normalization (support.spotify.com, "Loudness normalization"): gain =
 * level - loudness; upward only as far as the peak stays below the player's headroom. */
#include "spec_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPSILON 1e-9

static const char *const kind_words[] = {"band", "ceiling", "floor", "range", "playback", "one-of"};
static const char *const severity_words[] = {"must", "advice", "info"};
static const char *const state_words[] = {"pass", "fail", "warn", "note", "unknown", "apart"};

const char *spec_kind_word(enum spec_kind kind)
{
	return kind_words[kind];
}

const char *spec_severity_word(enum spec_severity severity)
{
	return severity_words[severity];
}

const char *spec_state_word(enum spec_state state)
{
	return state_words[state];
}

const char *spec_clause_label(const struct spec_clause *clause)
{
	const struct spec_quantity *quantity = spec_quantity_find(clause->id);

	return quantity ? quantity->label : clause->id;
}

/* ---- the limit in words ----------------------------------------------------------------------- */

static const char *limit_number(const struct spec_clause *clause, double value, const char *unit,
				char *buf, size_t size)
{
	return spec_figure(spec_quantity_find(clause->id), value, clause->precision, unit, buf,
			   size);
}

const char *spec_clause_limit(const struct spec_clause *clause, char *buf, size_t size)
{
	char low[48], high[48], target[48];
	bool is_clock = spec_quantity_find(clause->id)->shape == SPEC_SHAPE_CLOCK;
	bool is_hz = strcmp(clause->unit, "Hz") == 0;
	/* clock and Hz carry their own */
	const char *bare = is_clock || is_hz ? clause->unit : "";
	const char *space = *clause->unit && !*bare ? " " : "", *unit = *bare ? "" : clause->unit;

	limit_number(clause, clause->min, bare, low, sizeof(low));
	limit_number(clause, clause->max, bare, high, sizeof(high));
	limit_number(clause, clause->target, bare, target, sizeof(target));
	switch (clause->kind) {
	case SPEC_BAND:
		limit_number(clause, clause->max - clause->target, "", high, sizeof(high));
		snprintf(buf, size, "%s ±%s%s%s", target, high, space, unit);
		break;
	case SPEC_CEILING:
		snprintf(buf, size, "at most %s%s%s", high, space, unit);
		break;
	case SPEC_FLOOR:
		snprintf(buf, size, "at least %s%s%s", low, space, unit);
		break;
	case SPEC_RANGE:
		if (isinf(clause->min) && isinf(clause->max))
			snprintf(buf, size, "reported");
		else if (clause->min >= clause->max)
			snprintf(buf, size, "%s%s%s", low, space, unit);
		else
			snprintf(buf, size, "%s to %s%s%s", low, high, space, unit);
		break;
	case SPEC_PLAYBACK:
		snprintf(buf, size, "plays at %s%s%s", target, space, unit);
		break;
	case SPEC_ONE_OF:
		spec_words(spec_quantity_find(clause->id), clause->words, buf, size);
		break;
	}
	return buf;
}

/* ---- one clause ------------------------------------------------------------------------------- */

struct check {
	const struct spec_input *input;
	const struct spec_clause *clause;
	const struct spec_quantity *quantity;
	struct spec_verdict *verdict;
};

__attribute__((format(printf, 3, 4))) static void
check_say(struct check *check, enum spec_state state, const char *fmt, ...)
{
	struct spec_verdict *verdict = check->verdict;
	va_list args;

	verdict->state = state;
	va_start(args, fmt);
	vsnprintf(verdict->text, sizeof(verdict->text), fmt, args);
	va_end(args);
}

static const char *check_figure(const struct check *check, double value, const char *unit,
				char *buf, size_t size)
{
	return spec_figure(check->quantity, value, check->clause->precision, unit, buf, size);
}

/* What makes a master meet the clause: the spec, and a ceiling where the clause asks for more than masters
 * aim at (what is only for information). */
static const char *check_master(const struct check *check, char *buf, size_t size)
{
	const struct spec_clause *clause = check->clause;
	const struct spec *spec = check->input->spec;
	bool is_lower = strcmp(clause->id, "true-peak") == 0 && isnan(clause->when_above_lufs) &&
			clause->max < spec->max_dbtp - EPSILON;

	if (is_lower)
		snprintf(buf, size, "mixctl master does it: --spec %s --ceiling %.10g", spec->name,
			 clause->max);
	else
		snprintf(buf, size, "mixctl master does it: --spec %s", spec->name);
	return buf;
}

/* {by} {limit} {master} in PATTERN. */
static void check_remedy(struct check *check, const char *pattern, double by, const char *limit)
{
	char *out = check->verdict->remedy;
	size_t size = sizeof(check->verdict->remedy), n = 0;
	char amount[48], master[112];

	check_figure(check, by, check->quantity->step, amount, sizeof(amount));
	out[0] = '\0';
	while (pattern && *pattern && n + 1 < size) {
		const char *word = NULL;
		size_t skip = 0;

		if (strncmp(pattern, "{by}", 4) == 0)
			word = amount, skip = 4;
		else if (strncmp(pattern, "{limit}", 7) == 0)
			word = limit, skip = 7;
		else if (strncmp(pattern, "{master}", 8) == 0)
			word = check_master(check, master, sizeof(master)), skip = 8;
		if (word) {
			n += (size_t)snprintf(out + n, size - n, "%s", word);
			pattern += skip;
		} else {
			out[n++] = *pattern++;
			out[n] = '\0';
		}
	}
}

/* What a clause that is not met becomes. */
static enum spec_state check_missed(const struct check *check)
{
	switch (check->clause->severity) {
	case SPEC_MUST:
		return SPEC_FAIL;
	case SPEC_ADVICE:
		return SPEC_WARN;
	default:
		return SPEC_NOTE;
	}
}

static void check_unknown(struct check *check)
{
	const char *why = check->quantity->unknown;

	snprintf(check->verdict->measured, sizeof(check->verdict->measured), "not known");
	check_say(check, check->clause->severity == SPEC_INFO ? SPEC_NOTE : SPEC_UNKNOWN,
		  "%s is not known: %s", check->quantity->label, why ? why : "it was not measured");
}

/* Beyond a limit: by how much, and what would be right. */
static void check_beyond(struct check *check, double value, bool is_above)
{
	const struct spec_clause *clause = check->clause;
	double edge = is_above ? clause->max : clause->min;
	double goal = clause->kind == SPEC_BAND ? clause->target : edge;
	double by = fabs(value - goal);
	const char *silent = check->quantity->silent;
	char figure[48], amount[48], limit[64], nearest[48];

	check_figure(check, value, clause->unit, figure, sizeof(figure));
	check_figure(check, edge, clause->unit, nearest, sizeof(nearest));
	check_figure(check, by, check->quantity->step, amount, sizeof(amount));
	spec_clause_limit(clause, limit, sizeof(limit));
	if (isinf(value))
		snprintf(check->verdict->beyond, sizeof(check->verdict->beyond), "%s",
			 silent ? "below" : "silent");
	else
		snprintf(check->verdict->beyond, sizeof(check->verdict->beyond), "%s %s", amount,
			 is_above ? "above" : "below");
	if (isinf(value))
		check_say(check, check_missed(check), "%s is %s: %s", check->quantity->label,
			  figure,
			  value > 0 ? "not finite"
			  : silent  ? silent
				    : "the programme is silent");
	else if (clause->kind == SPEC_BAND)
		check_say(check, check_missed(check), "%s %s is %s %s %s", check->quantity->label,
			  figure, amount, is_above ? "above" : "below", limit);
	else
		check_say(check, check_missed(check), "%s %s is %s %s %s (%s)",
			  check->quantity->label, figure, amount, is_above ? "above" : "below",
			  nearest, limit);
	if (isfinite(value) || silent)
		check_remedy(check, is_above ? check->quantity->above : check->quantity->below, by,
			     nearest);
}

static void check_number(struct check *check, double value)
{
	const struct spec_clause *clause = check->clause;
	char limit[64];

	value = spec_round(value, clause->precision);
	spec_clause_limit(clause, limit, sizeof(limit));
	if (value > clause->max + EPSILON)
		check_beyond(check, value, true);
	else if (value < clause->min - EPSILON)
		check_beyond(check, value, false);
	else if (isinf(clause->min) && isinf(clause->max))
		check_say(check, SPEC_NOTE, "%s is %s (no limit)", check->quantity->label,
			  check->verdict->measured);
	else
		check_say(check, clause->severity == SPEC_INFO ? SPEC_NOTE : SPEC_PASS,
			  "%s %s is %s", check->quantity->label, check->verdict->measured,
			  clause->kind == SPEC_BAND || clause->kind == SPEC_RANGE ? "within limits"
										  : limit);
	if (check->verdict->state == SPEC_PASS &&
	    (clause->kind == SPEC_BAND || clause->kind == SPEC_RANGE))
		check_say(check, SPEC_PASS, "%s %s is within %s", check->quantity->label,
			  check->verdict->measured, limit);
}

/* "pcm" is meant by "pcm_s24", too. */
static bool word_fits(const char *word, size_t length, const char *value)
{
	return strncmp(word, value, length) == 0 &&
	       (value[length] == '\0' || (value[length] == '_' && length == 3));
}

static void check_word(struct check *check, const char *value)
{
	char limit[64];

	snprintf(check->verdict->measured, sizeof(check->verdict->measured), "%s", value);
	spec_clause_limit(check->clause, limit, sizeof(limit));
	for (const char *word = check->clause->words; *word;) {
		size_t length = strcspn(word, " ");

		if (word_fits(word, length, value)) {
			check_say(check,
				  check->clause->severity == SPEC_INFO ? SPEC_NOTE : SPEC_PASS,
				  "%s is %s", check->quantity->label, value);
			return;
		}
		word += length + strspn(word + length, " ");
	}
	check_say(check, check_missed(check), "%s is %s, must be %s", check->quantity->label, value,
		  limit);
	check_remedy(check, check->quantity->above, 0, limit);
}

static void check_number_list(struct check *check, double value)
{
	double first = strtod(check->clause->words, NULL);
	char limit[64];

	spec_clause_limit(check->clause, limit, sizeof(limit));
	value = spec_round(value, check->clause->precision);
	for (const char *word = check->clause->words; *word;) {
		size_t length = strcspn(word, " ");

		if (fabs(strtod(word, NULL) - value) < EPSILON) {
			check_say(check,
				  check->clause->severity == SPEC_INFO ? SPEC_NOTE : SPEC_PASS,
				  "%s: %s", check->quantity->label, check->verdict->measured);
			return;
		}
		word += length + strspn(word + length, " ");
	}
	check_say(check, check_missed(check), "%s: %s, %s %s", check->quantity->label,
		  check->verdict->measured,
		  check->clause->severity == SPEC_MUST ? "must be" : "better", limit);
	check_remedy(check, value > first ? check->quantity->above : check->quantity->below, 0,
		     limit);
}

/* ---- players ---------------------------------------------------------------------------------- */

static void check_playback(struct check *check)
{
	const struct spec_clause *clause = check->clause;
	const struct measure_result *result = check->input->result;
	const struct measure_result *album = check->input->album;
	/* an album is turned up or down as one, by its loudness and its highest peak */
	const struct measure_result *whole = album ? album : result;
	double loudness = spec_round(whole->integrated, 0.1);
	double peak = clause->up == SPEC_UP_LIMITER ? whole->sample_peak : whole->true_peak;
	double gain = clause->target - loudness, room = fmax(clause->max - peak, 0);
	double own = spec_round(result->integrated, 0.1);
	const char *as = album ? " (by the album's loudness)" : "";

	if (!isfinite(loudness)) {
		check_say(check, SPEC_NOTE, "the programme is silent: nothing is turned up");
	} else if (fabs(gain) < 0.05) {
		check_say(check, SPEC_NOTE, "is played as it is, at %.1f LUFS%s", own, as);
	} else if (gain < 0) {
		check_say(check, SPEC_NOTE, "is turned down by %.1f dB%s: plays at %.1f LUFS",
			  -gain, as, own + gain);
	} else if (clause->up == SPEC_UP_NEVER) {
		check_say(check, SPEC_NOTE,
			  "is not turned up: plays at %.1f LUFS, %.1f LU below "
			  "what others play at",
			  own, gain);
	} else if (clause->up == SPEC_UP_LIMITER && peak + gain > clause->max) {
		check_say(check, SPEC_NOTE,
			  "is turned up by %.1f dB%s, towards %.1f LUFS; the "
			  "player's limiter takes up to %.1f dB off its peaks",
			  gain, as, own + gain, peak + gain - clause->max);
	} else if (clause->up == SPEC_UP_PEAK && !(gain <= room)) {
		room = isnan(room) ? 0 : room;
		check_say(check, SPEC_NOTE,
			  "is turned up by %.1f dB%s, no further for its peak of "
			  "%.1f dBTP: plays at %.1f LUFS",
			  room, as, peak, own + room);
	} else {
		check_say(check, SPEC_NOTE, "is turned up by %.1f dB%s: plays at %.1f LUFS", gain,
			  as, own + gain);
	}
}

/* ---- when a clause counts --------------------------------------------------------------------- */

/* Why CLAUSE does not count; "" when that cannot be known; NULL: it counts. */
static const char *check_apart(const struct check *check, char *buf, size_t size)
{
	const struct spec_clause *clause = check->clause;
	const struct spec_input *input = check->input;
	const struct measure_result *result = input->result;
	double share = result ? spec_round(result->speech_share, 0.01) : NAN;

	if (!result) /* an album as a whole */
		return check->quantity->apart ? check->quantity->apart(input) : NULL;
	if (!isnan(clause->when_above_lufs) &&
	    !(spec_round(result->integrated, 0.1) > clause->when_above_lufs + EPSILON)) {
		snprintf(buf, size, "only above %.1f LUFS", clause->when_above_lufs);
		return buf;
	}
	if (clause->when_longer_s > 0 && !(result->duration_s > clause->when_longer_s)) {
		snprintf(buf, size, "only for programmes longer than %.10g s",
			 clause->when_longer_s);
		return buf;
	}
	if (clause->when_channels && result->n_channels != clause->when_channels) {
		snprintf(buf, size, "only for %u channel%s", clause->when_channels,
			 clause->when_channels == 1 ? "" : "s");
		return buf;
	}
	if (clause->when_speech == SPEC_SPEECH_ENOUGH &&
	    share < input->spec->speech_share - EPSILON)
		snprintf(buf, size, "only with %.0f%% of speech or more; here: %.0f%%",
			 input->spec->speech_share * 100, share * 100);
	else if (clause->when_speech == SPEC_SPEECH_LITTLE &&
		 !(share < input->spec->speech_share - EPSILON))
		snprintf(buf, size, "only with less than %.0f%% of speech%s",
			 input->spec->speech_share * 100,
			 isnan(share) ? "" : "; here there is more");
	else
		return check->quantity->apart ? check->quantity->apart(input) : NULL;
	return buf;
}

/* Said of every figure that rests on a detector's guess. */
static void check_approximate(struct check *check)
{
	const struct measure_result *result = check->input->result;
	struct spec_verdict *verdict = check->verdict;
	bool is_of_speech =
		check->quantity->of_speech || check->clause->when_speech != SPEC_SPEECH_ANY;
	size_t used = strlen(verdict->text);

	verdict->is_approximate = is_of_speech && result->is_speech_detected;
	if (verdict->is_approximate)
		verdict->speech_share = result->speech_share;
	if (verdict->is_approximate && used < sizeof(verdict->text))
		snprintf(verdict->text + used, sizeof(verdict->text) - used,
			 " (approximate: a detector found speech in %.0f%% of it)",
			 result->speech_share * 100);
}

static void check_stored_bits(struct check *check)
{
	const struct measure_result *result = check->input->result;
	struct spec_verdict *verdict = check->verdict;

	if (result->is_padded && result->effective_bits)
		snprintf(verdict->measured, sizeof(verdict->measured), "%u bits, %u of them in use",
			 check->input->info->bits, result->effective_bits);
	if (check->input->info && check->input->info->is_lossy)
		snprintf(verdict->measured, sizeof(verdict->measured), "none (%s)",
			 check->input->info->codec);
}

static void check_clause(struct check *check)
{
	const struct spec_clause *clause = check->clause;
	const struct spec_input *input = check->input;
	struct spec_verdict *verdict = check->verdict;
	const char *word, *why;
	char buf[96];

	*verdict = (struct spec_verdict){.clause = clause, .value = NAN, .speech_share = NAN};
	spec_clause_limit(clause, verdict->limit, sizeof(verdict->limit));
	why = check_apart(check, buf, sizeof(buf));
	if (why) {
		check_say(check, SPEC_APART, "%s: %s", check->quantity->label, why);
		return;
	}
	if (check->quantity->shape == SPEC_SHAPE_WORD) {
		word = check->quantity->word(input);
		if (word)
			check_word(check, word);
		else
			check_unknown(check);
		return;
	}
	verdict->value = check->quantity->value(input);
	check_figure(check, verdict->value, clause->unit, verdict->measured,
		     sizeof(verdict->measured));
	if (check->quantity->silent && verdict->value == -INFINITY)
		snprintf(verdict->measured, sizeof(verdict->measured), "digital silence");
	if (strcmp(clause->id, "bits") == 0 && input->result)
		check_stored_bits(check);
	if (isnan(verdict->value))
		check_unknown(check);
	else if (clause->kind == SPEC_PLAYBACK)
		check_playback(check);
	else if (clause->kind == SPEC_ONE_OF)
		check_number_list(check, verdict->value);
	else
		check_number(check, verdict->value);
	if (input->result)
		check_approximate(check);
}

/* ---- all of them ------------------------------------------------------------------------------ */

/* A clause that is not met, whose alternative is: counts as met. */
static void check_alternatives(const struct spec *spec, struct spec_verdict *verdict)
{
	for (uint32_t i = 0; i < spec->n_clauses; i++) {
		const char *id = spec->clause[i].alternative;
		size_t used = strlen(verdict[i].text);

		if (!id || (verdict[i].state != SPEC_FAIL && verdict[i].state != SPEC_WARN &&
			    verdict[i].state != SPEC_UNKNOWN))
			continue;
		for (uint32_t j = 0; j < spec->n_clauses; j++) {
			if (strcmp(spec->clause[j].id, id) != 0 || verdict[j].state != SPEC_PASS)
				continue;
			verdict[i].state = SPEC_NOTE;
			verdict[i].remedy[0] = '\0';
			if (used < sizeof(verdict[i].text))
				snprintf(verdict[i].text + used, sizeof(verdict[i].text) - used,
					 "; met by %s instead",
					 spec_clause_label(&spec->clause[j]));
			break;
		}
	}
}

static bool verdicts_are_met(const struct spec *spec, const struct spec_verdict *verdict)
{
	for (uint32_t i = 0; i < spec->n_clauses; i++) {
		if (verdict[i].state == SPEC_FAIL)
			return false;
		if (verdict[i].state == SPEC_UNKNOWN && spec->clause[i].severity == SPEC_MUST)
			return false;
	}
	return true;
}

bool spec_check(const struct spec *spec, const struct measure_result *result,
		const struct media_info *info, const struct measure_result *album,
		struct spec_verdict *verdict)
{
	struct spec_input input = {.spec = spec, .result = result, .info = info, .album = album};

	for (uint32_t i = 0; i < spec->n_clauses; i++) {
		struct check check = {.input = &input,
				      .clause = &spec->clause[i],
				      .quantity = spec_quantity_find(spec->clause[i].id),
				      .verdict = &verdict[i]};

		check_clause(&check);
	}
	check_alternatives(spec, verdict);
	return verdicts_are_met(spec, verdict);
}

bool spec_check_album(const struct spec *spec, const struct measure_result *const *results,
		      const struct media_info *const *infos, uint32_t n,
		      struct spec_verdict *verdict)
{
	struct spec_input input = {.spec = spec, .results = results, .infos = infos, .n = n};

	for (uint32_t i = 0; i < spec->n_clauses; i++) {
		struct check check = {.input = &input,
				      .clause = &spec->clause[i],
				      .quantity = spec_quantity_find(spec->clause[i].id),
				      .verdict = &verdict[i]};

		if (n > 0 && check.quantity->of_album) {
			check_clause(&check);
			continue;
		}
		verdict[i] = (struct spec_verdict){
			.clause = &spec->clause[i], .value = NAN, .state = SPEC_APART};
		spec_clause_limit(&spec->clause[i], verdict[i].limit, sizeof(verdict[i].limit));
		check_say(&check, SPEC_APART, "%s: of each file", check.quantity->label);
	}
	return verdicts_are_met(spec, verdict);
}

unsigned spec_needs(const struct spec *spec)
{
	unsigned needs = MEASURE_LOUDNESS;

	for (uint32_t i = 0; i < spec->n_clauses; i++) {
		needs |= spec_quantity_find(spec->clause[i].id)->needs;
		if (spec->clause[i].kind == SPEC_PLAYBACK)
			needs |= MEASURE_TRUE_PEAK;
	}
	return needs;
}

bool spec_needs_speech(const struct spec *spec)
{
	for (uint32_t i = 0; i < spec->n_clauses; i++)
		if (spec_quantity_find(spec->clause[i].id)->of_speech ||
		    spec->clause[i].when_speech != SPEC_SPEECH_ANY)
			return true;
	return false;
}
