/* fft_kernel.h - the passes of fft_plain.c in vectors, included once per width by fft.c with
 * FFT_WIDTH (4, 8, 16 floats) and FFT_TARGET set.
 *
 * Vectors run along q, the interleaved transforms, where there are enough of them; in the first two
 * passes of a single transform they run along p, and results are interleaved on their way out. */

#define FFT_JOIN_(a, b) a##b
#define FFT_JOIN(a, b) FFT_JOIN_(a, b)
#define FFT_NAME(name) FFT_JOIN(fft_##name##_, FFT_WIDTH)
#define FFT_V FFT_JOIN(fft_v, FFT_WIDTH)
#define FFT_U FFT_JOIN(fft_u, FFT_WIDTH)
#define FFT_C struct FFT_JOIN(fft_c, FFT_WIDTH)
#define FFT_INLINE FFT_TARGET static inline __attribute__((always_inline, unused))

typedef float FFT_V __attribute__((vector_size(FFT_WIDTH * 4)));
typedef float FFT_U __attribute__((vector_size(FFT_WIDTH * 4), aligned(4), may_alias));
FFT_C
{
	FFT_V re, im;
};

#define FFT_LOAD(at) (*(const FFT_U *)(at))
#define FFT_STORE(at, v) (*(FFT_U *)(at) = (v))
#define FFT_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)

FFT_INLINE FFT_C FFT_NAME(add)(FFT_C a, FFT_C b)
{
	return (FFT_C){a.re + b.re, a.im + b.im};
}

FFT_INLINE FFT_C FFT_NAME(sub)(FFT_C a, FFT_C b)
{
	return (FFT_C){a.re - b.re, a.im - b.im};
}

FFT_INLINE FFT_C FFT_NAME(mul)(FFT_C a, FFT_V re, FFT_V im)
{
	return (FFT_C){a.re * re - a.im * im, a.re * im + a.im * re};
}

FFT_INLINE void FFT_NAME(dft4)(const FFT_C *x, FFT_C *y)
{
	FFT_C sum02 = FFT_NAME(add)(x[0], x[2]), dif02 = FFT_NAME(sub)(x[0], x[2]);
	FFT_C sum13 = FFT_NAME(add)(x[1], x[3]), dif13 = FFT_NAME(sub)(x[1], x[3]);

	y[0] = FFT_NAME(add)(sum02, sum13);
	y[1] = (FFT_C){dif02.re + dif13.im, dif02.im - dif13.re};
	y[2] = FFT_NAME(sub)(sum02, sum13);
	y[3] = (FFT_C){dif02.re - dif13.im, dif02.im + dif13.re};
}

FFT_INLINE void FFT_NAME(dft8)(const FFT_C *x, FFT_C *y)
{
	const FFT_V half = (FFT_V){0} + (float)M_SQRT1_2;
	FFT_C sum[4], dif[4], even[4], odd[4];

#pragma GCC unroll 4
	for (uint32_t i = 0; i < 4; i++) {
		sum[i] = FFT_NAME(add)(x[i], x[i + 4]);
		dif[i] = FFT_NAME(sub)(x[i], x[i + 4]);
	}
	dif[1] = (FFT_C){(dif[1].im + dif[1].re) * half, (dif[1].im - dif[1].re) * half};
	dif[2] = (FFT_C){dif[2].im, -dif[2].re};
	dif[3] = (FFT_C){(dif[3].im - dif[3].re) * half, (dif[3].im + dif[3].re) * -half};
	FFT_NAME(dft4)(sum, even);
	FFT_NAME(dft4)(dif, odd);
#pragma GCC unroll 4
	for (uint32_t i = 0; i < 4; i++) {
		y[2 * i] = even[i];
		y[2 * i + 1] = odd[i];
	}
}

/* ---- moves between lanes ---- */

#if FFT_WIDTH == 4
#define FFT_EVEN 0, 2, 4, 6
#define FFT_ODD 1, 3, 5, 7
#define FFT_LOW 0, 4, 1, 5
#define FFT_HIGH 2, 6, 3, 7
#define FFT_REVERSE 3, 2, 1, 0
#elif FFT_WIDTH == 8
#define FFT_EVEN 0, 2, 4, 6, 8, 10, 12, 14
#define FFT_ODD 1, 3, 5, 7, 9, 11, 13, 15
#define FFT_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define FFT_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#define FFT_REVERSE 7, 6, 5, 4, 3, 2, 1, 0
#else
#define FFT_EVEN 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define FFT_ODD 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define FFT_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define FFT_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define FFT_REVERSE 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0
#endif

FFT_INLINE FFT_V FFT_NAME(reverse)(FFT_V a)
{
	return FFT_SHUFFLE(a, a, FFT_REVERSE);
}

/* Store FFT_WIDTH groups of four: r[0][0] r[1][0] r[2][0] r[3][0] r[0][1] ... */
FFT_INLINE void FFT_NAME(store_fours)(float *to, FFT_V r0, FFT_V r1, FFT_V r2, FFT_V r3)
{
#if FFT_WIDTH == 4
	FFT_V a = FFT_SHUFFLE(r0, r2, 0, 4, 1, 5), b = FFT_SHUFFLE(r0, r2, 2, 6, 3, 7);
	FFT_V c = FFT_SHUFFLE(r1, r3, 0, 4, 1, 5), d = FFT_SHUFFLE(r1, r3, 2, 6, 3, 7);

	FFT_STORE(to, FFT_SHUFFLE(a, c, 0, 4, 1, 5));
	FFT_STORE(to + 4, FFT_SHUFFLE(a, c, 2, 6, 3, 7));
	FFT_STORE(to + 8, FFT_SHUFFLE(b, d, 0, 4, 1, 5));
	FFT_STORE(to + 12, FFT_SHUFFLE(b, d, 2, 6, 3, 7));
#elif FFT_WIDTH == 8
/* Within halves first, then halves. */
#define FFT_UNPACK_LOW(a, b) FFT_SHUFFLE(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define FFT_UNPACK_HIGH(a, b) FFT_SHUFFLE(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
	FFT_V a = FFT_UNPACK_LOW(r0, r2), b = FFT_UNPACK_HIGH(r0, r2);
	FFT_V c = FFT_UNPACK_LOW(r1, r3), d = FFT_UNPACK_HIGH(r1, r3);
	FFT_V t0 = FFT_UNPACK_LOW(a, c), t1 = FFT_UNPACK_HIGH(a, c);
	FFT_V t2 = FFT_UNPACK_LOW(b, d), t3 = FFT_UNPACK_HIGH(b, d);

	FFT_STORE(to, FFT_SHUFFLE(t0, t1, 0, 1, 2, 3, 8, 9, 10, 11));
	FFT_STORE(to + 8, FFT_SHUFFLE(t2, t3, 0, 1, 2, 3, 8, 9, 10, 11));
	FFT_STORE(to + 16, FFT_SHUFFLE(t0, t1, 4, 5, 6, 7, 12, 13, 14, 15));
	FFT_STORE(to + 24, FFT_SHUFFLE(t2, t3, 4, 5, 6, 7, 12, 13, 14, 15));
#undef FFT_UNPACK_LOW
#undef FFT_UNPACK_HIGH
#else
	FFT_V a = FFT_SHUFFLE(r0, r2, FFT_LOW), b = FFT_SHUFFLE(r0, r2, FFT_HIGH);
	FFT_V c = FFT_SHUFFLE(r1, r3, FFT_LOW), d = FFT_SHUFFLE(r1, r3, FFT_HIGH);

	FFT_STORE(to, FFT_SHUFFLE(a, c, FFT_LOW));
	FFT_STORE(to + 16, FFT_SHUFFLE(a, c, FFT_HIGH));
	FFT_STORE(to + 32, FFT_SHUFFLE(b, d, FFT_LOW));
	FFT_STORE(to + 48, FFT_SHUFFLE(b, d, FFT_HIGH));
#endif
}

/* The same with groups of four neighbours in the place of single numbers: for a stride of 4. */
FFT_INLINE void FFT_NAME(store_four_fours)(float *to, FFT_V r0, FFT_V r1, FFT_V r2, FFT_V r3)
{
#if FFT_WIDTH == 4
	FFT_STORE(to, r0);
	FFT_STORE(to + 4, r1);
	FFT_STORE(to + 8, r2);
	FFT_STORE(to + 12, r3);
#elif FFT_WIDTH == 8
	FFT_STORE(to, FFT_SHUFFLE(r0, r1, 0, 1, 2, 3, 8, 9, 10, 11));
	FFT_STORE(to + 8, FFT_SHUFFLE(r2, r3, 0, 1, 2, 3, 8, 9, 10, 11));
	FFT_STORE(to + 16, FFT_SHUFFLE(r0, r1, 4, 5, 6, 7, 12, 13, 14, 15));
	FFT_STORE(to + 24, FFT_SHUFFLE(r2, r3, 4, 5, 6, 7, 12, 13, 14, 15));
#else
#define FFT_QUARTERS_01(a, b)                                                                      \
	FFT_SHUFFLE(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
#define FFT_QUARTERS_23(a, b)                                                                      \
	FFT_SHUFFLE(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)
#define FFT_QUARTERS_02(a, b)                                                                      \
	FFT_SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)
#define FFT_QUARTERS_13(a, b)                                                                      \
	FFT_SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31)
	FFT_V low01 = FFT_QUARTERS_01(r0, r1), high01 = FFT_QUARTERS_23(r0, r1);
	FFT_V low23 = FFT_QUARTERS_01(r2, r3), high23 = FFT_QUARTERS_23(r2, r3);

	FFT_STORE(to, FFT_QUARTERS_02(low01, low23));
	FFT_STORE(to + 16, FFT_QUARTERS_13(low01, low23));
	FFT_STORE(to + 32, FFT_QUARTERS_02(high01, high23));
	FFT_STORE(to + 48, FFT_QUARTERS_13(high01, high23));
#undef FFT_QUARTERS_01
#undef FFT_QUARTERS_23
#undef FFT_QUARTERS_02
#undef FFT_QUARTERS_13
#endif
}

/* ---- passes ---- */

/* Stride 1, vectors along p. PAIRED: xr holds re and im in turns. */
FFT_INLINE void FFT_NAME(first)(const struct fft_stage *stage, const float *xr, const float *xi,
				float *yr, float *yi, const int paired)
{
	uint32_t part = stage->length / 4;
	const float *w = stage->twiddle;

	for (uint32_t p = 0; p < part; p += FFT_WIDTH) {
		FFT_C x[4], y[4];

#pragma GCC unroll 4
		for (uint32_t i = 0; i < 4; i++) {
			if (paired) {
				const float *from = xr + 2 * (p + (size_t)i * part);
				FFT_V a = FFT_LOAD(from), b = FFT_LOAD(from + FFT_WIDTH);

				x[i].re = FFT_SHUFFLE(a, b, FFT_EVEN);
				x[i].im = FFT_SHUFFLE(a, b, FFT_ODD);
			} else {
				x[i].re = FFT_LOAD(xr + p + (size_t)i * part);
				x[i].im = FFT_LOAD(xi + p + (size_t)i * part);
			}
		}
		FFT_NAME(dft4)(x, y);
#pragma GCC unroll 3
		for (uint32_t i = 1; i < 4; i++)
			y[i] = FFT_NAME(mul)(y[i], FFT_LOAD(w + (2 * i - 2) * part + p),
					     FFT_LOAD(w + (2 * i - 1) * part + p));
		FFT_NAME(store_fours)(yr + 4 * (size_t)p, y[0].re, y[1].re, y[2].re, y[3].re);
		FFT_NAME(store_fours)(yi + 4 * (size_t)p, y[0].im, y[1].im, y[2].im, y[3].im);
	}
}

/* Stride 4, vectors along q and p: twiddles are read four times each, from `spread`. */
FFT_INLINE void FFT_NAME(second)(const struct fft_stage *stage, const float *xr, const float *xi,
				 float *yr, float *yi)
{
	uint32_t part = stage->length; /* of four q each */
	const float *w = stage->spread;

	for (uint32_t at = 0; at < part; at += FFT_WIDTH) {
		FFT_C x[4], y[4];

#pragma GCC unroll 4
		for (uint32_t i = 0; i < 4; i++)
			x[i] = (FFT_C){FFT_LOAD(xr + at + (size_t)i * part),
				       FFT_LOAD(xi + at + (size_t)i * part)};
		FFT_NAME(dft4)(x, y);
#pragma GCC unroll 3
		for (uint32_t i = 1; i < 4; i++)
			y[i] = FFT_NAME(mul)(y[i], FFT_LOAD(w + (2 * i - 2) * part + at),
					     FFT_LOAD(w + (2 * i - 1) * part + at));
		FFT_NAME(store_four_fours)(yr + 4 * (size_t)at, y[0].re, y[1].re, y[2].re, y[3].re);
		FFT_NAME(store_four_fours)(yi + 4 * (size_t)at, y[0].im, y[1].im, y[2].im, y[3].im);
	}
}

/* Any stride that vectors divide. Points of the input are PITCH apart. */
FFT_INLINE void FFT_NAME(wide)(const struct fft_stage *stage, uint32_t stride, uint32_t pitch,
			       const float *xr, const float *xi, float *yr, float *yi)
{
	uint32_t part = stage->length / 4;
	const float *w = stage->twiddle;

	for (uint32_t p = 0; p < part; p++) {
		FFT_V wr[4], wi[4];

#pragma GCC unroll 3
		for (uint32_t i = 1; i < 4; i++) {
			wr[i] = (FFT_V){0} + w[(2 * i - 2) * part + p];
			wi[i] = (FFT_V){0} + w[(2 * i - 1) * part + p];
		}
		for (uint32_t q = 0; q < stride; q += FFT_WIDTH) {
			FFT_C x[4], y[4];

#pragma GCC unroll 4
			for (uint32_t i = 0; i < 4; i++) {
				size_t from = q + (size_t)pitch * (p + (size_t)i * part);

				x[i] = (FFT_C){FFT_LOAD(xr + from), FFT_LOAD(xi + from)};
			}
			FFT_NAME(dft4)(x, y);
#pragma GCC unroll 3
			for (uint32_t i = 1; i < 4; i++)
				y[i] = FFT_NAME(mul)(y[i], wr[i], wi[i]);
#pragma GCC unroll 4
			for (uint32_t i = 0; i < 4; i++) {
				size_t to = q + (size_t)stride * (4 * p + i);

				FFT_STORE(yr + to, y[i].re);
				FFT_STORE(yi + to, y[i].im);
			}
		}
	}
}

/* How a last pass leaves its points. */
enum FFT_NAME(out) {
	FFT_NAME(SPLIT),
	FFT_NAME(PAIRED), /* to yi: im and re in turns, as an inverse by swapping wants it */
	FFT_NAME(PAIRED_LANES), /* the same, FFT_LANES at a time */
};

FFT_INLINE void FFT_NAME(put)(float *yr, float *yi, size_t to, FFT_C y, const int out)
{
	if (out == FFT_NAME(PAIRED)) {
		FFT_STORE(yi + 2 * to, FFT_SHUFFLE(y.im, y.re, FFT_LOW));
		FFT_STORE(yi + 2 * to + FFT_WIDTH, FFT_SHUFFLE(y.im, y.re, FFT_HIGH));
	} else if (out == FFT_NAME(PAIRED_LANES)) {
		size_t at = 2 * to - to % FFT_LANES;

		FFT_STORE(yi + at, y.im);
		FFT_STORE(yi + at + FFT_LANES, y.re);
	} else {
		FFT_STORE(yr + to, y.re);
		FFT_STORE(yi + to, y.im);
	}
}

/* The last pass: no twiddles, one p. */
FFT_INLINE void FFT_NAME(last_8)(uint32_t stride, uint32_t pitch, const float *xr, const float *xi,
				 float *yr, float *yi, const int out)
{
	for (uint32_t q = 0; q < stride; q += FFT_WIDTH) {
		FFT_C x[8], y[8];

#pragma GCC unroll 8
		for (uint32_t i = 0; i < 8; i++)
			x[i] = (FFT_C){FFT_LOAD(xr + q + (size_t)i * pitch),
				       FFT_LOAD(xi + q + (size_t)i * pitch)};
		FFT_NAME(dft8)(x, y);
#pragma GCC unroll 8
		for (uint32_t i = 0; i < 8; i++)
			FFT_NAME(put)(yr, yi, q + (size_t)i * stride, y[i], out);
	}
}

FFT_INLINE void FFT_NAME(last_4)(uint32_t stride, uint32_t pitch, const float *xr, const float *xi,
				 float *yr, float *yi, const int out)
{
	for (uint32_t q = 0; q < stride; q += FFT_WIDTH) {
		FFT_C x[4], y[4];

#pragma GCC unroll 4
		for (uint32_t i = 0; i < 4; i++)
			x[i] = (FFT_C){FFT_LOAD(xr + q + (size_t)i * pitch),
				       FFT_LOAD(xi + q + (size_t)i * pitch)};
		FFT_NAME(dft4)(x, y);
#pragma GCC unroll 4
		for (uint32_t i = 0; i < 4; i++)
			FFT_NAME(put)(yr, yi, q + (size_t)i * stride, y[i], out);
	}
}

/* ---- what the table of this width holds ---- */

#define FFT_PASS(name)                                                                             \
	FFT_TARGET static void FFT_NAME(name)(const struct fft_stage *stage, uint32_t stride,      \
					      uint32_t pitch, const float *xr, const float *xi,    \
					      float *yr, float *yi)

FFT_PASS(pass_first)
{
	FFT_NAME(first)(stage, xr, xi, yr, yi, 0);
}

FFT_PASS(pass_first_paired)
{
	FFT_NAME(first)(stage, xr, xi, yr, yi, 1);
}

FFT_PASS(pass_second)
{
	FFT_NAME(second)(stage, xr, xi, yr, yi);
}

FFT_PASS(pass_wide)
{
	FFT_NAME(wide)(stage, stride, pitch, xr, xi, yr, yi);
}

#define FFT_LAST(name, out)                                                                        \
	FFT_PASS(name)                                                                             \
	{                                                                                          \
		if (stage->radix == 8)                                                             \
			FFT_NAME(last_8)(stride, pitch, xr, xi, yr, yi, out);                      \
		else                                                                               \
			FFT_NAME(last_4)(stride, pitch, xr, xi, yr, yi, out);                      \
	}

FFT_LAST(pass_last, FFT_NAME(SPLIT))
FFT_LAST(pass_last_paired, FFT_NAME(PAIRED))
FFT_LAST(pass_last_paired_lanes, FFT_NAME(PAIRED_LANES))

/* ---- between the spectra of pairs and of samples; k and its mirror image half - k ---- */

/* a = Z[k], b = Z[half - k]; see fft_unfold_plain(). */
FFT_INLINE void FFT_NAME(unfold_step)(FFT_C *a, FFT_C *b, FFT_V wr, FFT_V wi)
{
	FFT_V er = (a->re + b->re) * 0.5f, ei = (a->im - b->im) * 0.5f;
	FFT_V odd_re = a->im + b->im, odd_im = b->re - a->re;
	FFT_V tr, ti;

	wr *= 0.5f;
	wi *= 0.5f;
	tr = odd_re * wr - odd_im * wi;
	ti = odd_re * wi + odd_im * wr;
	*a = (FFT_C){er + tr, ei + ti};
	*b = (FFT_C){er - tr, ti - ei};
}

FFT_INLINE void FFT_NAME(fold_step)(FFT_C *a, FFT_C *b, FFT_V wr, FFT_V wi)
{
	FFT_V er = a->re + b->re, ei = a->im - b->im;
	FFT_V dr = a->re - b->re, di = a->im + b->im;
	FFT_V tr = dr * wr + di * wi, ti = di * wr - dr * wi;

	*a = (FFT_C){er - ti, ei + tr};
	*b = (FFT_C){er + ti, tr - ei};
}

/* In place; half is a multiple of twice the width. */
FFT_TARGET static void FFT_NAME(unfold)(const struct fft_plan *plan, float *re, float *im)
{
	const float *wr = plan->fold, *wi = plan->fold + plan->fold_stride;
	uint32_t half = plan->points;

	re[half] = re[0]; /* the mirror image of k = 0 */
	im[half] = im[0];
	for (uint32_t k = 0; k < half / 2; k += FFT_WIDTH) {
		uint32_t mirror = half - k - (FFT_WIDTH - 1);
		FFT_C a = {FFT_LOAD(re + k), FFT_LOAD(im + k)};
		FFT_C b = {FFT_NAME(reverse)(FFT_LOAD(re + mirror)),
			   FFT_NAME(reverse)(FFT_LOAD(im + mirror))};

		FFT_NAME(unfold_step)(&a, &b, FFT_LOAD(wr + k), FFT_LOAD(wi + k));
		FFT_STORE(re + k, a.re);
		FFT_STORE(im + k, a.im);
		FFT_STORE(re + mirror, FFT_NAME(reverse)(b.re));
		FFT_STORE(im + mirror, FFT_NAME(reverse)(b.im));
	}
	im[0] = im[half] = 0.0f;
	im[half / 2] = -im[half / 2]; /* its own mirror image */
}

FFT_TARGET static void FFT_NAME(fold)(const struct fft_plan *plan, const float *re, const float *im,
				      float *zr, float *zi)
{
	const float *wr = plan->fold, *wi = plan->fold + plan->fold_stride;
	uint32_t half = plan->points;

	/* From the end, so that what is stored beyond zr and zi is overwritten or cut off. */
	for (uint32_t k = half / 2; k > 0;) {
		uint32_t mirror;
		FFT_C a, b;

		k -= FFT_WIDTH;
		mirror = half - k - (FFT_WIDTH - 1);
		a = (FFT_C){FFT_LOAD(re + k), FFT_LOAD(im + k)};
		b = (FFT_C){FFT_NAME(reverse)(FFT_LOAD(re + mirror)),
			    FFT_NAME(reverse)(FFT_LOAD(im + mirror))};
		FFT_NAME(fold_step)(&a, &b, FFT_LOAD(wr + k), FFT_LOAD(wi + k));
		FFT_STORE(zr + k, a.re);
		FFT_STORE(zi + k, a.im);
		b.re = FFT_NAME(reverse)(b.re);
		b.im = FFT_NAME(reverse)(b.im);
		if (k > 0) {
			FFT_STORE(zr + mirror, b.re);
			FFT_STORE(zi + mirror, b.im);
		} else {
			/* All but the last, which is half itself. */
			__builtin_memcpy(zr + mirror, &b.re, sizeof(b.re) - sizeof(float));
			__builtin_memcpy(zi + mirror, &b.im, sizeof(b.im) - sizeof(float));
		}
	}
	zr[0] = re[0] + re[half];
	zi[0] = re[0] - re[half];
	zr[half / 2] = re[half / 2] + re[half / 2];
	zi[half / 2] = -im[half / 2] - im[half / 2];
}

#if FFT_WIDTH <= 8
FFT_TARGET static void FFT_NAME(unfold_lanes)(const struct fft_plan *plan, float *re, float *im)
{
	const float *wr = plan->fold, *wi = plan->fold + plan->fold_stride;
	uint32_t half = plan->points;

	for (uint32_t l = 0; l < FFT_LANES; l += FFT_WIDTH) {
		FFT_V first_re = FFT_LOAD(re + l), first_im = FFT_LOAD(im + l);

		for (uint32_t k = 1; k <= half / 2; k++) {
			size_t low = (size_t)k * FFT_LANES + l;
			size_t high = (size_t)(half - k) * FFT_LANES + l;
			FFT_C a = {FFT_LOAD(re + low), FFT_LOAD(im + low)};
			FFT_C b = {FFT_LOAD(re + high), FFT_LOAD(im + high)};

			FFT_NAME(unfold_step)(&a, &b, (FFT_V){0} + wr[k], (FFT_V){0} + wi[k]);
			FFT_STORE(re + low, a.re);
			FFT_STORE(im + low, a.im);
			FFT_STORE(re + high, b.re);
			FFT_STORE(im + high, b.im);
		}
		FFT_STORE(re + l, first_re + first_im);
		FFT_STORE(im + l, (FFT_V){0});
		FFT_STORE(re + (size_t)half * FFT_LANES + l, first_re - first_im);
		FFT_STORE(im + (size_t)half * FFT_LANES + l, (FFT_V){0});
	}
}

FFT_TARGET static void FFT_NAME(fold_lanes)(const struct fft_plan *plan, const float *re,
					    const float *im, float *zr, float *zi)
{
	const float *wr = plan->fold, *wi = plan->fold + plan->fold_stride;
	uint32_t half = plan->points;

	for (uint32_t l = 0; l < FFT_LANES; l += FFT_WIDTH) {
		FFT_V first = FFT_LOAD(re + l), last = FFT_LOAD(re + (size_t)half * FFT_LANES + l);

		FFT_STORE(zr + l, first + last);
		FFT_STORE(zi + l, first - last);
		for (uint32_t k = 1; k <= half / 2; k++) {
			size_t low = (size_t)k * FFT_LANES + l;
			size_t high = (size_t)(half - k) * FFT_LANES + l;
			FFT_C a = {FFT_LOAD(re + low), FFT_LOAD(im + low)};
			FFT_C b = {FFT_LOAD(re + high), FFT_LOAD(im + high)};

			FFT_NAME(fold_step)(&a, &b, (FFT_V){0} + wr[k], (FFT_V){0} + wi[k]);
			FFT_STORE(zr + low, a.re);
			FFT_STORE(zi + low, a.im);
			FFT_STORE(zr + high, b.re);
			FFT_STORE(zi + high, b.im);
		}
	}
}
#endif

static const struct fft_kernel FFT_NAME(kernel) = {
	FFT_WIDTH,
	FFT_NAME(pass_first),
	FFT_NAME(pass_first_paired),
	FFT_NAME(pass_second),
	FFT_NAME(pass_wide),
	FFT_NAME(pass_last),
	FFT_NAME(pass_last_paired),
	FFT_NAME(pass_last_paired_lanes),
	FFT_NAME(unfold),
	FFT_NAME(fold),
#if FFT_WIDTH <= 8
	FFT_NAME(unfold_lanes),
	FFT_NAME(fold_lanes),
#else
	NULL,
	NULL,
#endif
};

#undef FFT_JOIN_
#undef FFT_JOIN
#undef FFT_NAME
#undef FFT_V
#undef FFT_U
#undef FFT_C
#undef FFT_INLINE
#undef FFT_LOAD
#undef FFT_STORE
#undef FFT_SHUFFLE
#undef FFT_EVEN
#undef FFT_ODD
#undef FFT_LOW
#undef FFT_HIGH
#undef FFT_REVERSE
#undef FFT_PASS
#undef FFT_LAST
#undef FFT_WIDTH
#undef FFT_TARGET
