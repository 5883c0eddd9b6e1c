/* job_server.c - see job_server.h. */
#include "job_server.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job_private.h"

#define JOB_SERVER_NOTES 256u /* in one reply */

struct job_entry {
	uint64_t id;
	struct job *job;
	pthread_t thread;
};

struct job_server {
	struct job_hooks hooks;
	struct job_entry entry[JOB_SERVER_MAX];
	uint32_t n;
	uint64_t next_id;
	/* what the last reply points to */
	struct job_view view;
	Mixd__V1__JobNote note[JOB_SERVER_NOTES], *notes[JOB_SERVER_NOTES];
	struct {
		char item[160], text[512];
	} words[JOB_SERVER_NOTES];
	char *chunk;
};

int job_server_new(const struct job_hooks *hooks, struct job_server **ret, struct mixd_error *err)
{
	struct job_server *server = calloc(1, sizeof(*server));

	if (server)
		server->chunk = malloc(JOB_SERVER_CHUNK + 1);
	if (!server || !server->chunk) {
		free(server);
		return error_no_memory(err);
	}
	server->hooks = *hooks;
	server->next_id = 1;
	*ret = server;
	return 0;
}

static void *job_server_thread(void *data)
{
	job_run_verb(data);
	return NULL;
}

static void job_entry_end(struct job_entry *entry)
{
	pthread_join(entry->thread, NULL);
	job_free(entry->job);
}

/* Room for one more: the oldest that has ended goes. */
static int job_server_room(struct job_server *server, struct mixd_error *err)
{
	struct job_view view;

	if (server->n < JOB_SERVER_MAX)
		return 0;
	for (uint32_t i = 0; i < server->n; i++) {
		job_look(server->entry[i].job, &view);
		if (view.state == JOB_STATE_RUNNING)
			continue;
		job_entry_end(&server->entry[i]);
		server->n--;
		memmove(&server->entry[i], &server->entry[i + 1],
			(server->n - i) * sizeof(server->entry[0]));
		return 0;
	}
	error_set(err, ERROR_RESOURCE, "", "%u jobs are running", JOB_SERVER_MAX);
	error_hint(err, "wait until one has ended");
	return -EBUSY;
}

/* A note's text may end in the middle of a letter: cut it there. */
static void job_whole_letters(char *text)
{
	size_t n = strlen(text), back = 0;

	while (back < 3 && back < n && ((unsigned char)text[n - 1 - back] & 0xc0) == 0x80)
		back++;
	if (back < n && n >= 100) {
		unsigned char lead = (unsigned char)text[n - 1 - back];
		size_t want = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;

		if (back < want)
			text[n - 1 - back] = '\0';
	}
}

static void job_server_fill_notes(struct job_server *server, struct job *job, uint64_t from,
				  Mixd__V1__JobReply *reply)
{
	for (uint32_t i = 0; i < JOB_SERVER_NOTES; i++) {
		bool is_warning;

		if (!job_note_at(job, from + i, &is_warning, server->words[i].item,
				 sizeof(server->words[i].item), server->words[i].text,
				 sizeof(server->words[i].text)))
			break;
		job_whole_letters(server->words[i].item);
		job_whole_letters(server->words[i].text);
		job_disarm(server->words[i].item);
		job_disarm(server->words[i].text);
		mixd__v1__job_note__init(&server->note[i]);
		server->note[i].number = from + i;
		server->note[i].warning = is_warning;
		server->note[i].item = server->words[i].item;
		server->note[i].text = server->words[i].text;
		server->notes[i] = &server->note[i];
		reply->n_notes = i + 1;
	}
	reply->notes = server->notes;
}

/* From byte FROM on, ended where a letter ends. */
static void job_server_fill_result(struct job_server *server, uint64_t from,
				   Mixd__V1__JobReply *reply)
{
	const struct job_view *view = &server->view;
	size_t n = 0;

	reply->result_size = view->result_size;
	if (from < view->result_size) {
		n = view->result_size - from;
		if (n > JOB_SERVER_CHUNK)
			for (n = JOB_SERVER_CHUNK;
			     n > 1 && ((unsigned char)view->result[from + n] & 0xc0) == 0x80; n--)
				;
		memcpy(server->chunk, view->result + from, n);
	}
	server->chunk[n] = '\0';
	reply->result = server->chunk;
}

static void job_server_fill(struct job_server *server, const struct job_entry *entry,
			    Mixd__V1__JobReply *reply)
{
	struct job_view *view = &server->view;

	job_look(entry->job, view);
	reply->job = entry->id;
	reply->state = (Mixd__V1__JobState)view->state;
	job_whole_letters(view->item);
	job_disarm(view->item);
	job_disarm(view->error.address);
	job_disarm(view->error.text);
	job_disarm(view->error.hint);
	reply->stage = view->stage;
	reply->item = view->item;
	reply->done_s = view->done_s;
	reply->total_s = view->total_s;
	reply->speed = view->speed;
	reply->left_s = view->left_s;
	reply->negative = view->is_negative;
	reply->failure_code = (uint32_t)view->error.code;
	reply->failure_address = view->error.address;
	reply->failure_text = view->error.text;
	reply->failure_hint = view->error.hint;
}

static struct job_entry *job_server_find(struct job_server *server, uint64_t id,
					 struct mixd_error *err)
{
	for (uint32_t i = 0; i < server->n; i++)
		if (server->entry[i].id == id)
			return &server->entry[i];
	error_set(err, ERROR_NOT_FOUND, "job", "there is no job %llu", (unsigned long long)id);
	return NULL;
}

int job_server_start(struct job_server *server, const Mixd__V1__StartJob *request,
		     Mixd__V1__JobReply *reply, struct mixd_error *err)
{
	const char **names = calloc(2 * request->n_options + 1, sizeof(*names));
	const char **values = names ? names + request->n_options : NULL;
	struct job_request wanted = {.verb = request->verb,
				     .folder = request->folder,
				     .format = *request->format ? request->format : "json",
				     .args = (const char *const *)request->args,
				     .n_args = (uint32_t)request->n_args,
				     .option_name = names,
				     .option_value = values,
				     .n_options = (uint32_t)request->n_options};
	int r = names ? job_server_room(server, err) : error_no_memory(err);
	struct job_entry *entry = &server->entry[server->n];

	for (size_t i = 0; r == 0 && i < request->n_options; i++) {
		names[i] = request->options[i]->name;
		values[i] = request->options[i]->value;
	}
	if (r == 0)
		r = job_new(&wanted, &server->hooks, &entry->job, err);
	free(names);
	if (r < 0)
		return r;
	r = pthread_create(&entry->thread, NULL, job_server_thread, entry->job);
	if (r > 0) {
		job_free(entry->job);
		return error_set(err, ERROR_RESOURCE, "", "cannot start a thread: %s", strerror(r));
	}
	entry->id = server->next_id++;
	server->n++;
	job_server_fill(server, entry, reply);
	return 0;
}

int job_server_get(struct job_server *server, const Mixd__V1__GetJob *request,
		   Mixd__V1__JobReply *reply, struct mixd_error *err)
{
	struct job_entry *entry = job_server_find(server, request->job, err);

	if (!entry)
		return -ENOENT;
	job_server_fill(server, entry, reply);
	job_server_fill_notes(server, entry->job, request->notes_from, reply);
	job_server_fill_result(server, request->result_from, reply);
	return 0;
}

int job_server_cancel(struct job_server *server, const Mixd__V1__CancelJob *request,
		      Mixd__V1__JobReply *reply, struct mixd_error *err)
{
	struct job_entry *entry = job_server_find(server, request->job, err);

	if (!entry)
		return -ENOENT;
	task_cancel(job_task(entry->job));
	job_server_fill(server, entry, reply);
	return 0;
}

struct job_server *job_server_free(struct job_server *server)
{
	if (!server)
		return NULL;
	for (uint32_t i = 0; i < server->n; i++)
		task_cancel(job_task(server->entry[i].job));
	for (uint32_t i = 0; i < server->n; i++)
		job_entry_end(&server->entry[i]);
	free(server->chunk);
	free(server);
	return NULL;
}
