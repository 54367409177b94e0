// SPDX-License-Identifier: GPL-2.0
/*
 * Control messages inside a link group
 *
 * Received messages are queued, each with a reference to its link, and worked
 * off by one work item per group. It answers requests and notes answers; who
 * waits for an answer sleeps on smc_lgr.wait, not in the worker.
 */
#include <linux/slab.h>

#include "smc.h"
#include "smc_core.h"
#include "smc_llc.h"
#include "smc_stats.h"
#include "smc_wr.h"

#define SMC_LLC_OUR_LINKS	2	/* what Linux advertises in version 1 */

/**
 * struct smc_llc_entry - a received message
 */
struct smc_llc_entry {
	/** @node: in smc_llc.queue */
	struct list_head	node;
	/** @link: where it came from, with a reference */
	struct smc_link		*link;
	/** @msg: the message */
	struct smc_llc_msg	msg;
};

static int smc_llc_send(struct smc_link *link, const struct smc_llc_msg *msg)
{
	u8 buf[SMC_LLC_LEN];
	int rc;

	rc = smc_llc_build(buf, sizeof(buf), msg);
	return rc < 0 ? rc : smc_wr_send(link, buf);
}

/* answer with the same message, marked as a response */
static void smc_llc_respond(struct smc_link *link, struct smc_llc_msg *msg)
{
	msg->response = true;
	smc_llc_send(link, msg);
}

/**
 * smc_llc_send_confirm_link - send CONFIRM LINK
 * @link: the link to be confirmed, ready to send
 * @response: answer the server's request, else be the server
 *
 * The "no eye catcher" bits say that cursors start at 0 [LNX].
 * Context: process, may sleep.
 * Return: 0 or -errno.
 */
int smc_llc_send_confirm_link(struct smc_link *link, bool response)
{
	struct smc_llc_msg msg = {
		.type		= SMC_LLC_CONFIRM_LINK,
		.version	= SMC_VERSION_1,
		.response	= response,
	};

	memcpy(msg.confirm_link.mac, link->local.gid.mac, SMC_MAC_LEN);
	memcpy(msg.confirm_link.gid, link->local.gid.gid.raw, SMC_GID_LEN);
	msg.confirm_link.qpn = link->qpn;
	msg.confirm_link.link_num = link->num;
	msg.confirm_link.link_uid = link->lgr->id + link->num;
	msg.confirm_link.max_links = SMC_LLC_OUR_LINKS;
	msg.confirm_link.no_eyecatcher = true;
	return smc_llc_send(link, &msg);
}

static bool smc_llc_confirmed(const struct smc_link *link)
{
	/* pairs with smc_llc_rx_confirm_link(): who sees it sees the message */
	return smp_load_acquire(&link->confirmed);
}

/**
 * smc_llc_wait_confirm_link - wait for the peer's CONFIRM LINK
 * @link: the link
 * @timeout: jiffies to wait
 *
 * Context: process, sleeps.
 * Return: 0 with smc_link.confirm filled in, -ETIME, or -ENOLINK.
 */
int smc_llc_wait_confirm_link(struct smc_link *link, long timeout)
{
	struct smc_lgr *lgr = link->lgr;

	wait_event_timeout(lgr->wait, smc_llc_confirmed(link) ||
			   READ_ONCE(lgr->state) == SMC_LGR_DEAD, timeout);
	if (smc_llc_confirmed(link))
		return 0;
	if (READ_ONCE(lgr->state) == SMC_LGR_DEAD)
		return -ENOLINK;
	SMC_STAT_INC(SMC_STAT_LLC_TIMEOUT);
	return -ETIME;
}

/*
 * Ask for something that is about an RMB of ours, and wait for the answer.
 * One at a time [RFC 7609 appendix C]: a peer may tell answers apart by their
 * type only. An answer that does not come means that the link has failed [RFC 7609 appendix C].
 */
static int smc_llc_flow(struct smc_link *link, const struct smc_llc_msg *msg,
			u32 rkey)
{
	struct smc_lgr *lgr = link->lgr;
	struct smc_llc *llc = &lgr->llc;
	int rc;

	mutex_lock(&llc->flow_lock);
	spin_lock_bh(&llc->lock);
	llc->flow_type = msg->type;
	llc->flow_rkey = rkey;
	llc->flow_result = 0;
	spin_unlock_bh(&llc->lock);

	rc = smc_llc_send(link, msg);
	if (!rc)
		wait_event_timeout(lgr->wait, READ_ONCE(llc->flow_result) ||
				   READ_ONCE(lgr->state) == SMC_LGR_DEAD,
				   SMC_LLC_WAIT);

	spin_lock_bh(&llc->lock);
	llc->flow_type = 0;
	if (!rc)
		rc = llc->flow_result;
	spin_unlock_bh(&llc->lock);
	mutex_unlock(&llc->flow_lock);

	if (rc == 1)
		return 0;
	if (!rc) {
		rc = -ENOLINK;
		if (READ_ONCE(lgr->state) != SMC_LGR_DEAD) {
			SMC_STAT_INC(SMC_STAT_LLC_TIMEOUT);
			smc_link_down(link);
		}
	}
	return rc;
}

/**
 * smc_llc_confirm_rkey - announce an RMB of ours
 * @link: the link, where it is registered
 * @rmb: the RMB
 *
 * Context: process, sleeps until the peer has answered.
 * Return: 0, -EPERM if the peer does not want it, or -errno.
 */
int smc_llc_confirm_rkey(struct smc_link *link, const struct smc_rmb *rmb)
{
	struct smc_llc_msg msg = {
		.type		= SMC_LLC_CONFIRM_RKEY,
		.version	= SMC_VERSION_1,
		.confirm_rkey	= { .rkey = rmb->rkey, .vaddr = rmb->vaddr },
	};

	return smc_llc_flow(link, &msg, rmb->rkey);
}

/**
 * smc_llc_delete_rkey - take back an RMB of ours
 * @link: the link
 * @rkey: its key
 *
 * Context: process, sleeps until the peer has answered.
 * Return: 0, -EPERM if the peer did not know it, or -errno.
 */
int smc_llc_delete_rkey(struct smc_link *link, u32 rkey)
{
	struct smc_llc_msg msg = {
		.type		= SMC_LLC_DELETE_RKEY,
		.version	= SMC_VERSION_1,
	};

	msg.delete_rkey.count = 1;
	msg.delete_rkey.rkey[0] = rkey;
	return smc_llc_flow(link, &msg, rkey);
}

/**
 * smc_llc_send_delete_all - tell the peer that the link group ends
 * @link: an active link
 * @reason: why
 * @orderly: it is not because of an error
 *
 * There is no answer: that it was sent is all there is to know.
 * Context: process, sleeps until it is out.
 */
void smc_llc_send_delete_all(struct smc_link *link, u32 reason, bool orderly)
{
	struct smc_llc_msg msg = {
		.type		= SMC_LLC_DELETE_LINK,
		.version	= SMC_VERSION_1,
		.delete_link	= { .all = true, .orderly = orderly,
				    .reason = reason },
	};
	u8 buf[SMC_LLC_LEN];

	if (smc_llc_build(buf, sizeof(buf), &msg) > 0)
		smc_wr_send_wait(link, buf);
}

/* --------------------------------------------------------------- received */

static void smc_llc_rx_confirm_link(struct smc_link *link,
				    const struct smc_llc_msg *msg)
{
	bool from_client = link->lgr->key.role == SMC_SERVER;

	if (msg->response != from_client || link->confirmed ||
	    READ_ONCE(link->state) != SMC_LINK_SETUP) {
		SMC_STAT_INC(SMC_STAT_LLC_UNEXPECTED);
		return;
	}
	link->confirm = *msg;
	/* pairs with smc_llc_confirmed() */
	smp_store_release(&link->confirmed, true);
	wake_up_all(&link->lgr->wait);
}

/*
 * This end has one link and wants no second one. A server's request gets a
 * rejection, a client's is only a hint that needs no answer [RFC 7609 4.4].
 */
static void smc_llc_rx_add_link(struct smc_link *link, struct smc_llc_msg *msg)
{
	SMC_STAT_INC(SMC_STAT_LLC_REJECTED);
	if (msg->response || link->lgr->key.role == SMC_SERVER)
		return;
	msg->add_link.reject = true;
	msg->add_link.reason = SMC_LLC_REJECT_NO_PATH;
	smc_llc_respond(link, msg);
}

static void smc_llc_rx_delete_link(struct smc_link *link,
				   struct smc_llc_msg *msg)
{
	struct smc_lgr *lgr = link->lgr;

	if (msg->response) {
		SMC_STAT_INC(SMC_STAT_LLC_UNEXPECTED);
		return;
	}
	if (msg->delete_link.all) {
		smc_lgr_terminate(lgr, msg->delete_link.reason, true, true);
		return;
	}
	if (msg->delete_link.link_num != link->num) {
		msg->delete_link.reason = SMC_LLC_DEL_NO_LINK;
		smc_llc_respond(link, msg);
		return;
	}
	/* without its only link the group is nothing */
	if (lgr->key.role == SMC_CLIENT) {
		msg->delete_link.reason = 0;
		smc_llc_respond(link, msg);
	}
	smc_lgr_terminate(lgr, SMC_LLC_DEL_LOST_PATH, true,
			  lgr->key.role == SMC_CLIENT);
}

/* an answer about an RMB of ours */
static void smc_llc_rx_flow(struct smc_lgr *lgr, u8 type, u32 rkey,
			    bool negative)
{
	struct smc_llc *llc = &lgr->llc;
	bool match;

	spin_lock_bh(&llc->lock);
	match = llc->flow_type == type && llc->flow_rkey == rkey &&
		!llc->flow_result;
	if (match)
		WRITE_ONCE(llc->flow_result, negative ? -EPERM : 1);
	spin_unlock_bh(&llc->lock);
	if (match)
		wake_up_all(&lgr->wait);
	else
		SMC_STAT_INC(SMC_STAT_LLC_UNEXPECTED);
}

static void smc_llc_rx_confirm_rkey(struct smc_link *link,
				    struct smc_llc_msg *msg)
{
	struct smc_lgr *lgr = link->lgr;

	if (msg->response) {
		smc_llc_rx_flow(lgr, msg->type, msg->confirm_rkey.rkey,
				msg->confirm_rkey.negative);
		return;
	}
	if (smc_rtoken_add(lgr, msg->confirm_rkey.rkey,
			   msg->confirm_rkey.vaddr)) {
		SMC_STAT_INC(SMC_STAT_LLC_REJECTED);
		msg->confirm_rkey.negative = true;
	}
	smc_llc_respond(link, msg);
}

static void smc_llc_rx_delete_rkey(struct smc_link *link,
				   struct smc_llc_msg *msg)
{
	struct smc_lgr *lgr = link->lgr;
	unsigned int i;

	if (msg->response) {
		smc_llc_rx_flow(lgr, msg->type, msg->delete_rkey.rkey[0],
				msg->delete_rkey.negative);
		return;
	}
	msg->delete_rkey.err_mask = 0;
	for (i = 0; i < min_t(u8, msg->delete_rkey.count,
			      SMC_LLC_DELETE_RKEYS); i++) {
		if (!smc_rtoken_del(lgr, msg->delete_rkey.rkey[i]))
			msg->delete_rkey.err_mask |= 0x80 >> i;
	}
	msg->delete_rkey.negative = msg->delete_rkey.err_mask;
	smc_llc_respond(link, msg);
}

static void smc_llc_rx_test_link(struct smc_link *link,
				 struct smc_llc_msg *msg)
{
	/* that something was received at all is noted elsewhere */
	if (!msg->response)
		smc_llc_respond(link, msg);
}

static void smc_llc_handle(struct smc_link *link, struct smc_llc_msg *msg)
{
	switch (msg->type) {
	case SMC_LLC_CONFIRM_LINK:
		smc_llc_rx_confirm_link(link, msg);
		break;
	case SMC_LLC_ADD_LINK:
		smc_llc_rx_add_link(link, msg);
		break;
	case SMC_LLC_DELETE_LINK:
		smc_llc_rx_delete_link(link, msg);
		break;
	case SMC_LLC_CONFIRM_RKEY:
		smc_llc_rx_confirm_rkey(link, msg);
		break;
	case SMC_LLC_DELETE_RKEY:
		smc_llc_rx_delete_rkey(link, msg);
		break;
	case SMC_LLC_TEST_LINK:
		smc_llc_rx_test_link(link, msg);
		break;
	default:
		/* part of exchanges that we never agree to */
		SMC_STAT_INC(SMC_STAT_LLC_UNEXPECTED);
		break;
	}
}

static void smc_llc_work(struct work_struct *work)
{
	struct smc_llc *llc = container_of(work, struct smc_llc, work);
	struct smc_lgr *lgr = container_of(llc, struct smc_lgr, llc);
	struct smc_llc_entry *entry;

	for (;;) {
		spin_lock_bh(&llc->lock);
		entry = list_first_entry_or_null(&llc->queue,
						 struct smc_llc_entry, node);
		if (entry) {
			list_del(&entry->node);
			llc->n_queued--;
		}
		spin_unlock_bh(&llc->lock);
		if (!entry)
			break;
		smc_llc_handle(entry->link, &entry->msg);
		smc_link_put(entry->link);
		kfree(entry);
		cond_resched();
	}
	smc_lgr_put(lgr);
}

/**
 * smc_llc_rx - a control message has arrived
 * @link: the link
 * @buf: the message
 * @len: bytes of it
 *
 * Context: softirq.
 */
void smc_llc_rx(struct smc_link *link, const u8 *buf, u32 len)
{
	struct smc_lgr *lgr = link->lgr;
	struct smc_llc *llc = &lgr->llc;
	struct smc_llc_entry *entry;
	bool room;
	int rc;

	entry = kmalloc(sizeof(*entry), GFP_ATOMIC);
	if (!entry) {
		SMC_STAT_INC(SMC_STAT_LLC_OVERFLOW);
		return;
	}
	rc = smc_llc_parse(buf, len, &entry->msg);
	if (!rc && entry->msg.version != lgr->key.version)
		rc = -EPROTO;
	if (rc) {
		kfree(entry);
		SMC_STAT_INC(SMC_STAT_LLC_BAD);
		/* what must be understood and is not is a protocol error */
		if (rc == -ENOMSG)
			smc_lgr_terminate(lgr, SMC_LLC_DEL_PROTOCOL, false,
					  false);
		return;
	}
	entry->link = link;

	spin_lock(&llc->lock);
	room = llc->n_queued < SMC_LLC_MAX_QUEUED;
	if (room) {
		smc_link_get(link);
		list_add_tail(&entry->node, &llc->queue);
		llc->n_queued++;
	}
	spin_unlock(&llc->lock);
	if (!room) {
		SMC_STAT_INC(SMC_STAT_LLC_OVERFLOW);
		kfree(entry);
		return;
	}
	smc_lgr_get(lgr);
	if (!queue_work(smc_wq, &llc->work))
		smc_lgr_put(lgr);
}

/* -------------------------------------------------------------- TEST LINK */

static void smc_llc_test_queue(struct smc_link *link, unsigned long delay)
{
	smc_link_get(link);
	if (!queue_delayed_work(smc_wq, &link->test_work, delay))
		smc_link_put(link);
}

/**
 * smc_llc_test_start - watch over a link from now on
 * @link: the link, just active
 *
 * Context: under smc_lgr.lock.
 */
void smc_llc_test_start(struct smc_link *link)
{
	link->last_rx = jiffies;
	smc_llc_test_queue(link, SMC_LLC_TEST_INTERVAL);
}

/**
 * smc_llc_test_work - test a link that has been silent
 * @work: smc_link.test_work, queued with a reference to the link
 *
 * Anything that is received answers the question [RFC 7609 4.5.2].
 */
void smc_llc_test_work(struct work_struct *work)
{
	struct smc_link *link = container_of(to_delayed_work(work),
					     struct smc_link, test_work);
	struct smc_llc_msg msg = {
		.type		= SMC_LLC_TEST_LINK,
		.version	= SMC_VERSION_1,
	};
	unsigned long last_rx = READ_ONCE(link->last_rx);
	unsigned long due = last_rx + SMC_LLC_TEST_INTERVAL;

	if (READ_ONCE(link->state) != SMC_LINK_ACTIVE)
		goto out;
	if (link->test_sent && time_before(last_rx, link->test_sent)) {
		SMC_STAT_INC(SMC_STAT_LLC_TIMEOUT);
		smc_link_down(link);
		goto out;
	}
	link->test_sent = 0;
	if (time_before(jiffies, due)) {
		smc_llc_test_queue(link, due - jiffies);
	} else {
		/* 0 means none: jiffies of 0 pass for 1 */
		link->test_sent = jiffies ?: 1;
		if (!smc_llc_send(link, &msg))
			smc_llc_test_queue(link, SMC_LLC_WAIT);
	}
out:
	smc_link_put(link);
}

/**
 * smc_llc_init - prepare for control messages
 * @lgr: the new link group
 */
void smc_llc_init(struct smc_lgr *lgr)
{
	struct smc_llc *llc = &lgr->llc;

	spin_lock_init(&llc->lock);
	INIT_LIST_HEAD(&llc->queue);
	INIT_WORK(&llc->work, smc_llc_work);
	mutex_init(&llc->flow_lock);
}

/**
 * smc_llc_end - wait until all control messages are worked off
 * @lgr: the link group; its links are drained, nothing is received any more
 *
 * Context: process, sleeps.
 */
void smc_llc_end(struct smc_lgr *lgr)
{
	flush_work(&lgr->llc.work);
}
