/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The context of one socket: created at attach (or clone), freed with the
 * socket, and nowhere else.
 */
#ifndef SLUICE_CTX_H
#define SLUICE_CTX_H

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

/**
 * struct sluice_ctx - per-socket state
 * @sk:		the socket; the context lives no longer than it
 * @base_prot:	TCP's proto, for all that passes through
 * @base_ops:	the socket's own proto_ops; NULL for a child not accepted yet
 * @base_data_ready, @base_write_space, @base_state_change: TCP's callbacks
 * @state:	enum sluice_state; written under the socket lock or by the one winner
 *		of the handshake, read anywhere by READ_ONCE
 * @role:	enum sluice_role
 * @tx:		sending side
 * @rx:		receiving side
 * @hsmsg:	post-handshake messages on their way in
 * @arm:	the request and who made it, shared with children; NULL in raw mode
 * @hs:		the handshake under way; NULL before and after. Set under the socket
 *		lock (submit: slock); cleared by its end
 * @alert_sent, @alert_received: SLUICE_ALERT_NONE or description
 * @info:	outcome of the handshake for SLUICE_INFO; NULL before its end; allocated
 *		with the request; protected by the socket lock
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
	struct sluice_tx tx;
	struct sluice_rx rx;
	struct sluice_hsmsg hsmsg;
	struct sluice_arm *arm;
	struct sluice_hs *hs;
	u16 alert_sent;
	u16 alert_received;
	struct sluice_outcome *info;
	struct rcu_head rcu;
};

/**
 * sluice_ctx() - the context of a socket whose proto is ours
 *
 * Valid under the socket lock (or slock) or rcu_read_lock().
 */
static inline struct sluice_ctx *sluice_ctx(const struct sock *sk)
{
	return (__force struct sluice_ctx *)inet_csk(sk)->icsk_ulp_data;
}

static inline bool sluice_ctx_managed(const struct sluice_ctx *ctx)
{
	return READ_ONCE(ctx->state) != SLUICE_STATE_RAW;
}

static inline struct net *sluice_net(const struct sluice_ctx *ctx)
{
	return sock_net(ctx->sk);
}

/** sluice_ctx_create() - a context in raw mode. Return: it, or NULL. */
struct sluice_ctx *sluice_ctx_create(struct sock *sk, gfp_t gfp);

/** sluice_ctx_free() - wipe keys, drop all, free after a grace period. The socket's
 * callbacks are TCP's again. Any context but hard irq.
 */
void sluice_ctx_free(struct sluice_ctx *ctx);

/**
 * sluice_ctx_wait_open() - wait until a managed socket is open
 * @ctx:	locked; the lock is released while waiting
 * @timeo:	jiffies left, updated; 0: do not wait
 *
 * Return: 0 at once in raw mode, or when open; -EAGAIN; -ERESTARTSYS and friends; the
 * errno of a failed handshake; -ENOTCONN when armed and not connected.
 */
int sluice_ctx_wait_open(struct sluice_ctx *ctx, long *timeo);

#endif
