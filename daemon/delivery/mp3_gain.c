/* mp3_gain.c - see mp3_gain.h.
 *
 * SOURCE      ISO/IEC 11172-3:1993, 2.4.1.3 (header), 2.4.1.7 (side information), 2.4.3.4.7.1 (requantisation:
 *             2^(global_gain / 4)); ISO/IEC 13818-3:1998, 2.4.1.7 (lower rates). The tag:
 *             "Mp3 Info Tag rev 1 specifications" (LAME project), CRC-16 of polynomial 0x8005, reflected.
 * PLACE       A decoder that knows the encoder's delay d leaves out its first d + 529 frames. Output frame q
 *             before that comes from the subbands 240 frames earlier (half the synthesis window
 *             less half a slot); these overlap the windows of granule m = (q - 240) / 576 and of the one
 *             before. Both are lowered, in both channels, so that middle and side stay together.
 * RESTART     A frame takes up to 511 bytes of main data from those before it (lower rates: 255): none
 *             is shorter than 60 bytes (3), so 9 frames (85) hold them, and GAIN_WARM more than that.
 *             Decoders sum their synthesis window from a place that moves with each of 16 slots: to the bit
 *             the same is what begins 4 frames (8) or a multiple of these later. mpg123 begins
 *             GAIN_PREFRAMES before the frame it is sent to (its manual: MPG123_PREFRAMES), and at the start
 *             with the first frame of which something is heard. */
#include "mp3_gain.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define GAIN_DECODER_DELAY 529
#define GAIN_SYNTHESIS_DELAY 240
#define GAIN_GRANULE 576
#define GAIN_STEPS_MAX 4u /* 6 dB: more is no spot */
#define GAIN_FEW 24u /* granules that may be lowered however short it is */
#define GAIN_SHARE 100u /* else one in so many */
#define GAIN_WARM 16 /* frames; of the lower rates: */
#define GAIN_WARM_LSF 96
#define GAIN_PREFRAMES 4
#define GAIN_ALIGN 8 /* frames */
#define GAIN_MARK 64u /* the place of every 64th frame is known */
#define GAIN_AT_ONCE ((size_t)1 << 20) /* bytes that are in memory */

struct gain_frame {
	uint8_t *at;
	size_t bytes;
	uint32_t rate, n_channels, n_granules;
	uint32_t side_bytes;
	bool is_lsf; /* the lower rates */
};

struct mp3_gain {
	int fd;
	char *path; /* for words */
	uint8_t *data; /* mapped */
	size_t size, kept; /* kept: the bytes before it were given back */
	size_t first; /* of the first frame behind the tag */
	size_t begin; /* of the tag, a frame itself */
	size_t lame; /* its part that counts */
	uint32_t delay;
	bool is_lsf, has_music_sum; /* the sum in the tag is right */
	/* --- from the first moment on --- */
	uint32_t n_granules, n_lowered;
	uint8_t *steps; /* by granule: lowered by */
	uint8_t *wanted; /* by granule: to be lowered by */
	size_t *mark; /* where frame k * GAIN_MARK is */
};

/* ---- frames ------------------------------------------------------------------------------------ */

static bool gain_parse(uint8_t *at, size_t left, struct gain_frame *ret)
{
	static const uint16_t kbps[2][15] = {
		{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
	};
	static const uint16_t rates[3] = {44100, 48000, 32000};
	uint32_t version, rate, kb;

	if (left < 4 || at[0] != 0xff || (at[1] & 0xe0) != 0xe0)
		return false;
	version = at[1] >> 3 & 3;
	rate = at[2] >> 2 & 3;
	/* Layer III, without a checksum, of a rate that is said. */
	if (version == 1 || (at[1] >> 1 & 3) != 1 || !(at[1] & 1) || rate == 3 || at[2] >> 4 == 15)
		return false;
	ret->is_lsf = version != 3;
	kb = kbps[ret->is_lsf][at[2] >> 4];
	ret->at = at;
	ret->rate = (uint32_t)rates[rate] >> (version == 3 ? 0 : version == 2 ? 1 : 2);
	ret->n_channels = at[3] >> 6 == 3 ? 1 : 2;
	ret->n_granules = ret->is_lsf ? 1 : 2;
	ret->side_bytes =
		ret->is_lsf ? (ret->n_channels == 1 ? 9 : 17) : (ret->n_channels == 1 ? 17 : 32);
	ret->bytes = (ret->is_lsf ? 72000u : 144000u) * kb / ret->rate + (at[2] >> 1 & 1);
	return kb > 0 && ret->bytes <= left && ret->bytes >= 4 + ret->side_bytes;
}

static uint32_t gain_bits(const uint8_t *data, uint32_t bit)
{
	uint32_t word = (uint32_t)data[bit / 8] << 8 | data[bit / 8 + 1];

	return word >> (8 - bit % 8) & 0xff;
}

static void gain_set_bits(uint8_t *data, uint32_t bit, uint32_t value)
{
	uint32_t shift = 8 - bit % 8;
	uint32_t word = (uint32_t)data[bit / 8] << 8 | data[bit / 8 + 1];

	word = (word & ~(0xffu << shift)) | value << shift;
	data[bit / 8] = (uint8_t)(word >> 8);
	data[bit / 8 + 1] = (uint8_t)word;
}

/* global_gain follows part2_3_length and big_values in each granule of each channel. */
static void gain_lower_granule(const struct gain_frame *frame, uint32_t granule, uint32_t steps)
{
	uint32_t n = frame->n_channels, bit, each;

	if (frame->is_lsf) {
		bit = 8 + (n == 1 ? 1 : 2);
		each = 63;
	} else {
		bit = 9 + (n == 1 ? 5 : 3) + 4 * n;
		each = 59;
	}
	for (uint32_t c = 0; c < n; c++) {
		uint32_t at = bit + (granule * n + c) * each + 12 + 9;
		uint32_t gain = gain_bits(frame->at + 4, at);

		gain_set_bits(frame->at + 4, at, gain > steps ? gain - steps : 0);
	}
}

/* ---- the tag ----------------------------------------------------------------------------------- */

static bool gain_read_tag(struct mp3_gain *gain, const struct gain_frame *frame)
{
	uint8_t *tag = frame->at + 4 + frame->side_bytes;

	if (frame->bytes < 4 + frame->side_bytes + 156 ||
	    (memcmp(tag, "Info", 4) != 0 && memcmp(tag, "Xing", 4) != 0))
		return false;
	tag += 120;
	gain->lame = (size_t)(tag - gain->data);
	gain->delay = (uint32_t)tag[21] << 4 | tag[22] >> 4;
	return true;
}

/* ---- memory ------------------------------------------------------------------------------------ */

/* Who walks through the file is at AT: what lies well behind it need not stay in memory. What was
 * written there is the file's all the same. */
static void gain_pass(struct mp3_gain *gain, size_t at)
{
	if (at < gain->kept + GAIN_AT_ONCE)
		return;
	at = at / GAIN_AT_ONCE * GAIN_AT_ONCE;
	(void)madvise(gain->data + gain->kept, at - gain->kept, MADV_DONTNEED);
	gain->kept = at;
}

/* All of it. */
static void gain_leave(struct mp3_gain *gain)
{
	(void)madvise(gain->data, gain->size, MADV_DONTNEED);
	gain->kept = 0;
}

/* ---- sums -------------------------------------------------------------------------------------- */

/* Four bytes at a time: table k is that of a byte with k zeros behind it. */
static void gain_sum_table(uint16_t table[4][256])
{
	for (uint32_t b = 0; b < 256; b++) {
		uint32_t word = b;

		for (uint32_t k = 0; k < 8; k++)
			word = word & 1 ? word >> 1 ^ 0xa001 : word >> 1;
		table[0][b] = (uint16_t)word;
	}
	for (uint32_t k = 1; k < 4; k++)
		for (uint32_t b = 0; b < 256; b++)
			table[k][b] =
				(uint16_t)(table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 0xff]);
}

/* Of bytes [AT, END) of the file. */
static uint16_t gain_sum(struct mp3_gain *gain, size_t at, size_t end)
{
	uint16_t table[4][256];
	const uint8_t *data = gain->data;
	uint32_t sum = 0;

	gain_sum_table(table);
	while (at < end) {
		size_t stop = end - at > GAIN_AT_ONCE ? at + GAIN_AT_ONCE : end;

		for (; at + 4 <= stop; at += 4)
			sum = (uint32_t)(table[3][(sum ^ data[at]) & 0xff] ^
					 table[2][(sum >> 8 ^ data[at + 1]) & 0xff] ^
					 table[1][data[at + 2]] ^ table[0][data[at + 3]]);
		for (; at < stop; at++)
			sum = sum >> 8 ^ table[0][(sum ^ data[at]) & 0xff];
		gain_pass(gain, at);
	}
	gain_leave(gain);
	return (uint16_t)sum;
}

/* The music ends where the tags behind it begin: the tag counts its bytes. */
static size_t gain_music_end(const struct mp3_gain *gain)
{
	const uint8_t *at = gain->data + gain->lame + 28;
	size_t bytes = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];

	return bytes > gain->size - gain->begin ? 0 : gain->begin + bytes;
}

static void gain_check_sum(struct mp3_gain *gain)
{
	size_t end = gain_music_end(gain);
	const uint8_t *lame = gain->data + gain->lame;
	uint32_t said = (uint32_t)lame[32] << 8 | lame[33];

	gain->has_music_sum = end > gain->first && gain_sum(gain, gain->first, end) == said;
}

static void gain_write_sums(struct mp3_gain *gain)
{
	uint8_t *lame = gain->data + gain->lame;
	uint16_t sum;

	if (!gain->has_music_sum)
		return;
	sum = gain_sum(gain, gain->first, gain_music_end(gain));
	lame[32] = (uint8_t)(sum >> 8);
	lame[33] = (uint8_t)sum;
	sum = gain_sum(gain, gain->begin, gain->lame + 34);
	lame[34] = (uint8_t)(sum >> 8);
	lame[35] = (uint8_t)sum;
}

/* ---- the file ---------------------------------------------------------------------------------- */

static size_t gain_skip_id3(const uint8_t *data, size_t size)
{
	size_t bytes;

	if (size < 10 || memcmp(data, "ID3", 3) != 0)
		return 0;
	bytes = 10 + ((size_t)(data[6] & 127) << 21 | (size_t)(data[7] & 127) << 14 |
		      (size_t)(data[8] & 127) << 7 | (data[9] & 127));
	return bytes + (data[5] & 0x10 ? 10 : 0);
}

/* The frames behind the tag: counted, and where they are. */
static int gain_count(struct mp3_gain *gain)
{
	struct gain_frame frame;
	size_t at = gain->first;
	uint32_t n = 0, room = 0;

	while (at < gain->size && gain_parse(gain->data + at, gain->size - at, &frame)) {
		if (n % GAIN_MARK == 0 && n / GAIN_MARK >= room) {
			size_t *more = reallocarray(gain->mark, room + 1024, sizeof(*more));

			if (!more)
				return -ENOMEM;
			gain->mark = more;
			room += 1024;
		}
		if (n % GAIN_MARK == 0)
			gain->mark[n / GAIN_MARK] = at;
		n++;
		at += frame.bytes;
		gain_pass(gain, at);
	}
	gain_leave(gain);
	gain->n_granules = n * (gain->is_lsf ? 1 : 2);
	return 0;
}

/* What is needed from the first moment on. */
static int gain_prepare(struct mp3_gain *gain)
{
	int r = gain_count(gain);

	if (r < 0)
		return r;
	gain->steps = calloc(gain->n_granules + 1, 1);
	gain->wanted = calloc(gain->n_granules + 1, 1);
	if (!gain->steps || !gain->wanted)
		return -ENOMEM;
	gain_check_sum(gain);
	return 0;
}

static int64_t gain_granule(const struct mp3_gain *gain, int64_t frame)
{
	return (frame + gain->delay + GAIN_DECODER_DELAY - GAIN_SYNTHESIS_DELAY) / GAIN_GRANULE;
}

static uint32_t gain_steps_at(const struct mp3_gain *gain, int64_t granule)
{
	return granule >= 0 && granule < (int64_t)gain->n_granules ? gain->steps[granule] : 0;
}

static void gain_want(struct mp3_gain *gain, int64_t granule, uint32_t steps)
{
	if (granule >= 0 && granule < (int64_t)gain->n_granules && gain->wanted[granule] < steps)
		gain->wanted[granule] = (uint8_t)steps;
}

/* False: not to be done. */
static bool gain_plan(struct mp3_gain *gain, const struct mp3_gain_spot *spot, uint32_t n)
{
	uint32_t found = 0;

	memcpy(gain->wanted, gain->steps, gain->n_granules);
	for (uint32_t i = 0; i < n; i++) {
		int64_t granule = gain_granule(gain, spot[i].frame);
		uint32_t here = gain_steps_at(gain, granule);
		uint32_t before = gain_steps_at(gain, granule - 1);
		double more = ceil(fmax(0, spot[i].lower_db) / MP3_GAIN_STEP_DB);
		uint32_t steps;

		if (!(more <= GAIN_STEPS_MAX))
			return false;
		steps = (uint32_t)more + (here > before ? here : before);
		if (steps > GAIN_STEPS_MAX)
			return false;
		/* One step at a time, down and up. */
		for (uint32_t k = 0; k < steps; k++) {
			gain_want(gain, granule - 1 - k, steps - k);
			gain_want(gain, granule + k, steps - k);
		}
	}
	for (uint32_t g = 0; g < gain->n_granules; g++)
		found += gain->wanted[g] > 0;
	gain->n_lowered =
		found > GAIN_FEW && found > gain->n_granules / GAIN_SHARE ? gain->n_lowered : found;
	return gain->n_lowered == found;
}

/* The granules from FROM to before TO, as planned. */
static void gain_apply(struct mp3_gain *gain, uint32_t from, uint32_t to)
{
	uint32_t per_frame = gain->is_lsf ? 1 : 2, n = from / per_frame / GAIN_MARK;
	uint32_t granule = n * GAIN_MARK * per_frame;
	size_t at = gain->mark[n];
	struct gain_frame frame;

	while (granule < to && gain_parse(gain->data + at, gain->size - at, &frame)) {
		for (uint32_t g = 0; g < frame.n_granules; g++, granule++)
			if (gain->wanted[granule] > gain->steps[granule]) {
				gain_lower_granule(&frame, g,
						   gain->wanted[granule] - gain->steps[granule]);
				gain->steps[granule] = gain->wanted[granule];
			}
		at += frame.bytes;
	}
	gain_leave(gain);
}

int mp3_gain_lower(struct mp3_gain *gain, const struct mp3_gain_spot *spot, uint32_t n,
		   struct mixd_error *err)
{
	uint32_t from = 0, to;

	if (!gain->steps && gain_prepare(gain) < 0)
		return error_no_memory(err);
	if (!gain_plan(gain, spot, n))
		return -EOPNOTSUPP;
	to = gain->n_granules;
	while (from < to && gain->wanted[from] == gain->steps[from])
		from++;
	while (to > from && gain->wanted[to - 1] == gain->steps[to - 1])
		to--;
	if (from < to)
		gain_apply(gain, from, to);
	return 0;
}

int64_t mp3_gain_restart(const struct mp3_gain *gain, int64_t frame)
{
	int64_t length = gain->is_lsf ? GAIN_GRANULE : 2 * GAIN_GRANULE;
	int64_t skipped = gain->delay + GAIN_DECODER_DELAY;
	int64_t start = skipped / length;
	int64_t first = (frame + skipped) / length - (gain->is_lsf ? GAIN_WARM_LSF : GAIN_WARM) -
			GAIN_PREFRAMES - start;

	if (first <= 0)
		return 0;
	first = start + first / GAIN_ALIGN * GAIN_ALIGN;
	return (first + GAIN_PREFRAMES) * length - skipped;
}

/* ---- open and closed --------------------------------------------------------------------------- */

static int gain_failed(const char *path, struct mixd_error *err)
{
	int error = errno;

	error_set(err, ERROR_RESOURCE, path, "cannot be changed: %s", strerror(error));
	error_hint(err, "look at the disk it is on");
	return -error;
}

static int gain_free(struct mp3_gain *gain, int r)
{
	if (gain->data)
		munmap(gain->data, gain->size);
	if (gain->fd >= 0)
		close(gain->fd);
	free(gain->path);
	free(gain->steps);
	free(gain->wanted);
	free(gain->mark);
	free(gain);
	return r;
}

static int gain_map(struct mp3_gain *gain, struct mixd_error *err)
{
	struct stat stat;
	void *data;

	gain->fd = open(gain->path, O_RDWR | O_CLOEXEC);
	if (gain->fd < 0 || fstat(gain->fd, &stat) < 0)
		return gain_failed(gain->path, err);
	if (stat.st_size == 0)
		return -EOPNOTSUPP;
	data = mmap(NULL, (size_t)stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, gain->fd, 0);
	if (data == MAP_FAILED)
		return gain_failed(gain->path, err);
	gain->data = data;
	gain->size = (size_t)stat.st_size;
	return 0;
}

int mp3_gain_open(const char *path, struct mp3_gain **ret, struct mp3_gain_format *ret_format,
		  struct mixd_error *err)
{
	struct mp3_gain *gain = calloc(1, sizeof(*gain));
	struct gain_frame tag;
	int r;

	if (!gain)
		return error_no_memory(err);
	gain->fd = -1;
	gain->path = strdup(path);
	if (!gain->path)
		return gain_free(gain, error_no_memory(err));
	r = gain_map(gain, err);
	if (r < 0)
		return gain_free(gain, r);
	gain->begin = gain_skip_id3(gain->data, gain->size);
	if (gain->begin >= gain->size ||
	    !gain_parse(gain->data + gain->begin, gain->size - gain->begin, &tag) ||
	    !gain_read_tag(gain, &tag))
		return gain_free(gain, -EOPNOTSUPP);
	gain->first = gain->begin + tag.bytes;
	gain->is_lsf = tag.is_lsf;
	gain_leave(gain);
	*ret_format = (struct mp3_gain_format){tag.rate, tag.n_channels};
	*ret = gain;
	return 0;
}

int mp3_gain_close(struct mp3_gain *gain, uint32_t *ret_granules, struct mixd_error *err)
{
	int r = 0;

	*ret_granules = gain ? gain->n_lowered : 0;
	if (!gain)
		return 0;
	if (gain->n_lowered) {
		gain_write_sums(gain);
		if (fsync(gain->fd) < 0)
			r = gain_failed(gain->path, err);
	}
	return gain_free(gain, r);
}
