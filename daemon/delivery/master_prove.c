/* master_prove.c - what was written, measured as it is decoded; peaks of an MP3 lowered on the way.
 *
 * WHAT        The decoder runs ahead of the meter by PROVE_AHEAD frames, in a window. Where the
 *             meter would find a peak above the ceiling, the granules around it are lowered in the
 *             file (mp3_gain.h), a new decoder begins before them, and the window is looked at again.
 *             The meter sees only what is done with.
 * INVARIANTS  V1 what is measured is what a decoder gives of the finished file from its start, to the
 *                bit: what was fed is further than MP3_GAIN_REACH before all that is lowered later,
 *                and a new decoder gives PROVE_SAME frames as the last one did. If it does not, all
 *                is measured again.
 *             V2 the detector is the meter's own (measure_peaks.c): where it finds nothing, the meter does
 *                not.
 * NOT HERE    what follows when it is wrong: master.c. */
#include "master_private.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mp3_gain.h"
#include "peakscan.h"

#define PROVE_BETA 7.0 /* the meter's */
#define PROVE_AHEAD 10240u /* frames: two rounds reach back less than that */
#define PROVE_WINDOW (32768u + PROVE_AHEAD)
#define PROVE_PAST 512u /* frames before the window: the detector's, and those to compare */
#define PROVE_SAME 256u
#define PROVE_NEAR 1e-5f /* rounding in another order */
#define PROVE_BEYOND 64u /* zeros behind the end */
#define PROVE_ROUNDS 6u /* looks at one window */
#define PROVE_SPOTS_MAX 1024u /* of one look: more is no moment */
#define PROVE_PIECES (PROVE_WINDOW / PEAKSCAN_PIECE + PEAKSCAN_PAST + 4)

struct prove {
	const char *path; /* borrowed */
	struct media_reader *reader; /* in place of the one it is opened with; NULL: not yet */
	struct mp3_gain *gain; /* NULL: no longer */
	uint32_t lowered; /* granules */
	struct peakscan scan;
	double ceiling_dbtp;
	float above; /* linear */
	uint32_t n_channels;
	float *memory;
	/* [0]: the next frame to be fed, frame `first` of the file; PROVE_PAST before it. */
	float *channel[MEDIA_CHANNELS_MAX];
	float *again[MEDIA_CHANNELS_MAX]; /* PROVE_SAME, decoded again */
	int64_t first;
	uint32_t have, looked; /* frames in the window; those before it are under the ceiling */
	uint32_t at, ready; /* of it: fed; to be fed without a look */
	bool is_ended;
	bool is_apart, is_lost; /* V1 does not hold: by rounding; by more */
	float piece[PROVE_PIECES];
	float envelope[PEAKSCAN_RUN * PEAKSCAN_PIECE];
	struct mp3_gain_spot spot[PROVE_SPOTS_MAX];
	uint32_t n_spots; /* PROVE_SPOTS_MAX: too many */
};

/* ---- looking ----------------------------------------------------------------------------------- */

/* N pieces from X on, frame FRAME of the file: a spot for each that is too high. */
static void prove_take(struct prove *prove, const float *x, int64_t frame, uint32_t n)
{
	truepeak_envelope(&prove->scan.filter, x, prove->envelope, n * PEAKSCAN_PIECE);
	for (uint32_t k = 0; k < n && prove->n_spots < PROVE_SPOTS_MAX; k++) {
		float high = truepeak_highest(prove->envelope + k * PEAKSCAN_PIECE, PEAKSCAN_PIECE);

		if (high > prove->above)
			prove->spot[prove->n_spots++] = (struct mp3_gain_spot){
				.frame = frame + k * PEAKSCAN_PIECE - TRUEPEAK_DELAY / 2,
				.lower_db = 20 * log10((double)high) - prove->ceiling_dbtp,
			};
	}
}

/* N_PIECES of one channel from X on, frame FRAME of the file. */
static void prove_look_channel(struct prove *prove, const float *x, int64_t frame,
			       uint32_t n_pieces)
{
	const float *piece = prove->piece + PEAKSCAN_PAST;
	uint32_t p = 0, n;

	peakscan_pieces(x - PEAKSCAN_PAST * PEAKSCAN_PIECE, n_pieces + PEAKSCAN_PAST, prove->piece);
	while ((n = peakscan_next(&prove->scan, piece, p, n_pieces, prove->above, &p)) > 0) {
		/* The last pieces have no neighbours yet. */
		uint32_t inner = n_pieces > p + 1 ? n_pieces - p - 1 : 0;
		uint32_t close = n < inner ? n : inner, bits = (1u << n) - 1;

		if (close)
			bits &= ~((1u << close) - 1) |
				peakscan_refine(&prove->scan, x, piece, p, close, prove->above);
		for (uint32_t k = 0; k < n; k++) {
			uint32_t from = (p + k) * PEAKSCAN_PIECE, run = 0;

			while (bits >> (k + run) & 1)
				run++;
			if (run)
				prove_take(prove, x + from, frame + from, run);
			k += run;
		}
		p += n;
	}
}

/* What was not looked at yet, and can be: its interpolator ends before the window does. */
static void prove_look(struct prove *prove)
{
	uint32_t end = prove->have + (prove->is_ended ? TRUEPEAK_PAST : 0);
	uint32_t n_pieces = (end - prove->looked + PEAKSCAN_PIECE - 1) / PEAKSCAN_PIECE;

	prove->n_spots = 0;
	for (uint32_t c = 0; c < prove->n_channels; c++)
		prove_look_channel(prove, prove->channel[c] + prove->looked,
				   prove->first + prove->looked, n_pieces);
	if (prove->n_spots == 0)
		prove->looked = prove->have;
}

/* ---- reading ----------------------------------------------------------------------------------- */

/* The window as full as the file allows. */
static int prove_fill(struct prove *prove, struct media_reader *reader, struct mixd_error *err)
{
	if (prove->reader)
		reader = prove->reader;
	while (!prove->is_ended && prove->have < PROVE_WINDOW) {
		float *to[MEDIA_CHANNELS_MAX];
		int64_t n;

		for (uint32_t c = 0; c < prove->n_channels; c++)
			to[c] = prove->channel[c] + prove->have;
		n = media_read(reader, to, PROVE_WINDOW - prove->have, err);
		if (n < 0)
			return (int)n;
		prove->have += (uint32_t)n;
		prove->is_ended = n == 0;
	}
	if (prove->is_ended)
		for (uint32_t c = 0; c < prove->n_channels; c++)
			memset(prove->channel[c] + prove->have, 0, PROVE_BEYOND * sizeof(float));
	return 0;
}

/* N frames into AGAIN, where the last PROVE_SAME, if N is not more, stay. */
static int prove_read_again(struct prove *prove, int64_t n, struct mixd_error *err)
{
	while (n > 0) {
		int64_t got = media_read(prove->reader, prove->again,
					 n < PROVE_SAME ? (uint32_t)n : PROVE_SAME, err);

		if (got < 0)
			return (int)got;
		if (got == 0) {
			prove->is_lost = true;
			return 0;
		}
		n -= got;
	}
	return 0;
}

/* N frames that were decoded again are those from FROM on. */
static void prove_compare(struct prove *prove, int64_t from, uint32_t n)
{
	for (uint32_t c = 0; c < prove->n_channels; c++)
		for (uint32_t i = 0; i < n; i++) {
			float apart = fabsf(prove->again[c][i] - prove->channel[c][from + i]);

			prove->is_apart = prove->is_apart || apart > 0;
			prove->is_lost = prove->is_lost || apart > PROVE_NEAR;
		}
}

/* The window from frame FROM of it on, decoded anew. By a new decoder: one that is sent elsewhere keeps the
 * place of its synthesis window, and rounds in another order. */
static int prove_decode_again(struct prove *prove, uint32_t from, struct mixd_error *err)
{
	int64_t to = prove->first + from;
	uint32_t same = to < PROVE_SAME ? (uint32_t)to : PROVE_SAME;
	int64_t begin = mp3_gain_restart(prove->gain, to - same);
	int r;

	prove->reader = media_close(prove->reader);
	r = media_open(prove->path, &prove->reader, err);
	if (r == 0)
		r = media_seek(prove->reader, begin, err);
	if (r == 0)
		r = prove_read_again(prove, to - same - begin, err);
	if (r == 0)
		r = prove_read_again(prove, same, err);
	if (r < 0)
		return r;
	prove_compare(prove, (int64_t)from - same, same);
	prove->is_ended = false;
	prove->have = from;
	return prove_fill(prove, NULL, err);
}

/* ---- lowering ---------------------------------------------------------------------------------- */

/* No more of it: 0, or what closing said. */
static int prove_stop(struct prove *prove, struct mixd_error *err)
{
	struct mp3_gain *gain = prove->gain;

	prove->gain = NULL;
	return mp3_gain_close(gain, &prove->lowered, err);
}

/* Spots are lowered, and the window is as the file is now. */
static int prove_lower(struct prove *prove, struct mixd_error *err)
{
	int64_t first = INT64_MAX;
	uint32_t from;
	int r;

	for (uint32_t i = 0; i < prove->n_spots; i++)
		first = prove->spot[i].frame < first ? prove->spot[i].frame : first;
	first -= MP3_GAIN_REACH;
	/* What is fed stays as it is. */
	if (prove->n_spots >= PROVE_SPOTS_MAX || (first < prove->first && prove->first > 0))
		return prove_stop(prove, err);
	r = mp3_gain_lower(prove->gain, prove->spot, prove->n_spots, err);
	if (r < 0)
		return r == -EOPNOTSUPP ? prove_stop(prove, err) : r;
	from = first < prove->first ? 0 : (uint32_t)(first - prove->first);
	from -= from % PEAKSCAN_PIECE;
	prove->looked = from < prove->looked ? from : prove->looked;
	r = prove_decode_again(prove, from, err);
	return r == 0 && prove->is_lost ? prove_stop(prove, err) : r;
}

/* The window moves on, and what can be fed is under the ceiling, or cannot be lowered. */
static int prove_advance(struct prove *prove, struct media_reader *reader, struct mixd_error *err)
{
	uint32_t at = prove->at;
	int r;

	for (uint32_t c = 0; c < prove->n_channels; c++)
		memmove(prove->channel[c] - PROVE_PAST, prove->channel[c] + at - PROVE_PAST,
			(prove->have - at + PROVE_PAST) * sizeof(float));
	prove->first += at;
	prove->have -= at;
	prove->looked = prove->looked > at ? prove->looked - at : 0;
	prove->at = 0;
	r = prove_fill(prove, reader, err);
	for (uint32_t round = 0; r == 0 && prove->gain; round++) {
		prove_look(prove);
		if (prove->n_spots == 0)
			break;
		r = round < PROVE_ROUNDS ? prove_lower(prove, err) : prove_stop(prove, err);
	}
	prove->ready = prove->is_ended ? prove->have : PROVE_WINDOW - PROVE_AHEAD;
	return r;
}

static int64_t prove_read(void *data, struct media_reader *reader, float *const *channels,
			  uint32_t n_frames, struct mixd_error *err)
{
	struct prove *prove = data;

	if (prove->at == prove->ready) {
		int r = prove_advance(prove, reader, err);

		if (r < 0)
			return r;
	}
	if (n_frames > prove->ready - prove->at)
		n_frames = prove->ready - prove->at;
	for (uint32_t c = 0; c < prove->n_channels; c++)
		memcpy(channels[c], prove->channel[c] + prove->at, n_frames * sizeof(float));
	prove->at += n_frames;
	return n_frames;
}

/* ---- a file ------------------------------------------------------------------------------------ */

static struct prove *prove_free(struct prove *prove)
{
	uint32_t unused;

	if (!prove)
		return NULL;
	mp3_gain_close(prove->gain, &unused, NULL);
	media_close(prove->reader);
	free(prove->memory);
	free(prove);
	return NULL;
}

static struct prove *prove_new(const struct mp3_gain_format *format, double ceiling_dbtp)
{
	const size_t window = PROVE_PAST + PROVE_WINDOW + PROVE_BEYOND;
	struct prove *prove = calloc(1, sizeof(*prove));

	if (!prove)
		return NULL;
	prove->n_channels = format->n_channels;
	prove->memory = calloc(prove->n_channels * (window + PROVE_SAME), sizeof(float));
	if (!prove->memory)
		return prove_free(prove);
	for (uint32_t c = 0; c < prove->n_channels; c++) {
		prove->channel[c] = prove->memory + c * window + PROVE_PAST;
		prove->again[c] = prove->memory + prove->n_channels * window + c * PROVE_SAME;
	}
	peakscan_init(&prove->scan, format->rate, PROVE_BETA);
	prove->ceiling_dbtp = ceiling_dbtp;
	/* Rounding is not what keeps it below. */
	prove->above = (float)(pow(10, ceiling_dbtp / 20) * (1 - 1e-6));
	return prove;
}

/* *ret NULL: nothing can be lowered in this file. */
static int prove_open(const char *path, double ceiling_dbtp, struct prove **ret,
		      struct mixd_error *err)
{
	struct mp3_gain_format format;
	struct mp3_gain *gain = NULL;
	uint32_t unused;
	int r;

	*ret = NULL;
	if (isnan(ceiling_dbtp))
		return 0;
	r = mp3_gain_open(path, &gain, &format, err);
	if (r < 0)
		return r == -EOPNOTSUPP ? 0 : r;
	*ret = prove_new(&format, ceiling_dbtp);
	if (!*ret) {
		mp3_gain_close(gain, &unused, NULL);
		return error_no_memory(err);
	}
	(*ret)->path = path;
	(*ret)->gain = gain;
	return 0;
}

int master_prove_file(const char *path, double ceiling_dbtp, const struct measure_options *options,
		      struct task *task, struct measure_result *ret, struct media_info *ret_info,
		      uint32_t *ret_lowered, struct mixd_error *err)
{
	struct measure_options tapped = *options;
	struct measure_tap tap = {.read = prove_read};
	struct prove *prove;
	bool is_apart;
	int r = prove_open(path, ceiling_dbtp, &prove, err);

	*ret_lowered = 0;
	if (r < 0)
		return r;
	if (!prove)
		return measure_file(path, options, task, ret, ret_info, err);
	tap.data = prove;
	tapped.tap = &tap;
	r = measure_file(path, &tapped, task, ret, ret_info, err);
	if (r == 0 && prove->gain) {
		r = prove_stop(prove, err);
		if (r < 0)
			measure_result_done(ret);
	}
	*ret_lowered = prove->lowered;
	is_apart = prove->is_apart || prove->is_lost;
	prove_free(prove);
	if (r < 0 || !is_apart)
		return r;
	measure_result_done(ret);
	return measure_file(path, options, task, ret, ret_info, err);
}

int master_prove_try(struct master_try *try, struct mixd_error *err)
{
	const struct master_request *request = try->master->request;
	struct master_goal *goal = try->goal;
	struct measure_options options;

	measure_options_init(&options);
	options.what = spec_needs(goal->spec) | MEASURE_LOUDNESS | MEASURE_TRUE_PEAK |
		       (master_is_rms(goal) ? MEASURE_LEVELS : 0);
	options.speech = request->speech;
	options.n_speech = request->n_speech;
	options.detect_speech = request->detect_speech;
	job_stage(try->master->job, "verify", strrchr(goal->path, '/') + 1);
	return master_prove_file(
		try->path, strcmp(goal->target.format, "mp3") == 0 ? try->max_dbtp : NAN, &options,
		job_task(try->master->job), &goal->result, &goal->info, &goal->n_lowered, err);
}
