/* media_pcm.c - see media_pcm.h.
 *
 * STRUCTURE   In pieces that stay in the first-level cache: bytes -> 32-bit words, left-aligned ->
 *             planar f32; and back. Three-byte samples are moved by byte shuffles, four at a time. */
#include "media_pcm.h"

#include <string.h>

#include "clones.h"

#define PIECE 2048u /* samples; 8 KiB of words */

typedef uint8_t pcm_u8x16 __attribute__((vector_size(16)));
typedef uint8_t pcm_u8x16u __attribute__((vector_size(16), aligned(1), may_alias));
typedef int32_t pcm_i32x4 __attribute__((vector_size(16)));
typedef int32_t pcm_i32x4u __attribute__((vector_size(16), aligned(4), may_alias));

typedef float pcm_f32x4 __attribute__((vector_size(16)));
typedef float pcm_f32x4u __attribute__((vector_size(16), aligned(4), may_alias));

#if defined(__clang__)
#define PCM_SHUFFLE4(a, b, ...) __builtin_shufflevector((a), (b), __VA_ARGS__)
#define PCM_SHUFFLE(a, b, ...) __builtin_shufflevector((a), (b), __VA_ARGS__)
#else
#define PCM_SHUFFLE4(a, b, ...) __builtin_shuffle((a), (b), (pcm_i32x4){__VA_ARGS__})
#define PCM_SHUFFLE(a, b, ...) __builtin_shuffle((a), (b), (pcm_u8x16){__VA_ARGS__})
#endif
/* Byte 16 is zero: that of the second operand. */
#define PCM_FROM_LITTLE 16, 0, 1, 2, 16, 3, 4, 5, 16, 6, 7, 8, 16, 9, 10, 11
#define PCM_FROM_BIG 16, 2, 1, 0, 16, 5, 4, 3, 16, 8, 7, 6, 16, 11, 10, 9
#define PCM_TO_LITTLE 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 16, 16, 16, 16
#define PCM_TO_BIG 2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 16, 16, 16, 16

/* ---- bytes to words ---------------------------------------------------------------------------- */

MIXD_INLINE uint32_t pcm_word_24(const uint8_t *b, bool is_big)
{
	return is_big ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8
		      : (uint32_t)b[2] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[0] << 8;
}

MIXD_INLINE void pcm_expand_24(int32_t *word, const uint8_t *bytes, uint32_t n, bool is_big)
{
	uint32_t i = 0;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	/* 16 bytes are loaded and 12 used: not at the very end. */
	for (; i + 6 <= n; i += 4) {
		pcm_u8x16 b = *(const pcm_u8x16u *)(bytes + (size_t)3 * i);

		b = is_big ? PCM_SHUFFLE(b, (pcm_u8x16){0}, PCM_FROM_BIG)
			   : PCM_SHUFFLE(b, (pcm_u8x16){0}, PCM_FROM_LITTLE);
		*(pcm_i32x4u *)(word + i) = (pcm_i32x4)b;
	}
#endif
	for (; i < n; i++)
		word[i] = (int32_t)pcm_word_24(bytes + (size_t)3 * i, is_big);
}

MIXD_CLONES static void pcm_expand_24_little(int32_t *word, const uint8_t *bytes, uint32_t n)
{
	pcm_expand_24(word, bytes, n, false);
}

MIXD_CLONES static void pcm_expand_24_big(int32_t *word, const uint8_t *bytes, uint32_t n)
{
	pcm_expand_24(word, bytes, n, true);
}

MIXD_CLONES static void pcm_expand_16(int32_t *restrict word, const uint8_t *restrict bytes,
				      uint32_t n, bool is_big)
{
	for (uint32_t i = 0; i < n; i++) {
		uint16_t s;

		memcpy(&s, bytes + (size_t)2 * i, 2);
		word[i] = (int32_t)((uint32_t)s << 16);
	}
	if (is_big != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__))
		for (uint32_t i = 0; i < n; i++) {
			uint32_t w = (uint32_t)word[i];

			word[i] = (int32_t)(w << 8 | (w >> 8 & 0x00ff0000u));
		}
}

MIXD_CLONES static void pcm_expand_32(int32_t *restrict word, const uint8_t *restrict bytes,
				      uint32_t n, bool is_big)
{
	memcpy(word, bytes, (size_t)4 * n);
	if (is_big != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__))
		for (uint32_t i = 0; i < n; i++)
			word[i] = (int32_t)__builtin_bswap32((uint32_t)word[i]);
}

MIXD_CLONES static void pcm_expand_8(int32_t *restrict word, const uint8_t *restrict bytes,
				     uint32_t n, uint8_t flip)
{
	for (uint32_t i = 0; i < n; i++)
		word[i] = (int32_t)((uint32_t)(bytes[i] ^ flip) << 24);
}

static void pcm_expand(const struct media_pcm *pcm, int32_t *word, const uint8_t *bytes, uint32_t n)
{
	if (pcm->bytes == 1)
		pcm_expand_8(word, bytes, n, pcm->is_unsigned ? 0x80 : 0);
	else if (pcm->bytes == 2)
		pcm_expand_16(word, bytes, n, pcm->is_big);
	else if (pcm->bytes == 3 && pcm->is_big)
		pcm_expand_24_big(word, bytes, n);
	else if (pcm->bytes == 3)
		pcm_expand_24_little(word, bytes, n);
	else
		pcm_expand_32(word, bytes, n, pcm->is_big);
}

MIXD_CLONES static uint32_t pcm_bits(const int32_t *word, uint32_t n)
{
	uint32_t bits = 0;

	for (uint32_t i = 0; i < n; i++)
		bits |= (uint32_t)word[i];
	return bits;
}

/* ---- words to planar floats -------------------------------------------------------------------- */

MIXD_INLINE float pcm_float(int32_t word, bool is_float)
{
	float x;

	if (!is_float)
		return (float)word * 0x1p-31f;
	memcpy(&x, &word, sizeof(x));
	return x;
}

MIXD_INLINE void pcm_split(float *restrict out, const int32_t *restrict word, uint32_t step,
			   uint32_t n, bool is_float)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] = pcm_float(word[(size_t)i * step], is_float);
}

MIXD_CLONES static void pcm_split_any(float *restrict out, const int32_t *restrict word,
				      uint32_t step, uint32_t n, bool is_float)
{
	if (step == 1 && is_float)
		memcpy(out, word, n * sizeof(*out));
	else if (step == 1)
		pcm_split(out, word, 1, n, false);
	else if (is_float)
		pcm_split(out, word, step, n, true);
	else
		pcm_split(out, word, step, n, false);
}

MIXD_INLINE void pcm_split_pair(float *restrict left, float *restrict right,
				const int32_t *restrict word, uint32_t n, bool is_float)
{
	for (uint32_t i = 0; i < n; i++) {
		left[i] = pcm_float(word[2 * i], is_float);
		right[i] = pcm_float(word[2 * i + 1], is_float);
	}
}

MIXD_CLONES static void pcm_split_stereo(float *restrict left, float *restrict right,
					 const int32_t *restrict word, uint32_t n, bool is_float)
{
	if (is_float)
		pcm_split_pair(left, right, word, n, true);
	else
		pcm_split_pair(left, right, word, n, false);
}

/* Stereo of 24 bits is what most files are: in one go, from bytes to floats. */
MIXD_CLONES static uint32_t pcm_stereo_24(float *restrict left, float *restrict right,
					  const uint8_t *restrict bytes, uint32_t n)
{
	uint32_t bits = 0, i = 0;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	pcm_i32x4 all = {0};

	for (; i + 5 <= n; i += 4) { /* the last 4 bytes that are loaded belong to the next */
		const uint8_t *at = bytes + (size_t)6 * i;
		pcm_u8x16 a = *(const pcm_u8x16u *)at, b = *(const pcm_u8x16u *)(at + 12);
		pcm_i32x4 c = (pcm_i32x4)PCM_SHUFFLE(a, (pcm_u8x16){0}, PCM_FROM_LITTLE);
		pcm_i32x4 d = (pcm_i32x4)PCM_SHUFFLE(b, (pcm_u8x16){0}, PCM_FROM_LITTLE);
		pcm_f32x4 l = __builtin_convertvector(PCM_SHUFFLE4(c, d, 0, 2, 4, 6), pcm_f32x4);
		pcm_f32x4 r = __builtin_convertvector(PCM_SHUFFLE4(c, d, 1, 3, 5, 7), pcm_f32x4);

		all |= c | d;
		*(pcm_f32x4u *)(left + i) = l * 0x1p-31f;
		*(pcm_f32x4u *)(right + i) = r * 0x1p-31f;
	}
	bits = (uint32_t)(all[0] | all[1] | all[2] | all[3]);
#endif
	for (; i < n; i++) {
		uint32_t l = pcm_word_24(bytes + (size_t)6 * i, false);
		uint32_t r = pcm_word_24(bytes + (size_t)6 * i + 3, false);

		bits |= l | r;
		left[i] = (float)(int32_t)l * 0x1p-31f;
		right[i] = (float)(int32_t)r * 0x1p-31f;
	}
	return bits;
}

/* And mono, as stems are. */
MIXD_CLONES static uint32_t pcm_mono_24(float *restrict out, const uint8_t *restrict bytes,
					uint32_t n)
{
	uint32_t bits = 0, i = 0;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	pcm_i32x4 all = {0};

	for (; i + 10 <= n; i += 8) { /* the last 4 bytes that are loaded belong to the next */
		const uint8_t *at = bytes + (size_t)3 * i;
		pcm_u8x16 a = *(const pcm_u8x16u *)at, b = *(const pcm_u8x16u *)(at + 12);
		pcm_i32x4 c = (pcm_i32x4)PCM_SHUFFLE(a, (pcm_u8x16){0}, PCM_FROM_LITTLE);
		pcm_i32x4 d = (pcm_i32x4)PCM_SHUFFLE(b, (pcm_u8x16){0}, PCM_FROM_LITTLE);

		all |= c | d;
		*(pcm_f32x4u *)(out + i) = __builtin_convertvector(c, pcm_f32x4) * 0x1p-31f;
		*(pcm_f32x4u *)(out + i + 4) = __builtin_convertvector(d, pcm_f32x4) * 0x1p-31f;
	}
	bits = (uint32_t)(all[0] | all[1] | all[2] | all[3]);
#endif
	for (; i < n; i++) {
		uint32_t word = pcm_word_24(bytes + (size_t)3 * i, false);

		bits |= word;
		out[i] = (float)(int32_t)word * 0x1p-31f;
	}
	return bits;
}

uint32_t media_pcm_decode(const struct media_pcm *pcm, const void *bytes, uint32_t n_channels,
			  const uint8_t *from, float *const *out, uint32_t n)
{
	int32_t word[PIECE];
	const uint8_t *at = bytes;
	uint32_t frames = PIECE / n_channels, bits = 0;

	if (n_channels == 2 && pcm->bytes == 3 && !pcm->is_big && !from)
		return pcm_stereo_24(out[0], out[1], bytes, n);
	if (n_channels == 1 && pcm->bytes == 3 && !pcm->is_big && !from)
		return pcm_mono_24(out[0], bytes, n);
	for (uint32_t done = 0; done < n;) {
		uint32_t now = n - done < frames ? n - done : frames;

		pcm_expand(pcm, word, at, now * n_channels);
		if (!pcm->is_float)
			bits |= pcm_bits(word, now * n_channels);
		if (n_channels == 2 && !from)
			pcm_split_stereo(out[0] + done, out[1] + done, word, now, pcm->is_float);
		else
			for (uint32_t c = 0; c < n_channels; c++)
				pcm_split_any(out[c] + done, word + (from ? from[c] : c),
					      n_channels, now, pcm->is_float);
		at += (size_t)now * n_channels * pcm->bytes;
		done += now;
	}
	return bits;
}

MIXD_CLONES static bool pcm_any_bad(const float *samples, uint32_t n)
{
	uint32_t bad = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t bits;

		memcpy(&bits, samples + i, sizeof(bits));
		bad |= (bits & 0x7f800000u) == 0x7f800000u;
	}
	return bad;
}

uint32_t media_pcm_first_bad(const float *samples, uint32_t n)
{
	uint32_t i = 0;

	if (!pcm_any_bad(samples, n))
		return n;
	while (samples[i] - samples[i] == 0.0f)
		i++;
	return i;
}

/* ---- and back ---------------------------------------------------------------------------------- */

MIXD_CLONES static void pcm_join_stereo(int32_t *restrict word, const int32_t *restrict left,
					const int32_t *restrict right, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		word[2 * i] = left[i];
		word[2 * i + 1] = right[i];
	}
}

static void pcm_join(int32_t *word, uint32_t n_channels, const uint8_t *from,
		     const int32_t *const *in, uint32_t at, uint32_t n)
{
	if (n_channels == 1) {
		memcpy(word, in[0] + at, n * sizeof(*word));
		return;
	}
	if (n_channels == 2 && !from) {
		pcm_join_stereo(word, in[0] + at, in[1] + at, n);
		return;
	}
	for (uint32_t c = 0; c < n_channels; c++) {
		const int32_t *channel = in[from ? from[c] : c] + at;

		for (uint32_t i = 0; i < n; i++)
			word[(size_t)i * n_channels + c] = channel[i];
	}
}

MIXD_INLINE void pcm_pack_24(uint8_t *bytes, const int32_t *word, uint32_t n, bool is_big)
{
	uint32_t i = 0;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	/* 16 bytes are stored and 12 count: there is room. */
	for (; i + 4 <= n; i += 4) {
		pcm_u8x16 w = (pcm_u8x16) * (const pcm_i32x4u *)(word + i);

		w = is_big ? PCM_SHUFFLE(w, (pcm_u8x16){0}, PCM_TO_BIG)
			   : PCM_SHUFFLE(w, (pcm_u8x16){0}, PCM_TO_LITTLE);
		*(pcm_u8x16u *)(bytes + (size_t)3 * i) = w;
	}
#endif
	for (; i < n; i++) {
		uint32_t w = (uint32_t)word[i];
		uint8_t *b = bytes + (size_t)3 * i;

		b[is_big ? 2 : 0] = (uint8_t)w;
		b[1] = (uint8_t)(w >> 8);
		b[is_big ? 0 : 2] = (uint8_t)(w >> 16);
	}
}

MIXD_CLONES static void pcm_pack_24_little(uint8_t *bytes, const int32_t *word, uint32_t n)
{
	pcm_pack_24(bytes, word, n, false);
}

MIXD_CLONES static void pcm_pack_24_big(uint8_t *bytes, const int32_t *word, uint32_t n)
{
	pcm_pack_24(bytes, word, n, true);
}

MIXD_CLONES static void pcm_pack_16(uint8_t *restrict bytes, const int32_t *restrict word,
				    uint32_t n, bool swap)
{
	for (uint32_t i = 0; i < n; i++) {
		uint16_t w = (uint16_t)word[i];

		if (swap)
			w = (uint16_t)(w << 8 | w >> 8);
		memcpy(bytes + (size_t)2 * i, &w, 2);
	}
}

MIXD_CLONES static void pcm_pack_32(uint8_t *restrict bytes, const int32_t *restrict word,
				    uint32_t n, bool swap)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t w = (uint32_t)word[i];

		if (swap)
			w = __builtin_bswap32(w);
		memcpy(bytes + (size_t)4 * i, &w, 4);
	}
}

void media_pcm_encode(const struct media_pcm *pcm, void *bytes, uint32_t n_channels,
		      const uint8_t *from, const int32_t *const *in, uint32_t n)
{
	const bool swap = pcm->is_big != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
	uint32_t frames = PIECE / n_channels;
	int32_t word[PIECE];
	uint8_t *at = bytes;

	for (uint32_t done = 0; done < n;) {
		uint32_t now = n - done < frames ? n - done : frames, samples = now * n_channels;

		pcm_join(word, n_channels, from, in, done, now);
		if (pcm->bytes == 1)
			for (uint32_t i = 0; i < samples; i++)
				at[i] = (uint8_t)(word[i] ^ (pcm->is_unsigned ? 0x80 : 0));
		else if (pcm->bytes == 2)
			pcm_pack_16(at, word, samples, swap);
		else if (pcm->bytes == 3 && pcm->is_big)
			pcm_pack_24_big(at, word, samples);
		else if (pcm->bytes == 3)
			pcm_pack_24_little(at, word, samples);
		else
			pcm_pack_32(at, word, samples, swap);
		at += (size_t)samples * pcm->bytes;
		done += now;
	}
}
