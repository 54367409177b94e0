/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cursors and flags of one connection on the wire
 */
#ifndef _SMC_CDC_H
#define _SMC_CDC_H

#include <linux/types.h>

struct smc_conn;
struct smc_link;
struct smc_tx_post;

void smc_cdc_prepare(struct smc_conn *conn, struct smc_tx_post *post);
void smc_cdc_rx(struct smc_link *link, const u8 *buf, u32 len);

#endif
