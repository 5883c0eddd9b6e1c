/* roomtone.c - see roomtone.h: finding it, and deciding what the ends need. Writing: roomtone_write.c.
 *
 * QUIETEST    Power of all channels per 10 ms. A stretch of 1 s, 0.5 s or 0.25 s counts when none of
 *             its ticks is digital silence, and none more than 9 dB above its mean (no word begins
 *             in it). The longest one is taken that is at most 3 dB above the quietest of all.
 *             Where the pauses are digital silence, what is left is voice: then it counts only 20 dB
 *             below the mean of what sounds.
 * HUM         Power at 50 or 60 Hz and its harmonics up to the tenth, by a Hann window over the whole
 *             stretch (Harris, Proc. IEEE 66(1), 1978: coherent gain 1/2), against all power. */
#include "roomtone.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "level.h"

DEFINE_CLEANUP(measure_free, struct measure *)

#define TONE_TICKS 100u /* 1 s */
#define TONE_SIZES 3u
#define TONE_EVEN 8.0 /* a tick against the mean: 9 dB */
#define TONE_NEAR_DB 3.0
#define TONE_BLACK_TICKS 30
#define TONE_VOICE 0.01 /* -20 dB against the mean of what sounds */
#define TONE_SILENT_DBFS (-61.0) /* what counts as silence once it is louder, with some room */
#define TONE_MADE_DBFS (-72.0)
#define TONE_MADE_S 1.0
#define TONE_GUARD_S 0.05 /* codecs move edges by as much */
#define TONE_HUM_HARMONICS 10
#define TONE_HUM_MIN_S 0.5

static const uint32_t tone_sizes[TONE_SIZES] = {TONE_TICKS, 50, 25};

struct tone_best {
	double power; /* mean; below 0: none yet */
	int64_t end_tick;
};

struct tone_scan {
	double power[TONE_TICKS];
	int64_t n_ticks, n_black, black_tick; /* the last black one; -1 */
	double sum; /* of all power */
	struct tone_best best[TONE_SIZES];
};

static void scan_tick(struct tone_scan *scan, double power, bool is_black)
{
	double sum = 0, highest = 0;

	scan->power[scan->n_ticks % TONE_TICKS] = power;
	if (is_black) {
		scan->black_tick = scan->n_ticks;
		scan->n_black++;
	}
	scan->sum += power;
	scan->n_ticks++;
	for (uint32_t k = 1; k <= TONE_TICKS && k <= scan->n_ticks; k++) {
		double one = scan->power[(scan->n_ticks - k) % TONE_TICKS];

		sum += one;
		highest = fmax(highest, one);
		for (uint32_t s = 0; s < TONE_SIZES; s++)
			if (k == tone_sizes[s] && scan->black_tick < scan->n_ticks - k &&
			    highest <= TONE_EVEN * sum / k &&
			    (scan->best[s].power < 0 || sum / k < scan->best[s].power))
				scan->best[s] = (struct tone_best){sum / k, scan->n_ticks};
	}
}

static uint32_t scan_choose(const struct tone_scan *scan)
{
	double lowest = INFINITY, near = pow(10, TONE_NEAR_DB / 10);

	for (uint32_t s = 0; s < TONE_SIZES; s++)
		if (scan->best[s].power >= 0)
			lowest = fmin(lowest, scan->best[s].power);
	if (scan->n_black >= TONE_BLACK_TICKS &&
	    lowest > TONE_VOICE * scan->sum / (double)(scan->n_ticks - scan->n_black + 1))
		return TONE_SIZES;
	for (uint32_t s = 0; s < TONE_SIZES; s++)
		if (scan->best[s].power >= 0 && scan->best[s].power <= lowest * near)
			return s;
	return TONE_SIZES;
}

/* One tick: to the meter at its gain, and to the scan as it is. */
static void find_tick(struct measure *measure, struct tone_scan *scan, float *const *channels,
		      uint32_t n_channels, uint32_t n, float gain)
{
	double power = 0;
	bool is_black = true;

	for (uint32_t c = 0; c < n_channels; c++)
		for (uint32_t i = 0; i < n; i++) {
			power += (double)channels[c][i] * (double)channels[c][i];
			is_black = is_black && channels[c][i] == 0.0f;
			channels[c][i] *= gain;
		}
	measure_feed(measure, (const float *const *)channels, n);
	scan_tick(scan, power / ((double)n * n_channels), is_black);
}

static int find_read(const struct roomtone_source *source, double gain_db, struct measure *measure,
		     struct tone_scan *scan, struct task *task, struct roomtone *ret,
		     struct mixd_error *err)
{
	uint32_t tick = (uint32_t)lround(source->rate / 100), n_channels = ret->n_channels, fill;
	_cleanup_free_ float *memory = calloc((size_t)tick * n_channels, sizeof(float));
	float gain = (float)pow(10, gain_db / 20), *channels[MEDIA_CHANNELS_MAX];
	int r = memory ? source->seek(source->data, 0, err) : error_no_memory(err);

	while (r == 0) {
		for (fill = 0; fill < tick;) {
			int64_t n;

			for (uint32_t c = 0; c < n_channels; c++)
				channels[c] = memory + (size_t)c * tick + fill;
			n = source->read(source->data, channels, tick - fill, err);
			if (n < 0)
				return (int)n;
			if (n == 0)
				break;
			fill += (uint32_t)n;
		}
		for (uint32_t c = 0; c < n_channels; c++)
			channels[c] = memory + (size_t)c * tick;
		ret->n_frames += fill;
		if (fill == tick)
			find_tick(measure, scan, channels, n_channels, tick, gain);
		if (fill < tick) {
			for (uint32_t i = 0; i < fill * n_channels; i++)
				channels[i / fill][i % fill] *= gain;
			measure_feed(measure, (const float *const *)channels, fill);
			return 0;
		}
		if (scan->n_ticks % 64 == 0) {
			task_progress(task, (double)ret->n_frames / source->rate,
				      fmax(0, (double)source->n_frames / source->rate));
			r = task_check(task, err);
		}
	}
	return r;
}

static int find_take(const struct roomtone_source *source, const struct tone_scan *scan,
		     struct roomtone *ret, struct mixd_error *err)
{
	uint32_t tick = (uint32_t)lround(source->rate / 100), size = scan_choose(scan), fill = 0;
	float *channels[MEDIA_CHANNELS_MAX];
	int r;

	if (size == TONE_SIZES)
		return 0;
	ret->tone_frames = tone_sizes[size] * tick;
	ret->tone_at = scan->best[size].end_tick * tick - ret->tone_frames;
	ret->tone_dbfs = level_of_power(scan->best[size].power);
	ret->tone = calloc((size_t)ret->tone_frames * ret->n_channels, sizeof(float));
	if (!ret->tone)
		return error_no_memory(err);
	r = source->seek(source->data, ret->tone_at, err);
	while (r == 0 && fill < ret->tone_frames) {
		int64_t n;

		for (uint32_t c = 0; c < ret->n_channels; c++)
			channels[c] = ret->tone + (size_t)c * ret->tone_frames + fill;
		n = source->read(source->data, channels, ret->tone_frames - fill, err);
		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		fill += (uint32_t)n;
	}
	return r;
}

int roomtone_find(const struct roomtone_source *source, double gain_db, struct task *task,
		  struct roomtone *ret, struct mixd_error *err)
{
	struct tone_scan scan = {.black_tick = -1};
	_cleanup_(measure_freep) struct measure *measure = NULL;
	struct measure_options options;
	struct measure_result result;
	int r;

	*ret = (struct roomtone){.rate = source->rate,
				 .n_channels = source->layout->n_channels,
				 .tone_dbfs = -INFINITY};
	for (uint32_t s = 0; s < TONE_SIZES; s++)
		scan.best[s].power = -1;
	measure_options_init(&options);
	options.what = MEASURE_FAULTS;
	measure_result_init(&result);
	r = measure_new(source->rate, source->layout, &options, &measure, err);
	if (r == 0)
		r = find_read(source, gain_db, measure, &scan, task, ret, err);
	if (r == 0 && measure_finish(measure, &result) < 0)
		r = error_no_memory(err);
	if (r == 0) {
		ret->first = llround(result.head_s * source->rate);
		ret->end = ret->n_frames - llround(result.tail_s * source->rate);
		ret->end = ret->end < ret->first ? ret->first : ret->end;
		ret->head_rms = result.head_rms;
		ret->tail_rms = result.tail_rms;
		r = find_take(source, &scan, ret, err);
	}
	measure_result_done(&result);
	return r;
}

void roomtone_done(struct roomtone *tone)
{
	free(tone->tone);
	tone->tone = NULL;
}

/* ---- none --------------------------------------------------------------------------------------- */

int roomtone_settle(struct roomtone *tone, double gain_db, struct mixd_error *err)
{
	uint32_t state = 0x2545f491u;
	double power = 0, scale, low = 0;
	size_t n;

	if (tone->tone && tone->tone_dbfs + gain_db <= TONE_SILENT_DBFS)
		return 0;
	roomtone_done(tone);
	tone->is_made = true;
	tone->tone_frames = (uint32_t)lround(TONE_MADE_S * tone->rate);
	tone->tone_dbfs = TONE_MADE_DBFS - gain_db;
	n = (size_t)tone->tone_frames * tone->n_channels;
	tone->tone = malloc(n * sizeof(float));
	if (!tone->tone)
		return error_no_memory(err);
	/* As rooms do, it has less the higher it gets: one pole at about 1 kHz. */
	for (size_t i = 0; i < n; i++) {
		state = state * 1664525u + 1013904223u;
		low += 6.2832 * 1000 / tone->rate * ((double)state / 2147483648.0 - 1 - low);
		tone->tone[i] = (float)low;
		power += low * low;
	}
	scale = pow(10, tone->tone_dbfs / 20) / sqrt(power / (double)n);
	for (size_t i = 0; i < n; i++)
		tone->tone[i] = (float)(tone->tone[i] * scale);
	return 0;
}

/* ---- what the ends need ------------------------------------------------------------------------- */

/* How long an end is to be, that is HAVE_S long; as it is when it may stay. */
static double cut_want(double have_s, double min_s, double max_s, bool is_black)
{
	double low = fmax(0, min_s), guard = fmin(TONE_GUARD_S, (max_s - low) / 4);

	if (is_black && low > 0)
		have_s = -1;
	if (have_s >= low + (low > 0 ? guard : 0) && have_s <= max_s - guard)
		return have_s;
	if (have_s > max_s - guard && low <= 0)
		return fmax(0, max_s - 2 * guard);
	return low + fmin((max_s - low) / 2, 1.0);
}

static bool is_black(double rms)
{
	return isinf(rms) && rms < 0;
}

bool roomtone_cut(const struct roomtone *tone, const struct roomtone_bounds *bounds,
		  struct roomtone_cut *ret)
{
	bool head_black = tone->first > 0 && is_black(tone->head_rms);
	bool tail_black = tone->end < tone->n_frames && is_black(tone->tail_rms);
	double rate = tone->rate;
	int64_t head, tail, have_tail = tone->n_frames - tone->end;

	*ret = (struct roomtone_cut){0, tone->n_frames, 0, 0};
	if (tone->end == tone->first)
		return false;
	head = llround(rate * cut_want((double)tone->first / rate, bounds->head_min_s,
				       bounds->head_max_s, head_black));
	tail = llround(rate * cut_want((double)have_tail / rate, bounds->tail_min_s,
				       bounds->tail_max_s, tail_black));
	if (head_black && head != tone->first) {
		ret->from = tone->first;
		ret->head = head;
	} else if (head != tone->first) {
		ret->from = tone->first > head ? tone->first - head : 0;
		ret->head = tone->first < head ? head - tone->first : 0;
	}
	if (tail_black && tail != have_tail) {
		ret->to = tone->end;
		ret->tail = tail;
	} else if (tail != have_tail) {
		ret->to = have_tail > tail ? tone->end + tail : tone->n_frames;
		ret->tail = have_tail < tail ? tail - have_tail : 0;
	}
	return ret->from > 0 || ret->to < tone->n_frames || ret->head > 0 || ret->tail > 0;
}

/* ---- hum ---------------------------------------------------------------------------------------- */

static double hum_power(const struct roomtone *tone, double hz)
{
	double sum = 0;

	for (int k = 1; k <= TONE_HUM_HARMONICS; k++)
		for (uint32_t c = 0; c < tone->n_channels; c++) {
			const float *x = tone->tone + (size_t)c * tone->tone_frames;
			double re = 0, im = 0, n = tone->tone_frames;

			for (uint32_t i = 0; i < tone->tone_frames; i++) {
				double w = 0.5 - 0.5 * cos(2 * M_PI * (i + 0.5) / n);
				double phase = 2 * M_PI * hz * k * i / tone->rate;

				re += w * (double)x[i] * cos(phase);
				im += w * (double)x[i] * sin(phase);
			}
			sum += 2 * (re * re + im * im) / (n * n / 4);
		}
	return sum / tone->n_channels;
}

double roomtone_hum(const struct roomtone *tone, double *ret_hz)
{
	double at50, at60, all = pow(10, tone->tone_dbfs / 10);

	*ret_hz = 50;
	if (!tone->tone || tone->is_made || !(all > 0) ||
	    tone->tone_frames < TONE_HUM_MIN_S * tone->rate)
		return 0;
	at50 = hum_power(tone, 50);
	at60 = hum_power(tone, 60);
	*ret_hz = at60 > at50 ? 60 : 50;
	return fmin(1, fmax(at50, at60) / all);
}
