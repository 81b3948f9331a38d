// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command that sluice run runs. It stays in our process group: the terminal
 * is as much its own as if the shell had started it.
 */
#include <dirent.h>
#include <errno.h>
#include <error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "child.h"
#include "filter.h"
#include "target.h"

/* Those that a program may be waiting for; SIGCHLD is our own. */
static const int passed_on[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT,
};

#define N_PASSED_ON (sizeof(passed_on) / sizeof(passed_on[0]))

/* --- start --- */

union fd_message {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static int send_fd(int to, int fd)
{
	union fd_message control = { 0 };
	char byte = 0;
	struct iovec v = { &byte, 1 };
	struct msghdr m = {
		.msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(to, &m, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

/* -1: the other end has gone without sending one. */
static int receive_fd(int from)
{
	union fd_message control = { 0 };
	char byte;
	struct iovec v = { &byte, 1 };
	struct msghdr m = {
		.msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd = -1;

	if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) == 1 &&
	    control.header.cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

static void __attribute__((noreturn)) cannot_filter(void)
{
	if (errno == EBUSY)
		error(CHILD_CANNOT_RUN, 0, "a supervisor watches this process already: another sluice run, or a container's");
	error(CHILD_CANNOT_RUN, errno, "seccomp");
	abort();
}

static void __attribute__((noreturn))
become(char **argv, int client, int server, int link, const sigset_t *mask)
{
	int notify = filter_load(client, server);
	int e;

	if (notify < 0 || send_fd(link, notify))
		cannot_filter();
	/* Its calls are ours to answer, not its own. */
	close(notify);
	close(link);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	e = errno;
	error(e == ENOENT ? CHILD_NOT_FOUND : CHILD_CANNOT_RUN, e, "%s", argv[0]);
	abort();
}

static int take_signals(struct child *c)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < N_PASSED_ON; i++)
		sigaddset(&set, passed_on[i]);
	/* Ignored, it would leave nothing to wait for. */
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &set, &c->mask);
	c->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return c->signals < 0 ? -1 : 0;
}

int child_start(struct child *c, char **argv, int client, int server)
{
	int link[2];

	*c = (struct child){ .notify = -1, .signals = -1 };
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) || take_signals(c) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link)) {
		error(0, errno, "cannot prepare to run a command");
		return -1;
	}
	fflush(stdout);
	c->pid = fork();
	if (!c->pid)
		become(argv, client, server, link[1], &c->mask);
	close(link[1]);
	if (c->pid < 0)
		error(0, errno, "fork");
	else
		c->notify = receive_fd(link[0]);
	close(link[0]);
	return c->pid < 0 ? -1 : 0;
}

/* --- signals --- */

static void reap(struct child *c)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != c->pid)
			continue;
		c->pid = 0;
		c->status = status;
	}
}

/*
 * Daemons, which lost their parents and became our children. Not every kernel
 * has /proc/PID/task/TID/children (CONFIG_PROC_CHILDREN).
 */
static void tell_children(int n)
{
	DIR *d = opendir("/proc");
	struct dirent *entry;
	pid_t pid;

	while (d && (entry = readdir(d))) {
		pid = atoi(entry->d_name);
		if (pid > 0 && target_status(pid, "PPid") == getpid())
			kill(pid, n);
	}
	if (d)
		closedir(d);
}

void child_signals(struct child *c)
{
	struct signalfd_siginfo i;

	while (read(c->signals, &i, sizeof(i)) == sizeof(i)) {
		if (i.ssi_signo == SIGCHLD)
			reap(c);
		else if (i.ssi_code == SI_KERNEL)
			continue;	/* the terminal's, to all of the process group */
		else if (c->pid)
			kill(c->pid, i.ssi_signo);
		else
			tell_children(i.ssi_signo);
	}
}

/* --- end --- */

int child_exit(const struct child *c)
{
	static const struct rlimit none;
	sigset_t set;
	int n;

	if (WIFEXITED(c->status))
		return WEXITSTATUS(c->status);
	n = WTERMSIG(c->status);
	/* It has left a core, if it was to. */
	setrlimit(RLIMIT_CORE, &none);
	signal(n, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, n);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(n);
	return 128 + n;
}
