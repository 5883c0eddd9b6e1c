/* album_stage.h - many files that appear together, or not at all.
 *
 * WHAT        Work is done in a folder ".mixd-XXXXXX" inside the goal; album_stage_commit() moves
 *             what lies in it into place, folders as a whole, in exchange for what was there. Until
 *             then the goal is as it was; album_stage_free() removes what is left. When one cannot be
 *             moved, those before it are moved back. A folder never replaces a file, nor a file a folder.
 * LIMITS      What ends the process or the machine between the first and the last move leaves old and
 *             new side by side, each of them whole.
 * THREADS     one at a time per object. */
#pragma once

#include "error.h"

struct album_stage;
/* GOAL is made when it is not there (its parent is). NAME: what errors call it. */
int album_stage_new(const char *goal, const char *name, struct album_stage **ret,
		    struct mixd_error *err);
const char *album_stage_folder(const struct album_stage *stage);
int album_stage_commit(struct album_stage *stage, struct mixd_error *err);
struct album_stage *album_stage_free(struct album_stage *stage);
