/* verb_edit.c - edit: the clips of a player. The words go to the daemon as they are; it knows the edits. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "mixctl.h"

static int edit_ls(struct mixctl *m)
{
	static const char *const columns[] = {"clip", "name", "at", "end", "what", NULL};
	struct listing listing = {.kind = "clips", .columns = columns};
	Mixd__V1__GetClips get = MIXD__V1__GET_CLIPS__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	get.player = m->args[0];
	request.op_case = MIXD__V1__REQUEST__OP_GET_CLIPS;
	request.get_clips = &get;
	reply = mixctl_request(m, &request);
	if (!reply)
		return m->err.code;
	listing.revision = reply->revision;
	for (size_t i = 0; i < reply->get_clips->n_clips; i++) {
		const Mixd__V1__Clip *clip = reply->get_clips->clips[i];
		char number[16];

		snprintf(number, sizeof(number), "%u", clip->number);
		listing_add(&listing, doc_from_message(&clip->base),
			    (const char *const[]){number, clip->name, clip->at,
						  clip->end_s < 0.0 ? "never"
						  : *clip->end	    ? clip->end
								    : "?",
						  clip->text});
	}
	return listing_print(m, &listing);
}

static void edit_option(Mixd__V1__EditClips *edit, const char *id, const char *text)
{
	Mixd__V1__Setting *setting;

	if (!text)
		return;
	setting = mixctl_alloc(sizeof(*setting));
	mixd__v1__setting__init(setting);
	setting->id = (char *)(uintptr_t)id;
	setting->value = mixctl_alloc(sizeof(*setting->value));
	mixd__v1__value__init(setting->value);
	setting->value->kind_case = MIXD__V1__VALUE__KIND_TEXT;
	setting->value->text = (char *)(uintptr_t)text;
	edit->options =
		mixctl_realloc(edit->options, (edit->n_options + 1) * sizeof(*edit->options));
	edit->options[edit->n_options++] = setting;
}

static void edit_options(const struct options *options, Mixd__V1__EditClips *edit)
{
	edit_option(edit, "ripple", options->ripple ? "on" : NULL);
	edit_option(edit, "to_sound", options->to_sound ? "on" : NULL);
	edit_option(edit, "threshold", options->threshold);
	edit_option(edit, "pad", options->pad);
	edit_option(edit, "head", options->head);
	edit_option(edit, "tail", options->tail);
	edit_option(edit, "fade", options->fade);
	edit_option(edit, "name", options->name);
	edit_option(edit, "offset", options->offset);
	edit_option(edit, "length", options->length);
	edit_option(edit, "gain", options->gain);
}

int verb_edit(struct mixctl *m)
{
	struct ops ops = {0};
	Mixd__V1__EditClips *edit;
	char path[PATH_MAX];

	if (m->n_args == 1 || strcmp(m->args[1], "ls") == 0)
		return edit_ls(m);
	edit = ops_add(&ops, MIXD__V1__OP__OP_EDIT)->edit;
	edit->player = m->args[0];
	edit->edit = m->args[1];
	edit->args = m->args + 2;
	edit->n_args = (size_t)(m->n_args - 2);
	/* a file that is here is meant; else it is the daemon's, by the name it has there */
	if (strcmp(edit->edit, "add") == 0 && edit->n_args > 0 && realpath(edit->args[0], path))
		edit->args[0] = mixctl_strdup(path);
	edit_options(&m->options, edit);
	return ops_commit(m, &ops, MIXD__V1__WAIT__WAIT_APPLIED);
}
