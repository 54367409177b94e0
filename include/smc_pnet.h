/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which RoCE port serves which net device
 */
#ifndef _SMC_PNET_H
#define _SMC_PNET_H

#include <linux/types.h>

#include "smc_ib.h"

struct sock;

int smc_pnet_find(struct sock *clcsk, enum smc_gid_kind kind,
		  struct smc_ib_local *local);

#endif
