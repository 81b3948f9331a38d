/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread that waits in a system call for its supervisor's answer: looking into
 * it, and at its sockets.
 */
#ifndef SLUICE_CLI_TARGET_H
#define SLUICE_CLI_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct target - the thread and its call
 * @notify:	filter_load()'s descriptor
 * @id:		of the call that waits
 * @tid:	the thread, for messages, and for what pidfds cannot do
 * @pidfd:	the thread
 *
 * Needs the rights of a debugger over the thread: an ancestor's under the same
 * user, or CAP_SYS_PTRACE.
 */
struct target {
	int notify;
	uint64_t id;
	pid_t tid;
	int pidfd;
};

/* target_open(), target_socket() and target_read() give 0 (a descriptor, >= 0), or -1
 * with errno. ESRCH: the thread is gone, or was interrupted: nobody waits for an answer.
 */
int target_open(struct target *t, int notify, uint64_t id, pid_t tid);
void target_close(struct target *t);

/**
 * target_socket() - the file behind a descriptor of the thread
 *
 * Return: a descriptor of ours for the same file, the caller's to close.
 */
int target_socket(const struct target *t, int fd);

/** target_read() - copy from the thread's memory; EFAULT: some of it is not there */
int target_read(const struct target *t, void *to, uint64_t from, size_t size);

/** target_name() - its command name, printable; "?" when it cannot be read */
void target_name(const struct target *t, char *name, size_t size);

/** target_status() - a number of /proc/TID/status, as "PPid"; -1 when it cannot be read */
pid_t target_status(pid_t tid, const char *name);

/** target_process() - the process it belongs to; its own number when that cannot be read */
pid_t target_process(const struct target *t);

#endif /* SLUICE_CLI_TARGET_H */
