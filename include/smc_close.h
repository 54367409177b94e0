/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Orderly and abortive end of a connection
 */
#ifndef _SMC_CLOSE_H
#define _SMC_CLOSE_H

#include <linux/types.h>

struct smc_conn;
struct sock;
struct work_struct;

/* who has said one of these says nothing more */
#define SMC_CLOSE_ENDED	(SMC_CDC_S_CLOSED | SMC_CDC_S_ABORT)

#define SMC_TCP_FIN	1	/* smc_conn.tcp_end: end TCP orderly */
#define SMC_TCP_RESET	2	/* smc_conn.tcp_end: reset TCP */

int smc_conn_state(const struct smc_conn *conn);
void smc_close_live(struct smc_conn *conn);
void smc_close_report(struct smc_conn *conn, int shutdown, int err);
void smc_close_queue(struct smc_conn *conn);
void smc_close_work(struct work_struct *work);
void smc_close_orphan_work(struct work_struct *work);
void smc_close_abandon(struct smc_conn *conn);
void smc_close_reset(struct smc_conn *conn, int err);
int smc_close_shutdown(struct smc_conn *conn, int how);
void smc_close_app(struct smc_conn *conn, struct sock *sk, long linger);

#endif
