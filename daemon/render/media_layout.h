/* media_layout.h - channels of files <-> layouts: inside daemon/render only.
 *
 * WHAT        A file lists positions in its own order; we have named layouts in ours. What a file
 *             calls rear and has no side channels is a surround; height channels of a layout with
 *             only two are its pair, whatever they are called.
 * THREADS     [any] */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <mixd/layout.h>

/* What N channels without positions are taken for: "mono" "stereo" "3.0" "quad" "5.0" "5.1" "6.1"
 * "7.1", 10 "7.1.2", 12 "7.1.4", else "Nch". */
const struct mixd_layout *media_layout_by_count(uint32_t n);
/* N channels without places: "Nch". */
const struct mixd_layout *media_layout_discrete(uint32_t n);
/* The named layout that has the N positions of POSITION, or NULL. Channel c of ours is channel
 * ret_from[c] of the file. */
const struct mixd_layout *media_layout_by_positions(const uint8_t *position, uint32_t n,
						    uint8_t *ret_from);
/* libsndfile's channel map <-> positions. MAP has N entries. false: a channel that the other side
 * has no word for. */
bool media_layout_from_map(const int *map, uint32_t n, uint8_t *ret_position);
bool media_layout_to_map(const struct mixd_layout *layout, int *ret_map);
/* WAVEFORMATEXTENSIBLE dwChannelMask; 0: discrete. */
uint32_t media_layout_mask(const struct mixd_layout *layout);
/* The places of N channels in MASK, in the order of its bits. false: they have none, or one that we
 * have no word for. */
bool media_layout_from_mask(uint32_t mask, uint32_t n, uint8_t *ret_position);
/* The order of Vorbis and Opus (Vorbis I, 4.3.9; RFC 7845, 5.1.1.2) for LAYOUT: channel c of ours is
 * channel ret_from[c] of the file. false: LAYOUT has no place there. */
bool media_layout_vorbis(const struct mixd_layout *layout, uint8_t *ret_from);
