/* sidechain.c - see sidechain.h. */
#include "sidechain.h"

#include <string.h>

#include <mixd/rt.h>

static uint32_t sidechain_ring_frames(uint32_t delay_frames)
{
	return delay_frames ? delay_frames + MIXD_SLICE_MAX : 0;
}

static uint32_t sidechain_width(uint32_t lanes)
{
	return lanes <= 2 ? 2 : lanes <= 4 ? 4 : MIXD_LANES_MAX;
}

static size_t sidechain_state_words(uint32_t keys)
{
	uint32_t width = sidechain_width(keys);

	return (size_t)((keys + width - 1) / width) * width * SIDECHAIN_SECTIONS * SVF_STATES;
}

size_t sidechain_bytes(uint32_t channels, uint32_t keys, uint32_t delay_frames)
{
	size_t bytes;

	keys = keys > channels ? keys : channels;
	bytes = sidechain_state_words(keys) * sizeof(double) +
		(size_t)keys * MIXD_SLICE_MAX * sizeof(float) +
		(size_t)channels * sidechain_ring_frames(delay_frames) * sizeof(float);
	return (bytes + 63) / 64 * 64;
}

void sidechain_init(struct sidechain *chain, void *memory, uint32_t channels, uint32_t keys,
		    uint32_t delay_frames)
{
	chain->channels = channels;
	chain->keys = keys > channels ? keys : channels;
	chain->width = sidechain_width(chain->keys);
	chain->blocks = (chain->keys + chain->width - 1) / chain->width;
	chain->delay_frames = delay_frames;
	chain->ring_frames = sidechain_ring_frames(delay_frames);
	chain->state = memory;
	chain->rows = (float *)(chain->state + sidechain_state_words(chain->keys));
	chain->ring = chain->rows + (size_t)chain->keys * MIXD_SLICE_MAX;
}

void sidechain_reset(struct sidechain *chain)
{
	memset(chain->state, 0, sidechain_state_words(chain->keys) * sizeof(double));
	memset(chain->ring, 0, (size_t)chain->channels * chain->ring_frames * sizeof(float));
	chain->ring_at = 0;
}

static void sidechain_forget(struct sidechain *chain, uint32_t idx)
{
	const size_t block = SIDECHAIN_SECTIONS * SVF_STATES * chain->width;

	for (uint32_t b = 0; b < chain->blocks; b++)
		memset(chain->state + b * block + (size_t)idx * SVF_STATES * chain->width, 0,
		       SVF_STATES * chain->width * sizeof(double));
}

void sidechain_section(struct sidechain *chain, uint32_t idx, const struct eq_band *band,
		       double rate)
{
	double *words = chain->coef +
			(size_t)(EQ_BANK_GAIN_WORDS + idx * EQ_BANK_SECTION_WORDS) * chain->width;
	double coef[SVF_COEFS] = {0.0};

	if (band) {
		struct svf_section section[EQ_BAND_SECTIONS];
		struct svf_coef of;

		eq_design(band, rate, section);
		of = svf_coef_of(&section[0]);
		memcpy(coef, &of, sizeof(coef));
	} else if (chain->on[idx]) {
		sidechain_forget(chain, idx);
	}
	chain->on[idx] = band != NULL;
	for (uint32_t k = 0; k < SVF_COEFS; k++)
		for (uint32_t lane = 0; lane < chain->width; lane++)
			words[k * chain->width + lane] = coef[k];
}

void sidechain_passes(struct sidechain *chain, double hpf_hz, double lpf_hz, double rate)
{
	const struct eq_band high = {EQ_TYPE_HIGHPASS, EQ_SLOPE_12, hpf_hz, 0.0, M_SQRT1_2};
	const struct eq_band low = {EQ_TYPE_LOWPASS, EQ_SLOPE_12, lpf_hz, 0.0, M_SQRT1_2};

	sidechain_section(chain, 0, hpf_hz > SIDECHAIN_HPF_OFF_HZ ? &high : NULL, rate);
	sidechain_section(chain, 1, lpf_hz < SIDECHAIN_LPF_OFF_HZ ? &low : NULL, rate);
}

bool sidechain_update(struct sidechain *chain, bool listen, const struct mixd_update *update,
		      double rate)
{
	bool moving;

	chain->listen_part = glide_switch(chain->listen_part, listen, update, rate);
	moving = dyn_glide_to(&chain->listen, &chain->cell, glide_smooth(chain->listen_part),
			      update);
	dyn_cell_begin(&chain->cell, update);
	return moving;
}

static const float sidechain_silence[MIXD_SLICE_MAX];

static void sidechain_filter(struct sidechain *chain, uint32_t n)
{
	const uint32_t width = chain->width;
	float unused[MIXD_SLICE_MAX];

	for (uint32_t b = 0; b * width < chain->heard; b++) {
		const float *in[MIXD_LANES_MAX];
		float *out[MIXD_LANES_MAX];
		struct eq_bank_job job = {
			.in = in,
			.out = out,
			.state = chain->state + (size_t)b * SIDECHAIN_SECTIONS * SVF_STATES * width,
			.coef = chain->coef,
			.max_sections = SIDECHAIN_SECTIONS,
			.n_plain = SIDECHAIN_SECTIONS,
		};

		for (uint32_t k = 0; k < width; k++) {
			uint32_t lane = b * width + k;
			bool used = lane < chain->heard;

			in[k] = used ? chain->row[lane] : sidechain_silence;
			out[k] = used ? chain->rows + (size_t)lane * MIXD_SLICE_MAX : unused;
		}
		eq_bank_run(width, &job, n);
	}
}

void sidechain_hear(struct sidechain *chain, const struct mixd_inst *inst, bool keyed, uint32_t n)
{
	const uint32_t port = keyed ? 1 : 0;
	const float *const *in = inst->in + inst->setup->in_first[port];
	bool filtered = chain->on[0] || chain->on[1];
	bool listens = !dyn_line_rests_at(&chain->listen.now, 0.0f);

	chain->heard = inst->setup->in_layout[port]->n_channels;
	for (uint32_t c = 0; c < chain->heard; c++)
		chain->row[c] = in[c];
	if (filtered)
		sidechain_filter(chain, n);
	for (uint32_t c = 0; (filtered || listens) && c < chain->heard; c++) {
		float *row = chain->rows + (size_t)c * MIXD_SLICE_MAX;

		/* In place the output overwrites what is listened to. */
		if (!filtered)
			memcpy(row, in[c], n * sizeof(*row));
		chain->row[c] = row;
	}
}

void sidechain_delayed(const struct sidechain *chain, uint32_t channel, const float *in, float *out,
		       uint32_t n)
{
	float *ring = chain->ring + (size_t)channel * chain->ring_frames;
	uint32_t at = chain->ring_at, frames = chain->ring_frames, head, from, part;

	if (chain->delay_frames == 0) {
		if (in != out)
			memcpy(out, in, n * sizeof(*out));
		return;
	}
	head = frames - at < n ? frames - at : n;
	from = (at + frames - chain->delay_frames) % frames;
	part = frames - from < n ? frames - from : n;
	memcpy(ring + at, in, head * sizeof(*in));
	memcpy(ring, in + head, (n - head) * sizeof(*in));
	memcpy(out, ring + from, part * sizeof(*out));
	memcpy(out + part, ring, (n - part) * sizeof(*out));
}

MIXD_CLONES static void sidechain_scale(float *x, float gain, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		x[i] *= gain;
}

static void sidechain_listen(const struct sidechain *chain, const float *key, float *out,
			     uint32_t n)
{
	const struct dyn_line *line = &chain->listen.now;

	for (uint32_t i = 0; i < n; i++) {
		float part = line->at + line->step * (float)(int32_t)(chain->cell.done + i);

		out[i] = (1.0f - part) * out[i] + part * key[i];
	}
}

void sidechain_advance(struct sidechain *chain, uint32_t n)
{
	dyn_cell_advance(&chain->cell, n);
	if (chain->ring_frames)
		chain->ring_at = (chain->ring_at + n) % chain->ring_frames;
}

void sidechain_output(struct sidechain *chain, const struct mixd_inst *inst, const float *gain,
		      float constant, uint32_t n)
{
	bool listens = !dyn_line_rests_at(&chain->listen.now, 0.0f);

	for (uint32_t c = 0; c < chain->channels; c++) {
		float *out = inst->out[c];

		if (gain && chain->delay_frames == 0) {
			dyn_apply(inst->in[c], gain, out, n);
		} else {
			sidechain_delayed(chain, c, inst->in[c], out, n);
			if (gain)
				dyn_apply(out, gain, out, n);
			else if (constant != 1.0f)
				sidechain_scale(out, constant, n);
		}
		if (listens)
			sidechain_listen(chain, chain->row[c % chain->heard], out, n);
	}
	sidechain_advance(chain, n);
}
