/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opening the record at the head of the stream: into the reader's window, or
 * into pages of ours that are held until they are read.
 */
#ifndef SLUICE_OPEN_H
#define SLUICE_OPEN_H

#include <linux/list.h>
#include <linux/types.h>

#include "buf.h"
#include "record.h"

struct iov_iter;
struct sluice_ctx;
struct sluice_window;

/**
 * struct sluice_head - the record at the head, whole but still closed
 * @rec:	its outer shape
 * @prefix:	header and explicit nonce as on the wire
 * @room:	most bytes of content that it can hold
 */
struct sluice_head {
	struct sluice_record rec;
	u8 prefix[SLUICE_PREFIX_MAX];
	u32 room;
};

/**
 * struct sluice_plain - an opened record, held
 * @node:	in sluice_rx.held
 * @buf:	content
 * @off:	of it, bytes read already
 * @len:	bytes left to read
 * @type:	content type
 */
struct sluice_plain {
	struct list_head node;
	struct sluice_buf buf;
	u32 off;
	u32 len;
	u8 type;
};

/**
 * sluice_open_head() - look at the record at the head
 * @ctx:	socket with RX keys, locked
 * @head:	filled in on 1
 *
 * Return: 1: it is whole; 0: it is not; -errno: its header breaks the protocol, the
 * direction is dead (sluice_managed_fail()).
 */
int sluice_open_head(struct sluice_ctx *ctx, struct sluice_head *head);

/**
 * sluice_open_held() - open the record at the head into pages of ours
 *
 * Return: the record, the caller's, with the cursor behind it; ERR_PTR: -EBADMSG,
 * -EMSGSIZE: the direction is dead; else (-ENOMEM) nothing has changed.
 */
struct sluice_plain *sluice_open_held(struct sluice_ctx *ctx, const struct sluice_head *head);

/**
 * sluice_open_direct() - open the record at the head into @window
 * @window:	reaches over @head->room bytes
 * @len:	bytes of content on 1, all of them application data
 *
 * Return: 1: done, the cursor is behind it; 0: not a record of @head->room bytes of
 * application data: the window is zeroed there, open it by sluice_open_held(); -errno
 * as there, the window is zeroed.
 */
int sluice_open_direct(struct sluice_ctx *ctx, const struct sluice_head *head,
		       struct sluice_window *window);

/** sluice_plain_read() - copy @len bytes, @skip behind what has been read; they stay.
 * Return: bytes copied, fewer where the memory is not there.
 */
size_t sluice_plain_read(const struct sluice_plain *plain, u32 skip, u32 len,
			 struct iov_iter *to);

/** sluice_plain_free() - done with; keeps one for the next record. Not in a list. */
void sluice_plain_free(struct sluice_ctx *ctx, struct sluice_plain *plain);

/** sluice_open_idle() - no reader goes on: hold no page, but where more has come that will
 * want them at once. Socket lock held.
 */
void sluice_open_idle(struct sluice_ctx *ctx);

#endif
