/* render_spare.c - a render writes over none of the files that its session reads. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cliplist.h"
#include "render_internal.h"

struct spare {
	const struct render_request *request;
	const char *node; /* whose file is looked at */
	struct mixd_error *err;
};

/* An output by another name may be FILE: a link, another way to it. */
static int spare_file(const struct spare *spare, const char *file)
{
	const struct render_request *request = spare->request;
	struct stat in, out;

	if (stat(file, &in) < 0)
		return 0;
	for (uint32_t i = 0; i < request->n_outputs + request->n_goals; i++) {
		const char *path = i < request->n_outputs ? request->output[i].path
							  : request->goal[i - request->n_outputs];

		if (!path || stat(path, &out) < 0 || in.st_dev != out.st_dev ||
		    in.st_ino != out.st_ino)
			continue;
		error_set(spare->err, ERROR_CONFLICT, path,
			  "is read by %.100s of the session, and would be replaced by the output",
			  spare->node);
		error_hint(spare->err, "write to another file or folder");
		return -EEXIST;
	}
	return 0;
}

static int spare_clips(const struct spare *spare, const char *text)
{
	struct cliplist list = {0};
	struct mixd_fault fault;
	int r = 0;

	if (cliplist_parse(text, &list, NULL, &fault) < 0)
		return 0; /* told when the player is made */
	for (uint32_t i = 0; r == 0 && i < list.n; i++)
		r = spare_file(spare, list.clip[i].file);
	cliplist_done(&list);
	return r;
}

int render_spare(const struct render_request *request, const struct graph_model *model,
		 struct mixd_error *err)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < model->n_nodes; i++) {
		const struct graph_node *node = model->nodes[i];
		const struct spare spare = {request, node->name, err};

		for (uint32_t k = 0; r == 0 && k < node->type->n_configs; k++) {
			const char *text = node->config[k].text;

			if (!text || !text[0])
				continue;
			if (node->type->configs[k]->is_clips)
				r = spare_clips(&spare, text);
			else if (node->type->configs[k]->is_file)
				r = spare_file(&spare, text);
		}
	}
	return r;
}
