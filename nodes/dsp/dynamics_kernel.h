/* dynamics_kernel.h - the recursions of dynamics.c, included once per width with LANES_W. */

#define DYN_PASTE_(a, b) a##b
#define DYN_PASTE(a, b) DYN_PASTE_(a, b)
#define DYN_NAME(name) DYN_PASTE(DYN_PASTE(name, _w), LANES_W)
#define DYN_V DYN_PASTE(lanes_f64x, LANES_W)
#define DYN_I DYN_PASTE(lanes_i64x, LANES_W)
#define DYN_F DYN_PASTE(lanes_f32x, LANES_W)
#define DYN_AT(base, word) (*(DYN_V *)((base) + (size_t)(word)*width))
#define DYN_X(base, i) (*(DYN_F *)((base) + (size_t)(i)*width))

MIXD_INLINE DYN_V DYN_NAME(dyn_select)(DYN_I mask, DYN_V a, DYN_V b)
{
	return (DYN_V)((mask & (DYN_I)a) | (~mask & (DYN_I)b));
}

/* Lane by lane in the source, one instruction in the machine. */
MIXD_INLINE DYN_V DYN_NAME(dyn_larger)(DYN_V a, DYN_V b)
{
	DYN_V larger = a;

	for (uint32_t lane = 0; lane < LANES_W; lane++)
		larger[lane] = a[lane] > b[lane] ? a[lane] : b[lane];
	return larger;
}

MIXD_INLINE void DYN_NAME(dyn_smooth_lanes)(float *x, uint32_t width, double *state,
					    const double *coef, uint32_t n)
{
	DYN_V attack = DYN_AT(coef, DYN_COEF_ATTACK), release = DYN_AT(coef, DYN_COEF_RELEASE);
	DYN_V in = 1.0 - attack, out = 1.0 - release;
	DYN_V released = DYN_AT(state, DYN_STATE_RELEASED);
	DYN_V reduction = DYN_AT(state, DYN_STATE_REDUCTION);

	for (uint32_t i = 0; i < n; i++) {
		DYN_V want = __builtin_convertvector(DYN_X(x, i), DYN_V);
		DYN_V fall = release * released + out * want;

		released = DYN_NAME(dyn_larger)(want, fall);
		reduction = attack * reduction + in * released;
		DYN_X(x, i) = __builtin_convertvector(reduction, DYN_F);
	}
	DYN_AT(state, DYN_STATE_RELEASED) = released;
	DYN_AT(state, DYN_STATE_REDUCTION) = reduction;
}

/* The same with hold and a release of its own per frame. */
MIXD_INLINE void DYN_NAME(dyn_smooth_extended)(float *x, const float *per_frame, uint32_t width,
					       double *state, const double *coef, uint32_t n)
{
	DYN_V attack = DYN_AT(coef, DYN_COEF_ATTACK), release = DYN_AT(coef, DYN_COEF_RELEASE);
	DYN_V in = 1.0 - attack, hold = DYN_AT(coef, DYN_COEF_HOLD_FRAMES);
	DYN_I automatic = DYN_AT(coef, DYN_COEF_AUTO) > 0.0;
	DYN_V released = DYN_AT(state, DYN_STATE_RELEASED);
	DYN_V reduction = DYN_AT(state, DYN_STATE_REDUCTION);
	DYN_V held = DYN_AT(state, DYN_STATE_HELD);

	for (uint32_t i = 0; i < n; i++) {
		DYN_V want = __builtin_convertvector(DYN_X(x, i), DYN_V), r = release, fall;

		if (per_frame)
			r = DYN_NAME(dyn_select)(
				automatic, __builtin_convertvector(DYN_X(per_frame, i), DYN_V), r);
		fall = r * released + (1.0 - r) * want;
		fall = DYN_NAME(dyn_select)(held > 0.0, released, fall);
		held = DYN_NAME(dyn_select)(want >= released, hold, held - 1.0);
		released = DYN_NAME(dyn_larger)(want, fall);
		reduction = attack * reduction + in * released;
		DYN_X(x, i) = __builtin_convertvector(reduction, DYN_F);
	}
	DYN_AT(state, DYN_STATE_RELEASED) = released;
	DYN_AT(state, DYN_STATE_REDUCTION) = reduction;
	DYN_AT(state, DYN_STATE_HELD) = held;
}

MIXD_CLONES static void DYN_NAME(dyn_smooth)(float *x, const float *release, bool hold,
					     uint32_t width, double *state, const double *coef,
					     uint32_t n)
{
	for (uint32_t first = 0; first < width; first += LANES_W) {
		if (release || hold)
			DYN_NAME(dyn_smooth_extended)
		(x + first, release ? release + first : NULL, width, state + first, coef + first,
		 n);
		else DYN_NAME(dyn_smooth_lanes)(x + first, width, state + first, coef + first, n);
	}
}

MIXD_CLONES static void DYN_NAME(dyn_mean_power)(float *x, uint32_t width, double *state,
						 const double *coef, uint32_t n)
{
	for (uint32_t first = 0; first < width; first += LANES_W) {
		DYN_V keep = DYN_AT(coef + first, DYN_COEF_POWER), take = 1.0 - keep;
		DYN_V power = DYN_AT(state + first, DYN_STATE_POWER);

		for (uint32_t i = 0; i < n; i++) {
			power = keep * power +
				take * __builtin_convertvector(DYN_X(x + first, i), DYN_V);
			DYN_X(x + first, i) = __builtin_convertvector(power, DYN_F);
		}
		DYN_AT(state + first, DYN_STATE_POWER) = power;
	}
}

MIXD_CLONES static void DYN_NAME(dyn_crest)(const float *x, float *ret_peak, float *ret_mean,
					    uint32_t width, double *state, const double *coef,
					    uint32_t n)
{
	for (uint32_t first = 0; first < width; first += LANES_W) {
		DYN_V keep = DYN_AT(coef + first, DYN_COEF_CREST), take = 1.0 - keep;
		DYN_V peak = DYN_AT(state + first, DYN_STATE_PEAK);
		DYN_V mean = DYN_AT(state + first, DYN_STATE_MEAN);

		for (uint32_t i = 0; i < n; i++) {
			DYN_V power = __builtin_convertvector(DYN_X(x + first, i), DYN_V);
			DYN_V fall = keep * peak + take * power;

			peak = DYN_NAME(dyn_larger)(power, fall);
			mean = keep * mean + take * power;
			DYN_X(ret_peak + first, i) = __builtin_convertvector(peak, DYN_F);
			DYN_X(ret_mean + first, i) = __builtin_convertvector(mean, DYN_F);
		}
		DYN_AT(state + first, DYN_STATE_PEAK) = peak;
		DYN_AT(state + first, DYN_STATE_MEAN) = mean;
	}
}

#undef DYN_NAME
#undef DYN_V
#undef DYN_I
#undef DYN_F
#undef DYN_AT
#undef DYN_X
