/* Source: ITU-R BS.1770-4 Annex 1 (weights, blocks, gates) and Annex 3 (weights by position);
 * EBU Tech 3341 (M, S, I and their maxima); EBU Tech 3342 (LRA: S at 10 Hz, gates -70 LUFS and
 * -20 LU, 95th minus 10th percentile).
 *
 * Sums over a window are made anew from the ring at each tick: 300 additions per 10 ms cost less
 * than a tenth of a ns per frame, and no rounding error is carried on for hours.
 *
 * The histogram bins are 0.02 LU wide and keep counts and exact energies, so a gate errs by what
 * lies in one bin (under 0.005 LU in the result). Groups of 50 bins make queries short. */
#include "loudness.h"

#include <math.h>
#include <string.h>

#include <mixd/rt.h>

/* Under this mean square (-150 dB) there is only the tail of a filter. */
#define LOUDNESS_SILENCE 1e-15
/* Over this mean square (+90 dB) there is no audio: the guard of every node is at +60 dBFS. */
#define LOUDNESS_ABSURD 1e9

static bool loudness_layout_has(const struct mixd_layout *layout, enum mixd_position position)
{
	for (uint32_t c = 0; c < layout->n_channels; c++)
		if (layout->position[c] == position)
			return true;
	return false;
}

double loudness_weight(const struct mixd_layout *layout, uint32_t channel)
{
	switch ((enum mixd_position)layout->position[channel]) {
	case MIXD_POS_LFE:
		return 0.0;
	case MIXD_POS_SL:
	case MIXD_POS_SR:
		return 1.41;
	case MIXD_POS_RL:
	case MIXD_POS_RR:
		return loudness_layout_has(layout, MIXD_POS_SL) ? 1.0 : 1.41;
	default:
		return 1.0;
	}
}

double loudness_from_energy(double energy)
{
	return energy > LOUDNESS_SILENCE ? -0.691 + 10.0 * log10(energy) : -INFINITY;
}

double loudness_to_energy(double lufs)
{
	return pow(10.0, (lufs + 0.691) / 10.0);
}

/* ---- window --------------------------------------------------------------------------------- */

static void loudness_window_next_tick(struct loudness_window *window)
{
	window->tick_filled = 0;
	window->tick_frames = (window->rate_hz + window->remainder) / 100;
	window->remainder = (window->rate_hz + window->remainder) % 100;
}

void loudness_window_init(struct loudness_window *window, double rate_hz, uint32_t n_channels,
			  const double *weight)
{
	memset(window, 0, sizeof(*window));
	kweight_coef_init(&window->coef, rate_hz);
	window->rate_hz = (uint32_t)lrint(rate_hz);
	window->scale = 1.0;
	for (uint32_t c = 0; c < n_channels && c < LOUDNESS_CHANNELS_MAX; c++) {
		if (weight[c] <= 0.0)
			continue;
		window->active[window->n_active] = (uint8_t)c;
		window->weight[window->n_active++] = weight[c];
	}
	loudness_window_reset(window);
}

void loudness_window_reset(struct loudness_window *window)
{
	memset(window->state, 0, sizeof(window->state));
	memset(window->sum, 0, sizeof(window->sum));
	memset(window->energy, 0, sizeof(window->energy));
	memset(window->frames, 0, sizeof(window->frames));
	window->ticks = 0;
	window->remainder = 0;
	loudness_window_next_tick(window);
}

uint32_t loudness_window_room(const struct loudness_window *window)
{
	return window->tick_frames - window->tick_filled;
}

static void loudness_window_end_tick(struct loudness_window *window)
{
	uint32_t slot = (uint32_t)(window->ticks % LOUDNESS_SHORTTERM_TICKS);
	double energy = 0.0;

	for (uint32_t k = 0; k < window->n_active; k++)
		energy += window->weight[k] * window->sum[k];
	memset(window->sum, 0, sizeof(window->sum));
	for (uint32_t g = 0; g * KWEIGHT_LANES < window->n_active; g++)
		kweight_flush(&window->state[g]);
	/* What no audio can make came in from outside; it must not stay. */
	window->energy[slot] =
		energy >= 0.0 && energy < LOUDNESS_ABSURD * window->tick_frames ? energy : 0.0;
	window->frames[slot] = window->tick_frames;
	window->ticks++;
	loudness_window_next_tick(window);
}

bool loudness_window_feed(struct loudness_window *window, const float *const *in, uint32_t first,
			  uint32_t n_frames)
{
	for (uint32_t k = 0; k < window->n_active; k += KWEIGHT_LANES) {
		const float *lane[KWEIGHT_LANES];
		uint32_t lanes = window->n_active - k;

		lanes = lanes < KWEIGHT_LANES ? lanes : KWEIGHT_LANES;
		for (uint32_t l = 0; l < lanes; l++)
			lane[l] = in[window->active[k + l]] + first;
		kweight_sum(&window->coef, &window->state[k / KWEIGHT_LANES], lane, lanes, n_frames,
			    window->sum + k);
	}
	window->tick_filled += n_frames;
	if (window->tick_filled < window->tick_frames)
		return false;
	loudness_window_end_tick(window);
	return true;
}

double loudness_window_energy(const struct loudness_window *window, uint32_t ticks)
{
	double energy[4] = {0.0}, frames[4] = {0.0}, total;
	uint32_t slot;

	if (ticks > window->ticks)
		ticks = (uint32_t)window->ticks;
	slot = (uint32_t)((window->ticks + LOUDNESS_SHORTTERM_TICKS - ticks) %
			  LOUDNESS_SHORTTERM_TICKS);
	for (uint32_t k = 0; k < ticks; k++) {
		energy[k % 4] += window->energy[slot];
		frames[k % 4] += window->frames[slot];
		slot = slot + 1 == LOUDNESS_SHORTTERM_TICKS ? 0 : slot + 1;
	}
	total = (frames[0] + frames[1]) + (frames[2] + frames[3]);
	if (total <= 0.0)
		return 0.0;
	return ((energy[0] + energy[1]) + (energy[2] + energy[3])) / total * window->scale;
}

/* ---- gate ----------------------------------------------------------------------------------- */

/* -1 under the absolute gate. */
static int32_t loudness_bin(double lufs)
{
	double bin = floor((lufs - LOUDNESS_FLOOR_LUFS) * LOUDNESS_BINS_PER_LU);

	if (!(lufs > LOUDNESS_FLOOR_LUFS))
		return -1;
	return bin < LOUDNESS_BINS - 1 ? (int32_t)bin : (int32_t)LOUDNESS_BINS - 1;
}

/* The first bin above a relative gate, at the bin's middle. */
static uint32_t loudness_gate_bin(double lufs)
{
	double bin = ceil((lufs - LOUDNESS_FLOOR_LUFS) * LOUDNESS_BINS_PER_LU - 0.5);

	return bin <= 0.0 ? 0 : bin < LOUDNESS_BINS - 1 ? (uint32_t)bin : LOUDNESS_BINS - 1;
}

void loudness_gate_block(struct loudness_gate *gate, double energy)
{
	int32_t bin = loudness_bin(loudness_from_energy(energy));

	if (bin < 0)
		return;
	gate->n_blocks++;
	gate->energy += energy;
	gate->count[bin]++;
	gate->bin_energy[bin] += energy;
	gate->group_count[bin / LOUDNESS_BIN_GROUP]++;
	gate->group_energy[bin / LOUDNESS_BIN_GROUP] += energy;
}

void loudness_gate_range(struct loudness_gate *gate, double energy)
{
	int32_t bin = loudness_bin(loudness_from_energy(energy));

	if (bin < 0)
		return;
	gate->n_ranges++;
	gate->range_energy += energy;
	gate->range_count[bin]++;
	gate->range_group_count[bin / LOUDNESS_BIN_GROUP]++;
}

double loudness_gate_integrated(const struct loudness_gate *gate, uint64_t *ret_blocks)
{
	uint64_t blocks = 0;
	double energy = 0.0;
	uint32_t bin, group;

	if (ret_blocks)
		*ret_blocks = 0;
	if (gate->n_blocks == 0)
		return -INFINITY;
	bin = loudness_gate_bin(loudness_from_energy(gate->energy / (double)gate->n_blocks) - 10.0);
	for (; bin % LOUDNESS_BIN_GROUP != 0; bin++) {
		blocks += gate->count[bin];
		energy += gate->bin_energy[bin];
	}
	for (group = bin / LOUDNESS_BIN_GROUP; group < LOUDNESS_BIN_GROUPS; group++) {
		blocks += gate->group_count[group];
		energy += gate->group_energy[group];
	}
	if (ret_blocks)
		*ret_blocks = blocks;
	return blocks ? loudness_from_energy(energy / (double)blocks) : -INFINITY;
}

/* The bin of the value with RANK others below it, counted from bin FIRST. */
static uint32_t loudness_gate_percentile(const struct loudness_gate *gate, uint32_t first,
					 uint64_t rank)
{
	uint32_t bin = first;

	while (bin < LOUDNESS_BINS - 1) {
		uint32_t group = bin / LOUDNESS_BIN_GROUP;

		if (bin % LOUDNESS_BIN_GROUP == 0 && rank >= gate->range_group_count[group]) {
			rank -= gate->range_group_count[group];
			bin += LOUDNESS_BIN_GROUP;
			continue;
		}
		if (rank < gate->range_count[bin])
			return bin;
		rank -= gate->range_count[bin++];
	}
	return LOUDNESS_BINS - 1;
}

/* The bins of both percentiles; false when nothing passed. */
static bool loudness_gate_lra_bins(const struct loudness_gate *gate, uint32_t *ret_low,
				   uint32_t *ret_high)
{
	uint64_t below = 0, above;
	uint32_t first;

	if (gate->n_ranges == 0)
		return false;
	first = loudness_gate_bin(
		loudness_from_energy(gate->range_energy / (double)gate->n_ranges) - 20.0);
	for (uint32_t group = 0; group < first / LOUDNESS_BIN_GROUP; group++)
		below += gate->range_group_count[group];
	for (uint32_t bin = first / LOUDNESS_BIN_GROUP * LOUDNESS_BIN_GROUP; bin < first; bin++)
		below += gate->range_count[bin];
	above = gate->n_ranges - below;
	if (above == 0)
		return false;
	*ret_low =
		loudness_gate_percentile(gate, first, (uint64_t)((double)(above - 1) * 0.10 + 0.5));
	*ret_high =
		loudness_gate_percentile(gate, first, (uint64_t)((double)(above - 1) * 0.95 + 0.5));
	return true;
}

double loudness_gate_lra(const struct loudness_gate *gate)
{
	uint32_t low, high;

	if (!loudness_gate_lra_bins(gate, &low, &high))
		return 0.0;
	return (high - low) / (double)LOUDNESS_BINS_PER_LU;
}

bool loudness_gate_lra_ends(const struct loudness_gate *gate, double *ret_low, double *ret_high)
{
	uint32_t low, high;

	if (!loudness_gate_lra_bins(gate, &low, &high))
		return false;
	*ret_low = LOUDNESS_FLOOR_LUFS + (low + 0.5) / LOUDNESS_BINS_PER_LU;
	*ret_high = LOUDNESS_FLOOR_LUFS + (high + 0.5) / LOUDNESS_BINS_PER_LU;
	return true;
}

void loudness_gate_add(struct loudness_gate *gate, const struct loudness_gate *other)
{
	gate->n_blocks += other->n_blocks;
	gate->energy += other->energy;
	gate->n_ranges += other->n_ranges;
	gate->range_energy += other->range_energy;
	for (uint32_t g = 0; g < LOUDNESS_BIN_GROUPS; g++) {
		gate->group_count[g] += other->group_count[g];
		gate->group_energy[g] += other->group_energy[g];
		gate->range_group_count[g] += other->range_group_count[g];
	}
	for (uint32_t b = 0; b < LOUDNESS_BINS; b++) {
		gate->count[b] += other->count[b];
		gate->bin_energy[b] += other->bin_energy[b];
		gate->range_count[b] += other->range_count[b];
	}
}

/* ---- all of it ------------------------------------------------------------------------------ */

void loudness_init(struct loudness *loudness, double rate_hz, uint32_t n_channels,
		   const double *weight)
{
	memset(loudness, 0, sizeof(*loudness));
	loudness_window_init(&loudness->window, rate_hz, n_channels, weight);
}

void loudness_reset(struct loudness *loudness)
{
	loudness_window_reset(&loudness->window);
	loudness->momentary = loudness->shortterm = 0.0;
	loudness->is_paused = false;
	loudness_restart(loudness);
}

void loudness_restart(struct loudness *loudness)
{
	memset(&loudness->gate, 0, sizeof(loudness->gate));
	loudness->since_ticks = loudness->unbroken_ticks = 0;
	loudness->momentary_max = loudness->shortterm_max = 0.0;
}

void loudness_pause(struct loudness *loudness, bool is_paused)
{
	loudness->is_paused = is_paused;
	if (is_paused)
		loudness->unbroken_ticks = 0;
}

static void loudness_integrate(struct loudness *loudness)
{
	uint64_t ticks = ++loudness->unbroken_ticks;
	bool is_hop = ticks % LOUDNESS_HOP_TICKS == 0;

	loudness->since_ticks++;
	if (ticks >= LOUDNESS_MOMENTARY_TICKS) {
		if (loudness->momentary > loudness->momentary_max)
			loudness->momentary_max = loudness->momentary;
		if (is_hop)
			loudness_gate_block(&loudness->gate, loudness->momentary);
	}
	if (ticks >= LOUDNESS_SHORTTERM_TICKS) {
		if (loudness->shortterm > loudness->shortterm_max)
			loudness->shortterm_max = loudness->shortterm;
		if (is_hop)
			loudness_gate_range(&loudness->gate, loudness->shortterm);
	}
}

bool loudness_feed(struct loudness *loudness, const float *const *in, uint32_t first,
		   uint32_t n_frames)
{
	struct loudness_window *window = &loudness->window;

	if (!loudness_window_feed(window, in, first, n_frames))
		return false;
	if (window->ticks >= LOUDNESS_MOMENTARY_TICKS)
		loudness->momentary = loudness_window_energy(window, LOUDNESS_MOMENTARY_TICKS);
	if (window->ticks >= LOUDNESS_SHORTTERM_TICKS)
		loudness->shortterm = loudness_window_energy(window, LOUDNESS_SHORTTERM_TICKS);
	if (!loudness->is_paused)
		loudness_integrate(loudness);
	return true;
}

void loudness_feed_all(struct loudness *loudness, const float *const *in, uint32_t n_frames)
{
	for (uint32_t first = 0; first < n_frames;) {
		uint32_t room = loudness_window_room(&loudness->window);
		uint32_t piece = n_frames - first < room ? n_frames - first : room;

		loudness_feed(loudness, in, first, piece);
		first += piece;
	}
}
