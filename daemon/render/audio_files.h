/* audio_files.h - what main.c and a render hand the engine for players and recorders. Live, a file that is
 * shorter than it says is as long as it is; in a render it is an error. */
#pragma once

#include "engine.h"

extern const struct engine_files audio_files, audio_files_whole;
