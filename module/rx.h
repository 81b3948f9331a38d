/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Receiving: whole records found in the TCP receive queue are opened into the
 * reader's pages or into one buffer, and given back to TCP once per batch.
 */
#ifndef SLUICE_RX_H
#define SLUICE_RX_H

#include <linux/types.h>

#include "dir.h"

struct msghdr;
struct pipe_inode_info;
struct sk_buff;
struct sock;
struct socket;
struct sluice_ctx;

/**
 * struct sluice_rx - the receiving side of a socket; all under the socket lock
 * @dir:	keys and sequence
 * @error:	errno (negative) that killed this direction, 0: alive. Every later
 *		read gives it again, after the bytes opened before it were read
 * @eof:	close_notify has come: reads give 0, TCP's FIN or not
 *
 * The engine adds what it needs below.
 */
struct sluice_rx {
	struct sluice_dir dir;
	int error;
	bool eof;
};

int sluice_rx_init(struct sluice_ctx *ctx);
void sluice_rx_free(struct sluice_ctx *ctx);	/* wipes plaintext held */

/* struct proto and proto_ops members; take the socket lock; without RX keys (raw
 * mode) they pass to the base.
 */
int sluice_rx_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags, int *addr_len);
ssize_t sluice_rx_splice_read(struct socket *sock, loff_t *ppos, struct pipe_inode_info *pipe,
			      size_t len, unsigned int flags);

/**
 * sluice_rx_readable() - would a read return at once (data, EOF or error)?
 *
 * For poll, called without the lock. Opens the head record when its type is not
 * known yet (TLS 1.3) and consumes control records in managed mode, so that
 * POLLIN is never followed by a read that blocks. May sleep.
 */
bool sluice_rx_readable(struct sluice_ctx *ctx);

/** sluice_rx_maybe_readable() - the same without opening anything: a whole record
 * or plaintext is there, or an end. For sk_data_ready and sock_is_readable;
 * any context. True means: look, not: there is data.
 */
bool sluice_rx_maybe_readable(const struct sluice_ctx *ctx);

/** sluice_rx_inq() - plaintext bytes readable at once, for FIONREAD; takes the lock */
int sluice_rx_inq(struct sluice_ctx *ctx);

/** sluice_rx_drain_control() - before close: consume whole control records at the
 * head (unread ones would make TCP send RST). Lock held, does not wait.
 */
void sluice_rx_drain_control(struct sluice_ctx *ctx);

#endif
