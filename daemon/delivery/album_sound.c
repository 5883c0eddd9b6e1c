/* album_sound.c - the time line rendered once into a spool, through the chain; see album.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "album_pass.h"
#include "cleanup.h"

DEFINE_CLEANUP(spool_free, struct spool *)

static int spool_take(void *data, const float *const *channels, uint32_t n_frames,
		      struct mixd_error *err)
{
	return spool_write(data, channels, n_frames, err);
}

/* SESSION from FROM (NULL: it plays itself) into a new spool. */
static int render_to_spool(struct job *job, const struct album *album, const char *session,
			   const char *name, const char *session_folder, struct spool *from,
			   const char *folder, struct spool **ret, struct mixd_error *err)
{
	_cleanup_(spool_freep) struct spool *spool = NULL;

	struct render_source source = {album_spool_give, from, 2, NULL};
	struct render_input input = {.source = &source};
	struct render_sink sink = {spool_take, NULL};
	struct render_output output = {.sink = &sink};
	struct render_request request = {
		.session = session,
		.session_name = name,
		.folder = session_folder,
		.rate = album->rate,
		.end_s = (double)album->n_frames / album->rate,
		.seed = 1,
		.input = &input,
		.n_inputs = from ? 1 : 0,
		.output = &output,
		.n_outputs = 1,
	};
	struct render_report report;
	int r = job_types(job, &request.types, err);

	if (r == 0)
		r = spool_new(folder, 2, &spool, err);
	if (r < 0)
		return r;
	sink.data = spool;
	r = render_run(&request, job_task(job), &report, err);
	if (r == 0)
		r = spool_rewind(spool, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(spool);
	return 0;
}

static int run_chain(struct job *job, const struct album *album, const char *folder,
		     struct spool **spool, struct mixd_error *err)
{
	_cleanup_free_ char *text = NULL, *chain_folder = strdup(album->chain);
	char *slash = chain_folder ? strrchr(chain_folder, '/') : NULL;
	const char *name = slash ? slash - chain_folder + album->chain + 1 : album->chain;
	struct spool *done = NULL;
	size_t size = 0;
	int r;

	if (!slash)
		return error_no_memory(err);
	*slash = '\0';
	r = document_load(album->chain, name, &text, &size, err);
	if (r < 0)
		return r;
	job_stage(job, "chain", name);
	r = render_to_spool(job, album, text, name, chain_folder, *spool, folder, &done, err);
	if (r < 0)
		return r;
	spool_free(*spool);
	*spool = done;
	return 0;
}

int album_sound(struct job *job, struct album *album, const char *folder, struct spool **ret,
		struct mixd_error *err)
{
	_cleanup_free_ char *session = album_session(album);
	_cleanup_(spool_freep) struct spool *spool = NULL;
	char name[128];
	int r = session ? 0 : error_no_memory(err);

	if (r < 0)
		return r;
	job_stage(job, "time line", NULL);
	/* lines of what album_session() made: not the document's */
	snprintf(name, sizeof(name), "%.100s, as a session", album->document->name);
	r = render_to_spool(job, album, session, name, album->document->folder, NULL, folder,
			    &spool, err);
	if (r == 0 && album->chain)
		r = run_chain(job, album, folder, &spool, err);
	if (r == 0 && album->mode != ALBUM_NONE && !isnan(album->target_lufs))
		r = album_gains(job, album, spool, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(spool);
	return 0;
}
