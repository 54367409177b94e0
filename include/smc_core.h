/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who owns what: link groups, links and connections
 *
 * References: a connection holds its link, a link its link group. A link group
 * holds its links until it is terminated, which every group is in the end.
 * The table of a link group holds each connection in it.
 */
#ifndef _SMC_CORE_H
#define _SMC_CORE_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "smc_buf.h"
#include "smc_cdc_msg.h"
#include "smc_clc_msg.h"
#include "smc_ib.h"
#include "smc_llc.h"
#include "smc_wr.h"

struct smc_sock;

#define SMC_LGR_MAX_CONNS	255	/* connections of a link group */
#define SMC_LGR_MAX_LINKS	3	/* entries of a group's table of links */
#define SMC_LGR_MAX_RTOKENS	255	/* RMBs of the peer in a link group */
#define SMC_LGR_WAIT_SETUP	(5 * HZ) /* for others' first contact */
#define SMC_LGR_MAX_ZOMBIES	16	/* more, and a group gets no new ones */
#define SMC_LGR_MANY		128	/* groups: idle ones live shorter */
#define SMC_LGR_IDLE_SERVER	(600 * HZ) /* life after the last connection */
#define SMC_LGR_IDLE_CLIENT	(610 * HZ) /* longer: the server goes first */

enum smc_role {
	SMC_CLIENT,
	SMC_SERVER,
};

/**
 * enum smc_link_state - life of a link, one way
 * @SMC_LINK_SETUP:	being brought up
 * @SMC_LINK_ACTIVE:	CONFIRM LINK was exchanged
 * @SMC_LINK_DOWN:	failed or given up, nothing can be posted
 */
enum smc_link_state {
	SMC_LINK_SETUP,
	SMC_LINK_ACTIVE,
	SMC_LINK_DOWN,
};

/**
 * enum smc_lgr_state - life of a link group, one way
 * @SMC_LGR_SETUP:	first contact is under way
 * @SMC_LGR_ACTIVE:	takes connections
 * @SMC_LGR_DEAD:	being terminated, nothing new gets in
 */
enum smc_lgr_state {
	SMC_LGR_SETUP,
	SMC_LGR_ACTIVE,
	SMC_LGR_DEAD,
};

/**
 * struct smc_link - one QP between two ports
 */
struct smc_link {
	/** @refs: the group's table, each connection, queued work */
	refcount_t		refs;
	/** @lgr: the link group, holds a reference */
	struct smc_lgr		*lgr;
	/** @state: enum smc_link_state; changes under smc_lgr.lock */
	int			state;
	/** @num: link number, assigned by the server */
	u8			num;
	/** @idx: index in the group's table */
	u8			idx;
	/** @local: our end; counts a user of the device until destroyed */
	struct smc_ib_local	local;
	/** @peer_gid: the peer's end */
	u8			peer_gid[SMC_GID_LEN];
	/** @peer_mac: the peer's end */
	u8			peer_mac[SMC_MAC_LEN];
	/** @peer_qpn: the peer's QP number */
	u32			peer_qpn;
	/** @peer_psn: the peer's first packet sequence number */
	u32			peer_psn;
	/** @psn: our first packet sequence number */
	u32			psn;
	/** @mtu: the smaller of both ends' */
	enum ib_mtu		mtu;
	/** @pd: protection domain, of this link alone: peers are kept apart */
	struct ib_pd		*pd;
	/** @cq: of the RDMA core's pool */
	struct ib_cq		*cq;
	/** @n_cqe: entries that we took of @cq */
	unsigned int		n_cqe;
	/** @qp: queue pair */
	struct ib_qp		*qp;
	/** @ibname: name of the device, also when it is gone */
	char			ibname[IB_DEVICE_NAME_MAX];
	/** @qpn: its number, also when it is gone */
	u32			qpn;
	/** @wr: its queues */
	struct smc_wr		wr;
	/** @txpool: spare pages */
	struct smc_txpool	txpool;
	/** @last_rx: jiffies when something was received last */
	unsigned long		last_rx;
	/** @test_sent: jiffies when an unanswered TEST LINK was sent, or 0 */
	unsigned long		test_sent;
	/** @test_work: keepalive of the link */
	struct delayed_work	test_work;
	/** @confirm: the peer's CONFIRM LINK, valid when @confirmed */
	struct smc_llc_msg	confirm;
	/** @confirmed: @confirm has come; wakes smc_lgr.wait */
	bool			confirmed;
};

/**
 * struct smc_rtoken - an RMB of the peer
 */
struct smc_rtoken {
	/** @refs: the group's table, each connection that writes there */
	refcount_t		refs;
	/** @rkey: its key on each link of the group */
	u32			rkey[SMC_LGR_MAX_LINKS];
	/** @vaddr: its address on each link of the group */
	u64			vaddr[SMC_LGR_MAX_LINKS];
	/** @owners: element index -> the connection that writes there */
	struct xarray		owners;
};

/**
 * struct smc_lgr_key - what a link group is found by
 */
struct smc_lgr_key {
	/** @peer_id: identifies the peer's stack */
	u8			peer_id[SMC_PEER_ID_LEN];
	/** @net: network namespace, only to be compared */
	const struct net	*net;
	/** @role: enum smc_role, ours */
	u16			role;
	/** @version: SMC version that was negotiated */
	u16			version;
	/** @vlan_id: VLAN of the links */
	u32			vlan_id;
};

/**
 * struct smc_lgr - link group: the connections between us and one peer
 */
struct smc_lgr {
	/** @node: in the table of link groups, found by @key */
	struct rhlist_head	node;
	/** @list: in the list of all link groups */
	struct list_head	list;
	/** @key: what the group is found by */
	struct smc_lgr_key	key;
	/** @refs: the table, each link, queued work, who looked it up */
	refcount_t		refs;
	/** @id: our number of it */
	u32			id;
	/**
	 * @lock: guards @state, link states and the counters. Innermost but
	 * for wait queues; softirq context takes it too.
	 */
	spinlock_t		lock;
	/** @state: enum smc_lgr_state; changes wake @wait */
	int			state;
	/**
	 * @pinned: first contact is using the link outside of all locks: its
	 * end has to wait, see smc_lgr_unpin()
	 */
	bool			pinned;
	/** @n_conns: connections, including those being made */
	unsigned int		n_conns;
	/** @n_zombies: those of them that only wait for a word of the peer */
	unsigned int		n_zombies;
	/** @max_conns: limit of @n_conns */
	unsigned int		max_conns;
	/** @link: the links, each with a reference; under @lock */
	struct smc_link		*link[SMC_LGR_MAX_LINKS];
	/** @conns: alert token -> connection, holds a reference of each */
	struct xarray		conns;
	/** @next_token: where to look for a free alert token */
	u32			next_token;
	/** @wait: waits for changes of @state, links and RMBs */
	wait_queue_head_t	wait;
	/** @idle_work: ends the group when it has been empty for long */
	struct delayed_work	idle_work;
	/** @end_work: terminates the group */
	struct work_struct	end_work;
	/** @end_reason: of DELETE LINK, see enum smc_llc_del_reason */
	u32			end_reason;
	/** @end_orderly: flag of DELETE LINK */
	bool			end_orderly;
	/** @end_silent: the peer ended the group, say nothing */
	bool			end_silent;
	/** @buf_lock: guards @rmbs and the use of their elements; sleeps */
	struct mutex		buf_lock;
	/** @rmbs: our RMBs by size code of their elements */
	struct list_head	rmbs[SMC_RMBE_CODES];
	/** @rmb_want: size codes that want another RMB soon; atomic bits */
	unsigned long		rmb_want;
	/** @rmb_work: makes them, and frees RMBs that nobody uses */
	struct work_struct	rmb_work;
	/** @rtoken_lock: guards @rtokens; sleeps */
	struct mutex		rtoken_lock;
	/** @rtokens: rkey on link 0 -> RMB of the peer */
	struct xarray		rtokens;
	/** @n_rtokens: entries of @rtokens */
	unsigned int		n_rtokens;
	/** @llc: control messages */
	struct smc_llc		llc;
};

/**
 * struct smc_tx_post - what a transport is asked to post
 */
struct smc_tx_post {
	/** @len: bytes of data; the transport may take fewer, and says so */
	u32			len;
	/** @unsent: bytes of data that wait */
	u64			unsent;
	/** @space: free bytes in the peer's element */
	u32			space;
	/** @end_flags: connection state flags that go with the last byte */
	u8			end_flags;
	/** @signal: a completion is wanted; output: one will come */
	bool			signal;
	/** @msg: output: the message that was sent */
	struct smc_cdc_msg	msg;
};

/**
 * struct smc_conn_ops - what a transport does for a connection
 */
struct smc_conn_ops {
	/**
	 * @post: write data into the peer's element and announce it, under
	 * smc_conn.lock; see &struct smc_tx_post. Returns 0 with what was
	 * done in it; -EAGAIN if there is no room: the transport pushes the
	 * connection again when there is; other errors end the connection.
	 */
	int (*post)(struct smc_conn *conn, struct smc_tx_post *post);
	/**
	 * @page_get: provide a page for data to be sent, under smc_conn.lock:
	 * one that is kept, else @spare, which is then used up. -ENOMEM if
	 * neither is there.
	 */
	int (*page_get)(struct smc_conn *conn, struct smc_txpage *tp,
			struct page *spare);
	/** @page_put: give it back, under smc_conn.lock */
	void (*page_put)(struct smc_conn *conn, struct smc_txpage *tp);
	/** @release: give back elements and tables; process context */
	void (*release)(struct smc_conn *conn);
};

/**
 * struct smc_conn - a connection, apart from the socket that uses it
 *
 * Positions (u64) count the bytes of a direction from 0. Cursors of the wire
 * exist only in messages. Space is always computed, never accumulated.
 */
struct smc_conn {
	/**
	 * @refs: the socket, the group's table, each message in flight, a
	 * place in smc_wr.waiting, queued work
	 */
	refcount_t		refs;
	/** @ops: the transport */
	const struct smc_conn_ops *ops;
	/** @link: the link, holds a reference */
	struct smc_link		*link;
	/** @rcu: lookups are under RCU */
	struct rcu_head		rcu;
	/** @token: alert token that the peer names us by */
	u32			token;
	/** @peer_token: alert token that we name the peer by */
	u32			peer_token;
	/** @lock: guards all below. Taken in process and softirq context */
	spinlock_t		lock;
	/** @sk: the socket, holds a reference until detached */
	struct sock		*sk;
	/** @rmbe: our element, where the peer writes */
	struct smc_rmbe		rmbe;
	/** @rtoken: the peer's RMB, holds a reference */
	struct smc_rtoken	*rtoken;
	/** @peer_idx: index of the peer's element, from 1 */
	u8			peer_idx;
	/** @peer_size: bytes of the peer's element */
	u32			peer_size;
	/** @tx_ready: the peer's element is known: we may write */
	bool			tx_ready;
	/** @live: the socket uses it, and is to hear of its end */
	bool			live;
	/** @zombie: counted in smc_lgr.n_zombies */
	bool			zombie;
	/** @detached: it has given everything back */
	bool			detached;
	/** @tcp_end: the internal TCP socket is to be closed, 2: reset */
	u8			tcp_end;
	/** @killed: -errno: the connection is dead, do not touch the peer */
	int			killed;

	/** @rx_prod: end of what the peer has written */
	u64			rx_prod;
	/** @rx_cons: end of what the application has read */
	u64			rx_cons;
	/** @rx_cons_sent: the last @rx_cons that the peer was told */
	u64			rx_cons_sent;
	/** @rx_seq: sequence number of the last message */
	u16			rx_seq;
	/** @rx_prod_flags: producer flags of the last message */
	u8			rx_prod_flags;
	/** @rx_conn_flags: all connection state flags so far */
	u8			rx_conn_flags;
	/** @rx_complete: the peer ended its stream, nothing of it is missing */
	bool			rx_complete;
	/** @peer_first: the peer began to end the connection */
	bool			peer_first;

	/** @tx_size: bytes of data to be sent that we keep */
	u32			tx_size;
	/** @tx_pages: pages of the ring of @tx_size bytes */
	struct smc_txpage	*tx_pages;
	/** @tx_prep: end of what the application has written */
	u64			tx_prep;
	/** @tx_sent: end of what was posted */
	u64			tx_sent;
	/** @tx_fin: end of what is known to have arrived */
	u64			tx_fin;
	/** @tx_signaled: end of what a completion covers or will cover */
	u64			tx_signaled;
	/** @orphan_cons: @tx_cons when patience was last exercised */
	u64			orphan_cons;
	/** @tx_cons: end of what the peer's application has read */
	u64			tx_cons;
	/** @tx_seq: sequence number of our last message */
	u16			tx_seq;
	/** @tx_unanswered: messages posted since the peer sent data */
	u16			tx_unanswered;
	/** @tx_posted: messages in flight */
	u32			tx_posted;
	/** @tx_in_flight: those of them whose completion was asked for */
	u32			tx_in_flight;
	/** @tx_copying: the application is writing behind @tx_prep */
	bool			tx_copying;
	/** @tx_want_space: someone waits for room or for the last completion */
	bool			tx_want_space;
	/** @tx_prod_flags: producer flags of our last message */
	u8			tx_prod_flags;
	/** @tx_conn_flags: connection state flags of our last message */
	u8			tx_conn_flags;
	/** @tx_end_flags: to be sent once all data is */
	u8			tx_end_flags;
	/** @tx_msg_due: a message is due even without data */
	bool			tx_msg_due;
	/** @tx_waiting: in smc_wr.waiting; under smc_wr.lock */
	bool			tx_waiting;
	/** @app_closed: no application holds the socket any more */
	bool			app_closed;
	/** @tx_node: in smc_wr.waiting; under smc_wr.lock */
	struct list_head	tx_node;
	/** @end_work: does what the end of a connection needs */
	struct work_struct	end_work;
	/** @orphan_work: patience with a peer that does not close */
	struct delayed_work	orphan_work;
};

int smc_core_init(void);
void smc_core_exit(void);

/**
 * struct smc_peer - the peer's end of a link to be
 */
struct smc_peer {
	/** @gid: its GID */
	u8	gid[SMC_GID_LEN];
	/** @mac: its MAC */
	u8	mac[SMC_MAC_LEN];
	/** @qpn: its QP number; 0 while a server does not know it */
	u32	qpn;
};

struct smc_link *smc_lgr_server(const struct smc_lgr_key *key,
				const struct smc_peer *peer,
				const struct smc_ib_local *local, bool *first);
struct smc_link *smc_lgr_client_first(const struct smc_lgr_key *key,
				      const struct smc_peer *peer,
				      const struct smc_ib_local *local);
struct smc_link *smc_lgr_client_further(const struct smc_lgr_key *key,
					const struct smc_peer *peer);
struct smc_link *smc_lgr_link(struct smc_lgr *lgr);
void smc_lgr_activate(struct smc_lgr *lgr, struct smc_link *link);
void smc_lgr_unpin(struct smc_lgr *lgr);
void smc_lgr_slot_put(struct smc_lgr *lgr);
void smc_lgr_terminate(struct smc_lgr *lgr, u32 reason, bool orderly,
		       bool silent);
void smc_lgr_get(struct smc_lgr *lgr);
void smc_lgr_put(struct smc_lgr *lgr);
void smc_core_device_gone(struct smc_ib_dev *dev);

void smc_link_get(struct smc_link *link);
void smc_link_put(struct smc_link *link);
void smc_link_down(struct smc_link *link);

struct smc_conn *smc_conn_create(struct smc_link *link, struct sock *sk);
int smc_conn_set_peer(struct smc_conn *conn, const struct smc_clc_accept *acc);
struct smc_conn *smc_conn_lookup(struct smc_lgr *lgr, u32 token);
void smc_conn_get(struct smc_conn *conn);
void smc_conn_put(struct smc_conn *conn);
void smc_conn_kill(struct smc_conn *conn, int err);
void smc_conn_zombie(struct smc_conn *conn);
void smc_conn_detach(struct smc_conn *conn);
void smc_conn_release(struct smc_conn *conn);

void smc_core_net_gone(const struct net *net);
int smc_rtoken_add(struct smc_lgr *lgr, u32 rkey, u64 vaddr);
bool smc_rtoken_del(struct smc_lgr *lgr, u32 rkey);

#endif
