/* lv2_table_setup.c - the tables of a plug-in: ports, params, configs, meters.
 *
 * WHAT        Control inputs are params, control outputs meters, audio ports the ports "in", "out"
 *             and "key" (a side-chain: lv2:isSideChain, or a group that is pg:sideChainOf another).
 *             A plug-in with one input and one output takes every layout: one instance a channel.
 *             One or two channels: mono or stereo ports. As many inputs as outputs: the layout with
 *             that many channels. Other shapes: a mono port for each. lv2:enabled is held on (nodes
 *             have a bypass), free-wheeling off.
 * SOURCE      lv2core, port-groups, units, port-props. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lv2_world.h"

static const char *const isolate_labels[] = {"process", "none", NULL};
static const char *const health_labels[] = {"good",    "starting", "late",    "crashed", "hung",
					    "invalid", "refused",  "missing", NULL};

static const struct mixd_config_row table_configs[LV2_CONFIG_COUNT_] = {
	[LV2_CONFIG_ISOLATE] = {.id = "isolate",
				.doc = "Where the plug-in runs: a process of its own, or none",
				.type = MIXD_TYPE_ENUM,
				.labels = isolate_labels},
	[LV2_CONFIG_BLOCK] = {.id = "block",
			      .doc = "Frames handed over at a time: the latency of a process",
			      .type = MIXD_TYPE_INT,
			      .unit = MIXD_UNIT_FRAMES,
			      .min = LV2_BLOCK_MIN,
			      .max = LV2_BLOCK_MAX,
			      .def = 128},
	[LV2_CONFIG_RESERVE] = {.id = "reserve",
				.doc = "Least latency, raised by itself when the clock or the "
				       "plug-in need more",
				.type = MIXD_TYPE_INT,
				.unit = MIXD_UNIT_FRAMES,
				.max = LV2_RESERVE_MAX},
	[LV2_CONFIG_STATE] = {.id = "plugin_state",
			      .doc = "What the plug-in keeps beside its params, kept by itself",
			      .type = MIXD_TYPE_STRING,
			      .def_text = ""},
};

const struct mixd_meter_row lv2_own_meters[LV2_METER_COUNT_] = {
	[LV2_METER_HEALTH] = {.id = "health",
			      .doc = "How the plug-in is; all but good is bypassed",
			      .labels = health_labels},
	[LV2_METER_RELAUNCHES] = {.id = "relaunches",
				  .doc = "How often its process was started again"},
};

/* What is being made. */
struct table {
	LilvWorld *world;
	const LilvPlugin *plugin;
	struct mixd_fault *fault;
	struct lv2_type *type;
	struct mixd_port_row *ports;
	struct mixd_param_row *params;
	struct mixd_meter_row *meters;
	uint32_t n_ports, n_params, n_meters; /* rows so far */
	uint32_t n_atoms_in;
	struct lv2_ids ids;
	float *low, *high, *def;
};

__attribute__((format(printf, 3, 4))) static int table_refuse(struct table *table, const char *hint,
							      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(table->fault->text, sizeof(table->fault->text), format, args);
	va_end(args);
	snprintf(table->fault->hint, sizeof(table->fault->hint), "%s", hint);
	return -EINVAL;
}

/* ---- what we cannot do ---- */

static int table_features(struct table *table)
{
	static const char *const known[] = {LV2_EXT_NS "urid#map",
					    LV2_EXT_NS "urid#unmap",
					    LV2_EXT_NS "options#options",
					    LV2_EXT_NS "log#log",
					    LV2_EXT_NS "worker#schedule",
					    LV2_EXT_NS "state#mapPath",
					    LV2_EXT_NS "state#freePath",
					    LV2_EXT_NS "state#threadSafeRestore",
					    LV2_EXT_NS "buf-size#boundedBlockLength",
					    LV2_EXT_NS "buf-size#fixedBlockLength",
					    LV2_EXT_NS "buf-size#powerOf2BlockLength",
					    LV2_CORE_NS "isLive",
					    LV2_CORE_NS "hardRTCapable",
					    LV2_CORE_NS "inPlaceBroken"};
	LilvNodes *required = lilv_plugin_get_required_features(table->plugin);
	int res = 0;

	LILV_FOREACH(nodes, i, required)
	{
		const char *uri = lilv_node_as_uri(lilv_nodes_get(required, i));
		bool found = false;

		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			found |= strcmp(uri, known[k]) == 0;
		if (strcmp(uri, LV2_EXT_NS "buf-size#fixedBlockLength") == 0)
			table->type->wants_fixed = true;
		if (strcmp(uri, LV2_EXT_NS "buf-size#powerOf2BlockLength") == 0)
			table->type->wants_power_of_two = true;
		if (!found && res == 0)
			res = table_refuse(table, "use another plug-in for the same",
					   "the plug-in needs <%.100s>, which mixd does not offer",
					   uri);
	}
	lilv_nodes_free(required);
	return res;
}

/* ---- audio ---- */

static bool port_is(const struct table *table, const LilvPort *port, const char *class)
{
	LilvNode *node = lilv_new_uri(table->world, class);
	bool is = lilv_port_is_a(table->plugin, port, node);

	lilv_node_free(node);
	return is;
}

static bool port_designated(const struct table *table, const LilvPort *port, const char *what)
{
	LilvNode *key = lilv_new_uri(table->world, LV2_CORE_NS "designation");
	LilvNode *designation = lilv_port_get(table->plugin, port, key);
	bool is = designation && lilv_node_is_uri(designation) &&
		  strcmp(lilv_node_as_uri(designation), what) == 0;

	lilv_node_free(designation);
	lilv_node_free(key);
	return is;
}

static bool port_is_key(const struct table *table, const LilvPort *port)
{
	LilvNode *group_key = lilv_new_uri(table->world, LV2_EXT_NS "port-groups#group");
	LilvNode *of_key = lilv_new_uri(table->world, LV2_EXT_NS "port-groups#sideChainOf");
	LilvNode *group = lilv_port_get(table->plugin, port, group_key), *of = NULL;
	const char *symbol = lilv_node_as_string(lilv_port_get_symbol(table->plugin, port));
	bool is = lv2_port_has(table->world, table->plugin, port, LV2_CORE_NS "isSideChain");

	if (group)
		of = lilv_world_get(table->world, group, of_key, NULL);
	is = is || of || strcasestr(symbol, "sidechain");
	lilv_node_free(of);
	lilv_node_free(group);
	lilv_node_free(of_key);
	lilv_node_free(group_key);
	return is;
}

static void add_port(struct table *table, const char *id, const char *doc, bool is_output,
		     enum mixd_port_layout layout)
{
	table->ports[table->n_ports++] = (struct mixd_port_row){id, doc, is_output, layout, NULL};
}

/* A mono port for each channel of one direction: the main one, then by their symbols. */
static int add_single_ports(struct table *table, bool is_output)
{
	struct lv2_type *type = table->type;
	uint32_t role = is_output ? LV2_ROLE_OUT : LV2_ROLE_IN;
	struct lv2_ids *ids = calloc(1, sizeof(*ids));

	if (!ids)
		return -ENOMEM;
	ids->taken[ids->n++] = "in";
	ids->taken[ids->n++] = "out";
	ids->taken[ids->n++] = "key";
	for (uint32_t i = 0; i < type->n_ports; i++) {
		const LilvPort *port = lilv_plugin_get_port_by_index(table->plugin, i);
		const char *symbol = lilv_node_as_string(lilv_port_get_symbol(table->plugin, port));
		LilvNode *name = lilv_port_get_name(table->plugin, port);

		if (type->ports[i].role == role)
			add_port(table,
				 type->ports[i].index == 0 ? (is_output ? "out" : "in")
							   : lv2_row_id(ids, symbol, false),
				 lv2_row_doc(name ? lilv_node_as_string(name) : symbol), is_output,
				 MIXD_PORT_MONO);
		lilv_node_free(name);
	}
	free(ids);
	return 0;
}

static int table_audio(struct table *table)
{
	static const enum mixd_port_layout few[] = {MIXD_PORT_MAIN, MIXD_PORT_MONO,
						    MIXD_PORT_STEREO};
	struct lv2_type *type = table->type;
	uint32_t in = type->n_in, out = type->n_out;

	if (in + out == 0)
		return table_refuse(table, "mixd carries sound: use a plug-in with audio ports",
				    "the plug-in has no audio ports (%s)",
				    table->n_atoms_in ? "it works on MIDI or messages" : "none");
	if (in == 0 && table->n_atoms_in)
		return table_refuse(table, "play it elsewhere, and bring its sound in by an input",
				    "the plug-in is an instrument: mixd sends no MIDI");
	if (in > LV2_AUDIO_MAX || out > LV2_AUDIO_MAX)
		return table_refuse(table, "use several smaller ones",
				    "the plug-in has more than %u audio channels", LV2_AUDIO_MAX);
	type->per_channel = in == 1 && out == 1;
	type->any_layout = in == out && in > 2;
	table->ports = calloc((size_t)in + out + 1, sizeof(*table->ports));
	if (!table->ports)
		return -ENOMEM;
	if (!type->per_channel && !type->any_layout && (in > 2 || out > 2)) {
		if (add_single_ports(table, false) < 0 || add_single_ports(table, true) < 0)
			return -ENOMEM;
	} else {
		bool main = type->per_channel || type->any_layout;

		if (in)
			add_port(table, "in", "What goes into the plug-in", false,
				 main ? MIXD_PORT_MAIN : few[in]);
		if (out)
			add_port(table, "out", "What comes out of the plug-in", true,
				 main ? MIXD_PORT_MAIN : few[out]);
	}
	if (type->n_key)
		add_port(table, "key", "Side-chain: what the plug-in listens to", false,
			 type->per_channel ? MIXD_PORT_FOLLOW : few[type->n_key]);
	return 0;
}

/* ---- rows ---- */

static int add_param(struct table *table, const LilvPort *port, const char *symbol,
		     const char *name, uint32_t idx, struct lv2_port *ret)
{
	struct mixd_param_row *row = &table->params[table->n_params];
	struct lv2_param *param = &table->type->params[table->n_params];
	const float range[3] = {table->def[idx], table->low[idx], table->high[idx]};
	int res = lv2_row_param(table->world, table->plugin, port, range, row, param);

	if (res < 0)
		return res;
	row->id = lv2_row_id(&table->ids, symbol, false);
	row->doc = lv2_row_doc(name);
	if (!row->id || !row->doc)
		return -ENOMEM;
	*ret = (struct lv2_port){LV2_ROLE_PARAM, (uint16_t)table->n_params++,
				 param->points ? param->points[(uint32_t)row->def]
					       : (float)(row->def * param->factor *
							 (param->of_rate ? 48000.0 : 1.0))};
	return 0;
}

static int add_meter(struct table *table, const LilvPort *port, const char *symbol,
		     const char *name, struct lv2_port *ret)
{
	struct mixd_meter_row *row = &table->meters[table->n_meters];
	double factor;

	row->unit = lv2_row_unit(table->world, table->plugin, port, &factor);
	if (factor != 1)
		row->unit = MIXD_UNIT_NONE; /* shown as it comes */
	row->per_channel = table->type->per_channel;
	row->id = lv2_row_id(&table->ids, symbol, row->per_channel);
	row->doc = lv2_row_doc(name);
	if (!row->id || !row->doc)
		return -ENOMEM;
	*ret = (struct lv2_port){LV2_ROLE_METER, (uint16_t)(table->n_meters - LV2_METER_COUNT_), 0};
	table->n_meters++;
	return 0;
}

static int add_control(struct table *table, const LilvPort *port, uint32_t idx, bool input,
		       struct lv2_port *ret)
{
	const char *symbol = lilv_node_as_string(lilv_port_get_symbol(table->plugin, port));
	LilvNode *name = lilv_port_get_name(table->plugin, port);
	const char *words = name ? lilv_node_as_string(name) : symbol;
	int res = 0;

	if (input && port_designated(table, port, LV2_CORE_NS "enabled")) {
		*ret = (struct lv2_port){LV2_ROLE_HELD, 0, 1};
	} else if (input && port_designated(table, port, LV2_CORE_NS "freeWheeling")) {
		*ret = (struct lv2_port){LV2_ROLE_HELD, 0, 0};
	} else if (!input && (port_designated(table, port, LV2_CORE_NS "latency") ||
			      lv2_port_has(table->world, table->plugin, port,
					   LV2_CORE_NS "reportsLatency"))) {
		*ret = (struct lv2_port){LV2_ROLE_LATENCY, 0, 0};
		table->type->has_latency = true;
	} else if (input) {
		res = add_param(table, port, symbol, words, idx, ret);
	} else {
		res = add_meter(table, port, symbol, words, ret);
	}
	lilv_node_free(name);
	return res;
}

static float port_default(const struct table *table, uint32_t idx)
{
	return isfinite(table->def[idx]) ? table->def[idx] : 0.0f;
}

/* Everything but controls: their rows come when it is known whether it is one per channel. */
static int table_port(struct table *table, const LilvPort *port, uint32_t idx)
{
	struct lv2_type *type = table->type;
	struct lv2_port *ret = &type->ports[idx];
	bool input = port_is(table, port, LV2_CORE_NS "InputPort");

	if (port_is(table, port, LV2_CORE_NS "ControlPort"))
		return 0;
	if (port_is(table, port, LV2_CORE_NS "AudioPort")) {
		if (input && port_is_key(table, port))
			*ret = type->n_key < 2
				       ? (struct lv2_port){LV2_ROLE_KEY, (uint16_t)type->n_key++, 0}
				       : (struct lv2_port){LV2_ROLE_CV_IN, 0, 0};
		else if (input)
			*ret = (struct lv2_port){LV2_ROLE_IN, (uint16_t)type->n_in++, 0};
		else
			*ret = (struct lv2_port){LV2_ROLE_OUT, (uint16_t)type->n_out++, 0};
	} else if (port_is(table, port, LV2_CORE_NS "CVPort")) {
		*ret = (struct lv2_port){input ? LV2_ROLE_CV_IN : LV2_ROLE_CV_OUT, 0,
					 port_default(table, idx)};
	} else if (port_is(table, port, LV2_EXT_NS "atom#AtomPort")) {
		*ret = (struct lv2_port){input ? LV2_ROLE_ATOM_IN : LV2_ROLE_ATOM_OUT, 0, 0};
		table->n_atoms_in += input;
	} else if (!lv2_port_has(table->world, table->plugin, port,
				 LV2_CORE_NS "connectionOptional")) {
		return table_refuse(table, "use another plug-in for the same",
				    "the plug-in has a port of a kind unknown to mixd (\"%.60s\")",
				    lilv_node_as_string(lilv_port_get_symbol(table->plugin, port)));
	}
	return 0;
}

static int table_rows(struct table *table)
{
	static const char *const taken[] = {
		"bypass", "mute",    "layout", "peak",	  "load",	  "state",  "latency",
		"type",	  "isolate", "block",  "reserve", "plugin_state", "health", "relaunches"};
	struct lv2_type *type = table->type;
	int res = 0;

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		table->ids.taken[table->ids.n++] = taken[i];
	for (uint32_t i = 0; i < LV2_METER_COUNT_; i++)
		table->meters[table->n_meters++] = lv2_own_meters[i];
	for (uint32_t i = 0; res == 0 && i < type->n_ports; i++) {
		const LilvPort *port = lilv_plugin_get_port_by_index(table->plugin, i);

		if (port_is(table, port, LV2_CORE_NS "ControlPort"))
			res = add_control(table, port, i,
					  port_is(table, port, LV2_CORE_NS "InputPort"),
					  &type->ports[i]);
	}
	return res;
}

/* ---- the whole ---- */

static const char *table_category(const struct table *table)
{
	static const char *const map[][2] = {
		{"EQ", "eq"},
		{"Filter", "eq"},
		{"Lowpass", "eq"},
		{"Highpass", "eq"},
		{"Bandpass", "eq"},
		{"Compressor", "dynamics"},
		{"Limiter", "dynamics"},
		{"Expander", "dynamics"},
		{"Gate", "dynamics"},
		{"Dynamics", "dynamics"},
		{"Envelope", "dynamics"},
		{"Distortion", "dynamics"},
		{"Waveshaper", "dynamics"},
		{"Reverb", "space"},
		{"Delay", "space"},
		{"Chorus", "space"},
		{"Flanger", "space"},
		{"Phaser", "space"},
		{"Spatial", "space"},
		{"Modulator", "space"},
		{"Pitch", "space"},
		{"Simulator", "space"},
		{"Analyser", "analysis"},
		{"Spectral", "analysis"},
		{"Generator", "source"},
		{"Oscillator", "source"},
		{"Constant", "source"},
	};
	const LilvPluginClass *class = lilv_plugin_get_class(table->plugin);
	const LilvNode *uri = class ? lilv_plugin_class_get_uri(class) : NULL;
	const char *name = uri ? lilv_node_as_uri(uri) : "";

	if (strncmp(name, LV2_CORE_NS, strlen(LV2_CORE_NS)) == 0)
		for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
			if (strncmp(name + strlen(LV2_CORE_NS), map[i][0], strlen(map[i][0])) == 0)
				return map[i][1];
	return table->type->n_in == 0 ? "source" : "level";
}

static uint32_t table_version(const struct table *table)
{
	static const char *const keys[] = {LV2_CORE_NS "minorVersion", LV2_CORE_NS "microVersion"};
	uint32_t version = 0;

	for (int i = 0; i < 2; i++) {
		LilvNode *key = lilv_new_uri(table->world, keys[i]);
		LilvNodes *values = lilv_plugin_get_value(table->plugin, key);
		const LilvNode *value = values ? lilv_nodes_get_first(values) : NULL;
		int number = value && lilv_node_is_int(value) ? lilv_node_as_int(value) : 0;

		version = version * 1000 + (uint32_t)(number < 0 ? 0 : number % 1000);
		lilv_nodes_free(values);
		lilv_node_free(key);
	}
	return version + 1;
}

static char *table_path(const LilvNode *uri)
{
	char *path = uri ? lilv_file_uri_parse(lilv_node_as_uri(uri), NULL) : NULL;
	char *copy = path ? strdup(path) : NULL;

	lilv_free(path);
	return copy;
}

static int table_words(struct table *table)
{
	struct lv2_type *type = table->type;
	LilvNode *name = lilv_plugin_get_name(table->plugin);
	LilvNode *author = lilv_plugin_get_author_name(table->plugin);
	const char *plain = name ? lilv_node_as_string(name) : type->uri;
	char *id = NULL, *source = NULL;

	if (asprintf(&id, LV2_SCHEME ":%s", type->uri) < 0 ||
	    asprintf(&source, "LV2 plug-in%s%s", author ? " by " : "",
		     author ? lilv_node_as_string(author) : "") < 0) {
		lilv_node_free(name);
		lilv_node_free(author);
		return -ENOMEM;
	}
	type->type.id = id;
	type->type.source = source;
	type->type.doc = lv2_row_doc(plain);
	type->type.category = table_category(table);
	type->type.version = table_version(table);
	lilv_node_free(name);
	lilv_node_free(author);
	return type->type.doc ? 0 : -ENOMEM;
}

static int table_fill(struct table *table)
{
	struct lv2_type *type = table->type;
	uint32_t n = lilv_plugin_get_num_ports(table->plugin);
	int res;

	type->uri = strdup(lilv_node_as_uri(lilv_plugin_get_uri(table->plugin)));
	type->library = table_path(lilv_plugin_get_library_uri(table->plugin));
	type->bundle = table_path(lilv_plugin_get_bundle_uri(table->plugin));
	type->n_ports = n;
	if (n > LV2_PORTS_MAX)
		return table_refuse(table, "use a smaller one", "the plug-in has %u ports", n);
	if (!type->library || !type->bundle || strlen(type->library) >= LV2_PATH_MAX ||
	    strlen(type->bundle) >= LV2_PATH_MAX || strlen(type->uri) >= LV2_PATH_MAX)
		return table_refuse(table, "install it again",
				    "the bundle of the plug-in names no library");
	type->ports = calloc(n + 1, sizeof(*type->ports));
	type->params = calloc(n + 1, sizeof(*type->params));
	table->params = calloc(n + 1, sizeof(*table->params));
	table->meters = calloc(n + LV2_METER_COUNT_, sizeof(*table->meters));
	table->low = calloc(n + 1, sizeof(float));
	table->high = calloc(n + 1, sizeof(float));
	table->def = calloc(n + 1, sizeof(float));
	if (!type->uri || !type->ports || !type->params || !table->params || !table->meters ||
	    !table->low || !table->high || !table->def)
		return -ENOMEM;
	lilv_plugin_get_port_ranges_float(table->plugin, table->low, table->high, table->def);
	res = table_features(table);
	for (uint32_t i = 0; res == 0 && i < n; i++)
		res = table_port(table, lilv_plugin_get_port_by_index(table->plugin, i), i);
	if (res == 0)
		res = table_audio(table);
	if (res == 0)
		res = table_rows(table);
	return res == 0 ? table_words(table) : res;
}

static void forget(const void *memory)
{
	free((void *)(uintptr_t)memory);
}

/* What was made of a plug-in that is refused. */
static void table_forget(struct table *table, struct lv2_type *type)
{
	for (uint32_t i = 0; table && table->params && i <= table->n_params; i++) {
		const char *const *labels = table->params[i].labels;

		for (uint32_t k = 0; labels && labels[k]; k++)
			forget(labels[k]);
		forget(labels);
		forget(table->params[i].id);
		forget(table->params[i].doc);
		forget(type->params[i].points);
	}
	for (uint32_t i = LV2_METER_COUNT_; table && table->meters && i < table->n_meters; i++) {
		forget(table->meters[i].id);
		forget(table->meters[i].doc);
	}
	if (type) {
		free(type->uri);
		free(type->library);
		free(type->bundle);
		free(type->ports);
		free(type->params);
		forget(type->type.id);
		forget(type->type.source);
		forget(type->type.doc);
	}
	if (table) {
		free(table->ports);
		free(table->params);
		free(table->meters);
	}
	free(table);
	free(type);
}

void lv2_table_common(struct lv2_type *type)
{
	type->type.configs = table_configs;
	type->type.n_configs = LV2_CONFIG_COUNT_;
	type->type.needs = lv2_needs;
	type->type.activate = lv2_activate;
	type->type.deactivate = lv2_deactivate;
	type->type.update = lv2_update;
	type->type.process = lv2_process;
	type->type.reset = lv2_reset;
	type->type.work = lv2_work;
	type->type.capture = lv2_capture;
}

struct lv2_type *lv2_table_make(LilvWorld *world, const LilvPlugin *plugin,
				struct mixd_fault *fault)
{
	struct table *table = calloc(1, sizeof(*table));
	struct lv2_type *type = calloc(1, sizeof(*type));
	int res = -ENOMEM;

	if (table && type) {
		*table = (struct table){
			.world = world, .plugin = plugin, .fault = fault, .type = type};
		res = table_fill(table);
		free(table->low);
		free(table->high);
		free(table->def);
	}
	if (res < 0) {
		if (res == -ENOMEM && table)
			table_refuse(table, "free some, and try again", "out of memory");
		table_forget(table, type);
		return NULL;
	}
	type->type.flags = type->n_in ? 0 : MIXD_NODE_SOURCE;
	type->type.ports = table->ports;
	type->type.n_ports = table->n_ports;
	type->type.params = table->params;
	type->type.n_params = table->n_params;
	type->type.meters = table->meters;
	type->type.n_meters = table->n_meters;
	lv2_table_common(type);
	free(table);
	return type;
}
