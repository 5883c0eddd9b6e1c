/* matcheq.c - gives a recording the colour of another one.
 *
 * SOURCE      dsp/ltas.c (averages and gates), dsp/firdesign.c, dsp/firswap.c; Ma, Reiss, Black, AES
 *             134, 2013.
 * STRUCTURE   The difference of two long-term spectra, made equally loud, smoothed over a part of an
 *             octave, weakened, limited and faded out at both ends, is the curve of one FIR filter
 *             for all channels. The reference comes from a file or is learnt; the source is learnt:
 *             `learn` is switched on while the programme plays and off again, the worker averages,
 *             and what it found becomes a config of the session (MIXD_EVENT_CAPTURED).
 * EVENTS      1: learning ended, and nothing was loud enough to count.
 * ARTEFACTS   As eqlin: linear phase is late, and rings before transients where the curve is steep. */
#include <math.h>
#include <string.h>

#include "matcheq_state.h"

#include <mixd/rt.h>

static const struct mixd_port_row matcheq_ports[] = {
	{.id = "in", .doc = "What is to sound like the reference", .layout = MIXD_PORT_MAIN},
	{.id = "out", .doc = "The matched signal", .is_output = true, .layout = MIXD_PORT_MAIN},
};

static const char *const matcheq_learn_labels[] = {"off", "source", "reference", NULL};
static const char *const matcheq_phase_labels[] = {"linear", "minimum", NULL};
static const char *const matcheq_length_labels[] = {"2048", "4096", "8192", "16384", NULL};

static const struct mixd_param_row matcheq_params[] = {
	[MATCHEQ_PARAM_LEARN] =
		{.id = "learn",
		 .doc = "Listen to the input: as the source to be matched, or as the "
			"reference; off ends it and keeps what was learnt",
		 .type = MIXD_TYPE_ENUM,
		 .max = MATCHEQ_LEARN_REFERENCE,
		 .labels = matcheq_learn_labels},
	[MATCHEQ_PARAM_STRENGTH] = {.id = "strength",
				    .doc = "How much of the difference is made up",
				    .unit = MIXD_UNIT_PERCENT,
				    .max = 100,
				    .def = 100},
	[MATCHEQ_PARAM_SMOOTHING] = {.id = "smoothing",
				     .doc = "Width of the average over the spectra, in octaves",
				     .min = 0.08,
				     .max = 2,
				     .def = 0.33},
	[MATCHEQ_PARAM_MAX_BOOST] = {.id = "max_boost",
				     .doc = "The curve goes no higher",
				     .unit = MIXD_UNIT_DB,
				     .max = 24,
				     .def = 12},
	[MATCHEQ_PARAM_MAX_CUT] = {.id = "max_cut",
				   .doc = "The curve goes no lower than minus this",
				   .unit = MIXD_UNIT_DB,
				   .max = 24,
				   .def = 12},
	[MATCHEQ_PARAM_LOW] = {.id = "low",
			       .doc = "Below, the curve goes back to 0 dB within an octave",
			       .unit = MIXD_UNIT_HZ,
			       .min = 20,
			       .max = 1000,
			       .def = 40},
	[MATCHEQ_PARAM_HIGH] = {.id = "high",
				.doc = "Above, the curve goes back to 0 dB within half an octave",
				.unit = MIXD_UNIT_HZ,
				.min = 1000,
				.max = 20000,
				.def = 16000},
};

static const struct mixd_config_row matcheq_configs[] = {
	[MATCHEQ_CONFIG_FILE] = {.id = "file",
				 .doc = "Audio file of the reference; goes before what was learnt",
				 .type = MIXD_TYPE_STRING,
				 .def_text = "",
				 .is_file = true},
	[MATCHEQ_CONFIG_REFERENCE] = {.id = "reference",
				      .doc = "Spectrum of the reference as it was learnt",
				      .type = MIXD_TYPE_STRING,
				      .def_text = ""},
	[MATCHEQ_CONFIG_SOURCE] = {.id = "source",
				   .doc = "Spectrum of the source as it was learnt",
				   .type = MIXD_TYPE_STRING,
				   .def_text = ""},
	[MATCHEQ_CONFIG_PHASE] =
		{.id = "phase",
		 .doc = "linear: all frequencies equally late; minimum: no latency",
		 .type = MIXD_TYPE_ENUM,
		 .max = MATCHEQ_PHASE_MINIMUM,
		 .labels = matcheq_phase_labels},
	[MATCHEQ_CONFIG_LENGTH] =
		{.id = "length",
		 .doc = "Taps of the filter: more follow finer differences at low "
			"frequencies, and linear phase is half of it late",
		 .type = MIXD_TYPE_ENUM,
		 .unit = MIXD_UNIT_FRAMES,
		 .max = 3,
		 .def = 2,
		 .labels = matcheq_length_labels},
};

static const struct mixd_meter_row matcheq_meters[] = {
	[MATCHEQ_METER_MATCHED] =
		{.id = "matched",
		 .doc = "1 when both spectra are there; else the signal stays as it "
			"is"},
	[MATCHEQ_METER_LEARNT] = {.id = "learnt",
				  .doc = "How much of what was heard while learning has counted",
				  .unit = MIXD_UNIT_S},
	[MATCHEQ_METER_HIGHEST] = {.id = "highest",
				   .doc = "The highest boost of the curve",
				   .unit = MIXD_UNIT_DB},
	[MATCHEQ_METER_LOWEST] = {.id = "lowest",
				  .doc = "The deepest cut of the curve",
				  .unit = MIXD_UNIT_DB},
};

uint32_t matcheq_taps(const struct mixd_setup *setup)
{
	return 2048u << (uint32_t)setup->config[MATCHEQ_CONFIG_LENGTH].number;
}

static int matcheq_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			 struct mixd_fault *fault)
{
	bool linear = setup->config[MATCHEQ_CONFIG_PHASE].number == MATCHEQ_PHASE_LINEAR;

	ret_need->state_bytes = sizeof(struct matcheq_state);
	ret_need->latency = linear ? matcheq_taps(setup) / 2 : 0;
	ret_need->tail = matcheq_taps(setup);
	return 0;
}

/* ---- the filter -------------------------------------------------------------------------------- */

/* What a design depends on: all params but `learn`. */
static bool matcheq_stale(const struct matcheq_state *state)
{
	return memcmp(&state->wanted[1], &state->ordered[1],
		      (MATCHEQ_PARAMS - 1) * sizeof(double)) != 0;
}

static bool matcheq_follow(struct mixd_inst *inst)
{
	struct matcheq_state *state = inst->state;

	firswap_update(&state->swap);
	if (!firswap_idle(&state->swap))
		return true;
	if (!matcheq_stale(state))
		return false;
	memcpy(state->ordered, state->wanted, sizeof(state->ordered));
	state->order_bank = firswap_order(&state->swap);
	if (!inst->host->submit(inst, MATCHEQ_JOB_DESIGN)) {
		firswap_cancel(&state->swap); /* the queue is full: again in the next cell */
		state->ordered[MATCHEQ_PARAM_STRENGTH] = -1.0;
		return true;
	}
	return firswap_update(&state->swap);
}

/* ---- learning ---------------------------------------------------------------------------------- */

/* True while the end of learning waits for room in the queue. */
static bool matcheq_learn(struct mixd_inst *inst)
{
	struct matcheq_state *state = inst->state;
	uint32_t wanted = (uint32_t)state->wanted[MATCHEQ_PARAM_LEARN];

	if (state->ending && inst->host->submit(inst, MATCHEQ_JOB_END))
		state->ending = false;
	if (state->ending)
		return true;
	if (wanted == state->learning)
		return false;
	if (state->learning != MATCHEQ_LEARN_OFF) {
		uint32_t row = state->learning == MATCHEQ_LEARN_SOURCE ? MATCHEQ_CONFIG_SOURCE
								       : MATCHEQ_CONFIG_REFERENCE;

		state->learning = MATCHEQ_LEARN_OFF;
		state->text_config = row;
		state->ending = !inst->host->submit(inst, MATCHEQ_JOB_END);
		return state->ending || wanted != MATCHEQ_LEARN_OFF;
	}
	if (!inst->host->submit(inst, MATCHEQ_JOB_BEGIN))
		return true;
	state->learning = wanted;
	state->heard = 0;
	atomic_store_explicit(&state->heard_shared, 0, memory_order_relaxed);
	return false;
}

static bool matcheq_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct matcheq_state *state = inst->state;
	bool moves;

	memcpy(state->wanted, update->to, sizeof(state->wanted));
	moves = matcheq_follow(inst);
	return matcheq_learn(inst) || moves;
}

/* The input into the ring; at the end of each half of a frame, a job for the worker. */
static void matcheq_listen(struct mixd_inst *inst, uint32_t n)
{
	struct matcheq_state *state = inst->state;
	const uint32_t half = state->ltas.n_frames / 2;

	for (uint32_t done = 0; done < n;) {
		uint32_t left = half - (uint32_t)(state->heard % half), at, part;

		part = left < n - done ? left : n - done;
		at = (uint32_t)(state->heard & (state->ring_frames - 1));
		for (uint32_t c = 0; c < state->n_channels; c++) {
			float *ring = matcheq_ring(state, c);

			memcpy(ring + at, inst->in[c] + done, part * sizeof(float));
			if (at < half)
				memcpy(ring + state->ring_frames + at, inst->in[c] + done,
				       part * sizeof(float));
		}
		state->heard += part;
		done += part;
		atomic_store_explicit(&state->heard_shared, state->heard, memory_order_release);
		if (state->heard % half == 0 && state->heard >= 2 * (uint64_t)half)
			inst->host->submit(inst,
					   MATCHEQ_JOB_FRAME + (uint32_t)(state->heard / half - 2));
	}
}

/* The worker cannot speak; tell what it found. */
static void matcheq_tell(struct mixd_inst *inst)
{
	struct matcheq_state *state = inst->state;
	uint32_t outcome = atomic_load_explicit(&state->outcome, memory_order_acquire);

	if (outcome == 0)
		return;
	atomic_store_explicit(&state->outcome, 0, memory_order_relaxed);
	if (outcome == MATCHEQ_NOTHING)
		inst->host->event(inst, MATCHEQ_EVENT_NOTHING, 0.0);
	else
		inst->host->event(inst, MIXD_EVENT_CAPTURED + outcome - 1,
				  atomic_load(&state->learnt_s));
}

/* ---- rt ---------------------------------------------------------------------------------------- */

static void matcheq_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct matcheq_state *state = inst->state;
	const struct matcheq_spectra *spectra = &state->spectra;

	if (state->learning != MATCHEQ_LEARN_OFF)
		matcheq_listen(inst, call->n_frames);
	matcheq_tell(inst);
	firswap_process(&state->swap, inst->in, inst->out, call->n_frames, call->position);
	inst->meter[MATCHEQ_METER_MATCHED] = spectra->has_reference && spectra->has_source;
	inst->meter[MATCHEQ_METER_LEARNT] =
		atomic_load_explicit(&state->learnt_s, memory_order_relaxed);
	inst->meter[MATCHEQ_METER_HIGHEST] = state->highest_db[state->swap.current];
	inst->meter[MATCHEQ_METER_LOWEST] = state->lowest_db[state->swap.current];
}

/* What is being learnt goes on: a pause in which the node slept is as if it had been cut out. */
static void matcheq_reset(struct mixd_inst *inst)
{
	struct matcheq_state *state = inst->state;

	firswap_reset(&state->swap);
}

static const struct mixd_node_type matcheq_type = {
	.id = "matcheq",
	.doc = "Match equalizer: gives a recording the colour of a reference; event 1: nothing was "
	       "loud enough to learn from",
	.category = "eq",
	.source = "Welch 1967; Ma, Reiss, Black 2013; BS.1770-4 (gates)",
	.version = 1,
	.ports = MIXD_ARRAY(matcheq_ports),
	.params = MIXD_ARRAY(matcheq_params),
	.configs = MIXD_ARRAY(matcheq_configs),
	.meters = MIXD_ARRAY(matcheq_meters),
	.needs = matcheq_needs,
	.activate = matcheq_activate,
	.deactivate = matcheq_deactivate,
	.update = matcheq_update,
	.process = matcheq_process,
	.reset = matcheq_reset,
	.work = matcheq_work,
	.response = matcheq_response,
	.capture = matcheq_capture,
};

MIXD_MODULE(&matcheq_type);
