/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Control messages inside a link group
 */
#ifndef _SMC_LLC_H
#define _SMC_LLC_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "smc_llc_msg.h"

struct smc_lgr;
struct smc_link;
struct smc_rmb;

#define SMC_LLC_MAX_QUEUED	64	/* messages that wait for the worker */
#define SMC_LLC_WAIT		(2 * HZ) /* for a reply */
#define SMC_LLC_WAIT_FIRST	(4 * HZ) /* client: for the first CONFIRM LINK */
#define SMC_LLC_TEST_INTERVAL	(30 * HZ) /* a silent link is tested */

/**
 * struct smc_llc - control messages of a link group
 *
 * All received messages are worked off by one work item, one after another,
 * and that never waits for the peer. Who wants something of the peer sends a
 * request and waits on smc_lgr.wait.
 */
struct smc_llc {
	/** @lock: guards @queue; softirq context takes it */
	spinlock_t		lock;
	/** @queue: received messages, each with references of its own */
	struct list_head	queue;
	/** @n_queued: entries of @queue */
	unsigned int		n_queued;
	/** @work: works off @queue; queued with a reference to the group */
	struct work_struct	work;
	/** @flow_lock: one request about rkeys of ours at a time; sleeps */
	struct mutex		flow_lock;
	/** @flow_type: what the answer is waited for, 0 if nothing */
	u8			flow_type;
	/** @flow_rkey: of which RMB */
	u32			flow_rkey;
	/** @flow_result: 0 while waiting, 1 agreed, -errno refused */
	int			flow_result;
};

void smc_llc_init(struct smc_lgr *lgr);
void smc_llc_end(struct smc_lgr *lgr);
void smc_llc_rx(struct smc_link *link, const u8 *buf, u32 len);
int smc_llc_send_confirm_link(struct smc_link *link, bool response);
int smc_llc_wait_confirm_link(struct smc_link *link, long timeout);
int smc_llc_confirm_rkey(struct smc_link *link, const struct smc_rmb *rmb);
int smc_llc_delete_rkey(struct smc_link *link, u32 rkey);
void smc_llc_send_delete_all(struct smc_link *link, u32 reason, bool orderly);
void smc_llc_test_start(struct smc_link *link);
void smc_llc_test_work(struct work_struct *work);

#endif
