/* engine_kernel_rt.h - the engine's own arithmetic over one slice of a channel.
 *
 * WHAT        The guard's look at what was written, sums in f64, crossfades. Each is compiled for the
 *             levels of the processor and gives the same bits on all of them.
 * THREADS     [rt]; no state.
 * NOT HERE    when they are called: engine_link_rt.c, engine_fade_rt.c, engine_guard_rt.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The largest magnitude in N_CHANNELS blocks as bits; *ret_negative_zero: there is a -0.0. [rt] */
uint32_t engine_kernel_guard(float *const *x, uint32_t n_channels, uint32_t n,
			     uint32_t *ret_negative_zero);
/* All magnitudes are below 2 and there is no -0.0: nothing that a closer look is worth. False says
 * only that one must look closer. [rt] */
bool engine_kernel_is_calm(float *const *x, uint32_t n_channels, uint32_t n);
void engine_kernel_plain_zero(float *x, uint32_t n); /* -0.0 -> 0.0 */
void engine_kernel_set(double *sum, const float *x, double gain, uint32_t n);
void engine_kernel_add(double *sum, const float *x, double gain, uint32_t n);
void engine_kernel_add_plain(double *sum, const float *x, uint32_t n);
void engine_kernel_add_ramp(double *sum, const float *x, const double *gain, uint32_t n);
void engine_kernel_store(float *out, const double *sum, uint32_t n);
void engine_kernel_blend(float *wet, const float *dry, const double *weight, uint32_t n);
void engine_kernel_scale(float *x, const double *gain, uint32_t n);
