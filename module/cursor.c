// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walk over TCP's receive queue by sequence number. Buffers there may
 * overlap (a retransmission that reached further), be merged into their
 * neighbours or be rewritten whenever the socket lock is released; sequence
 * numbers alone are lasting.
 */
#include <linux/minmax.h>
#include <linux/skbuff.h>
#include <net/tcp.h>

#include "cursor.h"

/* A run of bytes within one buffer, and what is left after it. */
struct span {
	struct sk_buff *skb;
	u32 off;
	u32 len;
	u32 seq;
	u32 left;
};

void sluice_cursor_init(struct sluice_cursor *c)
{
	memset(c, 0, sizeof(*c));
	c->need = SLUICE_HEADER_LEN;
}

void sluice_cursor_free(struct sluice_cursor *c)
{
	sluice_buf_trim(&c->stash, 0);
	sluice_cursor_init(c);
}

/*
 * Urgent data counts as any other: TLS has no notion of it, and the record it
 * sits in would not be whole without it.
 */
static u32 queued(const struct sock *sk, const struct sluice_cursor *c)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 n = READ_ONCE(tp->rcv_nxt) - READ_ONCE(tp->copied_seq);

	/* SOCK_DONE: a FIN took the last number, unless tcp_read_done() passed it. */
	if (n && sock_flag(sk, SOCK_DONE))
		n--;
	return n - min(n, READ_ONCE(c->offset));
}

u32 sluice_cursor_avail(const struct sock *sk, const struct sluice_cursor *c)
{
	return READ_ONCE(c->stashed) + queued(sk, c);
}

/* The buffer that holds @seq, searched from @skb on. */
static struct sk_buff *find(struct sock *sk, struct sk_buff *skb, u32 seq, u32 *off)
{
	for (; skb; skb = skb_peek_next(skb, &sk->sk_receive_queue)) {
		*off = seq - TCP_SKB_CB(skb)->seq;
		if (TCP_SKB_CB(skb)->tcp_flags & TCPHDR_SYN)
			(*off)--;
		if (*off < skb->len)
			return skb;
	}
	return NULL;
}

static bool span_next(struct sock *sk, struct span *s)
{
	if (!s->left)
		return false;
	s->skb = find(sk, s->skb, s->seq, &s->off);
	if (!s->skb)
		return false;
	s->len = min(s->skb->len - s->off, s->left);
	s->seq += s->len;
	s->left -= s->len;
	return true;
}

/* A span over @len bytes of the queue, @off behind what is dealt with. */
static void span_start(struct sock *sk, struct sluice_cursor *c, struct span *s, u32 off, u32 len)
{
	u32 pos = tcp_sk(sk)->copied_seq + c->offset;
	u32 in_skb;

	if (!c->skb)
		c->skb = skb_peek(&sk->sk_receive_queue);
	c->skb = find(sk, c->skb, pos, &in_skb);
	s->skb = c->skb;
	s->seq = pos + off;
	s->left = len;
}

static void stash_copy(const struct sluice_cursor *c, u32 off, void *to, u32 len)
{
	while (len) {
		size_t room, part;
		void *from = sluice_buf_at(&c->stash, off, &room);

		part = min_t(size_t, room, len);
		memcpy(to, from, part);
		to += part;
		off += part;
		len -= part;
	}
}

/* How many of @len bytes at @off are in the stash. */
static u32 stash_part(const struct sluice_cursor *c, u32 off, u32 len)
{
	return off < c->stashed ? min(len, c->stashed - off) : 0;
}

int sluice_cursor_copy(struct sock *sk, struct sluice_cursor *c, u32 off, void *to, u32 len)
{
	u32 part = stash_part(c, off, len);
	struct span s;

	sock_owned_by_me(sk);
	stash_copy(c, off, to, part);
	to += part;
	span_start(sk, c, &s, off + part - c->stashed, len - part);
	while (span_next(sk, &s)) {
		if (skb_copy_bits(s.skb, s.off, to, s.len))
			return -EFAULT;
		to += s.len;
	}
	return s.left ? -EFAULT : 0;
}

int sluice_cursor_copy_buf(struct sock *sk, struct sluice_cursor *c, u32 off,
			   struct sluice_buf *buf, u32 len)
{
	u32 done = 0;

	while (done < len) {
		size_t room;
		void *to = sluice_buf_at(buf, done, &room);
		u32 part = min_t(size_t, room, len - done);
		int ret = sluice_cursor_copy(sk, c, off + done, to, part);

		if (ret)
			return ret;
		done += part;
	}
	return 0;
}

int sluice_cursor_sg(struct sock *sk, struct sluice_cursor *c, u32 off, u32 len,
		     struct scatterlist *sg, int max)
{
	u32 part = stash_part(c, off, len);
	struct span s;
	int n = 0;

	sock_owned_by_me(sk);
	if (part) {
		if (DIV_ROUND_UP(offset_in_page(off) + part, PAGE_SIZE) > max)
			return -EMSGSIZE;
		n = sluice_buf_sg(&c->stash, sg, off, part);
	}
	span_start(sk, c, &s, off + part - c->stashed, len - part);
	while (span_next(sk, &s)) {
		int ret;

		/* It looks for the end of @sg only from its second entry on. */
		if (n == max)
			return -EMSGSIZE;
		ret = skb_to_sgvec_nomark(s.skb, sg + n, s.off, s.len);
		if (ret < 0)
			return ret;
		n += ret;
	}
	return s.left ? -EFAULT : n;
}

static void stash_drop(struct sluice_cursor *c)
{
	WRITE_ONCE(c->stashed, 0);
	sluice_buf_trim(&c->stash, 0);
}

void sluice_cursor_advance(struct sluice_cursor *c, u32 len)
{
	WRITE_ONCE(c->offset, c->offset + len - c->stashed);
	WRITE_ONCE(c->need, SLUICE_HEADER_LEN);
	if (c->stashed)
		stash_drop(c);
}

void sluice_cursor_give_back(struct sock *sk, struct sluice_cursor *c)
{
	u32 len = c->offset;

	sock_owned_by_me(sk);
	c->skb = NULL;
	if (!len)
		return;
	WRITE_ONCE(c->offset, 0);
	tcp_read_done(sk, len);
}

/*
 * TCP signals with INT_MAX when it is short of memory or its window is down to
 * a segment. A window smaller than what is missing never completes the record
 * either, however the peer fills it.
 */
bool sluice_cursor_stuck(const struct sock *sk, const struct sluice_cursor *c)
{
	u32 avail = sluice_cursor_avail(sk, c);
	u32 need = READ_ONCE(c->need);

	if (!queued(sk, c) || avail >= need)
		return false;
	return tcp_epollin_ready(sk, INT_MAX) || need - avail > tcp_receive_window(tcp_sk(sk));
}

int sluice_cursor_stash(struct sock *sk, struct sluice_cursor *c)
{
	u32 len = min(sluice_cursor_avail(sk, c), c->need) - c->stashed;
	u32 done = 0;
	int ret;

	ret = sluice_buf_reserve(&c->stash, c->stashed + len);
	while (!ret && done < len) {
		size_t room;
		void *to = sluice_buf_at(&c->stash, c->stashed + done, &room);
		u32 part = min_t(size_t, room, len - done);

		ret = sluice_cursor_copy(sk, c, c->stashed + done, to, part);
		done += part;
	}
	if (ret)
		return ret;

	WRITE_ONCE(c->stashed, c->stashed + len);
	sluice_cursor_forget(c);
	tcp_read_done(sk, len);
	return len;
}
