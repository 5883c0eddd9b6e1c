/* eqlin_setup.c - designing: on main for the first curve and for plots, on the worker for all others.
 * Only eqlin_activate() and eqlin_response() allocate. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "eq_curve.h"
#include "eqlin_state.h"

#define EQLIN_GRID 30u /* frequencies at which auto gain looks, as in eq: third octaves */

/* ---- bands ------------------------------------------------------------------------------------- */

struct eqlin_bands {
	uint32_t n;
	struct eq_curve curve[EQ_BANDS];
	uint32_t channel[EQ_BANDS];
};

static void eqlin_bands_of(const struct eqlin_curve *curve, uint32_t n_channels,
			   struct eqlin_bands *ret)
{
	ret->n = 0;
	for (uint32_t b = 0; b < EQ_BANDS; b++) {
		const double *row = curve->row + (size_t)b * EQ_ROW_COUNT;
		struct eq_band band = {.type = (enum eq_type)row[EQ_ROW_TYPE],
				       .slope = (enum eq_slope)row[EQ_ROW_SLOPE],
				       .freq_hz = row[EQ_ROW_FREQ],
				       .gain_db = row[EQ_ROW_GAIN],
				       .q = row[EQ_ROW_Q]};
		uint32_t channel = (uint32_t)row[EQ_ROW_CHANNEL];

		if (row[EQ_ROW_ON] == 0.0 || eq_band_is_identity(&band))
			continue;
		if (n_channels == 1 && channel == EQ_CHANNEL_MID)
			channel = EQ_CHANNEL_LEFT; /* a mono signal is its own left and mid */
		ret->channel[ret->n] = channel;
		ret->curve[ret->n++] = eq_curve_of(&band);
	}
}

static bool eqlin_works_at(uint32_t channel, uint32_t place)
{
	static const uint32_t places[] = {
		[EQ_CHANNEL_STEREO] = EQLIN_PLACE_REST, [EQ_CHANNEL_LEFT] = EQLIN_PLACE_LEFT,
		[EQ_CHANNEL_RIGHT] = EQLIN_PLACE_RIGHT, [EQ_CHANNEL_MID] = EQLIN_PLACE_MID,
		[EQ_CHANNEL_SIDE] = EQLIN_PLACE_SIDE,
	};

	if (channel == EQ_CHANNEL_STEREO)
		return place != EQLIN_PLACE_MID && place != EQLIN_PLACE_SIDE;
	return places[channel] == place;
}

static double eqlin_power(const struct eqlin_bands *bands, uint32_t place, double freq_hz)
{
	double power = 1.0;

	for (uint32_t b = 0; b < bands->n; b++)
		if (eqlin_works_at(bands->channel[b], place))
			power *= eq_curve_power(&bands->curve[b], freq_hz);
	return power;
}

/* Does a band work there that does not work everywhere? */
static bool eqlin_used(const struct eqlin_bands *bands, uint32_t place)
{
	for (uint32_t b = 0; b < bands->n; b++)
		if (bands->channel[b] != EQ_CHANNEL_STEREO &&
		    eqlin_works_at(bands->channel[b], place))
			return true;
	return false;
}

/* The gain that gives pink noise, alike and independent in all channels, its K-weighted power back. */
static double eqlin_auto_gain_db(const struct eqlin_bands *bands, uint32_t n_channels, double rate)
{
	double sum = 0.0, total = 0.0;

	for (uint32_t i = 0; i < EQLIN_GRID; i++) {
		double freq_hz = 25.0 * pow(2.0, i / 3.0), mean, place[EQLIN_PLACES];
		double weight = freq_hz < 0.5 * rate ? eq_curve_k_weight(freq_hz) : 0.0;

		for (uint32_t p = 0; p < EQLIN_PLACES; p++)
			place[p] = eqlin_power(bands, p, freq_hz);
		mean = place[EQLIN_PLACE_LEFT];
		if (n_channels > 1) {
			double both = 0.5 * (place[EQLIN_PLACE_LEFT] + place[EQLIN_PLACE_RIGHT]);

			mean = both * (place[EQLIN_PLACE_MID] + place[EQLIN_PLACE_SIDE]) +
			       (n_channels - 2) * place[EQLIN_PLACE_REST];
			mean /= n_channels;
		}
		sum += weight * mean;
		total += weight;
	}
	return -10.0 * log10(fmax(sum / total, 1e-6));
}

/* ---- designing --------------------------------------------------------------------------------- */

/* The spectrum of one place; linear phase: real, im stays unused. */
static void eqlin_spectrum(struct eqlin_desk *desk, const struct eqlin_bands *bands, uint32_t place,
			   double gain)
{
	double step = desk->rate / desk->design.n_fft;

	for (uint32_t k = 0; k < desk->design.n_bins; k++)
		desk->re[place][k] = (float)(gain * sqrt(eqlin_power(bands, place, k * step)));
	if (desk->minimum)
		firdesign_minimum(&desk->design, desk->re[place], desk->re[place], desk->im[place]);
}

/* design->re, im = spectrum of PLACE times (mid + SIGN side) / 2, when those work at all. */
static void eqlin_combine(struct eqlin_desk *desk, uint32_t place, bool mid_side, float sign)
{
	struct firdesign *design = &desk->design;
	const float *re = desk->re[place], *im = desk->im[place];
	const float *mid_re = desk->re[EQLIN_PLACE_MID], *mid_im = desk->im[EQLIN_PLACE_MID];
	const float *side_re = desk->re[EQLIN_PLACE_SIDE], *side_im = desk->im[EQLIN_PLACE_SIDE];

	for (uint32_t k = 0; k < design->n_bins; k++) {
		float by_re = mid_side ? 0.5f * (mid_re[k] + sign * side_re[k]) : 1.0f,
		      by_im = 0.0f;

		if (mid_side && desk->minimum)
			by_im = 0.5f * (mid_im[k] + sign * side_im[k]);
		design->re[k] = desk->minimum ? re[k] * by_re - im[k] * by_im : re[k] * by_re;
		if (desk->minimum)
			design->im[k] = re[k] * by_im + im[k] * by_re;
	}
}

static void eqlin_make_taps(struct eqlin_desk *desk)
{
	struct firdesign *design = &desk->design;

	if (desk->minimum)
		firdesign_causal(design, design->re, design->im, desk->taps);
	else
		firdesign_linear(design, design->re, desk->taps);
}

typedef void (*eqlin_take_fn)(void *data, uint32_t filter, const float *taps, uint32_t n_taps);

/* All filters of CURVE, each given to TAKE (n_taps 0: silent); returns what auto gain added. */
static double eqlin_design(struct eqlin_desk *desk, const struct eqlin_curve *curve,
			   eqlin_take_fn take, void *data)
{
	const uint32_t n_taps = desk->design.n_taps;
	struct eqlin_bands bands;
	double makeup_db = 0.0, gain;
	bool apart, mid_side;

	eqlin_bands_of(curve, desk->n_channels, &bands);
	if (curve->auto_gain > 0.0)
		makeup_db = eqlin_auto_gain_db(&bands, desk->n_channels, desk->rate);
	gain = pow(10.0, makeup_db / 20.0);
	mid_side = desk->n_channels > 1 &&
		   (eqlin_used(&bands, EQLIN_PLACE_MID) || eqlin_used(&bands, EQLIN_PLACE_SIDE));
	apart = mid_side || eqlin_used(&bands, EQLIN_PLACE_LEFT) ||
		eqlin_used(&bands, EQLIN_PLACE_RIGHT);
	eqlin_spectrum(desk, &bands, EQLIN_PLACE_LEFT, gain);
	if (mid_side) {
		eqlin_spectrum(desk, &bands, EQLIN_PLACE_MID, 1.0);
		eqlin_spectrum(desk, &bands, EQLIN_PLACE_SIDE, 1.0);
	}
	eqlin_combine(desk, EQLIN_PLACE_LEFT, mid_side, 1.0f);
	eqlin_make_taps(desk);
	take(data, EQLIN_FILTER_LEFT, desk->taps, n_taps);
	if (desk->n_channels == 1)
		return makeup_db;
	if (!mid_side) {
		take(data, EQLIN_FILTER_RIGHT_TO_LEFT, desk->taps, 0);
		take(data, EQLIN_FILTER_LEFT_TO_RIGHT, desk->taps, 0);
	}
	if (!apart) { /* one curve for all */
		take(data, EQLIN_FILTER_RIGHT, desk->taps, n_taps);
		if (desk->n_channels > 2)
			take(data, EQLIN_FILTER_REST, desk->taps, n_taps);
		return makeup_db;
	}
	if (mid_side) {
		eqlin_combine(desk, EQLIN_PLACE_LEFT, true, -1.0f);
		eqlin_make_taps(desk);
		take(data, EQLIN_FILTER_LEFT_TO_RIGHT, desk->taps, n_taps);
	}
	eqlin_spectrum(desk, &bands, EQLIN_PLACE_RIGHT, gain);
	eqlin_combine(desk, EQLIN_PLACE_RIGHT, mid_side, 1.0f);
	eqlin_make_taps(desk);
	take(data, EQLIN_FILTER_RIGHT, desk->taps, n_taps);
	if (mid_side) {
		eqlin_combine(desk, EQLIN_PLACE_RIGHT, true, -1.0f);
		eqlin_make_taps(desk);
		take(data, EQLIN_FILTER_RIGHT_TO_LEFT, desk->taps, n_taps);
	}
	if (desk->n_channels > 2) {
		eqlin_spectrum(desk, &bands, EQLIN_PLACE_REST, gain);
		eqlin_combine(desk, EQLIN_PLACE_REST, false, 1.0f);
		eqlin_make_taps(desk);
		take(data, EQLIN_FILTER_REST, desk->taps, n_taps);
	}
	return makeup_db;
}

static void eqlin_take_bank(void *data, uint32_t filter, const float *taps, uint32_t n_taps)
{
	struct eqlin_state *state = data;

	partconv_load(state->conv, state->order_bank, filter, taps, n_taps);
}

void eqlin_design_bank(struct eqlin_state *state, const struct eqlin_curve *curve, uint32_t bank)
{
	state->makeup_db[bank] = eqlin_design(&state->desk, curve, eqlin_take_bank, state);
}

/* ---- life -------------------------------------------------------------------------------------- */

static int eqlin_desk_init(struct eqlin_desk *desk, const struct mixd_setup *setup,
			   uint32_t n_channels)
{
	uint32_t n_taps = eqlin_taps(setup), n_places = n_channels > 1 ? EQLIN_PLACES : 1;
	size_t bins;
	float *at;
	int r;

	*desk = (struct eqlin_desk){.rate = setup->rate,
				    .n_channels = n_channels,
				    .minimum = setup->config[EQLIN_CONFIG_PHASE].number ==
					       EQLIN_PHASE_MINIMUM};
	r = firdesign_init(&desk->design, n_taps);
	if (r < 0)
		return r;
	bins = (desk->design.n_bins + 15) / 16 * 16;
	desk->memory = calloc(2 * n_places * bins + n_taps, sizeof(float));
	if (!desk->memory) {
		firdesign_done(&desk->design);
		return -ENOMEM;
	}
	at = desk->memory;
	for (uint32_t p = 0; p < n_places; p++) {
		desk->re[p] = at + 2 * p * bins;
		desk->im[p] = desk->re[p] + bins;
	}
	desk->taps = at + 2 * n_places * bins;
	return 0;
}

static void eqlin_desk_done(struct eqlin_desk *desk)
{
	firdesign_done(&desk->design);
	free(desk->memory);
	desk->memory = NULL;
}

static int eqlin_make_conv(const struct mixd_setup *setup, uint32_t n_channels,
			   struct partconv **ret)
{
	struct partconv_path paths[MIXD_CHANNELS_MAX + 2] = {
		{0, 0, EQLIN_FILTER_LEFT},
		{1, 0, EQLIN_FILTER_RIGHT_TO_LEFT},
		{0, 1, EQLIN_FILTER_LEFT_TO_RIGHT},
		{1, 1, EQLIN_FILTER_RIGHT},
	};
	struct partconv_shape shape = {
		.n_in = n_channels,
		.n_out = n_channels,
		.n_filters = n_channels == 1   ? 1
			     : n_channels == 2 ? 4
					       : EQLIN_FILTERS,
		.n_paths = n_channels == 1 ? 1 : n_channels + 2,
		.n_banks = 2,
		.n_taps = eqlin_taps(setup),
		.no_worker = true,
		.paths = paths,
	};

	for (uint32_t c = 2; c < n_channels; c++)
		paths[c + 2] = (struct partconv_path){(uint16_t)c, (uint16_t)c, EQLIN_FILTER_REST};
	return partconv_new(&shape, ret);
}

int eqlin_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct eqlin_state *state = inst->state;
	int r;

	state->n_channels = inst->setup->out_layout[0]->n_channels;
	r = eqlin_desk_init(&state->desk, inst->setup, state->n_channels);
	if (r < 0)
		return r;
	r = eqlin_make_conv(inst->setup, state->n_channels, &state->conv);
	if (r < 0) {
		eqlin_desk_done(&state->desk);
		return r;
	}
	firswap_init(&state->swap, state->conv, inst->setup->rate);
	eqlin_curve_read(inst->value, &state->ordered);
	state->order_bank = 0;
	eqlin_design_bank(state, &state->ordered, 0);
	return 0;
}

void eqlin_deactivate(struct mixd_inst *inst)
{
	struct eqlin_state *state = inst->state;

	state->conv = partconv_free(state->conv);
	eqlin_desk_done(&state->desk);
}

/* ---- response ---------------------------------------------------------------------------------- */

/* The taps that take a channel to itself, and how they answer. */
struct eqlin_answer {
	const struct mixd_response *query;
	double *ret_db;
};

static void eqlin_take_answer(void *data, uint32_t filter, const float *taps, uint32_t n_taps)
{
	const struct eqlin_answer *answer = data;
	const struct mixd_response *query = answer->query;
	uint32_t wanted = query->channel < 2 ? query->channel : (uint32_t)EQLIN_FILTER_REST;

	if (filter != wanted)
		return;
	firdesign_response_db(taps, n_taps, query->rate, query->freq_hz, query->n, answer->ret_db);
	for (uint32_t i = 0; i < query->n; i++)
		answer->ret_db[i] += query->params[EQ_PARAM_OUTPUT];
}

/* What a design from these params gives, windowed and cut as it sounds. */
void eqlin_response(const struct mixd_response *query, double *ret_db)
{
	struct eqlin_answer answer = {query, ret_db};
	struct mixd_setup setup = {.rate = query->rate, .config = query->config};
	struct eqlin_curve *curve = malloc(sizeof(*curve));
	struct eqlin_desk desk;
	uint32_t n_channels = query->channel < 2 ? 2 : 3;

	if (query->inst)
		n_channels = query->inst->setup->out_layout[0]->n_channels;
	for (uint32_t i = 0; i < query->n; i++)
		ret_db[i] = query->params[EQ_PARAM_OUTPUT];
	if (!curve || eqlin_desk_init(&desk, &setup, n_channels) < 0) {
		free(curve);
		return;
	}
	eqlin_curve_read(query->params, curve);
	eqlin_design(&desk, curve, eqlin_take_answer, &answer);
	eqlin_desk_done(&desk);
	free(curve);
}
