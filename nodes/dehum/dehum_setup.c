/* dehum_setup.c - the part of dehum.c that runs on the control thread, and the canceller. */
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
static void dehum_begin(const struct dehum_canceller *canceller, double osc[2][HUMTRACK_HARMONICS])
{
	memcpy(osc, canceller->osc, sizeof(canceller->osc));
	if (osc[0][0] != 0.0 || osc[1][0] != 0.0)
		return;
	for (uint32_t h = 0; h < HUMTRACK_HARMONICS; h++)
		osc[0][h] = 1.0;
}

MIXD_INLINE void dehum_turn(double osc[2][HUMTRACK_HARMONICS],
			    const double turn[2][HUMTRACK_HARMONICS])
{
	for (uint32_t h = 0; h < HUMTRACK_HARMONICS; h++) {
		double re = osc[0][h], im = osc[1][h];

		osc[0][h] = re * turn[0][h] - im * turn[1][h];
		osc[1][h] = re * turn[1][h] + im * turn[0][h];
	}
}

/* Sum in a fixed order of eight lanes, which is also the quick one. */
MIXD_INLINE double dehum_sum(const double *x)
{
	double sum[4];

	for (uint32_t k = 0; k < 4; k++)
		sum[k] = (x[k] + x[k + 4]) + (x[k + 8] + x[k + 12]);
	return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

MIXD_CLONES void dehum_cancel(const struct dehum_canceller *canceller, struct dehum_weight *weight,
			      const float *in, float *out, uint32_t first, uint32_t n_frames)
{
	double osc[2][HUMTRACK_HARMONICS], w[2][HUMTRACK_HARMONICS];

	memcpy(out, in, first * sizeof(*out));
	if (first == n_frames)
		return;
	dehum_begin(canceller, osc);
	memcpy(w, weight->of, sizeof(w));
	for (uint32_t i = first; i < n_frames; i++) {
		double all[HUMTRACK_HARMONICS], taken[HUMTRACK_HARMONICS], x = (double)in[i];
		double error, held, most = DEHUM_HELD * weight->level + DEHUM_HELD_LEAST;

		for (uint32_t h = 0; h < HUMTRACK_HARMONICS; h++) {
			all[h] = w[0][h] * osc[0][h] + w[1][h] * osc[1][h];
			taken[h] = all[h] * canceller->part[h];
		}
		error = x - dehum_sum(all);
		held = error > most ? most : error < -most ? -most : error;
		for (uint32_t h = 0; h < HUMTRACK_HARMONICS; h++) {
			double step = 2.0 * canceller->follow[h] * held;

			w[0][h] += step * osc[0][h];
			w[1][h] += step * osc[1][h];
		}
		weight->level += 1e-4 * (fabs(x - error) - weight->level);
		out[i] = (float)(x - canceller->depth * dehum_sum(taken));
		dehum_turn(osc, canceller->turn);
	}
	memcpy(weight->of, w, sizeof(w));
}

void dehum_cancel_advance(struct dehum_canceller *canceller, uint32_t n_frames)
{
	double osc[2][HUMTRACK_HARMONICS];

	if (n_frames == 0)
		return;
	dehum_begin(canceller, osc);
	for (uint32_t i = 0; i < n_frames; i++)
		dehum_turn(osc, canceller->turn);
	memcpy(canceller->osc, osc, sizeof(osc));
}
