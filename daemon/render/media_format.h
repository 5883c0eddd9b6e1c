/* media_format.h - the formats that can be written, as rows: inside daemon/render only.
 *
 * THREADS     immutable. */
#pragma once

#include "media_write.h"

enum media_encoder {
	MEDIA_ENCODER_RAW, /* our own bytes in libsndfile's container */
	MEDIA_ENCODER_INT, /* 32-bit words to libsndfile */
	MEDIA_ENCODER_FLOAT, /* floats to libsndfile */
	MEDIA_ENCODER_AV, /* floats to mixd-av */
};

struct media_format {
	const char *name;
	const char *ending;
	const char *other_endings; /* " aif aifc " */
	const char *container; /* as in struct media_info */
	const char *codec; /* NULL: pcm_* */
	enum media_encoder encoder;
	int sf_major, sf_minor; /* minor 0: by bits */
	uint32_t channels_max;
	const uint32_t *rates; /* 0-ended; NULL: rate_min..rate_max */
	uint32_t rate_min, rate_max;
	const uint32_t *bits; /* 0-ended, the custom one first; NULL: lossy */
	bool has_float;
	bool has_cbr, has_abr, has_vbr; /* lossy */
	uint32_t bytes_max_shift; /* sizes end at 2^this bytes; 0: never met */
};

/* NULL: no such format. */
const struct media_format *media_format_find(const char *name);
/* 0, or -EINVAL with *err. */
int media_format_by_path(const char *path, const struct media_format **ret, struct mixd_error *err);
/* What libsndfile calls a rate or a quality of TARGET (complete), 0 best .. 1. */
double media_format_sf_level(const struct media_format *format, const struct media_target *target);
