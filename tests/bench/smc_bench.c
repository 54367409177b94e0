// SPDX-License-Identifier: GPL-2.0
/*
 * smc_bench: what a transport costs, between two addresses of one machine
 *
 *	smc_bench [options] bulk	-n bytes in writes of -l bytes over -c connections
 *	smc_bench [options] rtt		-n round trips of -l bytes each way
 *	smc_bench [options] crr		-n times connect, a byte each way, close
 *	smc_bench [options] idle	memory of -n connections that do nothing
 *	smc_bench ueid NAME		give the kernel's own SMC a user EID
 *
 * -f tcp|smc	family; -F that of the server, if different
 * -p PORT	of the server
 * -P		let the kernel's kprobe events count meanwhile
 *
 * A child is the server. One line of JSON on stdout: time in ns, which is the
 * number of instructions where the clock counts these; idle ns of it; context
 * switches and, of each RoCE device, packets and SEND requests meanwhile.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/smc.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef AF_SMC
#define AF_SMC 43
#endif

#define CLIENT "10.9.0.1"
#define SERVER "10.9.0.2"
#define MAX_CONNS 4096
#define READ_LEN (64 * 1024)
#define TRACING "/sys/kernel/tracing/"

static struct {
	int family, server_family, port, conns;
	size_t len;
	uint64_t n;
	bool profile;
} o = { .family = AF_INET, .port = 6000, .conns = 1, .len = 64, .n = 1000 };

static int listener;
static char *buf;

static void die(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(err));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* the number behind key in a file, added up over all its occurrences; 0 if there is none */
static uint64_t number(const char *file, const char *key)
{
	FILE *f = fopen(file, "r");
	size_t n = strlen(key);
	uint64_t sum = 0;
	char line[512];

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		char *p = line + strspn(line, " .");

		if (!strncmp(p, key, n))
			sum += strtoull(p + n + strcspn(p + n, "0123456789"), NULL, 10);
	}
	fclose(f);
	return sum;
}

static const char *const device_counters[] = { "sent_pkts", "rdma_sends" };

#define N_COUNTERS (2 + sizeof(device_counters) / sizeof(device_counters[0]))
static const char *const counter_names[N_COUNTERS] = {
	"idle", "ctxt", "packets", "sends",
};

static void read_counters(uint64_t *c)
{
	char path[128];
	size_t i;
	int dev;

	memset(c, 0, N_COUNTERS * sizeof(*c));
	for (i = 0; i < sizeof(device_counters) / sizeof(device_counters[0]); i++) {
		for (dev = 0; dev < 2; dev++) {
			snprintf(path, sizeof(path),
				 "/sys/class/infiniband/rxe%d/ports/1/hw_counters/%s",
				 dev, device_counters[i]);
			c[2 + i] += number(path, "");
		}
	}
	c[0] = number("/proc/timer_list", "idle_sleeptime");
	c[1] = number("/proc/stat", "ctxt");
}

static void profile(const char *on)
{
	int fd;

	if (!o.profile)
		return;
	fd = open(TRACING "events/kprobes/enable", O_WRONLY);
	if (fd < 0 || write(fd, on, 1) != 1)
		die("kprobes");
	close(fd);
}

static uint64_t before[N_COUNTERS], started;

static void measure(void)
{
	read_counters(before);
	profile("1");
	started = now();
}

/* end of the measurement; prints all but the closing brace */
static void report(const char *test)
{
	uint64_t ns = now() - started, after[N_COUNTERS];
	size_t i;

	profile("0");
	read_counters(after);
	printf("{\"test\": \"%s\", \"len\": %zu, \"conns\": %d, \"n\": %llu, \"ns\": %llu",
	       test, o.len, o.conns, (unsigned long long)o.n, (unsigned long long)ns);
	for (i = 0; i < N_COUNTERS; i++)
		printf(", \"%s\": %llu", counter_names[i],
		       (unsigned long long)(after[i] - before[i]));
}

static int make_socket(int family, const char *addr, int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(family, SOCK_STREAM, 0), one = 1;

	if (fd < 0)
		die("socket");
	inet_pton(AF_INET, addr, &sin.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)))
		die("bind");
	return fd;
}

static void connect_to_server(int fd)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(o.port) };

	inet_pton(AF_INET, SERVER, &sin.sin_addr);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)))
		die("connect");
}

static int client_socket(void)
{
	int fd = make_socket(o.family, CLIENT, 0);

	connect_to_server(fd);
	return fd;
}

static int accept_client(void)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		die("accept");
	return fd;
}

static void put(int fd, size_t len)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n <= 0)
			die("write");
		len -= n;
	}
}

static void get(int fd, size_t len)
{
	while (len) {
		ssize_t n = read(fd, buf, len);

		if (n <= 0)
			die("read: %zd", n);
		len -= n;
	}
}

/* a stream's share of the bytes, in whole messages */
static uint64_t share(uint64_t bytes)
{
	uint64_t messages = bytes / o.conns / o.len;

	return (messages ? messages : 1) * o.len;
}

/* --- bulk */

static int fds[MAX_CONNS];
static uint64_t left[MAX_CONNS];

static void set_nonblock(void)
{
	int i;

	for (i = 0; i < o.conns; i++)
		fcntl(fds[i], F_SETFL, O_NONBLOCK);
}

static int poll_all(uint32_t events)
{
	int ep = epoll_create1(0), i;

	for (i = 0; i < o.conns; i++) {
		struct epoll_event e = { .events = events, .data.u32 = i };

		if (epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &e))
			die("epoll_ctl");
	}
	return ep;
}

/* one message, or what is left of it, to each that takes it, again and again */
static void send_all(int ep, uint64_t bytes)
{
	struct epoll_event ev[64];
	int open = o.conns, i, n;

	for (i = 0; i < o.conns; i++)
		left[i] = bytes;
	while (open) {
		n = epoll_wait(ep, ev, 64, -1);
		for (i = 0; i < n; i++) {
			uint64_t *l = &left[ev[i].data.u32];
			size_t len = *l % o.len ? *l % o.len : o.len;
			ssize_t w;

			if (!*l)
				continue;
			w = write(fds[ev[i].data.u32], buf, len);
			if (w < 0 && errno != EAGAIN)
				die("write");
			if (w > 0)
				*l -= w;
			if (!*l) {
				struct epoll_event none = { .data.u32 = ev[i].data.u32 };

				epoll_ctl(ep, EPOLL_CTL_MOD, fds[ev[i].data.u32], &none);
				open--;
			}
		}
	}
	for (i = 0; i < o.conns; i++) {
		struct epoll_event e = { .events = EPOLLOUT, .data.u32 = i };

		epoll_ctl(ep, EPOLL_CTL_MOD, fds[i], &e);
	}
}

static void receive_all(int ep, uint64_t bytes)
{
	struct epoll_event ev[64];
	int open = o.conns, i, n;

	for (i = 0; i < o.conns; i++)
		left[i] = bytes;
	while (open) {
		n = epoll_wait(ep, ev, 64, -1);
		for (i = 0; i < n; i++) {
			uint64_t *l = &left[ev[i].data.u32];
			ssize_t r = read(fds[ev[i].data.u32], buf, READ_LEN);

			if (r == 0 || (r < 0 && errno != EAGAIN))
				die("read: %zd", r);
			if (r > 0)
				*l -= r;
			if (r > 0 && !*l)
				open--;
		}
	}
}

/* fds[0] says that all has arrived: the last word of a round */
static void bulk_round_send(int ep, uint64_t bytes)
{
	uint64_t l;

	if (o.conns > 1)
		send_all(ep, bytes);
	else
		for (l = bytes; l; l -= o.len)
			put(fds[0], o.len);
	if (o.conns > 1) {
		struct pollfd p = { .fd = fds[0], .events = POLLIN };

		poll(&p, 1, -1);
	}
	get(fds[0], 1);
}

static void bulk_client(void)
{
	int ep = -1, i;

	for (i = 0; i < o.conns; i++)
		fds[i] = client_socket();
	if (o.conns > 1) {
		set_nonblock();
		ep = poll_all(EPOLLOUT);
	}
	bulk_round_send(ep, share(o.n / 8));
	measure();
	bulk_round_send(ep, share(o.n));
	report("bulk");
	printf(", \"bytes\": %llu}\n", (unsigned long long)share(o.n) * o.conns);
}

static void bulk_round_receive(int ep, uint64_t bytes)
{
	if (o.conns > 1) {
		receive_all(ep, bytes);
	} else {
		while (bytes) {
			ssize_t r = read(fds[0], buf, bytes < READ_LEN ? bytes : READ_LEN);

			if (r <= 0)
				die("read: %zd", r);
			bytes -= r;
		}
	}
	put(fds[0], 1);
}

static void bulk_server(void)
{
	int ep = -1, i;

	for (i = 0; i < o.conns; i++)
		fds[i] = accept_client();
	if (o.conns > 1) {
		set_nonblock();
		ep = poll_all(EPOLLIN);
	}
	bulk_round_receive(ep, share(o.n / 8));
	bulk_round_receive(ep, share(o.n));
}

/* --- round trips */

#define RTT_WARM_UP 20

static void rtt_client(void)
{
	int fd = client_socket();
	uint64_t i;

	for (i = 0; i < RTT_WARM_UP + o.n; i++) {
		if (i == RTT_WARM_UP)
			measure();
		put(fd, o.len);
		get(fd, o.len);
	}
	report("rtt");
	printf("}\n");
}

static void rtt_server(void)
{
	int fd = accept_client();
	uint64_t i;

	for (i = 0; i < RTT_WARM_UP + o.n; i++) {
		get(fd, o.len);
		put(fd, o.len);
	}
}

/* --- connect, a byte each way, close */

static void crr_client(void)
{
	uint64_t i, t, connecting = 0;
	int fd;

	measure();
	for (i = 0; i < o.n; i++) {
		fd = make_socket(o.family, CLIENT, 0);
		t = now();
		connect_to_server(fd);
		connecting += now() - t;
		put(fd, 1);
		get(fd, 1);
		close(fd);
	}
	report("crr");
	printf(", \"connect_ns\": %llu}\n", (unsigned long long)connecting);
}

static void crr_server(void)
{
	uint64_t i;
	char c;
	int fd;

	for (i = 0; i < o.n; i++) {
		fd = accept_client();
		get(fd, 1);
		put(fd, 1);
		if (read(fd, &c, 1))
			die("no end of file");
		close(fd);
	}
}

/* --- memory */

static const char *const mem_names[] = {
	"MemFree", "MemAvailable", "Slab", "SUnreclaim", "VmallocUsed",
	"KernelStack", "PageTables", "Percpu", "AnonPages",
};

#define N_MEM (sizeof(mem_names) / sizeof(mem_names[0]))

/* sizes in kB once what is on its way to be freed has been */
static void read_memory(long long *m)
{
	struct timespec settle = { .tv_sec = 1 };
	char key[32];
	size_t i;
	int fd;

	nanosleep(&settle, NULL);
	sync();
	fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
	if (fd < 0 || write(fd, "3", 1) != 1)
		die("drop_caches");
	close(fd);
	for (i = 0; i < N_MEM; i++) {
		snprintf(key, sizeof(key), "%s:", mem_names[i]);
		m[i] = number("/proc/meminfo", key);
	}
}

static void idle_client(void)
{
	long long m0[N_MEM], m1[N_MEM], m2[N_MEM];
	int first = client_socket();
	uint64_t i;

	put(first, 1);
	get(first, 1);
	read_memory(m0);
	for (i = 0; i < o.n; i++)
		fds[i] = client_socket();
	/* they may be accepted in another order */
	for (i = 0; i < o.n; i++)
		put(fds[i], 1);
	for (i = 0; i < o.n; i++)
		get(fds[i], 1);
	read_memory(m1);
	for (i = 0; i < o.n; i++)
		close(fds[i]);
	get(first, 1);
	read_memory(m2);
	printf("{\"test\": \"idle\", \"n\": %llu", (unsigned long long)o.n);
	for (i = 0; i < N_MEM; i++)
		printf(", \"%s\": %lld, \"after_%s\": %lld", mem_names[i],
		       m1[i] - m0[i], mem_names[i], m2[i] - m0[i]);
	printf("}\n");
}

static void idle_server(void)
{
	int first = accept_client();
	uint64_t i;
	char c;

	get(first, 1);
	put(first, 1);
	for (i = 0; i < o.n; i++)
		fds[i] = accept_client();
	for (i = 0; i < o.n; i++) {
		get(fds[i], 1);
		put(fds[i], 1);
	}
	for (i = 0; i < o.n; i++) {
		if (read(fds[i], &c, 1))
			die("no end of file");
		close(fds[i]);
	}
	put(first, 1);
}

/* --- generic netlink: one command with one string */

static int genl_call(int fd, int family, int cmd, int attr, const char *value,
		     size_t len, char *answer, size_t size)
{
	struct {
		struct nlmsghdr n;
		struct genlmsghdr g;
		struct nlattr a;
		char value[64];
	} m = {
		.n = { .nlmsg_type = family, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.g = { .cmd = cmd, .version = 1 },
		.a = { .nla_type = attr, .nla_len = NLA_HDRLEN + len },
	};
	struct nlmsghdr *n = (struct nlmsghdr *)answer;
	ssize_t got;

	memcpy(m.value, value, len);
	m.n.nlmsg_len = NLMSG_LENGTH(sizeof(m.g) + NLA_ALIGN(m.a.nla_len));
	if (send(fd, &m, m.n.nlmsg_len, 0) < 0)
		die("netlink");
	got = recv(fd, answer, size, 0);
	if (got < (ssize_t)sizeof(*n))
		die("netlink answer");
	if (n->nlmsg_type == NLMSG_ERROR)
		return ((struct nlmsgerr *)NLMSG_DATA(n))->error;
	return 0;
}

static void set_ueid(const char *name)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC), rc, family = 0;
	char answer[8192], eid[SMC_MAX_EID_LEN + 1];
	struct nlattr *a;

	rc = genl_call(fd, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME,
		       SMC_GENL_FAMILY_NAME, sizeof(SMC_GENL_FAMILY_NAME), answer,
		       sizeof(answer));
	if (rc) {
		errno = -rc;
		die("no family " SMC_GENL_FAMILY_NAME);
	}
	for (a = (void *)(answer + NLMSG_LENGTH(GENL_HDRLEN));
	     (char *)a < answer + ((struct nlmsghdr *)answer)->nlmsg_len;
	     a = (void *)((char *)a + NLA_ALIGN(a->nla_len)))
		if (a->nla_type == CTRL_ATTR_FAMILY_ID)
			family = *(uint16_t *)((char *)a + NLA_HDRLEN);
	close(fd);
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	snprintf(eid, sizeof(eid), "%-*s", SMC_MAX_EID_LEN, name);
	rc = genl_call(fd, family, SMC_NETLINK_ADD_UEID, SMC_NLA_EID_TABLE_ENTRY, eid,
		       sizeof(eid), answer, sizeof(answer));
	if (rc) {
		errno = -rc;
		die("user EID");
	}
}

static const struct test {
	const char *name;
	void (*client)(void);
	void (*server)(void);
} tests[] = {
	{ "bulk", bulk_client, bulk_server },
	{ "rtt", rtt_client, rtt_server },
	{ "crr", crr_client, crr_server },
	{ "idle", idle_client, idle_server },
};

static int family(const char *name)
{
	return strcmp(name, "smc") ? AF_INET : AF_SMC;
}

int main(int argc, char **argv)
{
	const struct test *t;
	int opt, done[2];
	size_t size, i;
	char c;

	while ((opt = getopt(argc, argv, "f:F:p:l:n:c:P")) != -1) {
		switch (opt) {
		case 'f':
			o.family = family(optarg);
			break;
		case 'F':
			o.server_family = family(optarg);
			break;
		case 'p':
			o.port = atoi(optarg);
			break;
		case 'l':
			o.len = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			o.n = strtoull(optarg, NULL, 10);
			break;
		case 'c':
			o.conns = atoi(optarg);
			break;
		case 'P':
			o.profile = true;
			break;
		default:
			return 2;
		}
	}
	if (optind + 2 == argc && !strcmp(argv[optind], "ueid")) {
		set_ueid(argv[optind + 1]);
		return 0;
	}
	for (t = tests; t < tests + 4; t++)
		if (optind < argc && !strcmp(argv[optind], t->name))
			break;
	if (t == tests + 4 || o.conns < 1 || o.conns > MAX_CONNS || !o.len ||
	    (t->client == idle_client && o.n > MAX_CONNS)) {
		fprintf(stderr, "see the head of smc_bench.c\n");
		return 2;
	}
	size = o.len > READ_LEN ? o.len : READ_LEN;
	buf = malloc(size);
	/* have all of it now */
	for (i = 0; i < size; i++)
		buf[i] = i;
	listener = make_socket(o.server_family ? o.server_family : o.family, SERVER, o.port);
	if (listen(listener, 4096))
		die("listen");
	signal(SIGPIPE, SIG_IGN);
	if (pipe(done))
		die("pipe");
	switch (fork()) {
	case -1:
		die("fork");
		break;
	case 0:
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(done[1]);
		t->server();
		/* the end of this process is not to be measured */
		return read(done[0], &c, 1) != 0;
	}
	close(listener);
	t->client();
	fflush(stdout);
	close(done[1]);
	if (wait(NULL) < 0)
		die("wait");
	return 0;
}
