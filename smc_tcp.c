// SPDX-License-Identifier: GPL-2.0
/*
 * The internal TCP socket: what we want to hear of it, and falling back to it
 *
 * It lives from socket() to the destructor and is never handed out. After
 * fallback it uses the wait queue of the AF_SMC socket, so that who waits
 * there, before or after, is woken by TCP itself.
 */
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "smc.h"
#include "smc_close.h"
#include "smc_core.h"
#include "smc_stats.h"
#include "smc_synopt.h"

/*
 * TCP and RoCE are two ways: a FIN or a RST may overtake the data and the CDC
 * message that end the connection, by this much.
 */
#define SMC_TCP_FIN_PATIENCE	(10 * HZ)
#define SMC_TCP_RST_PATIENCE	HZ

/* memory or files were short when a connection was to be taken over */
#define SMC_TCP_RETRY		(HZ / 10)

/**
 * struct smc_tcp_free - releasing a socket sleeps, destructors may not
 */
struct smc_tcp_free {
	/** @work: runs smc_tcp_free_work() */
	struct work_struct	work;
	/** @clcsock: to be released */
	struct socket		*clcsock;
	/** @clcsk: reference to be dropped */
	struct sock		*clcsk;
};

/* what a TCP socket's callbacks are by default; the same for all of them */
static struct {
	void	(*state_change)(struct sock *sk);
	void	(*data_ready)(struct sock *sk);
	void	(*error_report)(struct sock *sk);
} smc_tcp_default;

/* --------------------------------------------------------------- callbacks */

/*
 * Whose internal socket is this? Others use sk_user_data for other things, but
 * none with just this flag, and none has our callbacks.
 */
static struct smc_sock *smc_tcp_owner(struct sock *sk)
{
	uintptr_t data = (uintptr_t)rcu_access_pointer(__sk_user_data(sk));

	if ((data & ~SK_USER_DATA_PTRMASK) != SK_USER_DATA_NOCOPY)
		return NULL;
	return (struct smc_sock *)(data & SK_USER_DATA_PTRMASK);
}

static void smc_tcp_queue(struct smc_sock *smc, struct workqueue_struct *wq,
			  struct work_struct *work)
{
	sock_hold(&smc->sk);
	if (!queue_work(wq, work))
		sock_put(&smc->sk);
}

static void smc_tcp_queue_watch(struct smc_sock *smc)
{
	sock_hold(&smc->sk);
	if (mod_delayed_work(smc_wq, &smc->tcp_work, 0))
		sock_put(&smc->sk);
}

/* something happened to TCP: have it looked at; no locks are taken here */
static void smc_tcp_kick(struct smc_sock *smc)
{
	int state = READ_ONCE(smc->sk.sk_state);

	if (state == SMC_LISTEN)
		smc_tcp_queue(smc, smc_wq, &smc->work);
	else if (smc_carrier(smc) == SMC_CARRIER_RDMA)
		smc_tcp_queue_watch(smc);
	else if (READ_ONCE(smc->connecting) && !READ_ONCE(smc->hs_started))
		smc_tcp_queue(smc, smc_connect_wq, &smc->work);
}

static void smc_tcp_event(struct sock *sk, bool error)
{
	struct smc_sock *smc;

	read_lock_bh(&sk->sk_callback_lock);
	smc = smc_tcp_owner(sk);
	if (smc && refcount_inc_not_zero(&smc->sk.sk_refcnt)) {
		if (error && smc_is_fallback(smc)) {
			WRITE_ONCE(smc->sk.sk_err, READ_ONCE(sk->sk_err));
			WRITE_ONCE(smc->err_mirrored, true);
		}
		smc_tcp_kick(smc);
		sock_put(&smc->sk);
	}
	read_unlock_bh(&sk->sk_callback_lock);
}

static void smc_tcp_state_change(struct sock *sk)
{
	smc_tcp_default.state_change(sk);
	smc_tcp_event(sk, false);
}

static void smc_tcp_data_ready(struct sock *sk)
{
	smc_tcp_default.data_ready(sk);
	if (sk->sk_state == TCP_LISTEN)
		smc_tcp_event(sk, false);
}

static void smc_tcp_error_report(struct sock *sk)
{
	smc_tcp_event(sk, true);
	smc_tcp_default.error_report(sk);
}

/**
 * smc_tcp_hook - hear of what happens to the internal TCP socket
 * @smc: the socket
 *
 * Children of a listener inherit the callbacks but not the owner.
 * Context: process. Ends with smc_tcp_destruct().
 */
void smc_tcp_hook(struct smc_sock *smc)
{
	struct sock *sk = smc->clcsk;

	write_lock_bh(&sk->sk_callback_lock);
	if (!rcu_access_pointer(__sk_user_data(sk))) {
		__rcu_assign_sk_user_data_with_flags(sk, smc,
						     SK_USER_DATA_NOCOPY);
		sk->sk_state_change = smc_tcp_state_change;
		sk->sk_data_ready = smc_tcp_data_ready;
		sk->sk_error_report = smc_tcp_error_report;
	}
	write_unlock_bh(&sk->sk_callback_lock);
}

static void smc_tcp_default_callbacks(struct sock *sk)
{
	sk->sk_state_change = smc_tcp_default.state_change;
	sk->sk_data_ready = smc_tcp_default.data_ready;
	sk->sk_error_report = smc_tcp_default.error_report;
}

/**
 * smc_tcp_unhook - give a TCP socket the usual callbacks
 * @sk: a listener that ends, or a child of one, just accepted
 */
void smc_tcp_unhook(struct sock *sk)
{
	write_lock_bh(&sk->sk_callback_lock);
	if (smc_tcp_owner(sk))
		rcu_assign_sk_user_data(sk, NULL);
	smc_tcp_default_callbacks(sk);
	write_unlock_bh(&sk->sk_callback_lock);
}

/* ---------------------------------------------------------------- lifetime */

static void smc_tcp_free_work(struct work_struct *work)
{
	struct smc_tcp_free *f = container_of(work, struct smc_tcp_free, work);

	/* nobody waits for the end of this one */
	lock_sock(f->clcsk);
	if (f->clcsk->sk_lingertime)
		sock_reset_flag(f->clcsk, SOCK_LINGER);
	release_sock(f->clcsk);
	sock_release(f->clcsock);
	sock_put(f->clcsk);
	kfree(f);
}

/**
 * smc_tcp_adopt - a TCP socket becomes the internal one
 * @smc: the socket
 * @clcsock: the TCP socket; stays the caller's on error
 *
 * Return: 0 or -ENOMEM.
 */
int smc_tcp_adopt(struct smc_sock *smc, struct socket *clcsock)
{
	smc->tcp_free = kzalloc(sizeof(*smc->tcp_free), GFP_KERNEL);
	if (!smc->tcp_free)
		return -ENOMEM;
	INIT_WORK(&smc->tcp_free->work, smc_tcp_free_work);
	smc->tcp_free->clcsock = clcsock;
	smc->tcp_free->clcsk = clcsock->sk;
	sock_hold(clcsock->sk);
	smc->clcsk = clcsock->sk;
	smc->clcsock = clcsock;
	return 0;
}

/**
 * smc_tcp_create - make the internal TCP socket
 * @smc: the socket
 * @family: AF_INET or AF_INET6
 *
 * It is made as if the application had asked for it, and so is no kernel
 * socket: it holds its namespace, and has no rights that a user has not.
 * Context: process, sleeps.
 * Return: 0 or -errno.
 */
int smc_tcp_create(struct smc_sock *smc, int family)
{
	struct socket *clcsock;
	int rc;

	rc = __sock_create(sock_net(&smc->sk), family, SOCK_STREAM, IPPROTO_TCP,
			   &clcsock, 0);
	if (rc)
		return rc;
	rc = smc_tcp_adopt(smc, clcsock);
	if (rc) {
		sock_release(clcsock);
		return rc;
	}
	WRITE_ONCE(smc_tcp_default.state_change, clcsock->sk->sk_state_change);
	WRITE_ONCE(smc_tcp_default.data_ready, clcsock->sk->sk_data_ready);
	WRITE_ONCE(smc_tcp_default.error_report, clcsock->sk->sk_error_report);
	return 0;
}

/**
 * smc_tcp_destruct - the AF_SMC socket is being destroyed
 * @smc: the socket, without references
 *
 * Context: softirq.
 */
void smc_tcp_destruct(struct smc_sock *smc)
{
	struct sock *sk = smc->clcsk;

	if (!sk)
		return;
	write_lock_bh(&sk->sk_callback_lock);
	if (smc_tcp_owner(sk) == smc) {
		rcu_assign_sk_user_data(sk, NULL);
		smc_tcp_default_callbacks(sk);
	}
	write_unlock_bh(&sk->sk_callback_lock);
	queue_work(smc_wq, &smc->tcp_free->work);
}

/**
 * smc_tcp_close - close the internal TCP socket now, as TCP would
 * @smc: the socket, locked; nobody uses the TCP socket any more
 *
 * The struct socket stays until the destructor. Lingers as SO_LINGER says.
 * Context: process, sleeps.
 */
void smc_tcp_close(struct smc_sock *smc)
{
	if (!smc->clcsock->sk)
		return;
	smc_synopt_abandon(smc->clcsk);
	smc_tcp_sync_opts(smc);
	smc->clcsock->ops->release(smc->clcsock);
}

/**
 * smc_tcp_end - the connection over RDMA has ended, so TCP's does
 * @smc: the socket, not locked
 * @reset: with a RST, so that the peer's TCP ends too
 *
 * Context: process, sleeps.
 */
void smc_tcp_end(struct smc_sock *smc, bool reset)
{
	struct sock *sk = smc->clcsk;

	if (READ_ONCE(sk->sk_state) == TCP_CLOSE)
		return;
	if (reset)
		tcp_abort(sk, ECONNRESET);
	else
		kernel_sock_shutdown(smc->clcsock, SHUT_RDWR);
}

/**
 * smc_tcp_retry - take connections over from TCP a little later
 * @smc: the listener
 *
 * Nothing tells when there is memory again, and TCP says no second time that
 * it has a connection.
 * Context: process.
 */
void smc_tcp_retry(struct smc_sock *smc)
{
	sock_hold(&smc->sk);
	if (!queue_delayed_work(smc_wq, &smc->tcp_work, SMC_TCP_RETRY))
		sock_put(&smc->sk);
}

/* true if it is over; begins with the first call, and comes back at its end */
static bool smc_tcp_patience(struct smc_sock *smc, unsigned long *until,
			     unsigned long patience)
{
	if (!*until)
		*until = (jiffies + patience) ?: 1;
	if (time_after_eq(jiffies, *until))
		return true;
	/* not later than what an event has queued meanwhile */
	sock_hold(&smc->sk);
	if (!queue_delayed_work(smc_wq, &smc->tcp_work, *until - jiffies))
		sock_put(&smc->sk);
	return false;
}

/**
 * smc_tcp_work - look at TCP under a connection over RDMA
 * @work: smc_sock.tcp_work, queued with a reference to the socket
 *
 * A RST is an abort. A FIN is none, since it comes in parallel with the
 * message that ends the connection; if that never comes, it is [gotcha G20,
 * G21 of the protocol: RFC 7609 4.8 and LNX differ].
 */
void smc_tcp_work(struct work_struct *work)
{
	struct smc_sock *smc = container_of(to_delayed_work(work),
					    struct smc_sock, tcp_work);
	int state = READ_ONCE(smc->clcsk->sk_state);
	struct smc_conn *conn = smc->conn;
	u8 flags;

	if (!conn) {
		smc_tcp_kick(smc);	/* a listener, see smc_tcp_retry() */
		sock_put(&smc->sk);
		return;
	}
	flags = READ_ONCE(conn->rx_conn_flags);
	if (flags & (SMC_CDC_S_CLOSED | SMC_CDC_S_ABORT) ||
	    READ_ONCE(conn->tx_conn_flags) & (SMC_CDC_S_CLOSED |
					      SMC_CDC_S_ABORT)) {
		/* it is over anyway */
	} else if ((state == TCP_CLOSE &&
		    smc_tcp_patience(smc, &smc->rst_until,
				     SMC_TCP_RST_PATIENCE)) ||
		   (state == TCP_CLOSE_WAIT && !flags &&
		    smc_tcp_patience(smc, &smc->fin_until,
				     SMC_TCP_FIN_PATIENCE))) {
		SMC_STAT_INC(SMC_STAT_TCP_RESET);
		smc_close_reset(conn, READ_ONCE(smc->clcsk->sk_err) ?:
				ECONNRESET);
	}
	sock_put(&smc->sk);
}

/* ----------------------------------------------------------------- options */

/**
 * smc_tcp_sync_opts - SOL_SOCKET options reach the internal TCP socket
 * @smc: the socket
 *
 * The socket core sets them on the AF_SMC socket only. Cheap enough to be done
 * before each operation that is passed on.
 * Context: process.
 */
void smc_tcp_sync_opts(struct smc_sock *smc)
{
	struct sock *sk = &smc->sk, *tsk = smc->clcsk;
	static const enum sock_flags flags[] = {
		SOCK_KEEPOPEN, SOCK_LINGER, SOCK_URGINLINE, SOCK_BROADCAST,
		SOCK_DBG, SOCK_LOCALROUTE, SOCK_FASYNC,
	};
	unsigned int i;

	WRITE_ONCE(tsk->sk_rcvtimeo, READ_ONCE(sk->sk_rcvtimeo));
	WRITE_ONCE(tsk->sk_sndtimeo, READ_ONCE(sk->sk_sndtimeo));
	WRITE_ONCE(tsk->sk_rcvlowat, READ_ONCE(sk->sk_rcvlowat));
	WRITE_ONCE(tsk->sk_lingertime, READ_ONCE(sk->sk_lingertime));
	WRITE_ONCE(tsk->sk_priority, READ_ONCE(sk->sk_priority));
	if (READ_ONCE(tsk->sk_mark) != READ_ONCE(sk->sk_mark)) {
		WRITE_ONCE(tsk->sk_mark, READ_ONCE(sk->sk_mark));
		sk_dst_reset(tsk);
	}
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		if (sock_flag(tsk, flags[i]) == sock_flag(sk, flags[i]))
			continue;
		lock_sock(tsk);	/* TCP changes others at the same time */
		sock_valbool_flag(tsk, flags[i], sock_flag(sk, flags[i]));
		release_sock(tsk);
	}
	if (sk->sk_userlocks & SOCK_SNDBUF_LOCK &&
	    READ_ONCE(tsk->sk_sndbuf) != READ_ONCE(sk->sk_sndbuf)) {
		WRITE_ONCE(tsk->sk_sndbuf, READ_ONCE(sk->sk_sndbuf));
		tsk->sk_userlocks |= SOCK_SNDBUF_LOCK;
	}
	if (sk->sk_userlocks & SOCK_RCVBUF_LOCK &&
	    READ_ONCE(tsk->sk_rcvbuf) != READ_ONCE(sk->sk_rcvbuf)) {
		WRITE_ONCE(tsk->sk_rcvbuf, READ_ONCE(sk->sk_rcvbuf));
		tsk->sk_userlocks |= SOCK_RCVBUF_LOCK;
	}
	if (READ_ONCE(smc->sk.sk_state) == SMC_INIT && !smc->connecting) {
		tsk->sk_reuse = sk->sk_reuse;
		tsk->sk_reuseport = sk->sk_reuseport;
		/* a bound socket is hashed by it: let TCP do it its own way */
		if (READ_ONCE(tsk->sk_bound_dev_if) !=
		    READ_ONCE(sk->sk_bound_dev_if))
			sock_bindtoindex(tsk, READ_ONCE(sk->sk_bound_dev_if),
					 true);
	}
}

/**
 * smc_tcp_opt_allowed - may an option reach the internal TCP socket?
 * @level: IPPROTO_TCP, IPPROTO_IP or IPPROTO_IPV6
 * @optname: the option
 *
 * Only what is known to be harmless to, and effective on, a connection over
 * RDMA or before it.
 * Return: true if setsockopt() may pass it on.
 */
bool smc_tcp_opt_allowed(int level, int optname)
{
	switch (level) {
	case IPPROTO_TCP:
		switch (optname) {
		case TCP_NODELAY:
		case TCP_MAXSEG:
		case TCP_KEEPIDLE:
		case TCP_KEEPINTVL:
		case TCP_KEEPCNT:
		case TCP_SYNCNT:
		case TCP_LINGER2:
		case TCP_QUICKACK:
		case TCP_CONGESTION:
		case TCP_WINDOW_CLAMP:
			return true;
		}
		return false;
	case IPPROTO_IP:
		switch (optname) {
		case IP_TOS:
		case IP_TTL:
		case IP_MTU_DISCOVER:
		case IP_FREEBIND:
		case IP_TRANSPARENT:
		case IP_BIND_ADDRESS_NO_PORT:
		case IP_MINTTL:
			return true;
		}
		return false;
	case IPPROTO_IPV6:
		switch (optname) {
		case IPV6_V6ONLY:
		case IPV6_TCLASS:
		case IPV6_UNICAST_HOPS:
		case IPV6_MTU_DISCOVER:
		case IPV6_FREEBIND:
		case IPV6_TRANSPARENT:
		case IPV6_MINHOPCOUNT:
			return true;
		}
		return false;
	}
	return false;
}

/**
 * smc_tcp_opt_readable - may an option of the internal TCP socket be read?
 * @level: IPPROTO_TCP, IPPROTO_IP or IPPROTO_IPV6
 * @optname: the option
 *
 * Not those that take data from the stream, or want to be written first.
 * Return: true if getsockopt() may pass it on.
 */
bool smc_tcp_opt_readable(int level, int optname)
{
	if (smc_tcp_opt_allowed(level, optname))
		return true;
	switch (level) {
	case IPPROTO_TCP:
		switch (optname) {
		case TCP_INFO:
		case TCP_CC_INFO:
		case TCP_CORK:
		case TCP_DEFER_ACCEPT:
		case TCP_FASTOPEN:
		case TCP_NOTSENT_LOWAT:
		case TCP_USER_TIMEOUT:
			return true;
		}
		return false;
	case IPPROTO_IP:
		return optname == IP_MTU;
	case IPPROTO_IPV6:
		return optname == IPV6_MTU;
	}
	return false;
}

/* ---------------------------------------------------------------- fallback */

/**
 * smc_tcp_graft - TCP wakes who waits on the AF_SMC socket
 * @smc: the socket, fallen back
 * @sock: its struct socket; valid until smc_tcp_close()
 *
 * Context: process. Nobody waits on the TCP socket's own queue: only our
 * handshake did, and that is over.
 */
void smc_tcp_graft(struct smc_sock *smc, struct socket *sock)
{
	struct sock *sk = smc->clcsk;

	write_lock_bh(&sk->sk_callback_lock);
	rcu_assign_pointer(sk->sk_wq, &sock->wq);
	write_unlock_bh(&sk->sk_callback_lock);
}

/**
 * smc_fallback - this is going to be a TCP connection
 * @smc: the socket, its carrier not decided yet
 * @reason: why, a diagnosis code
 * @server: our role
 *
 * It is when smc_sock_established() says so.
 * Context: process; the caller is the one who may decide.
 */
void smc_fallback(struct smc_sock *smc, u32 reason, bool server)
{
	struct sock *sk = smc->clcsk;

	smc->fback_reason = reason;
	smc_stats_fallback(reason, server);
	smc_tcp_sync_opts(smc);
	smc_tcp_hook(smc);	/* for errors; TCP alone wakes for the rest */
	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_state_change = smc_tcp_default.state_change;
	sk->sk_data_ready = smc_tcp_default.data_ready;
	write_unlock_bh(&sk->sk_callback_lock);
}

/**
 * smc_tcp_err_sync - before an operation is passed on to TCP
 * @smc: the socket, fallen back
 *
 * SO_ERROR reads and clears our sk_err, which mirrors TCP's. If that was done,
 * TCP must not report the error again.
 */
void smc_tcp_err_sync(struct smc_sock *smc)
{
	if (READ_ONCE(smc->err_mirrored) && !READ_ONCE(smc->sk.sk_err)) {
		WRITE_ONCE(smc->err_mirrored, false);
		sock_error(smc->clcsk);
	}
}

/**
 * smc_tcp_err_leave - after an operation was passed on to TCP
 * @smc: the socket, fallen back
 * @rc: its result
 *
 * An error that TCP has reported is not to be seen by SO_ERROR any more.
 * Return: @rc.
 */
int smc_tcp_err_leave(struct smc_sock *smc, int rc)
{
	if (READ_ONCE(smc->err_mirrored) && !READ_ONCE(smc->clcsk->sk_err)) {
		WRITE_ONCE(smc->err_mirrored, false);
		WRITE_ONCE(smc->sk.sk_err, 0);
	}
	return rc;
}
