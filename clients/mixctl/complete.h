/* complete.h - candidates for the word under the cursor, one function per kind of word.
 *
 * WHAT        Each prints what begins with the word, a line each, "candidate<tab>what it is". What has to be
 *             asked of the daemon and does not come in time is left out in silence.
 * THREADS     one. */
#pragma once

#include "mixctl.h"

struct complete {
	struct mixctl *m;
	const char *word; /* what is there of it */
};

/* ---- verb_complete.c ---- */
void complete_offer(const struct complete *complete, const char *text, const char *doc);
void complete_offer_all(const struct complete *complete, const char *const *texts);
/* NULL: not in time, or refused. */
Mixd__V1__Reply *complete_request(const struct complete *complete, Mixd__V1__Request *request);

/* ---- complete_graph.c ---- */
void complete_nodes(const struct complete *complete, const char *suffix);
void complete_ports(const struct complete *complete);
/* NODE. first; then NODE.PARAM and, when METERS, what it measures. */
void complete_readings(const struct complete *complete, bool params, bool meters,
		       const char *suffix);
void complete_automate(const struct complete *complete);
void complete_assignment(const struct complete *complete); /* NODE.PARAM=VALUE */
void complete_types(const struct complete *complete);
void complete_type_param(const struct complete *complete, const char *type_id);
void complete_explain(const struct complete *complete); /* TYPE, or TYPE.PARAM */
void complete_preset(const struct complete *complete, int n, char **words);

/* ---- complete_timeline.c ---- */
void complete_markers(const struct complete *complete);
void complete_transport(const struct complete *complete); /* transport.state, ... */
/* What FIRST is waited for to be: of the transport alone it is known. */
void complete_condition(const struct complete *complete, const char *first);
/* The words behind `edit`: a player, an edit, then what that edit takes. WORDS: N, the verb first. */
void complete_edit(const struct complete *complete, int n, char **words);
