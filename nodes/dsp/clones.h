/* clones.h - compile a kernel once per x86-64 level and let the loader pick.
 *
 * WHAT        MIXD_CLONES before a function makes a baseline, an AVX2 (x86-64-v3) and an AVX-512
 *             (x86-64-v4) version of it. With -ffp-contract=off all three give the same bits, so
 *             what is heard does not depend on the machine. Write the function with GCC vector
 *             extensions or plain loops; what it calls must be MIXD_INLINE, or it is compiled for
 *             the baseline only and vectors would cross a boundary of unlike targets.
 *             Never on `static inline`, never on a function whose arguments are vectors.
 * NOT HERE    aarch64: NEON is the baseline there, the macro is empty. */
#pragma once

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(MIXD_NO_CLONES) &&                   \
	!defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if defined(__clang__)
/* clang 14 parses target_clones, but its resolver cannot ask for a level; one build is enough for
 * the gate. */
#define MIXD_CLONES
#else
#define MIXD_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#endif
#else
/* The sanitizers run before the loader has resolved ifuncs. */
#define MIXD_CLONES
#endif

#define MIXD_INLINE static inline __attribute__((always_inline, unused))
