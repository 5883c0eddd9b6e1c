/* batch_slurm.c - items by a job array of Slurm. */
#include "batch.h"

int batch_run_slurm(struct batch_run *run, struct mixd_error *err)
{
	return error_set(err, ERROR_RESOURCE, "--engine", "is not there yet");
}
