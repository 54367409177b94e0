// SPDX-License-Identifier: GPL-2.0
/*
 * From our ring to the application
 */
#include <linux/uio.h>
#include <net/sock.h>

#include "smc.h"
#include "smc_core.h"
#include "smc_rx.h"
#include "smc_tx.h"

/* an update that opens less is not worth a message [LNX] */
#define SMC_RX_MIN_UPDATE	2304

/**
 * smc_rx_avail - bytes that can be read
 * @conn: the connection
 *
 * Context: any but hard interrupts.
 */
u32 smc_rx_avail(struct smc_conn *conn)
{
	u32 avail;

	spin_lock_bh(&conn->lock);
	avail = conn->rx_prod - conn->rx_cons;
	spin_unlock_bh(&conn->lock);
	return avail;
}

/*
 * Does the peer need to hear now what was read? It learns it with our next
 * message anyway. It needs it when it is blocked, or would be soon: its window
 * is down to half, and either the ring is empty, so that nothing more will be
 * read before it sends, or a quarter of the ring has been gained.
 */
static bool smc_rx_update_due(const struct smc_conn *conn)
{
	u32 size = conn->rmbe.size;
	u32 gained = conn->rx_cons - conn->rx_cons_sent;
	u32 window = size - (u32)(conn->rx_prod - conn->rx_cons_sent);
	bool empty = conn->rx_prod == conn->rx_cons;

	if (!gained || (conn->rx_conn_flags &
			(SMC_CDC_S_DONE | SMC_CDC_S_CLOSED | SMC_CDC_S_ABORT)))
		return false;
	if (conn->rx_prod_flags & SMC_CDC_F_CONS_REQ)
		return true;
	if (conn->rx_prod_flags & SMC_CDC_F_BLOCKED)
		return empty || gained >= max_t(u32, size / 10,
						SMC_RX_MIN_UPDATE);
	return window <= size / 2 && (empty || gained >= size / 4);
}

/* the application has taken that much */
static void smc_rx_consume(struct smc_conn *conn, u32 len)
{
	spin_lock_bh(&conn->lock);
	conn->rx_cons += len;
	if (smc_rx_update_due(conn)) {
		conn->tx_msg_due = true;
		smc_tx_push_locked(conn, false);
	}
	spin_unlock_bh(&conn->lock);
}

/* copy from a position of the ring; bytes copied, or -EFAULT for none */
static int smc_rx_copy(struct smc_conn *conn, struct msghdr *msg, u64 pos,
		       u32 len, bool discard)
{
	struct smc_ring_part part[2];
	unsigned int n_parts, i;
	u32 done = 0, n;

	if (discard)
		return len;
	n_parts = smc_ring_split(pos, len, conn->rmbe.size, part);
	for (i = 0; i < n_parts; i++) {
		n = copy_to_iter(conn->rmbe.base + part[i].off, part[i].len,
				 &msg->msg_iter);
		done += n;
		if (n < part[i].len)
			break;
	}
	return done ? done : -EFAULT;
}

/* wait for data behind pos or for the end; 0 or -errno */
static int smc_rx_wait(struct sock *sk, struct smc_conn *conn, u64 pos,
		       long *timeo)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	add_wait_queue(sk_sleep(sk), &wait);
	sk_set_bit(SOCKWQ_ASYNC_WAITDATA, sk);
	sk_wait_event(sk, timeo,
		      READ_ONCE(conn->rx_prod) != pos ||
		      READ_ONCE(sk->sk_err) ||
		      (READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN), &wait);
	sk_clear_bit(SOCKWQ_ASYNC_WAITDATA, sk);
	remove_wait_queue(sk_sleep(sk), &wait);
	return signal_pending(current) ? sock_intr_errno(*timeo) : 0;
}

/**
 * smc_rx_recvmsg - give data to the application
 * @sk: the socket
 * @conn: its connection
 * @msg: where it goes
 * @len: bytes wanted
 * @flags: MSG_DONTWAIT, MSG_PEEK, MSG_WAITALL, MSG_TRUNC
 *
 * As with TCP what has arrived is read before an error is reported.
 * Context: process, under the socket lock, which is released while waiting.
 * Return: bytes, 0 at the end, or -errno.
 */
int smc_rx_recvmsg(struct sock *sk, struct smc_conn *conn, struct msghdr *msg,
		   size_t len, int flags)
{
	long timeo = sock_rcvtimeo(sk, flags & MSG_DONTWAIT);
	int target = sock_rcvlowat(sk, flags & MSG_WAITALL, len);
	bool failed, over;
	size_t copied = 0;
	u64 pos, end;
	int rc = 0;

	pos = conn->rx_cons;	/* changes under the socket lock only */
	for (;;) {
		spin_lock_bh(&conn->lock);
		/* who peeks finds out here that another reader took it */
		if (flags & MSG_PEEK && pos < conn->rx_cons)
			pos = conn->rx_cons;
		else if (!(flags & MSG_PEEK))
			pos = conn->rx_cons;
		end = conn->rx_prod;
		/* as of now: what arrives later may bring data and the end */
		over = sk->sk_shutdown & RCV_SHUTDOWN;
		/* an orderly end is not spoilt by what happens afterwards */
		failed = sk->sk_err && !conn->rx_complete;
		spin_unlock_bh(&conn->lock);

		if (pos != end && copied < len) {
			rc = smc_rx_copy(conn, msg, pos,
					 min_t(u64, end - pos, len - copied),
					 flags & MSG_TRUNC);
			if (rc < 0)
				break;
			copied += rc;
			pos += rc;
			if (!(flags & MSG_PEEK))
				smc_rx_consume(conn, rc);
			rc = 0;
			continue;
		}
		if (copied >= target || copied == len)
			break;
		if (failed) {
			if (!copied)
				rc = sock_error(sk);
			break;
		}
		if (over)
			break;
		if (!timeo) {
			if (!copied)
				rc = -EAGAIN;
			break;
		}
		if (signal_pending(current)) {
			if (!copied)
				rc = sock_intr_errno(timeo);
			break;
		}
		rc = smc_rx_wait(sk, conn, pos, &timeo);
		if (rc)
			break;
	}
	return copied ? copied : rc;
}
