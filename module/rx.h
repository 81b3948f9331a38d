/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Receiving: whole records found in the TCP receive queue are opened into the
 * reader's pages or into pages of ours, and given back to TCP once per batch.
 */
#ifndef SLUICE_RX_H
#define SLUICE_RX_H

#include <linux/list.h>
#include <linux/net.h>
#include <linux/types.h>

#include "cursor.h"
#include "dir.h"

struct msghdr;
struct pipe_inode_info;
struct sk_buff;
struct sock;
struct socket;
struct sluice_ctx;
struct sluice_plain;

/*
 * Pieces of a record to open: more than SLUICE_RX_PIECES(body) of them, and
 * copying the record together first is cheaper than a walk over them all.
 */
#define SLUICE_RX_PIECES(body)	(2 + (body) / 2048)
#define SLUICE_RX_TAIL	(1 + SLUICE_TAG_LEN)

/**
 * struct sluice_rx - the receiving side of a socket; all under the socket lock
 * @dir:	keys and sequence
 * @error:	errno (negative) that killed this direction, 0: alive. Every later
 *		read gives it again, after the bytes opened before it were read.
 *		Read without the lock, too, as is @eof
 * @misframed:	raw mode: @error is of a header. It is told once, by sk_err, as in the
 *		in-tree module
 * @rekey_due:	raw mode: a KeyUpdate was opened; nothing behind it can be before new keys
 *		are set. Read without the lock, too
 * @eof:	close_notify has come: reads give 0, TCP's FIN or not
 * @max_payload: bytes of content, padding included, in a record at most (RFC 8449 4)
 * @cursor:	where the record at the head begins
 * @held:	records opened and not read to their end, oldest first; managed mode:
 *		application data only, and never empty
 * @held_bytes:	of content in them
 * @spare:	an empty one for the next record
 * @scratch:	ciphertext copied together; empty when nothing more has come
 * @padded:	records to open aside before the next is tried directly: the peer pads
 * @tail:	what follows the content: type byte (TLS 1.3) and tag
 */
struct sluice_rx {
	struct sluice_dir dir;
	int error;
	bool misframed;
	bool rekey_due;
	bool eof;
	u16 max_payload;
	struct sluice_cursor cursor;
	struct list_head held;
	u32 held_bytes;
	struct sluice_plain *spare;
	struct sluice_buf scratch;
	u8 padded;
	u8 tail[SLUICE_RX_TAIL];
};

int sluice_rx_init(struct sluice_ctx *ctx);
void sluice_rx_free(struct sluice_ctx *ctx);	/* wipes plaintext held, and the keys */

/** sluice_rx_rekeyed() - raw mode: RX keys were set, the first or others; wakes a reader
 * for whom they open something. Socket lock held.
 */
void sluice_rx_rekeyed(struct sluice_ctx *ctx);

/* struct proto and proto_ops members; take the socket lock; without RX keys (raw
 * mode) they pass to the base.
 */
int sluice_rx_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags);
ssize_t sluice_rx_splice_read(struct socket *sock, loff_t *ppos, struct pipe_inode_info *pipe,
			      size_t len, unsigned int flags);

/**
 * sluice_rx_read_sock() - give application data to another part of the kernel
 * @sk:	locked by the caller, from process context
 * @desc:	the actor's; stops when its count is 0
 * @actor:	called with one record at a time, in a buffer whose pages it may keep
 *
 * struct proto_ops member. Does not wait. Return: bytes taken; 0: end of data; -EAGAIN:
 * none is there; -EINVAL: a record of another type is next, for recvmsg to fetch;
 * -EOPNOTSUPP: in softirq; else as recvmsg.
 */
int sluice_rx_read_sock(struct sock *sk, read_descriptor_t *desc, sk_read_actor_t actor);

/**
 * sluice_rx_readable() - would a read return at once (data, EOF or error)?
 *
 * For poll, called without the lock. Opens the head record when its type is not
 * known yet (TLS 1.3) and consumes control records in managed mode, so that
 * POLLIN is never followed by a read that blocks. May sleep.
 */
bool sluice_rx_readable(struct sluice_ctx *ctx);

/** sluice_rx_maybe_readable() - the same without opening anything: a whole record
 * or plaintext is there, or an end, or bytes must move for more to come. For
 * sk_data_ready and sock_is_readable; any context. True means: look, not: there is data.
 */
bool sluice_rx_maybe_readable(const struct sluice_ctx *ctx);

/** sluice_rx_inq() - plaintext bytes readable at once, for FIONREAD; takes the lock */
int sluice_rx_inq(struct sluice_ctx *ctx);

/** sluice_rx_drain_control() - before close: consume whole control records at the
 * head (unread ones would make TCP send RST). Lock held, does not wait.
 */
void sluice_rx_drain_control(struct sluice_ctx *ctx);

#endif
