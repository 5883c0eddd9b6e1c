/* engine_build.h - what the two files of the plan builder share. [main] */
#pragma once

#include "engine_internal.h"

struct engine_build {
	struct engine *engine;
	struct engine_change *change;
	struct engine_want *want;
	/* by index of the compiler's node */
	struct engine_inst **insts;
	struct graph_plan_node *nodes;
	/* by index of the compiler's link */
	struct graph_plan_link *links;
	uint32_t *of_link; /* index in want->links */
	bool *deferred; /* by index in want->links */
	struct graph_plan_source source;
	struct graph_plan *plan;
};

/* Turn build->plan into change->plan: pointers, banks, moves. -ENOMEM. (engine_build_plan.c) */
int engine_build_plan(struct engine_build *build);
