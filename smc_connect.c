// SPDX-License-Identifier: GPL-2.0
/*
 * connect()
 *
 * TCP connects without anybody waiting for it; its callback queues a work item
 * that shakes hands. A blocking connect() sleeps until that is done, so that a
 * signal can end the call while the connection goes on, as with TCP.
 */
#include <linux/slab.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "smc.h"
#include "smc_clc.h"
#include "smc_close.h"
#include "smc_core.h"
#include "smc_stats.h"
#include "smc_synopt.h"

static int smc_connect_tcp(struct smc_sock *smc, struct sockaddr *addr,
			   int alen, int flags)
{
	if (!smc->plain)
		return smc_synopt_connect(smc->clcsock, addr, alen, flags);
	return kernel_connect(smc->clcsock, (void *)addr, alen, flags);
}

/* forget what TCP was doing; the socket can connect again */
static void smc_connect_tcp_reset(struct smc_sock *smc)
{
	struct sockaddr addr = { .sa_family = AF_UNSPEC };

	smc_synopt_abandon(smc->clcsk);
	kernel_connect(smc->clcsock, (void *)&addr, sizeof(addr), O_NONBLOCK);
}

/* the end of connect(), for better or worse */
static void smc_connect_done(struct smc_sock *smc, int rc)
{
	struct sock *sk = &smc->sk;

	lock_sock(sk);
	kfree(smc->connect_addr);
	smc->connect_addr = NULL;
	if (rc) {
		smc_connect_tcp_reset(smc);
		WRITE_ONCE(sk->sk_err, -rc);
		WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	} else {
		smc_sock_established(smc);
	}
	/* pairs with smc_poll(): the outcome is there before this is */
	smp_store_release(&smc->connecting, false);
	/* shutdown() came when the handshake had used TCP for the last time */
	if (!rc && smc->aborted && smc->conn)
		smc_close_shutdown(smc->conn, SHUTDOWN_MASK);
	if (sock_flag(sk, SOCK_DEAD)) {
		/* closed in the meantime */
		smc_sock_discard(smc);
	} else {
		sk->sk_state_change(sk);
		if (rc)
			sk_error_report(sk);
		else
			sk_wake_async(sk, SOCK_WAKE_IO, POLL_OUT);
	}
	release_sock(sk);
}

/* the handshake; 0 if the connection is made, one way or the other */
static int smc_connect_handshake(struct smc_sock *smc)
{
	int rc;

	if (smc->plain || !smc_synopt_connected(smc->clcsk)) {
		smc_fallback(smc, SMC_DIAG_PEER_NO_SMC, false);
		return 0;
	}
	rc = smc_clc_connect(smc);
	if (rc > 0) {
		smc_fallback(smc, rc, false);
		rc = 0;
	}
	return rc;
}

/*
 * The server shows the option without knowing what it means: our Proposal went
 * to its application. That connection is spoilt, so make another one, without
 * the option.
 */
static int smc_connect_again(struct smc_sock *smc)
{
	int rc = -ECONNRESET;

	lock_sock(&smc->sk);
	smc_connect_tcp_reset(smc);
	if (!sock_flag(&smc->sk, SOCK_DEAD) && !smc->aborted) {
		smc->plain = true;
		/* its event may come before it returns */
		WRITE_ONCE(smc->hs_started, false);
		rc = smc_connect_tcp(smc, (struct sockaddr *)smc->connect_addr,
				     smc->connect_alen, O_NONBLOCK);
		if (rc != -EINPROGRESS)
			WRITE_ONCE(smc->hs_started, true);
	}
	release_sock(&smc->sk);
	return rc;
}

/* how TCP's connect() went: -EALREADY if it still goes on */
static int smc_connect_tcp_result(struct smc_sock *smc)
{
	int rc;

	/* asked once more, it would begin anew */
	if (sock_flag(&smc->sk, SOCK_DEAD) || smc->aborted ||
	    smc->clcsock->state == SS_UNCONNECTED)
		return sock_error(smc->clcsk) ?: -ECONNRESET;
	rc = kernel_connect(smc->clcsock, (void *)smc->connect_addr,
			    smc->connect_alen, O_NONBLOCK);
	if (rc == -EINPROGRESS)
		return -EALREADY;
	return rc == -EISCONN ? 0 : rc;
}

/**
 * smc_connect_work - TCP has connected, or has failed to
 * @smc: the socket; a reference to it was queued, and is used up
 *
 * Context: process, sleeps.
 */
void smc_connect_work(struct smc_sock *smc)
{
	struct sock *sk = &smc->sk;
	int rc = -EALREADY;

	lock_sock(sk);
	if (smc->connecting && !smc->hs_started)
		rc = smc_connect_tcp_result(smc);
	if (rc != -EALREADY)
		WRITE_ONCE(smc->hs_started, true);
	release_sock(sk);
	if (rc == -EALREADY)
		goto out;

	if (!rc)
		rc = smc_connect_handshake(smc);
	if (rc == SMC_CLC_NOT_SPOKEN) {
		rc = smc_connect_again(smc);
		if (rc == -EINPROGRESS)
			goto out;
		if (!rc)
			rc = smc_connect_handshake(smc);
	}
	if (rc)
		SMC_STAT_INC(SMC_STAT_HS_FAILED);
	smc_connect_done(smc, rc);
out:
	sock_put(sk);
}

static int smc_connect_begin(struct smc_sock *smc, struct sockaddr *addr,
			     int alen, int flags)
{
	struct sock *sk = &smc->sk;
	int rc;

	if (alen < (int)sizeof(addr->sa_family) ||
	    alen > (int)sizeof(*smc->connect_addr))
		return -EINVAL;
	smc->connect_addr = kzalloc(sizeof(*smc->connect_addr), GFP_KERNEL);
	if (!smc->connect_addr)
		return -ENOMEM;
	memcpy(smc->connect_addr, addr, alen);
	smc->connect_alen = alen;
	smc->plain = false;
	smc->aborted = false;
	smc->hs_started = false;
	smc_tcp_sync_opts(smc);
	smc_tcp_hook(smc);
	WRITE_ONCE(sk->sk_shutdown, 0);
	WRITE_ONCE(smc->connecting, true);

	rc = smc_connect_tcp(smc, addr, alen, flags | O_NONBLOCK);
	if (rc && rc != -EINPROGRESS) {
		WRITE_ONCE(smc->connecting, false);
		smc_synopt_abandon(smc->clcsk);
		kfree(smc->connect_addr);
		smc->connect_addr = NULL;
		return rc;
	}
	/* the callback may have come before, or not at all */
	sock_hold(sk);
	if (!queue_work(smc_connect_wq, &smc->work))
		sock_put(sk);
	return 0;
}

/* sleep until connect() has come to its end */
static int smc_connect_wait(struct sock *sk, struct smc_sock *smc, long *timeo)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	int rc = 0;

	add_wait_queue(sk_sleep(sk), &wait);
	while (smc->connecting) {
		if (!*timeo) {
			rc = -EINPROGRESS;
			break;
		}
		if (signal_pending(current)) {
			rc = sock_intr_errno(*timeo);
			break;
		}
		sk_wait_event(sk, timeo, !READ_ONCE(smc->connecting), &wait);
	}
	remove_wait_queue(sk_sleep(sk), &wait);
	return rc;
}

/**
 * smc_connect_start - connect(2)
 * @smc: the socket, locked
 * @sock: its struct socket
 * @addr: where to
 * @alen: bytes of @addr
 * @flags: O_NONBLOCK
 *
 * Context: process, sleeps.
 * Return: 0 or -errno.
 */
int smc_connect_start(struct smc_sock *smc, struct socket *sock,
		      struct sockaddr *addr, int alen, int flags)
{
	long timeo = sock_sndtimeo(&smc->sk, flags & O_NONBLOCK);
	struct sock *sk = &smc->sk;
	int rc;

	switch (sock->state) {
	case SS_CONNECTED:
		return -EISCONN;
	case SS_UNCONNECTED:
		if (sk->sk_state != SMC_INIT)
			return -EISCONN;	/* as TCP says of a listener too */
		sock_error(sk);
		rc = smc_connect_begin(smc, addr, alen, flags);
		if (rc)
			return rc;
		sock->state = SS_CONNECTING;
		if (!timeo)
			return -EINPROGRESS;
		break;
	case SS_CONNECTING:
		if (smc->connecting && !timeo)
			return -EALREADY;
		break;
	default:
		return -EINVAL;
	}

	rc = smc_connect_wait(sk, smc, &timeo);
	if (rc)
		return rc;
	if (sk->sk_state == SMC_INIT) {
		sock->state = SS_UNCONNECTED;
		WRITE_ONCE(sk->sk_shutdown, 0);
		return sock_error(sk) ?: -ECONNABORTED;
	}
	sock->state = SS_CONNECTED;
	return 0;
}
