/* contract.h - what every node type must do: material and runs for test_contract*.c.
 *
 * WHAT        A shape is a layout and a set of configs that a type accepts. contract_shapes() makes
 *             all worth trying: every layout with default configs, then every value of each config
 *             alone. A run feeds one shape with material that has all kinds of moments (tone, noise,
 *             bursts, silence, clipping) while a fixed list of random param moves happens.
 * NOT HERE    per-type cases: those are test_<type>.c. There are none in the contract. */
#pragma once

#include "node_host.h"
#include "test.h"

#define CONTRACT_SHAPES_MAX 96u
#define CONTRACT_EVENTS 48u

struct contract_shape {
	const struct mixd_node_type *type;
	struct node_host_setup setup;
	struct node_host_config configs[2];
	char text[192]; /* "eq 5.1 lookahead=5" */
};

/* What one instance is fed with and gives. Channels of N frames, one after the other. */
struct contract_audio {
	uint32_t channels;
	uint64_t frames;
	float *samples;
	float **channel;
};

struct contract_event {
	uint64_t position;
	uint32_t row; /* expanded param */
	double value, ms;
};

/* The types to try: all, or the one named by $MIXD_CONTRACT_TYPE. NULL-terminated. */
const struct mixd_node_type *const *contract_types(void);
/* All accepted shapes of TYPE; a refusal without words fails the test. Valid until the next call. */
uint32_t contract_shapes(const struct mixd_node_type *type, const struct contract_shape **ret);
/* The shape of TYPE with LAYOUT and default configs; false when refused. */
bool contract_shape(const struct mixd_node_type *type, const char *layout,
		    struct contract_shape *ret);

struct contract_audio *contract_audio_new(uint32_t channels, uint64_t frames);
struct contract_audio *contract_audio_free(struct contract_audio *audio);
/* Input for a host of SHAPE (all its instances): reproducible from SEED. */
struct contract_audio *contract_material(struct node_host *host, uint32_t n_inst, uint64_t frames,
					 double rate, uint64_t seed);
struct contract_audio *contract_output(struct node_host *host, uint32_t n_inst, uint64_t frames);

/* Random moves of params over FRAMES. Returns their number; 0 when the type has no params. */
uint32_t contract_events(const struct mixd_node_type *type, uint64_t frames, uint64_t seed,
			 struct contract_event events[CONTRACT_EVENTS]);

/* Process FRAMES of IN to OUT from offset AT of both on; events of instance I are those of
 * events[i]. BLOCK 0: random blocks of 1..300; else blocks of that size. */
void contract_run(struct node_host *host, const struct contract_audio *in,
		  struct contract_audio *out, uint64_t at, uint64_t frames, uint32_t block,
		  const struct contract_event *const *events, uint32_t n_events);

/* Fails the test unless channel ranges are equal to the bit. */
void contract_equal(const struct contract_shape *shape, const char *what,
		    const struct contract_audio *a, uint32_t a_first,
		    const struct contract_audio *b, uint32_t b_first, uint32_t channels);
/* Fails on NaN, Inf, or (when DENORMALS) on numbers below FLT_MIN. */
void contract_finite(const struct contract_shape *shape, const char *what,
		     const struct contract_audio *audio, bool denormals);
