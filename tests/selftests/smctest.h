/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the test programs share: addresses, sockets of the family under test,
 * a reader of the sock_diag records of AF_SMC, and readiness messages.
 */
#ifndef SMCTEST_H
#define SMCTEST_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#ifndef AF_SMC
#define AF_SMC 43
#endif
#define SMCPROTO_SMC 0
#define SMCPROTO_SMC6 1

/* diag_mode of a sock_diag record */
enum { ST_MODE_SMCR, ST_MODE_TCP, ST_MODE_SMCD };

/* What sock_diag said about one connection of this process. */
struct st_mode {
	uint64_t inode;		/* 0: no socket, or known already */
	bool known;
	uint8_t mode;
	uint32_t reason, peer_diagnosis;
};

/* counts by name, printed as a JSON object */
struct st_tally {
	const char *name[32];
	int n[32];
};

/* How sockets are made: the same program tests AF_SMC and plain TCP. */
struct st_family {
	bool tcp;		/* plain TCP, what AF_SMC has to equal */
	bool v6;		/* IPv6 inside */
	bool mapped;		/* IPv6 socket, IPv4 addresses as ::ffff:a.b.c.d */
	int sndbuf, rcvbuf;	/* SO_SNDBUF, SO_RCVBUF before connect/listen; 0 = default */
};

union st_addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct st_cursor {
	uint16_t reserved, wrap;
	uint32_t count;
};

/* One record of a sock_diag dump of family 43, decoded. */
struct st_diag {
	uint8_t family, state, mode, shutdown;
	uint16_t sport, dport;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	uint32_t ifindex, uid;
	uint64_t cookie, inode;
	bool has_fallback;
	uint32_t reason, peer_diagnosis;
	bool has_conn;
	struct {
		uint32_t token, sndbuf, rmbe, peer_rmbe;
		struct st_cursor rx_prod, rx_cons, tx_prod, tx_cons;
		uint8_t rx_prod_flags, rx_conn_flags;
		uint8_t tx_prod_flags, tx_conn_flags;
		struct st_cursor tx_prep, tx_sent, tx_fin;
	} conn;
	bool has_lgr;
	struct {
		uint8_t link_id, ibport, role;
		char ibname[65], gid[41], peer_gid[41];
	} lgr;
};

/* handles one of the options every program has; false if it is another */
bool st_family_opt(struct st_family *f, int opt, const char *arg);
#define ST_FAMILY_LONG \
	{ "tcp", no_argument, NULL, 'T' }, \
	{ "mapped", no_argument, NULL, 'M' }, \
	{ "sndbuf", required_argument, NULL, 'B' }, \
	{ "rcvbuf", required_argument, NULL, 'R' }
#define ST_FAMILY_SHORT "46TMB:R:"

long st_num(const char *arg, long min, long max);
void st_addr(const struct st_family *f, const char *host, int port,
	     union st_addr *a, socklen_t *len);
int st_socket(const struct st_family *f, int flags);
int st_listen(const struct st_family *f, const char *host, int port,
	      int backlog, int flags, int *bound_port);
uint64_t st_now_ms(void);
const char *st_errname(int err);
const char *st_state_name(int state);
const char *st_mode_name(int mode);
void st_ready(const char *path, const char *msg);
int st_diag_dump(unsigned int ext, int (*cb)(const struct st_diag *, void *),
		 void *arg);
int st_diag_fd(int fd, unsigned int ext, struct st_diag *d);
void st_mode_watch(struct st_mode *m, int fd);
int st_modes_fill(struct st_mode *first, size_t stride, int n);
void st_modes_print(const struct st_mode *first, size_t stride, int n);
void st_count(struct st_tally *t, const char *name);
void st_tally_print(const struct st_tally *t);
void st_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
