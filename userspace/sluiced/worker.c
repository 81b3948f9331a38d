// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A worker: one thread with one event loop. All that happens to its requests
 * happens in this thread; others only leave a word and ring @signal.
 *
 * A wake-up is read by one worker that has nothing else to do, which ACCEPTs what it
 * can until no more wait, a few at a time with the handshakes' own work between them:
 * a worker that is busy accepts less.
 */
#include "worker.h"

#include <errno.h>
#include <stdlib.h>

#include "log.h"
#include "request.h"

#define WORKER_BUDGET	4	/* requests taken before others are served */
#define WORKER_RETRY_MS	100	/* until descriptors are looked for again */

/* Taking requests */

static void worker_on_more(uv_idle_t *idle);
static void worker_on_retry(uv_timer_t *timer);

/* Descriptors are the process's: they may come free with another worker. */
static void worker_out_of_files(struct worker *worker)
{
	if (!worker->starved)
		log_warn("worker %u: no file descriptors left; requests wait",
			 worker->number);
	worker->starved = true;
	uv_timer_start(&worker->retry, worker_on_retry, WORKER_RETRY_MS, 0);
}

static void worker_refused(struct seat *seat, int err)
{
	struct worker *worker = seat->worker;

	if (err == -EMFILE || err == -ENFILE)
		worker_out_of_files(worker);
	else if (err == -ENOENT)
		log_warn("worker %u: the module is gone", worker->number);
	else if (err != -EAGAIN)
		log_err("worker %u: ACCEPT: %s", worker->number,
			seat->command.text);
}

/* Return: whether there may be more. */
static bool worker_take_at(struct seat *seat)
{
	struct agent_request request;
	int err;

	for (int i = 0; i < WORKER_BUDGET; i++) {
		err = seat_accept(seat, &request);
		if (err) {
			worker_refused(seat, err);
			return false;
		}
		seat->worker->starved = false;
		request_start(seat, &request);
		if (!request.more)
			return false;
	}
	return true;
}

static void worker_take(struct worker *worker)
{
	bool more = false;

	for (size_t i = 0; i < worker->seat_count; i++)
		if (worker_take_at(&worker->seats[i]))
			more = true;
	if (more)
		uv_idle_start(&worker->more, worker_on_more);
	else
		uv_idle_stop(&worker->more);
}

static void worker_on_more(uv_idle_t *idle)
{
	worker_take(idle->data);
}

static void worker_on_retry(uv_timer_t *timer)
{
	worker_take(timer->data);
}

static void worker_on_wake(uv_poll_t *poll, int status, int events)
{
	struct seat *seat = poll->data;
	bool woken = seat_woken(seat);

	(void)events;
	/* libuv gives up a file in error, which ENOBUFS looks like to it. */
	if (status < 0)
		uv_poll_start(poll, UV_READABLE, worker_on_wake);
	if (woken || status < 0)
		worker_take(seat->worker);
}

void worker_ended(struct worker *worker)
{
	if (worker->stopping && LIST_EMPTY(&worker->running))
		uv_stop(&worker->loop);
}

/* Words from other threads */

static void worker_take_config(struct worker *worker)
{
	struct config *next;

	uv_mutex_lock(&worker->next_lock);
	next = worker->next;
	worker->next = NULL;
	uv_mutex_unlock(&worker->next_lock);
	if (!next)
		return;
	config_put(worker->config);
	worker->config = next;
}

static void worker_on_drained(uv_timer_t *timer)
{
	struct worker *worker = timer->data;

	request_abort_all(worker);
}

/* A member of the agents to the last, though a deaf one: when the group is empty, the
 * module gives requests a short time only, and who comes next has to be there by then.
 * Other agents are woken as well as we are.
 */
static void worker_begin_stop(struct worker *worker)
{
	worker->stopping = true;
	uv_idle_stop(&worker->more);
	uv_timer_stop(&worker->retry);
	for (size_t i = 0; i < worker->seat_count; i++)
		uv_poll_stop(&worker->seats[i].wake);
	request_drop_waiting(worker);
	if (LIST_EMPTY(&worker->running))
		uv_stop(&worker->loop);
	else
		uv_timer_start(&worker->drain, worker_on_drained,
			       worker->config->drain * 1000ULL, 0);
}

static void worker_on_signal(uv_async_t *async)
{
	struct worker *worker = async->data;

	worker_take_config(worker);
	if (atomic_load(&worker->stop) && !worker->stopping)
		worker_begin_stop(worker);
	if (atomic_load(&worker->hurry))
		request_abort_all(worker);
}

void worker_stop(struct worker *worker)
{
	atomic_store(&worker->stop, true);
	uv_async_send(&worker->signal);
}

void worker_hurry(struct worker *worker)
{
	atomic_store(&worker->hurry, true);
	uv_async_send(&worker->signal);
}

bool worker_is_over(const struct worker *worker)
{
	return atomic_load(&worker->over);
}

void worker_reload(struct worker *worker, struct config *config)
{
	uv_mutex_lock(&worker->next_lock);
	config_put(worker->next);
	worker->next = config_get(config);
	uv_mutex_unlock(&worker->next_lock);
	uv_async_send(&worker->signal);
}

/* Life */

static void worker_main(void *arg)
{
	struct worker *worker = arg;

	/* Requests may be older than this agent. */
	worker_take(worker);
	uv_run(&worker->loop, UV_RUN_DEFAULT);
	for (size_t i = 0; i < worker->seat_count; i++)
		uv_close((uv_handle_t *)&worker->seats[i].wake, NULL);
	uv_close((uv_handle_t *)&worker->more, NULL);
	uv_close((uv_handle_t *)&worker->drain, NULL);
	uv_close((uv_handle_t *)&worker->retry, NULL);
	uv_close((uv_handle_t *)&worker->channels.poll, NULL);
	uv_close((uv_handle_t *)&worker->signal, NULL);
	uv_run(&worker->loop, UV_RUN_DEFAULT);
	atomic_store(&worker->over, true);
	uv_async_send(worker->ended);
}

bool worker_open(struct worker *worker, unsigned int number,
		 struct config *config, const struct worker *first)
{
	size_t seats = 1 + config->namespace_count;

	worker->number = number;
	worker->config = config_get(config);
	LIST_INIT(&worker->running);
	uv_mutex_init(&worker->next_lock);
	worker->seats = calloc(seats, sizeof(*worker->seats));
	if (!channels_open(&worker->channels) || !worker->seats) {
		log_err("worker %u: no memory or no descriptors", number);
		return false;
	}
	while (worker->seat_count < seats) {
		size_t i = worker->seat_count++;
		struct seat *seat = &worker->seats[i];

		seat->worker = worker;
		seat->number = (unsigned int)i;
		if (!seat_open(seat, i ? config->namespaces[i - 1] : NULL,
			       first ? &first->seats[i] : NULL))
			return false;
	}
	return true;
}

static bool worker_watch(struct worker *worker, struct seat *seat)
{
	seat->wake.data = seat;
	return !uv_poll_init(&worker->loop, &seat->wake, sluice_nl_fd(&seat->bell->nl)) &&
	       !uv_poll_start(&seat->wake, UV_READABLE, worker_on_wake);
}

static bool worker_handles(struct worker *worker)
{
	uv_loop_t *loop = &worker->loop;

	if (uv_loop_init(loop))
		return false;
	worker->more.data = worker;
	worker->drain.data = worker;
	worker->retry.data = worker;
	worker->signal.data = worker;
	uv_idle_init(loop, &worker->more);
	uv_timer_init(loop, &worker->drain);
	uv_timer_init(loop, &worker->retry);
	if (!channels_watch(&worker->channels, loop))
		return false;
	for (size_t i = 0; i < worker->seat_count; i++)
		if (!worker_watch(worker, &worker->seats[i]))
			return false;
	return !uv_async_init(loop, &worker->signal, worker_on_signal);
}

bool worker_start(struct worker *worker, uv_async_t *ended)
{
	worker->ended = ended;
	if (worker_handles(worker) &&
	    !uv_thread_create(&worker->thread, worker_main, worker))
		return true;
	log_err("worker %u: no thread or event loop", worker->number);
	return false;
}

void worker_join(struct worker *worker)
{
	uv_thread_join(&worker->thread);
	uv_loop_close(&worker->loop);
}

void worker_close(struct worker *worker)
{
	for (size_t i = 0; i < worker->seat_count; i++)
		seat_close(&worker->seats[i]);
	free(worker->seats);
	channels_close(&worker->channels);
	config_put(worker->next);
	config_put(worker->config);
	uv_mutex_destroy(&worker->next_lock);
}
