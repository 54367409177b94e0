/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SMC_COMPAT_LINUX_NET_H
#define _SMC_COMPAT_LINUX_NET_H

#include_next <linux/net.h>
#include <linux/version.h>

/* addresses whose size is not that of struct sockaddr: the type came in 6.19 */
#if KERNEL_VERSION(6, 19, 0) > LINUX_VERSION_CODE
#define sockaddr_unsized	sockaddr
#endif

/* proto_ops.accept() takes its arguments in a struct since 6.10 */
#if KERNEL_VERSION(6, 10, 0) > LINUX_VERSION_CODE
struct proto_accept_arg {
	int flags;
	int err;
	int is_empty;
	bool kern;
};

#define SMC_DEFINE_PROTO_ACCEPT(name)					\
static int name##_args(struct socket *sock, struct socket *newsock,	\
		       int flags, bool kern)				\
{									\
	struct proto_accept_arg arg = { .flags = flags, .kern = kern };	\
									\
	return name(sock, newsock, &arg);				\
}

#define SMC_PROTO_ACCEPT(name)	name##_args
#else
#define SMC_DEFINE_PROTO_ACCEPT(name)
#define SMC_PROTO_ACCEPT(name)	name
#endif

#endif
