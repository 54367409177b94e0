// SPDX-License-Identifier: GPL-2.0
/*
 * The SMC option on SYN and SYN-ACK, carried by ourselves.
 *
 * For kernels whose TCP knows nothing of SMC.  Our TCP sockets get a copy of
 * their icsk_af_ops while a handshake is due, with these calls wrapped:
 *
 *  client    queue_xmit     adds the option to the SYN
 *            sk_rx_dst_set  looks for it in the SYN-ACK, and ends the wrapping
 *  listener  conn_request   looks for it in the SYN
 *            syn_recv_sock  marks the child if we agreed, and unwraps it
 *
 * Two packets are out of reach of these and are met in a LOCAL_OUT hook: the
 * SYN-ACK, and the first SYN to an IPv4 address mapped into IPv6, for which
 * tcp_v6_connect() brings ops of its own.
 *
 * What marks what:
 *
 *  socket of ours   the address of its icsk_af_ops.  A client whose ops are
 *                   still the wrapped ones has sent no SYN without the option;
 *                   the copy named "agreed" wraps nothing, it is the verdict.
 *  request          the address of its af_specific: a copy of the original
 *                   stands for "agreed" or "declined".  It is set once, by the
 *                   first SYN-ACK that passes, so that retransmits, which may
 *                   run at the same time on another CPU, say the same.
 *  child            SK_USER_DATA_NOCOPY over a NULL pointer in sk_user_data,
 *                   which whoever looks there takes for NULL.
 *
 * The copies of icsk_af_ops are in the module: our sockets are gone before it
 * is.  Requests may outlive it, so what they point to is allocated, holds
 * addresses of the kernel only, and is never freed: a few hundred bytes each
 * time the module is loaded and answers a client.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/kmemleak.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/tcp.h>
#include <net/checksum.h>
#include <net/inet_common.h>
#include <net/inet_connection_sock.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/request_sock.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "smc_synopt.h"
#include "smc_synopt_compat.h"

enum smc_own_kind {
	SMC_OWN_V4,
	SMC_OWN_V6,
	SMC_OWN_MAPPED,		/* IPv6 socket, IPv4 on the wire */
	SMC_OWN_KINDS
};

/* The ops of one kind of TCP socket, written once, then constant. */
struct smc_own_af {
	const struct inet_connection_sock_af_ops *orig;
	struct inet_connection_sock_af_ops listener;
	struct inet_connection_sock_af_ops client;
	struct inet_connection_sock_af_ops agreed;
};

/* The marks of requests that have one kind of af_specific. */
struct smc_own_tag {
	const struct tcp_request_sock_ops *orig;
	struct tcp_request_sock_ops agreed;
	struct tcp_request_sock_ops declined;
};

/* The SYN with the option that this CPU is just answering. */
struct smc_own_syn {
	local_lock_t bh_lock;
	const struct sock *listener;
	u32 isn;
	__be16 port;
};

/* A client on its way through tcp_v6_connect() to an IPv4 address. */
struct smc_own_mapped {
	struct list_head list;
	const struct sock *sk;
	bool offered;		/* its SYN came by and left with the option */
};

struct smc_own_net {
	unsigned int hook_users;	/* under smc_own_hook_mutex */
	spinlock_t lock;		/* protects mapped */
	struct list_head mapped;
};

/* as the TCP core of kernels with CONFIG_SMC lays it out [LNX] */
static const u8 smc_own_option[TCPOLEN_EXP_SMC_BASE_ALIGNED] = {
	TCPOPT_NOP, TCPOPT_NOP, TCPOPT_EXP, TCPOLEN_EXP_SMC_BASE,
	TCPOPT_SMC_MAGIC >> 24 & 0xff, TCPOPT_SMC_MAGIC >> 16 & 0xff,
	TCPOPT_SMC_MAGIC >> 8 & 0xff, TCPOPT_SMC_MAGIC & 0xff,
};

#define SMC_OWN_OPTLEN		sizeof(smc_own_option)
#define SMC_OWN_TCPHDR_MAX	60	/* what doff can say */

static struct smc_own_af smc_own_afs[SMC_OWN_KINDS];
static struct smc_own_tag *smc_own_tags[2];	/* IPv4 and IPv6, as they come */
static DEFINE_SPINLOCK(smc_own_learn_lock);	/* for writing these two */

static DEFINE_PER_CPU(struct smc_own_syn, smc_own_syn) = {
	.bh_lock = INIT_LOCAL_LOCK(bh_lock),
};

static DEFINE_MUTEX(smc_own_hook_mutex);
static unsigned int smc_own_net_id __read_mostly;

/* ------------------------------------------------------------ the option */

/*
 * Return: true if @th has the option.  @full: nothing may be added to it, since
 * a hash covers what is there, or since a list that does not end properly
 * would hide it.
 */
static bool smc_own_has_option(const struct tcphdr *th, bool *full)
{
	const u8 *end = (const u8 *)th + th->doff * 4;
	const u8 *p = (const u8 *)(th + 1);
	bool found = false;

	*full = false;
	while (p < end) {
		if (*p == TCPOPT_NOP) {
			p++;
			continue;
		}
		if (*p == TCPOPT_EOL || end - p < 2 || p[1] < 2 ||
		    p[1] > end - p) {
			*full = true;
			break;
		}
		if (*p == TCPOPT_MD5SIG || *p == TCPOPT_AO)
			*full = true;
		/* longer ones are taken too [LNX] */
		if (*p == TCPOPT_EXP && p[1] >= TCPOLEN_EXP_SMC_BASE &&
		    !(p[1] & 1) && !memcmp(p + 2, smc_own_option + 4, 4))
			found = true;
		p += p[1];
	}
	return found;
}

/*
 * Add the option to @skb, whose TCP header, all in the linear part, is @off
 * bytes behind skb->data: behind IP headers, or 0 if there are none yet.
 *
 * Return: 0 if it is there now; -ENOSPC if it cannot be, -ENOMEM if it cannot
 * be at present: @skb is as it was.
 */
static int smc_own_insert(struct sk_buff *skb, unsigned int off)
{
	struct tcphdr *th = (struct tcphdr *)(skb->data + off);
	unsigned int hlen = off + th->doff * 4;
	bool full;

	if (smc_own_has_option(th, &full))
		return 0;
	if (full || th->doff * 4 + SMC_OWN_OPTLEN > SMC_OWN_TCPHDR_MAX ||
	    skb_headlen(skb) < hlen || skb->ip_summed != CHECKSUM_PARTIAL ||
	    skb_is_gso(skb) || skb_shared(skb))
		return -ENOSPC;
	if (skb_cow_head(skb, SMC_OWN_OPTLEN))
		return -ENOMEM;

	/* all headers move down: data that came along stays where it is */
	skb_push(skb, SMC_OWN_OPTLEN);
	memmove(skb->data, skb->data + SMC_OWN_OPTLEN, hlen);
	memcpy(skb->data + hlen, smc_own_option, SMC_OWN_OPTLEN);
	if (off)
		skb_reset_network_header(skb);
	skb_set_transport_header(skb, off);
	skb->csum_start -= SMC_OWN_OPTLEN;

	th = tcp_hdr(skb);
	th->doff += SMC_OWN_OPTLEN / 4;
	/* it holds the sum of the pseudo header so far, the length in it */
	th->check = csum16_add(th->check, htons(SMC_OWN_OPTLEN));
	return 0;
}

/* As smc_own_insert(), and the lengths in the IP header follow. */
static int smc_own_insert_ip(struct sk_buff *skb, unsigned int off, u8 pf)
{
	unsigned int len = skb->len;
	int rc;

	rc = smc_own_insert(skb, off);
	if (rc || skb->len == len)
		return rc;
	if (pf == NFPROTO_IPV4) {
		ip_hdr(skb)->tot_len = htons(skb->len);
		ip_send_check(ip_hdr(skb));
	} else {
		ipv6_hdr(skb)->payload_len =
			htons(skb->len - sizeof(struct ipv6hdr));
	}
	return 0;
}

/* Return: where the TCP header of a packet in LOCAL_OUT is, 0 if it has none. */
static unsigned int smc_own_tcp_offset(const struct sk_buff *skb, u8 pf)
{
	__be16 frag;
	u8 proto;
	int off;

	if (pf == NFPROTO_IPV4) {
		proto = ip_hdr(skb)->protocol;
		off = ip_hdrlen(skb);
	} else {
		proto = ipv6_hdr(skb)->nexthdr;
		off = ipv6_skip_exthdr(skb, sizeof(struct ipv6hdr), &proto,
				       &frag);
	}
	if (proto != IPPROTO_TCP || off <= 0 ||
	    skb_headlen(skb) < off + sizeof(struct tcphdr))
		return 0;
	return off;
}

/* -------------------------------------------------------- marks of requests */

static struct smc_own_tag *
smc_own_tag_find(const struct tcp_request_sock_ops *ops)
{
	struct smc_own_tag *tag;
	int i;

	for (i = 0; i < ARRAY_SIZE(smc_own_tags); i++) {
		/* pairs with smc_own_tag_learn() */
		tag = smp_load_acquire(&smc_own_tags[i]);
		if (!tag)
			break;
		if (ops == &tag->agreed || ops == &tag->declined ||
		    ops == tag->orig)
			return tag;
	}
	return NULL;
}

/* As above; a new one if need and memory be.  BH off or process context. */
static struct smc_own_tag *
smc_own_tag_learn(const struct tcp_request_sock_ops *ops)
{
	struct smc_own_tag *tag = smc_own_tag_find(ops);
	int i;

	if (tag)
		return tag;

	spin_lock_bh(&smc_own_learn_lock);
	tag = smc_own_tag_find(ops);
	for (i = 0; !tag && i < ARRAY_SIZE(smc_own_tags); i++) {
		if (smc_own_tags[i])
			continue;
		tag = kmalloc(sizeof(*tag), GFP_ATOMIC);
		if (!tag)
			break;
		kmemleak_not_leak(tag);
		tag->orig = ops;
		tag->agreed = *ops;
		tag->declined = *ops;
		/* pairs with smc_own_tag_find() */
		smp_store_release(&smc_own_tags[i], tag);
	}
	spin_unlock_bh(&smc_own_learn_lock);
	return tag;
}

/*
 * Return: true if the SYN-ACKs of @req have the option.  @req has to be one
 * that tcp_conn_request() has made: in others af_specific may be what the
 * memory's last user has left there, our mark for instance.
 */
static bool smc_own_req_agreed(const struct request_sock *req)
{
	const struct tcp_request_sock_ops *ops =
		READ_ONCE(tcp_rsk(req)->af_specific);
	const struct smc_own_tag *tag = smc_own_tag_find(ops);

	return tag && ops == &tag->agreed;
}

/* ---------------------------------------------------------------- sockets */

/* Return: the ops around @orig, NULL if @kind is known to have others. */
static struct smc_own_af *
smc_own_af_learn(enum smc_own_kind kind,
		 const struct inet_connection_sock_af_ops *orig);

/*
 * Return: the ops for a socket that is made for @family; NULL if there are
 * none.  The original is asked of a fresh socket, since @family's may have been
 * exchanged in others.  Process context, no socket locked.
 */
static struct smc_own_af *smc_own_af_get(unsigned short family)
{
	enum smc_own_kind kind = family == AF_INET ? SMC_OWN_V4 : SMC_OWN_V6;
	struct smc_own_af *af = &smc_own_afs[kind];
	struct socket *fresh;

	/* pairs with smc_own_af_learn() */
	if (smp_load_acquire(&af->orig))
		return af;
	if (sock_create_kern(&init_net, family, SOCK_STREAM, IPPROTO_TCP,
			     &fresh))
		return NULL;
	af = smc_own_af_learn(kind, inet_csk(fresh->sk)->icsk_af_ops);
	sock_release(fresh);
	return af;
}

/* the ops of a listener: its family never changes, its ops pointer may */
static struct smc_own_af *smc_own_listener_af(const struct sock *sk)
{
	return &smc_own_afs[sk->sk_family == AF_INET ? SMC_OWN_V4 : SMC_OWN_V6];
}

static bool smc_own_is_listener(const struct sock *sk)
{
	return READ_ONCE(inet_csk(sk)->icsk_af_ops) ==
	       &smc_own_listener_af(sk)->listener;
}

static void smc_own_set_ops(struct sock *sk,
			    const struct inet_connection_sock_af_ops *ops)
{
	WRITE_ONCE(inet_csk(sk)->icsk_af_ops, ops);
}

/* Undo the client's half; @sk is locked.  Return: true if both had agreed. */
static bool smc_own_client_reset(struct sock *sk)
{
	const struct inet_connection_sock_af_ops *ops =
		inet_csk(sk)->icsk_af_ops;
	const struct smc_own_af *af;
	int i;

	for (i = 0; i < SMC_OWN_KINDS; i++) {
		af = &smc_own_afs[i];
		if (ops == &af->client || ops == &af->agreed) {
			smc_own_set_ops(sk, af->orig);
			return ops == &af->agreed;
		}
	}
	return false;
}

/* ----------------------------------------------------------------- client */

/* icsk_af_ops->queue_xmit(): the socket is locked, no IP header is there yet */
static int smc_own_queue_xmit(struct sock *sk, struct sk_buff *skb,
			      struct flowi *fl)
{
	const struct smc_own_af *af = container_of(inet_csk(sk)->icsk_af_ops,
						   struct smc_own_af, client);
	const struct tcphdr *th = tcp_hdr(skb);
	int rc;

	if (th->syn && !th->ack) {
		rc = smc_own_insert(skb, 0);
		if (rc == -ENOMEM) {
			/* TCP sends it again */
			kfree_skb(skb);
			return -ENOBUFS;
		}
		if (rc) {
			pr_debug("no room on the SYN\n");
			smc_own_set_ops(sk, af->orig);
		}
	}
	return af->orig->queue_xmit(sk, skb, fl);
}

/*
 * icsk_af_ops->sk_rx_dst_set(): the socket is locked.  TCP calls it with the
 * SYN-ACK that it has found valid; or with another packet, if the connection
 * came up without one (crossed SYNs).
 */
static void smc_own_sk_rx_dst_set(struct sock *sk, const struct sk_buff *skb)
{
	const struct smc_own_af *af = container_of(inet_csk(sk)->icsk_af_ops,
						   struct smc_own_af, client);
	const struct tcphdr *th = tcp_hdr(skb);
	bool full;

	if (th->syn && th->ack && smc_own_has_option(th, &full))
		smc_own_set_ops(sk, &af->agreed);
	else
		smc_own_set_ops(sk, af->orig);
	af->orig->sk_rx_dst_set(sk, skb);
}

/* Return: true if tcp_v6_connect() of @sk to @dst will use IPv4. */
static bool smc_own_is_mapped(const struct sock *sk,
			      const struct sockaddr_storage *dst, int alen)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)dst;

	if (sk->sk_family != AF_INET6 || sin6->sin6_family != AF_INET6 ||
	    alen < SIN6_LEN_RFC2133)
		return false;
	/* connecting to the unspecified address means the own machine */
	return ipv6_addr_v4mapped(&sin6->sin6_addr) ||
	       (ipv6_addr_any(&sin6->sin6_addr) &&
		ipv6_addr_v4mapped(&sk->sk_v6_rcv_saddr));
}

/* The hook's part for a SYN that goes out by IPv4 from an IPv6 socket. */
static unsigned int smc_own_mapped_syn(struct net *net, struct sk_buff *skb,
				       unsigned int off)
{
	struct smc_own_net *sn = net_generic(net, smc_own_net_id);
	unsigned int verdict = NF_ACCEPT;
	struct smc_own_mapped *m;

	spin_lock_bh(&sn->lock);
	list_for_each_entry(m, &sn->mapped, list) {
		if (m->sk != skb->sk)
			continue;
		switch (smc_own_insert_ip(skb, off, NFPROTO_IPV4)) {
		case 0:
			m->offered = true;
			break;
		case -ENOMEM:
			/* TCP sends it again, by smc_own_queue_xmit() */
			m->offered = true;
			verdict = NF_DROP;
			break;
		default:
			pr_debug("no room on the SYN\n");
		}
		break;
	}
	spin_unlock_bh(&sn->lock);
	return verdict;
}

/* --------------------------------------------------------------- listener */

/* icsk_af_ops->conn_request(): BH off, the listener is not locked */
static int smc_own_conn_request(struct sock *sk, struct sk_buff *skb)
{
	const struct smc_own_af *af = smc_own_listener_af(sk);
	const struct tcphdr *th = tcp_hdr(skb);
	struct smc_own_syn *syn;
	bool full;
	int rc;

	if (!smc_own_has_option(th, &full))
		return af->orig->conn_request(sk, skb);

	/* the first SYN-ACK is sent in here: let the hook know it by this */
	local_lock_nested_bh(&smc_own_syn.bh_lock);
	syn = this_cpu_ptr(&smc_own_syn);
	syn->isn = ntohl(th->seq);
	syn->port = th->source;
	WRITE_ONCE(syn->listener, sk);
	rc = af->orig->conn_request(sk, skb);
	WRITE_ONCE(syn->listener, NULL);
	local_unlock_nested_bh(&smc_own_syn.bh_lock);
	return rc;
}

/*
 * Is @req's first SYN-ACK being sent, in answer to a SYN with the option?  If
 * so, we are on the CPU that runs smc_own_conn_request(), and cannot leave it;
 * if not, any CPU's record differs from @req.
 */
static bool smc_own_is_first(const struct request_sock *req)
{
	const struct smc_own_syn *syn = raw_cpu_ptr(&smc_own_syn);

	return READ_ONCE(syn->listener) == req->rsk_listener &&
	       syn->isn == tcp_rsk(req)->rcv_isn &&
	       syn->port == inet_rsk(req)->ir_rmt_port;
}

/*
 * The hook's part for a SYN-ACK.  The first that passes decides for all of its
 * request; a decision to agree is kept, if by dropping what cannot say so.
 */
static unsigned int smc_own_synack(struct sk_buff *skb, unsigned int off, u8 pf)
{
	struct request_sock *req = inet_reqsk(skb->sk);
	const struct tcp_request_sock_ops **mark = &tcp_rsk(req)->af_specific;
	const struct tcp_request_sock_ops *ops = READ_ONCE(*mark);
	const struct smc_own_tag *tag;

	if (smc_own_req_agreed(req))
		return smc_own_insert_ip(skb, off, pf) ? NF_DROP : NF_ACCEPT;

	if (!req->rsk_listener || !smc_own_is_listener(req->rsk_listener))
		return NF_ACCEPT;
	tag = smc_own_tag_learn(ops);
	if (!tag || ops == &tag->declined)
		return NF_ACCEPT;

	if (smc_own_is_first(req)) {
		switch (smc_own_insert_ip(skb, off, pf)) {
		case 0:
			/* lost against a retransmit, which went without? */
			return cmpxchg(mark, tag->orig, &tag->agreed) ==
			       tag->orig ? NF_ACCEPT : NF_DROP;
		case -ENOMEM:
			return NF_DROP;
		default:
			pr_debug("no room on the SYN-ACK\n");
		}
	}
	if (cmpxchg(mark, tag->orig, &tag->declined) == &tag->agreed)
		return NF_DROP;
	return NF_ACCEPT;
}

static const struct inet_connection_sock_af_ops *
smc_own_syn_recv_sock_ops(const struct sock *sk)
{
	return smc_own_listener_af(sk)->orig;
}

/*
 * @child, new, locked and not yet in the accept queue, or NULL.  @req was in
 * the hash table, or is NULL: the child of a SYN cookie, or of TCP Fast Open
 * with the SYN-ACK still to come, has agreed to nothing.
 */
static void smc_own_syn_recv_sock_born(const struct sock *sk,
				       const struct request_sock *req,
				       struct sock *child)
{
	const struct smc_own_af *af = smc_own_listener_af(sk);

	if (!child)
		return;
	/* an IPv4 child of an IPv6 listener has its own already */
	if (inet_csk(child)->icsk_af_ops == &af->listener)
		smc_own_set_ops(child, af->orig);
	if (req && smc_own_req_agreed(req))
		rcu_assign_pointer(__sk_user_data(child),
				   (void *)SK_USER_DATA_NOCOPY);
}

SMC_DEFINE_SYN_RECV_SOCK(smc_own_syn_recv_sock)

static struct smc_own_af *
smc_own_af_learn(enum smc_own_kind kind,
		 const struct inet_connection_sock_af_ops *orig)
{
	struct smc_own_af *af = &smc_own_afs[kind];

	spin_lock_bh(&smc_own_learn_lock);
	if (!af->orig) {
		af->listener = *orig;
		af->listener.conn_request = smc_own_conn_request;
		af->listener.syn_recv_sock =
			SMC_SYN_RECV_SOCK(smc_own_syn_recv_sock);
		af->client = *orig;
		af->client.queue_xmit = smc_own_queue_xmit;
		af->client.sk_rx_dst_set = smc_own_sk_rx_dst_set;
		af->agreed = *orig;
		/* pairs with smc_own_af_get() */
		smp_store_release(&af->orig, orig);
	}
	if (af->orig != orig)
		af = NULL;
	spin_unlock_bh(&smc_own_learn_lock);
	return af;
}

/* --------------------------------------------------------------- the hook */

static unsigned int smc_own_local_out(void *priv, struct sk_buff *skb,
				      const struct nf_hook_state *state)
{
	const struct sock *sk = skb->sk;	/* state->sk may be another */
	const struct tcphdr *th;
	unsigned int off;
	int st;

	if (!sk)
		return NF_ACCEPT;
	st = READ_ONCE(sk->sk_state);
	if (likely(st != TCP_NEW_SYN_RECV && st != TCP_SYN_SENT))
		return NF_ACCEPT;
	if (sk->sk_family != AF_INET && sk->sk_family != AF_INET6)
		return NF_ACCEPT;

	/* with tunnels, what goes out for our socket need not be TCP */
	off = smc_own_tcp_offset(skb, state->pf);
	if (!off)
		return NF_ACCEPT;
	th = (const struct tcphdr *)(skb->data + off);
	if (!th->syn)
		return NF_ACCEPT;

	if (st == TCP_NEW_SYN_RECV)
		return th->ack ? smc_own_synack(skb, off, state->pf) :
				 NF_ACCEPT;
	if (sk->sk_family == AF_INET6 && state->pf == NFPROTO_IPV4 && !th->ack)
		return smc_own_mapped_syn(state->net, skb, off);
	return NF_ACCEPT;
}

/* before conntrack, NAT, IPsec and tunnels */
static const struct nf_hook_ops smc_own_hooks[] = {
	{
		.hook		= smc_own_local_out,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_LOCAL_OUT,
		.priority	= NF_IP_PRI_FIRST,
	},
#if IS_ENABLED(CONFIG_IPV6)
	{
		.hook		= smc_own_local_out,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_LOCAL_OUT,
		.priority	= NF_IP6_PRI_FIRST,
	},
#endif
};

static int smc_own_hooks_get(struct net *net)
{
	struct smc_own_net *sn = net_generic(net, smc_own_net_id);
	int rc = 0;

	mutex_lock(&smc_own_hook_mutex);
	if (!sn->hook_users)
		rc = nf_register_net_hooks(net, smc_own_hooks,
					   ARRAY_SIZE(smc_own_hooks));
	if (!rc)
		sn->hook_users++;
	mutex_unlock(&smc_own_hook_mutex);
	if (rc)
		pr_warn_ratelimited("no netfilter hook (%d), no SMC\n", rc);
	return rc;
}

static void smc_own_hooks_put(struct net *net)
{
	struct smc_own_net *sn = net_generic(net, smc_own_net_id);

	mutex_lock(&smc_own_hook_mutex);
	if (!--sn->hook_users)
		nf_unregister_net_hooks(net, smc_own_hooks,
					ARRAY_SIZE(smc_own_hooks));
	mutex_unlock(&smc_own_hook_mutex);
}

static int __net_init smc_own_net_init(struct net *net)
{
	struct smc_own_net *sn = net_generic(net, smc_own_net_id);

	spin_lock_init(&sn->lock);
	INIT_LIST_HEAD(&sn->mapped);
	return 0;
}

static struct pernet_operations smc_own_net_ops = {
	.init	= smc_own_net_init,
	.id	= &smc_own_net_id,
	.size	= sizeof(struct smc_own_net),
};

/* --------------------------------------------------------------- the door */

/**
 * smc_synopt_init() - start to carry the SMC option
 *
 * Nothing of the machine's traffic is touched until a socket needs it.
 * Process context.
 *
 * Return: 0, or -ENOMEM.
 */
int smc_synopt_init(void)
{
	return register_pernet_subsys(&smc_own_net_ops);
}

/**
 * smc_synopt_exit() - nothing runs in this file any more
 *
 * Process context; no socket of ours is left.  Waits for RCU.
 */
void smc_synopt_exit(void)
{
	unregister_pernet_subsys(&smc_own_net_ops);
	/* for hooks, and for what TCP called through a listener's ops */
	synchronize_net();
}

/**
 * smc_synopt_carrier() - who carries the option
 *
 * Return: a name for messages.
 */
const char *smc_synopt_carrier(void)
{
	return "own";
}

/* The rest of smc_synopt_connect() for a destination that IPv4 leads to. */
static int smc_own_connect_mapped(struct socket *clcsock,
				  struct sockaddr_storage *dst, int alen,
				  int flags)
{
	struct sock *sk = clcsock->sk;
	struct smc_own_net *sn = net_generic(sock_net(sk), smc_own_net_id);
	struct smc_own_mapped m = { .sk = sk };
	const struct smc_own_af *af;
	int rc;

	spin_lock_bh(&sn->lock);
	list_add(&m.list, &sn->mapped);
	spin_unlock_bh(&sn->lock);

	rc = __inet_stream_connect(clcsock, (void *)dst, alen, flags, 0);

	spin_lock_bh(&sn->lock);
	list_del(&m.list);
	spin_unlock_bh(&sn->lock);

	/* an answer waits in the backlog, until the socket is unlocked */
	if (m.offered && sk->sk_state == TCP_SYN_SENT) {
		af = smc_own_af_learn(SMC_OWN_MAPPED,
				      inet_csk(sk)->icsk_af_ops);
		if (af)
			smc_own_set_ops(sk, &af->client);
	}
	return rc;
}

/**
 * smc_synopt_connect() - start a TCP connection, offering SMC on the SYN
 * @clcsock: TCP socket, not locked by the caller
 * @addr: destination; an IPv4 address mapped into IPv6 is one too
 * @alen: bytes of @addr
 * @flags: O_NONBLOCK set; the call never waits for the peer
 *
 * RFC 7609 section 3.1.  No offer is made where none can be: with
 * TCP_FASTOPEN_CONNECT, whose first data would go out before the peer has
 * answered, and beside an MD5 or AO signature.  After it, one of
 * smc_synopt_connected() and smc_synopt_abandon() is due.  Process context.
 *
 * Return: 0, -EINPROGRESS, or TCP's error, which leaves nothing to undo.
 */
int smc_synopt_connect(struct socket *clcsock, struct sockaddr *addr, int alen,
		       int flags)
{
	struct sockaddr_storage dst;	/* hooks of TCP may rewrite it */
	struct sock *sk = clcsock->sk;
	const struct smc_own_af *af;
	bool offer, mapped, hooked;
	int rc;

	if (alen < 0 || alen > sizeof(dst))
		return -EINVAL;
	memset(&dst, 0, sizeof(dst));
	memcpy(&dst, addr, alen);

	af = smc_own_af_get(sk->sk_family);
	mapped = smc_own_is_mapped(sk, &dst, alen);
	hooked = mapped && !smc_own_hooks_get(sock_net(sk));

	lock_sock(sk);
	offer = af && sk->sk_state == TCP_CLOSE &&
		clcsock->state == SS_UNCONNECTED &&
		!tcp_sk(sk)->fastopen_connect;
	if (offer)
		smc_own_client_reset(sk);
	if (offer && hooked) {
		rc = smc_own_connect_mapped(clcsock, &dst, alen, flags);
	} else {
		if (offer && !mapped &&
		    inet_csk(sk)->icsk_af_ops == af->orig)
			smc_own_set_ops(sk, &af->client);
		rc = __inet_stream_connect(clcsock, (void *)&dst, alen, flags,
					   0);
	}
	if (sk->sk_state == TCP_CLOSE)
		smc_own_client_reset(sk);
	release_sock(sk);

	if (hooked)
		smc_own_hooks_put(sock_net(sk));
	return rc;
}

/**
 * smc_synopt_connected() - did both sides agree to SMC?
 * @clcsk: client's TCP socket, established, not locked by the caller
 *
 * One shot: it takes away what smc_synopt_connect() has installed.  Process
 * context.
 *
 * Return: true if our SYN and the peer's SYN-ACK had the option.
 */
bool smc_synopt_connected(struct sock *clcsk)
{
	bool agreed;

	lock_sock(clcsk);
	agreed = smc_own_client_reset(clcsk);
	release_sock(clcsk);
	return agreed;
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
	smc_own_client_reset(clcsk);
	release_sock(clcsk);
}

/* Have @sk answer clients that offer SMC.  Where it cannot, it stays plain. */
static void smc_own_arm(struct sock *sk)
{
	const struct smc_own_af *af = smc_own_af_get(sk->sk_family);
	bool armed = false;

	if (!af || smc_own_hooks_get(sock_net(sk)))
		return;
	lock_sock(sk);
	if (sk->sk_state == TCP_CLOSE)
		smc_own_client_reset(sk);
	if (((1 << sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN)) &&
	    inet_csk(sk)->icsk_af_ops == af->orig) {
		smc_own_set_ops(sk, &af->listener);
		armed = true;
	}
	release_sock(sk);
	if (!armed)
		smc_own_hooks_put(sock_net(sk));
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

	smc_own_arm(clcsock->sk);
	rc = kernel_listen(clcsock, backlog);
	if (rc)
		smc_synopt_unlisten(clcsock);
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
	struct sock *sk = clcsock->sk;
	bool armed;

	lock_sock(sk);
	armed = smc_own_is_listener(sk);
	if (armed)
		smc_own_set_ops(sk, smc_own_syn_recv_sock_ops(sk));
	release_sock(sk);
	if (armed)
		smc_own_hooks_put(sock_net(sk));
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
	bool agreed;

	lock_sock(child);
	agreed = child->sk_user_data == (void *)SK_USER_DATA_NOCOPY;
	if (agreed)
		rcu_assign_sk_user_data(child, NULL);
	release_sock(child);
	return agreed;
}
