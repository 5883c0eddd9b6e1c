/* test_media_layout.c - places of channels, in the words of files and in ours. */
#include "media_layout.h"

#include <sndfile.h>

#include "graph_layout.h"
#include "test.h"

#define FRONT MIXD_POS_FL, MIXD_POS_FR

static const char *named(const uint8_t *position, uint32_t n, uint8_t *from)
{
	const struct mixd_layout *layout = media_layout_by_positions(position, n, from);

	return layout ? layout->name : "none";
}

TEST(media_layout_by_count)
{
	static const char *const want[] = {"mono", "stereo", "3.0", "quad",  "5.0",  "5.1",
					   "6.1",  "7.1",    "9ch", "7.1.2", "11ch", "7.1.4"};

	for (uint32_t n = 1; n <= 12; n++)
		CHECK_STR(media_layout_by_count(n)->name, want[n - 1]);
	CHECK_STR(media_layout_by_count(64)->name, "64ch");
	CHECK_STR(media_layout_discrete(2)->name, "2ch");
}

TEST(media_layout_positions_in_any_order)
{
	static const uint8_t vorbis[] = {MIXD_POS_FL, MIXD_POS_FC, MIXD_POS_FR,
					 MIXD_POS_RL, MIXD_POS_RR, MIXD_POS_LFE};
	static const uint8_t twice[] = {FRONT, MIXD_POS_FC, MIXD_POS_LFE, MIXD_POS_SL, MIXD_POS_SL};
	static const uint8_t side_quad[] = {FRONT, MIXD_POS_SL, MIXD_POS_SR};
	static const uint8_t centre[] = {MIXD_POS_FC}, odd[] = {MIXD_POS_FL, MIXD_POS_LFE};
	static const uint8_t want[] = {0, 2, 1, 5, 3, 4};
	uint8_t from[64];

	CHECK_STR(named(vorbis, 6, from), "5.1");
	CHECK(memcmp(from, want, 6) == 0);
	CHECK_STR(named(twice, 6, from), "none");
	CHECK_STR(named(side_quad, 4, from), "quad");
	CHECK_STR(named(centre, 1, from), "mono");
	CHECK_STR(named(odd, 2, from), "none");
	CHECK_STR(named(odd, 0, from), "none");
}

TEST(media_layout_masks_there_and_back)
{
	static const struct {
		const char *name;
		uint32_t mask; /* ksmedia.h */
	} rows[] = {{"mono", 0x4},	{"stereo", 0x3},   {"2.1", 0xb},       {"3.0", 0x7},
		    {"quad", 0x33},	{"5.0", 0x607},	   {"5.1", 0x60f},     {"6.1", 0x70f},
		    {"7.1", 0x63f},	{"5.1.2", 0x560f}, {"5.1.4", 0x2d60f}, {"7.1.2", 0x563f},
		    {"7.1.4", 0x2d63f}, {"5ch", 0}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct mixd_layout *layout = graph_layout_find(rows[i].name, NULL);
		uint8_t position[64], from[64];

		CHECK(media_layout_mask(layout) == rows[i].mask, "%s is %x", rows[i].name,
		      media_layout_mask(layout));
		if (!rows[i].mask) {
			CHECK(!media_layout_from_mask(0, layout->n_channels, position));
			continue;
		}
		CHECK(media_layout_from_mask(rows[i].mask, layout->n_channels, position));
		CHECK_STR(named(position, layout->n_channels, from), rows[i].name);
		for (uint32_t c = 0; c < layout->n_channels; c++)
			CHECK(from[c] == c);
		/* a mask of fewer places than channels says nothing */
		CHECK(!media_layout_from_mask(rows[i].mask, layout->n_channels + 1, position));
	}
	{
		uint8_t position[8], from[8];

		/* rear pairs without sides are surrounds */
		CHECK(media_layout_from_mask(0x3f, 6, position));
		CHECK_STR(named(position, 6, from), "5.1");
		CHECK(!media_layout_from_mask(0x803, 3, position)); /* top centre: no word */
	}
}

TEST(media_layout_maps_of_libsndfile)
{
	int map[64];
	uint8_t position[64], from[64];
	static const int front[] = {SF_CHANNEL_MAP_FRONT_LEFT, SF_CHANNEL_MAP_FRONT_RIGHT,
				    SF_CHANNEL_MAP_FRONT_CENTER};

	CHECK(media_layout_from_map(front, 3, position));
	CHECK_STR(named(position, 3, from), "3.0");
	CHECK(media_layout_to_map(graph_layout_find("5.1", NULL), map));
	CHECK(map[3] == SF_CHANNEL_MAP_LFE);
	CHECK(!media_layout_to_map(graph_layout_find("5ch", NULL), map));
	map[0] = SF_CHANNEL_MAP_AMBISONIC_B_W;
	CHECK(!media_layout_from_map(map, 1, position));
	CHECK(!media_layout_vorbis(graph_layout_find("5.1.2", NULL), from));
}
