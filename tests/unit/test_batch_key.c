/* test_batch_key.c - what an item of a batch reads: by contents, and by what stat() says of it. */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "batch.h"
#include "test.h"

#define FRESH_NS 2100000000 /* longer than files count as just changed */

static char folder[64];
static const struct mixd_job_verb verb = {.name = "check"};

static void put(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0, "%s", name);
}

static void begin(void)
{
	snprintf(folder, sizeof(folder), "%s", "/tmp/mixd-key-XXXXXX");
	CHECK(mkdtemp(folder) && chdir(folder) == 0, "no folder");
}

static void end(void)
{
	unlink("a.wav");
	unlink("b.wav");
	unlink("page.yaml");
	CHECK(chdir("/") == 0 && rmdir(folder) == 0, "something is left");
}

static void look(struct batch_item *item, bool reads)
{
	struct batch_hasher *hasher = batch_hasher_new(folder, reads);
	struct mixd_error err = {0};

	CHECK(hasher && batch_item_key(hasher, item, NULL, &err) == 0, "%s", err.text);
	batch_hasher_free(hasher);
}

TEST(key_follows_contents_and_names_in_texts)
{
	struct batch_item item = {.verb = &verb};
	char before[BATCH_HASH_SIZE];

	begin();
	put("page.yaml", "tracks: [a.wav, 'b.wav']\n");
	put("a.wav", "one");
	put("b.wav", "two");
	CHECK(batch_words_add(&item.inputs, "page.yaml") == 0);
	look(&item, true);
	memcpy(before, item.key, sizeof(before));
	put("b.wav", "two");
	look(&item, true);
	CHECK_STR(item.key, before);
	put("b.wav", "owt");
	look(&item, true);
	CHECK(strcmp(item.key, before) != 0, "a file that a text names has changed");
	batch_words_done(&item.inputs);
	end();
}

TEST(key_stamp_is_that_of_files_that_have_settled)
{
	const struct timespec settle = {FRESH_NS / 1000000000, FRESH_NS % 1000000000};
	struct batch_item item = {.verb = &verb};
	char stamp[BATCH_HASH_SIZE], key[BATCH_HASH_SIZE];

	begin();
	put("page.yaml", "a.wav b.wav\n");
	put("a.wav", "one");
	put("b.wav", "two");
	CHECK(batch_words_add(&item.inputs, "page.yaml") == 0);
	look(&item, true);
	memcpy(stamp, item.stamp, sizeof(stamp));
	memcpy(key, item.key, sizeof(key));
	look(&item, false);
	CHECK(strcmp(stamp, item.stamp) != 0, "what was just written may change again unseen");
	CHECK_STR(item.key, key);
	nanosleep(&settle, NULL);
	look(&item, true);
	memcpy(stamp, item.stamp, sizeof(stamp));
	look(&item, false);
	CHECK_STR(item.stamp, stamp);
	put("a.wav", "eno"); /* of the same length */
	look(&item, false);
	CHECK(strcmp(stamp, item.stamp) != 0, "a file that a text names has changed");
	batch_words_done(&item.inputs);
	end();
}

/* Four terabytes would be read for an hour. */
TEST(key_stamp_reads_no_sound)
{
	struct batch_item item = {.verb = &verb};
	char stamp[BATCH_HASH_SIZE];
	int fd;

	begin();
	fd = open("a.wav", O_CREAT | O_WRONLY, 0600);
	if (ftruncate(fd, (off_t)1 << 42) < 0) {
		close(fd);
		end();
		test_skip("files end at less than 4 TiB here");
	}
	CHECK(batch_words_add(&item.inputs, "a.wav") == 0);
	look(&item, false);
	CHECK(item.stamp[0] && !item.key[0]);
	memcpy(stamp, item.stamp, sizeof(stamp));
	CHECK(ftruncate(fd, ((off_t)1 << 42) + 1) == 0);
	close(fd);
	look(&item, false);
	CHECK(strcmp(stamp, item.stamp) != 0, "it has grown");
	batch_words_done(&item.inputs);
	end();
}
