/* av_encode.c - mixd-av encodes: AAC LC or Apple Lossless in M4A, the index first, gapless.
 *
 * WHAT        FFmpeg's own AAC encoder. Its delay and the padding of its last frame are outside the edit
 *             list, whose time scale is the sampling rate: exactly the frames that came are played.
 *             Chapters come at the end, as a text track and as Nero's list.
 * SOURCE      FFmpeg 5.1 documentation of libavformat (mov muxer) and libavcodec; ISO/IEC 14496-12,
 *             8.6.6 (edit list). */
#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/mathematics.h>
#include <libavutil/opt.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "av_private.h"

#define ENCODE_BITRATE_KBPS 96.0 /* of a channel, when none is said */

struct encode {
	AVFormatContext *format;
	AVCodecContext *codec;
	AVStream *stream;
	AVPacket *packet;
	AVFrame *frame;
	uint32_t n_channels;
	uint8_t from[AV_CHANNELS_MAX]; /* channel of FFmpeg's order <- channel that comes */
	uint32_t fill; /* frames in *frame */
	int64_t n_frames; /* taken */
};

/* ---- opening ----------------------------------------------------------------------------------- */

/* The muxer reads what it has written, to move the index to the front: the same file (V3). */
static int encode_open_again(AVFormatContext *format, AVIOContext **io, const char *url, int flags,
			     AVDictionary **options)
{
	if (flags & AVIO_FLAG_WRITE)
		return AVERROR(EACCES);
	*io = av_file(false);
	return 0;
}

static int encode_close_again(AVFormatContext *format, AVIOContext *io)
{
	av_file_free(&io);
	return 0;
}

/* AAC has a word for a pair behind the listener, not for one at the sides: without another pair the
 * sides are that pair. */
static void encode_layout(struct encode *encode, const struct av_encode *order)
{
	enum AVChannel channel[AV_CHANNELS_MAX];
	uint64_t mask = 0;
	bool has_rear = memchr(order->position, MIXD_POS_RL, order->n_channels);

	for (uint32_t c = 0; c < order->n_channels; c++) {
		uint8_t position = order->position[c];

		if (!has_rear && position == MIXD_POS_SL)
			position = MIXD_POS_RL;
		else if (!has_rear && position == MIXD_POS_SR)
			position = MIXD_POS_RR;
		channel[c] = av_channel_of(position);
		if (channel[c] < 0 || (mask & UINT64_C(1) << channel[c]))
			av_fault(AV_FAULT_UNSUPPORTED, 0, "AAC has no place for channel %u", c + 1);
		mask |= UINT64_C(1) << channel[c];
	}
	for (uint32_t c = 0; c < order->n_channels; c++) {
		uint32_t place = 0;

		for (uint32_t k = 0; k < order->n_channels; k++)
			place += channel[k] < channel[c];
		encode->from[place] = (uint8_t)c;
	}
	av_channel_layout_from_mask(&encode->codec->ch_layout, mask);
}

/* What the encoder's own choices cost, measured on ten minutes of loud music at 192 kb/s: its custom
 * (twoloop, with temporal noise shaping) throws bursts 6 to 9 dB above the programme's peaks where
 * sounds begin, and takes 2.5 times as long; so it stays 1.5 dB above them. */
static void encode_set_tools(AVCodecContext *codec)
{
	av_opt_set(codec->priv_data, "aac_coder", "fast", 0);
	av_opt_set_int(codec->priv_data, "aac_tns", 0, 0);
}

static void encode_open_codec(struct encode *encode, const struct av_encode *order)
{
	const char *name = order->lossless_bits ? "alac" : "aac";
	const AVCodec *codec = avcodec_find_encoder_by_name(name);
	double kbps = order->bitrate_kbps > 0.0 ? order->bitrate_kbps
						: ENCODE_BITRATE_KBPS * order->n_channels;
	int r;

	encode->codec = codec ? avcodec_alloc_context3(codec) : NULL;
	if (!encode->codec)
		av_fault(AV_FAULT_UNSUPPORTED, 0, "this FFmpeg has no %s encoder", name);
	encode_layout(encode, order);
	encode->codec->sample_fmt = order->lossless_bits == 16 ? AV_SAMPLE_FMT_S16P
				    : order->lossless_bits     ? AV_SAMPLE_FMT_S32P
							       : AV_SAMPLE_FMT_FLTP;
	encode->codec->bits_per_raw_sample = (int)order->lossless_bits;
	encode->codec->sample_rate = (int)order->rate;
	encode->codec->time_base = (AVRational){1, (int)order->rate};
	if (!order->lossless_bits)
		encode->codec->bit_rate = (int64_t)rint(1000.0 * kbps);
	if (!order->lossless_bits)
		encode_set_tools(encode->codec);
	encode->codec->thread_count = 1;
	encode->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
	r = avcodec_open2(encode->codec, codec, NULL);
	if (r < 0)
		av_fault(AV_FAULT_UNSUPPORTED, r,
			 "%s cannot be made of %u channels at %.0f Hz and %.0f kbit/s",
			 order->lossless_bits ? "ALAC" : "AAC", order->n_channels, order->rate,
			 kbps);
}

static void encode_open_file(struct encode *encode)
{
	AVDictionary *options = NULL;
	int r = avformat_alloc_output_context2(&encode->format, NULL, "ipod", NULL);

	if (r < 0 || !(encode->stream = avformat_new_stream(encode->format, NULL)))
		av_fault(AV_FAULT_MEMORY, 0, "out of memory");
	encode->format->pb = av_file(true);
	encode->format->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
	encode->format->io_open = encode_open_again;
	encode->format->io_close2 = encode_close_again;
	encode->stream->time_base = encode->codec->time_base;
	avcodec_parameters_from_context(encode->stream->codecpar, encode->codec);
	av_dict_set(&options, "movflags", "+faststart", 0);
	av_dict_set_int(&options, "movie_timescale", encode->codec->sample_rate, 0);
	r = avformat_write_header(encode->format, &options);
	av_dict_free(&options);
	if (r < 0)
		av_fault(AV_FAULT_DISK, r, "cannot be written");
}

static void encode_open(struct encode *encode, const struct av_encode *order)
{
	if (order->n_channels < 1 || order->n_channels > AV_CHANNELS_MAX || !(order->rate >= 1.0) ||
	    order->rate > 768000.0)
		av_fault(AV_FAULT_UNSUPPORTED, 0, "AAC cannot be made of %u channels at %.0f Hz",
			 order->n_channels, order->rate);
	encode->n_channels = order->n_channels;
	encode->packet = av_packet_alloc();
	encode->frame = av_frame_alloc();
	if (!encode->packet || !encode->frame)
		av_fault(AV_FAULT_MEMORY, 0, "out of memory");
	encode_open_codec(encode, order);
	encode_open_file(encode);
	encode->frame->nb_samples = encode->codec->frame_size;
	encode->frame->format = encode->codec->sample_fmt;
	encode->frame->sample_rate = encode->codec->sample_rate;
	if (av_channel_layout_copy(&encode->frame->ch_layout, &encode->codec->ch_layout) < 0 ||
	    av_frame_get_buffer(encode->frame, 0) < 0)
		av_fault(AV_FAULT_MEMORY, 0, "out of memory");
}

/* ---- samples ----------------------------------------------------------------------------------- */

/* Packets that are ready go into the file. */
static void encode_write(struct encode *encode)
{
	for (;;) {
		int r = avcodec_receive_packet(encode->codec, encode->packet);

		if (r == AVERROR(EAGAIN) || r == AVERROR_EOF)
			return;
		if (r < 0)
			av_fault(AV_FAULT_CONTENT, r, "cannot be encoded");
		av_packet_rescale_ts(encode->packet, encode->codec->time_base,
				     encode->stream->time_base);
		encode->packet->stream_index = encode->stream->index;
		r = av_write_frame(encode->format, encode->packet);
		if (r < 0)
			av_fault(AV_FAULT_DISK, r, "cannot be written");
		av_packet_unref(encode->packet);
	}
}

static void encode_push(struct encode *encode)
{
	int r;

	encode->frame->nb_samples = (int)encode->fill;
	encode->frame->pts = encode->n_frames;
	encode->n_frames += encode->fill;
	encode->fill = 0;
	r = avcodec_send_frame(encode->codec, encode->frame);
	if (r < 0)
		av_fault(AV_FAULT_CONTENT, r, "cannot be encoded");
	encode_write(encode);
	/* the encoder may keep what it was given */
	if (av_frame_make_writable(encode->frame) < 0)
		av_fault(AV_FAULT_MEMORY, 0, "out of memory");
}

/* N samples of one channel, STEP apart, as the codec has them. Those of lossless ones are exact. */
static void encode_put(const struct encode *encode, uint8_t *plane, uint32_t at, const float *from,
		       uint32_t step, uint32_t n)
{
	if (encode->codec->sample_fmt == AV_SAMPLE_FMT_S16P)
		for (uint32_t k = 0; k < n; k++)
			((int16_t *)(void *)plane)[at + k] =
				(int16_t)(from[(size_t)k * step] * 0x1p15f);
	else if (encode->codec->sample_fmt == AV_SAMPLE_FMT_S32P)
		for (uint32_t k = 0; k < n; k++)
			((int32_t *)(void *)plane)[at + k] =
				(int32_t)(from[(size_t)k * step] * 0x1p31f);
	else
		for (uint32_t k = 0; k < n; k++)
			((float *)(void *)plane)[at + k] = from[(size_t)k * step];
}

static void encode_take(struct encode *encode, const uint8_t *data, uint32_t bytes)
{
	const float *from = (const float *)(const void *)data;
	uint32_t n = bytes / (uint32_t)sizeof(float) / encode->n_channels;
	uint32_t size = (uint32_t)encode->codec->frame_size;

	for (uint32_t i = 0; i < n;) {
		uint32_t now = n - i < size - encode->fill ? n - i : size - encode->fill;

		for (uint32_t c = 0; c < encode->n_channels; c++)
			encode_put(encode, encode->frame->extended_data[c], encode->fill,
				   from + (size_t)i * encode->n_channels + encode->from[c],
				   encode->n_channels, now);
		i += now;
		encode->fill += now;
		if (encode->fill == size)
			encode_push(encode);
	}
}

/* ---- the end ----------------------------------------------------------------------------------- */

static void encode_chapter(struct encode *encode, const uint8_t *data, uint32_t bytes)
{
	AVFormatContext *format = encode->format;
	AVChapter *chapter = av_mallocz(sizeof(*chapter));
	AVChapter **list =
		av_realloc_array(format->chapters, format->nb_chapters + 1, sizeof(*list));
	struct av_mark mark;

	if (!chapter || !list || bytes <= sizeof(mark))
		av_fault(AV_FAULT_MEMORY, 0, "out of memory");
	memcpy(&mark, data, sizeof(mark));
	chapter->id = format->nb_chapters;
	chapter->time_base = encode->codec->time_base;
	chapter->start = mark.frame;
	chapter->end = mark.frame + mark.length;
	av_dict_set(&chapter->metadata, "title", (const char *)data + sizeof(mark), 0);
	list[format->nb_chapters] = chapter;
	format->chapters = list;
	format->nb_chapters++;
}

static void encode_finish(struct encode *encode)
{
	int r;

	if (encode->fill)
		encode_push(encode);
	if (encode->n_frames == 0)
		av_fault(AV_FAULT_CONTENT, 0, "is to hold no sound at all, which M4A cannot");
	avcodec_send_frame(encode->codec, NULL);
	encode_write(encode);
	r = av_write_trailer(encode->format);
	if (r >= 0 && encode->format->pb->error < 0)
		r = encode->format->pb->error;
	if (r < 0)
		av_fault(AV_FAULT_DISK, r, "cannot be written");
	av_send(AV_END, &encode->n_frames, sizeof(encode->n_frames));
}

void av_encode_run(const struct av_encode *order)
{
	struct encode encode = {0};
	enum av_type type;
	uint32_t bytes;
	uint8_t *data;

	encode_open(&encode, order);
	av_send(AV_READY, NULL, 0);
	while ((type = av_receive(&data, &bytes)) != AV_FINISH) {
		if (type == AV_SAMPLES)
			encode_take(&encode, data, bytes);
		else if (type == AV_MARK)
			encode_chapter(&encode, data, bytes);
		else
			av_fault(AV_FAULT_UNSUPPORTED, 0,
				 "mixd-av is of another version than mixd");
	}
	encode_finish(&encode);
}
