/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Posting and completing the work requests of a link
 */
#ifndef _SMC_WR_H
#define _SMC_WR_H

#include <linux/completion.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <rdma/ib_verbs.h>

struct smc_conn;
struct smc_link;

#define SMC_WR_MSG_LEN		44	/* every message of version 1 */
#define SMC_WR_BUF_LEN		64	/* spacing of message buffers */
#define SMC_WR_TX_SLOTS		256	/* messages in flight, a power of 2 */
#define SMC_WR_TX_RESERVE	8	/* of them for control messages only */
#define SMC_WR_TX_WRS		512	/* work requests of the send queue */
#define SMC_WR_RX_DEPTH		256	/* receive buffers, a power of 2 */
#define SMC_WR_RX_BATCH		8	/* receives posted again at once */
#define SMC_WR_SIGNAL_EVERY	16	/* messages without a completion */
#define SMC_WR_MAX_WRITES	8	/* RDMA writes ahead of one message */
#define SMC_WR_MAX_SGES		40	/* source segments of all of them */
#define SMC_WR_TIMEOUT		(5 * HZ) /* memory registration, [LNX] */
#define SMC_WR_SLOT_TIMEOUT	(10 * HZ) /* for a slot of a control message, [LNX] */

/**
 * struct smc_wr_wait - someone waits for the completion of a work request
 */
struct smc_wr_wait {
	/** @done: completed with @status set */
	struct completion	done;
	/** @status: 0 or -errno */
	int			status;
};

/**
 * struct smc_wr_tx - a message in flight with what is posted ahead of it
 *
 * The work requests of one message complete in order and those of later
 * messages complete later: a signalled completion ends all slots up to its own.
 */
struct smc_wr_tx {
	/** @cqe: names the slot in a completion */
	struct ib_cqe		cqe;
	/** @link: the link that the slot belongs to */
	struct smc_link		*link;
	/** @conn: the connection whose data this is, holds a reference */
	struct smc_conn		*conn;
	/** @pos: the connection's stream position after this message */
	u64			pos;
	/** @wait: someone who waits, or NULL */
	struct smc_wr_wait	*wait;
	/** @n_wrs: work requests that the slot accounts for */
	u16			n_wrs;
	/** @signaled: its completion was asked for */
	bool			signaled;
};

/**
 * struct smc_wr_rx - a posted receive
 */
struct smc_wr_rx {
	/** @cqe: names the receive in a completion */
	struct ib_cqe		cqe;
	/** @link: the link that it belongs to */
	struct smc_link		*link;
};

/**
 * struct smc_wr - the queues of a link
 */
struct smc_wr {
	/**
	 * @lock: guards the send side. Taken inside smc_conn.lock; softirq
	 * context takes it too.
	 */
	spinlock_t		lock;
	/** @open: posting is allowed */
	bool			open;
	/** @closed: posting is over for good, before the QP is drained */
	bool			closed;
	/** @quiet: nothing but the one who set it may post, for a moment */
	bool			quiet;
	/** @inlined: the device copies messages when they are posted */
	bool			inlined;
	/** @max_inline: bytes that it can copy */
	u32			max_inline;
	/** @head: messages posted since the beginning */
	u32			head;
	/** @tail: messages completed since the beginning; softirq context */
	u32			tail;
	/** @unsignaled: messages since the last one that was signalled */
	u32			unsignaled;
	/** @unsignaled_wrs: their work requests */
	u32			unsignaled_wrs;
	/** @wrs_free: work requests that the send queue can still take */
	u32			wrs_free;
	/** @wrs_max: all that it can take */
	u32			wrs_max;
	/** @tx: the slots, indexed by message number */
	struct smc_wr_tx	*tx;
	/** @tx_buf: SMC_WR_BUF_LEN bytes a slot */
	u8			*tx_buf;
	/** @tx_dma: DMA address of @tx_buf unless @inlined */
	u64			tx_dma;
	/** @waiting: connections that found no slot, first come first served */
	struct list_head	waiting;
	/** @rx: the receives */
	struct smc_wr_rx	*rx;
	/** @rx_buf: SMC_WR_BUF_LEN bytes a receive */
	u8			*rx_buf;
	/** @rx_dma: DMA address of @rx_buf */
	u64			rx_dma;
	/** @rx_done: indices of receives to be posted again; softirq context */
	u16			rx_done[SMC_WR_RX_BATCH];
	/** @n_rx_done: entries of @rx_done */
	unsigned int		n_rx_done;
};

/**
 * struct smc_wr_chunk - data and the message that announces it
 */
struct smc_wr_chunk {
	/** @n_writes: RDMA writes to be done first */
	unsigned int		n_writes;
	/** @write: source is @n_sge entries of @sge from @first_sge on */
	struct {
		u64		remote_addr;
		u16		first_sge;
		u16		n_sge;
		u32		len;
	} write[SMC_WR_MAX_WRITES];
	/** @rkey: the peer's memory */
	u32			rkey;
	/** @n_sges: entries of @sge in use */
	unsigned int		n_sges;
	/** @sge: source segments */
	struct ib_sge		sge[SMC_WR_MAX_SGES];
	/** @pos: stream position of the connection after this chunk */
	u64			pos;
	/** @inlined: segments are CPU addresses, copied when posted */
	bool			inlined;
	/** @signal: a completion is wanted */
	bool			signal;
	/** @signaled: output: a completion will come */
	bool			signaled;
	/** @msg: the message */
	u8			msg[SMC_WR_MSG_LEN];
};

int smc_wr_create(struct smc_link *link);
void smc_wr_destroy(struct smc_link *link);
int smc_wr_post_receives(struct smc_link *link);
void smc_wr_open(struct smc_link *link);
void smc_wr_close(struct smc_link *link);
void smc_wr_drained(struct smc_link *link);

int smc_wr_post_chunk(struct smc_link *link, struct smc_conn *conn,
		      struct smc_wr_chunk *chunk);
int smc_wr_send(struct smc_link *link, const u8 *msg);
int smc_wr_send_wait(struct smc_link *link, const u8 *msg);
int smc_wr_register(struct smc_link *link, struct ib_mr *mr);
void smc_wr_forget(struct smc_link *link, struct smc_conn *conn);

#endif
