/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Verbs: devices, ports, GIDs, and the PD, CQ and QP of a link
 */
#ifndef _SMC_IB_H
#define _SMC_IB_H

#include <linux/completion.h>
#include <linux/if_ether.h>
#include <linux/list.h>
#include <linux/workqueue.h>
#include <rdma/ib_verbs.h>

struct smc_link;

/**
 * struct smc_ib_gid - a RoCE GID of a port, as far as SMC can use it
 */
struct smc_ib_gid {
	/** @gid: the GID */
	union ib_gid	gid;
	/** @index: its index in the port's table */
	u16		index;
	/** @vlan_id: VLAN of its net device, 0 if untagged */
	u16		vlan_id;
	/** @ifindex: its net device */
	int		ifindex;
	/** @net: the namespace of that net device, only to be compared */
	const struct net *net;
	/** @roce_v2: RoCE version 2 (UDP), else version 1 (Ethernet) */
	bool		roce_v2;
	/** @mac: L2 address that belongs to the GID */
	u8		mac[ETH_ALEN];
};

/**
 * struct smc_ib_port - a port of a RoCE device
 */
struct smc_ib_port {
	/** @active: the port is up */
	bool			active;
	/** @mtu: active MTU */
	enum ib_mtu		mtu;
	/** @n_gids: number of entries in @gids */
	unsigned int		n_gids;
	/** @gids: the RoCE GIDs that have a net device */
	struct smc_ib_gid	*gids;
};

/**
 * struct smc_ib_dev - a RoCE device
 *
 * Counted in @users by itself, by each link on it, by queued @refresh_work and
 * by who is about to make a link. The device's removal waits for all of them.
 */
struct smc_ib_dev {
	/** @list: in the list of devices */
	struct list_head	list;
	/** @ibdev: the RDMA core's device; valid while a user is counted */
	struct ib_device	*ibdev;
	/** @users: see above */
	refcount_t		users;
	/** @going: set before removal ends the links on the device */
	bool			going;
	/** @gone: completed by the last user */
	struct completion	gone;
	/** @events: our handler of the device's asynchronous events */
	struct ib_event_handler	events;
	/** @refresh_work: reads ports and GIDs anew */
	struct work_struct	refresh_work;
	/** @max_sge: source segments of a work request that we use */
	unsigned int		max_sge;
	/** @max_mr_pages: pages that one memory registration can hold */
	unsigned int		max_mr_pages;
	/**
	 * @reg_alone: a registration must find the send queue empty: Soft-RoCE
	 * does it once more when it repeats what was posted before it, and
	 * fails the QP, since it has been done
	 */
	bool			reg_alone;
	/** @n_ports: number of entries in @port */
	unsigned int		n_ports;
	/** @port: the ports; port number 1 is entry 0 */
	struct smc_ib_port	port[];
};

/**
 * struct smc_ib_local - our end of a link to be
 */
struct smc_ib_local {
	/** @dev: the device, with a user counted for the holder of this */
	struct smc_ib_dev	*dev;
	/** @port: port number */
	u32			port;
	/** @mtu: active MTU of the port */
	enum ib_mtu		mtu;
	/** @gid: the GID */
	struct smc_ib_gid	gid;
};

/**
 * enum smc_gid_kind - which GIDs can talk to each other
 * @SMC_GID_ANY:	what suits best
 * @SMC_GID_V4:		RoCE v2 over IPv4: the GID is an IPv4-mapped address
 * @SMC_GID_V6:		not IPv4-mapped: RoCE v1, else RoCE v2 over IPv6
 */
enum smc_gid_kind {
	SMC_GID_ANY,
	SMC_GID_V4,
	SMC_GID_V6,
};

enum smc_gid_kind smc_gid_kind(const u8 *gid);

int smc_ib_init(void);
void smc_ib_exit(void);

bool smc_ib_find(const struct net *net, const struct net_device *ndev,
		 enum smc_gid_kind kind, const struct in6_addr *prefer,
		 struct smc_ib_local *local);
void smc_ib_dev_put(struct smc_ib_dev *dev);
void smc_ib_peer_id(u8 *peer_id);

int smc_ib_link_create(struct smc_link *link);
int smc_ib_link_init(struct smc_link *link);
int smc_ib_link_rtr(struct smc_link *link);
int smc_ib_link_rts(struct smc_link *link);
void smc_ib_link_stop(struct smc_link *link);
void smc_ib_link_destroy(struct smc_link *link);

#endif
