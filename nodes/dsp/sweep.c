/* Source: J. Dattorro, "Effect Design 2: Delay-Line Modulation and Chorus", JAES 45(10) 1997.
 *
 * Structure: for each voice the delays of a whole slice, as one loop over f64; then heads read and
 * add up. With feedback in pieces short enough that what is read is written. The wave has no
 * corners and its phase is a function of time (lfo.h), so that nothing needs to be smoothed after it. */
#include "sweep.h"

#include <math.h>
#include <string.h>

#include "clones.h"
#include "glide.h"

#include <mixd/rt.h>

/* Phases that stay when voices come and go. */
static const double sweep_turn[SWEEP_VOICES] = {0.0, 0.5, 0.25, 0.75, 0.125, 0.625};

const char *const sweep_notes[] = {"free", "4/1",  "2/1",  "1/1", "1/2",  "1/2t", "1/4d",
				   "1/4",  "1/4t", "1/8d", "1/8", "1/8t", "1/16", NULL};

double sweep_hz(uint32_t note, double bpm, double hz)
{
	static const double quarters[SWEEP_NOTES] = {1, 16,	 8,    4,   2,	     4.0 / 3, 1.5,
						     1, 2.0 / 3, 0.75, 0.5, 1.0 / 3, 0.25};

	return note > 0 && note < SWEEP_NOTES ? bpm / 60.0 / quarters[note] : hz;
}

static uint32_t sweep_lines(uint32_t n_channels, uint32_t dry_frames)
{
	return dry_frames > 0 ? 2 * n_channels : n_channels;
}

static size_t sweep_head_bytes(uint32_t n_lines)
{
	return (sizeof(struct sweep) + n_lines * sizeof(struct delayline) + 63) / 64 * 64;
}

static size_t sweep_ring_bytes(uint32_t longest_frames)
{
	return (delayline_bytes(delayline_frames(longest_frames)) + 63) / 64 * 64;
}

size_t sweep_bytes(uint32_t n_channels, uint32_t longest_frames, uint32_t dry_frames)
{
	uint32_t n_lines = sweep_lines(n_channels, dry_frames);

	return sweep_head_bytes(n_lines) + n_lines * sweep_ring_bytes(longest_frames);
}

void sweep_init(struct sweep *sweep, uint32_t n_channels, uint32_t longest_frames,
		uint32_t dry_frames)
{
	uint32_t n_lines = sweep_lines(n_channels, dry_frames);
	char *memory = (char *)sweep + sweep_head_bytes(n_lines);

	sweep->n_channels = n_channels;
	sweep->dry_frames = dry_frames;
	delayline_table_init(&sweep->table);
	for (uint32_t c = 0; c < n_lines; c++) {
		sweep->line[c].ring = (void *)memory;
		sweep->line[c].mask = delayline_frames(longest_frames) - 1;
		memory += sweep_ring_bytes(longest_frames);
	}
}

void sweep_reset(struct sweep *sweep)
{
	delayline_reset(&sweep->clock);
	lfo_reset(&sweep->lfo);
}

/* ---- update ---- */

bool sweep_update(struct sweep *sweep, const struct sweep_setting *from,
		  const struct sweep_setting *to, const struct mixd_update *update, double rate)
{
	uint32_t frames = update->cell_frames;
	bool moves;

	lfo_set(&sweep->lfo, to->hz, rate);
	dsp_ramp_set(&sweep->delay, from->delay, to->delay, frames);
	dsp_ramp_set(&sweep->depth, from->depth, to->depth, frames);
	dsp_ramp_set(&sweep->feedback, from->feedback, to->feedback, frames);
	dsp_ramp_set(&sweep->spread, from->spread, to->spread, frames);
	dsp_ramp_set(&sweep->dry, from->dry, to->dry, frames);
	moves = glide_ramp(&sweep->triangle, to->is_triangle, GLIDE_S, update, rate);
	/* wet may change its sign at once. */
	moves |= glide_ramp(&sweep->wet, to->wet, GLIDE_S / 2, update, rate);
	for (uint32_t v = 0; v < SWEEP_VOICES; v++)
		moves |= glide_ramp(&sweep->voice[v],
				    v < to->n_voices ? 1.0 / sqrt(to->n_voices) : 0.0, GLIDE_S,
				    update, rate);
	return moves;
}

/* ---- process ---- */

/* RAMP as a line for loops that must be plain: value i is from + step (done + i). */
struct sweep_line {
	double from, step;
	int32_t done;
};

static struct sweep_line sweep_line(const struct dsp_ramp *ramp)
{
	if (dsp_ramp_rests(ramp))
		return (struct sweep_line){ramp->to, 0.0, 0};
	return (struct sweep_line){ramp->from, ramp->step, (int32_t)ramp->done};
}

MIXD_INLINE double sweep_line_at(const struct sweep_line *line, uint32_t i)
{
	return line->from + line->step * (double)(line->done + (int32_t)i);
}

struct sweep_wave {
	uint64_t phase, increment;
	double turn; /* of the voice */
	struct sweep_line spread, triangle, delay, depth;
};

MIXD_INLINE void sweep_delays_of(const struct sweep_wave *wave, const bool has_triangle,
				 double *ret, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		double t = (double)((int64_t)(wave->phase + wave->increment * i) >> 12) * 0x1p-52;
		double value, delay;

		t += wave->turn + sweep_line_at(&wave->spread, i);
		t -= t >= 0.5 ? 1.0 : 0.0;
		t -= t >= 0.5 ? 1.0 : 0.0;
		value = lfo_sine(t);
		if (has_triangle)
			value += sweep_line_at(&wave->triangle, i) * (lfo_triangle(t) - value);
		delay = sweep_line_at(&wave->delay, i) +
			sweep_line_at(&wave->depth, i) * (0.5 + 0.5 * value);
		ret[i] = delay < SWEEP_NEAREST ? SWEEP_NEAREST : delay;
	}
}

MIXD_CLONES static void sweep_delays(const struct sweep_wave *wave, double *ret, uint32_t n)
{
	if (wave->triangle.from == 0.0 && wave->triangle.step == 0.0)
		sweep_delays_of(wave, false, ret, n);
	else
		sweep_delays_of(wave, true, ret, n);
}

MIXD_CLONES static void sweep_add(const float *x, const struct sweep_line *gain, float *sum,
				  bool is_first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		float y = x[i] * (float)sweep_line_at(gain, i);

		sum[i] = is_first ? y : sum[i] + y;
	}
}

struct sweep_work {
	double delay[SWEEP_VOICES][MIXD_SLICE_MAX];
	uint32_t voice[SWEEP_VOICES], n_voices;
	uint32_t nearest; /* frames */
};

/* The delays of all voices of channel C that sound. */
static void sweep_prepare(struct sweep *sweep, struct sweep_work *work, uint64_t phase, uint32_t c,
			  uint32_t n)
{
	struct sweep_wave wave = {
		.phase = phase,
		.increment = sweep->lfo.increment,
		.triangle = sweep_line(&sweep->triangle),
		.delay = sweep_line(&sweep->delay),
		.depth = sweep_line(&sweep->depth),
	};
	double nearest = 1e9;

	if (c % 2 == 1)
		wave.spread = sweep_line(&sweep->spread);
	work->n_voices = 0;
	for (uint32_t v = 0; v < SWEEP_VOICES; v++) {
		double *delay = work->delay[work->n_voices];

		if (dsp_ramp_rests(&sweep->voice[v]) && sweep->voice[v].to == 0.0)
			continue;
		wave.turn = sweep_turn[v];
		sweep_delays(&wave, delay, n);
		for (uint32_t i = 0; i < n; i++)
			nearest = delay[i] < nearest ? delay[i] : nearest;
		work->voice[work->n_voices++] = v;
	}
	work->nearest = (uint32_t)nearest;
}

/* N frames of the voices, from OFFSET into the slice on. */
static void sweep_voices(const struct sweep *sweep, const struct sweep_work *work, uint32_t c,
			 uint32_t offset, float *wet, uint32_t n)
{
	float one[MIXD_SLICE_MAX];

	for (uint32_t k = 0; k < work->n_voices; k++) {
		struct sweep_line gain = sweep_line(&sweep->voice[work->voice[k]]);

		gain.done += (int32_t)offset;
		delayline_read(&sweep->line[c], &sweep->table, &sweep->clock, offset,
			       work->delay[k] + offset, one, n);
		sweep_add(one, &gain, wet, k == 0, n);
	}
}

static void sweep_enter(const struct sweep *sweep, uint32_t c, uint32_t offset, const float *in,
			const float *wet, uint32_t n)
{
	float into[MIXD_SLICE_MAX];

	for (uint32_t i = 0; i < n; i++)
		into[i] = in[i] + (float)dsp_ramp_value(&sweep->feedback, offset + i) * wet[i];
	delayline_write(&sweep->line[c], &sweep->clock, offset, into, n);
}

static void sweep_run(struct sweep *sweep, const struct sweep_work *work, uint32_t c,
		      const float *in, float *wet, uint32_t n)
{
	uint32_t most = work->nearest - DELAYLINE_AHEAD - 1, piece;

	if (dsp_ramp_rests(&sweep->feedback) && sweep->feedback.to == 0.0) {
		delayline_write(&sweep->line[c], &sweep->clock, 0, in, n);
		sweep_voices(sweep, work, c, 0, wet, n);
		return;
	}
	for (uint32_t done = 0; done < n; done += piece) {
		piece = n - done < most ? n - done : most;
		sweep_voices(sweep, work, c, done, wet + done, piece);
		sweep_enter(sweep, c, done, in + done, wet + done, piece);
	}
}

void sweep_process(struct sweep *sweep, const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	uint64_t phase = lfo_start(&sweep->lfo, call->position);
	float wet[MIXD_SLICE_MAX], dry[MIXD_SLICE_MAX];
	uint32_t n = call->n_frames;
	struct sweep_work work;

	for (uint32_t c = 0; c < sweep->n_channels; c++) {
		if (c < 2 || !(dsp_ramp_rests(&sweep->spread) && sweep->spread.to == 0.0))
			sweep_prepare(sweep, &work, phase, c, n);
		sweep_run(sweep, &work, c, inst->in[c], wet, n);
		if (sweep->dry_frames) {
			const struct delayline *late = &sweep->line[sweep->n_channels + c];

			delayline_write(late, &sweep->clock, 0, inst->in[c], n);
			delayline_copy(late, &sweep->clock, 0, sweep->dry_frames, dry, n);
		} else {
			memcpy(dry, inst->in[c], n * sizeof(float));
		}
		dsp_ramp_mul(&sweep->wet, wet, wet, n);
		dsp_ramp_mul(&sweep->dry, dry, inst->out[c], n);
		for (uint32_t i = 0; i < n; i++)
			inst->out[c][i] += wet[i];
	}
	delayline_advance(&sweep->clock, &sweep->line[0], n);
	for (uint32_t v = 0; v < SWEEP_VOICES; v++)
		dsp_ramp_advance(&sweep->voice[v], n);
	dsp_ramp_advance(&sweep->delay, n);
	dsp_ramp_advance(&sweep->depth, n);
	dsp_ramp_advance(&sweep->feedback, n);
	dsp_ramp_advance(&sweep->spread, n);
	dsp_ramp_advance(&sweep->wet, n);
	dsp_ramp_advance(&sweep->dry, n);
	dsp_ramp_advance(&sweep->triangle, n);
}
