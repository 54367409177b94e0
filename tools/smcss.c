// SPDX-License-Identifier: GPL-2.0
/*
 * smcss: the AF_SMC sockets of this network namespace, one per line.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define VERSION "smc-tools-1.8.5"
#define DIAG_BY_FAMILY 20
#define SEQUENCE 123456
#define ADDR_WIDTH 23

enum { EXT_CONN = 0x01, EXT_LGR = 0x02, EXT_DMB = 0x08 };
enum { ATTR_CONN = 1, ATTR_LGR, ATTR_SHUTDOWN, ATTR_DMB, ATTR_FALLBACK, ATTR_END };
enum { LEN_CONN = 76, LEN_LGR = 147, LEN_SHUTDOWN = 1, LEN_DMB = 40, LEN_FALLBACK = 8 };
enum { MODE_SMCR, MODE_TCP, MODE_SMCD };
enum { STATE_ACTIVE = 1, STATE_INIT, STATE_CLOSED = 7, STATE_LISTEN = 10 };

struct cursor {
	uint16_t reserved, wrap;
	uint32_t count;
};

/* ABI of the sock_diag records of family 43 */
struct record {
	uint8_t family, state, mode, shutdown;
	uint16_t sport, dport;
	uint8_t src[16], dst[16];
	uint32_t ifindex, cookie[2];
	uint32_t uid;
	uint64_t inode;
};

struct conn_info {
	uint32_t token, sndbuf, rcvbuf, peerbuf;
	struct cursor rx_prod, rx_cons, tx_prod, tx_cons;
	uint8_t rx_prod_flags, rx_conn_flags, tx_prod_flags, tx_conn_flags;
	struct cursor tx_prep, tx_sent, tx_fin;
};

struct lgr_info {
	uint8_t link_id;
	char ibname[64];
	uint8_t ibport;
	char gid[40], peer_gid[40];
	uint8_t role;
};

struct dmb_info {
	uint32_t link_id, pad;
	uint64_t peer_gid, gid, token, peer_token;
};

_Static_assert(sizeof(struct record) == 64, "record");
_Static_assert(sizeof(struct conn_info) == LEN_CONN, "conn_info");
_Static_assert(sizeof(struct lgr_info) == LEN_LGR, "lgr_info");
_Static_assert(sizeof(struct dmb_info) == LEN_DMB, "dmb_info");

static bool show_all, show_listen, show_debug, show_smcr, show_smcd, wide;

/* where the attributes of a record are; NULL for those that did not come */
struct attrs {
	const void *at[ATTR_END];
};

static const char *state_name(uint8_t state)
{
	static const char *const late[] = {
		"PEERCLOSEWAIT1", "PEERCLOSEWAIT2", "APPCLOSEWAIT1", "APPCLOSEWAIT2",
		"APPFINCLOSEWAIT1", "PEERFINCLOSEWAIT", "PEERABORTWAIT", "PROCESSABORT",
	};
	static char other[8];

	switch (state) {
	case STATE_ACTIVE:
		return "ACTIVE";
	case STATE_INIT:
		return "INIT";
	case STATE_CLOSED:
		return "CLOSED";
	case STATE_LISTEN:
		return "LISTEN";
	}
	if (state >= 20 && state <= 27)
		return late[state - 20];
	snprintf(other, sizeof(other), "%x?", state);
	return other;
}

static void print_addr(const uint8_t *addr, uint16_t port)
{
	static const uint8_t zero[12];
	char text[INET6_ADDRSTRLEN], suffix[8];
	int family = memcmp(addr + 4, zero, sizeof(zero)) ? AF_INET6 : AF_INET;
	int len;

	inet_ntop(family, addr, text, sizeof(text));
	len = snprintf(suffix, sizeof(suffix), ":%u", ntohs(port));
	if (!wide && (int)strlen(text) + len > ADDR_WIDTH)
		strcpy(text + ADDR_WIDTH - len - 2, "..");
	printf("%s%s%*s ", text, suffix,
	       ADDR_WIDTH > (int)strlen(text) + len ? ADDR_WIDTH - (int)strlen(text) - len : 0, "");
}

static void print_cursor(struct cursor c)
{
	printf("%04x:%08x ", c.wrap, c.count);
}

static void print_header(void)
{
	printf("State          UID   Inode   Local Address           Peer Address            Intf Mode ");
	if (show_debug)
		printf("Shutd Token    Sndbuf   Rcvbuf   Peerbuf  rxprod-Cursor rxcons-Cursor rxFlags "
		       "txprod-Cursor txcons-Cursor txFlags txprep-Cursor txsent-Cursor txfin-Cursor  ");
	if (show_smcr)
		printf("Role IB-device       Port Linkid GID                                      Peer-GID");
	if (show_smcd)
		printf("GID              Token            Peer-GID         Peer-Token       Linkid");
	printf("\n");
}

static void print_debug(const struct attrs *a)
{
	const uint8_t *shut = a->at[ATTR_SHUTDOWN];
	struct conn_info c;

	if (shut)
		printf(" %c-%c  ", *shut & 1 ? 'R' : '<', *shut & 2 ? 'W' : '>');
	if (!a->at[ATTR_CONN])
		return;
	memcpy(&c, a->at[ATTR_CONN], sizeof(c));
	printf("%08x %08x %08x %08x ", c.token, c.sndbuf, c.rcvbuf, c.peerbuf);
	print_cursor(c.rx_prod);
	print_cursor(c.rx_cons);
	printf("%02x:%02x   ", c.rx_prod_flags, c.rx_conn_flags);
	print_cursor(c.tx_prod);
	print_cursor(c.tx_cons);
	printf("%02x:%02x   ", c.tx_prod_flags, c.tx_conn_flags);
	print_cursor(c.tx_prep);
	print_cursor(c.tx_sent);
	print_cursor(c.tx_fin);
}

static void print_smcr(const struct attrs *a)
{
	struct lgr_info l;

	if (!a->at[ATTR_LGR])
		return;
	memcpy(&l, a->at[ATTR_LGR], sizeof(l));
	printf("%s %-15.64s %02x   %02x     %-40.40s %.40s", l.role ? "SERV" : "CLNT",
	       l.ibname, l.ibport, l.link_id, l.gid, l.peer_gid);
}

static void print_smcd(const struct attrs *a)
{
	struct dmb_info d;

	if (!a->at[ATTR_DMB])
		return;
	memcpy(&d, a->at[ATTR_DMB], sizeof(d));
	printf("%016llx %016llx %016llx %016llx %08x", (unsigned long long)d.gid,
	       (unsigned long long)d.token, (unsigned long long)d.peer_gid,
	       (unsigned long long)d.peer_token, d.link_id);
}

static void print_record(const struct record *r, const struct attrs *a)
{
	uint32_t fallback[2] = {};

	if (show_listen ? r->state != STATE_LISTEN :
	    !show_all && (r->state == STATE_LISTEN || r->state == STATE_INIT))
		return;
	if ((show_smcr && r->mode != MODE_SMCR) || (show_smcd && r->mode != MODE_SMCD))
		return;

	printf("%-14s %05u %07llu ", state_name(r->state), r->uid,
	       (unsigned long long)r->inode);
	if (r->state == STATE_INIT)
		goto end;
	print_addr(r->src, r->sport);
	if (r->state == STATE_LISTEN)
		goto end;
	print_addr(r->dst, r->dport);
	printf("%04x ", r->ifindex);
	if (r->state == STATE_CLOSED)
		goto end;
	if (r->mode == MODE_TCP) {
		printf("TCP ");
		if (a->at[ATTR_FALLBACK]) {
			memcpy(fallback, a->at[ATTR_FALLBACK], sizeof(fallback));
			printf("0x%08x", fallback[0]);
			if (fallback[1])
				printf("/0x%08x", fallback[1]);
		}
		goto end;
	}
	printf("%s ", r->mode == MODE_SMCD ? "SMCD" : "SMCR");
	if (show_debug)
		print_debug(a);
	if (show_smcr)
		print_smcr(a);
	if (show_smcd)
		print_smcd(a);
end:
	printf("\n");
}

/* false if the message is malformed */
static bool handle(const struct nlmsghdr *h)
{
	static const uint16_t need[ATTR_END] = {
		[ATTR_CONN] = LEN_CONN, [ATTR_LGR] = LEN_LGR,
		[ATTR_SHUTDOWN] = LEN_SHUTDOWN, [ATTR_DMB] = LEN_DMB,
		[ATTR_FALLBACK] = LEN_FALLBACK,
	};
	const char *p = NLMSG_DATA(h);
	size_t left = h->nlmsg_len - NLMSG_HDRLEN;
	struct attrs a = {};
	struct record r;
	struct nlattr na;

	if (h->nlmsg_type != DIAG_BY_FAMILY || left < sizeof(r))
		return false;
	memcpy(&r, p, sizeof(r));
	p += sizeof(r);
	left -= sizeof(r);
	while (left >= sizeof(na)) {
		size_t step;

		memcpy(&na, p, sizeof(na));
		if (na.nla_len < sizeof(na) || na.nla_len > left)
			return false;
		if (na.nla_type < ATTR_END && na.nla_len - sizeof(na) >= need[na.nla_type])
			a.at[na.nla_type] = p + sizeof(na);
		step = NLA_ALIGN(na.nla_len);
		if (step >= left)
			break;
		p += step;
		left -= step;
	}
	print_record(&r, &a);
	return true;
}

static int dump(void)
{
	struct {
		struct nlmsghdr h;
		uint8_t family, pad[2], ext, id[48];
	} req = {
		.h = { .nlmsg_len = sizeof(req), .nlmsg_type = DIAG_BY_FAMILY,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_ROOT, .nlmsg_seq = SEQUENCE },
		.family = AF_SMC,
		.ext = (show_debug ? EXT_CONN : 0) | (show_smcr ? EXT_LGR : 0) |
		       (show_smcd ? EXT_DMB : 0),
	};
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	static char buf[65536] __attribute__((aligned(8)));
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd < 0 || sendto(fd, &req, sizeof(req), 0, (struct sockaddr *)&kernel,
			     sizeof(kernel)) != sizeof(req)) {
		perror("smcss: sock_diag");
		return 1;
	}
	for (;;) {
		struct nlmsghdr *h = (struct nlmsghdr *)buf;
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			perror("smcss: sock_diag");
			return 1;
		}
		for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_seq != SEQUENCE)
				continue;
			if (h->nlmsg_type == NLMSG_DONE) {
				close(fd);
				return 0;
			}
			if (h->nlmsg_type == NLMSG_ERROR) {
				struct nlmsgerr *e = NLMSG_DATA(h);

				errno = -e->error;
				perror("RTNETLINK answers");
				return 1;
			}
			if (!handle(h)) {
				fprintf(stderr, "smcss: malformed answer\n");
				return 1;
			}
		}
	}
}

static void usage(FILE *f)
{
	fprintf(f,
		"Usage: smcss [ OPTIONS ]\n"
		"\t-h, --help          this message\n"
		"\t-v, --version       show version information\n"
		"\t-a, --all           show all sockets\n"
		"\t-l, --listening     show listening sockets\n"
		"\t-d, --debug         show detailed socket information\n"
		"\t-W, --wide          do not truncate addresses\n"
		"\t-D, --smcd          show SMC-D sockets and their details only\n"
		"\t-R, --smcr          show SMC-R sockets and their details only\n");
}

static int refuse(const char *what)
{
	fprintf(stderr, "smcss: %s\n", what);
	usage(stderr);
	return 1;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "listening", no_argument, NULL, 'l' },
		{ "debug", no_argument, NULL, 'd' },
		{ "smcr", no_argument, NULL, 'R' },
		{ "smcd", no_argument, NULL, 'D' },
		{ "wide", no_argument, NULL, 'W' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	int c;

	while ((c = getopt_long(argc, argv, "aldRDWvh", longs, NULL)) != -1) {
		switch (c) {
		case 'a':
			show_all = true;
			break;
		case 'l':
			show_listen = true;
			break;
		case 'd':
			show_debug = true;
			break;
		case 'R':
			show_smcr = true;
			break;
		case 'D':
			show_smcd = true;
			break;
		case 'W':
			wide = true;
			break;
		case 'v':
			printf("smcss utility, %s\n", VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 1;
		}
	}
	if (show_smcd && show_smcr)
		return refuse("--smcd together with --smcr is not supported");
	if (show_listen && (show_debug || show_all || show_smcr || show_smcd))
		return refuse("--listening together with --debug, --all, --smcr or --smcd is not supported");
	print_header();
	return dump();
}
