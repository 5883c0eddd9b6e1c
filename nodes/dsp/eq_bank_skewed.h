/* eq_bank_skewed.h - eq_bank.c's loop for two lanes: two sections in one vector of four.
 *
 * Lanes 0, 1 hold a section and lanes 2, 3 the next one, two frames behind, so that its input is
 * there when it is wanted and no step waits for the one before. Up to three such pairs follow one another.
 * At both ends of a call some lanes have nothing to do: their state is kept by a mask. The
 * arithmetic of each lane is that of eq_bank_kernel.h, to the bit. */

#define EQ_SKEW_PAIRS 3u /* per pass, at most */
#define EQ_SKEW_DELAY 2u /* frames between the sections of a pair */
#define EQ_SKEWED_MIN_FRAMES (2u * EQ_SKEW_PAIRS * EQ_SKEW_DELAY)

struct eq_skew {
	lanes_f64x4 c[SVF_COEFS], s1, s2; /* 1 + d0 for d0 */
	lanes_f64x4 last, before; /* outputs of the last two steps */
};

MIXD_INLINE lanes_f64x4 eq_skew_join(lanes_f64x2 a, lanes_f64x2 b)
{
	return (lanes_f64x4){a[0], a[1], b[0], b[1]};
}

MIXD_INLINE lanes_f64x4 eq_skew_load(const double *base, uint32_t word, uint32_t next)
{
	const lanes_f64x2 *v = (const lanes_f64x2 *)base;

	return eq_skew_join(v[word], v[next]);
}

MIXD_INLINE lanes_f64x4 eq_skew_select(lanes_i64x4 mask, lanes_f64x4 a, lanes_f64x4 b)
{
	return (lanes_f64x4)((mask & (lanes_i64x4)a) | (~mask & (lanes_i64x4)b));
}

MIXD_INLINE lanes_f64x2 eq_skew_step(struct eq_skew *pair, lanes_f64x2 x, const bool masked,
				     lanes_i64x4 busy)
{
	const lanes_f64x4 *c = pair->c;
	lanes_f64x4 in = eq_skew_join(x, (lanes_f64x2){pair->before[0], pair->before[1]});
	lanes_f64x4 v = in - pair->s2, p = pair->s1, s1, s2, y;

	y = c[3] * in + (c[4] * p + c[5] * pair->s2);
	s1 = c[0] * p + c[2] * v;
	s2 = (pair->s2 + c[2] * p) + c[1] * v;
	if (masked) {
		s1 = eq_skew_select(busy, s1, p);
		s2 = eq_skew_select(busy, s2, pair->s2);
	}
	pair->s1 = s1;
	pair->s2 = s2;
	pair->before = pair->last;
	pair->last = y;
	return (lanes_f64x2){y[2], y[3]};
}

/* A step at the beginning or end of a call: in PHASE p pair k has begun (ending: is not yet done)
 * with its first section when k <= p (k > p), with its second when k < p (k >= p). */
MIXD_INLINE void eq_skew_edge(struct eq_skew *pair, const uint32_t n_pairs, lanes_f64x2 *x,
			      uint32_t step, const uint32_t phase, const bool ending)
{
	lanes_f64x2 y = ending ? (lanes_f64x2){0.0, 0.0} : x[step];

	for (uint32_t k = 0; k < n_pairs; k++) {
		int64_t first = (ending ? k > phase : k <= phase) ? -1 : 0;
		int64_t second = (ending ? k >= phase : k < phase) ? -1 : 0;

		if (first || second)
			y = eq_skew_step(&pair[k], y, !(first && second),
					 (lanes_i64x4){first, first, second, second});
	}
	if (ending)
		x[step - n_pairs * EQ_SKEW_DELAY] = y;
}

/* Take up what lies in a bank's words, and put the state back. */
MIXD_INLINE void eq_skew_begin(struct eq_skew *pair, const double *state, const double *coef)
{
	for (uint32_t j = 0; j < SVF_COEFS; j++)
		pair->c[j] = eq_skew_load(coef, j, EQ_BANK_SECTION_WORDS + j);
	pair->c[3] = 1.0 + pair->c[3];
	pair->s1 = eq_skew_load(state, 0, 2);
	pair->s2 = eq_skew_load(state, 1, 3);
	pair->last = pair->before = (lanes_f64x4){0.0};
}

MIXD_INLINE void eq_skew_end(const struct eq_skew *pair, double *state)
{
	lanes_f64x2 *s = (lanes_f64x2 *)state;

	s[0] = (lanes_f64x2){pair->s1[0], pair->s1[1]};
	s[1] = (lanes_f64x2){pair->s2[0], pair->s2[1]};
	s[2] = (lanes_f64x2){pair->s1[2], pair->s1[3]};
	s[3] = (lanes_f64x2){pair->s2[2], pair->s2[3]};
}

/* 2 * N_PAIRS sections. */
MIXD_INLINE void eq_skew_pass(lanes_f64x2 *x, uint32_t n_frames, const uint32_t n_pairs,
			      double *state, const double *coef)
{
	const uint32_t delay = n_pairs * EQ_SKEW_DELAY;
	const size_t state_step = 2u * 2u * SVF_STATES, coef_step = 2u * 2u * EQ_BANK_SECTION_WORDS;
	struct eq_skew pair[EQ_SKEW_PAIRS];

	for (uint32_t k = 0; k < n_pairs; k++)
		eq_skew_begin(&pair[k], state + k * state_step, coef + k * coef_step);
	for (uint32_t i = 0; i < delay; i++)
		eq_skew_edge(pair, n_pairs, x, i, i / EQ_SKEW_DELAY, false);
	for (uint32_t i = delay; i < n_frames; i++) {
		lanes_f64x2 y = x[i];

		for (uint32_t k = 0; k < n_pairs; k++)
			y = eq_skew_step(&pair[k], y, false, (lanes_i64x4){0});
		x[i - delay] = y;
	}
	for (uint32_t i = 0; i < delay; i++)
		eq_skew_edge(pair, n_pairs, x, n_frames + i, i / EQ_SKEW_DELAY, true);
	for (uint32_t k = 0; k < n_pairs; k++)
		eq_skew_end(&pair[k], state + k * state_step);
}

/* All but an odd last section; returns how many. */
MIXD_INLINE uint32_t eq_skew_sections(lanes_f64x2 *x, uint32_t n_frames, uint32_t count,
				      double *state, const double *coef)
{
	const size_t state_step = SVF_STATES * 2u, coef_step = EQ_BANK_SECTION_WORDS * 2u;
	uint32_t done = 0;

	/* Passes of four, and of six where two would be left over. */
	for (; done + 4 <= count && done + 6 != count && done + 7 != count; done += 4)
		eq_skew_pass(x, n_frames, 2, state + done * state_step, coef + done * coef_step);
	if (done + 6 <= count) {
		eq_skew_pass(x, n_frames, 3, state + done * state_step, coef + done * coef_step);
		done += 6;
	} else if (done + 2 <= count) {
		eq_skew_pass(x, n_frames, 1, state + done * state_step, coef + done * coef_step);
		done += 2;
	}
	return done;
}
