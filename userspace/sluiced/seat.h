/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A seat: a worker's place among the agents of one network namespace. Netlink
 * connections stay in the namespace that they were opened in, whoever uses them.
 */
#ifndef SLUICED_SEAT_H
#define SLUICED_SEAT_H

#include <stdatomic.h>
#include <stdbool.h>

#include <uv.h>

#include "agent.h"

struct worker;

/**
 * struct bell - what calls the workers to the requests of a network namespace
 * @nl:		member of the agents' group; nothing but wake-ups come here, and each is
 *		read by one worker only
 * @family:	the module's number, which changes when that is loaded anew
 * @renewing:	held by the thread that finds out
 */
struct bell {
	struct sluice_nl nl;
	atomic_int family;
	uv_mutex_t renewing;
};

/**
 * struct seat - a seat
 * @worker:	whose it is
 * @netns:	path of the namespace; NULL: our own
 * @number:	of the namespace, 0: our own
 * @command:	connection for commands
 * @bell:	shared by the workers; owned by the first one's seat
 * @owner:	it is ours
 * @wake:	polls that
 */
struct seat {
	struct worker *worker;
	char *netns;
	unsigned int number;
	struct sluice_nl command;
	struct bell *bell;
	bool owner;
	uv_poll_t wake;
};

/* Joins the agents of @netns (NULL: our own) or those of @first, another worker's seat
 * there, which must outlive it; @seat is zeroed but for @worker and @number. Needs
 * CAP_SYS_ADMIN where that is another namespace, and no other threads. False with the
 * reason on the log. In any case seat_close() undoes it.
 */
bool seat_open(struct seat *seat, const char *netns, const struct seat *first);

/* The bell has rung, perhaps: reads why. Return: whether there may be requests. */
bool seat_woken(struct seat *seat);

/* As agent_accept(). */
int seat_accept(struct seat *seat, struct agent_request *request);

/* Leaves, and frees what it holds. */
void seat_close(struct seat *seat);

#endif /* SLUICED_SEAT_H */
