/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's commands to the module: take a request, give it keys, end it.
 */
#ifndef SLUICED_AGENT_H
#define SLUICED_AGENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "../common/nl.h"
#include "keys.h"
#include "tls.h"

/**
 * struct agent_request - what ACCEPT gives
 * @fd:		the channel; the taker's to close
 * @abi:	the module's SLUICE_ABI_VERSION
 * @timeout_ms:	left for the handshake
 * @pid:	for the log only
 * @more:	another one may wait
 * @peer:	AF_UNSPEC when not told
 * @local:	likewise
 * @ask:	the rest
 */
struct agent_request {
	int fd;
	uint32_t abi;
	uint32_t timeout_ms;
	uint32_t pid;
	bool more;
	struct sockaddr_storage peer;
	struct sockaddr_storage local;
	struct tls_ask ask;
};

/* All return 0 or -errno, with words in @nl->text. */

/* -EAGAIN: no request waits. On failure there is no channel to close. */
int agent_accept(struct sluice_nl *nl, struct agent_request *request);

/**
 * struct agent_keys - what INSTALL gives
 * @tx:		for what this host sends
 * @rx:		for what it receives
 * @tx_limit:	content bytes of a record to send, 0: no limit of its own
 * @rx_limit:	of one received, likewise
 * @tickets:	NewSessionTicket messages that the channel shall give after DONE
 */
struct agent_keys {
	const struct keys *tx;
	const struct keys *rx;
	uint16_t tx_limit;
	uint16_t rx_limit;
	unsigned int tickets;
};

/* -EAGAIN: again when the channel polls writable. -ESHUTDOWN: the request has ended
 * without us.
 */
int agent_done(struct sluice_nl *nl, int fd, const struct tls_result *result);

/* INSTALL, and with it DONE: success in @result. Without @installed the keys were
 * refused, and the request waits for another word. Otherwise as agent_done().
 */
int agent_open(struct sluice_nl *nl, int fd, const struct agent_keys *keys,
	       const struct tls_result *result, bool *installed);

/* Makes @nl a member of the agents, and of those who hear of families that come
 * and go: wake-ups follow.
 */
int agent_join(struct sluice_nl *nl);

/* Reads wake-ups. Any thread may, of those that share @nl. Return: whether there was
 * one; *@renew: the module has been loaded anew, so that @nl needs agent_renew().
 */
bool agent_woken(struct sluice_nl *nl, bool *renew);

/* Takes up the present numbers of the family, if the module's interface is ours, and
 * joins its agents.
 */
int agent_renew(struct sluice_nl *nl);

#endif /* SLUICED_AGENT_H */
