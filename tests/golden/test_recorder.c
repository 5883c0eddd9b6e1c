/* test_recorder.c - what the recorder hears is in its files, to the bit; also when things go wrong. */
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <sndfile.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RIG_NO_FAKES
#include "../unit/engine_rig.h"

#include "engine_modules.h"

static struct engine_modules *modules;
static char folder[64];

static void recorder_clean(void)
{
	char pattern[2][96];

	if (!folder[0])
		return;
	snprintf(pattern[0], sizeof(pattern[0]), "%s/*", folder);
	snprintf(pattern[1], sizeof(pattern[1]), "%s/.*.rec", folder);
	for (uint32_t k = 0; k < 2; k++) {
		glob_t found;

		if (glob(pattern[k], 0, NULL, &found) != 0)
			continue;
		for (size_t i = 0; i < found.gl_pathc; i++)
			unlink(found.gl_pathv[i]);
		globfree(&found);
	}
}

__attribute__((destructor)) static void recorder_leave(void)
{
	recorder_clean();
	if (folder[0])
		rmdir(folder);
}

static void recorder_refused(void *data, const char *path, const char *reason)
{
	(void)data;
	test_fail(__FILE__, __LINE__, "%s: %s", path, reason);
}

/* SETTINGS of the recorder, beside its file PATTERN. */
static struct rig *recorder_open(const char *pattern, const char *settings)
{
	struct graph_types *types = graph_types_new();
	struct mixd_error err = {0};
	struct rig *rig;
	char all[512];

	if (!folder[0]) {
		strcpy(folder, "/tmp/mixd-record-XXXXXX");
		CHECK(mkdtemp(folder));
	}
	setenv("MIXD_NODE_PATH", MIXD_TEST_NODES, 1);
	CHECK(engine_modules_load(types, recorder_refused, NULL, &modules, &err) == 0, "%s",
	      err.text);
	rig_unfenced = rig_offline;
	rig = rig_open_with(types, false);
	snprintf(all, sizeof(all), "file=%s/%s %s", folder, pattern, settings);
	rig_q_add(rig, "in", "input", "layout=stereo");
	rig_q_add(rig, "out", "output", "layout=stereo");
	rig_q_add(rig, "r", "recorder", all);
	rig_q_link(rig, "in", "r", 0.0);
	rig_q_link(rig, "r", "out", 0.0);
	rig_commit(rig);
	return rig;
}

static void recorder_close(struct rig *rig)
{
	rig_close(rig);
	modules = engine_modules_free(modules);
}

static const char *recorder_path(const char *name)
{
	static char path[4][160];
	static unsigned turn;
	char *ret = path[turn++ % 4];

	snprintf(ret, sizeof(path[0]), "%s/%s", folder, name);
	return ret;
}

static bool recorder_has(const char *name)
{
	return access(recorder_path(name), F_OK) == 0;
}

/* NAME holds what came in from frame FROM on; *ret_reference: its time. Returns its frames. */
static uint64_t recorder_check(const char *name, uint64_t from, double tolerance,
			       uint64_t *ret_reference)
{
	SF_INFO info = {0};
	SF_BROADCAST_INFO bext = {0};
	SNDFILE *file = sf_open(recorder_path(name), SFM_READ, &info);
	float frame[2];
	sf_count_t i;

	CHECK(file, "%s: %s", name, sf_strerror(NULL));
	CHECK(info.channels == 2 && info.samplerate == 48000);
	CHECK(sf_command(file, SFC_GET_BROADCAST_INFO, &bext, sizeof(bext)) == SF_TRUE);
	if (ret_reference)
		*ret_reference =
			((uint64_t)bext.time_reference_high << 32) | bext.time_reference_low;
	for (i = 0; sf_readf_float(file, frame, 1) == 1; i++)
		for (uint32_t c = 0; c < 2; c++)
			CHECK(fabs((double)frame[c] -
				   (double)(float)rig_noise(from + (uint64_t)i, c)) <= tolerance,
			      "%s: frame %lld: %g", name, (long long)i, (double)frame[c]);
	CHECK(i == info.frames);
	sf_close(file);
	return (uint64_t)i;
}

TEST(recorder_writes_what_passes_with_pre_roll)
{
	struct rig *rig = recorder_open("take-{n}.wav", "bits=32 pre_roll=0.1s");

	rig_run(rig, 10240, 512);
	rig_set(rig, "r.record", "on");
	rig_run(rig, 50176, 512);
	rig_set(rig, "r.record", "off");
	rig_run(rig, 2048, 512);
	rig_set(rig, "r.record", "on");
	rig_run(rig, 20480, 512);
	CHECK(recorder_has("take-001.wav") && !recorder_has("take-002.wav"));
	CHECK(recorder_has(".take-002.wav.rec"));
	recorder_close(rig); /* that finishes it */
	CHECK(recorder_check("take-001.wav", 10240 - 4800, 0.0, NULL) == 50176 + 4800);
	/* its pre-roll begins where the take before ended */
	CHECK(recorder_check("take-002.wav", 60416, 0.0, NULL) == 2048 + 20480);
	CHECK(!recorder_has(".take-002.wav.rec"));
	recorder_clean();
}

TEST(recorder_passes_on_what_it_hears)
{
	struct rig *rig = recorder_open("a.wav", "bits=24");

	rig_set(rig, "r.record", "on");
	rig_run(rig, 20000, 333);
	for (uint32_t i = 0; i < 20000; i++)
		CHECK(rig->out[1][i] == (float)rig_noise(i, 1));
	recorder_close(rig);
	CHECK(recorder_check("a.wav", 0, 0.51 / 8388608.0, NULL) == 20000);
	recorder_clean();
	rig = recorder_open("b.wav", "bits=16");
	rig_set(rig, "r.record", "on");
	rig_run(rig, 20000, 333);
	recorder_close(rig);
	CHECK(recorder_check("b.wav", 0, 1.51 / 32768.0, NULL) == 20000);
	recorder_clean();
}

TEST(recorder_splits_without_a_gap)
{
	struct rig *rig = recorder_open("a.wav", "bits=32 split_time=0.3s");
	uint64_t from = 0, reference = 0, last = 0;
	static const char *const names[] = {"a.wav", "a-2.wav", "a-3.wav", "a-4.wav"};

	rig_set(rig, "r.record", "on");
	rig_run(rig, 50000, 512);
	recorder_close(rig);
	for (uint32_t i = 0; i < 4; i++) {
		from += recorder_check(names[i], from, 0.0, &reference);
		CHECK(from == (i < 3 ? 14400u * (i + 1) : 50000u));
		CHECK(i == 0 || reference == last + 14400 || reference + 14400 < last);
		last = reference;
	}
	CHECK(!recorder_has("a-5.wav"));
	recorder_clean();
}

TEST(recorder_splits_where_it_is_told)
{
	struct rig *rig = recorder_open("part-{n}.wav", "bits=32 pre_roll=1s");

	rig_set(rig, "r.record", "on");
	rig_run(rig, 5120, 512);
	rig_set(rig, "r.split", "on");
	rig_run(rig, 20480, 512);
	rig_set(rig, "r.split", "off");
	rig_run(rig, 512, 512);
	rig_set(rig, "r.split", "on");
	rig_run(rig, 1024, 512);
	recorder_close(rig);
	CHECK(recorder_check("part-001.wav", 0, 0.0, NULL) == 5120);
	CHECK(recorder_check("part-002.wav", 5120, 0.0, NULL) == 20992);
	CHECK(recorder_check("part-003.wav", 26112, 0.0, NULL) == 1024);
	recorder_clean();
}

TEST(recorder_splits_at_a_size)
{
	struct rig *rig = recorder_open("s-{n}.wav", "bits=24 split_size=0.06 split_time=1s");

	rig_set(rig, "r.record", "on");
	rig_run(rig, 25088, 512);
	recorder_close(rig);
	for (uint32_t i = 0; i < 3; i++) { /* 60000 bytes of 6 a frame: that is before a second */
		char name[16];

		snprintf(name, sizeof(name), "s-%03u.wav", i + 1);
		CHECK(recorder_check(name, i * 10000u, 0.51 / 8388608.0, NULL) ==
		      (i < 2 ? 10000u : 5088u));
	}
	CHECK(!recorder_has("s-004.wav"));
	recorder_clean();
}

static void recorder_roll(struct rig *rig, bool rolls, uint64_t position)
{
	struct engine_transport transport = {.is_rolling = rolls, .position = position};

	CHECK(engine_transport_set(rig->engine, &transport) == 0);
}

TEST(recorder_splits_at_markers_and_names_files_by_them)
{
	struct rig *rig =
		recorder_open("{marker}.wav", "bits=32 split_marker=on with=transport record=on");
	uint64_t reference;

	rig_q_marker(rig, "verse 1/2", 5001 / 48000.0);
	rig_q_marker(rig, "refrain", 20011 / 48000.0);
	rig_q_marker(rig, "far", 3600.0);
	rig_commit(rig);
	rig_run(rig, 1000, 512); /* stands */
	recorder_roll(rig, true, 0);
	rig_run(rig, 22000, 512); /* ..22000 on the line */
	rig_q_marker(rig, "bridge", 24000 / 48000.0); /* while it rolls */
	rig_q_marker(rig, "refrain", -1.0);
	rig_commit(rig);
	rig_run(rig, 8000, 512); /* ..30000 */
	recorder_roll(rig, true, 5001); /* again, from there: another take anyway */
	rig_run(rig, 25000, 512); /* ..30001, no refrain any more */
	recorder_roll(rig, false, ENGINE_POSITION_KEEP);
	rig_run(rig, 512, 512);
	recorder_close(rig);
	CHECK(recorder_check("start.wav", 1000, 0.0, &reference) == 5001 && reference == 0);
	CHECK(recorder_check("verse 1-2.wav", 6001, 0.0, &reference) == 15010);
	CHECK(reference == 5001);
	CHECK(recorder_check("refrain.wav", 21011, 0.0, &reference) == 3989);
	CHECK(reference == 20011);
	CHECK(recorder_check("bridge.wav", 25000, 0.0, &reference) == 6000 && reference == 24000);
	CHECK(recorder_check("verse 1-2-2.wav", 31000, 0.0, &reference) == 24000 - 5001);
	CHECK(recorder_check("bridge-2.wav", 31000 + 18999, 0.0, &reference) == 6001);
	CHECK(reference == 24000);
	recorder_clean();
}

/* Whatever rolls: what stands still at a marker is one take, and each turn of a loop passes it again. */
TEST(recorder_splits_at_a_marker_in_each_turn_of_a_loop)
{
	struct rig *rig = recorder_open("{marker}-{n}.wav", "bits=32 split_marker=on record=on");
	struct engine_transport loop = {true, 100, true, 4000, 12000, false};

	rig_q_marker(rig, "a", 4000 / 48000.0);
	rig_q_marker(rig, "b", 12000 / 48000.0); /* the loop turns before it */
	rig_commit(rig);
	CHECK(engine_transport_set(rig->engine, &loop) == 0);
	rig_run(rig, 3900 + 8000 + 8000 + 100, 512);
	recorder_roll(rig, false, 4000);
	rig_run(rig, 5000, 512);
	recorder_close(rig);
	CHECK(recorder_check("start-001.wav", 0, 0.0, NULL) == 3900);
	CHECK(recorder_check("a-002.wav", 3900, 0.0, NULL) == 8000);
	CHECK(recorder_check("a-003.wav", 11900, 0.0, NULL) == 8000);
	CHECK(recorder_check("a-004.wav", 19900, 0.0, NULL) == 5100);
	CHECK(!recorder_has("a-005.wav") && !recorder_has("b-005.wav"));
	recorder_clean();
}

/* More markers at once than takes can wait, and a disk with a thread of its own: nothing is lost. */
TEST(recorder_splits_at_many_markers_live)
{
	uint64_t frames = 0;
	struct rig *rig;
	uint32_t n = 0;
	char name[16];

	rig_offline = false;
	rig = recorder_open("m-{n}.wav", "bits=32 split_marker=on with=transport record=on");
	for (uint32_t i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "m%u", i);
		rig_q_marker(rig, name, (1000 + 37 * i) / 48000.0);
	}
	rig_commit(rig);
	rig_run(rig, 256, 256);
	recorder_roll(rig, true, 0);
	rig_run(rig, 256, 256); /* it locates, then rolls */
	for (uint32_t i = 0; i < 100; i++)
		rig_run(rig, 256, 256);
	recorder_roll(rig, false, ENGINE_POSITION_KEEP);
	rig_run(rig, 512, 256);
	recorder_close(rig);
	rig_offline = true;
	for (n = 1; snprintf(name, sizeof(name), "m-%03u.wav", n), recorder_has(name); n++) {
		uint64_t reference = 0;
		uint64_t line = recorder_check(name, 256 + 128 + frames, 0.0, &reference);

		CHECK(reference == frames, "%s: %llu, not %llu", name,
		      (unsigned long long)reference, (unsigned long long)frames);
		frames += line;
	}
	CHECK(frames >= 256 * 100 && n > 16 && n <= 62, "%llu in %u files",
	      (unsigned long long)frames, n - 1);
	recorder_clean();
}

TEST(recorder_goes_with_the_transport_and_knows_where)
{
	struct rig *rig = recorder_open("{position}-{n}.wav", "bits=32 with=transport pre_roll=1s");
	struct engine_transport transport = {.is_rolling = true, .position = 48000 * 75};
	uint64_t reference;

	rig_set(rig, "r.record", "on");
	rig_run(rig, 5120, 512);
	CHECK(engine_transport_set(rig->engine, &transport) == 0);
	rig_run(rig, 10240, 512);
	transport.is_rolling = false;
	transport.position = ENGINE_POSITION_KEEP;
	CHECK(engine_transport_set(rig->engine, &transport) == 0);
	rig_run(rig, 5120, 512);
	CHECK(recorder_check("0h01m14s-001.wav", 0, 0.0, &reference) == 5120 + 10240);
	CHECK(reference == 48000 * 75 - 5120);
	recorder_close(rig);
	recorder_clean();
}

static double recorder_meter(struct rig *rig, uint32_t idx)
{
	return engine_meter(rig->engine, rig_uid(rig, "r"), GRAPH_METER_COMMON + idx, 0, 0);
}

/* A file of at most 100 kB stands for a disk that is full. */
TEST(recorder_keeps_what_fits_on_a_full_disk)
{
	struct rig *rig = recorder_open("full.wav", "bits=32");
	struct rlimit before, small;
	uint64_t n;

	signal(SIGXFSZ, SIG_IGN);
	CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
	small = before;
	small.rlim_cur = 100001;
	CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	engine_meters_lease(rig->engine, 1);
	rig_set(rig, "r.record", "on");
	rig_run(rig, 40000, 512);
	CHECK(recorder_meter(rig, 4) == 2.0, "%g", recorder_meter(rig, 4));
	rig_set(rig, "r.record", "off");
	rig_run(rig, 1024, 512);
	CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
	n = recorder_check("full.wav", 0, 0.0, NULL);
	CHECK(n > 12300 && n <= 100001 / 8, "%llu", (unsigned long long)n);
	/* there is room again: so it goes on with the next take */
	rig_set(rig, "r.record", "on");
	rig_run(rig, 20480, 512);
	rig_set(rig, "r.record", "off");
	rig_run(rig, 1024, 512);
	CHECK(recorder_check("full-2.wav", 41024, 0.0, NULL) == 20480);
	CHECK(recorder_meter(rig, 4) == 0.0);
	engine_meters_lease(rig->engine, -1);
	recorder_close(rig);
	recorder_clean();
}

/* A take of days does not end because the disk was full for an hour. */
TEST(recorder_goes_on_in_another_file_when_there_is_room_again)
{
	struct rig *rig = recorder_open("log-{n}.wav", "bits=32");
	struct rlimit before, small;
	uint64_t first, second, missing;

	signal(SIGXFSZ, SIG_IGN);
	CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
	small = before;
	small.rlim_cur = 100001;
	CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	engine_meters_lease(rig->engine, 1);
	rig_set(rig, "r.record", "on");
	rig_run(rig, 40960, 512);
	CHECK(recorder_meter(rig, 4) == 2.0);
	CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
	rig_run(rig, 307200, 512);
	CHECK(recorder_meter(rig, 4) == 0.0, "it does not go on");
	rig_set(rig, "r.record", "off");
	rig_run(rig, 1024, 512);
	first = recorder_check("log-001.wav", 0, 0.0, NULL);
	second = recorder_check("log-002.wav", 0, 2.0, NULL);
	CHECK(second > 40000 && second < 307200, "%llu", (unsigned long long)second);
	missing = 40960 + 307200 - first - second;
	recorder_check("log-002.wav", first + missing, 0.0, NULL);
	CHECK(fabs(recorder_meter(rig, 3) - (double)missing) <= 8192.0, "%g lost, not %llu",
	      recorder_meter(rig, 3), (unsigned long long)missing);
	engine_meters_lease(rig->engine, -1);
	recorder_close(rig);
	recorder_clean();
}

/* The header's date and time are those of the first frame, as its time reference is. */
TEST(recorder_dates_a_file_by_its_first_frame)
{
	struct rig *rig = recorder_open("dated.wav", "bits=32 pre_roll=3s");
	SF_INFO info = {0};
	SF_BROADCAST_INFO bext = {0};
	unsigned hour = 0, minute = 0, second = 0;
	SNDFILE *file;
	int r;

	rig_run(rig, 144000, 512);
	rig_set(rig, "r.record", "on");
	rig_run(rig, 1024, 512);
	rig_set(rig, "r.record", "off");
	rig_run(rig, 1024, 512);
	file = sf_open(recorder_path("dated.wav"), SFM_READ, &info);
	CHECK(file && sf_command(file, SFC_GET_BROADCAST_INFO, &bext, sizeof(bext)) == SF_TRUE);
	sf_close(file);
	r = sscanf(bext.origination_time, "%2u:%2u:%2u", &hour, &minute, &second);
	CHECK(r == 3);
	CHECK(((uint64_t)bext.time_reference_high << 32 | bext.time_reference_low) / 48000 ==
		      hour * 3600 + minute * 60 + second,
	      "%.8s", bext.origination_time);
	recorder_close(rig);
	recorder_clean();
}

TEST(recorder_leaves_a_file_that_plays_when_it_dies)
{
	struct rig *rig;
	pid_t child;
	int status;
	uint64_t n;

	if (!folder[0]) {
		strcpy(folder, "/tmp/mixd-record-XXXXXX");
		CHECK(mkdtemp(folder));
	}
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		rig = recorder_open("dead.wav", "bits=32");
		rig_set(rig, "r.record", "on");
		rig_run(rig, 200000, 512);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
	n = recorder_check(".dead.wav.rec", 0, 0.0, NULL);
	CHECK(n > 200000 - 48000 - 8192 - 512, "%llu", (unsigned long long)n);
	/* the next one that wants the name finishes it, and takes another */
	rig = recorder_open("dead.wav", "bits=32");
	rig_set(rig, "r.record", "on");
	rig_run(rig, 20480, 512);
	recorder_close(rig);
	CHECK(!recorder_has(".dead.wav.rec"));
	CHECK(recorder_check("dead.wav", 0, 0.0, NULL) > 200000 - 8192 - 512);
	CHECK(recorder_check("dead-2.wav", 0, 0.0, NULL) == 20480);
	recorder_clean();
}

/* Names with times in them never come again. */
TEST(recorder_finishes_what_another_one_left)
{
	struct rig *rig = recorder_open("morning.wav", "bits=32");
	FILE *other = fopen(recorder_path(".foreign.rec"), "w");

	rig_set(rig, "r.record", "on");
	rig_run(rig, 40960, 512);
	rig_set(rig, "r.record", "off");
	rig_run(rig, 1024, 512);
	recorder_close(rig);
	CHECK(rename(recorder_path("morning.wav"), recorder_path(".morning.wav.rec")) == 0);
	CHECK(other && fputs("not ours", other) >= 0 && fclose(other) == 0);
	rig = recorder_open("evening.wav", "bits=32");
	rig_set(rig, "r.record", "on");
	rig_run(rig, 20480, 512);
	recorder_close(rig);
	CHECK(recorder_check("morning.wav", 0, 0.0, NULL) == 40960);
	CHECK(recorder_check("evening.wav", 0, 0.0, NULL) == 20480);
	CHECK(recorder_has(".foreign.rec"));
	recorder_clean();
}

/* What a process that died has left is longer than RIFF can say (the rest of it is a hole). */
TEST(recorder_makes_rf64_of_what_is_large)
{
	const off_t size = (off_t)5 << 30;
	SF_INFO info = {0};
	struct rig *rig = recorder_open("big.wav", "bits=32");
	SNDFILE *file;
	float frame[2];

	rig_set(rig, "r.record", "on");
	rig_run(rig, 20480, 512);
	recorder_close(rig);
	CHECK(rename(recorder_path("big.wav"), recorder_path(".big.wav.rec")) == 0);
	CHECK(truncate(recorder_path(".big.wav.rec"), size) == 0);
	rig = recorder_open("big.wav", "bits=32");
	rig_set(rig, "r.record", "on");
	rig_run(rig, 20480, 512);
	recorder_close(rig);
	CHECK(recorder_check("big-2.wav", 0, 0.0, NULL) == 20480);
	file = sf_open(recorder_path("big.wav"), SFM_READ, &info);
	CHECK(file, "%s", sf_strerror(NULL));
	CHECK((info.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_RF64);
	CHECK(info.frames > (size - 1000) / 8 && info.frames <= size / 8, "%lld",
	      (long long)info.frames);
	CHECK(sf_seek(file, 20000, SEEK_SET) == 20000 && sf_readf_float(file, frame, 1) == 1);
	CHECK(frame[0] == (float)rig_noise(20000, 0));
	CHECK(sf_seek(file, info.frames - 1, SEEK_SET) == info.frames - 1 &&
	      sf_readf_float(file, frame, 2) == 1 && frame[0] == 0.0f);
	sf_close(file);
	recorder_clean();
}

TEST(recorder_with_a_disk_of_its_own_loses_nothing)
{
	struct rig *rig;

	rig_offline = false;
	rig = recorder_open("live.wav", "bits=32");
	rig_set(rig, "r.record", "on");
	for (uint32_t i = 0; i < 200; i++) {
		rig_run(rig, 1024, 256);
		rig_settle(rig);
	}
	rig_q_remove(rig, "r", true); /* as it is */
	rig_commit(rig);
	for (uint32_t i = 0; i < 2000 && !recorder_has("live.wav"); i++) {
		rig_run(rig, 256, 256);
		nanosleep(&(struct timespec){0, 100000}, NULL);
	}
	CHECK(recorder_check("live.wav", 0, 0.0, NULL) >= 200 * 1024);
	recorder_close(rig);
	rig_offline = true;
	recorder_clean();
}

TEST(recorder_refuses_names_that_mean_nothing)
{
	struct rig *rig = recorder_open("a.wav", "bits=24");

	rig_q_set(rig, "r.file", "/tmp/{maker}.wav", 0);
	CHECK(rig_try(rig) < 0);
	CHECK(strstr(rig->err.text, "{maker}") && strstr(rig->err.hint, "{position}"), "%s; %s",
	      rig->err.text, rig->err.hint);
	rig_q_set(rig, "r.file", "/tmp/", 0);
	CHECK(rig_try(rig) < 0);
	/* a folder that cannot be is told when it is wanted */
	rig_set(rig, "r.file", "/proc/nowhere/a.wav");
	engine_meters_lease(rig->engine, 1);
	rig_set(rig, "r.record", "on");
	rig_run(rig, 20480, 512);
	CHECK(recorder_meter(rig, 4) == 3.0, "%g", recorder_meter(rig, 4));
	engine_meters_lease(rig->engine, -1);
	recorder_close(rig);
	recorder_clean();
}
