// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "smctest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DIAG_BY_FAMILY 20
#define NLA_ALIGNED(n) (((n) + 3u) & ~3u)

void st_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

/* number with optional k or m; ends the program if it is out of range */
long st_num(const char *arg, long min, long max)
{
	char *end;
	long v = strtol(arg, &end, 0);

	if (*end == 'k' || *end == 'K') {
		v <<= 10;
		end++;
	} else if (*end == 'm' || *end == 'M') {
		v <<= 20;
		end++;
	}
	if (end == arg || *end || v < min || v > max)
		st_die("bad number '%s' (%ld..%ld)", arg, min, max);
	return v;
}

bool st_family_opt(struct st_family *f, int opt, const char *arg)
{
	switch (opt) {
	case '4':
		f->v6 = false;
		return true;
	case '6':
		f->v6 = true;
		return true;
	case 'M':
		f->v6 = true;
		f->mapped = true;
		return true;
	case 'T':
		f->tcp = true;
		return true;
	case 'B':
		f->sndbuf = st_num(arg, 1, 1 << 30);
		return true;
	case 'R':
		f->rcvbuf = st_num(arg, 1, 1 << 30);
		return true;
	}
	return false;
}

void st_addr(const struct st_family *f, const char *host, int port,
	     union st_addr *a, socklen_t *len)
{
	char buf[INET6_ADDRSTRLEN + 8];

	memset(a, 0, sizeof(*a));
	if (!f->v6) {
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons(port);
		if (inet_pton(AF_INET, host ? host : "0.0.0.0", &a->in.sin_addr) != 1)
			st_die("bad IPv4 address %s", host);
		*len = sizeof(a->in);
		return;
	}
	if (f->mapped && host && !strchr(host, ':')) {
		snprintf(buf, sizeof(buf), "::ffff:%s", host);
		host = buf;
	}
	a->in6.sin6_family = AF_INET6;
	a->in6.sin6_port = htons(port);
	if (inet_pton(AF_INET6, host ? host : "::", &a->in6.sin6_addr) != 1)
		st_die("bad IPv6 address %s", host);
	*len = sizeof(a->in6);
}

/* a socket of the family under test; -errno */
int st_socket(const struct st_family *f, int flags)
{
	int fd;

	if (f->tcp)
		fd = socket(f->v6 ? AF_INET6 : AF_INET, SOCK_STREAM | flags, 0);
	else
		fd = socket(AF_SMC, SOCK_STREAM | flags,
			    f->v6 ? SMCPROTO_SMC6 : SMCPROTO_SMC);
	if (fd < 0)
		return -errno;
	if ((f->sndbuf && setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &f->sndbuf, sizeof(int))) ||
	    (f->rcvbuf && setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &f->rcvbuf, sizeof(int))))
		st_die("buffer size: %s", strerror(errno));
	return fd;
}

/* a listening socket; -errno */
int st_listen(const struct st_family *f, const char *host, int port,
	      int backlog, int flags, int *bound_port)
{
	int fd = st_socket(f, flags), one = 1, err;
	union st_addr a;
	socklen_t len;

	if (fd < 0)
		return fd;
	st_addr(f, host, port, &a, &len);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, &a.sa, len) || listen(fd, backlog) ||
	    (bound_port && getsockname(fd, &a.sa, &len))) {
		err = -errno;
		close(fd);
		return err;
	}
	if (bound_port)
		*bound_port = ntohs(f->v6 ? a.in6.sin6_port : a.in.sin_port);
	return fd;
}

uint64_t st_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

const char *st_errname(int err)
{
	const char *n = strerrorname_np(err < 0 ? -err : err);

	return n ? n : "?";
}

const char *st_state_name(int state)
{
	static const char *const late[] = {
		"PEERCLOSEWAIT1", "PEERCLOSEWAIT2", "APPCLOSEWAIT1", "APPCLOSEWAIT2",
		"APPFINCLOSEWAIT", "PEERFINCLOSEWAIT", "PEERABORTWAIT", "PROCESSABORT",
	};

	switch (state) {
	case 1:
		return "ACTIVE";
	case 2:
		return "INIT";
	case 7:
		return "CLOSED";
	case 10:
		return "LISTEN";
	}
	return state >= 20 && state <= 27 ? late[state - 20] : "?";
}

const char *st_mode_name(int mode)
{
	static const char *const names[] = { "smcr", "tcp", "smcd" };

	return mode >= 0 && mode < 3 ? names[mode] : "?";
}

/*
 * Tell whoever waits that a point is reached. With a FIFO at path the writer
 * and the reader meet, so nobody needs to poll.
 */
void st_ready(const char *path, const char *msg)
{
	int fd;

	if (!path)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, msg, strlen(msg)) < 0)
		st_die("%s: %s", path, strerror(errno));
	close(fd);
}

static uint16_t get16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static struct st_cursor get_cursor(const uint8_t *p)
{
	return (struct st_cursor){ get16(p), get16(p + 2), get32(p + 4) };
}

static void text(char *out, size_t size, const uint8_t *p, size_t len)
{
	if (len >= size)
		len = size - 1;
	memcpy(out, p, len);
	out[len] = '\0';
}

static void decode_addr(const uint8_t *p, char *out)
{
	static const uint8_t zero[12];

	if (!memcmp(p + 4, zero, sizeof(zero)))
		inet_ntop(AF_INET, p, out, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, p, out, INET6_ADDRSTRLEN);
}

static void decode_attr(struct st_diag *d, int type, const uint8_t *p, size_t len)
{
	switch (type) {
	case 1:		/* connection */
		if (len != 76)
			st_die("sock_diag: connection record of %zu bytes", len);
		d->has_conn = true;
		d->conn.token = get32(p);
		d->conn.sndbuf = get32(p + 4);
		d->conn.rmbe = get32(p + 8);
		d->conn.peer_rmbe = get32(p + 12);
		d->conn.rx_prod = get_cursor(p + 16);
		d->conn.rx_cons = get_cursor(p + 24);
		d->conn.tx_prod = get_cursor(p + 32);
		d->conn.tx_cons = get_cursor(p + 40);
		d->conn.rx_prod_flags = p[48];
		d->conn.rx_conn_flags = p[49];
		d->conn.tx_prod_flags = p[50];
		d->conn.tx_conn_flags = p[51];
		d->conn.tx_prep = get_cursor(p + 52);
		d->conn.tx_sent = get_cursor(p + 60);
		d->conn.tx_fin = get_cursor(p + 68);
		break;
	case 2:		/* link group */
		if (len != 147)
			st_die("sock_diag: link group record of %zu bytes", len);
		d->has_lgr = true;
		d->lgr.link_id = p[0];
		text(d->lgr.ibname, sizeof(d->lgr.ibname), p + 1, 64);
		d->lgr.ibport = p[65];
		text(d->lgr.gid, sizeof(d->lgr.gid), p + 66, 40);
		text(d->lgr.peer_gid, sizeof(d->lgr.peer_gid), p + 106, 40);
		d->lgr.role = p[146];
		break;
	case 3:
		d->shutdown = p[0];
		break;
	case 5:		/* fall-back */
		if (len != 8)
			st_die("sock_diag: fall-back record of %zu bytes", len);
		d->has_fallback = true;
		d->reason = get32(p);
		d->peer_diagnosis = get32(p + 4);
		break;
	}
}

static void decode(struct st_diag *d, const uint8_t *p, size_t len)
{
	size_t off = 64;

	memset(d, 0, sizeof(*d));
	if (len < off)
		st_die("sock_diag: record of %zu bytes", len);
	d->family = p[0];
	d->state = p[1];
	d->mode = p[2];
	d->sport = ntohs(get16(p + 4));
	d->dport = ntohs(get16(p + 6));
	decode_addr(p + 8, d->src);
	decode_addr(p + 24, d->dst);
	d->ifindex = get32(p + 40);
	d->cookie = get32(p + 44) | (uint64_t)get32(p + 48) << 32;
	d->uid = get32(p + 52);
	d->inode = get64(p + 56);
	while (len - off >= 4) {
		size_t n = get16(p + off);

		if (n < 4 || n > len - off)
			st_die("sock_diag: bad attribute length %zu", n);
		decode_attr(d, get16(p + off + 2), p + off + 4, n - 4);
		if (NLA_ALIGNED(n) >= len - off)
			break;
		off += NLA_ALIGNED(n);
	}
}

/*
 * All AF_SMC sockets of this network namespace; ext is the mask of wanted
 * extensions (1 connection, 2 link group). 0, -errno, or what cb returned to
 * stop early.
 */
int st_diag_dump(unsigned int ext, int (*cb)(const struct st_diag *, void *),
		 void *arg)
{
	struct {
		struct nlmsghdr h;
		uint8_t body[52];
	} req = {
		.h = { .nlmsg_len = sizeof(req), .nlmsg_type = DIAG_BY_FAMILY,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP, .nlmsg_seq = 1 },
		.body = { [0] = AF_SMC, [3] = ext },
	};
	static _Thread_local char buf[65536] __attribute__((aligned(8)));
	int fd, ret = 0, done = 0;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0 || send(fd, &req, sizeof(req), 0) != sizeof(req)) {
		ret = -errno;
		done = 1;
	}
	while (!done) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);
		struct nlmsghdr *h = (struct nlmsghdr *)buf;

		if (n < 0) {
			ret = -errno;
			break;
		}
		for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			struct st_diag d;

			if (h->nlmsg_type == NLMSG_DONE) {
				done = 1;
				break;
			}
			if (h->nlmsg_type == NLMSG_ERROR) {
				ret = ((struct nlmsgerr *)NLMSG_DATA(h))->error;
				done = 1;
				break;
			}
			if (ret)	/* stopped: only drain what is left */
				continue;
			decode(&d, NLMSG_DATA(h), h->nlmsg_len - NLMSG_HDRLEN);
			ret = cb(&d, arg);
		}
	}
	if (fd >= 0)
		close(fd);
	return ret;
}

struct by_inode {
	uint64_t inode;
	struct st_diag *d;
};

static int match_inode(const struct st_diag *d, void *arg)
{
	struct by_inode *b = arg;

	if (d->inode != b->inode)
		return 0;
	*b->d = *d;
	return 1;
}

/* the record of one socket of this process; 0, -ENOENT or -errno */
int st_diag_fd(int fd, unsigned int ext, struct st_diag *d)
{
	struct by_inode b = { .d = d };
	struct stat st;
	int ret;

	if (fstat(fd, &st))
		return -errno;
	b.inode = st.st_ino;
	ret = st_diag_dump(ext, match_inode, &b);
	return ret > 0 ? 0 : ret ? ret : -ENOENT;
}

/* remember which socket a record of st_modes_fill() belongs to */
void st_mode_watch(struct st_mode *m, int fd)
{
	struct stat st;

	memset(m, 0, sizeof(*m));
	if (!fstat(fd, &st))
		m->inode = st.st_ino;
}

struct modes {
	struct st_mode *first;
	size_t stride;
	int n;
};

static struct st_mode *mode_at(const struct st_mode *first, size_t stride, int i)
{
	return (struct st_mode *)((char *)first + i * stride);
}

static int fill_mode(const struct st_diag *d, void *arg)
{
	struct modes *m = arg;
	int i;

	for (i = 0; i < m->n; i++) {
		struct st_mode *x = mode_at(m->first, m->stride, i);

		/* unconnected sockets have mode 0 as well: not an answer yet */
		if (x->known || x->inode != d->inode || d->state == 2)
			continue;
		x->known = true;
		x->mode = d->mode;
		x->reason = d->reason;
		x->peer_diagnosis = d->peer_diagnosis;
	}
	return 0;
}

/* One dump answers for every watched connection that is still open. */
int st_modes_fill(struct st_mode *first, size_t stride, int n)
{
	struct modes m = { first, stride, n };

	return st_diag_dump(0, fill_mode, &m);
}

void st_count(struct st_tally *t, const char *name)
{
	unsigned int i = 0;

	while (t->name[i] && strcmp(t->name[i], name))
		if (++i == 31)
			st_die("too many different results");
	if (!t->name[i])
		t->name[i] = strdup(name);
	t->n[i]++;
}

void st_tally_print(const struct st_tally *t)
{
	unsigned int i;

	putchar('{');
	for (i = 0; t->name[i]; i++)
		printf("%s\"%s\":%d", i ? "," : "", t->name[i], t->n[i]);
	putchar('}');
}

/* ,"modes":{"smcr":N,...},"reasons":{"0x03010000":N,...} */
void st_modes_print(const struct st_mode *first, size_t stride, int n)
{
	struct st_tally modes = {}, reasons = {};
	int i;

	for (i = 0; i < n; i++) {
		struct st_mode *x = mode_at(first, stride, i);
		char buf[32];

		if (!x->known && !x->inode)	/* never connected */
			continue;
		st_count(&modes, x->known ? st_mode_name(x->mode) : "unknown");
		if (!x->known || (!x->reason && !x->peer_diagnosis))
			continue;
		snprintf(buf, sizeof(buf), x->peer_diagnosis ? "0x%08x/0x%08x" : "0x%08x",
			 x->reason, x->peer_diagnosis);
		st_count(&reasons, buf);
	}
	printf(",\"modes\":");
	st_tally_print(&modes);
	printf(",\"reasons\":");
	st_tally_print(&reasons);
}
