// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening records. The ciphertext stays in TCP's queue until the cursor is
 * given back, so a record can be opened twice: tried in the reader's memory
 * first, and aside when it proves to be something else than application data.
 */
#include <linux/slab.h>
#include <linux/uio.h>
#include <net/sock.h>
#include <net/tls_prot.h>
#include <uapi/linux/tls.h>

#include "ctx.h"
#include "open.h"
#include "window.h"

/* After a padded record, records opened aside before the next direct try. */
#define PADDED_PAUSE	32

/* Of the record at work: AAD, then ciphertext; AAD, then where its content goes. What is
 * used is filled in first: no kernel need zero all of it for each record.
 */
struct lists {
	struct scatterlist src[1 + SLUICE_RX_PIECES(SLUICE_RECORD_MAX)];
	/* The pages of a record that begins within one, what follows the content. */
	struct scatterlist dst[1 + SLUICE_BUF_PAGES + 1 + 1];
};

static bool is_tls13(const struct sluice_rx *rx)
{
	return rx->dir.key->version == TLS_1_3_VERSION;
}

static int refuse(struct sluice_ctx *ctx, enum sluice_stat stat, int error, u8 alert)
{
	sluice_stat_inc(sluice_net(ctx), stat);
	sluice_managed_fail(ctx, error, alert);
	return error;
}

/* What the in-tree module calls it; but a program that knows of no records has given no bad
 * argument, and nobody has tampered with what a seal confirms.
 */
static int broken(const struct sluice_ctx *ctx, int raw)
{
	return sluice_ctx_managed(ctx) ? -EPROTO : raw;
}

/* A header's @error, with the alert that belongs to it (RFC 8446 5.1, 5.2; RFC 5246 7.2.2).
 * In TLS 1.3 what is not sealed comes first, for that is all that is known of it.
 */
static int refuse_head(struct sluice_ctx *ctx, const u8 *hdr, int error)
{
	bool sealed = !is_tls13(&ctx->rx) || hdr[0] == SLUICE_DATA;
	u8 alert = TLS_ALERT_DESC_DECODE_ERROR;

	if (!sluice_ctx_managed(ctx))
		ctx->rx.misframed = true;
	if (!sealed) {
		error = broken(ctx, error);
		alert = TLS_ALERT_DESC_UNEXPECTED_MESSAGE;
	} else if (error == -EMSGSIZE) {
		alert = TLS_ALERT_DESC_RECORD_OVERFLOW;
	} else if (error == -EBADMSG) {
		alert = TLS_ALERT_DESC_BAD_RECORD_MAC;
	} else {
		error = broken(ctx, error);
	}
	return refuse(ctx, SLUICE_STAT_RX_BAD_RECORD, error, alert);
}

int sluice_open_head(struct sluice_ctx *ctx, struct sluice_head *head)
{
	struct sluice_rx *rx = &ctx->rx;
	struct sluice_cursor *c = &rx->cursor;
	const struct sluice_key *key = rx->dir.key;
	u32 avail = sluice_cursor_avail(ctx->sk, c);
	int ret;

	sock_owned_by_me(ctx->sk);
	WRITE_ONCE(c->need, SLUICE_HEADER_LEN);
	if (avail < SLUICE_HEADER_LEN)
		return 0;
	ret = sluice_cursor_copy(ctx->sk, c, 0, head->prefix, SLUICE_HEADER_LEN);
	if (ret)
		return ret;
	ret = sluice_record_parse(key->cipher, key->version, head->prefix, &head->rec);
	if (ret)
		return refuse_head(ctx, head->prefix, ret);
	head->room = head->rec.body - SLUICE_TAG_LEN - (is_tls13(rx) ? 1 : 0);
	if (head->room > rx->max_payload)
		return refuse(ctx, SLUICE_STAT_RX_BAD_RECORD, -EMSGSIZE,
			      TLS_ALERT_DESC_RECORD_OVERFLOW);

	WRITE_ONCE(c->need, head->rec.total);
	if (avail < head->rec.total)
		return 0;
	if (head->rec.prefix == SLUICE_HEADER_LEN)
		return 1;
	ret = sluice_cursor_copy(ctx->sk, c, 0, head->prefix, head->rec.prefix);
	return ret ?: 1;
}

/* Decrypt; what else may go wrong goes wrong before anything is used up. */
static int open_record(struct sluice_ctx *ctx, const struct sluice_head *head,
		       struct scatterlist *src, struct scatterlist *dst)
{
	struct sluice_dir *dir = &ctx->rx.dir;
	const u8 *nonce = head->rec.prefix > SLUICE_HEADER_LEN ?
			  head->prefix + SLUICE_HEADER_LEN : NULL;
	int ret;

	ret = sluice_dir_check(dir);
	if (ret)
		return refuse(ctx, SLUICE_STAT_RX_BAD_RECORD, ret, TLS_ALERT_DESC_INTERNAL_ERROR);
	ret = sluice_key_open(dir->key, head->prefix, nonce, dir->seq, src, dst, head->rec.body);
	if (ret == -EBADMSG)
		return refuse(ctx, SLUICE_STAT_RX_BAD_TAG, ret, TLS_ALERT_DESC_BAD_RECORD_MAC);
	return ret;
}

static void account(struct sluice_ctx *ctx, const struct sluice_head *head, u8 type, u32 len)
{
	struct net *net = sluice_net(ctx);

	sluice_cursor_advance(&ctx->rx.cursor, head->rec.total);
	sluice_dir_advance(&ctx->rx.dir, len, 0, type == SLUICE_DATA);
	sluice_stat_inc(net, SLUICE_STAT_RX_RECORDS);
	if (type == SLUICE_DATA)
		sluice_stat_add(net, SLUICE_STAT_RX_BYTES, len);
	else
		sluice_stat_inc(net, SLUICE_STAT_RX_CONTROL);
}

/*
 * The ciphertext where it lies, or -EMSGSIZE when it lies in too many pieces:
 * with 1448-byte fragments copying it together is a fifth faster.
 */
static int source_queued(struct sluice_ctx *ctx, const struct sluice_head *head, struct lists *l)
{
	struct sluice_rx *rx = &ctx->rx;
	int max = SLUICE_RX_PIECES(head->rec.body);
	int n;

	sg_init_table(l->src, 1 + max);
	n = sluice_cursor_sg(ctx->sk, &rx->cursor, head->rec.prefix, head->rec.body, l->src + 1,
			     max);
	if (n < 0)
		return n;
	sg_mark_end(&l->src[n]);
	return 0;
}

/* The ciphertext, copied together where it must be. */
static int source(struct sluice_ctx *ctx, const struct sluice_head *head, struct lists *l)
{
	struct sluice_rx *rx = &ctx->rx;
	int ret, n;

	ret = source_queued(ctx, head, l);
	if (ret != -EMSGSIZE)
		return ret;
	ret = sluice_buf_reserve(&rx->scratch, head->rec.body);
	if (ret)
		return ret;
	ret = sluice_cursor_copy_buf(ctx->sk, &rx->cursor, head->rec.prefix, &rx->scratch,
				     head->rec.body);
	if (ret)
		return ret;
	sg_init_table(l->src, ARRAY_SIZE(l->src));
	n = sluice_buf_sg(&rx->scratch, l->src + 1, 0, head->rec.body);
	sg_mark_end(&l->src[n]);
	return 0;
}

/* End a destination of @n pages after the AAD; TLS 1.3: with the type byte. */
static void dst_finish(struct sluice_rx *rx, struct lists *l, int n)
{
	if (is_tls13(rx))
		sg_set_buf(&l->dst[++n], rx->tail, 1);
	sg_mark_end(&l->dst[n]);
}

/* Padding or another type; the seal was good, so it will be opened once more. A promise
 * that there is no padding is taken at its word: the next record is tried directly again.
 */
static void again(struct sluice_ctx *ctx)
{
	struct sluice_rx *rx = &ctx->rx;

	sluice_stat_inc(sluice_net(ctx), SLUICE_STAT_RX_RETRIES);
	if (!ctx->expect_no_pad)
		rx->padded = PADDED_PAUSE;
	else if (!rx->tail[0])
		sluice_stat_inc(sluice_net(ctx), SLUICE_STAT_RX_NO_PAD_VIOLATIONS);
}

int sluice_open_direct(struct sluice_ctx *ctx, const struct sluice_head *head,
		       struct sluice_window *window)
{
	struct sluice_rx *rx = &ctx->rx;
	struct lists l __uninitialized;
	int ret;

	ret = source(ctx, head, &l);
	if (ret)
		return ret;
	sg_init_table(l.dst, ARRAY_SIZE(l.dst));
	dst_finish(rx, &l, sluice_window_sg(window, l.dst + 1, head->room));

	ret = open_record(ctx, head, l.src, l.dst);
	if (!ret && is_tls13(rx) && rx->tail[0] != SLUICE_DATA) {
		sluice_window_wipe(window, head->room);
		again(ctx);
		return 0;
	}
	if (ret) {
		sluice_window_wipe(window, head->room);
		return ret;
	}

	sluice_window_take(window, head->room);
	account(ctx, head, SLUICE_DATA, head->room);
	sluice_stat_inc(sluice_net(ctx), SLUICE_STAT_RX_DIRECT);
	return 1;
}

static struct sluice_plain *plain_get(struct sluice_rx *rx, u32 room)
{
	struct sluice_plain *plain = rx->spare;

	rx->spare = NULL;
	if (!plain)
		plain = kzalloc(sizeof(*plain), GFP_KERNEL_ACCOUNT);
	if (!plain)
		return NULL;
	if (sluice_buf_reserve(&plain->buf, room)) {
		rx->spare = plain;
		return NULL;
	}
	return plain;
}

/* Open from TCP's queue into @plain, or copy there and open in place. */
static int open_into(struct sluice_ctx *ctx, const struct sluice_head *head,
		     struct sluice_plain *plain)
{
	struct sluice_rx *rx = &ctx->rx;
	u32 rest = head->rec.body - head->room;
	struct lists l __uninitialized;
	int ret, n;

	sg_init_table(l.dst, ARRAY_SIZE(l.dst));
	n = sluice_buf_sg(&plain->buf, l.dst + 1, 0, head->room);
	ret = source_queued(ctx, head, &l);
	if (!ret) {
		dst_finish(rx, &l, n);
		return open_record(ctx, head, l.src, l.dst);
	}
	if (ret != -EMSGSIZE)
		return ret;

	ret = sluice_cursor_copy_buf(ctx->sk, &rx->cursor, head->rec.prefix, &plain->buf,
				     head->room);
	if (!ret)
		ret = sluice_cursor_copy(ctx->sk, &rx->cursor, head->rec.prefix + head->room,
					 rx->tail, rest);
	if (ret)
		return ret;
	sg_set_buf(&l.dst[n + 1], rx->tail, rest);
	sg_mark_end(&l.dst[n + 1]);
	return open_record(ctx, head, l.dst, l.dst);
}

/* TLS 1.3: the type is the last byte that is not padding (RFC 8446 5.4). */
static int unpad(const struct sluice_rx *rx, struct sluice_plain *plain, u32 room)
{
	u32 end = room;

	if (rx->tail[0]) {
		plain->type = rx->tail[0];
		plain->len = room;
		return 0;
	}
	while (end) {
		u32 start = round_down(end - 1, PAGE_SIZE);
		unsigned int len = end - start;
		size_t rest;
		int type = sluice_record_unpad(sluice_buf_at(&plain->buf, start, &rest), &len);

		if (type >= 0) {
			plain->type = type;
			plain->len = start + len;
			return 0;
		}
		end = start;
	}
	return -EBADMSG;
}

static int open_typed(struct sluice_ctx *ctx, const struct sluice_head *head,
		      struct sluice_plain *plain)
{
	struct sluice_rx *rx = &ctx->rx;
	int ret;

	plain->off = 0;
	ret = open_into(ctx, head, plain);
	if (ret)
		return ret;
	if (!is_tls13(rx)) {
		plain->type = head->rec.type;
		plain->len = head->room;
		return 0;
	}
	if (unpad(rx, plain, head->room))
		return refuse(ctx, SLUICE_STAT_RX_BAD_RECORD, broken(ctx, -EBADMSG),
			      TLS_ALERT_DESC_UNEXPECTED_MESSAGE);
	return 0;
}

struct sluice_plain *sluice_open_held(struct sluice_ctx *ctx, const struct sluice_head *head)
{
	struct sluice_rx *rx = &ctx->rx;
	struct sluice_plain *plain;
	int ret;

	plain = plain_get(rx, head->room);
	if (!plain)
		return ERR_PTR(-ENOMEM);
	ret = open_typed(ctx, head, plain);
	if (ret) {
		/* It may hold what a bad tag left there. */
		sluice_buf_wipe(&plain->buf);
		sluice_plain_free(ctx, plain);
		return ERR_PTR(ret);
	}
	if (rx->padded)
		rx->padded--;
	account(ctx, head, plain->type, plain->len);
	return plain;
}

size_t sluice_plain_read(const struct sluice_plain *plain, u32 skip, u32 len,
			 struct iov_iter *to)
{
	u32 off = plain->off + skip;
	size_t done = 0;

	while (done < len) {
		size_t room, part, got;
		void *from = sluice_buf_at(&plain->buf, off + done, &room);

		part = min_t(size_t, room, len - done);
		got = copy_to_iter(from, part, to);
		done += got;
		if (got < part)
			break;
	}
	return done;
}

void sluice_plain_free(struct sluice_ctx *ctx, struct sluice_plain *plain)
{
	struct sluice_rx *rx = &ctx->rx;

	if (rx->spare) {
		sluice_buf_trim(&plain->buf, 0);
		kfree(plain);
		return;
	}
	/* Pages that a pipe took are not for the next record. */
	sluice_buf_trim(&plain->buf, SLUICE_BUF_PAGES);
	rx->spare = plain;
}

void sluice_open_idle(struct sluice_ctx *ctx)
{
	struct sluice_rx *rx = &ctx->rx;

	if (sluice_cursor_avail(ctx->sk, &rx->cursor) >= rx->cursor.need)
		return;
	sluice_buf_trim(&rx->scratch, 0);
	if (!rx->spare)
		return;
	sluice_buf_trim(&rx->spare->buf, 0);
	kfree(rx->spare);
	rx->spare = NULL;
}
