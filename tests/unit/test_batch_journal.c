/* test_batch_journal.c - the journal of a batch cut at every byte, parts of a whole, words and paths. */
#include <unistd.h>

#include "batch.h"
#include "test.h"

static char folder[64];

static void begin(void)
{
	snprintf(folder, sizeof(folder), "%s", "/tmp/mixd-batch-XXXXXX");
	CHECK(mkdtemp(folder), "no folder");
	CHECK(chdir(folder) == 0, "cannot enter it");
}

static void end(void)
{
	unlink("j");
	unlink("j.2of2");
	CHECK(chdir("/") == 0 && rmdir(folder) == 0, "something is left");
}

static void add(struct batch_journal *journal, int i, const char *state)
{
	struct mixd_error err = {0};
	char key[8], id[24];

	snprintf(key, sizeof(key), "k%d", i);
	snprintf(id, sizeof(id), "%016d", i);
	CHECK(batch_journal_add(journal,
				json_pack("{s:s, s:s, s:s}", "key", key, "id", id, "state", state),
				&err) == 0,
	      "%s", err.text);
}

static struct batch_journal *opened(const char *suffix, bool dry)
{
	struct batch_journal *journal = NULL;
	struct mixd_error err = {0};

	CHECK(batch_journal_open("j", suffix, dry, &journal, &err) == 0, "%s: %s", err.address,
	      err.text);
	return journal;
}

TEST(journal_cut_at_every_byte_keeps_whole_lines)
{
	struct batch_journal *journal;
	char text[1024];
	size_t size;
	FILE *file;

	begin();
	journal = opened("", false);
	for (int i = 0; i < 4; i++)
		add(journal, i, i == 2 ? "failed" : "done");
	batch_journal_free(journal);
	file = fopen("j", "r");
	size = fread(text, 1, sizeof(text), file);
	fclose(file);
	for (size_t cut = 0; cut <= size; cut++) {
		int n_lines = 0;

		file = fopen("j", "w");
		fwrite(text, 1, cut, file);
		fclose(file);
		for (size_t i = 0; i < cut; i++)
			n_lines += text[i] == '\n';
		journal = opened("", false);
		for (int i = 0; i < 4; i++) {
			char key[8];

			snprintf(key, sizeof(key), "k%d", i);
			CHECK((batch_journal_find(journal, key) != NULL) ==
				      (i != 2 && n_lines > i + 1),
			      "cut at %zu: item %d", cut, i);
		}
		add(journal, 9, "done");
		batch_journal_free(journal);
		journal = opened("", true);
		CHECK(batch_journal_find(journal, "k9"), "cut at %zu: what came after", cut);
		batch_journal_free(journal);
	}
	end();
}

TEST(journal_is_locked_and_shards_read_each_other)
{
	struct batch_journal *one, *two = NULL, *other;
	struct mixd_error err = {0};

	begin();
	one = opened("", false);
	CHECK(batch_journal_open("j", "", false, &two, &err) == -EBUSY, "it was not locked");
	CHECK(err.code == ERROR_CONFLICT && *err.hint, "%s", err.text);
	other = opened("2of2", false);
	add(other, 5, "done");
	add(one, 6, "failed");
	CHECK(!batch_journal_find(one, "k5") && !batch_journal_find(one, "k6"), "too much");
	CHECK(batch_journal_last(one, 6), "a failure is remembered by its id");
	batch_journal_free(one);
	batch_journal_free(other);
	one = opened("", true);
	CHECK(batch_journal_find(one, "k5"), "the other shard's item");
	batch_journal_free(one);
	end();
}

TEST(shards_are_even_and_whole)
{
	uint32_t count[7] = {0}, shard, n;
	struct mixd_error err;

	for (int i = 0; i < 7000; i++) {
		struct mixd_job_verb verb = {.name = "check"};
		struct batch_item item = {.verb = &verb};
		char word[16];

		snprintf(word, sizeof(word), "t%d.wav", i);
		CHECK(batch_words_add(&item.args, word) == 0, "memory");
		batch_item_id(&item);
		shard = batch_item_shard(&item, 7);
		CHECK(shard >= 1 && shard <= 7, "%u", shard);
		CHECK(shard == batch_item_shard(&item, 7), "it moved");
		count[shard - 1]++;
		batch_words_done(&item.args);
	}
	for (int i = 0; i < 7; i++) /* binomial: 1000 +- 29; six of that */
		CHECK_NEAR(count[i], 1000, 176);
	CHECK(batch_shard_read("3/8", &shard, &n, &err) == 0 && shard == 3 && n == 8, "3/8");
	CHECK(batch_shard_read("9/8", &shard, &n, &err) < 0, "9/8");
	CHECK(batch_shard_read(" 1/2", &shard, &n, &err) < 0, "a space");
}

TEST(paths_are_cleaned)
{
	static const char *const table[][3] = {
		{"/a", "b", "/a/b"},	       {"/a", "../b", "/b"}, {"/a", "./b//c/.", "/a/b/c"},
		{"/a", "/x/../y", "/y"},       {"/", "b", "/b"},     {"/a", "../../..", "/"},
		{"/a/b", "c/../../d", "/a/d"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *path = batch_clean_path(table[i][0], table[i][1]);

		CHECK_STR(path, table[i][2]);
		free(path);
	}
}

TEST(words_are_split_as_a_shell_does)
{
	struct batch_words words = {0};
	struct mixd_error err = {0};

	CHECK(batch_words_split(&words, "  a 'b c'\\ d \"e\\\"f\" '' ", &err) == 0, "%s", err.text);
	CHECK(words.n == 4, "%u words", words.n);
	CHECK_STR(words.word[1], "b c d");
	CHECK_STR(words.word[2], "e\"f");
	CHECK_STR(words.word[3], "");
	batch_words_done(&words);
	CHECK(batch_words_split(&words, "a \"b", &err) < 0, "an open quote");
	batch_words_done(&words);
}
