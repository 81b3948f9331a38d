// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tickets. The connection holds a reference to the handshake it came from while
 * its agent wants more of them; hs->lock stands between the two. The queue is
 * bounded by what the agent asked for.
 */
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <net/sock.h>

#include "ctx.h"
#include "handshake.h"
#include "ticket.h"

#define HEADER_LEN	4	/* RFC 8446 4 */

struct sluice_ticket *sluice_ticket_begin(const struct sluice_ctx *ctx, const u8 *head, u32 body)
{
	struct sluice_ticket *t;

	sock_owned_by_me(ctx->sk);
	if (!ctx->tickets || body > SLUICE_TICKET_MAX - HEADER_LEN)
		return NULL;
	t = kmalloc(struct_size(t, bytes, HEADER_LEN + body), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!t)
		return NULL;
	INIT_LIST_HEAD(&t->node);
	t->size = HEADER_LEN + body;
	t->len = 0;
	sluice_ticket_add(t, head, HEADER_LEN);
	return t;
}

void sluice_ticket_add(struct sluice_ticket *t, const u8 *data, size_t len)
{
	if (!t)
		return;
	len = min_t(size_t, len, t->size - t->len);
	memcpy(t->bytes + t->len, data, len);
	t->len += len;
}

void sluice_ticket_free(struct sluice_ticket *t)
{
	kfree_sensitive(t);
}

/* --- the connection's side --- */

void sluice_ticket_offer(struct sluice_ctx *ctx, struct sluice_hs *hs)
{
	sock_owned_by_me(ctx->sk);
	lockdep_assert_held(&hs->lock);
	/* Only clients of TLS 1.3 get any after the handshake. */
	if (ctx->role != SLUICE_ROLE_CLIENT || ctx->version != TLS_1_3_VERSION)
		hs->tickets_due = 0;
	if (!hs->tickets_due)
		return;
	refcount_inc(&hs->refs);
	ctx->tickets = hs;
}

static void ticket_let_go(struct sluice_ctx *ctx)
{
	struct sluice_hs *hs = ctx->tickets;

	ctx->tickets = NULL;
	sluice_hs_wake_channel(hs);
	sluice_hs_put(hs);
}

void sluice_ticket_give(struct sluice_ctx *ctx, struct sluice_ticket *t)
{
	struct sluice_hs *hs = ctx->tickets;
	bool wanted, last;

	sock_owned_by_me(ctx->sk);
	if (!t)
		return;
	spin_lock_bh(&hs->lock);
	wanted = hs->tickets_due;
	if (wanted) {
		list_add_tail(&t->node, &hs->tickets);
		hs->tickets_due--;
	}
	last = !hs->tickets_due;
	spin_unlock_bh(&hs->lock);

	if (!wanted)
		sluice_ticket_free(t);
	if (last)
		ticket_let_go(ctx);
	else
		sluice_hs_wake_channel(hs);
}

void sluice_ticket_end(struct sluice_ctx *ctx)
{
	struct sluice_hs *hs = ctx->tickets;

	if (!hs)
		return;
	spin_lock_bh(&hs->lock);
	hs->tickets_due = 0;
	spin_unlock_bh(&hs->lock);
	ticket_let_go(ctx);
}

/* --- the agent's side --- */

static struct sluice_ticket *ticket_pop(struct sluice_hs *hs, int *err)
{
	struct sluice_ticket *t;

	spin_lock_bh(&hs->lock);
	t = list_first_entry_or_null(&hs->tickets, struct sluice_ticket, node);
	if (t)
		list_del_init(&t->node);
	*err = hs->tickets_due ? -EAGAIN : -ESHUTDOWN;
	spin_unlock_bh(&hs->lock);
	return t;
}

static void ticket_push_back(struct sluice_hs *hs, struct sluice_ticket *t)
{
	spin_lock_bh(&hs->lock);
	list_add(&t->node, &hs->tickets);
	spin_unlock_bh(&hs->lock);
}

ssize_t sluice_ticket_read(struct sluice_hs *hs, struct iov_iter *to)
{
	struct sluice_ticket *t;
	ssize_t ret;
	int err;

	t = ticket_pop(hs, &err);
	if (!t)
		return err;
	ret = t->size;
	if (iov_iter_count(to) < t->size)
		ret = -EMSGSIZE;
	else if (!copy_to_iter_full(t->bytes, t->size, to))
		ret = -EFAULT;
	if (ret < 0)
		ticket_push_back(hs, t);
	else
		sluice_ticket_free(t);
	return ret;
}

__poll_t sluice_ticket_poll(struct sluice_hs *hs)
{
	__poll_t mask = 0;

	spin_lock_bh(&hs->lock);
	if (!list_empty(&hs->tickets))
		mask = EPOLLIN | EPOLLRDNORM;
	else if (!hs->tickets_due)
		mask = EPOLLERR | EPOLLHUP;
	spin_unlock_bh(&hs->lock);
	return mask;
}

void sluice_ticket_refuse(struct sluice_hs *hs)
{
	struct sluice_ticket *t, *next;
	LIST_HEAD(unread);

	spin_lock_bh(&hs->lock);
	hs->tickets_due = 0;
	list_splice_init(&hs->tickets, &unread);
	spin_unlock_bh(&hs->lock);
	list_for_each_entry_safe(t, next, &unread, node)
		sluice_ticket_free(t);
}
