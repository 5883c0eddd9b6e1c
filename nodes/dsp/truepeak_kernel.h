/* truepeak_kernel.h - the body of truepeak_envelope(), included once per vector width by
 * truepeak.c with TRUEPEAK_WIDTH and TRUEPEAK_TARGET set. */

#define TRUEPEAK_JOIN_(a, b) a##b
#define TRUEPEAK_JOIN(a, b) TRUEPEAK_JOIN_(a, b)
#define TRUEPEAK_V TRUEPEAK_JOIN(truepeak_v, TRUEPEAK_WIDTH)
#define TRUEPEAK_I TRUEPEAK_JOIN(truepeak_i, TRUEPEAK_WIDTH)

typedef float TRUEPEAK_V __attribute__((vector_size(TRUEPEAK_WIDTH * 4)));
typedef int32_t TRUEPEAK_I __attribute__((vector_size(TRUEPEAK_WIDTH * 4)));

/* Magnitudes are compared as integers, which keeps one order for all of them. */
#define TRUEPEAK_ABS(v) ((TRUEPEAK_I)(v)&0x7fffffff)
/* The higher magnitude of two mirrored phases. */
#define TRUEPEAK_BOTH(e, o)                                                                        \
	((TRUEPEAK_I)((TRUEPEAK_V)TRUEPEAK_ABS(e) + (TRUEPEAK_V)TRUEPEAK_ABS(o)))
#define TRUEPEAK_RAISE(high, v)                                                                    \
	do {                                                                                       \
		TRUEPEAK_I other_ = (v), more_ = other_ > (high);                                  \
		(high) = (other_ & more_) | ((high) & ~more_);                                     \
	} while (0)

TRUEPEAK_TARGET static inline __attribute__((always_inline)) void
TRUEPEAK_JOIN(truepeak_run_, TRUEPEAK_WIDTH)(const struct truepeak_filter *filter, const float *x,
					     float *envelope, uint32_t n_frames, uint32_t n_pairs)
{
	for (uint32_t i = 0; i < n_frames; i += TRUEPEAK_WIDTH) {
		/* One variable each: gcc does not keep an array of sums in registers. */
		TRUEPEAK_V middle = {0}, even0 = {0}, even1 = {0}, even2 = {0}, sample;
		TRUEPEAK_V odd0 = {0}, odd1 = {0}, odd2 = {0};
		TRUEPEAK_I high;

#pragma GCC unroll 16
		for (uint32_t k = 0; k < TRUEPEAK_TAPS / 2; k++) {
			TRUEPEAK_V early, late, sum, difference;

			__builtin_memcpy(&early, x + i + k - 31, sizeof(early));
			__builtin_memcpy(&late, x + i - k, sizeof(late));
			sum = early + late;
			difference = early - late;
			middle += filter->middle[k] * sum;
			if (n_pairs > 0) {
				even0 += filter->even[0][k] * sum;
				odd0 += filter->odd[0][k] * difference;
			}
			if (n_pairs > 1) {
				even1 += filter->even[1][k] * sum;
				odd1 += filter->odd[1][k] * difference;
				even2 += filter->even[2][k] * sum;
				odd2 += filter->odd[2][k] * difference;
			}
		}
		__builtin_memcpy(&sample, x + i - 16, sizeof(sample));
		high = TRUEPEAK_ABS(sample);
		TRUEPEAK_RAISE(high, TRUEPEAK_ABS(middle));
		if (n_pairs > 0)
			TRUEPEAK_RAISE(high, TRUEPEAK_BOTH(even0, odd0));
		if (n_pairs > 1) {
			TRUEPEAK_RAISE(high, TRUEPEAK_BOTH(even1, odd1));
			TRUEPEAK_RAISE(high, TRUEPEAK_BOTH(even2, odd2));
		}
		__builtin_memcpy(envelope + i, &high, sizeof(high));
	}
}

TRUEPEAK_TARGET static void TRUEPEAK_JOIN(truepeak_envelope_,
					  TRUEPEAK_WIDTH)(const struct truepeak_filter *filter,
							  const float *x, float *envelope,
							  uint32_t n_frames)
{
	if (filter->n_pairs == 3)
		TRUEPEAK_JOIN(truepeak_run_, TRUEPEAK_WIDTH)(filter, x, envelope, n_frames, 3);
	else
		TRUEPEAK_JOIN(truepeak_run_, TRUEPEAK_WIDTH)(filter, x, envelope, n_frames, 1);
}

TRUEPEAK_TARGET static void
TRUEPEAK_JOIN(truepeak_halves_, TRUEPEAK_WIDTH)(const struct truepeak_filter *filter,
						const float *x, float *envelope, uint32_t n_frames)
{
	TRUEPEAK_JOIN(truepeak_run_, TRUEPEAK_WIDTH)(filter, x, envelope, n_frames, 0);
}

#undef TRUEPEAK_JOIN_
#undef TRUEPEAK_JOIN
#undef TRUEPEAK_V
#undef TRUEPEAK_I
#undef TRUEPEAK_ABS
#undef TRUEPEAK_BOTH
#undef TRUEPEAK_RAISE
#undef TRUEPEAK_WIDTH
#undef TRUEPEAK_TARGET
