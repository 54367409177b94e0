/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SMC_COMPAT_NET_TCP_H
#define _SMC_COMPAT_NET_TCP_H

#include_next <net/tcp.h>

#ifndef TCPOPT_AO
#define TCPOPT_AO		29	/* authentication option, RFC 5925 */
#endif

#endif /* _SMC_COMPAT_NET_TCP_H */
