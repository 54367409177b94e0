// SPDX-License-Identifier: GPL-2.0
/*
 * Posting and completing the work requests of a link
 *
 * A message goes down together with the RDMA writes that it announces, as one
 * chain with one doorbell. Only some messages ask for a completion: since a QP
 * completes in order, one completion ends all the messages before it.
 */
#include <linux/slab.h>

#include "smc_cdc.h"
#include "smc_core.h"
#include "smc_llc.h"
#include "smc_stats.h"
#include "smc_tx.h"
#include "smc_wr.h"

/* room for a message with its writes? under smc_wr.lock */
static bool smc_wr_room(const struct smc_wr *wr, unsigned int n_wrs,
			bool control)
{
	unsigned int keep = control ? 0 : SMC_WR_TX_RESERVE;

	return wr->head - wr->tail + keep < SMC_WR_TX_SLOTS &&
	       wr->wrs_free >= n_wrs + keep;
}

/* the next slot, filled in as far as all kinds of work are alike */
static struct smc_wr_tx *smc_wr_slot(struct smc_wr *wr, unsigned int n_wrs,
				     bool signal)
{
	struct smc_wr_tx *tx = &wr->tx[wr->head & (SMC_WR_TX_SLOTS - 1)];

	lockdep_assert_held(&wr->lock);
	tx->n_wrs = n_wrs;
	tx->conn = NULL;
	tx->wait = NULL;
	/* the queue must never be full of what nobody hears the end of */
	tx->signaled = signal ||
		       wr->unsignaled + 1 >= SMC_WR_SIGNAL_EVERY ||
		       wr->unsignaled_wrs + n_wrs >= wr->wrs_max / 4;
	return tx;
}

/* the slot was posted */
static void smc_wr_commit(struct smc_wr *wr, struct smc_wr_tx *tx)
{
	lockdep_assert_held(&wr->lock);
	wr->head++;
	wr->wrs_free -= tx->n_wrs;
	if (tx->signaled) {
		wr->unsignaled = 0;
		wr->unsignaled_wrs = 0;
	} else {
		wr->unsignaled++;
		wr->unsignaled_wrs += tx->n_wrs;
	}
}

/* the SEND of a message; solicited, or the peer may sleep on [LNX] */
static void smc_wr_fill_send(struct smc_link *link, struct smc_wr_tx *tx,
			     const u8 *msg, struct ib_send_wr *wr,
			     struct ib_sge *sge)
{
	unsigned int off = (tx - link->wr.tx) * SMC_WR_BUF_LEN;
	u8 *buf = link->wr.tx_buf + off;

	memcpy(buf, msg, SMC_WR_MSG_LEN);
	sge->length = SMC_WR_MSG_LEN;
	sge->lkey = link->pd->local_dma_lkey;
	wr->send_flags = IB_SEND_SOLICITED;
	if (link->wr.inlined) {
		sge->addr = (uintptr_t)buf;
		wr->send_flags |= IB_SEND_INLINE;
	} else {
		sge->addr = link->wr.tx_dma + off;
		ib_dma_sync_single_for_device(link->local.dev->ibdev, sge->addr,
					      SMC_WR_MSG_LEN, DMA_TO_DEVICE);
	}
	if (tx->signaled)
		wr->send_flags |= IB_SEND_SIGNALED;
	wr->wr_cqe = &tx->cqe;
	wr->opcode = IB_WR_SEND;
	wr->sg_list = sge;
	wr->num_sge = 1;
}

/**
 * smc_wr_post_chunk - post data and the message that announces it
 * @link: the link
 * @conn: the connection; the message in flight holds a reference to it
 * @chunk: what is to be posted; @chunk->signaled tells what was done
 *
 * Context: any but hard interrupts, under @conn->lock.
 * Return: 0; -EAGAIN if there is no room: the connection waits in a queue and
 * is pushed when there is; -ENOLINK if the link is down.
 */
int smc_wr_post_chunk(struct smc_link *link, struct smc_conn *conn,
		      struct smc_wr_chunk *chunk)
{
	struct ib_rdma_wr writes[SMC_WR_MAX_WRITES];
	struct ib_send_wr send = {}, *first = &send;
	struct smc_wr *wr = &link->wr;
	struct ib_sge sge;
	struct smc_wr_tx *tx;
	int rc = 0, i;

	lockdep_assert_held(&conn->lock);
	spin_lock_bh(&wr->lock);
	if (!wr->open) {
		rc = -ENOLINK;
		goto out;
	}
	if (conn->tx_waiting || wr->quiet ||
	    !smc_wr_room(wr, chunk->n_writes + 1, false)) {
		if (!conn->tx_waiting) {
			conn->tx_waiting = true;
			smc_conn_get(conn);
			list_add_tail(&conn->tx_node, &wr->waiting);
		}
		rc = -EAGAIN;
		goto out;
	}

	tx = smc_wr_slot(wr, chunk->n_writes + 1, chunk->signal);
	tx->pos = chunk->pos;
	smc_wr_fill_send(link, tx, chunk->msg, &send, &sge);
	for (i = chunk->n_writes - 1; i >= 0; i--) {
		struct ib_rdma_wr *w = &writes[i];

		memset(w, 0, sizeof(*w));
		w->wr.next = first;
		w->wr.wr_cqe = &tx->cqe;
		w->wr.opcode = IB_WR_RDMA_WRITE;
		w->wr.sg_list = &chunk->sge[chunk->write[i].first_sge];
		w->wr.num_sge = chunk->write[i].n_sge;
		w->wr.send_flags = chunk->inlined ? IB_SEND_INLINE : 0;
		w->remote_addr = chunk->write[i].remote_addr;
		w->rkey = chunk->rkey;
		first = &w->wr;
	}
	rc = ib_post_send(link->qp, first, NULL);
	if (rc) {
		/* part of the chain may be out: the link is of no use now */
		rc = -ENOLINK;
		goto out;
	}
	smc_conn_get(conn);
	tx->conn = conn;
	smc_wr_commit(wr, tx);
	chunk->signaled = tx->signaled;
out:
	spin_unlock_bh(&wr->lock);
	if (rc == -ENOLINK)
		smc_link_down(link);
	return rc;
}

/*
 * Post one control work request, waiting for a slot if there is none: a
 * message, or else a work request of which only the slot is missing, by the one
 * who has made the queue quiet, if anybody has.
 */
static int smc_wr_post_control(struct smc_link *link, const u8 *msg,
			       struct ib_send_wr *other,
			       struct smc_wr_wait *wait,
			       struct smc_wr_tx **slot)
{
	struct smc_wr *wr = &link->wr;
	struct ib_send_wr send = {};
	struct ib_sge sge;
	struct smc_wr_tx *tx;
	int rc = -EAGAIN;

	if (!wait_event_timeout(link->lgr->wait,
				!READ_ONCE(wr->open) ||
				((other || !READ_ONCE(wr->quiet)) &&
				 smc_wr_room(wr, 1, true)),
				SMC_WR_SLOT_TIMEOUT))
		goto down;

	spin_lock_bh(&wr->lock);
	if (!wr->open) {
		rc = -ENOLINK;
	} else if ((other || !wr->quiet) && smc_wr_room(wr, 1, true)) {
		tx = smc_wr_slot(wr, 1, true);
		if (other) {
			other->wr_cqe = &tx->cqe;
			other->send_flags = IB_SEND_SIGNALED;
			rc = ib_post_send(link->qp, other, NULL);
		} else {
			smc_wr_fill_send(link, tx, msg, &send, &sge);
			rc = ib_post_send(link->qp, &send, NULL);
		}
		if (!rc) {
			tx->wait = wait;
			*slot = tx;
			smc_wr_commit(wr, tx);
		} else {
			rc = -ENOLINK;
		}
	}
	spin_unlock_bh(&wr->lock);
	if (!rc || rc == -EAGAIN)
		return rc;
down:
	smc_link_down(link);
	return -ENOLINK;
}

/* the same, and wait until it was done */
static int smc_wr_do_control(struct smc_link *link, const u8 *msg,
			     struct ib_send_wr *other)
{
	struct smc_wr_wait wait = { .status = -ENOLINK };
	struct smc_wr_tx *tx;
	bool given_up;
	int rc;

	init_completion(&wait.done);
	do {
		rc = smc_wr_post_control(link, msg, other, &wait, &tx);
	} while (rc == -EAGAIN);
	if (rc)
		return rc;
	if (!wait_for_completion_timeout(&wait.done, SMC_WR_TIMEOUT)) {
		smc_link_down(link);
		spin_lock_bh(&link->wr.lock);
		given_up = tx->wait == &wait;
		if (given_up)
			tx->wait = NULL;
		spin_unlock_bh(&link->wr.lock);
		if (given_up)
			return -ETIMEDOUT;
		/* it was just taken from the slot */
		wait_for_completion(&wait.done);
	}
	return wait.status;
}

/**
 * smc_wr_send - post a control message
 * @link: the link
 * @msg: SMC_WR_MSG_LEN bytes
 *
 * Context: process, may sleep for a slot.
 * Return: 0 or -ENOLINK.
 */
int smc_wr_send(struct smc_link *link, const u8 *msg)
{
	struct smc_wr_tx *tx;
	int rc;

	do {
		rc = smc_wr_post_control(link, msg, NULL, NULL, &tx);
	} while (rc == -EAGAIN);
	return rc;
}

/**
 * smc_wr_send_wait - send a control message and wait until it is out
 * @link: the link
 * @msg: SMC_WR_MSG_LEN bytes
 *
 * Context: process, sleeps.
 * Return: 0 if the peer's device has taken it, else -errno.
 */
int smc_wr_send_wait(struct smc_link *link, const u8 *msg)
{
	return smc_wr_do_control(link, msg, NULL);
}

static void smc_wr_wake(struct smc_link *link);

static void smc_wr_set_quiet(struct smc_link *link, bool quiet)
{
	spin_lock_bh(&link->wr.lock);
	WRITE_ONCE(link->wr.quiet, quiet);
	spin_unlock_bh(&link->wr.lock);
	if (!quiet)
		smc_wr_wake(link);
}

/*
 * Wait until all that was posted is complete. A write of nothing comes last,
 * because what was posted before may not say when it is. Nobody else posts.
 */
static int smc_wr_flush(struct smc_link *link)
{
	struct ib_rdma_wr nothing = { .wr.opcode = IB_WR_RDMA_WRITE };

	if (READ_ONCE(link->wr.head) == READ_ONCE(link->wr.tail))
		return 0;
	return smc_wr_do_control(link, NULL, &nothing.wr);
}

/**
 * smc_wr_register - let the peer write to memory
 * @link: the link, ready to send
 * @mr: the region, with its pages set
 *
 * Context: process, sleeps; one at a time, under smc_lgr.buf_lock.
 * Return: 0 or -errno.
 */
int smc_wr_register(struct smc_link *link, struct ib_mr *mr)
{
	struct ib_reg_wr reg = {
		.wr.opcode = IB_WR_REG_MR,
		.mr = mr,
		.key = mr->rkey,
		.access = IB_ACCESS_LOCAL_WRITE | IB_ACCESS_REMOTE_WRITE,
	};
	int rc = 0;

	if (link->local.dev->reg_alone) {
		smc_wr_set_quiet(link, true);
		rc = smc_wr_flush(link);
	}
	if (!rc)
		rc = smc_wr_do_control(link, NULL, &reg.wr);
	if (link->local.dev->reg_alone)
		smc_wr_set_quiet(link, false);
	return rc;
}

/* give a slot back; the caller is the only one that does for this link */
static void smc_wr_end_slot(struct smc_link *link, struct smc_wr_tx *tx,
			    int status)
{
	struct smc_wr *wr = &link->wr;
	struct smc_wr_wait *wait;
	struct smc_conn *conn;
	bool signaled;
	u64 pos;

	/* a completion may be faster than who posts is with the slot */
	spin_lock_bh(&wr->lock);
	conn = tx->conn;
	wait = tx->wait;
	signaled = tx->signaled;
	pos = tx->pos;
	tx->conn = NULL;
	tx->wait = NULL;
	wr->tail++;
	wr->wrs_free += tx->n_wrs;
	spin_unlock_bh(&wr->lock);

	if (wait) {
		wait->status = status;
		complete(&wait->done);
	}
	if (conn) {
		smc_tx_done(conn, pos, signaled, status);
		smc_conn_put(conn);
	}
}

/* push the connections that found no room before */
static void smc_wr_wake(struct smc_link *link)
{
	struct smc_wr *wr = &link->wr;
	struct smc_conn *conn;

	if (wq_has_sleeper(&link->lgr->wait))
		wake_up_all(&link->lgr->wait);

	spin_lock_bh(&wr->lock);
	while (!wr->quiet && !list_empty(&wr->waiting) &&
	       smc_wr_room(wr, SMC_WR_MAX_WRITES + 1, false)) {
		conn = list_first_entry(&wr->waiting, struct smc_conn, tx_node);
		list_del_init(&conn->tx_node);
		conn->tx_waiting = false;
		spin_unlock_bh(&wr->lock);
		smc_tx_push(conn);
		smc_conn_put(conn);
		spin_lock_bh(&wr->lock);
	}
	spin_unlock_bh(&wr->lock);
}

/* a slot has failed: it is ended when the QP was drained, its waiter now */
static void smc_wr_fail_slot(struct smc_link *link, struct smc_wr_tx *tx)
{
	struct smc_wr_wait *wait;

	spin_lock_bh(&link->wr.lock);
	wait = tx->wait;
	tx->wait = NULL;
	spin_unlock_bh(&link->wr.lock);
	if (wait)
		complete(&wait->done);
}

static void smc_wr_tx_done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct smc_wr_tx *tx = container_of(wc->wr_cqe, struct smc_wr_tx, cqe);
	struct smc_link *link = tx->link;
	struct smc_wr *wr = &link->wr;
	u32 last;

	if (wc->status != IB_WC_SUCCESS) {
		if (wc->status != IB_WC_WR_FLUSH_ERR)
			pr_debug("link %u: send failed: %s\n", link->num,
				 ib_wc_status_msg(wc->status));
		smc_link_down(link);
		smc_wr_fail_slot(link, tx);
		return;
	}

	/* the number of this message: the one of this slot not before tail */
	last = wr->tail + ((u32)(tx - wr->tx) - wr->tail) % SMC_WR_TX_SLOTS;
	while ((s32)(last - wr->tail) >= 0)
		smc_wr_end_slot(link, &wr->tx[wr->tail % SMC_WR_TX_SLOTS], 0);
	smc_wr_wake(link);
}

static int smc_wr_post_rx(struct smc_link *link, const u16 *idx,
			  unsigned int n)
{
	struct ib_recv_wr wrs[SMC_WR_RX_BATCH];
	struct ib_sge sges[SMC_WR_RX_BATCH];
	unsigned int i;

	for (i = 0; i < n; i++) {
		sges[i].addr = link->wr.rx_dma + idx[i] * SMC_WR_BUF_LEN;
		sges[i].length = SMC_WR_BUF_LEN;
		sges[i].lkey = link->pd->local_dma_lkey;
		wrs[i].wr_cqe = &link->wr.rx[idx[i]].cqe;
		wrs[i].sg_list = &sges[i];
		wrs[i].num_sge = 1;
		wrs[i].next = i + 1 < n ? &wrs[i + 1] : NULL;
	}
	return ib_post_recv(link->qp, wrs, NULL);
}

static void smc_wr_rx_done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct smc_wr_rx *rx = container_of(wc->wr_cqe, struct smc_wr_rx, cqe);
	struct smc_link *link = rx->link;
	struct smc_wr *wr = &link->wr;
	unsigned int idx = rx - wr->rx;
	u8 *buf = wr->rx_buf + idx * SMC_WR_BUF_LEN;

	if (wc->status != IB_WC_SUCCESS) {
		if (wc->status != IB_WC_WR_FLUSH_ERR)
			pr_debug("link %u: receive failed: %s\n", link->num,
				 ib_wc_status_msg(wc->status));
		smc_link_down(link);
		return;
	}

	if (wc->opcode != IB_WC_RECV || wc->byte_len > SMC_WR_BUF_LEN) {
		/* nobody who speaks SMC sends an RDMA write with immediate */
		SMC_STAT_INC(SMC_STAT_LLC_BAD);
		smc_link_down(link);
		return;
	}
	WRITE_ONCE(link->last_rx, jiffies);
	ib_dma_sync_single_for_cpu(link->local.dev->ibdev,
				   wr->rx_dma + idx * SMC_WR_BUF_LEN,
				   SMC_WR_BUF_LEN, DMA_FROM_DEVICE);
	if (wc->byte_len && buf[0] == SMC_CDC_TYPE)
		smc_cdc_rx(link, buf, wc->byte_len);
	else
		smc_llc_rx(link, buf, wc->byte_len);
	ib_dma_sync_single_for_device(link->local.dev->ibdev,
				      wr->rx_dma + idx * SMC_WR_BUF_LEN,
				      SMC_WR_BUF_LEN, DMA_FROM_DEVICE);

	/*
	 * The peer retries for ever when it finds no receive posted, so a few
	 * may wait for company: one doorbell for all of them.
	 */
	wr->rx_done[wr->n_rx_done++] = idx;
	if (wr->n_rx_done < SMC_WR_RX_BATCH)
		return;
	wr->n_rx_done = 0;
	if (smc_wr_post_rx(link, wr->rx_done, SMC_WR_RX_BATCH))
		smc_link_down(link);
}

/**
 * smc_wr_post_receives - post all receives of a new link
 * @link: the link; its QP is at least in INIT
 *
 * Context: process, before anything can be received.
 * Return: 0 or -errno.
 */
int smc_wr_post_receives(struct smc_link *link)
{
	u16 idx[SMC_WR_RX_BATCH];
	unsigned int i, n = 0;
	int rc;

	for (i = 0; i < SMC_WR_RX_DEPTH; i++) {
		idx[n++] = i;
		if (n < SMC_WR_RX_BATCH)
			continue;
		rc = smc_wr_post_rx(link, idx, n);
		if (rc)
			return rc;
		n = 0;
	}
	return 0;
}

/**
 * smc_wr_open - from now on things can be posted
 * @link: the link, ready to send
 */
void smc_wr_open(struct smc_link *link)
{
	spin_lock_bh(&link->wr.lock);
	link->wr.open = !link->wr.closed;
	spin_unlock_bh(&link->wr.lock);
}

/**
 * smc_wr_close - from now on nothing can be posted
 * @link: the link
 */
void smc_wr_close(struct smc_link *link)
{
	spin_lock_bh(&link->wr.lock);
	link->wr.open = false;
	link->wr.closed = true;
	spin_unlock_bh(&link->wr.lock);
	wake_up_all(&link->lgr->wait);
}

/**
 * smc_wr_forget - a connection does not wait for room any more
 * @link: the link
 * @conn: the connection
 *
 * Context: any but hard interrupts.
 */
void smc_wr_forget(struct smc_link *link, struct smc_conn *conn)
{
	bool waited;

	spin_lock_bh(&link->wr.lock);
	waited = conn->tx_waiting;
	if (waited) {
		list_del_init(&conn->tx_node);
		conn->tx_waiting = false;
	}
	spin_unlock_bh(&link->wr.lock);
	if (waited)
		smc_conn_put(conn);
}

/**
 * smc_wr_drained - end the slots that no completion ended
 * @link: the link; closed, and its QP is drained: no completion comes any more
 *
 * Context: process.
 */
void smc_wr_drained(struct smc_link *link)
{
	struct smc_wr *wr = &link->wr;
	struct smc_conn *conn;

	while (wr->tail != wr->head)
		smc_wr_end_slot(link, &wr->tx[wr->tail % SMC_WR_TX_SLOTS],
				-ENOLINK);

	spin_lock_bh(&wr->lock);
	while (!list_empty(&wr->waiting)) {
		conn = list_first_entry(&wr->waiting, struct smc_conn, tx_node);
		list_del_init(&conn->tx_node);
		conn->tx_waiting = false;
		spin_unlock_bh(&wr->lock);
		smc_conn_put(conn);
		spin_lock_bh(&wr->lock);
	}
	spin_unlock_bh(&wr->lock);
}

/**
 * smc_wr_create - make the queues of a link
 * @link: the link, with a QP
 *
 * Context: process, sleeps.
 * Return: 0 or -ENOMEM.
 */
int smc_wr_create(struct smc_link *link)
{
	struct ib_device *ibdev = link->local.dev->ibdev;
	struct smc_wr *wr = &link->wr;
	unsigned int i;

	spin_lock_init(&wr->lock);
	INIT_LIST_HEAD(&wr->waiting);
	wr->wrs_free = wr->wrs_max;
	wr->inlined = wr->max_inline >= SMC_WR_MSG_LEN;
	wr->tx = kvcalloc(SMC_WR_TX_SLOTS, sizeof(*wr->tx), GFP_KERNEL);
	wr->rx = kcalloc(SMC_WR_RX_DEPTH, sizeof(*wr->rx), GFP_KERNEL);
	wr->tx_buf = kcalloc(SMC_WR_TX_SLOTS, SMC_WR_BUF_LEN, GFP_KERNEL);
	wr->rx_buf = kcalloc(SMC_WR_RX_DEPTH, SMC_WR_BUF_LEN, GFP_KERNEL);
	if (!wr->tx || !wr->rx || !wr->tx_buf || !wr->rx_buf)
		goto free;

	for (i = 0; i < SMC_WR_TX_SLOTS; i++) {
		wr->tx[i].cqe.done = smc_wr_tx_done;
		wr->tx[i].link = link;
	}
	for (i = 0; i < SMC_WR_RX_DEPTH; i++) {
		wr->rx[i].cqe.done = smc_wr_rx_done;
		wr->rx[i].link = link;
	}

	wr->rx_dma = ib_dma_map_single(ibdev, wr->rx_buf,
				       SMC_WR_RX_DEPTH * SMC_WR_BUF_LEN,
				       DMA_FROM_DEVICE);
	if (ib_dma_mapping_error(ibdev, wr->rx_dma))
		goto free;
	if (!wr->inlined) {
		wr->tx_dma = ib_dma_map_single(ibdev, wr->tx_buf,
					       SMC_WR_TX_SLOTS * SMC_WR_BUF_LEN,
					       DMA_TO_DEVICE);
		if (ib_dma_mapping_error(ibdev, wr->tx_dma))
			goto unmap;
	}
	return 0;

unmap:
	ib_dma_unmap_single(ibdev, wr->rx_dma, SMC_WR_RX_DEPTH * SMC_WR_BUF_LEN,
			    DMA_FROM_DEVICE);
free:
	kvfree(wr->tx);
	kfree(wr->rx);
	kfree(wr->tx_buf);
	kfree(wr->rx_buf);
	return -ENOMEM;
}

/**
 * smc_wr_destroy - free the queues of a link
 * @link: the link, without a QP
 *
 * Context: process.
 */
void smc_wr_destroy(struct smc_link *link)
{
	struct ib_device *ibdev = link->local.dev->ibdev;
	struct smc_wr *wr = &link->wr;

	ib_dma_unmap_single(ibdev, wr->rx_dma, SMC_WR_RX_DEPTH * SMC_WR_BUF_LEN,
			    DMA_FROM_DEVICE);
	if (!wr->inlined)
		ib_dma_unmap_single(ibdev, wr->tx_dma,
				    SMC_WR_TX_SLOTS * SMC_WR_BUF_LEN,
				    DMA_TO_DEVICE);
	kvfree(wr->tx);
	kfree(wr->rx);
	kfree(wr->tx_buf);
	kfree(wr->rx_buf);
}
