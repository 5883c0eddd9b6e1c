/* partconv_private.h - where things lie in a partconv. */
#pragma once

#include "partconv.h"

enum partconv_state {
	PARTCONV_IDLE, /* rt may order */
	PARTCONV_ORDERED,
	PARTCONV_RUNNING,
	PARTCONV_DONE, /* rt may look at the result */
};

/* The slot of input IN that BLOCK goes to. */
static inline size_t partconv_slot(const struct partconv_level *level, uint32_t in, uint64_t block)
{
	return (size_t)in * level->n_parts + (size_t)(block % level->n_parts);
}

/* What a slot says of itself when it holds BLOCK. */
static inline uint64_t partconv_key(uint64_t block, uint32_t epoch)
{
	return (block + 1) ^ (uint64_t)epoch << 44;
}

static inline size_t partconv_part(const struct partconv *conv, const struct partconv_level *level,
				   uint32_t bank, uint32_t filter, uint32_t part)
{
	return ((size_t)bank * conv->shape.n_filters + filter) * level->n_parts + part;
}

static inline float *partconv_out(const struct partconv *conv, const struct partconv_level *level,
				  uint32_t side, uint32_t bank, uint32_t out)
{
	return level->out + (((size_t)side * conv->shape.n_banks + bank) * conv->shape.n_out +
			     out) * level->block;
}
