/* lv2_helper_setup.c - mixd-lv2: the process in which one plug-in lives.
 *
 * WHAT        Descriptor 3 is the memory shared with the node (struct lv2_share). It starts the
 *             plug-in, says that it is ready (or why not), and runs block after block as they are
 *             asked for. A second thread does the plug-in's jobs and saves its state.
 * THREADS     [run] blocks, FIFO where that is allowed; [jobs] all that may take long.
 * INVARIANTS  L4 it is killed when its parent dies, and looks every second whether it has one.
 * NOT HERE    what happens when it is late, or gone: lv2_blocks.c. */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include "lv2.h"

#define HELPER_FD 3
#define HELPER_PRIORITY 70 /* below PipeWire's own threads */
#define HELPER_RTTIME_US 1000000
#define HELPER_LOCKED_MIN (256u << 20)
#define HELPER_QUIET_NS 500000000 /* a state that keeps changing is saved when it rests */

struct helper {
	struct lv2_share *share;
	struct lv2_frame frame;
	struct lv2_plug **plugs;
	sem_t jobs;
	_Atomic bool changed, ended;
	const float **in;
	float **out;
	char *text; /* the state as last told or given */
};

/* ---- less is more ---- */

static void helper_drop(void)
{
	struct rlimit none = {0, 0};
	FILE *score = fopen("/proc/self/oom_score_adj", "we");

	prctl(PR_SET_NAME, "mixd-lv2");
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &none);
	if (score) { /* before the daemon, when memory is short */
		fputs("500", score);
		fclose(score);
	}
	signal(SIGPIPE, SIG_IGN);
}

/* A page that is not there is a block that is late. Where less may be locked, allocations would fail. */
static void helper_lock(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur >= HELPER_LOCKED_MIN)
		mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

/* Capabilities go when the threads have their priorities. */
static void helper_drop_capabilities(void)
{
	struct {
		uint32_t version;
		int pid;
	} header = {0x20080522, 0};
	uint32_t none[6] = {0};

	syscall(SYS_capset, &header, none);
}

static void helper_prioritize(void)
{
	struct rlimit limit = {0, 0};
	struct sched_param param = {0};

	getrlimit(RLIMIT_RTPRIO, &limit);
	param.sched_priority = limit.rlim_cur > HELPER_PRIORITY || geteuid() == 0
				       ? HELPER_PRIORITY
				       : (int)limit.rlim_cur;
	/* One that never sleeps is killed before it starves the machine. */
	setrlimit(RLIMIT_RTTIME, &(struct rlimit){HELPER_RTTIME_US, HELPER_RTTIME_US});
	/* Without permission it runs as it is: later, but it runs. */
	if (param.sched_priority > 0)
		sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param);
}

static void helper_flush_denormals(void)
{
#if defined(__SSE2__)
	_mm_setcsr(_mm_getcsr() | 0x8040u);
#elif defined(__aarch64__)
	uint64_t fpcr;

	__asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
	__asm__ volatile("msr fpcr, %0" ::"r"(fpcr | (1u << 24)));
#endif
}

/* ---- starting ---- */

static void helper_say(struct lv2_share *share, enum lv2_phase phase, const char *words)
{
	if (words)
		snprintf(share->words, sizeof(share->words), "%s", words);
	atomic_store(&share->phase, phase);
	syscall(SYS_futex, &share->phase, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static struct lv2_share *helper_map(void)
{
	struct lv2_share *share;
	struct stat info;

	if (fstat(HELPER_FD, &info) < 0 || (size_t)info.st_size < sizeof(*share)) {
		fprintf(stderr, "mixd-lv2: mixd starts this to run a plug-in; "
				"there is nothing to do by hand\n");
		return NULL;
	}
	share = mmap(NULL, (size_t)info.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, HELPER_FD, 0);
	if (share == MAP_FAILED || share->magic != LV2_SHARE_MAGIC ||
	    share->frame.bytes != (size_t)info.st_size) {
		fprintf(stderr, "mixd-lv2: another version of mixd has started this\n");
		return NULL;
	}
	close(HELPER_FD);
	return share;
}

static void helper_work_wanted(void *data)
{
	struct helper *helper = data;

	sem_post(&helper->jobs);
}

static int helper_plugs(struct helper *helper, char words[LV2_WORDS_MAX])
{
	struct lv2_share *share = helper->share;
	const struct lv2_frame *frame = &helper->frame;
	const char *text = (const char *)share + frame->at_text_in;
	struct lv2_plug_setup setup = {
		.uri = share->uri,
		.library = share->library,
		.bundle = share->bundle,
		.ports = (const struct lv2_port *)((const char *)share + frame->at_ports),
		.n_ports = frame->n_ports,
		.rate = share->rate,
		.min_frames = frame->block,
		.max_frames = frame->block,
		.offline = share->offline,
		.speaks = true,
		.work_wanted = helper_work_wanted,
		.data = helper};

	for (uint32_t i = 0; i < frame->copies; i++) {
		int res = lv2_plug_new(&setup, &helper->plugs[i], words);

		if (res < 0)
			return res;
		if (lv2_plug_restore(helper->plugs[i], text) < 0)
			fprintf(stderr, "mixd-lv2: %s: its saved state is not taken\n", share->uri);
	}
	return 0;
}

/* The latency is known after a first run; then everything begins anew. */
static uint32_t helper_probe(struct helper *helper)
{
	const struct lv2_frame *frame = &helper->frame;
	uint32_t latency = 0;

	for (uint32_t i = 0; i < frame->copies; i++) {
		const float *param =
			lv2_slot_floats(lv2_share_slot(helper->share, frame, 0), frame->slot_param);

		lv2_plug_restart(helper->plugs[i]);
		for (uint32_t k = 0; k < frame->n_in + frame->n_key; k++)
			helper->in[k] = (const float *)((char *)helper->share + frame->at_text_out);
		for (uint32_t k = 0; k < frame->n_out; k++)
			helper->out[k] = lv2_slot_floats(lv2_share_slot(helper->share, frame, 0),
							 frame->slot_out);
		lv2_plug_run(helper->plugs[i], param, helper->in, helper->in, helper->out,
			     frame->block);
		latency = lv2_plug_latency(helper->plugs[i]);
		if (lv2_plug_changed(helper->plugs[i]))
			atomic_store(&helper->changed, true);
		lv2_plug_restart(helper->plugs[i]);
	}
	return latency;
}

/* ---- jobs and states ---- */

static void helper_capture(struct helper *helper)
{
	struct lv2_share *share = helper->share;
	char *out = (char *)share + helper->frame.at_text_out;
	char *text = malloc(LV2_TEXT_MAX);

	if (text && lv2_plug_save(helper->plugs[0], text, LV2_TEXT_MAX) >= 0 &&
	    strcmp(text, helper->text) != 0) {
		free(helper->text);
		helper->text = strdup(text);
		strcpy(out, text);
		atomic_fetch_add(&share->captured, 1);
	}
	if (!helper->text)
		helper->text = calloc(1, 1);
	free(text);
}

static void *helper_jobs(void *data)
{
	struct helper *helper = data;
	struct lv2_share *share = helper->share;

	prctl(PR_SET_NAME, "mixd-lv2 jobs");
	while (!atomic_load(&helper->ended)) {
		struct timespec until;
		bool posted;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += HELPER_QUIET_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		posted = sem_timedwait(&helper->jobs, &until) == 0;
		for (uint32_t i = 0; i < helper->frame.copies; i++)
			lv2_plug_work(helper->plugs[i]);
		/* The one before must have been read: what it reads stands still. */
		if (!posted && atomic_load(&share->taken) == atomic_load(&share->captured) &&
		    atomic_exchange(&helper->changed, false))
			helper_capture(helper);
	}
	return NULL;
}

/* ---- blocks ---- */

static void helper_block(struct helper *helper, uint64_t block)
{
	const struct lv2_frame *frame = &helper->frame;
	struct lv2_slot *slot = lv2_share_slot(helper->share, frame, block);
	float *in = lv2_slot_floats(slot, frame->slot_in);
	float *out = lv2_slot_floats(slot, frame->slot_out);
	float *meter = lv2_slot_floats(slot, frame->slot_meter);
	uint32_t latency = 0;

	for (uint32_t i = 0; i < frame->copies; i++) {
		const float *key[LV2_AUDIO_MAX];
		struct lv2_plug *plug = helper->plugs[i];

		if (slot->flags & LV2_SLOT_RESTART)
			lv2_plug_restart(plug);
		for (uint32_t k = 0; k < frame->n_in; k++)
			helper->in[k] = in + (size_t)(i * frame->n_in + k) * frame->block;
		for (uint32_t k = 0; k < frame->n_key; k++)
			key[k] = in + (size_t)(frame->in_channels +
					       (i * frame->n_key + k) % frame->key_channels) *
					      frame->block;
		for (uint32_t k = 0; k < frame->n_out; k++)
			helper->out[k] = out + (size_t)(i * frame->n_out + k) * frame->block;
		lv2_plug_run(plug, lv2_slot_floats(slot, frame->slot_param), helper->in, key,
			     helper->out, frame->block);
		lv2_plug_meters(plug, meter + i, frame->copies);
		if (lv2_plug_latency(plug) > latency)
			latency = lv2_plug_latency(plug);
		if (lv2_plug_changed(plug))
			atomic_store(&helper->changed, true);
	}
	slot->latency = latency;
	atomic_store_explicit(&slot->ready, block + 1, memory_order_release);
}

static void helper_run(struct helper *helper)
{
	struct lv2_share *share = helper->share;
	const uint64_t *queue = (const uint64_t *)((const char *)share + helper->frame.at_queue);
	uint32_t taken = 0;

	while (!atomic_load(&share->quit)) {
		const struct timespec second = {1, 0};

		if (atomic_load(&share->asked) != taken) {
			helper_block(helper, queue[taken & (helper->frame.slots - 1)]);
			taken++;
			atomic_store(&share->done, taken);
			if (share->offline)
				syscall(SYS_futex, &share->done, FUTEX_WAKE, 1, NULL, NULL, 0);
			continue;
		}
		atomic_store(&share->sleeping, 1);
		if (atomic_load(&share->asked) == taken && !atomic_load(&share->quit))
			syscall(SYS_futex, &share->asked, FUTEX_WAIT, taken, &second, NULL, 0);
		atomic_store(&share->sleeping, 0);
		if (getppid() != share->parent)
			return;
	}
}

static int helper_start(struct helper *helper, char words[LV2_WORDS_MAX])
{
	const struct lv2_frame *frame = &helper->frame;

	helper->plugs = calloc(frame->copies + 1, sizeof(struct lv2_plug *));
	helper->in = calloc(frame->n_in + frame->n_key + 1, sizeof(*helper->in));
	helper->out = calloc(frame->n_out + 1, sizeof(*helper->out));
	helper->text = strdup((const char *)helper->share + frame->at_text_in);
	if (!helper->plugs || !helper->in || !helper->out || !helper->text ||
	    sem_init(&helper->jobs, 0, 0) < 0) {
		snprintf(words, LV2_WORDS_MAX, "out of memory");
		return -ENOMEM;
	}
	return helper_plugs(helper, words);
}

int main(int argc, char **argv)
{
	static struct helper helper;
	char words[LV2_WORDS_MAX];
	pthread_t jobs;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	helper.share = helper_map();
	if (!helper.share)
		return 2;
	if (getppid() != helper.share->parent)
		return 0; /* it died before we could ask */
	syscall(SYS_close_range, HELPER_FD, ~0u, 0);
	helper.frame = helper.share->frame;
	helper_drop();
	helper_flush_denormals();
	if (helper_start(&helper, words) < 0) {
		helper_say(helper.share, LV2_PHASE_REFUSED, words);
		return 1;
	}
	atomic_store(&helper.share->latency, helper_probe(&helper));
	if (pthread_create(&jobs, NULL, helper_jobs, &helper) != 0) {
		helper_say(helper.share, LV2_PHASE_REFUSED, "no thread for its jobs");
		return 1;
	}
	if (!helper.share->offline) {
		helper_lock();
		helper_prioritize();
	}
	helper_drop_capabilities();
	helper_say(helper.share, LV2_PHASE_READY, NULL);
	helper_run(&helper);
	atomic_store(&helper.ended, true);
	sem_post(&helper.jobs);
	pthread_join(jobs, NULL);
	for (uint32_t i = 0; i < helper.frame.copies; i++)
		lv2_plug_free(helper.plugs[i]);
	_exit(0); /* what plug-ins registered for the end of a process may hang */
}
