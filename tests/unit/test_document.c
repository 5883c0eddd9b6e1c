/* test_document.c - documents of verbs: every kind of value, every refusal with its place. */
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include "document.h"
#include "test.h"

struct thing {
	char *title, *file;
	double gain_db, gap_s;
	bool loop;
	int mode;
	const struct session_node *list, *map, *any;
};
static const char *const modes[] = {"album-gain", "track-gain", "none", NULL};
static const struct document_key keys[] = {
	{"title", DOCUMENT_TEXT, offsetof(struct thing, title), .required = true},
	{"file", DOCUMENT_PATH, offsetof(struct thing, file)},
	{"gain", DOCUMENT_NUMBER, offsetof(struct thing, gain_db), "dB", -60, 20},
	{"gap", DOCUMENT_SPAN, offsetof(struct thing, gap_s), .min = -30, .max = 60},
	{"loop", DOCUMENT_FLAG, offsetof(struct thing, loop)},
	{"mode", DOCUMENT_CHOICE, offsetof(struct thing, mode), .choices = modes},
	{"list", DOCUMENT_LIST, offsetof(struct thing, list)},
	{"map", DOCUMENT_MAP, offsetof(struct thing, map)},
	{"any", DOCUMENT_ANY, offsetof(struct thing, any)},
	{NULL},
};

static int fill(const char *text, struct thing *thing, struct document **ret,
		struct mixd_error *err)
{
	int r = document_parse("a.yaml", "/music", text, strlen(text), ret, err);

	return r < 0 ? r : document_fill(*ret, (*ret)->root, "a thing", keys, thing, err);
}

static void refused(const char *text, const char *address, const char *words, const char *hint)
{
	struct document *document = NULL;
	struct mixd_error err = {0};
	struct thing thing = {0};
	int r = fill(text, &thing, &document, &err);

	document_clear(keys, &thing);
	document_free(document);
	CHECK(r < 0, "%s was taken", text);
	CHECK(err.code == ERROR_INVALID, "code %d", err.code);
	CHECK_STR(err.address, address);
	CHECK(strstr(err.text, words) != NULL, "text: %s", err.text);
	CHECK(strstr(err.hint, hint) != NULL, "hint: %s", err.hint);
}

TEST(every_kind_of_value)
{
	struct document *document = NULL;
	struct mixd_error err = {0};
	struct thing thing = {.gap_s = 2};
	const char *text =
		"title: \"Höhe & Tiefe\"\nfile: takes/1.wav\ngain: -1.5 dB\n"
		"gap: -800ms\nloop: yes\nmode: track-gain\nlist: [1, 2]\nmap: {a: b}\nany: x\n";

	CHECK(fill(text, &thing, &document, &err) == 0, "%s: %s", err.address, err.text);
	CHECK_STR(thing.title, "Höhe & Tiefe");
	CHECK_STR(thing.file, "/music/takes/1.wav");
	CHECK_NEAR(thing.gain_db, -1.5, 0);
	CHECK_NEAR(thing.gap_s, -0.8, 1e-12);
	CHECK(thing.loop && thing.mode == 1);
	CHECK(thing.list->n == 2 && thing.map->n == 1 && thing.any->kind == SESSION_SCALAR);
	document_clear(keys, &thing);
	CHECK(!thing.title && !thing.file);
	document_free(document);
}

TEST(what_is_not_there_stays)
{
	struct document *document = NULL;
	struct mixd_error err = {0};
	struct thing thing = {.gap_s = 2, .mode = 2};

	CHECK(fill("{\"title\":\t\"x\"}", &thing, &document, &err) == 0, "%s", err.text);
	CHECK(thing.gap_s == 2 && thing.mode == 2 && !thing.file);
	document_clear(keys, &thing);
	document_free(document);
}

TEST(refusals_name_the_place)
{
	refused("title: x\ngian: 2\n", "a.yaml:2:1", "no key \"gian\"", "did you mean \"gain\"?");
	refused("title: x\nqqqqq: 2\n", "a.yaml:2:1", "no key", "it has: title file gain");
	refused("file: x\n", "a.yaml:1:1", "needs the key \"title\"", "add title");
	refused("title: x\ngain: 3dBTP\n", "a.yaml:2:7", "gain is \"3dBTP\"", "a number in dB");
	refused("title: x\ngain: 40dB\n", "a.yaml:2:7", "gain is \"40dB\"", "-60dB to 20dB");
	refused("title: x\ngap: soon\n", "a.yaml:2:6", "gap is \"soon\"", "must be a time");
	refused("title: x\nloop: maybe\n", "a.yaml:2:7", "loop is \"maybe\"", "on or off");
	refused("title: x\nmode: album\n", "a.yaml:2:7", "mode is \"album\"", "album-gain");
	refused("title: x\nlist: 3\n", "a.yaml:2:7", "list is a single value", "want a list");
	refused("title: x\nmap: [3]\n", "a.yaml:2:6", "map is a list", "want a map");
	refused("title: [x]\n", "a.yaml:1:8", "a list where a single value", "quotes");
	refused("title: \"\"\n", "a.yaml:1:8", "title is empty", "leave the key out");
	refused("title: \"a\\nb\"\n", "a.yaml:1:8", "control character (0xa)", "one line");
	refused("- x\n", "a.yaml:1:1", "a thing is a list", "title");
	refused("title: x\ntitle: y\n", "a.yaml:2:1", "there twice", "");
	refused("title: [\n", "a.yaml:2:1", "", "brackets");
	refused("  # only words\n\n", "a.yaml", "nothing in it", "YAML");
}

TEST(files_are_read_or_named)
{
	struct document *document = NULL;
	struct mixd_error err = {0};
	char folder[] = "/tmp/mixd-document-XXXXXX", path[64];
	FILE *file;

	CHECK(mkdtemp(folder) != NULL);
	CHECK(document_read(folder, "it", &document, &err) < 0 && err.code == ERROR_INVALID);
	snprintf(path, sizeof(path), "%s/a.yaml", folder);
	CHECK(document_read(path, "it", &document, &err) < 0 && err.code == ERROR_NOT_FOUND);
	CHECK_STR(err.address, "it");
	file = fopen(path, "w");
	CHECK(file && fputs("title: x\n", file) >= 0 && fclose(file) == 0);
	CHECK(document_read(path, "it", &document, &err) == 0, "%s", err.text);
	CHECK_STR(document->folder, folder);
	CHECK_STR(document->name, "it");
	document = document_free(document);
	CHECK(truncate(path, SESSION_SIZE_MAX + 1) == 0);
	CHECK(document_read(path, "it", &document, &err) < 0 && err.code == ERROR_INVALID);
	unlink(path);
	rmdir(folder);
}
