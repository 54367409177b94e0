// SPDX-License-Identifier: GPL-2.0
/*
 * The SMC option on SYN and SYN-ACK, carried by the TCP core.
 *
 * A kernel with CONFIG_SMC writes and reads the option itself: tcp_sock's
 * syn_smc asks for it before the handshake, and tells afterwards whether both
 * sides had it.  All of it is asleep until tcp_have_smc is enabled.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/net.h>
#include <linux/string.h>
#include <net/inet_common.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "smc_synopt.h"

static void smc_core_set(struct sock *sk, bool on)
{
	lock_sock(sk);
	tcp_sk(sk)->syn_smc = on;
	release_sock(sk);
}

static bool smc_core_take(struct sock *sk)
{
	bool agreed;

	lock_sock(sk);
	agreed = tcp_sk(sk)->syn_smc && sk->sk_state != TCP_SYN_SENT;
	tcp_sk(sk)->syn_smc = 0;
	release_sock(sk);
	return agreed;
}

/**
 * smc_synopt_init() - start to carry the SMC option
 *
 * Call it when all else is ready: the TCP core looks for the option from here
 * on [LNX].  Process context.
 *
 * Return: 0, always, with this carrier.
 */
int smc_synopt_init(void)
{
	static_branch_enable(&tcp_have_smc);
	return 0;
}

/**
 * smc_synopt_exit() - the TCP core forgets the option
 *
 * Process context; no socket of ours is left.
 */
void smc_synopt_exit(void)
{
	static_branch_disable(&tcp_have_smc);
}

/**
 * smc_synopt_carrier() - who carries the option
 *
 * Return: a name for messages.
 */
const char *smc_synopt_carrier(void)
{
	return "core";
}

/**
 * smc_synopt_connect() - start a TCP connection, offering SMC on the SYN
 * @clcsock: TCP socket, not locked by the caller
 * @addr: destination; an IPv4 address mapped into IPv6 is one too
 * @alen: bytes of @addr
 * @flags: O_NONBLOCK set; the call never waits for the peer
 *
 * RFC 7609 section 3.1.  A socket with TCP_FASTOPEN_CONNECT makes no offer:
 * its first data would go out before the peer has answered.  After it, one of
 * smc_synopt_connected() and smc_synopt_abandon() is due.  Process context.
 *
 * Return: 0, -EINPROGRESS, or TCP's error, which leaves nothing to undo.
 */
int smc_synopt_connect(struct socket *clcsock, struct sockaddr *addr, int alen,
		       int flags)
{
	struct sockaddr_storage dst;	/* hooks of TCP may rewrite it */
	struct sock *sk = clcsock->sk;
	int rc;

	if (alen < 0 || alen > sizeof(dst))
		return -EINVAL;
	memcpy(&dst, addr, alen);

	lock_sock(sk);
	if (sk->sk_state == TCP_CLOSE)
		tcp_sk(sk)->syn_smc = !tcp_sk(sk)->fastopen_connect;
	rc = __inet_stream_connect(clcsock, (void *)&dst, alen, flags, 0);
	if (rc && sk->sk_state == TCP_CLOSE)
		tcp_sk(sk)->syn_smc = 0;
	release_sock(sk);
	return rc;
}

/**
 * smc_synopt_connected() - did both sides agree to SMC?
 * @clcsk: client's TCP socket, established, not locked by the caller
 *
 * One shot: it clears the mark.  Process context.
 *
 * Return: true if our SYN and the peer's SYN-ACK had the option.
 */
bool smc_synopt_connected(struct sock *clcsk)
{
	return smc_core_take(clcsk);
}

/**
 * smc_synopt_abandon() - the connection attempt is given up
 * @clcsk: TCP socket, not locked by the caller
 *
 * Idempotent, and harmless for a socket that never made an offer.  Process
 * context.
 */
void smc_synopt_abandon(struct sock *clcsk)
{
	lock_sock(clcsk);
	if (clcsk->sk_state != TCP_LISTEN)
		tcp_sk(clcsk)->syn_smc = 0;
	release_sock(clcsk);
}

/**
 * smc_synopt_listen() - listen, answering clients that offer SMC
 * @clcsock: bound TCP socket, not locked by the caller
 * @backlog: as for listen()
 *
 * May be repeated to change @backlog.  Process context.
 *
 * Return: 0, or TCP's error with nothing armed.
 */
int smc_synopt_listen(struct socket *clcsock, int backlog)
{
	int rc;

	smc_core_set(clcsock->sk, true);
	rc = kernel_listen(clcsock, backlog);
	if (rc)
		smc_core_set(clcsock->sk, false);
	return rc;
}

/**
 * smc_synopt_unlisten() - make no new agreement with clients
 * @clcsock: listener, not locked by the caller
 *
 * Before the listener is shut down or released; idempotent.  Process context.
 */
void smc_synopt_unlisten(struct socket *clcsock)
{
	smc_core_set(clcsock->sk, false);
}

/**
 * smc_synopt_accepted() - did we agree to SMC with this client?
 * @child: socket fresh from kernel_accept(), not locked by the caller
 *
 * One shot: it clears the mark.  Process context.
 *
 * Return: true if the client's SYN and our SYN-ACK had the option.
 */
bool smc_synopt_accepted(struct sock *child)
{
	return smc_core_take(child);
}
