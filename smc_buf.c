// SPDX-License-Identifier: GPL-2.0
/*
 * Memory: RMBs with their elements, pages of data to be sent
 *
 * One registration holds many elements, and the next RMB is made before the
 * last element is taken, so that a further connection in a link group neither
 * registers memory nor talks to the peer about it.
 */
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "smc.h"
#include "smc_buf.h"
#include "smc_core.h"
#include "smc_llc.h"

static void smc_rmb_put(struct smc_rmb *rmb)
{
	if (!refcount_dec_and_test(&rmb->refs))
		return;
	sg_free_table(&rmb->sgt);
	kvfree(rmb->dma);
	vfree(rmb->cpu);
	kfree(rmb);
}

/* end registration and mapping; under smc_lgr.buf_lock or not in the list */
static void smc_rmb_unmap(struct smc_rmb *rmb)
{
	if (!rmb->mr)
		return;
	ib_dereg_mr(rmb->mr);
	rmb->mr = NULL;
	ib_dma_unmap_sgtable_attrs(rmb->link->local.dev->ibdev, &rmb->sgt,
				   DMA_FROM_DEVICE, 0);
	rmb->link = NULL;
}

static int smc_rmb_pages(struct smc_rmb *rmb, unsigned int n_pages)
{
	struct scatterlist *sg;
	unsigned int i;
	int rc;

	rc = sg_alloc_table(&rmb->sgt, n_pages, GFP_KERNEL);
	if (rc)
		return rc;
	for_each_sgtable_sg(&rmb->sgt, sg, i)
		sg_set_page(sg, vmalloc_to_page(rmb->cpu + i * PAGE_SIZE),
			    PAGE_SIZE, 0);
	return 0;
}

/* note each page's DMA address, if there may be bounce buffers */
static int smc_rmb_dma(struct smc_rmb *rmb, unsigned int n_pages,
		       struct ib_device *ibdev)
{
	struct scatterlist *sg;
	unsigned int i, n = 0;
	u32 off;

	if (ib_uses_virt_dma(ibdev))
		return 0;
	rmb->dma = kvcalloc(n_pages, sizeof(*rmb->dma), GFP_KERNEL);
	if (!rmb->dma)
		return -ENOMEM;
	for_each_sgtable_dma_sg(&rmb->sgt, sg, i) {
		for (off = 0; off < sg_dma_len(sg) && n < n_pages;
		     off += PAGE_SIZE)
			rmb->dma[n++] = sg_dma_address(sg) + off;
	}
	return 0;
}

/**
 * smc_rmbe_sync - see what the device has written to an element
 * @rmbe: the element
 * @from: stream position of its beginning
 * @to: and of its end, not more than the size of the element later
 *
 * Context: softirq, before the link is drained: the mapping exists.
 */
void smc_rmbe_sync(const struct smc_rmbe *rmbe, u64 from, u64 to)
{
	struct smc_rmb *rmb = rmbe->rmb;
	u32 start = (rmbe->idx - 1) * rmbe->size, off, n;

	if (!rmb->dma)
		return;
	for (; from < to; from += n) {
		off = start + (from & (rmbe->size - 1));
		n = min_t(u64, to - from, PAGE_SIZE - (off & ~PAGE_MASK));
		ib_dma_sync_single_for_cpu(rmb->link->local.dev->ibdev,
					   rmb->dma[off >> PAGE_SHIFT] +
					   (off & ~PAGE_MASK), n,
					   DMA_FROM_DEVICE);
	}
}

/* make an RMB for a link; the list's reference is the caller's */
static struct smc_rmb *smc_rmb_create(struct smc_link *link, u32 elem_size,
				      u32 bytes)
{
	struct smc_ib_dev *dev = link->local.dev;
	unsigned int n_pages;
	struct smc_rmb *rmb;
	int rc = -ENOMEM;

	bytes = max(bytes, elem_size);
	n_pages = DIV_ROUND_UP(bytes, PAGE_SIZE);
	if (n_pages > dev->max_mr_pages) {
		n_pages = dev->max_mr_pages;
		bytes = rounddown((u32)(n_pages * PAGE_SIZE), elem_size);
		n_pages = bytes / PAGE_SIZE;
	}
	if (!n_pages)
		return ERR_PTR(-E2BIG);

	rmb = kzalloc(sizeof(*rmb), GFP_KERNEL);
	if (!rmb)
		return ERR_PTR(-ENOMEM);
	refcount_set(&rmb->refs, 1);
	INIT_LIST_HEAD(&rmb->node);
	rmb->elem_size = elem_size;
	rmb->n_elems = min_t(u32, bytes / elem_size, SMC_RMB_MAX_ELEMS);
	rmb->cpu = vzalloc((size_t)n_pages * PAGE_SIZE);
	if (!rmb->cpu)
		goto free;
	if (smc_rmb_pages(rmb, n_pages))
		goto free;
	rc = ib_dma_map_sgtable_attrs(dev->ibdev, &rmb->sgt, DMA_FROM_DEVICE,
				      0);
	if (rc)
		goto free_table;
	rc = smc_rmb_dma(rmb, n_pages, dev->ibdev);
	if (rc)
		goto unmap;
	rmb->mr = ib_alloc_mr(link->pd, IB_MR_TYPE_MEM_REG, n_pages);
	if (IS_ERR(rmb->mr)) {
		rc = PTR_ERR(rmb->mr);
		rmb->mr = NULL;
		goto unmap;
	}
	rc = ib_map_mr_sg(rmb->mr, rmb->sgt.sgl, rmb->sgt.nents, NULL,
			  PAGE_SIZE);
	if (rc != rmb->sgt.nents) {
		rc = rc < 0 ? rc : -EINVAL;
		goto dereg;
	}
	rmb->link = link;
	rmb->rkey = rmb->mr->rkey;
	rmb->vaddr = rmb->mr->iova;
	return rmb;

dereg:
	ib_dereg_mr(rmb->mr);
unmap:
	ib_dma_unmap_sgtable_attrs(dev->ibdev, &rmb->sgt, DMA_FROM_DEVICE, 0);
free_table:
	sg_free_table(&rmb->sgt);
free:
	kvfree(rmb->dma);
	vfree(rmb->cpu);
	kfree(rmb);
	return ERR_PTR(rc);
}

/**
 * smc_rmb_register - the peer may write to an RMB from now on
 * @link: the link, ready to send
 * @rmb: the RMB, not registered yet
 * @announce: tell the peer too; first contact does it by its CLC message
 *
 * Context: process, sleeps. The registration is done under smc_lgr.buf_lock,
 * so that the end of the link finds it either done or not begun.
 * Return: 0 or -errno.
 */
int smc_rmb_register(struct smc_link *link, struct smc_rmb *rmb, bool announce)
{
	struct smc_lgr *lgr = link->lgr;
	int rc = -ENOLINK;

	mutex_lock(&lgr->buf_lock);
	if (rmb->mr)
		rc = smc_wr_register(link, rmb->mr);
	rmb->registered = !rc;
	mutex_unlock(&lgr->buf_lock);
	if (!rc && announce)
		rc = smc_llc_confirm_rkey(link, rmb);
	WRITE_ONCE(rmb->state, rc ? SMC_RMB_DEAD : SMC_RMB_READY);
	wake_up_all(&lgr->wait);
	return rc;
}

/* an RMB with a free element, or NULL; tells how many there are in all */
static struct smc_rmb *smc_rmb_find(struct smc_lgr *lgr, u8 code,
				    unsigned int *n_free)
{
	struct smc_rmb *rmb, *found = NULL;

	lockdep_assert_held(&lgr->buf_lock);
	*n_free = 0;
	list_for_each_entry(rmb, &lgr->rmbs[code], node) {
		if (READ_ONCE(rmb->state) == SMC_RMB_DEAD)
			continue;
		*n_free += rmb->n_elems - rmb->n_used;
		if (!found && rmb->n_used < rmb->n_elems)
			found = rmb;
	}
	return found;
}

static void smc_rmb_queue_work(struct smc_lgr *lgr)
{
	smc_lgr_get(lgr);
	if (!queue_work(smc_rmb_wq, &lgr->rmb_work))
		smc_lgr_put(lgr);
}

static int smc_rmbe_get_size(struct smc_lgr *lgr, struct smc_link *link,
			     u8 code, struct smc_rmbe *rmbe)
{
	bool made = false, first_contact;
	unsigned int n_free;
	struct smc_rmb *rmb;
	unsigned int bit;
	int state, rc = 0;

	mutex_lock(&lgr->buf_lock);
	state = READ_ONCE(lgr->state);
	/* that announces its RMB by the CLC message */
	first_contact = state == SMC_LGR_SETUP;
	if (state == SMC_LGR_DEAD) {
		mutex_unlock(&lgr->buf_lock);
		return -ENOLINK;
	}
	rmb = smc_rmb_find(lgr, code, &n_free);
	if (!rmb) {
		bool first = list_empty(&lgr->rmbs[code]);

		rmb = smc_rmb_create(link, smc_rmbe_size(code),
				     first ? SMC_RMB_FIRST_BYTES :
					     SMC_RMB_BYTES);
		if (IS_ERR(rmb)) {
			mutex_unlock(&lgr->buf_lock);
			return PTR_ERR(rmb);
		}
		list_add_tail(&rmb->node, &lgr->rmbs[code]);
		n_free = rmb->n_elems;
		made = true;
	}
	bit = find_first_zero_bit(rmb->used, rmb->n_elems);
	__set_bit(bit, rmb->used);
	rmb->n_used++;
	refcount_inc(&rmb->refs);
	if (n_free - 1 <= SMC_RMB_LOW && rmb->n_elems > SMC_RMB_LOW &&
	    READ_ONCE(lgr->n_conns) < lgr->max_conns) {
		set_bit(code, &lgr->rmb_want);
		smc_rmb_queue_work(lgr);
	}
	mutex_unlock(&lgr->buf_lock);

	rmbe->rmb = rmb;
	rmbe->size = rmb->elem_size;
	rmbe->base = rmb->cpu + (size_t)bit * rmb->elem_size;
	rmbe->idx = bit + 1;

	if (made && !first_contact) {
		rc = smc_rmb_register(link, rmb, true);
	} else if (!first_contact) {
		/* someone else is just announcing it */
		wait_event(lgr->wait, READ_ONCE(rmb->state) != SMC_RMB_NEW ||
			   READ_ONCE(lgr->state) == SMC_LGR_DEAD);
		if (READ_ONCE(rmb->state) != SMC_RMB_READY)
			rc = -EIO;
	}
	if (rc)
		smc_rmbe_put(lgr, rmbe, 0);
	return rc;
}

/**
 * smc_rmbe_get - take an element for a connection
 * @lgr: the link group
 * @link: the link that a new RMB is made for
 * @size: bytes wanted; a smaller element is taken if memory is short [LNX]
 * @rmbe: output
 *
 * Context: process, sleeps; waits for the peer if it has to hear of a new RMB.
 * Return: 0 or -errno.
 */
int smc_rmbe_get(struct smc_lgr *lgr, struct smc_link *link, u32 size,
		 struct smc_rmbe *rmbe)
{
	int code, rc;

	for (code = smc_rmbe_code(size); code >= 0; code--) {
		rc = smc_rmbe_get_size(lgr, link, code, rmbe);
		if (rc != -ENOMEM && rc != -E2BIG)
			return rc;
	}
	return rc;
}

/**
 * smc_rmbe_put - a connection gives its element back
 * @lgr: the link group
 * @rmbe: the element
 * @dirty: bytes from its beginning that may have been written
 *
 * Nobody else may see what was in there, so it is cleared, before it is free.
 * Context: process, sleeps.
 */
void smc_rmbe_put(struct smc_lgr *lgr, struct smc_rmbe *rmbe, u32 dirty)
{
	struct smc_rmb *rmb = rmbe->rmb;
	bool unused;

	memset(rmbe->base, 0, min(dirty, rmbe->size));
	mutex_lock(&lgr->buf_lock);
	__clear_bit(rmbe->idx - 1, rmb->used);
	rmb->n_used--;
	unused = !rmb->n_used && READ_ONCE(lgr->state) == SMC_LGR_ACTIVE;
	if (unused)
		smc_rmb_queue_work(lgr);
	mutex_unlock(&lgr->buf_lock);
	rmbe->rmb = NULL;
	smc_rmb_put(rmb);
}

/* an unused RMB that the others can do without; off the list */
static struct smc_rmb *smc_rmb_surplus(struct smc_lgr *lgr)
{
	unsigned int code, n_free;
	struct smc_rmb *rmb;

	mutex_lock(&lgr->buf_lock);
	for (code = 0; code < SMC_RMBE_CODES; code++) {
		smc_rmb_find(lgr, code, &n_free);
		list_for_each_entry(rmb, &lgr->rmbs[code], node) {
			/* what could not be registered ends with its link */
			if (rmb->n_used || !rmb->registered ||
			    READ_ONCE(rmb->state) == SMC_RMB_NEW)
				continue;
			/* connections come and go: do not follow each of them */
			if (rmb->state == SMC_RMB_READY &&
			    n_free < rmb->n_elems + SMC_RMB_KEEP)
				continue;
			list_del_init(&rmb->node);
			mutex_unlock(&lgr->buf_lock);
			return rmb;
		}
	}
	mutex_unlock(&lgr->buf_lock);
	return NULL;
}

/**
 * smc_rmb_work - make RMBs ahead of need, free those beyond it
 * @work: smc_lgr.rmb_work, queued with a reference to the group
 */
void smc_rmb_work(struct work_struct *work)
{
	struct smc_lgr *lgr = container_of(work, struct smc_lgr, rmb_work);
	struct smc_link *link = smc_lgr_link(lgr);
	struct smc_rmb *rmb;
	unsigned int code, n_free;

	if (!link)
		goto out;
	for (code = 0; code < SMC_RMBE_CODES; code++) {
		if (!test_and_clear_bit(code, &lgr->rmb_want))
			continue;
		mutex_lock(&lgr->buf_lock);
		smc_rmb_find(lgr, code, &n_free);
		rmb = NULL;
		if (READ_ONCE(lgr->state) == SMC_LGR_ACTIVE && n_free <= SMC_RMB_LOW) {
			rmb = smc_rmb_create(link, smc_rmbe_size(code),
					     SMC_RMB_BYTES);
			if (!IS_ERR(rmb))
				list_add_tail(&rmb->node, &lgr->rmbs[code]);
		}
		mutex_unlock(&lgr->buf_lock);
		if (!IS_ERR_OR_NULL(rmb))
			smc_rmb_register(link, rmb, true);
	}

	while ((rmb = smc_rmb_surplus(lgr))) {
		if (rmb->state == SMC_RMB_READY)	/* else refused */
			smc_llc_delete_rkey(link, rmb->rkey);
		smc_rmb_unmap(rmb);
		smc_rmb_put(rmb);
	}
	smc_link_put(link);
out:
	smc_lgr_put(lgr);
}

/**
 * smc_rmbs_unmap - end registration and mapping of all RMBs on a link
 * @link: the link, without a QP
 *
 * Context: process, sleeps. The memory stays as long as connections hold it.
 */
void smc_rmbs_unmap(struct smc_link *link)
{
	struct smc_lgr *lgr = link->lgr;
	struct smc_rmb *rmb;
	unsigned int code;

	mutex_lock(&lgr->buf_lock);
	for (code = 0; code < SMC_RMBE_CODES; code++) {
		list_for_each_entry(rmb, &lgr->rmbs[code], node) {
			if (rmb->link == link)
				smc_rmb_unmap(rmb);
		}
	}
	mutex_unlock(&lgr->buf_lock);
}

/**
 * smc_rmbs_free - the link group lets go of its RMBs
 * @lgr: the link group, terminated
 *
 * Context: process, sleeps.
 */
void smc_rmbs_free(struct smc_lgr *lgr)
{
	struct smc_rmb *rmb, *next;
	unsigned int code;

	mutex_lock(&lgr->buf_lock);
	for (code = 0; code < SMC_RMBE_CODES; code++) {
		list_for_each_entry_safe(rmb, next, &lgr->rmbs[code], node) {
			list_del_init(&rmb->node);
			smc_rmb_put(rmb);
		}
	}
	mutex_unlock(&lgr->buf_lock);
}

/**
 * smc_txpage_get - a mapped page for data to be sent
 * @link: the link
 * @tp: output
 * @spare: a page to be used if none is kept, or NULL
 *
 * Context: any but hard interrupts, under smc_conn.lock of who owns @tp.
 * Return: 0, and @spare is used up unless one was kept (see @tp->page);
 * -ENOMEM if there is no page; -ENOLINK if the device is going away.
 */
int smc_txpage_get(struct smc_link *link, struct smc_txpage *tp,
		   struct page *spare)
{
	struct smc_txpool *pool = &link->txpool;
	int rc = 0;

	spin_lock_bh(&pool->lock);
	if (pool->closed) {
		rc = -ENOLINK;
	} else if (pool->n) {
		*tp = pool->pages[--pool->n];
	} else if (!spare) {
		rc = -ENOMEM;
	} else {
		tp->dma = ib_dma_map_page(link->local.dev->ibdev, spare, 0,
					  PAGE_SIZE, DMA_TO_DEVICE);
		if (ib_dma_mapping_error(link->local.dev->ibdev, tp->dma)) {
			rc = -EIO;
		} else {
			tp->page = spare;
			tp->mapped = true;
		}
	}
	spin_unlock_bh(&pool->lock);
	return rc;
}

/**
 * smc_txpage_unmap - the device must not see a page any more
 * @link: the link, drained
 * @tp: the page
 *
 * Context: any, under smc_conn.lock of who owns @tp.
 */
void smc_txpage_unmap(struct smc_link *link, struct smc_txpage *tp)
{
	if (!tp->mapped)
		return;
	ib_dma_unmap_page(link->local.dev->ibdev, tp->dma, PAGE_SIZE,
			  DMA_TO_DEVICE);
	tp->mapped = false;
}

/**
 * smc_txpage_put - the data of a page has arrived at the peer
 * @link: the link
 * @tp: the page, afterwards empty
 *
 * Context: any but hard interrupts, under smc_conn.lock of who owns @tp.
 */
void smc_txpage_put(struct smc_link *link, struct smc_txpage *tp)
{
	struct smc_txpool *pool = &link->txpool;
	bool kept = false;

	if (tp->mapped) {
		spin_lock_bh(&pool->lock);
		kept = !pool->closed && pool->n < SMC_TXPOOL_PAGES;
		if (kept)
			pool->pages[pool->n++] = *tp;
		spin_unlock_bh(&pool->lock);
	}
	if (!kept) {
		smc_txpage_unmap(link, tp);
		__free_page(tp->page);
	}
	tp->page = NULL;
	tp->mapped = false;
}

/**
 * smc_txpool_close - free what a link keeps, and keep nothing more
 * @link: the link
 *
 * Context: process.
 */
void smc_txpool_close(struct smc_link *link)
{
	struct smc_txpool *pool = &link->txpool;

	spin_lock_bh(&pool->lock);
	pool->closed = true;
	spin_unlock_bh(&pool->lock);
	while (pool->n) {
		struct smc_txpage *tp = &pool->pages[--pool->n];

		smc_txpage_unmap(link, tp);
		__free_page(tp->page);
	}
}
