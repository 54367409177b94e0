// SPDX-License-Identifier: GPL-2.0
/*
 * What smcss reads: sock_diag for AF_SMC
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/inet_diag.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/smc_diag.h>
#include <linux/sock_diag.h>
#include <net/inet_sock.h>
#include <net/netlink.h>
#include <net/sock.h>

#include "smc.h"
#include "smc_core.h"

/* diag_mode of struct smc_diag_msg, ABI */
enum smc_diag_mode_abi {
	SMC_DIAG_ABI_SMCR,
	SMC_DIAG_ABI_FALLBACK,
};

static void smc_diag_addr(struct inet_diag_sockid *id, const struct smc_sock *smc)
{
	const struct sock *tsk = smc->clcsk;

	id->idiag_sport = htons(READ_ONCE(tsk->sk_num));
	id->idiag_dport = READ_ONCE(tsk->sk_dport);
	id->idiag_if = READ_ONCE(smc->sk.sk_bound_dev_if);
#if IS_ENABLED(CONFIG_IPV6)
	if (tsk->sk_family == AF_INET6) {
		memcpy(id->idiag_src, &tsk->sk_v6_rcv_saddr,
		       sizeof(id->idiag_src));
		memcpy(id->idiag_dst, &tsk->sk_v6_daddr,
		       sizeof(id->idiag_dst));
		return;
	}
#endif
	id->idiag_src[0] = tsk->sk_rcv_saddr;
	id->idiag_dst[0] = tsk->sk_daddr;
}

static void smc_diag_cursor(struct smc_diag_cursor *out, u64 pos, u32 size)
{
	struct smc_cursor cursor = smc_pos_to_cursor(pos, size);

	out->wrap = cursor.wrap;
	out->count = cursor.count;
}

/* a snapshot of the connection, under its lock */
static void smc_diag_conninfo(struct smc_diag_conninfo *info,
			      struct smc_conn *conn)
{
	u32 peer_size;

	memset(info, 0, sizeof(*info));
	spin_lock_bh(&conn->lock);
	peer_size = conn->peer_size ?: SMC_BUF_MIN;
	info->token = conn->token;
	info->sndbuf_size = conn->tx_size;
	info->rmbe_size = conn->rmbe.size;
	info->peer_rmbe_size = conn->peer_size;
	smc_diag_cursor(&info->rx_prod, conn->rx_prod, conn->rmbe.size);
	smc_diag_cursor(&info->rx_cons, conn->tx_cons, peer_size);
	smc_diag_cursor(&info->tx_prod, conn->tx_sent, peer_size);
	smc_diag_cursor(&info->tx_cons, conn->rx_cons_sent, conn->rmbe.size);
	info->rx_prod_flags = conn->rx_prod_flags;
	info->rx_conn_state_flags = conn->rx_conn_flags;
	info->tx_prod_flags = conn->tx_prod_flags;
	info->tx_conn_state_flags = conn->tx_conn_flags;
	smc_diag_cursor(&info->tx_prep, conn->tx_prep, conn->tx_size);
	smc_diag_cursor(&info->tx_sent, conn->tx_sent, conn->tx_size);
	smc_diag_cursor(&info->tx_fin, conn->tx_fin, conn->tx_size);
	spin_unlock_bh(&conn->lock);
}

static void smc_diag_gid(u8 *out, const u8 *gid)
{
	/* eight groups of four digits, 39 characters */
	snprintf(out, 40, "%pI6", gid);
}

static bool smc_diag_lgrinfo(struct smc_diag_lgrinfo *info,
			     const struct smc_conn *conn)
{
	const struct smc_link *link = conn->link;

	if (READ_ONCE(link->state) != SMC_LINK_ACTIVE)
		return false;
	memset(info, 0, sizeof(*info));
	info->lnk[0].link_id = link->num;
	info->lnk[0].ibport = link->local.port;
	strscpy(info->lnk[0].ibname, link->ibname, sizeof(info->lnk[0].ibname));
	smc_diag_gid(info->lnk[0].gid, link->local.gid.gid.raw);
	smc_diag_gid(info->lnk[0].peer_gid, link->peer_gid);
	info->role = link->lgr->key.role;
	return true;
}

static int smc_diag_put_conn(struct sk_buff *skb, struct smc_conn *conn, u8 ext)
{
	struct smc_diag_conninfo conninfo;
	struct smc_diag_lgrinfo lgrinfo;

	if (ext & (1 << (SMC_DIAG_CONNINFO - 1))) {
		smc_diag_conninfo(&conninfo, conn);
		if (nla_put(skb, SMC_DIAG_CONNINFO, sizeof(conninfo),
			    &conninfo))
			return -EMSGSIZE;
	}
	if (ext & (1 << (SMC_DIAG_LGRINFO - 1)) &&
	    smc_diag_lgrinfo(&lgrinfo, conn)) {
		if (nla_put(skb, SMC_DIAG_LGRINFO, sizeof(lgrinfo), &lgrinfo))
			return -EMSGSIZE;
	}
	return 0;
}

static int smc_diag_put_sock(struct sk_buff *skb, struct netlink_callback *cb,
			     struct sock *sk, u8 ext)
{
	struct smc_sock *smc = smc_sk(sk);
	struct smc_diag_fallback fallback;
	struct smc_diag_msg *msg;
	struct nlmsghdr *nlh;
	u8 shutdown;

	nlh = nlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			cb->nlh->nlmsg_type, sizeof(*msg), NLM_F_MULTI);
	if (!nlh)
		return -EMSGSIZE;
	msg = nlmsg_data(nlh);
	memset(msg, 0, sizeof(*msg));
	msg->diag_family = AF_SMC;
	msg->diag_state = smc_sock_state(smc);
	msg->diag_mode = smc_is_fallback(smc) ? SMC_DIAG_ABI_FALLBACK :
						SMC_DIAG_ABI_SMCR;
	smc_diag_addr(&msg->id, smc);
	sock_diag_save_cookie(sk, msg->id.idiag_cookie);
	msg->diag_uid = from_kuid_munged(sk_user_ns(NETLINK_CB(cb->skb).sk),
					 sk_uid(sk));
	msg->diag_inode = sock_i_ino(sk);

	shutdown = READ_ONCE(sk->sk_shutdown);
	if (smc_is_fallback(smc))
		shutdown = READ_ONCE(smc->clcsk->sk_shutdown);
	if (nla_put_u8(skb, SMC_DIAG_SHUTDOWN, shutdown))
		goto cancel;
	fallback.reason = smc->fback_reason;
	fallback.peer_diagnosis = smc->peer_diagnosis;
	if (nla_put(skb, SMC_DIAG_FALLBACK, sizeof(fallback), &fallback))
		goto cancel;
	if (smc_carrier(smc) == SMC_CARRIER_RDMA &&
	    smc_diag_put_conn(skb, smc->conn, ext))
		goto cancel;
	nlmsg_end(skb, nlh);
	return 0;

cancel:
	nlmsg_cancel(skb, nlh);
	return -EMSGSIZE;
}

static int smc_diag_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct smc_diag_req *req = nlmsg_data(cb->nlh);
	struct net *net = sock_net(skb->sk);
	u32 id = cb->args[0];
	struct sock *sk;
	int rc = 0;

	/* the id of the last one may be the highest there is */
	while (!cb->args[1] && (sk = smc_diag_next(net, &id))) {
		/* a socket is in the table before it is complete */
		if (smc_sk(sk)->clcsk)
			rc = smc_diag_put_sock(skb, cb, sk, req->diag_ext);
		sock_put(sk);
		if (rc)
			break;
		if (++id == 0)
			cb->args[1] = 1;
	}
	cb->args[0] = id;
	return rc && !skb->len ? rc : skb->len;
}

static int smc_diag_handler_dump(struct sk_buff *skb, struct nlmsghdr *nlh)
{
	struct net *net = sock_net(skb->sk);
	struct netlink_dump_control c = {
		.dump		= smc_diag_dump,
		.min_dump_alloc	= SKB_WITH_OVERHEAD(32768),
	};

	if (nlmsg_len(nlh) < (int)sizeof(struct smc_diag_req))
		return -EINVAL;
	if (!(nlh->nlmsg_flags & NLM_F_DUMP))
		return 0;
	return netlink_dump_start(net->diag_nlsk, skb, nlh, &c);
}

static const struct sock_diag_handler smc_diag_handler = {
	.owner	= THIS_MODULE,
	.family	= AF_SMC,
	.dump	= smc_diag_handler_dump,
};

static int __init smc_diag_init(void)
{
	return sock_diag_register(&smc_diag_handler);
}

static void __exit smc_diag_exit(void)
{
	sock_diag_unregister(&smc_diag_handler);
}

module_init(smc_diag_init);
module_exit(smc_diag_exit);

MODULE_DESCRIPTION("AF_SMC: socket monitoring via sock_diag");
MODULE_LICENSE("GPL");
MODULE_ALIAS_NET_PF_PROTO_TYPE(PF_NETLINK, NETLINK_SOCK_DIAG, 43 /* AF_SMC */);
