/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker: one thread with one event loop and its own seats among the agents. It
 * takes requests by itself, so that load spreads without anybody dealing it out.
 */
#ifndef SLUICED_WORKER_H
#define SLUICED_WORKER_H

#include <stdbool.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include <uv.h>

#include "channels.h"
#include "config.h"
#include "seat.h"

struct request;
LIST_HEAD(request_list, request);

/**
 * struct worker - a worker
 * @number:	for the log
 * @thread:	its thread
 * @loop:	its loop
 * @seats:	@seat_count of them, one in each network namespace, our own first
 * @channels:	those of @running that are waited for
 * @more:	runs while requests may wait
 * @retry:	looks for requests again, when descriptors had run out
 * @drain:	ends the time left to requests once it is stopping
 * @signal:	another thread wants something: @stop, or a new configuration
 * @stop:	set before @signal by whoever wants it to stop
 * @hurry:	likewise: and not to wait for what has begun
 * @over:	its loop has ended
 * @ended:	rung then
 * @stopping:	takes no more requests
 * @starved:	left requests waiting for want of file descriptors
 * @config:	for new requests; own reference; this thread only
 * @next_lock:	protects @next
 * @next:	a new configuration waiting to be taken up, or NULL
 * @running:	the requests
 * @waiting:	of them, those that have ended but for tickets to come
 */
struct worker {
	unsigned int number;
	uv_thread_t thread;
	uv_loop_t loop;
	struct seat *seats;
	size_t seat_count;
	struct channels channels;
	uv_idle_t more;
	uv_timer_t retry;
	uv_timer_t drain;
	uv_async_t signal;
	atomic_bool stop;
	atomic_bool hurry;
	atomic_bool over;
	uv_async_t *ended;
	bool stopping;
	bool starved;
	struct config *config;
	uv_mutex_t next_lock;
	struct config *next;
	struct request_list running;
	unsigned int waiting;
};

/* Takes its seats, where @config says, beside those of @first, which must outlive it (NULL:
 * this is the first worker); @worker is zeroed. Before privileges are dropped, and before
 * threads. False with the reason on the log. In any case worker_close() undoes it.
 */
bool worker_open(struct worker *worker, unsigned int number,
		 struct config *config, const struct worker *first);

/* Starts the thread, which rings @ended when it is through. False with the reason on
 * the log; then there is none.
 */
bool worker_start(struct worker *worker, uv_async_t *ended);

/* From another thread: take no more requests, end when the running ones have,
 * or after the configuration's time to drain.
 */
void worker_stop(struct worker *worker);

/* From another thread, after worker_stop(): do not wait for the running ones. */
void worker_hurry(struct worker *worker);

/* From any thread: has its loop ended? Then worker_join() does not wait. */
bool worker_is_over(const struct worker *worker);

/* From another thread: use @config from now on. */
void worker_reload(struct worker *worker, struct config *config);

/* Waits for the end of the thread. */
void worker_join(struct worker *worker);

/* Leaves the agents and frees; without a thread only. */
void worker_close(struct worker *worker);

/* A request has ended and left @running. */
void worker_ended(struct worker *worker);

#endif /* SLUICED_WORKER_H */
