/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AF_SMC sockets: what the files of this module share about a socket
 */
#ifndef _SMC_H
#define _SMC_H

#include <linux/net.h>
#include <linux/socket.h>
#include <linux/workqueue.h>
#include <net/inet_sock.h>
#include <net/sock.h>

#define SMCPROTO_SMC		0	/* the internal TCP socket is IPv4 */
#define SMCPROTO_SMC6		1	/* the internal TCP socket is IPv6 */

#define SMC_BUF_DEFAULT		65536	/* bytes of a send buffer or an RMBE */
#define SMC_BUF_MIN		16384	/* smallest RMBE the wire can express */

struct smc_conn;
struct smc_tcp_free;

/**
 * enum smc_state - socket states, the numbers are ABI of sock_diag
 * @SMC_ACTIVE:			connected, over RDMA or fallen back
 * @SMC_INIT:			fresh, bound or connecting
 * @SMC_CLOSED:			nothing left of the connection
 * @SMC_LISTEN:			listening
 * @SMC_PEERCLOSEWAIT1:		we ended first, nothing from the peer yet
 * @SMC_PEERCLOSEWAIT2:		as before, and the peer has done sending
 * @SMC_APPCLOSEWAIT1:		the peer ended first, our application has not
 * @SMC_APPCLOSEWAIT2:		as before, and we have done sending
 * @SMC_APPFINCLOSEWAIT:	both ended, our application has not closed
 * @SMC_PEERFINCLOSEWAIT:	we closed after the peer had done sending
 * @SMC_PEERABORTWAIT:		we aborted
 * @SMC_PROCESSABORT:		the peer aborted, our application has not closed
 *
 * Only the first four are ever stored in sk_state. The others follow from the
 * flags that the two ends exchanged, see smc_conn_state().
 */
enum smc_state {
	SMC_ACTIVE		= 1,
	SMC_INIT		= 2,
	SMC_CLOSED		= 7,
	SMC_LISTEN		= 10,
	SMC_PEERCLOSEWAIT1	= 20,
	SMC_PEERCLOSEWAIT2	= 21,
	SMC_APPCLOSEWAIT1	= 22,
	SMC_APPCLOSEWAIT2	= 23,
	SMC_APPFINCLOSEWAIT	= 24,
	SMC_PEERFINCLOSEWAIT	= 25,
	SMC_PEERABORTWAIT	= 26,
	SMC_PROCESSABORT	= 27,
};

/**
 * enum smc_carrier - what carries the bytes of a socket
 * @SMC_CARRIER_OPEN:	not decided yet
 * @SMC_CARRIER_RDMA:	SMC-R, smc_sock.conn is valid
 * @SMC_CARRIER_TCP:	fallen back to the internal TCP socket, for good
 *
 * Leaves SMC_CARRIER_OPEN once and never changes again.
 */
enum smc_carrier {
	SMC_CARRIER_OPEN,
	SMC_CARRIER_RDMA,
	SMC_CARRIER_TCP,
};

/**
 * struct smc_sock - an AF_SMC socket
 */
struct smc_sock {
	union {
		/** @sk: the socket; first, as the socket core wants it */
		struct sock		sk;
		/** @inet: room for being an AF_INET socket too */
		struct inet_sock	inet;
	};
	/**
	 * @clcsock: the internal TCP socket; the pointer is constant from
	 * socket() until the destructor
	 */
	struct socket		*clcsock;
	/**
	 * @clcsk: @clcsock's struct sock with a reference of ours: addresses
	 * can be read even after TCP was closed
	 */
	struct sock		*clcsk;
	/** @carrier: enum smc_carrier, see smc_carrier() */
	int			carrier;
	/** @conn: the connection; set before @carrier says RDMA, holds a ref */
	struct smc_conn		*conn;
	/** @fback_reason: why we fell back, a diagnosis code, 0 if we did not */
	u32			fback_reason;
	/** @peer_diagnosis: the code in the peer's Decline, 0 if none came */
	u32			peer_diagnosis;
	/** @diag_id: index in the namespace's table of sockets */
	u32			diag_id;
	/**
	 * @connecting: connect() was started and has not come to its end; is
	 * cleared with release semantics after its outcome was stored
	 */
	bool			connecting;
	/** @aborted: connect() is to come to nothing */
	bool			aborted;
	/** @is_child: of a listener: @work is the server's handshake */
	bool			is_child;
	/** @listed: in the namespace's table of sockets */
	bool			listed;
	/** @hs_started: the CLC handshake of connect() has been started */
	bool			hs_started;
	/** @err_mirrored: sk_err holds TCP's error, see smc_fback_sync_err() */
	bool			err_mirrored;
	/** @plain: connect() does without SMC, the server does not know it */
	bool			plain;
	/** @fin_until: patience after TCP's FIN, in jiffies, 0: none came */
	unsigned long		fin_until;
	/** @rst_until: the same after a RST */
	unsigned long		rst_until;
	/** @connect_addr: where connect() goes, while it does */
	struct sockaddr_storage	*connect_addr;
	/** @connect_alen: bytes of @connect_addr */
	int			connect_alen;
	/** @tcp_free: what the destructor leaves to be done, see there */
	struct smc_tcp_free	*tcp_free;
	/**
	 * @work: connect() or, on a child of a listener, the server's
	 * handshake; on a listener taking connections over from TCP. Queued
	 * with a reference to the socket. Initialised once: what it does is
	 * looked up when it runs.
	 */
	struct work_struct	work;
	/** @tcp_work: something happened to TCP under an RDMA connection */
	struct delayed_work	tcp_work;
	/** @listener: of a child that waits for accept(), holds a reference */
	struct smc_sock		*listener;
	/** @accept_lock: guards all below, of the listener */
	spinlock_t		accept_lock;
	/** @accept_q: children ready for accept(), oldest first */
	struct list_head	accept_q;
	/** @hs_q: children whose handshake is running */
	struct list_head	hs_q;
	/** @accept_node: link in the listener's @accept_q or @hs_q */
	struct list_head	accept_node;
	/** @accept_len: number of children in @accept_q and @hs_q */
	unsigned int		accept_len;
	/** @hs_len: number of children in @hs_q */
	unsigned int		hs_len;
	/** @queued: in one of the listener's queues; under its @accept_lock */
	bool			queued;
};

static inline struct smc_sock *smc_sk(const struct sock *sk)
{
	return (struct smc_sock *)sk;
}

/**
 * smc_carrier - what carries the bytes of this socket
 * @smc: the socket
 *
 * Who sees RDMA sees @smc->conn.
 */
static inline enum smc_carrier smc_carrier(const struct smc_sock *smc)
{
	/* pairs with smc_fallback() and smc_sock_established() */
	return smp_load_acquire(&smc->carrier);
}

static inline bool smc_is_fallback(const struct smc_sock *smc)
{
	return smc_carrier(smc) == SMC_CARRIER_TCP;
}

/*
 * Work that waits for other work, or for a peer, has a queue of its own kind:
 * what it waits for must not be kept from running by many of the same kind.
 */
extern struct workqueue_struct *smc_connect_wq;	/* handshakes of clients */
extern struct workqueue_struct *smc_serve_wq;	/* handshakes of servers */
extern struct workqueue_struct *smc_rmb_wq;	/* RMBs made ahead of need */
extern struct workqueue_struct *smc_end_wq;	/* ends of link groups */
extern struct workqueue_struct *smc_wq;		/* what waits for nobody */

/* smc_tcp.c: the internal TCP socket */
int smc_tcp_create(struct smc_sock *smc, int family);
int smc_tcp_adopt(struct smc_sock *smc, struct socket *clcsock);
void smc_tcp_hook(struct smc_sock *smc);
void smc_tcp_unhook(struct sock *sk);
void smc_tcp_destruct(struct smc_sock *smc);
void smc_tcp_sync_opts(struct smc_sock *smc);
void smc_tcp_graft(struct smc_sock *smc, struct socket *sock);
void smc_tcp_end(struct smc_sock *smc, bool reset);
void smc_tcp_close(struct smc_sock *smc);
void smc_tcp_work(struct work_struct *work);
void smc_tcp_retry(struct smc_sock *smc);
void smc_tcp_err_sync(struct smc_sock *smc);
int smc_tcp_err_leave(struct smc_sock *smc, int rc);
void smc_fallback(struct smc_sock *smc, u32 reason, bool server);
bool smc_tcp_opt_allowed(int level, int optname);
bool smc_tcp_opt_readable(int level, int optname);

/* smc_listen.c: listen() and accept() */
int smc_listen(struct socket *sock, int backlog);
int smc_listen_stop(struct smc_sock *smc);
struct smc_sock *smc_listen_take(struct smc_sock *smc, long timeo, int *err);
bool smc_listen_ready(struct smc_sock *smc);
void smc_listen_work(struct smc_sock *smc);
void smc_listen_serve_work(struct smc_sock *child);

/* smc_connect.c: connect() */
int smc_connect_start(struct smc_sock *smc, struct socket *sock,
		      struct sockaddr *addr, int alen, int flags);
void smc_connect_work(struct smc_sock *smc);

/* af_smc.c */
struct sock *smc_sock_alloc(struct net *net, struct socket *sock, int protocol);
void smc_sock_established(struct smc_sock *smc);
void smc_sock_unlist(struct smc_sock *smc);
void smc_sock_discard(struct smc_sock *smc);
struct sock *smc_diag_next(struct net *net, u32 *id);
int smc_sock_state(struct smc_sock *smc);

#endif
