// SPDX-License-Identifier: GPL-2.0
/*
 * listen() and accept()
 *
 * A work item takes connections over from TCP's accept queue, as many as the
 * backlog allows: beyond that TCP's own queue fills up, and does what it always
 * does then. Each has its handshake in a work item of its own, and is put into
 * the socket's accept queue when it is known what it is.
 */
#include <net/sock.h>
#include <net/tcp.h>

#include "smc.h"
#include "smc_clc.h"
#include "smc_core.h"
#include "smc_stats.h"
#include "smc_synopt.h"

/* handshakes of one listener at a time: others want to have theirs as well */
#define SMC_LISTEN_MAX_HS	256

/* may no other connection be taken over now? under accept_lock */
static bool smc_listen_full(const struct smc_sock *smc)
{
	return smc->accept_len > READ_ONCE(smc->sk.sk_max_ack_backlog) ||
	       smc->hs_len >= SMC_LISTEN_MAX_HS;
}

static void smc_listen_kick(struct smc_sock *smc)
{
	sock_hold(&smc->sk);
	if (!queue_work(smc_wq, &smc->work))
		sock_put(&smc->sk);
}

/* nobody will ever accept that child */
static void smc_listen_drop(struct smc_sock *child)
{
	struct sock *sk = &child->sk;

	/* its listener may be locked */
	lock_sock_nested(sk, SINGLE_DEPTH_NESTING);
	sock_set_flag(sk, SOCK_DEAD);
	sock_set_flag(sk, SOCK_LINGER);
	sk->sk_lingertime = 0;	/* reset */
	smc_sock_discard(child);
	release_sock(sk);
	sock_put(sk);
}

/*
 * The handshake of a child is over. With ready set it goes into the accept
 * queue, if there still is one: afterwards it is not ours to touch.
 */
static void smc_listen_out(struct smc_sock *child, bool ready)
{
	struct smc_sock *smc = child->listener;
	bool kick, was_full;

	child->listener = NULL;
	spin_lock_bh(&smc->accept_lock);
	was_full = smc_listen_full(smc);
	if (child->queued) {
		list_del(&child->accept_node);
		smc->hs_len--;
		child->queued = false;
		if (smc->sk.sk_state == SMC_LISTEN && ready) {
			list_add_tail(&child->accept_node, &smc->accept_q);
			child->queued = true;
			child = NULL;
		} else {
			smc->accept_len--;
		}
	}
	kick = was_full && smc->sk.sk_state == SMC_LISTEN;
	spin_unlock_bh(&smc->accept_lock);

	if (child)
		smc_listen_drop(child);
	else
		smc->sk.sk_data_ready(&smc->sk);
	if (kick)
		smc_listen_kick(smc);
	sock_put(&smc->sk);
}

/**
 * smc_listen_serve_work - the server's side of the handshake
 * @child: the new socket, not to be touched afterwards
 *
 * Context: process, sleeps.
 */
void smc_listen_serve_work(struct smc_sock *child)
{
	int rc;

	rc = smc_clc_serve(child);
	if (rc > 0)
		smc_fallback(child, rc, true);
	if (rc >= 0)
		smc_sock_established(child);
	else
		SMC_STAT_INC(SMC_STAT_HS_FAILED);
	smc_listen_out(child, rc >= 0);
}

/*
 * An accepted connection takes its settings from the listener; what TCP may
 * have set by where the SYN came from (tcp_l3mdev_accept, tcp_fwmark_accept),
 * from TCP's child, or it would be set back on that.
 */
static void smc_listen_inherit(struct sock *child, const struct sock *sk,
			       const struct sock *tsk)
{
	static const enum sock_flags flags[] = {
		SOCK_KEEPOPEN, SOCK_LINGER, SOCK_URGINLINE, SOCK_BROADCAST,
		SOCK_DBG, SOCK_LOCALROUTE,
	};
	unsigned int i;

	child->sk_sndbuf = READ_ONCE(sk->sk_sndbuf);
	child->sk_rcvbuf = READ_ONCE(sk->sk_rcvbuf);
	child->sk_userlocks = sk->sk_userlocks;
	child->sk_rcvtimeo = READ_ONCE(sk->sk_rcvtimeo);
	child->sk_sndtimeo = READ_ONCE(sk->sk_sndtimeo);
	child->sk_rcvlowat = READ_ONCE(sk->sk_rcvlowat);
	child->sk_lingertime = READ_ONCE(sk->sk_lingertime);
	child->sk_priority = READ_ONCE(tsk->sk_priority);
	child->sk_mark = READ_ONCE(tsk->sk_mark);
	child->sk_bound_dev_if = READ_ONCE(tsk->sk_bound_dev_if);
	child->sk_reuse = sk->sk_reuse;
	child->sk_reuseport = sk->sk_reuseport;
	child->sk_uid = sk->sk_uid;
	for (i = 0; i < ARRAY_SIZE(flags); i++)
		sock_valbool_flag(child, flags[i], sock_flag(sk, flags[i]));
}

/* a connection from TCP's accept queue */
static void smc_listen_child(struct smc_sock *smc, struct socket *clcsock)
{
	struct smc_sock *child;
	struct sock *sk;
	bool dead;

	smc_tcp_unhook(clcsock->sk);
	sk = smc_sock_alloc(sock_net(&smc->sk), NULL, smc->sk.sk_protocol);
	if (!sk) {
		SMC_STAT_INC(SMC_STAT_HS_FAILED);
		sock_release(clcsock);
		return;
	}
	child = smc_sk(sk);
	child->is_child = true;
	if (smc_tcp_adopt(child, clcsock)) {
		SMC_STAT_INC(SMC_STAT_HS_FAILED);
		sock_release(clcsock);
		smc_sock_unlist(child);
		sock_put(sk);
		return;
	}
	smc_listen_inherit(sk, &smc->sk, clcsock->sk);
	sock_hold(&smc->sk);
	child->listener = smc;

	spin_lock_bh(&smc->accept_lock);
	dead = smc->sk.sk_state != SMC_LISTEN;
	if (!dead) {
		list_add_tail(&child->accept_node, &smc->hs_q);
		smc->hs_len++;
		smc->accept_len++;
		child->queued = true;
	}
	spin_unlock_bh(&smc->accept_lock);

	if (dead) {
		smc_listen_out(child, false);
	} else if (smc_synopt_accepted(clcsock->sk)) {
		queue_work(smc_serve_wq, &child->work);
	} else {
		smc_fallback(child, SMC_DIAG_PEER_NO_SMC, true);
		smc_sock_established(child);
		smc_listen_out(child, true);
	}
}

/* the next connection of TCP's accept queue, if we want one now */
static struct socket *smc_listen_next(struct smc_sock *smc)
{
	struct socket *clcsock = NULL;
	bool go_on;
	int rc;

	/* who closes the listener has it locked */
	lock_sock(&smc->sk);
	do {
		spin_lock_bh(&smc->accept_lock);
		go_on = smc->sk.sk_state == SMC_LISTEN && !smc_listen_full(smc);
		spin_unlock_bh(&smc->accept_lock);
		rc = go_on ? kernel_accept(smc->clcsock, &clcsock, O_NONBLOCK) :
			     -EAGAIN;
	} while (rc == -ECONNABORTED);
	release_sock(&smc->sk);
	if (rc && rc != -EAGAIN)
		smc_tcp_retry(smc);	/* it stays in TCP's queue */
	return rc ? NULL : clcsock;
}

/**
 * smc_listen_work - TCP has connections for us
 * @smc: the listener; a reference to it was queued, and is used up
 *
 * Context: process, sleeps.
 */
void smc_listen_work(struct smc_sock *smc)
{
	struct socket *clcsock;

	while ((clcsock = smc_listen_next(smc)))
		smc_listen_child(smc, clcsock);
	sock_put(&smc->sk);
}

/**
 * smc_listen - listen(2)
 * @sock: the socket
 * @backlog: connections that may wait for accept()
 *
 * Context: process, under the socket lock.
 * Return: 0 or -errno.
 */
int smc_listen(struct socket *sock, int backlog)
{
	struct smc_sock *smc = smc_sk(sock->sk);
	struct sock *sk = sock->sk;
	int rc;

	if (sk->sk_state == SMC_LISTEN) {
		rc = kernel_listen(smc->clcsock, backlog);
		if (!rc) {
			WRITE_ONCE(sk->sk_max_ack_backlog,
				   READ_ONCE(smc->clcsk->sk_max_ack_backlog));
			smc_listen_kick(smc);	/* there may be room now */
		}
		return rc;
	}
	if (sock->state != SS_UNCONNECTED || sk->sk_state != SMC_INIT ||
	    smc->connecting)
		return -EINVAL;

	smc_tcp_sync_opts(smc);
	smc_tcp_hook(smc);
	rc = smc_synopt_listen(smc->clcsock, backlog);
	if (rc)
		return rc;
	WRITE_ONCE(sk->sk_shutdown, 0);
	sk->sk_max_ack_backlog = READ_ONCE(smc->clcsk->sk_max_ack_backlog);
	spin_lock_bh(&smc->accept_lock);
	WRITE_ONCE(sk->sk_state, SMC_LISTEN);
	spin_unlock_bh(&smc->accept_lock);
	/* connections may have come before the state was set */
	smc_listen_kick(smc);
	return 0;
}

/*
 * Reset what TCP has accepted and we have not taken over. TCP could hand it to
 * another listener of the port (SO_REUSEPORT, tcp_migrate_req), with our
 * callbacks, which must not outlive us.
 */
static void smc_listen_flush(struct smc_sock *smc)
{
	struct socket *clcsock;

	smc_tcp_unhook(smc->clcsk);
	synchronize_net();	/* children that are just being made */
	while (!kernel_accept(smc->clcsock, &clcsock, O_NONBLOCK)) {
		smc_tcp_unhook(clcsock->sk);
		smc_synopt_accepted(clcsock->sk);
		sock_no_linger(clcsock->sk);
		sock_release(clcsock);
	}
}

/**
 * smc_listen_stop - the listener listens no more
 * @smc: the socket, locked, in state SMC_LISTEN
 *
 * What waits for accept() is reset, as with TCP; handshakes that are under way
 * are cut short and find the queue closed.
 * Context: process, sleeps.
 * Return: 0.
 */
int smc_listen_stop(struct smc_sock *smc)
{
	struct smc_sock *child, *next;
	LIST_HEAD(drop);

	spin_lock_bh(&smc->accept_lock);
	WRITE_ONCE(smc->sk.sk_state, SMC_INIT);
	list_splice_init(&smc->accept_q, &drop);
	list_for_each_entry(child, &drop, accept_node) {
		child->queued = false;
		smc->accept_len--;
	}
	spin_unlock_bh(&smc->accept_lock);

	smc_synopt_unlisten(smc->clcsock);
	smc_listen_flush(smc);
	list_for_each_entry_safe(child, next, &drop, accept_node)
		smc_listen_drop(child);

	/* who is not in the list any more drops itself */
	spin_lock_bh(&smc->accept_lock);
	while (!list_empty(&smc->hs_q)) {
		child = list_first_entry(&smc->hs_q, struct smc_sock,
					 accept_node);
		list_del(&child->accept_node);
		child->queued = false;
		smc->hs_len--;
		smc->accept_len--;
		sock_hold(&child->sk);
		spin_unlock_bh(&smc->accept_lock);
		lock_sock_nested(&child->sk, SINGLE_DEPTH_NESTING);
		if (child->clcsock->sk)
			kernel_sock_shutdown(child->clcsock, SHUT_RDWR);
		release_sock(&child->sk);
		sock_put(&child->sk);
		spin_lock_bh(&smc->accept_lock);
	}
	spin_unlock_bh(&smc->accept_lock);
	return 0;
}

/**
 * smc_listen_ready - is there something to accept?
 * @smc: the listener
 *
 * Context: any but hard interrupts.
 */
bool smc_listen_ready(struct smc_sock *smc)
{
	return !list_empty_careful(&smc->accept_q);
}

static struct smc_sock *smc_listen_dequeue(struct smc_sock *smc)
{
	struct smc_sock *child;
	bool was_full;

	spin_lock_bh(&smc->accept_lock);
	was_full = smc_listen_full(smc);
	child = list_first_entry_or_null(&smc->accept_q, struct smc_sock,
					 accept_node);
	if (child) {
		list_del_init(&child->accept_node);
		child->queued = false;
		smc->accept_len--;
	}
	spin_unlock_bh(&smc->accept_lock);
	if (child && was_full)
		smc_listen_kick(smc);
	return child;
}

/**
 * smc_listen_take - take a connection for accept(2)
 * @smc: the listener, locked
 * @timeo: jiffies to wait
 * @err: output, -errno if there is none
 *
 * Context: process, releases the lock while it waits.
 * Return: the new socket, or NULL.
 */
struct smc_sock *smc_listen_take(struct smc_sock *smc, long timeo, int *err)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct sock *sk = &smc->sk;
	struct smc_sock *child;

	*err = 0;
	/* one connection wakes one of those who wait */
	add_wait_queue_exclusive(sk_sleep(sk), &wait);
	for (;;) {
		if (sk->sk_state != SMC_LISTEN) {
			child = NULL;
			*err = -EINVAL;
			break;
		}
		child = smc_listen_dequeue(smc);
		if (child)
			break;
		if (!timeo)
			*err = -EAGAIN;
		else if (signal_pending(current))
			*err = sock_intr_errno(timeo);
		if (*err)
			break;
		sk_wait_event(sk, &timeo, smc_listen_ready(smc) ||
			      READ_ONCE(sk->sk_state) != SMC_LISTEN, &wait);
	}
	remove_wait_queue(sk_sleep(sk), &wait);
	return child;
}
