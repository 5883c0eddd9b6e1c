/* test_graph_layout.c - layouts by name. */
#include "graph_layout.h"
#include "test.h"

TEST(layout_names_are_found_and_sized)
{
	static const struct {
		const char *name;
		uint32_t n;
	} rows[] = {
		{"mono", 1},   {"stereo", 2}, {"2.1", 3},    {"3.0", 3}, {"quad", 4},
		{"5.0", 5},    {"5.1", 6},    {"6.1", 7},    {"7.1", 8}, {"5.1.2", 8},
		{"5.1.4", 10}, {"7.1.2", 10}, {"7.1.4", 12}, {"1ch", 1}, {"64ch", 64},
	};
	uint32_t n_names = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct mixd_layout *layout = graph_layout_find(rows[i].name, NULL);

		CHECK(layout && layout->n_channels == rows[i].n, "%s", rows[i].name);
		CHECK_STR(layout->name, rows[i].name);
		CHECK(layout == graph_layout_find(rows[i].name, NULL), "is always the same");
	}
	while (graph_layout_names()[n_names]) {
		CHECK(graph_layout_find(graph_layout_names()[n_names], NULL));
		n_names++;
	}
	CHECK(n_names == 13);
}

TEST(layout_positions_are_unique_and_named)
{
	for (uint32_t i = 0; graph_layout_names()[i]; i++) {
		const struct mixd_layout *layout = graph_layout_find(graph_layout_names()[i], NULL);

		for (uint32_t a = 0; a < layout->n_channels; a++) {
			char name[8];

			graph_layout_channel_name(layout, a, name);
			CHECK_STR(name, graph_position_name(layout->position[a]));
			for (uint32_t b = 0; b < a; b++)
				CHECK(layout->position[a] != layout->position[b], "%s",
				      layout->name);
		}
	}
}

TEST(layout_discrete_channels_are_numbered)
{
	char name[8];

	graph_layout_channel_name(graph_layout_find("12ch", NULL), 7, name);
	CHECK_STR(name, "AUX7");
	graph_layout_channel_name(graph_layout_find("mono", NULL), 0, name);
	CHECK_STR(name, "MONO");
	CHECK_STR(graph_position_name(255), "AUX");
}

TEST(layout_unknown_names_the_nearest)
{
	static const char *const bad[] = {"", "0ch", "65ch", "08ch", "ch", "2chs", "9999999999ch"};
	struct mixd_error err = {0};

	CHECK(!graph_layout_find("sterio", &err));
	CHECK(err.code == ERROR_INVALID && strstr(err.hint, "\"stereo\""), "%s", err.hint);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!graph_layout_find(bad[i], &err) && err.hint[0], "%s", bad[i]);
}
