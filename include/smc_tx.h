/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From the application's bytes to the peer's ring
 */
#ifndef _SMC_TX_H
#define _SMC_TX_H

#include <linux/types.h>

struct msghdr;
struct smc_conn;
struct sock;

#define SMC_TX_CORK_MAX		65536	/* bytes held back at most */

int smc_tx_sendmsg(struct sock *sk, struct smc_conn *conn, struct msghdr *msg,
		   size_t len);
void smc_tx_push(struct smc_conn *conn);
void smc_tx_push_locked(struct smc_conn *conn, bool signal);
void smc_tx_done(struct smc_conn *conn, u64 pos, bool signaled, int status);
bool smc_tx_writable(struct smc_conn *conn);
bool smc_tx_undelivered(struct smc_conn *conn);
u32 smc_tx_unsent(struct smc_conn *conn);
u32 smc_tx_outq(struct smc_conn *conn);

#endif
