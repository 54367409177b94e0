// SPDX-License-Identifier: GPL-2.0
/*
 * The handshake, over the TCP socket
 *
 * smc_clc_connect() and smc_clc_serve() are one straight line each, executed in
 * a work item, because all they do is ask and wait. Whatever fails before the
 * point of no return is answered with a Decline and ends in plain TCP.
 */
#include <linux/in.h>
#include <linux/inetdevice.h>
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/if_inet6.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "smc.h"
#include "smc_clc.h"
#include "smc_close.h"
#include "smc_core.h"
#include "smc_pnet.h"
#include "smc_stats.h"

/**
 * struct smc_clc_hs - a handshake
 */
struct smc_clc_hs {
	/** @smc: the socket */
	struct smc_sock		*smc;
	/** @local: our end of the link, valid if @local.dev is set */
	struct smc_ib_local	local;
	/** @key: what the link group is found by */
	struct smc_lgr_key	key;
	/** @peer: the peer's end of the link */
	struct smc_peer		peer;
	/** @link: the link, with a reference */
	struct smc_link		*link;
	/** @conn: the connection, with a reference */
	struct smc_conn		*conn;
	/** @first: first contact */
	bool			first;
	/** @told: the peer knows our element */
	bool			told;
	/** @version: of messages that are not part of an agreement */
	u8			version;
	/** @len: bytes of the message in @buf */
	unsigned int		len;
	/** @hdr: its header */
	struct smc_clc_hdr	hdr;
	/** @buf: the message received last, or the one to be sent */
	u8			buf[SMC_CLC_MAX_LEN];
};

/* ---------------------------------------------------------------- messages */

static int smc_clc_send(struct smc_clc_hs *hs, int len)
{
	struct msghdr msg = { .msg_flags = MSG_NOSIGNAL };
	struct kvec vec = { .iov_base = hs->buf, .iov_len = len };
	int rc;

	if (len < 0)
		return len;
	rc = kernel_sendmsg(hs->smc->clcsock, &msg, &vec, 1, len);
	if (rc == len)
		return 0;
	return rc < 0 ? rc : -ECONNRESET;
}

static int smc_clc_read(struct smc_clc_hs *hs, unsigned int off,
			unsigned int len, int flags)
{
	struct kvec vec = { .iov_base = hs->buf + off, .iov_len = len };
	struct msghdr msg = {};
	int rc;

	rc = kernel_recvmsg(hs->smc->clcsock, &msg, &vec, 1, len, flags);
	if (rc == -EAGAIN)
		return -ETIMEDOUT;
	return rc ? rc : -ECONNRESET;
}

/*
 * Receive one message and not a byte more: what follows a Decline is the
 * application's. -EPROTO if it is malformed. *spoken tells whether the peer
 * has begun to speak CLC; if not, nothing was taken from the stream.
 */
static int smc_clc_recv(struct smc_clc_hs *hs, long timeout, bool *spoken)
{
	static const u8 eye[] = { 0xe2, 0xd4, 0xc3 };
	int rc;

	*spoken = false;
	WRITE_ONCE(hs->smc->clcsk->sk_rcvtimeo, timeout);
	rc = smc_clc_read(hs, 0, SMC_CLC_HDR_LEN, MSG_PEEK);
	if (rc < 0)
		return rc;
	if (memcmp(hs->buf, eye, min_t(int, rc, sizeof(eye))))
		return -EPROTO;
	if (rc < SMC_CLC_HDR_LEN) {
		rc = smc_clc_read(hs, 0, SMC_CLC_HDR_LEN,
				  MSG_PEEK | MSG_WAITALL);
		if (rc < 0)
			return rc;
		if (memcmp(hs->buf, eye, min_t(int, rc, sizeof(eye))))
			return -EPROTO;
		*spoken = true;
		if (rc < SMC_CLC_HDR_LEN)
			return -ETIMEDOUT;
	}
	*spoken = true;
	rc = smc_clc_hdr_parse(hs->buf, SMC_CLC_HDR_LEN, &hs->hdr);
	if (rc)
		return rc;
	hs->len = hs->hdr.len;
	rc = smc_clc_read(hs, 0, hs->len, MSG_WAITALL);
	if (rc < 0)
		return rc;
	return rc < hs->len ? -ETIMEDOUT : 0;
}

/* the peer has declined: remember why; returns our reason to fall back */
static int smc_clc_declined(struct smc_clc_hs *hs)
{
	struct smc_clc_decline decline;
	int rc;

	rc = smc_clc_decline_parse(hs->buf, hs->len, &decline);
	if (rc)
		return rc;
	SMC_STAT_INC(SMC_STAT_DECLINE_RCVD);
	hs->smc->peer_diagnosis = decline.diagnosis;
	if (decline.out_of_sync && hs->link && !hs->first)
		smc_lgr_terminate(hs->link->lgr, SMC_LLC_DEL_PROTOCOL, false,
				  true);
	return SMC_DIAG_PEER_DECLINED;
}

/* say no, and why; returns the reason */
static int smc_clc_decline(struct smc_clc_hs *hs, u32 reason)
{
	struct smc_clc_decline decline = {
		.version	= hs->version,
		.out_of_sync	= reason == SMC_DIAG_SYNC,
		.diagnosis	= reason,
		.os_type	= SMC_OS_LINUX,
	};
	int rc;

	SMC_STAT_INC(SMC_STAT_DECLINE_SENT);
	smc_ib_peer_id(decline.peer_id);
	rc = smc_clc_send(hs, smc_clc_decline_build(hs->buf, sizeof(hs->buf),
						    &decline));
	return rc < 0 ? rc : reason;
}

static int smc_clc_send_accept(struct smc_clc_hs *hs, u8 type)
{
	struct smc_rmb *rmb = hs->conn->rmbe.rmb;
	struct smc_clc_accept acc = {
		.type		= type,
		.version	= SMC_VERSION_1,
		.path		= SMC_PATH_R,
		.first_contact	= hs->first,
		.qpn		= hs->link->qpn,
		.rkey		= rmb->rkey,
		.vaddr		= rmb->vaddr,
		.rmbe_idx	= hs->conn->rmbe.idx,
		.token		= hs->conn->token,
		.rmbe_code	= smc_rmbe_code(hs->conn->rmbe.size),
		.mtu_code	= hs->link->mtu,
		.psn		= hs->link->psn,
	};

	hs->told = true;
	smc_ib_peer_id(acc.peer_id);
	memcpy(acc.gid, hs->link->local.gid.gid.raw, SMC_GID_LEN);
	memcpy(acc.mac, hs->link->local.gid.mac, SMC_MAC_LEN);
	return smc_clc_send(hs, smc_clc_accept_build(hs->buf, sizeof(hs->buf),
						     &acc));
}

/* -------------------------------------------------------------- IP prefixes */

static bool smc_clc_is_ipv4(const struct sock *clcsk)
{
#if IS_ENABLED(CONFIG_IPV6)
	return clcsk->sk_family == AF_INET ||
	       ipv6_addr_v4mapped(&clcsk->sk_v6_rcv_saddr);
#else
	return true;
#endif
}

static __be32 smc_clc_ipv4_addr(const struct sock *clcsk)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (clcsk->sk_family == AF_INET6)
		return clcsk->sk_v6_rcv_saddr.s6_addr32[3];
#endif
	return clcsk->sk_rcv_saddr;
}

static bool smc_clc_ipv4_subnet(struct net_device *ndev, __be32 addr,
				struct smc_clc_proposal *prop)
{
	struct in_device *in_dev = __in_dev_get_rcu(ndev);
	const struct in_ifaddr *ifa;

	if (!in_dev)
		return false;
	in_dev_for_each_ifa_rcu(ifa, in_dev) {
		if (!inet_ifa_match(addr, ifa))
			continue;
		prop->subnet = ifa->ifa_address & ifa->ifa_mask;
		prop->mask_len = inet_mask_len(ifa->ifa_mask);
		prop->n_prefixes = 0;
		return true;
	}
	return false;
}

static bool smc_clc_ipv4_match(struct net_device *ndev,
			       const struct smc_clc_proposal *prop)
{
	struct in_device *in_dev = __in_dev_get_rcu(ndev);
	const struct in_ifaddr *ifa;

	if (!in_dev)
		return false;
	in_dev_for_each_ifa_rcu(ifa, in_dev) {
		if (inet_mask_len(ifa->ifa_mask) == prop->mask_len &&
		    (ifa->ifa_address & ifa->ifa_mask) == prop->subnet)
			return true;
	}
	return false;
}

#if IS_ENABLED(CONFIG_IPV6)
static bool smc_clc_has_prefix(const struct smc_clc_proposal *prop,
			       const struct in6_addr *prefix, u8 len)
{
	unsigned int i;

	for (i = 0; i < prop->n_prefixes; i++) {
		if (prop->prefix[i].len == len &&
		    !memcmp(prop->prefix[i].addr, prefix, sizeof(*prefix)))
			return true;
	}
	return false;
}

/* list the prefixes of a device, or find one of them in the list */
static bool smc_clc_ipv6_prefixes(struct net_device *ndev,
				  struct smc_clc_proposal *prop, bool find)
{
	struct inet6_dev *idev = __in6_dev_get(ndev);
	struct inet6_ifaddr *ifa;
	struct in6_addr prefix;
	bool found = false;

	if (!idev)
		return false;
	read_lock_bh(&idev->lock);
	list_for_each_entry(ifa, &idev->addr_list, if_list) {
		if (ipv6_addr_type(&ifa->addr) & IPV6_ADDR_LINKLOCAL)
			continue;
		ipv6_addr_prefix(&prefix, &ifa->addr, ifa->prefix_len);
		found = smc_clc_has_prefix(prop, &prefix, ifa->prefix_len);
		if (find && found)
			break;
		if (find || found)
			continue;
		if (prop->n_prefixes == SMC_CLC_MAX_PREFIXES)
			break;
		memcpy(prop->prefix[prop->n_prefixes].addr, &prefix,
		       sizeof(prefix));
		prop->prefix[prop->n_prefixes++].len = ifa->prefix_len;
	}
	read_unlock_bh(&idev->lock);
	return find ? found : prop->n_prefixes;
}
#else
static bool smc_clc_ipv6_prefixes(struct net_device *ndev,
				  struct smc_clc_proposal *prop, bool find)
{
	return false;
}
#endif

/*
 * Our subnets go into a Proposal, or a Proposal's are compared with ours: two
 * that can do without a router have one in common [RFC 7609 3.5.1.1].
 */
static bool smc_clc_prefixes(struct sock *clcsk, struct smc_clc_proposal *prop,
			     bool find)
{
	struct net_device *ndev;
	struct dst_entry *dst;
	bool found = false;

	rcu_read_lock();
	dst = __sk_dst_get(clcsk);
	ndev = dst ? dst_dev_rcu(dst) : NULL;
	if (!ndev)
		found = false;
	else if (find && !prop->n_prefixes)
		found = smc_clc_ipv4_match(ndev, prop);
	else if (!find && smc_clc_is_ipv4(clcsk))
		found = smc_clc_ipv4_subnet(ndev, smc_clc_ipv4_addr(clcsk),
					    prop);
	else
		found = smc_clc_ipv6_prefixes(ndev, prop, find);
	rcu_read_unlock();
	return found;
}

/* ------------------------------------------------------------ common parts */

static bool smc_clc_ipsec(struct sock *clcsk)
{
#ifdef CONFIG_XFRM
	struct dst_entry *dst;
	bool ipsec;

	rcu_read_lock();
	dst = __sk_dst_get(clcsk);
	ipsec = rcu_access_pointer(clcsk->sk_policy[0]) ||
		rcu_access_pointer(clcsk->sk_policy[1]) ||
		(dst && dst_xfrm(dst));
	rcu_read_unlock();
	return ipsec;
#else
	return false;
#endif
}

static void smc_clc_make_key(struct smc_clc_hs *hs, const u8 *peer_id,
			     enum smc_role role)
{
	memset(&hs->key, 0, sizeof(hs->key));
	memcpy(hs->key.peer_id, peer_id, SMC_PEER_ID_LEN);
	hs->key.net = sock_net(&hs->smc->sk);
	hs->key.role = role;
	hs->key.version = SMC_VERSION_1;
	hs->key.vlan_id = hs->local.gid.vlan_id;
}

/* why we cannot go on, as a diagnosis code */
static u32 smc_clc_reason(int err)
{
	switch (err) {
	case -ENOMEM:
	case -E2BIG:
	case -ENOSPC:
		return SMC_DIAG_MEMORY;
	case -ENODEV:
		return SMC_DIAG_NO_DEVICE;
	case -ENOLINK:
		return SMC_DIAG_NO_ACTIVE_LINK;
	case -EPERM:
	case -EIO:
		return SMC_DIAG_REGISTER;
	case -ESRCH:
		return SMC_DIAG_SYNC;
	case -ENOENT:
		return SMC_DIAG_NO_SUCH_LINK;
	case -ETIME:
		return SMC_DIAG_TIMEOUT_CONFIRM_LINK;
	case -EBADMSG:
		return SMC_DIAG_RMBE_EYECATCHER;
	default:
		return SMC_DIAG_INTERNAL;
	}
}

static int smc_clc_make_conn(struct smc_clc_hs *hs)
{
	struct smc_conn *conn;

	conn = smc_conn_create(hs->link, &hs->smc->sk);
	if (IS_ERR(conn))
		return PTR_ERR(conn);
	hs->conn = conn;
	return 0;
}

/* register the first RMB and open the link for use; the QP is ready to send */
static int smc_clc_open_link(struct smc_clc_hs *hs)
{
	smc_wr_open(hs->link);
	return smc_rmb_register(hs->link, hs->conn->rmbe.rmb, false);
}

/* what came to be is the socket's, or is undone */
static void smc_clc_finish(struct smc_clc_hs *hs, int rc)
{
	if (hs->conn && !rc) {
		hs->smc->conn = hs->conn;
	} else if (hs->conn) {
		/*
		 * A peer that knows our element may write to it, unless it
		 * declined, or the link goes down with the connection.
		 */
		if (hs->told && !hs->first && rc != SMC_DIAG_PEER_DECLINED)
			smc_close_abandon(hs->conn);
		else
			smc_conn_detach(hs->conn);
		smc_conn_put(hs->conn);
	}
	if (hs->link) {
		if (rc && hs->first)
			smc_lgr_terminate(hs->link->lgr, SMC_LLC_DEL_PROGRAM,
					  false, true);
		if (hs->first)
			smc_lgr_unpin(hs->link->lgr);
		smc_link_put(hs->link);
	}
	if (hs->local.dev)
		smc_ib_dev_put(hs->local.dev);
	if (rc == -ETIMEDOUT)
		SMC_STAT_INC(SMC_STAT_CLC_TIMEOUT);
	else if (rc == -EPROTO)
		SMC_STAT_INC(SMC_STAT_CLC_BAD);
	kfree(hs);
}

static struct smc_clc_hs *smc_clc_begin(struct smc_sock *smc)
{
	struct smc_clc_hs *hs = kzalloc(sizeof(*hs), GFP_KERNEL);

	if (hs) {
		hs->smc = smc;
		hs->version = SMC_VERSION_1;
	}
	return hs;
}

/* ----------------------------------------------------------------- client */

static int smc_clc_propose(struct smc_clc_hs *hs)
{
	struct smc_clc_proposal *prop;
	int rc;

	prop = kzalloc(sizeof(*prop), GFP_KERNEL);
	if (!prop)
		return smc_clc_decline(hs, SMC_DIAG_MEMORY);
	prop->version = SMC_VERSION_1;
	prop->typev1 = SMC_PATH_R;
	prop->typev2 = SMC_PATH_NONE;
	prop->smcd_area = true;
	if (smc_clc_prefixes(hs->smc->clcsk, prop, false)) {
		smc_ib_peer_id(prop->peer_id);
		memcpy(prop->gid, hs->local.gid.gid.raw, SMC_GID_LEN);
		memcpy(prop->mac, hs->local.gid.mac, SMC_MAC_LEN);
		rc = smc_clc_send(hs, smc_clc_proposal_build(hs->buf,
							     sizeof(hs->buf),
							     prop));
	} else {
		rc = smc_clc_decline(hs, SMC_DIAG_CONFIG);
	}
	kfree(prop);
	return rc;
}

/* first contact: the server has no link group with us [RFC 7609 3.5.1] */
static int smc_clc_client_first(struct smc_clc_hs *hs,
				const struct smc_clc_accept *acc)
{
	struct smc_link *link;
	bool spoken;
	int rc;

	link = smc_lgr_client_first(&hs->key, &hs->peer, &hs->local);
	if (IS_ERR(link))
		return smc_clc_decline(hs, smc_clc_reason(PTR_ERR(link)));
	hs->link = link;
	link->peer_psn = acc->psn;
	link->mtu = min_t(enum ib_mtu, link->mtu, acc->mtu_code);
	rc = smc_clc_make_conn(hs);
	if (!rc)
		rc = smc_conn_set_peer(hs->conn, acc);
	if (rc)
		return smc_clc_decline(hs, smc_clc_reason(rc));
	/* the server's first message may come right after our Confirm */
	if (smc_ib_link_init(link) || smc_wr_post_receives(link) ||
	    smc_ib_link_rtr(link))
		return smc_clc_decline(hs, SMC_DIAG_QP_SETUP);
	rc = smc_clc_send_accept(hs, SMC_CLC_CONFIRM);
	if (rc)
		return rc;

	rc = smc_llc_wait_confirm_link(link, SMC_LLC_WAIT_FIRST);
	if (rc) {
		/* it may have declined meanwhile */
		if (!smc_clc_recv(hs, SMC_CLC_WAIT_DECLINE, &spoken) &&
		    hs->hdr.type == SMC_CLC_DECLINE)
			return smc_clc_declined(hs);
		return smc_clc_decline(hs, smc_clc_reason(rc));
	}
	if (!link->confirm.confirm_link.no_eyecatcher)
		return smc_clc_decline(hs, SMC_DIAG_RMBE_EYECATCHER);
	link->num = link->confirm.confirm_link.link_num;
	if (smc_ib_link_rts(link))
		return smc_clc_decline(hs, SMC_DIAG_QP_SETUP);
	rc = smc_clc_open_link(hs);
	if (rc)
		return smc_clc_decline(hs, SMC_DIAG_REGISTER);
	rc = smc_llc_send_confirm_link(link, true);
	if (rc)
		return smc_clc_decline(hs, SMC_DIAG_TIMEOUT_CONFIRM_LINK);
	smc_lgr_activate(link->lgr, link);
	return 0;
}

/* a further connection, over the link that the server names */
static int smc_clc_client_further(struct smc_clc_hs *hs,
				  const struct smc_clc_accept *acc)
{
	struct smc_link *link;
	int rc;

	link = smc_lgr_client_further(&hs->key, &hs->peer);
	if (IS_ERR(link))
		return smc_clc_decline(hs, smc_clc_reason(PTR_ERR(link)));
	hs->link = link;
	rc = smc_clc_make_conn(hs);
	if (!rc)
		rc = smc_conn_set_peer(hs->conn, acc);
	if (rc)
		return smc_clc_decline(hs, smc_clc_reason(rc));
	return smc_clc_send_accept(hs, SMC_CLC_CONFIRM);
}

static int smc_clc_client(struct smc_clc_hs *hs)
{
	struct smc_clc_accept acc;
	bool spoken;
	int rc;

	if (smc_clc_ipsec(hs->smc->clcsk))
		return smc_clc_decline(hs, SMC_DIAG_IPSEC);
	if (smc_pnet_find(hs->smc->clcsk, SMC_GID_ANY, &hs->local))
		return smc_clc_decline(hs, SMC_DIAG_NO_DEVICE);
	rc = smc_clc_propose(hs);
	if (rc)
		return rc;

	rc = smc_clc_recv(hs, SMC_CLC_WAIT, &spoken);
	if (rc)
		return spoken ? rc : SMC_CLC_NOT_SPOKEN;
	if (hs->hdr.type == SMC_CLC_DECLINE)
		return smc_clc_declined(hs);
	if (hs->hdr.type != SMC_CLC_ACCEPT)
		return -EPROTO;
	if (hs->hdr.version != SMC_VERSION_1 || hs->hdr.smcd)
		return smc_clc_decline(hs, SMC_DIAG_MODE_MISMATCH);
	rc = smc_clc_accept_parse(hs->buf, hs->len, &acc);
	if (rc)
		return rc;
	if (acc.path != SMC_PATH_R)
		return smc_clc_decline(hs, SMC_DIAG_MODE_MISMATCH);
	if (acc.first_contact && !smc_mtu_code_valid(acc.mtu_code))
		return smc_clc_decline(hs, SMC_DIAG_QP_SETUP);

	smc_clc_make_key(hs, acc.peer_id, SMC_CLIENT);
	memcpy(hs->peer.gid, acc.gid, SMC_GID_LEN);
	memcpy(hs->peer.mac, acc.mac, SMC_MAC_LEN);
	hs->peer.qpn = acc.qpn;
	hs->first = acc.first_contact;
	rc = hs->first ? smc_clc_client_first(hs, &acc) :
			 smc_clc_client_further(hs, &acc);
	if (!rc)
		SMC_STAT_INC(SMC_STAT_CONN_CLIENT);
	return rc;
}

/**
 * smc_clc_connect - the client's side of the handshake
 * @smc: the socket; TCP is connected, and the peer has shown the option
 *
 * Context: process, sleeps; the socket is not locked but nobody else uses the
 * internal TCP socket.
 * Return: 0: @smc->conn can be used. Positive: diagnosis code, plain TCP goes
 * on. SMC_CLC_NOT_SPOKEN: the server does not know CLC, our Proposal went to
 * its application. Other negative: -errno, the connection is dead.
 */
int smc_clc_connect(struct smc_sock *smc)
{
	struct smc_clc_hs *hs = smc_clc_begin(smc);
	int rc;

	if (!hs)
		return -ENOMEM;
	rc = smc_clc_client(hs);
	smc_clc_finish(hs, rc);
	return rc;
}

/* ----------------------------------------------------------------- server */

/* receive the Proposal and see whether we can do what it wants */
static int smc_clc_hear(struct smc_clc_hs *hs)
{
	struct smc_clc_proposal *prop;
	bool spoken;
	int rc;

	rc = smc_clc_recv(hs, SMC_CLC_WAIT, &spoken);
	if (rc) {
		/*
		 * Our SYN-ACK's option was lost on the way, so this is a plain
		 * TCP client that speaks already, or waits for us to.
		 */
		if (!spoken && (rc == -EPROTO || rc == -ETIMEDOUT))
			return SMC_DIAG_PEER_NO_SMC;
		return rc;
	}
	if (hs->hdr.type == SMC_CLC_DECLINE)
		return smc_clc_declined(hs);
	if (hs->hdr.type != SMC_CLC_PROPOSAL)
		return -EPROTO;
	hs->version = min_t(u8, hs->hdr.version, SMC_VERSION_2);

	prop = kzalloc(sizeof(*prop), GFP_KERNEL);
	if (!prop)
		return smc_clc_decline(hs, SMC_DIAG_MEMORY);
	rc = smc_clc_proposal_parse(hs->buf, hs->len, prop);
	if (rc)
		goto out;
	if (prop->typev1 != SMC_PATH_R && prop->typev1 != SMC_PATH_BOTH)
		rc = smc_clc_decline(hs, SMC_DIAG_PEER_NO_SMC);
	else if (smc_clc_ipsec(hs->smc->clcsk))
		rc = smc_clc_decline(hs, SMC_DIAG_IPSEC);
	else if (!smc_clc_prefixes(hs->smc->clcsk, prop, true))
		rc = smc_clc_decline(hs, SMC_DIAG_PREFIX_MISMATCH);
	else if (smc_pnet_find(hs->smc->clcsk, smc_gid_kind(prop->gid),
			       &hs->local))
		rc = smc_clc_decline(hs, SMC_DIAG_NO_DEVICE);
	if (rc)
		goto out;
	smc_clc_make_key(hs, prop->peer_id, SMC_SERVER);
	memcpy(hs->peer.gid, prop->gid, SMC_GID_LEN);
	memcpy(hs->peer.mac, prop->mac, SMC_MAC_LEN);
out:
	kfree(prop);
	return rc;
}

/* the client has confirmed first contact: bring the link up */
static int smc_clc_server_first(struct smc_clc_hs *hs,
				const struct smc_clc_accept *conf)
{
	struct smc_link *link = hs->link;
	int rc;

	if (!smc_mtu_code_valid(conf->mtu_code))
		return smc_clc_decline(hs, SMC_DIAG_QP_SETUP);
	link->peer_qpn = conf->qpn;
	link->peer_psn = conf->psn;
	link->mtu = min_t(enum ib_mtu, link->mtu, conf->mtu_code);
	if (smc_ib_link_rtr(link) || smc_ib_link_rts(link))
		return smc_clc_decline(hs, SMC_DIAG_QP_SETUP);
	rc = smc_clc_open_link(hs);
	if (rc)
		return smc_clc_decline(hs, SMC_DIAG_REGISTER);
	rc = smc_llc_send_confirm_link(link, false);
	if (!rc)
		rc = smc_llc_wait_confirm_link(link, SMC_LLC_WAIT);
	if (rc)
		return smc_clc_decline(hs, SMC_DIAG_TIMEOUT_CONFIRM_LINK);
	if (!link->confirm.confirm_link.no_eyecatcher)
		return smc_clc_decline(hs, SMC_DIAG_RMBE_EYECATCHER);
	SMC_STAT_INC(SMC_STAT_FIRST_CONTACT);
	smc_lgr_activate(link->lgr, link);
	return 0;
}

static int smc_clc_server(struct smc_clc_hs *hs)
{
	struct smc_clc_accept conf;
	struct smc_link *link;
	bool spoken;
	int rc;

	rc = smc_clc_hear(hs);
	if (rc)
		return rc;
	link = smc_lgr_server(&hs->key, &hs->peer, &hs->local, &hs->first);
	if (IS_ERR(link)) {
		hs->first = false;
		return smc_clc_decline(hs, smc_clc_reason(PTR_ERR(link)));
	}
	hs->link = link;
	rc = smc_clc_make_conn(hs);
	if (rc)
		return smc_clc_decline(hs, smc_clc_reason(rc));
	if (hs->first && (smc_ib_link_init(link) || smc_wr_post_receives(link)))
		return smc_clc_decline(hs, SMC_DIAG_QP_SETUP);
	rc = smc_clc_send_accept(hs, SMC_CLC_ACCEPT);
	if (rc)
		return rc;

	rc = smc_clc_recv(hs, SMC_CLC_WAIT, &spoken);
	if (rc)
		return rc;
	if (hs->hdr.type == SMC_CLC_DECLINE)
		return smc_clc_declined(hs);
	if (hs->hdr.type != SMC_CLC_CONFIRM ||
	    hs->hdr.version != SMC_VERSION_1 || hs->hdr.smcd)
		return -EPROTO;
	rc = smc_clc_accept_parse(hs->buf, hs->len, &conf);
	if (rc)
		return rc;
	if (conf.path != SMC_PATH_R ||
	    memcmp(conf.peer_id, hs->key.peer_id, SMC_PEER_ID_LEN) ||
	    memcmp(conf.gid, hs->peer.gid, SMC_GID_LEN) ||
	    memcmp(conf.mac, hs->peer.mac, SMC_MAC_LEN))
		return -EPROTO;

	/* from here on a further connection may not decline: "no chase" */
	if (hs->first)
		rc = smc_clc_server_first(hs, &conf);
	if (!rc)
		rc = smc_conn_set_peer(hs->conn, &conf);
	if (!rc)
		SMC_STAT_INC(SMC_STAT_CONN_SERVER);
	return rc;
}

/**
 * smc_clc_serve - the server's side of the handshake
 * @smc: the new socket; its TCP connection was accepted, with the option
 *
 * Context: as for smc_clc_connect().
 * Return: as smc_clc_connect(), but never SMC_CLC_NOT_SPOKEN.
 */
int smc_clc_serve(struct smc_sock *smc)
{
	struct smc_clc_hs *hs = smc_clc_begin(smc);
	int rc;

	if (!hs)
		return -ENOMEM;
	rc = smc_clc_server(hs);
	smc_clc_finish(hs, rc);
	return rc;
}
