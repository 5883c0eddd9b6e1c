/* av_decode.c - mixd-av decodes: any file to interleaved floats, to the sample.
 *
 * WHAT        The best audio stream. Encoder delay is cut by FFmpeg (edit lists, Xing and LAME headers,
 *             skipped samples); what pads the last packet is cut by mixd, where the container says how
 *             long the sound is. Another begin than the first frame: by the index where time stamps
 *             are exact, and by decoding from the first frame elsewhere.
 * SOURCE      FFmpeg 5.1 documentation of libavformat and libavcodec (send/receive API). */
#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "av_private.h"

#define DECODE_PREROLL_FRAMES 16384 /* until overlap, SBR and prediction are as they were */

struct decode {
	AVFormatContext *format;
	AVCodecContext *codec;
	AVStream *stream;
	AVPacket *packet;
	AVFrame *frame;
	struct av_info info;
	int64_t first_frame; /* the first that is sent */
	int64_t at; /* of the next decoded frame, or INT64_MIN: its time stamp says */
	float *buffer; /* AV_SAMPLES_MAX bytes */
	uint32_t fill, room; /* frames */
	int64_t n_sent;
};

/* ---- opening ----------------------------------------------------------------------------------- */

/* V3: playlists, references and external tracks stay closed. */
static int decode_no_other_file(AVFormatContext *format, AVIOContext **io, const char *url,
				int flags, AVDictionary **options)
{
	return AVERROR(EACCES);
}

static bool decode_is(const struct decode *decode, const char *const *names)
{
	const char *has = decode->format->iformat->name;

	for (; *names; names++) {
		const char *at = strstr(has, *names);
		size_t n = strlen(*names);

		if (at && (at == has || at[-1] == ',') && (at[n] == '\0' || at[n] == ','))
			return true;
	}
	return false;
}

/* Where time stamps count samples, and the length is exact. */
static bool decode_is_exact(const struct decode *decode)
{
	static const char *const names[] = {"mov", "mp4", "ape", "wv", "tta", "tak", "wav", NULL};

	return decode_is(decode, names) && decode->stream->time_base.num == 1;
}

static void decode_open_stream(struct decode *decode)
{
	const AVCodec *codec = NULL;
	int idx, r;

	idx = av_find_best_stream(decode->format, AVMEDIA_TYPE_AUDIO, -1, -1, &codec, 0);
	if (idx == AVERROR_DECODER_NOT_FOUND)
		av_fault(AV_FAULT_UNSUPPORTED, 0,
			 "its sound is coded in a way FFmpeg does not read");
	if (idx < 0)
		av_fault(AV_FAULT_CONTENT, 0, "has no sound in it");
	decode->stream = decode->format->streams[idx];
	for (unsigned i = 0; i < decode->format->nb_streams; i++) {
		AVStream *stream = decode->format->streams[i];

		decode->info.n_streams += stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
		if ((int)i != idx)
			stream->discard = AVDISCARD_ALL;
	}
	decode->codec = avcodec_alloc_context3(codec);
	if (!decode->codec)
		av_fault(AV_FAULT_MEMORY, 0, "out of memory");
	r = avcodec_parameters_to_context(decode->codec, decode->stream->codecpar);
	decode->codec->pkt_timebase = decode->stream->time_base;
	decode->codec->thread_count = 1;
	/* the dynamics of AC-3 are the listener's, not the file's */
	av_opt_set_double(decode->codec, "drc_scale", 0.0, AV_OPT_SEARCH_CHILDREN);
	if (r >= 0)
		r = avcodec_open2(decode->codec, codec, NULL);
	if (r < 0)
		av_fault(AV_FAULT_CONTENT, r, "cannot be decoded");
}

static void decode_open(struct decode *decode)
{
	int r;

	decode->format = avformat_alloc_context();
	decode->packet = av_packet_alloc();
	decode->frame = av_frame_alloc();
	decode->buffer = malloc(AV_SAMPLES_MAX);
	if (!decode->format || !decode->packet || !decode->frame || !decode->buffer)
		av_fault(AV_FAULT_MEMORY, 0, "out of memory");
	decode->format->pb = av_file(false);
	decode->format->flags |= AVFMT_FLAG_CUSTOM_IO;
	decode->format->io_open = decode_no_other_file;
	r = avformat_open_input(&decode->format, "", NULL, NULL);
	if (r < 0)
		av_fault(AV_FAULT_CONTENT, 0, "is not audio that can be read");
	r = avformat_find_stream_info(decode->format, NULL);
	if (r < 0)
		av_fault(AV_FAULT_CONTENT, r, "is damaged");
	decode_open_stream(decode);
}

/* ---- samples ----------------------------------------------------------------------------------- */

static float decode_sample(enum AVSampleFormat format, const uint8_t *data, size_t i)
{
	switch (format) {
	case AV_SAMPLE_FMT_U8:
		return (float)(data[i] - 128) / 128.0f;
	case AV_SAMPLE_FMT_S16:
		return (float)((const int16_t *)(const void *)data)[i] / 32768.0f;
	case AV_SAMPLE_FMT_S32:
		return (float)((double)((const int32_t *)(const void *)data)[i] / 2147483648.0);
	case AV_SAMPLE_FMT_S64:
		return (float)((double)((const int64_t *)(const void *)data)[i] /
			       9223372036854775808.0);
	case AV_SAMPLE_FMT_DBL:
		return (float)((const double *)(const void *)data)[i];
	default:
		return ((const float *)(const void *)data)[i];
	}
}

/* N samples of FROM, beginning AT, STEP apart, to TO, TO_STEP apart. */
static void decode_copy(float *to, size_t to_step, enum AVSampleFormat format, const uint8_t *from,
			size_t at, size_t step, uint32_t n)
{
	const float *floats = (const float *)(const void *)from + at;

	if (format == AV_SAMPLE_FMT_FLT) /* of nearly all decoders */
		for (uint32_t i = 0; i < n; i++)
			to[i * to_step] = floats[i * step];
	else
		for (uint32_t i = 0; i < n; i++)
			to[i * to_step] = decode_sample(format, from, at + i * step);
}

static void decode_flush(struct decode *decode)
{
	if (decode->fill)
		av_send(AV_SAMPLES, decode->buffer,
			decode->fill * decode->info.n_channels * (uint32_t)sizeof(float));
	decode->n_sent += decode->fill;
	decode->fill = 0;
}

/* N frames of the decoded ones from BEGIN on. */
static void decode_send(struct decode *decode, uint32_t begin, uint32_t n)
{
	enum AVSampleFormat planar = (enum AVSampleFormat)decode->frame->format;
	enum AVSampleFormat format = av_get_packed_sample_fmt(planar);
	uint32_t channels = decode->info.n_channels;
	bool is_planar = av_sample_fmt_is_planar(planar);

	while (n) {
		uint32_t now = n < decode->room - decode->fill ? n : decode->room - decode->fill;
		float *to = decode->buffer + (size_t)decode->fill * channels;

		for (uint32_t c = 0; c < channels; c++)
			decode_copy(to + c, channels, format,
				    decode->frame->extended_data[is_planar ? c : 0],
				    is_planar ? begin : (size_t)begin * channels + c,
				    is_planar ? 1 : channels, now);
		decode->fill += now;
		begin += now;
		n -= now;
		if (decode->fill == decode->room)
			decode_flush(decode);
	}
}

static int64_t decode_time(const struct decode *decode)
{
	int64_t time = decode->frame->best_effort_timestamp;
	const AVRational frames = {1, (int)decode->info.rate};

	return time == AV_NOPTS_VALUE ? AV_NOPTS_VALUE
				      : av_rescale_q(time, decode->stream->time_base, frames);
}

/* One decoded frame: what is before the first that is asked for is left out. */
static void decode_take(struct decode *decode)
{
	int64_t n = decode->frame->nb_samples, begin = 0;

	if (decode->frame->ch_layout.nb_channels != (int)decode->info.n_channels ||
	    decode->frame->sample_rate != (int)decode->info.rate)
		av_fault(AV_FAULT_UNSUPPORTED, 0, "changes its channels or its rate on the way");
	if (decode->at == INT64_MIN) {
		decode->at = decode_time(decode);
		if (decode->at == AV_NOPTS_VALUE || decode->at > decode->first_frame)
			av_fault(AV_FAULT_CONTENT, 0, "has an index that is wrong");
	}
	if (decode->at < decode->first_frame)
		begin = decode->first_frame - decode->at < n ? decode->first_frame - decode->at : n;
	if (n > begin)
		decode_send(decode, (uint32_t)begin, (uint32_t)(n - begin));
	decode->at += n;
}

/* The next decoded frame in decode->frame; false: no more. What cannot be decoded is left out, as all
 * players do; nothing at all is a fault. */
static bool decode_next(struct decode *decode)
{
	for (;;) {
		int r = avcodec_receive_frame(decode->codec, decode->frame);

		if (r >= 0)
			return true;
		if (r == AVERROR_EOF)
			return false;
		do {
			av_packet_unref(decode->packet);
			r = av_read_frame(decode->format, decode->packet);
		} while (r >= 0 && decode->packet->stream_index != decode->stream->index);
		avcodec_send_packet(decode->codec, r < 0 ? NULL : decode->packet);
	}
}

/* ---- what it says of itself -------------------------------------------------------------------- */

static void decode_say_text(const AVDictionary *list, const char *skip)
{
	const AVDictionaryEntry *entry = NULL;

	while ((entry = av_dict_get(list, "", entry, AV_DICT_IGNORE_SUFFIX)))
		if (strcmp(entry->key, skip) != 0 && strlen(entry->value) < AV_MESSAGE_MAX / 2)
			av_send2(AV_TEXT, entry->key, (uint32_t)strlen(entry->key) + 1,
				 entry->value, (uint32_t)strlen(entry->value) + 1);
}

static void decode_say_chapters(struct decode *decode)
{
	const AVRational frames = {1, (int)decode->info.rate};

	for (unsigned i = 0; i < decode->format->nb_chapters; i++) {
		const AVChapter *chapter = decode->format->chapters[i];
		const AVDictionaryEntry *title = av_dict_get(chapter->metadata, "title", NULL, 0);
		struct av_mark mark = {
			.frame = av_rescale_q(chapter->start, chapter->time_base, frames)};
		const char *name = title ? title->value : "";

		if (mark.frame >= 0)
			av_send2(AV_MARK, &mark, sizeof(mark), name, (uint32_t)strlen(name) + 1);
	}
}

static void decode_say_picture(struct decode *decode)
{
	for (unsigned i = 0; i < decode->format->nb_streams; i++) {
		const AVStream *stream = decode->format->streams[i];

		if (!(stream->disposition & AV_DISPOSITION_ATTACHED_PIC) ||
		    stream->attached_pic.size <= 0 ||
		    (uint32_t)stream->attached_pic.size > AV_MESSAGE_MAX)
			continue;
		av_send(AV_PICTURE, stream->attached_pic.data, (uint32_t)stream->attached_pic.size);
		return;
	}
}

static void decode_channels(struct decode *decode)
{
	AVChannelLayout *layout = &decode->frame->ch_layout;
	struct av_info *info = &decode->info;

	info->n_channels = (uint32_t)layout->nb_channels;
	if (layout->nb_channels < 1 || layout->nb_channels > (int)AV_CHANNELS_MAX)
		av_fault(AV_FAULT_UNSUPPORTED, 0, "has %d channels; 1 to %u can be read",
			 layout->nb_channels, AV_CHANNELS_MAX);
	info->has_positions = layout->order != AV_CHANNEL_ORDER_UNSPEC;
	for (uint32_t c = 0; c < info->n_channels; c++)
		info->position[c] = av_position_of(av_channel_layout_channel_from_index(layout, c));
}

/* Known when the first frame is decoded: SBR and parametric stereo show only then. */
static void decode_describe(struct decode *decode)
{
	const AVCodecParameters *par = decode->stream->codecpar;
	const AVCodecDescriptor *about = avcodec_descriptor_get(par->codec_id);
	const char *container = decode->format->iformat->name;
	struct av_info *info = &decode->info;
	static const char *const mov[] = {"mov", "mp4", NULL};
	int bits = par->bits_per_raw_sample ? par->bits_per_raw_sample : par->bits_per_coded_sample;

	decode_channels(decode);
	info->rate = decode->frame->sample_rate;
	info->is_lossy = about && !(about->props & AV_CODEC_PROP_LOSSLESS);
	info->is_float = !info->is_lossy && (decode->frame->format == AV_SAMPLE_FMT_FLT ||
					     decode->frame->format == AV_SAMPLE_FMT_FLTP);
	info->bits = info->is_lossy ? 0 : bits > 0 && bits <= 32 ? (uint32_t)bits : 16;
	if (par->bit_rate > 0)
		info->bitrate_kbps = (double)par->bit_rate / 1000.0;
	else if (decode->format->bit_rate > 0)
		info->bitrate_kbps = (double)decode->format->bit_rate / 1000.0;
	info->n_frames = -1;
	if (decode_is_exact(decode) && decode->stream->duration > 0)
		info->n_frames = av_rescale_q(decode->stream->duration, decode->stream->time_base,
					      (AVRational){1, decode->frame->sample_rate});
	if (decode_is(decode, mov))
		container = "m4a";
	strncpy(info->container, container,
		strcspn(container, ",") < sizeof(info->container) ? strcspn(container, ",")
								  : sizeof(info->container) - 1);
	strncpy(info->codec, avcodec_get_name(par->codec_id), sizeof(info->codec) - 1);
	decode->room = AV_SAMPLES_MAX / (uint32_t)sizeof(float) / info->n_channels;
}

/* ---- from another frame than the first --------------------------------------------------------- */

static bool decode_seek(struct decode *decode)
{
	int64_t to = decode->first_frame - DECODE_PREROLL_FRAMES;

	if (to <= 0 || !decode_is_exact(decode))
		return false;
	to = av_rescale_q(to, (AVRational){1, (int)decode->info.rate}, decode->stream->time_base);
	if (av_seek_frame(decode->format, decode->stream->index, to, AVSEEK_FLAG_BACKWARD) < 0)
		return false;
	avcodec_flush_buffers(decode->codec);
	decode->at = INT64_MIN;
	return true;
}

void av_decode_run(const struct av_decode *order)
{
	struct decode decode = {.first_frame = order->first_frame};
	bool goes_on;

	decode_open(&decode);
	if (!decode_next(&decode))
		av_fault(AV_FAULT_CONTENT, 0, "holds no sound that can be decoded");
	decode_describe(&decode);
	av_send(AV_INFO, &decode.info, sizeof(decode.info));
	decode_say_text(decode.format->metadata, "");
	decode_say_text(decode.stream->metadata, "language");
	decode_say_chapters(&decode);
	decode_say_picture(&decode);
	av_send(AV_READY, NULL, 0);
	goes_on = decode_seek(&decode) ? decode_next(&decode) : true;
	for (; goes_on; goes_on = decode_next(&decode))
		decode_take(&decode);
	decode_flush(&decode);
	av_send(AV_END, &decode.at, sizeof(decode.at));
}
