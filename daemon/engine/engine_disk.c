/* engine_disk.c - the thread that reads and writes files for nodes.
 *
 * Apart from the worker: a convolution's deadline does not wait for a disk. It has no priority of its
 * own; those who play read ahead. */
#include <errno.h>
#include <signal.h>

#include "engine_internal.h"

static void *disk_main(void *data)
{
	struct engine *engine = data;
	struct engine_job job;

	engine_flush_denormals(); /* the same bits as inline */
	for (;;) {
		while (sem_wait(&engine->disk_wake) < 0 && errno == EINTR)
			;
		while (ring_get(&engine->disk_jobs, &job)) {
			job.inst->node_type->disk(&job.inst->home.view, job.job);
			atomic_fetch_sub_explicit(&job.inst->jobs, 1, memory_order_release);
		}
		if (atomic_load(&engine->disk_quit))
			return NULL;
	}
}

int engine_disk_start(struct engine *engine)
{
	sigset_t all, old;
	int res;

	if (sem_init(&engine->disk_wake, 0, 0) < 0)
		return -errno;
	sigfillset(&all); /* signals belong to the main loop */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	res = pthread_create(&engine->disk, NULL, disk_main, engine);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (res != 0) {
		sem_destroy(&engine->disk_wake);
		return -res;
	}
	engine->disk_runs = true;
	return 0;
}

void engine_disk_stop(struct engine *engine)
{
	if (!engine->disk_runs)
		return;
	atomic_store(&engine->disk_quit, true);
	sem_post(&engine->disk_wake);
	pthread_join(engine->disk, NULL);
	sem_destroy(&engine->disk_wake);
	engine->disk_runs = false;
}

/* ---- where there are no files ------------------------------------------------------------------ */

static int disk_refuse(struct mixd_fault *fault)
{
	*fault = (struct mixd_fault){.text = "there is no file service here",
				     .hint = "files are played and recorded by the daemon"};
	return -ENOSYS;
}

static int disk_no_stream(const char *path, double rate, double speed, bool reverse,
			  struct mixd_stream **ret, struct mixd_stream_info *ret_info,
			  struct mixd_fault *fault)
{
	(void)path, (void)rate, (void)speed, (void)reverse, (void)ret, (void)ret_info;
	return disk_refuse(fault);
}

static int disk_no_read(struct mixd_stream *stream, uint64_t frame, float *const *channels,
			uint32_t n_frames, struct mixd_fault *fault)
{
	(void)stream, (void)frame, (void)channels, (void)n_frames;
	return disk_refuse(fault);
}

static void disk_no_close(struct mixd_stream *stream)
{
	(void)stream;
}

static int disk_no_record(const struct mixd_record_spec *spec, struct mixd_record **ret,
			  struct mixd_fault *fault)
{
	(void)spec, (void)ret;
	return disk_refuse(fault);
}

static int disk_no_write(struct mixd_record *record, const float *const *channels,
			 uint32_t n_frames, struct mixd_fault *fault)
{
	(void)record, (void)channels, (void)n_frames;
	return disk_refuse(fault);
}

static int disk_no_finish(struct mixd_record *record, struct mixd_fault *fault)
{
	(void)record;
	return disk_refuse(fault);
}

static const struct engine_files disk_no_files = {
	.stream_open = disk_no_stream,
	.stream_read = disk_no_read,
	.stream_close = disk_no_close,
	.record_open = disk_no_record,
	.record_write = disk_no_write,
	.record_close = disk_no_finish,
};

void engine_disk_services(struct mixd_host *host, const struct engine_files *files)
{
	const struct engine_files *none = &disk_no_files;
	const struct engine_files *plays = files && files->stream_open ? files : none;
	const struct engine_files *records = files && files->record_open ? files : none;

	host->stream_open = plays->stream_open;
	host->stream_read = plays->stream_read;
	host->stream_close = plays->stream_close;
	host->record_open = records->record_open;
	host->record_write = records->record_write;
	host->record_close = records->record_close;
}
