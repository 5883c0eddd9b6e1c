/* test_media_tags.c - the list of what a file says of itself. */
#include "media.h"

#include "test.h"

TEST(media_tags_texts)
{
	struct media_tags tags;

	media_tags_init(&tags);
	CHECK(isnan(tags.loudness.integrated) && isnan(tags.loudness.album_true_peak));
	CHECK(!media_tags_get(&tags, "TITLE"));
	CHECK(media_tags_set(&tags, "title", "One") == 0);
	CHECK(media_tags_add(&tags, "Artist", "A") == 0);
	CHECK(media_tags_add(&tags, "ARTIST", "B") == 0);
	CHECK_STR(tags.text[0].name, "TITLE");
	CHECK_STR(media_tags_get(&tags, "Title"), "One");
	CHECK_STR(media_tags_get(&tags, "artist"), "A");
	CHECK(tags.n_text == 3);
	CHECK(media_tags_set(&tags, "artist", "C") == 0 && tags.n_text == 2);
	CHECK_STR(media_tags_get(&tags, "ARTIST"), "C");
	CHECK(media_tags_set(&tags, "ARTIST", media_tags_get(&tags, "ARTIST")) == 0);
	CHECK_STR(media_tags_get(&tags, "ARTIST"), "C");
	CHECK(media_tags_set(&tags, "ARTIST", "") == 0 && tags.n_text == 1);
	CHECK(media_tags_add(&tags, "ARTIST", NULL) == 0 && tags.n_text == 1);
	CHECK(media_tags_set(&tags, "TITLE", NULL) == 0 && tags.n_text == 0);
	media_tags_done(&tags);
	media_tags_done(&tags);
	media_tags_done(NULL);
}

TEST(media_tags_marks_are_in_order)
{
	static const int64_t at[] = {500, 0, 900, 500, 100};
	static const char *const want[] = {"1", "4", "0", "3", "2"};
	struct media_tags tags;

	media_tags_init(&tags);
	for (int i = 0; i < 5; i++)
		CHECK(media_tags_mark(&tags, at[i], 10 * i, (char[]){(char)('0' + i), 0}) == 0);
	CHECK(media_tags_mark(&tags, 2000, 0, NULL) == 0);
	CHECK(tags.n_marks == 6 && !tags.mark[5].name);
	for (int i = 0; i < 5; i++)
		CHECK_STR(tags.mark[i].name, want[i]);
	media_tags_done(&tags);
}

TEST(media_tags_copy_is_its_own)
{
	struct media_tags tags, copy;
	uint8_t picture[3] = {1, 2, 3};

	media_tags_init(&tags);
	CHECK(media_tags_set(&tags, "TITLE", "One") == 0);
	CHECK(media_tags_add(&tags, "GENRE", "Noise") == 0);
	CHECK(media_tags_add(&tags, "GENRE", "Hum") == 0);
	CHECK(media_tags_mark(&tags, 7, 8, "Intro") == 0);
	tags.bext.is_set = true;
	strcpy(tags.bext.description, "words");
	tags.bext.coding_history = strdup("A=PCM");
	tags.loudness.integrated = -14;
	tags.replay_gain = true;
	tags.picture = malloc(3);
	memcpy(tags.picture, picture, 3);
	tags.picture_bytes = 3;
	tags.ixml = strdup("<BWFXML/>");
	CHECK(media_tags_copy(&copy, &tags) == 0);
	media_tags_done(&tags);
	CHECK(copy.n_text == 3 && copy.n_marks == 1 && copy.replay_gain && !copy.sound_check);
	CHECK_STR(media_tags_get(&copy, "TITLE"), "One");
	CHECK_STR(copy.text[2].value, "Hum");
	CHECK_STR(copy.mark[0].name, "Intro");
	CHECK(copy.mark[0].frame == 7 && copy.mark[0].length == 8);
	CHECK_STR(copy.bext.description, "words");
	CHECK_STR(copy.bext.coding_history, "A=PCM");
	CHECK_STR(copy.ixml, "<BWFXML/>");
	CHECK(copy.loudness.integrated == -14 && isnan(copy.loudness.range));
	CHECK(copy.picture_bytes == 3 && memcmp(copy.picture, picture, 3) == 0);
	media_tags_done(&copy);
}
