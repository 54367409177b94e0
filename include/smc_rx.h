/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From our ring to the application
 */
#ifndef _SMC_RX_H
#define _SMC_RX_H

#include <linux/types.h>

struct msghdr;
struct smc_conn;
struct sock;

int smc_rx_recvmsg(struct sock *sk, struct smc_conn *conn, struct msghdr *msg,
		   size_t len, int flags);
u32 smc_rx_avail(struct smc_conn *conn);

#endif
