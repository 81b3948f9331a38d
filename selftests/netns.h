/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network namespace of the test's own: no agent but the test's, counters that
 * nobody else touches.
 */
#ifndef SELFTESTS_NETNS_H
#define SELFTESTS_NETNS_H

#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "nl.h"
#include "tls_socket.h"

/* Moves the calling thread into a new one whose lo is up. 0 or -errno. */
static inline long netns_enter(void)
{
	struct ifreq ifr = { .ifr_flags = IFF_UP | IFF_RUNNING };
	long err = sys(unshare(CLONE_NEWNET));
	int fd;

	if (err)
		return err;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "lo");
	err = sys(ioctl(fd, SIOCSIFFLAGS, &ifr));
	close(fd);
	return err;
}

/* The namespace's counters, zero where the module has none. 0 or -errno. */
static inline long netns_state(struct sluice_nl_state *state)
{
	struct sluice_nl nl;
	long err = sluice_nl_open(&nl);

	if (!err) {
		err = sluice_nl_get(&nl, state);
		sluice_nl_close(&nl);
	}
	return err;
}

/* Sockets of the module's and their sessions in the namespace, once those that were closed
 * have had the time to go; or -errno.
 */
static inline long netns_left(void)
{
	struct sluice_nl_state state;
	long left = 0;

	for (int i = 0; i < 250; i++) {
		long err = netns_state(&state);

		left = err ? err : (long)(state.stats[SLUICE_STAT_SOCKETS] +
					  state.stats[SLUICE_STAT_TX_CURRENT] +
					  state.stats[SLUICE_STAT_RX_CURRENT]);
		if (left <= 0)
			break;
		usleep(20000);
	}
	return left;
}

#endif
