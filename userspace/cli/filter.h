/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The seccomp filter of sluice run: which calls a supervised program makes by
 * leave of its supervisor only, and which it does not make at all.
 */
#ifndef SLUICE_CLI_FILTER_H
#define SLUICE_CLI_FILTER_H

/**
 * filter_load() - put the calling process, and all that come of it, under the filter
 * @client:	connect() waits for the supervisor's answer
 * @server:	listen() does
 *
 * Other ways to a TCP connection fail with an errno: io_uring (ENOSYS), TCP Fast
 * Open (EOPNOTSUPP), sockets that carry TCP under another name (MPTCP, SMC:
 * EPROTONOSUPPORT). A system call of another architecture kills the process.
 * There is no way back, and no execve() gives privileges any more
 * (no_new_privs). Without a supervisor calls that wait for one fail with ENOSYS.
 *
 * Return: the descriptor that the supervisor answers by (seccomp_unotify(2)),
 * close-on-exec; or -1 with errno: EBUSY (the process has a supervisor already),
 * EINVAL (this kernel cannot), ENOMEM.
 */
int filter_load(int client, int server);

#endif /* SLUICE_CLI_FILTER_H */
