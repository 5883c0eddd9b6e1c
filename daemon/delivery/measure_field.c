/* measure_field.c - where in the stereo field the sound is.
 *
 * SOURCE      The direction of a pair of channels over 10 ms is the main axis of its samples: that of the
 *             larger eigenvalue of the matrix of squares and product (Jolliffe, Principal Component
 *             Analysis, 2002, 1.1), half the angle of (left^2 - right^2, 2 left right). An equal-power
 *             pan (Ballou, Handbook for Sound Engineers) by P degrees comes out as P.
 * SCALE       degrees: 0 the same in both channels, -45 left alone, 45 right alone, beyond these out of
 *             phase; +-90 the one is the other turned round. Shares of energy, 1 in all. */
#include "measure_private.h"

#include <math.h>

struct field {
	double energy[MEASURE_DIRECTIONS], total;
};

static void field_block(struct measure *measure, void *part)
{
	struct field *field = part;

	if (measure->left < 0 || measure->right < 0)
		return;
	for (uint32_t k = 0; k < measure->n_ticks; k++) {
		const struct measure_tick *tick = &measure->tick[k];
		double left = tick->left_square, right = tick->right_square, angle;
		uint32_t direction;

		if (!(left + right > 0.0))
			continue;
		angle = atan2(2.0 * tick->product, left - right) / 2.0 - M_PI / 4.0;
		/* -135 .. 45 degrees: an axis has two ends */
		direction = (uint32_t)lround((angle / M_PI + 1.5) * MEASURE_DIRECTIONS) %
			    MEASURE_DIRECTIONS;
		field->energy[direction] += left + right;
		field->total += left + right;
	}
}

static void field_finish(struct measure *measure, void *part, struct measure_result *ret)
{
	const struct field *field = part;

	(void)measure;
	for (uint32_t k = 0; k < MEASURE_DIRECTIONS && field->total > 0.0; k++)
		ret->direction[k] = field->energy[k] / field->total;
}

const struct measure_part measure_field_part = {
	.what = MEASURE_SERIES,
	.size = sizeof(struct field),
	.block = field_block,
	.finish = field_finish,
};
