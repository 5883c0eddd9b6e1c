/* convolver_setup.c - from the file of a response to the filters of a partconv. [main] */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convolver_state.h"

#define MEGABYTES_MAX 1024u

/* A response on its way from the file to the filters. */
struct convolver_response {
	struct mixd_audio audio;
	double gain; /* what its samples are to be multiplied by */
	uint32_t n_taps;
	struct partconv_shape shape;
	struct partconv_path paths[PARTCONV_PATHS_MAX];
};

__attribute__((format(printf, 3, 4))) static int
convolver_fault(struct mixd_fault *fault, const char *hint, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fault->text, sizeof(fault->text), fmt, ap);
	va_end(ap);
	snprintf(fault->hint, sizeof(fault->hint), "%s", hint);
	return -EINVAL;
}

/* ---- the file ---------------------------------------------------------------------------------- */

/* A stretched response is one that is resampled to another rate than it is played at. */
static int convolver_read_file(const struct mixd_inst *inst, const char *path,
			       struct convolver_response *response, struct mixd_fault *fault)
{
	const struct mixd_value *config = inst->setup->config;
	double rate = inst->setup->rate * config[CONVOLVER_CONFIG_STRETCH].number / 100.0;
	double rate_before;
	int r = inst->host->read_audio(path, 0.0, &response->audio, fault);

	if (r < 0)
		return r;
	rate_before = response->audio.rate;
	if (rate_before != rate) {
		inst->host->free_audio(&response->audio);
		r = inst->host->read_audio(path, rate, &response->audio, fault);
		if (r < 0)
			return r;
	}
	/* More samples of the same sound add up to more: a filter keeps its gain with this. */
	response->gain = rate_before / rate;
	return 0;
}

/* Leave out the end that nobody hears; -EINVAL when nothing is left, or too much. */
static int convolver_trim(const struct mixd_inst *inst, struct convolver_response *response,
			  struct mixd_fault *fault)
{
	const struct mixd_audio *audio = &response->audio;
	double peak = 0.0, floor_, rate = inst->setup->rate;
	uint64_t last = 0;

	for (uint32_t c = 0; c < audio->n_channels; c++)
		for (uint64_t i = 0; i < audio->n_frames; i++)
			peak = fmax(peak, fabs((double)audio->channel[c][i]));
	if (peak < 1e-12)
		return convolver_fault(fault, "record the response anew, or name another file",
				       "the impulse response is silent");
	floor_ = peak * pow(10.0, inst->setup->config[CONVOLVER_CONFIG_TRIM].number / 20.0);
	for (uint32_t c = 0; c < audio->n_channels; c++)
		for (uint64_t i = audio->n_frames; i > last; i--)
			if (fabs((double)audio->channel[c][i - 1]) >= floor_) {
				last = i;
				break;
			}
	if ((double)last > CONVOLVER_SECONDS_MAX * rate)
		return convolver_fault(fault, "cut the file, stretch it less, or trim higher",
				       "the impulse response has %.1f s, and may have %.0f s",
				       (double)last / rate, CONVOLVER_SECONDS_MAX);
	response->n_taps = (uint32_t)last;
	return 0;
}

/* ---- which channel is for what ----------------------------------------------------------------- */

static int convolver_mapping(const struct mixd_inst *inst, uint32_t n_channels,
			     const struct convolver_response *response)
{
	uint32_t n = response->audio.n_channels;
	int wanted = (int)inst->setup->config[CONVOLVER_CONFIG_MAPPING].number;

	if (wanted != CONVOLVER_AUTO)
		return wanted;
	if (n == n_channels)
		return CONVOLVER_CHANNELS;
	if (n == 1)
		return CONVOLVER_MONO;
	return n == n_channels * n_channels ? CONVOLVER_MATRIX : CONVOLVER_CHANNELS;
}

static int convolver_map(const struct mixd_inst *inst, uint32_t n_channels,
			 struct convolver_response *response, struct mixd_fault *fault)
{
	int mapping = convolver_mapping(inst, n_channels, response);
	uint32_t n = response->audio.n_channels, n_filters, n_paths = 0;
	bool matrix = mapping == CONVOLVER_MATRIX;

	n_filters = mapping == CONVOLVER_MONO ? 1 : matrix ? n_channels * n_channels : n_channels;
	if (n < n_filters || (n > n_filters && mapping != CONVOLVER_MONO))
		return convolver_fault(
			fault,
			matrix ? "name a file with a channel for each input and output (LL LR RL "
				 "RR), "
				 "or set mapping=auto"
			: n == 2 && n_channels != 2
				? "set layout=stereo, or mapping=mono"
				: "use a file with one channel, with as many as the node, or with "
				  "that number squared; or set mapping=mono",
			"the impulse response has %u channels, and %s of %u takes %u", n,
			matrix ? "a matrix" : "a node", n_channels, n_filters);
	for (uint32_t out = 0; out < n_channels; out++)
		for (uint32_t in = 0; in < n_channels; in++) {
			uint32_t filter = matrix ? in * n_channels + out : out;

			if (in == out || matrix)
				response->paths[n_paths++] = (struct partconv_path){
					(uint16_t)in, (uint16_t)out,
					(uint16_t)(mapping == CONVOLVER_MONO ? 0 : filter)};
		}
	response->shape = (struct partconv_shape){.n_in = n_channels,
						  .n_out = n_channels,
						  .n_filters = n_filters,
						  .n_paths = n_paths,
						  .n_banks = 1,
						  .n_taps = response->n_taps,
						  .paths = response->paths};
	return 0;
}

/* ---- level ------------------------------------------------------------------------------------- */

/* One gain for all, so that the channels keep their balance: the loudest output gets 1. */
static void convolver_normalize(const struct mixd_inst *inst, struct convolver_response *response)
{
	int wanted = (int)inst->setup->config[CONVOLVER_CONFIG_NORMALIZE].number;
	double energy[MIXD_CHANNELS_MAX] = {0.0}, peak = 0.0, highest = 0.0;

	for (uint32_t p = 0; p < response->shape.n_paths; p++) {
		const struct partconv_path *path = &response->paths[p];
		const float *taps = response->audio.channel[path->filter];

		for (uint32_t i = 0; i < response->n_taps; i++) {
			energy[path->out] += (double)taps[i] * taps[i];
			peak = fmax(peak, fabs((double)taps[i]));
		}
		highest = fmax(highest, energy[path->out]);
	}
	if (wanted == CONVOLVER_ENERGY && highest > 0.0)
		response->gain = 1.0 / sqrt(highest);
	if (wanted == CONVOLVER_PEAK && peak > 0.0)
		response->gain = 1.0 / peak;
}

/* ---- life -------------------------------------------------------------------------------------- */

static int convolver_build(struct mixd_inst *inst, struct convolver_response *response,
			   struct mixd_fault *fault)
{
	struct convolver_state *state = inst->state;
	size_t megabytes = partconv_bytes(&response->shape) >> 20;

	if (megabytes > MEGABYTES_MAX)
		return convolver_fault(fault, "use a shorter response, or fewer channels",
				       "the convolution would take %zu MB, and may take %u",
				       megabytes, MEGABYTES_MAX);
	if (partconv_new(&response->shape, &state->conv) < 0)
		return -ENOMEM;
	for (uint32_t f = 0; f < response->shape.n_filters; f++) {
		float *taps = response->audio.channel[f];

		for (uint32_t i = 0; i < response->n_taps; i++)
			taps[i] = (float)(taps[i] * response->gain);
		partconv_load(state->conv, 0, f, taps, response->n_taps);
	}
	state->length_s = response->n_taps / inst->setup->rate;
	state->scale_db = 20.0 * log10(response->gain);
	return 0;
}

/* No file: one tap. */
static int convolver_build_wire(struct mixd_inst *inst)
{
	struct convolver_state *state = inst->state;
	struct convolver_response response = {.n_taps = 1, .gain = 1.0};
	struct mixd_fault ignored = {0};
	float one = 1.0f, *channel = &one;

	response.audio = (struct mixd_audio){&channel, 1, 1, inst->setup->rate};
	response.shape = (struct partconv_shape){.n_in = state->n_channels,
						 .n_out = state->n_channels,
						 .n_filters = 1,
						 .n_paths = state->n_channels,
						 .n_banks = 1,
						 .n_taps = 1,
						 .paths = response.paths};
	for (uint32_t c = 0; c < state->n_channels; c++)
		response.paths[c] = (struct partconv_path){(uint16_t)c, (uint16_t)c, 0};
	return convolver_build(inst, &response, &ignored);
}

int convolver_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct convolver_state *state = inst->state;
	const char *path = inst->setup->config[CONVOLVER_CONFIG_IR].text;
	struct convolver_response *response = NULL;
	int r = 0;

	state->n_channels = inst->setup->out_layout[0]->n_channels;
	for (state->ring_frames = 1024;
	     state->ring_frames <
	     CONVOLVER_PREDELAY_MAX_MS / 1000.0 * inst->setup->rate + MIXD_SLICE_MAX + 1;)
		state->ring_frames *= 2;
	if (posix_memalign((void **)&state->ring, 64,
			   (size_t)state->n_channels * state->ring_frames * sizeof(float)) != 0) {
		state->ring = NULL;
		return -ENOMEM;
	}
	/* Touched here, so that no page is missing when it is first written. */
	memset(state->ring, 0, (size_t)state->n_channels * state->ring_frames * sizeof(float));
	if (!path || !*path) {
		r = convolver_build_wire(inst);
	} else if (!(response = calloc(1, sizeof(*response)))) {
		r = -ENOMEM;
	} else {
		r = convolver_read_file(inst, path, response, fault);
		if (r == 0)
			r = convolver_trim(inst, response, fault);
		if (r == 0)
			r = convolver_map(inst, state->n_channels, response, fault);
		if (r == 0)
			convolver_normalize(inst, response);
		if (r == 0)
			r = convolver_build(inst, response, fault);
		inst->host->free_audio(&response->audio);
		free(response);
	}
	if (r == -ENOMEM && !fault->text[0])
		convolver_fault(fault, "use a shorter response", "no memory for the convolution");
	if (r < 0)
		convolver_deactivate(inst);
	return r;
}

void convolver_deactivate(struct mixd_inst *inst)
{
	struct convolver_state *state = inst->state;

	state->conv = partconv_free(state->conv);
	free(state->ring);
	state->ring = NULL;
}
