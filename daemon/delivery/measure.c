/* measure.c - gathers blocks and hands them to the parts; see measure_private.h. */
#include "measure_private.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

/* In the order in which they see a block. */
static const struct measure_part *const measure_parts[] = {
	&measure_loudness_part, &measure_peaks_part,	&measure_levels_part,
	&measure_silence_part,	&measure_clipping_part, &measure_clicks_part,
	&measure_spectrum_part, &measure_dynamics_part, &measure_series_part,
	&measure_field_part,	&measure_speech_part,	&measure_fine_part,
};
#define MEASURE_PARTS (sizeof(measure_parts) / sizeof(measure_parts[0]))

/* What asks for what. */
static const struct {
	unsigned what, needs;
} measure_needs[] = {
	{MEASURE_LOUDNESS, MEASURE_TICK_ENERGY},
	{MEASURE_LEVELS, MEASURE_TICK_ENERGY | MEASURE_TICK_LEVELS},
	{MEASURE_FAULTS, MEASURE_TICK_LEVELS},
	{MEASURE_SERIES,
	 MEASURE_LOUDNESS | MEASURE_TRUE_PEAK | MEASURE_TICK_ENERGY | MEASURE_TICK_LEVELS},
	{MEASURE_DYNAMICS,
	 MEASURE_LOUDNESS | MEASURE_TRUE_PEAK | MEASURE_TICK_ENERGY | MEASURE_TICK_LEVELS},
	{MEASURE_SPEECH, MEASURE_TICK_ENERGY | MEASURE_TICK_LEVELS},
	{MEASURE_TICK_FINE, MEASURE_TICK_ENERGY},
};

/* Denormals cost a hundred cycles each, and are no sound. */
static uint32_t measure_quick_zeros(void)
{
#if defined(__SSE__)
	uint32_t saved = _mm_getcsr();

	_mm_setcsr(saved | 0x8040u);
	return saved;
#else
	return 0;
#endif
}

static void measure_usual_zeros(uint32_t saved)
{
#if defined(__SSE__)
	_mm_setcsr(saved);
#else
	(void)saved;
#endif
}

void measure_options_init(struct measure_options *options)
{
	memset(options, 0, sizeof(*options));
	options->what = MEASURE_TABLE;
}

/* ---- what is where -------------------------------------------------------------------------- */

static int8_t measure_side(uint8_t position)
{
	switch ((enum mixd_position)position) {
	case MIXD_POS_FL:
	case MIXD_POS_SL:
	case MIXD_POS_RL:
	case MIXD_POS_FLC:
	case MIXD_POS_TFL:
	case MIXD_POS_TSL:
	case MIXD_POS_TRL:
		return -1;
	case MIXD_POS_FR:
	case MIXD_POS_SR:
	case MIXD_POS_RR:
	case MIXD_POS_FRC:
	case MIXD_POS_TFR:
	case MIXD_POS_TSR:
	case MIXD_POS_TRR:
		return 1;
	default:
		return 0;
	}
}

static void measure_place(struct measure *measure, const struct mixd_layout *layout)
{
	measure->left = measure->right = -1;
	for (uint32_t c = 0; c < layout->n_channels; c++) {
		measure->weight[c] = loudness_weight(layout, c);
		measure->side[c] = measure_side(layout->position[c]);
		if (layout->position[c] == MIXD_POS_FL && measure->left < 0)
			measure->left = (int32_t)c;
		if (layout->position[c] == MIXD_POS_FR && measure->right < 0)
			measure->right = (int32_t)c;
	}
	if (measure->left < 0 || measure->right < 0)
		measure->left = measure->right = -1;
	measure->has_mono =
		measure->what & MEASURE_LEVELS && measure->left >= 0 && layout->n_channels == 2;
	if (measure->options.dual_mono && layout->n_channels == 1)
		measure->weight[0] *= 2.0;
}

/* How many places of a block are filtered side by side, so that KSCAN_LANES are full: the number
 * with the least work per second. 1 where ticks are not of the same length in each, or memory would
 * be. */
static uint32_t measure_segments(const struct measure *measure)
{
	uint64_t bytes = (uint64_t)measure->rate_hz * MEASURE_SEGMENT_TICKS / MEASURE_TICKS_PER_S *
			 measure->n_channels * sizeof(float);
	uint32_t lanes = measure->has_mono, best = 1;
	double least = INFINITY;

	for (uint32_t c = 0; c < measure->n_channels; c++)
		lanes += measure->weight[c] > 0.0;
	if (lanes == 0 || measure->rate_hz * MEASURE_SEGMENT_TICKS % MEASURE_TICKS_PER_S != 0)
		return 1;
	for (uint32_t s = 1; s <= MEASURE_SEGMENTS_MAX && (s == 1 || bytes * s <= 8u << 20); s++) {
		double work = ceil(lanes * s / 8.0) / s * (s > 1 ? 1.25 : 1.0);

		if (work < least * 0.99) {
			least = work;
			best = s;
		}
	}
	return best;
}

static size_t measure_round(size_t bytes)
{
	return (bytes + 63) / 64 * 64;
}

static int measure_allocate(struct measure *measure)
{
	uint32_t ticks = measure->block_ticks + 1;
	size_t row = measure_round((MEASURE_PAST + measure->block_frames + MEASURE_BEYOND) *
				   sizeof(float));
	size_t tick_bytes = measure_round(ticks * sizeof(struct measure_tick));
	bool has_levels = measure->what & MEASURE_TICK_LEVELS;
	size_t fines = measure->what & MEASURE_TICK_FINE
			       ? measure_round((size_t)ticks * MEASURE_FINES * sizeof(double))
			       : 0;
	size_t squares = has_levels ? measure_round((size_t)ticks * measure->n_channels * 8) : 0;
	char *at;

	measure->part = calloc(MEASURE_PARTS, sizeof(*measure->part));
	if (!measure->part ||
	    posix_memalign(&measure->memory, 64,
			   row * measure->n_channels + tick_bytes + fines + 2 * squares) != 0) {
		measure->memory = NULL;
		return -ENOMEM;
	}
	memset(measure->memory, 0, row * measure->n_channels + tick_bytes + fines + 2 * squares);
	at = measure->memory;
	for (uint32_t c = 0; c < measure->n_channels; c++, at += row)
		measure->channel[c] = (float *)at + MEASURE_PAST;
	measure->tick = (struct measure_tick *)at;
	at += tick_bytes;
	measure->fine = fines ? (double *)at : NULL;
	at += fines;
	if (has_levels) {
		measure->channel_square = (double *)at;
		measure->channel_peak = (float *)(at + squares);
	}
	for (uint32_t p = 0; p < MEASURE_PARTS; p++) {
		if (!(measure_parts[p]->what & measure->what))
			continue;
		measure->part[p] = calloc(1, measure_parts[p]->size);
		if (!measure->part[p])
			return -ENOMEM;
		if (measure_parts[p]->init && measure_parts[p]->init(measure, measure->part[p]) < 0)
			return -ENOMEM;
	}
	return 0;
}

static void measure_complete(struct measure *measure)
{
	measure->what = measure->options.what;
	if (measure->options.n_speech || measure->options.detect_speech)
		measure->what |= MEASURE_SPEECH;
	if (measure->options.fine)
		measure->what |= MEASURE_TICK_FINE;
	for (uint32_t k = 0; k < sizeof(measure_needs) / sizeof(measure_needs[0]); k++)
		if (measure->what & measure_needs[k].what)
			measure->what |= measure_needs[k].needs;
}

int measure_new(double rate, const struct mixd_layout *layout,
		const struct measure_options *options, struct measure **ret, struct mixd_error *err)
{
	struct measure *measure;

	if (layout->n_channels < 1 || layout->n_channels > MEDIA_CHANNELS_MAX)
		return error_set(err, ERROR_INVALID, NULL, "%u channels; 1 to %u can be measured",
				 layout->n_channels, MEDIA_CHANNELS_MAX);
	if (!(rate >= 1000.0 && rate <= 768000.0))
		return error_set(err, ERROR_INVALID, NULL,
				 "a rate of %g Hz; 1000 to 768000 can be measured", rate);
	measure = calloc(1, sizeof(*measure));
	if (!measure)
		return error_no_memory(err);
	measure->options = *options;
	measure->rate = rate;
	measure->rate_hz = (uint32_t)lrint(rate);
	measure->n_channels = layout->n_channels;
	measure->quantum = 0x1p-15;
	measure_complete(measure);
	measure_place(measure, layout);
	measure->segments = measure->what & MEASURE_TICK_ENERGY ? measure_segments(measure) : 1;
	measure->block_ticks = MEASURE_SEGMENT_TICKS * measure->segments;
	measure->block_frames = (uint32_t)measure_tick_frame(measure, measure->block_ticks) + 1;
	if (measure_allocate(measure) < 0) {
		measure_free(measure);
		return error_no_memory(err);
	}
	*ret = measure;
	return 0;
}

struct measure *measure_free(struct measure *measure)
{
	if (!measure)
		return NULL;
	for (uint32_t p = 0; measure->part && p < MEASURE_PARTS; p++) {
		if (measure->part[p] && measure_parts[p]->done)
			measure_parts[p]->done(measure->part[p]);
		free(measure->part[p]);
	}
	free(measure->part);
	free(measure->memory);
	free(measure);
	return NULL;
}

/* ---- blocks --------------------------------------------------------------------------------- */

/* Frames of this block when it is whole. */
static uint32_t measure_whole(const struct measure *measure)
{
	return (uint32_t)(measure_tick_frame(measure, measure->first_tick + measure->block_ticks) -
			  measure->first_frame);
}

static void measure_lay_ticks(struct measure *measure)
{
	uint32_t at = 0;

	measure->n_ticks = 0;
	while (at < measure->n_frames) {
		struct measure_tick *tick = &measure->tick[measure->n_ticks++];
		uint64_t end = measure_tick_frame(measure, measure->first_tick + measure->n_ticks) -
			       measure->first_frame;

		memset(tick, 0, sizeof(*tick));
		tick->momentary = tick->shortterm = NAN;
		tick->first = at;
		tick->is_whole = end <= measure->n_frames;
		tick->n_frames = (uint32_t)(tick->is_whole ? end : measure->n_frames) - at;
		at += tick->n_frames;
	}
}

static void measure_run_block(struct measure *measure)
{
	uint32_t saved = measure_quick_zeros();

	measure_lay_ticks(measure);
	for (uint32_t c = 0; c < measure->n_channels; c++)
		memset(measure->channel[c] + measure->n_frames, 0, MEASURE_BEYOND * sizeof(float));
	for (uint32_t p = 0; p < MEASURE_PARTS; p++)
		if (measure->part[p])
			measure_parts[p]->block(measure, measure->part[p]);
	for (uint32_t c = 0; c < measure->n_channels; c++) {
		float *x = measure->channel[c];

		memmove(x - MEASURE_PAST, x + measure->n_frames - MEASURE_PAST,
			MEASURE_PAST * sizeof(float));
	}
	measure->first_frame += measure->n_frames;
	measure->first_tick += measure->n_ticks;
	measure->n_frames = 0;
	measure_usual_zeros(saved);
}

uint32_t measure_room(struct measure *measure, float *ret_at[MEDIA_CHANNELS_MAX])
{
	for (uint32_t c = 0; c < measure->n_channels; c++)
		ret_at[c] = measure->channel[c] + measure->n_frames;
	return measure_whole(measure) - measure->n_frames;
}

void measure_put(struct measure *measure, uint32_t n_frames)
{
	measure->n_frames += n_frames;
	measure->total_frames += n_frames;
	if (measure->n_frames == measure_whole(measure))
		measure_run_block(measure);
}

void measure_feed(struct measure *measure, const float *const *channels, uint32_t n_frames)
{
	for (uint32_t done = 0; done < n_frames;) {
		float *at[MEDIA_CHANNELS_MAX];
		uint32_t n = measure_room(measure, at);

		n = n < n_frames - done ? n : n_frames - done;
		for (uint32_t c = 0; c < measure->n_channels; c++)
			memcpy(at[c], channels[c] + done, n * sizeof(float));
		measure_put(measure, n);
		done += n;
	}
}

int measure_finish(struct measure *measure, struct measure_result *ret)
{
	measure_result_init(ret);
	ret->rate = measure->rate;
	ret->n_channels = measure->n_channels;
	ret->n_frames = measure->total_frames;
	ret->duration_s = (double)measure->total_frames / measure->rate;
	measure->is_last = true;
	measure_run_block(measure);
	for (uint32_t p = 0; p < MEASURE_PARTS; p++)
		if (measure->part[p])
			measure_parts[p]->finish(measure, measure->part[p], ret);
	if (isfinite(ret->true_peak) && isfinite(ret->integrated))
		ret->plr = ret->true_peak - ret->integrated;
	if (!measure->has_failed)
		return 0;
	measure_result_done(ret);
	return -ENOMEM;
}

bool measure_note(struct measure_event **list, uint32_t *n, double at_s, double length_s,
		  double value, uint32_t channel)
{
	if (*n >= MEASURE_LIST_MAX)
		return true;
	if (!*list) {
		*list = calloc(MEASURE_LIST_MAX, sizeof(**list));
		if (!*list)
			return false;
	}
	(*list)[(*n)++] = (struct measure_event){at_s, length_s, value, channel};
	return true;
}
