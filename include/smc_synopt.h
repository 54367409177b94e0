/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The SMC option on SYN and SYN-ACK (RFC 7609 section 3.1 and appendix A.1).
 *
 * Two carriers stand behind this door: the TCP core's, on kernels that have
 * CONFIG_SMC, and our own on all others.  A caller cannot tell which it is.
 * The plain, option-less connect() and listen() of a socket do not come here.
 *
 * An agreement tells what SYN and SYN-ACK said when they arrived here.  A path
 * that strips the option from the SYN-ACK alone leaves the server agreed and
 * the client not, and a peer that echoes unknown options looks like one that
 * has SMC: the CLC handshake has to bear both.
 */
#ifndef _SMC_SYNOPT_H
#define _SMC_SYNOPT_H

#include <linux/types.h>

struct sock;
struct sockaddr;
struct socket;

int smc_synopt_init(void);
void smc_synopt_exit(void);
const char *smc_synopt_carrier(void);

int smc_synopt_connect(struct socket *clcsock, struct sockaddr *addr, int alen,
		       int flags);
bool smc_synopt_connected(struct sock *clcsk);
void smc_synopt_abandon(struct sock *clcsk);

int smc_synopt_listen(struct socket *clcsock, int backlog);
void smc_synopt_unlisten(struct socket *clcsock);
bool smc_synopt_accepted(struct sock *child);

#endif /* _SMC_SYNOPT_H */
