/* matcheq_setup.c - spectra from files and texts, curves, designs; learning on the worker. Only
 * matcheq_activate() and matcheq_response() allocate. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "matcheq_state.h"

#define MATCHEQ_SECONDS_MIN 1.0 /* of sound that counts: less is no average */
#define MATCHEQ_RING_HALVES 8u /* how late the worker may be: 6 halves of a frame */

__attribute__((format(printf, 3, 4))) static int
matcheq_fault(struct mixd_fault *fault, const char *hint, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fault->text, sizeof(fault->text), fmt, ap);
	va_end(ap);
	snprintf(fault->hint, sizeof(fault->hint), "%s", hint);
	return -EINVAL;
}

/* ---- spectra ----------------------------------------------------------------------------------- */

/* The long-term spectrum of the file at PATH. */
static int matcheq_read_file(const struct mixd_inst *inst, const char *path, double ret[LTAS_BANDS],
			     struct mixd_fault *fault)
{
	const float *channel[MIXD_CHANNELS_MAX];
	struct mixd_audio audio;
	struct ltas *ltas;
	double seconds;
	int r = inst->host->read_audio(path, 0.0, &audio, fault);

	if (r < 0)
		return r;
	ltas = malloc(sizeof(*ltas));
	r = ltas ? ltas_init(ltas, audio.rate) : -ENOMEM;
	if (r < 0) {
		free(ltas);
		inst->host->free_audio(&audio);
		return r;
	}
	for (uint64_t at = 0; at + ltas->n_frames <= audio.n_frames; at += ltas->n_frames / 2) {
		for (uint32_t c = 0; c < audio.n_channels; c++)
			channel[c] = audio.channel[c] + at;
		ltas_frame(ltas, channel, audio.n_channels);
	}
	seconds = ltas_result(ltas, ret);
	ltas_done(ltas);
	free(ltas);
	inst->host->free_audio(&audio);
	if (seconds < MATCHEQ_SECONDS_MIN)
		return matcheq_fault(fault, "name a recording of some seconds, or longer",
				     "the reference is too short or too quiet: %.1f s of it count",
				     seconds);
	return 0;
}

static int matcheq_read_config(const struct mixd_value *config, uint32_t row, const char *what,
			       double ret[LTAS_BANDS], bool *ret_has, struct mixd_fault *fault)
{
	const char *text = config[row].text;

	*ret_has = text && *text;
	if (*ret_has && !ltas_from_text(text, ret))
		return matcheq_fault(fault,
				     "learn it: set learn=source or learn=reference, play, set "
				     "learn=off; a recording of the reference goes into file",
				     "%s is not a learnt spectrum", what);
	return 0;
}

static int matcheq_read_spectra(const struct mixd_inst *inst, struct matcheq_spectra *spectra,
				struct mixd_fault *fault)
{
	const struct mixd_value *config = inst->setup->config;
	const char *path = config[MATCHEQ_CONFIG_FILE].text;
	int r;

	r = matcheq_read_config(config, MATCHEQ_CONFIG_SOURCE, "source", spectra->source,
				&spectra->has_source, fault);
	if (r == 0)
		r = matcheq_read_config(config, MATCHEQ_CONFIG_REFERENCE, "reference",
					spectra->reference, &spectra->has_reference, fault);
	if (r == 0 && path && *path) {
		r = matcheq_read_file(inst, path, spectra->reference, fault);
		spectra->has_reference = r == 0;
	}
	return r;
}

/* ---- the curve --------------------------------------------------------------------------------- */

/* 1 between the ends, 0 an octave below and half an octave above. */
static double matcheq_range(const double *params, double hz)
{
	double below = log2(params[MATCHEQ_PARAM_LOW] / hz);
	double above = 2.0 * log2(hz / params[MATCHEQ_PARAM_HIGH]);
	double out = fmax(below, above);

	return out <= 0.0 ? 1.0 : out >= 1.0 ? 0.0 : 0.5 + 0.5 * cos(M_PI * out);
}

static void matcheq_curve(const struct matcheq_spectra *spectra, const double *params, double rate,
			  double ret_db[LTAS_BANDS])
{
	double reference[LTAS_BANDS], source[LTAS_BANDS], loudness;

	memset(ret_db, 0, LTAS_BANDS * sizeof(double));
	if (!spectra->has_reference || !spectra->has_source)
		return;
	loudness = ltas_loudness_db(spectra->reference, rate) -
		   ltas_loudness_db(spectra->source, rate);
	ltas_smooth(spectra->reference, params[MATCHEQ_PARAM_SMOOTHING], reference);
	ltas_smooth(spectra->source, params[MATCHEQ_PARAM_SMOOTHING], source);
	for (uint32_t b = 0; b < LTAS_BANDS; b++) {
		double db = (reference[b] - source[b] - loudness) * params[MATCHEQ_PARAM_STRENGTH] /
			    100.0;

		db = fmin(fmax(db, -params[MATCHEQ_PARAM_MAX_CUT]),
			  params[MATCHEQ_PARAM_MAX_BOOST]);
		ret_db[b] = db * matcheq_range(params, ltas_band_hz(b));
	}
}

static double matcheq_band(const double db[LTAS_BANDS], int band)
{
	return band < 0 || band >= (int)LTAS_BANDS ? 0.0 : db[band];
}

/* The curve between the bands: Catmull and Rom's cubic. */
static double matcheq_at(const double db[LTAS_BANDS], double hz)
{
	double x = hz > 0.0 ? LTAS_PER_OCTAVE * log2(hz / LTAS_FIRST_HZ) : -1e3, t;
	double a, b, c, d;
	int band;

	if (x < -2.0 || x > LTAS_BANDS + 1.0)
		return 0.0;
	band = (int)floor(x);
	t = x - band;
	a = matcheq_band(db, band - 1);
	b = matcheq_band(db, band);
	c = matcheq_band(db, band + 1);
	d = matcheq_band(db, band + 2);
	return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

/* The taps of the curve that SPECTRA and PARAMS ask for. */
static void matcheq_design(struct matcheq_desk *desk, const struct matcheq_spectra *spectra,
			   const double *params, double *ret_highest_db, double *ret_lowest_db)
{
	double db[LTAS_BANDS], step = desk->rate / desk->design.n_fft;

	matcheq_curve(spectra, params, desk->rate, db);
	*ret_highest_db = *ret_lowest_db = 0.0;
	for (uint32_t b = 0; b < LTAS_BANDS; b++) {
		*ret_highest_db = fmax(*ret_highest_db, db[b]);
		*ret_lowest_db = fmin(*ret_lowest_db, db[b]);
	}
	for (uint32_t k = 0; k < desk->design.n_bins; k++)
		desk->re[k] = (float)pow(10.0, matcheq_at(db, k * step) / 20.0);
	if (!desk->minimum) {
		firdesign_linear(&desk->design, desk->re, desk->taps);
		return;
	}
	firdesign_minimum(&desk->design, desk->re, desk->re, desk->im);
	firdesign_causal(&desk->design, desk->re, desk->im, desk->taps);
}

static void matcheq_design_bank(struct matcheq_state *state, const double *params, uint32_t bank)
{
	matcheq_design(&state->desk, &state->spectra, params, &state->highest_db[bank],
		       &state->lowest_db[bank]);
	partconv_load(state->conv, bank, 0, state->desk.taps, state->desk.design.n_taps);
}

/* ---- the worker -------------------------------------------------------------------------------- */

/* Frame NUMBER of what is being learnt, unless it has been written over. */
static void matcheq_learn_frame(struct matcheq_state *state, uint32_t number)
{
	const uint32_t half = state->ltas.n_frames / 2;
	const uint64_t begin = (uint64_t)number * half;
	uint64_t heard = atomic_load_explicit(&state->heard_shared, memory_order_acquire);
	const float *channel[MIXD_CHANNELS_MAX];
	double ignored[LTAS_BANDS];

	if (heard + half > begin + state->ring_frames)
		return;
	for (uint32_t c = 0; c < state->n_channels; c++)
		channel[c] = matcheq_ring(state, c) + (begin & (state->ring_frames - 1));
	ltas_frame(&state->ltas, channel, state->n_channels);
	atomic_store_explicit(&state->learnt_s, ltas_result(&state->ltas, ignored),
			      memory_order_relaxed);
}

static void matcheq_learn_end(struct matcheq_state *state)
{
	uint32_t row = state->text_config;
	double db[LTAS_BANDS];
	double seconds = ltas_result(&state->ltas, db);

	atomic_store(&state->learnt_s, seconds);
	if (seconds < MATCHEQ_SECONDS_MIN) {
		atomic_store_explicit(&state->outcome, MATCHEQ_NOTHING, memory_order_release);
		return;
	}
	ltas_to_text(db, state->text[row == MATCHEQ_CONFIG_SOURCE], LTAS_TEXT_MAX);
	atomic_store_explicit(&state->outcome, row + 1, memory_order_release);
}

void matcheq_work(struct mixd_inst *inst, uint32_t job)
{
	struct matcheq_state *state = inst->state;

	switch (job) {
	case MATCHEQ_JOB_DESIGN:
		matcheq_design_bank(state, state->ordered, state->order_bank);
		firswap_designed(&state->swap);
		break;
	case MATCHEQ_JOB_BEGIN:
		ltas_reset(&state->ltas);
		atomic_store(&state->learnt_s, 0.0);
		break;
	case MATCHEQ_JOB_END:
		matcheq_learn_end(state);
		break;
	default:
		matcheq_learn_frame(state, job - MATCHEQ_JOB_FRAME);
		break;
	}
}

int matcheq_capture(struct mixd_inst *inst, uint32_t config, char *ret_text, size_t size,
		    struct mixd_fault *fault)
{
	const struct matcheq_state *state = inst->state;
	const char *text;

	if (config != MATCHEQ_CONFIG_SOURCE && config != MATCHEQ_CONFIG_REFERENCE)
		return matcheq_fault(fault, "learn `source` or `reference`",
				     "that is not something to learn");
	text = state->text[config == MATCHEQ_CONFIG_SOURCE];
	if (!*text)
		return matcheq_fault(fault, "switch `learn` on while sound plays, and off again",
				     "nothing has been learnt");
	if (strlen(text) >= size)
		return matcheq_fault(fault, "give it more room", "the spectrum is too long");
	strcpy(ret_text, text);
	return 0;
}

/* ---- life -------------------------------------------------------------------------------------- */

static void matcheq_desk_done(struct matcheq_desk *desk)
{
	firdesign_done(&desk->design);
	free(desk->memory);
	*desk = (struct matcheq_desk){0};
}

static int matcheq_desk_init(struct matcheq_desk *desk, const struct mixd_setup *setup)
{
	uint32_t n_taps = matcheq_taps(setup);
	size_t bins;
	int r;

	*desk = (struct matcheq_desk){.rate = setup->rate,
				      .minimum = setup->config[MATCHEQ_CONFIG_PHASE].number ==
						 MATCHEQ_PHASE_MINIMUM};
	r = firdesign_init(&desk->design, n_taps);
	if (r < 0)
		return r;
	bins = (desk->design.n_bins + 15) / 16 * 16;
	desk->memory = calloc(2 * bins + n_taps, sizeof(float));
	if (!desk->memory) {
		matcheq_desk_done(desk);
		return -ENOMEM;
	}
	desk->re = desk->memory;
	desk->im = desk->re + bins;
	desk->taps = desk->im + bins;
	return 0;
}

static int matcheq_make_conv(struct matcheq_state *state, uint32_t n_taps)
{
	struct partconv_path paths[MIXD_CHANNELS_MAX];
	struct partconv_shape shape = {.n_in = state->n_channels,
				       .n_out = state->n_channels,
				       .n_filters = 1,
				       .n_paths = state->n_channels,
				       .n_banks = 2,
				       .n_taps = n_taps,
				       .no_worker = true,
				       .paths = paths};

	for (uint32_t c = 0; c < state->n_channels; c++)
		paths[c] = (struct partconv_path){(uint16_t)c, (uint16_t)c, 0};
	return partconv_new(&shape, &state->conv);
}

int matcheq_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct matcheq_state *state = inst->state;
	int r;

	state->n_channels = inst->setup->out_layout[0]->n_channels;
	r = matcheq_read_spectra(inst, &state->spectra, fault);
	if (r == 0)
		r = matcheq_desk_init(&state->desk, inst->setup);
	if (r == 0)
		r = ltas_init(&state->ltas, inst->setup->rate);
	if (r == 0)
		r = matcheq_make_conv(state, matcheq_taps(inst->setup));
	if (r == 0) {
		size_t floats;

		/* whole halves, and a power of two because a frame is one */
		state->ring_frames = MATCHEQ_RING_HALVES / 2 * state->ltas.n_frames;
		floats =
			state->n_channels * ((size_t)state->ring_frames + state->ltas.n_frames / 2);
		if (posix_memalign((void **)&state->ring, 64, floats * sizeof(float)) == 0) {
			/* touched, so that no page is missing when it is first written */
			memset(state->ring, 0, floats * sizeof(float));
		} else {
			state->ring = NULL;
			r = -ENOMEM;
		}
	}
	if (r < 0) {
		matcheq_deactivate(inst);
		return r;
	}
	firswap_init(&state->swap, state->conv, inst->setup->rate);
	memcpy(state->ordered, inst->value, sizeof(state->ordered));
	matcheq_design_bank(state, state->ordered, 0);
	return 0;
}

void matcheq_deactivate(struct mixd_inst *inst)
{
	struct matcheq_state *state = inst->state;

	state->conv = partconv_free(state->conv);
	matcheq_desk_done(&state->desk);
	ltas_done(&state->ltas);
	free(state->ring);
	state->ring = NULL;
}

/* ---- response ---------------------------------------------------------------------------------- */

/* What a design from these params gives, windowed and cut as it sounds. A reference from a file is
 * known to a running instance only. */
void matcheq_response(const struct mixd_response *query, double *ret_db)
{
	struct mixd_setup setup = {.rate = query->rate, .config = query->config};
	struct matcheq_spectra spectra = {.has_source = false};
	struct mixd_fault ignored = {0};
	struct matcheq_desk desk;
	double highest, lowest;

	for (uint32_t i = 0; i < query->n; i++)
		ret_db[i] = 0.0;
	if (query->inst) {
		spectra = ((const struct matcheq_state *)query->inst->state)->spectra;
	} else {
		matcheq_read_config(query->config, MATCHEQ_CONFIG_SOURCE, "source", spectra.source,
				    &spectra.has_source, &ignored);
		matcheq_read_config(query->config, MATCHEQ_CONFIG_REFERENCE, "reference",
				    spectra.reference, &spectra.has_reference, &ignored);
	}
	if (matcheq_desk_init(&desk, &setup) < 0)
		return;
	matcheq_design(&desk, &spectra, query->params, &highest, &lowest);
	firdesign_response_db(desk.taps, desk.design.n_taps, query->rate, query->freq_hz, query->n,
			      ret_db);
	matcheq_desk_done(&desk);
}
