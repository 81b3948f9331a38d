// SPDX-License-Identifier: GPL-2.0-only
/*
 * The context of one socket, from birth to death, and the wait for its
 * handshake. Who attaches and detaches it is ulp.c's business.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "ctx.h"
#include "handshake.h"
#include "ticket.h"
#include "ulp.h"

struct sluice_ctx *sluice_ctx_create(struct sock *sk, gfp_t gfp)
{
	struct sluice_ctx *ctx = kzalloc(sizeof(*ctx), gfp);

	if (!ctx)
		return NULL;
	ctx->sk = sk;
	ctx->rcvlowat = 1;
	ctx->alert_sent = SLUICE_ALERT_NONE;
	ctx->alert_received = SLUICE_ALERT_NONE;
	sluice_stat_inc(sock_net(sk), SLUICE_STAT_SOCKETS);
	return ctx;
}

int sluice_ctx_prepare(struct sluice_ctx *ctx)
{
	int err;

	if (ctx->ready)
		return 0;
	err = sluice_tx_init(ctx);
	if (err)
		return err;
	err = sluice_rx_init(ctx);
	if (err) {
		sluice_tx_free(ctx);
		return err;
	}
	ctx->ready = true;
	return 0;
}

void sluice_ctx_key(struct sluice_ctx *ctx, struct sluice_dir *dir, struct sluice_key *key,
		    u64 seq, u64 nonce)
{
	struct net *net = sluice_net(ctx);
	bool tx = dir == &ctx->tx.dir;

	sock_owned_by_me(ctx->sk);
	if (!dir->key) {
		sluice_stat_inc(net, tx ? SLUICE_STAT_TX_SESSIONS : SLUICE_STAT_RX_SESSIONS);
		sluice_stat_inc(net, tx ? SLUICE_STAT_TX_CURRENT : SLUICE_STAT_RX_CURRENT);
	}
	/* For lockless readers. */
	WRITE_ONCE(ctx->version, key->version);
	WRITE_ONCE(ctx->cipher, key->cipher->type);
	sluice_dir_install(dir, key, seq, nonce);
}

static void sluice_ctx_uncount(const struct sluice_ctx *ctx)
{
	struct net *net = sluice_net(ctx);

	sluice_stat_add(net, SLUICE_STAT_SOCKETS, -1);
	if (ctx->tx.dir.key)
		sluice_stat_add(net, SLUICE_STAT_TX_CURRENT, -1);
	if (ctx->rx.dir.key)
		sluice_stat_add(net, SLUICE_STAT_RX_CURRENT, -1);
}

static void sluice_ctx_reap(struct rcu_head *rcu)
{
	struct sluice_ctx *ctx = container_of(rcu, struct sluice_ctx, rcu);

	sluice_arm_put(ctx->arm);
	kfree(ctx);
}

void sluice_ctx_free(struct sluice_ctx *ctx)
{
	WARN_ON_ONCE(ctx->hs);
	sluice_ctx_uncount(ctx);
	if (ctx->ready) {
		sluice_tx_free(ctx);
		sluice_rx_free(ctx);
	}
	sluice_dir_wipe(&ctx->tx.dir);
	sluice_dir_wipe(&ctx->rx.dir);
	memzero_explicit(ctx->raw_tx, sizeof(ctx->raw_tx));
	memzero_explicit(ctx->raw_rx, sizeof(ctx->raw_rx));
	sluice_outcome_free(ctx->info);
	sluice_ticket_free(ctx->hsmsg.ticket);
	sluice_ticket_end(ctx);
	/*
	 * Callbacks that began before ulp.c took the socket back may still look, and a
	 * child being cloned from it in softirq may still take its share of the request.
	 */
	call_rcu(&ctx->rcu, sluice_ctx_reap);
}

int sluice_ctx_error(const struct sluice_ctx *ctx)
{
	sock_owned_by_me(ctx->sk);
	/* Memory for the outcome is all that can lack. */
	return ctx->info ? -(int)ctx->info->error : -ENOMEM;
}

/* 0, an errno, or -EINPROGRESS: only time will tell. */
static int sluice_ctx_progress(struct sluice_ctx *ctx)
{
	/* Pairs with hs_publish(): the outcome is there when the state says so. */
	switch (smp_load_acquire(&ctx->state)) {
	case SLUICE_STATE_RAW:
	case SLUICE_STATE_OPEN:
		return 0;
	case SLUICE_STATE_FAILED:
		return sluice_ctx_error(ctx);
	case SLUICE_STATE_ARMED:
		if ((1 << ctx->sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV))
			return -EINPROGRESS;
		return sock_error(ctx->sk) ?: -ENOTCONN;
	default:
		return -EINPROGRESS;
	}
}

static bool sluice_ctx_settled(const struct sluice_ctx *ctx)
{
	int state = READ_ONCE(ctx->state);

	if (state == SLUICE_STATE_ARMED)
		return !((1 << inet_sk_state_load(ctx->sk)) &
			 (TCPF_SYN_SENT | TCPF_SYN_RECV));
	return !sluice_ctx_shaking(ctx);
}

static int sluice_ctx_wait(struct sluice_ctx *ctx, long *timeo)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct sock *sk = ctx->sk;
	int err;

	add_wait_queue(sk_sleep(sk), &wait);
	for (;;) {
		sluice_ulp_start(ctx);
		err = sluice_ctx_progress(ctx);
		if (err != -EINPROGRESS)
			break;
		if (!*timeo) {
			err = -EAGAIN;
			break;
		}
		if (signal_pending(current)) {
			err = sock_intr_errno(*timeo);
			break;
		}
		err = sk_wait_event(sk, timeo, sluice_ctx_settled(ctx), &wait);
		if (err < 0)
			break;
	}
	remove_wait_queue(sk_sleep(sk), &wait);
	return err;
}

int sluice_ctx_wait_open(struct sluice_ctx *ctx, long *timeo)
{
	int err;

	sock_owned_by_me(ctx->sk);
	sluice_ulp_start(ctx);
	err = sluice_ctx_progress(ctx);
	if (err != -EINPROGRESS)
		return err;
	return *timeo ? sluice_ctx_wait(ctx, timeo) : -EAGAIN;
}
