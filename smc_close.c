// SPDX-License-Identifier: GPL-2.0
/*
 * Orderly and abortive end of a connection
 *
 * There is no state machine: each end collects the flags "done sending",
 * "closed" and "aborted" of its own and of the peer, flags are never taken
 * back, and all that has to be done follows from them.
 */
#include <net/sock.h>

#include "smc.h"
#include "smc_close.h"
#include "smc_core.h"
#include "smc_stats.h"
#include "smc_tx.h"

#define SMC_ORPHAN_PATIENCE	(60 * HZ)

/**
 * smc_conn_state - the state that sock_diag shows
 * @conn: the connection, locked or not: a snapshot
 *
 * [LNX] names and numbers; see reference in af_smc(7).
 * Return: enum smc_state.
 */
int smc_conn_state(const struct smc_conn *conn)
{
	u8 ours = conn->tx_conn_flags | conn->tx_end_flags;
	u8 peer = conn->rx_conn_flags;

	if (conn->killed)
		return SMC_CLOSED;
	if (peer & SMC_CDC_S_ABORT)
		return conn->app_closed ? SMC_CLOSED : SMC_PROCESSABORT;
	if (ours & SMC_CDC_S_ABORT)
		return SMC_PEERABORTWAIT;
	if (!ours)
		return peer ? SMC_APPCLOSEWAIT1 : SMC_ACTIVE;
	if (ours & SMC_CDC_S_CLOSED) {
		if (peer & SMC_CDC_S_CLOSED)
			return conn->app_closed ? SMC_CLOSED :
						  SMC_APPFINCLOSEWAIT;
		if (!peer)
			return SMC_PEERCLOSEWAIT1;
		return conn->peer_first ? SMC_PEERFINCLOSEWAIT :
					  SMC_PEERCLOSEWAIT2;
	}
	/* we have done sending, no more */
	if (!peer)
		return SMC_PEERCLOSEWAIT1;
	if (conn->peer_first)
		return SMC_APPCLOSEWAIT2;
	return peer & SMC_CDC_S_CLOSED ? SMC_APPFINCLOSEWAIT :
					 SMC_PEERCLOSEWAIT2;
}

/**
 * smc_close_report - tell the application
 * @conn: the connection
 * @shutdown: directions that are over
 * @err: errno, or 0
 *
 * Context: under @conn->lock and RCU.
 */
void smc_close_report(struct smc_conn *conn, int shutdown, int err)
{
	struct sock *sk = conn->sk;

	lockdep_assert_held(&conn->lock);
	if (!sk || !conn->live)
		return;
	if (!err && (sk->sk_shutdown & shutdown) == shutdown)
		return;
	WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | shutdown);
	if (err) {
		WRITE_ONCE(sk->sk_err, err);
		sk_error_report(sk);
	}
	sk->sk_state_change(sk);
	sk_wake_async(sk, SOCK_WAKE_WAITD, POLL_IN);
}

/**
 * smc_close_live - the socket uses the connection from now on
 * @conn: the connection
 *
 * A handshake that fails ends in plain TCP, so until here the socket has not
 * been told of anything. Now it is.
 * Context: process.
 */
void smc_close_live(struct smc_conn *conn)
{
	rcu_read_lock();
	spin_lock_bh(&conn->lock);
	conn->live = true;
	if (conn->killed) {
		conn->tcp_end = SMC_TCP_RESET;
		smc_close_report(conn, SHUTDOWN_MASK, -conn->killed);
	} else if (conn->rx_conn_flags & SMC_CDC_S_ABORT) {
		conn->tcp_end = SMC_TCP_RESET;
		smc_close_report(conn, SHUTDOWN_MASK, ECONNRESET);
	} else if (conn->rx_conn_flags) {
		smc_close_report(conn, RCV_SHUTDOWN, 0);
	}
	/* what the peer said may want an answer */
	smc_tx_push_locked(conn, false);
	smc_close_queue(conn);
	spin_unlock_bh(&conn->lock);
	rcu_read_unlock();
}

/* has everything been said, by both, and nothing is in flight? */
static bool smc_close_complete(const struct smc_conn *conn)
{
	if (!conn->app_closed || conn->tx_posted || conn->detached)
		return false;
	return conn->killed ||
	       ((conn->tx_conn_flags & SMC_CLOSE_ENDED) &&
		(conn->rx_conn_flags & SMC_CLOSE_ENDED));
}

/**
 * smc_close_queue - have done what the end of a connection needs, if anything
 * @conn: the connection
 *
 * Context: under @conn->lock.
 */
void smc_close_queue(struct smc_conn *conn)
{
	lockdep_assert_held(&conn->lock);
	if (!conn->tcp_end && !smc_close_complete(conn))
		return;
	smc_conn_get(conn);
	if (!queue_work(smc_wq, &conn->end_work))
		smc_conn_put(conn);
}

/**
 * smc_close_work - do what the end of a connection needs
 * @work: smc_conn.end_work, queued with a reference to the connection
 */
void smc_close_work(struct work_struct *work)
{
	struct smc_conn *conn = container_of(work, struct smc_conn, end_work);
	struct sock *sk;
	bool complete;
	u8 tcp_end;

	spin_lock_bh(&conn->lock);
	tcp_end = conn->tcp_end;
	conn->tcp_end = 0;
	complete = smc_close_complete(conn);
	sk = conn->sk;
	if (sk)
		sock_hold(sk);
	spin_unlock_bh(&conn->lock);

	if (sk) {
		if (tcp_end)
			smc_tcp_end(smc_sk(sk), tcp_end == SMC_TCP_RESET);
		sock_put(sk);
	}
	if (complete)
		smc_conn_detach(conn);
	smc_conn_put(conn);
}

/**
 * smc_close_reset - end a connection abnormally, and tell the peer
 * @conn: the connection
 * @err: errno for the application
 *
 * The peer may still write into our element until it has heard: that is not
 * used again before.
 * Context: any but hard interrupts.
 */
void smc_close_reset(struct smc_conn *conn, int err)
{
	rcu_read_lock();
	spin_lock_bh(&conn->lock);
	if (!conn->killed && !conn->detached &&
	    !(conn->tx_end_flags & SMC_CDC_S_ABORT)) {
		conn->tx_end_flags |= SMC_CDC_S_ABORT;
		smc_tx_push_locked(conn, true);
		smc_close_report(conn, SHUTDOWN_MASK, err);
		smc_close_queue(conn);
	}
	spin_unlock_bh(&conn->lock);
	rcu_read_unlock();
}

/**
 * smc_close_shutdown - shutdown(2)
 * @conn: the connection
 * @how: RCV_SHUTDOWN, SEND_SHUTDOWN or both
 *
 * Data that was written before is still sent; what ends our direction goes
 * with its last byte. Ending both is like closing, as the peer sees it [LNX].
 * Context: process, under the socket lock.
 * Return: 0 or -ENOTCONN.
 */
int smc_close_shutdown(struct smc_conn *conn, int how)
{
	int rc = 0;

	rcu_read_lock();
	spin_lock_bh(&conn->lock);
	if (conn->killed || (conn->rx_conn_flags & SMC_CDC_S_ABORT)) {
		rc = -ENOTCONN;
	} else {
		if (how & SEND_SHUTDOWN)
			conn->tx_end_flags |= how & RCV_SHUTDOWN ?
				SMC_CDC_S_CLOSED : SMC_CDC_S_DONE;
		smc_close_report(conn, how, 0);
		smc_tx_push_locked(conn, true);
		smc_close_queue(conn);
	}
	spin_unlock_bh(&conn->lock);
	rcu_read_unlock();
	return rc;
}

/**
 * smc_close_app - the application has closed the socket
 * @conn: the connection
 * @sk: its socket
 * @linger: jiffies to wait until all data has arrived, -1 to drop it
 *
 * As with TCP, data that was written is still sent, and who closes with data
 * unread resets the connection [RFC 7609 4.8.1, RFC 2525 2.17].
 * Context: process, under the socket lock; sleeps if @linger is positive.
 */
void smc_close_app(struct smc_conn *conn, struct sock *sk, long linger)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	spin_lock_bh(&conn->lock);
	if (conn->rx_prod != conn->rx_cons || linger < 0 ||
	    (conn->rx_conn_flags & SMC_CDC_S_ABORT))
		conn->tx_end_flags |= SMC_CDC_S_ABORT;
	else
		conn->tx_end_flags |= SMC_CDC_S_CLOSED;
	smc_tx_push_locked(conn, true);
	conn->tx_want_space = true;
	spin_unlock_bh(&conn->lock);

	if (linger > 0) {
		add_wait_queue(sk_sleep(sk), &wait);
		while (linger > 0 && !signal_pending(current) &&
		       smc_tx_undelivered(conn))
			sk_wait_event(sk, &linger, !smc_tx_undelivered(conn),
				      &wait);
		remove_wait_queue(sk_sleep(sk), &wait);
	}

	spin_lock_bh(&conn->lock);
	conn->app_closed = true;
	smc_close_queue(conn);
	if (!smc_close_complete(conn) && !conn->detached) {
		conn->orphan_cons = conn->tx_cons;
		smc_conn_get(conn);
		if (!queue_delayed_work(smc_wq, &conn->orphan_work,
					SMC_ORPHAN_PATIENCE))
			smc_conn_put(conn);
	}
	spin_unlock_bh(&conn->lock);
}

/**
 * smc_close_abandon - a connection that never came to be
 * @conn: the connection; the peer may think that it exists
 *
 * Its element is used again only after the peer has ended it as well.
 * Context: process.
 */
void smc_close_abandon(struct smc_conn *conn)
{
	struct sock *sk;

	spin_lock_bh(&conn->lock);
	sk = conn->sk;
	conn->sk = NULL;
	conn->app_closed = true;
	if (conn->tx_ready) {
		conn->tx_end_flags |= SMC_CDC_S_ABORT;
		smc_tx_push_locked(conn, true);
	} else {
		/* there is nobody to say it to */
		conn->tx_conn_flags |= SMC_CDC_S_ABORT;
	}
	smc_conn_zombie(conn);
	smc_close_queue(conn);
	spin_unlock_bh(&conn->lock);
	if (sk)
		sock_put(sk);
}

/**
 * smc_close_orphan_work - patience with a peer that does not close is over
 * @work: smc_conn.orphan_work, queued with a reference to the connection
 *
 * As long as the peer takes data that is still to be sent, it may take its
 * time. Else the connection is aborted, and the socket let go. What the peer
 * could write to stays ours until it answers or the link ends.
 */
void smc_close_orphan_work(struct work_struct *work)
{
	struct smc_conn *conn = container_of(to_delayed_work(work),
					     struct smc_conn, orphan_work);
	struct sock *sk = NULL;

	spin_lock_bh(&conn->lock);
	if (conn->detached || conn->killed)
		goto out;
	if (conn->tx_sent != conn->tx_prep &&
	    conn->tx_cons != conn->orphan_cons) {
		conn->orphan_cons = conn->tx_cons;
		smc_conn_get(conn);
		if (!queue_delayed_work(smc_wq, &conn->orphan_work,
					SMC_ORPHAN_PATIENCE))
			smc_conn_put(conn);
		goto out;
	}
	SMC_STAT_INC(SMC_STAT_ORPHANS);
	conn->tx_end_flags |= SMC_CDC_S_ABORT;
	smc_tx_push_locked(conn, true);
	smc_conn_zombie(conn);
	sk = conn->sk;
	conn->sk = NULL;
out:
	spin_unlock_bh(&conn->lock);
	if (sk) {
		smc_tcp_end(smc_sk(sk), true);
		sock_put(sk);
	}
	smc_conn_put(conn);
}
