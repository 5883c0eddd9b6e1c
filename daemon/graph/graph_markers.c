/* graph_markers.c - markers, and positions on the time line as people write them; see graph_model.h and
 * graph_clips.h. */
#include "graph_model_private.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "cliplist.h"
#include "graph_clips.h"

/* ---- the table ---- */

struct graph_marker *graph_marker_new(const char *name, double at_s)
{
	struct graph_marker *marker = calloc(1, sizeof(*marker));

	if (!marker)
		return NULL;
	marker->name = strdup(name);
	marker->at_s = at_s == 0.0 ? 0.0 : at_s; /* no -0 */
	return marker->name ? marker : graph_marker_free(marker);
}

struct graph_marker *graph_marker_free(struct graph_marker *marker)
{
	if (!marker)
		return NULL;
	free(marker->name);
	free(marker);
	return NULL;
}

struct graph_marker *graph_model_find_marker(const struct graph_model *model, const char *name)
{
	for (uint32_t i = 0; i < model->n_markers; i++)
		if (strcmp(model->markers[i]->name, name) == 0)
			return model->markers[i];
	return NULL;
}

static bool marker_is_before(const struct graph_marker *a, const struct graph_marker *b)
{
	return a->at_s < b->at_s || (a->at_s == b->at_s && strcmp(a->name, b->name) < 0);
}

void graph_model_put_marker(struct graph_model *model, struct graph_marker *marker)
{
	uint32_t i = model->n_markers++;

	for (; i > 0 && marker_is_before(marker, model->markers[i - 1]); i--)
		model->markers[i] = model->markers[i - 1];
	model->markers[i] = marker;
}

void graph_model_take_marker(struct graph_model *model, struct graph_marker *marker)
{
	uint32_t i = 0;

	while (i < model->n_markers && model->markers[i] != marker)
		i++;
	if (i == model->n_markers)
		return;
	model->n_markers--;
	for (; i < model->n_markers; i++)
		model->markers[i] = model->markers[i + 1];
}

const struct graph_marker *graph_model_marker_before(const struct graph_model *model, double at_s)
{
	const struct graph_marker *found = NULL;

	for (uint32_t i = 0; i < model->n_markers && model->markers[i]->at_s <= at_s; i++)
		found = model->markers[i];
	return found;
}

/* A name begins with a letter, so that no position is one, and survives in a file and in a shell. */
int graph_marker_check(const char *name, double at_s, struct mixd_error *err)
{
	const unsigned char *p = (const unsigned char *)name;
	bool good = (isalpha(*p) || *p >= 0x80) && strlen(name) <= GRAPH_MARKER_NAME_MAX &&
		    name[strlen(name) - 1] != ' ';
	int r;

	for (; good && *p; p++)
		good = *p >= 0x20 && *p != 0x7f && !strchr("=:,+*?[]{}\"'\\", *p);
	if (!good) {
		r = error_set(err, ERROR_INVALID, NULL, "\"%.60s\" is no name for a marker", name);
		error_hint(err,
			   "want 1 to %u characters that begin with a letter, without = : , + * ? "
			   "[ ] { } and quotes, as in verse-2",
			   GRAPH_MARKER_NAME_MAX);
		return r;
	}
	if (at_s >= 0.0 && at_s <= GRAPH_TIMELINE_MAX_S)
		return 0;
	r = error_set(err, ERROR_INVALID, name, "%gs is not on the time line", at_s);
	error_hint(err, "want 0s to 100 h");
	return r;
}

/* ---- positions ---- */

static double time_seconds(const struct graph_model *model, struct clip_time time)
{
	double rate = model->rate > 0.0 ? model->rate : GRAPH_RATE_DEFAULT;

	return time.in_frames ? time.value / rate : time.value;
}

static int no_position(const struct graph_model *model, const char *text, const char *address,
		       struct mixd_error *err)
{
	_cleanup_free_ const char **names = calloc(model->n_markers + 1u, sizeof(*names));
	const char *nearest;
	int r = error_set(err, isdigit((unsigned char)*text) ? ERROR_INVALID : ERROR_NOT_FOUND,
			  address, "\"%.60s\" is neither a time nor a marker", text);

	for (uint32_t i = 0; names && i < model->n_markers; i++)
		names[i] = model->markers[i]->name;
	nearest = names ? error_nearest(text, names, model->n_markers) : NULL;
	if (nearest)
		error_hint(err, "did you mean \"%s\"?", nearest);
	else
		error_hint(err,
			   "write it as in 12.5s, 1:23.456, 48000fr, +=5s or the name of a marker");
	return r;
}

int graph_position_parse(const struct graph_model *model, const char *text, double now_s,
			 const char *address, double *ret_s, struct mixd_error *err)
{
	const struct graph_marker *marker = graph_model_find_marker(model, text);
	double sign = 0.0, at_s;
	struct clip_time time;
	int r;

	if (marker) {
		*ret_s = marker->at_s;
		return 0;
	}
	if (strcmp(text, "start") == 0) {
		*ret_s = 0.0;
		return 0;
	}
	if ((text[0] == '+' || text[0] == '-') && text[1] == '=')
		sign = text[0] == '+' ? 1.0 : -1.0;
	if (clip_time_parse(text + (sign != 0.0 ? 2 : 0), false, &time, NULL) < 0)
		return no_position(model, text, address, err);
	at_s = time_seconds(model, time);
	if (sign != 0.0) /* going back beyond the start is going there */
		at_s = fmax(now_s + sign * at_s, 0.0);
	if (at_s <= GRAPH_TIMELINE_MAX_S) {
		*ret_s = at_s;
		return 0;
	}
	r = error_set(err, ERROR_INVALID, address, "\"%.60s\" is not on the time line", text);
	error_hint(err, "want 0s to 100 h");
	return r;
}

void graph_position_format(double at_s, char *buf, size_t size)
{
	int64_t ms = llround(at_s * 1e3);
	int hours = (int)(ms / 3600000), minutes = (int)(ms / 60000 % 60);
	double seconds = (double)(ms % 60000) / 1e3;

	if (hours)
		snprintf(buf, size, "%d:%02d:%06.3f", hours, minutes, seconds);
	else
		snprintf(buf, size, "%d:%06.3f", minutes, seconds);
}
