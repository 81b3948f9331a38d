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

#include "log.h"

static struct bell *bell_open(void)
{
	struct bell *bell = calloc(1, sizeof(*bell));

	if (!bell) {
		log_err("out of memory");
		return NULL;
	}
	uv_mutex_init(&bell->renewing);
	if (!sluice_nl_open(&bell->nl) && !agent_join(&bell->nl)) {
		atomic_store(&bell->family, bell->nl.family);
		return bell;
	}
	log_err("%s", bell->nl.text);
	sluice_nl_close(&bell->nl);
	uv_mutex_destroy(&bell->renewing);
	free(bell);
	return NULL;
}

static void bell_close(struct bell *bell)
{
	sluice_nl_close(&bell->nl);
	uv_mutex_destroy(&bell->renewing);
	free(bell);
}

/* Another module than the one we started with: with its numbers we go on. If they
 * cannot be had, we are no agent of it, and it tells programs so.
 */
static void bell_renew(struct bell *bell)
{
	uv_mutex_lock(&bell->renewing);
	if (agent_renew(&bell->nl)) {
		log_err("the module came again: %s", bell->nl.text);
	} else {
		atomic_store(&bell->family, bell->nl.family);
		log_info("the module came again");
	}
	uv_mutex_unlock(&bell->renewing);
}

static bool seat_connect(struct seat *seat, const struct seat *first)
{
	if (sluice_nl_open(&seat->command)) {
		log_err("%s", seat->command.text);
		return false;
	}
	seat->owner = !first;
	seat->bell = first ? first->bell : bell_open();
	return seat->bell;
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

bool seat_open(struct seat *seat, const char *netns, const struct seat *first)
{
	int here;
	bool ok;

	if (!netns)
		return seat_connect(seat, first);
	seat->netns = strdup(netns);
	here = seat->netns ? seat_enter(netns) : -1;
	if (here < 0)
		return false;
	ok = seat_connect(seat, first);
	seat_return(here);
	if (!ok)
		log_err("network namespace %s: not served", netns);
	return ok;
}

bool seat_woken(struct seat *seat)
{
	bool renew, woken = agent_woken(&seat->bell->nl, &renew);

	if (renew)
		bell_renew(seat->bell);
	return woken;
}

int seat_accept(struct seat *seat, struct agent_request *request)
{
	seat->command.family = atomic_load(&seat->bell->family);
	return agent_accept(&seat->command, request);
}

void seat_close(struct seat *seat)
{
	if (seat->owner && seat->bell)
		bell_close(seat->bell);
	sluice_nl_close(&seat->command);
	free(seat->netns);
}
