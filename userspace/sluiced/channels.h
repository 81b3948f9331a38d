/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channels that a worker waits for, in one set: to its loop that is one file. A
 * uv_poll_t for each would cost eight system calls a handshake, and this costs one.
 */
#ifndef SLUICED_CHANNELS_H
#define SLUICED_CHANNELS_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

/**
 * struct channels - a set of channels
 * @fd:		of the set
 * @poll:	the loop's look at it
 */
struct channels {
	int fd;
	uv_poll_t poll;
};

/**
 * struct channel - a member
 * @fd:		the channel, which leaves the set when it is closed; not owned
 * @events:	what is waited for, EPOLL*; 0: not a member yet
 * @on_ready:	takes what has come, which may be EPOLLERR; it comes again until it is
 *		dealt with, waited for no more, or @fd is closed
 */
struct channel {
	int fd;
	uint32_t events;
	void (*on_ready)(struct channel *channel, uint32_t events);
};

/* False without descriptors. In any case channels_close() undoes it. */
bool channels_open(struct channels *set);

/* Calls of on_ready come from @loop from now on, until @set->poll is closed. */
bool channels_watch(struct channels *set, uv_loop_t *loop);

/* Waits for @events, 0 for none but EPOLLERR. While it is a member, @channel stays where
 * it is, and outlives the callbacks of a turn of the loop in which @fd is closed. Return:
 * 0 or -errno.
 */
int channels_wait(struct channels *set, struct channel *channel, uint32_t events);

void channels_close(struct channels *set);

#endif /* SLUICED_CHANNELS_H */
