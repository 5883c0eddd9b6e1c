/* session_time.c - see session_time.h. */
#include "session_time.h"

#include <string.h>

#include "cleanup.h"
#include "graph_clips.h"
#include "graph_session.h"
#include "mixd_jobs.h"

DEFINE_CLEANUP(graph_model_free, struct graph_model *)

int session_time(const struct graph_types *types, const char *session, const char *name,
		 const char *option, const char *text, double *ret_s, struct mixd_error *err)
{
	static const struct mixd_job_option span = {.name = "", .kind = MIXD_JOB_SPAN};
	_cleanup_(graph_model_freep) struct graph_model *model = NULL;
	Mixd__V1__Graph *graph = NULL;
	char buf[96];
	int r;

	if (!mixd_job_value(&span, text, ret_s, buf, sizeof(buf)))
		return 0;
	r = graph_session_parse_whole(types, name, session, strlen(session), NULL, &graph, err);
	if (r < 0)
		return r;
	r = graph_model_from_proto(types, graph, &model, err);
	mixd__v1__graph__free_unpacked(graph, NULL);
	return r < 0 ? r : graph_position_parse(model, text, 0, option, ret_s, err);
}
