// SPDX-License-Identifier: GPL-2.0
/*
 * Which RoCE port serves which net device
 *
 * The one that belongs to the net device of the TCP connection's route, or to
 * a device beneath that one (bond, team, VLAN, bridge, macvlan).
 */
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <net/dst.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "smc_pnet.h"

/**
 * struct smc_pnet_walk - a search through stacked net devices
 */
struct smc_pnet_walk {
	/** @net: namespace of the socket */
	const struct net		*net;
	/** @kind: which GIDs will do */
	enum smc_gid_kind		kind;
	/** @prefer: address of the socket */
	const struct in6_addr		*prefer;
	/** @local: output */
	struct smc_ib_local		*local;
};

/* the net device of a connected TCP socket's route, with a reference */
static struct net_device *smc_pnet_route_dev(struct sock *clcsk,
					     netdevice_tracker *tracker)
{
	struct net_device *ndev = NULL;
	struct dst_entry *dst;

	rcu_read_lock();
	dst = __sk_dst_get(clcsk);
	if (dst)
		ndev = dst_dev_rcu(dst);
	netdev_hold(ndev, tracker, GFP_ATOMIC);
	rcu_read_unlock();
	return ndev;
}

static int smc_pnet_lower(struct net_device *lower,
			  struct netdev_nested_priv *priv)
{
	struct smc_pnet_walk *walk = priv->data;

	return smc_ib_find(walk->net, lower, walk->kind, walk->prefer,
			   walk->local);
}

/**
 * smc_pnet_find - find the RoCE port for a connection
 * @clcsk: its TCP socket, connected
 * @kind: which GIDs will do
 * @local: output; counts a user of the device, see smc_ib_dev_put()
 *
 * Context: process, sleeps.
 * Return: 0, or -ENODEV if there is none.
 */
int smc_pnet_find(struct sock *clcsk, enum smc_gid_kind kind,
		  struct smc_ib_local *local)
{
	struct in6_addr prefer;
	struct smc_pnet_walk walk = {
		.net = sock_net(clcsk), .kind = kind, .prefer = &prefer,
		.local = local,
	};
	struct netdev_nested_priv priv = { .data = &walk };
	netdevice_tracker tracker;
	struct net_device *ndev;
	bool found;

#if IS_ENABLED(CONFIG_IPV6)
	if (clcsk->sk_family == AF_INET6)
		prefer = clcsk->sk_v6_rcv_saddr;
	else
#endif
		ipv6_addr_set_v4mapped(clcsk->sk_rcv_saddr, &prefer);

	ndev = smc_pnet_route_dev(clcsk, &tracker);
	if (!ndev)
		return -ENODEV;
	found = smc_ib_find(walk.net, ndev, kind, &prefer, local);
	if (!found && !list_empty(&ndev->adj_list.lower)) {
		/* the list of lower devices is RTNL's; walking it may sleep */
		rtnl_lock();
		found = netdev_walk_all_lower_dev(ndev, smc_pnet_lower, &priv);
		rtnl_unlock();
	}
	netdev_put(ndev, &tracker);
	return found ? 0 : -ENODEV;
}
