// SPDX-License-Identifier: GPL-2.0
/*
 * Cursors and flags of one connection on the wire
 *
 * All that a message says is checked against the ring before it is believed.
 * A message that lies ends its connection, and no other.
 */
#include <net/sock.h>

#include "smc.h"
#include "smc_cdc.h"
#include "smc_close.h"
#include "smc_core.h"
#include "smc_stats.h"
#include "smc_tx.h"

/**
 * smc_cdc_prepare - what the next message says
 * @conn: the connection
 * @post: what is going to be posted; its @msg is filled in
 *
 * Context: under @conn->lock.
 */
void smc_cdc_prepare(struct smc_conn *conn, struct smc_tx_post *post)
{
	struct smc_cdc_msg *msg = &post->msg;

	lockdep_assert_held(&conn->lock);
	msg->seq = conn->tx_seq + 1;
	msg->token = conn->peer_token;
	msg->prod = smc_pos_to_cursor(conn->tx_sent + post->len,
				      conn->peer_size);
	msg->cons = smc_pos_to_cursor(conn->rx_cons, conn->rmbe.size);
	/* blocked: we would have liked to send at least as much as fits */
	msg->prod_flags = post->unsent && post->unsent >= post->space ?
			  SMC_CDC_F_BLOCKED : 0;
	msg->conn_flags = conn->tx_conn_flags | post->end_flags;
}

/* the peer says that it has ended in some way; flags are sticky */
static void smc_cdc_rx_flags(struct smc_conn *conn, u8 flags)
{
	u8 new;

	flags &= SMC_CDC_S_DONE | SMC_CDC_S_CLOSED | SMC_CDC_S_ABORT;
	new = flags & ~conn->rx_conn_flags;
	if (!new)
		return;
	if (!conn->rx_conn_flags && !conn->tx_end_flags)
		conn->peer_first = true;
	conn->rx_conn_flags |= flags;
	if (!(flags & SMC_CDC_S_ABORT))
		conn->rx_complete = true;

	if (new & SMC_CDC_S_ABORT) {
		SMC_STAT_INC(SMC_STAT_RX_ABORT);
		if (conn->live)
			conn->tcp_end = SMC_TCP_RESET;
		/* an answer lets the peer use its element again */
		conn->tx_end_flags |= SMC_CDC_S_ABORT;
		smc_close_report(conn, SHUTDOWN_MASK, conn->app_closed ? 0 :
				 ECONNRESET);
	} else {
		smc_close_report(conn, RCV_SHUTDOWN, 0);
		/* who waits for room waits for nothing now */
		if (new & SMC_CDC_S_CLOSED && conn->sk)
			conn->sk->sk_write_space(conn->sk);
	}
	smc_close_queue(conn);
}

/* a message that belongs to the connection; false if it lies */
static bool smc_cdc_apply(struct smc_conn *conn, const struct smc_cdc_msg *msg,
			  bool *readable)
{
	u32 free = conn->rmbe.size - (u32)(conn->rx_prod - conn->rx_cons_sent);
	u64 prod, cons;

	if (smc_cursor_to_pos(conn->rx_prod, msg->prod, conn->rmbe.size, free,
			      &prod) < 0)
		return false;
	cons = conn->tx_cons;
	if (conn->tx_ready &&
	    smc_cursor_to_pos(conn->tx_cons, msg->cons, conn->peer_size,
			      conn->tx_sent - conn->tx_cons, &cons) < 0)
		return false;

	*readable = prod != conn->rx_prod;
	if (*readable) {
		smc_rmbe_sync(&conn->rmbe, conn->rx_prod, prod);
		conn->rx_prod = prod;
		conn->tx_unanswered = 0;
	}
	conn->tx_cons = cons;
	conn->rx_prod_flags = (conn->rx_prod_flags & SMC_CDC_F_CONS_REQ) |
			      msg->prod_flags;
	if (msg->prod_flags & SMC_CDC_F_CONS_REQ)
		conn->tx_msg_due = true;
	return true;
}

/**
 * smc_cdc_rx - a CDC message has arrived
 * @link: the link
 * @buf: the message
 * @len: bytes of it
 *
 * Context: softirq.
 */
void smc_cdc_rx(struct smc_link *link, const u8 *buf, u32 len)
{
	bool readable = false, legal = true;
	struct smc_cdc_msg msg;
	struct smc_conn *conn;
	struct sock *sk;

	if (smc_cdc_parse(buf, len, &msg)) {
		SMC_STAT_INC(SMC_STAT_RX_CDC_BAD);
		return;
	}
	conn = smc_conn_lookup(link->lgr, msg.token);
	if (!conn) {
		SMC_STAT_INC(SMC_STAT_RX_CDC_NO_CONN);
		return;
	}

	rcu_read_lock();
	spin_lock(&conn->lock);
	sk = conn->sk;
	if (conn->killed || conn->detached) {
		SMC_STAT_INC(SMC_STAT_RX_CDC_NO_CONN);
	} else if (msg.prod_flags & SMC_CDC_F_FAILOVER) {
		/* only the number counts; older is fine [RFC 7609 4.6.1] */
		legal = !smc_seq_older(conn->rx_seq, msg.seq);
	} else if (smc_seq_older(msg.seq, conn->rx_seq)) {
		SMC_STAT_INC(SMC_STAT_RX_CDC_OLD);
	} else {
		conn->rx_seq = msg.seq;
		legal = smc_cdc_apply(conn, &msg, &readable);
		if (legal) {
			if (readable && sk)
				sk->sk_data_ready(sk);
			if (msg.conn_flags)
				smc_cdc_rx_flags(conn, msg.conn_flags);
			smc_tx_push_locked(conn, false);
		}
	}
	spin_unlock(&conn->lock);
	rcu_read_unlock();

	if (!legal) {
		SMC_STAT_INC(SMC_STAT_RX_CDC_CURSOR);
		smc_close_reset(conn, ECONNRESET);
	}
	smc_conn_put(conn);
}
