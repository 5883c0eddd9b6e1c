/* rtcheck.h - mark a real-time section; see rtcheck.c.
 *
 * USE         if (rtcheck_enter) rtcheck_enter(); ... if (rtcheck_exit) rtcheck_exit();
 *             and run with LD_PRELOAD=rtcheck.so. */
#pragma once

#include <stdbool.h>

struct rtcheck_counts {
	unsigned long long sections, violations;
	unsigned long long faults, switches; /* page faults, voluntary switches inside sections */
	bool sees_system_calls; /* the kernel's dispatch works here */
};

__attribute__((weak)) void rtcheck_enter(void);
__attribute__((weak)) void rtcheck_exit(void);
__attribute__((weak)) void rtcheck_read(struct rtcheck_counts *ret);
