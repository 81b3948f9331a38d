// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Looking into a thread that waits in a system call for its supervisor.
 *
 * A thread's number may be another's as soon as it has died. While its call
 * waits it lives: so whatever was done by number counts only once the call has
 * been seen to wait still.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "target.h"

/* Linux 6.9 and later: any thread, not only the first of its process. */
#ifndef PIDFD_THREAD
#define PIDFD_THREAD	O_EXCL
#endif

static int still_waits(const struct target *t)
{
	uint64_t id = t->id;

	if (!ioctl(t->notify, SECCOMP_IOCTL_NOTIF_ID_VALID, &id))
		return 1;
	errno = ESRCH;
	return 0;
}

int target_open(struct target *t, int notify, uint64_t id, pid_t tid)
{
	*t = (struct target){ .notify = notify, .id = id, .tid = tid };
	t->pidfd = syscall(SYS_pidfd_open, tid, PIDFD_THREAD);
	if (t->pidfd < 0)
		return -1;
	if (still_waits(t))
		return 0;
	close(t->pidfd);
	t->pidfd = -1;
	errno = ESRCH;
	return -1;
}

void target_close(struct target *t)
{
	close(t->pidfd);
}

int target_socket(const struct target *t, int fd)
{
	return syscall(SYS_pidfd_getfd, t->pidfd, fd, 0);
}

int target_read(const struct target *t, void *to, uint64_t from, size_t size)
{
	struct iovec ours = { to, size };
	struct iovec theirs = { (void *)(uintptr_t)from, size };
	ssize_t n = process_vm_readv(t->tid, &ours, 1, &theirs, 1, 0);

	if (n < 0 && errno != EFAULT)
		return -1;
	if (!still_waits(t))
		return -1;
	if (n == (ssize_t)size)
		return 0;
	errno = EFAULT;
	return -1;
}

/* Whoever set it could have put anything in. */
static void clean(char *text)
{
	text[strcspn(text, "\n")] = 0;
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

void target_name(const struct target *t, char *name, size_t size)
{
	char path[64];
	FILE *f;

	snprintf(name, size, "?");
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)t->tid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fgets(name, size, f))
		clean(name);
	fclose(f);
}

pid_t target_status(pid_t tid, const char *name)
{
	char path[64], line[128];
	size_t n = strlen(name);
	int pid = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	f = fopen(path, "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, n) && sscanf(line + n, ": %d", &pid) == 1)
			break;
	fclose(f);
	return pid;
}

pid_t target_process(const struct target *t)
{
	pid_t pid = target_status(t->tid, "Tgid");

	return pid < 0 ? t->tid : pid;
}
