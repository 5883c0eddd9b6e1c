/* jobs_list.h - the rows of the table in jobs.c, one per job_<verb>.c. */
#pragma once

#include "mixd_jobs.h"

extern const struct mixd_job_verb mixd_job_album;
extern const struct mixd_job_verb mixd_job_batch;
extern const struct mixd_job_verb mixd_job_check;
extern const struct mixd_job_verb mixd_job_ddp;
extern const struct mixd_job_verb mixd_job_render;
extern const struct mixd_job_verb mixd_job_edit;
extern const struct mixd_job_verb mixd_job_spec;
extern const struct mixd_job_verb mixd_job_master;
extern const struct mixd_job_verb mixd_job_audiobook;
extern const struct mixd_job_verb mixd_job_podcast;
extern const struct mixd_job_verb mixd_job_series;
extern const struct mixd_job_verb mixd_job_measure;
