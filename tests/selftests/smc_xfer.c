// SPDX-License-Identifier: GPL-2.0
/*
 * smc_xfer: integrity of pseudo-random streams, both directions at once.
 *
 *	smc_xfer -s [options]		server
 *	smc_xfer -c ADDR [options]	client
 *
 * Every connection carries --bytes each way, cut in random chunks of
 * --min..--max bytes, from a generator seeded by connection and direction, and
 * each byte is compared. --bytes and --order must be the same on both sides.
 *
 * --order says how a connection ends after its bytes:
 *   both     each side shuts down writing as soon as it has sent everything
 *   client   the client does, the server only once it has seen that
 *   server   the other way round
 *   close    nobody shuts down; the client just closes when it has all
 *   kill     nobody shuts down; the client closes with SO_LINGER 0 (not with
 *            --blocking)
 *
 * --tfo: TCP Fast Open (TCP_FASTOPEN at the server, TCP_FASTOPEN_CONNECT at the
 * client). --md5 ADDR: TCP MD5 signatures with that peer. --keepalive S: probes
 * after S seconds of silence, every second, dead after three. --dev NAME:
 * SO_BINDTODEVICE.
 *
 * With --hold the connections stay idle after their bytes until SIGTERM or a
 * line on stdin. --ready FILE gets a line "listening" and "held"; with a FIFO
 * the suites wait for these without polling.
 *
 * One line of JSON on stdout. Exit 0 if every connection ended as it should.
 */
#define _GNU_SOURCE
#include "smctest.h"

#include <errno.h>
#include <getopt.h>
#include <linux/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define CHUNK_MAX (1 << 20)
#define GOLDEN 0x9e3779b97f4a7c15ull

enum order { ORDER_BOTH, ORDER_CLIENT, ORDER_SERVER, ORDER_CLOSE, ORDER_KILL };

static const char *const order_names[] = {
	"both", "client", "server", "close", "kill",
};

static struct {
	struct st_family fam;
	bool server, blocking, hold, stdin_hold, tfo;
	const char *host, *bind_host, *ready, *md5, *dev;
	int port, conns, keepalive;
	long bytes, min, max;
	uint64_t seed;
	enum order order;
	int timeout;
} o = {
	.port = 5001, .conns = 1, .bytes = 1 << 20, .min = 1, .max = 64 << 10,
	.seed = 1, .timeout = 60,
};

enum end {
	END_RUNNING, END_OK, END_EARLY_EOF, END_MISMATCH, END_EXTRA, END_ERRNO,
};

struct conn {
	int fd;
	uint32_t index;
	bool connecting, have_index, finished_tx, saw_eof, sent_short;
	uint64_t tx_seed, rx_seed, chunk_rng;
	uint64_t tx, rx;		/* bytes of the stream, index included */
	long chunk_left;
	uint32_t events;		/* what epoll watches now */
	enum end end;
	int err;
	uint64_t mismatch_at;
	struct st_mode mode;
	pthread_t tid;
};

static struct conn *conns;
static volatile sig_atomic_t stop_hold;
static const char *last_error = "";

/* ---- the stream ---- */

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

/* Byte pos of a stream depends on seed and pos alone, so any piece can be made. */
static void generate(uint8_t *buf, size_t len, uint64_t seed, uint64_t pos)
{
	while (len) {
		uint64_t word = mix(seed + (pos >> 3) * GOLDEN);
		size_t skip = pos & 7, n = 8 - skip;

		if (n > len)
			n = len;
		memcpy(buf, (uint8_t *)&word + skip, n);
		buf += n;
		pos += n;
		len -= n;
	}
}

static void seed_conn(struct conn *c)
{
	uint64_t up = mix(o.seed * GOLDEN + 2 * c->index);
	uint64_t down = mix(o.seed * GOLDEN + 2 * c->index + 1);

	c->tx_seed = o.server ? down : up;
	c->rx_seed = o.server ? up : down;
	c->chunk_rng = mix(c->tx_seed);
	c->have_index = true;
}

static long next_chunk(struct conn *c)
{
	uint64_t r = mix(c->chunk_rng += GOLDEN);
	long span = o.max - o.min + 1;

	/* half of the chunks small, so that short and long ones alternate */
	if (r & 1 && span > 256)
		span = 256;
	return o.min + (r >> 1) % span;
}

/*
 * The client's stream starts with the number of its connection (4 bytes), so
 * that both sides seed alike whatever the order of acceptance. It belongs to
 * the stream, not to --bytes.
 */
static uint64_t tx_total(void)
{
	return o.bytes + (o.server ? 0 : 4);
}

static uint64_t rx_total(void)
{
	return o.bytes + (o.server ? 4 : 0);
}

static size_t make_tx(struct conn *c, uint8_t *buf, size_t len)
{
	size_t head = 0;

	if (!o.server && c->tx < 4) {
		uint32_t be = htonl(c->index);

		head = 4 - c->tx;
		if (head > len)
			head = len;
		memcpy(buf, (uint8_t *)&be + c->tx, head);
		if (head == len)
			return len;
	}
	generate(buf + head, len - head, c->tx_seed,
		 c->tx + head - (o.server ? 0 : 4));
	return len;
}

/* compare what arrived; false ends the connection as a mismatch */
static bool check_rx(struct conn *c, const uint8_t *buf, size_t len)
{
	static _Thread_local uint8_t want[CHUNK_MAX];
	uint64_t pos = c->rx;
	size_t i;

	while (o.server && pos < 4 && len) {
		c->index = c->index << 8 | *buf++;
		len--;
		if (++pos == 4)
			seed_conn(c);
	}
	if (len) {
		generate(want, len, c->rx_seed, pos - (o.server ? 4 : 0));
		if (memcmp(want, buf, len)) {
			for (i = 0; want[i] == buf[i]; i++)
				;
			c->mismatch_at = pos + i;
			c->end = END_MISMATCH;
			return false;
		}
	}
	c->rx = pos + len;
	return true;
}

/* ---- one connection, whichever way it is driven ---- */

static void fail_errno(struct conn *c, int err, const char *where)
{
	if (c->end != END_RUNNING)
		return;
	c->end = END_ERRNO;
	c->err = err;
	last_error = where;
}

static bool all_sent(const struct conn *c)
{
	return c->tx == tx_total();
}

static bool all_received(const struct conn *c)
{
	return c->rx == rx_total();
}

/*
 * What may be sent by now. Before a reset by the client the server keeps its
 * last byte until it has everything: a reset may discard what is on its way.
 */
static long sendable(const struct conn *c)
{
	long left = tx_total() - c->tx;

	if (o.order == ORDER_KILL && o.server && left && !all_received(c))
		left--;
	return left;
}

/* may this side say now that it has finished writing? */
static bool may_finish(const struct conn *c)
{
	if (!all_sent(c) || c->finished_tx)
		return false;
	switch (o.order) {
	case ORDER_BOTH:
		return true;
	case ORDER_CLIENT:
		return !o.server || c->saw_eof;
	case ORDER_SERVER:
		return o.server || c->saw_eof;
	default:
		return false;
	}
}

/* true when a connection has done all it should, and may be closed */
static bool complete(const struct conn *c)
{
	if (!all_sent(c) || !all_received(c))
		return false;
	if (o.order == ORDER_CLOSE || o.order == ORDER_KILL)
		return !o.server || c->saw_eof;
	return c->finished_tx && c->saw_eof;
}

/* SMC-R or TCP? Asked while the socket is still open; one dump serves them all. */
static void learn_mode(struct conn *c)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	if (o.fam.tcp)
		return;
	pthread_mutex_lock(&lock);
	if (c->mode.inode && !c->mode.known)
		st_modes_fill(&conns[0].mode, sizeof(*conns), o.conns);
	pthread_mutex_unlock(&lock);
}

static void close_conn(struct conn *c)
{
	struct linger reset = { .l_onoff = 1 };

	if (c->fd < 0)
		return;
	learn_mode(c);
	if (o.order == ORDER_KILL && !o.server)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(c->fd);
	c->fd = -1;
}

/* one recv(); false if nothing more can be read for now or for good */
static bool rx_step(struct conn *c, uint8_t *buf, size_t size)
{
	ssize_t n = recv(c->fd, buf, size, 0);

	if (n > 0) {
		if (c->rx + n > rx_total()) {
			c->end = END_EXTRA;
			return false;
		}
		return check_rx(c, buf, n);
	}
	if (!n) {
		c->saw_eof = true;
		if (!all_received(c))
			c->end = END_EARLY_EOF;
		return false;
	}
	if (errno == ECONNRESET && o.order == ORDER_KILL && o.server &&
	    all_received(c) && all_sent(c))
		c->saw_eof = true;
	else if (errno != EAGAIN && errno != EINTR)
		fail_errno(c, errno, "recv");
	return false;
}

/* one send(); false if no more can be sent for now or for good */
static bool tx_step(struct conn *c, uint8_t *buf)
{
	long left = sendable(c);
	ssize_t n;

	if (!left)
		return false;
	if (!c->chunk_left)
		c->chunk_left = next_chunk(c);
	if (c->chunk_left > left)
		c->chunk_left = left;
	n = send(c->fd, buf, make_tx(c, buf, c->chunk_left), MSG_NOSIGNAL);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			fail_errno(c, errno, "send");
		return false;
	}
	/* a blocking send() of TCP is short only if the next one fails */
	if (c->sent_short) {
		fail_errno(c, ENOBUFS, "short blocking send");
		return false;
	}
	c->sent_short = o.blocking && n < c->chunk_left;
	c->tx += n;
	c->chunk_left -= n;
	return true;
}

static void finish_tx(struct conn *c)
{
	if (shutdown(c->fd, SHUT_WR))
		fail_errno(c, errno, "shutdown");
	else
		c->finished_tx = true;
}

/* ---- --hold ---- */

static void on_term(int sig)
{
	stop_hold = 1;
}

static void hold(void)
{
	struct pollfd p = { .fd = o.stdin_hold ? 0 : -1, .events = POLLIN };

	st_ready(o.ready, "held\n");
	while (!stop_hold && poll(&p, 1, 1000) <= 0)
		;
}

/* ---- sockets ---- */

static void set_option(int fd, int level, int opt, const void *val, socklen_t len,
		       const char *name)
{
	if (setsockopt(fd, level, opt, val, len))
		st_die("%s: %s", name, st_errname(errno));
}

static void set_int(int fd, int level, int opt, int val, const char *name)
{
	set_option(fd, level, opt, &val, sizeof(val), name);
}

/* what the command line wants of every connection; before connect() or listen() */
static void set_options(int fd)
{
	struct tcp_md5sig sig = { .tcpm_keylen = 6, .tcpm_key = "secret" };
	union st_addr a;
	socklen_t len;

	if (o.keepalive) {
		set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE");
		set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, o.keepalive, "TCP_KEEPIDLE");
		set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1, "TCP_KEEPINTVL");
		set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 3, "TCP_KEEPCNT");
	}
	if (o.dev)
		set_option(fd, SOL_SOCKET, SO_BINDTODEVICE, o.dev, strlen(o.dev) + 1,
			   "SO_BINDTODEVICE");
	if (o.tfo && o.server)
		set_int(fd, IPPROTO_TCP, TCP_FASTOPEN, 100, "TCP_FASTOPEN");
	if (o.tfo && !o.server)
		set_int(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1, "TCP_FASTOPEN_CONNECT");
	if (o.md5) {
		st_addr(&o.fam, o.md5, 0, &a, &len);
		memcpy(&sig.tcpm_addr, &a, len);
		set_option(fd, IPPROTO_TCP, TCP_MD5SIG, &sig, sizeof(sig), "TCP_MD5SIG");
	}
}

static int start_listen(int flags)
{
	int fd = st_socket(&o.fam, flags);
	union st_addr a;
	socklen_t len;

	if (fd < 0)
		st_die("socket: %s", st_errname(fd));
	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
	set_options(fd);
	st_addr(&o.fam, o.bind_host, o.port, &a, &len);
	if (bind(fd, &a.sa, len) || listen(fd, 1024))
		st_die("listen: %s", st_errname(errno));
	st_ready(o.ready, "listening\n");
	return fd;
}

/* ---- one epoll loop for all connections ---- */

static int ep;

static void watch(struct conn *c, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = c };

	if (c->events == events)
		return;
	if (epoll_ctl(ep, c->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &e))
		st_die("epoll_ctl: %s", strerror(errno));
	c->events = events;
}

static int start_connect(struct conn *c)
{
	union st_addr a;
	socklen_t len;

	c->fd = st_socket(&o.fam, o.blocking ? 0 : SOCK_NONBLOCK);
	if (c->fd < 0)
		st_die("socket: %s", st_errname(c->fd));
	set_options(c->fd);
	if (o.bind_host) {
		st_addr(&o.fam, o.bind_host, 0, &a, &len);
		if (bind(c->fd, &a.sa, len))
			st_die("bind: %s", strerror(errno));
	}
	st_addr(&o.fam, o.host, o.port, &a, &len);
	if (connect(c->fd, &a.sa, len))
		return -errno;
	return 0;
}

static void event(struct conn *c, uint32_t events, bool held, uint8_t *buf)
{
	if (c->connecting && events) {
		int err = 0;
		socklen_t len = sizeof(err);

		if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len))
			err = errno;
		if (err) {
			fail_errno(c, err, "connect");
			return;
		}
		c->connecting = false;
		st_mode_watch(&c->mode, c->fd);
		seed_conn(c);
	}
	/* bounded, so that no connection starves the others */
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		for (int i = 0; i < 4 && c->end == END_RUNNING &&
		     rx_step(c, buf, next_chunk(c)); i++)
			;
	if (c->have_index)
		for (int i = 0; i < 4 && c->end == END_RUNNING && !all_sent(c) &&
		     tx_step(c, buf); i++)
			;
	if (c->end == END_RUNNING && !held && may_finish(c))
		finish_tx(c);
}

static uint32_t wanted(const struct conn *c)
{
	uint32_t ev = 0;

	if (c->connecting)
		return EPOLLOUT;
	if (!c->saw_eof)
		ev |= EPOLLIN;
	if (c->have_index && sendable(c))
		ev |= EPOLLOUT;
	return ev ? ev : EPOLLERR;
}

static void run_epoll(void)
{
	static uint8_t buf[CHUNK_MAX];
	struct epoll_event evs[64], le = { .events = EPOLLIN };
	uint64_t end = st_now_ms() + o.timeout * 1000ull;
	int lfd = -1, live = 0, opened = 0;
	bool held = o.hold, told = false;

	ep = epoll_create1(EPOLL_CLOEXEC);
	if (o.server) {
		lfd = start_listen(SOCK_NONBLOCK);
		epoll_ctl(ep, EPOLL_CTL_ADD, lfd, &le);
	} else {
		for (; opened < o.conns; opened++) {
			struct conn *c = &conns[opened];
			int err = start_connect(c);

			live++;
			if (err && err != -EINPROGRESS) {
				fail_errno(c, -err, "connect");
				close_conn(c);
				live--;
				continue;
			}
			c->connecting = true;
			watch(c, EPOLLOUT);
		}
	}

	while (live || opened < o.conns) {
		int64_t left = (int64_t)(end - st_now_ms());
		int n, i, idle = 0;

		if (left <= 0)
			return;
		n = epoll_wait(ep, evs, 64, left);
		for (i = 0; i < n; i++) {
			struct conn *c = evs[i].data.ptr;

			if (!c) {
				int fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK);

				if (fd < 0 || opened == o.conns)
					continue;
				c = &conns[opened++];
				c->fd = fd;
				/* chunks of recv() before the seed is known */
				c->chunk_rng = opened;
				live++;
				st_mode_watch(&c->mode, fd);
				watch(c, EPOLLIN);
				continue;
			}
			event(c, evs[i].events, held, buf);
			if (c->end != END_RUNNING || complete(c)) {
				if (c->end == END_RUNNING)
					c->end = END_OK;
				if (!held || c->end != END_OK) {
					close_conn(c);
					live--;
					continue;
				}
			}
			watch(c, wanted(c));
		}
		if (!held || opened < o.conns)
			continue;
		for (i = 0; i < o.conns; i++)
			idle += conns[i].fd < 0 || (all_sent(&conns[i]) && all_received(&conns[i]));
		if (idle < o.conns || told)
			continue;
		told = true;
		hold();
		held = false;
		end = st_now_ms() + o.timeout * 1000ull;
		for (i = 0; i < o.conns; i++) {
			struct conn *c = &conns[i];

			if (c->fd < 0)
				continue;
			c->end = END_RUNNING;
			if (may_finish(c))
				finish_tx(c);
			if (c->end == END_RUNNING && !complete(c)) {
				watch(c, wanted(c));
				continue;
			}
			if (c->end == END_RUNNING)
				c->end = END_OK;
			close_conn(c);
			live--;
		}
	}
}

/* ---- two threads for each connection, blocking calls ---- */

static pthread_barrier_t idle_barrier, go_barrier;

static void *sender(void *arg)
{
	struct conn *c = arg;
	uint8_t *buf = malloc(CHUNK_MAX);

	while (c->end == END_RUNNING && !all_sent(c) && tx_step(c, buf))
		;
	if (c->end == END_RUNNING && !o.hold &&
	    (o.order == ORDER_BOTH || (o.order == ORDER_CLIENT && !o.server) ||
	     (o.order == ORDER_SERVER && o.server)))
		finish_tx(c);
	free(buf);
	return NULL;
}

static void *blocking_conn(void *arg)
{
	struct conn *c = arg;
	uint8_t *buf = malloc(CHUNK_MAX);
	pthread_t tid;

	if (!o.server) {
		int err = start_connect(c);

		if (err)
			fail_errno(c, -err, "connect");
		else
			seed_conn(c);
	}
	if (c->end == END_RUNNING)
		st_mode_watch(&c->mode, c->fd);
	/* the server has to learn the number of the connection first */
	while (c->end == END_RUNNING && !c->have_index && rx_step(c, buf, 4 - c->rx))
		;
	if (c->end == END_RUNNING) {
		pthread_create(&tid, NULL, sender, c);
		while (c->end == END_RUNNING && !all_received(c) &&
		       rx_step(c, buf, next_chunk(c)))
			;
		if (c->end != END_RUNNING)	/* a blocked sender would wait for ever */
			shutdown(c->fd, SHUT_RDWR);
		pthread_join(tid, NULL);
	}
	if (o.hold) {
		pthread_barrier_wait(&idle_barrier);
		pthread_barrier_wait(&go_barrier);
	}
	if (c->end == END_RUNNING && may_finish(c))
		finish_tx(c);
	if (c->end == END_RUNNING && (o.server || o.order < ORDER_CLOSE)) {
		while (c->end == END_RUNNING && !c->saw_eof)
			rx_step(c, buf, 1);
		if (c->end == END_RUNNING && may_finish(c))
			finish_tx(c);
	}
	if (c->end == END_RUNNING)
		c->end = complete(c) ? END_OK : END_EARLY_EOF;
	close_conn(c);
	free(buf);
	return NULL;
}

static void run_blocking(void)
{
	struct timespec until;
	int lfd = -1, i;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += o.timeout;
	pthread_barrier_init(&idle_barrier, NULL, o.conns + 1);
	pthread_barrier_init(&go_barrier, NULL, o.conns + 1);
	if (o.server) {
		struct timeval tv = { .tv_sec = o.timeout };

		lfd = start_listen(0);
		setsockopt(lfd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	}
	for (i = 0; i < o.conns; i++) {
		struct conn *c = &conns[i];

		if (o.server) {
			c->fd = accept(lfd, NULL, NULL);
			if (c->fd < 0)
				return;
			c->chunk_rng = i;
		}
		if (pthread_create(&c->tid, NULL, blocking_conn, c))
			st_die("no thread %d", i);
	}
	if (o.hold) {
		pthread_barrier_wait(&idle_barrier);
		hold();
		pthread_barrier_wait(&go_barrier);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += o.timeout;
	}
	for (i = 0; i < o.conns; i++)
		if (pthread_timedjoin_np(conns[i].tid, NULL, &until))
			return;
}

/* ---- the verdict ---- */

static int report(uint64_t t0)
{
	static const char *const ends[] = {
		"timeout", "ok", "early-eof", "mismatch", "extra-bytes",
	};
	struct st_tally tally = {};
	uint64_t tx = 0, rx = 0;
	int i, ok = 0;

	for (i = 0; i < o.conns; i++) {
		struct conn *c = &conns[i];

		tx += c->tx;
		rx += c->rx;
		ok += c->end == END_OK;
		st_count(&tally, c->end == END_ERRNO ? st_errname(c->err) : ends[c->end]);
		if (c->end == END_MISMATCH)
			fprintf(stderr, "connection %u differs at byte %llu\n", c->index,
				(unsigned long long)c->mismatch_at);
	}
	printf("{\"prog\":\"smc_xfer\",\"role\":\"%s\",\"conns\":%d,\"ok\":%d,\"tx\":%llu,\"rx\":%llu",
	       o.server ? "server" : "client", o.conns, ok,
	       (unsigned long long)tx, (unsigned long long)rx);
	printf(",\"ms\":%llu,\"last_error\":\"%s\",\"ends\":",
	       (unsigned long long)(st_now_ms() - t0), last_error);
	st_tally_print(&tally);
	if (!o.fam.tcp)
		st_modes_print(&conns[0].mode, sizeof(*conns), o.conns);
	printf("}\n");
	fflush(stdout);
	return ok == o.conns ? 0 : 1;
}

static const struct option longs[] = {
	ST_FAMILY_LONG,
	{ "server", no_argument, NULL, 's' },
	{ "client", required_argument, NULL, 'c' },
	{ "port", required_argument, NULL, 'p' },
	{ "bind", required_argument, NULL, 'b' },
	{ "conns", required_argument, NULL, 'n' },
	{ "bytes", required_argument, NULL, 'N' },
	{ "min", required_argument, NULL, 'l' },
	{ "max", required_argument, NULL, 'h' },
	{ "seed", required_argument, NULL, 'S' },
	{ "order", required_argument, NULL, 'o' },
	{ "timeout", required_argument, NULL, 't' },
	{ "blocking", no_argument, NULL, 'k' },
	{ "hold", no_argument, NULL, 'H' },
	{ "hold-stdin", no_argument, NULL, 'I' },
	{ "ready", required_argument, NULL, 'r' },
	{ "tfo", no_argument, NULL, 'F' },
	{ "md5", required_argument, NULL, '5' },
	{ "keepalive", required_argument, NULL, 'K' },
	{ "dev", required_argument, NULL, 'D' },
	{}
};

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_term };
	uint64_t t0 = st_now_ms();
	int c, i;

	while ((c = getopt_long(argc, argv, ST_FAMILY_SHORT "sc:p:b:n:N:l:h:S:o:t:kHIr:F5:K:D:",
				longs, NULL)) != -1) {
		if (st_family_opt(&o.fam, c, optarg))
			continue;
		switch (c) {
		case 's':
			o.server = true;
			break;
		case 'c':
			o.host = optarg;
			break;
		case 'p':
			o.port = st_num(optarg, 1, 65535);
			break;
		case 'b':
			o.bind_host = optarg;
			break;
		case 'n':
			o.conns = st_num(optarg, 1, 20000);
			break;
		case 'N':
			o.bytes = st_num(optarg, 0, 1l << 40);
			break;
		case 'l':
			o.min = st_num(optarg, 1, CHUNK_MAX);
			break;
		case 'h':
			o.max = st_num(optarg, 1, CHUNK_MAX);
			break;
		case 'S':
			o.seed = st_num(optarg, 0, 1l << 40);
			break;
		case 'o':
			for (i = 0; i < 5 && strcmp(order_names[i], optarg); i++)
				;
			if (i == 5)
				st_die("unknown order %s", optarg);
			o.order = i;
			break;
		case 't':
			o.timeout = st_num(optarg, 1, 3600);
			break;
		case 'k':
			o.blocking = true;
			break;
		case 'I':
			o.stdin_hold = true;
			/* fallthrough */
		case 'H':
			o.hold = true;
			break;
		case 'r':
			o.ready = optarg;
			break;
		case 'F':
			o.tfo = true;
			break;
		case '5':
			o.md5 = optarg;
			break;
		case 'K':
			o.keepalive = st_num(optarg, 1, 3600);
			break;
		case 'D':
			o.dev = optarg;
			break;
		default:
			return 2;
		}
	}
	if (o.server == !!o.host || o.min > o.max || (o.blocking && o.order == ORDER_KILL))
		st_die("usage: smc_xfer -s|-c ADDR [options]; see the head of the source");
	sigaction(SIGTERM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	conns = calloc(o.conns, sizeof(*conns));
	for (i = 0; i < o.conns; i++) {
		conns[i].fd = -1;
		conns[i].index = o.server ? 0 : i;
	}
	if (o.blocking)
		run_blocking();
	else
		run_epoll();
	i = report(t0);
	_exit(i);	/* threads that hang must not keep the result back */
}
