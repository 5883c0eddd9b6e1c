/* declick.h - what the two halves of declick share. */
#pragma once

#include "hopjobs.h"

enum { DECLICK_VALUE_SENSITIVITY, DECLICK_VALUE_LONGEST_FRAMES };

struct declick_work;

size_t declick_work_bytes(uint32_t hop_frames);
struct declick_work *declick_work_init(void *memory, uint32_t hop_frames);
/* Repairs what begins in the middle third of WINDOW (3 hops). Returns how many clicks. [worker] */
uint32_t declick_repair(struct declick_work *work, float *window, double sensitivity,
			double longest_frames);
