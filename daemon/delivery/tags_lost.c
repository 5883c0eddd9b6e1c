/* tags_lost.c - see tags_lost.h; what each format carries is a table, mixd_formats.h. */
#include "tags_lost.h"

#include <stdio.h>
#include <string.h>

#include "mixd_formats.h"

struct lost {
	const struct media_tags *tags;
	unsigned kinds; /* enum mixd_carries of what TAGS have */
};

/* What there is to carry, but for texts. */
static unsigned lost_kinds(const struct media_tags *tags)
{
	return (tags->n_marks ? MIXD_CARRIES_MARKS : 0u) |
	       (tags->picture ? MIXD_CARRIES_PICTURE : 0u) |
	       (tags->replay_gain ? MIXD_CARRIES_GAIN : 0u) |
	       (tags->bext.is_set ? MIXD_CARRIES_BEXT : 0u) | (tags->ixml ? MIXD_CARRIES_IXML : 0u);
}

/* Of the names that FORMAT lacks, in LOST, are there any that OTHER lacks, too? */
static bool lost_is_carried(const struct lost *lost, const struct mixd_format *format,
			    const struct mixd_format *other)
{
	if (lost->kinds & ~format->carries & ~other->carries)
		return false;
	for (uint32_t i = 0; i < lost->tags->n_text; i++)
		if (!mixd_format_has_text(format, lost->tags->text[i].name) &&
		    !mixd_format_has_text(other, lost->tags->text[i].name))
			return false;
	return true;
}

static void lost_add(char *list, size_t size, const char *word)
{
	size_t n = strlen(list);

	snprintf(list + n, size - n, "%s%s", n ? ", " : "", word);
}

static bool lost_is_first(const struct media_tags *tags, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (strcmp(tags->text[k].name, tags->text[i].name) == 0)
			return false;
	return true;
}

void tags_lost_warn(struct job *job, const char *path, const char *format,
		    const struct media_tags *tags)
{
	const char *written = format ? format : media_format_of(path), *slash = strrchr(path, '/');
	const struct mixd_format *row = written ? mixd_format_find(written) : NULL;
	struct lost lost = {.tags = tags};
	char names[300] = "", others[120] = "";
	unsigned lacking;
	bool was_asked;

	if (!tags || !row)
		return; /* that it cannot be written is said by who writes it */
	lost.kinds = lost_kinds(tags);
	for (uint32_t i = 0; i < tags->n_text; i++)
		if (!mixd_format_has_text(row, tags->text[i].name) && lost_is_first(tags, i))
			lost_add(names, sizeof(names), tags->text[i].name);
	lacking = lost.kinds & ~row->carries;
	was_asked = names[0] || lacking != MIXD_CARRIES_GAIN; /* ReplayGain is written unasked */
	for (unsigned k = 0; k < MIXD_CARRIES_COUNT; k++)
		if (lacking & 1u << k)
			lost_add(names, sizeof(names), mixd_carries_name(k));
	if (!names[0])
		return;
	for (size_t i = 0; mixd_formats[i].name; i++)
		if (lost_is_carried(&lost, row, &mixd_formats[i]))
			lost_add(others, sizeof(others), mixd_formats[i].name);
	(was_asked ? job_warn : job_note)(job, slash ? slash + 1 : path,
					  "%s has no place for %s: not written; %s have", row->name,
					  names, others);
}
