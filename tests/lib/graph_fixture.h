/* graph_fixture.h - models, operations and random ones, for the tests of the graph.
 *
 * WHAT        Operations from one-line texts: "add gain vox gain=-3dB after=mic", "rm vox heal", "mv a
 *             b", "set vox.gain=-3dB", "set vox.gain+=1dB", "toggle vox.mute", "link a b", "link a b
 *             -6", "unlink a b", "auto vox.gain log 0=-60 3000=0", "clear vox.gain", "apply TEXT",
 *             "merge TEXT". Graphs as packed bytes, to be compared.
 * NOT HERE    the types themselves: fake_types.h. */
#pragma once

#include "graph_session.h"

/* All fake types; one for the process. */
struct graph_types *graph_fixture_types(void);
/* Returned: free with mixd__v1__op__free_unpacked(). */
Mixd__V1__Op *graph_fixture_op(const char *text);
/* Apply the texts (NULL-terminated) as one transaction. */
int graph_fixture_apply(struct graph_model *model, const char *const *texts,
			struct graph_delta **ret, struct mixd_error *err);
/* The model as packed bytes. Returned: malloc'd. STILL: without envelopes that play;
 * those on the time line are states. */
uint8_t *graph_fixture_still_bytes(const struct graph_model *model, size_t *ret_size);
uint8_t *graph_fixture_bytes(const struct graph_model *model, size_t *ret_size);
/* True when MODEL packs to just BYTES. */
bool graph_fixture_still_same(const struct graph_model *model, const uint8_t *bytes, size_t size);
bool graph_fixture_same(const struct graph_model *model, const uint8_t *bytes, size_t size);
/* Check G1..G4 and slots; fails the test. */
void graph_fixture_check(const struct graph_model *model);
/* A random operation that may well fail; names n0 .. n<NAMES - 1>. */
Mixd__V1__Op *graph_fixture_random_op(const struct graph_model *model, uint32_t names);
