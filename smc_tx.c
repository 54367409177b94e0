// SPDX-License-Identifier: GPL-2.0
/*
 * From the application's bytes to the peer's ring
 *
 * Data is copied into pages of its own, a ring of tx_size bytes of which only
 * the pages in use exist. From there the device reads it. A page is given back
 * when a completion says that its data has arrived.
 */
#include <linux/uio.h>
#include <net/sock.h>

#include "smc.h"
#include "smc_close.h"
#include "smc_core.h"
#include "smc_stats.h"
#include "smc_tx.h"

/*
 * Bytes that the application can write. The ring's end must not catch up with
 * its beginning in the middle of a page, or that would be given back too early.
 */
static u32 smc_tx_room(const struct smc_conn *conn)
{
	return conn->tx_size - (u32)(conn->tx_prep - (conn->tx_fin & PAGE_MASK));
}

/* enough of them to wake someone up, as with TCP a third */
static bool smc_tx_roomy(const struct smc_conn *conn)
{
	return smc_tx_room(conn) >= conn->tx_size / 3;
}

static bool smc_tx_peer_gone(const struct smc_conn *conn)
{
	return conn->rx_conn_flags & (SMC_CDC_S_CLOSED | SMC_CDC_S_ABORT);
}

/* someone may write again, or all that was written has arrived */
static void smc_tx_wake(struct smc_conn *conn)
{
	struct sock *sk = conn->sk;
	struct socket_wq *wq;

	lockdep_assert_held(&conn->lock);
	if (!conn->tx_want_space || !sk)
		return;
	if (!smc_tx_roomy(conn) && conn->tx_posted)
		return;
	conn->tx_want_space = false;
	rcu_read_lock();
	wq = rcu_dereference(sk->sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_poll(&wq->wait, EPOLLOUT | EPOLLWRNORM |
					   EPOLLWRBAND);
	sk_wake_async(sk, SOCK_WAKE_SPACE, POLL_OUT);
	rcu_read_unlock();
}

/* what is to be posted now; false if nothing */
static bool smc_tx_next(struct smc_conn *conn, struct smc_tx_post *post)
{
	u8 end = conn->tx_end_flags & ~conn->tx_conn_flags;

	if (!conn->tx_ready || conn->killed ||
	    (conn->tx_conn_flags & SMC_CDC_S_ABORT))
		return false;

	post->unsent = conn->tx_prep - conn->tx_sent;
	post->space = conn->peer_size - (u32)(conn->tx_sent - conn->tx_cons);
	if (smc_tx_peer_gone(conn) || (conn->tx_conn_flags & SMC_CDC_S_CLOSED))
		post->unsent = 0;	/* nobody will ever read it */
	if (end & SMC_CDC_S_ABORT) {
		/*
		 * No orderly end. What only waits for room in the send queue
		 * still goes: TCP would have sent it before its RST.
		 */
		end = SMC_CDC_S_ABORT;
		if (post->unsent > post->space)
			post->unsent = 0;
	}
	post->len = min_t(u64, post->unsent, post->space);
	post->end_flags = post->len == post->unsent ? end : 0;
	return post->len || post->end_flags || conn->tx_msg_due;
}

/**
 * smc_tx_push_locked - send what can be sent
 * @conn: the connection
 * @signal: more is likely to come: a completion is wanted to push that
 *
 * A completion is also wanted when pages are to be had back, at the end, and
 * when the peer does not answer each message: then small data that comes
 * before the completion is collected. Who waits for answers needs none.
 * Context: under @conn->lock.
 */
void smc_tx_push_locked(struct smc_conn *conn, bool signal)
{
	struct smc_tx_post post;
	int rc;

	lockdep_assert_held(&conn->lock);
	while (smc_tx_next(conn, &post)) {
		post.signal = signal || post.end_flags ||
			      (post.len && conn->tx_unanswered) ||
			      conn->tx_sent + post.len - conn->tx_signaled >=
			      PAGE_SIZE;
		rc = conn->ops->post(conn, &post);
		if (rc) {
			if (rc == -EAGAIN)
				SMC_STAT_INC(SMC_STAT_TX_NO_SLOT);
			return;
		}
		conn->tx_sent += post.len;
		conn->tx_seq = post.msg.seq;
		conn->tx_prod_flags = post.msg.prod_flags;
		conn->tx_conn_flags = post.msg.conn_flags;
		conn->rx_cons_sent = conn->rx_cons;
		conn->rx_prod_flags &= ~SMC_CDC_F_CONS_REQ;
		conn->tx_msg_due = false;
		conn->tx_posted++;
		if (post.signal) {
			conn->tx_in_flight++;
			conn->tx_signaled = conn->tx_sent;
		}
		if (post.len)
			conn->tx_unanswered = 1;
		if (post.end_flags & (SMC_CDC_S_CLOSED | SMC_CDC_S_ABORT)) {
			conn->tcp_end = post.end_flags & SMC_CDC_S_ABORT ?
					SMC_TCP_RESET : SMC_TCP_FIN;
			smc_close_queue(conn);
		}
	}
}

/**
 * smc_tx_push - send what can be sent
 * @conn: the connection
 *
 * Context: any but hard interrupts.
 */
void smc_tx_push(struct smc_conn *conn)
{
	spin_lock_bh(&conn->lock);
	smc_tx_push_locked(conn, true);
	spin_unlock_bh(&conn->lock);
}

/* pages before that position are not needed any more */
static void smc_tx_free_pages(struct smc_conn *conn, u64 pos)
{
	u64 page = conn->tx_fin >> PAGE_SHIFT, end = pos >> PAGE_SHIFT;
	u32 mask = conn->tx_size / PAGE_SIZE - 1;

	conn->tx_fin = pos;
	/* the page that data still goes to stays, unless there is none */
	if (pos == conn->tx_prep && !conn->tx_copying)
		end++;
	for (; page < end; page++) {
		struct smc_txpage *tp = &conn->tx_pages[page & mask];

		if (tp->page)
			conn->ops->page_put(conn, tp);
	}
}

/* what was not sent never will be */
static void smc_tx_drop(struct smc_conn *conn)
{
	u32 i;

	for (i = 0; i < conn->tx_size / PAGE_SIZE; i++) {
		if (conn->tx_pages[i].page)
			conn->ops->page_put(conn, &conn->tx_pages[i]);
	}
}

/**
 * smc_tx_done - a message is not in flight any more
 * @conn: the connection
 * @pos: stream position after the message
 * @signaled: its completion was asked for
 * @status: 0, or it is not known whether it has arrived
 *
 * Context: any but hard interrupts.
 */
void smc_tx_done(struct smc_conn *conn, u64 pos, bool signaled, int status)
{
	spin_lock_bh(&conn->lock);
	conn->tx_posted--;
	if (signaled)
		conn->tx_in_flight--;
	if (!status && !conn->detached)
		smc_tx_free_pages(conn, pos);
	if (signaled)
		smc_tx_push_locked(conn, true);
	if (conn->tx_conn_flags & SMC_CDC_S_ABORT && conn->app_closed &&
	    !conn->tx_posted && !conn->detached)
		smc_tx_drop(conn);
	smc_tx_wake(conn);
	smc_close_queue(conn);
	spin_unlock_bh(&conn->lock);
}

/* have a page for the byte at that position */
static int smc_tx_page(struct smc_conn *conn, u64 pos)
{
	u32 mask = conn->tx_size / PAGE_SIZE - 1;
	struct smc_txpage *tp = &conn->tx_pages[(pos >> PAGE_SHIFT) & mask];
	struct page *spare = NULL;
	int rc = 0;

	/* while tx_copying is set, nobody takes the page at tx_prep away */
	if (tp->page)
		return 0;
	for (;;) {
		spin_lock_bh(&conn->lock);
		if (!tp->page)
			rc = conn->killed ? -ENOLINK :
			     conn->ops->page_get(conn, tp, spare);
		spin_unlock_bh(&conn->lock);
		if (rc != -ENOMEM || spare)
			break;
		spare = alloc_page(GFP_KERNEL);
		if (!spare)
			return -ENOMEM;
		rc = 0;
	}
	if (spare && tp->page != spare)
		__free_page(spare);
	return rc;
}

/* copy up to len bytes behind what was written so far */
static int smc_tx_copy(struct smc_conn *conn, struct iov_iter *from, u32 len)
{
	u32 mask = conn->tx_size / PAGE_SIZE - 1, done = 0, off, n;
	u64 pos = conn->tx_prep;
	struct page *page;
	int rc = 0;

	while (done < len) {
		rc = smc_tx_page(conn, pos);
		if (rc)
			break;
		off = pos & ~PAGE_MASK;
		page = conn->tx_pages[(pos >> PAGE_SHIFT) & mask].page;
		n = copy_page_from_iter(page, off,
					min_t(u32, len - done, PAGE_SIZE - off),
					from);
		if (!n) {
			rc = -EFAULT;
			break;
		}
		done += n;
		pos += n;
	}
	return done ? done : rc;
}

/* may small data wait for company? a completion will push it */
static bool smc_tx_hold(const struct smc_conn *conn)
{
	u64 unsent = conn->tx_prep - conn->tx_sent;

	return conn->tx_in_flight &&
	       unsent < min_t(u32, conn->tx_size / 2, SMC_TX_CORK_MAX);
}

static int smc_tx_wait_room(struct sock *sk, struct smc_conn *conn, long *timeo)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	int rc = 0;

	add_wait_queue(sk_sleep(sk), &wait);
	sk_set_bit(SOCKWQ_ASYNC_NOSPACE, sk);
	while (!smc_tx_writable(conn)) {
		if (!*timeo) {
			rc = -EAGAIN;
			break;
		}
		if (signal_pending(current)) {
			rc = sock_intr_errno(*timeo);
			break;
		}
		sk_wait_event(sk, timeo, smc_tx_writable(conn), &wait);
	}
	remove_wait_queue(sk_sleep(sk), &wait);
	return rc;
}

/**
 * smc_tx_sendmsg - take data from the application
 * @sk: the socket
 * @conn: its connection
 * @msg: the data
 * @len: bytes of it
 *
 * A blocking call returns when all is taken, as TCP's does.
 * Context: process, under the socket lock, which is released while waiting.
 * Return: bytes taken, or -errno.
 */
int smc_tx_sendmsg(struct sock *sk, struct smc_conn *conn, struct msghdr *msg,
		   size_t len)
{
	long timeo = sock_sndtimeo(sk, msg->msg_flags & MSG_DONTWAIT);
	int copied = 0, rc = 0;
	u32 room;

	sk_clear_bit(SOCKWQ_ASYNC_NOSPACE, sk);
	while (msg_data_left(msg)) {
		if (sk->sk_err || (sk->sk_shutdown & SEND_SHUTDOWN)) {
			rc = -EPIPE;
			break;
		}
		spin_lock_bh(&conn->lock);
		if (smc_tx_peer_gone(conn)) {
			spin_unlock_bh(&conn->lock);
			rc = -EPIPE;
			break;
		}
		room = smc_tx_room(conn);
		if (!room)	/* nothing may be held back now */
			smc_tx_push_locked(conn, true);
		else
			conn->tx_copying = true;
		spin_unlock_bh(&conn->lock);
		if (!room) {
			rc = smc_tx_wait_room(sk, conn, &timeo);
			if (rc)
				break;
			continue;
		}

		rc = smc_tx_copy(conn, &msg->msg_iter,
				 min_t(size_t, room, msg_data_left(msg)));
		spin_lock_bh(&conn->lock);
		conn->tx_copying = false;
		if (rc > 0) {
			copied += rc;
			conn->tx_prep += rc;
			rc = 0;
			if (!smc_tx_hold(conn))
				smc_tx_push_locked(conn, msg_data_left(msg));
		}
		spin_unlock_bh(&conn->lock);
		if (rc)
			break;
	}
	if (copied)
		return copied;
	if (rc == -ENOLINK || rc == -EIO)
		rc = -EPIPE;
	return rc ? sk_stream_error(sk, msg->msg_flags, rc) : 0;
}

/**
 * smc_tx_writable - would a write be taken, or fail at once?
 * @conn: the connection
 *
 * If not, whoever sleeps on the socket is woken when it would.
 * Context: any but hard interrupts.
 */
bool smc_tx_writable(struct smc_conn *conn)
{
	bool writable;

	spin_lock_bh(&conn->lock);
	writable = smc_tx_roomy(conn) || conn->killed || smc_tx_peer_gone(conn) ||
		   (conn->sk && (conn->sk->sk_err ||
				 (conn->sk->sk_shutdown & SEND_SHUTDOWN)));
	if (!writable)
		conn->tx_want_space = true;
	spin_unlock_bh(&conn->lock);
	return writable;
}

/**
 * smc_tx_undelivered - is there data that may not have arrived?
 * @conn: the connection
 *
 * If there is, whoever sleeps on the socket is woken when it has.
 * Context: any but hard interrupts.
 */
bool smc_tx_undelivered(struct smc_conn *conn)
{
	bool undelivered;

	spin_lock_bh(&conn->lock);
	undelivered = !conn->killed && !smc_tx_peer_gone(conn) &&
		      (conn->tx_posted || conn->tx_sent != conn->tx_prep);
	if (undelivered)
		conn->tx_want_space = true;
	spin_unlock_bh(&conn->lock);
	return undelivered;
}

/**
 * smc_tx_unsent - bytes that were written and not sent
 * @conn: the connection
 *
 * Context: any but hard interrupts.
 * Return: bytes.
 */
u32 smc_tx_unsent(struct smc_conn *conn)
{
	u32 unsent;

	spin_lock_bh(&conn->lock);
	unsent = conn->tx_prep - conn->tx_sent;
	spin_unlock_bh(&conn->lock);
	return unsent;
}

/**
 * smc_tx_outq - bytes that may not have arrived
 * @conn: the connection
 *
 * Messages without completion are made to complete, so that who asks again and
 * again sees zero in the end.
 * Context: process.
 * Return: bytes.
 */
u32 smc_tx_outq(struct smc_conn *conn)
{
	u32 outq;

	spin_lock_bh(&conn->lock);
	outq = conn->tx_prep - conn->tx_fin;
	if (outq && !conn->tx_in_flight) {
		conn->tx_msg_due = true;
		smc_tx_push_locked(conn, true);
	}
	spin_unlock_bh(&conn->lock);
	return outq;
}
