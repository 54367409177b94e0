// SPDX-License-Identifier: GPL-2.0
/*
 * AF_SMC sockets: TCP connections whose bytes go by RDMA
 *
 * RFC 7609, "IBM's Shared Memory Communications over RDMA (SMC-R) Protocol".
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/in.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/sockios.h>
#include <linux/termios.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "smc.h"
#include "smc_close.h"
#include "smc_core.h"
#include "smc_ib.h"
#include "smc_rx.h"
#include "smc_stats.h"
#include "smc_synopt.h"
#include "smc_tx.h"

/* what is not there yet is refused, not ignored */
#define SMC_SEND_REFUSED	(MSG_OOB | MSG_FASTOPEN | MSG_ZEROCOPY)
#define SMC_RECV_REFUSED	(MSG_OOB | MSG_ERRQUEUE)

/**
 * struct smc_net - what a network namespace has of us
 */
struct smc_net {
	/** @socks: smc_sock.diag_id -> socket; an entry holds no reference */
	struct xarray	socks;
	/** @next: where to look for a free id */
	u32		next;
};

struct workqueue_struct *smc_connect_wq;
struct workqueue_struct *smc_serve_wq;
struct workqueue_struct *smc_rmb_wq;
struct workqueue_struct *smc_end_wq;
struct workqueue_struct *smc_wq;

static const struct {
	struct workqueue_struct	**wq;
	const char		*name;
} smc_wqs[] = {
	{ &smc_connect_wq,	"smc_connect" },
	{ &smc_serve_wq,	"smc_serve" },
	{ &smc_rmb_wq,		"smc_rmb" },
	{ &smc_end_wq,		"smc_end" },
	{ &smc_wq,		"smc" },
};

static unsigned int smc_net_id;
static struct proto smc_proto;

static struct smc_net *smc_net(const struct net *net)
{
	return net_generic(net, smc_net_id);
}

/* ----------------------------------------------------------- socket objects */

static void smc_sock_destruct(struct sock *sk)
{
	struct smc_sock *smc = smc_sk(sk);

	smc_tcp_destruct(smc);
	kfree(smc->connect_addr);
	if (smc->conn)
		smc_conn_put(smc->conn);
}

/* what a socket's work item is for depends on what the socket is */
static void smc_sock_work(struct work_struct *work)
{
	struct smc_sock *smc = container_of(work, struct smc_sock, work);

	if (smc->is_child)
		smc_listen_serve_work(smc);
	else if (READ_ONCE(smc->sk.sk_state) == SMC_LISTEN)
		smc_listen_work(smc);
	else
		smc_connect_work(smc);
}

/**
 * smc_sock_alloc - make an AF_SMC socket without internal TCP socket
 * @net: its namespace
 * @sock: its struct socket, or NULL
 * @protocol: SMCPROTO_*
 *
 * Context: process, sleeps.
 * Return: the socket, or NULL if memory is short.
 */
struct sock *smc_sock_alloc(struct net *net, struct socket *sock, int protocol)
{
	struct smc_net *sn = smc_net(net);
	struct smc_sock *smc;
	struct sock *sk;

	sk = sk_alloc(net, PF_SMC, GFP_KERNEL, &smc_proto, 0);
	if (!sk)
		return NULL;
	sock_init_data(sock, sk);
	sk->sk_state = SMC_INIT;
	sk->sk_protocol = protocol;
	sk->sk_destruct = smc_sock_destruct;
	sk->sk_sndbuf = 2 * SMC_BUF_DEFAULT;
	sk->sk_rcvbuf = 2 * SMC_BUF_DEFAULT;
	sock_set_flag(sk, SOCK_RCU_FREE);	/* tables do not hold it */

	smc = smc_sk(sk);
	INIT_WORK(&smc->work, smc_sock_work);
	INIT_DELAYED_WORK(&smc->tcp_work, smc_tcp_work);
	spin_lock_init(&smc->accept_lock);
	INIT_LIST_HEAD(&smc->accept_q);
	INIT_LIST_HEAD(&smc->hs_q);
	INIT_LIST_HEAD(&smc->accept_node);
	if (xa_alloc_cyclic_bh(&sn->socks, &smc->diag_id, smc, xa_limit_32b,
			       &sn->next, GFP_KERNEL) < 0) {
		sock_put(sk);
		return NULL;
	}
	smc->listed = true;
	return sk;
}

/**
 * smc_sock_unlist - a socket is not to be seen by sock_diag any more
 * @smc: the socket; nobody else does this at the same time
 */
void smc_sock_unlist(struct smc_sock *smc)
{
	if (smc->listed)
		xa_erase_bh(&smc_net(sock_net(&smc->sk))->socks, smc->diag_id);
	smc->listed = false;
}

/**
 * smc_sock_established - the socket is connected
 * @smc: the socket; over RDMA if that connection is set, else over TCP
 *
 * Nobody uses the carrier before this has published it.
 * Context: process, under the socket lock or before anybody else has it.
 */
void smc_sock_established(struct smc_sock *smc)
{
	struct sock *sk = &smc->sk;

	if (!smc->conn) {
		if (sk->sk_socket)
			smc_tcp_graft(smc, sk->sk_socket);
		/* pairs with smc_carrier() */
		smp_store_release(&smc->carrier, SMC_CARRIER_TCP);
		WRITE_ONCE(sk->sk_state, SMC_ACTIVE);
		/* an error that came before the callback knew what we are */
		smp_mb();
		if (READ_ONCE(smc->clcsk->sk_err))
			smc->clcsk->sk_error_report(smc->clcsk);
		return;
	}
	smc_tcp_hook(smc);
	/* pairs with smc_carrier() */
	smp_store_release(&smc->carrier, SMC_CARRIER_RDMA);
	smc_close_live(smc->conn);
	WRITE_ONCE(sk->sk_state, SMC_ACTIVE);
	/*
	 * TCP may have ended before its callback could know what we are: either
	 * that sees the carrier, or we see the state.
	 */
	smp_mb();
	if (READ_ONCE(smc->clcsk->sk_state) != TCP_ESTABLISHED)
		smc->clcsk->sk_state_change(smc->clcsk);
}

/* seconds of SO_LINGER in jiffies, -1 for none of them: reset */
static long smc_sock_linger(const struct sock *sk)
{
	if (!sock_flag(sk, SOCK_LINGER) || current->flags & PF_EXITING)
		return 0;
	return sk->sk_lingertime ?: -1;
}

/**
 * smc_sock_discard - nobody uses the socket any more
 * @smc: the socket, locked and dead
 *
 * Context: process, sleeps.
 */
void smc_sock_discard(struct smc_sock *smc)
{
	struct sock *sk = &smc->sk;

	smc_sock_unlist(smc);
	if (sk->sk_state == SMC_LISTEN)
		smc_listen_stop(smc);
	if (smc->conn)
		smc_close_app(smc->conn, sk, sk->sk_socket ?
			      smc_sock_linger(sk) : -1);
	else
		smc_tcp_close(smc);
	WRITE_ONCE(sk->sk_state, SMC_CLOSED);
}

static int smc_release(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct smc_sock *smc;

	if (!sk)
		return 0;
	smc = smc_sk(sk);
	lock_sock(sk);
	if (smc->connecting) {
		/* whoever connects finds the socket dead, and cleans up */
		sock_orphan(sk);
		smc_sock_unlist(smc);
		kernel_sock_shutdown(smc->clcsock, SHUT_RDWR);
		smc->clcsk->sk_state_change(smc->clcsk);
	} else {
		smc_sock_discard(smc);
		sock_orphan(sk);
	}
	sock->sk = NULL;
	release_sock(sk);
	sock_put(sk);
	return 0;
}

static const struct proto_ops smc_sock_ops;

static int smc_create(struct net *net, struct socket *sock, int protocol,
		      int kern)
{
	struct sock *sk;
	int rc;

	if (sock->type != SOCK_STREAM)
		return -ESOCKTNOSUPPORT;
	if (protocol != SMCPROTO_SMC && protocol != SMCPROTO_SMC6)
		return -EPROTONOSUPPORT;

	sock->state = SS_UNCONNECTED;
	sock->ops = &smc_sock_ops;
	sk = smc_sock_alloc(net, sock, protocol);
	if (!sk) {
		sock->sk = NULL;
		return -ENOBUFS;
	}
	rc = smc_tcp_create(smc_sk(sk), protocol == SMCPROTO_SMC6 ? PF_INET6 :
								    PF_INET);
	if (rc) {
		smc_sock_unlist(smc_sk(sk));
		sock_orphan(sk);
		sock->sk = NULL;
		sock_put(sk);
	}
	return rc;
}

/* --------------------------------------------------------------- addresses */

static int smc_bind(struct socket *sock, struct sockaddr_unsized *uaddr,
		    int alen)
{
	struct sockaddr_in *addr = (struct sockaddr_in *)uaddr;
	struct smc_sock *smc = smc_sk(sock->sk);
	struct sock *sk = sock->sk;
	int rc;

	if (alen < (int)sizeof(*addr))
		return -EINVAL;
	if (addr->sin_family != AF_INET && addr->sin_family != AF_INET6 &&
	    addr->sin_family != AF_UNSPEC)
		return -EAFNOSUPPORT;
	if (addr->sin_family == AF_UNSPEC &&
	    addr->sin_addr.s_addr != htonl(INADDR_ANY))
		return -EAFNOSUPPORT;

	lock_sock(sk);
	if (sk->sk_state != SMC_INIT || smc->connecting) {
		rc = -EINVAL;
	} else {
		smc_tcp_sync_opts(smc);
		rc = kernel_bind(smc->clcsock, (void *)uaddr, alen);
	}
	release_sock(sk);
	return rc;
}

static int smc_connect(struct socket *sock, struct sockaddr_unsized *addr,
		       int alen, int flags)
{
	struct sock *sk = sock->sk;
	int rc;

	if (alen < (int)sizeof(addr->sa_family))
		return -EINVAL;
	if (addr->sa_family != AF_INET && addr->sa_family != AF_INET6)
		return -EINVAL;
	lock_sock(sk);
	rc = smc_connect_start(smc_sk(sk), sock, (struct sockaddr *)addr, alen,
			       flags);
	release_sock(sk);
	return rc;
}

static int smc_getname(struct socket *sock, struct sockaddr *addr, int peer)
{
	struct smc_sock *smc = smc_sk(sock->sk);

	return smc->clcsock->ops->getname(smc->clcsock, addr, peer);
}

/* -------------------------------------------------------- listen and accept */

static int smc_sock_listen(struct socket *sock, int backlog)
{
	struct sock *sk = sock->sk;
	int rc;

	lock_sock(sk);
	rc = smc_listen(sock, backlog);
	release_sock(sk);
	return rc;
}

static int smc_accept(struct socket *sock, struct socket *newsock,
		      struct proto_accept_arg *arg)
{
	struct sock *sk = sock->sk, *csk;
	struct smc_sock *child;
	int rc;

	lock_sock(sk);
	child = smc_listen_take(smc_sk(sk),
				sock_rcvtimeo(sk, arg->flags & O_NONBLOCK), &rc);
	release_sock(sk);
	if (!child)
		return rc;

	csk = &child->sk;
	lock_sock(csk);
	sock_graft(csk, newsock);
	if (smc_is_fallback(child))
		smc_tcp_graft(child, newsock);
	newsock->state = SS_CONNECTED;
	release_sock(csk);
	return 0;
}

SMC_DEFINE_PROTO_ACCEPT(smc_accept)

/* ------------------------------------------------------------------- data */

/* what carries the data of this socket; waits for connect() if it is running */
static int smc_carrier_wait(struct sock *sk, long timeo)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct smc_sock *smc = smc_sk(sk);
	int rc = 0;

	if (likely(!smc->connecting))
		return 0;
	add_wait_queue(sk_sleep(sk), &wait);
	while (smc->connecting) {
		if (!timeo)
			rc = -EAGAIN;
		else if (signal_pending(current))
			rc = sock_intr_errno(timeo);
		if (rc)
			break;
		sk_wait_event(sk, &timeo, !READ_ONCE(smc->connecting), &wait);
	}
	remove_wait_queue(sk_sleep(sk), &wait);
	return rc;
}

static int smc_tcp_sendmsg(struct smc_sock *smc, struct msghdr *msg, size_t len)
{
	int rc;

	smc_tcp_err_sync(smc);
	smc_tcp_sync_opts(smc);
	rc = smc->clcsock->ops->sendmsg(smc->clcsock, msg, len);
	return smc_tcp_err_leave(smc, rc);
}

static int smc_tcp_recvmsg(struct smc_sock *smc, struct msghdr *msg, size_t len,
			   int flags)
{
	int rc;

	smc_tcp_err_sync(smc);
	smc_tcp_sync_opts(smc);
	rc = smc->clcsock->ops->recvmsg(smc->clcsock, msg, len, flags);
	return smc_tcp_err_leave(smc, rc);
}

static int smc_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	struct smc_sock *smc = smc_sk(sock->sk);
	struct sock *sk = sock->sk;
	int rc;

	if (smc_is_fallback(smc))
		return smc_tcp_sendmsg(smc, msg, len);
	if (msg->msg_flags & SMC_SEND_REFUSED)
		return -EOPNOTSUPP;

	lock_sock(sk);
	rc = smc_carrier_wait(sk, sock_sndtimeo(sk, msg->msg_flags &
						    MSG_DONTWAIT));
	if (!rc && smc_carrier(smc) == SMC_CARRIER_RDMA)
		rc = smc_tx_sendmsg(sk, smc->conn, msg, len);
	else if (!rc && !smc_is_fallback(smc))
		rc = sk_stream_error(sk, msg->msg_flags, -EPIPE);
	release_sock(sk);
	if (!rc && smc_is_fallback(smc))
		rc = smc_tcp_sendmsg(smc, msg, len);
	return rc;
}

static int smc_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
		       int flags)
{
	struct smc_sock *smc = smc_sk(sock->sk);
	struct sock *sk = sock->sk;
	int rc;

	if (smc_is_fallback(smc))
		return smc_tcp_recvmsg(smc, msg, len, flags);
	if (flags & SMC_RECV_REFUSED)
		return -EOPNOTSUPP;

	lock_sock(sk);
	rc = smc_carrier_wait(sk, sock_rcvtimeo(sk, flags & MSG_DONTWAIT));
	if (!rc && smc_carrier(smc) == SMC_CARRIER_RDMA) {
		msg->msg_namelen = 0;
		rc = smc_rx_recvmsg(sk, smc->conn, msg, len, flags);
	} else if (!rc && !smc_is_fallback(smc)) {
		rc = sock_error(sk) ?: -ENOTCONN;
	}
	release_sock(sk);
	if (!rc && smc_is_fallback(smc))
		rc = smc_tcp_recvmsg(smc, msg, len, flags);
	return rc;
}

static __poll_t smc_poll_conn(struct sock *sk, struct smc_conn *conn)
{
	u8 shutdown = READ_ONCE(sk->sk_shutdown);
	__poll_t mask = 0;
	u32 avail = smc_rx_avail(conn);

	if (shutdown == SHUTDOWN_MASK)
		mask |= EPOLLHUP;
	if (shutdown & RCV_SHUTDOWN)
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	if (avail && avail >= min_t(u32, READ_ONCE(sk->sk_rcvlowat),
				    conn->rmbe.size))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (shutdown & SEND_SHUTDOWN) {
		mask |= EPOLLOUT | EPOLLWRNORM;
	} else {
		sk_set_bit(SOCKWQ_ASYNC_NOSPACE, sk);
		if (smc_tx_writable(conn))
			mask |= EPOLLOUT | EPOLLWRNORM;
	}
	return mask;
}

static __poll_t smc_poll(struct file *file, struct socket *sock,
			 poll_table *wait)
{
	struct sock *sk = sock->sk;
	__poll_t mask = 0;
	struct smc_sock *smc;
	bool connecting;

	if (!sk)
		return EPOLLNVAL;
	smc = smc_sk(sk);
	sock_poll_wait(file, sock, wait);
	/* before the carrier: if it is over, its outcome is seen */
	connecting = smp_load_acquire(&smc->connecting);

	switch (smc_carrier(smc)) {
	case SMC_CARRIER_TCP:
		smc_tcp_err_sync(smc);
		/* we wait on our own queue, which TCP wakes */
		return smc->clcsock->ops->poll(file, smc->clcsock, NULL);
	case SMC_CARRIER_RDMA:
		mask = smc_poll_conn(sk, smc->conn);
		break;
	default:
		if (READ_ONCE(sk->sk_state) == SMC_LISTEN)
			return smc_listen_ready(smc) ? EPOLLIN | EPOLLRDNORM :
						       0;
		if (connecting)
			break;
		mask = EPOLLOUT | EPOLLWRNORM | EPOLLHUP;
		if (READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN)
			mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
		break;
	}
	if (READ_ONCE(sk->sk_err))
		mask |= EPOLLERR;
	return mask;
}

static int smc_shutdown(struct socket *sock, int how)
{
	struct smc_sock *smc = smc_sk(sock->sk);
	struct sock *sk = sock->sk;
	int rc;

	how++;	/* as the socket core does: RCV_SHUTDOWN, SEND_SHUTDOWN */
	if ((how & ~SHUTDOWN_MASK) || !how)
		return -EINVAL;

	lock_sock(sk);
	if (smc_is_fallback(smc)) {
		rc = kernel_sock_shutdown(smc->clcsock, how - 1);
	} else if (smc->conn && smc_carrier(smc) == SMC_CARRIER_RDMA) {
		rc = smc_close_shutdown(smc->conn, how);
	} else if (sk->sk_state == SMC_LISTEN) {
		rc = 0;
		if (how & RCV_SHUTDOWN) {
			smc_listen_stop(smc);
			kernel_sock_shutdown(smc->clcsock, how - 1);
			sk->sk_state_change(sk);
		}
	} else if (smc->connecting) {
		smc->aborted = true;
		rc = kernel_sock_shutdown(smc->clcsock, SHUT_RDWR);
		smc->clcsk->sk_state_change(smc->clcsk);
	} else {
		rc = -ENOTCONN;
	}
	release_sock(sk);
	return rc;
}

/* ---------------------------------------------------------------- options */

static int smc_setsockopt(struct socket *sock, int level, int optname,
			  sockptr_t optval, unsigned int optlen)
{
	struct smc_sock *smc = smc_sk(sock->sk);
	int rc;

	if (!smc_tcp_opt_allowed(level, optname))
		return -EOPNOTSUPP;
	rc = smc->clcsock->ops->setsockopt(smc->clcsock, level, optname,
					   optval, optlen);
	if (!rc && level == IPPROTO_TCP && optname == TCP_NODELAY &&
	    smc_carrier(smc) == SMC_CARRIER_RDMA)
		smc_tx_push(smc->conn);
	return rc;
}

static int smc_getsockopt(struct socket *sock, int level, int optname,
			  char __user *optval, int __user *optlen)
{
	struct smc_sock *smc = smc_sk(sock->sk);

	if (!smc_tcp_opt_readable(level, optname))
		return -EOPNOTSUPP;
	return smc->clcsock->ops->getsockopt(smc->clcsock, level, optname,
					     optval, optlen);
}

static int smc_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg)
{
	struct smc_sock *smc = smc_sk(sock->sk);
	struct sock *sk = sock->sk;
	int answ;

	/* before there is a connection TCP knows the answers as well */
	if (smc_carrier(smc) != SMC_CARRIER_RDMA) {
		if (sk->sk_state == SMC_LISTEN &&
		    (cmd == SIOCINQ || cmd == SIOCOUTQ || cmd == SIOCOUTQNSD))
			return -EINVAL;
		return smc->clcsock->ops->ioctl(smc->clcsock, cmd, arg);
	}

	switch (cmd) {
	case SIOCINQ:
		answ = smc_rx_avail(smc->conn);
		break;
	case SIOCOUTQ:
		answ = smc_tx_outq(smc->conn);
		break;
	case SIOCOUTQNSD:
		answ = smc_tx_unsent(smc->conn);
		break;
	case SIOCATMARK:
		return -EOPNOTSUPP;
	default:
		return -ENOIOCTLCMD;
	}
	return put_user(answ, (int __user *)arg);
}

/* SO_KEEPALIVE takes effect on TCP at once; under the socket lock */
static void smc_keepalive(struct sock *sk, int val)
{
	struct sock *tsk = smc_sk(sk)->clcsk;

	lock_sock(tsk);
	if (tsk->sk_prot->keepalive)
		tsk->sk_prot->keepalive(tsk, val);
	sock_valbool_flag(tsk, SOCK_KEEPOPEN, val);
	release_sock(tsk);
}

/* -------------------------------------------------------------- sock_diag */

/**
 * smc_diag_next - the next socket of a namespace, for sock_diag
 * @net: the namespace
 * @id: where to begin; output: its id. Go on from the one after it
 *
 * Context: process.
 * Return: the socket with a reference, or NULL.
 */
struct sock *smc_diag_next(struct net *net, u32 *id)
{
	unsigned long index = *id;
	struct smc_sock *smc;

	rcu_read_lock();
	for (;; index++) {
		smc = xa_find(&smc_net(net)->socks, &index, U32_MAX,
			      XA_PRESENT);
		if (!smc || refcount_inc_not_zero(&smc->sk.sk_refcnt))
			break;
	}
	rcu_read_unlock();
	*id = index;
	return smc ? &smc->sk : NULL;
}
EXPORT_SYMBOL_GPL(smc_diag_next);

/**
 * smc_sock_state - the state that sock_diag shows
 * @smc: the socket
 *
 * Return: enum smc_state.
 */
int smc_sock_state(struct smc_sock *smc)
{
	int state = READ_ONCE(smc->sk.sk_state);

	if (state == SMC_ACTIVE && smc_carrier(smc) == SMC_CARRIER_RDMA)
		return smc_conn_state(smc->conn);
	return state;
}
EXPORT_SYMBOL_GPL(smc_sock_state);

/* ------------------------------------------------------------- the module */

static struct proto smc_proto = {
	.name		= "SMC",
	.owner		= THIS_MODULE,
	.obj_size	= sizeof(struct smc_sock),
	.keepalive	= smc_keepalive,
};

static const struct proto_ops smc_sock_ops = {
	.family		= PF_SMC,
	.owner		= THIS_MODULE,
	.release	= smc_release,
	.bind		= smc_bind,
	.connect	= smc_connect,
	.socketpair	= sock_no_socketpair,
	.accept		= SMC_PROTO_ACCEPT(smc_accept),
	.getname	= smc_getname,
	.poll		= smc_poll,
	.ioctl		= smc_ioctl,
	.listen		= smc_sock_listen,
	.shutdown	= smc_shutdown,
	.setsockopt	= smc_setsockopt,
	.getsockopt	= smc_getsockopt,
	.sendmsg	= smc_sendmsg,
	.recvmsg	= smc_recvmsg,
	.mmap		= sock_no_mmap,
};

static const struct net_proto_family smc_family = {
	.family	= PF_SMC,
	.owner	= THIS_MODULE,
	.create	= smc_create,
};

static int __net_init smc_net_init(struct net *net)
{
	struct smc_net *sn = smc_net(net);

	xa_init_flags(&sn->socks, XA_FLAGS_ALLOC | XA_FLAGS_LOCK_BH);
	return 0;
}

static void __net_exit smc_net_exit(struct net *net)
{
	smc_core_net_gone(net);
	xa_destroy(&smc_net(net)->socks);
}

static struct pernet_operations smc_net_ops = {
	.init	= smc_net_init,
	.exit	= smc_net_exit,
	.id	= &smc_net_id,
	.size	= sizeof(struct smc_net),
};

static void smc_wq_destroy(unsigned int n)
{
	while (n--)
		destroy_workqueue(*smc_wqs[n].wq);
}

static int smc_wq_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(smc_wqs); i++) {
		/* unbound: many may wait at the same time */
		*smc_wqs[i].wq = alloc_workqueue("%s", WQ_UNBOUND,
						 WQ_MAX_ACTIVE,
						 smc_wqs[i].name);
		if (!*smc_wqs[i].wq) {
			smc_wq_destroy(i);
			return -ENOMEM;
		}
	}
	return 0;
}

static void smc_wq_exit(void)
{
	/* the last sockets leave their TCP sockets to be released */
	rcu_barrier();
	smc_wq_destroy(ARRAY_SIZE(smc_wqs));
}

static int smc_net_register(void)
{
	return register_pernet_subsys(&smc_net_ops);
}

static void smc_net_unregister(void)
{
	unregister_pernet_subsys(&smc_net_ops);
}

static int smc_proto_init(void)
{
	return proto_register(&smc_proto, 1);
}

static void smc_proto_exit(void)
{
	proto_unregister(&smc_proto);
}

static int smc_family_init(void)
{
	int rc = sock_register(&smc_family);

	if (rc != -EEXIST)
		return rc;
	pr_err("another module provides AF_SMC already\n");
	/* modprobe takes "exists" for success: our module would be loaded */
	return -EBUSY;
}

static void smc_family_exit(void)
{
	sock_unregister(PF_SMC);
}

/* in this order at load, in reverse order at unload */
static const struct {
	const char	*name;
	int		(*init)(void);
	void		(*exit)(void);
} smc_parts[] = {
	{ "work queues",	smc_wq_init,		smc_wq_exit },
	{ "link groups",	smc_core_init,		smc_core_exit },
	{ "namespaces",		smc_net_register,	smc_net_unregister },
	{ "statistics",		smc_stats_init,		smc_stats_exit },
	{ "RDMA devices",	smc_ib_init,		smc_ib_exit },
	{ "protocol",		smc_proto_init,		smc_proto_exit },
	{ "address family",	smc_family_init,	smc_family_exit },
	{ "SYN option",		smc_synopt_init,	smc_synopt_exit },
};

static void smc_exit_parts(unsigned int n)
{
	while (n--)
		smc_parts[n].exit();
}

static int __init smc_init(void)
{
	unsigned int i;
	int rc;

	BUILD_BUG_ON(offsetof(struct smc_sock, sk) != 0);
	BUILD_BUG_ON(offsetof(struct smc_sock, inet) != 0);
	for (i = 0; i < ARRAY_SIZE(smc_parts); i++) {
		rc = smc_parts[i].init();
		if (rc) {
			pr_err("not loaded: %s: error %d\n", smc_parts[i].name,
			       rc);
			smc_exit_parts(i);
			return rc;
		}
	}
	pr_info("loaded, SYN option carrier: %s\n", smc_synopt_carrier());
	return 0;
}

static void __exit smc_exit(void)
{
	smc_exit_parts(ARRAY_SIZE(smc_parts));
}

module_init(smc_init);
module_exit(smc_exit);

MODULE_DESCRIPTION("AF_SMC: shared memory communications over RDMA");
MODULE_LICENSE("GPL");
MODULE_ALIAS_NETPROTO(PF_SMC);
