// SPDX-License-Identifier: GPL-2.0
/* PID 1 of a test machine: does what the host asks for over a virtio-serial port.
 *
 * host -> guest:  "R id len\n" <cmd>			run sh -c cmd
 *		   "K id sig\n"				signal the command's process group
 *		   "W id mode pathlen len\n" <path> <data>	write a file
 *		   "Q\n"				power off
 * guest -> host:  "H vmagent 1\n" once, then "D id rc outlen\n" <output> for each
 *		   request that is finished (rc: exit status, or 128 + signal)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct job {
	struct job *next;
	long id;
	pid_t pid;
};

static struct job *jobs;
static int port;

/* The port does not block when the host is slow to read: EAGAIN */
static void port_write(const void *p, size_t len)
{
	while (len) {
		ssize_t n = write(port, p, len);

		if (n < 0) {
			struct pollfd f = { port, POLLOUT, 0 };

			if (errno == EAGAIN)
				poll(&f, 1, 100);
			else if (errno != EINTR)
				return;
			continue;
		}
		p = (const char *)p + n;
		len -= n;
	}
}

static void port_read(void *p, size_t len)
{
	while (len) {
		ssize_t n = read(port, p, len);

		if (n <= 0) {
			usleep(20000);
			continue;
		}
		p = (char *)p + n;
		len -= n;
	}
}

static void answer(long id, int rc, const void *out, size_t len)
{
	char head[80];

	port_write(head, snprintf(head, sizeof(head), "D %ld %d %zu\n", id, rc, len));
	port_write(out, len);
}

static void output_path(char *path, long id)
{
	sprintf(path, "/tmp/.job%ld", id);
}

static void run(long id, char *cmd)
{
	struct job *j = calloc(1, sizeof(*j));
	char path[64];
	int fd;

	output_path(path, id);
	fd = open(path, O_CREAT | O_TRUNC | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
	j->id = id;
	j->pid = fork();
	if (!j->pid) {
		int nul = open("/dev/null", O_RDONLY);
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		setsid();
		dup2(nul, 0);
		dup2(fd, 1);
		dup2(fd, 2);
		execl("/bin/sh", "sh", "-c", cmd, NULL);
		_exit(127);
	}
	close(fd);
	j->next = jobs;
	jobs = j;
}

static void finish(struct job *j, int status)
{
	char path[64], *out = NULL;
	struct stat st;
	size_t len = 0;
	int fd;

	output_path(path, j->id);
	fd = open(path, O_RDONLY);
	if (fd >= 0 && !fstat(fd, &st)) {
		out = malloc(st.st_size + 1);
		while (len < (size_t)st.st_size) {
			ssize_t n = read(fd, out + len, st.st_size - len);

			if (n <= 0)
				break;
			len += n;
		}
	}
	if (fd >= 0)
		close(fd);
	unlink(path);
	answer(j->id, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), out, len);
	free(out);
	free(j);
}

/* Being PID 1 we reap every orphan; those that are no job of ours go unnoticed */
static void reap(void)
{
	struct job **pp, *j;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (pp = &jobs; (j = *pp); pp = &j->next)
			if (j->pid == pid)
				break;
		if (!j)
			continue;
		*pp = j->next;
		finish(j, status);
	}
}

static void put_file(long id, unsigned long mode, long path_len, long len)
{
	char *path = malloc(path_len + 1), *data = malloc(len + 1);
	int fd, rc = 0;

	port_read(path, path_len);
	path[path_len] = 0;
	port_read(data, len);
	unlink(path);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, mode);
	if (fd < 0 || write(fd, data, len) != len || fchmod(fd, mode))
		rc = errno ? errno : 1;
	if (fd >= 0)
		close(fd);
	answer(id, rc, NULL, 0);
	free(path);
	free(data);
}

static void request(void)
{
	unsigned long mode;
	char head[256], ch;
	long id, a, b;
	struct job *j;
	int n = 0;

	for (;;) {
		port_read(&ch, 1);
		if (ch == '\n' || n >= (int)sizeof(head) - 1)
			break;
		head[n++] = ch;
	}
	head[n] = 0;
	if (sscanf(head, "R %ld %ld", &id, &a) == 2) {
		char *cmd = malloc(a + 1);

		port_read(cmd, a);
		cmd[a] = 0;
		run(id, cmd);
		free(cmd);
	} else if (sscanf(head, "K %ld %ld", &id, &a) == 2) {
		for (j = jobs; j; j = j->next)
			if (j->id == id)
				kill(-j->pid, a);
	} else if (sscanf(head, "W %ld %lo %ld %ld", &id, &mode, &a, &b) == 4) {
		put_file(id, mode, a, b);
	} else if (head[0] == 'Q') {
		sync();
		reboot(RB_POWER_OFF);
	}
}

/* The number in vport<N>p1 is the virtio device's index */
static int open_port(void)
{
	int fd = -1, tries;
	glob_t g;

	for (tries = 0; fd < 0 && tries < 200; tries++) {
		if (tries)
			usleep(50000);
		if (!glob("/dev/vport*p1", 0, NULL, &g)) {
			fd = open(g.gl_pathv[0], O_RDWR | O_CLOEXEC);
			globfree(&g);
		}
	}
	return fd;
}

int main(void)
{
	struct signalfd_siginfo si;
	sigset_t chld;
	int sfd;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	sfd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	port = open_port();
	if (port < 0) {
		perror("vmagent: port");
		reboot(RB_POWER_OFF);
	}
	port_write("H vmagent 1\n", 12);
	for (;;) {
		struct pollfd f[2] = { { port, POLLIN, 0 }, { sfd, POLLIN, 0 } };

		poll(f, 2, 1000);
		if (f[1].revents)
			while (read(sfd, &si, sizeof(si)) > 0)
				;
		reap();
		if (f[0].revents & POLLIN)
			request();
		else if (f[0].revents & POLLHUP)
			usleep(50000);
	}
}
