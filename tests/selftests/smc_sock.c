// SPDX-License-Identifier: GPL-2.0
/*
 * smc_sock: the socket interface, call by call, as TAP.
 *
 *	smc_sock --peer [-p PORT]		the other end, on the other machine
 *	smc_sock -c ADDR -a OWN [-p PORT]	run the checks against it (--control ADDR4: where it
 *					is, if ADDR is not IPv4)
 *	smc_sock				both in one machine, over loopback
 *
 * The checks run here; the other end does what it is told over a plain TCP
 * connection, so that every step is in a known order without any waiting.
 * What is expected is what TCP does: with --tcp the same checks run on TCP
 * sockets. --expect smcr|tcp: how AF_SMC connections have to be carried.
 * --blackhole ADDR: an address that never answers; without it the checks that
 * need one are left out.
 */
#define _GNU_SOURCE
#include "smctest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 32
#define WAIT_MS 10000
#define BIG (4 << 20)

static struct {
	struct st_family fam;
	const char *host, *own, *blackhole, *only;
	int port, expect;
	bool peer;
} o = { .port = 6000, .expect = -1 };

/* ---- the other end ---- */

enum op {
	OP_LISTEN, OP_ACCEPT, OP_CONNECT, OP_SEND, OP_RECV, OP_RECVALL,
	OP_SHUTDOWN, OP_LINGER, OP_CLOSE, OP_POLL, OP_MODE, OP_NAME, OP_PEERNAME,
	OP_RESET_ALL,
};

struct req {
	int32_t op, slot, a, b;
	struct st_family fam;
	char host[64];
};

struct rsp {
	int32_t ret, err, val;
	char text[64];
};

static int slots[SLOTS];

static void pattern(uint8_t *buf, size_t len, size_t pos)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = (pos + i) * 31 >> 3;
}

static bool is_pattern(const uint8_t *buf, size_t len, size_t pos)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (buf[i] != (uint8_t)((pos + i) * 31 >> 3))
			return false;
	return true;
}

static int new_slot(int fd)
{
	int i;

	for (i = 0; i < SLOTS; i++) {
		if (slots[i] < 0) {
			slots[i] = fd;
			return i;
		}
	}
	st_die("no slot");
}

static int wait_for(int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, ms) == 1 ? p.revents : 0;
}

static void name_of(int fd, bool peer, char *out, size_t size)
{
	char host[INET6_ADDRSTRLEN];
	union st_addr a;
	socklen_t len = sizeof(a);

	if (peer ? getpeername(fd, &a.sa, &len) : getsockname(fd, &a.sa, &len)) {
		snprintf(out, size, "%s", st_errname(errno));
		return;
	}
	if (a.sa.sa_family == AF_INET)
		inet_ntop(AF_INET, &a.in.sin_addr, host, sizeof(host));
	else
		inet_ntop(AF_INET6, &a.in6.sin6_addr, host, sizeof(host));
	snprintf(out, size, "%d %u [%s]:%u", a.sa.sa_family, len, host,
		 ntohs(a.sa.sa_family == AF_INET ? a.in.sin_port : a.in6.sin6_port));
}

static int do_connect(const struct st_family *f, const char *host, int port, int flags)
{
	int fd = st_socket(f, flags);
	union st_addr a;
	socklen_t len;

	if (fd < 0)
		st_die("socket: %s", st_errname(fd));
	st_addr(f, host, port, &a, &len);
	if (!connect(fd, &a.sa, len))
		return fd;
	close(fd);
	return -1;
}

static int send_all(int fd, size_t len, size_t pos)
{
	uint8_t *buf = malloc(len);
	size_t done = 0;

	pattern(buf, len, pos);
	while (done < len) {
		ssize_t n = send(fd, buf + done, len - done, MSG_NOSIGNAL);

		if (n < 0)
			break;
		done += n;
	}
	free(buf);
	return done ? (int)done : -1;
}

/* len bytes, or as many as come before the end or an error */
static int recv_all(int fd, size_t len, size_t pos, bool *right)
{
	uint8_t *buf = malloc(len);
	size_t done = 0;
	ssize_t n = 1;

	while (done < len && n > 0) {
		n = recv(fd, buf + done, len - done, 0);
		if (n > 0)
			done += n;
	}
	*right = is_pattern(buf, done, pos);
	free(buf);
	return done || !n ? (int)done : -1;
}

static void obey(const struct req *q, struct rsp *r)
{
	struct linger l = { q->a, q->b };
	int fd = q->slot >= 0 ? slots[q->slot] : -1, bound = 0, i;
	static uint8_t buf[65536];
	struct st_diag d;
	bool right = true;

	errno = 0;
	switch (q->op) {
	case OP_LISTEN:
		fd = st_listen(&q->fam, NULL, 0, 16, 0, &bound);
		r->ret = fd < 0 ? -1 : new_slot(fd);
		errno = fd < 0 ? -fd : 0;
		r->val = bound;
		break;
	case OP_ACCEPT:
		if (!wait_for(fd, POLLIN, WAIT_MS)) {
			r->ret = -1;
			errno = ETIME;
			break;
		}
		fd = accept(fd, NULL, NULL);
		r->ret = fd < 0 ? -1 : new_slot(fd);
		break;
	case OP_CONNECT:
		fd = do_connect(&q->fam, q->host, q->a, 0);
		r->ret = fd < 0 ? -1 : new_slot(fd);
		break;
	case OP_SEND:
		r->ret = send_all(fd, q->a, q->b);
		break;
	case OP_RECV:
		r->ret = recv(fd, buf, q->a, q->b);
		break;
	case OP_RECVALL:
		r->ret = recv_all(fd, q->a, q->b, &right);
		r->val = right;
		break;
	case OP_SHUTDOWN:
		r->ret = shutdown(fd, q->a);
		break;
	case OP_LINGER:
		r->ret = setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
		break;
	case OP_CLOSE:
		r->ret = close(fd);
		slots[q->slot] = -1;
		break;
	case OP_POLL:
		r->ret = wait_for(fd, q->a, q->b);
		break;
	case OP_MODE:
		r->ret = st_diag_fd(fd, 0, &d);
		r->val = r->ret ? -1 : d.mode;
		break;
	case OP_NAME:
	case OP_PEERNAME:
		name_of(fd, q->op == OP_PEERNAME, r->text, sizeof(r->text));
		break;
	case OP_RESET_ALL:
		for (i = 0; i < SLOTS; i++) {
			if (slots[i] >= 0)
				close(slots[i]);
			slots[i] = -1;
		}
		break;
	default:
		r->ret = -1;
		errno = EINVAL;
	}
	r->err = errno;
}

static void serve(int ctl)
{
	struct req q;
	int i;

	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < SLOTS; i++)
		slots[i] = -1;
	while (recv(ctl, &q, sizeof(q), MSG_WAITALL) == sizeof(q)) {
		struct rsp r = {};

		obey(&q, &r);
		if (send(ctl, &r, sizeof(r), 0) != sizeof(r))
			break;
	}
	exit(0);
}

static void peer_daemon(void)
{
	struct st_family plain = { .tcp = true };
	int lfd = st_listen(&plain, NULL, o.port, 4, SOCK_CLOEXEC, NULL), fd;

	if (lfd < 0)
		st_die("listen: %s", st_errname(lfd));
	signal(SIGCHLD, SIG_IGN);
	while ((fd = accept(lfd, NULL, NULL)) >= 0) {
		if (!fork()) {
			close(lfd);
			serve(fd);
		}
		close(fd);
	}
}

static int ctl;

/* tell the other end to do something; its errno becomes ours */
static int tell(enum op op, int slot, int a, int b, struct rsp *out)
{
	struct req q = { .op = op, .slot = slot, .a = a, .b = b, .fam = o.fam };
	struct rsp r;

	snprintf(q.host, sizeof(q.host), "%s", o.own);
	if (send(ctl, &q, sizeof(q), MSG_NOSIGNAL) != sizeof(q) ||
	    recv(ctl, &r, sizeof(r), MSG_WAITALL) != sizeof(r))
		st_die("the other end is gone");
	if (out)
		*out = r;
	errno = r.err;
	return r.ret;
}

/* ---- the checks ---- */

static int mine[SLOTS], n_mine;
static char why[512];

static int keep(int fd)
{
	if (fd >= 0)
		mine[n_mine++] = fd;
	return fd;
}

/* close now instead of at the end of the check */
static int drop(int fd)
{
	int i;

	for (i = 0; i < n_mine; i++)
		if (mine[i] == fd)
			mine[i] = -1;
	return close(fd);
}

static void failed(int line, const char *fmt, ...)
{
	int err = errno, n;
	va_list ap;

	n = snprintf(why, sizeof(why), "line %d: ", line);
	va_start(ap, fmt);
	n += vsnprintf(why + n, sizeof(why) - n, fmt, ap);
	va_end(ap);
	snprintf(why + n, sizeof(why) - n, " (errno %s)", st_errname(err));
}

#define EXPECT(cond) do { \
	if (!(cond)) { \
		failed(__LINE__, "%s", #cond); \
		return; \
	} } while (0)

#define EXPECT_EQ(got, want) do { \
	long got_ = (got), want_ = (want); \
	if (got_ != want_) { \
		failed(__LINE__, "%s is %ld, not %ld", #got, got_, want_); \
		return; \
	} } while (0)

#define EXPECT_ERR(call, e) do { \
	long ret_ = (call); \
	if (ret_ != -1 || errno != (e)) { \
		failed(__LINE__, "%s is %ld, not " #e, #call, ret_); \
		return; \
	} } while (0)

static int sock(int flags)
{
	return keep(st_socket(&o.fam, flags));
}

static int so_error(int fd)
{
	int err = -1;
	socklen_t len = sizeof(err);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) ? -1 : err;
}

/* poll mask at once, of everything that poll knows */
static int mask(int fd)
{
	return wait_for(fd, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLRDHUP | POLLPRI, 0);
}

static int listener(int *port)
{
	return keep(st_listen(&o.fam, NULL, 0, 16, 0, port));
}

static bool role_server;	/* which end of the connections of connected() are we? */

struct link {
	int fd, slot;		/* our socket, the other end's */
};

static bool carried_as_expected(int fd, int slot)
{
	struct st_diag d;
	struct rsp r;

	if (o.fam.tcp || o.expect < 0)
		return true;
	if (st_diag_fd(fd, 0, &d) || d.mode != o.expect) {
		failed(__LINE__, "not %s: mode %d, reason 0x%08x/0x%08x",
		       st_mode_name(o.expect), d.mode, d.reason, d.peer_diagnosis);
		return false;
	}
	if (tell(OP_MODE, slot, 0, 0, &r) || r.val != o.expect) {
		failed(__LINE__, "the other end: mode %d", r.val);
		return false;
	}
	return true;
}

/* a connection with the other end; false if there is none */
static bool connected(struct link *l)
{
	int lslot, port, lfd;
	struct rsp r;

	if (!role_server) {
		lslot = tell(OP_LISTEN, -1, 0, 0, &r);
		port = r.val;
		if (lslot < 0) {
			failed(__LINE__, "the other end cannot listen");
			return false;
		}
		l->fd = keep(do_connect(&o.fam, o.host, port, 0));
		if (l->fd < 0) {
			failed(__LINE__, "connect");
			return false;
		}
		l->slot = tell(OP_ACCEPT, lslot, 0, 0, NULL);
		if (l->slot < 0) {
			failed(__LINE__, "the other end cannot accept");
			return false;
		}
		tell(OP_CLOSE, lslot, 0, 0, NULL);
	} else {
		lfd = listener(&port);
		if (lfd < 0) {
			failed(__LINE__, "listen: %s", st_errname(lfd));
			return false;
		}
		l->slot = tell(OP_CONNECT, -1, port, 0, NULL);
		if (l->slot < 0) {
			failed(__LINE__, "the other end cannot connect");
			return false;
		}
		l->fd = keep(accept(lfd, NULL, NULL));
		if (l->fd < 0) {
			failed(__LINE__, "accept");
			return false;
		}
		drop(lfd);
	}
	return carried_as_expected(l->fd, l->slot);
}

#define CONNECTED(l) struct link l; if (!connected(&l)) return

/* a signal every few ms from now on, until quiet(): no call can miss it */
static timer_t ticker;
static volatile sig_atomic_t ticks, pipes;

static void on_tick(int sig)
{
	ticks++;
}

static void on_pipe(int sig)
{
	pipes++;
}

static void disturb(int sa_flags)
{
	struct sigaction sa = { .sa_handler = on_tick, .sa_flags = sa_flags };
	struct itimerspec its = { { 0, 20000000 }, { 0, 20000000 } };

	sigaction(SIGUSR1, &sa, NULL);
	ticks = 0;
	timer_settime(ticker, 0, &its, NULL);
}

static void quiet(void)
{
	struct itimerspec off = {};

	timer_settime(ticker, 0, &off, NULL);
}

static void nonblock(int fd, bool on)
{
	fcntl(fd, F_SETFL, on ? O_NONBLOCK : 0);
}

/* send until nothing more fits; bytes sent */
static long fill(int fd)
{
	static uint8_t buf[65536];
	long sum = 0;
	ssize_t n;

	/* what has been sent may still make room, hence poll in between */
	do {
		pattern(buf, sizeof(buf), sum);
		n = send(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			sum += n;
	} while (n > 0 || wait_for(fd, POLLOUT, 300));
	return errno == EAGAIN ? sum : -1;
}

/* --- socket(), names, options */

static void t_socket_errors(void)
{
	EXPECT_ERR(socket(AF_SMC, SOCK_DGRAM, 0), ESOCKTNOSUPPORT);
	EXPECT_ERR(socket(AF_SMC, SOCK_RAW, 0), ESOCKTNOSUPPORT);
	EXPECT_ERR(socket(AF_SMC, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
	EXPECT_ERR(socket(AF_SMC, SOCK_STREAM, 2), EPROTONOSUPPORT);
	EXPECT_ERR(socket(AF_SMC, SOCK_STREAM, IPPROTO_TCP), EPROTONOSUPPORT);
	EXPECT_ERR(socketpair(AF_SMC, SOCK_STREAM, 0, mine), EOPNOTSUPP);
}

/* what the socket below could do, but would not mean here what it says */
static void t_refused_options(void)
{
	struct tcp_md5sig sig = { .tcpm_keylen = 1 };
	int fd = sock(0), v = 1;

	EXPECT_ERR(setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", 4), EOPNOTSUPP);
	EXPECT_ERR(setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &v, sizeof(v)), EOPNOTSUPP);
	EXPECT_ERR(setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &v, sizeof(v)), EOPNOTSUPP);
	EXPECT_ERR(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &v, sizeof(v)), EOPNOTSUPP);
	EXPECT_ERR(setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &sig, sizeof(sig)), EOPNOTSUPP);
	EXPECT_ERR(setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &v, sizeof(v)), EOPNOTSUPP);
}

static int opt_int(int fd, int level, int opt)
{
	int v = -1;
	socklen_t len = sizeof(v);

	return getsockopt(fd, level, opt, &v, &len) ? -errno : v;
}

static void t_socket_identity(void)
{
	int fd = sock(0);

	EXPECT(fd >= 0);
	EXPECT_EQ(opt_int(fd, SOL_SOCKET, SO_DOMAIN), AF_SMC);
	EXPECT_EQ(opt_int(fd, SOL_SOCKET, SO_PROTOCOL), o.fam.v6 ? SMCPROTO_SMC6 : SMCPROTO_SMC);
}

static void t_socket_flags(void)
{
	int fd = sock(SOCK_NONBLOCK | SOCK_CLOEXEC);

	EXPECT(fd >= 0);
	EXPECT_EQ(opt_int(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	EXPECT(fcntl(fd, F_GETFL) & O_NONBLOCK);
	EXPECT(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void t_bind_errors(void)
{
	struct sockaddr_in6 other = {};
	union st_addr a;
	socklen_t len;
	int fd = sock(0), fd2 = sock(0);

	st_addr(&o.fam, NULL, 0, &a, &len);
	EXPECT_ERR(bind(fd, &a.sa, 4), EINVAL);
	a.sa.sa_family = AF_UNIX;
	EXPECT_ERR(bind(fd, &a.sa, len), EAFNOSUPPORT);
	other.sin6_family = AF_INET6;
	if (!o.fam.v6)
		EXPECT_ERR(bind(fd, (void *)&other, sizeof(other)), EAFNOSUPPORT);
	st_addr(&o.fam, o.fam.v6 && !o.fam.mapped ? "2001:db8::1" : "192.0.2.1", 0, &a, &len);
	EXPECT_ERR(bind(fd, &a.sa, len), EADDRNOTAVAIL);
	st_addr(&o.fam, NULL, 0, &a, &len);
	EXPECT(!bind(fd, &a.sa, len));
	EXPECT_ERR(bind(fd, &a.sa, len), EINVAL);
	EXPECT(!listen(fd, 1));
	EXPECT(!getsockname(fd, &a.sa, &len));
	EXPECT_ERR(bind(fd2, &a.sa, len), EADDRINUSE);
}

static void t_names_unconnected(void)
{
	union st_addr a;
	socklen_t len = sizeof(a);
	int fd = sock(0);

	EXPECT(!getsockname(fd, &a.sa, &len));
	EXPECT_EQ(a.sa.sa_family, o.fam.v6 ? AF_INET6 : AF_INET);
	EXPECT_EQ(len, o.fam.v6 ? sizeof(a.in6) : sizeof(a.in));
	len = sizeof(a);
	EXPECT_ERR(getpeername(fd, &a.sa, &len), ENOTCONN);
}

static void t_unconnected_calls(void)
{
	char b[4] = "abc";
	int fd = sock(0);

	EXPECT_ERR(recv(fd, b, 1, 0), ENOTCONN);
	pipes = 0;
	EXPECT_ERR(send(fd, b, 1, 0), EPIPE);
	EXPECT_EQ(pipes, 1);
	EXPECT_ERR(send(fd, b, 1, MSG_NOSIGNAL), EPIPE);
	EXPECT_EQ(pipes, 1);
	EXPECT_ERR(shutdown(fd, SHUT_WR), ENOTCONN);
	EXPECT_ERR(shutdown(fd, 3), EINVAL);
	EXPECT_ERR(accept(fd, NULL, NULL), EINVAL);
	EXPECT_EQ(so_error(fd), 0);
	EXPECT_EQ(mask(fd), POLLOUT | POLLWRNORM | POLLHUP);
}

static void t_buffer_options(void)
{
	int fd = sock(0), v = 40000;

	EXPECT(!setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &v, sizeof(v)));
	EXPECT(!setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &v, sizeof(v)));
	EXPECT_EQ(opt_int(fd, SOL_SOCKET, SO_SNDBUF), 80000);
	EXPECT_EQ(opt_int(fd, SOL_SOCKET, SO_RCVBUF), 80000);
}

static void t_socket_options(void)
{
	struct timeval tv = { 3, 0 }, got = {};
	struct linger l = { 1, 7 }, gotl = {};
	socklen_t len = sizeof(got);
	int fd = sock(0), v = 1;

	EXPECT(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	EXPECT(!getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &got, &len));
	EXPECT_EQ(got.tv_sec, 3);
	len = sizeof(gotl);
	EXPECT(!setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	EXPECT(!getsockopt(fd, SOL_SOCKET, SO_LINGER, &gotl, &len));
	EXPECT_EQ(gotl.l_linger, 7);
	EXPECT(!setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &v, sizeof(v)));
	EXPECT_EQ(opt_int(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	EXPECT(!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &v, sizeof(v)));
	EXPECT_EQ(opt_int(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	v = 0;
	EXPECT(!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &v, sizeof(v)));
	EXPECT_EQ(opt_int(fd, IPPROTO_TCP, TCP_NODELAY), 0);
	EXPECT_ERR(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &v, 1), EINVAL);
}

/* --- listen(), accept() */

static void t_listen_states(void)
{
	int port, fd = listener(&port), v;

	EXPECT(fd >= 0);
	EXPECT_EQ(opt_int(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
	EXPECT(!listen(fd, 5));
	EXPECT_EQ(mask(fd), 0);
	EXPECT_ERR(ioctl(fd, FIONREAD, &v), EINVAL);
	EXPECT_ERR(recv(fd, &v, 1, 0), ENOTCONN);
	EXPECT_ERR(send(fd, &v, 1, MSG_NOSIGNAL), EPIPE);
	fd = sock(0);
	EXPECT_EQ(opt_int(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
	EXPECT(!listen(fd, 1));		/* binds to a port of its own */
}

static void t_accept_empty(void)
{
	struct timeval tv = { 0, 200000 };
	int port, fd = listener(&port);
	uint64_t t0;

	nonblock(fd, true);
	EXPECT_ERR(accept(fd, NULL, NULL), EAGAIN);
	nonblock(fd, false);
	EXPECT(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	t0 = st_now_ms();
	EXPECT_ERR(accept(fd, NULL, NULL), EAGAIN);
	EXPECT(st_now_ms() - t0 >= 190 && st_now_ms() - t0 < 5000);
}

static void t_accept_signal(void)
{
	int port, fd = listener(&port);

	disturb(0);
	EXPECT_ERR(accept(fd, NULL, NULL), EINTR);
	EXPECT(ticks);
}

static void t_accept_flags(void)
{
	int port, lfd = listener(&port), fd, slot;
	union st_addr a;
	socklen_t len = sizeof(a);
	char want[64], got[64];
	struct rsp r;

	EXPECT_EQ(mask(lfd), 0);
	slot = tell(OP_CONNECT, -1, port, 0, NULL);
	EXPECT(slot >= 0);
	EXPECT_EQ(wait_for(lfd, POLLIN, WAIT_MS), POLLIN);
	EXPECT_EQ(mask(lfd), POLLIN | POLLRDNORM);
	fd = keep(accept4(lfd, &a.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC));
	EXPECT(fd >= 0);
	EXPECT(fcntl(fd, F_GETFL) & O_NONBLOCK);
	EXPECT(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	EXPECT_EQ(a.sa.sa_family, o.fam.v6 ? AF_INET6 : AF_INET);
	EXPECT_EQ(len, o.fam.v6 ? sizeof(a.in6) : sizeof(a.in));
	EXPECT_EQ(mask(lfd), 0);
	name_of(fd, true, got, sizeof(got));
	tell(OP_NAME, slot, 0, 0, &r);
	snprintf(want, sizeof(want), "%s", r.text);
	EXPECT(!strcmp(got, want));
	name_of(fd, false, got, sizeof(got));
	tell(OP_PEERNAME, slot, 0, 0, &r);
	EXPECT(!strcmp(got, r.text));
}

static void *accept_thread(void *arg)
{
	int *fd = arg;

	return (void *)(long)(accept(*fd, NULL, NULL) < 0 ? errno : 0);
}

/* the main thread waits until another one of this process sleeps in a call */
static bool asleep(void)
{
	uint64_t end = st_now_ms() + WAIT_MS;
	char path[64], line[256];

	while (st_now_ms() < end) {
		int tid, n = 0;

		/* thread numbers follow the one of the process closely */
		for (tid = getpid() + 1; tid < getpid() + 4096 && !n; tid++) {
			FILE *f;

			snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
			f = fopen(path, "r");
			if (!f)
				continue;
			if (fgets(line, sizeof(line), f) && strstr(line, ") S "))
				n = 1;
			fclose(f);
		}
		if (n)
			return true;
	}
	return false;
}

static void t_shutdown_listener(void)
{
	int port, fd = listener(&port);
	pthread_t tid;
	void *ret;

	EXPECT(!pthread_create(&tid, NULL, accept_thread, &fd));
	EXPECT(asleep());
	EXPECT(!shutdown(fd, SHUT_RD));
	pthread_join(tid, &ret);
	EXPECT_EQ((long)ret, EINVAL);
	EXPECT_ERR(tell(OP_CONNECT, -1, port, 0, NULL), ECONNREFUSED);
}

static void t_close_listener_pending(void)
{
	int port, fd = listener(&port), slot;
	uint64_t end = st_now_ms() + WAIT_MS;

	slot = tell(OP_CONNECT, -1, port, 0, NULL);
	EXPECT(slot >= 0);
	EXPECT_EQ(wait_for(fd, POLLIN, WAIT_MS), POLLIN);
	EXPECT(!drop(fd));
	EXPECT(tell(OP_POLL, slot, POLLIN, WAIT_MS, NULL) & POLLIN);
	EXPECT_ERR(tell(OP_RECV, slot, 1, 0, NULL), ECONNRESET);
	/* and nobody listens any more */
	while (tell(OP_CONNECT, -1, port, 0, NULL) >= 0 && st_now_ms() < end)
		;
	EXPECT_EQ(errno, ECONNREFUSED);
}

static void t_bind_again(void)
{
	union st_addr a;
	socklen_t len;
	int port, fd = listener(&port), one = 1;

	EXPECT(!drop(fd));
	fd = sock(0);
	st_addr(&o.fam, NULL, port, &a, &len);
	EXPECT(!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	EXPECT(!bind(fd, &a.sa, len));
	EXPECT(!listen(fd, 1));
}

/* --- connect() */

static int dead_port(void)
{
	struct rsp r;
	int slot = tell(OP_LISTEN, -1, 0, 0, &r);

	tell(OP_CLOSE, slot, 0, 0, NULL);
	return r.val;
}

static void t_connect_errors(void)
{
	union st_addr a;
	socklen_t len;
	int fd = sock(0);

	st_addr(&o.fam, o.host, 1, &a, &len);
	EXPECT_ERR(connect(fd, &a.sa, 1), EINVAL);
	EXPECT_ERR(connect(fd, &a.sa, len - 8), EINVAL);
}

static void t_connect_refused(void)
{
	union st_addr a;
	socklen_t len;
	int fd = sock(0), fd2 = sock(SOCK_NONBLOCK), ev;

	st_addr(&o.fam, o.host, dead_port(), &a, &len);
	EXPECT_ERR(connect(fd, &a.sa, len), ECONNREFUSED);
	EXPECT_EQ(so_error(fd), 0);
	EXPECT_ERR(connect(fd, &a.sa, len), ECONNREFUSED);	/* it may be tried again */
	EXPECT_ERR(connect(fd2, &a.sa, len), EINPROGRESS);
	EXPECT(wait_for(fd2, POLLOUT, WAIT_MS));
	ev = mask(fd2);
	EXPECT_EQ(ev, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLRDHUP | POLLERR | POLLHUP);
	EXPECT_EQ(so_error(fd2), ECONNREFUSED);
	EXPECT_EQ(so_error(fd2), 0);
}

static void t_connect_nonblocking(void)
{
	union st_addr a;
	socklen_t len;
	struct rsp r;
	int lslot = tell(OP_LISTEN, -1, 0, 0, &r), fd = sock(SOCK_NONBLOCK), slot;
	char b;

	st_addr(&o.fam, o.host, r.val, &a, &len);
	EXPECT_ERR(connect(fd, &a.sa, len), EINPROGRESS);
	EXPECT_EQ(wait_for(fd, POLLOUT, WAIT_MS), POLLOUT);
	EXPECT_EQ(so_error(fd), 0);
	EXPECT(!connect(fd, &a.sa, len));	/* the one time it reports success */
	EXPECT_ERR(connect(fd, &a.sa, len), EISCONN);
	slot = tell(OP_ACCEPT, lslot, 0, 0, NULL);
	EXPECT(slot >= 0);
	EXPECT_ERR(recv(fd, &b, 1, 0), EAGAIN);
	EXPECT_EQ(tell(OP_SEND, slot, 1, 0, NULL), 1);
	EXPECT_EQ(wait_for(fd, POLLIN, WAIT_MS), POLLIN);
	EXPECT_EQ(recv(fd, &b, 1, 0), 1);
	if (!carried_as_expected(fd, slot))
		return;
}

static void t_connect_again(void)
{
	union st_addr a;
	socklen_t len;
	CONNECTED(l);

	st_addr(&o.fam, o.host, 9, &a, &len);
	EXPECT_ERR(connect(l.fd, &a.sa, len), EISCONN);
	EXPECT_ERR(listen(l.fd, 1), EINVAL);
	EXPECT_ERR(accept(l.fd, NULL, NULL), EINVAL);
	st_addr(&o.fam, NULL, 0, &a, &len);
	EXPECT_ERR(bind(l.fd, &a.sa, len), EINVAL);
	EXPECT_EQ(tell(OP_SEND, l.slot, 10, 0, NULL), 10);
	EXPECT_EQ(wait_for(l.fd, POLLIN, WAIT_MS), POLLIN);
}

static void t_connect_listener(void)
{
	union st_addr a;
	socklen_t len;
	int port, fd = listener(&port);

	st_addr(&o.fam, o.host, 9, &a, &len);
	EXPECT_ERR(connect(fd, &a.sa, len), EISCONN);
}

static void t_connect_pending(void)
{
	union st_addr a;
	socklen_t len;
	int fd = sock(SOCK_NONBLOCK), one = 1;
	char b = 'x';

	st_addr(&o.fam, o.blackhole, 9, &a, &len);
	EXPECT_ERR(connect(fd, &a.sa, len), EINPROGRESS);
	EXPECT_ERR(connect(fd, &a.sa, len), EALREADY);
	EXPECT_EQ(mask(fd), 0);
	EXPECT_EQ(so_error(fd), 0);
	EXPECT_ERR(send(fd, &b, 1, MSG_NOSIGNAL), EAGAIN);
	EXPECT_ERR(recv(fd, &b, 1, 0), EAGAIN);
	EXPECT(!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)));
	EXPECT_ERR(listen(fd, 1), EINVAL);
	EXPECT(!drop(fd));
}

static void t_connect_signal(void)
{
	union st_addr a;
	socklen_t len;
	int fd = sock(0);

	st_addr(&o.fam, o.blackhole, 9, &a, &len);
	disturb(0);
	EXPECT_ERR(connect(fd, &a.sa, len), EINTR);
	quiet();
	EXPECT(ticks);
	nonblock(fd, true);
	EXPECT_ERR(connect(fd, &a.sa, len), EALREADY);
}

static void t_connect_timeout(void)
{
	struct timeval tv = { 0, 300000 };
	union st_addr a;
	socklen_t len;
	int fd = sock(0);
	uint64_t t0 = st_now_ms();

	st_addr(&o.fam, o.blackhole, 9, &a, &len);
	EXPECT(!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	EXPECT_ERR(connect(fd, &a.sa, len), EINPROGRESS);
	EXPECT(st_now_ms() - t0 >= 290 && st_now_ms() - t0 < 2500);
}

/* --- data */

static void t_names(void)
{
	char own[64], other[64];
	struct rsp r;
	CONNECTED(l);

	name_of(l.fd, false, own, sizeof(own));
	name_of(l.fd, true, other, sizeof(other));
	tell(OP_PEERNAME, l.slot, 0, 0, &r);
	EXPECT(!strcmp(own, r.text));
	tell(OP_NAME, l.slot, 0, 0, &r);
	EXPECT(!strcmp(other, r.text));
	EXPECT_EQ(!!strstr(own, "[::ffff:"), o.fam.mapped);
}

static void t_poll_masks(void)
{
	char b[16];
	CONNECTED(l);

	EXPECT_EQ(mask(l.fd), POLLOUT | POLLWRNORM);
	EXPECT_EQ(tell(OP_SEND, l.slot, 1, 0, NULL), 1);
	EXPECT_EQ(wait_for(l.fd, POLLIN, WAIT_MS), POLLIN);
	EXPECT_EQ(mask(l.fd), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM);
	EXPECT_EQ(recv(l.fd, b, sizeof(b), 0), 1);
	EXPECT_EQ(mask(l.fd), POLLOUT | POLLWRNORM);
	EXPECT(!tell(OP_SHUTDOWN, l.slot, SHUT_WR, 0, NULL));
	EXPECT_EQ(wait_for(l.fd, POLLRDHUP, WAIT_MS), POLLRDHUP);
	EXPECT_EQ(mask(l.fd), POLLIN | POLLRDNORM | POLLRDHUP | POLLOUT | POLLWRNORM);
	EXPECT(!shutdown(l.fd, SHUT_WR));
	EXPECT_EQ(wait_for(l.fd, 0, WAIT_MS), POLLHUP);
	EXPECT_EQ(mask(l.fd), POLLIN | POLLRDNORM | POLLRDHUP | POLLOUT | POLLWRNORM | POLLHUP);
	EXPECT_EQ(recv(l.fd, b, sizeof(b), 0), 0);
	EXPECT_EQ(so_error(l.fd), 0);
}

static void t_poll_full(void)
{
	struct rsp r;
	long sum;
	CONNECTED(l);

	nonblock(l.fd, true);
	sum = fill(l.fd);
	EXPECT(sum > 0);
	EXPECT_EQ(mask(l.fd), 0);
	EXPECT_EQ(tell(OP_RECVALL, l.slot, sum, 0, &r), sum);
	EXPECT(r.val);
	EXPECT_EQ(wait_for(l.fd, POLLOUT, WAIT_MS), POLLOUT);
}

static int edge(int ep, int ms)
{
	struct epoll_event e;
	int n = epoll_wait(ep, &e, 1, ms);

	return n == 1 ? (int)e.events : n;
}

static void t_epoll_edges(void)
{
	int ep = keep(epoll_create1(0));
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
	char b[64];
	struct rsp r;
	long sum;
	CONNECTED(l);

	nonblock(l.fd, true);
	EXPECT(!epoll_ctl(ep, EPOLL_CTL_ADD, l.fd, &e));
	EXPECT_EQ(edge(ep, WAIT_MS), EPOLLOUT);
	EXPECT_EQ(edge(ep, 0), 0);
	EXPECT_EQ(tell(OP_SEND, l.slot, 5, 0, NULL), 5);
	EXPECT_EQ(edge(ep, WAIT_MS), EPOLLIN | EPOLLOUT);
	EXPECT_EQ(edge(ep, 0), 0);		/* level would report it again */
	EXPECT_EQ(tell(OP_SEND, l.slot, 5, 5, NULL), 5);
	EXPECT_EQ(edge(ep, WAIT_MS), EPOLLIN | EPOLLOUT);	/* new data, unread or not */
	EXPECT_EQ(recv(l.fd, b, 4, 0), 4);
	EXPECT_EQ(edge(ep, 0), 0);
	EXPECT_EQ(recv(l.fd, b, sizeof(b), 0), 6);
	sum = fill(l.fd);
	EXPECT(sum > 0);
	while (edge(ep, 0) > 0)
		;
	EXPECT_EQ(tell(OP_RECVALL, l.slot, sum, 0, &r), sum);
	EXPECT_EQ(edge(ep, WAIT_MS), EPOLLOUT);
	EXPECT(!tell(OP_SHUTDOWN, l.slot, SHUT_WR, 0, NULL));
	while (sum > 0) {		/* more edges of writing may come first */
		sum = edge(ep, WAIT_MS);
		if (sum & EPOLLRDHUP)
			break;
	}
	EXPECT_EQ(sum, EPOLLIN | EPOLLRDHUP | EPOLLOUT);
}

static void t_epoll_listener(void)
{
	int ep = keep(epoll_create1(0)), port, lfd = listener(&port);
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };

	nonblock(lfd, true);
	EXPECT(!epoll_ctl(ep, EPOLL_CTL_ADD, lfd, &e));
	EXPECT_EQ(edge(ep, 0), 0);
	EXPECT(tell(OP_CONNECT, -1, port, 0, NULL) >= 0);
	EXPECT_EQ(edge(ep, WAIT_MS), EPOLLIN);
	EXPECT_EQ(edge(ep, 0), 0);
	EXPECT(tell(OP_CONNECT, -1, port, 0, NULL) >= 0);
	EXPECT_EQ(edge(ep, WAIT_MS), EPOLLIN);
	EXPECT(keep(accept(lfd, NULL, NULL)) >= 0);
	EXPECT(keep(accept(lfd, NULL, NULL)) >= 0);
	EXPECT_ERR(accept(lfd, NULL, NULL), EAGAIN);
}

static void t_recv_flags(void)
{
	uint8_t b[256];
	CONNECTED(l);

	EXPECT_ERR(recv(l.fd, b, 10, MSG_DONTWAIT), EAGAIN);
	EXPECT_EQ(tell(OP_SEND, l.slot, 100, 0, NULL), 100);
	EXPECT_EQ(recv(l.fd, b, 100, MSG_WAITALL), 100);
	EXPECT(is_pattern(b, 100, 0));
	EXPECT_EQ(tell(OP_SEND, l.slot, 50, 100, NULL), 50);
	EXPECT_EQ(wait_for(l.fd, POLLIN, WAIT_MS), POLLIN);
	EXPECT_EQ(recv(l.fd, b, 10, MSG_PEEK), 10);
	EXPECT(is_pattern(b, 10, 100));
	EXPECT_EQ(recv(l.fd, b, 50, MSG_WAITALL | MSG_PEEK), 50);
	EXPECT_EQ(recv(l.fd, b, 50, MSG_WAITALL), 50);
	EXPECT(is_pattern(b, 50, 100));
	EXPECT_ERR(recv(l.fd, b, 10, MSG_DONTWAIT), EAGAIN);
}

static void t_send_flavours(void)
{
	static uint8_t b[3000];
	struct iovec iov[3] = { { b, 500 }, { b + 500, 0 }, { b + 500, 1500 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 3 };
	struct mmsghdr mm[2] = {
		{ .msg_hdr = { .msg_iov = iov, .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_iov = iov + 2, .msg_iovlen = 1 } },
	};
	uint8_t back[3000];
	struct rsp r;
	CONNECTED(l);

	pattern(b, sizeof(b), 0);
	EXPECT_EQ(sendmsg(l.fd, &m, 0), 2000);
	EXPECT_EQ(write(l.fd, b + 2000, 500), 500);
	EXPECT_EQ(sendto(l.fd, b + 2500, 500, 0, NULL, 0), 500);
	EXPECT_EQ(tell(OP_RECVALL, l.slot, 3000, 0, &r), 3000);
	EXPECT(r.val);
	EXPECT_EQ(sendmmsg(l.fd, mm, 2, 0), 2);
	EXPECT_EQ(mm[1].msg_len, 1500);
	EXPECT_EQ(writev(l.fd, (struct iovec[]){ { b + 2000, 1000 } }, 1), 1000);
	EXPECT_EQ(tell(OP_RECVALL, l.slot, 3000, 0, &r), 3000);
	EXPECT(r.val);
	EXPECT_EQ(send(l.fd, b, 0, 0), 0);
	EXPECT_EQ(tell(OP_SEND, l.slot, 3000, 0, NULL), 3000);
	iov[0] = (struct iovec){ back, 1000 };
	iov[1] = (struct iovec){ back + 1000, 2000 };
	m.msg_iovlen = 2;
	EXPECT_EQ(recvmsg(l.fd, &m, MSG_WAITALL), 3000);
	EXPECT(is_pattern(back, 3000, 0));
	EXPECT_EQ(m.msg_flags & ~MSG_WAITALL, 0);
	EXPECT_EQ(tell(OP_SEND, l.slot, 10, 0, NULL), 10);
	EXPECT_EQ(wait_for(l.fd, POLLIN, WAIT_MS), POLLIN);
	EXPECT_EQ(readv(l.fd, iov, 2), 10);
	EXPECT_ERR(send(l.fd, (void *)8, 100, 0), EFAULT);
	EXPECT_EQ(tell(OP_SEND, l.slot, 10, 0, NULL), 10);
	EXPECT_EQ(wait_for(l.fd, POLLIN, WAIT_MS), POLLIN);
	EXPECT_ERR(recv(l.fd, (void *)8, 100, 0), EFAULT);
	EXPECT_EQ(recv(l.fd, back, 100, 0), 10);	/* the bytes are still there */
}

static void t_sendfile(void)
{
	int fd = keep(open("/tmp", O_TMPFILE | O_RDWR, 0600));
	static uint8_t b[200000];
	off_t off = 0;
	struct rsp r;
	CONNECTED(l);

	EXPECT(fd >= 0);
	pattern(b, sizeof(b), 0);
	EXPECT_EQ(write(fd, b, sizeof(b)), sizeof(b));
	/* what fits at once differs; nobody reads, so it must fit in the buffers */
	EXPECT_EQ(sendfile(l.fd, fd, &off, 10000), 10000);
	EXPECT_EQ(off, 10000);
	EXPECT_EQ(tell(OP_RECVALL, l.slot, 10000, 0, &r), 10000);
	EXPECT(r.val);
}

static void *recv_thread(void *arg)
{
	struct link *l = arg;
	struct req q = { .op = OP_RECVALL, .slot = l->slot, .a = BIG };

	return (void *)(long)(send(ctl, &q, sizeof(q), 0) == sizeof(q));
}

static void t_send_big(void)
{
	uint8_t *b = malloc(BIG);
	struct rsp r;
	void *ret;
	pthread_t tid;
	CONNECTED(l);

	/* a blocking send() returns when all is sent, never short */
	pattern(b, BIG, 0);
	EXPECT(!pthread_create(&tid, NULL, recv_thread, &l));
	EXPECT_EQ(send(l.fd, b, BIG, 0), BIG);
	pthread_join(tid, &ret);
	EXPECT(ret);
	EXPECT_EQ(recv(ctl, &r, sizeof(r), MSG_WAITALL), sizeof(r));
	EXPECT_EQ(r.ret, BIG);
	EXPECT(r.val);
	free(b);
}

static void t_timeouts(void)
{
	struct timeval tv = { 0, 200000 };
	static char b[65536];
	ssize_t n;
	uint64_t t0;
	CONNECTED(l);

	EXPECT(!setsockopt(l.fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	EXPECT(!setsockopt(l.fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	t0 = st_now_ms();
	EXPECT_ERR(recv(l.fd, b, 1, 0), EAGAIN);
	EXPECT(st_now_ms() - t0 >= 190 && st_now_ms() - t0 < 5000);
	/* a part may still go, then none */
	do {
		t0 = st_now_ms();
		n = send(l.fd, b, sizeof(b), 0);
	} while (n > 0);
	EXPECT_EQ(errno, EAGAIN);
	EXPECT(st_now_ms() - t0 >= 190 && st_now_ms() - t0 < 5000);
}

static void t_signals(void)
{
	static char b[65536];
	CONNECTED(l);

	disturb(0);
	EXPECT_ERR(recv(l.fd, b, 1, 0), EINTR);
	quiet();
	EXPECT(fill(l.fd) > 0);
	disturb(0);
	while (send(l.fd, b, sizeof(b), 0) > 0)		/* a part may still go */
		;
	EXPECT_EQ(errno, EINTR);
}

static void t_counts(void)
{
	uint64_t end = st_now_ms() + WAIT_MS;
	char b[1000];
	int v = -1;
	CONNECTED(l);

	EXPECT(!ioctl(l.fd, FIONREAD, &v));
	EXPECT_EQ(v, 0);
	EXPECT_EQ(tell(OP_SEND, l.slot, 1000, 0, NULL), 1000);
	do
		EXPECT(!ioctl(l.fd, SIOCINQ, &v));
	while (v < 1000 && st_now_ms() < end);
	EXPECT_EQ(v, 1000);
	EXPECT_EQ(recv(l.fd, b, 400, 0), 400);
	EXPECT(!ioctl(l.fd, FIONREAD, &v));
	EXPECT_EQ(v, 600);
	EXPECT_EQ(send(l.fd, b, 1000, 0), 1000);
	EXPECT_EQ(tell(OP_RECVALL, l.slot, 1000, 0, NULL), 1000);
	do
		EXPECT(!ioctl(l.fd, SIOCOUTQ, &v));
	while (v && st_now_ms() < end);
	EXPECT_EQ(v, 0);
	fill(l.fd);
	EXPECT(!ioctl(l.fd, SIOCOUTQ, &v));
	EXPECT(v > 0);
	EXPECT_ERR(ioctl(l.fd, 0x5abc, &v), ENOTTY);
}

static void t_nodelay_connected(void)
{
	int one = 1;
	char b = 'x';
	CONNECTED(l);

	EXPECT(!setsockopt(l.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)));
	EXPECT_EQ(opt_int(l.fd, IPPROTO_TCP, TCP_NODELAY), 1);
	EXPECT_EQ(send(l.fd, &b, 1, 0), 1);
	EXPECT_EQ(tell(OP_RECVALL, l.slot, 1, 0, NULL), 1);
}

/* --- the end of a connection */

static void t_half_close(void)
{
	char b[16];
	struct rsp r;
	CONNECTED(l);

	EXPECT_EQ(send_all(l.fd, 5000, 0), 5000);
	EXPECT(!shutdown(l.fd, SHUT_WR));
	pipes = 0;
	EXPECT_ERR(send(l.fd, b, 1, 0), EPIPE);
	EXPECT_EQ(pipes, 1);
	EXPECT_ERR(send(l.fd, b, 1, MSG_NOSIGNAL), EPIPE);
	EXPECT_EQ(pipes, 1);
	EXPECT_EQ(tell(OP_RECVALL, l.slot, 6000, 0, &r), 5000);		/* then the end */
	EXPECT(r.val);
	EXPECT_EQ(tell(OP_RECV, l.slot, 1, 0, NULL), 0);
	EXPECT_EQ(tell(OP_SEND, l.slot, 10, 0, NULL), 10);		/* the other way is open */
	EXPECT_EQ(recv(l.fd, b, 10, MSG_WAITALL), 10);
	EXPECT(!tell(OP_CLOSE, l.slot, 0, 0, NULL));
	EXPECT_EQ(recv(l.fd, b, 10, 0), 0);
	EXPECT_EQ(recv(l.fd, b, 10, 0), 0);
}

static void t_half_close_peer(void)
{
	uint8_t b[6000];
	struct rsp r;
	CONNECTED(l);

	EXPECT_EQ(tell(OP_SEND, l.slot, 5000, 0, NULL), 5000);
	EXPECT(!tell(OP_SHUTDOWN, l.slot, SHUT_WR, 0, NULL));
	EXPECT_EQ(recv(l.fd, b, sizeof(b), MSG_WAITALL), 5000);
	EXPECT(is_pattern(b, 5000, 0));
	EXPECT_EQ(recv(l.fd, b, sizeof(b), 0), 0);
	EXPECT_EQ(send_all(l.fd, 100000 / 8, 0), 100000 / 8);
	EXPECT(!drop(l.fd));
	EXPECT_EQ(tell(OP_RECVALL, l.slot, 100000, 0, &r), 100000 / 8);
	EXPECT(r.val);
}

static void t_shutdown_read(void)
{
	char b[16];
	CONNECTED(l);

	EXPECT(!shutdown(l.fd, SHUT_RD));
	EXPECT_EQ(recv(l.fd, b, 1, 0), 0);
	EXPECT(mask(l.fd) & POLLRDHUP);
	EXPECT_EQ(send(l.fd, b, 1, 0), 1);
	EXPECT_EQ(tell(OP_RECVALL, l.slot, 1, 0, NULL), 1);
	EXPECT(!shutdown(l.fd, SHUT_WR));
	EXPECT_EQ(tell(OP_RECV, l.slot, 1, 0, NULL), 0);
	EXPECT_ERR(shutdown(l.fd, 3), EINVAL);
}

static void *shutdown_reader(void *arg)
{
	char b;

	return (void *)recv(*(int *)arg, &b, 1, 0);
}

static void t_shutdown_wakes(void)
{
	pthread_t tid;
	void *ret;
	CONNECTED(l);

	EXPECT(!pthread_create(&tid, NULL, shutdown_reader, &l.fd));
	EXPECT(asleep());
	EXPECT(!shutdown(l.fd, SHUT_RDWR));
	pthread_join(tid, &ret);
	EXPECT_EQ((long)ret, 0);
	EXPECT_EQ(tell(OP_RECV, l.slot, 1, 0, NULL), 0);
}

static void t_close_unread(void)
{
	char b[16];
	CONNECTED(l);

	EXPECT_EQ(tell(OP_SEND, l.slot, 100, 0, NULL), 100);
	EXPECT_EQ(wait_for(l.fd, POLLIN, WAIT_MS), POLLIN);
	EXPECT_EQ(recv(l.fd, b, 10, 0), 10);
	EXPECT(!drop(l.fd));
	EXPECT(tell(OP_POLL, l.slot, POLLIN, WAIT_MS, NULL) & POLLERR);
	EXPECT_ERR(tell(OP_RECV, l.slot, 1, 0, NULL), ECONNRESET);
	EXPECT_EQ(tell(OP_RECV, l.slot, 1, 0, NULL), 0);
}

static void t_close_unread_peer(void)
{
	char b[16];
	CONNECTED(l);

	EXPECT_EQ(send(l.fd, b, 10, 0), 10);
	EXPECT(tell(OP_POLL, l.slot, POLLIN, WAIT_MS, NULL) == POLLIN);
	EXPECT(!tell(OP_CLOSE, l.slot, 0, 0, NULL));
	EXPECT(wait_for(l.fd, 0, WAIT_MS) & POLLERR);
	EXPECT_EQ(mask(l.fd), POLLIN | POLLRDNORM | POLLRDHUP | POLLOUT | POLLWRNORM |
			      POLLERR | POLLHUP);
	EXPECT_EQ(so_error(l.fd), ECONNRESET);
	EXPECT_EQ(so_error(l.fd), 0);
	EXPECT_EQ(recv(l.fd, b, 1, 0), 0);
	pipes = 0;
	EXPECT_ERR(send(l.fd, b, 1, 0), EPIPE);
	EXPECT_EQ(pipes, 1);
}

static void t_linger_reset(void)
{
	struct linger l0 = { 1, 0 };
	char b[16];
	CONNECTED(l);

	EXPECT(!setsockopt(l.fd, SOL_SOCKET, SO_LINGER, &l0, sizeof(l0)));
	EXPECT(!drop(l.fd));
	EXPECT(tell(OP_POLL, l.slot, POLLIN, WAIT_MS, NULL) & POLLERR);
	EXPECT_ERR(tell(OP_RECV, l.slot, 1, 0, NULL), ECONNRESET);
	if (!connected(&l))
		return;
	EXPECT(!tell(OP_LINGER, l.slot, 1, 0, NULL));
	EXPECT(!tell(OP_CLOSE, l.slot, 0, 0, NULL));
	EXPECT_ERR(recv(l.fd, b, 1, 0), ECONNRESET);	/* wakes who waits */
	EXPECT_EQ(recv(l.fd, b, 1, 0), 0);
}

/* all that was sent arrives, whether close() waits for it or not */
static void close_with_data(struct linger linger)
{
	struct rsp r;
	long sum;
	CONNECTED(l);

	EXPECT(!setsockopt(l.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	sum = fill(l.fd);
	EXPECT(sum > 0);
	EXPECT(!drop(l.fd));
	EXPECT_EQ(tell(OP_RECVALL, l.slot, sum + 100, 0, &r), sum);
	EXPECT(r.val);
}

static void t_close_pending(void)
{
	close_with_data((struct linger){ 0, 0 });
}

static void t_close_linger(void)
{
	close_with_data((struct linger){ 1, 1 });
}

static void t_send_after_close(void)
{
	uint64_t end = st_now_ms() + WAIT_MS;
	char b = 'x';
	CONNECTED(l);

	EXPECT(!tell(OP_CLOSE, l.slot, 0, 0, NULL));
	EXPECT_EQ(wait_for(l.fd, POLLRDHUP, WAIT_MS), POLLRDHUP);
	pipes = 0;
	while (send(l.fd, &b, 1, 0) == 1 && st_now_ms() < end)
		;
	EXPECT_EQ(errno, EPIPE);
	EXPECT_EQ(pipes, 1);
}

static void *blocked_sender(void *arg)
{
	static char b[65536];
	int fd = *(int *)arg;

	while (send(fd, b, sizeof(b), MSG_NOSIGNAL) > 0)
		;
	return (void *)(long)errno;
}

static void t_reset_wakes_sender(void)
{
	pthread_t tid;
	void *ret;
	CONNECTED(l);

	EXPECT(!pthread_create(&tid, NULL, blocked_sender, &l.fd));
	/* unread data at the other end: its close is a reset */
	EXPECT(tell(OP_POLL, l.slot, POLLIN, WAIT_MS, NULL) == POLLIN);
	EXPECT(!tell(OP_CLOSE, l.slot, 0, 0, NULL));
	pthread_join(tid, &ret);
	EXPECT_EQ((long)ret, ECONNRESET);
}

static void t_shared_by_fork(void)
{
	int go[2], status;
	pid_t pid;
	char b = 'x';
	CONNECTED(l);

	EXPECT(!pipe(go));
	keep(go[0]);
	keep(go[1]);
	pid = fork();
	EXPECT(pid >= 0);
	if (!pid) {
		close(go[1]);
		_exit(read(go[0], &b, 1) != 0 || send(l.fd, &b, 1, 0) != 1);
	}
	EXPECT(!drop(l.fd));		/* not the end: the child has it, too */
	EXPECT_EQ(tell(OP_POLL, l.slot, POLLIN, 100, NULL), 0);
	drop(go[1]);
	EXPECT_EQ(tell(OP_RECVALL, l.slot, 2, 0, NULL), 1);
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
}

/* ---- the list ---- */

enum { SMC_ONLY = 1, BOTH_ROLES = 2, BLACKHOLE = 4 };

static const struct check {
	const char *name;
	void (*fn)(void);
	int flags;
} checks[] = {
	{ "socket: wrong types and protocols", t_socket_errors, SMC_ONLY },
	{ "socket: domain and protocol", t_socket_identity, SMC_ONLY },
	{ "options that are refused", t_refused_options, SMC_ONLY },
	{ "socket: type and flags", t_socket_flags, 0 },
	{ "bind: errors", t_bind_errors, 0 },
	{ "names of an unconnected socket", t_names_unconnected, 0 },
	{ "calls on an unconnected socket", t_unconnected_calls, 0 },
	{ "SO_SNDBUF and SO_RCVBUF", t_buffer_options, 0 },
	{ "other socket options", t_socket_options, 0 },
	{ "listen: states", t_listen_states, 0 },
	{ "accept: nothing there", t_accept_empty, 0 },
	{ "accept: interrupted", t_accept_signal, 0 },
	{ "accept: flags, address, poll", t_accept_flags, 0 },
	{ "shutdown of a listener wakes accept", t_shutdown_listener, 0 },
	{ "close of a listener resets who was not accepted", t_close_listener_pending, 0 },
	{ "bind again after close of a listener", t_bind_again, 0 },
	{ "connect: bad addresses", t_connect_errors, 0 },
	{ "connect: refused", t_connect_refused, 0 },
	{ "connect: non-blocking", t_connect_nonblocking, 0 },
	{ "connect: a listener", t_connect_listener, 0 },
	{ "connect: pending", t_connect_pending, BLACKHOLE },
	{ "connect: interrupted", t_connect_signal, BLACKHOLE },
	{ "connect: SO_SNDTIMEO", t_connect_timeout, BLACKHOLE },
	{ "connect, listen, accept, bind of a connected socket", t_connect_again, BOTH_ROLES },
	{ "names of both ends", t_names, BOTH_ROLES },
	{ "poll masks", t_poll_masks, BOTH_ROLES },
	{ "poll: no room, room again", t_poll_full, BOTH_ROLES },
	{ "epoll: edges", t_epoll_edges, BOTH_ROLES },
	{ "epoll: edges of a listener", t_epoll_listener, 0 },
	{ "recv flags", t_recv_flags, BOTH_ROLES },
	{ "send and recv variants", t_send_flavours, BOTH_ROLES },
	{ "sendfile", t_sendfile, BOTH_ROLES },
	{ "send: 4 MB in one call", t_send_big, BOTH_ROLES },
	{ "SO_RCVTIMEO and SO_SNDTIMEO", t_timeouts, BOTH_ROLES },
	{ "recv and send: interrupted", t_signals, BOTH_ROLES },
	{ "SIOCINQ, SIOCOUTQ", t_counts, BOTH_ROLES },
	{ "TCP_NODELAY", t_nodelay_connected, BOTH_ROLES },
	{ "half-close by us", t_half_close, BOTH_ROLES },
	{ "half-close by the other end", t_half_close_peer, BOTH_ROLES },
	{ "shutdown of reading", t_shutdown_read, BOTH_ROLES },
	{ "shutdown wakes a reader", t_shutdown_wakes, BOTH_ROLES },
	{ "close with unread data", t_close_unread, BOTH_ROLES },
	{ "close with unread data by the other end", t_close_unread_peer, BOTH_ROLES },
	{ "SO_LINGER 0", t_linger_reset, BOTH_ROLES },
	{ "close with unsent data", t_close_pending, BOTH_ROLES },
	{ "close with unsent data, SO_LINGER", t_close_linger, BOTH_ROLES },
	{ "send after the other end closed", t_send_after_close, BOTH_ROLES },
	{ "reset wakes a blocked sender", t_reset_wakes_sender, BOTH_ROLES },
	{ "a socket shared by fork", t_shared_by_fork, BOTH_ROLES },
};

#define N_CHECKS (sizeof(checks) / sizeof(checks[0]))

static bool wanted(const struct check *c)
{
	if ((c->flags & SMC_ONLY) && o.fam.tcp)
		return false;
	if ((c->flags & BLACKHOLE) && !o.blackhole)
		return false;
	return !o.only || strstr(c->name, o.only);
}

static const char *running;
static int number;

/* a check that hangs ends the program: its threads may be stuck in the kernel */
static void on_alarm(int sig)
{
	char line[256];
	int n = snprintf(line, sizeof(line), "not ok %d - %s # hangs\nBail out!\n",
			 number, running);

	if (write(1, line, n) != n)
		_exit(3);
	_exit(1);
}

static bool run_check(const struct check *c, bool server)
{
	int i;

	role_server = server;
	running = c->name;
	number++;
	why[0] = '\0';
	n_mine = 0;
	alarm(40);
	c->fn();
	quiet();
	for (i = 0; i < n_mine; i++)
		if (mine[i] >= 0)
			close(mine[i]);
	tell(OP_RESET_ALL, -1, 0, 0, NULL);
	alarm(0);
	printf("%sok %d - %s%s\n", why[0] ? "not " : "", number, c->name,
	       !(c->flags & BOTH_ROLES) ? "" : server ? " (server)" : " (client)");
	if (why[0])
		printf("# %s\n", why);
	fflush(stdout);
	return !why[0];
}

static int run_checks(void)
{
	struct sigaction alrm = { .sa_handler = on_alarm }, pipe_sa = { .sa_handler = on_pipe };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	int plan = 0, bad = 0;
	size_t i;

	sigaction(SIGALRM, &alrm, NULL);
	sigaction(SIGPIPE, &pipe_sa, NULL);
	timer_create(CLOCK_MONOTONIC, &ev, &ticker);
	for (i = 0; i < N_CHECKS; i++)
		if (wanted(&checks[i]))
			plan += checks[i].flags & BOTH_ROLES ? 2 : 1;
	printf("TAP version 13\n1..%d\n", plan);
	for (i = 0; i < N_CHECKS; i++) {
		if (!wanted(&checks[i]))
			continue;
		bad += !run_check(&checks[i], false);
		if (checks[i].flags & BOTH_ROLES)
			bad += !run_check(&checks[i], true);
	}
	return bad ? 1 : 0;
}

/* control connection: always plain IPv4 TCP, or a socket pair on one machine */
static void meet_peer(const char *control)
{
	struct st_family plain = { .tcp = true };
	int sv[2];

	if (!o.host) {
		o.host = o.fam.v6 && !o.fam.mapped ? "::1" : "127.0.0.1";
		o.own = o.host;
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
			st_die("socketpair: %s", strerror(errno));
		fflush(stdout);
		if (!fork()) {
			close(sv[0]);
			serve(sv[1]);
		}
		close(sv[1]);
		ctl = sv[0];
		return;
	}
	ctl = do_connect(&plain, control ? control : o.host, o.port, SOCK_CLOEXEC);
	if (ctl < 0)
		st_die("no other end at %s: %s", control ? control : o.host, strerror(errno));
}

static const struct option longs[] = {
	ST_FAMILY_LONG,
	{ "peer", no_argument, NULL, 'P' },
	{ "client", required_argument, NULL, 'c' },
	{ "own", required_argument, NULL, 'a' },
	{ "port", required_argument, NULL, 'p' },
	{ "control", required_argument, NULL, 'C' },
	{ "expect", required_argument, NULL, 'e' },
	{ "blackhole", required_argument, NULL, 'b' },
	{ "only", required_argument, NULL, 'k' },
	{}
};

int main(int argc, char **argv)
{
	const char *control = NULL;
	int c;

	while ((c = getopt_long(argc, argv, ST_FAMILY_SHORT "Pc:a:p:C:e:b:k:", longs,
				NULL)) != -1) {
		if (st_family_opt(&o.fam, c, optarg))
			continue;
		switch (c) {
		case 'P':
			o.peer = true;
			break;
		case 'c':
			o.host = optarg;
			break;
		case 'a':
			o.own = optarg;
			break;
		case 'p':
			o.port = st_num(optarg, 1, 65535);
			break;
		case 'C':
			control = optarg;
			break;
		case 'e':
			o.expect = strcmp(optarg, "smcr") ? ST_MODE_TCP : ST_MODE_SMCR;
			break;
		case 'b':
			o.blackhole = optarg;
			break;
		case 'k':
			o.only = optarg;
			break;
		default:
			return 2;
		}
	}
	if (!o.host != !o.own)
		st_die("-c and -a go together");
	if (o.peer)
		peer_daemon();
	meet_peer(control);
	return run_checks();
}
