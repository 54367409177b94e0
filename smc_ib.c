// SPDX-License-Identifier: GPL-2.0
/*
 * Verbs: devices, ports, GIDs, and the PD, CQ and QP of a link
 *
 * Ports and GIDs are read when a device appears and again at each event that
 * may have changed them, so that a connection finds its GID in a short list.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/ipv6.h>
#include <rdma/ib_cache.h>
#include <rdma/ib_verbs.h>

#include "smc.h"
#include "smc_core.h"
#include "smc_ib.h"

#define SMC_IB_SGES		17	/* 64 KiB in pages, not aligned */
#define SMC_IB_INLINE		256	/* bytes, if the device can */
#define SMC_IB_MIN_WRS		64	/* fewer are of no use */
#define SMC_IB_MAX_MR_PAGES	8192
#define SMC_IB_RNR_TIMER	5	/* 0.06 ms, [LNX] */
#define SMC_IB_RETRIES		7
#define SMC_IB_RNR_FOREVER	7
/*
 * 4.096 us * 2^17, half a second. With 7 retries the peer is given up after
 * some seconds; less would end connections when a virtual machine pauses.
 */
#define SMC_IB_ACK_TIMEOUT	17

/* devices; readers look for GIDs, writers change the list or GID lists */
static LIST_HEAD(smc_ib_devs);
static DECLARE_RWSEM(smc_ib_lock);

/* instance (2 bytes) and MAC of the first port that was up; smc_ib_lock */
static u8 smc_ib_instance[SMC_PEER_ID_LEN];
static bool smc_ib_instance_mac;

/**
 * smc_gid_kind - which GIDs can talk to this one
 * @gid: a GID
 *
 * Return: SMC_GID_V4 or SMC_GID_V6. A GID on the wire does not tell its RoCE
 * version, but an IPv4-mapped one exists in version 2 only.
 */
enum smc_gid_kind smc_gid_kind(const u8 *gid)
{
	struct in6_addr addr;

	memcpy(&addr, gid, sizeof(addr));
	return ipv6_addr_v4mapped(&addr) ? SMC_GID_V4 : SMC_GID_V6;
}

/**
 * smc_ib_peer_id - who we are
 * @peer_id: output, SMC_PEER_ID_LEN bytes
 *
 * The same for all devices, and constant once a port was up while the module
 * is loaded [LNX].
 * Context: process, sleeps.
 */
void smc_ib_peer_id(u8 *peer_id)
{
	down_read(&smc_ib_lock);
	memcpy(peer_id, smc_ib_instance, SMC_PEER_ID_LEN);
	up_read(&smc_ib_lock);
}

static struct ib_client smc_ib_client;

static bool smc_ib_read_gid(struct smc_ib_dev *dev, u32 port, int index,
			    struct smc_ib_gid *out)
{
	const struct ib_gid_attr *attr;
	struct net_device *ndev;
	bool ok = false;
	u16 vlan_id;

	attr = rdma_get_gid_attr(dev->ibdev, port, index);
	if (IS_ERR(attr))
		return false;

	if (attr->gid_type != IB_GID_TYPE_ROCE &&
	    attr->gid_type != IB_GID_TYPE_ROCE_UDP_ENCAP)
		goto out;
	rcu_read_lock();
	ndev = rdma_read_gid_attr_ndev_rcu(attr);
	if (!IS_ERR_OR_NULL(ndev)) {
		out->ifindex = ndev->ifindex;
		out->net = dev_net(ndev);
		ok = true;
	}
	rcu_read_unlock();
	if (!ok)
		goto out;

	vlan_id = 0;
	ok = !rdma_read_gid_l2_fields(attr, &vlan_id, out->mac);
	out->vlan_id = vlan_id < VLAN_N_VID ? vlan_id : 0;
	out->gid = attr->gid;
	out->index = index;
	out->roce_v2 = attr->gid_type == IB_GID_TYPE_ROCE_UDP_ENCAP;
out:
	rdma_put_gid_attr(attr);
	return ok;
}

static void smc_ib_refresh_port(struct smc_ib_dev *dev, u32 num)
{
	struct smc_ib_port *port = &dev->port[num - 1];
	struct smc_ib_gid *gids = NULL, *old, gid;
	struct ib_port_attr attr;
	unsigned int n = 0, room = 0;
	bool active = false;
	int i;

	if (rdma_protocol_roce(dev->ibdev, num) &&
	    !ib_query_port(dev->ibdev, num, &attr)) {
		active = attr.state == IB_PORT_ACTIVE;
		for (i = 0; i < attr.gid_tbl_len; i++) {
			memset(&gid, 0, sizeof(gid));
			if (!smc_ib_read_gid(dev, num, i, &gid))
				continue;
			if (n == room) {
				struct smc_ib_gid *more;

				room = room ? 2 * room : 8;
				more = krealloc_array(gids, room, sizeof(*gids),
						      GFP_KERNEL);
				if (!more)
					break;
				gids = more;
			}
			gids[n++] = gid;
		}
	}

	down_write(&smc_ib_lock);
	old = port->gids;
	port->gids = gids;
	port->n_gids = n;
	port->active = active && n;
	if (port->active) {
		port->mtu = attr.active_mtu;
		if (!smc_ib_instance_mac) {
			memcpy(smc_ib_instance + 2, gids[0].mac, ETH_ALEN);
			smc_ib_instance_mac = true;
		}
	}
	up_write(&smc_ib_lock);
	kfree(old);
}

static void smc_ib_refresh_work(struct work_struct *work)
{
	struct smc_ib_dev *dev = container_of(work, struct smc_ib_dev,
					      refresh_work);
	u32 num;

	for (num = 1; num <= dev->n_ports; num++)
		smc_ib_refresh_port(dev, num);
	smc_ib_dev_put(dev);
}

static void smc_ib_refresh(struct smc_ib_dev *dev)
{
	refcount_inc(&dev->users);
	if (!queue_work(smc_wq, &dev->refresh_work))
		smc_ib_dev_put(dev);
}

static void smc_ib_event(struct ib_event_handler *handler,
			 struct ib_event *event)
{
	struct smc_ib_dev *dev = container_of(handler, struct smc_ib_dev,
					      events);

	switch (event->event) {
	case IB_EVENT_PORT_ACTIVE:
	case IB_EVENT_PORT_ERR:
	case IB_EVENT_GID_CHANGE:
	case IB_EVENT_DEVICE_FATAL:
		smc_ib_refresh(dev);
		break;
	default:
		break;
	}
}

static void smc_ib_qp_event(struct ib_event *event, void *context)
{
	struct smc_link *link = context;

	switch (event->event) {
	case IB_EVENT_QP_FATAL:
	case IB_EVENT_QP_REQ_ERR:
	case IB_EVENT_QP_ACCESS_ERR:
	case IB_EVENT_DEVICE_FATAL:
		smc_link_down(link);
		break;
	default:
		break;
	}
}

/**
 * smc_ib_dev_put - a user of a device is done
 * @dev: the device
 *
 * Context: any. The removal of the device waits for its last user.
 */
void smc_ib_dev_put(struct smc_ib_dev *dev)
{
	if (refcount_dec_and_test(&dev->users))
		complete(&dev->gone);
}

static int smc_ib_add(struct ib_device *ibdev)
{
	struct smc_ib_dev *dev;

	if (ibdev->node_type != RDMA_NODE_IB_CA)
		return -EOPNOTSUPP;

	dev = kzalloc(struct_size(dev, port, ibdev->phys_port_cnt), GFP_KERNEL);
	if (!dev)
		return -ENOMEM;
	dev->ibdev = ibdev;
	dev->n_ports = ibdev->phys_port_cnt;
	refcount_set(&dev->users, 1);
	init_completion(&dev->gone);
	INIT_WORK(&dev->refresh_work, smc_ib_refresh_work);
	dev->reg_alone = ibdev->ops.driver_id == RDMA_DRIVER_RXE;
	dev->max_sge = clamp(ibdev->attrs.max_send_sge, 1, SMC_IB_SGES);
	dev->max_mr_pages = min_t(unsigned int, SMC_IB_MAX_MR_PAGES,
				  ibdev->attrs.max_fast_reg_page_list_len);

	down_write(&smc_ib_lock);
	list_add_tail(&dev->list, &smc_ib_devs);
	up_write(&smc_ib_lock);

	ib_set_client_data(ibdev, &smc_ib_client, dev);
	INIT_IB_EVENT_HANDLER(&dev->events, ibdev, smc_ib_event);
	ib_register_event_handler(&dev->events);
	/* in the work item, or it could overwrite what an event made it read */
	smc_ib_refresh(dev);
	flush_work(&dev->refresh_work);
	return 0;
}

static void smc_ib_remove(struct ib_device *ibdev, void *client_data)
{
	struct smc_ib_dev *dev = client_data;
	u32 num;

	if (!dev)
		return;
	ib_unregister_event_handler(&dev->events);
	down_write(&smc_ib_lock);
	list_del(&dev->list);
	up_write(&smc_ib_lock);

	/* nobody finds the device any more; who has it cannot make a link */
	WRITE_ONCE(dev->going, true);
	smc_core_device_gone(dev);
	smc_ib_dev_put(dev);
	wait_for_completion(&dev->gone);

	for (num = 1; num <= dev->n_ports; num++)
		kfree(dev->port[num - 1].gids);
	kfree(dev);
}

static struct ib_client smc_ib_client = {
	.name	= "smc",
	.add	= smc_ib_add,
	.remove	= smc_ib_remove,
};

/* how well a GID suits, 0 if not at all */
static unsigned int smc_ib_score(const struct smc_ib_gid *gid,
				 enum smc_gid_kind kind,
				 const struct in6_addr *prefer)
{
	enum smc_gid_kind is = smc_gid_kind(gid->gid.raw);
	unsigned int score = 1;

	if (kind != SMC_GID_ANY && kind != is)
		return 0;
	if (!gid->roce_v2)
		return 16;
	if (is == SMC_GID_V4)
		score += 4;
	else if (ipv6_addr_type((struct in6_addr *)gid->gid.raw) &
		 IPV6_ADDR_LINKLOCAL)
		score += 0;
	else
		score += 1;
	if (prefer && !memcmp(prefer, gid->gid.raw, sizeof(*prefer)))
		score += 2;
	return score;
}

/**
 * smc_ib_find - find the RoCE port of a net device
 * @net: the namespace that wants it
 * @ndev: the net device
 * @kind: which GIDs will do
 * @prefer: the address of the connection: its GID is preferred, or NULL
 * @local: output; counts a user of the device, see smc_ib_dev_put()
 *
 * A RoCE v1 GID is preferred, then RoCE v2 over IPv4 [design decision 9].
 * Context: process, sleeps.
 * Return: false if there is none that is up.
 */
bool smc_ib_find(const struct net *net, const struct net_device *ndev,
		 enum smc_gid_kind kind, const struct in6_addr *prefer,
		 struct smc_ib_local *local)
{
	unsigned int best = 0, score, i, num;
	struct smc_ib_dev *dev;

	down_read(&smc_ib_lock);
	list_for_each_entry(dev, &smc_ib_devs, list) {
		if (!rdma_dev_access_netns(dev->ibdev, net))
			continue;
		for (num = 1; num <= dev->n_ports; num++) {
			struct smc_ib_port *port = &dev->port[num - 1];

			for (i = 0; port->active && i < port->n_gids; i++) {
				struct smc_ib_gid *gid = &port->gids[i];

				if (gid->ifindex != ndev->ifindex ||
				    gid->net != dev_net(ndev))
					continue;
				score = smc_ib_score(gid, kind, prefer);
				if (score <= best)
					continue;
				best = score;
				local->dev = dev;
				local->port = num;
				local->mtu = port->mtu;
				local->gid = *gid;
			}
		}
	}
	if (best)
		refcount_inc(&local->dev->users);
	up_read(&smc_ib_lock);
	return best;
}

static int smc_ib_create_qp(struct smc_link *link)
{
	static const u16 inline_sizes[] = { SMC_IB_INLINE, SMC_WR_MSG_LEN, 0 };
	struct ib_device *ibdev = link->local.dev->ibdev;
	struct ib_qp_init_attr attr;
	unsigned int wrs, i;
	int rc = -EINVAL;

	wrs = min_t(unsigned int, SMC_WR_TX_WRS, ibdev->attrs.max_qp_wr - 1);
	for (; wrs >= SMC_IB_MIN_WRS; wrs /= 2) {
		for (i = 0; i < ARRAY_SIZE(inline_sizes); i++) {
			memset(&attr, 0, sizeof(attr));
			attr.event_handler = smc_ib_qp_event;
			attr.qp_context = link;
			attr.send_cq = link->cq;
			attr.recv_cq = link->cq;
			attr.qp_type = IB_QPT_RC;
			attr.sq_sig_type = IB_SIGNAL_REQ_WR;
			/* one more of each for draining */
			attr.cap.max_send_wr = wrs + 1;
			attr.cap.max_recv_wr = SMC_WR_RX_DEPTH + 1;
			attr.cap.max_send_sge = link->local.dev->max_sge;
			attr.cap.max_recv_sge = 1;
			attr.cap.max_inline_data = inline_sizes[i];
			link->qp = ib_create_qp(link->pd, &attr);
			if (!IS_ERR(link->qp)) {
				link->qpn = link->qp->qp_num;
				link->wr.wrs_max = wrs;
				link->wr.max_inline = inline_sizes[i] ?
					attr.cap.max_inline_data : 0;
				return 0;
			}
			rc = PTR_ERR(link->qp);
			link->qp = NULL;
			if (rc == -ENODEV)
				return rc;
		}
	}
	return rc;
}

/**
 * smc_ib_link_create - make PD, CQ and QP of a link
 * @link: the link; its @local is set and counts a user of the device
 *
 * Context: process, sleeps.
 * Return: 0 or -errno; nothing is left behind on error.
 */
int smc_ib_link_create(struct smc_link *link)
{
	struct ib_device *ibdev = link->local.dev->ibdev;
	int rc;

	link->pd = ib_alloc_pd(ibdev, 0);
	if (IS_ERR(link->pd)) {
		rc = PTR_ERR(link->pd);
		link->pd = NULL;
		return rc;
	}

	link->n_cqe = SMC_WR_TX_WRS + SMC_WR_RX_DEPTH + 2;
	link->cq = ib_cq_pool_get(ibdev, link->n_cqe, -1, IB_POLL_SOFTIRQ);
	if (IS_ERR(link->cq)) {
		rc = PTR_ERR(link->cq);
		link->cq = NULL;
		goto free_pd;
	}

	rc = smc_ib_create_qp(link);
	if (rc)
		goto put_cq;
	rc = smc_wr_create(link);
	if (rc)
		goto destroy_qp;
	link->psn = get_random_u32() & 0xffffff;
	return 0;

destroy_qp:
	ib_destroy_qp(link->qp);
	link->qp = NULL;
put_cq:
	ib_cq_pool_put(link->cq, link->n_cqe);
	link->cq = NULL;
free_pd:
	ib_dealloc_pd(link->pd);
	link->pd = NULL;
	return rc;
}

/**
 * smc_ib_link_init - QP to INIT
 * @link: the link
 *
 * Context: process, sleeps.
 * Return: 0 or -errno.
 */
int smc_ib_link_init(struct smc_link *link)
{
	struct ib_qp_attr attr = {
		.qp_state	 = IB_QPS_INIT,
		.pkey_index	 = 0,
		.port_num	 = link->local.port,
		.qp_access_flags = IB_ACCESS_LOCAL_WRITE |
				   IB_ACCESS_REMOTE_WRITE,
	};

	return ib_modify_qp(link->qp, &attr,
			    IB_QP_STATE | IB_QP_PKEY_INDEX | IB_QP_PORT |
			    IB_QP_ACCESS_FLAGS);
}

/**
 * smc_ib_link_rtr - QP to "ready to receive", towards the peer
 * @link: the link; the peer's end and the MTU are set
 *
 * Context: process, sleeps.
 * Return: 0 or -errno.
 */
int smc_ib_link_rtr(struct smc_link *link)
{
	struct ib_device *ibdev = link->local.dev->ibdev;
	struct ib_qp_attr attr = {
		.qp_state		= IB_QPS_RTR,
		.path_mtu		= link->mtu,
		.dest_qp_num		= link->peer_qpn,
		.rq_psn			= link->peer_psn,
		.max_dest_rd_atomic	= 1,
		.min_rnr_timer		= SMC_IB_RNR_TIMER,
	};
	union ib_gid dgid;

	memcpy(dgid.raw, link->peer_gid, sizeof(dgid.raw));
	attr.ah_attr.type = rdma_ah_find_type(ibdev, link->local.port);
	rdma_ah_set_port_num(&attr.ah_attr, link->local.port);
	/* RoCE v2 is routed by IP, version 1 knows no routers */
	rdma_ah_set_grh(&attr.ah_attr, &dgid, 0, link->local.gid.index,
			link->local.gid.roce_v2 ? IPV6_DEFAULT_HOPLIMIT : 1, 0);
	memcpy(attr.ah_attr.roce.dmac, link->peer_mac, ETH_ALEN);

	return ib_modify_qp(link->qp, &attr,
			    IB_QP_STATE | IB_QP_AV | IB_QP_PATH_MTU |
			    IB_QP_DEST_QPN | IB_QP_RQ_PSN |
			    IB_QP_MAX_DEST_RD_ATOMIC | IB_QP_MIN_RNR_TIMER);
}

/**
 * smc_ib_link_rts - QP to "ready to send"
 * @link: the link
 *
 * Context: process, sleeps.
 * Return: 0 or -errno.
 */
int smc_ib_link_rts(struct smc_link *link)
{
	struct ib_qp_attr attr = {
		.qp_state	= IB_QPS_RTS,
		.timeout	= SMC_IB_ACK_TIMEOUT,
		.retry_cnt	= SMC_IB_RETRIES,
		.rnr_retry	= SMC_IB_RNR_FOREVER,
		.sq_psn		= link->psn,
		.max_rd_atomic	= 1,
	};

	return ib_modify_qp(link->qp, &attr,
			    IB_QP_STATE | IB_QP_TIMEOUT | IB_QP_RETRY_CNT |
			    IB_QP_RNR_RETRY | IB_QP_SQ_PSN |
			    IB_QP_MAX_QP_RD_ATOMIC);
}

/**
 * smc_ib_link_stop - end all work requests of a link
 * @link: the link; posting was stopped with smc_wr_close()
 *
 * Context: process, sleeps until the last completion was handled.
 */
void smc_ib_link_stop(struct smc_link *link)
{
	ib_drain_qp(link->qp);
	smc_wr_drained(link);
}

/**
 * smc_ib_link_destroy - give back QP, CQ and PD
 * @link: the link; its QP is drained
 *
 * Context: process, sleeps.
 */
void smc_ib_link_destroy(struct smc_link *link)
{
	ib_destroy_qp(link->qp);
	link->qp = NULL;
	smc_wr_destroy(link);
	ib_cq_pool_put(link->cq, link->n_cqe);
	link->cq = NULL;
	ib_dealloc_pd(link->pd);
	link->pd = NULL;
}

/**
 * smc_ib_init - start to watch RDMA devices
 *
 * Return: 0 or -errno.
 */
int smc_ib_init(void)
{
	get_random_bytes(smc_ib_instance, 2);
	return ib_register_client(&smc_ib_client);
}

/**
 * smc_ib_exit - end everything on RDMA devices
 *
 * Context: process, sleeps until all links are gone.
 */
void smc_ib_exit(void)
{
	ib_unregister_client(&smc_ib_client);
}
