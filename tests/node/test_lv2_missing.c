/* test_lv2_missing.c - LV2 plug-ins that were in use and are not installed any more: their nodes are
 * there, dry, and wait.
 *
 * A start of mixd is a copy of the module that nobody has loaded yet, with a state folder of its own
 * for each test and LV2_PATH as it is then. */
#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include "graph_types_check.h"
#include "node_host.h"
#include "test.h"

#define FRAMES 4096u
#define MISSING 7.0 /* health */
#define REFUSED 6.0

static float in[2][FRAMES], out[2][FRAMES];
static const float *const ins[] = {in[0], in[1], in[0], in[1]};
static float *const outs[] = {out[0], out[1]};
static char folder[64], nowhere[80], bundles[1024];

__attribute__((format(printf, 1, 2))) static void shell(const char *format, ...)
{
	char command[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	CHECK(system(command) == 0, "%s", command);
}

static void missing_begin(void)
{
	if (!*bundles) {
		snprintf(bundles, sizeof(bundles), "%s", getenv("LV2_PATH"));
		*strchrnul(bundles, ':') = '\0';
	}
	snprintf(folder, sizeof(folder), "/tmp/mixd-missing-XXXXXX");
	CHECK(mkdtemp(folder));
	snprintf(nowhere, sizeof(nowhere), "%s/none", folder);
	unsetenv("STATE_DIRECTORY");
	setenv("XDG_STATE_HOME", folder, 1);
	for (int c = 0; c < 2; c++)
		for (uint32_t i = 0; i < FRAMES; i++)
			in[c][i] = (float)(test_random() * 2 - 1);
}

static void missing_end(void)
{
	shell("rm -r %s", folder);
}

/* The module of a mixd that starts now and looks for plug-ins at PATH. */
static const struct mixd_module *start(const char *path)
{
	static uint32_t count;
	char file[128];
	void *handle;

	setenv("LV2_PATH", path, 1);
	snprintf(file, sizeof(file), "%s/%u/node-lv2.so", folder, ++count);
	shell("mkdir %s/%u && cp " MIXD_TEST_NODES "/node-lv2.so %s && ln -s " MIXD_TEST_NODES
	      "/mixd-lv2 %s/%u/",
	      folder, count, file, folder, count);
	handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	CHECK(handle, "%s", dlerror());
	return dlsym(handle, "mixd_module");
}

static const struct mixd_node_type *resolve(const struct mixd_module *module, const char *uri)
{
	struct mixd_fault fault = {0};
	struct mixd_error err = {0};
	char id[128];
	const struct mixd_node_type *type;

	snprintf(id, sizeof(id), "lv2:%s", uri);
	type = module->resolve(id, &fault);
	CHECK(type, "%s: %s (%s)", id, fault.text, fault.hint);
	CHECK(graph_types_check_demanded(type, id, &err) == 0, "%s: %s", err.address, err.text);
	return type;
}

static void refused(const char *uri, const char *path, const char *word, const char *hint)
{
	struct mixd_fault fault = {0};
	char id[128];

	snprintf(id, sizeof(id), "lv2:%s", uri);
	CHECK(!start(path)->resolve(id, &fault), "%s was taken", id);
	CHECK(strstr(fault.text, word), "\"%s\" has no \"%s\"", fault.text, word);
	CHECK(strstr(fault.hint, hint), "\"%s\" has no \"%s\"", fault.hint, hint);
}

static struct node_host *host_of(const struct mixd_node_type *type, int isolate, uint32_t reserve,
				 const char *state)
{
	const struct node_host_config configs[] = {{"isolate", isolate, NULL},
						   {"reserve", reserve, NULL},
						   {state ? "plugin_state" : NULL, 0, state},
						   {0}};
	struct mixd_fault fault = {0};
	struct node_host *host =
		node_host_try(type, &(struct node_host_setup){.configs = configs}, &fault);

	CHECK(host, "%s: %s", type->id, fault.text);
	return host;
}

/* URI is used once, in a start of its own. */
static void use(const char *uri)
{
	node_host_free(host_of(resolve(start(bundles), uri), 0, 0, NULL));
}

static bool is_delayed(uint32_t latency, float factor)
{
	for (int c = 0; c < 2; c++)
		for (uint32_t i = 0; i < FRAMES; i++)
			if (out[c][i] != (i < latency ? 0 : in[c][i - latency] * factor))
				return false;
	return true;
}

/* All that a graph knows of a type. */
static char *tables(const struct mixd_node_type *type)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	CHECK(file);
	fprintf(file, "%s|%s|%s|%u\n", type->id, type->doc, type->category, type->version);
	for (uint32_t i = 0; i < type->n_ports; i++)
		fprintf(file, "port %s|%s|%d|%d\n", type->ports[i].id, type->ports[i].doc,
			type->ports[i].is_output, (int)type->ports[i].layout);
	for (uint32_t i = 0; i < type->n_params; i++) {
		const struct mixd_param_row *row = &type->params[i];

		fprintf(file, "param %s|%s|%d|%d|%a|%a|%a|%d|%a", row->id, row->doc, (int)row->type,
			(int)row->unit, row->min, row->max, row->def, (int)row->ramp,
			(double)row->smooth_ms);
		for (uint32_t k = 0; row->labels && row->labels[k]; k++)
			fprintf(file, "|%s", row->labels[k]);
		fputc('\n', file);
	}
	for (uint32_t i = 0; i < type->n_configs; i++)
		fprintf(file, "config %s\n", type->configs[i].id);
	for (uint32_t i = 0; i < type->n_meters; i++)
		fprintf(file, "meter %s|%s|%d|%d|%d\n", type->meters[i].id, type->meters[i].doc,
			(int)type->meters[i].unit, (int)type->meters[i].fold,
			type->meters[i].per_channel);
	fclose(file);
	return text;
}

TEST(lv2_missing_has_the_same_tables)
{
	static const char *const uris[] = {"urn:mixd:gain",   "urn:mixd:stereo", "urn:mixd:key",
					   "urn:mixd:latent", "urn:mixd:keeper", "urn:mixd:fixed"};
	const struct mixd_module *module;
	char *before[6], *after;

	missing_begin();
	module = start(bundles);
	for (int i = 0; i < 6; i++) {
		const struct mixd_node_type *type = resolve(module, uris[i]);

		before[i] = tables(type);
		CHECK(!(type->flags & MIXD_NODE_STAND_IN));
		node_host_free(host_of(type, 0, 0, NULL));
	}
	module = start(nowhere);
	for (int i = 0; i < 6; i++) {
		const struct mixd_node_type *type = resolve(module, uris[i]);

		after = tables(type);
		CHECK(type->flags & MIXD_NODE_STAND_IN);
		CHECK(strstr(type->source, "is installed"), "%s", type->source);
		CHECK_STR(after, before[i]);
		CHECK(resolve(module, uris[i]) == type, "made once");
		free(after);
		free(before[i]);
	}
	missing_end();
}

TEST(lv2_missing_is_dry)
{
	static const struct {
		int isolate;
		uint32_t reserve, latency;
	} cases[] = {{0, 0, 128}, {1, 0, 0}, {0, 1000, 1000}, {1, 77, 77}};
	const struct mixd_node_type *type;

	missing_begin();
	use("urn:mixd:stereo");
	type = resolve(start(nowhere), "urn:mixd:stereo");
	for (int i = 0; i < 4; i++) {
		struct node_host *host = host_of(type, cases[i].isolate, cases[i].reserve, NULL);

		CHECK(node_host_latency(host) == cases[i].latency);
		node_host_process(host, ins, outs, FRAMES);
		CHECK(is_delayed(cases[i].latency, 1), "case %d", i);
		CHECK(node_host_meter(host, 0, "health") == MISSING);
		CHECK(node_host_meter(host, 0, "relaunches") == 0);
		CHECK(node_host_events(host, NULL, NULL) == 0, "the daemon alarms");
		node_host_reset(host);
		node_host_process(host, ins, outs, FRAMES);
		CHECK(is_delayed(cases[i].latency, 1), "case %d, again", i);
		node_host_free(host);
	}
	missing_end();
}

/* Its params move, and its state (even one whose file is elsewhere) stays as it is. */
TEST(lv2_missing_takes_every_setting)
{
	const struct mixd_node_type *type;
	struct node_host *host;

	missing_begin();
	use("urn:mixd:keeper");
	type = resolve(start(nowhere), "urn:mixd:keeper");
	host = host_of(type, 0, 0, "file:0123456789abcdef");
	node_host_set(host, 0, "learn", 3);
	node_host_process(host, ins, outs, FRAMES);
	CHECK(is_delayed(128, 1));
	node_host_free(host);
	missing_end();
}

TEST(lv2_missing_comes_back)
{
	const struct mixd_module *module;
	const struct mixd_node_type *gone, *type;
	struct node_host *host;
	char back[128];

	missing_begin();
	use("urn:mixd:worker");
	snprintf(back, sizeof(back), "%s/lv2", folder);
	module = start(back);
	gone = resolve(module, "urn:mixd:worker");
	CHECK(gone->flags & MIXD_NODE_STAND_IN);
	/* Installed while mixd runs: whoever asks again has it, and what is there stays as it is. */
	shell("ln -s %s %s", bundles, back);
	type = resolve(module, "urn:mixd:worker");
	CHECK(type != gone && !(type->flags & MIXD_NODE_STAND_IN));
	CHECK(resolve(module, "urn:mixd:worker") == type);
	host = host_of(gone, 0, 0, NULL);
	node_host_process(host, ins, outs, FRAMES);
	CHECK(is_delayed(128, 1));
	node_host_free(host);
	/* ... until the next start. */
	type = resolve(start(bundles), "urn:mixd:worker");
	host = host_of(type, 0, 0, NULL);
	node_host_process(host, ins, outs, FRAMES);
	node_host_process(host, ins, outs, FRAMES);
	CHECK(out[0][1000] == in[0][1000 - 128] * 0.5f, "not dry");
	CHECK(node_host_meter(host, 0, "health") == 0);
	node_host_free(host);
	missing_end();
}

/* ---- refusals ---- */

TEST(lv2_missing_was_never_used)
{
	missing_begin();
	resolve(start(bundles), "urn:mixd:gain"); /* looked at, not used */
	refused("urn:mixd:gain", nowhere, "no LV2 plug-in <urn:mixd:gain> is installed",
		"ls plugins");
	missing_end();
}

TEST(lv2_missing_and_damaged_is_refused_in_words)
{
	static const char *const wounds[] = {"sed -i '/^param/s/0.1/0.2/'", "truncate -s -1",
					     "truncate -s 200", "sed -i '/^port/d'", "sed -i '$d'"};
	char file[128];

	missing_begin();
	use("urn:mixd:gain");
	snprintf(file, sizeof(file), "%s/mixd/plugins/*.type", folder);
	for (int i = 0; i < 5; i++) {
		shell("cp %s %s/whole && %s %s", file, folder, wounds[i], file);
		refused("urn:mixd:gain", nowhere, "kept of it is damaged", "install it");
		shell("mv %s/whole $(echo %s)", folder, file);
	}
	CHECK(resolve(start(nowhere), "urn:mixd:gain"));
	shell("sed -i '1s/1$/2/' %s", file);
	refused("urn:mixd:gain", nowhere, "another version", ".type");
	shell("truncate -s 0 %s", file);
	refused("urn:mixd:gain", nowhere, "damaged", ".type");
	/* The plug-in itself does not need it, and writes it anew. */
	use("urn:mixd:gain");
	CHECK(resolve(start(nowhere), "urn:mixd:gain"));
	missing_end();
}

/* The tables are there, and now want what we do not have: as if it were not installed. */
TEST(lv2_missing_is_what_is_refused_now)
{
	const struct mixd_node_type *type;
	char path[128];

	missing_begin();
	snprintf(path, sizeof(path), "%s/lv2", folder);
	use("urn:mixd:gain");
	shell("mkdir -p %s/lv2/new.lv2 && sed 's/doap:name \"Test Gain\"/"
	      "lv2:requiredFeature <urn:mixd:magic>/' %s/mixd-test.lv2/manifest.ttl "
	      ">%s/lv2/new.lv2/manifest.ttl",
	      folder, bundles, folder);
	shell("touch %s/lv2/new.lv2/mixd-test.so", folder);
	type = resolve(start(path), "urn:mixd:gain");
	CHECK(type->flags & MIXD_NODE_STAND_IN);
	CHECK(strstr(type->source, "needs <urn:mixd:magic>"), "%s", type->source);
	missing_end();
}

/* Its tables are there, its library is not: one that was never used is refused, another is dry. */
TEST(lv2_missing_library_costs_no_graph)
{
	static const char *const uris[] = {"urn:mixd:stereo", "urn:mixd:latent"};
	char path[128];
	struct mixd_fault fault = {0};
	const struct mixd_module *module;

	missing_begin();
	snprintf(path, sizeof(path), "%s/lv2", folder);
	shell("mkdir -p %s/mixd-test.lv2 && cp %s/mixd-test.lv2/manifest.ttl %s/mixd-test.lv2/",
	      path, bundles, path);
	module = start(path);
	for (int i = 0; i < 2; i++)
		CHECK(!node_host_try(resolve(module, uris[i]), &(struct node_host_setup){0},
				     &fault) &&
			      fault.text[0],
		      "%s", uris[i]);
	for (int i = 0; i < 2; i++)
		use(uris[i]);
	module = start(path);
	for (int i = 0; i < 4; i++) {
		const struct mixd_node_type *type = resolve(module, uris[i / 2]);
		struct node_host *host = host_of(type, i % 2, 0, NULL);
		uint32_t latency = node_host_latency(host);

		CHECK(!(type->flags & MIXD_NODE_STAND_IN), "its tables are there");
		CHECK(latency == (i & 1 ? 0 : 128), "%u", latency);
		node_host_process(host, ins, outs, FRAMES);
		CHECK(is_delayed(latency, 1), "%s, isolate %d", type->id, i % 2);
		CHECK(node_host_meter(host, 0, "health") == REFUSED);
		CHECK(node_host_events(host, NULL, NULL) > 0, "no alarm");
		node_host_free(host);
	}
	missing_end();
}
