// SPDX-License-Identifier: GPL-2.0
/*
 * libsmc-preload.so: TCP sockets of an unmodified program become AF_SMC ones.
 *
 * Environment: SMC_DEBUG (anything not starting with '0': tell on stderr),
 * SMC_SNDBUF and SMC_RCVBUF (buffer sizes, with an optional k or m).
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <gnu/lib-names.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#ifndef AF_SMC
#define AF_SMC 43
#endif
#define SMCPROTO_SMC 0
#define SMCPROTO_SMC6 1
#define TYPE_MASK 0xf	/* without SOCK_NONBLOCK and SOCK_CLOEXEC */

#define EXPORT __attribute__((visibility("default")))

static int (*real_socket)(int domain, int type, int protocol);
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int debug, sndbuf, rcvbuf;

/* a size such as 65536, 64k or 1M; 0 if it is none */
static int buffer_size(const char *name)
{
	const char *s = getenv(name);
	char *end;
	long v;

	if (!s)
		return 0;
	v = strtol(s, &end, 10);
	if (end == s || v < 0)
		return 0;
	switch (tolower((unsigned char)*end)) {
	case 'k':
		v = v > INT_MAX >> 10 ? INT_MAX : v << 10;
		end++;
		break;
	case 'm':
		v = v > INT_MAX >> 20 ? INT_MAX : v << 20;
		end++;
		break;
	}
	return *end || v > INT_MAX ? 0 : v;
}

static void init(void)
{
	const char *d = getenv("SMC_DEBUG");
	void *libc = dlopen(LIBC_SO, RTLD_LAZY);

	debug = d && *d && *d != '0';
	sndbuf = buffer_size("SMC_SNDBUF");
	rcvbuf = buffer_size("SMC_RCVBUF");
	if (libc)
		*(void **)&real_socket = dlsym(libc, "socket");
}

static void set_buffer(int fd, int opt, int size)
{
	if (!size)
		return;
	/* only a wish of the user: the program works with another size too */
	setsockopt(fd, SOL_SOCKET, opt, &size, sizeof(size));
	if (debug)
		fprintf(stderr, "libsmc-preload: sockopt %d set to %d\n", opt, size);
}

EXPORT int socket(int domain, int type, int protocol)
{
	int fd, err;

	pthread_once(&once, init);
	if (!real_socket) {
		errno = EINVAL;
		return -1;
	}
	if ((domain == AF_INET || domain == AF_INET6) &&
	    (type & TYPE_MASK) == SOCK_STREAM &&
	    (protocol == 0 || protocol == IPPROTO_TCP)) {
		protocol = domain == AF_INET ? SMCPROTO_SMC : SMCPROTO_SMC6;
		domain = AF_SMC;
		if (debug)
			fprintf(stderr, "libsmc-preload: map sock to AF_SMC\n");
	}
	fd = real_socket(domain, type, protocol);
	if (fd >= 0) {
		err = errno;
		set_buffer(fd, SO_SNDBUF, sndbuf);
		set_buffer(fd, SO_RCVBUF, rcvbuf);
		errno = err;
	}
	return fd;
}
