/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The context of one socket: created at attach (or clone), freed with the
 * socket, and nowhere else.
 */
#ifndef SLUICE_CTX_H
#define SLUICE_CTX_H

#include <linux/rcupdate.h>
#include <linux/tcp.h>
#include <net/inet_connection_sock.h>
#include <net/sock.h>
#include <uapi/linux/sluice.h>
#include <uapi/linux/tls.h>

#include "managed.h"
#include "rx.h"
#include "stats.h"
#include "tx.h"

struct sluice_arm;
struct sluice_hs;
struct sluice_outcome;

/* The largest structure of <linux/tls.h> that TLS_TX and TLS_RX take. */
#define SLUICE_RAW_MAX	sizeof(struct tls12_crypto_info_aes_gcm_256)

/**
 * struct sluice_ctx - per-socket state
 * @sk:		the socket; the context lives no longer than it
 * @base_prot:	TCP's proto, for all that passes through
 * @base_ops:	TCP's proto_ops
 * @base_data_ready: the callback before ours; likewise the next two
 * @base_write_space: see @base_data_ready
 * @base_state_change: see @base_data_ready
 * @state:	enum sluice_state; written under the socket lock or by the one winner
 *		of the handshake, read anywhere by READ_ONCE
 * @role:	enum sluice_role
 * @version:	TLS version of the keys, 0: none; written by sluice_ctx_key() alone,
 *		read anywhere
 * @cipher:	TLS_CIPHER_* of the keys, likewise
 * @ready:	@tx and @rx were initialised (a child: at accept)
 * @accepted:	a program holds the socket; false for a child in the accept queue.
 *		Its handshake must not start yet: it has no struct socket
 * @write_space_due: write_space came while the socket was owned: release_cb does it
 * @zerocopy_ro: TLS_TX_ZEROCOPY_RO as set: kept for the program; only a device could
 *		make use of it
 * @expect_no_pad: TLS_RX_EXPECT_NO_PAD as set: direct reads go on after a padded record
 * @rcvlowat:	SO_RCVLOWAT in bytes of plaintext, once sluice_ulp_guard() has run;
 *		sk->sk_rcvlowat is 1 from then on, or TCP would count ciphertext and
 *		sit on a complete record
 * @raw_tx:	raw mode, reveal_keys=1: what TLS_TX gave, for getsockopt; else zero
 * @raw_rx:	likewise, what TLS_RX gave
 * @tx:		sending side
 * @rx:		receiving side
 * @hsmsg:	post-handshake messages on their way in
 * @arm:	the request and who made it, shared with children; NULL in raw mode.
 *		Set once under the socket lock, with release semantics: clone of a
 *		listener reads it without the lock
 * @hs:		the handshake under way; NULL before and after. Set under the socket
 *		lock (submit: slock); cleared by its end
 * @tickets:	the handshake whose agent wants to see tickets, a reference; or NULL;
 *		protected by the socket lock
 * @alert_sent:	SLUICE_ALERT_NONE or description
 * @alert_received: SLUICE_ALERT_NONE or description
 * @info:	outcome of the handshake for SLUICE_INFO; NULL before its end;
 *		protected by the socket lock; kfree'd with the context
 * @rcu:	frees the context, and drops @arm, after a grace period
 */
struct sluice_ctx {
	struct sock *sk;
	struct proto *base_prot;
	const struct proto_ops *base_ops;
	void (*base_data_ready)(struct sock *sk);
	void (*base_write_space)(struct sock *sk);
	void (*base_state_change)(struct sock *sk);
	int state;
	u16 role;
	u16 version;
	u16 cipher;
	bool ready;
	bool accepted;
	bool write_space_due;
	bool zerocopy_ro;
	bool expect_no_pad;
	int rcvlowat;
	u8 raw_tx[SLUICE_RAW_MAX];
	u8 raw_rx[SLUICE_RAW_MAX];
	struct sluice_tx tx;
	struct sluice_rx rx;
	struct sluice_hsmsg hsmsg;
	struct sluice_arm *arm;
	struct sluice_hs *hs;
	struct sluice_hs *tickets;
	u16 alert_sent;
	u16 alert_received;
	struct sluice_outcome *info;
	struct rcu_head rcu;
};

/**
 * sluice_ctx() - the context of a socket whose proto is ours
 * @sk:	the socket
 *
 * Valid under the socket lock (or slock), within rcu_read_lock(), and in a call that
 * came through the socket's file: only close and destroy free it.
 */
static inline struct sluice_ctx *sluice_ctx(const struct sock *sk)
{
	return rcu_dereference_raw(inet_csk(sk)->icsk_ulp_data);
}

static inline bool sluice_ctx_managed(const struct sluice_ctx *ctx)
{
	return READ_ONCE(ctx->state) != SLUICE_STATE_RAW;
}

/* A handshake was submitted and has not ended. */
static inline bool sluice_ctx_shaking(const struct sluice_ctx *ctx)
{
	int state = READ_ONCE(ctx->state);

	return state == SLUICE_STATE_PENDING || state == SLUICE_STATE_ACCEPTED;
}

/* TCP has been connected, and data may still move one way at least. */
static inline bool sluice_ctx_connected(const struct sluice_ctx *ctx)
{
	return (1 << inet_sk_state_load(ctx->sk)) &
	       (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT | TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2);
}

static inline struct net *sluice_net(const struct sluice_ctx *ctx)
{
	return sock_net(ctx->sk);
}

/* Bytes of plaintext that a read of @len waits for: SO_RCVLOWAT, MSG_WAITALL. */
static inline size_t sluice_ctx_target(const struct sluice_ctx *ctx, bool waitall, size_t len)
{
	return waitall ? len : min_t(size_t, READ_ONCE(ctx->rcvlowat), len);
}

/**
 * sluice_ctx_create() - a context in raw mode, not yet seen by anyone
 * @sk:	the socket
 * @gfp: context of the caller
 *
 * Return: it, to be published by ulp.c, or NULL.
 */
struct sluice_ctx *sluice_ctx_create(struct sock *sk, gfp_t gfp);

/**
 * sluice_ctx_prepare() - initialise both directions
 * @ctx: a new context, or that of a child being accepted, locked
 *
 * Process context. Return: 0, also when done before; -ENOMEM.
 */
int sluice_ctx_prepare(struct sluice_ctx *ctx);

/**
 * sluice_ctx_key() - put in place a direction's keys that came from outside; cannot fail
 * @ctx:	locked
 * @dir:	&ctx->tx.dir or &ctx->rx.dir
 * @key:	taken over
 * @seq:	sequence number of the next record
 * @nonce:	explicit nonce of the next record, where the cipher has one
 *
 * As sluice_dir_install(), and the context and the counters know of it.
 */
void sluice_ctx_key(struct sluice_ctx *ctx, struct sluice_dir *dir, struct sluice_key *key,
		    u64 seq, u64 nonce);

/**
 * sluice_ctx_free() - wipe keys, drop all, free after a grace period
 * @ctx: no handshake under way; the socket's callbacks are TCP's again
 *
 * Any context but hard irq.
 */
void sluice_ctx_free(struct sluice_ctx *ctx);

/**
 * sluice_ctx_error() - why a managed socket failed
 * @ctx: in state FAILED, locked
 *
 * Return: negative errno.
 */
int sluice_ctx_error(const struct sluice_ctx *ctx);

/**
 * sluice_ctx_wait_open() - wait until a managed socket is open
 * @ctx:	locked; the lock is released while waiting
 * @timeo:	jiffies left, updated; 0: do not wait
 *
 * Starts the handshake of an armed socket that is connected and has none yet.
 *
 * Return: 0 at once in raw mode, or when open; -EAGAIN; -ERESTARTSYS and friends; the
 * errno of a failed handshake; -ENOTCONN when armed and not connected.
 */
int sluice_ctx_wait_open(struct sluice_ctx *ctx, long *timeo);

#endif
