/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sending: program bytes become records in batches, back to back in a run of
 * pages, and each batch goes to TCP in one call.
 */
#ifndef SLUICE_TX_H
#define SLUICE_TX_H

#include <linux/timer.h>
#include <linux/types.h>

#include "dir.h"
#include "sizing.h"

struct msghdr;
struct sluice_batch;
struct sock;
struct socket;
struct sluice_ctx;

/**
 * struct sluice_tx - the sending side of a socket; all under the socket lock
 * @dir:	keys and sequence
 * @keyupdate_due: send a KeyUpdate before the next application record: the peer asked
 *		for it (RFC 8446 4.6.3), or the program did while there was no room
 * @keyupdate_ask: and ask the peer for its own in it
 * @expired:	TLS 1.2, managed: the key came to its limit, and no other will follow
 * @closed:	close_notify or a fatal alert has been sealed: nothing may follow
 * @pushing:	TCP is being called: its call-backs must not push in turn
 * @max_payload: bytes of content in a record at most (TLS_TX_MAX_PAYLOAD_LEN, RFC 8449)
 * @sizing:	how much of that the next one shall have
 * @open_len:	bytes of application data collected in @open (MSG_MORE)
 * @open:	the record that is not full yet, plain; NULL while there is none
 * @batch:	sealed records that are not TCP's yet, and scratch; NULL between calls that
 *		have left nothing
 * @retry:	pushes them where nothing else will: TCP had no memory, and nothing is in
 *		flight whose acknowledgment would call; holds the sock while it is armed
 */
struct sluice_tx {
	struct sluice_dir dir;
	bool keyupdate_due;
	bool keyupdate_ask;
	bool expired;
	bool closed;
	bool pushing;
	u16 max_payload;
	struct sluice_sizing sizing;
	u16 open_len;
	u8 *open;
	struct sluice_batch *batch;
	struct timer_list retry;
};

/** sluice_tx_init() - ready for keys; allocates nothing. Return: 0. */
int sluice_tx_init(struct sluice_ctx *ctx);

/** sluice_tx_free() - nothing of TX is left; a sealed tail that TCP has not taken is
 * dropped. Socket lock held, or nobody else has the socket any more.
 */
void sluice_tx_free(struct sluice_ctx *ctx);

/* struct proto and proto_ops members; take the socket lock; TX keys are in place
 * or (raw mode) data passes to the base proto untouched.
 */
int sluice_tx_sendmsg(struct sock *sk, struct msghdr *msg, size_t size);
void sluice_tx_splice_eof(struct socket *sock);

/**
 * sluice_tx_control() - seal and send one control record now
 * @ctx:	socket with TX keys, locked
 * @type:	content type: alert or handshake
 * @data:	content, at most 64 bytes
 * @len:	its length
 *
 * Pending plaintext (MSG_MORE) goes before an alert; a handshake message has no
 * order with data and may overtake it. Over-commits the send buffer by what it
 * seals: it never waits and never loses a record once sealed; what TCP cannot
 * take now is kept and pushed from write_space. Process context.
 * Return: 0 (sent or owned by the context), -EPIPE (closed, or the connection is
 * dead), -ENOTCONN (no keys), or errno with nothing of this record sealed.
 */
int sluice_tx_control(struct sluice_ctx *ctx, u8 type, const void *data, size_t len);

/**
 * sluice_tx_flush() - seal pending plaintext and push all sealed bytes
 *
 * Over-commits the send buffer, does not wait. Socket lock held, process context.
 * Return: 0: all is TCP's; -EAGAIN: a tail is left; else what stopped sealing.
 */
int sluice_tx_flush(struct sluice_ctx *ctx);

/** sluice_tx_left() - is anything of the program's not TCP's yet? Socket lock held. */
bool sluice_tx_left(const struct sluice_ctx *ctx);

/** sluice_tx_writable() - would a sendmsg take bytes? for poll; any context */
bool sluice_tx_writable(const struct sluice_ctx *ctx);

/** sluice_tx_write_space() - TCP has room again: push a sealed tail, GFP_ATOMIC.
 * From sk_write_space, slock held, or from release_cb. Return: whether the program may be
 * woken (no tail left).
 */
bool sluice_tx_write_space(struct sluice_ctx *ctx);

#endif
