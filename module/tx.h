/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sending: program bytes become records in batches, back to back in a run of
 * pages, and each batch goes to TCP in one call.
 */
#ifndef SLUICE_TX_H
#define SLUICE_TX_H

#include <linux/types.h>

#include "dir.h"

struct msghdr;
struct sock;
struct socket;
struct sluice_ctx;

/**
 * struct sluice_tx - the sending side of a socket; all under the socket lock
 * @dir:	keys and sequence
 * @keyupdate_due: the peer asked for a KeyUpdate: send one before the next
 *		application record (RFC 8446 4.6.3)
 * @closed:	close_notify or a fatal alert has been sealed: nothing may follow
 *
 * The engine adds what it needs below.
 */
struct sluice_tx {
	struct sluice_dir dir;
	bool keyupdate_due;
	bool closed;
};

int sluice_tx_init(struct sluice_ctx *ctx);

/* After this nothing of TX is left; a sealed tail not yet taken by TCP is dropped. */
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
 * Pending plaintext (MSG_MORE) is sealed and goes first. Over-commits the send
 * buffer by that record: it never waits and never loses a record once sealed; what
 * TCP cannot take now is kept and pushed from write_space.
 * Return: 0 (sent or owned by the context), -EPIPE (closed), or errno with
 * nothing sealed.
 */
int sluice_tx_control(struct sluice_ctx *ctx, u8 type, const void *data, size_t len);

/**
 * sluice_tx_flush() - seal pending plaintext and push all sealed bytes
 *
 * Socket lock held, does not wait. Return: 0 all is TCP's, -EAGAIN a tail is left.
 */
int sluice_tx_flush(struct sluice_ctx *ctx);

/** sluice_tx_writable() - would a sendmsg take bytes? for poll; any context */
bool sluice_tx_writable(const struct sluice_ctx *ctx);

/** sluice_tx_write_space() - TCP has room again: push a sealed tail, GFP_ATOMIC.
 * From sk_write_space, slock held, or from release_cb. Return: whether the program may be
 * woken (no tail left).
 */
bool sluice_tx_write_space(struct sluice_ctx *ctx);

#endif
