// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One request from ACCEPT to DONE: the handshake's steps driven by the channel's
 * readiness, then its keys and its outcome handed to the module. That of a client
 * may go on: the tickets of its server come by the channel.
 *
 * Each request has a channel and a deadline. Its outcome is told in request_end()
 * only, and it goes in request_close() only.
 */
#include "request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "log.h"
#include "quota.h"

/* The module ends a request at its deadline, by itself. Ours comes later and
 * only makes sure that nothing stays here.
 */
#define REQUEST_GRACE_MS	250
#define REQUEST_TIMEOUT_MS	30000	/* where the module names none */

/* Servers send tickets with their first flight behind the handshake, if at all. */
#define REQUEST_TICKETS_MS	10000
/* Requests of a worker that may wait for tickets; others do without. */
#define REQUEST_WAITING_MAX	256

enum request_phase {
	REQUEST_HANDSHAKE,
	REQUEST_INSTALL,
	REQUEST_DONE,
	REQUEST_TICKETS,
	REQUEST_ENDED,
};

/**
 * struct request - a request at work
 * @link:	in worker->running
 * @worker:	whose it is
 * @seat:	where it came from, and where its answers go
 * @phase:	what is to be done next
 * @from:	as accepted; its channel is ours
 * @tls:	the handshake
 * @channel:	waits for it
 * @timer:	deadline
 * @counted:	in its user's quota
 * @tickets:	some were asked for in INSTALL
 * @began:	uv_now() of ACCEPT
 */
struct request {
	LIST_ENTRY(request) link;
	struct worker *worker;
	struct seat *seat;
	enum request_phase phase;
	struct agent_request from;
	struct tls *tls;
	struct channel channel;
	uv_timer_t timer;
	bool counted;
	bool tickets;
	uint64_t began;
};

static void request_run(struct request *request);

/* The log's line */

static void request_peer(const struct request *request, char *text, size_t size)
{
	const struct sockaddr_storage *peer = &request->from.peer;
	const struct sockaddr_in6 *in6 = (const void *)peer;
	const struct sockaddr_in *in = (const void *)peer;
	const void *bytes = &in->sin_addr;
	char addr[INET6_ADDRSTRLEN] = "?";
	int family = peer->ss_family;

	if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		family = AF_INET;
		bytes = &in6->sin6_addr.s6_addr[12];
	} else if (family == AF_INET6) {
		bytes = &in6->sin6_addr;
	}
	inet_ntop(family, bytes, addr, sizeof(addr));
	/* Both structures have the port in the same place. */
	snprintf(text, size, family == AF_INET6 ? "[%s]:%u" : "%s:%u", addr,
		 ntohs(in->sin_port));
}

/* Who asked, as far as the kernel told us. */
static void request_asker(const struct request *request, char *text, size_t size)
{
	const char *netns = request->seat->netns;

	snprintf(text, size, "uid=%u pid=%u%s%s", request->from.ask.who.uid,
		 request->from.pid, netns ? " netns=" : "", netns ? netns : "");
}

static const char *request_version(const struct tls_result *result)
{
	if (!result->suite)
		return "-";
	return result->suite->version == KEYS_TLS13 ? "TLSv1.3" : "TLSv1.2";
}

static void request_log(const struct request *request, int error,
			const char *text)
{
	const struct tls_result *result = tls_result(request->tls);
	const char *name = result->server_name;
	char peer[64], asker[256];
	uint64_t ms;

	if (!error && !log_has(LOG_DEBUG))
		return;
	uv_update_time(&request->worker->loop);
	ms = uv_now(&request->worker->loop) - request->began;
	request_peer(request, peer, sizeof(peer));
	request_asker(request, asker, sizeof(asker));
	if (!error)
		log_debug("%s peer=%s name=%s %s ok %s %s alpn=%.*s %" PRIu64 " ms",
			  request->from.ask.server ? "server" : "client", peer,
			  *name ? name : "-", asker,
			  request_version(result), result->suite->iana,
			  result->alpn_len ? result->alpn_len : 1,
			  result->alpn_len ? (const char *)result->alpn : "-", ms);
	else
		log_often(LOG_WARNING, "%s peer=%s name=%s %s failed (%s): %s; %s %" PRIu64 " ms",
			  request->from.ask.server ? "server" : "client", peer,
			  *name ? name : "-", asker,
			  strerrorname_np(error) ? strerrorname_np(error) : "?",
			  text, request_version(result), ms);
}

/* Ending */

static void request_on_closed(uv_handle_t *handle)
{
	struct request *request = handle->data;
	struct worker *worker = request->worker;

	LIST_REMOVE(request, link);
	tls_free(request->tls);
	close(request->from.fd);
	free(request);
	worker_ended(worker);
}

static void request_close(struct request *request)
{
	if (request->phase == REQUEST_TICKETS)
		request->worker->waiting--;
	request->phase = REQUEST_ENDED;
	uv_close((uv_handle_t *)&request->timer, request_on_closed);
}

/* The outcome is known, and told: @error as the module knows it. */
static void request_settle(struct request *request, int error, const char *text)
{
	request_log(request, error, text);
	tls_wipe(request->tls);
	if (request->counted)
		quota_put(request->from.ask.who.uid);
}

/* The one end of a request that has begun, but for success with tickets. */
static void request_end(struct request *request, int error, const char *text)
{
	if (request->phase == REQUEST_ENDED)
		return;
	if (request->phase != REQUEST_TICKETS)
		request_settle(request, error, text);
	request_close(request);
}

/* Waiting */

static void request_on_ready(struct channel *channel, uint32_t events)
{
	struct request *request = (struct request *)((char *)channel -
						     offsetof(struct request, channel));

	/* It has ended in this turn of the loop, which is not over yet. */
	if (request->phase == REQUEST_ENDED)
		return;
	request_run(request);
	/* A channel in error that gives no reason when used would spin. */
	if (events & EPOLLERR && request->phase == REQUEST_TICKETS)
		request_close(request);
	if (events & EPOLLERR && request->phase == REQUEST_HANDSHAKE) {
		tls_abort(request->tls, ECONNRESET, "the connection failed");
		request_run(request);
	}
}

static void request_wait(struct request *request, uint32_t events)
{
	int err = channels_wait(&request->worker->channels, &request->channel, events);

	if (err)
		request_end(request, -err, "the channel cannot be polled");
}

static void request_on_deadline(uv_timer_t *timer)
{
	struct request *request = timer->data;

	if (request->phase == REQUEST_TICKETS) {
		request_close(request);
		return;
	}
	if (request->phase != REQUEST_HANDSHAKE) {
		request_end(request, ETIMEDOUT, "the socket stayed busy");
		return;
	}
	tls_abort(request->tls, ETIMEDOUT, "the handshake timed out");
	request_run(request);
}

/* Going on: each returns true when the next phase can begin at once. */

static uint32_t request_events(const struct tls *tls)
{
	short events = tls_events(tls);

	return (events & POLLIN ? EPOLLIN : 0U) | (events & POLLOUT ? EPOLLOUT : 0U);
}

static bool request_handshake(struct request *request)
{
	enum tls_state state = tls_step(request->tls);

	if (state == TLS_RUNNING) {
		request_wait(request, request_events(request->tls));
		return false;
	}
	if (state == TLS_FAILED &&
	    tls_result(request->tls)->error == ESHUTDOWN) {
		request_end(request, ECANCELED, "ended by the program or the deadline");
		return false;
	}
	request->phase = state == TLS_OPEN ? REQUEST_INSTALL : REQUEST_DONE;
	return true;
}

/* The module says "busy" while the program holds the socket. */
static bool request_busy(struct request *request, int err)
{
	if (err != -EAGAIN)
		return false;
	request_wait(request, EPOLLOUT);
	return true;
}

/* Success, but for tickets. */
static void request_begin_tickets(struct request *request)
{
	request_settle(request, 0, "");
	request->phase = REQUEST_TICKETS;
	request->worker->waiting++;
	uv_timer_start(&request->timer, request_on_deadline, REQUEST_TICKETS_MS, 0);
}

static void request_tickets(struct request *request)
{
	uint8_t ticket[SLUICE_TICKET_MAX];
	ssize_t n;

	while (tls_tickets(request->tls)) {
		n = read(request->from.fd, ticket, sizeof(ticket));
		if (n < 0 && errno == EAGAIN) {
			request_wait(request, EPOLLIN);
			return;
		}
		if (n <= 0)
			break;
		tls_ticket(request->tls, ticket, (size_t)n);
	}
	request_close(request);
}

/* What the module has answered to DONE. */
static void request_settled(struct request *request, int err)
{
	const struct tls_result *result = tls_result(request->tls);

	if (request_busy(request, err))
		return;
	if (err == -ESHUTDOWN)
		request_end(request, result->error ? result->error : ECANCELED,
			    result->error ? result->text :
			    "ended by the program or the deadline");
	else if (err)
		request_end(request, -err, request->seat->command.text);
	else if (!result->error && request->tickets && !request->worker->stopping)
		request_begin_tickets(request);
	else
		request_end(request, result->error, result->text);
}

static void request_done(struct request *request)
{
	request_settled(request, agent_done(&request->seat->command, request->from.fd,
					    tls_result(request->tls)));
}

/* The keys are not taken: that is how it ends. */
static void request_refuse(struct request *request, int err)
{
	char text[SLUICE_NL_TEXT + 32];

	if (err == -ESHUTDOWN) {
		request_end(request, ECANCELED, "ended by the program or the deadline");
		return;
	}
	snprintf(text, sizeof(text), "keys not installed: %s",
		 request->seat->command.text);
	tls_abort(request->tls, -err, text);
	request_done(request);
}

static void request_open(struct request *request)
{
	struct agent_keys keys = {
		.tx = tls_tx(request->tls),
		.rx = tls_rx(request->tls),
		.tx_limit = tls_tx_limit(request->tls),
		.rx_limit = tls_rx_limit(request->tls),
	};
	bool installed;
	int err;

	if (request->worker->waiting < REQUEST_WAITING_MAX)
		keys.tickets = tls_tickets(request->tls);
	err = agent_open(&request->seat->command, request->from.fd, &keys,
			 tls_result(request->tls), &installed);
	tls_wipe(request->tls);
	request->tickets = keys.tickets;
	request->phase = REQUEST_DONE;
	if (installed)
		request_settled(request, err);
	else
		request_refuse(request, err);
}

static void request_run(struct request *request)
{
	if (request->phase == REQUEST_HANDSHAKE && !request_handshake(request))
		return;
	if (request->phase == REQUEST_INSTALL)
		request_open(request);
	else if (request->phase == REQUEST_DONE)
		request_done(request);
	if (request->phase == REQUEST_TICKETS)
		request_tickets(request);
}

/* Beginning */

static bool request_init(struct request *request)
{
	struct worker *worker = request->worker;
	uint64_t ms = request->from.timeout_ms ? request->from.timeout_ms :
						 REQUEST_TIMEOUT_MS;

	request->tls = tls_new(worker->config, &request->from.ask,
			       request->from.fd);
	if (!request->tls)
		return false;
	request->counted = quota_take(request->from.ask.who.uid,
				      worker->config->max_handshakes);
	if (!request->counted)
		tls_abort(request->tls, EDQUOT,
			  "this user has too many handshakes under way");
	uv_timer_init(&worker->loop, &request->timer);
	request->channel.fd = request->from.fd;
	request->channel.on_ready = request_on_ready;
	request->timer.data = request;
	uv_timer_start(&request->timer, request_on_deadline,
		       ms + REQUEST_GRACE_MS, 0);
	return true;
}

void request_start(struct seat *seat, const struct agent_request *from)
{
	struct request *request = calloc(1, sizeof(*request));
	struct worker *worker = seat->worker;

	if (request) {
		request->worker = worker;
		request->seat = seat;
		request->from = *from;
		request->from.ask.netns = seat->number;
		request->began = uv_now(&worker->loop);
	}
	if (!request || !request_init(request)) {
		log_err("a request was given up: out of memory");
		close(from->fd);
		free(request);
		return;
	}
	LIST_INSERT_HEAD(&worker->running, request, link);
	request_run(request);
}

void request_drop_waiting(struct worker *worker)
{
	struct request *request;

	LIST_FOREACH(request, &worker->running, link)
		if (request->phase == REQUEST_TICKETS)
			request_close(request);
}

void request_abort_all(struct worker *worker)
{
	struct request *request;

	/* Ended ones stay in the list until their handles have closed. */
	LIST_FOREACH(request, &worker->running, link) {
		if (request->phase == REQUEST_ENDED)
			continue;
		tls_abort(request->tls, ECONNABORTED, "sluiced is stopping");
		agent_done(&request->seat->command, request->from.fd,
			   tls_result(request->tls));
		request_end(request, ECONNABORTED, "sluiced is stopping");
	}
}
