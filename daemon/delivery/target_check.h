/* target_check.h - whether a file can be written, asked before work that takes long.
 *
 * THREADS     [any] */
#pragma once

#include "error.h"

/* PATH is absolute. -ENOENT: its folder is not there; -EISDIR: it is a folder. What else may go wrong
 * shows when it is written. */
int target_check(const char *path, struct mixd_error *err);
