/* SPDX-License-Identifier: GPL-2.0 */
/*
 * icsk_af_ops->syn_recv_sock() has six arguments, or a seventh that sets up
 * the child.  The seventh went into stable releases as well, so no version
 * number tells which it is: the type of the member does.
 */
#ifndef _SMC_COMPAT_NET_INET_CONNECTION_SOCK_H
#define _SMC_COMPAT_NET_INET_CONNECTION_SOCK_H

#include_next <net/inet_connection_sock.h>

#define SMC_IS_SYN_RECV_SOCK(fn)					\
	__same_type(typeof_member(struct inet_connection_sock_af_ops,	\
				  syn_recv_sock), &(fn))

/*
 * Define a syn_recv_sock() of either type.  name_ops(sk) gives the ops whose
 * callback makes the child, name_born(sk, req_unhash, child) sees it afterwards.
 * The one of the two that is not of this kernel's type is never called, and
 * makes no sense.
 */
#define SMC_DEFINE_SYN_RECV_SOCK(name)					\
static struct sock * __maybe_unused					\
name##6(const struct sock *sk, struct sk_buff *skb,			\
	struct request_sock *req, struct dst_entry *dst,		\
	struct request_sock *req_unhash, bool *own_req)			\
{									\
	__auto_type make =						\
		__builtin_choose_expr(SMC_IS_SYN_RECV_SOCK(name##6),	\
				      name##_ops(sk)->syn_recv_sock,	\
				      &name##6);			\
	struct sock *child;						\
									\
	child = make(sk, skb, req, dst, req_unhash, own_req);		\
	name##_born(sk, req_unhash, child);				\
	return child;							\
}									\
									\
static struct sock * __maybe_unused					\
name##7(const struct sock *sk, struct sk_buff *skb,			\
	struct request_sock *req, struct dst_entry *dst,		\
	struct request_sock *req_unhash, bool *own_req,			\
	void (*init)(struct sock *newsk, const struct sock *sk))	\
{									\
	__auto_type make =						\
		__builtin_choose_expr(SMC_IS_SYN_RECV_SOCK(name##7),	\
				      name##_ops(sk)->syn_recv_sock,	\
				      &name##7);			\
	struct sock *child;						\
									\
	child = make(sk, skb, req, dst, req_unhash, own_req, init);	\
	name##_born(sk, req_unhash, child);				\
	return child;							\
}

/* the one of the two that is of this kernel's type */
#define SMC_SYN_RECV_SOCK(name)						\
	__builtin_choose_expr(SMC_IS_SYN_RECV_SOCK(name##7),		\
			      name##7, name##6)

#endif /* _SMC_COMPAT_NET_INET_CONNECTION_SOCK_H */
