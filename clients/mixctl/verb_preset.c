/* verb_preset.c - preset ls, show, apply, save, rm: named settings of a type. */
#include <stdlib.h>
#include <string.h>

#include "mixctl.h"

/* Presets of OF (a type or a node; "" all) that match NAME. NULL: *err is filled. */
static Mixd__V1__Reply *preset_get(struct mixctl *m, const char *of, const char *name)
{
	Mixd__V1__GetPresets get = MIXD__V1__GET_PRESETS__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;

	get.of = (char *)(uintptr_t)of;
	get.name = (char *)(uintptr_t)name;
	request.op_case = MIXD__V1__REQUEST__OP_GET_PRESETS;
	request.get_presets = &get;
	return mixctl_request(m, &request);
}

static void preset_faults(const Mixd__V1__Reply *reply)
{
	for (size_t i = 0; i < reply->get_presets->n_faults; i++)
		fprintf(stderr, "mixctl: %s\n", reply->get_presets->faults[i]);
}

static int preset_ls(struct mixctl *m)
{
	static const char *const columns[] = {"preset", "from", "doc", NULL};
	struct listing listing = {.kind = "presets", .columns = columns};
	Mixd__V1__Reply *reply = preset_get(m, m->n_args > 1 ? m->args[1] : "", "");

	if (!reply)
		return m->err.code;
	preset_faults(reply);
	listing.revision = reply->revision;
	for (size_t i = 0; i < reply->get_presets->n_presets; i++) {
		const Mixd__V1__Preset *preset = reply->get_presets->presets[i];

		listing_add(
			&listing, doc_from_message(&preset->base),
			(const char *const[]){mixctl_printf("%s/%s", preset->type, preset->name),
					      preset->from, preset->doc});
	}
	return listing_print(m, &listing);
}

/* "comp/glue", or "comp glue", or "vox/comp glue". */
static int preset_show(struct mixctl *m)
{
	char *of = m->args[1], *name = m->n_args > 2 ? m->args[2] : NULL;
	const Mixd__V1__Preset *preset;
	Mixd__V1__Reply *reply;
	char *slash = strrchr(name ? name : of, '/');

	if (!name && !slash)
		return mixctl_error(m, EXIT_USAGE, of, "write TYPE/NAME: preset show comp/glue",
				    "of which type?");
	if (slash && name)
		name = slash + 1; /* the type is said twice */
	if (!name) {
		of = mixctl_printf("%.*s", (int)(slash - of), of);
		name = slash + 1;
	}
	if (!*name)
		return mixctl_error(m, EXIT_USAGE, NULL, "write TYPE/NAME: preset show comp/glue",
				    "the name of the preset is missing");
	reply = preset_get(m, of, name);
	if (!reply)
		return m->err.code;
	preset_faults(reply);
	if (reply->get_presets->n_presets == 0)
		return mixctl_error(m, EXIT_NOT_FOUND, mixctl_printf("%s/%s", of, name),
				    mixctl_printf("see mixctl preset ls %s", of),
				    "there is no such preset");
	preset = reply->get_presets->presets[0];
	if (mixctl_format(m, FORMAT_TABLE) != FORMAT_TABLE) {
		output_doc(m, doc_merge(output_object("preset"), doc_from_message(&preset->base)));
		return EXIT_YES;
	}
	printf("%s/%s - %s (%s)\n", preset->type, preset->name, preset->doc, preset->from);
	for (size_t i = 0; i < preset->n_settings; i++)
		printf("  %s=%s\n", preset->settings[i]->id, preset->settings[i]->text);
	return EXIT_YES;
}

static int preset_apply(struct mixctl *m)
{
	struct ops ops = {0};
	Mixd__V1__ApplyPreset *apply;

	for (int i = 1; i + 1 < m->n_args; i++) {
		apply = ops_add(&ops, MIXD__V1__OP__OP_PRESET)->preset;
		apply->node = m->args[i];
		apply->preset = m->args[m->n_args - 1];
		apply->merge = m->options.merge;
	}
	return ops_commit(m, &ops, MIXD__V1__WAIT__WAIT_ACCEPTED);
}

static int preset_save(struct mixctl *m, bool remove)
{
	Mixd__V1__SavePreset save = MIXD__V1__SAVE_PRESET__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	save.node = m->args[1];
	save.name = m->args[2];
	if (m->options.doc)
		save.doc = (char *)(uintptr_t)m->options.doc;
	save.remove = remove;
	request.op_case = MIXD__V1__REQUEST__OP_SAVE_PRESET;
	request.save_preset = &save;
	reply = mixctl_request(m, &request);
	if (!reply)
		return m->err.code;
	if (!m->options.quiet && reply->save_preset->preset)
		printf("%s/%s\n", reply->save_preset->preset->type,
		       reply->save_preset->preset->name);
	return EXIT_YES;
}

int verb_preset(struct mixctl *m)
{
	static const char *const names[] = {"ls", "show", "apply", "save", "rm", NULL};
	static const int min[] = {1, 2, 3, 3, 3}, max[] = {2, 3, -1, 3, 3};
	const char *what = m->n_args ? m->args[0] : "ls", *nearest;
	int i = 0;

	while (names[i] && strcmp(names[i], what) != 0)
		i++;
	if (!names[i]) {
		nearest = words_nearest(what, names);
		return mixctl_error(m, EXIT_USAGE, what,
				    nearest ? mixctl_printf("did you mean %s?", nearest)
					    : "preset ls, show, apply, save or rm",
				    "is nothing to do with presets");
	}
	if (m->n_args && (m->n_args < min[i] || (max[i] >= 0 && m->n_args > max[i])))
		return mixctl_error(m, EXIT_USAGE, NULL,
				    i == 0   ? "usage: mixctl preset ls [TYPE|NODE]"
				    : i == 1 ? "usage: mixctl preset show TYPE/NAME"
				    : i == 2 ? "usage: mixctl preset apply NODE... NAME"
				    : i == 3 ? "usage: mixctl preset save NODE NAME"
					     : "usage: mixctl preset rm TYPE NAME",
				    "preset %s takes other words", what);
	switch (i) {
	case 0:
		return preset_ls(m);
	case 1:
		return preset_show(m);
	case 2:
		return preset_apply(m);
	default:
		return preset_save(m, i == 4);
	}
}
