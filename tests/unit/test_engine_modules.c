/* test_engine_modules.c - the loader takes what fits and says why it refuses the rest. */
#include <sys/stat.h>
#include <unistd.h>

#include "engine_modules.h"
#include "test.h"

struct modules_log {
	uint32_t n;
	char text[4096];
};

static void modules_refused(void *data, const char *path, const char *reason)
{
	struct modules_log *log = data;
	size_t used = strlen(log->text);

	log->n++;
	snprintf(log->text + used, sizeof(log->text) - used, "%s: %s\n", path, reason);
}

/* Compile SOURCE into FOLDER/NAME.so; skips the test where there is no compiler. */
static void modules_make(const char *folder, const char *name, const char *source)
{
	char path[256], command[700];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.c", folder, name);
	file = fopen(path, "w");
	CHECK(file != NULL);
	fputs(source, file);
	fclose(file);
	snprintf(command, sizeof(command), "cc -shared -fPIC -I'%s' -o '%s/%s.so' '%s' 2>/dev/null",
		 MIXD_TEST_SDK, folder, name, path);
	if (system(command) != 0)
		test_skip("no compiler here");
	unlink(path);
}

static const char modules_good[] =
	"#include <mixd/node.h>\n"
	"static void p(const struct mixd_call *c) {}\n"
	"static const struct mixd_port_row ports[] = {{\"out\", \"sound\", true, "
	"MIXD_PORT_MAIN}};\n"
	"static const struct mixd_node_type t = {.id = \"good\", .doc = \"Good\", .category = "
	"\"source\", .version = 1, .flags = MIXD_NODE_SOURCE, .ports = ports, .n_ports = 1, "
	".process = p};\n"
	"MIXD_MODULE(&t);\n";

TEST(modules_are_taken_or_refused_with_a_reason)
{
	char folder[] = "/tmp/mixd-modules-XXXXXX", command[128], abi[2048];
	struct graph_types *types = graph_types_new();
	struct modules_log log = {0};
	struct engine_modules *modules = NULL;
	struct mixd_error err = {0};

	CHECK(mkdtemp(folder) != NULL);
	modules_make(folder, "a", modules_good);
	modules_make(folder, "b", modules_good); /* the same id again */
	modules_make(folder, "c", "int nothing;");
	snprintf(abi, sizeof(abi),
		 "#include <mixd/node.h>\n#undef MIXD_NODE_ABI\n"
		 "#define MIXD_NODE_ABI 99u\n%s",
		 strchr(modules_good, '\n') + 1);
	modules_make(folder, "d", abi);
	snprintf(abi, sizeof(abi),
		 "#include <mixd/node.h>\n"
		 "MIXD_EXPORT const struct mixd_module mixd_module = {.abi = MIXD_NODE_ABI, "
		 ".sizeof_type = 4};\n");
	modules_make(folder, "e", abi);
	snprintf(command, sizeof(command), "echo no > %s/f.so", folder);
	CHECK(system(command) == 0);
	snprintf(abi, sizeof(abi), "/nonexistent:%s", folder);
	setenv("MIXD_NODE_PATH", abi, 1);
	CHECK(engine_modules_load(types, modules_refused, &log, &modules, &err) == 0, "%s",
	      err.text);
	CHECK(graph_types_find(types, "good", NULL) != NULL);
	CHECK(strstr(log.text, "/nonexistent: No such file"), "%s", log.text);
	CHECK(strstr(log.text, "b.so: ") && strstr(log.text, "good"), "%s", log.text);
	CHECK(strstr(log.text, "does not export mixd_module"), "%s", log.text);
	CHECK(strstr(log.text, "made for node ABI 99"), "%s", log.text);
	CHECK(strstr(log.text, "mixd_node_type has 4 bytes"), "%s", log.text);
	CHECK(strstr(log.text, "f.so: "), "%s", log.text);
	CHECK(engine_modules_folder()[0] == '/');
	graph_types_free(types);
	engine_modules_free(modules);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	CHECK(system(command) == 0);
}

TEST(modules_none_at_all_is_an_error)
{
	struct graph_types *types = graph_types_new();
	struct modules_log log = {0};
	struct engine_modules *modules = NULL;
	struct mixd_error err = {0};

	if (access(engine_modules_folder(), R_OK) == 0)
		test_skip("mixd is installed here");
	setenv("MIXD_NODE_PATH", "/nonexistent", 1);
	CHECK(engine_modules_load(types, modules_refused, &log, &modules, &err) < 0);
	CHECK(strstr(err.hint, "MIXD_NODE_PATH"));
	graph_types_free(types);
}
