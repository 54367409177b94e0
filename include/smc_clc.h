/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The handshake, over the TCP socket
 */
#ifndef _SMC_CLC_H
#define _SMC_CLC_H

#include <linux/jiffies.h>

struct smc_sock;

#define SMC_CLC_WAIT		(6 * HZ) /* for a message of the peer, [LNX] */
#define SMC_CLC_WAIT_DECLINE	HZ	/* for a late Decline, [LNX] */

/* the peer does not speak CLC although its SYN-ACK said so */
#define SMC_CLC_NOT_SPOKEN	(-EPFNOSUPPORT)

int smc_clc_connect(struct smc_sock *smc);
int smc_clc_serve(struct smc_sock *smc);

#endif
