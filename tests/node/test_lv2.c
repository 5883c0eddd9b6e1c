/* test_lv2.c - LV2 plug-ins as nodes, as long as they behave: tables, bits, latency, state.
 *
 * The plug-ins are those of mixd-test.lv2. All this runs as a render does, so that nothing depends
 * on how fast the machine is; what happens live is in test_lv2_trouble.c. */
#include <dlfcn.h>
#include <signal.h>
#include <unistd.h>

#include "graph_types_check.h"
#include "node_host.h"
#include "test.h"

#define FRAMES 12288u

static float in[8][FRAMES], out[8][FRAMES];
static const float *const ins[] = {in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7]};
static float *const outs[] = {out[0], out[1], out[2], out[3], out[4], out[5], out[6], out[7]};

static void lv2_noise(void)
{
	for (int c = 0; c < 8; c++)
		for (uint32_t i = 0; i < FRAMES; i++)
			in[c][i] = (float)(test_random() * 2 - 1);
}

static const struct mixd_node_type *lv2_type(const char *id)
{
	const char *why = "";
	const struct mixd_node_type *type = node_host_type(id, &why);

	CHECK(type, "%s", why);
	return type;
}

static const struct mixd_param_row *lv2_row(const struct mixd_node_type *type, const char *id)
{
	for (uint32_t i = 0; i < type->n_params; i++)
		if (strcmp(type->params[i].id, id) == 0)
			return &type->params[i];
	test_fail(__FILE__, __LINE__, "%s has no param %s", type->id, id);
}

static void lv2_refused(const char *id, const char *word, const char *hint)
{
	const char *why = "";

	CHECK(!node_host_type(id, &why), "%s was taken", id);
	CHECK(strstr(why, word), "\"%s\" has no \"%s\"", why, word);
	CHECK(strstr(why, hint), "\"%s\" has no \"%s\"", why, hint);
}

/* ---- tables ---- */

TEST(lv2_tables_come_from_turtle)
{
	const struct mixd_node_type *type = lv2_type("lv2:urn:mixd:gain");
	const struct mixd_param_row *row = lv2_row(type, "gain");

	CHECK(lv2_type("lv2:urn:mixd:gain") == type, "made once");
	CHECK_STR(type->doc, "Test Gain");
	CHECK_STR(type->category, "dynamics");
	CHECK(type->version == 2005, "2.4 is %u", type->version);
	CHECK(type->n_ports == 2 && type->ports[0].layout == MIXD_PORT_MAIN);
	CHECK(row->ramp == MIXD_RAMP_LOG && row->min == 0.1 && row->max == 10 && row->def == 1);
	CHECK_STR(row->doc, "Gain");
	CHECK(lv2_row(type, "plugin_bypass")->type == MIXD_TYPE_BOOL, "bypass is every node's");
	row = lv2_row(type, "mode");
	CHECK(row->type == MIXD_TYPE_ENUM && row->def == 1 && row->max == 2);
	CHECK_STR(row->labels[0], "low-pass");
	CHECK_STR(row->labels[1], "low-pass-2");
	CHECK_STR(row->labels[2], "high-steep");
	row = lv2_row(type, "freq");
	CHECK(row->unit == MIXD_UNIT_HZ && row->min == 20 && row->max == 20000 && row->def == 1500);
	CHECK_STR(row->doc, "Frequency");
	row = lv2_row(type, "p_steps");
	CHECK(row->type == MIXD_TYPE_INT && row->min == 1 && row->max == 7);
	CHECK(type->n_params == 5, "lv2:enabled is not a param");
	CHECK_STR(type->meters[type->n_meters - 1].id, "level1_ch");
	CHECK(type->meters[type->n_meters - 1].unit == MIXD_UNIT_DB);
	CHECK(type->meters[type->n_meters - 1].per_channel);
}

TEST(lv2_ports_follow_what_a_plugin_has)
{
	const struct mixd_node_type *type = lv2_type("lv2:urn:mixd:key");

	CHECK(type->n_ports == 3 && type->ports[0].layout == MIXD_PORT_STEREO);
	CHECK_STR(type->ports[2].id, "key");
	CHECK(type->ports[2].layout == MIXD_PORT_STEREO && !type->ports[2].is_output);
	type = lv2_type("lv2:urn:mixd:odd");
	CHECK(type->n_ports == 4 && type->ports[0].layout == MIXD_PORT_MONO);
	CHECK_STR(type->ports[1].id, "b");
	CHECK_STR(type->ports[3].id, "out");
}

TEST(lv2_refusals_say_why)
{
	lv2_refused("lv2:urn:mixd:needy", "needs <urn:mixd:magic>", "another plug-in");
	lv2_refused("lv2:urn:mixd:midi", "no audio ports", "mixd carries sound");
	lv2_refused("lv2:urn:mixd:synth", "instrument", "by an input");
	lv2_refused("lv2:urn:mixd:nobody", "no LV2 plug-in <urn:mixd:nobody>", "ls plugins");
	lv2_refused("lv2:latent", "is installed", "did you mean \"lv2:urn:mixd:latent\"");
}

/* Whatever is installed: its tables are sound, or it is refused in words. */
TEST(lv2_all_that_is_installed_has_sane_tables)
{
	void *handle = dlopen(MIXD_TEST_NODES "/node-lv2.so", RTLD_NOW);
	const struct mixd_module *module = handle ? dlsym(handle, "mixd_module") : NULL;
	char *path = strdup(getenv("LV2_PATH") ? getenv("LV2_PATH") : "");
	const char *const *list;
	uint32_t n = 0, refused = 0;
	char *copy;

	CHECK(module && module->list);
	unsetenv("LV2_PATH");
	list = module->list();
	for (; list && list[n]; n++) {
		struct mixd_fault fault = {0};
		struct mixd_error err = {0};
		const struct mixd_node_type *type;

		copy = strdup(list[n]);
		type = module->resolve(copy, &fault);
		CHECK(type || (fault.text[0] && fault.hint[0]), "%s is refused without words",
		      copy);
		CHECK(!type || graph_types_check_demanded(type, copy, &err) == 0, "%s: %s",
		      err.address, err.text);
		refused += !type;
		free(copy);
	}
	setenv("LV2_PATH", path, 1);
	free(path);
	test_note("%u plug-ins, %u refused", n, refused);
}

/* ---- bits ---- */

/* OUT is IN times FACTOR, LATENCY frames later, bit by bit. */
static void lv2_delayed(uint32_t to, uint32_t from, uint32_t latency, float factor)
{
	for (uint32_t i = 0; i < FRAMES; i++) {
		float want = i < latency ? 0 : in[from][i - latency] * factor;

		CHECK(out[to][i] == want, "channel %u frame %u: %g, want %g", to, i,
		      (double)out[to][i], (double)want);
	}
}

static void lv2_run(const char *id, const struct node_host_setup *setup, uint32_t latency)
{
	struct node_host *host = node_host_open(id, setup);

	CHECK(node_host_latency(host) == latency, "%s: latency %u, want %u", id,
	      node_host_latency(host), latency);
	node_host_process(host, ins, outs, FRAMES);
	CHECK(node_host_meter(host, 0, "health") == 0);
	node_host_free(host);
}

TEST(lv2_a_process_gives_the_bits_one_block_later)
{
	static const uint32_t blocks[] = {64, 100, 128, 512, 1024};

	lv2_noise();
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		const struct node_host_config configs[] = {{"block", blocks[i], NULL}, {0}};

		lv2_run("lv2:urn:mixd:stereo", &(struct node_host_setup){.configs = configs},
			blocks[i]);
		lv2_delayed(0, 1, blocks[i], 1);
		lv2_delayed(1, 0, blocks[i], 1);
	}
	lv2_run("lv2:urn:mixd:gain", &(struct node_host_setup){.layout = "7.1"}, 128);
	for (uint32_t c = 0; c < 8; c++)
		lv2_delayed(c, c, 128, 1);
}

TEST(lv2_without_a_process_there_is_no_latency)
{
	const struct node_host_config configs[] = {{"isolate", 1, NULL}, {0}};

	lv2_noise();
	lv2_run("lv2:urn:mixd:stereo", &(struct node_host_setup){.configs = configs}, 0);
	lv2_delayed(0, 1, 0, 1);
	lv2_delayed(1, 0, 0, 1);
	/* But for one that wants its blocks whole. */
	lv2_run("lv2:urn:mixd:fixed", &(struct node_host_setup){.configs = configs}, 128);
	lv2_delayed(0, 0, 128, 1);
}

TEST(lv2_a_reserve_is_kept_exactly)
{
	for (int isolate = 0; isolate < 2; isolate++) {
		const struct node_host_config configs[] = {
			{"isolate", isolate, NULL}, {"reserve", 1000, NULL}, {0}};

		lv2_noise();
		lv2_run("lv2:urn:mixd:stereo", &(struct node_host_setup){.configs = configs}, 1000);
		lv2_delayed(0, 1, 1000, 1);
	}
}

TEST(lv2_keys_and_odd_shapes_reach_their_ports)
{
	lv2_noise();
	lv2_run("lv2:urn:mixd:key", &(struct node_host_setup){0}, 128);
	for (uint32_t i = 128; i < FRAMES; i++)
		for (int c = 0; c < 2; c++)
			CHECK(out[c][i] == in[c][i - 128] * (1 - in[2 + c][i - 128]),
			      "channel %d frame %u", c, i);
}

TEST(lv2_params_and_meters_pass)
{
	for (int isolate = 0; isolate < 2; isolate++) {
		const struct node_host_config configs[] = {{"isolate", isolate, NULL}, {0}};
		struct node_host *host = node_host_open(
			"lv2:urn:mixd:gain", &(struct node_host_setup){.configs = configs});

		node_host_set(host, 0, "plugin_bypass", 1);
		node_host_set(host, 0, "mode", 2); /* the point 8 */
		node_host_set(host, 0, "p_steps", 5);
		node_host_set(host, 0, "freq", 4000);
		node_host_process(host, ins, outs, 1024);
		/* 1 x 1000 + 8 x 100 + 5 x 10 + enabled + 4 kHz / 100 */
		CHECK_NEAR(node_host_meter(host, 0, "level1_ch1"), 1851.04, 1e-3);
		CHECK_NEAR(node_host_meter(host, 0, "level1_ch2"), 1851.04, 1e-3);
		node_host_free(host);
	}
}

/* ---- latency ---- */

TEST(lv2_latency_of_the_plugin_is_reported)
{
	static const struct node_host_config none[] = {{"isolate", 1, NULL}, {0}};

	lv2_noise();
	lv2_run("lv2:urn:mixd:latent", &(struct node_host_setup){0}, 128 + 77);
	lv2_delayed(0, 0, 128 + 77, 1);
	lv2_run("lv2:urn:mixd:latent", &(struct node_host_setup){.configs = none}, 77);
	lv2_delayed(0, 0, 77, 1);
}

/* Less than was reported is padded; more asks for a new instance, and that one is exact. */
TEST(lv2_latency_that_changes_stays_exact)
{
	struct node_host_config configs[] = {{"reserve", 0, NULL}, {0}};
	struct node_host *host =
		node_host_open("lv2:urn:mixd:latent", &(struct node_host_setup){0});
	char text[64];
	uint32_t code = 0, i;

	lv2_noise();
	node_host_set(host, 0, "delay", 50);
	for (i = 0; i < 5; i++)
		node_host_process(host, ins, outs, FRAMES);
	for (i = 1000; i < FRAMES; i++)
		CHECK(out[0][i] == in[0][i - 128 - 77], "frame %u", i);
	node_host_set(host, 0, "delay", 300);
	for (i = 0; i < 5; i++)
		node_host_process(host, ins, outs, FRAMES);
	node_host_events(host, &code, NULL);
	CHECK(code == MIXD_EVENT_CAPTURED + 2, "event %x", code);
	node_host_capture(host, 0, "reserve", text, sizeof(text));
	CHECK_STR(text, "428");
	node_host_free(host);
	configs[0].number = 428;
	host = node_host_open("lv2:urn:mixd:latent", &(struct node_host_setup){.configs = configs});
	CHECK(node_host_latency(host) == 428);
	node_host_jump(host, 0, "delay", 300);
	for (i = 0; i < 5; i++)
		node_host_process(host, ins, outs, FRAMES);
	for (i = 1000; i < FRAMES; i++)
		CHECK(out[0][i] == in[0][i - 428], "frame %u", i);
	node_host_free(host);
}

/* ---- state, jobs ---- */

/* Teach the keeper LEARN and take down what it would have kept. */
static void lv2_teach(double learn, int isolate, char *text, size_t size)
{
	const struct node_host_config configs[] = {{"isolate", isolate, NULL}, {0}};
	struct node_host *host = node_host_open("lv2:urn:mixd:keeper",
						&(struct node_host_setup){.configs = configs});
	uint64_t before = node_host_events(host, NULL, NULL);
	uint32_t code = 0;

	node_host_set(host, 0, "learn", learn);
	for (int i = 0; i < 400; i++) { /* a state is saved when it has been at rest for a while */
		node_host_process(host, ins, outs, FRAMES);
		usleep(10000);
		if (node_host_events(host, &code, NULL) > before && code == MIXD_EVENT_CAPTURED + 3)
			break;
	}
	CHECK(code == MIXD_EVENT_CAPTURED + 3, "no capture, but event %x", code);
	node_host_capture(host, 0, "plugin_state", text, size);
	node_host_free(host);
}

static void lv2_remember(const char *text, int isolate, float keep)
{
	const struct node_host_config configs[] = {
		{"plugin_state", 0, text}, {"isolate", isolate, NULL}, {0}};
	struct node_host *host = node_host_open("lv2:urn:mixd:keeper",
						&(struct node_host_setup){.configs = configs});
	uint32_t latency = node_host_latency(host);

	lv2_noise();
	node_host_process(host, ins, outs, FRAMES);
	lv2_delayed(0, 0, latency, keep);
	lv2_delayed(1, 1, latency, keep);
	node_host_free(host);
}

TEST(lv2_state_survives_its_instance)
{
	char text[4097];

	lv2_teach(0.75, 0, text, sizeof(text));
	CHECK_STR(text, "urn:mixd:blob=<http://lv2plug.in/ns/ext/atom#Chunk>:AAcO "
			"urn:mixd:keep=float:0.75 urn:mixd:urid=urid:urn:mixd:anything "
			"urn:mixd:words=string:two%20words,%20100%25");
	lv2_remember(text, 0, 0.75f);
	lv2_remember(text, 1, 0.75f);
	lv2_teach(0.25, 1, text, sizeof(text));
	lv2_remember(text, 0, 0.25f);
}

TEST(lv2_state_too_long_for_a_config_goes_to_a_file)
{
	char folder[] = "/tmp/mixd-keep-XXXXXX", text[4097], command[64];
	struct mixd_fault fault;
	const struct node_host_config missing[] = {{"plugin_state", 0, "file:0123456789abcdef"},
						   {0}};
	const struct node_host_config damaged[] = {{"plugin_state", 0, "what=is:this"}, {0}};

	CHECK(mkdtemp(folder));
	unsetenv("STATE_DIRECTORY");
	setenv("XDG_STATE_HOME", folder, 1);
	lv2_teach(6, 0, text, sizeof(text));
	CHECK(strncmp(text, "file:", 5) == 0, "%s", text);
	lv2_remember(text, 0, 6);
	CHECK(!node_host_try(lv2_type("lv2:urn:mixd:keeper"),
			     &(struct node_host_setup){.configs = missing}, &fault));
	CHECK(strstr(fault.text, "cannot be read") && fault.hint[0], "%s", fault.text);
	CHECK(!node_host_try(lv2_type("lv2:urn:mixd:keeper"),
			     &(struct node_host_setup){.configs = damaged}, &fault));
	CHECK(strstr(fault.text, "damaged") && fault.hint[0], "%s", fault.text);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	CHECK(system(command) == 0);
}

TEST(lv2_jobs_come_back)
{
	for (int isolate = 0; isolate < 2; isolate++) {
		const struct node_host_config configs[] = {{"isolate", isolate, NULL}, {0}};
		struct node_host *host = node_host_open(
			"lv2:urn:mixd:worker", &(struct node_host_setup){.configs = configs});
		uint32_t latency = node_host_latency(host);

		lv2_noise();
		node_host_process(host, ins, outs, FRAMES);
		/* One block is silent; the job of the next one is done. */
		for (uint32_t i = 1024; i < FRAMES; i++)
			CHECK(out[0][i] == in[0][i - latency] * 0.5f, "frame %u", i);
		node_host_free(host);
	}
}

/* ---- refusals of an instance ---- */

TEST(lv2_instances_that_cannot_be_are_refused_in_words)
{
	const struct node_host_config uneven[] = {{"block", 100, NULL}, {0}};
	struct mixd_fault fault;

	CHECK(!node_host_try(lv2_type("lv2:urn:mixd:fixed"),
			     &(struct node_host_setup){.configs = uneven}, &fault));
	CHECK(strstr(fault.text, "2^n") && strstr(fault.hint, "block="), "%s", fault.text);
	for (int isolate = 0; isolate < 2; isolate++) {
		const struct node_host_config configs[] = {{"isolate", isolate, NULL}, {0}};

		CHECK(!node_host_try(lv2_type("lv2:urn:mixd:mute"),
				     &(struct node_host_setup){.configs = configs}, &fault));
		CHECK(strstr(fault.text, "does not start") && fault.hint[0], "%s", fault.text);
	}
}
