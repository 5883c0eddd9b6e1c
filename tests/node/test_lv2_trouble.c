/* test_lv2_trouble.c - LV2 plug-ins that crash, hang, are late or give nonsense, live.
 *
 * The bad plug-ins halve what goes in, so that they can be told from the dry signal, as long as
 * their fuse is longer than what they have run. Time is that of the machine here: a good plug-in may
 * be late, too, on one that is busy. So nothing is said about when it is heard, but everything about
 * what: the plug-in, the dry signal, or a fade between them. */
#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "node_host.h"
#include "test.h"

#define RATE 48000.0
#define BLOCK 128u
#define FRAMES (BLOCK * 4096u)
#define LATENCY BLOCK
#define HERTZ 997.0

static float in[2][FRAMES], out[2][FRAMES];

/* One node, driven block by block, about as fast as its time. */
struct live {
	struct node_host *host;
	uint32_t at;
	float *out;
};

static void live_open(struct live *live, const char *id, double fuse, float *to)
{
	*live = (struct live){
		node_host_open(id, &(struct node_host_setup){.layout = "mono", .live = true}), 0,
		to};
	if (fuse > 0)
		node_host_jump(live->host, 0, "fuse", fuse);
	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = (float)(0.5 * sin(2 * M_PI * HERTZ / RATE * i));
}

static void live_block(struct live *live)
{
	const float *ins[] = {in[0] + live->at};
	float *outs[] = {live->out + live->at};

	CHECK(live->at + BLOCK <= FRAMES, "it takes too long");
	node_host_process(live->host, ins, outs, BLOCK);
	live->at += BLOCK;
	node_host_work(live->host);
}

static void live_pause(void)
{
	const struct timespec time = {0, (long)(BLOCK / RATE * 1e9)};

	nanosleep(&time, NULL);
}

static float live_dry(uint32_t i)
{
	return i < LATENCY ? 0 : in[0][i - LATENCY];
}

static float live_health(const struct live *live)
{
	return (float)node_host_meter(live->host, 0, "health");
}

/* The block that begins at AT is dry (FACTOR 1) or the plug-in's (0.5). */
static bool live_is(const struct live *live, uint32_t at, float factor)
{
	for (uint32_t i = at; i < at + BLOCK; i++)
		if (live->out[i] != live_dry(i) * factor)
			return false;
	return true;
}

static void live_until_wet(struct live *live)
{
	do {
		live_block(live);
		live_pause();
	} while (live->at < 4 * BLOCK || !live_is(live, live->at - BLOCK, 0.5f));
}

/* Nothing steeper than the sine itself and a fade of one block: no click. Returns the last frame
 * that was the plug-in's. */
static void live_no_click(const struct live *live, uint32_t from, uint32_t to)
{
	/* To and fro, the slopes are those of the sine; the fade adds 1.5 / length of what is between
	 * the two at most, which is 1 when they are opposite. */
	double limit = 2 * M_PI * HERTZ / RATE * 0.5 + 1.5 * 0.75 / BLOCK;

	for (uint32_t i = from + 1; i < to; i++) {
		double step = fabs((double)live->out[i] - (double)live->out[i - 1]);

		CHECK(step <= limit, "frame %u: a step of %g, limit %g", i, step, limit);
	}
}

/* The fuse of ID is lit; what comes out of the block after that is bad. Three blocks later the dry
 * signal is heard, to the bit, and nothing else until it says HEALTH. */
static void live_fails(struct live *live, const char *id, float health)
{
	uint32_t begin, lit;

	live_open(live, id, 1e6, out[0]);
	live_until_wet(live);
	begin = live->at - BLOCK;
	node_host_jump(live->host, 0, "fuse", 0);
	lit = live->at;
	for (uint32_t i = 0; i < 1 + 3; i++)
		live_block(live);
	for (uint32_t i = 0; i < 800 && live_health(live) != health; i++) {
		live_block(live);
		CHECK(live_is(live, live->at - BLOCK, 1), "%s: not dry %u frames later", id,
		      live->at - BLOCK - lit);
		live_pause();
	}
	CHECK(live_health(live) == health, "%s: health %g", id, (double)live_health(live));
	live_no_click(live, begin, live->at);
}

/* After a pause it is there again, without a click, and then holds. */
static void live_returns(struct live *live, const char *id)
{
	uint32_t begin = live->at - BLOCK;

	node_host_jump(live->host, 0, "fuse", 1e6);
	live_until_wet(live);
	live_no_click(live, begin, live->at);
	CHECK(live_health(live) == 0);
	CHECK(node_host_meter(live->host, 0, "relaunches") >= 1, "%s", id);
}

TEST(lv2_trouble_crash_becomes_dry_and_comes_back)
{
	struct live live, other;

	live_open(&other, "lv2:urn:mixd:sleepy", 1e6, out[1]);
	live_fails(&live, "lv2:urn:mixd:crash", 3);
	while (other.at < live.at)
		live_block(&other);
	live_returns(&live, "crash");
	/* The one beside it has seen nothing of all that. */
	CHECK(node_host_meter(other.host, 0, "relaunches") == 0);
	live_until_wet(&other);
	node_host_free(live.host);
	node_host_free(other.host);
}

TEST(lv2_trouble_hang_becomes_dry_and_comes_back)
{
	struct live live;

	live_fails(&live, "lv2:urn:mixd:still", 4);
	live_returns(&live, "still");
	node_host_free(live.host);
}

TEST(lv2_trouble_nonsense_becomes_dry_and_comes_back)
{
	struct live live;

	live_fails(&live, "lv2:urn:mixd:nan", 5);
	live_returns(&live, "nan");
	node_host_free(live.host);
	live_fails(&live, "lv2:urn:mixd:loud", 5);
	live_returns(&live, "loud");
	node_host_free(live.host);
}

/* It moves, but never in time: it stays dry, and is not started again. */
TEST(lv2_trouble_late_stays_dry)
{
	struct live live;

	live_fails(&live, "lv2:urn:mixd:sleepy", 2);
	for (int i = 0; i < 200; i++) {
		live_block(&live);
		CHECK(live_is(&live, live.at - BLOCK, 1), "not dry at %u", live.at);
		live_pause();
	}
	CHECK(node_host_meter(live.host, 0, "relaunches") == 0);
	node_host_free(live.host);
}

/* Each start that fails doubles the pause before the next one: 250 ms, 500 ms, 1 s. */
TEST(lv2_trouble_backs_off)
{
	struct live live;
	uint32_t starts = 0, last = 0;

	live_open(&live, "lv2:urn:mixd:stillborn", 0, out[0]);
	while (starts < 3) {
		live_block(&live);
		CHECK(live_is(&live, live.at - BLOCK, 1), "not dry at %u", live.at);
		if (node_host_meter(live.host, 0, "relaunches") > starts) {
			CHECK(live.at - last >= (12000u << starts) - BLOCK,
			      "start %u after %u frames", starts + 1, live.at - last);
			starts++;
			last = live.at;
		}
		/* Faster than its time, but with time for the helper to die. */
		if (live.at % (8 * BLOCK) == 0)
			live_pause();
	}
	CHECK(live_health(&live) == 3, "%g", (double)live_health(&live));
	node_host_free(live.host);
}

/* ---- what the clock asks for ---- */

/* A clock with longer blocks than ours: nothing could be in time, so more latency is asked for; with
 * that it is. */
TEST(lv2_trouble_long_clock_blocks_ask_for_a_reserve)
{
	struct node_host_config configs[] = {{"reserve", 0, NULL}, {0}};
	struct node_host_setup setup = {.layout = "mono", .live = true};
	struct node_host *host = node_host_open("lv2:urn:mixd:sleepy", &setup);
	const float *ins[] = {in[0]};
	float *outs[] = {out[0]};
	char text[64];
	uint32_t code = 0;

	node_host_process(host, ins, outs, 512);
	node_host_process(host, ins, outs, 512);
	for (uint32_t i = 0; i < 512; i++)
		CHECK(out[0][i] == 0 || out[0][i] != in[0][i], "dry all the time");
	node_host_events(host, &code, NULL);
	CHECK(code == MIXD_EVENT_CAPTURED + 2, "event %x", code);
	node_host_capture(host, 0, "reserve", text, sizeof(text));
	CHECK_STR(text, "512");
	node_host_free(host);
	configs[0].number = 512;
	setup.configs = configs;
	host = node_host_open("lv2:urn:mixd:sleepy", &setup);
	CHECK(node_host_latency(host) == 512);
	for (uint32_t k = 0; k < 2000; k++) { /* wet, sooner or later */
		bool wet = true;

		for (uint32_t i = 0; i < 1024; i++)
			in[0][i] = (float)(0.5 * sin(0.1 * (i + 1)));
		ins[0] = in[0] + 512 * (k % 2);
		node_host_process(host, ins, outs, 512);
		node_host_work(host);
		for (uint32_t i = 0; i < 512; i++)
			wet &= out[0][i] == in[0][512 * ((k + 1) % 2) + i] * 0.5f;
		if (wet)
			break;
		CHECK(k < 1999, "never wet");
		for (int i = 0; i < 4; i++)
			live_pause();
	}
	node_host_free(host);
}

/* ---- what is left behind ---- */

/* Helpers whose parent is PARENT; the first one's number in *ret. */
static uint32_t helpers_of(pid_t parent, pid_t *ret)
{
	DIR *dir = opendir("/proc");
	uint32_t n = 0;

	CHECK(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		char path[300], line[256] = "", *end;
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (fgets(line, sizeof(line), file) && strstr(line, "(mixd-lv2)")) {
			end = strrchr(line, ')');
			if (atoi(end + 4) == parent && end[2] != 'Z') {
				n++;
				*ret = atoi(line);
			}
		}
		fclose(file);
	}
	closedir(dir);
	return n;
}

static bool process_is_there(pid_t pid)
{
	char path[64], line[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	return strstr(line, "(mixd-lv2)") && strrchr(line, ')')[2] != 'Z';
}

TEST(lv2_trouble_leaves_no_process_behind)
{
	struct live live;
	pid_t pid = 0;

	CHECK(helpers_of(getpid(), &pid) == 0);
	live_open(&live, "lv2:urn:mixd:still", 20, out[0]);
	CHECK(helpers_of(getpid(), &pid) == 1);
	for (int i = 0; i < 40; i++) { /* hung now: it will not go by itself */
		live_block(&live);
		live_pause();
	}
	node_host_free(live.host);
	CHECK(helpers_of(getpid(), &pid) == 0 && waitpid(-1, NULL, WNOHANG) < 0);
}

TEST(lv2_trouble_helper_dies_with_its_parent)
{
	struct live live;
	pid_t parent, helper = 0;
	int status;

	fflush(stdout);
	parent = fork();
	CHECK(parent >= 0);
	if (parent == 0) {
		live_open(&live, "lv2:urn:mixd:still", 20, out[0]);
		for (;;) {
			live_block(&live);
			live_pause();
		}
	}
	for (int i = 0; i < 2000 && !helpers_of(parent, &helper); i++)
		live_pause();
	CHECK(helper > 0, "no helper was started");
	CHECK(kill(parent, SIGKILL) == 0 && waitpid(parent, &status, 0) == parent);
	for (int i = 0; i < 2000 && process_is_there(helper); i++)
		live_pause();
	CHECK(!process_is_there(helper), "process %d lives on", (int)helper);
}

/* A render has no other time than its own: the crash is found, and the sound goes on dry. */
TEST(lv2_trouble_in_a_render)
{
	struct node_host *host =
		node_host_open("lv2:urn:mixd:crash", &(struct node_host_setup){.layout = "mono"});
	const float *ins[] = {in[0]};
	float *outs[] = {out[0]};
	uint32_t frames = BLOCK * 100;

	for (uint32_t i = 0; i < frames; i++)
		in[0][i] = (float)(0.5 * sin(2 * M_PI * HERTZ / RATE * i));
	node_host_jump(host, 0, "fuse", 50);
	node_host_process(host, ins, outs, frames);
	/* The probe was its first block, so the 50th of ours is not given back. */
	for (uint32_t i = 0; i < 50 * BLOCK; i++)
		CHECK(out[0][i] == live_dry(i) * 0.5f, "frame %u", i);
	for (uint32_t i = 53 * BLOCK; i < frames; i++)
		CHECK(out[0][i] == live_dry(i), "frame %u", i);
	CHECK(node_host_meter(host, 0, "health") == 3);
	node_host_free(host);
}

/* ---- without a process ---- */

TEST(lv2_trouble_here_the_worker_restarts_and_does_jobs)
{
	const struct node_host_config configs[] = {{"isolate", 1, NULL}, {0}};
	const struct node_host_setup setup = {.layout = "mono", .live = true, .configs = configs};
	struct node_host *host = node_host_open("lv2:urn:mixd:worker", &setup);
	const float *ins[] = {in[0]};
	float *outs[] = {out[0]};

	for (uint32_t i = 0; i < BLOCK; i++)
		in[0][i] = 0.25f;
	node_host_process(host, ins, outs, BLOCK);
	CHECK(out[0][0] == 0, "the job is not done yet");
	CHECK(node_host_work(host) > 0);
	node_host_process(host, ins, outs, BLOCK); /* the reply comes after this run */
	node_host_process(host, ins, outs, BLOCK);
	CHECK(out[0][0] == 0.125f, "%g", (double)out[0][0]);
	node_host_reset(host);
	node_host_process(host, ins, outs, BLOCK);
	CHECK(out[0][0] == 0, "silent until it has been restarted");
	CHECK(node_host_work(host) > 0);
	for (int i = 0; i < 3; i++) {
		node_host_process(host, ins, outs, BLOCK);
		node_host_work(host);
	}
	CHECK(out[0][0] == 0.125f, "%g", (double)out[0][0]);
	node_host_free(host);
}
