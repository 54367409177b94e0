/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory: RMBs with their elements, pages of data to be sent
 */
#ifndef _SMC_BUF_H
#define _SMC_BUF_H

#include <linux/bitmap.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <rdma/ib_verbs.h>

struct smc_lgr;
struct smc_link;

#define SMC_RMB_MAX_ELEMS	255	/* the index on the wire is a byte */
#define SMC_RMB_BYTES		SZ_1M /* of an RMB, if elements are small */
#define SMC_RMB_FIRST_BYTES	SZ_256K /* the same, a group's first RMB */
#define SMC_RMB_LOW		2	/* free elements when more are made */
#define SMC_RMB_KEEP		16	/* free elements that an unused RMB must leave */
#define SMC_TXPOOL_PAGES	128	/* spare pages that a link keeps */
#define SMC_RMBE_CODES		16

/**
 * enum smc_rmb_state - how far the peer knows of an RMB
 * @SMC_RMB_NEW:	made, to be registered and announced
 * @SMC_RMB_READY:	registered and announced: elements cost nothing more
 * @SMC_RMB_DEAD:	registration or announcement failed
 */
enum smc_rmb_state {
	SMC_RMB_NEW,
	SMC_RMB_READY,
	SMC_RMB_DEAD,
};

/**
 * struct smc_rmb - remote memory buffer: one registration, many elements
 *
 * Referenced by the link group's list and by each connection that has an
 * element. Registration and DMA mapping belong to the link and end with it,
 * the memory ends with the last reference.
 */
struct smc_rmb {
	/** @node: in smc_lgr.rmbs */
	struct list_head	node;
	/** @refs: see above */
	refcount_t		refs;
	/** @state: enum smc_rmb_state; changes wake smc_lgr.wait */
	int			state;
	/** @registered: the device has it, whatever the peer thinks */
	bool			registered;
	/** @cpu: the memory */
	u8			*cpu;
	/** @elem_size: bytes of an element, a power of 2 */
	u32			elem_size;
	/** @n_elems: number of elements */
	unsigned int		n_elems;
	/** @n_used: number of bits set in @used; under smc_lgr.buf_lock */
	unsigned int		n_used;
	/** @used: elements in use; under smc_lgr.buf_lock */
	DECLARE_BITMAP(used, SMC_RMB_MAX_ELEMS);
	/** @sgt: its pages, mapped for the device of @link */
	struct sg_table		sgt;
	/** @dma: DMA address of each page; NULL if the device needs no sync */
	u64			*dma;
	/** @mr: the registration; NULL when there is no link any more */
	struct ib_mr		*mr;
	/** @link: the link that @mr and @sgt are mapped for */
	struct smc_link		*link;
	/** @rkey: what the peer names it by on @link */
	u32			rkey;
	/** @vaddr: its address for the peer */
	u64			vaddr;
};

/**
 * struct smc_rmbe - an element in the hands of a connection
 */
struct smc_rmbe {
	/** @rmb: with a reference */
	struct smc_rmb		*rmb;
	/** @base: the memory */
	u8			*base;
	/** @size: bytes */
	u32			size;
	/** @idx: index on the wire, from 1 */
	u8			idx;
};

/**
 * struct smc_txpage - a page of data to be sent
 */
struct smc_txpage {
	/** @page: the page, or NULL */
	struct page		*page;
	/** @dma: its address for the link's device, while @mapped */
	u64			dma;
	/** @mapped: @dma is valid */
	bool			mapped;
};

/**
 * struct smc_txpool - mapped pages without use, kept by a link
 */
struct smc_txpool {
	/** @lock: guards the pool; innermost, softirq context takes it too */
	spinlock_t		lock;
	/** @closed: the device is going away, nothing is kept any more */
	bool			closed;
	/** @n: entries in @pages */
	unsigned int		n;
	/** @pages: the pages */
	struct smc_txpage	pages[SMC_TXPOOL_PAGES];
};

int smc_rmbe_get(struct smc_lgr *lgr, struct smc_link *link, u32 size,
		 struct smc_rmbe *rmbe);
void smc_rmbe_put(struct smc_lgr *lgr, struct smc_rmbe *rmbe, u32 dirty);
void smc_rmbe_sync(const struct smc_rmbe *rmbe, u64 from, u64 to);
void smc_rmbs_unmap(struct smc_link *link);
void smc_rmbs_free(struct smc_lgr *lgr);
int smc_rmb_register(struct smc_link *link, struct smc_rmb *rmb,
		     bool announce);

void smc_rmb_work(struct work_struct *work);

int smc_txpage_get(struct smc_link *link, struct smc_txpage *tp,
		   struct page *spare);
void smc_txpage_put(struct smc_link *link, struct smc_txpage *tp);
void smc_txpage_unmap(struct smc_link *link, struct smc_txpage *tp);
void smc_txpool_close(struct smc_link *link);

#endif
