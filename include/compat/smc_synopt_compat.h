/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SMC_SYNOPT_COMPAT_H
#define _SMC_SYNOPT_COMPAT_H

#include <linux/local_lock.h>

/*
 * Where these do not exist, having bottom halves off excludes all others on
 * this CPU, with PREEMPT_RT too: nothing is left to lock.
 */
#ifndef local_lock_nested_bh
#define local_lock_nested_bh(lock)	((void)(lock))
#define local_unlock_nested_bh(lock)	((void)(lock))
#endif

#endif /* _SMC_SYNOPT_COMPAT_H */
