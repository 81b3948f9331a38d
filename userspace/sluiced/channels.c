// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An epoll set inside the loop's own, which it polls as any other file.
 */
#include "channels.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define CHANNELS_AT_ONCE	32

bool channels_open(struct channels *set)
{
	set->fd = epoll_create1(EPOLL_CLOEXEC);
	return set->fd >= 0;
}

/* What does not fit stays ready, and is found in the loop's next turn. */
static void channels_on_ready(uv_poll_t *poll, int status, int mask)
{
	struct channels *set = poll->data;
	struct epoll_event events[CHANNELS_AT_ONCE];
	int n = epoll_wait(set->fd, events, CHANNELS_AT_ONCE, 0);

	(void)status;
	(void)mask;
	for (int i = 0; i < n; i++) {
		struct channel *channel = events[i].data.ptr;

		channel->on_ready(channel, events[i].events);
	}
}

bool channels_watch(struct channels *set, uv_loop_t *loop)
{
	set->poll.data = set;
	return !uv_poll_init(loop, &set->poll, set->fd) &&
	       !uv_poll_start(&set->poll, UV_READABLE, channels_on_ready);
}

int channels_wait(struct channels *set, struct channel *channel, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = channel };
	int op = channel->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (channel->events == events)
		return 0;
	if (epoll_ctl(set->fd, op, channel->fd, &event))
		return -errno;
	channel->events = events;
	return 0;
}

void channels_close(struct channels *set)
{
	if (set->fd >= 0)
		close(set->fd);
	set->fd = -1;
}
