/* master_source.c - the programme to be mastered, from the start as often as it takes. */
#include "master_private.h"
#include "measure_private.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define SOURCE_BLOCK 8192u

static const char master_through[] = "mixd: 1\n"
				     "nodes:\n"
				     "  in: {type: input, layout: auto}\n"
				     "  out: {type: output, layout: auto}\n"
				     "links: [in -> out]\n";

int master_source_rewind(struct master_source *source, struct mixd_error *err)
{
	if (source->spool)
		return spool_rewind(source->spool, err);
	source->reader = media_close(source->reader);
	return media_open(source->path, &source->reader, err);
}

int64_t master_source_read(struct master_source *source, float *const *channels, uint32_t n_frames,
			   struct mixd_error *err)
{
	if (source->spool)
		return spool_read(source->spool, channels, n_frames, err);
	return media_read(source->reader, channels, n_frames, err);
}

int master_source_seek(struct master_source *source, int64_t frame, struct mixd_error *err)
{
	return source->spool ? spool_seek(source->spool, frame, err)
			     : media_seek(source->reader, frame, err);
}

void master_source_done(struct master_source *source)
{
	media_close(source->reader);
	spool_free(source->spool);
	free(source->path);
	*source = (struct master_source){0};
}

int master_source_open(struct master_source *source, const char *path, struct mixd_error *err)
{
	const struct media_info *info;
	int r;

	*source = (struct master_source){.path = strdup(path)};
	if (!source->path)
		return error_no_memory(err);
	r = media_open(path, &source->reader, err);
	if (r < 0)
		return r;
	info = media_reader_info(source->reader);
	source->rate = info->rate;
	source->layout = info->layout;
	source->n_frames = info->n_frames;
	return 0;
}

/* ---- what another graph makes of it, on disk ------------------------------------------------ */

struct source_spooling {
	struct master *master;
	struct render_output *output;
	struct master_source *into;
};

static int source_spool_write(void *data, const float *const *channels, uint32_t n_frames,
			      struct mixd_error *err)
{
	struct source_spooling *spooling = data;
	struct master_source *into = spooling->into;
	int r = 0;

	if (!into->spool) { /* only now the layout is known */
		into->layout = spooling->output->target.layout;
		r = spool_new(spooling->master->folder, into->layout.n_channels, &into->spool, err);
	}
	return r < 0 ? r : spool_write(into->spool, channels, n_frames, err);
}

static int source_render(struct master *master, struct render_request *request,
			 struct render_output *output, struct master_source *into,
			 struct mixd_error *err)
{
	struct source_spooling spooling = {master, output, into};
	struct render_sink sink = {source_spool_write, &spooling};
	struct render_report report;
	int r = job_types(master->job, &request->types, err);

	output->sink = &sink;
	request->output = output;
	request->n_outputs = 1;
	request->n_threads = master->request->n_threads;
	request->seed = master->request->seed;
	if (r == 0)
		r = render_run(request, job_task(master->job), &report, err);
	output->sink = NULL;
	if (r == 0 && !into->spool) {
		error_set(err, ERROR_INVALID, master->request->name, "has no sound to master");
		return -EINVAL;
	}
	if (r == 0)
		into->n_frames = spool_frames(into->spool);
	return r;
}

static int64_t source_give(void *data, float *const *channels, uint32_t n_frames,
			   struct mixd_error *err)
{
	return master_source_read(data, channels, n_frames, err);
}

int master_source_resample(struct master *master, struct master_source *from, double rate,
			   struct master_source *ret, struct mixd_error *err)
{
	struct render_source source = {source_give, from, from->layout.n_channels, &from->layout};
	struct render_input input = {.source = &source};
	struct render_output output = {0};
	struct render_request request = {.session = master_through,
					 .session_name = "mixd",
					 .rate = from->rate,
					 .input = &input,
					 .n_inputs = 1};
	int r = master_source_rewind(from, err);

	*ret = (struct master_source){.rate = rate};
	media_target_init(&output.target);
	output.target.rate = rate;
	job_stage(master->job, "resample", master->request->name);
	return r < 0 ? r : source_render(master, &request, &output, ret, err);
}

int master_source_chain(struct master *master, struct master_source *ret, struct mixd_error *err)
{
	const struct master_request *wanted = master->request;
	_cleanup_free_ const char **goal = calloc(wanted->n_goals, sizeof(*goal));
	struct render_input input = {.path = wanted->input};
	struct render_output output = {0};
	struct render_request request = {.session = wanted->chain,
					 .session_name = wanted->chain_name,
					 .folder = wanted->chain_folder,
					 .rate = wanted->info.rate,
					 .input = &input,
					 .n_inputs = wanted->input && !wanted->chain_plays,
					 .goal = goal,
					 .n_goals = wanted->n_goals};

	if (!goal)
		return error_no_memory(err);
	for (uint32_t i = 0; i < wanted->n_goals; i++)
		goal[i] = wanted->goal[i].path;
	*ret = (struct master_source){.rate = wanted->info.rate};
	media_target_init(&output.target);
	output.target.rate = wanted->info.rate;
	job_stage(master->job, "chain", wanted->name);
	return source_render(master, &request, &output, ret, err);
}

/* ---- measured -------------------------------------------------------------------------------- */

int master_source_measure(struct master *master, struct master_source *source, unsigned what,
			  const struct measure_fine *fine, struct measure_result *ret,
			  struct mixd_error *err)
{
	const struct master_request *request = master->request;
	struct measure_options options;
	struct measure *measure = NULL;
	int64_t n = 1, done = 0;
	int r = master_source_rewind(source, err);

	measure_options_init(&options);
	options.what = what;
	options.fine = fine;
	if (!fine) {
		options.speech = request->speech;
		options.n_speech = request->n_speech;
		options.detect_speech = request->detect_speech;
	}
	if (r == 0)
		r = measure_new(source->rate, &source->layout, &options, &measure, err);
	while (r == 0 && n > 0) {
		float *at[MEDIA_CHANNELS_MAX];
		uint32_t room = measure_room(measure, at);

		n = master_source_read(source, at, room < SOURCE_BLOCK ? room : SOURCE_BLOCK, err);
		if (n <= 0)
			break;
		measure_put(measure, (uint32_t)n);
		done += n;
		task_progress(job_task(master->job), (double)done / source->rate,
			      (double)source->n_frames / source->rate);
		r = task_check(job_task(master->job), err);
	}
	r = n < 0 && r == 0 ? (int)n : r;
	if (r == 0 && measure_finish(measure, ret) < 0)
		r = error_no_memory(err);
	if (r == 0)
		source->n_frames = done;
	measure_free(measure);
	return r;
}
