/* omlsa.h - how much of each bin of a spectrum is noise, and the gain that takes it away.
 *
 * WHAT        Two estimators on powers |Y|^2 of successive frames. The noise: by the probability that
 *             a bin holds speech (SPP-MMSE), kept from stagnation by minima over the last second. The
 *             gain: log-spectral amplitude (LSA) weighted with the presence of a signal (OMLSA), from
 *             a decision-directed signal-to-noise ratio.
 * THREADS     omlsa_place() [main]; the rest [rt].
 * INVARIANTS  O1 a frame of zeros changes nothing.
 *             O2 floor <= gain <= 1.
 * SOURCE      Noise: Gerkmann, Hendriks, Unbiased MMSE-Based Noise Power Estimation, IEEE TASLP
 *             20(4), 2012. Minima: Martin, IEEE TSAP 9(5), 2001. Gain: Ephraim, Malah, IEEE TASSP
 *             33(2), 1985; Cohen, Berdugo, Signal Processing 81, 2001.
 * NOT HERE    frames and transforms: stft.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What follows from the hop's duration; and what the user wants. */
struct omlsa_pace {
	float forget; /* of the noise per hop */
	float presence_forget;
	uint32_t start_hops; /* until the noise is trusted */
	uint32_t window_hops; /* half the window of the minima */
};

struct omlsa_wish {
	float floor; /* lowest gain */
	float over; /* noise is taken for this much more than it is */
	float follow; /* of the decision-directed ratio: 0.98 */
};

struct omlsa {
	/* --- immutable after init --- */
	uint32_t n_bins, n_padded;
	struct omlsa_pace pace;
	/* --- rt --- */
	uint64_t n_hops;
	float *noise; /* the estimate; write it to impose one */
	float *presence; /* of speech, averaged */
	float *smooth, *lowest, *lowest_before; /* minima */
	float *before; /* power of the signal estimated in the last frame */
	float *ratio; /* a-priori SNR */
	float *zeta; /* the same, averaged over time */
	float *around, *local; /* zeta over 3 and 31 bins: presence as the neighbours see it */
	float *gain; /* the result */
};

/* HOP_S: seconds from frame to frame. */
struct omlsa_pace omlsa_pace_of(double hop_s, bool is_slow);
size_t omlsa_bytes(uint32_t n_bins);
void omlsa_place(struct omlsa *omlsa, uint32_t n_bins, void *memory);
void omlsa_reset(struct omlsa *omlsa);

/* Take POWER (n_padded values, zeros behind n_bins) into the estimate of the noise. */
void omlsa_track(struct omlsa *omlsa, const float *power);
/* Noise is broad: what stands more than 3 dB above the mean in dB of the 48 bins around it is a tone
 * that lasts, and is cut to that. After omlsa_track(), where tones are to be kept. */
void omlsa_flatten(struct omlsa *omlsa);
/* omlsa->gain for POWER and the noise as it stands. */
void omlsa_gain(struct omlsa *omlsa, const float *power, const struct omlsa_wish *wish);

/* One value at a time, in f64 and with libm: what the tests compare with. */
double omlsa_presence_plain(double power, double noise);
double omlsa_lsa_plain(double ratio, double gamma);
/* And what the vectors do. */
float omlsa_lsa(float ratio, float gamma);
