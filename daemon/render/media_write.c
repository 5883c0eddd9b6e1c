/* media_write.c - see media_write.h.
 *
 * STRUCTURE   planar f32 -> integers (media_quantise.h) or floats -> interleaved bytes or words
 *             (media_pcm.h) -> libsndfile, or mixd-av -> our buffer (media_sink.h) -> the temporary
 *             file (media_temp.h); then header, tags, fsync, rename. */
#include "media_write.h"

#include <errno.h>
#include <math.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "media_av.h"
#include "media_format.h"
#include "media_header.h"
#include "media_layout.h"
#include "media_pcm.h"
#include "media_quantise.h"
#include "media_sink.h"
#include "media_tags_io.h"
#include "media_temp.h"
#include "media_together.h"
#include "media_w64.h"

#define PIECE_SAMPLES 16384u /* of all channels */
#define HEADER_BYTES 4096 /* about what containers add; for sums only */
#define PACK_ROOM 16u /* media_pcm_encode() */

struct media_writer {
	/* --- immutable after create --- */
	const struct media_format *format;
	struct media_target target;
	struct media_tags tags;
	struct media_info info; /* n_frames: so far */
	struct media_pcm pcm; /* what goes to libsndfile */
	bool is_moved;
	uint8_t from[MEDIA_CHANNELS_MAX]; /* channel c of the file is our from[c] */
	uint32_t piece_frames;
	/* --- state --- */
	struct media_temp temp;
	struct media_sink sink;
	SNDFILE *file; /* or */
	struct media_av *av;
	struct media_quantiser quantiser;
	int32_t *words; /* owned: planar, n_channels * piece_frames */
	uint8_t *bytes; /* owned: interleaved */
	int failure;
};

/* ---- create ------------------------------------------------------------------------------------ */

static void writer_describe(struct media_writer *writer)
{
	const struct media_target *target = &writer->target;
	struct media_info *info = &writer->info;

	*info = (struct media_info){
		.container = writer->format->container,
		.rate = target->rate,
		.n_channels = target->layout.n_channels,
		.layout = target->layout,
		.bits = target->is_float ? 0 : target->bits,
		.is_float = target->is_float,
		.is_lossy = !writer->format->bits,
		.bitrate_kbps = target->bitrate_kbps,
		.is_cbr = target->mode == MEDIA_RATE_CBR,
	};
	if (writer->format->codec)
		snprintf(info->codec, sizeof(info->codec), "%s", writer->format->codec);
	else
		snprintf(info->codec, sizeof(info->codec), "pcm_%c%u", target->is_float ? 'f' : 's',
			 target->bits);
	writer->pcm = (struct media_pcm){.bytes = 4,
					 .is_float = !writer->format->bits || target->is_float,
					 .is_big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__};
	if (writer->format->encoder == MEDIA_ENCODER_RAW)
		writer->pcm.bytes = (uint8_t)(target->bits / 8);
}

/* The least that FRAMES will take; lossless codecs may halve it, or better. */
static int64_t writer_least_bytes(const struct media_writer *writer, int64_t frames)
{
	const struct media_target *target = &writer->target;
	double pcm = (double)frames * target->layout.n_channels * target->bits / 8.0;

	if (writer->format->encoder == MEDIA_ENCODER_RAW)
		return (int64_t)pcm + HEADER_BYTES;
	if (writer->format->encoder == MEDIA_ENCODER_INT)
		return (int64_t)(pcm / 8);
	if (target->mode == MEDIA_RATE_CBR)
		return (int64_t)((double)frames / target->rate * target->bitrate_kbps * 125.0);
	return 0;
}

static int writer_too_large(const struct media_writer *writer, struct mixd_error *err)
{
	error_set(err, ERROR_INVALID, writer->temp.goal, "will be too large: %s ends at %.0f GiB",
		  writer->format->name, ldexp(1.0, (int)writer->format->bytes_max_shift - 30));
	error_hint(err, "write wav (it becomes RF64), w64 or caf");
	return -EFBIG;
}

static bool writer_is_too_large(const struct media_writer *writer, int64_t frames)
{
	return writer->format->bytes_max_shift != 0 &&
	       writer_least_bytes(writer, frames) + 65536 >
		       INT64_C(1) << writer->format->bytes_max_shift;
}

static int writer_check_room(const struct media_writer *writer, struct mixd_error *err)
{
	int64_t least, there = media_temp_free_bytes(&writer->temp);

	if (writer->target.expected_frames < 0)
		return 0;
	if (writer_is_too_large(writer, writer->target.expected_frames))
		return writer_too_large(writer, err);
	least = writer_least_bytes(writer, writer->target.expected_frames);
	if (there < 0 || least <= there)
		return 0;
	error_set(err, ERROR_RESOURCE, writer->temp.goal,
		  "needs %.1f MiB, and its disk has %.1f MiB left", ldexp((double)least, -20),
		  ldexp((double)there, -20));
	error_hint(err, "make room, or write to another disk");
	return -ENOSPC;
}

static bool writer_is_w64(const struct media_writer *writer)
{
	return writer->format->encoder == MEDIA_ENCODER_RAW && !writer->format->sf_major;
}

static int writer_sf_format(const struct media_writer *writer)
{
	const struct media_target *target = &writer->target;

	if (writer->format->sf_minor)
		return writer->format->sf_major | writer->format->sf_minor;
	if (target->is_float)
		return writer->format->sf_major | SF_FORMAT_FLOAT;
	return writer->format->sf_major | (target->bits == 16	? SF_FORMAT_PCM_16
					   : target->bits == 24 ? SF_FORMAT_PCM_24
								: SF_FORMAT_PCM_32);
}

static void writer_set_layout(struct media_writer *writer)
{
	const struct mixd_layout *layout = &writer->target.layout;
	uint8_t ours[MEDIA_CHANNELS_MAX];
	int map[MEDIA_CHANNELS_MAX];

	if (writer->format->sf_major == SF_FORMAT_OGG) {
		if (!media_layout_vorbis(layout, ours))
			return;
		for (uint32_t c = 0; c < layout->n_channels; c++) {
			writer->from[ours[c]] = (uint8_t)c;
			writer->is_moved |= ours[c] != c;
		}
	} else if (writer->format->sf_major == SF_FORMAT_RF64 && media_layout_to_map(layout, map)) {
		/* What libsndfile makes of it is put right by media_header_fix(). */
		(void)sf_command(writer->file, SFC_SET_CHANNEL_MAP_INFO, map,
				 (int)(layout->n_channels * sizeof(map[0])));
	}
}

/* How strong, how large. */
static void writer_set_level(struct media_writer *writer)
{
	static const int modes[] = {
		[MEDIA_RATE_CBR] = SF_BITRATE_MODE_CONSTANT,
		[MEDIA_RATE_ABR] = SF_BITRATE_MODE_AVERAGE,
		[MEDIA_RATE_VBR] = SF_BITRATE_MODE_VARIABLE,
	};
	double level = media_format_sf_level(writer->format, &writer->target);
	int mode = modes[writer->target.mode];

	sf_command(writer->file, SFC_SET_COMPRESSION_LEVEL, &level, sizeof(level));
	/* After the level: before it, libsndfile applies the mode and says it did not. */
	if (strcmp(writer->format->name, "mp3") == 0)
		sf_command(writer->file, SFC_SET_BITRATE_MODE, &mode, sizeof(mode));
}

static int writer_open_sndfile(struct media_writer *writer, struct mixd_error *err)
{
	SF_INFO info = {
		.samplerate = (int)writer->target.rate,
		.channels = (int)writer->target.layout.n_channels,
		.format = writer_sf_format(writer),
	};

	writer->file =
		sf_open_virtual((SF_VIRTUAL_IO *)&media_sink_io, SFM_WRITE, &info, &writer->sink);
	if (!writer->file) {
		const char *why = sf_strerror(NULL);

		error_set(err, ERROR_INVALID, writer->temp.goal, "cannot be written as %s: %.*s",
			  writer->format->name, (int)strcspn(why, ".\n"), why);
		error_hint(err, "another format, rate or number of channels may do");
		return -EINVAL;
	}
	if (writer->format->encoder == MEDIA_ENCODER_RAW &&
	    sf_command(writer->file, SFC_RAW_DATA_NEEDS_ENDSWAP, NULL, 0) == SF_TRUE)
		writer->pcm.is_big = !writer->pcm.is_big;
	/* PEAK chunks hold the time of day: the same sound would not be the same file. */
	sf_command(writer->file, SFC_SET_ADD_PEAK_CHUNK, NULL, SF_FALSE);
	if (strcmp(writer->format->name, "wav") == 0)
		sf_command(writer->file, SFC_RF64_AUTO_DOWNGRADE, NULL, SF_TRUE);
	writer_set_layout(writer);
	media_header_begin(writer->file, &writer->info);
	if (writer->format->encoder != MEDIA_ENCODER_RAW)
		writer_set_level(writer);
	return media_tags_write_before(writer->file, &writer->info, &writer->tags, err);
}

static int writer_allocate(struct media_writer *writer, struct mixd_error *err)
{
	const struct media_target *target = &writer->target;
	uint32_t n_channels = target->layout.n_channels;

	writer->piece_frames = PIECE_SAMPLES / n_channels;
	writer->words = malloc(sizeof(*writer->words) * PIECE_SAMPLES);
	writer->bytes = malloc((size_t)4 * PIECE_SAMPLES + PACK_ROOM);
	if (!writer->words || !writer->bytes)
		return error_no_memory(err);
	if (!writer->pcm.is_float)
		media_quantiser_init(&writer->quantiser, n_channels, target->bits, target->dither,
				     target->rate, target->seed);
	return 0;
}

static int writer_open(struct media_writer *writer, const char *path, struct mixd_error *err)
{
	int r = media_target_complete(&writer->target, path, err);

	if (r < 0)
		return r;
	writer->format = media_format_find(writer->target.format);
	writer_describe(writer);
	if (writer->format->encoder == MEDIA_ENCODER_AV && !media_av_is_installed(err))
		return -EINVAL;
	r = media_temp_open(&writer->temp, path, err);
	if (r == 0)
		r = writer_check_room(writer, err);
	if (r < 0)
		return r;
	if (writer->format->encoder == MEDIA_ENCODER_AV) {
		r = media_av_create(writer->temp.fd, path, &writer->target, &writer->av, err);
		return r < 0 ? r : writer_allocate(writer, err);
	}
	if (media_sink_init(&writer->sink, writer->temp.fd) < 0)
		return error_no_memory(err);
	if (writer_is_w64(writer))
		media_w64_begin(&writer->sink, &writer->info, &writer->pcm, 0);
	else
		r = writer_open_sndfile(writer, err);
	return r < 0 ? r : writer_allocate(writer, err);
}

int media_create(const char *path, const struct media_target *target, struct media_writer **ret,
		 struct mixd_error *err)
{
	struct media_writer *writer = calloc(1, sizeof(*writer));
	int r;

	if (!writer)
		return error_no_memory(err);
	writer->target = *target;
	writer->temp.fd = writer->temp.folder_fd = -1;
	media_tags_init(&writer->tags);
	if (target->tags && media_tags_copy(&writer->tags, target->tags) < 0) {
		media_writer_free(writer);
		return error_no_memory(err);
	}
	r = writer_open(writer, path, err);
	if (r < 0) {
		media_writer_free(writer);
		return r;
	}
	*ret = writer;
	return 0;
}

/* ---- write ------------------------------------------------------------------------------------- */

static int writer_check_finite(const struct media_writer *writer, const float *const *channels,
			       uint32_t n, struct mixd_error *err)
{
	for (uint32_t c = 0; c < writer->info.n_channels; c++) {
		uint32_t i = media_pcm_first_bad(channels[c], n);

		if (i == n)
			continue;
		error_set(err, ERROR_INVALID, writer->temp.goal,
			  "was to hold a sample that is not a number: channel %u at %.3f s", c + 1,
			  (double)(writer->info.n_frames + i) / writer->info.rate);
		error_hint(err, "what made this sound has divided by zero");
		return -EDOM;
	}
	return 0;
}

/* Planar words: integers, or floats in their bits. CHANNELS are of N frames, up to a piece. */
static void writer_pack(struct media_writer *writer, const float *const *channels, uint32_t n)
{
	const uint32_t n_channels = writer->info.n_channels;
	const int32_t *in[MEDIA_CHANNELS_MAX];
	int32_t *words[MEDIA_CHANNELS_MAX];

	for (uint32_t c = 0; c < n_channels; c++)
		in[c] = words[c] = writer->words + (size_t)c * writer->piece_frames;
	if (writer->pcm.is_float)
		for (uint32_t c = 0; c < n_channels; c++)
			memcpy(words[c], channels[c], n * sizeof(float));
	else
		media_quantise(&writer->quantiser, channels, words, n,
			       writer->format->encoder == MEDIA_ENCODER_INT
				       ? 32 - writer->target.bits
				       : 0);
	media_pcm_encode(&writer->pcm, writer->bytes, n_channels,
			 writer->is_moved ? writer->from : NULL, in, n);
}

static int writer_put(struct media_writer *writer, uint32_t n, struct mixd_error *err)
{
	const sf_count_t bytes = (sf_count_t)n * writer->info.n_channels * writer->pcm.bytes;
	bool is_whole;

	if (writer_is_w64(writer)) {
		media_sink_write(&writer->sink, writer->bytes, (size_t)bytes);
		is_whole = true;
	} else if (writer->format->encoder == MEDIA_ENCODER_RAW)
		is_whole = sf_write_raw(writer->file, writer->bytes, bytes) == bytes;
	else if (writer->pcm.is_float)
		is_whole = sf_writef_float(writer->file, (float *)(void *)writer->bytes, n) == n;
	else
		is_whole = sf_writef_int(writer->file, (int *)(void *)writer->bytes, n) == n;
	if (writer->sink.error)
		return media_temp_failed(&writer->temp, writer->sink.error, err);
	if (is_whole)
		return 0;
	error_set(err, ERROR_RESOURCE, writer->temp.goal, "cannot be encoded: %s",
		  sf_strerror(writer->file));
	return -EIO;
}

/* What is lossless goes on its grid here, dithered as the rest, and stays exact in f32. */
static int writer_put_av(struct media_writer *writer, const float *const *channels, uint32_t n,
			 struct mixd_error *err)
{
	float step;
	int32_t *words[MEDIA_CHANNELS_MAX];
	const float *out[MEDIA_CHANNELS_MAX];

	if (writer->pcm.is_float)
		return media_av_write(writer->av, channels, n, err);
	step = 1.0f / (float)(1u << (writer->target.bits - 1));
	for (uint32_t c = 0; c < writer->info.n_channels; c++)
		words[c] = writer->words + (size_t)c * writer->piece_frames;
	media_quantise(&writer->quantiser, channels, words, n, 0);
	for (uint32_t c = 0; c < writer->info.n_channels; c++) {
		float *samples = (float *)(void *)writer->bytes + (size_t)c * writer->piece_frames;

		for (uint32_t i = 0; i < n; i++)
			samples[i] = (float)words[c][i] * step;
		out[c] = samples;
	}
	return media_av_write(writer->av, out, n, err);
}

static int writer_write(struct media_writer *writer, const float *const *channels,
			uint32_t n_frames, struct mixd_error *err)
{
	const float *at[MEDIA_CHANNELS_MAX];
	int r = writer_check_finite(writer, channels, n_frames, err);

	if (r < 0)
		return r;
	if (writer_is_too_large(writer, writer->info.n_frames + n_frames))
		return writer_too_large(writer, err);
	for (uint32_t done = 0; done < n_frames && r == 0;) {
		uint32_t n = n_frames - done < writer->piece_frames ? n_frames - done
								    : writer->piece_frames;

		for (uint32_t c = 0; c < writer->info.n_channels; c++)
			at[c] = channels[c] + done;
		if (writer->av) {
			r = writer_put_av(writer, at, n, err);
		} else {
			writer_pack(writer, at, n);
			r = writer_put(writer, n, err);
		}
		done += n;
	}
	return r;
}

int media_write(struct media_writer *writer, const float *const *channels, uint32_t n_frames,
		struct mixd_error *err)
{
	if (writer->failure == 0)
		writer->failure = writer_write(writer, channels, n_frames, err);
	else
		error_set(err, ERROR_RESOURCE, writer->temp.goal, "could not be written");
	if (writer->failure == 0)
		writer->info.n_frames += n_frames;
	return writer->failure;
}

uint64_t media_writer_clips(const struct media_writer *writer)
{
	return writer->quantiser.clips;
}

/* ---- finish ------------------------------------------------------------------------------------ */

static int writer_close(struct media_writer *writer, const struct media_tags *tags,
			struct mixd_error *err)
{
	if (writer->av)
		return media_av_finish(writer->av, tags, err);
	if (writer_is_w64(writer))
		media_w64_end(&writer->sink, &writer->info, &writer->pcm);
	sf_close(writer->file);
	writer->file = NULL;
	if (media_sink_flush(&writer->sink) < 0)
		return media_temp_failed(&writer->temp, writer->sink.error, err);
	return 0;
}

/* All but the name. */
static int writer_end(struct media_writer *writer, const struct media_tags *tags,
		      struct mixd_error *err)
{
	int r = writer_close(writer, tags, err);

	if (r == 0 && !writer->av)
		r = media_header_fix(writer->temp.fd, &writer->info);
	if (r < 0 && writer->file == NULL && !writer->av && writer->sink.error == 0)
		return media_temp_failed(&writer->temp, -r, err);
	if (r == 0)
		r = media_tags_write_after(writer->temp.fd, writer->temp.goal, &writer->info, tags,
					   err);
	return r;
}

static int writer_finish(struct media_writer *writer, const struct media_tags *tags,
			 struct mixd_error *err)
{
	int r = writer_end(writer, tags, err);

	return r < 0 ? r : media_temp_commit(&writer->temp, err);
}

int media_finish(struct media_writer *writer, const struct media_tags *tags, struct mixd_error *err)
{
	if (writer->failure < 0)
		return media_write(writer, NULL, 0, err);
	writer->failure = writer_finish(writer, tags ? tags : &writer->tags, err);
	if (writer->failure == 0)
		writer->failure = -EBADF; /* it is finished: nothing more goes in */
	return writer->failure == -EBADF ? 0 : writer->failure;
}

int media_finish_all(struct media_writer *const *writer, uint32_t n, struct mixd_error *err)
{
	_cleanup_free_ struct media_temp **temp = calloc(n + 1u, sizeof(struct media_temp *));
	int r = temp ? 0 : error_no_memory(err);

	for (uint32_t i = 0; r == 0 && i < n; i++) {
		temp[i] = &writer[i]->temp;
		r = writer[i]->failure < 0 ? media_write(writer[i], NULL, 0, err)
					   : writer_end(writer[i], &writer[i]->tags, err);
		writer[i]->failure = r < 0 ? r : -EBADF; /* it is finished: nothing more goes in */
	}
	return r < 0 ? r : media_temp_commit_all(temp, n, err);
}

struct media_writer *media_writer_free(struct media_writer *writer)
{
	if (!writer)
		return NULL;
	writer->sink.error = writer->sink.error ? writer->sink.error : ECANCELED;
	sf_close(writer->file);
	media_av_free(writer->av);
	media_sink_done(&writer->sink);
	media_temp_done(&writer->temp);
	media_tags_done(&writer->tags);
	free(writer->words);
	free(writer->bytes);
	free(writer);
	return NULL;
}
