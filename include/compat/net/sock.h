/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SMC_COMPAT_NET_SOCK_H
#define _SMC_COMPAT_NET_SOCK_H

#include_next <net/sock.h>
#include <linux/version.h>

/* sk_uid() replaced sock_i_uid() in 6.17 */
#if KERNEL_VERSION(6, 17, 0) > LINUX_VERSION_CODE
static inline kuid_t sk_uid(const struct sock *sk)
{
	return READ_ONCE(sk->sk_uid);
}
#endif

#endif
