/* delivery_verbs.h - the functions behind the verbs of proto/jobs, one per verb_<verb>.c. */
#pragma once

#include "job.h"

int verb_spec(struct job *job, struct mixd_error *err);
