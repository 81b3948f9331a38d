// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where sealed records lie, and how they get to TCP. Pages are the task's page
 * fragments, as TCP itself uses them: order 3 with a fallback, shared by all
 * sockets of the task, so that an idle socket holds none.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "batch.h"

/* A record starts in a fragment with at least so much room. Less would cost a piece
 * for a few bytes; a smaller record lies in one piece.
 */
#define START_MIN	2048

/* Prefixes and tails of so many bytes are taken at once. */
#define FRAME_BYTES	512

struct sluice_batch *sluice_batch_create(gfp_t gfp)
{
	struct sluice_batch *b = kmalloc(sizeof(*b), gfp);

	/* The lists are filled before they are looked at. */
	if (b) {
		b->first = 0;
		b->count = 0;
		b->bytes = 0;
		b->records = 0;
		b->pieces = 0;
		b->frame.page = NULL;
	}
	return b;
}

static void drop_frame(struct sluice_batch *b)
{
	if (b->frame.page)
		put_page(b->frame.page);
	b->frame.page = NULL;
}

static void drop_pages(struct bio_vec *bv, unsigned int n)
{
	while (n--)
		put_page(bv++->bv_page);
}

void sluice_batch_free(struct sluice_batch *b)
{
	if (!b)
		return;
	drop_frame(b);
	drop_pages(b->piece, b->pieces);
	drop_pages(b->bvec + b->first, b->count);
	kfree(b);
}

bool sluice_batch_full(const struct sluice_batch *b)
{
	return b->records >= SLUICE_BATCH_RECORDS ||
	       b->first + b->count + SLUICE_BATCH_PIECES + SLUICE_BATCH_SPARE > SLUICE_BATCH_BVECS;
}

/* A tail with a record behind it: move it to the front if that makes room. */
static bool make_slots(struct sluice_batch *b)
{
	if (b->first + b->count + SLUICE_BATCH_PIECES > SLUICE_BATCH_BVECS) {
		memmove(b->bvec, b->bvec + b->first, b->count * sizeof(*b->bvec));
		b->first = 0;
	}
	return b->count + SLUICE_BATCH_PIECES <= SLUICE_BATCH_BVECS;
}

/* Bytes to skip so that the payload is congruent with its source. */
static unsigned int gap(const struct page_frag *frag, unsigned int prefix, int align)
{
	return align < 0 ? 0 : (align - frag->offset - prefix) & (SLUICE_BATCH_ALIGN - 1);
}

static unsigned int page_gap(const struct page_frag *frag, unsigned int align)
{
	return (align - frag->offset) & (PAGE_SIZE - 1);
}

/* The bytes are ours from here on: whatever else this task sends, from a page fault
 * for instance, takes the fragment's next ones.
 */
static unsigned int take_piece(struct sluice_batch *b, struct page_frag *frag, unsigned int len)
{
	unsigned int n = min(len, frag->size - frag->offset);

	get_page(frag->page);
	bvec_set_page(&b->piece[b->pieces++], frag->page, n, frag->offset);
	frag->offset += n;
	return n;
}

static int take_pieces(struct sluice_batch *b, struct sock *sk, unsigned int len)
{
	struct page_frag *frag = sk_page_frag(sk);

	while (len) {
		if (!skb_page_frag_refill(1, frag, sk->sk_allocation))
			return -ENOMEM;
		len -= take_piece(b, frag, len);
	}
	return 0;
}

int sluice_batch_reserve(struct sluice_batch *b, struct sock *sk, unsigned int len,
			 unsigned int prefix, int align)
{
	struct page_frag *frag = sk_page_frag(sk);
	unsigned int start = min(len, START_MIN) + SLUICE_BATCH_ALIGN;
	int ret = -ENOMEM;

	if (!make_slots(b))
		return -ENOBUFS;

	if (skb_page_frag_refill(start, frag, sk->sk_allocation)) {
		frag->offset += gap(frag, prefix, align);
		ret = take_pieces(b, sk, len);
	}
	if (ret)
		sluice_batch_cancel(b);
	return ret;
}

/* Have @len bytes for what is around a payload. */
static int frame_refill(struct sluice_batch *b, struct sock *sk, unsigned int len)
{
	struct page_frag *frag = sk_page_frag(sk);

	if (b->frame.page && b->frame.size - b->frame.offset >= len)
		return 0;
	drop_frame(b);
	if (!skb_page_frag_refill(FRAME_BYTES, frag, sk->sk_allocation))
		return -ENOMEM;
	get_page(frag->page);
	b->frame.page = frag->page;
	b->frame.offset = frag->offset;
	b->frame.size = frag->offset + FRAME_BYTES;
	frag->offset = b->frame.size;
	return 0;
}

static int take_payload(struct sluice_batch *b, struct sock *sk, unsigned int len,
			unsigned int align)
{
	struct page_frag *frag = sk_page_frag(sk);

	/* Behind the gap a byte at least; a new page begins as a page does. */
	if (!skb_page_frag_refill(page_gap(frag, align) + 1, frag, sk->sk_allocation))
		return -ENOMEM;
	frag->offset += page_gap(frag, align);
	return take_pieces(b, sk, len);
}

int sluice_batch_reserve_apart(struct sluice_batch *b, struct sock *sk, unsigned int prefix,
			       unsigned int payload, unsigned int tail, unsigned int align)
{
	int ret;

	if (!make_slots(b))
		return -ENOBUFS;

	ret = frame_refill(b, sk, prefix + tail);
	if (ret)
		return ret;
	take_piece(b, &b->frame, prefix);
	ret = take_payload(b, sk, payload, align);
	if (ret)
		sluice_batch_cancel(b);
	else
		take_piece(b, &b->frame, tail);
	return ret;
}

/* Add a piece to the sealed bytes; its reference moves, or is dropped where the
 * piece goes on from the last one.
 */
static void append(struct sluice_batch *b, const struct bio_vec *piece)
{
	struct bio_vec *last = b->count ? &b->bvec[b->first + b->count - 1] : NULL;

	if (last && last->bv_page == piece->bv_page &&
	    last->bv_offset + last->bv_len == piece->bv_offset) {
		last->bv_len += piece->bv_len;
		put_page(piece->bv_page);
	} else {
		b->bvec[b->first + b->count++] = *piece;
	}
	b->bytes += piece->bv_len;
}

void sluice_batch_commit(struct sluice_batch *b)
{
	unsigned int i;

	for (i = 0; i < b->pieces; i++)
		append(b, &b->piece[i]);
	b->pieces = 0;
	b->records++;
}

void sluice_batch_cancel(struct sluice_batch *b)
{
	drop_pages(b->piece, b->pieces);
	b->pieces = 0;
}

/* TCP took @n bytes and holds references of its own. */
static void consume(struct sluice_batch *b, unsigned int n)
{
	b->bytes -= n;
	while (n) {
		struct bio_vec *bv = &b->bvec[b->first];
		unsigned int part = min(n, bv->bv_len);

		bv->bv_offset += part;
		bv->bv_len -= part;
		n -= part;
		if (!bv->bv_len) {
			put_page(bv->bv_page);
			b->first++;
			b->count--;
		}
	}
	if (!b->bytes) {
		b->first = 0;
		b->records = 0;
	}
}

/* What a sealed record must not be stopped by. */
struct limits {
	int sndbuf;
	int raised;
	u32 lowat;
};

static void lift_limits(struct sock *sk, unsigned int bytes, struct limits *old)
{
	/* Payload, and the truesize of an skb for every few hundred bytes of it. */
	s64 need = (s64)READ_ONCE(sk->sk_wmem_queued) + 4ULL * bytes + SZ_64K;

	old->sndbuf = READ_ONCE(sk->sk_sndbuf);
	old->raised = max_t(s64, old->sndbuf, min_t(s64, need, INT_MAX));
	old->lowat = READ_ONCE(tcp_sk(sk)->notsent_lowat);
	WRITE_ONCE(sk->sk_sndbuf, old->raised);
	WRITE_ONCE(tcp_sk(sk)->notsent_lowat, U32_MAX);
}

static void restore_limits(struct sock *sk, const struct limits *old)
{
	/* TCP may have moderated it meanwhile; then its word stands. */
	if (READ_ONCE(sk->sk_sndbuf) == old->raised)
		WRITE_ONCE(sk->sk_sndbuf, old->sndbuf);
	WRITE_ONCE(tcp_sk(sk)->notsent_lowat, old->lowat);
}

static int push_some(struct sluice_batch *b, struct sock *sk, int flags, size_t chunk)
{
	struct msghdr msg = {
		.msg_flags = MSG_SPLICE_PAGES | MSG_NO_SHARED_FRAGS | MSG_DONTWAIT | MSG_NOSIGNAL,
	};
	size_t n = min_t(size_t, b->bytes, chunk);
	int ret;

	/* A chunk that is not the last is to be a segment, or some. */
	if (n == b->bytes)
		msg.msg_flags |= flags;
	iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, b->bvec + b->first, b->count, n);
	ret = tcp_sendmsg_locked(sk, &msg, n);
	if (ret > 0)
		consume(b, ret);
	return ret;
}

int sluice_batch_push(struct sluice_batch *b, struct sock *sk, int flags, size_t chunk)
{
	struct limits old;
	int ret = 0;

	lift_limits(sk, b->bytes, &old);
	while (b->bytes) {
		/* Asked first, because TCP would take the error out of sk_err. */
		ret = sluice_batch_dead(sk) ? -EPIPE : push_some(b, sk, flags, chunk);
		if (ret <= 0)
			break;
	}
	restore_limits(sk, &old);

	if (!b->bytes)
		return 0;
	/* It was found while TCP worked off its backlog: put it back for the program. */
	if (ret != -EPIPE && ret != -EAGAIN && ret != -ENOMEM && !sk->sk_err)
		WRITE_ONCE(sk->sk_err, -ret);
	return ret && ret != -ENOMEM ? ret : -EAGAIN;
}
