/* delivery_verbs.h - the functions behind the verbs of proto/jobs, one per verb_<verb>.c. */
#pragma once

#include "job.h"

int verb_album(struct job *job, struct mixd_error *err);
int verb_ddp(struct job *job, struct mixd_error *err);
int verb_batch(struct job *job, struct mixd_error *err);
int verb_check(struct job *job, struct mixd_error *err);
int verb_render(struct job *job, struct mixd_error *err);
int verb_edit(struct job *job, struct mixd_error *err);
int verb_spec(struct job *job, struct mixd_error *err);
int verb_master(struct job *job, struct mixd_error *err);
int verb_audiobook(struct job *job, struct mixd_error *err);
int verb_podcast(struct job *job, struct mixd_error *err);
int verb_podcast(struct job *job, struct mixd_error *err);
int verb_series(struct job *job, struct mixd_error *err);
int verb_measure(struct job *job, struct mixd_error *err);
