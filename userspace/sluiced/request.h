/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request from ACCEPT to DONE, and to its last ticket, on a worker's loop.
 */
#ifndef SLUICED_REQUEST_H
#define SLUICED_REQUEST_H

#include "agent.h"
#include "worker.h"

/* @from came by way of @seat. Takes the channel over. Ends by itself; worker_ended() tells. Without memory
 * the channel is closed, which fails the request.
 */
void request_start(struct seat *seat, const struct agent_request *from);

/* Gives up those that only wait for tickets. */
void request_drop_waiting(struct worker *worker);

/* Ends all of a worker's requests now with ECONNABORTED. */
void request_abort_all(struct worker *worker);

#endif /* SLUICED_REQUEST_H */
