/* eqlin.c - the equalizer without phase: the bands of eq as one long FIR filter.
 *
 * SOURCE      dsp/firdesign.c (window method, minimum phase by the cepstrum), dsp/eq_curve.c (the
 *             analogue magnitudes of the bands), dsp/partconv.c.
 * STRUCTURE   The params of eq, row by row, so that settings and presets go from one to the other.
 *             When a band moves, the worker designs the whole curve anew into the bank that is not
 *             heard, and firswap fades over in 50 ms; a band that keeps moving is followed as fast
 *             as that goes. Left and right are one filter each; mid and side bands add two across.
 * ARTEFACTS   Linear phase: half the length of latency, and a steep or narrow band is heard ringing
 *             before a transient as well as after. What is narrower than about two bins
 *             (2 rate / length) is smoothed. Minimum phase has no latency and no ringing before. */
#include <math.h>

#include "eqlin_state.h"

#include <mixd/rt.h>

enum { EQLIN_METER_MAKEUP };
#define EQLIN_JOB_DESIGN 0u

static const char *const eqlin_phase_labels[] = {"linear", "minimum", NULL};
static const char *const eqlin_length_labels[] = {"2048", "4096", "8192", "16384", NULL};

static const struct mixd_config_row eqlin_configs[] = {
	[EQLIN_CONFIG_PHASE] = {.id = "phase",
				.doc = "linear: all frequencies equally late; minimum: no latency, "
				       "the phase of an analogue equalizer",
				.type = MIXD_TYPE_ENUM,
				.max = EQLIN_PHASE_MINIMUM,
				.labels = eqlin_phase_labels},
	[EQLIN_CONFIG_LENGTH] = {.id = "length",
				 .doc = "Taps of the filter: more follow narrower bands at low "
					"frequencies, and linear phase is half of it late",
				 .type = MIXD_TYPE_ENUM,
				 .unit = MIXD_UNIT_FRAMES,
				 .max = 3,
				 .def = 2,
				 .labels = eqlin_length_labels},
};

static const struct mixd_meter_row eqlin_meters[] = {
	[EQLIN_METER_MAKEUP] = {.id = "makeup", .doc = "What auto gain adds", .unit = MIXD_UNIT_DB},
};

uint32_t eqlin_taps(const struct mixd_setup *setup)
{
	return 2048u << (uint32_t)setup->config[EQLIN_CONFIG_LENGTH].number;
}

static int eqlin_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		       struct mixd_fault *fault)
{
	bool linear = setup->config[EQLIN_CONFIG_PHASE].number == EQLIN_PHASE_LINEAR;

	ret_need->state_bytes = sizeof(struct eqlin_state);
	ret_need->latency = linear ? eqlin_taps(setup) / 2 : 0;
	ret_need->tail = eqlin_taps(setup);
	return 0;
}

/* ---- rt ---------------------------------------------------------------------------------------- */

static void eqlin_order(struct mixd_inst *inst)
{
	struct eqlin_state *state = inst->state;

	state->ordered = state->wanted;
	state->order_bank = firswap_order(&state->swap);
	if (!inst->host->submit(inst, EQLIN_JOB_DESIGN)) {
		firswap_cancel(&state->swap); /* the queue is full: again in the next cell */
		state->ordered.auto_gain = -1.0;
	}
}

static bool eqlin_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct eqlin_state *state = inst->state;
	double gain_from = pow(10.0, update->from[EQ_PARAM_OUTPUT] / 20.0);
	double gain_to = pow(10.0, update->to[EQ_PARAM_OUTPUT] / 20.0);
	bool stale;

	dsp_ramp_set(&state->gain, gain_from, gain_to, update->cell_frames);
	eqlin_curve_read(update->to, &state->wanted);
	firswap_update(&state->swap);
	if (!firswap_idle(&state->swap))
		return true;
	stale = memcmp(&state->wanted, &state->ordered, sizeof(state->wanted)) != 0;
	if (stale)
		eqlin_order(inst);
	/* Done at once, when nothing has sounded yet and the job ran inside submit(). */
	return (stale && firswap_update(&state->swap)) || state->ordered.auto_gain < 0.0;
}

static void eqlin_work(struct mixd_inst *inst, uint32_t job)
{
	struct eqlin_state *state = inst->state;

	eqlin_design_bank(state, &state->ordered, state->order_bank);
	firswap_designed(&state->swap);
}

static void eqlin_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct eqlin_state *state = inst->state;
	bool rests = dsp_ramp_rests(&state->gain) && state->gain.to == 1.0;

	firswap_process(&state->swap, inst->in, inst->out, call->n_frames, call->position);
	for (uint32_t c = 0; c < state->n_channels && !rests; c++)
		dsp_ramp_mul(&state->gain, inst->out[c], inst->out[c], call->n_frames);
	dsp_ramp_advance(&state->gain, call->n_frames);
	inst->meter[EQLIN_METER_MAKEUP] = state->makeup_db[state->swap.current];
}

static void eqlin_reset(struct mixd_inst *inst)
{
	struct eqlin_state *state = inst->state;

	firswap_reset(&state->swap);
}

static const struct mixd_node_type eqlin_type = {
	.id = "eqlin",
	.doc = "Linear-phase or minimum-phase equalizer: the bands of eq, exactly as drawn",
	.category = "eq",
	.source = "Oppenheim, Schafer 2010, sections 7.5 and 13.5; Wefers 2015",
	.version = 1,
	.ports = MIXD_ARRAY(eq_ports),
	.params = MIXD_ARRAY(eq_params),
	.configs = MIXD_ARRAY(eqlin_configs),
	.meters = MIXD_ARRAY(eqlin_meters),
	.needs = eqlin_needs,
	.activate = eqlin_activate,
	.deactivate = eqlin_deactivate,
	.update = eqlin_update,
	.process = eqlin_process,
	.reset = eqlin_reset,
	.work = eqlin_work,
	.response = eqlin_response,
};

MIXD_MODULE(&eqlin_type);
