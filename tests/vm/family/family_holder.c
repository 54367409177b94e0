// SPDX-License-Identifier: GPL-2.0
/*
 * Holds the address family 43, so that nobody else can provide AF_SMC
 */
#include <linux/module.h>
#include <linux/net.h>
#include <linux/socket.h>

static int family_holder_create(struct net *net, struct socket *sock, int protocol, int kern)
{
	return -EPERM;
}

static const struct net_proto_family family_holder = {
	.family	= PF_SMC,
	.owner	= THIS_MODULE,
	.create	= family_holder_create,
};

static int __init family_holder_init(void)
{
	return sock_register(&family_holder);
}

static void __exit family_holder_exit(void)
{
	sock_unregister(PF_SMC);
}

module_init(family_holder_init);
module_exit(family_holder_exit);

MODULE_DESCRIPTION("holds the address family of AF_SMC, for a test");
MODULE_LICENSE("GPL");
