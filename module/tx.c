// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending: the bytes of a program become records. They are sealed in batches,
 * only as many as the send buffer admits, and a batch goes to TCP in one call.
 * A sealed record belongs to TCP or to the batch, never to the program again:
 * its nonce is spent.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <uapi/linux/tls.h>

#include "batch.h"
#include "ctx.h"
#include "managed.h"
#include "record.h"
#include "sizing.h"
#include "stats.h"
#include "tx.h"
#include "window.h"

/* Flags of sendmsg() that mean something here, or nothing to a stream. */
#define FLAGS_KNOWN	(MSG_MORE | MSG_DONTWAIT | MSG_NOSIGNAL | MSG_CMSG_COMPAT | \
			 MSG_SPLICE_PAGES | MSG_EOR | MSG_SENDPAGE_NOPOLICY | MSG_WAITALL | \
			 MSG_BATCH)

/* Below, copying costs less than aligning or than a scatterlist of pages. */
#define ALIGN_MIN	2048
#define DIRECT_MIN	PAGE_SIZE
/* Shorter writes are copied: pinning costs more than it saves. */
#define PIN_MIN		(2 * SLUICE_PLAINTEXT_MAX)

/* With so much to come, room is lost once for all of it. */
#define RUN_MIN		(2 * SLUICE_PLAINTEXT_MAX)

/* What TCP may charge beyond the bytes of a record: heads of its skbs. */
#define SKB_SLACK	2048

/* Between two tries to give TCP what it had no memory for. */
#define RETRY_PAUSE	max(HZ / 20, 1)

static void retry_expire(struct timer_list *timer);

int sluice_tx_init(struct sluice_ctx *ctx)
{
	ctx->tx.max_payload = SLUICE_PLAINTEXT_MAX;
	timer_setup(&ctx->tx.retry, retry_expire, 0);
	return 0;
}

/* --- the record that is not full yet --- */

static int open_create(struct sluice_ctx *ctx)
{
	struct sluice_tx *tx = &ctx->tx;
	struct sock *sk = ctx->sk;

	if (tx->open)
		return 0;
	if (!sk_wmem_schedule(sk, SLUICE_PLAINTEXT_MAX))
		return -ENOBUFS;
	tx->open = kmalloc(SLUICE_PLAINTEXT_MAX, sk->sk_allocation);
	if (!tx->open)
		return -ENOMEM;
	sk_mem_charge(sk, SLUICE_PLAINTEXT_MAX);
	return 0;
}

static void open_free(struct sluice_ctx *ctx)
{
	struct sluice_tx *tx = &ctx->tx;

	if (!tx->open)
		return;
	kfree(tx->open);
	tx->open = NULL;
	tx->open_len = 0;
	sk_mem_uncharge(ctx->sk, SLUICE_PLAINTEXT_MAX);
}

void sluice_tx_free(struct sluice_ctx *ctx)
{
	struct sluice_tx *tx = &ctx->tx;

	sk_stop_timer(ctx->sk, &tx->retry);
	open_free(ctx);
	sluice_batch_free(tx->batch);
	tx->batch = NULL;
	sluice_dir_wipe(&tx->dir);
}

/* --- pushing --- */

static bool has_tail(const struct sluice_tx *tx)
{
	return tx->batch && tx->batch->bytes;
}

static int push_chunked(struct sluice_ctx *ctx, int flags, size_t chunk)
{
	struct sluice_tx *tx = &ctx->tx;
	struct sock *sk = ctx->sk;
	int ret;

	if (!has_tail(tx))
		return 0;
	tx->pushing = true;
	ret = sluice_batch_push(tx->batch, sk, flags, chunk);
	tx->pushing = false;
	/* No acknowledgment will come that calls sluice_tx_write_space(). */
	if (unlikely(ret == -EAGAIN) && tcp_rtx_and_write_queues_empty(sk))
		sk_reset_timer(sk, &tx->retry, jiffies + RETRY_PAUSE);
	return ret;
}

static int push(struct sluice_ctx *ctx, int flags)
{
	return push_chunked(ctx, flags, SIZE_MAX);
}

/* With more to follow. Where all that a small send buffer takes is one segment, its receiver
 * would delay the acknowledgment that we wait for (RFC 9293 3.8.6.3): two of them.
 */
static void push_ahead(struct sluice_ctx *ctx)
{
	const struct sock *sk = ctx->sk;
	unsigned int bytes = ctx->tx.batch->bytes;
	bool lonely = bytes <= tcp_sk(sk)->mss_cache && 2 * bytes > READ_ONCE(sk->sk_sndbuf);

	push_chunked(ctx, MSG_MORE, lonely ? bytes / 2 + 1 : SIZE_MAX);
}

/* Not in process context, perhaps: no task's page fragments (TCP copies where the
 * route lacks scatter-gather), no sleeping, and so few skbs in a call that TCP does
 * not flush the backlog, which would take the slock again.
 */
static void push_atomic(struct sluice_ctx *ctx)
{
	struct sock *sk = ctx->sk;
	bool task_frag = sk->sk_use_task_frag;
	gfp_t allocation = sk->sk_allocation;

	sk->sk_use_task_frag = false;
	sk->sk_allocation = GFP_ATOMIC;
	push_chunked(ctx, 0, 8 * tcp_sk(sk)->mss_cache);
	sk->sk_allocation = allocation;
	sk->sk_use_task_frag = task_frag;
}

bool sluice_tx_write_space(struct sluice_ctx *ctx)
{
	struct sluice_tx *tx = &ctx->tx;

	lockdep_assert(lockdep_sock_is_held(ctx->sk));
	/* Without a struct socket TCP's way out of a full buffer would fault. */
	if (tx->pushing || !has_tail(tx) || !ctx->sk->sk_socket)
		return true;
	push_atomic(ctx);
	/* With nothing in flight the program may try as well. */
	return !has_tail(tx) || tcp_rtx_and_write_queues_empty(ctx->sk);
}

/* The context outlives a timer that has begun: its memory waits for softirqs to end, and
 * it has no tail by then.
 */
static void retry_expire(struct timer_list *timer)
{
	struct sluice_ctx *ctx = container_of(timer, struct sluice_ctx, tx.retry);
	struct sock *sk = ctx->sk;

	bh_lock_sock(sk);
	if (sock_owned_by_user(sk))
		ctx->write_space_due = true;
	else if (has_tail(&ctx->tx) && sluice_tx_write_space(ctx))
		ctx->base_write_space(sk);
	bh_unlock_sock(sk);
	sock_put(sk);
}

bool sluice_tx_writable(const struct sluice_ctx *ctx)
{
	return READ_ONCE(ctx->tx.closed) || sk_stream_is_writeable(ctx->sk);
}

/* --- sealing one record --- */

static unsigned int wire_len(const struct sluice_dir *dir, unsigned int payload)
{
	return payload + sluice_record_overhead(dir->key->cipher, dir->key->version);
}

static unsigned int prefix_len(const struct sluice_dir *dir)
{
	return sluice_record_prefix(dir->key->cipher, dir->key->version);
}

static unsigned int inner_len(const struct sluice_dir *dir)
{
	return dir->key->version == TLS_1_3_VERSION ? 1 : 0;
}

static int reserve(struct sluice_ctx *ctx, unsigned int payload, int align)
{
	const struct sluice_dir *dir = &ctx->tx.dir;

	return sluice_batch_reserve(ctx->tx.batch, ctx->sk, wire_len(dir, payload),
				    prefix_len(dir), align);
}

/* Likewise for one of a run of records. @align: the payload's offset in a page */
static int reserve_apart(struct sluice_ctx *ctx, unsigned int payload, unsigned int align)
{
	const struct sluice_dir *dir = &ctx->tx.dir;
	unsigned int prefix = prefix_len(dir);

	return sluice_batch_reserve_apart(ctx->tx.batch, ctx->sk, prefix, payload,
					  wire_len(dir, 0) - prefix, align);
}

/* The record's pieces without its prefix, behind an entry for the additional data. */
static void map_pieces(struct sluice_batch *b, unsigned int prefix)
{
	/* A prefix may be all of its piece. */
	unsigned int i = b->piece[0].bv_len == prefix ? 1 : 0, n = 1;

	sg_init_table(b->dst, 1 + b->pieces - i);
	prefix = i ? 0 : prefix;
	for (; i < b->pieces; i++) {
		sg_set_page(&b->dst[n++], b->piece[i].bv_page, b->piece[i].bv_len - prefix,
			    b->piece[i].bv_offset + prefix);
		prefix = 0;
	}
}

static void account(struct sluice_ctx *ctx, u8 type, unsigned int payload, unsigned int pad)
{
	struct net *net = sluice_net(ctx);
	bool data = type == SLUICE_DATA;

	sluice_dir_advance(&ctx->tx.dir, payload, pad, data);
	if (data)
		sluice_sizing_sealed(ctx, payload);
	sluice_stat_inc(net, SLUICE_STAT_TX_RECORDS);
	if (data)
		sluice_stat_add(net, SLUICE_STAT_TX_BYTES, payload);
	else
		sluice_stat_inc(net, SLUICE_STAT_TX_CONTROL);
}

/* Seal the record whose place is reserved. @src: where the content is, type included;
 * NULL: in its place already, with @pad bytes of padding. The record is either in the
 * batch, its nonce spent, or gone with its place.
 */
static int seal(struct sluice_ctx *ctx, u8 type, unsigned int payload, unsigned int pad,
		struct scatterlist *src)
{
	struct sluice_batch *b = ctx->tx.batch;
	struct sluice_dir *dir = &ctx->tx.dir;
	struct sluice_key *key = dir->key;
	u8 *head = bvec_virt(&b->piece[0]);
	int ret;

	ret = sluice_dir_check(dir);
	if (ret)
		goto fail;

	sluice_record_write_prefix(head, key->cipher, key->version, type, payload + pad,
				   dir->explicit_nonce);
	map_pieces(b, prefix_len(dir));
	ret = sluice_key_seal(key, head, head + SLUICE_HEADER_LEN, dir->seq, src ?: b->dst, b->dst,
			      payload + pad + inner_len(dir));
	if (ret)
		goto fail;

	sluice_batch_commit(b);
	account(ctx, type, payload, pad);
	return 0;

fail:
	sluice_batch_cancel(b);
	return ret;
}

/* Copy content to its place behind the prefix. The type follows it, and padding that type. */
static bool copy_pieces(struct sluice_batch *b, unsigned int prefix, struct iov_iter *from,
			unsigned int len, u8 type, unsigned int pad)
{
	unsigned int i, n, done = 0;
	bool typed = false;

	for (i = 0; i < b->pieces; i++) {
		u8 *to = (u8 *)bvec_virt(&b->piece[i]) + prefix;
		unsigned int room = b->piece[i].bv_len - prefix;

		n = min(room, len - done);
		if (n && !copy_from_iter_full(to, n, from)) {
			iov_iter_revert(from, done);
			return false;
		}
		done += n;
		to += n;
		room -= n;
		if (done == len && !typed && room) {
			/* In TLS 1.2 the tag overwrites it. */
			*to++ = type;
			room--;
			typed = true;
		}
		if (typed) {
			n = min(room, pad);
			memset(to, 0, n);
			pad -= n;
			if (!pad)
				break;
		}
		prefix = 0;
	}
	return true;
}

/* Content from an iterator, which stands where it stood when this fails. */
static int seal_iter(struct sluice_ctx *ctx, u8 type, struct iov_iter *from, unsigned int len,
		     int align)
{
	unsigned int pad = sluice_sizing_pad(ctx, len);
	struct sluice_batch *b = ctx->tx.batch;
	int ret = reserve(ctx, len + pad, align);

	if (ret)
		return ret;
	if (!copy_pieces(b, prefix_len(&ctx->tx.dir), from, len, type, pad)) {
		sluice_batch_cancel(b);
		return -EFAULT;
	}
	ret = seal(ctx, type, len, pad, NULL);
	if (ret)
		iov_iter_revert(from, len);
	return ret;
}

/* Content of ours. It may be on the stack, where no scatterlist reaches. */
static int seal_bytes(struct sluice_ctx *ctx, u8 type, const void *data, size_t len)
{
	struct kvec vec = { .iov_base = (void *)data, .iov_len = len };
	struct iov_iter from;

	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, len);
	return seal_iter(ctx, type, &from, len, -1);
}

/* The inner type ends a source list of @used entries (RFC 8446 5.2). */
static void end_sources(struct sluice_batch *b, const struct sluice_dir *dir, unsigned int used,
			u8 type)
{
	if (inner_len(dir)) {
		b->type = type;
		sg_set_buf(&b->src[used++], &b->type, 1);
	}
	sg_mark_end(&b->src[used - 1]);
}

static int seal_collected(struct sluice_ctx *ctx)
{
	struct sluice_tx *tx = &ctx->tx;
	struct sluice_batch *b = tx->batch;
	int ret = reserve(ctx, tx->open_len, tx->open_len < ALIGN_MIN ? -1 : 0);

	if (ret)
		return ret;
	sg_init_table(b->src, ARRAY_SIZE(b->src));
	sg_set_buf(&b->src[1], tx->open, tx->open_len);
	end_sources(b, &tx->dir, 2, SLUICE_DATA);
	return seal(ctx, SLUICE_DATA, tx->open_len, 0, b->src);
}

static int seal_open(struct sluice_ctx *ctx)
{
	struct sluice_tx *tx = &ctx->tx;
	int ret;

	/* Padding has no entry in a source list. */
	if (sluice_sizing_pads(ctx))
		ret = seal_bytes(ctx, SLUICE_DATA, tx->open, tx->open_len);
	else
		ret = seal_collected(ctx);
	if (!ret)
		tx->open_len = 0;
	return ret;
}

/* --- one call of sendmsg --- */

/**
 * struct send - a program's call
 * @ctx:	socket, locked
 * @msg:	what is left of its message
 * @type:	content type
 * @timeo:	jiffies that it may wait
 * @sent:	bytes accepted: sealed, or in the open record
 * @window:	pinned part of what is left
 * @pin:	long enough for the window
 */
struct send {
	struct sluice_ctx *ctx;
	struct msghdr *msg;
	u8 type;
	long timeo;
	size_t sent;
	struct sluice_window *window;
	bool pin;
};

static size_t data_left(const struct send *s)
{
	return msg_data_left(s->msg) + sluice_window_left(s->window);
}

static int source_align(const struct iov_iter *from, unsigned int len)
{
	if (len < ALIGN_MIN)
		return -1;
	if (!user_backed_iter(from))
		return 0;
	return (unsigned long)iter_iov_addr(from) & (SLUICE_BATCH_ALIGN - 1);
}

/* Copied and then encrypted in place. */
static int seal_copy(struct send *s, unsigned int len)
{
	struct iov_iter *from = &s->msg->msg_iter;
	int ret = seal_iter(s->ctx, s->type, from, len, source_align(from, len));

	if (!ret)
		s->sent += len;
	return ret;
}

/* Enter up to @want bytes of pages as sources. No references: they are only looked at
 * before this call returns, and the caller of sendmsg() holds them so long.
 * Return: bytes, taken off @from; or errno.
 */
static ssize_t add_sources(struct sluice_batch *b, struct iov_iter *from, size_t want,
			   unsigned int *used)
{
	struct page *page, **pages = &page;
	size_t got = 0;
	size_t off;

	while (got < want && *used <= SLUICE_BATCH_SOURCES) {
		ssize_t n = iov_iter_extract_pages(from, &pages, want - got, 1, 0, &off);

		if (n <= 0) {
			iov_iter_revert(from, got);
			return n ?: -EIO;
		}
		sg_set_page(&b->src[(*used)++], page, n, off);
		got += n;
	}
	return got;
}

/* Room for @len bytes of the sources, pages to pages where more of them follow. */
static int reserve_source(struct send *s, unsigned int len)
{
	const struct sluice_batch *b = s->ctx->tx.batch;
	unsigned int off = b->src[1].offset;

	if (b->frame.page || data_left(s) >= RUN_MIN)
		return reserve_apart(s->ctx, len, offset_in_page(off));
	return reserve(s->ctx, len, off & (SLUICE_BATCH_ALIGN - 1));
}

/* A record of the @len bytes that @used entries of the source list name. */
static int seal_sources(struct send *s, unsigned int used, unsigned int len)
{
	struct sluice_ctx *ctx = s->ctx;
	struct sluice_batch *b = ctx->tx.batch;
	int ret;

	end_sources(b, &ctx->tx.dir, used, s->type);
	ret = reserve_source(s, len);
	if (!ret)
		ret = seal(ctx, s->type, len, 0, b->src);
	if (!ret)
		s->sent += len;
	return ret;
}

/* From the page cache, without a copy in between. */
static int seal_pages(struct send *s, unsigned int want)
{
	struct sluice_batch *b = s->ctx->tx.batch;
	struct iov_iter *from = &s->msg->msg_iter;
	unsigned int used = 1;
	ssize_t len;
	int ret;

	sg_init_table(b->src, ARRAY_SIZE(b->src));
	len = add_sources(b, from, want, &used);
	if (len < 0)
		return len;
	ret = seal_sources(s, used, len);
	if (ret)
		iov_iter_revert(from, len);
	return ret;
}

/* From the program's own pages, which the window reaches. */
static int seal_pinned(struct send *s, unsigned int len)
{
	struct sluice_batch *b = s->ctx->tx.batch;
	int ret;

	sg_init_table(b->src, ARRAY_SIZE(b->src));
	ret = seal_sources(s, 1 + sluice_window_sg(s->window, b->src + 1, len), len);
	if (!ret)
		sluice_window_take(s->window, len);
	return ret;
}

/* Bytes that do not fill a record of @full, with more to come: keep them plain, seal later. */
static int collect(struct send *s, unsigned int full, bool more)
{
	struct sluice_tx *tx = &s->ctx->tx;
	unsigned int room = full > tx->open_len ? full - tx->open_len : 0;
	size_t len = min_t(size_t, msg_data_left(s->msg), room);
	int ret;

	ret = open_create(s->ctx);
	if (ret)
		return ret;
	if (len && !copy_from_iter_full(tx->open + tx->open_len, len, &s->msg->msg_iter))
		return -EFAULT;
	tx->open_len += len;
	s->sent += len;

	if (tx->open_len < full && (more || msg_data_left(s->msg)))
		return 0;
	ret = seal_open(s->ctx);
	if (ret) {
		/* Not taken after all: nobody would come back to seal it. */
		iov_iter_revert(&s->msg->msg_iter, len);
		tx->open_len -= len;
		s->sent -= len;
	}
	return ret;
}

/* May content be encrypted from where it lies? Padding has no entry in a source list. What
 * is written there meanwhile is sent or is not; but where a cipher looks twice, the tag
 * would not fit.
 */
static bool may_direct(const struct sluice_ctx *ctx, unsigned int len)
{
	return len >= DIRECT_MIN && !sluice_sizing_pads(ctx) &&
	       !ctx->tx.dir.key->cipher->reads_twice;
}

/* One record, or a part of one. */
static int send_record(struct send *s)
{
	struct sluice_tx *tx = &s->ctx->tx;
	const struct msghdr *msg = s->msg;
	bool more = msg->msg_flags & MSG_MORE;
	unsigned int full = sluice_sizing_payload(s->ctx);
	size_t left = data_left(s);
	unsigned int len = min_t(size_t, left, full);
	bool keep = tx->open_len || (more && left < full);
	bool direct = !keep && may_direct(s->ctx, len);

	if (direct && s->pin && sluice_window_reach(s->window, len, left))
		return seal_pinned(s, len);
	/* The iterator stands behind the window until then. */
	sluice_window_close(s->window);
	if (tx->open_len && s->type != SLUICE_DATA)
		return seal_open(s->ctx);
	if (keep)
		return collect(s, full, more);
	if (direct && (msg->msg_flags & MSG_SPLICE_PAGES) && !user_backed_iter(&msg->msg_iter))
		return seal_pages(s, len);
	return seal_copy(s, len);
}

/* Bytes that the send buffer takes, by its own size and by TCP_NOTSENT_LOWAT. */
static s64 send_room(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 unsent = READ_ONCE(tp->write_seq) - READ_ONCE(tp->snd_nxt);
	s64 room = (s64)READ_ONCE(sk->sk_sndbuf) - READ_ONCE(sk->sk_wmem_queued);

	return min(room, (s64)tcp_notsent_lowat(tp) - unsent);
}

/* May one more record be sealed? @ahead bytes of the batch are not TCP's yet. A record
 * may over-commit the buffer, so that a small one still takes full records; but memory is
 * there for it before it is sealed, so that TCP takes it whole.
 */
static bool admits(struct sluice_ctx *ctx)
{
	unsigned int ahead = ctx->tx.batch->bytes;
	unsigned int len = wire_len(&ctx->tx.dir, ctx->tx.max_payload);

	return send_room(ctx->sk) > ahead &&
	       sk_wmem_schedule(ctx->sk, ahead + len + SKB_SLACK * (ctx->tx.batch->records + 1));
}

static bool anything_left(const struct send *s)
{
	return data_left(s) || (s->type != SLUICE_DATA && s->ctx->tx.open_len);
}

static int fill_batch(struct send *s)
{
	struct sluice_ctx *ctx = s->ctx;
	int ret;

	do {
		ret = send_record(s);
	} while (!ret && anything_left(s) && !sluice_batch_full(ctx->tx.batch) &&
		 !sluice_managed_key_due(ctx) && admits(ctx));
	return ret;
}

/* Bytes that TCP holds back for MSG_MORE or TCP_CORK never make room by themselves:
 * before a wait they must go. tcp_push() is out of reach, but the work that TCP leaves
 * for the release of the lock does the same.
 */
static void uncork(struct sock *sk)
{
	if (!tcp_send_head(sk))
		return;
	tcp_sk(sk)->nonagle |= TCP_NAGLE_PUSH;
	if (!test_and_set_bit(TCP_TSQ_DEFERRED, &sk->sk_tsq_flags))
		sock_hold(sk);	/* put in tcp_release_cb() */
}

static int make_batch(struct sluice_ctx *ctx)
{
	if (!ctx->tx.batch)
		ctx->tx.batch = sluice_batch_create(ctx->sk->sk_allocation | __GFP_ACCOUNT);
	return ctx->tx.batch ? 0 : -ENOMEM;
}

/* A socket that has nothing to send holds nothing to send it with. */
static void idle(struct sluice_ctx *ctx)
{
	if (has_tail(&ctx->tx))
		return;
	sluice_batch_free(ctx->tx.batch);
	ctx->tx.batch = NULL;
}

/* Is the socket fit to seal a record of @type? Does not look at room. */
static int check(struct sluice_ctx *ctx, u8 type)
{
	struct sluice_tx *tx = &ctx->tx;
	int ret = -READ_ONCE(ctx->sk->sk_err);

	/* The in-tree module says it without taking it away. */
	if (ret && !sluice_ctx_managed(ctx))
		return ret;
	if (tx->closed || sluice_batch_dead(ctx->sk))
		return tx->expired ? -EKEYEXPIRED : -EPIPE;
	if (!tx->dir.key)
		return -ENOTCONN;
	ret = make_batch(ctx);
	if (ret)
		return ret;
	return type == SLUICE_DATA ? sluice_managed_before_data(ctx) : 0;
}

/* Wait until a record may be sealed. The lock is released meanwhile, so all that was
 * known before is looked at again.
 */
static int wait_ready(struct send *s)
{
	struct sluice_ctx *ctx = s->ctx;
	int ret;

	for (;;) {
		ret = check(ctx, s->type);
		if (ret)
			return ret;
		push(ctx, 0);
		if (!has_tail(&ctx->tx) && sk_stream_memory_free(ctx->sk) && admits(ctx))
			return 0;
		sluice_window_close(s->window);
		uncork(ctx->sk);
		ret = sk_stream_wait_memory(ctx->sk, &s->timeo);
		if (ret)
			return ret;
	}
}

static int send_all(struct send *s)
{
	int flags = s->msg->msg_flags & (MSG_MORE | MSG_EOR);
	int ret = 0;

	while (!ret && anything_left(s)) {
		ret = wait_ready(s);
		if (ret)
			break;
		ret = fill_batch(s);
		if (anything_left(s))
			push_ahead(s->ctx);
		else
			push(s->ctx, flags);
	}
	sluice_window_close(s->window);
	/* An idle socket keeps no buffer. */
	if (!s->ctx->tx.open_len)
		open_free(s->ctx);
	return ret;
}

/* TLS_SET_RECORD_TYPE, as in kTLS: raw mode only, and not on a record left open. */
static int parse_cmsg(struct send *s)
{
	struct msghdr *msg = s->msg;
	struct cmsghdr *cmsg;

	for_each_cmsghdr(cmsg, msg) {
		if (!CMSG_OK(msg, cmsg))
			return -EINVAL;
		if (cmsg->cmsg_level != SOL_TLS)
			continue;
		if (cmsg->cmsg_type != TLS_SET_RECORD_TYPE ||
		    cmsg->cmsg_len < CMSG_LEN(sizeof(u8)) ||
		    (msg->msg_flags & MSG_MORE) || sluice_ctx_managed(s->ctx))
			return -EINVAL;
		s->type = *(u8 *)CMSG_DATA(cmsg);
	}
	return 0;
}

static int check_flags(int flags)
{
	if (flags & ~FLAGS_KNOWN)
		return -EOPNOTSUPP;
	return (flags & MSG_MORE) && (flags & MSG_EOR) ? -EINVAL : 0;
}

static int sendmsg_locked(struct sluice_ctx *ctx, struct msghdr *msg)
{
	struct sock *sk = ctx->sk;
	struct sluice_window window;
	struct send s = {
		.ctx = ctx,
		.msg = msg,
		.type = SLUICE_DATA,
		.timeo = sock_sndtimeo(sk, msg->msg_flags & MSG_DONTWAIT),
		.window = &window,
		.pin = user_backed_iter(&msg->msg_iter) && msg_data_left(msg) >= PIN_MIN,
	};
	int ret;

	sluice_window_init(&window, &msg->msg_iter);
	ret = check_flags(msg->msg_flags);
	if (!ret)
		ret = sluice_ctx_wait_open(ctx, &s.timeo);
	if (!ret)
		ret = parse_cmsg(&s);
	if (!ret)
		ret = send_all(&s);
	if (s.sent)
		return s.sent;
	return sk_stream_error(sk, msg->msg_flags, ret);
}

int sluice_tx_sendmsg(struct sock *sk, struct msghdr *msg, size_t size)
{
	struct sluice_ctx *ctx;
	int ret;

	lock_sock(sk);
	ctx = sluice_ctx(sk);
	if (ctx->tx.dir.key || sluice_ctx_managed(ctx))
		ret = sendmsg_locked(ctx, msg);
	else
		ret = tcp_sendmsg_locked(sk, msg, size);
	if (!(msg->msg_flags & MSG_MORE))
		idle(ctx);
	release_sock(sk);
	return ret;
}

/* --- without a program's call --- */

int sluice_tx_flush(struct sluice_ctx *ctx)
{
	int ret = 0, pushed;

	sock_owned_by_me(ctx->sk);
	if (ctx->tx.open_len) {
		ret = check(ctx, SLUICE_DATA);
		if (!ret)
			ret = seal_open(ctx);
		if (!ctx->tx.open_len)
			open_free(ctx);
	}
	pushed = push(ctx, 0);
	return ret ?: pushed;
}

bool sluice_tx_left(const struct sluice_ctx *ctx)
{
	sock_owned_by_me(ctx->sk);
	return ctx->tx.open_len || has_tail(&ctx->tx);
}

void sluice_tx_splice_eof(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct sluice_ctx *ctx;
	bool plain;

	lock_sock(sk);
	ctx = sluice_ctx(sk);
	plain = !ctx->tx.dir.key;
	if (!plain)
		sluice_tx_flush(ctx);
	idle(ctx);
	release_sock(sk);

	if (plain && ctx->base_prot->splice_eof)
		ctx->base_prot->splice_eof(sock);
}

int sluice_tx_control(struct sluice_ctx *ctx, u8 type, const void *data, size_t len)
{
	int ret;

	sock_owned_by_me(ctx->sk);
	/* An alert must not seem to follow bytes that never went out. */
	if (type == SLUICE_ALERT) {
		ret = sluice_tx_flush(ctx);
		if (ctx->tx.open_len)
			return ret;
	}
	ret = check(ctx, type);
	if (ret)
		return ret;
	ret = seal_bytes(ctx, type, data, len);
	push(ctx, 0);
	return ret;
}
