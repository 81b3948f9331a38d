/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * NewSessionTicket messages (RFC 8446 4.6.1) on their way to the agent that did
 * the handshake: it may resume the session, the program needs not know.
 */
#ifndef SLUICE_TICKET_H
#define SLUICE_TICKET_H

#include <linux/list.h>
#include <linux/types.h>

struct iov_iter;
struct sluice_ctx;
struct sluice_hs;

/**
 * struct sluice_ticket - one message
 * @node:	in the channel's queue
 * @size:	bytes of it, header included
 * @len:	of them, here
 * @bytes:	the message
 */
struct sluice_ticket {
	struct list_head node;
	u32 size;
	u32 len;
	u8 bytes[];
};

/**
 * sluice_ticket_begin() - a message begins
 * @ctx:	locked
 * @head:	its header, 4 bytes
 * @body:	bytes that follow
 *
 * Return: where it is collected, the caller's; NULL: nobody wants it, it is too long,
 * or there is no memory for it. No ticket is worth an error.
 */
struct sluice_ticket *sluice_ticket_begin(const struct sluice_ctx *ctx, const u8 *head, u32 body);

/** sluice_ticket_add() - @len more bytes of the body; NULL is fine */
void sluice_ticket_add(struct sluice_ticket *t, const u8 *data, size_t len);

/** sluice_ticket_give() - the message is whole: to the agent. Takes @t over; NULL is fine.
 * Socket lock held.
 */
void sluice_ticket_give(struct sluice_ctx *ctx, struct sluice_ticket *t);

/** sluice_ticket_free() - wipe and free; NULL is fine. Any context. */
void sluice_ticket_free(struct sluice_ticket *t);

/**
 * sluice_ticket_offer() - the handshake has succeeded, and its agent wants tickets
 * @ctx:	locked; keeps a reference to @hs while more may come
 * @hs:		its lock held
 */
void sluice_ticket_offer(struct sluice_ctx *ctx, struct sluice_hs *hs);

/** sluice_ticket_end() - the connection gives no more. Any context; nobody else has @ctx. */
void sluice_ticket_end(struct sluice_ctx *ctx);

/**
 * sluice_ticket_read() - one message for the agent
 * @hs:		ended
 *
 * Return: its length; -EAGAIN; -EMSGSIZE or -EFAULT and it stays; -ESHUTDOWN: none will
 * come. Process context.
 */
ssize_t sluice_ticket_read(struct sluice_hs *hs, struct iov_iter *to);

/** sluice_ticket_poll() - events of a channel whose handshake has ended */
__poll_t sluice_ticket_poll(struct sluice_hs *hs);

/** sluice_ticket_refuse() - the agent closes its channel */
void sluice_ticket_refuse(struct sluice_hs *hs);

#endif
