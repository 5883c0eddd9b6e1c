/* cliplist_private.h - what the files of cliplist.h share. [main] */
#pragma once

#include "cliplist.h"

/* -EINVAL. */
__attribute__((format(printf, 3, 4))) int cliplist_fault(struct mixd_fault *fault, const char *hint,
							 const char *fmt, ...);
