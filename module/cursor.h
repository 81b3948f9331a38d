/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where RX stands in the stream: the bytes of TCP's receive queue that are not
 * dealt with yet, by offset, with no regard to how TCP cut them into buffers.
 * Knows the record at the head by its length only.
 */
#ifndef SLUICE_CURSOR_H
#define SLUICE_CURSOR_H

#include <linux/types.h>

#include "buf.h"

struct sk_buff;
struct sock;

/**
 * struct sluice_cursor - the position; under the socket lock
 * @offset:	bytes of TCP's queue dealt with, not given back yet; 0 whenever the
 *		lock is released or the backlog flushed
 * @need:	bytes from the position on that make the record at the head whole; a
 *		header's length while more is not known. Read without the lock, too
 * @stashed:	of these, bytes that were moved out of TCP's queue into @stash
 *		because its window could not take the rest of the record
 * @stash:	their pages
 * @skb:	where @offset was found last; a hint that dies with @offset
 */
struct sluice_cursor {
	u32 offset;
	u32 need;
	u32 stashed;
	struct sluice_buf stash;
	struct sk_buff *skb;
};

void sluice_cursor_init(struct sluice_cursor *c);
void sluice_cursor_free(struct sluice_cursor *c);

/** sluice_cursor_avail() - bytes from the position on, stash and queue, FIN not
 * counted. Exact under the socket lock; any context for a glance.
 */
u32 sluice_cursor_avail(const struct sock *sk, const struct sluice_cursor *c);

/**
 * sluice_cursor_copy() - copy bytes out; they stay
 * @off:	from the position
 *
 * Return: 0; -EFAULT: they are not there, or not readable.
 */
int sluice_cursor_copy(struct sock *sk, struct sluice_cursor *c, u32 off, void *to, u32 len);

/** sluice_cursor_copy_buf() - the same into @buf from its byte 0 on, which has room */
int sluice_cursor_copy_buf(struct sock *sk, struct sluice_cursor *c, u32 off,
			   struct sluice_buf *buf, u32 len);

/**
 * sluice_cursor_sg() - describe bytes where they lie
 * @sg:		@max entries whose last one is marked as the end
 *
 * The pages are good until the bytes are given back or the lock is released.
 * Return: entries used; -EMSGSIZE: too many pieces; -EFAULT as above.
 */
int sluice_cursor_sg(struct sock *sk, struct sluice_cursor *c, u32 off, u32 len,
		     struct scatterlist *sg, int max);

/** sluice_cursor_advance() - the record at the head, @len bytes, is dealt with */
void sluice_cursor_advance(struct sluice_cursor *c, u32 len);

/** sluice_cursor_give_back() - give what is dealt with back to TCP, which may send an
 * ACK. Before every release of the lock and flush of the backlog.
 */
void sluice_cursor_give_back(struct sock *sk, struct sluice_cursor *c);

/** sluice_cursor_forget() - somebody may have changed the queue behind @offset */
static inline void sluice_cursor_forget(struct sluice_cursor *c)
{
	c->skb = NULL;
}

/** sluice_cursor_stuck() - is the head record incomplete, with no room in TCP for the
 * rest? Any context.
 */
bool sluice_cursor_stuck(const struct sock *sk, const struct sluice_cursor *c);

/**
 * sluice_cursor_stash() - move what there is of the head record out of TCP's queue
 *
 * All that is dealt with was given back before.
 * Return: bytes moved, or -ENOMEM, -EFAULT with nothing moved.
 */
int sluice_cursor_stash(struct sock *sk, struct sluice_cursor *c);

#endif
