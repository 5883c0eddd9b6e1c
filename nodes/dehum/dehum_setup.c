/* dehum_setup.c - the part of dehum.c that runs on the control thread, and the canceller. */
#include <math.h>
#include <string.h>

#include "dehum_state.h"

int dehum_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		struct mixd_fault *fault)
{
	bool subtract = setup->config[DEHUM_CONFIG_MODE].number > 0.5;

	ret_need->state_bytes = sizeof(struct dehum_state);
	ret_need->shape = subtract;
	ret_need->tail = UINT64_MAX; /* what it has learnt of the hum outlives a pause */
	if (subtract) {
		ret_need->state_bytes +=
			setup->out_layout[0]->n_channels * sizeof(struct dehum_weight);
		return 0;
	}
	ret_need->lane_state = DEHUM_STATE_WORDS;
	ret_need->lane_coef = DEHUM_COEF_WORDS;
	return 0;
}

int dehum_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	static const double mains[] = {50, 60};
	struct dehum_state *state = inst->state;
	const struct mixd_value *config = inst->setup->config;
	int base = (int)config[DEHUM_CONFIG_BASE].number;
	double rate = inst->setup->rate;

	state->channels = inst->setup->out_layout[0]->n_channels;
	state->subtract = config[DEHUM_CONFIG_MODE].number > 0.5;
	state->fixed = base == DEHUM_BASE_50 || base == DEHUM_BASE_60;
	state->weight = (struct dehum_weight *)(state + 1);
	state->set = (struct section_set){.slot = state->slot, .n = HUMTRACK_HARMONICS};
	if (state->fixed)
		humtrack_init(&state->track, rate, &mains[base - DEHUM_BASE_50], 1, DEHUM_RANGE_HZ);
	else
		humtrack_init(&state->track, rate, mains, 2, DEHUM_RANGE_HZ);
	return 0;
}

/* Phases start where the first sound is: oscillators of length 0 begin as 1. */
static void dehum_begin(struct dehum_canceller *canceller)
{
	if (canceller->osc[0][0] != 0.0 || canceller->osc[1][0] != 0.0)
		return;
	for (uint32_t h = 0; h < HUMTRACK_HARMONICS; h++)
		canceller->osc[0][h] = 1.0;
}

MIXD_CLONES void dehum_oscillate(struct dehum_canceller *canceller, struct dehum_wave *ret,
				 uint32_t n_frames)
{
	lanes_f64x8 re[2], im[2], turn_re[2], turn_im[2];

	if (n_frames == 0)
		return;
	dehum_begin(canceller);
	memcpy(re, canceller->osc[0], sizeof(re));
	memcpy(im, canceller->osc[1], sizeof(im));
	memcpy(turn_re, canceller->turn[0], sizeof(turn_re));
	memcpy(turn_im, canceller->turn[1], sizeof(turn_im));
	for (uint32_t i = 0; i < n_frames; i++)
		for (uint32_t k = 0; k < 2; k++) {
			lanes_f64x8 a = re[k], b = im[k];

			ret[i].re[k] = a;
			ret[i].im[k] = b;
			re[k] = a * turn_re[k] - b * turn_im[k];
			im[k] = a * turn_im[k] + b * turn_re[k];
		}
	memcpy(canceller->osc[0], re, sizeof(re));
	memcpy(canceller->osc[1], im, sizeof(im));
}

MIXD_INLINE double dehum_sum(lanes_f64x8 x)
{
	return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]));
}

/* One channel as it goes. */
struct dehum_run {
	lanes_f64x8 re[2], im[2];
	double level;
};

MIXD_INLINE struct dehum_run dehum_run_begin(const struct dehum_weight *weight)
{
	struct dehum_run run = {.level = weight->level};

	memcpy(run.re, weight->of[0], sizeof(run.re));
	memcpy(run.im, weight->of[1], sizeof(run.im));
	return run;
}

MIXD_INLINE void dehum_run_end(const struct dehum_run *run, struct dehum_weight *weight)
{
	memcpy(weight->of[0], run->re, sizeof(run->re));
	memcpy(weight->of[1], run->im, sizeof(run->im));
	weight->level = run->level;
}

/* A frame: X less its hum. */
MIXD_INLINE double dehum_frame(struct dehum_run *run, const struct dehum_wave *wave, double x,
			       const lanes_f64x8 follow[2], const lanes_f64x8 part[2])
{
	lanes_f64x8 all[2];
	double hum, error, most = DEHUM_HELD * run->level + DEHUM_HELD_LEAST;

	for (uint32_t k = 0; k < 2; k++)
		all[k] = run->re[k] * wave->re[k] + run->im[k] * wave->im[k];
	hum = dehum_sum(all[0] + all[1]);
	error = x - hum;
	error = error > most ? most : error < -most ? -most : error;
	for (uint32_t k = 0; k < 2; k++) {
		lanes_f64x8 step = follow[k] * error;

		run->re[k] += step * wave->re[k];
		run->im[k] += step * wave->im[k];
	}
	run->level += 1e-4 * (fabs(hum) - run->level);
	return x - dehum_sum(all[0] * part[0] + all[1] * part[1]);
}

MIXD_CLONES void dehum_cancel(const struct dehum_canceller *canceller,
			      struct dehum_weight *const weight[2], const struct dehum_wave *wave,
			      const float *const in[2], float *const out[2], uint32_t n_frames)
{
	lanes_f64x8 follow[2], part[2];
	struct dehum_run a = dehum_run_begin(weight[0]), b = dehum_run_begin(weight[1]);

	memcpy(follow, canceller->follow, sizeof(follow));
	memcpy(part, canceller->part, sizeof(part));
	for (uint32_t k = 0; k < 2; k++) {
		follow[k] *= 2.0;
		part[k] *= canceller->depth;
	}
	/* Two channels at once: while one waits for its sum, the other works. */
	for (uint32_t i = 0; i < n_frames; i++) {
		double x = (double)in[0][i], y = (double)in[1][i];

		out[0][i] = (float)dehum_frame(&a, &wave[i], x, follow, part);
		out[1][i] = (float)dehum_frame(&b, &wave[i], y, follow, part);
	}
	dehum_run_end(&a, weight[0]);
	dehum_run_end(&b, weight[1]);
}
