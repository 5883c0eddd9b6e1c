/* verdict.h - what came of a clause, told the same way by every verb that judges.
 *
 * THREADS     the job's. */
#pragma once

#include "job.h"
#include "spec.h"

/* A mark, the clause, what was measured, the limit, by how much; beneath it what else there is to say. */
void verdict_print(struct job *job, const struct spec_verdict *verdict);
/* The same for programs; NULL without memory. */
json_t *verdict_json(const struct spec_verdict *verdict);
