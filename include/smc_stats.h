/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters: every decision of the module has one
 */
#ifndef _SMC_STATS_H
#define _SMC_STATS_H

#include <linux/percpu.h>
#include <linux/types.h>

/* identifier, name in /proc/net/smc_stat */
#define SMC_STATS(X)					\
	X(CONN_CLIENT,		"conns_client")		\
	X(CONN_SERVER,		"conns_server")		\
	X(FIRST_CONTACT,	"first_contacts")	\
	X(FALLBACK_CLIENT,	"fallbacks_client")	\
	X(FALLBACK_SERVER,	"fallbacks_server")	\
	X(DECLINE_SENT,		"declines_sent")	\
	X(DECLINE_RCVD,		"declines_received")	\
	X(HS_FAILED,		"handshakes_failed")	\
	X(CLC_BAD,		"clc_malformed")	\
	X(CLC_TIMEOUT,		"clc_timeouts")		\
	X(LINK_DOWN,		"links_failed")		\
	X(LLC_BAD,		"llc_malformed")	\
	X(LLC_UNEXPECTED,	"llc_unexpected")	\
	X(LLC_TIMEOUT,		"llc_timeouts")		\
	X(LLC_OVERFLOW,		"llc_queue_overflows")	\
	X(LLC_REJECTED,		"llc_requests_rejected") \
	X(RX_CDC_BAD,		"cdc_malformed")	\
	X(RX_CDC_NO_CONN,	"cdc_unknown_token")	\
	X(RX_CDC_OLD,		"cdc_old_sequence")	\
	X(RX_CDC_CURSOR,	"cdc_cursor_violations") \
	X(RX_ABORT,		"aborts_received")	\
	X(TX_NO_SLOT,		"send_queue_full")	\
	X(TCP_RESET,		"tcp_resets")		\
	X(ORPHANS,		"orphans_aborted")

#define SMC_STAT_ENUM(id, name)	SMC_STAT_##id,
enum smc_stat {
	SMC_STATS(SMC_STAT_ENUM)
	SMC_STAT_MAX
};

/**
 * struct smc_stats - the counters of a CPU
 */
struct smc_stats {
	/** @count: indexed by enum smc_stat */
	unsigned long	count[SMC_STAT_MAX];
};

DECLARE_PER_CPU(struct smc_stats, smc_stats);

#define SMC_STAT_INC(id)	this_cpu_inc(smc_stats.count[id])

void smc_stats_fallback(u32 reason, bool server);
int smc_stats_init(void);
void smc_stats_exit(void);

#endif
