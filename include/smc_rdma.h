/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The transport of SMC-R: RDMA writes, announced by CDC messages
 */
#ifndef _SMC_RDMA_H
#define _SMC_RDMA_H

struct smc_conn_ops;

extern const struct smc_conn_ops smc_rdma_ops;

#endif
