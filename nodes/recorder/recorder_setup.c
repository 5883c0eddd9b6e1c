/* recorder_setup.c - the recorder's main and disk sides: names of files, and takes that become files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder.h"

static const char *const recorder_formats[] = {"wav", NULL};
static const char *const recorder_bits[] = {"16", "24", "32", NULL};
static const char *const recorder_with[] = {"record", "transport", NULL};

const struct mixd_config_row recorder_configs[] = {
	{"file",
	 "Name of the files: {n} a number that is free, {date} and {time} of the first frame, "
	 "{position} on the time line, {marker} the last one when it was begun (start: none yet); "
	 "a "
	 "relative one begins in the folder of the session",
	 MIXD_TYPE_STRING, MIXD_UNIT_NONE, 0, 0, 0, "take-{n}.wav", NULL, false},
	{"format", "WAV with a broadcast (BWF) header; RF64 from 4 GiB on", MIXD_TYPE_ENUM,
	 MIXD_UNIT_NONE, 0, 0, 0, NULL, recorder_formats, false},
	{"bits", "Bits of a sample; 16 with dither, 32 is float", MIXD_TYPE_ENUM, MIXD_UNIT_NONE, 0,
	 2, 1, NULL, recorder_bits, false},
	{"pre_roll", "What was heard that long before is recorded, too", MIXD_TYPE_FLOAT,
	 MIXD_UNIT_S, 0, 120, 0, NULL, NULL, false},
	{"split_time", "A new file after that long, without a gap; 0: never", MIXD_TYPE_FLOAT,
	 MIXD_UNIT_S, 0, 86400, 0, NULL, NULL, false},
	{"split_size", "A new file after so many million bytes, without a gap; 0: never",
	 MIXD_TYPE_FLOAT, MIXD_UNIT_NONE, 0, 1000000, 0, NULL, NULL, false},
	{"split_marker", "A new file at each marker that is reached, without a gap", MIXD_TYPE_BOOL,
	 MIXD_UNIT_NONE, 0, 1, 0, NULL, NULL, false},
	{"with", "While record is on; or only while the transport rolls, too", MIXD_TYPE_ENUM,
	 MIXD_UNIT_NONE, 0, 1, 0, NULL, recorder_with, false},
};

/* ---- names ------------------------------------------------------------------------------------- */

static const char *const recorder_words[] = {"{n}",	   "{date}",   "{time}",
					     "{position}", "{marker}", NULL};
enum {
	RECORDER_WORD_N,
	RECORDER_WORD_DATE,
	RECORDER_WORD_TIME,
	RECORDER_WORD_POSITION,
	RECORDER_WORD_MARKER
};

/* The word that begins at TEXT, or -1. */
static int recorder_word(const char *text)
{
	for (int i = 0; recorder_words[i]; i++)
		if (strncmp(text, recorder_words[i], strlen(recorder_words[i])) == 0)
			return i;
	return -1;
}

/* A marker's name within a name of a file. */
static void marker_write(const char *name, char *ret, size_t size)
{
	snprintf(ret, size, "%s", *name ? name : "start");
	for (char *slash = strchr(ret, '/'); slash; slash = strchr(slash, '/'))
		*slash = '-';
}

static void word_write(const struct recorder *recorder, const struct recorder_take *take,
		       uint64_t first, int word, uint32_t number, char *ret, size_t size)
{
	time_t seconds = (time_t)(take->clock_ns / 1000000000) +
			 (time_t)((double)(first - take->begin) / recorder->rate);
	double line = (double)(take->line + first - take->begin) / recorder->rate;
	struct tm parts = {0};

	localtime_r(&seconds, &parts);
	if (word == RECORDER_WORD_N)
		snprintf(ret, size, "%03u", number);
	else if (word == RECORDER_WORD_DATE)
		strftime(ret, size, "%Y-%m-%d", &parts);
	else if (word == RECORDER_WORD_TIME)
		strftime(ret, size, "%H-%M-%S", &parts);
	else if (word == RECORDER_WORD_MARKER)
		marker_write(take->marker, ret, size);
	else
		snprintf(ret, size, "%uh%02um%02us", (unsigned)(line / 3600.0),
			 (unsigned)(line / 60.0) % 60, (unsigned)line % 60);
}

/* The file of TAKE that begins with frame FIRST, as the NUMBERth of that name. Where the pattern has no
 * {n}, from the second one on "-2", ... stand before the ending. */
static bool recorder_name(const struct recorder *recorder, const struct recorder_take *take,
			  uint64_t first, uint32_t number, char *ret, size_t size)
{
	const char *text = recorder->pattern, *dot = strrchr(text, '.');
	bool numbered = strstr(text, "{n}") != NULL;
	char part[MIXD_MARKER_NAME_MAX + 1];
	size_t n = 0;

	if (!dot || strchr(dot, '/') || strchr(dot, '}'))
		dot = text + strlen(text);
	for (;; text++) {
		int word = recorder_word(text);

		part[0] = 0;
		if (text == dot && !numbered && number > 1)
			snprintf(part, sizeof(part), "-%u", number);
		if (word >= 0)
			word_write(recorder, take, first, word, number, part, sizeof(part));
		if (n + strlen(part) + 2 > size)
			return false;
		n += (size_t)sprintf(ret + n, "%s", part);
		if (!*text)
			break;
		if (word >= 0)
			text += strlen(recorder_words[word]) - 1;
		else
			ret[n++] = *text;
	}
	ret[n] = 0;
	return true;
}

static int recorder_check_pattern(const char *text, struct mixd_fault *fault)
{
	if (!text || !*text || text[strlen(text) - 1] == '/') {
		snprintf(fault->text, sizeof(fault->text), "no file is named");
		snprintf(fault->hint, sizeof(fault->hint), "as file=take-{n}.wav");
		return -EINVAL;
	}
	for (const char *at = strchr(text, '{'); at; at = strchr(at + 1, '{'))
		if (recorder_word(at) < 0) {
			snprintf(fault->text, sizeof(fault->text), "nothing is known as \"%.40s\"",
				 at);
			snprintf(fault->hint, sizeof(fault->hint),
				 "{n}, {date}, {time}, {position} and {marker} are");
			return -EINVAL;
		}
	if (strlen(text) > RECORDER_PATH_MAX - 128) {
		snprintf(fault->text, sizeof(fault->text), "the name is too long");
		snprintf(fault->hint, sizeof(fault->hint), "at most %u bytes",
			 RECORDER_PATH_MAX - 128);
		return -EINVAL;
	}
	return 0;
}

/* ---- life -------------------------------------------------------------------------------------- */

int recorder_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		   struct mixd_fault *fault)
{
	ret_need->state_bytes = sizeof(struct recorder);
	ret_need->tail = UINT64_MAX; /* silence is recorded, too */
	return recorder_check_pattern(setup->config[RECORDER_CONFIG_FILE].text, fault);
}

static uint64_t recorder_split(const struct recorder *recorder, const struct mixd_value *config)
{
	double seconds = config[RECORDER_CONFIG_SPLIT_TIME].number;
	double frame = (recorder->bits == 32 ? 4.0 : recorder->bits / 8.0) * recorder->n_channels;
	double frames = config[RECORDER_CONFIG_SPLIT_SIZE].number * 1e6 / frame;

	if (seconds > 0.0 && (frames <= 0.0 || seconds * recorder->rate < frames))
		frames = seconds * recorder->rate;
	return frames >= 1.0 ? (uint64_t)frames : frames > 0.0 ? 1 : UINT64_MAX;
}

int recorder_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct recorder *recorder = inst->state;
	const struct mixd_setup *setup = inst->setup;
	const struct mixd_value *config = setup->config;
	static const uint32_t bits[] = {16, 24, 32};
	double frames;

	(void)fault;
	recorder->host = inst->host;
	recorder->layout = setup->in_layout[0];
	recorder->n_channels = recorder->layout->n_channels;
	recorder->rate = setup->rate;
	recorder->pattern = config[RECORDER_CONFIG_FILE].text;
	recorder->bits = bits[(uint32_t)config[RECORDER_CONFIG_BITS].number];
	recorder->pre_frames = (uint32_t)(config[RECORDER_CONFIG_PRE_ROLL].number * setup->rate);
	recorder->split_frames = recorder_split(recorder, config);
	recorder->split_marker = config[RECORDER_CONFIG_SPLIT_MARKER].number > 0.5;
	recorder->with_transport = config[RECORDER_CONFIG_WITH].number > 0.5;
	frames = recorder->pre_frames +
		 (inst->host->offline ? 2.0 * RECORDER_CHUNK : RECORDER_AHEAD_S * setup->rate);
	for (recorder->ring_frames = 4 * RECORDER_CHUNK; recorder->ring_frames < frames;)
		recorder->ring_frames *= 2;
	recorder->memory = calloc((size_t)recorder->n_channels *
					  ((size_t)recorder->ring_frames + RECORDER_CHUNK),
				  sizeof(float));
	if (!recorder->memory)
		return -ENOMEM;
	for (uint32_t c = 0; c < recorder->n_channels; c++)
		recorder->ring[c] = recorder->memory + (size_t)c * recorder->ring_frames;
	recorder->chunk = recorder->memory + (size_t)recorder->n_channels * recorder->ring_frames;
	return 0;
}

/* What is under way is finished: nobody writes into the ring any more. */
void recorder_deactivate(struct mixd_inst *inst)
{
	struct recorder *recorder = inst->state;
	uint32_t n = atomic_load(&recorder->n_begun);
	uint64_t heard = atomic_load(&recorder->heard);

	if (n > atomic_load(&recorder->n_done)) {
		struct recorder_take *last = &recorder->take[(n - 1) % RECORDER_TAKES];

		if (atomic_load(&last->end) == UINT64_MAX)
			atomic_store(&last->end, heard);
		recorder_disk(inst, 0);
	}
	free(recorder->memory);
	memset(recorder, 0, sizeof(*recorder));
}

/* ---- files ------------------------------------------------------------------------------------- */

static void recorder_trouble(struct recorder *recorder, int error)
{
	bool full = error == -ENOSPC || error == -EDQUOT || error == -EFBIG;

	recorder->give_up = true;
	recorder->again =
		atomic_load(&recorder->kept) + (uint64_t)(RECORDER_AGAIN_S * recorder->rate);
	atomic_store(&recorder->trouble, full ? RECORDER_FULL : RECORDER_FAILED);
}

/* Frames since midnight, or on the time line. */
static uint64_t recorder_reference(const struct recorder *recorder,
				   const struct recorder_take *take, uint64_t first)
{
	time_t seconds = (time_t)(take->clock_ns / 1000000000);
	struct tm parts = {0};
	double day;

	if (take->on_line)
		return take->line + (first - take->begin);
	localtime_r(&seconds, &parts);
	day = parts.tm_hour * 3600.0 + parts.tm_min * 60.0 + parts.tm_sec +
	      (double)(take->clock_ns % 1000000000) / 1e9;
	return (uint64_t)(day * recorder->rate + 0.5) + (first - take->begin);
}

static void recorder_open(struct recorder *recorder, const struct recorder_take *take,
			  uint64_t first)
{
	char path[RECORDER_PATH_MAX];
	struct mixd_fault fault;
	double later = (double)(first - take->begin) / recorder->rate;
	struct mixd_record_spec spec = {.path = path,
					.clock_ns = take->clock_ns + (int64_t)(later * 1e9),
					.rate = recorder->rate,
					.layout = recorder->layout,
					.bits = recorder->bits,
					.format = "wav",
					.time_reference =
						recorder_reference(recorder, take, first)};
	bool numbered = strstr(recorder->pattern, "{n}") != NULL;
	int r = -EEXIST;

	for (uint32_t n = numbered ? recorder->number + 1 : 1;
	     r == -EEXIST && n <= RECORDER_NUMBER_MAX; n++) {
		if (!recorder_name(recorder, take, first, n, path, sizeof(path))) {
			r = -ENAMETOOLONG;
			break;
		}
		r = recorder->host->record_open(&spec, &recorder->file, &fault);
		if (r == 0)
			recorder->number = n;
	}
	recorder->file_frames = 0;
	if (r == 0) {
		atomic_fetch_add(&recorder->n_files, 1);
		return;
	}
	recorder->file = NULL;
	recorder_trouble(recorder, r);
}

static void recorder_close(struct recorder *recorder)
{
	struct mixd_fault fault;
	int r;

	if (!recorder->file)
		return;
	r = recorder->host->record_close(recorder->file, &fault);
	recorder->file = NULL;
	if (r < 0)
		recorder_trouble(recorder, r);
}

/* N (..RECORDER_CHUNK) frames from AT on, which are in the ring, to the file that is open. */
static void recorder_write(struct recorder *recorder, uint64_t at, uint32_t n)
{
	float *channel[MIXD_CHANNELS_MAX];
	struct mixd_fault fault;
	uint32_t from = (uint32_t)at & (recorder->ring_frames - 1);
	uint32_t part = recorder->ring_frames - from < n ? recorder->ring_frames - from : n;
	int r;

	for (uint32_t c = 0; c < recorder->n_channels; c++) {
		channel[c] = recorder->chunk + (size_t)c * RECORDER_CHUNK;
		memcpy(channel[c], recorder->ring[c] + from, part * sizeof(float));
		memcpy(channel[c] + part, recorder->ring[c], (n - part) * sizeof(float));
	}
	r = recorder->host->record_write(recorder->file, (const float *const *)channel, n, &fault);
	if (r < 0) {
		recorder_trouble(recorder, r);
		recorder_close(recorder); /* what is there is kept */
		atomic_fetch_add(&recorder->unwritten, n);
	} else if (recorder->give_up) {
		recorder->give_up = false;
		atomic_store(&recorder->trouble, RECORDER_WELL);
	}
	recorder->file_frames += n;
}

/* What there is of TAKE; true when that was all. */
static bool recorder_take_on(struct recorder *recorder, struct recorder_take *take)
{
	for (;;) {
		uint64_t end = atomic_load_explicit(&take->end, memory_order_acquire);
		uint64_t heard = atomic_load_explicit(&recorder->heard, memory_order_acquire);
		uint64_t at = atomic_load_explicit(&recorder->kept, memory_order_relaxed);
		uint64_t to = end < heard ? end : heard, n;

		if (at < take->begin)
			at = take->begin;
		n = to > at ? to - at : 0;
		n = n < RECORDER_CHUNK ? n : RECORDER_CHUNK;
		if (!n)
			return at >= end;
		if (recorder->file && recorder->file_frames == recorder->split_frames)
			recorder_close(recorder);
		if (!recorder->file && (!recorder->give_up || at >= recorder->again))
			recorder_open(recorder, take, at);
		if (recorder->file && recorder->split_frames - recorder->file_frames < n)
			n = recorder->split_frames - recorder->file_frames;
		if (recorder->file)
			recorder_write(recorder, at, (uint32_t)n);
		else
			atomic_fetch_add(&recorder->unwritten, n);
		atomic_store_explicit(&recorder->kept, at + n, memory_order_release);
	}
}

void recorder_disk(struct mixd_inst *inst, uint32_t job)
{
	struct recorder *recorder = inst->state;
	uint32_t done = atomic_load(&recorder->n_done);

	(void)job;
	while (done != atomic_load_explicit(&recorder->n_begun, memory_order_acquire)) {
		if (!recorder_take_on(recorder, &recorder->take[done % RECORDER_TAKES]))
			break;
		recorder_close(recorder);
		recorder->give_up = false;
		atomic_store_explicit(&recorder->n_done, ++done, memory_order_release);
	}
	atomic_store_explicit(&recorder->pending, 0, memory_order_release);
}
