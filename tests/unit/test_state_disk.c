/* test_state_disk.c - what is acknowledged is there afterwards: disks that fail or are full, kills. */
#include <signal.h>
#include <sys/wait.h>

#include "state_keeper.h"

/* One life with a fault at operation NTH: start, 3 commits, a rotation, 3 commits. What was
 * acknowledged must be there in the next life. Returns whether the fault struck. */
static bool faulty_life(int nth, int fault, bool half)
{
	struct keeper *keeper;
	uint64_t acknowledged = 0, number = 0;
	bool struck;

	keeper_remove_folder();
	mkdir(keeper_folder, 0700);
	keeper_disk.countdown = nth;
	keeper_disk.fault = fault;
	keeper_disk.half = half;
	keeper_disk.fast = true;
	keeper = keeper_open(&keeper_disk_io);
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
	struck = keeper_disk.countdown == 0;
	keeper_disk.countdown = 0;
	keeper_close(keeper);
	keeper = keeper_open(&state_io_system);
	CHECK(!acknowledged || instance_revision(keeper->instance) == acknowledged,
	      "fault %d at operation %d: revision %llu, acknowledged %llu; %s", fault, nth,
	      (unsigned long long)instance_revision(keeper->instance),
	      (unsigned long long)acknowledged, keeper->report);
	if (number)
		CHECK_NEAR(keeper_gain(keeper), keeper_gain_of(number), 0);
	CHECK(keeper_add(keeper, "z") == 0, "%s", keeper->error.text);
	keeper_close(keeper);
	return struck;
}

TEST(a_disk_that_fails_once_loses_nothing_acknowledged)
{
	static const int faults[] = {-ENOSPC, -EIO};
	int n = 0;

	keeper_make_folder();
	for (int k = 0; k < 3; k++) {
		/* All early operations and the rotation; the stretch of equal writes in samples. */
		for (int nth = 1;; nth += nth > 12 && nth < 250 ? 17 : 1) {
			n++;
			if (!faulty_life(nth, faults[k & 1], k == 2))
				break;
		}
	}
	test_note("%d lives", n);
	keeper_remove_folder();
}

TEST(a_full_disk_refuses_and_recovers)
{
	struct keeper *keeper;

	keeper_make_folder();
	keeper = keeper_open(&keeper_disk_io);
	CHECK(keeper_add(keeper, "a") == 0);
	keeper_disk.countdown = 1;
	keeper_disk.fault = -ENOSPC;
	keeper_disk.half = true;
	CHECK(keeper_set(keeper, 5) < 0 && keeper->error.code == ERROR_RESOURCE);
	CHECK(strstr(keeper->error.hint, "space"), "%s", keeper->error.hint);
	CHECK_NEAR(keeper_gain(keeper), 0, 0);
	CHECK(keeper_set(keeper, 7) == 0 && instance_revision(keeper->instance) == 3);
	keeper_close(keeper);
	keeper = keeper_open(&state_io_system);
	CHECK(instance_revision(keeper->instance) == 3 && !*keeper->report, "%s", keeper->report);
	CHECK_NEAR(keeper_gain(keeper), keeper_gain_of(7), 0);
	keeper_close(keeper);
	keeper_remove_folder();
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

	keeper_make_folder();
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
			CHECK_NEAR(keeper_gain(keeper), keeper_gain_of(revision - 1), 0);
		total = revision > total ? revision : total;
		keeper_close(keeper);
	}
	test_note("50 kills over %llu commits", (unsigned long long)total);
	keeper_remove_folder();
}
