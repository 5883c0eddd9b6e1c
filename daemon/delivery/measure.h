/* measure.h - everything that is measured about a programme, in one pass.
 *
 * WHAT        Loudness by BS.1770 and Tech 3341/3342, true and sample peak, levels, stereo field,
 *             faults. A `struct measure` takes blocks and gives a `struct measure_result`; the cost
 *             follows from what is asked for.
 * MEMORY      bounded, but for `series` (10 values a second).
 * THREADS     one at a time per object.
 * NOT HERE    what is right or wrong: spec.h; plots: report.h. */
#pragma once

#include "media_read.h"
#include "task.h"

enum measure_what {
	MEASURE_LOUDNESS = 1u << 0, /* I M S LRA */
	MEASURE_TRUE_PEAK = 1u << 1, /* and sample peak */
	MEASURE_LEVELS = 1u << 2, /* RMS, DC, noise floor, correlation, balance, fold-down */
	MEASURE_FAULTS = 1u << 3, /* clipping, silence, dropouts, bits, clicks */
	MEASURE_SPECTRUM = 1u << 4, /* third octaves, bandwidth, long-term average */
	MEASURE_SERIES = 1u << 5, /* M, S, peak over time; histogram; true-peak positions */
	MEASURE_DYNAMICS = 1u << 6, /* PSR, DR14 */
	MEASURE_ALL = 0x7fu,
	MEASURE_TABLE = 0x5fu, /* what a table shows: all but series */
};

#define MEASURE_THIRDS 31u /* 20 Hz .. 20 kHz, IEC 61260 base ten */
#define MEASURE_FINE 240u /* 24ths of an octave from 20 Hz */
#define MEASURE_DIRECTIONS 90u /* around -90, -88 .. 88 degrees */
#define MEASURE_LIST_MAX 64u

struct measure_range {
	double start_s, end_s;
};
#define MEASURE_FINE_RATE 1500u /* rows a second */
/* See measure_fine.c. */
struct measure_fine_row {
	float energy; /* mean square, K-weighted and summed by weights; is_rms: plain, of all channels */
	float peak; /* linear, of any channel */
};
struct measure_fine {
	/* From where the measurement is fed. HIGH: for each 10 ms the energy of high frequencies. */
	void (*take)(void *data, const struct measure_fine_row *row, uint32_t n_rows,
		     const float *high, uint32_t n_high);
	void *data;
	float above; /* peaks up to this need not be interpolated */
	bool is_rms;
	bool has_high; /* HIGH is asked for; else zeros */
};
/* What stands between a file and its measurement: gives what is measured, as media_read() does. */
struct measure_tap {
	int64_t (*read)(void *data, struct media_reader *reader, float *const *channels,
			uint32_t n_frames, struct mixd_error *err);
	void *data;
};
struct measure_options {
	unsigned what; /* enum measure_what */
	bool dual_mono; /* a mono programme counts twice (+3.01 LU) */
	/* Dialogue: when set, `dialogue` is loudness over these ranges alone, by BS.1770-1 (absolute
	 * gate only). Sorted, borrowed. */
	const struct measure_range *speech;
	uint32_t n_speech;
	bool detect_speech; /* instead: an approximate detector */
	double start_s, end_s; /* measure_file(): of the file; end 0: to its end */
	const struct measure_fine *fine; /* borrowed; NULL: nobody asks */
	const struct measure_tap *tap; /* measure_file(); borrowed; NULL: none */
};

struct measure_event { /* a clip, an over, a dropout, a click */
	double at_s, length_s, value; /* value: dBTP, samples, ... */
	uint32_t channel;
};

/* NAN: not asked for, or not defined. Silence is -INFINITY. */
struct measure_result {
	double rate, duration_s;
	uint64_t n_frames;
	uint32_t n_channels;
	/* loudness: LUFS, LU */
	double integrated, momentary_max, shortterm_max, range, range_low, range_high;
	double momentary_max_at_s, shortterm_max_at_s;
	/* peaks: dBTP, dBFS */
	double true_peak, sample_peak, true_peak_at_s;
	double channel_true_peak[MEDIA_CHANNELS_MAX], channel_sample_peak[MEDIA_CHANNELS_MAX];
	uint64_t n_overs; /* places above 0 dBTP */
	/* dynamics */
	double plr, psr_min; /* LU: TP - I; lowest of TP(3 s) - S */
	double dr14;
	/* levels: dBFS unless said otherwise */
	double rms; /* whole file, all channels */
	double noise_floor; /* quietest 0.5 s that is not digital silence; -INFINITY: is_gated */
	bool is_gated; /* the pauses are digital silence, and what lies between is no noise */
	double channel_rms[MEDIA_CHANNELS_MAX], dc[MEDIA_CHANNELS_MAX]; /* dc: linear */
	double dc_max; /* dBFS */
	double correlation, correlation_min; /* -1..1; lowest of 400 ms windows above -60 dBFS */
	double balance; /* LU: left - right */
	double fold_down; /* LU: loudness of the mono sum - of the stereo */
	/* faults */
	uint64_t clip_runs, clipped_samples; /* runs of >= 3 equal samples at the highest level */
	double head_s, tail_s; /* below -60 dBFS at both ends */
	double head_rms, tail_rms; /* dBFS of that room tone; -INFINITY: digital silence */
	uint64_t n_dropouts; /* digital black longer than 10 ms inside */
	uint64_t n_clicks;
	double longest_silence_s; /* inside, below -60 dBFS */
	uint32_t effective_bits; /* 0: not PCM */
	bool is_padded; /* fewer bits in use than stored */
	/* spectrum */
	double bandwidth_hz; /* above it nothing but floor; NAN unknown */
	bool is_brickwall; /* a steep end below 20 kHz: a lossy or resampled source */
	double third_db[MEASURE_THIRDS]; /* mean power, dBFS */
	double fine_db[MEASURE_FINE]; /* the same in 24ths of an octave, as power per third */
	/* MEASURE_SERIES: share of energy of the front pair by direction: 0 middle, -45 left, 45 right,
	 * beyond: out of phase */
	double direction[MEASURE_DIRECTIONS];
	/* dialogue */
	double dialogue, dialogue_range; /* LUFS, LU */
	double speech_share; /* 0..1 */
	bool is_speech_detected; /* by the detector: approximate */
	/* lists; owned */
	struct measure_event *clip, *over, *dropout; /* the first MEASURE_LIST_MAX of each */
	uint32_t n_clip, n_over, n_dropout;
	/* series at 10 Hz; owned; NULL unless asked for */
	uint32_t n_series;
	float *momentary, *shortterm, *peak, *series_correlation; /* LUFS, LUFS, dBTP, -1..1 */
	uint64_t *histogram; /* of S in 0.5 LU from -70 to 0: 141 bins */
	/* energies for pooling, owned: see measure_pool() */
	struct measure_gates *gates;
};

struct measure;

/* Everything that says "unset" in OPTIONS. */
void measure_options_init(struct measure_options *options);
int measure_new(double rate, const struct mixd_layout *layout,
		const struct measure_options *options, struct measure **ret,
		struct mixd_error *err);
/* Any number of frames. */
void measure_feed(struct measure *measure, const float *const *channels, uint32_t n_frames);
/* The end. *ret: owned, measure_result_done(). -ENOMEM. */
int measure_finish(struct measure *measure, struct measure_result *ret);
struct measure *measure_free(struct measure *measure);
/* Everything NAN, nothing owned; measure_result_done() is then harmless. */
void measure_result_init(struct measure_result *result);
void measure_result_done(struct measure_result *result);
/* Loudness, range and peaks of N programmes as one (album gain): blocks are pooled, never averaged.
 * -EINVAL when MEASURE_LOUDNESS was not asked for in one, -ENOMEM. */
int measure_pool(const struct measure_result *const *results, uint32_t n,
		 struct measure_result *ret);

/* A whole file, as it is delivered. RET_INFO (may be NULL): its format; layout and texts in it are
 * static. */
int measure_file(const char *path, const struct measure_options *options, struct task *task,
		 struct measure_result *ret, struct media_info *ret_info, struct mixd_error *err);
/* The result as JSON, without lists and series unless WHOLE. Returned. */
struct json_t *measure_json(const struct measure_result *result, bool whole);
