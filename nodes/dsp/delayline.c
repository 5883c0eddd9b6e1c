/* Structure: the table is read at two neighbouring positions, their taps are blended and multiplied
 * with 16 neighbouring samples: four vectors of 8 a frame. Samples from before the reset are put
 * together one by one as zeros, for the first moments only. */
#include "delayline.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "clones.h"
#include "lanes.h"
#include "window.h"

#include <mixd/rt.h>

#define DELAYLINE_BETA 7.5
#define DELAYLINE_SLICE 1024u /* room for the longest write beside the longest delay */

typedef float delayline_v8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef float delayline_v4 __attribute__((vector_size(16), aligned(4), may_alias));

void delayline_table_init(struct delayline_table *table)
{
	for (uint32_t p = 0; p <= DELAYLINE_PHASES; p++) {
		double tap[DELAYLINE_TAPS], sum = 0.0, part = (double)p / DELAYLINE_PHASES;

		for (uint32_t k = 0; k < DELAYLINE_TAPS; k++) {
			/* How far sample k, the oldest first, is from the wanted point. */
			double at = (double)k - DELAYLINE_BEHIND + part,
			       in = at / (DELAYLINE_TAPS / 2.0);

			tap[k] = window_bessel_i0(DELAYLINE_BETA * sqrt(fmax(1.0 - in * in, 0.0)));
			tap[k] *= at == 0.0 ? 1.0 : sin(M_PI * at) / (M_PI * at);
			if (p % DELAYLINE_PHASES == 0 && at != 0.0)
				tap[k] = 0.0;
			sum += tap[k];
		}
		for (uint32_t k = 0; k < DELAYLINE_TAPS; k++)
			table->tap[p][k] = (float)(tap[k] / sum);
	}
}

uint32_t delayline_frames(uint32_t longest)
{
	uint32_t frames = 1;

	while (frames < longest + DELAYLINE_SLICE)
		frames *= 2;
	return frames;
}

size_t delayline_bytes(uint32_t frames)
{
	return (frames + DELAYLINE_TAPS) * sizeof(float);
}

void delayline_write(const struct delayline *line, const struct delayline_clock *clock,
		     uint32_t offset, const float *x, uint32_t n_frames)
{
	uint32_t at = (clock->at + offset) & line->mask, frames = line->mask + 1;
	uint32_t head = frames - at < n_frames ? frames - at : n_frames;

	memcpy(line->ring + at, x, head * sizeof(float));
	memcpy(line->ring, x + head, (n_frames - head) * sizeof(float));
	if (at < DELAYLINE_TAPS || head < n_frames)
		memcpy(line->ring + frames, line->ring, DELAYLINE_TAPS * sizeof(float));
}

void delayline_copy(const struct delayline *line, const struct delayline_clock *clock,
		    uint32_t offset, uint32_t delay, float *ret, uint32_t n_frames)
{
	uint32_t known = clock->fill + offset, n_old = delay > known ? delay - known : 0;
	uint32_t at, frames = line->mask + 1, head;

	n_old = n_old < n_frames ? n_old : n_frames;
	memset(ret, 0, n_old * sizeof(float));
	n_frames -= n_old;
	at = (clock->at + offset + n_old - delay) & line->mask;
	head = frames - at < n_frames ? frames - at : n_frames;
	memcpy(ret + n_old, line->ring + at, head * sizeof(float));
	memcpy(ret + n_old + head, line->ring, (n_frames - head) * sizeof(float));
}

/* ---- between samples ---- */

struct delayline_place {
	uint32_t whole, phase;
	float part; /* of the way to the next phase */
};

MIXD_INLINE struct delayline_place delayline_place(double delay)
{
	double position = delay * DELAYLINE_PHASES;
	uint32_t place = (uint32_t)(int32_t)position;

	return (struct delayline_place){place / DELAYLINE_PHASES, place % DELAYLINE_PHASES,
					(float)(position - (double)(int32_t)place)};
}

/* Samples of which some are older than the reset. */
static void delayline_gather(const struct delayline *line, const struct delayline_clock *clock,
			     uint32_t frame, uint32_t whole, float *ret)
{
	for (uint32_t k = 0; k < DELAYLINE_TAPS; k++) {
		uint32_t back = whole + DELAYLINE_BEHIND - k;

		ret[k] = back > clock->fill + frame
				 ? 0.0f
				 : line->ring[(clock->at + frame - back) & line->mask];
	}
}

/* The 16 products, in four sums. */
MIXD_INLINE delayline_v4 delayline_dot(const float *near, float part, const float *x)
{
	const float *next = near + DELAYLINE_TAPS;
	delayline_v8 a = *(const delayline_v8 *)near, b = *(const delayline_v8 *)(near + 8), sum;
	delayline_v4 low, high;

	a += part * (*(const delayline_v8 *)next - a);
	b += part * (*(const delayline_v8 *)(next + 8) - b);
	sum = a * *(const delayline_v8 *)x + b * *(const delayline_v8 *)(x + 8);
	memcpy(&low, &sum, sizeof(low));
	memcpy(&high, (const char *)&sum + sizeof(low), sizeof(high));
	return low + high;
}

MIXD_INLINE float delayline_sum(delayline_v4 four)
{
	return (four[0] + four[2]) + (four[1] + four[3]);
}

MIXD_CLONES static void delayline_read_known(const struct delayline *line,
					     const struct delayline_table *table, uint32_t at,
					     const double *delay, float *ret, uint32_t n_frames)
{
	const float *taps = table->tap[0], *ring = line->ring;
	uint32_t i = 0;

	for (; i + 4 <= n_frames; i += 4) {
		lanes_f32x4 row[4];

		for (uint32_t k = 0; k < 4; k++) {
			struct delayline_place place = delayline_place(delay[i + k]);
			uint32_t oldest = at + i + k - place.whole - DELAYLINE_BEHIND;

			row[k] = delayline_dot(taps + place.phase * DELAYLINE_TAPS, place.part,
					       ring + (oldest & line->mask));
		}
		lanes_transpose4(row);
		*(delayline_v4 *)(ret + i) = (row[0] + row[2]) + (row[1] + row[3]);
	}
	for (; i < n_frames; i++) {
		struct delayline_place place = delayline_place(delay[i]);
		uint32_t oldest = at + i - place.whole - DELAYLINE_BEHIND;

		ret[i] = delayline_sum(delayline_dot(taps + place.phase * DELAYLINE_TAPS,
						     place.part, ring + (oldest & line->mask)));
	}
}

static void delayline_read_young(const struct delayline *line, const struct delayline_table *table,
				 const struct delayline_clock *clock, uint32_t frame, double delay,
				 float *ret)
{
	struct delayline_place place = delayline_place(delay);
	float x[DELAYLINE_TAPS];

	delayline_gather(line, clock, frame, place.whole, x);
	*ret = delayline_sum(delayline_dot(table->tap[place.phase], place.part, x));
}

void delayline_read(const struct delayline *line, const struct delayline_table *table,
		    const struct delayline_clock *clock, uint32_t offset, const double *delay,
		    float *ret, uint32_t n_frames)
{
	double longest = 0.0;

	for (uint32_t i = 0; i < n_frames; i++)
		longest = delay[i] > longest ? delay[i] : longest;
	if (clock->fill + offset >= longest + DELAYLINE_BEHIND + 1) {
		delayline_read_known(line, table, clock->at + offset, delay, ret, n_frames);
		return;
	}
	for (uint32_t i = 0; i < n_frames; i++)
		delayline_read_young(line, table, clock, offset + i, delay[i], ret + i);
}

void delayline_read_plain(const struct delayline *line, const struct delayline_table *table,
			  const struct delayline_clock *clock, uint32_t offset, const double *delay,
			  float *ret, uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_frames; i++) {
		struct delayline_place place = delayline_place(delay[i]);
		const float *near = table->tap[place.phase], *next = table->tap[place.phase + 1];
		float x[DELAYLINE_TAPS], lane[8];

		delayline_gather(line, clock, offset + i, place.whole, x);
		for (uint32_t k = 0; k < 8; k++)
			lane[k] =
				(near[k] + place.part * (next[k] - near[k])) * x[k] +
				(near[k + 8] + place.part * (next[k + 8] - near[k + 8])) * x[k + 8];
		for (uint32_t k = 0; k < 4; k++)
			lane[k] += lane[k + 4];
		ret[i] = (lane[0] + lane[2]) + (lane[1] + lane[3]);
	}
}
