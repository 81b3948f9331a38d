/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command that sluice run runs: its start under the filter, its signals, its
 * end.
 */
#ifndef SLUICE_CLI_CHILD_H
#define SLUICE_CLI_CHILD_H

#include <signal.h>
#include <sys/types.h>

/**
 * struct child - the command, and what has come of it
 * @pid:	of the command; 0 once it has ended
 * @status:	how it ended, as waitpid() tells it
 * @notify:	filter_load()'s descriptor
 * @signals:	a signalfd
 * @mask:	the caller's, before
 */
struct child {
	pid_t pid;
	int status;
	int notify;
	int signals;
	sigset_t mask;
};

/* What child_start()'s process exits with, as env(1) does. */
#define CHILD_CANNOT_RUN	126
#define CHILD_NOT_FOUND		127

/**
 * child_start() - start a command under the filter
 * @argv:	the command, found by PATH
 *
 * The caller becomes a subreaper: daemons of the command stay its descendants, or
 * it could not look into them. Signals that end or tell programs something are
 * blocked in the caller from here on.
 *
 * Return: 0, or -1: it has been printed. A command that cannot be executed is one
 * that has ended.
 */
int child_start(struct child *c, char **argv, int client, int server);

/**
 * child_signals() - take the signals that have come
 *
 * Passes them on to the command, those excepted that a terminal has sent to it
 * as well; after its end to what it has left behind.
 */
void child_signals(struct child *c);

/**
 * child_exit() - end as the command has ended: by its status or its signal
 *
 * Return: its exit status; 128 and the signal's number, if that does not end us.
 */
int child_exit(const struct child *c);

#endif /* SLUICE_CLI_CHILD_H */
