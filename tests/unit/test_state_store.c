/* test_state_store.c - what is acknowledged is there afterwards: damage, full disks, kills. */
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_types.h"
#include "state_format.h"
#include "state_internal.h"

/* A daemon's worth of state: types, engine, instance, store. */
struct keeper {
	struct graph_types *types;
	struct engine *engine;
	struct instance *instance;
	struct state_store *store;
	bool found;
	char report[4096];
	int open_result;
	struct mixd_error error;
};

static char folder[64];

static void make_folder(void)
{
	strcpy(folder, "/tmp/mixd-state-XXXXXX");
	CHECK(mkdtemp(folder));
}

static void remove_folder(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(folder);
}

static int keeper_journal(void *data, const struct instance_commit *commit,
			  const struct graph_model *model, struct mixd_error *err)
{
	struct keeper *keeper = data;

	return state_store_append(keeper->store, commit, model, err);
}

static void keeper_report(void *data, const char *text)
{
	struct keeper *keeper = data;
	size_t n = strlen(keeper->report);

	snprintf(keeper->report + n, sizeof(keeper->report) - n, "%s\n", text);
}

/* ---- a disk that fails at the Nth operation ---- */

static struct {
	int countdown, fault;
	bool half; /* a write that fails has done half of it */
	bool fast; /* sync does nothing: what is tested is not the power cut */
} disk;

static bool disk_fails(void)
{
	return disk.countdown > 0 && --disk.countdown == 0;
}

static int disk_open(void *data, int folder_fd, const char *name, int flags)
{
	(void)data;
	return disk_fails() ? disk.fault : state_io_system.open(NULL, folder_fd, name, flags);
}

static ssize_t disk_write(void *data, int fd, const void *bytes, size_t size)
{
	(void)data;
	if (!disk_fails())
		return state_io_system.write(NULL, fd, bytes, size);
	if (disk.half && state_io_system.write(NULL, fd, bytes, size / 2) < 0)
		return -EIO;
	return disk.fault;
}

static int disk_sync(void *data, int fd)
{
	(void)data;
	if (disk.fast)
		return disk_fails() ? disk.fault : 0;
	return disk_fails() ? disk.fault : state_io_system.sync(NULL, fd);
}

static int disk_truncate(void *data, int fd, uint64_t size)
{
	(void)data;
	return disk_fails() ? disk.fault : state_io_system.truncate(NULL, fd, size);
}

static int disk_rename(void *data, int folder_fd, const char *from, const char *to)
{
	(void)data;
	return disk_fails() ? disk.fault : state_io_system.rename(NULL, folder_fd, from, to);
}

static int disk_unlink(void *data, int folder_fd, const char *name)
{
	(void)data;
	return disk_fails() ? disk.fault : state_io_system.unlink(NULL, folder_fd, name);
}

static const struct state_io disk_io = {NULL,	       disk_open,   disk_write, disk_sync,
					disk_truncate, disk_rename, disk_unlink};

static struct keeper *keeper_open(const struct state_io *io)
{
	struct engine_setup setup = {.rate = 48000, .offline = true};
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	struct instance_hooks hooks = {.data = keeper, .journal = keeper_journal};

	keeper->types = graph_types_new();
	for (uint32_t i = 0; i < FAKE_TYPES; i++)
		graph_types_add(keeper->types, fake_types[i], "fake", NULL);
	CHECK(engine_new(&setup, &keeper->engine, NULL) == 0);
	CHECK(instance_new("test", keeper->types, keeper->engine, &hooks, &keeper->instance,
			   NULL) == 0);
	keeper->open_result = state_store_open_io(folder, io, &keeper->store, &keeper->error);
	if (keeper->open_result == 0)
		keeper->open_result =
			state_store_restore(keeper->store, keeper->instance, &keeper->found,
					    keeper_report, keeper, &keeper->error);
	return keeper;
}

static void keeper_close(struct keeper *keeper)
{
	state_store_close(keeper->store);
	instance_free(keeper->instance);
	engine_free(keeper->engine);
	graph_types_free(keeper->types);
	free(keeper);
}

static int keeper_op(struct keeper *keeper, Mixd__V1__Op *op)
{
	struct instance_request request = {.ops = &op, .n_ops = 1, .by = "test"};
	struct instance_result result = {0};
	int r = instance_transact(keeper->instance, &request, &result, &keeper->error);

	instance_result_done(&result);
	return r;
}

static int keeper_add(struct keeper *keeper, const char *name)
{
	Mixd__V1__AddNode add = MIXD__V1__ADD_NODE__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT;

	add.name = (char *)(uintptr_t)name;
	add.type = (char *)fake_gain.id;
	op.op_case = MIXD__V1__OP__OP_ADD;
	op.add = &add;
	return keeper_op(keeper, &op);
}

/* Set a.gain to one of 2,000 values: the commit that is NUMBER. */
static int keeper_set(struct keeper *keeper, uint64_t number)
{
	Mixd__V1__Value value = MIXD__V1__VALUE__INIT;
	Mixd__V1__Set set = MIXD__V1__SET__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT;

	value.kind_case = MIXD__V1__VALUE__KIND_NUMBER;
	value.number = -(double)(number % 2000) / 100;
	set.address = (char *)"a.gain";
	set.value = &value;
	op.op_case = MIXD__V1__OP__OP_SET;
	op.set = &set;
	return keeper_op(keeper, &op);
}

static double keeper_gain(const struct keeper *keeper)
{
	struct graph_node *node = graph_model_node(instance_model(keeper->instance), "a");

	return node ? node->value[graph_type_param(node->type, "gain")] : NAN;
}

static double gain_of(uint64_t number)
{
	return -(double)(number % 2000) / 100;
}

static bool exists(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

static uint8_t *slurp(const char *name, size_t *ret_size)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY);
	uint8_t *bytes = NULL;

	state_io_read_file(fd, name, 1u << 26, &bytes, ret_size);
	close(fd);
	return bytes;
}

static void spill(const char *name, const uint8_t *bytes, size_t size)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	CHECK(file && fwrite(bytes, 1, size, file) == size);
	fclose(file);
}

TEST(nothing_is_found_in_a_new_folder)
{
	struct keeper *keeper;

	make_folder();
	keeper = keeper_open(&state_io_system);
	CHECK(keeper->open_result == 0 && !keeper->found && !*keeper->report);
	CHECK(exists("journal"));
	keeper_close(keeper);
	remove_folder();
}

TEST(state_history_and_undo_survive_a_restart)
{
	struct instance_request request = {.by = "test"};
	struct instance_result result = {0};
	struct keeper *keeper;

	make_folder();
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
	remove_folder();
}

TEST(rotation_keeps_state_and_history)
{
	struct keeper *keeper;
	uint64_t last = 0;

	make_folder();
	keeper = keeper_open(&state_io_system);
	CHECK(keeper_add(keeper, "a") == 0);
	for (uint64_t i = 1; i <= 1500; i++, last = i - 1)
		CHECK(keeper_set(keeper, i) == 0, "%s", keeper->error.text);
	keeper_close(keeper);
	CHECK(exists("snapshot") && exists("snapshot.1") && exists("journal.1"));
	keeper = keeper_open(&state_io_system);
	CHECK(instance_revision(keeper->instance) == 1502 && !*keeper->report, "%s",
	      keeper->report);
	CHECK_NEAR(keeper_gain(keeper), gain_of(last), 0);
	CHECK(instance_history(keeper->instance, 900), "history goes back beyond the snapshot");
	keeper_close(keeper);
	remove_folder();
}

TEST(a_second_keeper_is_refused)
{
	struct keeper *first, *second;

	make_folder();
	first = keeper_open(&state_io_system);
	second = keeper_open(&state_io_system);
	CHECK(second->open_result == -EBUSY && second->error.code == ERROR_CONFLICT);
	keeper_close(second);
	keeper_close(first);
	remove_folder();
}

/* A small journal: revisions 2 (add a), 3, 4, 5. */
static uint8_t *small_journal(size_t *ret_size, size_t ends[5])
{
	struct keeper *keeper;
	struct stat info;
	char path[128];

	make_folder();
	snprintf(path, sizeof(path), "%s/journal", folder);
	keeper = keeper_open(&state_io_system);
	for (int i = 0; i < 5; i++) {
		if (i)
			CHECK((i == 1 ? keeper_add(keeper, "a") : keeper_set(keeper, i)) == 0);
		CHECK(stat(path, &info) == 0);
		ends[i] = (size_t)info.st_size;
	}
	keeper_close(keeper);
	return slurp("journal", ret_size);
}

TEST(every_truncation_keeps_what_is_whole_and_goes_on)
{
	size_t size, ends[5];
	uint8_t *bytes = small_journal(&size, ends);

	disk.fast = true;
	CHECK(size == ends[4]);
	for (size_t cut = ends[0]; cut <= size; cut++) {
		struct keeper *keeper;
		uint64_t whole = 1;

		while (whole < 5 && ends[whole] <= cut)
			whole++;
		remove_folder();
		mkdir(folder, 0700);
		spill("journal", bytes, cut);
		keeper = keeper_open(&disk_io);
		CHECK(instance_revision(keeper->instance) == whole, "cut at %zu: %llu, want %llu",
		      cut, (unsigned long long)instance_revision(keeper->instance),
		      (unsigned long long)whole);
		CHECK((*keeper->report != 0) == (cut != ends[whole - 1]), "cut at %zu: %s", cut,
		      keeper->report);
		CHECK(keeper_add(keeper, "z") == 0);
		keeper_close(keeper);
		keeper = keeper_open(&disk_io);
		CHECK(instance_revision(keeper->instance) == whole + 1 && !*keeper->report,
		      "cut at %zu, again: %s", cut, keeper->report);
		keeper_close(keeper);
	}
	free(bytes);
	remove_folder();
}

/* Whether the damaged journal, or nothing at all, can still be found. */
static bool kept_aside(void)
{
	return exists("journal.damaged.1");
}

TEST(every_bit_flip_of_a_journal_is_survived_and_told)
{
	size_t size, ends[5];
	uint8_t *bytes = small_journal(&size, ends);

	disk.fast = true;
	for (size_t bit = 0; bit < size * 8; bit++) {
		size_t at = bit / 8;
		uint64_t whole = 1, revision;
		struct keeper *keeper;

		/* A hit head loses nothing: the records stand for themselves. */
		while (whole < 5 && (at < ends[0] || ends[whole] <= at))
			whole++;
		remove_folder();
		mkdir(folder, 0700);
		bytes[at] ^= (uint8_t)(1u << bit % 8);
		spill("journal", bytes, size);
		bytes[at] ^= (uint8_t)(1u << bit % 8);
		keeper = keeper_open(&disk_io);
		CHECK(keeper->open_result == 0, "bit %zu: %s", bit, keeper->error.text);
		revision = instance_revision(keeper->instance);
		CHECK(revision == whole, "bit %zu: revision %llu, want %llu", bit,
		      (unsigned long long)revision, (unsigned long long)whole);
		CHECK(*keeper->report, "bit %zu: nothing was said", bit);
		CHECK(kept_aside() || strstr(keeper->report, "cut"), "bit %zu: %s", bit,
		      keeper->report);
		CHECK(keeper_add(keeper, "z") == 0, "bit %zu: %s", bit, keeper->error.text);
		keeper_close(keeper);
		keeper = keeper_open(&disk_io);
		CHECK(instance_revision(keeper->instance) == whole + 1 && !*keeper->report,
		      "bit %zu, again: %s", bit, keeper->report);
		keeper_close(keeper);
	}
	test_note("%zu flips", size * 8);
	free(bytes);
	remove_folder();
}

TEST(a_corrupt_snapshot_falls_back_one_generation_and_loses_nothing)
{
	struct keeper *keeper;
	size_t size;
	uint8_t *bytes;

	make_folder();
	keeper = keeper_open(&state_io_system);
	CHECK(keeper_add(keeper, "a") == 0);
	for (uint64_t i = 1; i <= 1100; i++)
		CHECK(keeper_set(keeper, i) == 0);
	keeper_close(keeper);
	bytes = slurp("snapshot", &size);
	bytes[size / 2] ^= 4;
	spill("snapshot", bytes, size);
	free(bytes);
	keeper = keeper_open(&state_io_system);
	CHECK(instance_revision(keeper->instance) == 1102, "revision %llu: %s",
	      (unsigned long long)instance_revision(keeper->instance), keeper->report);
	CHECK_NEAR(keeper_gain(keeper), gain_of(1100), 0);
	CHECK(strstr(keeper->report, "snapshot is damaged") && exists("snapshot.damaged.1"));
	keeper_close(keeper);
	remove_folder();
}

TEST(a_corrupt_middle_behind_a_snapshot_falls_back_and_says_what_is_lost)
{
	struct keeper *keeper;
	size_t size;
	uint8_t *bytes;

	make_folder();
	keeper = keeper_open(&state_io_system);
	CHECK(keeper_add(keeper, "a") == 0);
	for (uint64_t i = 1; i <= 600; i++)
		CHECK(keeper_set(keeper, i) == 0);
	keeper_close(keeper);
	bytes = slurp("journal", &size);
	bytes[size / 2] ^= 4;
	spill("journal", bytes, size);
	free(bytes);
	keeper = keeper_open(&state_io_system);
	CHECK(instance_revision(keeper->instance) > 513 &&
	      instance_revision(keeper->instance) < 602);
	CHECK(strstr(keeper->report, "to 602 are lost"), "%s", keeper->report);
	CHECK_NEAR(keeper_gain(keeper), gain_of(instance_revision(keeper->instance) - 2), 0);
	CHECK(kept_aside());
	keeper_close(keeper);
	remove_folder();
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
	spill("journal", bytes, size);
	keeper = keeper_open(&state_io_system);
	CHECK(keeper->open_result == -EPROTONOSUPPORT && strstr(keeper->error.text, "newer"), "%s",
	      keeper->error.text);
	keeper_close(keeper);
	still = slurp("journal", &after);
	CHECK(after == size && memcmp(still, bytes, size) == 0);
	free(still);
	free(bytes);
	remove_folder();
}

/* One life with a fault at operation NTH: start, 3 commits, a rotation, 3 commits. What was
 * acknowledged must be there in the next life. Returns whether the fault struck. */
static bool faulty_life(int nth, int fault, bool half)
{
	struct keeper *keeper;
	uint64_t acknowledged = 0, number = 0;
	bool struck;

	remove_folder();
	mkdir(folder, 0700);
	disk.countdown = nth;
	disk.fault = fault;
	disk.half = half;
	disk.fast = true;
	keeper = keeper_open(&disk_io);
	if (keeper_add(keeper, "a") == 0)
		acknowledged = instance_revision(keeper->instance);
	for (int i = 0; acknowledged && i < 6; i++) {
		if (i == 3)
			for (int k = 0; k < (int)STATE_COMPACT_RECORDS; k++)
				if (keeper_set(keeper, 1000u + (unsigned)k) == 0) {
					acknowledged = instance_revision(keeper->instance);
					number = 1000u + (unsigned)k;
				}
		if (i == 3)
			state_store_compact(keeper->store, instance_model(keeper->instance),
					    instance_revision(keeper->instance));
		if (keeper_set(keeper, 100u + (unsigned)i) == 0) {
			acknowledged = instance_revision(keeper->instance);
			number = 100u + (unsigned)i;
		}
	}
	struck = disk.countdown == 0;
	disk.countdown = 0;
	keeper_close(keeper);
	keeper = keeper_open(&state_io_system);
	CHECK(!acknowledged || instance_revision(keeper->instance) == acknowledged,
	      "fault %d at operation %d: revision %llu, acknowledged %llu; %s", fault, nth,
	      (unsigned long long)instance_revision(keeper->instance),
	      (unsigned long long)acknowledged, keeper->report);
	if (number)
		CHECK_NEAR(keeper_gain(keeper), gain_of(number), 0);
	CHECK(keeper_add(keeper, "z") == 0, "%s", keeper->error.text);
	keeper_close(keeper);
	return struck;
}

TEST(a_disk_that_fails_once_loses_nothing_acknowledged)
{
	static const int faults[] = {-ENOSPC, -EIO};
	int n = 0;

	make_folder();
	for (int k = 0; k < 3; k++) {
		/* All early operations and the rotation; the stretch of equal writes in samples. */
		for (int nth = 1;; nth += nth > 12 && nth < 250 ? 17 : 1) {
			n++;
			if (!faulty_life(nth, faults[k & 1], k == 2))
				break;
		}
	}
	test_note("%d lives", n);
	remove_folder();
}

TEST(a_full_disk_refuses_and_recovers)
{
	struct keeper *keeper;

	make_folder();
	keeper = keeper_open(&disk_io);
	CHECK(keeper_add(keeper, "a") == 0);
	disk.countdown = 1;
	disk.fault = -ENOSPC;
	disk.half = true;
	CHECK(keeper_set(keeper, 5) < 0 && keeper->error.code == ERROR_RESOURCE);
	CHECK(strstr(keeper->error.hint, "space"), "%s", keeper->error.hint);
	CHECK_NEAR(keeper_gain(keeper), 0, 0);
	CHECK(keeper_set(keeper, 7) == 0 && instance_revision(keeper->instance) == 3);
	keeper_close(keeper);
	keeper = keeper_open(&state_io_system);
	CHECK(instance_revision(keeper->instance) == 3 && !*keeper->report, "%s", keeper->report);
	CHECK_NEAR(keeper_gain(keeper), gain_of(7), 0);
	keeper_close(keeper);
	remove_folder();
}

/* ---- kill -9 ---- */

/* Commits for ever; each acknowledged number goes through the pipe. */
static __attribute__((noreturn)) void writer(int pipe_fd)
{
	struct keeper *keeper = keeper_open(&state_io_system);
	uint64_t revision;

	if (!keeper->found && keeper_add(keeper, "a") < 0)
		_exit(1);
	for (;;) {
		if (keeper_set(keeper, instance_revision(keeper->instance)) < 0)
			_exit(1);
		revision = instance_revision(keeper->instance);
		if (write(pipe_fd, &revision, sizeof(revision)) != sizeof(revision))
			_exit(1);
	}
}

TEST(kill_9_at_any_moment_loses_nothing_acknowledged)
{
	uint64_t total = 0;

	make_folder();
	for (int life = 0; life < 50; life++) {
		uint64_t revision, acknowledged = 0;
		struct keeper *keeper;
		int fds[2];
		pid_t pid;

		CHECK(pipe(fds) == 0);
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			close(fds[0]);
			writer(fds[1]);
		}
		close(fds[1]);
		fcntl(fds[0], F_SETPIPE_SZ, 1 << 20);
		usleep(1000 + test_random_below(30000));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		while (read(fds[0], &revision, sizeof(revision)) == sizeof(revision))
			acknowledged = revision;
		close(fds[0]);
		keeper = keeper_open(&state_io_system);
		revision = instance_revision(keeper->instance);
		if (acknowledged < total)
			acknowledged = total; /* killed before it said anything: as before */
		CHECK(revision >= acknowledged &&
			      (revision <= acknowledged + 1 || (!acknowledged && revision <= 3)),
		      "life %d: revision %llu, acknowledged %llu; %s", life,
		      (unsigned long long)revision, (unsigned long long)acknowledged,
		      keeper->report);
		if (acknowledged)
			CHECK_NEAR(keeper_gain(keeper), gain_of(revision - 1), 0);
		total = revision > total ? revision : total;
		keeper_close(keeper);
	}
	test_note("50 kills over %llu commits", (unsigned long long)total);
	remove_folder();
}
