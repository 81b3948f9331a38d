// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receiving. A reader takes what is held, then opens whole records; when there
 * are none, it gives the batch back to TCP, looks again, and only then waits.
 * poll, FIONREAD and close take the same steps without waiting.
 */
#include <linux/errqueue.h>
#include <linux/pipe_fs_i.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <net/inet_common.h>
#include <net/tcp.h>
#include <uapi/linux/tls.h>

#include "ctx.h"
#include "handshake.h"
#include "open.h"
#include "window.h"

/* Shorter reads copy: pinning costs more than it saves. */
#define DIRECT_READ_MIN		SLUICE_PLAINTEXT_MAX
/* So do shorter records. */
#define DIRECT_RECORD_MIN	2048

/**
 * struct rx_read - one call that reads
 * @ctx:	locked, but while waiting
 * @msg:	where to, or NULL for
 * @pipe:	where to, likewise, or NULL for
 * @actor:	a part of the kernel that takes buffers, with
 * @desc:	its state
 * @len:	bytes wanted
 * @target:	bytes to wait for
 * @copied:	bytes given
 * @timeo:	jiffies left to wait
 * @peek:	leave all there
 * @direct:	long enough for the window
 * @typed:	@type says what this call returns; no other type is mixed in
 * @stop:	nothing more may follow in this call
 * @type:	content type
 * @window:	pinned part of @msg's memory
 */
struct rx_read {
	struct sluice_ctx *ctx;
	struct msghdr *msg;
	struct pipe_inode_info *pipe;
	sk_read_actor_t actor;
	read_descriptor_t *desc;
	size_t len;
	size_t target;
	size_t copied;
	long timeo;
	bool peek;
	bool direct;
	bool typed;
	bool stop;
	u8 type;
	struct sluice_window window;
};

int sluice_rx_init(struct sluice_ctx *ctx)
{
	ctx->rx.max_payload = SLUICE_PLAINTEXT_MAX;
	INIT_LIST_HEAD(&ctx->rx.held);
	sluice_cursor_init(&ctx->rx.cursor);
	return 0;
}

void sluice_rx_free(struct sluice_ctx *ctx)
{
	struct sluice_rx *rx = &ctx->rx;
	struct sluice_plain *plain, *next;

	if (rx->spare)
		list_add(&rx->spare->node, &rx->held);
	rx->spare = NULL;
	list_for_each_entry_safe(plain, next, &rx->held, node) {
		list_del(&plain->node);
		sluice_buf_wipe(&plain->buf);
		sluice_buf_trim(&plain->buf, 0);
		kfree(plain);
	}
	rx->held_bytes = 0;
	sluice_buf_trim(&rx->scratch, 0);
	sluice_cursor_free(&rx->cursor);
	sluice_dir_wipe(&rx->dir);
}

/* --- records, one by one --- */

static void held_add(struct sluice_rx *rx, struct sluice_plain *plain)
{
	list_add_tail(&plain->node, &rx->held);
	rx->held_bytes += plain->len;
}

static void held_drop(struct sluice_ctx *ctx, struct sluice_plain *plain)
{
	list_del(&plain->node);
	ctx->rx.held_bytes -= plain->len;
	sluice_plain_free(ctx, plain);
}

/* @plain has @len bytes less to read, and goes when it has none. */
static void held_consume(struct sluice_ctx *ctx, struct sluice_plain *plain, u32 len)
{
	plain->off += len;
	plain->len -= len;
	ctx->rx.held_bytes -= len;
	if (!plain->len)
		held_drop(ctx, plain);
}

/* Managed mode: let the kernel's side of the protocol see what is not data. */
static int feed(struct sluice_ctx *ctx, const struct sluice_plain *plain)
{
	u32 done = 0;
	int ret;

	do {
		size_t room = 0;
		const u8 *data = NULL;
		u32 part = 0;

		if (plain->len) {
			data = sluice_buf_at(&plain->buf, done, &room);
			part = min_t(size_t, room, plain->len - done);
		}
		done += part;
		ret = sluice_managed_record(ctx, plain->type, data, part, plain->len - done);
	} while (!ret && done < plain->len);
	return ret;
}

/*
 * Raw mode: the program answers a KeyUpdate with new keys (RFC 8446 4.6.3), and until then
 * reading pauses. It may come in pieces, and behind other messages; it should end its
 * record (5.1), but for one that does not the keys change as well.
 */
static void note_keyupdate(struct sluice_ctx *ctx, const struct sluice_plain *plain)
{
	bool due = false;
	u32 done = 0;

	if (ctx->rx.dir.key->version != TLS_1_3_VERSION)
		return;
	/* Nothing may come between the pieces of a message (5.1). */
	if (plain->type != SLUICE_HANDSHAKE_MSG)
		ctx->hsmsg.have = 0;
	while (plain->type == SLUICE_HANDSHAKE_MSG && done < plain->len) {
		size_t room;
		const u8 *data = sluice_buf_at(&plain->buf, plain->off + done, &room);
		u32 part = min_t(size_t, room, plain->len - done);

		due |= sluice_hsmsg_keyupdate(&ctx->hsmsg, data, part);
		done += part;
	}
	if (!due)
		return;
	WRITE_ONCE(ctx->rx.rekey_due, true);
	sluice_stat_inc(sluice_net(ctx), SLUICE_STAT_RX_REKEYS_DUE);
}

/* What an opened record is good for. 1: go on; -errno: the direction is dead. */
static int rx_opened(struct sluice_ctx *ctx, struct sluice_plain *plain)
{
	bool data = plain->type == SLUICE_DATA;
	bool keep = plain->len;
	int ret = 0;

	if (!sluice_ctx_managed(ctx)) {
		note_keyupdate(ctx, plain);
		/* An empty record is nothing to read, but its type may be news. */
		keep = plain->len || !data;
	} else if (data) {
		ret = sluice_managed_data(ctx, plain->len);
	} else {
		keep = false;
		ret = feed(ctx, plain);
	}

	if (keep && !ret)
		held_add(&ctx->rx, plain);
	else
		sluice_plain_free(ctx, plain);
	return ret ?: 1;
}

static bool may_direct(const struct rx_read *r, const struct sluice_head *head)
{
	const struct sluice_rx *rx = &r->ctx->rx;

	return r->direct && !rx->padded && list_empty(&rx->held) &&
	       !(sluice_ctx_managed(r->ctx) && sluice_managed_midway(r->ctx)) &&
	       head->rec.type == SLUICE_DATA && head->room >= DIRECT_RECORD_MIN &&
	       head->room <= r->len - r->copied;
}

static int reader_type(struct rx_read *r, u8 type);

/* Open the record at the head into the reader's memory. As rx_step(); 0: cannot be. */
static int step_direct(struct rx_read *r, const struct sluice_head *head)
{
	int ret;

	if (!may_direct(r, head))
		return 0;
	if (!sluice_window_reach(&r->window, head->room, r->len - r->copied))
		return 0;
	ret = sluice_open_direct(r->ctx, head, &r->window);
	if (ret <= 0)
		return ret;

	if (sluice_ctx_managed(r->ctx)) {
		sluice_managed_data(r->ctx, head->room);
	} else {
		r->msg->msg_flags |= MSG_EOR;
		/* As in note_keyupdate(). */
		r->ctx->hsmsg.have = 0;
	}
	reader_type(r, SLUICE_DATA);
	r->copied += head->room;
	return 1;
}

/* May what follows in the stream be opened? */
static bool may_open(const struct sluice_rx *rx)
{
	return !READ_ONCE(rx->error) && !READ_ONCE(rx->eof) && !READ_ONCE(rx->rekey_due);
}

/*
 * Open one record. @r: who reads, or NULL. Return: 1: something has changed; 0:
 * no whole record is there, or none may be opened; -errno: the direction has just
 * died, or there is no memory.
 */
static int rx_step(struct sluice_ctx *ctx, struct rx_read *r)
{
	struct sluice_plain *plain;
	struct sluice_head head;
	bool nothing;
	int ret;

	if (!may_open(&ctx->rx))
		return 0;
	ret = sluice_open_head(ctx, &head);
	if (ret <= 0)
		return ret;
	if (r) {
		ret = step_direct(r, &head);
		if (ret)
			return ret;
	}

	plain = sluice_open_held(ctx, &head);
	if (IS_ERR(plain))
		return PTR_ERR(plain);
	nothing = !plain->len && plain->type == SLUICE_DATA;
	ret = rx_opened(ctx, plain);
	/* As in the in-tree module, no data is data: another type waits for the next call. To
	 * a pipe or an actor, which know no types, that would be the end of the stream.
	 */
	if (ret > 0 && nothing && r && r->msg && !sluice_ctx_managed(ctx))
		reader_type(r, SLUICE_DATA);
	return ret;
}

/*
 * Give back what was opened, and see that an incomplete record can grow.
 * Return: 1: look again; 0: nothing new; -ENOMEM.
 */
static int rx_settle(struct sluice_ctx *ctx)
{
	struct sluice_cursor *c = &ctx->rx.cursor;
	int ret;

	sluice_cursor_give_back(ctx->sk, c);
	if (ctx->rx.error || ctx->rx.eof || !sluice_cursor_stuck(ctx->sk, c))
		return 0;
	ret = sluice_cursor_stash(ctx->sk, c);
	return ret > 0 ? 1 : ret;
}

/* --- ends --- */

/*
 * Managed: told here, it need not be told by SO_ERROR again. Raw, as in the in-tree module:
 * the bad record stays at the head, and each look at it fails writes, too.
 */
static int tell_error(struct sluice_ctx *ctx)
{
	if (sluice_ctx_managed(ctx))
		sock_error(ctx->sk);
	else
		WRITE_ONCE(ctx->sk->sk_err, -ctx->rx.error);
	return ctx->rx.error;
}

/*
 * Told once; then it is as if nothing came any more. But nobody waits for that, and no FIN
 * makes a good end of it.
 */
static int tell_misframed(const struct rx_read *r)
{
	struct sock *sk = r->ctx->sk;
	int ret = sock_error(sk);

	if (ret)
		return ret;
	return r->timeo || sk->sk_shutdown & RCV_SHUTDOWN ? r->ctx->rx.error : -EAGAIN;
}

/* TCP's own error. A plain EOF must not follow where nobody said goodbye. */
static int tell_sk_err(struct sluice_ctx *ctx)
{
	int ret = sock_error(ctx->sk);

	if (ret && sluice_ctx_managed(ctx) && ctx->sk->sk_state == TCP_CLOSE && !ctx->rx.error)
		WRITE_ONCE(ctx->rx.error, ret);
	return ret;
}

/* No more bytes will come: what is that to the reader? 0: EOF. */
static int tell_fin(struct sluice_ctx *ctx)
{
	/* Without FIN or reset it was the program that shut its reading side. */
	if (sock_flag(ctx->sk, SOCK_DONE) || ctx->sk->sk_state == TCP_CLOSE)
		sluice_managed_fin(ctx);
	return ctx->rx.error ? tell_error(ctx) : 0;
}

/* Nothing was read. 1: wait for more; else what to return. */
static int rx_end(const struct rx_read *r)
{
	struct sluice_ctx *ctx = r->ctx;
	struct sock *sk = ctx->sk;
	int ret;

	if (ctx->rx.rekey_due)
		return -EKEYEXPIRED;
	if (ctx->rx.misframed)
		return tell_misframed(r);
	if (ctx->rx.error)
		return tell_error(ctx);
	if (ctx->rx.eof)
		return 0;
	ret = tell_sk_err(ctx);
	if (ret)
		return ret;
	if (sk->sk_shutdown & RCV_SHUTDOWN || sock_flag(sk, SOCK_DONE))
		return tell_fin(ctx);
	return 1;
}

/* Has a read that finds nothing a reason to end? @misframed: it shows by sk_err. */
static bool rx_ended(const struct sluice_ctx *ctx)
{
	const struct sluice_rx *rx = &ctx->rx;
	const struct sock *sk = ctx->sk;

	return (READ_ONCE(rx->error) && !READ_ONCE(rx->misframed)) || READ_ONCE(rx->eof) ||
	       READ_ONCE(sk->sk_err) || READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN ||
	       sock_flag(sk, SOCK_DONE);
}

/* --- waiting --- */

/*
 * Wait for TCP to grow. Not sk_wait_data(): it wants a new buffer at the tail,
 * but TCP merges new bytes into the one that is there. Releases the lock.
 */
static int rx_wait(struct rx_read *r)
{
	struct sluice_ctx *ctx = r->ctx;
	struct sock *sk = ctx->sk;
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	u32 held = ctx->rx.held_bytes;
	u32 seen = tcp_sk(sk)->rcv_nxt;
	int ret;

	sluice_open_idle(ctx);
	add_wait_queue(sk_sleep(sk), &wait);
	sk_set_bit(SOCKWQ_ASYNC_WAITDATA, sk);
	ret = sk_wait_event(sk, &r->timeo,
			    READ_ONCE(tcp_sk(sk)->rcv_nxt) != seen || rx_ended(ctx) ||
			    !may_open(&ctx->rx) || READ_ONCE(ctx->rx.held_bytes) != held,
			    &wait);
	sk_clear_bit(SOCKWQ_ASYNC_WAITDATA, sk);
	remove_wait_queue(sk_sleep(sk), &wait);
	return ret < 0 ? ret : 0;
}

/* A peek keeps what it opens; not more of it than TCP would keep. */
static bool peek_full(const struct rx_read *r)
{
	return r->peek && r->ctx->rx.held_bytes >= READ_ONCE(r->ctx->sk->sk_rcvbuf);
}

/*
 * No whole record is left. Return: 1: look again; else what to return when
 * nothing was read.
 */
static int rx_more(struct rx_read *r)
{
	struct sluice_ctx *ctx = r->ctx;
	int ret;

	sluice_window_close(&r->window);
	ret = rx_settle(ctx);
	if (ret)
		return ret;
	/* More may have come while pages were pinned and records opened. */
	if (sk_flush_backlog(ctx->sk) && !signal_pending(current))
		return 1;
	if (r->copied >= r->target)
		return 0;

	if (r->copied && (rx_ended(ctx) || !may_open(&ctx->rx)))
		return 0;
	if (!r->copied) {
		ret = rx_end(r);
		if (ret <= 0)
			return ret;
	}
	if (!r->timeo)
		return -EAGAIN;
	ret = rx_wait(r);
	if (!ret && signal_pending(current))
		ret = sock_intr_errno(r->timeo);
	return ret ?: 1;
}

/* --- to the reader --- */

/*
 * May a record of @type be part of this call? 1: yes; 0: it must wait for the
 * next; -EIO as kTLS: not without room to say its type.
 */
static int reader_type(struct rx_read *r, u8 type)
{
	int err;

	if (r->typed)
		return r->type == type;
	if (!r->msg && type != SLUICE_DATA)
		return -EINVAL;
	r->typed = true;
	r->type = type;
	if (!r->msg || sluice_ctx_managed(r->ctx))
		return 1;

	err = put_cmsg(r->msg, SOL_TLS, TLS_GET_RECORD_TYPE, sizeof(type), &type);
	if (type != SLUICE_DATA && (err || r->msg->msg_flags & MSG_CTRUNC))
		return -EIO;
	return 1;
}

/* Copy from @plain, @skip behind its start. -EFAULT: nothing could be copied. */
static int give_msg(struct rx_read *r, struct sluice_plain *plain, u32 skip)
{
	u32 len = min_t(size_t, plain->len - skip, r->len - r->copied);
	size_t got;

	got = sluice_plain_read(plain, skip, len, &r->msg->msg_iter);
	if (got < len) {
		r->stop = true;
		if (!got)
			return -EFAULT;
	}
	r->copied += got;
	if (r->type != SLUICE_DATA)
		r->stop = true;
	if (!sluice_ctx_managed(r->ctx) && got == plain->len - skip)
		r->msg->msg_flags |= MSG_EOR;
	if (!r->peek)
		held_consume(r->ctx, plain, got);
	return 0;
}

/* Hand the page of @plain's next bytes to the pipe; it keeps them until it is read. */
static int give_pipe(struct rx_read *r, struct sluice_plain *plain)
{
	size_t room;
	void *at = sluice_buf_at(&plain->buf, plain->off, &room);
	struct pipe_buffer buf = {
		.page = virt_to_page(at),
		.offset = offset_in_page(at),
		.len = min3(room, (size_t)plain->len, r->len - r->copied),
		.ops = &nosteal_pipe_buf_ops,
	};
	ssize_t got;

	get_page(buf.page);
	got = add_to_pipe(r->pipe, &buf);
	if (got < 0) {
		r->stop = true;
		return got;
	}
	r->copied += got;
	held_consume(r->ctx, plain, got);
	return 0;
}

/* The pages of @plain as a buffer: it keeps them, and nobody writes to them any more. */
static struct sk_buff *plain_skb(const struct sluice_plain *plain)
{
	struct sk_buff *skb = alloc_skb(0, GFP_KERNEL);
	u32 done = 0;

	BUILD_BUG_ON(SLUICE_BUF_PAGES > MAX_SKB_FRAGS);
	while (skb && done < plain->len) {
		size_t room;
		void *at = sluice_buf_at(&plain->buf, plain->off + done, &room);
		u32 part = min_t(size_t, room, plain->len - done);

		get_page(virt_to_page(at));
		skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, virt_to_page(at),
				offset_in_page(at), part, PAGE_SIZE);
		done += part;
	}
	return skb;
}

static int give_actor(struct rx_read *r, struct sluice_plain *plain)
{
	struct sk_buff *skb = plain_skb(plain);
	int used;

	if (!skb)
		return -ENOMEM;
	used = r->actor(r->desc, skb, 0, plain->len);
	consume_skb(skb);
	r->stop = used <= 0 || !r->desc->count;
	if (used <= 0)
		return used;
	r->copied += used;
	held_consume(r->ctx, plain, used);
	return 0;
}

/* Give what is held. A peek begins at the first record each time, @copied behind it. */
static int rx_give_msg(struct rx_read *r)
{
	struct sluice_plain *plain, *next;
	size_t skip = r->peek ? r->copied : 0;
	int ret;

	/* The iterator stands behind the window until then. */
	if (!list_empty(&r->ctx->rx.held))
		sluice_window_close(&r->window);
	list_for_each_entry_safe(plain, next, &r->ctx->rx.held, node) {
		if (skip && skip >= plain->len) {
			skip -= plain->len;
			continue;
		}
		ret = reader_type(r, plain->type);
		if (ret > 0)
			ret = give_msg(r, plain, skip);
		else
			r->stop = true;
		if (ret || r->stop || r->copied == r->len)
			return ret;
		skip = 0;
	}
	return 0;
}

/* To a pipe or an actor. */
static int rx_give_pages(struct rx_read *r)
{
	struct list_head *held = &r->ctx->rx.held;
	int ret;

	while (!list_empty(held) && r->copied < r->len) {
		struct sluice_plain *plain = list_first_entry(held, struct sluice_plain, node);

		ret = reader_type(r, plain->type);
		if (ret > 0)
			ret = r->pipe ? give_pipe(r, plain) : give_actor(r, plain);
		else
			r->stop = true;
		if (ret || r->stop)
			return ret;
	}
	/* Open no record that the pipe could not begin with. */
	if (r->pipe && pipe_full(r->pipe->head, r->pipe->tail, r->pipe->max_usage)) {
		r->stop = true;
		return -EAGAIN;
	}
	return 0;
}

static ssize_t rx_loop(struct rx_read *r)
{
	struct sluice_ctx *ctx = r->ctx;
	int ret;

	do {
		ret = r->msg ? rx_give_msg(r) : rx_give_pages(r);
		if (ret || r->stop || r->copied == r->len || peek_full(r))
			break;
		ret = rx_step(ctx, r);
		if (ret < 0 && !ctx->rx.error)
			break;
		if (ret <= 0)
			ret = rx_more(r);
	} while (ret > 0);

	sluice_window_close(&r->window);
	sluice_cursor_give_back(ctx->sk, &ctx->rx.cursor);
	sluice_open_idle(ctx);
	return r->copied ?: ret;
}

/* --- struct proto, struct proto_ops --- */

/* SO_RCVLOWAT is ours: TCP's own would count ciphertext. */
static size_t recv_target(const struct sluice_ctx *ctx, size_t len, int flags)
{
	size_t lowat = flags & MSG_WAITALL ? len : READ_ONCE(ctx->rcvlowat);

	return min(lowat, len);
}

static ssize_t recv_locked(struct sluice_ctx *ctx, struct msghdr *msg, size_t len, int flags,
			   long timeo)
{
	struct rx_read r = {
		.ctx = ctx,
		.msg = msg,
		.len = len,
		.target = recv_target(ctx, len, flags),
		.timeo = timeo,
		.peek = flags & MSG_PEEK,
	};

	r.direct = !r.peek && len >= DIRECT_READ_MIN && user_backed_iter(&msg->msg_iter);
	sluice_window_init(&r.window, &msg->msg_iter);
	return len ? rx_loop(&r) : 0;
}

int sluice_rx_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags)
{
	struct sluice_ctx *ctx = sluice_ctx(sk);
	long timeo = sock_rcvtimeo(sk, flags & MSG_DONTWAIT);
	int ret;

	if (unlikely(flags & MSG_ERRQUEUE))
		return inet_recv_error(sk, msg, len);

	lock_sock(sk);
	ret = sluice_ctx_wait_open(ctx, &timeo);
	if (!ret && !ctx->rx.dir.key) {
		release_sock(sk);
		return compat_recvmsg(ctx->base_prot, sk, msg, len, flags);
	}
	if (!ret)
		ret = flags & MSG_OOB ? -EOPNOTSUPP : recv_locked(ctx, msg, len, flags, timeo);
	release_sock(sk);
	return ret;
}

static ssize_t splice_locked(struct sluice_ctx *ctx, struct pipe_inode_info *pipe, size_t len,
			     long timeo)
{
	struct rx_read r = {
		.ctx = ctx,
		.pipe = pipe,
		.len = len,
		.target = 1,
		.timeo = timeo,
	};

	sluice_window_init(&r.window, NULL);
	return len ? rx_loop(&r) : 0;
}

ssize_t sluice_rx_splice_read(struct socket *sock, loff_t *ppos, struct pipe_inode_info *pipe,
			      size_t len, unsigned int flags)
{
	struct sock *sk = sock->sk;
	struct sluice_ctx *ctx = sluice_ctx(sk);
	bool nonblock = flags & SPLICE_F_NONBLOCK ||
			(sock->file && sock->file->f_flags & O_NONBLOCK);
	long timeo = sock_rcvtimeo(sk, nonblock);
	ssize_t ret;

	lock_sock(sk);
	ret = sluice_ctx_wait_open(ctx, &timeo);
	if (!ret && !ctx->rx.dir.key) {
		release_sock(sk);
		return ctx->base_ops->splice_read(sock, ppos, pipe, len, flags);
	}
	if (!ret)
		ret = splice_locked(ctx, pipe, len, timeo);
	release_sock(sk);
	return ret;
}

static int read_sock_locked(struct sluice_ctx *ctx, read_descriptor_t *desc,
			    sk_read_actor_t actor)
{
	struct rx_read r = {
		.ctx = ctx,
		.actor = actor,
		.desc = desc,
		.len = INT_MAX,
		.target = 1,
	};

	sluice_window_init(&r.window, NULL);
	return rx_loop(&r);
}

int sluice_rx_read_sock(struct sock *sk, read_descriptor_t *desc, sk_read_actor_t actor)
{
	struct sluice_ctx *ctx = sluice_ctx(sk);
	unsigned int noio;
	long timeo = 0;
	int ret;

	if (!sluice_ctx_managed(ctx) && !READ_ONCE(ctx->rx.dir.key))
		return ctx->base_ops->read_sock(sk, desc, actor);
	/* Opening sleeps: a caller in softirq has the socket, but does not own it. */
	if (!sock_owned_by_user_nocheck(sk))
		return -EOPNOTSUPP;
	ret = sluice_ctx_wait_open(ctx, &timeo);
	if (ret)
		return ret;
	/* A block device may be behind this: no reclaim that waits for it. */
	noio = memalloc_noio_save();
	ret = read_sock_locked(ctx, desc, actor);
	memalloc_noio_restore(noio);
	return ret;
}

/* --- without reading --- */

/* Open up to the first record that a reader would get, or see that none comes. */
static bool look(struct sluice_ctx *ctx)
{
	struct sluice_rx *rx = &ctx->rx;
	int ret;

	do {
		if (!list_empty(&rx->held))
			return true;
		ret = rx_step(ctx, NULL);
		if (!ret)
			ret = rx_settle(ctx);
	} while (ret > 0);

	/* Short of memory: the read will say so. */
	return ret < 0 || rx_ended(ctx);
}

static bool look_locked(struct sluice_ctx *ctx)
{
	bool ret;

	if (!ctx->rx.dir.key)
		return sluice_rx_maybe_readable(ctx);
	ret = look(ctx);
	sluice_cursor_give_back(ctx->sk, &ctx->rx.cursor);
	sluice_open_idle(ctx);
	return ret;
}

bool sluice_rx_readable(struct sluice_ctx *ctx)
{
	bool ret;

	lock_sock(ctx->sk);
	ret = look_locked(ctx);
	release_sock(ctx->sk);
	return ret;
}

bool sluice_rx_maybe_readable(const struct sluice_ctx *ctx)
{
	const struct sluice_rx *rx = &ctx->rx;

	if (!list_empty(&rx->held) || rx_ended(ctx))
		return true;
	return may_open(rx) &&
	       (sluice_cursor_avail(ctx->sk, &rx->cursor) >= READ_ONCE(rx->cursor.need) ||
		sluice_cursor_stuck(ctx->sk, &rx->cursor));
}

void sluice_rx_rekeyed(struct sluice_ctx *ctx)
{
	sock_owned_by_me(ctx->sk);
	WRITE_ONCE(ctx->rx.rekey_due, false);
	/* No message spans a change of keys (RFC 8446 5.1). */
	ctx->hsmsg.have = 0;
	/* What came in before the keys may be a record already. */
	if (sluice_rx_maybe_readable(ctx))
		ctx->base_data_ready(ctx->sk);
}

int sluice_rx_inq(struct sluice_ctx *ctx)
{
	struct sluice_plain *plain;
	int n = 0;

	lock_sock(ctx->sk);
	look_locked(ctx);
	list_for_each_entry(plain, &ctx->rx.held, node) {
		if (plain->type != SLUICE_DATA)
			break;
		n += plain->len;
	}
	release_sock(ctx->sk);
	return n;
}

/* Consume the control record at the head. Whether there was one. */
static bool drain_one(struct sluice_ctx *ctx)
{
	struct sluice_rx *rx = &ctx->rx;
	struct sluice_plain *plain;
	struct sluice_head head;

	if (rx->error || rx->eof || !list_empty(&rx->held) || sluice_open_head(ctx, &head) <= 0)
		return false;
	/* TLS 1.2 shows it; in TLS 1.3 all look like data from outside. */
	if (head.rec.type == SLUICE_DATA && rx->dir.key->version == TLS_1_2_VERSION)
		return false;
	plain = sluice_open_held(ctx, &head);
	if (IS_ERR(plain) || rx_opened(ctx, plain) < 0)
		return false;

	/* Data must stay unread in TCP's eyes: it resets the connection then. */
	if (!list_empty(&rx->held) && plain->type == SLUICE_DATA)
		return false;
	if (!list_empty(&rx->held))
		held_drop(ctx, plain);
	sluice_cursor_give_back(ctx->sk, &rx->cursor);
	return true;
}

void sluice_rx_drain_control(struct sluice_ctx *ctx)
{
	sock_owned_by_me(ctx->sk);
	if (!ctx->rx.dir.key)
		return;
	while (drain_one(ctx))
		;
	sluice_open_idle(ctx);
}
