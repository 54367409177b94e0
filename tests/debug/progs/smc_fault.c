// SPDX-License-Identifier: GPL-2.0
/*
 * smc_fault: let the n-th allocation of a system call fail, for each n.
 *
 *	smc_fault -s PORT		echo server, until it is killed
 *	smc_fault -c ADDR PORT CALL	sweep over one system call; TAP
 *	smc_fault -m ADDR PORT N	connections from six processes, N each, one after
 *					the other; each may fail, none may hang
 *
 * CALL: socket bind listen accept connect sendmsg recvmsg poll setsockopt
 * getsockopt shutdown close diag. The kernel has to have fault injection, see
 * /proc/self/fail-nth. For n = 1, 2, ... all that comes before the call is done
 * without faults, then the call with the fault. It may work nevertheless, or
 * fail with an error that tells of a lack of memory. Afterwards a new connection
 * has to carry a byte there and back. The sweep ends when the call makes no
 * n-th allocation.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <stdint.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <unistd.h>

#define MAX_NTH	2000
#define BYTES	(96 * 1024)
#define PATIENCE	60	/* seconds: beyond it a call hangs */

static struct sockaddr_in server;
static int nth_fd;
static char buf[BYTES];

static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("Bail out! ");
	vprintf(fmt, ap);
	printf(": %s\n", strerror(errno));
	va_end(ap);
	exit(2);
}

/* from now on the n-th allocation of this thread fails; 0: none */
static void fault(int n)
{
	char s[16];
	int len = snprintf(s, sizeof(s), "%d", n);

	/* one that is left over may hit just this, then no more is */
	if (pwrite(nth_fd, s, len, 0) != len && pwrite(nth_fd, s, len, 0) != len)
		die("fail-nth");
}

/* no fault any more; was there one? If it was left over it may hit the answer */
static bool faulted(void)
{
	char s[16] = "";
	ssize_t len = pread(nth_fd, s, sizeof(s) - 1, 0);

	fault(0);
	return len > 0 && atoi(s) == 0;
}

static int smc_socket(void)
{
	struct timeval tv = { .tv_sec = PATIENCE };
	int fd = socket(AF_SMC, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) ||
			setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv))))
		die("setsockopt");
	return fd;
}

static int smc_connected(void)
{
	int fd = smc_socket();

	if (fd < 0 || connect(fd, (void *)&server, sizeof(server)))
		die("connect");
	return fd;
}

/* is a byte echoed? */
static bool echo(int fd)
{
	char c = 'x';

	return send(fd, &c, 1, MSG_NOSIGNAL) == 1 && recv(fd, &c, 1, 0) == 1 && c == 'x';
}

/* a listener at an address of our own */
static int smc_listener(struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int fd = smc_socket();

	memset(addr, 0, sizeof(*addr));
	addr->sin_family = AF_INET;
	addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (void *)addr, sizeof(*addr)) || listen(fd, 5) ||
	    getsockname(fd, (void *)addr, &len))
		die("listener");
	return fd;
}

static int close_of(int fd, int rc)
{
	int err = errno;

	if (fd >= 0)
		close(fd);
	errno = err;
	return rc;
}

/*
 * One system call with the n-th allocation failing: its return value and errno;
 * *hit tells whether there was an n-th. Afterwards nothing is left open.
 */
static int try_socket(int n, bool *hit)
{
	int fd;

	fault(n);
	fd = socket(AF_SMC, SOCK_STREAM, 0);
	*hit = faulted();
	return close_of(fd, fd < 0 ? -1 : 0);
}

static int try_bind(int n, bool *hit)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	int fd = smc_socket(), rc;

	fault(n);
	rc = bind(fd, (void *)&addr, sizeof(addr));
	*hit = faulted();
	return close_of(fd, rc);
}

static int try_listen(int n, bool *hit)
{
	int fd = smc_socket(), rc;

	fault(n);
	rc = listen(fd, 5);
	*hit = faulted();
	return close_of(fd, rc);
}

static int try_accept(int n, bool *hit)
{
	struct sockaddr_in addr;
	int lfd = smc_listener(&addr), cfd = smc_socket(), fd;
	struct pollfd p = { .fd = lfd, .events = POLLIN };

	if (connect(cfd, (void *)&addr, sizeof(addr)) || poll(&p, 1, PATIENCE * 1000) != 1)
		die("nothing to accept");
	fault(n);
	fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);
	*hit = faulted();
	fd = close_of(fd, fd < 0 ? -1 : 0);
	close_of(cfd, 0);
	return close_of(lfd, fd);
}

static int try_connect(int n, bool *hit)
{
	int fd = smc_socket(), rc;

	fault(n);
	rc = connect(fd, (void *)&server, sizeof(server));
	*hit = faulted();
	if (!rc && !echo(fd)) {
		printf("# connected, but nothing comes back: %s\n", strerror(errno));
		errno = EPROTO;
		rc = -1;
	}
	return close_of(fd, rc);
}

static int try_sendmsg(int n, bool *hit)
{
	int fd = smc_connected();
	ssize_t rc;

	if (!echo(fd))
		die("echo");
	fault(n);
	rc = send(fd, buf, sizeof(buf), MSG_NOSIGNAL);
	*hit = faulted();
	return close_of(fd, rc < 0 ? -1 : 0);
}

static int try_recvmsg(int n, bool *hit)
{
	int fd = smc_connected();
	ssize_t rc;

	if (send(fd, buf, sizeof(buf) / 4, MSG_NOSIGNAL) != sizeof(buf) / 4)
		die("send");
	fault(n);
	rc = recv(fd, buf, sizeof(buf) / 4, MSG_WAITALL);
	*hit = faulted();
	return close_of(fd, rc < 0 ? -1 : 0);
}

static int try_poll(int n, bool *hit)
{
	struct pollfd p = { .fd = smc_connected(), .events = POLLOUT };
	int rc;

	fault(n);
	rc = poll(&p, 1, PATIENCE * 1000);
	*hit = faulted();
	return close_of(p.fd, rc < 0 ? -1 : 0);
}

static int try_setsockopt(int n, bool *hit)
{
	int fd = smc_connected(), rc;

	fault(n);
	rc = setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
	*hit = faulted();
	return close_of(fd, rc);
}

static int try_getsockopt(int n, bool *hit)
{
	int fd = smc_connected(), rc;
	struct tcp_info info;
	socklen_t len = sizeof(info);

	fault(n);
	rc = getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
	*hit = faulted();
	return close_of(fd, rc);
}

static int try_shutdown(int n, bool *hit)
{
	int fd = smc_connected(), rc;

	fault(n);
	rc = shutdown(fd, SHUT_WR);
	*hit = faulted();
	return close_of(fd, rc);
}

static int try_close(int n, bool *hit)
{
	int fd = smc_connected(), rc;

	fault(n);
	rc = close(fd);
	*hit = faulted();
	return rc;
}

static int try_diag(int n, bool *hit)
{
	struct {
		struct nlmsghdr h;
		unsigned char family, pad[2], ext;
		unsigned char id[48];
	} req = {
		.h = { .nlmsg_len = sizeof(req), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.family = AF_SMC, .ext = 0xff,
	};
	int fd = smc_connected(), nl, rc = 0;
	struct nlmsghdr *h = (void *)buf;

	nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (nl < 0)
		die("netlink");
	fault(n);
	if (send(nl, &req, sizeof(req), 0) < 0 || recv(nl, buf, sizeof(buf), 0) < 0)
		rc = -1;
	*hit = faulted();
	if (!rc && h->nlmsg_type == NLMSG_ERROR && ((struct nlmsgerr *)NLMSG_DATA(h))->error) {
		errno = -((struct nlmsgerr *)NLMSG_DATA(h))->error;
		rc = -1;
	}
	close_of(nl, 0);
	return close_of(fd, rc);
}

static const struct {
	const char *name;
	int (*run)(int n, bool *hit);
} calls[] = {
	{ "socket", try_socket }, { "bind", try_bind }, { "listen", try_listen },
	{ "accept", try_accept }, { "connect", try_connect }, { "sendmsg", try_sendmsg },
	{ "recvmsg", try_recvmsg }, { "poll", try_poll }, { "setsockopt", try_setsockopt },
	{ "getsockopt", try_getsockopt }, { "shutdown", try_shutdown },
	{ "close", try_close }, { "diag", try_diag },
};

/* errors that a lack of memory may end in */
static bool lack(int err)
{
	/* TCP says EADDRINUSE if it has no memory to remember a port; a timeout is a hang */
	return err == ENOMEM || err == ENOBUFS || err == EFAULT || err == ENFILE ||
	       err == EADDRINUSE;
}

static int sweep(const char *name, int (*run)(int n, bool *hit))
{
	bool hit = true;
	int n, bad = 0, failed = 0, fd, rc, err;

	for (n = 1; hit && n < MAX_NTH; n++) {
		errno = 0;
		rc = run(n, &hit);
		err = errno;
		if (rc && !(hit && lack(err))) {
			printf("# %s: fault %d: %s\n", name, n, strerror(err));
			bad++;
		}
		failed += rc != 0;
		fd = smc_connected();
		if (!echo(fd)) {
			printf("# %s: after fault %d: a new connection does not work: %s\n",
			       name, n, strerror(errno));
			bad++;
		}
		close(fd);
	}
	printf("1..1\n%sok 1 - %s: %d faults, %d calls failed\n", bad || hit ? "not " : "", name,
	       n - 2, failed);
	return bad || hit;
}

static int serve(int port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	int lfd = smc_socket(), one = 1, fd;
	struct timeval forever = {};
	ssize_t n, off, m;

	setsockopt(lfd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(lfd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
	if (bind(lfd, (void *)&addr, sizeof(addr)) || listen(lfd, 100))
		die("listen");
	signal(SIGCHLD, SIG_IGN);	/* no zombies */
	for (;;) {
		fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 && (lack(errno) || errno == ECONNABORTED))
			continue;
		if (fd < 0)
			die("accept");
		if (fork()) {
			close(fd);
			continue;
		}
		while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
			for (off = 0; off < n; off += m) {
				m = send(fd, buf + off, n - off, MSG_NOSIGNAL);
				if (m <= 0)
					_exit(0);
			}
		}
		_exit(0);
	}
}

static int one_of_many(void)
{
	int fd = socket(AF_SMC, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval tv = { .tv_sec = PATIENCE };
	uint64_t started = time(NULL);
	bool good;

	if (fd < 0)
		return lack(errno) ? 0 : -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	good = !connect(fd, (void *)&server, sizeof(server)) && echo(fd) &&
	       send(fd, buf, sizeof(buf), MSG_NOSIGNAL) > 0 && recv(fd, buf, sizeof(buf), 0) > 0;
	close(fd);
	return time(NULL) - started >= PATIENCE ? -1 : good;
}

static int many(int n)
{
	int i, j, status, good = 0, hung = 0, procs = 6;

	for (i = 0; i < procs; i++) {
		int ok = 0, bad = 0;

		if (fork())
			continue;
		for (j = 0; j < n; j++) {
			int rc = one_of_many();

			ok += rc > 0;
			bad += rc < 0;
		}
		_exit(bad ? 255 : ok);
	}
	while (wait(&status) > 0) {
		if (!WIFEXITED(status) || WEXITSTATUS(status) == 255)
			hung++;
		else
			good += WEXITSTATUS(status);
	}
	printf("1..1\n%sok 1 - %d connections: %d good, %d processes with one that hung or failed oddly\n",
	       hung ? "not " : "", procs * n, good, hung);
	return !!hung;
}

int main(int argc, char **argv)
{
	unsigned int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && !strcmp(argv[1], "-s"))
		return serve(atoi(argv[2]));
	if (argc != 5 || (strcmp(argv[1], "-c") && strcmp(argv[1], "-m")))
		die("usage: smc_fault -s PORT | -c ADDR PORT CALL | -m ADDR PORT N");
	server.sin_family = AF_INET;
	server.sin_port = htons(atoi(argv[3]));
	if (inet_pton(AF_INET, argv[2], &server.sin_addr) != 1)
		die("address");
	if (!strcmp(argv[1], "-m"))
		return many(atoi(argv[4]));
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_fd < 0)
		die("fail-nth");
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (!strcmp(calls[i].name, argv[4]))
			return sweep(calls[i].name, calls[i].run);
	}
	die("no such call");
}
