// SPDX-License-Identifier: GPL-2.0
/*
 * The transport of SMC-R: RDMA writes, announced by CDC messages
 */
#include <net/sock.h>

#include "smc_cdc.h"
#include "smc_core.h"
#include "smc_rdma.h"
#include "smc_wr.h"

/* where in the peer's memory its element begins */
static u64 smc_rdma_element(const struct smc_conn *conn)
{
	return conn->rtoken->vaddr[conn->link->idx] +
	       (u64)(conn->peer_idx - 1) * conn->peer_size;
}

/*
 * Describe one run of the peer's ring: source segments page by page, a new
 * write when the device cannot gather more. Returns bytes described.
 */
static u32 smc_rdma_writes(struct smc_conn *conn, struct smc_wr_chunk *chunk,
			   u64 pos, u64 remote_addr, u32 len)
{
	u32 mask = conn->tx_size / PAGE_SIZE - 1, done = 0, off, n;
	unsigned int max_sge = conn->link->local.dev->max_sge;
	struct smc_txpage *tp;

	while (done < len && chunk->n_writes < SMC_WR_MAX_WRITES &&
	       chunk->n_sges < SMC_WR_MAX_SGES) {
		unsigned int w = chunk->n_writes++;

		chunk->write[w].remote_addr = remote_addr + done;
		chunk->write[w].first_sge = chunk->n_sges;
		chunk->write[w].n_sge = 0;
		while (done < len && chunk->write[w].n_sge < max_sge &&
		       chunk->n_sges < SMC_WR_MAX_SGES) {
			struct ib_sge *sge = &chunk->sge[chunk->n_sges++];

			tp = &conn->tx_pages[((pos + done) >> PAGE_SHIFT) & mask];
			off = (pos + done) & ~PAGE_MASK;
			n = min_t(u32, len - done, PAGE_SIZE - off);
			sge->length = n;
			sge->lkey = conn->link->pd->local_dma_lkey;
			if (chunk->inlined) {
				sge->addr = (uintptr_t)page_address(tp->page) +
					    off;
			} else {
				sge->addr = tp->dma + off;
				ib_dma_sync_single_for_device(conn->link->local.dev->ibdev,
							      sge->addr, n,
							      DMA_TO_DEVICE);
			}
			chunk->write[w].n_sge++;
			done += n;
		}
	}
	return done;
}

/* bytes that the writes of a chunk can hold, if not all of len */
static u32 smc_rdma_fill(struct smc_conn *conn, struct smc_wr_chunk *chunk,
			 u32 len)
{
	u64 element = smc_rdma_element(conn);
	struct smc_ring_part part[2];
	unsigned int n_parts, i;
	u32 done = 0, n;

	n_parts = smc_ring_split(conn->tx_sent, len, conn->peer_size, part);
	for (i = 0; i < n_parts; i++) {
		n = smc_rdma_writes(conn, chunk, conn->tx_sent + done,
				    element + part[i].off, part[i].len);
		done += n;
		if (n < part[i].len)
			break;
	}
	return done;
}

static int smc_rdma_post(struct smc_conn *conn, struct smc_tx_post *post)
{
	struct smc_wr_chunk chunk;
	int rc;

	chunk.n_writes = 0;
	chunk.n_sges = 0;
	chunk.inlined = post->len && post->len <= conn->link->wr.max_inline;
	chunk.rkey = conn->rtoken->rkey[conn->link->idx];
	if (post->len) {
		post->len = smc_rdma_fill(conn, &chunk, post->len);
		if (post->len < post->unsent)
			post->end_flags = 0;
	}
	smc_cdc_prepare(conn, post);
	smc_cdc_build(chunk.msg, &post->msg);
	chunk.pos = conn->tx_sent + post->len;
	chunk.signal = post->signal;

	rc = smc_wr_post_chunk(conn->link, conn, &chunk);
	if (!rc)
		post->signal = chunk.signaled;
	return rc;
}

static int smc_rdma_page_get(struct smc_conn *conn, struct smc_txpage *tp,
			     struct page *spare)
{
	return smc_txpage_get(conn->link, tp, spare);
}

static void smc_rdma_page_put(struct smc_conn *conn, struct smc_txpage *tp)
{
	smc_txpage_put(conn->link, tp);
}

const struct smc_conn_ops smc_rdma_ops = {
	.post		= smc_rdma_post,
	.page_get	= smc_rdma_page_get,
	.page_put	= smc_rdma_page_put,
	.release	= smc_conn_release,
};
