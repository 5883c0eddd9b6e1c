/* verb_read.c - status, ls, get: what there is. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mixctl.h"

#define LS_VALUE_MAX 60

/* ---- status ------------------------------------------------------------------------------- */

static char *status_span(double seconds)
{
	unsigned long s = seconds > 0 ? (unsigned long)seconds : 0;

	if (s >= 86400)
		return mixctl_printf("%lud %luh", s / 86400, s % 86400 / 3600);
	if (s >= 3600)
		return mixctl_printf("%luh %lumin", s / 3600, s % 3600 / 60);
	if (s >= 60)
		return mixctl_printf("%lumin %lus", s / 60, s % 60);
	return mixctl_printf("%.1fs", seconds);
}

static void status_print(const Mixd__V1__StatusReply *status)
{
	double ms_per_frame = status->rate ? 1e3 / status->rate : 0;
	bool color = output_color();

	printf("%-10s%s, mixd %s, pid %u, up %s\n", "instance", status->instance, status->version,
	       status->pid, status_span(status->uptime_s));
	printf("%-10s%s%s%s\n", "clock", status->clock, *status->clock_text ? ": " : "",
	       status->clock_text);
	printf("%-10s%u Hz, quantum %u (%.1f ms), latency %u frames (%.1f ms)\n", "audio",
	       status->rate, status->quantum, status->quantum * ms_per_frame,
	       status->latency_frames, status->latency_frames * ms_per_frame);
	printf("%-10s%.1f %% of the quantum, peak %.1f %%\n", "load", status->load_percent,
	       status->load_peak_percent);
	printf("%-10s%llu (%llu frames lost) in %llu cycles\n", "xruns",
	       (unsigned long long)status->xruns, (unsigned long long)status->frames_lost,
	       (unsigned long long)status->cycles);
	printf("%-10srevision %llu, %u nodes, %u links\n", "graph",
	       (unsigned long long)status->revision, status->nodes, status->links);
	for (size_t i = 0; i < status->n_soloed; i++)
		printf("%-10s%s %s\n", i ? "" : "solo", status->soloed[i]->mode,
		       status->soloed[i]->name);
	if (status->transport)
		printf("%-10s%s\n", "transport", transport_text(status->transport));
	printf("%-10s%u clients, %llu requests, %llu malformed\n", "control", status->clients,
	       (unsigned long long)status->requests, (unsigned long long)status->malformed);
	if (status->n_alarms == 0)
		printf("%-10snone\n", "alarms");
	for (size_t i = 0; i < status->n_alarms; i++) {
		const Mixd__V1__Alarm *alarm = status->alarms[i];

		printf("%-10s%s%s%s%s: %s%s\n", i ? "" : "alarms", color ? "\033[31m" : "",
		       alarm->id, *alarm->address ? " " : "", alarm->address, alarm->text,
		       color ? "\033[0m" : "");
	}
}

int verb_status(struct mixctl *m)
{
	Mixd__V1__GetStatus get = MIXD__V1__GET_STATUS__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	enum format format = mixctl_format(m, FORMAT_TABLE);
	Mixd__V1__Reply *reply;

	if (format == FORMAT_CSV)
		return mixctl_error(m, EXIT_USAGE, "-o", "write -o json or -o yaml",
				    "a status is no list");
	request.op_case = MIXD__V1__REQUEST__OP_GET_STATUS;
	request.get_status = &get;
	reply = mixctl_request(m, &request);
	if (!reply)
		return m->err.code;
	if (m->options.quiet)
		;
	else if (format == FORMAT_NAME)
		puts(reply->get_status->instance);
	else if (format == FORMAT_TABLE)
		status_print(reply->get_status);
	else
		output_doc(m, doc_merge(output_object("status"),
					doc_from_message(&reply->get_status->base)));
	return reply->get_status->n_alarms ? EXIT_NO : EXIT_YES;
}

/* ---- ls ----------------------------------------------------------------------------------- */

/* As it stands in a table: a learnt profile has a thousand characters. */
static char *ls_value(struct mixctl *m, const Mixd__V1__Setting *setting)
{
	char *text = output_words(setting->text, setting->value);

	return mixctl_format(m, FORMAT_TABLE) == FORMAT_TABLE && strlen(text) > LS_VALUE_MAX
		       ? mixctl_printf("%.*s...", LS_VALUE_MAX - 3, text)
		       : text;
}

static int ls_nodes(struct mixctl *m, char *pattern)
{
	static const char *const columns[] = {"name",  "type",	   "layout", "state",
					      "delay", "settings", NULL};
	struct listing listing = {.kind = "nodes", .columns = columns};
	Mixd__V1__GetNodes get = MIXD__V1__GET_NODES__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	get.pattern = pattern;
	request.op_case = MIXD__V1__REQUEST__OP_GET_NODES;
	request.get_nodes = &get;
	reply = mixctl_request(m, &request);
	if (!reply)
		return m->err.code;
	listing.revision = reply->revision;
	for (size_t i = 0; i < reply->get_nodes->n_nodes; i++) {
		const Mixd__V1__Node *node = reply->get_nodes->nodes[i];
		char delay[16], *settings = mixctl_strdup("");

		snprintf(delay, sizeof(delay), "%u", node->latency_frames);
		for (size_t s = 0; s < node->n_settings; s++)
			settings = mixctl_printf("%s%s%s=%s", settings, s ? " " : "",
						 node->settings[s]->id,
						 ls_value(m, node->settings[s]));
		listing_add(&listing, doc_from_message(&node->base),
			    (const char *const[]){node->name, node->type, node->layout, node->state,
						  delay, settings});
	}
	return listing_print(m, &listing);
}

static int ls_ports(struct mixctl *m, char *pattern)
{
	static const char *const columns[] = {"port", "direction", "layout", "channels", NULL};
	struct listing listing = {.kind = "ports", .columns = columns};
	Mixd__V1__GetPorts get = MIXD__V1__GET_PORTS__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	get.pattern = pattern;
	request.op_case = MIXD__V1__REQUEST__OP_GET_PORTS;
	request.get_ports = &get;
	reply = mixctl_request(m, &request);
	if (!reply)
		return m->err.code;
	listing.revision = reply->revision;
	for (size_t i = 0; i < reply->get_ports->n_ports; i++) {
		const Mixd__V1__Port *port = reply->get_ports->ports[i];
		char *channels = mixctl_strdup("");

		for (size_t c = 0; c < port->n_channels; c++)
			channels =
				mixctl_printf("%s%s%s", channels, c ? " " : "", port->channels[c]);
		listing_add(&listing, doc_from_message(&port->base),
			    (const char *const[]){port->address, port->output ? "out" : "in",
						  port->layout, channels});
	}
	return listing_print(m, &listing);
}

static int ls_links(struct mixctl *m, char *pattern)
{
	static const char *const columns[] = {"from", "to", "level", "delay", "settings", NULL};
	struct listing listing = {.kind = "links", .columns = columns, .pairs = true};
	Mixd__V1__GetLinks get = MIXD__V1__GET_LINKS__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	get.pattern = pattern;
	request.op_case = MIXD__V1__REQUEST__OP_GET_LINKS;
	request.get_links = &get;
	reply = mixctl_request(m, &request);
	if (!reply)
		return m->err.code;
	listing.revision = reply->revision;
	for (size_t i = 0; i < reply->get_links->n_links; i++) {
		const Mixd__V1__Link *link = reply->get_links->links[i];
		char level[40], delay[16], *settings = mixctl_strdup("");

		doc_format_number(link->gain_db, level);
		strcat(level, "dB");
		snprintf(delay, sizeof(delay), "%u", link->delay_frames);
		for (size_t s = 0; s < link->n_settings; s++)
			settings = mixctl_printf(
				"%s%s%s=%s", settings, s ? " " : "", link->settings[s]->id,
				output_words(link->settings[s]->text, link->settings[s]->value));
		listing_add(&listing, doc_from_message(&link->base),
			    (const char *const[]){link->from, link->to,
						  link->gain_db <= -144 ? "-inf" : level, delay,
						  settings});
	}
	return listing_print(m, &listing);
}

static int ls_types(struct mixctl *m, char *pattern)
{
	static const char *const columns[] = {"type",	 "category", "params", "meters",
					      "version", "doc",	     NULL};
	struct listing listing = {.kind = "types", .columns = columns};
	Mixd__V1__GetTypes get = MIXD__V1__GET_TYPES__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	get.pattern = pattern;
	request.op_case = MIXD__V1__REQUEST__OP_GET_TYPES;
	request.get_types = &get;
	reply = mixctl_request(m, &request);
	if (!reply)
		return m->err.code;
	listing.revision = reply->revision;
	for (size_t i = 0; i < reply->get_types->n_types; i++) {
		const Mixd__V1__NodeType *type = reply->get_types->types[i];
		char params[24], meters[24], version[16];

		if (strchr(type->id, ':') && !strchr(pattern, ':'))
			continue; /* a plug-in that somebody asked for: ls plugins */
		snprintf(params, sizeof(params), "%zu", type->n_params);
		snprintf(meters, sizeof(meters), "%zu", type->n_meters);
		snprintf(version, sizeof(version), "%u", type->version);
		listing_add(&listing, doc_from_message(&type->base),
			    (const char *const[]){type->id, type->category, params, meters, version,
						  type->doc});
	}
	return listing_print(m, &listing);
}

/* The glob for plug-ins that PATTERN stands for: without wildcards, a part of the name; a star is any
 * part of a URI. */
static char *plugins_glob(const char *pattern)
{
	char *glob = mixctl_strdup("");
	bool whole = words_has_glob(pattern);

	for (; *pattern; pattern++)
		glob = *pattern == '*' ? mixctl_printf("%s**", glob)
				       : mixctl_printf("%s%c", glob, *pattern);
	if (!whole)
		return mixctl_printf("lv2:**%s**", glob);
	return strncmp(glob, "lv2:", 4) == 0 ? glob : mixctl_printf("lv2:%s", glob);
}

#define PLUGINS_TOLD 64u /* of more, only the ids are shown: each has to be read from its files */

/* Category and doc of the type ID; when it is refused, why. */
static void plugin_words(struct mixctl *m, char *id, const char **ret_category,
			 const char **ret_doc)
{
	Mixd__V1__GetTypes get = MIXD__V1__GET_TYPES__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	get.pattern = id;
	request.op_case = MIXD__V1__REQUEST__OP_GET_TYPES;
	request.get_types = &get;
	reply = mixctl_request(m, &request);
	if (reply && reply->get_types->n_types == 1) {
		*ret_category = reply->get_types->types[0]->category;
		*ret_doc = reply->get_types->types[0]->doc;
	} else {
		*ret_category = "-";
		*ret_doc = mixctl_printf("not usable: %s", m->err.text);
		m->err = (struct mixd_client_error){0};
	}
}

static int ls_plugins(struct mixctl *m, char *pattern)
{
	static const char *const columns[] = {"plugin", "category", "doc", NULL};
	struct listing listing = {.kind = "plugins", .columns = columns};
	Mixd__V1__GetTypes get = MIXD__V1__GET_TYPES__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	get.pattern = plugins_glob(pattern);
	request.op_case = MIXD__V1__REQUEST__OP_GET_TYPES;
	request.get_types = &get;
	reply = mixctl_request(m, &request);
	if (!reply)
		return m->err.code;
	listing.revision = reply->revision;
	for (size_t i = 0; i < reply->get_types->n_on_demand; i++) {
		char *id = reply->get_types->on_demand[i];
		const char *category = "", *doc = "";

		if (reply->get_types->n_on_demand <= PLUGINS_TOLD)
			plugin_words(m, id, &category, &doc);
		listing_add(&listing,
			    doc_set(doc_set(doc_set(doc_object(), "id", doc_text(id)), "category",
					    doc_text(category)),
				    "doc", doc_text(doc)),
			    (const char *const[]){id, category, doc});
	}
	return listing_print(m, &listing);
}

int verb_ls(struct mixctl *m)
{
	static const char *const names[] = {"nodes", "ports", "links", "types", "plugins", NULL};
	static int (*const lists[])(struct mixctl *, char *) = {ls_nodes, ls_ports, ls_links,
								ls_types, ls_plugins};
	static char all[] = "";
	const char *what = m->n_args ? m->args[0] : "nodes", *nearest;

	for (int i = 0; names[i]; i++)
		if (strcmp(what, names[i]) == 0)
			return lists[i](m, m->n_args > 1 ? m->args[1] : all);
	if (m->n_args == 1 && words_has_glob(what))
		return ls_nodes(m, m->args[0]);
	nearest = words_nearest(what, names);
	return mixctl_error(m, EXIT_USAGE, what,
			    nearest ? mixctl_printf("did you mean %s?", nearest)
				    : "ls nodes, ports, links, types or plugins",
			    "cannot be listed");
}

/* ---- get ---------------------------------------------------------------------------------- */

static char *get_text(const struct mixctl *m, const Mixd__V1__Reading *reading)
{
	return m->options.number || !*reading->text ? output_value(reading->value)
						    : mixctl_strdup(reading->text);
}

/* The readings of everything that was asked for: the transport's, then what the daemon finds among the
 * nodes. 0 with m->err filled; they stay until the end. */
static size_t get_readings(struct mixctl *m, Mixd__V1__Reading ***ret, uint64_t *ret_revision)
{
	size_t n = 0, n_patterns = 0;
	char **patterns = mixctl_alloc((size_t)m->n_args * sizeof(*patterns));
	Mixd__V1__Reading **all =
		mixctl_alloc((size_t)m->n_args * TRANSPORT_READINGS * sizeof(*all));
	Mixd__V1__Get get = MIXD__V1__GET__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	*ret = all;
	for (int i = 0; i < m->n_args; i++) {
		size_t found;

		if (strncmp(m->args[i], "transport.", 10) != 0) {
			patterns[n_patterns++] = m->args[i];
			continue;
		}
		found = transport_readings(m, m->args[i], all + n, ret_revision);
		if (!found)
			return 0;
		n += found;
	}
	if (!n_patterns)
		return n;
	get.patterns = patterns;
	get.n_patterns = n_patterns;
	request.op_case = MIXD__V1__REQUEST__OP_GET;
	request.get = &get;
	reply = mixctl_request(m, &request);
	if (!reply)
		return 0;
	*ret_revision = reply->revision;
	*ret = mixctl_alloc((n + reply->get->n_readings + 1) * sizeof(**ret));
	memcpy(*ret, all, n * sizeof(**ret));
	for (size_t i = 0; i < reply->get->n_readings; i++)
		(*ret)[n++] = reply->get->readings[i];
	return n;
}

int verb_get(struct mixctl *m)
{
	static const char *const columns[] = {"address", "value", NULL};
	struct listing listing = {.kind = "readings", .columns = columns};
	Mixd__V1__Reading **readings;
	size_t n = get_readings(m, &readings, &listing.revision);

	if (n == 0 && m->err.code)
		return m->err.code;
	/* One address asked for by name: scripts want the value alone. */
	if (m->n_args == 1 && n == 1 && strcmp(m->args[0], readings[0]->address) == 0 &&
	    mixctl_format(m, FORMAT_TABLE) == FORMAT_TABLE) {
		puts(get_text(m, readings[0]));
		return EXIT_YES;
	}
	for (size_t i = 0; i < n; i++)
		listing_add(&listing, doc_from_message(&readings[i]->base),
			    (const char *const[]){readings[i]->address, get_text(m, readings[i])});
	return listing_print(m, &listing);
}
