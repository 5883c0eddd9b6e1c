/* declip.h - what the two halves of declip share. */
#pragma once

#include "hopjobs.h"

enum { DECLIP_VALUE_SENSITIVITY };

struct declip_work;

size_t declip_work_bytes(uint32_t n_channels, uint32_t hop_frames);
struct declip_work *declip_work_init(void *memory, uint32_t n_channels, uint32_t hop_frames);
/* Before the channels of a job: forgets what does not belong to it. [worker] */
void declip_work_begin(struct declip_work *work, const struct hopjobs_slot *slot);
/* Restores what is clipped in the middle third of WINDOW. Returns how many samples. [worker] */
uint32_t declip_repair(struct declip_work *work, uint32_t channel, float *window,
		       double sensitivity);
