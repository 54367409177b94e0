// SPDX-License-Identifier: GPL-2.0
/*
 * Counters: every decision of the module has one
 *
 * /proc/net/smc_stat of the initial namespace: "name value" a line, for the
 * whole machine; fallbacks are listed by reason.
 */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>

#include "smc_clc_msg.h"
#include "smc_stats.h"

DEFINE_PER_CPU(struct smc_stats, smc_stats);

#define SMC_STAT_NAME(id, name)	name,
static const char * const smc_stat_names[] = {
	SMC_STATS(SMC_STAT_NAME)
};

/* diagnosis code -> number of fallbacks, as xarray values */
static DEFINE_XARRAY(smc_fallback_reasons);

/**
 * smc_stats_fallback - count a fallback
 * @reason: diagnosis code of our own
 * @server: our role
 *
 * Context: process.
 */
void smc_stats_fallback(u32 reason, bool server)
{
	unsigned long n;

	SMC_STAT_INC(server ? SMC_STAT_FALLBACK_SERVER :
			      SMC_STAT_FALLBACK_CLIENT);
	xa_lock(&smc_fallback_reasons);
	n = xa_to_value(xa_load(&smc_fallback_reasons, reason));
	__xa_store(&smc_fallback_reasons, reason, xa_mk_value(n + 1),
		   GFP_ATOMIC);
	xa_unlock(&smc_fallback_reasons);
}

static int smc_stats_show(struct seq_file *seq, void *v)
{
	unsigned long reason;
	void *entry;
	int i, cpu;

	for (i = 0; i < SMC_STAT_MAX; i++) {
		unsigned long sum = 0;

		for_each_possible_cpu(cpu)
			sum += per_cpu(smc_stats, cpu).count[i];
		seq_printf(seq, "%s %lu\n", smc_stat_names[i], sum);
	}
	xa_for_each(&smc_fallback_reasons, reason, entry)
		seq_printf(seq, "fallback_0x%08lx_%s %lu\n", reason,
			   smc_diag_name(reason), xa_to_value(entry));
	return 0;
}

/**
 * smc_stats_init - show the counters
 *
 * Return: 0 or -ENOMEM.
 */
int smc_stats_init(void)
{
	if (!proc_create_single("smc_stat", 0444, init_net.proc_net,
				smc_stats_show))
		return -ENOMEM;
	return 0;
}

/**
 * smc_stats_exit - hide the counters
 */
void smc_stats_exit(void)
{
	remove_proc_entry("smc_stat", init_net.proc_net);
	xa_destroy(&smc_fallback_reasons);
}
