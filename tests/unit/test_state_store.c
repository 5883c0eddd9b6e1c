/* test_state_store.c - what is acknowledged is there afterwards: restarts, and damage to files. */
#include "state_keeper.h"

TEST(nothing_is_found_in_a_new_folder)
{
	struct keeper *keeper;

	keeper_make_folder();
	keeper = keeper_open(&state_io_system);
	CHECK(keeper->open_result == 0 && !keeper->found && !*keeper->report);
	CHECK(keeper_exists("journal"));
	keeper_close(keeper);
	keeper_remove_folder();
}

TEST(state_history_and_undo_survive_a_restart)
{
	struct instance_request request = {.by = "test"};
	struct instance_result result = {0};
	struct keeper *keeper;

	keeper_make_folder();
	keeper = keeper_open(&state_io_system);
	CHECK(keeper_add(keeper, "a") == 0 && keeper_add(keeper, "b") == 0);
	CHECK(keeper_set(keeper, 300) == 0 && keeper_set(keeper, 400) == 0);
	keeper_close(keeper);
	keeper = keeper_open(&state_io_system);
	CHECK(keeper->found && instance_revision(keeper->instance) == 5 && !*keeper->report);
	CHECK_NEAR(keeper_gain(keeper), -4, 0);
	CHECK_STR(instance_history(keeper->instance, 0)->by, "test");
	CHECK(instance_history(keeper->instance, 3)->revision == 2);
	CHECK(instance_undo(keeper->instance, 1, &request, &result, &keeper->error) == 0, "%s",
	      keeper->error.text);
	instance_result_done(&result);
	CHECK_NEAR(keeper_gain(keeper), -3, 0);
	keeper_close(keeper);
	keeper = keeper_open(&state_io_system);
	CHECK(instance_revision(keeper->instance) == 6);
	CHECK_NEAR(keeper_gain(keeper), -3, 0);
	keeper_close(keeper);
	keeper_remove_folder();
}

TEST(rotation_keeps_state_and_history)
{
	struct keeper *keeper;
	uint64_t last = 0;

	keeper_make_folder();
	keeper = keeper_open(&state_io_system);
	CHECK(keeper_add(keeper, "a") == 0);
	for (uint64_t i = 1; i <= 1500; i++, last = i - 1)
		CHECK(keeper_set(keeper, i) == 0, "%s", keeper->error.text);
	keeper_close(keeper);
	CHECK(keeper_exists("snapshot") && keeper_exists("snapshot.1") &&
	      keeper_exists("journal.1"));
	keeper = keeper_open(&state_io_system);
	CHECK(instance_revision(keeper->instance) == 1502 && !*keeper->report, "%s",
	      keeper->report);
	CHECK_NEAR(keeper_gain(keeper), keeper_gain_of(last), 0);
	CHECK(instance_history(keeper->instance, 900), "history goes back beyond the snapshot");
	keeper_close(keeper);
	keeper_remove_folder();
}

TEST(a_second_keeper_is_refused)
{
	struct keeper *first, *second;

	keeper_make_folder();
	first = keeper_open(&state_io_system);
	second = keeper_open(&state_io_system);
	CHECK(second->open_result == -EBUSY && second->error.code == ERROR_CONFLICT);
	keeper_close(second);
	keeper_close(first);
	keeper_remove_folder();
}

/* A small journal: revisions 2 (add a), 3, 4, 5. */
static uint8_t *small_journal(size_t *ret_size, size_t ends[5])
{
	struct keeper *keeper;
	struct stat info;
	char path[128];

	keeper_make_folder();
	snprintf(path, sizeof(path), "%s/journal", keeper_folder);
	keeper = keeper_open(&state_io_system);
	for (int i = 0; i < 5; i++) {
		if (i)
			CHECK((i == 1 ? keeper_add(keeper, "a") : keeper_set(keeper, i)) == 0);
		CHECK(stat(path, &info) == 0);
		ends[i] = (size_t)info.st_size;
	}
	keeper_close(keeper);
	return keeper_slurp("journal", ret_size);
}

TEST(every_truncation_keeps_what_is_whole_and_goes_on)
{
	size_t size, ends[5];
	uint8_t *bytes = small_journal(&size, ends);

	keeper_disk.fast = true;
	CHECK(size == ends[4]);
	for (size_t cut = ends[0]; cut <= size; cut++) {
		struct keeper *keeper;
		uint64_t whole = 1;

		while (whole < 5 && ends[whole] <= cut)
			whole++;
		keeper_remove_folder();
		mkdir(keeper_folder, 0700);
		keeper_spill("journal", bytes, cut);
		keeper = keeper_open(&keeper_disk_io);
		CHECK(instance_revision(keeper->instance) == whole, "cut at %zu: %llu, want %llu",
		      cut, (unsigned long long)instance_revision(keeper->instance),
		      (unsigned long long)whole);
		CHECK((*keeper->report != 0) == (cut != ends[whole - 1]), "cut at %zu: %s", cut,
		      keeper->report);
		CHECK(keeper_add(keeper, "z") == 0);
		keeper_close(keeper);
		keeper = keeper_open(&keeper_disk_io);
		CHECK(instance_revision(keeper->instance) == whole + 1 && !*keeper->report,
		      "cut at %zu, again: %s", cut, keeper->report);
		keeper_close(keeper);
	}
	free(bytes);
	keeper_remove_folder();
}

/* Whether the damaged journal, or nothing at all, can still be found. */
static bool kept_aside(void)
{
	return keeper_exists("journal.damaged.1");
}

TEST(every_bit_flip_of_a_journal_is_survived_and_told)
{
	size_t size, ends[5];
	uint8_t *bytes = small_journal(&size, ends);

	keeper_disk.fast = true;
	for (size_t bit = 0; bit < size * 8; bit++) {
		size_t at = bit / 8;
		uint64_t whole = 1, revision;
		struct keeper *keeper;

		/* A hit head loses nothing: the records stand for themselves. */
		while (whole < 5 && (at < ends[0] || ends[whole] <= at))
			whole++;
		keeper_remove_folder();
		mkdir(keeper_folder, 0700);
		bytes[at] ^= (uint8_t)(1u << bit % 8);
		keeper_spill("journal", bytes, size);
		bytes[at] ^= (uint8_t)(1u << bit % 8);
		keeper = keeper_open(&keeper_disk_io);
		CHECK(keeper->open_result == 0, "bit %zu: %s", bit, keeper->error.text);
		revision = instance_revision(keeper->instance);
		CHECK(revision == whole, "bit %zu: revision %llu, want %llu", bit,
		      (unsigned long long)revision, (unsigned long long)whole);
		CHECK(*keeper->report, "bit %zu: nothing was said", bit);
		CHECK(kept_aside() || strstr(keeper->report, "cut"), "bit %zu: %s", bit,
		      keeper->report);
		CHECK(keeper_add(keeper, "z") == 0, "bit %zu: %s", bit, keeper->error.text);
		keeper_close(keeper);
		keeper = keeper_open(&keeper_disk_io);
		CHECK(instance_revision(keeper->instance) == whole + 1 && !*keeper->report,
		      "bit %zu, again: %s", bit, keeper->report);
		keeper_close(keeper);
	}
	test_note("%zu flips", size * 8);
	free(bytes);
	keeper_remove_folder();
}

TEST(a_corrupt_snapshot_falls_back_one_generation_and_loses_nothing)
{
	struct keeper *keeper;
	size_t size;
	uint8_t *bytes;

	keeper_make_folder();
	keeper = keeper_open(&state_io_system);
	CHECK(keeper_add(keeper, "a") == 0);
	for (uint64_t i = 1; i <= 1100; i++)
		CHECK(keeper_set(keeper, i) == 0);
	keeper_close(keeper);
	bytes = keeper_slurp("snapshot", &size);
	bytes[size / 2] ^= 4;
	keeper_spill("snapshot", bytes, size);
	free(bytes);
	keeper = keeper_open(&state_io_system);
	CHECK(instance_revision(keeper->instance) == 1102, "revision %llu: %s",
	      (unsigned long long)instance_revision(keeper->instance), keeper->report);
	CHECK_NEAR(keeper_gain(keeper), keeper_gain_of(1100), 0);
	CHECK(strstr(keeper->report, "snapshot is damaged") && keeper_exists("snapshot.damaged.1"));
	keeper_close(keeper);
	keeper_remove_folder();
}

TEST(a_corrupt_middle_behind_a_snapshot_falls_back_and_says_what_is_lost)
{
	struct keeper *keeper;
	size_t size;
	uint8_t *bytes;

	keeper_make_folder();
	keeper = keeper_open(&state_io_system);
	CHECK(keeper_add(keeper, "a") == 0);
	for (uint64_t i = 1; i <= 600; i++)
		CHECK(keeper_set(keeper, i) == 0);
	keeper_close(keeper);
	bytes = keeper_slurp("journal", &size);
	bytes[size / 2] ^= 4;
	keeper_spill("journal", bytes, size);
	free(bytes);
	keeper = keeper_open(&state_io_system);
	CHECK(instance_revision(keeper->instance) > 513 &&
	      instance_revision(keeper->instance) < 602);
	CHECK(strstr(keeper->report, "to 602 are lost"), "%s", keeper->report);
	CHECK_NEAR(keeper_gain(keeper), keeper_gain_of(instance_revision(keeper->instance) - 2), 0);
	CHECK(kept_aside());
	keeper_close(keeper);
	keeper_remove_folder();
}

TEST(a_newer_format_is_refused_and_left_alone)
{
	size_t size, after, ends[5];
	uint8_t *bytes = small_journal(&size, ends), *still;
	struct keeper *keeper;

	bytes[8] = 9; /* the version; its checksum as a newer mixd would write it */
	{
		extern uint32_t state_crc(uint32_t crc, const void *data, size_t n);
		uint32_t crc = state_crc(0, bytes, 28);

		for (int i = 0; i < 4; i++)
			bytes[28 + i] = (uint8_t)(crc >> (8 * i));
	}
	keeper_spill("journal", bytes, size);
	keeper = keeper_open(&state_io_system);
	CHECK(keeper->open_result == -EPROTONOSUPPORT && strstr(keeper->error.text, "newer"), "%s",
	      keeper->error.text);
	keeper_close(keeper);
	still = keeper_slurp("journal", &after);
	CHECK(after == size && memcmp(still, bytes, size) == 0);
	free(still);
	free(bytes);
	keeper_remove_folder();
}
