/* test_player_live.c - players with the disk in a thread of its own, behind the fence: the same bits as
 * offline, located before it rolls, silent and counted when the disk is late, no clicks. */
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#define RIG_NO_FAKES
#include "../unit/engine_rig.h"

#include "audio_stream.h"
#include "engine_modules.h"
#include "test_wav.h"

#define FILE_FRAMES 400000u

/* Behind position and clip. */
enum { METER_UNDERRUNS = GRAPH_METER_COMMON + 2, METER_TROUBLE };

static struct engine_modules *modules;
static float noise[2][FILE_FRAMES], tone[FILE_FRAMES];
static char noise_file[128], tone_file[128];

/* The disk as the tests want it. */
static _Atomic uint64_t disk_frames; /* read so far */
static atomic_bool disk_stuck, disk_broken;

static int disk_read(struct mixd_stream *stream, uint64_t frame, float *const *channels, uint32_t n,
		     struct mixd_fault *fault)
{
	int r;

	while (atomic_load(&disk_stuck))
		nanosleep(&(struct timespec){0, 100000}, NULL);
	if (atomic_load(&disk_broken)) {
		*fault = (struct mixd_fault){.text = "broken"};
		return -EIO;
	}
	r = audio_stream_read(stream, frame, channels, n, fault);
	atomic_fetch_add(&disk_frames, n);
	return r;
}

static const struct engine_files disk_files = {
	.stream_open = audio_stream_open,
	.stream_read = disk_read,
	.stream_close = audio_stream_close,
};

static void live_refused(void *data, const char *path, const char *reason)
{
	(void)data;
	test_fail(__FILE__, __LINE__, "%s: %s", path, reason);
}

__attribute__((constructor)) static void live_material(void)
{
	const float *both[] = {noise[0], noise[1]}, *one[] = {tone};

	for (uint32_t i = 0; i < FILE_FRAMES; i++) {
		noise[0][i] = (float)rig_noise(i, 0);
		noise[1][i] = (float)rig_noise(i, 1);
		tone[i] = (float)(0.5 * sin(2 * M_PI * 100.0 * i / RIG_RATE));
	}
	strcpy(noise_file, test_wav_write(both, 2, FILE_FRAMES, 48000));
	strcpy(tone_file, test_wav_write(one, 1, FILE_FRAMES, 48000));
}

static struct rig *live_empty(void)
{
	struct graph_types *types = graph_types_new();
	struct mixd_error err = {0};
	struct rig *rig;

	setenv("MIXD_NODE_PATH", MIXD_TEST_NODES, 1);
	CHECK(engine_modules_load(types, live_refused, NULL, &modules, &err) == 0, "%s", err.text);
	rig_offline = rig_roll = false;
	rig_files = &disk_files;
	rig = rig_open_with(types, false);
	rig->signal = NULL;
	return rig;
}

static struct rig *live_open(const char *file)
{
	struct rig *rig = live_empty();
	char settings[256];

	snprintf(settings, sizeof(settings), "layout=stereo clips=%s", file);
	rig_q_add(rig, "in", "input", "layout=stereo");
	rig_q_add(rig, "out", "output", "layout=stereo");
	rig_q_add(rig, "p", "player", settings);
	rig_q_link(rig, "p", "out", 0.0);
	rig_commit(rig);
	return rig;
}

static void live_close(struct rig *rig)
{
	rig_close(rig);
	rig_files = NULL;
	modules = engine_modules_free(modules);
}

static void live_set(struct rig *rig, bool rolls, uint64_t position)
{
	struct engine_transport transport = {.is_rolling = rolls, .position = position};

	CHECK(engine_transport_set(rig->engine, &transport) == 0);
}

static bool live_rolls(struct rig *rig, uint64_t *ret_position)
{
	struct engine_transport now;

	engine_transport_get(rig->engine, &now);
	*ret_position = now.position;
	return now.is_rolling;
}

static uint64_t live_base, live_played; /* read before it was located; played since */

/* Until the disk has read so many frames, or has nothing to do. */
static void live_wait(struct rig *rig, uint64_t frames)
{
	while (atomic_load(&disk_frames) < frames && engine_jobs(rig->engine))
		nanosleep(&(struct timespec){0, 20000}, NULL);
}

/* FRAMES of sound with a disk that keeps ahead: this clock has no hurry. */
static void live_run(struct rig *rig, uint64_t frames)
{
	while (frames) {
		uint32_t n = frames < 512 ? (uint32_t)frames : 512;

		live_wait(rig, live_base + live_played + 8192);
		rig_run(rig, n, 128);
		live_played += n;
		frames -= n;
	}
}

/* The same where nobody can tell how far the disk has to be. */
static void live_settled(struct rig *rig, uint64_t frames)
{
	for (uint64_t done = 0; done < frames; done += 512) {
		rig_run(rig, frames - done < 512 ? frames - done : 512, 128);
		rig_settle(rig);
	}
}

/* Roll from POSITION; the frame of the output at which that was. */
static uint64_t live_roll(struct rig *rig, uint64_t position)
{
	uint64_t now;

	live_base = atomic_load(&disk_frames);
	live_played = 0;
	live_set(rig, true, position);
	for (uint32_t i = 0; i < 3000; i++) {
		rig_run(rig, 128, 128);
		if (live_rolls(rig, &now))
			return rig->n_out - (now - position);
		rig_settle(rig);
	}
	test_fail(__FILE__, __LINE__, "it does not roll");
}

TEST(live_gives_the_bits_of_the_file_from_where_it_was_located)
{
	struct rig *rig = live_open(noise_file);
	uint64_t at = live_roll(rig, 0), now;

	live_run(rig, 150000);
	CHECK(live_rolls(rig, &now));
	for (uint32_t i = 0; i < 150000; i++)
		for (uint32_t c = 0; c < 2; c++)
			CHECK(rig->out[c][at + i] == noise[c][i], "frame %u", i);
	/* another place: faded in, then exact */
	at = live_roll(rig, 200000);
	live_run(rig, 20000);
	for (uint32_t i = 240; i < 20000; i++)
		CHECK(rig->out[0][at + i] == noise[0][200000 + i], "frame %u", i);
	live_close(rig);
}

TEST(live_loops_to_the_sample_and_takes_a_loop_while_it_rolls)
{
	struct rig *rig = live_open(noise_file);
	struct engine_transport loop = {.is_rolling = true,
					.position = ENGINE_POSITION_KEEP,
					.loop = true,
					.loop_start = 5000,
					.loop_end = 30011};
	uint64_t at = live_roll(rig, 0), line = 0, now;

	live_run(rig, 10000);
	CHECK(engine_transport_set(rig->engine, &loop) == 0);
	live_settled(rig, 100000);
	loop.loop = false;
	CHECK(engine_transport_set(rig->engine, &loop) == 0);
	live_rolls(rig, &now);
	live_settled(rig, 40000);
	for (uint64_t i = at; i < rig->n_out; i++, line++) {
		if (line == 30011 && i < rig->n_out - 40000)
			line = 5000;
		CHECK(rig->out[1][i] == noise[1][line], "frame %llu is not %llu",
		      (unsigned long long)(i - at), (unsigned long long)line);
	}
	live_close(rig);
}

/* The longest blocks a clock may have: the disk is asked once in each. */
TEST(live_reads_ahead_of_the_longest_blocks)
{
	struct rig *rig = live_open(noise_file);
	uint64_t at = live_roll(rig, 0);

	engine_meters_lease(rig->engine, 1);
	for (uint32_t i = 0; i < 36; i++) {
		live_wait(rig, live_base + (i + 1) * 8192 + 4096);
		rig_run(rig, 8192, 8192);
	}
	for (uint32_t i = 0; i < 36 * 8192; i++)
		CHECK(rig->out[0][at + i] == noise[0][i], "frame %u", i);
	CHECK(engine_meter(rig->engine, rig_uid(rig, "p"), METER_UNDERRUNS, 0, 0) == 0.0);
	engine_meters_lease(rig->engine, -1);
	live_close(rig);
}

static double live_step(const struct rig *rig, uint64_t from, uint64_t to)
{
	double most = 0.0;

	for (uint64_t i = from + 1; i < to; i++)
		most = fmax(most, fabs((double)rig->out[0][i] - (double)rig->out[0][i - 1]));
	return most;
}

TEST(live_stops_starts_and_locates_without_a_click)
{
	struct rig *rig = live_open(tone_file);
	const double steepest = 0.5 * 2 * M_PI * 100.0 / RIG_RATE + 0.5 * 1.5 / 239.0;

	live_roll(rig, 0);
	for (uint32_t i = 0; i < 12; i++) {
		live_run(rig, 5000 + 333 * i);
		live_set(rig, false, ENGINE_POSITION_KEEP);
		live_run(rig, 1000);
		CHECK(rig->out[0][rig->n_out - 1] == 0.0f);
		live_roll(rig, i % 2 ? ENGINE_POSITION_KEEP : 50000 + 1777 * i);
		live_run(rig, 3001);
		live_roll(rig, 100000 + 3777 * i);
	}
	CHECK(live_step(rig, 0, rig->n_out) < steepest, "%g, not %g", live_step(rig, 0, rig->n_out),
	      steepest);
	live_close(rig);
}

/* A changed list is a new instance, which has read before the old one goes. */
TEST(live_takes_an_edit_while_it_plays)
{
	struct rig *rig = live_open(tone_file);
	uint64_t at = live_roll(rig, 0), from;
	char clips[256];

	live_run(rig, 20000);
	from = rig->n_out;
	snprintf(clips, sizeof(clips), "[{file: %s, at: 0s, gain: -0.5dB}]", tone_file);
	rig_set(rig, "p.clips", clips);
	live_settled(rig, 40000);
	for (uint64_t i = from; i + 480 < rig->n_out; i += 240) {
		double peak = 0.0;

		for (uint32_t k = 0; k < 480; k++)
			peak = fmax(peak, fabs((double)rig->out[0][i + k]));
		CHECK(peak > 0.47 - 0.001 && peak < 0.5 + 0.001, "%g at %llu", peak,
		      (unsigned long long)(i - from));
	}
	for (uint64_t i = rig->n_out - 1000; i < rig->n_out; i++)
		CHECK(fabs((double)rig->out[0][i] - (double)tone[i - at] * pow(10, -0.5 / 20)) <
		      1e-6);
	live_close(rig);
}

TEST(live_is_silent_while_the_disk_is_late_and_comes_back_in_its_place)
{
	struct rig *rig = live_open(noise_file);
	uint64_t at = live_roll(rig, 0), from, back = 0;
	uint64_t uid = rig_uid(rig, "p");

	engine_meters_lease(rig->engine, 1);
	live_run(rig, 10000);
	atomic_store(&disk_stuck, true);
	from = rig->n_out;
	rig_run(rig, 150000, 512); /* more than was read ahead */
	for (uint64_t i = rig->n_out - 5000; i < rig->n_out; i++)
		CHECK(rig->out[0][i] == 0.0f);
	CHECK(engine_meter(rig->engine, uid, METER_UNDERRUNS, 0, 0) >= 1.0);
	for (uint64_t i = from; rig->out[0][i] != 0.0f || rig->out[0][i + 1] != 0.0f; i++)
		CHECK(rig->out[0][i] == noise[0][i - at], "what was read ahead");
	atomic_store(&disk_stuck, false);
	for (uint32_t k = 0; k < 3000 && !back; k++) {
		nanosleep(&(struct timespec){0, 300000}, NULL);
		rig_run(rig, 128, 128);
		if (rig->out[0][rig->n_out - 1] != 0.0f)
			back = rig->n_out;
	}
	CHECK(back, "it does not come back");
	rig_run(rig, 5000, 128);
	for (uint64_t i = back + 240; i < back + 5000; i++)
		CHECK(rig->out[0][i] == noise[0][i - at], "frame %llu", (unsigned long long)i);
	engine_meters_lease(rig->engine, -1);
	live_close(rig);
}

TEST(live_tells_of_a_file_that_cannot_be_read_any_more)
{
	struct rig *rig = live_open(noise_file);
	uint64_t now;

	live_roll(rig, 0);
	engine_meters_lease(rig->engine, 1);
	atomic_store(&disk_broken, true);
	rig_run(rig, 4096, 512);
	for (uint32_t i = 0;
	     i < 2000 && engine_meter(rig->engine, rig_uid(rig, "p"), METER_TROUBLE, 0, 0) < 1.0;
	     i++) {
		rig_run(rig, 512, 512);
		nanosleep(&(struct timespec){0, 100000}, NULL);
	}
	CHECK(engine_meter(rig->engine, rig_uid(rig, "p"), METER_TROUBLE, 0, 0) == 1.0);
	/* and of one that can be read again: it is heard where it is by now */
	atomic_store(&disk_broken, false);
	live_settled(rig, 192000);
	CHECK(engine_meter(rig->engine, rig_uid(rig, "p"), METER_TROUBLE, 0, 0) == 0.0);
	CHECK(live_rolls(rig, &now));
	for (uint32_t i = 1; i <= 1000; i++)
		CHECK(rig->out[0][rig->n_out - i] == noise[0][now - i], "frame %u before", i);
	engine_meters_lease(rig->engine, -1);
	live_close(rig);
}

/* A file that is another one when its clip comes: of more channels than there is room for. */
TEST(live_survives_a_file_that_was_replaced)
{
	const float *one[] = {tone}, *eight[] = {tone, tone, tone, tone, tone, tone, tone, tone};
	char path[128], clips[256];
	struct rig *rig;

	strcpy(path, test_wav_write(one, 1, 96000, 48000));
	snprintf(clips, sizeof(clips), "[{file: %s, at: 4s}]", path);
	rig = live_open(noise_file);
	rig_set(rig, "p.clips", clips);
	CHECK(rename(test_wav_write(eight, 8, 96000, 48000), path) == 0);
	engine_meters_lease(rig->engine, 1);
	live_roll(rig, 0);
	live_settled(rig, 4 * 48000 + 24000);
	CHECK(engine_meter(rig->engine, rig_uid(rig, "p"), METER_TROUBLE, 0, 0) == 1.0);
	for (uint32_t i = 1; i <= 4800; i++)
		CHECK(rig->out[0][rig->n_out - i] == 0.0f);
	engine_meters_lease(rig->engine, -1);
	live_close(rig);
}

/* An instance that is gone while its disk is stuck costs the control thread nothing. */
TEST(live_does_not_wait_for_a_disk_to_let_a_node_go)
{
	struct rig *rig = live_open(noise_file);

	live_roll(rig, 0);
	atomic_store(&disk_stuck, true);
	rig_run(rig, 20000, 512);
	rig_q_remove(rig, "p", false);
	rig_commit(rig);
	rig_run(rig, 20000, 512);
	CHECK(graph_model_node(instance_model(rig->instance), "p") == NULL);
	atomic_store(&disk_stuck, false);
	rig_run(rig, 2000, 512);
	live_close(rig);
}

/* RIG's graph, as a daemon finds it that is started anew. */
static void live_restore(struct rig *rig, struct rig *into)
{
	struct graph_model *model;
	Mixd__V1__Graph *graph = graph_model_to_proto(instance_model(rig->instance));

	CHECK(graph_model_from_proto(into->types, graph, &model, &into->err) == 0);
	mixd__v1__graph__free_unpacked(graph, NULL);
	CHECK(instance_restore_graph(into->instance, model, 2, &into->err) == 0);
	instance_maintain(into->instance);
}

/* Among others: a busy machine has overloads. */
static bool live_alarmed(const struct rig *rig)
{
	const Mixd__V1__Alarm *const *alarms;
	uint32_t n = instance_alarms(rig->instance, &alarms);

	for (uint32_t i = 0; i < n; i++)
		if (strcmp(alarms[i]->id, "file") == 0 && strcmp(alarms[i]->address, "q") == 0)
			return true;
	return false;
}

static float live_peak(struct rig *rig, uint64_t frames)
{
	uint64_t at = rig->n_out;
	float peak = 0.0f;

	live_settled(rig, frames);
	for (; at < rig->n_out; at++)
		peak = fmaxf(peak, fabsf(rig->out[0][at]));
	return peak;
}

TEST(live_sounds_without_a_file_that_is_gone_at_a_restart_and_takes_it_back)
{
	struct rig *rig = live_open(tone_file), *again;
	struct engine_modules *first = modules, *second;
	char away[160], settings[256];

	snprintf(away, sizeof(away), "%s.away", noise_file);
	snprintf(settings, sizeof(settings), "layout=stereo clips=%s", noise_file);
	rig_q_add(rig, "q", "player", settings);
	rig_q_link(rig, "q", "out", 0.0);
	rig_commit(rig);
	again = live_empty();
	second = modules;
	CHECK(rename(noise_file, away) == 0);
	live_restore(rig, again);
	CHECK(live_alarmed(again));
	live_roll(again, 0);
	CHECK(live_peak(again, 16384) > 0.49f, "it is silent");
	rig_q_add(again, "g", "gain", NULL); /* and goes on taking what is asked of it */
	rig_commit(again);
	CHECK(rename(away, noise_file) == 0);
	for (int i = 0; i < 200 && live_alarmed(again); i++) {
		nanosleep(&(struct timespec){0, 10000000}, NULL);
		instance_maintain(again->instance);
	}
	CHECK(!live_alarmed(again), "it is not looked for");
	CHECK(live_peak(again, 32768) > 0.6f, "it is not heard");
	rig_close(again);
	engine_modules_free(second);
	modules = first;
	live_close(rig);
}
