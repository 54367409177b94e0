// SPDX-License-Identifier: GPL-2.0
/*
 * smc_storm: many short connections, several at a time.
 *
 *	smc_storm -s [options]		server; ends when -n connections have ended
 *	smc_storm -c ADDR [options]	client
 *
 * -n N connections in all, -P N at a time. With -d 1 (default) the client sends
 * a byte and the server answers with one; with -d 0 there are none. -e says how
 * each connection ends, and must be the same on both sides:
 *   client, server		that side closes first, the other sees end of file
 *   reset-client, reset-server	that side closes with SO_LINGER 0, the other
 *				sees ECONNRESET
 *   kill			the client is a process with -P connections that
 *				kills itself when all of them have had their byte
 *
 * One line of JSON on stdout. Exit 0 if every connection ended as it should.
 */
#define _GNU_SOURCE
#include "smctest.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

enum ending { END_CLIENT, END_SERVER, END_RESET_CLIENT, END_RESET_SERVER, END_KILL };

static const char *const ending_names[] = {
	"client", "server", "reset-client", "reset-server", "kill",
};

static struct {
	struct st_family fam;
	bool server;
	const char *host;
	int port, n, parallel, data, timeout;
	enum ending ending;
} o = { .port = 5002, .n = 100, .parallel = 10, .data = 1, .timeout = 60 };

enum step { CONNECTING, WANT_BYTE, SEND_BYTE, WAIT_END };

struct conn {
	int fd;
	enum step step;
	struct st_mode mode;
	struct conn *free;
};

static struct conn *pool, *spare;
static struct st_tally ends;
static struct st_tally modes, reasons;
static int ep, live, done, good;

static void count_mode(struct conn *c)
{
	char buf[32];

	if (o.fam.tcp || !c->mode.inode)
		return;
	if (!c->mode.known)
		st_modes_fill(&pool[0].mode, sizeof(*pool), o.server ? o.n : o.parallel);
	st_count(&modes, c->mode.known ? st_mode_name(c->mode.mode) : "unknown");
	if (c->mode.known && c->mode.reason) {
		snprintf(buf, sizeof(buf),
			 c->mode.peer_diagnosis ? "0x%08x/0x%08x" : "0x%08x",
			 c->mode.reason, c->mode.peer_diagnosis);
		st_count(&reasons, buf);
	}
}

static void end(struct conn *c, const char *how, bool as_expected)
{
	count_mode(c);
	st_count(&ends, how);
	good += as_expected;
	close(c->fd);
	memset(&c->mode, 0, sizeof(c->mode));
	c->free = spare;
	spare = c;
	live--;
	done++;
}

static void close_first(struct conn *c)
{
	struct linger reset = { .l_onoff = 1 };

	if ((o.ending == END_RESET_CLIENT || o.ending == END_RESET_SERVER) &&
	    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)))
		st_die("SO_LINGER: %s", strerror(errno));
	end(c, "closed", true);
}

static bool we_end(void)
{
	if (o.server)
		return o.ending == END_SERVER || o.ending == END_RESET_SERVER;
	return o.ending == END_CLIENT || o.ending == END_RESET_CLIENT;
}

static void watch(struct conn *c, int op, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = c };

	if (epoll_ctl(ep, op, c->fd, &e))
		st_die("epoll_ctl: %s", strerror(errno));
}

static void exchanged(struct conn *c)
{
	c->step = WAIT_END;
	if (we_end())
		close_first(c);
	else
		watch(c, EPOLL_CTL_MOD, EPOLLIN);
}

static void send_byte(struct conn *c)
{
	char b = 'x';

	if (send(c->fd, &b, 1, MSG_NOSIGNAL) != 1) {
		end(c, st_errname(errno), false);
		return;
	}
	if (o.server) {
		exchanged(c);
	} else {
		c->step = WANT_BYTE;
		watch(c, EPOLL_CTL_MOD, EPOLLIN);
	}
}

/* the other side ended the connection: as it should have? */
static void ended(struct conn *c, ssize_t n, int err)
{
	bool reset = o.ending == END_RESET_CLIENT || o.ending == END_RESET_SERVER;

	if (n > 0)
		end(c, "extra-byte", false);
	else if (!n)
		end(c, "eof", !reset);
	else
		/* who has unread data when killed resets; here nobody has */
		end(c, st_errname(err), reset && err == ECONNRESET);
}

static void event(struct conn *c)
{
	int err = 0;
	socklen_t len = sizeof(err);
	char b[2];
	ssize_t n;

	switch (c->step) {
	case CONNECTING:
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
		if (err) {
			/* the reset of a server that waits for no byte may come first */
			end(c, st_errname(err), err == ECONNRESET && !o.data &&
			    o.ending == END_RESET_SERVER);
			return;
		}
		st_mode_watch(&c->mode, c->fd);
		if (o.data)
			send_byte(c);
		else
			exchanged(c);
		return;
	case WANT_BYTE:
		n = recv(c->fd, b, 2, 0);
		if (n != 1)
			end(c, n < 0 ? st_errname(errno) : n ? "extra-byte" : "early-eof", false);
		else if (o.server)
			send_byte(c);
		else
			exchanged(c);
		return;
	case WAIT_END:
		n = recv(c->fd, b, 2, 0);
		err = errno;
		if (n >= 0 || (err != EAGAIN && err != EINTR))
			ended(c, n, err);
		return;
	default:
		return;
	}
}

static struct conn *take(int fd, enum step step)
{
	struct conn *c = spare;

	spare = c->free;
	c->fd = fd;
	c->step = step;
	live++;
	return c;
}

static void accept_all(int lfd)
{
	int fd;

	while (spare && (fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		struct conn *c = take(fd, o.data ? WANT_BYTE : WAIT_END);

		st_mode_watch(&c->mode, fd);
		watch(c, EPOLL_CTL_ADD, EPOLLIN);
		if (!o.data)
			exchanged(c);
	}
}

static void start_connect(void)
{
	int fd = st_socket(&o.fam, SOCK_NONBLOCK), err;
	struct conn *c;
	union st_addr a;
	socklen_t len;

	if (fd < 0)
		st_die("socket: %s", st_errname(fd));
	c = take(fd, CONNECTING);
	st_addr(&o.fam, o.host, o.port, &a, &len);
	err = connect(fd, &a.sa, len) ? errno : 0;
	if (err && err != EINPROGRESS)
		end(c, st_errname(err), false);
	else
		watch(c, EPOLL_CTL_ADD, EPOLLOUT);
}

static bool all_waiting(void)
{
	int i;

	for (i = 0; i < o.parallel; i++)
		if (!pool[i].mode.inode || pool[i].step != WAIT_END)
			return false;
	return true;
}

static int report(void)
{
	printf("{\"prog\":\"smc_storm\",\"role\":\"%s\",\"conns\":%d,\"done\":%d,\"ok\":%d,\"live\":%d,\"ends\":",
	       o.server ? "server" : "client", o.n, done, good, live);
	st_tally_print(&ends);
	printf(",\"modes\":");
	st_tally_print(&modes);
	printf(",\"reasons\":");
	st_tally_print(&reasons);
	printf("}\n");
	return good == o.n ? 0 : 1;
}

static void loop(int lfd, uint64_t until)
{
	struct epoll_event evs[64];
	int i, n, opened = 0;

	while (done < o.n) {
		int64_t left = (int64_t)(until - st_now_ms());

		if (left <= 0)
			return;
		while (!o.server && live < o.parallel && opened < o.n) {
			start_connect();
			opened++;
		}
		n = epoll_wait(ep, evs, 64, left);
		for (i = 0; i < n; i++) {
			if (evs[i].data.ptr)
				event(evs[i].data.ptr);
			else
				accept_all(lfd);
		}
		if (o.ending == END_KILL && !o.server && all_waiting()) {
			st_modes_fill(&pool[0].mode, sizeof(*pool), o.parallel);
			raise(SIGKILL);
		}
	}
}

/* Each batch of connections is a process that ends by a signal. */
static int kill_storm(uint64_t until)
{
	int batches = o.n / o.parallel, i, status, killed = 0;

	for (i = 0; i < batches; i++) {
		pid_t pid = fork();

		if (!pid) {
			o.n = o.parallel;
			ep = epoll_create1(0);
			loop(-1, until);
			_exit(report());
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			st_die("fork: %s", strerror(errno));
		killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	}
	printf("{\"prog\":\"smc_storm\",\"role\":\"client\",\"batches\":%d,\"killed\":%d}\n",
	       batches, killed);
	return killed == batches ? 0 : 1;
}

static const struct option longs[] = {
	ST_FAMILY_LONG,
	{ "server", no_argument, NULL, 's' },
	{ "client", required_argument, NULL, 'c' },
	{ "port", required_argument, NULL, 'p' },
	{ "conns", required_argument, NULL, 'n' },
	{ "parallel", required_argument, NULL, 'P' },
	{ "data", required_argument, NULL, 'd' },
	{ "end", required_argument, NULL, 'e' },
	{ "timeout", required_argument, NULL, 't' },
	{}
};

int main(int argc, char **argv)
{
	struct epoll_event le = { .events = EPOLLIN };
	uint64_t until;
	int c, i, size, lfd = -1;

	while ((c = getopt_long(argc, argv, ST_FAMILY_SHORT "sc:p:n:P:d:e:t:", longs,
				NULL)) != -1) {
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
		case 'n':
			o.n = st_num(optarg, 1, 1000000);
			break;
		case 'P':
			o.parallel = st_num(optarg, 1, 10000);
			break;
		case 'd':
			o.data = st_num(optarg, 0, 1);
			break;
		case 'e':
			for (i = 0; i < 5 && strcmp(ending_names[i], optarg); i++)
				;
			if (i == 5)
				st_die("unknown ending %s", optarg);
			o.ending = i;
			break;
		case 't':
			o.timeout = st_num(optarg, 1, 3600);
			break;
		default:
			return 2;
		}
	}
	if (o.server == !!o.host || (o.ending == END_KILL && o.n % o.parallel))
		st_die("usage: smc_storm -s|-c ADDR [options]; see the head of the source");
	until = st_now_ms() + o.timeout * 1000ull;
	size = o.server ? o.n : o.parallel;
	pool = calloc(size, sizeof(*pool));
	for (i = size - 1; i >= 0; i--) {
		pool[i].free = spare;
		spare = &pool[i];
	}
	if (!o.server && o.ending == END_KILL)
		return kill_storm(until);
	ep = epoll_create1(0);
	if (o.server) {
		lfd = st_listen(&o.fam, NULL, o.port, 1024, SOCK_NONBLOCK, NULL);
		if (lfd < 0)
			st_die("listen: %s", st_errname(lfd));
		epoll_ctl(ep, EPOLL_CTL_ADD, lfd, &le);
	}
	loop(lfd, until);
	return report();
}
