/* media_av.c - see media_av.h: files by way of mixd-av. */
#include "media_av.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "media_av_child.h"
#include "media_layout.h"
#include "media_tags_private.h"

struct media_av {
	struct media_av_child child;
	int fd; /* borrowed */
	char *path; /* owned */
	struct media_info info;
	uint8_t from[MEDIA_CHANNELS_MAX]; /* channel c of ours is channel from[c] of the file */
	int64_t position;
	uint32_t have, at; /* frames in child.data, and those that are given */
	bool is_at_end, is_tolerant;
	float *buffer; /* interleaved, for the encoder; owned */
};

/* A text of FFmpeg's under the name we have for it. */
static const struct av_name {
	const char *theirs, *ours;
} av_names[] = {
	{"track", "TRACKNUMBER"},
	{"disc", "DISCNUMBER"},
	{"album_artist", "ALBUMARTIST"},
	{"encoded_by", "ENCODEDBY"},
	{"publisher", "LABEL"},
	{"sort_name", "TITLESORT"},
	{"sort_artist", "ARTISTSORT"},
	{"sort_album", "ALBUMSORT"},
	{"major_brand", NULL},
	{"minor_version", NULL},
	{"compatible_brands", NULL},
	{"handler_name", NULL},
	{"vendor_id", NULL},
	{"creation_time", NULL},
	{"duration", NULL},
	{"encoder", "ENCODER"},
	{"bps", NULL},
};

bool media_av_is_installed(struct mixd_error *err)
{
	if (media_av_path())
		return true;
	error_set(err, ERROR_UNAVAILABLE, NULL, "the program mixd-av is not installed");
	error_hint(
		err,
		"M4A and formats that only FFmpeg knows go through mixd-av: install it, or build "
		"mixd with libavformat-dev and libavcodec-dev");
	return false;
}

struct media_av *media_av_free(struct media_av *av)
{
	if (!av)
		return NULL;
	media_av_child_stop(&av->child);
	free(av->buffer);
	free(av->path);
	free(av);
	return NULL;
}
DEFINE_CLEANUP(media_av_free, struct media_av *)

static struct media_av *av_new(int fd, const char *path)
{
	struct media_av *av = calloc(1, sizeof(*av));

	if (!av || !(av->path = strdup(path))) {
		free(av);
		return NULL;
	}
	av->fd = fd;
	av->child.socket = -1;
	return av;
}

/* ---- reading ----------------------------------------------------------------------------------- */

static void av_take_channels(struct media_av *av, const struct av_info *from)
{
	const struct mixd_layout *layout = NULL;

	for (uint32_t c = 0; c < from->n_channels; c++)
		av->from[c] = (uint8_t)c;
	if (from->has_positions && from->n_channels > 1)
		layout = media_layout_by_positions(from->position, from->n_channels, av->from);
	if (!layout) {
		for (uint32_t c = 0; c < from->n_channels; c++)
			av->from[c] = (uint8_t)c;
		layout = media_layout_by_count(from->n_channels);
	}
	av->info.layout = *layout;
}

static int av_take_info(struct media_av *av, const struct av_head *head, struct mixd_error *err)
{
	static const char *const containers[] = {"m4a", "wav", "aiff", "flac", "ogg", "mp3", "caf"};
	struct media_info *info = &av->info;
	struct av_info from;

	if (head->bytes != sizeof(from))
		return error_set(err, ERROR_RESOURCE, av->path, "mixd-av talks nonsense");
	memcpy(&from, av->child.data, sizeof(from));
	if (from.n_channels < 1 || from.n_channels > MEDIA_CHANNELS_MAX || !(from.rate >= 1.0))
		return error_set(err, ERROR_INVALID, av->path, "has %u channels at %.0f Hz",
				 (unsigned)from.n_channels, from.rate);
	*info = (struct media_info){.container = "other",
				    .rate = from.rate,
				    .n_channels = from.n_channels,
				    .n_frames = from.n_frames,
				    .bits = from.bits,
				    .n_streams = from.n_streams > 1 ? from.n_streams : 0,
				    .is_float = from.is_float,
				    .is_lossy = from.is_lossy,
				    .bitrate_kbps = from.bitrate_kbps};
	from.container[sizeof(from.container) - 1] = '\0';
	from.codec[sizeof(from.codec) - 1] = '\0';
	for (size_t i = 0; i < sizeof(containers) / sizeof(containers[0]); i++)
		if (strcmp(from.container, containers[i]) == 0)
			info->container = containers[i];
	strcpy(info->codec, from.codec);
	info->n_bytes = (uint64_t)(media_fd_size(av->fd) > 0 ? media_fd_size(av->fd) : 0);
	av_take_channels(av, &from);
	if (strcmp(info->container, "m4a") == 0) {
		int64_t n_frames = tags_mp4_frames(av->fd, info->rate);

		info->n_frames = n_frames >= 0 ? n_frames : info->n_frames;
	}
	return 0;
}

static void av_take_text(struct tags_source *source, const uint8_t *data, uint32_t bytes)
{
	const char *name = (const char *)data;
	size_t name_bytes = strlen(name);

	if (name_bytes + 1 >= bytes)
		return;
	for (size_t i = 0; i < sizeof(av_names) / sizeof(av_names[0]); i++)
		if (strcasecmp(av_names[i].theirs, name) == 0) {
			name = av_names[i].ours;
			break;
		}
	if (name)
		tags_take_bytes(source, name, data + name_bytes + 1, bytes - name_bytes - 1,
				MEDIA_UTF8);
}

static void av_take_mark(struct tags_source *source, const uint8_t *data, uint32_t bytes)
{
	struct av_mark mark;

	if (bytes < sizeof(mark))
		return;
	memcpy(&mark, data, sizeof(mark));
	tags_take_mark(source, mark.frame, mark.length, (const char *)data + sizeof(mark));
}

/* From a new child up to READY. What it says of tags goes to SOURCE, or nowhere. */
static int av_begin(struct media_av *av, int64_t first_frame, struct tags_source *source,
		    struct mixd_error *err)
{
	const struct av_decode order = {.version = AV_TALK_VERSION, .first_frame = first_frame};
	struct av_head head = {0};
	bool has_info = false;
	int r = media_av_child_start(&av->child, av->fd, av->path, err);

	if (r == 0)
		r = media_av_child_send(&av->child, AV_DECODE, &order, sizeof(order), av->path,
					err);
	while (r == 0 && head.type != AV_READY) {
		r = media_av_child_receive(&av->child, &head, av->path, err);
		if (r < 0)
			break;
		if (head.type == AV_INFO && !has_info) {
			r = av_take_info(av, &head, err);
			has_info = true;
			if (source)
				source->rate = av->info.rate;
		} else if (head.type == AV_TEXT && source) {
			av_take_text(source, av->child.data, head.bytes);
		} else if (head.type == AV_MARK && source) {
			av_take_mark(source, av->child.data, head.bytes);
		} else if (head.type == AV_PICTURE && source) {
			tags_take_picture(source, av->child.data, head.bytes);
		}
	}
	if (r == 0 && !has_info)
		r = error_set(err, ERROR_RESOURCE, av->path, "mixd-av talks nonsense");
	av->position = first_frame;
	av->have = av->at = 0;
	av->is_at_end = false;
	return r;
}

static void av_drop_marks(struct media_tags *tags)
{
	while (tags->n_marks)
		free(tags->mark[--tags->n_marks].name);
}

int media_av_open(int fd, const char *path, struct media_av **ret, struct media_info *info,
		  struct media_tags *tags, struct mixd_error *err)
{
	_cleanup_(media_av_freep) struct media_av *av = av_new(fd, path);
	struct media_tags theirs;
	struct tags_source source;
	int r;

	if (!av)
		return error_no_memory(err);
	media_tags_init(&theirs);
	source = tags_source(&theirs, 0.0);
	r = av_begin(av, 0, &source, err);
	/* what we read ourselves is to the frame, and comes first */
	if (r == 0 && (source.is_failed || media_tags_read(fd, av->info.rate, tags) < 0))
		r = error_no_memory(err);
	/* but lists of chapters end at 255, tracks of them do not */
	if (theirs.n_marks > tags->n_marks)
		av_drop_marks(tags);
	source = tags_source(tags, av->info.rate);
	for (uint32_t i = 0; i < theirs.n_text && r == 0; i++)
		tags_take(&source, theirs.text[i].name, theirs.text[i].value);
	for (uint32_t i = 0; i < theirs.n_marks && r == 0; i++)
		tags_take_mark(&source, theirs.mark[i].frame, theirs.mark[i].length,
			       theirs.mark[i].name);
	if (r == 0 && theirs.picture)
		tags_take_picture(&source, theirs.picture, theirs.picture_bytes);
	media_tags_done(&theirs);
	if (r == 0 && source.is_failed)
		r = error_no_memory(err);
	if (r < 0)
		return r;
	*info = av->info;
	*ret = TAKE_PTR(av);
	return 0;
}

/* The file has ended before it said it would. A packet may be missing where a length is given in other
 * units; more is damage. */
static int av_check_end(const struct media_av *av, struct mixd_error *err)
{
	const int64_t missing = av->info.n_frames < 0 ? 0 : av->info.n_frames - av->position;

	if (missing <= 4096 || av->is_tolerant)
		return 0;
	error_set(err, ERROR_INVALID, av->path, "is truncated: %.3f s of %.3f s are there",
		  (double)av->position / av->info.rate, (double)av->info.n_frames / av->info.rate);
	error_hint(err, "copy or export it again");
	return -EINVAL;
}

/* Another piece from the child; 0 at the end. */
static int64_t av_fill(struct media_av *av, struct mixd_error *err)
{
	struct av_head head;
	int r;

	if (av->is_at_end)
		return 0;
	r = media_av_child_receive(&av->child, &head, av->path, err);
	if (r < 0)
		return r;
	if (head.type == AV_END) {
		av->is_at_end = true;
		return av_check_end(av, err);
	}
	if (head.type != AV_SAMPLES)
		return error_set(err, ERROR_RESOURCE, av->path, "mixd-av talks nonsense");
	av->have = head.bytes / (uint32_t)sizeof(float) / av->info.n_channels;
	av->at = 0;
	return av->have;
}

int64_t media_av_read(struct media_av *av, float *const *channels, uint32_t n_frames,
		      struct mixd_error *err)
{
	const uint32_t n_channels = av->info.n_channels;
	uint32_t done = 0;

	/* what pads the last packet is not played */
	if (av->info.n_frames >= 0 && n_frames > av->info.n_frames - av->position)
		n_frames = av->info.n_frames > av->position
				   ? (uint32_t)(av->info.n_frames - av->position)
				   : 0;
	while (done < n_frames) {
		const float *from;
		uint32_t now;

		if (av->at == av->have) {
			int64_t got = av_fill(av, err);

			if (got < 0)
				return got;
			if (got == 0)
				break;
		}
		now = av->have - av->at < n_frames - done ? av->have - av->at : n_frames - done;
		from = (const float *)(const void *)av->child.data + (size_t)av->at * n_channels;
		for (uint32_t c = 0; c < n_channels; c++)
			for (uint32_t i = 0; i < now; i++)
				channels[c][done + i] = from[(size_t)i * n_channels + av->from[c]];
		av->at += now;
		av->position += now;
		done += now;
	}
	return done;
}

int media_av_seek(struct media_av *av, int64_t frame, struct mixd_error *err)
{
	struct media_info info = av->info;
	int r;

	if (frame == av->position)
		return 0;
	media_av_child_stop(&av->child);
	r = av_begin(av, frame, NULL, err);
	if (r == 0 && (av->info.n_channels != info.n_channels || av->info.rate != info.rate))
		r = error_set(err, ERROR_CONFLICT, av->path, "has changed while it was read");
	return r;
}

void media_av_tolerate(struct media_av *av)
{
	av->is_tolerant = true;
}

/* ---- writing ----------------------------------------------------------------------------------- */

static int av_expect(struct media_av *av, enum av_type type, struct mixd_error *err)
{
	struct av_head head;
	int r = media_av_child_receive(&av->child, &head, av->path, err);

	if (r == 0 && head.type != type)
		r = error_set(err, ERROR_RESOURCE, av->path, "mixd-av talks nonsense");
	return r;
}

int media_av_create(int fd, const char *path, const struct media_target *target,
		    struct media_av **ret, struct mixd_error *err)
{
	_cleanup_(media_av_freep) struct media_av *av = av_new(fd, path);
	struct av_encode order = {.version = AV_TALK_VERSION,
				  .n_channels = target->layout.n_channels,
				  .rate = target->rate,
				  .bitrate_kbps = target->bitrate_kbps,
				  .lossless_bits = target->bits};
	int r;

	if (!av || !(av->buffer = malloc(AV_SAMPLES_MAX)))
		return error_no_memory(err);
	if (order.n_channels < 1 || order.n_channels > AV_CHANNELS_MAX)
		return error_set(err, ERROR_INVALID, path, "M4A cannot have %u channels",
				 (unsigned)order.n_channels);
	av->info.n_channels = order.n_channels;
	av->info.rate = order.rate;
	for (uint32_t c = 0; c < order.n_channels; c++)
		order.position[c] =
			target->layout.position ? target->layout.position[c] : MIXD_POS_NONE;
	r = media_av_child_start(&av->child, fd, path, err);
	if (r == 0)
		r = media_av_child_send(&av->child, AV_ENCODE, &order, sizeof(order), path, err);
	if (r == 0)
		r = av_expect(av, AV_READY, err);
	if (r == 0)
		*ret = TAKE_PTR(av);
	return r;
}

int media_av_write(struct media_av *av, const float *const *channels, uint32_t n_frames,
		   struct mixd_error *err)
{
	const uint32_t n_channels = av->info.n_channels;
	const uint32_t room = AV_SAMPLES_MAX / (uint32_t)sizeof(float) / n_channels;
	int r = 0;

	for (uint32_t done = 0; done < n_frames && r == 0;) {
		uint32_t now = n_frames - done < room ? n_frames - done : room;

		for (uint32_t c = 0; c < n_channels; c++)
			for (uint32_t i = 0; i < now; i++)
				av->buffer[(size_t)i * n_channels + c] = channels[c][done + i];
		r = media_av_child_send(&av->child, AV_SAMPLES, av->buffer,
					now * n_channels * (uint32_t)sizeof(float), av->path, err);
		done += now;
	}
	av->position += r == 0 ? n_frames : 0;
	return r;
}

static int av_send_mark(struct media_av *av, const struct media_tags *tags, uint32_t i,
			struct mixd_error *err)
{
	const struct media_info info = {.n_frames = av->position};
	struct media_bytes bytes = {0};
	struct av_mark mark = {.frame = tags->mark[i].frame};
	const char *name = tags->mark[i].name ? tags->mark[i].name : "";
	int r;

	if (mark.frame < 0 || mark.frame >= av->position)
		return 0; /* behind the end */
	mark.length = tags_mark_end(tags, i, &info) - mark.frame;
	media_put(&bytes, &mark, sizeof(mark));
	media_put(&bytes, name, strlen(name) + 1);
	r = bytes.is_failed ? error_no_memory(err)
			    : media_av_child_send(&av->child, AV_MARK, bytes.data,
						  (uint32_t)bytes.size, av->path, err);
	media_bytes_done(&bytes);
	return r;
}

int media_av_finish(struct media_av *av, const struct media_tags *tags, struct mixd_error *err)
{
	int r = 0;

	for (uint32_t i = 0; tags && i < tags->n_marks && r == 0; i++)
		r = av_send_mark(av, tags, i, err);
	if (r == 0)
		r = media_av_child_send(&av->child, AV_FINISH, NULL, 0, av->path, err);
	if (r == 0)
		r = av_expect(av, AV_END, err);
	media_av_child_stop(&av->child);
	return r;
}
