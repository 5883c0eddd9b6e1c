/* test_disc.c - codes, rules, PQ records and CD-Text packs, against figures from public descriptions. */
#include "cdtext.h"
#include "latin1.h"
#include "pq.h"
#include "redbook.h"
#include "test.h"

static char *copy(const char *text)
{
	char *made = strdup(text);

	CHECK(made != NULL);
	return made;
}

static char *numbered(const char *text, uint32_t number)
{
	char made[120];

	snprintf(made, sizeof(made), "%s %u", text, number);
	return copy(made);
}

/* N tracks of SECONDS each, titled. */
static void make(struct disc *disc, uint32_t n, uint32_t seconds, const char *performer)
{
	char title[32];

	disc_init(disc);
	disc->text[DISC_TITLE] = copy("Album");
	for (uint32_t t = 0; t < n; t++) {
		struct disc_track *track = disc_add(disc);

		CHECK(track != NULL);
		snprintf(title, sizeof(title), "Number %u", t + 1);
		track->text[DISC_TITLE] = copy(title);
		track->text[DISC_PERFORMER] = performer ? copy(performer) : NULL;
		track->has_pregap = t == 0;
		track->n_indexes = 1;
		track->index[0] = DISC_PREGAP_SECTORS + t * seconds * DISC_SECTORS_PER_SECOND;
	}
	disc->lead_out = DISC_PREGAP_SECTORS + n * seconds * DISC_SECTORS_PER_SECOND;
}

TEST(upc_and_isrc)
{
	struct mixd_error err = {0};
	char upc[14], isrc[13];

	CHECK(disc_upc("4006381333931", upc, &err) == 0);
	CHECK(disc_upc("036000291452", upc, &err) == 0);
	CHECK_STR(upc, "0036000291452");
	CHECK(disc_upc("4006381333930", upc, &err) < 0 && strstr(err.hint, "would be 1"));
	CHECK(disc_upc("400638133393", upc, &err) < 0);
	CHECK(disc_upc("40063813339 1", upc, &err) < 0);
	CHECK(disc_isrc("us-abc-26-00001", isrc, &err) == 0);
	CHECK_STR(isrc, "USABC2600001");
	CHECK(disc_isrc("USABC260000", isrc, &err) < 0);
	CHECK(disc_isrc("USABC26000011", isrc, &err) < 0);
	CHECK(disc_isrc("U1ABC2600001", isrc, &err) < 0);
	CHECK(disc_isrc("USABC26O0001", isrc, &err) < 0);
	CHECK(disc_isrc("USÄBC2600001", isrc, &err) < 0);
	CHECK(disc_genre("rhythm & blues", &err) == 0x18 && disc_genre("Roc Music", &err) == 0);
	CHECK(strstr(err.hint, "Rock Music") != NULL);
	CHECK(disc_language("DE") == 8 && disc_language("xx") == 0);
}

TEST(latin1_both_ways)
{
	struct latin1_fault fault;
	char bytes[32], *text;

	CHECK(latin1_from_utf8("Höhe é", bytes, sizeof(bytes), &fault));
	CHECK(memcmp(bytes, "H\xf6he \xe9", 7) == 0);
	text = latin1_to_utf8(bytes, 6);
	CHECK_STR(text, "Höhe é");
	free(text);
	CHECK(!latin1_from_utf8("a’", bytes, sizeof(bytes), &fault));
	CHECK(fault.codepoint == 0x2019);
	CHECK_STR(fault.instead, "'");
	CHECK(!latin1_from_utf8("\xc3", bytes, sizeof(bytes), &fault) && fault.codepoint == 0);
	CHECK(!latin1_from_utf8("\xc0\x80", bytes, sizeof(bytes), &fault));
	CHECK(!latin1_from_utf8("\xed\xa0\x80", bytes, sizeof(bytes), &fault));
	CHECK(!latin1_from_utf8("\t", bytes, sizeof(bytes), &fault));
	latin1_plain("Łódź – „x“…\xff", bytes, sizeof(bytes));
	CHECK_STR(bytes, "Lódz - \"x\"...?");
}

/* Packs of Sony's example as libburn's doc/cdtext.txt quotes them. */
TEST(crc_of_packs)
{
	static const uint8_t packs[][18] = {
		{0x8f, 0x00, 0x2a, 0x00, 0x01, 0x01, 0x03, 0x00, 0x06, 0x05, 0x04, 0x05, 0x07, 0x06,
		 0x01, 0x02, 0x48, 0x65},
		{0x8f, 0x01, 0x2b, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x06, 0x03, 0x2c, 0x00,
		 0x00, 0x00, 0xc0, 0x20},
		{0x8f, 0x02, 0x2c, 0x00, 0x00, 0x00, 0x00, 0x00, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00,
		 0x00, 0x00, 0x11, 0x45},
		{0x88, 0x00, 0x23, 0x00, 0x01, 0x0e, 0x00, 0x3f, 0x02, 0x12, 0x00, 0x00, 0x00, 0x00,
		 0x00, 0x00, 0x12, 0x00},
	};

	for (size_t i = 0; i < sizeof(packs) / sizeof(packs[0]); i++)
		CHECK(cdtext_crc(packs[i]) == (packs[i][16] << 8 | packs[i][17]), "pack %zu", i);
}

TEST(pq_as_described)
{
	struct disc disc, back;
	struct mixd_error err = {0};
	char *bytes = NULL;
	size_t size = 0;

	make(&disc, 2, 10, NULL);
	strcpy(disc.upc, "0123456789012");
	strcpy(disc.track[0].isrc, "USABC1234567");
	disc.track[1].has_pregap = true;
	disc.track[1].pregap = 750;
	disc.track[1].flags = DISC_DCP | DISC_PRE;
	CHECK(pq_encode(&disc, &bytes, &size) == 0 && size == 7 * (size_t)PQ_RECORD);
	CHECK(memcmp(bytes, "VVVS0000  00000001              0123456789012 ", 46) == 0);
	CHECK(memcmp(bytes + 64, "VVVS0100  00000001  USABC1234567 ", 33) == 0);
	CHECK(memcmp(bytes + 128, "VVVS0101  00020001              ", 32) == 0);
	CHECK(memcmp(bytes + 192, "VVVS0200  00100031 ", 19) == 0);
	CHECK(memcmp(bytes + 256, "VVVS0201  00120031 ", 19) == 0);
	CHECK(memcmp(bytes + 320, "VVVSAA01  00220001 ", 19) == 0);
	CHECK(memcmp(bytes + 320, bytes + 384, 64) == 0);
	disc_init(&back);
	CHECK(pq_decode(bytes, size, &back, NULL, NULL, &err) == 0);
	CHECK(back.n_tracks == 2 && back.lead_out == disc.lead_out && back.track[1].flags == 3);
	CHECK(back.track[1].pregap == 750 && back.track[1].index[0] == 900);
	CHECK_STR(back.track[0].isrc, "USABC1234567");
	free(bytes);
	disc_done(&back);
	disc_done(&disc);
}

static uint32_t n_faults;

static void count(void *data, uint32_t idx, const char *text)
{
	n_faults++;
	test_note("%u: %s", idx, text);
}

TEST(cdtext_shrinks_and_comes_back)
{
	static const char *const performer = "An Orchestra of Considerable Length";
	struct disc disc, back;
	struct cdtext_stats stats;
	struct mixd_error err = {0};
	uint8_t *bytes = NULL;
	size_t size = 0;

	make(&disc, 99, 5, performer);
	make(&back, 99, 5, NULL);
	CHECK(cdtext_encode(&disc, &bytes, &size, &stats, &err) == 0, "%s", err.text);
	CHECK(stats.is_shortened && stats.n_packs * CDTEXT_PACK == size);
	n_faults = 0;
	CHECK(cdtext_decode(bytes, size, &back, count, NULL, NULL, &err) == 0 && n_faults == 0);
	CHECK_STR(back.track[98].text[DISC_PERFORMER], performer);
	CHECK_STR(back.track[98].text[DISC_TITLE], "Number 99");
	bytes[40] ^= 1;
	CHECK(cdtext_decode(bytes, size, &back, count, NULL, NULL, &err) == 0 && n_faults == 1);
	free(bytes);
	disc_done(&back);
	for (uint32_t t = 0; t < 99; t++) { /* all different: too much */
		free(disc.track[t].text[DISC_PERFORMER]);
		disc.track[t].text[DISC_PERFORMER] = numbered(performer, t);
	}
	CHECK(cdtext_encode(&disc, &bytes, &size, &stats, &err) < 0 && !bytes);
	CHECK(strstr(err.text, "has room for 256") && strstr(err.hint, "shorten about"));
	disc_done(&disc);
	disc_init(&disc);
	CHECK(cdtext_encode(&disc, &bytes, &size, &stats, &err) == 0 && !bytes && !size);
}

/* Every length of two titles: strings that end at, before and behind the edges of packs. */
TEST(cdtext_at_every_edge)
{
	for (uint32_t a = 0; a < 30; a++)
		for (uint32_t b = 1; b < 30; b++) {
			struct disc disc, back;
			struct mixd_error err = {0};
			char text[2][32] = {""};
			uint8_t *bytes = NULL;
			size_t size = 0;

			make(&disc, 2, 5, NULL);
			make(&back, 2, 5, NULL);
			memset(text[0], 'a', a);
			memset(text[1], 'b', b);
			for (int t = 0; t < 2; t++) {
				free(disc.track[t].text[DISC_TITLE]);
				free(back.track[t].text[DISC_TITLE]);
				disc.track[t].text[DISC_TITLE] = copy(text[t]);
				back.track[t].text[DISC_TITLE] = NULL;
			}
			n_faults = 0;
			CHECK(cdtext_encode(&disc, &bytes, &size, NULL, &err) == 0);
			CHECK(cdtext_decode(bytes, size, &back, count, NULL, NULL, &err) == 0);
			CHECK(n_faults == 0);
			CHECK(a ? strcmp(back.track[0].text[DISC_TITLE], text[0]) == 0
				: !back.track[0].text[DISC_TITLE]);
			CHECK_STR(back.track[1].text[DISC_TITLE], text[1]);
			free(bytes);
			disc_done(&disc);
			disc_done(&back);
		}
}

TEST(rules_of_the_disc)
{
	struct disc disc;

	make(&disc, 3, 4, NULL);
	CHECK(redbook_check(&disc, REDBOOK_80MIN, NULL, NULL) == 0);
	disc.track[1].index[0]++; /* 299 sectors are left for it */
	CHECK(redbook_check(&disc, REDBOOK_80MIN, NULL, NULL) == 1);
	disc.track[1].index[0]--;
	disc.track[0].index[0]--;
	CHECK(redbook_check(&disc, REDBOOK_80MIN, NULL, NULL) == 1);
	disc.track[0].index[0]++;
	disc.track[1].flags = DISC_DCP | DISC_SCMS;
	CHECK(redbook_check(&disc, REDBOOK_80MIN, NULL, NULL) == 1);
	disc.track[1].flags = 0;
	disc.track[2].has_pregap = true;
	disc.track[2].pregap = disc.track[2].index[0];
	CHECK(redbook_check(&disc, REDBOOK_80MIN, NULL, NULL) == 1);
	disc.track[2].has_pregap = false;
	disc.track[2].index[1] = disc.track[2].index[0];
	disc.track[2].n_indexes = 2;
	CHECK(redbook_check(&disc, REDBOOK_80MIN, NULL, NULL) == 1);
	disc.track[2].index[1] = disc.lead_out;
	CHECK(redbook_check(&disc, REDBOOK_80MIN, NULL, NULL) == 1);
	disc.track[2].n_indexes = 1;
	for (int i = 0; i < 3; i++) { /* each limit from both sides */
		disc.lead_out = redbook_limit((enum redbook_media)i);
		CHECK(redbook_check(&disc, (enum redbook_media)i, NULL, NULL) == 0);
		disc.lead_out++;
		CHECK(redbook_check(&disc, (enum redbook_media)i, NULL, NULL) == 1);
	}
	disc_done(&disc);
	CHECK(redbook_check(&disc, REDBOOK_NONE, NULL, NULL) == 1);
}
