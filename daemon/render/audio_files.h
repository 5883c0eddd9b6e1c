/* audio_files.h - what main.c and a render hand the engine for players and recorders. */
#pragma once

#include "engine.h"

extern const struct engine_files audio_files;
