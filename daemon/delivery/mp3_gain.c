/* mp3_gain.c - see mp3_gain.h.
 *
 * SOURCE      ISO/IEC 11172-3:1993, 2.4.1.3 (header), 2.4.1.7 (side information), 2.4.3.4.7.1 (requantisation:
 *             2^(global_gain / 4)); ISO/IEC 13818-3:1998, 2.4.1.7 (lower rates). The tag:
 *             "Mp3 Info Tag rev 1 specifications" (LAME project), CRC-16 of polynomial 0x8005, reflected.
 * PLACE       A decoder that knows the encoder's delay d leaves out its first d + 529 frames. Output frame q
 *             before that comes from the subbands 240 frames earlier (half the synthesis window
 *             less half a slot); these overlap the windows of granule m = (q - 240) / 576 and of the one
 *             before. Both are lowered, in both channels, so that middle and side stay together. */
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

struct gain_frame {
	uint8_t *at;
	size_t bytes;
	uint32_t rate, n_channels, n_granules;
	uint32_t side_bytes;
	bool is_lsf; /* the lower rates */
};

struct gain_file {
	uint8_t *data; /* mapped */
	size_t size;
	size_t begin; /* of the first frame, which is the tag */
	uint8_t *lame; /* its part of the tag; NULL: none */
	uint32_t delay, rate;
	uint32_t n_granules;
	bool has_music_sum; /* the sum in the tag is right */
	uint8_t *steps; /* by granule */
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

/* Four bytes at a time: table k is that of a byte with k zeros behind it. */
static uint16_t gain_sum(const uint8_t *data, size_t size)
{
	uint16_t table[4][256];
	uint32_t sum = 0;
	size_t i = 0;

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
	for (; i + 4 <= size; i += 4)
		sum = (uint32_t)(table[3][(sum ^ data[i]) & 0xff] ^
				 table[2][(sum >> 8 ^ data[i + 1]) & 0xff] ^ table[1][data[i + 2]] ^
				 table[0][data[i + 3]]);
	for (; i < size; i++)
		sum = sum >> 8 ^ table[0][(sum ^ data[i]) & 0xff];
	return (uint16_t)sum;
}

/* The music ends where the tags behind it begin: the tag counts its bytes. */
static size_t gain_music_end(const struct gain_file *file)
{
	const uint8_t *at = file->lame + 28;
	size_t bytes = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];

	return bytes > file->size - file->begin ? 0 : file->begin + bytes;
}

static bool gain_read_tag(struct gain_file *file, const struct gain_frame *frame)
{
	uint8_t *tag = frame->at + 4 + frame->side_bytes;

	if (frame->bytes < 4 + frame->side_bytes + 156 ||
	    (memcmp(tag, "Info", 4) != 0 && memcmp(tag, "Xing", 4) != 0))
		return false;
	file->lame = tag + 120;
	file->delay = (uint32_t)file->lame[21] << 4 | file->lame[22] >> 4;
	return true;
}

static void gain_write_sums(struct gain_file *file, size_t first)
{
	size_t end = gain_music_end(file);
	uint16_t sum;

	if (!file->has_music_sum)
		return;
	sum = gain_sum(file->data + first, end - first);
	file->lame[32] = (uint8_t)(sum >> 8);
	file->lame[33] = (uint8_t)sum;
	sum = gain_sum(file->data + file->begin,
		       (size_t)(file->lame + 34 - (file->data + file->begin)));
	file->lame[34] = (uint8_t)(sum >> 8);
	file->lame[35] = (uint8_t)sum;
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

/* All frames behind the tag: counted, or (LOWER) lowered. */
static uint32_t gain_walk(struct gain_file *file, size_t at, bool lower)
{
	struct gain_frame frame;
	uint32_t granule = 0;

	while (at < file->size && gain_parse(file->data + at, file->size - at, &frame)) {
		for (uint32_t g = 0; g < frame.n_granules; g++, granule++)
			if (lower && file->steps[granule])
				gain_lower_granule(&frame, g, file->steps[granule]);
		at += frame.bytes;
	}
	return granule;
}

static void gain_mark(struct gain_file *file, int64_t granule, uint32_t steps)
{
	if (granule >= 0 && granule < (int64_t)file->n_granules && file->steps[granule] < steps)
		file->steps[granule] = (uint8_t)steps;
}

/* Returns how many granules there are to lower; 0: not to be done. */
static uint32_t gain_plan(struct gain_file *file, const struct mp3_gain_spot *spot, uint32_t n)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < n; i++) {
		int64_t frame = llround(spot[i].at_s * file->rate) + file->delay +
				GAIN_DECODER_DELAY - GAIN_SYNTHESIS_DELAY;
		int64_t granule = frame / GAIN_GRANULE;
		uint32_t steps = (uint32_t)ceil(fmax(0, spot[i].lower_db) / MP3_GAIN_STEP_DB);

		if (steps > GAIN_STEPS_MAX)
			return 0;
		/* One step at a time, down and up. */
		for (uint32_t k = 0; k < steps; k++) {
			gain_mark(file, granule - 1 - k, steps - k);
			gain_mark(file, granule + k, steps - k);
		}
	}
	for (uint32_t g = 0; g < file->n_granules; g++)
		found += file->steps[g] > 0;
	return found > GAIN_FEW && found > file->n_granules / GAIN_SHARE ? 0 : found;
}

static int gain_run(struct gain_file *file, const struct mp3_gain_spot *spot, uint32_t n,
		    uint32_t *ret_granules)
{
	struct gain_frame tag;
	size_t first, end;

	file->begin = gain_skip_id3(file->data, file->size);
	if (file->begin >= file->size ||
	    !gain_parse(file->data + file->begin, file->size - file->begin, &tag) ||
	    !gain_read_tag(file, &tag))
		return -EOPNOTSUPP;
	first = file->begin + tag.bytes;
	file->rate = tag.rate;
	file->n_granules = gain_walk(file, first, false);
	file->steps = calloc(file->n_granules + 1, 1);
	if (!file->steps)
		return -ENOMEM;
	*ret_granules = gain_plan(file, spot, n);
	if (*ret_granules == 0)
		return -EOPNOTSUPP;
	end = gain_music_end(file);
	file->has_music_sum = end > first && gain_sum(file->data + first, end - first) ==
						     (file->lame[32] << 8 | file->lame[33]);
	gain_walk(file, first, true);
	gain_write_sums(file, first);
	return 0;
}

static int gain_failed(const char *path, struct mixd_error *err)
{
	int error = errno;

	error_set(err, ERROR_RESOURCE, path, "cannot be changed: %s", strerror(error));
	return -error;
}

int mp3_gain_lower(const char *path, const struct mp3_gain_spot *spot, uint32_t n,
		   uint32_t *ret_granules, struct mixd_error *err)
{
	struct gain_file file = {0};
	struct stat stat;
	int fd = open(path, O_RDWR | O_CLOEXEC), r;

	*ret_granules = 0;
	if (fd < 0)
		return gain_failed(path, err);
	if (fstat(fd, &stat) == 0 && stat.st_size > 0) {
		file.size = (size_t)stat.st_size;
		file.data = mmap(NULL, file.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	}
	if (!file.data || file.data == MAP_FAILED) {
		close(fd);
		return gain_failed(path, err);
	}
	r = gain_run(&file, spot, n, ret_granules);
	if (r == -ENOMEM)
		error_no_memory(err);
	free(file.steps);
	munmap(file.data, file.size);
	if (r == 0 && fsync(fd) < 0)
		r = gain_failed(path, err);
	close(fd);
	return r;
}
