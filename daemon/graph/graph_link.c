/* graph_link.c - what a link is set to: level, pan, mute, tap; and its address in words. */
#include "graph_model_private.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "graph_value.h"

static const char *const link_taps[] = {"post", "pre", NULL};

const struct mixd_param_row graph_link_rows[GRAPH_LINK_ROWS] = {
	[GRAPH_LINK_LEVEL] = {.id = "level",
			      .doc = "Level of what is sent; -inf is silence",
			      .unit = MIXD_UNIT_DB,
			      .min = GRAPH_LINK_GAIN_MIN_DB,
			      .max = GRAPH_LINK_GAIN_MAX_DB,
			      .ramp = MIXD_RAMP_GAIN,
			      .smooth_ms = 20},
	[GRAPH_LINK_PAN] = {.id = "pan",
			    .doc = "Place in a stereo input: mono by the -3 dB law with the centre "
				   "at 0 dB, stereo by lowering the far side",
			    .unit = MIXD_UNIT_PAN,
			    .min = -100,
			    .max = 100,
			    .ramp = MIXD_RAMP_LINEAR,
			    .smooth_ms = 20},
	[GRAPH_LINK_MUTE] = {.id = "mute", .doc = "Send nothing", .type = MIXD_TYPE_BOOL, .max = 1},
	[GRAPH_LINK_TAP] = {.id = "tap",
			    .doc = "post: what leaves the node; pre: what enters its main input",
			    .type = MIXD_TYPE_ENUM,
			    .max = 1,
			    .labels = link_taps},
};

bool graph_link_is_default(const struct graph_link *link, uint32_t row)
{
	return link->value[row] == graph_link_rows[row].def;
}

bool graph_link_equal(const struct graph_link *a, const struct graph_link *b)
{
	return memcmp(a->value, b->value, sizeof(a->value)) == 0;
}

/* "vox", "duck:key": the main port needs no name. */
static int end_text(const struct graph_node *node, bool output, uint32_t port, char *buf,
		    size_t size)
{
	if (port > 0)
		graph_node_port_address(node, output, port, buf, size);
	else
		snprintf(buf, size, "%s", node->name);
	return (int)strlen(buf);
}

void graph_link_format(const struct graph_link *link, char *buf, size_t size)
{
	size_t used = (size_t)end_text(link->from, true, link->from_port, buf, size);

	if (used + 3 >= size)
		return;
	memcpy(buf + used, "->", 3);
	end_text(link->to, false, link->to_port, buf + used + 2, size - used - 2);
}

/* ---- values ---- */

int graph_link_find_row(const char *id, const char *address, struct mixd_error *err)
{
	const char *words[GRAPH_LINK_ROWS], *nearest;

	if (strcmp(id, "gain") == 0) /* what level was called first */
		return GRAPH_LINK_LEVEL;
	for (uint32_t i = 0; i < GRAPH_LINK_ROWS; i++) {
		if (strcmp(graph_link_rows[i].id, id) == 0)
			return (int)i;
		words[i] = graph_link_rows[i].id;
	}
	if (!err)
		return -ENOENT;
	error_set(err, ERROR_NOT_FOUND, address, "a link has no \"%.40s\"", id);
	nearest = error_nearest(id, words, GRAPH_LINK_ROWS);
	if (nearest)
		error_hint(err, "did you mean \"%s\"?", nearest);
	else
		error_hint(err, "it has level, pan, mute and tap");
	return -ENOENT;
}

int graph_link_read(const struct graph_link *link, uint32_t row, const Mixd__V1__Value *value,
		    bool relative, const char *address, double *ret, struct mixd_error *err)
{
	return graph_row_read(&graph_link_rows[row], graph_link_rows[row].def, link->value[row],
			      value, relative, address, ret, err);
}

int graph_link_read_settings(struct graph_link *link, Mixd__V1__Setting *const *settings, size_t n,
			     const char *address, struct mixd_error *err)
{
	for (size_t i = 0; i < n; i++) {
		int row = graph_link_find_row(settings[i]->id, address, err), r;

		if (row < 0)
			return row;
		r = graph_link_read(link, (uint32_t)row, settings[i]->value, false, address,
				    &link->value[row], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- addresses: "vox/fader->fx/reverb.level" ---- */

static void trim(char *text)
{
	size_t size = strlen(text), begin = 0;

	while (size > 0 && isspace((unsigned char)text[size - 1]))
		text[--size] = '\0';
	while (isspace((unsigned char)text[begin]))
		begin++;
	memmove(text, text + begin, size - begin + 1);
}

bool graph_link_split(const char *address, struct graph_link_words *ret)
{
	const char *arrow = strstr(address, "->"), *dot;
	size_t size;

	if (!arrow || (size_t)(arrow - address) >= sizeof(ret->from) ||
	    strlen(arrow + 2) >= sizeof(ret->to))
		return false;
	size = (size_t)(arrow - address);
	memcpy(ret->from, address, size);
	ret->from[size] = '\0';
	snprintf(ret->to, sizeof(ret->to), "%s", arrow + 2);
	ret->id[0] = '\0';
	dot = strrchr(ret->to, '.');
	if (dot && strlen(dot + 1) < sizeof(ret->id)) {
		snprintf(ret->id, sizeof(ret->id), "%s", dot + 1);
		ret->to[dot - ret->to] = '\0';
	}
	trim(ret->from);
	trim(ret->to);
	trim(ret->id);
	return true;
}

int graph_link_no_such(const char *from, const char *to, struct mixd_error *err)
{
	int r = error_set(err, ERROR_NOT_FOUND, to, "there is no link %.120s -> %.120s", from, to);

	error_hint(err, "see `mixctl ls links`");
	return r;
}

int graph_link_find_address(const struct graph_model *model, const char *address,
			    struct graph_address *ret, struct mixd_error *err)
{
	struct graph_link_words words;
	struct graph_node *from, *to;
	uint32_t from_port, to_port;
	struct graph_link *link;
	int row, r;

	if (!graph_link_split(address, &words) || !words.id[0]) {
		r = error_set(err, ERROR_INVALID, NULL, "\"%.60s\" is not of the form a->b.level",
			      address);
		error_hint(err, "write it as in 'vox/fader->fx/reverb.level', in quotes");
		return r;
	}
	r = graph_model_find_port(model, words.from, true, &from, &from_port, err);
	if (r == 0)
		r = graph_model_find_port(model, words.to, false, &to, &to_port, err);
	if (r < 0)
		return r;
	link = graph_model_find_link(model, from, from_port, to, to_port);
	if (!link)
		return graph_link_no_such(words.from, words.to, err);
	row = graph_link_find_row(words.id, address, err);
	if (row < 0)
		return row;
	if (ret)
		*ret = (struct graph_address){
			.node = to, .link = link, .kind = GRAPH_ADDRESS_LINK, .idx = (uint32_t)row};
	return 0;
}

/* "vox/'*'" matches all ports of the nodes, "vox/'*':out" one. */
bool graph_link_end_matches(const char *pattern, const struct graph_node *node, bool output,
			    uint32_t port)
{
	char address[GRAPH_ADDRESS_MAX];

	if (!strchr(pattern, ':'))
		return graph_glob_match(pattern, node->name);
	graph_node_port_address(node, output, port, address, sizeof(address));
	return graph_glob_match(pattern, address);
}

static int link_visit(const struct graph_link *link, const char *id,
		      int (*fn)(void *data, const struct graph_address *address, const char *text),
		      void *data, uint32_t *n)
{
	struct graph_address address = {
		.node = link->to, .link = (struct graph_link *)link, .kind = GRAPH_ADDRESS_LINK};
	char text[GRAPH_ADDRESS_MAX];
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < GRAPH_LINK_ROWS; i++) {
		if (id[0] && !graph_glob_match(id, graph_link_rows[i].id))
			continue;
		address.idx = i;
		graph_address_format(&address, text, sizeof(text));
		(*n)++;
		r = fn(data, &address, text);
	}
	return r;
}

int graph_link_glob(const struct graph_model *model, const char *glob,
		    int (*fn)(void *data, const struct graph_address *address, const char *text),
		    void *data, struct mixd_error *err)
{
	struct graph_link_words words;
	uint32_t n = 0;
	int r = 0;

	if (!graph_link_split(glob, &words))
		return graph_link_find_address(model, glob, NULL, err);
	for (uint32_t i = 0; r == 0 && i < model->n_links; i++) {
		const struct graph_link *link = model->links[i];

		if (graph_link_end_matches(words.from, link->from, true, link->from_port) &&
		    graph_link_end_matches(words.to, link->to, false, link->to_port))
			r = link_visit(link, words.id, fn, data, &n);
	}
	if (r != 0 || n > 0)
		return r;
	/* without a wildcard the plain lookup knows better what is wrong */
	if (!strpbrk(glob, "*?[{") && words.id[0]) {
		r = graph_link_find_address(model, glob, NULL, err);
		if (r < 0)
			return r;
	}
	return graph_link_no_such(words.from, words.to, err);
}
