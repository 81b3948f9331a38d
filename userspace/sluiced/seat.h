/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A seat: a worker's place among the agents of one network namespace. Netlink
 * connections stay in the namespace that they were opened in, whoever uses them.
 */
#ifndef SLUICED_SEAT_H
#define SLUICED_SEAT_H

#include <stdbool.h>

#include <uv.h>

#include "../common/nl.h"

struct worker;

/**
 * struct seat - a seat
 * @worker:	whose it is
 * @netns:	path of the namespace; NULL: our own
 * @number:	of the namespace, 0: our own
 * @command:	connection for commands
 * @wake_nl:	member of the agents' group; nothing but wake-ups come here
 * @wake:	polls that
 */
struct seat {
	struct worker *worker;
	char *netns;
	unsigned int number;
	struct sluice_nl command;
	struct sluice_nl wake_nl;
	uv_poll_t wake;
};

/* Joins the agents of @netns (NULL: our own); @seat is zeroed but for @worker and
 * @number. Needs CAP_SYS_ADMIN where that is another namespace, and no other threads.
 * False with the reason on the log. In any case seat_close() undoes it.
 */
bool seat_open(struct seat *seat, const char *netns);

/* Leaves, and frees what it holds. */
void seat_close(struct seat *seat);

#endif /* SLUICED_SEAT_H */
