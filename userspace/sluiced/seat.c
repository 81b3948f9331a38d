// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Seats among the agents of our own network namespace and of others: we go there,
 * open the connections, and come back.
 */
#include "seat.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "log.h"

static bool seat_connect(struct seat *seat)
{
	if (sluice_nl_open(&seat->command)) {
		log_err("%s", seat->command.text);
		return false;
	}
	if (!sluice_nl_open(&seat->wake_nl) && !agent_join(&seat->wake_nl))
		return true;
	log_err("%s", seat->wake_nl.text);
	return false;
}

/* Return: a descriptor of the namespace that we were in, or -1. */
static int seat_enter(const char *netns)
{
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int there = open(netns, O_RDONLY | O_CLOEXEC);

	if (here < 0 || there < 0 || setns(there, CLONE_NEWNET)) {
		log_err("network namespace %s: %m", netns);
		if (here >= 0)
			close(here);
		here = -1;
	}
	if (there >= 0)
		close(there);
	return here;
}

/* In a namespace that is not the right one nothing may go on. */
static void seat_return(int here)
{
	if (setns(here, CLONE_NEWNET)) {
		log_err("no way back to our network namespace: %m");
		abort();
	}
	close(here);
}

bool seat_open(struct seat *seat, const char *netns)
{
	int here;
	bool ok;

	if (!netns)
		return seat_connect(seat);
	seat->netns = strdup(netns);
	here = seat->netns ? seat_enter(netns) : -1;
	if (here < 0)
		return false;
	ok = seat_connect(seat);
	seat_return(here);
	if (!ok)
		log_err("network namespace %s: not served", netns);
	return ok;
}

void seat_close(struct seat *seat)
{
	sluice_nl_close(&seat->wake_nl);
	sluice_nl_close(&seat->command);
	free(seat->netns);
}
