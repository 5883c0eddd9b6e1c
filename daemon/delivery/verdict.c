/* verdict.c - see verdict.h. */
#include "verdict.h"

/* The row says it all, but for what a player does and what a guess rests on. */
static bool clause_has_more(const struct spec_verdict *verdict)
{
	return verdict->state != SPEC_PASS &&
	       (verdict->clause->kind == SPEC_PLAYBACK || verdict->state == SPEC_UNKNOWN ||
		verdict->state == SPEC_APART || verdict->is_approximate ||
		verdict->clause->alternative);
}

void verdict_print(struct job *job, const struct spec_verdict *verdict)
{
	static const char *const marks[] = {
		"\xe2\x9c\x93", "\xe2\x9c\x97", "!", "\xc2\xb7", "?", "-"};
	bool is_apart = verdict->state == SPEC_APART;
	const char *limit = verdict->limit;

	job_print(job, "  %s %-30s %-*s ", marks[verdict->state],
		  spec_clause_label(verdict->clause), job_width(verdict->measured, 16),
		  is_apart ? "" : verdict->measured);
	if (verdict->beyond[0])
		job_print(job, "%-*s %s\n", job_width(limit, 24), limit, verdict->beyond);
	else if (verdict->state == SPEC_PASS && verdict->is_approximate)
		job_print(job, "%-*s approximate: by a detector, %.0f%% is speech\n",
			  job_width(limit, 24), limit, verdict->speech_share * 100);
	else
		job_print(job, "%s\n", limit);
	if (clause_has_more(verdict))
		job_print(job, "      %s\n", verdict->text);
	if (verdict->remedy[0])
		job_print(job, "      -> %s\n", verdict->remedy);
}

json_t *verdict_json(const struct spec_verdict *verdict)
{
	const struct spec_clause *clause = verdict->clause;

	return json_pack("{s:s,s:s,s:s,s:s,s:o,s:s,s:s,s:s,s:s,s:b,s:s,s:s}", "clause", clause->id,
			 "kind", spec_kind_word(clause->kind), "level",
			 spec_severity_word(clause->severity), "state",
			 spec_state_word(verdict->state), "value", job_real(verdict->value), "unit",
			 clause->unit, "measured", verdict->measured, "limit", verdict->limit,
			 "beyond", verdict->beyond, "is_approximate", (int)verdict->is_approximate,
			 "text", verdict->text, "remedy", verdict->remedy);
}
