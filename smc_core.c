// SPDX-License-Identifier: GPL-2.0
/*
 * Who owns what: link groups, links and connections
 */
#include <linux/slab.h>
#include <net/sock.h>

#include "smc.h"
#include "smc_close.h"
#include "smc_core.h"
#include "smc_rdma.h"
#include "smc_stats.h"

static const struct rhashtable_params smc_lgr_params = {
	.key_len		= sizeof(struct smc_lgr_key),
	.key_offset		= offsetof(struct smc_lgr, key),
	.head_offset		= offsetof(struct smc_lgr, node),
	.automatic_shrinking	= true,
};

/* guards table and list of link groups; whoever publishes one holds it */
static DEFINE_MUTEX(smc_lgr_mutex);
static struct rhltable smc_lgr_table;
static LIST_HEAD(smc_lgr_list);

/* link groups that are not freed yet */
static atomic_t smc_lgr_count = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(smc_lgr_none);
static atomic_t smc_lgr_id = ATOMIC_INIT(0);

/* ------------------------------------------------------------ references */

/**
 * smc_lgr_get - take a reference to a link group
 * @lgr: the link group, referenced by the caller in some way
 */
void smc_lgr_get(struct smc_lgr *lgr)
{
	refcount_inc(&lgr->refs);
}

/**
 * smc_lgr_put - drop a reference to a link group
 * @lgr: the link group
 *
 * Context: any. Nothing of a device is left when the last reference goes: the
 * end of the group has seen to that, or it never had a link.
 */
void smc_lgr_put(struct smc_lgr *lgr)
{
	if (!refcount_dec_and_test(&lgr->refs))
		return;
	xa_destroy(&lgr->conns);
	xa_destroy(&lgr->rtokens);
	kfree(lgr);
	if (atomic_dec_and_test(&smc_lgr_count))
		wake_up_all(&smc_lgr_none);
}

/**
 * smc_link_get - take a reference to a link
 * @link: the link, referenced by the caller in some way
 */
void smc_link_get(struct smc_link *link)
{
	refcount_inc(&link->refs);
}

/**
 * smc_link_put - drop a reference to a link
 * @link: the link
 *
 * Context: any. The end of the group has freed what the device knows of it.
 */
void smc_link_put(struct smc_link *link)
{
	if (!refcount_dec_and_test(&link->refs))
		return;
	smc_lgr_put(link->lgr);
	kfree(link);
}

/**
 * smc_conn_get - take a reference to a connection
 * @conn: the connection, referenced by the caller in some way
 */
void smc_conn_get(struct smc_conn *conn)
{
	refcount_inc(&conn->refs);
}

/**
 * smc_conn_put - drop a reference to a connection
 * @conn: the connection
 *
 * Context: any. It was detached before the last reference goes.
 */
void smc_conn_put(struct smc_conn *conn)
{
	if (!refcount_dec_and_test(&conn->refs))
		return;
	WARN_ON_ONCE(!conn->detached);
	kvfree(conn->tx_pages);
	smc_link_put(conn->link);
	kfree_rcu(conn, rcu);
}

/* ----------------------------------------------------------- link groups */

static void smc_lgr_queue_end(struct smc_lgr *lgr)
{
	lockdep_assert_held(&lgr->lock);
	smc_lgr_get(lgr);
	queue_work(smc_end_wq, &lgr->end_work);
}

static void smc_lgr_kill(struct smc_lgr *lgr, u32 reason, bool orderly,
			 bool silent)
{
	lockdep_assert_held(&lgr->lock);
	if (lgr->state == SMC_LGR_DEAD)
		return;
	lgr->end_reason = reason;
	lgr->end_orderly = orderly;
	lgr->end_silent = silent;
	WRITE_ONCE(lgr->state, SMC_LGR_DEAD);
	if (!lgr->pinned)
		smc_lgr_queue_end(lgr);
}

static bool smc_lgr_unused(const struct smc_lgr *lgr)
{
	return lgr->state == SMC_LGR_ACTIVE && lgr->n_conns == lgr->n_zombies;
}

static void smc_lgr_idle_work(struct work_struct *work)
{
	struct smc_lgr *lgr = container_of(to_delayed_work(work),
					   struct smc_lgr, idle_work);

	spin_lock_bh(&lgr->lock);
	if (smc_lgr_unused(lgr))
		smc_lgr_kill(lgr, SMC_LLC_DEL_PROGRAM, true, false);
	spin_unlock_bh(&lgr->lock);
	wake_up_all(&lgr->wait);
	smc_lgr_put(lgr);
}

/* a group without use lives on for some time; shorter if there are many */
static void smc_lgr_start_idle(struct smc_lgr *lgr)
{
	unsigned long delay = lgr->key.role == SMC_SERVER ?
			      SMC_LGR_IDLE_SERVER : SMC_LGR_IDLE_CLIENT;
	unsigned int n = atomic_read(&smc_lgr_count);

	lockdep_assert_held(&lgr->lock);
	if (n > SMC_LGR_MANY)
		delay = delay * SMC_LGR_MANY / n;
	if (!lgr->max_conns)
		delay = 0;	/* of no use any more */
	smc_lgr_get(lgr);
	if (mod_delayed_work(smc_wq, &lgr->idle_work, delay))
		smc_lgr_put(lgr);
}

/**
 * smc_lgr_terminate - end a link group and all that is in it
 * @lgr: the link group
 * @reason: for DELETE LINK
 * @orderly: for DELETE LINK
 * @silent: the peer knows
 *
 * Context: any but hard interrupts. The work itself is done later, once.
 */
void smc_lgr_terminate(struct smc_lgr *lgr, u32 reason, bool orderly,
		       bool silent)
{
	spin_lock_bh(&lgr->lock);
	smc_lgr_kill(lgr, reason, orderly, silent);
	spin_unlock_bh(&lgr->lock);
	wake_up_all(&lgr->wait);
}

/**
 * smc_lgr_unpin - first contact does not touch the link any more
 * @lgr: the link group
 *
 * Context: process.
 */
void smc_lgr_unpin(struct smc_lgr *lgr)
{
	spin_lock_bh(&lgr->lock);
	if (lgr->pinned && lgr->state == SMC_LGR_DEAD)
		smc_lgr_queue_end(lgr);
	lgr->pinned = false;
	spin_unlock_bh(&lgr->lock);
}

/**
 * smc_link_down - a link has failed
 * @link: the link
 *
 * The only link of its group, so that ends too.
 * Context: any but hard interrupts; smc_conn.lock may be held.
 */
void smc_link_down(struct smc_link *link)
{
	struct smc_lgr *lgr = link->lgr;
	bool was_up;

	spin_lock_bh(&lgr->lock);
	was_up = link->state != SMC_LINK_DOWN;
	WRITE_ONCE(link->state, SMC_LINK_DOWN);
	spin_unlock_bh(&lgr->lock);
	if (!was_up)
		return;
	SMC_STAT_INC(SMC_STAT_LINK_DOWN);
	smc_lgr_terminate(lgr, SMC_LLC_DEL_LOST_PATH, false, true);
}

/* the next connection from *token on, with a reference, or NULL */
static struct smc_conn *smc_conn_next(struct smc_lgr *lgr, unsigned long *token)
{
	struct smc_conn *conn;

	rcu_read_lock();
	for (;;) {
		conn = xa_find(&lgr->conns, token, ULONG_MAX, XA_PRESENT);
		if (!conn || refcount_inc_not_zero(&conn->refs))
			break;
		(*token)++;
	}
	rcu_read_unlock();
	return conn;
}

/* the device must not know the pages of a connection any more */
static void smc_conn_unmap(struct smc_conn *conn)
{
	u32 i;

	spin_lock_bh(&conn->lock);
	for (i = 0; i < conn->tx_size / PAGE_SIZE; i++) {
		if (conn->tx_pages[i].page)
			smc_txpage_unmap(conn->link, &conn->tx_pages[i]);
	}
	spin_unlock_bh(&conn->lock);
}

/* end a link: afterwards the device knows nothing of it */
static void smc_link_end(struct smc_link *link, bool tell)
{
	struct smc_lgr *lgr = link->lgr;
	unsigned long token = 0;
	struct smc_conn *conn;

	if (tell && link->state == SMC_LINK_ACTIVE)
		smc_llc_send_delete_all(link, lgr->end_reason,
					lgr->end_orderly);
	spin_lock_bh(&lgr->lock);
	WRITE_ONCE(link->state, SMC_LINK_DOWN);
	spin_unlock_bh(&lgr->lock);
	if (cancel_delayed_work_sync(&link->test_work))
		smc_link_put(link);
	if (link->qp) {
		smc_wr_close(link);
		smc_ib_link_stop(link);
	}
	for (; (conn = smc_conn_next(lgr, &token)); token++) {
		smc_conn_kill(conn, -ECONNABORTED);
		smc_conn_unmap(conn);
		smc_conn_put(conn);
	}
	smc_txpool_close(link);
	smc_rmbs_unmap(link);
	if (link->qp)
		smc_ib_link_destroy(link);
	smc_ib_dev_put(link->local.dev);
}

static void smc_rtokens_free(struct smc_lgr *lgr);

static void smc_lgr_end_work(struct work_struct *work)
{
	struct smc_lgr *lgr = container_of(work, struct smc_lgr, end_work);
	struct smc_link *link;
	unsigned int i;

	mutex_lock(&smc_lgr_mutex);
	rhltable_remove(&smc_lgr_table, &lgr->node, smc_lgr_params);
	mutex_unlock(&smc_lgr_mutex);

	if (cancel_delayed_work_sync(&lgr->idle_work))
		smc_lgr_put(lgr);
	/* who has seen the group alive and wants an RMB is done after this */
	mutex_lock(&lgr->buf_lock);
	mutex_unlock(&lgr->buf_lock);
	flush_work(&lgr->rmb_work);

	for (i = 0; i < SMC_LGR_MAX_LINKS; i++) {
		link = lgr->link[i];
		if (!link)
			continue;
		smc_link_end(link, !lgr->end_silent);
		spin_lock_bh(&lgr->lock);
		lgr->link[i] = NULL;
		spin_unlock_bh(&lgr->lock);
		smc_link_put(link);
	}
	smc_llc_end(lgr);
	smc_rmbs_free(lgr);
	smc_rtokens_free(lgr);

	mutex_lock(&smc_lgr_mutex);
	list_del(&lgr->list);
	mutex_unlock(&smc_lgr_mutex);
	smc_lgr_put(lgr);	/* the table's */
	smc_lgr_put(lgr);	/* this work's */
}

/*
 * Make a link group with one link and one connection reserved, and publish
 * it. Its QP is made afterwards: others that find it wait until it is active.
 * Returns the link with a reference.
 */
static struct smc_link *smc_lgr_create(const struct smc_lgr_key *key,
				       const struct smc_peer *peer,
				       const struct smc_ib_local *local)
{
	struct smc_link *link;
	struct smc_lgr *lgr;
	unsigned int i;
	int rc;

	lockdep_assert_held(&smc_lgr_mutex);
	if (READ_ONCE(local->dev->going))
		return ERR_PTR(-ENODEV);
	lgr = kzalloc(sizeof(*lgr), GFP_KERNEL);
	link = kzalloc(sizeof(*link), GFP_KERNEL);
	if (!lgr || !link) {
		kfree(lgr);
		kfree(link);
		return ERR_PTR(-ENOMEM);
	}

	lgr->key = *key;
	refcount_set(&lgr->refs, 2);	/* the table's, the link's */
	lgr->id = atomic_add_return(256, &smc_lgr_id);
	spin_lock_init(&lgr->lock);
	lgr->state = SMC_LGR_SETUP;
	lgr->pinned = true;
	lgr->n_conns = 1;
	lgr->max_conns = SMC_LGR_MAX_CONNS;
	xa_init_flags(&lgr->conns, XA_FLAGS_ALLOC1 | XA_FLAGS_LOCK_BH);
	xa_init_flags(&lgr->rtokens, XA_FLAGS_LOCK_BH);
	mutex_init(&lgr->rtoken_lock);
	mutex_init(&lgr->buf_lock);
	init_waitqueue_head(&lgr->wait);
	INIT_DELAYED_WORK(&lgr->idle_work, smc_lgr_idle_work);
	INIT_WORK(&lgr->end_work, smc_lgr_end_work);
	INIT_WORK(&lgr->rmb_work, smc_rmb_work);
	for (i = 0; i < SMC_RMBE_CODES; i++)
		INIT_LIST_HEAD(&lgr->rmbs[i]);
	smc_llc_init(lgr);

	refcount_set(&link->refs, 2);	/* the group's, the caller's */
	link->lgr = lgr;
	link->num = key->role == SMC_SERVER ? 1 : 0;
	link->local = *local;
	refcount_inc(&local->dev->users);
	strscpy(link->ibname, dev_name(&local->dev->ibdev->dev),
		sizeof(link->ibname));
	memcpy(link->peer_gid, peer->gid, SMC_GID_LEN);
	memcpy(link->peer_mac, peer->mac, SMC_MAC_LEN);
	link->peer_qpn = peer->qpn;
	link->mtu = local->mtu;
	spin_lock_init(&link->txpool.lock);
	spin_lock_init(&link->wr.lock);
	INIT_LIST_HEAD(&link->wr.waiting);
	INIT_DELAYED_WORK(&link->test_work, smc_llc_test_work);
	lgr->link[0] = link;
	atomic_inc(&smc_lgr_count);

	rc = rhltable_insert(&smc_lgr_table, &lgr->node, smc_lgr_params);
	if (rc) {
		smc_ib_dev_put(local->dev);
		smc_lgr_put(lgr);
		smc_link_put(link);
		smc_link_put(link);
		return ERR_PTR(rc);
	}
	list_add_tail(&lgr->list, &smc_lgr_list);
	return link;
}

/* does a link of the group lead to that peer? returns it with a reference */
static struct smc_link *smc_lgr_match(struct smc_lgr *lgr,
				      const struct smc_peer *peer)
{
	struct smc_link *link = NULL;
	unsigned int i;

	lockdep_assert_held(&lgr->lock);
	for (i = 0; i < SMC_LGR_MAX_LINKS; i++) {
		link = lgr->link[i];
		if (link && link->state != SMC_LINK_DOWN &&
		    !memcmp(link->peer_gid, peer->gid, SMC_GID_LEN) &&
		    !memcmp(link->peer_mac, peer->mac, SMC_MAC_LEN) &&
		    (!peer->qpn || peer->qpn == link->peer_qpn)) {
			smc_link_get(link);
			return link;
		}
	}
	return NULL;
}

/*
 * Find a link group and reserve a connection in it. If the only one that
 * would do is still being set up, that is returned with *wait set and nothing
 * reserved.
 */
static struct smc_link *smc_lgr_find(const struct smc_lgr_key *key,
				     const struct smc_peer *peer, bool *wait)
{
	struct smc_link *setup = NULL, *link = NULL;
	struct rhlist_head *list, *pos;
	struct smc_lgr *lgr;

	lockdep_assert_held(&smc_lgr_mutex);
	*wait = false;
	rcu_read_lock();
	list = rhltable_lookup(&smc_lgr_table, key, smc_lgr_params);
	rhl_for_each_entry_rcu(lgr, pos, list, node) {
		spin_lock_bh(&lgr->lock);
		if (lgr->state != SMC_LGR_DEAD)
			link = smc_lgr_match(lgr, peer);
		if (link && lgr->state == SMC_LGR_ACTIVE) {
			/* the server alone knows when a group is full */
			if (key->role == SMC_CLIENT ||
			    lgr->n_conns < lgr->max_conns) {
				lgr->n_conns++;
				if (cancel_delayed_work(&lgr->idle_work))
					smc_lgr_put(lgr);
				spin_unlock_bh(&lgr->lock);
				break;
			}
		} else if (link && !setup) {
			setup = link;
			smc_link_get(link);
		}
		spin_unlock_bh(&lgr->lock);
		if (link)
			smc_link_put(link);
		link = NULL;
	}
	rcu_read_unlock();

	if (link && setup) {
		smc_link_put(setup);
	} else if (setup) {
		*wait = true;
		return setup;
	}
	return link;
}

/* wait until first contact has succeeded or failed; false if time is up */
static bool smc_lgr_wait_setup(struct smc_link *link, long *timeo)
{
	*timeo = wait_event_timeout(link->lgr->wait,
				    READ_ONCE(link->lgr->state) !=
				    SMC_LGR_SETUP, *timeo);
	smc_link_put(link);
	return *timeo;
}

static struct smc_link *smc_lgr_ready_qp(struct smc_link *link)
{
	int rc;

	if (IS_ERR(link))
		return link;
	rc = smc_ib_link_create(link);
	if (!rc)
		return link;
	smc_lgr_slot_put(link->lgr);
	smc_lgr_terminate(link->lgr, SMC_LLC_DEL_PROGRAM, false, true);
	smc_lgr_unpin(link->lgr);
	smc_link_put(link);
	return ERR_PTR(rc);
}

/**
 * smc_lgr_server - the link for a connection that a client proposes
 * @key: the peer, role SMC_SERVER
 * @peer: the client's end, from the Proposal
 * @local: our end
 * @first: output: first contact, the link has a QP but no peer yet
 *
 * While first contact with that end of the peer is under way, waits for it: a
 * crowd of clients shall not end up with a link group each. But not for longer
 * than the client waits for us.
 * Context: process, sleeps.
 * Return: the link with a reference and a connection reserved in its group
 * (see smc_lgr_slot_put()), or an error pointer, -ETIME if the wait was in
 * vain. After first contact, good or bad, smc_lgr_unpin() is due.
 */
struct smc_link *smc_lgr_server(const struct smc_lgr_key *key,
				const struct smc_peer *peer,
				const struct smc_ib_local *local, bool *first)
{
	long timeo = SMC_LGR_WAIT_SETUP;
	struct smc_link *link;
	bool wait;

	*first = false;
	for (;;) {
		mutex_lock(&smc_lgr_mutex);
		link = smc_lgr_find(key, peer, &wait);
		if (!link)
			break;
		mutex_unlock(&smc_lgr_mutex);
		if (!wait)
			return link;
		if (!smc_lgr_wait_setup(link, &timeo))
			return ERR_PTR(-ETIME);
	}
	*first = true;
	link = smc_lgr_create(key, peer, local);
	mutex_unlock(&smc_lgr_mutex);
	return smc_lgr_ready_qp(link);
}

/**
 * smc_lgr_client_first - a new link group, because the server said so
 * @key: the peer, role SMC_CLIENT
 * @peer: the server's end, from the Accept
 * @local: our end
 *
 * Context: process, sleeps.
 * Return: as smc_lgr_server(); the link has a QP.
 */
struct smc_link *smc_lgr_client_first(const struct smc_lgr_key *key,
				      const struct smc_peer *peer,
				      const struct smc_ib_local *local)
{
	struct smc_link *link;

	mutex_lock(&smc_lgr_mutex);
	link = smc_lgr_create(key, peer, local);
	mutex_unlock(&smc_lgr_mutex);
	return smc_lgr_ready_qp(link);
}

/**
 * smc_lgr_client_further - the link that the server chose for a connection
 * @key: the peer, role SMC_CLIENT
 * @peer: the server's end, from the Accept
 *
 * Context: process, sleeps.
 * Return: as smc_lgr_server(); -ENOENT if the peer has a link group with us
 * but no such link, -ESRCH if there is no link group at all.
 */
struct smc_link *smc_lgr_client_further(const struct smc_lgr_key *key,
					const struct smc_peer *peer)
{
	long timeo = SMC_LGR_WAIT_SETUP;
	struct smc_link *link;
	bool wait, known;

	for (;;) {
		mutex_lock(&smc_lgr_mutex);
		link = smc_lgr_find(key, peer, &wait);
		rcu_read_lock();
		known = rhltable_lookup(&smc_lgr_table, key, smc_lgr_params);
		rcu_read_unlock();
		mutex_unlock(&smc_lgr_mutex);
		if (!link)
			return ERR_PTR(known ? -ENOENT : -ESRCH);
		if (!wait)
			return link;
		if (!smc_lgr_wait_setup(link, &timeo))
			return ERR_PTR(-ETIME);
	}
}

/**
 * smc_lgr_link - a link of a group to talk over
 * @lgr: the link group
 *
 * Context: any but hard interrupts.
 * Return: an active link with a reference, or NULL.
 */
struct smc_link *smc_lgr_link(struct smc_lgr *lgr)
{
	struct smc_link *link = NULL;
	unsigned int i;

	spin_lock_bh(&lgr->lock);
	for (i = 0; i < SMC_LGR_MAX_LINKS; i++) {
		link = lgr->link[i];
		if (link && link->state == SMC_LINK_ACTIVE) {
			smc_link_get(link);
			break;
		}
		link = NULL;
	}
	spin_unlock_bh(&lgr->lock);
	return link;
}

/**
 * smc_lgr_activate - first contact has succeeded
 * @lgr: the link group
 * @link: its link, confirmed
 */
void smc_lgr_activate(struct smc_lgr *lgr, struct smc_link *link)
{
	spin_lock_bh(&lgr->lock);
	if (lgr->state == SMC_LGR_SETUP && link->state == SMC_LINK_SETUP) {
		WRITE_ONCE(link->state, SMC_LINK_ACTIVE);
		WRITE_ONCE(lgr->state, SMC_LGR_ACTIVE);
		smc_llc_test_start(link);
	}
	spin_unlock_bh(&lgr->lock);
	wake_up_all(&lgr->wait);
}

/**
 * smc_lgr_slot_put - a reserved connection is not needed any more
 * @lgr: the link group
 *
 * Context: process. After the last one the group lives on for some time.
 */
void smc_lgr_slot_put(struct smc_lgr *lgr)
{
	spin_lock_bh(&lgr->lock);
	lgr->n_conns--;
	if (smc_lgr_unused(lgr))
		smc_lgr_start_idle(lgr);
	spin_unlock_bh(&lgr->lock);
}

static void smc_lgr_terminate_if(bool (*match)(struct smc_lgr *lgr,
					       const void *arg),
				 const void *arg, u32 reason)
{
	struct smc_lgr *lgr;

	mutex_lock(&smc_lgr_mutex);
	list_for_each_entry(lgr, &smc_lgr_list, list) {
		if (match(lgr, arg))
			smc_lgr_terminate(lgr, reason, false, false);
	}
	mutex_unlock(&smc_lgr_mutex);
}

static bool smc_lgr_on_device(struct smc_lgr *lgr, const void *dev)
{
	bool found = false;
	unsigned int i;

	spin_lock_bh(&lgr->lock);
	for (i = 0; i < SMC_LGR_MAX_LINKS; i++)
		found |= lgr->link[i] && lgr->link[i]->local.dev == dev;
	spin_unlock_bh(&lgr->lock);
	return found;
}

/**
 * smc_core_device_gone - end all link groups on a device
 * @dev: the device, with @going set: no link is made on it any more
 *
 * Context: process. The groups end later, see &smc_ib_dev.gone.
 */
void smc_core_device_gone(struct smc_ib_dev *dev)
{
	smc_lgr_terminate_if(smc_lgr_on_device, dev, SMC_LLC_DEL_OPERATOR);
}

static bool smc_lgr_in_net(struct smc_lgr *lgr, const void *net)
{
	return !net || lgr->key.net == net;
}

/**
 * smc_core_net_gone - end all link groups of a network namespace
 * @net: the namespace, which has no sockets any more
 */
void smc_core_net_gone(const struct net *net)
{
	smc_lgr_terminate_if(smc_lgr_in_net, net, SMC_LLC_DEL_PROGRAM);
}

/* -------------------------------------------------------- RMBs of the peer */

static void smc_rtoken_put(struct smc_rtoken *rtoken)
{
	if (!refcount_dec_and_test(&rtoken->refs))
		return;
	xa_destroy(&rtoken->owners);
	kfree(rtoken);
}

static struct smc_rtoken *smc_rtoken_get(struct smc_lgr *lgr, u32 rkey,
					 u64 vaddr)
{
	struct smc_rtoken *rtoken, *old;

	lockdep_assert_held(&lgr->rtoken_lock);
	if (READ_ONCE(lgr->state) == SMC_LGR_DEAD)
		return ERR_PTR(-ENOLINK);	/* or nobody would free it */
	old = xa_load(&lgr->rtokens, rkey);
	if (old && old->vaddr[0] == vaddr)
		return old;
	if (!old && lgr->n_rtokens >= SMC_LGR_MAX_RTOKENS)
		return ERR_PTR(-ENOSPC);
	rtoken = kzalloc(sizeof(*rtoken), GFP_KERNEL);
	if (!rtoken)
		return ERR_PTR(-ENOMEM);
	refcount_set(&rtoken->refs, 1);
	rtoken->rkey[0] = rkey;
	rtoken->vaddr[0] = vaddr;
	xa_init_flags(&rtoken->owners, XA_FLAGS_LOCK_BH);
	if (xa_err(xa_store_bh(&lgr->rtokens, rkey, rtoken, GFP_KERNEL))) {
		kfree(rtoken);
		return ERR_PTR(-ENOMEM);
	}
	if (old)
		smc_rtoken_put(old);
	else
		lgr->n_rtokens++;
	return rtoken;
}

/**
 * smc_rtoken_add - the peer has announced an RMB
 * @lgr: the link group
 * @rkey: its key on the first link
 * @vaddr: its address
 *
 * Announcing a known RMB once more is harmless.
 * Context: process, sleeps.
 * Return: 0, -ENOSPC if the peer has too many, or -ENOMEM.
 */
int smc_rtoken_add(struct smc_lgr *lgr, u32 rkey, u64 vaddr)
{
	struct smc_rtoken *rtoken;

	mutex_lock(&lgr->rtoken_lock);
	rtoken = smc_rtoken_get(lgr, rkey, vaddr);
	mutex_unlock(&lgr->rtoken_lock);
	return PTR_ERR_OR_ZERO(rtoken);
}

/**
 * smc_rtoken_del - the peer takes an RMB back
 * @lgr: the link group
 * @rkey: its key on the first link
 *
 * Context: process, sleeps.
 * Return: false if it is not known.
 */
bool smc_rtoken_del(struct smc_lgr *lgr, u32 rkey)
{
	struct smc_rtoken *rtoken;

	mutex_lock(&lgr->rtoken_lock);
	rtoken = xa_erase_bh(&lgr->rtokens, rkey);
	if (rtoken) {
		lgr->n_rtokens--;
		smc_rtoken_put(rtoken);
	}
	mutex_unlock(&lgr->rtoken_lock);
	return rtoken;
}

static void smc_rtokens_free(struct smc_lgr *lgr)
{
	struct smc_rtoken *rtoken;
	unsigned long rkey;

	mutex_lock(&lgr->rtoken_lock);
	xa_for_each(&lgr->rtokens, rkey, rtoken) {
		xa_erase_bh(&lgr->rtokens, rkey);
		smc_rtoken_put(rtoken);
	}
	mutex_unlock(&lgr->rtoken_lock);
}

/* ----------------------------------------------------------- connections */

/**
 * smc_conn_create - make a connection and publish it
 * @link: the link; a connection is reserved in its group, and is this one's
 *	from now on, or given back if it cannot be made
 * @sk: the socket
 *
 * The element is ready before the peer can name the connection. Writing to
 * the peer is possible after smc_conn_set_peer().
 * Context: process, sleeps.
 * Return: the connection with a reference for the caller, or an error pointer.
 */
struct smc_conn *smc_conn_create(struct smc_link *link, struct sock *sk)
{
	struct smc_lgr *lgr = link->lgr;
	struct smc_conn *conn;
	u32 size;
	int rc;

	conn = kzalloc(sizeof(*conn), GFP_KERNEL);
	if (!conn) {
		smc_lgr_slot_put(lgr);
		return ERR_PTR(-ENOMEM);
	}
	refcount_set(&conn->refs, 2);	/* the caller's, the table's */
	conn->ops = &smc_rdma_ops;
	spin_lock_init(&conn->lock);
	INIT_LIST_HEAD(&conn->tx_node);
	INIT_WORK(&conn->end_work, smc_close_work);
	INIT_DELAYED_WORK(&conn->orphan_work, smc_close_orphan_work);

	/* sizes are half of what the socket says: that counts overhead too */
	size = max3(READ_ONCE(sk->sk_sndbuf) / 2, SMC_BUF_MIN,
		    4 * (int)PAGE_SIZE);
	conn->tx_size = smc_rmbe_size(smc_rmbe_code(size));
	conn->tx_pages = kvcalloc(conn->tx_size / PAGE_SIZE,
				  sizeof(*conn->tx_pages), GFP_KERNEL);
	if (!conn->tx_pages) {
		rc = -ENOMEM;
		goto free;
	}
	size = max(READ_ONCE(sk->sk_rcvbuf) / 2, SMC_BUF_MIN);
	rc = smc_rmbe_get(lgr, link, size, &conn->rmbe);
	if (rc)
		goto free;

	smc_link_get(link);
	conn->link = link;
	sock_hold(sk);
	conn->sk = sk;
	rc = xa_alloc_cyclic_bh(&lgr->conns, &conn->token, conn,
				XA_LIMIT(1, U32_MAX), &lgr->next_token,
				GFP_KERNEL);
	if (rc < 0)
		goto put;
	smp_mb();	/* either its end finds us, or we see it */
	if (READ_ONCE(lgr->state) == SMC_LGR_DEAD) {
		/* its end may have missed us; others may know us already */
		smc_conn_detach(conn);
		smc_conn_put(conn);
		return ERR_PTR(-ENOLINK);
	}
	WRITE_ONCE(sk->sk_sndbuf, 2 * conn->tx_size);
	WRITE_ONCE(sk->sk_rcvbuf, 2 * conn->rmbe.size);
	return conn;

put:
	smc_rmbe_put(lgr, &conn->rmbe, 0);
	sock_put(sk);
	smc_link_put(link);
free:
	smc_lgr_slot_put(lgr);
	kvfree(conn->tx_pages);
	kfree(conn);
	return ERR_PTR(rc);
}

/*
 * The peer gives an element to another connection. If this one has ended on
 * both sides, it may do that while our application still holds the socket.
 */
static void smc_conn_stale(struct smc_conn *conn)
{
	bool ended;

	spin_lock_bh(&conn->lock);
	conn->tx_ready = false;
	ended = (conn->tx_conn_flags & SMC_CLOSE_ENDED) &&
		(conn->rx_conn_flags & SMC_CLOSE_ENDED);
	spin_unlock_bh(&conn->lock);
	if (!ended)
		smc_conn_kill(conn, -ECONNRESET);
}

/**
 * smc_conn_set_peer - the peer's element is known: we may write
 * @conn: the connection
 * @acc: the peer's Accept or Confirm
 *
 * If another connection still writes to the same element, it is stale and
 * ends without touching it [RFC 7609 4.4.2].
 * Context: process, sleeps.
 * Return: 0, -ENOLINK if the link went down, or -errno.
 */
int smc_conn_set_peer(struct smc_conn *conn, const struct smc_clc_accept *acc)
{
	struct smc_lgr *lgr = conn->link->lgr;
	struct smc_conn *stale = NULL;
	struct smc_rtoken *rtoken;
	int rc = 0;

	mutex_lock(&lgr->rtoken_lock);
	rtoken = smc_rtoken_get(lgr, acc->rkey, acc->vaddr);
	if (IS_ERR(rtoken)) {
		rc = PTR_ERR(rtoken);
	} else {
		stale = xa_store_bh(&rtoken->owners, acc->rmbe_idx, conn,
				    GFP_KERNEL);
		if (xa_is_err(stale)) {
			rc = xa_err(stale);
			stale = NULL;
		} else {
			refcount_inc(&rtoken->refs);
			conn->rtoken = rtoken;
			conn->peer_idx = acc->rmbe_idx;
			if (stale && !refcount_inc_not_zero(&stale->refs))
				stale = NULL;
		}
	}
	mutex_unlock(&lgr->rtoken_lock);
	if (stale) {
		smc_conn_stale(stale);
		smc_conn_put(stale);
	}
	if (rc)
		return rc;

	spin_lock_bh(&conn->lock);
	conn->peer_token = acc->token;
	conn->peer_size = smc_rmbe_size(acc->rmbe_code);
	conn->tx_ready = true;
	rc = conn->killed ? -ENOLINK : 0;
	spin_unlock_bh(&conn->lock);
	return rc;
}

/**
 * smc_conn_lookup - the connection that a token names
 * @lgr: the link group
 * @token: alert token
 *
 * Context: any.
 * Return: the connection with a reference, or NULL.
 */
struct smc_conn *smc_conn_lookup(struct smc_lgr *lgr, u32 token)
{
	struct smc_conn *conn;

	rcu_read_lock();
	conn = xa_load(&lgr->conns, token);
	if (conn && !refcount_inc_not_zero(&conn->refs))
		conn = NULL;
	rcu_read_unlock();
	return conn;
}

/**
 * smc_conn_kill - a connection is dead, the peer is not to be told
 * @conn: the connection
 * @err: -errno for the application
 *
 * Context: any but hard interrupts.
 */
void smc_conn_kill(struct smc_conn *conn, int err)
{
	rcu_read_lock();
	spin_lock_bh(&conn->lock);
	if (!conn->killed) {
		conn->killed = err;
		if (conn->live)
			conn->tcp_end = SMC_TCP_RESET;
	}
	smc_close_report(conn, SHUTDOWN_MASK, -err);
	smc_close_queue(conn);
	spin_unlock_bh(&conn->lock);
	rcu_read_unlock();
}

/**
 * smc_conn_zombie - all that a connection waits for is a word of the peer
 * @conn: the connection
 *
 * It keeps its element, but not its link group. A group with many of them gets
 * no new connections, and ends with those that it has.
 * Context: any but hard interrupts, under @conn->lock.
 */
void smc_conn_zombie(struct smc_conn *conn)
{
	struct smc_lgr *lgr = conn->link->lgr;

	lockdep_assert_held(&conn->lock);
	if (conn->zombie || conn->detached)
		return;
	conn->zombie = true;
	spin_lock_bh(&lgr->lock);
	if (++lgr->n_zombies > SMC_LGR_MAX_ZOMBIES)
		lgr->max_conns = 0;
	if (smc_lgr_unused(lgr))
		smc_lgr_start_idle(lgr);
	spin_unlock_bh(&lgr->lock);
}

/**
 * smc_conn_detach - a connection gives everything back
 * @conn: the connection; ended by both sides or dead, and nothing in flight
 *
 * Context: process, sleeps.
 */
void smc_conn_detach(struct smc_conn *conn)
{
	struct smc_lgr *lgr = conn->link->lgr;
	struct sock *sk;
	u32 i;

	spin_lock_bh(&conn->lock);
	if (conn->detached) {
		spin_unlock_bh(&conn->lock);
		return;
	}
	conn->detached = true;
	conn->tx_ready = false;
	sk = conn->sk;
	conn->sk = NULL;
	for (i = 0; i < conn->tx_size / PAGE_SIZE; i++) {
		if (conn->tx_pages[i].page)
			conn->ops->page_put(conn, &conn->tx_pages[i]);
	}
	if (conn->zombie) {
		spin_lock_bh(&lgr->lock);
		lgr->n_zombies--;
		spin_unlock_bh(&lgr->lock);
	}
	spin_unlock_bh(&conn->lock);

	xa_erase_bh(&lgr->conns, conn->token);
	smc_wr_forget(conn->link, conn);
	conn->ops->release(conn);
	if (cancel_delayed_work(&conn->orphan_work))
		smc_conn_put(conn);
	smc_lgr_slot_put(lgr);
	if (sk)
		sock_put(sk);
	smc_conn_put(conn);	/* the table's */
}

/**
 * smc_conn_release - give back elements
 * @conn: the connection, unpublished
 *
 * Context: process, sleeps.
 */
void smc_conn_release(struct smc_conn *conn)
{
	struct smc_lgr *lgr = conn->link->lgr;
	struct smc_rtoken *rtoken = conn->rtoken;
	u64 dirty = conn->rx_prod;

	if (rtoken) {
		mutex_lock(&lgr->rtoken_lock);
		xa_cmpxchg_bh(&rtoken->owners, conn->peer_idx, conn, NULL,
			      GFP_KERNEL);
		conn->rtoken = NULL;
		smc_rtoken_put(rtoken);
		mutex_unlock(&lgr->rtoken_lock);
	}
	smc_rmbe_put(lgr, &conn->rmbe, min_t(u64, dirty, conn->rmbe.size));
}

/**
 * smc_core_init - make the table of link groups
 *
 * Return: 0 or -errno.
 */
int smc_core_init(void)
{
	return rhltable_init(&smc_lgr_table, &smc_lgr_params);
}

/**
 * smc_core_exit - end all link groups and wait for it
 *
 * Context: process, sleeps; there are no sockets any more.
 */
void smc_core_exit(void)
{
	smc_core_net_gone(NULL);
	wait_event(smc_lgr_none, !atomic_read(&smc_lgr_count));
	rcu_barrier();
	rhltable_destroy(&smc_lgr_table);
}
