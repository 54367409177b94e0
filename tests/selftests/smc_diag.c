// SPDX-License-Identifier: GPL-2.0
/*
 * smc_diag: every AF_SMC socket as one line of JSON, for the test suites.
 *
 *	smc_diag [-s STATE] [-p PORT] [-c]
 *
 * -s only sockets in that state (ACTIVE, LISTEN, ...), -p only those with that
 * local or peer port, -c only a summary line with counts.
 */
#define _GNU_SOURCE
#include "smctest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	const char *state;
	int port;
	bool count;
	unsigned int total, mode[3];
} o;

static void cursor(const char *name, struct st_cursor c)
{
	printf(",\"%s\":[%u,%u]", name, c.wrap, c.count);
}

static int show(const struct st_diag *d, void *arg)
{
	if (o.state && strcmp(o.state, st_state_name(d->state)))
		return 0;
	if (o.port && d->sport != o.port && d->dport != o.port)
		return 0;
	o.total++;
	if (d->mode < 3)
		o.mode[d->mode]++;
	if (o.count)
		return 0;
	printf("{\"family\":%u,\"state\":\"%s\",\"mode\":\"%s\",\"shutdown\":%u",
	       d->family, st_state_name(d->state), st_mode_name(d->mode), d->shutdown);
	printf(",\"src\":\"%s\",\"sport\":%u,\"dst\":\"%s\",\"dport\":%u",
	       d->src, d->sport, d->dst, d->dport);
	printf(",\"if\":%u,\"uid\":%u,\"inode\":%llu,\"cookie\":%llu", d->ifindex,
	       d->uid, (unsigned long long)d->inode, (unsigned long long)d->cookie);
	if (d->has_fallback)
		printf(",\"reason\":\"0x%08x\",\"peer_diagnosis\":\"0x%08x\"",
		       d->reason, d->peer_diagnosis);
	if (d->has_conn) {
		printf(",\"conn\":{\"token\":%u,\"sndbuf\":%u,\"rmbe\":%u,\"peer_rmbe\":%u",
		       d->conn.token, d->conn.sndbuf, d->conn.rmbe, d->conn.peer_rmbe);
		cursor("rx_prod", d->conn.rx_prod);
		cursor("rx_cons", d->conn.rx_cons);
		cursor("tx_prod", d->conn.tx_prod);
		cursor("tx_cons", d->conn.tx_cons);
		cursor("tx_prep", d->conn.tx_prep);
		cursor("tx_sent", d->conn.tx_sent);
		cursor("tx_fin", d->conn.tx_fin);
		printf(",\"rx_prod_flags\":%u,\"rx_conn_flags\":%u",
		       d->conn.rx_prod_flags, d->conn.rx_conn_flags);
		printf(",\"tx_prod_flags\":%u,\"tx_conn_flags\":%u}",
		       d->conn.tx_prod_flags, d->conn.tx_conn_flags);
	}
	if (d->has_lgr)
		printf(",\"lgr\":{\"link\":%u,\"ibname\":\"%s\",\"ibport\":%u,\"gid\":\"%s\","
		       "\"peer_gid\":\"%s\",\"role\":\"%s\"}", d->lgr.link_id,
		       d->lgr.ibname, d->lgr.ibport, d->lgr.gid, d->lgr.peer_gid,
		       d->lgr.role ? "server" : "client");
	printf("}\n");
	return 0;
}

int main(int argc, char **argv)
{
	int c, ret;

	while ((c = getopt(argc, argv, "s:p:c")) != -1) {
		switch (c) {
		case 's':
			o.state = optarg;
			break;
		case 'p':
			o.port = st_num(optarg, 1, 65535);
			break;
		case 'c':
			o.count = true;
			break;
		default:
			return 2;
		}
	}
	ret = st_diag_dump(3, show, NULL);
	if (ret < 0) {
		printf("{\"error\":\"%s\"}\n", st_errname(ret));
		return 1;
	}
	if (o.count)
		printf("{\"total\":%u,\"smcr\":%u,\"tcp\":%u}\n", o.total,
		       o.mode[ST_MODE_SMCR], o.mode[ST_MODE_TCP]);
	return 0;
}
